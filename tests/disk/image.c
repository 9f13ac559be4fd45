/* image.c - a file system of our own in a file, on a loop device.
 *
 * One idea: mounting is done by the system's own programs in a mount namespace
 * of this program; the loop device frees itself with the last user.  One
 * thread. */
#include "image.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sched.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "process.h"

enum {
    TOOL_MS = 60000,
    CUT_NO_LOG = 2, /* "no log flush" of the two ioctls */
    XFS_MIB_MIN = 300,
    ARGUMENTS_MAX = 12
};
/* The same number in ext4 and xfs. */
#define IMAGE_IOC_SHUTDOWN _IOR('X', 125, uint32_t)

static int said(char text[IMAGE_TEXT_MAX], const char *what, const char *why)
{
    snprintf(text, IMAGE_TEXT_MAX, "%s: %.200s", what, why);
    return -1;
}

/* Run a tool of the system; its exit code. */
static int tool(char text[IMAGE_TEXT_MAX], ...)
{
    const char *arguments[ARGUMENTS_MAX] = {"/usr/bin/env"};
    char *output = NULL;
    size_t count = 1;
    va_list more;
    int code;

    va_start(more, text);
    while (count + 1 < ARGUMENTS_MAX &&
           (arguments[count] = va_arg(more, const char *)))
        count++;
    va_end(more);
    code = process_output(arguments, TOOL_MS, &output);
    if (code)
        said(text, arguments[1], output ? output : "did not end");
    free(output);
    return code;
}

static bool has_tool(const char *name)
{
    static const char *const places[] = {"/usr/sbin", "/sbin", "/usr/bin",
                                         "/bin"};
    char path[64];

    for (size_t at = 0; at < sizeof(places) / sizeof(*places); at++) {
        snprintf(path, sizeof(path), "%s/%s", places[at], name);
        if (!access(path, X_OK))
            return true;
    }
    return false;
}

static bool own_namespace(void)
{
    static bool done;

    if (done)
        return true;
    if (unshare(CLONE_NEWNS) ||
        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
        return false;
    return done = true;
}

static const char *try_mount(const char *kind)
{
    static char text[IMAGE_TEXT_MAX + 40];
    char why[IMAGE_TEXT_MAX] = "", root[] = "/tmp/connect-image.XXXXXX";
    char file[64], place[64];
    struct image image;
    int status;

    if (!mkdtemp(root))
        return "no temporary directory";
    snprintf(file, sizeof(file), "%s/image", root);
    snprintf(place, sizeof(place), "%s/place", root);
    status = mkdir(place, 0700);
    if (!status)
        status = image_begin(&image, kind, file, place, 16, why);
    if (!status)
        status = image_unmount(&image, why);
    unlink(file);
    rmdir(place);
    rmdir(root);
    if (!status)
        return NULL;
    snprintf(text, sizeof(text), "%s cannot be mounted here: %s", kind, why);
    return text;
}

const char *image_refused(const char *kind)
{
    char maker[32];

    snprintf(maker, sizeof(maker), "mkfs.%s", kind);
    if (strcmp(kind, "tmpfs") != 0 && !has_tool(maker))
        return "mkfs of this file system is not installed";
    if (geteuid() != 0)
        return "only root may mount a file system";
    if (!own_namespace())
        return "a mount namespace of its own is not permitted here";
    return try_mount(kind);
}

int image_begin(struct image *image, const char *kind, const char *file,
                const char *place, unsigned mib, char text[IMAGE_TEXT_MAX])
{
    char size[32];
    int code;

    memset(image, 0, sizeof(*image));
    image->kind = kind;
    snprintf(image->file, sizeof(image->file), "%s", file);
    snprintf(image->place, sizeof(image->place), "%s", place);
    if (!own_namespace())
        return said(text, "mount namespace", strerror(errno));
    if (!strcmp(kind, "tmpfs")) {
        snprintf(size, sizeof(size), "size=%uM,mode=0700", mib);
        return mount("connect-test", place, "tmpfs", 0, size)
                   ? said(text, place, strerror(errno))
                   : 0;
    }
    if (!strcmp(kind, "xfs") && mib < XFS_MIB_MIN)
        mib = XFS_MIB_MIN;
    snprintf(size, sizeof(size), "%uM", mib);
    if (tool(text, "truncate", "-s", size, file, NULL))
        return -1;
    code = strcmp(kind, "xfs")
               ? tool(text, "mkfs.ext4", "-q", "-F", "-m", "0", file, NULL)
               : tool(text, "mkfs.xfs", "-q", "-f", file, NULL);
    if (code || image_mount(image, text))
        return -1;
    return chmod(place, 0700) ? said(text, place, strerror(errno)) : 0;
}

int image_mount(const struct image *image, char text[IMAGE_TEXT_MAX])
{
    return tool(text, "mount", "-t", image->kind, "-o", "loop", image->file,
                image->place, NULL)
               ? -1
               : 0;
}

int image_unmount(const struct image *image, char text[IMAGE_TEXT_MAX])
{
    return tool(text, "umount", image->place, NULL) ? -1 : 0;
}

int image_cut(const struct image *image, char text[IMAGE_TEXT_MAX])
{
    uint32_t how = CUT_NO_LOG;
    int place = open(image->place, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int status = 0;

    if (place < 0 || ioctl(place, IMAGE_IOC_SHUTDOWN, &how))
        status = said(text, "the shutdown of the file system", strerror(errno));
    if (place >= 0)
        close(place);
    return status;
}

int image_check(const struct image *image, char text[IMAGE_TEXT_MAX])
{
    if (!strcmp(image->kind, "xfs")) {
        /* Only a mount replays its log. */
        if (image_mount(image, text) || image_unmount(image, text))
            return -1;
        return tool(text, "xfs_repair", "-n", "-f", image->file, NULL) ? -1 : 0;
    }
    /* 1: the log was replayed. */
    return tool(text, "e2fsck", "-f", "-p", image->file, NULL) > 1 ? -1 : 0;
}
