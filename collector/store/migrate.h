#ifndef PARALLAX_COLLECTOR_STORE_MIGRATE_H
#define PARALLAX_COLLECTOR_STORE_MIGRATE_H

#include <libpq-fe.h>
#include <stdbool.h>

/**
 * Brings the schema to the version this program knows: the migrations that are missing, in order, each in a
 * transaction of its own, under an advisory lock, so that any number of programs may try at once. Blocking.
 * @return false with *ret_why set to one line (the caller frees it): a migration failed and changed nothing,
 * or the database is newer than the program.
 */
bool migrate(PGconn *connection, char **ret_why);

#endif
