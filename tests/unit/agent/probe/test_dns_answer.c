#include "agent/probe/dns_message.h"
#include "cmocka_all.h"
#include "probe/dns_answer.h"

#include <stdlib.h>

static struct arena arena;

static int setup(void **state)
{
    (void)state;
    arena_init(&arena, 1 << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

/* From a heap copy of the exact size, so that a read past the end is seen. */
static bool read_message(const struct dns_message *message, size_t length, struct dns_query *query)
{
    uint8_t *copy = malloc(length > 0 ? length : 1);
    assert_non_null(copy);
    memcpy(copy, message->bytes, length);
    bool good = dns_answer_read(copy, length, &arena, query);
    free(copy);
    return good;
}

static void full_answer(struct dns_message *message)
{
    dns_begin(message, 1, 0, 3, DNS_TYPE_A);
    dns_record(message, DNS_TYPE_CNAME, 300, "\1b\3cdn\4test", 12);
    dns_record(message, DNS_TYPE_A, 60, "\xcb\x00\x71\x07", 4);
    dns_record(message, DNS_TYPE_A, 61, "\xcb\x00\x71\x08", 4);
}

static void keeps_chain_addresses_and_ttls(void **state)
{
    (void)state;
    struct dns_message message;
    struct dns_query query = {.type = DNS_TYPE_A, .rcode = -1};
    char text[ADDRESS_TEXT_BYTES];
    full_answer(&message);
    assert_true(read_message(&message, message.length, &query));
    assert_int_equal(query.rcode, 0);
    assert_int_equal(query.answer_count, 3);
    assert_string_equal(query.answers[0].name, "b.cdn.test");
    assert_int_equal(query.answers[0].address.length, 0);
    assert_int_equal(query.answers[0].ttl_s, 300);
    assert_string_equal(address_text(&query.answers[2].address, text), "203.0.113.8");
    assert_int_equal(query.answers[2].ttl_s, 61);
}

static void keeps_the_raw_rcode(void **state)
{
    (void)state;
    struct dns_message message;
    struct dns_query query = {.type = DNS_TYPE_A, .rcode = -1};
    dns_begin(&message, 1, 9, 0, DNS_TYPE_A);
    assert_true(read_message(&message, message.length, &query));
    assert_int_equal(query.rcode, 9);
    assert_int_equal(query.answer_count, 0);
}

static void ignores_records_of_the_other_family(void **state)
{
    (void)state;
    struct dns_message message;
    struct dns_query query = {.type = DNS_TYPE_AAAA, .rcode = -1};
    full_answer(&message);
    assert_true(read_message(&message, message.length, &query));
    assert_int_equal(query.answer_count, 1);
}

static void counts_what_is_beyond_the_bound(void **state)
{
    (void)state;
    struct dns_message message;
    struct dns_query query = {.type = DNS_TYPE_A, .rcode = -1};
    dns_begin(&message, 1, 0, EVIDENCE_MAX_ANSWERS + 5, DNS_TYPE_A);
    for (int i = 0; i < EVIDENCE_MAX_ANSWERS + 5; i++)
        dns_record(&message, DNS_TYPE_A, 1, "\x7f\x00\x00\x01", 4);
    assert_true(read_message(&message, message.length, &query));
    assert_int_equal(query.answer_count, EVIDENCE_MAX_ANSWERS);
    assert_int_equal(query.extra_answers, 5);
}

static void every_cut_is_malformed_and_read_within_its_bounds(void **state)
{
    (void)state;
    struct dns_message message;
    full_answer(&message);
    for (size_t length = 0; length < message.length; length++) {
        struct dns_query query = {.type = DNS_TYPE_A, .rcode = -1};
        assert_false(read_message(&message, length, &query));
    }
}

static void wrong_lengths_and_looping_names_are_malformed(void **state)
{
    (void)state;
    struct dns_message message;
    struct dns_query query = {.type = DNS_TYPE_A, .rcode = -1};
    dns_begin(&message, 1, 0, 1, DNS_TYPE_A);
    dns_record(&message, DNS_TYPE_A, 1, "\x7f\x00\x00", 3);
    assert_false(read_message(&message, message.length, &query));
    dns_begin(&message, 1, 0, 1, DNS_TYPE_A);
    unsigned at = (unsigned)message.length + 12;
    uint8_t loop[2] = {(uint8_t)(0xc0 | (at >> 8)), (uint8_t)at};
    dns_record(&message, DNS_TYPE_CNAME, 1, loop, sizeof loop);
    query = (struct dns_query){.type = DNS_TYPE_A, .rcode = -1};
    assert_false(read_message(&message, message.length, &query));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(keeps_chain_addresses_and_ttls),
        TEST(keeps_the_raw_rcode),
        TEST(ignores_records_of_the_other_family),
        TEST(counts_what_is_beyond_the_bound),
        TEST(every_cut_is_malformed_and_read_within_its_bounds),
        TEST(wrong_lengths_and_looping_names_are_malformed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
