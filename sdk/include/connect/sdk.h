/* connect/sdk.h - sugar for plugins.
 *
 * Everything here is a few lines over connect/plugin.h that every plugin would
 * write; a plugin that does not need it loses nothing.  Header only. */
#ifndef CN_SDK_H
#define CN_SDK_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <connect/ext/http.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CN_PRINTF_LIKE(text, first) __attribute__((format(printf, text, first)))

/* Longer messages are cut; nobody reads further. */
enum { CN_MESSAGE_MAX = 1024 };

/* ---- Text --------------------------------------------------------------- */

/* A C string as cn_str; NULL is empty. */
static inline cn_str cn_text(const char *text)
{
    cn_str string = {text, text ? strlen(text) : 0};
    return string;
}

static inline bool cn_equal(cn_str left, cn_str right)
{
    return left.len == right.len &&
           (!left.len || !memcmp(left.ptr, right.ptr, left.len));
}

static inline bool cn_is(cn_str string, const char *text)
{
    return cn_equal(string, cn_text(text));
}

/* A copy with a NUL behind it, to free; NULL when memory ends. */
static inline char *cn_copy(cn_str string)
{
    char *copy = (char *)malloc(string.len + 1);
    if (copy && string.len)
        memcpy(copy, string.ptr, string.len);
    if (copy)
        copy[string.len] = '\0';
    return copy;
}

/* Equal, in a time that does not tell where they differ: for tokens. */
static inline bool cn_secret_equal(cn_str left, cn_str right)
{
    volatile unsigned char difference = left.len != right.len;
    size_t index;
    for (index = 0; index < left.len && right.len; index++)
        difference |=
            (unsigned char)(left.ptr[index] ^ right.ptr[index % right.len]);
    return !difference;
}

/* The value of a header, in any case, or ptr is NULL. */
static inline cn_str cn_header_find(const cn_header *headers, uint32_t count,
                                    const char *name)
{
    size_t len = strlen(name), at;
    uint32_t index;
    for (index = 0; index < count; index++) {
        const char *other = headers[index].name.ptr;
        for (at = 0; at < len && headers[index].name.len == len; at++) {
            char a = name[at], b = other[at];
            if (a != b && ((a | 0x20) != (b | 0x20) || (a | 0x20) < 'a' ||
                           (a | 0x20) > 'z'))
                break;
        }
        if (at == len && headers[index].name.len == len)
            return headers[index].value;
    }
    return cn_text(NULL);
}

/* ---- Log and outcome ---------------------------------------------------- */

CN_PRINTF_LIKE(3, 4)
static inline void cn_logf(const cn_host *host, int32_t level,
                           const char *format, ...)
{
    char message[CN_MESSAGE_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof(message), format, arguments);
    va_end(arguments);
    host->log(host, level, message);
}

/* End with CN_OK and nothing else. */
static inline void cn_done(const cn_host *host, cn_op op)
{
    host->done(host, op, NULL);
}

/* End with CN_OK and an answer: one JSON value. */
static inline void cn_done_body(const cn_host *host, cn_op op, cn_str body)
{
    cn_outcome outcome;
    memset(&outcome, 0, sizeof(outcome));
    outcome.size = sizeof(outcome);
    outcome.body = body;
    host->done(host, op, &outcome);
}

/* End with another status and a message that tells people the cause. */
CN_PRINTF_LIKE(4, 5)
static inline void cn_fail(const cn_host *host, cn_op op, cn_status status,
                           const char *format, ...)
{
    char message[CN_MESSAGE_MAX];
    cn_outcome outcome;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof(message), format, arguments);
    va_end(arguments);
    memset(&outcome, 0, sizeof(outcome));
    outcome.size = sizeof(outcome);
    outcome.status = status;
    outcome.message = message;
    host->done(host, op, &outcome);
}

/* ---- Configuration ------------------------------------------------------ */

/* A text of the configuration, or fallback; valid until destroy. */
static inline const char *
cn_config_text(const cn_host *host, const char *pointer, const char *fallback)
{
    cn_str value = host->config(host, pointer);
    return value.ptr ? value.ptr : fallback;
}

/* A whole number of the configuration, or fallback. */
static inline int64_t cn_config_integer(const cn_host *host,
                                        const char *pointer, int64_t fallback)
{
    cn_str value = host->config(host, pointer);
    char *end = NULL;
    long long number = value.ptr ? strtoll(value.ptr, &end, 10) : 0;
    return value.ptr && end != value.ptr && !*end ? (int64_t)number : fallback;
}

static inline bool cn_config_true(const cn_host *host, const char *pointer)
{
    return cn_is(host->config(host, pointer), "true");
}

#ifdef __cplusplus
}
#endif
#endif
