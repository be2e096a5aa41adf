#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "site.h"

#include "words/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct site_book book;

static int setup(void **state)
{
    (void)state;
    site_book_init(&book);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    site_book_done(&book);
    return 0;
}

static void csv(const char *text)
{
    site_book_csv(&book, "sites.csv", text, strlen(text));
}

static void yaml(const char *text)
{
    site_book_yaml(&book, "sites.yaml", text, strlen(text));
}

static void expect_good(size_t sites, size_t endpoints)
{
    if (book.problem_count > 0)
        fail_msg("%s", book.problems[0]);
    assert_int_equal(book.site_count, sites);
    assert_int_equal(book.endpoint_count, endpoints);
}

static void expect_problem(size_t index, const char *text)
{
    assert_true(index < book.problem_kept);
    if (strncmp(book.problems[index], text, strlen(text)) != 0)
        fail_msg("\"%s\" does not begin with \"%s\"", book.problems[index], text);
}

static const struct endpoint *endpoint_at(size_t site, size_t index)
{
    assert_true(site < book.site_count && index < book.sites[site]->endpoint_count);
    return &book.sites[site]->endpoints[index].endpoint;
}

static const char *pinned(const struct endpoint *endpoint)
{
    static char text[ADDRESS_TEXT_BYTES];
    return address_text(&endpoint->address, text);
}

static void add(const char *role, const char *target, const char *sni)
{
    struct site_fault fault;
    struct site_row row = {.text = {"shop", role, target, "", sni, "", "", "", ""}};
    if (!site_book_add(&book, &row, &fault))
        fail_msg("%s: %s", target, fault.why);
}

static enum site_column refused(const char *role, const char *target, const char *address, const char *sni)
{
    struct site_fault fault;
    struct site_row row = {.text = {"shop", role, target, address, sni, "", "", "", ""}};
    assert_false(site_book_add(&book, &row, &fault));
    assert_true(fault.why[0] != '\0');
    return fault.column;
}

static void test_origin_is_asked_for_the_edge(void **state)
{
    (void)state;
    add("origin", "203.0.113.10", ""); /* whatever the order */
    add("edge", "www.shop.example:8443", "");
    add("origin", "[2001:db8::1]:444", "");
    add("origin", "origin.shop.example", "");
    site_book_settle(&book);
    assert_string_equal(endpoint_at(0, 0)->host, "www.shop.example");
    assert_string_equal(pinned(endpoint_at(0, 0)), "203.0.113.10");
    assert_int_equal(endpoint_at(0, 0)->port, 8443);
    assert_string_equal(endpoint_at(0, 2)->host, "www.shop.example");
    assert_string_equal(pinned(endpoint_at(0, 2)), "2001:db8::1");
    assert_int_equal(endpoint_at(0, 2)->port, 444);
    assert_string_equal(endpoint_at(0, 3)->host, "origin.shop.example");
    assert_string_equal(endpoint_sni(endpoint_at(0, 3)), "www.shop.example");
}

static void test_origin_of_several_edges(void **state)
{
    (void)state;
    add("edge", "www.a.example", "");
    add("edge", "www.b.example:8443", "");
    add("origin", "203.0.113.10", "");
    add("origin", "203.0.113.11", "www.b.example");
    site_book_settle(&book);
    assert_string_equal(endpoint_at(0, 2)->host, "www.a.example");
    assert_int_equal(endpoint_at(0, 2)->port, 443);
    assert_string_equal(endpoint_at(0, 3)->host, "www.b.example");
    assert_int_equal(endpoint_at(0, 3)->port, 8443);
}

static void test_origin_without_edge(void **state)
{
    (void)state;
    add("origin", "203.0.113.10", "");
    site_book_settle(&book);
    assert_string_equal(endpoint_at(0, 0)->host, "203.0.113.10");
    assert_string_equal(endpoint_sni(endpoint_at(0, 0)), "");
}

static void test_pinned(void **state)
{
    (void)state;
    add("plain", "www.shop.example:8443@203.0.113.7", "");
    add("plain", "203.0.113.8", "www.shop.example");
    assert_string_equal(pinned(endpoint_at(0, 0)), "203.0.113.7");
    assert_int_equal(endpoint_at(0, 0)->port, 8443);
    assert_string_equal(endpoint_at(0, 1)->host, "www.shop.example");
    assert_string_equal(pinned(endpoint_at(0, 1)), "203.0.113.8");
}

static void test_refused(void **state)
{
    (void)state;
    assert_int_equal(refused("bogus", "a.example", "", ""), SITE_COLUMN_ROLE);
    assert_int_equal(refused("", "", "", ""), SITE_COLUMN_TARGET);
    assert_int_equal(refused("", "a..b", "", ""), SITE_COLUMN_TARGET);
    assert_int_equal(refused("", "a.example@1.2.3", "", ""), SITE_COLUMN_TARGET);
    assert_int_equal(refused("", "a.example@1.2.3.4", "1.2.3.4", ""), SITE_COLUMN_ADDRESS);
    assert_int_equal(refused("", "a.example", "203.0.113.999", ""), SITE_COLUMN_ADDRESS);
    assert_int_equal(refused("", "1.2.3.4", "203.0.113.9", ""), SITE_COLUMN_TARGET);
    assert_int_equal(refused("", "a.example", "", "b:443"), SITE_COLUMN_SNI);
    assert_int_equal(book.endpoint_count, 0);
}

static void test_site_names(void **state)
{
    static const char *const bad[] = {"", "a b", "-x", "a,b", "a\nb", "a\x1b[31m", "\xff", "a/b"};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct site_fault fault;
        struct site_row row = {.text = {bad[i], "", "a.example", "", "", "", "", "", ""}};
        assert_false(site_book_add(&book, &row, &fault));
        assert_int_equal(fault.column, SITE_COLUMN_SITE);
    }
    struct site_fault fault;
    struct site_row row = {.text = {"商店", "", "a.example", "", "", "", "", "", ""}};
    assert_true(site_book_add(&book, &row, &fault));
}

static void test_csv(void **state)
{
    (void)state;
    csv("site,role,target,address,sni,interval,fetch,depth\n"
        "shop,edge,www.shop.example,,,30s,ocsp,\n"
        "shop,origin,203.0.113.10,,,,,hello\n"
        "other,,other.example:8443,203.0.113.7,,5m,\"issuer, ocsp\",\n");
    expect_good(2, 3);
    assert_true(book.sites[0]->depth_given && book.sites[0]->depth == DEPTH_HELLO);
    assert_false(book.sites[1]->depth_given);
    assert_true(book.sites[0]->fetch_given && book.sites[0]->fetch == FETCH_OCSP);
    assert_int_equal(book.sites[1]->fetch, FETCH_ISSUER | FETCH_OCSP);
    assert_int_equal(book.sites[0]->interval_s, 30);
    assert_int_equal(book.sites[1]->interval_s, 300);
    assert_int_equal(endpoint_at(1, 0)->role, ROLE_PLAIN);
    assert_string_equal(pinned(endpoint_at(1, 0)), "203.0.113.7");
}

static void test_csv_from_a_spreadsheet(void **state)
{
    (void)state;
    csv("\xef\xbb\xbfTarget,SITE\r\n\"www.shop.example\",\"shop\"\r\n\r\nb.example,shop");
    expect_good(1, 2);
}

static void test_csv_bad_address(void **state)
{
    (void)state;
    csv("site,role,target,address,sni,interval\n"
        "a,edge,a.example,,,\n\n\n"
        "\"b\",edge,\"b.example\",203.0.113.999,,\n"
        "c,edge,c.example,,,never\n");
    assert_int_equal(book.problem_count, 2);
    expect_problem(
        0, "sites.csv:5: bad address \"203.0.113.999\" in column address (expected an IPv4 or IPv6 address)");
    expect_problem(1, "sites.csv:6: bad interval \"never\"");
}

static void test_csv_line_after_a_quoted_newline(void **state)
{
    (void)state;
    csv("site,target\n\"a\nb\",c.example\nz,..\n");
    assert_int_equal(book.problem_count, 2);
    expect_problem(0, "sites.csv:2: bad site");
    expect_problem(1, "sites.csv:4: bad target");
}

static void test_csv_broken(void **state)
{
    static const struct {
        const char *text, *problem;
    } cases[] = {
        {"", "sites.csv:1: empty file"},
        {"site,tarjet\na,b.example\n", "sites.csv:1: unknown column \"tarjet\" (did you mean \"target\"?)"},
        {"site,role\na,edge\n", "sites.csv:1: no column \"target\""},
        {"site,target,site\n", "sites.csv:1: column \"site\" comes twice"},
        {"site,target\na,b.example,c\n", "sites.csv:2: 3 fields (expected 2"},
        {"site,target\na\n", "sites.csv:2: 1 fields (expected 2"},
        {"site,target\na,\"b.example\n", "sites.csv:2: a quoted field does not end"},
        {"site,target\na,\"b\"x\n", "sites.csv:2: bad quoting"},
        {"site,target,fetch\na,b.example,crl\n",
         "sites.csv:2: bad fetch \"crl\" in column fetch (expected issuer"},
        {"site,target,fetch\na,b.example,ocsp\na,c.example,none\n", "sites.csv:3: bad fetch \"none\""},
        {"site,target,depth\na,b.example,deep\n",
         "sites.csv:2: bad depth \"deep\" in column depth (expected full or hello"},
        {"site,target,depth\na,b.example,hello\na,c.example,full\n", "sites.csv:3: bad depth \"full\""},
        {"site,target,interval\na,b.example,1s\na,c.example,2s\n", "sites.csv:3: bad interval \"2s\""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        csv(cases[i].text);
        assert_int_equal(book.problem_count, 1);
        expect_problem(0, cases[i].problem);
        site_book_done(&book);
        site_book_init(&book);
    }
}

static void test_csv_nul(void **state)
{
    static const char text[] = "site,target\na\0b,c.example\n";
    (void)state;
    site_book_csv(&book, "sites.csv", text, sizeof text - 1);
    expect_problem(0, "sites.csv:2: field 1 holds a NUL byte");
}

static void test_csv_huge(void **state)
{
    enum { HUGE_BYTES = 4 << 20, ROWS = 20000 };
    char *text = malloc(HUGE_BYTES);
    (void)state;
    assert_non_null(text);
    memset(text, 'x', HUGE_BYTES);
    memcpy(text, "site,target\n", 12);
    site_book_csv(&book, "sites.csv", text, HUGE_BYTES);
    expect_problem(0, "sites.csv:2: field 1 is longer than 1024 bytes");
    site_book_done(&book);
    site_book_init(&book);
    memset(text, ',', HUGE_BYTES);
    memcpy(text, "site,target\n", 12);
    site_book_csv(&book, "sites.csv", text, HUGE_BYTES);
    expect_problem(0, "sites.csv:2: more than 64 fields");
    site_book_done(&book);
    site_book_init(&book);
    size_t length = (size_t)snprintf(text, HUGE_BYTES, "site,target\n");
    for (int i = 0; i < ROWS; i++)
        length += (size_t)snprintf(text + length, HUGE_BYTES - length, "s%d,h%d.example\n", i, i);
    site_book_csv(&book, "sites.csv", text, length);
    expect_good(ROWS, ROWS);
    free(text);
}

static void test_csv_many_problems_are_bounded(void **state)
{
    struct buf text;
    (void)state;
    buf_init(&text, 0);
    assert_true(buf_text(&text, "site,target\n"));
    for (int i = 0; i < 1000; i++)
        assert_true(buf_text(&text, "a,..\n"));
    site_book_csv(&book, "sites.csv", (const char *)text.data, text.len);
    assert_int_equal(book.problem_count, 1000);
    assert_int_equal(book.problem_kept, SITE_MAX_PROBLEMS);
    buf_done(&text);
}

static void test_yaml(void **state)
{
    (void)state;
    yaml("sites:\n"
         "  - name: shop\n"
         "    interval: 30s\n"
         "    endpoints:\n"
         "      - {role: edge, target: www.shop.example}\n"
         "      - {role: origin, target: 203.0.113.10}\n"
         "  - name: other\n"
         "    fetch: [issuer, ocsp]\n"
         "    depth: full\n"
         "    endpoints:\n"
         "      - target: other.example\n"
         "        address: 203.0.113.7\n"
         "        sni: www.other.example\n");
    expect_good(2, 3);
    assert_false(book.sites[0]->fetch_given);
    assert_int_equal(book.sites[1]->fetch, FETCH_ISSUER | FETCH_OCSP);
    assert_false(book.sites[0]->depth_given);
    assert_true(book.sites[1]->depth_given && book.sites[1]->depth == DEPTH_FULL);
    site_book_settle(&book);
    assert_string_equal(endpoint_at(0, 1)->host, "www.shop.example");
    assert_string_equal(endpoint_sni(endpoint_at(1, 0)), "www.other.example");
}

static void test_yaml_broken(void **state)
{
    (void)state;
    yaml("sites:\n"
         "  - name: shop\n"
         "    interval: soon\n"
         "    endpoints:\n"
         "      - {target: a.example}\n"
         "      - {target: b.example}\n"
         "  - name: two\n"
         "    endpoints:\n"
         "      - {tarjet: a.example}\n"
         "      - {target: a.example, address: 1.2.3}\n"
         "  - name: three\n"
         "    endpoints: []\n"
         "  - four\n"
         "  - name: five\n"
         "    fetch: [ocsp, {a: b}]\n"
         "    endpoints:\n"
         "      - {target: a.example}\n"
         "      - {target: b.example}\n"
         "  - name: six\n"
         "    depth: halfway\n"
         "    endpoints:\n"
         "      - {target: a.example}\n"
         "      - {target: b.example}\n");
    assert_int_equal(book.problem_count, 7);
    expect_problem(6, "sites.yaml:20: bad depth \"halfway\" (expected full or hello)");
    expect_problem(0, "sites.yaml:3: bad interval \"soon\"");
    expect_problem(1, "sites.yaml:9: unknown key \"tarjet\" in endpoint (did you mean \"target\"?)");
    expect_problem(2, "sites.yaml:10: bad address \"1.2.3\"");
    expect_problem(3, "sites.yaml:12: no endpoints");
    expect_problem(4, "sites.yaml:13: expected site");
    expect_problem(5, "sites.yaml:15: bad fetch \"ocsp ?\"");
}

static void test_sentinels(void **state)
{
    (void)state;
    csv("site,target,sentinel\nwatched,a.example,\nheld,b.example,yes\nheld,c.example,\nnot,d.example,no\n");
    expect_good(3, 4);
    assert_int_equal(book.sites[0]->sentinel, SENTINEL_NOT_GIVEN);
    assert_int_equal(book.sites[1]->sentinel, SENTINEL_YES);
    assert_int_equal(book.sites[2]->sentinel, SENTINEL_NO);
    csv("site,target,sentinel\nheld,e.example,no\nother,f.example,perhaps\n");
    expect_problem(0, "sites.csv:2: bad sentinel \"no\"");
    expect_problem(1, "sites.csv:3: bad sentinel \"perhaps\"");
    yaml("sites:\n  - name: held2\n    sentinel: yes\n    endpoints: [{target: g.example}]\n");
    assert_int_equal(book.problem_count, 2);
    assert_int_equal(book.sites[book.site_count - 1]->sentinel, SENTINEL_YES);
}

static void test_yaml_not_ours(void **state)
{
    (void)state;
    yaml("- a\n");
    assert_int_equal(book.problem_count, 1);
    yaml("");
    assert_int_equal(book.problem_count, 2);
    yaml("sites: {a: [}\n");
    assert_int_equal(book.problem_count, 3);
}

/* A row that is refused when the list of endpoints has just grown must not part the list from its room. */
static void test_refused_row_leaves_its_site_whole(void **state)
{
    (void)state;
    csv("site,target,interval\nshop,a.example,30s\nshop,b.example,\nshop,c.example,\nshop,d.example,\n"
        "shop,e.example,1m\nshop,f.example,\nshop,g.example,\nnext,h.example,1m\n");
    expect_problem(0, "sites.csv:6: ");
    assert_int_equal(book.problem_count, 1);
    assert_int_equal(book.site_count, 2);
    assert_int_equal(book.sites[0]->endpoint_count, 6);
    assert_string_equal(book.sites[0]->name, "shop");
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(strlen(endpoint_at(0, i)->host), strlen("a.example"));
    assert_string_equal(book.sites[1]->name, "next");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_refused_row_leaves_its_site_whole),
        T(test_origin_is_asked_for_the_edge),
        T(test_origin_of_several_edges),
        T(test_origin_without_edge),
        T(test_pinned),
        T(test_refused),
        T(test_site_names),
        T(test_csv),
        T(test_csv_from_a_spreadsheet),
        T(test_csv_bad_address),
        T(test_csv_line_after_a_quoted_newline),
        T(test_csv_broken),
        T(test_csv_nul),
        T(test_csv_huge),
        T(test_csv_many_problems_are_bounded),
        T(test_yaml),
        T(test_yaml_broken),
        T(test_yaml_not_ours),
        T(test_sentinels),
    };
    return cmocka_run_group_tests_name("site", tests, NULL, NULL);
}
