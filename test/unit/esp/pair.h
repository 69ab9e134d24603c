/* Two planes back to back: what one sends is handed to the other. */
#ifndef TEST_UNIT_ESP_PAIR_H
#define TEST_UNIT_ESP_PAIR_H

#include "prove.h"

#include "esp/internal.h"

enum { ROOM = ESP_HEADROOM + 4096 + ESP_TAILROOM };

struct side {
	struct esp_plane *plane;
	struct sa_spec	 spec;
};

struct pair {
	struct side	west, east;
	struct mono	now;
};

struct packet {
	uint8_t		room[ROOM];
	struct esp_buf	b;
	struct esp_sent	sent;
};

struct shape {
	struct sa_suite	suite;
	bool		outer6, inner6, encap;
};

static const struct sa_suite gcm128 = { .protocol = PROTO_IPSEC_ESP, .cipher = ESP_AES_GCM_16,
    .mode = SA_TUNNEL, .key_bits = 128 };

static const struct { uint8_t cipher; uint16_t bits; bool aead; } ciphers[] = {
	{ ESP_3DES, 0, false }, { ESP_NULL, 0, false }, { ESP_AES, 128, false },
	{ ESP_AES, 192, false }, { ESP_AES, 256, false }, { ESP_AES_CTR, 128, false },
	{ ESP_AES_CTR, 192, false }, { ESP_AES_CTR, 256, false },
	{ ESP_AES_GCM_16, 128, true }, { ESP_AES_GCM_16, 192, true },
	{ ESP_AES_GCM_16, 256, true }, { ESP_AES_GMAC, 128, true },
	{ ESP_AES_GMAC, 192, true }, { ESP_AES_GMAC, 256, true },
};
static const uint8_t auths[] = { AUTHALG_HMAC_MD5, AUTHALG_HMAC_SHA, AUTHALG_HMAC_SHA2_256,
    AUTHALG_HMAC_SHA2_384, AUTHALG_HMAC_SHA2_512 };
enum { SUITES = 8 * 5 + 6 };

/* The i-th of SUITES legal combinations. */
static inline struct sa_suite
suite_nth(unsigned i)
{
	for (size_t c = 0; c < COUNT(ciphers); c++) {
		unsigned n = ciphers[c].aead ? 1 : (unsigned)COUNT(auths);

		if (i < n)
			return (struct sa_suite){ .protocol = PROTO_IPSEC_ESP,
			    .cipher = ciphers[c].cipher, .key_bits = ciphers[c].bits,
			    .auth = ciphers[c].aead ? AUTHALG_NONE : auths[i],
			    .mode = SA_TUNNEL };
		i -= n;
	}
	fail_msg("no such suite");
	return gcm128;
}

static inline struct addr
address(const char *text)
{
	struct addr a;

	assert_true(addr_parse(text, &a));
	return a;
}

static inline struct range
range_of(const char *first, const char *last)
{
	return (struct range){ address(first), address(last) };
}

static inline struct shape
shape_of(struct sa_suite suite)
{
	return (struct shape){ .suite = suite };
}

/* The SA as west sees it. */
static inline struct sa_spec
spec_west(const struct shape *shape, uint64_t id)
{
	struct sa_spec s = { .id = id, .name = "west-east", .suite = shape->suite,
	    .encap = shape->encap, .replay_window = 64 };
	struct sa_lengths l;
	uint8_t key[128];

	s.local.addr = address(shape->outer6 ? "2001:db8::1" : "192.0.2.1");
	s.remote.addr = address(shape->outer6 ? "2001:db8::2" : "192.0.2.2");
	s.local.port = s.remote.port = shape->encap ? 4500 : 0;
	if (shape->suite.mode == SA_TRANSPORT) {
		s.flow.local.net = (struct range){ s.local.addr, s.local.addr };
		s.flow.remote.net = (struct range){ s.remote.addr, s.remote.addr };
	} else if (shape->inner6) {
		s.flow.local.net = range_of("fd01::", "fd01::ffff");
		s.flow.remote.net = range_of("fd02::", "fd02::ffff");
	} else {
		s.flow.local.net = range_of("10.1.0.0", "10.1.0.255");
		s.flow.remote.net = range_of("10.2.0.0", "10.2.0.255");
	}
	assert_true(sa_suite_lengths(&s.suite, &l));
	for (size_t i = 0; i < sizeof(key); i++)
		key[i] = (uint8_t)(i * 7 + 3);
	s.in.spi = 0x00010000 + (uint32_t)id;
	s.out.spi = 0x00020000 + (uint32_t)id;
	assert_true(secret_set(&s.in.keymat, view_of(key, l.key + l.salt + l.auth)));
	key[0] ^= 0xff;
	assert_true(secret_set(&s.out.keymat, view_of(key, l.key + l.salt + l.auth)));
	return s;
}

static inline struct sa_spec
spec_mirror(const struct sa_spec *from)
{
	struct sa_spec s;

	assert_true(sa_spec_copy(&s, from));
	s.local = from->remote;
	s.remote = from->local;
	s.flow.local = from->flow.remote;
	s.flow.remote = from->flow.local;
	struct sa_half half = s.in;
	s.in = s.out;
	s.out = half;
	return s;
}

static inline void
install(struct side *side, struct mono now)
{
	STR(detail, 160);

	assert_int_equal(esp_plane_sa_add(side->plane, now, &side->spec, SA_PART_IN, &detail), 0);
	assert_int_equal(esp_plane_sa_add(side->plane, now, &side->spec, SA_PART_OUT, &detail), 0);
	assert_int_equal(esp_plane_flow_add(side->plane, &side->spec, &detail), 0);
}

static inline void
pair_bare(struct pair *p, const struct shape *shape)
{
	struct esp_config config = { 0 };

	p->now = (struct mono){ 1000000 };
	p->west.plane = esp_plane_new(&config);
	p->east.plane = esp_plane_new(&config);
	assert_non_null(p->west.plane);
	assert_non_null(p->east.plane);
	p->west.spec = spec_west(shape, 1);
	p->east.spec = spec_mirror(&p->west.spec);
}

static inline void
pair_init(struct pair *p, const struct shape *shape)
{
	pair_bare(p, shape);
	install(&p->west, p->now);
	install(&p->east, p->now);
}

static inline void
pair_done(struct pair *p)
{
	esp_plane_free(p->west.plane);
	esp_plane_free(p->east.plane);
	sa_spec_done(&p->west.spec);
	sa_spec_done(&p->east.spec);
}

/* An inner packet of n octets from the first of `from` to the first of `to`. */
static inline void
packet_make(struct packet *p, const struct sa_spec *spec, size_t n, uint8_t protocol)
{
	const struct addr *src = &spec->flow.local.net.first, *dst = &spec->flow.remote.net.first;
	size_t header = src->family == FAMILY_IP4 ? IP4_HEADER : IP6_HEADER;

	assert_true(n >= header);
	p->b = (struct esp_buf){ .room = p->room, .cap = sizeof(p->room),
	    .off = ESP_HEADROOM + header, .n = n - header };
	for (size_t i = 0; i < p->b.n; i++)
		buf_at(&p->b)[i] = (uint8_t)(i * 31 + n);
	if (protocol == IPPROTO_UDP_ && p->b.n >= 8)
		memcpy(buf_at(&p->b), "\x04\xd2\x00\x35", 4);	/* 1234 to 53 */
	assert_true(ip_push_header(&p->b, src, dst, protocol, 0));
	assert_int_equal(p->b.n, n);
}

static inline void
set_df(struct packet *p, bool df)
{
	uint8_t *h = buf_at(&p->b);

	h[6] = df ? 0x40 : 0;
	h[10] = h[11] = 0;
	uint16_t sum = checksum_end(checksum_add(0, view_of(h, IP4_HEADER)));
	h[10] = (uint8_t)(sum >> 8);
	h[11] = (uint8_t)sum;
}

static inline enum why
packet_out(struct side *side, struct mono now, struct packet *p)
{
	return esp_plane_out(side->plane, now, &p->b, &p->sent);
}

/* As the network would deliver it: the other way round. */
static inline enum why
packet_in(struct side *side, struct mono now, struct packet *p)
{
	struct path path = { .local = p->sent.path.remote, .remote = p->sent.path.local,
	    .encap = p->sent.path.encap };
	struct esp_came came = { .path = &path, .tos = p->sent.tos };

	return esp_plane_in(side->plane, now, &came, &p->b);
}

#endif
