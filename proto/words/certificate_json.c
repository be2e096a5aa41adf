#include "words/certificate_json.h"

#include "words/attempt_json.h"
#include "words/json_writer.h"
#include "words/units.h"

/* The certificates' part of the schema of docs/JSON.md. */

static json_t *time_json(int64_t unix_s)
{
    char text[UNITS_TIME_BYTES];
    /* Years 1 to 9999: what RFC 3339 can write. */
    if (unix_s == 0 || unix_s < INT64_C(-62135596800) || unix_s > INT64_C(253402300799))
        return json_null();
    return json_string(time_rfc3339(unix_s * US_PER_S, 6, text));
}

static json_t *extensions_json(struct writer *writer, const struct chain_certificate *certificate)
{
    json_t *value = json_object();
#define X(field, nid)                                                                                        \
    set(writer, value, #field, json_string(evidence_presence_name((int)certificate->field)));
    EVIDENCE_EXTENSIONS(X)
#undef X
    return value;
}

static json_t *certificate_json(struct writer *writer, const struct chain_certificate *certificate)
{
    char hex[2 * sizeof certificate->sha256 + 1];
    json_t *value = json_object();
    set(writer, value, "sha256", json_string(hex_text(certificate->sha256, sizeof certificate->sha256, hex)));
    if (!certificate->parsed)
        return value;
    set(writer, value, "subject", json_text(certificate->subject));
    set(writer, value, "issuer", json_text(certificate->issuer));
    set(writer, value, "not_before", time_json(certificate->not_before_s));
    set(writer, value, "not_after", time_json(certificate->not_after_s));
    set(writer, value, "key_type", json_text(certificate->key_type));
    set(writer, value, "key_bits", json_integer(certificate->key_bits));
    set(writer, value, "key_group", json_text(certificate->key_group));
    set(writer, value, "signature", json_text(certificate->signature_name));
    set(writer, value, "self_signed", json_boolean(certificate->self_signed));
    set(writer, value, "ca", json_boolean(certificate->ca));
    set(writer, value, "extensions", extensions_json(writer, certificate));
    return value;
}

static json_t *chain_json(struct writer *writer, const struct evidence_tls *tls)
{
    json_t *list = json_array();
    for (size_t i = 0; i < tls->chain_count; i++)
        add(writer, list, certificate_json(writer, &tls->chain[i]));
    return list;
}

static json_t *leaf_json(struct writer *writer, const struct evidence_tls *tls)
{
    const struct evidence_leaf *leaf = &tls->leaf;
    if (tls->chain_count == 0)
        return json_null();
    json_t *value = json_object(), *names = json_array();
    for (size_t i = 0; i < leaf->name_count; i++)
        add(writer, names, json_text(leaf->names[i]));
    set(writer, value, "names", names);
    set(writer, value, "names_dropped", json_integer(leaf->names_dropped));
    set(writer, value, "common_name", json_text(leaf->common_name));
    set(writer, value, "must_staple", json_boolean(leaf->must_staple));
    set(writer, value, "issuer_url", json_text(leaf->issuer_url));
    set(writer, value, "ocsp_url", json_text(leaf->ocsp_url));
    set(writer, value, "crl_url", json_text(leaf->crl_url));
    return value;
}

static json_t *ocsp_json(struct writer *writer, const struct evidence_tls *tls)
{
    const struct evidence_ocsp *ocsp = &tls->ocsp;
    if (tls->staple != STAPLE_PRESENT && tls->responder != RESPONDER_ANSWERED)
        return json_null();
    json_t *value = json_object();
    set(writer, value, "status", json_string(evidence_ocsp_status_name((int)ocsp->status)));
    set(writer, value, "response", json_integer(ocsp->response));
    set(writer, value, "signature", json_string(evidence_signature_name((int)ocsp->signature)));
    set(writer, value, "produced", time_json(ocsp->produced_s));
    set(writer, value, "this_update", time_json(ocsp->this_update_s));
    set(writer, value, "next_update", time_json(ocsp->next_update_s));
    set(writer, value, "revoked", time_json(ocsp->revoked_s));
    set(writer, value, "reason", ocsp->reason < 0 ? json_null() : json_integer(ocsp->reason));
    return value;
}

static json_t *issuer_json(struct writer *writer, const struct evidence_tls *tls)
{
    if (tls->issuer == ISSUER_NOT_FETCHED)
        return json_null();
    json_t *value = json_object();
    set(writer, value, "url", json_text(tls->issuer_url));
    set(writer, value, "result", json_string(evidence_issuer_name((int)tls->issuer)));
    return value;
}

static json_t *responder_json(struct writer *writer, const struct evidence_tls *tls)
{
    if (tls->responder == RESPONDER_NOT_ASKED)
        return json_null();
    json_t *value = json_object();
    set(writer, value, "url", json_text(tls->responder_url));
    set(writer, value, "result", json_string(evidence_responder_name((int)tls->responder)));
    return value;
}

bool certificates_json(json_t *tls_object, const struct evidence_tls *tls)
{
    struct writer writer = {0};
    set(&writer, tls_object, "staple", json_string(evidence_staple_name((int)tls->staple)));
    set(&writer, tls_object, "ocsp", ocsp_json(&writer, tls));
    set(&writer, tls_object, "sct_count", json_integer(tls->sct_count));
    set(&writer, tls_object, "sct_certificate", json_integer(tls->sct_certificate));
    set(&writer, tls_object, "sct_tls", json_integer(tls->sct_tls));
    set(&writer, tls_object, "sct_staple", json_integer(tls->sct_staple));
    set(&writer, tls_object, "leaf", leaf_json(&writer, tls));
    set(&writer, tls_object, "chain", chain_json(&writer, tls));
    set(&writer, tls_object, "issuer", issuer_json(&writer, tls));
    set(&writer, tls_object, "responder", responder_json(&writer, tls));
    return !writer.failed;
}
