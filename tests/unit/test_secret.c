/* links: connect_config connect_sdk connect_base */
/* test_secret.c - each kind of reference, right and wrong; what a refusal says,
 * and that no value is ever in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/secret.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static char directory[] = "/tmp/connect-secret-XXXXXX";

static int make_directory(void **state)
{
    (void)state;
    return mkdtemp(directory) ? 0 : -1;
}

static int remove_directory(void **state)
{
    (void)state;
    return rmdir(directory);
}

static const char *path_of(const char *name)
{
    static char path[300];

    snprintf(path, sizeof(path), "%s/%s", directory, name);
    return path;
}

static void write_secret(const char *name, const char *bytes, size_t len,
                         mode_t mode)
{
    FILE *file = fopen(path_of(name), "w");

    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, len, file), len);
    fclose(file);
    assert_int_equal(chmod(path_of(name), mode), 0);
}

static int read_reference(const char *kind, const char *name, char **ret_value,
                          struct error *err)
{
    char reference[400];

    snprintf(reference, sizeof(reference), "%s%s", kind,
             strcmp(kind, "file:") ? name : path_of(name));
    return secret_read(reference, ret_value, err);
}

static const struct {
    const char *bytes;
    size_t len;
    const char *value;   /* NULL: refused */
    const char *message; /* a part of the refusal */
} contents[] = {
    {"canary", 6, "canary", NULL},
    {"canary\n", 7, "canary", NULL},
    {"canary\r\n", 8, "canary", NULL},
    {"canary\n\n", 8, "canary\n", NULL}, /* one line end only */
    {" canary ", 8, " canary ", NULL},
    {"\r", 1, "\r", NULL},
    {"", 0, NULL, "is empty"},
    {"\n", 1, NULL, "is empty"},
    {"\r\n", 2, NULL, "is empty"},
    {"can\0ary", 7, NULL, "must not hold a NUL byte"},
};

static void reads_files(void **state)
{
    (void)state;
    for (size_t index = 0; index < COUNT(contents); index++) {
        struct error err = {""};
        char *value = NULL;
        int code;

        write_secret("key", contents[index].bytes, contents[index].len, 0600);
        code = read_reference("file:", "key", &value, &err);
        if (contents[index].value) {
            assert_int_equal(code, 0);
            assert_string_equal(value, contents[index].value);
        } else {
            assert_int_equal(code, -EINVAL);
            assert_null(value);
            assert_non_null(strstr(err.text, contents[index].message));
            assert_non_null(strstr(err.text, path_of("key")));
        }
        secret_free(value);
        unlink(path_of("key"));
    }
}

static void limits_the_length(void **state)
{
    char *bytes = malloc(SECRET_MAX + 2), *value = NULL;
    struct error err = {""};

    (void)state;
    memset(bytes, 'c', SECRET_MAX + 2);
    bytes[SECRET_MAX] = '\n';
    write_secret("key", bytes, SECRET_MAX + 1, 0600);
    assert_int_equal(read_reference("file:", "key", &value, &err), 0);
    assert_int_equal(strlen(value), SECRET_MAX);
    secret_free(value);
    value = NULL;
    bytes[SECRET_MAX] = 'c';
    write_secret("key", bytes, SECRET_MAX + 1, 0600);
    assert_int_equal(read_reference("file:", "key", &value, &err), -E2BIG);
    assert_non_null(strstr(err.text, "must have at most 65536 bytes"));
    write_secret("key", bytes, SECRET_MAX + 2, 0600);
    assert_int_equal(read_reference("file:", "key", &value, &err), -E2BIG);
    assert_null(value);
    unlink(path_of("key"));
    free(bytes);
}

static const struct {
    mode_t mode;
    int code;
} modes[] = {
    {0600, 0},      {0400, 0},      {0700, 0},      {0644, -EPERM},
    {0640, -EPERM}, {0604, -EPERM}, {0620, -EPERM}, {0602, -EPERM},
    {0610, -EPERM}, {0666, -EPERM}, {0440, -EPERM},
};

static void refuses_files_of_others(void **state)
{
    (void)state;
    for (size_t index = 0; index < COUNT(modes); index++) {
        struct error err = {""};
        char *value = NULL, expected[32];

        write_secret("key", "canary", 6, modes[index].mode);
        assert_int_equal(read_reference("file:", "key", &value, &err),
                         modes[index].code);
        if (modes[index].code) {
            assert_null(value);
            snprintf(expected, sizeof(expected), "(mode %04o); run chmod 600 ",
                     (unsigned)modes[index].mode);
            assert_non_null(strstr(err.text, expected));
            assert_non_null(strstr(err.text, path_of("key")));
            assert_null(strstr(err.text, "canary"));
        }
        secret_free(value);
        unlink(path_of("key"));
    }
}

static void refuses_other_owners(void **state)
{
    struct error err = {""};
    char *value = NULL;

    (void)state;
    if (geteuid() != 0)
        skip(); /* only root can give a file away */
    write_secret("key", "canary", 6, 0600);
    assert_int_equal(chown(path_of("key"), 65534, 65534), 0);
    assert_int_equal(read_reference("file:", "key", &value, &err), -EPERM);
    assert_non_null(strstr(err.text, "must belong to root or to the user"));
    unlink(path_of("key"));
}

static void refuses_what_is_no_file(void **state)
{
    struct error err = {""};
    char *value = NULL;

    (void)state;
    assert_int_equal(secret_read("file:/tmp", &value, &err), -EINVAL);
    assert_non_null(strstr(err.text, "file:/tmp: must be a regular file"));
    assert_int_equal(mkfifo(path_of("fifo"), 0600), 0);
    assert_int_equal(read_reference("file:", "fifo", &value, &err), -EINVAL);
    unlink(path_of("fifo"));
    assert_int_equal(read_reference("file:", "none", &value, &err), -ENOENT);
    assert_non_null(strstr(err.text, "No such file"));
    assert_null(value);
}

static void reads_variables(void **state)
{
    struct error err = {""};
    char *value = NULL;

    (void)state;
    setenv("CONNECT_TEST_KEY", "canary", 1);
    assert_int_equal(secret_read("env:CONNECT_TEST_KEY", &value, &err), 0);
    assert_string_equal(value, "canary");
    secret_free(value);
    value = NULL;
    setenv("CONNECT_TEST_KEY", "", 1);
    assert_int_equal(secret_read("env:CONNECT_TEST_KEY", &value, &err),
                     -EINVAL);
    unsetenv("CONNECT_TEST_KEY");
    assert_int_equal(secret_read("env:CONNECT_TEST_KEY", &value, &err),
                     -ENOENT);
    assert_string_equal(err.text,
                        "env:CONNECT_TEST_KEY: the variable is not set");
    assert_null(value);
}

static void reads_credentials(void **state)
{
    struct error err = {""};
    char *value = NULL;

    (void)state;
    unsetenv("CREDENTIALS_DIRECTORY");
    assert_int_equal(secret_read("systemd:key", &value, &err), -ENOENT);
    assert_non_null(strstr(err.text, "add LoadCredential=key:PATH"));
    setenv("CREDENTIALS_DIRECTORY", directory, 1);
    write_secret("key", "canary\n", 7, 0440); /* with an access list */
    assert_int_equal(secret_read("systemd:key", &value, &err), 0);
    assert_string_equal(value, "canary");
    secret_free(value);
    value = NULL;
    chmod(path_of("key"), 0444);
    assert_int_equal(secret_read("systemd:key", &value, &err), -EPERM);
    assert_int_equal(secret_read("systemd:none", &value, &err), -ENOENT);
    setenv("CREDENTIALS_DIRECTORY", "relative", 1);
    assert_int_equal(secret_read("systemd:key", &value, &err), -ENOENT);
    unsetenv("CREDENTIALS_DIRECTORY");
    unlink(path_of("key"));
    assert_null(value);
}

static const struct {
    const char *reference, *message;
} wrong[] = {
    {"canary", "must be a reference to a credential that begins with file:"},
    {"", "must be a reference to a credential"},
    {"File:/etc/canary", "must be a reference to a credential"},
    {"file:", "must name an absolute path"},
    {"file:key", "file:key: must name an absolute path"},
    {"env:", "must be followed by the name of a variable"},
    {"env:A-B", "must be followed by the name of a variable"},
    {"env:canary=1", "must be followed by the name of a variable"},
    {"systemd:", "must be followed by the name of a credential"},
    {"systemd:../canary", "must be followed by the name of a credential"},
    {"systemd:a/canary", "must be followed by the name of a credential"},
    {"systemd:.canary", "must be followed by the name of a credential"},
};

static void refuses_what_is_no_reference(void **state)
{
    (void)state;
    for (size_t index = 0; index < COUNT(wrong); index++) {
        struct error err = {""};
        char *value = NULL;

        assert_int_equal(secret_read(wrong[index].reference, &value, &err),
                         -EINVAL);
        if (!strstr(err.text, wrong[index].message))
            fail_msg("%s: %s", wrong[index].reference, err.text);
        /* It may be the credential, pasted in the wrong place. */
        assert_null(strstr(err.text, "canary"));
        assert_null(value);
    }
}

static void compares(void **state)
{
    (void)state;
    assert_int_equal(secret_equal("", 0, "", 0), 1);
    assert_int_equal(secret_equal("abc", 3, "abc", 3), 1);
    assert_int_equal(secret_equal("a\0c", 3, "a\0c", 3), 1);
    assert_int_equal(secret_equal("a\0c", 3, "a\0d", 3), 0);
    assert_int_equal(secret_equal("abc", 3, "abd", 3), 0);
    assert_int_equal(secret_equal("abc", 3, "abcd", 4), 0);
    assert_int_equal(secret_equal("abc", 3, "", 0), 0);
    secret_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_files),
        cmocka_unit_test(limits_the_length),
        cmocka_unit_test(refuses_files_of_others),
        cmocka_unit_test(refuses_other_owners),
        cmocka_unit_test(refuses_what_is_no_file),
        cmocka_unit_test(reads_variables),
        cmocka_unit_test(reads_credentials),
        cmocka_unit_test(refuses_what_is_no_reference),
        cmocka_unit_test(compares),
    };

    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
