#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "diff/diff.h"

#include <stdio.h>
#include <string.h>

/* Hand-made matrices: vantages and endpoints by table, cells by name. */

static struct matrix matrix;
static struct diff diff;

static void add_vantage(const char *name, const char *region, int64_t asn)
{
    static int64_t id;
    id++;
    assert_true(matrix_add_vantage(&matrix, &(struct matrix_vantage){id, name, region, asn}));
}

static void add_endpoint(const char *site, enum endpoint_role role, const char *host, const char *address)
{
    static int64_t id;
    id++;
    assert_true(matrix_add_endpoint(&matrix, &(struct matrix_endpoint){.id = id,
                                                                       .site = site,
                                                                       .role = role,
                                                                       .host = host,
                                                                       .port = 443,
                                                                       .sni = host,
                                                                       .address = address}));
}

static struct cell *cell_of(const char *host, enum endpoint_role role, const char *vantage)
{
    for (unsigned e = 0; e < matrix.endpoint_count; e++) {
        for (unsigned v = 0; v < matrix.vantage_count; v++) {
            if (matrix.endpoints[e].role == role && strcmp(matrix.endpoints[e].host, host) == 0 &&
                strcmp(matrix.vantages[v].name, vantage) == 0)
                return matrix_cell(&matrix, e, v);
        }
    }
    fail_msg("no cell %s %s", host, vantage);
    return NULL;
}

static struct outcome outcome_of(enum outcome_class class)
{
    enum outcome_raw_kind kind = RAW_NONE;
    int32_t raw = 0;
    if (class == OUTCOME_HELLO_RESET) {
        kind = RAW_ERRNO;
        raw = 104;
    } else if (class == OUTCOME_HTTP_GATEWAY || class == OUTCOME_HTTP_EDGE_ORIGIN) {
        kind = RAW_HTTP_STATUS;
        raw = class == OUTCOME_HTTP_GATEWAY ? 502 : 526;
    }
    return outcome_make(class, kind, raw);
}

static void see(const char *host, enum endpoint_role role, const char *vantage, enum outcome_class class,
                unsigned count)
{
    cell_count(cell_of(host, role, vantage), ATTEMPT_FIRST, outcome_of(class), 4, count);
}

static void see_all(const char *host, enum endpoint_role role, enum outcome_class class, unsigned count)
{
    for (unsigned v = 0; v < matrix.vantage_count; v++)
        see(host, role, matrix.vantages[v].name, class, count);
}

#define EDGE   "www.shop.example", ROLE_EDGE
#define ORIGIN "www.shop.example", ROLE_ORIGIN

static void three_vantages(void)
{
    add_vantage("us-1", "overseas", 14061);
    add_vantage("cn-1", "cn", 4837);
    add_vantage("hk-1", "hk", 9304);
}

static void shop(void)
{
    three_vantages();
    add_endpoint("shop", ROLE_EDGE, "www.shop.example", "");
    add_endpoint("shop", ROLE_ORIGIN, "www.shop.example", "203.0.113.10");
    assert_true(matrix_settle(&matrix));
}

static int setup(void **state)
{
    (void)state;
    matrix_init(&matrix);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    diff_done(&diff);
    matrix_done(&matrix);
    return 0;
}

static void run(size_t expected)
{
    assert_true(diff_run(&diff, &matrix));
    if (diff.finding_count != expected) {
        for (size_t i = 0; i < diff.finding_count; i++)
            print_message("%s\n", diff.findings[i].text);
    }
    assert_int_equal(diff.finding_count, expected);
}

static bool has_caveat(const struct finding *finding, const char *part)
{
    for (size_t i = 0; i < finding->caveat_count; i++) {
        if (strstr(finding->caveats[i], part) != NULL)
            return true;
    }
    return false;
}

static void test_nothing(void **state)
{
    (void)state;
    assert_true(matrix_settle(&matrix));
    run(0);
}

static void test_all_well(void **state)
{
    (void)state;
    shop();
    see_all(EDGE, OUTCOME_OK, 10);
    see_all(ORIGIN, OUTCOME_OK, 10);
    run(0);
    assert_int_equal(diff_finding_count(&diff), 0);
}

static void test_seed_story(void **state)
{
    (void)state;
    shop();
    see_all(ORIGIN, OUTCOME_OK, 10);
    see(EDGE, "us-1", OUTCOME_OK, 10);
    see(EDGE, "hk-1", OUTCOME_OK, 10);
    see(EDGE, "cn-1", OUTCOME_HELLO_RESET, 10);
    run(1);
    const struct finding *finding = &diff.findings[0];
    assert_string_equal(
        finding->text, "fails from cn-1 (AS4837) 10/10 with reset after ClientHello; passes from hk-1, us-1; "
                       "origin passes from all");
    assert_int_equal(finding->pair, PAIR_EDGE_ONLY);
    assert_int_equal(finding->scope, SCOPE_VANTAGES);
    assert_int_equal(finding->level, FINDING_FAULT);
    assert_string_equal(finding->where_text, "cn-1 (AS4837)");
    assert_string_equal(finding->what_text, "reset after ClientHello");
    assert_true(has_caveat(finding, "only vantage in region cn"));
    assert_int_equal(diff_finding_count(&diff), 1);
}

static void test_confirmed(void **state)
{
    (void)state;
    shop();
    see_all(EDGE, OUTCOME_OK, 10);
    struct cell *cell = cell_of(ORIGIN, "cn-1");
    cell_count(cell, ATTEMPT_FIRST, outcome_of(OUTCOME_TCP_TIMEOUT), 4, 10);
    cell_count(cell, ATTEMPT_CONFIRM, outcome_of(OUTCOME_TCP_TIMEOUT), 4, 9);
    cell_count(cell, ATTEMPT_CONFIRM, outcome_of(OUTCOME_OK), 4, 1);
    see(ORIGIN, "hk-1", OUTCOME_OK, 10);
    run(1);
    assert_string_equal(diff.findings[0].text,
                        "fails from cn-1 (AS4837) 10/10 with no answer to SYN, confirmed 9/10; passes "
                        "from hk-1; edge passes from all");
    assert_int_equal(diff.findings[0].pair, PAIR_ORIGIN_ONLY);
    assert_int_equal(diff.findings[0].failed, 10);
    assert_int_equal(diff.findings[0].confirm_attempts, 10);
}

static void test_retries_pass(void **state)
{
    (void)state;
    shop();
    see(EDGE, "hk-1", OUTCOME_HELLO_RESET, 4);
    cell_count(cell_of(EDGE, "hk-1"), ATTEMPT_CONFIRM, outcome_of(OUTCOME_OK), 4, 4);
    see(EDGE, "us-1", OUTCOME_OK, 4);
    run(1);
    assert_non_null(strstr(diff.findings[0].text,
                           "4/4 with reset after ClientHello, retries pass 4/4; passes from us-1"));
}

static void test_fails_from_all(void **state)
{
    (void)state;
    shop();
    see_all(EDGE, OUTCOME_OK, 5);
    see_all(ORIGIN, OUTCOME_CERT_EXPIRED, 5);
    run(1);
    assert_string_equal(diff.findings[0].text,
                        "fails from all 15/15 with certificate expired; edge passes from all");
    assert_int_equal(diff.findings[0].scope, SCOPE_ALL);
    assert_int_equal(diff.findings[0].pair, PAIR_ORIGIN_ONLY);
    assert_int_equal(diff.findings[0].caveat_count, 0);
}

/* Every cell of the paired table where the edge fails. */
static void test_pairs(void **state)
{
    (void)state;
    static const struct {
        enum outcome_class edge, origin;
        enum finding_pair pair;
        const char *says;
    } cases[] = {
        {OUTCOME_HELLO_RESET, OUTCOME_OK, PAIR_EDGE_ONLY, "; origin passes from all"},
        {OUTCOME_HELLO_RESET, OUTCOME_HELLO_RESET, PAIR_BOTH_SAME,
         "; origin fails alike from all with reset"},
        {OUTCOME_HELLO_RESET, OUTCOME_TCP_REFUSED, PAIR_BOTH_OTHER,
         "; origin fails from all with connection refused"},
        {OUTCOME_HTTP_GATEWAY, OUTCOME_OK, PAIR_GATEWAY_ORIGIN_PASSES,
         "gateway error (HTTP 502); origin passes from all"},
        {OUTCOME_HTTP_EDGE_ORIGIN, OUTCOME_CERT_EXPIRED, PAIR_GATEWAY_ORIGIN_FAILS,
         "(HTTP 526); origin fails from all with certificate expired"},
        {OUTCOME_HTTP_GATEWAY, OUTCOME_HTTP_GATEWAY, PAIR_BOTH_SAME,
         "origin fails alike from all with gateway error"},
        {OUTCOME_OK, OUTCOME_TCP_REFUSED, PAIR_ORIGIN_ONLY, "; edge passes from all"},
    };
    shop();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        memset(matrix.cells, 0, sizeof *matrix.cells * matrix.endpoint_count * matrix.vantage_count);
        for (unsigned c = 0; c < matrix.endpoint_count * matrix.vantage_count; c++)
            matrix.cells[c].look = look_none;
        see_all(EDGE, cases[i].edge, 3);
        see_all(ORIGIN, cases[i].origin, 3);
        assert_true(diff_run(&diff, &matrix));
        assert_int_equal(diff.findings[0].pair, cases[i].pair);
        if (strstr(diff.findings[0].text, cases[i].says) == NULL)
            fail_msg("\"%s\" does not say \"%s\"", diff.findings[0].text, cases[i].says);
        diff_done(&diff);
    }
    see_all(EDGE, OUTCOME_OK, 0);
}

static void test_pair_not_probed_and_mixed(void **state)
{
    (void)state;
    shop();
    see_all(EDGE, OUTCOME_HELLO_RESET, 3);
    see(ORIGIN, "cn-1", OUTCOME_TCP_TIMEOUT, 3);
    see(ORIGIN, "hk-1", OUTCOME_OK, 3);
    run(2);
    assert_int_equal(diff.findings[0].pair, PAIR_MIXED);
    assert_non_null(
        strstr(diff.findings[0].text, "; origin passes from hk-1, fails from cn-1 with no answer to SYN"));
    assert_int_equal(diff.findings[1].pair, PAIR_BOTH_OTHER);
    diff_done(&diff);
    see(ORIGIN, "cn-1", OUTCOME_OK, 0);
}

static void test_origin_not_probed(void **state)
{
    (void)state;
    shop();
    see_all(EDGE, OUTCOME_HELLO_RESET, 3);
    run(1);
    assert_int_equal(diff.findings[0].pair, PAIR_NONE);
    assert_non_null(strstr(diff.findings[0].text, "; origin was not probed"));
}

static void test_region(void **state)
{
    (void)state;
    three_vantages();
    add_vantage("cn-2", "cn", 4134);
    add_endpoint("", ROLE_PLAIN, "a.example", "");
    assert_true(matrix_settle(&matrix));
    see_all("a.example", ROLE_PLAIN, OUTCOME_OK, 0);
    see("a.example", ROLE_PLAIN, "cn-1", OUTCOME_HELLO_RESET, 10);
    see("a.example", ROLE_PLAIN, "cn-2", OUTCOME_HELLO_RESET, 9);
    see("a.example", ROLE_PLAIN, "cn-2", OUTCOME_OK, 1);
    see("a.example", ROLE_PLAIN, "hk-1", OUTCOME_OK, 10);
    see("a.example", ROLE_PLAIN, "us-1", OUTCOME_OK, 10);
    run(1);
    const struct finding *finding = &diff.findings[0];
    assert_int_equal(finding->scope, SCOPE_REGION);
    assert_string_equal(finding->region, "cn");
    assert_string_equal(
        finding->text,
        "fails from region cn (cn-2 (AS4134), cn-1 (AS4837)) 19/20 with reset after ClientHello; "
        "passes from hk-1, us-1");
    assert_int_equal(finding->caveat_count, 0);
}

static void test_region_is_one_asn(void **state)
{
    (void)state;
    three_vantages();
    add_vantage("cn-2", "cn", 4837);
    add_endpoint("", ROLE_PLAIN, "a.example", "");
    assert_true(matrix_settle(&matrix));
    see("a.example", ROLE_PLAIN, "cn-1", OUTCOME_HELLO_RESET, 10);
    see("a.example", ROLE_PLAIN, "cn-2", OUTCOME_HELLO_RESET, 10);
    see("a.example", ROLE_PLAIN, "hk-1", OUTCOME_OK, 10);
    run(1);
    assert_int_equal(diff.findings[0].scope, SCOPE_REGION);
    assert_true(has_caveat(&diff.findings[0], "in one ASN"));
}

static void test_asn(void **state)
{
    (void)state;
    three_vantages();
    add_vantage("cn-2", "cn", 4134);
    add_vantage("hk-2", "hk", 4837);
    add_endpoint("", ROLE_PLAIN, "a.example", "");
    assert_true(matrix_settle(&matrix));
    see_all("a.example", ROLE_PLAIN, OUTCOME_OK, 1);
    see("a.example", ROLE_PLAIN, "cn-1", OUTCOME_HELLO_RESET, 9);
    see("a.example", ROLE_PLAIN, "hk-2", OUTCOME_HELLO_RESET, 9);
    run(1);
    assert_int_equal(diff.findings[0].scope, SCOPE_ASN);
    assert_int_equal(diff.findings[0].asn, 4837);
    assert_string_equal(diff.findings[0].where_text, "AS4837 (cn-1, hk-2)");
}

static void test_peer_in_region_passes(void **state)
{
    (void)state;
    three_vantages();
    add_vantage("cn-2", "cn", 4134);
    add_endpoint("", ROLE_PLAIN, "a.example", "");
    assert_true(matrix_settle(&matrix));
    see_all("a.example", ROLE_PLAIN, OUTCOME_OK, 1);
    see("a.example", ROLE_PLAIN, "cn-1", OUTCOME_HELLO_RESET, 9);
    run(1);
    assert_int_equal(diff.findings[0].scope, SCOPE_VANTAGES);
    assert_true(has_caveat(&diff.findings[0], "only vantage in AS4837: ASN and vantage"));
    assert_false(has_caveat(&diff.findings[0], "region"));
}

static void test_unknown_asn_stays_unnamed(void **state)
{
    (void)state;
    add_vantage("a", "east", 0);
    add_vantage("b", "east", 0);
    add_vantage("c", "west", 0);
    add_vantage("d", "west", 0);
    add_endpoint("", ROLE_PLAIN, "a.example", "");
    assert_true(matrix_settle(&matrix));
    see_all("a.example", ROLE_PLAIN, OUTCOME_OK, 1);
    see("a.example", ROLE_PLAIN, "a", OUTCOME_TCP_TIMEOUT, 5);
    see("a.example", ROLE_PLAIN, "c", OUTCOME_TCP_TIMEOUT, 5);
    run(1);
    assert_int_equal(diff.findings[0].scope, SCOPE_VANTAGES);
    assert_string_equal(diff.findings[0].where_text, "a, c");
    assert_int_equal(diff.findings[0].caveat_count, 0);
}

static void test_one_vantage(void **state)
{
    (void)state;
    add_vantage("local", "here", 0);
    add_endpoint("", ROLE_PLAIN, "a.example", "");
    assert_true(matrix_settle(&matrix));
    see("a.example", ROLE_PLAIN, "local", OUTCOME_CERT_NAME, 5);
    run(1);
    assert_string_equal(diff.findings[0].text,
                        "fails from local 5/5 with certificate does not cover the name");
    assert_true(has_caveat(&diff.findings[0], "one vantage only"));
}

static void test_two_classes(void **state)
{
    (void)state;
    shop();
    see(EDGE, "cn-1", OUTCOME_HELLO_RESET, 6);
    see(EDGE, "hk-1", OUTCOME_CERT_EXPIRED, 6);
    see(EDGE, "us-1", OUTCOME_OK, 6);
    run(2);
    assert_non_null(strstr(diff.findings[0].text, "passes from us-1; fails also from"));
}

static void test_local_never_counts(void **state)
{
    (void)state;
    shop();
    see(EDGE, "cn-1", OUTCOME_LOCAL_NO_ROUTE, 10);
    see(EDGE, "hk-1", OUTCOME_OK, 5);
    see(EDGE, "hk-1", OUTCOME_LOCAL_NO_ROUTE, 5);
    run(0);
    assert_int_equal(cell_state(cell_of(EDGE, "cn-1")), CELL_LOCAL);
    assert_int_equal(cell_valid(cell_of(EDGE, "hk-1")), 5);
}

static void test_at_times(void **state)
{
    (void)state;
    shop();
    see(EDGE, "cn-1", OUTCOME_TCP_TIMEOUT, 2);
    see(EDGE, "cn-1", OUTCOME_OK, 58);
    see(EDGE, "hk-1", OUTCOME_OK, 60);
    run(1);
    assert_int_equal(diff.findings[0].kind, FINDING_AT_TIMES);
    assert_string_equal(diff.findings[0].text,
                        "fails at times from cn-1 2/60 (no answer to SYN); passes from hk-1");
}

static void test_ipv6_only(void **state)
{
    (void)state;
    shop();
    cell_count(cell_of(EDGE, "cn-1"), ATTEMPT_FIRST, outcome_of(OUTCOME_OK), 4, 10);
    cell_count(cell_of(EDGE, "cn-1"), ATTEMPT_FIRST, outcome_of(OUTCOME_TCP_TIMEOUT), 6, 10);
    see(EDGE, "hk-1", OUTCOME_OK, 10);
    run(1);
    assert_non_null(
        strstr(diff.findings[0].text, "10/20 with no answer to SYN, over IPv6 only; passes from hk-1"));
}

static void many_endpoints(unsigned count)
{
    static const char *const hosts[] = {"a.example", "b.example", "c.example", "d.example"};
    for (unsigned i = 0; i < count; i++)
        add_endpoint("", ROLE_PLAIN, hosts[i], "");
    assert_true(matrix_settle(&matrix));
    for (unsigned i = 0; i < count; i++)
        see_all(hosts[i], ROLE_PLAIN, OUTCOME_OK, 1);
}

static void test_sick_vantage(void **state)
{
    (void)state;
    three_vantages();
    many_endpoints(4);
    see("a.example", ROLE_PLAIN, "us-1", OUTCOME_TCP_TIMEOUT, 9);
    see("b.example", ROLE_PLAIN, "us-1", OUTCOME_TCP_TIMEOUT, 9);
    see("c.example", ROLE_PLAIN, "us-1", OUTCOME_TCP_TIMEOUT, 9);
    run(0);
    assert_int_equal(diff.aside_count, 1);
    assert_string_equal(diff.asides[0].text,
                        "us-1 fails 3 of 4 endpoints that pass elsewhere, mostly with no answer to SYN");
}

static void test_half_is_not_sick(void **state)
{
    (void)state;
    three_vantages();
    many_endpoints(4);
    see("a.example", ROLE_PLAIN, "us-1", OUTCOME_TCP_TIMEOUT, 9);
    see("b.example", ROLE_PLAIN, "us-1", OUTCOME_TCP_TIMEOUT, 9);
    run(2);
    assert_int_equal(diff.aside_count, 0);
}

static void test_region_cut_off_is_not_sick(void **state)
{
    (void)state;
    three_vantages();
    add_vantage("cn-2", "cn", 4134);
    many_endpoints(3);
    for (unsigned e = 0; e < 3; e++) {
        see(matrix.endpoints[e].host, ROLE_PLAIN, "cn-1", OUTCOME_HELLO_RESET, 9);
        see(matrix.endpoints[e].host, ROLE_PLAIN, "cn-2", OUTCOME_HELLO_RESET, 9);
    }
    run(3);
    assert_int_equal(diff.aside_count, 0);
    assert_int_equal(diff.findings[0].scope, SCOPE_REGION);
}

static void test_all_fail_is_not_sick(void **state)
{
    (void)state;
    three_vantages();
    many_endpoints(4);
    for (unsigned e = 0; e < 4; e++)
        see_all(matrix.endpoints[e].host, ROLE_PLAIN, OUTCOME_TCP_REFUSED, 9);
    run(4);
    assert_int_equal(diff.aside_count, 0);
    assert_int_equal(diff.findings[0].scope, SCOPE_ALL);
}

static void test_issuer_differs(void **state)
{
    (void)state;
    shop();
    see_all(EDGE, OUTCOME_OK, 10);
    for (unsigned v = 0; v < 3; v++) {
        bool proxied = strcmp(matrix.vantages[v].name, "cn-1") == 0;
        cell_of(EDGE, matrix.vantages[v].name)->look.issuer = proxied ? "CN=Proxy CA" : "CN=R11";
        cell_of(EDGE, matrix.vantages[v].name)->look.key = proxied ? "b0" : "a0";
        cell_of(EDGE, matrix.vantages[v].name)->look.leaf = proxied ? "bb" : "aa";
    }
    run(1);
    assert_string_equal(diff.findings[0].text,
                        "certificate issuer differs: CN=Proxy CA from cn-1 (AS4837); CN=R11 from hk-1, us-1");
    assert_int_equal(diff.findings[0].level, FINDING_DIFFERENCE);
    assert_int_equal(diff_finding_count(&diff), 1);
    assert_non_null(strstr(diff.findings[0].caveats[0], "intercepts"));
}

static void look_at_edge(const char *vantage, const char *issuer, const char *key, const char *leaf)
{
    struct look *look = &cell_of(EDGE, vantage)->look;
    look->issuer = issuer;
    look->key = key;
    look->leaf = leaf;
}

/* CAs sign with several intermediates in turn: that is no interceptor. */
static void test_another_intermediate_is_a_note(void **state)
{
    (void)state;
    shop();
    see_all(EDGE, OUTCOME_OK, 10);
    look_at_edge("cn-1", "CN=E8,O=An Example\\, Inc.,C=US", "b0", "bb");
    look_at_edge("hk-1", "CN=E7,O=An Example\\, Inc.,C=US", "a0", "aa");
    look_at_edge("us-1", "CN=E7,O=An Example\\, Inc.,C=US", "a0", "aa");
    run(1);
    assert_int_equal(diff.findings[0].aspect, ASPECT_ISSUER);
    assert_int_equal(diff.findings[0].level, FINDING_NOTE);
    assert_int_equal(diff.findings[0].caveat_count, 1); /* the only vantage of its region and ASN */
}

/* Whoever only begins like another organisation is another one. */
static void test_other_organisation_is_a_difference(void **state)
{
    (void)state;
    shop();
    see_all(EDGE, OUTCOME_OK, 10);
    look_at_edge("cn-1", "CN=E7,O=An Example\\, Ltd.", "b0", "bb");
    look_at_edge("hk-1", "CN=E7,O=An Example\\, Inc.", "a0", "aa");
    look_at_edge("us-1", "CN=E7,O=An Example\\, Inc.", "a0", "aa");
    run(1);
    assert_int_equal(diff.findings[0].level, FINDING_DIFFERENCE);
}

/* A renewed certificate that is not everywhere yet has the key of the old one, or another one of the same issuer. */
static void test_key_before_certificate(void **state)
{
    (void)state;
    shop();
    see_all(EDGE, OUTCOME_OK, 10);
    look_at_edge("cn-1", "CN=R11", "a0", "bb");
    look_at_edge("hk-1", "CN=R11", "a0", "aa");
    look_at_edge("us-1", "CN=R11", "a0", "aa");
    run(1);
    assert_int_equal(diff.findings[0].aspect, ASPECT_LEAF);
    assert_int_equal(diff.findings[0].level, FINDING_NOTE);
    diff_done(&diff);
    look_at_edge("cn-1", "CN=R11", "b0", "bb");
    run(1);
    assert_int_equal(diff.findings[0].aspect, ASPECT_KEY);
    assert_int_equal(diff.findings[0].level, FINDING_DIFFERENCE);
}

static void test_redirects_groups_and_pops(void **state)
{
    (void)state;
    shop();
    see_all(EDGE, OUTCOME_OK, 10);
    for (unsigned v = 0; v < 3; v++) {
        struct look *look = &cell_of(EDGE, matrix.vantages[v].name)->look;
        bool cn = strcmp(matrix.vantages[v].name, "cn-1") == 0;
        look->location = cn ? "https://www.shop.example/cn/" : "https://www.shop.example/";
        look->group = cn ? 0x0017 : 0x001d;
        look->pop = cn ? "Example CDN HKG" : "Example CDN LAX";
    }
    run(3);
    assert_string_equal(diff.findings[0].text,
                        "redirect differs: https://www.shop.example/cn/ from cn-1 (AS4837); "
                        "https://www.shop.example/ from hk-1, us-1");
    assert_int_equal(diff_finding_count(&diff), 1);
    assert_int_equal(diff.findings[1].aspect, ASPECT_GROUP);
    assert_int_equal(diff.findings[2].aspect, ASPECT_POP);
}

/* An interceptor's certificate is seen although its handshake does not verify. */
static void test_issuer_of_failures_counts(void **state)
{
    (void)state;
    shop();
    see_all(EDGE, OUTCOME_OK, 0);
    see(EDGE, "cn-1", OUTCOME_CERT_UNTRUSTED, 5);
    see(EDGE, "hk-1", OUTCOME_OK, 5);
    cell_of(EDGE, "cn-1")->look.issuer = "CN=Proxy CA";
    cell_of(EDGE, "hk-1")->look.issuer = "CN=R11";
    run(2);
    assert_int_equal(diff.findings[1].aspect, ASPECT_ISSUER);
}

/* What passes is what an interceptor's certificate differs from, however many see that one. */
static void test_what_passes_is_common(void **state)
{
    (void)state;
    shop();
    see(EDGE, "cn-1", OUTCOME_CERT_UNTRUSTED, 5);
    see(EDGE, "hk-1", OUTCOME_CERT_UNTRUSTED, 5);
    see(EDGE, "us-1", OUTCOME_OK, 5);
    cell_of(EDGE, "cn-1")->look.issuer = "CN=Proxy CA";
    cell_of(EDGE, "hk-1")->look.issuer = "CN=Proxy CA";
    cell_of(EDGE, "us-1")->look.issuer = "CN=R11";
    run(2);
    assert_int_equal(diff.findings[1].aspect, ASPECT_ISSUER);
    assert_string_equal(diff.findings[1].value, "CN=Proxy CA");
    assert_string_equal(diff.findings[1].other_value, "CN=R11");
}

static void test_versions_between_vantages(void **state)
{
    (void)state;
    shop();
    see_all(EDGE, OUTCOME_OK, 10);
    cell_of(EDGE, "cn-1")->look.tls_version = 0x0303;
    cell_of(EDGE, "hk-1")->look.tls_version = 0x0304;
    cell_of(EDGE, "us-1")->look.tls_version = 0x0304;
    cell_of(EDGE, "us-1")->look.http_status = 403;
    cell_of(EDGE, "hk-1")->look.http_status = 200;
    cell_of(EDGE, "cn-1")->look.http_status = 200;
    run(2);
    assert_string_equal(diff.findings[1].text,
                        "TLS version differs: TLSv1.2 from cn-1 (AS4837); TLSv1.3 from hk-1, us-1");
    assert_string_equal(diff.findings[0].text,
                        "HTTP status differs: 403 from us-1 (AS14061); 200 from cn-1, hk-1");
}

static void test_pair_differs(void **state)
{
    (void)state;
    shop();
    see_all(EDGE, OUTCOME_OK, 10);
    see_all(ORIGIN, OUTCOME_OK, 10);
    for (unsigned v = 0; v < 3; v++) {
        struct look *edge = &cell_of(EDGE, matrix.vantages[v].name)->look;
        struct look *origin = &cell_of(ORIGIN, matrix.vantages[v].name)->look;
        edge->tls_version = 0x0304;
        origin->tls_version = 0x0303;
        edge->issuer = "CN=CDN";
        origin->issuer = "CN=R11";
        edge->leaf = "aa";
        origin->leaf = "bb";
    }
    run(2);
    assert_string_equal(diff.findings[0].text,
                        "edge and origin differ in TLS version: TLSv1.3 against TLSv1.2, from all");
    assert_int_equal(diff.findings[1].level, FINDING_NOTE);
    assert_string_equal(diff.findings[1].text,
                        "edge and origin differ in certificate issuer: CN=CDN against CN=R11, from all");
    assert_int_equal(diff_finding_count(&diff), 1);
}

static void test_addresses_are_a_note(void **state)
{
    (void)state;
    shop();
    see_all(EDGE, OUTCOME_OK, 10);
    cell_of(EDGE, "cn-1")->look.addresses = "198.51.100.1";
    cell_of(EDGE, "hk-1")->look.addresses = "198.51.100.2";
    cell_of(EDGE, "us-1")->look.addresses = "198.51.100.2";
    run(1);
    assert_int_equal(diff.findings[0].level, FINDING_NOTE);
    assert_int_equal(diff_finding_count(&diff), 0);
}

static void test_other_sites_are_no_pair(void **state)
{
    (void)state;
    three_vantages();
    add_endpoint("one", ROLE_EDGE, "www.shop.example", "");
    add_endpoint("two", ROLE_ORIGIN, "www.shop.example", "203.0.113.10");
    assert_true(matrix_settle(&matrix));
    see_all(EDGE, OUTCOME_HELLO_RESET, 3);
    see_all(ORIGIN, OUTCOME_OK, 3);
    run(1);
    assert_false(diff.findings[0].has_counterpart);
}

static void test_long_lists_are_cut(void **state)
{
    (void)state;
    char name[16];
    for (unsigned i = 0; i < 30; i++) {
        (void)snprintf(name, sizeof name, "v-%02u", i);
        add_vantage(name, "r", 0);
    }
    add_endpoint("", ROLE_PLAIN, "a.example", "");
    assert_true(matrix_settle(&matrix));
    see_all("a.example", ROLE_PLAIN, OUTCOME_OK, 1);
    see("a.example", ROLE_PLAIN, "v-29", OUTCOME_TCP_REFUSED, 9);
    run(1);
    assert_non_null(strstr(diff.findings[0].text, "v-07 and 21 more"));
}

/* cn-1 goes further than it was asked for, and meets there what nobody else has looked at. */
static void what_nobody_asked_for_is_no_failure(void **state)
{
    static const enum outcome_class behind[] = {OUTCOME_CERT_EXPIRED, OUTCOME_HTTP_GATEWAY,
                                                OUTCOME_HTTP_RESET};
    static const enum outcome_class before[] = {OUTCOME_HELLO_RESET, OUTCOME_TLS_ALERT, OUTCOME_TCP_REFUSED,
                                                OUTCOME_LOCAL_POLICY};
    (void)state;
    shop();
    const struct cell *edge = cell_of(EDGE, "cn-1"), *origin = cell_of(ORIGIN, "cn-1");
    matrix_at_hello(&matrix, cell_of(EDGE, "us-1"));
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(matrix_outcome(&matrix, edge, outcome_of(behind[i])).class, OUTCOME_OK);
        assert_int_equal(matrix_outcome(&matrix, origin, outcome_of(behind[i])).class, behind[i]);
    }
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(matrix_outcome(&matrix, edge, outcome_of(before[i])).class, before[i]);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_nothing),
        T(what_nobody_asked_for_is_no_failure),
        T(test_all_well),
        T(test_seed_story),
        T(test_confirmed),
        T(test_retries_pass),
        T(test_fails_from_all),
        T(test_pairs),
        T(test_pair_not_probed_and_mixed),
        T(test_origin_not_probed),
        T(test_region),
        T(test_region_is_one_asn),
        T(test_asn),
        T(test_peer_in_region_passes),
        T(test_unknown_asn_stays_unnamed),
        T(test_one_vantage),
        T(test_two_classes),
        T(test_local_never_counts),
        T(test_at_times),
        T(test_ipv6_only),
        T(test_sick_vantage),
        T(test_half_is_not_sick),
        T(test_region_cut_off_is_not_sick),
        T(test_all_fail_is_not_sick),
        T(test_issuer_differs),
        T(test_another_intermediate_is_a_note),
        T(test_other_organisation_is_a_difference),
        T(test_key_before_certificate),
        T(test_redirects_groups_and_pops),
        T(test_issuer_of_failures_counts),
        T(test_what_passes_is_common),
        T(test_versions_between_vantages),
        T(test_pair_differs),
        T(test_addresses_are_a_note),
        T(test_other_sites_are_no_pair),
        T(test_long_lists_are_cut),
    };
    return cmocka_run_group_tests_name("diff", tests, NULL, NULL);
}
