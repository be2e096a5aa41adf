#include "cmocka_all.h"
#include "words/cdn.h"

#include <string.h>

/* What each CDN of the table is known by, and where its point of presence is read. */

struct sample {
    const char *cdn;
    const char *name;
    const char *value;
    const char *pop;
};

static struct attempt *with_header(const char *name, const char *value)
{
    struct attempt *attempt = attempt_new();
    assert_non_null(attempt);
    attempt->http.headers = arena_array(&attempt->arena, EVIDENCE_MAX_HEADERS, sizeof *attempt->http.headers);
    assert_non_null(attempt->http.headers);
    attempt->http.headers[0] = (struct http_header){name, value};
    attempt->http.header_count = 1;
    return attempt;
}

static void add_header(struct attempt *attempt, const char *name, const char *value)
{
    attempt->http.headers[attempt->http.header_count++] = (struct http_header){name, value};
}

static struct attempt *with_cname(const char *target)
{
    struct attempt *attempt = attempt_new();
    assert_non_null(attempt);
    struct dns_answer *answers = arena_array(&attempt->arena, 1, sizeof *answers);
    answers[0] = (struct dns_answer){.name = target};
    attempt->dns[0] = (struct dns_query){.type = 1, .resolver = "", .answer_count = 1, .answers = answers};
    attempt->dns_count = 1;
    return attempt;
}

static void each_header_names_its_cdn(void **state)
{
    (void)state;
    static const struct sample samples[] = {
        {"Cloudflare", "cf-ray", "8f1a2b3c4d5e6f70-HKG", "HKG"},
        {"Cloudflare", "server", "cloudflare", ""},
        {"Cloudflare", "cf-cache-status", "HIT", ""},
        {"Akamai", "akamai-grn", "0.4ce01702.1700000000.1a2b3c", ""},
        {"Akamai", "server-timing", "cdn-cache; desc=HIT, ak_p; desc=\"1_2_3\"", ""},
        {"Fastly", "x-served-by", "cache-fra-eddf8230020-FRA, cache-hkg17935-HKG", "HKG"},
        {"Fastly", "x-served-by", "cache-nrt-rjtf7700044-NRT", "NRT"},
        {"Fastly", "x-timer", "S1700000000.123456,VS0,VE1", ""},
        {"CloudFront", "x-amz-cf-pop", "HKG62-C1", "HKG62-C1"},
        {"CloudFront", "x-amz-cf-id", "AbCdEf==", ""},
        {"Alibaba", "eagleid", "2ff6339e17000000001234567e", ""},
        {"Alibaba", "x-swift-savetime", "Fri, 20 Nov 2026 10:00:00 GMT", ""},
        {"Alibaba", "ali-swift-global-savetime", "1700000000", ""},
        {"Tencent", "x-nws-log-uuid", "1234567890", ""},
        {"Tencent", "x-cache-lookup", "Cache Hit", ""},
        {"Tencent", "x-cache-lookup", "Hit From MemCache", ""},
        {"Tencent", "x-daa-tunnel", "hop_count=1", ""},
        {"EdgeOne", "eo-log-uuid", "1234567890", ""},
        {"EdgeOne", "eo-cache-status", "HIT", ""},
        {"Huawei", "x-ccdn-cachettl", "3600", ""},
        {"Huawei", "x-hcs-proxy-type", "1", ""},
        {"Baidu", "ohc-cache-hit", "bj2un101 [4], czix101 [2]", "bj2un101"},
        {"Baidu", "ohc-response-time", "1 0 0 0 0 0", ""},
        {"Wangsu", "x-via",
         "1.1 PSfjfzdx2na95:3 (Cdn Cache Server V2.0), 1.1 PShbtsyd1ui143:1 (Cdn Cache Server V2.0)",
         "PShbtsyd1ui143"},
        {"Wangsu", "x-ws-request-id", "64a1b2c3_PShk_12345-67890", ""},
        {"Gcore", "x-id", "hk2-hw-edge-gc11", "hk2"},
        {"Gcore", "x-id-fe", "hk2-hw-edge-gc11", ""},
        {"Bunny", "server", "BunnyCDN-HK1-1047", "HK1"},
        {"Bunny", "cdn-requestid", "0123456789abcdef", ""},
        {"CDN77", "server", "CDN77-Turbo", ""},
        {"CDN77", "x-77-pop", "hongkongHK", "hongkongHK"},
    };
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        struct attempt *attempt = with_header(samples[i].name, samples[i].value);
        struct cdn_match match;
        assert_true(cdn_identify(attempt, 0, &match));
        assert_string_equal(match.name, samples[i].cdn);
        assert_string_equal(match.pop, samples[i].pop);
        assert_int_equal(match.score, 3);
        assert_int_equal(match.clue_count, 1);
        assert_int_equal(match.clues[0].kind, CDN_CLUE_HEADER);
        assert_non_null(strstr(match.clues[0].text, samples[i].value));
        attempt_free(attempt);
    }
}

static void a_header_of_a_known_cdn_gives_the_node(void **state)
{
    (void)state;
    static const struct sample samples[] = {
        {"Alibaba", "eagleid", "kunlun9.cn4568[0,0,200-0,H], kunlun3.cn4569[2,0]", "kunlun3.cn4569"},
        {"Huawei", "x-ccdn-cachettl", "CHN-JSsuqian-AREACUCC1-CACHE43[3],CHN-TJ-GLOBAL1-CACHE98[9]",
         "CHN-JSsuqian-AREACUCC1-CACHE43"},
    };
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        struct attempt *attempt = with_header(samples[i].name, "1");
        add_header(attempt, "via", samples[i].value);
        struct cdn_match match;
        assert_true(cdn_identify(attempt, 0, &match));
        assert_string_equal(match.name, samples[i].cdn);
        assert_string_equal(match.pop, samples[i].pop);
        attempt_free(attempt);
    }
    struct attempt *attempt = with_header("eagleid", "1"); /* the list in several lines */
    add_header(attempt, "via", "cache1.l2hk1[0]");
    add_header(attempt, "via", "cache8.hk9[1]");
    struct cdn_match match;
    assert_true(cdn_identify(attempt, 0, &match));
    assert_string_equal(match.pop, "cache8.hk9");
    attempt_free(attempt);
}

static void each_cname_names_its_cdn(void **state)
{
    (void)state;
    static const struct sample samples[] = {
        {"Cloudflare", "www.shop.example.cdn.cloudflare.net", "", ""},
        {"Akamai", "shop.example.edgekey.net", "", ""},
        {"Akamai", "e1.b.akamaiedge.net.", "", ""},
        {"Fastly", "shop.map.fastly.net", "", ""},
        {"CloudFront", "d111111abcdef8.cloudfront.net", "", ""},
        {"Alibaba", "www.shop.example.w.kunlunsl.com", "", ""},
        {"Tencent", "shop.example.cdn.dnsv1.com", "", ""},
        {"EdgeOne", "shop.example.eo.dnse2.com", "", ""},
        {"Huawei", "www.shop.example.c.cdnhwc1.com", "", ""},
        {"Baidu", "shop.a.bdydns.com", "", ""},
        {"Wangsu", "SHOP.WSCDNS.COM", "", ""},
        {"Gcore", "cl-1234.gcdn.co", "", ""},
        {"Bunny", "shop.b-cdn.net", "", ""},
        {"CDN77", "1234.rsc.cdn77.org", "", ""},
    };
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        struct attempt *attempt = with_cname(samples[i].name);
        struct cdn_match match;
        assert_true(cdn_identify(attempt, 0, &match));
        assert_string_equal(match.name, samples[i].cdn);
        assert_int_equal(match.clues[0].kind, CDN_CLUE_CNAME);
        attempt_free(attempt);
    }
}

static void a_plain_server_is_no_cdn(void **state)
{
    (void)state;
    static const struct sample samples[] = {
        {"", "server", "nginx", ""},
        {"", "server", "cloudflare-like", ""},
        {"", "via", "1.1 squid (squid/5.7)", ""},
        {"", "x-cache-lookup", "MISS from proxy:3128", ""}, /* squid's */
        {"", "x-served-by", "app-3", ""},
        {"", "x-id", "12345", ""},
    };
    static const char *const names[] = {"www.shop.example", "mycloudfront.net", "cloudfront.net.shop.example",
                                        "kunlun.a.com", ""};
    struct cdn_match match;
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        struct attempt *attempt = with_header(samples[i].name, samples[i].value);
        assert_false(cdn_identify(attempt, 0, &match));
        attempt_free(attempt);
    }
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct attempt *attempt = with_cname(names[i]);
        assert_false(cdn_identify(attempt, 0, &match));
        attempt_free(attempt);
    }
}

static void a_network_alone_is_not_enough(void **state)
{
    (void)state;
    struct cdn_match match;
    struct attempt *attempt = with_header("server", "nginx");
    assert_false(cdn_identify(attempt, 13335, &match));
    attempt_free(attempt);
    attempt = with_header("server", "cloudflare");
    add_header(attempt, "cf-ray", "8f1a-NRT");
    assert_true(cdn_identify(attempt, 13335, &match));
    assert_int_equal(match.score, 5); /* a kind counts once */
    assert_int_equal(match.clue_count, 3);
    attempt_free(attempt);
}

static void networks_and_headers_tell_one_owners_two_cdns_apart(void **state)
{
    (void)state;
    struct cdn_match match;
    struct attempt *attempt = with_header("eo-log-uuid", "1");
    assert_true(cdn_identify(attempt, 45090, &match));
    assert_string_equal(match.name, "EdgeOne");
    assert_int_equal(match.score, 5);
    attempt_free(attempt);
}

static void hostile_values_stay_bounded(void **state)
{
    (void)state;
    static char longest[EVIDENCE_TEXT_MAX + 1], stars[EVIDENCE_TEXT_MAX + 1];
    memset(longest, 'a', sizeof longest - 1);
    memset(stars, '-', sizeof stars - 1);
    const char *const values[] = {longest, stars, "", "-", ",", ", ,", "8f-\033[31m", "8f-H\"K'G", "x-<b>"};
    struct cdn_match match;
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        static const char *const names[] = {"cf-ray", "x-amz-cf-pop", "ohc-cache-hit", "x-77-pop",
                                            "x-ws-request-id"};
        for (size_t j = 0; j < sizeof names / sizeof names[0]; j++) {
            struct attempt *attempt = with_header(names[j], values[i]);
            add_header(attempt, "x-via", values[i]);
            assert_true(cdn_identify(attempt, 0, &match));
            assert_true(strcmp(match.pop, "") == 0 || strcmp(match.pop, "-") == 0);
            assert_true(strlen(match.clues[0].text) < CDN_TEXT_BYTES);
            attempt_free(attempt);
        }
    }
    struct attempt *attempt = with_header("cf-ray", "1-HKG");
    for (size_t i = 1; i < EVIDENCE_MAX_HEADERS; i++)
        add_header(attempt, "server-timing", "ak_p ak_p ak_p ak_p ak_p");
    assert_true(cdn_identify(attempt, 0, &match));
    assert_true(match.clue_count <= CDN_MAX_CLUES);
    attempt_free(attempt);
}

static void a_file_of_the_operator_extends_it(void **state)
{
    (void)state;
    static const char good[] = "# ours\n"
                               "cdn Ours  \n"
                               "header x-ours = node *\r\n"
                               "pop x-ours after space until .\n"
                               "cdn Cloudflare\n"
                               "cname ours.example\n";
    unsigned line = 0;
    const char *why = NULL;
    struct cdn_match match;
    assert_true(cdn_extend(good, sizeof good - 1, &line, &why));
    struct attempt *attempt = with_header("x-ours", "node hk7.ours");
    assert_true(cdn_identify(attempt, 0, &match));
    assert_string_equal(match.name, "Ours");
    assert_string_equal(match.pop, "hk7");
    attempt_free(attempt);
    attempt = with_cname("a.ours.example");
    assert_true(cdn_identify(attempt, 0, &match));
    assert_string_equal(match.name, "Cloudflare");
    attempt_free(attempt);
}

static void a_wrong_line_is_named_and_nothing_added(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        unsigned line;
    } samples[] = {
        {"header x-wrong\n", 1},
        {"cdn A\nheader x-wrong\nasn 12x\n", 3},
        {"cdn A\nheader x-wrong\nasn\n", 3},
        {"cdn A\nheader x-wrong\nasn 0 1\n", 3},
        {"cdn\n", 1},
        {"cdn A\nheader x-wrong\nheader\n", 3},
        {"cdn A\nheader x-wrong\nheader y : z\n", 3},
        {"cdn A\nheader x-wrong\npop x-wrong before -\n", 3},
        {"cdn A\nheader x-wrong\npop x-wrong after\n", 3},
        {"cdn A\nheader x-wrong\n\n\nnonsense\n", 5},
    };
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        unsigned line = 0;
        const char *why = NULL;
        assert_false(cdn_extend(samples[i].text, strlen(samples[i].text), &line, &why));
        assert_int_equal(line, samples[i].line);
        assert_non_null(why);
    }
    struct cdn_match match;
    struct attempt *attempt = with_header("x-wrong", "1");
    assert_false(cdn_identify(attempt, 0, &match));
    attempt_free(attempt);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_header_names_its_cdn),
        cmocka_unit_test(a_header_of_a_known_cdn_gives_the_node),
        cmocka_unit_test(each_cname_names_its_cdn),
        cmocka_unit_test(a_plain_server_is_no_cdn),
        cmocka_unit_test(a_network_alone_is_not_enough),
        cmocka_unit_test(networks_and_headers_tell_one_owners_two_cdns_apart),
        cmocka_unit_test(hostile_values_stay_bounded),
        cmocka_unit_test(a_file_of_the_operator_extends_it),
        cmocka_unit_test(a_wrong_line_is_named_and_nothing_added),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
