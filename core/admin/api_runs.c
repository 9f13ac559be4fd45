/* api_runs.c - runs: pages of them, and one with all it did.
 *
 * One idea: a run is shown with the flow version it began with, because only
 * that says what its payloads are and so what of them may be shown.  Payloads
 * are shown unmasked only after the audit entry about it is on disk.  Called on
 * the loop thread. */
#include "admin/api_runs.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <connect/json.h>

#include "admin/api_filter.h"
#include "admin/encode.h"
#include "admin/mask.h"

enum {
    PAGE_DEFAULT = 50,
    PAGE_MAX = 1000,        /* as the store */
    WAIT_REASON_MAX = 4096, /* a stored reason has at most half of it */
    HISTORY_MAX = 1000      /* entries of one run that the store gives */
};

/* ---- Pages --------------------------------------------------------------- */

static void put_page(struct api_call *call, cJSON *object, const char *name,
                     cJSON *list, uint64_t next)
{
    cn_json_put(object, name, list);
    if (next)
        encode_put_number(object, "next", (int64_t)next);
    else
        encode_put_text(object, "next", NULL);
    api_call_end(call, object);
}

/* What keeps a run waiting now says more than what did when it was stored. */
static cJSON *run_summary(const struct api_call *call,
                          const struct store_run_row *stored)
{
    struct store_run_row run = *stored;
    char reason[WAIT_REASON_MAX];
    const char *waits =
        run.state == RUN_READY
            ? engine_wait_reason(call->api->options.engine, run.queue)
            : NULL;

    if (waits && run.code && *run.code && run.reason) {
        snprintf(reason, sizeof(reason), "%s; %s", run.reason, waits);
        run.reason = reason;
    } else if (waits) {
        run.reason = waits;
    }
    return encode_run(&run);
}

static void runs_read(void *arg, int status, const struct store_rows *rows)
{
    struct api_call *call = arg;
    cJSON *list;

    if (status) {
        api_call_fail_errno(call, status, "the runs cannot be read");
        return;
    }
    list = cJSON_CreateArray();
    for (size_t index = 0; index < rows->run_count; index++)
        cn_json_append(list, run_summary(call, &rows->runs[index]));
    put_page(call, api_call_object(call), "runs", list, rows->run_next);
}

static void ask_page(struct api_call *call, uint32_t states)
{
    struct api_filter filter;

    if (!api_filter_read(call, &filter) ||
        !api_call_page(call, "before", PAGE_DEFAULT, PAGE_MAX))
        return;
    if (states && filter.query.states & ~states) {
        api_call_fail(call, 400, "parameter",
                      "state must be of held, parked here; others are among "
                      "all runs");
        return;
    }
    if (!filter.query.states)
        filter.query.states = states;
    filter.query.run = call->after;
    filter.query.limit = (size_t)call->limit;
    api_call_query(call, &filter.query, runs_read);
}

void api_runs(struct api_call *call)
{
    ask_page(call, 0);
}

void api_parked(struct api_call *call)
{
    ask_page(call, 1U << RUN_PARKED | 1U << RUN_HELD);
}

/* ---- Reasons ------------------------------------------------------------- */

static void reasons_read(void *arg, int status, const struct store_rows *rows)
{
    struct api_call *call = arg;
    cJSON *object, *list;

    if (status) {
        api_call_fail_errno(call, status, "the reasons cannot be read");
        return;
    }
    object = api_call_object(call);
    list = cJSON_CreateArray();
    for (size_t index = 0; index < rows->reason_count; index++)
        cn_json_append(list, encode_reason(&rows->reasons[index]));
    cn_json_put(object, "reasons", list);
    api_call_end(call, object);
}

void api_reasons(struct api_call *call)
{
    struct store_query query = {.kind = STORE_QUERY_REASONS, .limit = PAGE_MAX};

    api_call_query(call, &query, reasons_read);
}

/* ---- One run ------------------------------------------------------------- */

static void put_value(cJSON *object, const char *name, cJSON *value, bool cut,
                      size_t len)
{
    cn_json_put(object, name, value);
    if (cut)
        encode_put_number(object, "not_shown_bytes", (int64_t)len);
}

static cJSON *run_trigger(const struct mask *mask,
                          const struct store_work *work)
{
    cJSON *object = cJSON_CreateObject();
    bool cut;
    cJSON *body = mask_record(mask, work->type, work->body, &cut);

    encode_put_text(object, "origin", work->origin);
    encode_put_text(object, "type", work->type);
    encode_put_bytes(object, "id", work->id);
    encode_put_bytes(object, "key", work->key);
    encode_put_time(object, "happened_ms", work->wall_ms);
    encode_put_text(object, "change",
                    work->change == CN_DELETE ? "delete" : "upsert");
    put_value(object, "body", body, cut, work->body.len);
    return object;
}

static cJSON *run_step(const struct mask *mask,
                       const struct store_step_row *step)
{
    const struct flow_step *known =
        mask->flow ? mask_step(&mask->flow->steps, step->path) : NULL;
    cJSON *object = cJSON_CreateObject();
    bool cut;
    cJSON *result = mask_result(mask, step->path, step->result, &cut);

    encode_put_text(object, "path", step->path);
    encode_put_text(object, "kind", known ? mask_step_kind(known->kind) : NULL);
    encode_put_text(object, "instance", known ? known->instance : NULL);
    encode_put_text(object, "action", known ? known->action : NULL);
    encode_put_text(object, "state", encode_step_state(step->state));
    encode_put_number(object, "attempts", step->attempts);
    encode_put_text(object, "reason", step->reason);
    put_value(object, "result", result, cut, step->result.len);
    return object;
}

static cJSON *run_delivery(const struct mask *mask,
                           const struct store_delivery_row *row,
                           int64_t steady_ms)
{
    cJSON *object = cJSON_CreateObject();
    bool body_cut, reference_cut;
    cJSON *body = mask_record(mask, row->type, row->body, &body_cut);
    cJSON *reference = mask_reference(row->reference, &reference_cut);

    encode_put_text(object, "path", row->path);
    encode_put_text(object, "instance", row->instance);
    encode_put_text(object, "type", row->type);
    encode_put_text(object, "change",
                    row->change == CN_DELETE ? "delete" : "upsert");
    encode_put_text(object, "state", encode_delivery_state(row->state));
    encode_put_flag(object, "doubt", row->doubt);
    encode_put_number(object, "attempts", row->attempts);
    encode_put_number(object, "probes", row->probes);
    if (row->due_ms > steady_ms)
        encode_put_number(object, "due_in_ms", row->due_ms - steady_ms);
    else
        encode_put_text(object, "due_in_ms", NULL);
    if (row->intent_ms)
        encode_put_number(object, "sent_before_ms", steady_ms - row->intent_ms);
    else
        encode_put_text(object, "sent_before_ms", NULL);
    encode_put_bytes(object, "source_key", row->source_key);
    encode_put_text(object, "reason", row->reason);
    cn_json_put(object, "reference", reference);
    put_value(object, "body", body, body_cut, row->body.len);
    return object;
}

static cJSON *run_whole(const struct api_call *call, const struct mask *mask,
                        const struct store_rows *rows)
{
    cJSON *object = rows->run_count ? run_summary(call, &rows->runs[0])
                                    : cJSON_CreateObject();
    cJSON *steps = cJSON_CreateArray(), *deliveries = cJSON_CreateArray(),
          *history = cJSON_CreateArray();
    const struct store_work *work = rows->work;

    encode_put_flag(object, "masked", !mask->off);
    encode_put_text(object, "title", mask->flow ? mask->flow->title : NULL);
    cn_json_put(object, "trigger", run_trigger(mask, work));
    for (size_t index = 0; index < work->step_count; index++)
        cn_json_append(steps, run_step(mask, &work->steps[index]));
    for (size_t index = 0; index < work->delivery_count; index++)
        cn_json_append(deliveries, run_delivery(mask, &work->deliveries[index],
                                                rows->work_steady_ms));
    for (size_t index = 0; index < rows->history_count; index++)
        cn_json_append(history, encode_history(&rows->history[index]));
    cn_json_put(object, "steps", steps);
    cn_json_put(object, "deliveries", deliveries);
    cn_json_put(object, "history", history);
    encode_put_flag(object, "history_cut", rows->history_count >= HISTORY_MAX);
    return object;
}

static void run_show(struct api_call *call, const struct store_rows *rows,
                     const struct definition *flow)
{
    struct mask mask = {
        .types = call->api->options.types,
        .instances = call->api->options.instances,
        .flow = flow,
        .off = call->unmasked,
    };

    cJSON *object = run_whole(call, &mask, rows);

    encode_put_time(object, "now_ms", clock_wall_ms(call->api->options.clock));
    api_call_end(call, object);
}

static void run_ask(struct api_call *call);

/* The run with an older flow: first the flow's text, then the run again, since
 * rows live only as long as their callback. */
static void run_flow_read(void *arg, int status, const struct store_rows *rows)
{
    struct api_call *call = arg;

    if (status || !rows->value_count) {
        call->flow_missing = true;
    } else {
        const struct store_value_row *row = &rows->values[0];
        struct error err = {""};
        if (definition_create("stored flow", row->value.ptr, row->value.len,
                              NULL, call->api->options.types, &call->flow,
                              &err))
            call->flow_missing = true;
    }
    run_ask(call);
}

static void run_read(void *arg, int status, const struct store_rows *rows)
{
    struct api_call *call = arg;
    const struct definition *flow;
    struct store_query query = {.kind = STORE_QUERY_FLOW};

    if (status) {
        api_call_fail_errno(call, status, "the run cannot be read");
        return;
    }
    if (!rows->work) {
        api_call_fail(call, 404, "not_found", "there is no run %" PRIu64,
                      call->run);
        return;
    }
    flow = call->flow ? call->flow
                      : api_call_flow(call, rows->work->flow,
                                      rows->work->flow_version);
    if (flow || call->flow_missing) {
        run_show(call, rows, flow);
        return;
    }
    query.flow = rows->work->flow;
    query.version = rows->work->flow_version;
    api_call_query(call, &query, run_flow_read);
}

static void run_ask(struct api_call *call)
{
    struct store_query query = {.kind = STORE_QUERY_RUN, .run = call->run};

    api_call_query(call, &query, run_read);
}

void api_run(struct api_call *call)
{
    api_call_show(call, "payload.shown", run_ask);
}
