/* api_doctor.c - everything that can be looked at, looked at.
 *
 * One idea: a visit begins all its looks at once (files on a thread, questions
 * to the store, to the plugins, to the sources), each writes into a list of its
 * own, and the last one to end puts the lists together in a fixed order.  Only
 * asks: nothing it starts changes anything.  A daemon that stops ends it: then
 * nothing new is begun.  Called on the loop thread; look_files on one of
 * libuv's. */
#include "admin/api_doctor.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <connect/json.h>

#include "admin/doctor.h"
#include "admin/doctor_judge.h"
#include "admin/doctor_look.h"
#include "admin/encode.h"
#include "base/memory.h"

enum {
    ASK_MS = 20000, /* of a plugin; the whole must be below the server's 60 s */
    MISTAKES_MAX = 20 /* of the configuration, that are listed */
};

#define MIB (1024ULL * 1024)

/* In the order in which they are shown. */
enum part {
    PART_CONFIGURATION,
    PART_FILES,
    PART_CLOCK,
    PART_CREDENTIALS,
    PART_WEBHOOKS,
    PART_QUEUES,
    PART_COUNT
};

struct visit {
    struct api_call *call;
    struct doctor *parts[PART_COUNT];
    unsigned open; /* looks under way */
    /* files: the thread's while it works */
    uv_work_t work;
    struct doctor_places *places;
    bool changed;
    bool restart_due;
    int64_t wall_ms;
    /* the store's chain */
    int64_t newest_ms;
    struct doctor_people people;
    char alert[ERROR_TEXT_MAX], doubt[ERROR_TEXT_MAX];
    uint64_t used_bytes; /* of the database */
    bool hurried;        /* it forgets runs within a day */
};

struct asked { /* one question to a plugin */
    struct visit *visit;
    enum part part;
    const char *check;
    char *subject; /* owned */
};

static void visit_end(struct visit *visit)
{
    struct api_call *call = visit->call;
    struct doctor *all = visit->parts[0];
    cJSON *object;

    doctor_sort(visit->parts[PART_CREDENTIALS]);
    doctor_sort(visit->parts[PART_WEBHOOKS]);
    for (size_t part = 1; part < PART_COUNT; part++) {
        doctor_join(all, visit->parts[part]);
        doctor_destroy(visit->parts[part]);
    }
    object = doctor_encode(all);
    encode_put_time(object, "now_ms", visit->wall_ms);
    doctor_destroy(all);
    doctor_places_destroy(visit->places);
    free(visit);
    api_call_end(call, object);
}

static void visit_leave(struct visit *visit)
{
    if (--visit->open == 0)
        visit_end(visit);
}

static bool visit_stops(const struct visit *visit)
{
    return visit->call->api->stopping;
}

/* ---- Configuration and files --------------------------------------------- */

/* One a line. */
static void list_mistakes(struct doctor *doctor, const char *text)
{
    int count = 0;

    for (; *text; text += *text == '\n') {
        int len = (int)strcspn(text, "\n");
        if (len && ++count <= MISTAKES_MAX)
            doctor_add(doctor, "configuration", DOCTOR_FAILED, NULL,
                       "Mend it, then: connectctl check FILE, connectctl "
                       "reload. Until then what was read before goes on.",
                       "%.*s", len, text);
        text += len;
    }
    if (count > MISTAKES_MAX)
        doctor_add(doctor, "configuration", DOCTOR_FAILED, NULL,
                   "All of them: connectctl check FILE", "and %d more",
                   count - MISTAKES_MAX);
}

static void examined(void *arg, int mistakes, const char *text)
{
    struct visit *visit = arg;
    struct doctor *doctor = visit->parts[PART_CONFIGURATION];

    if (!mistakes)
        doctor_add(doctor, "configuration", DOCTOR_WARNING, NULL,
                   "Let it take effect: connectctl reload",
                   "the configuration or a flow was changed since it was read; "
                   "what is on disk is in order");
    if (mistakes)
        list_mistakes(doctor, text);
    if (mistakes && !doctor->count)
        doctor_add(doctor, "configuration", DOCTOR_FAILED, NULL,
                   "Try: connectctl check FILE",
                   "what is on disk is another configuration and could not be "
                   "looked at");
    visit_leave(visit);
}

static void examine(struct visit *visit)
{
    const struct api_options *options = &visit->call->api->options;

    visit->open++;
    if (visit_stops(visit) || options->examine(options->arg, examined, visit))
        examined(visit, 1, "");
}

/* [a thread of libuv] */
static void look_files(uv_work_t *work)
{
    struct visit *visit = work->data;

    visit->changed = doctor_look_changed(visit->places);
    doctor_look(visit->places, true, visit->wall_ms, visit->parts[PART_FILES]);
}

static void looked_files(uv_work_t *work, int status)
{
    struct visit *visit = work->data;

    (void)status; /* it is never cancelled */
    if (visit->changed)
        examine(visit);
    else if (visit->restart_due)
        doctor_add(
            visit->parts[PART_CONFIGURATION], "configuration", DOCTOR_WARNING,
            NULL, "Restart connectd when it suits.",
            "it was reloaded; some of what was changed takes effect with "
            "the next start");
    else
        doctor_add(visit->parts[PART_CONFIGURATION], "configuration", DOCTOR_OK,
                   NULL, NULL, "what runs is what the files say");
    visit_leave(visit);
}

/* ---- The store ----------------------------------------------------------- */

static void store_unreadable(struct visit *visit, int status)
{
    doctor_add(visit->parts[PART_QUEUES], "store", DOCTOR_FAILED, NULL,
               "Look at the disk and at the log.", "it cannot be read: %s",
               strerror(-status));
    visit_leave(visit);
}

static void visit_query(struct visit *visit, const struct store_query *query,
                        store_read_fn *fn)
{
    int status =
        visit_stops(visit)
            ? -ESHUTDOWN
            : store_query(visit->call->api->options.store, query, fn, visit);

    if (status)
        store_unreadable(visit, status);
}

static void judge_clock(struct visit *visit)
{
    const struct api *api = visit->call->api;
    struct doctor_clock clock = {
        .wall_ms = visit->wall_ms,
        .expected_ms = api->started_wall_ms +
                       clock_monotonic_ms(api->options.clock) -
                       api->started_monotonic_ms,
        .newest_ms = visit->newest_ms,
        .synchronized = doctor_look_synchronized(),
    };

    doctor_judge_clock(visit->parts[PART_CLOCK], &clock);
}

static void quarantine_read(void *arg, int status,
                            const struct store_rows *rows)
{
    struct visit *visit = arg;

    if (status) {
        store_unreadable(visit, status);
        return;
    }
    visit->people.quarantined = rows->quarantine_count;
    visit->people.alert = visit->alert;
    visit->people.doubt = visit->doubt;
    doctor_judge_people(visit->parts[PART_QUEUES], &visit->people);
    visit_leave(visit);
}

static void alerts_read(void *arg, int status, const struct store_rows *rows)
{
    static const char doubt[] = "doubt:";
    const struct api_options *options =
        &((struct visit *)arg)->call->api->options;
    const struct config *config = options->config(options->arg);
    struct store_query query = {
        .kind = STORE_QUERY_QUARANTINE, .limit = 1000, .brief = true};
    struct visit *visit = arg;

    if (status) {
        store_unreadable(visit, status);
        return;
    }
    for (size_t index = 0; index < rows->alert_count; index++) {
        const struct store_alert_row *row = &rows->alerts[index];
        if (!strncmp(row->cause, doubt, sizeof(doubt) - 1) &&
            !visit->people.in_doubt++)
            snprintf(visit->doubt, sizeof(visit->doubt), "%s", row->text);
        if (!strcmp(row->cause, "database:small"))
            visit->hurried = true;
        if (!row->acknowledged && !visit->people.alerts++)
            snprintf(visit->alert, sizeof(visit->alert), "%s", row->text);
    }
    visit->people.alerts = rows->alert_open;
    doctor_judge_database(visit->parts[PART_QUEUES], visit->used_bytes,
                          config->limits.database_mib * MIB, visit->hurried);
    visit_query(visit, &query, quarantine_read);
}

static void oldest_read(void *arg, int status, const struct store_rows *rows)
{
    struct store_query query = {.kind = STORE_QUERY_ALERTS, .limit = 1000};
    struct visit *visit = arg;
    struct doctor_waiting waiting = {.run = 0};

    if (status) {
        store_unreadable(visit, status);
        return;
    }
    if (rows->run_count) {
        const struct store_run_row *row = &rows->runs[rows->run_count - 1];
        waiting.run = row->run;
        waiting.age_ms = visit->wall_ms - row->accepted_wall_ms;
        waiting.why = row->reason;
        waiting.state = encode_run_state(row->state);
    }
    doctor_judge_waiting(visit->parts[PART_QUEUES], &waiting);
    visit_query(visit, &query, alerts_read);
}

/* What goes on by itself.  One that stands behind a parked run does not. */
static bool goes_on(enum run_state state)
{
    return state == RUN_READY || state == RUN_ACTIVE;
}

static void counts_read(void *arg, int status, const struct store_rows *rows)
{
    struct store_query query = {.kind = STORE_QUERY_RUNS,
                                .states = 1U << RUN_READY | 1U << RUN_ACTIVE,
                                .limit = 1};
    struct visit *visit = arg;
    uint64_t oldest = 0;

    if (status) {
        store_unreadable(visit, status);
        return;
    }
    for (size_t index = 0; index < rows->count_count; index++) {
        const struct store_count_row *row = &rows->counts[index];
        if (row->state == RUN_PARKED)
            visit->people.parked = row->count;
        if (row->state == RUN_HELD)
            visit->people.held = row->count;
        if (goes_on(row->state) && row->oldest &&
            (!oldest || row->oldest < oldest))
            oldest = row->oldest;
    }
    visit->used_bytes = rows->used_bytes;
    query.run = oldest + 1; /* numbers below this, newest first */
    visit_query(visit, &query, oldest_read);
}

static void newest_read(void *arg, int status, const struct store_rows *rows)
{
    struct store_query query = {.kind = STORE_QUERY_COUNTS};
    struct visit *visit = arg;

    if (status) {
        store_unreadable(visit, status);
        return;
    }
    if (rows->run_count)
        visit->newest_ms = rows->runs[0].accepted_wall_ms;
    judge_clock(visit);
    visit_query(visit, &query, counts_read);
}

/* ---- Plugins ------------------------------------------------------------- */

static struct asked *asked_create(struct visit *visit, enum part part,
                                  const char *check, const char *subject)
{
    struct asked *asked = memory_zero(1, sizeof(*asked));

    asked->visit = visit;
    asked->part = part;
    asked->check = check;
    asked->subject = memory_text(subject);
    visit->open++;
    return asked;
}

PRINTF_LIKE(4, 5)
static void asked_end(struct asked *asked, enum doctor_mark mark,
                      const char *action, const char *format, ...)
{
    struct visit *visit = asked->visit;
    char text[ERROR_TEXT_MAX];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    doctor_add(visit->parts[asked->part], asked->check, mark, asked->subject,
               action, "%s", text);
    free(asked->subject);
    free(asked);
    visit_leave(visit);
}

static const char *outcome_words(const struct op_outcome *outcome)
{
    return outcome->message && *outcome->message
               ? outcome->message
               : op_status_text(outcome->status);
}

static void credential_checked(void *arg, uint64_t op,
                               const struct op_outcome *outcome)
{
    (void)op;
    if (outcome->status == CN_OK)
        asked_end(arg, DOCTOR_OK, NULL, "it answers and takes the credentials");
    else if (outcome->status == CN_AUTH)
        asked_end(arg, DOCTOR_FAILED,
                  "Renew the credential in its file, then: connectctl reload",
                  "the credentials are refused: %s", outcome_words(outcome));
    else
        asked_end(arg, DOCTOR_FAILED,
                  "See whether the other system is up and reachable from here; "
                  "what waits goes on by itself then.",
                  "%s", outcome_words(outcome));
}

static void ask_instance(struct visit *visit, const struct instance_info *info)
{
    struct asked *asked =
        asked_create(visit, PART_CREDENTIALS, "credentials", info->name);
    struct op_request request = {
        .kind = OP_CHECK, .instance = info->name, .timeout_ms = ASK_MS};
    struct error err = {""};
    uint64_t op;
    int status;

    if (info->state != INSTANCE_RUNNING) {
        asked_end(asked, DOCTOR_FAILED,
                  "Remove the reason, then: connectctl reload",
                  "the instance is %s: %s", encode_instance_state(info->state),
                  info->reason ? info->reason : "");
        return;
    }
    if (!(info->roles & ROLE_CHECK)) {
        asked_end(asked, DOCTOR_OK, NULL, "the plugin has no check");
        return;
    }
    status = instances_start(visit->call->api->options.instances, &request,
                             credential_checked, asked, &op, &err);
    if (status)
        asked_end(asked, DOCTOR_WARNING, "Try again.",
                  "it could not be asked: %s",
                  err.text[0] ? err.text : strerror(-status));
}

static void webhook_probed(void *arg, uint64_t op,
                           const struct op_outcome *outcome)
{
    (void)op;
    if (outcome->status == CN_OK)
        asked_end(arg, DOCTOR_OK, NULL, "it is registered at the source");
    else if (outcome->status == CN_ABSENT)
        asked_end(arg, DOCTOR_FAILED,
                  "Register it again: connectctl reload, then look again.",
                  "it is not registered at the source as it should be: no "
                  "event comes, or twice");
    else
        asked_end(arg, DOCTOR_WARNING, "Try again when the source answers.",
                  "it could not be found out: %s", outcome_words(outcome));
}

static void ask_webhook(struct visit *visit,
                        const struct daemon_webhook *webhook)
{
    struct asked *asked =
        asked_create(visit, PART_WEBHOOKS, "webhooks", webhook->external_id);
    struct op_request request = {
        .kind = OP_PROBE, .instance = webhook->instance, .timeout_ms = ASK_MS};
    cn_record *record = &request.record;
    struct error err = {""};
    uint64_t op;
    int status;

    record->size = sizeof(*record);
    record->change = CN_UPSERT;
    record->type = "webhook/1";
    record->id = (cn_str){webhook->id, strlen(webhook->id)};
    record->key = (cn_str){webhook->external_id, strlen(webhook->external_id)};
    record->body = (cn_str){webhook->body, strlen(webhook->body)};
    record->time_ms = visit->wall_ms;
    record->origin = "connect";
    record->attempt = 1;
    status = instances_start(visit->call->api->options.instances, &request,
                             webhook_probed, asked, &op, &err);
    if (status)
        asked_end(asked, DOCTOR_WARNING, "Try again.",
                  "it could not be asked: %s",
                  err.text[0] ? err.text : strerror(-status));
}

static void ask_webhooks(struct visit *visit)
{
    const struct api_options *options = &visit->call->api->options;
    struct daemon_webhook webhook;
    size_t index = 0;

    for (; options->webhook(options->arg, index, &webhook); index++) {
        ask_webhook(visit, &webhook);
        free(webhook.body);
    }
    if (!index)
        doctor_add(visit->parts[PART_WEBHOOKS], "webhooks", DOCTOR_OK, NULL,
                   NULL, "none are configured to be registered");
}

/* ---- The visit ----------------------------------------------------------- */

void api_doctor(struct api_call *call)
{
    const struct api_options *options = &call->api->options;
    const struct config *config = options->config(options->arg);
    struct store_query newest = {.kind = STORE_QUERY_RUNS, .limit = 1};
    struct visit *visit = memory_zero(1, sizeof(*visit));
    struct instance_info info;

    visit->call = call;
    visit->open = 3; /* files, the store, and this function */
    visit->wall_ms = clock_wall_ms(options->clock);
    visit->places = doctor_places_create(config);
    visit->restart_due = config->restart_due;
    for (size_t part = 0; part < PART_COUNT; part++)
        visit->parts[part] = doctor_create();
    for (size_t index = 0; instances_info(options->instances, index, &info);
         index++)
        ask_instance(visit, &info);
    ask_webhooks(visit);
    visit_query(visit, &newest, newest_read);
    visit->work.data = visit;
    if (uv_queue_work(options->loop, &visit->work, look_files, looked_files))
        visit_leave(visit);
    visit_leave(visit);
}
