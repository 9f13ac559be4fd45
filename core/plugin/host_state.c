/* host_state.c - connect.state/1: small durable values.
 *
 * Its one idea: an instance has a copy of its values; what an operation puts
 * stays with it until it ends well, travels to the store in its outcome and is
 * written into the copy then. */
#include "plugin/host_state.h"

#include <connect/json.h>
#include <string.h>

#include "plugin/host_log.h"
#include "plugin/op_message.h"

void host_values_put(struct host *host, struct host_op *op, struct buf *payload,
                     bool keep)
{
    struct value *value, *next;

    message_put_number(payload, keep ? HASH_COUNT(op->values) : 0);
    if (!keep)
        return;
    HASH_ITER(hh, op->values, value, next)
    {
        struct op_value flat = {value->key, {value->value, value->len}};
        op_value_put(payload, &flat);
        value_keep(&host->values, value->key, flat.value);
    }
}

static cn_str state_get(const cn_host *table, cn_op id, const char *key)
{
    cn_str none = {NULL, 0};
    struct host *host;
    struct host_op *op;
    struct value *value = NULL;
    char *copy;

    if (!host_permits(table, "state get", &host) || !key)
        return none;
    op = id ? host_op_find(host, id) : NULL;
    if (op)
        value = value_find(op->values, key);
    if (!value)
        value = value_find(host->values, key);
    if (!value || !value->len)
        return none;
    copy = host_scratch(host, value->value, value->len);
    if (!copy) {
        host_complain(host, id, "asked for too many values in one call");
        return none;
    }
    return (cn_str){copy, value->len};
}

/* Keys with a value if key got one in this operation too. */
static size_t count_with(struct host *host, const struct host_op *op,
                         const char *key)
{
    size_t count = 1;
    struct value *value, *next;

    HASH_ITER(hh, host->values, value, next)
    {
        const struct value *put = value_find(op->values, value->key);
        if (strcmp(value->key, key) != 0 && (put ? put->len : value->len))
            count++;
    }
    HASH_ITER(hh, op->values, value, next)
    {
        if (value->len && strcmp(value->key, key) != 0 &&
            !value_find(host->values, value->key))
            count++;
    }
    return count;
}

static cn_status state_put(const cn_host *table, cn_op id, const char *key,
                           cn_str value)
{
    struct host *host;
    struct host_op *op;

    if (!host_permits(table, "state put", &host))
        return CN_INVALID;
    op = host_op_find(host, id);
    if (!op || !key || !*key ||
        strnlen(key, CN_STATE_KEY_MAX + 1) > CN_STATE_KEY_MAX ||
        !cn_utf8_valid((cn_str){key, strlen(key)}) ||
        value.len > CN_STATE_VALUE_MAX || (value.len && !value.ptr)) {
        host_complain(host, id,
                      "put a value outside an operation, without a "
                      "key or beyond the limits");
        return CN_INVALID;
    }
    if (value.len && count_with(host, op, key) > CN_STATE_COUNT_MAX)
        return CN_FULL;
    value_set(&op->values, key, value);
    return CN_OK;
}

const void *host_state_extension(void)
{
    static const cn_state state = {
        .size = sizeof(cn_state), .get = state_get, .put = state_put};

    return &state;
}
