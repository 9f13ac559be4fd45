/* http_client_library.c - starts libcurl once for the process.
 *
 * One idea: libcurl copies URLs and header lines, and with them credentials; so
 * everything it frees is wiped first.  The size stands before each block.  The
 * process must not die of a peer that left either.  http_client_create calls it
 * on any thread; libcurl then allocates on its own threads too. */
#include "net/http_client_library.h"

#include <curl/curl.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/seeded.h"

union block {
    size_t size;
    max_align_t align;
};

static void *block_malloc(size_t size)
{
    union block *block;

    if (size > SIZE_MAX - sizeof(*block))
        return NULL;
    block = seeded_bug("F12") /* the mistake: nobody looks */
                ? calloc(1, sizeof(*block) + size)
                : memory_zero(1, sizeof(*block) + size);
    block->size = size;
    return block + 1;
}

static void block_free(void *ptr)
{
    union block *block = ptr;

    if (!block)
        return;
    block--;
    explicit_bzero(block + 1, block->size);
    free(block);
}

static void *block_realloc(void *ptr, size_t size)
{
    union block *old = ptr;
    void *grown = block_malloc(size);

    if (grown && old) {
        memcpy(grown, ptr, old[-1].size < size ? old[-1].size : size);
        block_free(ptr);
    }
    return grown;
}

static char *block_strdup(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = block_malloc(size);

    if (copy)
        memcpy(copy, text, size);
    return copy;
}

static void *block_calloc(size_t count, size_t size)
{
    if (size && count > SIZE_MAX / size)
        return NULL;
    return block_malloc(count * size); /* zeroed */
}

static CURLcode library_status;

static void library_start(void)
{
    struct sigaction action;

    /* OpenSSL writes to sockets without MSG_NOSIGNAL. */
    if (!sigaction(SIGPIPE, NULL, &action) && !(action.sa_flags & SA_SIGINFO) &&
        action.sa_handler == SIG_DFL)
        signal(SIGPIPE, SIG_IGN);
    library_status =
        curl_global_init_mem(CURL_GLOBAL_DEFAULT, block_malloc, block_free,
                             block_realloc, block_strdup, block_calloc);
}

int http_library_start(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, library_start);
    return library_status ? -ENOMEM : 0;
}
