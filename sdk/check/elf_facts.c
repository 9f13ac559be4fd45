/* elf_facts.c - reads the dynamic part of an ELF file without loading it.
 *
 * Loading runs the plugin's constructors, so what can be known beforehand is
 * looked at beforehand.  The file is not trusted: every offset is checked
 * against its length.  One call, one file; no state. */
#include "elf_facts.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* A plugin with all it links in is some megabytes. */
enum { FILE_MAX = 256 * 1024 * 1024 };

struct image {
    const unsigned char *bytes; /* mapped */
    size_t len;
    Elf64_Ehdr header;
};

/* Copy a struct out of the file; false when it lies outside. */
static bool fetch(const struct image *image, uint64_t offset, void *to,
                  size_t size)
{
    if (offset > image->len || size > image->len - offset)
        return false;
    memcpy(to, image->bytes + offset, size);
    return true;
}

static bool section(const struct image *image, size_t index, Elf64_Shdr *to)
{
    return index < image->header.e_shnum &&
           fetch(image, image->header.e_shoff + index * sizeof(*to), to,
                 sizeof(*to));
}

/* The section of this type; false when there is none. */
static bool find_section(const struct image *image, uint32_t type,
                         Elf64_Shdr *to)
{
    for (size_t index = 0; section(image, index, to); index++) {
        if (to->sh_type == type)
            return true;
    }
    return false;
}

static bool read_name(const struct image *image, const Elf64_Shdr *strings,
                      uint32_t offset, char name[ELF_NAME_MAX])
{
    size_t at = 0;

    do {
        if (at == ELF_NAME_MAX ||
            !fetch(image, strings->sh_offset + offset + at, &name[at], 1))
            return false;
    } while (name[at++]);
    return true;
}

static bool of_sanitizer(const char *name)
{
    static const char *const prefixes[] = {"__odr_",  "__asan",      "__tsan",
                                           "__ubsan", "__sanitizer", "___asan"};

    for (size_t index = 0; index < sizeof(prefixes) / sizeof(*prefixes);
         index++) {
        if (!strncmp(name, prefixes[index], strlen(prefixes[index])))
            return true;
    }
    return false;
}

static bool read_symbols(const struct image *image, struct elf_facts *facts)
{
    Elf64_Shdr table, strings;
    Elf64_Sym symbol;
    char name[ELF_NAME_MAX];

    if (!find_section(image, SHT_DYNSYM, &table) ||
        !section(image, table.sh_link, &strings))
        return false;
    for (uint64_t at = 0; at + sizeof(symbol) <= table.sh_size;
         at += sizeof(symbol)) {
        if (!fetch(image, table.sh_offset + at, &symbol, sizeof(symbol)))
            return false;
        if (symbol.st_shndx == SHN_UNDEF ||
            ELF64_ST_BIND(symbol.st_info) == STB_LOCAL)
            continue;
        if (!read_name(image, &strings, symbol.st_name, name))
            return false;
        if (of_sanitizer(name))
            continue;
        facts->exported_count++;
        if (!strcmp(name, "cn_plugin_v1")) {
            facts->entry = true;
            facts->entry_size = symbol.st_size;
        } else {
            memcpy(facts->exported, name, sizeof(name));
        }
    }
    return true;
}

static bool read_dynamic(const struct image *image, struct elf_facts *facts)
{
    Elf64_Shdr table;
    Elf64_Dyn entry;

    if (!find_section(image, SHT_DYNAMIC, &table))
        return false;
    for (uint64_t at = 0; at + sizeof(entry) <= table.sh_size;
         at += sizeof(entry)) {
        if (!fetch(image, table.sh_offset + at, &entry, sizeof(entry)))
            return false;
        if (entry.d_tag == DT_NULL)
            break;
        facts->now |=
            entry.d_tag == DT_BIND_NOW ||
            (entry.d_tag == DT_FLAGS && entry.d_un.d_val & DF_BIND_NOW) ||
            (entry.d_tag == DT_FLAGS_1 && entry.d_un.d_val & DF_1_NOW);
    }
    return true;
}

static bool right_kind(const struct image *image)
{
    const Elf64_Ehdr *header = &image->header;
    const uint16_t one = 1;
    unsigned char order =
        *(const unsigned char *)&one ? ELFDATA2LSB : ELFDATA2MSB;

    return !memcmp(header->e_ident, ELFMAG, SELFMAG) &&
           header->e_ident[EI_CLASS] == ELFCLASS64 &&
           header->e_ident[EI_DATA] == order && header->e_type == ET_DYN &&
           header->e_shentsize == sizeof(Elf64_Shdr);
}

static int map(const char *path, struct image *image,
               char sentence[ELF_SENTENCE_MAX])
{
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    struct stat about;
    void *bytes = MAP_FAILED;
    int status = 0;

    if (descriptor < 0 || fstat(descriptor, &about) < 0)
        status = -errno;
    else if (!S_ISREG(about.st_mode) || about.st_size <= 0 ||
             about.st_size > FILE_MAX)
        status = -EINVAL;
    if (!status) {
        image->len = (size_t)about.st_size;
        bytes = mmap(NULL, image->len, PROT_READ, MAP_PRIVATE, descriptor, 0);
        if (bytes == MAP_FAILED)
            status = -errno;
        image->bytes = bytes;
    }
    if (status)
        snprintf(sentence, ELF_SENTENCE_MAX, "it cannot be read: %s",
                 strerror(-status));
    if (descriptor >= 0)
        close(descriptor);
    return status;
}

int elf_facts_read(const char *path, struct elf_facts *ret_facts,
                   char sentence[ELF_SENTENCE_MAX])
{
    struct image image = {0};
    struct elf_facts facts = {0};
    int status = map(path, &image, sentence);

    if (status)
        return status;
    if (!fetch(&image, 0, &image.header, sizeof(image.header)) ||
        !right_kind(&image)) {
        snprintf(sentence, ELF_SENTENCE_MAX,
                 "it is no shared object for this machine");
        status = -ENOEXEC;
    } else if (!read_symbols(&image, &facts) || !read_dynamic(&image, &facts)) {
        snprintf(sentence, ELF_SENTENCE_MAX,
                 "its symbols cannot be read: damaged or stripped");
        status = -ENOEXEC;
    }
    munmap((void *)(uintptr_t)image.bytes, image.len);
    if (!status)
        *ret_facts = facts;
    return status;
}
