#include "store/roles.h"

#include "store/command.h"
#include "store/connect.h"
#include "store/statements.h"

#include <stdlib.h>
#include <string.h>

static bool roles_run(PGconn *connection, const char *sql, int *ret_rows, char **ret_why)
{
    PGresult *result = PQexec(connection, sql);
    ExecStatusType status = PQresultStatus(result);
    bool done = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
    if (done)
        *ret_rows = PQntuples(result);
    else
        *ret_why = connect_result_error(result, connection);
    PQclear(result);
    return done;
}

bool roles_make(PGconn *connection, char **ret_why)
{
    int rows;
    return roles_run(connection, roles_sql, &rows, ret_why);
}

static bool roles_in_force(PGconn *connection, bool *ret_in_force, char **ret_why)
{
    int rows = 0;
    bool asked = roles_run(connection,
                           "SELECT FROM pg_roles WHERE rolname IN ('" ROLE_INGEST "', '" ROLE_PLAN
                           "', '" ROLE_READ "') AND " ROLE_IN_FORCE,
                           &rows, ret_why);
    *ret_in_force = rows == 3;
    return asked;
}

bool roles_settle(PGconn *connection, bool *ret_in_force, char **ret_why)
{
    return roles_in_force(connection, ret_in_force, ret_why) &&
           (*ret_in_force ||
            (roles_make(connection, ret_why) && roles_in_force(connection, ret_in_force, ret_why)));
}

bool roles_set(PGconn *connection, const char *role, char **ret_why)
{
    int rows;
    const char *sql = strcmp(role, ROLE_INGEST) == 0 ? ROLE_SET(ROLE_INGEST)
                      : strcmp(role, ROLE_PLAN) == 0 ? ROLE_SET(ROLE_PLAN)
                                                     : ROLE_SET(ROLE_READ);
    return roles_run(connection, sql, &rows, ret_why);
}

char *roles_sql_for_administrator(PGconn *connection)
{
    const char *user = PQuser(connection);
    char *name = user == NULL ? NULL : PQescapeIdentifier(connection, user, strlen(user));
    char *sql = name == NULL ? NULL
                             : text_format("CREATE ROLE " ROLE_INGEST " NOLOGIN;\n"
                                           "CREATE ROLE " ROLE_PLAN " NOLOGIN;\n"
                                           "CREATE ROLE " ROLE_READ " NOLOGIN;\n"
                                           "GRANT " ROLE_INGEST ", " ROLE_PLAN ", " ROLE_READ " TO %s;\n",
                                           name);
    PQfreemem(name);
    return sql;
}
