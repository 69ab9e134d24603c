/* What every unit test includes: cmocka with its fixed order of headers. */
#ifndef TEST_PROVE_H
#define TEST_PROVE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#endif
