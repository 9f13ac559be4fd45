/* image.h - a file system of our own in a file, on a loop device.
 *
 * It is mounted in a mount namespace of this program, so that it is gone when
 * the program is, whatever ended it. */
#ifndef CONNECT_DISK_IMAGE_H
#define CONNECT_DISK_IMAGE_H

#include <stddef.h>

enum { IMAGE_PATH_MAX = 160, IMAGE_TEXT_MAX = 300 };

struct image {
    const char *kind; /* "ext4", "xfs", "tmpfs" */
    char file[IMAGE_PATH_MAX], place[IMAGE_PATH_MAX];
};

/* Is it permitted here?  NULL, or why not. */
const char *image_refused(const char *kind);
/* Make the file system (mib large) and mount it at place; 0, or -1 with a
 * text. */
int image_begin(struct image *image, const char *kind, const char *file,
                const char *place, unsigned mib, char text[IMAGE_TEXT_MAX]);
int image_mount(const struct image *image, char text[IMAGE_TEXT_MAX]);
int image_unmount(const struct image *image, char text[IMAGE_TEXT_MAX]);
/* Cut the power: nothing is written to the image from now on, the log of the
 * file system not either. */
int image_cut(const struct image *image, char text[IMAGE_TEXT_MAX]);
/* The log is replayed and the file system checked, unmounted. */
int image_check(const struct image *image, char text[IMAGE_TEXT_MAX]);

#endif
