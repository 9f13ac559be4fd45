/* syspro_xml.c - read request documents and write answers.
 *
 * The idea: libxml2 reads (no network, no entity replaced, a document type is
 * refused before the tree is used), the answers are written by hand, because
 * their bytes are the point: single-quoted root attributes, one element a
 * line, a newline and one blank behind the root.
 * What must hold: every text that leaves this file is narrowed, so that the
 * conversion to bytes cannot fail.  Called on the server's thread. */
#include "syspro_xml.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <libxml/parser.h>

/* A document of e.net is small; above this the parser is not even started. */
enum { DOCUMENT_BYTES_MAX = 16 * 1024 * 1024 };

/* Bytes 0x80 to 0x9F of Windows-1252; 0 is unassigned. */
static const uint16_t high_table[32] = {
    0x20AC, 0,      0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021,
    0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, 0,      0x017D, 0,
    0,      0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014,
    0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0,      0x017E, 0x0178,
};

/* One character of UTF-8; 0 with *ret_len 1 when the bytes are not UTF-8. */
static uint32_t utf8_next(const unsigned char *at, size_t left, size_t *ret_len)
{
    static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
    size_t len = at[0] < 0x80    ? 1
                 : at[0] >= 0xF0 ? 4
                 : at[0] >= 0xE0 ? 3
                 : at[0] >= 0xC2 ? 2
                                 : 0;
    uint32_t value = len == 1   ? at[0]
                     : len == 2 ? at[0] & 0x1Fu
                     : len == 3 ? at[0] & 0x0Fu
                                : at[0] & 0x07u;

    *ret_len = 1;
    if (len == 0 || len > left)
        return 0;
    for (size_t i = 1; i < len; i++) {
        if ((at[i] & 0xC0u) != 0x80u)
            return 0;
        value = value << 6 | (at[i] & 0x3Fu);
    }
    if (value < least[len] || value > 0x10FFFF ||
        (value >= 0xD800 && value < 0xE000))
        return 0;
    *ret_len = len;
    return value;
}

/* The byte of Windows-1252, or 0. */
static unsigned char to_byte(uint32_t value)
{
    if (value < 0x80 || (value >= 0xA0 && value <= 0xFF))
        return (unsigned char)value;
    for (size_t i = 0; i < 32; i++)
        if (high_table[i] != 0 && high_table[i] == value)
            return (unsigned char)(0x80 + i);
    return 0;
}

void syspro_xml_narrow(char *text)
{
    const unsigned char *from = (const unsigned char *)text;
    size_t left = strlen(text);
    char *to = text;

    while (left > 0) {
        size_t len = 0;
        uint32_t value = utf8_next(from, left, &len);

        if (value == 0 || to_byte(value) == 0) {
            *to++ = '?';
        } else {
            memmove(to, from, len);
            to += len;
        }
        from += len;
        left -= len;
    }
    *to = '\0';
}

size_t syspro_xml_length(const char *text)
{
    size_t count = 0;

    for (; *text != '\0'; text++)
        if (((unsigned char)*text & 0xC0u) != 0x80u)
            count++;
    return count;
}

void syspro_xml_to_bytes(const char *text, size_t len, struct buf *out)
{
    size_t at = 0;

    while (at < len) {
        size_t step = 0;
        uint32_t value =
            utf8_next((const unsigned char *)text + at, len - at, &step);
        unsigned char byte = to_byte(value);

        if (byte == 0)
            byte = '?';
        buf_append(out, &byte, 1);
        at += step;
    }
}

xmlDocPtr syspro_xml_parse(const char *text, size_t len, const char **ret_why)
{
    xmlDocPtr doc = NULL;
    char *copy = NULL;

    *ret_why = "XML document is not well formed";
    while (len > 0 && strchr(" \t\r\n", text[len - 1]) != NULL)
        len--;
    if (len == 0 || len > DOCUMENT_BYTES_MAX || memchr(text, 0, len) != NULL)
        return NULL;
    copy = strndup(text, len);
    if (copy == NULL)
        return NULL;
    syspro_xml_narrow(copy);
    if (strstr(copy, "<!DOCTYPE") != NULL) {
        *ret_why = "DTD is prohibited in the XML document";
        free(copy);
        return NULL;
    }
    doc = xmlReadMemory(copy, (int)strlen(copy), NULL, "UTF-8",
                        XML_PARSE_NONET | XML_PARSE_NOERROR |
                            XML_PARSE_NOWARNING | XML_PARSE_NOCDATA);
    free(copy);
    if (doc != NULL && (doc->intSubset != NULL || doc->extSubset != NULL ||
                        xmlDocGetRootElement(doc) == NULL)) {
        xmlFreeDoc(doc);
        doc = NULL;
    }
    return doc;
}

xmlDocPtr syspro_xml_read(const char *text, const char *what, const char *root,
                          struct buf *out)
{
    const char *why = NULL;
    xmlDocPtr doc = syspro_xml_parse(text, strlen(text), &why);

    if (doc == NULL) {
        buf_printf(out, "ERROR: %s - %s", what, why);
        return NULL;
    }
    if (!syspro_xml_is(xmlDocGetRootElement(doc), root)) {
        buf_printf(out, "ERROR: %s - root element is not %s", what, root);
        xmlFreeDoc(doc);
        return NULL;
    }
    return doc;
}

bool syspro_xml_is(xmlNodePtr node, const char *name)
{
    return node->type == XML_ELEMENT_NODE &&
           strcmp((const char *)node->name, name) == 0;
}

xmlNodePtr syspro_xml_child(xmlNodePtr parent, const char *name)
{
    if (parent == NULL)
        return NULL;
    for (xmlNodePtr node = parent->children; node != NULL; node = node->next)
        if (syspro_xml_is(node, name))
            return node;
    return NULL;
}

xmlNodePtr syspro_xml_next(xmlNodePtr node)
{
    const char *name = (const char *)node->name;

    for (node = node->next; node != NULL; node = node->next)
        if (syspro_xml_is(node, name))
            return node;
    return NULL;
}

bool syspro_xml_text(xmlNodePtr node, char out[SYSPRO_TEXT_MAX])
{
    size_t len = 0;

    out[0] = '\0';
    if (node == NULL)
        return false;
    xmlChar *content = xmlNodeGetContent(node);

    if (content == NULL)
        return true;
    syspro_xml_narrow((char *)content);
    const char *from = (const char *)content;

    from += strspn(from, " \t\r\n");
    len = strlen(from);
    while (len > 0 && strchr(" \t\r\n", from[len - 1]) != NULL)
        len--;
    if (len >= SYSPRO_TEXT_MAX) {
        len = SYSPRO_TEXT_MAX - 1;
        while (len > 0 && ((unsigned char)from[len] & 0xC0u) == 0x80u)
            len--;
    }
    memcpy(out, from, len);
    out[len] = '\0';
    xmlFree(content);
    return true;
}

bool syspro_xml_child_text(xmlNodePtr parent, const char *name,
                           char out[SYSPRO_TEXT_MAX])
{
    return syspro_xml_text(syspro_xml_child(parent, name), out);
}

void syspro_xml_begin(struct buf *out, const char *root, const char *version,
                      const char *more_attributes)
{
    buf_printf(out,
               "<?xml version=\"1.0\" encoding=\"Windows-1252\"?>\n"
               "<%s Language='05' Language2='EN' CssStyle='' DecFormat='1' "
               "DateFormat='01' Role='01' Version='%s' "
               "OperatorPrimaryRole='017'%s>\n",
               root, version, more_attributes);
}

void syspro_xml_end(struct buf *out, const char *root)
{
    buf_printf(out, "</%s>\n ", root);
}

void syspro_xml_open(struct buf *out, const char *name)
{
    buf_printf(out, "<%s>\n", name);
}

void syspro_xml_close(struct buf *out, const char *name)
{
    buf_printf(out, "</%s>\n", name);
}

void syspro_xml_escape(struct buf *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '&')
            buf_append_text(out, "&amp;");
        else if (*text == '<')
            buf_append_text(out, "&lt;");
        else if (*text == '>')
            buf_append_text(out, "&gt;");
        else if ((unsigned char)*text >= 0x20)
            buf_append(out, text, 1);
    }
}

void syspro_xml_leaf(struct buf *out, const char *name, const char *text)
{
    if (*text == '\0') {
        buf_printf(out, "<%s/>\n", name);
        return;
    }
    buf_printf(out, "<%s>", name);
    syspro_xml_escape(out, text);
    buf_printf(out, "</%s>\n", name);
}

void syspro_xml_leaf_count(struct buf *out, const char *name, int count)
{
    buf_printf(out, "<%s>%06d</%s>\n", name, count, name);
}
