/* syspro_xml.h - XML as e.net takes it and as it answers it.
 *
 * Inside the simulator all text is UTF-8 that holds only characters of
 * Windows-1252; what is outside becomes '?', as in SYSPRO's columns. */
#ifndef CONNECT_SANDBOX_SYSPRO_XML_H
#define CONNECT_SANDBOX_SYSPRO_XML_H

#include <stdbool.h>

#include <libxml/tree.h>

#include "base/buf.h"

enum { SYSPRO_TEXT_MAX = 1024 }; /* longest value looked at, bytes of UTF-8 */

/* Replace what Windows-1252 cannot hold, in place. */
void syspro_xml_narrow(char *text);
/* Characters (not bytes) of a narrowed text. */
size_t syspro_xml_length(const char *text);
/* Append a narrowed text as Windows-1252 bytes. */
void syspro_xml_to_bytes(const char *text, size_t len, struct buf *out);

/* Parse a document; free with xmlFreeDoc.  NULL with a reason in why when it
 * is not well formed or carries a document type. */
xmlDocPtr syspro_xml_parse(const char *text, size_t len, const char **ret_why);
/* The same for a request document that must have a certain root.  NULL after
 * an ERROR text, which calls the document what. */
xmlDocPtr syspro_xml_read(const char *text, const char *what, const char *root,
                          struct buf *out);
/* The first child element of that exact name, or NULL. */
xmlNodePtr syspro_xml_child(xmlNodePtr parent, const char *name);
/* The next sibling element of the same name, or NULL. */
xmlNodePtr syspro_xml_next(xmlNodePtr node);
/* Whether it is an element of that name. */
bool syspro_xml_is(xmlNodePtr node, const char *name);
/* The trimmed, narrowed text of an element or of a child; "" when there is
 * none.  Cut at SYSPRO_TEXT_MAX.  Returns whether the element is there. */
bool syspro_xml_text(xmlNodePtr node, char out[SYSPRO_TEXT_MAX]);
bool syspro_xml_child_text(xmlNodePtr parent, const char *name,
                           char out[SYSPRO_TEXT_MAX]);

/* Writing.  Documents are built as UTF-8; syspro_xml_to_bytes comes last. */
void syspro_xml_begin(struct buf *out, const char *root, const char *version,
                      const char *more_attributes);
void syspro_xml_end(struct buf *out, const char *root);
void syspro_xml_open(struct buf *out, const char *name);
void syspro_xml_close(struct buf *out, const char *name);
void syspro_xml_escape(struct buf *out, const char *text);
void syspro_xml_leaf(struct buf *out, const char *name, const char *text);
void syspro_xml_leaf_count(struct buf *out, const char *name, int count);

#endif
