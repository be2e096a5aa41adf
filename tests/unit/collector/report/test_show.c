#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "report/show.h"

#include <stdlib.h>
#include <string.h>

/* What strangers wrote (issuers, and names that an agent or a file brought) must come out harmless in every format. */

#define HOSTILE "CN=\x1b[2J\"\xff\r\n<b>,\xe2\x80\xae"

static struct matrix matrix;
static struct diff diff;

static int setup(void **state)
{
    (void)state;
    matrix_init(&matrix);
    assert_true(matrix_add_vantage(&matrix, &(struct matrix_vantage){1, "hk-1", "hk", 9304}));
    assert_true(matrix_add_vantage(&matrix, &(struct matrix_vantage){2, "cn-1", "cn\x1b[31m", 0}));
    assert_true(matrix_add_vantage(&matrix, &(struct matrix_vantage){3, "us-1", "us", 0}));
    assert_true(matrix_add_endpoint(&matrix, &(struct matrix_endpoint){.id = 7,
                                                                       .site = "=shop",
                                                                       .role = ROLE_EDGE,
                                                                       .host = "www.shop.example",
                                                                       .port = 443,
                                                                       .sni = "www.shop.example",
                                                                       .address = ""}));
    assert_true(matrix_settle(&matrix));
    for (int64_t id = 1; id <= 3; id++) {
        struct cell *cell = matrix_find(&matrix, 7, id);
        cell_count(cell, ATTEMPT_FIRST,
                   id == 3 ? outcome_make(OUTCOME_HELLO_RESET, RAW_ERRNO, 104)
                           : outcome_make(OUTCOME_OK, RAW_NONE, 0),
                   4, 3);
        cell->look.issuer = id == 2 ? HOSTILE : id == 1 ? "CN=R11" : "";
    }
    return diff_run(&diff, &matrix) ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    diff_done(&diff);
    matrix_done(&matrix);
    return 0;
}

static void is_harmless(const char *text)
{
    assert_null(strchr(text, '\x1b'));
    assert_null(strchr(text, '\xff'));
    assert_null(strstr(text, "\xe2\x80\xae"));
}

static void test_text(void **state)
{
    char *text = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&text, &length);
    (void)state;
    assert_non_null(stream);
    assert_int_equal(matrix_print(&matrix, stream), 1 + 3 + 1);
    diff_print(&diff, stream);
    assert_int_equal(fclose(stream), 0);
    is_harmless(text);
    assert_null(strchr(text, '\r'));
    assert_non_null(strstr(text, "RESET CH 3/3"));
    assert_non_null(strstr(text, "AS ?"));
    assert_non_null(strstr(text, "fails from us-1 3/3 with reset after ClientHello; passes from cn-1, hk-1"));
    assert_non_null(strstr(text, "certificate issuer differs"));
    free(text);
}

static void test_json(void **state)
{
    json_t *root = json_object();
    (void)state;
    assert_true(matrix_to_json(&matrix, root));
    assert_true(diff_to_json(&diff, root));
    char *text = json_dumps(root, JSON_ENSURE_ASCII);
    assert_non_null(text);
    is_harmless(text);
    json_t *again = json_loads(text, 0, NULL);
    assert_true(json_equal(root, again));
    assert_int_equal(json_array_size(json_object_get(again, "cells")), 3);
    assert_int_equal(json_array_size(json_object_get(again, "findings")), 2);
    json_t *first = json_array_get(json_object_get(again, "findings"), 0);
    assert_string_equal(json_string_value(json_object_get(first, "kind")), "fails");
    assert_string_equal(json_string_value(json_object_get(json_object_get(first, "outcome"), "class")),
                        "hello.reset");
    json_decref(again);
    json_decref(root);
    free(text);
}

static void test_csv(void **state)
{
    char *text = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&text, &length);
    (void)state;
    assert_non_null(stream);
    assert_true(matrix_to_csv(&matrix, stream));
    json_t *root = json_object();
    assert_true(diff_to_json(&diff, root));
    assert_true(rows_csv(json_object_get(root, "findings"), finding_fields, stream));
    json_decref(root);
    assert_int_equal(fclose(stream), 0);
    assert_non_null(strstr(
        text,
        "\"'=shop\",edge,www.shop.example,443,,us-1,us,,fail,3,0,3,0,0,0,hello.reset,errno,104,3,\r\n"));
    is_harmless(text);
    assert_null(strstr(text, "\n=shop"));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_text, setup, teardown),
        cmocka_unit_test_setup_teardown(test_json, setup, teardown),
        cmocka_unit_test_setup_teardown(test_csv, setup, teardown),
    };
    return cmocka_run_group_tests_name("show", tests, NULL, NULL);
}
