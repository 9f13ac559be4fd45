/* candidate_connect.c - core/net/http_server as a candidate: our own strict
 * reader.  Runs on the candidate's process only. */
#include "candidate.h"

#include <stdio.h>
#include <stdlib.h>

#include "net/http_server.h"

static void on_request(void *arg, struct http_server_exchange *exchange,
                       const struct http_server_request *request)
{
    struct http_server_answer answer = {
        .status = 200, .body = "fine", .body_len = 4};

    (void)arg;
    candidate_saw(request->path);
    http_server_answer(exchange, &answer);
}

void candidate_connect(int port)
{
    struct http_server_listener listener = {.address = "127.0.0.1",
                                            .port = port};
    struct http_server_options options;
    struct http_server *server;
    struct error err = {""};

    http_server_options_default(&options);
    options.on_request = on_request;
    if (http_server_create(uv_default_loop(), &options, &server) ||
        http_server_listen(server, &listener, NULL, &err)) {
        fprintf(stderr, "%s\n", err.text);
        exit(1);
    }
    uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}
