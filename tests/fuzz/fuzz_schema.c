/* fuzz_schema.c - schemas from plugins, and values against them.
 *
 * Part 1 is a schema, part 2 a value, part 3 a JSON Pointer. */
#include <string.h>

#include <connect/json.h>

#include "config/schema.h"
#include "fuzz.h"

/* Filling in defaults twice is filling them in once. */
static void filled(const struct schema *schema, cJSON *value)
{
    cJSON *first;

    schema_fill(schema, value);
    first = cJSON_Duplicate(value, true);
    FUZZ_MUST(first);
    schema_fill(schema, value);
    FUZZ_MUST(cn_json_equal(first, value));
    cJSON_Delete(first);
}

static void masked(const struct schema *schema, cJSON *value)
{
    cJSON *first;

    schema_mask(schema, value);
    first = cJSON_Duplicate(value, true);
    FUZZ_MUST(first);
    schema_mask(schema, value);
    FUZZ_MUST(cn_json_equal(first, value));
    cJSON_Delete(first);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input;
    struct schema *schema = NULL;
    const struct schema *part = NULL;
    struct schema_fault fault;
    struct error err = {""};
    cJSON *source, *value;
    char *pointer;
    bool always;

    fuzz_split(&input, data, size);
    source = fuzz_json(input.parts[0]);
    value = fuzz_json(input.parts[1]);
    pointer = fuzz_text(input.parts[2]);
    if (source && schema_create(source, &schema, &err))
        fuzz_sentence(err.text);
    if (schema) {
        FUZZ_MUST(schema_equal(schema, schema));
        for (size_t index = 0; schema_secret_name(schema, index); index++)
            FUZZ_MUST(*schema_secret_name(schema, index) || true);
        if (!schema_at(schema, pointer, &part, &always) && part)
            (void)(schema_is_text(part) || schema_is_marked(part));
        if (value && schema_check(schema, value, &fault)) {
            fuzz_sentence(fault.rule);
            fuzz_sentence(fault.message);
        }
        if (value) {
            filled(schema, value);
            masked(schema, value);
        }
    }
    schema_destroy(schema);
    cJSON_Delete(source);
    cJSON_Delete(value);
    free(pointer);
    fuzz_done(&input);
    return 0;
}
