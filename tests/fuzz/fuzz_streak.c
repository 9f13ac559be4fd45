/* fuzz_streak.c - the Streak connector and a Streak that answers anything.
 *
 * The first byte of part 1 is the operation: r reads the deal whose key
 * follows, d, a and w deliver the record that follows (a type it does not keep
 * to is nothing the host would hand over), D, A and W probe it, c checks.  The
 * other parts are the answers (play.h). */
#include <string.h>

#include <connect/json.h>

#include "config/record_type.h"
#include "play.h"

extern const cn_plugin cn_plugin_v1;

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

static const char *type_of(char letter)
{
    return letter == 'd'   ? "deal/1"
           : letter == 'a' ? "activity/1"
           : letter == 'w' ? "webhook/1"
                           : NULL;
}

static bool keeps_to(const char *name, cn_str body)
{
    const struct record_type *type = record_types_find(types, name);
    struct schema_fault fault;
    cJSON *value = fuzz_json(body);
    bool keeps = type && value && !schema_check(type->schema, value, &fault);

    cJSON_Delete(value);
    return keeps;
}

static cn_op read_deal(struct kit *kit, cn_str key)
{
    cJSON *question = cJSON_CreateObject();
    cn_op op = 0;
    char *text;

    if (key.len && key.len <= 256 && !memchr(key.ptr, '\0', key.len) &&
        !cn_json_put_str(question, "box", key)) {
        text = cn_json_print(question);
        op = kit_call(kit, "read_deal", text);
        free(text);
    }
    cJSON_Delete(question);
    return op;
}

static cn_op begin(struct kit *kit, cn_str part)
{
    char letter = part.len ? part.ptr[0] : 'c';
    cn_str rest = {part.ptr + 1, part.len ? part.len - 1 : 0};
    const char *type = type_of((char)(letter | 0x20));
    cn_op op = 0;
    char *body;

    if (letter == 'r')
        return read_deal(kit, rest);
    if (!type)
        return kit_check(kit);
    body = fuzz_text(rest);
    if (keeps_to(type, rest) && letter == *type)
        op = kit_deliver(kit, type, "event-1", "key-1", body);
    else if (keeps_to(type, rest))
        op = kit_probe(kit, type, "event-1", "key-1", body);
    free(body);
    return op;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input;
    struct kit *kit;
    cn_op op;

    fuzz_split(&input, data, size);
    kit = kit_create(&cn_plugin_v1,
                     "{\"base_url\":\"https://s.test/api\",\"api_key\":"
                     "\"key-of-streak\",\"webhook_token\":\"token-of-ours\","
                     "\"structure_seconds\":60}");
    kit_set_secret(kit, "webhook_address", "https://h.test/in/streak/secret");
    FUZZ_MUST(kit_start(kit));
    op = begin(kit, input.parts[0]);
    if (op)
        play(kit, op, &input, 1);
    kit_destroy(kit);
    fuzz_done(&input);
    return 0;
}
