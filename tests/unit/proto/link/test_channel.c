#include "link/channel_parts.h"
#include "proto/link/link_fixture.h"

#include <stdio.h>
#include <string.h>

/* One end of a connection: what happened to it, and what it does when something does. */
struct end {
    struct channel *channel;
    int opened, messages, closed, drained, goodbyes;
    enum channel_failure failure;
    char why[256];
    char goodbye[256];
    uint64_t last;
    void (*on_open)(struct end *end);
    void (*on_message)(struct end *end, struct message *message);
};

struct scene {
    uv_loop_t loop;
    uv_tcp_t listener;
    uint16_t port;
    SSL_CTX *server_context;
    struct channel_limits limits;
    uint64_t first_timeout_ms; /* of the server */
    size_t stranger_payload_bytes;
    struct end client, server;
};

static void handle_open(struct channel *channel, void *arg)
{
    struct end *end = arg;
    end->channel = channel;
    end->opened++;
    if (end->on_open != NULL)
        end->on_open(end);
}

static void handle_message(struct channel *channel, struct message *message, void *arg)
{
    struct end *end = arg;
    assert_ptr_equal(channel, end->channel);
    assert_int_equal(end->closed, 0);
    end->messages++;
    end->goodbyes += message->kind == MESSAGE_GOODBYE;
    if (message->kind == MESSAGE_GOODBYE)
        snprintf(end->goodbye, sizeof end->goodbye, "%s", message->goodbye.text);
    if (message->kind == MESSAGE_PING) {
        assert_true(message->ping.sent_us == end->last + 1);
        end->last = message->ping.sent_us;
    }
    if (end->on_message != NULL)
        end->on_message(end, message);
}

static void handle_drained(struct channel *channel, void *arg)
{
    (void)channel;
    ((struct end *)arg)->drained++;
}

static void handle_closed(struct channel *channel, enum channel_failure failure, const char *why, void *arg)
{
    (void)channel;
    struct end *end = arg;
    end->closed++;
    end->failure = failure;
    snprintf(end->why, sizeof end->why, "%s", why);
    end->channel = NULL;
}

static const struct channel_handlers handlers = {.on_open = handle_open,
                                                 .on_message = handle_message,
                                                 .on_drained = handle_drained,
                                                 .on_closed = handle_closed};

static void on_connection(uv_stream_t *listener, int status)
{
    assert_int_equal(status, 0);
    bool waits = true;
    struct scene *scene = listener->data;
    struct channel_limits limits = channel_default_limits;
    limits.max_payload_bytes = scene->limits.max_payload_bytes;
    limits.frame_timeout_ms = scene->limits.frame_timeout_ms;
    limits.first_timeout_ms = scene->first_timeout_ms;
    limits.stranger_payload_bytes = scene->stranger_payload_bytes;
    scene->server.channel =
        channel_accept(listener, scene->server_context, &limits, &handlers, &scene->server, &waits);
    assert_non_null(scene->server.channel);
}

static void scene_init(struct scene *scene)
{
    *scene = (struct scene){.limits = channel_default_limits, .server_context = ours.server_context};
    struct sockaddr_in any;
    struct sockaddr_storage bound;
    int length = sizeof bound;
    struct address address;
    assert_int_equal(uv_loop_init(&scene->loop), 0);
    assert_int_equal(uv_tcp_init(&scene->loop, &scene->listener), 0);
    uv_ip4_addr("127.0.0.1", 0, &any);
    assert_int_equal(uv_tcp_bind(&scene->listener, (struct sockaddr *)&any, 0), 0);
    scene->listener.data = scene;
    assert_int_equal(uv_listen((uv_stream_t *)&scene->listener, 8, on_connection), 0);
    assert_int_equal(uv_tcp_getsockname(&scene->listener, (struct sockaddr *)&bound, &length), 0);
    assert_true(address_from_sockaddr((struct sockaddr *)&bound, &address, &scene->port));
}

static void scene_dial(struct scene *scene, SSL_CTX *context)
{
    struct address loopback;
    assert_true(address_parse("127.0.0.1", &loopback));
    scene->client.channel = channel_connect(&scene->loop, &loopback, scene->port, context, PKI_SERVER_NAME,
                                            &scene->limits, &handlers, &scene->client);
    assert_non_null(scene->client.channel);
}

/* Runs until both ends are closed, then closes the listener. */
static void scene_run(struct scene *scene, int client_only)
{
    while (scene->client.closed == 0 || (!client_only && scene->server.closed == 0))
        uv_run(&scene->loop, UV_RUN_ONCE);
    uv_close((uv_handle_t *)&scene->listener, NULL);
    uv_run(&scene->loop, UV_RUN_DEFAULT);
    assert_int_equal(scene->client.closed, 1);
    assert_true(scene->server.closed <= 1);
    assert_int_equal(uv_loop_close(&scene->loop), 0);
}

static void send_pings(struct end *end, unsigned count)
{
    for (uint64_t i = 1; i <= count; i++) {
        struct message ping = {.kind = MESSAGE_PING, .ping = {.sent_us = i}};
        assert_true(channel_send(end->channel, &ping));
    }
}

static void open_pings(struct end *end)
{
    send_pings(end, 1000);
}

static void close_after_1000(struct end *end, struct message *message)
{
    (void)message;
    if (end->messages == 1000)
        channel_close(end->channel);
}

static void test_messages_in_order(void **state)
{
    (void)state;
    struct scene scene;
    scene_init(&scene);
    scene.client.on_open = open_pings;
    scene.server.on_message = close_after_1000;
    scene_dial(&scene, ours.client_context);
    scene_run(&scene, 0);
    assert_int_equal(scene.server.messages, 1000);
    assert_int_equal(scene.server.failure, CHANNEL_CLOSED_BY_US);
    assert_int_equal(scene.client.failure, CHANNEL_CLOSED_BY_PEER);
    assert_true(scene.client.drained >= 1);
}

static void keep_history(struct end *end)
{
    channel_pack_history(end->channel, 0, 1000);
}

static void open_packed_reports(struct end *end)
{
    channel_pack_history(end->channel, 1000, 0);
    for (uint64_t i = 1; i <= 1000; i++) {
        struct record record = {.kind = RECORD_ROUND_REPORT, .report = {.sequence = i, .round_id = i}};
        struct buf bytes;
        buf_init(&bytes, 0);
        assert_true(record_encode(&record, &bytes));
        const struct bytes encoded = {bytes.data, bytes.len};
        assert_true(channel_send_packed(end->channel, &encoded, 1));
        buf_done(&bytes);
    }
}

static void take_report(struct end *end, struct message *message)
{
    assert_int_equal(message->kind, MESSAGE_BATCH);
    assert_int_equal(message->batch.count, 1);
    assert_int_equal(message->batch.records[0].report.sequence, end->messages);
    close_after_1000(end, message);
}

static void test_packed_batches_are_as_others(void **state)
{
    (void)state;
    struct scene scene;
    scene_init(&scene);
    scene.client.on_open = open_packed_reports;
    scene.server.on_open = keep_history;
    scene.server.on_message = take_report;
    scene_dial(&scene, ours.client_context);
    scene_run(&scene, 0);
    assert_int_equal(scene.server.messages, 1000);
    assert_int_equal(scene.server.failure, CHANNEL_CLOSED_BY_US);
}

static void open_badly_packed(struct end *end)
{
    const struct message message = {.kind = MESSAGE_PACKED, .packed = {.zstd = {(const uint8_t *)"zstd", 4}}};
    assert_true(channel_send(end->channel, &message));
}

static void test_badly_packed_is_refused(void **state)
{
    (void)state;
    struct scene scene;
    scene_init(&scene);
    scene.client.on_open = open_badly_packed;
    scene_dial(&scene, ours.client_context);
    scene_run(&scene, 0);
    assert_int_equal(scene.server.messages, 0);
    assert_string_equal(scene.server.why, "a packed message that cannot be unpacked");
}

/* Messages sent before the handshake is done go out after it. */
static void test_send_before_open(void **state)
{
    (void)state;
    struct scene scene;
    scene_init(&scene);
    scene.server.on_message = close_after_1000;
    scene_dial(&scene, ours.client_context);
    send_pings(&scene.client, 1000);
    scene_run(&scene, 0);
    assert_int_equal(scene.server.messages, 1000);
}

static void pings_then_close(struct end *end)
{
    send_pings(end, 1000);
    channel_close(end->channel);
    channel_close(end->channel);
    struct message ping = {.kind = MESSAGE_PING};
    assert_false(channel_send(end->channel, &ping));
}

static void pause_at_3(struct end *end, struct message *message)
{
    (void)message;
    if (end->messages == 3)
        channel_pause(end->channel);
}

/* A paused reader sees nothing more, not even what had already arrived, nor the end; resumed, it sees all of
 * it. */
static void test_pause_holds_everything(void **state)
{
    (void)state;
    struct scene scene;
    scene_init(&scene);
    scene.client.on_open = pings_then_close;
    scene.server.on_message = pause_at_3;
    scene_dial(&scene, ours.client_context);
    while (scene.client.closed == 0) /* it lingers for a second, because the paused end does not answer */
        uv_run(&scene.loop, UV_RUN_ONCE);
    assert_int_equal(scene.server.messages, 3);
    assert_int_equal(scene.server.closed, 0);
    channel_resume(scene.server.channel);
    assert_int_equal(scene.server.messages, 3); /* never from inside the call */
    scene_run(&scene, 0);
    assert_int_equal(scene.server.messages, 1000);
    assert_int_equal(scene.server.failure, CHANNEL_CLOSED_BY_PEER);
}

static void test_overflow(void **state)
{
    (void)state;
    struct scene scene;
    scene_init(&scene);
    scene.limits.max_queued_bytes = 100;
    scene_dial(&scene, ours.client_context);
    struct message ping = {.kind = MESSAGE_PING, .ping = {.sent_us = 1}};
    int sent = 0;
    while (sent < 100 && channel_send(scene.client.channel, &ping))
        sent++;
    assert_in_range(sent, 1, 99);
    scene_run(&scene, 1);
    assert_int_equal(scene.client.failure, CHANNEL_OVERFLOW);
}

static void send_nonsense(struct end *end)
{
    assert_true(channel_send_payload(end->channel, "\xff\xff\xff\xff", 4));
}

static void test_bad_message(void **state)
{
    (void)state;
    struct scene scene;
    scene_init(&scene);
    scene.client.on_open = send_nonsense;
    scene_dial(&scene, ours.client_context);
    scene_run(&scene, 0);
    assert_int_equal(scene.server.failure, CHANNEL_BAD_FRAME);
    assert_int_equal(scene.server.messages, 0);
    assert_string_not_equal(scene.server.why, "");
    assert_string_equal(scene.client.goodbye, scene.server.why); /* the peer is told which rule it broke */
}

static void send_large(struct end *end)
{
    static const char large[4096];
    assert_true(channel_send_payload(end->channel, large, sizeof large));
}

static void test_too_large_frame(void **state)
{
    (void)state;
    struct scene scene;
    scene_init(&scene);
    scene.limits.max_payload_bytes = 1024;
    scene.client.on_open = send_large;
    scene_dial(&scene, ours.client_context);
    scene_run(&scene, 0);
    assert_int_equal(scene.server.failure, CHANNEL_BAD_FRAME);
    assert_string_equal(scene.client.goodbye, "a frame is larger than allowed");
}

static void send_ping_then_large(struct end *end)
{
    send_pings(end, 1);
    send_large(end);
}

static void now_known(struct end *end, struct message *message)
{
    (void)message;
    channel_known(end->channel);
}

/* Only who is known may send large frames. */
static void test_strangers_are_brief(void **state)
{
    (void)state;
    for (int known = 0; known <= 1; known++) {
        struct scene scene;
        scene_init(&scene);
        scene.stranger_payload_bytes = 1024;
        scene.client.on_open = send_ping_then_large;
        scene.server.on_message = known ? now_known : NULL;
        scene_dial(&scene, ours.client_context);
        scene_run(&scene, 0);
        assert_int_equal(scene.server.messages, 1);
        assert_int_equal(strcmp(scene.client.goodbye, "a frame is larger than allowed") == 0, !known);
    }
}

/* The header of a frame and a bit of it: what no channel sends by itself. */
static void send_half_a_frame(struct end *end)
{
    static const uint8_t half[] = {0, 0, 2, 0, 1, 2, 3};
    assert_true(buf_append(&end->channel->queue, half, sizeof half));
    channel_want_turn(end->channel);
}

static void test_a_frame_takes_no_longer_than_it_may(void **state)
{
    (void)state;
    struct scene scene;
    scene_init(&scene);
    scene.limits.frame_timeout_ms = 20;
    scene.client.on_open = send_half_a_frame;
    scene_dial(&scene, ours.client_context);
    scene_run(&scene, 0);
    assert_int_equal(scene.server.failure, CHANNEL_TOO_SLOW);
    assert_string_equal(scene.client.goodbye, "a frame was begun and not ended in time");
}

static void test_the_first_message_comes_soon(void **state)
{
    (void)state;
    struct scene scene;
    scene_init(&scene);
    scene.first_timeout_ms = 20;
    scene.client.on_open = send_half_a_frame;
    scene_dial(&scene, ours.client_context);
    scene_run(&scene, 0);
    assert_int_equal(scene.server.failure, CHANNEL_TOO_SLOW);
    assert_string_equal(scene.client.goodbye, "the first message did not come in time");
}

static bool nobody(const struct address *address, void *arg)
{
    (void)arg;
    assert_int_equal(address->length, 4);
    return false;
}

static void on_unwanted(uv_stream_t *listener, int status)
{
    static const struct channel_handlers closed = {.on_caller = nobody};
    struct scene *scene = listener->data;
    bool waits = true;
    assert_int_equal(status, 0);
    assert_null(
        channel_accept(listener, scene->server_context, &scene->limits, &closed, &scene->server, &waits));
    assert_false(waits);
}

static void test_who_may_not_come_in(void **state)
{
    (void)state;
    struct scene scene;
    scene_init(&scene);
    scene.listener.connection_cb = on_unwanted;
    scene_dial(&scene, ours.client_context);
    scene_run(&scene, 1);
    assert_int_equal(scene.client.opened, 0);
    assert_int_equal(scene.client.failure, CHANNEL_TLS_FAILED);
}

static void goodbye_and_close(struct end *end)
{
    struct message goodbye = {.kind = MESSAGE_GOODBYE, .goodbye = {.reason = GOODBYE_TOKEN, .text = "used"}};
    assert_true(channel_send(end->channel, &goodbye));
    channel_close(end->channel);
}

static void flood(struct end *end)
{
    static const char large[1 << 20];
    for (int i = 0; i < 8; i++)
        (void)channel_send_payload(end->channel, large, sizeof large);
}

/* A goodbye arrives although the other side is still sending: closing must not reset the connection under it.
 */
static void test_last_words_arrive(void **state)
{
    (void)state;
    struct scene scene;
    scene_init(&scene);
    scene.client.on_open = flood;
    scene.server.on_open = goodbye_and_close;
    scene_dial(&scene, ours.client_context);
    scene_run(&scene, 0);
    assert_int_equal(scene.client.goodbyes, 1);
}

static void test_refused_certificate_is_explained(void **state)
{
    (void)state;
    struct scene scene;
    SSL_CTX *stranger = stranger_context();
    scene_init(&scene);
    scene.client.on_open = flood;
    scene_dial(&scene, stranger);
    scene_run(&scene, 0);
    assert_int_equal(scene.server.opened, 0);
    assert_int_equal(scene.server.failure, CHANNEL_TLS_FAILED);
    assert_non_null(strstr(scene.server.why, "does not verify"));
    assert_int_equal(scene.client.failure, CHANNEL_TLS_FAILED);
    assert_non_null(strstr(scene.client.why, "the peer refused"));
    SSL_CTX_free(stranger);
}

static void test_wrong_collector(void **state)
{
    (void)state;
    struct scene scene;
    scene_init(&scene);
    scene.server_context = theirs.server_context;
    scene_dial(&scene, ours.client_context);
    scene_run(&scene, 0);
    assert_int_equal(scene.client.opened, 0);
    assert_int_equal(scene.client.failure, CHANNEL_TLS_FAILED);
    assert_int_equal(scene.server.failure, CHANNEL_TLS_FAILED);
}

static void test_nobody_listens(void **state)
{
    (void)state;
    struct scene scene;
    scene_init(&scene);
    scene.port = 1;
    scene_dial(&scene, ours.client_context);
    scene_run(&scene, 1);
    assert_int_equal(scene.client.failure, CHANNEL_CONNECT_FAILED);
    assert_string_equal(scene.client.why, "connection refused");
}

static void on_silent_connection(uv_stream_t *listener, int status)
{
    (void)listener, (void)status;
}

static void test_handshake_in_time(void **state)
{
    (void)state;
    struct scene scene;
    scene_init(&scene);
    scene.listener.connection_cb = on_silent_connection;
    scene.limits.handshake_timeout_ms = 20;
    scene_dial(&scene, ours.client_context);
    scene_run(&scene, 1);
    assert_int_equal(scene.client.failure, CHANNEL_TIMED_OUT);
    assert_int_equal(scene.client.opened, 0);
}

static void test_idle(void **state)
{
    (void)state;
    struct scene scene;
    scene_init(&scene);
    scene.limits.idle_timeout_ms = 20;
    scene_dial(&scene, ours.client_context);
    scene_run(&scene, 0);
    assert_int_equal(scene.client.failure, CHANNEL_TIMED_OUT);
    assert_int_equal(scene.client.opened, 1);
}

/* As much as no kernel takes at once. */
static void open_backlog(struct end *end)
{
    static const uint8_t der[100 * 1024];
    struct bytes bytes = {der, sizeof der};
    struct message message = {.kind = MESSAGE_CERTIFICATES, .certificates = {.count = 1, .der = &bytes}};
    for (int i = 0; i < 140; i++)
        assert_true(channel_send(end->channel, &message));
}

static void pause_at_each(struct end *end, struct message *message)
{
    (void)message;
    channel_pause(end->channel);
}

static void resume_now_and_then(uv_timer_t *timer)
{
    struct end *end = timer->data;
    if (end->channel != NULL && end->messages < 140)
        channel_resume(end->channel);
    else
        uv_close((uv_handle_t *)timer, NULL);
}

/* Nothing is received for long, but what is sent goes out: an answer may be due behind it. Then nothing goes out either. */
static void test_idle_is_patient_while_a_backlog_leaves(void **state)
{
    (void)state;
    struct scene scene;
    uv_timer_t timer;
    scene_init(&scene);
    scene.limits.idle_timeout_ms = 2500;
    scene.client.on_open = open_backlog;
    scene.server.on_message = pause_at_each;
    scene_dial(&scene, ours.client_context);
    assert_int_equal(uv_timer_init(&scene.loop, &timer), 0);
    timer.data = &scene.server;
    uint64_t begun_ms = uv_now(&scene.loop);
    assert_int_equal(uv_timer_start(&timer, resume_now_and_then, 50, 50), 0);
    while (scene.server.messages < 140 && scene.client.closed == 0)
        uv_run(&scene.loop, UV_RUN_ONCE);
    assert_int_equal(scene.client.closed, 0);
    assert_true(uv_now(&scene.loop) - begun_ms > 2 * scene.limits.idle_timeout_ms);
    channel_resume(scene.server.channel);
    scene_run(&scene, 0);
    assert_int_equal(scene.client.failure, CHANNEL_TIMED_OUT);
}

static void test_a_backlog_that_stays_is_no_sign_of_life(void **state)
{
    (void)state;
    struct scene scene;
    scene_init(&scene);
    scene.limits.idle_timeout_ms = 200;
    scene.client.on_open = open_backlog;
    scene.server.on_message = pause_at_each;
    scene_dial(&scene, ours.client_context);
    while (scene.client.closed == 0)
        uv_run(&scene.loop, UV_RUN_ONCE);
    assert_int_equal(scene.client.failure, CHANNEL_TIMED_OUT);
    assert_in_range(scene.server.messages, 0, 1);
    if (scene.server.channel != NULL) /* it was paused, and has not seen the end */
        channel_close(scene.server.channel);
    scene_run(&scene, 0);
}

static void test_close_before_open(void **state)
{
    (void)state;
    struct scene scene;
    scene_init(&scene);
    scene_dial(&scene, ours.client_context);
    channel_close(scene.client.channel);
    assert_int_equal(scene.client.closed, 0);
    scene_run(&scene, 1);
    assert_int_equal(scene.client.failure, CHANNEL_CLOSED_BY_US);
    assert_int_equal(scene.client.opened, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages_in_order),
        cmocka_unit_test(test_packed_batches_are_as_others),
        cmocka_unit_test(test_badly_packed_is_refused),
        cmocka_unit_test(test_send_before_open),
        cmocka_unit_test(test_pause_holds_everything),
        cmocka_unit_test(test_overflow),
        cmocka_unit_test(test_bad_message),
        cmocka_unit_test(test_too_large_frame),
        cmocka_unit_test(test_strangers_are_brief),
        cmocka_unit_test(test_a_frame_takes_no_longer_than_it_may),
        cmocka_unit_test(test_the_first_message_comes_soon),
        cmocka_unit_test(test_who_may_not_come_in),
        cmocka_unit_test(test_last_words_arrive),
        cmocka_unit_test(test_refused_certificate_is_explained),
        cmocka_unit_test(test_wrong_collector),
        cmocka_unit_test(test_nobody_listens),
        cmocka_unit_test(test_handshake_in_time),
        cmocka_unit_test(test_idle),
        cmocka_unit_test(test_idle_is_patient_while_a_backlog_leaves),
        cmocka_unit_test(test_a_backlog_that_stays_is_no_sign_of_life),
        cmocka_unit_test(test_close_before_open),
    };
    return cmocka_run_group_tests(tests, fixtures_setup, fixtures_teardown);
}
