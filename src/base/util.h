/* Attributes and small macros that stand on every line. */
#ifndef BASE_UTIL_H
#define BASE_UTIL_H

#define MUST_USE	__attribute__((warn_unused_result))
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))
#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))

#endif
