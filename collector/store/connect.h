#ifndef PARALLAX_COLLECTOR_STORE_CONNECT_H
#define PARALLAX_COLLECTOR_STORE_CONNECT_H

#include "store/statements.h"

#include <libpq-fe.h>

/* What the blocking and the looping use of libpq have in common: how to connect, and what a statement is
 * there. */

/** Keywords and values for PQconnectdbParams or PQconnectStartParams with expand_dbname, ended by NULL. */
struct connect_params {
    const char *keywords[9];
    const char *values[9];
};

/** @param url  libpq URL or conninfo; what it says wins over ours. Must outlive the params. */
struct connect_params connect_params(const char *url);

/** To be run first on every connection: texts of times and spans do not depend on the server's settings. */
extern const char connect_setup_sql[];

/** "PREPARE name (types) AS text", freed by the caller; NULL without memory. */
char *connect_prepare_sql(enum statement_id id);

/** The server's message for a failed result or connection, one line without its end, freed by the caller. */
char *connect_result_error(const PGresult *result, const PGconn *connection);
char *connect_error(const PGconn *connection);

/** Where a connection leads, without its password: "DBNAME on HOST:PORT". Freed by the caller. */
char *connect_place(const PGconn *connection);

/** Keeps the server's notices off stderr. */
void connect_quiet(PGconn *connection);

#endif
