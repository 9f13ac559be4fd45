/* report.h - the plugin's table and manifest, shown to a person and judged. */
#ifndef CN_CHECK_REPORT_H
#define CN_CHECK_REPORT_H

#include <stddef.h>

#include <connect/plugin.h>

struct report {
    size_t breaches; /* a host refuses the plugin */
    size_t remarks;  /* it runs, but somebody should look */
};

void report_breach(struct report *report, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void report_remark(struct report *report, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Print what the plugin is and does, and judge it. */
void report_plugin(struct report *report, const cn_plugin *plugin);

#endif
