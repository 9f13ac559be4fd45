/* print.c - the daemon's answers as text for people.
 *
 * One idea: a line a thing, what needs a person stands out, times are relative
 * to the daemon's now.  All text goes through table.h or text.h, which make it
 * harmless.  Pure but for the printing. */
#include "ctl/print.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <connect/json.h>

#include "ctl/moment.h"
#include "ctl/table.h"

enum {
    LABEL_BYTES_MAX = 4096,
    SHAPE_LINES = 3,
    ALERTS_SHOWN = 50 /* more does not tell a person more */
};

const char *print_member(const cJSON *object, const char *name)
{
    const char *text = cn_json_text(cn_json_member(object, name));

    return text ? text : "";
}

int64_t print_number(const cJSON *object, const char *name)
{
    int64_t number = 0;

    if (cn_json_int64(cn_json_member(object, name), &number))
        return 0;
    return number;
}

enum text_style print_state_style(const char *state)
{
    static const struct {
        const char *state;
        enum text_style style;
    } styles[] = {
        {"parked", TEXT_RED},    {"failed", TEXT_RED},
        {"stuck", TEXT_RED},     {"in_doubt", TEXT_YELLOW},
        {"held", TEXT_YELLOW},   {"starting", TEXT_YELLOW},
        {"done", TEXT_GREEN},    {"running", TEXT_GREEN},
        {"active", TEXT_BLUE},   {"sending", TEXT_BLUE},
        {"discarded", TEXT_DIM}, {"skipped", TEXT_DIM},
        {"stopped", TEXT_DIM},
    };

    for (size_t index = 0; index < sizeof(styles) / sizeof(*styles); index++)
        if (!strcmp(styles[index].state, state))
            return styles[index].style;
    return TEXT_PLAIN;
}

void print_label(const cJSON *value, struct buf *buf)
{
    const char *only = NULL;
    char *text;

    if (cn_json_text(value)) {
        buf_append_text(buf, cn_json_text(value));
        return;
    }
    if (!value || cJSON_IsNull(value))
        return;
    /* Of {"sales_order": "000123", ...} what people say is the first text. */
    if (cJSON_IsObject(value) && value->child)
        only = cn_json_text(value->child);
    if (only) {
        buf_printf(buf, "%s %s", value->child->string, only);
        return;
    }
    text = cn_json_print(value);
    if (text)
        buf_append_text(buf, text);
    free(text);
}

static void add_time(struct table *table, int64_t now_ms, int64_t wall_ms)
{
    char text[MOMENT_MAX] = "";

    if (wall_ms)
        moment_relative(now_ms, wall_ms, text);
    table_add(table, TEXT_PLAIN, text);
}

static void print_empty(const struct text_out *out, const char *text)
{
    text_print(out, TEXT_DIM, text);
    fputc('\n', out->file);
}

/* ---- Status -------------------------------------------------------------- */

static void status_line(const struct text_out *out, const char *name)
{
    text_print_cell(out, TEXT_BOLD, name, 12, true);
}

static void status_head(const struct text_out *out, const cJSON *answer)
{
    char uptime[MOMENT_MAX], since[MOMENT_MAX];

    moment_span(print_number(answer, "uptime_ms"), uptime);
    moment_absolute(print_number(answer, "started_ms"), since);
    status_line(out, "connectd");
    text_print_cell(out, TEXT_PLAIN, print_member(answer, "version"), 0, false);
    fprintf(out->file, ", up %s (since %s), process %" PRId64 ", %.1f MiB\n",
            uptime, since, print_number(answer, "process"),
            (double)print_number(answer, "memory_bytes") / 1024 / 1024);
    status_line(out, "config");
    text_print_cell(out, TEXT_PLAIN, print_member(answer, "config"), 0, false);
    fputc('\n', out->file);
}

static void status_runs(const struct text_out *out, const cJSON *answer)
{
    const cJSON *runs = cn_json_member(answer, "runs");
    const cJSON *oldest = cn_json_member(answer, "oldest_ms");
    int64_t now_ms = print_number(answer, "now_ms");
    bool any = false;

    status_line(out, "runs");
    CN_JSON_EACH(state, cJSON_IsObject(runs) ? runs : NULL)
    {
        int64_t count = print_number(runs, state->string);
        int64_t since_ms = print_number(oldest, state->string);
        bool open = strcmp(state->string, "done") != 0 &&
                    strcmp(state->string, "discarded") != 0;
        char age[MOMENT_MAX];
        if (!count)
            continue;
        fprintf(out->file, "%s%" PRId64 " ", any ? ", " : "", count);
        text_print_cell(out, print_state_style(state->string), state->string, 0,
                        false);
        if (open && since_ms) {
            moment_relative(now_ms, since_ms, age);
            fprintf(out->file, " (oldest %s)", age);
        }
        any = true;
    }
    fprintf(out->file, "%s\n", any ? "" : "none yet");
    status_line(out, "events");
    fprintf(
        out->file,
        "%" PRId64 " accepted, %" PRId64 " known already; in memory %" PRId64
        " runs, %" PRId64 " commits wait\n",
        print_number(answer, "events"), print_number(answer, "duplicates"),
        print_number(answer, "active"), print_number(answer, "store_backlog"));
}

static void status_webhooks(const struct text_out *out, const cJSON *answer)
{
    const cJSON *webhooks = cn_json_member(answer, "webhooks");

    if (!cJSON_IsObject(webhooks))
        return;
    status_line(out, "webhooks");
    fprintf(out->file,
            "%" PRId64 " records, %" PRId64 " known already, %" PRId64
            " quarantined, %" PRId64 " refused, %" PRId64 " not taken, %" PRId64
            " wait\n",
            print_number(webhooks, "accepted"),
            print_number(webhooks, "duplicates"),
            print_number(webhooks, "quarantined"),
            print_number(webhooks, "refused"),
            print_number(webhooks, "unavailable"),
            print_number(webhooks, "waiting"));
}

static const cJSON *find_by(const cJSON *list, const char *member,
                            const char *name)
{
    CN_JSON_EACH(item, list)
    {
        if (!strcmp(print_member(item, member), name))
            return item;
    }
    return NULL;
}

static void status_instance(struct table *table, const cJSON *answer,
                            const cJSON *instance)
{
    const char *name = print_member(instance, "name");
    const char *state = print_member(instance, "state");
    const cJSON *gate =
        find_by(cn_json_member(answer, "gates"), "instance", name);
    const cJSON *queue =
        find_by(cn_json_member(answer, "queues"), "queue", name);
    int64_t rests_ms = print_number(gate, "rests_ms");
    char span[MOMENT_MAX] = "", rests[MOMENT_MAX + 16] = "";
    char open[64] = "", rate_text[96] = "";
    const cJSON *rate = cn_json_member(instance, "rate");

    if (cJSON_IsObject(rate))
        snprintf(
            rate_text, sizeof(rate_text), "%" PRId64 "/s, %" PRId64 " wait",
            print_number(rate, "per_second"), print_number(rate, "waiting"));
    if (rests_ms > 0) {
        moment_span(rests_ms, span);
        snprintf(rests, sizeof(rests), "rests %s", span);
    } else if (!strcmp(print_member(gate, "state"), "half_open")) {
        snprintf(rests, sizeof(rests), "tries again");
    }
    if (gate)
        snprintf(open, sizeof(open), "%" PRId64 " of %" PRId64,
                 print_number(gate, "open"), print_number(gate, "room"));
    table_add(table, TEXT_PLAIN, name);
    table_add(table, print_state_style(state), state);
    table_add(table, TEXT_PLAIN, open);
    table_add_number(table, print_number(gate, "waiting") +
                                print_number(queue, "due"));
    table_add(table, TEXT_PLAIN, rate_text);
    table_add(table, TEXT_YELLOW, rests);
    table_add(table, TEXT_PLAIN,
              rests_ms > 0 ? print_member(gate, "reason")
                           : print_member(instance, "reason"));
}

void print_status(const struct text_out *out, const cJSON *answer)
{
    static const char *const heads[] = {"INSTANCE", "STATE", "OPEN",
                                        ">WAITING", "RATE",  "REST",
                                        "REASON",   NULL};
    int64_t alerts = print_number(answer, "alerts");
    struct table *table = table_create(heads);

    status_head(out, answer);
    status_runs(out, answer);
    status_webhooks(out, answer);
    status_line(out, "alerts");
    if (alerts) {
        char text[64];
        snprintf(text, sizeof(text), "%" PRId64 "; see: connectctl alerts",
                 alerts);
        text_print(out, TEXT_RED, text);
    } else {
        fputs("none", out->file);
    }
    fputs("\n\n", out->file);
    CN_JSON_EACH(instance, cn_json_member(answer, "instances"))
    status_instance(table, answer, instance);
    if (table_row_count(table))
        table_print(table, out);
    else
        print_empty(out, "No instances are configured.");
    table_destroy(table);
}

/* ---- Plugins and flows ----------------------------------------------------
 */

static void add_words(struct table *table, const cJSON *list)
{
    char text[128] = "";

    CN_JSON_EACH(item, list)
    {
        size_t len = strlen(text);
        const char *word = cn_json_text(item);
        snprintf(text + len, sizeof(text) - len, "%s%s", len ? " " : "",
                 word ? word : "");
    }
    table_add(table, TEXT_PLAIN, text);
}

void print_plugins(const struct text_out *out, const cJSON *answer)
{
    static const char *const heads[] = {
        "INSTANCE", "STATE",   "PLUGIN",    "VERSION", "OPEN",
        ">ENDED",   ">BROKEN", ">REPLACED", "ROLES",   NULL};
    struct table *table = table_create(heads);

    CN_JSON_EACH(item, cn_json_member(answer, "plugins"))
    {
        const char *state = print_member(item, "state");
        char open[64];
        snprintf(open, sizeof(open), "%" PRId64 " of %" PRId64,
                 print_number(item, "open"), print_number(item, "open_max"));
        table_add(table, TEXT_BOLD, print_member(item, "name"));
        table_add(table, print_state_style(state), state);
        table_add(table, TEXT_PLAIN, print_member(item, "plugin"));
        table_add(table, TEXT_PLAIN, print_member(item, "version"));
        table_add(table, TEXT_PLAIN, open);
        table_add_number(table, print_number(item, "ended"));
        table_add_number(table, print_number(item, "broken"));
        table_add_number(table, print_number(item, "replaced"));
        add_words(table, cn_json_member(item, "roles"));
    }
    if (table_row_count(table))
        table_print(table, out);
    else
        print_empty(out, "No instances are configured.");
    table_destroy(table);
    CN_JSON_EACH(item, cn_json_member(answer, "plugins"))
    {
        if (!*print_member(item, "reason"))
            continue;
        text_print_cell(out, TEXT_BOLD, print_member(item, "name"), 0, false);
        fputs(": ", out->file);
        text_print_wrapped(out, TEXT_RED, print_member(item, "reason"), 4, 0);
    }
}

static void print_steps(const struct text_out *out, const cJSON *steps,
                        int indent)
{
    CN_JSON_EACH(step, steps)
    {
        const char *instance = print_member(step, "instance");
        const char *what = print_member(step, "action");
        if (!*what)
            what = print_member(step, "type");
        fprintf(out->file, "%*s", indent, "");
        text_print_cell(out, TEXT_PLAIN, print_member(step, "name"), 16, true);
        fputc(' ', out->file);
        text_print_cell(out, TEXT_DIM, print_member(step, "kind"), 10, true);
        text_print_cell(out, TEXT_PLAIN, what, 0, false);
        if (*instance) {
            const char *kind = print_member(step, "kind");
            bool is_to = !strcmp(kind, "deliver");
            fprintf(out->file, "%s%s ", *what ? " " : "", is_to ? "to" : "on");
            text_print_cell(out, TEXT_PLAIN, instance, 0, false);
        }
        fputc('\n', out->file);
        print_steps(out, cn_json_member(step, "steps"), indent + 2);
        CN_JSON_EACH(one, cn_json_member(step, "cases"))
        print_steps(out, one, indent + 2);
    }
}

void print_flows(const struct text_out *out, const cJSON *answer)
{
    bool any = false;

    CN_JSON_EACH(flow, cn_json_member(answer, "flows"))
    {
        const cJSON *trigger = cn_json_member(flow, "trigger");
        if (any)
            fputc('\n', out->file);
        any = true;
        text_print_cell(out, TEXT_BOLD, print_member(flow, "flow"), 0, false);
        fputs("  ", out->file);
        text_print_cell(out, TEXT_DIM, print_member(flow, "version"), 12, true);
        fputs("\n  ", out->file);
        text_print_cell(out, TEXT_PLAIN, print_member(flow, "title"), 0, false);
        fputs("\n  on ", out->file);
        text_print_cell(out, TEXT_PLAIN, print_member(trigger, "type"), 0,
                        false);
        fputs(" from ", out->file);
        text_print_cell(out, TEXT_PLAIN, print_member(trigger, "instance"), 0,
                        false);
        fputc('\n', out->file);
        print_steps(out, cn_json_member(flow, "steps"), 4);
    }
    if (!any)
        print_empty(out, "No flows are configured.");
}

/* ---- Runs ---------------------------------------------------------------- */

static void add_why(struct table *table, const cJSON *run)
{
    const char *reason = print_member(run, "reason");
    char text[64] = "";
    struct buf label;

    if (*reason && strcmp(print_member(run, "state"), "done") != 0) {
        table_add(table, TEXT_PLAIN, reason);
        return;
    }
    if (print_number(run, "behind"))
        snprintf(text, sizeof(text), "behind run %" PRId64,
                 print_number(run, "behind"));
    buf_init(&label, LABEL_BYTES_MAX);
    buf_append_text(&label, text);
    if (!*text)
        print_label(cn_json_member(run, "label"), &label);
    table_add(table, TEXT_PLAIN, label.len ? label.data : "");
    buf_done(&label);
}

static void add_run(struct table *table, const cJSON *run, int64_t now_ms)
{
    const char *state = print_member(run, "state");
    int64_t due_in_ms = print_number(run, "due_in_ms");
    char due[MOMENT_MAX] = "", text[MOMENT_MAX + 8] = "";

    if (due_in_ms > 0) {
        moment_span(due_in_ms, due);
        snprintf(text, sizeof(text), "in %s", due);
    }
    table_add_number(table, print_number(run, "run"));
    table_add(table, print_state_style(state), state);
    add_time(table, now_ms, print_number(run, "accepted_ms"));
    table_add(table, TEXT_PLAIN, text);
    table_add(table, TEXT_PLAIN, print_member(run, "flow"));
    add_why(table, run);
}

static void print_next(const struct text_out *out, const cJSON *answer)
{
    int64_t next = print_number(answer, "next");
    char text[96];

    if (!next)
        return;
    snprintf(text, sizeof(text), "older ones: --before %" PRId64, next);
    print_empty(out, text);
}

void print_runs(const struct text_out *out, const cJSON *answer)
{
    static const char *const heads[] = {
        ">RUN", "STATE", "ACCEPTED", "WAKES", "FLOW", "WHY OR RESULT", NULL};
    int64_t now_ms = print_number(answer, "now_ms");
    struct table *table = table_create(heads);

    CN_JSON_EACH(run, cn_json_member(answer, "runs"))
    add_run(table, run, now_ms);
    if (table_row_count(table))
        table_print(table, out);
    else
        print_empty(out, "No runs.");
    print_next(out, answer);
    table_destroy(table);
}

/* Which deal, in the words of its system. */
static void print_about(const struct text_out *out, const cJSON *run)
{
    const char *key = print_member(run, "trigger_key");

    if (!*key)
        key = print_member(run, "trigger_id");
    if (!*key)
        return;
    fputs("\n  about ", out->file);
    text_print_cell(out, TEXT_PLAIN, key, out->width > 20 ? out->width - 8 : 0,
                    false);
}

void print_parked(const struct text_out *out, const cJSON *answer)
{
    int64_t now_ms = print_number(answer, "now_ms");
    bool any = false;

    CN_JSON_EACH(run, cn_json_member(answer, "runs"))
    {
        const char *state = print_member(run, "state");
        int64_t behind = print_number(run, "waiting_behind");
        char age[MOMENT_MAX];
        moment_relative(now_ms, print_number(run, "accepted_ms"), age);
        fprintf(out->file, "%s", any ? "\n" : "");
        any = true;
        fprintf(out->file, "run %" PRId64 "  ", print_number(run, "run"));
        text_print_cell(out, print_state_style(state), state, 0, false);
        fputs("  ", out->file);
        text_print_cell(out, TEXT_PLAIN, print_member(run, "flow"), 0, false);
        fprintf(out->file, "  %s", age);
        if (behind)
            fprintf(out->file, "  (%" PRId64 " wait%s behind it)", behind,
                    behind == 1 ? "s" : "");
        print_about(out, run);
        fputs("\n  why   ", out->file);
        text_print_wrapped(out, TEXT_PLAIN, print_member(run, "reason"), 8, 0);
        fputs("  next  ", out->file);
        text_print_wrapped(out, TEXT_DIM, print_member(run, "advice"), 8, 0);
    }
    if (!any)
        print_empty(out, "Nothing waits for a person.");
    print_next(out, answer);
}

/* ---- Lists --------------------------------------------------------------- */

void print_reasons(const struct text_out *out, const cJSON *answer)
{
    static const char *const heads[] = {">RUNS",       "STATE",  "CODE",
                                        "FLOW",        "OLDEST", ">RUN",
                                        "FOR EXAMPLE", NULL};
    int64_t now_ms = print_number(answer, "now_ms");
    struct table *table = table_create(heads);

    CN_JSON_EACH(item, cn_json_member(answer, "reasons"))
    {
        const char *state = print_member(item, "state");
        table_add_number(table, print_number(item, "count"));
        table_add(table, print_state_style(state), state);
        table_add(table, TEXT_BOLD, print_member(item, "code"));
        table_add(table, TEXT_PLAIN, print_member(item, "flow"));
        add_time(table, now_ms, print_number(item, "oldest_ms"));
        table_add_number(table, print_number(item, "run"));
        table_add(table, TEXT_PLAIN, print_member(item, "reason"));
    }
    if (table_row_count(table)) {
        table_print(table, out);
        print_empty(out, "All of one: connectctl retry --all --code CODE "
                         "[--contains TEXT]");
    } else {
        print_empty(out, "Nothing waits for a person.");
    }
    table_destroy(table);
}

void print_alerts(const struct text_out *out, const cJSON *answer)
{
    static const char *const heads[] = {"FIRST", "LAST",  ">TIMES", "CAUSE",
                                        "SEEN",  "ALERT", NULL};
    int64_t now_ms = print_number(answer, "now_ms");
    int64_t more = print_number(answer, "more");
    struct table *table = table_create(heads);
    int count = 0;

    CN_JSON_EACH(alert, cn_json_member(answer, "alerts"))
    {
        if (++count > ALERTS_SHOWN) {
            more++;
            continue;
        }
        bool seen = cJSON_IsTrue(cn_json_member(alert, "acknowledged"));
        add_time(table, now_ms, print_number(alert, "first_ms"));
        add_time(table, now_ms, print_number(alert, "last_ms"));
        table_add_number(table, print_number(alert, "count"));
        table_add(table, TEXT_PLAIN, print_member(alert, "cause"));
        table_add(table, TEXT_DIM,
                  seen ? print_member(alert, "acknowledged_by") : "");
        table_add(table, seen ? TEXT_DIM : TEXT_RED,
                  print_member(alert, "text"));
    }
    if (table_row_count(table)) {
        table_print(table, out);
        if (more > 0)
            fprintf(out->file, "and %" PRId64 " more\n", more);
        print_empty(out, "Say that you know: connectctl alerts ack CAUSE");
    } else {
        print_empty(out, "No alerts.");
    }
    table_destroy(table);
}

static void print_shape(const struct text_out *out, const cJSON *item)
{
    const char *content = print_member(item, "content");
    char *shape = NULL;

    if (!*content && cJSON_IsObject(cn_json_member(item, "shape")))
        shape = cn_json_print(cn_json_member(item, "shape"));
    if (!*content && cJSON_IsArray(cn_json_member(item, "shape")))
        shape = cn_json_print(cn_json_member(item, "shape"));
    if (!*content && !shape)
        return;
    fputs("  content  ", out->file);
    text_print_wrapped(out, TEXT_DIM, shape ? shape : content, 11,
                       shape ? SHAPE_LINES : 0);
    free(shape);
}

void print_quarantine(const struct text_out *out, const cJSON *answer)
{
    int64_t now_ms = print_number(answer, "now_ms");
    bool any = false;

    CN_JSON_EACH(item, cn_json_member(answer, "quarantine"))
    {
        char age[MOMENT_MAX];
        moment_relative(now_ms, print_number(item, "last_ms"), age);
        any = true;
        fprintf(out->file, "%" PRId64 "  ", print_number(item, "number"));
        text_print_cell(out, TEXT_BOLD, print_member(item, "instance"), 0,
                        false);
        fprintf(out->file, "  %" PRId64 " bytes, %" PRId64 " times, last %s\n",
                print_number(item, "bytes"), print_number(item, "count"), age);
        fputs("  why      ", out->file);
        text_print_wrapped(out, TEXT_PLAIN, print_member(item, "reason"), 11,
                           0);
        print_shape(out, item);
    }
    print_empty(out, any ? "None of these is tried again by itself. Once the "
                           "reason is mended: connectctl quarantine replay "
                           "NUMBER; or give it up: quarantine discard NUMBER "
                           "--reason TEXT."
                         : "Nothing is in quarantine.");
    print_next(out, answer);
}

/* Every intent is kept as a doubt until the answer is there: no news. */
static const char *entry_detail(const cJSON *entry)
{
    return !strcmp(print_member(entry, "act"), "delivery.sending") &&
                   !strcmp(print_member(entry, "detail"), "doubt")
               ? ""
               : print_member(entry, "detail");
}

void print_history_entry(const struct text_out *out, const cJSON *entry)
{
    int64_t run = print_number(entry, "run");
    const char *path = print_member(entry, "path");
    const char *actor = print_member(entry, "actor");
    const char *detail = entry_detail(entry);
    char time[MOMENT_MAX], number[32] = "";

    moment_absolute(print_number(entry, "time_ms"), time);
    if (run)
        snprintf(number, sizeof(number), "run %" PRId64, run);
    text_print(out, TEXT_DIM, time);
    fputs("  ", out->file);
    text_print_cell(out, TEXT_PLAIN, number, 10, true);
    fputs("  ", out->file);
    text_print_cell(out, TEXT_BOLD, print_member(entry, "act"), 18, true);
    if (*path) {
        fputs("  ", out->file);
        text_print_cell(out, TEXT_PLAIN, path, 0, false);
    }
    if (*detail) {
        fputs("  ", out->file);
        text_print_cell(out, TEXT_DIM, detail, 40, false);
    }
    if (*actor && strcmp(actor, "connectd") != 0) {
        fputs("  by ", out->file);
        text_print_cell(out, TEXT_BOLD, actor, 0, false);
    }
    fputc('\n', out->file);
}
