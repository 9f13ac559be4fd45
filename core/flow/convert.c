/* convert.c - named native conversions: their table and their options.
 *
 * One idea: a table of name, options and a function from value to value.  All
 * options are read when the flow is compiled; applying one allocates only its
 * result.  The functions stand in convert_text.c, convert_number.c and
 * convert_list.c.  Read on any thread after compiling. */
#include "flow/convert.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <connect/decimal.h>
#include <connect/json.h>

#include "base/memory.h"
#include "flow/convert_list.h"
#include "flow/convert_number.h"
#include "flow/convert_text.h"

enum {
    COLUMNS_MAX = 32,
    KEY_LENGTH_MIN = 8 /* fewer would not stay unique */
};

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

static const struct convert_kind kinds[] = {
    {"trim", no_members, convert_trim},
    {"upper", no_members, convert_case},
    {"lower", no_members, convert_case},
    {"text", text_members, convert_text},
    {"string", no_members, convert_string},
    {"decimal", decimal_members, convert_decimal},
    {"integer", integer_members, convert_integer},
    {"scaled", scaled_members, convert_scaled},
    {"date_from_ms", zone_members, convert_date_from_ms},
    {"date_time_from_ms", no_members, convert_date_from_ms},
    {"date", format_members, convert_date},
    {"boolean", no_members, convert_boolean},
    {"lookup", lookup_members, convert_lookup},
    {"table", table_members, convert_table},
    {"split", separator_members, convert_split},
    {"join", separator_members, convert_join},
    {"first", no_members, convert_first},
    {"prefix", affix_members, convert_affix},
    {"suffix", affix_members, convert_affix},
    {"short_key", key_members, convert_short_key},
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

/* Texts are cut at single bytes: behind ASCII they would be cut in the middle
 * of characters, and what is no text is lost. */
static int option_ascii(const struct convert *convert, const cJSON *options,
                        const char *member, const char *fallback,
                        char **ret_text, struct error *err)
{
    int status = option_text(convert, options, member, fallback, ret_text, err);

    for (const char *at = *ret_text; !status && at && *at; at++) {
        if ((unsigned char)*at > 0x7F)
            status = option_wrong(convert, member, err, "must be ASCII");
    }
    return status;
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
    return option_ascii(convert, options, "rows", NULL, &convert->options.rows,
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
    struct convert_options *options = &convert->options;
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
        status = option_ascii(convert, value, "thousands", NULL, &options->text,
                              err);
    return status;
}

static int options_text(struct convert *convert, const cJSON *value,
                        struct error *err)
{
    static const char *const overflows[] = {"error", "cut", NULL};
    struct convert_options *options = &convert->options;
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
    struct convert_options *options = &convert->options;
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
                                       CONVERT_KEY_MAX, &options->length, err);
    }
    if (!strcmp(name, "table") &&
        (status = option_columns(convert, value, err)))
        return status;
    if (!strcmp(name, "join"))
        return option_text(convert, value, "separator", ", ", &options->text,
                           err);
    return option_ascii(convert, value, "separator", ";", &options->text, err);
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
    convert->options.length = CONVERT_KEY_MAX;
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
    int status = convert->kind->apply(convert, value, ret_value, err);

    if (status != -EILSEQ)
        return status;
    error_set(err, "a text with the character U+0000 is not taken (%s)",
              convert->kind->name);
    return -EINVAL;
}
