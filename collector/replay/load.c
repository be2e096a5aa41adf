#include "replay/load.h"

#include "cli/cli.h"
#include "cli/i18n.h"
#include "ingest/certificate.h"
#include "store/array.h"
#include "words/units.h"

#include <stdio.h>
#include <stdlib.h>

/* The tables around the attempts, thousands of rows a statement. */

enum { LOAD_ROWS = 5000, LOAD_COLUMNS = 8 };

/* Columns of a statement's arrays, filled row by row. */
struct columns {
    struct buf column[LOAD_COLUMNS];
    size_t count;
};

static void columns_begin(struct columns *columns, size_t count)
{
    columns->count = count;
    for (size_t i = 0; i < count; i++)
        array_begin(&columns->column[i]);
}

static bool columns_run(struct db *db, enum statement_id id, struct columns *columns)
{
    char *arrays[LOAD_COLUMNS];
    bool whole = true;
    for (size_t i = 0; i < columns->count; i++) {
        arrays[i] = array_take(&columns->column[i]);
        whole = whole && arrays[i] != NULL;
    }
    PGresult *result = whole ? db_query(db, id, (const char *const *)(void *)arrays, columns->count) : NULL;
    if (!whole)
        cli_error(_("out of memory"));
    for (size_t i = 0; i < columns->count; i++)
        free(arrays[i]);
    PQclear(result);
    return result != NULL;
}

/* Runs a statement over count rows; `put` adds the row of an index, or nothing. */
typedef void put_row(const struct recording *recording, size_t index, struct columns *columns);

static bool load_rows(struct db *db, enum statement_id id, const struct recording *recording, size_t count,
                      size_t column_count, put_row *put)
{
    bool loaded = true;
    for (size_t first = 0; loaded && first < count; first += LOAD_ROWS) {
        struct columns columns;
        columns_begin(&columns, column_count);
        for (size_t i = first; i < count && i < first + LOAD_ROWS; i++)
            put(recording, i, &columns);
        loaded = columns_run(db, id, &columns);
    }
    return loaded;
}

static void put_vantage(const struct recording *recording, size_t index, struct columns *columns)
{
    const struct recorded_vantage *vantage = &recording->vantages[index];
    (void)array_number(&columns->column[0], vantage->id);
    (void)array_text(&columns->column[1], vantage->name);
    (void)array_text(&columns->column[2], vantage->region);
    (void)array_number(&columns->column[3], vantage->asn);
    (void)array_text(&columns->column[4], vantage->prefix);
    (void)array_text(&columns->column[5], vantage->country);
    (void)array_text(&columns->column[6], vantage->labels);
}

static void put_site(const struct recording *recording, size_t index, struct columns *columns)
{
    const struct recorded_site *site = &recording->sites[index];
    (void)array_number(&columns->column[0], (int64_t)index + 1);
    (void)array_text(&columns->column[1], site->name);
    (void)array_number(&columns->column[2], site->interval_s == 0 ? 60 : site->interval_s);
    (void)array_text(&columns->column[3], site->sentinel ? "t" : "f");
    (void)array_number(&columns->column[4], (int64_t)site->depth);
}

static void put_endpoint(const struct recording *recording, size_t index, struct columns *columns)
{
    const struct recorded_endpoint *endpoint = &recording->endpoints[index];
    char address[ADDRESS_TEXT_BYTES];
    if (endpoint->same_as != RECORDING_NONE)
        return;
    (void)array_number(&columns->column[0], endpoint->id);
    (void)array_number(&columns->column[1],
                       endpoint->site == RECORDING_NONE ? 0 : (int64_t)endpoint->site + 1);
    (void)array_number(&columns->column[2], (int64_t)endpoint->role);
    (void)array_text(&columns->column[3], endpoint->host);
    (void)array_number(&columns->column[4], endpoint->port);
    (void)array_text(&columns->column[5], endpoint->sni);
    (void)array_text(&columns->column[6], endpoint->no_sni ? "t" : "f");
    (void)array_text(&columns->column[7], address_text(&endpoint->address, address));
}

static void put_round(const struct recording *recording, size_t index, struct columns *columns)
{
    const struct recorded_round *round = &recording->rounds[index];
    if (round->same_as != RECORDING_NONE)
        return;
    (void)array_number(&columns->column[0], round->id);
    (void)array_number(&columns->column[1], round->interval_s);
    (void)array_number(&columns->column[2], round->start_us);
    (void)array_number(&columns->column[3], (int64_t)round->spread_us);
    (void)array_number(&columns->column[4], (int64_t)round->timeout_us);
    (void)array_number(&columns->column[5], round->deadline_us);
}

static void put_round_vantages(const struct recording *recording, size_t index, struct columns *columns)
{
    const struct recorded_round *round = &recording->rounds[index];
    for (size_t i = 0; i < round->vantage_count; i++) {
        (void)array_number(&columns->column[0], recording_round(recording, (uint32_t)index)->id);
        (void)array_number(&columns->column[1], recording->vantages[round->vantages[i]].id);
    }
}

static void put_round_endpoints(const struct recording *recording, size_t index, struct columns *columns)
{
    const struct recorded_round *round = &recording->rounds[index];
    for (size_t i = 0; i < round->endpoint_count; i++) {
        (void)array_number(&columns->column[0], recording_round(recording, (uint32_t)index)->id);
        (void)array_number(&columns->column[1], recording_endpoint(recording, round->endpoints[i])->id);
    }
}

/* Whoever took part in a round was asked to, whatever else is said of it. */
static void put_attempt_endpoint(const struct recording *recording, size_t index, struct columns *columns)
{
    const struct recorded_attempt *attempt = &recording->attempts[index];
    (void)array_number(&columns->column[0], recording_round(recording, attempt->round)->id);
    (void)array_number(&columns->column[1], recording_endpoint(recording, attempt->endpoint)->id);
}

bool load_tables(struct db *db, const struct recording *recording)
{
    const struct {
        enum statement_id id;
        size_t count, columns;
        put_row *put;
    } tables[] = {
        {STATEMENT_replay_vantages, recording->vantage_count, 7, put_vantage},
        {STATEMENT_replay_sites, recording->site_count, 5, put_site},
        {STATEMENT_replay_endpoints, recording->endpoint_count, 8, put_endpoint},
        {STATEMENT_replay_rounds, recording->round_count, 6, put_round},
        {STATEMENT_replay_round_vantages, recording->round_count, 2, put_round_vantages},
        {STATEMENT_replay_round_endpoints, recording->round_count, 2, put_round_endpoints},
        {STATEMENT_replay_round_endpoints, recording->attempt_count, 2, put_attempt_endpoint},
    };
    bool loaded = db_begin(db);
    for (size_t i = 0; loaded && i < sizeof tables / sizeof tables[0]; i++)
        loaded = load_rows(db, tables[i].id, recording, tables[i].count, tables[i].columns, tables[i].put);
    return loaded && db_commit(db);
}

/* --- certificates --- */

static void put_certificate(const struct recording *recording, size_t index, struct columns *columns)
{
    (void)array_bytes(&columns->column[0], recording->certificates[index].sha256, 32);
}

static bool load_der(struct db *db, const struct recorded_certificate *certificate)
{
    struct certificate_row row;
    bool whole = certificate_row_init(&row, certificate->der, certificate->der_length);
    PGresult *result =
        whole ? db_query(db, STATEMENT_certificate_store, (const char *const *)row.values, CERTIFICATE_PARAMS)
              : NULL;
    if (!whole)
        cli_error(_("out of memory"));
    certificate_row_done(&row);
    PQclear(result);
    return result != NULL;
}

static const char *time_or_null(int64_t unix_s, char out[UNITS_TIME_BYTES])
{
    return unix_s == 0 ? NULL : time_rfc3339(unix_s * US_PER_S, 0, out);
}

static bool load_facts(struct db *db, const struct recorded_certificate *certificate)
{
    char hex[2 + 64 + 1] = "\\x", before[UNITS_TIME_BYTES], after[UNITS_TIME_BYTES], bits[24];
    const struct chain_certificate *facts = &certificate->facts;
    struct buf array;
    (void)hex_text(certificate->sha256, 32, hex + 2);
    (void)snprintf(bits, sizeof bits, "%d", (int)(facts->key_bits & INT32_MAX));
    array_begin(&array);
    for (size_t i = 0; i < certificate->name_count; i++)
        (void)array_text(&array, certificate->names[i]);
    char *names = array_take(&array);
    const char *values[] = {hex,
                            facts->subject,
                            facts->issuer,
                            time_or_null(facts->not_before_s, before),
                            time_or_null(facts->not_after_s, after),
                            facts->key_type,
                            bits,
                            facts->signature_name,
                            names,
                            facts->ca ? "t" : "f"};
    PGresult *result = names == NULL ? NULL : db_query(db, STATEMENT_replay_certificate, values, 10);
    if (names == NULL)
        cli_error(_("out of memory"));
    free(names);
    PQclear(result);
    return result != NULL;
}

bool load_certificates(struct db *db, const struct recording *recording)
{
    bool loaded = db_begin(db) && load_rows(db, STATEMENT_ingest_certificates, recording,
                                            recording->certificate_count, 1, put_certificate);
    for (size_t i = 0; loaded && i < recording->certificate_count; i++) {
        const struct recorded_certificate *certificate = &recording->certificates[i];
        if (certificate->der != NULL)
            loaded = load_der(db, certificate);
        else if (certificate->facts.parsed)
            loaded = load_facts(db, certificate);
    }
    return loaded && db_commit(db);
}
