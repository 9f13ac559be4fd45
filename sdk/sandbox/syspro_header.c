/* syspro_header.c - checks of SORTOI's OrderHeader.
 *
 * The idea: a table of plain fields with their lengths, and one function for
 * each rule that needs the company's state.  Rules and lengths are those of
 * the reference, section 2.1.2; the texts are invented except where a golden
 * case has one.  What must hold: nothing in the company changes here.
 * Called on the server's thread. */
#include "syspro_header.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"

struct field {
    const char *name;
    size_t characters;
    size_t offset, size; /* where it goes in the order; size 0: only checked */
};

#define GOES_TO(member)                                                        \
    offsetof(struct syspro_order, member),                                     \
        sizeof(((struct syspro_order *)0)->member)

static const struct field fields[] = {
    {"ShippingInstrs", 50, GOES_TO(shipping_instructions)},
    {"ShippingInstrsCode", 6, 0, 0},
    {"CustomerName", 50, GOES_TO(customer_name)},
    {"ShipAddress1", 40, GOES_TO(ship_address[0])},
    {"ShipAddress2", 40, GOES_TO(ship_address[1])},
    {"ShipAddress3", 40, GOES_TO(ship_address[2])},
    {"ShipAddress3Locality", 40, 0, 0},
    {"ShipAddress4", 40, GOES_TO(ship_address[3])},
    {"ShipAddress5", 40, GOES_TO(ship_address[4])},
    {"ShipPostalCode", 10, GOES_TO(ship_postal_code)},
    {"Email", 255, GOES_TO(email)},
    {"SpecialInstrs", 50, GOES_TO(special_instructions)},
    {"OrderType", 2, 0, 0},
    {"MultiShipCode", 5, 0, 0},
    {"TaxExemptNumber", 30, 0, 0},
    {"TaxExemptionStatus", 1, 0, 0},
    {"CompanyTaxNumber", 15, 0, 0},
    {"Nationality", 3, 0, 0},
    {"CancelReasonCode", 6, 0, 0},
    {"DocumentFormat", 1, 0, 0},
};

static void check_fields(struct syspro_draft *draft)
{
    char text[SYSPRO_TEXT_MAX];

    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        const struct field *field = &fields[i];

        if (!syspro_draft_field(draft, draft->header, field->name,
                                field->characters, text) ||
            field->size == 0)
            continue;
        if (draft->action == 'C' && strcmp(text, "{blank}") == 0)
            *text = '\0';
        syspro_text_set((char *)draft->order + field->offset, field->size,
                        text);
    }
}

static void check_customer(struct syspro_draft *draft)
{
    char text[SYSPRO_TEXT_MAX];

    if (draft->existing != NULL) {
        draft->customer =
            syspro_company_customer(draft->company, draft->existing->customer);
        return;
    }
    if (!syspro_draft_field(draft, draft->header, "Customer", 15, text))
        SYSPRO_SET(text, draft->parameters->customer_to_use);
    if (*text == '\0') {
        syspro_draft_error(draft, draft->header, "Customer is missing");
        return;
    }
    draft->customer = syspro_company_customer(draft->company, text);
    if (draft->customer == NULL) {
        syspro_draft_error(draft, draft->header, "Customer '%.20s' not found",
                           text);
        return;
    }
    SYSPRO_SET(draft->order->customer, draft->customer->code);
    if (!draft->customer->on_hold)
        return;
    if (draft->parameters->hold_is_warning)
        syspro_draft_warn(draft, "Customer '%.20s' is on hold", text);
    else
        syspro_draft_error(draft, draft->header, "Customer '%.20s' is on hold",
                           text);
}

static void check_currency(struct syspro_draft *draft)
{
    char text[SYSPRO_TEXT_MAX];

    if (draft->customer == NULL || draft->action != 'A')
        return;
    SYSPRO_SET(draft->order->currency, draft->customer->currency);
    if (syspro_draft_field(draft, draft->header, "Currency", 3, text) &&
        strcmp(text, draft->customer->currency) != 0)
        syspro_draft_error(draft, draft->header,
                           "Currency '%s' differs from the customer's "
                           "currency '%s'",
                           text, draft->customer->currency);
}

/* Whether another order of the customer carries the PO number. */
static bool is_duplicate(struct syspro_draft *draft, const char *po)
{
    bool cancelled = draft->company->options.cancelled_count_duplicate;

    for (struct syspro_order *order =
             syspro_company_orders_by_po(draft->company, po);
         order != NULL; order = order->po_next)
        if (order != draft->existing &&
            strcmp(order->customer, draft->customer->code) == 0 &&
            (cancelled || !order->cancelled))
            return true;
    return false;
}

static void check_duplicate(struct syspro_draft *draft, const char *po)
{
    char duplicates = draft->parameters->duplicates;

    if (draft->customer == NULL || *po == '\0' || duplicates == 'A' ||
        (duplicates == 'Y' && !draft->company->options.duplicate_po_refused))
        return;
    if (is_duplicate(draft, po))
        syspro_draft_error(draft, draft->header,
                           "Duplicate order number - customer purchase order "
                           "'%s' already exists for this customer",
                           po);
}

static void check_po(struct syspro_draft *draft)
{
    char check = draft->parameters->check_po;
    const char *name =
        draft->action == 'C' ? "NewCustomerPoNumber" : "CustomerPoNumber";
    char text[SYSPRO_TEXT_MAX];
    size_t errors = draft->errors_len;

    if (draft->action == 'D')
        return;
    if (syspro_draft_field(draft, draft->header, name, 30, text)) {
        check_duplicate(draft, text);
        SYSPRO_SET(draft->order->po, text);
        return;
    }
    if (draft->action == 'A' && errors == draft->errors_len &&
        (check == 'Y' || (check == 'C' && draft->customer != NULL &&
                          draft->customer->po_mandatory)))
        syspro_draft_error(draft, draft->header,
                           "Customer purchase order number is mandatory");
}

static void check_period(struct syspro_draft *draft)
{
    const char *from = draft->company->options.open_period_from;
    const char *date = draft->order->order_date;

    if (*from != '\0' && *date != '\0' && strncmp(date, from, 7) < 0)
        syspro_draft_error(draft, draft->header,
                           "Posting period %.7s is closed", date);
}

static void check_dates(struct syspro_draft *draft)
{
    struct syspro_order *order = draft->order;
    char date[11];
    long ordered = 0, shipped = 0;

    if (syspro_draft_date(draft, draft->header, "OrderDate", date))
        SYSPRO_SET(order->order_date, date);
    else if (draft->action == 'A')
        SYSPRO_SET(order->order_date, draft->today);
    check_period(draft);
    if (!syspro_draft_date(draft, draft->header, "RequestedShipDate", date)) {
        if (draft->action == 'A')
            SYSPRO_SET(order->ship_date, order->order_date);
        return;
    }
    SYSPRO_SET(order->ship_date, date);
    if (!draft->parameters->earlier_ship_ok &&
        syspro_date_days(order->order_date, &ordered) &&
        syspro_date_days(date, &shipped) &&
        shipped < ordered + draft->parameters->days_to_ship_min)
        syspro_draft_error(draft, draft->header,
                           "Requested ship date '%s' is too early", date);
}

static void check_code(struct syspro_draft *draft, const char *name,
                       size_t characters, const struct syspro_codes *codes,
                       char *to, size_t to_len)
{
    char text[SYSPRO_TEXT_MAX];

    if (!syspro_draft_field(draft, draft->header, name, characters, text))
        return;
    if (!syspro_codes_have(codes, text))
        syspro_draft_error(draft, draft->header, "%s '%s' not found", name,
                           text);
    else if (to_len > 0)
        syspro_text_set(to, to_len, text);
}

static void check_codes(struct syspro_draft *draft)
{
    struct syspro_company *company = draft->company;
    struct syspro_order *order = draft->order;

    check_code(draft, "InvoiceTerms", 2, &company->terms, order->terms,
               sizeof(order->terms));
    check_code(draft, "Salesperson", 20, &company->salespersons,
               order->salesperson, sizeof(order->salesperson));
    check_code(draft, "Branch", 10, &company->branches, order->branch,
               sizeof(order->branch));
    check_code(draft, "Area", 3, &company->areas, NULL, 0);
    /* The alternate key is configured as the branch in this company. */
    check_code(draft, "AlternateReference", 10, &company->branches,
               order->alternate_key, sizeof(order->alternate_key));
}

static void check_warehouse(struct syspro_draft *draft)
{
    char text[SYSPRO_TEXT_MAX];

    if (!syspro_draft_field(draft, draft->header, "Warehouse", 10, text))
        return;
    if (!syspro_company_has_warehouse(draft->company, text))
        syspro_draft_error(draft, draft->header, "Warehouse '%s' not found",
                           text);
    else
        SYSPRO_SET(draft->order->warehouse, text);
}

static void check_comments(struct syspro_draft *draft)
{
    char text[SYSPRO_TEXT_MAX];
    size_t total = 0;

    for (xmlNodePtr node = syspro_xml_child(draft->header, "OrderComments");
         node != NULL; node = syspro_xml_next(node)) {
        syspro_xml_text(node, text);
        total += syspro_xml_length(text);
    }
    if (total > 400)
        syspro_draft_error(draft, draft->header,
                           "OrderComments exceeds 400 characters");
}

static void check_discounts(struct syspro_draft *draft)
{
    static const char *const names[] = {
        "OrderDiscPercent1", "OrderDiscPercent2", "OrderDiscPercent3"};
    char text[SYSPRO_TEXT_MAX];
    int64_t value = 0;

    for (size_t i = 0; i < 3; i++)
        if (syspro_draft_number(draft, draft->header, names[i], 3, 2, text,
                                &value) &&
            (value > 100000000 || value < -100000000))
            syspro_draft_error(draft, draft->header,
                               "%s '%s' is not between -100 and 100", names[i],
                               text);
}

static void fill_from_customer(struct syspro_draft *draft)
{
    const struct syspro_customer *customer = draft->customer;
    struct syspro_order *order = draft->order;

    if (customer == NULL)
        return;
    SYSPRO_SET(order->customer_name, customer->name);
    SYSPRO_SET(order->terms, customer->terms);
    SYSPRO_SET(order->branch, customer->branch);
    SYSPRO_SET(order->salesperson, customer->salesperson);
    SYSPRO_SET(order->alternate_key, customer->branch);
    if (draft->parameters->customer_warehouse)
        SYSPRO_SET(order->warehouse, customer->warehouse);
}

/* All blank: the customer's address.  One filled: only what was sent. */
static void fill_address(struct syspro_draft *draft)
{
    struct syspro_order *order = draft->order;

    for (size_t i = 0; i < 5; i++)
        if (order->ship_address[i][0] != '\0')
            return;
    if (draft->customer == NULL || order->ship_postal_code[0] != '\0')
        return;
    for (size_t i = 0; i < 5; i++)
        SYSPRO_SET(order->ship_address[i], draft->customer->address[i]);
    SYSPRO_SET(order->ship_postal_code, draft->customer->postal_code);
}

/* The order a change or cancellation is for; complains when there is none. */
static bool find_existing(struct syspro_draft *draft)
{
    char text[SYSPRO_TEXT_MAX];

    if (!syspro_draft_field(draft, draft->header, "SalesOrder", 20, text)) {
        syspro_draft_error(draft, draft->header, "Sales order is missing");
        return false;
    }
    draft->existing = syspro_company_order(draft->company, text);
    if (draft->existing == NULL) {
        syspro_draft_error(draft, draft->header, "Sales order '%s' not found",
                           text);
        return false;
    }
    if (strchr("9\\*", draft->existing->status[0]) != NULL) {
        syspro_draft_error(draft, draft->header,
                           "Sales order '%s' is complete or cancelled", text);
        return false;
    }
    draft->order = syspro_order_copy(draft->existing);
    return true;
}

static void check_number(struct syspro_draft *draft)
{
    char text[SYSPRO_TEXT_MAX];

    if (!syspro_draft_field(draft, draft->header, "SalesOrder", 20, text))
        return;
    if (!draft->parameters->manual_number)
        syspro_draft_error(draft, draft->header,
                           "Manual sales order numbers are not allowed");
    else if (syspro_key_store(text, true, draft->order->number) != 0)
        syspro_draft_error(draft, draft->header,
                           "Sales order '%s' is not numeric", text);
    else if (syspro_company_order(draft->company, text) != NULL)
        syspro_draft_error(draft, draft->header,
                           "Sales order '%s' already exists", text);
}

static void read_action(struct syspro_draft *draft)
{
    char text[SYSPRO_TEXT_MAX];

    syspro_xml_child_text(draft->header, "CustomerPoNumber", draft->po);
    syspro_xml_child_text(draft->header, "OrderActionType", text);
    if (strlen(text) == 1 && strchr("ACD", text[0]) != NULL)
        draft->action = text[0];
    else
        syspro_draft_error(draft, draft->header,
                           "Order action type '%.10s' is invalid", text);
}

void syspro_header_check(struct syspro_draft *draft)
{
    read_action(draft);
    if (draft->action == 0)
        return;
    if (draft->action != 'A') {
        if (!find_existing(draft))
            return;
    } else {
        draft->order = memory_zero(1, sizeof(*draft->order));
        SYSPRO_SET(draft->order->status, draft->parameters->order_status);
        SYSPRO_SET(draft->order->entry_date, draft->today);
        check_number(draft);
    }
    check_customer(draft);
    if (draft->action == 'D')
        return;
    if (draft->action == 'A')
        fill_from_customer(draft);
    check_fields(draft);
    check_currency(draft);
    check_po(draft);
    check_dates(draft);
    check_codes(draft);
    check_warehouse(draft);
    check_comments(draft);
    check_discounts(draft);
    if (draft->action == 'A')
        fill_address(draft);
}

void syspro_header_check_credit(struct syspro_draft *draft)
{
    const struct syspro_customer *customer = draft->customer;
    char shown[SYSPRO_KEY_MAX];

    if (customer == NULL || !customer->credit_check || draft->action == 'D')
        return;
    int64_t before = draft->existing != NULL ? draft->existing->value : 0;

    if (customer->outstanding - before + draft->order->value <=
        customer->credit_limit)
        return;
    syspro_key_show(customer->code,
                    draft->company->options.customer_presentation, shown);
    if (draft->parameters->no_credit_ok)
        syspro_draft_warn(draft, "Credit limit exceeded for customer '%s'",
                          shown);
    else
        syspro_draft_error(draft, draft->header,
                           "Credit limit exceeded for customer '%s'", shown);
}
