/* convert_list.c - conversions between texts and lists, and choices.
 *
 * Read on any thread. */
#include "flow/convert_list.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <connect/json.h>

#include "base/buf.h"
#include "flow/convert_value.h"

enum {
    SHOWN_MAX = 60,           /* bytes of a line in an error */
    TEXT_MAX_BYTES = 1 << 20, /* of a text made here */
    ROWS_MAX = 1000           /* of a table: as many as a map takes */
};

int convert_boolean(const struct convert *convert, const cJSON *value,
                    cJSON **ret_value, struct error *err)
{
    static const char *const yes[] = {"true", "yes", "1"};
    static const char *const no[] = {"false", "no", "0"};
    const char *text;
    int status = convert_need_text(convert, value, &text, err);

    if (status)
        return status;
    for (size_t index = 0; index < 3; index++) {
        if (!strcasecmp(text, yes[index]) || !strcasecmp(text, no[index])) {
            *ret_value = cJSON_CreateBool(!strcasecmp(text, yes[index]));
            return 0;
        }
    }
    return convert_wrong(convert, value, err, "is neither yes nor no");
}

int convert_lookup(const struct convert *convert, const cJSON *value,
                   cJSON **ret_value, struct error *err)
{
    const struct convert_options *options = &convert->options;
    const char *text;
    const cJSON *found;
    char what[128];
    int status = convert_need_text(convert, value, &text, err);

    if (status)
        return status;
    found = cn_json_member(options->values, text);
    if (!found)
        found = options->otherwise ? options->otherwise
                : options->keep    ? value
                                   : NULL;
    if (!found) {
        snprintf(what, sizeof(what), "is not in the look-up table%s%.60s",
                 options->table ? " " : "",
                 options->table ? options->table : "");
        return convert_wrong(convert, value, err, what);
    }
    *ret_value = cJSON_Duplicate(found, 1);
    return 0;
}

static int row_of(const struct convert *convert, const char *row, size_t len,
                  cJSON *list, struct error *err)
{
    const struct convert_options *options = &convert->options;
    cJSON *object = cJSON_CreateObject();
    size_t column = 0, at = 0;

    while (column < options->column_count && at <= len) {
        const char *end = memchr(row + at, options->text[0], len - at);
        size_t stop = end ? (size_t)(end - row) : len, from = at, to = stop;
        while (from < to && isspace((unsigned char)row[from]))
            from++;
        while (to > from && isspace((unsigned char)row[to - 1]))
            to--;
        cn_json_put_str(object, options->columns[column++],
                        (cn_str){row + from, to - from});
        at = stop + 1;
    }
    if (at <= len) {
        cJSON_Delete(object);
        error_set(err, "line \"%.*s\" has more than %zu columns (table)",
                  (int)(len < SHOWN_MAX ? len : SHOWN_MAX), row,
                  options->column_count);
        return -EINVAL;
    }
    cJSON_AddItemToArray(list, object);
    return 0;
}

static bool blank(const char *text, size_t len)
{
    for (size_t at = 0; at < len; at++) {
        if (!isspace((unsigned char)text[at]))
            return false;
    }
    return true;
}

int convert_table(const struct convert *convert, const cJSON *value,
                  cJSON **ret_value, struct error *err)
{
    const char *text,
        *separators = convert->options.rows ? convert->options.rows : "\r\n";
    cJSON *list;
    size_t count = 0;
    int status = convert_need_text(convert, value, &text, err);

    if (status)
        return status;
    list = cJSON_CreateArray();
    while (*text && !status) {
        size_t len = strcspn(text, separators);
        if (!blank(text, len)) {
            if (++count > ROWS_MAX)
                status =
                    convert_wrong(convert, value, err, "has too many lines");
            else
                status = row_of(convert, text, len, list, err);
        }
        text += len + (text[len] ? 1 : 0);
    }
    if (status)
        cJSON_Delete(list);
    else
        *ret_value = list;
    return status;
}

int convert_split(const struct convert *convert, const cJSON *value,
                  cJSON **ret_value, struct error *err)
{
    const char *text, *separators = convert->options.text;
    cJSON *list;
    int status = convert_need_text(convert, value, &text, err);

    if (status)
        return status;
    list = cJSON_CreateArray();
    while (*text) {
        size_t len = strcspn(text, separators);
        if (!blank(text, len))
            cn_json_append(list, cn_json_string((cn_str){text, len}));
        text += len + (text[len] ? 1 : 0);
    }
    *ret_value = list;
    return 0;
}

int convert_join(const struct convert *convert, const cJSON *value,
                 cJSON **ret_value, struct error *err)
{
    struct buf buf;
    int status = 0;

    if (!cJSON_IsArray(value))
        return convert_wrong(convert, value, err, "is not a list");
    buf_init(&buf, TEXT_MAX_BYTES);
    buf_append_text(&buf, "");
    CN_JSON_EACH(item, value)
    {
        const char *text = cn_json_text(item);
        if (!text)
            status = convert_wrong(convert, item, err, "is not a text");
        else if (buf.len)
            buf_append_text(&buf, convert->options.text);
        if (text)
            buf_append_text(&buf, text);
    }
    if (!status && buf.overflow)
        status = convert_wrong(convert, value, err, "is too long");
    if (!status)
        status = convert_give_text(ret_value, buf.data, buf.len);
    buf_done(&buf);
    return status;
}

int convert_first(const struct convert *convert, const cJSON *value,
                  cJSON **ret_value, struct error *err)
{
    if (!cJSON_IsArray(value) || !value->child)
        return convert_wrong(convert, value, err, "has no first element");
    *ret_value = cJSON_Duplicate(value->child, 1);
    return 0;
}
