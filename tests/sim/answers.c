/* answers.c - how operations end.
 *
 * One idea: first what really happened is drawn (was anything sent, was it
 * answered, did it take effect), then what the plugin says about it, then the
 * host's own rules (op_conclude) make the status of the two, so that a plugin
 * that lies or breaks is a case like any other. */
#include "answers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "world.h"

enum { FEED_MAX = 200, PAGE_MAX = 3, NO_STATUS = 99 };

/* ---- Well ---------------------------------------------------------------- */

static void poll_ends(struct world *world, size_t index)
{
    struct op_outcome outcome = {.message = ""};
    struct op_record records[PAGE_MAX];
    char ids[PAGE_MAX][16], bodies[PAGE_MAX][64], cursor[16];
    const char *from = world->ops[index].body;
    unsigned at = *from ? (unsigned)strtoul(from, NULL, 10) : 0, count;

    if (!world->calm && world->erp.feed < FEED_MAX)
        world->erp.feed += world_draw(world, 2);
    count = world->erp.feed > at ? world->erp.feed - at : 0;
    if (count > PAGE_MAX)
        count = PAGE_MAX;
    memset(records, 0, sizeof(records));
    for (unsigned each = 0; each < count; each++) {
        const char *key = world->erp.boxes[(at + each) % ERP_BOXES].key;
        snprintf(ids[each], sizeof(ids[each]), "p%u", at + each);
        snprintf(bodies[each], sizeof(bodies[each]), "{\"box\":\"%s\"}", key);
        records[each].type = "box_event/1";
        records[each].id = (cn_str){ids[each], strlen(ids[each])};
        records[each].key = (cn_str){key, strlen(key)};
        records[each].body = (cn_str){bodies[each], strlen(bodies[each])};
    }
    snprintf(cursor, sizeof(cursor), "%u", at + count);
    outcome.cursor = (cn_str){cursor, strlen(cursor)};
    outcome.records = records;
    outcome.record_count = count;
    outcome.more = world->erp.feed > at + count;
    world_end(world, index, &outcome, "");
}

static void call_ends(struct world *world, size_t index)
{
    const struct box *box = erp_box(world, world->ops[index].key);
    struct op_outcome outcome = {.status = CN_OK, .answered = true};
    unsigned pair = (unsigned)(box - world->erp.boxes) / 2;
    char text[1500], lines[256] = "";

    for (unsigned line = 0; line < box->lines; line++) {
        size_t len = strlen(lines);
        snprintf(lines + len, sizeof(lines) - len, "%sA%u;%u;1.50",
                 line ? "\\n" : "", line, line + 1);
    }
    snprintf(text, sizeof(text),
             "{\"key\":\"%s\",\"stage\":\"%s\",\"size\":\"%s\",\"pair\":\"pair-"
             "%u-%u\",\"big\":\"%s-"
             "big\",\"fields\":{\"Customer\":\"0001207\",\"Lines\":\"%s\"},"
             "\"remarks\":[{\"id\":\"%s-r0\",\"odd\":\"yes\"},{\"id\":\"%s-r1\""
             ",\"odd\":\"no\"},{\"id\":\"%s-r2\",\"odd\":\"yes\"}]}",
             box->key, box->won ? "Closed-Won" : "Lead",
             box->lines % 2 ? "big" : "small", pair, box->lines, box->key,
             lines, box->key, box->key, box->key);
    world_end(world, index, &outcome, text);
}

static void told(struct world *world, const struct world_op *op)
{
    struct box *box = erp_box(world, op->key);
    const struct document *order =
        erp_document(world, "sales_order/1", box->key);
    const char *at = strstr(op->body, "\"Order\":\"");
    size_t len = 0;

    if (at) {
        at += strlen("\"Order\":\"");
        len = strcspn(at, "\"");
    }
    snprintf(box->told, sizeof(box->told), "%.*s", (int)len, at ? at : "");
    if (strcmp(box->told, order->number) != 0)
        world_broken(world, "%s is told the number %s, its order is %s",
                     box->key, box->told, order->number);
}

static void delivery_ends(struct world *world, size_t index)
{
    const struct world_op *op = &world->ops[index];
    struct op_outcome outcome = {.status = CN_OK, .answered = true};
    char text[64] = "{}";

    if (!strcmp(op->what, "deal/1")) {
        told(world, op);
    } else {
        struct document *document = erp_document(world, op->what, op->key);
        erp_commit(world, document);
        snprintf(text, sizeof(text), "{\"number\":\"%s\"}", document->number);
        /* Some targets have no name for what they made. */
        if (!strcmp(op->what, "activity/1") && !world->calm &&
            world_chance(world, 200))
            text[0] = '\0';
    }
    world_end(world, index, &outcome, text);
}

static enum answer probe_ends(struct world *world, size_t index)
{
    const struct world_op *op = &world->ops[index];
    const struct document *document = erp_document(world, op->what, op->key);
    struct op_outcome outcome = {.status = CN_OK, .answered = true};
    char text[64] = "";
    bool found = document->commits && document->seen_ms <= world->now_ms;

    if (found)
        snprintf(text, sizeof(text), "{\"number\":\"%s\"}", document->number);
    else
        outcome.status = CN_ABSENT;
    world_end(world, index, &outcome, text);
    return found ? ANSWER_WELL : ANSWER_ABSENT;
}

void answer_well(struct world *world, size_t index)
{
    const struct world_op *op = &world->ops[index];
    struct op_outcome outcome = {.status = CN_OK};
    enum op_kind kind = op->kind;
    enum answer answer = ANSWER_WELL;
    bool jq = op->jq;

    TRACE("end well %s %s %s\n", op_kind_text(kind), op->what, op->key);
    if (jq)
        world_end(world, index, &outcome, "{\"made\":\"by jq\"}");
    else if (kind == OP_POLL)
        poll_ends(world, index);
    else if (kind == OP_CALL)
        call_ends(world, index);
    else if (kind == OP_DELIVER)
        delivery_ends(world, index);
    else
        answer = probe_ends(world, index);
    watch_answer(kind, jq, answer);
}

/* ---- Otherwise ----------------------------------------------------------- */

static enum answer answer_of(cn_status status, bool answered)
{
    switch (status) {
    case CN_RATE_LIMITED:
        return ANSWER_RATE;
    case CN_AUTH:
        return ANSWER_AUTH;
    case CN_HOLD:
        return ANSWER_HOLD;
    case CN_REJECTED:
        return ANSWER_REJECTED;
    case CN_UNSUPPORTED:
        return ANSWER_UNSUPPORTED;
    case CN_CANCELLED:
        return ANSWER_CANCELLED;
    case CN_IN_DOUBT:
        return ANSWER_DOUBT;
    default:
        return answered ? ANSWER_RETRY : ANSWER_NO_ANSWER;
    }
}

/* Does this end count as an attempt of the record? */
static bool counts(const struct world_op *op, const struct op_outcome *outcome)
{
    return (op->kind == OP_CALL || op->kind == OP_DELIVER) && !op->jq &&
           op->run && outcome->status == CN_RETRY &&
           (outcome->answered || outcome->broken);
}

/* The plugin said so; the host knows the facts. */
static void end_said(struct world *world, size_t index, cn_status said,
                     const struct op_facts *facts)
{
    const struct world_op *op = &world->ops[index];
    struct op_outcome outcome = {
        .answered = facts->answered,
        .effect_sent = facts->effect_sent,
        .retry_after_ms =
            world_chance(world, 200) ? 1 + world_draw(world, 20000) : 0,
    };
    enum answer answer;
    bool overruled;

    outcome.status =
        op_conclude(op->kind, said, facts, &outcome.broken, &overruled);
    answer = outcome.broken ? ANSWER_BROKEN
             : overruled    ? ANSWER_OVERRULED
                            : answer_of(outcome.status, outcome.answered);
    TRACE("end %s %s %s: said %d, is %s%s\n", op_kind_text(op->kind), op->what,
          op->key, (int)said, op_status_text(outcome.status),
          outcome.answered ? "" : ", no answer");
    watch_answer(op->kind, op->jq, answer);
    watch_try(&world->watch, op->run, op->what, counts(op, &outcome));
    world_end(world, index, &outcome, "no");
}

/* Bytes with effect left and no definite answer came. */
static void end_in_doubt(struct world *world, size_t index)
{
    static const cn_status said[] = {CN_IN_DOUBT,  CN_IN_DOUBT, CN_IN_DOUBT,
                                     CN_RETRY,     CN_REJECTED, CN_HOLD,
                                     CN_CANCELLED, NO_STATUS};
    const struct world_op *op = &world->ops[index];
    const struct op_facts facts = {.network_host = true,
                                   .requested = true,
                                   .answered = world_chance(world, 200),
                                   .effect_sent = true,
                                   .doubt = true};

    if (strcmp(op->what, "deal/1") != 0)
        erp_fate(world, op->what, op->key);
    end_said(world, index, said[world_draw(world, 8)], &facts);
}

/* A definite no, or nothing was sent. */
static void end_badly(struct world *world, size_t index)
{
    static const cn_status said[] = {
        CN_RETRY, CN_RETRY,    CN_RATE_LIMITED, CN_AUTH,   CN_HOLD,
        CN_HOLD,  CN_REJECTED, CN_UNSUPPORTED,  NO_STATUS, CN_CANCELLED};
    const struct world_op *op = &world->ops[index];
    cn_status status = said[world_draw(world, 10)];
    struct op_facts facts = {.network_host = true,
                             .requested = true,
                             .answered = world_chance(world, 500)};

    /* One that is held holds up its lane: the way to runs that wait. */
    if (!strcmp(op->what, "activity/1") && world_chance(world, 600))
        status = CN_HOLD;
    if (op->kind == OP_DELIVER && facts.answered)
        facts.effect_sent = status != NO_STATUS && status != CN_CANCELLED;
    if (status == CN_RATE_LIMITED)
        facts.answered = false; /* as the host counts 429 */
    end_said(world, index, status, &facts);
}

static void end_poll_badly(struct world *world, size_t index)
{
    struct op_outcome outcome = {.status = world_chance(world, 700) ? CN_RETRY
                                                                    : CN_AUTH};

    watch_answer(OP_POLL, false,
                 outcome.status == CN_AUTH ? ANSWER_AUTH : ANSWER_NO_ANSWER);
    world_end(world, index, &outcome, "no");
}

/* The host ends it: time is over, or its plugin is gone. */
static void end_lost(struct world *world, size_t index, enum answer answer)
{
    const struct world_op *op = &world->ops[index];
    struct op_facts facts = {.network_host = true,
                             .requested = true,
                             .effect_sent = op->kind == OP_DELIVER &&
                                            world_chance(world, 700)};
    struct op_outcome outcome = {
        .status = op_conclude_lost(op->kind, &facts),
        .broken = true,
        .effect_sent = facts.effect_sent,
    };

    if (facts.effect_sent && strcmp(op->what, "deal/1") != 0)
        erp_fate(world, op->what, op->key);
    TRACE("lost %s %s %s: %s\n", op_kind_text(op->kind), op->what, op->key,
          op_status_text(outcome.status));
    if (op->jq)
        outcome.status = CN_RETRY;
    watch_answer(op->kind, op->jq,
                 op->kind == OP_POLL ? ANSWER_NO_ANSWER : answer);
    watch_try(&world->watch, op->run, op->what, counts(op, &outcome));
    world_end(world, index, &outcome, "ended by the host");
}

/* Half of the poisoned boxes are answered badly each time, of the others the
 * order is taken and never made, and nobody says so. */
static bool swallowed(struct world *world, const struct world_op *op)
{
    return (erp_box(world, op->key) - world->erp.boxes) % 2 != 0;
}

static bool poisoned(struct world *world, const struct world_op *op)
{
    bool post = op->kind == OP_DELIVER && !strcmp(op->what, "sales_order/1");

    return world->poison && !strcmp(op->key, world->poison) &&
           (post || (op->kind == OP_CALL && !swallowed(world, op)));
}

static void end_poisoned(struct world *world, size_t index)
{
    bool doubt = swallowed(world, &world->ops[index]);
    const struct op_facts facts = {.network_host = true,
                                   .requested = true,
                                   .answered = !doubt,
                                   .effect_sent = doubt,
                                   .doubt = doubt};

    end_said(world, index, doubt ? CN_IN_DOUBT : CN_RETRY, &facts);
}

/* ---- Which --------------------------------------------------------------- */

void answer_some(struct world *world)
{
    const struct world_op *op;
    size_t index;
    unsigned fate;

    if (!world->op_count)
        return;
    index = world_draw(world, (unsigned)world->op_count);
    op = &world->ops[index];
    fate = world_draw(world, 100);
    if (op->stuck && !world->calm)
        return;
    if (op->kind == OP_POLL && fate < 30 && !world->calm)
        end_poll_badly(world, index);
    else if (poisoned(world, op))
        end_poisoned(world, index);
    else if (fate < 62 || op->kind == OP_POLL || world->calm)
        answer_well(world, index);
    else if (fate < 83 && op->kind == OP_DELIVER)
        end_in_doubt(world, index);
    else if (op->jq)
        end_lost(world, index, ANSWER_BROKEN);
    else
        end_badly(world, index);
}

void answer_overdue(struct world *world)
{
    size_t index = 0;

    while (index < world->op_count) {
        if (world->ops[index].begun_ms + OP_TIMEOUT_MS > world->now_ms) {
            index++;
            continue;
        }
        end_lost(world, index, ANSWER_NEVER);
        index = 0;
    }
}

void answer_broken_all(struct world *world, const char *instance)
{
    uint64_t last = world->next_op; /* not those that begin meanwhile */
    size_t index = 0;

    while (index < world->op_count) {
        const struct world_op *op = &world->ops[index];
        if (op->number > last || strcmp(op->instance, instance) != 0) {
            index++;
            continue;
        }
        end_lost(world, index, ANSWER_BROKEN);
        index = 0;
    }
}

void answer_orphans(struct world *world)
{
    for (size_t index = 0; index < world->op_count; index++) {
        const struct world_op *op = &world->ops[index];
        if (op->kind == OP_DELIVER && !op->jq &&
            strcmp(op->what, "deal/1") != 0)
            erp_fate(world, op->what, op->key);
    }
    world->op_count = 0;
}
