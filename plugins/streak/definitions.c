/* definitions.c - the structures that were read last, shared by all tasks.
 *
 * One idea: what several tasks want is read by one of them, the loader; the
 * others wait and go on with what it found, or end as it ended.  If it is only
 * cancelled, the next one loads.  Each loading has a number, so that a task
 * which waits for the next loading is not woken by this one.  An entry is
 * thrown away by a timer, or when a key shows up that it does not know. On the
 * instance's thread. */
#include "definitions.h"

#include <stdlib.h>
#include <string.h>

#include "text.h"

/* More than there can be tasks (16 of each of three kinds), so an entry that
 * nobody is loading can always be found. */
enum { ENTRIES_MAX = 64 };

struct entry {
    enum path_id path;           /* PATH_PIPELINE or PATH_TEAM */
    char *key;                   /* owned; NULL: entry not in use */
    struct structure *structure; /* held, or NULL */
    struct task *loader;         /* borrowed, or NULL */
    uint64_t round;              /* of the last loading */
    uint64_t used;               /* when, for the choice of one to give up */
    cn_timer timer;              /* of the structure, 0: none */
    const cn_host *host;
};

struct definitions {
    uint64_t keep_ms;
    uint64_t uses, rounds;
    struct entry entries[ENTRIES_MAX];
};

struct definitions *definitions_create(const cn_host *host, uint64_t keep_ms)
{
    struct definitions *definitions = text_zero(sizeof(*definitions));

    definitions->keep_ms = keep_ms;
    for (size_t at = 0; at < ENTRIES_MAX; at++)
        definitions->entries[at].host = host;
    return definitions;
}

static void drop(struct entry *entry)
{
    if (entry->timer)
        entry->host->timer_stop(entry->host, entry->timer);
    entry->timer = 0;
    structure_release(entry->structure);
    entry->structure = NULL;
}

static void expire(void *arg)
{
    struct entry *entry = arg;

    entry->timer = 0; /* it has just run */
    drop(entry);
}

void definitions_destroy(struct definitions *definitions)
{
    if (!definitions)
        return;
    for (size_t at = 0; at < ENTRIES_MAX; at++) {
        drop(&definitions->entries[at]);
        free(definitions->entries[at].key);
    }
    free(definitions);
}

/* The entry of a key; a new one takes the place of the one used longest ago. */
static struct entry *entry_of(struct definitions *definitions,
                              enum path_id path, const char *key)
{
    struct entry *oldest = NULL;

    for (size_t at = 0; at < ENTRIES_MAX; at++) {
        struct entry *entry = &definitions->entries[at];

        if (entry->key && entry->path == path && !strcmp(entry->key, key)) {
            entry->used = ++definitions->uses;
            return entry;
        }
        if (!entry->loader && (!oldest || entry->used < oldest->used))
            oldest = entry;
    }
    if (!oldest)
        return NULL;
    drop(oldest);
    free(oldest->key);
    oldest->path = path;
    oldest->key = text_copy(key);
    oldest->used = ++definitions->uses;
    return oldest;
}

/* ---- Loading ------------------------------------------------------------- */

/* The next task that waits for this round of loading. */
static struct task *waiting(const struct streak *streak, struct entry *entry,
                            uint64_t round)
{
    struct task *task = NULL;

    while ((task = task_next(streak, task))) {
        struct task_wait *wait = task_wait(task);

        if (wait->entry == entry && wait->round == round)
            return task;
    }
    return NULL;
}

static void loaded(struct task *task, struct answer *answer)
{
    struct task_wait *wait = task_wait(task);
    struct entry *entry = wait->loads;
    struct streak *streak = task_streak(task);
    uint64_t round = entry->round;
    struct structure *structure = NULL;

    if (answer->gone) {
        task_fail(task, CN_REJECTED, "the %s is gone from Streak: %s",
                  path_of(entry->path)->what, answer->text);
        return;
    }
    structure = entry->path == PATH_TEAM ? structure_of_team(answer->json)
                                         : structure_of_pipeline(answer->json);
    if (!structure) {
        task_fail(task, CN_RETRY, "Streak's answer is no %s",
                  path_of(entry->path)->what);
        return;
    }
    if (structure->renamed_count)
        cn_logf(streak->host, CN_LOG_WARN,
                "%zu field(s) of a %s share the name of another one; the later "
                "ones are called by it with (2) behind",
                structure->renamed_count, path_of(entry->path)->what);
    drop(entry);
    entry->structure = structure_hold(structure);
    entry->timer = streak->host->timer_start(
        streak->host, streak->definitions->keep_ms, expire, entry);
    entry->loader = NULL;
    wait->loads = NULL;
    wait->fn(task, structure);
    while ((task = waiting(streak, entry, round))) {
        task_wait(task)->entry = NULL;
        task_wait(task)->fn(task, structure);
    }
    structure_release(structure);
}

static void load(struct task *task, struct entry *entry)
{
    entry->loader = task;
    entry->round = ++task_streak(task)->definitions->rounds;
    task_wait(task)->loads = entry;
    task_get(task, entry->path, entry->key, loaded);
}

void definitions_task_ends(struct task *task, const cn_outcome *outcome)
{
    struct task_wait *wait = task_wait(task);
    struct entry *entry = wait->loads;
    struct streak *streak = task_streak(task);
    struct task *next;
    uint64_t round;

    if (!entry)
        return;
    wait->loads = NULL;
    entry->loader = NULL;
    round = entry->round;
    if (outcome && outcome->status == CN_CANCELLED) {
        next = waiting(streak, entry, round);
        if (!next)
            return;
        task_wait(next)->entry = NULL;
        load(next, entry);
        while ((task = waiting(streak, entry, round)))
            task_wait(task)->round = entry->round;
        return;
    }
    while ((next = waiting(streak, entry, round))) {
        task_wait(next)->entry = NULL;
        task_pass(next, outcome);
    }
}

/* ---- Asking -------------------------------------------------------------- */

static void ask(struct task *task, enum path_id path, const char *key,
                const struct structure *stale, definitions_fn *fn)
{
    struct entry *entry = entry_of(task_streak(task)->definitions, path, key);
    struct task_wait *wait = task_wait(task);
    struct structure *structure;

    if (!entry) {
        task_fail(task, CN_RETRY, "too many pipelines are read at once");
        return;
    }
    wait->fn = fn;
    if (entry->structure && entry->structure == stale)
        drop(entry);
    if (entry->loader) {
        wait->entry = entry;
        wait->round = entry->round;
    } else if (entry->structure) {
        structure = structure_hold(entry->structure);
        fn(task, structure);
        structure_release(structure);
    } else {
        load(task, entry);
    }
}

void definitions_pipeline(struct task *task, const char *key,
                          const struct structure *stale, definitions_fn *fn)
{
    ask(task, PATH_PIPELINE, key, stale, fn);
}

void definitions_team(struct task *task, const char *key,
                      const struct structure *stale, definitions_fn *fn)
{
    ask(task, PATH_TEAM, key, stale, fn);
}
