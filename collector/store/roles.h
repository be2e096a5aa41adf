#ifndef PARALLAX_COLLECTOR_STORE_ROLES_H
#define PARALLAX_COLLECTOR_STORE_ROLES_H

#include <libpq-fe.h>
#include <stdbool.h>

/*
 * Roles of the database, each with the privileges that its connection's statements need and no others (sql/roles.sql says which).
 * They have no login: a connection takes one on with SET ROLE when the login user is a member of it, and works as the login user
 * when there are none, as where the login may not make roles.
 */
#define ROLE_INGEST "parallax_ingest" /* sessions, enrolment, and what vantages send */
#define ROLE_PLAN   "parallax_plan"   /* rounds, their judgement, alerts, gauges */
#define ROLE_READ   "parallax_read"   /* reports */

/* Of a row of pg_roles: may the login user take it on, and was it granted anything in this database? */
#define ROLE_IN_FORCE                                                                                        \
    "pg_has_role(oid, CASE WHEN current_setting('server_version_num')::integer >= 160000 THEN 'SET' ELSE "   \
    "'MEMBER' END) AND has_table_privilege(oid, 'round', 'SELECT')"

/* Has a connection take on a role, where that is in force: a query of no rows where it is not. */
#define ROLE_SET(role)                                                                                       \
    "SELECT set_config('role', rolname, false) FROM pg_roles WHERE rolname = '" role "' AND " ROLE_IN_FORCE

/** Makes the roles and grants them what they need, as far as the login user may. @return false with *ret_why (freed by the caller). */
bool roles_make(PGconn *connection, char **ret_why);

/** Are all of them in force for the login user? Where they are not, they are made if that is possible now. @return false with *ret_why. */
bool roles_settle(PGconn *connection, bool *ret_in_force, char **ret_why);

/** Takes on a role, which is one of those above; where it is not in force, nothing changes. @return false with *ret_why. */
bool roles_set(PGconn *connection, const char *role, char **ret_why);

/** What an administrator of the server has to run so that they are in force, freed by the caller; NULL without memory. */
char *roles_sql_for_administrator(PGconn *connection);

#endif
