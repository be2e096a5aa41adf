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
    struct bytes record; /* encoded Record */
    bool is_report;      /* a round report: kept even when the spool is full for attempts */
    uint32_t dropped;    /* which a report tells; counted off when the report is kept */
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
 * @return false when nothing at all could be stored; all entries are then counted as dropped, in memory.
 */
bool spool_write(struct spool *spool, const struct spool_batch *batch, char **ret_why);

/** Attempts that were not kept and that no stored report tells of yet. */
uint64_t spool_dropped(const struct spool *spool);

/** Records waiting. */
uint64_t spool_count(struct spool *spool);

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
