/* error.h - one sentence for a person.
 *
 * For failures whose reason a person needs (configuration, loading,
 * credentials).  The caller owns the struct; nothing is allocated. */
#ifndef CONNECT_BASE_ERROR_H
#define CONNECT_BASE_ERROR_H

#define MUST_USE __attribute__((warn_unused_result))
#define PRINTF_LIKE(text, first) __attribute__((format(printf, text, first)))

enum { ERROR_TEXT_MAX = 1024 };

struct error {
    char text[ERROR_TEXT_MAX]; /* one line, no secret; "" when none */
};

/* Set the sentence; cut at the limit.  err may be NULL. */
void error_set(struct error *err, const char *format, ...) PRINTF_LIKE(2, 3);

#endif
