/* links: connect_config connect_sdk connect_base */
/* test_schema.c - every keyword, format and message of core/config/schema*.c
 * against tables of right and wrong values; compared, masked and filled values.
 * In the tables ' stands for ". */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>

#include <cmocka.h>

#include <connect/json.h>

#include "config/schema.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

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

static struct schema *compile(const char *text)
{
    struct schema *schema = NULL;
    struct error err = {""};
    cJSON *value = parse(text);

    if (schema_create(value, &schema, &err))
        fail_msg("%s: %s", text, err.text);
    cJSON_Delete(value);
    return schema;
}

/* ---- Values ------------------------------------------------------------- */

struct value_case {
    const char *schema, *value;
    const char *rule;    /* NULL: right */
    const char *message; /* the whole of it */
};

static const struct value_case value_cases[] = {
    /* type */
    {"{'type':'string'}", "'x'", NULL, NULL},
    {"{'type':'string'}", "1", "type",
     "top level: must be a text, is a number"},
    {"{'type':'string'}", "null", "type", "top level: must be a text, is null"},
    {"{'type':'number'}", "1.5", NULL, NULL},
    {"{'type':'number'}", "1e400", NULL, NULL},
    {"{'type':'number'}", "7", NULL, NULL},
    {"{'type':'number'}", "'7'", "type",
     "top level: must be a number, is a text of 1 character"},
    {"{'type':'integer'}", "7", NULL, NULL},
    {"{'type':'integer'}", "9007199254740993", NULL, NULL},
    {"{'type':'integer'}", "7.0", "type",
     "top level: must be a whole number, is a number with a fraction"},
    {"{'type':'boolean'}", "true", NULL, NULL},
    {"{'type':'boolean'}", "false", NULL, NULL},
    {"{'type':'boolean'}", "0", "type",
     "top level: must be true or false, is a number"},
    {"{'type':'null'}", "null", NULL, NULL},
    {"{'type':'null'}", "false", "type",
     "top level: must be null, is a truth value"},
    {"{'type':'array'}", "[]", NULL, NULL},
    {"{'type':'array'}", "{}", "type",
     "top level: must be an array, is an object"},
    {"{'type':'object'}", "{'a':1}", NULL, NULL},
    {"{'type':'object'}", "[1]", "type",
     "top level: must be an object, is an array of 1 element"},
    {"{'type':['string','null']}", "null", NULL, NULL},
    {"{'type':['string','null']}", "'x'", NULL, NULL},
    {"{'type':['string','null']}", "true", "type",
     "top level: must be null or a text, is a truth value"},
    {"{}", "[{'a':null}]", NULL, NULL},
    /* properties, required, additionalProperties */
    {"{'properties':{'a':{'type':'string'}}}", "{'a':'x','b':1}", NULL, NULL},
    {"{'properties':{'a':{'type':'string'}}}", "'x'", "type",
     "top level: must be an object, is a text of 1 character"},
    {"{'properties':{'a':{'type':'string'}}}", "{'a':2}", "type",
     "/a: must be a text, is a number"},
    {"{'properties':{'a/b~c':{'type':'string'}}}", "{'a/b~c':2}", "type",
     "/a~1b~0c: must be a text, is a number"},
    {"{'properties':{'a':{},'b':{}},'required':['b']}", "{'b':null}", NULL,
     NULL},
    {"{'properties':{'a':{},'b':{}},'required':['b']}", "{'a':1}", "required",
     "top level: must have \"b\""},
    {"{'properties':{'a':{},'b':{},'c':{},'d':{},'e':{},'f':{},'g':{},'h':{},"
     "'i':{},'j':{}},'required':['j','a']}",
     "{'j':1,'a':1}", NULL, NULL},
    {"{'properties':{'a':{},'b':{},'c':{},'d':{},'e':{},'f':{},'g':{},'h':{},"
     "'i':{},'j':{}},'required':['j','b']}",
     "{'b':1}", "required", "top level: must have \"j\""},
    {"{'properties':{'o':{'properties':{'b':{}},'required':['b']}}}",
     "{'o':{}}", "required", "/o: must have \"b\""},
    {"{'additionalProperties':false,'properties':{'listen':{}}}",
     "{'listen':1}", NULL, NULL},
    {"{'additionalProperties':false,'properties':{'listen':{}}}", "{'lisen':1}",
     "additionalProperties",
     "/lisen: is not known here; did you mean \"listen\"?"},
    {"{'additionalProperties':false,'properties':{'listen':{}}}",
     "{'Listen':1}", "additionalProperties",
     "/Listen: is not known here; did you mean \"listen\"?"},
    {"{'additionalProperties':false,'properties':{'listen':{},'port':{}}}",
     "{'prot':1}", "additionalProperties",
     "/prot: is not known here; did you mean \"port\"?"},
    {"{'additionalProperties':false,'properties':{'listen':{}}}",
     "{'elephant':1}", "additionalProperties", "/elephant: is not known here"},
    {"{'additionalProperties':true,'properties':{'a':{}}}", "{'b':1}", NULL,
     NULL},
    {"{'additionalProperties':{'type':'integer'}}", "{'b':1}", NULL, NULL},
    {"{'additionalProperties':{'type':'integer'}}", "{'b':1,'c':'x'}", "type",
     "/c: must be a whole number, is a text of 1 character"},
    /* items, minItems, maxItems */
    {"{'items':{'type':'string'}}", "['a','b']", NULL, NULL},
    {"{'items':{'type':'string'}}", "['a',[]]", "type",
     "/1: must be a text, is an array of 0 elements"},
    {"{'items':{'properties':{'q':{'type':'string'}}}}", "[{},{'q':1}]", "type",
     "/1/q: must be a text, is a number"},
    {"{'minItems':1,'maxItems':2}", "[1]", NULL, NULL},
    {"{'minItems':1,'maxItems':2}", "[1,2]", NULL, NULL},
    {"{'minItems':1,'maxItems':2}", "[]", "minItems 1",
     "top level: must be an array of 1 to 2 elements, is an array of 0 "
     "elements"},
    {"{'maxItems':2}", "[1,2,3]", "maxItems 2",
     "top level: must be an array of at most 2 elements, is an array of 3 "
     "elements"},
    {"{'minItems':2}", "[1]", "minItems 2",
     "top level: must be an array of at least 2 elements, is an array of 1 "
     "element"},
    /* minLength, maxLength: characters, not bytes */
    {"{'maxLength':3}", "'\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80'", NULL, NULL},
    {"{'maxLength':3}", "'abcd'", "maxLength 3",
     "top level: must be a text of at most 3 characters, is a text of 4 "
     "characters"},
    {"{'minLength':1,'maxLength':3}", "''", "minLength 1",
     "top level: must be a text of 1 to 3 characters, is an empty text"},
    {"{'minLength':2}", "'\xc3\xa4'", "minLength 2",
     "top level: must be a text of at least 2 characters, is a text of 1 "
     "character"},
    {"{'minLength':3,'maxLength':3}", "'ab'", "minLength 3",
     "top level: must be a text of 3 characters, is a text of 2 characters"},
    /* pattern */
    {"{'pattern':'^[A-Z]{3}$'}", "'GBP'", NULL, NULL},
    {"{'pattern':'b'}", "'abc'", NULL, NULL},
    {"{'pattern':'^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'}",
     "'0123abcd-0123-0123-0123-0123456789ab'", NULL, NULL},
    {"{'pattern':'^[]a{]{3}$'}", "'a]{'", NULL, NULL},
    {"{'pattern':'^(a|b[^]x]){1,250}$'}", "'abxba'", "pattern",
     "top level: must be a text that matches ^(a|b[^]x]){1,250}$, is a text of "
     "5 characters"},
    {"{'pattern':'^[[:alpha:]{}]{1,900}$'}", "'a{}'", NULL, NULL},
    {"{'pattern':'^[A-Z]{3}$'}", "'GBPX'", "pattern",
     "top level: must be a text that matches ^[A-Z]{3}$, is a text of 4 "
     "characters"},
    {"{'pattern':'^[A-Z]{3}$'}", "'gbp'", "pattern",
     "top level: must be a text that matches ^[A-Z]{3}$, is a text of 3 "
     "characters"},
    /* enum, const */
    {"{'enum':['a','b']}", "'b'", NULL, NULL},
    {"{'enum':['a','b']}", "'B'", "enum",
     "top level: must be \"a\" or \"b\", is a text of 1 character"},
    {"{'enum':['a','b',null]}", "null", NULL, NULL},
    {"{'enum':[1,'b',true]}", "2", "enum",
     "top level: must be 1, \"b\" or true, is a number"},
    {"{'const':'x'}", "'x'", NULL, NULL},
    {"{'const':'x'}", "'y'", "const", "top level: must be exactly x"},
    {"{'const':{'a':[1]}}", "{'a':[1]}", NULL, NULL},
    {"{'const':{'a':[1]}}", "{'a':[2]}", "const",
     "top level: must be exactly the constant of the schema"},
    /* minimum, maximum: as decimals */
    {"{'type':'integer','minimum':0,'maximum':65535}", "65535", NULL, NULL},
    {"{'type':'integer','minimum':0,'maximum':65535}", "-1", "minimum 0",
     "top level: must be a whole number from 0 to 65535, is a smaller one"},
    {"{'type':'integer','minimum':0,'maximum':65535}", "65536", "maximum 65535",
     "top level: must be a whole number from 0 to 65535, is a larger one"},
    {"{'type':'number','maximum':'0.3'}", "0.3", NULL, NULL},
    {"{'type':'number','maximum':'0.3'}", "0.30000000000000001", "maximum 0.3",
     "top level: must be a number of at most 0.3, is a larger "
     "one"},
    {"{'type':'number','minimum':'9007199254740993'}", "9007199254740992",
     "minimum 9007199254740993",
     "top level: must be a number of at least 9007199254740993, is a smaller "
     "one"},
    {"{'type':'number','maximum':10}", "1e1", NULL, NULL},
    {"{'type':'number','maximum':10}", "1e2", "maximum 10",
     "top level: must be a number of at most 10, is a larger one"},
    {"{'type':'number','maximum':10}", "1e400", "number",
     "top level: must be a number of at most 10, is one of too many digits"},
    {"{'type':'string','format':'decimal','minimum':'0.000001'}", "'0.000001'",
     NULL, NULL},
    {"{'type':'string','format':'decimal','minimum':'0.000001'}", "'0'",
     "minimum 0.000001",
     "top level: must be a text that is a decimal number of at least 0.000001, "
     "is a smaller one"},
    {"{'minimum':1}", "'x'", "type",
     "top level: must be a number of at least 1, is a text of 1 character"},
    /* format */
    {"{'format':'decimal'}", "'1.5'", NULL, NULL},
    {"{'format':'decimal'}", "'1,5'", "format decimal",
     "top level: must be a text that is a decimal number, is a text of 3 "
     "characters"},
    {"{'format':'decimal','type':['string','null']}", "null", NULL, NULL},
    {"{'format':'date','maxLength':10}", "'2026-02-30'", "format date",
     "top level: must be a date such as \"2026-11-23\" of at most 10 "
     "characters, is a text of 10 characters"},
    /* U+0000 */
    {"{'type':'string'}", "'a\\u0000b'", "text",
     "top level: must be a text without U+0000"},
    /* The first fault in the order of the value. */
    {"{'properties':{'a':{'type':'string'},'b':{'type':'string'}}}",
     "{'b':1,'a':1}", "type", "/b: must be a text, is a number"},
};

static void checks_values(void **state)
{
    (void)state;
    for (size_t index = 0; index < COUNT(value_cases); index++) {
        const struct value_case *row = &value_cases[index];
        struct schema *schema = compile(row->schema);
        cJSON *value = parse(row->value);
        struct schema_fault fault = {.message = "none"};
        int code = schema_check(schema, value, &fault);

        if (row->rule) {
            if (code != -EINVAL || strcmp(fault.rule, row->rule) ||
                strcmp(fault.message, row->message))
                fail_msg("%s of %s: %d, rule \"%s\", \"%s\"", row->value,
                         row->schema, code, fault.rule, fault.message);
        } else if (code) {
            fail_msg("%s of %s: \"%s\"", row->value, row->schema,
                     fault.message);
        }
        assert_int_equal(schema_check(schema, value, NULL), code);
        cJSON_Delete(value);
        schema_destroy(schema);
    }
}

/* ---- Formats ------------------------------------------------------------ */

#define DIGITS38 "12345678901234567890123456789012345678"

static const struct {
    const char *format, *text;
    int right;
} format_cases[] = {
    {"decimal", "0", 1},
    {"decimal", "-12.50", 1},
    {"decimal", "0.000001", 1},
    {"decimal", DIGITS38, 1},
    {"decimal", DIGITS38 "9", 0},
    {"decimal", "", 0},
    {"decimal", "-", 0},
    {"decimal", "+1", 0},
    {"decimal", "01", 0},
    {"decimal", "-0", 0},
    {"decimal", "-0.00", 0},
    {"decimal", "1.", 0},
    {"decimal", ".5", 0},
    {"decimal", "1e3", 0},
    {"decimal", " 1", 0},
    {"decimal", "1 ", 0},
    {"decimal", "1.5.5", 0},
    {"decimal", "1,000", 0},
    {"decimal", "NaN", 0},
    {"integer", "0", 1},
    {"integer", "-7", 1},
    {"integer", "1767261900000", 1},
    {"integer", "7.0", 0},
    {"integer", "007", 0},
    {"integer", "", 0},
    {"date", "2026-11-23", 1},
    {"date", "2024-02-29", 1},
    {"date", "2000-02-29", 1},
    {"date", "1900-02-29", 0},
    {"date", "2025-02-29", 0},
    {"date", "2026-13-01", 0},
    {"date", "2026-00-01", 0},
    {"date", "2026-04-31", 0},
    {"date", "2026-04-00", 0},
    {"date", "2026-4-1", 0},
    {"date", "26-04-01", 0},
    {"date", "2026-04-01T", 0},
    {"date", "2026/04/01", 0},
    {"date-time", "2026-11-23T08:00:00Z", 1},
    {"date-time", "2026-11-23T08:00:00.123Z", 1},
    {"date-time", "2026-11-23T08:00:00+01:00", 1},
    {"date-time", "2026-11-23T08:00:00", 0},
    {"date-time", "2026-11-23 08:00:00Z", 0},
    {"date-time", "2026-11-23T24:00:00Z", 0},
    {"date-time", "2026-11-23T08:60:00Z", 0},
    {"date-time", "2026-11-23T08:00:60Z", 0},
    {"date-time", "2026-11-23T08:00:00.Z", 0},
    {"date-time", "2026-11-23T08:00:00+0100", 0},
    {"date-time", "2026-11-23T08:00:00Zx", 0},
    {"uri", "https://host/path?x=1#y", 1},
    {"uri", "http://127.0.0.1:8080", 1},
    {"uri", "mailto:dana@example.test", 1},
    {"uri", "host/path", 0},
    {"uri", "https:", 0},
    {"uri", "https://", 0},
    {"uri", "https:///path", 0},
    {"uri", "https://a b", 0},
    {"uri", "https://a\tb", 0},
    {"uri", "https://\xc3\xa4", 0},
    {"uri", "1http://a", 0},
    {"json-pointer", "", 1},
    {"json-pointer", "/a/0/~0~1", 1},
    {"json-pointer", "a", 0},
    {"json-pointer", "/~2", 0},
    {"json-pointer", "/a~", 0},
    {"type", "sales_order/1", 1},
    {"type", "acme.part/12", 1},
    {"type", "sales_order", 0},
    {"type", "sales_order/0", 0},
    {"type", "sales_order/01", 0},
    {"type", "sales_order/12345", 0},
    {"type", "Sales/1", 0},
    {"type", "a..b/1", 0},
    {"type", "a./1", 0},
    {"type", ".a/1", 0},
    {"type", "a/1x", 0},
    {"type", "../a/1", 0},
};

static void checks_formats(void **state)
{
    (void)state;
    for (size_t index = 0; index < COUNT(format_cases); index++) {
        cJSON *value = cJSON_CreateString(format_cases[index].text);
        struct schema *schema;
        char text[64];

        snprintf(text, sizeof(text), "{'format':'%s'}",
                 format_cases[index].format);
        schema = compile(text);
        if ((schema_check(schema, value, NULL) == 0) !=
            format_cases[index].right)
            fail_msg("%s \"%s\"", format_cases[index].format,
                     format_cases[index].text);
        schema_destroy(schema);
        cJSON_Delete(value);
    }
}

/* ---- Schemas ------------------------------------------------------------ */

static const struct {
    const char *schema, *message; /* a part of it */
} wrong_schemas[] = {
    {"1", "schema top level: must be a schema, that is an object"},
    {"{'typ':'string'}",
     "keyword \"typ\" is not known here; did you mean \"type\"?"},
    {"{'$ref':'#/a'}", "keyword \"$ref\" is not known here"},
    {"{'oneOf':[]}", "keyword \"oneOf\" is not known here"},
    {"{'type':'text'}", "schema /type: must be \"null\""},
    {"{'type':[]}", "schema /type: must name at least one type"},
    {"{'type':['string',1]}", "schema /type: must be \"null\""},
    {"{'properties':[]}", "schema /properties: must be an object"},
    {"{'properties':{'a':{'properties':{'b':{'typ':1}}}}}",
     "schema /properties/a/properties/b: keyword"},
    {"{'properties':{'a':{}},'required':'a'}",
     "schema /required: must be an array of names"},
    {"{'properties':{'a':{}},'required':['b']}",
     "schema /required: names \"b\", which properties lacks"},
    {"{'properties':{'a':{}},'required':['a','a']}",
     "schema /required: names \"a\" twice"},
    {"{'additionalProperties':1}", "schema /additionalProperties: must be a"},
    {"{'items':[]}", "schema /items: must be a schema"},
    {"{'minItems':-1}", "schema /minItems: must be a whole number from 0"},
    {"{'maxItems':1.5}", "schema /maxItems: must be a whole number from 0"},
    {"{'minItems':2,'maxItems':1}", "minItems must not exceed maxItems"},
    {"{'minLength':'1'}", "schema /minLength: must be a whole number"},
    {"{'maxLength':99999999999}", "schema /maxLength: must be a whole number"},
    {"{'minLength':2,'maxLength':1}", "minLength must not exceed maxLength"},
    {"{'pattern':1}", "schema /pattern: must be a text"},
    {"{'pattern':'('}", "schema /pattern: must be a POSIX extended"},
    {"{'pattern':'(a)\\\\1'}", "schema /pattern: must not refer back"},
    {"{'pattern':'((((((((((((((((('}", "must not have more than 16 groups"},
    {"{'pattern':'(a?a?a?a?){257}'}", "must not have more than 1024"},
    {"{'pattern':'a{60}{60}'}", "must not have more than 1024"},
    {"{'pattern':'((a{10}){10}){11}'}", "must not have more than 1024"},
    {"{'pattern':'(a|[[:digit:]\\\\]{2}){513}'}", "must not have more than 10"},
    {"{'pattern':'((a{99}){99})'}", "must not have more than 1024 characters"},
    {"{'pattern':'a{9,99999}'}", "must not have more than 1024 characters"},
    {"{'pattern':'a{99999999999999999999}'}",
     "must not have more than 1024 characters"},
    {"{'enum':[]}", "schema /enum: must be an array of at least one value"},
    {"{'enum':'a'}", "schema /enum: must be an array of at least one value"},
    {"{'enum':['a','a']}", "schema /enum: must not hold a value twice"},
    {"{'type':'string','enum':[1]}", "enum must hold values of the type"},
    {"{'type':'string','const':1}", "const must be a value of the type"},
    {"{'title':1}", "schema /title: must be a text"},
    {"{'description':{}}", "schema /description: must be a text"},
    {"{'format':'email'}", "schema /format: must be \"decimal\""},
    {"{'minimum':'x'}", "schema /minimum: must be a decimal number"},
    {"{'maximum':true}", "schema /maximum: must be a decimal number"},
    {"{'type':'number','minimum':2,'maximum':1}",
     "minimum must not exceed maximum"},
    {"{'type':'string','minimum':2}", "minimum and maximum of a text need"},
    {"{'type':'object','minLength':1}", "\"minLength\" has no meaning"},
    {"{'type':'string','items':{}}", "\"items\" has no meaning"},
    {"{'type':'string','required':[]}", "\"required\" has no meaning"},
    {"{'type':'array','minimum':1}", "\"minimum\" has no meaning"},
    {"{'properties':{'a':{'type':'integer','default':'x'}}}",
     "schema /properties/a: the default breaks its own schema: top level: must "
     "be a whole number"},
    {"{'properties':{'a':{'writeOnly':1}}}",
     "schema /properties/a/writeOnly: must be true or false"},
    {"{'properties':{'a':{'type':'object','writeOnly':true}}}",
     "\"writeOnly\" has no meaning"},
    {"{'properties':{'a':{'type':['string','null'],'writeOnly':true}}}",
     "a credential must be a \"string\""},
    {"{'writeOnly':true}", "credentials must be properties of the top level"},
    {"{'items':{'writeOnly':true}}", "must be properties of the top level"},
    {"{'additionalProperties':{'writeOnly':true}}",
     "must be properties of the top level"},
    {"{'properties':{'a':{'properties':{'b':{'writeOnly':true}}}}}",
     "must be properties of the top level"},
    {"{'personal':'phone'}", "schema /personal: must be true, false, \"name\""},
};

static void refuses_schemas(void **state)
{
    (void)state;
    for (size_t index = 0; index < COUNT(wrong_schemas); index++) {
        cJSON *value = parse(wrong_schemas[index].schema);
        struct schema *schema = NULL;
        struct error err = {""};
        int code = schema_create(value, &schema, &err);

        if (code != -EINVAL || schema ||
            !strstr(err.text, wrong_schemas[index].message))
            fail_msg("%s: %d \"%s\"", wrong_schemas[index].schema, code,
                     err.text);
        cJSON_Delete(value);
    }
}

static void refuses_deep_schemas(void **state)
{
    cJSON *value = parse("{}");
    struct schema *schema = NULL;
    struct error err;

    (void)state;
    for (int depth = 0; depth < 31; depth++) {
        cJSON *outer = cJSON_CreateObject();

        cJSON_AddItemToObject(outer, "items", value);
        value = outer;
    }
    assert_int_equal(schema_create(value, &schema, &err), 0);
    schema_destroy(schema);
    schema = NULL;
    cJSON *outer = cJSON_CreateObject();
    cJSON_AddItemToObject(outer, "items", value);
    assert_int_equal(schema_create(outer, &schema, &err), -EINVAL);
    assert_non_null(strstr(err.text, "must not be deeper than 32"));
    cJSON_Delete(outer);
}

static void refuses_wide_schemas(void **state)
{
    cJSON *value = cJSON_CreateObject();
    cJSON *properties = cJSON_AddObjectToObject(value, "properties");
    struct schema *schema = NULL;
    struct error err;

    (void)state;
    for (int index = 0; index < 1024; index++) {
        char name[16];

        snprintf(name, sizeof(name), "p%d", index);
        cJSON_AddObjectToObject(properties, name);
    }
    assert_int_equal(schema_create(value, &schema, &err), 0);
    schema_destroy(schema);
    schema = NULL;
    cJSON_AddObjectToObject(properties, "more");
    assert_int_equal(schema_create(value, &schema, &err), -EINVAL);
    assert_non_null(strstr(err.text, "must have at most 1024 members"));
    cJSON_Delete(value);
}

/* ---- Patterns that shall cost ------------------------------------------- */

static cJSON *long_text(size_t len)
{
    char *text = malloc(len + 1);
    cJSON *value;

    memset(text, 'a', len);
    text[len] = '\0';
    value = cJSON_CreateString(text);
    free(text);
    return value;
}

static void bounds_patterns(void **state)
{
    static const char *const patterns[] = {
        "{'pattern':'(a|a)*b'}",
        "{'pattern':'(a*)*b'}",
        "{'pattern':'(a|aa|aaa)+(a|aa|aaa)+c'}",
        "{'pattern':'a{64}b{1}|(a?){64}c'}",
        "{'pattern':'(a?){1000}b'}",
        "{'pattern':'((a|aa|aaa|aaaa){8}){9}b'}"};
    cJSON *large = long_text(1024 * 1024), *small = long_text(4096);

    (void)state;
    for (size_t index = 0; index < COUNT(patterns); index++) {
        struct schema *schema = compile(patterns[index]);
        struct schema_fault fault;

        assert_int_equal(schema_check(schema, small, &fault), -EINVAL);
        assert_int_equal(schema_check(schema, large, &fault), -EINVAL);
        assert_string_equal(fault.rule, "pattern");
        assert_non_null(strstr(fault.message, "1048576 characters"));
        schema_destroy(schema);
    }
    cJSON_Delete(large);
    cJSON_Delete(small);
    /* A pattern of 1 MiB. */
    cJSON *value = cJSON_CreateObject();
    struct schema *schema = NULL;
    struct error err;

    cJSON_AddItemToObject(value, "pattern", long_text(1024 * 1024));
    assert_int_equal(schema_create(value, &schema, &err), -EINVAL);
    assert_non_null(strstr(err.text, "must have at most 256 bytes"));
    cJSON_Delete(value);
}

/* ---- No value in a message ---------------------------------------------- */

static void keeps_values_out_of_messages(void **state)
{
    static const char *const schemas[] = {
        "{'properties':{'a':{'type':'integer'}}}",
        "{'properties':{'a':{'maxLength':3}}}",
        "{'properties':{'a':{'minLength':30}}}",
        "{'properties':{'a':{'pattern':'^x$'}}}",
        "{'properties':{'a':{'format':'decimal'}}}",
        "{'properties':{'a':{'format':'uri'}}}",
        "{'properties':{'a':{'enum':['x']}}}",
        "{'properties':{'a':{'const':'x'}}}",
        "{'properties':{'a':{'type':'object','personal':true}}}",
        "{'properties':{'a':{'maxLength':3,'writeOnly':true}}}"};
    cJSON *value = parse("{'a':'canary7'}");

    (void)state;
    for (size_t index = 0; index < COUNT(schemas); index++) {
        struct schema *schema = compile(schemas[index]);
        struct schema_fault fault;

        assert_int_equal(schema_check(schema, value, &fault), -EINVAL);
        assert_null(strstr(fault.message, "canary7"));
        assert_null(strstr(fault.rule, "canary7"));
        assert_non_null(strstr(fault.message, "/a: must be"));
        assert_string_equal(fault.path, "/a");
        schema_destroy(schema);
    }
    cJSON_Delete(value);
}

static void keeps_messages_printable(void **state)
{
    struct schema *schema = compile("{'additionalProperties':false}");
    char name[1000];
    cJSON *value = cJSON_CreateObject();
    struct schema_fault fault;

    (void)state;
    /* Every cut of the long name falls somewhere into a character. */
    for (size_t at = 0; at + 2 < sizeof(name); at += 3)
        memcpy(name + at, "\xe2\x82\xac", 3);
    name[sizeof(name) - 1] = '\0';
    name[0] = '\x1b', name[1] = '[', name[2] = '\n';
    cJSON_AddTrueToObject(value, name);
    assert_int_equal(schema_check(schema, value, &fault), -EINVAL);
    assert_int_equal(fault.message[1], '?');
    assert_int_equal(fault.message[3], '?');
    for (const char *at = fault.message; *at; at++)
        assert_true((unsigned char)*at >= 0x20);
    assert_true(cn_utf8_valid((cn_str){fault.message, strlen(fault.message)}));
    assert_non_null(strstr(fault.message, "is not known here"));
    cJSON_Delete(value);
    schema_destroy(schema);
}

/* ---- Defaults, masks, comparison ---------------------------------------- */

static void assert_prints(cJSON *value, const char *expected, const char *what)
{
    cJSON *wanted = parse(expected);

    if (!cn_json_equal(value, wanted)) {
        char *text = cn_json_print(value);

        fail_msg("%s: %s", what, text);
    }
    cJSON_Delete(wanted);
    cJSON_Delete(value);
}

static const struct {
    const char *schema, *value, *result;
} fill_cases[] = {
    {"{'properties':{'a':{'default':1.50}}}", "{}", "{'a':1.50}"},
    {"{'properties':{'a':{'default':1}}}", "{'a':2}", "{'a':2}"},
    {"{'properties':{'a':{'default':1}}}", "{'a':null}", "{'a':null}"},
    {"{'properties':{'o':{'default':{},'properties':{'a':{'default':'x'}}}}}",
     "{}", "{'o':{'a':'x'}}"},
    {"{'properties':{'o':{'properties':{'a':{'default':'x'}}}}}", "{}", "{}"},
    {"{'properties':{'o':{'properties':{'a':{'default':'x'}}}}}", "{'o':{}}",
     "{'o':{'a':'x'}}"},
    {"{'items':{'properties':{'a':{'default':[1,{'b':2}]}}}}", "[{},{'a':1}]",
     "[{'a':[1,{'b':2}]},{'a':1}]"},
    {"{'additionalProperties':{'properties':{'a':{'default':1}}}}",
     "{'x':{},'y':1}", "{'x':{'a':1},'y':1}"},
    {"{'properties':{'a':{'default':1}},'type':['object','string']}", "'x'",
     "'x'"},
};

static void fills_defaults(void **state)
{
    (void)state;
    for (size_t index = 0; index < COUNT(fill_cases); index++) {
        struct schema *schema = compile(fill_cases[index].schema);
        cJSON *value = parse(fill_cases[index].value);

        schema_fill(schema, value);
        assert_prints(value, fill_cases[index].result,
                      fill_cases[index].schema);
        schema_destroy(schema);
    }
}

static const struct {
    const char *schema, *value, *result;
} mask_cases[] = {
    {"{'properties':{'k':{'writeOnly':true},'b':{}}}", "{'k':'canary','b':'x'}",
     "{'k':'***','b':'x'}"},
    {"{'properties':{'k':{'writeOnly':true}}}", "{'k':{'a':'canary'}}",
     "{'k':'***'}"},
    {"{'properties':{'n':{'personal':'name'}}}", "{'n':'canary'}",
     "{'n':'***'}"},
    {"{'properties':{'n':{'personal':true}}}",
     "{'n':{'a':['canary',1,true,null],'b':{}}}",
     "{'n':{'a':['***','***','***',null],'b':{}}}"},
    {"{'personal':'email'}", "'canary'", "'***'"},
    {"{'items':{'properties':{'e':{'personal':'email'}}}}",
     "[{'e':'canary'},{'e':'canary'},{}]", "[{'e':'***'},{'e':'***'},{}]"},
    {"{'additionalProperties':{'personal':'address'}}", "{'a':'canary'}",
     "{'a':'***'}"},
    /* Of another kind than the schema says: its marks cannot be found. */
    {"{'properties':{'o':{'properties':{'n':{'personal':true}}}}}",
     "{'o':'canary'}", "{'o':'***'}"},
    {"{'properties':{'o':{'properties':{'n':{'personal':true}}}}}",
     "{'o':[{'n':'canary'}]}", "{'o':'***'}"},
    {"{'properties':{'n':{'personal':true}}}", "['canary']", "'***'"},
    /* Nobody looked at members that are not described. */
    {"{'properties':{'a':{}},'additionalProperties':false}", "{'b':'canary'}",
     "{'b':'***'}"},
    {"{'additionalProperties':false}", "{'b':'canary'}", "{'b':'***'}"},
    {"{'properties':{'a':{}}}", "{'a':1,'b':{'c':'canary'}}",
     "{'a':1,'b':'***'}"},
    {"{'type':'object'}", "{'b':1}", "{'b':1}"},
    {"{}", "{'b':1}", "{'b':1}"},
};

static void masks_values(void **state)
{
    (void)state;
    for (size_t index = 0; index < COUNT(mask_cases); index++) {
        struct schema *schema = compile(mask_cases[index].schema);
        cJSON *value = parse(mask_cases[index].value);
        char *text;

        schema_mask(schema, value);
        text = cn_json_print(value);
        assert_null(strstr(text, "canary"));
        free(text);
        assert_prints(value, mask_cases[index].result,
                      mask_cases[index].schema);
        schema_destroy(schema);
    }
}

static const struct {
    const char *one, *other;
    int equal;
} equal_cases[] = {
    {"{}", "{}", 1},
    {"{'type':'string','title':'A'}", "{'description':'B','type':'string'}", 1},
    {"{'type':'string'}", "{'type':'integer'}", 0},
    {"{'type':['string','null']}", "{'type':['null','string']}", 1},
    {"{'minLength':1}", "{'type':'string','minLength':1}", 1},
    {"{'minLength':1}", "{'minLength':2}", 0},
    {"{'maxLength':1}", "{'maxLength':2}", 0},
    {"{'minItems':1}", "{'minItems':2}", 0},
    {"{'maxItems':1}", "{'maxItems':2}", 0},
    {"{'pattern':'a'}", "{'pattern':'b'}", 0},
    {"{'pattern':'a'}", "{'type':'string'}", 0},
    {"{'format':'date'}", "{'format':'uri'}", 0},
    {"{'minimum':1}", "{'minimum':'1.0'}", 1},
    {"{'minimum':1}", "{'maximum':1}", 0},
    {"{'maximum':1}", "{'maximum':2}", 0},
    {"{'enum':['a','b']}", "{'enum':['b','a']}", 1},
    {"{'enum':['a','b']}", "{'enum':['a']}", 0},
    {"{'enum':['a']}", "{'enum':['a','b']}", 0},
    {"{'const':1}", "{'const':2}", 0},
    {"{'default':1}", "{'default':2}", 0},
    {"{'default':1}", "{}", 0},
    {"{'personal':true}", "{}", 0},
    {"{'personal':'name'}", "{'personal':'email'}", 0},
    {"{'properties':{'a':{},'b':{}}}", "{'properties':{'b':{},'a':{}}}", 1},
    {"{'properties':{'a':{},'b':{}}}", "{'properties':{'a':{}}}", 0},
    {"{'properties':{'a':{}}}", "{'properties':{'b':{}}}", 0},
    {"{'properties':{'a':{}}}", "{'properties':{'a':{'maxLength':1}}}", 0},
    {"{'properties':{'a':{}}}", "{'properties':{'a':{}},'required':['a']}", 0},
    {"{'properties':{'a':{'writeOnly':true}}}",
     "{'properties':{'a':{'type':'string'}}}", 0},
    {"{'additionalProperties':true}", "{'type':'object'}", 1},
    {"{'additionalProperties':false}", "{'type':'object'}", 0},
    {"{'additionalProperties':{}}", "{'additionalProperties':{'const':1}}", 0},
    {"{'items':{}}", "{'type':'array'}", 0},
    {"{'items':{'const':1}}", "{'items':{'const':2}}", 0},
};

static void compares_schemas(void **state)
{
    (void)state;
    for (size_t index = 0; index < COUNT(equal_cases); index++) {
        struct schema *one = compile(equal_cases[index].one);
        struct schema *other = compile(equal_cases[index].other);

        if (schema_equal(one, other) != equal_cases[index].equal ||
            schema_equal(other, one) != equal_cases[index].equal)
            fail_msg("%s and %s", equal_cases[index].one,
                     equal_cases[index].other);
        assert_true(schema_equal(one, one));
        schema_destroy(one);
        schema_destroy(other);
    }
}

static void names_credentials(void **state)
{
    struct schema *schema =
        compile("{'properties':{'url':{},'b':{'writeOnly':true},"
                "'a':{'writeOnly':true},'c':{'writeOnly':false}}}");

    (void)state;
    assert_string_equal(schema_secret_name(schema, 0), "a");
    assert_string_equal(schema_secret_name(schema, 1), "b");
    assert_null(schema_secret_name(schema, 2));
    schema_destroy(schema);
}

static const struct {
    const char *pointer;
    int code;
    int known, always;
} at_cases[] = {
    {"", 0, 1, 1},
    {"/key", 0, 1, 1},
    {"/name", 0, 1, 0},
    {"/nam", -ENOENT, 0, 0},
    {"/key/x", -ENOENT, 0, 0},
    {"/o/in", 0, 1, 1},
    {"/o/out", 0, 1, 0},
    {"/list/0", 0, 1, 0},
    {"/list/12/x", 0, 1, 0},
    {"/list/x", -ENOENT, 0, 0},
    {"/list/01", -ENOENT, 0, 0},
    {"/list/-", -ENOENT, 0, 0},
    {"/open/any/thing", 0, 0, 0},
    {"/free/a", 0, 1, 0},
    {"/a~1b", 0, 1, 0},
    {"/a~2b", -ENOENT, 0, 0},
    {"key", -ENOENT, 0, 0},
};

static void follows_pointers(void **state)
{
    struct schema *schema = compile(
        "{'additionalProperties':false,'required':['key','o'],'properties':{"
        "'key':{'type':'string'},'name':{},'a/b':{},"
        "'o':{'properties':{'in':{},'out':{}},'required':['in']},"
        "'list':{'items':{'properties':{'x':{}},'required':['x']}},"
        "'open':{},'free':{'additionalProperties':{'type':'string'}}}}");

    (void)state;
    for (size_t index = 0; index < COUNT(at_cases); index++) {
        const struct schema *found = NULL;
        bool always = false;
        int code = schema_at(schema, at_cases[index].pointer, &found, &always);

        if (code != at_cases[index].code ||
            (found != NULL) != at_cases[index].known ||
            always != at_cases[index].always)
            fail_msg("%s: %d", at_cases[index].pointer, code);
    }
    const struct schema *key = NULL;

    assert_int_equal(schema_at(schema, "/key", &key, NULL), 0);
    assert_true(schema_is_text(key));
    assert_false(schema_is_marked(key));
    assert_false(schema_is_text(schema));
    schema_destroy(schema);
}

/* 400,000 members: a check that looked each one up in a list would not end. */
static void checks_large_objects(void **state)
{
    struct schema *schema =
        compile("{'properties':{'last':{'type':'string'}},'required':['last'],"
                "'additionalProperties':{'type':'boolean'}}");
    cJSON *value = cJSON_CreateObject();

    (void)state;
    for (int index = 0; index < 400000; index++) {
        char name[16];

        snprintf(name, sizeof(name), "m%d", index);
        cJSON_AddTrueToObject(value, name);
    }
    assert_int_equal(schema_check(schema, value, NULL), -EINVAL);
    cJSON_AddStringToObject(value, "last", "x");
    assert_int_equal(schema_check(schema, value, NULL), 0);
    schema_fill(schema, value);
    schema_mask(schema, value);
    cJSON_Delete(value);
    schema_destroy(schema);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(checks_values),
        cmocka_unit_test(checks_formats),
        cmocka_unit_test(refuses_schemas),
        cmocka_unit_test(refuses_deep_schemas),
        cmocka_unit_test(refuses_wide_schemas),
        cmocka_unit_test(bounds_patterns),
        cmocka_unit_test(keeps_values_out_of_messages),
        cmocka_unit_test(keeps_messages_printable),
        cmocka_unit_test(fills_defaults),
        cmocka_unit_test(masks_values),
        cmocka_unit_test(compares_schemas),
        cmocka_unit_test(names_credentials),
        cmocka_unit_test(follows_pointers),
        cmocka_unit_test(checks_large_objects),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
