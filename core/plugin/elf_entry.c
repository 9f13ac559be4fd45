/* elf_entry.c - reads cn_plugin_v1 out of an ELF file.
 *
 * Its one idea: look where the dynamic linker will look (program headers,
 * dynamic section, dynamic symbols), never at section headers, which may say
 * anything.  Every offset is checked against the file before it is followed;
 * the file may be hostile.  Pure, called on the main thread. */
#include "plugin/elf_entry.h"

#include <connect/plugin.h>
#include <elf.h>
#include <errno.h>
#include <string.h>

#if defined(__x86_64__)
enum { MACHINE = EM_X86_64 };
#elif defined(__aarch64__)
enum { MACHINE = EM_AARCH64 };
#else
#error "state the ELF machine of this platform"
#endif

enum {
    SEGMENTS_MAX = 256,    /* program headers; real files have about ten */
    DYNAMIC_MAX = 1024,    /* dynamic entries; real files have about thirty */
    SYMBOLS_MAX = 1 << 20, /* dynamic symbols; vendor libraries have 10,000 */
    RELOCATIONS_MAX = 1 << 22
};

static const char entry_name[] = "cn_plugin_v1";
static const char entry_prefix[] = "cn_plugin_v";

struct image {
    const unsigned char *bytes;
    size_t len;
    const unsigned char *segments; /* program headers */
    size_t segment_count;
    /* From the dynamic section, as addresses; 0: none. */
    uint64_t symbols, strings, strings_len, hash, gnu_hash, rela, rela_len,
        relr;
    bool bind_now;
};

/* The bytes at an offset of the file, or NULL when they are not all there. */
static const unsigned char *file_at(const struct image *image, uint64_t offset,
                                    uint64_t len)
{
    if (offset > image->len || len > image->len - offset)
        return NULL;
    return image->bytes + offset;
}

static void segment_at(const struct image *image, size_t index,
                       Elf64_Phdr *ret_segment)
{
    memcpy(ret_segment, image->segments + index * sizeof(*ret_segment),
           sizeof(*ret_segment));
}

/* The bytes at an address, as far as the file brings them. */
static const unsigned char *address_at(const struct image *image,
                                       uint64_t address, uint64_t len)
{
    Elf64_Phdr segment;

    for (size_t index = 0; index < image->segment_count; index++) {
        segment_at(image, index, &segment);
        if (segment.p_type != PT_LOAD || address < segment.p_vaddr)
            continue;
        uint64_t inside = address - segment.p_vaddr;
        if (inside > segment.p_filesz || len > segment.p_filesz - inside ||
            inside > UINT64_MAX - segment.p_offset)
            continue;
        return file_at(image, segment.p_offset + inside, len);
    }
    return NULL;
}

static int image_open(struct image *image, struct error *err)
{
    Elf64_Ehdr head;
    const unsigned char *bytes = file_at(image, 0, sizeof(head));

    if (bytes)
        memcpy(&head, bytes, sizeof(head));
    if (!bytes || memcmp(head.e_ident, ELFMAG, SELFMAG) != 0) {
        error_set(err, "is not a shared object (ELF)");
        return -ENOEXEC;
    }
    if (head.e_ident[EI_CLASS] != ELFCLASS64 ||
        head.e_ident[EI_DATA] != ELFDATA2LSB || head.e_machine != MACHINE) {
        error_set(err, "is built for another machine");
        return -ENOEXEC;
    }
    if (head.e_type != ET_DYN || head.e_phentsize != sizeof(Elf64_Phdr) ||
        head.e_phnum > SEGMENTS_MAX) {
        error_set(err, "is not a shared object (ELF)");
        return -ENOEXEC;
    }
    image->segment_count = head.e_phnum;
    image->segments = file_at(image, head.e_phoff,
                              (uint64_t)head.e_phnum * sizeof(Elf64_Phdr));
    if (!image->segments) {
        error_set(err, "is cut off: its program headers are missing");
        return -ENOEXEC;
    }
    return 0;
}

static void dynamic_take(struct image *image, const Elf64_Dyn *entry)
{
    switch (entry->d_tag) {
    case DT_SYMTAB:
        image->symbols = entry->d_un.d_ptr;
        break;
    case DT_STRTAB:
        image->strings = entry->d_un.d_ptr;
        break;
    case DT_STRSZ:
        image->strings_len = entry->d_un.d_val;
        break;
    case DT_HASH:
        image->hash = entry->d_un.d_ptr;
        break;
    case DT_GNU_HASH:
        image->gnu_hash = entry->d_un.d_ptr;
        break;
    case DT_RELA:
        image->rela = entry->d_un.d_ptr;
        break;
    case DT_RELASZ:
        image->rela_len = entry->d_un.d_val;
        break;
    case 36: /* DT_RELR, which this elf.h may not know */
        image->relr = entry->d_un.d_ptr;
        break;
    case DT_BIND_NOW:
        image->bind_now = true;
        break;
    case DT_FLAGS:
        image->bind_now |= (entry->d_un.d_val & DF_BIND_NOW) != 0;
        break;
    case DT_FLAGS_1:
        image->bind_now |= (entry->d_un.d_val & DF_1_NOW) != 0;
        break;
    default:
        break;
    }
}

static int image_dynamic(struct image *image, struct error *err)
{
    Elf64_Phdr segment;

    for (size_t index = 0; index < image->segment_count; index++) {
        segment_at(image, index, &segment);
        if (segment.p_type != PT_DYNAMIC)
            continue;
        for (uint64_t at = 0; at < DYNAMIC_MAX; at++) {
            Elf64_Dyn entry;
            const unsigned char *bytes = address_at(
                image, segment.p_vaddr + at * sizeof(entry), sizeof(entry));
            if (!bytes)
                break;
            memcpy(&entry, bytes, sizeof(entry));
            if (entry.d_tag == DT_NULL)
                return 0;
            dynamic_take(image, &entry);
        }
    }
    error_set(err, "is not a shared object (no dynamic section)");
    return -ENOEXEC;
}

/* How many dynamic symbols there are: the old hash table says it, with the new
 * one the longest chain has to be walked. */
static uint64_t symbol_count(const struct image *image)
{
    uint32_t head[4], word, last = 0;
    const unsigned char *bytes;
    uint64_t buckets, chains;

    bytes = image->hash ? address_at(image, image->hash, 8) : NULL;
    if (bytes) {
        memcpy(head, bytes, 8);
        return head[1];
    }
    bytes = image->gnu_hash ? address_at(image, image->gnu_hash, 16) : NULL;
    if (!bytes)
        return 0;
    memcpy(head, bytes, 16); /* buckets, first symbol, bloom words, shift */
    buckets = image->gnu_hash + 16 + (uint64_t)head[2] * 8;
    chains = buckets + (uint64_t)head[0] * 4;
    for (uint64_t index = 0; index < head[0] && index < SYMBOLS_MAX; index++) {
        bytes = address_at(image, buckets + index * 4, 4);
        if (!bytes)
            return 0;
        memcpy(&word, bytes, 4);
        last = word > last ? word : last;
    }
    if (last < head[1])
        return head[1];
    for (; last < SYMBOLS_MAX; last++) {
        bytes = address_at(image, chains + (uint64_t)(last - head[1]) * 4, 4);
        if (!bytes)
            return 0;
        memcpy(&word, bytes, 4);
        if (word & 1)
            return (uint64_t)last + 1;
    }
    return 0;
}

/* The name of a symbol when it begins like an entry, else NULL. */
static const char *entry_like(const struct image *image,
                              const Elf64_Sym *symbol)
{
    uint64_t left;
    const unsigned char *text;

    if (symbol->st_name >= image->strings_len || !symbol->st_value ||
        symbol->st_shndx == SHN_UNDEF)
        return NULL;
    left = image->strings_len - symbol->st_name;
    text = address_at(image, image->strings + symbol->st_name, left);
    if (!text || left < sizeof(entry_name) || !memchr(text, 0, left) ||
        strncmp((const char *)text, entry_prefix, sizeof(entry_prefix) - 1))
        return NULL;
    return (const char *)text;
}

static int image_find(const struct image *image, Elf64_Sym *ret_symbol,
                      struct error *err)
{
    uint64_t count = symbol_count(image);
    const char *other = NULL;

    for (uint64_t index = 0; index < count && index < SYMBOLS_MAX; index++) {
        Elf64_Sym symbol;
        const unsigned char *bytes = address_at(
            image, image->symbols + index * sizeof(symbol), sizeof(symbol));
        if (!bytes)
            break;
        memcpy(&symbol, bytes, sizeof(symbol));
        const char *name = entry_like(image, &symbol);
        if (name && !strcmp(name, entry_name) &&
            ELF64_ST_TYPE(symbol.st_info) == STT_OBJECT) {
            *ret_symbol = symbol;
            return 0;
        }
        other = name ? name : other;
    }
    if (other)
        error_set(err,
                  "speaks another major version of the contract: it offers "
                  "%.64s, and this host needs %s; install a plugin and a host "
                  "that fit",
                  other, entry_name);
    else
        error_set(err,
                  "is no connector plugin: it has no %s, which this host needs",
                  entry_name);
    return -ENOEXEC;
}

/* Is there something at this address once the file is relocated? */
static bool pointer_set(const struct image *image, uint64_t address)
{
    uint64_t count = image->rela_len / sizeof(Elf64_Rela), word;
    const unsigned char *bytes = address_at(image, address, sizeof(word));

    if (bytes) {
        memcpy(&word, bytes, sizeof(word));
        if (word)
            return true;
    }
    for (uint64_t index = 0; index < count && index < RELOCATIONS_MAX;
         index++) {
        Elf64_Rela relocation;
        bytes = address_at(image, image->rela + index * sizeof(relocation),
                           sizeof(relocation));
        if (!bytes)
            break;
        memcpy(&relocation, bytes, sizeof(relocation));
        if (relocation.r_offset == address)
            return true;
    }
    return false;
}

int elf_entry_read(const void *bytes, size_t len, struct elf_entry *ret_entry,
                   struct error *err)
{
    struct image image = {.bytes = bytes, .len = len};
    struct elf_entry entry = {0};
    Elf64_Sym symbol = {0};
    const unsigned char *table;
    int status = image_open(&image, err);

    if (!status)
        status = image_dynamic(&image, err);
    if (!status)
        status = image_find(&image, &symbol, err);
    if (status)
        return status;
    table = address_at(&image, symbol.st_value, sizeof(entry.size));
    if (!table || symbol.st_size < sizeof(entry.size)) {
        error_set(err, "has a %s without content; this host needs a table",
                  entry_name);
        return -ENOEXEC;
    }
    memcpy(&entry.size, table, sizeof(entry.size));
    entry.symbol_size = symbol.st_size;
    entry.bind_now = image.bind_now;
    entry.create_set =
        pointer_set(&image, symbol.st_value + offsetof(cn_plugin, create)) &&
        pointer_set(&image, symbol.st_value + offsetof(cn_plugin, destroy));
    *ret_entry = entry;
    return 0;
}
