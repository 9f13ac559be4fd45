/* api_bulk.c - one act on many runs.
 *
 * One idea: page by page from the newest to the oldest, each page one
 * transaction; so that nothing is held up for long, and what was done stays
 * done when the daemon ends in between.  A page goes only downwards in the
 * numbers, so a run that is parked again at once is not met twice.  A retry
 * that begins runs anew goes on with the refused ones as they were, as the
 * retry of one run does.  Called on the loop thread. */
#include "admin/api_bulk.h"

#include <stdlib.h>
#include <string.h>

#include <connect/json.h>

#include "admin/api_acts.h"
#include "admin/api_filter.h"
#include "admin/encode.h"
#include "base/memory.h"

enum {
    RUNS_MAX = 10000, /* of one call, some seconds; it says where to go on */
    REFUSED_SHOWN_MAX = 100
};

struct bulk {
    struct api_call *call;
    struct api_filter filter;
    enum store_act act;
    const char *reason; /* of the call's body */
    bool dry;
    bool again; /* a retry begins anew: the refused go on as they were */
    uint64_t runs[ENGINE_ACTS_MAX]; /* of the page in hand */
    size_t run_count;
    uint64_t next; /* where the next page begins; 0: there is none */
    size_t matched, applied, refused_count;
    uint64_t refused[REFUSED_SHOWN_MAX];
};

static void bulk_page(struct bulk *bulk);

static void bulk_end(struct bulk *bulk)
{
    cJSON *object = cJSON_CreateObject(), *list = cJSON_CreateArray();
    size_t shown = bulk->refused_count < REFUSED_SHOWN_MAX ? bulk->refused_count
                                                           : REFUSED_SHOWN_MAX;

    encode_put_text(object, "act", api_acts_word(bulk->act));
    encode_put_flag(object, "dry", bulk->dry);
    encode_put_number(object, "matched", (int64_t)bulk->matched);
    encode_put_number(object, "applied", (int64_t)bulk->applied);
    encode_put_number(object, "refused", (int64_t)bulk->refused_count);
    for (size_t index = 0; index < shown; index++)
        cn_json_append(list, cn_json_integer((int64_t)bulk->refused[index]));
    cn_json_put(object, "refused_runs", list);
    if (bulk->next)
        encode_put_number(object, "next", (int64_t)bulk->next);
    else
        encode_put_text(object, "next", NULL);
    api_call_end(bulk->call, object);
}

/* ---- Acting -------------------------------------------------------------- */

static void bulk_next(struct bulk *bulk)
{
    if (!bulk->next || bulk->matched >= RUNS_MAX || bulk->call->api->stopping)
        bulk_end(bulk);
    else
        bulk_page(bulk);
}

static void bulk_act(struct bulk *bulk, enum store_act act);

static void bulk_acted(void *arg, int status, size_t applied,
                       const uint64_t *refused, size_t refused_count)
{
    struct bulk *bulk = arg;
    bool again = bulk->again && refused_count;

    if (status) {
        api_call_fail_errno(bulk->call, status,
                            bulk->applied
                                ? "some runs are done; the rest is not taken"
                                : "the store takes no changes now");
        return;
    }
    bulk->applied += applied;
    bulk->again = false;
    for (size_t index = 0; again && index < refused_count; index++)
        bulk->runs[index] = refused[index];
    if (again) {
        bulk->run_count = refused_count;
        bulk_act(bulk, STORE_RETRY);
        return;
    }
    for (size_t index = 0; index < refused_count; index++)
        if (bulk->refused_count++ < REFUSED_SHOWN_MAX)
            bulk->refused[bulk->refused_count - 1] = refused[index];
    bulk_next(bulk);
}

static void bulk_act(struct bulk *bulk, enum store_act act)
{
    struct api_call *call = bulk->call;
    int status =
        engine_acts(call->api->options.engine, call->actor, act, bulk->runs,
                    bulk->run_count, bulk->reason, bulk_acted, bulk);

    if (status)
        api_call_fail_errno(call, status, "the store takes no changes now");
}

static void bulk_take_page(struct bulk *bulk)
{
    bulk->matched += bulk->run_count;
    bulk->again = bulk->act == STORE_RESTART;
    if (bulk->dry || !bulk->run_count)
        bulk_next(bulk);
    else
        bulk_act(bulk, bulk->act);
}

/* ---- Which --------------------------------------------------------------- */

static void bulk_read(void *arg, int status, const struct store_rows *rows)
{
    struct api_call *call = arg;
    struct bulk *bulk = call->work;

    if (status) {
        api_call_fail_errno(call, status, "the runs cannot be read");
        return;
    }
    bulk->run_count = rows->run_count;
    for (size_t index = 0; index < rows->run_count; index++)
        bulk->runs[index] = rows->runs[index].run;
    bulk->next = rows->run_next;
    bulk_take_page(bulk);
}

static void bulk_page(struct bulk *bulk)
{
    struct store_query *query = &bulk->filter.query;

    query->run = bulk->next;
    query->limit = ENGINE_ACTS_MAX;
    api_call_query(bulk->call, query, bulk_read);
}

static bool bulk_where(struct bulk *bulk, const cJSON *where)
{
    struct api_call *call = bulk->call;
    const cJSON *before = cn_json_member(call->body, "before");
    uint32_t states = bulk->act == STORE_RELEASE
                          ? 1U << RUN_HELD
                          : 1U << RUN_PARKED | 1U << RUN_HELD;
    int64_t number = 0;

    if (!api_filter_take(call, where, &bulk->filter))
        return false;
    if (before && (cn_json_int64(before, &number) || number < 0)) {
        api_call_fail(call, 400, "body", "before must be the number of a run");
        return false;
    }
    if (bulk->filter.query.states & ~states) {
        api_call_fail(call, 400, "body",
                      "/where/state: only %s runs can be meant",
                      bulk->act == STORE_RELEASE ? "held" : "parked and held");
        return false;
    }
    if (!bulk->filter.query.states)
        bulk->filter.query.states = states;
    bulk->next = (uint64_t)number;
    return true;
}

static bool bulk_runs(struct bulk *bulk, const cJSON *runs)
{
    CN_JSON_EACH(item, runs)
    {
        int64_t number = 0;
        if (bulk->run_count == ENGINE_ACTS_MAX ||
            cn_json_int64(item, &number) || number < 1) {
            api_call_fail(bulk->call, 400, "body",
                          "runs must be at most %d numbers of runs",
                          ENGINE_ACTS_MAX);
            return false;
        }
        bulk->runs[bulk->run_count++] = (uint64_t)number;
    }
    return true;
}

static bool bulk_take_act(struct bulk *bulk)
{
    struct api_call *call = bulk->call;
    const char *act = cn_json_text_at(call->body, "/act", "");
    bool as_was, is_discard = !strcmp(act, "discard");

    if (!api_acts_flag(call, "as_was", false, &as_was) ||
        !api_acts_flag(call, "dry", false, &bulk->dry) ||
        !api_acts_reason(call, is_discard && !bulk->dry,
                         "why these runs are given up", &bulk->reason))
        return false;
    if (!strcmp(act, "retry"))
        bulk->act = as_was ? STORE_RETRY : STORE_RESTART;
    else if (!strcmp(act, "release"))
        bulk->act = STORE_RELEASE;
    else if (is_discard)
        bulk->act = STORE_DISCARD;
    else {
        api_call_fail(call, 400, "body",
                      "act must be retry, release or discard");
        return false;
    }
    return true;
}

void api_bulk(struct api_call *call)
{
    const cJSON *runs = cn_json_member(call->body, "runs");
    const cJSON *where = cn_json_member(call->body, "where");
    struct bulk *bulk = memory_zero(1, sizeof(*bulk));

    call->work = bulk;
    call->work_free = free;
    bulk->call = call;
    if (!bulk_take_act(bulk))
        return;
    if (cJSON_IsArray(runs) == cJSON_IsObject(where)) {
        api_call_fail(call, 400, "body",
                      "either runs, a list of numbers, or where, an object, "
                      "must say which runs are meant");
        return;
    }
    if (where && bulk_where(bulk, where))
        bulk_page(bulk);
    else if (runs && bulk_runs(bulk, runs))
        bulk_take_page(bulk);
}
