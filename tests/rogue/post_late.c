/* Posts from a thread of its own until the file named in the record's key, or
 * in POST_LATE_CREATE for one that hangs in create, is there. */
#include "rogue.h"

#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

struct posting {
    const cn_host *host;
    char until[CN_ID_MAX + 1];
};

static void pause_shortly(void)
{
    struct timespec pause = {0, 2 * 1000 * 1000};

    nanosleep(&pause, NULL);
}

static void nothing(void *arg)
{
    (void)arg;
}

static void *post_run(void *arg)
{
    struct posting *posting = arg;

    while (access(posting->until, F_OK)) {
        posting->host->post(posting->host, nothing, NULL);
        pause_shortly();
    }
    free(posting);
    return NULL;
}

static void post_begin(const cn_host *host, const char *until, size_t len)
{
    struct posting *posting = calloc(1, sizeof(*posting));
    pthread_t thread;

    if (!posting)
        return;
    posting->host = host;
    memcpy(posting->until, until, len);
    if (pthread_create(&thread, NULL, post_run, posting))
        free(posting);
    else
        pthread_detach(thread);
}

static void *post_create(const cn_host *host)
{
    const char *path = getenv("POST_LATE_CREATE");
    char hangs[CN_ID_MAX];

    if (path) {
        post_begin(host, path, strlen(path));
        snprintf(hangs, sizeof(hangs), "%s.hangs", path);
        while (access(hangs, F_OK))
            pause_shortly();
    }
    return rogue_create(host);
}

static void post_deliver(void *arg, cn_op op, const cn_delivery *delivery)
{
    struct rogue *self = arg;
    cn_str key = delivery->records[0]->key;

    post_begin(self->host, key.ptr, key.len);
    rogue_done(self, op, CN_OK, NULL);
}

const cn_plugin cn_plugin_v1 = {.size = sizeof(cn_plugin),
                                .id = "test.rogue",
                                .version = "1.0.0",
                                .manifest = ROGUE_MANIFEST,
                                .create = post_create,
                                .destroy = free,
                                .deliver = post_deliver};
