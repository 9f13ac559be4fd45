/* settings.h - the configuration of one instance, read once. */
#ifndef SYSPRO_SETTINGS_H
#define SYSPRO_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>
#include <connect/plugin.h>

#include "keys.h"

enum { URL_BASE_MAX = 512, AUTH_MAX = 256 };

struct settings {
    cJSON *json;                 /* owned; the texts below borrow from it */
    char base_url[URL_BASE_MAX]; /* to the end of /Rest, no slash behind */
    const char *operator_code, *company, *language;
    char auth_logon[AUTH_MAX]; /* cn_http_request.auth of a logon ... */
    char auth[AUTH_MAX];       /* ... and of all else: the gateway's key */
    struct key_kind customer_key, order_key;
    bool upper_customer, upper_stock_code, upper_warehouse;
    const cJSON *order_parameters; /* on top of the recommended ones */
    const cJSON *texts;            /* patterns for each reason */
    size_t url_bytes_max;          /* of a request line */
    bool post_large;               /* PostLD for what is larger */
    bool compare_created;          /* look at the lines of new orders too */
    bool compare_found;            /* ... and of orders that were there */
    uint64_t idle_ms;              /* log off after so long; 0: never */
    uint64_t licence_wait_ms;      /* before a logon after "licences in use" */
};

/* 0, or -EINVAL or -ENOMEM after the reason was logged. */
int settings_read(const cn_host *host, struct settings *ret_settings);
void settings_done(struct settings *settings);

#endif
