/* host_log.c - what a plugin says, and what is said about it.
 *
 * Its one idea: a plugin that floods loses its own lines and nobody else's:
 * each instance has a small budget, what exceeds it is counted and told with
 * the next line.  Lines go out at once and not through a mailbox, so that the
 * last words before a crash are kept.  Any thread. */
#include "plugin/host_log.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "plugin/host_config.h"

enum {
    LOG_TEXT_MAX = 1000, /* bytes of one line */
    LOG_BURST = 100,     /* lines at once; a start says a few */
    LOG_PER_SECOND = 20, /* lines in the long run */
    MS_PER_SECOND = 1000
};

/* Take one line from the budget; ret_dropped: how many lines went missing
 * before it.  The lock is held. */
static bool budget_take(struct host *host, uint64_t *ret_dropped)
{
    uint64_t now_ms = uv_hrtime() / 1000000;
    uint64_t passed_ms = now_ms - host->log_refill_ms;
    uint64_t added = passed_ms * LOG_PER_SECOND / MS_PER_SECOND;

    if (!host->log_refill_ms || added >= LOG_BURST) {
        host->log_tokens = LOG_BURST;
        host->log_refill_ms = now_ms;
    } else if (added) {
        host->log_tokens += (uint32_t)added;
        if (host->log_tokens > LOG_BURST)
            host->log_tokens = LOG_BURST;
        host->log_refill_ms = now_ms;
    }
    if (!host->log_tokens) {
        host->log_dropped++;
        return false;
    }
    host->log_tokens--;
    *ret_dropped = host->log_dropped;
    host->log_dropped = 0;
    return true;
}

static void line_write(struct host *host, enum log_level level, uint64_t op,
                       uint64_t run, char *text)
{
    struct log_about about = {.run = run, .op = op, .instance = host->name};
    uint64_t dropped = 0;
    bool taken;

    uv_mutex_lock(&host->lock);
    taken = budget_take(host, &dropped);
    if (taken)
        host_secret_mask(host, text);
    if (level >= LOG_WARN && atomic_load(&host->open))
        snprintf(host->reason, sizeof(host->reason), "%s",
                 taken ? text : "it logs more than is kept");
    uv_mutex_unlock(&host->lock);
    if (dropped)
        log_write(LOG_WARN, &about,
                  "plugin %s: %" PRIu64 " lines were dropped, it logs too much",
                  host->plugin, dropped);
    if (taken)
        log_write(level, &about, "%s", text);
}

static bool on_instance_thread(const struct host *host)
{
    uv_thread_t self = uv_thread_self();

    return uv_thread_equal(&self, &host->thread) != 0;
}

void host_log(const cn_host *table, int32_t level, const char *message)
{
    struct host *host = (struct host *)(uintptr_t)table;
    enum log_level known = level <= CN_LOG_DEBUG  ? LOG_DEBUG
                           : level == CN_LOG_INFO ? LOG_INFO
                           : level == CN_LOG_WARN ? LOG_WARN
                                                  : LOG_ERROR;
    char text[LOG_TEXT_MAX + 1];
    uint64_t op = 0, run = 0;

    if (!message)
        return;
    if (!atomic_load(&host->open)) {
        host_complain(host, 0, "called log after the instance had ended");
        return;
    }
    if (on_instance_thread(host) && host->calling) {
        op = host->current_op;
        run = host->current_run;
    }
    snprintf(text, sizeof(text), "%.*s", LOG_TEXT_MAX, message);
    line_write(host, known, op, run, text);
}

void host_complain(struct host *host, uint64_t op, const char *format, ...)
{
    char text[LOG_TEXT_MAX + 1];
    va_list arguments;
    int len = snprintf(text, sizeof(text), "plugin %s ", host->plugin);

    va_start(arguments, format);
    vsnprintf(text + len, sizeof(text) - (size_t)len, format, arguments);
    va_end(arguments);
    line_write(host, LOG_WARN, op, 0, text);
}
