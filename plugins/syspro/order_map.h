/* order_map.h - sales_order/1 as the two documents of an order import. */
#ifndef SYSPRO_ORDER_MAP_H
#define SYSPRO_ORDER_MAP_H

#include <stddef.h>

#include <cjson/cJSON.h>

#include "comfnd.h"
#include "settings.h"
#include "text.h"

/* SORTOI's parameters: always all of them, since their defaults validate only
 * and price anew. */
void order_map_parameters(const struct settings *settings, struct text *out);

/* SORTOI's document of one order.  False: the order lacks something; why says
 * what. */
bool order_map_document(const struct settings *settings, const cJSON *order,
                        struct text *out, char *why, size_t why_size);

/* The order's customer as SYSPRO stores it; false: no key of that kind. */
bool order_map_customer(const struct settings *settings, const cJSON *order,
                        char to[KEY_MAX]);

/* Do rows of SorDetail hold the order's lines?  False: difference says what is
 * different. */
bool order_map_same(const struct settings *settings, const cJSON *order,
                    const struct comfnd_rows *rows, char *difference,
                    size_t size);

#endif
