#include "hello/certificate_facts.h"

#include "words/buf.h"
#include "words/utf8.h"

#include <openssl/ct.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { TLS_FEATURE_STATUS_REQUEST = 5, DNS_NAME_MAX_BYTES = 253, URLS_MAX = 32, FEATURES_MAX = 16 };

/* --- text from strangers ------------------------------------------------------------------------------------- */

static bool is_control(unsigned char byte)
{
    return byte < 0x20 || byte == 0x7f;
}

static bool has_control(const void *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (is_control(((const unsigned char *)bytes)[i]))
            return true;
    return false;
}

/* The longest start of UTF-8 text that fits into max bytes. */
static size_t cut_at(const char *text, size_t length, size_t max)
{
    if (length <= max)
        return length;
    while (max > 0 && ((unsigned char)text[max] & 0xc0) == 0x80)
        max--;
    return max;
}

/* Valid UTF-8 without control bytes, at most max bytes. "" without memory. */
static const char *keep_text(struct arena *arena, const void *bytes, size_t length, size_t max)
{
    struct buf escaped, clean;
    buf_init(&escaped, 8 * EVIDENCE_TEXT_MAX);
    buf_init(&clean, 0);
    const unsigned char *byte = bytes;
    for (size_t i = 0; i < length && i < max; i++)
        if (!(is_control(byte[i]) ? buf_printf(&escaped, "\\x%02X", byte[i]) : buf_byte(&escaped, byte[i])))
            break;
    const char *kept = NULL;
    if (escaped.len > 0 && utf8_clean(&clean, (const char *)escaped.data, escaped.len))
        kept = arena_text(arena, (const char *)clean.data, cut_at((const char *)clean.data, clean.len, max));
    buf_done(&escaped);
    buf_done(&clean);
    return kept == NULL ? "" : kept;
}

const char *certificate_name_text(const X509_NAME *name, struct arena *arena)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL;
    long length = 0;
    /* RFC 2253 with control characters escaped and UTF-8 left as it is. */
    if (bio != NULL &&
        X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB) >= 0)
        length = BIO_get_mem_data(bio, &text);
    const char *kept = keep_text(arena, text, length > 0 ? (size_t)length : 0, EVIDENCE_NAME_MAX);
    BIO_free(bio);
    return kept;
}

static const char *keep_string(struct arena *arena, const ASN1_STRING *string, size_t max)
{
    int length = string == NULL ? 0 : ASN1_STRING_length(string);
    return length <= 0 ? "" : keep_text(arena, ASN1_STRING_get0_data(string), (size_t)length, max);
}

int64_t certificate_time_s(const ASN1_TIME *time)
{
    struct tm tm;
    return time == NULL || ASN1_TIME_to_tm(time, &tm) != 1 ? 0 : (int64_t)timegm(&tm);
}

/* --- every certificate ---------------------------------------------------------------------------------------- */

static void extension_free(int nid, void *parsed)
{
    const X509V3_EXT_METHOD *method = X509V3_EXT_get_nid(nid);
    if (method != NULL && method->it != NULL)
        ASN1_item_free(parsed, ASN1_ITEM_ptr(method->it));
    else if (method != NULL && method->ext_free != NULL)
        method->ext_free(parsed);
}

/* NULL means absent only when the criticality says -1; otherwise it does not parse (or is there twice). */
static enum evidence_presence presence_of(X509 *x509, int nid)
{
    int critical = -1;
    void *parsed = X509_get_ext_d2i(x509, nid, &critical, NULL);
    if (parsed == NULL)
        return critical == -1 ? PRESENCE_ABSENT : PRESENCE_MALFORMED;
    extension_free(nid, parsed);
    return PRESENCE_PRESENT;
}

static const char *signature_name(X509 *x509, struct arena *arena)
{
    int nid = X509_get_signature_nid(x509);
    char oid[EVIDENCE_KEY_NAME_MAX] = "";
    if (nid != NID_undef)
        return OBJ_nid2ln(nid);
    const X509_ALGOR *algorithm = X509_get0_tbs_sigalg(x509);
    const ASN1_OBJECT *object = NULL;
    X509_ALGOR_get0(&object, NULL, NULL, algorithm);
    (void)OBJ_obj2txt(oid, sizeof oid, object, 1);
    return keep_text(arena, oid, strlen(oid), EVIDENCE_KEY_NAME_MAX);
}

static void key_facts(X509 *x509, struct arena *arena, struct chain_certificate *certificate)
{
    EVP_PKEY *key = X509_get0_pubkey(x509);
    certificate->key_type = certificate->key_group = "";
    if (key == NULL)
        return;
    const char *type = EVP_PKEY_get0_type_name(key);
    char group[EVIDENCE_KEY_NAME_MAX] = "";
    size_t length = 0;
    certificate->key_type = type == NULL ? "" : keep_text(arena, type, strlen(type), EVIDENCE_KEY_NAME_MAX);
    certificate->key_bits = EVP_PKEY_get_bits(key) > 0 ? (uint32_t)EVP_PKEY_get_bits(key) : 0;
    if (EVP_PKEY_is_a(key, "EC") && EVP_PKEY_get_group_name(key, group, sizeof group, &length) == 1)
        certificate->key_group = keep_text(arena, group, strlen(group), EVIDENCE_KEY_NAME_MAX);
}

bool certificate_facts(X509 *x509, struct arena *arena, struct chain_certificate *certificate)
{
    uint32_t flags = X509_get_extension_flags(x509);
    certificate->subject = certificate_name_text(X509_get_subject_name(x509), arena);
    certificate->issuer = certificate_name_text(X509_get_issuer_name(x509), arena);
    certificate->not_before_s = certificate_time_s(X509_get0_notBefore(x509));
    certificate->not_after_s = certificate_time_s(X509_get0_notAfter(x509));
    certificate->signature_name = signature_name(x509, arena);
    certificate->self_signed = (flags & EXFLAG_SS) != 0;
    certificate->ca = (flags & EXFLAG_CA) != 0;
    key_facts(x509, arena, certificate);
#define X(field, nid) certificate->field = presence_of(x509, nid);
    EVIDENCE_EXTENSIONS(X)
#undef X
    certificate->parsed = arena->used_bytes < arena->max_bytes;
    return certificate->parsed;
}

bool certificate_keep(X509 *x509, struct arena *arena, struct chain_certificate *ret_kept)
{
    int length = i2d_X509(x509, NULL);
    unsigned char *der = length <= 0 ? NULL : arena_take(arena, (size_t)length);
    unsigned char *at = der;
    if (der == NULL || i2d_X509(x509, &at) != length)
        return false;
    *ret_kept = (struct chain_certificate){.der = der, .der_length = (size_t)length};
    return EVP_Digest(der, (size_t)length, ret_kept->sha256, NULL, EVP_sha256(), NULL) == 1 &&
           certificate_facts(x509, arena, ret_kept);
}

/* --- the leaf ------------------------------------------------------------------------------------------------- */

static const char *common_name(X509 *x509, struct arena *arena)
{
    const X509_NAME *subject = X509_get_subject_name(x509);
    const char *kept = "";
    unsigned char *utf8 = NULL;
    int last = -1;
    for (int at; (at = X509_NAME_get_index_by_NID(subject, NID_commonName, last)) >= 0;)
        last = at;
    const X509_NAME_ENTRY *entry = last < 0 ? NULL : X509_NAME_get_entry(subject, last);
    int length = entry == NULL ? -1 : ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(entry));
    if (length > 0)
        kept = keep_text(arena, utf8, (size_t)length, EVIDENCE_NAME_MAX);
    OPENSSL_free(utf8);
    return kept;
}

/* @return NULL for a name that is neither a DNS name nor an address. */
static const char *general_name(const GENERAL_NAME *name, struct arena *arena)
{
    struct address address;
    char text[ADDRESS_TEXT_BYTES];
    if (name->type == GEN_DNS)
        return keep_string(arena, name->d.dNSName, EVIDENCE_NAME_MAX);
    if (name->type != GEN_IPADD)
        return NULL;
    const ASN1_OCTET_STRING *bytes = name->d.iPAddress;
    if (!address_from_bytes(ASN1_STRING_get0_data(bytes), (size_t)ASN1_STRING_length(bytes), &address) ||
        address.length == 0)
        return NULL;
    return arena_string(arena, address_text(&address, text));
}

static bool keep_sans(X509 *x509, struct arena *arena, struct evidence_leaf *leaf)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(x509, NID_subject_alt_name, NULL, NULL);
    int count = names == NULL ? 0 : sk_GENERAL_NAME_num(names);
    int room = count < EVIDENCE_MAX_SANS ? count : EVIDENCE_MAX_SANS;
    leaf->names = arena_array(arena, (size_t)room, sizeof *leaf->names);
    for (int i = 0; i < count && leaf->names != NULL; i++) {
        const char *text = i < room ? general_name(sk_GENERAL_NAME_value(names, i), arena) : NULL;
        if (text != NULL)
            leaf->names[leaf->name_count++] = text;
    }
    leaf->names_dropped = (uint32_t)(count - room);
    GENERAL_NAMES_free(names);
    return leaf->names != NULL;
}

static void keep_access(X509 *x509, struct arena *arena, struct evidence_leaf *leaf)
{
    AUTHORITY_INFO_ACCESS *access = X509_get_ext_d2i(x509, NID_info_access, NULL, NULL);
    int count = access == NULL ? 0 : sk_ACCESS_DESCRIPTION_num(access);
    for (int i = 0; i < count && i < URLS_MAX; i++) {
        const ACCESS_DESCRIPTION *one = sk_ACCESS_DESCRIPTION_value(access, i);
        int method = OBJ_obj2nid(one->method);
        const char **kept = method == NID_ad_ca_issuers ? &leaf->issuer_url
                            : method == NID_ad_OCSP     ? &leaf->ocsp_url
                                                        : NULL;
        if (kept != NULL && (*kept)[0] == '\0' && one->location->type == GEN_URI)
            *kept = keep_string(arena, one->location->d.uniformResourceIdentifier, EVIDENCE_TEXT_MAX);
    }
    AUTHORITY_INFO_ACCESS_free(access);
}

static void keep_crl(X509 *x509, struct arena *arena, struct evidence_leaf *leaf)
{
    CRL_DIST_POINTS *points = X509_get_ext_d2i(x509, NID_crl_distribution_points, NULL, NULL);
    int count = points == NULL ? 0 : sk_DIST_POINT_num(points);
    for (int i = 0; i < count && i < URLS_MAX && leaf->crl_url[0] == '\0'; i++) {
        const DIST_POINT_NAME *where = sk_DIST_POINT_value(points, i)->distpoint;
        const GENERAL_NAMES *names = where == NULL || where->type != 0 ? NULL : where->name.fullname;
        const GENERAL_NAME *name = names == NULL ? NULL : sk_GENERAL_NAME_value(names, 0);
        if (name != NULL && name->type == GEN_URI)
            leaf->crl_url = keep_string(arena, name->d.uniformResourceIdentifier, EVIDENCE_TEXT_MAX);
    }
    CRL_DIST_POINTS_free(points);
}

static bool must_staple(X509 *x509)
{
    TLS_FEATURE *features = X509_get_ext_d2i(x509, NID_tlsfeature, NULL, NULL);
    int count = features == NULL ? 0 : sk_ASN1_INTEGER_num(features);
    bool found = false;
    for (int i = 0; i < count && i < FEATURES_MAX; i++)
        found |= ASN1_INTEGER_get(sk_ASN1_INTEGER_value(features, i)) == TLS_FEATURE_STATUS_REQUEST;
    TLS_FEATURE_free(features);
    return found;
}

bool certificate_leaf_facts(X509 *x509, struct arena *arena, struct evidence_leaf *leaf)
{
    leaf->must_staple = must_staple(x509);
    leaf->common_name = common_name(x509, arena);
    keep_access(x509, arena, leaf);
    keep_crl(x509, arena, leaf);
    return keep_sans(x509, arena, leaf);
}

uint32_t certificate_sct_count(X509 *leaf)
{
    STACK_OF(SCT) *scts = X509_get_ext_d2i(leaf, NID_ct_precert_scts, NULL, NULL);
    int count = scts == NULL ? 0 : sk_SCT_num(scts);
    SCT_LIST_free(scts);
    return count < 0 ? 0 : (uint32_t)count;
}

/* --- abuse ---------------------------------------------------------------------------------------------------- */

static bool subject_abused(X509 *x509)
{
    const X509_NAME *subject = X509_get_subject_name(x509);
    bool abused = false;
    for (int i = 0; i < X509_NAME_entry_count(subject) && !abused; i++) {
        unsigned char *utf8 = NULL;
        int length = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, i)));
        abused = length > 0 && (has_control(utf8, (size_t)length) || length > EVIDENCE_TEXT_MAX);
        OPENSSL_free(utf8);
    }
    return abused;
}

bool certificate_names_abused(X509 *x509)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(x509, NID_subject_alt_name, NULL, NULL);
    bool abused = subject_abused(x509);
    for (int i = 0; names != NULL && i < sk_GENERAL_NAME_num(names) && !abused; i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        if (name->type != GEN_DNS)
            continue;
        int length = ASN1_STRING_length(name->d.dNSName);
        abused = length > DNS_NAME_MAX_BYTES ||
                 has_control(ASN1_STRING_get0_data(name->d.dNSName), length < 0 ? 0 : (size_t)length);
    }
    GENERAL_NAMES_free(names);
    return abused;
}
