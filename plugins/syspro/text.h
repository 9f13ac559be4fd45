/* text.h - growing text, and what SYSPRO can take of Unicode. */
#ifndef SYSPRO_TEXT_H
#define SYSPRO_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <connect/plugin.h>

/* ptr; the process ends with a message when it is NULL, since an order that is
 * half written for want of memory must not look like one too large. */
void *text_must(void *ptr);

/* Bytes with a NUL behind them.  An append that fails (more than the maximum)
 * marks the text as failed and changes nothing more: writers append freely and
 * ask once. */
struct text {
    char *ptr; /* owned; NULL while empty */
    size_t len;
    size_t capacity;
    size_t max;
    bool failed;
};

void text_init(struct text *text, size_t max);
void text_done(struct text *text);
void text_add(struct text *text, cn_str bytes);
void text_put(struct text *text, const char *bytes);

/* Percent-encoded, all but letters, digits and -._~ */
void text_put_encoded(struct text *text, cn_str bytes);

/* UTF-8 as content of an XML element in pure ASCII: escaped, numeric references
 * above 0x7E, control characters left out (a line break becomes a blank),
 * what Windows-1252 does not have replaced by '?', and cut behind so many
 * characters; 0 is no limit.  Combining accents of decomposed letters are left
 * out and not replaced. */
void text_put_xml(struct text *text, cn_str utf8, size_t characters_max);

/* <name>content</name>; nothing when the content is empty. */
void text_put_element(struct text *text, const char *name, cn_str utf8,
                      size_t characters_max);

/* The next character of strict UTF-8 at *position, which moves on. */
uint32_t text_next(cn_str utf8, size_t *position);

/* Copy to a buffer what a system sent, for people to read: UTF-8 stays, bytes
 * that are not are taken for Windows-1252, control characters and runs of
 * blanks become one blank, both ends are trimmed, the rest is cut off between
 * characters. */
void text_clean(char *to, size_t size, cn_str from);

/* Copy UTF-8 without blanks and control characters at its ends, in upper case
 * (A to Z) if asked; what does not fit is cut off between characters. */
void text_trim(char *to, size_t size, cn_str from, bool upper);

/* Take off a character that was cut at the end of a buffer. */
void text_mend(char *text);

/* Does text contain the words of a pattern, in any case and in their order?
 * A star stands between words: "period*closed". */
bool text_matches(const char *text, const char *pattern);

#endif
