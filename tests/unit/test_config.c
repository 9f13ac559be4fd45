/* links: connect_config connect_sdk connect_base */
/* test_config.c - connect.json: defaults, every member, and for every mistake
 * the whole sentence.  The delivered file is read too. */
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

#include <connect/json.h>

#include "config/config.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define PATH_SECRET "0123456789abcdef-canary"

static char directory[] = "/tmp/connect-config-XXXXXX";

static const char *path_of(const char *name)
{
    static char path[300];

    snprintf(path, sizeof(path), "%s/%s", directory, name);
    return path;
}

/* ' stands for ". */
static void write_file(const char *name, const char *text, mode_t mode)
{
    FILE *file = fopen(path_of(name), "w");

    assert_non_null(file);
    for (; *text; text++)
        fputc(*text == '\'' ? '"' : *text, file);
    fclose(file);
    assert_int_equal(chmod(path_of(name), mode), 0);
}

static const struct {
    const char *name, *text;
    mode_t mode;
} files[] = {
    {"path.key", PATH_SECRET "\n", 0600},
    {"short.key", "canary", 0600},
    {"odd.key", "0123456789abcdef/canary", 0600},
    {"open.key", PATH_SECRET, 0644},
    {"tls.key", "canary\n", 0600},
};

static int make_directory(void **state)
{
    (void)state;
    if (!mkdtemp(directory))
        return -1;
    for (size_t index = 0; index < COUNT(files); index++)
        write_file(files[index].name, files[index].text, files[index].mode);
    return 0;
}

static int remove_directory(void **state)
{
    (void)state;
    for (size_t index = 0; index < COUNT(files); index++)
        unlink(path_of(files[index].name));
    unlink(path_of("connect.json"));
    return rmdir(directory);
}

static int read_text(const char *text, struct config **ret_config,
                     struct error *err)
{
    write_file("connect.json", text, 0644);
    return config_read(path_of("connect.json"), ret_config, err);
}

static void fills_defaults(void **state)
{
    struct config *config = NULL;
    struct error err = {""};

    (void)state;
    if (read_text("{'data':'data','instances':{}}", &config, &err))
        fail_msg("%s", err.text);
    assert_string_equal(config->directory, directory);
    assert_string_equal(config->path, path_of("connect.json"));
    assert_string_equal(config->data, path_of("data"));
    assert_string_equal(config->records, path_of("records"));
    assert_string_equal(config->flows, path_of("flows"));
    assert_int_equal(config->plugins[0], '/');
    assert_non_null(strstr(config->plugins, "plugins"));
    assert_string_equal(config->listen_address, "127.0.0.1");
    assert_int_equal(config->listen_port, 8080);
    assert_null(config->tls_certificate);
    assert_null(config->tls_key);
    assert_null(config->public_address);
    assert_string_equal(config->admin_socket, "/run/connect/admin.sock");
    assert_null(config->admin_group);
    assert_null(config->ca_file);
    assert_int_equal(config->log_level, LOG_INFO);
    assert_string_equal(config->log_form, "auto");
    assert_int_equal(config->limits.webhook_bytes, 1048576);
    assert_int_equal(config->limits.connections, 4096);
    assert_int_equal(config->limits.runs_active, 1024);
    assert_int_equal(config->limits.attempts, 5);
    assert_int_equal(config->limits.retry_after_ms, 900000);
    assert_int_equal(config->limits.operation_ms, 60000);
    assert_int_equal(config->limits.stuck_ms, 10000);
    assert_int_equal(config->limits.drain_ms, 30000);
    assert_int_equal(config->limits.jq_processes, 1);
    assert_int_equal(config->limits.jq_ms, 2000);
    assert_int_equal(config->limits.jq_mib, 256);
    assert_int_equal(config->limits.event_days, 400);
    assert_int_equal(config->limits.run_days, 400);
    assert_int_equal(config->limits.audit_days, 3650);
    assert_int_equal(config->limits.quarantine_days, 90);
    assert_int_equal(config->limits.database_mib, 4096);
    assert_int_equal(config->instance_count, 0);
    config_destroy(config);
    config_destroy(NULL);
}

static void takes_every_member(void **state)
{
    struct config *config = NULL;
    struct error err = {""};
    const struct config_instance *streak, *other;

    (void)state;
    if (read_text(
            "// everything\n"
            "{'data':'/d','plugins':'p','records':'/r','flows':'f/g',"
            "'listen':{'address':'::1','port':0,'tls':{'certificate':'c.pem',"
            "'key':'file:tls.key'}},'public_address':'https://c.test/x/',"
            "'admin':{'socket':'a.sock','group':'g'},"
            "'log':{'level':'debug','form':'json'},'ca_file':'ca.pem',"
            "'limits':{'webhook_bytes':1024,'connections':1,'runs_active':2,"
            "'attempts':3,'retry_after_ms':4000,'operation_ms':500,"
            "'stuck_ms':60,'drain_ms':7,'jq_processes':8,'jq_ms':90,"
            "'jq_mib':16,'event_days':1,'run_days':2,'audit_days':3,"
            "'quarantine_days':4,'database_mib':0},\n"
            "'instances':{\n"
            "'streak':{'plugin':'streak.so','sha256':'0123456789abcdef0123456"
            "789abcdef0123456789abcdef0123456789abcdef',"
            "'path_secret':'file:path.key','webhooks':[{'event':'BOX_EDIT',"
            "'scope':'p'},{'event':'BOX_CREATE','scope':'p'}],'open_max':8,'"
            "rate':{'per_second':8},"
            "'config':{'base_url':'http://x','api_key':'file:streak.key',"
            "'deep':[{'key':'file:/abs'}],'rate':1.50}},\n"
            "'other-1':{'plugin':'sub/o.so'},'z':{'plugin':'/a/z.so'}}}",
            &config, &err))
        fail_msg("%s", err.text);
    assert_string_equal(config->data, "/d");
    assert_string_equal(config->plugins, path_of("p"));
    assert_string_equal(config->records, "/r");
    assert_string_equal(config->flows, path_of("f/g"));
    assert_string_equal(config->listen_address, "::1");
    assert_int_equal(config->listen_port, 0);
    assert_string_equal(config->tls_certificate, path_of("c.pem"));
    assert_string_equal(config->tls_key, path_of("tls.key"));
    assert_string_equal(config->public_address, "https://c.test/x");
    assert_string_equal(config->admin_socket, path_of("a.sock"));
    assert_string_equal(config->admin_group, "g");
    assert_string_equal(config->ca_file, path_of("ca.pem"));
    assert_int_equal(config->log_level, LOG_DEBUG);
    assert_string_equal(config->log_form, "json");
    assert_int_equal(config->limits.webhook_bytes, 1024);
    assert_int_equal(config->limits.connections, 1);
    assert_int_equal(config->limits.runs_active, 2);
    assert_int_equal(config->limits.attempts, 3);
    assert_int_equal(config->limits.retry_after_ms, 4000);
    assert_int_equal(config->limits.operation_ms, 500);
    assert_int_equal(config->limits.stuck_ms, 60);
    assert_int_equal(config->limits.drain_ms, 7);
    assert_int_equal(config->limits.jq_processes, 8);
    assert_int_equal(config->limits.jq_ms, 90);
    assert_int_equal(config->limits.jq_mib, 16);
    assert_int_equal(config->limits.event_days, 1);
    assert_int_equal(config->limits.run_days, 2);
    assert_int_equal(config->limits.audit_days, 3);
    assert_int_equal(config->limits.quarantine_days, 4);
    assert_int_equal(config->limits.database_mib, 0);
    assert_int_equal(config->instance_count, 3);
    streak = &config->instances[0];
    assert_string_equal(streak->name, "streak");
    assert_string_equal(streak->plugin, path_of("p/streak.so"));
    assert_int_equal(strlen(streak->sha256), 64);
    assert_string_equal(streak->path_secret, PATH_SECRET);
    assert_int_equal(streak->webhook_count, 2);
    assert_string_equal(streak->webhooks[1].event, "BOX_CREATE");
    assert_string_equal(streak->webhooks[1].scope, "p");
    assert_int_equal(streak->open_max, 8);
    assert_true(streak->rate.given);
    assert_int_equal(streak->rate.per_second, 8);
    assert_int_equal(streak->rate.burst, 8); /* a second's worth */
    assert_string_equal(streak->place, "connect.json:4");
    assert_string_equal(cn_json_text_at(streak->config, "/base_url", ""),
                        "http://x");
    assert_string_equal(cn_json_text_at(streak->config, "/rate", ""), "1.50");
    /* References are absolute, and stay references. */
    assert_string_equal(cn_json_text_at(streak->config, "/deep/0/key", ""),
                        "file:/abs");
    assert_memory_equal(cn_json_text_at(streak->config, "/api_key", ""),
                        "file:/tmp/", 10);
    other = &config->instances[1];
    assert_string_equal(other->name, "other-1");
    assert_string_equal(other->plugin, path_of("sub/o.so"));
    assert_string_equal(other->place, "connect.json:5");
    assert_null(other->sha256);
    assert_null(other->path_secret);
    assert_int_equal(other->webhook_count, 0);
    assert_int_equal(other->open_max, 0);
    assert_false(other->rate.given);
    assert_non_null(other->config);
    assert_null(other->config->child);
    assert_string_equal(config->instances[2].plugin, "/a/z.so");
    config_destroy(config);
}

#define TOP(more) "{'data':'d','instances':{}," more "}"
#define ONE(name, more)                                                        \
    "{'data':'d','instances':{\n'" name "':{'plugin':'p.so'" more "}}}"
#define PUBLIC(more)                                                           \
    "{'data':'d','public_address':'https://c.test','instances':{\n"            \
    "'a':{'plugin':'p.so'" more "}}}"

static const struct {
    const char *text, *message; /* its beginning */
} wrong[] = {
    {"[]", "connect.json:1: top level: must be an object, is an array of 0"},
    {"{'data':'d'}", "connect.json:1: top level: must have \"instances\""},
    {"\n{'instances':{}}", "connect.json:2: top level: must have \"data\""},
    {"{'data':'d',\n'instances':{},}", "connect.json:2:"},
    {TOP("\n'lisen':{}"),
     "connect.json:2: /lisen: is not known here; did you mean \"listen\"?"},
    {TOP("'data':'e'"), "connect.json:1:"},
    {"{'data':'','instances':{}}",
     "connect.json:1: /data: must be a text of 1 to 1000 characters, is an "
     "empty text"},
    {TOP("'listen':{\n'prot':1}"),
     "connect.json:2: /listen/prot: is not known here; did you mean \"port\"?"},
    {TOP("'listen':{'port':'80'}"),
     "connect.json:1: /listen/port: must be a whole number from 0 to 65535, is "
     "a text of 2 characters"},
    {TOP("'listen':{'port':65536}"),
     "connect.json:1: /listen/port: must be a whole number from 0 to 65535, is "
     "a larger one"},
    {TOP("'listen':{'port':-1}"), "connect.json:1: /listen/port: must be"},
    {TOP("'listen':{\n'address':'localhost'}"),
     "connect.json:2: /listen/address: must be an IPv4 or IPv6 address"},
    {TOP("'listen':{'tls':{'certificate':'c'}}"),
     "connect.json:1: /listen/tls: must have \"key\""},
    {TOP("'listen':{'tls':{'certificate':'c','key':'tls.key'}}"),
     "connect.json:1: /listen/tls/key: must be a reference that begins with "
     "file:"},
    {TOP("'listen':{'tls':{'certificate':'c','key':'file:open.key'}}"),
     "connect.json:1: /listen/tls/key: file:/tmp/connect-config-"},
    {TOP("'public_address':'connect.test'"),
     "connect.json:1: /public_address: must be an address such as"},
    {TOP("'public_address':'ftp://connect.test'"),
     "connect.json:1: /public_address: must be a text that matches ^https?"},
    {TOP("'public_address':'https://connect.test/?a'"),
     "connect.json:1: /public_address: must be a text that matches ^https?"},
    {TOP("'admin':{'sokcet':'x'}"),
     "connect.json:1: /admin/sokcet: is not known here; did you mean "
     "\"socket\"?"},
    {TOP("'log':{'level':'loud'}"),
     "connect.json:1: /log/level: must be \"debug\", \"info\", \"warn\" or "
     "\"error\", is a text of 4 characters"},
    {TOP("'log':{'form':'xml'}"),
     "connect.json:1: /log/form: must be \"auto\", \"json\" or \"text\""},
    {TOP("'limits':{'atempts':1}"),
     "connect.json:1: /limits/atempts: is not known here; did you mean "
     "\"attempts\"?"},
    {TOP("'limits':{'attempts':0}"),
     "connect.json:1: /limits/attempts: must be a whole number from 1 to 1000, "
     "is a smaller one"},
    {TOP("'limits':{'jq_processes':9}"),
     "connect.json:1: /limits/jq_processes: must be a whole number from 1 to "
     "8, is a larger one"},
    {ONE("Streak", ""),
     "connect.json:2: /instances/Streak: the name of an instance must be 1 to "
     "32 small letters"},
    {ONE("1a", ""), "connect.json:2: /instances/1a: the name"},
    {ONE("a/b", ""), "connect.json:2: /instances/a~1b: the name"},
    {ONE("abcdefghijklmnopqrstuvwxyz0123456", ""),
     "connect.json:2: /instances/abcdefghijklmnopqrstuvwxyz0123456: the name"},
    {"{'data':'d','instances':{'a':{}}}",
     "connect.json:1: /instances/a: must have \"plugin\""},
    {"{'data':'d','instances':{'a':{'plugin':'a.la'}}}",
     "connect.json:1: /instances/a/plugin: must be a shared object such as "
     "\"streak.so\""},
    {"{'data':'d','instances':{'a':{'plugin':'.so'}}}",
     "connect.json:1: /instances/a/plugin: must be a shared object"},
    {ONE("a", ",'pluginn':1"),
     "connect.json:2: /instances/a/pluginn: is not known here; did you mean "
     "\"plugin\"?"},
    {ONE("a", ",'sha256':'00'"),
     "connect.json:2: /instances/a/sha256: must be a text that matches "
     "^[0-9a-f]{64}$, is a text of 2 characters"},
    {ONE("a", ",'open_max':1025"),
     "connect.json:2: /instances/a/open_max: must be a whole number"},
    {ONE("a", ",'rate':8"),
     "connect.json:2: /instances/a/rate: must be an object"},
    {ONE("a", ",'rate':{'burst':8}"),
     "connect.json:2: /instances/a/rate: must have \"per_second\""},
    {ONE("a", ",'rate':{'per_second':-1}"),
     "connect.json:2: /instances/a/rate/per_second: must be a whole number"},
    {ONE("a", ",'rate':{'per_second':0.5}"),
     "connect.json:2: /instances/a/rate/per_second: must be a whole number"},
    {ONE("a", ",'rate':{'per_second':1,'burst':10001}"),
     "connect.json:2: /instances/a/rate/burst: must be a whole number"},
    {ONE("a", ",'config':[]"),
     "connect.json:2: /instances/a/config: must be an object, is an array"},
    {ONE("a", ",'path_secret':'" PATH_SECRET "'"),
     "connect.json:2: /instances/a/path_secret: must be a reference to a "
     "credential that begins with file:, env: or systemd:"},
    {ONE("a", ",'path_secret':'file:open.key'"),
     "connect.json:2: /instances/a/path_secret: file:/tmp/connect-config-"},
    {ONE("a", ",'path_secret':'file:short.key'"),
     "connect.json:2: /instances/a/path_secret: the credential must be 16 to "
     "128 letters, digits, _ and -"},
    {ONE("a", ",'path_secret':'file:odd.key'"),
     "connect.json:2: /instances/a/path_secret: the credential must be"},
    {ONE("a", ",'path_secret':'file:none.key'"),
     "connect.json:2: /instances/a/path_secret: file:/tmp/connect-config-"},
    {PUBLIC(",'webhooks':[{'event':'E','scope':'s'}]"),
     "connect.json:2: /instances/a/webhooks: needs \"path_secret\" beside it"},
    {ONE("a", ",'path_secret':'file:path.key','webhooks':[{'event':'E',"
              "'scope':'s'}]"),
     "connect.json:2: /instances/a/webhooks: needs \"public_address\""},
    {PUBLIC(",'path_secret':'file:path.key','webhooks':[{'event':'E','scope':"
            "'s'},{'event':'F','scope':'s'},{'event':'E','scope':'s'}]"),
     "connect.json:2: /instances/a/webhooks: elements 0 and 2 are the same"},
    {PUBLIC(",'path_secret':'file:path.key','webhooks':[{'event':'E'}]"),
     "connect.json:2: /instances/a/webhooks/0: must have \"scope\""},
};

static void names_every_mistake(void **state)
{
    (void)state;
    for (size_t index = 0; index < COUNT(wrong); index++) {
        struct config *config = NULL;
        struct error err = {""};
        int code = read_text(wrong[index].text, &config, &err);

        if (!code || config ||
            strncmp(err.text, wrong[index].message,
                    strlen(wrong[index].message)))
            fail_msg("%s: %d \"%s\"", wrong[index].text, code, err.text);
        if (strstr(err.text, "canary"))
            fail_msg("a credential in \"%s\"", err.text);
    }
}

static void limits_instances(void **state)
{
    char text[4096];
    size_t len = 0;
    struct config *config = NULL;
    struct error err = {""};

    (void)state;
    len += (size_t)snprintf(text, sizeof(text), "{'data':'d','instances':{");
    for (int index = 0; index < 65; index++)
        len += (size_t)snprintf(text + len, sizeof(text) - len,
                                "%s'i%d':{'plugin':'p.so'}", index ? "," : "",
                                index);
    snprintf(text + len, sizeof(text) - len, "}}");
    assert_int_equal(read_text(text, &config, &err), -EINVAL);
    assert_non_null(strstr(err.text, "/instances: must have at most 64"));
}

static void refuses_what_is_no_file(void **state)
{
    struct config *config = NULL;
    struct error err = {""};

    (void)state;
    assert_int_equal(config_read("/nowhere/connect.json", &config, &err),
                     -ENOENT);
    assert_non_null(strstr(err.text, "/nowhere/connect.json: No such file"));
    assert_int_equal(config_read("/tmp", &config, &err), -EINVAL);
    assert_non_null(strstr(err.text, "/tmp: must be a regular file"));
    assert_null(config);
}

/* The delivered file, with credentials in place of the placeholders. */
static void reads_the_delivered_file(void **state)
{
    static const char path[] = CONNECT_SOURCE_DIR "/config/connect.json";
    struct config *config = NULL;
    struct error err = {""};
    char *text = NULL;
    size_t len = 0;

    (void)state;
    assert_int_equal(config_read(path, &config, &err), -ENOENT);
    assert_non_null(strstr(err.text, "/instances/streak/path_secret: file:/"));
    if (config_file(path, CONFIG_FILE_MAX, &text, &len, &err))
        fail_msg("%s", err.text);
    assert_int_equal(mkdir(path_of("secrets"), 0700), 0);
    write_file("secrets/streak.path", PATH_SECRET, 0600);
    if (read_text(text, &config, &err))
        fail_msg("%s", err.text);
    assert_int_equal(config->instance_count, 2);
    assert_string_equal(config->instances[0].name, "streak");
    assert_int_equal(config->instances[0].webhook_count, 3);
    assert_string_equal(config->instances[1].name, "syspro");
    config_destroy(config);
    unlink(path_of("secrets/streak.path"));
    rmdir(path_of("secrets"));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fills_defaults),
        cmocka_unit_test(takes_every_member),
        cmocka_unit_test(names_every_mistake),
        cmocka_unit_test(limits_instances),
        cmocka_unit_test(refuses_what_is_no_file),
        cmocka_unit_test(reads_the_delivered_file),
    };

    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
