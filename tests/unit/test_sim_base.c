/* links: sim_probe */
/* test_sim_base.c - the simulators' common base with a program of a few lines:
 * faults, the clock, the ledger and its file, both ports, options.
 *
 * The program counts in "made" how often its handler made a change, so that a
 * test can tell a change without an answer from no change at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <signal.h>
#include <unistd.h>

#include <cmocka.h>
#include <curl/curl.h>

#include "base/memory.h"
#include "sim_json.h"
#include "sim_probe.h"

static struct sim_probe probe;
static struct sim_server *own_server;
static int made;

static int program_start(void *arg, struct sim_server *server)
{
    (void)arg;
    own_server = server;
    return 0;
}

static void program_reset(void *arg)
{
    (void)arg;
    made = 0;
}

static void program_stop(void *arg)
{
    (void)arg;
}

/* Tells how often it made something; /own asks for a fault of its own. */
static void program_handle(void *arg, struct sim_request *request,
                           struct sim_answer *answer)
{
    cJSON *detail = cJSON_CreateObject();
    char text[64];

    (void)arg;
    snprintf(text, sizeof(text), "made %d 0123456789", ++made);
    cJSON_AddStringToObject(detail, "price", "149.90");
    sim_ledger_document(sim_server_ledger(own_server), "thing", text,
                        request->body, "create", detail);
    cJSON_Delete(detail);
    answer->committed = true;
    sim_answer_text(answer, 200, "text/plain", text);
    if (sim_fault_take(sim_server_faults(own_server), "own_kind",
                       request->method, request->url, request->body)) {
        answer->fault = "own_kind";
        answer->delay_ms = 60000;
    }
}

static const char *const secret_parameters[] = {"Password", NULL};
static const char *const fault_names[] = {"own_kind", NULL};
static const struct sim_program program = {
    .name = "test-sim",
    .about = "A program for a test.",
    .routes = "",
    .secret_parameters = secret_parameters,
    .fault_names = fault_names,
    .start = program_start,
    .reset = program_reset,
    .stop = program_stop,
    .handle = program_handle,
};

static int start(void **state)
{
    (void)state;
    return sim_probe_start(&probe, &program, NULL);
}

static int stop(void **state)
{
    (void)state;
    return sim_probe_stop(&probe);
}

static cJSON *control(const char *path, const char *body)
{
    struct sim_reply reply = sim_probe_control(&probe, path, body);
    cJSON *tree = reply.json;

    assert_int_equal(reply.status, 200);
    reply.json = NULL;
    sim_reply_done(&reply);
    return tree;
}

static void set(const char *path, const char *body)
{
    cJSON_Delete(control(path, body));
}

static int reset(void **state)
{
    (void)state;
    set("/_sim/reset", "{}");
    set("/_sim/clock", "{\"frozen\":true}");
    return 0;
}

static struct sim_reply get(const char *path)
{
    return sim_probe_call(&probe, "GET", path, NULL, NULL);
}

/* A call whose result, status and body are known. */
static void expect(const char *path, int result, long status, const char *text)
{
    struct sim_reply reply = get(path);

    if (reply.result != result || reply.status != status)
        print_error("%s: result %d, status %ld\n", path, reply.result,
                    reply.status);
    assert_int_equal(reply.result, result);
    assert_int_equal(reply.status, status);
    assert_string_equal(reply.text, text);
    sim_reply_done(&reply);
}

/* The index-th ledger entry since the reset. */
static void expect_entry(int index, int status, bool committed,
                         const char *fault)
{
    cJSON *ledger = control("/_sim/ledger", NULL);
    const cJSON *entry =
        cJSON_GetArrayItem(sim_json_member(ledger, "entries"), index);
    const char *named = sim_json_text(entry, "fault");

    assert_non_null(entry);
    assert_int_equal(sim_json_number(entry, "status", -1), status);
    assert_int_equal(sim_json_flag(entry, "committed", !committed), committed);
    assert_string_equal(named ? named : "", fault ? fault : "");
    cJSON_Delete(ledger);
}

static void test_cuts(void **state)
{
    (void)state;
    set("/_sim/faults", "{\"fault\":\"cut_before_commit\"}");
    expect("/a", CURLE_GOT_NOTHING, 0, "");
    set("/_sim/faults", "{\"fault\":\"cut_after_commit\"}");
    expect("/a", CURLE_GOT_NOTHING, 0, "");
    set("/_sim/faults", "{\"fault\":\"reset_before\"}");
    expect("/a", CURLE_RECV_ERROR, 0, "");
    set("/_sim/faults", "{\"fault\":\"reset_after\"}");
    expect("/a", CURLE_RECV_ERROR, 0, "");
    /* Two of the four made a change. */
    expect("/a", CURLE_OK, 200, "made 3 0123456789");
    expect_entry(0, 0, false, "cut_before_commit");
    expect_entry(1, 0, true, "cut_after_commit");
    expect_entry(2, 0, false, "reset_before");
    expect_entry(3, 0, true, "reset_after");
    expect_entry(4, 200, true, NULL);
}

static void test_answers(void **state)
{
    struct sim_reply reply;

    (void)state;
    set("/_sim/faults", "{\"fault\":\"truncate\",\"bytes\":5}");
    expect("/a", CURLE_PARTIAL_FILE, 200, "made ");
    set("/_sim/faults", "{\"fault\":\"empty\"}");
    expect("/a", CURLE_OK, 200, "");
    set("/_sim/faults", "{\"fault\":\"status\",\"status\":502,\"body\":"
                        "\"<html>\",\"content_type\":\"text/html\"}");
    reply = get("/a");
    assert_int_equal(reply.status, 502);
    assert_string_equal(reply.text, "<html>");
    assert_string_equal(reply.content_type, "text/html");
    sim_reply_done(&reply);
    set("/_sim/faults", "{\"fault\":\"status\",\"status\":429,"
                        "\"retry_after\":7}");
    reply = get("/a");
    assert_int_equal(reply.status, 429);
    assert_string_equal(reply.retry_after, "7");
    assert_int_equal(reply.len, 0);
    sim_reply_done(&reply);
    set("/_sim/faults",
        "{\"fault\":\"status\",\"status\":500,\"commit\":true}");
    expect("/a", CURLE_OK, 500, "");
    expect("/a", CURLE_OK, 200, "made 4 0123456789");
    expect_entry(2, 502, false, "status");
    expect_entry(4, 500, true, "status");
}

/* count, skip, method, match, match_body, always, probability. */
static void test_matching(void **state)
{
    (void)state;
    set("/_sim/faults", "{\"fault\":\"status\",\"match\":\"/Post?x\","
                        "\"method\":\"GET\",\"count\":2,\"skip\":1}");
    expect("/Get?x", CURLE_OK, 200, "made 1 0123456789");
    expect("/Post?x", CURLE_OK, 200, "made 2 0123456789");
    expect("/Post?x", CURLE_OK, 500, "");
    expect("/Post?x", CURLE_OK, 500, "");
    expect("/Post?x", CURLE_OK, 200, "made 3 0123456789");
    set("/_sim/faults", "{\"fault\":\"status\",\"match_body\":\"PO1\"}");
    expect("/Post", CURLE_OK, 200, "made 4 0123456789");
    set("/_sim/faults", "{\"fault\":\"status\",\"method\":\"PUT\"}");
    expect("/Post", CURLE_OK, 200, "made 5 0123456789");
    set("/_sim/faults", "{\"fault\":\"status\",\"always\":true}");
    for (int i = 0; i < 20; i++)
        expect("/Post", CURLE_OK, 500, "");
}

static void test_probability(void **state)
{
    int hits = 0;

    (void)state;
    set("/_sim/faults", "{\"fault\":\"status\",\"probability\":0.5}");
    for (int i = 0; i < 200; i++) {
        struct sim_reply reply = get("/a");

        hits += reply.status == 500;
        sim_reply_done(&reply);
    }
    assert_in_range(hits, 60, 140);
}

static void test_unknown_fault(void **state)
{
    struct sim_reply reply =
        sim_probe_control(&probe, "/_sim/faults", "{\"fault\":\"melt\"}");

    (void)state;
    assert_int_equal(reply.status, 400);
    assert_non_null(strstr(reply.text, "melt"));
    sim_reply_done(&reply);
    reply = sim_probe_control(&probe, "/_sim/nothing", NULL);
    assert_int_equal(reply.status, 404);
    sim_reply_done(&reply);
}

/* A call in a process of its own, that waits for its answer; its exit code is
 * 0 for status 200. */
static pid_t call_beside(const char *path)
{
    pid_t child = fork();

    if (child == 0) {
        struct sim_reply reply = get(path);

        _exit(reply.status == 200 ? 0 : 1);
    }
    return child;
}

static void expect_exit(pid_t child, int code)
{
    int status = 0;

    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), code);
}

/* Ask until the ledger has count entries; what they say is not looked at. */
static void await_entries(int count)
{
    for (int i = 0; i < 100000; i++) {
        cJSON *ledger = control("/_sim/ledger", NULL);
        int there = cJSON_GetArraySize(sim_json_member(ledger, "entries"));

        cJSON_Delete(ledger);
        if (there >= count)
            return;
    }
    fail_msg("the request does not arrive");
}

static int64_t documents(void)
{
    cJSON *told = control("/_sim/documents", NULL);
    int64_t count = cJSON_GetArraySize(sim_json_member(told, "entries"));

    cJSON_Delete(told);
    return count;
}

/* Delays pass by the simulator's clock alone. */
static void test_delays(void **state)
{
    pid_t child;

    (void)state;
    set("/_sim/faults", "{\"fault\":\"delay\",\"ms\":3600000}");
    child = call_beside("/a");
    await_entries(1);
    assert_int_equal(documents(), 0);
    set("/_sim/clock", "{\"advance_ms\":3599999}");
    assert_int_equal(documents(), 0);
    set("/_sim/clock", "{\"advance_ms\":1}");
    assert_int_equal(documents(), 1);
    expect_exit(child, 0);
    set("/_sim/faults", "{\"fault\":\"slow_commit\",\"ms\":3600000}");
    child = call_beside("/a");
    await_entries(2);
    assert_int_equal(documents(), 2);
    assert_int_equal(waitpid(child, NULL, WNOHANG), 0);
    set("/_sim/clock", "{\"advance_ms\":3600000}");
    expect_exit(child, 0);
    expect_entry(1, 200, true, "slow_commit");
}

/* A caller that gives up does not undo the change. */
static void test_caller_gone(void **state)
{
    pid_t child;

    (void)state;
    set("/_sim/faults", "{\"fault\":\"delay\",\"ms\":1000}");
    child = call_beside("/a");
    await_entries(1);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    set("/_sim/clock", "{\"advance_ms\":1000}");
    assert_int_equal(documents(), 1);
}

/* Each answer leaves when its wait is over, not at the loop's next turn: that
 * would be a second for each and more than this program is given. */
static void test_many_waits(void **state)
{
    (void)state;
    set("/_sim/clock", "{\"frozen\":false}");
    set("/_sim/faults", "{\"fault\":\"slow_commit\",\"ms\":1,\"always\":true}");
    for (int i = 0; i < 150; i++) {
        struct sim_reply reply = get("/a");

        assert_int_equal(reply.status, 200);
        sim_reply_done(&reply);
    }
}

static void test_own_kind(void **state)
{
    pid_t child;

    (void)state;
    set("/_sim/faults", "{\"fault\":\"own_kind\",\"match\":\"/own\"}");
    expect("/a", CURLE_OK, 200, "made 1 0123456789");
    child = call_beside("/own");
    await_entries(2);
    set("/_sim/clock", "{\"advance_ms\":60000}");
    expect_exit(child, 0);
    expect_entry(1, 200, true, "own_kind");
}

static void test_refuse(void **state)
{
    struct sim_reply reply;

    (void)state;
    set("/_sim/faults", "{\"fault\":\"refuse\",\"ms\":5000}");
    expect("/a", CURLE_COULDNT_CONNECT, 0, "");
    set("/_sim/clock", "{\"advance_ms\":4999}");
    expect("/a", CURLE_COULDNT_CONNECT, 0, "");
    set("/_sim/clock", "{\"advance_ms\":1}");
    expect("/a", CURLE_OK, 200, "made 1 0123456789");
    set("/_sim/faults", "{\"fault\":\"refuse\"}");
    expect("/a", CURLE_COULDNT_CONNECT, 0, "");
    set("/_sim/clock", "{\"advance_ms\":5000000}");
    expect("/a", CURLE_COULDNT_CONNECT, 0, "");
    set("/_sim/reset", "{}");
    expect("/a", CURLE_OK, 200, "made 1 0123456789");
    reply = sim_probe_control(&probe, "/a", NULL);
    assert_int_equal(reply.status, 404);
    sim_reply_done(&reply);
}

static void test_clock(void **state)
{
    cJSON *told = control("/_sim/clock", "{\"set_ms\":1767261600000}");

    (void)state;
    assert_int_equal(sim_json_number(told, "now_ms", 0), 1767261600000);
    assert_true(sim_json_flag(told, "frozen", false));
    cJSON_Delete(told);
    told = control("/_sim/clock", "{\"frozen\":false,\"advance_ms\":5000}");
    assert_true(sim_json_number(told, "now_ms", 0) >= 1767261605000);
    assert_true(sim_json_number(told, "now_ms", 0) < 1767261605000 + 60000);
    cJSON_Delete(told);
}

static void test_masking(void **state)
{
    cJSON *ledger;
    const char *path;
    struct sim_reply reply =
        get("/Logon?Operator=A&password=s3cret%2B1&x=1&Password=");

    (void)state;
    sim_reply_done(&reply);
    ledger = control("/_sim/ledger", NULL);
    path = sim_json_text(
        cJSON_GetArrayItem(sim_json_member(ledger, "entries"), 0), "path");
    assert_string_equal(path,
                        "/Logon?Operator=A&password=***&x=1&Password=***");
    cJSON_Delete(ledger);
}

static void test_documents(void **state)
{
    cJSON *told;
    const cJSON *entry;

    (void)state;
    for (int i = 0; i < 2; i++) {
        struct sim_reply reply =
            sim_probe_call(&probe, "POST", "/a", NULL, "PO 17");

        sim_reply_done(&reply);
    }
    told = control("/_sim/documents?kind=thing&reference=PO+17", NULL);
    entry = cJSON_GetArrayItem(sim_json_member(told, "entries"), 1);
    assert_int_equal(sim_json_number(entry, "same_reference", 0), 2);
    assert_int_equal(sim_json_number(entry, "commits", 0), 1);
    assert_string_equal(
        sim_json_text(sim_json_member(entry, "detail"), "price"), "149.90");
    cJSON_Delete(told);
    told = control("/_sim/documents?reference=PO+18", NULL);
    assert_int_equal(cJSON_GetArraySize(sim_json_member(told, "entries")), 0);
    cJSON_Delete(told);
}

static void test_ledger_pages(void **state)
{
    cJSON *page;
    int64_t last;

    (void)state;
    for (int i = 0; i < 5; i++) {
        struct sim_reply reply = get("/a");

        sim_reply_done(&reply);
    }
    page = control("/_sim/ledger", NULL);
    last = sim_json_number(page, "last", 0);
    cJSON_Delete(page);
    for (int i = 0; i < 2; i++) {
        char path[64];

        snprintf(path, sizeof(path), "/_sim/ledger?after=%lld&limit=2",
                 (long long)last - 5 + 3 * i);
        page = control(path, NULL);
        assert_int_equal(cJSON_GetArraySize(sim_json_member(page, "entries")),
                         2);
        cJSON_Delete(page);
    }
}

/* The file holds every entry of a simulator that was killed. */
static void test_file_survives_kill(void **state)
{
    char directory[] = "/tmp/test-sim-XXXXXX";
    char path[128], port_path[128], line[4096];
    const char *args[] = {"--ledger", path, "--port-file", port_path, NULL};
    struct sim_probe other;
    int requests = 0, things = 0;
    unsigned port = 0;
    FILE *file;

    (void)state;
    assert_non_null(mkdtemp(directory));
    snprintf(path, sizeof(path), "%s/ledger", directory);
    snprintf(port_path, sizeof(port_path), "%s/port", directory);
    assert_int_equal(sim_probe_start(&other, &program, args), 0);
    file = fopen(port_path, "re");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%u", &port), 1);
    assert_int_equal(port, other.port);
    fclose(file);
    for (int i = 0; i < 10; i++) {
        struct sim_reply reply =
            sim_probe_call(&other, "GET", "/a", NULL, NULL);

        assert_int_equal(reply.status, 200);
        sim_reply_done(&reply);
    }
    kill(other.child, SIGKILL);
    waitpid(other.child, NULL, 0);
    file = fopen(path, "re");
    assert_non_null(file);
    while (fgets(line, sizeof(line), file)) {
        cJSON *tree = cJSON_Parse(line);

        assert_non_null(tree);
        requests += sim_json_member(tree, "request") != NULL;
        things += sim_json_member(tree, "document") != NULL;
        cJSON_Delete(tree);
    }
    fclose(file);
    assert_int_equal(requests, 10);
    assert_int_equal(things, 10);
    unlink(path);
    unlink(port_path);
    rmdir(directory);
}

static int run_options(const char *first, const char *second)
{
    char *argv[] = {(char *)(uintptr_t) "test-sim", (char *)(uintptr_t)first,
                    (char *)(uintptr_t)second, NULL};
    pid_t child;
    int status = 0;

    fflush(NULL);
    child = fork();
    if (child == 0) {
        if (!freopen("/dev/null", "w", stdout) ||
            !freopen("/dev/null", "w", stderr))
            _exit(99);
        _exit(sim_main(second ? 3 : 2, argv, &program));
    }
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void test_options(void **state)
{
    (void)state;
    assert_int_equal(run_options("--help", NULL), 0);
    assert_int_equal(run_options("--version", NULL), 0);
    assert_int_equal(run_options("--port", "65536"), 2);
    assert_int_equal(run_options("--port=-1", NULL), 2);
    assert_int_equal(run_options("--seed", "x"), 2);
    assert_int_equal(run_options("--seed", NULL), 2);
    assert_int_equal(run_options("--colour", "red"), 2);
    assert_int_equal(run_options("seed", "1"), 2);
    assert_int_equal(run_options("--address", "nowhere"), 1);
    assert_int_equal(run_options("--ledger", "/nowhere/at/all"), 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, reset)
    const struct CMUnitTest tests[] = {
        TEST(test_cuts),
        TEST(test_answers),
        TEST(test_matching),
        TEST(test_probability),
        TEST(test_unknown_fault),
        TEST(test_delays),
        TEST(test_caller_gone),
        TEST(test_many_waits),
        TEST(test_own_kind),
        TEST(test_refuse),
        TEST(test_clock),
        TEST(test_masking),
        TEST(test_documents),
        TEST(test_ledger_pages),
        TEST(test_file_survives_kill),
        TEST(test_options),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
