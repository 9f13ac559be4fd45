/* fuzz_streak_receive.c - webhooks of Streak: the body from outside.
 *
 * The sender is known by its token, so everything here is a body that Streak,
 * or whoever has the token, may send. */
#include <connect/kit.h>

#include "fuzz.h"

extern const cn_plugin cn_plugin_v1;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const headers[] = {"Content-Type", "application/json",
                                          "X-Streak-Webhook-Token",
                                          "token-of-ours", NULL};
    struct kit *kit =
        kit_create(&cn_plugin_v1, "{\"api_key\":\"key-of-streak\","
                                  "\"webhook_token\":\"token-of-ours\"}");
    char *body = fuzz_text((cn_str){(const char *)data, size});
    const struct kit_result *result;

    FUZZ_MUST(kit_start(kit));
    result = kit_result(kit, kit_receive(kit, "/in/streak/s", headers, body));
    FUZZ_MUST(result->done);
    FUZZ_MUST(result->record_count <= 1);
    for (size_t index = 0; index < result->record_count; index++) {
        FUZZ_MUST(*result->records[index].id && *result->records[index].key);
    }
    kit_destroy(kit);
    free(body);
    return 0;
}
