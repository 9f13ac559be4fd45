/* preview.c - what a run would do: shown, and the difference of two.
 *
 * One idea: what counts is how it ends and what it would deliver; results of
 * steps in between are compared only where no delivery shows the difference
 * already.  One thread. */
#include "ctl/preview.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <connect/json.h>

#include "ctl/ask.h"
#include "ctl/difference.h"
#include "ctl/print.h"

enum { INDENT = 4, BODY_LINES = 12 };

static const cJSON *at_path(const cJSON *list, const char *path)
{
    CN_JSON_EACH(item, list)
    {
        if (!strcmp(print_member(item, "path"), path))
            return item;
    }
    return NULL;
}

/* ---- One ----------------------------------------------------------------- */

static void put_end(const cJSON *preview, char *text, size_t size)
{
    const char *path = print_member(preview, "path");
    const char *reason = print_member(preview, "reason");

    snprintf(text, size, "%.20s%s%.100s%s%.600s",
             print_member(preview, "ended"), *path ? " at " : "", path,
             *reason ? ": " : "", reason);
}

/* What would become of a delivery, in words. */
static const char *delivery_words(const cJSON *delivery)
{
    static const char *const words[][2] = {
        {"found", "is there already, nothing would be sent"},
        {"absent", "would be sent; the other system does not have it"},
        {"unknown", "would be sent; whether it is there could not be found "
                    "out now"},
        {"unsupported", "would be sent; the plugin cannot ask for it"},
        {"skipped", "would be sent"},
    };
    const char *probe = print_member(delivery, "probe");

    if (!cJSON_IsTrue(cn_json_member(delivery, "valid")))
        return "does not fit its type";
    for (size_t index = 0; index < sizeof(words) / sizeof(*words); index++)
        if (!strcmp(words[index][0], probe))
            return words[index][1];
    return "would be sent";
}

static void delivery_line(const struct text_out *out, const cJSON *delivery)
{
    fputs("  ", out->file);
    text_print_cell(out, TEXT_BOLD, print_member(delivery, "path"), 0, false);
    fputs("  ", out->file);
    text_print_cell(out, TEXT_DIM, print_member(delivery, "type"), 0, false);
    fputs(" to ", out->file);
    text_print_cell(out, TEXT_PLAIN, print_member(delivery, "instance"), 0,
                    false);
    fputc('\n', out->file);
}

static void put_line(const struct text_out *out, enum text_style style,
                     const char *text, size_t lines)
{
    if (!*text)
        return;
    fprintf(out->file, "%*s", INDENT, "");
    text_print_wrapped(out, style, text, INDENT, lines);
}

static void print_delivery(const struct text_out *out, const cJSON *delivery)
{
    bool valid = cJSON_IsTrue(cn_json_member(delivery, "valid"));
    char *body = cn_json_print(cn_json_member(delivery, "body"));

    delivery_line(out, delivery);
    put_line(out, valid ? TEXT_GREEN : TEXT_RED, delivery_words(delivery), 0);
    put_line(out, TEXT_RED, print_member(delivery, "reason"), 0);
    put_line(out, TEXT_YELLOW, print_member(delivery, "message"), 0);
    put_line(out, TEXT_DIM, body ? body : "", BODY_LINES);
    free(body);
}

void preview_print(const struct text_out *out, const cJSON *preview)
{
    char end[800];

    put_end(preview, end, sizeof(end));
    fprintf(out->file, "Run %" PRId64 " with ", print_number(preview, "run"));
    text_print_cell(out, TEXT_BOLD, print_member(preview, "flow"), 0, false);
    fputc(' ', out->file);
    text_print_cell(out, TEXT_DIM, print_member(preview, "flow_version"), 12,
                    false);
    fputs(" would end: ", out->file);
    text_print_wrapped(out, print_state_style(print_member(preview, "ended")),
                       end, INDENT, 0);
    CN_JSON_EACH(delivery, cn_json_member(preview, "deliveries"))
    {
        print_delivery(out, delivery);
    }
    if (cJSON_IsTrue(cn_json_member(preview, "masked")))
        text_print(out, TEXT_DIM,
                   "Personal data is masked; --unmasked shows it, which is "
                   "recorded.\n");
    text_print(out, TEXT_DIM, "Nothing was stored, nothing delivered.\n");
}

/* ---- Two ----------------------------------------------------------------- */

static size_t end_difference(const struct text_out *out, const cJSON *was,
                             const cJSON *now)
{
    char left[800], right[800];

    put_end(was, left, sizeof(left));
    put_end(now, right, sizeof(right));
    if (!strcmp(left, right))
        return 0;
    fputs("  as it was it ends  ", out->file);
    text_print_wrapped(out, TEXT_RED, left, 21, 0);
    fputs("  as it is now       ", out->file);
    text_print_wrapped(out, TEXT_GREEN, right, 21, 0);
    return 1;
}

/* What is compared of a delivery or of a step. */
static size_t items_difference(const struct text_out *out, const cJSON *was,
                               const cJSON *now, const char *name)
{
    const cJSON *left = cn_json_member(was, name);
    const cJSON *right = cn_json_member(now, name);

    return difference_print(out, INDENT, left, right);
}

static size_t deliveries_difference(const struct text_out *out,
                                    const cJSON *was, const cJSON *now)
{
    size_t count = 0;

    CN_JSON_EACH(delivery, was)
    {
        const cJSON *other = at_path(now, print_member(delivery, "path"));
        if (other && cn_json_equal(cn_json_member(delivery, "body"),
                                   cn_json_member(other, "body")))
            continue;
        delivery_line(out, delivery);
        if (other)
            count += items_difference(out, delivery, other, "body");
        else
            put_line(out, TEXT_RED, "is not made any more", 0);
        count += !other;
    }
    CN_JSON_EACH(delivery, now)
    {
        if (at_path(was, print_member(delivery, "path")))
            continue;
        delivery_line(out, delivery);
        put_line(out, TEXT_GREEN, "is new", 0);
        count += 1 + items_difference(out, NULL, delivery, "body");
    }
    return count;
}

static size_t steps_difference(const struct text_out *out, const cJSON *was,
                               const cJSON *now)
{
    size_t count = 0;

    CN_JSON_EACH(step, now)
    {
        const char *path = print_member(step, "path");
        const cJSON *other = at_path(was, path);
        if (!other || cn_json_equal(cn_json_member(step, "result"),
                                    cn_json_member(other, "result")))
            continue;
        fputs("  ", out->file);
        text_print_cell(out, TEXT_BOLD, path, 0, false);
        fputc('\n', out->file);
        count += items_difference(out, other, step, "result");
    }
    return count;
}

size_t preview_difference(const struct text_out *out, const cJSON *was,
                          const cJSON *now)
{
    size_t count = end_difference(out, was, now);

    count += deliveries_difference(out, cn_json_member(was, "deliveries"),
                                   cn_json_member(now, "deliveries"));
    if (!count)
        count = steps_difference(out, cn_json_member(was, "steps"),
                                 cn_json_member(now, "steps"));
    if (!count)
        text_print(out, TEXT_DIM,
                   "  As it was and as it is now give the same.\n");
    if (cJSON_IsTrue(cn_json_member(now, "masked")))
        text_print(out, TEXT_DIM,
                   "  (personal data is masked and not compared; --unmasked "
                   "does and is recorded)\n");
    return count;
}

/* ---- Asking -------------------------------------------------------------- */

static int ask_preview(struct command_context *context, uint64_t run,
                       const char *flow, cJSON **ret_preview)
{
    cJSON *body = cJSON_CreateObject();
    char path[ASK_PATH_MAX];

    snprintf(path, sizeof(path), "/v1/runs/%" PRIu64 "/preview", run);
    if (context->options->given & OPTION_UNMASKED)
        ask_add(path, "unmasked", "1");
    cn_json_put_text(body, "flow", flow);
    return ask_post(context, path, body, NULL, ret_preview);
}

int preview_diff(struct command_context *context, uint64_t run,
                 bool *ret_exists)
{
    cJSON *was = NULL, *now = NULL;
    int code = ask_preview(context, run, "was", &was);

    if (ret_exists)
        *ret_exists =
            strcmp(cn_json_text_at(was, "/error/code", ""), "not_found") != 0;
    if (code == EXIT_DONE)
        code = ask_preview(context, run, "now", &now);
    if (code == EXIT_DONE && !context->options->json) {
        fprintf(context->out.file, "Run %" PRIu64 "\n", run);
        preview_difference(&context->out, was, now);
    }
    cJSON_Delete(was);
    cJSON_Delete(now);
    return code;
}

int preview_diff_command(struct command_context *context)
{
    uint64_t run;

    if (!ask_run_number(context->arguments[0], &run))
        return EXIT_USAGE;
    return preview_diff(context, run, NULL);
}
