/* links: streak_static connect_kit */
/* test_streak.c - the Streak connector and a Streak that misbehaves.
 *
 * The kit is the host; the test answers each request by hand and looks at what
 * becomes of the operation.  The kit itself watches the contract: no effect
 * outside deliver, no "nothing took effect" after doubt, no secret in a
 * message. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <connect/json.h>

#include "kit.h"

#define KEY_TEXT                                                               \
    "{\"success\":false,\"error\":\"Illegal Argument Exception in "            \
    "GetEntities, usually a key issue\"}"

static const char config[] =
    "{\"base_url\":\"https://s.test/api\",\"api_key\":\"key-of-streak\","
    "\"webhook_token\":\"token-of-ours\"}";
static const char box[] =
    "{\"key\":\"B1\",\"pipelineKey\":\"P1\",\"stageKey\":\"5001\",\"name\":"
    "\"Order\",\"fields\":{\"1001\":\"A-1\",\"1002\":\"9001\"},\"contacts\":[{"
    "\"key\":\"C1\",\"isStarred\":true}],\"organizations\":[{\"key\":\"O1\"}]}";
static const char bare_box[] =
    "{\"key\":\"B1\",\"pipelineKey\":\"P1\",\"stageKey\":\"5001\",\"name\":"
    "\"Order\",\"fields\":{\"1001\":\"A-1\"}}";
static const char pipeline[] =
    "{\"key\":\"P1\",\"name\":\"Orders\",\"teamKey\":\"T1\",\"fields\":[{"
    "\"key\":\"1001\",\"name\":\"Number\",\"type\":\"TEXT_INPUT\"},{\"key\":"
    "\"1002\",\"name\":\"Priority\",\"type\":\"DROPDOWN\",\"dropdownSettings\":"
    "{\"items\":[{\"key\":\"9001\",\"name\":\"Normal\"}]}}],\"stages\":{"
    "\"5001\":{\"key\":\"5001\",\"name\":\"New\"}},\"stageOrder\":[\"5001\"]}";
static const char team[] =
    "{\"key\":\"T1\",\"organizationSettings\":{\"fields\":{\"1001\":{\"key\":"
    "\"1001\",\"name\":\"Code\",\"type\":\"TEXT_INPUT\"}}}}";
static const char organization[] =
    "{\"key\":\"O1\",\"name\":\"Bayside\",\"fields\":{\"1001\":\"0001207\"}}";
static const char contact[] =
    "{\"key\":\"C1\",\"givenName\":\"Lena\",\"emailAddresses\":[\"l@b.test\"]}";
static const char me[] = "{\"key\":\"U1\",\"email\":\"dana@example.test\"}";
static const char update[] = "{\"key\":\"B1\",\"fields\":{\"Number\":\"A-2\"}}";
static const char updated[] =
    "{\"key\":\"B1\",\"pipelineKey\":\"P1\",\"stageKey\":\"5001\",\"name\":"
    "\"Order\",\"fields\":{\"1001\":\"A-2\"}}";
static const char remark[] =
    "{\"external_id\":\"pay/1\",\"deal\":\"B1\",\"text\":\"Paid\"}";
static const char comment[] =
    "{\"key\":\"M1\",\"message\":\"Paid [ext:pay/1]\"}";
static const char hook[] =
    "{\"external_id\":\"streak/BOX_EDIT/P1\",\"event\":\"BOX_EDIT\","
    "\"scope\":\"P1\",\"address_id\":\"0123456789abcdef\"}";
static const char target[] = "https://h.test/in/streak/secret-of-the-path";

static struct kit *kit;
static void *instance; /* what create returned */

static void *create(const cn_host *host)
{
    instance = cn_plugin_v1.create(host);
    return instance;
}

static int before(void **state)
{
    (void)state;
    kit = kit_create(&cn_plugin_v1, config);
    kit_set_secret(kit, "webhook_address", target);
    assert_true(kit_start(kit));
    return 0;
}

static int after(void **state)
{
    (void)state;
    kit_destroy(kit);
    return 0;
}

static void restart(const char *with)
{
    kit_destroy(kit);
    kit = kit_create(&cn_plugin_v1, with);
    kit_set_secret(kit, "webhook_address", target);
    assert_true(kit_start(kit));
}

/* Answer the oldest open request, which must be this one. */
static void reply(const char *method, const char *path, uint32_t code,
                  const char *body)
{
    struct kit_request *request = kit_pending(kit);

    assert_non_null(request);
    assert_string_equal(request->method, method);
    assert_string_equal(request->url + strlen("https://s.test/api"), path);
    kit_answer(kit, request, code, body);
}

static const struct kit_outcome *outcome_of(cn_op op, cn_status status)
{
    const struct kit_result *result = kit_result(kit, op);

    assert_true(result->done);
    assert_null(kit_pending(kit));
    if (result->outcome.status != status)
        print_error("%d: %s\n", (int)result->outcome.status,
                    result->outcome.message);
    assert_int_equal(result->outcome.status, status);
    return &result->outcome;
}

static void says(const struct kit_outcome *outcome, const char *part)
{
    if (!strstr(outcome->message, part))
        print_error("\"%s\" does not say \"%s\"\n", outcome->message, part);
    assert_non_null(strstr(outcome->message, part));
}

static cn_op ask(void)
{
    return kit_call(kit, "read_deal", "{\"box\":\"B1\"}");
}

/* ---- The check and the credential -----------------------------------------
 */

static void checks(void **state)
{
    cn_op op = kit_check(kit);

    (void)state;
    assert_string_equal(kit_pending(kit)->auth, "basic api_key");
    assert_string_equal(kit_request_header(kit_pending(kit), "Accept"),
                        "application/json");
    assert_null(kit_request_header(kit_pending(kit), "Content-Type"));
    reply("GET", "/v1/users/me", 200, me);
    outcome_of(op, CN_OK);
    op = kit_check(kit);
    reply("GET", "/v1/users/me", 401, "{\"error\":\"invalid api key\"}");
    says(outcome_of(op, CN_AUTH), "invalid api key");
    op = kit_check(kit);
    reply("GET", "/v1/users/me", 200, "<html>a proxy</html>");
    outcome_of(op, CN_RETRY);
    op = kit_check(kit);
    reply("GET", "/v1/users/me", 200, "[]");
    outcome_of(op, CN_REJECTED);
    restart(
        "{\"base_url\":\"https://s.test/api//\",\"api_key\":\"key-of-"
        "streak\",\"webhook_token\":\"token-of-ours\",\"auth\":\"bearer\"}");
    op = kit_check(kit);
    assert_string_equal(kit_pending(kit)->auth, "api_key");
    reply("GET", "/v1/users/me", 200, me);
    outcome_of(op, CN_OK);
}

/* ---- read_deal ------------------------------------------------------------
 */

static void reads_a_deal(void **state)
{
    cn_op op = ask();
    const char *body;

    (void)state;
    reply("GET", "/v1/boxes/B1", 200, box);
    reply("GET", "/v1/pipelines/P1", 200, pipeline);
    reply("GET", "/v2/teams/T1", 200, team);
    reply("GET", "/v2/organizations/O1", 200, organization);
    reply("GET", "/v2/contacts/C1", 200, contact);
    body = outcome_of(op, CN_OK)->body;
    assert_non_null(strstr(body, "\"Code\":\"0001207\""));
    assert_non_null(strstr(body, "\"email\":\"l@b.test\""));
    /* The structure is known now. */
    op = ask();
    reply("GET", "/v1/boxes/B1", 200, box);
    reply("GET", "/v2/organizations/O1", 200, organization);
    reply("GET", "/v2/contacts/C1", 200, contact);
    outcome_of(op, CN_OK);
    /* And forgotten after its time. */
    kit_advance(kit, 60000);
    op = ask();
    reply("GET", "/v1/boxes/B1", 200, bare_box);
    reply("GET", "/v1/pipelines/P1", 200, pipeline);
    outcome_of(op, CN_OK);
    /* What is linked may be gone. */
    op = ask();
    reply("GET", "/v1/boxes/B1", 200, box);
    reply("GET", "/v2/teams/T1", 200, team);
    reply("GET", "/v2/organizations/O1", 404, NULL);
    reply("GET", "/v2/contacts/C1", 400, KEY_TEXT);
    body = outcome_of(op, CN_OK)->body;
    assert_non_null(strstr(body, "\"organizations\":[{\"key\":\"O1\"}]"));
    assert_non_null(strstr(body, "\"contacts\":[{\"key\":\"C1\"}]"));
}

/* A new option, a new field of organizations: read again, once. */
static void reads_new_names(void **state)
{
    static const char newer_box[] =
        "{\"key\":\"B1\",\"pipelineKey\":\"P1\",\"stageKey\":\"5001\","
        "\"fields\":{\"1002\":\"9002\"}}";
    static const char newer[] =
        "{\"key\":\"P1\",\"name\":\"Orders\",\"fields\":[{\"key\":\"1002\","
        "\"name\":\"Priority\",\"type\":\"DROPDOWN\",\"dropdownSettings\":{"
        "\"items\":[{\"key\":\"9002\",\"name\":\"High\"}]}}],\"stages\":{"
        "\"5001\":{\"key\":\"5001\",\"name\":\"New\"}}}";
    cn_op op = ask();

    (void)state;
    reply("GET", "/v1/boxes/B1", 200, bare_box);
    reply("GET", "/v1/pipelines/P1", 200, pipeline);
    outcome_of(op, CN_OK);
    op = ask();
    reply("GET", "/v1/boxes/B1", 200, newer_box);
    reply("GET", "/v1/pipelines/P1", 200, newer);
    assert_non_null(
        strstr(outcome_of(op, CN_OK)->body, "\"Priority\":\"High\""));
    /* Unknown also then: left out, said in the log, not asked for ever. */
    op = ask();
    reply("GET", "/v1/boxes/B1", 200, bare_box);
    reply("GET", "/v1/pipelines/P1", 200, newer);
    assert_non_null(strstr(outcome_of(op, CN_OK)->body, "\"fields\":{}"));
    assert_non_null(strstr(kit_log(kit), "1 value(s)"));
    assert_null(strstr(kit_log(kit), "A-1"));
    assert_null(strstr(kit_log(kit), "B1"));
}

static void names_field_of_organization(void **state)
{
    static const char other[] =
        "{\"key\":\"O1\",\"name\":\"x\",\"fields\":{\"1002\":\"new\"}}";
    static const char newer[] =
        "{\"key\":\"T1\",\"organizationSettings\":{\"fields\":{\"1002\":{"
        "\"name\":\"Region\",\"type\":\"TEXT_INPUT\"}}}}";
    cn_op op = ask();

    (void)state;
    reply("GET", "/v1/boxes/B1", 200, box);
    reply("GET", "/v1/pipelines/P1", 200, pipeline);
    reply("GET", "/v2/teams/T1", 200, team);
    reply("GET", "/v2/organizations/O1", 200, other);
    reply("GET", "/v2/contacts/C1", 200, contact);
    reply("GET", "/v2/teams/T1", 200, newer);
    assert_non_null(strstr(outcome_of(op, CN_OK)->body, "\"Region\":\"new\""));
}

/* Of very many contacts the first 50 are read. */
static void reads_not_too_many(void **state)
{
    char many[8000], one[200];
    size_t len, count = 0;
    cn_op op = ask();
    cJSON *deal = NULL;
    const char *body;

    (void)state;
    len = (size_t)snprintf(many, sizeof(many),
                           "{\"key\":\"B1\",\"pipelineKey\":\"P1\","
                           "\"stageKey\":\"5001\",\"contacts\":[{}");
    for (int at = 0; at < 60; at++)
        len += (size_t)snprintf(many + len, sizeof(many) - len,
                                ",{\"key\":\"C%d\"}", at);
    snprintf(many + len, sizeof(many) - len, "]}");
    reply("GET", "/v1/boxes/B1", 200, many);
    reply("GET", "/v1/pipelines/P1", 200, pipeline);
    for (; kit_pending(kit); count++) {
        snprintf(one, sizeof(one), "{\"key\":\"C%zu\",\"familyName\":\"N\"}",
                 count);
        kit_answer(kit, kit_pending(kit), 200, one);
    }
    assert_int_equal(count, 50);
    body = outcome_of(op, CN_OK)->body;
    assert_int_equal(
        cn_json_read((cn_str){body, strlen(body)}, NULL, &deal, NULL), 0);
    assert_int_equal(cJSON_GetArraySize(cn_json_member(deal, "contacts")), 60);
    assert_string_equal(cn_json_text_at(deal, "/contacts/49/name", ""), "N");
    assert_null(cn_json_pointer(deal, "/contacts/50/name"));
    assert_string_equal(cn_json_text_at(deal, "/contacts/59/key", ""), "C59");
    cJSON_Delete(deal);
}

struct failure {
    uint32_t code; /* 0: no answer */
    const char *body;
    cn_status status;
    const char *says;
};

static const struct failure read_failures[] = {
    {0, NULL, CN_RETRY, "did not answer"},
    {200, NULL, CN_RETRY, "not the"},
    {200, "null", CN_RETRY, "not the"},
    {200, "[]", CN_RETRY, "not the"},
    {200, "{\"key\":\"B2\",\"pipelineKey\":\"P1\"}", CN_RETRY, "not the"},
    {200, "<html>", CN_RETRY, "no JSON"},
    {200, "{\"key\":\"B1\",\"key\":\"B1\"}", CN_RETRY, "no JSON"},
    {302, NULL, CN_REJECTED, "302"},
    {400, NULL, CN_REJECTED, "400"},
    {400, "{\"error\":\"Invalid API path specified\"}", CN_REJECTED,
     "Streak answered 400: Invalid API path"},
    {400, "{\"error\":\"no\\nline\\u0007\"}", CN_REJECTED, ": no line "},
    {400, "{\"error\":\"you sent key-of-streak\"}", CN_REJECTED, "400"},
    {400, KEY_TEXT, CN_REJECTED, "gone from Streak"},
    {404, NULL, CN_REJECTED, "gone from Streak: it answers 404"},
    {404, "{\"error\":\"existing entity does not exist\"}", CN_REJECTED,
     "gone from Streak"},
    {409, NULL, CN_RETRY, "409"},
    {410, NULL, CN_REJECTED, "410"},
    {408, NULL, CN_RETRY, "408"},
    {500, "<html>", CN_RETRY, "500"},
    {502, "<html>", CN_RETRY, "502"},
    {503, NULL, CN_RATE_LIMITED, "503"},
};

static void tells_failures_of_reads(void **state)
{
    (void)state;
    for (size_t at = 0; at < sizeof(read_failures) / sizeof(*read_failures);
         at++) {
        const struct failure *failure = &read_failures[at];
        cn_op op = ask();

        if (failure->code)
            kit_answer(kit, kit_pending(kit), failure->code, failure->body);
        else
            kit_answer_failure(kit, kit_pending(kit), KIT_NO_ANSWER);
        says(outcome_of(op, failure->status), failure->says);
    }
}

/* 401 is the key or this object: Streak is asked which. */
static void tells_key_from_right(void **state)
{
    cn_op op = ask();

    (void)state;
    reply("GET", "/v1/boxes/B1", 401, "{\"error\":\"no\"}");
    reply("GET", "/v1/users/me", 200, me);
    says(outcome_of(op, CN_REJECTED), "no right to the box");
    op = ask();
    reply("GET", "/v1/boxes/B1", 401, NULL);
    reply("GET", "/v1/users/me", 401, NULL);
    outcome_of(op, CN_AUTH);
    op = ask();
    reply("GET", "/v1/boxes/B1", 401, NULL);
    reply("GET", "/v1/users/me", 500, NULL);
    outcome_of(op, CN_RETRY);
    op = ask();
    reply("GET", "/v1/boxes/B1", 401, NULL);
    reply("GET", "/v1/users/me", 404, NULL);
    outcome_of(op, CN_RETRY);
    op = ask();
    reply("GET", "/v1/boxes/B1", 200, bare_box);
    reply("GET", "/v1/pipelines/P1", 401, NULL);
    reply("GET", "/v1/users/me", 200, me);
    says(outcome_of(op, CN_REJECTED), "no right to the pipeline");
}

static void slows_down(void **state)
{
    static const char *const after_two[] = {"Retry-After", "2", NULL};
    uint64_t least_ms = 500;
    cn_op op = ask();

    (void)state;
    kit_answer_headers(kit, kit_pending(kit), 429, after_two,
                       (cn_str)CN_STR("{\"error\":\"too many requests\"}"));
    assert_int_equal(outcome_of(op, CN_RATE_LIMITED)->retry_after_ms, 2000);
    for (int turn = 0; turn < 7; turn++) {
        uint64_t wait_ms;

        op = ask();
        reply("GET", "/v1/boxes/B1", 429, NULL);
        wait_ms = outcome_of(op, CN_RATE_LIMITED)->retry_after_ms;
        assert_true(wait_ms >= least_ms && wait_ms < least_ms * 3 / 2);
        least_ms = least_ms < 8000 ? least_ms * 2 : least_ms;
    }
    op = ask();
    reply("GET", "/v1/boxes/B1", 404, NULL); /* not limited any more */
    op = ask();
    reply("GET", "/v1/boxes/B1", 429, NULL);
    assert_true(outcome_of(op, CN_RATE_LIMITED)->retry_after_ms < 750);
}

static void refuses_odd_keys(void **state)
{
    (void)state;
    says(
        outcome_of(kit_call(kit, "read_deal", "{\"box\":\"..\"}"), CN_REJECTED),
        "no key");
    says(outcome_of(kit_call(kit, "read_deal", "{}"), CN_REJECTED), "needs");
    outcome_of(kit_call(kit, "lose_deal", "{}"), CN_UNSUPPORTED);
    kit_call(kit, "read_deal", "{\"box\":\"a/../b?c=\\u00e4 %\"}");
    reply("GET", "/v1/boxes/a%2F..%2Fb%3Fc%3D%C3%A4%20%25", 404, NULL);
}

/* ---- Definitions are shared ------------------------------------------------
 */

static void one_reads_for_all(void **state)
{
    cn_op ops[8];

    (void)state;
    for (int at = 0; at < 8; at++)
        ops[at] = ask();
    assert_int_equal(kit_pending_count(kit), 8);
    for (int at = 0; at < 8; at++)
        reply("GET", "/v1/boxes/B1", 200, bare_box);
    assert_int_equal(kit_pending_count(kit), 1);
    reply("GET", "/v1/pipelines/P1", 200, pipeline);
    for (int at = 0; at < 8; at++)
        outcome_of(ops[at], CN_OK);
    /* One failure for all of them. */
    kit_advance(kit, 60000);
    for (int at = 0; at < 8; at++)
        ops[at] = ask();
    for (int at = 0; at < 8; at++)
        reply("GET", "/v1/boxes/B1", 200, bare_box);
    reply("GET", "/v1/pipelines/P1", 500, NULL);
    for (int at = 0; at < 8; at++)
        outcome_of(ops[at], CN_RETRY);
    ops[0] = ask();
    reply("GET", "/v1/boxes/B1", 200, bare_box);
    reply("GET", "/v1/pipelines/P1", 404, NULL);
    says(outcome_of(ops[0], CN_REJECTED), "pipeline is gone");
    ops[0] = ask();
    reply("GET", "/v1/boxes/B1", 200, bare_box);
    reply("GET", "/v1/pipelines/P1", 200, "{}");
    says(outcome_of(ops[0], CN_RETRY), "no pipeline");
}

/* More pipelines than are kept, while one of them is being read. */
static void keeps_a_bounded_number(void **state)
{
    struct kit_request *slow;
    char text[200], path[40];
    cn_op first = ask(), op;

    (void)state;
    reply("GET", "/v1/boxes/B1", 200, bare_box);
    slow = kit_pending(kit);
    for (int at = 0; at < 200; at++) {
        op = ask();
        snprintf(text, sizeof(text), "{\"key\":\"B1\",\"pipelineKey\":\"Q%d\"}",
                 at);
        kit_answer(kit, kit_request(kit, kit_request_count(kit) - 1), 200,
                   text);
        snprintf(path, sizeof(path), "/v1/pipelines/Q%d", at);
        assert_string_equal(kit_request(kit, kit_request_count(kit) - 1)->url +
                                strlen("https://s.test/api"),
                            path);
        kit_answer(kit, kit_request(kit, kit_request_count(kit) - 1), 200,
                   pipeline);
        assert_true(kit_result(kit, op)->done);
    }
    assert_true(kit_timer_count(kit) <= 64);
    kit_answer(kit, slow, 200, pipeline);
    outcome_of(first, CN_OK);
    /* The last ones are known. */
    op = ask();
    reply("GET", "/v1/boxes/B1", 200, text);
    outcome_of(op, CN_OK);
}

static void the_next_one_reads(void **state)
{
    cn_op first, second, third, fourth;

    (void)state;
    first = ask();
    second = ask();
    third = ask();
    fourth = ask();
    assert_int_equal(kit_pending_count(kit), 4);
    for (int at = 0; at < 4; at++)
        reply("GET", "/v1/boxes/B1", 200, bare_box);
    assert_int_equal(kit_pending_count(kit), 1); /* the first asks for all */
    assert_true(kit_pending(kit)->op == first);
    kit_cancel(kit, first);
    assert_int_equal(kit_result(kit, first)->outcome.status, CN_CANCELLED);
    assert_true(kit_pending(kit)->op == second);
    kit_cancel(kit, third); /* waits for the second */
    assert_int_equal(kit_result(kit, third)->outcome.status, CN_CANCELLED);
    reply("GET", "/v1/pipelines/P1", 200, pipeline);
    outcome_of(second, CN_OK);
    outcome_of(fourth, CN_OK);
}

/* ---- deal/1 ----------------------------------------------------------------
 */

/* Until the update is on its way. */
static cn_op deliver_deal(void)
{
    cn_op op = kit_deliver(kit, "deal/1", "e1", "B1", update);

    reply("GET", "/v1/boxes/B1", 200, bare_box);
    if (strstr(kit_pending(kit)->url, "/pipelines/"))
        reply("GET", "/v1/pipelines/P1", 200, pipeline);
    return op;
}

static void updates_a_box(void **state)
{
    cn_op op = deliver_deal();
    struct kit_request *request = kit_pending(kit);

    (void)state;
    assert_int_equal(request->effect, 1);
    assert_string_equal(kit_request_header(request, "Content-Type"),
                        "application/json");
    assert_string_equal(request->body, "{\"fields\":{\"1001\":\"A-2\"}}");
    reply("POST", "/v1/boxes/B1", 200, updated);
    assert_string_equal(outcome_of(op, CN_OK)->body, "{\"box\":\"B1\"}");
    op = kit_deliver(kit, "deal/1", "e1", "B1", update);
    reply("GET", "/v1/boxes/B1", 200, updated);
    assert_string_equal(outcome_of(op, CN_OK)->body, "{\"box\":\"B1\"}");
    op = kit_probe(kit, "deal/1", "e1", "B1", update);
    reply("GET", "/v1/boxes/B1", 200, updated);
    assert_string_equal(outcome_of(op, CN_OK)->body, "{\"box\":\"B1\"}");
    op = kit_probe(kit, "deal/1", "e1", "B1", update);
    reply("GET", "/v1/boxes/B1", 200, bare_box);
    outcome_of(op, CN_ABSENT);
    op = kit_probe(kit, "deal/1", "e1", "B1", update);
    reply("GET", "/v1/boxes/B1", 404, NULL);
    outcome_of(op, CN_ABSENT);
    /* Written as a text, shown as a number. */
    op = kit_probe(kit, "deal/1", "e1", "B1",
                   "{\"key\":\"B1\",\"fields\":{\"Number\":\"007\"}}");
    reply("GET", "/v1/boxes/B1", 200,
          "{\"key\":\"B1\",\"pipelineKey\":\"P1\",\"fields\":{\"1001\":7}}");
    outcome_of(op, CN_OK);
}

static const struct failure write_failures[] = {
    {0, NULL, CN_IN_DOUBT, "did not answer"},
    {200, NULL, CN_IN_DOUBT, "no body"},
    {200, "null", CN_REJECTED, "did not take the update"},
    {200, bare_box, CN_REJECTED, "did not take the field \"Number\""},
    {200, "{\"key\":\"B2\"}", CN_IN_DOUBT, "not about this box"},
    {200, "<html>", CN_IN_DOUBT, "no JSON"},
    {400, "{\"error\":\"Invalid value\"}", CN_REJECTED, "Invalid value"},
    {429, NULL, CN_RATE_LIMITED, "429"},
    {500, NULL, CN_IN_DOUBT, "500"},
    {408, NULL, CN_IN_DOUBT, "408"},
    {503, NULL, CN_RATE_LIMITED, "503"},
};

static void tells_failures_of_updates(void **state)
{
    cn_op op;

    (void)state;
    for (size_t at = 0; at < sizeof(write_failures) / sizeof(*write_failures);
         at++) {
        const struct failure *failure = &write_failures[at];

        op = deliver_deal();
        if (failure->code)
            reply("POST", "/v1/boxes/B1", failure->code, failure->body);
        else
            kit_answer_failure(kit, kit_pending(kit), KIT_NO_ANSWER);
        says(outcome_of(op, failure->status), failure->says);
    }
    op = deliver_deal();
    kit_answer_failure(kit, kit_pending(kit), KIT_NOT_SENT);
    outcome_of(op, CN_RETRY);
    op = deliver_deal();
    reply("POST", "/v1/boxes/B1", 401, NULL);
    reply("GET", "/v1/users/me", 200, me);
    says(outcome_of(op, CN_REJECTED), "no right");
    /* "Not found": the box is looked at before anybody is told. */
    op = deliver_deal();
    reply("POST", "/v1/boxes/B1", 400, KEY_TEXT);
    reply("GET", "/v1/boxes/B1", 200, bare_box);
    says(outcome_of(op, CN_REJECTED), "refused the update: Illegal");
    op = deliver_deal();
    reply("POST", "/v1/boxes/B1", 404, NULL);
    reply("GET", "/v1/boxes/B1", 404, NULL);
    says(outcome_of(op, CN_REJECTED), "the box is gone");
}

static void refuses_unknown_names(void **state)
{
    cn_op op = kit_deliver(kit, "deal/1", "e1", "B1",
                           "{\"key\":\"B1\",\"fields\":{\"Priority\":"
                           "\"Low\"}}");

    (void)state;
    reply("GET", "/v1/boxes/B1", 200, bare_box);
    reply("GET", "/v1/pipelines/P1", 200, pipeline);
    reply("GET", "/v1/pipelines/P1", 200, pipeline); /* perhaps a new one */
    says(outcome_of(op, CN_REJECTED), "\"Priority\" has no option \"Low\"");
    {
        const cn_record record = {.size = sizeof(record),
                                  .change = CN_DELETE,
                                  .type = "deal/1",
                                  .id = CN_STR("e1"),
                                  .key = CN_STR("B1"),
                                  .body = CN_STR("{\"key\":\"B1\"}")};

        outcome_of(kit_deliver_records(kit, &record, 1), CN_UNSUPPORTED);
    }
}

/* ---- activity/1 ------------------------------------------------------------
 */

static void comments(void **state)
{
    cn_op op = kit_deliver(kit, "activity/1", "e1", "B1", remark);

    (void)state;
    reply("GET", "/v2/boxes/B1/comments", 200,
          "[{\"key\":\"M0\",\"message\":\"Paid [ext:pay/12]\"},"
          "{\"key\":\"M2\",\"message\":null}]");
    assert_int_equal(kit_pending(kit)->effect, 1);
    assert_string_equal(kit_pending(kit)->body,
                        "{\"message\":\"Paid [ext:pay/1]\"}");
    reply("POST", "/v2/boxes/B1/comments", 200, comment);
    assert_string_equal(outcome_of(op, CN_OK)->body, "{\"comment\":\"M1\"}");
    /* Found on the second page. */
    op = kit_deliver(kit, "activity/1", "e1", "B1", remark);
    reply("GET", "/v2/boxes/B1/comments", 200,
          "{\"hasNextPage\":true,\"results\":[{\"key\":\"M0\"}]}");
    reply("GET", "/v2/boxes/B1/comments?page=1", 200,
          "{\"hasNextPage\":false,\"results\":[{\"key\":\"M1\",\"message\":"
          "\"Paid [ext:pay/1]\"}]}");
    assert_string_equal(outcome_of(op, CN_OK)->body, "{\"comment\":\"M1\"}");
    /* The page is ignored: everything was on the first. */
    op = kit_probe(kit, "activity/1", "e1", "B1", remark);
    reply("GET", "/v2/boxes/B1/comments", 200,
          "{\"hasNextPage\":true,\"results\":[{\"key\":\"M0\"}]}");
    reply("GET", "/v2/boxes/B1/comments?page=1", 200,
          "{\"hasNextPage\":true,\"results\":[{\"key\":\"M0\"}]}");
    outcome_of(op, CN_ABSENT);
}

static void tells_failures_of_comments(void **state)
{
    static const struct failure failures[] = {
        {0, NULL, CN_IN_DOUBT, "did not answer"},
        {200, NULL, CN_IN_DOUBT, "no body"},
        {200, "{\"key\":\"M9\",\"message\":\"other\"}", CN_IN_DOUBT,
         "not with this comment"},
        {200, "{", CN_IN_DOUBT, "no JSON"},
        {400, "{\"error\":\"Missing parameters\"}", CN_REJECTED, "Missing"},
        {500, NULL, CN_IN_DOUBT, "500"},
    };
    char page[200];
    cn_op op;

    (void)state;
    for (size_t at = 0; at < sizeof(failures) / sizeof(*failures); at++) {
        op = kit_deliver(kit, "activity/1", "e1", "B1", remark);
        reply("GET", "/v2/boxes/B1/comments", 200, "[]");
        if (failures[at].code)
            reply("POST", "/v2/boxes/B1/comments", failures[at].code,
                  failures[at].body);
        else
            kit_answer_failure(kit, kit_pending(kit), KIT_NO_ANSWER);
        says(outcome_of(op, failures[at].status), failures[at].says);
    }
    op = kit_deliver(kit, "activity/1", "e1", "B1", remark);
    reply("GET", "/v2/boxes/B1/comments", 404, NULL);
    reply("GET", "/v1/boxes/B1", 404, NULL);
    says(outcome_of(op, CN_REJECTED), "the box is gone");
    op = kit_deliver(kit, "activity/1", "e1", "B1", remark);
    reply("GET", "/v2/boxes/B1/comments", 200, "{\"results\":{}}");
    outcome_of(op, CN_RETRY);
    op = kit_probe(kit, "activity/1", "e1", "B1", remark);
    reply("GET", "/v2/boxes/B1/comments", 404, NULL);
    outcome_of(op, CN_ABSENT);
    /* A probe that is refused has found out nothing. */
    op = kit_probe(kit, "activity/1", "e1", "B1", remark);
    reply("GET", "/v2/boxes/B1/comments", 400, "{\"error\":\"x\"}");
    outcome_of(op, CN_RETRY);
    op = kit_probe(kit, "activity/1", "e1", "B1", remark);
    for (int number = 0; !kit_result(kit, op)->done; number++) {
        snprintf(page, sizeof(page),
                 "{\"hasNextPage\":true,\"results\":[{\"key\":\"M%d\"}]}",
                 number);
        assert_true(number < 50);
        kit_answer(kit, kit_pending(kit), 200, page);
    }
    says(outcome_of(op, CN_RETRY), "too many comments");
}

/* ---- webhook/1 -------------------------------------------------------------
 */

static void registers(void **state)
{
    cn_op op = kit_deliver(kit, "webhook/1", "e1", "k", hook);

    (void)state;
    reply("GET", "/v2/pipelines/P1/webhooks", 200,
          "{\"results\":["
          "{\"key\":\"W1\",\"event\":\"BOX_EDIT\",\"targetUrl\":\"https://"
          "h.test/in/streak/old\"},"
          "{\"key\":\"W2\",\"event\":\"BOX_CREATE\",\"targetUrl\":\"https://"
          "h.test/in/streak/old\"},"
          "{\"key\":\"W3\",\"event\":\"BOX_EDIT\",\"targetUrl\":\"https://"
          "h.test/in/streak2/x\"},"
          "{\"key\":\"W4\",\"event\":\"BOX_EDIT\",\"targetUrl\":\"https://"
          "h.test/in/streak/older\"},{}]}");
    assert_string_equal(kit_pending(kit)->body,
                        "{\"event\":\"BOX_EDIT\",\"targetUrl\":\"https://"
                        "h.test/in/streak/secret-of-the-path\",\"token\":"
                        "\"token-of-ours\"}");
    reply("POST", "/v2/webhooks?pipelineKey=P1", 200,
          "{\"key\":\"W5\",\"event\":\"BOX_EDIT\"}");
    assert_int_equal(kit_pending(kit)->effect, 1);
    reply("DELETE", "/v2/webhooks/W1", 200, NULL);
    reply("DELETE", "/v2/webhooks/W4", 404, NULL); /* as good */
    assert_string_equal(outcome_of(op, CN_OK)->body, "{\"webhook\":\"W5\"}");
}

/* Ours stands on the second page; a page may also come again. */
static void reads_all_webhooks(void **state)
{
    static const char first[] =
        "{\"hasNextPage\":true,\"results\":[{\"key\":\"W1\",\"event\":"
        "\"BOX_EDIT\",\"targetUrl\":\"https://other.test/\"}]}";
    cn_op op = kit_deliver(kit, "webhook/1", "e1", "k", hook);

    (void)state;
    reply("GET", "/v2/pipelines/P1/webhooks", 200, first);
    reply("GET", "/v2/pipelines/P1/webhooks?page=1", 200,
          "{\"hasNextPage\":false,\"results\":[{\"key\":\"W2\",\"event\":"
          "\"BOX_EDIT\",\"targetUrl\":\"https://h.test/in/streak/"
          "secret-of-the-path\"}]}");
    assert_string_equal(outcome_of(op, CN_OK)->body, "{\"webhook\":\"W2\"}");
    op = kit_probe(kit, "webhook/1", "e1", "k", hook);
    reply("GET", "/v2/pipelines/P1/webhooks", 200, first);
    reply("GET", "/v2/pipelines/P1/webhooks?page=1", 200, first);
    outcome_of(op, CN_ABSENT);
}

static void keeps_one(void **state)
{
    static const char twice[] =
        "[{\"key\":\"W1\",\"event\":\"BOX_EDIT\",\"targetUrl\":\"https://"
        "h.test/in/streak/secret-of-the-path\"},{\"webhookKey\":\"W2\","
        "\"event\":\"BOX_EDIT\",\"targetUrl\":\"https://h.test/in/streak/"
        "secret-of-the-path\"}]";
    static const char once[] =
        "[{\"key\":\"W1\",\"event\":\"BOX_EDIT\",\"targetUrl\":\"https://"
        "h.test/in/streak/secret-of-the-path\"}]";
    const cn_record gone = {.size = sizeof(gone),
                            .change = CN_DELETE,
                            .type = "webhook/1",
                            .id = CN_STR("e1"),
                            .key = CN_STR("k"),
                            .body = {hook, sizeof(hook) - 1}};
    cn_op op = kit_probe(kit, "webhook/1", "e1", "k", hook);

    (void)state;
    reply("GET", "/v2/pipelines/P1/webhooks", 200, twice);
    outcome_of(op, CN_ABSENT); /* the delivery tidies up */
    op = kit_deliver(kit, "webhook/1", "e1", "k", hook);
    reply("GET", "/v2/pipelines/P1/webhooks", 200, twice);
    reply("DELETE", "/v2/webhooks/W2", 200, "{\"success\":true}");
    outcome_of(op, CN_OK);
    op = kit_probe(kit, "webhook/1", "e1", "k", hook);
    reply("GET", "/v2/pipelines/P1/webhooks", 200, once);
    assert_string_equal(outcome_of(op, CN_OK)->body, "{\"webhook\":\"W1\"}");
    op = kit_probe(kit, "webhook/1", "e1", "k", hook);
    reply("GET", "/v2/pipelines/P1/webhooks", 200, "[]");
    outcome_of(op, CN_ABSENT);
    op = kit_deliver_records(kit, &gone, 1);
    reply("GET", "/v2/pipelines/P1/webhooks", 200, once);
    reply("DELETE", "/v2/webhooks/W1", 200, NULL);
    outcome_of(op, CN_OK);
}

static void tells_failures_of_webhooks(void **state)
{
    cn_op op;

    (void)state;
    op = kit_deliver(kit, "webhook/1", "e1", "k", hook);
    reply("GET", "/v2/pipelines/P1/webhooks", 404, NULL);
    says(outcome_of(op, CN_REJECTED), "pipeline is gone");
    op = kit_deliver(kit, "webhook/1", "e1", "k", hook);
    reply("GET", "/v2/pipelines/P1/webhooks", 200, "{}");
    outcome_of(op, CN_RETRY);
    op = kit_deliver(kit, "webhook/1", "e1", "k", hook);
    reply("GET", "/v2/pipelines/P1/webhooks", 200, "[]");
    reply("POST", "/v2/webhooks?pipelineKey=P1", 400,
          "{\"error\":\"bad target https://h.test/in/streak/"
          "secret-of-the-path\"}");
    outcome_of(op, CN_REJECTED); /* the kit looks for the secret in it */
    op = kit_deliver(kit, "webhook/1", "e1", "k", hook);
    reply("GET", "/v2/pipelines/P1/webhooks", 200, "[]");
    reply("POST", "/v2/webhooks?pipelineKey=P1", 200, "{\"success\":true}");
    outcome_of(op, CN_IN_DOUBT);
    op = kit_deliver(kit, "webhook/1", "e1", "k", hook);
    reply("GET", "/v2/pipelines/P1/webhooks", 200, "[]");
    kit_answer_failure(kit, kit_pending(kit), KIT_NO_ANSWER);
    outcome_of(op, CN_IN_DOUBT);
    kit_set_secret(kit, "webhook_address", NULL);
    op = kit_deliver(kit, "webhook/1", "e1", "k", hook);
    says(outcome_of(op, CN_REJECTED), "public_address");
}

/* ---- Cancelling, broken bytes ----------------------------------------------
 */

/* Every operation given up at every one of its requests. */
static void can_be_cancelled(void **state)
{
    static const char *const answers[][6] = {
        {box, pipeline, team, organization, contact, NULL},
        {bare_box, pipeline, updated, NULL},
        {"[]", comment, NULL},
        {"[]", "{\"key\":\"W1\"}", NULL}};

    (void)state;
    for (size_t kind = 0; kind < 4; kind++) {
        for (size_t stop = 0; answers[kind][stop]; stop++) {
            cn_op op;

            restart(config);
            op = kind == 0   ? ask()
                 : kind == 1 ? kit_deliver(kit, "deal/1", "e", "k", update)
                 : kind == 2 ? kit_deliver(kit, "activity/1", "e", "k", remark)
                             : kit_deliver(kit, "webhook/1", "e", "k", hook);
            for (size_t at = 0; at < stop; at++)
                kit_answer(kit, kit_pending(kit), 200, answers[kind][at]);
            assert_false(kit_result(kit, op)->done);
            kit_cancel(kit, op);
            assert_true(kit_result(kit, op)->done);
            if (kit_request(kit, stop)->effect)
                outcome_of(op, CN_IN_DOUBT);
            else
                outcome_of(op, CN_CANCELLED);
        }
    }
}

/* The host may say cancel first and end the requests afterwards. */
static void waits_for_its_request(void **state)
{
    static cn_plugin plugin;
    cn_op op;

    (void)state;
    plugin = cn_plugin_v1;
    plugin.create = create;
    kit_destroy(kit);
    kit = kit_create(&plugin, config);
    assert_true(kit_start(kit));
    op = ask();
    plugin.cancel(instance, op);
    assert_false(kit_result(kit, op)->done);
    reply("GET", "/v1/boxes/B1", 200, box);
    outcome_of(op, CN_CANCELLED);
    op = ask();
    plugin.cancel(instance, op);
    kit_answer_failure(kit, kit_pending(kit), KIT_NO_ANSWER);
    outcome_of(op, CN_CANCELLED);
    op = deliver_deal();
    plugin.cancel(instance, op);
    reply("POST", "/v1/boxes/B1", 200, updated);
    outcome_of(op, CN_IN_DOUBT);
    op = ask();
    reply("GET", "/v1/boxes/B1", 401, NULL);
    plugin.cancel(instance, op);
    reply("GET", "/v1/users/me", 200, me);
    outcome_of(op, CN_CANCELLED);
    plugin.cancel(instance, op); /* it is over */
}

/* Each answer of each operation, cut at every byte. */
static void survives_cut_answers(void **state)
{
    static const char *const answers[][6] = {
        {box, pipeline, team, organization, contact, NULL},
        {bare_box, pipeline, updated, NULL},
        {"[{\"key\":\"M0\",\"message\":\"x\"}]", comment, NULL},
        {"{\"results\":[{\"key\":\"W9\"}]}",
         "{\"key\":\"W1\",\"event\":\"BOX_EDIT\"}", NULL}};
    char cut[2000];

    (void)state;
    for (size_t kind = 0; kind < 4; kind++) {
        for (size_t stop = 0; answers[kind][stop]; stop++) {
            for (size_t len = 1; len < strlen(answers[kind][stop]); len++) {
                cn_op op;
                bool effect;

                restart(config);
                op = kind == 0   ? ask()
                     : kind == 1 ? kit_deliver(kit, "deal/1", "e", "k", update)
                     : kind == 2
                         ? kit_deliver(kit, "activity/1", "e", "k", remark)
                         : kit_deliver(kit, "webhook/1", "e", "k", hook);
                for (size_t at = 0; at < stop; at++)
                    kit_answer(kit, kit_pending(kit), 200, answers[kind][at]);
                snprintf(cut, len + 1, "%s", answers[kind][stop]);
                effect = kit_pending(kit)->effect;
                kit_answer(kit, kit_pending(kit), 200, cut);
                says(outcome_of(op, effect ? CN_IN_DOUBT : CN_RETRY),
                     "no JSON");
            }
        }
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, before, after)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(checks),
        TEST(reads_a_deal),
        TEST(reads_new_names),
        TEST(names_field_of_organization),
        TEST(reads_not_too_many),
        TEST(tells_failures_of_reads),
        TEST(tells_key_from_right),
        TEST(slows_down),
        TEST(refuses_odd_keys),
        TEST(one_reads_for_all),
        TEST(keeps_a_bounded_number),
        TEST(the_next_one_reads),
        TEST(updates_a_box),
        TEST(tells_failures_of_updates),
        TEST(refuses_unknown_names),
        TEST(comments),
        TEST(tells_failures_of_comments),
        TEST(registers),
        TEST(reads_all_webhooks),
        TEST(keeps_one),
        TEST(tells_failures_of_webhooks),
        TEST(can_be_cancelled),
        TEST(waits_for_its_request),
        TEST(survives_cut_answers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
