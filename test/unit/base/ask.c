#include "decoder.h"

#include "base/ask.h"

static uint8_t room[8192];

static bool
decode_keys_ask(struct view in)
{
	struct wr w = wr_of(room, sizeof(room));
	struct rd r = rd_of(in);
	struct keys_ask a;

	if (!keys_ask_decode(&r, &a))
		return false;
	assert_true(view_within(a.sa_body, in) && view_within(a.proof, in));
	assert_true(strlen(a.peer) < sizeof(a.peer));
	keys_ask_encode(&w, &a);
	assert_true(view_equal(wr_done(&w), in));
	return true;
}

static bool
decode_keys_answer(struct view in)
{
	struct wr w = wr_of(room, sizeof(room));
	struct rd r = rd_of(in);
	struct keys_answer a;

	if (!keys_answer_decode(&r, &a))
		return false;
	assert_true(a.why < WHY_MAX);
	keys_answer_encode(&w, &a);
	assert_true(view_equal(wr_done(&w), in));
	keys_answer_done(&a);
	return true;
}

static bool
decode_kern_ask(struct view in)
{
	struct wr w = wr_of(room, sizeof(room));
	struct rd r = rd_of(in);
	struct kern_ask a;
	struct sa_spec spec;

	if (!kern_ask_decode(&r, &a, &spec))
		return false;
	assert_int_equal(a.spec != NULL, a.verb == KERN_INSTALL);
	kern_ask_encode(&w, &a);
	assert_true(view_equal(wr_done(&w), in));
	sa_spec_done(&spec);
	return true;
}

static bool
decode_kern_answer(struct view in)
{
	struct wr w = wr_of(room, sizeof(room));
	struct rd r = rd_of(in);
	struct kern_answer a;

	if (!kern_answer_decode(&r, &a))
		return false;
	assert_true(a.why < WHY_MAX && strlen(a.detail) < sizeof(a.detail));
	kern_answer_encode(&w, &a);
	assert_true(view_equal(wr_done(&w), in));
	return true;
}

static bool
decode_kern_event(struct view in)
{
	struct wr w = wr_of(room, sizeof(room));
	struct rd r = rd_of(in);
	struct kern_event e;

	if (!kern_event_decode(&r, &e))
		return false;
	kern_event_encode(&w, &e);
	assert_true(view_equal(wr_done(&w), in));
	return true;
}

static const uint8_t octets[2048] = { 9, 8, 7 };

static struct keys_ask
keys_ask(void)
{
	return (struct keys_ask){
		.verb = KEYS_SKEYID, .token = UINT64_MAX, .group = 14, .initiator = true,
		.hash = HASH_SHA2_256, .auth = AUTH_PRE_SHARED, .peer = "peer-berlin",
		.cookies = { 1, 2 }, .ni = { octets, 32 }, .nr = { octets, 16 },
		.peer_public = { octets, 64 }, .sa_body = { octets, 20 }, .id_body = { octets, 8 },
		.allow_weak = true, .proof = { octets, 32 },
	};
}

static void
a_keys_ask_survives_every_cut_and_change(void **state)
{
	struct keys_ask a = keys_ask();
	uint8_t mine[512];
	struct wr w = wr_of(mine, sizeof(mine));

	(void)state;
	keys_ask_encode(&w, &a);
	assert_false(w.bad);
	decoder_prove(decode_keys_ask, wr_done(&w), CUT_IS_REFUSED);
}

static void
a_keys_ask_beyond_its_bounds_is_refused(void **state)
{
	uint8_t mine[4096];

	(void)state;
	for (unsigned i = 0; i < 5; i++) {
		struct keys_ask a = keys_ask(), back;
		struct wr w = wr_of(mine, sizeof(mine));

		if (i == 1)
			a.ni.n = NONCE_MAX + 1;
		if (i == 2)
			a.proof.n = SIGNATURE_MAX + 1;
		if (i == 3)
			a.verb = KEYS_VERB_MAX;
		if (i == 4)
			a.verb = 0;
		keys_ask_encode(&w, &a);
		struct rd r = rd_of(wr_done(&w));
		assert_int_equal(keys_ask_decode(&r, &back), i == 0);
	}
}

static void
a_keys_answer_survives_every_cut_and_change(void **state)
{
	struct keys_answer a = { .verb = KEYS_SKEYID, .token = 7, .why = WHY_NO_KEY,
	    .public_n = 32, .proof_n = 20 };
	uint8_t mine[512];
	struct wr w = wr_of(mine, sizeof(mine));

	(void)state;
	assert_true(secret_set(&a.skeyid_d, view_of(octets, 32)));
	assert_true(secret_set(&a.skeyid_e, view_of(octets, 32)));
	assert_true(secret_set(&a.shared, view_of(octets, 66)));
	keys_answer_encode(&w, &a);
	keys_answer_done(&a);
	decoder_prove(decode_keys_answer, wr_done(&w), CUT_IS_REFUSED);
}

static struct endpoint
endpoint(const char *text)
{
	struct endpoint e = { .port = 500 };

	assert_true(addr_parse(text, &e.addr));
	return e;
}

static void
kern_asks_survive_every_cut_and_change(void **state)
{
	struct sa_spec spec = { .id = 5, .name = "c", .local = endpoint("192.0.2.1"),
	    .remote = endpoint("2001:db8::1"), .suite.protocol = PROTO_IPSEC_ESP };
	struct kern_ask a = { .token = 3, .parts = SA_PART_IN | SA_PART_FLOW, .id = 5,
	    .local = spec.local, .remote = spec.remote, .spi = 0x1234, .spec = &spec };
	uint8_t mine[512];

	(void)state;
	assert_true(secret_set(&spec.in.keymat, view_of(octets, 36)));
	for (uint8_t verb = KERN_GET_SPI; verb < KERN_VERB_MAX; verb++) {
		struct wr w = wr_of(mine, sizeof(mine));

		a.verb = verb;
		kern_ask_encode(&w, &a);
		decoder_prove(decode_kern_ask, wr_done(&w), CUT_IS_REFUSED);
	}
	sa_spec_done(&spec);
}

static void
kern_answers_and_events_survive_every_cut_and_change(void **state)
{
	struct kern_answer a = { .verb = KERN_QUERY, .token = 1, .why = WHY_BACKEND,
	    .detail = "File exists", .spi = 1, .id = 2,
	    .usage = { 1, 2, 3, 4, 5, 6, UINT32_MAX } };
	struct kern_event e = { .kind = KERN_ACQUIRE, .id = 4 };
	uint8_t mine[512];
	struct wr w = wr_of(mine, sizeof(mine));

	(void)state;
	kern_answer_encode(&w, &a);
	decoder_prove(decode_kern_answer, wr_done(&w), CUT_IS_REFUSED);
	e.flow.local.net.first = e.flow.local.net.last = endpoint("10.0.0.1").addr;
	e.flow.remote.net.first = e.flow.remote.net.last = endpoint("10.0.0.2").addr;
	for (e.kind = KERN_ACQUIRE; e.kind < KERN_EVENT_MAX; e.kind++) {
		w = wr_of(mine, sizeof(mine));
		kern_event_encode(&w, &e);
		decoder_prove(decode_kern_event, wr_done(&w), CUT_IS_REFUSED);
	}
	e.kind = KERN_EVENT_MAX;
	w = wr_of(mine, sizeof(mine));
	kern_event_encode(&w, &e);
	assert_false(decode_kern_event(wr_done(&w)));
}

static void
an_install_without_its_spec_cannot_be_sent(void **state)
{
	struct kern_ask a = { .verb = KERN_INSTALL };
	struct wr w = wr_of(room, sizeof(room));

	(void)state;
	kern_ask_encode(&w, &a);
	assert_true(w.bad);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_keys_ask_survives_every_cut_and_change),
		cmocka_unit_test(a_keys_ask_beyond_its_bounds_is_refused),
		cmocka_unit_test(a_keys_answer_survives_every_cut_and_change),
		cmocka_unit_test(kern_asks_survive_every_cut_and_change),
		cmocka_unit_test(kern_answers_and_events_survive_every_cut_and_change),
		cmocka_unit_test(an_install_without_its_spec_cannot_be_sent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
