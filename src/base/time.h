/*
 * Instants on the monotonic clock and durations are different types, so one
 * cannot be passed for the other.
 */
#ifndef BASE_TIME_H
#define BASE_TIME_H

#include <stdbool.h>
#include <stdint.h>

struct mono { int64_t us; };	/* microseconds since an unspecified start */
struct span { int64_t us; };	/* microseconds */

#define MONO_NEVER	((struct mono){ INT64_MAX })

static inline struct span span_ms(int64_t ms) { return (struct span){ ms * 1000 }; }
static inline struct span span_s(int64_t s) { return (struct span){ s * 1000000 }; }

/* t + d, saturating at MONO_NEVER. */
static inline struct mono
mono_add(struct mono t, struct span d)
{
	if (t.us > INT64_MAX - d.us)
		return MONO_NEVER;
	return (struct mono){ t.us + d.us };
}

static inline struct span
mono_since(struct mono later, struct mono earlier)
{
	return (struct span){ later.us - earlier.us };
}

static inline bool mono_before(struct mono a, struct mono b) { return a.us < b.us; }
static inline bool mono_reached(struct mono now, struct mono t) { return now.us >= t.us; }
static inline struct mono mono_min(struct mono a, struct mono b) { return a.us < b.us ? a : b; }
static inline int64_t span_secs(struct span d) { return d.us / 1000000; }

#endif
