/* module.c - the modules of the process.
 *
 * One idea: a fixed table of slots that are written once on the main thread
 * before their number is told to anybody, and never change.  The number of used
 * slots is atomic, so that any thread may look one up.  A manifest belongs to
 * the record types it was read with, so modules are kept for each set of
 * them. */
#include "plugin/module.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "plugin/instances.h"

enum { MODULES_MAX = 1024 /* plugins and their replacements in one process */ };

static struct slot {
    struct module module;
    const struct record_types *types; /* those the manifest was read with */
} slots[MODULES_MAX];
static atomic_size_t slot_count;

static uint32_t table_roles(const cn_plugin *table)
{
    return (table->poll ? ROLE_SOURCE : 0u) |
           (table->deliver ? ROLE_SINK : 0u) |
           (table->probe ? ROLE_PROBE : 0u) |
           (table->transform ? ROLE_TRANSFORM : 0u) |
           (table->call ? ROLE_CALL : 0u) | (table->check ? ROLE_CHECK : 0u);
}

static const struct module *module_known(const char *id, const char *hash,
                                         const struct record_types *types)
{
    size_t count = atomic_load(&slot_count);

    for (size_t index = 0; index < count; index++) {
        const struct slot *slot = &slots[index];
        if (slot->types == types && slot->types &&
            !strcmp(slot->module.hash, hash) &&
            !strcmp(slot->module.table.id, id))
            return &slot->module;
    }
    return NULL;
}

int module_load(const char *path, const char *sha256, const char *generations,
                struct record_types *types, const struct module **ret_module,
                struct error *err)
{
    struct loader_result result;
    struct error detail = {""};
    struct manifest *manifest = NULL;
    size_t index = atomic_load(&slot_count);
    int status = loader_open(path, sha256, generations, &result, err);

    if (status)
        return status;
    *ret_module = module_known(result.table.id, result.hash, types);
    if (*ret_module)
        return 0;
    if (index == MODULES_MAX) {
        error_set(err, "plugin %s: %d plugins were loaded already; restart",
                  path, MODULES_MAX);
        return -ENOSPC;
    }
    status = manifest_create(result.table.id, result.table.manifest, types,
                             &manifest, &detail);
    if (status) {
        error_set(err, "plugin %s: %s", path, detail.text);
        return status;
    }
    slots[index].types = types;
    slots[index].module.number = index;
    slots[index].module.table = result.table;
    slots[index].module.manifest = manifest;
    memcpy(slots[index].module.hash, result.hash, sizeof(result.hash));
    slots[index].module.roles = table_roles(&result.table);
    atomic_store(&slot_count, index + 1);
    *ret_module = &slots[index].module;
    return 0;
}

const struct module *module_find(uint64_t number)
{
    return number < atomic_load(&slot_count) ? &slots[number].module : NULL;
}

void module_forget(const struct record_types *types, bool free_manifests)
{
    size_t count = atomic_load(&slot_count);

    for (size_t index = 0; index < count; index++) {
        if (slots[index].types != types)
            continue;
        slots[index].types = NULL;
        if (!free_manifests)
            continue;
        manifest_destroy(slots[index].module.manifest);
        slots[index].module.manifest = NULL;
    }
}
