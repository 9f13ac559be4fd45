/* module.h - a loaded plugin with its manifest, known by a number.
 *
 * A message to a runner names a module by its number.  Modules stay until the
 * process ends, like the code behind them.
 *
 * module_load is called on the main thread, module_find on any. */
#ifndef CONNECT_PLUGIN_MODULE_H
#define CONNECT_PLUGIN_MODULE_H

#include "plugin/loader.h"
#include "plugin/manifest.h"

struct module { /* immutable once loaded */
    uint64_t number;
    cn_plugin table;
    struct manifest *manifest;
    uint32_t roles; /* as in instances.h; the receiver shows in an instance */
    char hash[LOADER_HASH_TEXT];
};

/* Open the plugin, or find it loaded already with the same content. */
int module_load(const char *path, const char *sha256, const char *generations,
                struct record_types *types, const struct module **ret_module,
                struct error *err) MUST_USE;
const struct module *module_find(uint64_t number);
/* The record types go away: find none of their modules again, and free the
 * manifests unless a thread that was left behind may still look at them. */
void module_forget(const struct record_types *types, bool free_manifests);

#endif
