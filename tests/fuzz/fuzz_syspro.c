/* fuzz_syspro.c - the SYSPRO connector and an e.net that answers anything.
 *
 * The first byte of part 1 is the operation: o delivers the order that follows,
 * O probes it (what is no sales_order/1 is nothing the host would hand over), f
 * and s ask for the customer or stock code that follows, c checks.  The other
 * parts are the answers, that to the logon among them (play.h). */
#include <string.h>

#include <connect/json.h>

#include "config/record_type.h"
#include "play.h"

extern const cn_plugin cn_plugin_v1;

static struct record_types *types;

int LLVMFuzzerInitialize(int *count, char ***arguments)
{
    struct error err = {""};

    (void)count;
    (void)arguments;
    types = record_types_create();
    if (record_types_load(types, FUZZ_SOURCE_DIR "/config/records", &err))
        fprintf(stderr, "%s\n", err.text);
    FUZZ_MUST(!*err.text);
    return 0;
}

static bool is_order(cn_str body)
{
    const struct record_type *type = record_types_find(types, "sales_order/1");
    struct schema_fault fault;
    cJSON *value = fuzz_json(body);
    bool is = type && value && !schema_check(type->schema, value, &fault);

    cJSON_Delete(value);
    return is;
}

static cn_op ask(struct kit *kit, const char *action, const char *member,
                 cn_str value)
{
    cJSON *question = cJSON_CreateObject();
    cn_op op = 0;
    char *text;

    if (value.len && value.len <= 15 && !memchr(value.ptr, '\0', value.len) &&
        !cn_json_put_str(question, member, value)) {
        text = cn_json_print(question);
        op = kit_call(kit, action, text);
        free(text);
    }
    cJSON_Delete(question);
    return op;
}

static cn_op begin(struct kit *kit, cn_str part)
{
    char letter = part.len ? part.ptr[0] : 'c';
    cn_str rest = {part.ptr + 1, part.len ? part.len - 1 : 0};
    cn_op op = 0;
    char *body;

    if (letter == 'f')
        return ask(kit, "find_customer", "customer", rest);
    if (letter == 's')
        return ask(kit, "find_stock_code", "stock_code", rest);
    if (letter != 'o' && letter != 'O')
        return kit_check(kit);
    if (!is_order(rest))
        return 0;
    body = fuzz_text(rest);
    op = letter == 'o'
             ? kit_deliver(kit, "sales_order/1", "event-1", "box-1", body)
             : kit_probe(kit, "sales_order/1", "event-1", "box-1", body);
    free(body);
    return op;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input;
    struct kit *kit;
    cn_op op;

    fuzz_split(&input, data, size);
    /* The password is so short that the kit does not look for it: the plugin
     * never learns it, it is the host that masks it in what SYSPRO says. */
    kit = kit_create(&cn_plugin_v1,
                     "{\"base_url\":\"http://erp.test:31002/Rest\","
                     "\"operator\":\"CRMLINK\",\"operator_password\":"
                     "\"s\",\"company\":\"EDU1\"}");
    FUZZ_MUST(kit_start(kit));
    op = begin(kit, input.parts[0]);
    if (op)
        play(kit, op, &input, 1);
    op = kit_stop(kit);
    play(kit, op, &input, FUZZ_PARTS_MAX);
    kit_destroy(kit);
    fuzz_done(&input);
    return 0;
}
