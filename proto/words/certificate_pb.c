#include "words/certificate_pb.h"

#include "words/reading.h"

#include <string.h>

/* The facts of certificates, out and in. They travel in the order of the hashes, for all of them or for none. */

static char *text_out(const char *text)
{
    return (char *)(uintptr_t)(text == NULL ? "" : text);
}

static Parallax__CertificateFacts *facts_out(const struct chain_certificate *from, struct arena *arena)
{
    Parallax__CertificateFacts *pb = arena_take(arena, sizeof *pb);
    if (pb == NULL)
        return NULL;
    parallax__certificate_facts__init(pb);
    pb->parsed = from->parsed;
    pb->subject = text_out(from->subject);
    pb->issuer = text_out(from->issuer);
    pb->not_before_s = from->not_before_s;
    pb->not_after_s = from->not_after_s;
    pb->key_type = text_out(from->key_type);
    pb->key_bits = from->key_bits;
    pb->key_group = text_out(from->key_group);
    pb->signature_name = text_out(from->signature_name);
    pb->self_signed = from->self_signed;
    pb->ca = from->ca;
#define X(field, nid) pb->field = from->field;
    EVIDENCE_EXTENSIONS(X)
#undef X
    return pb;
}

static bool chain_out(const struct evidence_tls *tls, Parallax__Tls *pb, struct arena *arena)
{
    pb->chain = arena_array(arena, tls->chain_count, sizeof *pb->chain);
    pb->certificates = arena_array(arena, tls->chain_count, sizeof(void *));
    if (pb->chain == NULL || pb->certificates == NULL)
        return false;
    for (size_t i = 0; i < tls->chain_count; i++) {
        pb->chain[pb->n_chain++] = bytes_to_pb(tls->chain[i].sha256, sizeof tls->chain[i].sha256);
        if ((pb->certificates[i] = facts_out(&tls->chain[i], arena)) == NULL)
            return false;
        pb->n_certificates++;
    }
    return true;
}

static bool leaf_out(const struct evidence_leaf *leaf, Parallax__Tls *pb, struct arena *arena)
{
    Parallax__Leaf *out = pb->leaf = arena_take(arena, sizeof *out);
    if (out == NULL)
        return false;
    parallax__leaf__init(out);
    out->names = arena_array(arena, leaf->name_count, sizeof *out->names);
    for (size_t i = 0; out->names != NULL && i < leaf->name_count; i++)
        out->names[out->n_names++] = text_out(leaf->names[i]);
    out->names_dropped = leaf->names_dropped;
    out->must_staple = leaf->must_staple;
    out->common_name = text_out(leaf->common_name);
    out->issuer_url = text_out(leaf->issuer_url);
    out->ocsp_url = text_out(leaf->ocsp_url);
    out->crl_url = text_out(leaf->crl_url);
    return out->names != NULL;
}

static bool ocsp_out(const struct evidence_ocsp *ocsp, Parallax__Tls *pb, struct arena *arena)
{
    Parallax__Ocsp *out = pb->ocsp = arena_take(arena, sizeof *out);
    if (out == NULL)
        return false;
    parallax__ocsp__init(out);
    out->status = ocsp->status;
    out->response = ocsp->response;
    out->produced_s = ocsp->produced_s;
    out->this_update_s = ocsp->this_update_s;
    out->next_update_s = ocsp->next_update_s;
    out->revoked_s = ocsp->revoked_s;
    out->reason = ocsp->reason;
    out->signature = ocsp->signature;
    return true;
}

bool certificates_to_pb(const struct evidence_tls *tls, Parallax__Tls *pb, struct arena *arena)
{
    pb->sct_count = tls->sct_count;
    pb->sct_certificate = tls->sct_certificate;
    pb->sct_tls = tls->sct_tls;
    pb->sct_staple = tls->sct_staple;
    pb->staple = tls->staple;
    pb->issuer = tls->issuer;
    pb->issuer_url = text_out(tls->issuer_url);
    pb->responder = tls->responder;
    pb->responder_url = text_out(tls->responder_url);
    bool said = tls->staple == STAPLE_PRESENT || tls->responder == RESPONDER_ANSWERED;
    if (said && !ocsp_out(&tls->ocsp, pb, arena))
        return false;
    return tls->chain_count == 0 || (chain_out(tls, pb, arena) && leaf_out(&tls->leaf, pb, arena));
}

/* --- in ------------------------------------------------------------------------------------------------------ */

static bool facts_in(struct reading *reading, const Parallax__CertificateFacts *pb,
                     struct chain_certificate *to)
{
    to->parsed = pb->parsed;
    to->subject = text_in(reading, pb->subject, EVIDENCE_NAME_MAX);
    to->issuer = text_in(reading, pb->issuer, EVIDENCE_NAME_MAX);
    to->not_before_s = pb->not_before_s;
    to->not_after_s = pb->not_after_s;
    to->key_type = text_in(reading, pb->key_type, EVIDENCE_KEY_NAME_MAX);
    to->key_bits = pb->key_bits;
    to->key_group = text_in(reading, pb->key_group, EVIDENCE_KEY_NAME_MAX);
    to->signature_name = text_in(reading, pb->signature_name, EVIDENCE_KEY_NAME_MAX);
    to->self_signed = pb->self_signed;
    to->ca = pb->ca;
#define X(field, nid)                                                                                        \
    if (pb->field > PRESENCE_PRESENT)                                                                        \
        return broken(reading, "the presence of an extension is out of range");                              \
    to->field = (enum evidence_presence)pb->field;
    EVIDENCE_EXTENSIONS(X)
#undef X
    return reading->why == NULL;
}

static bool chain_in(struct reading *reading, const Parallax__Tls *pb, struct evidence_tls *tls)
{
    if (pb->n_chain > EVIDENCE_MAX_CHAIN)
        return broken(reading, "too many certificates");
    if (pb->n_certificates != 0 && pb->n_certificates != pb->n_chain)
        return broken(reading, "facts of some certificates, not of all");
    tls->chain = arena_array(reading->arena, pb->n_chain, sizeof *tls->chain);
    if (tls->chain == NULL)
        return broken(reading, "an attempt that is too big");
    for (size_t i = 0; i < pb->n_chain; i++) {
        struct chain_certificate *to = &tls->chain[i];
        to->subject = to->issuer = to->key_type = to->key_group = to->signature_name = "";
        if (pb->chain[i].len != sizeof to->sha256)
            return broken(reading, "a certificate hash is not 32 bytes");
        memcpy(to->sha256, pb->chain[i].data, pb->chain[i].len);
        tls->chain_count++;
        if (i < pb->n_certificates && !facts_in(reading, pb->certificates[i], to))
            return false;
    }
    return true;
}

static bool leaf_in(struct reading *reading, const Parallax__Leaf *pb, struct evidence_leaf *leaf)
{
    if (pb == NULL)
        return true;
    if (pb->n_names > EVIDENCE_MAX_SANS)
        return broken(reading, "too many names of a certificate");
    leaf->names = arena_array(reading->arena, pb->n_names, sizeof *leaf->names);
    for (size_t i = 0; leaf->names != NULL && i < pb->n_names; i++)
        leaf->names[leaf->name_count++] = text_in(reading, pb->names[i], EVIDENCE_NAME_MAX);
    leaf->names_dropped = pb->names_dropped;
    leaf->must_staple = pb->must_staple;
    leaf->common_name = text_in(reading, pb->common_name, EVIDENCE_NAME_MAX);
    leaf->issuer_url = text_in(reading, pb->issuer_url, EVIDENCE_TEXT_MAX);
    leaf->ocsp_url = text_in(reading, pb->ocsp_url, EVIDENCE_TEXT_MAX);
    leaf->crl_url = text_in(reading, pb->crl_url, EVIDENCE_TEXT_MAX);
    return leaf->names != NULL && reading->why == NULL;
}

static bool ocsp_in(struct reading *reading, const Parallax__Ocsp *pb, struct evidence_ocsp *ocsp)
{
    if (pb == NULL)
        return true;
    if (pb->status > OCSP_UNKNOWN || pb->signature > SIGNATURE_BAD)
        return broken(reading, "a number of the OCSP response is out of range");
    *ocsp = (struct evidence_ocsp){
        .status = (enum evidence_ocsp_status)pb->status,
        .response = pb->response,
        .produced_s = pb->produced_s,
        .this_update_s = pb->this_update_s,
        .next_update_s = pb->next_update_s,
        .revoked_s = pb->revoked_s,
        .reason = pb->reason,
        .signature = (enum evidence_signature)pb->signature,
    };
    return true;
}

bool certificates_from_pb(const Parallax__Tls *pb, struct evidence_tls *tls, struct arena *arena,
                          const char **ret_why)
{
    struct reading reading = {.arena = arena, .too_long = "a text of a certificate is too long"};
    bool read = false;
    if (pb->staple > STAPLE_MALFORMED || pb->issuer > ISSUER_FAILED || pb->responder > RESPONDER_FAILED) {
        reading.why = "a number about the certificates is out of range";
    } else {
        tls->sct_count = pb->sct_count;
        tls->sct_certificate = pb->sct_certificate;
        tls->sct_tls = pb->sct_tls;
        tls->sct_staple = pb->sct_staple;
        tls->staple = (enum evidence_staple)pb->staple;
        tls->issuer = (enum evidence_issuer)pb->issuer;
        tls->issuer_url = text_in(&reading, pb->issuer_url, EVIDENCE_TEXT_MAX);
        tls->responder = (enum evidence_responder)pb->responder;
        tls->responder_url = text_in(&reading, pb->responder_url, EVIDENCE_TEXT_MAX);
        read = chain_in(&reading, pb, tls) && leaf_in(&reading, pb->leaf, &tls->leaf) &&
               ocsp_in(&reading, pb->ocsp, &tls->ocsp) && reading.why == NULL;
    }
    if (!read)
        *ret_why = reading.why == NULL ? "an attempt that is too big" : reading.why;
    return read;
}
