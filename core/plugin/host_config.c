/* host_config.c - configuration and credentials for a plugin.
 *
 * Its one idea: the configuration arrives without credentials, as one JSON
 * text, and is kept as a tree for the life of the instance; what a plugin asks
 * for and is no string is printed once and kept too, so every answer stays
 * valid until destroy.  Credentials are wiped when freed.  The instance's
 * thread, but for host_secret_mask: there the lock is held by the caller. */
#include "plugin/host_config.h"

#include <connect/json.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "config/secret.h"

enum { MASK_LEN_MIN = 6 /* shorter ones would blot out ordinary words */ };

struct host_text { /* a value that was printed */
    const cJSON *value;
    char *text;
    UT_hash_handle hh;
};

int host_config_fill(struct host *host, const struct host_setup *setup)
{
    cn_json_error error;

    if (cn_json_read(setup->config, NULL, &host->config, &error))
        return -EINVAL;
    for (size_t index = 0; index < setup->secret_count; index++) {
        host->secrets[index].name = memory_text(setup->secrets[index].name);
        host->secrets[index].value = memory_text(setup->secrets[index].value);
    }
    host->secret_count = setup->secret_count;
    for (size_t index = 0; index < setup->value_count; index++)
        value_keep(&host->values, setup->values[index].key,
                   setup->values[index].value);
    return 0;
}

void host_config_free(struct host *host)
{
    struct host_text *text, *next;

    HASH_ITER(hh, host->texts, text, next)
    {
        HASH_DEL(host->texts, text);
        free(text->text);
        free(text);
    }
    cJSON_Delete(host->config);
    host->config = NULL;
    uv_mutex_lock(&host->lock);
    for (size_t index = 0; index < host->secret_count; index++) {
        free(host->secrets[index].name);
        secret_free(host->secrets[index].value);
    }
    host->secret_count = 0;
    uv_mutex_unlock(&host->lock);
}

cn_str host_config(const cn_host *table, const char *pointer)
{
    cn_str none = {NULL, 0};
    struct host *host;
    struct host_text *text;
    const cJSON *value;

    if (!host_permits(table, "config", &host) || !pointer)
        return none;
    value = cn_json_pointer(host->config, pointer);
    if (!value)
        return none;
    if (cJSON_IsString(value))
        return (cn_str){value->valuestring, strlen(value->valuestring)};
    HASH_FIND_PTR(host->texts, &value, text);
    if (!text) {
        text = memory_zero(1, sizeof(*text));
        text->value = value;
        text->text = cn_json_print(value);
        if (!text->text)
            text->text = memory_text("null");
        HASH_ADD_PTR(host->texts, value, text);
    }
    return (cn_str){text->text, strlen(text->text)};
}

cn_str host_secret(const cn_host *table, const char *name)
{
    struct host *host;

    if (!host_permits(table, "secret", &host) || !name)
        return (cn_str){NULL, 0};
    for (size_t index = 0; index < host->secret_count; index++) {
        if (!strcmp(host->secrets[index].name, name))
            return (cn_str){host->secrets[index].value,
                            strlen(host->secrets[index].value)};
    }
    return (cn_str){NULL, 0};
}

void host_secret_mask(const struct host *host, char *text)
{
    for (size_t index = 0; index < host->secret_count; index++) {
        size_t len = strlen(host->secrets[index].value);
        char *at = text;
        if (len < MASK_LEN_MIN)
            continue;
        while ((at = strstr(at, host->secrets[index].value)))
            memset(at, '*', len);
    }
}
