#include "words/attempt_from_json.h"

#include <errno.h>

/*
 * What follows from what is said, for attempts that were written by hand. A key that is there is never overruled, be it null;
 * so nothing is put into what attempt_json wrote, which has every key.
 */

/* The stamps as one row, in the order they happen. */
enum stamp {
#define X(field, name) STAMP_##field,
    EVIDENCE_STAMPS(X)
#undef X
        STAMP_COUNT
};

struct stamps {
    int64_t *at[STAMP_COUNT];
    bool open[STAMP_COUNT]; /* there is no key for it */
};

static struct stamps stamps_of(struct attempt *attempt, const struct json_part *part)
{
    const json_t *clock = json_object_get(part->value, "clock");
    struct stamps stamps;
#define X(field, name)                                                                                       \
    stamps.at[STAMP_##field] = &attempt->clock.field;                                                        \
    stamps.open[STAMP_##field] = json_object_get(clock, #field) == NULL;
    EVIDENCE_STAMPS(X)
#undef X
    return stamps;
}

/* It happened: no later than the next moment that is known, or else when the last one known did. */
static void happened(const struct stamps *stamps, enum stamp which)
{
    int64_t at_us = EVIDENCE_NEVER;
    if (!stamps->open[which] || *stamps->at[which] != EVIDENCE_NEVER)
        return;
    for (int i = (int)which + 1; i < STAMP_COUNT && at_us == EVIDENCE_NEVER; i++)
        at_us = *stamps->at[i];
    for (int i = (int)which - 1; i >= 0 && at_us == EVIDENCE_NEVER; i--)
        at_us = *stamps->at[i];
    *stamps->at[which] = at_us == EVIDENCE_NEVER ? 0 : at_us;
}

static bool any_from(const struct stamps *stamps, enum stamp first, enum stamp last)
{
    for (int i = (int)first; i <= (int)last; i++)
        if (*stamps->at[i] != EVIDENCE_NEVER)
            return true;
    return false;
}

static bool heard(const struct attempt *attempt)
{
    for (size_t i = 0; i < attempt->tls.record_count; i++)
        if (attempt->tls.records[i].received)
            return true;
    return attempt->end.first_byte_count > 0 || attempt->tls.version != 0 || attempt->tls.chain_count > 0;
}

static bool alerted(const struct attempt *attempt)
{
    uint8_t level, description;
    return attempt_alert(attempt, true, &level, &description) && level == 2;
}

static bool ended_connected(const struct attempt *attempt)
{
    switch (attempt->end.how) {
    case ENDING_BY_US:
    case ENDING_CLOSE_NOTIFY:
    case ENDING_FIN:
    case ENDING_RESET:
    case ENDING_ALERT:
        return true;
    case ENDING_NONE:
    case ENDING_TIMEOUT:
    case ENDING_ERROR:
        break;
    }
    return attempt->flow.error_call == CALL_SEND || attempt->flow.error_call == CALL_RECV;
}

/* Nothing is said that would have kept a handshake from its end. */
static bool went_well(const struct attempt *attempt)
{
    return attempt->local == LOCAL_NONE && attempt->flow.error == 0 && attempt->tls.error_count == 0 &&
           (attempt->end.how == ENDING_NONE || attempt->end.how == ENDING_BY_US) && !alerted(attempt);
}

static enum evidence_ending ending_of(const struct attempt *attempt)
{
    if (attempt->clock.connected_us == EVIDENCE_NEVER)
        return attempt->flow.error == ETIMEDOUT ? ENDING_TIMEOUT : ENDING_NONE;
    if (attempt->flow.error == ECONNRESET || attempt->flow.error == EPIPE)
        return ENDING_RESET;
    if (attempt->flow.error == ETIMEDOUT)
        return ENDING_TIMEOUT;
    if (alerted(attempt))
        return ENDING_ALERT;
    return attempt->clock.handshake_us != EVIDENCE_NEVER && attempt->flow.error == 0 ? ENDING_BY_US
                                                                                     : ENDING_NONE;
}

static void imply_stamps(const struct stamps *stamps, const struct attempt *attempt,
                         const struct json_part *part)
{
    bool http = json_is_object(json_object_get(part->value, "http"));
    bool tls = json_is_object(json_object_get(part->value, "tls"));
    if (http)
        happened(stamps, STAMP_request_us);
    if (attempt->variant != VARIANT_ISSUER &&
        (any_from(stamps, STAMP_request_us, STAMP_first_data_us) || attempt->tls.verify_error_count > 0 ||
         (attempt->tls.version != 0 && went_well(attempt))))
        happened(stamps, STAMP_handshake_us);
    if (heard(attempt) || any_from(stamps, STAMP_flight_us, STAMP_first_data_us))
        happened(stamps, STAMP_first_byte_us);
    if (tls || ended_connected(attempt) || any_from(stamps, STAMP_hello_sent_us, STAMP_first_data_us))
        happened(stamps, STAMP_connected_us);
}

/* What a handshake or an answer showed, of an attempt that had none: one of the two is not true. */
static void refuse_contradictions(const struct attempt *attempt, const struct json_part *part)
{
    if (attempt->clock.connected_us == EVIDENCE_NEVER && json_is_object(json_object_get(part->value, "tls")))
        json_wrong(part, "tls", "null, as the attempt was never connected");
    if (attempt->clock.request_us == EVIDENCE_NEVER && json_is_object(json_object_get(part->value, "http")))
        json_wrong(part, "http", "null, as the attempt sent no request");
}

void attempt_imply(struct attempt *attempt, const struct json_part *part)
{
    const struct stamps stamps = stamps_of(attempt, part);
    if (attempt->local == LOCAL_NONE)
        imply_stamps(&stamps, attempt, part);
    refuse_contradictions(attempt, part);
    const json_t *ending = json_object_get(part->value, "ending");
    if (json_object_get(ending, "how") == NULL && !json_is_null(ending))
        attempt->end.how = ending_of(attempt);
    /* Of several answers the first of the first question is connected to. */
    struct evidence_flow *flow = &attempt->flow;
    const json_t *said = json_object_get(part->value, "flow");
    bool open = json_object_get(said, "destination") == NULL && !json_is_null(said) &&
                (flow->error != 0 || any_from(&stamps, STAMP_connect_us, STAMP_first_data_us));
    for (size_t i = 0; open && i < attempt->dns_count && flow->destination.length == 0; i++)
        for (size_t k = 0; k < attempt->dns[i].answer_count && flow->destination.length == 0; k++)
            flow->destination = attempt->dns[i].answers[k].address;
}
