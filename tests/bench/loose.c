#include "ingest/ingest.h"
#include "store/command.h"
#include "store/connect.h"

#include <stdlib.h>
#include <string.h>

/*
 * The collector without what makes delivery exact, to see what that costs (ingest.sh): cursors are neither locked nor moved, nothing is
 * recognised as having come before, and a batch is acknowledged when the next one comes, stored or not; only the last of all waits for
 * its commit, which ends the flood. The linker puts these functions in place of the collector's; there is no such program but for this.
 */

enum { MOST_VANTAGES = 1024 };

bool __real_ingest_batch(struct ingest *ingest, struct ingest_source *source, struct record *records,
                         size_t count);
bool __wrap_ingest_batch(struct ingest *ingest, struct ingest_source *source, struct record *records,
                         size_t count);
bool __wrap_ingest_batch(struct ingest *ingest, struct ingest_source *source, struct record *records,
                         size_t count)
{
    static uint64_t before[MOST_VANTAGES];
    uint64_t last = record_sequence(&records[count - 1]);
    uint64_t *mine = &before[source->vantage_id % MOST_VANTAGES];
    if (*mine > 0 && !source->gone)
        source->stored(source, *mine);
    *mine = last;
    return __real_ingest_batch(ingest, source, records, count);
}

/* The text with one part of it in place of another. */
static char *instead(char *text, const char *part, const char *other)
{
    char *at = text == NULL ? NULL : strstr(text, part);
    if (at == NULL)
        return text;
    char *changed = text_format("%.*s%s%s", (int)(at - text), text, other, at + strlen(part));
    free(text);
    return changed;
}

char *__real_connect_prepare_sql(enum statement_id id);
char *__wrap_connect_prepare_sql(enum statement_id id);
char *__wrap_connect_prepare_sql(enum statement_id id)
{
    char *text = __real_connect_prepare_sql(id);
    if (id == STATEMENT_ingest_look)
        return instead(instead(text, " ORDER BY vantage_id FOR UPDATE", ""),
                       "SELECT vantage_id, committed, session",
                       "SELECT vantage_id, 0::bigint AS committed, session");
    return id == STATEMENT_ingest_done ? instead(text, "cursor.committed < sent.committed", "false") : text;
}
