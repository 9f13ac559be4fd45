/* fuzz_ctl.c - what connectctl prints of texts and answers from outside.
 *
 * The first byte chooses what is printed and how wide the terminal is.  Nothing
 * printed may steer a terminal. */
#include <string.h>

#include <connect/json.h>

#include "ctl/print.h"
#include "ctl/show.h"
#include "ctl/text.h"
#include "fuzz.h"

typedef void print_fn(const struct text_out *out, const cJSON *answer);

static void show(const struct text_out *out, const cJSON *answer)
{
    show_print(out, answer, true);
}

static void harmless(const char *text, size_t len, bool lines)
{
    FUZZ_MUST(cn_utf8_valid((cn_str){text, len}));
    for (size_t index = 0; index < len; index++) {
        unsigned char byte = (unsigned char)text[index];

        FUZZ_MUST((byte >= 0x20 && byte != 0x7F) || (lines && byte == '\n'));
        /* U+0080 to U+009F, U+202A to U+202E */
        FUZZ_MUST(byte != 0xC2 || (unsigned char)text[index + 1] >= 0xA0);
        FUZZ_MUST(strncmp(text + index, "\xE2\x80\xAE", 3) != 0);
    }
}

static void text_is_harmless(const char *bytes, size_t len, size_t columns)
{
    struct buf buf;
    size_t fit;

    buf_init(&buf, TEXT_BYTES_MAX);
    text_escape(&buf, bytes, len);
    buf_append_text(&buf, "");
    harmless(buf.data ? buf.data : "", buf.len, false);
    if (buf.data) {
        fit = text_fit(buf.data, columns);
        FUZZ_MUST(fit <= buf.len);
        FUZZ_MUST(cn_utf8_valid((cn_str){buf.data, fit}));
        if (text_width(buf.data) <= columns)
            FUZZ_MUST(fit == buf.len);
        buf.data[fit] = '\0';
        FUZZ_MUST(text_width(buf.data) <= columns);
    }
    buf_done(&buf);
}

/* A text of JSON stays the same JSON. */
static void json_is_harmless(const char *bytes, size_t len)
{
    struct buf buf;
    cJSON *before = fuzz_json((cn_str){bytes, len}), *after;

    buf_init(&buf, TEXT_BYTES_MAX);
    text_escape_json(&buf, bytes, len);
    if (before && buf.data) {
        after = fuzz_json((cn_str){buf.data, buf.len});
        FUZZ_MUST(after && cn_json_equal(before, after));
        cJSON_Delete(after);
    }
    cJSON_Delete(before);
    buf_done(&buf);
}

static void printed(uint32_t choice, const cJSON *answer, const char *text)
{
    static print_fn *const fns[] = {
        print_status,     print_plugins,       print_flows,
        print_runs,       print_parked,        print_alerts,
        print_quarantine, print_history_entry, show};
    char *bytes = NULL;
    size_t len = 0;
    struct text_out out = {.file = open_memstream(&bytes, &len),
                           .width = (choice >> 4) * 10};

    FUZZ_MUST(out.file);
    if (answer)
        fns[choice % (sizeof(fns) / sizeof(*fns))](&out, answer);
    text_print_cell(&out, TEXT_PLAIN, text, choice >> 2, choice & 1);
    text_print_wrapped(&out, TEXT_PLAIN, text, choice % 7, choice % 3);
    fclose(out.file);
    harmless(bytes, len, true);
    free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint32_t choice = fuzz_number(&data, &size, 1);
    cn_str part = {(const char *)data, size};
    cJSON *answer = fuzz_json(part);
    char *text = fuzz_text(part);

    text_is_harmless(part.ptr, part.len, choice);
    json_is_harmless(part.ptr, part.len);
    printed(choice, answer, text);
    cJSON_Delete(answer);
    free(text);
    return 0;
}
