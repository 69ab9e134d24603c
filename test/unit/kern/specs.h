/* Specs and randomness for the tests of this room. */
#ifndef TEST_KERN_SPECS_H
#define TEST_KERN_SPECS_H

#include "prove.h"

#include "base/sa_spec.h"
#include "kern/none.h"

static inline struct addr
addr_make(const char *text)
{
	struct addr a = { 0 };

	assert_true(addr_parse(text, &a));
	return a;
}

static inline struct range
subnet_make(const char *text, unsigned bits)
{
	struct addr a = addr_make(text);

	return (struct range){ addr_first_of(&a, bits), addr_last_of(&a, bits) };
}

/* AES-128-CBC with HMAC-SHA2-256, 10.1.0.0/24 to 10.2.0.0/24; SPIs follow the id. */
static inline struct sa_spec
spec_make(uint64_t id)
{
	static const uint8_t key[48] = { 1 };
	struct sa_spec s = { .id = id, .name = "tunnel",
	    .suite = { .protocol = PROTO_IPSEC_ESP, .cipher = ESP_AES,
	    .auth = AUTHALG_HMAC_SHA2_256, .mode = SA_TUNNEL, .key_bits = 128 },
	    .local = { addr_make("192.0.2.1"), 4500 }, .remote = { addr_make("192.0.2.2"), 4500 },
	    .encap = true, .replay_window = 64 };

	s.flow.local.net = subnet_make("10.1.0.0", 24);
	s.flow.remote.net = subnet_make("10.2.0.0", 24);
	s.in.spi = 0x1000 + (uint32_t)id;
	s.out.spi = 0x2000 + (uint32_t)id;
	assert_true(secret_set(&s.in.keymat, view_of(key, sizeof(key))));
	assert_true(secret_set(&s.out.keymat, view_of(key, sizeof(key))));
	return s;
}

/* Not random at all, and the same every time. */
static inline void
counting_octets(void *self, void *buf, size_t n)
{
	static uint32_t x = 1;
	uint8_t *p = buf;

	(void)self;
	for (size_t i = 0; i < n; i++) {
		x = x * 1664525u + 1013904223u;
		p[i] = (uint8_t)(x >> 24);
	}
}

static inline struct backend *
none_make(void)
{
	const struct none_env env = { .random = counting_octets };

	return none_new(&env);
}

#endif
