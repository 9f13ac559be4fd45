/* links: connect_flow connect_base */
/* What a gate lets through and how much it claims. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "flow/gate.h"

/* One that rested lets one through to see, but not while it does not run: the
 * run would come back at once, and again. */
static void test_appetite_without_room(void **state)
{
    char name[] = "erp";
    struct gate gate = {.name = name, .room = 4, .maybe = true};

    (void)state;
    assert_int_equal(gate_appetite(&gate, 0, 100), 8);
    gate.half_open = true;
    assert_int_equal(gate_appetite(&gate, 0, 100), 1);
    gate.room = 0;
    assert_int_equal(gate_appetite(&gate, 0, 100), 0);
    gate.half_open = false;
    assert_int_equal(gate_appetite(&gate, 0, 100), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_appetite_without_room)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
