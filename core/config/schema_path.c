/* schema_path.c - follows a JSON Pointer through a compiled schema.
 *
 * Walks as the pointer would walk through a value: members by name, elements by
 * number.  The way ends without a schema where the schema allows anything.
 * Called while record types and flows are loaded, on any thread. */
#include "config/schema_path.h"

#include <errno.h>
#include <string.h>

#include "config/schema_node.h"

enum { NAME_MAX_BYTES = 512 }; /* of one step; as long as a fault's path */

/* One step of the pointer, unescaped; moves on to the next slash. */
static int take_step(const char **at, char name[NAME_MAX_BYTES])
{
    size_t len = 0;

    if (**at != '/')
        return -ENOENT;
    for ((*at)++; **at && **at != '/'; (*at)++) {
        char byte = **at;

        if (byte == '~') {
            (*at)++;
            if (**at != '0' && **at != '1')
                return -ENOENT;
            byte = **at == '0' ? '~' : '/';
        }
        if (len + 1 == NAME_MAX_BYTES)
            return -ENOENT;
        name[len++] = byte;
    }
    name[len] = '\0';
    return 0;
}

static bool is_index(const char *name)
{
    size_t len = strlen(name);

    return len > 0 && len < 10 && strspn(name, "0123456789") == len &&
           (name[0] != '0' || len == 1);
}

static int step_down(const struct schema *schema, const char *name,
                     const struct schema **ret_schema, bool *always)
{
    const struct schema_property *property;

    if (schema->kinds & KIND_OBJECT) {
        property = schema_property_find(schema, name, NULL);
        if (property) {
            *always =
                *always && property->required && schema->kinds == KIND_OBJECT;
            *ret_schema = property->schema;
            return 0;
        }
        *always = false;
        *ret_schema = schema->additional_schema;
        if (schema->additional != ADDITIONAL_REFUSED)
            return 0;
    }
    *always = false;
    if (!(schema->kinds & KIND_ARRAY) || !is_index(name))
        return -ENOENT;
    *ret_schema = schema->items;
    return 0;
}

int schema_at(const struct schema *schema, const char *pointer,
              const struct schema **ret_schema, bool *ret_always)
{
    char name[NAME_MAX_BYTES];
    bool always = true;

    while (*pointer && schema) {
        const struct schema *next = NULL;

        if (take_step(&pointer, name) < 0 ||
            step_down(schema, name, &next, &always) < 0)
            return -ENOENT;
        schema = next;
    }
    *ret_schema = schema;
    if (ret_always)
        *ret_always = always && schema;
    return 0;
}

bool schema_is_text(const struct schema *schema)
{
    return schema->kinds == KIND_STRING;
}

bool schema_is_marked(const struct schema *schema)
{
    return schema->secret || schema->personal != PERSONAL_NO;
}
