#ifndef PARALLAX_TESTS_CMOCKA_ALL_H
#define PARALLAX_TESTS_CMOCKA_ALL_H

/* cmocka.h wants these first, in any order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
