#include "cmocka_all.h"
#include "words/cause.h"
#include "words/classify.h"

#include <string.h>

/* What the DNS said, and what it comes to. */

enum { BAD_ANSWER = 10, TIMED_OUT = 12 }; /* ares.h */

struct fixture {
    struct endpoint endpoint;
    struct attempt *attempts[2];
    struct case_file file;
    struct arena arena;
    struct conclusion conclusion;
};

static void begin(struct fixture *fixture)
{
    *fixture = (struct fixture){.endpoint = {.site = "", .host = "www.shop.example", .port = 443, .sni = ""}};
    arena_init(&fixture->arena, 1 << 20);
    fixture->attempts[0] = attempt_new();
    fixture->attempts[1] = attempt_new();
    assert_non_null(fixture->attempts[0]);
    assert_non_null(fixture->attempts[1]);
}

static void end(struct fixture *fixture)
{
    attempt_free(fixture->attempts[0]);
    attempt_free(fixture->attempts[1]);
    arena_done(&fixture->arena);
}

static void add_query(struct attempt *attempt, uint32_t type, enum evidence_ask how, int32_t rcode,
                      const char *address)
{
    struct dns_query *query = &attempt->dns[attempt->dns_count++];
    *query = (struct dns_query){.how = how, .type = type, .resolver = "192.0.2.53:53", .rcode = rcode};
    query->status = rcode < 0 ? TIMED_OUT : 0;
    if (address == NULL)
        return;
    query->answers = arena_array(&attempt->arena, 1, sizeof *query->answers);
    query->answers[0].name = "";
    assert_true(address_parse(address, &query->answers[0].address));
    query->answer_count = 1;
}

static void connects(struct attempt *attempt, const char *address, bool refused, int64_t resolved_us)
{
    assert_true(address_parse(address, &attempt->flow.destination));
    attempt->clock.resolved_us = attempt->clock.connect_us = resolved_us;
    attempt->clock.closed_us = resolved_us + 20000;
    if (refused) {
        attempt->flow.error = 111;
        attempt->flow.error_call = CALL_CONNECT;
        return;
    }
    attempt->clock.connected_us = attempt->clock.handshake_us = attempt->clock.request_us = resolved_us + 1;
    attempt->tls.version = 0x0304;
    attempt->http.status = 200;
    attempt->end.how = ENDING_BY_US;
}

static const char *concluded(struct fixture *fixture, size_t count)
{
    fixture->file = (struct case_file){.endpoint = &fixture->endpoint, .count = count};
    for (size_t i = 0; i < count; i++) {
        fixture->file.attempts[i] = fixture->attempts[i];
        fixture->file.outcomes[i] = classify(fixture->attempts[i]);
    }
    assert_true(conclude(&fixture->file, &fixture->arena, &fixture->conclusion));
    return cause_row(fixture->conclusion.cause)->id;
}

static const char *fact(const struct fixture *fixture, const char *key)
{
    for (size_t i = 0; i < fixture->conclusion.fact_count; i++)
        if (strcmp(fixture->conclusion.facts[i].key, key) == 0)
            return fixture->conclusion.facts[i].value;
    return "";
}

static void an_error_and_what_asking_again_shows(void **state)
{
    (void)state;
    static const struct {
        int32_t rcode;
        enum evidence_ask again; /* PLAIN: not asked again */
        int32_t again_rcode;
        const char *cause;
        enum certainty certainty;
        size_t ruled_out;
    } samples[] = {
        {3, ASK_PLAIN, 0, "dns.nxdomain", CERTAINTY_CONSISTENT, 0},
        {5, ASK_PLAIN, 0, "dns.refused", CERTAINTY_CONSISTENT, 0},
        {0, ASK_PLAIN, 0, "dns.no_address", CERTAINTY_CONSISTENT, 0},
        {1, ASK_PLAIN, 0, "unclassified", CERTAINTY_CONSISTENT, 0},
        {2, ASK_PLAIN, 0, "dns.servfail", CERTAINTY_CONSISTENT, 0},
        {2, ASK_NO_CHECK, 0, "dns.dnssec", CERTAINTY_CONFIRMED, 0},
        {2, ASK_NO_CHECK, 2, "dns.servfail", CERTAINTY_CONSISTENT, 1},
        {2, ASK_NO_CHECK, -1, "dns.servfail", CERTAINTY_CONSISTENT, 0},
        {-1, ASK_PLAIN, 0, "dns.timeout", CERTAINTY_CONSISTENT, 0},
        {-1, ASK_TCP, 0, "dns.udp_lost", CERTAINTY_CONFIRMED, 0},
        {-1, ASK_TCP, 3, "dns.udp_lost", CERTAINTY_CONFIRMED, 0},
        {-1, ASK_TCP, -1, "dns.timeout", CERTAINTY_CONSISTENT, 1},
    };
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        struct fixture fixture;
        begin(&fixture);
        add_query(fixture.attempts[0], 1, ASK_PLAIN, samples[i].rcode, NULL);
        if (samples[i].again != ASK_PLAIN) /* its answer is evidence, and never an address to go to */
            add_query(fixture.attempts[0], 1, samples[i].again, samples[i].again_rcode,
                      samples[i].again_rcode == 0 ? "192.0.2.1" : NULL);
        assert_string_equal(concluded(&fixture, 1), samples[i].cause);
        assert_int_equal(fixture.conclusion.certainty, samples[i].certainty);
        assert_int_equal(fixture.conclusion.ruled_count, samples[i].ruled_out);
        assert_string_equal(fact(&fixture, "resolver"), "192.0.2.53:53");
        end(&fixture);
    }
}

static void an_answer_that_does_not_parse_is_malformed(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture);
    add_query(fixture.attempts[0], 1, ASK_PLAIN, 0, NULL);
    fixture.attempts[0]->dns[0].status = BAD_ANSWER;
    assert_string_equal(concluded(&fixture, 1), "dns.malformed");
    end(&fixture);
}

static void addresses_that_belong_to_nobody(void **state)
{
    (void)state;
    static const struct {
        const char *address, *cause;
        bool hosts;
    } samples[] = {
        {"0.0.0.0", "dns.null_address", false},   {"::", "dns.null_address", false},
        {"240.0.0.1", "dns.null_address", false}, {"224.0.0.1", "dns.null_address", false},
        {"ff02::1", "dns.null_address", false},   {"203.0.113.7", "tcp.refused", false},
        {"0.0.0.0", "tcp.refused", true},
    };
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        struct fixture fixture;
        begin(&fixture);
        add_query(fixture.attempts[0], 1, ASK_PLAIN, 0, samples[i].address);
        fixture.attempts[0]->dns[0].from_hosts_file = samples[i].hosts;
        connects(fixture.attempts[0], samples[i].address, true, 1000);
        assert_string_equal(concluded(&fixture, 1), samples[i].cause);
        end(&fixture);
    }
}

static void two_answers_that_contradict(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture);
    add_query(fixture.attempts[0], 1, ASK_PLAIN, 0, "192.0.2.9");
    add_query(fixture.attempts[0], 1, ASK_LATE, 0, "203.0.113.7");
    connects(fixture.attempts[0], "192.0.2.9", true, 1000);
    assert_string_equal(concluded(&fixture, 1), "dns.two_answers");
    assert_int_equal(fixture.conclusion.certainty, CERTAINTY_CONSISTENT);
    assert_string_equal(fact(&fixture, "answer"), "192.0.2.9");
    assert_string_equal(fact(&fixture, "other_answer"), "203.0.113.7");

    /* the ladder has shown that the other address is the site's */
    fixture.attempts[1]->variant = VARIANT_OTHER_ADDRESS;
    connects(fixture.attempts[1], "203.0.113.7", false, 1000);
    assert_string_equal(concluded(&fixture, 2), "dns.two_answers");
    assert_int_equal(fixture.conclusion.certainty, CERTAINTY_CONFIRMED);
    end(&fixture);

    begin(&fixture); /* what works is only worth a word */
    add_query(fixture.attempts[0], 1, ASK_PLAIN, 0, "203.0.113.7");
    add_query(fixture.attempts[0], 1, ASK_LATE, 0, "192.0.2.9");
    connects(fixture.attempts[0], "203.0.113.7", false, 1000);
    assert_string_equal(concluded(&fixture, 1), "none");
    assert_int_equal(fixture.conclusion.also[0], CAUSE_DNS_TWO_ANSWERS);
    end(&fixture);
}

static void a_slow_name_is_told_when_nothing_else_is_wrong(void **state)
{
    (void)state;
    static const struct {
        int64_t resolved_us;
        bool refused;
        const char *cause;
    } samples[] = {
        {20000, false, "none"},
        {999999, false, "none"},
        {1300000, false, "dns.slow"},
        {1300000, true, "tcp.refused"},
    };
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        struct fixture fixture;
        begin(&fixture);
        add_query(fixture.attempts[0], 1, ASK_PLAIN, 0, "203.0.113.7");
        connects(fixture.attempts[0], "203.0.113.7", samples[i].refused, samples[i].resolved_us);
        assert_string_equal(concluded(&fixture, 1), samples[i].cause);
        end(&fixture);
    }
    struct fixture fixture;
    begin(&fixture); /* all of it is slow: not the name's fault */
    add_query(fixture.attempts[0], 1, ASK_PLAIN, 0, "203.0.113.7");
    connects(fixture.attempts[0], "203.0.113.7", false, 1300000);
    fixture.attempts[0]->clock.closed_us = 9000000;
    assert_string_equal(concluded(&fixture, 1), "none");
    end(&fixture);
}

static void aliases_that_lead_nowhere(void **state)
{
    (void)state;
    static const struct {
        const char *aliases[2];
        int32_t rcode;
        const char *cause;
    } samples[] = {
        {{"edge.cdn.example", "gone.cdn.example"}, 3, "dns.dangling_alias"},
        {{"edge.cdn.example", "bare.cdn.example"}, 0, "dns.dangling_alias"},
        {{"edge.cdn.example", "WWW.shop.example"}, 0, "dns.alias_loop"},
        {{"edge.cdn.example", "edge.cdn.example"}, 0, "dns.alias_loop"},
    };
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        struct fixture fixture;
        begin(&fixture);
        add_query(fixture.attempts[0], 1, ASK_PLAIN, samples[i].rcode, NULL);
        struct dns_query *query = &fixture.attempts[0]->dns[0];
        query->answers = arena_array(&fixture.attempts[0]->arena, 2, sizeof *query->answers);
        assert_non_null(query->answers);
        query->answer_count = 2;
        query->answers[0] = (struct dns_answer){.name = samples[i].aliases[0]};
        query->answers[1] = (struct dns_answer){.name = samples[i].aliases[1]};
        assert_string_equal(concluded(&fixture, 1), samples[i].cause);
        end(&fixture);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_error_and_what_asking_again_shows),
        cmocka_unit_test(an_answer_that_does_not_parse_is_malformed),
        cmocka_unit_test(addresses_that_belong_to_nobody),
        cmocka_unit_test(two_answers_that_contradict),
        cmocka_unit_test(aliases_that_lead_nowhere),
        cmocka_unit_test(a_slow_name_is_told_when_nothing_else_is_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
