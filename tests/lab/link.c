/*
 * lab-link: a TCP link that can be cut, go silent and be slow, without root.
 *
 *   lab-link PORT TARGET-PORT CONTROL     both ports on 127.0.0.1; CONTROL is a FIFO, from which lines are read:
 *
 *     heal                 forwards again; connections that lost bytes are reset
 *     forget               forwards again; connections that lost bytes stay as they are: neither end ever learns of it
 *     cut                  resets every connection, and new ones at once (the port stays ours)
 *     deaf up|down|both    what is sent to the target (up), from it (down) or both ways disappears, ends of connections too
 *     slow BYTES MS        at most so many bytes at a time, each lot held for so long
 *
 * Each line is answered by one on stdout. A connection is two flows, one for each direction:
 *
 *     read --> lot (held until ready_us) --> written, then the next is read;   deaf: read --> dropped, for ever
 *
 * Bytes of TLS that are missing cannot be made good, so a flow that has been deaf once stays deaf; an acknowledgement that is
 * lost on the way is a link that is deaf downwards.
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
    UP,
    DOWN,
    FLOWS,
    PAIRS_MAX = 256,
    LOT_BYTES = 16384,
    BACKLOG = 64,
    LINE_MAX_BYTES = 128,
    TICK_MS = 1000
};

struct flow {
    bool deaf;  /* reads and drops */
    bool ended; /* its source has said all */
    size_t length, sent;
    int64_t ready_us;
    uint8_t lot[LOT_BYTES];
};

struct pair {
    int fd[FLOWS]; /* fd[UP]: the client, whose bytes go up; fd[DOWN]: the target. -1: closed */
    struct flow flow[FLOWS];
};

static struct {
    uint16_t port, target;
    int listener;
    bool cut;
    bool deaf[FLOWS];
    size_t lot_bytes;
    int64_t hold_us;
    struct pair *pairs[PAIRS_MAX];
    size_t count;
} wire = {.lot_bytes = LOT_BYTES};

static void fail(const char *what, const char *value)
{
    (void)fprintf(stderr, "lab-link: %s: %s\n", what, value);
    exit(2);
}

static int64_t now_us(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static struct sockaddr_in at_port(uint16_t port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(port)};
}

static void wire_listen(void)
{
    struct sockaddr_in address = at_port(wire.port);
    int on = 1;
    wire.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (wire.listener < 0 || setsockopt(wire.listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        bind(wire.listener, (struct sockaddr *)&address, sizeof address) != 0 ||
        listen(wire.listener, BACKLOG) != 0)
        fail("cannot listen", strerror(errno));
}

/* --- connections ------------------------------------------------------------------------------------------------ */

static void close_fd(int *fd, bool reset)
{
    struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    if (*fd >= 0 && reset)
        (void)setsockopt(*fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    if (*fd >= 0)
        (void)close(*fd);
    *fd = -1;
}

static void pair_reset(struct pair *pair)
{
    close_fd(&pair->fd[UP], true);
    close_fd(&pair->fd[DOWN], true);
}

static bool pair_over(const struct pair *pair)
{
    return pair->fd[UP] < 0 && pair->fd[DOWN] < 0;
}

static void sweep(void)
{
    size_t kept = 0;
    for (size_t i = 0; i < wire.count; i++) {
        if (pair_over(wire.pairs[i]))
            free(wire.pairs[i]);
        else
            wire.pairs[kept++] = wire.pairs[i];
    }
    wire.count = kept;
}

static void wire_accept(void)
{
    struct sockaddr_in target = at_port(wire.target);
    int client = accept4(wire.listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (client < 0)
        return;
    int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct pair *pair = !wire.cut && wire.count < PAIRS_MAX && server >= 0 ? calloc(1, sizeof *pair) : NULL;
    /* loopback: the connection is there, or refused, at once */
    if (pair == NULL || connect(server, (struct sockaddr *)&target, sizeof target) != 0 ||
        fcntl(server, F_SETFL, O_NONBLOCK) != 0) {
        free(pair);
        close_fd(&client, true);
        close_fd(&server, true);
        return;
    }
    pair->fd[UP] = client;
    pair->fd[DOWN] = server;
    for (int way = UP; way < FLOWS; way++)
        pair->flow[way].deaf = wire.deaf[way];
    wire.pairs[wire.count++] = pair;
}

/* One end has failed. The other learns of it unless its link is deaf. */
static void pair_failed(struct pair *pair, int way)
{
    close_fd(&pair->fd[way], true);
    if (!pair->flow[way].deaf)
        close_fd(&pair->fd[1 - way], true);
}

/* Both have said all, and all has arrived. */
static void pair_settle(struct pair *pair)
{
    const struct flow *up = &pair->flow[UP], *down = &pair->flow[DOWN];
    if (up->ended && down->ended && up->length == 0 && down->length == 0) {
        close_fd(&pair->fd[UP], false);
        close_fd(&pair->fd[DOWN], false);
    }
}

static void flow_read(struct pair *pair, int way)
{
    struct flow *flow = &pair->flow[way];
    ssize_t got = recv(pair->fd[way], flow->lot, flow->deaf ? LOT_BYTES : wire.lot_bytes, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got < 0) {
        pair_failed(pair, way);
        return;
    }
    flow->ended = got == 0;
    if (flow->deaf) {
        if (flow->ended)
            close_fd(&pair->fd[way], false);
        return;
    }
    if (flow->ended && pair->fd[1 - way] >= 0)
        (void)shutdown(pair->fd[1 - way], SHUT_WR);
    flow->length = (size_t)got;
    flow->sent = 0;
    flow->ready_us = now_us() + wire.hold_us;
}

static void flow_write(struct pair *pair, int way)
{
    struct flow *flow = &pair->flow[way];
    ssize_t put = send(pair->fd[1 - way], flow->lot + flow->sent, flow->length - flow->sent, MSG_NOSIGNAL);
    if (put < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (put < 0) {
        pair_failed(pair, 1 - way);
        flow->length = 0;
        return;
    }
    flow->sent += (size_t)put;
    if (flow->sent == flow->length)
        flow->length = 0;
}

/* --- what is asked for ------------------------------------------------------------------------------------------ */

static void wire_cut(void)
{
    wire.cut = true;
    for (size_t i = 0; i < wire.count; i++)
        pair_reset(wire.pairs[i]);
}

static void wire_deafen(bool up, bool down)
{
    wire.deaf[UP] = up;
    wire.deaf[DOWN] = down;
    for (size_t i = 0; i < wire.count; i++)
        for (int way = UP; way < FLOWS; way++)
            if (wire.deaf[way]) {
                wire.pairs[i]->flow[way].deaf = true;
                wire.pairs[i]->flow[way].length = 0;
            }
}

static void wire_heal(bool forget)
{
    wire.cut = wire.deaf[UP] = wire.deaf[DOWN] = false;
    wire.lot_bytes = LOT_BYTES;
    wire.hold_us = 0;
    for (size_t i = 0; !forget && i < wire.count; i++)
        if (wire.pairs[i]->flow[UP].deaf || wire.pairs[i]->flow[DOWN].deaf)
            pair_reset(wire.pairs[i]);
}

static void obey(const char *line)
{
    unsigned bytes = 0, ms = 0;
    char way[8] = "";
    if (strcmp(line, "heal") == 0 || strcmp(line, "forget") == 0)
        wire_heal(line[0] == 'f');
    else if (strcmp(line, "cut") == 0)
        wire_cut();
    else if (sscanf(line, "deaf %7s", way) == 1)
        wire_deafen(strcmp(way, "down") != 0, strcmp(way, "up") != 0);
    else if (sscanf(line, "slow %u %u", &bytes, &ms) == 2 && bytes > 0 && bytes <= LOT_BYTES) {
        wire.lot_bytes = bytes;
        wire.hold_us = (int64_t)ms * 1000;
    } else {
        fail("unknown command", line);
    }
    sweep();
    (void)printf("%s: %zu connections\n", line, wire.count);
    (void)fflush(stdout);
}

static void read_control(int fd)
{
    static char line[LINE_MAX_BYTES];
    static size_t length;
    char byte;
    while (read(fd, &byte, 1) == 1) {
        if (byte != '\n' && length < sizeof line - 1) {
            line[length++] = byte;
            continue;
        }
        line[length] = '\0';
        length = 0;
        obey(line);
    }
}

/* --- the loop --------------------------------------------------------------------------------------------------- */

/* What a socket is waited for: its own flow's next lot, or room for the other's. */
static short wanted(const struct pair *pair, int way, int64_t now, int *wait_ms)
{
    const struct flow *own = &pair->flow[way], *other = &pair->flow[1 - way];
    short events = 0;
    if (!own->ended && (own->deaf || own->length == 0))
        events |= POLLIN;
    if (other->length > 0 && other->ready_us <= now)
        events |= POLLOUT;
    else if (other->length > 0 && (other->ready_us - now) / 1000 + 1 < *wait_ms)
        *wait_ms = (int)((other->ready_us - now) / 1000 + 1);
    return events;
}

static size_t fill(struct pollfd *polls, int control, int *wait_ms)
{
    int64_t now = now_us();
    polls[0] = (struct pollfd){.fd = control, .events = POLLIN};
    polls[1] = (struct pollfd){.fd = wire.listener, .events = POLLIN};
    for (size_t i = 0; i < wire.count; i++)
        for (int way = UP; way < FLOWS; way++) {
            short events = wanted(wire.pairs[i], way, now, wait_ms);
            /* nothing is wanted of a socket that has ended: its hang-up would wake us for ever */
            int fd = events == 0 && wire.pairs[i]->flow[way].ended ? -1 : wire.pairs[i]->fd[way];
            polls[2 + 2 * i + (size_t)way] = (struct pollfd){.fd = fd, .events = events};
        }
    return 2 + 2 * wire.count;
}

static void pair_events(struct pair *pair, const struct pollfd *polls)
{
    for (int way = UP; way < FLOWS; way++) {
        short events = polls[way].revents;
        if (pair->fd[way] >= 0 && (events & POLLOUT) != 0)
            flow_write(pair, 1 - way);
        if (pair->fd[way] >= 0 && (events & POLLIN) != 0)
            flow_read(pair, way);
        else if (pair->fd[way] >= 0 && (events & (POLLERR | POLLHUP)) != 0)
            pair_failed(pair, way);
    }
    pair_settle(pair);
}

int main(int argc, char **argv)
{
    static struct pollfd polls[2 + 2 * PAIRS_MAX];
    if (argc != 4)
        fail("usage", "lab-link PORT TARGET-PORT CONTROL");
    wire.port = (uint16_t)strtoul(argv[1], NULL, 10);
    wire.target = (uint16_t)strtoul(argv[2], NULL, 10);
    int control = open(argv[3], O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (control < 0)
        fail(argv[3], strerror(errno));
    (void)signal(SIGPIPE, SIG_IGN);
    wire_listen();
    for (;;) {
        int wait_ms = TICK_MS;
        size_t pairs = wire.count;
        if (poll(polls, (nfds_t)fill(polls, control, &wait_ms), wait_ms) < 0 && errno != EINTR)
            fail("poll", strerror(errno));
        for (size_t i = 0; i < pairs; i++)
            pair_events(wire.pairs[i], &polls[2 + 2 * i]);
        if ((polls[1].revents & POLLIN) != 0)
            wire_accept();
        if ((polls[0].revents & POLLIN) != 0)
            read_control(control);
        sweep();
    }
}
