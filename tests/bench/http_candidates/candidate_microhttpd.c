/* candidate_microhttpd.c - libmicrohttpd with its strict switch, one thread
 * with epoll.  Runs on the candidate's process only. */
#include "candidate.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static enum MHD_Result on_access(void *arg, struct MHD_Connection *connection,
                                 const char *url, const char *method,
                                 const char *version, const char *data,
                                 size_t *data_len, void **state)
{
    static int begun;
    static char fine[] = "fine";
    struct MHD_Response *response;
    enum MHD_Result result;

    (void)arg;
    (void)method;
    (void)version;
    (void)data;
    if (!*state) {
        *state = &begun;
        return MHD_YES;
    }
    if (*data_len) {
        *data_len = 0;
        return MHD_YES;
    }
    candidate_saw(url);
    response = MHD_create_response_from_buffer(sizeof(fine) - 1, fine,
                                               MHD_RESPMEM_PERSISTENT);
    result = MHD_queue_response(connection, 200, response);
    MHD_destroy_response(response);
    return result;
}

void candidate_microhttpd(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    struct MHD_Daemon *daemon;

    address.sin_port = htons((uint16_t)port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    daemon = MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD, (uint16_t)port, NULL, NULL, on_access,
        NULL, MHD_OPTION_SOCK_ADDR, (struct sockaddr *)&address,
        MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_CONNECTION_LIMIT, 1000u,
        MHD_OPTION_END);
    if (!daemon) {
        fprintf(stderr, "libmicrohttpd does not start\n");
        exit(1);
    }
    for (;;)
        pause();
}
