/* engine_source.c - streams that are polled.
 *
 * One idea: a page of records and the cursor behind it are stored in one
 * transaction, so a page is never lost and never half taken; a page that ends
 * otherwise is forgotten and asked for again from the last stored cursor.  One
 * poll of a stream is open at a time, and none while the store is behind or the
 * instance rests.
 *
 * Sources let records appear behind what was read (a clock of theirs, a late
 * transaction): a stream may ask to begin each round a while before its cursor.
 * What is read twice is known by the event's identity.  What a source says is
 * lost before anybody read it is an alert, stored with the page behind the gap.
 * Called on the loop thread. */
#include "flow/engine_state.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/log.h"
#include "base/memory.h"
#include "flow/run_gate.h"

enum {
    RECORDS_MAX = 500, /* of one page: bounds its transaction */
    INTERVAL_MIN_MS = 100,
    AGAIN_FIRST_MS = 1000, /* growing delay after a failure */
    AGAIN_MAX_MS = 300000,
    AUTH_MS = 60000
};

struct engine_source {
    struct engine_source *next;
    struct engine *engine;
    char *instance, *stream;
    uint64_t interval_ms, overlap_ms;
    char *cursor; /* of the last page stored; owned */
    size_t cursor_len;
    char *page_cursor; /* of the page being stored */
    size_t page_cursor_len;
    bool more, page_more; /* the last page stored said that more waits; and
                           * the one being stored */
    uint64_t rest_ms;     /* the page said: not before */
    bool busy;            /* loading, polling or storing */
    bool polling;
    bool stopped;      /* the stream said that it will never work */
    bool clean;        /* surely no alert about it is stored */
    uint32_t failures; /* in a row */
    int64_t due_ms;
};

static void source_later(struct engine_source *source, uint64_t delay_ms)
{
    source->busy = false;
    source->due_ms = engine_now(source->engine) + (int64_t)delay_ms;
}

/* How long the other side may ask a stream to rest: as long as an instance, or
 * until its next poll.  What a plugin says is no reason never to poll again. */
static uint64_t source_rest(const struct engine_source *source,
                            uint64_t asked_ms)
{
    uint64_t most_ms = source->engine->world.limits.retry_after_max_ms;

    if (most_ms < source->interval_ms)
        most_ms = source->interval_ms;
    return asked_ms < most_ms ? asked_ms : most_ms;
}

static void source_failed(struct engine_source *source, uint64_t delay_ms)
{
    struct engine *engine = source->engine;
    struct gate *gate = engine_gate(engine, source->instance);
    int64_t now_ms = engine_now(engine);

    /* The instance rests: as soon as it does not any more. */
    if (!delay_ms && gate_rests(gate, now_ms))
        delay_ms = (uint64_t)(gate->rest_until - now_ms) + 1;
    if (!delay_ms)
        delay_ms = retry_delay(AGAIN_FIRST_MS, AGAIN_MAX_MS, source->failures,
                               engine->ports.random(engine->ports.arg));
    source->failures++;
    source_later(source, delay_ms);
}

static void alert_stored(void *arg, int status, uint64_t made_run)
{
    (void)made_run;
    (void)arg;
    (void)status; /* it stands in the log as well */
}

/* The stream cannot be read: what else it says is in the log. */
static void source_alert(struct engine_source *source)
{
    struct store_batch *batch = store_batch_create();
    char cause[ENGINE_CAUSE_MAX];

    source->clean = false;
    engine_source_cause(source->instance, source->stream, cause);
    store_batch_alert(batch, cause,
                      "A stream cannot be read and is stopped. Mend the cause "
                      "that its log line names, then reload.");
    (void)!engine_ask(source->engine, batch, NULL, alert_stored, NULL);
}

/* One alert and one rest for the instance, whichever stream was refused. */
static void source_refused(struct engine_source *source, struct gate *gate)
{
    struct engine *engine = source->engine;
    struct store_batch *batch = store_batch_create();

    gate_rest(gate, engine_now(engine), AUTH_MS,
              engine->ports.random(engine->ports.arg), run_gate_refusal);
    run_gate_refused(gate, batch);
    (void)!engine_ask(engine, batch, NULL, alert_stored, NULL);
}

static void page_stored(void *arg, int status, size_t accepted,
                        size_t duplicates)
{
    struct engine_source *source = arg;
    cn_str cursor = {source->page_cursor, source->page_cursor_len};

    (void)accepted;
    (void)duplicates;
    if (status) {
        source->clean = false;
        engine_gate(source->engine, source->instance)->trusted = false;
        free(source->page_cursor);
        source->page_cursor = NULL;
        source_failed(source, 0);
        return;
    }
    free(source->cursor);
    source->cursor = source->page_cursor;
    source->cursor_len = source->page_cursor_len;
    source->page_cursor = NULL;
    source->more = source->page_more;
    source->failures = 0;
    source->engine->ports.op_commit(source->engine->ports.arg, source->instance,
                                    cursor);
    if (source->rest_ms)
        source_later(source, source->rest_ms);
    else
        source_later(source, source->more ? 0 : source->interval_ms);
}

static void page_store(struct engine_source *source,
                       const struct op_outcome *outcome)
{
    struct log_about about = {.instance = source->instance};
    struct gate *gate = engine_gate(source->engine, source->instance);
    struct engine_accept accept = {
        .origin = source->instance,
        .records = outcome->records,
        .record_count = outcome->record_count,
        .values = outcome->values,
        .value_count = outcome->value_count,
        .stream = source->stream,
        .cursor = outcome->cursor,
        .gap = outcome->gap,
        .mended = !source->clean,
        .trusted = outcome->answered && !gate->trusted,
    };

    if (outcome->gap)
        log_write(LOG_ERROR, &about,
                  "stream %s: records are lost that were never read%s%s",
                  source->stream, *outcome->message ? ": " : "",
                  outcome->message);
    source->page_cursor = memory_copy(outcome->cursor.ptr, outcome->cursor.len);
    source->page_cursor_len = outcome->cursor.len;
    source->page_more = outcome->more != 0;
    source->rest_ms = source_rest(source, outcome->retry_after_ms);
    if (!engine_accept(source->engine, &accept, page_stored, source)) {
        source->clean = true;
    } else {
        gate->trusted = false; /* what said so is not stored */
        free(source->page_cursor);
        source->page_cursor = NULL;
        source_failed(source, 0);
    }
}

/* What the outcome says about the instance: runs and polls share its rest. */
static void source_judge(struct engine_source *source,
                         const struct op_outcome *outcome)
{
    struct engine *engine = source->engine;
    struct gate *gate = engine_gate(engine, source->instance);
    struct log_about about = {.instance = source->instance};
    int64_t now_ms = engine_now(engine);
    uint64_t random = engine->ports.random(engine->ports.arg);
    uint64_t most_ms = engine->world.limits.retry_after_max_ms;
    bool broken = gate->broken;

    if (outcome->status == CN_OK) {
        if (outcome->answered && gate_answered(gate, 0, now_ms))
            engine_gate_changed(engine, gate);
        return;
    }
    if (outcome->status == CN_AUTH)
        source_refused(source, gate);
    else if (outcome->status == CN_RATE_LIMITED)
        gate_slow(gate, 0, now_ms,
                  outcome->retry_after_ms < most_ms ? outcome->retry_after_ms
                                                    : most_ms,
                  random);
    else if (outcome->answered || outcome->status == CN_CANCELLED ||
             !gate_failed(gate, 0, now_ms, random,
                          "no answer from the other system"))
        return;
    log_write(broken ? LOG_DEBUG : LOG_WARN, &about,
              "rests for %" PRId64 " ms: %s", gate->rest_until - now_ms,
              gate->reason);
    engine_gate_changed(engine, gate);
}

static void source_polled(void *arg, uint64_t op,
                          const struct op_outcome *outcome)
{
    struct engine_source *source = arg;
    struct log_about about = {.op = op, .instance = source->instance};

    source->polling = false;
    source_judge(source, outcome);
    switch (outcome->status) {
    case CN_OK:
        page_store(source, outcome);
        break;
    case CN_REJECTED:
    case CN_UNSUPPORTED:
        log_write(LOG_ERROR, &about, "stream %s is stopped: %s", source->stream,
                  outcome->message);
        source_alert(source);
        source->stopped = true;
        source->busy = false;
        break;
    case CN_AUTH:
        source_failed(source, 0); /* when the instance wakes */
        break;
    default:
        source_failed(source, source_rest(source, outcome->retry_after_ms));
        break;
    }
    engine_turn(source->engine);
}

static void source_poll(struct engine_source *source)
{
    struct engine *engine = source->engine;
    struct error err = {""};
    uint64_t op;
    int status;
    struct op_request request = {
        .kind = OP_POLL,
        .instance = source->instance,
        .stream = source->stream,
        .cursor = {source->cursor, source->cursor_len},
        .max_records = RECORDS_MAX,
        /* Not on the way through what waits, or it would never end. */
        .overlap_ms = source->more ? 0 : source->overlap_ms,
    };

    source->busy = true;
    status = engine->ports.op_start(engine->ports.arg, &request, source_polled,
                                    source, &op, &err);
    source->polling = !status;
    if (status)
        source_later(source, AGAIN_FIRST_MS);
    if (status == -ENOENT) /* removed; it is added again with its instance */
        source->stopped = true;
}

static void cursor_read(void *arg, int status, const struct store_rows *rows)
{
    struct engine_source *source = arg;

    if (status) {
        source_failed(source, 0);
        engine_turn(source->engine);
        return;
    }
    for (size_t index = 0; index < rows->value_count; index++) {
        const struct store_value_row *row = &rows->values[index];
        if (strcmp(row->name, source->stream) != 0)
            continue;
        free(source->cursor);
        source->cursor = memory_copy(row->value.ptr, row->value.len);
        source->cursor_len = row->value.len;
    }
    if (!source->cursor)
        source->cursor = memory_copy(NULL, 0);
    source_later(source, 0);
    engine_turn(source->engine);
}

static void source_load(struct engine_source *source)
{
    struct store_query query = {.kind = STORE_QUERY_CURSORS,
                                .instance = source->instance,
                                .limit = 1000};

    source->busy = true;
    if (store_query(source->engine->store, &query, cursor_read, source))
        source_failed(source, 0);
}

void engine_source_cause(const char *instance, const char *stream,
                         char cause[ENGINE_CAUSE_MAX])
{
    snprintf(cause, ENGINE_CAUSE_MAX, "source:%.100s:%.100s", instance, stream);
}

void engine_add_source(struct engine *engine, const char *instance,
                       const char *stream, uint64_t interval_ms)
{
    struct engine_source *source;

    if (interval_ms < INTERVAL_MIN_MS)
        interval_ms = INTERVAL_MIN_MS;
    LL_FOREACH(engine->sources, source)
    {
        if (!strcmp(source->instance, instance) &&
            !strcmp(source->stream, stream)) {
            source->stopped = false; /* reloaded: it may work now */
            source->interval_ms = interval_ms;
            return;
        }
    }
    source = memory_zero(1, sizeof(*source));
    source->engine = engine;
    source->instance = memory_text(instance);
    source->stream = memory_text(stream);
    source->interval_ms = interval_ms;
    LL_APPEND(engine->sources, source);
}

void engine_overlap_source(struct engine *engine, const char *instance,
                           const char *stream, uint64_t overlap_ms)
{
    struct engine_source *source;

    LL_FOREACH(engine->sources, source)
    {
        if (!strcmp(source->instance, instance) &&
            !strcmp(source->stream, stream))
            source->overlap_ms = overlap_ms;
    }
}

/* Another poll is out to see whether the instance is back. */
static bool source_waits(const struct engine_source *source,
                         const struct gate *gate)
{
    const struct engine_source *other;

    if (!gate->broken)
        return false;
    LL_FOREACH(source->engine->sources, other)
    {
        if (other != source && other->polling &&
            !strcmp(other->instance, source->instance))
            return true;
    }
    return false;
}

void engine_poll(struct engine *engine, int64_t now_ms)
{
    struct engine_source *source;
    struct gate *gate;

    LL_FOREACH(engine->sources, source)
    {
        if (source->busy || source->stopped || now_ms < source->due_ms)
            continue;
        gate = engine_gate(engine, source->instance);
        if (!source->cursor)
            source_load(source);
        else if (gate_rests(gate, now_ms))
            source->due_ms = gate->rest_until;
        else if (source_waits(source, gate))
            source_later(source, AGAIN_FIRST_MS);
        else if (store_backlog(engine->store) < STORE_QUEUE_MAX / 4)
            source_poll(source);
        else
            source_later(source, AGAIN_FIRST_MS);
    }
}

bool engine_polls(const struct engine *engine, const char *instance)
{
    const struct engine_source *source;

    LL_FOREACH(engine->sources, source)
    {
        if (!source->stopped && !strcmp(source->instance, instance))
            return true;
    }
    return false;
}

int64_t engine_poll_due(const struct engine *engine)
{
    const struct engine_source *source;
    int64_t due_ms = 0;

    LL_FOREACH(engine->sources, source)
    {
        if (!source->busy && !source->stopped &&
            (!due_ms || source->due_ms < due_ms))
            due_ms = source->due_ms ? source->due_ms : 1;
    }
    return due_ms;
}

void engine_free_sources(struct engine *engine)
{
    struct engine_source *source, *next;

    LL_FOREACH_SAFE(engine->sources, source, next)
    {
        free(source->instance);
        free(source->stream);
        free(source->cursor);
        free(source->page_cursor);
        free(source);
    }
}
