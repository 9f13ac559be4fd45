/* config.h - the configuration: one file to one checked, immutable struct.
 *
 * connect.json is JSON with comments (line and block), trailing commas are
 * refused and unknown members are errors.  Relative paths are relative to the
 * file's directory, also behind "file:" anywhere in the file; a plugin named
 * without a slash is in the directory "plugins".  Required are "data" and
 * "instances"; config_form.c has all members with limits and defaults.
 *
 *   { "data": "/var/lib/connect",
 *     "plugins": "/usr/lib/x86_64-linux-gnu/connect/plugins",
 *     "records": "records", "flows": "flows",
 *     "listen": { "address": "127.0.0.1", "port": 8080,
 *                 "tls": { "certificate": "...", "key": "file:..." } },
 *     "public_address": "https://connect.example.com",
 *     "admin": { "socket": "/run/connect/admin.sock", "group": "connect" },
 *     "log": { "level": "info", "form": "auto" },
 *     "ca_file": "...",
 *     "limits": { "webhook_bytes": 1048576, "runs_active": 1024, ... },
 *     "instances": {
 *       "streak": { "plugin": "streak.so", "sha256": "...",
 *                   "path_secret": "file:...",        for /in/streak/<secret>
 *                   "webhooks": [ { "event": "...", "scope": "..." } ],
 *                   "open_max": 8,
 *                   "rate": { "per_second": 8, "burst": 8 },
 *                   "config": { ... } } } }
 *
 * "config" is checked against the plugin's manifest, when the plugin is
 * loaded. */
#ifndef CONNECT_CONFIG_CONFIG_H
#define CONNECT_CONFIG_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cjson/cJSON.h>

#include "base/error.h"
#include "base/log.h"
#include "config/config_text.h"
#include "config/fingerprint.h"

struct config_webhook {
    const char *event; /* the source's word */
    const char *scope; /* the source's key of what is watched */
};

struct config_rate {     /* HTTP requests of an instance */
    bool given;          /* false: as the plugin's manifest says */
    uint32_t per_second; /* 0: no limit */
    uint32_t burst;      /* at once after a pause; at least 1 */
};

struct config_instance {
    const char *name;
    const char *plugin;           /* absolute path of the .so */
    const char *sha256;           /* hex or NULL */
    const char *path_secret;      /* the value, or NULL: receives no webhooks */
    const char *path_secret_from; /* its reference, or NULL */
    const struct config_webhook *webhooks;
    size_t webhook_count;
    uint32_t open_max; /* 0: as the plugin says */
    struct config_rate rate;
    const cJSON *config; /* object; credentials still as references */
    const char *place;   /* "connect.json:12" for messages */
};

struct config_limits {
    uint32_t webhook_bytes;   /* body of a webhook; default 1 MiB */
    uint32_t connections;     /* default 4096 */
    uint32_t runs_active;     /* runs in memory; default 1024 */
    uint32_t attempts;        /* answers about a record before it is parked;
                               * default 5 */
    uint32_t retry_after_ms;  /* cap of Retry-After; default 15 min */
    uint32_t operation_ms;    /* time-out of an operation; default 60 s */
    uint32_t stuck_ms;        /* after a cancel, until an instance is given
                               * up; default 10 s */
    uint32_t drain_ms;        /* of a stop; default 30 s */
    uint32_t jq_processes;    /* default 1, at most 8 */
    uint32_t jq_ms;           /* default 2000 */
    uint32_t jq_mib;          /* default 256 */
    uint32_t event_days;      /* identities of events are kept; default 400 */
    uint32_t run_days;        /* runs are kept after their end; default 400 */
    uint32_t audit_days;      /* audit entries are kept; default 3650 */
    uint32_t quarantine_days; /* what could not be used is kept, since it last
                               * arrived; default 90 */
    uint32_t database_mib;    /* above it finished runs go, oldest first; 0: no
                               * limit; default 4096 */
};

struct config {
    const char *path;      /* of the file */
    const char *directory; /* of the file */
    const char *data, *plugins, *records, *flows;
    const char *listen_address;
    uint16_t listen_port;        /* 0: the kernel chooses */
    const char *tls_certificate; /* path or NULL */
    const char *tls_key;         /* path or NULL */
    const char *public_address;  /* without a slash at the end; NULL: none */
    const char *admin_socket, *admin_group;
    const char *ca_file; /* further trusted certificates, or NULL */
    enum log_level log_level;
    const char *log_form;            /* "auto", "json", "text" */
    char file_hash[FINGERPRINT_MAX]; /* of the file and of the flow files when
                                      * they were read */
    char flows_hash[FINGERPRINT_MAX];
    bool restart_due; /* after a reload: some of it waits for a restart */
    struct config_limits limits;
    const struct config_instance *instances;
    size_t instance_count;
};

/* Read and check.  The error is "connect.json:12: /listen/port: must be a
 * number from 0 to 65535, is a text". */
int config_read(const char *path, struct config **ret_config,
                struct error *err) MUST_USE;
void config_destroy(struct config *config);

#endif
