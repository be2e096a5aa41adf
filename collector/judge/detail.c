#include "judge/parts.h"

#include "report/rows.h"
#include "words/attempt_json.h"
#include "words/json_writer.h"

#include <string.h>

/* incident.detail: what an incident says beyond what SQL filters by. Described in docs/JSON.md. */

static json_t *place_json(const struct place *place)
{
    struct writer writer = {false};
    char address[ADDRESS_TEXT_BYTES];
    json_t *root = json_object();
    set(&writer, root, "kind", json_string(place_kind_name((int)place->kind)));
    if (place->endpoint_id != 0)
        set(&writer, root, "endpoint_id", json_integer(place->endpoint_id));
    if (place->vantage_id != 0)
        set(&writer, root, "vantage_id", json_integer(place->vantage_id));
    if (place->asn != 0)
        set(&writer, root, "asn", json_integer(place->asn));
    if (place->region != NULL && place->region[0] != '\0')
        set(&writer, root, "region", json_text(place->region));
    if (place->edge != NULL && place->edge[0] != '\0')
        set(&writer, root, "edge", json_text(place->edge));
    if (place->pop != NULL && place->pop[0] != '\0')
        set(&writer, root, "pop", json_text(place->pop));
    if (place->address.length != 0)
        set(&writer, root, "address", json_string(address_text(&place->address, address)));
    return finish(&writer, root);
}

static json_t *numbers_json(const int64_t *numbers, size_t count)
{
    struct writer writer = {false};
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        add(&writer, list, json_integer(numbers[i]));
    return finish(&writer, list);
}

static json_t *texts_json(const char *const *texts, size_t count)
{
    struct writer writer = {false};
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        add(&writer, list, json_text(texts[i]));
    return finish(&writer, list);
}

static json_t *alternatives_json(const struct incident *incident)
{
    struct writer writer = {false};
    json_t *list = json_array();
    for (size_t i = 0; i < incident->alternative_count; i++) {
        json_t *entry = json_object();
        set(&writer, entry, "place", place_json(&incident->alternatives[i].place));
        set(&writer, entry, "probability", json_real(incident->alternatives[i].probability));
        add(&writer, list, entry);
    }
    return finish(&writer, list);
}

static json_t *followers_json(const struct incident *incident)
{
    struct writer writer = {false};
    json_t *list = json_array();
    for (size_t i = 0; i < incident->follower_count; i++) {
        const struct follower *follower = &incident->followers[i];
        json_t *entry = json_object();
        set(&writer, entry, "endpoint_id", json_integer(follower->endpoint_id));
        set(&writer, entry, "outcome", rows_outcome_json(follower->outcome));
        set(&writer, entry, "clean_rounds", json_integer(follower->clean_rounds));
        add(&writer, list, entry);
    }
    return finish(&writer, list);
}

static json_t *said_json(const struct condition_said *said)
{
    struct writer writer = {false};
    char time[UNITS_TIME_BYTES];
    json_t *root = json_object();
    if (said->sha256 != NULL) {
        set(&writer, root, "sha256", json_string(said->sha256));
        set(&writer, root, "not_after", json_string(time_rfc3339(said->not_after_us, 0, time)));
    } else {
        set(&writer, root, "aspect", json_string(said->aspect));
        set(&writer, root, "value", json_text(said->value));
        set(&writer, root, "other_value", json_text(said->other_value));
        set(&writer, root, "paired", json_boolean(said->is_paired));
    }
    return finish(&writer, root);
}

json_t *detail_json(const struct incident *incident, const struct condition_said *said)
{
    struct writer writer = {false};
    json_t *root = json_object();
    set(&writer, root, "alternatives", alternatives_json(incident));
    set(&writer, root, "failed", json_integer(incident->failed));
    set(&writer, root, "attempts", json_integer(incident->attempts));
    set(&writer, root, "outside_failed", json_integer(incident->outside_failed));
    set(&writer, root, "outside_attempts", json_integer(incident->outside_attempts));
    set(&writer, root, "confirm_failed", json_integer(incident->confirm_failed));
    set(&writer, root, "confirm_attempts", json_integer(incident->confirm_attempts));
    set(&writer, root, "fisher_p", json_real(incident->fisher_p));
    set(&writer, root, "sign_p", json_real(incident->sign_p));
    set(&writer, root, "significant", json_boolean(incident->significant));
    set(&writer, root, "vantages", numbers_json(incident->vantage_ids, incident->vantage_count));
    set(&writer, root, "failing_share", json_real(incident->failing_share));
    set(&writer, root, "last_failed_us", json_integer(incident->last_failed_us));
    set(&writer, root, "clean_rounds", json_integer(incident->clean_rounds));
    set(&writer, root, "followers", followers_json(incident));
    set(&writer, root, "caveats", texts_json(incident->caveats, incident->caveat_count));
    set(&writer, root, "hints", texts_json(incident->hints, incident->hint_count));
    if (said != NULL)
        set(&writer, root, "condition", said_json(said));
    return finish(&writer, root);
}

/* --- and back ------------------------------------------------------------------------------------------------------ */

static const char *read_text(const json_t *object, const char *key, struct arena *arena)
{
    return arena_string(arena, json_string_value(json_object_get(object, key)));
}

static bool read_place(const json_t *json, struct arena *arena, struct place *place)
{
    const char *address = json_string_value(json_object_get(json, "address"));
    *place = (struct place){
        .endpoint_id = json_integer_value(json_object_get(json, "endpoint_id")),
        .vantage_id = json_integer_value(json_object_get(json, "vantage_id")),
        .asn = json_integer_value(json_object_get(json, "asn")),
        .region = read_text(json, "region", arena),
        .edge = read_text(json, "edge", arena),
        .pop = read_text(json, "pop", arena),
    };
    (void)place_kind_from_name(read_text(json, "kind", arena), &place->kind);
    if (address != NULL)
        (void)address_parse(address, &place->address);
    return place->region != NULL && place->edge != NULL && place->pop != NULL;
}

static bool read_texts(const json_t *list, struct arena *arena, size_t room, const char **out,
                       size_t *ret_count)
{
    const json_t *text;
    size_t index;
    *ret_count = 0;
    json_array_foreach(list, index, text)
    {
        if (*ret_count == room)
            break;
        out[*ret_count] = arena_string(arena, json_string_value(text));
        if (out[*ret_count] == NULL)
            return false;
        (*ret_count)++;
    }
    return true;
}

static bool read_alternatives(const json_t *list, struct arena *arena, struct incident *incident)
{
    const json_t *entry;
    size_t index;
    json_array_foreach(list, index, entry)
    {
        if (incident->alternative_count == INCIDENT_MAX_ALTERNATIVES)
            break;
        struct alternative *alternative = &incident->alternatives[incident->alternative_count++];
        alternative->probability = json_number_value(json_object_get(entry, "probability"));
        if (!read_place(json_object_get(entry, "place"), arena, &alternative->place))
            return false;
    }
    return true;
}

static bool read_vantages(const json_t *list, struct arena *arena, struct incident *incident)
{
    const json_t *id;
    size_t index;
    int64_t *ids = arena_array(arena, json_array_size(list), sizeof *ids);
    if (ids == NULL)
        return false;
    json_array_foreach(list, index, id) ids[index] = json_integer_value(id);
    incident->vantage_ids = ids;
    incident->vantage_count = json_array_size(list);
    return true;
}

static bool read_followers(const json_t *list, struct arena *arena, struct incident *incident)
{
    const json_t *entry;
    size_t index;
    struct follower *followers = arena_array(arena, json_array_size(list), sizeof *followers);
    if (followers == NULL)
        return false;
    json_array_foreach(list, index, entry)
    {
        followers[index] = (struct follower){
            .endpoint_id = json_integer_value(json_object_get(entry, "endpoint_id")),
            .clean_rounds = (unsigned)json_integer_value(json_object_get(entry, "clean_rounds")),
        };
        if (!rows_outcome(json_object_get(entry, "outcome"), &followers[index].outcome))
            followers[index].outcome = outcome_make(OUTCOME_OK, RAW_NONE, 0);
    }
    incident->followers = followers;
    incident->follower_count = json_array_size(list);
    return true;
}

static unsigned read_count(const json_t *detail, const char *key)
{
    return (unsigned)json_integer_value(json_object_get(detail, key));
}

bool detail_read(const json_t *detail, struct arena *arena, struct incident *incident)
{
    incident->failed = read_count(detail, "failed");
    incident->attempts = read_count(detail, "attempts");
    incident->outside_failed = read_count(detail, "outside_failed");
    incident->outside_attempts = read_count(detail, "outside_attempts");
    incident->confirm_failed = read_count(detail, "confirm_failed");
    incident->confirm_attempts = read_count(detail, "confirm_attempts");
    incident->fisher_p = json_number_value(json_object_get(detail, "fisher_p"));
    incident->sign_p = json_number_value(json_object_get(detail, "sign_p"));
    incident->significant = json_is_true(json_object_get(detail, "significant"));
    incident->failing_share = json_number_value(json_object_get(detail, "failing_share"));
    incident->last_failed_us = json_integer_value(json_object_get(detail, "last_failed_us"));
    incident->clean_rounds = read_count(detail, "clean_rounds");
    return read_alternatives(json_object_get(detail, "alternatives"), arena, incident) &&
           read_vantages(json_object_get(detail, "vantages"), arena, incident) &&
           read_followers(json_object_get(detail, "followers"), arena, incident) &&
           read_texts(json_object_get(detail, "caveats"), arena, INCIDENT_MAX_CAVEATS, incident->caveats,
                      &incident->caveat_count) &&
           read_texts(json_object_get(detail, "hints"), arena, INCIDENT_MAX_HINTS, incident->hints,
                      &incident->hint_count);
}
