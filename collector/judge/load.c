#include "judge/parts.h"

#include "cli/cli.h"
#include "cli/i18n.h"

#include <stdio.h>

/* What a judge begins with: the tables hold all that counts; the last rounds give the watch its windows back. */

enum { LOAD_ARENA_BYTES = 1 << 26 };

/* A closed incident's penalty has halved so often by then that it says nothing any more. */
enum { LOAD_HALF_LIVES = 24 };

static bool load_failed(void)
{
    cli_error(_("out of memory"));
    return false;
}

static bool refresh_vantages(struct judge *judge, const PGresult *rows)
{
    for (int row = 0; row < PQntuples(rows); row++) {
        const struct matrix_vantage vantage = {.id = db_int(rows, row, "vantage_id"),
                                               .name = db_text(rows, row, "vantage"),
                                               .region = db_text(rows, row, "region"),
                                               .asn = db_int(rows, row, "asn")};
        if (!watch_vantage(judge->watch, &vantage))
            return false;
        if (!judge->loaded && !db_null(rows, row, "baseline") &&
            !watch_baseline_set(judge->watch, vantage.id, db_real(rows, row, "baseline")))
            return false;
    }
    return true;
}

static bool refresh_endpoints(struct judge *judge, const PGresult *rows)
{
    for (int row = 0; row < PQntuples(rows); row++) {
        const struct matrix_endpoint endpoint = {.id = db_int(rows, row, "endpoint_id"),
                                                 .site = db_text(rows, row, "site"),
                                                 .role =
                                                     (enum endpoint_role)db_int(rows, row, "endpoint_role"),
                                                 .host = db_text(rows, row, "host"),
                                                 .port = (uint16_t)db_int(rows, row, "port"),
                                                 .sni = db_text(rows, row, "sni"),
                                                 .address = db_text(rows, row, "address")};
        if (!watch_endpoint(judge->watch, &endpoint, db_text(rows, row, "sentinel")[0] == 't'))
            return false;
    }
    return true;
}

bool judge_refresh(struct judge *judge)
{
    PGresult *vantages = db_query(judge->db, STATEMENT_judge_vantages, NULL, 0);
    PGresult *endpoints = vantages == NULL ? NULL : db_query(judge->db, STATEMENT_judge_endpoints, NULL, 0);
    bool read = endpoints != NULL;
    bool room = read && refresh_vantages(judge, vantages) && refresh_endpoints(judge, endpoints);
    PQclear(vantages);
    PQclear(endpoints);
    return read && (room || load_failed());
}

static bool load_history(struct judge *judge)
{
    char count[JUDGE_NUMBER_BYTES];
    unsigned most = judge->model.window_rounds + judge->model.open_windows + judge->model.close_rounds;
    const char *values[] = {judge_number(most, count)};
    PGresult *rows = db_query(judge->db, STATEMENT_judge_history, values, 1);
    bool done = rows != NULL;
    for (int row = 0; done && row < PQntuples(rows); row++) {
        const struct judge_round round = {.id = db_int(rows, row, "id"),
                                          .start_us = db_int(rows, row, "start_us"),
                                          .deadline_us = db_int(rows, row, "deadline_us"),
                                          .interval_s = (unsigned)db_int(rows, row, "interval_s")};
        done = judge_feed(judge, &round, NULL, NULL);
    }
    PQclear(rows);
    return done;
}

/* Texts are the result's and the arena's. */
static bool read_incident(const PGresult *rows, int row, struct arena *arena, struct incident *incident)
{
    json_t *detail = json_loads(db_text(rows, row, "detail"), 0, NULL);
    json_t *endpoints = json_loads(db_text(rows, row, "endpoints"), 0, NULL), *id;
    size_t index;
    int64_t *ids = arena_array(arena, json_array_size(endpoints), sizeof *ids);
    *incident = (struct incident){
        .id = db_int(rows, row, "id"),
        .kind = (enum incident_kind)db_int(rows, row, "kind"),
        .place = {.kind = (enum place_kind)db_int(rows, row, "place"),
                  .endpoint_id = db_int(rows, row, "endpoint_id"),
                  .vantage_id = db_int(rows, row, "vantage_id"),
                  .asn = db_int(rows, row, "asn"),
                  .region = db_text(rows, row, "region"),
                  .edge = db_text(rows, row, "edge"),
                  .pop = db_text(rows, row, "pop")},
        .certainty = db_int(rows, row, "confirmed") ? CERTAINTY_CONFIRMED : CERTAINTY_CONSISTENT,
        .confidence = db_real(rows, row, "confidence"),
        .endpoint_ids = ids,
        .rounds_failed = (unsigned)db_int(rows, row, "rounds_failed"),
        .rounds = (unsigned)db_int(rows, row, "rounds"),
        .opened_us = db_int(rows, row, "opened_us"),
        .updated_us = db_int(rows, row, "updated_us"),
        .closed_us = db_int(rows, row, "closed_us"),
        .first_round = db_int(rows, row, "first_round"),
        .last_round = db_int(rows, row, "last_round"),
        .flapping = db_int(rows, row, "flapping") != 0,
        .flap_penalty = db_real(rows, row, "flap_penalty"),
        .transitions = (unsigned)db_int(rows, row, "transitions"),
    };
    (void)snprintf(incident->key, sizeof incident->key, "%s", db_text(rows, row, "key"));
    (void)address_parse(db_text(rows, row, "address"), &incident->place.address);
    (void)outcome_from_numbers((int)db_int(rows, row, "class"), (int)db_int(rows, row, "raw_kind"),
                               (int32_t)db_int(rows, row, "raw"), &incident->outcome);
    (void)cause_from_id(db_text(rows, row, "cause"), &incident->cause);
    if (ids != NULL) {
        json_array_foreach(endpoints, index, id) ids[incident->endpoint_count++] = json_integer_value(id);
    }
    bool read = ids != NULL && detail_read(detail, arena, incident);
    json_decref(detail);
    json_decref(endpoints);
    return read;
}

static bool load_incidents(struct judge *judge)
{
    char span[JUDGE_NUMBER_BYTES];
    const char *values[] = {judge_number(LOAD_HALF_LIVES * judge->model.flap_half_life_us, span)};
    PGresult *rows = db_query(judge->db, STATEMENT_judge_incidents, values, 1);
    bool room = true;
    for (int row = 0; rows != NULL && room && row < PQntuples(rows); row++) {
        struct incident incident;
        struct arena arena;
        arena_init(&arena, LOAD_ARENA_BYTES);
        room = read_incident(rows, row, &arena, &incident) && watch_resume(judge->watch, &incident);
        arena_done(&arena);
    }
    bool read = rows != NULL;
    PQclear(rows);
    return read && (room || load_failed());
}

bool judge_load(struct judge *judge)
{
    return load_history(judge) && load_incidents(judge);
}
