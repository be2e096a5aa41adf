#ifndef PARALLAX_WORDS_CONCLUDE_HELLO_H
#define PARALLAX_WORDS_CONCLUDE_HELLO_H

#include "words/cause.h"

/** When the first hello was answered: what becomes of larger ones, and how slowly the answer came. */
conclude_fn conclude_hello_size;

/** When it was answered with a certificate of an unknown issuer: is it a proxy's? */
conclude_fn conclude_hello_intercepted;

#endif
