/* json.c - asking, building and writing JSON trees.
 *
 * The tree is cJSON's; this file adds what cJSON does with too little care:
 * names with case, numbers as text, look-ups that stay quick in large objects,
 * and a writer that gives back what the reader took.  Functions that walk a
 * tree recurse once a level; trees from the reader are CN_JSON_DEPTH_MAX deep
 * at most.
 *
 * All memory comes through cJSON's hooks, so a host that sets them decides for
 * plugins too what the end of memory means; its hooks give what free takes.
 *
 * No state outside the call.  [any thread] */
#include <connect/json.h>

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "names.h"
#include "reader.h"

/* Above this many members two objects are compared through a table. */
enum { MEMBERS_LINEAR_MAX = 16 };

/* ---- Reading ------------------------------------------------------------ */

int cn_json_read(cn_str text, const cn_json_limits *limits, cJSON **ret_value,
                 cn_json_error *ret_error)
{
    return cn_reader_read(text, limits, NULL, ret_value, NULL, ret_error);
}

int cn_json_locate(cn_str text, const cn_json_limits *limits,
                   const char *pointer, size_t *ret_line, size_t *ret_column)
{
    size_t offset;
    int status = cn_reader_read(text, limits, pointer, NULL, &offset, NULL);

    if (!status)
        cn_reader_position(text, offset, ret_line, ret_column);
    return status;
}

bool cn_utf8_valid(cn_str text)
{
    const unsigned char *bytes = (const unsigned char *)text.ptr;
    size_t at = 0;

    while (at < text.len) {
        size_t count = cn_reader_character(bytes + at, text.len - at);
        if (!count)
            return false;
        at += count;
    }
    return true;
}

/* ---- Asking ------------------------------------------------------------- */

static int type_of(const cJSON *value)
{
    return value ? value->type & 0xff : cJSON_Invalid;
}

static bool is_literal(const char *text)
{
    size_t len = text ? strlen(text) : 0;

    return len && cn_reader_number((const unsigned char *)text, len) == len;
}

bool cn_json_is_number(const cJSON *value)
{
    int type = type_of(value);

    return type == cJSON_Number ||
           (type == cJSON_Raw && is_literal(value->valuestring));
}

bool cn_json_is_integer(const cJSON *value)
{
    if (!cn_json_is_number(value))
        return false;
    if (type_of(value) == cJSON_Number)
        return floor(value->valuedouble) == value->valuedouble;
    return !strpbrk(value->valuestring, ".eE");
}

cJSON *cn_json_member(const cJSON *object, const char *name)
{
    if (type_of(object) != cJSON_Object)
        return NULL;
    CN_JSON_EACH(member, object)
    {
        if (member->string && !strcmp(member->string, name))
            return member;
    }
    return NULL;
}

/* True when a token of a JSON Pointer means this name. */
static bool token_is(const char *token, size_t len, const char *name)
{
    for (size_t at = 0; at < len; at++, name++) {
        char letter = token[at];
        if (letter == '~') {
            char escape = ++at < len ? token[at] : '\0';
            if (escape != '0' && escape != '1')
                return false;
            letter = escape == '0' ? '~' : '/';
        }
        if (*name != letter)
            return false;
    }
    return !*name;
}

static cJSON *element_at(const cJSON *array, const char *token, size_t len)
{
    size_t index = 0;

    if (!len || len > 9 || (len > 1 && token[0] == '0'))
        return NULL;
    for (size_t at = 0; at < len; at++) {
        if (token[at] < '0' || token[at] > '9')
            return NULL;
        index = index * 10 + (size_t)(token[at] - '0');
    }
    CN_JSON_EACH(element, array)
    {
        if (!index--)
            return element;
    }
    return NULL;
}

static cJSON *step(const cJSON *value, const char *token, size_t len)
{
    if (type_of(value) == cJSON_Array)
        return element_at(value, token, len);
    if (type_of(value) != cJSON_Object)
        return NULL;
    CN_JSON_EACH(member, value)
    {
        if (member->string && token_is(token, len, member->string))
            return member;
    }
    return NULL;
}

cJSON *cn_json_pointer(const cJSON *value, const char *pointer)
{
    while (value && *pointer) {
        size_t len;
        if (*pointer++ != '/')
            return NULL;
        len = strcspn(pointer, "/");
        value = step(value, pointer, len);
        pointer += len;
    }
    return (cJSON *)(uintptr_t)value; /* as strchr: const comes from outside */
}

const char *cn_json_text(const cJSON *value)
{
    switch (type_of(value)) {
    case cJSON_String:
        return value->valuestring;
    case cJSON_Raw:
        return is_literal(value->valuestring) ? value->valuestring : NULL;
    case cJSON_True:
        return "true";
    case cJSON_False:
        return "false";
    default:
        return NULL;
    }
}

const char *cn_json_text_at(const cJSON *value, const char *pointer,
                            const char *fallback)
{
    const char *text = cn_json_text(cn_json_pointer(value, pointer));

    return text ? text : fallback;
}

int cn_json_int64(const cJSON *value, int64_t *ret_number)
{
    const double limit = 9007199254740992.0; /* above, doubles skip integers */
    long long number;

    if (!cn_json_is_integer(value))
        return -EINVAL;
    if (type_of(value) == cJSON_Number) {
        if (fabs(value->valuedouble) > limit)
            return -ERANGE;
        *ret_number = (int64_t)value->valuedouble;
        return 0;
    }
    errno = 0;
    number = strtoll(value->valuestring, NULL, 10);
    if (errno)
        return -ERANGE;
    *ret_number = number;
    return 0;
}

struct cn_json_index {
    struct cn_names names;
};

int cn_json_index_create(const cJSON *object, cn_json_index **ret_index)
{
    cn_json_index *index;
    int status;

    if (type_of(object) != cJSON_Object)
        return -EINVAL;
    index = cJSON_malloc(sizeof(*index));
    if (!index)
        return -ENOMEM;
    memset(index, 0, sizeof(*index));
    status = cn_names_init(&index->names, false);
    CN_JSON_EACH(member, object)
    {
        if (!status && !cn_names_find(&index->names, member->string))
            status = cn_names_add(&index->names, member);
    }
    if (status) {
        cn_json_index_destroy(index);
        return status;
    }
    *ret_index = index;
    return 0;
}

cJSON *cn_json_index_find(const cn_json_index *index, const char *name)
{
    return cn_names_find(&index->names, name);
}

void cn_json_index_destroy(cn_json_index *index)
{
    if (!index)
        return;
    cn_names_done(&index->names);
    cJSON_free(index);
}

static bool equal_objects(const cJSON *left, const cJSON *right)
{
    int count = cJSON_GetArraySize(left);
    cn_json_index *index = NULL;
    bool equal = count == cJSON_GetArraySize(right);

    /* Without memory for an index the slow way is still right. */
    if (equal && count > MEMBERS_LINEAR_MAX &&
        cn_json_index_create(right, &index))
        index = NULL;
    CN_JSON_EACH(member, left)
    {
        if (!equal)
            break;
        equal = cn_json_equal(member,
                              index ? cn_json_index_find(index, member->string)
                                    : cn_json_member(right, member->string));
    }
    cn_json_index_destroy(index);
    return equal;
}

static bool equal_arrays(const cJSON *left, const cJSON *right)
{
    left = left->child;
    right = right->child;
    while (left && right) {
        if (!cn_json_equal(left, right))
            return false;
        left = left->next;
        right = right->next;
    }
    return left == right;
}

bool cn_json_equal(const cJSON *left, const cJSON *right)
{
    if (type_of(left) != type_of(right))
        return false;
    switch (type_of(left)) {
    case cJSON_Object:
        return equal_objects(left, right);
    case cJSON_Array:
        return equal_arrays(left, right);
    case cJSON_String:
    case cJSON_Raw:
        return !strcmp(left->valuestring, right->valuestring);
    case cJSON_Number:
        return left->valuedouble == right->valuedouble;
    case cJSON_True:
    case cJSON_False:
    case cJSON_NULL:
        return true;
    default:
        return false;
    }
}

/* ---- Building ----------------------------------------------------------- */

/* A node of a type that holds a text; NULL when memory ends. */
static cJSON *text_node(int type, const char *text, size_t len)
{
    cJSON *value = cJSON_malloc(sizeof(*value));
    char *copy = cJSON_malloc(len + 1);

    if (!value || !copy) {
        cJSON_free(value);
        cJSON_free(copy);
        return NULL;
    }
    if (len)
        memcpy(copy, text, len);
    copy[len] = '\0';
    memset(value, 0, sizeof(*value));
    value->type = type;
    value->valuestring = copy;
    return value;
}

/* A string with NUL bytes in it, in the form that json.h describes. */
static cJSON *string_with_nul(cn_str text, size_t nul_count)
{
    size_t len = 0;
    char *copy = cJSON_malloc(text.len + nul_count);
    cJSON *value = NULL;

    if (!copy)
        return NULL;
    for (size_t at = 0; at < text.len; at++) {
        if (text.ptr[at]) {
            copy[len++] = text.ptr[at];
        } else {
            copy[len++] = (char)0xc0;
            copy[len++] = (char)0x80;
        }
    }
    value = text_node(cJSON_String, copy, len);
    cJSON_free(copy);
    return value;
}

cJSON *cn_json_string(cn_str text)
{
    size_t nul_count = 0;

    if (!cn_utf8_valid(text))
        return NULL;
    for (size_t at = 0; at < text.len; at++)
        nul_count += !text.ptr[at];
    if (nul_count)
        return string_with_nul(text, nul_count);
    return text_node(cJSON_String, text.ptr, text.len);
}

cJSON *cn_json_number(const char *literal)
{
    return is_literal(literal) ? text_node(cJSON_Raw, literal, strlen(literal))
                               : NULL;
}

cJSON *cn_json_integer(int64_t number)
{
    char literal[24];
    int len = snprintf(literal, sizeof(literal), "%lld", (long long)number);

    return text_node(cJSON_Raw, literal, (size_t)len);
}

static int name_value(cJSON *value, const char *name)
{
    size_t size = strlen(name) + 1;
    char *copy = cJSON_malloc(size);

    if (!copy)
        return -ENOMEM;
    memcpy(copy, name, size);
    if (!(value->type & cJSON_StringIsConst))
        cJSON_free(value->string);
    value->type &= ~cJSON_StringIsConst;
    value->string = copy;
    return 0;
}

int cn_json_put(cJSON *object, const char *name, cJSON *value)
{
    cJSON *before;
    int status = 0;

    if (!value)
        return -ENOMEM;
    if (type_of(object) != cJSON_Object)
        status = -EINVAL;
    else
        status = name_value(value, name);
    if (status) {
        cJSON_Delete(value);
        return status;
    }
    before = cn_json_member(object, name);
    if (before)
        cJSON_ReplaceItemViaPointer(object, before, value);
    else
        cn_reader_attach(object, value);
    return 0;
}

int cn_json_put_text(cJSON *object, const char *name, const char *text)
{
    cn_str string = {text, text ? strlen(text) : 0};

    return text ? cn_json_put_str(object, name, string) : -EINVAL;
}

int cn_json_put_str(cJSON *object, const char *name, cn_str text)
{
    if (!cn_utf8_valid(text))
        return -EILSEQ;
    return cn_json_put(object, name, cn_json_string(text));
}

int cn_json_append(cJSON *array, cJSON *value)
{
    if (!value)
        return -ENOMEM;
    if (type_of(array) != cJSON_Array) {
        cJSON_Delete(value);
        return -EINVAL;
    }
    cn_reader_attach(array, value);
    return 0;
}

/* ---- Writing ------------------------------------------------------------ */

struct text {
    char *data; /* owned */
    size_t len, capacity;
    bool failed; /* memory ended; stays so */
};

static void append(struct text *text, const char *bytes, size_t len)
{
    if (text->capacity - text->len <= len && !text->failed) {
        size_t capacity = (text->capacity + len) * 2 + 64;
        char *data = cJSON_malloc(capacity);
        text->failed = !data;
        if (data) {
            if (text->len)
                memcpy(data, text->data, text->len);
            free(text->data);
            text->data = data;
            text->capacity = capacity;
        }
    }
    if (text->failed)
        return;
    memcpy(text->data + text->len, bytes, len);
    text->len += len;
    text->data[text->len] = '\0';
}

static void append_text(struct text *text, const char *bytes)
{
    append(text, bytes, strlen(bytes));
}

/* Bytes that may stand in a string as they are. */
static size_t plain_run(const unsigned char *bytes)
{
    size_t len = 0;

    while (bytes[len] >= 0x20 && bytes[len] != '"' && bytes[len] != '\\' &&
           !(bytes[len] == 0xc0 && bytes[len + 1] == 0x80))
        len++;
    return len;
}

static void append_string(struct text *text, const char *string)
{
    static const char letters[] = "\"\\\b\f\n\r\t";
    static const char escapes[] = "\"\\bfnrt";

    append(text, "\"", 1);
    for (;;) {
        size_t len = plain_run((const unsigned char *)string);
        const char *letter;
        char escape[16];
        append(text, string, len);
        string += len;
        if (!*string)
            break;
        letter = strchr(letters, *string);
        if (letter)
            snprintf(escape, sizeof(escape), "\\%c", escapes[letter - letters]);
        else if ((unsigned char)*string == 0xc0)
            snprintf(escape, sizeof(escape), "\\u0000");
        else
            snprintf(escape, sizeof(escape), "\\u%04x",
                     (unsigned)(unsigned char)*string);
        append_text(text, escape);
        string += (unsigned char)*string == 0xc0 ? 2 : 1;
    }
    append(text, "\"", 1);
}

/* A number made with cJSON's own functions. */
static void append_double(struct text *text, double number)
{
    char literal[40];
    char *comma;

    if (isnan(number) || isinf(number)) {
        append_text(text, "null");
        return;
    }
    if (floor(number) == number && fabs(number) < 9007199254740992.0)
        snprintf(literal, sizeof(literal), "%.0f", number);
    else
        snprintf(literal, sizeof(literal), "%.17g", number);
    comma = strchr(literal, ','); /* the locale's point */
    if (comma)
        *comma = '.';
    append_text(text, literal);
}

static void append_value(struct text *text, const cJSON *value);

static void append_container(struct text *text, const cJSON *value, bool object)
{
    append(text, object ? "{" : "[", 1);
    CN_JSON_EACH(item, value)
    {
        if (item != value->child)
            append(text, ",", 1);
        if (object) {
            append_string(text, item->string);
            append(text, ":", 1);
        }
        append_value(text, item);
    }
    append(text, object ? "}" : "]", 1);
}

static void append_value(struct text *text, const cJSON *value)
{
    switch (type_of(value)) {
    case cJSON_Object:
    case cJSON_Array:
        append_container(text, value, type_of(value) == cJSON_Object);
        break;
    case cJSON_String:
        append_string(text, value->valuestring);
        break;
    case cJSON_Raw:
        append_text(text, value->valuestring);
        break;
    case cJSON_Number:
        append_double(text, value->valuedouble);
        break;
    case cJSON_True:
        append_text(text, "true");
        break;
    case cJSON_False:
        append_text(text, "false");
        break;
    default:
        append_text(text, "null");
    }
}

char *cn_json_print(const cJSON *value)
{
    struct text text = {0};

    append_value(&text, value);
    if (text.failed) {
        free(text.data);
        return NULL;
    }
    return text.data;
}

static cJSON *stringify(const cJSON *value);

static cJSON *stringify_container(const cJSON *value, int type)
{
    cJSON *copy =
        type == cJSON_Object ? cJSON_CreateObject() : cJSON_CreateArray();

    if (!copy)
        return NULL;
    CN_JSON_EACH(item, value)
    {
        cJSON *item_copy = stringify(item);
        if (!item_copy ||
            (item->string && name_value(item_copy, item->string))) {
            cJSON_Delete(item_copy);
            cJSON_Delete(copy);
            return NULL;
        }
        cn_reader_attach(copy, item_copy);
    }
    return copy;
}

static cJSON *stringify(const cJSON *value)
{
    int type = type_of(value);
    struct text text = {0};
    cJSON *copy;

    if (type == cJSON_Object || type == cJSON_Array)
        return stringify_container(value, type);
    if (type == cJSON_String || type == cJSON_Raw)
        return text_node(is_literal(value->valuestring) ? cJSON_String : type,
                         value->valuestring, strlen(value->valuestring));
    if (type != cJSON_Number)
        return cJSON_Duplicate(value, false);
    append_double(&text, value->valuedouble);
    copy = text.failed ? NULL : text_node(cJSON_String, text.data, text.len);
    free(text.data);
    return copy;
}

cJSON *cn_json_stringify_numbers(const cJSON *value)
{
    return stringify(value);
}
