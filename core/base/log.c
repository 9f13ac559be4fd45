/* log.c - writes log lines.
 *
 * A line is built on the stack and leaves in one write(), so that lines of
 * several threads never mix.  What a plugin or a remote system says passes
 * through the same escape: bytes below 0x20, 0x7f and bytes that are not ASCII
 * letters of valid UTF-8 become \u escapes, so nobody can forge a line or drive
 * a terminal.  A failing write is ignored: there is nobody left to tell. */
#include "base/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    TEXT_MAX = 2000,       /* of one message, in bytes */
    LINE_MAX_BYTES = 14000 /* every byte escaped as \u00xx, and the rest */
};

static struct {
    int descriptor;
    enum log_form form;
    enum log_level lowest;
    const struct clock *clock;
} sink = {STDERR_FILENO, LOG_JSON, LOG_INFO, NULL};

static const char *const level_names[] = {"debug", "info", "warn", "error"};

struct line {
    char bytes[LINE_MAX_BYTES];
    size_t len;
};

void log_open(int descriptor, enum log_form form, enum log_level lowest,
              const struct clock *clock)
{
    sink.descriptor = descriptor;
    sink.form = form;
    sink.lowest = lowest;
    sink.clock = clock;
}

int log_level_parse(const char *text, enum log_level *ret_level)
{
    for (size_t index = 0; index < 4; index++) {
        if (!strcmp(text, level_names[index])) {
            *ret_level = (enum log_level)index;
            return 0;
        }
    }
    return -EINVAL;
}

PRINTF_LIKE(2, 3)
static void line_printf(struct line *line, const char *format, ...)
{
    va_list arguments;
    int len;
    size_t room = sizeof(line->bytes) - line->len;

    va_start(arguments, format);
    len = vsnprintf(line->bytes + line->len, room, format, arguments);
    va_end(arguments);
    if (len > 0)
        line->len += (size_t)len < room ? (size_t)len : room - 1;
}

/* Length of the valid UTF-8 sequence at text, 0 when it is none or a C1
 * control, which some terminals obey. */
static size_t sequence_len(const unsigned char *text)
{
    if (text[0] == 0xc2 && text[1] >= 0x80 && text[1] < 0xa0)
        return 0;
    if (text[0] >= 0xc2 && text[0] < 0xe0 && (text[1] & 0xc0) == 0x80)
        return 2;
    if ((text[0] & 0xf0) == 0xe0 && (text[1] & 0xc0) == 0x80 &&
        (text[2] & 0xc0) == 0x80)
        return 3;
    if (text[0] >= 0xf0 && text[0] < 0xf5 && (text[1] & 0xc0) == 0x80 &&
        (text[2] & 0xc0) == 0x80 && (text[3] & 0xc0) == 0x80)
        return 4;
    return 0;
}

static void line_escape(struct line *line, const char *text)
{
    const unsigned char *at = (const unsigned char *)text;

    while (*at && line->len < sizeof(line->bytes) - 64) {
        size_t len = 1;
        if (*at == '"' || *at == '\\') {
            line_printf(line, "\\%c", *at);
        } else if (*at >= 0x20 && *at < 0x7f) {
            line->bytes[line->len++] = (char)*at;
        } else if ((len = sequence_len(at)) > 0) {
            memcpy(line->bytes + line->len, at, len);
            line->len += len;
        } else {
            len = 1;
            line_printf(line, "\\u%04x", *at);
        }
        at += len;
    }
}

static void line_json(struct line *line, enum log_level level,
                      const struct log_about *about, const char *time,
                      const char *text)
{
    line_printf(line, "{\"time\":\"%s\",\"level\":\"%s\"", time,
                level_names[level]);
    if (about && about->instance) {
        line_printf(line, ",\"instance\":\"");
        line_escape(line, about->instance);
        line_printf(line, "\"");
    }
    if (about && about->run)
        line_printf(line, ",\"run\":%" PRIu64, about->run);
    if (about && about->op)
        line_printf(line, ",\"op\":%" PRIu64, about->op);
    line_printf(line, ",\"message\":\"");
    line_escape(line, text);
    line_printf(line, "\"}\n");
}

static void line_text(struct line *line, enum log_level level,
                      const struct log_about *about, const char *time,
                      const char *text)
{
    static const char *const colours[] = {"\033[2m", "", "\033[33m",
                                          "\033[31m"};
    const char *colour = sink.form == LOG_TEXT_COLOUR ? colours[level] : "";

    line_printf(line, "%s%.12s %-5s ", colour, time + 11, level_names[level]);
    if (about && about->run)
        line_printf(line, "run %" PRIu64 " ", about->run);
    if (about && about->instance) {
        line_escape(line, about->instance);
        line_printf(line, ": ");
    }
    line_escape(line, text);
    line_printf(line, "%s\n", *colour ? "\033[0m" : "");
}

void log_write(enum log_level level, const struct log_about *about,
               const char *format, ...)
{
    struct line line = {.len = 0};
    char text[TEXT_MAX], time[CLOCK_TEXT_MAX];
    va_list arguments;
    ssize_t written;

    if (level < sink.lowest)
        return;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    clock_format(clock_wall_ms(sink.clock ? sink.clock : clock_system()), time);
    if (sink.form == LOG_JSON)
        line_json(&line, level, about, time, text);
    else
        line_text(&line, level, about, time, text);
    written = write(sink.descriptor, line.bytes, line.len);
    (void)written;
}
