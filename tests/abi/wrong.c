/* Plugins that must be refused.  Each has a constructor that leaves a file
 * behind, so that a test sees whether any of its code ran. */
#include <connect/plugin.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

__attribute__((constructor)) static void wrong_ran(void)
{
    const char *marker = getenv("WRONG_MARKER");
    int descriptor =
        marker ? open(marker, O_CREAT | O_WRONLY | O_CLOEXEC, 0600) : -1;

    if (descriptor >= 0)
        close(descriptor);
}

#if defined(WRONG_NO_SYMBOL)
CN_EXPORT extern const int cn_other;
const int cn_other = 1;
#elif defined(WRONG_MAJOR)
CN_EXPORT extern const uint32_t cn_plugin_v2[4];
const uint32_t cn_plugin_v2[4] = {16, 0, 0, 0};
#else

#ifndef WRONG_NULLS
static void *wrong_create(const cn_host *host)
{
    return (void *)(uintptr_t)host;
}
#endif

static void wrong_destroy(void *self)
{
    (void)self;
}

#ifdef WRONG_UNRESOLVED
extern void nobody_has_this_function(void *self, cn_op op);
#endif

#ifndef WRONG_SIZE
#define WRONG_SIZE sizeof(cn_plugin)
#endif
#ifndef WRONG_MANIFEST
#define WRONG_MANIFEST "{}"
#endif

const cn_plugin cn_plugin_v1 = {
    .size = WRONG_SIZE,
    .id = "test.wrong",
    .version = "1.0.0",
    .manifest = WRONG_MANIFEST,
#ifndef WRONG_NULLS
    .create = wrong_create,
#endif
    .destroy = wrong_destroy,
#ifdef WRONG_UNRESOLVED
    .check = nobody_has_this_function,
#endif
};
#endif
