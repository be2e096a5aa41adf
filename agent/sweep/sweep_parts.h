#ifndef PARALLAX_SWEEP_SWEEP_PARTS_H
#define PARALLAX_SWEEP_SWEEP_PARTS_H

#include "hello/answer.h"
#include "link/handles.h"
#include "probe/hosts.h"
#include "probe/resolver.h"
#include "sweep/hello.h"
#include "sweep/sweep.h"

#include <openssl/types.h>

/* Inside agent/sweep only. */

enum {
    SWEEP_FAMILIES = 2,
    SWEEP_WAITING_MAX =
        8192, /* connections that wait for their address's turn; above, the list is not read on */
    SWEEP_RESOLVING_MAX = 128, /* names at once */
    SWEEP_HEAP_MAX = SWEEP_WAITING_MAX + SWEEP_RESOLVING_MAX * SWEEP_FAMILIES + 1,
    SWEEP_READ_BYTES = 64 * 1024,
    SWEEP_ANSWER_MAX = 20 * 1024,              /* of one peer; a ServerHello is far smaller */
    SWEEP_PIECES_MAX_BYTES = 32 * 1024 * 1024, /* of unfinished answers, all together */
    SWEEP_RANDOM_POOL_BYTES = 4096,
};

/* What the resolver said of one family; the message is kept as it came, which is smaller than what it says. */
struct sweep_question {
    struct sweep_item *item;
    struct resolver_query *query;
    int64_t asked_us;
    uint64_t took_us;
    int status;
    bool asked, answered;
    uint8_t *bytes;
    size_t length;
};

/* An endpoint under way. */
struct sweep_item {
    struct sweep_item *previous, *next;
    struct sweep *sweep;
    uint64_t index;
    struct endpoint endpoint;         /* texts are in `texts` */
    const char *sni;                  /* as it is sent; "" for none */
    unsigned open;                    /* connections and questions; it goes with the last one */
    unsigned tried;                   /* enum sweep_flags */
    struct sweep_question *questions; /* SWEEP_FAMILIES; NULL: nothing to resolve */
    bool from_hosts_file, asked_all;
    char texts[];
};

enum sweep_state { SWEEP_WAITING, SWEEP_CONNECTING, SWEEP_ASKED };

/* One attempt until it is over. */
struct sweep_connection {
    struct sweep_connection *previous, *next; /* among the open, by deadline */
    struct sweep_item *item;
    struct address address;
    enum sweep_state state;
    int fd;
    int64_t due_us;   /* while it waits */
    int64_t start_us; /* monotonic */
    int64_t wall_us;
    int64_t connected_us, hello_sent_us, first_byte_us; /* after start */
    uint32_t hello_length;
    struct evidence_flow flow;
    struct tcp_snapshot connected, asked;
    bool just_asked; /* `asked` is of this very moment */
    uint8_t *pieces; /* of an answer that is not whole yet */
    size_t piece_bytes, piece_room;
};

struct sweep {
    uv_loop_t *loop;
    struct sweep_options options;
    struct pace *pace;
    struct resolver *resolver;
    struct hosts *hosts;
    int epoll;
    uv_poll_t poll;
    uv_timer_t timer;
    struct handles handles;
    bool stopping, failed, list_over, turning;
    uint64_t next;              /* index of the next endpoint in the list */
    uint64_t list_hash;         /* of all before it */
    struct sweep_undone *again; /* of a position that is gone on from; ascending */
    size_t again_count, again_at;
    uint64_t resumed_next, resumed_hash;
    struct sweep_counts counts;
    struct sweep_item *items;
    struct sweep_connection *open, *open_last;
    struct sweep_connection **waiting; /* a heap by due_us */
    int64_t next_ns;                   /* monotonic: when the next connection may go out, wherever it goes */
    int64_t period_ns;
    size_t pieces_bytes;
    uint8_t randoms[SWEEP_RANDOM_POOL_BYTES];
    size_t randoms_left;
    struct sweep_hello hello;
    struct attempt *attempt; /* the one that is being made */
    EVP_MD *sha256;
    uint8_t bytes[SWEEP_READ_BYTES]; /* what was read last */
    uint8_t joined[SWEEP_READ_BYTES];
};

/* --- sweep.c: who is next */

/** Looks what is due, and when to look again. */
void sweep_turn(struct sweep *sweep);

/** The same, once whatever goes on now is over. */
void sweep_look_soon(struct sweep *sweep);

/** Lets go of an item for one of its parts. */
void sweep_item_release(struct sweep_item *item);

/** Something ran out: ends the sweep, undone. */
void sweep_fail(struct sweep *sweep);

/* --- resolve.c: where a name leads */

/** Resolves the item's host and makes its connections. */
void sweep_resolve(struct sweep_item *item);
void sweep_questions_free(struct sweep_item *item);
/** Writes what the resolver said into the attempt. */
void sweep_keep_dns(const struct sweep_item *item, struct attempt *attempt);

/* --- waiting.c: whose address has its turn when */

/** Reserves the address's next token and waits for it. */
void sweep_wait(struct sweep *sweep, struct sweep_connection *connection, int64_t now_us);
/** The one that is due first, of those that wait; there is one. */
struct sweep_connection *sweep_take_waiting(struct sweep *sweep);
/** Makes a connection for an item, which waits for its address's turn. @return false without memory. */
bool sweep_connection_add(struct sweep_item *item, const struct address *address);

/* --- connect.c: one connection */

/** Its turn has come. */
void sweep_connection_start(struct sweep_connection *connection);
void sweep_connection_event(struct sweep_connection *connection, uint32_t events);
/** Its time is over. */
void sweep_connection_expire(struct sweep_connection *connection);
/** Without an attempt. */
void sweep_connection_free(struct sweep_connection *connection);
/** An attempt that never came to a connection. */
void sweep_refuse(struct sweep_item *item, const struct address *address, enum evidence_local local,
                  int error, const char *detail);
/** Of a name that led nowhere. */
void sweep_unresolved(struct sweep_item *item);

#endif
