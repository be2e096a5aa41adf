#include "probe/resolver.h"

#include "cli/i18n.h"
#include "link/handles.h"
#include "words/address.h"
#include "words/buf.h"

#include <ares.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>

enum { RESOLVER_TIMEOUT_MS = 2000, RESOLVER_TRIES = 2, DNS_CLASS_IN = 1, DNS_PORT = 53 };

struct resolver {
    uv_loop_t *loop;
    ares_channel channel;
    bool has_channel;
    struct resolver_socket *sockets;
    unsigned open; /* sockets not yet closed, and the timer */
    uv_timer_t timer;
    struct handles handles;
    char *servers;
    void (*closed)(void *arg);
    void *arg;
};

/* One of c-ares' sockets while it wants to be watched. */
struct resolver_socket {
    struct resolver *resolver;
    struct resolver_socket *next;
    ares_socket_t fd;
    uv_poll_t poll;
    struct handles handles;
};

struct resolver_query {
    resolver_answer answer; /* NULL: forgotten */
    void *arg;
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
    struct timeval wait;
    if (ares_timeout(resolver->channel, NULL, &wait) == NULL) {
        (void)uv_timer_stop(&resolver->timer);
        return;
    }
    uint64_t ms = (uint64_t)wait.tv_sec * 1000 + (uint64_t)wait.tv_usec / 1000 + 1;
    (void)uv_timer_start(&resolver->timer, on_timer, ms, 0);
}

static void on_timer(uv_timer_t *timer)
{
    struct resolver *resolver = timer->data;
    ares_process_fd(resolver->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    resolver_set_timer(resolver);
}

static void on_socket(uv_poll_t *poll, int status, int events)
{
    const struct resolver_socket *socket = poll->data;
    struct resolver *resolver = socket->resolver;
    ares_socket_t fd = socket->fd; /* the socket may be gone while c-ares works */
    bool both = status < 0;
    ares_process_fd(resolver->channel, both || (events & UV_READABLE) ? fd : ARES_SOCKET_BAD,
                    both || (events & UV_WRITABLE) ? fd : ARES_SOCKET_BAD);
    resolver_set_timer(resolver);
}

static void socket_closed(void *arg)
{
    struct resolver_socket *socket = arg;
    struct resolver *resolver = socket->resolver;
    free(socket);
    resolver_one_closed(resolver);
}

static struct resolver_socket *socket_new(struct resolver *resolver, ares_socket_t fd)
{
    struct resolver_socket *socket = calloc(1, sizeof *socket);
    if (socket == NULL)
        return NULL;
    if (uv_poll_init(resolver->loop, &socket->poll, fd) != 0) {
        free(socket);
        return NULL;
    }
    socket->resolver = resolver;
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
    struct resolver *resolver = arg;
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
        socket = socket_new(resolver, fd);
    /* Without memory the question simply times out. */
    if (socket != NULL)
        (void)uv_poll_start(&socket->poll, (readable ? UV_READABLE : 0) | (writable ? UV_WRITABLE : 0),
                            on_socket);
}

static void on_answer(void *arg, int status, int timeouts, unsigned char *bytes, int length)
{
    (void)timeouts;
    struct resolver_query *query = arg;
    if (query->answer != NULL)
        query->answer(status, bytes, bytes == NULL || length < 0 ? 0 : (size_t)length, query->arg);
    free(query);
}

struct resolver_query *resolver_ask(struct resolver *resolver, const char *name, int type,
                                    resolver_answer answer, void *arg)
{
    struct resolver_query *query = calloc(1, sizeof *query);
    if (query == NULL)
        return NULL;
    *query = (struct resolver_query){.answer = answer, .arg = arg};
    ares_query(resolver->channel, name, DNS_CLASS_IN, type, on_answer, query);
    resolver_set_timer(resolver);
    return query;
}

void resolver_forget(struct resolver_query *query)
{
    if (query != NULL)
        query->answer = NULL;
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

static int channel_init(struct resolver *resolver, const char *servers)
{
    struct ares_options options = {
        /* NOCHECKRESP: an error rcode is an answer to be kept, not a reason to ask the next server. */
        .flags = ARES_FLAG_NOCHECKRESP | ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES,
        .timeout = RESOLVER_TIMEOUT_MS,
        .tries = RESOLVER_TRIES,
        .sock_state_cb = on_socket_state,
        .sock_state_cb_data = resolver,
    };
    int status =
        ares_init_options(&resolver->channel, &options,
                          ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB);
    if (status != ARES_SUCCESS)
        return status;
    resolver->has_channel = true;
    return servers == NULL ? ARES_SUCCESS : ares_set_servers_ports_csv(resolver->channel, servers);
}

static void resolver_drop(struct resolver *resolver)
{
    if (resolver->has_channel)
        ares_destroy(resolver->channel);
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

struct resolver *resolver_new(uv_loop_t *loop, const char *servers, char **ret_why)
{
    struct resolver *resolver = calloc(1, sizeof *resolver);
    if (resolver == NULL)
        return NULL;
    resolver->loop = loop;
    int status = ares_library_init(ARES_LIB_INIT_ALL);
    if (status == ARES_SUCCESS)
        status = channel_init(resolver, servers);
    if (status == ARES_SUCCESS) {
        resolver->servers = servers_text(resolver->channel);
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
    handles_init(&resolver->handles);
    handles_add(&resolver->handles, &resolver->timer);
    return resolver;
}

static void timer_closed(void *arg)
{
    resolver_one_closed(arg);
}

void resolver_close(struct resolver *resolver, void (*closed)(void *arg), void *arg)
{
    resolver->closed = closed;
    resolver->arg = arg;
    ares_destroy(resolver->channel);
    handles_close_all(&resolver->handles, resolver->loop, timer_closed, resolver);
}
