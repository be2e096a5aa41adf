#include "probe/staple.h"

#include "hello/certificate_facts.h"

#include <openssl/ct.h>
#include <openssl/ocsp.h>
#include <openssl/x509v3.h>

/* A response may speak of many certificates; a server staples one. */
enum { RESPONSES_MAX = 64 };

/* Is this response about the leaf? Its id has hashes of the issuer's name and key under a digest of its choice. */
static bool is_about(OCSP_SINGLERESP *single, X509 *leaf, X509 *issuer)
{
    const OCSP_CERTID *id = OCSP_SINGLERESP_get0_id(single);
    ASN1_OBJECT *digest = NULL;
    ASN1_INTEGER *serial = NULL;
    if (OCSP_id_get0_info(NULL, &digest, NULL, &serial, (OCSP_CERTID *)(uintptr_t)id) != 1)
        return false;
    if (issuer == NULL)
        return ASN1_INTEGER_cmp(serial, X509_get0_serialNumber(leaf)) == 0;
    const EVP_MD *md = EVP_get_digestbyobj(digest);
    OCSP_CERTID *expected = md == NULL ? NULL : OCSP_cert_to_id(md, leaf, issuer);
    bool same = expected != NULL && OCSP_id_cmp(expected, id) == 0;
    OCSP_CERTID_free(expected);
    return same;
}

static OCSP_SINGLERESP *find(OCSP_BASICRESP *basic, X509 *leaf, X509 *issuer)
{
    int count = OCSP_resp_count(basic);
    for (int i = 0; i < count && i < RESPONSES_MAX; i++) {
        OCSP_SINGLERESP *single = OCSP_resp_get0(basic, i);
        if (single != NULL && is_about(single, leaf, issuer))
            return single;
    }
    return NULL;
}

static enum evidence_ocsp_status status_from(int status)
{
    switch (status) {
    case V_OCSP_CERTSTATUS_GOOD:
        return OCSP_GOOD;
    case V_OCSP_CERTSTATUS_REVOKED:
        return OCSP_REVOKED;
    case V_OCSP_CERTSTATUS_UNKNOWN:
        return OCSP_UNKNOWN;
    default: /* an integer of another library, or -1 */
        return OCSP_NOT_SAID;
    }
}

static uint32_t scts_of(OCSP_SINGLERESP *single)
{
    STACK_OF(SCT) *scts = OCSP_SINGLERESP_get1_ext_d2i(single, NID_ct_cert_scts, NULL, NULL);
    int count = scts == NULL ? 0 : sk_SCT_num(scts);
    SCT_LIST_free(scts);
    return count < 0 ? 0 : (uint32_t)count;
}

/*
 * Signed by the issuer, or by whom the issuer made a signer of responses? The issuer is all there is to trust for that,
 * whether it leads to a trusted root is another question, and so are dates.
 */
static enum evidence_signature signature_of(OCSP_BASICRESP *basic, X509 *issuer)
{
    if (issuer == NULL)
        return SIGNATURE_UNCHECKED;
    enum evidence_signature signature = SIGNATURE_UNCHECKED;
    X509_STORE *store = X509_STORE_new();
    STACK_OF(X509) *signers = sk_X509_new_null();
    if (store != NULL && signers != NULL && X509_STORE_add_cert(store, issuer) == 1 &&
        X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_NO_CHECK_TIME) == 1 &&
        sk_X509_push(signers, issuer) > 0)
        signature = OCSP_basic_verify(basic, signers, store, 0) == 1 ? SIGNATURE_GOOD : SIGNATURE_BAD;
    sk_X509_free(signers);
    X509_STORE_free(store);
    return signature;
}

static void read_basic(OCSP_BASICRESP *basic, X509 *leaf, X509 *issuer, struct evidence_ocsp *ocsp,
                       uint32_t *scts)
{
    ASN1_GENERALIZEDTIME *revoked = NULL, *this_update = NULL, *next_update = NULL;
    ocsp->produced_s = certificate_time_s(OCSP_resp_get0_produced_at(basic));
    ocsp->signature = signature_of(basic, issuer);
    OCSP_SINGLERESP *single = find(basic, leaf, issuer);
    if (single == NULL)
        return;
    int reason = -1;
    ocsp->status =
        status_from(OCSP_single_get0_status(single, &reason, &revoked, &this_update, &next_update));
    ocsp->reason = ocsp->status == OCSP_REVOKED ? reason : -1;
    ocsp->revoked_s = certificate_time_s(revoked);
    ocsp->this_update_s = certificate_time_s(this_update);
    ocsp->next_update_s = certificate_time_s(next_update);
    *scts = scts_of(single);
}

bool ocsp_read(const unsigned char *der, long length, X509 *leaf, X509 *issuer, struct evidence_ocsp *ocsp,
               uint32_t *scts)
{
    OCSP_RESPONSE *response = d2i_OCSP_RESPONSE(NULL, &der, length);
    if (response == NULL)
        return false;
    ocsp->response = OCSP_response_status(response);
    OCSP_BASICRESP *basic = OCSP_response_get1_basic(response);
    if (basic != NULL)
        read_basic(basic, leaf, issuer, ocsp, scts);
    bool whole = basic != NULL || ocsp->response != OCSP_RESPONSE_STATUS_SUCCESSFUL;
    OCSP_BASICRESP_free(basic);
    OCSP_RESPONSE_free(response);
    return whole;
}

void staple_read(const unsigned char *der, long length, X509 *leaf, X509 *issuer, struct evidence_tls *tls)
{
    tls->staple = STAPLE_ABSENT;
    if (der != NULL && length > 0)
        tls->staple = ocsp_read(der, length, leaf, issuer, &tls->ocsp, &tls->sct_staple) ? STAPLE_PRESENT
                                                                                         : STAPLE_MALFORMED;
}
