/* measure.h - time, samples and figures of several rounds. */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include <stddef.h>
#include <stdint.h>

uint64_t measure_now_ns(void);
/* The number behind "name" in a small text such as /proc/PID/status or JSON;
 * 0: there is none. */
long long measure_number(const char *text, const char *name);

struct samples {
    double *values; /* owned */
    size_t count, room;
};
void samples_add(struct samples *samples, double value);
/* 0 when there is none; part 0.5 is the median. */
double samples_at(struct samples *samples, double part);
void samples_done(struct samples *samples);

struct figures; /* names with one value a round, in the order they came */
struct figures *figures_create(void);
void figures_destroy(struct figures *figures);
/* Names are paths: "accept/filter/64/per_second". */
void figures_add(struct figures *figures, double value, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void figures_print(struct figures *figures);
/* 0 or a negative errno. */
int figures_write(struct figures *figures, const char *path);

#endif
