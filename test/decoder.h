/*
 * What every decoder must survive: its real message cut at every length,
 * changed in every octet to every value, and followed by more octets.  Each
 * input is an exact heap copy, so a sanitizer sees the first octet too far.
 */
#ifndef TEST_DECODER_H
#define TEST_DECODER_H

#include "prove.h"

#include "base/view.h"

/*
 * Decodes; when it accepts, asserts by itself that the result round-trips or
 * stays within the input, and returns true.
 */
typedef bool decoder_fn(struct view in);

enum cut { CUT_IS_REFUSED, CUT_MAY_PASS };

static inline bool
decoder_try(decoder_fn *decode, const uint8_t *p, size_t n)
{
	uint8_t *copy = malloc(n == 0 ? 1 : n);

	assert_non_null(copy);
	if (n > 0)
		memcpy(copy, p, n);
	bool accepted = decode(view_of(copy, n));
	free(copy);
	return accepted;
}

static inline void
decoder_prove(decoder_fn *decode, struct view real, enum cut cut)
{
	uint8_t *work = malloc(real.n + 8);

	assert_non_null(work);
	memcpy(work, real.p, real.n);
	assert_true(decoder_try(decode, work, real.n));
	for (size_t n = 0; n < real.n; n++)
		if (decoder_try(decode, work, n))
			assert_int_equal(cut, CUT_MAY_PASS);
	for (size_t i = 0; i < real.n; i++) {
		for (unsigned x = 1; x < 256; x++) {
			work[i] = real.p[i] ^ (uint8_t)x;
			(void)decoder_try(decode, work, real.n);
		}
		work[i] = real.p[i];
	}
	for (unsigned fill = 0; fill < 256; fill += 255)
		for (size_t more = 1; more <= 8; more++) {
			memset(work + real.n, (int)fill, more);
			(void)decoder_try(decode, work, real.n + more);
		}
	free(work);
}

/* True if inner lies within outer. */
static inline bool
view_within(struct view inner, struct view outer)
{
	return inner.n == 0 || (inner.p >= outer.p && inner.p + inner.n <= outer.p + outer.n);
}

#endif
