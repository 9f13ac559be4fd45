/* connect/json.h - JSON from outside, read strictly, with numbers kept as
 * written.
 *
 * One reader for the whole product: the daemon and its plugins read what other
 * systems send with cn_json_read and with nothing else.  The result is a cJSON
 * tree, so everything in cJSON.h works on it, with these differences:
 *
 *   Numbers   are nodes of type cJSON_Raw whose valuestring is the literal.
 *             Nothing passes through a double: 9007199254740993, 19.990 and
 *             1e400 come out with the digits they came in with.  Ask with
 *             cn_json_is_number, never with cJSON_IsNumber.
 *   Members   are found with case; {"a":1,"a":2} is refused and so is
 *             {"a":1,"A":2}, because two readers would not agree on it.
 *   U+0000    in a string is legal JSON but ends a C string.  It is kept as
 *             the two bytes C0 80, which are not valid UTF-8, so whoever hands
 *             such a text on is told; cn_json_print writes it as \u0000.
 *
 * Static library connect_sdk; functions that can fail return 0 or a negative
 * errno value.  No global state.  [any thread] */
#ifndef CN_JSON_H
#define CN_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>
#include <connect/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Reading ------------------------------------------------------------ */

/* Flags of cn_json_limits; all off is strict.  CASE_TWINS allows
 * {"a":1,"A":2}.  DUPLICATES allows equal keys too, all stay and the first is
 * found: for tests of the grammar alone.  COMMENTS allows slash-slash and
 * slash-star: for files that people write, not for what systems send. */
enum {
    CN_JSON_ALLOW_CASE_TWINS = 1,
    CN_JSON_ALLOW_DUPLICATES = 2,
    CN_JSON_ALLOW_COMMENTS = 4
};

/* Used where a limit is 0.  A depth above DEPTH_MAX counts as DEPTH_MAX, since
 * printing and freeing a tree recurse once a level.  A value costs some 100
 * bytes of memory. */
enum {
    CN_JSON_BYTES_DEFAULT = CN_BODY_MAX,
    CN_JSON_DEPTH_DEFAULT = 64,
    CN_JSON_DEPTH_MAX = 1000,
    CN_JSON_VALUES_DEFAULT = 4000000
};

typedef struct cn_json_limits {
    size_t bytes_max;   /* longest text */
    size_t values_max;  /* values of all kinds in one text */
    uint32_t depth_max; /* arrays and objects inside each other */
    uint32_t flags;     /* CN_JSON_ALLOW_... */
} cn_json_limits;

enum { CN_JSON_POINTER_MAX = 256, CN_JSON_SENTENCE_MAX = 128 };

/* Codes: -EBADMSG breaks the grammar, -EILSEQ is not UTF-8 or not a
 * character, -EEXIST a key twice, -E2BIG exceeds a limit, -ENOMEM.  The
 * sentence holds nothing of the text, so it may be logged; the pointer holds
 * keys. */
typedef struct cn_json_error {
    int code;                          /* as returned */
    size_t offset;                     /* of the byte that is wrong, from 0 */
    size_t line;                       /* from 1 */
    size_t column;                     /* from 1, in bytes */
    char pointer[CN_JSON_POINTER_MAX]; /* JSON Pointer of the value; cut */
    char sentence[CN_JSON_SENTENCE_MAX];
} cn_json_error;

/* Read one JSON value.  limits NULL: strict, default limits.  ret_error may be
 * NULL and is set on failure only.  Free the value with cJSON_Delete. */
int cn_json_read(cn_str text, const cn_json_limits *limits, cJSON **ret_value,
                 cn_json_error *ret_error);

/* Line and column (from 1) of the value that pointer names in a text that
 * cn_json_read takes with these limits: for errors found after reading.
 * -ENOENT: there is none; otherwise as cn_json_read. */
int cn_json_locate(cn_str text, const cn_json_limits *limits,
                   const char *pointer, size_t *ret_line, size_t *ret_column);

/* True for strict UTF-8: no overlong form, no surrogate, at most U+10FFFF.
 * A NUL byte is a character like any other. */
bool cn_utf8_valid(cn_str text);

/* ---- Asking ------------------------------------------------------------- */

/* A number, of the reader's kind or of cJSON's own. */
bool cn_json_is_number(const cJSON *value);
/* A number written without fraction and exponent. */
bool cn_json_is_integer(const cJSON *value);

/* The member of that name, with case, or NULL; object may be NULL or no
 * object.  Looks at one member after another: for many look-ups in a large
 * object use an index. */
cJSON *cn_json_member(const cJSON *object, const char *name);

/* The value at a JSON Pointer (RFC 6901; "" is value itself), or NULL. */
cJSON *cn_json_pointer(const cJSON *value, const char *pointer);

/* The text of a string, the literal of a number, "true" or "false"; NULL for
 * anything else, NULL included.  Borrowed from value. */
const char *cn_json_text(const cJSON *value);
/* The same at a pointer, or fallback (which may be NULL). */
const char *cn_json_text_at(const cJSON *value, const char *pointer,
                            const char *fallback);

/* An integer that fits, else -EINVAL (not one) or -ERANGE. */
int cn_json_int64(const cJSON *value, int64_t *ret_number);

/* Same structure: members in any order, array elements in theirs, numbers by
 * their literals (1 is not 1.0).  Cost grows with n log n, not n squared. */
bool cn_json_equal(const cJSON *left, const cJSON *right);

/* Walk the elements or members of a value; name of a member: item->string. */
#define CN_JSON_EACH(item, value)                                              \
    for (cJSON *item = (value) ? (value)->child : NULL; item; item = item->next)

/* Members by name in constant time, whatever names an attacker chose.  The
 * object must not change while its index lives. */
typedef struct cn_json_index cn_json_index;
int cn_json_index_create(const cJSON *object, cn_json_index **ret_index);
cJSON *cn_json_index_find(const cn_json_index *index, const char *name);
void cn_json_index_destroy(cn_json_index *index); /* NULL is fine */

/* ---- Building and writing ----------------------------------------------- */

/* A string; NULL when text is not UTF-8 or memory ends. */
cJSON *cn_json_string(cn_str text);
/* A number from its literal; NULL when it is no JSON number. */
cJSON *cn_json_number(const char *literal);
cJSON *cn_json_integer(int64_t number);

/* Set a member, in place of one of that name.  The object owns value from then
 * on; on failure value is freed.  A NULL value is -ENOMEM, so that builders
 * can be nested and checked once. */
int cn_json_put(cJSON *object, const char *name, cJSON *value);
int cn_json_put_text(cJSON *object, const char *name, const char *text);
int cn_json_put_str(cJSON *object, const char *name, cn_str text);
/* Add to the end of an array; ownership as in cn_json_put. */
int cn_json_append(cJSON *array, cJSON *value);

/* A copy in which every number is a string of its literal: what may go through
 * jq, which turns numbers into doubles.  NULL when memory ends. */
cJSON *cn_json_stringify_numbers(const cJSON *value);

/* The text of a value without white space, numbers as they were written; free
 * it with free.  NULL when memory ends. */
char *cn_json_print(const cJSON *value);

#ifdef __cplusplus
}
#endif
#endif
