#include "replay/recording.h"

#include "cli/i18n.h"
#include "words/attempt_from_json.h"
#include "words/attempt_json.h"
#include "words/message.h"
#include "words/outcome.h"
#include "words/target.h"

#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

/* One line into the tables, by its kind. Every key is read in one place, and the reader is asked once, at the end. */

enum { NAME_MAX_BYTES = 253, LABELS_MAX_BYTES = 16384, LINE_ARENA_BYTES = 1 << 22 };

struct line {
    struct recording *recording;
    struct recording_place place;
    struct json_reader reader; /* its texts live as long as the line */
};

/* Out of the line, into the recording. "" without memory, which shows at the next table. */
static const char *keep(struct line *line, const char *text)
{
    const char *kept = text[0] == '\0' ? "" : arena_string(&line->recording->arena, text);
    if (kept == NULL)
        (void)recording_error(line->recording, line->place, "%s", _("the file is too large"));
    return kept == NULL ? "" : kept;
}

/* --- vantages and sites --- */

static const char *read_labels(struct line *line, struct json_part *part)
{
    const json_t *labels = json_take(part, "labels");
    char *text = json_is_object(labels) ? json_dumps(labels, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    if (labels != NULL && (text == NULL || strlen(text) > LABELS_MAX_BYTES))
        json_wrong(part, "labels", "an object of at most 16384 bytes");
    const char *kept = text == NULL ? "{}" : keep(line, text);
    free(text);
    return kept[0] == '\0' ? "{}" : kept;
}

static bool same_text(const char *a, const char *b)
{
    return a == b || strcmp(a, b) == 0;
}

static uint32_t read_vantage(struct line *line, struct json_part *part)
{
    struct recording *recording = line->recording;
    const char *name = json_read_text(part, "name", NAME_MAX_BYTES);
    const char *region = json_read_text(part, "region", NAME_MAX_BYTES);
    int64_t asn = json_read_int(part, "asn", 0, UINT32_MAX, 0);
    if (name[0] == '\0')
        json_wrong(part, "name", "the vantage's name");
    if (region[0] == '\0')
        json_wrong(part, "region", "the vantage's region");
    uint32_t index =
        line->reader.failed ? RECORDING_NONE : recording_vantage_named(recording, name, line->place);
    if (index == RECORDING_NONE)
        return index;
    struct recorded_vantage *vantage = &recording->vantages[index];
    if (vantage->region != NULL &&
        (!same_text(vantage->region, region) || (asn != 0 && vantage->asn != 0 && vantage->asn != asn))) {
        char expected[2 * NAME_MAX_BYTES];
        (void)snprintf(expected, sizeof expected, "what was said of it before (region %s, asn %lld)",
                       vantage->region, (long long)vantage->asn);
        json_wrong(part, same_text(vantage->region, region) ? "asn" : "region", expected);
        return RECORDING_NONE;
    }
    if (vantage->region == NULL)
        vantage->region = keep(line, region);
    if (asn != 0)
        vantage->asn = asn;
    if (json_has(part, "prefix"))
        vantage->prefix = keep(line, json_read_text(part, "prefix", 64));
    if (json_has(part, "country"))
        vantage->country = keep(line, json_read_text(part, "country", 8));
    if (json_has(part, "labels"))
        vantage->labels = read_labels(line, part);
    struct cidr prefix;
    if (vantage->prefix[0] != '\0' && !cidr_parse(vantage->prefix, &prefix))
        json_wrong(part, "prefix", "a network such as 203.0.113.0/24");
    return index;
}

static void read_site(struct line *line, struct json_part *part)
{
    const char *name = json_read_text(part, "name", NAME_MAX_BYTES);
    int64_t interval_s = json_read_int(part, "interval_s", 1, 86400, 0);
    bool sentinel = json_read_bool(part, "sentinel");
    int depth = json_read_choice(part, "depth", depth_name, DEPTH_HELLO, DEPTH_FULL);
    if (name[0] == '\0')
        json_wrong(part, "name", "the site's name");
    uint32_t index =
        line->reader.failed ? RECORDING_NONE : recording_site_named(line->recording, name, line->place);
    if (index == RECORDING_NONE)
        return;
    struct recorded_site *site = &line->recording->sites[index];
    if (interval_s != 0 && site->interval_s != 0 && site->interval_s != (unsigned)interval_s)
        json_wrong(part, "interval_s", "the interval that was said before");
    site->interval_s = interval_s != 0 ? (unsigned)interval_s : site->interval_s;
    site->sentinel |= sentinel;
    if (depth != DEPTH_FULL)
        site->depth = (enum depth)depth;
}

/* --- endpoints --- */

/* The SNI as the table has it: "" for the host itself. */
static void read_sni(struct json_part *part, struct recorded_endpoint *endpoint, bool is_address)
{
    bool said = json_is_string(json_object_get(part->value, "sni"));
    endpoint->sni = json_read_text(part, "sni", NAME_MAX_BYTES);
    endpoint->no_sni = json_read_bool(part, "no_sni") || (said && endpoint->sni[0] == '\0' && !is_address);
    if (strcmp(endpoint->sni, endpoint->host) == 0 && !is_address)
        endpoint->sni = "";
}

static void read_host(struct line *line, struct json_part *part, struct recorded_endpoint *endpoint)
{
    struct endpoint target = {0};
    const char *why = "";
    const char *host = json_read_text(part, "host", NAME_MAX_BYTES);
    if (line->reader.failed || host[0] == '\0' || !target_parse(host, line->reader.arena, &target, &why)) {
        json_wrong(part, "host", "a host name or an address");
        return;
    }
    endpoint->host = target.host;
    endpoint->port = (uint16_t)json_read_int(part, "port", 1, UINT16_MAX, target.port);
    endpoint->address = json_read_address(part, "address");
    bool is_address = target.address.length != 0;
    if (is_address && endpoint->address.length == 0)
        endpoint->address = target.address;
    read_sni(part, endpoint, is_address);
}

/* Without a word about its site an endpoint is a site of its own. */
static void read_site_of(struct line *line, struct json_part *part, struct recorded_endpoint *endpoint)
{
    const char *name = json_read_text(part, "site", NAME_MAX_BYTES);
    bool sentinel = json_read_bool(part, "sentinel");
    bool none = json_has(part, "site") && name[0] == '\0' && !sentinel;
    if (line->reader.failed || none)
        return;
    endpoint->site =
        recording_site_named(line->recording, name[0] == '\0' ? endpoint->host : name, line->place);
    if (endpoint->site != RECORDING_NONE)
        line->recording->sites[endpoint->site].sentinel |= sentinel;
}

/* @return the one that is the same, itself when it is new. */
static uint32_t unify(struct line *line, const struct recorded_endpoint *endpoint, uint32_t index)
{
    struct recording *recording = line->recording;
    char key[2048], address[ADDRESS_TEXT_BYTES];
    (void)snprintf(key, sizeof key, "endpoint is %lld %d %s %u %s %d %s",
                   endpoint->site == RECORDING_NONE ? -1LL : (long long)endpoint->site, (int)endpoint->role,
                   endpoint->host, endpoint->port, endpoint->sni, endpoint->no_sni,
                   address_text(&endpoint->address, address));
    uint32_t known = recording_find(recording, key);
    if (known != RECORDING_NONE && index == RECORDING_NONE)
        return known;
    if (index == RECORDING_NONE)
        index = recording_endpoint_new(recording, line->place);
    if (index == RECORDING_NONE)
        return index;
    struct recorded_endpoint *row = &recording->endpoints[index];
    int64_t id = row->id;
    *row = *endpoint;
    row->id = id;
    row->host = keep(line, endpoint->host);
    row->sni = keep(line, endpoint->sni);
    row->same_as = known == index ? RECORDING_NONE : known;
    row->place = line->place;
    if (known == RECORDING_NONE && !recording_name(recording, key, index)) {
        (void)recording_error(recording, line->place, "%s", _("out of memory"));
        return RECORDING_NONE;
    }
    return index;
}

static uint32_t read_endpoint(struct line *line, struct json_part *part)
{
    struct recorded_endpoint endpoint = {
        .same_as = RECORDING_NONE, .site = RECORDING_NONE, .host = "", .sni = ""};
    int64_t id = json_read_int(part, "id", 1, INT64_MAX, 0);
    endpoint.role =
        (enum endpoint_role)json_read_choice(part, "role", endpoint_role_name, ROLE_ORIGIN, ROLE_PLAIN);
    read_host(line, part, &endpoint);
    read_site_of(line, part, &endpoint);
    if (line->reader.failed)
        return RECORDING_NONE;
    uint32_t index = id == 0 ? RECORDING_NONE : recording_endpoint_numbered(line->recording, id, line->place);
    if (id != 0 && index == RECORDING_NONE)
        return index;
    if (index != RECORDING_NONE && line->recording->endpoints[index].host != NULL) {
        json_wrong(part, "id", "an id that no other endpoint of the file has");
        return RECORDING_NONE;
    }
    return unify(line, &endpoint, index);
}

/* --- rounds --- */

static uint32_t *read_members(struct line *line, struct json_part *part, const char *key, size_t *ret_count,
                              uint32_t (*member)(struct line *, const struct json_part *, const char *,
                                                 const json_t *))
{
    const json_t *array = json_read_array(part, key, RECORDING_MAX_ENDPOINTS, ret_count);
    line->recording->member_count += *ret_count;
    if (line->recording->member_count > RECORDING_MAX_MEMBERS)
        json_wrong(part, key, "fewer vantages and endpoints in all rounds together");
    uint32_t *members = *ret_count == 0 ? NULL : calloc(*ret_count, sizeof *members);
    if (members == NULL)
        *ret_count = 0;
    for (size_t i = 0; i < *ret_count && !line->reader.failed; i++)
        members[i] = member(line, part, key, json_array_get(array, i));
    return members;
}

static uint32_t member_vantage(struct line *line, const struct json_part *part, const char *key,
                               const json_t *value)
{
    if (!json_is_string(value) || json_string_length(value) > NAME_MAX_BYTES ||
        json_string_length(value) == 0)
        json_wrong(part, key, "names of vantages");
    return line->reader.failed
               ? RECORDING_NONE
               : recording_vantage_named(line->recording, json_string_value(value), line->place);
}

static uint32_t member_endpoint(struct line *line, const struct json_part *part, const char *key,
                                const json_t *value)
{
    if (!json_is_integer(value) || json_integer_value(value) < 1)
        json_wrong(part, key, "ids of endpoints");
    return line->reader.failed
               ? RECORDING_NONE
               : recording_endpoint_numbered(line->recording, json_integer_value(value), line->place);
}

static void read_round(struct line *line, struct json_part *part)
{
    int64_t id = json_read_int(part, "id", 1, INT64_MAX, 0);
    int64_t start_us = json_read_time(part, "start", INT64_MAX);
    int64_t interval_s = json_read_int(part, "interval_s", 0, 86400, 60);
    if (id == 0)
        json_wrong(part, "id", "the round's number");
    if (start_us == INT64_MAX)
        json_wrong(part, "start", "when the round starts");
    struct recorded_round round = {
        .id = id,
        .same_as = RECORDING_NONE,
        .said = true,
        .interval_s = (unsigned)interval_s,
        .start_us = start_us,
        .place = line->place,
        .spread_us = (uint64_t)json_read_int(part, "spread_us", 0, INT64_C(86400000000), interval_s * 500000),
        .timeout_us = (uint64_t)json_read_int(part, "timeout_us", 0, INT64_C(3600000000), 10000000),
    };
    round.deadline_us = json_read_time(
        part, "deadline", line->reader.failed ? 0 : start_us + (interval_s == 0 ? 60 : interval_s) * 1000000);
    uint32_t index =
        line->reader.failed ? RECORDING_NONE : recording_round_numbered(line->recording, id, line->place);
    if (index == RECORDING_NONE)
        return;
    if (line->recording->rounds[index].said) {
        json_wrong(part, "id", "a number that no other round of the file has");
        return;
    }
    round.vantages = read_members(line, part, "vantages", &round.vantage_count, member_vantage);
    round.endpoints = read_members(line, part, "endpoints", &round.endpoint_count, member_endpoint);
    line->recording->rounds[index] = round;
}

/* --- certificates --- */

static void keep_facts(struct line *line, struct recorded_certificate *row,
                       const struct chain_certificate *from, size_t name_count, const char **names)
{
    row->facts = *from;
    row->facts.subject = keep(line, from->subject);
    row->facts.issuer = keep(line, from->issuer);
    row->facts.key_type = keep(line, from->key_type);
    row->facts.signature_name = keep(line, from->signature_name);
    row->facts.key_group = keep(line, from->key_group == NULL ? "" : from->key_group);
    row->name_count = 0;
    row->names = arena_array(&line->recording->arena, name_count, sizeof *row->names);
    for (size_t i = 0; row->names != NULL && i < name_count; i++)
        row->names[row->name_count++] = keep(line, names[i]);
}

/* Attempts say what their certificates hold; of those without a line of their own that is all there is. */
static void keep_chain(struct line *line, const struct attempt *attempt)
{
    const struct evidence_tls *tls = &attempt->tls;
    for (size_t i = 0; i < tls->chain_count; i++) {
        if (!tls->chain[i].parsed)
            continue;
        struct recorded_certificate *row =
            recording_certificate(line->recording, tls->chain[i].sha256, line->place);
        if (row != NULL && !row->facts.parsed)
            keep_facts(line, row, &tls->chain[i], i == 0 ? tls->leaf.name_count : 0, tls->leaf.names);
    }
}

static const uint8_t *read_der(struct line *line, struct json_part *part, size_t *ret_length)
{
    const json_t *value = json_take(part, "der");
    size_t digits = json_string_length(value);
    const char *text = json_string_value(value);
    if (value == NULL)
        return NULL;
    uint8_t *der =
        text == NULL || digits == 0 || digits % 4 != 0 || digits / 4 * 3 > MESSAGE_CERTIFICATE_MAX_BYTES
            ? NULL
            : arena_take(&line->recording->arena, digits / 4 * 3);
    int length = der == NULL ? -1 : EVP_DecodeBlock(der, (const unsigned char *)text, (int)digits);
    if (length < 0) {
        json_wrong(part, "der", "base64 of at most 131072 bytes");
        return NULL;
    }
    for (size_t i = digits; i > digits - 2 && text[i - 1] == '='; i--)
        length--;
    *ret_length = (size_t)length;
    return der;
}

static void read_facts(struct line *line, struct json_part *part, struct recorded_certificate *row)
{
    struct chain_certificate facts = {.parsed = json_has(part, "subject")};
    size_t name_count = 0;
    facts.subject = json_read_text(part, "subject", EVIDENCE_NAME_MAX);
    facts.issuer = json_read_text(part, "issuer", EVIDENCE_NAME_MAX);
    facts.not_before_s = json_read_time(part, "not_before", 0) / 1000000;
    facts.not_after_s = json_read_time(part, "not_after", 0) / 1000000;
    facts.key_type = json_read_text(part, "key_type", EVIDENCE_KEY_NAME_MAX);
    facts.key_bits = json_read_u32(part, "key_bits");
    facts.signature_name = json_read_text(part, "signature", EVIDENCE_KEY_NAME_MAX);
    facts.ca = json_read_bool(part, "ca");
    const char **names = json_read_texts(part, "names", 256, EVIDENCE_NAME_MAX, &name_count);
    if (!line->reader.failed && facts.parsed && row->der == NULL)
        keep_facts(line, row, &facts, name_count, names);
}

static void read_certificate(struct line *line, struct json_part *part)
{
    uint8_t said[32], sha256[32];
    size_t length = 0, said_length = json_read_hex(part, "sha256", said, sizeof said);
    const uint8_t *der = read_der(line, part, &length);
    if (der != NULL)
        (void)SHA256(der, length, sha256);
    if (said_length != sizeof said && (said_length != 0 || der == NULL))
        json_wrong(part, "sha256", "64 hex digits");
    else if (said_length != 0 && der != NULL && memcmp(said, sha256, sizeof said) != 0)
        json_wrong(part, "sha256", "the hash of der");
    struct recorded_certificate *row =
        line->reader.failed
            ? NULL
            : recording_certificate(line->recording, der == NULL ? said : sha256, line->place);
    if (row == NULL)
        return;
    if (der != NULL) {
        row->der = der;
        row->der_length = length;
    }
    read_facts(line, part, row);
}

/* --- attempts --- */

static uint32_t attempt_vantage(struct line *line, struct json_part *part)
{
    const json_t *value = json_object_get(part->value, "vantage");
    if (json_is_object(value)) {
        struct json_part vantage = json_object_in(part, "vantage");
        uint32_t index = read_vantage(line, &vantage);
        json_part_end(&vantage);
        return index;
    }
    const char *name = json_read_text(part, "vantage", NAME_MAX_BYTES);
    if (name[0] == '\0')
        json_wrong(part, "vantage", "the name of a vantage, or an object with name, region and asn");
    return line->reader.failed ? RECORDING_NONE : recording_vantage_named(line->recording, name, line->place);
}

static uint32_t attempt_endpoint(struct line *line, struct json_part *part)
{
    const json_t *value = json_object_get(part->value, "endpoint");
    if (json_is_object(value)) {
        struct json_part endpoint = json_object_in(part, "endpoint");
        uint32_t index = read_endpoint(line, &endpoint);
        json_part_end(&endpoint);
        return index;
    }
    int64_t id = json_read_int(part, "endpoint", 1, INT64_MAX, 0);
    if (id == 0)
        json_wrong(part, "endpoint", "the id of an endpoint, or an object with host and port");
    return line->reader.failed ? RECORDING_NONE
                               : recording_endpoint_numbered(line->recording, id, line->place);
}

/* What the file takes it for; it is judged again, and compared. */
static int32_t said_class(struct json_part *part)
{
    enum outcome_class class;
    const json_t *outcome = json_take(part, "outcome");
    const char *id = json_string_value(json_is_object(outcome) ? json_object_get(outcome, "class") : outcome);
    return id != NULL && outcome_class_from_id(id, &class) ? (int32_t) class : -1;
}

static void read_attempt(struct line *line, struct json_part *part)
{
    struct recorded_attempt row = {.round = RECORDING_NONE, .place = line->place};
    (void)json_read_int(part, "schema", 1, ATTEMPT_JSON_SCHEMA, 1);
    row.vantage = attempt_vantage(line, part);
    row.endpoint = attempt_endpoint(line, part);
    row.asn = json_read_int(part, "asn", 0, UINT32_MAX, json_has(part, "asn") ? 0 : -1);
    row.said = said_class(part);
    (void)json_take(part, "edge");
    int64_t round = json_read_int(part, "round", 1, INT64_MAX, 0);
    struct attempt *attempt = attempt_from_json(part);
    if (attempt != NULL && row.vantage != RECORDING_NONE && row.endpoint != RECORDING_NONE) {
        if (round != 0)
            row.round = recording_round_numbered(line->recording, round, line->place);
        row.sequence = attempt->sequence;
        row.start_us = attempt->clock.start_us;
        keep_chain(line, attempt);
        if (!line->recording->failed)
            (void)recording_add_attempt(line->recording, &row, attempt);
    }
    attempt_free(attempt);
}

static bool read_kind(struct line *line, struct json_part *part, const char *kind)
{
    if (kind == NULL || strcmp(kind, "attempt") == 0)
        read_attempt(line, part);
    else if (strcmp(kind, "vantage") == 0)
        (void)read_vantage(line, part);
    else if (strcmp(kind, "site") == 0)
        read_site(line, part);
    else if (strcmp(kind, "endpoint") == 0)
        (void)read_endpoint(line, part);
    else if (strcmp(kind, "round") == 0)
        read_round(line, part);
    else if (strcmp(kind, "certificate") == 0)
        read_certificate(line, part);
    else
        return false;
    return true;
}

bool recording_line(struct recording *recording, const json_t *value, struct recording_place place)
{
    struct arena texts;
    arena_init(&texts, LINE_ARENA_BYTES);
    struct line line = {.recording = recording, .place = place, .reader = {.arena = &texts}};
    struct json_part part = json_document(&line.reader, value);
    const json_t *kind = json_take(&part, "kind");
    if (kind != NULL && !json_is_string(kind))
        json_wrong(&part, "kind", "a text");
    if (!line.reader.failed && !read_kind(&line, &part, json_string_value(kind)))
        recording->unknown_lines++;
    else if (!line.reader.failed)
        json_part_end(&part);
    recording->unknown_keys += line.reader.unknown;
    arena_done(&texts);
    if (line.reader.failed)
        return recording_error(recording, place, "%s%s%s", line.reader.path,
                               line.reader.path[0] == '\0' ? "" : ": ", line.reader.why);
    return !recording->failed;
}
