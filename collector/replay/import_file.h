#ifndef PARALLAX_COLLECTOR_REPLAY_IMPORT_FILE_H
#define PARALLAX_COLLECTOR_REPLAY_IMPORT_FILE_H

#include "words/carry.h"
#include "words/message.h"

#include <openssl/x509.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/*
 * A file of words/carry.h, as whoever brought it gave it: everything in it is checked, and what is wrong ends the reading with one
 * cli_error that names the file, the line and what was expected.
 */

struct import_counts {
    uint64_t records;
    uint64_t certificates;
};

struct import_file {
    const char *name; /* as the user gave it */
    FILE *stream;
    uint64_t size_bytes;
    uint64_t line;
    uint64_t last;    /* sequence */
    bool opened;      /* the header is read */
    struct buf bytes; /* of the line */
    struct buf binary;
    EVP_MD_CTX *digest;
    struct import_counts counts;
    const atomic_bool *stop;
    /* of the header */
    char vantage[64];
    X509 *certificate;
    uint64_t first_said, last_said;
    /* of the end */
    uint8_t sha256[32];
};

enum import_kind { IMPORT_FAILED, IMPORT_RECORD, IMPORT_CERTIFICATE, IMPORT_END };

struct import_line {
    struct record record; /* IMPORT_RECORD: record_done it */
    struct bytes der;     /* IMPORT_CERTIFICATE: until the next line is read */
};

/**
 * Opens a file; "-" is standard input, of which a copy is made that has no name. Reads the header.
 * @param folder  where such a copy goes.
 * @param stop    ends the reading early, without a word.
 * @return false after cli_error; import_close it all the same.
 */
bool import_open(struct import_file *file, const char *name, const char *folder, const atomic_bool *stop);
void import_close(struct import_file *file);

/** From the first line again. @return false after cli_error. */
bool import_rewind(struct import_file *file);

/** The next line after the header. IMPORT_END: the file is whole, and the key of its certificate has signed it. */
enum import_kind import_next(struct import_file *file, struct import_line *ret_line);

/** How far it is, from 0 to 100. */
unsigned import_percent(const struct import_file *file);

/** cli_error with file and line in front. @return false. */
bool import_error(const struct import_file *file, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
