#include "proto/link/channel_scene.h"

/* How a connection ends, or never begins. */

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
        cmocka_unit_test(test_overflow),
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
