#include "proto/link/channel_scene.h"

/* What is sent comes, in order, and waits where it has to. */

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages_in_order),       cmocka_unit_test(test_packed_batches_are_as_others),
        cmocka_unit_test(test_badly_packed_is_refused), cmocka_unit_test(test_send_before_open),
        cmocka_unit_test(test_pause_holds_everything),
    };
    return cmocka_run_group_tests(tests, fixtures_setup, fixtures_teardown);
}
