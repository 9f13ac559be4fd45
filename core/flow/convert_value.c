/* convert_value.c - what all conversions share: a text in, a text out, an error
 * that names value and rule.
 *
 * Read on any thread. */
#include "flow/convert_value.h"

#include <errno.h>
#include <string.h>

#include <connect/json.h>

#include "flow/convert_value.h"

enum { SHOWN_MAX = 60 }; /* bytes of a value in an error */

int convert_wrong(const struct convert *convert, const cJSON *value,
                  struct error *err, const char *what)
{
    const char *text = cn_json_text(value);

    if (!text)
        error_set(err, "a %s %s (%s)",
                  cJSON_IsArray(value)    ? "list"
                  : cJSON_IsObject(value) ? "object"
                                          : "missing value",
                  what, convert->kind->name);
    else
        error_set(err, "\"%.*s%s\" %s (%s)", SHOWN_MAX, text,
                  strlen(text) > SHOWN_MAX ? "..." : "", what,
                  convert->kind->name);
    return -EINVAL;
}

/* The text of a scalar, or an error. */
int convert_need_text(const struct convert *convert, const cJSON *value,
                      const char **ret_text, struct error *err)
{
    *ret_text = cn_json_text(value);
    if (!*ret_text)
        return convert_wrong(convert, value, err, "is not a text");
    return strstr(*ret_text, "\xC0\x80") ? -EILSEQ : 0; /* U+0000 */
}

int convert_give_text(cJSON **ret_value, const char *text, size_t len)
{
    cn_str str = {text, len};

    *ret_value = cn_json_string(str);
    return *ret_value ? 0 : -EILSEQ;
}
