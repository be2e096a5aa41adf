#ifndef PARALLAX_COLLECTOR_REPLAY_RECORDING_H
#define PARALLAX_COLLECTOR_REPLAY_RECORDING_H

#include "words/arena.h"
#include "words/evidence.h"
#include "words/plan.h"

#include <jansson.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/*
 * Evidence in a file (docs/REPLAY.md), as it is held between reading and storing. Lines come in any order, so that what they
 * name one another by is only settled when all are read; the attempts wait in an unnamed file, of which the index alone is in
 * memory. Nothing is stored anywhere before every line was read and found good.
 *
 *     lines --read--> tables, spool --settle--> ids, rounds, sequences --load--> scratch database
 */
enum {
    RECORDING_SCHEMA = 1,
    RECORDING_MAX_LINE = 4 << 20,
    RECORDING_MAX_VANTAGES = 10000,
    RECORDING_MAX_SITES = 200000,
    RECORDING_MAX_ENDPOINTS = 100000,
    RECORDING_MAX_ROUNDS = 1000000,
    RECORDING_MAX_CERTIFICATES = 100000,
    RECORDING_MAX_ATTEMPTS = 20000000,
    RECORDING_MAX_MEMBERS = 20000000, /* vantages and endpoints named by rounds, together */
    RECORDING_ARENA_BYTES = 1 << 30,
};

#define RECORDING_NONE UINT32_MAX

/* Where something was said, for errors: which file, which line. */
struct recording_place {
    uint32_t file;
    uint32_t line;
};

struct recorded_vantage {
    int32_t id; /* in the database: by name, so that the order of lines does not matter */
    const char *name;
    const char *region;                    /* NULL: named, and not described yet */
    int64_t asn;                           /* 0: not known */
    const char *prefix, *country, *labels; /* "", "", JSON */
    struct recording_place place;          /* where it was named first */
};

struct recorded_site {
    const char *name;
    unsigned interval_s; /* 0: not said */
    bool sentinel;
    enum depth depth;
};

struct recorded_endpoint {
    int64_t id;       /* as in its file, 0: none; after settling as in the database */
    uint32_t same_as; /* another one of the table, which it is; else RECORDING_NONE */
    uint32_t site;    /* RECORDING_NONE: none */
    const char *host; /* NULL: named by its id, and not described yet */
    const char *sni;
    struct address address;
    uint16_t port;
    bool no_sni;
    enum endpoint_role role;
    struct recording_place place;
};

struct recorded_round {
    int64_t id;
    uint32_t same_as;
    bool said; /* by a line of its own; else its times follow from its attempts */
    unsigned interval_s;
    int64_t start_us; /* INT64_MAX: not known yet */
    uint64_t spread_us, timeout_us;
    int64_t deadline_us;
    size_t vantage_count, endpoint_count; /* asked, as far as the file says */
    uint32_t *vantages, *endpoints;
    struct recording_place place;
};

struct recorded_attempt {
    uint64_t sequence; /* 0: none in the file */
    int64_t start_us;  /* 0: when its round starts */
    int64_t asn;       /* of the vantage, then; -1: as the vantage's own line says */
    uint64_t offset;   /* of its bytes in the spool */
    uint32_t length;
    uint32_t vantage, endpoint, round;
    int32_t said; /* class of the outcome that the file gives; -1: none */
    struct recording_place place;
};

struct recorded_certificate {
    uint8_t sha256[32];
    const uint8_t *der; /* NULL: only the facts below are known */
    size_t der_length;
    struct chain_certificate facts; /* texts "" when not known */
    size_t name_count;
    const char **names;
};

struct recording {
    struct arena arena;
    size_t file_count;
    const char **files; /* their names, for errors */
    FILE *spool;
    uint64_t spooled;
    json_t *by_name; /* text -> index, for each table */
    size_t vantage_count, site_count, endpoint_count, round_count, attempt_count, certificate_count;
    size_t member_count;
    struct recorded_vantage *vantages;
    struct recorded_site *sites;
    struct recorded_endpoint *endpoints;
    struct recorded_round *rounds;
    struct recorded_attempt *attempts;
    struct recorded_certificate *certificates;
    /* what was read and not used */
    uint64_t unknown_keys, unknown_lines;
    bool failed; /* an error was said */
};

bool recording_init(struct recording *recording, const char **files, size_t file_count);
void recording_done(struct recording *recording);

/**
 * Reads one file to its end. @param stream  its bytes. @param stop  looked at between lines.
 * @return false after cli_error, or when stop was set.
 */
bool recording_read(struct recording *recording, size_t file, FILE *stream, const atomic_bool *stop);

/** Reads one line: an object of a kind. The header is not among them. @return false after cli_error. */
bool recording_line(struct recording *recording, const json_t *line, struct recording_place place);

/** Makes all lines of all files one: ids, rounds, sequences. @return false after cli_error. */
bool recording_settle(struct recording *recording);

/** The attempt of an index, decoded, with all that settling gave it. NULL after cli_error. */
struct attempt *recording_attempt(struct recording *recording, size_t index);

/** Which endpoint, or round, it is in the end. */
const struct recorded_endpoint *recording_endpoint(const struct recording *recording, uint32_t index);
const struct recorded_round *recording_round(const struct recording *recording, uint32_t index);

/* --- tables, for the reader --- */

/** cli_error "FILE:LINE: why". @return false. */
bool recording_error(struct recording *recording, struct recording_place place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/** Index under a key (valid UTF-8), RECORDING_NONE for none; and puts one there. */
uint32_t recording_find(const struct recording *recording, const char *key);
bool recording_name(struct recording *recording, const char *key, uint32_t index);

/**
 * The one of that name or id, made (undescribed) when it is new. RECORDING_NONE after cli_error: there are too many, or no memory.
 */
uint32_t recording_vantage_named(struct recording *recording, const char *name, struct recording_place place);
uint32_t recording_site_named(struct recording *recording, const char *name, struct recording_place place);
uint32_t recording_endpoint_numbered(struct recording *recording, int64_t id, struct recording_place place);
uint32_t recording_round_numbered(struct recording *recording, int64_t id, struct recording_place place);
uint32_t recording_endpoint_new(struct recording *recording, struct recording_place place);
uint32_t recording_round_new(struct recording *recording, struct recording_place place);

bool recording_add_attempt(struct recording *recording, const struct recorded_attempt *row,
                           const struct attempt *attempt);

/** A certificate's row, made when it is new. NULL after cli_error. */
struct recorded_certificate *recording_certificate(struct recording *recording, const uint8_t sha256[32],
                                                   struct recording_place place);

#endif
