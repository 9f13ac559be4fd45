/* task.c - operations, their requests and what the answers mean.
 *
 *     start -> send -> host -> answered -> step -> send ... -> end
 *
 * One idea: a task is freed by exactly one function, finish, and whatever holds
 * a pointer to it is taken back there.  The host calls answered exactly once
 * for each request, also after a cancel, so a task with a request under way is
 * never freed before that answer.  On the instance's thread. */
#include "task.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include <connect/json.h>

#include "definitions.h"
#include "text.h"

enum {
    BACKOFF_FIRST_MS = 500, /* what careful clients of Streak do: 0.5 s, 1 s, */
    BACKOFF_STEPS_MAX = 4,  /* 2 s, 4 s, 8 s, with jitter */
    ERROR_BYTES_MAX = 65536, /* longer error bodies are pages, not answers */
    VALUES_MAX = 500000      /* of one answer; a box with very many comments */
};

struct task {
    struct streak *streak;
    cn_op op;
    enum task_kind kind;
    bool under_way; /* the host has a request of this task */
    bool cancelled;
    void *work; /* owned */
    void (*work_destroy)(void *work);
    const struct path *path; /* of the request, as the next */
    task_step *step;
    struct task_wait wait;
    struct task *prev, *next;
};

struct streak *task_streak(const struct task *task)
{
    return task->streak;
}

void *task_work(const struct task *task)
{
    return task->work;
}

enum task_kind task_kind_of(const struct task *task)
{
    return task->kind;
}

cn_op task_op(const struct task *task)
{
    return task->op;
}

struct task_wait *task_wait(struct task *task)
{
    return &task->wait;
}

struct task *task_next(const struct streak *streak, const struct task *task)
{
    return task ? task->next : streak->tasks;
}

struct task *task_start(struct streak *streak, cn_op op, enum task_kind kind,
                        void *work, void (*work_destroy)(void *work))
{
    struct task *task = text_zero(sizeof(*task));

    task->streak = streak;
    task->op = op;
    task->kind = kind;
    task->work = work;
    task->work_destroy = work_destroy;
    DL_APPEND(streak->tasks, task);
    return task;
}

/* ---- The ends ------------------------------------------------------------ */

static void finish(struct task *task, const cn_outcome *outcome)
{
    struct streak *streak = task->streak;

    DL_DELETE(streak->tasks, task);
    definitions_task_ends(task, outcome);
    streak->host->done(streak->host, task->op, outcome);
    if (task->work_destroy)
        task->work_destroy(task->work);
    free(task);
}

void task_pass(struct task *task, const cn_outcome *outcome)
{
    cn_outcome own = *outcome;

    if (!own.message && own.status != CN_OK)
        own.message = "the request was not answered";
    /* A probe that fails has not found out anything yet. */
    if (task->kind == TASK_PROBE &&
        (own.status == CN_REJECTED || own.status == CN_IN_DOUBT ||
         own.status == CN_UNSUPPORTED))
        own.status = CN_RETRY;
    finish(task, &own);
}

void task_fail(struct task *task, cn_status status, const char *format, ...)
{
    char message[CN_MESSAGE_MAX], clean[CN_MESSAGE_MAX];
    cn_outcome outcome = {.size = sizeof(outcome), .status = status};
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(message, sizeof(message), format, arguments);
    va_end(arguments);
    text_printable(message, clean, sizeof(clean)); /* it may have been cut */
    outcome.message = clean;
    task_pass(task, &outcome);
}

void task_done(struct task *task, cJSON *body)
{
    char *text = text_must(cn_json_print(text_must(body)));
    cn_outcome outcome = {.size = sizeof(outcome), .body = cn_text(text)};

    finish(task, &outcome);
    cJSON_Delete(body);
    free(text);
}

void task_done_key(struct task *task, const char *name, const char *key)
{
    cJSON *body = text_must(cJSON_CreateObject());

    text_put(body, name, text_json(key, CN_ID_MAX));
    task_done(task, body);
}

void task_cancel(struct streak *streak, cn_op op)
{
    cn_outcome outcome = {.size = sizeof(outcome),
                          .status = CN_CANCELLED,
                          .message = "the host gave the operation up"};
    struct task *task;

    DL_SEARCH_SCALAR(streak->tasks, task, op, op);
    if (!task)
        return;
    task->cancelled = true;
    if (!task->under_way) /* else the answer ends it */
        finish(task, &outcome);
}

/* ---- Failures ------------------------------------------------------------ */

/* Streak may repeat what it was sent, and words go where people read them. */
static bool tells_a_secret(const cn_host *host, const char *words)
{
    static const char *const names[] = {"api_key", "webhook_token",
                                        "webhook_token_previous",
                                        "webhook_address"};

    for (size_t at = 0; at < sizeof(names) / sizeof(*names); at++) {
        cn_str secret = host->secret(host, names[at]);

        if (secret.ptr && secret.len && strstr(words, secret.ptr))
            return true;
    }
    return false;
}

/* Streak's own words from an error body, or nothing. */
static void read_words(const cn_host *host, cn_str body,
                       char words[TASK_TEXT_MAX])
{
    cJSON *json = NULL;
    const char *text;

    words[0] = '\0';
    if (body.len > ERROR_BYTES_MAX || cn_json_read(body, NULL, &json, NULL))
        return;
    text = cn_json_text(cn_json_member(json, "error"));
    if (text && !tells_a_secret(host, text))
        text_printable(text, words, TASK_TEXT_MAX);
    cJSON_Delete(json);
}

static bool is_gone(uint32_t code, const char *words)
{
    return code == 404 ||
           (code == 400 && (text_holds(words, "key issue") ||
                            text_holds(words, "does not exist")));
}

/* What a wait of 429 without Retry-After is: growing, and not the same for
 * all that were refused together. */
static uint64_t backoff_ms(struct streak *streak, cn_op op)
{
    uint64_t delay_ms = (uint64_t)BACKOFF_FIRST_MS << streak->limited_count;

    if (streak->limited_count < BACKOFF_STEPS_MAX)
        streak->limited_count++;
    return delay_ms + (op * 2654435761U) % (delay_ms / 2);
}

/* The answer to users/me, asked because an object was refused with 401: that
 * status stands for a bad key and for a missing right alike. */
static void answered_me(void *arg, const cn_http_response *response)
{
    struct task *task = arg;

    task->under_way = false;
    if (task->cancelled)
        task_fail(task, CN_CANCELLED, "the host gave the operation up");
    else if (response->outcome->status == CN_OK)
        task_fail(task, CN_REJECTED, "this key has no right to the %s (401)",
                  task->path->what);
    else if (response->outcome->status == CN_REJECTED)
        task_fail(task, CN_RETRY, "Streak answered %u when asked who we are",
                  response->code);
    else
        task_pass(task, response->outcome);
}

static void send_request(struct task *task, const struct path *path,
                         const char *url, const char *body,
                         void (*fn)(void *arg, const cn_http_response *))
{
    static const cn_header headers[] = {
        {CN_STR("Accept"), CN_STR("application/json")},
        {CN_STR("Content-Type"), CN_STR("application/json")}};
    struct streak *streak = task->streak;
    cn_http_request request = {.size = sizeof(request),
                               .header_count = body ? 2 : 1,
                               .op = task->op,
                               .method = path->method,
                               .url = url,
                               .auth = streak->auth,
                               .headers = headers,
                               .body = cn_text(body),
                               .effect = path_has_effect(path)};

    task->under_way = true;
    streak->http->send(streak->host, &request, fn, task);
}

static void ask_who_we_are(struct task *task)
{
    const struct path *path = path_of(PATH_ME);
    char *url = path_url(path, task->streak->base_url, NULL, NULL);

    send_request(task, path, url, NULL, answered_me);
    free(url);
}

static void refuse(struct task *task, const cn_http_response *response,
                   const char *words)
{
    cn_outcome outcome = *response->outcome;

    if (response->code == 401 && task->path->id != PATH_ME) {
        ask_who_we_are(task);
        return;
    }
    if (response->code == 409) /* as Streak's own clients do */
        outcome.status = CN_RETRY;
    if (response->code == 429 && !outcome.retry_after_ms)
        outcome.retry_after_ms = backoff_ms(task->streak, task->op);
    if (*words && outcome.status != CN_OK) {
        char message[CN_MESSAGE_MAX];

        snprintf(message, sizeof(message), "Streak answered %u: %s",
                 response->code, words);
        outcome.message = message;
        task_pass(task, &outcome);
        return;
    }
    task_pass(task, &outcome);
}

/* ---- Answers ------------------------------------------------------------- */

static void give(struct task *task, struct answer *answer)
{
    task->step(task, answer); /* it may have freed the task */
    cJSON_Delete(answer->json);
}

static void read_answer(struct task *task, const cn_http_response *response)
{
    static const cn_json_limits limits = {.values_max = VALUES_MAX};
    struct answer answer = {.code = response->code};
    cn_json_error error;

    /* A change shows what it made.  (The end of a webhook has nothing to show.)
     */
    if (!response->body.len && !strcmp(task->path->method, "POST")) {
        task_fail(task, CN_IN_DOUBT, "Streak answered %u, but with no body",
                  response->code);
        return;
    }
    if (response->body.len &&
        cn_json_read(response->body, &limits, &answer.json, &error)) {
        task_fail(task, path_has_effect(task->path) ? CN_IN_DOUBT : CN_RETRY,
                  "Streak answered %u, but with no JSON: %s (byte %zu)",
                  response->code, error.sentence, error.offset);
        return;
    }
    if (cJSON_IsNull(answer.json)) {
        cJSON_Delete(answer.json);
        answer.json = NULL;
    }
    give(task, &answer);
}

static void answered(void *arg, const cn_http_response *response)
{
    struct task *task = arg;
    struct answer gone = {.gone = true, .code = response->code};

    task->under_way = false;
    if (response->code && response->code != 429)
        task->streak->limited_count = 0;
    if (task->cancelled) {
        bool doubt = response->outcome->status == CN_IN_DOUBT ||
                     (path_has_effect(task->path) && response->code);

        task_fail(task,
                  doubt && task->kind == TASK_DELIVER ? CN_IN_DOUBT
                                                      : CN_CANCELLED,
                  "the host gave the operation up");
        return;
    }
    if (response->outcome->status == CN_OK) {
        read_answer(task, response);
        return;
    }
    read_words(task->streak->host, response->body, gone.text);
    if (!is_gone(response->code, gone.text)) {
        refuse(task, response, gone.text);
        return;
    }
    if (!*gone.text)
        snprintf(gone.text, sizeof(gone.text), "it answers %u", response->code);
    give(task, &gone);
}

cJSON *answer_take(struct answer *answer)
{
    cJSON *json = answer->json;

    answer->json = NULL;
    return json;
}

/* ---- Requests ------------------------------------------------------------ */

void task_send(struct task *task, const struct task_request *request,
               task_step *step)
{
    const struct path *path = path_of(request->path);
    char *url, *body;

    if (request->key && !path_key_fits(request->key)) {
        cJSON_Delete(request->body);
        task_fail(task, CN_REJECTED, "that is no key of a %s in Streak",
                  path->what);
        return;
    }
    url = path_url(path, task->streak->base_url, request->key, request->value);
    body = request->body ? text_must(cn_json_print(request->body)) : NULL;
    task->path = path;
    task->step = step;
    send_request(task, path, url, body, answered);
    cJSON_Delete(request->body);
    free(url);
    free(body);
}

void task_get(struct task *task, enum path_id path, const char *key,
              task_step *step)
{
    const struct task_request request = {.path = path, .key = key};

    task_send(task, &request, step);
}
