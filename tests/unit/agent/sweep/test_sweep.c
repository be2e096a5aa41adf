#include "cmocka_all.h"
#include "sweep/sweep.h"
#include "words/classify.h"

#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A sweep and the server it meets, on one loop. The server's answer goes out a few bytes at a time, each after the one before. */

enum { ANSWER_MAX = 64 * 1024, ATTEMPTS_MAX = 64 };

struct peer {
    uv_tcp_t tcp;
    uv_write_t write;
    size_t sent;
};

static uv_loop_t loop;
static uv_tcp_t listener;
static uv_timer_t watch;
static uint16_t port;
static uint8_t answer[ANSWER_MAX];
static size_t answer_length, piece;
static unsigned accepted;
static struct sweep *sweep;
static struct sweep_options options;
static unsigned attempts, answered, stop_at_waiting;
static char outcomes[ATTEMPTS_MAX][32], hosts[ATTEMPTS_MAX][64];
static uint64_t received_most;
static size_t chain_lengths[ATTEMPTS_MAX];
static uint8_t last_of_chain[32]; /* of the last attempt that has one */
static struct policy policy;

static void on_peer_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void peer_close(struct peer *peer)
{
    if (!uv_is_closing((uv_handle_t *)&peer->tcp))
        uv_close((uv_handle_t *)&peer->tcp, on_peer_closed);
}

static void send_piece(uv_write_t *write, int status)
{
    struct peer *peer = write->data;
    size_t length = answer_length - peer->sent < piece ? answer_length - peer->sent : piece;
    uv_buf_t buf = uv_buf_init((char *)answer + peer->sent, (unsigned)length);
    if (status != 0 || length == 0)
        return;
    peer->sent += length;
    (void)uv_write(&peer->write, (uv_stream_t *)&peer->tcp, &buf, 1, send_piece);
}

static void on_room(uv_handle_t *handle, size_t size, uv_buf_t *buf)
{
    static char bytes[4096];
    (void)handle;
    (void)size;
    *buf = uv_buf_init(bytes, sizeof bytes);
}

static void on_read(uv_stream_t *stream, ssize_t got, const uv_buf_t *buf)
{
    struct peer *peer = stream->data;
    (void)buf;
    if (got < 0)
        peer_close(peer);
    else if (got > 0 && peer->sent == 0)
        send_piece(&peer->write, 0);
}

static void on_connection(uv_stream_t *stream, int status)
{
    struct peer *peer = calloc(1, sizeof *peer);
    assert_int_equal(status, 0);
    assert_non_null(peer);
    accepted++;
    assert_int_equal(uv_tcp_init(&loop, &peer->tcp), 0);
    peer->tcp.data = peer->write.data = peer;
    assert_int_equal(uv_accept(stream, (uv_stream_t *)&peer->tcp), 0);
    assert_int_equal(uv_tcp_nodelay(&peer->tcp, 1), 0);
    assert_int_equal(uv_read_start((uv_stream_t *)&peer->tcp, on_room, on_read), 0);
}

static void on_attempt(const struct endpoint *endpoint, const struct attempt *attempt, void *arg)
{
    (void)arg;
    assert_true(attempts < ATTEMPTS_MAX);
    (void)snprintf(hosts[attempts], sizeof hosts[0], "%s", endpoint->host);
    (void)snprintf(outcomes[attempts++], sizeof outcomes[0], "%s", outcome_class_id(classify(attempt).class));
    answered += outcome_is_ok(classify(attempt));
    chain_lengths[attempts - 1] = attempt->tls.chain_count;
    if (attempt->tls.chain_count > 0)
        memcpy(last_of_chain, attempt->tls.chain[attempt->tls.chain_count - 1].sha256, sizeof last_of_chain);
    if (attempt->end.received_bytes > received_most)
        received_most = attempt->end.received_bytes;
}

static void close_one(uv_handle_t *handle, void *arg)
{
    (void)arg;
    if (uv_is_closing(handle))
        return;
    bool of_peer = handle->type == UV_TCP && handle != (uv_handle_t *)&listener;
    uv_close(handle, of_peer ? on_peer_closed : NULL);
}

static void on_closed(void *arg)
{
    (void)arg;
    uv_walk(&loop, close_one, NULL);
}

/* Stops the sweep once so many wait for the turn of their address and nothing else is under way. */
static void on_watch(uv_timer_t *timer)
{
    struct sweep_counts counts;
    (void)timer;
    sweep_counts(sweep, &counts);
    if (counts.waiting == stop_at_waiting && counts.open == 0 && counts.resolving == 0)
        sweep_stop(sweep);
}

static int setup(void **state)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int length = sizeof at;
    (void)state;
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(uv_tcp_init(&loop, &listener), 0);
    assert_int_equal(uv_tcp_bind(&listener, (struct sockaddr *)&at, 0), 0);
    assert_int_equal(uv_tcp_getsockname(&listener, (struct sockaddr *)&at, &length), 0);
    assert_int_equal(uv_listen((uv_stream_t *)&listener, 64, on_connection), 0);
    port = ntohs(at.sin_port);
    attempts = accepted = answered = stop_at_waiting = 0;
    received_most = 0;
    piece = ANSWER_MAX;
    policy = (struct policy){0};
    options = (struct sweep_options){
        .list = sweep_list_new(),
        .profile = hello_profile_find(HELLO_PROFILE_NORMAL),
        .timeout_us = 20 * 1000 * 1000,
        .concurrency = 16,
        .rate = 100000,
        .address_rates = {.per_second_milli = 100000 * 1000, .burst = 2},
        .flags = SWEEP_ONLY_IPV4,
        .attempt = on_attempt,
        .closed = on_closed,
    };
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    sweep_free(sweep);
    sweep = NULL;
    sweep_list_free(options.list);
    policy_done(&policy);
    return uv_loop_close(&loop);
}

static void add(const char *format, char out[64])
{
    (void)snprintf(out, 64, format, port);
    assert_true(sweep_list_add(options.list, out));
}

static void begin(const struct sweep_position *position, int wanted)
{
    char *why = NULL;
    sweep = sweep_new(&loop, &options, &why);
    assert_non_null(sweep);
    if (position != NULL)
        assert_int_equal(sweep_resume(sweep, position), wanted);
}

static void run(void)
{
    sweep_start(sweep);
    assert_int_equal(uv_run(&loop, UV_RUN_DEFAULT), 0);
    assert_false(sweep_failed(sweep));
}

/* Of a sweep that is not to begin. */
static void never_begins(void)
{
    sweep_start(sweep);
    sweep_stop(sweep);
    assert_int_equal(uv_run(&loop, UV_RUN_DEFAULT), 0);
}

static void answer_is(const uint8_t *bytes, size_t length)
{
    memcpy(answer, bytes, length);
    answer_length = length;
}

static void answers_with_hello(void)
{
    static const uint8_t hello[] = {22, 3, 3, 0, 44, 2, 0, 0, 40, 3, 3,    1,    2, 3, 4, 5, 6,
                                    7,  8, 1, 2, 3,  4, 5, 6, 7,  8, 1,    2,    3, 4, 5, 6, 7,
                                    8,  1, 2, 3, 4,  5, 6, 7, 8,  0, 0xc0, 0x2f, 0, 0, 0};
    answer_is(hello, sizeof hello);
}

/* Two certificates, of whose contents nobody asks, in the record of the ServerHello. */
static void answers_with_certificates(void)
{
    static const uint8_t certificates[] = {11, 0, 0, 13, 0, 0, 10, 0, 0, 3, 'a', 'b', 'c', 0, 0, 1, 'd'};
    answers_with_hello();
    memcpy(answer + answer_length, certificates, sizeof certificates);
    answer_length += sizeof certificates;
    answer[4] = (uint8_t)(answer_length - 5);
}

static void certificates_that_came_with_the_hello_are_kept(void **state)
{
    char text[64];
    uint8_t expected[32];
    (void)state;
    answers_with_certificates();
    add("127.0.0.1:%u", text);
    begin(NULL, 0);
    run();
    assert_string_equal(outcomes[0], "ok");
    assert_int_equal(chain_lengths[0], 2);
    assert_memory_equal(last_of_chain, SHA256((const uint8_t *)"d", 1, expected), sizeof expected);
}

/* All attempts are made in one place: nothing of one may be found in the next. */
static void what_one_answered_is_not_the_next_ones(void **state)
{
    char text[64];
    (void)state;
    answers_with_certificates();
    options.concurrency = 1;
    add("127.0.0.1:%u", text);
    assert_true(sweep_list_add(options.list, "127.0.0.1:1")); /* refused */
    begin(NULL, 0);
    run();
    assert_int_equal(attempts, 2);
    assert_int_equal(chain_lengths[0], 2);
    assert_int_equal(chain_lengths[1], 0);
    assert_string_equal(outcomes[1], "tcp.refused");
}

static void an_answer_in_pieces_is_one(void **state)
{
    char text[64];
    (void)state;
    answers_with_hello();
    piece = 1;
    add("127.0.0.1:%u", text);
    begin(NULL, 0);
    run();
    assert_int_equal(attempts, 1);
    assert_string_equal(outcomes[0], "ok");
}

static void an_old_version_is_no_answer_to_what_was_offered(void **state)
{
    char text[64];
    (void)state;
    answers_with_hello();
    answer[10] = 1; /* TLS 1.0 */
    add("127.0.0.1:%u", text);
    begin(NULL, 0);
    run();
    assert_string_equal(outcomes[0], "tls.old_version");
}

/* Bytes without end that could always be the beginning of a ServerHello. */
static void a_hostile_answer_ends(void **state)
{
    static const uint8_t begins[] = {22, 3, 3, 0x3f, 0, 2, 0, 0xff, 0xff};
    char text[64];
    (void)state;
    for (size_t i = 0; i < ANSWER_MAX; i++)
        answer[i] = begins[i % (5 + 0x3f00) < sizeof begins ? i % (5 + 0x3f00) : 8];
    answer_length = ANSWER_MAX;
    piece = 1000;
    add("127.0.0.1:%u", text);
    begin(NULL, 0);
    run();
    assert_int_equal(attempts, 1);
    assert_string_equal(outcomes[0], "tls.unclassified");
    assert_true(received_most <= 64 * 1024);
}

static void an_address_has_its_pace(void **state)
{
    char text[5][64];
    struct sweep_position position;
    (void)state;
    answers_with_hello();
    options.address_rates = (struct pace_rates){.per_second_milli = 1, .burst = 2};
    for (size_t i = 0; i < 5; i++)
        add("127.0.0.1:%u", text[i]);
    stop_at_waiting = 3;
    begin(NULL, 0);
    assert_int_equal(uv_timer_init(&loop, &watch), 0);
    assert_int_equal(uv_timer_start(&watch, on_watch, 10, 10), 0);
    run();
    assert_int_equal(attempts, 2);
    assert_int_equal(accepted, 2);
    assert_true(sweep_position(sweep, &position));
    assert_true(position.next == 5);
    assert_int_equal(position.undone_count, 3);
    free(position.undone);
}

/* The whole list once, and then from positions in it; without a listener, which is gone with the first loop. */
static void what_is_done_is_not_done_again(void **state)
{
    char text[64];
    struct sweep_position whole;
    struct sweep_undone undone[] = {{1, 0}, {5, 0}};
    (void)state;
    answers_with_hello();
    add("127.0.0.0/29:%u", text);
    begin(NULL, 0);
    run();
    assert_int_equal(attempts, 8);
    assert_true(sweep_position(sweep, &whole));
    assert_true(whole.next == 8);
    assert_int_equal(whole.undone_count, 0);
    free(whole.undone);
    sweep_free(sweep);
    assert_int_equal(uv_loop_close(&loop), 0);

    attempts = 0;
    whole.undone = undone;
    whole.undone_count = 2;
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(sweep_list_rewind(options.list), 0);
    begin(&whole, 0);
    run();
    assert_int_equal(attempts, 2);
    assert_string_equal(hosts[0], "127.0.0.1");
    assert_string_equal(hosts[1], "127.0.0.5");
    sweep_free(sweep);
    assert_int_equal(uv_loop_close(&loop), 0);

    whole.list_hash ^= 1;
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(sweep_list_rewind(options.list), 0);
    begin(&whole, -1);
    never_begins();
    assert_int_equal(attempts, 2);
}

static void where_a_name_leads_is_judged(void **state)
{
    char text[2][64];
    const char *why;
    (void)state;
    answers_with_hello();
    assert_true(policy_allow(&policy, "localhost", &why));
    assert_true(policy_add_ports(&policy, "any", &why));
    options.policy = &policy;
    add("localhost:%u", text[0]);
    add("127.0.0.1:%u", text[1]);
    begin(NULL, 0);
    run();
    assert_int_equal(attempts, 2);
    assert_string_equal(outcomes[0], "local.policy");
    assert_string_equal(outcomes[1], "local.policy");
    assert_int_equal(accepted, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_answer_in_pieces_is_one, setup, teardown),
        cmocka_unit_test_setup_teardown(certificates_that_came_with_the_hello_are_kept, setup, teardown),
        cmocka_unit_test_setup_teardown(what_one_answered_is_not_the_next_ones, setup, teardown),
        cmocka_unit_test_setup_teardown(an_old_version_is_no_answer_to_what_was_offered, setup, teardown),
        cmocka_unit_test_setup_teardown(a_hostile_answer_ends, setup, teardown),
        cmocka_unit_test_setup_teardown(an_address_has_its_pace, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_done_is_not_done_again, setup, teardown),
        cmocka_unit_test_setup_teardown(where_a_name_leads_is_judged, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
