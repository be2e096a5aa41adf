#include "agent/probe/dns_message.h"
#include "cmocka_all.h"

#include "probe/dns_answer.h"
#include "probe/resolver.h"
#include "words/buf.h"

#include <ares.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* One resolver on a loop of its own, and a server on the same loop that answers as the test says. */

struct fixture {
    uv_loop_t loop;
    int fd;
    uv_poll_t poll;
    unsigned times; /* how often a question is answered; each answer has another address */
    bool checking;  /* SERVFAIL unless checking is disabled */
    unsigned asked, answered, late;
    uint8_t flags;        /* of the last question, second byte */
    unsigned rcode;       /* of the last answer */
    uint8_t last_address; /* last byte of it */
    bool closed;
    struct resolver *resolver;
    struct resolver_query *query;
    bool forgets; /* on the answer */
};

static void on_question(uv_poll_t *poll, int status, int events)
{
    (void)status;
    (void)events;
    struct fixture *fixture = poll->data;
    uint8_t question[512];
    struct sockaddr_in from;
    socklen_t length = sizeof from;
    ssize_t got =
        recvfrom(fixture->fd, question, sizeof question, MSG_DONTWAIT, (struct sockaddr *)&from, &length);
    if (got < 12)
        return;
    fixture->asked++;
    fixture->flags = question[3];
    bool fails = fixture->checking && !(question[3] & 0x10);
    for (unsigned i = 0; i < fixture->times; i++) {
        struct dns_message message;
        uint8_t address[4] = {192, 0, 2, (uint8_t)(i + 1)};
        dns_begin(&message, (unsigned)question[0] << 8 | question[1], fails ? 2 : 0, fails ? 0 : 1,
                  DNS_TYPE_A);
        if (!fails)
            dns_record(&message, DNS_TYPE_A, 60, address, sizeof address);
        assert_int_equal(
            sendto(fixture->fd, message.bytes, message.length, 0, (struct sockaddr *)&from, length),
            message.length);
    }
}

static void begin(struct fixture *fixture, unsigned times)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    char text[64], *why = NULL;
    *fixture = (struct fixture){.times = times, .fd = socket(AF_INET, SOCK_DGRAM, 0)};
    assert_int_equal(bind(fixture->fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(getsockname(fixture->fd, (struct sockaddr *)&address, &length), 0);
    assert_int_equal(uv_loop_init(&fixture->loop), 0);
    assert_int_equal(uv_poll_init(&fixture->loop, &fixture->poll, fixture->fd), 0);
    fixture->poll.data = fixture;
    assert_int_equal(uv_poll_start(&fixture->poll, UV_READABLE, on_question), 0);
    (void)snprintf(text, sizeof text, "127.0.0.1:%u", ntohs(address.sin_port));
    fixture->resolver = resolver_new(&fixture->loop, text, &why);
    assert_non_null(fixture->resolver);
}

static void on_closed(void *arg)
{
    ((struct fixture *)arg)->closed = true;
}

static void end(struct fixture *fixture)
{
    resolver_forget(fixture->query);
    resolver_close(fixture->resolver, on_closed, fixture);
    uv_close((uv_handle_t *)&fixture->poll, NULL);
    assert_int_equal(uv_run(&fixture->loop, UV_RUN_DEFAULT), 0);
    assert_true(fixture->closed);
    assert_int_equal(uv_loop_close(&fixture->loop), 0);
    (void)close(fixture->fd);
}

static void on_answer(int status, const uint8_t *bytes, size_t length, void *arg)
{
    (void)status;
    struct fixture *fixture = arg;
    fixture->answered++;
    if (bytes != NULL && length > 12) {
        fixture->rcode = bytes[3] & 0x0f;
        fixture->last_address = bytes[length - 1];
    }
    if (fixture->forgets) {
        resolver_forget(fixture->query);
        fixture->query = NULL;
    }
}

static void on_late(int status, const uint8_t *bytes, size_t length, void *arg)
{
    (void)status;
    struct fixture *fixture = arg;
    assert_int_equal(fixture->answered, 1);
    fixture->late++;
    fixture->last_address = bytes[length - 1];
}

static void ask(struct fixture *fixture, enum evidence_ask how)
{
    struct resolver_question question = {.name = "a.test",
                                         .type = DNS_TYPE_A,
                                         .how = how,
                                         .answer = on_answer,
                                         .late = on_late,
                                         .arg = fixture};
    fixture->query = resolver_ask(fixture->resolver, &question);
    assert_non_null(fixture->query);
}

static void an_answer_after_the_answer_is_seen(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture, 3);
    ask(&fixture, ASK_PLAIN);
    while (fixture.late < 2 && uv_run(&fixture.loop, UV_RUN_ONCE) != 0)
        continue;
    assert_int_equal(fixture.answered, 1);
    assert_int_equal(fixture.last_address, 3);
    end(&fixture);
}

static void nothing_is_called_once_it_is_forgotten(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture, 2);
    fixture.forgets = true;
    ask(&fixture, ASK_PLAIN);
    while (fixture.answered == 0 && uv_run(&fixture.loop, UV_RUN_ONCE) != 0)
        continue;
    for (int i = 0; i < 3; i++)
        (void)uv_run(&fixture.loop, UV_RUN_NOWAIT);
    assert_int_equal(fixture.late, 0);
    end(&fixture);
}

static void checking_can_be_disabled(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture, 1);
    fixture.checking = true;
    ask(&fixture, ASK_PLAIN);
    while (fixture.answered == 0 && uv_run(&fixture.loop, UV_RUN_ONCE) != 0)
        continue;
    assert_int_equal(fixture.rcode, 2);
    assert_int_equal(fixture.flags & 0x10, 0);
    resolver_forget(fixture.query);
    ask(&fixture, ASK_NO_CHECK);
    while (fixture.answered == 1 && uv_run(&fixture.loop, UV_RUN_ONCE) != 0)
        continue;
    assert_int_equal(fixture.rcode, 0);
    assert_int_equal(fixture.flags & 0x10, 0x10);
    assert_int_equal(fixture.asked, 2);
    end(&fixture);
}

static void a_query_may_be_left_with_the_resolver(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture, 0);
    ask(&fixture, ASK_PLAIN);
    resolver_forget(fixture.query); /* c-ares still has it */
    ask(&fixture, ASK_TCP);
    while (fixture.answered == 0 && uv_run(&fixture.loop, UV_RUN_ONCE) != 0) /* nothing listens at TCP */
        continue;
    end(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_after_the_answer_is_seen),
        cmocka_unit_test(nothing_is_called_once_it_is_forgotten),
        cmocka_unit_test(checking_can_be_disabled),
        cmocka_unit_test(a_query_may_be_left_with_the_resolver),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
