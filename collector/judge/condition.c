#include "judge/parts.h"

#include "cli/cli.h"
#include "cli/i18n.h"
#include "diff/diff.h"
#include "report/window.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * What holds beside failures: certificates that expire soon, and successes that look different from some vantages or at the
 * origin, both of the endpoints of a round. Certificates are remembered from the last round that showed any, so that an endpoint that is down meanwhile keeps
 * its warning.
 */

enum { CONDITION_ARENA_BYTES = 1 << 24, CONDITION_KEY_HASH_CHARS = 16 };
#define CONDITION_DAY_US (INT64_C(86400) * US_PER_S)

static bool conditions_clear(struct conditions *conditions, size_t room)
{
    arena_done(&conditions->arena);
    arena_init(&conditions->arena, CONDITION_ARENA_BYTES);
    conditions->count = 0;
    conditions->incidents = arena_array(&conditions->arena, room, sizeof *conditions->incidents);
    conditions->said = arena_array(&conditions->arena, room, sizeof *conditions->said);
    return conditions->incidents != NULL && conditions->said != NULL;
}

const struct condition_said *judge_condition_said(const struct judge *judge, const char *key)
{
    for (size_t i = 0; i < judge->now.count; i++)
        if (strcmp(judge->now.incidents[i].key, key) == 0)
            return &judge->now.said[i];
    return NULL;
}

/* --- certificates ---------------------------------------------------------------------------------------------------------- */

static bool was_seen_in(const PGresult *rows, int64_t endpoint_id)
{
    int low = 0, high = PQntuples(rows);
    while (low < high) {
        int middle = low + (high - low) / 2;
        int64_t id = db_int(rows, middle, "endpoint_id");
        if (id == endpoint_id)
            return true;
        if (id < endpoint_id)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

static int seen_compare(const void *a, const void *b)
{
    const struct seen_certificate *left = a, *right = b;
    if (left->endpoint_id != right->endpoint_id)
        return left->endpoint_id < right->endpoint_id ? -1 : 1;
    return strcmp(left->sha256, right->sha256);
}

/* What an endpoint shows now replaces what it showed before. */
static bool remember_certificates(struct judge *judge, const PGresult *rows)
{
    size_t room = judge->certificate_count + (size_t)PQntuples(rows) + 1, kept = 0;
    struct seen_certificate *all = realloc(judge->certificates, room * sizeof *all);
    if (all == NULL)
        return false;
    judge->certificates = all;
    for (size_t i = 0; i < judge->certificate_count; i++)
        if (!was_seen_in(rows, all[i].endpoint_id))
            all[kept++] = all[i];
    for (int row = 0; row < PQntuples(rows); row++) {
        all[kept] = (struct seen_certificate){.endpoint_id = db_int(rows, row, "endpoint_id"),
                                              .not_after_us = db_int(rows, row, "not_after_us")};
        (void)snprintf(all[kept++].sha256, sizeof all->sha256, "%s", db_text(rows, row, "sha256"));
    }
    judge->certificate_count = kept;
    qsort(all, kept, sizeof *all, seen_compare);
    return true;
}

static int hash_compare(const void *a, const void *b)
{
    const struct seen_certificate *left = a, *right = b;
    int order = strcmp(left->sha256, right->sha256);
    return order != 0 ? order
                      : (left->endpoint_id > right->endpoint_id) - (left->endpoint_id < right->endpoint_id);
}

/* One condition for a certificate, whatever the number of endpoints that show it. */
static bool add_expiry(struct conditions *conditions, const struct seen_certificate *soon, size_t count)
{
    struct incident *condition = &conditions->incidents[conditions->count];
    struct condition_said *said = &conditions->said[conditions->count++];
    int64_t *ids = arena_array(&conditions->arena, count, sizeof *ids);
    if (ids == NULL)
        return false;
    for (size_t i = 0; i < count; i++)
        ids[i] = soon[i].endpoint_id;
    *condition = (struct incident){.kind = INCIDENT_EXPIRES,
                                   .place = {.kind = PLACE_ENDPOINT,
                                             .endpoint_id = count == 1 ? ids[0] : 0,
                                             .region = "",
                                             .edge = "",
                                             .pop = ""},
                                   .outcome = outcome_make(OUTCOME_OK, RAW_NONE, 0),
                                   .cause = CAUSE_CERT_EXPIRES_SOON,
                                   .certainty = CERTAINTY_CONFIRMED,
                                   .confidence = 1.0,
                                   .endpoint_count = count,
                                   .endpoint_ids = ids};
    (void)snprintf(condition->key, sizeof condition->key, "%s/%.*s", incident_kind_name(INCIDENT_EXPIRES),
                   CONDITION_KEY_HASH_CHARS, soon->sha256);
    *said = (struct condition_said){.sha256 = soon->sha256, .not_after_us = soon->not_after_us};
    return true;
}

/* Appends to conditions, which have room for one a certificate. One that has ended fails, or nobody minds. */
static bool find_expiries(const struct judge *judge, int64_t now_us, struct conditions *conditions)
{
    int64_t end_us = now_us + judge->options.expiry_days * CONDITION_DAY_US;
    struct seen_certificate *soon = arena_array(&conditions->arena, judge->certificate_count, sizeof *soon);
    size_t found = 0, next;
    if (soon == NULL)
        return false;
    for (size_t i = 0; i < judge->certificate_count; i++)
        if (judge->certificates[i].not_after_us > now_us && judge->certificates[i].not_after_us < end_us)
            soon[found++] = judge->certificates[i];
    if (found > 0)
        qsort(soon, found, sizeof *soon, hash_compare);
    for (size_t i = 0; i < found; i = next) {
        for (next = i + 1; next < found && strcmp(soon[next].sha256, soon[i].sha256) == 0;)
            next++;
        if (!add_expiry(conditions, &soon[i], next - i))
            return false;
    }
    return true;
}

bool judge_ended_certificate(const struct judge *judge, const struct incident *incident, int64_t now_us,
                             struct condition_said *ret_said)
{
    const struct seen_certificate *first = NULL;
    if (incident->kind != INCIDENT_FAILS || incident->outcome.class != OUTCOME_CERT_EXPIRED)
        return false;
    for (size_t i = 0; i < judge->certificate_count; i++) {
        const struct seen_certificate *one = &judge->certificates[i];
        bool inside = false;
        for (size_t e = 0; e + incident->follower_count < incident->endpoint_count; e++)
            inside = inside || incident->endpoint_ids[e] == one->endpoint_id;
        if (inside && one->not_after_us <= now_us &&
            (first == NULL || one->not_after_us < first->not_after_us))
            first = one;
    }
    if (first != NULL)
        *ret_said = (struct condition_said){.sha256 = first->sha256, .not_after_us = first->not_after_us};
    return first != NULL;
}

/* --- differences ------------------------------------------------------------------------------------------------------------ */

static bool is_of_round(int64_t endpoint_id, const struct sight *sights, size_t count)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (sights[middle].endpoint_id == endpoint_id)
            return true;
        if (sights[middle].endpoint_id < endpoint_id)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

static bool is_difference(const struct finding *finding)
{
    return finding->level == FINDING_DIFFERENCE &&
           (finding->kind == FINDING_DIFFERS || finding->kind == FINDING_PAIR_DIFFERS);
}

static bool copy_vantages(struct arena *arena, const struct diff *diff, const struct finding *finding,
                          struct incident *condition)
{
    int64_t *ids = arena_array(arena, diff->matrix->vantage_count, sizeof *ids);
    if (ids == NULL)
        return false;
    for (unsigned v = 0; v < diff->matrix->vantage_count; v++)
        if (finding->where[v])
            ids[condition->vantage_count++] = diff->matrix->vantages[v].id;
    condition->vantage_ids = ids;
    return true;
}

static struct place difference_place(const struct finding *finding, int64_t endpoint_id,
                                     const struct incident *condition, struct arena *arena)
{
    struct place place = {.endpoint_id = endpoint_id, .region = "", .edge = "", .pop = ""};
    switch (finding->scope) {
    case SCOPE_ALL:
        place.kind = PLACE_ENDPOINT;
        break;
    case SCOPE_REGION:
        place.kind = PLACE_REGION;
        place.region = arena_string(arena, finding->region);
        break;
    case SCOPE_ASN:
        place.kind = PLACE_ASN;
        place.asn = finding->asn;
        break;
    case SCOPE_VANTAGES:
        place.kind = condition->vantage_count == 1 ? PLACE_VANTAGE : PLACE_SOME;
        place.vantage_id = condition->vantage_count == 1 ? condition->vantage_ids[0] : 0;
        break;
    }
    return place;
}

static void difference_key(const struct finding *finding, struct incident *condition)
{
    const struct place *place = &condition->place;
    char where[64] = "";
    if (place->kind == PLACE_REGION)
        (void)snprintf(where, sizeof where, "%.40s/", place->region == NULL ? "" : place->region);
    else if (place->kind == PLACE_ASN)
        (void)snprintf(where, sizeof where, "%" PRId64 "/", place->asn);
    else if (place->kind == PLACE_VANTAGE)
        (void)snprintf(where, sizeof where, "%" PRId64 "/", place->vantage_id);
    (void)snprintf(condition->key, sizeof condition->key, "%s/%s/%s%" PRId64 "/%s%s",
                   incident_kind_name(INCIDENT_DIFFERS), place_kind_name((int)place->kind), where,
                   place->endpoint_id, finding->kind == FINDING_PAIR_DIFFERS ? "pair/" : "",
                   finding_aspect_name(finding->aspect));
}

static bool add_difference(struct conditions *conditions, const struct diff *diff,
                           const struct finding *finding)
{
    struct arena *arena = &conditions->arena;
    struct incident *condition = &conditions->incidents[conditions->count];
    int64_t endpoint_id = diff->matrix->endpoints[finding->endpoint].id;
    int64_t *endpoint = arena_take(arena, sizeof *endpoint);
    if (endpoint == NULL)
        return false;
    *endpoint = endpoint_id;
    *condition = (struct incident){.kind = INCIDENT_DIFFERS,
                                   .outcome = outcome_make(OUTCOME_OK, RAW_NONE, 0),
                                   .certainty = CERTAINTY_CONSISTENT,
                                   .confidence = 1.0,
                                   .endpoint_count = 1,
                                   .endpoint_ids = endpoint};
    if (!copy_vantages(arena, diff, finding, condition))
        return false;
    condition->place = difference_place(finding, endpoint_id, condition, arena);
    difference_key(finding, condition);
    for (size_t i = 0; i < finding->caveat_count && i < INCIDENT_MAX_CAVEATS; i++)
        condition->caveats[condition->caveat_count++] = arena_string(arena, finding->caveats[i]);
    conditions->said[conditions->count++] =
        (struct condition_said){.aspect = finding_aspect_name(finding->aspect),
                                .value = arena_string(arena, finding->value),
                                .other_value = arena_string(arena, finding->other_value),
                                .is_paired = finding->kind == FINDING_PAIR_DIFFERS};
    return true;
}

/* What looks different where everything fails is the failure's own incident. */
static bool fails_there(const struct diff *diff, const struct finding *finding)
{
    if (finding->kind != FINDING_DIFFERS)
        return false;
    for (unsigned v = 0; v < diff->matrix->vantage_count; v++) {
        if (finding->where[v] && cell_state(matrix_cell(diff->matrix, finding->endpoint, v)) != CELL_FAIL)
            return false;
    }
    return true;
}

static bool keep_differences(struct judge *judge, const struct diff *diff, const struct sight *sights,
                             size_t sight_count)
{
    struct conditions *conditions = &judge->now;
    bool done = conditions_clear(conditions, diff->finding_count + judge->certificate_count);
    for (size_t i = 0; done && i < diff->finding_count; i++) {
        const struct finding *finding = &diff->findings[i];
        int64_t endpoint_id = diff->matrix->endpoints[finding->endpoint].id;
        if (is_difference(finding) && !fails_there(diff, finding) &&
            is_of_round(endpoint_id, sights, sight_count))
            done = add_difference(conditions, diff, finding);
    }
    return done;
}

static bool says_untrusted(enum outcome_class class)
{
    return class == OUTCOME_CERT_UNTRUSTED || class == OUTCOME_CERT_SELF_SIGNED ||
           class == OUTCOME_CERT_NO_ISSUER;
}

static bool sees_it(const struct diff *diff, const struct finding *finding, const struct sight *sight)
{
    const struct matrix *matrix = diff->matrix;
    if (matrix->endpoints[finding->endpoint].id != sight->endpoint_id)
        return false;
    for (unsigned v = 0; v < matrix->vantage_count; v++) {
        if (finding->where[v] && matrix->vantages[v].id == sight->vantage_id)
            return true;
    }
    return false;
}

/*
 * A certificate that nobody vouches for, of another issuer than elsewhere: from one vantage it is an untrusted root; beside others
 * that see the server's own it is somebody on the way. Confirmed when the vantage's ladder says so too.
 */
static void suspect_interception(const struct diff *diff, struct sight *sight)
{
    if (!says_untrusted(sight->outcome.class) || sight->cause == CAUSE_HELLO_INTERCEPTED)
        return;
    for (size_t i = 0; i < diff->finding_count; i++) {
        const struct finding *finding = &diff->findings[i];
        if (finding->kind != FINDING_DIFFERS || finding->aspect != ASPECT_ISSUER ||
            finding->level == FINDING_NOTE || !sees_it(diff, finding, sight))
            continue;
        sight->cause = CAUSE_HELLO_INTERCEPTED;
        sight->certainty = CERTAINTY_CONSISTENT;
    }
}

/* The last window of this interval's rounds, compared. */
static PGresult *window_rows(struct judge *judge, enum statement_id id, const struct judge_round *round)
{
    char number[2][JUDGE_NUMBER_BYTES];
    int64_t back_us = (int64_t)(judge->model.window_rounds - 1) * round->interval_s * US_PER_S;
    const char *values[] = {judge_number(round->start_us - back_us, number[0]),
                            judge_number(round->deadline_us, number[1])};
    return db_query(judge->db, id, values, 2);
}

static bool find_differences(struct judge *judge, const struct judge_round *round, struct sight *sights,
                             size_t sight_count)
{
    PGresult *looks = window_rows(judge, STATEMENT_judge_looks, round);
    PGresult *counts = looks == NULL ? NULL : window_rows(judge, STATEMENT_judge_counts, round);
    struct matrix matrix;
    struct diff diff = {0};
    matrix_init(&matrix);
    bool room = counts != NULL && window_fill(&matrix, looks, looks, counts) && diff_run(&diff, &matrix) &&
                keep_differences(judge, &diff, sights, sight_count);
    for (size_t i = 0; room && i < sight_count; i++)
        suspect_interception(&diff, &sights[i]);
    if (counts != NULL && !room)
        cli_error(_("out of memory"));
    diff_done(&diff);
    matrix_done(&matrix);
    PQclear(counts);
    PQclear(looks);
    return room;
}

bool judge_certificates(struct judge *judge, const struct judge_round *round)
{
    PGresult *rows = judge_round_query(judge->db, STATEMENT_judge_certificates, round);
    bool read = rows != NULL;
    bool room = read && remember_certificates(judge, rows);
    PQclear(rows);
    if (read && !room)
        cli_error(_("out of memory"));
    return room;
}

bool judge_conditions(struct judge *judge, const struct judge_round *round, struct sight *sights,
                      size_t sight_count)
{
    if (!find_differences(judge, round, sights, sight_count))
        return false;
    bool room = find_expiries(judge, round->start_us, &judge->now);
    if (!room)
        cli_error(_("out of memory"));
    return room;
}
