#ifndef PARALLAX_WORDS_CERTIFICATE_PB_H
#define PARALLAX_WORDS_CERTIFICATE_PB_H

#include "words/arena.h"
#include "words/evidence.h"

#include "evidence.pb-c.h"

/* The part of a handshake's evidence that is about certificates, between generated structs and ours. For
 * evidence_in_pb.c and evidence_out_pb.c alone. */

/** Writes hashes, facts, leaf and staple. @return false at the arena's bound. */
bool certificates_to_pb(const struct evidence_tls *tls, Parallax__Tls *pb, struct arena *arena);

/** Reads them, checked and copied. @return false with *ret_why naming the broken rule. */
bool certificates_from_pb(const Parallax__Tls *pb, struct evidence_tls *tls, struct arena *arena,
                          const char **ret_why);

#endif
