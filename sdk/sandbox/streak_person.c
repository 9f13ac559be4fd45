/* streak_person.c - control routes to act as a person in Streak.
 *
 * A person knows names, not keys: stages, fields, options and organizations
 * are given by name and turned into the same wish a call of the interface
 * makes, so that the same checks are made and the same events are fired.
 * Used on the simulator's only thread. */
#include "streak_person.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "base/memory.h"
#include "sim_json.h"
#include "streak_api.h"
#include "streak_show.h"

enum {
    MOVE_MAX = 100000,   /* boxes of one move-many */
    BOXES_DEFAULT = 100, /* boxes shown by world */
    ANSWER_BYTES_MAX = 256 << 20,
    SENTENCE_MAX = 200
};

const char streak_person_routes[] =
    "  GET    /_sim/world?boxes=N   keys by name; the newest N boxes (100)\n"
    "  POST   /_sim/boxes           {\"name\",\"pipeline\",\"stage\","
    "\"organization\",\n"
    "                                \"fields\":{NAME:VALUE}}: create a box\n"
    "  GET    /_sim/boxes/KEY       a box with names in place of keys\n"
    "  POST   /_sim/boxes/KEY       {\"name\",\"stage\",\"organization\","
    "\"fields\"}: change it\n"
    "  DELETE /_sim/boxes/KEY\n"
    "  POST   /_sim/move-many       {\"count\",\"stage\",\"from\",\"create\","
    "\"prefix\",\n"
    "                                \"organization\",\"fields\"}: create "
    "boxes "
    "(or take\n"
    "                                those of a stage) and move them\n"
    "  POST   /_sim/pipelines       {\"name\",\"stages\":[NAME],\n"
    "                                \"fields\":[{\"name\",\"type\","
    "\"options\":\"a,b\"}]}\n"
    "  POST   /_sim/users           {\"email\",\"displayName\",\"fullName\","
    "\"apiKey\"}\n"
    "  GET, POST /_sim/webhooks     modes and counts: delay_ms, spread_ms,\n"
    "                                timeout_ms, tries, retry_waits_ms,\n"
    "                                connections, duplicate, hold_back, "
    "hold_ms,\n"
    "                                burst, batch, drop_next, drop_share,\n"
    "                                small_record\n"
    "  GET, POST /_sim/options      rate, strict, unknown_key_status, "
    "v2_stages,\n"
    "                                same_moves_saved, limit_header, "
    "limit_body,\n"
    "                                extra_properties\n";

struct errand {
    struct streak *streak;
    struct sim_request *request;
    struct sim_answer *answer;
    const char *key; /* what follows the route's name, decoded; or NULL */
    cJSON *body;     /* NULL without one */
};

typedef void errand_fn(struct errand *errand);

static void answer_buf(struct errand *errand, struct buf *buf)
{
    sim_answer_buf(errand->answer, 200, "application/json", buf);
}

/* --- From names to keys --- */

static cJSON *option_key(const cJSON *definition, const char *name)
{
    static const struct {
        const char *settings, *list, *called;
    } places[] = {{"dropdownSettings", "items", "name"},
                  {"tagSettings", "tags", "tag"}};

    for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
        const cJSON *option;

        cJSON_ArrayForEach(
            option,
            sim_json_member(sim_json_member(definition, places[i].settings),
                            places[i].list))
        {
            if (strcmp(sim_json_text(option, places[i].called), name) == 0)
                return cJSON_CreateString(sim_json_text(option, "key"));
        }
    }
    return cJSON_CreateString(name);
}

static cJSON *value_of(const cJSON *definition, const cJSON *named)
{
    const cJSON *item;
    cJSON *value;

    if (cJSON_IsString(named))
        return option_key(definition, named->valuestring);
    if (!cJSON_IsArray(named))
        return cJSON_Duplicate(named, true);
    value = cJSON_CreateArray();
    cJSON_ArrayForEach(item, named)
    {
        cJSON_AddItemToArray(value, value_of(definition, item));
    }
    return value;
}

/* Fields by name into wish; NULL or the sentence that says what is wrong. */
static const char *wish_fields(const struct streak_pipeline *pipeline,
                               const cJSON *named, cJSON *wish)
{
    cJSON *fields;
    const cJSON *item;

    if (!named)
        return NULL;
    fields = cJSON_AddObjectToObject(wish, "fields");
    cJSON_ArrayForEach(item, named)
    {
        const cJSON *definition =
            streak_pipeline_field_by_name(pipeline, item->string);

        if (!definition)
            return "fields: no field of that name";
        cJSON_AddItemToObject(fields, sim_json_text(definition, "key"),
                              value_of(definition, item));
    }
    return NULL;
}

/* A wish of the interface from a body with names.  NULL after answering. */
static cJSON *make_wish(struct errand *errand,
                        const struct streak_pipeline *pipeline)
{
    const struct streak_world *world = &errand->streak->world;
    const char *stage = sim_json_text(errand->body, "stage");
    const char *name = sim_json_text(errand->body, "name");
    const char *organization = sim_json_text(errand->body, "organization");
    cJSON *wish = cJSON_CreateObject();
    const char *wrong =
        wish_fields(pipeline, sim_json_member(errand->body, "fields"), wish);

    if (name)
        cJSON_AddStringToObject(wish, "name", name);
    if (stage) {
        const cJSON *found = streak_pipeline_stage_by_name(pipeline, stage);

        if (found)
            cJSON_AddStringToObject(wish, "stageKey",
                                    sim_json_text(found, "key"));
        else
            wrong = "stage: no stage of that name";
    }
    if (organization) {
        const struct streak_party *party =
            streak_world_organization_by_name(world, organization);
        cJSON *links = cJSON_AddArrayToObject(wish, "organizations");
        cJSON *link = cJSON_CreateObject();

        cJSON_AddItemToArray(links, link);
        if (party)
            cJSON_AddStringToObject(link, "key", party->entity.key);
        else
            wrong = "organization: none of that name";
    }
    if (!wrong && streak_check_box(errand->streak, pipeline, wish))
        wrong = "fields: a value does not fit its field";
    if (!wrong)
        return wish;
    sim_answer_error(errand->answer, 400, wrong);
    cJSON_Delete(wish);
    return NULL;
}

/* --- Boxes --- */

static void answer_box(struct errand *errand, const struct streak_box *box)
{
    sim_answer_tree(errand->answer, 200, streak_show_named(box));
}

static struct streak_pipeline *find_pipeline(struct errand *errand)
{
    const char *name = sim_json_text(errand->body, "pipeline");
    struct streak_pipeline *pipeline = streak_world_pipeline_by_name(
        &errand->streak->world, name ? name : "Sales");

    if (!pipeline)
        sim_answer_error(errand->answer, 400, "pipeline: none of that name");
    return pipeline;
}

/* By key, else the newest of that name; NULL after answering. */
static struct streak_box *find_box(struct errand *errand)
{
    const struct streak_world *world = &errand->streak->world;
    struct streak_box *box = streak_world_find(world, STREAK_BOX, errand->key);
    const struct streak_pipeline *pipeline;

    DL_FOREACH(world->pipelines, pipeline)
    {
        for (size_t i = pipeline->box_count; !box && i > 0; i--)
            if (strcmp(pipeline->boxes[i - 1]->name, errand->key) == 0)
                box = pipeline->boxes[i - 1];
    }
    if (!box)
        sim_answer_error(errand->answer, 404, "no such box");
    return box;
}

static struct streak_box *create_box(struct streak *streak,
                                     struct streak_pipeline *pipeline,
                                     const char *name, const char *stage_key,
                                     const cJSON *wish)
{
    struct streak_box *box =
        streak_world_add_box(&streak->world, pipeline, streak->world.users,
                             name, stage_key, sim_clock_now_ms(streak->clock));

    streak_change_box(streak, box, wish, true);
    return box;
}

static void post_boxes(struct errand *errand)
{
    struct streak_pipeline *pipeline = find_pipeline(errand);
    const char *stage_key;
    cJSON *wish;

    if (!pipeline)
        return;
    if (!sim_json_text(errand->body, "name")) {
        sim_answer_error(errand->answer, 400, "name: missing");
        return;
    }
    wish = make_wish(errand, pipeline);
    if (!wish)
        return;
    stage_key = sim_json_text(wish, "stageKey");
    answer_box(errand,
               create_box(errand->streak, pipeline, sim_json_text(wish, "name"),
                          stage_key
                              ? stage_key
                              : sim_json_text(pipeline->stages->child, "key"),
                          wish));
    cJSON_Delete(wish);
}

static void get_box(struct errand *errand)
{
    const struct streak_box *box = find_box(errand);

    if (box)
        answer_box(errand, box);
}

static void post_box(struct errand *errand)
{
    struct streak_box *box = find_box(errand);
    cJSON *wish = box ? make_wish(errand, box->pipeline) : NULL;

    if (!wish)
        return;
    streak_change_box(errand->streak, box, wish, false);
    cJSON_Delete(wish);
    answer_box(errand, box);
}

static void delete_box(struct errand *errand)
{
    struct streak_box *box = find_box(errand);

    if (!box)
        return;
    streak_delete_box(errand->streak, box);
    sim_answer_text(errand->answer, 200, "application/json", "{\"ok\":true}");
}

/* --- Many boxes --- */

static void append_key(struct buf *buf, const struct streak_box *box,
                       size_t index)
{
    buf_append_text(buf, index ? "," : "");
    sim_json_append_text(buf, box->entity.key);
}

static size_t create_and_move(struct errand *errand,
                              struct streak_pipeline *pipeline, cJSON *wish,
                              const char *from_key, size_t count,
                              struct buf *buf)
{
    const char *prefix = sim_json_text(errand->body, "prefix");
    cJSON *stage = cJSON_DetachItemFromObjectCaseSensitive(wish, "stageKey");
    cJSON *move = cJSON_CreateObject();
    char name[SENTENCE_MAX];

    if (stage)
        cJSON_AddItemToObject(move, "stageKey", stage);
    for (size_t i = 0; i < count; i++) {
        struct streak_box *box;

        snprintf(name, sizeof(name), "%.100s %zu", prefix ? prefix : "Load",
                 i + 1);
        sim_json_put(wish, "name", cJSON_CreateString(name));
        box = create_box(errand->streak, pipeline, name, from_key, wish);
        streak_change_box(errand->streak, box, move, false);
        append_key(buf, box, i);
    }
    cJSON_Delete(move);
    return count;
}

static size_t move_existing(struct errand *errand,
                            struct streak_pipeline *pipeline, const cJSON *wish,
                            const char *from_key, size_t count, struct buf *buf)
{
    size_t moved = 0;

    for (size_t i = 0; i < pipeline->box_count && moved < count; i++) {
        struct streak_box *box = pipeline->boxes[i];

        if (strcmp(box->stage_key, from_key) != 0)
            continue;
        streak_change_box(errand->streak, box, wish, false);
        append_key(buf, box, moved++);
    }
    return moved;
}

static void post_move_many(struct errand *errand)
{
    struct streak_pipeline *pipeline = find_pipeline(errand);
    int64_t count = sim_json_number(errand->body, "count", 0);
    const char *from = sim_json_text(errand->body, "from");
    const cJSON *from_stage =
        pipeline
            ? streak_pipeline_stage_by_name(pipeline, from ? from : "Quoted")
            : NULL;
    cJSON *wish;
    size_t moved;
    struct buf buf;

    if (!pipeline)
        return;
    if (count < 1 || count > MOVE_MAX || !from_stage) {
        sim_answer_error(errand->answer, 400,
                         "count: 1 to 100000; from: a stage's name");
        return;
    }
    wish = make_wish(errand, pipeline);
    if (!wish)
        return;
    buf_init(&buf, ANSWER_BYTES_MAX);
    buf_append_text(&buf, "{\"keys\":[");
    moved = sim_json_flag(errand->body, "create", true)
                ? create_and_move(errand, pipeline, wish,
                                  sim_json_text(from_stage, "key"),
                                  (size_t)count, &buf)
                : move_existing(errand, pipeline, wish,
                                sim_json_text(from_stage, "key"), (size_t)count,
                                &buf);
    buf_printf(&buf, "],\"count\":%zu}", moved);
    cJSON_Delete(wish);
    answer_buf(errand, &buf);
}

/* --- The world --- */

static void append_named(struct buf *buf, const char *name, const char *key,
                         bool *first)
{
    if (!name)
        return;
    buf_append_text(buf, *first ? "" : ",");
    sim_json_append_text(buf, name);
    buf_append_text(buf, ":");
    sim_json_append_text(buf, key);
    *first = false;
}

/* An array of objects with name and key as an object from name to key. */
static void append_keys(struct buf *buf, const char *title, const cJSON *array)
{
    const cJSON *item;
    bool first = true;

    buf_printf(buf, ",\"%s\":{", title);
    cJSON_ArrayForEach(item, array)
    {
        append_named(buf, sim_json_text(item, "name"),
                     sim_json_text(item, "key"), &first);
    }
    buf_append_text(buf, "}");
}

static void append_boxes(struct errand *errand,
                         const struct streak_pipeline *pipeline,
                         struct buf *buf)
{
    int64_t limit =
        sim_request_query_number(errand->request, "boxes", BOXES_DEFAULT);
    size_t count = pipeline->box_count;
    size_t shown = limit < 0 || (size_t)limit > count ? count : (size_t)limit;

    buf_printf(buf, ",\"box_count\":%zu,\"boxes\":[", count);
    for (size_t i = 0; i < shown; i++) {
        cJSON *named = streak_show_named(pipeline->boxes[count - 1 - i]);

        buf_append_text(buf, i ? "," : "");
        sim_json_append_tree(buf, named);
        cJSON_Delete(named);
    }
    buf_append_text(buf, "]");
}

static void append_parties(struct buf *buf, const char *title,
                           const struct streak_party *first_party)
{
    const struct streak_party *party;
    bool first = true;

    buf_printf(buf, ",\"%s\":{", title);
    DL_FOREACH(first_party, party)
    {
        const char *given = sim_json_text(party->tree, "givenName");
        const char *family = sim_json_text(party->tree, "familyName");
        const char *name = sim_json_text(party->tree, "name");
        char whole[SENTENCE_MAX];

        if (party->entity.kind == STREAK_CONTACT) {
            snprintf(whole, sizeof(whole), "%s %s", given ? given : "",
                     family ? family : "");
            name = whole;
        }
        append_named(buf, name, party->entity.key, &first);
    }
    buf_append_text(buf, "}");
}

/* By key, what stands in the fields of each organization, by name. */
static void append_organization_fields(const struct streak_world *world,
                                       struct buf *buf)
{
    const struct streak_party *party;
    cJSON *all = cJSON_CreateObject();

    DL_FOREACH(world->organizations, party)
    {
        cJSON *named = cJSON_AddObjectToObject(all, party->entity.key);
        const cJSON *value;

        cJSON_ArrayForEach(value, sim_json_member(party->tree, "fields"))
        {
            const char *name =
                sim_json_text(sim_json_member(world->team->organization_fields,
                                              value->string),
                              "name");
            cJSON_AddItemToObject(named, name ? name : value->string,
                                  cJSON_Duplicate(value, true));
        }
    }
    buf_append_text(buf, ",\"organization_fields\":");
    sim_json_append_tree(buf, all);
    cJSON_Delete(all);
}

static void get_world(struct errand *errand)
{
    const struct streak_world *world = &errand->streak->world;
    const struct streak_pipeline *pipeline;
    const char *separator = "";
    bool first = true;
    struct buf buf;

    buf_init(&buf, ANSWER_BYTES_MAX);
    buf_append_text(&buf, "{\"team\":{");
    append_named(&buf, world->team->name, world->team->entity.key, &first);
    buf_append_text(&buf, "}");
    append_parties(&buf, "organizations", world->organizations);
    append_parties(&buf, "contacts", world->contacts);
    append_organization_fields(world, &buf);
    buf_append_text(&buf, ",\"pipelines\":[");
    DL_FOREACH(world->pipelines, pipeline)
    {
        buf_printf(&buf, "%s{\"name\":", separator);
        sim_json_append_text(&buf, pipeline->name);
        buf_append_text(&buf, ",\"key\":");
        sim_json_append_text(&buf, pipeline->entity.key);
        append_keys(&buf, "stages", pipeline->stages);
        append_keys(&buf, "fields", pipeline->fields);
        append_boxes(errand, pipeline, &buf);
        buf_append_text(&buf, "}");
        separator = ",";
    }
    buf_append_text(&buf, "]}");
    answer_buf(errand, &buf);
}

static void post_pipelines(struct errand *errand)
{
    struct streak_world *world = &errand->streak->world;
    const char *name = sim_json_text(errand->body, "name");
    int64_t now_ms = sim_clock_now_ms(errand->streak->clock);
    struct streak_pipeline *pipeline;
    const cJSON *item;
    cJSON *told;

    if (!name) {
        sim_answer_error(errand->answer, 400, "name: missing");
        return;
    }
    pipeline = streak_world_add_pipeline(world, world->users, name, now_ms);
    cJSON_ArrayForEach(item, sim_json_member(errand->body, "stages"))
    {
        if (cJSON_IsString(item))
            streak_world_add_stage(pipeline, item->valuestring);
    }
    cJSON_ArrayForEach(item, sim_json_member(errand->body, "fields"))
    {
        const char *field = sim_json_text(item, "name");
        const char *type = sim_json_text(item, "type");

        if (field && type)
            streak_world_add_field(pipeline, field, type,
                                   sim_json_text(item, "options"), now_ms);
    }
    told = cJSON_CreateObject();
    cJSON_AddStringToObject(told, "key", pipeline->entity.key);
    sim_answer_tree(errand->answer, 200, told);
}

static void post_users(struct errand *errand)
{
    const char *email = sim_json_text(errand->body, "email");
    const char *display = sim_json_text(errand->body, "displayName");
    const char *full = sim_json_text(errand->body, "fullName");
    const struct streak_user *user;
    cJSON *told;

    if (!email || !display || !full) {
        sim_answer_error(errand->answer, 400,
                         "email, displayName and fullName are needed");
        return;
    }
    user = streak_world_add_user(&errand->streak->world, email, display, full,
                                 sim_json_text(errand->body, "apiKey"),
                                 sim_clock_now_ms(errand->streak->clock));
    told = cJSON_CreateObject();
    cJSON_AddStringToObject(told, "key", user->entity.key);
    sim_answer_tree(errand->answer, 200, told);
}

/* --- Switches --- */

static void get_webhooks(struct errand *errand)
{
    struct buf buf;

    buf_init(&buf, ANSWER_BYTES_MAX);
    streak_webhook_show_state(errand->streak->hooks, &buf);
    answer_buf(errand, &buf);
}

static void post_webhooks(struct errand *errand)
{
    streak_webhook_set_modes(errand->streak->hooks, errand->body);
    get_webhooks(errand);
}

static void get_options(struct errand *errand)
{
    const struct streak *streak = errand->streak;
    const struct streak_switches *switches = &streak->switches;
    cJSON *told = cJSON_CreateObject();

    cJSON_AddNumberToObject(told, "rate", (double)streak->rate);
    cJSON_AddBoolToObject(told, "strict", switches->strict);
    cJSON_AddNumberToObject(told, "unknown_key_status",
                            switches->unknown_key_status);
    cJSON_AddBoolToObject(told, "v2_stages", switches->v2_stages);
    cJSON_AddBoolToObject(told, "same_moves_saved", switches->same_moves_saved);
    cJSON_AddBoolToObject(told, "limit_header", switches->limit_header);
    cJSON_AddBoolToObject(told, "limit_body", switches->limit_body);
    cJSON_AddBoolToObject(told, "extra_properties",
                          streak->world.extra_properties);
    sim_answer_tree(errand->answer, 200, told);
}

static void post_options(struct errand *errand)
{
    struct streak *streak = errand->streak;
    struct streak_switches *switches = &streak->switches;
    const cJSON *body = errand->body;
    int64_t status = sim_json_number(body, "unknown_key_status",
                                     switches->unknown_key_status);

    switches->strict = sim_json_flag(body, "strict", switches->strict);
    switches->unknown_key_status = status == 400 ? 400 : 404;
    switches->v2_stages = sim_json_flag(body, "v2_stages", switches->v2_stages);
    switches->same_moves_saved =
        sim_json_flag(body, "same_moves_saved", switches->same_moves_saved);
    switches->limit_header =
        sim_json_flag(body, "limit_header", switches->limit_header);
    switches->limit_body =
        sim_json_flag(body, "limit_body", switches->limit_body);
    streak->world.extra_properties =
        sim_json_flag(body, "extra_properties", streak->world.extra_properties);
    if (sim_json_member(body, "rate")) {
        streak->rate = sim_json_number(body, "rate", streak->rate);
        streak_api_fill_bucket(streak);
    }
    get_options(errand);
}

/* --- Routes --- */

static const struct {
    const char *method;
    const char *path;
    bool key; /* a key follows */
    errand_fn *fn;
} routes[] = {
    {"GET", "world", false, get_world},
    {"POST", "boxes", false, post_boxes},
    {"GET", "boxes/", true, get_box},
    {"POST", "boxes/", true, post_box},
    {"DELETE", "boxes/", true, delete_box},
    {"POST", "move-many", false, post_move_many},
    {"POST", "pipelines", false, post_pipelines},
    {"POST", "users", false, post_users},
    {"GET", "webhooks", false, get_webhooks},
    {"POST", "webhooks", false, post_webhooks},
    {"GET", "options", false, get_options},
    {"POST", "options", false, post_options},
};

static void run_errand(struct errand *errand, errand_fn *fn, const char *key)
{
    char *decoded =
        key ? sim_decode_percent(key, strlen(key), false, NULL) : NULL;

    errand->key = decoded;
    if (strcmp(errand->request->method, "POST") == 0) {
        errand->body = cJSON_ParseWithOpts(errand->request->body, NULL, 1);
        if (cJSON_IsObject(errand->body))
            fn(errand);
        else
            sim_answer_error(errand->answer, 400, "body: not a JSON object");
        cJSON_Delete(errand->body);
    } else {
        fn(errand);
    }
    free(decoded);
}

bool streak_person_control(struct streak *streak, const char *path,
                           struct sim_request *request,
                           struct sim_answer *answer)
{
    struct errand errand = {
        .streak = streak, .request = request, .answer = answer};

    for (size_t i = 0; i < sizeof(routes) / sizeof(*routes); i++) {
        size_t len = strlen(routes[i].path);

        if (strcmp(routes[i].method, request->method) != 0 ||
            strncmp(routes[i].path, path, len) != 0 ||
            (path[len] != '\0') != routes[i].key)
            continue;
        run_errand(&errand, routes[i].fn, routes[i].key ? path + len : NULL);
        return true;
    }
    return false;
}
