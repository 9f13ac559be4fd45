/* fuzz_definition.c - flow files: compiled, or one sentence with file and line.
 */
#include <string.h>

#include "flow/definition.h"
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
    FUZZ_MUST(!*err.text);
    return 0;
}

/* The world of the catalog: an instance "streak" that can do all, a "syspro"
 * that takes. */
static bool knows(void *arg, const char *instance)
{
    (void)arg;
    return !strcmp(instance, "streak") || !strcmp(instance, "syspro");
}

static bool knows_type(void *arg, const char *instance, const char *type)
{
    (void)arg;
    return knows(arg, instance) && strchr(type, '/');
}

static bool knows_action(void *arg, const char *instance, const char *action)
{
    (void)arg;
    return !strcmp(instance, "streak") && *action;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct definition_catalog given = {.emits = knows_type,
                                                    .takes = knows_type,
                                                    .probes = knows,
                                                    .answers = knows_action,
                                                    .exists = knows};
    struct definition_catalog catalog = given;
    struct definition *definition = NULL, *stored = NULL;
    struct error err = {""};
    char *text = fuzz_text((cn_str){(const char *)data, size});

    catalog.types = types;
    if (definition_create("won.json", text, size, &catalog, types, &definition,
                          &err)) {
        FUZZ_MUST(!strncmp(err.text, "won.json", 8));
        fuzz_sentence(err.text);
    } else {
        FUZZ_MUST(*definition->name && *definition->version);
        FUZZ_MUST(definition_hold(definition) == definition);
        /* What was good when it was new is good from the store. */
        FUZZ_MUST(!definition_create("stored", definition->text,
                                     strlen(definition->text), NULL, types,
                                     &stored, &err));
        FUZZ_MUST(!strcmp(stored->version, definition->version));
        definition_release(stored);
        definition_release(definition);
        definition_release(definition);
    }
    free(text);
    return 0;
}
