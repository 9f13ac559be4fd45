/* fuzz_store.c - a damaged database: opened or refused, read, worked with.
 *
 * An input is edits to tests/golden/store/v1.db, or v2.db when the second bit
 * of the first byte is set: three bytes of place, one of length (255: cut the
 * file there), the bytes.  An odd first byte: the rest is instead text that
 * replaces a text of the first table, so that the database stays whole and its
 * contents do not.  Nothing may crash; what cannot be trusted is refused or
 * parked. */
#include <string.h>
#include <unistd.h>

#include <sqlite3.h>

#include "fuzz.h"
#include "store/store.h"

enum { ROWS_MAX = 1000, RUNS_MAX = 12 };

static char *bases[2], *keys[2];
static size_t base_lens[2], key_lens[2];
static const char *base, *key; /* of this input */
static size_t base_len, key_len;
static int64_t wall_ms, monotonic_ms;

static int64_t wall(void *arg)
{
    (void)arg;
    return wall_ms;
}

static int64_t monotonic(void *arg)
{
    (void)arg;
    return monotonic_ms;
}

static void path_of(char path[256], const char *name)
{
    snprintf(path, 256, "%s/%s", fuzz_directory(), name);
}

/* The space kept back stays until the end: making it takes longest. */
static void clear(bool all)
{
    static const char *const names[] = {"connect.db",     "connect.db-wal",
                                        "connect.db-shm", "connect.lock",
                                        "lookup.key",     "connect.reserve"};
    char path[256];

    for (size_t index = 0; index < sizeof(names) / sizeof(*names) - !all;
         index++) {
        path_of(path, names[index]);
        unlink(path);
    }
}

static void clear_all(void)
{
    clear(true);
}

int LLVMFuzzerInitialize(int *count, char ***arguments)
{
    (void)count;
    (void)arguments;
    fuzz_directory();
    atexit(clear_all); /* before the directory goes */
    bases[0] =
        fuzz_file(FUZZ_SOURCE_DIR "/tests/golden/store/v1.db", &base_lens[0]);
    keys[0] =
        fuzz_file(FUZZ_SOURCE_DIR "/tests/golden/store/v1.key", &key_lens[0]);
    bases[1] =
        fuzz_file(FUZZ_SOURCE_DIR "/tests/golden/store/v2.db", &base_lens[1]);
    keys[1] =
        fuzz_file(FUZZ_SOURCE_DIR "/tests/golden/store/v2.key", &key_lens[1]);
    return 0;
}

static void damage(const uint8_t *data, size_t size)
{
    char path[256], *copy = malloc(base_len);
    size_t len = base_len;

    FUZZ_MUST(copy);
    memcpy(copy, base, base_len);
    while (size > 4) {
        size_t at = fuzz_number(&data, &size, 3) % base_len;
        size_t width = fuzz_number(&data, &size, 1);

        if (width == 255)
            len = at;
        for (; width && size && at < base_len; width--)
            copy[at++] = (char)fuzz_number(&data, &size, 1);
    }
    path_of(path, "connect.db");
    fuzz_write(path, copy, len);
    free(copy);
}

/* One statement of our own on the whole database: any value anywhere. */
static void corrupt(const uint8_t *data, size_t size)
{
    char path[256], *statement = fuzz_text((cn_str){(const char *)data, size});
    sqlite3 *handle = NULL;

    path_of(path, "connect.db");
    fuzz_write(path, base, base_len);
    if (!strncmp(statement, "UPDATE ", 7) && !strchr(statement, ';') &&
        sqlite3_open(path, &handle) == SQLITE_OK) {
        sqlite3_exec(handle, statement, NULL, NULL, NULL);
    }
    sqlite3_close(handle);
    free(statement);
}

static void touch(struct store_bytes bytes)
{
    static volatile unsigned char sum;

    for (size_t index = 0; index < bytes.len; index++)
        sum = (unsigned char)(sum + (unsigned char)bytes.ptr[index]);
}

static void touch_text(const char *text)
{
    if (text)
        touch((struct store_bytes){text, strlen(text) + 1});
}

static void touch_work(const struct store_work *work)
{
    touch_text(work->flow);
    touch_text(work->flow_version);
    touch_text(work->origin);
    touch_text(work->type);
    touch(work->id);
    touch(work->body);
    for (size_t index = 0; index < work->step_count; index++) {
        touch_text(work->steps[index].path);
        touch(work->steps[index].result);
        FUZZ_MUST(work->steps[index].state <= STEP_FAILED);
    }
    for (size_t index = 0; index < work->delivery_count; index++) {
        touch_text(work->deliveries[index].path);
        touch(work->deliveries[index].body);
        touch(work->deliveries[index].reference);
        FUZZ_MUST(work->deliveries[index].state <= DELIVERY_DISCARDED);
    }
}

static void read_rows(void *arg, int status, const struct store_rows *rows)
{
    (void)arg;
    if (status)
        return;
    FUZZ_MUST(rows->run_count <= ROWS_MAX && rows->history_count <= ROWS_MAX);
    for (size_t index = 0; index < rows->run_count; index++) {
        touch_text(rows->runs[index].reason);
        touch(rows->runs[index].label);
        touch(rows->runs[index].id);
        touch(rows->runs[index].key);
    }
    for (size_t index = 0; index < rows->reason_count; index++) {
        touch_text(rows->reasons[index].code);
        touch_text(rows->reasons[index].flow);
        touch_text(rows->reasons[index].reason);
    }
    for (size_t index = 0; index < rows->alert_count; index++) {
        touch_text(rows->alerts[index].text);
        touch_text(rows->alerts[index].acknowledged_by);
    }
    for (size_t index = 0; index < rows->history_count; index++)
        touch_text(rows->history[index].act);
    for (size_t index = 0; index < rows->value_count; index++)
        touch(rows->values[index].value);
    for (size_t index = 0; index < rows->quarantine_count; index++)
        touch(rows->quarantine[index].content);
    if (rows->work)
        touch_work(rows->work);
}

static void committed(void *arg, int status, const struct store_result *results,
                      size_t count)
{
    (void)arg;
    for (size_t index = 0; !status && index < count; index++) {
        for (size_t item = 0; item < results[index].work_count; item++)
            touch_work(&results[index].work[item]);
    }
}

static void read_all(struct store *store)
{
    for (int kind = STORE_QUERY_RUNS; kind <= STORE_QUERY_DOUBTS; kind++) {
        struct store_query query = {.kind = (enum store_query_kind)kind,
                                    .flow = "won-deal",
                                    .version = "v1",
                                    .instance = "streak",
                                    .limit = 50};
        uint64_t last = kind == STORE_QUERY_RUN ? RUNS_MAX : 1;

        if (kind == STORE_QUERY_RUNS)
            query.flow = NULL;
        for (uint64_t run = 1; run <= last; run++) {
            query.run = kind == STORE_QUERY_RUN ? run : 0;
            FUZZ_MUST(!store_query(store, &query, read_rows, NULL));
            store_drain(store);
        }
        query.contains = "a";
        query.key = (struct store_bytes){"box-4", 5};
        query.run = 0;
        if (kind == STORE_QUERY_RUNS)
            FUZZ_MUST(!store_query(store, &query, read_rows, NULL));
        store_drain(store);
    }
}

static void commit(struct store *store, struct store_batch *batch)
{
    if (store_commit(store, batch, committed, NULL))
        store_batch_destroy(batch);
    store_drain(store);
}

static void deliver(struct store_batch *batch, uint64_t run)
{
    static const struct store_bytes body = {"{\"n\":1}", 7};
    const struct store_delivery delivery = {.run = run,
                                            .path = "again",
                                            .flow = "won-deal",
                                            .instance = "syspro",
                                            .type = "sales_order/1",
                                            .adopt = run & 1,
                                            .source_key = {"deal-1", 6},
                                            .order_key = {"customer", 8},
                                            .body = body};
    const struct store_delivery_change change = {
        .run = run,
        .path = "post",
        .state = (enum delivery_state)(run % (DELIVERY_DISCARDED + 1)),
        .reference = body,
        .reason = "because"};
    const struct store_step step = {
        .run = run, .path = "read", .state = STEP_DONE, .result = body};

    store_batch_step(batch, &step);
    store_batch_intent(batch, run, "post");
    store_batch_delivery_change(batch, &change);
    store_batch_edit(batch, "test", run, "post", body, NULL);
    store_batch_delivery(batch, &delivery);
    store_batch_recover(batch, run);
}

static void work(struct store *store)
{
    static const struct store_accept_run run = {.flow = "won-deal",
                                                .flow_version = "v1",
                                                .key = {"box-4", 5},
                                                .newer = STORE_NEWER_OVERTAKES};
    static const struct store_prune prune = {
        .event_age_ms = 1, .run_age_ms = 1, .audit_age_ms = 1, .count = 20};
    static const struct store_bytes nothing = {"", 0};
    struct store_accept event = {.origin = "streak",
                                 .type = "box_event/1",
                                 .id = {"fresh", 5},
                                 .key = {"box-4", 5},
                                 .body = {"{}", 2},
                                 .run_count = 1,
                                 .runs = &run};
    struct store_batch *batch = store_batch_create();

    store_batch_claim(batch, "", 10);
    store_batch_claim(batch, "syspro", 10);
    commit(store, batch);
    batch = store_batch_create();
    store_batch_accept(batch, &event);
    store_batch_state(batch, "streak", "hook", (struct store_bytes){"1", 1});
    store_batch_cursor(batch, "streak", "boxes", (struct store_bytes){"2", 1});
    store_batch_flow(batch, "won-deal", "v2", (struct store_bytes){"{}", 2});
    store_batch_alert(batch, "syspro.auth", "again");
    store_batch_renew(batch);
    commit(store, batch);
    for (uint64_t number = 1; number <= RUNS_MAX; number++) {
        batch = store_batch_create();
        store_batch_act(batch, "test", (enum store_act)(number % 5), number,
                        "because");
        store_batch_settle(batch, "test", number, number & 1, nothing, "so");
        store_batch_edit(batch, "test", number, NULL,
                         (struct store_bytes){"{}", 2}, "so");
        store_batch_quarantine_end(batch, "test", number, "discarded", "so");
        commit(store, batch);
        batch = store_batch_create();
        deliver(batch, number);
        commit(store, batch);
        batch = store_batch_create();
        store_batch_run(batch, &(struct store_run_change){.run = number,
                                                          .state = RUN_DONE});
        commit(store, batch);
    }
    batch = store_batch_create();
    store_batch_alert_acknowledge(batch, "test", "syspro.auth");
    commit(store, batch);
    batch = store_batch_create();
    store_batch_prune(batch, &prune);
    commit(store, batch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct clock clock = {wall, monotonic, NULL};
    struct store_options options = {.directory = fuzz_directory(),
                                    .owner = "test",
                                    .clock = &clock,
                                    .inline_mode = true};
    struct store *store = NULL;
    struct error err = {""};
    char path[256];
    uint64_t first = fuzz_number(&data, &size, 1);
    size_t version = first >> 1 & 1;

    wall_ms = 1700000005000;
    monotonic_ms = 5000;
    base = bases[version];
    base_len = base_lens[version];
    key = keys[version];
    key_len = key_lens[version];
    path_of(path, "lookup.key");
    fuzz_write(path, key, key_len);
    if (first & 1)
        corrupt(data, size);
    else
        damage(data, size);
    if (store_open(&options, &store, &err)) {
        FUZZ_MUST(*err.text);
    } else {
        read_all(store);
        if (store_verify(store, &err))
            FUZZ_MUST(*err.text);
        work(store);
        monotonic_ms += 3600 * 1000;
        work(store);
        read_all(store);
        store_close(store);
    }
    clear(false);
    return 0;
}
