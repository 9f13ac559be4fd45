/* error.c - formats the one sentence of a struct error.
 *
 * Line breaks are turned into blanks, so that a sentence stays one line in any
 * log.  Values in it are often cut: what is left of a character that was cut
 * goes, so that the sentence stays UTF-8 and can be stored and shown.  Called
 * on any thread; the struct belongs to the caller. */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Bytes of the character at a place; 0: none, or only a part of one. */
static size_t character_len(const unsigned char *at)
{
    size_t len = at[0] < 0x80                    ? 1
                 : at[0] >= 0xC2 && at[0] < 0xE0 ? 2
                 : (at[0] & 0xF0) == 0xE0        ? 3
                 : at[0] >= 0xF0 && at[0] < 0xF5 ? 4
                                                 : 0;

    for (size_t index = 1; index < len; index++) {
        if ((at[index] & 0xC0) != 0x80)
            return 0;
    }
    return len;
}

/* Take out parts of characters. */
static void mend(char *text)
{
    char *to = text;

    while (*text) {
        size_t len = character_len((const unsigned char *)text);

        memmove(to, text, len);
        to += len;
        text += len ? len : 1;
    }
    *to = '\0';
}

void error_set(struct error *err, const char *format, ...)
{
    va_list arguments;

    if (!err)
        return;
    va_start(arguments, format);
    vsnprintf(err->text, sizeof(err->text), format, arguments);
    va_end(arguments);
    mend(err->text);
    for (char *at = err->text; *at; at++) {
        if (*at == '\n' || *at == '\r')
            *at = ' ';
    }
}
