#include "words/certificate_json.h"

#include "words/json_out.h"
#include "words/units.h"

/* The certificates' part of the schema of docs/JSON.md. */

static void out_time(struct json_out *out, const char *key, int64_t unix_s)
{
    char text[UNITS_TIME_BYTES];
    /* Years 1 to 9999: what RFC 3339 can write. */
    if (unix_s == 0 || unix_s < INT64_C(-62135596800) || unix_s > INT64_C(253402300799))
        out_null(out, key);
    else
        out_text(out, key, time_rfc3339(unix_s * US_PER_S, 6, text));
}

static void out_extensions(struct json_out *out, const struct chain_certificate *certificate)
{
    out_object(out, "extensions");
#define X(field, nid) out_text(out, #field, evidence_presence_name((int)certificate->field));
    EVIDENCE_EXTENSIONS(X)
#undef X
    out_object_end(out);
}

static void out_certificate_facts(struct json_out *out, const struct chain_certificate *certificate)
{
    out_text(out, "subject", certificate->subject);
    out_text(out, "issuer", certificate->issuer);
    out_time(out, "not_before", certificate->not_before_s);
    out_time(out, "not_after", certificate->not_after_s);
    out_text(out, "key_type", certificate->key_type);
    out_integer(out, "key_bits", certificate->key_bits);
    out_text(out, "key_group", certificate->key_group);
    out_text(out, "signature", certificate->signature_name);
    out_boolean(out, "self_signed", certificate->self_signed);
    out_boolean(out, "ca", certificate->ca);
    out_extensions(out, certificate);
}

static void out_chain(struct json_out *out, const struct evidence_tls *tls)
{
    out_array(out, "chain");
    for (size_t i = 0; i < tls->chain_count; i++) {
        const struct chain_certificate *certificate = &tls->chain[i];
        out_object(out, NULL);
        out_hex(out, "sha256", certificate->sha256, sizeof certificate->sha256);
        if (certificate->parsed)
            out_certificate_facts(out, certificate);
        out_object_end(out);
    }
    out_array_end(out);
}

/* Of a leaf that nobody read nothing is known, which is not the same as a leaf without names. */
static bool was_read(const struct evidence_tls *tls)
{
    const struct evidence_leaf *leaf = &tls->leaf;
    if (tls->chain_count == 0)
        return false;
    return tls->chain[0].parsed || leaf->name_count > 0 || leaf->names_dropped > 0 || leaf->must_staple ||
           leaf->common_name[0] != '\0' || leaf->issuer_url[0] != '\0' || leaf->ocsp_url[0] != '\0' ||
           leaf->crl_url[0] != '\0';
}

static void out_leaf(struct json_out *out, const struct evidence_tls *tls)
{
    const struct evidence_leaf *leaf = &tls->leaf;
    if (!was_read(tls)) {
        out_null(out, "leaf");
        return;
    }
    out_object(out, "leaf");
    out_array(out, "names");
    for (size_t i = 0; i < leaf->name_count; i++)
        out_text(out, NULL, leaf->names[i]);
    out_array_end(out);
    out_integer(out, "names_dropped", leaf->names_dropped);
    out_text(out, "common_name", leaf->common_name);
    out_boolean(out, "must_staple", leaf->must_staple);
    out_text(out, "issuer_url", leaf->issuer_url);
    out_text(out, "ocsp_url", leaf->ocsp_url);
    out_text(out, "crl_url", leaf->crl_url);
    out_object_end(out);
}

static void out_ocsp(struct json_out *out, const struct evidence_tls *tls)
{
    const struct evidence_ocsp *ocsp = &tls->ocsp;
    if (tls->staple != STAPLE_PRESENT && tls->responder != RESPONDER_ANSWERED) {
        out_null(out, "ocsp");
        return;
    }
    out_object(out, "ocsp");
    out_text(out, "status", evidence_ocsp_status_name((int)ocsp->status));
    out_integer(out, "response", ocsp->response);
    out_text(out, "signature", evidence_signature_name((int)ocsp->signature));
    out_time(out, "produced", ocsp->produced_s);
    out_time(out, "this_update", ocsp->this_update_s);
    out_time(out, "next_update", ocsp->next_update_s);
    out_time(out, "revoked", ocsp->revoked_s);
    if (ocsp->reason < 0)
        out_null(out, "reason");
    else
        out_integer(out, "reason", ocsp->reason);
    out_object_end(out);
}

/* Of a variant that fetched from somewhere; null of every other. */
static void out_fetched(struct json_out *out, const char *key, bool fetched, const char *url,
                        const char *result)
{
    if (!fetched) {
        out_null(out, key);
        return;
    }
    out_object(out, key);
    out_text(out, "url", url);
    out_text(out, "result", result);
    out_object_end(out);
}

void certificates_json(struct json_out *out, const struct evidence_tls *tls)
{
    out_text(out, "staple", evidence_staple_name((int)tls->staple));
    out_ocsp(out, tls);
    out_integer(out, "sct_count", tls->sct_count);
    out_integer(out, "sct_certificate", tls->sct_certificate);
    out_integer(out, "sct_tls", tls->sct_tls);
    out_integer(out, "sct_staple", tls->sct_staple);
    out_leaf(out, tls);
    out_chain(out, tls);
    out_fetched(out, "issuer", tls->issuer != ISSUER_NOT_FETCHED, tls->issuer_url,
                evidence_issuer_name((int)tls->issuer));
    out_fetched(out, "responder", tls->responder != RESPONDER_NOT_ASKED, tls->responder_url,
                evidence_responder_name((int)tls->responder));
}
