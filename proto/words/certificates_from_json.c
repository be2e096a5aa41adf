#include "words/attempt_from_json.h"

#include <string.h>

/* What certificates, staple and proofs say, read back from the "tls" object (certificate_json.c writes it). */

static int64_t seconds(struct json_part *part, const char *key)
{
    return json_read_time(part, key, 0) / 1000000;
}

static void extensions_in(struct json_part *certificate_part, struct chain_certificate *certificate)
{
    struct json_part part = json_object_in(certificate_part, "extensions");
#define X(field, nid)                                                                                        \
    certificate->field = (enum evidence_presence)json_read_choice(&part, #field, evidence_presence_name,     \
                                                                  PRESENCE_PRESENT, PRESENCE_UNKNOWN);
    EVIDENCE_EXTENSIONS(X)
#undef X
    json_part_end(&part);
}

/* Facts were read from the certificate when anything beside its hash is said of it. */
static void certificate_in(struct json_part *part, struct chain_certificate *certificate)
{
    if (json_read_hex(part, "sha256", certificate->sha256, sizeof certificate->sha256) !=
        sizeof certificate->sha256)
        json_wrong(part, "sha256", "64 hex digits");
    certificate->parsed = json_object_size(part->value) > 1;
    certificate->subject = json_read_text(part, "subject", EVIDENCE_NAME_MAX);
    certificate->issuer = json_read_text(part, "issuer", EVIDENCE_NAME_MAX);
    certificate->not_before_s = seconds(part, "not_before");
    certificate->not_after_s = seconds(part, "not_after");
    certificate->key_type = json_read_text(part, "key_type", EVIDENCE_KEY_NAME_MAX);
    certificate->key_bits = json_read_u32(part, "key_bits");
    certificate->key_group = json_read_text(part, "key_group", EVIDENCE_KEY_NAME_MAX);
    certificate->signature_name = json_read_text(part, "signature", EVIDENCE_KEY_NAME_MAX);
    certificate->self_signed = json_read_bool(part, "self_signed");
    certificate->ca = json_read_bool(part, "ca");
    extensions_in(part, certificate);
}

static void chain_in(struct json_part *tls_part, struct evidence_tls *tls)
{
    const json_t *array = json_read_array(tls_part, "chain", EVIDENCE_MAX_CHAIN, &tls->chain_count);
    tls->chain = json_room(tls_part, "chain", tls->chain_count, sizeof *tls->chain);
    if (tls->chain == NULL)
        tls->chain_count = 0;
    for (size_t i = 0; i < tls->chain_count; i++) {
        struct json_part item = json_item_in(tls_part, "chain", array, i);
        certificate_in(&item, &tls->chain[i]);
        json_part_end(&item);
    }
}

static void leaf_in(struct json_part *tls_part, struct evidence_leaf *leaf)
{
    struct json_part part = json_object_in(tls_part, "leaf");
    leaf->names = json_read_texts(&part, "names", EVIDENCE_MAX_SANS, EVIDENCE_NAME_MAX, &leaf->name_count);
    leaf->names_dropped = json_read_u32(&part, "names_dropped");
    leaf->common_name = json_read_text(&part, "common_name", EVIDENCE_NAME_MAX);
    leaf->must_staple = json_read_bool(&part, "must_staple");
    leaf->issuer_url = json_read_text(&part, "issuer_url", EVIDENCE_TEXT_MAX);
    leaf->ocsp_url = json_read_text(&part, "ocsp_url", EVIDENCE_TEXT_MAX);
    leaf->crl_url = json_read_text(&part, "crl_url", EVIDENCE_TEXT_MAX);
    json_part_end(&part);
}

static void ocsp_in(struct json_part *tls_part, struct evidence_ocsp *ocsp)
{
    struct json_part part = json_object_in(tls_part, "ocsp");
    ocsp->status = (enum evidence_ocsp_status)json_read_choice(&part, "status", evidence_ocsp_status_name,
                                                               OCSP_UNKNOWN, OCSP_NOT_SAID);
    ocsp->response = (int32_t)json_read_int(&part, "response", INT32_MIN, INT32_MAX, 0);
    ocsp->signature = (enum evidence_signature)json_read_choice(&part, "signature", evidence_signature_name,
                                                                SIGNATURE_BAD, SIGNATURE_UNCHECKED);
    ocsp->produced_s = seconds(&part, "produced");
    ocsp->this_update_s = seconds(&part, "this_update");
    ocsp->next_update_s = seconds(&part, "next_update");
    ocsp->revoked_s = seconds(&part, "revoked");
    ocsp->reason = (int32_t)json_read_int(&part, "reason", 0, INT32_MAX, -1);
    json_part_end(&part);
}

static void issuer_in(struct json_part *tls_part, struct evidence_tls *tls)
{
    struct json_part part = json_object_in(tls_part, "issuer");
    tls->issuer_url = json_read_text(&part, "url", EVIDENCE_TEXT_MAX);
    tls->issuer = (enum evidence_issuer)json_read_choice(&part, "result", evidence_issuer_name, ISSUER_FAILED,
                                                         ISSUER_NOT_FETCHED);
    json_part_end(&part);
}

static void responder_in(struct json_part *tls_part, struct evidence_tls *tls)
{
    struct json_part part = json_object_in(tls_part, "responder");
    tls->responder_url = json_read_text(&part, "url", EVIDENCE_TEXT_MAX);
    tls->responder = (enum evidence_responder)json_read_choice(&part, "result", evidence_responder_name,
                                                               RESPONDER_FAILED, RESPONDER_NOT_ASKED);
    json_part_end(&part);
}

void certificates_from_json(struct json_part *tls_part, struct evidence_tls *tls)
{
    bool staple = json_has(tls_part, "ocsp") && json_is_object(json_object_get(tls_part->value, "ocsp"));
    tls->staple = (enum evidence_staple)json_read_choice(
        tls_part, "staple", evidence_staple_name, STAPLE_MALFORMED, staple ? STAPLE_PRESENT : STAPLE_UNKNOWN);
    ocsp_in(tls_part, &tls->ocsp);
    tls->sct_count = json_read_u32(tls_part, "sct_count");
    tls->sct_certificate = json_read_u32(tls_part, "sct_certificate");
    tls->sct_tls = json_read_u32(tls_part, "sct_tls");
    tls->sct_staple = json_read_u32(tls_part, "sct_staple");
    leaf_in(tls_part, &tls->leaf);
    chain_in(tls_part, tls);
    issuer_in(tls_part, tls);
    responder_in(tls_part, tls);
}
