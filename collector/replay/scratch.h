#ifndef PARALLAX_COLLECTOR_REPLAY_SCRATCH_H
#define PARALLAX_COLLECTOR_REPLAY_SCRATCH_H

#include "store/db.h"

#include <stdbool.h>

/*
 * A private cluster with an empty, migrated database, in a folder that goes when it is closed. PostgreSQL never runs as root, so
 * root becomes the user postgres, or nobody, for good: whatever root alone can read must be open by then.
 */
struct scratch;

/**
 * @param keep    folder to use and leave behind, which must not be there or be empty; NULL: a temporary one.
 * @param pg_bin  as in db_where.
 * @return NULL after cli_error; nothing is left behind then.
 */
struct scratch *scratch_open(const char *keep, const char *pg_bin);

/** Stops the cluster, and removes the folder unless it is to be kept. NULL is fine. */
void scratch_close(struct scratch *scratch);

struct db *scratch_db(const struct scratch *scratch);
const char *scratch_conninfo(const struct scratch *scratch);

/** The folder, absolute. */
const char *scratch_folder(const struct scratch *scratch);

/** The name of the user that root became, or NULL. */
const char *scratch_user(const struct scratch *scratch);

#endif
