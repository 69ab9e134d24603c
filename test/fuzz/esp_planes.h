/* Two planes with known keys, for the fuzzers of the data plane. */
#ifndef TEST_FUZZ_ESP_PLANES_H
#define TEST_FUZZ_ESP_PLANES_H

#include <assert.h>
#include <stdlib.h>

#include "esp/plane.h"

enum { FUZZ_SPI = 0x00010001, FUZZ_SAS = 4 };

struct fuzz_buf {
	uint8_t		*room;
	struct esp_buf	 b;
};

/* An exact room, so that a sanitizer sees the first octet too far. */
static inline struct fuzz_buf
fuzz_buf_of(const uint8_t *p, size_t n)
{
	struct fuzz_buf f = { .room = malloc(ESP_HEADROOM + n + ESP_TAILROOM) };

	assert(f.room != NULL);
	if (n > 0)
		memcpy(f.room + ESP_HEADROOM, p, n);
	f.b = (struct esp_buf){ .room = f.room, .cap = ESP_HEADROOM + n + ESP_TAILROOM,
	    .off = ESP_HEADROOM, .n = n };
	return f;
}

/*
 * SA i: 0 tunnel IPv4, 1 tunnel IPv6, 2 transport IPv4, 3 transport IPv4
 * behind a NAT; all with NULL encryption, so that a fuzzer can be given
 * authentic packets cheaply.
 */
static inline struct sa_spec
fuzz_spec(unsigned i)
{
	struct sa_spec s = { .id = i + 1, .replay_window = 64, .encap = i == 3,
	    .suite = { .protocol = PROTO_IPSEC_ESP, .cipher = ESP_NULL,
	    .auth = AUTHALG_HMAC_SHA, .mode = i < 2 ? SA_TUNNEL : SA_TRANSPORT } };
	uint8_t key[20] = { 1 };
	bool ok = addr_parse("192.0.2.1", &s.local.addr);

	ok = addr_parse(i == 3 ? "192.0.2.3" : "192.0.2.2", &s.remote.addr) && ok;
	s.local.port = s.remote.port = 4500;
	ok = addr_parse(i == 1 ? "fd01::" : "10.1.0.0", &s.flow.local.net.first) && ok;
	ok = addr_parse(i == 1 ? "fd01::ff" : "10.1.0.255", &s.flow.local.net.last) && ok;
	ok = addr_parse(i == 1 ? "fd02::" : "10.2.0.0", &s.flow.remote.net.first) && ok;
	ok = addr_parse(i == 1 ? "fd02::ff" : "10.2.0.255", &s.flow.remote.net.last) && ok;
	if (i >= 2) {
		s.flow.local.net = (struct range){ s.local.addr, s.local.addr };
		s.flow.remote.net = (struct range){ s.remote.addr, s.remote.addr };
	}
	s.in.spi = s.out.spi = FUZZ_SPI + i;
	ok = secret_set(&s.in.keymat, view_of(key, sizeof(key))) && ok;
	ok = secret_set(&s.out.keymat, view_of(key, sizeof(key))) && ok;
	assert(ok);
	return s;
}

static inline struct esp_plane *
fuzz_plane(void)
{
	struct esp_config config = { 0 };
	struct esp_plane *p = esp_plane_new(&config);
	STR(detail, 160);

	assert(p != NULL);
	for (unsigned i = 0; i < FUZZ_SAS; i++) {
		struct sa_spec s = fuzz_spec(i);
		struct mono now = { 0 };
		bool ok = esp_plane_sa_add(p, now, &s, SA_PART_IN, &detail) == WHY_NONE;

		ok = esp_plane_sa_add(p, now, &s, SA_PART_OUT, &detail) == WHY_NONE && ok;
		ok = esp_plane_flow_add(p, &s, &detail) == WHY_NONE && ok;
		assert(ok);
		sa_spec_done(&s);
	}
	return p;
}

#endif
