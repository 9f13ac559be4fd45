/* kit_config.c - what the host would have made of manifest and configuration.
 *
 * Defaults are filled in where the manifest's schema has them, properties
 * marked writeOnly move from the configuration to the secrets.  The values are
 * not checked against the schema: the host does that, and a test may want to
 * see what the plugin says.  Called once, by kit_create. */
#include "kit_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <connect/json.h>

static cJSON *read_object(const char *what, const char *text)
{
    cn_json_limits limits = {.flags = CN_JSON_ALLOW_CASE_TWINS};
    cn_json_error error;
    cJSON *value = NULL;
    cn_str string = {text, strlen(text)};

    if (cn_json_read(string, &limits, &value, &error)) {
        fprintf(stderr, "kit: %s, line %zu, column %zu: %s\n", what, error.line,
                error.column, error.sentence);
        abort();
    }
    if (!cJSON_IsObject(value)) {
        fprintf(stderr, "kit: %s is no JSON object\n", what);
        abort();
    }
    return value;
}

static void fill_defaults(const cJSON *schema, cJSON *value)
{
    CN_JSON_EACH(property, cn_json_member(schema, "properties"))
    {
        const cJSON *fallback = cn_json_member(property, "default");
        if (!cJSON_IsObject(value))
            continue;
        if (fallback && !cn_json_member(value, property->string) &&
            cn_json_put(value, property->string,
                        cJSON_Duplicate(fallback, true)))
            abort();
        fill_defaults(property, cn_json_member(value, property->string));
    }
    if (!cJSON_IsArray(value))
        return;
    CN_JSON_EACH(element, value)
    fill_defaults(cn_json_member(schema, "items"), element);
}

static void move_credentials(struct kit *kit, const cJSON *schema)
{
    CN_JSON_EACH(property, cn_json_member(schema, "properties"))
    {
        cJSON *value = cn_json_member(kit->config, property->string);
        if (!value || !cJSON_IsTrue(cn_json_member(property, "writeOnly")))
            continue;
        if (cJSON_IsString(value))
            kit_values_set(&kit->secrets, property->string, value->valuestring,
                           strlen(value->valuestring));
        cJSON_Delete(cJSON_DetachItemViaPointer(kit->config, value));
    }
}

void kit_config_load(struct kit *kit, const char *config)
{
    const cJSON *schema;

    kit->manifest = read_object(
        "manifest", kit->plugin.manifest ? kit->plugin.manifest : "{}");
    kit->config = read_object("configuration", config ? config : "{}");
    schema = cn_json_member(kit->manifest, "config");
    fill_defaults(schema, kit->config);
    move_credentials(kit, schema);
}

bool kit_config_is_credential(const struct kit *kit, const char *name,
                              size_t len)
{
    const cJSON *properties =
        cn_json_pointer(kit->manifest, "/config/properties");

    CN_JSON_EACH(property, properties)
    {
        if (strlen(property->string) == len &&
            !memcmp(property->string, name, len))
            return cJSON_IsTrue(cn_json_member(property, "writeOnly"));
    }
    return false;
}
