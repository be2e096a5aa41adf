#include "replay/recording.h"

#include "cli/cli.h"
#include "cli/i18n.h"
#include "words/message.h"
#include "words/units.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_BYTES = 1024 };

bool recording_init(struct recording *recording, const char **files, size_t file_count)
{
    *recording = (struct recording){.files = files, .file_count = file_count};
    arena_init(&recording->arena, RECORDING_ARENA_BYTES);
    recording->by_name = json_object();
    recording->spool = tmpfile();
    if (recording->by_name != NULL && recording->spool != NULL)
        return true;
    cli_error(_("cannot make a temporary file: %s"), strerror(errno));
    recording_done(recording);
    return false;
}

void recording_done(struct recording *recording)
{
    json_decref(recording->by_name);
    if (recording->spool != NULL)
        (void)fclose(recording->spool);
    free(recording->vantages);
    free(recording->sites);
    free(recording->endpoints);
    for (size_t i = 0; i < recording->round_count; i++) {
        free(recording->rounds[i].vantages);
        free(recording->rounds[i].endpoints);
    }
    free(recording->rounds);
    free(recording->attempts);
    free(recording->certificates);
    arena_done(&recording->arena);
    *recording = (struct recording){0};
}

bool recording_error(struct recording *recording, struct recording_place place, const char *format, ...)
{
    char *text = NULL;
    va_list list;
    if (recording->failed)
        return false; /* what follows from the first is no news */
    va_start(list, format);
    int length = vasprintf(&text, format, list);
    va_end(list);
    cli_error("%s:%" PRIu32 ": %s", recording->files[place.file], place.line,
              length < 0 ? _("out of memory") : text);
    free(length < 0 ? NULL : text);
    recording->failed = true;
    return false;
}

/* --- tables --- */

uint32_t recording_find(const struct recording *recording, const char *key)
{
    const json_t *found = json_object_get(recording->by_name, key);
    return found == NULL ? RECORDING_NONE : (uint32_t)json_integer_value(found);
}

bool recording_name(struct recording *recording, const char *key, uint32_t index)
{
    return json_object_set_new(recording->by_name, key, json_integer(index)) == 0;
}

/* Room for one more row at the end; false after cli_error. Tables grow by doubling, at powers of two. */
static bool grow(struct recording *recording, void **rows, size_t count, size_t size, size_t max,
                 const char *what, struct recording_place place)
{
    if (count >= max)
        return recording_error(recording, place, _("more than %zu %s"), max, what);
    if (count != 0 && (count & (count - 1)) != 0)
        return true;
    void *more = realloc(*rows, (count == 0 ? 1 : count * 2) * size);
    if (more == NULL)
        return recording_error(recording, place, "%s", _("out of memory"));
    *rows = more;
    return true;
}

#define GROW(recording, table, max, what, place)                                                             \
    grow(recording, (void **)(void *)&(recording)->table##s, (recording)->table##_count,                     \
         sizeof *(recording)->table##s, max, what, place)

uint32_t recording_vantage_named(struct recording *recording, const char *name, struct recording_place place)
{
    char key[KEY_BYTES];
    (void)snprintf(key, sizeof key, "vantage %s", name);
    uint32_t index = recording_find(recording, key);
    if (index != RECORDING_NONE)
        return index;
    const char *copy = arena_string(&recording->arena, name);
    if (!GROW(recording, vantage, RECORDING_MAX_VANTAGES, _("vantages"), place))
        return RECORDING_NONE;
    if (copy == NULL || !recording_name(recording, key, (uint32_t)recording->vantage_count)) {
        (void)recording_error(recording, place, "%s", _("out of memory"));
        return RECORDING_NONE;
    }
    recording->vantages[recording->vantage_count] =
        (struct recorded_vantage){.name = copy, .prefix = "", .country = "", .labels = "{}", .place = place};
    return (uint32_t)recording->vantage_count++;
}

uint32_t recording_site_named(struct recording *recording, const char *name, struct recording_place place)
{
    char key[KEY_BYTES];
    (void)snprintf(key, sizeof key, "site %s", name);
    uint32_t index = recording_find(recording, key);
    if (index != RECORDING_NONE)
        return index;
    const char *copy = arena_string(&recording->arena, name);
    if (!GROW(recording, site, RECORDING_MAX_SITES, _("sites"), place))
        return RECORDING_NONE;
    if (copy == NULL || !recording_name(recording, key, (uint32_t)recording->site_count)) {
        (void)recording_error(recording, place, "%s", _("out of memory"));
        return RECORDING_NONE;
    }
    recording->sites[recording->site_count] = (struct recorded_site){.name = copy};
    return (uint32_t)recording->site_count++;
}

uint32_t recording_endpoint_new(struct recording *recording, struct recording_place place)
{
    if (!GROW(recording, endpoint, RECORDING_MAX_ENDPOINTS, _("endpoints"), place))
        return RECORDING_NONE;
    recording->endpoints[recording->endpoint_count] = (struct recorded_endpoint){
        .same_as = RECORDING_NONE, .site = RECORDING_NONE, .sni = "", .place = place};
    return (uint32_t)recording->endpoint_count++;
}

uint32_t recording_round_new(struct recording *recording, struct recording_place place)
{
    if (!GROW(recording, round, RECORDING_MAX_ROUNDS, _("rounds"), place))
        return RECORDING_NONE;
    recording->rounds[recording->round_count] =
        (struct recorded_round){.same_as = RECORDING_NONE, .start_us = INT64_MAX, .place = place};
    return (uint32_t)recording->round_count++;
}

/* Ids count within their file. */
static uint32_t numbered(struct recording *recording, const char *what, int64_t id,
                         struct recording_place place,
                         uint32_t (*make)(struct recording *, struct recording_place))
{
    char key[KEY_BYTES];
    (void)snprintf(key, sizeof key, "%s %" PRIu32 " %" PRId64, what, place.file, id);
    uint32_t index = recording_find(recording, key);
    if (index != RECORDING_NONE)
        return index;
    index = make(recording, place);
    if (index != RECORDING_NONE && !recording_name(recording, key, index)) {
        (void)recording_error(recording, place, "%s", _("out of memory"));
        return RECORDING_NONE;
    }
    return index;
}

uint32_t recording_endpoint_numbered(struct recording *recording, int64_t id, struct recording_place place)
{
    uint32_t index = numbered(recording, "endpoint", id, place, recording_endpoint_new);
    if (index != RECORDING_NONE)
        recording->endpoints[index].id = id;
    return index;
}

uint32_t recording_round_numbered(struct recording *recording, int64_t id, struct recording_place place)
{
    uint32_t index = numbered(recording, "round", id, place, recording_round_new);
    if (index != RECORDING_NONE)
        recording->rounds[index].id = id;
    return index;
}

struct recorded_certificate *recording_certificate(struct recording *recording, const uint8_t sha256[32],
                                                   struct recording_place place)
{
    char key[KEY_BYTES] = "certificate ";
    (void)hex_text(sha256, 32, key + strlen(key));
    uint32_t index = recording_find(recording, key);
    if (index != RECORDING_NONE)
        return &recording->certificates[index];
    if (!GROW(recording, certificate, RECORDING_MAX_CERTIFICATES, _("certificates"), place))
        return NULL;
    if (!recording_name(recording, key, (uint32_t)recording->certificate_count)) {
        (void)recording_error(recording, place, "%s", _("out of memory"));
        return NULL;
    }
    struct recorded_certificate *row = &recording->certificates[recording->certificate_count++];
    *row = (struct recorded_certificate){0};
    memcpy(row->sha256, sha256, 32);
    return row;
}

/* --- attempts --- */

bool recording_add_attempt(struct recording *recording, const struct recorded_attempt *row,
                           const struct attempt *attempt)
{
    struct buf bytes;
    buf_init(&bytes, UINT32_MAX);
    if (!GROW(recording, attempt, RECORDING_MAX_ATTEMPTS, _("attempts"), row->place))
        return false;
    bool kept =
        attempt_encode(attempt, &bytes) && fwrite(bytes.data, 1, bytes.len, recording->spool) == bytes.len;
    if (kept) {
        struct recorded_attempt *to = &recording->attempts[recording->attempt_count++];
        *to = *row;
        to->offset = recording->spooled;
        to->length = (uint32_t)bytes.len;
        recording->spooled += bytes.len;
    } else {
        (void)recording_error(recording, row->place, _("cannot keep the attempt: %s"), strerror(errno));
    }
    buf_done(&bytes);
    return kept;
}

const struct recorded_endpoint *recording_endpoint(const struct recording *recording, uint32_t index)
{
    while (recording->endpoints[index].same_as != RECORDING_NONE)
        index = recording->endpoints[index].same_as;
    return &recording->endpoints[index];
}

const struct recorded_round *recording_round(const struct recording *recording, uint32_t index)
{
    while (recording->rounds[index].same_as != RECORDING_NONE)
        index = recording->rounds[index].same_as;
    return &recording->rounds[index];
}

/* An attempt may name its certificates by hash alone, and leave it to their own lines what they say. */
static void complete_chain(const struct recording *recording, struct evidence_tls *tls)
{
    char key[KEY_BYTES] = "certificate ";
    size_t prefix = strlen(key);
    for (size_t i = 0; i < tls->chain_count; i++) {
        if (tls->chain[i].parsed)
            continue;
        (void)hex_text(tls->chain[i].sha256, 32, key + prefix);
        uint32_t index = recording_find(recording, key);
        if (index == RECORDING_NONE || !recording->certificates[index].facts.parsed)
            continue;
        const struct recorded_certificate *row = &recording->certificates[index];
        tls->chain[i] = row->facts;
        memcpy(tls->chain[i].sha256, row->sha256, 32);
        if (i == 0 && tls->leaf.name_count == 0) {
            tls->leaf.names = row->names;
            tls->leaf.name_count = row->name_count > EVIDENCE_MAX_SANS ? EVIDENCE_MAX_SANS : row->name_count;
        }
    }
}

/* The endpoint's pinned address is where an attempt went that does not say it. */
static void complete(const struct recording *recording, const struct recorded_attempt *row,
                     struct attempt *attempt)
{
    const struct recorded_endpoint *endpoint = recording_endpoint(recording, row->endpoint);
    complete_chain(recording, &attempt->tls);
    attempt->sequence = row->sequence;
    attempt->clock.start_us = row->start_us;
    attempt->endpoint_id = (uint64_t)endpoint->id;
    attempt->round_id =
        row->round == RECORDING_NONE ? 0 : (uint64_t)recording_round(recording, row->round)->id;
    bool out = attempt->flow.error != 0 || attempt->clock.connect_us != EVIDENCE_NEVER ||
               attempt->clock.connected_us != EVIDENCE_NEVER || attempt->flow.icmp_type >= 0 ||
               attempt->end.how == ENDING_TIMEOUT;
    if (attempt->flow.destination.length != 0 || endpoint->address.length == 0 || !out ||
        attempt->local != LOCAL_NONE)
        return;
    attempt->flow.destination = endpoint->address;
    if (attempt->flow.destination_port == 0)
        attempt->flow.destination_port = endpoint->port;
}

struct attempt *recording_attempt(struct recording *recording, size_t index)
{
    const struct recorded_attempt *row = &recording->attempts[index];
    const char *why = strerror(EIO);
    struct attempt *attempt = NULL;
    uint8_t *bytes = malloc(row->length + 1U);
    if (bytes != NULL && fseeko(recording->spool, (off_t)row->offset, SEEK_SET) == 0 &&
        fread(bytes, 1, row->length, recording->spool) == row->length)
        attempt = attempt_decode(bytes, row->length, &why);
    free(bytes);
    if (attempt == NULL)
        (void)recording_error(recording, row->place, "%s", why);
    else
        complete(recording, row, attempt);
    return attempt;
}
