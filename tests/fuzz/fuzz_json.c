/* fuzz_json.c - the strict reader: what it takes comes out the same.
 *
 * Part 1 is read; part 2 is a JSON Pointer. */
#include <errno.h>
#include <string.h>

#include <connect/json.h>

#include "fuzz.h"

static void members_are_found(const cJSON *value)
{
    cn_json_index *index = NULL;

    if (!cJSON_IsObject(value))
        return;
    FUZZ_MUST(!cn_json_index_create(value, &index));
    CN_JSON_EACH(member, value)
    {
        FUZZ_MUST(cn_json_index_find(index, member->string) == member);
        FUZZ_MUST(cn_json_member(value, member->string) == member);
    }
    cn_json_index_destroy(index);
}

static void place_is_found(cn_str text, const cJSON *value, const char *pointer)
{
    size_t line = 0, column = 0;
    int status = cn_json_locate(text, NULL, pointer, &line, &column);
    const cJSON *found = cn_json_pointer(value, pointer);

    FUZZ_MUST((status == 0) == (found != NULL));
    FUZZ_MUST(status == 0 || status == -ENOENT);
    FUZZ_MUST(status || (line > 0 && column > 0));
}

static void round_trip(const cJSON *value)
{
    char *printed = cn_json_print(value), *again;
    cJSON *read = NULL, *texts = cn_json_stringify_numbers(value);
    int64_t number;

    FUZZ_MUST(printed && texts);
    FUZZ_MUST(
        !cn_json_read((cn_str){printed, strlen(printed)}, NULL, &read, NULL));
    FUZZ_MUST(cn_json_equal(value, read) && cn_json_equal(read, value));
    again = cn_json_print(read);
    FUZZ_MUST(again && !strcmp(printed, again));
    if (!cn_json_int64(value, &number))
        FUZZ_MUST(cn_json_is_integer(value) || cJSON_IsString(value));
    cJSON_Delete(read);
    cJSON_Delete(texts);
    free(printed);
    free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const cn_json_limits loose = {.flags = CN_JSON_ALLOW_COMMENTS |
                                                  CN_JSON_ALLOW_DUPLICATES,
                                         .depth_max = 12,
                                         .values_max = 200,
                                         .bytes_max = 3000};
    struct fuzz_input input;
    cn_json_error error;
    cJSON *value = NULL;
    char *pointer;

    fuzz_split(&input, data, size);
    pointer = fuzz_text(input.parts[1]);
    if (!cn_json_read(input.parts[0], NULL, &value, &error)) {
        /* U+0000 in a string is the one thing kept as what is no UTF-8. */
        FUZZ_MUST(cn_utf8_valid(input.parts[0]));
        members_are_found(value);
        place_is_found(input.parts[0], value, pointer);
        round_trip(value);
    } else {
        FUZZ_MUST(error.code && *error.sentence &&
                  error.offset <= input.parts[0].len);
    }
    cJSON_Delete(value);
    value = NULL;
    if (!cn_json_read(input.parts[0], &loose, &value, NULL))
        cJSON_Delete(value);
    free(pointer);
    fuzz_done(&input);
    return 0;
}
