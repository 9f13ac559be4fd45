/* fuzz_config.c - connect.json: a checked struct, or one sentence why not.
 *
 * Part 1 is the file; part 2 a JSON Pointer whose line is asked for. */
#include <string.h>
#include <unistd.h>

#include "config/config.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[256];
    struct fuzz_input input;
    struct error err = {""};
    struct config *config = NULL;
    cJSON *value = NULL;
    char *text, *pointer;

    fuzz_split(&input, data, size);
    text = fuzz_text(input.parts[0]);
    pointer = fuzz_text(input.parts[1]);
    if (config_parse("connect.json", text, input.parts[0].len, &value, &err))
        fuzz_sentence(err.text);
    cJSON_Delete(value);
    (void)config_line(text, input.parts[0].len, pointer);

    snprintf(path, sizeof(path), "%s/connect.json", fuzz_directory());
    fuzz_write(path, text, input.parts[0].len);
    *err.text = '\0';
    if (config_read(path, &config, &err)) {
        fuzz_sentence(err.text);
    } else {
        FUZZ_MUST(config->data[0] == '/' && config->admin_socket);
        for (size_t index = 0; index < config->instance_count; index++)
            FUZZ_MUST(config->instances[index].plugin[0] == '/');
        config_destroy(config);
    }
    unlink(path);
    free(pointer);
    free(text);
    fuzz_done(&input);
    return 0;
}
