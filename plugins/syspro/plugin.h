/* plugin.h - one instance: an operator of one company. */
#ifndef SYSPRO_PLUGIN_H
#define SYSPRO_PLUGIN_H

#include <connect/plugin.h>

#include "session.h"
#include "settings.h"

struct syspro {
    const cn_host *host; /* valid until destroy */
    struct settings settings;
    struct session *session; /* owned */
};

#endif
