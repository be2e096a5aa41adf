#include "judge/parts.h"

#include "cli/cli.h"
#include "cli/i18n.h"
#include "report/case.h"
#include "store/array.h"
#include "words/attempt_json.h"
#include "words/json_writer.h"

#include <stdio.h>
#include <stdlib.h>

/* From the watch into the tables, within the transaction of the round. */

enum { INCIDENT_PARAMS = 29, REAL_BYTES = 32 };

static const char *real_text(double real, char out[REAL_BYTES])
{
    (void)snprintf(out, REAL_BYTES, "%.17g", real);
    return out;
}

static const char *number_or_null(int64_t number, char out[JUDGE_NUMBER_BYTES])
{
    return number == 0 ? NULL : judge_number(number, out);
}

static const char *text_or_null(const char *text)
{
    return text == NULL || text[0] == '\0' ? NULL : text;
}

static const char *bool_text(bool value)
{
    return value ? "t" : "f";
}

/* One row of the table, by either statement. @return the result (PQclear it), NULL after cli_error. */
static PGresult *put_incident(struct db *db, enum statement_id statement, const struct incident *incident,
                              const char *detail)
{
    char number[INCIDENT_PARAMS][JUDGE_NUMBER_BYTES], real[2][REAL_BYTES], address[ADDRESS_TEXT_BYTES];
    const struct place *place = &incident->place;
    const char *values[INCIDENT_PARAMS] = {
        judge_number(incident->id, number[0]),
        incident->key,
        judge_number(incident->kind, number[1]),
        judge_number(incident->opened_us, number[2]),
        judge_number(incident->updated_us, number[3]),
        number_or_null(incident->closed_us, number[4]),
        judge_number(incident->first_round, number[5]),
        judge_number(incident->last_round, number[6]),
        judge_number(place->kind, number[7]),
        number_or_null(place->endpoint_id, number[8]),
        number_or_null(place->vantage_id, number[9]),
        text_or_null(place->region),
        number_or_null(place->asn, number[10]),
        place->address.length == 0 ? NULL : address_text(&place->address, address),
        text_or_null(place->edge),
        text_or_null(place->pop),
        judge_number(incident->outcome.stage, number[11]),
        judge_number(incident->outcome.class, number[12]),
        judge_number(incident->outcome.raw_kind, number[13]),
        judge_number(incident->outcome.raw, number[14]),
        incident->cause == CAUSE_NONE ? "" : cause_row(incident->cause)->id,
        bool_text(incident->certainty == CERTAINTY_CONFIRMED),
        real_text(incident->confidence, real[0]),
        judge_number(incident->rounds_failed, number[15]),
        judge_number(incident->rounds, number[16]),
        bool_text(incident->flapping),
        real_text(incident->flap_penalty, real[1]),
        judge_number(incident->transitions, number[17]),
        detail,
    };
    return db_query(db, statement, values, INCIDENT_PARAMS);
}

static bool put_endpoints(struct db *db, int64_t id, const struct incident *incident)
{
    char number[JUDGE_NUMBER_BYTES];
    struct buf array;
    array_begin(&array);
    for (size_t i = 0; i < incident->endpoint_count; i++)
        (void)array_number(&array, incident->endpoint_ids[i]);
    char *endpoints = array_take(&array);
    const char *values[] = {judge_number(id, number), endpoints};
    PGresult *result = endpoints == NULL ? NULL : db_query(db, STATEMENT_judge_incident_endpoints, values, 2);
    if (endpoints == NULL)
        cli_error(_("out of memory"));
    free(endpoints);
    PQclear(result);
    return result != NULL;
}

static bool put_event(struct db *db, int64_t id, const struct judge_round *round,
                      const struct incident *incident, enum incident_change change, const char *detail)
{
    char number[4][JUDGE_NUMBER_BYTES], real[REAL_BYTES];
    const char *values[] = {judge_number(id, number[0]),           judge_number(round->start_us, number[1]),
                            judge_number(round->id, number[2]),    judge_number(change, number[3]),
                            real_text(incident->confidence, real), detail};
    PGresult *result = db_query(db, STATEMENT_judge_event, values, 6);
    PQclear(result);
    return result != NULL;
}

static char *incident_detail(const struct judge_writing *writing, const struct incident *incident)
{
    struct condition_said ended;
    bool has_ended = judge_ended_certificate(writing->judge, incident, writing->round->start_us, &ended);
    json_t *json =
        detail_json(incident, has_ended ? &ended : judge_condition_said(writing->judge, incident->key));
    char *text = json == NULL ? NULL : json_dumps(json, JSON_COMPACT);
    json_decref(json);
    if (text == NULL)
        cli_error(_("out of memory"));
    return text;
}

static json_t *facts_json(struct cases *cases, enum cause cause)
{
    struct writer writer = {false};
    json_t *facts = json_object();
    for (size_t i = 0; i < cases->count; i++) {
        const struct conclusion *conclusion = &cases->cases[i].conclusion;
        if (!outcome_is_failure(cases->cases[i].file.outcomes[0]) ||
            !cases_revise(cases, &cases->cases[i], cause))
            continue;
        for (size_t fact = 0; fact < conclusion->fact_count; fact++)
            set(&writer, facts, conclusion->facts[fact].key, json_text(conclusion->facts[fact].value));
    }
    return finish(&writer, facts);
}

/*
 * What the remedy speaks of, from a case that shows it: it is noted once, so that whoever tells of the incident later need not
 * read evidence.
 */
static bool put_facts(struct judge *judge, int64_t id, enum cause cause)
{
    char number[JUDGE_NUMBER_BYTES];
    struct cases cases;
    if (!cases_of_incident(judge->db, judge_number(id, number), &cases))
        return false;
    json_t *facts = facts_json(&cases, cause);
    cases_done(&cases);
    char *text = facts == NULL ? NULL : json_dumps(facts, JSON_COMPACT);
    const char *values[] = {number, text};
    bool none = text != NULL && json_object_size(facts) == 0;
    PGresult *result = none || text == NULL ? NULL : db_query(judge->db, STATEMENT_judge_facts, values, 2);
    if (text == NULL)
        cli_error(_("out of memory"));
    json_decref(facts);
    free(text);
    PQclear(result);
    return none || result != NULL;
}

/* @return the incident's id, 0 after cli_error. */
static int64_t put_whole(struct judge *judge, const struct incident *incident, const char *detail)
{
    bool is_new = incident->id == 0;
    PGresult *row =
        put_incident(judge->db, is_new ? STATEMENT_judge_incident_open : STATEMENT_judge_incident_update,
                     incident, detail);
    int64_t id = row == NULL || PQntuples(row) == 0 ? 0 : db_int(row, 0, "id");
    if (row != NULL && id == 0)
        cli_error(_("incident %lld is gone from the database"), (long long)incident->id);
    bool has_facts = id == 0 || incident->kind != INCIDENT_FAILS || incident->cause == CAUSE_NONE ||
                     db_text(row, 0, "has_facts")[0] == 't';
    PQclear(row);
    if (id != 0 && !put_endpoints(judge->db, id, incident))
        return 0;
    if (!has_facts && !put_facts(judge, id, incident->cause))
        return 0;
    if (id != 0 && is_new)
        watch_named(judge->watch, incident->key, id);
    return id;
}

void judge_write_change(const struct incident *incident, enum incident_change change, void *arg)
{
    struct judge_writing *writing = arg;
    if (writing->failed)
        return;
    char *detail = incident_detail(writing, incident);
    int64_t id = detail == NULL ? 0 : put_whole(writing->judge, incident, detail);
    writing->failed = id == 0 || !put_event(writing->judge->db, id, writing->round, incident, change, detail);
    free(detail);
}

void judge_write_state(const struct incident *incident, enum incident_change change, void *arg)
{
    struct judge_writing *writing = arg;
    (void)change;
    if (writing->failed || incident->id == 0)
        return;
    char *detail = incident_detail(writing, incident);
    writing->failed = detail == NULL || put_whole(writing->judge, incident, detail) == 0;
    free(detail);
}

bool judge_write_baselines(struct judge *judge)
{
    struct buf ids, rates;
    char real[REAL_BYTES];
    double rate;
    PGresult *vantages = db_query(judge->db, STATEMENT_judge_vantages, NULL, 0);
    if (vantages == NULL)
        return false;
    array_begin(&ids);
    array_begin(&rates);
    for (int row = 0; row < PQntuples(vantages); row++) {
        int64_t id = db_int(vantages, row, "vantage_id");
        if (!watch_baseline_get(judge->watch, id, &rate))
            continue;
        (void)array_number(&ids, id);
        (void)array_text(&rates, real_text(rate, real));
    }
    PQclear(vantages);
    char *arrays[] = {array_take(&ids), array_take(&rates)};
    PGresult *result = NULL;
    if (arrays[0] == NULL || arrays[1] == NULL)
        cli_error(_("out of memory"));
    else
        result = db_query(judge->db, STATEMENT_judge_baselines, (const char *const *)(void *)arrays, 2);
    free(arrays[0]);
    free(arrays[1]);
    PQclear(result);
    return result != NULL;
}
