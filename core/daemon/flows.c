/* flows.c - the flows of a configuration.
 *
 * One idea: registering a webhook changes another system, so it is a delivery
 * like any other; the daemon writes the small flow for it itself and compiles
 * it with the same rules.  Called on the loop thread while loading. */
#include "daemon/flows.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "config/config_text.h"
#include "flow/engine.h"

enum {
    FLOW_FILE_MAX = 1024 * 1024, /* bytes of one flow file */
    FLOW_TEXT_MAX = 4096         /* of a flow made here */
};

static bool catalog_exists(void *arg, const char *instance)
{
    const struct flows_source *source = arg;

    return !strcmp(instance, FLOWS_ORIGIN) ||
           instances_find(source->instances, instance) != NULL;
}

static bool catalog_emits(void *arg, const char *instance, const char *type)
{
    const struct flows_source *source = arg;

    if (!strcmp(instance, FLOWS_ORIGIN))
        return !strcmp(type, "webhook/1");
    return instances_emits(source->instances, instance, type);
}

static bool catalog_takes(void *arg, const char *instance, const char *type)
{
    const struct flows_source *source = arg;

    return instances_takes(source->instances, instance, type);
}

static bool catalog_probes(void *arg, const char *instance)
{
    const struct flows_source *source = arg;

    return instances_probes(source->instances, instance);
}

static bool catalog_answers(void *arg, const char *instance, const char *action)
{
    const struct flows_source *source = arg;
    const struct schema *request, *response;

    return instances_action(source->instances, instance, action, &request,
                            &response) == 0;
}

/* Programs are compiled by the helper that will run them. */
static int check_programs(const struct flows_source *source, const char *file,
                          const struct flow_steps *steps, struct error *err)
{
    struct error why = {""};
    int status = 0;

    for (size_t index = 0; !status && index < steps->count; index++) {
        const struct flow_step *step = &steps->steps[index];
        if (step->jq && jq_pool_check(NULL, step->jq, source->known, &why)) {
            error_set(err, "%s: step %s: %s", file, step->name, why.text);
            return -EINVAL;
        }
        status = check_programs(source, file, &step->steps, err);
        for (size_t at = 0; !status && at < step->case_count; at++)
            status = check_programs(source, file, &step->cases[at].steps, err);
    }
    return status;
}

/* More flows of one trigger than a record may begin: the last would never run.
 */
static int check_trigger(const struct flows *flows, const char *file,
                         const struct definition *flow, struct error *err)
{
    int count = 1;

    if (flow->when) /* not every record meets it */
        return 0;
    for (size_t index = 0; index < flows->count; index++)
        count += !flows->items[index]->when &&
                 !strcmp(flows->items[index]->instance, flow->instance) &&
                 !strcmp(flows->items[index]->type, flow->type);
    if (count <= ENGINE_FLOWS_PER_RECORD_MAX)
        return 0;
    error_set(err, "%s: /trigger: more than %d flows begin with %s of \"%s\"",
              file, ENGINE_FLOWS_PER_RECORD_MAX, flow->type, flow->instance);
    return -E2BIG;
}

static int flows_add(const struct flows_source *source, const char *file,
                     const char *text, size_t len, struct flows *flows,
                     struct error *err)
{
    struct definition_catalog catalog = {
        .types = source->types,
        .emits = catalog_emits,
        .takes = catalog_takes,
        .probes = catalog_probes,
        .answers = catalog_answers,
        .exists = catalog_exists,
        .arg = (void *)(uintptr_t)source,
    };
    struct definition *flow = NULL;
    int status;

    if (flows->count == FLOWS_MAX) {
        error_set(err, "%s: more than %d flows", file, FLOWS_MAX);
        return -E2BIG;
    }
    status =
        definition_create(file, text, len, &catalog, source->types, &flow, err);
    if (!status)
        status = check_programs(source, file, &flow->steps, err);
    if (!status)
        status = check_trigger(flows, file, flow, err);
    if (status) {
        definition_release(flow);
        return status;
    }
    for (size_t index = 0; index < flows->count; index++) {
        if (strcmp(flows->items[index]->name, flow->name) != 0)
            continue;
        error_set(err, "%s: /flow: \"%s\" is the name of another file's flow",
                  file, flow->name);
        definition_release(flow);
        return -EEXIST;
    }
    flows->items[flows->count++] = flow;
    return 0;
}

static int flows_add_file(const struct flows_source *source, const char *name,
                          struct flows *flows, struct error *err)
{
    char path[4096];
    char *text = NULL;
    size_t len = 0;
    int status;

    snprintf(path, sizeof(path), "%s/%s", source->config->flows, name);
    status = config_file(path, FLOW_FILE_MAX, &text, &len, err);
    if (!status)
        status = flows_add(source, name, text, len, flows, err);
    free(text);
    return status;
}

/* The flow that registers the webhooks of one instance. */
static int flows_add_webhooks(const struct flows_source *source,
                              const struct config_instance *instance,
                              struct flows *flows, struct error *err)
{
    char file[160];
    struct buf text;
    int status;

    buf_init(&text, FLOW_TEXT_MAX);
    snprintf(file, sizeof(file), "webhooks of %s", instance->name);
    buf_printf(&text,
               "{\"flow\":\"webhooks-%s\",\"title\":\"Register the webhooks of "
               "%s\",\"trigger\":{\"instance\":\"" FLOWS_ORIGIN
               "\",\"type\":\"webhook/1\",\"when\":{\"path\":\"/trigger/"
               "external_id\",\"matches\":\"%s/.*\"}},\"steps\":[{\"name\":"
               "\"register\",\"deliver\":\"webhook/1\",\"to\":\"%s\",\"body\":"
               "\"/trigger\"}]}",
               instance->name, instance->name, instance->name, instance->name);
    status = flows_add(source, file, text.data, text.len, flows, err);
    buf_done(&text);
    return status;
}

static int only_json(const struct dirent *entry)
{
    size_t len = strlen(entry->d_name);

    return entry->d_name[0] != '.' && len > 5 &&
           !strcmp(entry->d_name + len - 5, ".json");
}

static int flows_scan(const struct flows_source *source,
                      struct dirent ***ret_names, struct error *err)
{
    int count = scandir(source->config->flows, ret_names, only_json, alphasort);

    if (count < 0)
        error_set(err, "%s: cannot read the flow folder: %s",
                  source->config->flows, strerror(errno));
    return count;
}

int flows_load(const struct flows_source *source, struct flows *ret_flows,
               void (*report)(void *arg, const char *text), void *arg,
               struct error *err)
{
    struct dirent **names = NULL;
    int count, status = 0;

    memset(ret_flows, 0, sizeof(*ret_flows));
    count = flows_scan(source, &names, err);
    if (count < 0) {
        report(arg, err->text);
        return -ENOENT;
    }
    for (int index = 0; index < count; index++) {
        if (flows_add_file(source, names[index]->d_name, ret_flows, err)) {
            report(arg, err->text);
            status = -EINVAL;
        }
        free(names[index]);
    }
    free(names);
    for (size_t index = 0; index < source->config->instance_count; index++) {
        const struct config_instance *instance =
            &source->config->instances[index];
        if (instance->webhook_count &&
            flows_add_webhooks(source, instance, ret_flows, err)) {
            report(arg, err->text);
            status = -EINVAL;
        }
    }
    return status;
}

void flows_done(struct flows *flows)
{
    for (size_t index = 0; index < flows->count; index++)
        definition_release(flows->items[index]);
    flows->count = 0;
}
