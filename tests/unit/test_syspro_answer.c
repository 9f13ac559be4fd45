/* links: syspro_static connect_kit */
/* What answers mean: wrappings, the ten steps, cut and hostile documents. */
#include "test_syspro.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "answer.h"
#include "comfnd.h"
#include "xml.h"

/* A sanitizer's own memory is not counted. */
#ifdef __has_feature
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED
#endif

static struct decision decide(cn_str body, const char *po, bool validating)
{
    struct answer answer;
    struct decision decision;

    answer_open(&answer, body);
    answer_decide(&answer, po, validating, &decision);
    answer_close(&answer);
    return decision;
}

#define STATUS(processed, rejected)                                            \
    "<StatusOfItems><ItemsProcessed>" processed "</ItemsProcessed>"            \
    "<ItemsRejectedWithWarnings>" rejected "</ItemsRejectedWithWarnings>"      \
    "</StatusOfItems>"
#define ORDER(number)                                                          \
    "<Order><CustomerPoNumber>P-1</CustomerPoNumber><SalesOrder>" number       \
    "</SalesOrder></Order>"

static void test_ten_steps(void **state)
{
    static const struct {
        int step;
        enum verdict verdict;
        bool validating;
        const char *body;
    } cases[] = {
        {1, VERDICT_ERROR, false, "ERROR: x"},
        {1, VERDICT_ERROR, false, " \n error in lower case"},
        {1, VERDICT_ERROR, false, "\"ERROR: x\""},
        {1, VERDICT_ERROR, true, "<string>ERROR: x</string>"},
        {2, VERDICT_UNKNOWN, false, "0"},
        {2, VERDICT_UNKNOWN, false, "<PostSorOrderStatus/>"},
        {2, VERDICT_UNKNOWN, false, "<SalesOrders>"},
        {2, VERDICT_UNKNOWN, false,
         "<SalesOrders><Order><CustomerPoNumber>P-2</CustomerPoNumber>"
         "<SalesOrder>1</SalesOrder></Order></SalesOrders>"},
        {2, VERDICT_UNKNOWN, false,
         "<SalesOrders><Orders><OrderHeader><CustomerPoNumber>P-2"
         "</CustomerPoNumber><ErrorDescription>x</ErrorDescription>"
         "</OrderHeader></Orders></SalesOrders>"},
        {3, VERDICT_REJECTED, false,
         "<SalesOrders>" ORDER("17") "<a><b><errordescription>x"
                                     "</errordescription></b></a>" STATUS(
                                         "000001", "0") "</SalesOrders>"},
        {3, VERDICT_REJECTED, false,
         "<SalesOrders><ErrorDescription/></SalesOrders>"},
        {4, VERDICT_REJECTED, false,
         "<SalesOrders>" ORDER(
             "17") "<ValidationStatus><Status>Failed"
                   "</Status></ValidationStatus></SalesOrders>"},
        {5, VERDICT_VALIDATED, true,
         "<SalesOrders>" STATUS("000001", "000000") "</SalesOrders>"},
        {6, VERDICT_CREATED, false,
         "<SalesOrders>" ORDER("17")
             STATUS("000001", "000001") "</SalesOrders>"},
        {6, VERDICT_CREATED, false,
         "<salesorders>" ORDER("  17 ") "</salesorders>"},
        {7, VERDICT_REJECTED, false,
         "<SalesOrders>" ORDER("") STATUS("000001", "000000") "</SalesOrders>"},
        {7, VERDICT_REJECTED, false,
         "<SalesOrders>" ORDER("   ") "</SalesOrders>"},
        {8, VERDICT_REJECTED, false,
         "<SalesOrders>" STATUS("000001", "000001") "</SalesOrders>"},
        {9, VERDICT_UNNUMBERED, false,
         "<SalesOrders>" STATUS("     1", "0") "</SalesOrders>"},
        {9, VERDICT_UNNUMBERED, false,
         "<SalesOrders>" STATUS(
             "000001",
             "000000") "<ValidationStatus><Status>"
                       "Successful</Status></ValidationStatus></SalesOrders>"},
        {10, VERDICT_REJECTED, false,
         "<SalesOrders>" STATUS("000000", "000000") "</SalesOrders>"},
        {10, VERDICT_REJECTED, false, "<SalesOrders/>"}};

    (void)state;
    for (size_t index = 0; index < sizeof(cases) / sizeof(*cases); index++) {
        struct decision decision =
            decide(cn_text(cases[index].body), "P-1", cases[index].validating);
        if (decision.step != cases[index].step ||
            decision.verdict != cases[index].verdict)
            fail_msg("step %d, verdict %d: %s", decision.step,
                     (int)decision.verdict, cases[index].body);
    }
}

static void test_golden_decisions(void **state)
{
    static const struct {
        const char *folder, *file, *po;
        bool validating;
        int step;
        const char *number;
        size_t errors, warnings;
    } cases[] = {
        {"02-logon-bad-password", "response.body", "X", false, 1, "", 1, 0},
        {"03-session-invalid", "response.body", "X", false, 1, "", 1, 0},
        {"04-sortoi-add-clean-no-number", "response.body", "HS-90017", false, 9,
         "", 0, 0},
        {"05-sortoi-add-with-warnings", "response.body", "HS-90018", false, 6,
         "020451", 0, 1},
        {"06-sortoi-unknown-stock-code", "response.body", "HS-90019", false, 3,
         "", 1, 0},
        {"07-sortoi-validate-ok", "response.body", "HS-90020", true, 5, "", 0,
         0},
        {"08-sortoi-rejected-empty-number", "response.body", "HS-90021", false,
         7, "", 0, 0},
        {"09-sortoi-all-line-types", "response.body", "#R&D 22", false, 6,
         "020452", 0, 0},
        {"20-postld-large-order", "response.body", "HS-90030", false, 6,
         "020460", 0, 0},
        {"25-body-wrapped-json", "response.body", "HS-90017", false, 9, "", 0,
         0},
        {"25-body-wrapped-json", "response-string.body", "HS-90017", false, 9,
         "", 0, 0},
        {"28-bo-not-licensed", "response.body", "X", false, 1, "", 1, 0},
        {"29-gateway-401", "response.body", "X", false, 2, "", 0, 0},
        {"30-url-too-long", "response.body", "X", false, 2, "", 0, 0},
        {"31-sortos-validate-trap", "response.body", "X", false, 2, "", 0, 0}};

    (void)state;
    for (size_t index = 0; index < sizeof(cases) / sizeof(*cases); index++) {
        char *body = golden(cases[index].folder, cases[index].file);
        struct decision decision =
            decide(cn_text(body), cases[index].po, cases[index].validating);
        if (decision.step != cases[index].step)
            fail_msg("%s: step %d", cases[index].folder, decision.step);
        assert_string_equal(decision.number, cases[index].number);
        assert_int_equal(decision.error_count, cases[index].errors);
        assert_int_equal(decision.warning_count, cases[index].warnings);
        free(body);
    }
}

/* Peeled, the three bodies of case 25 are what case 04 and 01 have. */
static void test_peeled(void **state)
{
    static const char *const files[] = {"response.body",
                                        "response-string.body"};
    char *plain = golden("04-sortoi-add-clean-no-number", "response.body");
    char *session = golden("25-body-wrapped-json", "response-logon.body");
    struct answer answer;

    (void)state;
    for (size_t index = 0; index < 2; index++) {
        char *body = golden("25-body-wrapped-json", files[index]);
        answer_open(&answer, cn_text(body));
        assert_int_equal(answer.kind, ANSWER_XML);
        assert_string_equal(answer.text.ptr, plain);
        answer_close(&answer);
        free(body);
    }
    answer_open(&answer, cn_text(session));
    assert_int_equal(answer.kind, ANSWER_PLAIN);
    assert_string_equal(answer.text.ptr, SESSION_ID);
    answer_close(&answer);
    free(plain);
    free(session);
}

/* Texts of a wrapped answer are UTF-8, though Windows-1252 is declared. */
static void test_text_of_wrapped_document(void **state)
{
#define DECLARED "<?xml version='1.0' encoding='Windows-1252'?>"
    static const char *const bodies[] = {
        DECLARED "<SalesOrders><ErrorDescription>Caf\xE9 \x80"
                 "</ErrorDescription></SalesOrders>",
        "\"" DECLARED "<SalesOrders><ErrorDescription>Caf\xC3\xA9 \xE2\x82\xAC"
        "</ErrorDescription></SalesOrders>\"",
        "<string>&lt;?xml version='1.0' encoding='Windows-1252'?&gt;"
        "&lt;SalesOrders&gt;&lt;ErrorDescription&gt;Caf&#233; &#8364;"
        "&lt;/ErrorDescription&gt;&lt;/SalesOrders&gt;</string>",
        "<?xml version='1.0'?><a:string xmlns:a='b'>&lt;SalesOrders&gt;"
        "&lt;ErrorDescription&gt;Caf\xC3\xA9 \xE2\x82\xAC"
        "&lt;/ErrorDescription&gt;&lt;/SalesOrders&gt;</a:string>"};

    (void)state;
    for (size_t index = 0; index < 4; index++) {
        struct decision decision = decide(cn_text(bodies[index]), "P-1", false);
        assert_int_equal(decision.step, 3);
        assert_string_equal(decision.errors[0].text,
                            "Caf\xC3\xA9 \xE2\x82\xAC");
    }
}

/* Cut at every byte a good answer is unknown, never created and never refused;
 * and nothing is read behind its end. */
static void test_cut_at_every_byte(void **state)
{
    static const char *const cases[][3] = {
        {"04-sortoi-add-clean-no-number", "response.body", "HS-90017"},
        {"05-sortoi-add-with-warnings", "response.body", "HS-90018"},
        {"06-sortoi-unknown-stock-code", "response.body", "HS-90019"},
        {"08-sortoi-rejected-empty-number", "response.body", "HS-90021"},
        {"09-sortoi-all-line-types", "response.body", "#R&D 22"},
        {"20-postld-large-order", "response.body", "HS-90030"},
        {"25-body-wrapped-json", "response.body", "HS-90017"},
        {"25-body-wrapped-json", "response-string.body", "HS-90017"}};

    (void)state;
    for (size_t index = 0; index < sizeof(cases) / sizeof(*cases); index++) {
        char *body = golden(cases[index][0], cases[index][1]);
        struct decision whole = decide(cn_text(body), cases[index][2], false);
        size_t len = strlen(body), complete = len;
        while (complete && strchr("\n ", body[complete - 1]))
            complete--;
        for (size_t cut = 0; cut <= len; cut++) {
            char *part = malloc(cut ? cut : 1); /* no byte more */
            struct decision decision;
            memcpy(part, body, cut);
            decision = decide((cn_str){part, cut}, cases[index][2], false);
            if (cut < complete && decision.verdict != VERDICT_UNKNOWN)
                fail_msg("%s cut at %zu: verdict %d", cases[index][0], cut,
                         (int)decision.verdict);
            if (cut >= complete && decision.verdict != whole.verdict)
                fail_msg("%s cut at %zu", cases[index][0], cut);
            free(part);
        }
        free(body);
    }
}

/* The same for the look-up: a cut answer never proves that there is no order.
 */
static void test_cut_look_up(void **state)
{
    char *body = golden("11-comfnd-no-rows", "response.body");
    size_t complete = strlen(body);

    (void)state;
    while (strchr("\n ", body[complete - 1]))
        complete--;
    for (size_t cut = 0; cut < complete; cut++) {
        char *part = malloc(cut ? cut : 1);
        struct answer answer;
        struct comfnd_rows rows;
        memcpy(part, body, cut);
        answer_open(&answer, (cn_str){part, cut});
        assert_false(comfnd_read(&answer, "SorMaster", &rows));
        answer_close(&answer);
        free(part);
    }
    free(body);
}

/* Every byte of an answer turned into every sort of nonsense: no crash (run
 * with the address sanitizer), and a number is the one that was sent or the
 * byte stood in it. */
static void test_changed_bytes(void **state)
{
    static const char bytes[] = {'\0', '<', '>', '&', '"', '\xFF', ' ', '1'};
    char *body = golden("05-sortoi-add-with-warnings", "response.body");
    size_t len = strlen(body);

    (void)state;
    for (size_t at = 0; at < len; at++) {
        char kept = body[at];
        for (size_t index = 0; index < sizeof(bytes); index++) {
            struct decision decision;
            body[at] = bytes[index];
            decision = decide((cn_str){body, len}, "HS-90018", false);
            if (decision.verdict == VERDICT_CREATED)
                assert_true(strlen(decision.number) <= 7); /* U+00FF is two */
        }
        body[at] = kept;
    }
    free(body);
}

static void test_many_errors(void **state)
{
    char *text = NULL;
    size_t len = 0;
    FILE *to = open_memstream(&text, &len);
    struct decision decision;
    char described[512];

    (void)state;
    fprintf(to, "<SalesOrders>");
    for (int index = 0; index < 1000; index++)
        fprintf(to,
                "<StockLine><CustomerPoLine>%d</CustomerPoLine>"
                "<ErrorMessages><ErrorDescription>wrong</ErrorDescription>"
                "</ErrorMessages></StockLine>",
                index + 1);
    fprintf(to, "</SalesOrders>");
    fclose(to);
    decision = decide((cn_str){text, len}, "P-1", false);
    assert_int_equal(decision.error_count, 1000);
    answer_describe(&decision, described, sizeof(described));
    assert_non_null(strstr(described, "StockLine 1: wrong; StockLine 2: "));
    assert_non_null(strstr(described, "; and 984 more"));
    answer_describe(&decision, described, 40); /* cut, not overrun */
    assert_int_equal(strlen(described), 39);
    free(text);
}

/* ---- F18 --------------------------------------------------------------------
 */

/* In a child process, because the most memory that a process ever used cannot
 * be put back.  Exit code: the step, or 100 above the limits of F18. */
static int step_in_child(const char *document, size_t len)
{
    pid_t child = fork();
    int result = 0;

    if (child == 0) {
        struct rusage before, after;
        clock_t start = clock();
        struct decision decision;
        bool over = false;
        getrusage(RUSAGE_SELF, &before);
        decision = decide((cn_str){document, len}, "P-1", false);
        getrusage(RUSAGE_SELF, &after);
        over = clock() - start > CLOCKS_PER_SEC;
#ifndef SANITIZED
        over = over || after.ru_maxrss - before.ru_maxrss > 64 * 1024;
#endif
        _exit(over ? 100 : decision.step);
    }
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_true(WIFEXITED(result));
    return WEXITSTATUS(result);
}

static void assert_refused(const char *name, const char *document, size_t len)
{
    int step = step_in_child(document, len);

    if (step != 2)
        fail_msg("%s: step %d", name, step);
}

static void test_hostile_documents(void **state)
{
#define CREATED "<SalesOrders>" ORDER("17") "</SalesOrders>"
    static const char *const documents[] = {
        "<!DOCTYPE SalesOrders [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>"
        "<SalesOrders><Order><SalesOrder>&x;</SalesOrder></Order>"
        "</SalesOrders>",
        "<!DOCTYPE SalesOrders [<!ENTITY x SYSTEM 'http://127.0.0.1:1/x'>]>"
        "<SalesOrders>&x;</SalesOrders>",
        "<!DOCTYPE SalesOrders [<!ENTITY % x SYSTEM 'http://127.0.0.1:1/x'>"
        "%x;]><SalesOrders/>",
        "<!DOCTYPE SalesOrders [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b "
        "'&a;&a;&a;&a;&a;&a;&a;&a;'><!ENTITY c '&b;&b;&b;&b;&b;&b;&b;&b;'>]>"
        "<SalesOrders>&c;</SalesOrders>",
        "<!DOCTYPE SalesOrders>" CREATED,
        "<!DOCTYPE SalesOrders SYSTEM 'file:///etc/passwd'>" CREATED,
        "<?xml version='1.0'?><!-- < --><?x <!?> <!DOCTYPE a>" CREATED,
        "\xEF\xBB\xBF<!DOCTYPE a>" CREATED,
        "<?xml version='1.0' encoding='UTF-16'?>" CREATED,
        "<?xml version='1.0' encoding='UTF-7'?>" CREATED,
        "<?xml version='1.0' encoding='IBM037'?>" CREATED,
        "<?xml version='1.0' encoding='utf-8x'?>" CREATED,
        "<?xml version='1.0' encoding='UTF-8'?><SalesOrders><a>\xE9</a>" ORDER(
            "17") "</SalesOrders>",
        "<SalesOrders>&undefined;" ORDER("17") "</SalesOrders>",
        "<SalesOrders>" ORDER("17") "</SalesOrders><SalesOrders/>",
        "<string>&lt;!DOCTYPE a&gt;&lt;SalesOrders/&gt;</string>",
        "\"<!DOCTYPE a><SalesOrders/>\"",
        "<!-- never ends",
        "<?never ends",
        "<?xml version='1.0'",
        "<!---->",
        "<",
        "<?",
        "<!",
        "\"",
        "<string",
        "<string>"};

    (void)state;
    for (size_t index = 0; index < sizeof(documents) / sizeof(*documents);
         index++)
        assert_refused(documents[index], documents[index],
                       strlen(documents[index]));
    /* the same without a document type is fine: the cases above can fail */
    assert_int_equal(decide(cn_text(CREATED), "P-1", false).step, 6);
    assert_refused("UTF-16", "\xFF\xFE<\0S\0a\0l\0", 10);
    assert_refused("a NUL", CREATED, sizeof(CREATED));
}

/* head, count times part, tail */
static char *repeated(const char *head, const char *part, size_t count,
                      const char *tail, size_t *ret_len)
{
    size_t part_len = strlen(part), at = strlen(head);
    char *text = malloc(at + count * part_len + strlen(tail) + 1);

    memcpy(text, head, at);
    for (size_t index = 0; index < count; index++, at += part_len)
        memcpy(text + at, part, part_len);
    memcpy(text + at, tail, strlen(tail) + 1);
    *ret_len = at + strlen(tail);
    return text;
}

static void test_huge_documents(void **state)
{
    static const struct {
        const char *name, *part;
        size_t count;
    } cases[] = {{"levels", "<a>", 300 * 1000},
                 {"levels below the limit of marks", "<a>", 100 * 1000},
                 {"empty elements", "<a/>", 4 * 1024 * 1024 - 100},
                 {"attributes", "<a b='' c='' d=''/>", 800 * 1000},
                 {"a text", "0123456789", 10 * 1024 * 1024},
                 {"comments", "<!---->", 2 * 1000 * 1000}};

    (void)state;
    for (size_t index = 0; index < sizeof(cases) / sizeof(*cases); index++) {
        size_t len = 0;
        char *text = repeated("<SalesOrders>" ORDER("17"), cases[index].part,
                              cases[index].count, "</SalesOrders>", &len);
        assert_refused(cases[index].name, text, len);
        free(text);
    }
}

/* As many nodes as are let through stay below 64 MiB. */
static void test_largest_document(void **state)
{
    size_t len = 0;
    char *text = repeated("<SalesOrders>", "<a>1</a>", 149 * 1000,
                          "</SalesOrders>", &len);

    (void)state;
    assert_int_equal(step_in_child(text, len), 10);
    free(text);
}

static void test_reasons(void **state)
{
    static const struct {
        const char *text;
        enum reason reason;
    } cases[] = {
        {"ERROR: The supplied UserID is invalid, log on", REASON_SESSION},
        {"ERROR: e.net exception raised: 100000", REASON_UNAVAILABLE},
        {"ERROR: e.net exception raised: 200000", REASON_OTHER},
        {"The maximum number of e.net licenses is in use", REASON_LICENCE},
        {"Record is in use by operator X", REASON_LOCKED},
        {"Duplicate order number - customer purchase order", REASON_DUPLICATE},
        {"Customer purchase order number already used", REASON_DUPLICATE},
        {"CUSTOMER 'X' IS ON HOLD", REASON_HOLD},
        {"Stock code 'X' is on hold", REASON_OTHER},
        {"Credit limit exceeded", REASON_CREDIT},
        {"Posting period 2026-03 is closed", REASON_PERIOD},
        {"Order is closed", REASON_OTHER},
        {"", REASON_OTHER}};
    cJSON *manifest = NULL;
    cJSON *texts = cJSON_CreateObject();

    (void)state;
    assert_int_equal(
        cn_json_read(cn_text(cn_plugin_v1.manifest), NULL, &manifest, NULL), 0);
    CN_JSON_EACH(property, cn_json_pointer(
                               manifest, "/config/properties/texts/properties"))
    cn_json_put(texts, property->string,
                cJSON_Duplicate(cn_json_member(property, "default"), true));
    for (enum reason reason = REASON_SESSION; reason < REASON_COUNT; reason++)
        assert_non_null(cn_json_member(texts, reason_name(reason)));
    for (size_t index = 0; index < sizeof(cases) / sizeof(*cases); index++) {
        if (answer_reason(texts, cases[index].text) != cases[index].reason)
            fail_msg("%s: %s", cases[index].text,
                     reason_name(answer_reason(texts, cases[index].text)));
    }
    cJSON_Delete(texts);
    cJSON_Delete(manifest);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ten_steps),
        cmocka_unit_test(test_golden_decisions),
        cmocka_unit_test(test_peeled),
        cmocka_unit_test(test_text_of_wrapped_document),
        cmocka_unit_test(test_cut_at_every_byte),
        cmocka_unit_test(test_cut_look_up),
        cmocka_unit_test(test_changed_bytes),
        cmocka_unit_test(test_many_errors),
        cmocka_unit_test(test_hostile_documents),
        cmocka_unit_test(test_huge_documents),
        cmocka_unit_test(test_largest_document),
        cmocka_unit_test(test_reasons)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
