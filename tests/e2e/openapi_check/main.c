/* main.c - openapi_check: recorded replies of the admin API against
 * openapi.json.
 *
 *   openapi_check [--whole] OPENAPI RECORD...
 *
 * A record file has one JSON object a line: { "method", "path", "status",
 * "body" }.  Each reply must be described; with --whole, all that is described
 * must have been seen.  Exit code 0: it holds; 1: it does not; 2: wrong use. */
#include "openapi.h"

enum { LINE_BYTES_MAX = 17 * 1024 * 1024 };

static int check_line(struct openapi *openapi, const char *line)
{
    cJSON *record = cJSON_Parse(line);
    const char *method = cJSON_GetStringValue(openapi_member(record, "method"));
    const char *path = cJSON_GetStringValue(openapi_member(record, "path"));
    const cJSON *status = openapi_member(record, "status");
    int fault = 1;

    if (method && path && cJSON_IsNumber(status))
        fault = openapi_reply(openapi, method, path, status->valueint,
                              openapi_member(record, "body")) != 0;
    else
        snprintf(openapi->text, sizeof(openapi->text), "no record");
    cJSON_Delete(record);
    return fault;
}

static int check_file(struct openapi *openapi, const char *path,
                      size_t *ret_count)
{
    FILE *file = fopen(path, "re");
    char *line = NULL;
    size_t size = 0, number = 0;
    int faults = 0;

    if (!file) {
        fprintf(stderr, "openapi_check: %s: %s\n", path, strerror(errno));
        return 1;
    }
    while (getline(&line, &size, file) > 0 && size < LINE_BYTES_MAX) {
        number++;
        if (!check_line(openapi, line))
            continue;
        faults++;
        fprintf(stderr, "%s:%zu: %s\n", path, number, openapi->text);
    }
    *ret_count += number;
    free(line);
    fclose(file);
    return faults;
}

static void print_unseen(void *arg, const char *what)
{
    int *faults = arg;

    fprintf(stderr, "described, but in no reply: %s\n", what);
    ++*faults;
}

int main(int argc, char **argv)
{
    bool whole = argc > 1 && !strcmp(argv[1], "--whole");
    int index = whole ? 2 : 1, faults = 0;
    struct openapi openapi;
    size_t count = 0;

    if (argc - index < 2) {
        fprintf(stderr, "usage: openapi_check [--whole] OPENAPI RECORD...\n");
        return 2;
    }
    if (openapi_load(&openapi, argv[index])) {
        fprintf(stderr, "openapi_check: %s cannot be read\n", argv[index]);
        return 2;
    }
    for (index++; index < argc; index++)
        faults += check_file(&openapi, argv[index], &count);
    if (whole)
        openapi_unseen(&openapi, print_unseen, &faults);
    if (!count) {
        fprintf(stderr, "openapi_check: no replies were recorded\n");
        faults++;
    }
    printf("%zu replies, %d faults\n", count, faults);
    openapi_done(&openapi);
    return faults ? 1 : 0;
}
