/* tail.c - what happens, as it happens: the history, followed.
 *
 * One idea: ask for what comes after the last entry seen; the daemon keeps the
 * question until there is something.  The newest entry is found by halving,
 * since "is there one after this number" can be asked cheaply; so a long
 * history is not read to follow its end.  A daemon that goes away ends the
 * command, since one that comes back is a new story.  One thread. */
#include "ctl/tail.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <connect/json.h>

#include "ctl/ask.h"
#include "ctl/print.h"

enum {
    PAGE = 200,      /* entries of one question */
    WAIT_MS = 25000, /* for something new; the daemon waits 30 s at most */
    NUMBER_BITS = 62
};

static int tail_page(struct command_context *context, uint64_t after, int limit,
                     int wait_ms, cJSON **ret_answer, struct error *err)
{
    char path[128];

    snprintf(path, sizeof(path),
             "/v1/history?after=%" PRIu64 "&limit=%d&wait_ms=%d", after, limit,
             wait_ms);
    return client_ask(context->client, "GET", path, NULL, ret_answer, err);
}

static int tail_exists(struct command_context *context, uint64_t after,
                       bool *ret_exists, struct error *err)
{
    cJSON *answer = NULL;
    int status = tail_page(context, after, 1, 0, &answer, err);

    *ret_exists = cn_json_member(answer, "history") &&
                  cn_json_member(answer, "history")->child;
    cJSON_Delete(answer);
    return status;
}

/* The number of the newest entry. */
static int tail_newest(struct command_context *context, uint64_t *ret_newest,
                       struct error *err)
{
    uint64_t newest = 0;
    bool exists = true;
    int status = 0, bit = 0;

    while (!status && exists && bit < NUMBER_BITS)
        status = tail_exists(context, 1ULL << bit++, &exists, err);
    for (; !status && bit >= 0; bit--) {
        status = tail_exists(context, newest + (1ULL << bit) - 1, &exists, err);
        if (!status && exists)
            newest += 1ULL << bit;
    }
    *ret_newest = newest;
    return status;
}

static void tail_json(struct command_context *context, const cJSON *entry)
{
    char *text = cn_json_print(entry);
    struct buf buf;

    buf_init(&buf, TEXT_BYTES_MAX);
    text_escape_json(&buf, text, strlen(text));
    buf_append_text(&buf, "\n");
    fwrite(buf.data, 1, buf.len, context->out.file);
    buf_done(&buf);
    free(text);
}

static void tail_print(struct command_context *context, const cJSON *answer)
{
    const struct command_options *options = context->options;

    CN_JSON_EACH(entry, cn_json_member(answer, "history"))
    {
        if (options->run &&
            (uint64_t)print_number(entry, "run") != options->run)
            continue;
        if (options->json)
            tail_json(context, entry);
        else
            print_history_entry(&context->out, entry);
    }
    fflush(context->out.file);
}

int tail_command(struct command_context *context)
{
    uint64_t after = 0, lines = context->options->lines;
    struct error err = {""};
    int status = tail_newest(context, &after, &err);

    after = after > lines ? after - lines : 0;
    while (!status && !ferror(context->out.file)) {
        cJSON *answer = NULL;
        status = tail_page(context, after, PAGE, WAIT_MS, &answer, &err);
        if (!status) {
            tail_print(context, answer);
            after = (uint64_t)print_number(answer, "next");
        }
        cJSON_Delete(answer);
    }
    return ask_exit_code(status, &err);
}
