#include "decoder.h"

#include "base/sa_spec.h"

/* ---- R9: the algorithm table is total ---- */

/*
 * What the RFCs allow, written a second time and as rules, not as a table:
 * RFC 2451 (3DES), 2410 (NULL), 3602 (AES-CBC), 3686 (CTR), 4106 (GCM),
 * 4543 (GMAC), 2403, 2404, 4868 (HMAC).
 */
static bool
allowed(const struct sa_suite *s, struct sa_lengths *want)
{
	bool aead = s->cipher == 20 || s->cipher == 23;
	bool aes = aead || s->cipher == 12 || s->cipher == 13;
	unsigned bits = s->key_bits;

	*want = (struct sa_lengths){ 0 };
	if (s->protocol != 3 || s->mode < 1 || s->mode > 2)
		return false;
	if (!aes && s->cipher != 3 && s->cipher != 11)
		return false;
	if (aes && bits == 0)
		bits = 128;
	if (aes ? bits != 128 && bits != 192 && bits != 256 : bits != 0)
		return false;
	want->key = aes ? bits / 8 : s->cipher == 3 ? 24 : 0;
	want->salt = aead || s->cipher == 13 ? 4 : 0;
	want->iv = s->cipher == 12 ? 16 : s->cipher == 11 ? 0 : 8;
	want->block = s->cipher == 12 ? 16 : s->cipher == 3 ? 8 : 1;
	if (aead) {
		want->icv = 16;
		return s->auth == 0;
	}
	switch (s->auth) {
	case 1: want->auth = 16; want->icv = 12; return true;
	case 2: want->auth = 20; want->icv = 12; return true;
	case 5: want->auth = 32; want->icv = 16; return true;
	case 6: want->auth = 48; want->icv = 24; return true;
	case 7: want->auth = 64; want->icv = 32; return true;
	default: return false;
	}
}

static void
r9_every_tuple_legal_or_not_has_its_answer(void **state)
{
	static const uint16_t bits[] = { 0, 1, 40, 56, 64, 127, 128, 129, 160, 192, 255, 256,
	    257, 448, 512, 0x8000, UINT16_MAX };
	unsigned legal = 0;

	(void)state;
	for (unsigned protocol = 0; protocol < 6; protocol++)
	for (unsigned cipher = 0; cipher < 256; cipher++)
	for (unsigned auth = 0; auth < 256; auth++)
	for (size_t b = 0; b < COUNT(bits); b++)
	for (unsigned mode = 0; mode < 4; mode++) {
		struct sa_suite s = { .protocol = (uint8_t)protocol, .cipher = (uint8_t)cipher,
		    .auth = (uint8_t)auth, .key_bits = bits[b], .mode = (uint8_t)mode };
		struct sa_lengths got, want;
		bool yes = sa_suite_lengths(&s, &got);

		if (yes != allowed(&s, &want))
			fail_msg("%u %u %u %u %u", protocol, cipher, auth, bits[b], mode);
		if (!yes)
			continue;
		assert_memory_equal(&got, &want, sizeof(got));
		/* no SA without key material and integrity */
		assert_true(got.key + got.auth > 0 && got.icv > 0 && got.block > 0);
		legal++;
	}
	/* modes x (two AEADs of 4 lengths + (3DES, NULL, 2 AES of 4 lengths) x 5 HMACs) */
	assert_int_equal(legal, 2 * (2 * 4 + (1 + 1 + 2 * 4) * 5));
}

static void
suites_print_as_people_write_them(void **state)
{
	static const struct { struct sa_suite s; const char *text; } cases[] = {
		{ { 3, ESP_AES_GCM_16, 0, SA_TUNNEL, 128, false }, "ESP AES_GCM_16-128 tunnel" },
		{ { 3, ESP_AES, AUTHALG_HMAC_SHA2_256, SA_TRANSPORT, 256, false },
		  "ESP AES-256 HMAC_SHA2_256 transport" },
		{ { 3, ESP_AES, AUTHALG_HMAC_SHA, SA_TUNNEL, 0, true }, "ESP AES-128 HMAC_SHA tunnel esn" },
		{ { 3, ESP_3DES, AUTHALG_HMAC_SHA, SA_TUNNEL, 0, false }, "ESP 3DES HMAC_SHA tunnel" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		STR(s, 100);

		sa_suite_print(&s, &cases[i].s);
		assert_string_equal(s.p, cases[i].text);
	}
}

/* ---- the codec ---- */

static const uint8_t key_in[36] = { 1, 2, 3 }, key_out[36] = { 4, 5, 6 };

static struct addr
addr(const char *text)
{
	struct addr a;

	assert_true(addr_parse(text, &a));
	return a;
}

static struct sa_spec
spec(void)
{
	struct sa_spec s = {
		.id = 0x0102030405060708, .name = "west-east",
		.suite = { 3, ESP_AES_GCM_16, 0, SA_TUNNEL, 256, true },
		.local = { addr("192.0.2.1"), 4500 }, .remote = { addr("192.0.2.2"), 4500 },
		.encap = true,
		.flow = {
			.local.net = { addr("2001:db8:1::"), addr("2001:db8:1::ff") },
			.remote = { { addr("2001:db8:2::"), addr("2001:db8:2::1") }, 80 },
			.protocol = 6,
		},
		.in.spi = 0x11111111, .out.spi = 0x22222222, .replay_window = 64, .shared = true,
		.soft_secs = 3000, .hard_secs = 3600, .soft_bytes = 1ull << 40,
		.hard_bytes = UINT64_MAX,
	};

	assert_true(secret_set(&s.in.keymat, view_of(key_in, sizeof(key_in))));
	assert_true(secret_set(&s.out.keymat, view_of(key_out, sizeof(key_out))));
	return s;
}

static size_t
encode(const struct sa_spec *s, uint8_t *room, size_t cap)
{
	struct wr w = wr_of(room, cap);

	sa_spec_encode(&w, s);
	return wr_done(&w).n;
}

static bool
decode(struct view in)
{
	struct rd r = rd_of(in);
	struct sa_spec s;
	uint8_t room[4096];

	if (!sa_spec_decode(&r, &s))
		return false;
	size_t n = encode(&s, room, sizeof(room));
	assert_true(view_equal(view_of(room, n), view_of(in.p, in.n - r.n)));
	sa_spec_done(&s);
	return true;
}

static void
a_spec_survives_every_cut_and_change(void **state)
{
	struct sa_spec s = spec();
	uint8_t room[512];
	size_t n = encode(&s, room, sizeof(room));

	(void)state;
	assert_true(n > 0);
	decoder_prove(decode, view_of(room, n), CUT_IS_REFUSED);
	sa_spec_done(&s);
}

static void
a_decoded_spec_is_the_encoded_one(void **state)
{
	struct sa_spec s = spec(), back;
	uint8_t room[512];
	struct rd r = rd_of(view_of(room, encode(&s, room, sizeof(room))));

	(void)state;
	assert_true(sa_spec_decode(&r, &back));
	assert_true(rd_end(&r));
	assert_int_equal(back.id, s.id);
	assert_string_equal(back.name, s.name);
	assert_memory_equal(&back.suite, &s.suite, sizeof(s.suite));
	assert_true(endpoint_equal(&back.remote, &s.remote));
	assert_true(flow_equal(&back.flow, &s.flow));
	assert_true(back.encap);
	assert_true(back.shared);
	assert_memory_equal(back.in.keymat.p, key_in, sizeof(key_in));
	assert_memory_equal(back.out.keymat.p, key_out, sizeof(key_out));
	assert_int_equal(back.hard_bytes, UINT64_MAX);
	sa_spec_done(&back);
	sa_spec_done(&s);
}

static void
a_copy_owns_its_keys(void **state)
{
	struct sa_spec s = spec(), copy;

	(void)state;
	assert_true(sa_spec_copy(&copy, &s));
	sa_spec_done(&s);
	assert_null(s.in.keymat.p);
	assert_memory_equal(copy.in.keymat.p, key_in, sizeof(key_in));
	sa_spec_done(&copy);
	sa_spec_done(&copy);
	sa_spec_done(NULL);
}

static void
flows_of_two_families_or_backward_ranges_are_refused(void **state)
{
	struct flow f = { .local.net = { addr("10.0.0.0"), addr("10.0.0.255") },
	    .remote.net = { addr("2001:db8::"), addr("2001:db8::1") } };
	uint8_t room[256];

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		struct wr w = wr_of(room, sizeof(room));
		struct rd r;

		if (i == 1)
			f.remote.net = (struct range){ addr("10.0.0.9"), addr("10.0.0.1") };
		if (i == 2)
			f.remote.net = (struct range){ addr("10.0.0.1"), addr("10.0.0.9") };
		flow_encode(&w, &f);
		r = rd_of(wr_done(&w));
		(void)flow_decode(&r);
		assert_int_equal(rd_end(&r), i == 2);
	}
}

static void
a_name_or_key_that_is_too_long_is_refused(void **state)
{
	struct sa_spec s = spec(), back;
	uint8_t room[512];
	struct rd r;

	(void)state;
	size_t n = encode(&s, room, sizeof(room));
	room[8] = SA_NAME_MAX;			/* the name's length */
	r = rd_of(view_of(room, n));
	assert_false(sa_spec_decode(&r, &back));
	assert_true(r.bad);
	sa_spec_done(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(r9_every_tuple_legal_or_not_has_its_answer),
		cmocka_unit_test(suites_print_as_people_write_them),
		cmocka_unit_test(a_spec_survives_every_cut_and_change),
		cmocka_unit_test(a_decoded_spec_is_the_encoded_one),
		cmocka_unit_test(a_copy_owns_its_keys),
		cmocka_unit_test(flows_of_two_families_or_backward_ranges_are_refused),
		cmocka_unit_test(a_name_or_key_that_is_too_long_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
