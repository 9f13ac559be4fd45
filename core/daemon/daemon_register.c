/* daemon_register.c - the webhooks of the configuration, as records to deliver.
 *
 * One idea: a registration changes another system, so it is accepted, stored,
 * delivered and probed like everything else; every start and reload looks once
 * whether it is still there.  The address is that of the start, which is what
 * the instances register.  [loop thread] */
#include "daemon/daemon_state.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sodium.h>

#include <connect/json.h>

#include "base/log.h"
#include "base/memory.h"

struct registration { /* of one start or reload */
    unsigned open;    /* records on their way to the store, and its maker */
    int status;       /* the first that could not be stored */
    daemon_registered_fn *registered; /* NULL: nobody wants to know */
    void *arg;
};

static void registration_leave(struct registration *registration)
{
    if (--registration->open)
        return;
    if (registration->registered)
        registration->registered(registration->arg, registration->status);
    free(registration);
}

static void register_stored(void *arg, int status, size_t accepted,
                            size_t duplicates)
{
    struct registration *registration = arg;

    (void)accepted;
    (void)duplicates;
    if (status)
        log_write(LOG_ERROR, NULL,
                  "the registration of webhooks could not be stored: %s",
                  strerror(-status));
    if (!registration->status)
        registration->status = status;
    registration_leave(registration);
}

/* A hash of the address, so that another address is another version. */
static void address_id(const struct daemon *daemon,
                       const struct config_instance *instance, char hex[33])
{
    unsigned char hash[16];
    char address[2048];

    snprintf(address, sizeof(address), "%s/in/%s/%s", daemon->public_address,
             instance->name, instance->path_secret);
    crypto_generichash(hash, sizeof(hash), (const unsigned char *)address,
                       strlen(address), NULL, 0);
    sodium_bin2hex(hex, 33, hash, sizeof(hash));
    sodium_memzero(address, sizeof(address));
}

static void make_record(const struct daemon *daemon,
                        const struct config_instance *instance,
                        const struct config_webhook *webhook,
                        struct daemon_webhook *ret)
{
    cJSON *body = cJSON_CreateObject();
    char address[33];

    address_id(daemon, instance, address);
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
            make_record(daemon, instance, &instance->webhooks[index],
                        ret_webhook);
            return true;
        }
        index -= instance->webhook_count;
    }
    return false;
}

static int register_one(struct daemon *daemon,
                        const struct config_instance *instance,
                        const struct config_webhook *webhook,
                        struct registration *registration, struct error *err)
{
    struct op_record record = {.type = "webhook/1", .change = CN_UPSERT};
    struct engine_accept accept = {
        .origin = FLOWS_ORIGIN,
        .records = &record,
        .record_count = 1,
    };
    struct daemon_webhook made;
    int status;

    make_record(daemon, instance, webhook, &made);
    record.time_ms = clock_wall_ms(clock_system());
    record.id = (cn_str){made.id, strlen(made.id)};
    record.key = (cn_str){made.external_id, strlen(made.external_id)};
    record.body = (cn_str){made.body, strlen(made.body)};
    registration->open++;
    status =
        engine_accept(daemon->engine, &accept, register_stored, registration);
    if (status) {
        registration->open--;
        error_set(err,
                  "%s: the webhooks of instance %s are not registered, the "
                  "store takes nothing now",
                  instance->place, instance->name);
    }
    free(made.body);
    return status;
}

/* The webhooks of one instance. */
static int register_instance(struct daemon *daemon,
                             const struct config_instance *instance,
                             struct registration *registration,
                             struct error *err)
{
    int status = 0;

    if (!instance->webhook_count)
        return 0;
    if (!daemon->public_address && daemon->config->public_address)
        return 0; /* it came with a reload: at the next start */
    if (!daemon->public_address || !instance->path_secret) {
        error_set(err,
                  "%s: instance %s has webhooks; it needs \"path_secret\", "
                  "and the configuration \"public_address\"",
                  instance->place, instance->name);
        return -EINVAL;
    }
    for (size_t at = 0; !status && at < instance->webhook_count; at++)
        status = register_one(daemon, instance, &instance->webhooks[at],
                              registration, err);
    if (status)
        error_set(err, "the registration of webhooks could not be stored");
    return status;
}

int daemon_register(struct daemon *daemon, daemon_registered_fn *registered,
                    void *arg, struct error *err)
{
    struct registration *registration = memory_zero(1, sizeof(*registration));
    const struct config *config = daemon->config;
    int status = 0;

    registration->open = 1;
    registration->arg = arg;
    for (size_t index = 0; !status && index < config->instance_count; index++)
        status = register_instance(daemon, &config->instances[index],
                                   registration, err);
    if (!status && registration->open > 1) {
        registration->registered = registered;
        status = 1;
    }
    registration_leave(registration);
    return status;
}
