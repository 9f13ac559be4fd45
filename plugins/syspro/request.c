/* request.c - addresses and bodies of e.net's REST calls.
 *
 * Everything classic is a GET with its documents in the query, posting too, and
 * Windows' HTTP layer takes some 16 KB of request line and headers.  A blank
 * parameter is sent, not left out: SYSPRO tells the two apart.  Pure. */
#include "request.h"

#include <string.h>

enum { REQUEST_LINE_EXTRA = sizeof("GET  HTTP/1.1\r\n") - 1 };

static const char *const paths[] = {[REQUEST_VERSION] = "/GetVersion",
                                    [REQUEST_LOGON] = "/Logon",
                                    [REQUEST_PROFILE] = "/GetLogonProfile",
                                    [REQUEST_LOGOFF] = "/Logoff",
                                    [REQUEST_QUERY] = "/Query/Query",
                                    [REQUEST_POST] = "/Transaction/Post",
                                    [REQUEST_POST_LARGE] =
                                        "/Transaction/PostLD"};

static cn_str text_of(const char *text)
{
    return (cn_str){text, strlen(text)};
}

static void put_pair(struct text *url, const char *name, cn_str value)
{
    text_put(url, strchr(url->ptr ? url->ptr : "", '?') ? "&" : "?");
    text_put(url, name);
    text_put(url, "=");
    text_put_encoded(url, value);
}

static void put_logon(const struct settings *settings, struct text *url)
{
    put_pair(url, "Operator", text_of(settings->operator_code));
    put_pair(url, "CompanyId", text_of(settings->company));
    if (!*settings->language)
        return;
    put_pair(url, "LanguageCode", text_of(settings->language));
    put_pair(url, "LogLevel", text_of(""));
    put_pair(url, "EncoreInstance", text_of("0"));
    put_pair(url, "XmlIn", text_of(""));
}

void request_url(const struct settings *settings, const struct request *request,
                 struct text *url)
{
    text_put(url, settings->base_url);
    text_put(url, paths[request->kind]);
    switch (request->kind) {
    case REQUEST_LOGON:
        put_logon(settings, url);
        break;
    case REQUEST_PROFILE:
    case REQUEST_LOGOFF:
        put_pair(url, "UserId", request->session);
        break;
    case REQUEST_QUERY:
    case REQUEST_POST:
        put_pair(url, "UserId", request->session);
        put_pair(url, "BusinessObject", text_of(request->object));
        if (request->kind == REQUEST_POST)
            put_pair(url, "XmlParameters", request->parameters);
        put_pair(url, "XmlIn", request->document);
        break;
    case REQUEST_VERSION:
    case REQUEST_POST_LARGE:
        break;
    }
}

/* The documents are ASCII with ">" escaped in all texts, so "]]>" cannot end
 * the section before its time. */
static void put_section(struct text *body, const char *name, cn_str document)
{
    text_put(body, "<");
    text_put(body, name);
    text_put(body, "><![CDATA[");
    text_add(body, document);
    text_put(body, "]]></");
    text_put(body, name);
    text_put(body, ">");
}

void request_body(const struct request *request, struct text *body)
{
    text_put(body,
             "<TransactionPostLD xmlns=\"http://SYSPROWcfService\"><UserId>");
    text_put_xml(body, request->session, 0);
    text_put(body, "</UserId>");
    text_put_element(body, "BusinessObject", text_of(request->object), 0);
    put_section(body, "XmlParameters", request->parameters);
    put_section(body, "XmlIn", request->document);
    text_put(body, "</TransactionPostLD>");
}

bool request_fits(const struct settings *settings, const struct text *url)
{
    return url->len + REQUEST_LINE_EXTRA <= settings->url_bytes_max;
}
