/* syspro_draft.c - parameters of SORTOI, complaints and checked fields.
 *
 * The idea: every check complains to the draft with the section it belongs to
 * and goes on, so that one answer names all that is wrong, as SYSPRO does.
 * What must hold: a draft with an error is never committed.
 * Called on the server's thread by the header and line checks. */
#include "syspro_draft.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "syspro_decimal.h"

enum {
    NUMBER_TEXT_MAX = 24, /* 12.6 with sign, and some leading zeros */
    FLOAT_TEXT_LEN = 17,  /* a float of 15 digits is "not numeric" to SYSPRO */
};

/* One of a list of values separated by blanks, else fallback when blank. */
static int choice(xmlNodePtr parent, const char *name, const char *values,
                  const char *fallback, char out[SYSPRO_TEXT_MAX],
                  struct error *err)
{
    char padded[SYSPRO_TEXT_MAX + 2], list[64];

    syspro_xml_child_text(parent, name, out);
    if (*out == '\0') {
        snprintf(out, SYSPRO_TEXT_MAX, "%s", fallback);
        return 0;
    }
    snprintf(padded, sizeof(padded), " %s ", out);
    snprintf(list, sizeof(list), " %s ", values);
    if (strchr(out, ' ') == NULL && strstr(list, padded) != NULL)
        return 0;
    error_set(err, "Invalid value '%.40s' for parameter %s", out, name);
    return -EINVAL;
}

static int letter(xmlNodePtr parent, const char *name, const char *values,
                  const char *fallback, char *ret_letter, struct error *err)
{
    char text[SYSPRO_TEXT_MAX];
    int status = choice(parent, name, values, fallback, text, err);

    *ret_letter = text[0];
    return status;
}

static int flag(xmlNodePtr parent, const char *name, bool *ret_flag,
                struct error *err)
{
    char value = 'N';
    int status = letter(parent, name, "Y N", "N", &value, err);

    *ret_flag = value == 'Y';
    return status;
}

static int read_flags(xmlNodePtr parent, struct syspro_parameters *p,
                      struct error *err)
{
    struct {
        const char *name;
        bool *flag;
    } flags[] = {
        {"AcceptOrdersIfNoCredit", &p->no_credit_ok},
        {"AcceptEarlierShipDate", &p->earlier_ship_ok},
        {"AlwaysUsePriceEntered", &p->price_entered},
        {"AllowZeroPrice", &p->zero_price_ok},
        {"WarnIfCustomerOnHold", &p->hold_is_warning},
        {"AllowManualOrderNumberToBeUsed", &p->manual_number},
        {"UseStockDescSupplied", &p->description_supplied},
        {"UseCustomerSalesWarehouse", &p->customer_warehouse},
    };

    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
        if (flag(parent, flags[i].name, flags[i].flag, err) != 0)
            return -EINVAL;
    return 0;
}

int syspro_parameters_read(xmlNodePtr root,
                           struct syspro_parameters *parameters,
                           struct error *err)
{
    xmlNodePtr parent = syspro_xml_child(root, "Parameters");
    struct syspro_parameters *p = parameters;
    char text[SYSPRO_TEXT_MAX];

    memset(p, 0, sizeof(*p));
    if (choice(parent, "Process", "VALIDATE IMPORT", "VALIDATE", text, err))
        return -EINVAL;
    p->import = strcmp(text, "IMPORT") == 0;
    if (letter(parent, "OrderStatus", "1 4 8 S", "1", p->order_status, err) ||
        choice(parent, "TypeOfOrder", "ORD FWD SCH IBT BIL", "ORD", text, err))
        return -EINVAL;
    snprintf(p->order_type, sizeof(p->order_type), "%.3s", text);
    if (strcmp(p->order_type, "BIL") == 0)
        p->order_status[0] = '8';
    if (letter(parent, "AllowNonStockItems", "Y N S", "N", &p->non_stock,
               err) ||
        letter(parent, "AllowDuplicateOrderNumbers", "N Y A", "N",
               &p->duplicates, err) ||
        letter(parent, "CheckForCustomerPoNumbers", "Y N C", "Y", &p->check_po,
               err) ||
        letter(parent, "AllocationAction", "F B A", "F", &p->allocation, err) ||
        letter(parent, "IgnoreWarnings", "N Y W", "N", &p->warnings, err) ||
        read_flags(parent, p, err))
        return -EINVAL;
    syspro_xml_child_text(parent, "CustomerToUse", text);
    snprintf(p->customer_to_use, sizeof(p->customer_to_use), "%.20s", text);
    syspro_xml_child_text(parent, "WarehouseListToUse", text);
    snprintf(p->warehouse_list, sizeof(p->warehouse_list), "%.255s", text);
    syspro_xml_child_text(parent, "MinimumDaysToShip", text);
    if (strlen(text) > 3 || strspn(text, "0123456789") != strlen(text)) {
        error_set(err, "Parameter MinimumDaysToShip is not numeric");
        return -EINVAL;
    }
    p->days_to_ship_min = (int)strtol(text, NULL, 10);
    return 0;
}

void syspro_draft_init(struct syspro_draft *draft)
{
    memset(draft, 0, sizeof(*draft));
}

void syspro_draft_done(struct syspro_draft *draft)
{
    syspro_order_free(draft->order);
    free(draft->errors);
    free(draft->warnings);
}

static void add_message(struct syspro_message **list, size_t *len,
                        xmlNodePtr section, const char *format, va_list args)
{
    if (*len == SYSPRO_MESSAGES_MAX)
        return;
    *list = memory_grow(*list, *len + 1, sizeof(**list));
    struct syspro_message *message = &(*list)[(*len)++];

    message->section = section;
    vsnprintf(message->text, sizeof(message->text), format, args);
    /* Cutting may have gone through the middle of a character. */
    syspro_xml_narrow(message->text);
}

void syspro_draft_error(struct syspro_draft *draft, xmlNodePtr section,
                        const char *format, ...)
{
    va_list args;

    va_start(args, format);
    add_message(&draft->errors, &draft->errors_len, section, format, args);
    va_end(args);
}

void syspro_draft_warn(struct syspro_draft *draft, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    add_message(&draft->warnings, &draft->warnings_len, NULL, format, args);
    va_end(args);
}

bool syspro_draft_field(struct syspro_draft *draft, xmlNodePtr section,
                        const char *name, size_t characters_max,
                        char out[SYSPRO_TEXT_MAX])
{
    syspro_xml_child_text(section, name, out);
    if (syspro_xml_length(out) > characters_max) {
        syspro_draft_error(draft, section, "%s exceeds %zu characters", name,
                           characters_max);
        *out = '\0';
    }
    return *out != '\0';
}

bool syspro_draft_number(struct syspro_draft *draft, xmlNodePtr section,
                         const char *name, int integers, int decimals,
                         char out[SYSPRO_TEXT_MAX], int64_t *ret_millionths)
{
    *ret_millionths = 0;
    if (!syspro_draft_field(draft, section, name, 100, out))
        return false;
    int status = syspro_decimal_read(out, integers, decimals, ret_millionths);

    if (status == 0 && strlen(out) < NUMBER_TEXT_MAX)
        return true;
    if (status != -ERANGE || strlen(out) >= FLOAT_TEXT_LEN)
        syspro_draft_error(draft, section, "%s '%.30s' is not numeric", name,
                           out);
    else
        syspro_draft_error(draft, section,
                           "%s '%.30s' exceeds %d digits and %d decimals", name,
                           out, integers, decimals);
    return false;
}

bool syspro_date_days(const char *text, long *ret_days)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30,
                                  31, 31, 30, 31, 30, 31};

    if (strlen(text) != 10 || text[4] != '-' || text[7] != '-')
        return false;
    for (size_t i = 0; i < 10; i++)
        if (i != 4 && i != 7 && (text[i] < '0' || text[i] > '9'))
            return false;
    long year = strtol(text, NULL, 10);
    long month = strtol(text + 5, NULL, 10);
    long day = strtol(text + 8, NULL, 10);
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    if (year < 1900 || month < 1 || month > 12 || day < 1 ||
        day > lengths[month - 1] + (month == 2 && leap))
        return false;
    long days = day - 1;

    for (long m = 1; m < month; m++)
        days += lengths[m - 1] + (m == 2 && leap);
    year--;
    *ret_days = days + year * 365 + year / 4 - year / 100 + year / 400 - 719162;
    return true;
}

bool syspro_draft_date(struct syspro_draft *draft, xmlNodePtr section,
                       const char *name, char out[11])
{
    char text[SYSPRO_TEXT_MAX];
    long days = 0;

    out[0] = '\0';
    if (!syspro_draft_field(draft, section, name, 100, text))
        return false;
    if (!syspro_date_days(text, &days)) {
        syspro_draft_error(draft, section, "%s '%.20s' is not a valid date",
                           name, text);
        return false;
    }
    snprintf(out, 11, "%.10s", text);
    return true;
}
