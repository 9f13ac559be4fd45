/* log.h - what the operator reads: one JSON object a line, or text on a
 * terminal.
 *
 * A line names the run, the instance and the operation it belongs to by our own
 * numbers and names.  Never log a payload, a key of another system, an address
 * or a credential: those stay in the store, which the run number leads to.
 * [any thread] */
#ifndef CONNECT_BASE_LOG_H
#define CONNECT_BASE_LOG_H

#include <stdint.h>

#include "base/clock.h"
#include "base/error.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };
enum log_form { LOG_JSON, LOG_TEXT, LOG_TEXT_COLOUR };

struct log_about {
    uint64_t run;         /* 0: none */
    uint64_t op;          /* 0: none */
    const char *instance; /* NULL: none */
};

/* Where lines go and from which level on.  Call once, before any thread. */
void log_open(int descriptor, enum log_form form, enum log_level lowest,
              const struct clock *clock);
/* about may be NULL.  The text is cut at 2,000 bytes; control characters and
 * invalid UTF-8 are escaped, so a line stays a line. */
void log_write(enum log_level level, const struct log_about *about,
               const char *format, ...) PRINTF_LIKE(3, 4);
/* "debug", "info", "warn", "error" to a level; -EINVAL otherwise. */
int log_level_parse(const char *text, enum log_level *ret_level) MUST_USE;

#endif
