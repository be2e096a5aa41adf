#include "proto/link/channel_scene.h"

/* What a peer may send, how large and how slowly, and who may come in at all. */

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bad_message),
        cmocka_unit_test(test_too_large_frame),
        cmocka_unit_test(test_strangers_are_brief),
        cmocka_unit_test(test_a_frame_takes_no_longer_than_it_may),
        cmocka_unit_test(test_the_first_message_comes_soon),
        cmocka_unit_test(test_who_may_not_come_in),
    };
    return cmocka_run_group_tests(tests, fixtures_setup, fixtures_teardown);
}
