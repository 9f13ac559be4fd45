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
    char path[160];

    snprintf(path, sizeof(path),
             "/v1/history?after=%" PRIu64 "&limit=%d&wait_ms=%d&run=%" PRIu64,
             after, limit, wait_ms, context->options->run);
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

static void tail_entry(struct command_context *context, const cJSON *entry)
{
    if (context->options->json)
        ask_print_json(context, entry);
    else
        print_history_entry(&context->out, entry);
}

static void tail_print(struct command_context *context, const cJSON *answer)
{
    CN_JSON_EACH(entry, cn_json_member(answer, "history"))
    {
        tail_entry(context, entry);
    }
    fflush(context->out.file);
}

/* The last lines of one run.  Their numbers have gaps, so its history, which is
 * short, is read from the beginning and its end kept. */
static int tail_run(struct command_context *context, uint64_t *ret_after,
                    struct error *err)
{
    cJSON *kept = cJSON_CreateArray();
    uint64_t count = 0;
    bool more = true;
    int status = 0;

    while (!status && more) {
        cJSON *answer = NULL, *entries;
        status = tail_page(context, *ret_after, PAGE, 0, &answer, err);
        more = cJSON_IsTrue(cn_json_member(answer, "more"));
        entries = cJSON_GetObjectItemCaseSensitive(answer, "history");
        while (!status && entries && entries->child) {
            cJSON *entry = cJSON_DetachItemFromArray(entries, 0);
            cn_json_append(kept, entry);
            if (++count > context->options->lines)
                cJSON_DeleteItemFromArray(kept, 0);
        }
        if (!status)
            *ret_after = (uint64_t)print_number(answer, "next");
        cJSON_Delete(answer);
    }
    CN_JSON_EACH(entry, kept)
    {
        tail_entry(context, entry);
    }
    fflush(context->out.file);
    cJSON_Delete(kept);
    return status;
}

/* The last lines of everything. */
static int tail_all(struct command_context *context, uint64_t *ret_after,
                    struct error *err)
{
    uint64_t newest = 0, lines = context->options->lines;
    int status = tail_newest(context, &newest, err);

    *ret_after = newest > lines ? newest - lines : 0;
    return status;
}

int tail_command(struct command_context *context)
{
    struct error err = {""};
    uint64_t after = 0;
    int status = context->options->run ? tail_run(context, &after, &err)
                                       : tail_all(context, &after, &err);

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
