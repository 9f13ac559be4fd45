/* doctor.h - findings: what was looked at, how it is, what to do.
 *
 * A list that is filled in from several places and shown in the order of
 * adding.  Pure.  [one thread at a time] */
#ifndef CONNECT_ADMIN_DOCTOR_H
#define CONNECT_ADMIN_DOCTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <cjson/cJSON.h>

#include "base/error.h"

enum { DOCTOR_FINDINGS_MAX = 200 }; /* more are counted, not listed */

enum doctor_mark {
    DOCTOR_OK,
    DOCTOR_WARNING, /* look at it when there is time */
    DOCTOR_FAILED   /* something does not work, or soon will not */
};

struct doctor_finding {
    const char *check; /* a constant: "disk" */
    char *subject;     /* what of it: an instance, a file; NULL: all.  Owned */
    enum doctor_mark mark;
    char *found;  /* one sentence; owned */
    char *action; /* what to do, or NULL; owned */
};

struct doctor {
    struct doctor_finding findings[DOCTOR_FINDINGS_MAX];
    size_t count;
    size_t left_off; /* for want of room */
};

struct doctor *doctor_create(void);
void doctor_destroy(struct doctor *doctor);
/* found is formatted; action may be NULL. */
void doctor_add(struct doctor *doctor, const char *check, enum doctor_mark mark,
                const char *subject, const char *action, const char *format,
                ...) PRINTF_LIKE(6, 7);
/* Put the findings of another behind; it is empty then. */
void doctor_join(struct doctor *doctor, struct doctor *other);
/* By subject, for what was found out in any order. */
void doctor_sort(struct doctor *doctor);
size_t doctor_count(const struct doctor *doctor, enum doctor_mark mark);

/* "ok", "warning", "failed" */
const char *doctor_word(enum doctor_mark mark);
/* { "ok", "failed", "warnings", "left_off", "checks": [...] } */
cJSON *doctor_encode(const struct doctor *doctor);

#endif
