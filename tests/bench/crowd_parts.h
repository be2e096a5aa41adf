#ifndef PARALLAX_BENCH_CROWD_PARTS_H
#define PARALLAX_BENCH_CROWD_PARTS_H

#include "link/channel.h"
#include "link/pack.h"

/* What crowd.c and crowd_enrol.c share, and nobody else. */

enum {
    AT_ONCE = 24, /* connections being made */
    PING_MS = 10000,
    SETTLE_MS = 60000,
    BATCH_ROOM = 64,
    REPORT_SPREAD_US = 2000000, /* agents do not end a round at one moment */
    MAX_ENDPOINTS = 64,
    FLOOD_WINDOW = 4, /* batches without an ack, and records in one: as agents have them */
    FLOOD_RECORDS = 256,
    MAX_TOKEN = 160,
};

struct waiting {
    uint64_t last; /* sequence */
    uint64_t records;
    int64_t sent_us; /* 0: not sent in this session */
    struct buf payload;
};

enum stage { NO_IDENTITY, ENROLLING, ENROLLED, DIALLING, GREETING, LIVE, GONE };

struct member {
    char token[MAX_TOKEN];
    enum stage stage;
    EVP_PKEY *key;
    SSL_CTX *context;
    struct channel *channel;
    uv_timer_t timer; /* of the round that it takes part in */
    uint64_t sequence;
    struct round_plan plan;
    bool planned;
    struct pack packed;
    struct waiting waiting[BATCH_ROOM];
    size_t waiting_count;
};

struct crowd {
    uv_loop_t loop;
    uv_timer_t tick, end;
    uv_signal_t terminated, asked, flood;
    struct address address;
    uint16_t port;
    struct member *members;
    size_t count, next, under_way, live;
    bool all_live, ending, failed;
    size_t flood_batches; /* 0: rounds are reported on */
    bool flooding;
    int64_t flood_us; /* when it began */
    X509 *ca;
    struct endpoint_list list;
    struct arena list_arena;
    uint8_t list_wanted[PLAN_SHA256_BYTES];
    uint64_t packed_bytes; /* of a flood */
    uint64_t attempts, reports, batches, acked_batches, lost_sessions, refused, skipped;
    uint32_t *ack_ms;
    size_t ack_count, ack_room;
};
extern struct crowd crowd;

void die(const char *what);
void die_of(char *why); /* NULL: without memory */

/** Begins as many connections as may be under way. (crowd.c) */
void advance(void);

/**
 * Packs a batch as an agent does when it sends it, if the collector takes that. What is made for a flood is sent in the order it is made in,
 * and once, so this can be done beforehand. (crowd_pack.c)
 */
void member_pack(struct member *member, struct waiting *waiting);

/** Spends the member's token. (crowd_enrol.c) */
void member_enrol(struct member *member);

#endif
