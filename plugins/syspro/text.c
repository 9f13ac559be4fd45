/* text.c - growing text, and what SYSPRO can take of Unicode.
 *
 * SYSPRO's columns hold Windows-1252 and its documents declare it, while the
 * address in which they travel is decoded as UTF-8 by the server.  The way out
 * is that all we send is ASCII and other characters are numeric references.
 * Pure; called on the instance's thread. */
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <connect/json.h>

enum { CAPACITY_FIRST = 256 };

/* Windows-1252, 0x80 to 0x9F; 0: not assigned. */
static const uint16_t upper[32] = {
    0x20AC, 0,      0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021,
    0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, 0,      0x017D, 0,
    0,      0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014,
    0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0,      0x017E, 0x0178};

void *text_must(void *ptr)
{
    if (ptr)
        return ptr;
    fputs("syspro: memory ended\n", stderr);
    abort();
}

void text_init(struct text *text, size_t max)
{
    *text = (struct text){.max = max};
}

void text_done(struct text *text)
{
    free(text->ptr);
    *text = (struct text){.max = text->max};
}

void text_add(struct text *text, cn_str bytes)
{
    size_t capacity = text->capacity ? text->capacity : CAPACITY_FIRST;
    char *grown = NULL;

    if (text->failed)
        return;
    if (bytes.len > text->max - text->len) {
        text->failed = true;
        return;
    }
    while (capacity < text->len + bytes.len + 1)
        capacity *= 2;
    if (capacity != text->capacity) {
        grown = text_must(realloc(text->ptr, capacity));
        text->ptr = grown;
        text->capacity = capacity;
    }
    if (bytes.len)
        memcpy(text->ptr + text->len, bytes.ptr, bytes.len);
    text->len += bytes.len;
    text->ptr[text->len] = '\0';
}

void text_put(struct text *text, const char *bytes)
{
    text_add(text, (cn_str){bytes, strlen(bytes)});
}

void text_put_encoded(struct text *text, cn_str bytes)
{
    static const char digits[] = "0123456789ABCDEF";

    for (size_t index = 0; index < bytes.len; index++) {
        unsigned char byte = (unsigned char)bytes.ptr[index];
        char encoded[3] = {'%', digits[byte >> 4], digits[byte & 15]};
        bool plain = (byte >= '0' && byte <= '9') ||
                     (byte >= 'A' && byte <= 'Z') ||
                     (byte >= 'a' && byte <= 'z') ||
                     (byte && strchr("-._~", byte) != NULL);

        if (plain)
            text_add(text, (cn_str){bytes.ptr + index, 1});
        else
            text_add(text, (cn_str){encoded, 3});
    }
}

uint32_t text_next(cn_str utf8, size_t *position)
{
    unsigned char first = (unsigned char)utf8.ptr[(*position)++];
    uint32_t character = first;
    size_t more = 0;

    if (first >= 0xF0) {
        character = first & 0x07u;
        more = 3;
    } else if (first >= 0xE0) {
        character = first & 0x0Fu;
        more = 2;
    } else if (first >= 0xC0) {
        character = first & 0x1Fu;
        more = 1;
    }
    for (; more && *position < utf8.len; more--)
        character =
            character << 6 | ((unsigned char)utf8.ptr[(*position)++] & 0x3Fu);
    return character;
}

static bool is_windows_1252(uint32_t character)
{
    if (character < 0x80 || (character >= 0xA0 && character <= 0xFF))
        return true;
    for (size_t index = 0; index < sizeof(upper) / sizeof(*upper); index++) {
        if (upper[index] && upper[index] == character)
            return true;
    }
    return false;
}

/* Control characters have no place in SYSPRO's columns; 0: leave it out. */
static uint32_t fitting(uint32_t character)
{
    if (character == '\t' || character == '\n' || character == '\r' ||
        character == 0x2028 || character == 0x2029)
        return ' ';
    if (character < 0x20 || (character >= 0x7F && character < 0xA0) ||
        (character >= 0x300 && character < 0x370))
        return 0;
    return is_windows_1252(character) ? character : '?';
}

static void put_character(struct text *text, uint32_t character)
{
    char reference[16];

    if (character == '&')
        text_put(text, "&amp;");
    else if (character == '<')
        text_put(text, "&lt;");
    else if (character == '>')
        text_put(text, "&gt;");
    else if (character < 0x80)
        text_add(text, (cn_str){(char[]){(char)character}, 1});
    else {
        snprintf(reference, sizeof(reference), "&#%u;", (unsigned)character);
        text_put(text, reference);
    }
}

void text_put_xml(struct text *text, cn_str utf8, size_t characters_max)
{
    size_t position = 0, count = 0;
    uint32_t character = 0;

    if (!cn_utf8_valid(utf8)) {
        text->failed = true;
        return;
    }
    while (position < utf8.len && (!characters_max || count < characters_max)) {
        character = fitting(text_next(utf8, &position));
        if (!character)
            continue;
        put_character(text, character);
        count++;
    }
}

void text_put_element(struct text *text, const char *name, cn_str utf8,
                      size_t characters_max)
{
    if (!utf8.len)
        return;
    text_put(text, "<");
    text_put(text, name);
    text_put(text, ">");
    text_put_xml(text, utf8, characters_max);
    text_put(text, "</");
    text_put(text, name);
    text_put(text, ">");
}

static size_t encode(char to[4], uint32_t character)
{
    if (character < 0x80) {
        to[0] = (char)character;
        return 1;
    }
    if (character < 0x800) {
        to[0] = (char)(0xC0 | character >> 6);
        to[1] = (char)(0x80 | (character & 0x3F));
        return 2;
    }
    if (character < 0x10000) {
        to[0] = (char)(0xE0 | character >> 12);
        to[1] = (char)(0x80 | (character >> 6 & 0x3F));
        to[2] = (char)(0x80 | (character & 0x3F));
        return 3;
    }
    to[0] = (char)(0xF0 | character >> 18);
    to[1] = (char)(0x80 | (character >> 12 & 0x3F));
    to[2] = (char)(0x80 | (character >> 6 & 0x3F));
    to[3] = (char)(0x80 | (character & 0x3F));
    return 4;
}

static uint32_t from_windows_1252(unsigned char byte)
{
    if (byte >= 0x80 && byte < 0xA0)
        return upper[byte - 0x80] ? upper[byte - 0x80] : '?';
    return byte;
}

void text_clean(char *to, size_t size, cn_str from)
{
    bool utf8 = cn_utf8_valid(from), blank = false;
    size_t position = 0, len = 0, encoded_len = 0;
    char encoded[4];

    while (position < from.len) {
        uint32_t character =
            utf8 ? text_next(from, &position)
                 : from_windows_1252((unsigned char)from.ptr[position++]);
        if (character <= ' ' || (character >= 0x7F && character <= 0xA0)) {
            blank = len > 0;
            continue;
        }
        encoded_len = encode(encoded, character);
        if (len + blank + encoded_len >= size)
            break;
        if (blank)
            to[len++] = ' ';
        blank = false;
        memcpy(to + len, encoded, encoded_len);
        len += encoded_len;
    }
    to[len] = '\0';
}

void text_mend(char *text)
{
    size_t len = strlen(text);

    for (size_t tries = 0; len && tries < 4; tries++) {
        if (cn_utf8_valid((cn_str){text, len}))
            return;
        text[--len] = '\0';
    }
}

void text_trim(char *to, size_t size, cn_str from, bool upper_case)
{
    while (from.len && (unsigned char)from.ptr[0] <= ' ') {
        from.ptr++;
        from.len--;
    }
    while (from.len && (unsigned char)from.ptr[from.len - 1] <= ' ')
        from.len--;
    if (from.len >= size)
        from.len = size - 1;
    for (size_t index = 0; index < from.len; index++) {
        char byte = from.ptr[index];
        bool lower = upper_case && byte >= 'a' && byte <= 'z';
        to[index] = lower ? (char)(byte - 'a' + 'A') : byte;
    }
    to[from.len] = '\0';
    text_mend(to);
}

bool text_matches(const char *text, const char *pattern)
{
    while (*pattern) {
        size_t len = strcspn(pattern, "*");

        if (!len) {
            pattern++;
            continue;
        }
        while (*text && strncasecmp(text, pattern, len) != 0)
            text++;
        if (!*text)
            return false;
        text += len;
        pattern += len;
    }
    return true;
}
