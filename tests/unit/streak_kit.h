/* streak_kit.h - what the tests of the Streak simulator share: the simulator in
 * a child process, the keys of its demo world, calls with its API key. */
#ifndef CONNECT_TESTS_STREAK_KIT_H
#define CONNECT_TESTS_STREAK_KIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/memory.h"
#include "sim_json.h"
#include "sim_probe.h"
#include "streak.h"
#include "streak_key.h"

#define KIT_BASIC "Authorization: Basic c2FuZGJveC1zdHJlYWsta2V5Og=="
#define KIT_JSON "Content-Type: application/json"
#define KIT_FORM "Content-Type: application/x-www-form-urlencoded"

struct kit {
    struct sim_probe probe;
    char pipeline[STREAK_KEY_MAX]; /* Sales */
    char team[STREAK_KEY_MAX];
    char box[STREAK_KEY_MAX]; /* Bayside spring order */
    char other_box[STREAK_KEY_MAX];
    char organization[STREAK_KEY_MAX]; /* Bayside Tools Ltd */
    char contact[STREAK_KEY_MAX];      /* Ida Marsh */
    char nobody[STREAK_KEY_MAX];       /* a box key that nothing has */
};

static struct kit kit;

static inline void kit_copy(char *place, const char *text)
{
    assert_non_null(text);
    snprintf(place, STREAK_KEY_MAX, "%s", text);
}

/* A member by a path of names and indexes, "pipelines/0/key"; NULL: none. */
static inline cJSON *kit_at(const cJSON *tree, const char *path)
{
    char part[128];

    while (tree && *path) {
        size_t len = strcspn(path, "/");

        snprintf(part, sizeof(part), "%.*s", (int)len, path);
        tree = cJSON_IsArray(tree)
                   ? cJSON_GetArrayItem(tree, (int)strtol(part, NULL, 10))
                   : cJSON_GetObjectItemCaseSensitive(tree, part);
        path += len + (path[len] == '/');
    }
    return (cJSON *)(uintptr_t)tree;
}

static inline const char *kit_text(const cJSON *tree, const char *path)
{
    return cJSON_GetStringValue(kit_at(tree, path));
}

static inline int64_t kit_number(const cJSON *tree, const char *path)
{
    const cJSON *number = kit_at(tree, path);

    assert_true(cJSON_IsNumber(number));
    return (int64_t)number->valuedouble;
}

/* Text with {P}, {T}, {B}, {D}, {O}, {C}, {X} put in: pipeline, team, box,
 * second box, organization, contact, a box that does not exist. */
static inline char *kit_fill(const char *template)
{
    const char *const values[] = {"P", kit.pipeline,     "T", kit.team,
                                  "B", kit.box,          "D", kit.other_box,
                                  "O", kit.organization, "C", kit.contact,
                                  "X", kit.nobody,       NULL};
    struct buf buf;

    buf_init(&buf, 1 << 20);
    while (*template) {
        size_t index = 0;

        if (template[0] == '{' && template[1] && template[2] == '}')
            while (values[index] && values[index][0] != template[1])
                index += 2;
        else
            index = 1;
        if (index != 1 && values[index]) {
            buf_append_text(&buf, values[index + 1]);
            template += 3;
        } else {
            buf_append(&buf, template ++, 1);
        }
    }
    return buf.data ? buf_take(&buf) : memory_text("");
}

static inline struct sim_reply kit_call_with(const char *const *headers,
                                             const char *method,
                                             const char *path, const char *body)
{
    char *filled_path = kit_fill(path);
    char *filled_body = body ? kit_fill(body) : NULL;
    struct sim_reply reply =
        sim_probe_call(&kit.probe, method, filled_path, headers, filled_body);

    free(filled_path);
    free(filled_body);
    return reply;
}

/* With the API key, and JSON when there is a body. */
static inline struct sim_reply kit_call(const char *method, const char *path,
                                        const char *body)
{
    const char *const headers[] = {KIT_BASIC, body ? KIT_JSON : NULL, NULL};

    return kit_call_with(headers, method, path, body);
}

/* A call that must be answered 200; the caller deletes the tree. */
static inline cJSON *kit_ok(const char *method, const char *path,
                            const char *body)
{
    struct sim_reply reply = kit_call(method, path, body);
    cJSON *tree = reply.json;

    if (reply.status != 200)
        print_error("%s %s: %ld %s\n", method, path, reply.status, reply.text);
    assert_int_equal(reply.status, 200);
    reply.json = NULL;
    sim_reply_done(&reply);
    return tree;
}

static inline void kit_do(const char *method, const char *path,
                          const char *body)
{
    cJSON_Delete(kit_ok(method, path, body));
}

/* A control request that must succeed; the caller deletes the tree. */
static inline cJSON *kit_control(const char *path, const char *body)
{
    char *filled_path = kit_fill(path);
    char *filled_body = body ? kit_fill(body) : NULL;
    struct sim_reply reply =
        sim_probe_control(&kit.probe, filled_path, filled_body);
    cJSON *tree = reply.json;

    if (reply.status != 200)
        print_error("%s: %ld %s\n", path, reply.status, reply.text);
    assert_int_equal(reply.status, 200);
    reply.json = NULL;
    sim_reply_done(&reply);
    free(filled_path);
    free(filled_body);
    return tree;
}

static inline void kit_set(const char *path, const char *body)
{
    cJSON_Delete(kit_control(path, body));
}

static inline int64_t kit_control_number(const char *path, const char *member)
{
    cJSON *tree = kit_control(path, NULL);
    int64_t number = kit_number(tree, member);

    cJSON_Delete(tree);
    return number;
}

/* Back to the demo world; its keys into kit. */
static inline int kit_reset(void **state)
{
    cJSON *world, *boxes, *box;

    (void)state;
    kit_set("/_sim/reset", "{}");
    kit_set("/_sim/clock", "{\"frozen\":false}");
    world = kit_control("/_sim/world", NULL);
    kit_copy(kit.pipeline, kit_text(world, "pipelines/0/key"));
    kit_copy(kit.team, kit_text(world, "team/Harbour Supplies"));
    kit_copy(kit.organization,
             kit_text(world, "organizations/Bayside Tools Ltd"));
    kit_copy(kit.contact, kit_text(world, "contacts/Ida Marsh"));
    boxes = kit_at(world, "pipelines/0/boxes");
    cJSON_ArrayForEach(box, boxes)
    {
        if (strcmp(kit_text(box, "name"), "Bayside spring order") == 0)
            kit_copy(kit.box, kit_text(box, "key"));
        else
            kit_copy(kit.other_box, kit_text(box, "key"));
    }
    streak_key_make(STREAK_BOX, 999, 999999, kit.nobody);
    cJSON_Delete(world);
    return 0;
}

static inline int kit_start_with(const char *const *args)
{
    return sim_probe_start(&kit.probe, &streak_program, args);
}

static inline int kit_start(void **state)
{
    static const char *const args[] = {"--rate", "0", "--seed", "7", NULL};

    (void)state;
    return kit_start_with(args);
}

static inline int kit_stop(void **state)
{
    (void)state;
    return sim_probe_stop(&kit.probe);
}

#endif
