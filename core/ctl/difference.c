/* difference.c - how one JSON value became another, place by place.
 *
 * One idea: values are compared where they stand, members by name and elements
 * by number; the smallest value that differs is a line.  A list that got an
 * element in its middle shows every later one, which is what the other system
 * gets to see.  One thread. */
#include "ctl/difference.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <connect/json.h>

enum {
    PLACE_MAX = 1024, /* of one place; a longer one is cut */
    DEPTH_MAX = 200,  /* as the reader of answers */
    VALUE_LINES = 3
};

struct walk {
    const struct text_out *out;
    size_t indent;
    size_t count;
    char place[PLACE_MAX];
};

static void walk_value(const struct walk *walk, enum text_style style,
                       const char *mark, const cJSON *value)
{
    const char *text = cn_json_text(value);
    char *made = text ? NULL : cn_json_print(value);

    fputs(mark, walk->out->file);
    text_print_wrapped(walk->out, style,
                       text   ? text
                       : made ? made
                              : "",
                       walk->indent + 2, VALUE_LINES);
    free(made);
}

static bool is_short(const cJSON *value)
{
    return !cJSON_IsObject(value) && !cJSON_IsArray(value) &&
           (!cn_json_text(value) || strlen(cn_json_text(value)) < 30);
}

static void walk_line(struct walk *walk, const cJSON *was, const cJSON *is)
{
    const struct text_out *out = walk->out;
    int indent = (int)walk->indent;

    walk->count++;
    fprintf(out->file, "%*s", indent, "");
    text_print_cell(out, TEXT_BOLD, *walk->place ? walk->place : "/", 0, false);
    fputs(": ", out->file);
    if (was && is && is_short(was) && is_short(is)) {
        char *from = cn_json_text(was) ? NULL : cn_json_print(was);
        text_print_cell(out, TEXT_RED, from ? from : cn_json_text(was), 0,
                        false);
        free(from);
        walk_value(walk, TEXT_GREEN, " \u2192 ", is);
        return;
    }
    if (was)
        walk_value(walk, TEXT_RED, "\u2212 ", was);
    if (was && is)
        fprintf(out->file, "%*s", indent + 2, "");
    if (is)
        walk_value(walk, TEXT_GREEN, "+ ", is);
}

static void walk_both(struct walk *walk, const cJSON *was, const cJSON *is,
                      int depth);

static void walk_into(struct walk *walk, const char *name, const cJSON *was,
                      const cJSON *is, int depth)
{
    size_t len = strlen(walk->place);

    snprintf(walk->place + len, sizeof(walk->place) - len, "/%s", name);
    walk_both(walk, was, is, depth + 1);
    walk->place[len] = '\0';
}

static void walk_members(struct walk *walk, const cJSON *was, const cJSON *is,
                         int depth)
{
    CN_JSON_EACH(member, was)
    {
        walk_into(walk, member->string, member,
                  cn_json_member(is, member->string), depth);
    }
    CN_JSON_EACH(member, is)
    {
        if (!cn_json_member(was, member->string))
            walk_into(walk, member->string, NULL, member, depth);
    }
}

static void walk_elements(struct walk *walk, const cJSON *was, const cJSON *is,
                          int depth)
{
    const cJSON *left = was->child, *right = is->child;
    char number[24];

    for (size_t index = 0; left || right; index++) {
        snprintf(number, sizeof(number), "%zu", index);
        walk_into(walk, number, left, right, depth);
        left = left ? left->next : NULL;
        right = right ? right->next : NULL;
    }
}

static void walk_both(struct walk *walk, const cJSON *was, const cJSON *is,
                      int depth)
{
    if (was && is && cn_json_equal(was, is))
        return;
    if (depth < DEPTH_MAX && cJSON_IsObject(was) && cJSON_IsObject(is))
        walk_members(walk, was, is, depth);
    else if (depth < DEPTH_MAX && cJSON_IsArray(was) && cJSON_IsArray(is))
        walk_elements(walk, was, is, depth);
    else if (was || is)
        walk_line(walk, was, is);
}

size_t difference_print(const struct text_out *out, size_t indent,
                        const cJSON *was, const cJSON *is)
{
    struct walk walk = {.out = out, .indent = indent};

    walk_both(&walk, was, is, 0);
    return walk.count;
}
