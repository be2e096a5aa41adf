#include "ingest/session_parts.h"

#include "ingest/certificate.h"
#include "log.h"

#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

/* Certificates that nobody has sent yet: asked for by their hash, taken when they were asked for, and stored. */

static bool session_has_asked(const struct session *session, const uint8_t hash[32])
{
    for (size_t i = 0; i < session->asked_count; i++)
        if (memcmp(session->asked[i], hash, 32) == 0)
            return true;
    return false;
}

/* @return false at the most that is asked for at a time, or without memory: it is asked for again when it is seen again. */
static bool session_ask(struct session *session, const uint8_t hash[32])
{
    if (session->asked_count == session->asked_room) {
        size_t room = session->asked_room == 0 ? 16 : session->asked_room * 2;
        uint8_t(*asked)[32] = room > SESSION_MAX_ASKED ? NULL : realloc(session->asked, room * sizeof *asked);
        if (asked == NULL)
            return false;
        session->asked = asked;
        session->asked_room = room;
    }
    memcpy(session->asked[session->asked_count++], hash, 32);
    return true;
}

void session_wanted(struct ingest_source *source, const uint8_t (*sha256)[32], size_t count)
{
    struct session *session = (struct session *)source;
    size_t first = session->asked_count;
    bool room = true;
    for (size_t i = 0; room && i < count; i++)
        room = session_has_asked(session, sha256[i]) || session_ask(session, sha256[i]);
    if (session->asked_count == first)
        return;
    struct message wanted = {
        .kind = MESSAGE_CERTIFICATES_WANTED,
        .certificates_wanted = {.count = session->asked_count - first, .sha256 = session->asked + first}};
    (void)session_send(session, &wanted);
}

enum { STORE_GROWTH = 4 }; /* of a certificate into texts, of which one is its hex */

struct store {
    struct session *session;
    size_t bytes; /* of memory, roughly */
    size_t count;
    size_t next;
    struct certificate_row rows[];
};

static void store_next(struct pg *pg, PGresult *result, void *arg)
{
    struct store *store = arg;
    (void)result;
    if (store->next == store->count)
        return;
    struct certificate_row *row = &store->rows[store->next++];
    pg_exec(pg, STATEMENT_certificate_store, (const char *const *)(void *)row->values, CERTIFICATE_PARAMS,
            store_next);
}

static void store_start(struct pg *pg, void *arg)
{
    store_next(pg, NULL, arg);
}

static void store_free(struct store *store)
{
    ceiling_release(ingest_ceiling(store->session->hub->ingest), store->bytes);
    for (size_t i = 0; i < store->count; i++)
        certificate_row_done(&store->rows[i]);
    free(store);
}

/* What was not stored is asked for again when the certificate is seen again. */
static void store_end(bool committed, const char *why, void *arg)
{
    struct store *store = arg;
    struct session *session = store->session;
    if (!committed && why[0] != '\0')
        log_line("session %s: certificates not stored: %s", session->name, why);
    store_free(store);
    session_turn_over(session);
}

/* Takes a hash off the list of what was asked for. */
static bool asked_take(struct session *session, const struct bytes *der)
{
    uint8_t digest[32];
    (void)SHA256(der->data, der->length, digest);
    for (size_t i = 0; i < session->asked_count; i++) {
        if (memcmp(session->asked[i], digest, 32) != 0)
            continue;
        session->asked_count--;
        memmove(session->asked[i], session->asked[session->asked_count], 32);
        if (session->asked_count == 0) {
            free(session->asked);
            session->asked = NULL;
            session->asked_room = 0;
        }
        return true;
    }
    return false;
}

void session_certificates(struct session *session, const struct bytes *der, size_t count)
{
    struct store *store = calloc(1, sizeof *store + count * sizeof store->rows[0]);
    if (store == NULL)
        return;
    store->session = session;
    bool asked = true;
    for (size_t i = 0; asked && i < count; i++) {
        asked = der[i].length <= MESSAGE_CERTIFICATE_MAX_BYTES && asked_take(session, &der[i]);
        store->bytes += der[i].length * STORE_GROWTH;
        if (asked && certificate_row_init(&store->rows[store->count], der[i].data, der[i].length))
            store->count++;
        else
            certificate_row_done(&store->rows[store->count]);
    }
    struct pg_turn turn = {.start = store_start, .end = store_end, .arg = store};
    ceiling_hold(ingest_ceiling(session->hub->ingest), store->bytes);
    if (!asked)
        session_breach(session, "a certificate that was not asked for");
    if (store->count == 0 || !session_turn(session, &turn))
        store_free(store);
}
