/* openapi_text.h - the text of openapi.json, made part of the library by the
 * build. */
#ifndef CONNECT_ADMIN_OPENAPI_TEXT_H
#define CONNECT_ADMIN_OPENAPI_TEXT_H

extern const char openapi_text[];
extern const unsigned long openapi_text_len;

#endif
