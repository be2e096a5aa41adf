#ifndef PARALLAX_WORDS_CDN_H
#define PARALLAX_WORDS_CDN_H

#include "words/evidence.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Which content delivery network answered, and from which point of presence: by scores over what an attempt saw. The rules
 * are data (deploy/cdn.table, which says their form) built into the program; an operator's file of that form extends them.
 */

/* X(symbol, number, name, score): what kind of thing gave it away; each kind counts once */
#define CDN_CLUES(X)                                                                                         \
    X(CDN_CLUE_CNAME, 0, "cname", 3)                                                                         \
    X(CDN_CLUE_HEADER, 1, "header", 3)                                                                       \
    X(CDN_CLUE_ASN, 2, "asn", 2)                                                                             \
    X(CDN_CLUE_CERTIFICATE, 3, "certificate", 1)

#define CDN_CLUE_ENUM(symbol, number, name, score) symbol = (number),
enum cdn_clue_kind { CDN_CLUES(CDN_CLUE_ENUM) };

enum {
    CDN_REPORT_SCORE = 3, /* below it nothing is named */
    CDN_MAX_CLUES = 12,
    CDN_TEXT_BYTES = 160, /* of a clue; longer ones are cut */
    CDN_POP_BYTES = 33
};

struct cdn_clue {
    enum cdn_clue_kind kind;
    char text[CDN_TEXT_BYTES]; /* "cf-ray: 8f1-HKG", "x.cdn.cloudflare.net", "AS13335": strangers' bytes */
};

struct cdn_match {
    const char *name; /* lives as long as the program */
    unsigned score;
    char pop[CDN_POP_BYTES]; /* letters, digits, and "._-" only; "" when it is not said */
    size_t clue_count;
    struct cdn_clue clues[CDN_MAX_CLUES];
};

/**
 * @param asn  of the address that was connected to; 0: not known.
 * @return false when no CDN reaches CDN_REPORT_SCORE.
 */
bool cdn_identify(const struct attempt *attempt, int64_t asn, struct cdn_match *ret_match);

/** "cname", "header", ...; "?" for a number that is none of ours. */
const char *cdn_clue_name(int kind);
unsigned cdn_clue_score(enum cdn_clue_kind kind);

/**
 * Adds rules of an operator's file, to CDNs that are known or new ones; for the whole program, before the first attempt.
 * @return false at a line that is no rule (ret_line from 1, ret_why a static English gettext msgid) or without memory
 *         (line 0); then nothing was added.
 */
bool cdn_extend(const char *text, size_t length, unsigned *ret_line, const char **ret_why);

#endif
