#ifndef PARALLAX_DUTY_SPOOL_H
#define PARALLAX_DUTY_SPOOL_H

#include "words/buf.h"
#include "words/message.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Where results wait until the collector has them, on disk (LMDB), bounded. See spool.c for what survives what.
 *
 * Threads: spool_write may run on another thread, one call at a time; all else, on the owner's thread, may go on
 * meanwhile.
 */
struct spool;

struct spool_options {
    uint64_t limit_bytes;      /* 0: SPOOL_LIMIT_BYTES */
    uint32_t max_certificates; /* 0: SPOOL_MAX_CERTIFICATES */
};

enum { SPOOL_LIMIT_BYTES = 256 * 1024 * 1024, SPOOL_MAX_CERTIFICATES = 4096 };

/**
 * Opens or makes the spool in a folder and begins a new epoch.
 * @param wall_us  own wall clock; may be wrong.
 * @param ret_why  on failure one line that may be printed; the caller frees it.
 */
struct spool *spool_open(const char *folder, const struct spool_options *options, int64_t wall_us,
                         char **ret_why);

/** Opens what is there to look at it, and changes nothing; the owner may be at work meanwhile. Nothing can be written then. */
struct spool *spool_look(const char *folder, char **ret_why);
void spool_close(struct spool *spool);

/** Gives out the next sequence. The record encoded with it goes into spool_write, in the order they were given. */
uint64_t spool_take_sequence(struct spool *spool);

/** What spool_take_sequence would give. */
uint64_t spool_next_sequence(const struct spool *spool);

/**
 * The collector says what it has committed of us. Beyond anything we gave, in this epoch or before, it is the mark of
 * another life of this folder: the epoch moves on past it.
 * @return false when the new epoch could not be stored, or would be none.
 */
bool spool_raise(struct spool *spool, uint64_t committed, char **ret_why);

struct spool_entry {
    uint64_t sequence;
    bool is_report;             /* kept even when the spool is full for attempts */
    uint64_t endpoint_id;       /* of an attempt: what it is counted under when it cannot be kept */
    struct bytes record;        /* an attempt as an encoded Record */
    struct round_report report; /* a report; sequence and what was dropped are filled in when it is stored */
};

/** What one transaction does. Everything is borrowed. */
struct spool_batch {
    size_t count;
    const struct spool_entry *entries; /* sequences ascending */
    size_t certificate_count;
    const struct bytes *certificates; /* DER; those already there are left alone */
    uint64_t committed;               /* records up to it are deleted; 0: none */
};

/**
 * One transaction, durable when it returns. Attempts that do not fit are dropped and counted, durably too.
 * @return false when nothing at all could be stored; its attempts are then counted as dropped, in memory.
 */
bool spool_write(struct spool *spool, const struct spool_batch *batch, char **ret_why);

/** Counts an attempt that was lost on its way here. From any thread. */
void spool_lose(struct spool *spool, uint64_t endpoint_id);

/** Attempts that were not kept and that no stored report tells of yet. */
uint64_t spool_dropped(const struct spool *spool);

/** Records waiting. */
uint64_t spool_count(struct spool *spool);

/** Records waiting whose sequence is at most this. */
uint64_t spool_count_up_to(struct spool *spool, uint64_t sequence);

struct spool_status {
    uint64_t epoch;
    uint64_t count;       /* records waiting */
    uint64_t first, last; /* their sequences; 0 without any */
    uint64_t used_bytes;
    uint64_t dropped;
    size_t dropped_at_count;
    struct dropped_at dropped_at[MESSAGE_MAX_DROPPED_AT];
};

/** All of one moment. */
bool spool_status(struct spool *spool, struct spool_status *ret_status, char **ret_why);

/**
 * Copies waiting records, oldest first.
 * @param from         the first sequence wanted.
 * @param max_bytes    stops before more than this (one record is always given).
 * @param out          cleared, then holds their bytes.
 * @param ret_records  room for max_records; point into out.
 * @param ret_last     sequence of the last one given.
 * @return how many; 0 for none, or when the store cannot be read.
 */
size_t spool_read(struct spool *spool, uint64_t from, size_t max_records, size_t max_bytes, struct buf *out,
                  struct bytes *ret_records, uint64_t *ret_last);

/** Is the certificate there? */
bool spool_has_certificate(struct spool *spool, const uint8_t sha256[32]);

/** Appends the certificate's DER to out. @return false when it is not there (or memory is out). */
bool spool_certificate(struct spool *spool, const uint8_t sha256[32], struct buf *out);

#endif
