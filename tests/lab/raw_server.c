/*
 * lab-raw: a server that says fixed bytes, for what no real TLS server says on demand.
 *
 *   lab-raw PORT WHEN THEN [BYTES]     on 127.0.0.1
 *     WHEN   greet: at once; answer: once the ClientHello (or whatever comes first) has been read
 *     THEN   close: FIN; reset: RST; hold: stay silent until the client leaves
 *     BYTES  hexadecimal; none: says nothing
 *
 *        accept --> (answer: read once) --> send BYTES --> close | reset | hold until the client closes
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BYTES_MAX = 4096, HOLD_MAX_S = 60, BACKLOG = 64 };

struct script {
    bool answers;
    bool holds;
    bool resets;
    size_t length;
    uint8_t bytes[BYTES_MAX];
};

static void fail(const char *what, const char *value)
{
    (void)fprintf(stderr, "lab-raw: %s: %s\n", what, value);
    exit(2);
}

static void read_bytes(const char *hex, struct script *script)
{
    for (; hex[0] != '\0' && hex[1] != '\0'; hex += 2) {
        char digits[3] = {hex[0], hex[1], '\0'}, *end;
        unsigned long byte = strtoul(digits, &end, 16);
        if (*end != '\0' || script->length == BYTES_MAX)
            fail("expected hexadecimal bytes", hex);
        script->bytes[script->length++] = (uint8_t)byte;
    }
}

static int listen_at(const char *port_text)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    address.sin_port = htons((uint16_t)strtoul(port_text, NULL, 10));
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        bind(fd, (struct sockaddr *)&address, sizeof address) != 0 || listen(fd, BACKLOG) != 0)
        fail("cannot listen", port_text);
    return fd;
}

/* In a process of its own, which ends with the connection, or by the alarm. */
static void serve(int fd, const struct script *script)
{
    uint8_t ignored[BYTES_MAX];
    struct linger abort_now = {.l_onoff = 1, .l_linger = 0};
    (void)alarm(HOLD_MAX_S);
    if (script->answers && recv(fd, ignored, sizeof ignored, 0) <= 0)
        return;
    if (script->length > 0 && send(fd, script->bytes, script->length, MSG_NOSIGNAL) < 0)
        return;
    if (script->resets)
        (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &abort_now, sizeof abort_now);
    else if (!script->holds)
        (void)shutdown(fd, SHUT_WR);
    /* What is left unread would turn a FIN into a reset. */
    while (!script->resets && recv(fd, ignored, sizeof ignored, 0) > 0)
        ;
}

int main(int argc, char **argv)
{
    static struct script script;
    if (argc < 4)
        fail("usage", "lab-raw PORT greet|answer close|reset|hold [BYTES]");
    script.answers = strcmp(argv[2], "answer") == 0;
    script.resets = strcmp(argv[3], "reset") == 0;
    script.holds = strcmp(argv[3], "hold") == 0;
    if (argc > 4)
        read_bytes(argv[4], &script);
    int listener = listen_at(argv[1]);
    (void)signal(SIGCHLD, SIG_IGN);
    for (;;) {
        int fd = accept(listener, NULL, NULL);
        pid_t child = fd < 0 ? -1 : fork();
        if (child == 0) {
            (void)close(listener);
            serve(fd, &script);
            return 0;
        }
        if (fd >= 0)
            (void)close(fd);
    }
}
