/* host_http.h - connect.http/1 on the plugin's side.
 *
 * Called on the instance's thread unless marked. */
#ifndef CONNECT_PLUGIN_HOST_HTTP_H
#define CONNECT_PLUGIN_HOST_HTTP_H

#include "plugin/host.h"

const void *host_http_extension(void);
void host_http_answer(struct host *host, const struct message *message);
/* Answer what is open: the instance ends. */
bool host_http_end(struct host *host);
void host_http_free(struct host *host);

#endif
