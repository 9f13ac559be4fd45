/* syspro_table.c - the company's state as SQL tables.
 *
 * The idea: a column is a name and a small reader, a table is a list of columns
 * and a walk over its rows; COMFND and COMFCH then need to know nothing of the
 * state.  Names are those of SYSPRO's database, keys are in stored form.
 * Called on the server's thread. */
#include "syspro_table.h"

#include <string.h>

#include "syspro_decimal.h"

enum { MILLION = 1000000 };

#define TEXT_COLUMN(function, value)                                           \
    static void function(const struct syspro_row *row,                         \
                         char out[SYSPRO_CELL_MAX], int64_t *ret_number)       \
    {                                                                          \
        (void)row;                                                             \
        (void)ret_number;                                                      \
        syspro_text_set(out, SYSPRO_CELL_MAX, value);                          \
    }
#define NUMBER_COLUMN(function, value)                                         \
    static void function(const struct syspro_row *row,                         \
                         char out[SYSPRO_CELL_MAX], int64_t *ret_number)       \
    {                                                                          \
        (void)out;                                                             \
        *ret_number = value;                                                   \
    }

static void sor_detail_line_type(const struct syspro_row *row,
                                 char out[SYSPRO_CELL_MAX], int64_t *ret_number)
{
    (void)ret_number;
    out[0] = row->line->type;
    out[1] = '\0';
}

TEXT_COLUMN(sor_master_sales_order, row->order->number)
NUMBER_COLUMN(sor_master_next_detail_line,
              (int64_t)row->order->lines_len *MILLION + MILLION)
TEXT_COLUMN(sor_master_order_status, row->order->status)
TEXT_COLUMN(sor_master_cancelled_flag, row->order->cancelled ? "Y" : "")
TEXT_COLUMN(sor_master_document_type, "O")
TEXT_COLUMN(sor_master_customer, row->order->customer)
TEXT_COLUMN(sor_master_customer_name, row->order->customer_name)
TEXT_COLUMN(sor_master_customer_po_number, row->order->po)
TEXT_COLUMN(sor_master_order_date, row->order->order_date)
TEXT_COLUMN(sor_master_entry_system_date, row->order->entry_date)
TEXT_COLUMN(sor_master_req_ship_date, row->order->ship_date)
TEXT_COLUMN(sor_master_date_last_doc_prt, "")
TEXT_COLUMN(sor_master_last_invoice, "")
TEXT_COLUMN(sor_master_date_last_inv_prt, "")
TEXT_COLUMN(sor_master_alternate_key, row->order->alternate_key)
TEXT_COLUMN(sor_master_warehouse, row->order->warehouse)
TEXT_COLUMN(sor_master_currency, row->order->currency)
TEXT_COLUMN(sor_master_branch, row->order->branch)
TEXT_COLUMN(sor_master_salesperson, row->order->salesperson)
TEXT_COLUMN(sor_master_inv_terms_override, row->order->terms)
TEXT_COLUMN(sor_master_shipping_instrs, row->order->shipping_instructions)
TEXT_COLUMN(sor_master_special_instrs, row->order->special_instructions)
TEXT_COLUMN(sor_master_ship_address1, row->order->ship_address[0])
TEXT_COLUMN(sor_master_ship_address2, row->order->ship_address[1])
TEXT_COLUMN(sor_master_ship_address3, row->order->ship_address[2])
TEXT_COLUMN(sor_master_ship_address4, row->order->ship_address[3])
TEXT_COLUMN(sor_master_ship_address5, row->order->ship_address[4])
TEXT_COLUMN(sor_master_ship_postal_code, row->order->ship_postal_code)
TEXT_COLUMN(sor_master_email, row->order->email)

static const struct syspro_column sor_master[] = {
    {"SalesOrder", false, 0, 0, sor_master_sales_order},
    {"NextDetailLine", true, 0, 4, sor_master_next_detail_line},
    {"OrderStatus", false, 0, 0, sor_master_order_status},
    {"CancelledFlag", false, 0, 0, sor_master_cancelled_flag},
    {"DocumentType", false, 0, 0, sor_master_document_type},
    {"Customer", false, 0, 0, sor_master_customer},
    {"CustomerName", false, 0, 0, sor_master_customer_name},
    {"CustomerPoNumber", false, 0, 0, sor_master_customer_po_number},
    {"OrderDate", false, 0, 0, sor_master_order_date},
    {"EntrySystemDate", false, 0, 0, sor_master_entry_system_date},
    {"ReqShipDate", false, 0, 0, sor_master_req_ship_date},
    {"DateLastDocPrt", false, 0, 0, sor_master_date_last_doc_prt},
    {"LastInvoice", false, 0, 0, sor_master_last_invoice},
    {"DateLastInvPrt", false, 0, 0, sor_master_date_last_inv_prt},
    {"AlternateKey", false, 0, 0, sor_master_alternate_key},
    {"Warehouse", false, 0, 0, sor_master_warehouse},
    {"Currency", false, 0, 0, sor_master_currency},
    {"Branch", false, 0, 0, sor_master_branch},
    {"Salesperson", false, 0, 0, sor_master_salesperson},
    {"InvTermsOverride", false, 0, 0, sor_master_inv_terms_override},
    {"ShippingInstrs", false, 0, 0, sor_master_shipping_instrs},
    {"SpecialInstrs", false, 0, 0, sor_master_special_instrs},
    {"ShipAddress1", false, 0, 0, sor_master_ship_address1},
    {"ShipAddress2", false, 0, 0, sor_master_ship_address2},
    {"ShipAddress3", false, 0, 0, sor_master_ship_address3},
    {"ShipAddress4", false, 0, 0, sor_master_ship_address4},
    {"ShipAddress5", false, 0, 0, sor_master_ship_address5},
    {"ShipPostalCode", false, 0, 0, sor_master_ship_postal_code},
    {"Email", false, 0, 0, sor_master_email},
    {NULL, false, 0, 0, NULL},
};

TEXT_COLUMN(sor_detail_sales_order, row->order->number)
NUMBER_COLUMN(sor_detail_sales_order_line, (int64_t)row->line->number *MILLION)
TEXT_COLUMN(sor_detail_m_stock_code, row->line->stock_code)
TEXT_COLUMN(sor_detail_m_stock_des,
            row->line->type == '1' ? row->line->description : "")
TEXT_COLUMN(sor_detail_m_warehouse, row->line->warehouse)
NUMBER_COLUMN(sor_detail_m_order_qty, row->line->quantity)
NUMBER_COLUMN(sor_detail_m_ship_qty, row->line->ship)
NUMBER_COLUMN(sor_detail_m_back_order_qty, row->line->back)
TEXT_COLUMN(sor_detail_m_order_uom, row->line->uom)
NUMBER_COLUMN(sor_detail_m_price, row->line->price)
TEXT_COLUMN(sor_detail_m_price_uom, row->line->price_uom)
TEXT_COLUMN(sor_detail_m_product_class, row->line->product_class)
TEXT_COLUMN(sor_detail_m_line_ship_date, row->line->ship_date)
TEXT_COLUMN(sor_detail_n_comment,
            row->line->type == '6' ? row->line->description : "")
NUMBER_COLUMN(sor_detail_n_msc_charge_value,
              row->line->type == '5' || row->line->type == '4'
                  ? row->line->price
                  : 0)

static const struct syspro_column sor_detail[] = {
    {"SalesOrder", false, 0, 0, sor_detail_sales_order},
    {"SalesOrderLine", true, 0, 5, sor_detail_sales_order_line},
    {"LineType", false, 0, 0, sor_detail_line_type},
    {"MStockCode", false, 0, 0, sor_detail_m_stock_code},
    {"MStockDes", false, 0, 0, sor_detail_m_stock_des},
    {"MWarehouse", false, 0, 0, sor_detail_m_warehouse},
    {"MOrderQty", true, 6, 20, sor_detail_m_order_qty},
    {"MShipQty", true, 6, 20, sor_detail_m_ship_qty},
    {"MBackOrderQty", true, 6, 20, sor_detail_m_back_order_qty},
    {"MOrderUom", false, 0, 0, sor_detail_m_order_uom},
    {"MPrice", true, 5, 17, sor_detail_m_price},
    {"MPriceUom", false, 0, 0, sor_detail_m_price_uom},
    {"MProductClass", false, 0, 0, sor_detail_m_product_class},
    {"MLineShipDate", false, 0, 0, sor_detail_m_line_ship_date},
    {"NComment", false, 0, 0, sor_detail_n_comment},
    {"NMscChargeValue", true, 2, 16, sor_detail_n_msc_charge_value},
    {NULL, false, 0, 0, NULL},
};

TEXT_COLUMN(ar_customer_customer, row->customer->code)
TEXT_COLUMN(ar_customer_name, row->customer->name)
TEXT_COLUMN(ar_customer_short_name, row->customer->short_name)
TEXT_COLUMN(ar_customer_customer_on_hold, row->customer->on_hold ? "Y" : "N")
NUMBER_COLUMN(ar_customer_credit_limit, row->customer->credit_limit)
TEXT_COLUMN(ar_customer_credit_check_flag,
            row->customer->credit_check ? "T" : "N")
TEXT_COLUMN(ar_customer_currency, row->customer->currency)
TEXT_COLUMN(ar_customer_branch, row->customer->branch)
TEXT_COLUMN(ar_customer_salesperson, row->customer->salesperson)
TEXT_COLUMN(ar_customer_area, row->customer->area)
TEXT_COLUMN(ar_customer_terms_code, row->customer->terms)
TEXT_COLUMN(ar_customer_po_number_mandatory,
            row->customer->po_mandatory ? "Y" : "N")
TEXT_COLUMN(ar_customer_sales_warehouse, row->customer->warehouse)
NUMBER_COLUMN(ar_customer_outst_ord_val, row->customer->outstanding)
TEXT_COLUMN(ar_customer_email, row->customer->email)
TEXT_COLUMN(ar_customer_sold_to_addr1, row->customer->address[0])
TEXT_COLUMN(ar_customer_sold_to_addr2, row->customer->address[1])
TEXT_COLUMN(ar_customer_sold_to_addr3, row->customer->address[2])
TEXT_COLUMN(ar_customer_sold_to_addr4, row->customer->address[3])
TEXT_COLUMN(ar_customer_sold_to_addr5, row->customer->address[4])
TEXT_COLUMN(ar_customer_sold_postal_code, row->customer->postal_code)
TEXT_COLUMN(ar_customer_date_last_sale, "0000-00-00")

static const struct syspro_column ar_customer[] = {
    {"Customer", false, 0, 0, ar_customer_customer},
    {"Name", false, 0, 0, ar_customer_name},
    {"ShortName", false, 0, 0, ar_customer_short_name},
    {"CustomerOnHold", false, 0, 0, ar_customer_customer_on_hold},
    {"CreditLimit", true, 0, 12, ar_customer_credit_limit},
    {"CreditCheckFlag", false, 0, 0, ar_customer_credit_check_flag},
    {"Currency", false, 0, 0, ar_customer_currency},
    {"Branch", false, 0, 0, ar_customer_branch},
    {"Salesperson", false, 0, 0, ar_customer_salesperson},
    {"Area", false, 0, 0, ar_customer_area},
    {"TermsCode", false, 0, 0, ar_customer_terms_code},
    {"PoNumberMandatory", false, 0, 0, ar_customer_po_number_mandatory},
    {"SalesWarehouse", false, 0, 0, ar_customer_sales_warehouse},
    {"OutstOrdVal", true, 2, 16, ar_customer_outst_ord_val},
    {"Email", false, 0, 0, ar_customer_email},
    {"SoldToAddr1", false, 0, 0, ar_customer_sold_to_addr1},
    {"SoldToAddr2", false, 0, 0, ar_customer_sold_to_addr2},
    {"SoldToAddr3", false, 0, 0, ar_customer_sold_to_addr3},
    {"SoldToAddr4", false, 0, 0, ar_customer_sold_to_addr4},
    {"SoldToAddr5", false, 0, 0, ar_customer_sold_to_addr5},
    {"SoldPostalCode", false, 0, 0, ar_customer_sold_postal_code},
    {"DateLastSale", false, 0, 0, ar_customer_date_last_sale},
    {NULL, false, 0, 0, NULL},
};

TEXT_COLUMN(inv_master_stock_code, row->item->code)
TEXT_COLUMN(inv_master_description, row->item->description)
TEXT_COLUMN(inv_master_stock_uom, row->item->stock_uom)
TEXT_COLUMN(inv_master_alternate_uom, row->item->alternate_uom)
TEXT_COLUMN(inv_master_other_uom, row->item->other_uom)
NUMBER_COLUMN(inv_master_decimals, (int64_t)row->item->decimals *MILLION)
TEXT_COLUMN(inv_master_product_class, row->item->product_class)
TEXT_COLUMN(inv_master_warehouse_to_use, row->item->warehouse)
TEXT_COLUMN(inv_master_stock_on_hold, row->item->on_hold ? "F" : "")

static const struct syspro_column inv_master[] = {
    {"StockCode", false, 0, 0, inv_master_stock_code},
    {"Description", false, 0, 0, inv_master_description},
    {"StockUom", false, 0, 0, inv_master_stock_uom},
    {"AlternateUom", false, 0, 0, inv_master_alternate_uom},
    {"OtherUom", false, 0, 0, inv_master_other_uom},
    {"Decimals", true, 0, 15, inv_master_decimals},
    {"ProductClass", false, 0, 0, inv_master_product_class},
    {"WarehouseToUse", false, 0, 0, inv_master_warehouse_to_use},
    {"StockOnHold", false, 0, 0, inv_master_stock_on_hold},
    {NULL, false, 0, 0, NULL},
};

TEXT_COLUMN(inv_warehouse_stock_code, row->item->code)
TEXT_COLUMN(inv_warehouse_warehouse, row->stock->warehouse)
NUMBER_COLUMN(inv_warehouse_qty_on_hand, row->stock->on_hand)
NUMBER_COLUMN(inv_warehouse_qty_allocated, row->stock->allocated)
NUMBER_COLUMN(inv_warehouse_qty_on_back_order, row->stock->back_order)
NUMBER_COLUMN(inv_warehouse_qty_on_order, row->stock->on_order)

static const struct syspro_column inv_warehouse[] = {
    {"StockCode", false, 0, 0, inv_warehouse_stock_code},
    {"Warehouse", false, 0, 0, inv_warehouse_warehouse},
    {"QtyOnHand", true, 6, 20, inv_warehouse_qty_on_hand},
    {"QtyAllocated", true, 6, 20, inv_warehouse_qty_allocated},
    {"QtyOnBackOrder", true, 6, 20, inv_warehouse_qty_on_back_order},
    {"QtyOnOrder", true, 6, 20, inv_warehouse_qty_on_order},
    {NULL, false, 0, 0, NULL},
};

typedef bool visit_fn(void *arg, const struct syspro_row *row);

static void walk_orders(struct syspro_company *company, visit_fn *visit,
                        void *arg)
{
    struct syspro_order *order, *next;

    HASH_ITER(hh, company->orders, order, next)
    {
        struct syspro_row row = {.company = company, .order = order};

        if (!visit(arg, &row))
            return;
    }
}

static void walk_lines(struct syspro_company *company, visit_fn *visit,
                       void *arg)
{
    struct syspro_order *order, *next;

    HASH_ITER(hh, company->orders, order, next)
    for (size_t i = 0; i < order->lines_len; i++) {
        struct syspro_row row = {
            .company = company, .order = order, .line = &order->lines[i]};

        if (!visit(arg, &row))
            return;
    }
}

static void walk_customers(struct syspro_company *company, visit_fn *visit,
                           void *arg)
{
    struct syspro_customer *customer, *next;

    HASH_ITER(hh, company->customers, customer, next)
    {
        struct syspro_row row = {.company = company, .customer = customer};

        if (!visit(arg, &row))
            return;
    }
}

static void walk_items(struct syspro_company *company, visit_fn *visit,
                       void *arg)
{
    struct syspro_item *item, *next;

    HASH_ITER(hh, company->items, item, next)
    {
        struct syspro_row row = {.company = company, .item = item};

        if (!visit(arg, &row))
            return;
    }
}

static void walk_stock(struct syspro_company *company, visit_fn *visit,
                       void *arg)
{
    struct syspro_item *item, *next;

    HASH_ITER(hh, company->items, item, next)
    for (size_t i = 0; i < item->stock_len; i++) {
        struct syspro_row row = {
            .company = company, .item = item, .stock = &item->stock[i]};

        if (!visit(arg, &row))
            return;
    }
}

static const struct syspro_table tables[] = {
    {"SorMaster", sor_master, 1, walk_orders},
    {"SorDetail", sor_detail, 2, walk_lines},
    {"ArCustomer", ar_customer, 1, walk_customers},
    {"InvMaster", inv_master, 1, walk_items},
    {"InvWarehouse", inv_warehouse, 2, walk_stock},
};

const struct syspro_table *syspro_table_find(const char *name)
{
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
        if (strcmp(tables[i].name, name) == 0)
            return &tables[i];
    return NULL;
}

const struct syspro_column *
syspro_table_column(const struct syspro_table *table, const char *name)
{
    for (const struct syspro_column *column = table->columns;
         column->name != NULL; column++)
        if (strcmp(column->name, name) == 0)
            return column;
    return NULL;
}

void syspro_column_show(const struct syspro_column *column,
                        const struct syspro_row *row, char out[SYSPRO_CELL_MAX])
{
    char number[SYSPRO_DECIMAL_TEXT_MAX];
    int64_t value = 0;

    column->read(row, out, &value);
    if (!column->numeric)
        return;
    syspro_decimal_write(value, column->decimals, column->width, number);
    syspro_text_set(out, SYSPRO_CELL_MAX, number);
}
