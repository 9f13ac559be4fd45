/* plugin.c - the smallest shared object that looks like a plugin: what
 * fuzz_elf_entry starts from.  Never loaded. */
#include <connect/plugin.h>

static void *create(const cn_host *host)
{
    return (void *)(uintptr_t)host;
}

static void destroy(void *self)
{
    (void)self;
}

const cn_plugin cn_plugin_v1 = {
    .size = sizeof(cn_plugin), .create = create, .destroy = destroy};
