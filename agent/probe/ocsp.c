#include "probe/ocsp.h"

#include "probe/aia.h"
#include "probe/staple.h"

#include <openssl/err.h>
#include <openssl/ocsp.h>

static bool write_request(X509 *leaf, X509 *issuer, struct buf *out)
{
    OCSP_REQUEST *request = OCSP_REQUEST_new();
    OCSP_CERTID *id = OCSP_cert_to_id(EVP_sha1(), leaf, issuer);
    bool added = request != NULL && id != NULL && OCSP_request_add0_id(request, id) != NULL;
    if (!added)
        OCSP_CERTID_free(id);
    int length = added ? i2d_OCSP_REQUEST(request, NULL) : 0;
    unsigned char *room = length <= 0 ? NULL : buf_room(out, (size_t)length);
    bool written = room != NULL && i2d_OCSP_REQUEST(request, &room) == length;
    if (written)
        buf_grew(out, (size_t)length);
    OCSP_REQUEST_free(request);
    return written;
}

bool ocsp_request(const struct case_file *file, X509_STORE *store, struct buf *out)
{
    X509 *leaf = aia_certificate(file->attempts[0], 0);
    X509 *issuer = aia_issuer_of_leaf(file, store);
    bool written = leaf != NULL && issuer != NULL && write_request(leaf, issuer, out);
    X509_free(leaf);
    X509_free(issuer);
    ERR_clear_error();
    return written;
}

enum evidence_responder ocsp_judge(const void *bytes, size_t length, const struct case_file *file,
                                   X509_STORE *store, struct evidence_tls *tls)
{
    X509 *leaf = aia_certificate(file->attempts[0], 0);
    X509 *issuer = aia_issuer_of_leaf(file, store);
    uint32_t proofs = 0; /* of transparency come with a staple, not so */
    bool read = leaf != NULL && length > 0 && length <= AIA_MAX_BYTES &&
                ocsp_read(bytes, (long)length, leaf, issuer, &tls->ocsp, &proofs);
    X509_free(leaf);
    X509_free(issuer);
    ERR_clear_error();
    return read ? RESPONDER_ANSWERED : RESPONDER_MALFORMED;
}
