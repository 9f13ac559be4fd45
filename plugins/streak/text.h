/* text.h - texts, dates and small JSON values, with memory that never ends. */
#ifndef CONNECT_STREAK_TEXT_H
#define CONNECT_STREAK_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>
#include <connect/sdk.h>

/* Abort with a sentence when memory ended: the host repeats what was open. */
void *text_must(void *ptr);
void *text_zero(size_t size);
char *text_copy(const char *text); /* NULL stays NULL */
char *text_print(const char *format, ...) CN_PRINTF_LIKE(1, 2);

/* Members and elements; value is owned by the object from then on. */
void text_put(cJSON *object, const char *name, cJSON *value);
void text_add(cJSON *array, cJSON *value);

/* Without U+0000 (see connect/json.h) and at most so many characters. */
char *text_clean(const char *text, size_t characters_max);
cJSON *text_json(const char *text, size_t characters_max);

/* Equal but for the case of ASCII letters: how names are compared. */
bool text_same_name(const char *left, const char *right);
/* Equal but for white space at both ends and CR before LF: how a text is
 * compared with what Streak made of it. */
bool text_same(const char *left, const char *right);
/* Does it stand in there, in any case of ASCII letters? */
bool text_holds(const char *text, const char *part);
/* Only printable characters, others become spaces; cut to size. */
void text_printable(const char *from, char *to, size_t size);

enum { TEXT_DATE_MAX = sizeof("YYYY-MM-DD"), TEXT_HASH_MAX = 33 };

/* Days are those of UTC.  False: not within the years 1 to 9999. */
bool text_date_from_ms(int64_t time_ms, char date[TEXT_DATE_MAX]);
bool text_date_to_ms(const char *date, int64_t *ret_time_ms);

/* 32 hexadecimal digits; not a defence against anybody. */
void text_hash(const char *text, char hash[TEXT_HASH_MAX]);

#endif
