/* syspro_hostile.c - answers made to attack an XML reader (catalogue F18).
 *
 * The idea: take the good answer, put a document type before its root and a use
 * of it behind the root's start tag, so that a reader that does not refuse it
 * still finds everything it looks for.  Pure; called on the server's thread. */
#include "syspro_hostile.h"

#include <stdio.h>
#include <string.h>

enum {
    LEVELS = 300000,         /* F18: 300,000 levels */
    HUGE_BYTES = 100 << 20,  /* F18: a text of 100 MB */
    QUADRATIC_BYTES = 50000, /* times QUADRATIC_USES: 2.5 GB when expanded */
    QUADRATIC_USES = 50000,
};

static const char *const attacks[] = {"external", "network",   "parameter",
                                      "laughs",   "quadratic", "deep",
                                      "huge",     "plain",     "encoding"};

int syspro_hostile_known(const char *attack)
{
    for (size_t i = 0; i < sizeof(attacks) / sizeof(attacks[0]); i++)
        if (strcmp(attacks[i], attack) == 0)
            return 1;
    return 0;
}

static void fill(struct buf *out, const char *text, size_t bytes)
{
    size_t len = strlen(text);

    for (size_t done = 0; done + len <= bytes && !out->overflow; done += len)
        buf_append(out, text, len);
}

static void write_laughs(struct buf *out)
{
    buf_append_text(out, "<!ENTITY e0 \"ha\">\n");
    for (int i = 1; i <= 12; i++) {
        buf_printf(out, "<!ENTITY e%d \"", i);
        for (int j = 0; j < 10; j++)
            buf_printf(out, "&e%d;", i - 1);
        buf_append_text(out, "\">\n");
    }
    buf_append_text(out, "<!ENTITY e \"&e12;\">\n");
}

static void write_type(const char *attack, const char *url, const char *root,
                       int root_len, struct buf *out)
{
    if (strcmp(attack, "deep") == 0 || strcmp(attack, "huge") == 0 ||
        strcmp(attack, "encoding") == 0)
        return;
    buf_printf(out, "<!DOCTYPE %.*s [\n", root_len, root);
    if (strcmp(attack, "external") == 0)
        buf_append_text(out, "<!ENTITY e SYSTEM \"file:///etc/passwd\">\n");
    else if (strcmp(attack, "network") == 0)
        buf_printf(out, "<!ENTITY e SYSTEM \"%s\">\n", url);
    else if (strcmp(attack, "parameter") == 0)
        buf_printf(out,
                   "<!ENTITY %% p SYSTEM \"%s\">\n%%p;\n<!ENTITY e \"e\">\n",
                   url);
    else if (strcmp(attack, "laughs") == 0)
        write_laughs(out);
    else if (strcmp(attack, "quadratic") == 0) {
        buf_append_text(out, "<!ENTITY e \"");
        fill(out, "a", QUADRATIC_BYTES);
        buf_append_text(out, "\">\n");
    }
    buf_append_text(out, "]>\n");
}

static void write_use(const char *attack, struct buf *out)
{
    if (strcmp(attack, "deep") == 0) {
        fill(out, "<a>", LEVELS * strlen("<a>"));
        fill(out, "</a>", LEVELS * strlen("</a>"));
    } else if (strcmp(attack, "huge") == 0) {
        buf_append_text(out, "<Note>");
        fill(out, "0123456789abcdef", HUGE_BYTES);
        buf_append_text(out, "</Note>");
    } else if (strcmp(attack, "quadratic") == 0) {
        buf_append_text(out, "<Note>");
        fill(out, "&e;", QUADRATIC_USES * strlen("&e;"));
        buf_append_text(out, "</Note>");
    } else if (strcmp(attack, "plain") != 0 &&
               strcmp(attack, "encoding") != 0) {
        buf_append_text(out, "<Note>&e;</Note>");
    }
    buf_append_text(out, "\n");
}

void syspro_hostile_write(const char *attack, const char *url,
                          const char *answer, struct buf *out)
{
    const char *declared = strstr(answer, "?>\n");
    const char *root = declared != NULL ? declared + 3 : NULL;
    const char *inside = root != NULL ? strchr(root, '\n') : NULL;

    if (strncmp(answer, "<?xml", 5) != 0 || inside == NULL) {
        buf_append_text(out, answer);
        return;
    }
    if (strcmp(attack, "encoding") == 0)
        buf_append_text(out, "<?xml version=\"1.0\" encoding=\"UTF-16\"?>\n");
    else
        buf_append(out, answer, (size_t)(root - answer));
    write_type(attack, url, root + 1, (int)strcspn(root + 1, " >"), out);
    buf_append(out, root, (size_t)(inside + 1 - root));
    write_use(attack, out);
    buf_append_text(out, inside + 1);
}
