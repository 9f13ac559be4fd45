/* http_client_rules.h - what holds for every request of the HTTP client.
 *
 * [any thread] */
#ifndef CONNECT_NET_HTTP_CLIENT_RULES_H
#define CONNECT_NET_HTTP_CLIENT_RULES_H

#include <curl/curl.h>

#include "base/error.h"

/* Set the rules on a handle.  host: what the certificate must name, borrowed
 * as long as the handle is used.  ca_file: authorities to trust beside those in
 * ca_directory; both may be NULL, which leaves libcurl's own. */
CURLcode http_rules_set(CURL *easy, const char *host, const char *ca_file,
                        const char *ca_directory) MUST_USE;
/* The host of a URL, without the brackets of IPv6 and the dot of the root, and
 * host:port; the caller frees both.  0 or -EINVAL. */
int http_rules_host(const char *url, char **ret_host,
                    char **ret_place) MUST_USE;

#endif
