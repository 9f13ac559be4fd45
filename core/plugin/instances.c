/* instances.c - the door between the core and its plugins.
 *
 * Its one idea: everything that can be refused is refused here, before a
 * message is sent: names, roles, types, arguments, the number of open
 * operations.  Loop thread. */
#include "plugin/instances.h"

#include <connect/json.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/memory.h"
#include "plugin/bridge.h"
#include "plugin/instance.h"
#include "plugin/left.h"
#include "plugin/operation.h"
#include "plugin/watch.h"

enum {
    OPERATION_MS_DEFAULT = 60 * 1000,
    STUCK_MS_DEFAULT = 10 * 1000,
    RETRY_AFTER_MS_DEFAULT = 15 * 60 * 1000,
    RATE_ROOM_S = 5 /* seconds of requests that may be under way */
};

static struct entry *entry_find(const struct instances *instances,
                                const char *name)
{
    struct entry *entry = NULL;

    if (name)
        HASH_FIND_STR(instances->entries, name, entry);
    return entry && !entry->removed ? entry : NULL;
}

/* What flows are compiled against: what runs, or is being made to. */
static const struct module *module_of(const struct instances *instances,
                                      const char *name)
{
    struct entry *entry = entry_find(instances, name);

    return entry ? entry->setup->module : NULL;
}

static const struct manifest *manifest_of(const struct instances *instances,
                                          const char *name)
{
    const struct module *module = module_of(instances, name);

    return module ? module->manifest : NULL;
}

/* ---- Stopping ----------------------------------------------------------- */

void instances_cancel_all(struct instances *instances)
{
    uint64_t now_ms = uv_now(instances->options.loop);
    struct core_op *op, *next;

    instances->cancelled_all = true;
    HASH_ITER(hh, instances->ops, op, next)
    {
        if (op->generation)
            operation_cancel(op, now_ms);
    }
}

static void look_at_stop(struct instances *instances, uint64_t now_ms)
{
    uint64_t passed_ms = now_ms - instances->stop_began_ms;

    /* Three quarters for operations to end by themselves, the rest for those
     * that have to be asked, and for the goodbyes. */
    if (!instances->cancelled_all &&
        passed_ms >= instances->stop_limit_ms * 3 / 4)
        instances_cancel_all(instances);
    if (passed_ms >= instances->stop_limit_ms)
        watch_give_up_all(instances);
    if (!runners_end(instances))
        return;
    instances->stopped = true;
    if (instances->stopped_fn)
        instances->stopped_fn(instances->stopped_arg);
}

static void instances_look(uv_timer_t *timer)
{
    struct instances *instances = timer->data;

    watch_look(instances);
    if (instances->stopping && !instances->stopped)
        look_at_stop(instances, uv_now(instances->options.loop));
}

void instances_stop(struct instances *instances, uint64_t limit_ms,
                    void (*stopped)(void *arg), void *arg)
{
    struct entry *entry, *next_entry;
    struct generation *generation, *next;

    instances->stopping = true;
    instances->stopped = false; /* asked once more: answered once more */
    instances->stopped_fn = stopped;
    instances->stopped_arg = arg;
    uv_update_time(instances->options.loop);
    instances->stop_began_ms = uv_now(instances->options.loop);
    instances->stop_limit_ms = limit_ms;
    HASH_ITER(hh, instances->entries, entry, next_entry)
    {
        DL_FOREACH_SAFE(entry->generations, generation, next)
        {
            generation_drain(generation);
        }
    }
}

/* ---- Life --------------------------------------------------------------- */

int instances_create(const struct instances_options *options,
                     struct instances **ret_instances, struct error *err)
{
    struct instances *instances = memory_zero(1, sizeof(*instances));
    uint64_t interval_ms;
    int status;

    instances->options = *options;
    if (!instances->options.clock)
        instances->options.clock = clock_system();
    if (!instances->options.operation_ms)
        instances->options.operation_ms = OPERATION_MS_DEFAULT;
    if (!instances->options.stuck_ms)
        instances->options.stuck_ms = STUCK_MS_DEFAULT;
    if (!instances->options.retry_after_ms_max)
        instances->options.retry_after_ms_max = RETRY_AFTER_MS_DEFAULT;
    interval_ms = watch_interval_ms(&instances->options);
    instances->timer.data = instances;
    status = uv_timer_init(options->loop, &instances->timer);
    if (!status)
        status = uv_timer_start(&instances->timer, instances_look, interval_ms,
                                interval_ms);
    if (!status)
        status = bridge_open(instances);
    if (status) {
        error_set(err, "plugins: %s", uv_strerror(status));
        free(instances);
        return status;
    }
    /* The configuration it came from may be replaced. */
    instances->public_address = memory_text(options->public_address);
    instances->options.public_address = instances->public_address;
    *ret_instances = instances;
    return 0;
}

static void instances_closed(uv_handle_t *handle)
{
    struct instances *instances = handle->data;

    if (--instances->open_handle_count > 0)
        return;
    module_forget(instances->options.types, !instances->left_behind);
    free(instances->public_address);
    free(instances);
}

void instances_destroy(struct instances *instances)
{
    struct entry *entry, *next;

    if (!instances)
        return;
    instances->stopping = true;
    instances->options.changed = NULL;
    watch_give_up_all(instances);
    left_free(instances);
    HASH_ITER(hh, instances->entries, entry, next)
    {
        entry_forget(entry);
    }
    instances->open_handle_count = 2;
    uv_close((uv_handle_t *)&instances->timer, instances_closed);
    uv_close((uv_handle_t *)&instances->budget_timer, instances_closed);
}

static void entry_keep(struct entry *entry, const struct op_value *values,
                       size_t value_count)
{
    for (size_t index = 0; index < value_count && index < CN_STATE_COUNT_MAX;
         index++)
        value_keep(&entry->values, values[index].key, values[index].value);
}

static struct entry *entry_make(struct instances *instances,
                                const struct config_instance *config)
{
    struct entry *entry = memory_zero(1, sizeof(*entry));

    entry->instances = instances;
    entry->name = memory_text(config->name);
    entry->state = INSTANCE_STARTING;
    HASH_ADD_KEYPTR(hh, instances->entries, entry->name, strlen(entry->name),
                    entry);
    return entry;
}

static void entry_loads(struct entry *entry,
                        const struct config_instance *config)
{
    free(entry->path);
    entry->path = memory_text(config->plugin);
    entry->replaced_count = 0;
    if (!entry->active)
        entry->state = INSTANCE_STARTING;
}

/* Give the entry a new setup, for when its values are there. */
static void entry_hold(struct entry *entry,
                       const struct config_instance *config,
                       struct setup *setup)
{
    setup_release(entry->setup);
    entry->setup = setup;
    entry->module = setup->module;
    entry->waiting = true;
    entry_loads(entry, config);
}

/* Give the entry a new setup and begin a generation from it. */
static int entry_begin(struct entry *entry,
                       const struct config_instance *config,
                       struct setup *setup, struct error *err)
{
    struct setup *before = entry->setup;
    struct generation *superseded = entry->pending;
    int status;

    entry->setup = setup;
    if (!entry->active)
        entry->module = setup->module;
    if (superseded)
        generation_drain(superseded);
    status = generation_create(entry, err);
    if (status) {
        entry->setup = before;
        return status;
    }
    setup_release(before);
    entry_loads(entry, config);
    return 0;
}

/* The entry of that name, or NULL, and what it is to be made from. */
static int setup_load(struct instances *instances,
                      const struct config_instance *config,
                      struct entry **ret_entry, struct setup **ret_setup,
                      struct error *err)
{
    const struct instances_options *options = &instances->options;
    const struct module *module;
    struct entry *entry = NULL;
    int status;

    if (instances->stopping) {
        error_set(err, "the daemon is stopping");
        return -ECANCELED;
    }
    HASH_FIND_STR(instances->entries, config->name, entry);
    if (entry && entry->removed) {
        error_set(err, "the one of that name is still stopping");
        return -EBUSY;
    }
    status = module_load(config->plugin, config->sha256, options->generations,
                         options->types, &module, err);
    *ret_entry = entry;
    if (!status)
        status = setup_create(module, config, options->public_address,
                              ret_setup, err);
    return status;
}

int instances_add(struct instances *instances,
                  const struct config_instance *config,
                  const struct op_value *values, size_t value_count,
                  struct error *err)
{
    struct setup *setup = NULL;
    struct entry *entry = NULL;
    int status = setup_load(instances, config, &entry, &setup, err);
    bool fresh = !entry;

    if (status)
        return status;
    if (fresh) {
        entry = entry_make(instances, config);
        entry_keep(entry, values, value_count);
    }
    status = entry_begin(entry, config, setup, err);
    if (status) {
        setup_release(setup);
        if (fresh)
            entry_forget(entry);
    }
    return status;
}

int instances_prepare(struct instances *instances,
                      const struct config_instance *config, struct error *err)
{
    struct setup *setup = NULL;
    struct entry *entry = NULL;
    int status = setup_load(instances, config, &entry, &setup, err);

    if (status)
        return status;
    if (entry && !entry->waiting) {
        status = entry_begin(entry, config, setup, err);
        if (status)
            setup_release(setup);
        return status;
    }
    if (!entry)
        entry = entry_make(instances, config);
    entry_hold(entry, config, setup);
    return 0;
}

bool instances_waits(const struct instances *instances, const char *instance)
{
    const struct entry *entry = entry_find(instances, instance);

    return entry && entry->waiting;
}

void instances_begin(struct instances *instances, const char *instance,
                     const struct op_value *values, size_t value_count,
                     const char *wrong)
{
    struct entry *entry = entry_find(instances, instance);
    struct error err = {""};

    if (!entry || !entry->waiting || instances->stopping)
        return;
    if (!wrong) {
        entry->waiting = false;
        entry_keep(entry, values, value_count);
        if (generation_create(entry, &err))
            wrong = err.text;
    }
    if (wrong) {
        entry_log(entry, LOG_ERROR, 0, wrong);
        entry->state = INSTANCE_FAILED; /* nobody hoped for it yet */
        snprintf(entry->reason, sizeof(entry->reason), "%.500s", wrong);
    }
}

void instances_remove(struct instances *instances, const char *instance)
{
    struct entry *entry = entry_find(instances, instance);
    struct generation *generation, *next;

    if (!entry)
        return;
    entry->removed = true;
    DL_FOREACH_SAFE(entry->generations, generation, next)
    {
        generation_drain(generation);
    }
    entry_sweep(entry);
}

/* ---- Operations --------------------------------------------------------- */

static uint32_t role_of(enum op_kind kind)
{
    static const uint32_t roles[OP_KIND_COUNT] = {
        [OP_POLL] = ROLE_SOURCE,     [OP_DELIVER] = ROLE_SINK,
        [OP_PROBE] = ROLE_PROBE,     [OP_TRANSFORM] = ROLE_TRANSFORM,
        [OP_CALL] = ROLE_CALL,       [OP_CHECK] = ROLE_CHECK,
        [OP_RECEIVE] = ROLE_RECEIVER};

    return roles[kind];
}

/* The arguments of a call with defaults filled in, checked. */
static int call_body(const struct manifest_action *action, cn_str given,
                     char **ret_body, struct error *err)
{
    cn_str text = given.len ? given : (cn_str){"{}", 2};
    struct schema_fault fault = {"", "", ""};
    cn_json_error error;
    cJSON *value = NULL;

    if (cn_json_read(text, NULL, &value, &error) || !cJSON_IsObject(value)) {
        error_set(err, "call %s: its arguments are no JSON object",
                  action->name);
        cJSON_Delete(value);
        return -EINVAL;
    }
    if (action->request) {
        schema_fill(action->request, value);
        if (schema_check(action->request, value, &fault)) {
            error_set(err, "call %s: %s", action->name, fault.message);
            cJSON_Delete(value);
            return -EINVAL;
        }
    }
    *ret_body = cn_json_print(value);
    cJSON_Delete(value);
    return *ret_body ? 0 : -ENOMEM;
}

static int request_check(const struct manifest *manifest,
                         struct op_request *request, char **ret_body,
                         struct error *err)
{
    const struct manifest_type *type;
    const struct manifest_action *action;

    switch (request->kind) {
    case OP_POLL:
        if (manifest_stream(manifest, request->stream))
            return 0;
        error_set(err, "it has no stream of that name");
        return -EINVAL;
    case OP_DELIVER:
    case OP_PROBE:
    case OP_TRANSFORM:
        type = manifest_type(manifest, request->record.type);
        if (type && type->takes)
            return 0;
        error_set(err, "it does not take records of this type");
        return -ENOTSUP;
    case OP_CALL:
        action = manifest_action(manifest, request->action);
        if (!action) {
            error_set(err, "it has no action of that name");
            return -ENOTSUP;
        }
        if (call_body(action, request->body, ret_body, err))
            return -EINVAL;
        request->body = (cn_str){*ret_body, strlen(*ret_body)};
        return 0;
    default:
        return 0;
    }
}

int instances_start(struct instances *instances,
                    const struct op_request *request, op_ended_fn *fn,
                    void *arg, uint64_t *ret_op, struct error *err)
{
    struct entry *entry = entry_find(instances, request->instance);
    struct generation *generation = entry ? entry->active : NULL;
    struct op_request checked = *request;
    char *body = NULL;
    int status;

    if (!entry)
        return -ENOENT;
    if (!generation || instances->stopping ||
        (unsigned)request->kind >= OP_KIND_COUNT)
        return -EAGAIN;
    if (!(generation->roles & role_of(request->kind)))
        return entry->pending ? -EAGAIN : -ENOTSUP;
    if (generation->open[request->kind] >= entry->open_max)
        return -EAGAIN;
    status = request_check(generation->setup->module->manifest, &checked, &body,
                           err);
    if (status && entry->pending) /* it may be meant for the one to come */
        status = -EAGAIN;
    if (!checked.timeout_ms)
        checked.timeout_ms = instances->options.operation_ms;
    if (!status)
        status = operation_start(generation, checked.kind, &checked,
                                 checked.timeout_ms, fn, arg, ret_op);
    free(body);
    return status;
}

void instances_cancel(struct instances *instances, uint64_t id)
{
    struct core_op *op = operation_find(instances, id);

    if (op && op->generation)
        operation_cancel(op, uv_now(instances->options.loop));
}

void instances_commit(struct instances *instances, const char *instance,
                      cn_str cursor)
{
    struct entry *entry = entry_find(instances, instance);
    struct buf payload;

    if (!entry || !entry->active || !entry->active->setup->module->table.commit)
        return;
    buf_init(&payload, MESSAGE_BYTES_MAX);
    message_put_str(&payload, cursor);
    /* One that finds no room is made good by the next. */
    (void)mailbox_send(
        entry->active->runner->inbox,
        message_create(MESSAGE_COMMIT, entry->active->number, 0, &payload));
    buf_done(&payload);
}

/* ---- Questions ---------------------------------------------------------- */

int instances_action(const struct instances *instances, const char *instance,
                     const char *action, const struct schema **ret_request,
                     const struct schema **ret_response)
{
    const struct manifest *manifest = manifest_of(instances, instance);
    const struct manifest_action *found =
        manifest ? manifest_action(manifest, action) : NULL;

    if (!found)
        return -ENOENT;
    *ret_request = found->request;
    *ret_response = found->response;
    return 0;
}

static const struct manifest_type *type_of(const struct instances *instances,
                                           const char *instance,
                                           const char *type)
{
    const struct manifest *manifest = manifest_of(instances, instance);

    return manifest ? manifest_type(manifest, type) : NULL;
}

bool instances_takes(const struct instances *instances, const char *instance,
                     const char *type)
{
    const struct manifest_type *found = type_of(instances, instance, type);

    return found && found->takes;
}

bool instances_emits(const struct instances *instances, const char *instance,
                     const char *type)
{
    const struct manifest_type *found = type_of(instances, instance, type);

    return found && found->emits;
}

bool instances_probes(const struct instances *instances, const char *instance)
{
    const struct module *module = module_of(instances, instance);

    return module && (module->roles & ROLE_PROBE);
}

bool instances_repeat_safe(const struct instances *instances,
                           const char *instance, const char *type)
{
    const struct manifest_type *found = type_of(instances, instance, type);

    return found && found->repeat_safe;
}

const char *instances_stream(const struct instances *instances,
                             const char *instance, size_t index,
                             uint64_t *ret_interval_ms,
                             uint64_t *ret_overlap_ms)
{
    const struct manifest *manifest = manifest_of(instances, instance);

    if (!manifest || index >= manifest->stream_count)
        return NULL;
    *ret_interval_ms = manifest->streams[index].interval_ms;
    *ret_overlap_ms = manifest->streams[index].overlap_ms;
    return manifest->streams[index].name;
}

/* More operations than its rate can serve would only wait with their clocks
 * running. */
static uint32_t entry_room(const struct entry *entry)
{
    uint32_t most = entry->budget.per_second * RATE_ROOM_S;

    return most && most < entry->open_max ? most : entry->open_max;
}

static void info_fill(const struct entry *entry, struct instance_info *info)
{
    const struct generation *active = entry->active;
    struct budget budget = entry->budget; /* to look at */

    *info = (struct instance_info){
        .name = entry->name,
        .plugin_id = entry->module->table.id,
        .plugin_version = entry->module->table.version,
        .path = entry->path,
        .title = entry->module->manifest->title,
        .state = entry->state,
        .roles = active ? active->roles : entry->module->roles,
        .open_max = entry->open_max,
        .open_count = active ? active->open_count : 0,
        .room = entry_room(entry),
        .rate_per_second = budget.per_second,
        .rate_burst = budget.per_second ? budget.burst : 0,
        .rate_left =
            budget_tokens(&budget, uv_now(entry->instances->options.loop)),
        .rate_waiting = budget.waiting_count,
        .ended_count = entry->ended_count,
        .broken_count = entry->broken_count,
        .replaced_count = entry->replaced_total,
        .held_ms_max = entry->held_ms_max,
        .reason = entry->reason,
    };
}

bool instances_info(const struct instances *instances, size_t index,
                    struct instance_info *ret_info)
{
    const struct entry *entry = instances->entries;

    while (entry && (index > 0 || entry->removed)) {
        index -= !entry->removed;
        entry = entry->hh.next;
    }
    if (!entry)
        return false;
    info_fill(entry, ret_info);
    return true;
}

const struct instance_info *instances_find(const struct instances *instances,
                                           const char *name)
{
    const struct entry *entry = entry_find(instances, name);
    /* The struct is ours; only its place to answer in changes. */
    struct instance_info *info =
        (struct instance_info *)(uintptr_t)&instances->info;

    if (!entry)
        return NULL;
    info_fill(entry, info);
    return info;
}
