/* fuzz_condition.c - conditions on results.
 *
 * Part 1 is a condition, part 2 the results.  A condition and its contrary
 * never agree. */
#include <string.h>

#include <connect/json.h>

#include "flow/condition.h"
#include "fuzz.h"

static int met(const cJSON *value, const cJSON *results)
{
    struct condition *condition = NULL;
    struct error err = {""};
    char pointer[512] = "";
    int answer = -1;

    if (condition_create(value, &condition, pointer, &err)) {
        fuzz_sentence(err.text);
        FUZZ_MUST(strlen(pointer) < sizeof(pointer));
        return -2;
    }
    if (results) {
        answer = condition_met(condition, results, &err);
        if (answer != 0 && answer != 1)
            fuzz_sentence(err.text);
    }
    condition_destroy(condition);
    return answer < 0 ? -1 : answer;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input;
    cJSON *value, *results, *contrary = cJSON_CreateObject();
    int straight, turned;

    fuzz_split(&input, data, size);
    value = fuzz_json(input.parts[0]);
    results = fuzz_json(input.parts[1]);
    if (value) {
        if (!cJSON_IsObject(results)) {
            cJSON_Delete(results);
            results = NULL;
        }
        straight = met(value, results);
        FUZZ_MUST(contrary && !cn_json_put(contrary, "not", value));
        turned = met(contrary, results);
        /* One level deeper may be one too many. */
        FUZZ_MUST(turned < 0 || straight < 0 || turned == !straight);
        FUZZ_MUST(straight != -2 || turned == -2);
    }
    cJSON_Delete(contrary);
    cJSON_Delete(results);
    fuzz_done(&input);
    return 0;
}
