/* Hex text to octets, for expected values. */
#ifndef TEST_HEX_H
#define TEST_HEX_H

#include <stdint.h>
#include <string.h>

#include "base/view.h"

enum { HEX_MAX = 2048 };

struct hex {
	uint8_t	b[HEX_MAX];
	size_t	n;
};

static inline int
hex_digit(char c)
{
	const char *digits = "0123456789abcdef", *at;
	char lower = c >= 'A' && c <= 'F' ? (char)(c - 'A' + 'a') : c;

	at = lower == '\0' ? NULL : strchr(digits, lower);
	return at == NULL ? -1 : (int)(at - digits);
}

/* Spaces are skipped. */
static inline struct hex
hex_of(const char *text)
{
	struct hex h = { .n = 0 };
	int high = -1;

	for (; *text != '\0' && h.n < HEX_MAX; text++) {
		int digit = hex_digit(*text);

		if (digit < 0)
			continue;
		if (high < 0) {
			high = digit;
		} else {
			h.b[h.n++] = (uint8_t)(high << 4 | digit);
			high = -1;
		}
	}
	return h;
}

static inline struct view
hex_view(const struct hex *h)
{
	return view_of(h->b, h->n);
}

#define assert_hex(ptr, len, text) do {					\
	struct hex want_ = hex_of(text);				\
	assert_int_equal(len, want_.n);					\
	assert_memory_equal(ptr, want_.b, want_.n);			\
} while (0)

#endif
