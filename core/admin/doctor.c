/* doctor.c - findings: what was looked at, how it is, what to do.
 *
 * One idea: every check says something also when all is well, so that a person
 * sees what was looked at, and what was not.  Pure. */
#include "admin/doctor.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <connect/json.h>

#include "admin/encode.h"
#include "base/memory.h"

struct doctor *doctor_create(void)
{
    return memory_zero(1, sizeof(struct doctor));
}

void doctor_destroy(struct doctor *doctor)
{
    if (!doctor)
        return;
    for (size_t index = 0; index < doctor->count; index++) {
        free(doctor->findings[index].subject);
        free(doctor->findings[index].found);
        free(doctor->findings[index].action);
    }
    free(doctor);
}

void doctor_add(struct doctor *doctor, const char *check, enum doctor_mark mark,
                const char *subject, const char *action, const char *format,
                ...)
{
    char text[ERROR_TEXT_MAX];
    struct doctor_finding *finding;
    va_list arguments;

    if (doctor->count == DOCTOR_FINDINGS_MAX) {
        doctor->left_off++;
        return;
    }
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    finding = &doctor->findings[doctor->count++];
    finding->check = check;
    finding->mark = mark;
    finding->subject = memory_text(subject);
    finding->found = memory_text(text);
    finding->action = memory_text(action);
}

void doctor_join(struct doctor *doctor, struct doctor *other)
{
    size_t room = DOCTOR_FINDINGS_MAX - doctor->count;
    size_t count = other->count < room ? other->count : room;

    memcpy(doctor->findings + doctor->count, other->findings,
           count * sizeof(*other->findings));
    doctor->count += count;
    doctor->left_off += other->left_off + other->count - count;
    memmove(other->findings, other->findings + count,
            (other->count - count) * sizeof(*other->findings));
    other->count -= count;
    other->left_off = 0;
}

static int compare(const void *one, const void *other)
{
    const char *left = ((const struct doctor_finding *)one)->subject;
    const char *right = ((const struct doctor_finding *)other)->subject;

    return strcmp(left ? left : "", right ? right : "");
}

void doctor_sort(struct doctor *doctor)
{
    qsort(doctor->findings, doctor->count, sizeof(*doctor->findings), compare);
}

size_t doctor_count(const struct doctor *doctor, enum doctor_mark mark)
{
    size_t count = 0;

    for (size_t index = 0; index < doctor->count; index++)
        count += doctor->findings[index].mark == mark;
    return count;
}

const char *doctor_word(enum doctor_mark mark)
{
    static const char *const words[] = {"ok", "warning", "failed"};

    return words[mark];
}

cJSON *doctor_encode(const struct doctor *doctor)
{
    cJSON *object = cJSON_CreateObject(), *list = cJSON_CreateArray();
    size_t failed = doctor_count(doctor, DOCTOR_FAILED);

    encode_put_flag(object, "ok", failed == 0);
    encode_put_number(object, "failed", (int64_t)failed);
    encode_put_number(object, "warnings",
                      (int64_t)doctor_count(doctor, DOCTOR_WARNING));
    encode_put_number(object, "left_off", (int64_t)doctor->left_off);
    for (size_t index = 0; index < doctor->count; index++) {
        const struct doctor_finding *finding = &doctor->findings[index];
        cJSON *item = cJSON_CreateObject();
        encode_put_text(item, "check", finding->check);
        encode_put_text(item, "subject", finding->subject);
        encode_put_text(item, "state", doctor_word(finding->mark));
        encode_put_text(item, "found", finding->found);
        encode_put_text(item, "action", finding->action);
        cn_json_append(list, item);
    }
    cn_json_put(object, "checks", list);
    return object;
}
