#include "store/migrate.h"

#include "cli/i18n.h"
#include "store/command.h"
#include "store/connect.h"
#include "store/roles.h"
#include "store/statements.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "plxmigr" as a number: the advisory lock that migrations run under. */
#define MIGRATE_LOCK "31637079312427890"

static bool migrate_exec(PGconn *connection, const char *sql, char **ret_why)
{
    PGresult *result = PQexec(connection, sql);
    ExecStatusType status = PQresultStatus(result);
    bool done = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
    if (!done)
        *ret_why = connect_result_error(result, connection);
    PQclear(result);
    return done;
}

static bool migrate_number(PGconn *connection, const char *sql, int *ret_number, char **ret_why)
{
    PGresult *result = PQexec(connection, sql);
    bool done = PQresultStatus(result) == PGRES_TUPLES_OK && PQntuples(result) == 1;
    if (done)
        *ret_number = (int)strtol(PQgetvalue(result, 0, 0), NULL, 10);
    else
        *ret_why = connect_result_error(result, connection);
    PQclear(result);
    return done;
}

/* 0 when there is no schema yet. */
static bool migrate_version(PGconn *connection, int *ret_version, char **ret_why)
{
    int made = 0;
    *ret_version = 0;
    if (!migrate_number(connection, "SELECT (to_regclass('schema_migration') IS NOT NULL)::integer", &made,
                        ret_why))
        return false;
    return made == 0 || migrate_number(connection, "SELECT coalesce(max(version), 0) FROM schema_migration",
                                       ret_version, ret_why);
}

static bool migrate_one(PGconn *connection, const struct migration *migration, char **ret_why)
{
    char *server_says = NULL;
    char *note = text_format("INSERT INTO schema_migration (version, name) VALUES (%d, '%s')",
                             migration->version, migration->name);
    bool done = note != NULL && migrate_exec(connection, "BEGIN", &server_says) &&
                migrate_exec(connection, migration->text, &server_says) &&
                migrate_exec(connection, note, &server_says) &&
                migrate_exec(connection, "COMMIT", &server_says);
    if (!done) {
        char *ignored = NULL;
        *ret_why = text_format(_("migration %s failed: %s"), migration->name,
                               server_says == NULL ? _("out of memory") : server_says);
        if (!migrate_exec(connection, "ROLLBACK", &ignored))
            free(ignored);
    }
    free(server_says);
    free(note);
    return done;
}

static bool migrate_missing(PGconn *connection, char **ret_why)
{
    int version = 0;
    if (!migrate_exec(
            connection,
            "CREATE TABLE IF NOT EXISTS schema_migration (version integer PRIMARY KEY, name text NOT NULL, "
            "applied_at timestamptz NOT NULL DEFAULT now())",
            ret_why) ||
        !migrate_version(connection, &version, ret_why))
        return false;
    for (int i = 0; i < migration_count; i++)
        if (migrations[i].version > version && !migrate_one(connection, &migrations[i], ret_why))
            return false;
    return roles_make(connection, ret_why);
}

bool migrate(PGconn *connection, char **ret_why)
{
    int known = migrations[migration_count - 1].version;
    int version = 0;
    if (!migrate_version(connection, &version, ret_why))
        return false;
    if (version == known)
        return true;
    if (version > known) {
        *ret_why = text_format(_("its schema is version %d and this program knows version %d: use a newer "
                                 "parallax-collector"),
                               version, known);
        return false;
    }
    if (!migrate_exec(connection, "SELECT pg_advisory_lock(" MIGRATE_LOCK ")", ret_why))
        return false;
    bool done = migrate_missing(connection, ret_why);
    char *ignored = NULL;
    if (!migrate_exec(connection, "SELECT pg_advisory_unlock(" MIGRATE_LOCK ")", &ignored))
        free(ignored);
    return done;
}
