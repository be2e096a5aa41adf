#include "outlet/http.h"

#include "link/handles.h"
#include "outlet/metrics.h"
#include "store/command.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>

/*
 * libmicrohttpd without a thread: it keeps its sockets in an epoll set of its own, whose descriptor the loop polls like any
 * other (an epoll descriptor is readable when one of its members is ready). MHD_run then does what can be done without
 * waiting. So the registry needs no lock, and no request can hold up a session: bodies are not read, answers are made in
 * memory, and connections are few, small and short-lived.
 *
 *      loop: epoll readable, or MHD's own timeout --> MHD_run --> http_answer for each whole request
 *
 * MHD stops listening at its limit of connections and begins again in the MHD_run after the one in which some went away, of
 * which neither its timeout nor its descriptor tells. So it is run every HTTP_LOOK_MS at least.
 */

enum { HTTP_CONNECTIONS = 32, HTTP_TIMEOUT_S = 10, HTTP_CONNECTION_BYTES = 16 * 1024, HTTP_LOOK_MS = 1000 };

struct http {
    uv_loop_t *loop;
    struct http_hooks hooks;
    struct MHD_Daemon *daemon;
    uv_poll_t poll;
    uv_timer_t timer;
    struct handles handles;
    void (*done)(void *arg);
    void *arg;
};

/* --- answers --- */

static enum MHD_Result http_send(struct MHD_Connection *connection, unsigned status, const char *type,
                                 struct buf *body)
{
    size_t length = body->len;
    char *text = buf_take(body);
    if (text == NULL)
        return MHD_NO;
    struct MHD_Response *response = MHD_create_response_from_buffer(length, text, MHD_RESPMEM_MUST_FREE);
    if (response == NULL) {
        free(text);
        return MHD_NO;
    }
    bool whole = MHD_add_response_header(response, "Content-Type", type) == MHD_YES &&
                 MHD_add_response_header(response, "X-Content-Type-Options", "nosniff") == MHD_YES &&
                 MHD_add_response_header(response, "Cache-Control", "no-store") == MHD_YES &&
                 (status != MHD_HTTP_METHOD_NOT_ALLOWED ||
                  MHD_add_response_header(response, "Allow", "GET, HEAD") == MHD_YES);
    enum MHD_Result queued = whole ? MHD_queue_response(connection, status, response) : MHD_NO;
    MHD_destroy_response(response);
    return queued;
}

static enum MHD_Result http_say(struct MHD_Connection *connection, unsigned status, const char *text)
{
    struct buf body;
    buf_init(&body, 0);
    enum MHD_Result sent =
        buf_text(&body, text) ? http_send(connection, status, "text/plain; charset=utf-8", &body) : MHD_NO;
    buf_done(&body);
    return sent;
}

static enum MHD_Result http_metrics(struct http *http, struct MHD_Connection *connection)
{
    struct metrics *metrics = metrics_here();
    const char *accept = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Accept");
    enum metrics_format format = metrics_format_of(accept);
    struct buf body;
    buf_init(&body, 0);
    metrics_add(metrics, METRIC_SCRAPES, NULL, 1);
    http->hooks.on_scrape(http->hooks.arg);
    enum MHD_Result sent = metrics != NULL && metrics_write(metrics, format, &body)
                               ? http_send(connection, MHD_HTTP_OK, metrics_content_type(format), &body)
                               : MHD_NO;
    buf_done(&body);
    return sent;
}

static enum MHD_Result http_health(struct http *http, struct MHD_Connection *connection)
{
    struct buf body;
    buf_init(&body, 0);
    bool well = http->hooks.on_health(&body, http->hooks.arg);
    enum MHD_Result sent =
        http_send(connection, well ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE, "application/json", &body);
    buf_done(&body);
    return sent;
}

/* MHD calls this when the head of a request is there, and again for its body and its end; the first call says nothing yet. */
static enum MHD_Result http_answer(void *arg, struct MHD_Connection *connection, const char *url,
                                   const char *method, const char *version, const char *upload,
                                   size_t *upload_size, void **request)
{
    static char begun;
    struct http *http = arg;
    (void)version, (void)upload;
    if (*request == NULL) {
        *request = &begun;
        return MHD_YES;
    }
    if (*upload_size > 0) {
        *upload_size = 0; /* a body is read past */
        return MHD_YES;
    }
    if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
        return http_say(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "GET and HEAD only\n");
    if (strcmp(url, "/metrics") == 0)
        return http_metrics(http, connection);
    if (strcmp(url, "/healthz") == 0)
        return http_health(http, connection);
    return http_say(connection, MHD_HTTP_NOT_FOUND, "there is /metrics and /healthz\n");
}

/* --- the loop --- */

static void http_run(struct http *http);

static void http_on_readable(uv_poll_t *poll, int status, int events)
{
    (void)status, (void)events;
    http_run(poll->data);
}

static void http_on_timeout(uv_timer_t *timer)
{
    http_run(timer->data);
}

static void http_run(struct http *http)
{
    MHD_UNSIGNED_LONG_LONG wait_ms = 0;
    (void)MHD_run(http->daemon);
    if (MHD_get_timeout(http->daemon, &wait_ms) != MHD_YES || wait_ms > HTTP_LOOK_MS)
        wait_ms = HTTP_LOOK_MS;
    (void)uv_timer_start(&http->timer, http_on_timeout, wait_ms, 0);
}

/* --- public --- */

static bool http_listen(struct http *http, const struct address *address, uint16_t port)
{
    struct sockaddr_storage storage = {0};
    unsigned flags = MHD_USE_EPOLL | (address->length == 16 ? MHD_USE_IPv6 : 0);
    if (address_to_sockaddr(address, port, &storage) == 0)
        return false;
    http->daemon = MHD_start_daemon(
        flags, port, NULL, NULL, http_answer, http, MHD_OPTION_SOCK_ADDR, (struct sockaddr *)&storage,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)HTTP_CONNECTIONS, MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned)HTTP_TIMEOUT_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HTTP_CONNECTION_BYTES,
        MHD_OPTION_EXTERNAL_LOGGER, NULL, NULL, MHD_OPTION_END);
    return http->daemon != NULL;
}

static bool http_watch(struct http *http, uint16_t *ret_port)
{
    const union MHD_DaemonInfo *bound = MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_BIND_PORT);
    const union MHD_DaemonInfo *epoll = MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    if (bound == NULL || epoll == NULL || uv_poll_init(http->loop, &http->poll, epoll->epoll_fd) != 0)
        return false;
    *ret_port = bound->port;
    (void)uv_timer_init(http->loop, &http->timer);
    http->poll.data = http->timer.data = http;
    handles_add(&http->handles, &http->poll);
    handles_add(&http->handles, &http->timer);
    return uv_poll_start(&http->poll, UV_READABLE, http_on_readable) == 0;
}

static void http_closed(void *arg)
{
    struct http *http = arg;
    if (http->daemon != NULL)
        MHD_stop_daemon(http->daemon);
    if (http->done != NULL)
        http->done(http->arg);
    free(http);
}

struct http *http_new(uv_loop_t *loop, const struct address *address, uint16_t port,
                      const struct http_hooks *hooks, uint16_t *ret_port, char **ret_why)
{
    struct http *http = calloc(1, sizeof *http);
    char text[ADDRESS_TEXT_BYTES];
    if (http == NULL)
        return NULL;
    http->loop = loop;
    http->hooks = *hooks;
    handles_init(&http->handles);
    errno = 0;
    if (http_listen(http, address, port) && http_watch(http, ret_port))
        return http;
    *ret_why = text_format("cannot serve metrics on %s port %u: %s", address_text(address, text), port,
                           strerror(errno == 0 ? EINVAL : errno));
    http_close(http, NULL, NULL);
    return NULL;
}

void http_close(struct http *http, void (*done)(void *arg), void *arg)
{
    if (http == NULL) {
        if (done != NULL)
            done(arg);
        return;
    }
    http->done = done;
    http->arg = arg;
    handles_close_all(&http->handles, http->loop, http_closed, http);
}
