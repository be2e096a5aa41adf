#include "link/clock.h"
#include "probe/hello_facts.h"
#include "probe/tcp.h"
#include "sweep/sweep_parts.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

/*
 * One connection from its turn to its attempt. The attempt is made at the end, of what the connection's struct kept, and lives for
 * the callback alone.
 */

enum { PIECE_BYTES = 512 };

/* --- the end -------------------------------------------------------------------------------------------------------- */

static void leave_open(struct sweep_connection *connection)
{
    struct sweep *sweep = connection->item->sweep;
    if (connection->state == SWEEP_WAITING)
        return;
    *(connection->previous != NULL ? &connection->previous->next : &sweep->open) = connection->next;
    *(connection->next != NULL ? &connection->next->previous : &sweep->open_last) = connection->previous;
    sweep->counts.open--;
}

void sweep_connection_free(struct sweep_connection *connection)
{
    struct sweep *sweep = connection->item->sweep;
    leave_open(connection);
    if (connection->fd >= 0)
        (void)close(connection->fd);
    sweep->pieces_bytes -= connection->piece_room;
    free(connection->pieces);
    free(connection);
}

/* There is one at a time, and all are made in the same place. */
static struct attempt *begin_attempt(const struct sweep_item *item, int64_t start_us)
{
    struct attempt *attempt = item->sweep->attempt;
    attempt_clear(attempt);
    attempt->agent_version = PARALLAX_VERSION;
    attempt->tls_library = OpenSSL_version(OPENSSL_VERSION);
    attempt->depth = DEPTH_HELLO;
    attempt->hello_profile = item->sweep->options.profile->name;
    attempt->flow.destination_port = item->endpoint.port;
    attempt->clock.start_us = start_us;
    attempt->tls.sni = item->sni;
    sweep_keep_dns(item, attempt);
    return attempt;
}

static void end_attempt(struct sweep_item *item, const struct address *address)
{
    struct sweep *sweep = item->sweep;
    item->tried |= address->length == 16 ? SWEEP_ONLY_IPV6 : address->length == 4 ? SWEEP_ONLY_IPV4 : 0;
    sweep->counts.attempts++;
    sweep->options.attempt(&item->endpoint, sweep->attempt, sweep->options.arg);
}

void sweep_refuse(struct sweep_item *item, const struct address *address, enum evidence_local local,
                  int error, const char *detail)
{
    struct attempt *attempt = begin_attempt(item, clock_wall_us());
    const char *kept = arena_string(&attempt->arena, detail);
    attempt->flow.destination = *address;
    attempt->local = local;
    attempt->local_error = error;
    attempt->local_detail = kept == NULL ? "" : kept;
    end_attempt(item, address);
}

void sweep_unresolved(struct sweep_item *item)
{
    const struct address none = {0};
    (void)begin_attempt(item, clock_wall_us());
    end_attempt(item, &none);
}

static void keep_clock(const struct sweep_connection *connection, struct evidence_clock *clock)
{
    if (connection->item->endpoint.address.length == 0)
        clock->resolved_us = 0;
    clock->connect_us = 0;
    clock->connected_us = connection->connected_us;
    clock->hello_sent_us = connection->hello_sent_us;
    clock->first_byte_us = connection->first_byte_us;
    clock->closed_us = clock_mono_us() - connection->start_us;
}

static void keep_bytes(const struct sweep_connection *connection, const uint8_t *bytes, size_t length,
                       struct evidence_end *end)
{
    end->sent_bytes = connection->hello_sent_us == EVIDENCE_NEVER ? 0 : connection->hello_length;
    end->received_bytes = length;
    end->first_byte_count = length < EVIDENCE_FIRST_BYTES ? length : EVIDENCE_FIRST_BYTES;
    if (length > 0)
        memcpy(end->first_bytes, bytes, end->first_byte_count);
}

/* Of TLS 1.2 and older the certificates come in plain text, and what came of them with the ServerHello is here anyway. */
static void keep_certificates(struct sweep *sweep, const struct hello_answer *answer, struct attempt *attempt)
{
    struct evidence_tls *tls = &attempt->tls;
    size_t count = answer->certificate_count;
    tls->chain = count == 0 ? NULL : arena_array(&attempt->arena, count, sizeof *tls->chain);
    for (size_t i = 0; tls->chain != NULL && i < count; i++) {
        struct chain_certificate *certificate = &tls->chain[i];
        const struct hello_span *der = &answer->certificates[i];
        if (EVP_Digest(der->bytes, der->length, certificate->sha256, NULL, sweep->sha256, NULL) != 1)
            break;
        certificate->der = der->bytes;
        certificate->der_length = der->length;
        tls->chain_count++;
    }
    tls->chain_dropped = answer->certificates_dropped + (uint32_t)(count - tls->chain_count);
}

static void keep_answer(struct sweep *sweep, const struct sweep_connection *connection,
                        const struct hello_answer *answer, struct attempt *attempt)
{
    enum evidence_ending how = hello_facts(attempt, sweep->options.profile, answer, connection->hello_length,
                                           connection->first_byte_us);
    keep_certificates(sweep, answer, attempt);
    if (how != ENDING_NONE)
        attempt->end.how = how;
}

static void keep_counters(const struct sweep_connection *connection, struct attempt *attempt)
{
    struct tcp_snapshot *asked = &attempt->tcp[MOMENT_HELLO];
    attempt->tcp[MOMENT_CONNECTED] = connection->connected;
    *asked = connection->asked;
    if (connection->just_asked)
        attempt->tcp[MOMENT_END] = *asked;
    else
        (void)tcp_snapshot_take(connection->fd, attempt->clock.closed_us, &attempt->tcp[MOMENT_END]);
    if (asked->taken && asked->bytes_acked > connection->hello_length)
        attempt->clock.hello_acked_us = asked->at_us;
}

/*
 * It is over in this way. What the peer's application has not read any more must not wait for it: a reset frees both sides at
 * once, and no port of ours stays behind in TIME_WAIT.
 * @param how     unless the answer says so.
 * @param answer  read from `bytes`, all that came of it; NULL: no hello was sent.
 */
static void finish(struct sweep_connection *connection, enum evidence_ending how,
                   const struct hello_answer *answer, const uint8_t *bytes, size_t length)
{
    static const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    struct sweep_item *item = connection->item;
    struct attempt *attempt = begin_attempt(item, connection->wall_us);
    keep_clock(connection, &attempt->clock);
    keep_bytes(connection, bytes, length, &attempt->end);
    attempt->flow = connection->flow;
    attempt->end.how = how;
    keep_counters(connection, attempt);
    if (answer != NULL)
        keep_answer(item->sweep, connection, answer, attempt);
    (void)setsockopt(connection->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    const struct address address = connection->address;
    end_attempt(item, &address);
    sweep_connection_free(connection);
    sweep_item_release(item);
}

/* Without a connection. */
static void finish_unconnected(struct sweep_connection *connection)
{
    finish(connection, ENDING_NONE, NULL, NULL, 0);
}

/* With what had come of an answer before. */
static void finish_with_pieces(struct sweep_connection *connection, enum evidence_ending how)
{
    struct sweep *sweep = connection->item->sweep;
    struct hello_answer answer;
    hello_answer_read(connection->pieces, connection->piece_bytes, sweep->joined, &answer);
    bool asked = connection->hello_sent_us != EVIDENCE_NEVER;
    finish(connection, how, asked ? &answer : NULL, connection->pieces, connection->piece_bytes);
}

/* Before there is a socket worth watching. */
static void finish_local(struct sweep_connection *connection, enum evidence_local local, int error,
                         const char *detail)
{
    struct sweep_item *item = connection->item;
    const struct address address = connection->address;
    sweep_connection_free(connection);
    sweep_refuse(item, &address, local, error, detail);
    sweep_item_release(item);
}

/* --- the answer ----------------------------------------------------------------------------------------------------- */

/* Puts what came behind what came before it. @return false when it is more than a ServerHello may be, or all together are. */
static bool keep_piece(struct sweep_connection *connection, const uint8_t *bytes, size_t length)
{
    struct sweep *sweep = connection->item->sweep;
    size_t wanted = connection->piece_bytes + length, room = PIECE_BYTES;
    if (wanted > SWEEP_ANSWER_MAX)
        return false;
    while (room < wanted)
        room *= 2;
    if (room > connection->piece_room) {
        size_t more = room - connection->piece_room;
        if (sweep->pieces_bytes + more > SWEEP_PIECES_MAX_BYTES)
            return false;
        uint8_t *grown = realloc(connection->pieces, room);
        if (grown == NULL)
            return false;
        connection->pieces = grown;
        connection->piece_room = room;
        sweep->pieces_bytes += more;
    }
    memcpy(connection->pieces + connection->piece_bytes, bytes, length);
    connection->piece_bytes = wanted;
    return true;
}

/* @return true when it is over, and the connection gone. */
static bool take_bytes(struct sweep_connection *connection, size_t length)
{
    struct sweep *sweep = connection->item->sweep;
    const uint8_t *bytes = sweep->bytes;
    struct hello_answer answer;
    if (connection->piece_bytes > 0) {
        if (!keep_piece(connection, bytes, length)) {
            finish_with_pieces(connection, ENDING_ERROR);
            return true;
        }
        bytes = connection->pieces;
        length = connection->piece_bytes;
    }
    hello_answer_read(bytes, length, sweep->joined, &answer);
    if (hello_answer_is_over(&answer)) {
        finish(connection, ENDING_NONE, &answer, bytes, length);
        return true;
    }
    if (connection->piece_bytes > 0 || keep_piece(connection, bytes, length))
        return false;
    finish(connection, ENDING_ERROR, &answer, bytes, length);
    return true;
}

static enum evidence_ending ending_of_error(const struct sweep_connection *connection, int error)
{
    if (error == 0)
        return connection->flow.error == ECONNRESET || connection->flow.error == EPIPE ? ENDING_RESET
                                                                                       : ENDING_FIN;
    return error == ECONNRESET || error == EPIPE ? ENDING_RESET
           : error == ETIMEDOUT                  ? ENDING_TIMEOUT
                                                 : ENDING_ERROR;
}

static void finish_read(struct sweep_connection *connection, int error)
{
    if (error != 0 && connection->flow.error == 0) {
        connection->flow.error = error;
        connection->flow.error_call = CALL_RECV;
    }
    finish_with_pieces(connection, ending_of_error(connection, error));
}

/* Edge-triggered: reads until nothing is left, which SWEEP_ANSWER_MAX bounds. */
static void read_answer(struct sweep_connection *connection)
{
    struct sweep *sweep = connection->item->sweep;
    int64_t now_us = clock_mono_us() - connection->start_us;
    connection->just_asked =
        !connection->asked.taken && tcp_snapshot_take(connection->fd, now_us, &connection->asked);
    for (;;) {
        ssize_t got = recv(connection->fd, sweep->bytes, sizeof sweep->bytes, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            connection->just_asked = false;
            return;
        }
        if (got <= 0) {
            finish_read(connection, got < 0 ? errno : 0);
            return;
        }
        if (connection->first_byte_us == EVIDENCE_NEVER)
            connection->first_byte_us = now_us;
        if (take_bytes(connection, (size_t)got))
            return;
    }
}

/* --- the hello ------------------------------------------------------------------------------------------------------ */

static bool take_random(struct sweep *sweep, uint8_t *out, size_t length)
{
    if (sweep->randoms_left < length) {
        if (RAND_bytes(sweep->randoms, sizeof sweep->randoms) != 1)
            return false;
        sweep->randoms_left = sizeof sweep->randoms;
    }
    sweep->randoms_left -= length;
    memcpy(out, sweep->randoms + sweep->randoms_left, length);
    return true;
}

static bool make_hello(struct sweep *sweep, const char *sni)
{
    uint8_t random[HELLO_DECOY_RANDOM_BYTES];
    return take_random(sweep, random, sizeof random) && sweep_hello_make(&sweep->hello, sni, random);
}

/* A socket that has sent nothing yet takes a hello whole. */
static void send_hello(struct sweep_connection *connection)
{
    struct sweep *sweep = connection->item->sweep;
    const struct buf *hello = &sweep->hello.bytes;
    if (!make_hello(sweep, connection->item->sni)) {
        finish_local(connection, LOCAL_RESOURCE, 0, "hello");
        return;
    }
    connection->state = SWEEP_ASKED;
    connection->hello_length = (uint32_t)hello->len;
    connection->hello_sent_us = clock_mono_us() - connection->start_us;
    ssize_t sent = send(connection->fd, hello->data, hello->len, MSG_NOSIGNAL);
    if (sent < 0) {
        connection->flow.error = errno;
        connection->flow.error_call = CALL_SEND;
    } else if ((size_t)sent < hello->len) {
        finish_local(connection, LOCAL_RESOURCE, 0, "send");
    }
}

/* Neither the socket nor its queue of ICMP messages has an error, or the kernel would say EPOLLERR: then it need not be asked. */
static bool is_connected(struct sweep_connection *connection, uint32_t events)
{
    if (events & (EPOLLERR | EPOLLHUP))
        return tcp_connect_result(connection->fd, &connection->flow) == 0;
    tcp_connected(connection->fd, &connection->flow);
    return true;
}

void sweep_connection_event(struct sweep_connection *connection, uint32_t events)
{
    if (connection->state == SWEEP_ASKED) {
        read_answer(connection);
        return;
    }
    if (!is_connected(connection, events)) {
        finish_unconnected(connection);
        return;
    }
    connection->connected_us = clock_mono_us() - connection->start_us;
    (void)tcp_snapshot_take(connection->fd, connection->connected_us, &connection->connected);
    send_hello(connection);
}

void sweep_connection_expire(struct sweep_connection *connection)
{
    finish_with_pieces(connection, ENDING_TIMEOUT);
}

/* --- the beginning -------------------------------------------------------------------------------------------------- */

static void enter_open(struct sweep_connection *connection)
{
    struct sweep *sweep = connection->item->sweep;
    connection->state = SWEEP_CONNECTING;
    connection->previous = sweep->open_last;
    *(sweep->open_last != NULL ? &sweep->open_last->next : &sweep->open) = connection;
    sweep->open_last = connection;
    sweep->counts.open++;
}

static bool watch(struct sweep_connection *connection)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = connection};
    return epoll_ctl(connection->item->sweep->epoll, EPOLL_CTL_ADD, connection->fd, &event) == 0;
}

static void failed_at_once(struct sweep_connection *connection, int error, enum evidence_call call)
{
    enum evidence_local local = tcp_local_reason(error);
    connection->flow.error = error;
    connection->flow.error_call = call;
    if (local == LOCAL_NONE)
        finish_unconnected(connection);
    else
        finish_local(connection, local, error, evidence_call_name((int)call));
}

/* The address is judged in the statement before it is connected to, as everywhere (duty/policy.h). */
void sweep_connection_start(struct sweep_connection *connection)
{
    struct sweep_item *item = connection->item;
    const struct policy *policy = item->sweep->options.policy;
    char why[POLICY_WHY_BYTES] = "";
    struct sockaddr_storage name;
    socklen_t length = address_to_sockaddr(&connection->address, item->endpoint.port, &name);
    connection->flow = (struct evidence_flow){.destination = connection->address,
                                              .destination_port = item->endpoint.port,
                                              .icmp_type = -1,
                                              .icmp_code = -1};
    connection->connected_us = connection->hello_sent_us = connection->first_byte_us = EVIDENCE_NEVER;
    connection->wall_us = clock_wall_us();
    connection->start_us = clock_mono_us();
    connection->fd = tcp_socket(&connection->address, &item->sweep->options.source);
    enter_open(connection);
    if (connection->fd < 0) {
        failed_at_once(connection, errno, CALL_SOCKET);
        return;
    }
    if (policy != NULL && !policy_allows_address(policy, &connection->address, why)) {
        finish_local(connection, LOCAL_POLICY, 0, why);
        return;
    }
    if (connect(connection->fd, (const struct sockaddr *)&name, length) != 0 && errno != EINPROGRESS) {
        failed_at_once(connection, errno, CALL_CONNECT);
        return;
    }
    tcp_source(connection->fd, &connection->flow);
    if (!watch(connection))
        finish_local(connection, LOCAL_RESOURCE, errno, "epoll_ctl");
}
