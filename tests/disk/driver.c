/* driver.c - a small program that uses a store as the daemon does, and writes
 * down what it was promised.
 *
 *   disk-driver DIRECTORY small|big|again|long|left|first
 *
 * Each run is accepted, has a step and a delivery, and is finished; some
 * batches share a commit.  "small" closes and opens the store now and then;
 * "big" writes so much that the log is moved while it is in use; "again" goes
 * on in a directory as it was left; "long" is more, and moves its log often;
 * "left" ends without closing, behind one commit more that it was not told of;
 * "first" ends without closing when its first commit was answered.
 *
 * A commit that fails leaves its run as it is.  Exit code: 0; 3: the store gave
 * up for good, as the daemon does; 4: it cannot be opened.  One thread. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "facts.h"
#include "store/store.h"

enum {
    GROUP = 3,        /* runs whose batches share a commit */
    GROUPS_OPEN = 4,  /* between two openings */
    SMALL = 900,      /* bytes of a body */
    BIG = 700 * 1024, /* and of one that fills the log */
    ERRORS_MAX = 5,   /* as the engine */
    EXIT_GIVEN_UP = 3,
    EXIT_NOT_OPENED = 4
};

struct driver {
    const char *directory;
    struct clock clock;
    struct store *store;
    int64_t now_ms;
    int trace;
    int errors; /* one after the other */
    size_t body_len;
    uint64_t event; /* of the next accept */
};

struct driven { /* one run */
    struct driver *driver;
    uint64_t event, run;
    enum fact reached, next;
    bool failed;
};

static int64_t now(void *arg)
{
    return ((struct driver *)arg)->now_ms;
}

/* One call, so that it stands between the records of the shim. */
static void mark(struct driver *driver, enum fact fact, uint64_t run)
{
    struct disk_record head = {
        .kind = DISK_R_MARK, .file = (uint32_t)fact, .offset = (int64_t)run};

    if (driver->trace >= 0 &&
        write(driver->trace, &head, sizeof(head)) != (ssize_t)sizeof(head))
        abort();
}

static void answered(void *arg, int status, const struct store_result *results,
                     size_t count)
{
    struct driven *driven = arg;
    struct driver *driver = driven->driver;

    driver->errors = status == -EIO ? driver->errors + 1 : 0;
    if (status) {
        driven->failed = true;
        return;
    }
    if (driven->next == FACT_ACCEPTED) {
        driven->run = results[count - 1].run;
        /* Bodies are made of run numbers, so that a store can be checked
         * without this program. */
        if (driven->run != driven->event) {
            fprintf(stderr, "driver: event %llu is run %llu\n",
                    (unsigned long long)driven->event,
                    (unsigned long long)driven->run);
            abort();
        }
    }
    driven->reached = driven->next;
    mark(driver, driven->reached, driven->run);
}

static struct store_bytes bytes_of(const char *text)
{
    return (struct store_bytes){text, strlen(text)};
}

static void append_accept(struct driven *driven, struct store_batch *batch)
{
    size_t len = driven->driver->body_len;
    char *body = memory_zero(len, 1), id[32];
    struct store_accept_run run = {
        .flow = "won-deal", .flow_version = "v1", .claim = true};
    struct store_accept accept = {.origin = "streak",
                                  .type = "box_event/1",
                                  .id = bytes_of(id),
                                  .key = bytes_of(id),
                                  .body = {body, len},
                                  .wall_ms = 1700000000000,
                                  .run_count = 1,
                                  .runs = &run};

    snprintf(id, sizeof(id), "event-%llu", (unsigned long long)driven->event);
    accept.id = accept.key = bytes_of(id);
    facts_body(driven->event, body, len);
    store_batch_accept(batch, &accept);
    free(body);
}

static void append_sending(struct driven *driven, struct store_batch *batch)
{
    char key[32];
    struct store_step step = {.run = driven->run,
                              .path = "read",
                              .state = STEP_DONE,
                              .result = bytes_of("{\"deal\":1}")};
    struct store_delivery delivery = {.run = driven->run,
                                      .path = "post",
                                      .flow = "won-deal",
                                      .instance = "erp",
                                      .type = "sales_order/1",
                                      .adopt = true,
                                      .body = bytes_of("{\"lines\":[1,2]}")};

    snprintf(key, sizeof(key), "deal-%llu", (unsigned long long)driven->run);
    delivery.source_key = delivery.order_key = bytes_of(key);
    store_batch_step(batch, &step);
    store_batch_delivery(batch, &delivery);
}

static void append_end(struct driven *driven, struct store_batch *batch)
{
    struct store_delivery_change change = {.run = driven->run,
                                           .path = "post",
                                           .state = DELIVERY_DONE,
                                           .attempts = 1,
                                           .reference = bytes_of("\"SO-1\"")};
    struct store_run_change done = {.run = driven->run, .state = RUN_DONE};

    if (driven->next == FACT_DELIVERED)
        store_batch_delivery_change(batch, &change);
    else
        store_batch_run(batch, &done);
}

static void advance(struct driven *driven, enum fact next)
{
    struct store_batch *batch;

    if (driven->failed)
        return;
    batch = store_batch_create();
    driven->next = next;
    if (next == FACT_ACCEPTED)
        append_accept(driven, batch);
    else if (next == FACT_SENDING)
        append_sending(driven, batch);
    else
        append_end(driven, batch);
    if (store_commit(driven->driver->store, batch, answered, driven)) {
        store_batch_destroy(batch);
        driven->failed = true;
    }
}

/* A group of runs, side by side; every fifth stays as it was begun. */
static void drive_group(struct driver *driver)
{
    struct driven driven[GROUP];

    memset(driven, 0, sizeof(driven));
    for (size_t at = 0; at < GROUP; at++) {
        driven[at].driver = driver;
        driven[at].event = ++driver->event;
        advance(&driven[at], FACT_ACCEPTED);
    }
    store_drain(driver->store);
    for (enum fact fact = FACT_SENDING; fact <= FACT_DONE; fact++) {
        for (size_t at = 0; at < GROUP; at++) {
            if (driven[at].event % 5 || fact == FACT_SENDING)
                advance(&driven[at], fact);
        }
        store_drain(driver->store);
    }
    /* Numbers go on after what was stored. */
    for (size_t at = 0; at < GROUP; at++) {
        if (driven[at].reached == FACT_NONE) {
            driver->event = driven[at].event - 1;
            break;
        }
    }
    if (driver->errors >= ERRORS_MAX)
        exit(EXIT_GIVEN_UP);
}

static void counted(void *arg, int status, const struct store_rows *rows)
{
    struct driver *driver = arg;

    if (status) {
        driver->errors++;
        return;
    }
    driver->event = rows->event_count;
}

static void drive_open(struct driver *driver)
{
    struct store_options options = {.directory = driver->directory,
                                    .owner = "driver",
                                    .clock = &driver->clock,
                                    .inline_mode = true};
    struct store_query counts = {.kind = STORE_QUERY_COUNTS};
    struct error err = {""};

    driver->now_ms += 1000;
    if (store_open(&options, &driver->store, &err)) {
        fprintf(stderr, "driver: %s\n", err.text);
        exit(EXIT_NOT_OPENED);
    }
    /* What failed may be there all the same. */
    if (store_query(driver->store, &counts, counted, driver))
        abort();
    store_drain(driver->store);
    if (driver->errors)
        exit(EXIT_GIVEN_UP);
}

static void drive(struct driver *driver, int openings, int groups)
{
    for (int opening = 0; opening < openings; opening++) {
        drive_open(driver);
        for (int group = 0; group < groups; group++)
            drive_group(driver);
        store_close(driver->store);
    }
}

/* As a killed process leaves it.  The log was begun anew on the way, so that
 * older frames stand behind its end. */
__attribute__((noreturn)) static void drive_left(struct driver *driver)
{
    struct driven last = {.driver = driver};

    setenv("CONNECT_TEST_CHECKPOINT", "60", 1);
    drive_open(driver);
    for (int group = 0; group < 2 * GROUPS_OPEN; group++)
        drive_group(driver);
    setenv("CONNECT_TEST_CHECKPOINT", "1000", 1);
    for (int group = 0; group < GROUPS_OPEN; group++)
        drive_group(driver);
    close(driver->trace);
    driver->trace = -1;
    last.event = ++driver->event;
    advance(&last, FACT_ACCEPTED);
    store_drain(driver->store);
    _exit(0);
}

/* All calls until something has been promised, and no more. */
__attribute__((noreturn)) static void drive_first(struct driver *driver)
{
    struct driven first = {.driver = driver};

    drive_open(driver);
    first.event = ++driver->event;
    advance(&first, FACT_ACCEPTED);
    store_drain(driver->store);
    _exit(0);
}

int main(int argc, char **argv)
{
    struct driver driver = {.now_ms = 1700000000000, .body_len = SMALL};
    const char *trace = getenv("DISK_TRACE");
    const char *size = argc == 3 ? argv[2] : "";

    if (argc != 3)
        return 2;
    driver.directory = argv[1];
    driver.clock = (struct clock){now, now, &driver};
    driver.trace = trace ? open(trace, O_WRONLY | O_APPEND | O_CLOEXEC) : -1;
    if (!strcmp(size, "big")) {
        driver.body_len = BIG;
        drive(&driver, 1, 9);
        driver.body_len = SMALL;
        drive(&driver, 1, 2);
    } else if (!strcmp(size, "long")) {
        /* The log is moved, and begun anew, while it is in use. */
        setenv("CONNECT_TEST_CHECKPOINT", "40", 1);
        drive(&driver, 4, 3 * GROUPS_OPEN);
    } else if (!strcmp(size, "left")) {
        drive_left(&driver);
    } else if (!strcmp(size, "first")) {
        drive_first(&driver);
    } else {
        drive(&driver, 3, GROUPS_OPEN);
    }
    return 0;
}
