/* fuzz_record.c - bodies of records against the types we ship.
 *
 * Part 1 is the name of a type (any other: all of them), part 2 a body.  What a
 * type accepts has the texts that its pointers promise. */
#include <string.h>

#include <connect/json.h>

#include "config/record_type.h"
#include "fuzz.h"

static struct record_types *types;

int LLVMFuzzerInitialize(int *count, char ***arguments)
{
    struct error err = {""};

    (void)count;
    (void)arguments;
    types = record_types_create();
    if (record_types_load(types, FUZZ_SOURCE_DIR "/config/records", &err))
        fprintf(stderr, "%s\n", err.text);
    FUZZ_MUST(!*err.text && record_types_at(types, 0));
    return 0;
}

static void promised(const cJSON *body, const char *pointer)
{
    const cJSON *text = cn_json_pointer(body, pointer);

    FUZZ_MUST(cJSON_IsString(text) && *text->valuestring);
}

static void against(const struct record_type *type, const cJSON *body)
{
    struct schema_fault fault;
    cJSON *shown;

    if (schema_check(type->schema, body, &fault)) {
        fuzz_sentence(fault.rule);
        fuzz_sentence(fault.message);
    } else {
        promised(body, type->key_pointer);
        promised(body, type->order_pointer);
    }
    shown = cJSON_Duplicate(body, true);
    FUZZ_MUST(shown);
    schema_fill(type->schema, shown);
    schema_mask(type->schema, shown);
    cJSON_Delete(shown);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input;
    const struct record_type *type;
    cJSON *body;
    char *name;

    fuzz_split(&input, data, size);
    name = fuzz_text(input.parts[0]);
    body = fuzz_json(input.parts[1]);
    type = record_types_find(types, name);
    if (body && type)
        against(type, body);
    for (size_t index = 0; body && !type && record_types_at(types, index);
         index++)
        against(record_types_at(types, index), body);
    cJSON_Delete(body);
    free(name);
    fuzz_done(&input);
    return 0;
}
