/* links: sim_streak sim_probe */
/* test_sim_streak_golden.c - the recorded pairs of request and response in
 * tests/golden/streak, replayed against the simulator.
 *
 * Before each case the simulator gets the recorded pipeline and boxes; recorded
 * keys are replaced by the simulator's own.  Compared are the status, two
 * headers and the shape of the answer: the same member names with the same
 * types, no more and no fewer.  Members named by a number (keys of fields and
 * stages) may be absent.  What Streak sends to us is compared with what the
 * simulator sends. */
#include "streak_kit.h"

#include <dirent.h>

enum {
    CASES_MAX = 64,
    KEYS_MAX = 64,
    PATH_BYTES = 8192,
    POLLS_MAX = 20000 /* questions to the simulator before giving up */
};

#define KEY_HEAD "agxzfm1haWxmb29nYWVy"
#define KEY_OWNER "sSDE9yZ2FuaXphdGlvbiIMZXhhbXBsZS50ZXN0DAs"
#define RECORDED_USER KEY_HEAD "Lw" KEY_OWNER "SBFVzZXIYgICAgICAgAoM"
#define RECORDED_TEAM KEY_HEAD "Lw" KEY_OWNER "SBFRlYW0YgICAgICAgAsM"
#define RECORDED_PIPELINE KEY_HEAD "Mw" KEY_OWNER "SCFdvcmtmbG93GPqouL2U3J4KDA"
#define RECORDED_BOX KEY_HEAD "Kw" KEY_OWNER "SBENhc2UYo%ce9Aww"
#define RECORDED_CONTACT KEY_HEAD "Mg" KEY_OWNER "SC1RlYW1Db250YWN0GK%cbpQIM"
#define RECORDED_ORGANIZATION                                                  \
    KEY_HEAD "Nw" KEY_OWNER "SEFRlYW1Pcmdhbml6YXRpb24YqbCrAgw"

static struct sim_receiver *receiver;
static struct {
    char *recorded;
    char *own;
} keys[KEYS_MAX];
static size_t key_count;

static void map_key(const char *recorded, const char *own)
{
    assert_true(key_count < KEYS_MAX);
    assert_non_null(own);
    keys[key_count].recorded = memory_text(recorded);
    keys[key_count++].own = memory_text(own);
}

static void forget_keys(void)
{
    while (key_count) {
        free(keys[--key_count].recorded);
        free(keys[key_count].own);
    }
}

/* The text with every recorded key replaced; the caller frees it. */
static char *with_own_keys(const char *text)
{
    struct buf buf;

    buf_init(&buf, 1 << 20);
    buf_append_text(&buf, "");
    while (*text) {
        size_t index = 0;

        while (index < key_count && strncmp(text, keys[index].recorded,
                                            strlen(keys[index].recorded)) != 0)
            index++;
        if (index < key_count) {
            buf_append_text(&buf, keys[index].own);
            text += strlen(keys[index].recorded);
        } else {
            buf_append(&buf, text++, 1);
        }
    }
    return buf.data ? buf_take(&buf) : memory_text("");
}

/* --- The recorded world --- */

static void make_pipeline(void)
{
    cJSON *made = kit_control(
        "/_sim/pipelines",
        "{\"name\":\"Orders\",\"stages\":[\"New\",\"Paid\",\"Shipped\","
        "\"Awaiting payment\"],\"fields\":["
        "{\"name\":\"Order number\",\"type\":\"TEXT_INPUT\"},"
        "{\"name\":\"Payment status\",\"type\":\"DROPDOWN\","
        "\"options\":\"Unpaid,Paid,Refunded\"},"
        "{\"name\":\"Paid on\",\"type\":\"DATE\"},"
        "{\"name\":\"Invoice sent\",\"type\":\"CHECKBOX\"},"
        "{\"name\":\"Channels\",\"type\":\"TAG\","
        "\"options\":\"web,phone,partner\"},"
        "{\"name\":\"Margin\",\"type\":\"FORMULA\",\"options\":\"1\"},"
        "{\"name\":\"Buyer\",\"type\":\"TEAM_CONTACT\"}]}");

    map_key(RECORDED_PIPELINE, kit_text(made, "key"));
    kit_copy(kit.pipeline, kit_text(made, "key"));
    cJSON_Delete(made);
}

static void make_contact(char letter, const char *body)
{
    cJSON *made = kit_ok("POST", "/api/v2/teams/{T}/contacts", body);
    char recorded[STREAK_KEY_MAX];

    snprintf(recorded, sizeof(recorded), RECORDED_CONTACT, letter);
    map_key(recorded, kit_text(made, "key"));
    kit_copy(kit.contact, kit_text(made, "key"));
    cJSON_Delete(made);
}

static void make_box(char letter, const char *body)
{
    cJSON *made = kit_ok("POST", "/api/v2/pipelines/{P}/boxes", body);
    char recorded[STREAK_KEY_MAX];

    snprintf(recorded, sizeof(recorded), RECORDED_BOX, letter);
    map_key(recorded, kit_text(made, "key"));
    kit_copy(kit.box, kit_text(made, "key"));
    cJSON_Delete(made);
}

static void make_world(void)
{
    cJSON *made;

    kit_reset(NULL);
    sim_receiver_clear(receiver);
    forget_keys();
    kit_set("/_sim/webhooks", "{\"delay_ms\":0,\"spread_ms\":0}");
    kit_set("/_sim/users",
            "{\"email\":\"omar@example.test\",\"displayName\":\"Omar\","
            "\"fullName\":\"Omar Haddad\"}");
    made = kit_ok("GET", "/api/v1/users/me", NULL);
    map_key(RECORDED_USER, kit_text(made, "key"));
    cJSON_Delete(made);
    map_key(RECORDED_TEAM, kit.team);
    make_pipeline();
    make_contact('K', "{\"givenName\":\"Ravi\"}");
    make_contact('G', "{\"givenName\":\"Lena\",\"familyName\":\"Vogt\","
                      "\"emailAddresses\":[\"lena.vogt@buyer.test\"],"
                      "\"phoneNumbers\":[\"+49 30 5550100\"]}");
    made = kit_ok("POST", "/api/v2/teams/{T}/organizations",
                  "{\"name\":\"Buyer AG\",\"domains\":[\"buyer.test\"],"
                  "\"employeeCount\":\"51-200\"}");
    map_key(RECORDED_ORGANIZATION, kit_text(made, "key"));
    kit_copy(kit.organization, kit_text(made, "key"));
    cJSON_Delete(made);
    make_box('8', "{\"name\":\"Order A-1003\",\"stageKey\":\"5004\"}");
    make_box('s', "{\"name\":\"Order A-1002\"}");
    make_box('c', "{\"name\":\"Order A-1001\",\"stageKey\":\"5001\","
                  "\"assignedToSharingEntries\":"
                  "[{\"email\":\"omar@example.test\"}]}");
    kit_do("POST", "/api/v1/boxes/{B}",
           "{\"stageKey\":\"5002\",\"notes\":\"Paid by card\","
           "\"fields\":{\"1001\":\"A-1001\",\"1002\":\"9002\","
           "\"1003\":1767261840000,\"1004\":true,\"1005\":[\"9001\","
           "\"9003\"]},\"contacts\":[{\"key\":\"{C}\",\"isStarred\":true}],"
           "\"organizations\":[{\"key\":\"{O}\"}]}");
}

/* --- Shapes --- */

static bool is_number_name(const char *name)
{
    return *name && strspn(name, "0123456789") == strlen(name);
}

static bool same_shape(const cJSON *recorded, const cJSON *own,
                       const char *where);

static bool same_members(const cJSON *recorded, const cJSON *own,
                         const char *where)
{
    const cJSON *member;

    cJSON_ArrayForEach(member, recorded)
    {
        const cJSON *twin =
            cJSON_GetObjectItemCaseSensitive(own, member->string);

        if (!twin && !is_number_name(member->string)) {
            print_error("%s: no member %s\n", where, member->string);
            return false;
        }
        if (twin && !same_shape(member, twin, member->string))
            return false;
    }
    cJSON_ArrayForEach(member, own)
    {
        if (!cJSON_GetObjectItemCaseSensitive(recorded, member->string) &&
            !is_number_name(member->string)) {
            print_error("%s: member %s too many\n", where, member->string);
            return false;
        }
    }
    return true;
}

/* Kinds of value; null stands for anything in the recording. */
static bool same_shape(const cJSON *recorded, const cJSON *own,
                       const char *where)
{
    bool same = (recorded->type & 0xff) == (own->type & 0xff) ||
                (cJSON_IsBool(recorded) && cJSON_IsBool(own)) ||
                cJSON_IsNull(recorded);

    if (!same)
        print_error("%s: another type\n", where);
    if (same && cJSON_IsObject(recorded))
        return same_members(recorded, own, where);
    if (same && cJSON_IsArray(recorded) && recorded->child) {
        const cJSON *one = recorded->child, *two = own->child;

        if (!two)
            print_error("%s: an empty list\n", where);
        same = two != NULL;
        for (; same && one && two; one = one->next, two = two->next)
            same = same_shape(one, two, where);
    }
    return same;
}

/* --- Exchanges --- */

static void append_query(char *path, const cJSON *query)
{
    const cJSON *parameter;
    char separator = '?';

    cJSON_ArrayForEach(parameter, query)
    {
        size_t len = strlen(path);

        snprintf(path + len, PATH_BYTES - len, "%c%s=%s", separator,
                 parameter->string, parameter->valuestring);
        separator = '&';
    }
}

/* The body as text, with its own keys; NULL: none.  The caller frees it. */
static char *make_body(const cJSON *request)
{
    const cJSON *form = kit_at(request, "form");
    const cJSON *json = kit_at(request, "json");
    char text[PATH_BYTES] = "";
    char *printed, *body;

    if (form) {
        append_query(text, form);
        return with_own_keys(text + 1);
    }
    if (!json)
        return NULL;
    printed = cJSON_PrintUnformatted(json);
    body = with_own_keys(printed);
    free(printed);
    return body;
}

static struct sim_reply replay(const cJSON *request, const char *name)
{
    const char *url = kit_text(request, "url");
    const char *headers[4] = {NULL};
    char path[PATH_BYTES];
    char *own_path, *body;
    struct sim_reply reply;
    size_t count = 0;

    snprintf(path, sizeof(path), "%s", strstr(url, "/api/"));
    append_query(path, kit_at(request, "query"));
    own_path = with_own_keys(path);
    body = make_body(request);
    if (kit_at(request, "headers/Authorization"))
        headers[count++] = strncmp(name, "03", 2) == 0
                               ? "Authorization: Basic d3Jvbmc6"
                               : KIT_BASIC;
    if (kit_at(request, "form"))
        headers[count++] = KIT_FORM;
    else if (body)
        headers[count++] = KIT_JSON;
    reply = sim_probe_call(&kit.probe, kit_text(request, "method"), own_path,
                           headers, body);
    free(own_path);
    free(body);
    return reply;
}

static bool compare(const cJSON *response, const struct sim_reply *reply)
{
    const cJSON *json = kit_at(response, "json");
    const char *retry_after = kit_text(response, "headers/Retry-After");
    const char *error = kit_text(json, "error");
    const char *own_error = kit_text(reply->json, "error");

    if (reply->status != kit_number(response, "status")) {
        print_error("status %ld: %s\n", reply->status, reply->text);
        return false;
    }
    if (strcmp(reply->retry_after, retry_after ? retry_after : "") != 0 ||
        (error && (!own_error || strcmp(error, own_error) != 0))) {
        print_error("other error: %s\n", reply->text);
        return false;
    }
    if (cJSON_IsNull(json))
        return reply->len == 0;
    return reply->json &&
           strcmp(reply->content_type, "application/json") == 0 &&
           same_shape(json, reply->json, "answer");
}

/* Case 35 needs a limit that is reached, in its two forms, and then none. */
static void set_limit(const char *name, int index)
{
    static const char *const options[] = {
        "{\"rate\":1,\"limit_header\":true}",
        "{\"limit_header\":false,\"limit_body\":false}", "{\"rate\":0}"};

    if (strncmp(name, "35", 2) != 0)
        return;
    if (index == 0)
        kit_set("/_sim/clock", "{\"frozen\":true}");
    kit_set("/_sim/options", options[index]);
    if (index == 0)
        kit_do("GET", "/api/v1/users/me", NULL);
}

static bool run_exchange(const cJSON *exchange, const char *name, int index)
{
    const char *recorded = kit_text(exchange, "response/json/key");
    struct sim_reply reply;
    bool same;

    set_limit(name, index);
    reply = replay(kit_at(exchange, "request"), name);
    same = compare(kit_at(exchange, "response"), &reply);
    /* A key made here may be used by the next exchange. */
    if (same && recorded && kit_text(reply.json, "key"))
        map_key(recorded, kit_text(reply.json, "key"));
    sim_reply_done(&reply);
    return same;
}

/* --- What Streak sends --- */

static void register_hook(void)
{
    char body[512];
    cJSON *made;

    snprintf(body, sizeof(body),
             "{\"event\":\"BOX_CHANGE_STAGE\",\"targetUrl\":"
             "\"http://127.0.0.1:%u/streak/h/1f6c\","
             "\"token\":\"b7b1c0f2e4d84a0f9a53\"}",
             sim_receiver_port(receiver));
    made = kit_ok("POST", "/api/v2/webhooks?pipelineKey={P}", body);
    map_key(KEY_HEAD "Lg" KEY_OWNER "SB1dlYmhvb2sYoeaGBAw",
            kit_text(made, "key"));
    cJSON_Delete(made);
}

static bool compare_sent(const cJSON *request, size_t index)
{
    const struct sim_received *received = sim_receiver_get(receiver, index);
    const cJSON *headers = kit_at(request, "headers");

    return received->json && received->token &&
           strcmp(received->token,
                  kit_text(headers, "X-Streak-Webhook-Token")) == 0 &&
           strcmp(received->content_type, kit_text(headers, "Content-Type")) ==
               0 &&
           strcmp(received->path,
                  strstr(kit_text(request, "url"), "/streak")) == 0 &&
           same_shape(kit_at(request, "json"), received->json, "delivery");
}

static void settle(void)
{
    int polls = 0;

    while (kit_control_number("/_sim/webhooks", "sending") > 0)
        assert_true(++polls < POLLS_MAX);
}

/* Cases 32 and 34: our receiver answers as recorded, in one turn each: the
 * first box moves and is retried, then another box moves. */
static bool run_sent(const cJSON *exchanges, const char *name)
{
    int statuses[CASES_MAX];
    const cJSON *exchange;
    size_t count = 0;
    bool same = true;

    (void)name;
    cJSON_ArrayForEach(exchange, exchanges)
    {
        if (kit_at(exchange, "request/json"))
            statuses[count++] = (int)kit_number(exchange, "response/status");
    }
    kit_set("/_sim/clock", "{\"frozen\":true}");
    register_hook();
    sim_receiver_script(receiver, statuses, count);
    for (size_t i = 0; i < count && same; i++) {
        exchange = cJSON_GetArrayItem(exchanges, (int)i);
        if (i == 0)
            kit_do("POST", "/api/v1/boxes/{B}", "{\"stageKey\":\"5003\"}");
        if (i == 2)
            kit_do("POST", "/api/v1/boxes/{B}", "{\"stageKey\":\"5002\"}");
        kit_set("/_sim/clock", "{\"advance_ms\":1000}");
        same = sim_receiver_wait(receiver, i + 1) &&
               compare_sent(kit_at(exchange, "request"), i);
        settle();
    }
    if (same && cJSON_GetArraySize(exchanges) > (int)count)
        same = run_exchange(cJSON_GetArrayItem(exchanges, (int)count), name,
                            (int)count);
    return same;
}

/* --- Cases --- */

static cJSON *read_case(const char *name)
{
    char path[1024];
    struct buf buf;
    char bytes[4096];
    size_t len;
    FILE *file;
    cJSON *tree;

    snprintf(path, sizeof(path), "%s/golden/streak/%s", TEST_SOURCE_DIR, name);
    file = fopen(path, "re");
    assert_non_null(file);
    buf_init(&buf, 1 << 22);
    while ((len = fread(bytes, 1, sizeof(bytes), file)))
        buf_append(&buf, bytes, len);
    fclose(file);
    tree = cJSON_ParseWithLength(buf.data, buf.len);
    buf_done(&buf);
    assert_non_null(tree);
    return tree;
}

static bool run_case(const char *name)
{
    cJSON *tree = read_case(name);
    const cJSON *exchanges = kit_at(tree, "exchanges");
    const cJSON *exchange;
    bool same = true;
    int index = 0;

    make_world();
    if (kit_at(tree, "direction")) {
        same = run_sent(exchanges, name);
    } else {
        cJSON_ArrayForEach(exchange, exchanges)
        {
            same = same && run_exchange(exchange, name, index++);
        }
    }
    if (!same)
        print_error("case %s, exchange %d\n", name, index);
    cJSON_Delete(tree);
    return same;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void test_all_cases(void **state)
{
    char path[1024];
    char *names[CASES_MAX];
    struct dirent *entry;
    size_t count = 0, failed = 0;
    DIR *directory;

    (void)state;
    snprintf(path, sizeof(path), "%s/golden/streak", TEST_SOURCE_DIR);
    directory = opendir(path);
    assert_non_null(directory);
    while ((entry = readdir(directory)))
        if (strstr(entry->d_name, ".json") && count < CASES_MAX)
            names[count++] = memory_text(entry->d_name);
    closedir(directory);
    qsort(names, count, sizeof(*names), by_name);
    assert_true(count >= 30);
    for (size_t i = 0; i < count; i++) {
        failed += !run_case(names[i]);
        free(names[i]);
    }
    print_message("%zu cases, %zu failed\n", count, failed);
    assert_int_equal(failed, 0);
}

static int start(void **state)
{
    int status = kit_start(state);

    if (!status)
        receiver = sim_receiver_start();
    return status;
}

static int stop(void **state)
{
    sim_receiver_stop(receiver);
    forget_keys();
    return kit_stop(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_cases),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
