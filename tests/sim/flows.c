/* flows.c - the flows of the simulated world, in versions that differ.
 *
 * One idea: they have every kind of step, order once by each way there is, and
 * differ from version to version, so that runs of old versions go on beside
 * those of new ones. */
#include "flows.h"

#include <stdio.h>
#include <stdlib.h>

#include "world.h"

enum { VARIANTS = 3, TEXT_MAX = 6000 };

#define FLOW_HEAD                                                              \
    "{\"flow\":\"won\",\"title\":\"version "                                   \
    "%u\",\"newer\":\"%s\",\"trigger\":{\"instance\":"                         \
    "\"crm\",\"type\":\"box_event/1\"},\"steps\":["                            \
    "{\"name\":\"deal\",\"call\":\"read_deal\",\"on\":\"crm\",\"with\":[{"     \
    "\"to\":\"/box\",\"from\":\"/trigger/box\"}]},"                            \
    "{\"name\":\"won\",\"filter\":{\"path\":\"/deal/stage\",\"equals\":"       \
    "\"Closed-Won\"}},"                                                        \
    "{\"name\":\"order\",\"as\":\"sales_order/1\",\"transform\":["             \
    "{\"to\":\"/external_id\",\"from\":\"/deal/key\"},"                        \
    "{\"to\":\"/customer\",\"from\":\"/deal/fields/Customer\"},"               \
    "{\"to\":\"/po_number\",\"from\":\"/deal/key\",\"convert\":[{\"short_"     \
    "key\":{\"prefix\":\"ST-\"}}]},"                                           \
    "{\"to\":\"/order_date\",\"value\":\"2026-03-02\"},"                       \
    "{\"to\":\"/lines\",\"from\":\"/deal/fields/Lines\",\"convert\":[{"        \
    "\"table\":{\"columns\":[\"code\",\"quantity\",\"price\"]}}],\"each\":["   \
    "{\"to\":\"/line\",\"from\":\"/index\",\"convert\":\"string\"},"           \
    "{\"to\":\"/stock_code\",\"from\":\"/row/code\"},"                         \
    "{\"to\":\"/quantity\",\"from\":\"/row/quantity\",\"convert\":"            \
    "\"decimal\"},"                                                            \
    "{\"to\":\"/unit\",\"value\":\"EA\"},"                                     \
    "{\"to\":\"/price\",\"from\":\"/row/price\",\"convert\":[{\"decimal\":{"   \
    "\"scale\":5}}]}]}]},"

#define FLOW_TAIL                                                              \
    "{\"name\":\"tell\",\"deliver\":\"deal/1\",\"to\":\"crm\",\"body\":["      \
    "{\"to\":\"/key\",\"from\":\"/deal/key\"},"                                \
    "{\"to\":\"/fields/Order\",\"from\":\"/post/reference/number\"}]}]}"

#define FLOW_POST(more)                                                        \
    "{\"name\":\"post\",\"deliver\":\"sales_order/1\",\"to\":\"erp\",\"body\"" \
    ":\"/order\"" more "},"

#define FLOW_REMARK(name, id, more)                                            \
    "{\"name\":\"" name "\",\"deliver\":\"activity/1\",\"to\":\"crm\","        \
    "\"body\":[{\"to\":\"/external_id\",\"from\":\"" id "\"},{\"to\":"         \
    "\"/deal\",\"from\":\"/deal/key\"},{\"to\":\"/text\",\"value\":"           \
    "\"hello\"}]" more "}"

#define FLOW_SWITCH                                                            \
    "{\"name\":\"size\",\"switch\":[{\"when\":{\"path\":\"/deal/size\","       \
    "\"equals\":\"big\"},\"steps\":[{\"name\":\"big\",\"transform\":{\"jq\":"  \
    "\".deal\"}}," FLOW_REMARK(                                                \
        "bigsay", "/deal/big",                                                 \
        "") "]},{\"otherwise\":true,\"steps\":[{\"name\":\"small\","           \
            "\"transform\":["                                                  \
            "{\"to\":\"/key\",\"from\":\"/deal/key\"}]}]}]},"

#define FLOW_SAYS                                                              \
    "{\"name\":\"says\",\"map\":{\"over\":\"/deal/remarks\",\"as\":"           \
    "\"remark\",\"steps\":[{\"name\":\"odd\",\"filter\":{\"path\":"            \
    "\"/remark/odd\",\"equals\":\"yes\"}}," FLOW_REMARK(                       \
        "say", "/remark/id", ",\"on_park\":\"skip\"") "]}},"

#define FLOW_JQ "{\"name\":\"small\",\"transform\":{\"jq\":\".deal\"}},"

#define FLOW_AGAIN                                                             \
    "{\"name\":\"again\",\"call\":\"read_deal\",\"on\":\"crm\",\"with\":[{"    \
    "\"to\":\"/box\",\"from\":\"/trigger/box\"}]},"

static const char *const won_flows[VARIANTS] = {
    FLOW_HEAD FLOW_POST("") FLOW_TAIL,
    /* A switch with a jq program, a remark that two deals share, and remarks
     * in a map that a parked one does not hold up. */
    FLOW_HEAD FLOW_SWITCH FLOW_REMARK("pair", "/deal/pair", "") "," FLOW_POST(
        ",\"on_park\":\"skip\"") FLOW_SAYS FLOW_TAIL,
    /* The deal read again behind the order. */
    FLOW_HEAD FLOW_JQ FLOW_POST("") FLOW_AGAIN FLOW_TAIL,
};

static const char remind_flow[] =
    "{\"flow\":\"remind\",\"title\":\"version %u\",\"newer\":\"%s\","
    "\"trigger\":{\"instance\":"
    "\"crm\",\"type\":\"box_event/1\"},\"steps\":[{\"name\":\"say\","
    "\"deliver\":\"activity/1\",\"to\":\"crm\",\"body\":[{\"to\":"
    "\"/external_id\",\"from\":\"/trigger/box\"},{\"to\":\"/deal\",\"from\":"
    "\"/trigger/box\"},{\"to\":\"/text\",\"value\":\"new\"}]}]}";

static void load(struct world *world, const char *format)
{
    char text[TEXT_MAX];
    unsigned version = world->flow_version;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(text, sizeof(text), format, version,
             version % 2 ? "overtakes" : "waits");
#pragma GCC diagnostic pop
    world_add_flow(world, text);
}

void flows_load(struct world *world)
{
    engine_begin_flows(world->engine);
    load(world, won_flows[world->variant]);
    if (world->flow_version % 3 != 1)
        load(world, remind_flow);
    engine_end_flows(world->engine);
}

void flows_reload(struct world *world)
{
    if (!world->calm && world_chance(world, 400))
        world->flow_version = world_draw(world, 4); /* one that was before */
    else
        world->flow_version++;
    /* The one with most steps most often. */
    world->variant = (1 + world_draw(world, VARIANTS + 1)) % VARIANTS;
    TRACE("reload version %u variant %u\n", world->flow_version,
          world->variant);
    flows_load(world);
}
