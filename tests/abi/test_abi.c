/* Plugins of other minor versions run; wrong ones are refused with a sentence,
 * before any of their code ran. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "config/config.h"
#include "plugin/elf_entry.h"
#include "plugin/loader.h"
#include "world.h"

static char directory[] = "/tmp/connect-abi-XXXXXX";
static char marker[PATH_MAX];

/* ---- Files -------------------------------------------------------------- */

static const char *plugin_path(const char *name)
{
    static char path[PATH_MAX];

    snprintf(path, sizeof(path), "%s/%s.so", ROGUE_PLUGINS, name);
    return path;
}

static const char *own_path(const char *name)
{
    static char path[PATH_MAX];

    snprintf(path, sizeof(path), "%s/%s", directory, name);
    return path;
}

static char *file_read(const char *path, size_t *ret_len)
{
    char *text = NULL;
    struct error err = {""};

    if (config_file(path, 64 * 1024 * 1024, &text, ret_len, &err))
        fail_msg("%s", err.text);
    return text;
}

static void file_write(const char *path, const char *bytes, size_t len)
{
    int descriptor;

    unlink(path);
    descriptor = open(path, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0755);
    assert_true(descriptor >= 0);
    assert_int_equal(write(descriptor, bytes, len), (ssize_t)len);
    close(descriptor);
}

/* A copy of a plugin in our own directory. */
static const char *plugin_copy(const char *name, const char *as)
{
    size_t len;
    char *bytes = file_read(plugin_path(name), &len);

    file_write(own_path(as), bytes, len);
    free(bytes);
    return own_path(as);
}

static void refused(const char *path, const char *sha256, const char *sentence)
{
    struct loader_result result;
    struct error err = {""};

    assert_int_not_equal(loader_open(path, sha256, NULL, &result, &err), 0);
    if (!strstr(err.text, sentence))
        fail_msg("\"%s\" is not in \"%s\"", sentence, err.text);
    if (!access(marker, F_OK))
        fail_msg("code of %s ran", path);
}

static void accepted(const char *path, const char *sha256,
                     struct loader_result *ret_result)
{
    struct error err = {""};

    if (loader_open(path, sha256, NULL, ret_result, &err))
        fail_msg("%s", err.text);
    assert_int_equal(ret_result->table.size > 0, 1);
}

/* ---- Refused ------------------------------------------------------------ */

static void environment(void **state)
{
    (void)state;
    setenv("LD_LIBRARY_PATH", "/tmp", 1);
    refused(plugin_path("size_8"), NULL, "LD_LIBRARY_PATH is set");
    unsetenv("LD_LIBRARY_PATH");
    setenv("LTDL_LIBRARY_PATH", directory, 1);
    refused("size_8.so", NULL, "absolute path");
    refused(plugin_path("size_8"), NULL, "its table has 8 bytes");
    assert_null(getenv("LTDL_LIBRARY_PATH"));
}

static void wrong_tables(void **state)
{
    (void)state;
    refused(plugin_path("no_symbol"), NULL,
            "is no connector plugin: it has no cn_plugin_v1, which this host "
            "needs");
    refused(plugin_path("major_2"), NULL,
            "speaks another major version of the contract: it offers "
            "cn_plugin_v2, and this host needs cn_plugin_v1");
    refused(plugin_path("size_8"), NULL,
            "its table has 8 bytes, contract 1.0 has 136");
    refused(plugin_path("size_old"), NULL, "its table has 128 bytes");
    refused(plugin_path("size_huge"), NULL, "its table has 1000000 bytes");
    refused(plugin_path("size_more"), NULL, "it is damaged");
    refused(plugin_path("nulls"), NULL, "lacks create or destroy");
    refused(plugin_path("lazy"), NULL, "not linked with -z now");
    refused(plugin_path("unresolved"), NULL, "nobody_has_this_function");
}

static void wrong_paths(void **state)
{
    char outside[PATH_MAX];

    (void)state;
    refused("honest.so", NULL, "absolute path");
    refused("../honest.so", NULL, "absolute path");
    refused("/nowhere/at-all.so", NULL, "No such file");
    refused("/etc/passwd", NULL, "ends in .so");
    mkdir(own_path("folder.so"), 0755);
    refused(own_path("folder.so"), NULL, "not a regular file");
    file_write(own_path("text.so"), "hello", 5);
    refused(own_path("text.so"), NULL, "not a shared object");
    file_write(own_path("empty.so"), "", 0);
    refused(own_path("empty.so"), NULL, "is empty");
    snprintf(outside, sizeof(outside), "%s", plugin_path("wrong"));
    assert_int_equal(symlink(outside, own_path("link.so")), 0);
    refused(own_path("link.so"), NULL, "leads out of its directory");
}

static void wrong_owners(void **state)
{
    (void)state;
    plugin_copy("wrong", "mode.so");
    assert_int_equal(chmod(own_path("mode.so"), 0775), 0);
    refused(own_path("mode.so"), NULL, "written by others");
    assert_int_equal(chmod(own_path("mode.so"), 0757), 0);
    refused(own_path("mode.so"), NULL, "written by others");
    assert_int_equal(chmod(own_path("mode.so"), 0755), 0);
    assert_int_equal(chmod(directory, 0775), 0);
    refused(own_path("mode.so"), NULL, "written by others");
    assert_int_equal(chmod(directory, 0755), 0);
    if (geteuid() == 0) {
        assert_int_equal(chown(own_path("mode.so"), 12345, 0), 0);
        refused(own_path("mode.so"), NULL, "belongs to user 12345");
    }
}

static void wrong_hash(void **state)
{
    struct loader_result result, again;
    char path[PATH_MAX];

    (void)state;
    snprintf(path, sizeof(path), "%s", plugin_path("minor_0"));
    accepted(path, NULL, &result);
    accepted(path, result.hash, &again);
    assert_string_equal(result.hash, again.hash);
    refused(plugin_path("wrong"), result.hash, "its SHA-256 is");
    refused(plugin_path("wrong"), "", "its SHA-256 is");
}

static void wrong_manifest(const char *plugin, const char *sentence)
{
    static struct world world;
    struct error err = {""};

    world_open(&world, 1000, 1000);
    assert_int_not_equal(world_try_add(&world, "wrong", plugin, &err), 0);
    if (!strstr(err.text, sentence))
        fail_msg("\"%s\" is not in \"%s\"", sentence, err.text);
    world_close(&world);
    /* It was loaded, which is right, and shows that the marker works. */
    assert_int_equal(unlink(marker), 0);
}

static void wrong_manifests(void **state)
{
    (void)state;
    wrong_manifest("manifest_json", "manifest: line 1");
    wrong_manifest("manifest_member", "\"colour\", which is not known");
    wrong_manifest("manifest_type", "\"other/1\", which is no known");
    /* Its configuration takes nothing, and "colour" is given. */
    wrong_manifest("wrong", "/config");
}

/* Every cut and many broken bytes of a good file: an answer, and no fault that
 * a sanitizer would see. */
static void damaged(void **state)
{
    size_t len;
    char *bytes = file_read(plugin_path("wrong"), &len);
    struct elf_entry entry;
    struct error err;
    char *copy;

    (void)state;
    assert_int_equal(elf_entry_read(bytes, len, &entry, &err), 0);
    assert_int_equal(entry.size, 136);
    assert_true(entry.bind_now && entry.create_set);
    for (size_t cut = 0; cut < len; cut += cut < 4096 ? 1 : 97) {
        copy = memory_copy(bytes, cut); /* exact, for the sanitizer */
        (void)!elf_entry_read(copy, cut, &entry, &err);
        free(copy);
    }
    copy = memory_copy(bytes, len);
    for (size_t at = 0; at < len && at < 8192; at++) {
        for (int value = 0; value < 256; value += 51) {
            copy[at] = (char)value;
            (void)!elf_entry_read(copy, len, &entry, &err);
        }
        copy[at] = bytes[at];
    }
    ((Elf64_Ehdr *)(void *)copy)->e_machine = EM_SPARC;
    assert_int_not_equal(elf_entry_read(copy, len, &entry, &err), 0);
    assert_non_null(strstr(err.text, "another machine"));
    free(copy);
    free(bytes);
}

/* ---- Accepted ----------------------------------------------------------- */

/* Beside it lies a .la file that leads elsewhere; a link within the directory
 * is followed. */
static void la_ignored(void **state)
{
    static const char la[] = "dlname='other.so'\nlibrary_names='other.so'\n"
                             "old_library=''\ninstalled=no\n"
                             "libdir='/tmp'\n";
    struct loader_result result;

    (void)state;
    plugin_copy("minor_0", "good.so");
    file_write(own_path("good.la"), la, sizeof(la) - 1);
    assert_int_equal(symlink("good.so", own_path("alias.so")), 0);
    accepted(own_path("alias.so"), NULL, &result);
    assert_string_equal(result.table.id, "test.minor");
}

static void replaced(void **state)
{
    struct loader_result result;
    struct error err = {""};
    char path[PATH_MAX], generations[PATH_MAX];

    (void)state;
    snprintf(generations, sizeof(generations), "%s", own_path("generations"));
    snprintf(path, sizeof(path), "%s", plugin_copy("minor_0", "changing.so"));
    accepted(path, NULL, &result);
    assert_string_equal(result.table.version, "1.0.0");
    plugin_copy("minor_next", "changing.so");
    assert_int_not_equal(loader_open(path, NULL, NULL, &result, &err), 0);
    assert_non_null(strstr(err.text, "was replaced while the daemon runs"));
    assert_int_equal(loader_open(path, NULL, generations, &result, &err), 0);
    assert_string_equal(result.table.version, "2.0.0");
    assert_int_equal(loader_open(path, NULL, generations, &result, &err), 0);
    assert_string_equal(result.table.version, "2.0.0");
}

static void normalised(void **state)
{
    struct {
        uint32_t size, one;
        uint64_t two, three;
    } ours, theirs = {.size = 16, .one = 1, .two = 2, .three = 3};

    (void)state;
    assert_true(loader_normalise(&ours, sizeof(ours), &theirs, 8));
    assert_true(ours.one == 1 && ours.two == 2 && ours.three == 0);
    assert_true(loader_normalise(&ours, 16, &theirs, 16));
    theirs.size = 400; /* of a newer one; not ours to read */
    assert_true(loader_normalise(&ours, sizeof(ours), &theirs, 16));
    assert_true(ours.three == 3);
    theirs.size = 8;
    assert_false(loader_normalise(&ours, sizeof(ours), &theirs, 16));
    assert_false(loader_normalise(&ours, sizeof(ours), NULL, 0));
}

static void minor_runs(const char *plugin)
{
    static struct world world;
    struct world_result result;
    struct op_request request = {.kind = OP_POLL,
                                 .instance = "minor",
                                 .stream = "items",
                                 .max_records = 2};

    world_open(&world, 10000, 10000);
    world_add(&world, "minor", plugin);
    assert_int_equal(world_state(&world, "minor"), INSTANCE_RUNNING);
    assert_int_equal(world_start(&world, &request, &result), 0);
    world_wait(&world, &result);
    assert_int_equal(result.outcome.status, CN_OK);
    assert_int_equal(result.record_count, 1);
    assert_string_equal(result.cursor, "0 1");
    world_deliver(&world, "minor", "", &result);
    world_wait(&world, &result);
    assert_int_equal(result.outcome.status, CN_OK);
    assert_true(result.outcome.effect_sent);
    world_close(&world);
}

static void minor_versions(void **state)
{
    (void)state;
    minor_runs("minor_0");
    minor_runs("minor_1");
}

static int entry_remove(const char *path, const struct stat *found, int kind,
                        struct FTW *place)
{
    (void)found;
    (void)kind;
    (void)place;
    return remove(path);
}

int main(void)
{
    int failed;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(environment), /* first: before anything is loaded */
        cmocka_unit_test(wrong_tables),    cmocka_unit_test(wrong_paths),
        cmocka_unit_test(wrong_owners),    cmocka_unit_test(wrong_hash),
        cmocka_unit_test(wrong_manifests), cmocka_unit_test(damaged),
        cmocka_unit_test(la_ignored),      cmocka_unit_test(replaced),
        cmocka_unit_test(normalised),      cmocka_unit_test(minor_versions),
    };

    if (!mkdtemp(directory))
        return 1;
    snprintf(marker, sizeof(marker), "%s/ran", directory);
    setenv("WRONG_MARKER", marker, 1);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    (void)nftw(directory, entry_remove, 16, FTW_DEPTH | FTW_PHYS);
    return failed;
}
