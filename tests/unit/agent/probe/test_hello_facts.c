#include "cmocka_all.h"
#include "probe/hello_facts.h"
#include "words/classify.h"

#include <string.h>

/* The ServerHello of a record: header, random, empty session id, cipher, extensions. */
#define RANDOM8 1, 2, 3, 4, 5, 6, 7, 8
#define HELLO(version, cipher_high, cipher_low, ...)                                                         \
    22, 3, 3, 0, 4 + 38 + sizeof((uint8_t[]){__VA_ARGS__}), 2, 0, 0, 38 + sizeof((uint8_t[]){__VA_ARGS__}),  \
        3, version, RANDOM8, RANDOM8, RANDOM8, RANDOM8, 0, cipher_high, cipher_low, 0, __VA_ARGS__

struct expected {
    const char *name;
    bool over;
    enum evidence_ending how;
    enum outcome_class class;
    size_t length;
    uint8_t bytes[160];
};

static const struct expected table[] = {
    {"TLS 1.3",
     true,
     ENDING_BY_US,
     OUTCOME_OK,
     64,
     {HELLO(3, 0x13, 2, 0, 15, 0, 43, 0, 2, 3, 4, 0, 51, 0, 5, 0, 29, 0, 1, 9)}},
    {"TLS 1.2", true, ENDING_BY_US, OUTCOME_OK, 49, {HELLO(3, 0xc0, 0x2f, 0, 0)}},
    {"a version that was not offered",
     true,
     ENDING_ERROR,
     OUTCOME_TLS_OLD_VERSION,
     49,
     {HELLO(1, 0xc0, 0x13, 0, 0)}},
    {"a cipher that was not offered",
     true,
     ENDING_ERROR,
     OUTCOME_TLS_UNCLASSIFIED,
     49,
     {HELLO(3, 0, 1, 0, 0)}},
    {"a fatal alert", true, ENDING_ALERT, OUTCOME_TLS_ALERT, 7, {21, 3, 3, 0, 2, 2, 40}},
    {"close_notify", true, ENDING_CLOSE_NOTIFY, OUTCOME_TLS_CLOSED, 7, {21, 3, 3, 0, 2, 1, 0}},
    {"a warning", false, ENDING_TIMEOUT, OUTCOME_TLS_STALLED, 7, {21, 3, 3, 0, 2, 1, 112}},
    {"half a ServerHello", false, ENDING_TIMEOUT, OUTCOME_TLS_STALLED, 20, {HELLO(3, 0x13, 2, 0, 0)}},
    {"half a ServerHello and a reset", false, ENDING_RESET, OUTCOME_TLS_RESET, 20, {HELLO(3, 0x13, 2, 0, 0)}},
    {"HTTP", true, ENDING_ERROR, OUTCOME_TLS_NOT_TLS, 9, "HTTP/1.1 "},
    {"TLCP", true, ENDING_ERROR, OUTCOME_TLS_UNCLASSIFIED, 10, {22, 1, 1, 0, 74, 2, 0, 0, 70, 1}},
};

static void answers_mean_what_they_mean_to_libssl(void **state)
{
    (void)state;
    const struct hello_profile *profile = hello_profile_find(HELLO_PROFILE_NORMAL);
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        const struct expected *row = &table[i];
        struct attempt *attempt = attempt_new();
        struct hello_answer answer;
        uint8_t joined[sizeof row->bytes];
        assert_non_null(attempt);
        attempt->flow.destination.length = 4;
        attempt->clock.connect_us = attempt->clock.connected_us = attempt->clock.hello_sent_us = 1;
        attempt->clock.first_byte_us = 2;
        attempt->end.first_byte_count = row->length < 64 ? row->length : 64;
        memcpy(attempt->end.first_bytes, row->bytes, attempt->end.first_byte_count);
        hello_answer_read(row->bytes, row->length, joined, &answer);
        enum evidence_ending how = hello_facts(attempt, profile, &answer, 321, 2);
        attempt->end.how = how == ENDING_NONE ? row->how : how;
        if (hello_answer_is_over(&answer) != row->over || attempt->end.how != row->how ||
            classify(attempt).class != row->class)
            fail_msg("%s: %s, %s, %s", row->name, hello_answer_name(answer.kind),
                     evidence_ending_name((int)how), outcome_class_id(classify(attempt).class));
        assert_int_equal(attempt->tls.hello_length, 321);
        assert_int_equal(attempt->tls.records[0].type, 1);
        attempt_free(attempt);
    }
}

static void an_answer_is_evidence(void **state)
{
    (void)state;
    struct attempt *attempt = attempt_new();
    struct hello_answer answer;
    uint8_t joined[64];
    const struct expected *row = &table[0];
    assert_non_null(attempt);
    attempt->end.first_byte_count = row->length;
    memcpy(attempt->end.first_bytes, row->bytes, row->length);
    hello_answer_read(row->bytes, row->length, joined, &answer);
    (void)hello_facts(attempt, hello_profile_find(HELLO_PROFILE_NORMAL), &answer, 321, 7);
    assert_int_equal(attempt->tls.version, 0x0304);
    assert_int_equal(attempt->tls.cipher, 0x1302);
    assert_int_equal(attempt->tls.group, 29);
    assert_int_equal(attempt->tls.record_count, 2);
    assert_int_equal(attempt->tls.records[1].type, 2);
    assert_int_equal(attempt->tls.records[1].length, row->length - 5);
    assert_int_equal(attempt->tls.records[1].at_us, 7);
    assert_true(attempt->tls.records[1].received);
    attempt_free(attempt);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_mean_what_they_mean_to_libssl),
        cmocka_unit_test(an_answer_is_evidence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
