/* broken.c - one plugin, each time built with one fault that plugin-check must
 * see; BREAK says which. */
#include <stdlib.h>

#include <connect/plugin.h>

static void *create(const cn_host *host)
{
    (void)host;
    return malloc(1);
}

static void deliver(void *self, cn_op op, const cn_delivery *delivery)
{
    (void)self;
    (void)op;
    (void)delivery;
}

#if BREAK == 1 /* a second symbol */
CN_EXPORT extern const int another;
const int another = 1;
#endif

#if BREAK == 2 /* the entry of another major */
CN_EXPORT extern const cn_plugin cn_plugin_v7;
#define cn_plugin_v1 cn_plugin_v7
#endif

const cn_plugin cn_plugin_v1 = {
#if BREAK == 3 /* a table that claims more than it has */
    .size = sizeof(cn_plugin) + 4096,
#elif BREAK == 4 /* one older than any contract */
    .size = 16,
#else
    .size = sizeof(cn_plugin),
#endif
    .id = "com.example.broken",
#if BREAK != 5 /* no version */
    .version = "1",
#endif
#if BREAK == 6 /* a key twice */
    .manifest = "{\"title\": \"a\",\n \"title\": \"b\"}",
#elif BREAK == 7 /* a word nobody knows */
    .manifest = "{\"title\": \"a\", \"take\": [\"a/1\"]}",
#elif BREAK == 8 /* a role it does not play */
    .manifest = "{\"title\": \"a\", \"streams\": [{\"name\": \"s\"}]}",
#elif BREAK == 9 /* no manifest */
#else
    .manifest = "{\"title\": \"a\", \"takes\": [\"a/1\"]}",
#endif
    .create = create,
#if BREAK != 10
    .destroy = free,
#endif
    .deliver = deliver,
};
