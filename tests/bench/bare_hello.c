/*
 * bench-bare-hello ADDRESS PORT NAME COUNT [AT-ONCE]: what the kernel takes for a sweep. Connects to COUNT addresses from ADDRESS on, sends
 * each the ClientHello of the normal probe, which is made once, waits for the first bytes, and resets the connection. Nothing is
 * looked at, parsed, recorded or paced: the least that any program can do who asks by these system calls. Prints how many and the CPU
 * time they took (microseconds of this process, user and system).
 */
#include "sweep/hello.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { AT_ONCE = 256, EVENTS = 256, ANSWER_BYTES = 65536, DESCRIPTORS_MAX = 65536 };

static struct sweep_hello hello;
static bool asked[DESCRIPTORS_MAX];

static bool start(int epoll, uint32_t address, uint16_t port)
{
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(address)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || fd >= DESCRIPTORS_MAX)
        return false;
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.fd = fd};
    asked[fd] = false;
    return (connect(fd, (struct sockaddr *)&to, sizeof to) == 0 || errno == EINPROGRESS) &&
           epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

/* @return 1 when it is answered, 0 when not yet, -1 when it failed. */
static int step(int fd)
{
    static const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    static uint8_t answer[ANSWER_BYTES];
    if (!asked[fd]) {
        asked[fd] = true;
        return send(fd, hello.bytes.data, hello.bytes.len, MSG_NOSIGNAL) < 0 ? -1 : 0;
    }
    ssize_t got = recv(fd, answer, sizeof answer, 0);
    if (got < 0 && errno == EAGAIN)
        return 0;
    if (got <= 0 || setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) != 0 || close(fd) != 0)
        return -1;
    return 1;
}

static bool ask_all(uint32_t address, uint16_t port, unsigned count, unsigned at_once)
{
    struct epoll_event ready[EVENTS];
    unsigned begun = 0, over = 0;
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    while (over < count) {
        for (; begun < count && begun - over < at_once; begun++)
            if (!start(epoll, address + begun, port))
                return false;
        int events = epoll_wait(epoll, ready, EVENTS, -1);
        for (int i = 0; i < events; i++) {
            int result = step(ready[i].data.fd);
            if (result < 0)
                return false;
            over += (unsigned)result;
        }
    }
    return close(epoll) == 0;
}

static double cpu_us(void)
{
    struct rusage usage;
    (void)getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

int main(int argc, char **argv)
{
    static const uint8_t random[HELLO_DECOY_RANDOM_BYTES] = {1};
    struct in_addr first;
    if (argc < 5 || inet_pton(AF_INET, argv[1], &first) != 1)
        return 2;
    unsigned count = (unsigned)strtoul(argv[4], NULL, 10);
    unsigned at_once = argc > 5 ? (unsigned)strtoul(argv[5], NULL, 10) : AT_ONCE;
    sweep_hello_init(&hello, hello_profile_find(HELLO_PROFILE_NORMAL));
    if (!sweep_hello_make(&hello, argv[3], random))
        return 3;
    if (!ask_all(ntohl(first.s_addr), (uint16_t)strtoul(argv[2], NULL, 10), count, at_once)) {
        (void)fprintf(stderr, "a connection failed: %s\n", strerror(errno));
        return 3;
    }
    printf("%u %.0f\n", count, cpu_us());
    sweep_hello_done(&hello);
    return 0;
}
