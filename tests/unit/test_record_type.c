/* links: connect_config connect_sdk connect_base */
/* test_record_type.c - the shared record types as they are in config/records,
 * with right and wrong records, and definitions that must be refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <assert.h>
#include <pthread.h>
#include <unistd.h>

#include <cmocka.h>

#include <connect/json.h>

#include "config/record_type.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* In tables ' stands for ". */
static cJSON *parse(const char *text)
{
    char *quoted = strdup(text);
    cJSON *value = NULL;
    cn_json_error error;

    for (char *at = quoted; *at; at++) {
        if (*at == '\'')
            *at = '"';
    }
    if (cn_json_read((cn_str){quoted, strlen(quoted)}, NULL, &value, &error))
        fail_msg("%s in %s", error.sentence, text);
    free(quoted);
    return value;
}

static struct record_types *load_shared(void)
{
    struct record_types *types = record_types_create();
    struct error err = {""};

    if (record_types_load(types, CONNECT_SOURCE_DIR "/config/records", &err))
        fail_msg("%s", err.text);
    return types;
}

/* ---- The shared types --------------------------------------------------- */

static const struct {
    const char *name, *key, *order, *person;
    enum record_repeat repeat;
    enum record_existing existing;
    int64_t settle_ms;
} shared[] = {
    {"activity/1", "/external_id", "/deal", "/person", REPEAT_PROBE,
     EXISTING_ADOPT, 60000},
    {"box_event/1", "/box", "/box", NULL, REPEAT_SAFE, EXISTING_SEND, 60000},
    {"deal/1", "/key", "/key", "/contacts/0/key", REPEAT_SAFE, EXISTING_SEND,
     60000},
    {"sales_order/1", "/external_id", "/external_id", "/customer", REPEAT_PROBE,
     EXISTING_ADOPT, 60000},
    {"webhook/1", "/external_id", "/external_id", NULL, REPEAT_PROBE,
     EXISTING_SEND, 10000},
};

static void loads_shared_types(void **state)
{
    struct record_types *types = load_shared();

    (void)state;
    for (size_t index = 0; index < COUNT(shared); index++) {
        const struct record_type *type =
            record_types_find(types, shared[index].name);

        assert_non_null(type);
        assert_ptr_equal(type, record_types_at(types, index));
        assert_string_equal(type->key_pointer, shared[index].key);
        assert_string_equal(type->order_pointer, shared[index].order);
        if (shared[index].person)
            assert_string_equal(type->person_pointer, shared[index].person);
        else
            assert_null(type->person_pointer);
        assert_int_equal(type->repeat, shared[index].repeat);
        assert_int_equal(type->existing, shared[index].existing);
        assert_int_equal(type->settle_ms, shared[index].settle_ms);
        assert_true(strlen(type->title) > 3);
    }
    assert_null(record_types_at(types, COUNT(shared)));
    assert_null(record_types_find(types, "sales_order/2"));
    record_types_destroy(types);
}

#define LINE                                                                   \
    "{'line':'1','stock_code':'A100','quantity':'3','unit':'EA','price':"      \
    "'149.90'}"
#define ORDER(more, lines)                                                     \
    "{'external_id':'k1','customer':'0001207','po_number':'HS-4711',"          \
    "'order_date':'2026-11-23'" more ",'lines':[" lines "]}"

static const struct {
    const char *type, *record, *fault; /* NULL: right */
} records[] = {
    {"box_event/1", "{'box':'agxz'}", NULL},
    {"box_event/1",
     "{'event':'BOX_EDIT','box':'agxz','pipeline':'p','version':"
     "'1767261900000'}",
     NULL},
    {"box_event/1", "{'event':'BOX_EDIT'}", "top level: must have \"box\""},
    {"box_event/1", "{'box':''}", "/box: must be a text of 1 to 256"},
    {"box_event/1", "{'box':'b','version':1767261900000}",
     "/version: must be a text that is a whole number"},
    {"box_event/1", "{'box':'b','name':'n'}", "/name: is not known here"},

    {"deal/1",
     "{'key':'b','name':'Bayside spring order','pipeline':{'key':'p','name':"
     "'Sales'},'stage':'Closed-Won','stage_key':'5003','notes':'','fields':{"
     "'Order lines':'A100; 3; 149.90','Paid':true,'Channels':['Web'],"
     "'Priority':null},'organizations':[{'key':'o','name':'Bayside Tools Ltd',"
     "'fields':{'SYSPRO customer':'0001207'}}],'contacts':[{'key':'c','name':"
     "'Dana Reyes','email':'dana@example.test'}],'updated_ms':'1767261900000',"
     "'url':'https://app.streak.com/b'}",
     NULL},
    {"deal/1", "{'key':'b','fields':{'SYSPRO order':'020450'}}", NULL},
    {"deal/1",
     "{'key':'b','add':{'fields':{'Channels':['Web']},'contacts':['c']}}",
     NULL},
    {"deal/1", "{'name':'x'}", "top level: must have \"key\""},
    {"deal/1", "{'key':'b','fields':{'Amount':12.5}}",
     "/fields/Amount: must be null or true or false or a text"},
    {"deal/1", "{'key':'b','fields':{'Tags':[1]}}",
     "/fields/Tags/0: must be a text"},
    {"deal/1", "{'key':'b','updated_ms':1767261900000}",
     "/updated_ms: must be a text"},
    {"deal/1", "{'key':'b','contacts':[{'name':'x'}]}",
     "/contacts/0: must have \"key\""},

    {"activity/1",
     "{'external_id':'k1-order','deal':'b','text':'Order 020450 posted'}",
     NULL},
    {"activity/1", "{'external_id':'a b c','deal':'b','text':'x'}",
     "/external_id: must be a text that matches"},
    {"activity/1", "{'external_id':'k1-order','deal':'b','text':''}",
     "/text: must be a text of 1 to 10000"},

    {"sales_order/1", ORDER("", LINE), NULL},
    {"sales_order/1",
     ORDER(",'requested_ship_date':'2026-12-01','currency':'GBP','warehouse':"
           "'FG','comments':'c','shipping_instructions':'s','ship_to':{'name':"
           "'n','address':['a','b'],'postal_code':'x','email':'e@x.test'}",
           "{'line':'9999','stock_code':'C300','description':'d','quantity':"
           "'123456789012.123456','unit':'EA','price':'1234567890.12345',"
           "'price_unit':'EA','warehouse':'W2','ship_date':'2026-12-01'}"),
     NULL},
    {"sales_order/1", ORDER("", ""), "/lines: must be an array of 1 to 9999"},
    {"sales_order/1", ORDER(",'currency':'gbp'", LINE),
     "/currency: must be a text that matches"},
    {"sales_order/1", ORDER(",'requested_ship_date':'2026-02-30'", LINE),
     "/requested_ship_date: must be a date"},
    {"sales_order/1",
     ORDER(",'ship_to':{'address':['1','2','3','4','5','6']}", LINE),
     "/ship_to/address: must be an array of at most 5"},
    {"sales_order/1",
     "{'external_id':'k','customer':'c','po_number':"
     "'1234567890123456789012345678901','order_date':'2026-11-23','lines':"
     "[" LINE "]}",
     "/po_number: must be a text of 1 to 30 characters, is a text of 31"},
    {"sales_order/1",
     "{'external_id':'k','customer':'c','po_number':'HS ','order_date':"
     "'2026-11-23','lines':[" LINE "]}",
     "/po_number: must be a text that matches"},
    {"sales_order/1",
     "{'external_id':'k','customer':'1234567890123456','po_number':'p',"
     "'order_date':'2026-11-23','lines':[" LINE "]}",
     "/customer: must be a text of 1 to 15"},
#define QUANTITY(text)                                                         \
    ORDER("", "{'line':'1','stock_code':'A','quantity':" text ",'unit':'EA'}")
    {"sales_order/1", QUANTITY("'0.000001'"), NULL},
    {"sales_order/1", QUANTITY("3"), "/lines/0/quantity: must be a text that"},
    {"sales_order/1", QUANTITY("'0'"), "is a smaller one"},
    {"sales_order/1", QUANTITY("'-3'"), "is a smaller one"},
    {"sales_order/1", QUANTITY("'6.5833333'"), "must be a text that matches"},
    {"sales_order/1", QUANTITY("'1234567890123'"), "must be a text that match"},
    {"sales_order/1", QUANTITY("'1e3'"), "must be a text that is a decimal"},
#define PRICE(text)                                                            \
    ORDER("", "{'line':'1','stock_code':'A','quantity':'1','unit':'EA',"       \
              "'price':" text "}")
    {"sales_order/1", PRICE("'0'"), NULL},
    {"sales_order/1", PRICE("'0.00001'"), NULL},
    {"sales_order/1", PRICE("'0.000001'"), "must be a text that matches"},
    {"sales_order/1", PRICE("'-1'"), "is a smaller one"},
    {"sales_order/1", PRICE("149.90"), "/lines/0/price: must be a text"},
    {"sales_order/1",
     ORDER("", "{'line':'0','stock_code':'A','quantity':'1','unit':'EA'}"),
     "/lines/0/line: must be"},
    {"sales_order/1", ORDER("", "{'line':'1','stock_code':'A','quantity':'1'}"),
     "/lines/0: must have \"unit\""},

    {"webhook/1",
     "{'external_id':'streak/BOX_EDIT/p','event':'BOX_EDIT','scope':'p',"
     "'address_id':'0123abcd'}",
     NULL},
    {"webhook/1",
     "{'external_id':'x','event':'BOX EDIT','scope':'p','address_id':"
     "'0123abcd'}",
     "/event: must be a text that matches"},
    {"webhook/1", "{'external_id':'x','event':'E','scope':'p'}",
     "must have \"address_id\""},
};

static void checks_records(void **state)
{
    struct record_types *types = load_shared();

    (void)state;
    for (size_t index = 0; index < COUNT(records); index++) {
        const struct record_type *type =
            record_types_find(types, records[index].type);
        cJSON *value = parse(records[index].record);
        struct schema_fault fault = {.message = "none"};
        int code = schema_check(type->schema, value, &fault);

        if (!records[index].fault && code)
            fail_msg("%s: %s", records[index].record, fault.message);
        if (records[index].fault &&
            (!code || !strstr(fault.message, records[index].fault)))
            fail_msg("%s: %s", records[index].record, fault.message);
        cJSON_Delete(value);
    }
    record_types_destroy(types);
}

/* What is personal in a record that has everything. */
static void masks_records(void **state)
{
    static const char *const values[][2] = {
        {"deal/1",
         "{'key':'k','name':'canary','notes':'canary','fields':{'a':'canary',"
         "'b':['canary']},'add':{'fields':{'a':['canary']}},'organizations':[{"
         "'key':'k','name':'canary','fields':{'a':'canary'}}],'contacts':[{"
         "'key':'k','name':'canary','email':'canary'}]}"},
        {"activity/1", "{'external_id':'kkkk','deal':'k','text':'canary'}"},
        {"sales_order/1",
         ORDER(",'comments':'canary','shipping_instructions':'canary',"
               "'ship_to':{'name':'canary','address':['canary'],'postal_code':"
               "'canary','email':'canary'}",
               LINE)}};
    struct record_types *types = load_shared();

    (void)state;
    for (size_t index = 0; index < COUNT(values); index++) {
        const struct record_type *type =
            record_types_find(types, values[index][0]);
        cJSON *value = parse(values[index][1]);
        struct schema_fault fault = {.message = ""};
        char *text;

        if (schema_check(type->schema, value, &fault))
            fail_msg("%s", fault.message);
        schema_mask(type->schema, value);
        text = cn_json_print(value);
        if (strstr(text, "canary"))
            fail_msg("%s", text);
        assert_non_null(strstr(text, "***"));
        free(text);
        cJSON_Delete(value);
    }
    record_types_destroy(types);
}

/* ---- Definitions -------------------------------------------------------- */

#define REST                                                                   \
    ",'repeat':'safe','existing':'send','schema':{'required':['id'],"          \
    "'properties':{'id':{'minLength':1},'who':{'type':'string'},"              \
    "'n':{'type':'integer'},'e':{'type':'string'}}}}"
#define TYPE(name, more) "[{'type':'" name "','key':'/id'" more REST "]"

static const struct {
    const char *plugin, *records;
    const char *message; /* NULL: right */
} added[] = {
    {"com.acme.shop", TYPE("acme.part/1", ""), NULL},
    {"com.acme.shop", TYPE("acme.shop.part/1", ""), NULL},
    {"echo", TYPE("echo.part/1", ""), NULL},
    {"com.acme.shop", "[]", NULL},
    {"com.acme.shop", TYPE("acme.part/1", ",'person':'/who'"), NULL},
    {"com.acme.shop", TYPE("part/1", ""),
     "/records/0/type: the plugin com.acme.shop must not define \"part/1\""},
    {"com.acme.shop", TYPE("sales_order/1", ""), "outside its name space"},
    {"com.acme.shop", TYPE("acm.part/1", ""), "outside its name space"},
    {"com.acme.shop", TYPE("acmes.part/1", ""), "outside its name space"},
    {"com.acme.shop", TYPE("com.part/1", ""), "outside its name space"},
    {"com.acme.shop", TYPE("acme/1", ""), "outside its name space"},
    {"com.acme.shop", TYPE("shop.part/1", ""), "outside its name space"},
    {"com.acme.shop", "{}", "/records: must be an array"},
    {"com.acme.shop", "[1]", "/records/0: top level: must be an object"},
    {"com.acme.shop", TYPE("Acme.part/1", ""),
     "/records/0: /type: must be a record type such as \"sales_order/1\""},
    {"com.acme.shop", TYPE("acme.part/1", ",'keys':1"),
     "/records/0: /keys: is not known here; did you mean \"key\"?"},
    {"com.acme.shop", TYPE("acme.part/1", ",'settle_ms':-1"),
     "/settle_ms: must be a whole number from 0 to 86400000"},
    {"com.acme.shop", TYPE("acme.part/1", ",'order_by':'/none'"),
     "/order_by: must point to a text of the schema, not to /none"},
    {"com.acme.shop", TYPE("acme.part/1", ",'order_by':'/n'"),
     "/order_by: must point to a text of the schema, not to /n"},
    {"com.acme.shop", TYPE("acme.part/1", ",'order_by':'/who'"),
     "/order_by: must point to a text that the schema requires, /who is not"},
    {"com.acme.shop", TYPE("acme.part/1", ",'person':'/n'"),
     "/person: must point to a text"},
    {"com.acme.shop",
     "[{'type':'acme.part/1','key':'/e','repeat':'safe','existing':'send',"
     "'schema':{'required':['e'],'properties':{'e':{'type':'string'}}}}]",
     "/key: must point to a text that cannot be empty (minLength 1), /e can"},
    {"com.acme.shop",
     "[{'type':'acme.part/1','key':'/id','repeat':'maybe','existing':'send',"
     "'schema':{}}]",
     "/repeat: must be \"safe\", \"probe\" or \"never\""},
    {"com.acme.shop",
     "[{'type':'acme.part/1','key':'/id','repeat':'safe','existing':'send'}]",
     "/records/0: top level: must have \"schema\""},
    {"com.acme.shop",
     "[{'type':'acme.part/1','key':'/id','repeat':'safe','existing':'send',"
     "'schema':{'propertys':{}}}]",
     "keyword \"propertys\" is not known here; did you mean \"properties\"?"},
};

static void adds_types_of_plugins(void **state)
{
    (void)state;
    for (size_t index = 0; index < COUNT(added); index++) {
        struct record_types *types = load_shared();
        cJSON *value = parse(added[index].records);
        struct error err = {""};
        int code = record_types_add(types, added[index].plugin, value, &err);

        if (added[index].message
                ? !code || !strstr(err.text, added[index].message)
                : code)
            fail_msg("%s: %d %s", added[index].records, code, err.text);
        if (code)
            assert_null(record_types_at(types, COUNT(shared)));
        cJSON_Delete(value);
        record_types_destroy(types);
    }
}

static void refuses_another_definition(void **state)
{
    struct record_types *types = record_types_create();
    cJSON *first = parse(TYPE("acme.part/1", ",'title':'One'"));
    cJSON *same = parse(TYPE("acme.part/1", ",'title':'Two','order_by':'/id'"));
    cJSON *other = parse(TYPE("acme.part/1", ",'settle_ms':1"));
    cJSON *both = parse("[{'type':'acme.new/1','key':'/id'" REST ",{'type':"
                        "'acme.part/1','person':'/who','key':'/id'" REST "]");
    const struct record_type *type;
    struct error err = {""};

    (void)state;
    assert_int_equal(record_types_add(types, "com.acme", NULL, &err), 0);
    assert_int_equal(record_types_add(types, "com.acme", first, &err), 0);
    type = record_types_at(types, 0);
    assert_int_equal(record_types_add(types, "com.acme", same, &err), 0);
    assert_ptr_equal(record_types_find(types, "acme.part/1"), type);
    assert_null(record_types_at(types, 1));
    assert_int_equal(record_types_add(types, "com.acme", other, &err), -EEXIST);
    assert_non_null(strstr(err.text, "\"acme.part/1\" is defined already"));
    /* All or none. */
    assert_int_equal(record_types_add(types, "com.acme", both, &err), -EEXIST);
    assert_null(record_types_find(types, "acme.new/1"));
    cJSON_Delete(first);
    cJSON_Delete(same);
    cJSON_Delete(other);
    cJSON_Delete(both);
    record_types_destroy(types);
}

/* ---- Files -------------------------------------------------------------- */

static void write_file(const char *directory, const char *name,
                       const char *text)
{
    char path[256];
    FILE *file;

    snprintf(path, sizeof(path), "%s/%s", directory, name);
    file = fopen(path, "w");
    assert_non_null(file);
    for (; *text; text++)
        fputc(*text == '\'' ? '"' : *text, file);
    fclose(file);
}

static const struct {
    const char *file, *text, *message;
} files[] = {
    {"part.1.json", "// a comment\n{'type':'part/1',\n'key':'/id'" REST, NULL},
    {"part.1.json", "{'type':'part/1',\n'ky':'/id'" REST,
     "part.1.json:2: /ky: is not known here; did you mean \"key\"?"},
    {"part.1.json", "{'type':'part/1',\n\n'key':'/id',}", "part.1.json:3:"},
    {"part.2.json", "{'type':'part/1','key':'/id'" REST,
     "part.2.json:1: /type: \"part/1\" must be in a file named part.1.json"},
    {"part.1.json", "{'type':'part/1','key':'/no'" REST,
     "part.1.json:1: /key: must point to a text of the schema"},
    {"part.1.json",
     "{'type':'part/1','key':'/id','repeat':'safe','existing':'send',\n"
     "'schema':{\n'properties':{\n'id':{'typ':1}}}}",
     "part.1.json:4: schema /properties/id: keyword \"typ\" is not known"},
    {"part.1.json", "", "part.1.json:1:"},
    {"part.1.txt", "nonsense", NULL},
    {".part.1.json", "nonsense", NULL},
};

static void loads_files(void **state)
{
    (void)state;
    for (size_t index = 0; index < COUNT(files); index++) {
        char directory[] = "/tmp/connect-records-XXXXXX", path[256];
        struct record_types *types = record_types_create();
        struct error err = {""};
        int code;

        assert_non_null(mkdtemp(directory));
        write_file(directory, files[index].file, files[index].text);
        code = record_types_load(types, directory, &err);
        if (files[index].message
                ? !code || !strstr(err.text, files[index].message)
                : code)
            fail_msg("%zu: %d %s", index, code, err.text);
        snprintf(path, sizeof(path), "%s/%s", directory, files[index].file);
        unlink(path);
        rmdir(directory);
        record_types_destroy(types);
    }
    struct record_types *types = record_types_create();
    struct error err;

    assert_int_equal(record_types_load(types, "/nowhere", &err), -ENOENT);
    assert_non_null(strstr(err.text, "/nowhere"));
    record_types_destroy(types);
}

/* ---- Threads ------------------------------------------------------------ */

static void *read_types(void *arg)
{
    struct record_types *types = arg;

    for (int round = 0; round < 2000; round++) {
        assert(record_types_find(types, "sales_order/1"));
        record_types_find(types, "acme.part/1");
    }
    return NULL;
}

static void reads_while_adding(void **state)
{
    struct record_types *types = load_shared();
    cJSON *value = parse(TYPE("acme.part/1", ""));
    pthread_t threads[3];
    struct error err;

    (void)state;
    for (size_t index = 0; index < COUNT(threads); index++)
        assert_int_equal(
            pthread_create(&threads[index], NULL, read_types, types), 0);
    for (int round = 0; round < 100; round++)
        assert_int_equal(record_types_add(types, "com.acme", value, &err), 0);
    for (size_t index = 0; index < COUNT(threads); index++)
        pthread_join(threads[index], NULL);
    cJSON_Delete(value);
    record_types_destroy(types);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loads_shared_types),
        cmocka_unit_test(checks_records),
        cmocka_unit_test(masks_records),
        cmocka_unit_test(adds_types_of_plugins),
        cmocka_unit_test(refuses_another_definition),
        cmocka_unit_test(loads_files),
        cmocka_unit_test(reads_while_adding),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
