/* http_client_build.c - a request's URL and header lines, with credentials.
 *
 * One idea: whatever comes from a plugin or a configuration is checked before a
 * byte of it is formatted, so that no value can end a line, add a header,
 * change the framing or move the request to another host.  Every copy that
 * holds a credential is wiped when freed.  Called by the client on its loop
 * thread. */
#include "net/http_client_build.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/memory.h"

enum {
    URL_BYTES_MAX = 64 * 1024,    /* SYSPRO posts documents in the query */
    HEADERS_MAX = 64,             /* of one request, with credentials */
    HEADER_BYTES_MAX = 16 * 1024, /* of one line: long tokens fit */
    METHOD_LEN_MAX = 16
};

static const char token[] = "!#$%&'*+-.^_`|~0123456789"
                            "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                            "abcdefghijklmnopqrstuvwxyz";

/* What says how a message is framed and where it goes is the host's. */
static const char *const reserved_names[] = {"Accept-Encoding",
                                             "Connection",
                                             "Content-Length",
                                             "Expect",
                                             "Host",
                                             "Keep-Alive",
                                             "Proxy-Authorization",
                                             "Proxy-Connection",
                                             "TE",
                                             "Trailer",
                                             "Transfer-Encoding",
                                             "Upgrade"};

void http_build_wipe(char *text, size_t len)
{
    if (text && len)
        explicit_bzero(text, len);
    free(text);
}

static void wipe_buf(struct buf *buf)
{
    if (buf->data)
        explicit_bzero(buf->data, buf->capacity);
    buf_done(buf);
}

bool http_build_method_fits(const char *method)
{
    size_t len = method ? strlen(method) : 0;

    return len && len <= METHOD_LEN_MAX &&
           strspn(method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == len &&
           strcmp(method, "CONNECT") != 0;
}

/* ---- URL ---- */

static void append_encoded(struct buf *buf, cn_str value)
{
    static const char plain[] = "-._~0123456789"
                                "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "abcdefghijklmnopqrstuvwxyz";

    for (size_t index = 0; index < value.len; index++) {
        char byte = value.ptr[index];

        if (byte && strchr(plain, byte))
            (void)buf_append(buf, &byte, 1);
        else
            (void)buf_printf(buf, "%%%02X", (unsigned char)byte);
    }
}

static bool url_part_is_set(CURLU *parts, CURLUPart part)
{
    char *text = NULL;
    bool set = !curl_url_get(parts, part, &text, 0);

    curl_free(text);
    return set;
}

static bool url_fits(const char *url)
{
    CURLU *parts;
    char *scheme = NULL;
    bool fits = false;

    for (const char *at = url; *at; at++) {
        if (*at <= 0x20 || *at >= 0x7f)
            return false;
    }
    parts = curl_url();
    if (!parts ||
        curl_url_set(parts, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME))
        goto out;
    if (curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0) ||
        (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0))
        goto out;
    fits = !url_part_is_set(parts, CURLUPART_USER) &&
           !url_part_is_set(parts, CURLUPART_PASSWORD) && !strchr(url, '#') &&
           url_part_is_set(parts, CURLUPART_HOST);
out:
    curl_free(scheme);
    curl_url_cleanup(parts);
    return fits;
}

int http_build_url(const struct http_client_request *request, char **ret_url)
{
    struct buf url;
    bool query;

    if (!request->url || strlen(request->url) > URL_BYTES_MAX)
        return request->url ? -E2BIG : -EINVAL;
    if (!url_fits(request->url))
        return -EINVAL;
    query = strchr(request->url, '?') != NULL;
    buf_init(&url, URL_BYTES_MAX);
    /* Reserved at once, so that no half-grown copy stays behind in memory. */
    url.data = memory_zero(URL_BYTES_MAX + 1, 1);
    url.capacity = URL_BYTES_MAX + 1;
    (void)buf_append_text(&url, request->url);
    for (size_t index = 0; index < request->credential_count; index++) {
        const struct http_credential *credential = &request->credentials[index];

        if (credential->kind != HTTP_QUERY)
            continue;
        (void)buf_append_text(&url, query ? "&" : "?");
        append_encoded(&url, credential->name);
        (void)buf_append_text(&url, "=");
        append_encoded(&url, credential->value);
        query = true;
    }
    if (url.overflow) {
        wipe_buf(&url);
        return -E2BIG;
    }
    *ret_url = memory_copy(url.data, url.len);
    wipe_buf(&url);
    return 0;
}

/* ---- Headers ---- */

static bool name_fits(cn_str name)
{
    if (!name.len)
        return false;
    for (size_t index = 0; index < name.len; index++) {
        if (!name.ptr[index] || !strchr(token, name.ptr[index]))
            return false;
    }
    for (size_t index = 0;
         index < sizeof(reserved_names) / sizeof(reserved_names[0]); index++) {
        if (strlen(reserved_names[index]) == name.len &&
            !strncasecmp(reserved_names[index], name.ptr, name.len))
            return false;
    }
    return true;
}

static bool value_fits(cn_str value)
{
    for (size_t index = 0; index < value.len; index++) {
        unsigned char byte = (unsigned char)value.ptr[index];

        if ((byte < 0x20 && byte != '\t') || byte == 0x7f)
            return false;
    }
    return true;
}

static bool is_blank(cn_str value)
{
    for (size_t index = 0; index < value.len; index++) {
        if (value.ptr[index] != ' ' && value.ptr[index] != '\t')
            return false;
    }
    return true;
}

struct lines {
    struct curl_slist *list; /* owned */
    size_t count;
    size_t authorizations;
    bool content_type;
};

static void add_line(struct lines *lines, const char *line)
{
    struct curl_slist *grown = curl_slist_append(lines->list, line);

    if (!grown)
        abort(); /* the allocator below ends the process before this */
    lines->list = grown;
}

static bool is_name(cn_str name, const char *text)
{
    return name.len == strlen(text) && !strncasecmp(name.ptr, text, name.len);
}

static int add_header(struct lines *lines, cn_str name, cn_str value)
{
    char *line;
    size_t len = name.len + value.len + 2;

    if (!name_fits(name) || !value_fits(value))
        return -EINVAL;
    if (++lines->count > HEADERS_MAX || len > HEADER_BYTES_MAX)
        return -E2BIG;
    if (is_name(name, "Authorization") && ++lines->authorizations > 1)
        return -EINVAL;
    if (is_name(name, "Content-Type"))
        lines->content_type = true;
    line = memory_zero(len + 1, 1);
    memcpy(line, name.ptr, name.len);
    /* libcurl takes "Name:" for "leave this header out". */
    if (is_blank(value)) {
        line[name.len] = ';';
    } else {
        memcpy(line + name.len, ": ", 2);
        memcpy(line + name.len + 2, value.ptr, value.len);
    }
    add_line(lines, line);
    http_build_wipe(line, len);
    return 0;
}

static int add_authorization(struct lines *lines, const char *scheme,
                             const char *text, size_t len)
{
    static const cn_str name = CN_STR("Authorization");
    size_t scheme_len = strlen(scheme);
    char *line = memory_zero(scheme_len + len + 1, 1);
    cn_str value = {line, scheme_len + len};
    int status;

    memcpy(line, scheme, scheme_len);
    memcpy(line + scheme_len, text, len);
    status = add_header(lines, name, value);
    http_build_wipe(line, value.len);
    return status;
}

static int add_basic(struct lines *lines, cn_str user, cn_str password)
{
    size_t len = user.len + 1 + password.len;
    char *pair, *encoded;
    int encoded_len, status;

    if (len > HEADER_BYTES_MAX / 2)
        return -E2BIG;
    if (user.len && memchr(user.ptr, ':', user.len))
        return -EINVAL;
    pair = memory_zero(len + 1, 1);
    encoded = memory_zero(HEADER_BYTES_MAX, 1);
    if (user.len)
        memcpy(pair, user.ptr, user.len);
    pair[user.len] = ':';
    if (password.len)
        memcpy(pair + user.len + 1, password.ptr, password.len);
    encoded_len = EVP_EncodeBlock((unsigned char *)encoded,
                                  (const unsigned char *)pair, (int)len);
    status = add_authorization(lines, "Basic ", encoded, (size_t)encoded_len);
    http_build_wipe(pair, len);
    http_build_wipe(encoded, HEADER_BYTES_MAX);
    return status;
}

static int add_credential(struct lines *lines,
                          const struct http_credential *credential)
{
    cn_str name = credential->name, value = credential->value;

    switch (credential->kind) {
    case HTTP_BASIC:
        return name.len || value.len ? add_basic(lines, name, value) : 0;
    case HTTP_BEARER:
        return value.len
                   ? add_authorization(lines, "Bearer ", value.ptr, value.len)
                   : 0;
    case HTTP_HEADER:
        return value.len ? add_header(lines, name, value) : 0;
    case HTTP_QUERY:
        return name.len ? 0 : -EINVAL;
    }
    return -EINVAL;
}

int http_build_headers(const struct http_client_request *request,
                       struct curl_slist **ret_headers)
{
    struct lines lines = {NULL, 0, 0, false};
    int status = 0;

    for (size_t index = 0; !status && index < request->header_count; index++)
        status = add_header(&lines, request->headers[index].name,
                            request->headers[index].value);
    for (size_t index = 0; !status && index < request->credential_count;
         index++)
        status = add_credential(&lines, &request->credentials[index]);
    if (status) {
        curl_slist_free_all(lines.list);
        return status;
    }
    /* Waiting for 100 Continue costs a second with servers that do not know
     * it; and a body is no form unless the caller says so. */
    add_line(&lines, "Expect:");
    if (!lines.content_type)
        add_line(&lines, "Content-Type:");
    *ret_headers = lines.list;
    return 0;
}
