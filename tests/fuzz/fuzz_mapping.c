/* fuzz_mapping.c - tables of fields and conversions, applied.
 *
 * Part 1 is a table, part 2 the results it reads, part 3 its look-up tables. */
#include <string.h>

#include <connect/json.h>

#include "flow/mapping.h"
#include "fuzz.h"

static void apply(const struct mapping *mapping, const cJSON *results)
{
    char field[512] = "", again[512] = "";
    struct error err = {""};
    cJSON *first = NULL, *second = NULL;

    if (mapping_apply(mapping, results, &first, field, &err)) {
        fuzz_sentence(err.text);
        FUZZ_MUST(strlen(field) < sizeof(field));
        FUZZ_MUST(mapping_apply(mapping, results, &second, again, &err));
        FUZZ_MUST(!strcmp(field, again));
    } else {
        char *text = cn_json_print(first);

        FUZZ_MUST(text && cJSON_IsObject(first));
        FUZZ_MUST(!mapping_apply(mapping, results, &second, again, &err));
        FUZZ_MUST(cn_json_equal(first, second));
        free(text);
    }
    cJSON_Delete(first);
    cJSON_Delete(second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input;
    struct mapping *mapping = NULL;
    struct error err = {""};
    char pointer[512] = "";
    cJSON *table, *results, *tables;

    fuzz_split(&input, data, size);
    table = fuzz_json(input.parts[0]);
    results = fuzz_json(input.parts[1]);
    tables = fuzz_json(input.parts[2]);
    if (table && mapping_create(table, tables, &mapping, pointer, &err)) {
        fuzz_sentence(err.text);
        FUZZ_MUST(strlen(pointer) < sizeof(pointer));
    }
    cJSON_Delete(table);
    cJSON_Delete(tables);
    if (mapping && cJSON_IsObject(results))
        apply(mapping, results);
    mapping_destroy(mapping);
    cJSON_Delete(results);
    fuzz_done(&input);
    return 0;
}
