#include "replay/export.h"

#include "cli/cli.h"
#include "cli/i18n.h"
#include "replay/recording.h"
#include "words/attempt_json.h"
#include "words/classify.h"
#include "words/json_writer.h"
#include "words/message.h"
#include "words/units.h"

#include <errno.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

/* Rows become lines one by one: nothing is held but the line under way. */

enum { EXPORT_PARAMS = 7, EXPORT_NUMBER_BYTES = 24, PROGRESS_EVERY = 1000 };

struct export
{
    const struct export_options *options;
    struct export_counts *counts;
    FILE *out;
    FILE *progress;
};

/* Takes the line. */
static bool write_line(struct export *export, const struct writer *writer, json_t *line)
{
    json_t *whole = finish(writer, line);
    bool written =
        whole != NULL && json_dumpf(whole, export->out, JSON_COMPACT) == 0 && putc('\n', export->out) != EOF;
    if (whole == NULL)
        cli_error(_("out of memory"));
    else if (!written)
        cli_error(_("cannot write the export: %s"), strerror(errno));
    json_decref(whole);
    return written && *export->options->stop == 0;
}

static json_t *line_of(struct writer *writer, const char *kind)
{
    json_t *line = json_object();
    set(writer, line, "kind", json_string(kind));
    return line;
}

static json_t *text_or_null(const PGresult *row, const char *column)
{
    const char *text = db_text(row, 0, column);
    return text[0] == '\0' ? json_null() : json_text(text);
}

static json_t *number_or_null(const PGresult *row, const char *column)
{
    return db_int(row, 0, column) == 0 ? json_null() : json_integer(db_int(row, 0, column));
}

static json_t *flag(const PGresult *row, const char *column)
{
    return json_boolean(db_text(row, 0, column)[0] == 't');
}

static json_t *time_of(const PGresult *row, const char *column)
{
    char text[UNITS_TIME_BYTES];
    return db_null(row, 0, column) ? json_null() : json_string(time_rfc3339(db_int(row, 0, column), 6, text));
}

static json_t *document(const PGresult *row, const char *column)
{
    return db_null(row, 0, column) ? json_null() : json_loads(db_text(row, 0, column), JSON_DECODE_ANY, NULL);
}

/* --- what attempts refer to --- */

static bool export_header(struct export *export)
{
    struct writer writer = {0};
    json_t *line = line_of(&writer, "parallax-export");
    set(&writer, line, "schema", json_integer(RECORDING_SCHEMA));
    set(&writer, line, "version", json_string(PARALLAX_VERSION));
    set(&writer, line, "anonymised", json_boolean(export->options->anonymise));
    return write_line(export, &writer, line);
}

static bool export_vantage(const PGresult *row, void *arg)
{
    struct export *export = arg;
    struct writer writer = {0};
    json_t *line = line_of(&writer, "vantage");
    set(&writer, line, "name", json_text(db_text(row, 0, "name")));
    set(&writer, line, "region", json_text(db_text(row, 0, "region")));
    set(&writer, line, "asn", number_or_null(row, "asn"));
    set(&writer, line, "country", text_or_null(row, "country"));
    if (!export->options->anonymise) {
        set(&writer, line, "prefix", text_or_null(row, "prefix"));
        set(&writer, line, "labels", document(row, "labels"));
    }
    export->counts->vantages++;
    return write_line(export, &writer, line);
}

static bool export_site(const PGresult *row, void *arg)
{
    struct writer writer = {0};
    json_t *line = line_of(&writer, "site");
    set(&writer, line, "name", json_text(db_text(row, 0, "name")));
    set(&writer, line, "interval_s", json_integer(db_int(row, 0, "interval_s")));
    set(&writer, line, "sentinel", flag(row, "sentinel"));
    set(&writer, line, "depth", json_text(db_text(row, 0, "depth")));
    return write_line(arg, &writer, line);
}

static bool export_endpoint(const PGresult *row, void *arg)
{
    struct export *export = arg;
    struct writer writer = {0};
    struct endpoint endpoint = {.host = db_text(row, 0, "host"),
                                .sni = db_text(row, 0, "sni"),
                                .no_sni = db_text(row, 0, "no_sni")[0] == 't'};
    json_t *line = line_of(&writer, "endpoint");
    set(&writer, line, "id", json_integer(db_int(row, 0, "id")));
    set(&writer, line, "site", text_or_null(row, "site"));
    set(&writer, line, "role", json_string(endpoint_role_name((int)db_int(row, 0, "role"))));
    set(&writer, line, "host", json_text(endpoint.host));
    set(&writer, line, "port", json_integer(db_int(row, 0, "port")));
    set(&writer, line, "sni", json_text(endpoint_sni(&endpoint)));
    set(&writer, line, "address", text_or_null(row, "address"));
    export->counts->endpoints++;
    return write_line(export, &writer, line);
}

static bool export_round(const PGresult *row, void *arg)
{
    struct export *export = arg;
    struct writer writer = {0};
    json_t *line = line_of(&writer, "round");
    set(&writer, line, "id", json_integer(db_int(row, 0, "id")));
    set(&writer, line, "start", time_of(row, "start_us"));
    set(&writer, line, "interval_s", json_integer(db_int(row, 0, "interval_s")));
    set(&writer, line, "spread_us", json_integer(db_int(row, 0, "spread_us")));
    set(&writer, line, "timeout_us", json_integer(db_int(row, 0, "timeout_us")));
    set(&writer, line, "deadline", time_of(row, "deadline_us"));
    set(&writer, line, "vantages", document(row, "vantages"));
    set(&writer, line, "endpoints", document(row, "endpoints"));
    export->counts->rounds++;
    return write_line(export, &writer, line);
}

static json_t *base64(const PGresult *row, const char *column)
{
    size_t length = 0;
    unsigned char *der = PQunescapeBytea((const unsigned char *)db_text(row, 0, column), &length);
    unsigned char *text =
        der == NULL || length > MESSAGE_CERTIFICATE_MAX_BYTES ? NULL : malloc(length / 3 * 4 + 5);
    json_t *value = NULL;
    if (text != NULL && EVP_EncodeBlock(text, der, (int)length) >= 0)
        value = json_string((const char *)text);
    free(text);
    PQfreemem(der);
    return value;
}

static bool export_certificate(const PGresult *row, void *arg)
{
    struct writer writer = {0};
    json_t *line = line_of(&writer, "certificate");
    set(&writer, line, "sha256", json_text(db_text(row, 0, "sha256")));
    if (!db_null(row, 0, "der")) {
        set(&writer, line, "der", base64(row, "der"));
        return write_line(arg, &writer, line);
    }
    set(&writer, line, "subject", json_text(db_text(row, 0, "subject")));
    set(&writer, line, "issuer", json_text(db_text(row, 0, "issuer")));
    set(&writer, line, "not_before", time_of(row, "not_before_us"));
    set(&writer, line, "not_after", time_of(row, "not_after_us"));
    set(&writer, line, "key_type", text_or_null(row, "key_type"));
    set(&writer, line, "key_bits", number_or_null(row, "key_bits"));
    set(&writer, line, "signature", text_or_null(row, "signature_algorithm"));
    set(&writer, line, "ca", flag(row, "is_ca"));
    set(&writer, line, "names", document(row, "names"));
    return write_line(arg, &writer, line);
}

/* --- attempts --- */

/* What tells where a vantage stands, beyond its region and ASN. */
static void anonymise(struct attempt *attempt)
{
    attempt->flow.source = (struct address){0};
    if (!address_equal(&attempt->flow.icmp_offender, &attempt->flow.destination))
        attempt->flow.icmp_offender = (struct address){0};
    for (size_t i = 0; i < attempt->dns_count; i++)
        attempt->dns[i].resolver = "";
}

static struct attempt *stored_attempt(const PGresult *row)
{
    const char *why = "";
    size_t length = 0;
    unsigned char *bytes = PQunescapeBytea((const unsigned char *)db_text(row, 0, "evidence"), &length);
    struct attempt *attempt = bytes == NULL ? NULL : attempt_decode(bytes, length, &why);
    PQfreemem(bytes);
    return attempt;
}

static void show_progress(const struct export *export)
{
    if (export->progress != NULL && export->counts->attempts % PROGRESS_EVERY == 0)
        (void)fprintf(export->progress, "\r%llu", (unsigned long long)export->counts->attempts);
}

static bool export_attempt(const PGresult *row, void *arg)
{
    struct export *export = arg;
    struct writer writer = {0};
    struct attempt *attempt = stored_attempt(row);
    if (attempt == NULL) {
        export->counts->unreadable++;
        return *export->options->stop == 0;
    }
    if (export->options->anonymise)
        anonymise(attempt);
    json_t *line = line_of(&writer, "attempt");
    set(&writer, line, "vantage", json_text(db_text(row, 0, "vantage")));
    if (db_text(row, 0, "moved")[0] == 't')
        set(&writer, line, "asn", number_or_null(row, "asn"));
    set(&writer, line, "sequence", json_integer(db_int(row, 0, "sequence")));
    set(&writer, line, "endpoint", json_integer(db_int(row, 0, "endpoint_id")));
    set(&writer, line, "round", number_or_null(row, "round_id"));
    json_t *evidence = attempt_json(attempt, NULL, classify(attempt));
    writer.failed |= evidence == NULL || json_object_update_missing(line, evidence) != 0;
    json_decref(evidence);
    attempt_free(attempt);
    export->counts->attempts++;
    show_progress(export);
    return write_line(export, &writer, line);
}

static const char *number_text(int64_t number, char out[EXPORT_NUMBER_BYTES])
{
    (void)snprintf(out, EXPORT_NUMBER_BYTES, "%" PRId64, number);
    return number == 0 ? NULL : out;
}

static bool export_all(struct db *db, struct export *export)
{
    static const struct {
        enum statement_id id;
        db_row_fn *each;
    } parts[] = {
        {STATEMENT_export_vantages, export_vantage},         {STATEMENT_export_sites, export_site},
        {STATEMENT_export_endpoints, export_endpoint},       {STATEMENT_export_rounds, export_round},
        {STATEMENT_export_certificates, export_certificate}, {STATEMENT_export_attempts, export_attempt},
    };
    const struct window *window = &export->options->window;
    char since[UNITS_TIME_BYTES], until[UNITS_TIME_BYTES], asn[EXPORT_NUMBER_BYTES],
        round[EXPORT_NUMBER_BYTES];
    const char *values[EXPORT_PARAMS] = {
        window->site,
        window->since_us == 0 ? NULL : time_rfc3339(window->since_us, 6, since),
        window->until_us == 0 ? NULL : time_rfc3339(window->until_us, 6, until),
        window->region,
        number_text(window->asn, asn),
        number_text(window->round_id, round),
        export->options->anonymise ? "t" : "f",
    };
    bool going = export_header(export);
    for (size_t i = 0; going && i < sizeof parts / sizeof parts[0]; i++)
        going = db_stream(db, parts[i].id, values, EXPORT_PARAMS, parts[i].each, export);
    return going;
}

bool export_lines(struct db *db, const struct export_options *options, FILE *out, FILE *progress,
                  struct export_counts *ret_counts)
{
    struct export export = {.options = options, .counts = ret_counts, .out = out, .progress = progress};
    *ret_counts = (struct export_counts){0};
    if (!db_begin_snapshot(db))
        return false;
    bool done = export_all(db, &export);
    if (done)
        return db_commit(db);
    db_rollback(db);
    return false;
}
