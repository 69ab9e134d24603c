/*
 * prng: the only source of chance in a simulation, so that a run is its seed.
 * SplitMix64 (Steele, Lea, Flood 2014).  Never used for keys outside of it.
 */
#ifndef SIM_PRNG_H
#define SIM_PRNG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct prng { uint64_t state; };

static inline uint64_t
prng_u64(struct prng *p)
{
	uint64_t z = (p->state += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

/* 0 .. n-1; the bias of the remainder does not matter here. */
static inline uint64_t
prng_below(struct prng *p, uint64_t n)
{
	return n == 0 ? 0 : prng_u64(p) % n;
}

/* True in `permille` of 1000 cases. */
static inline bool
prng_chance(struct prng *p, unsigned permille)
{
	return permille != 0 && prng_below(p, 1000) < permille;
}

static inline void
prng_fill(struct prng *p, void *buf, size_t n)
{
	uint8_t *b = buf;

	for (size_t i = 0; i < n; i++)
		b[i] = (uint8_t)prng_u64(p);
}

#endif
