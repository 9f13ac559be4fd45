/* http_client_build.h - a request's URL and header lines, with credentials.
 *
 * Pure but for memory.  [any thread] */
#ifndef CONNECT_NET_HTTP_CLIENT_BUILD_H
#define CONNECT_NET_HTTP_CLIENT_BUILD_H

#include <curl/curl.h>

#include "net/http_client.h"

/* The URL with the query credentials.  The caller wipes and frees it with
 * http_build_wipe.  0, -EINVAL or -E2BIG. */
int http_build_url(const struct http_client_request *request,
                   char **ret_url) MUST_USE;
/* All header lines as libcurl wants them.  The caller frees the list with
 * curl_slist_free_all.  0, -EINVAL or -E2BIG. */
int http_build_headers(const struct http_client_request *request,
                       struct curl_slist **ret_headers) MUST_USE;
/* Capital letters, 1 to 16 of them, and not CONNECT. */
bool http_build_method_fits(const char *method);
/* Overwrite and free a text; NULL is left alone. */
void http_build_wipe(char *text, size_t len);

#endif
