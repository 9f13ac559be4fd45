/* session.c - one operator's session, and its calls one after another.
 *
 * SYSPRO has one live session for each operator, and a session does one thing
 * at a time, so calls stand in a queue and one HTTP request is out at any
 * moment:
 *
 *      queue -> running: [logon ->] call [-> session gone: logon -> call again]
 *
 * What must hold: a call is repeated only when SYSPRO's answer says that it did
 * not run (the session was unknown, the address was too long), and then once.
 * A refused logon ends everything that waits, so that wrong credentials are not
 * tried again and again until the operator is locked.  What happens to the
 * session says nothing about an order, so it rests the instance (RATE_LIMITED)
 * and does not count as an attempt.  The passwords never come
 * here: the host adds them.  Called on the instance's thread. */
#include "session.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <connect/sdk.h>
#include <utlist.h>

enum {
    SESSION_ID_MAX = 64, /* 36 characters today; opaque */
    QUEUE_MAX = 128,     /* four kinds of operations, max_open of each, with
                          * room; more waits in the host */
    URL_MAX = 64 * 1024, /* above any limit that could be configured */
    MESSAGE_TEXT_MAX = 300,
    EVICTIONS_ALARM = 3 /* calls in a row that found the session gone */
};

struct task {
    cn_op op;               /* 0: ours, at the end of an idle time */
    struct request request; /* session unset; texts are the two below */
    struct text parameters, document;
    char object[8];
    bool repeated;  /* the session was gone once already */
    bool large;     /* as PostLD */
    session_fn *fn; /* NULL: nobody asks */
    void *arg;
    struct task *prev, *next;
};

struct session {
    const cn_host *host;
    const cn_http *http;
    const struct settings *settings;
    char id[SESSION_ID_MAX + 1]; /* "" : not logged on */
    struct task *queue;          /* owned */
    size_t count;
    struct task *running; /* owned; one HTTP request is out for it */
    bool logging_on;      /* ... and it is the logon */
    cn_op following;      /* its call has just ended; its next one is first */
    cn_timer idle;        /* 0: not running */
    unsigned evictions;
};

static void pump(struct session *session);
static void task_go(struct session *session);

int session_create(const cn_host *host, const struct settings *settings,
                   struct session **ret_session)
{
    struct session *session = calloc(1, sizeof(*session));

    if (!session)
        return -ENOMEM;
    session->host = host;
    session->settings = settings;
    session->http = host->extension(host, CN_EXT_HTTP);
    if (!session->http) {
        cn_logf(host, CN_LOG_ERROR, "this host lacks %s", CN_EXT_HTTP);
        free(session);
        return -ENOTSUP;
    }
    *ret_session = session;
    return 0;
}

static void task_destroy(struct task *task)
{
    if (!task)
        return;
    text_done(&task->parameters);
    text_done(&task->document);
    free(task);
}

void session_destroy(struct session *session)
{
    struct task *task = NULL, *next = NULL;

    if (!session)
        return;
    DL_FOREACH_SAFE(session->queue, task, next)
    {
        DL_DELETE(session->queue, task);
        task_destroy(task);
    }
    task_destroy(session->running);
    free(session);
}

/* ---- Ending -----------------------------------------------------------------
 */

static void report(struct task *task, cn_status status, uint64_t retry_after_ms,
                   const char *message, const struct answer *answer)
{
    struct session_result result = {.status = status,
                                    .retry_after_ms = retry_after_ms,
                                    .message = message,
                                    .answer = answer};

    if (task->fn)
        task->fn(task->arg, &result);
    task_destroy(task);
}

/* The running call has ended; the next may begin. */
static void finish(struct session *session, cn_status status,
                   uint64_t retry_after_ms, const char *message,
                   const struct answer *answer)
{
    struct task *task = session->running;

    session->running = NULL;
    session->logging_on = false;
    session->following = task->op;
    report(task, status, retry_after_ms, message, answer);
    session->following = 0;
    pump(session);
}

/* The same end for the running call and all that wait. */
static void finish_all(struct session *session, cn_status status,
                       uint64_t retry_after_ms, const char *message)
{
    struct task *waiting = session->queue, *task = NULL, *next = NULL;

    session->queue = NULL;
    session->count = 0;
    DL_FOREACH_SAFE(waiting, task, next)
    {
        DL_DELETE(waiting, task);
        report(task, status, retry_after_ms, message, NULL);
    }
    finish(session, status, retry_after_ms, message, NULL);
}

/* ---- Logon ------------------------------------------------------------------
 */

/* At most 64 printable characters, of which one is no blank (answer.c): opaque,
 * they go back as they came, with the blanks at their end. */
static bool take_id(struct session *session, const struct answer *answer)
{
    cn_str text = answer->text;

    while (text.len && memchr("\r\n", text.ptr[text.len - 1], 2))
        text.len--;
    if (answer->kind != ANSWER_PLAIN || text.len > SESSION_ID_MAX)
        return false;
    for (size_t index = 0; index < text.len; index++) {
        if (text.ptr[index] < ' ' || text.ptr[index] > '~')
            return false;
    }

    memcpy(session->id, text.ptr, text.len);
    session->id[text.len] = '\0';
    return true;
}

static void logon_refused(struct session *session, const struct answer *answer)
{
    char text[MESSAGE_TEXT_MAX], message[MESSAGE_TEXT_MAX + 64];
    enum reason reason = REASON_OTHER;

    text_clean(text, sizeof(text), answer->text);
    reason = answer_reason(session->settings->texts, text);
    snprintf(message, sizeof(message), "SYSPRO refuses the logon: %s", text);
    if (reason == REASON_LICENCE)
        finish_all(session, CN_RATE_LIMITED, session->settings->licence_wait_ms,
                   message);
    else if (reason == REASON_LOCKED)
        finish(session, CN_RATE_LIMITED, 0, message, NULL);
    else
        finish_all(session, CN_AUTH, 0, message);
}

static void logon_failed(struct session *session,
                         const cn_http_response *response)
{
    const cn_outcome *outcome = response->outcome;
    char message[MESSAGE_TEXT_MAX + 64];

    snprintf(message, sizeof(message), "logon: %.*s%s", MESSAGE_TEXT_MAX,
             outcome->message ? outcome->message : "no answer",
             response->code == 404 || response->code == 405
                 ? "; check base_url, it ends in /Rest"
                 : "");
    /* What the logon's address answers says nothing about an order. */
    finish(session,
           outcome->status == CN_REJECTED && response->code ? CN_RATE_LIMITED
                                                            : outcome->status,
           outcome->retry_after_ms, message, NULL);
}

static void logon_answered(struct session *session,
                           const cn_http_response *response)
{
    struct answer answer;

    session->logging_on = false;
    if (response->outcome->status != CN_OK) {
        logon_failed(session, response);
        return;
    }
    answer_open(&answer, response->body);
    if (answer.kind == ANSWER_ERROR)
        logon_refused(session, &answer);
    else if (take_id(session, &answer))
        task_go(session);
    else
        finish(session, CN_RATE_LIMITED, 0,
               "the answer to the logon is no session; check base_url", NULL);
    answer_close(&answer);
}

/* ---- Calls ------------------------------------------------------------------
 */

static bool is_post(const struct task *task)
{
    return task->request.kind == REQUEST_POST;
}

/* What an HTTP status means for a post.  Behind a proxy even 503 may follow a
 * post that was carried out. */
static cn_status post_status(const cn_http_response *response)
{
    uint32_t code = response->code;

    if (!code || (code >= 200 && code < 300))
        return response->outcome->status;
    if (code == 401 || code == 403)
        return CN_AUTH;
    if (code == 429)
        return CN_RATE_LIMITED;
    if (code == 408 || code >= 500)
        return CN_IN_DOUBT;
    return CN_REJECTED;
}

static bool is_size_refusal(uint32_t code)
{
    return code == 400 || code == 413 || code == 414 || code == 431;
}

static const char *advice(uint32_t code)
{
    if (is_size_refusal(code))
        return "; the request may be too large: check url_bytes_max and "
               "post_large";
    if (code == 404 || code == 405)
        return "; check base_url, and whether this server has PostLD";
    if (code >= 300 && code < 400)
        return "; redirects are not followed, check base_url";
    if (code == 401 || code == 403)
        return "; check the gateway's key";
    return "";
}

static void call_failed(struct session *session,
                        const cn_http_response *response)
{
    const cn_outcome *outcome = response->outcome;
    char message[MESSAGE_TEXT_MAX + 128];
    cn_status status =
        is_post(session->running) ? post_status(response) : outcome->status;

    snprintf(message, sizeof(message), "%.*s%s", MESSAGE_TEXT_MAX,
             outcome->message ? outcome->message : "no usable answer",
             advice(response->code));
    /* Also after a post that may have been carried out: how long to leave it
     * alone holds for the question as well. */
    finish(session, status,
           status == CN_RATE_LIMITED || status == CN_IN_DOUBT
               ? outcome->retry_after_ms
               : 0,
           message, NULL);
}

/* The session was gone, so the call did not run: once more with a new one. */
static void call_evicted(struct session *session)
{
    session->id[0] = '\0';
    session->evictions++;
    if (session->evictions >= EVICTIONS_ALARM || session->running->repeated)
        cn_logf(session->host, CN_LOG_ERROR,
                "the session ends again and again: does anyone else log on as "
                "operator %.20s?",
                session->settings->operator_code);
    else
        session->host->log(session->host, CN_LOG_WARN,
                           "the session was gone; logging on again");
    if (session->running->repeated) {
        /* No answer about the record: the instance rests, not the record. */
        finish(session, CN_RATE_LIMITED, 0,
               "the session was ended twice before the call could run", NULL);
        return;
    }
    session->running->repeated = true;
    task_go(session);
}

static bool is_session_gone(const struct session *session,
                            const struct answer *answer)
{
    char text[MESSAGE_TEXT_MAX];

    if (answer->kind != ANSWER_ERROR)
        return false;
    text_clean(text, sizeof(text), answer->text);
    return answer_reason(session->settings->texts, text) == REASON_SESSION;
}

static void call_answered(struct session *session,
                          const cn_http_response *response)
{
    struct task *task = session->running;
    struct answer answer;

    if (task->request.kind == REQUEST_LOGOFF) {
        finish(session, CN_OK, 0, NULL, NULL); /* whatever it said */
        return;
    }
    if (is_post(task) && !task->large && is_size_refusal(response->code) &&
        session->settings->post_large) {
        task->large = true;
        task_go(session);
        return;
    }
    if (response->code < 200 || response->code >= 300 ||
        response->outcome->status != CN_OK) {
        call_failed(session, response);
        return;
    }
    answer_open(&answer, response->body);
    if (is_session_gone(session, &answer)) {
        call_evicted(session);
    } else {
        if (!task->repeated)
            session->evictions = 0;
        finish(session, CN_OK, 0, NULL, &answer);
    }
    answer_close(&answer);
}

static void answered(void *arg, const cn_http_response *response)
{
    struct session *session = arg;

    if (!session->running)
        return;
    if (session->logging_on)
        logon_answered(session, response);
    else
        call_answered(session, response);
}

/* ---- Sending ----------------------------------------------------------------
 */

static void send_http(struct session *session, const struct request *request,
                      const struct text *url, cn_str body)
{
    cn_header type = {CN_STR("Content-Type"), CN_STR("application/xml")};
    cn_http_request http = {.size = sizeof(http),
                            .op = session->running->op,
                            .method = body.len ? "POST" : "GET",
                            .url = url->ptr,
                            .auth = request->kind == REQUEST_LOGON
                                        ? session->settings->auth_logon
                                        : session->settings->auth,
                            .headers = &type,
                            .header_count = body.len ? 1 : 0,
                            .body = body,
                            .effect = request->kind == REQUEST_POST ||
                                      request->kind == REQUEST_POST_LARGE};

    session->http->send(session->host, &http, answered, session);
}

static bool has_session(const struct session *session)
{
    return session->id[0] != '\0';
}

static bool needs_session(const struct task *task)
{
    return task->request.kind != REQUEST_VERSION &&
           task->request.kind != REQUEST_LOGOFF;
}

/* The request as it goes out now: a logon first, or the call itself. */
static struct request request_now(struct session *session)
{
    struct task *task = session->running;
    struct request request = task->request;

    request.session = cn_text(session->id);
    request.object = task->object;
    request.parameters = (cn_str){task->parameters.ptr, task->parameters.len};
    request.document = (cn_str){task->document.ptr, task->document.len};
    if (session->logging_on)
        request.kind = REQUEST_LOGON;
    else if (task->large)
        request.kind = REQUEST_POST_LARGE;
    return request;
}

/* Send what the running task needs next. */
static void task_go(struct session *session)
{
    struct task *task = session->running;
    struct request request;
    struct text url, body;

    text_init(&url, URL_MAX);
    text_init(&body, CN_BODY_MAX);
    session->logging_on = needs_session(task) && !has_session(session);
    request = request_now(session);
    request_url(session->settings, &request, &url);
    if (request.kind == REQUEST_POST &&
        (url.failed || !request_fits(session->settings, &url)) &&
        session->settings->post_large) {
        task->large = true;
        request = request_now(session);
        text_done(&url);
        url.failed = false;
        request_url(session->settings, &request, &url);
    }
    if (request.kind == REQUEST_POST_LARGE)
        request_body(&request, &body);
    if (request.kind == REQUEST_LOGOFF)
        session->id[0] = '\0';
    if (url.failed || body.failed ||
        (request.kind != REQUEST_POST_LARGE &&
         !request_fits(session->settings, &url)))
        finish(session, CN_REJECTED, 0, "too large for SYSPRO's interface",
               NULL);
    else
        send_http(session, &request, &url, (cn_str){body.ptr, body.len});
    text_done(&url);
    text_done(&body);
}

static void idle_ended(void *arg)
{
    struct session *session = arg;

    session->idle = 0;
    session_leave(session, 0, NULL, NULL);
}

static void pump(struct session *session)
{
    if (session->running)
        return;
    if (session->idle) {
        session->host->timer_stop(session->host, session->idle);
        session->idle = 0;
    }
    if (session->queue) {
        session->running = session->queue;
        DL_DELETE(session->queue, session->running);
        session->count--;
        if (session->running->request.kind == REQUEST_LOGOFF &&
            !has_session(session))
            finish(session, CN_OK, 0, NULL, NULL);
        else
            task_go(session);
    } else if (has_session(session) && session->settings->idle_ms) {
        session->idle = session->host->timer_start(
            session->host, session->settings->idle_ms, idle_ended, session);
    }
}

/* ---- For the other files ------------------------------------------------- */

void session_send(struct session *session, cn_op op,
                  const struct request *request, session_fn *fn, void *arg)
{
    struct task *task = NULL;
    struct session_result full = {.status = CN_RETRY,
                                  .message = "too many calls wait for SYSPRO"};

    if (session->count < QUEUE_MAX)
        task = calloc(1, sizeof(*task));
    if (task) {
        task->op = op;
        task->request.kind = request->kind;
        task->fn = fn;
        task->arg = arg;
        snprintf(task->object, sizeof(task->object), "%s",
                 request->object ? request->object : "");
        text_init(&task->parameters, CN_BODY_MAX);
        text_init(&task->document, CN_BODY_MAX);
        text_add(&task->parameters, request->parameters);
        text_add(&task->document, request->document);
    }
    if (!task || task->parameters.failed || task->document.failed) {
        task_destroy(task);
        if (fn)
            fn(arg, &full);
        return;
    }
    if (op && op == session->following)   /* an order is finished before */
        DL_PREPEND(session->queue, task); /* the next one begins */
    else
        DL_APPEND(session->queue, task);
    session->count++;
    pump(session);
}

void session_leave(struct session *session, cn_op op, session_fn *fn, void *arg)
{
    struct request request = {.kind = REQUEST_LOGOFF};

    session_send(session, op, &request, fn, arg);
}

void session_cancel(struct session *session, cn_op op)
{
    struct task *task = NULL, *next = NULL, *found = NULL;

    DL_FOREACH_SAFE(session->queue, task, next)
    {
        if (task->op != op)
            continue;
        DL_DELETE(session->queue, task);
        session->count--;
        DL_APPEND(found, task);
    }
    DL_FOREACH_SAFE(found, task, next)
    {
        DL_DELETE(found, task);
        report(task, CN_CANCELLED, 0, "cancelled before it was sent", NULL);
    }
}
