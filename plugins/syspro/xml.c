/* xml.c - documents from outside, read without trusting them.
 *
 * The bytes are looked at before the parser sees them: size, number of marks
 * (each may become a node of some 120 bytes), a NUL, the encoding, and above
 * all a document type, which is where every attack by entities begins.  What is
 * left is read with the parser's own limits on (no huge texts, 256 levels), no
 * network and no replacing of entities.  Pure; any thread once xml_begin
 * has run. */
#include "xml.h"

#include <libxml/parser.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "text.h"

enum {
    DOCUMENT_BYTES_MAX = 16 * 1024 * 1024, /* the contract's limit of a body */
    MARKS_MAX = 300 * 1000 /* < and =: a tree of at most some 60 MiB; an order
                            * of 9,999 lines sent back has 200,000 */
};

static const char *const encodings[] = {"windows-1252", "utf-8", "us-ascii",
                                        "iso-8859-1", NULL};

/* ---- Memory ---------------------------------------------------------------
 */

static void *must_malloc(size_t size)
{
    return text_must(malloc(size));
}

static void *must_realloc(void *ptr, size_t size)
{
    return text_must(realloc(ptr, size));
}

static char *must_strdup(const char *text)
{
    return text_must(strdup(text));
}

static void begin_once(void)
{
    /* An answer that is read in part would be taken for another answer. */
    xmlMemSetup(free, must_malloc, must_realloc, must_strdup);
    xmlInitParser();
}

void xml_begin(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, begin_once);
}

/* ---- Before the parser ----------------------------------------------------
 */

static bool starts(cn_str text, size_t at, const char *word)
{
    size_t len = strlen(word);

    return text.len - at >= len && !memcmp(text.ptr + at, word, len);
}

/* The place behind the next occurrence of word, or 0. */
static size_t behind(cn_str text, size_t at, const char *word)
{
    const char *found =
        memmem(text.ptr + at, text.len - at, word, strlen(word));

    return found ? (size_t)(found - text.ptr) + strlen(word) : 0;
}

/* The encoding that the declaration (from `<?xml` to `?>`) names is known. */
static bool encoding_known(cn_str declaration)
{
    size_t at = behind(declaration, 0, "encoding");

    if (!at)
        return true;
    while (at < declaration.len && strchr(" \t\r\n='\"", declaration.ptr[at]))
        at++;
    for (size_t index = 0; encodings[index]; index++) {
        size_t len = strlen(encodings[index]);
        if (declaration.len - at > len &&
            !strncasecmp(declaration.ptr + at, encodings[index], len) &&
            strchr("'\"", declaration.ptr[at + len]))
            return true;
    }
    return false;
}

/* Only a declaration, comments and instructions stand before the root. */
static bool prolog_harmless(cn_str document)
{
    size_t at = 0, next = 0;

    if (starts(document, 0, "\xEF\xBB\xBF"))
        at = 3;
    if (starts(document, at, "<?xml")) {
        next = behind(document, at, "?>");
        if (!next || !encoding_known((cn_str){document.ptr + at, next - at}))
            return false;
        at = next;
    }
    while (at < document.len) {
        if (strchr(" \t\r\n", document.ptr[at]))
            at++;
        else if (starts(document, at, "<!--"))
            at = behind(document, at + 4, "-->");
        else if (starts(document, at, "<?"))
            at = behind(document, at, "?>");
        else
            return document.ptr[at] == '<' && !starts(document, at, "<!");
        if (!at)
            return false;
    }
    return false;
}

static bool harmless(cn_str document)
{
    size_t marks = 0;

    if (!document.len || document.len > DOCUMENT_BYTES_MAX ||
        memchr(document.ptr, '\0', document.len))
        return false;
    for (size_t index = 0; index < document.len; index++)
        marks += document.ptr[index] == '<' || document.ptr[index] == '=';
    return marks <= MARKS_MAX && prolog_harmless(document);
}

xmlDocPtr xml_read(cn_str document, bool utf8)
{
    const int options = XML_PARSE_NONET | XML_PARSE_NOWARNING |
                        XML_PARSE_NOERROR | XML_PARSE_NOBLANKS |
                        XML_PARSE_COMPACT;
    xmlDocPtr doc = NULL;

    if (!harmless(document))
        return NULL;
    doc = xmlReadMemory(document.ptr, (int)document.len, NULL,
                        utf8 ? "UTF-8" : NULL, options);
    if (doc && (xmlGetIntSubset(doc) || !xmlDocGetRootElement(doc))) {
        xmlFreeDoc(doc);
        doc = NULL;
    }
    return doc;
}

bool xml_is(const xmlNode *node, const char *name)
{
    return node && node->type == XML_ELEMENT_NODE &&
           !strcasecmp((const char *)node->name, name);
}

xmlNodePtr xml_child(const xmlNode *node, const char *name)
{
    xmlNodePtr child = node ? node->children : NULL;

    while (child && !xml_is(child, name))
        child = child->next;
    return child;
}

void xml_text(const xmlNode *node, char *to, size_t size)
{
    xmlChar *content = node ? xmlNodeGetContent(node) : NULL;
    const char *text = content ? (const char *)content : "";

    text_clean(to, size, (cn_str){text, strlen(text)});
    xmlFree(content);
}
