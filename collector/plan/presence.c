#include "plan/presence.h"

#include "link/handles.h"
#include "log.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/*
 * Which vantages are connected is written in the database, by the collector that each is connected to. What a collector leaves behind
 * that was killed, or whose host has vanished, nobody would correct: so each has a row that says when it was seen, and the one that
 * leads removes the rows that are older than 15 s (collector_bury.sql), and says that their vantages are away.
 *
 * One that was only held up (stopped, cut off from the database) finds its row gone when it comes back, makes it again, and
 * says which sessions it has: those that went to another collector meanwhile have another number there (session_hold.sql).
 *
 * The beats are also what keeps the connection of the collector that leads from being idle: see serve.c.
 */

enum { PRESENCE_BEAT_MS = 2000 };

struct presence {
    struct presence_settings settings;
    uv_loop_t *loop;
    struct pg *pg;
    uv_timer_t timer;
    struct handles handles;
    bool busy;
    bool fresh;
};

static void beat_buried(struct pg *pg, PGresult *result, void *arg)
{
    (void)pg, (void)arg;
    for (int row = 0; row < PQntuples(result); row++)
        log_line("collector %s is not seen any more; its vantages are away", PQgetvalue(result, row, 0));
}

static void beat_noted(struct pg *pg, PGresult *result, void *arg)
{
    struct presence *presence = arg;
    presence->fresh = PQgetvalue(result, 0, 0)[0] == 't';
    if (presence->settings.leads(presence->settings.arg))
        pg_exec(pg, STATEMENT_collector_bury, NULL, 0, beat_buried);
}

static void beat_start(struct pg *pg, void *arg)
{
    struct presence *presence = arg;
    char id[24];
    (void)snprintf(id, sizeof id, "%" PRId64, presence->settings.collector_id);
    const char *values[] = {id, presence->settings.name};
    presence->fresh = false;
    pg_exec(pg, STATEMENT_collector_beat, values, 2, beat_noted);
}

static void beat_end(bool committed, const char *why, void *arg)
{
    struct presence *presence = arg;
    presence->busy = false;
    if (!committed && why[0] != '\0' && !pg_was_lost(presence->pg))
        log_line("this collector could not say that it lives: %s", why);
    else if (committed && presence->fresh)
        presence->settings.on_buried(presence->settings.arg);
}

static void presence_beat(uv_timer_t *timer)
{
    struct presence *presence = timer->data;
    struct pg_turn turn = {.start = beat_start, .end = beat_end, .arg = presence};
    if (!presence->busy)
        presence->busy = pg_submit(presence->pg, &turn);
}

struct presence *presence_new(uv_loop_t *loop, struct pg *pg, const struct presence_settings *settings)
{
    struct presence *presence = calloc(1, sizeof *presence);
    if (presence == NULL)
        return NULL;
    presence->settings = *settings;
    presence->loop = loop;
    presence->pg = pg;
    (void)uv_timer_init(loop, &presence->timer);
    presence->timer.data = presence;
    handles_init(&presence->handles);
    handles_add(&presence->handles, &presence->timer);
    (void)uv_timer_start(&presence->timer, presence_beat, PRESENCE_BEAT_MS, PRESENCE_BEAT_MS);
    return presence;
}

void presence_stop(struct presence *presence, void (*done)(void *arg), void *arg)
{
    handles_close_all(&presence->handles, presence->loop, done, arg);
}

void presence_free(struct presence *presence)
{
    free(presence);
}

void presence_ready(struct presence *presence)
{
    if (uv_is_active((uv_handle_t *)&presence->timer) != 0)
        (void)uv_timer_start(&presence->timer, presence_beat, 0, PRESENCE_BEAT_MS);
}
