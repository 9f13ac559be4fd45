/* setup.h - what an instance is made from: module, configuration, credentials.
 *
 * A replacement of an instance is made from the same setup.  [loop thread] */
#ifndef CONNECT_PLUGIN_SETUP_H
#define CONNECT_PLUGIN_SETUP_H

#include "config/config.h"
#include "plugin/host.h"
#include "plugin/module.h"

struct setup { /* immutable but for the count */
    unsigned share_count;
    const struct module *module;
    char *config; /* JSON without credentials, defaults filled in */
    struct host_secret secrets[HOST_SECRETS_MAX];
    size_t secret_count;
    uint32_t open_max;       /* as configured; 0: as the plugin says */
    struct config_rate rate; /* given: also when the manifest gave it */
};

/* Check a configuration against the manifest and read its credentials.
 * public_address NULL: webhooks have no address. */
int setup_create(const struct module *module,
                 const struct config_instance *config,
                 const char *public_address, struct setup **ret_setup,
                 struct error *err) MUST_USE;
struct setup *setup_share(struct setup *setup);
/* Give a share back; NULL is allowed. */
void setup_release(struct setup *setup);
/* The value of a credential, "" when the configuration leaves it out, NULL when
 * the manifest does not know it. */
const char *setup_secret(const struct setup *setup, const char *name,
                         size_t len);

#endif
