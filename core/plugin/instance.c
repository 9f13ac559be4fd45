/* instance.c - generations of instances and the runners they live on.
 *
 * Its one idea: a generation only goes forwards,
 *
 *   STARTING -> RUNNING -> DRAINING -> STOPPING -> DESTROYING -> gone
 *
 * and whatever goes wrong with it ends in "gone" too: its open operations are
 * lost, which is an outcome like any other, and the entry gets a new
 * generation.  What must hold: each operation in the table of operations is
 * told its end exactly once, by op_end, after everything it could look at is
 * consistent.  Loop thread. */
#include "plugin/instance.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/log.h"
#include "base/memory.h"
#include "plugin/bridge.h"
#include "plugin/op_message.h"
#include "plugin/operation.h"

enum {
    BATCH_MAX = 256 /* messages of one runner in one turn of the loop */
};

/* ---- Entries ------------------------------------------------------------ */

void entry_changed(struct entry *entry, enum instance_state state,
                   const char *reason)
{
    const struct instances_options *options = &entry->instances->options;

    entry->state = state;
    snprintf(entry->reason, sizeof(entry->reason), "%s", reason);
    if (options->changed)
        options->changed(options->arg, entry->name);
}

void entry_forget(struct entry *entry)
{
    HASH_DEL(entry->instances->entries, entry);
    values_free(&entry->values);
    setup_release(entry->setup);
    free(entry->name);
    free(entry->path);
    free(entry);
}

void entry_log(const struct entry *entry, int level, uint64_t op,
               const char *text)
{
    struct log_about about = {.op = op, .instance = entry->name};

    log_write((enum log_level)level, &about, "plugin %s: %s",
              entry->module->table.id, text);
}

/* May the entry be replaced once more? */
static bool entry_may_replace(struct entry *entry)
{
    int64_t now_ms = clock_monotonic_ms(entry->instances->options.clock);
    int64_t *oldest = &entry->replaced_ms[entry->replaced_count % REPLACED_MAX];

    if (entry->replaced_count >= REPLACED_MAX && now_ms - *oldest < REPLACED_MS)
        return false;
    *oldest = now_ms;
    entry->replaced_count++;
    entry->replaced_total++;
    return true;
}

/* ---- Runners ------------------------------------------------------------ */

static int runner_get(struct instances *instances, bool blocking,
                      struct runner **ret_runner, struct error *err)
{
    struct runner *runner;
    int status;

    if (!blocking && instances->shared) {
        *ret_runner = instances->shared;
        return 0;
    }
    status = runner_create(instances->options.loop, blocking, instance_receive,
                           instances, &runner, err);
    if (status)
        return status;
    DL_APPEND(instances->runners, runner);
    if (!blocking)
        instances->shared = runner;
    *ret_runner = runner;
    return 0;
}

static void runner_idle(struct instances *instances, struct runner *runner)
{
    if (runner->instance_count || runner->told_to_end ||
        (!runner->blocking && !instances->stopping))
        return;
    runner->told_to_end = true;
    (void)mailbox_send_urgent(runner->inbox,
                              message_create(MESSAGE_END, 0, 0, NULL));
}

bool runners_end(struct instances *instances)
{
    struct runner *runner;

    DL_FOREACH(instances->runners, runner)
    {
        runner_idle(instances, runner);
    }
    return !instances->runners;
}

/* ---- Generations -------------------------------------------------------- */

static void setup_send(const struct generation *generation)
{
    const struct entry *entry = generation->entry;
    const struct setup *setup = generation->setup;
    struct host_setup flat = {.name = entry->name,
                              .module = setup->module->number,
                              .config = {setup->config, strlen(setup->config)},
                              .secret_count = setup->secret_count};
    struct op_value values[CN_STATE_COUNT_MAX];
    struct value *value, *next;
    struct message *message;
    struct buf payload;

    memcpy(flat.secrets, setup->secrets, sizeof(flat.secrets));
    flat.values = values;
    HASH_ITER(hh, entry->values, value, next)
    {
        if (flat.value_count < CN_STATE_COUNT_MAX)
            values[flat.value_count++] =
                (struct op_value){value->key, {value->value, value->len}};
    }
    buf_init(&payload, MESSAGE_BYTES_MAX);
    host_setup_put(&payload, &flat);
    message = message_create(MESSAGE_CREATE, generation->number, 0, &payload);
    if (message)
        message->secret = true;
    (void)mailbox_send_urgent(generation->runner->inbox, message);
    explicit_bzero(payload.data, payload.len);
    buf_done(&payload);
}

int generation_create(struct entry *entry, struct error *err)
{
    struct instances *instances = entry->instances;
    struct setup *setup = entry->setup;
    struct generation *generation;
    struct runner *runner = NULL;
    int status =
        runner_get(instances, (setup->module->table.flags & CN_BLOCKING) != 0,
                   &runner, err);

    if (status)
        return status;
    generation = memory_zero(1, sizeof(*generation));
    generation->number = ++instances->generation_last;
    generation->entry = entry;
    generation->setup = setup_share(setup);
    generation->runner = runner;
    generation->state = GENERATION_STARTING;
    generation->roles = setup->module->roles;
    runner->instance_count++;
    DL_APPEND(entry->generations, generation);
    HASH_ADD(hh, instances->generations, number, sizeof(generation->number),
             generation);
    entry->pending = generation;
    setup_send(generation);
    return 0;
}

void generation_unlink(struct generation *generation)
{
    struct entry *entry = generation->entry;
    struct instances *instances = entry->instances;

    bridge_forget(generation);
    HASH_DEL(instances->generations, generation);
    DL_DELETE(entry->generations, generation);
    if (entry->active == generation)
        entry->active = NULL;
    if (entry->pending == generation)
        entry->pending = NULL;
    if (generation->runner) {
        generation->runner->instance_count--;
        runner_idle(instances, generation->runner);
    }
    setup_release(generation->setup);
    free(generation);
}

void entry_sweep(struct entry *entry)
{
    if (entry->generations)
        return;
    if (entry->removed)
        entry_forget(entry);
    else if (entry->instances->stopping && entry->state != INSTANCE_FAILED)
        entry_changed(entry, INSTANCE_STOPPED, "");
}

void generation_drain(struct generation *generation)
{
    if (generation->entry->active == generation)
        generation->entry->active = NULL;
    if (generation->entry->pending == generation)
        generation->entry->pending = NULL;
    if (generation->state == GENERATION_RUNNING)
        generation->state = GENERATION_DRAINING;
    else if (generation->state == GENERATION_STARTING)
        generation->drain_later = true;
    generation_proceed(generation);
}

static void stop_start(struct generation *generation)
{
    struct op_request request = {.kind = OP_STOP};
    uint32_t timeout_ms = generation->entry->instances->options.operation_ms;

    request.timeout_ms = timeout_ms;
    if (generation->setup->module->table.stop)
        (void)operation_start(generation, OP_STOP, &request, timeout_ms, NULL,
                              NULL, NULL);
}

void generation_proceed(struct generation *generation)
{
    if (generation->state == GENERATION_DRAINING && !generation->open_count) {
        generation->state = GENERATION_STOPPING;
        stop_start(generation);
    }
    if (generation->state == GENERATION_STOPPING && !generation->open_count) {
        generation->state = GENERATION_DESTROYING;
        bridge_forget(generation);
        (void)mailbox_send_urgent(
            generation->runner->inbox,
            message_create(MESSAGE_DESTROY, generation->number, 0, NULL));
    }
}

static void created_well(struct generation *generation, bool receiver)
{
    struct entry *entry = generation->entry;
    struct generation *old = entry->active;
    uint32_t open_max = generation->setup->module->table.max_open;

    generation->state = GENERATION_RUNNING;
    if (receiver)
        generation->roles |= ROLE_RECEIVER;
    if (generation->drain_later) {
        generation_drain(generation);
        return;
    }
    entry->pending = NULL;
    entry->active = generation;
    entry->module = generation->setup->module;
    entry->open_max = open_max ? open_max : 1;
    if (generation->setup->open_max &&
        generation->setup->open_max < entry->open_max)
        entry->open_max = generation->setup->open_max;
    budget_set(&entry->budget, generation->setup->rate.per_second,
               generation->setup->rate.burst,
               uv_now(entry->instances->options.loop));
    if (old)
        generation_drain(old);
    entry_log(entry, LOG_INFO, 0, "runs");
    entry_changed(entry, INSTANCE_RUNNING, "");
}

/* Replacements are made from what runs, not from what failed. */
static void entry_go_back(struct entry *entry)
{
    setup_release(entry->setup);
    entry->setup = setup_share(entry->active->setup);
}

static void take_created(struct generation *generation,
                         const struct message *message)
{
    struct entry *entry = generation->entry;
    struct message_reader reader;
    char reason[REASON_MAX];
    const char *said;
    bool failed;

    message_read(&reader, message);
    failed = message_take_number(&reader) != 0;
    said = message_take_text(&reader);
    if (!failed) {
        created_well(generation, message_take_number(&reader) != 0);
        return;
    }
    snprintf(reason, sizeof(reason), "the instance could not be made: %s",
             said ? said : "");
    entry_log(entry, LOG_ERROR, 0, reason);
    if (entry->active)
        entry_go_back(entry);
    if (entry->pending == generation)
        entry_changed(entry, entry->active ? entry->state : INSTANCE_FAILED,
                      reason);
    generation_unlink(generation);
    entry_sweep(entry);
}

void entry_replace(struct entry *entry, bool blamed, const char *reason)
{
    struct error err = {""};
    char text[REASON_MAX];

    if (entry->pending || entry->removed || entry->instances->stopping)
        return;
    if (entry->active && blamed) { /* a new one hung; the old one goes on */
        entry_go_back(entry);
        entry_changed(entry, entry->state, reason);
        return;
    }
    if (blamed && !entry_may_replace(entry)) {
        snprintf(text, sizeof(text),
                 "given up: replaced %d times within %d minutes; last: %.300s",
                 REPLACED_MAX, REPLACED_MS / 60000, reason);
        entry_log(entry, LOG_ERROR, 0, text);
        entry_changed(entry, INSTANCE_FAILED, text);
        return;
    }
    if (generation_create(entry, &err)) {
        entry_log(entry, LOG_ERROR, 0, err.text);
        entry_changed(entry, INSTANCE_FAILED, err.text);
        return;
    }
    entry_changed(entry, INSTANCE_STUCK, reason);
}

/* ---- Messages ----------------------------------------------------------- */

static void take_destroyed(struct generation *generation)
{
    struct entry *entry = generation->entry;

    generation_unlink(generation);
    entry_sweep(entry);
}

static void take_message(struct instances *instances,
                         const struct message *message)
{
    struct generation *generation;

    HASH_FIND(hh, instances->generations, &message->instance,
              sizeof(message->instance), generation);
    if (!generation)
        return; /* given up meanwhile */
    switch (message->kind) {
    case MESSAGE_CREATED:
        take_created(generation, message);
        break;
    case MESSAGE_OUTCOME:
        operation_take(generation, message);
        break;
    case MESSAGE_HTTP_SEND:
        bridge_send(generation, message);
        break;
    case MESSAGE_DESTROYED:
        take_destroyed(generation);
        break;
    default:
        break;
    }
}

void instance_receive(void *arg)
{
    struct runner *runner = arg;
    struct instances *instances = runner->owner;
    struct message *message;
    bool ended = false;

    for (int left = BATCH_MAX; left > 0 && !ended; left--) {
        message = mailbox_take(runner->outbox);
        if (!message)
            return;
        ended = message->kind == MESSAGE_ENDED;
        if (!ended)
            take_message(instances, message);
        message_destroy(message);
    }
    if (!ended) {
        mailbox_wake(runner->outbox);
        return;
    }
    DL_DELETE(instances->runners, runner);
    if (instances->shared == runner)
        instances->shared = NULL;
    runner_join(runner);
}
