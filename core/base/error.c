/* error.c - formats the one sentence of a struct error.
 *
 * Line breaks are turned into blanks, so that a sentence stays one line in any
 * log.  Called on any thread; the struct belongs to the caller. */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>

void error_set(struct error *err, const char *format, ...)
{
    va_list arguments;

    if (!err)
        return;
    va_start(arguments, format);
    vsnprintf(err->text, sizeof(err->text), format, arguments);
    va_end(arguments);
    for (char *at = err->text; *at; at++) {
        if (*at == '\n' || *at == '\r')
            *at = ' ';
    }
}
