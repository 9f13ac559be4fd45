/* show.c - one run, so that a person sees what happened to a deal.
 *
 * One idea: the order of reading is the order of need: what it is and how it
 * stands, why, what to do next; then step by step what went in and came out;
 * the history last.  A delivery is shown with the step it belongs to.  Pure but
 * for the printing. */
#include "ctl/show.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <connect/json.h>

#include "ctl/moment.h"
#include "ctl/print.h"

#define ELLIPSIS "\u2026"

enum {
    KEY_HEAD = 12,     /* of a long key; shown with its KEY_TAIL unless */
    KEY_TAIL = 8,      /* everything is asked for */
    KEY_SPARED = 16,   /* shortening that spares less is not worth it */
    HEAD_COLUMNS = 10, /* of "accepted" and its like */
    INDENT = 4,        /* of what belongs to a step */
    NAME_COLUMNS = 11, /* of "out" and its like */
    PAYLOAD_LINES = 3, /* unless everything is asked for */
    LABEL_BYTES_MAX = 64 * 1024,
    HISTORY_SHOWN = 12 /* unless everything is asked for */
};

/* ---- The head ------------------------------------------------------------ */

static void head_name(const struct text_out *out, const char *name)
{
    fputs("  ", out->file);
    text_print_cell(out, TEXT_DIM, name, HEAD_COLUMNS, true);
}

static void head_text(const struct text_out *out, const char *name,
                      enum text_style style, const char *text)
{
    if (!*text)
        return;
    head_name(out, name);
    text_print_wrapped(out, style, text, HEAD_COLUMNS + 2, 0);
}

static void head_time(const struct text_out *out, const char *name,
                      int64_t now_ms, int64_t wall_ms)
{
    char at[MOMENT_MAX], relative[MOMENT_MAX];

    if (!wall_ms)
        return;
    moment_absolute(wall_ms, at);
    moment_relative(now_ms, wall_ms, relative);
    head_name(out, name);
    fprintf(out->file, "%s (%s)\n", at, relative);
}

static void head_waits(const struct text_out *out, const cJSON *run)
{
    int64_t due_in_ms = print_number(run, "due_in_ms");
    int64_t behind = print_number(run, "behind");
    int64_t waiting = print_number(run, "waiting_behind");
    const char *queue = print_member(run, "queue");
    char span[MOMENT_MAX], text[256];

    if (due_in_ms > 0) {
        moment_span(due_in_ms, span);
        snprintf(text, sizeof(text), "in %s%s%.100s", span,
                 *queue ? ", for " : "", queue);
        head_text(out, "wakes", TEXT_PLAIN, text);
    } else if (*queue) {
        head_text(out, "waits for", TEXT_PLAIN, queue);
    }
    if (behind) {
        snprintf(text, sizeof(text), "run %" PRId64, behind);
        head_text(out, "behind", TEXT_PLAIN, text);
    }
    if (waiting) {
        snprintf(text, sizeof(text), "%" PRId64 " run%s for this one", waiting,
                 waiting == 1 ? " waits" : "s wait");
        head_text(out, "holds up", TEXT_YELLOW, text);
    }
}

static void show_head(const struct text_out *out, const cJSON *run)
{
    const cJSON *trigger = cn_json_member(run, "trigger");
    const char *state = print_member(run, "state");
    int64_t now_ms = print_number(run, "now_ms");
    struct buf label;
    char text[512];

    snprintf(text, sizeof(text), "Run %" PRId64, print_number(run, "run"));
    text_print(out, TEXT_BOLD, text);
    fputs("  ", out->file);
    text_print_cell(out, print_state_style(state), state, 0, false);
    fputs("  ", out->file);
    text_print_cell(out, TEXT_BOLD, print_member(run, "flow"), 0, false);
    fputs("  ", out->file);
    text_print_cell(out, TEXT_DIM, print_member(run, "flow_version"), 12,
                    false);
    fputc('\n', out->file);
    head_text(out, "flow", TEXT_PLAIN, print_member(run, "title"));
    snprintf(text, sizeof(text), "%.200s from %.200s",
             print_member(trigger, "type"), print_member(trigger, "origin"));
    head_text(out, "event", TEXT_PLAIN, text);
    head_text(out, "key", TEXT_PLAIN, print_member(trigger, "key"));
    head_time(out, "accepted", now_ms, print_number(run, "accepted_ms"));
    head_time(out, "ended", now_ms, print_number(run, "finished_ms"));
    buf_init(&label, LABEL_BYTES_MAX);
    print_label(cn_json_member(run, "label"), &label);
    head_text(out, "result", TEXT_GREEN, label.len ? label.data : "");
    buf_done(&label);
    head_text(out, "why", print_state_style(state),
              print_member(run, "reason"));
    head_waits(out, run);
    head_text(out, "next", TEXT_BOLD, print_member(run, "advice"));
}

/* ---- Steps --------------------------------------------------------------- */

static void step_text(const struct text_out *out, const char *name,
                      enum text_style style, const char *text, size_t lines_max)
{
    if (!*text)
        return;
    fprintf(out->file, "%*s", INDENT, "");
    text_print_cell(out, TEXT_DIM, name, NAME_COLUMNS, true);
    text_print_wrapped(out, style, text, INDENT + NAME_COLUMNS, lines_max);
}

/* Keys of other systems are long and differ at their ends:
 * "agxzfm1haWxm…AsSQUAM". Texts for people have blanks and stay. */
static void shorten(cJSON *value)
{
    CN_JSON_EACH(child, value)
    shorten(child);
    if (cJSON_IsString(value) &&
        strlen(value->valuestring) > KEY_HEAD + KEY_TAIL + KEY_SPARED &&
        !strpbrk(value->valuestring, " \n")) {
        size_t len = strlen(value->valuestring);
        char *tail = value->valuestring + len - KEY_TAIL;
        char *head = value->valuestring + KEY_HEAD;
        while (((unsigned char)*head & 0xc0) == 0x80) /* whole characters */
            head++;
        while (((unsigned char)*tail & 0xc0) == 0x80)
            tail++;
        memcpy(head, ELLIPSIS, sizeof(ELLIPSIS) - 1);
        head += sizeof(ELLIPSIS) - 1;
        memmove(head, tail, strlen(tail) + 1);
    }
}

static char *value_text(const cJSON *value, bool full)
{
    cJSON *copy;
    char *text;

    if (full)
        return cn_json_print(value);
    copy = cJSON_Duplicate(value, 1);
    shorten(copy);
    text = cn_json_print(copy);
    cJSON_Delete(copy);
    return text;
}

static void step_value(const struct text_out *out, const char *name,
                       const cJSON *value, const cJSON *owner, bool full)
{
    int64_t bytes = print_number(owner, "not_shown_bytes");
    char *text = NULL, note[64];

    if (value && !cJSON_IsNull(value))
        text = value_text(value, full);
    if (text) {
        step_text(out, name, TEXT_PLAIN, text, full ? 0 : PAYLOAD_LINES);
    } else if (bytes) {
        snprintf(note, sizeof(note), "%" PRId64 " bytes, too many to show",
                 bytes);
        step_text(out, name, TEXT_DIM, note, 0);
    }
    free(text);
}

/* Times of what happened at a path, from the history: the first and the last.
 */
static void step_times(const cJSON *run, const char *path, int64_t *ret_first,
                       int64_t *ret_last)
{
    *ret_first = *ret_last = 0;
    CN_JSON_EACH(entry, cn_json_member(run, "history"))
    {
        if (strcmp(print_member(entry, "path"), path) != 0)
            continue;
        *ret_last = print_number(entry, "time_ms");
        if (!*ret_first)
            *ret_first = *ret_last;
    }
}

static const cJSON *at_path(const cJSON *list, const char *path)
{
    CN_JSON_EACH(item, list)
    {
        if (!strcmp(print_member(item, "path"), path))
            return item;
    }
    return NULL;
}

static void step_mark(const struct text_out *out, const char *state)
{
    const char *mark = !strcmp(state, "done")      ? "\u2713"
                       : !strcmp(state, "failed")  ? "\u2717"
                       : !strcmp(state, "parked")  ? "\u2717"
                       : !strcmp(state, "skipped") ? "\u2013"
                                                   : "\u2026";

    text_print(out, print_state_style(state), mark);
    fputc(' ', out->file);
}

/* What it does: "call read_deal on streak", "deliver sales_order/1 to syspro".
 */
static void step_what(const struct text_out *out, const cJSON *step,
                      const cJSON *delivery)
{
    const char *kind = print_member(step, "kind");
    const char *what = print_member(step, "action");
    const char *instance = print_member(step, "instance");
    char text[512];

    if (delivery) {
        kind = "deliver";
        what = print_member(delivery, "type");
        instance = print_member(delivery, "instance");
    }
    snprintf(text, sizeof(text), "%.20s%s%.200s%s%.200s", kind,
             *what ? " " : "", what,
             *instance ? (delivery ? " to " : " on ") : "", instance);
    text_print_cell(out, TEXT_DIM, text, 0, false);
}

static void delivery_print(const struct text_out *out, const cJSON *delivery,
                           bool full)
{
    int64_t due_in_ms = print_number(delivery, "due_in_ms");
    int64_t probes = print_number(delivery, "probes");
    const cJSON *reference = cn_json_member(delivery, "reference");
    char span[MOMENT_MAX], text[128];

    step_text(out, "record", TEXT_PLAIN, print_member(delivery, "source_key"),
              1);
    step_value(out, "in", cn_json_member(delivery, "body"), delivery, full);
    if (!strcmp(print_member(delivery, "state"), "sending"))
        step_text(out, "now", TEXT_BLUE, "it is being sent", 0);
    else if (cJSON_IsTrue(cn_json_member(delivery, "doubt")))
        step_text(out, "doubt", TEXT_YELLOW,
                  "it is not known whether it took effect; the other system is "
                  "asked, nothing is sent twice",
                  0);
    if (probes) {
        snprintf(text, sizeof(text), "%" PRId64 " times without a result",
                 probes);
        step_text(out, "asked", TEXT_PLAIN, text, 0);
    }
    if (due_in_ms > 0) {
        moment_span(due_in_ms, span);
        snprintf(text, sizeof(text), "in %s", span);
        step_text(out, "again", TEXT_PLAIN, text, 0);
    }
    step_value(out, "reference", reference, NULL, full);
}

static void step_print(const struct text_out *out, const cJSON *run,
                       const cJSON *step, const cJSON *delivery, bool full)
{
    const cJSON *first = step ? step : delivery;
    const char *path = print_member(first, "path");
    const char *state = print_member(delivery ? delivery : step, "state");
    const char *reason = print_member(step, "reason");
    int64_t begin_ms, end_ms,
        attempts = print_number(delivery ? delivery : step, "attempts");
    char at[MOMENT_MAX];

    if (!*reason)
        reason = print_member(delivery, "reason");
    step_mark(out, state);
    text_print_cell(out, TEXT_BOLD, path, 18, true);
    fputc(' ', out->file);
    text_print_cell(out, print_state_style(state), state, 9, true);
    fputc(' ', out->file);
    step_what(out, step, delivery);
    if (attempts)
        fprintf(out->file, ", %" PRId64 " attempt%s", attempts,
                attempts == 1 ? "" : "s");
    step_times(run, path, &begin_ms, &end_ms);
    if (begin_ms) {
        moment_clock(begin_ms, at);
        fprintf(out->file, ", %s", at);
    }
    if (end_ms != begin_ms) {
        moment_clock(end_ms, at);
        fprintf(out->file, " to %s", at);
    }
    fputc('\n', out->file);
    if (delivery)
        delivery_print(out, delivery, full);
    else
        step_value(out, "out", cn_json_member(step, "result"), step, full);
    step_text(out, "why", print_state_style(state), reason, 0);
}

static void show_steps(const struct text_out *out, const cJSON *run, bool full)
{
    const cJSON *steps = cn_json_member(run, "steps");
    const cJSON *deliveries = cn_json_member(run, "deliveries");
    const cJSON *trigger = cn_json_member(run, "trigger");

    text_print(out, TEXT_BOLD, "\nSteps");
    if (cJSON_IsTrue(cn_json_member(run, "masked")))
        text_print(out, TEXT_DIM,
                   "  (personal data is masked; --unmasked shows it and is "
                   "recorded)");
    fputc('\n', out->file);
    step_mark(out, "done");
    text_print_cell(out, TEXT_BOLD, "trigger", 18, true);
    fputc('\n', out->file);
    step_value(out, "event", cn_json_member(trigger, "body"), trigger, full);
    CN_JSON_EACH(step, steps)
    step_print(out, run, step, at_path(deliveries, print_member(step, "path")),
               full);
    /* Deliveries whose step has no row yet: under way. */
    CN_JSON_EACH(delivery, deliveries)
    {
        if (!at_path(steps, print_member(delivery, "path")))
            step_print(out, run, NULL, delivery, full);
    }
}

/* ---- History ------------------------------------------------------------- */

static void show_history(const struct text_out *out, const cJSON *run,
                         bool full)
{
    const cJSON *history = cn_json_member(run, "history");
    int count = cJSON_GetArraySize(history), skip = 0, index = 0;

    text_print(out, TEXT_BOLD, "\nHistory");
    if (!full && count > HISTORY_SHOWN + 1) {
        skip = count - HISTORY_SHOWN;
        fprintf(out->file, "  (%d earlier; --full shows all)", skip);
    }
    fputc('\n', out->file);
    CN_JSON_EACH(entry, history)
    {
        if (index++ >= skip)
            print_history_entry(out, entry);
    }
    if (cJSON_IsTrue(cn_json_member(run, "history_cut")))
        text_print(out, TEXT_DIM, "later entries: connectctl tail --run\n");
}

void show_print(const struct text_out *out, const cJSON *run, bool full)
{
    show_head(out, run);
    show_steps(out, run, full);
    show_history(out, run, full);
}
