#ifndef PARALLAX_DUTY_SPOOL_EXPORT_H
#define PARALLAX_DUTY_SPOOL_EXPORT_H

#include "duty/spool.h"

#include <openssl/x509.h>
#include <signal.h>
#include <stdio.h>

/* A spool as the file of words/carry.h. */

struct export_counts {
    uint64_t records;
    uint64_t certificates;
    bool stopped; /* asked to end before it was whole */
};

struct export_to {
    FILE *out;
    FILE *progress;                    /* NULL: none */
    const volatile sig_atomic_t *stop; /* ends it early when it becomes true */
    EVP_PKEY *key;
    X509 *certificate;
};

/**
 * Writes all that waits now, while the owner of the spool may be delivering it: what the collector takes meanwhile may be missing.
 * @return false when the file is not whole. @param ret_why  one line, or NULL when it was stopped; the caller frees it.
 */
bool spool_export(struct spool *spool, const struct export_to *to, struct export_counts *ret_counts,
                  char **ret_why);

#endif
