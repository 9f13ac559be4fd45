/* setup.c - from a checked file to what a plugin will see.
 *
 * Its one idea: a property that the manifest marks writeOnly holds a reference
 * in the configuration; the value is read here, kept apart from the rest and
 * wiped when freed, and the configuration goes on without it.  Loop thread. */
#include "plugin/setup.h"

#include <connect/json.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "config/secret.h"

static const char address_secret[] = "webhook_address";

static void secret_add(struct setup *setup, const char *name, char *value)
{
    setup->secrets[setup->secret_count].name = memory_text(name);
    setup->secrets[setup->secret_count++].value = value;
}

/* Take one credential out of the configuration. */
static int take_secret(struct setup *setup, cJSON *object, const char *name,
                       struct error *err)
{
    cJSON *member = cn_json_member(object, name);
    struct error detail = {""};
    char *value = NULL;
    int status;

    if (!member)
        return 0;
    status = cJSON_IsString(member)
                 ? secret_read(member->valuestring, &value, &detail)
                 : -EINVAL;
    if (!status && setup->secret_count == HOST_SECRETS_MAX - 1) {
        secret_free(value);
        status = -E2BIG;
        error_set(&detail, "there are more than %d credentials",
                  HOST_SECRETS_MAX - 1);
    }
    if (status) {
        error_set(err, "/config/%s: %s", name,
                  *detail.text ? detail.text
                               : "must be a reference to a credential");
        return status;
    }
    secret_add(setup, name, value);
    cJSON_Delete(cJSON_DetachItemViaPointer(object, member));
    return 0;
}

static int take_secrets(struct setup *setup, cJSON *object, struct error *err)
{
    const struct schema *schema = setup->module->manifest->config;
    const char *name;
    int status = 0;

    for (size_t index = 0;
         !status && (name = schema_secret_name(schema, index)); index++)
        status = take_secret(setup, object, name, err);
    return status;
}

static void add_address(struct setup *setup,
                        const struct config_instance *config,
                        const char *public_address)
{
    size_t len;
    char *address;

    if (!public_address || !config->path_secret)
        return;
    len = strlen(public_address) + strlen(config->name) +
          strlen(config->path_secret) + sizeof("/in//");
    address = memory_zero(1, len);
    snprintf(address, len, "%s/in/%s/%s", public_address, config->name,
             config->path_secret);
    secret_add(setup, address_secret, address);
}

static int config_check(const struct module *module, cJSON *object,
                        struct error *err)
{
    struct schema_fault fault = {"", "", ""};

    schema_fill(module->manifest->config, object);
    if (!schema_check(module->manifest->config, object, &fault))
        return 0;
    error_set(err, "/config%s%s", fault.message[0] == '/' ? "" : ": ",
              fault.message);
    return -EINVAL;
}

int setup_create(const struct module *module,
                 const struct config_instance *config,
                 const char *public_address, struct setup **ret_setup,
                 struct error *err)
{
    struct setup *setup = memory_zero(1, sizeof(*setup));
    cJSON *object = config->config ? cJSON_Duplicate(config->config, true)
                                   : cJSON_CreateObject();
    int status = object ? 0 : -ENOMEM;

    setup->module = module;
    setup->share_count = 1;
    setup->open_max = config->open_max;
    setup->rate = config->rate;
    if (!setup->rate.given)
        setup->rate =
            (struct config_rate){true, module->manifest->rate_per_second,
                                 module->manifest->rate_burst};
    if (!status)
        status = config_check(module, object, err);
    if (!status)
        status = take_secrets(setup, object, err);
    if (!status) {
        setup->config = cn_json_print(object);
        status = setup->config ? 0 : -ENOMEM;
    }
    if (status)
        goto out;
    add_address(setup, config, public_address);
    *ret_setup = setup;
    setup = NULL;
out:
    cJSON_Delete(object);
    setup_release(setup);
    return status;
}

struct setup *setup_share(struct setup *setup)
{
    setup->share_count++;
    return setup;
}

void setup_release(struct setup *setup)
{
    if (!setup || --setup->share_count > 0)
        return;
    for (size_t index = 0; index < setup->secret_count; index++) {
        free(setup->secrets[index].name);
        secret_free(setup->secrets[index].value);
    }
    free(setup->config);
    free(setup);
}

const char *setup_secret(const struct setup *setup, const char *name,
                         size_t len)
{
    for (size_t index = 0; index < setup->secret_count; index++) {
        const struct host_secret *secret = &setup->secrets[index];
        if (strlen(secret->name) == len && !memcmp(secret->name, name, len))
            return secret->value;
    }
    return manifest_secret(setup->module->manifest, name, len) ? "" : NULL;
}
