/* links: syspro_static connect_kit sim_syspro */
/* The connector against the simulator: the kit's requests go to it over HTTP,
 * with the passwords that a host would add.  Each test begins with the demo
 * world; what counts is how many orders there are at the end. */
#include "test_syspro.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <curl/curl.h>

#include "syspro.h"

enum { BODY_MAX = 4 * 1024 * 1024 };

static pid_t child;
static char base[64]; /* http://127.0.0.1:PORT */

/* ---- The simulator --------------------------------------------------------
 */

static void run_child(int output)
{
    char *argv[] = {(char[]){"syspro-sim"}, (char[]){"--port"}, (char[]){"0"},
                    NULL};

    dup2(output, STDOUT_FILENO);
    close(output);
    exit(syspro_run(3, argv));
}

static int group_setup(void **state)
{
    char line[256];
    int ends[2];
    unsigned port = 0;
    FILE *output = NULL;

    (void)state;
    if (pipe(ends) != 0)
        return -1;
    child = fork();
    if (child == 0) {
        close(ends[0]);
        run_child(ends[1]);
    }
    close(ends[1]);
    output = fdopen(ends[0], "r");
    if (!output || !fgets(line, sizeof(line), output) ||
        sscanf(line, "%*[^:]:%*[^:]:%u", &port) != 1)
        return -1;
    fclose(output);
    snprintf(base, sizeof(base), "http://127.0.0.1:%u", port);
    return curl_global_init(CURL_GLOBAL_DEFAULT) ? -1 : 0;
}

static int group_teardown(void **state)
{
    int result = 0;

    (void)state;
    curl_global_cleanup();
    kill(child, SIGTERM);
    waitpid(child, &result, 0);
    return WIFEXITED(result) && WEXITSTATUS(result) == 0 ? 0 : -1;
}

struct body {
    char *text;
    size_t len;
};

static size_t on_bytes(char *bytes, size_t size, size_t count, void *arg)
{
    struct body *body = arg;

    if (body->len + size * count >= BODY_MAX)
        return 0;
    memcpy(body->text + body->len, bytes, size * count);
    body->len += size * count;
    body->text[body->len] = '\0';
    return size * count;
}

/* One request on a connection of its own.  data NULL: GET. */
static CURLcode http(const char *url, const char *data, const char *type,
                     struct body *body, long *ret_code)
{
    CURL *curl = curl_easy_init();
    struct curl_slist *headers = curl_slist_append(NULL, type);
    CURLcode result = CURLE_OK;

    body->text = calloc(1, BODY_MAX);
    body->len = 0;
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, 20000L);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_bytes);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, body);
    if (data) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, data);
        curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    }
    result = curl_easy_perform(curl);
    *ret_code = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, ret_code);
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    return result;
}

/* A control request; the answer's text, to free. */
static char *control(const char *path, const char *data)
{
    char url[256];
    struct body body;
    long code = 0;

    snprintf(url, sizeof(url), "%s/_sim/%s", base, path);
    assert_int_equal(
        http(url, data, "Content-Type: application/json", &body, &code),
        CURLE_OK);
    if (code < 200 || code > 299)
        fail_msg("%s: %ld %s", path, code, body.text);
    return body.text;
}

static void order_sim(const char *path, const char *data)
{
    free(control(path, data));
}

static void assert_orders(int count)
{
    char *text = control("orders", NULL), words[32];

    snprintf(words, sizeof(words), "\"count\":%d", count);
    if (!strstr(text, words))
        fail_msg("%s is not in %s", words, text);
    free(text);
    text = control("orders/duplicates", NULL);
    assert_null(strstr(text, "HS-"));
    free(text);
}

/* ---- The kit's requests -------------------------------------------------- */

/* Send what waits to the simulator, until nothing waits. */
static void serve(struct kit *kit)
{
    struct kit_request *request = NULL;

    while ((request = kit_pending(kit))) {
        char *url = calloc(1, strlen(request->url) + 128);
        bool logon = strstr(request->auth, "query:OperatorPassword") != NULL;
        struct body body;
        long code = 0;
        CURLcode result = CURLE_OK;
        snprintf(url, strlen(request->url) + 128, "%s%s", request->url,
                 logon ? "&OperatorPassword=s3cret%2B1&CompanyPassword=" : "");
        result = http(url, request->body_len ? request->body : NULL,
                      "Content-Type: application/xml", &body, &code);
        if (result == CURLE_OK)
            kit_answer_headers(kit, request, (uint32_t)code, NULL,
                               (cn_str){body.text, body.len});
        else
            kit_answer_failure(kit, request,
                               result == CURLE_COULDNT_CONNECT ? KIT_NOT_SENT
                                                               : KIT_NO_ANSWER);
        free(body.text);
        free(url);
    }
}

static struct kit *world(const char *more)
{
    char config[512];

    order_sim("reset", "{}");
    snprintf(config, sizeof(config),
             "{\"base_url\":\"%s/SYSPROWCFService/Rest\",\"operator\":"
             "\"CRMLINK\",\"operator_password\":\"s3cret+1\",\"company\":"
             "\"EDU1\"%s}",
             base, more);
    return started(config);
}

static cn_op delivered(struct kit *kit, const char *order)
{
    cn_op op = deliver(kit, order);

    serve(kit);
    return op;
}

static cn_op probed(struct kit *kit, const char *order)
{
    cn_op op = probe(kit, order);

    serve(kit);
    return op;
}

#define ORDER(customer, po, code, quantity)                                    \
    "{\"external_id\":\"b\",\"customer\":\"" customer "\",\"po_number\":\"" po \
    "\",\"order_date\":\"2026-03-02\",\"comments\":"                           \
    "\"K\xC3\xB6ln & <b>\",\"lines\":[{\"line\":\"1\",\"stock_code\":\"" code  \
    "\",\"quantity\":\"" quantity "\",\"unit\":\"EA\",\"price\":\"149.90\"}]}"
#define GOOD ORDER("0001207", "HS-1", "A100", "3")

static void test_order(void **state)
{
    struct kit *kit = world("");
    cn_op op = kit_check(kit);

    (void)state;
    serve(kit);
    assert_ended(kit, op, CN_OK, NULL);
    op = delivered(kit, GOOD);
    assert_ended(kit, op, CN_OK, "\"sales_order\":\"020450\"");
    op = probed(kit, GOOD);
    assert_ended(kit, op, CN_OK, "\"sales_order\":\"020450\"");
    op = delivered(kit, GOOD); /* the same again */
    assert_ended(kit, op, CN_OK, "\"adopted\":true");
    op = delivered(kit, ORDER("0001207", "HS-1", "A100", "4"));
    assert_ended(kit, op, CN_REJECTED, "quantity 3.000000 there, 4 here");
    op = probed(kit, ORDER("0001207", "HS-2", "A100", "3"));
    assert_ended(kit, op, CN_ABSENT, NULL);
    op = kit_stop(kit);
    serve(kit);
    assert_ended(kit, op, CN_OK, NULL);
    assert_orders(1);
    kit_destroy(kit);
}

static void test_shapes(void **state)
{
    static const char *const shapes[] = {"A", "B"};
    static const char *const bodies[] = {"raw", "json", "string"};
    char data[64];

    (void)state;
    for (int index = 0; index < 6; index++) {
        struct kit *kit = world("");
        cn_op op = 0;
        snprintf(data, sizeof(data), "{\"clean\":\"%s\",\"body\":\"%s\"}",
                 shapes[index % 2], bodies[index / 2]);
        order_sim("shape", data);
        op = delivered(kit, GOOD);
        assert_ended(kit, op, CN_OK, "\"sales_order\":\"020450\"");
        op = delivered(kit, ORDER("0001207", "HS-2", "A100", "600"));
        assert_ended(kit, op, CN_OK, "back order");
        op = delivered(kit, ORDER("0001207", "HS-3", "NOSUCH", "1"));
        assert_ended(kit, op, CN_REJECTED, "NOSUCH");
        assert_orders(2);
        kit_destroy(kit);
    }
}

/* Each fault: the status, what a probe says, and the number of orders. */
static void test_faults(void **state)
{
    static const struct {
        const char *fault;
        cn_status status, probe;
        int orders;
    } cases[] = {
#define ON_POST ",\"match\":\"SORTOI\",\"count\":1}"
        {"{\"fault\":\"cut_after_commit\"" ON_POST, CN_IN_DOUBT, CN_OK, 1},
        {"{\"fault\":\"cut_before_commit\"" ON_POST, CN_IN_DOUBT, CN_ABSENT, 0},
        {"{\"fault\":\"evict_session\"" ON_POST, CN_OK, CN_OK, 1},
        {"{\"fault\":\"exception_100000\"" ON_POST, CN_AUTH, CN_ABSENT, 0},
        {"{\"fault\":\"record_lock\"" ON_POST, CN_RETRY, CN_ABSENT, 0},
        {"{\"fault\":\"period_closed\"" ON_POST, CN_HOLD, CN_ABSENT, 0},
        {"{\"fault\":\"reject_empty\"" ON_POST, CN_REJECTED, CN_ABSENT, 0},
        {"{\"fault\":\"wrong_reference\"" ON_POST, CN_IN_DOUBT, CN_OK, 1},
        {"{\"fault\":\"licence_full\",\"match\":\"Logon\",\"count\":1}",
         CN_RATE_LIMITED, CN_ABSENT, 0},
        {"{\"fault\":\"doctype\",\"attack\":\"laughs\"" ON_POST, CN_IN_DOUBT,
         CN_OK, 1},
        {"{\"fault\":\"doctype\",\"attack\":\"deep\"" ON_POST, CN_IN_DOUBT,
         CN_OK, 1},
        {"{\"fault\":\"doctype\",\"attack\":\"plain\"" ON_POST, CN_IN_DOUBT,
         CN_OK, 1},
        {"{\"fault\":\"doctype\",\"attack\":\"encoding\"" ON_POST, CN_IN_DOUBT,
         CN_OK, 1}};

    (void)state;
    for (size_t index = 0; index < sizeof(cases) / sizeof(*cases); index++) {
        struct kit *kit = world("");
        cn_op op = 0;
        order_sim("faults", cases[index].fault);
        op = delivered(kit, GOOD);
        if (ended(kit, op)->status != cases[index].status)
            fail_msg("%s: %d %s", cases[index].fault,
                     (int)ended(kit, op)->status, ended(kit, op)->message);
        op = probed(kit, GOOD);
        if (ended(kit, op)->status != cases[index].probe)
            fail_msg("%s: probe %d %s", cases[index].fault,
                     (int)ended(kit, op)->status, ended(kit, op)->message);
        assert_orders(cases[index].orders);
        kit_destroy(kit);
    }
}

static void test_refusals(void **state)
{
    struct kit *kit = world("");
    cn_op op = delivered(kit, ORDER("0001415", "HS-1", "A100", "1"));

    (void)state;
    assert_ended(kit, op, CN_HOLD, "is on hold");
    order_sim("customers", "{\"customer\":\"0001415\",\"on_hold\":false}");
    op = delivered(kit, ORDER("0001415", "HS-1", "A100", "1"));
    assert_ended(kit, op, CN_OK, "020450");
    order_sim("customers", "{\"customer\":\"0001310\",\"credit_check\":true,"
                           "\"credit_limit\":\"10\"}");
    op = delivered(kit, ORDER("0001310", "HS-2", "A100", "1"));
    assert_ended(kit, op, CN_HOLD, "Credit limit");
    op = delivered(kit, ORDER("0009999", "HS-3", "A100", "1"));
    assert_ended(kit, op, CN_REJECTED, "not found");
    order_sim("orders", "{\"sales_order\":\"020450\",\"status\":\"\\\\\"}");
    op = probed(kit, ORDER("0001415", "HS-1", "A100", "1"));
    assert_ended(kit, op, CN_OK, "\"cancelled\":true");
    assert_orders(1);
    kit_destroy(kit);
}

static void test_questions(void **state)
{
    struct kit *kit = world("");
    cn_op op = kit_call(kit, "find_customer", "{\"customer\":\"1415\"}");

    (void)state;
    serve(kit);
    assert_ended(kit, op, CN_OK, "\"name\":\"Quay Street Joinery\"");
    assert_ended(kit, op, CN_OK, "\"on_hold\":true,\"currency\":\"GBP\"");
    op = kit_call(kit, "find_customer", "{\"name\":\"Bayside Tools Ltd\"}");
    serve(kit);
    assert_ended(kit, op, CN_OK, "\"customer\":\"0001207\"");
    op = kit_call(kit, "find_customer", "{\"name\":\"Nobody\"}");
    serve(kit);
    assert_ended(kit, op, CN_OK, "null");
    op = kit_call(kit, "find_stock_code", "{\"stock_code\":\"c300\"}");
    serve(kit);
    assert_ended(kit, op, CN_OK, "\"stock_code\":\"C300\"");
    assert_ended(kit, op, CN_OK, "\"decimals\":\"6\"");
    op = kit_call(kit, "find_stock_code", "{\"stock_code\":\"NONE\"}");
    serve(kit);
    assert_ended(kit, op, CN_OK, "null");
    kit_destroy(kit);
}

static void test_large_orders(void **state)
{
    struct kit *kit = world("");

    (void)state;
    for (int lines = 1; lines <= 400; lines += lines < 40 ? 13 : 90) {
        char *order = NULL;
        size_t len = 0;
        FILE *to = open_memstream(&order, &len);
        cn_op op = 0;
        fprintf(to,
                "{\"external_id\":\"b\",\"customer\":\"1207\","
                "\"po_number\":\"HS-%d\",\"order_date\":\"2026-03-02\","
                "\"lines\":[",
                lines);
        for (int line = 1; line <= lines; line++)
            fprintf(to,
                    "%s{\"line\":\"%d\",\"stock_code\":\"C300\","
                    "\"quantity\":\"0.000001\",\"unit\":\"EA\","
                    "\"price\":\"0.75001\"}",
                    line > 1 ? "," : "", line);
        fprintf(to, "]}");
        fclose(to);
        op = delivered(kit, order);
        assert_ended(kit, op, CN_OK, "sales_order");
        op = probed(kit, order); /* every line is compared */
        assert_ended(kit, op, CN_OK, "sales_order");
        free(order);
    }
    kit_destroy(kit);
}

/* The simulator takes less than we think: it refuses, PostLD follows. */
static void test_lower_limit(void **state)
{
    struct kit *kit = world("");
    cn_op op = 0;

    (void)state;
    order_sim("company", "{\"options\":{\"request_bytes_max\":1500}}");
    op = delivered(kit, ORDER("1207", "HS-1", "A100", "1"));
    assert_ended(kit, op, CN_OK, "020450");
    assert_orders(1);
    kit_destroy(kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),      cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_faults),     cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_questions),  cmocka_unit_test(test_large_orders),
        cmocka_unit_test(test_lower_limit)};

    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
