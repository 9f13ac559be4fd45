/* measure.c - time, samples and figures of several rounds.
 *
 * One idea: machines are noisy, so every figure has one value a round and is
 * shown as least, median and most.  Called on one thread. */
#include "measure.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cjson/cJSON.h>

#include "base/memory.h"

enum {
    NAME_MAX_BYTES = 96,
    FIGURES_MAX = 1024 /* the widest run has some 200 */
};

uint64_t measure_now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

long long measure_number(const char *text, const char *name)
{
    const char *at = strstr(text, name);

    if (!at)
        return 0;
    at += strlen(name);
    return strtoll(at + strspn(at, "\": \t"), NULL, 10);
}

/* ---- Samples ------------------------------------------------------------- */

void samples_add(struct samples *samples, double value)
{
    if (samples->count == samples->room) {
        samples->room = samples->room ? samples->room * 2 : 64;
        samples->values = memory_grow(samples->values, samples->room,
                                      sizeof(*samples->values));
    }
    samples->values[samples->count++] = value;
}

static int compare(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;

    return (a > b) - (a < b);
}

double samples_at(struct samples *samples, double part)
{
    if (!samples->count)
        return 0;
    qsort(samples->values, samples->count, sizeof(double), compare);
    return samples->values[(size_t)(part * (double)(samples->count - 1))];
}

void samples_done(struct samples *samples)
{
    free(samples->values);
    memset(samples, 0, sizeof(*samples));
}

/* ---- Figures ------------------------------------------------------------- */

struct figure {
    char name[NAME_MAX_BYTES];
    struct samples rounds;
};

struct figures {
    struct figure items[FIGURES_MAX];
    size_t count;
};

struct figures *figures_create(void)
{
    return memory_zero(1, sizeof(struct figures));
}

void figures_destroy(struct figures *figures)
{
    for (size_t index = 0; index < figures->count; index++)
        samples_done(&figures->items[index].rounds);
    free(figures);
}

void figures_add(struct figures *figures, double value, const char *format, ...)
{
    char name[NAME_MAX_BYTES];
    va_list arguments;
    size_t index = 0;

    va_start(arguments, format);
    vsnprintf(name, sizeof(name), format, arguments);
    va_end(arguments);
    while (index < figures->count && strcmp(figures->items[index].name, name))
        index++;
    if (index == FIGURES_MAX)
        abort();
    if (index == figures->count) {
        figures->count++;
        snprintf(figures->items[index].name, sizeof(name), "%s", name);
    }
    samples_add(&figures->items[index].rounds, value);
}

void figures_print(struct figures *figures)
{
    printf("\n%-44s %12s %12s %12s\n", "figure", "least", "median", "most");
    for (size_t index = 0; index < figures->count; index++) {
        struct figure *figure = &figures->items[index];
        printf("%-44s %12.3f %12.3f %12.3f\n", figure->name,
               samples_at(&figure->rounds, 0), samples_at(&figure->rounds, 0.5),
               samples_at(&figure->rounds, 1));
    }
}

int figures_write(struct figures *figures, const char *path)
{
    cJSON *object = cJSON_CreateObject();
    char *text;
    FILE *file;
    int status = 0;

    for (size_t index = 0; index < figures->count; index++) {
        struct figure *figure = &figures->items[index];
        cJSON *item = cJSON_AddObjectToObject(object, figure->name);
        cJSON_AddNumberToObject(item, "least", samples_at(&figure->rounds, 0));
        cJSON_AddNumberToObject(item, "median",
                                samples_at(&figure->rounds, 0.5));
        cJSON_AddNumberToObject(item, "most", samples_at(&figure->rounds, 1));
        cJSON_AddNumberToObject(item, "rounds", (double)figure->rounds.count);
    }
    text = cJSON_Print(object);
    file = fopen(path, "we");
    if (!file || fprintf(file, "%s\n", text) < 0)
        status = -errno;
    if (file && fclose(file))
        status = -errno;
    free(text);
    cJSON_Delete(object);
    return status;
}
