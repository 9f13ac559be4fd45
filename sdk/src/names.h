/* names.h - members of an object by name, whatever names an attacker chose. */
#ifndef CN_SDK_NAMES_H
#define CN_SDK_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>

struct cn_names_slot {
    uint64_t hash;
    cJSON *member; /* borrowed; NULL: free slot */
};

struct cn_names {
    struct cn_names_slot *slots; /* owned; NULL until the first add */
    size_t capacity;             /* a power of two, or 0 */
    size_t count;
    uint64_t key[2]; /* random, so that nobody can choose colliding names */
    bool fold;       /* names that differ in ASCII case only are one */
};

/* 0 or a negative errno when the system has no random numbers. */
int cn_names_init(struct cn_names *names, bool fold);
void cn_names_done(struct cn_names *names); /* a zeroed struct is fine */
/* Add a member by its name; the name must not be there yet.  0 or -ENOMEM. */
int cn_names_add(struct cn_names *names, cJSON *member);
cJSON *cn_names_find(const struct cn_names *names, const char *name);
/* True when the names are one under this rule. */
bool cn_names_equal(const char *left, const char *right, bool fold);

#endif
