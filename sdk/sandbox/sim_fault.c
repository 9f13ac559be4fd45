/* sim_fault.c - faults that a test switches on by a control route.
 *
 * Faults stand in one list in the order in which they were posted; the first
 * that matches a request hits it and no other.  A fault that is used up stays
 * listed with its hits.  A removed one moves to a second list and is freed at
 * the end, because a delayed request may still point to it.
 * Used on the simulator's only thread. */
#include "sim_fault.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "sim_json.h"
#include "sim_random.h"

/* A test posts a few dozen; more than this is a loop gone wrong. */
enum { FAULTS_MAX = 100000 };

struct sim_faults {
    struct sim_fault *first;   /* owned, in the order of posting */
    struct sim_fault *removed; /* owned */
    const char *const *names;  /* kinds of the simulator; borrowed */
    struct sim_random random;
    uint64_t last_id;
};

static const struct {
    const char *name;
    enum sim_fault_kind kind;
} base_kinds[] = {
    {"delay", SIM_FAULT_DELAY},
    {"cut_before_commit", SIM_FAULT_CUT_BEFORE},
    {"cut_after_commit", SIM_FAULT_CUT_AFTER},
    {"reset_before", SIM_FAULT_RESET_BEFORE},
    {"reset_after", SIM_FAULT_RESET_AFTER},
    {"truncate", SIM_FAULT_TRUNCATE},
    {"status", SIM_FAULT_STATUS},
    {"empty", SIM_FAULT_EMPTY},
    {"slow_commit", SIM_FAULT_SLOW_COMMIT},
    {"refuse", SIM_FAULT_REFUSE},
};

struct sim_faults *sim_fault_create(uint64_t seed)
{
    struct sim_faults *faults = memory_zero(1, sizeof(*faults));

    sim_random_init(&faults->random, seed ^ UINT64_C(0xfa17));
    return faults;
}

static void free_list(struct sim_fault *fault)
{
    while (fault) {
        struct sim_fault *next = fault->next;

        cJSON_Delete((cJSON *)(uintptr_t)fault->given);
        free(fault);
        fault = next;
    }
}

void sim_fault_destroy(struct sim_faults *faults)
{
    if (!faults)
        return;
    free_list(faults->first);
    free_list(faults->removed);
    free(faults);
}

void sim_fault_add_names(struct sim_faults *faults, const char *const *names)
{
    faults->names = names;
}

/* A simulator's kind comes first, so that it may carry out a kind of the base
 * in its own way. */
static int find_kind(const struct sim_faults *faults, const char *name,
                     enum sim_fault_kind *ret_kind)
{
    for (const char *const *own = faults->names; own && *own; own++) {
        if (strcmp(*own, name) == 0) {
            *ret_kind = SIM_FAULT_OTHER;
            return 0;
        }
    }
    for (size_t i = 0; i < sizeof(base_kinds) / sizeof(*base_kinds); i++) {
        if (strcmp(base_kinds[i].name, name) == 0) {
            *ret_kind = base_kinds[i].kind;
            return 0;
        }
    }
    return -EINVAL;
}

static const char *retry_after_text(cJSON *given)
{
    cJSON *member = sim_json_member(given, "retry_after");
    char text[32];

    if (cJSON_IsNumber(member)) {
        snprintf(text, sizeof(text), "%lld", (long long)member->valuedouble);
        sim_json_put(given, "retry_after", cJSON_CreateString(text));
    }
    return sim_json_text(given, "retry_after");
}

static void fill(struct sim_fault *fault, cJSON *given)
{
    const cJSON *share = sim_json_member(given, "probability");
    const char *type = sim_json_text(given, "content_type");

    fault->method = sim_json_text(given, "method");
    fault->match = sim_json_text(given, "match");
    fault->match_body = sim_json_text(given, "match_body");
    fault->probability = cJSON_IsNumber(share) ? share->valuedouble : 1;
    fault->count = sim_json_number(given, "count", share ? -1 : 1);
    if (sim_json_flag(given, "always", false))
        fault->count = -1;
    fault->skip = sim_json_number(given, "skip", 0);
    fault->ms = sim_json_number(given, "ms", 0);
    fault->bytes = sim_json_number(given, "bytes", 0);
    fault->status = (int)sim_json_number(given, "status", 500);
    fault->body = sim_json_text(given, "body");
    fault->content_type = type ? type : "application/json";
    fault->retry_after = retry_after_text(given);
    fault->commit = sim_json_flag(given, "commit", false);
}

int sim_fault_add(struct sim_faults *faults, cJSON *given,
                  const struct sim_fault **ret_fault, struct error *err)
{
    const char *name = sim_json_text(given, "fault");
    struct sim_fault **end = &faults->first;
    struct sim_fault *fault = NULL;
    enum sim_fault_kind kind;

    if (!name || find_kind(faults, name, &kind)) {
        error_set(err, "fault: \"%.40s\" is not a kind of fault",
                  name ? name : "");
        goto out;
    }
    if (faults->last_id >= FAULTS_MAX) {
        error_set(err, "more than %d faults", FAULTS_MAX);
        goto out;
    }
    fault = memory_zero(1, sizeof(*fault));
    fault->id = ++faults->last_id;
    fault->kind = kind;
    fault->name = name;
    fill(fault, given);
    if (fault->status < 100 || fault->status > 599) {
        error_set(err, "status: %d is not an HTTP status", fault->status);
        goto out;
    }
    fault->given = given;
    while (*end)
        end = &(*end)->next;
    *end = fault;
    *ret_fault = fault;
    return 0;
out:
    free(fault);
    cJSON_Delete(given);
    return -EINVAL;
}

void sim_fault_remove(struct sim_faults *faults, uint64_t id)
{
    struct sim_fault **link = &faults->first;

    while (*link) {
        struct sim_fault *fault = *link;

        if (id && fault->id != id) {
            link = &fault->next;
            continue;
        }
        *link = fault->next;
        fault->next = faults->removed;
        faults->removed = fault;
    }
}

void sim_fault_list(const struct sim_faults *faults, struct buf *buf)
{
    buf_append_text(buf, "{\"faults\":[");
    for (const struct sim_fault *fault = faults->first; fault;
         fault = fault->next) {
        buf_printf(buf, "%s{\"id\":%llu,\"left\":%lld,\"hits\":%llu,\"given\":",
                   fault == faults->first ? "" : ",",
                   (unsigned long long)fault->id, (long long)fault->count,
                   (unsigned long long)fault->hits);
        sim_json_append_tree(buf, fault->given);
        buf_append_text(buf, "}");
    }
    buf_append_text(buf, "]}");
}

static bool matches(const struct sim_fault *fault, const char *method,
                    const char *url, const char *body)
{
    if (fault->count == 0)
        return false;
    if (fault->method && strcmp(fault->method, method) != 0)
        return false;
    if (fault->match && !strstr(url, fault->match))
        return false;
    return !fault->match_body || (body && strstr(body, fault->match_body));
}

const struct sim_fault *sim_fault_take(struct sim_faults *faults,
                                       const char *name, const char *method,
                                       const char *url, const char *body)
{
    for (struct sim_fault *fault = faults->first; fault; fault = fault->next) {
        bool asked = name ? strcmp(fault->name, name) == 0
                          : fault->kind != SIM_FAULT_OTHER;

        if (!asked || fault->kind == SIM_FAULT_REFUSE ||
            !matches(fault, method, url, body))
            continue;
        if (fault->skip > 0) {
            fault->skip--;
            continue;
        }
        if (fault->probability < 1 &&
            sim_random_share(&faults->random) >= fault->probability)
            continue;
        if (fault->count > 0)
            fault->count--;
        fault->hits++;
        return fault;
    }
    return NULL;
}

bool sim_fault_present(const struct sim_faults *faults,
                       enum sim_fault_kind kind)
{
    for (const struct sim_fault *fault = faults->first; fault;
         fault = fault->next)
        if (fault->kind == kind && fault->count != 0)
            return true;
    return false;
}

void sim_fault_end(struct sim_faults *faults, enum sim_fault_kind kind)
{
    for (struct sim_fault *fault = faults->first; fault; fault = fault->next)
        if (fault->kind == kind)
            fault->count = 0;
}
