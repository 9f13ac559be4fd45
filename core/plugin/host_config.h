/* host_config.h - configuration and credentials for a plugin.
 *
 * Called on the instance's thread unless marked. */
#ifndef CONNECT_PLUGIN_HOST_CONFIG_H
#define CONNECT_PLUGIN_HOST_CONFIG_H

#include "plugin/host.h"

int host_config_fill(struct host *host, const struct host_setup *setup);
void host_config_free(struct host *host);
cn_str host_config(const cn_host *table, const char *pointer);
cn_str host_secret(const cn_host *table, const char *name);
/* Replace credentials in a text that will be logged or shown. */
void host_secret_mask(const struct host *host, char *text);

#endif
