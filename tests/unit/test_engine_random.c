/* links: connect_flow connect_plugin connect_store connect_config connect_sdk
 * connect_base */
/* The engine under random events: thousands of steps a seed over a real store,
 * an ERP and a CRM that really keep what they are sent, and everything that can
 * go wrong between them: every status, lost answers, effects that come late,
 * commits and questions that fail, crashes, stops, reloads, acts, instances
 * that come and go.  Then the faults stop, and what must hold is looked at:
 *
 *   no deal has two orders, no remark stands twice, at any moment;
 *   what was accepted is known again, and every run comes to its end;
 *   every won deal has its order, and the deal carries that order's number.
 *
 *   test_engine_random            the default seeds
 *   test_engine_random SEED       one seed
 *   test_engine_random FIRST LAST these seeds
 * CONNECT_WALK_STEPS sets the steps of a seed, CONNECT_WALK_TRACE=1 prints
 * them. */
#include "engine_world.h"

#include <fcntl.h>

#include "base/log.h"

enum {
    SEEDS = 200,
    STEPS = 900,
    BOXES = 6,
    DOCUMENTS_MAX = 256,
    EVENTS_MAX = 4096,
    LATE_MS = 50000, /* an effect comes at most so long after the doubt; the
                      * settle time of the types is 60 s */
    WAKES_MAX = 1500 /* of the end of a seed; more is a busy loop */
};

struct document { /* in the ERP or the CRM, by its external id */
    char what[32], key[WORLD_KEY_MAX];
    unsigned commits;
    int64_t late_ms[4]; /* effects that will come; 0: none */
    char number[16];
};

struct box {
    char key[16];
    bool won;
    unsigned lines;
    char told[16]; /* the number it carries */
};

struct walk {
    struct world *world;
    uint64_t seed;
    struct box boxes[BOXES];
    struct document documents[DOCUMENTS_MAX];
    size_t document_count;
    char events[EVENTS_MAX][16]; /* answered as kept */
    size_t event_count;
    unsigned next_event, next_number, flow_version;
    unsigned fault; /* of a thousand commits */
    bool calm;      /* the faults have stopped */
    bool quiet;     /* no polls */
    unsigned feed;  /* records of the stream so far */
    unsigned variant;
    unsigned shadows;     /* under way */
    char backup[80];      /* its directory; "": none */
    size_t backup_events; /* kept when it was made */
};

/* How often each thing happened over all seeds, so that it can be seen what a
 * walk reaches. */
static struct {
    size_t accepts, duplicates, calls, delivers, probes, polls, jqs, crashes,
        stops, reloads, acts, acts_done, commits, commits_failed,
        queries_failed, starts_refused, late, in_doubt, adopted, parked, steps,
        settles, settled, replays, shadows, shadows_done, backups, restores,
        statuses[3][16];
} seen;

static bool tracing;

#define TRACE(...)                                                             \
    do {                                                                       \
        if (tracing)                                                           \
            printf(__VA_ARGS__);                                               \
    } while (0)

#define BROKEN(walk, ...)                                                      \
    do {                                                                       \
        fprintf(stderr, "seed %llu: ", (unsigned long long)(walk)->seed);      \
        fprintf(stderr, __VA_ARGS__);                                          \
        fprintf(stderr, "\n");                                                 \
        fail_msg("run: test_engine_random %llu",                               \
                 (unsigned long long)(walk)->seed);                            \
    } while (0)

static unsigned draw(struct walk *walk, unsigned below)
{
    return (unsigned)((world_random(walk->world) >> 11) % below);
}

static bool chance(struct walk *walk, unsigned of_thousand)
{
    return draw(walk, 1000) < of_thousand;
}

/* ---- Flows --------------------------------------------------------------- */

#define FLOW_HEAD                                                              \
    "{\"flow\":\"won\",\"newer\":\"%s\",\"title\":\"version %u\","             \
    "\"trigger\":{\"instance\":\"crm\",\"type\":\"box_event/1\"},\"steps\":["  \
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

static const char *const won_flows[] = {
    FLOW_HEAD FLOW_POST("") FLOW_TAIL,
    /* A switch with a jq program, and remarks in a map that a
     * parked one does not hold up. */
    FLOW_HEAD
    "{\"name\":\"size\",\"switch\":[{\"when\":{\"path\":\"/deal/"
    "size\","
    "\"equals\":\"big\"},\"steps\":[{\"name\":\"big\","
    "\"transform\":{\"jq\":"
    "\".deal\"}}," FLOW_REMARK(
        "bigsay", "/deal/big",
        "") "]},"
            "{\"otherwise\":true,\"steps\":[{\"name\":\"small\","
            "\"transform\":["
            "{\"to\":\"/key\",\"from\":\"/deal/"
            "key\"}]}]}]}," FLOW_POST(
                ",\"on_park\":\"skip\"") "{\"name\":\"says\","
                                         "\"map\":{\"over\":\"/"
                                         "deal/"
                                         "remarks\",\"as\":"
                                         "\"remark\","
                                         "\"steps\":[{\"name\":"
                                         "\"odd\",\"filter\":{"
                                         "\"path\":\"/remark/odd\","
                                         "\"equals\":\"yes\"}}"
                                         "," FLOW_REMARK(
                                             "say", "/remark/id",
                                             ",\"on_park\":"
                                             "\"skip\"") "]}}"
                                                         "," FLOW_TAIL,
    /* The order from inside a switch, the deal read again behind
       it. */
    FLOW_HEAD "{\"name\":\"small\",\"transform\":{\"jq\":\".deal\"}}"
              "," FLOW_POST("") "{\"name\":\"again\",\"call\":\"read_deal\","
                                "\"on\":\"crm\",\"with\":[{"
                                "\"to\":\"/box\",\"from\":\"/trigger/"
                                "box\"}]}," FLOW_TAIL};

static const char remind_flow[] =
    "{\"flow\":\"remind\",\"newer\":\"%s\",\"title\":\"version %u\","
    "\"trigger\":{\"instance\":\"crm\",\"type\":\"box_event/"
    "1\"},\"steps\":[{\"name\":\"say\","
    "\"deliver\":\"activity/1\",\"to\":\"crm\",\"body\":[{\"to\":"
    "\"/external_id\",\"from\":\"/trigger/box\"},{\"to\":\"/deal\",\"from\":"
    "\"/trigger/box\"},{\"to\":\"/text\",\"value\":\"new\"}]}]}";

static void load_flow(struct walk *walk, const char *format)
{
    char *text = NULL;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    /* By the version, so that one that comes back is the same. */
    assert_true(asprintf(&text, format,
                         walk->flow_version % 2 ? "overtakes" : "waits",
                         walk->flow_version) > 0);
#pragma GCC diagnostic pop
    world_add_flow(walk->world, text);
    free(text);
}

static void load_flows(struct walk *walk)
{
    engine_begin_flows(walk->world->engine);
    load_flow(walk, won_flows[walk->variant]);
    if (walk->flow_version % 3 != 1)
        load_flow(walk, remind_flow);
    engine_end_flows(walk->world->engine);
}

static void reload(struct walk *walk)
{
    if (!walk->calm && chance(walk, 400))
        walk->flow_version = draw(walk, 4); /* one that was there before */
    else
        walk->flow_version++;
    walk->variant = draw(walk, 3);
    TRACE("reload version %u variant %u\n", walk->flow_version, walk->variant);
    load_flows(walk);
}

/* ---- The other systems --------------------------------------------------- */

static struct document *document_of(struct walk *walk, const char *what,
                                    const char *key)
{
    struct document *document;

    for (size_t index = 0; index < walk->document_count; index++) {
        document = &walk->documents[index];
        if (!strcmp(document->what, what) && !strcmp(document->key, key))
            return document;
    }
    assert_true(walk->document_count < DOCUMENTS_MAX);
    document = &walk->documents[walk->document_count++];
    snprintf(document->what, sizeof(document->what), "%s", what);
    snprintf(document->key, sizeof(document->key), "%s", key);
    return document;
}

static void document_commit(struct walk *walk, struct document *document)
{
    TRACE("  COMMITTED %s %s\n", document->what, document->key);
    if (document->commits++)
        BROKEN(walk, "%s %s exists twice", document->what, document->key);
    snprintf(document->number, sizeof(document->number), "N%u",
             ++walk->next_number);
}

static void document_commit_late(struct walk *walk, struct document *document)
{
    for (size_t index = 0; index < 4; index++) {
        if (document->late_ms[index])
            continue;
        document->late_ms[index] =
            walk->world->now_ms + 1 + draw(walk, LATE_MS);
        TRACE("  will commit late at %lld\n",
              (long long)document->late_ms[index]);
        seen.late++;
        return;
    }
}

static void documents_wake(struct walk *walk)
{
    for (size_t index = 0; index < walk->document_count; index++) {
        struct document *document = &walk->documents[index];
        for (size_t at = 0; at < 4; at++) {
            if (document->late_ms[at] &&
                document->late_ms[at] <= walk->world->now_ms) {
                document->late_ms[at] = 0;
                document_commit(walk, document);
            }
        }
    }
}

static struct box *box_of(struct walk *walk, const char *key)
{
    for (size_t index = 0; index < BOXES; index++) {
        if (!strcmp(walk->boxes[index].key, key))
            return &walk->boxes[index];
    }
    BROKEN(walk, "no box %s", key);
    return NULL;
}

static bool is_document(const struct world_op *op)
{
    return strcmp(op->what, "deal/1") != 0 && op->kind != OP_CALL && !op->jq &&
           op->kind != OP_POLL;
}

/* What must hold when an operation begins. */
static void op_begun(struct world *world, const struct world_op *op)
{
    struct walk *walk = world->arg;
    uint32_t room =
        strcmp(op->instance, "erp") ? world->room_crm : world->room_erp;
    uint32_t open = 0;

    TRACE("  begun %s %s %s %s\n", op_kind_text(op->kind), op->instance,
          op->what, op->key);
    for (size_t index = 0; index < world->op_count; index++) {
        const struct world_op *other = &world->ops[index];
        if (other->jq || other->kind == OP_POLL)
            continue;
        open += !strcmp(other->instance, op->instance);
        /* The runs of one deal come one after the other, too. */
        if (other == op || is_document(op) != is_document(other))
            continue;
        /* A shadow asks whenever it likes. */
        if (walk->shadows &&
            (op->kind != OP_DELIVER || other->kind != OP_DELIVER))
            continue;
        if (!strcmp(other->what, op->what) && !strcmp(other->key, op->key))
            BROKEN(walk, "%s %s is on its way twice", op->what, op->key);
    }
    if (op->kind != OP_POLL && !op->jq && open > 4 && room)
        BROKEN(walk, "%u operations are open at %s", open, op->instance);
}

static int fail_commit(struct world *world, bool *ret_now)
{
    struct walk *walk = world->arg;
    unsigned kind;

    if (!chance(walk, walk->fault))
        return 0;
    kind = draw(walk, 10);
    *ret_now = kind < 4;
    return kind < 8 ? -ENOSPC : -EIO;
}

static int fail_query(struct world *world, bool *ret_now)
{
    struct walk *walk = world->arg;

    if (!chance(walk, walk->fault))
        return 0;
    *ret_now = chance(walk, 500);
    return -EIO;
}

static int fail_start(struct world *world, const struct op_request *request)
{
    struct walk *walk = world->arg;
    unsigned kind = draw(walk, 1000);

    if (kind >= 25)
        return 0;
    seen.starts_refused++;
    if (kind < 20 || !request || request->kind == OP_POLL)
        return -EAGAIN;
    if (kind < 22)
        return -ENOENT;
    return request->kind == OP_PROBE ? -ENOTSUP : -EINVAL;
}

/* ---- Operations end ------------------------------------------------------ */

static void end_poll(struct walk *walk, size_t index, bool fault)
{
    struct world_op *op = &walk->world->ops[index];
    struct op_outcome outcome = {.kind = OP_POLL, .message = ""};
    struct op_record records[3];
    char ids[3][16], bodies[3][64], cursor[16];
    unsigned at = op->body[0] ? (unsigned)atol(op->body) : 0, count;

    seen.polls++;
    if (fault && chance(walk, 300)) {
        outcome.status = chance(walk, 500) ? CN_RETRY : CN_AUTH;
        world_end(walk->world, index, &outcome, "no");
        return;
    }
    if (!walk->calm && walk->feed < 200)
        walk->feed += draw(walk, 2);
    count = walk->feed > at ? walk->feed - at : 0;
    if (count > 3)
        count = 3;
    memset(records, 0, sizeof(records));
    for (unsigned each = 0; each < count; each++) {
        const struct box *box = &walk->boxes[(at + each) % BOXES];
        snprintf(ids[each], sizeof(ids[each]), "p%u", at + each);
        snprintf(bodies[each], sizeof(bodies[each]), "{\"box\":\"%s\"}",
                 box->key);
        records[each].type = "box_event/1";
        records[each].id = (cn_str){ids[each], strlen(ids[each])};
        records[each].key = (cn_str){box->key, strlen(box->key)};
        records[each].body = (cn_str){bodies[each], strlen(bodies[each])};
    }
    snprintf(cursor, sizeof(cursor), "%u", at + count);
    outcome.cursor = (cn_str){cursor, strlen(cursor)};
    outcome.records = records;
    outcome.record_count = count;
    outcome.more = walk->feed > at + count;
    /* world_end gives the text as the body, which a poll has not. */
    struct world_op gone = *op;
    walk->world->ops[index] = walk->world->ops[--walk->world->op_count];
    gone.fn(gone.arg, gone.number, &outcome);
}

static void end_call(struct walk *walk, size_t index)
{
    struct world_op *op = &walk->world->ops[index];
    const struct box *box = box_of(walk, op->key);
    struct op_outcome outcome = {.status = CN_OK, .answered = true};
    char text[1500], lines[256] = "";

    for (unsigned line = 0; line < box->lines; line++) {
        size_t len = strlen(lines);
        snprintf(lines + len, sizeof(lines) - len, "%sA%u;%u;1.50",
                 line ? "\\n" : "", line, line + 1);
    }
    snprintf(text, sizeof(text),
             "{\"key\":\"%s\",\"stage\":\"%s\",\"size\":\"%s\",\"big\":\"%s-"
             "big\",\"fields\":{\"Customer\":\"0001207\",\"Lines\":\"%s\"},"
             "\"remarks\":[{\"id\":\"%s-r0\",\"odd\":\"yes\"},{\"id\":\"%s-r1\""
             ",\"odd\":\"no\"},{\"id\":\"%s-r2\",\"odd\":\"yes\"}]}",
             box->key, box->won ? "Closed-Won" : "Lead",
             box->lines % 2 ? "big" : "small", box->key, lines, box->key,
             box->key, box->key);
    world_end(walk->world, index, &outcome, text);
}

static void end_deliver(struct walk *walk, size_t index)
{
    struct world_op *op = &walk->world->ops[index];
    struct op_outcome outcome = {.status = CN_OK, .answered = true};
    char text[64] = "{}";

    if (!strcmp(op->what, "deal/1")) {
        struct box *box = box_of(walk, op->key);
        struct document *order = document_of(walk, "sales_order/1", box->key);
        world_text_of(op->body, "Order", box->told, sizeof(box->told));
        if (strcmp(box->told, order->number) != 0)
            BROKEN(walk, "%s is told the number %s, its order is %s", box->key,
                   box->told, order->number);
    } else {
        struct document *document = document_of(walk, op->what, op->key);
        document_commit(walk, document);
        snprintf(text, sizeof(text), "{\"number\":\"%s\"}", document->number);
        /* Some targets have no name for what they made. */
        if (!strcmp(op->what, "activity/1") && !walk->calm && chance(walk, 200))
            text[0] = '\0';
    }
    world_end(walk->world, index, &outcome, text);
}

static void end_probe(struct walk *walk, size_t index)
{
    struct world_op *op = &walk->world->ops[index];
    struct document *document = document_of(walk, op->what, op->key);
    struct op_outcome outcome = {.status = CN_OK, .answered = true};
    char text[64] = "";

    if (document->commits) {
        snprintf(text, sizeof(text), "{\"number\":\"%s\"}", document->number);
        seen.adopted++;
    } else {
        outcome.status = CN_ABSENT;
    }
    world_end(walk->world, index, &outcome, text);
}

static void end_well(struct walk *walk, size_t index)
{
    struct world_op *op = &walk->world->ops[index];
    struct op_outcome outcome = {.status = CN_OK};

    TRACE("end well %s %s %s\n", op_kind_text(op->kind), op->what, op->key);
    if (op->jq)
        world_end(walk->world, index, &outcome, "{\"made\":\"by jq\"}");
    else if (op->kind == OP_POLL)
        end_poll(walk, index, false);
    else if (op->kind == OP_CALL)
        end_call(walk, index);
    else if (op->kind == OP_DELIVER)
        end_deliver(walk, index);
    else
        end_probe(walk, index);
}

/* One in doubt may have taken effect, now, later or never. */
static void end_in_doubt(struct walk *walk, size_t index)
{
    struct world_op *op = &walk->world->ops[index];
    struct op_outcome outcome = {.status = CN_IN_DOUBT,
                                 .answered = chance(walk, 300),
                                 .effect_sent = true};

    seen.in_doubt++;
    if (is_document(op)) {
        struct document *document = document_of(walk, op->what, op->key);
        unsigned fate = draw(walk, 3);
        TRACE("end in doubt %s %s, fate %u\n", op->what, op->key, fate);
        if (fate == 0)
            document_commit(walk, document);
        else if (fate == 1)
            document_commit_late(walk, document);
    }
    world_end(walk->world, index, &outcome, "cut");
}

static void end_badly(struct walk *walk, size_t index)
{
    static const cn_status statuses[] = {
        CN_RETRY, CN_RETRY,    CN_RATE_LIMITED, CN_AUTH,
        CN_HOLD,  CN_REJECTED, CN_CANCELLED,    CN_UNSUPPORTED};
    struct world_op *op = &walk->world->ops[index];
    struct op_outcome outcome = {
        .status = statuses[draw(walk, 8)],
        .answered = chance(walk, 500),
        .broken = chance(walk, 100),
        .retry_after_ms = chance(walk, 200) ? 1 + draw(walk, 20000) : 0,
    };

    if (op->kind == OP_DELIVER && outcome.status == CN_CANCELLED)
        outcome.status = CN_RETRY; /* as the host maps it */
    if (op->jq && outcome.status == CN_OK)
        outcome.status = CN_RETRY;
    TRACE("end %s %s %s: %s%s\n", op_kind_text(op->kind), op->what, op->key,
          op_status_text(outcome.status),
          outcome.answered ? "" : ", no answer");
    seen.statuses[op->kind == OP_CALL      ? 0
                  : op->kind == OP_DELIVER ? 1
                                           : 2][outcome.status]++;
    world_end(walk->world, index, &outcome, "no");
}

static void end_some(struct walk *walk)
{
    struct world *world = walk->world;
    size_t index;
    unsigned fate;

    if (!world->op_count)
        return;
    index = draw(walk, (unsigned)world->op_count);
    if (world->ops[index].jq)
        seen.jqs++;
    else if (world->ops[index].kind == OP_CALL)
        seen.calls++;
    else if (world->ops[index].kind == OP_DELIVER)
        seen.delivers++;
    else if (world->ops[index].kind == OP_PROBE)
        seen.probes++;
    fate = draw(walk, 100);
    if (world->ops[index].kind == OP_POLL)
        end_poll(walk, index, true);
    else if (fate < 65)
        end_well(walk, index);
    else if (fate < 85 && world->ops[index].kind == OP_DELIVER)
        end_in_doubt(walk, index);
    else
        end_badly(walk, index);
}

/* ---- Random events ------------------------------------------------------- */

static void wake(struct walk *walk)
{
    struct world *world = walk->world;

    documents_wake(walk);
    if (world->wake_ms <= world->now_ms)
        engine_wake(world->engine);
}

static void clock_on(struct walk *walk)
{
    struct world *world = walk->world;
    unsigned how = draw(walk, 10);
    int64_t ms = 1 + draw(walk, 2000);

    if (how < 7 && world->wake_ms > world->now_ms)
        ms = world->wake_ms - world->now_ms;
    else if (how == 9)
        ms = 1 + draw(walk, 1200000);
    world->now_ms += ms;
    /* Back only: over a crash a jump forward is time that has passed. */
    if (chance(walk, 20))
        world->wall_ahead_ms -= draw(walk, 7200000);
    TRACE("clock +%lld = %lld\n", (long long)ms, (long long)world->now_ms);
    wake(walk);
}

struct asked {
    struct walk *walk;
    char id[16];
};

static void event_answered(void *arg, int status, size_t accepted,
                           size_t duplicates)
{
    struct asked *asked = arg;
    struct walk *walk = asked->walk;

    if (!status && accepted && !walk->world->dead) {
        seen.accepts++;
        assert_true(walk->event_count < EVENTS_MAX);
        snprintf(walk->events[walk->event_count++], sizeof(walk->events[0]),
                 "%s", asked->id);
    }
    seen.duplicates += duplicates;
    free(asked);
}

/* The box is part of the id, so that a duplicate says the same. */
static void event(struct walk *walk, const char *id)
{
    const struct box *box = &walk->boxes[(unsigned)atol(id + 1) % BOXES];
    struct asked *asked = calloc(1, sizeof(*asked));
    char body[64];
    struct op_record record[2] = {{.type = "box_event/1",
                                   .id = {asked->id, 0},
                                   .key = {box->key, strlen(box->key)}}};
    struct engine_accept accept = {
        .origin = "crm", .records = record, .record_count = 1};

    asked->walk = walk;
    snprintf(asked->id, sizeof(asked->id), "%s", id);
    record[0].id.len = strlen(id);
    snprintf(body, sizeof(body), "{\"box\":\"%s\"}", box->key);
    record[0].body = (cn_str){body, strlen(body)};
    record[1] = record[0];
    if (chance(walk, 100))
        accept.record_count = 2; /* the same twice in one request */
    TRACE("event %s of %s\n", id, box->key);
    if (engine_accept(walk->world->engine, &accept, event_answered, asked))
        free(asked);
}

static void event_some(struct walk *walk)
{
    char id[16];

    if (walk->next_event && chance(walk, 250)) {
        snprintf(id, sizeof(id), "e%u", draw(walk, walk->next_event));
    } else if (walk->next_event < 400) {
        snprintf(id, sizeof(id), "e%u", walk->next_event++);
    } else {
        return;
    }
    event(walk, id);
    if (chance(walk, 100))
        event(walk, id); /* at the same moment */
}

static void act_done(void *arg, int status, uint64_t made_run)
{
    (void)arg;
    seen.acts_done += !status;
    seen.replays += !status && made_run;
}

static void act_some(struct walk *walk)
{
    static const enum store_act acts[] = {
        STORE_RETRY,   STORE_RETRY,   STORE_RETRY, STORE_RESTART,
        STORE_RELEASE, STORE_DISCARD, STORE_REPLAY};
    unsigned act = draw(walk, 7);
    uint64_t run = 1 + draw(walk, walk->next_event * 2 + 1);

    if (acts[act] == STORE_DISCARD && !chance(walk, 200))
        return;
    if (acts[act] == STORE_REPLAY && !chance(walk, 300))
        return;
    seen.acts++;
    TRACE("act %d on %llu\n", acts[act], (unsigned long long)run);
    (void)!engine_act(walk->world->engine, "me", acts[act], run, "so", act_done,
                      walk);
}

/* ---- People who answer for a doubt ----------------------------------------
 */

struct doubt { /* of one run, as a person sees it */
    bool found;
    char type[32], key[WORLD_KEY_MAX];
};

static void doubt_read(void *arg, int status, const struct store_rows *rows)
{
    struct doubt *doubt = arg;

    for (size_t index = 0;
         !status && rows->work && index < rows->work->delivery_count; index++) {
        const struct store_delivery_row *row = &rows->work->deliveries[index];
        if (!row->doubt || row->state == DELIVERY_SENDING || doubt->found)
            continue;
        doubt->found = true;
        snprintf(doubt->type, sizeof(doubt->type), "%s", row->type);
        snprintf(doubt->key, sizeof(doubt->key), "%.*s",
                 (int)row->source_key.len, row->source_key.ptr);
    }
}

static void settle_done(void *arg, int status, const struct error *err)
{
    (void)arg;
    if (status)
        TRACE("not settled: %s\n", err->text);
    seen.settled += !status;
}

/* The person looks now and says what is there; what was sent lately may still
 * come, which is the engine's to know. */
static void settle_run(struct walk *walk, uint64_t run)
{
    static struct doubt doubt; /* one at a time, and also answered too late */
    struct store_query query = {.kind = STORE_QUERY_RUN, .run = run};
    const struct document *document;
    cn_str number = {"", 0};
    bool happened;

    memset(&doubt, 0, sizeof(doubt));
    if (__real_store_query(walk->world->store, &query, doubt_read, &doubt))
        return;
    store_drain(walk->world->store);
    if (!doubt.found)
        return;
    if (!strcmp(doubt.type, "deal/1")) {
        document = document_of(walk, "sales_order/1", doubt.key);
        happened = document->number[0] &&
                   !strcmp(box_of(walk, doubt.key)->told, document->number);
    } else {
        document = document_of(walk, doubt.type, doubt.key);
        happened = document->commits > 0;
        if (happened && !strcmp(doubt.type, "sales_order/1"))
            number = (cn_str){document->number, strlen(document->number)};
    }
    TRACE("settle run %llu: %s %s %s\n", (unsigned long long)run, doubt.type,
          doubt.key, happened ? "happened" : "is absent");
    seen.settles++;
    (void)!engine_settle(walk->world->engine, "me", run, happened, number, "so",
                         settle_done, walk);
}

/* Those of which people may have heard are the ones that are in doubt. */
static void settle_some(struct walk *walk)
{
    unsigned count = walk->next_event * 2 + 1;
    unsigned from = draw(walk, count);

    for (unsigned index = 0; index < 8; index++)
        settle_run(walk, 1 + (from + index) % count);
}

/* ---- Shadows ---------------------------------------------------------------
 */

static void shadow_done(void *arg, int status, const cJSON *result,
                        const struct error *err)
{
    struct walk *walk = arg;

    (void)err;
    assert_true(status ? !result : result != NULL);
    if (walk->shadows)
        walk->shadows--;
    seen.shadows_done += !status;
}

static void shadow_some(struct walk *walk)
{
    uint64_t run = 1 + draw(walk, walk->next_event * 2 + 1);
    bool now = chance(walk, 500);

    TRACE("shadow of %llu as %s\n", (unsigned long long)run,
          now ? "now" : "was");
    if (engine_shadow(walk->world->engine, run,
                      now ? ENGINE_SHADOW_AS_NOW : ENGINE_SHADOW_AS_WAS,
                      shadow_done, walk))
        return;
    walk->shadows++;
    seen.shadows++;
}

static void room_some(struct walk *walk)
{
    struct world *world = walk->world;
    bool erp = chance(walk, 500);
    uint32_t room = chance(walk, 300) ? 0 : 1 + draw(walk, 4);

    TRACE("room of %s is %u\n", erp ? "erp" : "crm", room);
    if (erp)
        world->room_erp = room;
    else
        world->room_crm = room;
    if (chance(walk, 800)) /* else it is told with the next change */
        engine_instance_changed(world->engine, erp ? "erp" : "crm");
}

static void begin(struct walk *walk)
{
    walk->shadows = 0;
    world_open(walk->world);
    load_flows(walk);
    if (!walk->quiet)
        engine_add_source(walk->world->engine, "crm", "boxes", 600000);
    engine_wake(walk->world->engine);
}

/* What is on its way when the process is killed may still take effect. */
static void fates(struct walk *walk)
{
    struct world *world = walk->world;

    for (size_t index = 0; index < world->op_count; index++) {
        struct world_op *op = &world->ops[index];
        unsigned fate = draw(walk, 3);
        if (op->kind != OP_DELIVER || op->jq || !is_document(op))
            continue;
        if (fate == 0)
            document_commit(walk, document_of(walk, op->what, op->key));
        else if (fate == 1)
            document_commit_late(walk, document_of(walk, op->what, op->key));
    }
}

static void crash(struct walk *walk)
{
    struct world *world = walk->world;

    TRACE("CRASH\n");
    seen.crashes++;
    fates(walk);
    world_crash(world);
    world->now_ms += draw(walk, 5000);
    begin(walk);
}

/* ---- Backup and restore -----------------------------------------------------
 */

static void backup_done(void *arg, int status, uint64_t bytes,
                        const struct error *err)
{
    (void)bytes;
    if (status)
        fail_msg("backup: %s", err->text);
    *(bool *)arg = true;
}

static void backup_clear(struct walk *walk)
{
    if (walk->backup[0])
        world_clear(walk->backup);
    walk->backup[0] = '\0';
}

static void backup(struct walk *walk)
{
    struct world *world = walk->world;
    bool done = false;

    backup_clear(walk);
    snprintf(walk->backup, sizeof(walk->backup), "%s.backup", world->directory);
    walk->backup_events = walk->event_count;
    TRACE("BACKUP\n");
    assert_int_equal(
        store_backup(world->store, walk->backup, backup_done, &done), 0);
    for (int round = 0; round < WORLD_ROUNDS_MAX && !done; round++)
        store_drain(world->store);
    assert_true(done);
    seen.backups++;
}

/* The disk is lost, and with it what came after the backup; the other systems
 * have what they were sent. */
static void restore(struct walk *walk)
{
    struct world *world = walk->world;
    char old[64];
    struct error err = {""};

    if (!walk->backup[0])
        return;
    TRACE("RESTORE\n");
    seen.restores++;
    fates(walk);
    snprintf(old, sizeof(old), "%s", world->directory);
    world_close(world);
    world_clear(old);
    world_make_directory(world);
    if (store_restore(walk->backup, world->directory, &err))
        fail_msg("restore: %s", err.text);
    backup_clear(walk);
    walk->event_count = walk->backup_events;
    world->now_ms += 1000 + draw(walk, 600000);
    begin(walk);
}

static void stop(struct walk *walk)
{
    struct world *world = walk->world;
    unsigned fault = walk->fault;

    TRACE("STOP\n");
    seen.stops++;
    engine_stop(world->engine, world_was_stopped, world);
    walk->fault = chance(walk, 300) ? fault : 0;
    for (int round = 0; round < 2000 && !world->stopped; round++) {
        if (world->op_count)
            end_some(walk);
        for (int drain = 0; drain < 3; drain++)
            store_drain(world->store);
    }
    if (!world->stopped)
        BROKEN(walk, "the engine does not stop");
    walk->fault = fault;
    world_close(world);
    begin(walk);
}

static void fault_some(struct walk *walk)
{
    static const unsigned faults[] = {0, 0, 0, 0, 0, 10, 10, 50, 300, 1000};

    walk->fault = faults[draw(walk, 10)];
    TRACE("faults %u\n", walk->fault);
}

static void drain_some(struct walk *walk)
{
    unsigned rounds = draw(walk, 4);

    if (!rounds && chance(walk, 500))
        rounds = 12;
    while (rounds--)
        store_drain(walk->world->store);
}

static void step(struct walk *walk)
{
    unsigned kind = draw(walk, 1000);

    if (kind < 500)
        end_some(walk);
    else if (kind < 720)
        clock_on(walk);
    else if (kind < 830)
        event_some(walk);
    else if (kind < 900)
        act_some(walk);
    else if (kind < 920)
        room_some(walk);
    else if (kind < 925)
        crash(walk);
    else if (kind < 928)
        stop(walk);
    else if (kind < 929)
        backup(walk);
    else if (kind < 930)
        restore(walk);
    else if (kind < 936)
        reload(walk);
    else if (kind < 945)
        fault_some(walk);
    else if (kind < 960)
        walk->boxes[draw(walk, BOXES)].won = true;
    else if (kind < 970)
        walk->boxes[draw(walk, BOXES)].lines = 1 + draw(walk, 3);
    else if (kind < 980)
        settle_some(walk);
    else if (kind < 990)
        shadow_some(walk);
    drain_some(walk);
    if (walk->world->store_failed) {
        walk->fault = 0;
        crash(walk);
    }
    seen.steps++;
}

/* ---- The end ------------------------------------------------------------- */

struct listing {
    uint64_t runs[1000];
    enum run_state states[1000];
    char codes[1000][24], queues[1000][16];
    size_t count;
};

static void listed(void *arg, int status, const struct store_rows *rows)
{
    struct listing *listing = arg;

    assert_int_equal(status, 0);
    listing->count = rows->run_count;
    for (size_t index = 0; index < rows->run_count; index++) {
        listing->runs[index] = rows->runs[index].run;
        listing->states[index] = rows->runs[index].state;
        snprintf(listing->codes[index], sizeof(listing->codes[0]), "%s",
                 rows->runs[index].code ? rows->runs[index].code : "");
        snprintf(listing->queues[index], sizeof(listing->queues[0]), "%s",
                 rows->runs[index].queue ? rows->runs[index].queue : "");
    }
}

static void list(struct walk *walk, uint32_t states, struct listing *listing)
{
    struct store_query query = {
        .kind = STORE_QUERY_RUNS, .states = states, .limit = 1000};

    listing->count = 0;
    assert_int_equal(
        __real_store_query(walk->world->store, &query, listed, listing), 0);
    world_settle(walk->world);
}

/* Without faults, until nothing is open and nothing wakes but the polls: only
 * the time that was asked for wakes the engine, so a lost wake-up shows. */
static void calm_down(struct walk *walk, int64_t hours)
{
    struct world *world = walk->world;
    int64_t until_ms = world->now_ms + hours * 3600000;
    unsigned wakes = 0;

    while (world->now_ms < until_ms) {
        world_settle(world);
        while (world->op_count) {
            end_well(walk, draw(walk, (unsigned)world->op_count));
            world_settle(world);
        }
        if (world->wake_ms > world->now_ms)
            world->now_ms = world->wake_ms;
        TRACE("wake at %lld\n", (long long)world->now_ms);
        if (++wakes > WAKES_MAX)
            BROKEN(walk, "the engine wakes again and again");
        wake(walk);
    }
    world_settle(world);
}

static void complain_if(struct walk *walk, uint32_t states, const char *text)
{
    struct listing *listing = calloc(1, sizeof(*listing));

    list(walk, states, listing);
    if (listing->count) {
        for (size_t index = 0; index < listing->count && index < 10; index++)
            fprintf(stderr, "run %llu state %d code %s queue %s\n",
                    (unsigned long long)listing->runs[index],
                    listing->states[index], listing->codes[index],
                    listing->queues[index]);
        BROKEN(walk, "%s", text);
    }
    free(listing);
}

static size_t mend_parked(struct walk *walk, enum store_act act)
{
    struct listing *listing = calloc(1, sizeof(*listing));
    size_t count;

    list(walk, 1u << RUN_PARKED, listing);
    count = listing->count;
    for (size_t index = 0; index < count; index++) {
        seen.parked++;
        (void)world_act(walk->world, act, listing->runs[index]);
    }
    free(listing);
    return count;
}

static void check_end(struct walk *walk)
{
    struct error err = {""};

    if (store_verify(walk->world->store, &err))
        BROKEN(walk, "the audit chain is broken: %s", err.text);
    for (size_t index = 0; index < BOXES; index++) {
        const struct box *box = &walk->boxes[index];
        const struct document *order =
            document_of(walk, "sales_order/1", box->key);
        if (!box->won)
            continue;
        if (order->commits != 1)
            BROKEN(walk, "%s has %u orders", box->key, order->commits);
        if (strcmp(order->number, box->told) != 0)
            BROKEN(walk, "%s carries %s, its order is %s", box->key, box->told,
                   order->number);
    }
    walk->world->duplicates = 0;
    for (size_t index = 0; index < walk->event_count; index++) {
        assert_int_equal(world_accept(walk->world, walk->events[index], "x"),
                         0);
        if (index % 100 == 99)
            world_settle(walk->world);
    }
    world_settle(walk->world);
    if (walk->world->duplicates != walk->event_count)
        BROKEN(walk, "%zu events were accepted, %zu are known",
               walk->event_count, walk->world->duplicates);
}

static void finish(struct walk *walk)
{
    struct world *world = walk->world;
    const uint32_t moving = 1u << RUN_READY | 1u << RUN_ACTIVE | 1u << RUN_HELD;
    size_t parked = 1;
    char id[16];

    TRACE("CALM\n");
    walk->calm = walk->quiet = true;
    walk->fault = 0;
    world->fail_start = NULL;
    world->room_erp = world->room_crm = 4;
    if (world->store_failed)
        crash(walk);
    engine_instance_changed(world->engine, "erp");
    engine_instance_changed(world->engine, "crm");
    calm_down(walk, 2);
    complain_if(walk, moving, "runs that nothing holds up do not end");
    /* A deal that comes now is read and ordered, whatever was before. */
    for (unsigned index = 0; index < BOXES; index++) {
        walk->boxes[index].won = true;
        snprintf(id, sizeof(id), "z%u", index);
        event(walk, id);
        world_settle(world);
    }
    for (int round = 0; parked && round < 40; round++) {
        parked =
            mend_parked(walk, round % 4 == 3 ? STORE_RESTART : STORE_RETRY);
        calm_down(walk, 1);
    }
    complain_if(walk, 1u << RUN_PARKED, "parked runs cannot be mended");
    complain_if(walk, moving | 1u << RUN_QUEUED | 1u << RUN_WAITING,
                "runs wait for nothing");
    check_end(walk);
}

static void walk_seed(uint64_t seed, unsigned steps)
{
    struct walk *walk = calloc(1, sizeof(*walk));
    struct world *world = world_create(seed);

    walk->seed = seed;
    walk->world = world;
    world->arg = walk;
    world->fail_commit = fail_commit;
    world->fail_query = fail_query;
    world->fail_start = fail_start;
    world->begun = op_begun;
    world->runs_active_max = seed % 3 ? 0 : 5;
    for (unsigned index = 0; index < BOXES; index++) {
        snprintf(walk->boxes[index].key, sizeof(walk->boxes[0].key), "box0%u",
                 index);
        walk->boxes[index].won = index % 3 != 2;
        walk->boxes[index].lines = 1 + index % 3;
    }
    begin(walk);
    for (unsigned index = 0; index < steps; index++)
        step(walk);
    finish(walk);
    seen.commits += world->commits;
    seen.commits_failed += world->commits_failed;
    seen.queries_failed += world->queries_failed;
    backup_clear(walk);
    world_destroy(world);
    free(walk);
}

static uint64_t first_seed = 1, last_seed = SEEDS;

static void test_random_walk(void **state)
{
    const char *steps = getenv("CONNECT_WALK_STEPS");

    (void)state;
    tracing = getenv("CONNECT_WALK_TRACE") != NULL;
    for (uint64_t seed = first_seed; seed <= last_seed; seed++)
        walk_seed(seed, steps ? (unsigned)atol(steps) : STEPS);
    printf("%zu steps: %zu events kept, %zu duplicates, %zu calls, %zu "
           "deliveries, %zu probes (%zu found), %zu polls, %zu jq, %zu in "
           "doubt, %zu late effects, %zu crashes, %zu stops, %zu acts (%zu "
           "done), %zu mended, %zu commits (%zu failed), %zu questions failed, "
           "%zu starts refused\n"
           "%zu doubts answered (%zu taken), %zu replays, %zu shadows (%zu "
           "shown), %zu backups, %zu restores\n",
           seen.steps, seen.accepts, seen.duplicates, seen.calls, seen.delivers,
           seen.probes, seen.adopted, seen.polls, seen.jqs, seen.in_doubt,
           seen.late, seen.crashes, seen.stops, seen.acts, seen.acts_done,
           seen.parked, seen.commits, seen.commits_failed, seen.queries_failed,
           seen.starts_refused, seen.settles, seen.settled, seen.replays,
           seen.shadows, seen.shadows_done, seen.backups, seen.restores);
    for (size_t kind = 0; kind < 3; kind++) {
        printf("%s ended badly:",
               (const char *[]){"calls", "deliveries", "probes"}[kind]);
        for (size_t status = 0; status < 16; status++)
            if (seen.statuses[kind][status])
                printf(" %s %zu", op_status_text((cn_status)status),
                       seen.statuses[kind][status]);
        printf("\n");
    }
}

int main(int count, char **arguments)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_random_walk)};

    log_open(open("/dev/null", O_WRONLY), LOG_JSON, LOG_ERROR, clock_system());
    if (count > 1)
        first_seed = last_seed = strtoull(arguments[1], NULL, 10);
    if (count > 2)
        last_seed = strtoull(arguments[2], NULL, 10);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
