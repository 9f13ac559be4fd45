/* facts.c - what was promised, compared with a store.
 *
 * One idea: a run is at least as far as was answered, never less: an intent
 * that was answered is in doubt after a cut, never forgotten, and what was
 * delivered is never sent again.  One thread. */
#include "facts.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "store/store.h"

enum { PAGE = 1000 };

void facts_mark(void *arg, const struct disk_record *mark)
{
    struct facts *facts = arg;
    uint64_t number = (uint64_t)mark->offset;

    if (mark->file == FACT_EVENTS) {
        facts->events = number;
    } else if (mark->file == FACT_ORDERS) {
        facts->orders = number;
    } else if (number < FACTS_RUNS_MAX) {
        facts->runs[number] = (uint8_t)mark->file;
        if (number > facts->run_last)
            facts->run_last = number;
    }
}

void facts_body(uint64_t number, char *body, size_t len)
{
    int head = snprintf(body, len, "{\"n\":%llu,\"text\":\"",
                        (unsigned long long)number);

    for (size_t at = (size_t)head; at < len; at++)
        body[at] = (char)('a' + (number + at) % 26);
    memcpy(body + len - 2, "\"}", 2);
}

static bool is_body(uint64_t number, struct store_bytes body)
{
    char *right = malloc(body.len + 64);
    bool same;

    if (body.len < 32) {
        free(right);
        return false;
    }
    facts_body(number, right, body.len);
    same = !memcmp(right, body.ptr, body.len);
    free(right);
    return same;
}

struct check {
    const struct facts *facts;
    uint64_t run; /* asked for */
    char *text;
    bool failed;
    uint64_t orders;
};

__attribute__((format(printf, 2, 3))) static void
complain(struct check *check, const char *format, ...)
{
    va_list arguments;

    if (check->failed)
        return;
    check->failed = true;
    va_start(arguments, format);
    vsnprintf(check->text, FACTS_TEXT_MAX, format, arguments);
    va_end(arguments);
}

static enum fact fact_of(const struct store_rows *rows)
{
    if (!rows->work || !rows->run_count)
        return FACT_NONE;
    if (rows->runs[0].state == RUN_DONE)
        return FACT_DONE;
    if (!rows->work->delivery_count)
        return FACT_ACCEPTED;
    switch (rows->work->deliveries[0].state) {
    case DELIVERY_DONE:
        return FACT_DELIVERED;
    case DELIVERY_SENDING:
    case DELIVERY_IN_DOUBT:
        return FACT_SENDING;
    default:
        return FACT_ACCEPTED;
    }
}

static void run_read(void *arg, int status, const struct store_rows *rows)
{
    struct check *check = arg;
    enum fact promised = check->facts->runs[check->run], found;

    if (status) {
        complain(check, "run %llu cannot be read: %d",
                 (unsigned long long)check->run, status);
        return;
    }
    found = fact_of(rows);
    if (found < promised)
        complain(check, "LOST: run %llu is at %d and was answered as %d",
                 (unsigned long long)check->run, found, promised);
    if (found && !is_body(check->run, rows->work->body))
        complain(check, "run %llu has not its own body",
                 (unsigned long long)check->run);
}

static void counts_read(void *arg, int status, const struct store_rows *rows)
{
    struct check *check = arg;

    if (status)
        complain(check, "counts: %d", status);
    else if (rows->event_count < check->facts->events)
        complain(check, "LOST: %llu events of %llu that were answered",
                 (unsigned long long)rows->event_count,
                 (unsigned long long)check->facts->events);
}

static void order_read(void *arg, int status, const struct store_rows *rows)
{
    struct check *check = arg;

    if (status || !rows->work)
        return;
    for (size_t at = 0; at < rows->work->delivery_count; at++) {
        const struct store_delivery_row *row = &rows->work->deliveries[at];
        if (!strcmp(row->instance, "syspro") &&
            (row->state == DELIVERY_DONE || row->state == DELIVERY_IN_DOUBT ||
             row->state == DELIVERY_SENDING))
            check->orders++;
    }
}

static void ask(struct check *check, struct store *store,
                const struct store_query *query, store_read_fn *fn)
{
    if (store_query(store, query, fn, check))
        complain(check, "the store takes no question");
    store_drain(store);
}

static void check_orders(struct check *check, struct store *store)
{
    /* Numbers begin at 1; a few more than events were answered. */
    for (uint64_t run = 1; run <= check->facts->events * 4 + 8; run++) {
        struct store_query query = {.kind = STORE_QUERY_RUN, .run = run};
        ask(check, store, &query, order_read);
    }
    if (check->orders < check->facts->orders)
        complain(check, "DOUBLED: %llu intents for %llu orders in the ERP",
                 (unsigned long long)check->orders,
                 (unsigned long long)check->facts->orders);
}

static void check_store(struct check *check, struct store *store)
{
    struct store_query counts = {.kind = STORE_QUERY_COUNTS};
    struct error err = {""};

    for (uint64_t run = 1; run <= check->facts->run_last; run++) {
        struct store_query query = {.kind = STORE_QUERY_RUN, .run = run};
        check->run = run;
        ask(check, store, &query, run_read);
    }
    ask(check, store, &counts, counts_read);
    if (check->facts->orders)
        check_orders(check, store);
    if (store_verify(store, &err))
        complain(check, "the audit chain: %s", err.text);
}

static int64_t wall(void *arg)
{
    (void)arg;
    return 1700000000000;
}

static int64_t monotonic(void *arg)
{
    (void)arg;
    return 5000;
}

int facts_check(const struct facts *facts, const char *directory,
                char text[FACTS_TEXT_MAX])
{
    struct clock clock = {wall, monotonic, NULL};
    struct store_options options = {.directory = directory,
                                    .owner = "driver",
                                    .clock = &clock,
                                    .inline_mode = true};
    struct check check = {.facts = facts, .text = text};
    struct error err = {""};
    struct store *store;
    int status = store_open(&options, &store, &err);

    if (status) {
        complain(&check, "it cannot be opened: %d, %.400s", status, err.text);
        return -1;
    }
    check_store(&check, store);
    store_close(store);
    return check.failed ? -1 : 0;
}
