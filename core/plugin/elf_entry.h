/* elf_entry.h - what a plugin's file says about its entry, before any of its
 * code could run. */
#ifndef CONNECT_PLUGIN_ELF_ENTRY_H
#define CONNECT_PLUGIN_ELF_ENTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct elf_entry {
    uint32_t size;        /* the table's first member, as stored in the file */
    uint64_t symbol_size; /* bytes the symbol covers */
    bool bind_now;        /* all symbols are resolved at load */
    bool create_set;      /* the table's create and destroy are not NULL */
};

/* Look at the bytes of a shared object.  The error is the second half of a
 * sentence that begins with the file's name. */
int elf_entry_read(const void *bytes, size_t len, struct elf_entry *ret_entry,
                   struct error *err) MUST_USE;

#endif
