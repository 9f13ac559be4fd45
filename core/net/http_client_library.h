/* http_client_library.h - starts libcurl once for the process.  [any thread] */
#ifndef CONNECT_NET_HTTP_CLIENT_LIBRARY_H
#define CONNECT_NET_HTTP_CLIENT_LIBRARY_H

#include "base/error.h"

/* 0 or -ENOMEM; the same for every call. */
int http_library_start(void) MUST_USE;

#endif
