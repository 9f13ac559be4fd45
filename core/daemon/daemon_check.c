/* daemon_check.c - looks at a configuration with its plugins and flows, and
 * opens nothing.
 *
 * [main thread, before any loop runs] */
#include "daemon/daemon_state.h"

#include <grp.h>
#include <stdlib.h>

#include "base/memory.h"
#include "net/tls_server.h"

struct check {
    struct daemon *daemon;
    int mistakes;
    daemon_report_fn *report;
    void *report_arg;
    struct daemon_found *found;
};

static void check_report(void *arg, const char *text)
{
    struct check *check = arg;

    check->mistakes++;
    check->report(check->report_arg, text);
}

static void check_instances(struct check *check)
{
    struct daemon *daemon = check->daemon;

    for (size_t index = 0; index < daemon->config->instance_count; index++) {
        const struct config_instance *instance =
            &daemon->config->instances[index];
        struct error err = {""};
        if (daemon_add_instance(daemon, instance, NULL, 0, &err))
            check_report(check, err.text);
    }
}

/* What would be found out only by listening. */
static void check_doors(struct check *check)
{
    const struct config *config = check->daemon->config;
    struct tls_server *tls = NULL;
    struct error err = {""};

    if (config->tls_certificate &&
        tls_server_create(config->tls_certificate, config->tls_key, &tls, &err))
        check_report(check, err.text);
    tls_server_destroy(tls);
    if (config->admin_group && !getgrnam(config->admin_group)) {
        error_set(&err,
                  "%s: /admin/group: there is no group \"%s\" on this "
                  "machine",
                  config->path, config->admin_group);
        check_report(check, err.text);
    }
}

static void check_flows(struct check *check)
{
    struct daemon *daemon = check->daemon;
    struct flows_source source = {daemon->config, daemon->types,
                                  daemon->instances, &daemon->jq_known};
    struct flows *flows = memory_zero(1, sizeof(*flows));
    struct error err = {""};
    int status = flows_load(&source, flows, check_report, check, &err);

    if (!status)
        *check->found =
            (struct daemon_found){daemon->config->instance_count, flows->count};
    flows_done(flows);
    free(flows);
}

static void check_stopped(void *arg)
{
    (void)arg;
}

int daemon_check(uv_loop_t *loop, const char *config_path,
                 daemon_report_fn *report, void *arg,
                 struct daemon_found *ret_found)
{
    struct check check = {
        .report = report, .report_arg = arg, .found = ret_found};
    struct error err = {""};

    if (daemon_create(loop, config_path, &check.daemon, &err)) {
        check_report(&check, err.text);
        return check.mistakes;
    }
    if (daemon_make_instances(check.daemon, &err))
        check_report(&check, err.text);
    else
        check_instances(&check);
    check_doors(&check);
    if (!check.mistakes)
        check_flows(&check);
    daemon_stop(check.daemon, check_stopped, NULL);
    uv_run(loop, UV_RUN_DEFAULT);
    daemon_destroy(check.daemon);
    return check.mistakes;
}
