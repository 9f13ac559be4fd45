/* streak_call.c - answers and look-ups that all routes share.
 *
 * The texts are those that were published or seen; where none is known the
 * shape is the same and the text is ours.  Used on the simulator's only
 * thread. */
#include "streak_call.h"

#include "sim_json.h"

enum {
    ANSWER_BYTES_MAX = 256 << 20, /* a list of all boxes of a large world */
    LIMIT_MAX = 1000              /* objects of one page */
};

void streak_answer_begin(struct buf *buf)
{
    buf_init(buf, ANSWER_BYTES_MAX);
}

void streak_answer(struct streak_call *call, struct buf *buf)
{
    sim_answer_buf(call->answer, 200, "application/json", buf);
}

void streak_fail(struct streak_call *call, int status, const char *text)
{
    struct buf buf;

    streak_answer_begin(&buf);
    buf_append_text(&buf, "{\"success\":false");
    if (text) {
        buf_append_text(&buf, ",\"error\":");
        sim_json_append_text(&buf, text);
    }
    buf_append_text(&buf, "}");
    sim_answer_buf(call->answer, status, "application/json", &buf);
}

void streak_fail_key(struct streak_call *call)
{
    streak_fail(call, 400,
                "Illegal Argument Exception in GetEntities, usually a key "
                "issue");
}

void streak_fail_unknown(struct streak_call *call)
{
    streak_fail(call, call->streak->switches.unknown_key_status,
                "existing entity does not exist");
}

bool streak_fail_verdict(struct streak_call *call, enum streak_verdict verdict)
{
    switch (verdict) {
    case STREAK_FINE:
        return false;
    case STREAK_BAD_KEY:
        streak_fail_key(call);
        break;
    case STREAK_UNKNOWN_KEY:
        streak_fail_unknown(call);
        break;
    case STREAK_BAD_VALUE:
        streak_fail(call, 400, "Invalid value");
        break;
    case STREAK_READ_ONLY:
        streak_fail(call, 400, "Can't set the value of a formula field");
        break;
    case STREAK_SILENT:
        sim_answer_text(call->answer, 200, "application/json", "null");
        break;
    }
    return true;
}

void streak_succeed(struct streak_call *call)
{
    sim_answer_text(call->answer, 200, "application/json",
                    "{\"success\":true}");
}

void *streak_find(struct streak_call *call, enum streak_kind kind,
                  const char *key)
{
    void *found;

    if (!streak_key_decodes(key)) {
        streak_fail_key(call);
        return NULL;
    }
    found = streak_world_find(&call->streak->world, kind, key);
    if (!found) {
        streak_fail_unknown(call);
        return NULL;
    }
    /* No documented 403: no right to an object is 401 as well. */
    if (call->user->outsider && found != call->user) {
        streak_fail(call, 401, NULL);
        return NULL;
    }
    return found;
}

size_t streak_page(struct streak_call *call, size_t count, size_t limit_default,
                   size_t *ret_count)
{
    int64_t page = sim_request_query_number(call->request, "page", 0);
    int64_t limit = sim_request_query_number(call->request, "limit",
                                             (int64_t)limit_default);
    size_t first;

    if (limit < 1)
        limit = (int64_t)limit_default;
    if (sim_request_query(call->request, "limit") && limit > LIMIT_MAX)
        limit = LIMIT_MAX;
    if (page < 0 || page > INT32_MAX)
        page = 0;
    first = (size_t)page * (size_t)limit;
    if (first > count)
        first = count;
    *ret_count = count - first < (size_t)limit ? count - first : (size_t)limit;
    return first;
}
