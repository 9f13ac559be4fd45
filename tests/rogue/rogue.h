/* rogue.h - what every test plugin has, so that each can be about its one
 * misdeed. */
#ifndef ROGUE_H
#define ROGUE_H

#include <connect/ext/http.h>
#include <connect/ext/receiver.h>
#include <connect/ext/state.h>
#include <connect/plugin.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define ROGUE_UNUSED __attribute__((unused))

#define ROGUE_MANIFEST                                                         \
    "{\"title\": \"A test plugin\","                                           \
    " \"config\": {\"required\": [\"colour\"], \"properties\": {"              \
    "   \"colour\": {\"type\": \"string\"},"                                   \
    "   \"size\": {\"type\": \"integer\", \"default\": 7},"                    \
    "   \"token\": {\"type\": \"string\", \"writeOnly\": true}}},"             \
    " \"takes\": [\"item/1\"], \"emits\": [\"item/1\"],"                       \
    " \"streams\": [{\"name\": \"items\", \"interval_ms\": 1000}],"            \
    " \"actions\": {\"" ROGUE_ACTION "\": {\"title\": \"Ask\","                \
    "   \"request\": {\"type\": \"object\", \"required\": [\"name\"],"         \
    "     \"additionalProperties\": false, \"properties\": {"                  \
    "     \"name\": {\"type\": \"string\"},"                                   \
    "     \"limit\": {\"type\": \"integer\", \"default\": 3}}},"               \
    "   \"response\": {\"type\": \"item/1\"}}}" ROGUE_NETWORK "}"

#ifndef ROGUE_ACTION
#define ROGUE_ACTION "ask"
#endif

#ifdef ROGUE_NETWORK_HOST
#define ROGUE_NETWORK ", \"network\": \"host\""
#else
#define ROGUE_NETWORK ""
#endif

struct rogue {
    const cn_host *host;
    const cn_http *http;
    const cn_state *state;
    cn_op op; /* one that is kept open */
    unsigned count;
};

ROGUE_UNUSED static void *rogue_create(const cn_host *host)
{
    struct rogue *self = calloc(1, sizeof(*self));

    if (!self)
        return NULL;
    self->host = host;
    self->http = host->extension(host, CN_EXT_HTTP);
    self->state = host->extension(host, CN_EXT_STATE);
    return self;
}

ROGUE_UNUSED static void rogue_done(struct rogue *self, cn_op op,
                                    cn_status status, const char *message)
{
    cn_outcome outcome = {
        .size = sizeof(outcome), .status = status, .message = message};

    self->host->done(self->host, op, &outcome);
}

ROGUE_UNUSED static cn_status rogue_emit(struct rogue *self, cn_op op,
                                         const char *id, const char *body)
{
    cn_record record = {.size = sizeof(record),
                        .type = "item/1",
                        .id = {id, strlen(id)},
                        .body = {body, strlen(body)}};

    return self->host->emit(self->host, op, &record);
}

ROGUE_UNUSED static bool rogue_is(cn_str text, const char *word)
{
    return text.len == strlen(word) && !memcmp(text.ptr, word, text.len);
}

#ifndef ROGUE_OPEN
#define ROGUE_OPEN 4
#endif

#define ROGUE_PLUGIN(...)                                                      \
    const cn_plugin cn_plugin_v1 = {.size = sizeof(cn_plugin),                 \
                                    .id = "test.rogue",                        \
                                    .version = "1.0.0",                        \
                                    .manifest = ROGUE_MANIFEST,                \
                                    .max_open = ROGUE_OPEN,                    \
                                    .create = rogue_create,                    \
                                    .destroy = free,                           \
                                    __VA_ARGS__}

#endif
