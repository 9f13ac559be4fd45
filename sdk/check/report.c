/* report.c - what a plugin offers, and whether its parts agree.
 *
 * The manifest says in words what the table says in functions; where they
 * contradict each other the host would find out later and worse.  Facts go to
 * stdout, breaches and remarks too, each on a line of its own. */
#include "report.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <connect/ext/receiver.h>
#include <connect/json.h>

void report_breach(struct report *report, const char *format, ...)
{
    va_list arguments;

    report->breaches++;
    printf("breach: ");
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf("\n");
}

void report_remark(struct report *report, const char *format, ...)
{
    va_list arguments;

    report->remarks++;
    printf("remark: ");
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf("\n");
}

/* ---- The table ---------------------------------------------------------- */

static bool has_receiver(const cn_plugin *plugin)
{
    return plugin->extension && plugin->extension(CN_EXT_RECEIVER);
}

static void show_roles(const cn_plugin *plugin)
{
    const struct {
        const char *name;
        bool plays;
    } roles[] = {{"source", plugin->poll},
                 {"sink", plugin->deliver},
                 {"probe", plugin->probe},
                 {"transform", plugin->transform},
                 {"actions", plugin->call},
                 {"check", plugin->check},
                 {"stop", plugin->stop},
                 {"cancel", plugin->cancel},
                 {"receiver", has_receiver(plugin)},
                 {"blocking", plugin->flags & CN_BLOCKING}};

    printf("roles: ");
    for (size_t index = 0; index < sizeof(roles) / sizeof(*roles); index++)
        if (roles[index].plays)
            printf(" %s", roles[index].name);
    printf("\n");
}

static bool name_fits(const char *name)
{
    return name && *name && strlen(name) <= CN_NAME_MAX &&
           cn_utf8_valid((cn_str){name, strlen(name)});
}

static void judge_table(struct report *report, const cn_plugin *plugin)
{
    if (!name_fits(plugin->id))
        report_breach(report, "the id is missing, too long or not UTF-8");
    else if (!strchr(plugin->id, '.'))
        report_remark(report, "the id \"%s\" is no reverse domain name",
                      plugin->id);
    if (!name_fits(plugin->version))
        report_breach(report, "the version is missing, too long or not UTF-8");
    if (!plugin->create || !plugin->destroy)
        report_breach(report, "create or destroy is missing");
    if (!plugin->poll && !plugin->deliver && !plugin->transform &&
        !plugin->call && !has_receiver(plugin))
        report_breach(report, "it plays no role");
    if (plugin->commit && !plugin->poll)
        report_breach(report, "commit without poll");
    if (plugin->probe && !plugin->deliver)
        report_breach(report, "probe without deliver");
    if (plugin->flags & ~(uint32_t)CN_BLOCKING)
        report_remark(report,
                      "flags has bits that this contract does not know");
}

/* ---- The manifest ------------------------------------------------------- */

static bool in_list(const cJSON *list, const char *text)
{
    CN_JSON_EACH(item, list)
    {
        if (cJSON_IsString(item) && !strcmp(item->valuestring, text))
            return true;
    }
    return false;
}

static void show_list(struct report *report, const cJSON *manifest,
                      const char *member)
{
    const cJSON *list = cn_json_member(manifest, member);

    if (!list)
        return;
    printf("%s:", member);
    CN_JSON_EACH(item, list)
    printf(" %s", cJSON_IsString(item) ? item->valuestring : "?");
    printf("\n");
    if (!cJSON_IsArray(list))
        report_breach(report, "manifest: /%s is no array", member);
    CN_JSON_EACH(item, list)
    {
        if (!cJSON_IsString(item) || !strchr(item->valuestring, '/'))
            report_breach(report, "manifest: /%s: a type is written name/1",
                          member);
    }
}

static void show_streams(struct report *report, const cJSON *manifest)
{
    CN_JSON_EACH(stream, cn_json_member(manifest, "streams"))
    {
        const cJSON *name = cn_json_member(stream, "name");
        if (!cJSON_IsString(name))
            report_breach(report, "manifest: a stream has no name");
        else
            printf("stream: %s, every %s ms\n", name->valuestring,
                   cn_json_text_at(stream, "/interval_ms", "(default)"));
    }
}

static void show_actions(struct report *report, const cJSON *manifest)
{
    CN_JSON_EACH(action, cn_json_member(manifest, "actions"))
    {
        printf("action: %s: %s\n", action->string,
               cn_json_text_at(action, "/title", ""));
        if (!cJSON_IsObject(cn_json_member(action, "request")) ||
            !cJSON_IsObject(cn_json_member(action, "response")))
            report_remark(report,
                          "action %s has no schema for request or "
                          "response",
                          action->string);
    }
}

static void show_config(struct report *report, const cJSON *manifest)
{
    const cJSON *schema = cn_json_member(manifest, "config");
    const cJSON *required = cn_json_member(schema, "required");

    if (schema && !cJSON_IsObject(schema))
        report_breach(report, "manifest: /config is no schema");
    CN_JSON_EACH(property, cn_json_member(schema, "properties"))
    {
        const cJSON *fallback = cn_json_member(property, "default");
        const char *text = cn_json_text(fallback);
        printf("config: %s%s%s", property->string,
               in_list(required, property->string) ? ", required" : "",
               cJSON_IsTrue(cn_json_member(property, "writeOnly"))
                   ? ", credential"
                   : "");
        if (fallback)
            printf(", default %s", text ? text : "(see manifest)");
        printf(": %s\n", cn_json_text_at(property, "/title", ""));
    }
    CN_JSON_EACH(name, required)
    {
        if (cJSON_IsString(name) &&
            !cn_json_member(cn_json_member(schema, "properties"),
                            name->valuestring))
            report_breach(report,
                          "manifest: /config requires \"%s\", which is "
                          "no property",
                          name->valuestring);
    }
}

static void judge_members(struct report *report, const cJSON *manifest)
{
    static const char *const known[] = {
        "title",   "config",  "records", "takes",       "emits",
        "streams", "actions", "network", "repeat_safe", "rate"};

    CN_JSON_EACH(member, manifest)
    {
        size_t index = 0;
        while (index < sizeof(known) / sizeof(*known) &&
               strcmp(known[index], member->string) != 0)
            index++;
        if (index == sizeof(known) / sizeof(*known))
            report_breach(report, "manifest: /%s is not known", member->string);
    }
    if (!cJSON_IsString(cn_json_member(manifest, "title")))
        report_remark(report, "manifest: there is no title");
}

static void judge_pair(struct report *report, const cJSON *manifest,
                       const char *member, bool able, const char *function)
{
    const cJSON *list = cn_json_member(manifest, member);
    bool says = list && list->child;

    if (says && !able)
        report_breach(report, "manifest: /%s, but there is no %s", member,
                      function);
    if (!says && able)
        report_remark(report, "there is %s, but no /%s in the manifest",
                      function, member);
}

static void judge_roles(struct report *report, const cJSON *manifest,
                        const cn_plugin *plugin)
{
    judge_pair(report, manifest, "takes", plugin->deliver || plugin->transform,
               "deliver or transform");
    judge_pair(report, manifest, "emits",
               plugin->poll || plugin->transform || has_receiver(plugin),
               "poll, transform or receive");
    judge_pair(report, manifest, "streams", plugin->poll, "poll");
    judge_pair(report, manifest, "actions", plugin->call, "call");
    if (!plugin->deliver || plugin->probe)
        return;
    CN_JSON_EACH(type, cn_json_member(manifest, "takes"))
    {
        if (cJSON_IsString(type) &&
            !in_list(cn_json_member(manifest, "repeat_safe"),
                     type->valuestring))
            report_remark(report,
                          "%s in doubt will wait for a person: there "
                          "is no probe, and it is not in /repeat_safe",
                          type->valuestring);
    }
}

static void report_manifest(struct report *report, const cn_plugin *plugin)
{
    const char *text = plugin->manifest ? plugin->manifest : "";
    cn_json_error error;
    cJSON *manifest = NULL;

    if (cn_json_read((cn_str){text, strlen(text)}, NULL, &manifest, &error)) {
        report_breach(report, "manifest, line %zu, column %zu, at \"%s\": %s",
                      error.line, error.column, error.pointer, error.sentence);
        return;
    }
    printf("title: %s\n", cn_json_text_at(manifest, "/title", ""));
    show_list(report, manifest, "takes");
    show_list(report, manifest, "emits");
    show_list(report, manifest, "repeat_safe");
    show_streams(report, manifest);
    show_actions(report, manifest);
    show_config(report, manifest);
    judge_members(report, manifest);
    judge_roles(report, manifest, plugin);
    cJSON_Delete(manifest);
}

void report_plugin(struct report *report, const cn_plugin *plugin)
{
    printf("plugin: %s %s\n", plugin->id ? plugin->id : "?",
           plugin->version ? plugin->version : "?");
    show_roles(plugin);
    printf("limits: %u records a delivery, %u open operations of a kind\n",
           plugin->max_batch ? plugin->max_batch : 1,
           plugin->max_open ? plugin->max_open : 1);
    judge_table(report, plugin);
    report_manifest(report, plugin);
}
