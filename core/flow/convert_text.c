/* convert_text.c - conversions of texts: trim, case, length, affix, short key.
 *
 * Characters are counted, bytes are never cut in the middle of one.  Read on
 * any thread. */
#include "flow/convert_text.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sodium.h>

#include "base/buf.h"
#include "base/memory.h"
#include "flow/convert_value.h"

enum { TEXT_MAX_BYTES = 1 << 20 }; /* of a text made here */

int convert_trim(const struct convert *convert, const cJSON *value,
                 cJSON **ret_value, struct error *err)
{
    const char *text;
    size_t len;
    int status = convert_need_text(convert, value, &text, err);

    if (status)
        return status;
    while (isspace((unsigned char)*text))
        text++;
    len = strlen(text);
    while (len > 0 && isspace((unsigned char)text[len - 1]))
        len--;
    return convert_give_text(ret_value, text, len);
}

int convert_case(const struct convert *convert, const cJSON *value,
                 cJSON **ret_value, struct error *err)
{
    bool upper = convert->kind->name[0] == 'u';
    const char *text;
    char *copy;
    int status = convert_need_text(convert, value, &text, err);

    if (status)
        return status;
    copy = memory_text(text);
    for (char *at = copy; *at; at++) {
        if (upper && *at >= 'a' && *at <= 'z')
            *at = (char)(*at - 'a' + 'A');
        else if (!upper && *at >= 'A' && *at <= 'Z')
            *at = (char)(*at - 'A' + 'a');
    }
    status = convert_give_text(ret_value, copy, strlen(copy));
    free(copy);
    return status;
}

/* Bytes of the first count characters. */
static size_t characters(const char *text, int64_t count, bool *ret_more)
{
    size_t at = 0;

    while (text[at]) {
        if (((unsigned char)text[at] & 0xc0) != 0x80 && count-- == 0) {
            *ret_more = true;
            return at;
        }
        at++;
    }
    *ret_more = false;
    return at;
}

int convert_text(const struct convert *convert, const cJSON *value,
                 cJSON **ret_value, struct error *err)
{
    const char *text;
    char what[64];
    bool more;
    size_t len;
    int status = convert_need_text(convert, value, &text, err);

    if (status)
        return status;
    len = characters(text, convert->options.max, &more);
    if (more && !convert->options.cut) {
        snprintf(what, sizeof(what), "is longer than %" PRId64 " characters",
                 convert->options.max);
        return convert_wrong(convert, value, err, what);
    }
    return convert_give_text(ret_value, text, len);
}

int convert_string(const struct convert *convert, const cJSON *value,
                   cJSON **ret_value, struct error *err)
{
    const char *text;
    int status = convert_need_text(convert, value, &text, err);

    return status ? status : convert_give_text(ret_value, text, strlen(text));
}

int convert_affix(const struct convert *convert, const cJSON *value,
                  cJSON **ret_value, struct error *err)
{
    bool before = convert->kind->name[0] == 'p';
    const char *text;
    struct buf buf;
    int status = convert_need_text(convert, value, &text, err);

    if (status)
        return status;
    buf_init(&buf, TEXT_MAX_BYTES);
    status = buf_printf(&buf, "%s%s", before ? convert->options.text : text,
                        before ? text : convert->options.text);
    if (status)
        status = convert_wrong(convert, value, err, "is too long");
    else
        status = convert_give_text(ret_value, buf.data, buf.len);
    buf_done(&buf);
    return status;
}

int convert_short_key(const struct convert *convert, const cJSON *value,
                      cJSON **ret_value, struct error *err)
{
    /* No I, L, O, U: nobody misreads them on the telephone. */
    static const char letters[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    unsigned char hash[20];
    char key[CONVERT_KEY_MAX + 1], *whole;
    const char *text, *prefix;
    unsigned bits = 0, held = 0;
    size_t byte = 0, whole_len;
    int status = convert_need_text(convert, value, &text, err);

    if (status)
        return status;
    if (!*text)
        return convert_wrong(convert, value, err,
                             "is empty and cannot name anything");
    crypto_generichash(hash, sizeof(hash), (const unsigned char *)text,
                       strlen(text), NULL, 0);
    for (int64_t at = 0; at < convert->options.length; at++) {
        if (held < 5) {
            bits = (bits << 8) | hash[byte++];
            held += 8;
        }
        held -= 5;
        key[at] = letters[(bits >> held) & 31u];
        bits &= (1u << held) - 1;
    }
    key[convert->options.length] = '\0';
    prefix = convert->options.text ? convert->options.text : "";
    whole_len = strlen(prefix) + strlen(key);
    whole = memory_zero(whole_len + 1, 1);
    snprintf(whole, whole_len + 1, "%s%s", prefix, key);
    status = convert_give_text(ret_value, whole, strlen(whole));
    free(whole);
    return status;
}
