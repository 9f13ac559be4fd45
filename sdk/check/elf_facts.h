/* elf_facts.h - what a shared object says about itself before it is loaded. */
#ifndef CN_CHECK_ELF_FACTS_H
#define CN_CHECK_ELF_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ELF_NAME_MAX = 128, ELF_SENTENCE_MAX = 160 };

struct elf_facts {
    bool now;              /* all symbols are bound when it is loaded */
    size_t exported_count; /* symbols defined for others; a sanitizer's own do
                            * not count */
    char exported[ELF_NAME_MAX]; /* one of them that is not the entry, or "" */
    bool entry;                  /* cn_plugin_v1 is among them */
    uint64_t entry_size;         /* bytes of the table */
};

/* 0, or a negative errno and a sentence when the file cannot be read or is no
 * shared object of this machine. */
int elf_facts_read(const char *path, struct elf_facts *ret_facts,
                   char sentence[ELF_SENTENCE_MAX]);

#endif
