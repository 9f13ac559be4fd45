/* connect/ext/state.h - small durable values of an instance, offered by the
 * host.
 *
 * For what a plugin must remember across restarts beside its cursor: a
 * sequence number, the key of a registration.  Not a cache and not a store of
 * records.  A value put in an operation is written in the transaction that
 * stores how this operation ended, if it ended CN_OK, and is forgotten when it
 * ended otherwise.
 */
#ifndef CN_EXT_STATE_H
#define CN_EXT_STATE_H

#include <connect/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CN_EXT_STATE "connect.state/1"

enum { /* limits of one instance; what exceeds them is CN_INVALID */
    CN_STATE_KEY_MAX = 128, CN_STATE_VALUE_MAX = 4096, CN_STATE_COUNT_MAX = 256
};

typedef struct cn_state {
    uint32_t size;
    uint32_t reserved;
    /* The value under key, or ptr is NULL when there is none.  Sees the values
     * that ended operations left, and those put in the named operation; op may
     * be 0.  Borrowed until the plugin's running function returns. */
    cn_str (*get)(const cn_host *, cn_op, const char *key);
    /* Set key to value, an empty value removes it.  CN_FULL: the instance has
     * CN_STATE_COUNT_MAX keys already. */
    cn_status (*put)(const cn_host *, cn_op, const char *key, cn_str value);
} cn_state;

#ifdef __cplusplus
}
#endif
#endif
