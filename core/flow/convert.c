/* convert.c - named native conversions.
 *
 * One idea: a table of name, options and a function from value to value.  All
 * options are read when the flow is compiled; applying one allocates only its
 * result.  Numbers are decimal texts throughout, dates are computed with
 * integers.  Read on any thread after compiling. */
#include "flow/convert.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <sodium.h>

#include <connect/decimal.h>
#include <connect/json.h>

#include "base/buf.h"
#include "base/memory.h"

enum {
    SHOWN_MAX = 60,           /* bytes of a value in an error */
    TEXT_MAX_BYTES = 1 << 20, /* of a text made here */
    ROWS_MAX = 1000,          /* of a table: as many as a map takes */
    COLUMNS_MAX = 32,
    KEY_LENGTH_MIN = 8,
    KEY_LENGTH_MAX = 26 /* 130 bits: the whole of the hash used */
};

struct options {
    int64_t max, min_set, max_set, shift, scale, length, zone_minutes;
    cn_decimal low, high;
    int round;
    bool cut, keep;
    char *text; /* thousands, separator, prefix, format */
    char *rows; /* table: row separator */
    char **columns;
    size_t column_count;
    cJSON *values;    /* lookup */
    cJSON *otherwise; /* lookup: value for what is missing */
    char *table;      /* lookup: its name, for errors */
};

struct kind {
    const char *name;
    const char *const *members; /* options it knows, NULL-terminated */
    int (*apply)(const struct convert *, const cJSON *, cJSON **,
                 struct error *);
};

struct convert {
    const struct kind *kind;
    struct options options;
};

/* ---- Errors -------------------------------------------------------------- */

static int wrong(const struct convert *convert, const cJSON *value,
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
static int need_text(const struct convert *convert, const cJSON *value,
                     const char **ret_text, struct error *err)
{
    *ret_text = cn_json_text(value);
    return *ret_text ? 0 : wrong(convert, value, err, "is not a text");
}

static int give_text(cJSON **ret_value, const char *text, size_t len)
{
    cn_str str = {text, len};

    *ret_value = cn_json_string(str);
    return *ret_value ? 0 : -EINVAL;
}

/* ---- Texts --------------------------------------------------------------- */

static int apply_trim(const struct convert *convert, const cJSON *value,
                      cJSON **ret_value, struct error *err)
{
    const char *text;
    size_t len;
    int status = need_text(convert, value, &text, err);

    if (status)
        return status;
    while (isspace((unsigned char)*text))
        text++;
    len = strlen(text);
    while (len > 0 && isspace((unsigned char)text[len - 1]))
        len--;
    return give_text(ret_value, text, len);
}

static int apply_case(const struct convert *convert, const cJSON *value,
                      cJSON **ret_value, struct error *err)
{
    bool upper = convert->kind->name[0] == 'u';
    const char *text;
    char *copy;
    int status = need_text(convert, value, &text, err);

    if (status)
        return status;
    copy = memory_text(text);
    for (char *at = copy; *at; at++) {
        if (upper && *at >= 'a' && *at <= 'z')
            *at = (char)(*at - 'a' + 'A');
        else if (!upper && *at >= 'A' && *at <= 'Z')
            *at = (char)(*at - 'A' + 'a');
    }
    status = give_text(ret_value, copy, strlen(copy));
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

static int apply_text(const struct convert *convert, const cJSON *value,
                      cJSON **ret_value, struct error *err)
{
    const char *text;
    char what[64];
    bool more;
    size_t len;
    int status = need_text(convert, value, &text, err);

    if (status)
        return status;
    len = characters(text, convert->options.max, &more);
    if (more && !convert->options.cut) {
        snprintf(what, sizeof(what), "is longer than %" PRId64 " characters",
                 convert->options.max);
        return wrong(convert, value, err, what);
    }
    return give_text(ret_value, text, len);
}

static int apply_string(const struct convert *convert, const cJSON *value,
                        cJSON **ret_value, struct error *err)
{
    const char *text;
    int status = need_text(convert, value, &text, err);

    return status ? status : give_text(ret_value, text, strlen(text));
}

static int apply_affix(const struct convert *convert, const cJSON *value,
                       cJSON **ret_value, struct error *err)
{
    bool before = convert->kind->name[0] == 'p';
    const char *text;
    struct buf buf;
    int status = need_text(convert, value, &text, err);

    if (status)
        return status;
    buf_init(&buf, TEXT_MAX_BYTES);
    status = buf_printf(&buf, "%s%s", before ? convert->options.text : text,
                        before ? text : convert->options.text);
    if (status)
        status = wrong(convert, value, err, "is too long");
    else
        status = give_text(ret_value, buf.data, buf.len);
    buf_done(&buf);
    return status;
}

static int apply_short_key(const struct convert *convert, const cJSON *value,
                           cJSON **ret_value, struct error *err)
{
    /* No I, L, O, U: nobody misreads them on the telephone. */
    static const char letters[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    unsigned char hash[20];
    char key[KEY_LENGTH_MAX + 1], *whole;
    const char *text;
    unsigned bits = 0, held = 0;
    size_t byte = 0;
    int status = need_text(convert, value, &text, err);

    if (status)
        return status;
    if (!*text)
        return wrong(convert, value, err, "is empty and cannot name anything");
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
    if (asprintf(&whole, "%s%s",
                 convert->options.text ? convert->options.text : "", key) < 0)
        return -ENOMEM;
    status = give_text(ret_value, whole, strlen(whole));
    free(whole);
    return status;
}

/* ---- Numbers ------------------------------------------------------------- */

/* Remove thousands separators that stand where they may. */
static int without_thousands(const struct convert *convert, const char *text,
                             char *plain, size_t size)
{
    const char *separator = convert->options.text;
    size_t len = 0, run = 0;
    bool seen = false, fraction = false;

    for (const char *at = text; *at; at++) {
        if (separator && *at == *separator && !fraction) {
            if (run == 0 || run > 3 || (seen && run != 3))
                return -EINVAL;
            seen = true;
            run = 0;
            continue;
        }
        if (*at == '.') {
            if (seen && run != 3)
                return -EINVAL;
            fraction = true;
        } else if (isdigit((unsigned char)*at)) {
            run++;
        }
        if (len + 1 >= size)
            return -EINVAL;
        plain[len++] = *at;
    }
    plain[len] = '\0';
    return seen && !fraction && run != 3 ? -EINVAL : 0;
}

static int read_decimal(const struct convert *convert, const cJSON *value,
                        cn_decimal *ret_number, struct error *err)
{
    char plain[96];
    const char *text;
    int status = need_text(convert, value, &text, err);

    if (status)
        return status;
    if (without_thousands(convert, text, plain, sizeof(plain)) ||
        cn_decimal_parse_text(plain, ret_number))
        return wrong(convert, value, err, "is not a decimal number");
    if (convert->options.min_set &&
        cn_decimal_compare(ret_number, &convert->options.low) < 0)
        return wrong(convert, value, err, "is too small");
    if (convert->options.max_set &&
        cn_decimal_compare(ret_number, &convert->options.high) > 0)
        return wrong(convert, value, err, "is too large");
    return 0;
}

static int give_decimal(const cn_decimal *number, cJSON **ret_value)
{
    char text[CN_DECIMAL_TEXT_MAX];

    cn_decimal_print(number, text);
    return give_text(ret_value, text, strlen(text));
}

static int apply_decimal(const struct convert *convert, const cJSON *value,
                         cJSON **ret_value, struct error *err)
{
    cn_decimal number;
    char what[80];
    int status = read_decimal(convert, value, &number, err);

    if (status)
        return status;
    if (convert->options.scale >= 0 &&
        cn_decimal_set_scale(&number, (uint32_t)convert->options.scale,
                             convert->options.round, &number)) {
        snprintf(what, sizeof(what),
                 "does not fit %" PRId64 " digits behind the point",
                 convert->options.scale);
        return wrong(convert, value, err, what);
    }
    return give_decimal(&number, ret_value);
}

static int apply_integer(const struct convert *convert, const cJSON *value,
                         cJSON **ret_value, struct error *err)
{
    cn_decimal number;
    int status = read_decimal(convert, value, &number, err);

    if (status)
        return status;
    if (cn_decimal_set_scale(&number, 0, CN_DECIMAL_EXACT, &number))
        return wrong(convert, value, err, "is not a whole number");
    return give_decimal(&number, ret_value);
}

static int apply_scaled(const struct convert *convert, const cJSON *value,
                        cJSON **ret_value, struct error *err)
{
    char factor_text[CN_DECIMAL_TEXT_MAX] = "0.";
    cn_decimal number, factor;
    int status = read_decimal(convert, value, &number, err);
    size_t len = 2;

    if (status)
        return status;
    for (int64_t at = 1; at < convert->options.shift; at++)
        factor_text[len++] = '0';
    factor_text[len++] = '1';
    factor_text[len] = '\0';
    if (cn_decimal_parse_text(factor_text, &factor) ||
        cn_decimal_multiply(&number, &factor, &number))
        return wrong(convert, value, err, "has too many digits");
    return give_decimal(&number, ret_value);
}

/* ---- Dates --------------------------------------------------------------- */

static int read_ms(const struct convert *convert, const cJSON *value,
                   struct tm *ret_parts, struct error *err)
{
    const char *text;
    char *end;
    long long ms;
    time_t seconds;
    int status = need_text(convert, value, &text, err);

    if (status)
        return status;
    errno = 0;
    ms = strtoll(text, &end, 10);
    /* Years 1970 to 9999: what a date of four digits can show. */
    if (errno || end == text || *end || ms < 0 || ms > 253402300799999LL)
        return wrong(convert, value, err,
                     "is not a time in milliseconds since 1970");
    seconds = (time_t)(ms / 1000 + convert->options.zone_minutes * 60);
    return gmtime_r(&seconds, ret_parts) ? 0 : -EINVAL;
}

static int apply_date_from_ms(const struct convert *convert, const cJSON *value,
                              cJSON **ret_value, struct error *err)
{
    struct tm parts;
    char text[40];
    int status = read_ms(convert, value, &parts, err);

    if (status)
        return status;
    strftime(text, sizeof(text),
             strstr(convert->kind->name, "time") ? "%Y-%m-%dT%H:%M:%SZ"
                                                 : "%Y-%m-%d",
             &parts);
    return give_text(ret_value, text, strlen(text));
}

static bool day_exists(int year, int month, int day)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    if (year < 1 || month < 1 || month > 12 || day < 1)
        return false;
    return day <= days[month - 1] + (month == 2 && leap);
}

static int apply_date(const struct convert *convert, const cJSON *value,
                      cJSON **ret_value, struct error *err)
{
    int year = 0, month = 0, day = 0;
    const char *text, *at;
    char made[40];
    int status = need_text(convert, value, &text, err);

    if (status)
        return status;
    at = text;
    for (const char *format = convert->options.text; *format; format++) {
        int *part = *format == 'Y'   ? &year
                    : *format == 'M' ? &month
                    : *format == 'D' ? &day
                                     : NULL;
        int digits = 0;
        if (!part) {
            if (*at++ != *format)
                return wrong(convert, value, err,
                             "is not a date of the form "
                             "the mapping names");
            continue;
        }
        while (isdigit((unsigned char)*at) &&
               digits++ < (part == &year ? 4 : 2))
            *part = *part * 10 + (*at++ - '0');
    }
    if (*at || !day_exists(year, month, day))
        return wrong(convert, value, err, "is not a date");
    snprintf(made, sizeof(made), "%04d-%02d-%02d", year, month, day);
    return give_text(ret_value, made, strlen(made));
}

/* ---- Choices and lists --------------------------------------------------- */

static int apply_boolean(const struct convert *convert, const cJSON *value,
                         cJSON **ret_value, struct error *err)
{
    static const char *const yes[] = {"true", "yes", "1"};
    static const char *const no[] = {"false", "no", "0"};
    const char *text;
    int status = need_text(convert, value, &text, err);

    if (status)
        return status;
    for (size_t index = 0; index < 3; index++) {
        if (!strcasecmp(text, yes[index]) || !strcasecmp(text, no[index])) {
            *ret_value = cJSON_CreateBool(!strcasecmp(text, yes[index]));
            return 0;
        }
    }
    return wrong(convert, value, err, "is neither yes nor no");
}

static int apply_lookup(const struct convert *convert, const cJSON *value,
                        cJSON **ret_value, struct error *err)
{
    const struct options *options = &convert->options;
    const char *text;
    const cJSON *found;
    char what[128];
    int status = need_text(convert, value, &text, err);

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
        return wrong(convert, value, err, what);
    }
    *ret_value = cJSON_Duplicate(found, 1);
    return 0;
}

static int row_of(const struct convert *convert, const char *row, size_t len,
                  cJSON *list, struct error *err)
{
    const struct options *options = &convert->options;
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

static int apply_table(const struct convert *convert, const cJSON *value,
                       cJSON **ret_value, struct error *err)
{
    const char *text,
        *separators = convert->options.rows ? convert->options.rows : "\r\n";
    cJSON *list;
    size_t count = 0;
    int status = need_text(convert, value, &text, err);

    if (status)
        return status;
    list = cJSON_CreateArray();
    while (*text && !status) {
        size_t len = strcspn(text, separators);
        if (!blank(text, len)) {
            if (++count > ROWS_MAX)
                status = wrong(convert, value, err, "has too many lines");
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

static int apply_split(const struct convert *convert, const cJSON *value,
                       cJSON **ret_value, struct error *err)
{
    const char *text, *separators = convert->options.text;
    cJSON *list;
    int status = need_text(convert, value, &text, err);

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

static int apply_join(const struct convert *convert, const cJSON *value,
                      cJSON **ret_value, struct error *err)
{
    struct buf buf;
    int status = 0;

    if (!cJSON_IsArray(value))
        return wrong(convert, value, err, "is not a list");
    buf_init(&buf, TEXT_MAX_BYTES);
    buf_append_text(&buf, "");
    CN_JSON_EACH(item, value)
    {
        const char *text = cn_json_text(item);
        if (!text)
            status = wrong(convert, item, err, "is not a text");
        else if (buf.len)
            buf_append_text(&buf, convert->options.text);
        if (text)
            buf_append_text(&buf, text);
    }
    if (!status && buf.overflow)
        status = wrong(convert, value, err, "is too long");
    if (!status)
        status = give_text(ret_value, buf.data, buf.len);
    buf_done(&buf);
    return status;
}

static int apply_first(const struct convert *convert, const cJSON *value,
                       cJSON **ret_value, struct error *err)
{
    if (!cJSON_IsArray(value) || !value->child)
        return wrong(convert, value, err, "has no first element");
    *ret_value = cJSON_Duplicate(value->child, 1);
    return 0;
}

/* ---- Compiling ----------------------------------------------------------- */

static const char *const no_members[] = {NULL};
static const char *const text_members[] = {"max", "overflow", NULL};
static const char *const decimal_members[] = {"scale", "round",     "min",
                                              "max",   "thousands", NULL};
static const char *const integer_members[] = {"min", "max", NULL};
static const char *const scaled_members[] = {"shift", NULL};
static const char *const zone_members[] = {"zone_minutes", NULL};
static const char *const format_members[] = {"format", NULL};
static const char *const lookup_members[] = {"table", "values", "missing",
                                             NULL};
static const char *const table_members[] = {"columns", "rows", "separator",
                                            NULL};
static const char *const separator_members[] = {"separator", NULL};
static const char *const affix_members[] = {"text", NULL};
static const char *const key_members[] = {"prefix", "length", NULL};

static const struct kind kinds[] = {
    {"trim", no_members, apply_trim},
    {"upper", no_members, apply_case},
    {"lower", no_members, apply_case},
    {"text", text_members, apply_text},
    {"string", no_members, apply_string},
    {"decimal", decimal_members, apply_decimal},
    {"integer", integer_members, apply_integer},
    {"scaled", scaled_members, apply_scaled},
    {"date_from_ms", zone_members, apply_date_from_ms},
    {"date_time_from_ms", no_members, apply_date_from_ms},
    {"date", format_members, apply_date},
    {"boolean", no_members, apply_boolean},
    {"lookup", lookup_members, apply_lookup},
    {"table", table_members, apply_table},
    {"split", separator_members, apply_split},
    {"join", separator_members, apply_join},
    {"first", no_members, apply_first},
    {"prefix", affix_members, apply_affix},
    {"suffix", affix_members, apply_affix},
    {"short_key", key_members, apply_short_key},
};

static int option_wrong(const struct convert *convert, const char *member,
                        struct error *err, const char *what)
{
    error_set(err, "%s: \"%s\" %s", convert->kind->name, member, what);
    return -EINVAL;
}

static int option_integer(const struct convert *convert, const cJSON *options,
                          const char *member, int64_t low, int64_t high,
                          int64_t *ret_number, struct error *err)
{
    const cJSON *item = cn_json_member(options, member);
    char what[80];

    if (!item)
        return 0;
    if (!cn_json_int64(item, ret_number) && *ret_number >= low &&
        *ret_number <= high)
        return 0;
    snprintf(what, sizeof(what),
             "must be a whole number from %" PRId64 " to %" PRId64, low, high);
    return option_wrong(convert, member, err, what);
}

static int option_decimal(const struct convert *convert, const cJSON *options,
                          const char *member, cn_decimal *ret_number,
                          int64_t *ret_set, struct error *err)
{
    const cJSON *item = cn_json_member(options, member);
    const char *text = cn_json_text(item);

    if (!item)
        return 0;
    if (!text || cn_decimal_parse_text(text, ret_number))
        return option_wrong(convert, member, err, "must be a decimal number");
    *ret_set = 1;
    return 0;
}

static int option_text(const struct convert *convert, const cJSON *options,
                       const char *member, const char *fallback,
                       char **ret_text, struct error *err)
{
    const cJSON *item = cn_json_member(options, member);

    if (item && !cJSON_IsString(item))
        return option_wrong(convert, member, err, "must be a text");
    if (item && *item->valuestring)
        *ret_text = memory_text(item->valuestring);
    else if (fallback)
        *ret_text = memory_text(fallback);
    else if (item)
        return option_wrong(convert, member, err, "must not be empty");
    return 0;
}

static int option_lookup(struct convert *convert, const cJSON *options,
                         const cJSON *tables, struct error *err)
{
    const cJSON *table = cn_json_member(options, "table");
    const cJSON *values = cn_json_member(options, "values");
    const cJSON *missing = cn_json_member(options, "missing");
    const char *text = cJSON_GetStringValue(missing);

    if (cJSON_IsString(table)) {
        convert->options.table = memory_text(table->valuestring);
        values = cn_json_member(tables, table->valuestring);
        if (!values)
            return option_wrong(convert, "table", err,
                                "names no table of this flow's \"tables\"");
    }
    if (!cJSON_IsObject(values))
        return option_wrong(
            convert, "values", err,
            "must be an object of texts, or \"table\" its name");
    convert->options.values = cJSON_Duplicate(values, 1);
    if (cJSON_IsObject(missing) && cn_json_member(missing, "value"))
        convert->options.otherwise =
            cJSON_Duplicate(cn_json_member(missing, "value"), 1);
    else if (text && !strcmp(text, "keep"))
        convert->options.keep = true;
    else if (missing && (!text || strcmp(text, "error") != 0))
        return option_wrong(convert, "missing", err,
                            "must be \"error\", \"keep\" or {\"value\": ...}");
    return 0;
}

static int option_columns(struct convert *convert, const cJSON *options,
                          struct error *err)
{
    const cJSON *columns = cn_json_member(options, "columns");

    if (!cJSON_IsArray(columns) || !columns->child ||
        cJSON_GetArraySize(columns) > COLUMNS_MAX)
        return option_wrong(convert, "columns", err,
                            "must be a list of 1 to 32 names");
    convert->options.columns = memory_zero(COLUMNS_MAX, sizeof(char *));
    CN_JSON_EACH(item, columns)
    {
        if (!cJSON_IsString(item))
            return option_wrong(convert, "columns", err, "must hold texts");
        convert->options.columns[convert->options.column_count++] =
            memory_text(item->valuestring);
    }
    return option_text(convert, options, "rows", NULL, &convert->options.rows,
                       err);
}

static int option_choice(const struct convert *convert, const cJSON *options,
                         const char *member, const char *const *choices,
                         int *ret_choice, struct error *err)
{
    const cJSON *item = cn_json_member(options, member);
    char what[120];

    if (!item)
        return 0;
    for (int index = 0; choices[index]; index++) {
        if (cJSON_IsString(item) &&
            !strcmp(item->valuestring, choices[index])) {
            *ret_choice = index;
            return 0;
        }
    }
    snprintf(what, sizeof(what), "must be one of %s, %s%s%s", choices[0],
             choices[1], choices[2] ? ", " : "", choices[2] ? choices[2] : "");
    return option_wrong(convert, member, err, what);
}

static int options_number(struct convert *convert, const cJSON *value,
                          struct error *err)
{
    static const char *const rounds[] = {"exact", "half_even", "half_up", NULL};
    struct options *options = &convert->options;
    int status;

    status = option_decimal(convert, value, "min", &options->low,
                            &options->min_set, err);
    if (!status)
        status = option_decimal(convert, value, "max", &options->high,
                                &options->max_set, err);
    if (!status)
        status = option_integer(convert, value, "scale", 0, 20, &options->scale,
                                err);
    if (!status)
        status = option_choice(convert, value, "round", rounds, &options->round,
                               err);
    if (!status)
        status =
            option_text(convert, value, "thousands", NULL, &options->text, err);
    return status;
}

static int options_text(struct convert *convert, const cJSON *value,
                        struct error *err)
{
    static const char *const overflows[] = {"error", "cut", NULL};
    struct options *options = &convert->options;
    int cut = 0, status;

    status =
        option_integer(convert, value, "max", 1, 1000000, &options->max, err);
    if (!status)
        status =
            option_choice(convert, value, "overflow", overflows, &cut, err);
    options->cut = cut == 1;
    return status;
}

/* Options by the name of the conversion; all have their defaults already. */
static int read_options(struct convert *convert, const cJSON *value,
                        const cJSON *tables, struct error *err)
{
    const char *name = convert->kind->name;
    struct options *options = &convert->options;
    int status;

    if (!strcmp(name, "decimal") || !strcmp(name, "integer"))
        return options_number(convert, value, err);
    if (!strcmp(name, "text"))
        return options_text(convert, value, err);
    if (!strcmp(name, "lookup"))
        return option_lookup(convert, value, tables, err);
    if (!strcmp(name, "scaled"))
        return option_integer(convert, value, "shift", 1, 20, &options->shift,
                              err);
    if (!strncmp(name, "date_", 5))
        return option_integer(convert, value, "zone_minutes", -1440, 1440,
                              &options->zone_minutes, err);
    if (!strcmp(name, "date"))
        return option_text(convert, value, "format", "Y-M-D", &options->text,
                           err);
    if (!strcmp(name, "prefix") || !strcmp(name, "suffix"))
        return option_text(convert, value, "text", "", &options->text, err);
    if (!strcmp(name, "short_key")) {
        status = option_text(convert, value, "prefix", "", &options->text, err);
        return status ? status
                      : option_integer(convert, value, "length", KEY_LENGTH_MIN,
                                       KEY_LENGTH_MAX, &options->length, err);
    }
    if (!strcmp(name, "table") &&
        (status = option_columns(convert, value, err)))
        return status;
    return option_text(convert, value, "separator",
                       !strcmp(name, "join") ? ", " : ";", &options->text, err);
}

static int check_members(const struct convert *convert, const cJSON *options,
                         struct error *err)
{
    CN_JSON_EACH(item, options)
    {
        size_t index = 0;
        while (convert->kind->members[index] &&
               strcmp(convert->kind->members[index], item->string))
            index++;
        if (!convert->kind->members[index])
            return option_wrong(convert, item->string, err,
                                "is not an option of this conversion");
    }
    return 0;
}

int convert_create(const cJSON *value, const cJSON *tables,
                   struct convert **ret_convert, struct error *err)
{
    const cJSON *options = NULL;
    const char *name = cJSON_GetStringValue(value);
    size_t index = 0, count = sizeof(kinds) / sizeof(kinds[0]);
    struct convert *convert;
    int status;

    if (cJSON_IsObject(value) && value->child && !value->child->next) {
        name = value->child->string;
        options = value->child;
    }
    while (name && index < count && strcmp(kinds[index].name, name) != 0)
        index++;
    if (!name || index == count || (options && !cJSON_IsObject(options))) {
        error_set(err, "\"%s\" is not a conversion", name ? name : "");
        return -EINVAL;
    }
    convert = memory_zero(1, sizeof(*convert));
    convert->kind = &kinds[index];
    convert->options.scale = -1;
    convert->options.shift = 2;
    convert->options.max = 255;
    convert->options.length = KEY_LENGTH_MAX;
    status = check_members(convert, options, err);
    if (!status)
        status = read_options(convert, options, tables, err);
    if (status)
        convert_destroy(convert);
    else
        *ret_convert = convert;
    return status;
}

void convert_destroy(struct convert *convert)
{
    if (!convert)
        return;
    for (size_t index = 0; index < convert->options.column_count; index++)
        free(convert->options.columns[index]);
    free(convert->options.columns);
    free(convert->options.text);
    free(convert->options.rows);
    free(convert->options.table);
    cJSON_Delete(convert->options.values);
    cJSON_Delete(convert->options.otherwise);
    free(convert);
}

int convert_apply(const struct convert *convert, const cJSON *value,
                  cJSON **ret_value, struct error *err)
{
    return convert->kind->apply(convert, value, ret_value, err);
}
