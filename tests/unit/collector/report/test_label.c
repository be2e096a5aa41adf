#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "report/label.h"

#include <string.h>

enum { SEEN_MAX = 128, LABEL_MAX_COLUMNS = 16 };
static char seen[SEEN_MAX][LABEL_BYTES];
static size_t seen_count;

static void visit(enum outcome_class class, void *arg)
{
    char label[LABEL_BYTES];
    (void)arg;
    (void)outcome_label(outcome_make(class, RAW_NONE, 0), label);
    assert_true(label[0] != '\0');
    assert_true(strlen(label) <= LABEL_MAX_COLUMNS);
    if (strncmp(label, "class ", 6) == 0)
        fail_msg("no label for %s", outcome_class_id(class));
    for (size_t i = 0; i < seen_count; i++)
        assert_string_not_equal(seen[i], label);
    memcpy(seen[seen_count++], label, sizeof label);
}

static void test_every_class_has_its_own(void **state)
{
    (void)state;
    outcome_each_class(visit, NULL);
    assert_true(seen_count > 40);
}

static void test_numbers(void **state)
{
    char label[LABEL_BYTES];
    (void)state;
    assert_string_equal(outcome_label(outcome_make(OUTCOME_TLS_ALERT, RAW_ALERT, 40), label), "ALERT 40");
    assert_string_equal(outcome_label(outcome_make(OUTCOME_HTTP_GATEWAY, RAW_HTTP_STATUS, 502), label),
                        "GATEWAY 502");
    assert_string_equal(outcome_label(outcome_make(OUTCOME_HELLO_RESET, RAW_ERRNO, 104), label), "RESET CH");
}

static struct cell cell_with(enum outcome_class class, unsigned count, int64_t handshake_us)
{
    struct cell cell = {.handshake_us = handshake_us};
    if (count > 0)
        cell_count(&cell, ATTEMPT_FIRST, outcome_make(class, RAW_NONE, 0), 4, count);
    return cell;
}

static void check(struct cell cell, const char *expected, enum term_style style)
{
    char label[LABEL_BYTES];
    enum term_style found;
    assert_string_equal(cell_label(&cell, label, &found), expected);
    assert_int_equal(found, style);
}

static void test_cells(void **state)
{
    (void)state;
    check(cell_with(OUTCOME_OK, 0, -1), "-", TERM_DIM);
    check(cell_with(OUTCOME_OK, 10, 64400), "ok 64 ms", TERM_GOOD);
    check(cell_with(OUTCOME_OK, 10, 1260), "ok 1.3 ms", TERM_GOOD);
    check(cell_with(OUTCOME_OK, 10, -1), "ok", TERM_GOOD);
    check(cell_with(OUTCOME_HELLO_RESET, 10, -1), "RESET CH 10/10", TERM_BAD);
    check(cell_with(OUTCOME_LOCAL_NO_ROUTE, 10, -1), "no route", TERM_DIM);
    struct cell mixed = cell_with(OUTCOME_OK, 8, 20000);
    cell_count(&mixed, ATTEMPT_FIRST, outcome_make(OUTCOME_TCP_TIMEOUT, RAW_NONE, 0), 4, 2);
    check(mixed, "ok 20 ms 8/10", TERM_WARN);
    cell_count(&mixed, ATTEMPT_FIRST, outcome_make(OUTCOME_TCP_TIMEOUT, RAW_NONE, 0), 4, 10);
    check(mixed, "TIMEOUT 12/20", TERM_BAD);
}

static void test_asn(void **state)
{
    char label[LABEL_BYTES];
    (void)state;
    assert_string_equal(asn_label(4837, label), "AS4837");
    assert_string_equal(asn_label(0, label), "AS ?");
}

static void test_endpoints(void **state)
{
    char label[ENDPOINT_LABEL_BYTES];
    struct matrix_endpoint endpoint = {
        .role = ROLE_EDGE, .host = "www.shop.example", .port = 443, .address = ""};
    (void)state;
    assert_string_equal(endpoint_label(&endpoint, label), "www.shop.example:443");
    endpoint.address = "2001:db8::1";
    assert_string_equal(endpoint_label(&endpoint, label), "www.shop.example:443@2001:db8::1");
    endpoint.role = ROLE_ORIGIN;
    assert_string_equal(endpoint_label(&endpoint, label), "[2001:db8::1]:443");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_class_has_its_own),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_cells),
        cmocka_unit_test(test_asn),
        cmocka_unit_test(test_endpoints),
    };
    return cmocka_run_group_tests_name("label", tests, NULL, NULL);
}
