#include "duty/spool_export.h"

#include "cli/i18n.h"
#include "link/clock.h"
#include "link/pki.h"
#include "words/carry.h"
#include "words/json_writer.h"
#include "words/units.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

/*
 * Records are read some at a time, each time in a transaction of its own: one that lasted as long as a slow pipe would keep the agent at
 * work from using freed pages again. The last sequence is settled at the beginning, so that it ends. What is delivered meanwhile is
 * not there any more when its turn comes, and need not be: the collector has it.
 */

enum { CHUNK_RECORDS = 256, CHUNK_BYTES = 1024 * 1024, SEEN_SLOTS = 16384, SEEN_MAX = SEEN_SLOTS / 2 };

struct exporter {
    struct spool *spool;
    const struct export_to *to;
    struct export_counts *counts;
    EVP_MD_CTX *digest; /* of all lines so far */
    struct spool_status status;
    uint8_t (*seen)[32]; /* hash table of certificates that are written; all zero: free */
    char **why;
};

static bool fail(struct exporter *exporter, const char *what, const char *why)
{
    if (*exporter->why == NULL && asprintf(exporter->why, "%s: %s", what, why) < 0)
        *exporter->why = NULL;
    return false;
}

/* --- lines ------------------------------------------------------------------------------------------------------ */

/* Takes the reference to line, which may be NULL. */
static bool put_line(struct exporter *exporter, json_t *line, bool digested)
{
    char *text = line == NULL ? NULL : json_dumps(line, JSON_COMPACT);
    json_decref(line);
    if (text == NULL)
        return fail(exporter, _("cannot write a line"), strerror(ENOMEM));
    size_t length = strlen(text);
    text[length] = '\n'; /* in place of its end */
    bool put = (!digested || EVP_DigestUpdate(exporter->digest, text, length + 1) == 1) &&
               fwrite(text, 1, length + 1, exporter->to->out) == length + 1;
    int error = errno;
    free(text);
    return put || fail(exporter, _("cannot write the export"), strerror(error));
}

static json_t *json_base64(const void *bytes, size_t length)
{
    struct buf text;
    buf_init(&text, 0);
    json_t *value =
        base64_text(&text, bytes, length) ? json_stringn((const char *)text.data, text.len) : NULL;
    buf_done(&text);
    return value;
}

static json_t *json_time(int64_t unix_us)
{
    char text[UNITS_TIME_BYTES];
    return json_string(time_rfc3339(unix_us, 6, text));
}

static json_t *json_number(uint64_t number)
{
    return json_integer((json_int_t)number);
}

static json_t *dropped_json(const struct spool_status *status)
{
    struct writer writer = {0};
    json_t *list = json_array();
    for (size_t i = 0; i < status->dropped_at_count; i++) {
        json_t *item = json_object();
        set(&writer, item, "endpoint", json_number(status->dropped_at[i].endpoint_id));
        set(&writer, item, "count", json_integer(status->dropped_at[i].count));
        add(&writer, list, item);
    }
    return finish(&writer, list);
}

static bool put_header(struct exporter *exporter)
{
    const struct spool_status *status = &exporter->status;
    struct writer writer = {0};
    char vantage[256];
    size_t length = 0;
    if (!pki_vantage_name(exporter->to->certificate, vantage, sizeof vantage))
        return fail(exporter, _("the certificate"), _("names no vantage"));
    char *pem = pki_certificate_pem(exporter->to->certificate, &length, exporter->why);
    if (pem == NULL)
        return false;
    json_t *line = json_object();
    set(&writer, line, "kind", json_string(CARRY_KIND));
    set(&writer, line, "schema", json_integer(CARRY_SCHEMA));
    set(&writer, line, "vantage", json_string(vantage));
    set(&writer, line, "certificate", json_stringn(pem, length));
    set(&writer, line, "agent_version", json_string(PARALLAX_VERSION));
    set(&writer, line, "exported_at", json_time(clock_wall_us()));
    set(&writer, line, "epoch", json_number(status->epoch));
    set(&writer, line, "first", json_number(status->first));
    set(&writer, line, "last", json_number(status->last));
    set(&writer, line, "waiting", json_number(status->count));
    set(&writer, line, "dropped", dropped_json(status));
    free(pem);
    return put_line(exporter, finish(&writer, line), true);
}

static bool put_end(struct exporter *exporter)
{
    struct writer writer = {0};
    struct buf signature;
    uint8_t sha256[32];
    char hex[65];
    buf_init(&signature, 0);
    if (EVP_DigestFinal_ex(exporter->digest, sha256, NULL) != 1 ||
        !carry_sign(exporter->to->key, sha256, &signature)) {
        buf_done(&signature);
        return fail(exporter, _("cannot sign the export"), _("the key is of no use"));
    }
    json_t *line = json_object();
    set(&writer, line, "kind", json_string("end"));
    set(&writer, line, "records", json_number(exporter->counts->records));
    set(&writer, line, "certificates", json_number(exporter->counts->certificates));
    set(&writer, line, "sha256", json_string(hex_text(sha256, 32, hex)));
    set(&writer, line, "signature", json_base64(signature.data, signature.len));
    buf_done(&signature);
    return put_line(exporter, finish(&writer, line), false);
}

/* --- certificates ----------------------------------------------------------------------------------------------- */

/* @return true the first time. A table that is full says no: the collector asks for what it lacks when it sees it again. */
static bool see(struct exporter *exporter, const uint8_t sha256[32])
{
    static const uint8_t none[32];
    size_t slot = ((size_t)sha256[0] << 8 | sha256[1]) % SEEN_SLOTS;
    while (memcmp(exporter->seen[slot], none, 32) != 0) {
        if (memcmp(exporter->seen[slot], sha256, 32) == 0)
            return false;
        slot = (slot + 1) % SEEN_SLOTS;
    }
    if (exporter->counts->certificates >= SEEN_MAX)
        return false;
    memcpy(exporter->seen[slot], sha256, 32);
    return true;
}

static bool put_certificate(struct exporter *exporter, const uint8_t sha256[32])
{
    struct writer writer = {0};
    struct buf der;
    char hex[65];
    buf_init(&der, 0);
    bool put = true;
    if (spool_has_certificate(exporter->spool, sha256) && see(exporter, sha256) &&
        spool_certificate(exporter->spool, sha256, &der)) {
        json_t *line = json_object();
        set(&writer, line, "kind", json_string("certificate"));
        set(&writer, line, "sha256", json_string(hex_text(sha256, 32, hex)));
        set(&writer, line, "der", json_base64(der.data, der.len));
        put = put_line(exporter, finish(&writer, line), true);
        exporter->counts->certificates++;
    }
    buf_done(&der);
    return put;
}

/* --- records ---------------------------------------------------------------------------------------------------- */

static bool put_record(struct exporter *exporter, const struct record *record, const struct bytes *bytes)
{
    const struct attempt *attempt = record->attempt;
    struct writer writer = {0};
    bool is_attempt = record->kind == RECORD_ATTEMPT;
    json_t *line = json_object();
    set(&writer, line, "kind", json_string(is_attempt ? "attempt" : "report"));
    set(&writer, line, "sequence", json_number(record_sequence(record)));
    if (is_attempt)
        set(&writer, line, "endpoint", json_number(attempt->endpoint_id));
    set(&writer, line, "round", json_number(is_attempt ? attempt->round_id : record->report.round_id));
    if (is_attempt)
        set(&writer, line, "start", json_time(attempt->clock.start_us));
    else
        set(&writer, line, "dropped", json_integer(record->report.dropped));
    set(&writer, line, "record", json_base64(bytes->data, bytes->length));
    bool put = put_line(exporter, finish(&writer, line), true);
    for (size_t i = 0; put && is_attempt && i < attempt->tls.chain_count; i++)
        put = put_certificate(exporter, attempt->tls.chain[i].sha256);
    return put;
}

static bool put_chunk(struct exporter *exporter, const struct bytes *records, size_t count)
{
    bool put = true;
    for (size_t i = 0; put && i < count; i++) {
        struct record record;
        const char *why = "";
        if (!record_decode(records[i].data, records[i].length, &record, &why))
            return fail(exporter, _("a record of the spool cannot be read"), why);
        if (record_sequence(&record) <= exporter->status.last) {
            put = put_record(exporter, &record, &records[i]);
            exporter->counts->records++;
        }
        record_done(&record);
    }
    return put;
}

static void say_progress(const struct exporter *exporter)
{
    FILE *stream = exporter->to->progress;
    if (stream == NULL)
        return;
    (void)fputs("\r\033[K", stream);
    (void)fprintf(stream, _("%llu of %llu results"), (unsigned long long)exporter->counts->records,
                  (unsigned long long)exporter->status.count);
    (void)fflush(stream);
}

static bool put_records(struct exporter *exporter)
{
    struct spool *spool = exporter->spool;
    struct bytes records[CHUNK_RECORDS];
    struct buf bytes;
    uint64_t from = exporter->status.first, last = from;
    bool put = true;
    buf_init(&bytes, 0);
    while (put && from <= exporter->status.last && !*exporter->to->stop) {
        size_t count = spool_read(spool, from, CHUNK_RECORDS, CHUNK_BYTES, &bytes, records, &last);
        if (count == 0)
            break;
        put = put_chunk(exporter, records, count);
        from = last + 1;
        say_progress(exporter);
    }
    buf_done(&bytes);
    exporter->counts->stopped = *exporter->to->stop;
    if (!put || exporter->counts->stopped)
        return false;
    uint64_t left = from > exporter->status.last ? 0
                                                 : spool_count_up_to(spool, exporter->status.last) -
                                                       spool_count_up_to(spool, from - 1);
    return left == 0 || fail(exporter, _("a record of the spool cannot be read"), strerror(ENOMEM));
}

bool spool_export(struct spool *spool, const struct export_to *to, struct export_counts *ret_counts,
                  char **ret_why)
{
    struct exporter *exporter = calloc(1, sizeof *exporter);
    bool done = false;
    *ret_counts = (struct export_counts){0};
    *ret_why = NULL;
    if (exporter == NULL)
        return false;
    *exporter = (struct exporter){.spool = spool,
                                  .to = to,
                                  .counts = ret_counts,
                                  .digest = EVP_MD_CTX_new(),
                                  .seen = calloc(SEEN_SLOTS, sizeof *exporter->seen),
                                  .why = ret_why};
    if (exporter->digest == NULL || exporter->seen == NULL ||
        EVP_DigestInit_ex(exporter->digest, EVP_sha256(), NULL) != 1)
        (void)fail(exporter, _("cannot write the export"), strerror(ENOMEM));
    else if (spool_status(spool, &exporter->status, ret_why))
        done = put_header(exporter) && (exporter->status.count == 0 || put_records(exporter)) &&
               put_end(exporter);
    EVP_MD_CTX_free(exporter->digest);
    free(exporter->seen);
    free(exporter);
    return done;
}
