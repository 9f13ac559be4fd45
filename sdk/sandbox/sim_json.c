/* sim_json.c - the few helpers over cJSON that the simulators share.
 *
 * Text is written by hand into a buffer because lists of boxes are large and a
 * tree for each would only be thrown away.  Used on the simulator's thread. */
#include "sim_json.h"

#include <string.h>

static void append_escaped(struct buf *buf, unsigned char byte)
{
    switch (byte) {
    case '"':
        buf_append_text(buf, "\\\"");
        break;
    case '\\':
        buf_append_text(buf, "\\\\");
        break;
    case '\n':
        buf_append_text(buf, "\\n");
        break;
    default:
        buf_printf(buf, "\\u%04x", byte);
    }
}

void sim_json_append_bytes(struct buf *buf, const char *text, size_t len)
{
    size_t start = 0;

    buf_append(buf, "\"", 1);
    for (size_t index = 0; index < len; index++) {
        unsigned char byte = (unsigned char)text[index];

        if (byte >= 0x20 && byte != '"' && byte != '\\')
            continue;
        buf_append(buf, text + start, index - start);
        append_escaped(buf, byte);
        start = index + 1;
    }
    buf_append(buf, text + start, len - start);
    buf_append(buf, "\"", 1);
}

void sim_json_append_text(struct buf *buf, const char *text)
{
    if (!text)
        buf_append(buf, "null", 4);
    else
        sim_json_append_bytes(buf, text, strlen(text));
}

void sim_json_append_tree(struct buf *buf, const cJSON *tree)
{
    char *text = tree ? cJSON_PrintUnformatted(tree) : NULL;

    buf_append_text(buf, text ? text : "null");
    cJSON_free(text);
}

cJSON *sim_json_member(const cJSON *object, const char *name)
{
    return object ? cJSON_GetObjectItemCaseSensitive(object, name) : NULL;
}

const char *sim_json_text(const cJSON *object, const char *name)
{
    return cJSON_GetStringValue(sim_json_member(object, name));
}

int64_t sim_json_number(const cJSON *object, const char *name, int64_t fallback)
{
    const cJSON *member = sim_json_member(object, name);

    if (!cJSON_IsNumber(member) || member->valuedouble > 9e15 ||
        member->valuedouble < -9e15)
        return fallback;
    return (int64_t)member->valuedouble;
}

bool sim_json_flag(const cJSON *object, const char *name, bool fallback)
{
    const cJSON *member = sim_json_member(object, name);

    return cJSON_IsBool(member) ? cJSON_IsTrue(member) : fallback;
}

void sim_json_put(cJSON *object, const char *name, cJSON *value)
{
    cJSON_DeleteItemFromObjectCaseSensitive(object, name);
    cJSON_AddItemToObject(object, name, value);
}
