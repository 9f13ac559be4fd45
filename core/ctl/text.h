/* text.h - text from outside on a terminal: harmless, measured, cut, wrapped.
 *
 * Everything that did not come from our own source passes text_escape before it
 * is printed: what could steer a terminal or turn the reading order around is
 * shown as an escape and does nothing.  [any thread] */
#ifndef CONNECT_CTL_TEXT_H
#define CONNECT_CTL_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/buf.h"

enum text_style {
    TEXT_PLAIN,
    TEXT_BOLD,
    TEXT_DIM,
    TEXT_RED,
    TEXT_GREEN,
    TEXT_YELLOW,
    TEXT_BLUE
};

/* Where text goes. */
struct text_out {
    FILE *file;
    bool colour;
    size_t width; /* columns; 0: no limit, nothing is cut */
};

enum { TEXT_BYTES_MAX = 32 * 1024 * 1024 }; /* of one text made here */

/* Append len bytes from outside.  Line ends become \n, other control
 * characters, marks of reading direction and bytes that are no UTF-8 \u{202e}
 * or \xff. */
void text_escape(struct buf *buf, const char *bytes, size_t len);
/* The same for a text of JSON, which stays the same JSON: \u202e. */
void text_escape_json(struct buf *buf, const char *bytes, size_t len);
/* Columns on a terminal of escaped text. */
size_t text_width(const char *text);
/* Bytes of the longest beginning that fits into columns. */
size_t text_fit(const char *text, size_t columns);

/* Print escaped text in a style. */
void text_print(const struct text_out *out, enum text_style style,
                const char *text);
/* Print a text from outside: escaped, cut with an ellipsis at columns (0: not)
 * and filled with blanks up to columns when fill is set. */
void text_print_cell(const struct text_out *out, enum text_style style,
                     const char *text, size_t columns, bool fill);
/* Print a text from outside in lines of the terminal's width, each behind
 * indent blanks (the first behind what was printed already, of that width); at
 * most lines_max lines, 0: all. */
void text_print_wrapped(const struct text_out *out, enum text_style style,
                        const char *text, size_t indent, size_t lines_max);

#endif
