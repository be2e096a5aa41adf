#ifndef PARALLAX_COLLECTOR_REPLAY_IMPORT_H
#define PARALLAX_COLLECTOR_REPLAY_IMPORT_H

#include "ingest/network.h"
#include "replay/import_file.h"
#include "store/db.h"

/* What a file has, into the database, the way that sessions' batches go: see import.c. */

struct import_vantage {
    int32_t id;
    int64_t asn;     /* 0: not known */
    int64_t session; /* in force; a file takes none of its own, so that a live one goes on */
};

struct import_stored {
    uint64_t attempts; /* that were new, and are in the database */
    uint64_t reports;  /* likewise */
    uint64_t known;    /* records that were there before */
    uint64_t refused;  /* attempts that cannot be true */
    uint64_t certificates;
};

/** Says how far it is; percent 100: the line is to be cleared. */
typedef void import_progress_fn(const char *what, unsigned percent);

/**
 * Checks that the file's certificate is of this authority and in its time.
 * @return false after cli_error.
 */
bool import_check_authority(const struct import_file *file, X509 *ca);

/** Reads the file to its end and stores nothing. @return false after cli_error, or when asked to stop. */
bool import_check(struct import_file *file, import_progress_fn *progress);

/** Looks the vantage up; it must be in force with this certificate. @return false after cli_error. */
bool import_find_vantage(struct db *db, const struct import_file *file, struct import_vantage *ret_vantage);

/** Stores a file that was checked. @return false after cli_error, or when asked to stop; nothing is stored then. */
bool import_store(struct db *db, struct import_file *file, const struct import_vantage *vantage,
                  const struct networks *networks, import_progress_fn *progress,
                  struct import_stored *ret_stored);

/** Stores the certificates that the database has not yet. @return false after cli_error. */
bool import_certificates(struct db *db, struct import_file *file, struct import_stored *stored);

#endif
