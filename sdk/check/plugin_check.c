/* plugin_check.c - plugin-check: looks at one plugin without a host.
 *
 * First the file, unloaded; only when that is right is it loaded and its table
 * read.  Nothing of the plugin is called but its extension function, which the
 * contract wants to answer without an instance.
 *
 * Exit code: 0 it may be loaded, 1 it breaks the contract, 2 it could not be
 * looked at (usage, no such file, no ELF). */
#include "plugin_check.h"

#include <dlfcn.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "elf_facts.h"
#include "report.h"

enum { EXIT_BREACH = 1, EXIT_UNSEEN = 2 };

/* The table of contract 1.0 ended here; later fields are appended. */
#define TABLE_SIZE_MIN                                                         \
    (offsetof(cn_plugin, extension) +                                          \
     sizeof(((const cn_plugin *)NULL)->extension))

static void judge_file(struct report *report, const struct elf_facts *facts)
{
    if (!facts->entry)
        report_breach(report, "it exports no cn_plugin_v1: built for another "
                              "contract, or no plugin");
    if (facts->exported_count != 1)
        report_breach(report,
                      "it exports %zu symbols, among them \"%s\"; "
                      "build with -fvisibility=hidden",
                      facts->exported_count, facts->exported);
    if (!facts->now)
        report_breach(report, "it binds lazily; link with -Wl,-z,now and "
                              "-Wl,-z,defs");
    if (facts->entry && facts->entry_size < TABLE_SIZE_MIN)
        report_breach(report, "its table has %llu bytes, contract 1.0 has %zu",
                      (unsigned long long)facts->entry_size, TABLE_SIZE_MIN);
}

/* The table as far as it reaches, zeros behind; false after a breach. */
static bool load(struct report *report, const char *path,
                 uint64_t size_exported, cn_plugin *ret_plugin)
{
    void *module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    const cn_plugin *table = module ? dlsym(module, "cn_plugin_v1") : NULL;
    size_t size;

    if (!table) {
        report_breach(report, "it cannot be loaded: %s", dlerror());
        return false;
    }
    size = table->size;
    if (size < TABLE_SIZE_MIN || size > size_exported) {
        report_breach(report,
                      "its table says %zu bytes, but has %llu; "
                      "contract 1.0 has %zu",
                      size, (unsigned long long)size_exported, TABLE_SIZE_MIN);
        return false;
    }
    if (size > sizeof(*table))
        report_remark(report,
                      "it is newer than this plugin-check: %zu bytes "
                      "of table against %zu",
                      size, sizeof(*table));
    memset(ret_plugin, 0, sizeof(*ret_plugin));
    memcpy(ret_plugin, table, size < sizeof(*table) ? size : sizeof(*table));
    return true;
}

int plugin_check(const char *path)
{
    char sentence[ELF_SENTENCE_MAX] = "", *real = realpath(path, NULL);
    struct elf_facts facts;
    struct report report = {0};
    cn_plugin plugin;

    if (!real) {
        fprintf(stderr, "plugin-check: %s: no such file\n", path);
        return EXIT_UNSEEN;
    }
    if (elf_facts_read(real, &facts, sentence)) {
        fprintf(stderr, "plugin-check: %s: %s\n", path, sentence);
        free(real);
        return EXIT_UNSEEN;
    }
    judge_file(&report, &facts);
    if (!report.breaches && load(&report, real, facts.entry_size, &plugin))
        report_plugin(&report, &plugin);
    free(real);
    printf("%zu breaches, %zu remarks\n", report.breaches, report.remarks);
    return report.breaches ? EXIT_BREACH : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    if (argc != 2 || argv[1][0] == '-') {
        fprintf(stderr, "usage: plugin-check PLUGIN.so\n"
                        "Shows what a plugin is and whether a host would take "
                        "it.\n"
                        "Exit code: 0 yes, 1 no, 2 it cannot be looked at.\n");
        return argc == 2 && !strcmp(argv[1], "--help") ? EXIT_SUCCESS
                                                       : EXIT_UNSEEN;
    }
    return plugin_check(argv[1]);
}
