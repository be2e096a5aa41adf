#include "inject.h"

#include <libpq-fe.h>

/* libpq as without memory, and as when the connection goes at the worst moment. A result that is lost is that of a command that the
 * server has carried out: even of a COMMIT. */

PGconn *__real_PQconnectdbParams(const char *const *keywords, const char *const *values, int expand);
PGconn *__wrap_PQconnectdbParams(const char *const *keywords, const char *const *values, int expand);
PGconn *__wrap_PQconnectdbParams(const char *const *keywords, const char *const *values, int expand)
{
    return inject_fails("PQconnectdbParams") ? NULL : __real_PQconnectdbParams(keywords, values, expand);
}

PGresult *__real_PQexec(PGconn *connection, const char *sql);
PGresult *__wrap_PQexec(PGconn *connection, const char *sql);
PGresult *__wrap_PQexec(PGconn *connection, const char *sql)
{
    return inject_fails("PQexec") ? NULL : __real_PQexec(connection, sql);
}

PGresult *__real_PQexecPrepared(PGconn *connection, const char *name, int count, const char *const *values,
                                const int *lengths, const int *formats, int format);
PGresult *__wrap_PQexecPrepared(PGconn *connection, const char *name, int count, const char *const *values,
                                const int *lengths, const int *formats, int format);
PGresult *__wrap_PQexecPrepared(PGconn *connection, const char *name, int count, const char *const *values,
                                const int *lengths, const int *formats, int format)
{
    return inject_fails("PQexecPrepared")
               ? NULL
               : __real_PQexecPrepared(connection, name, count, values, lengths, formats, format);
}

int __real_PQsetnonblocking(PGconn *connection, int on);
int __wrap_PQsetnonblocking(PGconn *connection, int on);
int __wrap_PQsetnonblocking(PGconn *connection, int on)
{
    return inject_fails("PQsetnonblocking") ? -1 : __real_PQsetnonblocking(connection, on);
}

int __real_PQsendQuery(PGconn *connection, const char *sql);
int __wrap_PQsendQuery(PGconn *connection, const char *sql);
int __wrap_PQsendQuery(PGconn *connection, const char *sql)
{
    return inject_fails("PQsendQuery") ? 0 : __real_PQsendQuery(connection, sql);
}

int __real_PQsendQueryPrepared(PGconn *connection, const char *name, int count, const char *const *values,
                               const int *lengths, const int *formats, int format);
int __wrap_PQsendQueryPrepared(PGconn *connection, const char *name, int count, const char *const *values,
                               const int *lengths, const int *formats, int format);
int __wrap_PQsendQueryPrepared(PGconn *connection, const char *name, int count, const char *const *values,
                               const int *lengths, const int *formats, int format)
{
    return inject_fails("PQsendQueryPrepared")
               ? 0
               : __real_PQsendQueryPrepared(connection, name, count, values, lengths, formats, format);
}

int __real_PQputCopyData(PGconn *connection, const char *bytes, int length);
int __wrap_PQputCopyData(PGconn *connection, const char *bytes, int length);
int __wrap_PQputCopyData(PGconn *connection, const char *bytes, int length)
{
    return inject_fails("PQputCopyData") ? -1 : __real_PQputCopyData(connection, bytes, length);
}

int __real_PQputCopyEnd(PGconn *connection, const char *why);
int __wrap_PQputCopyEnd(PGconn *connection, const char *why);
int __wrap_PQputCopyEnd(PGconn *connection, const char *why)
{
    return inject_fails("PQputCopyEnd") ? -1 : __real_PQputCopyEnd(connection, why);
}

int __real_PQflush(PGconn *connection);
int __wrap_PQflush(PGconn *connection);
int __wrap_PQflush(PGconn *connection)
{
    return inject_fails("PQflush") ? -1 : __real_PQflush(connection);
}

int __real_PQconsumeInput(PGconn *connection);
int __wrap_PQconsumeInput(PGconn *connection);
int __wrap_PQconsumeInput(PGconn *connection)
{
    return inject_fails("PQconsumeInput") ? 0 : __real_PQconsumeInput(connection);
}

PGresult *__real_PQgetResult(PGconn *connection);
PGresult *__wrap_PQgetResult(PGconn *connection);
PGresult *__wrap_PQgetResult(PGconn *connection)
{
    PGresult *result = __real_PQgetResult(connection);
    if (result == NULL || !inject_fails("PQgetResult"))
        return result;
    PQclear(result);
    return PQmakeEmptyPGresult(connection, PGRES_FATAL_ERROR);
}

int __real_PQsetSingleRowMode(PGconn *connection);
int __wrap_PQsetSingleRowMode(PGconn *connection);
int __wrap_PQsetSingleRowMode(PGconn *connection)
{
    return inject_fails("PQsetSingleRowMode") ? 0 : __real_PQsetSingleRowMode(connection);
}

char *__real_PQescapeIdentifier(PGconn *connection, const char *text, size_t length);
char *__wrap_PQescapeIdentifier(PGconn *connection, const char *text, size_t length);
char *__wrap_PQescapeIdentifier(PGconn *connection, const char *text, size_t length)
{
    return inject_fails("PQescapeIdentifier") ? NULL : __real_PQescapeIdentifier(connection, text, length);
}
