/*
 * lab-wire: a stretch of network between two TUN devices, each in a network namespace of its own.
 *
 *   lab-wire --left NAMESPACE --right NAMESPACE [--device NAME] [OPTIONS]
 *
 * Clients are on the left, servers on the right; "up" is from left to right. Prints "ready" once packets pass.
 *
 *   --delay-left MS, --delay-right MS   one way, before and behind the box in the middle (default 0)
 *   --rate-up KBIT, --rate-down KBIT    serialisation; a packet waits for the one before it
 *   --lose-up N, --lose-down N          every N-th packet with TCP data, or SYN, is lost
 *   --mtu-up BYTES, --mtu-down BYTES    longer packets are lost
 *   --icmp                              and their sender is told (ICMP type 3 code 4)
 *   --mute-down                         nothing comes down but SYN-ACKs
 *
 * The box in the middle has at most one rule:
 *   --when hello|split-hello|short-hello|syn
 *                                       a ClientHello begins; begins and is not whole in its segment; so, in less than 256 bytes;
 *                                       a connection is asked for
 *   --name NAME                         and the name is this one
 *   --port PORT                         and the server's port is this one
 *   --server ADDRESS                    and the server is this one
 *   --do rst|fin|alert|drop             sends that to the client (a syn gets RST ACK); drop: this packet and all the flow sends after it
 *   --swallow                           in the path: what set it off goes no further (else beside the path: it goes on)
 *   --ttl N                             of what is sent (64)
 *   --residual MS                       after that all between the same client, server and server port is lost for so long
 *
 *      left TUN --> delay-left --> [box] --> delay-right --> right TUN        a packet is judged as it is read, and what comes
 *               <--------------------+                                       of it is due when it would have come there
 */
#include "packet.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum {
    QUEUE_MAX = 4096,
    FLOWS_MAX = 256,
    PACKET_MAX = 2048,
    NAME_MAX_BYTES = 256,
    SHORT_BYTES = 256,
};
enum direction { UP, DOWN };
enum when { WHEN_NEVER, WHEN_HELLO, WHEN_SPLIT_HELLO, WHEN_SHORT_HELLO, WHEN_SYN };
enum action { DO_NOTHING, DO_RST, DO_FIN, DO_ALERT, DO_DROP };

struct packet {
    int64_t due_us;
    uint64_t order; /* of two that are due at once the one that came first goes first */
    enum direction direction;
    size_t length;
    uint8_t bytes[PACKET_MAX];
};

struct flow {
    uint32_t client, server;
    uint16_t client_port, server_port; /* client_port 0: every one */
    int64_t until_us;
};

static struct {
    const char *side[2]; /* namespaces: left, right */
    const char *device;
    int64_t delay_us[2];           /* left, right */
    long rate[2], lose[2], mtu[2]; /* up, down */
    bool icmp, mute_down, swallow;
    enum when when;
    enum action action;
    const char *name;
    long port, ttl, residual_ms;
    uint32_t server; /* host order; 0: every one */
} options = {.device = "wire0", .ttl = 64};

static int devices[2];
static struct packet *queue[QUEUE_MAX]; /* a heap, soonest first */
static size_t queued;
static uint64_t order;
static int64_t line_free_us[2];
static unsigned long counted[2];
static struct flow flows[FLOWS_MAX];
static size_t flow_next;
static volatile sig_atomic_t stopping;

static void fail(const char *what, const char *why)
{
    fprintf(stderr, "lab-wire: %s: %s\n", what, why);
    exit(2);
}

static int64_t now_us(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* --- the queue ------------------------------------------------------------------------------------------------ */

static bool sooner(const struct packet *a, const struct packet *b)
{
    return a->due_us < b->due_us || (a->due_us == b->due_us && a->order < b->order);
}

static void queue_put(struct packet *packet)
{
    size_t at = queued++;
    while (at > 0 && sooner(packet, queue[(at - 1) / 2])) {
        queue[at] = queue[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    queue[at] = packet;
}

static struct packet *queue_take(void)
{
    struct packet *first = queue[0], *last = queue[--queued];
    size_t at = 0;
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= queued)
            break;
        if (child + 1 < queued && sooner(queue[child + 1], queue[child]))
            child++;
        if (!sooner(queue[child], last))
            break;
        queue[at] = queue[child];
        at = child;
    }
    queue[at] = last;
    return first;
}

static void send_at(int64_t due_us, enum direction direction, const uint8_t *bytes, size_t length)
{
    if (queued == QUEUE_MAX || length > PACKET_MAX)
        return; /* a full queue loses, as a router's does */
    struct packet *packet = malloc(sizeof *packet);
    if (packet == NULL)
        return;
    packet->due_us = due_us;
    packet->order = order++;
    packet->direction = direction;
    packet->length = length;
    memcpy(packet->bytes, bytes, length);
    queue_put(packet);
}

/* --- packets -------------------------------------------------------------------------------------------------- */

/* A segment that looks like the server's answer to what the client sent. */
static void forge(const struct segment *client, uint8_t flags, const uint8_t *data, size_t length,
                  int64_t due_us)
{
    uint8_t out[IP_HEADER + TCP_HEADER + 16] = {0}, *tcp = out + IP_HEADER;
    size_t total = IP_HEADER + TCP_HEADER + length;
    uint32_t taken = client->sequence + (uint32_t)client->length + ((client->flags & TCP_SYN) != 0 ? 1 : 0);
    ip_header(out, total, 6, client->to, client->from, options.ttl);
    put16(tcp, client->to_port);
    put16(tcp + 2, client->from_port);
    put32(tcp + 4, (client->flags & TCP_ACK) != 0 ? client->acknowledged : 0);
    put32(tcp + 8, taken);
    tcp[12] = TCP_HEADER / 4 << 4;
    tcp[13] = flags;
    put16(tcp + 14, 502);
    if (length > 0)
        memcpy(tcp + TCP_HEADER, data, length);
    put16(tcp + 16,
          checksum(sum(tcp, TCP_HEADER + length, sum(out + 12, 8, 6 + TCP_HEADER + (uint32_t)length))));
    send_at(due_us, DOWN, out, total);
}

/* RFC 1191: too long, and how long it may be. */
static void too_long(const uint8_t *bytes, size_t length, enum direction direction, int64_t due_us)
{
    enum { ICMP_HEADER = 8, QUOTED = 28 };
    uint8_t out[IP_HEADER + ICMP_HEADER + QUOTED] = {0}, *icmp = out + IP_HEADER;
    if (length < QUOTED || bytes[0] >> 4 != 4)
        return;
    ip_header(out, sizeof out, 1, get32(bytes + 16), get32(bytes + 12), options.ttl);
    icmp[0] = 3;
    icmp[1] = 4;
    put16(icmp + 6, (uint32_t)options.mtu[direction]);
    memcpy(icmp + ICMP_HEADER, bytes, QUOTED);
    put16(icmp + 2, checksum(sum(icmp, ICMP_HEADER + QUOTED, 0)));
    send_at(due_us, direction == UP ? DOWN : UP, out, sizeof out);
}

/* --- the box in the middle ------------------------------------------------------------------------------------- */

static bool sets_off(const struct segment *segment)
{
    if ((options.port != 0 && options.port != segment->to_port) ||
        (options.server != 0 && options.server != segment->to))
        return false;
    switch (options.when) {
    case WHEN_SYN:
        return (segment->flags & (TCP_SYN | TCP_ACK)) == TCP_SYN;
    case WHEN_HELLO:
        return is_hello(segment) && (options.name == NULL || hello_names(segment, options.name));
    case WHEN_SPLIT_HELLO:
        return is_hello(segment) && !is_whole(segment);
    case WHEN_SHORT_HELLO:
        return is_hello(segment) && !is_whole(segment) && segment->length < SHORT_BYTES;
    case WHEN_NEVER:
        break;
    }
    return false;
}

static void block(const struct segment *client, bool every_port, int64_t until_us)
{
    flows[flow_next++ % FLOWS_MAX] = (struct flow){.client = client->from,
                                                   .server = client->to,
                                                   .client_port = every_port ? 0 : client->from_port,
                                                   .server_port = client->to_port,
                                                   .until_us = until_us};
}

static bool is_blocked(const struct segment *segment, enum direction direction, int64_t now)
{
    bool up = direction == UP;
    for (size_t i = 0; i < FLOWS_MAX; i++) {
        const struct flow *flow = &flows[i];
        /* a flow that is dropped is dropped on the way up; a residual block knows no direction */
        if (flow->until_us > now && (up || flow->client_port == 0) &&
            flow->client == (up ? segment->from : segment->to) &&
            flow->server == (up ? segment->to : segment->from) &&
            flow->server_port == (up ? segment->to_port : segment->from_port) &&
            (flow->client_port == 0 || flow->client_port == (up ? segment->from_port : segment->to_port)))
            return true;
    }
    return false;
}

/* @return false when the segment that set the rule off goes no further. */
static bool act(const struct segment *client, int64_t now)
{
    static const uint8_t handshake_failure[] = {21, 3, 3, 0, 2, 2, 40};
    int64_t due_us = now + 2 * options.delay_us[0];
    switch (options.action) {
    case DO_RST:
        forge(client, TCP_RST | TCP_ACK, NULL, 0, due_us);
        break;
    case DO_FIN:
        forge(client, TCP_FIN | TCP_ACK, NULL, 0, due_us);
        break;
    case DO_ALERT:
        forge(client, TCP_PSH | TCP_ACK, handshake_failure, sizeof handshake_failure, due_us);
        break;
    case DO_DROP:
        block(client, false, INT64_MAX);
        break;
    case DO_NOTHING:
        break;
    }
    if (options.residual_ms > 0)
        block(client, true, now + options.residual_ms * 1000);
    return options.action != DO_DROP && !options.swallow;
}

/* What the path does to a segment. @return false when it is lost. */
static bool passes(const struct segment *segment, enum direction direction, int64_t now)
{
    bool counts = segment->length > 0 || (segment->flags & TCP_SYN) != 0;
    if (is_blocked(segment, direction, now))
        return false;
    if (options.lose[direction] > 0 && counts &&
        ++counted[direction] % (unsigned long)options.lose[direction] == 0)
        return false;
    if (direction == DOWN)
        return !options.mute_down || (segment->flags & TCP_SYN) != 0;
    return !sets_off(segment) || act(segment, now);
}

static void carry(const uint8_t *bytes, size_t length, enum direction direction)
{
    struct segment segment;
    int64_t now = now_us(), across_us = options.delay_us[0] + options.delay_us[1];
    if (options.mtu[direction] > 0 && length > (size_t)options.mtu[direction]) {
        if (options.icmp)
            too_long(bytes, length, direction, now + 2 * options.delay_us[direction == UP ? 0 : 1]);
        return;
    }
    if (read_segment(bytes, length, &segment) && !passes(&segment, direction, now))
        return;
    if (options.rate[direction] > 0) {
        int64_t start_us = line_free_us[direction] > now ? line_free_us[direction] : now;
        now = line_free_us[direction] = start_us + (int64_t)length * 8000 / options.rate[direction];
    }
    send_at(now + across_us, direction, bytes, length);
}

/* --- devices, options and the loop ----------------------------------------------------------------------------- */

static int open_device(const char *namespace)
{
    char path[NAME_MAX_BYTES];
    struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI};
    (void)snprintf(path, sizeof path, "/run/netns/%s", namespace);
    (void)snprintf(request.ifr_name, sizeof request.ifr_name, "%s", options.device);
    int space = open(path, O_RDONLY | O_CLOEXEC);
    if (space < 0 || setns(space, CLONE_NEWNET) != 0)
        fail(path, strerror(errno));
    (void)close(space);
    int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 || ioctl(fd, TUNSETIFF, &request) != 0)
        fail(options.device, strerror(errno));
    return fd;
}

static long number(const char *option, const char *text)
{
    char *end;
    long value = text == NULL ? -1 : strtol(text, &end, 10);
    if (text == NULL || *end != '\0' || end == text || value < 0)
        fail(option, "expected a number");
    return value;
}

static int word(const char *option, const char *text, const char *const words[], size_t count)
{
    for (size_t i = 1; text != NULL && i < count; i++)
        if (strcmp(words[i], text) == 0)
            return (int)i;
    fail(option, "unknown word");
    return 0;
}

static bool take_flag(const char *option)
{
    bool *flag = strcmp(option, "--icmp") == 0        ? &options.icmp
                 : strcmp(option, "--mute-down") == 0 ? &options.mute_down
                 : strcmp(option, "--swallow") == 0   ? &options.swallow
                                                      : NULL;
    if (flag != NULL)
        *flag = true;
    return flag != NULL;
}

static long *number_option(const char *option)
{
    static const struct {
        const char *name;
        long *value;
    } rows[] = {
        {"--rate-up", &options.rate[UP]},
        {"--rate-down", &options.rate[DOWN]},
        {"--lose-up", &options.lose[UP]},
        {"--lose-down", &options.lose[DOWN]},
        {"--mtu-up", &options.mtu[UP]},
        {"--mtu-down", &options.mtu[DOWN]},
        {"--port", &options.port},
        {"--ttl", &options.ttl},
        {"--residual", &options.residual_ms},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (strcmp(rows[i].name, option) == 0)
            return rows[i].value;
    return NULL;
}

static void take_option(const char *option, const char *value)
{
    static const char *const whens[] = {"", "hello", "split-hello", "short-hello", "syn"};
    static const char *const actions[] = {"", "rst", "fin", "alert", "drop"};
    long *plain = number_option(option);
    if (plain != NULL)
        *plain = number(option, value);
    else if (strcmp(option, "--left") == 0)
        options.side[0] = value;
    else if (strcmp(option, "--right") == 0)
        options.side[1] = value;
    else if (strcmp(option, "--device") == 0)
        options.device = value;
    else if (strcmp(option, "--name") == 0)
        options.name = value;
    else if (strcmp(option, "--server") == 0)
        options.server = ntohl(inet_addr(value == NULL ? "" : value));
    else if (strcmp(option, "--delay-left") == 0)
        options.delay_us[0] = number(option, value) * 1000;
    else if (strcmp(option, "--delay-right") == 0)
        options.delay_us[1] = number(option, value) * 1000;
    else if (strcmp(option, "--when") == 0)
        options.when = (enum when)word(option, value, whens, sizeof whens / sizeof whens[0]);
    else if (strcmp(option, "--do") == 0)
        options.action = (enum action)word(option, value, actions, sizeof actions / sizeof actions[0]);
    else
        fail(option, "unknown option");
}

static void on_signal(int number)
{
    (void)number;
    stopping = 1;
}

/* Longer than our longest packet is cut by the kernel, and then lost here. */
static void read_device(enum direction direction)
{
    uint8_t bytes[PACKET_MAX + 1];
    for (int i = 0; i < 64; i++) {
        ssize_t got = read(devices[direction], bytes, sizeof bytes);
        if (got <= 0)
            return;
        carry(bytes, (size_t)got, direction);
    }
}

static void deliver(void)
{
    while (queued > 0 && queue[0]->due_us <= now_us()) {
        struct packet *packet = queue_take();
        (void)!write(devices[packet->direction == UP ? 1 : 0], packet->bytes, packet->length);
        free(packet);
    }
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (take_flag(argv[i]))
            continue;
        take_option(argv[i], i + 1 < argc ? argv[i + 1] : NULL);
        i++;
    }
    if (options.side[0] == NULL || options.side[1] == NULL)
        fail("usage", "lab-wire --left NAMESPACE --right NAMESPACE [OPTIONS]");
    (void)signal(SIGTERM, on_signal);
    (void)signal(SIGINT, on_signal);
    devices[UP] = open_device(options.side[0]);
    devices[DOWN] = open_device(options.side[1]);
    (void)printf("ready\n");
    (void)fflush(stdout);
    struct pollfd polls[2] = {{.fd = devices[0], .events = POLLIN}, {.fd = devices[1], .events = POLLIN}};
    while (!stopping) {
        int64_t left_us = queued > 0 ? queue[0]->due_us - now_us() : INT64_C(1000000);
        struct timespec wait = {.tv_sec = left_us > 0 ? left_us / 1000000 : 0,
                                .tv_nsec = left_us > 0 ? left_us % 1000000 * 1000 : 0};
        if (ppoll(polls, 2, &wait, NULL) < 0 && errno != EINTR)
            fail("ppoll", strerror(errno));
        read_device(UP);
        read_device(DOWN);
        deliver();
    }
    while (queued > 0)
        free(queue_take());
    return 0;
}
