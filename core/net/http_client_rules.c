/* http_client_rules.c - what holds for every request of the HTTP client.
 *
 * One idea: everything that makes a request safe stands in one place, and
 * nothing in it depends on an option, an environment variable or the kind of
 * build.  The one choice is which authorities to trust besides the system's.
 * Called by the client on its loop thread. */
#include "net/http_client_rules.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/memory.h"

enum {
    IDLE_SECONDS_MAX = 60, /* below what servers and firewalls allow */
    SECURITY_LEVEL = 2,    /* OpenSSL: no key below 2048 bits, no SHA-1 */
    HOST_LEN_MAX = 255     /* of a DNS name */
};

/* A child process of the daemon must not inherit a connection. */
static curl_socket_t on_open_socket(void *arg, curlsocktype purpose,
                                    struct curl_sockaddr *address)
{
    (void)arg;
    (void)purpose;
    return socket(address->family,
                  address->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK,
                  address->protocol);
}

/* Beside libcurl's own checks: OpenSSL compares the name too, and then only
 * with the names meant for it, never with the subject's common name; weak keys
 * and signatures stay refused whatever the machine's OpenSSL settings say; and
 * no environment variable makes libcurl write down session keys. */
static CURLcode on_tls(CURL *easy, void *context, void *arg)
{
    SSL_CTX *tls = context;
    const char *host = arg;
    X509_VERIFY_PARAM *rules = SSL_CTX_get0_param(tls);
    unsigned char address[sizeof(struct in6_addr)];
    int done;

    (void)easy;
    SSL_CTX_set_keylog_callback(tls, NULL);
    SSL_CTX_set_security_level(tls, SECURITY_LEVEL);
    SSL_CTX_set_verify(tls, SSL_VERIFY_PEER, NULL);
    X509_VERIFY_PARAM_set_hostflags(rules,
                                    X509_CHECK_FLAG_NEVER_CHECK_SUBJECT |
                                        X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (inet_pton(AF_INET, host, address) == 1 ||
        inet_pton(AF_INET6, host, address) == 1)
        done = X509_VERIFY_PARAM_set1_ip_asc(rules, host);
    else
        done = X509_VERIFY_PARAM_set1_host(rules, host, 0);
    return done == 1 && SSL_CTX_set_min_proto_version(tls, TLS1_2_VERSION) == 1
               ? CURLE_OK
               : CURLE_SSL_CONNECT_ERROR;
}

/* The first refusal of libcurl; set once, asked once. */
#define SET(status, easy, option, value)                                       \
    ((status) = (status) ? (status) : curl_easy_setopt(easy, option, value))

/* What holds for every request and no option can change. */
static CURLcode set_always(CURL *easy)
{
    CURLcode status = CURLE_OK;

    SET(status, easy, CURLOPT_NOSIGNAL, 1L);
    SET(status, easy, CURLOPT_PROTOCOLS_STR, "http,https");
    SET(status, easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(status, easy, CURLOPT_HTTP09_ALLOWED, 0L);
    SET(status, easy, CURLOPT_FOLLOWLOCATION, 0L);
    SET(status, easy, CURLOPT_PROXY, "");
    SET(status, easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    SET(status, easy, CURLOPT_HTTP_CONTENT_DECODING, 0L);
    SET(status, easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    SET(status, easy, CURLOPT_SSL_VERIFYPEER, 1L);
    SET(status, easy, CURLOPT_SSL_VERIFYHOST, 2L);
    /* Each connection shows its certificate anew. */
    SET(status, easy, CURLOPT_SSL_SESSIONID_CACHE, 0L);
    SET(status, easy, CURLOPT_SSL_CTX_FUNCTION, on_tls);
    SET(status, easy, CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
    /* Without it libcurl joins the thread that resolves a name before it gives
     * up a request, and the loop stands still as long as DNS does. */
    SET(status, easy, CURLOPT_QUICK_EXIT, 1L);
    SET(status, easy, CURLOPT_MAXAGE_CONN, (long)IDLE_SECONDS_MAX);
    SET(status, easy, CURLOPT_USERAGENT, "Connect/" CONNECT_VERSION);
    return status;
}

static CURLcode set_trust(CURL *easy, const char *ca_file,
                          const char *ca_directory)
{
    CURLcode status = CURLE_OK;

    if (ca_directory)
        SET(status, easy, CURLOPT_CAPATH, ca_directory);
    /* Where there is a directory, the bundle that holds the same authorities
     * is not read: parsing it costs more than the handshake. */
    if (ca_directory || ca_file)
        SET(status, easy, CURLOPT_CAINFO, ca_file);
    return status;
}

CURLcode http_rules_set(CURL *easy, const char *host, const char *ca_file,
                        const char *ca_directory)
{
    CURLcode status = set_always(easy);

    SET(status, easy, CURLOPT_SSL_CTX_DATA, host);
    return status ? status : set_trust(easy, ca_file, ca_directory);
}

int http_rules_host(const char *url, char **ret_host, char **ret_place)
{
    CURLU *parts = curl_url();
    char *host = NULL, *port = NULL;
    char place[HOST_LEN_MAX + 16];
    int status = -EINVAL;
    size_t len;

    if (!parts || curl_url_set(parts, CURLUPART_URL, url, 0) ||
        curl_url_get(parts, CURLUPART_HOST, &host, 0) ||
        curl_url_get(parts, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT))
        goto out;
    len = strlen(host);
    if (len && host[len - 1] == '.')
        len--;
    if (!len || len > HOST_LEN_MAX)
        goto out;
    status = 0;
    snprintf(place, sizeof(place), "%.*s:%s", (int)len, host, port);
    *ret_place = memory_text(place);
    if (host[0] == '[' && len > 2)
        *ret_host = memory_copy(host + 1, len - 2);
    else
        *ret_host = memory_copy(host, len);
out:
    curl_free(host);
    curl_free(port);
    curl_url_cleanup(parts);
    return status;
}
