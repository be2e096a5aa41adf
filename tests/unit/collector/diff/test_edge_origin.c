#include "cmocka_all.h"

#include "diff/edge_origin.h"

#include <string.h>

/* The paired table, one cell at a time: what two endpoints show from one vantage, and the verdict on it. */

struct pair_case {
    enum outcome_class edge;
    int edge_raw;
    unsigned edge_failed; /* of ten */
    enum outcome_class origin;
    unsigned origin_failed; /* of ten */
    unsigned origin_attempts;
    enum edge_verdict verdict;
};

static const struct pair_case cases[] = {
    {OUTCOME_OK, 0, 0, OUTCOME_OK, 0, 10, EDGE_BOTH_PASS},
    {OUTCOME_HELLO_RESET, 104, 1, OUTCOME_TCP_TIMEOUT, 1, 10, EDGE_BOTH_PASS}, /* lost now and then */
    {OUTCOME_OK, 0, 0, OUTCOME_OK, 0, 0, EDGE_PASSES},
    {OUTCOME_OK, 0, 0, OUTCOME_CERT_EXPIRED, 10, 10, EDGE_ORIGIN_ONLY},
    {OUTCOME_HELLO_RESET, 104, 10, OUTCOME_OK, 0, 10, EDGE_ONLY},
    {OUTCOME_HELLO_RESET, 104, 2, OUTCOME_OK, 0, 10, EDGE_ONLY}, /* one in five */
    {OUTCOME_HELLO_RESET, 104, 10, OUTCOME_OK, 0, 0, EDGE_FAILS},
    {OUTCOME_HELLO_RESET, 104, 10, OUTCOME_HELLO_RESET, 10, 10, EDGE_BOTH_ALIKE},
    {OUTCOME_HELLO_RESET, 104, 10, OUTCOME_TCP_REFUSED, 10, 10, EDGE_BOTH_OTHERWISE},
    {OUTCOME_HTTP_EDGE_ORIGIN, 526, 10, OUTCOME_OK, 0, 10, EDGE_GATEWAY_PASSES},
    {OUTCOME_HTTP_EDGE_ORIGIN, 526, 10, OUTCOME_CERT_EXPIRED, 10, 10, EDGE_GATEWAY_EXPLAINED},
    {OUTCOME_HTTP_EDGE_ORIGIN, 526, 10, OUTCOME_TCP_REFUSED, 10, 10, EDGE_GATEWAY_FAILS},
    {OUTCOME_HTTP_EDGE_ORIGIN, 521, 10, OUTCOME_TCP_REFUSED, 10, 10, EDGE_GATEWAY_EXPLAINED},
    {OUTCOME_HTTP_EDGE_ORIGIN, 522, 10, OUTCOME_TCP_TIMEOUT, 10, 10, EDGE_GATEWAY_EXPLAINED},
    {OUTCOME_HTTP_EDGE_ORIGIN, 522, 10, OUTCOME_TCP_REFUSED, 10, 10, EDGE_GATEWAY_FAILS},
    {OUTCOME_HTTP_EDGE_ORIGIN, 525, 10, OUTCOME_TLS_ALERT, 10, 10, EDGE_GATEWAY_EXPLAINED},
    {OUTCOME_HTTP_GATEWAY, 502, 10, OUTCOME_TLS_ALERT, 10, 10, EDGE_GATEWAY_EXPLAINED},
    {OUTCOME_HTTP_GATEWAY, 504, 10, OUTCOME_TLS_ALERT, 10, 10, EDGE_GATEWAY_FAILS},
    {OUTCOME_HTTP_GATEWAY, 504, 10, OUTCOME_HTTP_SILENT, 10, 10, EDGE_GATEWAY_EXPLAINED},
};
enum { CASES = sizeof cases / sizeof cases[0], EDGE_ID = 1, ORIGIN_ID = 2 };

static void count(struct cell *cell, enum outcome_class class, int raw, unsigned failed, unsigned attempts)
{
    bool http = class == OUTCOME_HTTP_EDGE_ORIGIN || class == OUTCOME_HTTP_GATEWAY;
    if (failed > 0)
        cell_count(cell, ATTEMPT_FIRST, outcome_make(class, http ? RAW_HTTP_STATUS : RAW_ERRNO, raw), 4,
                   failed);
    if (attempts > failed)
        cell_count(cell, ATTEMPT_FIRST, outcome_make(OUTCOME_OK, RAW_NONE, 0), 4, attempts - failed);
}

static void fill(struct matrix *matrix, const struct pair_case *one, unsigned vantages)
{
    matrix_init(matrix);
    for (unsigned v = 1; v <= vantages; v++)
        assert_true(matrix_add_vantage(
            matrix, &(struct matrix_vantage){v, v == 1 ? "hk-1" : "cn-1", v == 1 ? "hk" : "cn", v}));
    for (int id = EDGE_ID; id <= ORIGIN_ID; id++)
        assert_true(matrix_add_endpoint(
            matrix, &(struct matrix_endpoint){.id = id,
                                              .site = "shop",
                                              .role = id == EDGE_ID ? ROLE_EDGE : ROLE_ORIGIN,
                                              .host = "www.shop.example",
                                              .port = 443,
                                              .sni = "www.shop.example",
                                              .address = ""}));
    assert_true(matrix_settle(matrix));
    count(matrix_find(matrix, EDGE_ID, 1), one->edge, one->edge_raw, one->edge_failed, 10);
    count(matrix_find(matrix, ORIGIN_ID, 1), one->origin, 0, one->origin_failed, one->origin_attempts);
}

static void test_every_verdict(void **state)
{
    unsigned seen = 0;
    (void)state;
    for (size_t i = 0; i < CASES; i++) {
        struct matrix matrix;
        struct diff diff;
        const struct edge_row *rows;
        size_t made;
        fill(&matrix, &cases[i], 1);
        assert_true(diff_run(&diff, &matrix));
        assert_true(edge_origin(&diff, &rows, &made));
        assert_int_equal(made, 1);
        if (rows[0].verdict != cases[i].verdict)
            fail_msg("case %zu: %s, wanted %s", i, edge_verdict_name(rows[0].verdict),
                     edge_verdict_name(cases[i].verdict));
        seen |= 1U << rows[0].verdict;
        diff_done(&diff);
        matrix_done(&matrix);
    }
    assert_int_equal(seen, (1U << (EDGE_GATEWAY_EXPLAINED + 1)) - 1); /* the table has every one of them */
}

static void test_vantages_that_see_it_alike_share_a_row(void **state)
{
    struct matrix matrix;
    struct diff diff;
    const struct edge_row *rows;
    size_t made;
    (void)state;
    fill(&matrix, &cases[4], 2);
    count(matrix_find(&matrix, EDGE_ID, 2), OUTCOME_OK, 0, 0, 10);
    count(matrix_find(&matrix, ORIGIN_ID, 2), OUTCOME_OK, 0, 0, 10);
    assert_true(diff_run(&diff, &matrix));
    assert_true(edge_origin(&diff, &rows, &made));
    assert_int_equal(made, 2);
    assert_int_equal(rows[0].verdict, EDGE_ONLY); /* what fails comes first */
    assert_int_equal(rows[0].where_count, 1);
    assert_int_equal(rows[0].edge_failed, 10);
    assert_int_equal(rows[0].origin_attempts, 10);
    assert_int_equal(rows[1].verdict, EDGE_BOTH_PASS);
    diff_done(&diff);
    matrix_done(&matrix);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_verdict),
        cmocka_unit_test(test_vantages_that_see_it_alike_share_a_row),
    };
    return cmocka_run_group_tests_name("edge_origin", tests, NULL, NULL);
}
