/* reader.c - text to a cJSON tree, by the letter of RFC 8259.
 *
 * Recursive descent with a frame a level, so its depth is what the depth limit
 * says.  Each value knows its place (a chain of places up the stack), from
 * which an error writes its JSON Pointer.  What must hold: nothing is accepted
 * that two conforming readers could understand differently, and no number is
 * ever turned into a double.  The cost is linear in the text: members are
 * compared one by one up to MEMBERS_LINEAR_MAX and looked up in a keyed table
 * above.
 *
 * No state outside the call.  [any thread] */
#include "reader.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "names.h"

/* Up to here a walk is quicker than a table. */
enum { MEMBERS_LINEAR_MAX = 16 };

struct place {
    const struct place *parent; /* NULL: the whole text */
    const char *name;           /* of a member; NULL: an element */
    size_t index;               /* of an element */
    uint32_t depth;             /* containers around it */
};

struct reader {
    const unsigned char *text; /* borrowed */
    size_t len;
    size_t at; /* next byte */
    size_t values;
    cn_json_limits limits;
    const struct place *place; /* of the value being read */
    const char *wanted;        /* pointer to look for, or NULL */
    cn_json_error *error;      /* may be NULL */
};

/* ---- Errors ------------------------------------------------------------- */

void cn_reader_position(cn_str text, size_t offset, size_t *ret_line,
                        size_t *ret_column)
{
    size_t line = 1, column = 1;

    for (size_t index = 0; index < offset && index < text.len; index++) {
        column++;
        if (text.ptr[index] == '\n') {
            line++;
            column = 1;
        }
    }
    *ret_line = line;
    *ret_column = column;
}

/* Append the place to text, cut between characters; returns the new length. */
static size_t describe(const struct place *place, char *text, size_t max)
{
    const unsigned char *name = (const unsigned char *)place->name;
    size_t len;

    if (!place->parent)
        return 0;
    len = describe(place->parent, text, max);
    if (!name) {
        int wrote = snprintf(text + len, max - len, "/%zu", place->index);
        return len + (size_t)wrote < max ? len + (size_t)wrote : max - 1;
    }
    if (len + 1 < max)
        text[len++] = '/';
    while (*name) {
        size_t count = cn_reader_character(name, strlen((const char *)name));
        const char *piece = (const char *)name;
        size_t piece_len = count;
        if (!count) { /* our own mark for U+0000 */
            piece = "\xef\xbf\xbd";
            piece_len = 3;
            count = name[1] ? 2 : 1;
        } else if (*name == '~' || *name == '/') {
            piece = *name == '~' ? "~0" : "~1";
            piece_len = 2;
        }
        if (len + piece_len >= max)
            break;
        memcpy(text + len, piece, piece_len);
        len += piece_len;
        name += count;
    }
    text[len] = '\0';
    return len;
}

static int fail(struct reader *reader, int code, size_t offset,
                const char *sentence)
{
    cn_str text = {(const char *)reader->text, reader->len};
    cn_json_error *error = reader->error;

    if (!error)
        return code;
    memset(error, 0, sizeof(*error));
    error->code = code;
    error->offset = offset;
    cn_reader_position(text, offset, &error->line, &error->column);
    if (reader->place)
        describe(reader->place, error->pointer, sizeof(error->pointer));
    snprintf(error->sentence, sizeof(error->sentence), "%s", sentence);
    return code;
}

static int fail_memory(struct reader *reader)
{
    return fail(reader, -ENOMEM, reader->at, "there is no memory left");
}

/* The byte at the cursor does not belong there. */
static int fail_byte(struct reader *reader, const char *sentence)
{
    size_t left = reader->len - reader->at;

    if (!left)
        return fail(reader, -EBADMSG, reader->at,
                    "the text ends in the middle of a value");
    if (!cn_reader_character(reader->text + reader->at, left))
        return fail(reader, -EILSEQ, reader->at, "this is not UTF-8");
    return fail(reader, -EBADMSG, reader->at, sentence);
}

/* ---- Bytes -------------------------------------------------------------- */

static bool between(unsigned char byte, unsigned char low, unsigned char high)
{
    return byte >= low && byte <= high;
}

size_t cn_reader_character(const unsigned char *bytes, size_t len)
{
    unsigned char low = 0x80, high = 0xbf; /* of the second byte */
    size_t count;

    if (!len)
        return 0;
    if (bytes[0] < 0x80)
        return 1;
    if (between(bytes[0], 0xc2, 0xdf))
        count = 2;
    else if (between(bytes[0], 0xe0, 0xef))
        count = 3;
    else if (between(bytes[0], 0xf0, 0xf4))
        count = 4;
    else
        return 0;
    if (bytes[0] == 0xe0)
        low = 0xa0; /* below: overlong */
    if (bytes[0] == 0xed)
        high = 0x9f; /* above: surrogates */
    if (bytes[0] == 0xf0)
        low = 0x90;
    if (bytes[0] == 0xf4)
        high = 0x8f; /* above: past U+10FFFF */
    if (len < count || !between(bytes[1], low, high))
        return 0;
    for (size_t index = 2; index < count; index++) {
        if (!between(bytes[index], 0x80, 0xbf))
            return 0;
    }
    return count;
}

static size_t count_digits(const unsigned char *bytes, size_t len)
{
    size_t count = 0;

    while (count < len && between(bytes[count], '0', '9'))
        count++;
    return count;
}

size_t cn_reader_number(const unsigned char *bytes, size_t len)
{
    size_t at = 0, digits;

    if (at < len && bytes[at] == '-')
        at++;
    digits = count_digits(bytes + at, len - at);
    if (!digits || (digits > 1 && bytes[at] == '0'))
        return 0;
    at += digits;
    if (at < len && bytes[at] == '.') {
        digits = count_digits(bytes + at + 1, len - at - 1);
        if (!digits)
            return 0;
        at += 1 + digits;
    }
    if (at < len && (bytes[at] == 'e' || bytes[at] == 'E')) {
        at++;
        if (at < len && (bytes[at] == '+' || bytes[at] == '-'))
            at++;
        digits = count_digits(bytes + at, len - at);
        if (!digits)
            return 0;
        at += digits;
    }
    return at;
}

static bool take(struct reader *reader, unsigned char byte)
{
    if (reader->at >= reader->len || reader->text[reader->at] != byte)
        return false;
    reader->at++;
    return true;
}

static bool ahead(const struct reader *reader, const char *word)
{
    size_t len = strlen(word);

    return reader->len - reader->at >= len &&
           !memcmp(reader->text + reader->at, word, len);
}

static int skip_comment(struct reader *reader)
{
    bool block = ahead(reader, "/*");
    size_t begin = reader->at;

    reader->at += 2;
    while (reader->at < reader->len) {
        size_t count = cn_reader_character(reader->text + reader->at,
                                           reader->len - reader->at);
        if (!count)
            return fail_byte(reader, "");
        if (block && ahead(reader, "*/")) {
            reader->at += 2;
            return 0;
        }
        if (!block && reader->text[reader->at] == '\n')
            return 0;
        reader->at += count;
    }
    if (block)
        return fail(reader, -EBADMSG, begin, "this comment does not end");
    return 0;
}

static int skip_space(struct reader *reader)
{
    bool comments = reader->limits.flags & CN_JSON_ALLOW_COMMENTS;

    for (;;) {
        while (reader->at < reader->len &&
               memchr(" \t\n\r", reader->text[reader->at], 4))
            reader->at++;
        if (!comments || (!ahead(reader, "//") && !ahead(reader, "/*")))
            return 0;
        int status = skip_comment(reader);
        if (status)
            return status;
    }
}

/* ---- Strings ------------------------------------------------------------ */

/* Four hexadecimal digits at the cursor, or -1. */
static int32_t read_hex(struct reader *reader)
{
    int32_t code = 0;

    for (int count = 0; count < 4; count++) {
        unsigned char byte =
            reader->at < reader->len ? reader->text[reader->at] : 0;
        int32_t digit;
        if (between(byte, '0', '9'))
            digit = byte - '0';
        else if (between(byte, 'a', 'f'))
            digit = byte - 'a' + 10;
        else if (between(byte, 'A', 'F'))
            digit = byte - 'A' + 10;
        else
            return -1;
        code = code * 16 + digit;
        reader->at++;
    }
    return code;
}

static size_t write_character(char *text, uint32_t code)
{
    if (code && code < 0x80) {
        text[0] = (char)code;
        return 1;
    }
    if (code < 0x800) { /* U+0000 too: json.h says why */
        text[0] = (char)(0xc0 | code >> 6);
        text[1] = (char)(0x80 | (code & 0x3f));
        return 2;
    }
    if (code < 0x10000) {
        text[0] = (char)(0xe0 | code >> 12);
        text[1] = (char)(0x80 | (code >> 6 & 0x3f));
        text[2] = (char)(0x80 | (code & 0x3f));
        return 3;
    }
    text[0] = (char)(0xf0 | code >> 18);
    text[1] = (char)(0x80 | (code >> 12 & 0x3f));
    text[2] = (char)(0x80 | (code >> 6 & 0x3f));
    text[3] = (char)(0x80 | (code & 0x3f));
    return 4;
}

/* Behind a backslash and u: one escape or a pair of surrogates. */
static int read_unicode(struct reader *reader, char *text, size_t *len)
{
    size_t begin = reader->at - 2;
    int32_t high = read_hex(reader), low;
    uint32_t code = (uint32_t)high;

    if (high < 0)
        return fail_byte(reader, "four hexadecimal digits are expected");
    if (high >= 0xdc00 && high <= 0xdfff)
        return fail(reader, -EILSEQ, begin, "half a surrogate pair");
    if (high >= 0xd800 && high <= 0xdbff) {
        if (!ahead(reader, "\\u"))
            return fail(reader, -EILSEQ, begin, "half a surrogate pair");
        reader->at += 2;
        low = read_hex(reader);
        if (low < 0)
            return fail_byte(reader, "four hexadecimal digits are expected");
        if (low < 0xdc00 || low > 0xdfff)
            return fail(reader, -EILSEQ, begin, "half a surrogate pair");
        code = 0x10000 + ((uint32_t)(high - 0xd800) << 10) +
               (uint32_t)(low - 0xdc00);
    }
    *len += write_character(text + *len, code);
    return 0;
}

static int read_escape(struct reader *reader, char *text, size_t *len)
{
    static const char letters[] = "\"\\/bfnrt";
    static const char meanings[] = "\"\\/\b\f\n\r\t";
    unsigned char byte =
        reader->at < reader->len ? reader->text[reader->at] : 0;
    const char *letter = byte ? strchr(letters, byte) : NULL;

    if (byte == 'u') {
        reader->at++;
        return read_unicode(reader, text, len);
    }
    if (!letter)
        return fail_byte(reader, "there is no such escape");
    reader->at++;
    text[(*len)++] = meanings[letter - letters];
    return 0;
}

/* Bytes between the quotes as written: no less than they mean. */
static size_t measure_string(const struct reader *reader)
{
    size_t at = reader->at;

    while (at < reader->len && reader->text[at] != '"')
        at += reader->text[at] == '\\' ? 2 : 1;
    return at - reader->at;
}

static int fill_string(struct reader *reader, char *text)
{
    size_t len = 0;

    for (;;) {
        const unsigned char *bytes = reader->text + reader->at;
        size_t count = cn_reader_character(bytes, reader->len - reader->at);
        if (take(reader, '"'))
            break;
        if (take(reader, '\\')) {
            int status = read_escape(reader, text, &len);
            if (status)
                return status;
            continue;
        }
        if (!count || *bytes < 0x20)
            return fail_byte(reader, "a control character must be escaped");
        memcpy(text + len, bytes, count);
        len += count;
        reader->at += count;
    }
    text[len] = '\0';
    return 0;
}

/* Behind the first quote. */
static int read_string(struct reader *reader, char **ret_text)
{
    /* One byte more than the text may hold: measure may pass its end by the
     * byte behind a last backslash. */
    char *text = cJSON_malloc(measure_string(reader) + 2);
    int status;

    if (!text)
        return fail_memory(reader);
    status = fill_string(reader, text);
    if (status) {
        cJSON_free(text);
        return status;
    }
    *ret_text = text;
    return 0;
}

/* ---- Values ------------------------------------------------------------- */

static int read_value(struct reader *reader, cJSON **ret_value);

void cn_reader_attach(cJSON *container, cJSON *item)
{
    cJSON *first = container->child;

    item->next = NULL;
    if (!first) {
        container->child = item;
        item->prev = item; /* the first one's prev is the last: cJSON's way */
        return;
    }
    item->prev = first->prev;
    first->prev->next = item;
    first->prev = item;
}

/* True when wanted names this place: the rest of wanted behind it is in *rest.
 */
static bool match_place(const struct place *place, const char *wanted,
                        const char **rest)
{
    char index[24];
    const char *name = place->name;

    *rest = wanted;
    if (!place->parent)
        return true;
    if (!match_place(place->parent, wanted, rest) || *(*rest)++ != '/')
        return false;
    if (!name) {
        snprintf(index, sizeof(index), "%zu", place->index);
        name = index;
    }
    for (; *name; name++, (*rest)++) {
        if (*name == '~' || *name == '/') {
            if (*(*rest)++ != '~' || **rest != (*name == '~' ? '0' : '1'))
                return false;
        } else if (**rest != *name) {
            return false;
        }
    }
    return **rest == '\0' || **rest == '/';
}

static int check_name(struct reader *reader, const cJSON *object,
                      const struct cn_names *names, const char *name,
                      size_t offset)
{
    bool fold = !(reader->limits.flags & CN_JSON_ALLOW_CASE_TWINS);
    const cJSON *other = NULL;

    if (reader->limits.flags & CN_JSON_ALLOW_DUPLICATES)
        return 0;
    if (names->capacity) {
        other = cn_names_find(names, name);
    } else {
        CN_JSON_EACH(member, object)
        {
            if (cn_names_equal(member->string, name, fold))
                other = member;
        }
    }
    if (!other)
        return 0;
    return fail(reader, -EEXIST, offset,
                cn_names_equal(other->string, name, false)
                    ? "this key is there already"
                    : "this key is there already in other case");
}

/* Add the last member to the table, which starts with the first member above
 * the linear limit. */
static int remember_name(struct reader *reader, cJSON *object, size_t count,
                         struct cn_names *names)
{
    bool fold = !(reader->limits.flags & CN_JSON_ALLOW_CASE_TWINS);
    int status = 0;

    if (count <= MEMBERS_LINEAR_MAX ||
        reader->limits.flags & CN_JSON_ALLOW_DUPLICATES)
        return 0;
    if (names->capacity) {
        status = cn_names_add(names, object->child->prev);
    } else {
        status = cn_names_init(names, fold);
        CN_JSON_EACH(member, object)
        {
            if (!status)
                status = cn_names_add(names, member);
        }
    }
    return status ? fail_memory(reader) : 0;
}

/* "name" : value, into object. */
static int read_member(struct reader *reader, cJSON *object, size_t count,
                       struct cn_names *names)
{
    struct place place = *reader->place;
    const struct place *outside = reader->place;
    size_t begin = reader->at;
    char *name = NULL;
    cJSON *value = NULL;
    int status;

    if (!take(reader, '"'))
        return fail_byte(reader, "a key in double quotes is expected");
    status = read_string(reader, &name);
    if (status)
        return status;
    place.parent = outside;
    place.name = name;
    place.depth++;
    reader->place = &place;
    status = check_name(reader, object, names, name, begin);
    if (!status)
        status = skip_space(reader);
    if (!status && !take(reader, ':'))
        status = fail_byte(reader, "a colon is expected");
    if (!status)
        status = read_value(reader, &value);
    reader->place = outside;
    if (status) {
        cJSON_free(name);
        return status;
    }
    value->string = name;
    cn_reader_attach(object, value);
    return remember_name(reader, object, count + 1, names);
}

static int read_element(struct reader *reader, cJSON *array, size_t count)
{
    struct place place = *reader->place;
    const struct place *outside = reader->place;
    cJSON *value = NULL;
    int status;

    place.parent = outside;
    place.name = NULL;
    place.index = count;
    place.depth++;
    reader->place = &place;
    status = read_value(reader, &value);
    reader->place = outside;
    if (!status)
        cn_reader_attach(array, value);
    return status;
}

/* Behind the opening bracket, up to and with the closing one. */
static int read_container(struct reader *reader, cJSON *container)
{
    bool object = container->type == cJSON_Object;
    unsigned char close = object ? '}' : ']';
    struct cn_names names = {0};
    size_t count = 0;
    int status = 0;

    if (reader->place->depth >= reader->limits.depth_max)
        return fail(reader, -E2BIG, reader->at - 1, "this is nested too deep");
    for (;; count++) {
        status = skip_space(reader);
        if (status || (!count && take(reader, close)))
            break;
        status = object ? read_member(reader, container, count, &names)
                        : read_element(reader, container, count);
        if (!status)
            status = skip_space(reader);
        if (status || take(reader, close))
            break;
        if (!take(reader, ',')) {
            status = fail_byte(reader, object ? "a comma or } is expected"
                                              : "a comma or ] is expected");
            break;
        }
    }
    cn_names_done(&names);
    return status;
}

static int read_number(struct reader *reader, cJSON *value)
{
    const unsigned char *bytes = reader->text + reader->at;
    size_t len = cn_reader_number(bytes, reader->len - reader->at);

    if (!len)
        return fail(reader, -EBADMSG, reader->at, "this is not a number");
    value->type = cJSON_Raw;
    value->valuestring = cJSON_malloc(len + 1);
    if (!value->valuestring)
        return fail_memory(reader);
    memcpy(value->valuestring, bytes, len);
    value->valuestring[len] = '\0';
    reader->at += len;
    return 0;
}

static int read_word(struct reader *reader, cJSON *value)
{
    static const struct {
        const char *word;
        int type;
    } words[] = {
        {"true", cJSON_True}, {"false", cJSON_False}, {"null", cJSON_NULL}};

    for (size_t index = 0; index < sizeof(words) / sizeof(*words); index++) {
        if (ahead(reader, words[index].word)) {
            reader->at += strlen(words[index].word);
            value->type = words[index].type;
            return 0;
        }
    }
    return fail_byte(reader, "a JSON value is expected");
}

static int fill_value(struct reader *reader, cJSON *value)
{
    unsigned char byte = reader->text[reader->at];

    if (byte == '"') {
        reader->at++;
        value->type = cJSON_String;
        return read_string(reader, &value->valuestring);
    }
    if (byte == '{' || byte == '[') {
        reader->at++;
        value->type = byte == '{' ? cJSON_Object : cJSON_Array;
        return read_container(reader, value);
    }
    if (byte == '-' || between(byte, '0', '9'))
        return read_number(reader, value);
    return read_word(reader, value);
}

static int read_value(struct reader *reader, cJSON **ret_value)
{
    const char *rest;
    cJSON *value;
    int status = skip_space(reader);

    if (status)
        return status;
    if (reader->wanted && match_place(reader->place, reader->wanted, &rest) &&
        !*rest)
        return -ECANCELED; /* found: the cursor is at it */
    if (reader->at >= reader->len)
        return fail_byte(reader, "");
    if (++reader->values > reader->limits.values_max)
        return fail(reader, -E2BIG, reader->at, "there are too many values");
    value = cJSON_malloc(sizeof(*value));
    if (!value)
        return fail_memory(reader);
    memset(value, 0, sizeof(*value));
    status = fill_value(reader, value);
    if (status) {
        cJSON_Delete(value);
        return status;
    }
    *ret_value = value;
    return 0;
}

/* ---- The text ----------------------------------------------------------- */

static void set_limits(struct reader *reader, const cn_json_limits *limits)
{
    if (limits)
        reader->limits = *limits;
    if (!reader->limits.bytes_max)
        reader->limits.bytes_max = CN_JSON_BYTES_DEFAULT;
    if (!reader->limits.values_max)
        reader->limits.values_max = CN_JSON_VALUES_DEFAULT;
    if (!reader->limits.depth_max)
        reader->limits.depth_max = CN_JSON_DEPTH_DEFAULT;
    if (reader->limits.depth_max > CN_JSON_DEPTH_MAX)
        reader->limits.depth_max = CN_JSON_DEPTH_MAX;
}

static int read_text(struct reader *reader, cJSON **ret_value)
{
    cJSON *value = NULL;
    int status;

    if (reader->len > reader->limits.bytes_max)
        return fail(reader, -E2BIG, reader->limits.bytes_max,
                    "the text is too long");
    if (ahead(reader, "\xef\xbb\xbf"))
        return fail(reader, -EILSEQ, 0, "there is a byte order mark");
    status = skip_space(reader);
    if (!status && reader->at == reader->len)
        status = fail(reader, -EBADMSG, reader->at, "there is no value");
    if (!status)
        status = read_value(reader, &value);
    if (!status)
        status = skip_space(reader);
    if (!status && reader->at < reader->len)
        status = fail_byte(reader, "something follows the value");
    if (status) {
        cJSON_Delete(value);
        return status;
    }
    *ret_value = value;
    return 0;
}

int cn_reader_read(cn_str text, const cn_json_limits *limits,
                   const char *wanted, cJSON **ret_value, size_t *ret_offset,
                   cn_json_error *ret_error)
{
    struct place whole = {0};
    struct reader reader = {.text = (const unsigned char *)text.ptr,
                            .len = text.len,
                            .place = &whole,
                            .wanted = wanted,
                            .error = ret_error};
    cJSON *value = NULL;
    int status;

    if (!reader.text)
        reader.text = (const unsigned char *)"";
    set_limits(&reader, limits);
    status = read_text(&reader, &value);
    if (!wanted) {
        if (!status)
            *ret_value = value;
        return status;
    }
    cJSON_Delete(value);
    if (status == -ECANCELED) {
        *ret_offset = reader.at;
        return 0;
    }
    return status ? status : -ENOENT;
}
