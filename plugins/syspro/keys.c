/* keys.c - SYSPRO's keys in the form it stores and the form it shows.
 *
 * A company decides for each kind of key whether it is alphanumeric (stored as
 * it is) or numeric (stored filled up with zeros, shown shorter).  Business
 * objects take both forms; COMFND compares what is stored, so a key in the
 * wrong form finds nothing, which would look like "there is no such order".
 * Pure. */
#include "keys.h"

#include <string.h>

static bool trim(cn_str key, char to[KEY_MAX])
{
    while (key.len && key.ptr[0] == ' ') {
        key.ptr++;
        key.len--;
    }
    while (key.len && key.ptr[key.len - 1] == ' ')
        key.len--;
    if (!key.len || key.len >= KEY_MAX)
        return false;
    for (size_t index = 0; index < key.len; index++) {
        if ((unsigned char)key.ptr[index] < ' ')
            return false;
    }
    memcpy(to, key.ptr, key.len);
    to[key.len] = '\0';
    return true;
}

/* The digits without leading zeros, filled up to width. */
static bool fill(const char *key, size_t width, char to[KEY_MAX])
{
    size_t len = strlen(key), zeros = 0;

    if (strspn(key, "0123456789") != len)
        return false;
    while (len > 1 && *key == '0') {
        key++;
        len--;
    }
    zeros = width > len ? width - len : 0;
    if (zeros + len >= KEY_MAX)
        return false;
    memset(to, '0', zeros);
    memcpy(to + zeros, key, len + 1);
    return true;
}

bool key_stored(const struct key_kind *kind, cn_str key, char to[KEY_MAX])
{
    char trimmed[KEY_MAX], filled[KEY_MAX];

    if (!trim(key, trimmed))
        return false;
    if (!kind->numeric)
        memcpy(to, trimmed, KEY_MAX);
    else if (!fill(trimmed, kind->length, filled) ||
             strlen(filled) > kind->length)
        return false;
    else
        memcpy(to, filled, KEY_MAX);
    return true;
}

bool key_shown(const struct key_kind *kind, cn_str key, char to[KEY_MAX])
{
    char trimmed[KEY_MAX], filled[KEY_MAX];

    if (!trim(key, trimmed))
        return false;
    if (kind->numeric && fill(trimmed, kind->presentation, filled))
        memcpy(to, filled, KEY_MAX);
    else
        memcpy(to, trimmed, KEY_MAX);
    return true;
}
