/* daemon_register.c - the webhooks of the configuration, as records to deliver.
 *
 * One idea: a registration changes another system, so it is accepted, stored,
 * delivered and probed like everything else; every start looks once whether it
 * is still there.  [loop thread] */
#include "daemon/daemon_state.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sodium.h>

#include <connect/json.h>

#include "base/log.h"

static void register_stored(void *arg, int status, size_t accepted,
                            size_t duplicates)
{
    (void)arg;
    (void)accepted;
    (void)duplicates;
    if (status)
        log_write(LOG_ERROR, NULL,
                  "the registration of webhooks could not be stored: %s",
                  strerror(-status));
}

/* A hash of the address, so that another address is another version. */
static void address_id(const struct config *config,
                       const struct config_instance *instance, char hex[33])
{
    unsigned char hash[16];
    char address[2048];

    snprintf(address, sizeof(address), "%s/in/%s/%s", config->public_address,
             instance->name, instance->path_secret);
    crypto_generichash(hash, sizeof(hash), (const unsigned char *)address,
                       strlen(address), NULL, 0);
    sodium_bin2hex(hex, 33, hash, sizeof(hash));
    sodium_memzero(address, sizeof(address));
}

static void make_record(const struct config *config,
                        const struct config_instance *instance,
                        const struct config_webhook *webhook,
                        struct daemon_webhook *ret)
{
    cJSON *body = cJSON_CreateObject();
    char address[33];

    address_id(config, instance, address);
    ret->instance = instance->name;
    snprintf(ret->external_id, sizeof(ret->external_id), "%s/%s/%s",
             instance->name, webhook->event, webhook->scope);
    /* Every start looks once whether the registration is still there. */
    snprintf(ret->id, sizeof(ret->id), "%.250s %s %" PRId64, ret->external_id,
             address, clock_wall_ms(clock_system()));
    cn_json_put_text(body, "external_id", ret->external_id);
    cn_json_put_text(body, "event", webhook->event);
    cn_json_put_text(body, "scope", webhook->scope);
    cn_json_put_text(body, "address_id", address);
    ret->body = cn_json_print(body);
    cJSON_Delete(body);
}

bool daemon_webhook_at(const struct daemon *daemon, size_t index,
                       struct daemon_webhook *ret_webhook)
{
    const struct config *config = daemon->config;

    for (size_t at = 0; at < config->instance_count; at++) {
        const struct config_instance *instance = &config->instances[at];
        if (index < instance->webhook_count) {
            make_record(config, instance, &instance->webhooks[index],
                        ret_webhook);
            return true;
        }
        index -= instance->webhook_count;
    }
    return false;
}

static int register_one(struct daemon *daemon,
                        const struct config_instance *instance,
                        const struct config_webhook *webhook)
{
    struct op_record record = {.type = "webhook/1", .change = CN_UPSERT};
    struct engine_accept accept = {
        .origin = FLOWS_ORIGIN,
        .records = &record,
        .record_count = 1,
    };
    struct daemon_webhook made;
    int status;

    make_record(daemon->config, instance, webhook, &made);
    record.time_ms = clock_wall_ms(clock_system());
    record.id = (cn_str){made.id, strlen(made.id)};
    record.key = (cn_str){made.external_id, strlen(made.external_id)};
    record.body = (cn_str){made.body, strlen(made.body)};
    status = engine_accept(daemon->engine, &accept, register_stored, daemon);
    free(made.body);
    return status;
}

int daemon_register(struct daemon *daemon, struct error *err)
{
    int status = 0;

    for (size_t index = 0; index < daemon->config->instance_count; index++) {
        const struct config_instance *instance =
            &daemon->config->instances[index];
        if (!instance->webhook_count)
            continue;
        if (!daemon->config->public_address || !instance->path_secret) {
            error_set(err,
                      "%s: instance %s has webhooks; it needs \"path_secret\", "
                      "and the configuration \"public_address\"",
                      instance->place, instance->name);
            return -EINVAL;
        }
        for (size_t at = 0; !status && at < instance->webhook_count; at++)
            status = register_one(daemon, instance, &instance->webhooks[at]);
    }
    if (status)
        error_set(err, "the registration of webhooks could not be stored");
    return status;
}
