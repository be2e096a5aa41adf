#include "cmocka_all.h"
#include "probe/http.h"

#include <string.h>

struct fixture {
    struct arena arena;
    struct evidence_http http;
    struct http_reader reader;
};

static int setup(void **state)
{
    static struct fixture fixture;
    fixture = (struct fixture){0};
    arena_init(&fixture.arena, 1 << 20);
    http_reader_init(&fixture.reader, &fixture.arena, &fixture.http);
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    http_reader_done(&fixture->reader);
    arena_done(&fixture->arena);
    return 0;
}

static enum http_state feed(struct fixture *fixture, const char *text)
{
    return http_reader_feed(&fixture->reader, text, strlen(text));
}

static const char answer[] =
    "HTTP/1.1 404 Not Found\r\nServer:  nginx \r\nX-Empty:\r\nCF-RAY: 8a-HKG\r\n\r\nbody";

static void check_answer(const struct fixture *fixture)
{
    assert_int_equal(fixture->http.status, 404);
    assert_string_equal(fixture->http.reason, "Not Found");
    assert_int_equal(fixture->http.header_count, 3);
    assert_string_equal(fixture->http.headers[0].name, "server");
    assert_string_equal(fixture->http.headers[0].value, "nginx");
    assert_string_equal(fixture->http.headers[1].value, "");
    assert_string_equal(fixture->http.headers[2].name, "cf-ray");
    assert_string_equal(fixture->http.headers[2].value, "8a-HKG");
    assert_int_equal(fixture->http.body_bytes, 4);
    assert_false(fixture->http.malformed);
}

static void reads_a_whole_answer(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(feed(fixture, answer), HTTP_BODY);
    check_answer(fixture);
}

static void reads_an_answer_byte_by_byte(void **state)
{
    struct fixture *fixture = *state;
    for (size_t i = 0; i + 1 < sizeof answer; i++)
        assert_int_not_equal(http_reader_feed(&fixture->reader, answer + i, 1), HTTP_MALFORMED);
    check_answer(fixture);
}

static void a_reason_may_be_missing_and_lines_may_end_in_lf(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(feed(fixture, "HTTP/1.0 200\nA: b\n\n"), HTTP_BODY);
    assert_int_equal(fixture->http.status, 200);
    assert_string_equal(fixture->http.reason, "");
}

static void passes_over_informational_answers(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(
        feed(fixture, "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nA: b\r\n\r\n"),
        HTTP_BODY);
    assert_int_equal(fixture->http.status, 200);
    assert_int_equal(fixture->http.header_count, 1);
    assert_string_equal(fixture->http.headers[0].name, "a");
}

static void endless_informational_answers_are_malformed(void **state)
{
    struct fixture *fixture = *state;
    for (int i = 0; i < 20; i++)
        (void)feed(fixture, "HTTP/1.1 100 Continue\r\n\r\n");
    assert_true(fixture->http.malformed);
}

static void other_protocols_are_malformed_at_their_first_bytes(void **state)
{
    static const char *const texts[] = {"220 mail ESMTP", "SSH-2.0", "\x15\x03", "HTTP/2 200 OK\r\n",
                                        "http/1.1 200\r\n"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        (void)teardown(state);
        (void)setup(state);
        struct fixture *fixture = *state;
        assert_int_equal(feed(fixture, texts[i]), HTTP_MALFORMED);
        assert_true(fixture->http.malformed);
        assert_int_equal(feed(fixture, "HTTP/1.1 200 OK\r\n\r\n"), HTTP_MALFORMED);
    }
}

static void bad_status_lines_and_headers_are_malformed(void **state)
{
    static const char *const texts[] = {"HTTP/1.1 20x OK\r\n",
                                        "HTTP/1.1 2000 OK\r\n",
                                        "HTTP/1.1 099 x\r\n",
                                        "HTTP/1.1\r\n",
                                        "HTTP/1.1 200 OK\r\nno colon\r\n",
                                        "HTTP/1.1 200 OK\r\n: x\r\n"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        (void)teardown(state);
        (void)setup(state);
        assert_int_equal(feed(*state, texts[i]), HTTP_MALFORMED);
    }
}

static void an_endless_head_ends(void **state)
{
    struct fixture *fixture = *state;
    (void)feed(fixture, "HTTP/1.1 200 OK\r\n");
    enum http_state last = HTTP_HEADERS;
    for (int i = 0; i < 100000 && last == HTTP_HEADERS; i++)
        last = feed(fixture, "X-Filler: aaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n");
    assert_int_equal(last, HTTP_MALFORMED);
    assert_int_equal(fixture->http.header_count, EVIDENCE_MAX_HEADERS);
}

static void a_body_is_enough_at_its_bound(void **state)
{
    struct fixture *fixture = *state;
    char chunk[1024] = {0};
    (void)feed(fixture, "HTTP/1.1 200 OK\r\n\r\n");
    for (int i = 0; i < HTTP_BODY_MAX_BYTES / 1024; i++) {
        assert_false(http_reader_satisfied(&fixture->reader));
        (void)http_reader_feed(&fixture->reader, chunk, sizeof chunk);
    }
    assert_true(http_reader_satisfied(&fixture->reader));
}

static void half_a_status_line_is_malformed_at_the_end(void **state)
{
    struct fixture *fixture = *state;
    (void)feed(fixture, "HTTP/1.1 2");
    http_reader_end(&fixture->reader);
    assert_true(fixture->http.malformed);
}

static void nothing_at_all_is_not_malformed(void **state)
{
    struct fixture *fixture = *state;
    http_reader_end(&fixture->reader);
    assert_false(fixture->http.malformed);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(reads_a_whole_answer),
        TEST(reads_an_answer_byte_by_byte),
        TEST(a_reason_may_be_missing_and_lines_may_end_in_lf),
        TEST(passes_over_informational_answers),
        TEST(endless_informational_answers_are_malformed),
        TEST(other_protocols_are_malformed_at_their_first_bytes),
        TEST(bad_status_lines_and_headers_are_malformed),
        TEST(an_endless_head_ends),
        TEST(a_body_is_enough_at_its_bound),
        TEST(half_a_status_line_is_malformed_at_the_end),
        TEST(nothing_at_all_is_not_malformed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
