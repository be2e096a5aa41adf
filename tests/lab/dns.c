/*
 * lab-dns: a DNS server that is wrong in one way, on one address and port, UDP and TCP.
 *
 *   lab-dns KIND ADDR:PORT [ADDRESS [OTHER]]
 *     good       answers A with ADDRESS, all else with nothing
 *     silent     reads and never answers; TCP is closed
 *     tcp-only   never answers over UDP; over TCP as good
 *     malformed  answers with a record that is longer than the message
 *     two        answers A twice: with ADDRESS, and 150 ms later with OTHER
 *     twice      answers A twice, both times with ADDRESS
 *     slow       answers as good, 1.3 s late
 *     format     answers FORMERR (rcode 1)
 *     forever    a name that points at itself
 */
#include <arpa/inet.h>
#include <errno.h>
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

enum { MESSAGE_BYTES = 4096, HEADER_BYTES = 12, TYPE_A = 1, LATE_MS = 150, SLOW_MS = 1300, TTL_S = 60 };

enum kind { GOOD, SILENT, TCP_ONLY, MALFORMED, TWO, TWICE, SLOW, FORMAT, FOREVER, KINDS };
static const char *const kind_names[KINDS] = {"good",  "silent", "tcp-only", "malformed", "two",
                                              "twice", "slow",   "format",   "forever"};

struct message {
    uint8_t bytes[MESSAGE_BYTES];
    size_t length;
};

/* The second answer, which is sent once nothing was asked for LATE_MS. */
static struct {
    bool waits;
    struct message message;
    struct sockaddr_in to;
} second;

static enum kind kind;
static struct in_addr answers[2];

static void fail(const char *what, const char *value)
{
    (void)fprintf(stderr, "lab-dns: %s: %s\n", what, value);
    exit(2);
}

static void wait_ms(long ms)
{
    struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    while (nanosleep(&time, &time) != 0 && errno == EINTR)
        continue;
}

static void put(struct message *message, const void *bytes, size_t length)
{
    if (message->length + length > sizeof message->bytes)
        return;
    memcpy(message->bytes + message->length, bytes, length);
    message->length += length;
}

static void put_u16(struct message *message, unsigned value)
{
    uint8_t wire[2] = {(uint8_t)(value >> 8), (uint8_t)value};
    put(message, wire, sizeof wire);
}

/* Where the question ends. @return 0 when it is none. */
static size_t question_end(const struct message *query)
{
    size_t at = HEADER_BYTES;
    while (at < query->length && query->bytes[at] != 0)
        at += 1U + query->bytes[at];
    return query->length < HEADER_BYTES || at + 5 > query->length ? 0 : at + 5;
}

/* @return false when there is nothing to answer. */
static bool answer(const struct message *query, const struct in_addr *address, struct message *out)
{
    size_t end = question_end(query);
    if (end == 0)
        return false;
    bool has_record = query->bytes[end - 4] == 0 && query->bytes[end - 3] == TYPE_A && kind != FORMAT;
    out->length = 0;
    put(out, query->bytes, end);
    out->bytes[2] = 0x81; /* an answer; recursion desired */
    out->bytes[3] = kind == FORMAT ? 0x81 : 0x80;
    memcpy(out->bytes + 4, (uint8_t[]){0, 1, 0, has_record, 0, 0, 0, 0}, 8);
    if (!has_record && kind != MALFORMED)
        return true;
    out->bytes[7] = 1;
    put_u16(out, kind == FOREVER ? 0xc000 + (unsigned)out->length : 0xc000 + HEADER_BYTES);
    put_u16(out, TYPE_A);
    put_u16(out, 1);
    put_u16(out, 0);
    put_u16(out, TTL_S);
    put_u16(out, kind == MALFORMED ? 400 : sizeof *address);
    put(out, address, sizeof *address);
    return true;
}

static void serve_udp(int fd)
{
    struct message query, out;
    struct sockaddr_in from;
    socklen_t from_length = sizeof from;
    ssize_t got = recvfrom(fd, query.bytes, sizeof query.bytes, 0, (struct sockaddr *)&from, &from_length);
    if (got <= 0 || kind == SILENT || kind == TCP_ONLY)
        return;
    query.length = (size_t)got;
    if (kind == SLOW)
        wait_ms(SLOW_MS);
    if (!answer(&query, &answers[0], &out))
        return;
    (void)sendto(fd, out.bytes, out.length, 0, (struct sockaddr *)&from, from_length);
    if ((kind == TWO || kind == TWICE) && out.bytes[7] == 1) {
        second.waits = answer(&query, &answers[kind == TWO], &second.message);
        second.to = from;
    }
}

static void send_second(int fd)
{
    (void)sendto(fd, second.message.bytes, second.message.length, 0, (struct sockaddr *)&second.to,
                 sizeof second.to);
    second.waits = false;
}

/* One question a connection. */
static void serve_tcp(int listener)
{
    struct message query, out, framed = {.length = 0};
    int fd = accept(listener, NULL, NULL);
    ssize_t got = fd < 0 ? -1 : recv(fd, query.bytes, sizeof query.bytes, 0);
    if (got > 2) {
        query.length = (size_t)got - 2;
        memmove(query.bytes, query.bytes + 2, query.length);
        if (answer(&query, &answers[0], &out)) {
            put_u16(&framed, (unsigned)out.length);
            put(&framed, out.bytes, out.length);
            (void)!send(fd, framed.bytes, framed.length, MSG_NOSIGNAL);
        }
    }
    if (fd >= 0)
        (void)close(fd);
}

static int open_at(int type, const struct sockaddr_in *address)
{
    int on = 1, fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        bind(fd, (const struct sockaddr *)address, sizeof *address) != 0 ||
        (type == SOCK_STREAM && listen(fd, 16) != 0))
        fail("cannot listen", strerror(errno));
    return fd;
}

static struct sockaddr_in parse_address(char *text)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    char *colon = strrchr(text, ':');
    if (colon == NULL)
        fail("expected ADDR:PORT", text);
    *colon = '\0';
    address.sin_port = htons((uint16_t)strtoul(colon + 1, NULL, 10));
    if (inet_pton(AF_INET, text, &address.sin_addr) != 1)
        fail("expected ADDR:PORT", text);
    return address;
}

int main(int argc, char **argv)
{
    if (argc < 3)
        fail("expected", "KIND ADDR:PORT [ADDRESS [OTHER]]");
    while (kind < KINDS && strcmp(argv[1], kind_names[kind]) != 0)
        kind++;
    if (kind == KINDS)
        fail("unknown kind of server", argv[1]);
    for (int i = 3; i < argc && i < 5; i++)
        if (inet_pton(AF_INET, argv[i], &answers[i - 3]) != 1)
            fail("expected an IPv4 address", argv[i]);
    struct sockaddr_in address = parse_address(argv[2]);
    struct pollfd polls[2] = {{.fd = open_at(SOCK_DGRAM, &address), .events = POLLIN}, {.fd = -1}};
    if (kind != SILENT)
        polls[1] = (struct pollfd){.fd = open_at(SOCK_STREAM, &address), .events = POLLIN};
    (void)puts("listening");
    (void)fflush(stdout);
    for (int ready; (ready = poll(polls, 2, second.waits ? LATE_MS : -1)) >= 0 || errno == EINTR;) {
        if (ready == 0)
            send_second(polls[0].fd);
        if (polls[0].revents != 0)
            serve_udp(polls[0].fd);
        if (polls[1].revents != 0)
            serve_tcp(polls[1].fd);
    }
    return 1;
}
