/* api_filter.c - which runs are meant.
 *
 * One idea: one table of words, read from the query of an address or from an
 * object, so that a list shows exactly what an act with the same words would
 * touch.  Called on the loop thread. */
#include "admin/api_filter.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <connect/json.h>

#include "admin/encode.h"

enum { WORD_KEY = 5, WORD_STATE = 6 }; /* in the table of names */

/* The text of a word; false: it is not given.  *ret_wrong: it is no text or too
 * long. */
typedef bool word_fn(const struct api_call *call, const cJSON *where,
                     const char *name, char *text, bool *ret_wrong);

static bool word_of_query(const struct api_call *call, const cJSON *where,
                          const char *name, char *text, bool *ret_wrong)
{
    (void)where;
    if (!api_call_parameter(call, name, text, API_FILTER_TEXT_MAX))
        return false;
    *ret_wrong = strlen(text) == API_FILTER_TEXT_MAX - 1;
    return true;
}

static bool word_of_object(const struct api_call *call, const cJSON *where,
                           const char *name, char *text, bool *ret_wrong)
{
    const cJSON *value = cn_json_member(where, name);

    (void)call;
    if (!value)
        return false;
    if (cJSON_IsNumber(value)) {
        int64_t number = 0;
        *ret_wrong = cn_json_int64(value, &number) != 0;
        snprintf(text, API_FILTER_TEXT_MAX, "%" PRId64, number);
        return true;
    }
    *ret_wrong = !cJSON_IsString(value) ||
                 strlen(value->valuestring) >= API_FILTER_TEXT_MAX;
    if (!*ret_wrong)
        snprintf(text, API_FILTER_TEXT_MAX, "%s", value->valuestring);
    return true;
}

/* "parked,held" to bits. */
static bool take_states(struct api_call *call, char *text, uint32_t *ret_states)
{
    enum run_state state;
    char *word = text, *end;

    for (; *word; word = end) {
        end = word + strcspn(word, ",");
        if (*end)
            *end++ = '\0';
        if (encode_run_state_parse(word, &state)) {
            api_call_fail(call, 400, "parameter",
                          "state must be of queued, ready, active, waiting, "
                          "held, parked, done, discarded");
            return false;
        }
        *ret_states |= 1U << state;
    }
    return true;
}

static bool take_time(struct api_call *call, const char *name, const char *text,
                      int64_t *ret_ms)
{
    char *end;

    errno = 0;
    *ret_ms = strtoll(text, &end, 10);
    if (text[0] >= '0' && text[0] <= '9' && !*end && !errno)
        return true;
    api_call_fail(call, 400, "parameter", "%s must be ms since 1970", name);
    return false;
}

/* Names of members of an object that mean nothing are mistakes: an act on more
 * than was meant would be the price. */
static bool all_known(struct api_call *call, const cJSON *where,
                      const char *const *names)
{
    CN_JSON_EACH(member, where)
    {
        size_t index = 0;
        while (names[index] && strcmp(names[index], member->string) != 0)
            index++;
        if (names[index])
            continue;
        api_call_fail(call, 400, "body", "/where/%.64s is not known",
                      member->string);
        return false;
    }
    return true;
}

static bool filter_fill(struct api_call *call, const cJSON *where,
                        word_fn *word, struct api_filter *filter)
{
    static const char *const names[] = {"flow",
                                        "code",
                                        "instance",
                                        "type",
                                        "contains",
                                        "key",
                                        "state",
                                        "accepted_after_ms",
                                        "accepted_before_ms",
                                        NULL};
    char *const texts[] = {filter->flow, filter->code,     filter->instance,
                           filter->type, filter->contains, filter->key};
    struct store_query *query = &filter->query;
    const char **const places[] = {&query->flow, &query->code, &query->instance,
                                   &query->type, &query->contains};
    int64_t *const times[] = {&query->accepted_after_wall_ms,
                              &query->accepted_before_wall_ms};
    char text[API_FILTER_TEXT_MAX];

    if (where && !all_known(call, where, names))
        return false;
    for (size_t index = 0; names[index]; index++) {
        bool wrong = false;
        if (!word(call, where, names[index], text, &wrong))
            continue;
        /* An empty word is a script's variable without a value; it must not
         * choose all. */
        if (wrong || !*text) {
            api_call_fail(call, 400, "parameter",
                          "%s must be a text of 1 to %d bytes; leave it out to "
                          "mean all",
                          names[index], API_FILTER_TEXT_MAX - 2);
            return false;
        }
        if (index == WORD_STATE && !take_states(call, text, &query->states))
            return false;
        if (index > WORD_STATE &&
            !take_time(call, names[index], text, times[index - WORD_STATE - 1]))
            return false;
        if (index < WORD_STATE)
            memcpy(texts[index], text, sizeof(text));
        if (index < WORD_KEY)
            *places[index] = texts[index];
    }
    query->key = (struct store_bytes){filter->key, strlen(filter->key)};
    return true;
}

bool api_filter_read(struct api_call *call, struct api_filter *ret_filter)
{
    memset(ret_filter, 0, sizeof(*ret_filter));
    ret_filter->query.kind = STORE_QUERY_RUNS;
    return filter_fill(call, NULL, word_of_query, ret_filter);
}

bool api_filter_take(struct api_call *call, const cJSON *where,
                     struct api_filter *ret_filter)
{
    memset(ret_filter, 0, sizeof(*ret_filter));
    ret_filter->query.kind = STORE_QUERY_RUNS;
    return filter_fill(call, where, word_of_object, ret_filter);
}
