/* config_form.h - the JSON Schema of connect.json, as a text.
 *
 * Also the list of all settings with their limits and defaults. */
#ifndef CONNECT_CONFIG_CONFIG_FORM_H
#define CONNECT_CONFIG_CONFIG_FORM_H

extern const char config_form[];

#endif
