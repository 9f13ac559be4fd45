/* fingerprint.c - whether the files on disk are still those that were read.
 *
 * One idea: what runs and what the files say can only differ when the bytes do,
 * so bytes are compared, and meaning only where they differ.  Blocks on the
 * disk; called when a configuration is read, and by the doctor on a thread of
 * its own. */
#include "config/fingerprint.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sodium.h>

#include "config/config_text.h"

enum { HASH_BYTES = 16, PATH_BYTES_MAX = 4096 };

static void add_text(crypto_generichash_state *state, const char *text,
                     size_t len)
{
    unsigned char size[8];

    for (size_t index = 0; index < sizeof(size); index++)
        size[index] = (unsigned char)((uint64_t)len >> (index * 8));
    crypto_generichash_update(state, size, sizeof(size));
    crypto_generichash_update(state, (const unsigned char *)text, len);
}

static void add_file(crypto_generichash_state *state, const char *path)
{
    char *text = NULL;
    size_t len = 0;
    struct error err;

    if (config_file(path, CONFIG_FILE_MAX, &text, &len, &err))
        len = 0;
    add_text(state, text ? text : "", len);
    free(text);
}

static void finish(crypto_generichash_state *state, char hex[FINGERPRINT_MAX])
{
    unsigned char hash[HASH_BYTES];

    crypto_generichash_final(state, hash, sizeof(hash));
    sodium_bin2hex(hex, FINGERPRINT_MAX, hash, sizeof(hash));
}

void fingerprint_file(const char *path, char hex[FINGERPRINT_MAX])
{
    crypto_generichash_state state;

    crypto_generichash_init(&state, NULL, 0, HASH_BYTES);
    add_file(&state, path);
    finish(&state, hex);
}

static int is_flow(const struct dirent *entry)
{
    size_t len = strlen(entry->d_name);

    return entry->d_name[0] != '.' && len > 5 &&
           !strcmp(entry->d_name + len - 5, ".json");
}

void fingerprint_flows(const char *directory, char hex[FINGERPRINT_MAX])
{
    crypto_generichash_state state;
    struct dirent **names = NULL;
    char path[PATH_BYTES_MAX];
    int count = scandir(directory, &names, is_flow, alphasort);

    crypto_generichash_init(&state, NULL, 0, HASH_BYTES);
    for (int index = 0; index < count; index++) {
        const char *name = names[index]->d_name;
        snprintf(path, sizeof(path), "%s/%s", directory, name);
        add_text(&state, name, strlen(name));
        add_file(&state, path);
        free(names[index]);
    }
    free(names);
    finish(&state, hex);
}
