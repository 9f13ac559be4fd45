/* op.c - what the end of an operation means.
 *
 * Its one idea: the rules of plugin.h about statuses and effects are one pure
 * function of what the plugin said and what the host saw, so that every row can
 * be tested.  What must hold: nothing that may have taken effect is ever called
 * anything but done or in doubt. */
#include "plugin/op.h"

bool op_status_known(enum op_kind kind, cn_status status)
{
    if (status == CN_ABSENT)
        return kind == OP_PROBE;
    return (status >= CN_OK && status <= CN_UNSUPPORTED) || status == CN_HOLD ||
           status == CN_IN_DOUBT;
}

cn_status op_conclude_lost(enum op_kind kind, const struct op_facts *facts)
{
    if (kind != OP_DELIVER)
        return CN_RETRY;
    return facts->network_host && !facts->effect_sent ? CN_RETRY : CN_IN_DOUBT;
}

cn_status op_conclude(enum op_kind kind, cn_status said,
                      const struct op_facts *facts, bool *ret_broken,
                      bool *ret_overruled)
{
    *ret_broken = !op_status_known(kind, said);
    *ret_overruled = false;
    if (*ret_broken)
        return op_conclude_lost(kind, facts);
    if (kind != OP_DELIVER) /* only a delivery can be in doubt */
        return said == CN_IN_DOUBT ? CN_RETRY : said;
    if (said == CN_OK || said == CN_IN_DOUBT)
        return said;
    if (said == CN_CANCELLED)
        return op_conclude_lost(kind, facts);
    *ret_overruled = facts->doubt;
    return facts->doubt ? CN_IN_DOUBT : said;
}

const char *op_kind_text(enum op_kind kind)
{
    static const char *const texts[] = {"poll", "deliver", "probe", "transform",
                                        "call", "check",   "stop",  "receive"};

    return (unsigned)kind <= OP_RECEIVE ? texts[kind] : "unknown";
}

const char *op_status_text(cn_status status)
{
    static const char *const texts[] = {
        "ok",          "retry", "rate limited", "auth", "rejected", "cancelled",
        "unsupported", "full",  "invalid",      "hold", "in doubt", "absent"};

    return status >= CN_OK && status <= CN_ABSENT ? texts[status] : "unknown";
}
