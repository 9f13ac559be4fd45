/* fuzz_manifest.c - what a plugin says about itself. */
#include <string.h>

#include "fuzz.h"
#include "plugin/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct record_types *types = record_types_create();
    struct manifest *manifest = NULL;
    struct error err = {""};
    char *text = fuzz_text((cn_str){(const char *)data, size});

    if (manifest_create("com.acme.shop", text, types, &manifest, &err)) {
        fuzz_sentence(err.text);
    } else {
        FUZZ_MUST(manifest->config && manifest->title);
        for (size_t index = 0; index < manifest->action_count; index++) {
            const char *name = manifest->actions[index].name;
            FUZZ_MUST(manifest_action(manifest, name));
        }
        for (size_t index = 0; index < manifest->type_count; index++)
            FUZZ_MUST(manifest_type(manifest, manifest->types[index].name));
        (void)manifest_secret(manifest, text, strlen(text));
        manifest_destroy(manifest);
    }
    record_types_destroy(types);
    free(text);
    return 0;
}
