#include "show/certificate.h"

#include "cli/i18n.h"
#include "cli/term.h"
#include "show/show.h"
#include "words/units.h"

#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <time.h>

enum { NAMES_SHOWN = 8 };

X509 *certificate_read(const struct chain_certificate *kept)
{
    const unsigned char *at = kept->der;
    return at == NULL ? NULL : d2i_X509(NULL, &at, (long)kept->der_length);
}

bool certificate_name(struct buf *out, const X509_NAME *name, unsigned long flags)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL;
    if (bio == NULL)
        return false;
    bool good = X509_NAME_print_ex(bio, name, 0, flags & ~(unsigned long)ASN1_STRFLGS_ESC_MSB) >= 0;
    long length = good ? BIO_get_mem_data(bio, &text) : 0;
    size_t kept = length < 0 ? 0 : length > EVIDENCE_TEXT_MAX ? EVIDENCE_TEXT_MAX : (size_t)length;
    good = text_safe(out, text == NULL ? "" : text, kept);
    BIO_free(bio);
    return good;
}

static bool time_us(const ASN1_TIME *time, int64_t *ret_us)
{
    struct tm parts;
    if (time == NULL || ASN1_TIME_to_tm(time, &parts) != 1)
        return false;
    *ret_us = (int64_t)timegm(&parts) * US_PER_S;
    return true;
}

bool certificate_days_left(const X509 *certificate, int64_t from_us, int *ret_days)
{
    int64_t end_us;
    if (!time_us(X509_get0_notAfter(certificate), &end_us))
        return false;
    int64_t day_us = 86400 * US_PER_S;
    int64_t left_us = end_us - from_us;
    *ret_days = (int)(left_us >= 0 ? left_us / day_us : -((-left_us + day_us - 1) / day_us));
    return true;
}

bool show_days_left(const struct attempt *attempt, int *ret_days)
{
    X509 *leaf = attempt->tls.chain_count == 0 ? NULL : certificate_read(&attempt->tls.chain[0]);
    bool known = leaf != NULL && certificate_days_left(leaf, attempt->clock.start_us, ret_days);
    X509_free(leaf);
    return known;
}

static void append_date(struct buf *out, const ASN1_TIME *time)
{
    char text[UNITS_TIME_BYTES];
    int64_t at_us;
    if (time_us(time, &at_us))
        (void)buf_printf(out, "%.10s", time_rfc3339(at_us, 0, text));
    else
        (void)buf_text(out, _("(malformed time)"));
}

static void subject_row(struct rows *rows, const X509 *leaf, const struct attempt *attempt, struct buf *text)
{
    int days;
    (void)certificate_name(text, X509_get_subject_name(leaf), XN_FLAG_RFC2253);
    if (text->len == 0)
        (void)buf_text(text, _("(no subject)"));
    (void)buf_printf(text, "   %s ", _("issuer"));
    (void)certificate_name(text, X509_get_issuer_name(leaf), XN_FLAG_RFC2253);
    (void)buf_text(text, "   ");
    append_date(text, X509_get0_notBefore(leaf));
    (void)buf_text(text, " .. ");
    append_date(text, X509_get0_notAfter(leaf));
    if (certificate_days_left(leaf, attempt->clock.start_us, &days)) {
        if (days >= 0)
            (void)buf_printf(text, ngettext(" (%d day left)", " (%d days left)", (unsigned long)days), days);
        else /* whole days that passed, not the day that has begun */
            (void)buf_printf(
                text, ngettext(" (over for %d day)", " (over for %d days)", (unsigned long)(-days - 1)),
                -days - 1);
    }
    rows_add(rows, _("certificate"), text);
}

static void append_general_name(struct buf *out, const GENERAL_NAME *name)
{
    if (name->type == GEN_DNS || name->type == GEN_EMAIL || name->type == GEN_URI) {
        const ASN1_STRING *string = name->d.ia5;
        int length = ASN1_STRING_length(string);
        size_t kept = length > PLAN_NAME_MAX ? PLAN_NAME_MAX : length < 0 ? 0 : (size_t)length;
        (void)text_safe(out, (const char *)ASN1_STRING_get0_data(string), kept);
    } else if (name->type == GEN_IPADD) {
        struct address address;
        char text[ADDRESS_TEXT_BYTES];
        const ASN1_OCTET_STRING *bytes = name->d.iPAddress;
        bool good =
            address_from_bytes(ASN1_STRING_get0_data(bytes), (size_t)ASN1_STRING_length(bytes), &address);
        (void)buf_text(out, good ? address_text(&address, text) : _("(malformed address)"));
    } else {
        (void)buf_text(out, _("(other name)"));
    }
}

static void names_row(struct rows *rows, X509 *leaf, struct buf *text)
{
    int critical = 0;
    GENERAL_NAMES *names = X509_get_ext_d2i(leaf, NID_subject_alt_name, &critical, NULL);
    int count = names == NULL ? 0 : sk_GENERAL_NAME_num(names);
    for (int i = 0; i < count && i < NAMES_SHOWN; i++) {
        (void)buf_text(text, i == 0 ? "" : ", ");
        append_general_name(text, sk_GENERAL_NAME_value(names, i));
    }
    if (count > NAMES_SHOWN)
        (void)buf_printf(text, _(" and %d more"), count - NAMES_SHOWN);
    /* NULL means absent only when critical is -1; otherwise the extension is there and malformed. */
    if (names == NULL)
        (void)buf_text(text, critical == -1 ? _("none (no subjectAltName; browsers reject it)")
                                            : _("malformed subjectAltName"));
    GENERAL_NAMES_free(names);
    rows_add(rows, _("names"), text);
}

static void key_row(struct rows *rows, X509 *leaf, struct buf *text)
{
    EVP_PKEY *key = X509_get0_pubkey(leaf);
    const char *kind = key == NULL ? NULL : EVP_PKEY_get0_type_name(key);
    if (kind == NULL)
        (void)buf_text(text, _("unreadable key"));
    else
        (void)buf_printf(text, _("%s %d bits"), kind, EVP_PKEY_get_bits(key));
    (void)buf_printf(text, "%s%s %s", _(", "), _("signed with"), OBJ_nid2ln(X509_get_signature_nid(leaf)));
    rows_add(rows, _("key"), text);
}

static void chain_rows(struct rows *rows, const struct attempt *attempt, struct buf *text)
{
    const struct evidence_tls *tls = &attempt->tls;
    for (size_t i = 0; i < tls->chain_count; i++) {
        X509 *certificate = certificate_read(&tls->chain[i]);
        (void)buf_printf(text, "%zu s:", i);
        if (certificate == NULL) {
            (void)buf_text(text, _("(unreadable)"));
        } else {
            (void)certificate_name(text, X509_get_subject_name(certificate), XN_FLAG_RFC2253);
            (void)buf_text(text, "  i:");
            (void)certificate_name(text, X509_get_issuer_name(certificate), XN_FLAG_RFC2253);
        }
        X509_free(certificate);
        rows_add(rows, i == 0 ? _("chain") : "", text);
    }
    if (tls->chain_dropped > 0) {
        (void)buf_printf(text, _("and %u more, not kept"), tls->chain_dropped);
        rows_add(rows, "", text);
    }
    if (tls->chain_out_of_order) {
        (void)buf_text(text, _("out of order: a certificate is not followed by its issuer"));
        rows_add(rows, "", text);
    }
}

static void verify_rows(struct rows *rows, const struct attempt *attempt, struct buf *text)
{
    const struct evidence_tls *tls = &attempt->tls;
    for (size_t i = 0; i < tls->verify_error_count; i++) {
        const struct verify_error *error = &tls->verify_errors[i];
        (void)buf_printf(text, _("%d %s (depth %u)"), error->code, X509_verify_cert_error_string(error->code),
                         error->depth);
        rows_add(rows, i == 0 ? _("verify") : "", text);
    }
    if (tls->verify_error_count == 0 && attempt->clock.handshake_us != EVIDENCE_NEVER) {
        (void)buf_text(text, _("ok"));
        rows_add(rows, _("verify"), text);
    }
}

static const char *staple_text(const struct evidence_tls *tls)
{
    switch (tls->staple) {
    case STAPLE_UNKNOWN:
        return "";
    case STAPLE_ABSENT:
        return N_("no OCSP staple");
    case STAPLE_MALFORMED:
        return N_("malformed OCSP staple");
    case STAPLE_PRESENT:
        break;
    }
    switch (tls->ocsp.status) {
    case OCSP_NOT_SAID:
        return N_("OCSP staple that says nothing about this certificate");
    case OCSP_GOOD:
        return N_("OCSP staple: good");
    case OCSP_REVOKED:
        return N_("OCSP staple: revoked");
    case OCSP_UNKNOWN:
        return N_("OCSP staple: unknown to the responder");
    }
    return "";
}

static void proofs_row(struct rows *rows, const struct attempt *attempt, struct buf *text)
{
    const struct evidence_tls *tls = &attempt->tls;
    if (tls->staple == STAPLE_UNKNOWN)
        return;
    (void)buf_text(text, _(staple_text(tls)));
    if (tls->ocsp.next_update_s != 0) {
        char until[UNITS_TIME_BYTES];
        (void)buf_printf(text, _(" (valid until %s)"),
                         time_rfc3339(tls->ocsp.next_update_s * US_PER_S, 0, until));
    }
    (void)buf_printf(text,
                     ngettext(", %u certificate transparency proof", ", %u certificate transparency proofs",
                              tls->sct_count),
                     tls->sct_count);
    rows_add(rows, _("proofs"), text);
}

static const char *issuer_text(enum evidence_issuer issuer)
{
    switch (issuer) {
    case ISSUER_NOT_FETCHED:
        return "";
    case ISSUER_COMPLETES:
        return N_("fetched, and it completes the chain");
    case ISSUER_SIGNS:
        return N_("fetched; it signed the certificate, but leads to no trusted root");
    case ISSUER_OTHER:
        return N_("fetched; it did not sign the certificate");
    case ISSUER_MALFORMED:
        return N_("fetched; it is no certificate");
    case ISSUER_FAILED:
        return N_("could not be fetched");
    }
    return "";
}

void certificate_issuer(struct buf *out, const struct evidence_tls *tls)
{
    (void)text_safe(out, tls->issuer_url, strlen(tls->issuer_url));
    (void)buf_printf(out, "  %s", T_(issuer_text(tls->issuer)));
}

static const char *answer_text(const struct evidence_ocsp *ocsp)
{
    if (ocsp->response != 0) /* OCSPResponseStatus: successful */
        return N_("the responder refuses to say");
    if (ocsp->signature == SIGNATURE_BAD)
        return N_("an answer that is not signed by the CA");
    switch (ocsp->status) {
    case OCSP_NOT_SAID:
        return N_("an answer that says nothing about this certificate");
    case OCSP_GOOD:
        return N_("good");
    case OCSP_REVOKED:
        return N_("revoked");
    case OCSP_UNKNOWN:
        return N_("unknown to the responder");
    }
    return "";
}

static const char *responder_text(const struct evidence_tls *tls)
{
    switch (tls->responder) {
    case RESPONDER_NOT_ASKED:
        return "";
    case RESPONDER_ANSWERED:
        return answer_text(&tls->ocsp);
    case RESPONDER_MALFORMED:
        return N_("what was answered is no OCSP response");
    case RESPONDER_FAILED:
        return N_("could not be asked");
    }
    return "";
}

void certificate_responder(struct buf *out, const struct evidence_tls *tls)
{
    (void)text_safe(out, tls->responder_url, strlen(tls->responder_url));
    (void)buf_printf(out, "  %s", T_(responder_text(tls)));
}

void certificate_rows(struct rows *rows, const struct attempt *attempt)
{
    if (attempt->tls.chain_count == 0)
        return;
    struct buf text;
    buf_init(&text, 0);
    X509 *leaf = certificate_read(&attempt->tls.chain[0]);
    if (leaf != NULL) {
        subject_row(rows, leaf, attempt, &text);
        names_row(rows, leaf, &text);
        key_row(rows, leaf, &text);
    }
    chain_rows(rows, attempt, &text);
    verify_rows(rows, attempt, &text);
    proofs_row(rows, attempt, &text);
    X509_free(leaf);
    buf_done(&text);
}
