/* links: sim_streak sim_probe */
/* test_sim_streak.c - the Streak simulator over raw HTTP, without the plugin.
 *
 * The first part is the list of requests that must be refused, each with its
 * status and text, and after each the ledger must show that nothing was
 * changed.  The second shows the rules of updates, lists and limits that a
 * connector leans on. */
#include "streak_kit.h"

struct refusal {
    const char *about;
    const char *method;
    const char *path;
    const char *header; /* kind of body; NULL: none */
    const char *body;   /* NULL: none */
    long status;
    const char *text; /* a part of the answer */
};

static const char key_text[] = "Illegal Argument Exception in GetEntities";
static const char path_text[] = "Invalid API path specified";
static const char missing_text[] = "Missing parameters";
static const char gone_text[] = "existing entity does not exist";
static const char value_text[] = "Invalid value";

static const struct refusal refusals[] = {
    /* Paths: the other version, the wrong place, nothing at all. */
    {"box by v2", "GET", "/api/v2/boxes/{B}", NULL, NULL, 400, path_text},
    {"teams by v1", "GET", "/api/v1/users/me/teams", NULL, NULL, 400,
     path_text},
    {"contact by v1", "GET", "/api/v1/contacts/{C}", NULL, NULL, 400,
     path_text},
    {"no path", "GET", "/api/v1/nothing", NULL, NULL, 400, path_text},
    {"no version", "GET", "/api/v3/pipelines", NULL, NULL, 400, path_text},
    {"PATCH", "PATCH", "/api/v1/boxes/{B}", KIT_JSON, "{}", 400, path_text},
    {"contact update under teams", "POST", "/api/v2/teams/{T}/contacts/{C}",
     KIT_JSON, "{\"title\":\"Buyer\"}", 400, path_text},
    /* Keys. */
    {"not a key", "GET", "/api/v1/pipelines/12345", NULL, NULL, 400, key_text},
    {"nobody's key", "GET", "/api/v1/boxes/{X}", NULL, NULL, 404, gone_text},
    {"key of another kind", "GET", "/api/v1/boxes/{P}", NULL, NULL, 404,
     gone_text},
    {"update of nothing", "POST", "/api/v1/boxes/{X}", KIT_JSON,
     "{\"name\":\"n\"}", 404, gone_text},
    {"delete of nothing", "DELETE", "/api/v1/boxes/{X}", NULL, NULL, 404,
     gone_text},
    {"webhook not there", "GET", "/api/v2/webhooks/{X}", NULL, NULL, 404,
     gone_text},
    /* Kinds of body. */
    {"JSON on a v1 PUT", "PUT", "/api/v1/pipelines/{P}/boxes", KIT_JSON,
     "{\"name\":\"n\"}", 400, "Insufficient params for Box"},
    {"JSON on a v1 PUT of a field", "PUT", "/api/v1/pipelines/{P}/fields",
     KIT_JSON, "{\"name\":\"n\",\"type\":\"DATE\"}", 400,
     "Insufficient params for Field"},
    {"JSON on a v1 PUT of a pipeline", "PUT", "/api/v1/pipelines", KIT_JSON,
     "{\"name\":\"n\",\"teamKey\":\"{T}\"}", 400,
     "Insufficient params for Pipeline"},
    {"form on a v1 POST", "POST", "/api/v1/boxes/{B}", KIT_FORM,
     "name=n&stageKey=5003", 200, "null"},
    {"form on a v1 field value", "POST", "/api/v1/boxes/{B}/fields/1004",
     KIT_FORM, "value=20450", 200, "null"},
    {"form on a v2 POST", "POST", "/api/v2/pipelines/{P}/boxes", KIT_FORM,
     "name=n", 400, missing_text},
    {"form on a contact", "POST", "/api/v2/teams/{T}/contacts/", KIT_FORM,
     "{\"givenName\":\"n\"}", 400, missing_text},
    {"broken JSON", "POST", "/api/v1/boxes/{B}", KIT_JSON, "{\"name\":", 400,
     missing_text},
    {"JSON and more", "POST", "/api/v1/boxes/{B}", KIT_JSON,
     "{\"name\":\"n\"} x", 400, missing_text},
    {"an array", "POST", "/api/v1/boxes/{B}", KIT_JSON, "[]", 400,
     missing_text},
    /* Boxes. */
    {"box without name", "POST", "/api/v2/pipelines/{P}/boxes", KIT_JSON,
     "{\"stageKey\":\"5001\"}", 400, "Insufficient params for Box"},
    {"box with empty name", "POST", "/api/v2/pipelines/{P}/boxes", KIT_JSON,
     "{\"name\":\"\"}", 400, "Insufficient params for Box"},
    {"box in no stage", "POST", "/api/v2/pipelines/{P}/boxes", KIT_JSON,
     "{\"name\":\"n\",\"stageKey\":\"5009\"}", 400, key_text},
    {"stage by name", "POST", "/api/v1/boxes/{B}", KIT_JSON,
     "{\"stageKey\":\"Closed-Won\"}", 400, key_text},
    {"stage as number", "POST", "/api/v1/boxes/{B}", KIT_JSON,
     "{\"stageKey\":5003}", 400, key_text},
    {"list of no stage", "GET", "/api/v1/pipelines/{P}/boxes?stageKey=1", NULL,
     NULL, 400, key_text},
    {"name as number", "POST", "/api/v1/boxes/{B}", KIT_JSON, "{\"name\":1}",
     400, value_text},
    {"unknown assignee", "POST", "/api/v1/boxes/{B}", KIT_JSON,
     "{\"assignedToSharingEntries\":[{\"email\":\"who@example.test\"}]}", 400,
     value_text},
    {"unknown contact", "POST", "/api/v1/boxes/{B}", KIT_JSON,
     "{\"contacts\":[{\"key\":\"{X}\"}]}", 404, gone_text},
    {"contacts as keys", "POST", "/api/v1/boxes/{B}", KIT_JSON,
     "{\"contacts\":[\"{C}\"],\"name\":\"n\"}", 200, "null"},
    {"contacts with contactKey", "POST", "/api/v1/boxes/{B}", KIT_JSON,
     "{\"contacts\":[{\"contactKey\":\"{C}\"}]}", 200, "null"},
    {"contacts with e-mail", "POST", "/api/v1/boxes/{B}", KIT_JSON,
     "{\"contacts\":[{\"emailAddress\":\"a@b.test\"}]}", 200, "null"},
    /* Field values. */
    {"unknown field", "POST", "/api/v1/boxes/{B}/fields/1999", KIT_JSON,
     "{\"value\":\"x\"}", 400, key_text},
    {"unknown field in an update", "POST", "/api/v1/boxes/{B}", KIT_JSON,
     "{\"fields\":{\"1999\":\"x\"},\"name\":\"n\"}", 400, key_text},
    {"field by name", "POST", "/api/v1/boxes/{B}", KIT_JSON,
     "{\"fields\":{\"SYSPRO order\":\"x\"}}", 400, key_text},
    {"no value", "POST", "/api/v1/boxes/{B}/fields/1004", KIT_JSON,
     "{\"values\":\"x\"}", 400, value_text},
    {"number in a text", "POST", "/api/v1/boxes/{B}/fields/1004", KIT_JSON,
     "{\"value\":20450}", 400, value_text},
    {"text in a date", "POST", "/api/v1/boxes/{B}/fields/1002", KIT_JSON,
     "{\"value\":\"2026-01-01\"}", 400, value_text},
    {"part of a millisecond", "POST", "/api/v1/boxes/{B}/fields/1002", KIT_JSON,
     "{\"value\":1.5}", 400, value_text},
    {"text in a checkbox", "POST", "/api/v1/boxes/{B}/fields/1008", KIT_JSON,
     "{\"value\":\"true\"}", 400, value_text},
    {"option by name", "POST", "/api/v1/boxes/{B}/fields/1006", KIT_JSON,
     "{\"value\":\"High\"}", 400, value_text},
    {"no such option", "POST", "/api/v1/boxes/{B}/fields/1006", KIT_JSON,
     "{\"value\":\"9003\"}", 400, value_text},
    {"one tag without a list", "POST", "/api/v1/boxes/{B}/fields/1007",
     KIT_JSON, "{\"value\":\"9001\"}", 400, value_text},
    {"no such tag", "POST", "/api/v1/boxes/{B}/fields/1007", KIT_JSON,
     "{\"value\":[\"9001\",\"9009\"]}", 400, value_text},
    {"bad option in an update", "POST", "/api/v1/boxes/{B}", KIT_JSON,
     "{\"name\":\"n\",\"fields\":{\"1006\":\"High\"}}", 400, value_text},
    {"fields as broken text", "POST", "/api/v1/boxes/{B}", KIT_JSON,
     "{\"fields\":\"{1004\"}", 200, "null"},
    /* Structure. */
    {"stage with boxes", "DELETE", "/api/v1/pipelines/{P}/stages/5002", NULL,
     NULL, 400, "stage still has boxes"},
    {"pipeline with boxes", "DELETE", "/api/v1/pipelines/{P}", NULL, NULL, 400,
     "pipeline still has boxes"},
    {"type of a field", "POST", "/api/v1/pipelines/{P}/fields/1001", KIT_JSON,
     "{\"type\":\"DATE\"}", 400, "Can't change the type of a field"},
    {"no such type", "PUT", "/api/v1/pipelines/{P}/fields", KIT_FORM,
     "name=n&type=NUMBER", 400, "Insufficient params for Field"},
    {"unequal lists", "PUT", "/api/v1/pipelines", KIT_FORM,
     "name=n&teamKey={T}&fieldNames=a,b&fieldTypes=DATE", 400,
     "Insufficient params for Pipeline"},
    {"no such field", "GET", "/api/v1/pipelines/{P}/fields/1999", NULL, NULL,
     400, key_text},
    /* Contacts and organizations. */
    {"contact without name and e-mail", "POST", "/api/v2/teams/{T}/contacts/",
     KIT_JSON, "{\"title\":\"Buyer\"}", 400,
     "Need to specify at least a name or email address"},
    {"the same e-mail twice", "POST", "/api/v2/teams/{T}/contacts/", KIT_JSON,
     "{\"emailAddresses\":[\"a@b.test\",\"a@b.test\"]}", 400,
     "Contacts can't have duplicate emails: a@b.test\",\"errorCode\":801"},
    {"contact losing name and e-mail", "POST", "/api/v2/contacts/{C}", KIT_JSON,
     "{\"givenName\":null,\"familyName\":\"\",\"emailAddresses\":[]}", 400,
     "Need to specify at least a name or email address"},
    {"organization without name and domain", "POST",
     "/api/v2/teams/{T}/organizations", KIT_JSON, "{\"industry\":\"Retail\"}",
     400, "Need to specify at least a name or domain"},
    {"unknown custom field", "POST", "/api/v2/organizations/{O}", KIT_JSON,
     "{\"fields\":{\"1002\":\"x\"}}", 400, key_text},
    {"e-mails as text", "POST", "/api/v2/contacts/{C}", KIT_JSON,
     "{\"emailAddresses\":\"a@b.test\"}", 200, "null"},
    {"not a cursor", "GET", "/api/v2/teams/{T}/contacts?cursor=abc", NULL, NULL,
     400, "Invalid cursor"},
    /* Comments and webhooks. */
    {"comment without message", "POST", "/api/v2/boxes/{B}/comments", KIT_JSON,
     "{\"text\":\"x\"}", 400, missing_text},
    {"no such event", "POST", "/api/v2/webhooks?pipelineKey={P}", KIT_JSON,
     "{\"event\":\"BOX_EDITED\",\"targetUrl\":\"http://h.test/x\"}", 400,
     missing_text},
    {"webhook without target", "POST", "/api/v2/webhooks?pipelineKey={P}",
     KIT_JSON, "{\"event\":\"BOX_EDIT\"}", 400, missing_text},
    {"webhook without scope", "POST", "/api/v2/webhooks", KIT_JSON,
     "{\"event\":\"BOX_EDIT\",\"targetUrl\":\"http://h.test/x\"}", 400,
     missing_text},
    {"contact event of a pipeline", "POST", "/api/v2/webhooks?pipelineKey={P}",
     KIT_JSON,
     "{\"event\":\"CONTACT_UPDATE\",\"targetUrl\":\"http://h.test/x\"}", 400,
     missing_text},
    {"webhook of no pipeline", "POST", "/api/v2/webhooks?pipelineKey={X}",
     KIT_JSON, "{\"event\":\"BOX_EDIT\",\"targetUrl\":\"http://h.test/x\"}",
     404, gone_text},
};

static void assert_refused(const struct refusal *refusal)
{
    const char *const headers[] = {KIT_BASIC, refusal->header, NULL};
    struct sim_reply reply =
        kit_call_with(headers, refusal->method, refusal->path, refusal->body);

    if (reply.status != refusal->status || !strstr(reply.text, refusal->text))
        print_error("%s: %ld %s\n", refusal->about, reply.status, reply.text);
    assert_int_equal(reply.status, refusal->status);
    assert_non_null(strstr(reply.text, refusal->text));
    assert_string_equal(reply.content_type, "application/json");
    if (reply.status != 200)
        assert_true(cJSON_IsFalse(kit_at(reply.json, "success")));
    sim_reply_done(&reply);
}

/* Nothing in the ledger was committed and the world is as it was. */
static void assert_unchanged(const char *before)
{
    cJSON *ledger = kit_control("/_sim/ledger?limit=100000", NULL);
    cJSON *world = kit_control("/_sim/world", NULL);
    char *after = cJSON_PrintUnformatted(world);
    cJSON *entry;

    cJSON_ArrayForEach(entry, kit_at(ledger, "entries"))
    {
        if (cJSON_IsTrue(kit_at(entry, "committed")))
            print_error("committed: %s\n", kit_text(entry, "path"));
        assert_false(cJSON_IsTrue(kit_at(entry, "committed")));
    }
    assert_string_equal(before, after);
    assert_int_equal(
        kit_control_number("/_sim/documents", "last"),
        kit_control_number("/_sim/documents?after=1000000", "last"));
    free(after);
    cJSON_Delete(ledger);
    cJSON_Delete(world);
}

static void assert_no_documents(void)
{
    cJSON *documents = kit_control("/_sim/documents", NULL);

    assert_int_equal(cJSON_GetArraySize(kit_at(documents, "entries")), 0);
    cJSON_Delete(documents);
}

static void test_refusals(void **state)
{
    cJSON *world = kit_control("/_sim/world", NULL);
    char *before = cJSON_PrintUnformatted(world);

    (void)state;
    for (size_t i = 0; i < sizeof(refusals) / sizeof(*refusals); i++)
        assert_refused(&refusals[i]);
    assert_unchanged(before);
    assert_no_documents();
    cJSON_Delete(world);
    free(before);
}

static void assert_401(const char *header, const char *path, const char *body)
{
    const char *const headers[] = {header, NULL};
    struct sim_reply reply = kit_call_with(headers, "GET", path, NULL);

    assert_int_equal(reply.status, 401);
    assert_string_equal(reply.text, body);
    sim_reply_done(&reply);
}

static void test_api_keys(void **state)
{
    const char *const bearer[] = {"Authorization: Bearer sandbox-streak-key",
                                  NULL};
    struct sim_reply reply;

    (void)state;
    assert_401(NULL, "/api/v1/users/me",
               "{\"error\":\"Authentication required\"}");
    assert_401("Authorization: Basic d3Jvbmc6", "/api/v1/users/me",
               "{\"success\":false,\"error\":\"invalid api key\"}");
    assert_401("Authorization: Bearer wrong", "/api/v1/users/me",
               "{\"success\":false,\"error\":\"invalid api key\"}");
    /* sandbox-streak-key:password */
    assert_401("Authorization: Basic c2FuZGJveC1zdHJlYWsta2V5OnBhc3N3b3Jk",
               "/api/v1/users/me",
               "{\"success\":false,\"error\":\"invalid api key\"}");
    /* sandbox-outsider-key: a user without a right to the object. */
    assert_401("Authorization: Basic c2FuZGJveC1vdXRzaWRlci1rZXk6",
               "/api/v1/boxes/{B}", "{\"success\":false}");
    reply = kit_call_with(bearer, "GET", "/api/v1/users/me", NULL);
    assert_int_equal(reply.status, 200);
    sim_reply_done(&reply);
}

static void test_switches(void **state)
{
    struct sim_reply reply;
    cJSON *box;

    (void)state;
    kit_set("/_sim/options", "{\"unknown_key_status\":400}");
    reply = kit_call("GET", "/api/v1/boxes/{X}", NULL);
    assert_int_equal(reply.status, 400);
    sim_reply_done(&reply);
    kit_set("/_sim/options", "{\"strict\":false}");
    kit_do("POST", "/api/v1/boxes/{B}/fields/1006", "{\"value\":\"High\"}");
    kit_set("/_sim/options", "{\"v2_stages\":false}");
    reply = kit_call("GET", "/api/v2/pipelines/{P}/stages", NULL);
    assert_int_equal(reply.status, 400);
    sim_reply_done(&reply);
    kit_set("/_sim/options", "{\"extra_properties\":true}");
    box = kit_ok("GET", "/api/v1/boxes/{B}", NULL);
    assert_non_null(kit_at(box, "momentum/score/0"));
    cJSON_Delete(box);
}

static void test_last_stage_stays(void **state)
{
    cJSON *made = kit_ok(
        "PUT", "/api/v1/pipelines?name=One&teamKey={T}&stageNames=Only", NULL);
    struct sim_reply reply;
    char path[512];

    (void)state;
    snprintf(path, sizeof(path), "/api/v1/pipelines/%s/stages/5001",
             kit_text(made, "key"));
    reply = kit_call("DELETE", path, NULL);
    assert_int_equal(reply.status, 400);
    sim_reply_done(&reply);
    cJSON_Delete(made);
}

static void test_formula_is_read_only(void **state)
{
    cJSON *field = kit_ok(
        "PUT", "/api/v1/pipelines/{P}/fields?name=Margin&type=FORMULA", NULL);
    struct sim_reply reply =
        kit_call("POST", "/api/v1/boxes/{B}/fields/1010", "{\"value\":\"1\"}");

    (void)state;
    assert_string_equal(kit_text(field, "key"), "1010");
    assert_int_equal(reply.status, 400);
    assert_non_null(strstr(reply.text, "formula"));
    sim_reply_done(&reply);
    cJSON_Delete(field);
}

/* --- Updates --- */

static void test_update_times(void **state)
{
    cJSON *before, *same, *edited, *moved;

    (void)state;
    kit_set("/_sim/clock", "{\"frozen\":true}");
    kit_set("/_sim/clock", "{\"advance_ms\":1000}");
    before = kit_ok("GET", "/api/v1/boxes/{B}", NULL);
    same = kit_ok("POST", "/api/v1/boxes/{B}",
                  "{\"stageKey\":\"5002\",\"unknown\":1}");
    assert_int_equal(kit_number(same, "lastUpdatedTimestamp"),
                     kit_number(before, "lastUpdatedTimestamp"));
    assert_true(kit_number(same, "lastSavedTimestamp") >
                kit_number(before, "lastSavedTimestamp"));
    assert_no_documents();
    kit_set("/_sim/clock", "{\"advance_ms\":1000}");
    edited = kit_ok("POST", "/api/v1/boxes/{B}", "{\"notes\":\"seen\"}");
    assert_int_equal(kit_number(edited, "lastUpdatedTimestamp"),
                     kit_number(same, "lastSavedTimestamp") + 1000);
    assert_int_equal(kit_number(edited, "lastStageChangeTimestamp"),
                     kit_number(before, "lastStageChangeTimestamp"));
    kit_set("/_sim/clock", "{\"advance_ms\":1000}");
    moved = kit_ok("POST", "/api/v1/boxes/{B}", "{\"stageKey\":\"5003\"}");
    assert_int_equal(kit_number(moved, "lastStageChangeTimestamp"),
                     kit_number(edited, "lastUpdatedTimestamp") + 1000);
    cJSON_Delete(before);
    cJSON_Delete(same);
    cJSON_Delete(edited);
    cJSON_Delete(moved);
}

static void test_lists_replace(void **state)
{
    cJSON *box = kit_ok("POST", "/api/v1/boxes/{B}",
                        "{\"contacts\":[],\"organizations\":[{\"key\":\"{O}\","
                        "\"isStarred\":true},{\"key\":\"{O}\"}]}");

    (void)state;
    assert_int_equal(cJSON_GetArraySize(kit_at(box, "contacts")), 0);
    assert_int_equal(cJSON_GetArraySize(kit_at(box, "organizations")), 2);
    assert_true(cJSON_IsTrue(kit_at(box, "organizations/0/isStarred")));
    assert_true(cJSON_IsFalse(kit_at(box, "organizations/1/isStarred")));
    cJSON_Delete(box);
}

static void test_unknown_names_ignored(void **state)
{
    cJSON *box = kit_ok("POST", "/api/v1/boxes/{B}",
                        "{\"contactKeys\":[],\"organizationKeys\":[],"
                        "\"pipelineKey\":\"x\"}");

    (void)state;
    assert_int_equal(cJSON_GetArraySize(kit_at(box, "contacts")), 1);
    assert_string_equal(kit_text(box, "pipelineKey"), kit.pipeline);
    cJSON_Delete(box);
}

static void test_field_values(void **state)
{
    cJSON *box = kit_ok("POST", "/api/v1/boxes/{B}",
                        "{\"fields\":\"{\\\"1004\\\":\\\"020450\\\","
                        "\\\"1006\\\":\\\"9002\\\"}\","
                        "\"json\":1}");
    cJSON *value;

    (void)state;
    assert_string_equal(kit_text(box, "fields/1004"), "020450");
    assert_string_equal(kit_text(box, "fields/1006"), "9002");
    cJSON_Delete(box);
    kit_do("POST", "/api/v1/boxes/{B}/fields/1007",
           "{\"value\":[\"9001\",\"9003\"]}");
    kit_do("POST", "/api/v1/boxes/{B}/fields/1002",
           "{\"value\":1767261840000}");
    kit_do("POST", "/api/v1/boxes/{B}/fields/1004", "{\"value\":\"\"}");
    value = kit_ok("GET", "/api/v1/boxes/{B}/fields/1004", NULL);
    assert_true(cJSON_IsNull(kit_at(value, "value")));
    cJSON_Delete(value);
    box = kit_control("/_sim/boxes/{B}", NULL);
    assert_string_equal(kit_text(box, "fields/Channels/1"), "partner");
    assert_string_equal(kit_text(box, "fields/Priority"), "High");
    assert_int_equal(kit_number(box, "fields/Requested ship date"),
                     1767261840000);
    cJSON_Delete(box);
    value = kit_ok("GET", "/api/v1/boxes/{B}/fields", NULL);
    assert_int_equal(cJSON_GetArraySize(value), 4);
    cJSON_Delete(value);
}

static void test_delete_removes_what_hangs_on_it(void **state)
{
    cJSON *comment = kit_ok("POST", "/api/v2/boxes/{B}/comments",
                            "{\"message\":\"[ext:1] hello\"}");
    struct sim_reply reply;
    char path[512];

    (void)state;
    snprintf(path, sizeof(path), "/api/v2/comments/%s",
             kit_text(comment, "key"));
    kit_do("GET", path, NULL);
    kit_do("DELETE", "/api/v1/boxes/{B}", NULL);
    reply = kit_call("GET", path, NULL);
    assert_int_equal(reply.status, 404);
    sim_reply_done(&reply);
    reply = kit_call("GET", "/api/v1/boxes/{B}", NULL);
    assert_int_equal(reply.status, 404);
    sim_reply_done(&reply);
    cJSON_Delete(comment);
}

static void test_no_help_against_duplicates(void **state)
{
    cJSON *documents;

    (void)state;
    for (int i = 0; i < 2; i++) {
        kit_do("POST", "/api/v2/pipelines/{P}/boxes", "{\"name\":\"Same\"}");
        kit_do("POST", "/api/v2/boxes/{B}/comments",
               "{\"message\":\"[ext:7] paid\"}");
    }
    documents = kit_control("/_sim/documents?kind=box&reference=Same", NULL);
    assert_int_equal(cJSON_GetArraySize(kit_at(documents, "entries")), 2);
    assert_int_equal(kit_number(documents, "entries/0/same_reference"), 2);
    cJSON_Delete(documents);
    documents = kit_control("/_sim/documents?kind=comment", NULL);
    assert_int_equal(kit_number(documents, "entries/0/same_reference"), 2);
    cJSON_Delete(documents);
}

static void test_contacts(void **state)
{
    cJSON *found =
        kit_ok("POST", "/api/v2/teams/{T}/contacts?getIfExisting=true",
               "{\"emailAddresses\":[\"ida.marsh@bayside.test\"]}");
    cJSON *made, *changed;

    (void)state;
    assert_string_equal(kit_text(found, "key"), kit.contact);
    made = kit_ok("POST", "/api/v2/teams/{T}/contacts/",
                  "{\"emailAddresses\":[\"ida.marsh@bayside.test\"],"
                  "\"orgLinks\":[{\"key\":\"{O}\"}],"
                  "\"fields\":{\"1001\":\"x\"}}");
    assert_string_not_equal(kit_text(made, "key"), kit.contact);
    assert_int_equal(cJSON_GetArraySize(kit_at(made, "orgLinks")), 0);
    assert_null(kit_at(made, "fields/1001"));
    changed = kit_ok("POST", "/api/v2/contacts/{C}",
                     "{\"title\":\"Head\",\"linkedInHandle\":\"ida\","
                     "\"fields\":{\"1001\":\"Chief\"}}");
    assert_string_equal(kit_text(changed, "title"), "Head");
    assert_string_equal(kit_text(changed, "givenName"), "Ida");
    assert_string_equal(kit_text(changed, "fields/1001"), "Chief");
    assert_null(kit_at(changed, "linkedInHandle"));
    cJSON_Delete(found);
    cJSON_Delete(made);
    cJSON_Delete(changed);
}

/* --- Lists --- */

static void test_v1_list_pages(void **state)
{
    cJSON *first, *second;

    (void)state;
    kit_do("POST", "/api/v1/boxes/{B}", "{\"notes\":\"newest\"}");
    first = kit_ok("GET",
                   "/api/v1/pipelines/{P}/"
                   "boxes?sortBy=lastUpdatedTimestamp&limit=2&page=0",
                   NULL);
    second = kit_ok("GET",
                    "/api/v1/pipelines/{P}/"
                    "boxes?sortBy=lastUpdatedTimestamp&limit=2&page=1",
                    NULL);
    assert_true(cJSON_IsArray(first));
    assert_int_equal(cJSON_GetArraySize(first), 2);
    assert_int_equal(cJSON_GetArraySize(second), 1);
    assert_string_equal(kit_text(first, "0/key"), kit.box);
    cJSON_Delete(first);
    cJSON_Delete(second);
    first = kit_ok("GET", "/api/v1/pipelines/{P}/boxes?stageKey=5001", NULL);
    assert_int_equal(cJSON_GetArraySize(first), 0);
    cJSON_Delete(first);
}

static void test_v2_list_pages(void **state)
{
    cJSON *page = kit_ok("GET", "/api/v2/pipelines/{P}/boxes?limit=2", NULL);

    (void)state;
    assert_true(cJSON_IsTrue(kit_at(page, "hasNextPage")));
    assert_int_equal(cJSON_GetArraySize(kit_at(page, "results")), 2);
    cJSON_Delete(page);
    page = kit_ok("GET", "/api/v2/pipelines/{P}/boxes?limit=2&page=1", NULL);
    assert_true(cJSON_IsFalse(kit_at(page, "hasNextPage")));
    assert_int_equal(cJSON_GetArraySize(kit_at(page, "results")), 1);
    cJSON_Delete(page);
}

static void test_cursor_pages(void **state)
{
    cJSON *page = kit_ok("GET", "/api/v2/teams/{T}/contacts?limit=2", NULL);
    char path[512];

    (void)state;
    assert_int_equal(cJSON_GetArraySize(kit_at(page, "results")), 2);
    snprintf(path, sizeof(path), "/api/v2/teams/{T}/contacts?limit=2&cursor=%s",
             kit_text(page, "cursor"));
    cJSON_Delete(page);
    page = kit_ok("GET", path, NULL);
    assert_int_equal(cJSON_GetArraySize(kit_at(page, "results")), 1);
    assert_true(cJSON_IsNull(kit_at(page, "cursor")));
    cJSON_Delete(page);
    /* after is in seconds: a time in milliseconds is far in the future. */
    page =
        kit_ok("GET", "/api/v2/teams/{T}/contacts?after=1767261600000", NULL);
    assert_int_equal(cJSON_GetArraySize(kit_at(page, "results")), 0);
    cJSON_Delete(page);
    page = kit_ok("GET", "/api/v2/teams/{T}/organizations", NULL);
    assert_int_equal(cJSON_GetArraySize(kit_at(page, "results")), 3);
    assert_true(strcmp(kit_text(page, "results/0/key"),
                       kit_text(page, "results/1/key")) < 0);
    cJSON_Delete(page);
}

static void test_slash_at_the_end(void **state)
{
    (void)state;
    kit_do("GET", "/api/v1/pipelines/{P}/", NULL);
    kit_do("GET", "/api/v2/teams/{T}/contacts/", NULL);
}

/* --- Limits --- */

static void assert_limited(const char *retry_after, const char *text)
{
    struct sim_reply reply = kit_call("GET", "/api/v1/users/me", NULL);

    assert_int_equal(reply.status, 429);
    assert_string_equal(reply.retry_after, retry_after);
    assert_string_equal(reply.text, text);
    sim_reply_done(&reply);
}

static void test_rate(void **state)
{
    (void)state;
    kit_set("/_sim/clock", "{\"frozen\":true}");
    kit_set("/_sim/options", "{\"rate\":2}");
    kit_do("GET", "/api/v1/users/me", NULL);
    kit_do("GET", "/api/v1/users/me", NULL);
    assert_limited("", "{\"success\":false,\"error\":\"too many requests\"}");
    kit_set("/_sim/options", "{\"limit_header\":true,\"limit_body\":false}");
    assert_limited("2", "");
    kit_set("/_sim/clock", "{\"advance_ms\":500}");
    kit_do("GET", "/api/v1/users/me", NULL);
    assert_limited("2", "");
    kit_set("/_sim/clock", "{\"advance_ms\":100000}");
    kit_do("GET", "/api/v1/users/me", NULL);
    kit_do("GET", "/api/v1/users/me", NULL);
    assert_limited("2", "");
    kit_set("/_sim/options", "{\"rate\":0}");
}

/* --- Keys --- */

static void test_keys(void **state)
{
    char key[STREAK_KEY_MAX], other[STREAK_KEY_MAX], before[STREAK_KEY_MAX];

    (void)state;
    for (int kind = 0; kind < STREAK_KIND_COUNT; kind++) {
        streak_key_make((enum streak_kind)kind, 7, 1, key);
        streak_key_make((enum streak_kind)kind, 7, 2, other);
        assert_in_range(strlen(key), 80, 100);
        assert_int_equal(strspn(key, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmno"
                                     "pqrstuvwxyz0123456789-_"),
                         strlen(key));
        assert_string_not_equal(key, other);
        assert_true(streak_key_decodes(key));
        key[1] = 'X';
        assert_false(streak_key_decodes(key));
    }
    snprintf(before, sizeof(before), "%s", kit.box);
    kit_reset(NULL);
    assert_string_equal(before, kit.box);
}

static void test_keys_never_again(void **state)
{
    cJSON *box =
        kit_ok("POST", "/api/v2/pipelines/{P}/boxes", "{\"name\":\"One\"}");
    char path[512], key[STREAK_KEY_MAX];

    (void)state;
    kit_copy(key, kit_text(box, "key"));
    snprintf(path, sizeof(path), "/api/v1/boxes/%s", key);
    cJSON_Delete(box);
    kit_do("DELETE", path, NULL);
    box = kit_ok("POST", "/api/v2/pipelines/{P}/boxes", "{\"name\":\"Two\"}");
    assert_string_not_equal(kit_text(box, "key"), key);
    cJSON_Delete(box);
}

/* --- A person --- */

static void test_person(void **state)
{
    cJSON *box = kit_control(
        "/_sim/boxes",
        "{\"name\":\"New deal\",\"stage\":\"Lead\","
        "\"organization\":\"Northgate Metals\","
        "\"fields\":{\"Order lines\":\"A100; 1; 149.90\",\"Paid\":true,"
        "\"Priority\":\"High\",\"Channels\":[\"web\"]}}");
    struct sim_reply reply;
    char path[512];

    (void)state;
    assert_string_equal(kit_text(box, "stage"), "Lead");
    snprintf(path, sizeof(path), "/api/v1/boxes/%s", kit_text(box, "key"));
    cJSON_Delete(box);
    box = kit_ok("GET", path, NULL);
    assert_string_equal(kit_text(box, "fields/1006"), "9002");
    assert_string_equal(kit_text(box, "fields/1007/0"), "9001");
    assert_string_equal(kit_text(box, "stageKey"), "5001");
    assert_int_equal(cJSON_GetArraySize(kit_at(box, "organizations")), 1);
    cJSON_Delete(box);
    kit_set("/_sim/boxes/New%20deal", "{\"stage\":\"Closed-Won\"}");
    box = kit_ok("GET", path, NULL);
    assert_string_equal(kit_text(box, "stageKey"), "5003");
    cJSON_Delete(box);
    reply = sim_probe_control(&kit.probe, "/_sim/boxes/New%20deal",
                              "{\"stage\":\"Won\"}");
    assert_int_equal(reply.status, 400);
    sim_reply_done(&reply);
    reply = sim_probe_control(&kit.probe, "/_sim/boxes/Nobody", "{}");
    assert_int_equal(reply.status, 404);
    sim_reply_done(&reply);
}

static void test_move_many(void **state)
{
    cJSON *moved = kit_control("/_sim/move-many",
                               "{\"count\":500,\"stage\":\"Closed-Won\","
                               "\"organization\":\"Bayside Tools Ltd\","
                               "\"fields\":{\"Order lines\":\"A100; 1; 2\"}}");

    (void)state;
    assert_int_equal(cJSON_GetArraySize(kit_at(moved, "keys")), 500);
    cJSON_Delete(moved);
    moved = kit_control("/_sim/move-many",
                        "{\"count\":500,\"from\":\"Closed-Won\","
                        "\"stage\":\"Closed-Lost\",\"create\":false}");
    assert_int_equal(kit_number(moved, "count"), 500);
    cJSON_Delete(moved);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, kit_reset)
    const struct CMUnitTest tests[] = {
        TEST(test_refusals),
        TEST(test_api_keys),
        TEST(test_switches),
        TEST(test_last_stage_stays),
        TEST(test_formula_is_read_only),
        TEST(test_update_times),
        TEST(test_lists_replace),
        TEST(test_unknown_names_ignored),
        TEST(test_field_values),
        TEST(test_delete_removes_what_hangs_on_it),
        TEST(test_no_help_against_duplicates),
        TEST(test_contacts),
        TEST(test_v1_list_pages),
        TEST(test_v2_list_pages),
        TEST(test_cursor_pages),
        TEST(test_slash_at_the_end),
        TEST(test_rate),
        TEST(test_keys),
        TEST(test_keys_never_again),
        TEST(test_person),
        TEST(test_move_many),
    };

    return cmocka_run_group_tests(tests, kit_start, kit_stop);
}
