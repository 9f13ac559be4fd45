/* allocation.c - a preloaded library that counts allocations and lets one fail.
 *
 * One idea: it stands in front of the C library's own functions, so that what
 * the C library and all others allocate is counted too, by one counter for all
 * threads.  Memory that is given comes from the C library as ever, so nothing
 * else needs to be replaced.  The page (tracer.h) says which allocation fails,
 * and whether all later ones do.  Loaded into the daemon alone: its children do
 * not get it.  Any thread. */
#include "allocation.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tracer.h"

#define GIVEN __attribute__((visibility("default")))

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *ptr, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

static struct tracer_page *page;
static _Thread_local bool inside; /* naming a place may allocate */

__attribute__((constructor)) static void allocation_begin(void)
{
    const char *path = getenv(TRACER_PAGE);
    int file = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    void *found = MAP_FAILED;

    unsetenv("LD_PRELOAD");
    if (file >= 0)
        found = mmap(NULL, sizeof(*page), PROT_READ | PROT_WRITE, MAP_SHARED,
                     file, 0);
    if (found != MAP_FAILED)
        page = found;
    if (file >= 0)
        close(file);
}

/* Name the function that asked. */
static void name_place(const void *caller)
{
    Dl_info about = {0};
    const char *file;

    inside = true;
    if (!dladdr(caller, &about) || !about.dli_fname)
        about.dli_fname = "?";
    file = strrchr(about.dli_fname, '/');
    snprintf(page->where, sizeof(page->where), "%s allocation in %s %s+0x%zx",
             page->after ? "every" : "one", file ? file + 1 : about.dli_fname,
             about.dli_sname ? about.dli_sname : "",
             (size_t)((const char *)caller - (const char *)about.dli_fbase));
    inside = false;
}

static bool fails(const void *caller)
{
    uint64_t number;

    if (!page || inside || page->begin == TRACER_NEVER)
        return false;
    number = ++page->count;
    if (!page->target || number < page->target ||
        (number > page->target && !page->after))
        return false;
    if (number == page->target) {
        name_place(caller);
        page->killed = true;
    }
    errno = ENOMEM;
    return true;
}

GIVEN void *malloc(size_t size)
{
    return fails(__builtin_return_address(0)) ? NULL : __libc_malloc(size);
}

GIVEN void *calloc(size_t count, size_t size)
{
    return fails(__builtin_return_address(0)) ? NULL
                                              : __libc_calloc(count, size);
}

GIVEN void *realloc(void *ptr, size_t size)
{
    return fails(__builtin_return_address(0)) ? NULL
                                              : __libc_realloc(ptr, size);
}

GIVEN void *memalign(size_t alignment, size_t size)
{
    return fails(__builtin_return_address(0))
               ? NULL
               : __libc_memalign(alignment, size);
}

GIVEN void *aligned_alloc(size_t alignment, size_t size)
{
    return fails(__builtin_return_address(0))
               ? NULL
               : __libc_memalign(alignment, size);
}

GIVEN int posix_memalign(void **ret_ptr, size_t alignment, size_t size)
{
    void *ptr = fails(__builtin_return_address(0))
                    ? NULL
                    : __libc_memalign(alignment, size);

    if (!ptr)
        return ENOMEM;
    *ret_ptr = ptr;
    return 0;
}
