/*
 * lab-server: misbehaving servers on demand, several listeners in one process.
 *
 *   lab-server [--record FILE] KIND --listen ADDR:PORT [KIND OPTIONS] [KIND ...]
 *   lab-server ports COUNT
 *
 *   reset-hello [--from CIDR]... [--name NAME] [--divert ADDR:PORT] --to ADDR:PORT
 *                reads the ClientHello; when the client's source address is in a CIDR and the hello holds NAME (if given), answers
 *                it with RST, or relays to --divert; relays all else to --to
 *   silent       accepts and never answers
 *   close        reads the ClientHello, then FIN
 *   http         answers whatever comes as a plain HTTP server does
 *
 * --record appends "MICROSECONDS PEER LISTENER" for every accepted connection, in CLOCK_REALTIME.
 * `ports` prints free TCP ports, outside the range that outgoing connections take theirs from.
 *
 *        accept --> HELLO --(whole record read)--> reset | close | answer
 *                     |
 *                     +--(not from CIDR)--> RELAY --(both sides ended)--> closed
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    MAX_LISTENERS = 32,
    MAX_CONNECTIONS = 1024,
    MAX_FROM = 8,
    BUFFER_BYTES = 16 * 1024 + 5, /* one TLS record */
    FIRST_PORT = 20000,
    LAST_PORT = 32000, /* below net.ipv4.ip_local_port_range */
};

enum kind { KIND_RESET_HELLO, KIND_SILENT, KIND_CLOSE, KIND_HTTP, KIND_COUNT };
static const char *const kind_names[KIND_COUNT] = {"reset-hello", "silent", "close", "http"};

struct cidr {
    uint32_t network; /* host order */
    uint32_t mask;
};

struct listener {
    enum kind kind;
    int fd;
    struct sockaddr_in address;
    struct sockaddr_in to;
    struct sockaddr_in divert; /* no family: none */
    const char *name;          /* NULL: any */
    size_t from_count;
    struct cidr from[MAX_FROM];
};

/* One direction of a relay, or what came of the ClientHello. */
struct flow {
    uint8_t bytes[BUFFER_BYTES];
    size_t length;
    bool ended; /* the source has sent FIN */
    bool shut;  /* and so have we, to the other side */
};

struct connection {
    const struct listener *listener;
    int client;
    int upstream; /* -1 until it relays */
    struct flow up;
    struct flow down;
    bool is_from; /* one of the listener's CIDRs */
};

static struct listener listeners[MAX_LISTENERS];
static size_t listener_count;
static struct connection *connections[MAX_CONNECTIONS];
static size_t connection_count;
static FILE *record;
static volatile sig_atomic_t stopping;

static void fail(const char *what, const char *value)
{
    fprintf(stderr, "lab-server: %s: %s\n", what, value);
    exit(2);
}

static void on_signal(int number)
{
    (void)number;
    stopping = 1;
}

static struct sockaddr_in parse_address(const char *text)
{
    char host[INET_ADDRSTRLEN];
    struct sockaddr_in address = {.sin_family = AF_INET};
    const char *colon = text ? strrchr(text, ':') : NULL;
    size_t length = colon ? (size_t)(colon - text) : 0;
    if (length == 0 || length >= sizeof(host))
        fail("expected ADDR:PORT", text ? text : "nothing");
    memcpy(host, text, length);
    host[length] = '\0';
    char *end;
    unsigned long port = strtoul(colon + 1, &end, 10);
    if (*end || end == colon + 1 || port > 65535 || inet_pton(AF_INET, host, &address.sin_addr) != 1)
        fail("expected ADDR:PORT", text);
    address.sin_port = htons((uint16_t)port);
    return address;
}

static struct cidr parse_cidr(const char *text)
{
    char host[INET_ADDRSTRLEN];
    struct in_addr address;
    size_t length = text ? strcspn(text, "/") : 0;
    if (length == 0 || length >= sizeof(host))
        fail("expected CIDR", text ? text : "nothing");
    memcpy(host, text, length);
    host[length] = '\0';
    unsigned long bits = text[length] ? strtoul(text + length + 1, NULL, 10) : 32;
    if (bits > 32 || inet_pton(AF_INET, host, &address) != 1)
        fail("expected CIDR", text);
    uint32_t mask = bits ? UINT32_MAX << (32 - bits) : 0;
    return (struct cidr){.network = ntohl(address.s_addr) & mask, .mask = mask};
}

static bool is_from(const struct listener *listener, const struct sockaddr_in *peer)
{
    uint32_t address = ntohl(peer->sin_addr.s_addr);
    for (size_t i = 0; i < listener->from_count; i++)
        if ((address & listener->from[i].mask) == listener->from[i].network)
            return true;
    return false;
}

static void close_connection(size_t index, bool reset)
{
    struct connection *connection = connections[index];
    struct linger abort_now = {.l_onoff = 1, .l_linger = 0};
    if (reset)
        setsockopt(connection->client, SOL_SOCKET, SO_LINGER, &abort_now, sizeof(abort_now));
    close(connection->client);
    if (connection->upstream >= 0)
        close(connection->upstream);
    free(connection);
    connections[index] = connections[--connection_count];
}

static void note_accept(const struct listener *listener, const struct sockaddr_in *peer,
                        const struct timespec *at)
{
    char from[INET_ADDRSTRLEN], to[INET_ADDRSTRLEN];
    if (!record)
        return;
    inet_ntop(AF_INET, &peer->sin_addr, from, sizeof(from));
    inet_ntop(AF_INET, &listener->address.sin_addr, to, sizeof(to));
    fprintf(record, "%lld %s:%u %s:%u\n", (long long)at->tv_sec * 1000000 + at->tv_nsec / 1000, from,
            (unsigned)ntohs(peer->sin_port), to, (unsigned)ntohs(listener->address.sin_port));
    fflush(record);
}

static void accept_one(const struct listener *listener, const struct timespec *at)
{
    struct sockaddr_in peer;
    socklen_t length = sizeof(peer);
    int fd = accept4(listener->fd, (struct sockaddr *)&peer, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        return;
    note_accept(listener, &peer, at);
    struct connection *connection =
        connection_count < MAX_CONNECTIONS ? calloc(1, sizeof(*connection)) : NULL;
    if (!connection) {
        close(fd);
        return;
    }
    connection->listener = listener;
    connection->client = fd;
    connection->upstream = -1;
    connection->is_from = is_from(listener, &peer);
    connections[connection_count++] = connection;
}

/* The whole first record is there, or as much of it as we keep; anything that is not TLS counts as whole. */
static bool hello_is_whole(const struct flow *flow)
{
    if (flow->length < 5)
        return flow->length > 0 && flow->bytes[0] != 22;
    size_t record_bytes = 5 + ((size_t)flow->bytes[3] << 8 | flow->bytes[4]);
    return flow->bytes[0] != 22 || flow->length >= record_bytes || flow->length == sizeof(flow->bytes);
}

/* @return false when the connection broke. */
static bool fill(int fd, struct flow *flow)
{
    if (flow->ended || flow->length == sizeof(flow->bytes))
        return true;
    ssize_t got = recv(fd, flow->bytes + flow->length, sizeof(flow->bytes) - flow->length, 0);
    if (got == 0)
        flow->ended = true;
    else if (got > 0)
        flow->length += (size_t)got;
    return got >= 0 || errno == EAGAIN || errno == EINTR;
}

static bool drain(int fd, struct flow *flow)
{
    if (flow->length > 0) {
        ssize_t sent = send(fd, flow->bytes, flow->length, MSG_NOSIGNAL);
        if (sent < 0)
            return errno == EAGAIN || errno == EINTR;
        flow->length -= (size_t)sent;
        memmove(flow->bytes, flow->bytes + sent, flow->length);
    }
    if (flow->ended && flow->length == 0 && !flow->shut) {
        flow->shut = true;
        shutdown(fd, SHUT_WR);
    }
    return true;
}

static bool start_relay(struct connection *connection, const struct sockaddr_in *to)
{
    connection->upstream = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (connection->upstream < 0)
        return false;
    return connect(connection->upstream, (const struct sockaddr *)to, sizeof(*to)) == 0 ||
           errno == EINPROGRESS;
}

static void answer_http(const struct connection *connection)
{
    static const char answer[] = "HTTP/1.1 400 Bad Request\r\nServer: lab\r\nContent-Type: text/plain\r\n"
                                 "Content-Length: 12\r\nConnection: close\r\n\r\nBad Request\n";
    ssize_t sent = send(connection->client, answer, sizeof(answer) - 1, MSG_NOSIGNAL);
    (void)sent; /* a client that has left misses it */
}

/* Is this the connection that the listener is there for? */
static bool is_meant(const struct connection *connection)
{
    const char *name = connection->listener->name;
    return connection->is_from &&
           (!name || memmem(connection->up.bytes, connection->up.length, name, strlen(name)));
}

static bool meddle(struct connection *connection)
{
    const struct listener *listener = connection->listener;
    if (!is_meant(connection))
        return start_relay(connection, &listener->to);
    return listener->divert.sin_family == AF_INET && start_relay(connection, &listener->divert);
}

/* The ClientHello is whole: what this kind of server does now. */
static void act_on_hello(size_t index)
{
    struct connection *connection = connections[index];
    switch (connection->listener->kind) {
    case KIND_RESET_HELLO:
        if (!meddle(connection))
            close_connection(index, true);
        return;
    case KIND_CLOSE:
        close_connection(index, false);
        return;
    case KIND_HTTP:
        answer_http(connection);
        close_connection(index, false);
        return;
    case KIND_SILENT:
    case KIND_COUNT:
        connection->up.length = 0;
        return;
    }
}

static void serve_hello(size_t index)
{
    struct connection *connection = connections[index];
    if (!fill(connection->client, &connection->up) || connection->up.ended)
        close_connection(index, false);
    else if (hello_is_whole(&connection->up))
        act_on_hello(index);
}

static void serve_relay(size_t index, short client_events, short upstream_events)
{
    struct connection *connection = connections[index];
    short readable = POLLIN | POLLHUP | POLLERR;
    bool fine = true;
    if (client_events & readable)
        fine = fine && fill(connection->client, &connection->up);
    if (upstream_events & readable)
        fine = fine && fill(connection->upstream, &connection->down);
    if (upstream_events & (POLLOUT | POLLIN | POLLHUP | POLLERR) || connection->up.ended)
        fine = fine && drain(connection->upstream, &connection->up);
    fine = fine && drain(connection->client, &connection->down);
    if (!fine)
        close_connection(index, true);
    else if (connection->up.shut && connection->down.shut)
        close_connection(index, false);
}

/* What to watch one side of a connection for; a side with nothing left to do is not watched, or its POLLHUP
 * would spin. */
static struct pollfd watch(int fd, const struct flow *in, const struct flow *out)
{
    bool room = !in->ended && in->length < sizeof(in->bytes);
    short events = (short)((room ? POLLIN : 0) | (out->length > 0 ? POLLOUT : 0));
    return (struct pollfd){.fd = events ? fd : -1, .events = events};
}

static void serve_once(void)
{
    static struct pollfd polls[MAX_LISTENERS + 2 * MAX_CONNECTIONS];
    size_t watched = connection_count;
    for (size_t i = 0; i < listener_count; i++)
        polls[i] = (struct pollfd){.fd = listeners[i].fd, .events = POLLIN};
    struct pollfd *pairs = polls + listener_count;
    for (size_t i = 0; i < watched; i++) {
        struct connection *connection = connections[i];
        pairs[2 * i] = watch(connection->client, &connection->up, &connection->down);
        pairs[2 * i + 1] = watch(connection->upstream, &connection->down, &connection->up);
    }
    if (poll(polls, listener_count + 2 * watched, -1) < 0)
        return;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    /* backwards: closing one moves the last connection into its place, which has been served already */
    for (size_t i = watched; i-- > 0;) {
        short client = pairs[2 * i].revents, upstream = pairs[2 * i + 1].revents;
        if (connections[i]->upstream >= 0 && (client || upstream))
            serve_relay(i, client, upstream);
        else if (client)
            serve_hello(i);
    }
    for (size_t i = 0; i < listener_count; i++)
        if (polls[i].revents)
            accept_one(&listeners[i], &now);
}

static int bind_to(struct sockaddr_in *address)
{
    int on = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    socklen_t length = sizeof(*address);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(fd, (struct sockaddr *)address, length) == 0 && listen(fd, 512) == 0 &&
        getsockname(fd, (struct sockaddr *)address, &length) == 0)
        return fd;
    close(fd);
    return -1;
}

static int print_ports(const char *count_text)
{
    unsigned long count = count_text ? strtoul(count_text, NULL, 10) : 0;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    unsigned port = (unsigned)(now.tv_nsec / 1000 + getpid() * 7919L) % (LAST_PORT - FIRST_PORT);
    for (unsigned tried = 0; count > 0 && tried < LAST_PORT - FIRST_PORT; tried++) {
        port = (port + 1) % (LAST_PORT - FIRST_PORT);
        struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons((uint16_t)(FIRST_PORT + port))};
        int fd = bind_to(&any);
        if (fd < 0)
            continue;
        close(fd);
        printf("%u\n", FIRST_PORT + port);
        count--;
    }
    return count == 0 ? 0 : 1;
}

static void start_listener(struct listener *listener, const char *name)
{
    char host[INET_ADDRSTRLEN];
    listener->fd = bind_to(&listener->address);
    if (listener->fd < 0)
        fail("cannot listen", strerror(errno));
    inet_ntop(AF_INET, &listener->address.sin_addr, host, sizeof(host));
    printf("%s %s:%u\n", name, host, (unsigned)ntohs(listener->address.sin_port));
}

static struct listener *add_listener(const char *name)
{
    for (int kind = 0; kind < KIND_COUNT; kind++) {
        if (strcmp(name, kind_names[kind]) != 0)
            continue;
        if (listener_count == MAX_LISTENERS)
            fail("too many listeners", name);
        listeners[listener_count].kind = (enum kind)kind;
        return &listeners[listener_count++];
    }
    fail("unknown kind of server", name);
    return NULL;
}

static void parse_option(struct listener *listener, const char *option, const char *value)
{
    if (strcmp(option, "--record") == 0) {
        record = value ? fopen(value, "a") : NULL;
        if (!record)
            fail("cannot write", value ? value : "nothing");
    } else if (listener && strcmp(option, "--listen") == 0) {
        listener->address = parse_address(value);
    } else if (listener && strcmp(option, "--to") == 0) {
        listener->to = parse_address(value);
    } else if (listener && strcmp(option, "--divert") == 0) {
        listener->divert = parse_address(value);
    } else if (listener && strcmp(option, "--name") == 0) {
        listener->name = value;
    } else if (listener && strcmp(option, "--from") == 0 && listener->from_count < MAX_FROM) {
        listener->from[listener->from_count++] = parse_cidr(value);
    } else {
        fail("unexpected option", option);
    }
}

int main(int argc, char **argv)
{
    struct listener *listener = NULL;
    struct sigaction stop = {.sa_handler = on_signal}; /* without SA_RESTART, so that poll returns */
    if (argc >= 2 && strcmp(argv[1], "ports") == 0)
        return print_ports(argv[2]);
    for (int i = 1; i < argc; i++) {
        if (argv[i][0] == '-') {
            parse_option(listener, argv[i], argv[i + 1]);
            i++;
        } else {
            listener = add_listener(argv[i]);
        }
    }
    if (listener_count == 0)
        fail("expected", "KIND --listen ADDR:PORT");
    sigaction(SIGTERM, &stop, NULL);
    sigaction(SIGINT, &stop, NULL);
    for (size_t i = 0; i < listener_count; i++)
        start_listener(&listeners[i], kind_names[listeners[i].kind]);
    fflush(stdout);
    while (!stopping)
        serve_once();
    while (connection_count > 0)
        close_connection(0, false);
    if (record)
        fclose(record);
    return 0;
}
