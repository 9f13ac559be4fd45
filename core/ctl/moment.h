/* moment.h - times as people say them: "3 min ago", "in 12 s".  Pure.
 * [any thread] */
#ifndef CONNECT_CTL_MOMENT_H
#define CONNECT_CTL_MOMENT_H

#include <stdint.h>

enum { MOMENT_MAX = 48 };

/* "250 ms", "12 s", "3 min 20 s", "5 h 2 min", "9 d 4 h". */
void moment_span(int64_t span_ms, char text[MOMENT_MAX]);
/* "3 min ago", "just now"; in the future "in 3 min". */
void moment_relative(int64_t now_ms, int64_t wall_ms, char text[MOMENT_MAX]);
/* "2026-11-23 08:00:00" in UTC; with "Z" behind. */
void moment_absolute(int64_t wall_ms, char text[MOMENT_MAX]);
/* "08:00:00", UTC. */
void moment_clock(int64_t wall_ms, char text[MOMENT_MAX]);

#endif
