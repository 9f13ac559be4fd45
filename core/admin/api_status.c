/* api_status.c - how the daemon is: numbers, plugins, flows, check.
 *
 * One idea: what is in memory is put in at once, then the store is asked for
 * the rest, one question after another.  Called on the loop thread. */
#include "admin/api_status.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <connect/json.h>

#include "admin/encode.h"
#include "admin/mask.h"

enum {
    CHECK_MS = 30000 /* a check's time; below the server's 60 s for answers */
};

/* ---- Status -------------------------------------------------------------- */

/* Resident memory of this process; 0: not known. */
static int64_t memory_bytes(void)
{
    FILE *file = fopen("/proc/self/statm", "re");
    long long total = 0, resident = 0;
    int found;

    if (!file)
        return 0;
    found = fscanf(file, "%lld %lld", &total, &resident);
    fclose(file);
    return found == 2 ? resident * sysconf(_SC_PAGESIZE) : 0;
}

static cJSON *status_webhooks(const struct ingress *ingress)
{
    struct ingress_counts counts;
    cJSON *object;

    if (!ingress)
        return cJSON_CreateNull();
    ingress_count(ingress, &counts);
    object = cJSON_CreateObject();
    encode_put_number(object, "accepted", (int64_t)counts.accepted);
    encode_put_number(object, "duplicates", (int64_t)counts.duplicates);
    encode_put_number(object, "quarantined", (int64_t)counts.quarantined);
    encode_put_number(object, "refused", (int64_t)counts.refused);
    encode_put_number(object, "unavailable", (int64_t)counts.unavailable);
    encode_put_number(object, "waiting", counts.waiting);
    return object;
}

static cJSON *status_gates(const struct engine *engine)
{
    cJSON *list = cJSON_CreateArray();
    struct engine_gate_info info;

    for (size_t index = 0; engine_gate_info(engine, index, &info); index++) {
        cJSON *object = cJSON_CreateObject();
        if (!info.instance || !*info.instance) { /* what waits for none */
            cJSON_Delete(object);
            continue;
        }
        encode_put_text(object, "instance", info.instance);
        encode_put_number(object, "open", info.open);
        encode_put_number(object, "room", info.room);
        encode_put_number(object, "waiting", info.waiting);
        encode_put_text(object, "state", info.state);
        encode_put_number(object, "rests_ms", info.rests_ms);
        encode_put_text(object, "reason",
                        info.rests_ms > 0 ? info.reason : NULL);
        cn_json_append(list, object);
    }
    return list;
}

/* What the instance may send a second; null: as much as it likes. */
static cJSON *status_rate(const struct instance_info *info)
{
    cJSON *object;

    if (!info->rate_per_second)
        return cJSON_CreateNull();
    object = cJSON_CreateObject();
    encode_put_number(object, "per_second", info->rate_per_second);
    encode_put_number(object, "burst", info->rate_burst);
    encode_put_number(object, "left", info->rate_left);
    encode_put_number(object, "waiting", info->rate_waiting);
    return object;
}

static cJSON *status_instances(const struct instances *instances)
{
    cJSON *list = cJSON_CreateArray();
    struct instance_info info;

    for (size_t index = 0; instances_info(instances, index, &info); index++) {
        cJSON *object = cJSON_CreateObject();
        bool has_reason = info.reason && *info.reason;
        encode_put_text(object, "name", info.name);
        encode_put_text(object, "state", encode_instance_state(info.state));
        encode_put_text(object, "reason", has_reason ? info.reason : NULL);
        cn_json_put(object, "rate", status_rate(&info));
        cn_json_append(list, object);
    }
    return list;
}

static void status_alerts(void *arg, int status, const struct store_rows *rows)
{
    struct api_call *call = arg;

    if (status) {
        api_call_fail_errno(call, status, "the store cannot be read");
        return;
    }
    encode_put_number(call->answer, "alerts", (int64_t)rows->alert_open);
    api_call_end(call, NULL);
}

static void status_queues(void *arg, int status, const struct store_rows *rows)
{
    struct store_query query = {.kind = STORE_QUERY_ALERTS, .limit = 1};
    struct api_call *call = arg;
    cJSON *list;

    if (status) {
        api_call_fail_errno(call, status, "the store cannot be read");
        return;
    }
    list = cJSON_CreateArray();
    for (size_t index = 0; index < rows->ready_count; index++) {
        const struct store_ready_row *row = &rows->ready[index];
        cJSON *object = cJSON_CreateObject();
        int64_t due_in_ms =
            row->next_due_ms - store_steady_ms(call->api->options.store);
        encode_put_text(object, "queue", row->queue);
        encode_put_number(object, "due", (int64_t)row->due_count);
        if (row->next_due_ms)
            encode_put_number(object, "next_due_in_ms",
                              due_in_ms > 0 ? due_in_ms : 0);
        else
            encode_put_text(object, "next_due_in_ms", NULL);
        cn_json_append(list, object);
    }
    cn_json_put(call->answer, "queues", list);
    api_call_query(call, &query, status_alerts);
}

static void status_counts(void *arg, int status, const struct store_rows *rows)
{
    struct store_query query = {.kind = STORE_QUERY_READY};
    struct api_call *call = arg;
    cJSON *runs, *oldest;

    if (status) {
        api_call_fail_errno(call, status, "the store cannot be read");
        return;
    }
    runs = cJSON_CreateObject();
    oldest = cJSON_CreateObject();
    for (size_t index = 0; index < rows->count_count; index++) {
        const struct store_count_row *row = &rows->counts[index];
        const char *state = encode_run_state(row->state);
        encode_put_number(runs, state, (int64_t)row->count);
        encode_put_time(oldest, state, row->oldest_wall_ms);
    }
    cn_json_put(call->answer, "runs", runs);
    cn_json_put(call->answer, "oldest_ms", oldest);
    encode_put_number(call->answer, "events", (int64_t)rows->event_count);
    encode_put_number(call->answer, "duplicates",
                      (int64_t)rows->duplicate_count);
    api_call_query(call, &query, status_queues);
}

void api_status(struct api_call *call)
{
    const struct api_options *options = &call->api->options;
    struct store_query query = {.kind = STORE_QUERY_COUNTS};
    cJSON *object = cJSON_CreateObject();

    call->answer = object;
    encode_put_text(object, "version", options->version);
    encode_put_number(object, "process", getpid());
    encode_put_time(object, "started_ms", call->api->started_wall_ms);
    encode_put_time(object, "now_ms", clock_wall_ms(options->clock));
    encode_put_number(object, "uptime_ms",
                      clock_monotonic_ms(options->clock) -
                          call->api->started_monotonic_ms);
    encode_put_number(object, "memory_bytes", memory_bytes());
    encode_put_text(object, "config", options->config(options->arg)->path);
    encode_put_number(object, "active",
                      (int64_t)engine_active_count(options->engine));
    encode_put_number(object, "store_backlog",
                      (int64_t)store_backlog(options->store));
    cn_json_put(object, "webhooks", status_webhooks(options->ingress));
    cn_json_put(object, "gates", status_gates(options->engine));
    cn_json_put(object, "instances", status_instances(options->instances));
    api_call_query(call, &query, status_counts);
}

/* ---- Plugins and flows ----------------------------------------------------
 */

void api_plugins(struct api_call *call)
{
    cJSON *object = cJSON_CreateObject(), *list = cJSON_CreateArray();
    struct instance_info info;

    for (size_t index = 0;
         instances_info(call->api->options.instances, index, &info); index++)
        cn_json_append(list, encode_instance(&info));
    cn_json_put(object, "plugins", list);
    api_call_end(call, object);
}

static cJSON *flow_steps_list(const struct flow_steps *steps);

static cJSON *flow_cases(const struct flow_step *step)
{
    cJSON *list = cJSON_CreateArray();

    for (size_t index = 0; index < step->case_count; index++)
        cn_json_append(list, flow_steps_list(&step->cases[index].steps));
    return list;
}

/* As deep as the flow's file was, which its reader limits. */
static cJSON *flow_steps_list(const struct flow_steps *steps)
{
    cJSON *list = cJSON_CreateArray();

    for (size_t index = 0; index < steps->count; index++) {
        const struct flow_step *step = &steps->steps[index];
        cJSON *object = cJSON_CreateObject();
        encode_put_text(object, "name", step->name);
        encode_put_text(object, "kind", mask_step_kind(step->kind));
        encode_put_text(object, "instance", step->instance);
        encode_put_text(object, "action", step->action);
        encode_put_text(object, "type", step->type ? step->type->name : NULL);
        if (step->kind == STEP_MAP)
            cn_json_put(object, "steps", flow_steps_list(&step->steps));
        if (step->kind == STEP_SWITCH)
            cn_json_put(object, "cases", flow_cases(step));
        cn_json_append(list, object);
    }
    return list;
}

void api_flows(struct api_call *call)
{
    cJSON *object = cJSON_CreateObject(), *list = cJSON_CreateArray();
    const struct definition *flow;

    for (size_t index = 0;
         (flow = engine_flow_at(call->api->options.engine, index)); index++) {
        cJSON *item = cJSON_CreateObject(), *trigger = cJSON_CreateObject();
        encode_put_text(item, "flow", flow->name);
        encode_put_text(item, "title", flow->title);
        encode_put_text(item, "version", flow->version);
        encode_put_text(trigger, "instance", flow->instance);
        encode_put_text(trigger, "type", flow->type);
        encode_put_flag(trigger, "conditional", flow->when != NULL);
        cn_json_put(item, "trigger", trigger);
        cn_json_put(item, "steps", flow_steps_list(&flow->steps));
        cn_json_append(list, item);
    }
    cn_json_put(object, "flows", list);
    api_call_end(call, object);
}

/* ---- Check --------------------------------------------------------------- */

static void checked(void *arg, uint64_t op, const struct op_outcome *outcome)
{
    struct api_call *call = arg;
    cJSON *object = cJSON_CreateObject();
    bool has_message = outcome->message && *outcome->message;

    (void)op;
    encode_put_text(object, "instance", call->name);
    encode_put_flag(object, "ok", outcome->status == CN_OK);
    encode_put_text(object, "status", op_status_text(outcome->status));
    encode_put_text(object, "message", has_message ? outcome->message : NULL);
    api_call_end(call, object);
}

void api_check(struct api_call *call)
{
    struct op_request request = {
        .kind = OP_CHECK, .instance = call->name, .timeout_ms = CHECK_MS};
    struct error err = {""};
    uint64_t op;
    int status = instances_start(call->api->options.instances, &request,
                                 checked, call, &op, &err);

    if (status == -ENOENT)
        api_call_fail(call, 404, "not_found", "there is no instance %s",
                      call->name);
    else if (status == -ENOTSUP)
        api_call_fail(call, 409, "no_check", "the plugin of %s has no check",
                      call->name);
    else if (status == -EAGAIN)
        api_call_fail(call, 503, "busy", "%s does not take work now",
                      call->name);
    else if (status)
        api_call_fail(call, 500, "failed", "%s", err.text);
}
