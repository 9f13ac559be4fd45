/* api_acts.c - what a person does.
 *
 * One idea: the store decides whether an act is allowed; a refusal is explained
 * by the state of the run, read after it.  Every act is recorded with who did
 * it in the same transaction.  Called on the loop thread. */
#include "admin/api_acts.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <connect/json.h>

#include "admin/api_preview.h"
#include "admin/encode.h"
#include "base/memory.h"

enum {
    REASON_BYTES_MAX = 1000,
    REFERENCE_BYTES_MAX = 4096 /* an order number; plugins give few hundred */
};

#ifdef CONNECT_TEST_CLOCK
/* At once: tests step hours and days, event identities live a year. */
#define ADVANCE_MS_MAX (1000LL * 24 * 3600 * 1000)
/* Of the wall clock alone; past the end of 32-bit seconds. */
#define JUMP_MS_MAX (20 * 366LL * 24 * 3600 * 1000)
#endif

/* ---- Acts on a run ------------------------------------------------------- */

const char *api_acts_word(enum store_act act)
{
    static const char *const words[] = {"retry", "restart", "release",
                                        "discard", "replay"};

    return words[act];
}

static const char *act_needs(enum store_act act)
{
    switch (act) {
    case STORE_RETRY:
    case STORE_RESTART:
        return "only parked and held runs can be retried";
    case STORE_RELEASE:
        return "only held runs can be released";
    case STORE_REPLAY:
        return "only parked and finished runs can be replayed";
    case STORE_DISCARD:
        break;
    }
    return "it cannot be discarded while it is active, when it has ended, or "
           "while it is not known whether a delivery took effect (settle that "
           "first)";
}

/* Why was it refused? */
static void act_explain(void *arg, int status, const struct store_rows *rows)
{
    struct api_call *call = arg;

    if (status)
        api_call_fail_errno(call, status, "the run cannot be read");
    else if (!rows->run_count || rows->runs[0].run != call->run)
        api_call_fail(call, 404, "not_found", "there is no run %" PRIu64,
                      call->run);
    else
        api_call_fail(call, 409, "state", "run %" PRIu64 " is %s: %s",
                      call->run, encode_run_state(rows->runs[0].state),
                      call->needs);
}

static void act_failed(struct api_call *call, int status,
                       const struct error *err)
{
    const char *text = err && err->text[0] ? err->text : strerror(-status);

    if (status == -EINVAL)
        api_call_fail(call, 400, "body", "%s", text);
    else if (status == -EPERM)
        api_call_fail(call, 409, "state", "run %" PRIu64 ": %s", call->run,
                      text);
    else if (status == -ENOENT)
        api_call_fail(call, 404, "not_found", "run %" PRIu64 ": %s", call->run,
                      err && err->text[0] ? text : "there is none");
    else
        api_call_fail_errno(call, status, "the store takes no changes now");
}

static cJSON *act_answer(const struct api_call *call, const char *word)
{
    cJSON *object = cJSON_CreateObject();

    encode_put_number(object, "run", (int64_t)call->run);
    encode_put_text(object, "act", word);
    return object;
}

cJSON *api_acts_answer(struct api_call *call, int status,
                       const struct error *err, const char *word)
{
    if (!status)
        return act_answer(call, word);
    act_failed(call, status, err);
    return NULL;
}

void api_acts_refused(struct api_call *call, const char *needs)
{
    /* The newest run below the next number: a summary without payloads. */
    struct store_query query = {
        .kind = STORE_QUERY_RUNS, .run = call->run + 1, .limit = 1};

    call->needs = needs;
    api_call_query(call, &query, act_explain);
}

bool api_acts_reason(struct api_call *call, bool required, const char *why,
                     const char **ret_reason)
{
    const cJSON *reason = cn_json_member(call->body, "reason");

    *ret_reason = NULL;
    if (!reason && !required)
        return true;
    if (cJSON_IsString(reason) && *reason->valuestring &&
        strlen(reason->valuestring) <= REASON_BYTES_MAX) {
        *ret_reason = reason->valuestring;
        return true;
    }
    api_call_fail(call, 400, "body",
                  "reason must be a text of 1 to %d bytes: %s",
                  REASON_BYTES_MAX, why);
    return false;
}

bool api_acts_flag(struct api_call *call, const char *name, bool required,
                   bool *ret_flag)
{
    const cJSON *value = cn_json_member(call->body, name);

    *ret_flag = cJSON_IsTrue(value);
    if (cJSON_IsBool(value) || (!value && !required))
        return true;
    api_call_fail(call, 400, "body", "%s must be true or false", name);
    return false;
}

static void act_begin(struct api_call *call, enum store_act act,
                      const char *reason);

static void acted(void *arg, int status, uint64_t made_run)
{
    struct api_call *call = arg;
    cJSON *object;

    if (status == -EPERM && call->act == STORE_RESTART) {
        /* Something of it happened, or may have: it goes on as it was. */
        act_begin(call, STORE_RETRY, NULL);
        return;
    }
    if (status == -EPERM || status == -ENOENT) {
        api_acts_refused(call, act_needs(call->act));
        return;
    }
    if (status) {
        api_call_fail_errno(call, status, "the store takes no changes now");
        return;
    }
    object = act_answer(call, api_acts_word(call->act));
    if (call->act == STORE_REPLAY)
        encode_put_number(object, "made", (int64_t)made_run);
    api_call_end(call, object);
}

static void act_begin(struct api_call *call, enum store_act act,
                      const char *reason)
{
    int status;

    call->act = act;
    status = engine_act(call->api->options.engine, call->actor, act, call->run,
                        reason, acted, call);
    if (status)
        api_call_fail_errno(call, status, "the store takes no changes now");
}

void api_retry(struct api_call *call)
{
    bool as_was;

    if (api_acts_flag(call, "as_was", false, &as_was))
        act_begin(call, as_was ? STORE_RETRY : STORE_RESTART, NULL);
}

void api_release(struct api_call *call)
{
    act_begin(call, STORE_RELEASE, NULL);
}

void api_discard(struct api_call *call)
{
    const char *reason;

    if (api_acts_reason(call, true, "why this run is given up", &reason))
        act_begin(call, STORE_DISCARD, reason);
}

void api_replay(struct api_call *call)
{
    const char *reason;
    bool shadow;

    if (!api_acts_flag(call, "shadow", false, &shadow) ||
        !api_acts_reason(call, false, "why it is run again", &reason))
        return;
    if (shadow)
        api_preview_now(call);
    else
        act_begin(call, STORE_REPLAY, reason);
}

/* ---- A doubt ------------------------------------------------------------- */

static void settled(void *arg, int status, const struct error *err)
{
    struct api_call *call = arg;
    bool happened = cJSON_IsTrue(cn_json_member(call->body, "happened"));
    cJSON *object =
        api_acts_answer(call, status, err, happened ? "happened" : "absent");

    if (object)
        api_call_end(call, object);
}

void api_settle(struct api_call *call)
{
    const cJSON *reference = cn_json_member(call->body, "reference");
    const char *reason;
    char *text = NULL;
    bool happened;
    int status;

    if (!api_acts_flag(call, "happened", true, &happened) ||
        !api_acts_reason(call, true, "how you know", &reason))
        return;
    if (reference && !cJSON_IsNull(reference))
        text = cn_json_print(reference);
    if (text && (!happened || strlen(text) > REFERENCE_BYTES_MAX)) {
        api_call_fail(call, 400, "body",
                      "reference belongs to what happened and has at most %d "
                      "bytes",
                      REFERENCE_BYTES_MAX);
    } else {
        cn_str bytes = {text, text ? strlen(text) : 0};
        status =
            engine_settle(call->api->options.engine, call->actor, call->run,
                          happened, bytes, reason, settled, call);
        if (status)
            api_call_fail_errno(call, status, "the store takes no changes now");
    }
    free(text);
}

/* ---- Reload -------------------------------------------------------------- */

/* call->work is the note, which is there before. */
static void reload_end(struct api_call *call)
{
    const struct error *note = call->work;
    cJSON *object = cJSON_CreateObject();

    encode_put_flag(object, "reloaded", true);
    encode_put_text(object, "note", note->text[0] ? note->text : NULL);
    api_call_end(call, object);
}

static void reload_registered(void *arg, int status)
{
    struct api_call *call = arg;
    struct error *note = call->work, rest = *note;

    if (status)
        error_set(note,
                  "the registration of webhooks could not be stored (%s): "
                  "reload again%s%s",
                  strerror(-status), rest.text[0] ? "; " : "", rest.text);
    reload_end(call);
}

/* What the reload began is stored before it is answered; the store answers, or
 * the server does when that takes as long as an answer may. */
static void reload_audited(void *arg, int status,
                           const struct store_result *results,
                           size_t result_count)
{
    struct api_call *call = arg;
    const struct api_options *options = &call->api->options;
    struct error err = {""};

    (void)results;
    (void)result_count;
    if (status) {
        api_call_fail_errno(call, status, "the store takes no changes now");
        return;
    }
    call->work = memory_zero(1, sizeof(struct error));
    call->work_free = free;
    status = options->reload(options->arg, reload_registered, call, call->work,
                             &err);
    if (status < 0)
        api_call_fail(call, 409, "config", "%s", err.text);
    else if (!status)
        reload_end(call);
}

void api_reload(struct api_call *call)
{
    api_call_audit(call, "config.reload", NULL, reload_audited);
}

/* ---- The clock of tests -------------------------------------------------- */

#ifdef CONNECT_TEST_CLOCK
void api_test_clock(struct api_call *call)
{
    const struct api_options *options = &call->api->options;
    const cJSON *jump = cn_json_member(call->body, "jump_wall_ms");
    int64_t advance_ms = 0, jump_ms = 0;
    cJSON *object;

    if (cn_json_int64(cn_json_member(call->body, "advance_ms"), &advance_ms) ||
        advance_ms < 0 || advance_ms > ADVANCE_MS_MAX) {
        api_call_fail(call, 400, "body",
                      "advance_ms must be a number from 0 to %lld",
                      (long long)ADVANCE_MS_MAX);
        return;
    }
    if (jump && (cn_json_int64(jump, &jump_ms) || jump_ms > JUMP_MS_MAX ||
                 jump_ms < -JUMP_MS_MAX)) {
        api_call_fail(call, 400, "body",
                      "jump_wall_ms must be a number from -%lld to %lld",
                      (long long)JUMP_MS_MAX, (long long)JUMP_MS_MAX);
        return;
    }
    clock_step(advance_ms);
    clock_jump(jump_ms);
    if (options->clock_stepped)
        options->clock_stepped(options->arg);
    object = cJSON_CreateObject();
    encode_put_time(object, "now_ms", clock_wall_ms(options->clock));
    api_call_end(call, object);
}
#endif
