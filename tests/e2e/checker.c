/* checker.c - the three ledgers, compared.
 *
 * One idea: everything is looked up by what both sides must know without each
 * other, the deal's key and the PO number made of it; what one side says about
 * itself is never taken as proof for it.  Pure; called by the stage after each
 * play, by the program e2e-check on stored ledgers, and by the checker's own
 * test with ledgers that are wrong. */
#include "checker.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>
#include <uthash.h>

#include "base/buf.h"
#include "base/memory.h"

enum {
    COMPLAINTS_BYTES_MAX = 1 << 20, /* the first ones matter */
    PO_LETTERS = 26,
    FIELD_MAX = 200,  /* of a line of an order */
    KEY_DIGITS = 15,  /* of a numeric key as SYSPRO stores it */
    SESSION_LEN = 32, /* hex digits of a session's id; the rest is the same */
    LINES_MAX = 10000
};

struct deal { /* what is known of one deal from all sides */
    const char *key;
    char po[CHECKER_PO_MAX];
    const cJSON *box;    /* as Streak has it; NULL: no such deal */
    size_t acknowledged; /* events answered 200 */
    size_t run_count;    /* of its events */
    bool order_done;     /* the daemon says so */
    const char *number;  /* and calls the order this */
    size_t order_count;  /* in the ERP */
    bool comment_done;   /* the daemon says so */
    size_t marked_count; /* comments with a mark in Streak */
    size_t unnamed;      /* different events answered 200 without a time */
    size_t others;       /* events stored that are none of the sender's named */
    UT_hash_handle by_key, by_po;
};

struct event {  /* of one deal */
    char *name; /* the deal's key, a line's end, the id */
    struct deal *deal;
    const char *id;
    bool acknowledged;
    bool stored;
    UT_hash_handle hh;
};

struct check {
    const cJSON *ledgers;
    struct deal *by_key, *by_po;
    struct event *events;
    struct buf complaints;
    size_t count;
};

PRINTF_LIKE(2, 3)
static void complain(struct check *check, const char *format, ...)
{
    va_list arguments;
    char line[600];

    va_start(arguments, format);
    vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    check->count++;
    buf_printf(&check->complaints, "%s\n", line);
}

static const char *text_of(const cJSON *object, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);

    return cJSON_IsString(item) ? item->valuestring : "";
}

static int64_t number_of(const cJSON *object, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);

    return cJSON_IsNumber(item) ? (int64_t)item->valuedouble : 0;
}

static const cJSON *list_of(const cJSON *object, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

/* ---- What both sides derive by themselves ---------------------------------
 */

void checker_po(const char *deal_key, char po[CHECKER_PO_MAX])
{
    static const char letters[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    unsigned char hash[20];
    size_t len = 3;

    crypto_generichash(hash, sizeof(hash), (const unsigned char *)deal_key,
                       strlen(deal_key), NULL, 0);
    memcpy(po, "ST-", len);
    for (size_t letter = 0; letter < PO_LETTERS; letter++) {
        unsigned value = 0;
        for (size_t bit = letter * 5; bit < letter * 5 + 5; bit++)
            value =
                value << 1 | (((unsigned)hash[bit / 8] >> (7 - bit % 8)) & 1u);
        po[len++] = letters[value];
    }
    po[len] = '\0';
}

/* Digits before the point without leading zeros, after it without trailing. */
static void plain_decimal(const char *text, const char **ret_whole,
                          size_t *ret_whole_len, const char **ret_part,
                          size_t *ret_part_len)
{
    while (*text == '0')
        text++;
    *ret_whole = text;
    *ret_whole_len = strspn(text, "0123456789");
    text += *ret_whole_len;
    *ret_part = *text == '.' ? text + 1 : text;
    *ret_part_len = strspn(*ret_part, "0123456789");
    while (*ret_part_len && (*ret_part)[*ret_part_len - 1] == '0')
        (*ret_part_len)--;
}

static bool is_decimal(const char *text)
{
    size_t whole = strspn(text, "0123456789");
    const char *rest = text + whole;

    if (*rest == '.')
        rest += 1 + strspn(rest + 1, "0123456789");
    return whole > 0 && !*rest;
}

int checker_same_decimal(const char *one, const char *other)
{
    const char *whole[2], *part[2];
    size_t whole_len[2], part_len[2];

    if (!is_decimal(one) || !is_decimal(other))
        return 0;
    plain_decimal(one, &whole[0], &whole_len[0], &part[0], &part_len[0]);
    plain_decimal(other, &whole[1], &whole_len[1], &part[1], &part_len[1]);
    return whole_len[0] == whole_len[1] && part_len[0] == part_len[1] &&
           !memcmp(whole[0], whole[1], whole_len[0]) &&
           !memcmp(part[0], part[1], part_len[0]);
}

int checker_same_key(const char *one, const char *other)
{
    char padded[2][KEY_DIGITS + 1];
    const char *const texts[2] = {one, other};

    for (size_t at = 0; at < 2; at++) {
        size_t len = strlen(texts[at]);
        if (!len || len > KEY_DIGITS || strspn(texts[at], "0123456789") != len)
            return !strcmp(one, other);
        memset(padded[at], '0', KEY_DIGITS);
        memcpy(padded[at] + KEY_DIGITS - len, texts[at], len + 1);
    }
    return !strcmp(padded[0], padded[1]);
}

/* ---- Deals --------------------------------------------------------------- */

static struct deal *deal_of(struct check *check, const char *key)
{
    struct deal *deal = NULL;

    HASH_FIND(by_key, check->by_key, key, strlen(key), deal);
    if (deal)
        return deal;
    deal = memory_zero(1, sizeof(*deal));
    deal->key = key;
    checker_po(key, deal->po);
    HASH_ADD_KEYPTR(by_key, check->by_key, deal->key, strlen(deal->key), deal);
    HASH_ADD(by_po, check->by_po, po, strlen(deal->po), deal);
    return deal;
}

static void read_deals(struct check *check)
{
    const cJSON *box;

    cJSON_ArrayForEach(box, list_of(check->ledgers, "deals"))
    {
        deal_of(check, text_of(box, "key"))->box = box;
    }
}

static struct event *event_of(struct check *check, struct deal *deal,
                              const char *id)
{
    struct event *event = NULL;
    char *name = NULL;

    if (asprintf(&name, "%s\n%s", deal->key, id) < 0)
        abort();
    HASH_FIND_STR(check->events, name, event);
    if (event) {
        free(name);
        return event;
    }
    event = memory_zero(1, sizeof(*event));
    event->name = name;
    event->deal = deal;
    event->id = name + strlen(deal->key) + 1;
    HASH_ADD_KEYPTR(hh, check->events, event->name, strlen(event->name), event);
    return event;
}

/* "KEY@TIME": the store must know it by this. */
static bool is_named(const struct event *event)
{
    size_t len = strlen(event->deal->key);

    return !strncmp(event->id, event->deal->key, len) && event->id[len] == '@';
}

/* I9 and the sender's half of I1; how many elements were answered 200. */
static int64_t read_sender(struct check *check)
{
    static const int contract[] = {0,   200, 400, 401, 404, 405,
                                   408, 413, 415, 429, 431, 503};
    const cJSON *entry, *key, *id;
    int64_t acknowledged = 0;

    cJSON_ArrayForEach(entry, list_of(check->ledgers, "sender"))
    {
        int64_t status = number_of(entry, "status");
        bool known = false;
        for (size_t at = 0; at < sizeof(contract) / sizeof(*contract); at++)
            known = known || contract[at] == status;
        if (!known)
            complain(check, "I9: a webhook was answered %lld",
                     (long long)status);
        if (status != 200)
            continue;
        id = list_of(entry, "ids") ? list_of(entry, "ids")->child : NULL;
        cJSON_ArrayForEach(key, list_of(entry, "keys"))
        {
            struct deal *deal = deal_of(check, key->valuestring);
            deal->acknowledged++;
            acknowledged++;
            if (id)
                event_of(check, deal, id->valuestring)->acknowledged = true;
            id = id ? id->next : NULL;
        }
    }
    return acknowledged;
}

/* ---- Runs ---------------------------------------------------------------- */

static void check_history(struct check *check, const cJSON *run,
                          const char *path, const char *act)
{
    const cJSON *entry;

    if (cJSON_IsTrue(list_of(run, "history_cut")))
        return;
    cJSON_ArrayForEach(entry, list_of(run, "history"))
    {
        const char *given = text_of(entry, "act");
        if (!strcmp(given, "delivery.adopted"))
            given = "delivery.done";
        if (!strcmp(given, "run.replays")) /* of a record accepted before */
            given = "event.accepted";
        if (!strcmp(given, act) &&
            (!path || !strcmp(text_of(entry, "path"), path)))
            return;
    }
    complain(check, "I6: run %lld has no entry %s%s%s",
             (long long)number_of(run, "run"), act, path ? " of " : "",
             path ? path : "");
}

/* I6: the last entry about a state says the state that is there now. */
static void check_last(struct check *check, const cJSON *run, const char *path,
                       const char *kind, const char *state)
{
    const char *last = "none";
    const cJSON *entry;

    if (cJSON_IsTrue(list_of(run, "history_cut")))
        return;
    cJSON_ArrayForEach(entry, list_of(run, "history"))
    {
        const char *act = text_of(entry, "act");
        if (strncmp(act, kind, strlen(kind)) || !strcmp(act, "run.replays") ||
            strcmp(text_of(entry, "path"), path))
            continue;
        last = act + strlen(kind);
    }
    if (strcmp(last, state))
        complain(check, "I6: run %lld%s%s is %s, its last entry says %s",
                 (long long)number_of(run, "run"), *path ? ", " : "", path,
                 state, last);
}

static void read_deliveries(struct check *check, const cJSON *run,
                            struct deal *deal)
{
    const cJSON *delivery;

    cJSON_ArrayForEach(delivery, list_of(run, "deliveries"))
    {
        const cJSON *reference = list_of(delivery, "reference");
        check_last(check, run, text_of(delivery, "path"), "delivery.",
                   text_of(delivery, "state"));
        if (!strcmp(text_of(delivery, "state"), "sending"))
            complain(check, "I5: run %lld still sends %s",
                     (long long)number_of(run, "run"),
                     text_of(delivery, "path"));
        if (strcmp(text_of(delivery, "state"), "done"))
            continue;
        check_history(check, run, text_of(delivery, "path"), "delivery.done");
        if (!strcmp(text_of(delivery, "type"), "activity/1"))
            deal->comment_done = true;
        if (strcmp(text_of(delivery, "type"), "sales_order/1"))
            continue;
        deal->order_done = true;
        if (deal->number &&
            !checker_same_key(deal->number, text_of(reference, "sales_order")))
            complain(check, "I2: deal %.40s is order %s and order %s",
                     deal->key, deal->number,
                     text_of(reference, "sales_order"));
        deal->number = text_of(reference, "sales_order");
    }
}

static bool at_rest(const cJSON *run)
{
    static const char *const words[] = {"done", "held", "parked", "discarded"};
    const char *state = text_of(run, "state");

    for (size_t at = 0; at < sizeof(words) / sizeof(*words); at++)
        if (!strcmp(state, words[at]))
            return true;
    return false;
}

/* The run in front of it, or NULL. */
static const cJSON *run_in_front(const struct check *check, const cJSON *run)
{
    int64_t behind = number_of(run, "behind");
    const cJSON *other;

    cJSON_ArrayForEach(other, list_of(check->ledgers, "runs"))
    {
        if (behind > 0 && number_of(other, "run") == behind)
            return other;
    }
    return NULL;
}

static void check_rest(struct check *check, const cJSON *run)
{
    const cJSON *front = run;

    for (int depth = 0; front && depth < LINES_MAX; depth++) {
        if (!strcmp(text_of(front, "state"), "held") ||
            !strcmp(text_of(front, "state"), "parked"))
            return;
        front = run_in_front(check, front);
    }
    complain(check, "I5: run %lld does not rest: %s",
             (long long)number_of(run, "run"), text_of(run, "state"));
}

static void read_runs(struct check *check)
{
    const cJSON *run;

    cJSON_ArrayForEach(run, list_of(check->ledgers, "runs"))
    {
        struct deal *deal =
            deal_of(check, text_of(list_of(run, "trigger"), "key"));
        deal->run_count++;
        event_of(check, deal, text_of(list_of(run, "trigger"), "id"))->stored =
            true;
        check_history(check, run, NULL, "event.accepted");
        check_last(check, run, "", "run.", text_of(run, "state"));
        if (!at_rest(run))
            check_rest(check, run);
        read_deliveries(check, run, deal);
    }
}

/* ---- Orders -------------------------------------------------------------- */

/* The next column of a deal's line of text, without blanks around. */
static const char *take_column(const char *text, char column[FIELD_MAX])
{
    size_t len = strcspn(text, ";\n"), start = 0, end = len;

    while (start < end && isspace((unsigned char)text[start]))
        start++;
    while (end > start && isspace((unsigned char)text[end - 1]))
        end--;
    snprintf(column, FIELD_MAX, "%.*s", (int)(end - start), text + start);
    return text[len] == ';' ? text + len + 1 : text + len;
}

static void check_line(struct check *check, const struct deal *deal, int index,
                       const cJSON *line, const char *const wanted[3])
{
    if (strcmp(text_of(line, "stock_code"), wanted[0]))
        complain(check, "I4: deal %.40s line %d: stock code %s, not %s",
                 deal->key, index + 1, text_of(line, "stock_code"), wanted[0]);
    if (!checker_same_decimal(text_of(line, "quantity"), wanted[1]))
        complain(check, "I4: deal %.40s line %d: quantity %s, not %s",
                 deal->key, index + 1, text_of(line, "quantity"), wanted[1]);
    if (*wanted[2] &&
        (!checker_same_decimal(text_of(line, "price_sent"), wanted[2]) ||
         !checker_same_decimal(text_of(line, "price"), wanted[2])))
        complain(check, "I4: deal %.40s line %d: price %s (sent %s), not %s",
                 deal->key, index + 1, text_of(line, "price"),
                 text_of(line, "price_sent"), wanted[2]);
}

static void check_lines(struct check *check, const struct deal *deal,
                        const cJSON *detail)
{
    const char *text = text_of(list_of(deal->box, "fields"), "Order lines");
    const cJSON *lines = list_of(detail, "lines");
    char columns[3][FIELD_MAX];
    const char *const wanted[3] = {columns[0], columns[1], columns[2]};
    int index = 0;

    while (*text && index < LINES_MAX) {
        for (int column = 0; column < 3; column++)
            text = take_column(text, columns[column]);
        text += strcspn(text, "\n");
        text += *text == '\n';
        if (!*columns[0])
            continue;
        check_line(check, deal, index, cJSON_GetArrayItem(lines, index),
                   wanted);
        index++;
    }
    if (index != cJSON_GetArraySize(lines))
        complain(check, "I4: deal %.40s has %d lines, its order %d", deal->key,
                 index, cJSON_GetArraySize(lines));
}

/* The deal's own field wins over its first organization's. */
static const char *customer_of(const struct check *check,
                               const struct deal *deal)
{
    const char *own = text_of(list_of(deal->box, "fields"), "SYSPRO customer");
    const cJSON *link =
        cJSON_GetArrayItem(list_of(deal->box, "organizations"), 0);

    if (*own)
        return own;
    return text_of(
        list_of(list_of(check->ledgers, "organizations"), text_of(link, "key")),
        "SYSPRO customer");
}

static void check_customer(struct check *check, const struct deal *deal,
                           const cJSON *detail)
{
    const char *wanted = customer_of(check, deal);
    const char *given = text_of(detail, "customer");

    if (!*wanted)
        complain(check,
                 "I4: deal %.60s has an order and no customer to hold "
                 "against %s",
                 deal->key, given);
    else if (!checker_same_key(wanted, given))
        complain(check, "I4: deal %.60s: customer %s, not %s", deal->key, given,
                 wanted);
}

static void check_order(struct check *check, const cJSON *order)
{
    const char *po = text_of(order, "reference");
    const cJSON *detail = list_of(order, "detail");
    struct deal *deal = NULL;

    HASH_FIND(by_po, check->by_po, po, strlen(po), deal);
    if (!deal || !deal->run_count) {
        complain(check, "I3: order %s with PO %s has no stored event",
                 text_of(detail, "sales_order"), po);
        return;
    }
    deal->order_count++;
    if (number_of(order, "commits") > 1)
        complain(check, "I2: order %s was changed after it was made",
                 text_of(detail, "sales_order"));
    if (deal->number &&
        !checker_same_key(deal->number, text_of(detail, "sales_order")))
        complain(check,
                 "I2: deal %.40s is order %s in the ERP, %s in the "
                 "store",
                 deal->key, text_of(detail, "sales_order"), deal->number);
    if (!deal->box)
        return;
    check_customer(check, deal, detail);
    check_lines(check, deal, detail);
}

struct mark {   /* of a comment: what it is found again by */
    char *name; /* the box's key, a line's end, "[ext:..]" */
    UT_hash_handle hh;
};

/* The first one is noted, another one is too many. */
static void check_mark(struct check *check, struct mark **marks,
                       const char *box, const char *words)
{
    struct mark *mark = NULL;
    char *name = NULL;

    if (asprintf(&name, "%s\n%.*s", box, (int)strcspn(words, "]"), words) < 0)
        abort();
    HASH_FIND_STR(*marks, name, mark);
    if (mark) {
        complain(check, "I2: deal %.60s has more than one comment %.100s", box,
                 words);
        free(name);
        return;
    }
    mark = memory_zero(1, sizeof(*mark));
    mark->name = name;
    HASH_ADD_KEYPTR(hh, *marks, mark->name, strlen(mark->name), mark);
}

/* I2 of comments.  What has no mark is a person's. */
static void check_comments(struct check *check)
{
    struct mark *marks = NULL, *mark, *next;
    const cJSON *comment;

    cJSON_ArrayForEach(comment, list_of(check->ledgers, "comments"))
    {
        const cJSON *detail = list_of(comment, "detail");
        const char *box = text_of(detail, "boxKey");
        const char *words = strstr(text_of(detail, "message"), "[ext:");
        if (!words || !strcmp(text_of(comment, "change"), "delete"))
            continue;
        deal_of(check, box)->marked_count++;
        check_mark(check, &marks, box, words);
    }
    HASH_ITER(hh, marks, mark, next)
    {
        HASH_DEL(marks, mark);
        free(mark->name);
        free(mark);
    }
}

static void check_deal(struct check *check, const struct deal *deal)
{
    if (deal->acknowledged && !deal->run_count)
        complain(check, "I1: deal %.60s: %zu events answered 200, none stored",
                 deal->key, deal->acknowledged);
    if (deal->unnamed >
        deal->others + (size_t)number_of(check->ledgers, "runless"))
        complain(check,
                 "I1: deal %.60s: %zu events without a time answered 200, %zu "
                 "stored",
                 deal->key, deal->unnamed, deal->others);
    if (deal->order_count > 1)
        complain(check, "I2: deal %.60s has %zu orders (PO %s)", deal->key,
                 deal->order_count, deal->po);
    if (deal->order_done && deal->order_count == 0)
        complain(check, "I2: deal %.60s is done without an order (PO %s)",
                 deal->key, deal->po);
    if (deal->comment_done && list_of(check->ledgers, "comments") &&
        !deal->marked_count)
        complain(check, "I2: deal %.60s has not the comment that is done",
                 deal->key);
    if (deal->order_done && deal->box &&
        strcmp(text_of(list_of(deal->box, "fields"), "SYSPRO order"), "") &&
        !checker_same_key(text_of(list_of(deal->box, "fields"), "SYSPRO order"),
                          deal->number))
        complain(check, "I2: deal %.60s carries order %s, not %s", deal->key,
                 text_of(list_of(deal->box, "fields"), "SYSPRO order"),
                 deal->number);
}

/* I1 of each event.  What has no time cannot be found by its name: of these as
 * many must be stored as were different. */
static void check_events(struct check *check)
{
    int64_t missing = 0, runless = number_of(check->ledgers, "runless");
    struct event *event, *next;

    HASH_ITER(hh, check->events, event, next)
    {
        bool named = is_named(event);
        event->deal->unnamed += event->acknowledged && !named;
        event->deal->others += event->stored && !(event->acknowledged && named);
        missing += event->acknowledged && named && !event->stored;
    }
    if (missing <= runless)
        return;
    HASH_ITER(hh, check->events, event, next)
    {
        if (event->acknowledged && is_named(event) && !event->stored)
            complain(check, "I1: event %.120s was answered 200, not stored",
                     event->id);
    }
}

static void check_counts(struct check *check, int64_t acknowledged)
{
    const cJSON *status = list_of(check->ledgers, "status");
    int64_t stored =
        number_of(status, "events") + number_of(status, "duplicates");

    if (acknowledged > stored)
        complain(check, "I1: %lld events answered 200, the store counts %lld",
                 (long long)acknowledged, (long long)stored);
}

/* I7: none of the forbidden words is in any of the texts. */
static void check_texts(struct check *check)
{
    const cJSON *text, *word;

    cJSON_ArrayForEach(text, list_of(check->ledgers, "texts"))
    {
        cJSON_ArrayForEach(word, list_of(check->ledgers, "forbidden"))
        {
            const char *found =
                strcasestr(text_of(text, "text"), word->valuestring);
            if (found)
                complain(check, "I7: %s has \"%.40s\": %.200s",
                         text_of(text, "where"), word->valuestring, found);
        }
    }
}

struct session {
    const char *id;
    UT_hash_handle hh;
};

/* There may be hundreds of them and the log is long: one look at each place
 * that can be one. */
static void check_sessions_in(struct check *check,
                              const struct session *sessions,
                              const cJSON *where)
{
    static const char digits[] = "0123456789ABCDEF";
    const char *at = text_of(where, "text");
    const struct session *found;

    while (*at) {
        size_t len = strspn(at, digits);
        for (size_t from = 0; from + SESSION_LEN <= len; from++) {
            HASH_FIND(hh, sessions, at + from, SESSION_LEN, found);
            if (found)
                complain(check, "I7: %s has a session: %.200s",
                         text_of(where, "where"), at + from);
        }
        at += len;
        at += strcspn(at, digits);
    }
}

static void check_sessions(struct check *check)
{
    struct session *sessions = NULL, *session, *next;
    const cJSON *id, *text;

    cJSON_ArrayForEach(id, list_of(check->ledgers, "sessions"))
    {
        if (strlen(id->valuestring) < SESSION_LEN)
            continue;
        session = memory_zero(1, sizeof(*session));
        session->id = id->valuestring;
        HASH_ADD_KEYPTR(hh, sessions, session->id, SESSION_LEN, session);
    }
    cJSON_ArrayForEach(text, list_of(check->ledgers, "texts"))
    {
        check_sessions_in(check, sessions, text);
    }
    HASH_ITER(hh, sessions, session, next)
    {
        HASH_DEL(sessions, session);
        free(session);
    }
}

/* Is more open or in use than five in a hundred above what it was? */
static void check_back(struct check *check, const cJSON *program,
                       const char *before, const char *after)
{
    int64_t was = number_of(program, before), is = number_of(program, after);

    if (is * 20 > was * 21)
        complain(check, "I8: %s: %lld, after the run %lld", before,
                 (long long)was, (long long)is);
}

/* I8: what the daemon's process was and left. */
static void check_program(struct check *check)
{
    static const char *const words[] = {"AddressSanitizer",
                                        "runtime error:", "LeakSanitizer",
                                        "ThreadSanitizer", "Assertion"};
    const cJSON *program = list_of(check->ledgers, "program");
    const char *log = text_of(program, "log");

    for (size_t at = 0; at < sizeof(words) / sizeof(*words); at++)
        if (strstr(log, words[at]))
            complain(check, "I8: the log says: %.400s", strstr(log, words[at]));
    /* One that was killed at once may not have come to say it. */
    if (number_of(program, "starts") > number_of(program, "planned_starts"))
        complain(check, "I8: %lld starts, %lld of them planned",
                 (long long)number_of(program, "starts"),
                 (long long)number_of(program, "planned_starts"));
    if (number_of(program, "cores"))
        complain(check, "I8: the daemon ended by a signal that leaves a core");
    check_back(check, program, "descriptors", "descriptors_after");
    check_back(check, program, "memory", "memory_after");
}

static void forget(struct check *check)
{
    struct deal *deal, *next;
    struct event *event, *later;

    HASH_ITER(hh, check->events, event, later)
    {
        HASH_DEL(check->events, event);
        free(event->name);
        free(event);
    }
    HASH_CLEAR(by_po, check->by_po);
    HASH_ITER(by_key, check->by_key, deal, next)
    {
        HASH_DELETE(by_key, check->by_key, deal);
        free(deal);
    }
}

size_t checker_compare(const cJSON *ledgers, char **ret_complaints)
{
    struct check check = {.ledgers = ledgers};
    struct deal *deal, *next;
    const cJSON *order;
    int64_t acknowledged;

    if (sodium_init() < 0)
        abort();
    buf_init(&check.complaints, COMPLAINTS_BYTES_MAX);
    read_deals(&check);
    acknowledged = read_sender(&check);
    check_counts(&check, acknowledged);
    read_runs(&check);
    cJSON_ArrayForEach(order, list_of(ledgers, "orders"))
    {
        check_order(&check, order);
    }
    check_comments(&check);
    check_events(&check);
    HASH_ITER(by_key, check.by_key, deal, next)
    {
        check_deal(&check, deal);
    }
    check_texts(&check);
    check_sessions(&check);
    check_program(&check);
    forget(&check);
    *ret_complaints = buf_take(&check.complaints);
    return check.count;
}
