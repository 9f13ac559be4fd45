/* watch.c - the history of every run and delivery, from the audit.
 *
 * One idea: the audit has an entry for every change of state, written in the
 * same transaction; reading it is watching the store without asking it.  The
 * legal changes of state stand in two tables here, apart from the code that
 * makes them. */
#include "watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "disk.h"
#include "world.h"

struct event_seen {
    char hex[65];
    UT_hash_handle hh;
};

static const char *const run_names[] = {"queued",  "ready",     "active",
                                        "waiting", "held",      "parked",
                                        "done",    "discarded", "new"};
static const char *const delivery_names[] = {"ready",     "sending", "in_doubt",
                                             "done",      "held",    "parked",
                                             "discarded", "new"};

/* Of all seeds. */
static uint64_t run_moves[WATCH_RUN_STATES + 1][WATCH_RUN_STATES];
static uint64_t delivery_moves[WATCH_DELIVERY_STATES + 1]
                              [WATCH_DELIVERY_STATES];
static uint64_t run_faults[FAULT_COUNT][WATCH_RUN_STATES];
static uint64_t delivery_faults[FAULT_COUNT][WATCH_DELIVERY_STATES];
static uint64_t answers[ANSWER_COUNT][OP_CALL + 1];
static uint64_t acts[ACT_COUNT][WATCH_RUN_STATES][2];
static uint64_t pruned, overtaken;

/* ---- What is legal ------------------------------------------------------- */

#define TO(name) (1u << RUN_##name)
static const unsigned run_legal[] = {
    [RUN_QUEUED] = TO(READY) | TO(DISCARDED),
    [RUN_READY] = TO(ACTIVE) | TO(DISCARDED) | TO(READY), /* settled */
    [RUN_ACTIVE] = TO(READY) | TO(WAITING) | TO(HELD) | TO(PARKED) | TO(DONE),
    [RUN_WAITING] = TO(READY) | TO(DISCARDED),
    [RUN_HELD] = TO(READY) | TO(DISCARDED),
    [RUN_PARKED] = TO(READY) | TO(DISCARDED),
    [RUN_DONE] = 0,
    [RUN_DISCARDED] = 0,
    [WATCH_RUN_NEW] = TO(QUEUED) | TO(READY) | TO(ACTIVE),
};
#undef TO
#define TO(name) (1u << DELIVERY_##name)
static const unsigned delivery_legal[] = {
    [DELIVERY_READY] =
        TO(SENDING) | TO(DONE) | TO(DISCARDED) | TO(IN_DOUBT), /* likewise */
    [DELIVERY_SENDING] =
        TO(READY) | TO(IN_DOUBT) | TO(DONE) | TO(HELD) | TO(PARKED),
    [DELIVERY_IN_DOUBT] = TO(READY) | TO(IN_DOUBT) | TO(DONE) | TO(PARKED),
    [DELIVERY_DONE] = 0,
    [DELIVERY_HELD] = TO(READY) | TO(DISCARDED),
    [DELIVERY_PARKED] =
        TO(READY) | TO(IN_DOUBT) | TO(DISCARDED) | TO(DONE), /* settled */
    [DELIVERY_DISCARDED] = 0,
    [WATCH_DELIVERY_NEW] = /* in doubt: a backup was put back */
    TO(READY) | TO(SENDING) | TO(IN_DOUBT),
};
#undef TO

/* The entry under way was counted and judged by an opening before this one. */
static bool seen_before(const struct watch *watch)
{
    return watch->sequence <= watch->seen;
}

/* ---- One entry ----------------------------------------------------------- */

static unsigned state_of(const char *const *names, unsigned count,
                         const char *name)
{
    unsigned state = 0;

    while (state < count && strcmp(names[state], name) != 0)
        state++;
    return state;
}

static struct watch_run *run_at(struct world *world, uint64_t number)
{
    struct watch *watch = &world->watch;

    if (!number || number >= WATCH_RUNS_MAX)
        world_broken(world, "run %llu is more than the harness holds",
                     (unsigned long long)number);
    while (watch->run_count < number) {
        struct watch_run *run = &watch->runs[++watch->run_count];
        run->state = WATCH_RUN_NEW; /* its tries are ours and stay */
        run->pending = 0;
        memset(run->deliveries, 0, sizeof(run->deliveries));
    }
    return &watch->runs[number];
}

/* ---- Attempts ------------------------------------------------------------ */

void watch_try(struct watch *watch, uint64_t number, const char *what,
               bool counted)
{
    static const char *const kinds[WATCH_TRIES_MAX] = {
        "read_deal", "sales_order/1", "activity/1", "deal/1"};
    struct watch_run *run;

    if (!number || number > watch->run_count)
        return;
    run = &watch->runs[number];
    run->pending = 0;
    for (unsigned index = 0; counted && index < WATCH_TRIES_MAX; index++) {
        if (!strcmp(kinds[index], what))
            run->pending = (uint8_t)(index + 1);
    }
}

/* The try is stored: the run comes again, which it may do some times only. */
static void try_stored(struct world *world, uint64_t number)
{
    /* A run reads twice, and leaves up to four remarks. */
    static const unsigned steps[WATCH_TRIES_MAX] = {2, 1, 4, 1};
    struct watch_run *run = run_at(world, number);
    unsigned place = run->pending;

    run->pending = 0;
    if (place &&
        ++run->tries[place - 1] > steps[place - 1] * (WATCH_ATTEMPTS_MAX - 1))
        world_broken(world, "run %llu is tried again after %u attempts",
                     (unsigned long long)number, run->tries[place - 1]);
}

static void tries_forgotten(struct world *world, uint64_t number)
{
    struct watch_run *run = run_at(world, number);

    memset(run->tries, 0, sizeof(run->tries));
}

/* A delivery that may be repeated safely is, while nothing is answered. */
static bool resends_freely(const char *path)
{
    return !strcmp(path, "tell");
}

/* From the audit alone, so over deaths and restored backups too: what it does
 * not know any more, the store does not either. */
static void doubt_moved(struct world *world, uint64_t number,
                        struct watch_delivery *delivery, unsigned to)
{
    if (to == DELIVERY_IN_DOUBT)
        delivery->doubted = true;
    if (to != DELIVERY_SENDING)
        return;
    if (delivery->doubted && !resends_freely(delivery->path) &&
        ++delivery->resent >= WATCH_ATTEMPTS_MAX)
        world_broken(world, "delivery %s of run %llu is sent again after %u",
                     delivery->path, (unsigned long long)number,
                     (unsigned)delivery->resent);
    delivery->doubted = false;
}

static void doubts_forgotten(struct world *world, uint64_t number)
{
    struct watch_run *run = run_at(world, number);

    for (size_t index = 0; index < WATCH_PATHS_MAX; index++) {
        struct watch_delivery *delivery = &run->deliveries[index];
        delivery->resent = 0;
        if (delivery->state == DELIVERY_READY) /* it was absent */
            delivery->doubted = false;
    }
}

static void run_moved(struct world *world, uint64_t number, const char *name)
{
    struct watch *watch = &world->watch;
    struct watch_run *run = run_at(world, number);
    unsigned to = state_of(run_names, WATCH_RUN_STATES, name);

    if (!strcmp(name, "replays"))
        return; /* says of which run it is the copy */
    if (to == WATCH_RUN_STATES || !(run_legal[run->state] & 1u << to))
        world_broken(world, "run %llu goes from %s to %s",
                     (unsigned long long)number, run_names[run->state], name);
    if (!seen_before(watch))
        run_moves[run->state][to]++;
    if (run->state != WATCH_RUN_NEW)
        watch->run_states[run->state]--;
    watch->run_states[to]++;
    run->state = (uint8_t)to;
}

static struct watch_delivery *
delivery_at(struct world *world, struct watch_run *run, const char *path)
{
    struct watch_delivery *free_one = NULL;

    for (size_t index = 0; index < WATCH_PATHS_MAX; index++) {
        struct watch_delivery *delivery = &run->deliveries[index];
        if (!strcmp(delivery->path, path))
            return delivery;
        if (!*delivery->path && !free_one)
            free_one = delivery;
    }
    if (!free_one)
        world_broken(world, "more deliveries of a run than the harness holds");
    snprintf(free_one->path, sizeof(free_one->path), "%s", path);
    free_one->state = WATCH_DELIVERY_NEW;
    return free_one;
}

static void delivery_moved(struct world *world, uint64_t number,
                           const char *path, const char *name)
{
    struct watch *watch = &world->watch;
    struct watch_delivery *delivery;
    unsigned to = state_of(delivery_names, WATCH_DELIVERY_STATES, name);

    if (to == WATCH_DELIVERY_STATES)
        return; /* "adopted", "body": no change of state */
    delivery = delivery_at(world, run_at(world, number), path);
    if (!(delivery_legal[delivery->state] & 1u << to))
        world_broken(world, "delivery %s of run %llu goes from %s to %s", path,
                     (unsigned long long)number,
                     delivery_names[delivery->state], name);
    if (!seen_before(watch))
        delivery_moves[delivery->state][to]++;
    if (delivery->state != WATCH_DELIVERY_NEW)
        watch->delivery_states[delivery->state]--;
    watch->delivery_states[to]++;
    delivery->state = (uint8_t)to;
    doubt_moved(world, number, delivery, to);
}

/* The run begins anew: its deliveries are forgotten. */
static void run_restarted(struct world *world, uint64_t number)
{
    struct watch_run *run = run_at(world, number);

    for (size_t index = 0; index < WATCH_PATHS_MAX; index++) {
        struct watch_delivery *delivery = &run->deliveries[index];
        if (*delivery->path && delivery->state != WATCH_DELIVERY_NEW)
            world->watch.delivery_states[delivery->state]--;
        memset(delivery, 0, sizeof(*delivery));
    }
}

static void event_accepted(struct world *world, const char *detail)
{
    struct watch *watch = &world->watch;
    struct event_seen *seen;
    char hex[65] = "";

    sscanf(detail, "event:%64s", hex);
    HASH_FIND_STR(watch->events, hex, seen);
    if (seen)
        world_broken(world, "DOUBLED: one event was accepted twice (%s)", hex);
    seen = calloc(1, sizeof(*seen));
    if (!seen)
        abort();
    memcpy(seen->hex, hex, sizeof(hex));
    HASH_ADD_STR(watch->events, hex, seen);
    watch->accepted++;
}

static void rows_pruned(const char *detail)
{
    const char *runs = strstr(detail, "runs:");

    pruned += runs ? strtoull(runs + strlen("runs:"), NULL, 10) : 0;
}

/* A newer version took its place: of what was delivered nothing, that is. */
static void run_overtaken(struct world *world, uint64_t number)
{
    static const enum delivery_state sent[] = {
        DELIVERY_SENDING, DELIVERY_IN_DOUBT, DELIVERY_DONE};

    for (size_t index = 0; index < sizeof(sent) / sizeof(*sent); index++) {
        if (watch_find(&world->watch, number, sent[index]))
            world_broken(world, "run %llu is overtaken, a delivery of it is %s",
                         (unsigned long long)number,
                         delivery_names[sent[index]]);
    }
    overtaken += !seen_before(&world->watch);
}

static void entry_seen(struct world *world, const char *act, uint64_t run,
                       const char *path, const char *detail)
{
    if (tracing && !seen_before(&world->watch))
        printf("    %s %llu %s %s\n", act, (unsigned long long)run, path,
               detail);
    if (!seen_before(&world->watch) && !strcmp(act, "run.ready") &&
        !strcmp(detail, "retry"))
        try_stored(world, run);
    if (!seen_before(&world->watch) && !strncmp(act, "act.", 4))
        tries_forgotten(world, run);
    if (!strncmp(act, "act.", 4) && run)
        doubts_forgotten(world, run);
    if (!seen_before(&world->watch) && !strcmp(act, "store.pruned"))
        rows_pruned(detail);
    if (!strcmp(act, "run.discarded") && !strcmp(detail, "overtaken"))
        run_overtaken(world, run);
    if (!strncmp(act, "run.", 4))
        run_moved(world, run, act + 4);
    else if (!strncmp(act, "delivery.", 9))
        delivery_moved(world, run, path, act + 9);
    else if (!strcmp(act, "act.restart"))
        run_restarted(world, run);
    else if (!strcmp(act, "event.accepted"))
        event_accepted(world, detail);
}

/* ---- Looking ------------------------------------------------------------- */

static const char *text_at(sqlite3_stmt *row, int column)
{
    const char *text = (const char *)sqlite3_column_text(row, column);

    return text ? text : "";
}

static sqlite3_stmt *prepare(struct world *world, const char *sql)
{
    sqlite3_stmt *row = NULL;

    if (sqlite3_prepare_v2(world->watch.handle, sql, -1, &row, NULL))
        world_broken(world, "beside the store: %s",
                     sqlite3_errmsg(world->watch.handle));
    return row;
}

void watch_look(struct world *world)
{
    struct watch *watch = &world->watch;
    int code;

    if (!watch->handle)
        return;
    disk_observe(true);
    sqlite3_bind_int64(watch->next, 1, (sqlite3_int64)watch->sequence);
    while ((code = sqlite3_step(watch->next)) == SQLITE_ROW) {
        watch->sequence = (uint64_t)sqlite3_column_int64(watch->next, 0);
        entry_seen(world, text_at(watch->next, 1),
                   (uint64_t)sqlite3_column_int64(watch->next, 2),
                   text_at(watch->next, 3), text_at(watch->next, 4));
        memcpy(watch->hash, sqlite3_column_blob(watch->next, 5),
               sizeof(watch->hash));
    }
    sqlite3_reset(watch->next);
    disk_observe(false);
    if (code != SQLITE_DONE)
        world_broken(world, "the audit cannot be read: %s",
                     sqlite3_errmsg(watch->handle));
}

static void forget(struct watch *watch)
{
    struct event_seen *seen, *next;

    HASH_ITER(hh, watch->events, seen, next)
    {
        HASH_DEL(watch->events, seen);
        free(seen);
    }
    watch->accepted = 0;
    watch->run_count = 0;
    watch->sequence = 0;
    memset(watch->run_states, 0, sizeof(watch->run_states));
    memset(watch->delivery_states, 0, sizeof(watch->delivery_states));
}

/* The entry that was the last one seen is there and is the same. */
static void check_kept(struct world *world, uint64_t sequence,
                       const unsigned char hash[32])
{
    sqlite3_stmt *row =
        prepare(world, "SELECT hash FROM audit WHERE sequence = ?1");

    sqlite3_bind_int64(row, 1, (sqlite3_int64)sequence);
    if (sqlite3_step(row) != SQLITE_ROW ||
        memcmp(sqlite3_column_blob(row, 0), hash, 32) != 0)
        world_broken(world,
                     "LOST: entry %llu of the audit was answered as kept and "
                     "is gone",
                     (unsigned long long)sequence);
    sqlite3_finalize(row);
}

void watch_open(struct world *world)
{
    struct watch *watch = &world->watch;
    char path[128];
    uint64_t sequence = watch->sequence;
    unsigned char hash[32];
    size_t accepted = watch->accepted;

    memcpy(hash, watch->hash, sizeof(hash));
    if (!watch->runs)
        watch->runs = calloc(WATCH_RUNS_MAX, sizeof(*watch->runs));
    snprintf(path, sizeof(path), "%s/connect.db", world->directory);
    disk_observe(true);
    if (sqlite3_open_v2(path, &watch->handle,
                        SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL))
        world_broken(world, "beside the store: %s",
                     sqlite3_errmsg(watch->handle));
    sqlite3_db_config(watch->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    watch->next = prepare(world, "SELECT sequence, act, run, path, detail, hash"
                                 " FROM audit WHERE sequence > ?1"
                                 " ORDER BY sequence");
    if (sequence)
        check_kept(world, sequence, hash);
    disk_observe(false);
    forget(watch);
    watch->seen = sequence;
    watch_look(world);
    if (watch->accepted < accepted)
        world_broken(world, "LOST: %zu events were accepted, %zu are there",
                     accepted, watch->accepted);
    watch_compare(world);
}

void watch_close(struct world *world)
{
    struct watch *watch = &world->watch;

    if (!watch->handle)
        return;
    disk_observe(true);
    sqlite3_finalize(watch->next);
    sqlite3_close(watch->handle);
    disk_observe(false);
    watch->handle = NULL;
}

void watch_done(struct world *world)
{
    watch_close(world);
    forget(&world->watch);
    free(world->watch.runs);
    world->watch.runs = NULL;
}

static void compare_rows(struct world *world, const char *sql, bool deliveries)
{
    struct watch *watch = &world->watch;
    sqlite3_stmt *row = prepare(world, sql);
    int code;

    while ((code = sqlite3_step(row)) == SQLITE_ROW) {
        uint64_t number = (uint64_t)sqlite3_column_int64(row, 0);
        unsigned state = (unsigned)sqlite3_column_int(row, 1);
        struct watch_run *run = run_at(world, number);
        struct watch_delivery *delivery =
            deliveries ? delivery_at(world, run, text_at(row, 2)) : NULL;
        unsigned seen = delivery ? delivery->state : run->state;
        if (state != seen)
            world_broken(world,
                         "%s%s of run %llu is in state %u, its history ends "
                         "in %u",
                         deliveries ? "delivery " : "the row",
                         deliveries ? text_at(row, 2) : "",
                         (unsigned long long)number, state, seen);
        *(delivery ? &delivery->there : &run->there) = true;
    }
    if (code != SQLITE_DONE)
        world_broken(world, "a table cannot be read: %s",
                     sqlite3_errmsg(watch->handle));
    sqlite3_finalize(row);
}

static void nothing_there(struct watch *watch)
{
    for (uint64_t number = 1; number <= watch->run_count; number++) {
        watch->runs[number].there = false;
        for (size_t index = 0; index < WATCH_PATHS_MAX; index++)
            watch->runs[number].deliveries[index].there = false;
    }
}

/* What the history tells of has its row; only a finished run may be
 * forgotten. */
static void check_there(struct world *world, uint64_t number)
{
    const struct watch_run *run = &world->watch.runs[number];

    if (!run->there && run->state != RUN_DONE && run->state != RUN_DISCARDED &&
        run->state != WATCH_RUN_NEW)
        world_broken(world, "LOST: run %llu is gone, its history ends in %s",
                     (unsigned long long)number, run_names[run->state]);
    if (!run->there && run->state != WATCH_RUN_NEW && !world_prunes(world))
        world_broken(world, "LOST: run %llu is forgotten, and nothing may be",
                     (unsigned long long)number);
    for (size_t index = 0; run->there && index < WATCH_PATHS_MAX; index++) {
        const struct watch_delivery *delivery = &run->deliveries[index];
        if (*delivery->path && !delivery->there)
            world_broken(world, "LOST: delivery %s of run %llu is gone",
                         delivery->path, (unsigned long long)number);
    }
}

/* Each parked run is told of, and no alert stands without its cause. */
static void compare_alerts(struct world *world)
{
    static const char sql[] =
        "SELECT coalesce(kind, cause), coalesce(total, 0), coalesce(count, 0)"
        " FROM (SELECT 'parked:' || flow || ':' || coalesce(code, 'other') AS"
        " kind, count(*) AS total FROM run WHERE state = 5 GROUP BY kind)"
        " FULL JOIN (SELECT cause, count FROM alert WHERE cause GLOB"
        " 'parked:*') ON cause = kind WHERE count IS NOT total"
        " UNION ALL SELECT cause, 0, count FROM alert WHERE cause GLOB"
        " 'doubt:*' AND NOT EXISTS (SELECT 1 FROM delivery WHERE"
        " run = CAST(substr(cause, 7) AS INTEGER) AND doubt = 1) LIMIT 1";
    sqlite3_stmt *row = prepare(world, sql);
    int code = sqlite3_step(row);

    if (code == SQLITE_ROW)
        world_broken(world, "the alert %s says %lld, and %lld is right",
                     text_at(row, 0), (long long)sqlite3_column_int64(row, 2),
                     (long long)sqlite3_column_int64(row, 1));
    if (code != SQLITE_DONE)
        world_broken(world, "the alerts cannot be read: %s",
                     sqlite3_errmsg(world->watch.handle));
    sqlite3_finalize(row);
}

void watch_compare(struct world *world)
{
    struct watch *watch = &world->watch;

    nothing_there(watch);
    disk_observe(true);
    compare_alerts(world);
    compare_rows(world, "SELECT number, state FROM run", false);
    compare_rows(world, "SELECT run, state, path FROM delivery", true);
    disk_observe(false);
    for (uint64_t number = 1; number <= watch->run_count; number++)
        check_there(world, number);
}

void watch_verify(struct world *world)
{
    struct error err = {""};

    disk_observe(true);
    if (store_verify(world->store, &err))
        world_broken(world, "the audit chain is broken: %s", err.text);
    disk_observe(false);
}

enum run_state watch_run_state(const struct watch *watch, uint64_t run)
{
    return run && run <= watch->run_count
               ? (enum run_state)watch->runs[run].state
               : (enum run_state)WATCH_RUN_NEW;
}

struct watch_delivery *watch_find(struct watch *watch, uint64_t run,
                                  enum delivery_state state)
{
    if (!run || run > watch->run_count)
        return NULL;
    for (size_t index = 0; index < WATCH_PATHS_MAX; index++) {
        struct watch_delivery *delivery = &watch->runs[run].deliveries[index];
        if (*delivery->path && delivery->state == state)
            return delivery;
    }
    return NULL;
}

uint64_t watch_run_with(struct watch *watch, enum delivery_state state,
                        unsigned from)
{
    for (uint64_t index = 0; index < watch->run_count; index++) {
        uint64_t run = 1 + (from + index) % watch->run_count;
        if (watch_find(watch, run, state))
            return run;
    }
    return 0;
}

struct watch_mark watch_mark(const struct watch *watch)
{
    struct watch_mark mark = {.sequence = watch->sequence,
                              .accepted = watch->accepted};

    memcpy(mark.hash, watch->hash, sizeof(mark.hash));
    return mark;
}

void watch_back_to(struct watch *watch, const struct watch_mark *mark)
{
    watch->sequence = mark->sequence;
    watch->accepted = mark->accepted;
    memcpy(watch->hash, mark->hash, sizeof(watch->hash));
    for (uint64_t run = 1; run <= watch->run_count; run++)
        memset(watch->runs[run].tries, 0, sizeof(watch->runs[run].tries));
}

/* ---- Coverage ------------------------------------------------------------ */

void watch_fault(struct watch *watch, enum fault fault)
{
    for (size_t state = 0; state < WATCH_RUN_STATES; state++)
        run_faults[fault][state] += watch->run_states[state] > 0;
    for (size_t state = 0; state < WATCH_DELIVERY_STATES; state++)
        delivery_faults[fault][state] += watch->delivery_states[state] > 0;
}

void watch_answer(enum op_kind kind, bool jq, enum answer answer)
{
    answers[answer][jq ? OP_TRANSFORM : kind]++;
}

void watch_acted(enum watch_act act, unsigned state, bool done)
{
    if (state < WATCH_RUN_STATES)
        acts[act][state][done]++;
}

static const char *const fault_names[] = {
    "kill",          "kill in I/O",       "power cut",   "power cut in I/O",
    "disk full",     "read error",        "write error", "sync error",
    "queue full",    "start refused",     "stop",        "reload",
    "instance gone", "instance replaced", "clock back",  "clock ahead",
    "restored"};
static const char *const answer_names[] = {
    "well",   "retry",    "no answer",   "rate limited", "auth",
    "hold",   "rejected", "unsupported", "cancelled",    "in doubt",
    "broken", "never",    "overruled",   "absent"};
static const char *const act_names[] = {"retry",   "restart", "release",
                                        "discard", "replay",  "happened",
                                        "absent",  "edit"};

struct tally {
    unsigned least;
    bool print;
    FILE *figures; /* each cell, for the sum over all parts of a run; or NULL */
    size_t cells, below;
    uint64_t fewest;
};

/* One cell that can be reached. */
static void cell(struct tally *tally, uint64_t count, const char *what,
                 const char *from, const char *to)
{
    tally->cells++;
    if (tally->figures)
        fprintf(tally->figures, ",\"cell %s %s %s\":%llu", what, from, to,
                (unsigned long long)count);
    if (count < tally->fewest)
        tally->fewest = count;
    if (count >= tally->least)
        return;
    tally->below++;
    printf("seen %llu times, less than %u: %s %s %s\n",
           (unsigned long long)count, tally->least, what, from, to);
}

static void report_moves(struct tally *tally)
{
    for (size_t from = 0; from <= WATCH_RUN_STATES; from++) {
        for (size_t to = 0; to < WATCH_RUN_STATES; to++) {
            if (!(run_legal[from] & 1u << to))
                continue;
            if (tally->print)
                printf("  run      %-9s -> %-9s %10llu\n", run_names[from],
                       run_names[to], (unsigned long long)run_moves[from][to]);
            cell(tally, run_moves[from][to], "run", run_names[from],
                 run_names[to]);
        }
    }
    for (size_t from = 0; from <= WATCH_DELIVERY_STATES; from++) {
        for (size_t to = 0; to < WATCH_DELIVERY_STATES; to++) {
            if (!(delivery_legal[from] & 1u << to))
                continue;
            if (tally->print)
                printf("  delivery %-9s -> %-9s %10llu\n", delivery_names[from],
                       delivery_names[to],
                       (unsigned long long)delivery_moves[from][to]);
            cell(tally, delivery_moves[from][to], "delivery",
                 delivery_names[from], delivery_names[to]);
        }
    }
}

static void report_row(struct tally *tally, const char *what, const char *whose,
                       const uint64_t *counts, const char *const *names,
                       size_t count)
{
    char where[64];

    snprintf(where, sizeof(where), "while a %s is", whose);
    if (tally->print)
        printf("  %-18s", what);
    for (size_t state = 0; state < count; state++) {
        if (tally->print)
            printf(" %9llu", (unsigned long long)counts[state]);
        cell(tally, counts[state], what, where, names[state]);
    }
    if (tally->print)
        printf("\n");
}

static void report_head(const char *what, const char *const *names,
                        size_t count)
{
    printf("  %-18s", what);
    for (size_t state = 0; state < count; state++)
        printf(" %9s", names[state]);
    printf("\n");
}

static void report_faults(struct tally *tally)
{
    if (tally->print)
        report_head("runs", run_names, WATCH_RUN_STATES);
    for (size_t fault = 0; fault < FAULT_COUNT; fault++)
        report_row(tally, fault_names[fault], "run", run_faults[fault],
                   run_names, WATCH_RUN_STATES);
    if (tally->print)
        report_head("deliveries", delivery_names, WATCH_DELIVERY_STATES);
    for (size_t fault = 0; fault < FAULT_COUNT; fault++)
        report_row(tally, fault_names[fault], "delivery",
                   delivery_faults[fault], delivery_names,
                   WATCH_DELIVERY_STATES);
}

/* The kinds of operations and what each may end with. */
#define BITS_ALL ((1u << ANSWER_COUNT) - 1)
#define BIT(name) (1u << ANSWER_##name)
static const struct {
    enum op_kind kind;
    const char *name;
    unsigned possible;
} answer_kinds[] = {
    {OP_CALL, "call (run active)",
     BITS_ALL & ~BIT(DOUBT) & ~BIT(OVERRULED) & ~BIT(ABSENT)},
    {OP_DELIVER, "sending", BITS_ALL & ~BIT(ABSENT) & ~BIT(CANCELLED)},
    {OP_PROBE, "in doubt", BITS_ALL & ~BIT(DOUBT) & ~BIT(OVERRULED)},
    {OP_POLL, "poll", BIT(WELL) | BIT(NO_ANSWER) | BIT(AUTH)},
    {OP_TRANSFORM, "jq", BIT(WELL) | BIT(BROKEN) | BIT(NEVER)},
};

static void report_answers(struct tally *tally)
{
    for (size_t kind = 0; kind < sizeof(answer_kinds) / sizeof(*answer_kinds);
         kind++) {
        if (tally->print)
            printf("  %s ends:", answer_kinds[kind].name);
        for (size_t answer = 0; answer < ANSWER_COUNT; answer++) {
            uint64_t count = answers[answer][answer_kinds[kind].kind];
            if (!(answer_kinds[kind].possible & 1u << answer))
                continue;
            if (tally->print)
                printf(" %s %llu", answer_names[answer],
                       (unsigned long long)count);
            cell(tally, count, answer_kinds[kind].name, "ends",
                 answer_names[answer]);
        }
        if (tally->print)
            printf("\n");
    }
}

/* In which states a run can be for an act to be done. */
#define IN(name) (1u << RUN_##name)
static const unsigned acts_possible[ACT_COUNT] = {
    [ACT_RETRY] = IN(HELD) | IN(PARKED),
    [ACT_RESTART] = IN(HELD) | IN(PARKED),
    [ACT_RELEASE] = IN(HELD),
    [ACT_DISCARD] = IN(QUEUED) | IN(READY) | IN(HELD) | IN(PARKED),
    [ACT_REPLAY] = IN(PARKED) | IN(DONE) | IN(DISCARDED),
    [ACT_HAPPENED] = IN(READY) | IN(PARKED),
    [ACT_ABSENT] = IN(READY),
    [ACT_EDIT] = IN(HELD) | IN(PARKED),
};
#undef IN

static void report_acts(struct tally *tally)
{
    if (tally->print)
        report_head("acts (done)", run_names, WATCH_RUN_STATES);
    for (size_t act = 0; act < ACT_COUNT; act++) {
        if (tally->print)
            printf("  %-18s", act_names[act]);
        for (size_t state = 0; state < WATCH_RUN_STATES; state++) {
            uint64_t done = acts[act][state][1];
            if (tally->print)
                printf(" %4llu/%-4llu", (unsigned long long)done,
                       (unsigned long long)(acts[act][state][0] + done));
            if (acts_possible[act] & 1u << state)
                cell(tally, done, act_names[act], "of one that is",
                     run_names[state]);
        }
        if (tally->print)
            printf("\n");
    }
}

size_t watch_report(unsigned least, FILE *figures, uint64_t *ret_rarest)
{
    struct tally tally = {.least = least,
                          .print = true,
                          .figures = figures,
                          .fewest = UINT64_MAX};

    report_moves(&tally);
    report_faults(&tally);
    report_answers(&tally);
    report_acts(&tally);
    printf("  runs pruned: %llu, overtaken: %llu\n", (unsigned long long)pruned,
           (unsigned long long)overtaken);
    cell(&tally, pruned, "runs", "are", "pruned");
    cell(&tally, overtaken, "runs", "are", "overtaken");
    printf("coverage: %zu cells, the rarest seen %llu times, %zu less than %u "
           "times\n",
           tally.cells, (unsigned long long)tally.fewest, tally.below, least);
    *ret_rarest = tally.fewest;
    return tally.below;
}
