/* text.c - text from outside on a terminal: harmless, measured, cut, wrapped.
 *
 * One idea: decode once, decide per character whether it may be seen.  Refused
 * are the controls (C0, DEL, C1), the marks of reading direction, line and
 * paragraph separators, and what cannot be seen at all; a name in Arabic or
 * with an emoji passes.  Widths follow the ranges terminals agree on.  Pure but
 * for the printing. */
#include "ctl/text.h"

#include <stdint.h>
#include <string.h>

/* The character at bytes and its length; length 0: no UTF-8 there. */
static uint32_t decode(const char *bytes, size_t len, size_t *ret_len)
{
    const unsigned char *at = (const unsigned char *)bytes;
    static const uint32_t lowest[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t need = at[0] < 0x80             ? 1
                  : (at[0] & 0xe0) == 0xc0 ? 2
                  : (at[0] & 0xf0) == 0xe0 ? 3
                  : (at[0] & 0xf8) == 0xf0 ? 4
                                           : 0;
    uint32_t letter;

    *ret_len = 0;
    if (!need || need > len)
        return 0;
    if (need == 1) {
        *ret_len = 1;
        return at[0];
    }
    letter = at[0] & (0x7fU >> need);
    for (size_t index = 1; index < need; index++) {
        if ((at[index] & 0xc0) != 0x80)
            return 0;
        letter = letter << 6 | (at[index] & 0x3fU);
    }
    if (letter < lowest[need] || letter > 0x10ffff ||
        (letter >= 0xd800 && letter <= 0xdfff))
        return 0;
    *ret_len = need;
    return letter;
}

struct range {
    uint32_t first, last;
};

static bool is_in(const struct range *ranges, size_t count, uint32_t letter)
{
    for (size_t index = 0; index < count; index++)
        if (letter >= ranges[index].first && letter <= ranges[index].last)
            return true;
    return false;
}

#define IS_IN(ranges, letter)                                                  \
    is_in(ranges, sizeof(ranges) / sizeof(*(ranges)), letter)

/* It would steer the terminal, the reading order, or hide. */
static bool is_refused(uint32_t letter)
{
    static const struct range refused[] = {
        {0x00, 0x1f},     {0x7f, 0x9f},       {0xad, 0xad},
        {0x61c, 0x61c},   {0x180e, 0x180e},   {0x200b, 0x200f},
        {0x2028, 0x202e}, {0x2060, 0x206f},   {0xfeff, 0xfeff},
        {0xfff9, 0xfffb}, {0xe0000, 0xe0fff},
    };

    return IS_IN(refused, letter);
}

static size_t letter_width(uint32_t letter)
{
    static const struct range marks[] = {
        {0x300, 0x36f},   {0x483, 0x489},   {0x591, 0x5bd},   {0x610, 0x61a},
        {0x64b, 0x65f},   {0x1ab0, 0x1aff}, {0x1dc0, 0x1dff}, {0x20d0, 0x20ff},
        {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f},
    };
    static const struct range wide[] = {
        {0x1100, 0x115f},   {0x2e80, 0x303e},   {0x3041, 0xa4cf},
        {0xac00, 0xd7a3},   {0xf900, 0xfaff},   {0xfe30, 0xfe6f},
        {0xff00, 0xff60},   {0xffe0, 0xffe6},   {0x1f300, 0x1f64f},
        {0x1f680, 0x1f6ff}, {0x1f900, 0x1f9ff}, {0x20000, 0x3fffd},
    };

    if (IS_IN(marks, letter))
        return 0;
    return IS_IN(wide, letter) ? 2 : 1;
}

void text_escape(struct buf *buf, const char *bytes, size_t len)
{
    for (size_t at = 0, step; at < len; at += step) {
        uint32_t letter = decode(bytes + at, len - at, &step);
        if (!step) {
            buf_printf(buf, "\\x%02x", (unsigned char)bytes[at]);
            step = 1;
        } else if (letter == '\n') {
            buf_append_text(buf, "\\n");
        } else if (letter == '\r') {
            buf_append_text(buf, "\\r");
        } else if (letter == '\t') {
            buf_append_text(buf, "\\t");
        } else if (is_refused(letter)) {
            buf_printf(buf, "\\u{%x}", letter);
        } else {
            buf_append(buf, bytes + at, step);
        }
    }
}

void text_escape_json(struct buf *buf, const char *bytes, size_t len)
{
    for (size_t at = 0, step; at < len; at += step) {
        uint32_t letter = decode(bytes + at, len - at, &step);
        if (!step) { /* a JSON printer makes none */
            buf_append_text(buf, "?");
            step = 1;
        } else if (letter == '\t' || letter == '\r') {
            buf_append_text(buf, " "); /* as such only between values */
        } else if (letter == '\n' || !is_refused(letter)) {
            buf_append(buf, bytes + at, step);
        } else if (letter > 0xffff) {
            buf_printf(buf, "\\u%04x\\u%04x", 0xd7c0 + (letter >> 10),
                       0xdc00 + (letter & 0x3ff));
        } else {
            buf_printf(buf, "\\u%04x", letter);
        }
    }
}

size_t text_width(const char *text)
{
    size_t len = strlen(text), columns = 0;

    for (size_t at = 0, step; at < len; at += step) {
        uint32_t letter = decode(text + at, len - at, &step);
        columns += step ? letter_width(letter) : 1;
        step = step ? step : 1;
    }
    return columns;
}

size_t text_fit(const char *text, size_t columns)
{
    size_t len = strlen(text), at = 0, step;

    for (size_t used = 0; at < len; at += step) {
        uint32_t letter = decode(text + at, len - at, &step);
        used += step ? letter_width(letter) : 1;
        step = step ? step : 1;
        if (used > columns)
            break;
    }
    return at;
}

/* ---- Printing ------------------------------------------------------------ */

static void print_styled(const struct text_out *out, enum text_style style,
                         const char *text, size_t len)
{
    static const char *const codes[] = {"",         "\033[1m",  "\033[2m",
                                        "\033[31m", "\033[32m", "\033[33m",
                                        "\033[34m"};
    bool styled = out->colour && style != TEXT_PLAIN && len;

    if (styled)
        fputs(codes[style], out->file);
    fwrite(text, 1, len, out->file);
    if (styled)
        fputs("\033[0m", out->file);
}

void text_print(const struct text_out *out, enum text_style style,
                const char *text)
{
    print_styled(out, style, text, strlen(text));
}

void text_print_cell(const struct text_out *out, enum text_style style,
                     const char *text, size_t columns, bool fill)
{
    struct buf buf;
    size_t width, len;
    bool cut;

    buf_init(&buf, TEXT_BYTES_MAX);
    text_escape(&buf, text, strlen(text));
    if (!buf.len) {
        buf_append_text(&buf, " ");
        buf_consume(&buf, 1);
    }
    width = text_width(buf.data);
    cut = columns && width > columns;
    len = cut ? text_fit(buf.data, columns - 1) : buf.len;
    print_styled(out, style, buf.data, len);
    if (cut) {
        fputs("\u2026", out->file);
        buf.data[len] = '\0';
        width = text_width(buf.data) + 1;
    }
    for (; fill && width < columns; width++)
        fputc(' ', out->file);
    buf_done(&buf);
}

void text_print_wrapped(const struct text_out *out, enum text_style style,
                        const char *text, size_t indent, size_t lines_max)
{
    size_t room = out->width > indent + 20 ? out->width - indent : 0;
    struct buf buf;
    const char *at;

    buf_init(&buf, TEXT_BYTES_MAX);
    text_escape(&buf, text, strlen(text));
    at = buf.len ? buf.data : "";
    for (size_t line = 1;; line++) {
        size_t len = room ? text_fit(at, room) : strlen(at), blank;
        bool last = lines_max && line == lines_max;
        if (at[len] && last)
            len = text_fit(at, room - 1);
        else if (at[len]) {
            for (blank = len; blank > len / 2 && at[blank] != ' '; blank--)
                ;
            len = at[blank] == ' ' ? blank : len;
        }
        print_styled(out, style, at, len);
        at += len;
        at += *at == ' ' && !last;
        if (*at && last)
            fputs("\u2026", out->file);
        fputc('\n', out->file);
        if (!*at || last)
            break;
        fprintf(out->file, "%*s", (int)indent, "");
    }
    buf_done(&buf);
}
