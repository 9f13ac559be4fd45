/* streak_key.c - keys that look like Streak's.
 *
 * Published keys are web-safe base64 without padding of a small binary record:
 * an application name, then a path of an organization named after the domain
 * and a kind with a number.  The number here is the counter, moved about by a
 * multiplication that never maps two counters on one number, so keys of one
 * seed never meet.  Case matters and the kinds never share a key.
 * Used on the simulator's only thread. */
#include "streak_key.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

enum { RECORD_MAX = 96 }; /* bytes before base64; the longest has 75 */

static const char alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
static const char prefix[] = "j\014s~mailfoogaer";
static const char owner[] = "\013\022\014Organization\"\014example.test\014";
static const char *const kind_names[STREAK_KIND_COUNT] = {
    "User",    "Team",          "Workflow",
    "Case",    "TeamContact",   "TeamOrganization",
    "Comment", "NewsfeedEntry", "Webhook",
};

/* 8 bytes as a variable-length number, seven bits each. */
static size_t put_number(unsigned char *bytes, uint64_t number)
{
    size_t len = 0;

    do {
        unsigned char part = (unsigned char)(number & 0x7f);

        number >>= 7;
        bytes[len++] = (unsigned char)(number ? part | 0x80 : part);
    } while (number);
    return len;
}

static void encode(const unsigned char *bytes, size_t len, char *ret_text)
{
    size_t end = 0;
    uint32_t bits = 0;
    unsigned held = 0;

    for (size_t i = 0; i < len; i++) {
        bits = (bits << 8) | bytes[i];
        held += 8;
        while (held >= 6) {
            held -= 6;
            ret_text[end++] = alphabet[(bits >> held) & 63];
        }
    }
    if (held)
        ret_text[end++] = alphabet[(bits << (6 - held)) & 63];
    ret_text[end] = '\0';
}

static size_t decode(const char *text, unsigned char *ret_bytes, size_t max)
{
    size_t len = 0;
    uint32_t bits = 0;
    unsigned held = 0;

    for (; *text && len < max; text++) {
        const char *place = strchr(alphabet, *text);

        if (!place)
            return 0;
        bits = (bits << 6) | (uint32_t)(place - alphabet);
        held += 6;
        if (held >= 8) {
            held -= 8;
            ret_bytes[len++] = (unsigned char)(bits >> held);
        }
    }
    return len;
}

void streak_key_make(enum streak_kind kind, uint64_t seed, uint64_t counter,
                     char ret_key[STREAK_KEY_MAX])
{
    const uint64_t low48 = (UINT64_C(1) << 48) - 1;
    uint64_t number = (counter * UINT64_C(0x5851f42d4c95) +
                       seed * UINT64_C(0x9e3779b97f4a7c15)) &
                      low48;
    unsigned char record[RECORD_MAX];
    const char *name = kind_names[kind];
    size_t name_len = strlen(name);
    size_t len = 0;

    memcpy(record, prefix, sizeof(prefix) - 1);
    len += sizeof(prefix) - 1;
    /* The length of what follows: owner, 3 bytes, name, 1, number, 1. */
    record[len++] = (unsigned char)(sizeof(owner) - 1 + 3 + name_len + 10);
    memcpy(record + len, owner, sizeof(owner) - 1);
    len += sizeof(owner) - 1;
    record[len++] = 013;
    record[len++] = 022;
    record[len++] = (unsigned char)name_len;
    memcpy(record + len, name, name_len);
    len += name_len;
    record[len++] = 030;
    /* Bit 55 is always set: 8 bytes whatever the number. */
    len += put_number(record + len, number | (UINT64_C(1) << 55));
    record[len++] = 014;
    encode(record, len, ret_key);
}

bool streak_key_decodes(const char *key)
{
    unsigned char record[RECORD_MAX];
    size_t len = decode(key, record, sizeof(record));

    return len > sizeof(prefix) + sizeof(owner) &&
           memcmp(record, prefix, sizeof(prefix) - 1) == 0 &&
           record[len - 1] == 014;
}
