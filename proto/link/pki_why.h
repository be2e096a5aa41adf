#ifndef PARALLAX_LINK_PKI_WHY_H
#define PARALLAX_LINK_PKI_WHY_H

/* How the files of pki say what went wrong: one line the caller frees; the OpenSSL queue is empty afterwards.
 */

void pki_why(char **ret_why, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** "what: the library's reason". */
void pki_why_library(char **ret_why, const char *what);

#endif
