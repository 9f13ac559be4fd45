/* schema_pattern.c - bounds the cost of a POSIX extended expression.
 *
 * The C library writes "(ab){3}" out as "ababab", also when such groups stand
 * inside each other, so a few bytes can ask for any amount of memory.  Here the
 * pattern is read once from left to right and its size after writing out is
 * counted: a group's size is the sum of its parts, a count in braces multiplies
 * the part before it.  Back references, which make matching exponential, are
 * refused.  Called by schema.c while schemas are compiled, and by whoever
 * matches. */
#include "config/schema_pattern.h"

#include <errno.h>
#include <string.h>

#include "base/memory.h"

enum { GROUPS_MAX = 16 }; /* inside each other */

struct pattern {
    const char *at;
    size_t sizes[GROUPS_MAX + 1]; /* of the open groups, the outermost first */
    size_t depth;
    size_t last; /* size of the part before at; counted in sizes already */
};

/* Saturates far above the limit, so that nothing overflows. */
static size_t bounded(size_t size)
{
    return size > PATTERN_ATOMS_MAX ? (size_t)PATTERN_ATOMS_MAX + 1 : size;
}

static void add_part(struct pattern *pattern, size_t size)
{
    size_t *sum = &pattern->sizes[pattern->depth];

    pattern->last = size;
    *sum = bounded(*sum + size);
}

/* "[^]a-z[:digit:]]" as one part; at is behind it. */
static void skip_class(struct pattern *pattern)
{
    const char *at = pattern->at + 1;

    if (*at == '^')
        at++;
    if (*at == ']')
        at++;
    while (*at && *at != ']') {
        if (*at == '[' && at[1] && strchr(":.=", at[1])) {
            const char kind = at[1];

            at += 2;
            while (*at && !(at[0] == kind && at[1] == ']'))
                at++;
            at += *at ? 2 : 0;
        } else {
            at++;
        }
    }
    pattern->at = *at ? at + 1 : at;
    add_part(pattern, 1);
}

/* The larger number of "{3,12}"; at is behind it. */
static size_t take_count(struct pattern *pattern)
{
    const char *at = pattern->at + 1;
    size_t number = 0, largest = 1;

    for (; *at && *at != '}'; at++) {
        number = *at >= '0' && *at <= '9'
                     ? bounded(number * 10 + (size_t)(*at - '0'))
                     : 0;
        if (number > largest)
            largest = number;
    }
    pattern->at = *at ? at + 1 : at;
    return largest;
}

static void repeat_last(struct pattern *pattern)
{
    size_t count = take_count(pattern), last = pattern->last;
    size_t *sum = &pattern->sizes[pattern->depth];

    /* Both are bounded, so the product fits. */
    *sum = bounded(*sum - (last < *sum ? last : *sum) + bounded(last * count));
    pattern->last = bounded(last * count);
}

static int take_part(struct pattern *pattern, struct error *err)
{
    size_t size;

    switch (*pattern->at) {
    case '(':
        if (pattern->depth == GROUPS_MAX) {
            error_set(err,
                      "must not have more than %d groups inside each "
                      "other",
                      GROUPS_MAX);
            return -EINVAL;
        }
        pattern->sizes[++pattern->depth] = 0;
        pattern->last = 0;
        pattern->at++;
        break;
    case ')':
        size = 1; /* without its opening one: a letter */
        if (pattern->depth > 0)
            size = pattern->sizes[pattern->depth--];
        add_part(pattern, size);
        pattern->at++;
        break;
    case '[':
        skip_class(pattern);
        break;
    case '{':
        repeat_last(pattern);
        break;
    case '\\':
        if (pattern->at[1] >= '1' && pattern->at[1] <= '9') {
            error_set(err, "must not refer back (\\%c)", pattern->at[1]);
            return -EINVAL;
        }
        add_part(pattern, 1);
        pattern->at += pattern->at[1] ? 2 : 1;
        break;
    case '*':
    case '+':
    case '?':
        pattern->at++;
        break;
    default:
        add_part(pattern, 1);
        pattern->at++;
    }
    return 0;
}

int schema_pattern_check(const char *text, struct error *err)
{
    struct pattern pattern = {.at = text};
    size_t total = 0;

    if (strlen(text) > PATTERN_BYTES_MAX) {
        error_set(err, "must have at most %d bytes", PATTERN_BYTES_MAX);
        return -EINVAL;
    }
    while (*pattern.at) {
        int code = take_part(&pattern, err);

        if (code < 0)
            return code;
    }
    for (size_t depth = 0; depth <= pattern.depth; depth++)
        total = bounded(total + pattern.sizes[depth]);
    if (total <= PATTERN_ATOMS_MAX)
        return 0;
    error_set(err,
              "must not have more than %d characters with its counts "
              "written out",
              PATTERN_ATOMS_MAX);
    return -EINVAL;
}

bool schema_pattern_matches(const regex_t *pattern, const char *text)
{
    /* Asked again: without memory for a state the library may say that nothing
     * matches in place of REG_ESPACE, and the text would be to blame. */
    for (int tries = 0; tries < 2; tries++) {
        int code = regexec(pattern, text, 0, NULL, 0);
        if (code == REG_ESPACE)
            memory_end();
        if (!code)
            return true;
    }
    return false;
}
