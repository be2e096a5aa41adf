#include "ingest/listen.h"

#include "cli/i18n.h"
#include "link/handles.h"
#include "log.h"
#include "store/command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum {
    LISTEN_BACKLOG = 512,
    LISTEN_RESERVE =
        96, /* file descriptors that are not sessions': the database, the judge, metrics, alerts */
    LISTEN_LEAST = 16,
    LISTEN_LOG_MS = 10000,
    LISTEN_AGAIN_MS = 100,
};

struct listen {
    struct session_hub *hub;
    uv_tcp_t tcp;
    uv_timer_t log;   /* says what the log has left out */
    uv_timer_t again; /* without memory a connection waits, and all behind it */
    struct handles handles;
    void (*done)(void *arg);
    void *arg;
};

bool listen_parse(const char *text, struct address *ret_address, uint16_t *ret_port)
{
    char host[ADDRESS_TEXT_BYTES];
    const char *colon = strrchr(text, ':');
    if (colon == NULL || colon[1] == '\0')
        return false;
    char *end = NULL;
    long port = strtol(colon + 1, &end, 10);
    size_t length = (size_t)(colon - text);
    bool bracketed = length >= 2 && text[0] == '[' && colon[-1] == ']';
    if (colon[1] < '0' || colon[1] > '9' || *end != '\0' || port > 65535 ||
        length - (bracketed ? 2 : 0) >= sizeof host)
        return false;
    (void)snprintf(host, sizeof host, "%.*s", (int)(length - (bracketed ? 2 : 0)),
                   text + (bracketed ? 1 : 0));
    if (!address_parse(host, ret_address) || bracketed != (ret_address->length == 16))
        return false;
    *ret_port = (uint16_t)port;
    return true;
}

/*
 * How many sessions there are file descriptors for. Without one to accept with, a connection would wait and wake the loop again
 * and again; so there is always one, and who is too many is told by being closed.
 */
static size_t listen_room(void)
{
    struct rlimit limit;
    const rlim_t wanted = SESSION_MAX + LISTEN_RESERVE;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return SESSION_MAX;
    if (limit.rlim_cur < wanted && limit.rlim_cur < limit.rlim_max) {
        struct rlimit more = {.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted,
                              .rlim_max = limit.rlim_max};
        if (setrlimit(RLIMIT_NOFILE, &more) == 0)
            limit = more;
    }
    if (limit.rlim_cur >= wanted)
        return SESSION_MAX;
    size_t room = limit.rlim_cur < LISTEN_RESERVE + LISTEN_LEAST ? LISTEN_LEAST
                                                                 : (size_t)limit.rlim_cur - LISTEN_RESERVE;
    log_line("room for %zu sessions: only %llu files may be open", room, (unsigned long long)limit.rlim_cur);
    return room;
}

static void listen_on_log(uv_timer_t *timer)
{
    (void)timer;
    log_left_out(0);
}

static void listen_on_again(uv_timer_t *timer);

static void listen_on_connection(uv_stream_t *stream, int status)
{
    struct listen *listen = stream->data;
    if (status < 0) {
        log_about(LOG_STRANGERS, "cannot accept a connection: %s", uv_strerror(status));
    } else if (!session_accept(listen->hub, stream)) {
        log_about(LOG_STRANGERS, "cannot accept a connection: out of memory");
        (void)uv_timer_start(&listen->again, listen_on_again, LISTEN_AGAIN_MS, 0);
    }
}

static void listen_on_again(uv_timer_t *timer)
{
    struct listen *listen = timer->data;
    listen_on_connection((uv_stream_t *)&listen->tcp, 0);
}

static void listen_place(struct listen *listen, char out[ADDRESS_TEXT_BYTES + 8])
{
    struct sockaddr_storage storage = {0};
    int length = sizeof storage;
    struct address address = {0};
    uint16_t port = 0;
    char text[ADDRESS_TEXT_BYTES];
    if (uv_tcp_getsockname(&listen->tcp, (struct sockaddr *)&storage, &length) == 0)
        (void)address_from_sockaddr((const struct sockaddr *)&storage, &address, &port);
    (void)snprintf(out, ADDRESS_TEXT_BYTES + 8, address.length == 16 ? "[%s]:%u" : "%s:%u",
                   address_text(&address, text), (unsigned)port);
}

static void listen_gone(void *arg)
{
    struct listen *listen = arg;
    void (*done)(void *) = listen->done;
    void *done_arg = listen->arg;
    free(listen);
    done(done_arg);
}

static void listen_ignore(void *arg)
{
    (void)arg;
}

struct listen *listen_new(struct session_hub *hub, const char *where, char ret_place[ADDRESS_TEXT_BYTES + 8],
                          char **ret_why)
{
    struct address address;
    uint16_t port = 0;
    struct sockaddr_storage storage;
    if (!listen_parse(where, &address, &port)) {
        *ret_why = text_format(_("%s is no ADDRESS:PORT"), where);
        return NULL;
    }
    struct listen *listen = calloc(1, sizeof *listen);
    if (listen == NULL)
        return NULL;
    (void)address_to_sockaddr(&address, port, &storage);
    listen->hub = hub;
    int status = uv_tcp_init(hub->loop, &listen->tcp);
    listen->tcp.data = listen;
    handles_init(&listen->handles);
    handles_add(&listen->handles, &listen->tcp);
    (void)uv_timer_init(hub->loop, &listen->log);
    handles_add(&listen->handles, &listen->log);
    (void)uv_timer_init(hub->loop, &listen->again);
    listen->again.data = listen;
    handles_add(&listen->handles, &listen->again);
    if (status == 0)
        status = uv_tcp_bind(&listen->tcp, (const struct sockaddr *)&storage, 0);
    if (status == 0)
        status = uv_listen((uv_stream_t *)&listen->tcp, LISTEN_BACKLOG, listen_on_connection);
    if (status == 0) {
        listen_place(listen, ret_place);
        hub->limit = listen_room();
        (void)uv_timer_start(&listen->log, listen_on_log, LISTEN_LOG_MS, LISTEN_LOG_MS);
        return listen;
    }
    *ret_why = text_format(_("cannot listen on %s: %s"), where, uv_strerror(status));
    listen_close(listen, listen_ignore, NULL);
    return NULL;
}

void listen_close(struct listen *listen, void (*done)(void *arg), void *arg)
{
    listen->done = done;
    listen->arg = arg;
    handles_close_all(&listen->handles, listen->hub->loop, listen_gone, listen);
}
