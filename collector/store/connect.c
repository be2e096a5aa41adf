#include "store/connect.h"

#include "store/command.h"

#include <stdlib.h>
#include <string.h>

/*
 * What is asked for is recent and lies in memory, or on a disk that seeks for nothing: at the server's own cost of a page out of order (that of
 * a disk that turns) a day of attempts is read for some rounds of it. Sorts of a day's counts fit into the memory given here.
 */
const char connect_setup_sql[] =
    "SET TimeZone TO 'UTC'; SET DateStyle TO 'ISO, YMD'; SET IntervalStyle TO 'postgres'; SET jit TO off; "
    "SET random_page_cost TO 1.1; SET work_mem TO '32MB'";

struct connect_params connect_params(const char *url)
{
    return (struct connect_params){
        .keywords = {"connect_timeout", "keepalives_idle", "keepalives_interval", "keepalives_count",
                     "tcp_user_timeout", "fallback_application_name", "dbname", "client_encoding", NULL},
        .values = {"10", "10", "5", "3", "60000", "parallax-collector", url, "UTF8", NULL},
    };
}

char *connect_prepare_sql(enum statement_id id)
{
    const struct statement *statement = &statements[id];
    if (statement->param_count == 0)
        return text_format("PREPARE %s AS %s", statement->name, statement->text);
    return text_format("PREPARE %s (%s) AS %s", statement->name, statement->params, statement->text);
}

static char *connect_one_line(const char *text)
{
    char *line = strdup(text);
    if (line == NULL)
        return NULL;
    size_t length = 0;
    for (const char *at = text; *at != '\0'; at++) {
        bool is_space = *at == ' ' || *at == '\n' || *at == '\t';
        if (!is_space)
            line[length++] = *at;
        else if (length > 0 && line[length - 1] != ' ')
            line[length++] = ' ';
    }
    while (length > 0 && line[length - 1] == ' ')
        length--;
    line[length] = '\0';
    return line;
}

char *connect_error(const PGconn *connection)
{
    return connect_one_line(PQerrorMessage(connection));
}

char *connect_result_error(const PGresult *result, const PGconn *connection)
{
    const char *primary = result == NULL ? NULL : PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    return primary == NULL ? connect_error(connection) : connect_one_line(primary);
}

char *connect_place(const PGconn *connection)
{
    const char *name = PQdb(connection);
    const char *host = PQhost(connection);
    if (name == NULL)
        return strdup("?");
    if (host == NULL || host[0] == '/' || host[0] == '\0')
        return text_format("%s in %s", name, host == NULL || host[0] == '\0' ? "the local socket" : host);
    return text_format("%s on %s:%s", name, host, PQport(connection));
}

static void connect_ignore_notice(void *arg, const PGresult *result)
{
    (void)arg, (void)result;
}

void connect_quiet(PGconn *connection)
{
    (void)PQsetNoticeReceiver(connection, connect_ignore_notice, NULL);
}
