#include "probe/wire.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/socket.h>
#include <uv.h>

void wire_init(struct wire *wire, int fd)
{
    *wire = (struct wire){.fd = fd};
}

void wire_seen(struct wire *wire, bool readable, bool ending)
{
    wire->dry &= !readable;
    wire->ending |= ending;
}

static void wire_fail(struct wire *wire, int error, enum evidence_call call)
{
    if (wire->error != 0)
        return;
    wire->error = error;
    wire->error_call = call;
}

static void wire_end(struct wire *wire)
{
    wire->ended = true;
    if (wire->on_end != NULL)
        wire->on_end(wire->arg);
}

static void wire_keep_first(struct wire *wire, const void *bytes, size_t length)
{
    size_t room = sizeof wire->first_bytes - wire->first_byte_count;
    size_t take = length < room ? length : room;
    memcpy(wire->first_bytes + wire->first_byte_count, bytes, take);
    wire->first_byte_count += take;
}

static bool would_block(int error)
{
    return error == EAGAIN || error == EWOULDBLOCK;
}

static ssize_t receive(int fd, void *bytes, size_t length)
{
    ssize_t got;
    do
        got = recv(fd, bytes, length, 0);
    while (got < 0 && errno == EINTR);
    return got;
}

int wire_read(struct wire *wire, void *bytes, size_t length)
{
    if (wire->ended || length == 0)
        return 0;
    if (wire->dry)
        return -1;
    if (wire->received_bytes >= WIRE_MAX_RECEIVED_BYTES) {
        wire->flooded = true;
        wire_end(wire);
        return 0;
    }
    ssize_t got = receive(wire->fd, bytes, length > INT_MAX ? INT_MAX : length);
    wire->dry = got < 0 && would_block(errno);
    if (wire->dry)
        return -1;
    if (got <= 0) {
        if (got < 0)
            wire_fail(wire, errno, CALL_RECV);
        wire->eof = got == 0;
        wire_end(wire);
        return 0;
    }
    if (wire->received_bytes == 0 && wire->on_received != NULL)
        wire->on_received(wire->arg);
    wire_keep_first(wire, bytes, (size_t)got);
    wire->received_bytes += (uint64_t)got;
    wire->reads++;
    wire->dry = (size_t)got < length && !wire->ending;
    if (wire->on_bytes != NULL)
        wire->on_bytes(false, bytes, (size_t)got, wire->arg);
    return (int)got;
}

void wire_complete_first(struct wire *wire)
{
    uint8_t bytes[EVIDENCE_FIRST_BYTES];
    size_t room = sizeof wire->first_bytes - wire->first_byte_count;
    if (wire->ended || wire->received_bytes == 0 || room == 0)
        return;
    ssize_t got = receive(wire->fd, bytes, room);
    if (got <= 0)
        return;
    wire_keep_first(wire, bytes, (size_t)got);
    wire->received_bytes += (uint64_t)got;
}

static ssize_t transmit(const struct wire *wire, const void *bytes, size_t length)
{
    ssize_t sent;
    do
        sent = send(wire->fd, bytes, length, MSG_NOSIGNAL | (wire->last ? MSG_MORE : 0));
    while (sent < 0 && errno == EINTR);
    return sent;
}

int wire_write(struct wire *wire, const void *bytes, size_t length)
{
    int claimed = length > INT_MAX ? INT_MAX : (int)length;
    if (wire->ended || wire->mute)
        return claimed;
    bool piecewise = wire->in_pieces && wire->received_bytes == 0;
    if (piecewise && wire->between)
        return -1;
    if (piecewise && claimed > WIRE_PIECE_BYTES)
        claimed = WIRE_PIECE_BYTES;
    ssize_t sent = transmit(wire, bytes, (size_t)claimed);
    if (sent < 0 && would_block(errno))
        return -1;
    if (sent < 0) {
        wire_fail(wire, errno, CALL_SEND);
        wire->mute = true;
        wire->dry = false;
        return claimed;
    }
    if (wire->sent_bytes == 0 && wire->on_sent != NULL)
        wire->on_sent(wire->arg);
    wire->sent_bytes += (uint64_t)sent;
    if (wire->on_bytes != NULL)
        wire->on_bytes(true, bytes, (size_t)sent, wire->arg);
    wire->between = piecewise;
    return (int)sent;
}

/* --- the BIO ----------------------------------------------------------------------------------------------- */

static int bio_read(BIO *bio, char *bytes, int length)
{
    struct wire *wire = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (length <= 0)
        return 0;
    int got = wire_read(wire, bytes, (size_t)length);
    if (got < 0)
        BIO_set_retry_read(bio);
    /* libssl tells "unexpected EOF" from a failed call by BIO_eof and the sign, and reads errno after it. */
    if (got == 0 && !wire->eof) {
        errno = wire->error;
        return -1;
    }
    return got;
}

static int bio_write(BIO *bio, const char *bytes, int length)
{
    struct wire *wire = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (length <= 0)
        return 0;
    int sent = wire_write(wire, bytes, (size_t)length);
    if (sent < 0)
        BIO_set_retry_write(bio);
    return sent;
}

static long bio_control(BIO *bio, int command, long number, void *pointer)
{
    (void)number;
    (void)pointer;
    const struct wire *wire = BIO_get_data(bio);
    switch (command) {
    case BIO_CTRL_FLUSH:
    case BIO_CTRL_PUSH:
    case BIO_CTRL_POP:
        return 1;
    case BIO_CTRL_EOF:
        return wire != NULL && wire->eof;
    default:
        return 0;
    }
}

static BIO_METHOD *wire_method;

static void make_method(void)
{
    BIO_METHOD *method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "wire");
    if (method == NULL)
        return;
    if (BIO_meth_set_read(method, bio_read) != 1 || BIO_meth_set_write(method, bio_write) != 1 ||
        BIO_meth_set_ctrl(method, bio_control) != 1) {
        BIO_meth_free(method);
        return;
    }
    wire_method = method;
}

BIO *wire_bio(struct wire *wire)
{
    static uv_once_t once = UV_ONCE_INIT;
    uv_once(&once, make_method);
    BIO *bio = wire_method == NULL ? NULL : BIO_new(wire_method);
    if (bio == NULL)
        return NULL;
    BIO_set_data(bio, wire);
    BIO_set_init(bio, 1);
    return bio;
}
