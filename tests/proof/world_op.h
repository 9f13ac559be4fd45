/* world_op.h - an operation that the engine began in the world of a test: what
 * is asked, of whom, and how its end is told.
 *
 * A header only, for the unit tests, which are one source file each, and for
 * the simulation. */
#ifndef TESTS_PROOF_WORLD_OP_H
#define TESTS_PROOF_WORLD_OP_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "flow/engine.h"

enum { WORLD_BODY_MAX = 3000, WORLD_KEY_MAX = 80 };

struct world_op { /* begun by the engine, not ended yet */
    uint64_t number, run;
    enum op_kind kind;
    bool jq;
    bool stuck; /* its plugin never ends it */
    bool gone;  /* cancelled, or its run's process died */
    char instance[32], what[32];
    char key[WORLD_KEY_MAX]; /* what the record is called in the source */
    int64_t begun_ms;
    op_ended_fn *fn;
    ports_jq_fn *jq_fn;
    void *arg;
    char body[WORLD_BODY_MAX]; /* last: most of it is never written */
};

/* A new one at place; everything but its body is zero. */
static inline void world_op_begin(struct world_op *op, uint64_t number,
                                  int64_t now_ms)
{
    memset(op, 0, sizeof(*op) - sizeof(op->body));
    op->body[0] = '\0';
    op->number = number;
    op->begun_ms = now_ms;
}

/* The text of the first member of that name in a flat look at JSON. */
static inline void world_text_of(const char *body, const char *member,
                                 char *text, size_t size)
{
    char pattern[64];
    const char *at;
    size_t len = 0;

    snprintf(pattern, sizeof(pattern), "\"%s\":\"", member);
    at = strstr(body, pattern);
    if (at) {
        at += strlen(pattern);
        len = strcspn(at, "\"");
    }
    snprintf(text, size, "%.*s", (int)len, at ? at : "");
}

/* What is asked.  A body longer than WORLD_BODY_MAX is cut. */
static inline void world_op_read(struct world_op *op,
                                 const struct op_request *request,
                                 op_ended_fn *fn, void *arg)
{
    bool call = request->kind == OP_CALL;
    cn_str body = call                       ? request->body
                  : request->kind == OP_POLL ? request->cursor
                                             : request->record.body;

    op->kind = request->kind;
    op->run = request->run;
    op->fn = fn;
    op->arg = arg;
    snprintf(op->instance, sizeof(op->instance), "%s", request->instance);
    snprintf(op->what, sizeof(op->what), "%s",
             call                       ? request->action
             : request->kind == OP_POLL ? request->stream
                                        : request->record.type);
    snprintf(op->body, sizeof(op->body), "%.*s", (int)body.len, body.ptr);
    world_text_of(op->body,
                  call                          ? "box"
                  : !strcmp(op->what, "deal/1") ? "key"
                                                : "external_id",
                  op->key, sizeof(op->key));
}

/* The same for a jq program. */
static inline void world_op_read_jq(struct world_op *op, const char *input,
                                    size_t len, ports_jq_fn *fn, void *arg)
{
    op->jq = true;
    op->kind = OP_TRANSFORM;
    op->jq_fn = fn;
    op->arg = arg;
    snprintf(op->instance, sizeof(op->instance), "jq");
    snprintf(op->body, sizeof(op->body), "%.*s", (int)len, input);
}

/* Tell its end; op is in no list any more.  text: the answer's body, or what
 * went wrong; it may be a part of op. */
static inline void world_op_end(const struct world_op *op,
                                struct op_outcome *outcome, const char *text)
{
    if (op->jq) {
        op->jq_fn(op->arg, outcome->status == CN_OK ? 0 : -ETIMEDOUT, text,
                  strlen(text));
        return;
    }
    outcome->kind = op->kind;
    if (!outcome->message)
        outcome->message = outcome->status == CN_OK ? "" : text;
    if (outcome->status == CN_OK && op->kind != OP_POLL)
        outcome->body = (cn_str){text, strlen(text)};
    op->fn(op->arg, op->number, outcome);
}

#endif
