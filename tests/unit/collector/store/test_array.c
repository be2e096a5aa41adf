#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/array.h"

#include <stdlib.h>

static void writes(void **arg)
{
    (void)arg;
    struct buf array;
    array_begin(&array);
    char *text = array_take(&array);
    assert_string_equal(text, "{}");
    free(text);
    array_begin(&array);
    assert_true(array_number(&array, -7));
    assert_true(array_number(&array, INT64_MAX));
    text = array_take(&array);
    assert_string_equal(text, "{-7,9223372036854775807}");
    free(text);
    array_begin(&array);
    assert_true(array_bytes(&array, (const uint8_t *)"\x01\xff", 2));
    assert_true(array_text(&array, "a\"b\\c,{}"));
    text = array_take(&array);
    assert_string_equal(text, "{\"\\\\x01ff\",\"a\\\"b\\\\c,{}\"}");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(writes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
