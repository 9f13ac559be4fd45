/* connect/ext/http.h - HTTP client, offered by the host.
 *
 * The host sends the request, verifies the certificate, adds the credential
 * named in auth, follows no redirect and limits the answer's size.  What a
 * status code means for the operation is worked out once, in outcome.
 *
 * auth names credentials of the instance's configuration, so that they need
 * not pass through the plugin.  It is one entry or several, comma separated:
 *
 *     token                        Authorization: Bearer <token>
 *     basic api_key                Authorization: Basic base64(<api_key>:)
 *     basic user:password          Authorization: Basic base64(<user>:<password>)
 *     header:X-Api-Key key         X-Api-Key: <key>
 *     query:Password operator_pw   Password=<operator_pw>, percent-encoded, is
 *                                  added to the query of the URL
 *
 * Each lower-case word is the name of a property marked writeOnly in the
 * manifest.  One that the configuration leaves out adds no header; in a query
 * it is added with an empty value.  A name the manifest does not know ends the
 * request with code 0 and CN_REJECTED.
 */
#ifndef CN_EXT_HTTP_H
#define CN_EXT_HTTP_H

#include <connect/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CN_EXT_HTTP "connect.http/1"

typedef struct cn_header {
    cn_str name, value;
} cn_header;

typedef struct cn_http_request {
    uint32_t         size;
    uint32_t         header_count;
    cn_op            op;      /* ends with this operation; 0: with instance */
    const char      *method;  /* "GET" */
    const char      *url;
    const char      *auth;    /* credentials for the host to add, or NULL; see
                               * above */
    const cn_header *headers;
    cn_str           body;
    uint64_t         timeout_ms; /* 0: the host's default */
    uint32_t         effect;  /* nonzero: may change the other system, whatever
                               * the method says; 0: a pure read */
    uint32_t         reserved;
} cn_http_request;

typedef struct cn_http_response {
    uint32_t          size;
    uint32_t          code; /* 0 when there was no answer */
    cn_op             op;   /* that of the request */
    const cn_outcome *outcome; /* what the code means, fit for done: 2xx OK; no
                                * byte sent (DNS, connect, TLS) RETRY; 429, 503
                                * RATE_LIMITED; 401, 403 AUTH; other 5xx, 408,
                                * cut, unreadable or no answer: with effect
                                * IN_DOUBT, without RETRY; any other REJECTED */
    const cn_header  *headers;
    cn_str            body;
    uint32_t          header_count;
    uint32_t          reserved;
} cn_http_response;

typedef struct cn_http {
    uint32_t size;
    uint32_t reserved;
    /* fn is called exactly once, whatever happens. */
    void (*send)(const cn_host *, const cn_http_request *,
                 void (*fn)(void *arg, const cn_http_response *), void *arg);
} cn_http;

#ifdef __cplusplus
}
#endif
#endif
