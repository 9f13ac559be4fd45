/* Plugins that break the contract, and one that keeps it: each misdeed has its
 * right outcome, and the neighbour on the same thread works on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "world.h"

enum { LONG_MS = 20 * 1000, SHORT_MS = 60, STUCK_MS = 400 };

static struct world world;

static int setup(void **state)
{
    (void)state;
    world_log_open();
    world_open(&world, LONG_MS, STUCK_MS);
    world_add(&world, "neighbour", "honest");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    world_close(&world);
    return 0;
}

static void deliver(const char *instance, const char *key,
                    struct world_result *result)
{
    world_deliver(&world, instance, key, result);
    world_wait(&world, result);
    world_turn(&world);
    assert_int_equal(result->count, 1);
}

static void deliver_gives(const char *instance, const char *key,
                          cn_status status, bool broken)
{
    struct world_result result;

    deliver(instance, key, &result);
    if (result.outcome.status != status || result.outcome.broken != broken)
        fail_msg("%s %s: %s%s, %s", instance, key,
                 op_status_text(result.outcome.status),
                 result.outcome.broken ? " broken" : "", result.message);
}

/* ---- Keeping the contract ----------------------------------------------- */

/* One request for each delivery that it may have open is never refused. */
static void honest_many(void **state)
{
    enum { MANY = 100, TURNS_MAX = 1000 };
    static struct world_result results[MANY];
    const struct world_answer slow = {.hang = true};

    (void)state;
    world.answers = &slow;
    world_add(&world, "many", "honest_many");
    for (size_t index = 0; index < MANY; index++)
        world_deliver(&world, "many", "http", &results[index]);
    for (int turn = 0; turn < TURNS_MAX && world.request_count < MANY; turn++)
        world_turn(&world);
    assert_int_equal(world.request_count, MANY);
}

static void honest_poll(void **state)
{
    struct world_result result;
    struct op_request request = {.kind = OP_POLL,
                                 .instance = "neighbour",
                                 .stream = "items",
                                 .max_records = 2};

    (void)state;
    assert_int_equal(world_start(&world, &request, &result), 0);
    world_wait(&world, &result);
    assert_int_equal(result.outcome.status, CN_OK);
    assert_int_equal(result.record_count, 2);
    assert_string_equal(result.ids[1], "1");
    assert_string_equal(result.bodies[1], "{\"name\":\"1\",\"note\":\"none\"}");
    assert_string_equal(result.cursor, "next");
    assert_int_equal(result.outcome.more, 1);
    assert_true(result.outcome.answered);
    request.cursor = (cn_str)CN_STR("fail");
    assert_int_equal(world_start(&world, &request, &result), 0);
    world_wait(&world, &result);
    assert_int_equal(result.outcome.status, CN_RETRY);
    assert_int_equal(result.record_count, 0);
    request.stream = "others";
    assert_int_equal(world_start(&world, &request, &result), -EINVAL);
}

static void honest_transform(void **state)
{
    struct world_result result;
    struct op_request request = {
        .kind = OP_TRANSFORM,
        .instance = "neighbour",
        .record = {.type = "item/1", .id = CN_STR("in")}};

    (void)state;
    assert_int_equal(world_start(&world, &request, &result), 0);
    world_wait(&world, &result);
    assert_int_equal(result.record_count, 2);
    assert_string_equal(result.ids[0], "in#1");
    assert_string_equal(result.ids[1], "in#2");
    request.record.type = "other/1";
    assert_int_equal(world_start(&world, &request, &result), -ENOTSUP);
}

static void honest_call(void **state)
{
    struct world_result result;
    struct op_request request = {.kind = OP_CALL,
                                 .instance = "neighbour",
                                 .action = "ask",
                                 .body = CN_STR("{\"name\": \"x\"}")};

    (void)state;
    assert_int_equal(world_start(&world, &request, &result), 0);
    world_wait(&world, &result);
    /* {"name":"x","limit":3} has 22 bytes: the default was filled in. */
    assert_string_equal(
        result.body, "{\"name\": \"22 0\", \"note\": \"sesame-open 7 none\"}");
    assert_int_equal(result.value_count, 1);
    assert_int_equal(world_start(&world, &request, &result), 0);
    world_wait(&world, &result);
    assert_string_equal(result.body,
                        "{\"name\": \"22 0\", \"note\": \"sesame-open 7 1\"}");
    request.body = (cn_str)CN_STR("{\"name\": \"address\"}");
    assert_int_equal(world_start(&world, &request, &result), 0);
    world_wait(&world, &result);
    assert_non_null(strstr(
        result.body, "https://connect.example.test/in/neighbour/s3cret 7 1"));
    request.body = (cn_str)CN_STR("{}");
    assert_int_equal(world_start(&world, &request, &result), -EINVAL);
    request.action = "other";
    assert_int_equal(world_start(&world, &request, &result), -ENOTSUP);
    request.instance = "nobody";
    assert_int_equal(world_start(&world, &request, &result), -ENOENT);
    request = (struct op_request){.kind = OP_PROBE, .instance = "neighbour"};
    assert_int_equal(world_start(&world, &request, &result), -ENOTSUP);
}

static void honest_receive(void **state)
{
    struct world_result result;
    struct op_header header = {CN_STR("X-Token"), CN_STR("let me in")};
    struct op_request request = {.kind = OP_RECEIVE,
                                 .instance = "neighbour",
                                 .method = "POST",
                                 .path = "/in/neighbour/s3cret",
                                 .headers = &header,
                                 .header_count = 1};

    (void)state;
    assert_int_equal(world_start(&world, &request, &result), 0);
    world_wait(&world, &result);
    assert_int_equal(result.outcome.status, CN_OK);
    assert_int_equal(result.record_count, 1);
    header.value = (cn_str)CN_STR("let me out");
    assert_int_equal(world_start(&world, &request, &result), 0);
    world_wait(&world, &result);
    assert_int_equal(result.outcome.status, CN_AUTH);
    assert_int_equal(result.record_count, 0);
}

static void honest_deliver(void **state)
{
    struct world_result result;
    const struct world_answer busy = {.code = 503, .sent = true};

    (void)state;
    deliver_gives("neighbour", "", CN_OK, false);
    deliver_gives("neighbour", "timer", CN_OK, false);
    deliver_gives("neighbour", "settle", CN_HOLD, false);
    deliver("neighbour", "http", &result);
    assert_int_equal(result.outcome.status, CN_OK);
    assert_true(result.outcome.effect_sent && result.outcome.answered);
    assert_string_equal(world.credential, "1 sesame-open");
    deliver_gives("neighbour", "auth", CN_REJECTED, false);
    assert_int_equal(world.request_count, 1);
    world.answers = &busy;
    deliver("neighbour", "http", &result);
    assert_int_equal(result.outcome.status, CN_RATE_LIMITED);
    assert_false(result.outcome.answered);
}

static void honest_cancel(void **state)
{
    struct world_result results[5], result;
    struct op_request request = {
        .kind = OP_DELIVER,
        .instance = "neighbour",
        .timeout_ms = SHORT_MS,
        .record = {.type = "item/1", .key = CN_STR("keep")}};

    (void)state;
    for (int index = 0; index < 4; index++)
        assert_int_equal(world_start(&world, &request, &results[index]), 0);
    assert_int_equal(world_start(&world, &request, &results[4]), -EAGAIN);
    for (int index = 0; index < 4; index++) {
        world_wait(&world, &results[index]);
        /* CANCELLED from a deliver is doubt. */
        assert_int_equal(results[index].outcome.status, CN_IN_DOUBT);
        assert_false(results[index].outcome.broken);
    }
    request.timeout_ms = 0;
    assert_int_equal(world_start(&world, &request, &result), 0);
    world_neighbour_works(&world, "neighbour");
    assert_int_equal(result.count, 0);
    instances_stop(world.instances, SHORT_MS, NULL, NULL);
    world_wait(&world, &result);
    assert_int_equal(result.outcome.status, CN_IN_DOUBT);
}

static void honest_replaced(void **state)
{
    struct world_result before;
    struct op_request request = {
        .kind = OP_DELIVER,
        .instance = "neighbour",
        .timeout_ms = 500,
        .record = {.type = "item/1", .key = CN_STR("keep")}};
    struct error err = {""};

    (void)state;
    assert_int_equal(world_start(&world, &request, &before), 0);
    /* A new one beside the old; the old one's operation goes on. */
    assert_int_equal(world_try_add(&world, "neighbour", "done_twice", &err), 0);
    while (strcmp(instances_find(world.instances, "neighbour")->path +
                      strlen(ROGUE_PLUGINS),
                  "/done_twice.so") != 0 ||
           instances_find(world.instances, "neighbour")->open_count)
        world_turn(&world);
    assert_int_equal(before.count, 0);
    world_wait(&world, &before);
    assert_int_equal(before.outcome.status, CN_IN_DOUBT);
    /* One that cannot be made leaves the old one in place. */
    assert_int_equal(world_try_add(&world, "neighbour", "create_null", &err),
                     0);
    while (!*instances_find(world.instances, "neighbour")->reason)
        world_turn(&world);
    assert_int_equal(world_state(&world, "neighbour"), INSTANCE_RUNNING);
    deliver_gives("neighbour", "", CN_OK, false);
    instances_remove(world.instances, "neighbour");
    assert_null(instances_find(world.instances, "neighbour"));
}

static bool has_action(const char *action)
{
    const struct schema *request, *answer;

    return !instances_action(world.instances, "neighbour", action, &request,
                             &answer);
}

/* Flows are compiled against what is to run, and wait until it does. */
static void honest_new(void **state)
{
    struct world_result result;
    struct op_request tell = {.kind = OP_CALL,
                              .instance = "neighbour",
                              .action = "tell",
                              .body = CN_STR("{\"name\": \"x\"}")};
    struct error err = {""};

    (void)state;
    assert_int_equal(world_start(&world, &tell, &result), -ENOTSUP);
    assert_int_equal(world_try_add(&world, "neighbour", "honest_new", &err), 0);
    assert_true(has_action("tell") && !has_action("ask"));
    assert_int_equal(world_start(&world, &tell, &result), -EAGAIN);
    while (world_start(&world, &tell, &result) == -EAGAIN)
        world_turn(&world);
    world_wait(&world, &result);
    assert_int_equal(result.outcome.status, CN_OK);
    /* One with a probe, in its turn. */
    assert_false(instances_probes(world.instances, "neighbour"));
    assert_int_equal(world_try_add(&world, "neighbour", "block", &err), 0);
    assert_true(instances_probes(world.instances, "neighbour"));
    while (instances_find(world.instances, "neighbour")->state !=
               INSTANCE_RUNNING ||
           !(instances_find(world.instances, "neighbour")->roles & ROLE_PROBE))
        world_turn(&world);
    /* One that cannot be made: what runs counts again. */
    assert_int_equal(world_try_add(&world, "neighbour", "create_null", &err),
                     0);
    assert_false(instances_probes(world.instances, "neighbour"));
    while (!*instances_find(world.instances, "neighbour")->reason)
        world_turn(&world);
    assert_true(instances_probes(world.instances, "neighbour"));
    assert_false(instances_probes(world.instances, "nobody"));
}

/* ---- Breaking it -------------------------------------------------------- */

static void done_twice(void **state)
{
    struct world_result result;

    (void)state;
    world_add(&world, "rogue", "done_twice");
    deliver("rogue", "", &result);
    assert_int_equal(result.outcome.status, CN_OK);
    assert_string_equal(result.message, "first");
    assert_int_equal(world_log_count("plugin test.rogue called done for "), 1);
    world_neighbour_works(&world, "neighbour");
}

static void done_foreign(void **state)
{
    struct world_result kept, result;

    (void)state;
    world_add(&world, "rogue", "done_foreign");
    world_deliver(&world, "neighbour", "keep", &kept);
    deliver("rogue", "", &result);
    assert_int_equal(result.outcome.status, CN_OK);
    assert_string_equal(result.message, "own");
    assert_int_equal(kept.count, 0);
    world_neighbour_works(&world, "neighbour");
}

static void late_gives(const char *plugin, enum op_kind kind, cn_status status)
{
    struct world_result result;
    struct op_request request = {.kind = kind,
                                 .instance = plugin,
                                 .timeout_ms = SHORT_MS,
                                 .record = {.type = "item/1"},
                                 .action = "ask",
                                 .body = CN_STR("{\"name\": \"x\"}")};

    world_wait_state(&world, plugin, INSTANCE_RUNNING);
    assert_int_equal(world_start(&world, &request, &result), 0);
    world_wait(&world, &result);
    assert_int_equal(result.outcome.status, status);
    assert_true(result.outcome.broken);
}

static void done_never(void **state)
{
    (void)state;
    world_add(&world, "done_never", "done_never");
    world_add(&world, "done_never_host", "done_never_host");
    late_gives("done_never", OP_DELIVER, CN_IN_DOUBT);
    assert_int_equal(
        instances_find(world.instances, "done_never")->replaced_count, 1);
    late_gives("done_never", OP_CALL, CN_RETRY);
    /* All requests go through the host, and there was none. */
    late_gives("done_never_host", OP_DELIVER, CN_RETRY);
    world_neighbour_works(&world, "neighbour");
    assert_int_equal(
        instances_find(world.instances, "neighbour")->replaced_count, 0);
}

static void replaced_too_often(void **state)
{
    (void)state;
    world_close(&world);
    world_open(&world, LONG_MS, STUCK_MS / 2);
    world_add(&world, "neighbour", "honest");
    world_add(&world, "done_never", "done_never");
    for (int index = 0; index < 6; index++)
        late_gives("done_never", OP_CALL, CN_RETRY);
    assert_int_equal(world_state(&world, "done_never"), INSTANCE_FAILED);
    assert_non_null(strstr(
        instances_find(world.instances, "done_never")->reason, "5 times"));
    world_neighbour_works(&world, "neighbour");
}

static void emit_late(void **state)
{
    struct world_result result;
    struct op_request request = {.kind = OP_POLL,
                                 .instance = "rogue",
                                 .stream = "items",
                                 .max_records = 2};

    (void)state;
    world_add(&world, "rogue", "emit_late");
    assert_int_equal(world_start(&world, &request, &result), 0);
    world_wait(&world, &result);
    assert_int_equal(result.record_count, 2);
    assert_int_equal(world_start(&world, &request, &result), 0);
    world_wait(&world, &result);
    /* CN_FULL is 7, CN_INVALID is 8. */
    assert_string_equal(result.cursor, "over 7 late 8");
    deliver_gives("rogue", "", CN_OK, false);
    world_neighbour_works(&world, "neighbour");
}

/* What it says is not believed when a record would be lost over it. */
static void refused_gives(struct op_request request, cn_status status,
                          bool broken, size_t record_count)
{
    struct world_result result;

    request.instance = "rogue";
    request.stream = "items";
    request.max_records = 2;
    request.record.type = "item/1";
    request.method = "POST";
    request.path = "/";
    assert_int_equal(world_start(&world, &request, &result), 0);
    world_wait(&world, &result);
    if (result.outcome.status != status || result.outcome.broken != broken ||
        result.record_count != record_count)
        fail_msg("%s %s: %s%s, %zu records, %s", op_kind_text(request.kind),
                 request.cursor.ptr ? request.cursor.ptr : "",
                 op_status_text(result.outcome.status),
                 result.outcome.broken ? " broken" : "", result.record_count,
                 result.message);
}

static void emit_refused(void **state)
{
    (void)state;
    world_add(&world, "rogue", "emit_refused");
    refused_gives((struct op_request){.kind = OP_POLL, .cursor = CN_STR("bad")},
                  CN_RETRY, true, 0);
    /* It says itself that records are lost: people are alerted. */
    refused_gives((struct op_request){.kind = OP_POLL, .cursor = CN_STR("gap")},
                  CN_OK, false, 1);
    /* The first one that has no room is how a poll learns of its end. */
    refused_gives(
        (struct op_request){.kind = OP_POLL, .cursor = CN_STR("one too many")},
        CN_OK, false, 2);
    refused_gives(
        (struct op_request){.kind = OP_POLL, .cursor = CN_STR("two too many")},
        CN_RETRY, true, 0);
    /* A person looks: the record rests, the request is in quarantine. */
    refused_gives((struct op_request){.kind = OP_TRANSFORM}, CN_REJECTED, true,
                  0);
    refused_gives((struct op_request){.kind = OP_RECEIVE}, CN_REJECTED, true,
                  0);
    refused_gives(
        (struct op_request){.kind = OP_RECEIVE, .body = CN_STR("503")},
        CN_RETRY, false, 0);
    world_neighbour_works(&world, "neighbour");
}

static void wrong_thread(void **state)
{
    struct world_result result;

    (void)state;
    world_add(&world, "rogue", "wrong_thread");
    deliver("rogue", "", &result);
    assert_int_equal(result.outcome.status, CN_OK);
    assert_string_equal(result.message, "refused");
    assert_int_equal(world_log_count("from a wrong thread, allowed"), 1);
    assert_int_equal(world_log_count("on a thread that is not the"), 6);
    world_neighbour_works(&world, "neighbour");
}

static void malformed(void **state)
{
    struct world_result result;
    struct op_request request = {.kind = OP_POLL,
                                 .instance = "rogue",
                                 .stream = "items",
                                 .max_records = 100};

    (void)state;
    world_add(&world, "rogue", "malformed");
    assert_int_equal(world_start(&world, &request, &result), 0);
    world_wait(&world, &result);
    assert_string_equal(result.message, "18");
    assert_int_equal(result.record_count, 0);
    request = (struct op_request){.kind = OP_CALL,
                                  .instance = "rogue",
                                  .action = "ask",
                                  .body = CN_STR("{\"name\": \"x\"}")};
    assert_int_equal(world_start(&world, &request, &result), 0);
    world_wait(&world, &result);
    assert_int_equal(result.outcome.status, CN_RETRY);
    assert_true(result.outcome.broken);
    deliver_gives("rogue", "body", CN_IN_DOUBT, true);
    deliver_gives("rogue", "size", CN_IN_DOUBT, true);
    deliver_gives("rogue", "77", CN_IN_DOUBT, true);
    deliver_gives("rogue", "full", CN_IN_DOUBT, true);
    deliver_gives("rogue", "invalid", CN_IN_DOUBT, true);
    deliver_gives("rogue", "absent", CN_IN_DOUBT, true);
    deliver_gives("rogue", "cancelled", CN_IN_DOUBT, false);
    deliver("rogue", "message", &result);
    assert_string_equal(result.message, "bad ? text");
    world_neighbour_works(&world, "neighbour");
}

/* A name for something that is not there yet.  A directory, because opening and
 * closing a file could get the number of a descriptor that a thread left behind
 * has closed inside libuv, which ThreadSanitizer cannot see. */
static void path_make(char path[64])
{
    static unsigned count;

    snprintf(path, 64, "/tmp/connect-block-%d-%u", (int)getpid(), count++);
}

static void path_open(const char *path)
{
    assert_int_equal(mkdir(path, 0700), 0);
    for (int turn = 0; turn < 10; turn++)
        world_turn(&world); /* what was left behind wakes up and ends */
    assert_int_equal(rmdir(path), 0);
}

static void block_shared(void **state)
{
    struct world_result hangs, waits, kept;
    char path[64];

    (void)state;
    path_make(path);
    world_add(&world, "rogue", "block");
    world_deliver(&world, "neighbour", "keep", &kept);
    world_neighbour_works(&world, "neighbour"); /* kept has begun */
    world_deliver(&world, "rogue", path, &hangs);
    world_deliver(&world, "neighbour", "", &waits);
    world_wait(&world, &hangs);
    assert_int_equal(hangs.outcome.status, CN_IN_DOUBT);
    assert_true(hangs.outcome.broken);
    world_wait(&world, &waits);
    assert_false(waits.outcome.broken);
    /* The neighbour's delivery never began when it waited behind the one that
     * hangs; what it had open is in doubt and not its fault. */
    assert_int_equal(waits.outcome.status, CN_RETRY);
    assert_int_equal(kept.count, 1);
    assert_int_equal(kept.outcome.status, CN_IN_DOUBT);
    assert_false(kept.outcome.broken);
    world_neighbour_works(&world, "neighbour");
    world_wait_state(&world, "rogue", INSTANCE_RUNNING);
    deliver_gives("rogue", "", CN_OK, false);
    assert_int_equal(instances_find(world.instances, "rogue")->replaced_count,
                     1);
    assert_int_equal(
        instances_find(world.instances, "neighbour")->replaced_count, 0);
    /* It wakes up and says done: nobody listens, nothing happens. */
    path_open(path);
    assert_int_equal(hangs.count, 1);
    world_neighbour_works(&world, "neighbour");
}

static void wait_for_log(const char *text)
{
    for (int turn = 0; !world_log_count(text); turn++) {
        if (turn > 1000)
            fail_msg("it never said: %s", text);
        world_turn(&world);
    }
}

/* Its neighbour hangs, the thread is given up, comes back and ends; its own
 * thread still posts. */
static void post_late(void **state)
{
    struct world_result hangs;
    char posts[64], blocks[64];

    (void)state;
    path_make(posts);
    path_make(blocks);
    world_add(&world, "victim", "post_late");
    world_add(&world, "rogue", "block");
    deliver_gives("victim", posts, CN_OK, false);
    world_deliver(&world, "rogue", blocks, &hangs);
    world_wait(&world, &hangs);
    assert_int_equal(mkdir(blocks, 0700), 0);
    wait_for_log("called post after the instance had ended");
    assert_int_equal(rmdir(blocks), 0);
    path_open(posts);
    world_neighbour_works(&world, "neighbour");
}

/* One that hangs in create has posted before it was anybody. */
static void post_late_create(void **state)
{
    char posts[64], blocks[80];

    (void)state;
    path_make(posts);
    snprintf(blocks, sizeof(blocks), "%s.hangs", posts);
    setenv("POST_LATE_CREATE", posts, 1);
    world_add(&world, "victim", "post_late");
    unsetenv("POST_LATE_CREATE");
    assert_int_equal(mkdir(blocks, 0700), 0);
    wait_for_log("called post after the instance had ended");
    assert_int_equal(rmdir(blocks), 0);
    path_open(posts);
    world_neighbour_works(&world, "neighbour");
}

static cn_status probe(const char *instance)
{
    struct world_result result;
    struct op_request request = {
        .kind = OP_PROBE, .instance = instance, .record = {.type = "item/1"}};

    world_wait_state(&world, instance, INSTANCE_RUNNING);
    assert_int_equal(world_start(&world, &request, &result), 0);
    world_wait(&world, &result);
    assert_false(result.outcome.broken);
    return result.outcome.status;
}

/* It may wake up and send what a probe did not find. */
static void block_may_send(void **state)
{
    enum { SETTLE_MS = 300, TURNS_MAX = 1000 }; /* of item/1 */
    struct world_result hangs;
    struct error err = {""};
    uint64_t woke_ns;
    char path[64];
    int turn = 0;

    (void)state;
    path_make(path);
    world_add(&world, "rogue", "block");
    world_add(&world, "other", "block");
    world_deliver(&world, "rogue", path, &hangs);
    world_wait(&world, &hangs);
    assert_int_equal(hangs.outcome.status, CN_IN_DOUBT);
    assert_int_equal(probe("rogue"), CN_RETRY);
    assert_int_equal(probe("other"), CN_ABSENT); /* only shared the thread */
    /* Under the same name it is the same system. */
    instances_remove(world.instances, "rogue");
    while (world_try_add(&world, "rogue", "block", &err) == -EBUSY) {
        assert_true(turn++ < TURNS_MAX);
        world_turn(&world);
    }
    assert_int_equal(probe("rogue"), CN_RETRY);
    woke_ns = uv_hrtime();
    path_open(path);
    for (turn = 0; probe("rogue") != CN_ABSENT; turn++) {
        assert_true(turn < TURNS_MAX);
        world_turn(&world);
    }
    assert_true((uv_hrtime() - woke_ns) / 1000000 >= SETTLE_MS);
}

/* One that sends through the host cannot send any more. */
static void block_cannot_send(void **state)
{
    struct world_result hangs;
    char path[64];

    (void)state;
    path_make(path);
    world_add(&world, "rogue", "block_host");
    world_deliver(&world, "rogue", path, &hangs);
    world_wait(&world, &hangs);
    assert_int_equal(probe("rogue"), CN_ABSENT);
    path_open(path);
}

static void block_alone(void **state)
{
    struct world_result hangs;
    char path[64];

    (void)state;
    world_close(&world);
    world_open(&world, STUCK_MS, STUCK_MS);
    world_add(&world, "neighbour", "honest");
    path_make(path);
    world_add(&world, "rogue", "block_alone");
    world_deliver(&world, "rogue", path, &hangs);
    world_neighbour_works(&world, "neighbour");
    assert_int_equal(hangs.count, 0);
    world_wait(&world, &hangs);
    assert_int_equal(hangs.outcome.status, CN_IN_DOUBT);
    assert_true(hangs.outcome.broken);
    world_wait_state(&world, "rogue", INSTANCE_RUNNING);
    deliver_gives("rogue", "", CN_OK, false);
    path_open(path);
    assert_int_equal(
        instances_find(world.instances, "neighbour")->replaced_count, 0);
}

static void block_create(void **state)
{
    char path[64];

    (void)state;
    world_close(&world);
    world_open(&world, LONG_MS, STUCK_MS / 2);
    world_add(&world, "neighbour", "honest");
    path_make(path);
    setenv("BLOCK_CREATE", path, 1);
    world_add(&world, "rogue", "block_life");
    world_wait_state(&world, "rogue", INSTANCE_FAILED);
    assert_non_null(
        strstr(instances_find(world.instances, "rogue")->reason, "5 times"));
    world_neighbour_works(&world, "neighbour");
    unsetenv("BLOCK_CREATE");
    path_open(path);
    /* Once more by hand, and it works. */
    world_add(&world, "rogue", "block_life");
    deliver_gives("rogue", "", CN_OK, false);
}

static void block_reload(void **state)
{
    char path[64];

    (void)state;
    world_close(&world);
    world_open(&world, LONG_MS, STUCK_MS / 2);
    world_add(&world, "rogue", "block_life");
    path_make(path);
    setenv("BLOCK_CREATE", path, 1);
    /* The thread goes with the new one that hangs, so the old one is made anew
     * as well, and hangs too; it is not blamed for ever. */
    world_add(&world, "rogue", "block_life");
    while (!instances_find(world.instances, "rogue")->replaced_count)
        world_turn(&world);
    unsetenv("BLOCK_CREATE");
    path_open(path);
    world_wait_state(&world, "rogue", INSTANCE_RUNNING);
    deliver_gives("rogue", "", CN_OK, false);
}

static void block_destroy(void **state)
{
    char path[64];

    (void)state;
    world_add(&world, "rogue", "block_life");
    deliver_gives("rogue", "", CN_OK, false);
    path_make(path);
    setenv("BLOCK_DESTROY", path, 1);
    instances_remove(world.instances, "rogue");
    while (!world_log_count("its thread is left behind"))
        world_turn(&world);
    world_neighbour_works(&world, "neighbour");
    assert_null(instances_find(world.instances, "rogue"));
    unsetenv("BLOCK_DESTROY");
    path_open(path);
}

static void block_stop(void **state)
{
    struct world_result result;
    char path[64];

    (void)state;
    path_make(path);
    world_add(&world, "rogue", "block_alone");
    world_deliver(&world, "rogue", path, &result);
    world_neighbour_works(&world, "neighbour");
    instances_stop(world.instances, 200, NULL, NULL);
    world_wait(&world, &result);
    assert_int_equal(result.outcome.status, CN_IN_DOUBT);
    assert_true(result.outcome.broken);
    path_open(path);
    assert_int_equal(result.count, 1);
}

static void create_null(void **state)
{
    struct world_result result;
    struct op_request request = {
        .kind = OP_DELIVER, .instance = "rogue", .record = {.type = "item/1"}};

    (void)state;
    world_add(&world, "rogue", "create_null");
    assert_int_equal(world_state(&world, "rogue"), INSTANCE_FAILED);
    assert_non_null(strstr(instances_find(world.instances, "rogue")->reason,
                           "the moon is in the wrong phase"));
    assert_int_equal(world_start(&world, &request, &result), -EAGAIN);
    world_neighbour_works(&world, "neighbour");
}

static void flood(void **state)
{
    const struct world_answer slow = {.hang = true};

    (void)state;
    world.answers = &slow;
    world_add(&world, "rogue", "flood");
    deliver_gives("rogue", "log", CN_OK, false);
    assert_in_range(world_log_count("me me me ***********\""), 1, 200);
    assert_int_equal(world_log_count("sesame-open"), 0);
    deliver_gives("neighbour", "", CN_OK, false);
    deliver_gives("rogue", "timer", CN_OK, false);
    deliver_gives("rogue", "post", CN_OK, false);
    deliver_gives("rogue", "http", CN_OK, false);
    assert_true(world.request_count <= 64);
    world_neighbour_works(&world, "neighbour");
}

static uint32_t rate_waiting(const char *name)
{
    const struct instance_info *info = instances_find(world.instances, name);

    assert_non_null(info);
    return info->rate_waiting;
}

/* What is given up while it waits for a token was certainly not sent. */
static void waits_for_its_rate(void **state)
{
    struct world_result first, second;
    uint64_t began_ns;
    struct op_request request = {
        .kind = OP_DELIVER,
        .instance = "paced",
        .timeout_ms = SHORT_MS,
        .record = {.type = "item/1", .key = CN_STR("http")}};

    (void)state;
    world.rate = (struct config_rate){true, 1, 1};
    world_add(&world, "paced", "honest_host");
    began_ns = uv_hrtime();
    deliver("paced", "http", &first);
    assert_int_equal(first.outcome.status, CN_OK);
    assert_int_equal(world_start(&world, &request, &second), 0);
    world_wait(&world, &second); /* its time-out ends it */
    if (uv_hrtime() - began_ns < 900000000) {
        assert_int_equal(world.request_count, 1);
        assert_int_equal(second.outcome.status, CN_RETRY);
        assert_false(second.outcome.effect_sent || second.outcome.answered);
    }
    assert_int_equal(rate_waiting("paced"), 0);
    /* One that is patient gets its token. */
    deliver("paced", "http", &second);
    assert_int_equal(second.outcome.status, CN_OK);
    assert_true((uv_hrtime() - began_ns) / 1000000 >= 990);
    /* The rate of one instance is nothing to another. */
    deliver_gives("neighbour", "http", CN_OK, false);
    /* One that goes away takes what waits with it. */
    request.timeout_ms = 0;
    memset(&second, 0, sizeof(second));
    assert_int_equal(world_start(&world, &request, &second), 0);
    instances_cancel_all(world.instances);
    world_wait(&world, &second);
}

/* Requests wait for their tokens when the thread they came from is given up
 * because of a neighbour: certainly not sent. */
static void waits_and_is_given_up(void **state)
{
    enum { MANY = 3 };
    struct world_result many[MANY], hangs;
    char path[64];

    (void)state;
    world.rate = (struct config_rate){true, 1, 1};
    world_add(&world, "paced", "honest_host");
    memset(&world.rate, 0, sizeof(world.rate));
    world_add(&world, "rogue", "block");
    path_make(path);
    for (size_t index = 0; index < MANY; index++)
        world_deliver(&world, "paced", "http", &many[index]);
    while (!rate_waiting("paced"))
        world_turn(&world);
    world_deliver(&world, "rogue", path, &hangs);
    world_wait(&world, &hangs);
    assert_int_equal(hangs.outcome.status, CN_IN_DOUBT);
    assert_int_equal(rate_waiting("paced"), 0);
    for (size_t index = 0; index < MANY; index++) {
        world_wait(&world, &many[index]);
        assert_false(many[index].outcome.broken);
        assert_true(many[index].outcome.status == CN_OK ||
                    many[index].outcome.status == CN_RETRY);
    }
    path_open(path);
    world_neighbour_works(&world, "neighbour");
}

/* Another instance's next token may be far off: that is nothing to this one. */
static void waits_for_its_own_rate(void **state)
{
    struct world_result slow[2], quick[2];
    bool alone = false;

    (void)state;
    world.rate = (struct config_rate){true, 1, 1};
    world_add(&world, "slow", "honest_host");
    world.rate = (struct config_rate){true, 20, 1};
    world_add(&world, "quick", "honest_host");
    /* More than once only on a machine that stood still for a second. */
    for (int tries = 0; tries < 3 && !alone; tries++) {
        for (int at = 0; at < 2; at++)
            world_deliver(&world, "slow", "http", &slow[at]);
        world_wait(&world, &slow[0]);
        for (int at = 0; at < 2; at++)
            world_deliver(&world, "quick", "http", &quick[at]);
        world_wait(&world, &quick[1]);
        alone = slow[1].count == 0;
        world_wait(&world, &slow[1]);
    }
    assert_true(alone);
}

/* What was answered before says nothing about the request that waits. */
static void waiting_is_no_answer(void **state)
{
    static const struct world_answer refused[] = {
        {.code = 400, .sent = true, .answered = true}};
    struct world_result result;
    struct op_request request = {
        .kind = OP_DELIVER,
        .instance = "paced",
        .timeout_ms = SHORT_MS,
        .record = {.type = "item/1", .key = CN_STR("recover")}};

    (void)state;
    world.rate = (struct config_rate){true, 1, 1};
    world_add(&world, "paced", "effect_host");
    world.answers = refused;
    assert_int_equal(world_start(&world, &request, &result), 0);
    world_wait(&world, &result);
    assert_int_equal(world.request_count, 1);
    assert_int_equal(result.outcome.status, CN_RETRY);
    assert_true(result.outcome.effect_sent);
    assert_false(result.outcome.answered);
}

static void effect_gives(enum op_kind kind, cn_status status)
{
    struct world_result result;
    struct op_request request = {.kind = kind,
                                 .instance = "rogue",
                                 .stream = "items",
                                 .max_records = 1,
                                 .record = {.type = "item/1"},
                                 .action = "ask",
                                 .body = CN_STR("{\"name\": \"x\"}"),
                                 .method = "POST",
                                 .path = "/"};

    assert_int_equal(world_start(&world, &request, &result), 0);
    world_wait(&world, &result);
    assert_int_equal(result.outcome.status, status);
    assert_false(result.outcome.effect_sent);
}

static void effect_refused(void **state)
{
    (void)state;
    world_add(&world, "rogue", "effect");
    effect_gives(OP_CALL, CN_REJECTED);
    effect_gives(OP_POLL, CN_REJECTED);
    effect_gives(OP_PROBE, CN_REJECTED);
    effect_gives(OP_RECEIVE, CN_REJECTED);
    assert_int_equal(world.request_count, 0);
}

static void effect_doubted(void **state)
{
    static const struct world_answer cut[] = {
        {.failure = HTTP_FAILURE_CUT, .sent = true}};
    static const struct world_answer cut_then_read[] = {
        {.failure = HTTP_FAILURE_CUT, .sent = true},
        {.code = 200, .sent = true, .answered = true}};
    static const struct world_answer refused_then_down[] = {
        {.code = 400, .sent = true, .answered = true},
        {.failure = HTTP_FAILURE_CONNECT}};
    static const struct world_answer unsent[] = {
        {.failure = HTTP_FAILURE_CONNECT}};
    static const struct world_answer refused[] = {
        {.code = 400, .sent = true, .answered = true}};
    static const struct world_answer hang[] = {{.hang = true, .sent = true}};
    struct world_result result;
    struct op_request late = {.kind = OP_DELIVER,
                              .instance = "host",
                              .timeout_ms = SHORT_MS,
                              .record = {.type = "item/1"}};

    (void)state;
    world_add(&world, "rogue", "effect");
    world_add(&world, "host", "effect_host");
    world.answer_count = 1;
    world.answers = cut;
    deliver("rogue", "", &result);
    assert_int_equal(result.outcome.status, CN_IN_DOUBT);
    assert_true(result.outcome.effect_sent);
    assert_false(result.outcome.answered);
    assert_int_equal(world_log_count("said that nothing took effect"), 1);
    world.answers = unsent;
    deliver("rogue", "", &result);
    assert_int_equal(result.outcome.status, CN_RETRY);
    assert_false(result.outcome.effect_sent || result.outcome.answered);
    world.answers = refused;
    deliver("rogue", "", &result);
    assert_int_equal(result.outcome.status, CN_RETRY);
    assert_true(result.outcome.effect_sent && result.outcome.answered);
    world.answers = cut_then_read;
    world.answer_count = 2;
    world.request_count = 0;
    deliver("rogue", "recover", &result);
    assert_int_equal(result.outcome.status, CN_RETRY);
    world.answers = refused_then_down;
    world.request_count = 0;
    deliver("rogue", "recover", &result);
    assert_int_equal(result.outcome.status, CN_RETRY);
    assert_true(result.outcome.effect_sent);
    assert_false(result.outcome.answered);
    world.answers = hang;
    world.answer_count = 1;
    deliver("rogue", "open", &result);
    assert_int_equal(result.outcome.status, CN_IN_DOUBT);
    /* A time-out aborts the request; the answer to that ends the delivery. */
    assert_int_equal(world_start(&world, &late, &result), 0);
    world_wait(&world, &result);
    assert_int_equal(result.outcome.status, CN_IN_DOUBT);
    assert_false(result.outcome.broken);
}

static void after_destroy(void **state)
{
    struct world_result result;

    (void)state;
    world_add(&world, "rogue", "after_destroy");
    deliver("rogue", "", &result);
    assert_int_equal(result.outcome.status, CN_OK);
    instances_remove(world.instances, "rogue");
    while (!world_log_count("called log after the instance had ended"))
        world_turn(&world);
    world_add(&world, "again", "after_destroy");
    deliver("again", "", &result);
    assert_int_equal(result.outcome.status, CN_OK);
    assert_true(world_log_count("called emit after the instance had ended"));
    world_neighbour_works(&world, "neighbour");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(honest_many),
        TEST(honest_poll),
        TEST(honest_transform),
        TEST(honest_call),
        TEST(honest_receive),
        TEST(honest_deliver),
        TEST(honest_cancel),
        TEST(honest_replaced),
        TEST(honest_new),
        TEST(done_twice),
        TEST(done_foreign),
        TEST(done_never),
        TEST(replaced_too_often),
        TEST(emit_late),
        TEST(emit_refused),
        TEST(wrong_thread),
        TEST(malformed),
        TEST(block_shared),
        TEST(post_late),
        TEST(post_late_create),
        TEST(block_may_send),
        TEST(block_cannot_send),
        TEST(block_alone),
        TEST(block_create),
        TEST(block_reload),
        TEST(block_destroy),
        TEST(block_stop),
        TEST(create_null),
        TEST(flood),
        TEST(waits_for_its_rate),
        TEST(waits_and_is_given_up),
        TEST(waits_for_its_own_rate),
        TEST(waiting_is_no_answer),
        TEST(effect_refused),
        TEST(effect_doubted),
        TEST(after_destroy),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
