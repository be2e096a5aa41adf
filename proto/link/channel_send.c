#include "link/channel_parts.h"

#include <stdio.h>
#include <stdlib.h>

/* How a channel sends, and how it ends. The states are drawn in channel.c. */

/* --- ending ------------------------------------------------------------------------------------------------ */

static void channel_free(void *arg)
{
    struct channel *channel = arg;
    if (!channel->silent)
        channel->handlers.on_closed(channel, channel->failure, channel->why, channel->arg);
    pump_free(channel->pump);
    frame_reader_done(&channel->reader);
    pack_done(&channel->packed);
    pack_done(&channel->unpacked);
    buf_done(&channel->plain);
    buf_done(&channel->queue);
    buf_done(&channel->flight);
    free(channel);
}

void channel_abort(struct channel *channel)
{
    channel->state = CLOSING;
    handles_close_all(&channel->handles, channel->tcp.loop, channel_free, channel);
}

void channel_say(struct channel *channel, enum channel_failure failure, const char *why)
{
    channel->failure = failure;
    (void)snprintf(channel->why, sizeof channel->why, "%s", why);
}

void channel_fail(struct channel *channel, enum channel_failure failure, const char *why)
{
    if (channel->state >= LINGERING)
        return;
    channel_say(channel, failure, why);
    channel_abort(channel);
}

static void on_linger_timeout(uv_timer_t *timer)
{
    channel_abort(timer->data);
}

void channel_linger(struct channel *channel, enum channel_failure failure, const char *why)
{
    if (channel->state >= LINGERING)
        return;
    channel_say(channel, failure, why);
    if (channel->state == CONNECTING) {
        channel_abort(channel);
        return;
    }
    channel->state = LINGERING;
    (void)uv_timer_stop(&channel->pace);
    (void)uv_timer_start(&channel->timer, on_linger_timeout, LINGER_MS, 0);
    channel_want_turn(channel);
    channel_read(channel);
}

void channel_breach(struct channel *channel, enum channel_failure failure, const char *rule)
{
    const struct message goodbye = {.kind = MESSAGE_GOODBYE,
                                    .goodbye = {.reason = GOODBYE_PROTOCOL, .text = rule}};
    if (channel->state == OPEN)
        (void)channel_send(channel, &goodbye); /* a peer that does not read may overflow, and ends by that */
    channel_linger(channel, failure, rule);
}

/* --- sending ----------------------------------------------------------------------------------------------- */

static size_t queue_left(const struct channel *channel)
{
    return channel->queue.len - channel->queue_taken;
}

static void buf_trim(struct buf *buf)
{
    if (buf->cap > KEEP_BYTES)
        buf_done(buf);
    else
        buf_clear(buf);
}

/* Encrypts the next piece of the queue. */
static bool channel_encrypt(struct channel *channel)
{
    size_t length = queue_left(channel) < FLUSH_BYTES ? queue_left(channel) : FLUSH_BYTES;
    if (length == 0 || pump_state(channel->pump) != PUMP_OPEN)
        return true;
    if (!pump_send(channel->pump, channel->queue.data + channel->queue_taken, length))
        return false;
    channel->queue_taken += length;
    if (queue_left(channel) == 0) {
        buf_trim(&channel->queue);
        channel->queue_taken = 0;
    }
    return true;
}

static void on_written(uv_write_t *request, int status)
{
    struct channel *channel = request->data;
    channel->writing = false;
    buf_trim(&channel->flight);
    pump_slim(channel->pump);
    if (channel->state == CLOSING)
        return;
    if (status < 0 && channel->state == LINGERING) {
        channel_abort(channel);
        return;
    }
    if (status < 0) {
        channel_fail(channel, CHANNEL_IO_FAILED, uv_strerror(status));
        return;
    }
    channel_flush(channel);
    if (channel->state == OPEN && !channel->writing && queue_left(channel) == 0 &&
        channel->handlers.on_drained != NULL)
        channel->handlers.on_drained(channel, channel->arg);
}

static void on_shutdown(uv_shutdown_t *request, int status)
{
    struct channel *channel = request->data;
    if (status < 0 && channel->state == LINGERING)
        channel_abort(channel);
}

/* Nothing is left to write: when the end was asked for, say it, one step a call. @return true when more came
 * to write. */
static bool channel_say_goodbye(struct channel *channel)
{
    if (channel->state != LINGERING || channel->fin_sent)
        return false;
    if (!channel->notified) {
        channel->notified = true;
        pump_shutdown(channel->pump);
        return true;
    }
    channel->fin_sent = true;
    channel->shutdown.data = channel;
    if (uv_shutdown(&channel->shutdown, (uv_stream_t *)&channel->tcp, on_shutdown) != 0)
        channel_abort(channel);
    return false;
}

static void channel_io_failed(struct channel *channel, const char *why)
{
    if (channel->state == LINGERING)
        channel_abort(channel);
    else
        channel_fail(channel, CHANNEL_IO_FAILED, why);
}

void channel_flush(struct channel *channel)
{
    if (channel->writing || channel->state == CONNECTING || channel->state == CLOSING)
        return;
    do {
        if (!channel_encrypt(channel) || !pump_take(channel->pump, &channel->flight)) {
            channel_io_failed(channel, "cannot encrypt what is to be sent");
            return;
        }
    } while (channel->flight.len == 0 && channel_say_goodbye(channel));
    if (channel->flight.len == 0 || channel->state == CLOSING)
        return;
    uv_buf_t bytes = uv_buf_init((char *)channel->flight.data, (unsigned)channel->flight.len);
    channel->write.data = channel;
    int status = uv_write(&channel->write, (uv_stream_t *)&channel->tcp, &bytes, 1, on_written);
    if (status != 0) {
        channel_io_failed(channel, uv_strerror(status));
        return;
    }
    channel->sent += channel->flight.len;
    channel->writing = true;
}

bool channel_queue(struct channel *channel, const void *payload, size_t length)
{
    if (channel->state >= LINGERING)
        return false;
    size_t waiting = queue_left(channel) + channel->flight.len;
    if (waiting > channel->limits.max_queued_bytes ||
        length + FRAME_HEADER_BYTES > channel->limits.max_queued_bytes - waiting) {
        channel_fail(channel, CHANNEL_OVERFLOW, "too much waits to be sent");
        return false;
    }
    if (channel->queue_taken > FLUSH_BYTES && channel->queue_taken > channel->queue.len / 2) {
        buf_drop(&channel->queue, channel->queue_taken);
        channel->queue_taken = 0;
    }
    if (!frame_write(&channel->queue, payload, length)) {
        channel_fail(channel, CHANNEL_OVERFLOW, "a message is too big or memory is out");
        return false;
    }
    channel_want_turn(channel);
    return true;
}
