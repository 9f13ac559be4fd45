/* request.h - addresses and bodies of e.net's REST calls. */
#ifndef SYSPRO_REQUEST_H
#define SYSPRO_REQUEST_H

#include <stdbool.h>

#include "settings.h"
#include "text.h"

enum request_kind {
    REQUEST_VERSION,
    REQUEST_LOGON, /* the host adds the passwords */
    REQUEST_PROFILE,
    REQUEST_LOGOFF,
    REQUEST_QUERY,
    REQUEST_POST,      /* GET, documents in the address */
    REQUEST_POST_LARGE /* POST, documents in the body */
};

struct request {
    enum request_kind kind;
    cn_str session;
    const char *object; /* QUERY and POST: the business object */
    cn_str parameters;  /* POST */
    cn_str document;
};

/* Memory may end: then url->failed. */
void request_url(const struct settings *settings, const struct request *request,
                 struct text *url);
void request_body(const struct request *request, struct text *body);

/* Does the request line of a GET fit? */
bool request_fits(const struct settings *settings, const struct text *url);

#endif
