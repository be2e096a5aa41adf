#include "cmocka_all.h"
#include "probe/poller.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SOCKETS = 300 };

struct fixture {
    uv_loop_t loop;
    struct poller poller;
    uv_timer_t timer;
    bool closed;
};

struct end {
    int fds[2];
    unsigned times, events;
};

static void on_seen(void *arg, unsigned events)
{
    struct end *end = arg;
    end->times++;
    end->events = events;
}

static void on_closed(void *arg)
{
    struct fixture *fixture = arg;
    fixture->closed = true;
}

static int set_up(void **state)
{
    static struct fixture fixture;
    fixture = (struct fixture){0};
    assert_int_equal(uv_loop_init(&fixture.loop), 0);
    assert_int_equal(uv_timer_init(&fixture.loop, &fixture.timer), 0);
    poller_init(&fixture.poller, &fixture.loop, on_seen);
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    uv_close((uv_handle_t *)&fixture->timer, NULL);
    poller_close(&fixture->poller, on_closed, fixture);
    assert_false(fixture->closed);
    (void)uv_run(&fixture->loop, UV_RUN_DEFAULT);
    assert_true(fixture->closed);
    return uv_loop_close(&fixture->loop);
}

static void open_pair(struct fixture *fixture, struct end *end)
{
    *end = (struct end){0};
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, end->fds), 0);
    assert_int_equal(poller_add(&fixture->poller, end->fds[0], end), 0);
}

static void close_pair(const struct end *end)
{
    (void)close(end->fds[0]);
    (void)close(end->fds[1]);
}

static void on_timer(uv_timer_t *timer)
{
    (void)timer;
}

/* Something else keeps the loop alive, as the timers of attempts do. */
static void turn(struct fixture *fixture)
{
    assert_int_equal(uv_timer_start(&fixture->timer, on_timer, 1000000, 0), 0);
    (void)uv_run(&fixture->loop, UV_RUN_NOWAIT);
    (void)uv_timer_stop(&fixture->timer);
}

static void tells_of_each_event_once(void **state)
{
    struct fixture *fixture = *state;
    struct end end;
    open_pair(fixture, &end);
    turn(fixture);
    assert_int_equal(end.times, 1);
    assert_int_equal(end.events, EPOLLOUT);
    turn(fixture);
    assert_int_equal(end.times, 1);
    assert_int_equal(write(end.fds[1], "x", 1), 1);
    turn(fixture);
    turn(fixture);
    assert_int_equal(end.times, 2);
    assert_int_equal(end.events, EPOLLOUT | EPOLLIN);
    assert_int_equal(shutdown(end.fds[1], SHUT_WR), 0);
    turn(fixture);
    turn(fixture);
    assert_int_equal(end.times, 3);
    assert_true((end.events & EPOLLRDHUP) != 0);
    close_pair(&end);
    turn(fixture);
    assert_int_equal(end.times, 3);
}

/* More than one call, and one turn, of the set gives. */
static void tells_of_many(void **state)
{
    struct fixture *fixture = *state;
    static struct end ends[SOCKETS];
    for (size_t i = 0; i < SOCKETS; i++)
        open_pair(fixture, &ends[i]);
    for (int i = 0; i < 2; i++)
        turn(fixture);
    for (size_t i = 0; i < SOCKETS; i++) {
        assert_int_equal(ends[i].times, 1);
        close_pair(&ends[i]);
    }
}

static void does_not_keep_the_loop_alive(void **state)
{
    struct fixture *fixture = *state;
    struct end end;
    open_pair(fixture, &end);
    assert_int_equal(uv_run(&fixture->loop, UV_RUN_DEFAULT), 0);
    close_pair(&end);
}

static void says_why_it_cannot_watch(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(poller_add(&fixture->poller, -1, NULL), EBADF);
}

static void closes_without_a_socket(void **state)
{
    (void)state; /* tear_down does */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(tells_of_each_event_once), TEST(tells_of_many),           TEST(does_not_keep_the_loop_alive),
        TEST(says_why_it_cannot_watch), TEST(closes_without_a_socket),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
