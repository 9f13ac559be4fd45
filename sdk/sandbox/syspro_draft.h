/* syspro_draft.h - one order of a SORTOI document while it is looked at. */
#ifndef CONNECT_SANDBOX_SYSPRO_DRAFT_H
#define CONNECT_SANDBOX_SYSPRO_DRAFT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/error.h"
#include "syspro_company.h"
#include "syspro_xml.h"

enum {
    SYSPRO_MESSAGES_MAX = 500, /* of one order; what comes after is dropped */
    SYSPRO_MESSAGE_MAX = 256,
};

/* SalesOrders/Parameters with SORTOI's defaults filled in. */
struct syspro_parameters {
    bool import; /* Process is IMPORT; the default is VALIDATE */
    char order_status[2], order_type[4];
    char customer_to_use[SYSPRO_KEY_MAX];
    char warehouse_list[256];
    int days_to_ship_min;
    char non_stock;  /* AllowNonStockItems: Y N S */
    char duplicates; /* AllowDuplicateOrderNumbers: N Y A */
    char check_po;   /* CheckForCustomerPoNumbers: Y N C */
    char allocation; /* AllocationAction: F B A */
    char warnings;   /* IgnoreWarnings: N Y W */
    bool no_credit_ok, earlier_ship_ok, price_entered, zero_price_ok;
    bool hold_is_warning, manual_number, description_supplied;
    bool customer_warehouse;
};

struct syspro_message {
    xmlNodePtr section; /* borrowed; the failing section, NULL for a warning */
    char text[SYSPRO_MESSAGE_MAX];
};

struct syspro_draft {
    struct syspro_company *company;             /* borrowed */
    const struct syspro_parameters *parameters; /* borrowed */
    const char *today;                          /* borrowed, CCYY-MM-DD */
    xmlNodePtr orders, header, details;         /* borrowed */
    char action;                                /* A, C, D; 0 not known */
    char po[SYSPRO_TEXT_MAX];                   /* as sent */
    struct syspro_customer *customer;           /* borrowed; NULL not found */
    struct syspro_order *existing;              /* borrowed; for C and D */
    struct syspro_order *order;                 /* owned until committed */
    struct syspro_message *errors, *warnings;   /* owned */
    size_t errors_len, warnings_len;
    bool rejected_by_warnings, committed;
    char back_ordered[8][31]; /* items for BackOrderComment, first ones */
    size_t back_ordered_len;
};

/* -EINVAL with a reason when a value is outside of its list. */
int syspro_parameters_read(xmlNodePtr root,
                           struct syspro_parameters *parameters,
                           struct error *err);

void syspro_draft_init(struct syspro_draft *draft);
void syspro_draft_done(struct syspro_draft *draft);
void syspro_draft_error(struct syspro_draft *draft, xmlNodePtr section,
                        const char *format, ...) PRINTF_LIKE(3, 4);
void syspro_draft_warn(struct syspro_draft *draft, const char *format, ...)
    PRINTF_LIKE(2, 3);

/* A child's text, complained about when it is longer than so many characters;
 * returns whether it is there and not blank. */
bool syspro_draft_field(struct syspro_draft *draft, xmlNodePtr section,
                        const char *name, size_t characters_max,
                        char out[SYSPRO_TEXT_MAX]);
/* A number of that many digits before and behind the point. */
bool syspro_draft_number(struct syspro_draft *draft, xmlNodePtr section,
                         const char *name, int integers, int decimals,
                         char out[SYSPRO_TEXT_MAX], int64_t *ret_millionths);
/* A date CCYY-MM-DD; "" when absent or wrong. */
bool syspro_draft_date(struct syspro_draft *draft, xmlNodePtr section,
                       const char *name, char out[11]);
/* Days since 1970 of CCYY-MM-DD; false when there is no such day. */
bool syspro_date_days(const char *text, long *ret_days);

#endif
