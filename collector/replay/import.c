#include "replay/import.h"

#include "cli/cli.h"
#include "cli/i18n.h"
#include "ingest/certificate.h"
#include "ingest/ingest.h"
#include "link/pki.h"
#include "words/units.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

/*
 * Importing, in order
 *
 *   1. the header: the certificate is of this collector's authority, and in its time
 *   2. the whole file is read: every line, the counts, the hash, the signature. Nothing else happens before it is known to be true.
 *   3. the vantage is known, not revoked, and the certificate is the one in force for it, or the next one
 *   4. the records go through ingest, in one transaction, with the lock on the vantage's cursor: what is at or below the cursor
 *      came before, by a session or by a file, and is passed over. The signature is checked again at the end of this reading,
 *      before the commit.
 *   5. certificates that the database asks for are filled in, in a transaction of their own: they are known by their hash, so it
 *      does not matter how often, and importing once more makes up for an interruption.
 *
 * The agent may be delivering the same records meanwhile. Whoever takes the cursor second finds them there. A file stores under the session
 * that is in force, so it ends none; when one begins between step 3 and the lock, the file is refused and may be imported again.
 */

/* --- whether it may ----------------------------------------------------------------------------------------------- */

static bool verify(X509 *certificate, X509 *ca, const char **ret_why)
{
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    int error = X509_V_ERR_OUT_OF_MEM;
    if (store != NULL && context != NULL && X509_STORE_add_cert(store, ca) == 1 &&
        X509_STORE_CTX_init(context, store, certificate, NULL) == 1 &&
        X509_STORE_CTX_set_purpose(context, X509_PURPOSE_SSL_CLIENT) == 1)
        error = X509_verify_cert(context) == 1 ? X509_V_OK : X509_STORE_CTX_get_error(context);
    X509_STORE_CTX_free(context);
    X509_STORE_free(store);
    ERR_clear_error();
    *ret_why = X509_verify_cert_error_string(error);
    return error == X509_V_OK;
}

bool import_check_authority(const struct import_file *file, X509 *ca)
{
    const char *why = "";
    return verify(file->certificate, ca, &why) ||
           import_error(file,
                        _("certificate: expected one that this collector's authority has issued and that is "
                          "in force: %s"),
                        why);
}

bool import_check(struct import_file *file, import_progress_fn *progress)
{
    for (struct import_line line;;) {
        switch (import_next(file, &line)) {
        case IMPORT_FAILED:
            return false;
        case IMPORT_END:
            return true;
        case IMPORT_RECORD:
            record_done(&line.record);
            break;
        case IMPORT_CERTIFICATE:
            break;
        }
        if (file->line % 1024 == 0)
            progress(_("checking"), import_percent(file));
    }
}

static bool is_in_force(const PGresult *rows, const char *fingerprint)
{
    return strcmp(db_text(rows, 0, "certificate"), fingerprint) == 0 ||
           strcmp(db_text(rows, 0, "next_certificate"), fingerprint) == 0;
}

static bool check_vantage(const struct import_file *file, const PGresult *rows)
{
    uint8_t sha256[32];
    char fingerprint[65];
    if (PQntuples(rows) == 0)
        cli_error(_("%s: this collector knows no vantage %s"), file->name, file->vantage);
    else if (!db_null(rows, 0, "revoked_at"))
        cli_error(_("%s: vantage %s was revoked on %s"), file->name, file->vantage,
                  db_text(rows, 0, "revoked_at"));
    else if (!pki_fingerprint(file->certificate, sha256))
        cli_error("%s", _("out of memory"));
    else if (!is_in_force(rows, hex_text(sha256, 32, fingerprint)))
        cli_error(_("%s: its certificate is not the one in force for vantage %s; the vantage has another one "
                    "since it wrote the file, so let it "
                    "write the file again"),
                  file->name, file->vantage);
    else
        return true;
    return false;
}

bool import_find_vantage(struct db *db, const struct import_file *file, struct import_vantage *ret_vantage)
{
    const char *values[] = {file->vantage};
    PGresult *rows = db_query(db, STATEMENT_import_vantage, values, 1);
    bool found = rows != NULL && check_vantage(file, rows);
    if (found)
        *ret_vantage = (struct import_vantage){.id = (int32_t)db_int(rows, 0, "id"),
                                               .asn = db_int(rows, 0, "asn"),
                                               .session = db_int(rows, 0, "session")};
    PQclear(rows);
    return found;
}

/* --- records ----------------------------------------------------------------------------------------------------- */

enum { BATCH_RECORDS = MESSAGE_MAX_RECORDS };

struct import {
    struct ingest_source source; /* first, so that ingest's callbacks find the import */
    struct import_file *file;
    struct import_stored *stored;
    import_progress_fn *progress;
    struct pg *pg;
    struct ingest *ingest;
    size_t count; /* of the batch that ingest has */
    struct {
        uint64_t sequence;
        bool is_attempt;
    } batch[BATCH_RECORDS];
    uint64_t refused; /* of that batch */
    bool began, ended, done, failed;
    bool said; /* why it fails is said, or somebody wants it */
};

static void on_closed(void *arg)
{
    (void)arg;
}

static void import_finish(struct import *import, bool failed)
{
    import->failed = import->failed || failed;
    if (import->done)
        return;
    import->done = true;
    ingest_stop(import->ingest, on_closed, NULL);
    pg_close(import->pg, on_closed, NULL);
}

/* Counts the batch that is through. */
static void count_batch(struct import *import, uint64_t known)
{
    struct import_stored *stored = import->stored;
    for (size_t i = 0; i < import->count; i++) {
        if (import->batch[i].sequence <= known)
            stored->known++;
        else if (import->batch[i].is_attempt)
            stored->attempts++;
        else
            stored->reports++;
    }
    stored->attempts -= import->refused;
    stored->refused += import->refused;
    import->refused = 0;
    import->count = 0;
}

/* The next records of the file; certificates have their own time. */
static enum ingest_more read_batch(struct import *import, struct record *records)
{
    struct import_line line;
    while (import->count < BATCH_RECORDS) {
        enum import_kind kind = import_next(import->file, &line);
        if (kind == IMPORT_FAILED)
            return INGEST_FAILED;
        import->ended = kind == IMPORT_END;
        if (import->ended)
            break;
        if (kind != IMPORT_RECORD)
            continue;
        records[import->count] = line.record;
        import->batch[import->count].sequence = record_sequence(&line.record);
        import->batch[import->count].is_attempt = line.record.kind == RECORD_ATTEMPT;
        import->count++;
    }
    return import->count > 0 ? INGEST_NEXT : INGEST_END;
}

static enum ingest_more feed_batch(struct import *import)
{
    struct record *records = calloc(BATCH_RECORDS, sizeof *records);
    enum ingest_more more = records == NULL ? INGEST_FAILED : read_batch(import, records);
    if (records == NULL)
        cli_error("%s", _("out of memory"));
    if (more == INGEST_NEXT && !ingest_batch(import->ingest, &import->source, records, import->count)) {
        cli_error("%s", _("out of memory"));
        more = INGEST_FAILED;
    }
    import->said = more == INGEST_FAILED;
    if (more == INGEST_FAILED)
        for (size_t i = 0; records != NULL && i < import->count; i++)
            record_done(&records[i]);
    free(records);
    import->progress(_("storing"), import_percent(import->file));
    return more;
}

static enum ingest_more on_more(struct ingest_source *source, uint64_t known)
{
    struct import *import = (struct import *)source;
    count_batch(import, known);
    return import->ended ? INGEST_END : feed_batch(import);
}

static void on_stored(struct ingest_source *source, uint64_t committed)
{
    (void)committed;
    import_finish((struct import *)source, false);
}

static void on_wanted(struct ingest_source *source, const uint8_t (*sha256)[32], size_t count)
{
    (void)source, (void)sha256, (void)count; /* all that the file has are stored afterwards */
}

static void on_refused(struct ingest_source *source, const char *why)
{
    struct import *import = (struct import *)source;
    if (!import->said)
        cli_error(_("%s: nothing is stored: %s"), import->file->name,
                  why[0] == '\0' ? _("the database is closed") : why);
    source->gone = true;
    ingest_forget(import->ingest, source);
    import_finish(import, true);
}

static void on_released(struct ingest_source *source)
{
    (void)source;
}

static void on_lied(struct ingest_source *source, const struct refused_note *note)
{
    ((struct import *)source)->refused += note->count;
}

static void on_ready(void *arg)
{
    struct import *import = arg;
    if (import->began) /* after a connection that was lost: the file has failed with it */
        return;
    import->began = true;
    enum ingest_more more = feed_batch(import);
    if (more != INGEST_NEXT)
        import_finish(import, more == INGEST_FAILED);
}

static void on_lost(const char *why, void *arg)
{
    struct import *import = arg;
    if (import->done || import->began) /* under way, its turn has ended, and on_refused has said so */
        return;
    cli_error(_("cannot reach the database: %s"), why);
    import_finish(import, true);
}

static void on_notify(const char *channel, const char *payload, void *arg)
{
    (void)channel, (void)payload, (void)arg;
}

static bool run_import(struct import *import, const char *conninfo)
{
    static const char *const channels[] = {NULL};
    static const struct pg_handlers handlers = {on_ready, on_lost, on_notify};
    const struct pg_settings settings = {.conninfo = conninfo, .channels = channels};
    uv_loop_t loop;
    if (uv_loop_init(&loop) != 0 || (import->pg = pg_new(&loop, &settings, &handlers, import)) == NULL ||
        (import->ingest = ingest_new(&loop, import->pg)) == NULL) {
        cli_error("%s", _("out of memory"));
        return false;
    }
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    ingest_free(import->ingest);
    (void)uv_loop_close(&loop);
    import->progress("", 100);
    return !import->failed;
}

bool import_store(struct db *db, struct import_file *file, const struct import_vantage *vantage,
                  const struct networks *networks, import_progress_fn *progress,
                  struct import_stored *ret_stored)
{
    struct import *import = calloc(1, sizeof *import);
    if (import == NULL) {
        cli_error("%s", _("out of memory"));
        return false;
    }
    *ret_stored = (struct import_stored){0};
    import->source = (struct ingest_source){.vantage_id = vantage->id,
                                            .session = vantage->session,
                                            .asn = vantage->asn,
                                            .networks = networks,
                                            .stored = on_stored,
                                            .wanted = on_wanted,
                                            .refused = on_refused,
                                            .released = on_released,
                                            .lied = on_lied,
                                            .more = on_more};
    import->file = file;
    import->stored = ret_stored;
    import->progress = progress;
    bool stored = import_rewind(file) && run_import(import, db_conninfo(db));
    free(import);
    return stored;
}

/* --- certificates ------------------------------------------------------------------------------------------------ */

static bool store_certificate(struct db *db, const struct bytes *der, struct import_stored *stored)
{
    struct certificate_row row;
    PGresult *result = NULL;
    if (certificate_row_init(&row, der->data, der->length))
        result = db_query(db, STATEMENT_certificate_store, (const char *const *)(void *)row.values,
                          CERTIFICATE_PARAMS);
    else
        cli_error("%s", _("out of memory"));
    certificate_row_done(&row);
    bool done = result != NULL;
    stored->certificates += done && strcmp(PQcmdTuples(result), "1") == 0;
    PQclear(result);
    return done;
}

static bool store_certificates(struct db *db, struct import_file *file, struct import_stored *stored)
{
    for (struct import_line line;;) {
        switch (import_next(file, &line)) {
        case IMPORT_FAILED:
            return false;
        case IMPORT_END:
            return true;
        case IMPORT_RECORD:
            record_done(&line.record);
            break;
        case IMPORT_CERTIFICATE:
            if (!store_certificate(db, &line.der, stored))
                return false;
            break;
        }
    }
}

bool import_certificates(struct db *db, struct import_file *file, struct import_stored *stored)
{
    if (file->counts.certificates == 0)
        return true;
    if (!import_rewind(file) || !db_begin(db))
        return false;
    if (store_certificates(db, file, stored) && db_commit(db))
        return true;
    db_rollback(db);
    return false;
}
