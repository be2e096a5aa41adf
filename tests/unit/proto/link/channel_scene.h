#ifndef PARALLAX_TEST_CHANNEL_SCENE_H
#define PARALLAX_TEST_CHANNEL_SCENE_H

#include "link/channel_parts.h"
#include "proto/link/link_fixture.h"

#include <stdio.h>
#include <string.h>

/* A channel that dials and one that was called, on one loop. */

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

static inline void handle_open(struct channel *channel, void *arg)
{
    struct end *end = arg;
    end->channel = channel;
    end->opened++;
    if (end->on_open != NULL)
        end->on_open(end);
}

static inline void handle_message(struct channel *channel, struct message *message, void *arg)
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

static inline void handle_drained(struct channel *channel, void *arg)
{
    (void)channel;
    ((struct end *)arg)->drained++;
}

static inline void handle_closed(struct channel *channel, enum channel_failure failure, const char *why,
                                 void *arg)
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

static inline void on_connection(uv_stream_t *listener, int status)
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

static inline void scene_init(struct scene *scene)
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

static inline void scene_dial(struct scene *scene, SSL_CTX *context)
{
    struct address loopback;
    assert_true(address_parse("127.0.0.1", &loopback));
    scene->client.channel = channel_connect(&scene->loop, &loopback, scene->port, context, PKI_SERVER_NAME,
                                            &scene->limits, &handlers, &scene->client);
    assert_non_null(scene->client.channel);
}

/* Runs until both ends are closed, then closes the listener. */
static inline void scene_run(struct scene *scene, int client_only)
{
    while (scene->client.closed == 0 || (!client_only && scene->server.closed == 0))
        uv_run(&scene->loop, UV_RUN_ONCE);
    uv_close((uv_handle_t *)&scene->listener, NULL);
    uv_run(&scene->loop, UV_RUN_DEFAULT);
    assert_int_equal(scene->client.closed, 1);
    assert_true(scene->server.closed <= 1);
    assert_int_equal(uv_loop_close(&scene->loop), 0);
}

static inline void send_pings(struct end *end, unsigned count)
{
    for (uint64_t i = 1; i <= count; i++) {
        struct message ping = {.kind = MESSAGE_PING, .ping = {.sent_us = i}};
        assert_true(channel_send(end->channel, &ping));
    }
}

#endif
