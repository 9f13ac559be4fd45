/* definition.c - a flow file, compiled.
 *
 * One idea: everything a run may stumble over that does not depend on data is
 * found here, with file, line and path: unknown members, names used before they
 * have a result, instances, actions and types that do not exist, a delivery
 * that could happen twice.  A compiled flow is immutable and counted by
 * reference.  Called on the loop thread. */
#include "flow/definition.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sodium.h>

#include <connect/json.h>

#include "base/memory.h"
#include "config/config_text.h"
#include "config/nearest.h"

enum {
    NAME_MAX_BYTES = 48, /* of a step: five deep with indexes fit a path */
    DEPTH_MAX = 4,       /* switch and map inside each other */
    STEPS_MAX = 200,     /* of one list */
    NAMES_MAX = 256,     /* results visible at once */
    FLOW_NAME_MAX = 100, /* bytes; the store keeps it with each turn */
    POINTER_MAX = 512,
    VERSION_BYTES = 16 /* of the hash that names a version */
};

struct compiler {
    const char *file;
    const char *text;
    size_t len;
    const struct definition_catalog *catalog; /* may be NULL */
    const struct record_types *types;
    const cJSON *tables;
    struct error *err;
    char pointer[POINTER_MAX];    /* where we are */
    const char *names[NAMES_MAX]; /* results that exist here */
    size_t name_count;
    unsigned depth;
};

/* ---- Messages ------------------------------------------------------------ */

/* place: a JSON pointer below where we are, or "". */
static void enter_place(struct compiler *compiler, const char *place)
{
    size_t len = strlen(compiler->pointer);

    snprintf(compiler->pointer + len, POINTER_MAX - len, "%s", place);
}

static size_t enter(struct compiler *compiler, const char *name)
{
    size_t len = strlen(compiler->pointer);

    snprintf(compiler->pointer + len, POINTER_MAX - len, "/%s", name);
    return len;
}

static size_t enter_index(struct compiler *compiler, size_t index)
{
    char name[24];

    snprintf(name, sizeof(name), "%zu", index);
    return enter(compiler, name);
}

static void leave(struct compiler *compiler, size_t len)
{
    compiler->pointer[len] = '\0';
}

/* Set the error for the place we are at, or for a member of it. */
PRINTF_LIKE(3, 4)
static int wrong(struct compiler *compiler, const char *member,
                 const char *format, ...)
{
    char sentence[512];
    va_list arguments;
    unsigned line;

    va_start(arguments, format);
    vsnprintf(sentence, sizeof(sentence), format, arguments);
    va_end(arguments);
    if (member && *member)
        enter(compiler, member);
    line = config_line(compiler->text, compiler->len, compiler->pointer);
    for (size_t len = strlen(compiler->pointer); !line && len > 0; len--) {
        /* A missing member has no line; that of what lacks it serves. */
        char parent[POINTER_MAX];
        if (compiler->pointer[len - 1] != '/')
            continue;
        snprintf(parent, sizeof(parent), "%.*s", (int)len - 1,
                 compiler->pointer);
        line = config_line(compiler->text, compiler->len, parent);
    }
    error_set(compiler->err, "%s:%u: %s: %s", compiler->file, line,
              compiler->pointer[0] ? compiler->pointer : "/", sentence);
    return -EINVAL;
}

/* Members that value may have: a NULL-terminated list. */
static int check_members(struct compiler *compiler, const cJSON *value,
                         const char *const *known)
{
    if (!cJSON_IsObject(value))
        return wrong(compiler, NULL, "must be an object");
    CN_JSON_EACH(item, value)
    {
        struct nearest nearest;
        size_t index = 0;
        while (known[index] && strcmp(known[index], item->string))
            index++;
        if (known[index])
            continue;
        nearest_init(&nearest, item->string);
        for (index = 0; known[index]; index++)
            nearest_offer(&nearest, known[index]);
        if (nearest.found)
            return wrong(compiler, item->string,
                         "is not known here; did you mean \"%s\"?",
                         nearest.found);
        return wrong(compiler, item->string, "is not known here");
    }
    return 0;
}

static const char *text_member(const cJSON *value, const char *name)
{
    const cJSON *item = cn_json_member(value, name);
    return cJSON_IsString(item) ? item->valuestring : NULL;
}

static int need_text(struct compiler *compiler, const cJSON *value,
                     const char *name, const char **ret_text)
{
    const char *text = text_member(value, name);

    if (!text || !*text)
        return wrong(compiler, name, "must be a text and not empty");
    *ret_text = memory_text(text);
    return 0;
}

/* ---- References ---------------------------------------------------------- */

static bool name_known(const struct compiler *compiler, const char *path,
                       size_t len)
{
    for (size_t index = 0; index < compiler->name_count; index++) {
        if (strlen(compiler->names[index]) == len &&
            !memcmp(compiler->names[index], path, len))
            return true;
    }
    return false;
}

/* A path must begin with a result that exists at this point. */
static int check_path(struct compiler *compiler, const char *member,
                      const char *path)
{
    size_t len;
    struct nearest nearest;
    char first[POINTER_MAX];

    if (path[0] != '/')
        return wrong(compiler, member, "must be a path such as \"/deal/name\"");
    len = strcspn(path + 1, "/");
    if (name_known(compiler, path + 1, len))
        return 0;
    snprintf(first, sizeof(first), "%.*s", (int)(len < 200 ? len : 200),
             path + 1);
    nearest_init(&nearest, first);
    for (size_t index = 0; index < compiler->name_count; index++)
        nearest_offer(&nearest, compiler->names[index]);
    if (nearest.found)
        return wrong(compiler, member,
                     "no result \"%s\" exists here; did you mean \"%s\"?",
                     first, nearest.found);
    return wrong(compiler, member, "no result \"%s\" exists here", first);
}

/* Every "from" and "path" below value, whatever it is part of. */
static int check_paths(struct compiler *compiler, const cJSON *value,
                       bool inside_each)
{
    int status = 0;
    size_t index = 0;

    CN_JSON_EACH(item, value)
    {
        size_t at = item->string ? enter(compiler, item->string)
                                 : enter_index(compiler, index++);
        bool is_path = item->string && (!strcmp(item->string, "from") ||
                                        !strcmp(item->string, "path"));
        bool row = inside_each && (cJSON_IsString(item) &&
                                   (!strncmp(item->valuestring, "/row", 4) ||
                                    !strncmp(item->valuestring, "/index", 6)));
        if (is_path && cJSON_IsString(item) && !row)
            status = check_path(compiler, NULL, item->valuestring);
        else if (is_path && cJSON_IsArray(item)) {
            CN_JSON_EACH(part, item)
            {
                if (!status && cJSON_IsString(part) &&
                    !(inside_each && !strncmp(part->valuestring, "/row", 4)))
                    status = check_path(compiler, NULL, part->valuestring);
            }
        } else if (item->child)
            status = check_paths(
                compiler, item,
                inside_each || (item->string && !strcmp(item->string, "each")));
        if (status)
            return status;
        leave(compiler, at);
    }
    return 0;
}

static int check_instance(struct compiler *compiler, const char *member,
                          const char *instance)
{
    const struct definition_catalog *catalog = compiler->catalog;

    if (!catalog || catalog->exists(catalog->arg, instance))
        return 0;
    return wrong(compiler, member,
                 "no instance \"%s\" is configured; see \"instances\" in "
                 "connect.json",
                 instance);
}

/* ---- Parts of steps ------------------------------------------------------ */

static int compile_mapping(struct compiler *compiler, const char *member,
                           const cJSON *value, struct mapping **ret_mapping)
{
    char place[POINTER_MAX] = "";
    struct error err = {""};
    size_t at = enter(compiler, member);
    int status = check_paths(compiler, value, false);

    if (status)
        return status;
    if (mapping_create(value, compiler->tables, ret_mapping, place, &err)) {
        enter_place(compiler, place);
        return wrong(compiler, NULL, "%s", err.text);
    }
    leave(compiler, at);
    return 0;
}

/* The fields a table sets are fields of the type it makes. */
static int check_targets(struct compiler *compiler, const char *member,
                         const struct flow_step *step)
{
    char place[POINTER_MAX] = "";
    struct error err = {""};
    size_t at = enter(compiler, member);

    if (step->mapping && step->type &&
        mapping_fits(step->mapping, step->type->schema, place, &err)) {
        enter_place(compiler, place);
        return wrong(compiler, NULL, "%s (%s)", err.text, step->type->name);
    }
    leave(compiler, at);
    return 0;
}

static int compile_condition(struct compiler *compiler, const char *member,
                             const cJSON *value,
                             struct condition **ret_condition)
{
    char place[POINTER_MAX] = "";
    struct error err = {""};
    size_t at = enter(compiler, member);
    int status = check_paths(compiler, value, false);

    if (status)
        return status;
    if (condition_create(value, ret_condition, place, &err)) {
        enter_place(compiler, place);
        return wrong(compiler, NULL, "%s", err.text);
    }
    leave(compiler, at);
    return 0;
}

static int compile_steps(struct compiler *compiler, const cJSON *list,
                         struct flow_steps *ret_steps);

static int compile_call(struct compiler *compiler, const cJSON *value,
                        struct flow_step *step)
{
    static const char *const known[] = {"name", "call",  "on",
                                        "with", "title", NULL};
    const struct definition_catalog *catalog = compiler->catalog;
    const cJSON *with = cn_json_member(value, "with");
    int status = check_members(compiler, value, known);

    step->kind = STEP_CALL;
    if (!status)
        status = need_text(compiler, value, "call", &step->action);
    if (!status)
        status = need_text(compiler, value, "on", &step->instance);
    if (!status)
        status = check_instance(compiler, "on", step->instance);
    if (!status && catalog &&
        !catalog->answers(catalog->arg, step->instance, step->action))
        status = wrong(compiler, "call", "instance \"%s\" has no action \"%s\"",
                       step->instance, step->action);
    if (!status && with)
        status = compile_mapping(compiler, "with", with, &step->mapping);
    return status;
}

static int compile_filter(struct compiler *compiler, const cJSON *value,
                          struct flow_step *step)
{
    static const char *const known[] = {"name", "filter", "title", NULL};
    int status = check_members(compiler, value, known);

    step->kind = STEP_FILTER;
    if (!status)
        status = compile_condition(
            compiler, "filter", cn_json_member(value, "filter"), &step->when);
    return status;
}

static int compile_case(struct compiler *compiler, const cJSON *value,
                        bool last, struct flow_case *ret_case)
{
    static const char *const known[] = {"when", "otherwise", "steps", NULL};
    const cJSON *when = cn_json_member(value, "when");
    const cJSON *otherwise = cn_json_member(value, "otherwise");
    int status = check_members(compiler, value, known);

    if (!status && (when ? otherwise != NULL : !cJSON_IsTrue(otherwise)))
        status = wrong(compiler, NULL,
                       "needs either \"when\" or \"otherwise\": true");
    if (!status && otherwise && !last)
        status = wrong(compiler, "otherwise", "must be in the last case");
    if (!status && when)
        status = compile_condition(compiler, "when", when, &ret_case->when);
    if (!status) {
        size_t at = enter(compiler, "steps");
        status = compile_steps(compiler, cn_json_member(value, "steps"),
                               &ret_case->steps);
        if (!status)
            leave(compiler, at);
    }
    return status;
}

/* Results made in one case are not visible in another; after the switch those
 * of any case may be asked for, they may be missing. */
static int compile_switch(struct compiler *compiler, const cJSON *value,
                          struct flow_step *step)
{
    static const char *const known[] = {"name", "switch", "title", NULL};
    const cJSON *cases = cn_json_member(value, "switch");
    int status = check_members(compiler, value, known);
    size_t at, count = 0;

    step->kind = STEP_SWITCH;
    if (!status && (!cJSON_IsArray(cases) || !cases->child))
        status = wrong(compiler, "switch", "must be a list of cases");
    if (status)
        return status;
    at = enter(compiler, "switch");
    count = (size_t)cJSON_GetArraySize(cases);
    step->cases = memory_zero(count, sizeof(*step->cases));
    CN_JSON_EACH(item, cases)
    {
        size_t inner = enter_index(compiler, step->case_count);
        status = compile_case(compiler, item, !item->next,
                              &step->cases[step->case_count++]);
        if (status)
            return status;
        leave(compiler, inner);
    }
    leave(compiler, at);
    return 0;
}

static int find_type(struct compiler *compiler, const char *member,
                     const char *name, const struct record_type **ret_type)
{
    struct nearest nearest;

    *ret_type = record_types_find(compiler->types, name);
    if (*ret_type)
        return 0;
    nearest_init(&nearest, name);
    for (size_t index = 0; record_types_at(compiler->types, index); index++)
        nearest_offer(&nearest, record_types_at(compiler->types, index)->name);
    if (nearest.found)
        return wrong(compiler, member,
                     "no record type \"%s\" is known; did you mean \"%s\"?",
                     name, nearest.found);
    return wrong(compiler, member, "no record type \"%s\" is known", name);
}

static int compile_transform(struct compiler *compiler, const cJSON *value,
                             struct flow_step *step)
{
    static const char *const known[] = {"name", "transform", "as", "title",
                                        NULL};
    const cJSON *how = cn_json_member(value, "transform");
    const char *as = text_member(value, "as");
    int status = check_members(compiler, value, known);

    step->kind = STEP_TRANSFORM;
    if (!status && cJSON_IsArray(how)) {
        status = compile_mapping(compiler, "transform", how, &step->mapping);
    } else if (!status) {
        step->jq = memory_text(text_member(how, "jq"));
        if (!step->jq || how->child->next)
            status = wrong(compiler, "transform",
                           "must be a table of fields or { \"jq\": program }");
    }
    if (!status && as)
        status = find_type(compiler, "as", as, &step->type);
    if (!status)
        status = check_targets(compiler, "transform", step);
    return status;
}

static int compile_map(struct compiler *compiler, const cJSON *value,
                       struct flow_step *step)
{
    static const char *const known[] = {"name", "map", "title", NULL};
    static const char *const inside[] = {"over", "as", "steps", NULL};
    const cJSON *how = cn_json_member(value, "map");
    size_t names = compiler->name_count, at, inner;
    int status = check_members(compiler, value, known);

    step->kind = STEP_MAP;
    if (status)
        return status;
    at = enter(compiler, "map");
    status = check_members(compiler, how, inside);
    if (!status)
        status = need_text(compiler, how, "over", &step->over);
    if (!status)
        status = check_path(compiler, "over", step->over);
    if (!status)
        status = need_text(compiler, how, "as", &step->as);
    if (status)
        return status;
    if (compiler->name_count < NAMES_MAX)
        compiler->names[compiler->name_count++] = step->as;
    inner = enter(compiler, "steps");
    status =
        compile_steps(compiler, cn_json_member(how, "steps"), &step->steps);
    if (status)
        return status;
    leave(compiler, inner);
    leave(compiler, at);
    compiler->name_count = names;
    return 0;
}

/* A delivery that could happen twice unnoticed is no delivery. */
static int check_repeat(struct compiler *compiler, const struct flow_step *step)
{
    const struct definition_catalog *catalog = compiler->catalog;

    if (!catalog || step->accept_doubles || step->type->repeat == REPEAT_SAFE ||
        catalog->probes(catalog->arg, step->instance))
        return 0;
    return wrong(compiler, "deliver",
                 "%s may not be repeated, and instance \"%s\" cannot find out "
                 "whether one took effect; say \"accept_doubles\": true if a "
                 "person accepts that it may happen twice",
                 step->type->name, step->instance);
}

static int compile_body(struct compiler *compiler, const cJSON *value,
                        struct flow_step *step)
{
    const cJSON *body = cn_json_member(value, "body");

    if (cJSON_IsArray(body))
        return compile_mapping(compiler, "body", body, &step->mapping);
    if (!cJSON_IsString(body))
        return wrong(compiler, "body",
                     "must be the path of an earlier result or a table of "
                     "fields");
    step->body = memory_text(body->valuestring);
    return check_path(compiler, "body", step->body);
}

static int compile_deliver(struct compiler *compiler, const cJSON *value,
                           struct flow_step *step)
{
    static const char *const known[] = {"name",  "deliver", "to",
                                        "body",  "on_park", "accept_doubles",
                                        "title", NULL};
    const struct definition_catalog *catalog = compiler->catalog;
    const cJSON *on_park = cn_json_member(value, "on_park");
    const char *type = text_member(value, "deliver");
    int status = check_members(compiler, value, known);

    step->kind = STEP_DELIVER;
    if (!status && !type)
        status = wrong(compiler, "deliver", "must name a record type");
    if (!status)
        status = find_type(compiler, "deliver", type, &step->type);
    if (!status)
        status = need_text(compiler, value, "to", &step->instance);
    if (!status)
        status = check_instance(compiler, "to", step->instance);
    if (!status && catalog &&
        !catalog->takes(catalog->arg, step->instance, type))
        status = wrong(compiler, "to", "instance \"%s\" does not take %s",
                       step->instance, type);
    if (!status && on_park) {
        const char *text = cJSON_GetStringValue(on_park);
        if (!text || (strcmp(text, "wait") && strcmp(text, "skip")))
            status = wrong(compiler, "on_park", "must be \"wait\" or \"skip\"");
        else
            step->skip_on_park = !strcmp(text, "skip");
    }
    step->accept_doubles =
        cJSON_IsTrue(cn_json_member(value, "accept_doubles"));
    if (!status)
        status = check_repeat(compiler, step);
    if (!status)
        status = compile_body(compiler, value, step);
    if (!status)
        status = check_targets(compiler, "body", step);
    return status;
}

/* ---- Steps --------------------------------------------------------------- */

static const struct {
    const char *member;
    int (*compile)(struct compiler *, const cJSON *, struct flow_step *);
} kinds[] = {
    {"call", compile_call},     {"filter", compile_filter},
    {"switch", compile_switch}, {"transform", compile_transform},
    {"map", compile_map},       {"deliver", compile_deliver},
};

static int check_name(struct compiler *compiler, const char *name)
{
    if (strlen(name) > NAME_MAX_BYTES)
        return wrong(compiler, "name", "must be at most %d characters",
                     NAME_MAX_BYTES);
    for (const char *at = name; *at; at++) {
        if (!islower((unsigned char)*at) && !isdigit((unsigned char)*at) &&
            *at != '_')
            return wrong(compiler, "name",
                         "may hold a to z, 0 to 9 and _ only");
    }
    if (name_known(compiler, name, strlen(name)))
        return wrong(compiler, "name",
                     "\"%s\" is the name of an earlier result", name);
    return 0;
}

static int compile_step(struct compiler *compiler, const cJSON *value,
                        struct flow_step *step)
{
    size_t count = sizeof(kinds) / sizeof(kinds[0]), found = count;
    int status;

    if (!cJSON_IsObject(value))
        return wrong(compiler, NULL, "must be a step");
    for (size_t index = 0; index < count; index++) {
        if (!cn_json_member(value, kinds[index].member))
            continue;
        if (found < count)
            return wrong(compiler, kinds[index].member,
                         "a step does one thing; this one has \"%s\" already",
                         kinds[found].member);
        found = index;
    }
    if (found == count)
        return wrong(compiler, NULL,
                     "needs one of \"call\", \"filter\", \"switch\", "
                     "\"transform\", \"map\" and \"deliver\"");
    status = need_text(compiler, value, "name", &step->name);
    if (!status)
        status = check_name(compiler, step->name);
    if (!status)
        status = kinds[found].compile(compiler, value, step);
    if (!status && compiler->name_count == NAMES_MAX)
        status = wrong(compiler, NULL, "more than %d results", NAMES_MAX);
    if (!status)
        compiler->names[compiler->name_count++] = step->name;
    return status;
}

static int compile_steps(struct compiler *compiler, const cJSON *list,
                         struct flow_steps *ret_steps)
{
    size_t count;

    if (!cJSON_IsArray(list) || !list->child)
        return wrong(compiler, NULL, "must be a list of steps");
    count = (size_t)cJSON_GetArraySize(list);
    if (count > STEPS_MAX || ++compiler->depth > DEPTH_MAX)
        return wrong(compiler, NULL,
                     "at most %d steps in a list and %d lists inside each "
                     "other",
                     STEPS_MAX, DEPTH_MAX);
    ret_steps->steps = memory_zero(count, sizeof(*ret_steps->steps));
    CN_JSON_EACH(item, list)
    {
        size_t at = enter_index(compiler, ret_steps->count);
        int status =
            compile_step(compiler, item, &ret_steps->steps[ret_steps->count++]);
        if (status)
            return status;
        leave(compiler, at);
    }
    compiler->depth--;
    return 0;
}

/* ---- The file ------------------------------------------------------------ */

static int compile_trigger(struct compiler *compiler, const cJSON *value,
                           struct definition *flow)
{
    static const char *const known[] = {"instance", "type", "when", NULL};
    const struct definition_catalog *catalog = compiler->catalog;
    const cJSON *when = cn_json_member(value, "when");
    const struct record_type *type = NULL;
    size_t at = enter(compiler, "trigger");
    int status = check_members(compiler, value, known);

    if (!status)
        status = need_text(compiler, value, "instance", &flow->instance);
    if (!status)
        status = need_text(compiler, value, "type", &flow->type);
    if (!status)
        status = find_type(compiler, "type", flow->type, &type);
    if (!status)
        status = check_instance(compiler, "instance", flow->instance);
    if (!status && catalog &&
        !catalog->emits(catalog->arg, flow->instance, flow->type))
        status = wrong(compiler, "type", "instance \"%s\" does not emit %s",
                       flow->instance, flow->type);
    if (!status && when)
        status = compile_condition(compiler, "when", when, &flow->when);
    if (!status)
        leave(compiler, at);
    return status;
}

/* A member that is one of two words, or left out: 0 or 1, else otherwise. */
static int compile_word(struct compiler *compiler, const cJSON *value,
                        const char *name, const char *const words[2],
                        int otherwise, int *ret_word)
{
    const char *text = text_member(value, name);

    *ret_word = otherwise;
    if (!cn_json_member(value, name))
        return 0;
    for (int word = 0; text && word < 2; word++) {
        if (strcmp(text, words[word]) != 0)
            continue;
        *ret_word = word;
        return 0;
    }
    return wrong(compiler, name, "must be \"%s\" or \"%s\"", words[0],
                 words[1]);
}

static int compile_turns(struct compiler *compiler, const cJSON *value,
                         struct definition *flow)
{
    static const char *const newer[] = {"waits", "overtakes"};
    static const char *const priority[] = {"interactive", "bulk"};
    int word = 0, status;

    status =
        compile_word(compiler, value, "newer", newer, FLOW_NEWER_WAITS, &word);
    flow->newer = (enum flow_newer)word;
    if (!status)
        status = compile_word(compiler, value, "priority", priority,
                              FLOW_PRIORITY_UNSAID, &word);
    flow->priority = (enum flow_priority)word;
    return status;
}

static int compile_flow(struct compiler *compiler, const cJSON *value,
                        struct definition *flow)
{
    static const char *const known[] = {"flow",     "title",   "newer",
                                        "priority", "trigger", "tables",
                                        "steps",    NULL};
    size_t at;
    int status = check_members(compiler, value, known);

    compiler->names[compiler->name_count++] = "trigger";
    compiler->names[compiler->name_count++] = "record";
    if (!status)
        status = need_text(compiler, value, "flow", &flow->name);
    if (!status && strlen(flow->name) > FLOW_NAME_MAX)
        status = wrong(compiler, "flow", "is too long; at most %d bytes",
                       FLOW_NAME_MAX);
    flow->title = memory_text(text_member(value, "title"));
    if (!status)
        status = compile_turns(compiler, value, flow);
    compiler->tables = cn_json_member(value, "tables");
    if (!status && compiler->tables && !cJSON_IsObject(compiler->tables))
        status = wrong(compiler, "tables", "must be an object of tables");
    if (!status)
        status =
            compile_trigger(compiler, cn_json_member(value, "trigger"), flow);
    if (status)
        return status;
    at = enter(compiler, "steps");
    status =
        compile_steps(compiler, cn_json_member(value, "steps"), &flow->steps);
    if (!status)
        leave(compiler, at);
    return status;
}

static void steps_destroy(struct flow_steps *steps);

static void step_destroy(struct flow_step *step)
{
    free((void *)(uintptr_t)step->name);
    free((void *)(uintptr_t)step->instance);
    free((void *)(uintptr_t)step->action);
    free((void *)(uintptr_t)step->jq);
    free((void *)(uintptr_t)step->over);
    free((void *)(uintptr_t)step->as);
    free((void *)(uintptr_t)step->body);
    mapping_destroy(step->mapping);
    condition_destroy(step->when);
    for (size_t index = 0; index < step->case_count; index++) {
        condition_destroy(step->cases[index].when);
        steps_destroy(&step->cases[index].steps);
    }
    free(step->cases);
    steps_destroy(&step->steps);
}

static void steps_destroy(struct flow_steps *steps)
{
    for (size_t index = 0; index < steps->count; index++)
        step_destroy(&steps->steps[index]);
    free(steps->steps);
}

struct definition *definition_hold(struct definition *definition)
{
    definition->references++;
    return definition;
}

void definition_release(struct definition *definition)
{
    if (!definition)
        return;
    assert(definition->references > 0);
    if (--definition->references > 0)
        return;
    steps_destroy(&definition->steps);
    condition_destroy(definition->when);
    free((void *)(uintptr_t)definition->name);
    free((void *)(uintptr_t)definition->title);
    free((void *)(uintptr_t)definition->version);
    free((void *)(uintptr_t)definition->text);
    free((void *)(uintptr_t)definition->instance);
    free((void *)(uintptr_t)definition->type);
    free(definition);
}

/* The version is the hash of the text, so an unchanged file is the same
 * version after every restart. */
static char *text_version(const char *text, size_t len)
{
    unsigned char hash[VERSION_BYTES];
    char hex[2 * VERSION_BYTES + 1];

    crypto_generichash(hash, sizeof(hash), (const unsigned char *)text, len,
                       NULL, 0);
    sodium_bin2hex(hex, sizeof(hex), hash, sizeof(hash));
    return memory_text(hex);
}

int definition_create(const char *file, const char *text, size_t len,
                      const struct definition_catalog *catalog,
                      const struct record_types *types,
                      struct definition **ret_definition, struct error *err)
{
    struct compiler *compiler = memory_zero(1, sizeof(*compiler));
    struct definition *flow = memory_zero(1, sizeof(*flow));
    cJSON *value = NULL;
    int status;

    flow->references = 1;
    flow->text = memory_copy(text, len);
    flow->version = text_version(text, len);
    compiler->file = file;
    compiler->text = text;
    compiler->len = len;
    compiler->catalog = catalog;
    compiler->types = types;
    compiler->err = err;
    status = config_parse(file, text, len, &value, err);
    if (!status)
        status = compile_flow(compiler, value, flow);
    cJSON_Delete(value);
    free(compiler);
    if (status)
        definition_release(flow);
    else
        *ret_definition = flow;
    return status;
}
