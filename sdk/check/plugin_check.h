/* plugin_check.h - the program's one act. */
#ifndef CN_CHECK_PLUGIN_CHECK_H
#define CN_CHECK_PLUGIN_CHECK_H

/* Look at the plugin, print what was seen, return the exit code. */
int plugin_check(const char *path);

#endif
