#include "link/clock.h"
#include "sweep/sweep_parts.h"
#include "words/units.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

/*
 * An endpoint's way through a sweep:
 *
 *     list ──> item ──> (a name: resolve.c) ──> a connection for each address
 *                                                   │
 *                                WAITING for the turn of its address, in a heap by due_us
 *                                                   │  a descriptor is free, and the rate of all allows it
 *                                CONNECTING, then ASKED with one ClientHello; in a list by deadline
 *                                                   │  an answer, an end, or the deadline
 *                                an attempt is made of it, handed over, and the connection forgotten
 *
 * Sockets are watched edge-triggered by an epoll descriptor of their own, which the loop watches: one system call for a
 * connection's whole life, and nothing in memory but its struct. All share one deadline's length, so the list by deadline is the
 * list by start.
 *
 * A connection reserves its address's token when it begins to wait. When it could not go then, because all descriptors were
 * taken, it reserves again: otherwise those that came late would all go out at once.
 */

enum { EVENTS_A_TURN = 256, BEHIND_MAX_US = 20 * 1000, PACE_PLACES = 65536 };

static const int64_t never_us = INT64_MAX;

/* --- items --------------------------------------------------------------------------------------------------------- */

/* FNV-1a over what an endpoint is: tells another list from the one that a position belongs to. */
static uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ ((const uint8_t *)bytes)[i]) * UINT64_C(1099511628211);
    return hash;
}

static uint64_t hash_endpoint(uint64_t hash, const struct endpoint *endpoint)
{
    hash = hash_bytes(hash, endpoint->host, strlen(endpoint->host) + 1);
    hash = hash_bytes(hash, endpoint->sni, strlen(endpoint->sni) + 1);
    hash = hash_bytes(hash, endpoint->address.bytes, endpoint->address.length);
    return hash_bytes(hash, &endpoint->port, sizeof endpoint->port);
}

static struct sweep_item *item_new(struct sweep *sweep, uint64_t index, const struct endpoint *endpoint)
{
    bool bare = endpoint->sni[0] == '\0' && sweep->options.sni != NULL;
    const char *name = bare ? sweep->options.sni : endpoint->sni;
    size_t host = strlen(endpoint->host) + 1, sni = strlen(name) + 1;
    struct sweep_item *item = calloc(1, sizeof *item + host + sni);
    if (item == NULL)
        return NULL;
    item->sweep = sweep;
    item->index = index;
    item->endpoint = *endpoint;
    item->endpoint.site = "";
    item->endpoint.host = memcpy(item->texts, endpoint->host, host);
    item->endpoint.sni = memcpy(item->texts + host, name, sni);
    item->sni = endpoint_sni(&item->endpoint);
    item->next = sweep->items;
    if (item->next != NULL)
        item->next->previous = item;
    sweep->items = item;
    return item;
}

static void item_free(struct sweep_item *item)
{
    struct sweep *sweep = item->sweep;
    if (item->next != NULL)
        item->next->previous = item->previous;
    if (item->previous != NULL)
        item->previous->next = item->next;
    else
        sweep->items = item->next;
    sweep_questions_free(item);
    free(item);
}

void sweep_item_release(struct sweep_item *item)
{
    if (--item->open > 0)
        return;
    item->sweep->counts.done++;
    item_free(item);
}

static bool item_begin(struct sweep *sweep, uint64_t index, const struct endpoint *endpoint, unsigned tried)
{
    char why[POLICY_WHY_BYTES] = "";
    struct address address = endpoint->address;
    struct sweep_item *item = item_new(sweep, index, endpoint);
    if (item == NULL)
        return false;
    bool begun = true;
    item->open = 1; /* ours */
    item->tried = tried;
    sweep->counts.begun++;
    if (sweep->options.policy != NULL && !policy_allows(sweep->options.policy, endpoint, why))
        sweep_refuse(item, &address, LOCAL_POLICY, 0, why);
    else if (address.length > 0 || address_parse(endpoint->host, &address))
        begun = sweep_connection_add(item, &address);
    else
        sweep_resolve(item);
    sweep_item_release(item);
    return begun;
}

void sweep_fail(struct sweep *sweep)
{
    sweep->failed = true;
    sweep_stop(sweep);
}

/* Whoever checked the list has complained of bad lines. */
static bool next_endpoint(struct sweep *sweep, struct endpoint *ret_endpoint)
{
    enum sweep_list_result result;
    do
        result = sweep_list_next(sweep->options.list, ret_endpoint);
    while (result == SWEEP_LIST_BAD);
    return result == SWEEP_LIST_ENTRY;
}

/* Was it done before the sweep broke off? What was tried of it, else. */
static bool is_done(struct sweep *sweep, uint64_t index, unsigned *ret_tried)
{
    *ret_tried = 0;
    if (index >= sweep->resumed_next)
        return false;
    if (sweep->again_at == sweep->again_count || sweep->again[sweep->again_at].index != index)
        return true;
    *ret_tried = sweep->again[sweep->again_at++].tried;
    return false;
}

/* @return false: there is none, or the sweep has failed. */
static bool begin_next(struct sweep *sweep)
{
    struct endpoint endpoint;
    unsigned tried = 0;
    while (!sweep->list_over) {
        sweep->list_over = !next_endpoint(sweep, &endpoint);
        if (sweep->list_over)
            return false;
        sweep->list_hash = hash_endpoint(sweep->list_hash, &endpoint);
        uint64_t index = sweep->next++;
        if (is_done(sweep, index, &tried))
            continue;
        if (!item_begin(sweep, index, &endpoint, tried))
            sweep_fail(sweep);
        return !sweep->stopping;
    }
    return false;
}

/* --- turns --------------------------------------------------------------------------------------------------------- */

static bool rate_allows(const struct sweep *sweep, int64_t now_us)
{
    return now_us * 1000 >= sweep->next_ns;
}

/* One after another, not a second's worth at once; what was missed is made up for only a little. */
static void rate_spend(struct sweep *sweep, int64_t now_us)
{
    int64_t earliest_ns = (now_us - BEHIND_MAX_US) * 1000;
    if (sweep->next_ns < earliest_ns)
        sweep->next_ns = earliest_ns;
    sweep->next_ns += sweep->period_ns;
}

static bool is_late(const struct sweep *sweep, const struct sweep_connection *connection, int64_t now_us)
{
    int64_t period_us = INT64_C(1000000000) / (int64_t)sweep->options.address_rates.per_second_milli;
    return now_us - connection->due_us > period_us + BEHIND_MAX_US;
}

static void expire(struct sweep *sweep, int64_t now_us)
{
    int64_t timeout_us = (int64_t)sweep->options.timeout_us;
    while (sweep->open != NULL && sweep->open->start_us + timeout_us <= now_us)
        sweep_connection_expire(sweep->open);
}

static void start_waiting(struct sweep *sweep, int64_t now_us)
{
    struct sweep_connection *connection = sweep_take_waiting(sweep);
    if (is_late(sweep, connection, now_us)) {
        sweep_wait(sweep, connection, now_us);
        if (connection->due_us > now_us)
            return;
        connection = sweep_take_waiting(sweep);
    }
    rate_spend(sweep, now_us);
    sweep_connection_start(connection);
}

static bool may_begin(const struct sweep *sweep)
{
    return sweep->counts.waiting < SWEEP_WAITING_MAX && sweep->counts.resolving < SWEEP_RESOLVING_MAX;
}

/* Starts what may start. @return when there is more to do, if nothing happens before. */
static int64_t start_due(struct sweep *sweep)
{
    while (!sweep->stopping && sweep->counts.open < sweep->options.concurrency) {
        int64_t now_us = clock_mono_us(); /* new each time: what has just been added is due now */
        if (!rate_allows(sweep, now_us))
            return sweep->next_ns / 1000;
        if (sweep->counts.waiting > 0 && sweep->waiting[0]->due_us <= now_us)
            start_waiting(sweep, now_us);
        else if (!may_begin(sweep) || !begin_next(sweep))
            break;
    }
    bool full = sweep->counts.open >= sweep->options.concurrency;
    return full || sweep->counts.waiting == 0 ? never_us : sweep->waiting[0]->due_us;
}

static void on_closed(void *arg)
{
    struct sweep *sweep = arg;
    if (sweep->epoll >= 0)
        (void)close(sweep->epoll);
    sweep->epoll = -1;
    sweep->options.closed(sweep->options.arg);
}

static void on_resolver_closed(void *arg)
{
    struct sweep *sweep = arg;
    sweep->resolver = NULL;
    handles_close_all(&sweep->handles, sweep->loop, on_closed, sweep);
}

static void wind_up(struct sweep *sweep)
{
    struct resolver *resolver = sweep->resolver;
    if (resolver == NULL)
        return;
    sweep->resolver = NULL;
    resolver_close(resolver, on_resolver_closed, sweep);
}

static void on_timer(uv_timer_t *timer)
{
    sweep_turn(timer->data);
}

void sweep_turn(struct sweep *sweep)
{
    if (sweep->turning)
        return;
    int64_t now_us = clock_mono_us(), next_us;
    sweep->turning = true;
    if (!sweep->stopping)
        expire(sweep, now_us);
    next_us = start_due(sweep);
    sweep->turning = false;
    if (sweep->stopping || (sweep->list_over && sweep->items == NULL)) {
        wind_up(sweep);
        return;
    }
    int64_t deadline_us =
        sweep->open == NULL ? never_us : sweep->open->start_us + (int64_t)sweep->options.timeout_us;
    next_us = deadline_us < next_us ? deadline_us : next_us;
    if (next_us == never_us) {
        (void)uv_timer_stop(&sweep->timer);
        return;
    }
    uint64_t ms = next_us <= now_us ? 0 : (uint64_t)(next_us - now_us + 999) / 1000;
    uv_update_time(sweep->loop);
    (void)uv_timer_start(&sweep->timer, on_timer, ms, 0);
}

void sweep_look_soon(struct sweep *sweep)
{
    (void)uv_timer_start(&sweep->timer, on_timer, 0, 0);
}

static void on_events(uv_poll_t *poll, int status, int events)
{
    (void)status;
    (void)events;
    struct sweep *sweep = poll->data;
    struct epoll_event ready[EVENTS_A_TURN];
    int count = epoll_wait(sweep->epoll, ready, EVENTS_A_TURN, 0);
    sweep->turning = true;
    for (int i = 0; i < count && !sweep->stopping; i++)
        sweep_connection_event(ready[i].data.ptr, ready[i].events);
    sweep->turning = false;
    sweep_turn(sweep);
}

/* --- a sweep ------------------------------------------------------------------------------------------------------- */

static bool make_handles(struct sweep *sweep)
{
    handles_init(&sweep->handles);
    sweep->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (sweep->epoll < 0 || uv_poll_init(sweep->loop, &sweep->poll, sweep->epoll) != 0)
        return false;
    handles_add(&sweep->handles, &sweep->poll);
    sweep->poll.data = sweep;
    if (uv_timer_init(sweep->loop, &sweep->timer) != 0)
        return false;
    handles_add(&sweep->handles, &sweep->timer);
    sweep->timer.data = sweep;
    return true;
}

static void sweep_drop(struct sweep *sweep)
{
    sweep_hello_done(&sweep->hello);
    attempt_free(sweep->attempt);
    EVP_MD_free(sweep->sha256);
    pace_free(sweep->pace);
    hosts_free(sweep->hosts);
    free(sweep->waiting);
    free(sweep->again);
    free(sweep);
}

struct sweep *sweep_new(uv_loop_t *loop, const struct sweep_options *options, char **ret_why)
{
    *ret_why = NULL;
    struct sweep *sweep = calloc(1, sizeof *sweep);
    if (sweep == NULL)
        return NULL;
    struct pace_rates rates = options->address_rates;
    rates.addresses = PACE_PLACES;
    sweep->loop = loop;
    sweep->options = *options;
    sweep->epoll = -1;
    sweep_hello_init(&sweep->hello, options->profile);
    sweep->list_hash = UINT64_C(14695981039346656037);
    sweep->period_ns = INT64_C(1000000000) / (options->rate > 0 ? options->rate : 1);
    sweep->pace = pace_new(&rates);
    sweep->waiting = calloc(SWEEP_HEAP_MAX, sizeof(struct sweep_connection *));
    sweep->hosts = options->resolver != NULL ? NULL : hosts_new("/etc/hosts");
    sweep->attempt = attempt_new();
    sweep->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    bool made = sweep->pace != NULL && sweep->waiting != NULL && sweep->attempt != NULL &&
                sweep->sha256 != NULL && (sweep->hosts != NULL || options->resolver != NULL);
    sweep->resolver = made ? resolver_new(loop, options->resolver, ret_why) : NULL;
    if (sweep->resolver != NULL)
        return sweep;
    sweep_drop(sweep);
    return NULL;
}

int sweep_resume(struct sweep *sweep, const struct sweep_position *position)
{
    struct endpoint endpoint;
    uint64_t hash = sweep->list_hash;
    for (uint64_t i = 0; i < position->next; i++) {
        if (!next_endpoint(sweep, &endpoint))
            return -1;
        hash = hash_endpoint(hash, &endpoint);
    }
    if (hash != position->list_hash)
        return -1;
    sweep->again = reallocarray(NULL, position->undone_count + 1, sizeof *sweep->again);
    if (sweep->again == NULL)
        return ENOMEM;
    if (position->undone_count > 0)
        memcpy(sweep->again, position->undone, position->undone_count * sizeof *sweep->again);
    sweep->again_count = position->undone_count;
    sweep->resumed_next = position->next;
    sweep->resumed_hash = hash;
    sweep->counts.begun = sweep->counts.done = position->next - position->undone_count;
    return sweep_list_rewind(sweep->options.list);
}

void sweep_start(struct sweep *sweep)
{
    if (make_handles(sweep) && uv_poll_start(&sweep->poll, UV_READABLE, on_events) == 0 &&
        uv_timer_start(&sweep->timer, on_timer, 0, 0) == 0)
        return;
    sweep->failed = sweep->stopping = true;
    wind_up(sweep);
}

void sweep_stop(struct sweep *sweep)
{
    sweep->stopping = true;
    sweep_look_soon(sweep);
}

static void forget_everything(struct sweep *sweep)
{
    while (sweep->open != NULL)
        sweep_connection_free(sweep->open);
    while (sweep->counts.waiting > 0)
        sweep_connection_free(sweep_take_waiting(sweep));
    for (struct sweep_item *item = sweep->items, *next; item != NULL; item = next) {
        next = item->next;
        sweep_questions_free(item);
        free(item);
    }
}

void sweep_free(struct sweep *sweep)
{
    if (sweep == NULL)
        return;
    forget_everything(sweep);
    sweep_drop(sweep);
}

void sweep_counts(const struct sweep *sweep, struct sweep_counts *ret_counts)
{
    *ret_counts = sweep->counts;
}

bool sweep_failed(const struct sweep *sweep)
{
    return sweep->failed;
}

static int by_index(const void *left, const void *right)
{
    const struct sweep_undone *a = left, *b = right;
    return a->index < b->index ? -1 : a->index > b->index;
}

bool sweep_position(const struct sweep *sweep, struct sweep_position *ret_position)
{
    bool passing = sweep->next < sweep->resumed_next;
    size_t count = sweep->again_count - sweep->again_at, at = 0;
    for (const struct sweep_item *item = sweep->items; item != NULL; item = item->next)
        count++;
    struct sweep_undone *undone = reallocarray(NULL, count + 1, sizeof *undone);
    if (undone == NULL)
        return false;
    for (size_t i = sweep->again_at; i < sweep->again_count; i++)
        undone[at++] = sweep->again[i];
    for (const struct sweep_item *item = sweep->items; item != NULL; item = item->next)
        undone[at++] = (struct sweep_undone){item->index, item->tried};
    qsort(undone, count, sizeof *undone, by_index);
    *ret_position = (struct sweep_position){.next = passing ? sweep->resumed_next : sweep->next,
                                            .list_hash = passing ? sweep->resumed_hash : sweep->list_hash,
                                            .undone_count = count,
                                            .undone = undone};
    return true;
}
