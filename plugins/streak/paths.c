/* paths.c - the one table of Streak's paths, and the making of addresses.
 *
 * Streak's v1 and v2 are two halves and not two editions, so version, verb and
 * kind of body belong to a path and stand beside it.  All bodies sent here are
 * JSON (v1 POST and v2 POST); the v1 PUTs, which want forms, are not used.
 * Pure; called on the instance's thread. */
#include "paths.h"

#include <stdio.h>
#include <string.h>

#include "text.h"

enum {
    KEY_MAX = 256, /* characters; the records allow no more */
    ENCODED_MAX = 3 * KEY_MAX + 1
};

static const struct path paths[] = {
    {PATH_ME, 1, "GET", "users/me", NULL, "account"},
    {PATH_BOX, 1, "GET", "boxes/*", NULL, "box"},
    {PATH_BOX_UPDATE, 1, "POST", "boxes/*", NULL, "box"},
    {PATH_PIPELINE, 1, "GET", "pipelines/*", NULL, "pipeline"},
    {PATH_TEAM, 2, "GET", "teams/*", NULL, "team"},
    {PATH_ORGANIZATION, 2, "GET", "organizations/*", NULL, "organization"},
    {PATH_CONTACT, 2, "GET", "contacts/*", NULL, "contact"},
    {PATH_COMMENTS, 2, "GET", "boxes/*/comments", "page", "box"},
    {PATH_COMMENT_CREATE, 2, "POST", "boxes/*/comments", NULL, "box"},
    {PATH_WEBHOOKS, 2, "GET", "pipelines/*/webhooks", "page", "pipeline"},
    {PATH_WEBHOOK_CREATE, 2, "POST", "webhooks", "pipelineKey", "pipeline"},
    {PATH_WEBHOOK_DELETE, 2, "DELETE", "webhooks/*", NULL, "webhook"},
};

const struct path *path_of(enum path_id id)
{
    return &paths[id];
}

bool path_has_effect(const struct path *path)
{
    return strcmp(path->method, "GET") != 0;
}

bool path_key_fits(const char *key)
{
    /* "." and ".." would climb to another path. */
    return key && *key && strlen(key) <= KEY_MAX && key[strspn(key, ".")];
}

static bool unreserved(unsigned char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || strchr("-_.~", byte);
}

static void encode(const char *text, char encoded[ENCODED_MAX])
{
    size_t len = 0;

    for (; *text && len + 3 < ENCODED_MAX; text++) {
        unsigned char byte = (unsigned char)*text;

        if (unreserved(byte))
            encoded[len++] = *text;
        else
            len += (size_t)snprintf(encoded + len, 4, "%%%02X", byte);
    }
    encoded[len] = '\0';
}

char *path_url(const struct path *path, const char *base_url, const char *key,
               const char *value)
{
    char first[ENCODED_MAX] = "", second[ENCODED_MAX] = "";
    const char *star = strchr(path->pattern, '*');
    int before =
        (int)(star ? (size_t)(star - path->pattern) : strlen(path->pattern));

    if (key)
        encode(key, first);
    if (value && path->query)
        encode(value, second);
    return text_print("%s/v%d/%.*s%s%s%s%s%s%s", base_url, path->version,
                      before, path->pattern, star ? first : "",
                      star ? star + 1 : "", *second ? "?" : "",
                      *second ? path->query : "", *second ? "=" : "", second);
}
