#include "cmocka_all.h"
#include "probe/wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct fixture {
    struct wire wire;
    int peer;
    int ends;
    BIO *bio;
};

static void on_end(void *arg)
{
    struct fixture *fixture = arg;
    fixture->ends++;
}

/* TCP rather than a socketpair: only TCP resets. */
static void connect_pair(int fds[2])
{
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof name;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&name, sizeof name), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&name, &length), 0);
    fds[0] = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(fds[0], (struct sockaddr *)&name, sizeof name), 0);
    fds[1] = accept(listener, NULL, NULL);
    assert_true(fds[1] >= 0);
    assert_int_equal(fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
    (void)close(listener);
}

static int setup(void **state)
{
    static struct fixture fixture;
    int fds[2];
    fixture = (struct fixture){0};
    connect_pair(fds);
    wire_init(&fixture.wire, fds[0]);
    fixture.wire.on_end = on_end;
    fixture.wire.arg = &fixture;
    fixture.peer = fds[1];
    fixture.bio = wire_bio(&fixture.wire);
    assert_non_null(fixture.bio);
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    BIO_free(fixture->bio);
    (void)close(fixture->wire.fd);
    if (fixture->peer >= 0)
        (void)close(fixture->peer);
    return 0;
}

/* A machine that has much to do delivers late, even to itself. */
static void wait_for(const struct fixture *fixture, short events)
{
    struct pollfd poller = {.fd = fixture->wire.fd, .events = events};
    assert_int_equal(poll(&poller, 1, -1), 1);
}

static void reset_by_peer(struct fixture *fixture)
{
    struct linger now = {.l_onoff = 1};
    assert_int_equal(setsockopt(fixture->peer, SOL_SOCKET, SO_LINGER, &now, sizeof now), 0);
    (void)close(fixture->peer);
    fixture->peer = -1;
    wait_for(fixture, 0);
}

static void counts_and_keeps_the_first_bytes(void **state)
{
    struct fixture *fixture = *state;
    char sent[100], got[200];
    memset(sent, 'x', sizeof sent);
    sent[0] = 'a';
    assert_int_equal(send(fixture->peer, sent, sizeof sent, 0), sizeof sent);
    wait_for(fixture, POLLIN);
    assert_int_equal(BIO_read(fixture->bio, got, sizeof got), sizeof sent);
    assert_int_equal(fixture->wire.received_bytes, sizeof sent);
    assert_int_equal(fixture->wire.first_byte_count, EVIDENCE_FIRST_BYTES);
    assert_int_equal(fixture->wire.first_bytes[0], 'a');
    assert_int_equal(BIO_write(fixture->bio, "hello", 5), 5);
    assert_int_equal(fixture->wire.sent_bytes, 5);
    assert_true(BIO_read(fixture->bio, got, sizeof got) < 0);
    assert_true(BIO_should_retry(fixture->bio));
    assert_int_equal(fixture->ends, 0);
}

static void an_end_is_told_once_and_lets_nothing_out(void **state)
{
    struct fixture *fixture = *state;
    char got[16];
    assert_int_equal(shutdown(fixture->peer, SHUT_WR), 0);
    wait_for(fixture, POLLRDHUP);
    assert_int_equal(BIO_read(fixture->bio, got, sizeof got), 0);
    assert_false(BIO_should_retry(fixture->bio));
    assert_true(BIO_eof(fixture->bio));
    assert_int_equal(BIO_read(fixture->bio, got, sizeof got), 0);
    assert_int_equal(fixture->ends, 1);
    assert_int_equal(BIO_write(fixture->bio, "alert", 5), 5);
    assert_int_equal(fixture->wire.sent_bytes, 0);
    assert_int_equal(recv(fixture->peer, got, sizeof got, MSG_DONTWAIT), -1);
    assert_int_equal(errno, EAGAIN);
    assert_int_equal(fixture->wire.error, 0);
}

static void a_reset_keeps_its_errno_and_call(void **state)
{
    struct fixture *fixture = *state;
    char got[16];
    reset_by_peer(fixture);
    errno = 0;
    assert_int_equal(BIO_read(fixture->bio, got, sizeof got), -1);
    assert_int_equal(errno, ECONNRESET);
    assert_false(BIO_should_retry(fixture->bio));
    assert_false(fixture->wire.eof);
    assert_true(fixture->wire.ended);
    assert_int_equal(fixture->wire.error, ECONNRESET);
    assert_int_equal(fixture->wire.error_call, CALL_RECV);
    assert_int_equal(fixture->ends, 1);
}

/* What the peer said before it reset must still be read after our write ran into the reset. */
static void a_failed_write_is_swallowed_and_noted(void **state)
{
    struct fixture *fixture = *state;
    reset_by_peer(fixture);
    assert_int_equal(BIO_write(fixture->bio, "late", 4), 4);
    assert_true(fixture->wire.mute);
    assert_false(fixture->wire.ended);
    assert_int_equal(fixture->wire.error_call, CALL_SEND);
    assert_int_equal(fixture->wire.sent_bytes, 0);
    char got[16];
    (void)BIO_read(fixture->bio, got, sizeof got);
    assert_true(fixture->wire.ended);
    assert_int_equal(fixture->wire.error_call, CALL_SEND);
}

static void a_flood_ends(void **state)
{
    struct fixture *fixture = *state;
    char got[16];
    fixture->wire.received_bytes = WIRE_MAX_RECEIVED_BYTES;
    assert_int_equal(send(fixture->peer, "more", 4, 0), 4);
    wait_for(fixture, POLLIN);
    assert_int_equal(BIO_read(fixture->bio, got, sizeof got), -1);
    assert_true(fixture->wire.flooded);
    assert_int_equal(fixture->ends, 1);
}

/* A read that gives less than it may has had all: the next one waits for the poller, whatever comes meanwhile. */
static void after_all_was_read_nothing_is_read_until_somebody_looks(void **state)
{
    struct fixture *fixture = *state;
    struct wire *wire = &fixture->wire;
    char got[4];
    assert_int_equal(send(fixture->peer, "four+", 5, 0), 5);
    wait_for(fixture, POLLIN);
    assert_int_equal(wire_read(wire, got, sizeof got), 4);
    assert_int_equal(wire_read(wire, got, sizeof got), 1);
    assert_int_equal(send(fixture->peer, "more", 4, 0), 4);
    assert_int_equal(shutdown(fixture->peer, SHUT_WR), 0);
    wait_for(fixture, POLLRDHUP);
    assert_int_equal(wire_read(wire, got, sizeof got), -1);
    wire_seen(wire, false, false);
    assert_int_equal(wire_read(wire, got, sizeof got), -1);
    wire_seen(wire, true, false);
    assert_int_equal(wire_read(wire, got, sizeof got), 4);
    assert_int_equal(wire_read(wire, got, sizeof got), 0);
    assert_true(wire->eof);
}

/* The poller tells of both at once, and never again. */
static void an_end_behind_few_bytes_is_read_with_them(void **state)
{
    struct fixture *fixture = *state;
    struct wire *wire = &fixture->wire;
    char got[16];
    wire->dry = true;
    assert_int_equal(send(fixture->peer, "bye", 3, 0), 3);
    assert_int_equal(shutdown(fixture->peer, SHUT_WR), 0);
    wait_for(fixture, POLLRDHUP);
    wire_seen(wire, true, true);
    assert_int_equal(wire_read(wire, got, sizeof got), 3);
    assert_int_equal(wire_read(wire, got, sizeof got), 0);
    assert_true(wire->eof);
}

/* What waits for the end to go in one segment with it is not lost. */
static void what_is_last_leaves_with_the_end(void **state)
{
    struct fixture *fixture = *state;
    struct wire *wire = &fixture->wire;
    char got[8];
    wire->last = true;
    assert_int_equal(wire_write(wire, "bye", 3), 3);
    assert_int_equal(shutdown(wire->fd, SHUT_WR), 0);
    assert_int_equal(recv(fixture->peer, got, sizeof got, 0), 3);
    assert_int_equal(recv(fixture->peer, got, sizeof got, 0), 0);
}

static void in_pieces_each_write_waits_for_leave_until_an_answer_came(void **state)
{
    struct fixture *fixture = *state;
    struct wire *wire = &fixture->wire;
    char hello[3 * WIRE_PIECE_BYTES] = {0}, got[16];
    wire->in_pieces = true;
    assert_int_equal(BIO_write(fixture->bio, hello, sizeof hello), WIRE_PIECE_BYTES);
    assert_int_equal(BIO_write(fixture->bio, hello, sizeof hello), -1);
    assert_true(BIO_should_retry(fixture->bio));
    assert_true(wire->between);
    wire->between = false;
    assert_int_equal(BIO_write(fixture->bio, hello, sizeof hello), WIRE_PIECE_BYTES);
    assert_int_equal(wire->sent_bytes, 2 * WIRE_PIECE_BYTES);
    assert_int_equal(send(fixture->peer, "more", 4, 0), 4);
    wait_for(fixture, POLLIN);
    assert_int_equal(BIO_read(fixture->bio, got, sizeof got), 4);
    assert_int_equal(BIO_write(fixture->bio, hello, sizeof hello), (int)sizeof hello);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(counts_and_keeps_the_first_bytes),
        TEST(an_end_is_told_once_and_lets_nothing_out),
        TEST(a_reset_keeps_its_errno_and_call),
        TEST(a_failed_write_is_swallowed_and_noted),
        TEST(a_flood_ends),
        TEST(after_all_was_read_nothing_is_read_until_somebody_looks),
        TEST(an_end_behind_few_bytes_is_read_with_them),
        TEST(what_is_last_leaves_with_the_end),
        TEST(in_pieces_each_write_waits_for_leave_until_an_answer_came),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
