#ifndef PARALLAX_WORDS_CARRY_H
#define PARALLAX_WORDS_CARRY_H

#include "words/buf.h"

#include <openssl/evp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The file in which results are carried by hand from a vantage's spool to a collector, as both sides know it: lines of JSON.
 *
 *     {"kind": "parallax-spool", "schema": 1, "vantage": ..., "certificate": PEM, "first": ..., "last": ..., "waiting": ..., ...}
 *     {"kind": "attempt", "sequence": ..., "endpoint": ..., "round": ..., "start": ..., "record": base64}      sequences ascend
 *     {"kind": "report", "sequence": ..., "round": ..., "record": base64}
 *     {"kind": "certificate", "sha256": ..., "der": base64}                                        of chains that records name
 *     {"kind": "end", "records": ..., "certificates": ..., "sha256": ..., "signature": base64}
 *
 * What counts is the record (Record of link.proto); the fields beside it are for people. "sha256" is of all bytes before the end line,
 * and the vantage's key has signed it: the file is whole and as the vantage wrote it, or it is not taken.
 */
#define CARRY_KIND "parallax-spool"
enum { CARRY_SCHEMA = 1, CARRY_MAX_LINE = 8 * 1024 * 1024, CARRY_SIGNATURE_MAX = 512 };

/** Signs the hash; appends the signature. @return false when the library cannot. */
bool carry_sign(EVP_PKEY *key, const uint8_t sha256[32], struct buf *out);
bool carry_verify(EVP_PKEY *key, const uint8_t sha256[32], const void *signature, size_t length);

/** Appends base64 (RFC 4648 section 4). @return false without memory. */
bool base64_text(struct buf *out, const void *bytes, size_t length);

/** Appends what base64 stands for. @return false when it is none, or without memory. */
bool base64_parse(struct buf *out, const char *text, size_t length);

#endif
