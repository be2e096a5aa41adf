#include "probe/resolver.h"

#include "cli/i18n.h"
#include "link/handles.h"
#include "probe/linger.h"
#include "words/address.h"
#include "words/buf.h"

#include <ares.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <unistd.h>

enum {
    RESOLVER_TIMEOUT_MS = 2000,
    RESOLVER_TRIES = 2,
    DNS_CLASS_IN = 1,
    DNS_PORT = 53,
    DNS_HEADER_BYTES = 12,
    DNS_QUESTION_BYTES = 255 + 4, /* the longest name, type and class */
    DNS_FLAGS_LOW = 3,            /* where the second byte of the flags stands in a message */
    DNS_CD = 0x10
};

/* Over UDP first, and over TCP alone. */
enum { CHANNEL_PLAIN, CHANNEL_TCP, CHANNELS };

struct resolver_channel {
    struct resolver *resolver;
    ares_channel ares; /* NULL: not open */
};

struct resolver {
    uv_loop_t *loop;
    struct resolver_channel channels[CHANNELS];
    struct resolver_socket *sockets;
    struct resolver_query *answered; /* those that may have another answer yet */
    struct udp_linger linger;
    bool closing;
    unsigned open; /* sockets not yet closed, and the timer */
    uv_timer_t timer;
    struct handles handles;
    char *servers;
    void (*closed)(void *arg);
    void *arg;
};

/* One of c-ares' sockets while it wants to be watched. */
struct resolver_socket {
    struct resolver_channel *channel;
    struct resolver_socket *next;
    ares_socket_t fd;
    uv_poll_t poll;
    struct handles handles;
};

struct resolver_query {
    struct resolver *resolver;
    struct resolver_query *next; /* among the answered */
    struct resolver_question question;
    bool pending;   /* c-ares has it */
    bool forgotten; /* its owner has let go */
    uint64_t answered_ms;
    size_t echo_bytes;
    uint8_t echo[2 + DNS_QUESTION_BYTES]; /* the answer's id, and its question as it stands in the message */
};

static void resolver_one_closed(struct resolver *resolver)
{
    if (--resolver->open > 0)
        return;
    void (*closed)(void *) = resolver->closed;
    void *arg = resolver->arg;
    free(resolver->servers);
    free(resolver);
    if (closed != NULL)
        closed(arg);
}

static void on_timer(uv_timer_t *timer);

static void resolver_set_timer(struct resolver *resolver)
{
    struct timeval first, wait;
    const struct timeval *soonest = NULL;
    for (size_t i = 0; i < CHANNELS; i++) {
        ares_channel ares = resolver->channels[i].ares;
        if (ares != NULL && ares_timeout(ares, NULL, &wait) != NULL &&
            (soonest == NULL || timercmp(&wait, soonest, <))) {
            first = wait;
            soonest = &first;
        }
    }
    if (soonest == NULL) {
        (void)uv_timer_stop(&resolver->timer);
        return;
    }
    uint64_t ms = (uint64_t)soonest->tv_sec * 1000 + (uint64_t)soonest->tv_usec / 1000 + 1;
    (void)uv_timer_start(&resolver->timer, on_timer, ms, 0);
}

static void on_timer(uv_timer_t *timer)
{
    struct resolver *resolver = timer->data;
    for (size_t i = 0; i < CHANNELS; i++)
        if (resolver->channels[i].ares != NULL)
            ares_process_fd(resolver->channels[i].ares, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    resolver_set_timer(resolver);
}

static void on_socket(uv_poll_t *poll, int status, int events)
{
    const struct resolver_socket *socket = poll->data;
    const struct resolver_channel *channel = socket->channel;
    ares_socket_t fd = socket->fd; /* the socket may be gone while c-ares works */
    bool both = status < 0;
    ares_process_fd(channel->ares, both || (events & UV_READABLE) ? fd : ARES_SOCKET_BAD,
                    both || (events & UV_WRITABLE) ? fd : ARES_SOCKET_BAD);
    resolver_set_timer(channel->resolver);
}

static void socket_closed(void *arg)
{
    struct resolver_socket *socket = arg;
    struct resolver *resolver = socket->channel->resolver;
    free(socket);
    resolver_one_closed(resolver);
}

static struct resolver_socket *socket_new(struct resolver_channel *channel, ares_socket_t fd)
{
    struct resolver *resolver = channel->resolver;
    struct resolver_socket *socket = calloc(1, sizeof *socket);
    if (socket == NULL)
        return NULL;
    if (uv_poll_init(resolver->loop, &socket->poll, fd) != 0) {
        free(socket);
        return NULL;
    }
    socket->channel = channel;
    socket->fd = fd;
    socket->poll.data = socket;
    handles_init(&socket->handles);
    handles_add(&socket->handles, &socket->poll);
    socket->next = resolver->sockets;
    resolver->sockets = socket;
    resolver->open++;
    return socket;
}

static void on_socket_state(void *arg, ares_socket_t fd, int readable, int writable)
{
    struct resolver_channel *channel = arg;
    struct resolver *resolver = channel->resolver;
    struct resolver_socket **link = &resolver->sockets;
    while (*link != NULL && (*link)->fd != fd)
        link = &(*link)->next;
    struct resolver_socket *socket = *link;
    if (!readable && !writable) {
        if (socket == NULL)
            return;
        *link = socket->next;
        handles_close_all(&socket->handles, resolver->loop, socket_closed, socket);
        return;
    }
    if (socket == NULL)
        socket = socket_new(channel, fd);
    /* Without memory the question simply times out. */
    if (socket != NULL)
        (void)uv_poll_start(&socket->poll, (readable ? UV_READABLE : 0) | (writable ? UV_WRITABLE : 0),
                            on_socket);
}

/* --- answers after the answer --- */

/* Id and question of a message. @return how many bytes; 0: it has not one question. */
static size_t read_echo(const uint8_t *bytes, size_t length, uint8_t echo[2 + DNS_QUESTION_BYTES])
{
    size_t end = DNS_HEADER_BYTES;
    if (length < DNS_HEADER_BYTES || bytes[4] != 0 || bytes[5] != 1)
        return 0;
    while (end < length && bytes[end] != 0 && bytes[end] < 64)
        end += 1U + bytes[end];
    end += 1 + 4; /* the root label, type and class */
    if (end > length || end - DNS_HEADER_BYTES > DNS_QUESTION_BYTES)
        return 0;
    memcpy(echo, bytes, 2);
    memcpy(echo + 2, bytes + DNS_HEADER_BYTES, end - DNS_HEADER_BYTES);
    return 2 + end - DNS_HEADER_BYTES;
}

static void on_datagram(const uint8_t *bytes, size_t length, void *arg)
{
    const struct resolver *resolver = arg;
    uint8_t echo[2 + DNS_QUESTION_BYTES];
    size_t echo_bytes = read_echo(bytes, length, echo);
    for (struct resolver_query *query = resolver->answered; query != NULL; query = query->next)
        if (echo_bytes > 0 && echo_bytes == query->echo_bytes && memcmp(echo, query->echo, echo_bytes) == 0 &&
            uv_now(resolver->loop) - query->answered_ms <= LINGER_MS)
            query->question.late(ARES_SUCCESS, bytes, length, query->question.arg);
}

static void stop_watching(struct resolver_query *query)
{
    struct resolver *resolver = query->resolver;
    struct resolver_query **link = &resolver->answered;
    while (*link != NULL && *link != query)
        link = &(*link)->next;
    if (*link == NULL)
        return;
    *link = query->next;
    if (resolver->answered == NULL)
        linger_end(&resolver->linger);
}

/* A question that was sent twice may rightly have two answers. */
static void start_watching(struct resolver_query *query, int timeouts, const uint8_t *bytes, size_t length)
{
    struct resolver *resolver = query->resolver;
    if (query->question.late == NULL || query->forgotten || timeouts > 0 || bytes == NULL)
        return;
    query->echo_bytes = read_echo(bytes, length, query->echo);
    query->answered_ms = uv_now(resolver->loop);
    query->next = resolver->answered;
    resolver->answered = query;
}

/* --- c-ares' sockets, which we make and close in its place: to see all datagrams, and to keep UDP sockets open --- */

static ares_socket_t open_socket(int family, int type, int protocol, void *arg)
{
    (void)arg;
    return socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
}

static int close_socket(ares_socket_t fd, void *arg)
{
    struct resolver *resolver = arg;
    int type = 0;
    socklen_t length = sizeof type;
    bool wanted = !resolver->closing && resolver->answered != NULL &&
                  getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) == 0 && type == SOCK_DGRAM;
    if (!wanted || !linger_take(&resolver->linger, fd))
        return close(fd);
    resolver->open++;
    return 0;
}

static int connect_socket(ares_socket_t fd, const struct sockaddr *address, ares_socklen_t length, void *arg)
{
    (void)arg;
    return connect(fd, address, length);
}

static ares_ssize_t receive(ares_socket_t fd, void *bytes, size_t length, int flags, struct sockaddr *from,
                            ares_socklen_t *from_length, void *arg)
{
    ssize_t got = recvfrom(fd, bytes, length, flags, from, from_length);
    if (got > 0 && from != NULL) /* a stream is read without asking from where */
        on_datagram(bytes, (size_t)got, arg);
    return got;
}

static ares_ssize_t send_parts(ares_socket_t fd, const struct iovec *parts, int count, void *arg)
{
    (void)arg;
    struct msghdr message = {.msg_iov = (struct iovec *)parts, .msg_iovlen = (size_t)count};
    return sendmsg(fd, &message, MSG_NOSIGNAL);
}

/* --- questions --- */

static void on_answer(void *arg, int status, int timeouts, unsigned char *bytes, int length)
{
    struct resolver_query *query = arg;
    size_t got = bytes == NULL || length < 0 ? 0 : (size_t)length;
    query->pending = false;
    if (query->forgotten) {
        free(query);
        return;
    }
    start_watching(query, timeouts, bytes, got);
    query->question.answer(status, bytes, got, query->question.arg);
}

static int channel_open(struct resolver *resolver, size_t index, const char *servers);

/* As ares_query asks, and with checking disabled. */
static bool ask_unchecked(ares_channel ares, struct resolver_query *query)
{
    unsigned char id[2], *message = NULL;
    int length = 0;
    if (RAND_bytes(id, sizeof id) != 1 ||
        ares_create_query(query->question.name, DNS_CLASS_IN, query->question.type,
                          (unsigned short)(id[0] << 8 | id[1]), 1, &message, &length, 0) != ARES_SUCCESS)
        return false;
    message[DNS_FLAGS_LOW] |= DNS_CD;
    ares_send(ares, message, length, on_answer, query);
    ares_free_string(message);
    return true;
}

struct resolver_query *resolver_ask(struct resolver *resolver, const struct resolver_question *question)
{
    size_t channel = question->how == ASK_TCP ? CHANNEL_TCP : CHANNEL_PLAIN;
    struct resolver_query *query = calloc(1, sizeof *query);
    if (query == NULL)
        return NULL;
    *query = (struct resolver_query){.resolver = resolver, .question = *question, .pending = true};
    if (resolver->channels[channel].ares == NULL &&
        channel_open(resolver, channel, resolver->servers) != ARES_SUCCESS) {
        free(query);
        return NULL;
    }
    ares_channel ares = resolver->channels[channel].ares;
    if (question->how != ASK_NO_CHECK) {
        ares_query(ares, question->name, DNS_CLASS_IN, question->type, on_answer, query);
    } else if (!ask_unchecked(ares, query)) {
        free(query);
        return NULL;
    }
    query->question.name = NULL; /* the caller's, needed no more */
    resolver_set_timer(resolver);
    return query;
}

void resolver_forget(struct resolver_query *query)
{
    if (query == NULL)
        return;
    query->forgotten = true;
    if (query->pending)
        return;
    stop_watching(query);
    free(query);
}

const char *resolver_servers(const struct resolver *resolver)
{
    return resolver->servers;
}

static void append_server(struct buf *out, const struct ares_addr_port_node *node)
{
    struct address address;
    char text[ADDRESS_TEXT_BYTES];
    bool v6 = node->family == AF_INET6;
    if (!address_from_bytes((const uint8_t *)&node->addr, v6 ? 16 : 4, &address))
        return;
    (void)buf_printf(out, v6 ? "%s[%s]:%d" : "%s%s:%d", out->len > 0 ? "," : "", address_text(&address, text),
                     node->udp_port > 0 ? node->udp_port : DNS_PORT);
}

/* What is really asked, as c-ares understood it. */
static char *servers_text(ares_channel channel)
{
    struct ares_addr_port_node *first = NULL;
    struct buf text;
    buf_init(&text, 0);
    if (ares_get_servers_ports(channel, &first) == ARES_SUCCESS) {
        for (const struct ares_addr_port_node *node = first; node != NULL; node = node->next)
            append_server(&text, node);
        ares_free_data(first);
    }
    return buf_take(&text);
}

static int channel_open(struct resolver *resolver, size_t index, const char *servers)
{
    static const struct ares_socket_functions functions = {
        open_socket, close_socket, connect_socket, receive, send_parts,
    };
    struct resolver_channel *channel = &resolver->channels[index];
    struct ares_options options = {
        /* NOCHECKRESP: an error rcode is an answer to be kept, not a reason to ask the next server. */
        .flags = ARES_FLAG_NOCHECKRESP | ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES |
                 (index == CHANNEL_TCP ? ARES_FLAG_USEVC : 0),
        .timeout = RESOLVER_TIMEOUT_MS,
        .tries = RESOLVER_TRIES,
        .sock_state_cb = on_socket_state,
        .sock_state_cb_data = channel,
    };
    int status =
        ares_init_options(&channel->ares, &options,
                          ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB);
    if (status != ARES_SUCCESS) {
        channel->ares = NULL;
        return status;
    }
    channel->resolver = resolver;
    ares_set_socket_functions(channel->ares, &functions, resolver);
    return servers == NULL ? ARES_SUCCESS : ares_set_servers_ports_csv(channel->ares, servers);
}

static void channels_close(struct resolver *resolver)
{
    resolver->closing = true;
    for (size_t i = 0; i < CHANNELS; i++) {
        if (resolver->channels[i].ares != NULL)
            ares_destroy(resolver->channels[i].ares);
        resolver->channels[i].ares = NULL;
    }
}

static void resolver_drop(struct resolver *resolver)
{
    channels_close(resolver);
    free(resolver->servers);
    free(resolver);
}

static char *why_text(const char *servers, int status)
{
    struct buf why;
    buf_init(&why, 0);
    (void)buf_printf(&why, _("resolver \"%s\": %s (expected ADDRESS or ADDRESS:PORT)"),
                     servers == NULL ? "" : servers, ares_strerror(status));
    return buf_take(&why);
}

static void one_closed(void *arg)
{
    resolver_one_closed(arg);
}

struct resolver *resolver_new(uv_loop_t *loop, const char *servers, char **ret_why)
{
    struct resolver *resolver = calloc(1, sizeof *resolver);
    if (resolver == NULL)
        return NULL;
    resolver->loop = loop;
    int status = ares_library_init(ARES_LIB_INIT_ALL);
    if (status == ARES_SUCCESS)
        status = channel_open(resolver, CHANNEL_PLAIN, servers);
    if (status == ARES_SUCCESS) {
        resolver->servers = servers_text(resolver->channels[CHANNEL_PLAIN].ares);
        status = resolver->servers == NULL || uv_timer_init(loop, &resolver->timer) != 0 ? ARES_ENOMEM
                                                                                         : ARES_SUCCESS;
    }
    if (status != ARES_SUCCESS) {
        *ret_why = why_text(servers, status);
        resolver_drop(resolver);
        return NULL;
    }
    resolver->timer.data = resolver;
    resolver->open = 1;
    resolver->linger =
        (struct udp_linger){.loop = loop, .datagram = on_datagram, .closed = one_closed, .arg = resolver};
    handles_init(&resolver->handles);
    handles_add(&resolver->handles, &resolver->timer);
    return resolver;
}

void resolver_close(struct resolver *resolver, void (*closed)(void *arg), void *arg)
{
    resolver->closed = closed;
    resolver->arg = arg;
    channels_close(resolver);
    linger_end(&resolver->linger);
    handles_close_all(&resolver->handles, resolver->loop, one_closed, resolver);
}
