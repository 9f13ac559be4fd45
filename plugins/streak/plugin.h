/* plugin.h - the entry; what it exports is declared in connect/plugin.h. */
#ifndef CONNECT_STREAK_PLUGIN_H
#define CONNECT_STREAK_PLUGIN_H

#include <connect/plugin.h>

#endif
