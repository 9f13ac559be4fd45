/* xml.h - documents from outside, read without trusting them. */
#ifndef SYSPRO_XML_H
#define SYSPRO_XML_H

#include <stdbool.h>
#include <stddef.h>

#include <libxml/tree.h>

#include <connect/plugin.h>

/* Make the parser ready; again does nothing.  The process ends when the parser
 * gets no memory. */
void xml_begin(void);
/* Read a document; NULL when it is not well-formed, has a document type, is
 * too large or deep, or declares an encoding that SYSPRO does not use.  utf8:
 * the bytes are UTF-8, whatever the document declares.  Free with xmlFreeDoc.
 */
xmlDocPtr xml_read(cn_str document, bool utf8);

/* Is this the element's local name, in any case? */
bool xml_is(const xmlNode *node, const char *name);
/* The first child element of that name, or NULL; node may be NULL. */
xmlNodePtr xml_child(const xmlNode *node, const char *name);
/* The element's own text, cleaned for people; "" when node is NULL. */
void xml_text(const xmlNode *node, char *to, size_t size);

#endif
