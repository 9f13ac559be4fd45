/* candidate_evhttp.c - libevent's evhttp.  Runs on the candidate's process
 * only. */
#include "candidate.h"

#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static void on_request(struct evhttp_request *request, void *arg)
{
    struct evbuffer *body = evbuffer_new();

    (void)arg;
    candidate_saw(evhttp_request_get_uri(request));
    evbuffer_add(body, "fine", 4);
    evhttp_send_reply(request, 200, "OK", body);
    evbuffer_free(body);
}

void candidate_evhttp(int port)
{
    struct event_base *base = event_base_new();
    struct evhttp *server = evhttp_new(base);

    evhttp_set_max_headers_size(server, 16 * 1024);
    evhttp_set_max_body_size(server, 1024 * 1024);
    evhttp_set_gencb(server, on_request, NULL);
    if (evhttp_bind_socket(server, "127.0.0.1", (uint16_t)port)) {
        fprintf(stderr, "evhttp does not start\n");
        exit(1);
    }
    event_base_dispatch(base);
}
