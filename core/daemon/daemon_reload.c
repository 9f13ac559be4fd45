/* daemon_reload.c - the configuration read again, or kept as it was.
 *
 * One idea: everything new is made beside the old; a mistake at any point leads
 * back to the configuration that runs.  [loop thread] */
#include "daemon/daemon_state.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"

static bool same_text(const char *one, const char *other)
{
    return one == other || (one && other && !strcmp(one, other));
}

static const struct config_instance *find_instance(const struct config *config,
                                                   const char *name)
{
    for (size_t index = 0; index < config->instance_count; index++) {
        if (!strcmp(config->instances[index].name, name))
            return &config->instances[index];
    }
    return NULL;
}

/* Back to the configuration that runs: what was replaced is made again. */
static void restore_instances(struct daemon *daemon, size_t count,
                              const struct config *fresh)
{
    for (size_t index = 0; index < count; index++) {
        const char *name = fresh->instances[index].name;
        const struct config_instance *old = find_instance(daemon->config, name);
        struct error err = {""};
        if (!old)
            instances_remove(daemon->instances, name);
        else if (daemon_prepare_instance(daemon, old, &err))
            log_write(LOG_ERROR, NULL, "instance %s: %s", name, err.text);
    }
}

/* Every instance is made anew beside its old one: behind an equal reference the
 * credential, and behind an equal path the plugin, may be another. */
static int reload_instances(struct daemon *daemon, const struct config *fresh,
                            struct error *err)
{
    for (size_t index = 0; index < fresh->instance_count; index++) {
        int status =
            daemon_prepare_instance(daemon, &fresh->instances[index], err);
        if (status) {
            restore_instances(daemon, index, fresh);
            return status;
        }
    }
    return 0;
}

struct values_question { /* of one instance that is new to us */
    struct daemon *daemon;
    char *instance;
};

static const char values_unread[] =
    "its stored values could not be read; reload again";

static void values_answered(void *arg, int status,
                            const struct store_rows *rows)
{
    struct values_question *question = arg;
    struct daemon *daemon = question->daemon;
    struct op_value values[DAEMON_VALUES_MAX];
    size_t count = status ? 0 : daemon_values(rows, values);

    if (daemon->instances) /* they go before the store */
        instances_begin(daemon->instances, question->instance, values, count,
                        status ? values_unread : NULL);
    free(question->instance);
    free(question);
}

/* Instances that were not there begin with what an earlier one of their name
 * has stored. */
static void begin_instances(struct daemon *daemon)
{
    for (size_t index = 0; index < daemon->config->instance_count; index++) {
        struct store_query query = {.kind = STORE_QUERY_STATE,
                                    .limit = DAEMON_VALUES_MAX};
        struct values_question *question;
        query.instance = daemon->config->instances[index].name;
        if (!instances_waits(daemon->instances, query.instance))
            continue;
        question = memory_zero(1, sizeof(*question));
        question->daemon = daemon;
        question->instance = memory_text(query.instance);
        if (!store_query(daemon->store, &query, values_answered, question))
            continue;
        instances_begin(daemon->instances, query.instance, NULL, 0,
                        values_unread);
        free(question->instance);
        free(question);
    }
}

static void remove_instances(struct daemon *daemon, const struct config *fresh)
{
    for (size_t index = 0; index < daemon->config->instance_count; index++) {
        const char *name = daemon->config->instances[index].name;
        if (!find_instance(fresh, name))
            instances_remove(daemon->instances, name);
    }
}

/* What was due stays so: what the daemon began with is not kept. */
static void note_restart(const struct config *old, struct config *fresh,
                         struct error *ret_note)
{
    fresh->restart_due =
        old->restart_due || !same_text(old->data, fresh->data) ||
        !same_text(old->listen_address, fresh->listen_address) ||
        old->listen_port != fresh->listen_port ||
        !same_text(old->admin_socket, fresh->admin_socket) ||
        !same_text(old->admin_group, fresh->admin_group) ||
        !same_text(old->records, fresh->records) ||
        !same_text(old->log_form, fresh->log_form) ||
        old->log_level != fresh->log_level ||
        !same_text(old->public_address, fresh->public_address) ||
        !same_text(old->ca_file, fresh->ca_file) ||
        memcmp(&old->limits, &fresh->limits, sizeof(old->limits)) != 0;
    if (fresh->restart_due)
        error_set(ret_note, "\"data\", \"records\", \"listen\", \"admin\", "
                            "\"log\", \"public_address\", \"ca_file\" and "
                            "\"limits\" take effect with the next start");
    else
        error_set(ret_note, "%s", "");
}

/* The new configuration holds in any case; what could not be registered now is
 * looked at again with the next reload or start. */
static int reload_register(struct daemon *daemon,
                           daemon_registered_fn *registered, void *arg,
                           struct error *ret_note)
{
    struct error why = {""}, note = *ret_note;
    int status = daemon_register(daemon, registered, arg, &why);

    if (status >= 0)
        return status;
    log_write(LOG_ERROR, NULL, "%s", why.text);
    error_set(ret_note, "%s; reload again%s%s", why.text,
              note.text[0] ? "; " : "", note.text);
    return 0;
}

int daemon_reload(struct daemon *daemon, daemon_registered_fn *registered,
                  void *arg, struct error *ret_note, struct error *err)
{
    struct config *fresh = NULL;
    int status = config_read(daemon->config_path, &fresh, err);

    if (!status)
        status = reload_instances(daemon, fresh, err);
    if (!status) {
        status = daemon_load_flows(daemon, fresh, err);
        if (status)
            restore_instances(daemon, fresh->instance_count, fresh);
    }
    if (status) {
        config_destroy(fresh);
        return status;
    }
    note_restart(daemon->config, fresh, ret_note);
    remove_instances(daemon, fresh);
    config_destroy(daemon->config);
    daemon->config = fresh;
    begin_instances(daemon);
    return reload_register(daemon, registered, arg, ret_note);
}
