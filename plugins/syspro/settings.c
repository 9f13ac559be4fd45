/* settings.c - the configuration of one instance, read once.
 *
 * The host has checked it against manifest.json and filled in the defaults
 * there; what a schema cannot say is checked here.  Called by create, on the
 * instance's thread. */
#include "settings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <connect/json.h>
#include <connect/sdk.h>

static const char *text_at(const struct settings *settings, const char *pointer,
                           const char *fallback)
{
    return cn_json_text_at(settings->json, pointer, fallback);
}

static bool true_at(const struct settings *settings, const char *pointer,
                    bool fallback)
{
    return !strcmp(text_at(settings, pointer, fallback ? "true" : "false"),
                   "true");
}

static int64_t integer_at(const struct settings *settings, const char *pointer,
                          int64_t fallback)
{
    int64_t number = fallback;

    if (cn_json_int64(cn_json_pointer(settings->json, pointer), &number))
        return fallback;
    return number;
}

static void read_key(const struct settings *settings, const char *name,
                     int64_t presentation, struct key_kind *ret_kind)
{
    char pointer[64];

    snprintf(pointer, sizeof(pointer), "/%s/kind", name);
    ret_kind->numeric =
        !strcmp(text_at(settings, pointer, "numeric"), "numeric");
    snprintf(pointer, sizeof(pointer), "/%s/length", name);
    ret_kind->length = (size_t)integer_at(settings, pointer, 15);
    snprintf(pointer, sizeof(pointer), "/%s/presentation", name);
    ret_kind->presentation =
        (size_t)integer_at(settings, pointer, presentation);
}

/* The names become elements, and Process is not for choosing: with VALIDATE
 * nothing would ever be created. */
static bool parameters_valid(const cn_host *host, const cJSON *parameters)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

    CN_JSON_EACH(parameter, parameters)
    {
        const char *name = parameter->string;
        if (!*name || name[strspn(name, letters)] || !strcmp(name, "Process")) {
            cn_logf(host, CN_LOG_ERROR,
                    "order_parameters: \"%.40s\" cannot be set", name);
            return false;
        }
    }
    return true;
}

static bool key_valid(const cn_host *host, const char *name,
                      const struct key_kind *kind)
{
    if (kind->length < 1 || kind->length >= KEY_MAX ||
        kind->presentation > kind->length) {
        cn_logf(host, CN_LOG_ERROR,
                "%s: length must be 1 to 30 and presentation at most as long",
                name);
        return false;
    }
    return true;
}

static void read_auth(struct settings *settings)
{
    const char *header = text_at(settings, "/gateway_header", "X-Api-Key");

    snprintf(settings->auth, sizeof(settings->auth), "header:%.64s gateway_key",
             header);
    snprintf(settings->auth_logon, sizeof(settings->auth_logon),
             "query:OperatorPassword operator_password,"
             "query:CompanyPassword company_password,header:%.64s gateway_key",
             header);
}

static bool read_url(const cn_host *host, struct settings *settings)
{
    const char *url = text_at(settings, "/base_url", "");
    size_t len = strlen(url);

    while (len && url[len - 1] == '/')
        len--;
    if (!len || len >= sizeof(settings->base_url) || strpbrk(url, "?# ")) {
        cn_logf(host, CN_LOG_ERROR,
                "base_url must end in /Rest and be at most %d characters",
                URL_BASE_MAX - 1);
        return false;
    }
    memcpy(settings->base_url, url, len);
    settings->base_url[len] = '\0';
    return true;
}

int settings_read(const cn_host *host, struct settings *ret_settings)
{
    struct settings settings = {.json = NULL};
    cn_json_limits limits = {.flags = CN_JSON_ALLOW_CASE_TWINS};
    const char *compare = NULL;
    int status =
        cn_json_read(host->config(host, ""), &limits, &settings.json, NULL);

    if (status)
        return status;
    settings.operator_code = text_at(&settings, "/operator", "");
    settings.company = text_at(&settings, "/company", "");
    settings.language = text_at(&settings, "/language", "");
    read_key(&settings, "customer_key", 7, &settings.customer_key);
    read_key(&settings, "order_key", 6, &settings.order_key);
    settings.upper_customer = true_at(&settings, "/upper/customer", true);
    settings.upper_stock_code = true_at(&settings, "/upper/stock_code", true);
    settings.upper_warehouse = true_at(&settings, "/upper/warehouse", true);
    settings.order_parameters =
        cn_json_member(settings.json, "order_parameters");
    settings.texts = cn_json_member(settings.json, "texts");
    settings.url_bytes_max =
        (size_t)integer_at(&settings, "/url_bytes_max", 16000);
    settings.post_large = true_at(&settings, "/post_large", true);
    compare = text_at(&settings, "/compare_lines", "found");
    settings.compare_created = !strcmp(compare, "always");
    settings.compare_found = strcmp(compare, "never") != 0;
    settings.idle_ms =
        1000 * (uint64_t)integer_at(&settings, "/session_idle_seconds", 600);
    settings.licence_wait_ms =
        1000 * (uint64_t)integer_at(&settings, "/licence_wait_seconds", 300);
    read_auth(&settings);
    if (!read_url(host, &settings) ||
        !parameters_valid(host, settings.order_parameters) ||
        !key_valid(host, "customer_key", &settings.customer_key) ||
        !key_valid(host, "order_key", &settings.order_key)) {
        cJSON_Delete(settings.json);
        return -EINVAL;
    }
    *ret_settings = settings;
    return 0;
}

void settings_done(struct settings *settings)
{
    cJSON_Delete(settings->json);
    settings->json = NULL;
}
