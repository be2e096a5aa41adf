/*
 * lab-capacity: a server at the end of what it can take, in front of one that works.
 *
 *   lab-capacity KIND ADDRESS:PORT [--to ADDRESS:PORT] [--count N] [--hold MS] [--name NAME]
 *
 *   full      never accepts, and its queue is full already: SYNs are dropped
 *   hung      never accepts; the kernel takes what comes, into a queue for --count and one more
 *   one       relays one connection at a time to --to, holds on --hold ms after each, and has a queue for one
 *   limit     relays at most --count connections at once; what is above is accepted and closed
 *   reads     accepts and reads, and never answers
 *   reset     reads the ClientHello and resets
 *   close     reads the ClientHello and closes
 *   small     relays, but resets a ClientHello record longer than --count bytes
 *   quiet     relays, but keeps silent when the ClientHello has the name of --name
 *
 * IPv4. Prints "ready" when it listens.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { RELAY_BYTES = 16384, HELLO_HEADER = 5, LONG_QUEUE = 1024 };

static struct sockaddr_in here, to;
static long count = 1, hold_ms;
static const char *name = "";

static void fail(const char *what, const char *why)
{
    fprintf(stderr, "lab-capacity: %s: %s\n", what, why);
    exit(2);
}

static struct sockaddr_in parse(const char *text)
{
    char host[64];
    struct sockaddr_in address = {.sin_family = AF_INET};
    const char *colon = text == NULL ? NULL : strrchr(text, ':');
    if (colon == NULL || (size_t)(colon - text) >= sizeof host)
        fail("expected ADDRESS:PORT", text == NULL ? "nothing" : text);
    memcpy(host, text, (size_t)(colon - text));
    host[colon - text] = '\0';
    address.sin_port = htons((uint16_t)atoi(colon + 1));
    if (inet_pton(AF_INET, host, &address.sin_addr) != 1)
        fail("not an address", host);
    return address;
}

static int listen_here(int backlog)
{
    int on = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        bind(fd, (const struct sockaddr *)&here, sizeof here) != 0 || listen(fd, backlog) != 0)
        fail("listen", strerror(errno));
    return fd;
}

static void ready(void)
{
    (void)printf("ready\n");
    (void)fflush(stdout);
}

static void wait_for_ever(void)
{
    for (;;)
        (void)pause();
}

static int connect_to(const struct sockaddr_in *peer)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)peer, sizeof *peer) == 0)
        return fd;
    if (fd >= 0)
        (void)close(fd);
    return -1;
}

/* A queue of one holds two on Linux (it is full above its length); those who come later find it full. */
static void be_full(void)
{
    (void)listen_here(0);
    int first = connect_to(&here);
    if (first < 0)
        fail("connect", strerror(errno));
    ready();
    wait_for_ever();
}

static bool pass_on(int from, int into)
{
    char bytes[RELAY_BYTES];
    ssize_t got = read(from, bytes, sizeof bytes);
    for (ssize_t sent = 0; sent < got;) {
        ssize_t now = write(into, bytes + sent, (size_t)(got - sent));
        if (now <= 0)
            return false;
        sent += now;
    }
    return got > 0;
}

static void relay(int client)
{
    int upstream = connect_to(&to);
    struct pollfd polls[2] = {{.fd = client, .events = POLLIN}, {.fd = upstream, .events = POLLIN}};
    bool open = upstream >= 0;
    while (open && poll(polls, 2, -1) > 0) {
        if (polls[0].revents != 0)
            open = pass_on(client, upstream);
        if (open && polls[1].revents != 0)
            open = pass_on(upstream, client);
    }
    if (upstream >= 0)
        (void)close(upstream);
    (void)close(client);
}

static void reset(int client)
{
    struct linger now = {.l_onoff = 1};
    (void)setsockopt(client, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    (void)close(client);
}

static void sleep_ms(long ms)
{
    struct timespec wait = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    while (nanosleep(&wait, &wait) != 0 && errno == EINTR)
        continue;
}

/* Waits for the record header and what it announces. @return its length, 0 when the client left. */
static size_t read_hello(int client, bool take)
{
    uint8_t bytes[RELAY_BYTES];
    size_t wanted = HELLO_HEADER;
    for (int tries = 0; tries < 2000; tries++) {
        ssize_t got = recv(client, bytes, sizeof bytes, MSG_PEEK);
        if (got <= 0)
            return 0;
        if (got >= HELLO_HEADER)
            wanted = HELLO_HEADER + (size_t)(bytes[3] << 8 | bytes[4]);
        if ((size_t)got >= wanted || wanted > sizeof bytes) {
            if (take)
                (void)!recv(client, bytes, sizeof bytes, 0);
            return wanted;
        }
        sleep_ms(2);
    }
    return 0;
}

static bool has_name(int client)
{
    uint8_t bytes[RELAY_BYTES];
    (void)read_hello(client, false);
    ssize_t got = recv(client, bytes, sizeof bytes, MSG_PEEK);
    return got > 0 && memmem(bytes, (size_t)got, name, strlen(name)) != NULL;
}

static void one_at_a_time(void)
{
    int fd = listen_here(0);
    ready();
    for (;;) {
        int client = accept(fd, NULL, NULL);
        if (client < 0)
            continue;
        relay(client);
        sleep_ms(hold_ms);
    }
}

static void serve(const char *kind, int client)
{
    char byte;
    if (strcmp(kind, "reads") == 0 || (strcmp(kind, "quiet") == 0 && has_name(client))) {
        while (read(client, &byte, 1) > 0)
            continue;
    } else if (strcmp(kind, "reset") == 0) {
        (void)read_hello(client, true);
        reset(client);
    } else if (strcmp(kind, "close") == 0) {
        (void)read_hello(client, true);
        (void)close(client);
    } else if (strcmp(kind, "small") == 0 && read_hello(client, false) > (size_t)count) {
        reset(client);
    } else {
        relay(client);
    }
}

static void each_its_own(const char *kind)
{
    int fd = listen_here(LONG_QUEUE);
    long open = 0;
    ready();
    for (;;) {
        int client = accept(fd, NULL, NULL);
        while (waitpid(-1, NULL, WNOHANG) > 0)
            open--;
        if (client < 0)
            continue;
        pid_t child = strcmp(kind, "limit") == 0 && open >= count ? -1 : fork();
        if (child == 0) {
            (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
            (void)close(fd);
            serve(kind, client);
            _exit(0);
        }
        open += child > 0;
        (void)close(client);
    }
}

int main(int argc, char **argv)
{
    static const char *const kinds[] = {"limit", "reads", "reset", "close", "small", "quiet"};
    if (argc < 3)
        fail("usage", "lab-capacity KIND ADDRESS:PORT [--to ADDRESS:PORT] [--count N] [--hold MS]");
    here = parse(argv[2]);
    for (int i = 3; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--to") == 0)
            to = parse(argv[i + 1]);
        else if (strcmp(argv[i], "--count") == 0)
            count = atol(argv[i + 1]);
        else if (strcmp(argv[i], "--name") == 0)
            name = argv[i + 1];
        else if (strcmp(argv[i], "--hold") == 0)
            hold_ms = atol(argv[i + 1]);
        else
            fail("unknown option", argv[i]);
    }
    (void)signal(SIGPIPE, SIG_IGN);
    if (strcmp(argv[1], "full") == 0)
        be_full();
    if (strcmp(argv[1], "hung") == 0) {
        (void)listen_here((int)count);
        ready();
        wait_for_ever();
    }
    if (strcmp(argv[1], "one") == 0)
        one_at_a_time();
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (strcmp(argv[1], kinds[i]) == 0)
            each_its_own(argv[1]);
    fail("unknown kind", argv[1]);
}
