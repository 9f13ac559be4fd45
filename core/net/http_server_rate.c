/* http_server_rate.c - failures by network, in a bounded table.
 *
 * One idea: the table keeps the order in which windows began, so the oldest is
 * both the first to forget and the one to give up when the table is full.
 *
 * Must hold: the table never grows beyond NETWORKS_MAX.  Called by the owner of
 * the routes on the loop thread. */
#include "net/http_server_rate.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/memory.h"

enum {
    /* About 1 MiB.  A stranger with more addresses wins a few guesses at a
     * token of 128 bits. */
    NETWORKS_MAX = 8192,
    NETWORK_NAME_MAX = 64,
};

struct failing {
    char name[NETWORK_NAME_MAX];
    int64_t begin_ms; /* of its window; monotonic */
    int failures;     /* in it */
    UT_hash_handle hh;
};

struct http_server_rate {
    struct failing *networks; /* oldest window first */
    int failures_max;
    int64_t window_ms;
};

struct http_server_rate *http_server_rate_create(int failures_max,
                                                 int64_t window_ms)
{
    struct http_server_rate *rate = memory_zero(1, sizeof(*rate));

    rate->failures_max = failures_max;
    rate->window_ms = window_ms;
    return rate;
}

static void network_forget(struct http_server_rate *rate,
                           struct failing *network)
{
    HASH_DEL(rate->networks, network);
    free(network);
}

void http_server_rate_destroy(struct http_server_rate *rate)
{
    if (!rate)
        return;
    while (rate->networks)
        network_forget(rate, rate->networks);
    free(rate);
}

static void windows_end(struct http_server_rate *rate, int64_t now_ms)
{
    while (rate->networks &&
           now_ms - rate->networks->begin_ms >= rate->window_ms)
        network_forget(rate, rate->networks);
}

bool http_server_rate_fail(struct http_server_rate *rate, const char *name,
                           int64_t monotonic_ms, int *ret_wait_s)
{
    struct failing *network = NULL;
    size_t len = strlen(name);
    int64_t left_ms;

    if (len >= NETWORK_NAME_MAX)
        len = NETWORK_NAME_MAX - 1;
    windows_end(rate, monotonic_ms);
    HASH_FIND(hh, rate->networks, name, len, network);
    if (!network) {
        if (HASH_COUNT(rate->networks) >= NETWORKS_MAX)
            network_forget(rate, rate->networks);
        network = memory_zero(1, sizeof(*network));
        memcpy(network->name, name, len);
        network->begin_ms = monotonic_ms;
        HASH_ADD_KEYPTR(hh, rate->networks, network->name, len, network);
    }
    if (network->failures < rate->failures_max) {
        network->failures++;
        return false;
    }
    left_ms = network->begin_ms + rate->window_ms - monotonic_ms;
    *ret_wait_s = (int)((left_ms + 999) / 1000);
    return true;
}
