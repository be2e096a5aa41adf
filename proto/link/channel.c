#include "link/channel_parts.h"

#include <linux/sockios.h>
#include <stdlib.h>
#include <sys/ioctl.h>

/*
 *   CONNECTING --connected--> HANDSHAKING --done--> OPEN --+
 *        |                         |                       | channel_close, a broken rule, a refused certificate
 *        |                         |                       v
 *        |                         +-------------------> LINGERING: queue, close_notify and FIN go out, what comes
 *        |                         |                       |        in is thrown away
 *        | failed, timed out,      | peer gone             | peer's FIN, or a second has passed
 *        +-------------------------+---------------------> CLOSING: handles_close_all --> on_closed, free
 *
 * Lingering matters: closing a socket with unread bytes in it sends a reset, and a reset destroys what the
 * peer has not read yet, which would be our Goodbye, or the alert that says why its certificate was refused.
 *
 * Frames wait as plaintext in `queue` and are encrypted when the previous write is done, so many small
 * messages share TLS records and system calls. Flushing happens once per turn of the loop, from the prepare
 * handle; so does delivering frames that were held back by channel_pause, which therefore never calls back
 * into its caller.
 */

const struct channel_limits channel_default_limits = {
    .handshake_timeout_ms = 10000,
    .idle_timeout_ms = 90000,
    .max_queued_bytes = 16 * 1024 * 1024,
    .max_payload_bytes = FRAME_MAX_BYTES,
    .frame_timeout_ms = 60000,
};

/* --- receiving --------------------------------------------------------------------------------------------- */

static void channel_message(struct channel *channel, struct bytes payload);

/* What is in it is a batch as any other, and no larger than one may be. */
static void channel_unpack(struct channel *channel, const struct packed *packed)
{
    struct buf payload;
    buf_init(&payload, channel->reader.max_payload);
    if (unpack_batch(&channel->unpacked, packed, channel->reader.max_payload, &payload))
        channel_message(channel, (struct bytes){payload.data, payload.len});
    else
        channel_breach(channel, CHANNEL_BAD_FRAME, "a packed message that cannot be unpacked");
    buf_done(&payload);
}

static void channel_message(struct channel *channel, struct bytes payload)
{
    struct arena arena;
    struct message message;
    const char *why = "";
    arena_init(&arena, MESSAGE_ARENA_BYTES);
    bool read = message_decode(payload.data, payload.length, &arena, &message, &why);
    if (!read)
        channel_breach(channel, CHANNEL_BAD_FRAME, why);
    else if (message.kind != MESSAGE_PACKED)
        channel->handlers.on_message(channel, &message, channel->arg);
    else
        channel_unpack(channel, &message.packed);
    if (read)
        message_done(&message);
    arena_done(&arena);
}

static size_t frame_begun(const struct channel *channel)
{
    return channel->reader.bytes.len - channel->reader.taken;
}

static void on_pace(uv_timer_t *timer)
{
    struct channel *channel = timer->data;
    uint64_t spent_ms = uv_now(timer->loop) - channel->frame_begun_ms;
    uint64_t granted_ms =
        channel->limits.frame_timeout_ms + frame_announced(&channel->reader) / PACE_BYTES * 1000;
    if (!channel->heard && channel->limits.first_timeout_ms > 0)
        channel_breach(channel, CHANNEL_TOO_SLOW, "the first message did not come in time");
    else if (spent_ms >= granted_ms)
        channel_breach(channel, CHANNEL_TOO_SLOW, "a frame was begun and not ended in time");
    else
        (void)uv_timer_start(timer, on_pace, granted_ms - spent_ms, 0);
}

/* A frame has begun: it gets its time, once. */
static void pace_start(struct channel *channel)
{
    if (channel->limits.frame_timeout_ms == 0 || uv_is_active((uv_handle_t *)&channel->pace))
        return;
    channel->frame_begun_ms = uv_now(channel->pace.loop);
    (void)uv_timer_start(&channel->pace, on_pace, channel->limits.frame_timeout_ms, 0);
}

/* Ends because every turn takes a frame out of the reader. */
static void channel_deliver(struct channel *channel)
{
    while (channel->state == OPEN && !channel->paused) {
        const uint8_t *payload = NULL;
        size_t length = 0;
        enum frame_result result = frame_next(&channel->reader, &payload, &length);
        if (result == FRAME_TOO_BIG)
            channel_breach(channel, CHANNEL_BAD_FRAME, "a frame is larger than allowed");
        if (result != FRAME_READY)
            break;
        channel->heard = true;
        (void)uv_timer_stop(&channel->pace);
        channel_message(channel, (struct bytes){payload, length});
    }
    if (channel->reader.taken == channel->reader.bytes.len && channel->reader.bytes.cap > KEEP_BYTES)
        frame_reader_done(&channel->reader);
    if (channel->state != OPEN || channel->paused)
        return;
    if (channel->ended)
        channel_abort(channel);
    else if (frame_begun(channel) > 0)
        pace_start(channel);
}

/* The peer's stream is over: its last frames first, which may have to wait for channel_resume. */
static void channel_end(struct channel *channel, enum channel_failure failure, const char *why)
{
    if (channel->ended)
        return;
    channel->ended = true;
    channel_say(channel, failure, why);
    (void)uv_read_stop((uv_stream_t *)&channel->tcp);
    (void)uv_timer_stop(&channel->timer);
    (void)uv_timer_stop(&channel->pace);
    if (channel->state == OPEN)
        channel_deliver(channel);
    else
        channel_abort(channel);
}

/*
 * Does what waits to be sent get less? Then the peer's answer may be due behind it, on a slow link. Only what waited at the last look
 * counts: a kernel takes small things also for a process that hangs.
 */
static bool channel_drains(struct channel *channel)
{
    uv_os_fd_t fd = -1;
    int unacked = 0;
    if (uv_fileno((uv_handle_t *)&channel->tcp, &fd) != 0 || ioctl(fd, SIOCOUTQ, &unacked) != 0)
        return false;
    uint64_t waits = uv_stream_get_write_queue_size((uv_stream_t *)&channel->tcp) + (uint64_t)unacked;
    uint64_t left = channel->sent - waits;
    bool drains = channel->backlog && left - channel->left >= DRAIN_BYTES;
    channel->backlog = waits > 0;
    channel->left = left;
    return drains;
}

static void on_idle(uv_timer_t *timer)
{
    struct channel *channel = timer->data;
    if (channel_drains(channel))
        channel->alive_ms = uv_now(timer->loop);
    if (uv_now(timer->loop) - channel->alive_ms >= channel->limits.idle_timeout_ms)
        channel_fail(channel, CHANNEL_TIMED_OUT, "nothing was received for too long");
}

static void on_handshake_timeout(uv_timer_t *timer)
{
    struct channel *channel = timer->data;
    channel_fail(channel, CHANNEL_TIMED_OUT,
                 channel->state == CONNECTING ? "no connection in time" : "no TLS handshake in time");
}

static void idle_restart(struct channel *channel)
{
    uint64_t look_ms = (channel->limits.idle_timeout_ms + IDLE_LOOKS - 1) / IDLE_LOOKS;
    (void)uv_timer_stop(&channel->timer);
    channel->alive_ms = uv_now(channel->timer.loop);
    channel->backlog = false;
    if (look_ms > 0 && !channel->paused && !channel->ended)
        (void)uv_timer_start(&channel->timer, on_idle, look_ms, look_ms);
}

static void channel_opened(struct channel *channel)
{
    channel->state = OPEN;
    idle_restart(channel);
    if (channel->limits.first_timeout_ms > 0)
        (void)uv_timer_start(&channel->pace, on_pace, channel->limits.first_timeout_ms, 0);
    channel->handlers.on_open(channel, channel->arg);
}

static void channel_tls_failed(struct channel *channel)
{
    channel_linger(channel, CHANNEL_TLS_FAILED, pump_error(channel->pump));
}

/* Ciphertext came: through the pump into the reader, then out as messages. */
static void channel_take(struct channel *channel, const char *bytes, size_t length)
{
    buf_clear(&channel->plain);
    enum pump_state state = pump_feed(channel->pump, bytes, length, &channel->plain);
    channel_want_turn(channel);
    if (channel->state == HANDSHAKING && SSL_is_init_finished(pump_ssl(channel->pump)) &&
        state != PUMP_FAILED)
        channel_opened(channel);
    if (channel->state == OPEN)
        idle_restart(channel);
    if (channel->state == OPEN && channel->plain.len > 0) {
        if (!frame_feed(&channel->reader, channel->plain.data, channel->plain.len)) {
            channel_fail(channel, CHANNEL_IO_FAILED, "out of memory");
            return;
        }
        channel_deliver(channel);
    }
    if (channel->plain.cap > KEEP_BYTES)
        buf_done(&channel->plain);
    pump_slim(channel->pump);
    if (channel->state >= LINGERING)
        return;
    if (state == PUMP_FAILED)
        channel_tls_failed(channel);
    else if (state == PUMP_CLOSED)
        channel_end(channel, CHANNEL_CLOSED_BY_PEER, "closed by the peer");
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *ret_buf)
{
    /* libuv calls on_read with it before anything else may ask for it again */
    static _Thread_local char bytes[READ_BYTES];
    (void)handle, (void)suggested;
    *ret_buf = uv_buf_init(bytes, sizeof bytes);
}

static void channel_eof(struct channel *channel, ssize_t status)
{
    if (channel->state == LINGERING)
        channel_abort(channel);
    else if (channel->state == HANDSHAKING)
        channel_fail(channel, CHANNEL_TLS_FAILED,
                     status == UV_EOF ? "the peer closed during the TLS handshake"
                                      : uv_strerror((int)status));
    else if (status == UV_EOF)
        channel_end(channel, CHANNEL_CLOSED_BY_PEER, "closed by the peer without close_notify");
    else
        channel_end(channel, CHANNEL_IO_FAILED, uv_strerror((int)status));
}

static void on_read(uv_stream_t *stream, ssize_t got, const uv_buf_t *buffer)
{
    struct channel *channel = stream->data;
    if (channel->state == CLOSING)
        return;
    if (got < 0)
        channel_eof(channel, got);
    else if (got > 0 && channel->state != LINGERING)
        channel_take(channel, buffer->base, (size_t)got);
}

void channel_read(struct channel *channel)
{
    int status = uv_read_start((uv_stream_t *)&channel->tcp, on_alloc, on_read);
    if (status == 0 || status == UV_EALREADY)
        return;
    if (channel->state == LINGERING)
        channel_abort(channel);
    else
        channel_fail(channel, CHANNEL_IO_FAILED, uv_strerror(status));
}

static void on_turn(uv_prepare_t *handle)
{
    struct channel *channel = handle->data;
    (void)uv_prepare_stop(handle);
    if (channel->state == OPEN && !channel->paused) {
        channel_deliver(channel);
        if (channel->state == OPEN && !channel->paused && !channel->ended)
            channel_read(channel);
    }
    channel_flush(channel);
}

void channel_want_turn(struct channel *channel)
{
    (void)uv_prepare_start(&channel->turn, on_turn);
}

void channel_pause(struct channel *channel)
{
    if (channel->state >= LINGERING || channel->paused)
        return;
    channel->paused = true;
    if (channel->state != OPEN)
        return;
    (void)uv_read_stop((uv_stream_t *)&channel->tcp);
    (void)uv_timer_stop(&channel->timer);
    (void)uv_timer_stop(&channel->pace);
}

void channel_resume(struct channel *channel)
{
    if (channel->state >= LINGERING || !channel->paused)
        return;
    channel->paused = false;
    if (channel->state != OPEN)
        return;
    idle_restart(channel);
    channel_want_turn(channel);
}

/* --- beginning --------------------------------------------------------------------------------------------- */

/* Without TLS, which comes when it is known that the peer may come in. */
static struct channel *channel_new(uv_loop_t *loop, const struct channel_limits *limits,
                                   const struct channel_handlers *handlers, void *arg)
{
    struct channel *channel = calloc(1, sizeof *channel);
    if (channel == NULL)
        return NULL;
    channel->limits = *limits;
    channel->handlers = *handlers;
    channel->arg = arg;
    if (uv_tcp_init(loop, &channel->tcp) != 0) {
        free(channel);
        return NULL;
    }
    frame_reader_init(&channel->reader, limits->stranger_payload_bytes > 0 ? limits->stranger_payload_bytes
                                                                           : limits->max_payload_bytes);
    buf_init(&channel->plain, 0);
    buf_init(&channel->queue, 0);
    buf_init(&channel->flight, 0);
    (void)uv_timer_init(loop, &channel->timer);
    (void)uv_timer_init(loop, &channel->pace);
    (void)uv_prepare_init(loop, &channel->turn);
    channel->tcp.data = channel->timer.data = channel->pace.data = channel->turn.data = channel;
    handles_init(&channel->handles);
    handles_add(&channel->handles, &channel->tcp);
    handles_add(&channel->handles, &channel->timer);
    handles_add(&channel->handles, &channel->pace);
    handles_add(&channel->handles, &channel->turn);
    (void)uv_timer_start(&channel->timer, on_handshake_timeout, limits->handshake_timeout_ms, 0);
    return channel;
}

/* Ends one that its owner was not given. */
static struct channel *channel_withdraw(struct channel *channel)
{
    channel->silent = true;
    channel_abort(channel);
    return NULL;
}

/* TCP stands: the handshake begins. */
static void channel_begin(struct channel *channel)
{
    channel->state = HANDSHAKING;
    (void)uv_tcp_nodelay(&channel->tcp, 1);
    if (pump_advance(channel->pump) == PUMP_FAILED) {
        channel_tls_failed(channel);
        return;
    }
    channel_read(channel);
    channel_flush(channel);
}

static void on_connected(uv_connect_t *request, int status)
{
    struct channel *channel = request->data;
    if (channel->state == CLOSING)
        return;
    if (status < 0)
        channel_fail(channel, CHANNEL_CONNECT_FAILED, uv_strerror(status));
    else
        channel_begin(channel);
}

struct channel *channel_connect(uv_loop_t *loop, const struct address *address, uint16_t port,
                                SSL_CTX *context, const char *name, const struct channel_limits *limits,
                                const struct channel_handlers *handlers, void *arg)
{
    struct sockaddr_storage storage;
    if (address_to_sockaddr(address, port, &storage) == 0)
        return NULL;
    struct channel *channel = channel_new(loop, limits, handlers, arg);
    if (channel == NULL)
        return NULL;
    channel->pump = pump_new(context, false, name);
    if (channel->pump == NULL)
        return channel_withdraw(channel);
    channel->address = *address;
    channel->port = port;
    channel->connect.data = channel;
    int status =
        uv_tcp_connect(&channel->connect, &channel->tcp, (const struct sockaddr *)&storage, on_connected);
    if (status != 0)
        channel_fail(channel, CHANNEL_CONNECT_FAILED, uv_strerror(status));
    return channel;
}

struct channel *channel_accept(uv_stream_t *listener, SSL_CTX *context, const struct channel_limits *limits,
                               const struct channel_handlers *handlers, void *arg, bool *ret_waits)
{
    struct channel *channel = channel_new(listener->loop, limits, handlers, arg);
    *ret_waits = channel == NULL;
    if (channel == NULL)
        return NULL;
    struct sockaddr_storage storage = {0};
    int length = sizeof storage;
    if (uv_accept(listener, (uv_stream_t *)&channel->tcp) != 0 ||
        uv_tcp_getpeername(&channel->tcp, (struct sockaddr *)&storage, &length) != 0)
        return channel_withdraw(channel);
    (void)address_from_sockaddr((const struct sockaddr *)&storage, &channel->address, &channel->port);
    if (handlers->on_caller != NULL && !handlers->on_caller(&channel->address, arg))
        return channel_withdraw(channel);
    channel->pump = pump_new(context, true, NULL);
    if (channel->pump == NULL)
        return channel_withdraw(channel);
    channel_begin(channel);
    return channel;
}

/* --- public ------------------------------------------------------------------------------------------------ */

bool channel_send_payload(struct channel *channel, const void *payload, size_t length)
{
    return channel_queue(channel, payload, length);
}

void channel_pack_history(struct channel *channel, size_t sent_bytes, size_t received_bytes)
{
    channel->packed.most_bytes = sent_bytes;
    channel->unpacked.most_bytes = received_bytes;
}

bool channel_send_packed(struct channel *channel, const struct bytes *records, size_t count)
{
    struct buf zstd, noise;
    bool sent = false;
    buf_init(&zstd, FRAME_MAX_BYTES);
    buf_init(&noise, FRAME_MAX_BYTES);
    if (pack(&channel->packed, records, count, &zstd, &noise)) {
        const struct message message = {.kind = MESSAGE_PACKED,
                                        .packed = {{zstd.data, zstd.len}, {noise.data, noise.len}}};
        sent = channel_send(channel, &message);
    } else {
        channel_fail(channel, CHANNEL_OVERFLOW, "a batch could not be packed");
    }
    buf_done(&zstd);
    buf_done(&noise);
    return sent;
}

bool channel_send(struct channel *channel, const struct message *message)
{
    struct buf payload;
    buf_init(&payload, FRAME_MAX_BYTES);
    bool queued = false;
    if (message_encode(message, &payload))
        queued = channel_queue(channel, payload.data, payload.len);
    else
        channel_fail(channel, CHANNEL_OVERFLOW, "a message could not be encoded");
    buf_done(&payload);
    return queued;
}

void channel_close(struct channel *channel)
{
    channel_linger(channel, CHANNEL_CLOSED_BY_US, "closed");
}

void channel_known(struct channel *channel)
{
    channel->reader.max_payload = channel->limits.max_payload_bytes;
}

X509 *channel_peer_certificate(struct channel *channel)
{
    return SSL_get0_peer_certificate(pump_ssl(channel->pump));
}

int channel_peer_alert(const struct channel *channel)
{
    return pump_alert(channel->pump);
}

void channel_peer_address(const struct channel *channel, struct address *ret_address, uint16_t *ret_port)
{
    *ret_address = channel->address;
    *ret_port = channel->port;
}
