/*
 * The user back end and the data plane together, as they meet over their
 * channel: every behaviour of a back end, and kern/state.h on top.
 */
#include "prove.h"

#include "../kern/behaviour.h"
#include "esp/plane.h"
#include "kern/state.h"
#include "kern/user.h"

static struct esp_plane *plane;
static const struct mono now = { 1000000 };

static bool
plane_call(void *self, struct view ask, struct wr *answer)
{
	struct rd r = rd_of(ask);
	struct sa_spec spec = { 0 }, room = { 0 };
	struct esp_ask a;
	struct esp_answer ret = { 0 };

	(void)self;
	assert_true(esp_ask_decode(&r, &a, &spec));
	esp_plane_ask(plane, now, &a, &ret, &room);
	esp_answer_encode(answer, &ret);
	sa_spec_done(&spec);
	sa_spec_done(&room);
	return true;
}

static struct backend *
user_make(void)
{
	const struct user_link link = { .call = plane_call };
	const struct esp_config config = { 0 };

	esp_plane_free(plane);
	plane = esp_plane_new(&config);
	assert_non_null(plane);
	return user_new(&link, NULL);
}

static void
the_data_plane_behaves_as_every_back_end_must(void **state)
{
	(void)state;
	run_behaviours(user_make);
}

static struct sa_spec
suited(uint64_t id, const struct sa_suite *suite)
{
	struct sa_spec s = spec_make(id);
	struct sa_lengths l;

	s.suite = *suite;
	assert_true(sa_suite_lengths(suite, &l));
	secret_done(&s.in.keymat);
	secret_done(&s.out.keymat);
	assert_true(secret_room(&s.in.keymat, l.key + l.salt + l.auth));
	assert_true(secret_room(&s.out.keymat, l.key + l.salt + l.auth));
	return s;
}

/* Legal or not, every tuple: it is installed as it was meant, or not at all (R3, R9). */
static void
r3_every_suite_is_read_back_as_it_was_meant(void **state)
{
	static const uint8_t hash_key[16] = { 9 };
	struct kern_state *k = kern_state_new(user_make(), hash_key);
	struct sa_suite u = { .protocol = PROTO_IPSEC_ESP };
	struct sa_lengths l;
	uint64_t id = 1;

	(void)state;
	for (unsigned cipher = 1; cipher < 24; cipher++)
		for (unsigned n = 0; n < 6 * 4 * 2 * 2; n++) {
			static const uint16_t bits[] = { 0, 128, 192, 256 };
			u.cipher = (uint8_t)cipher;
			u.auth = (uint8_t)(n % 6 == 0 ? AUTHALG_NONE : n % 6 + 1);
			u.key_bits = bits[n / 6 % 4];
			u.mode = n / 24 % 2 == 0 ? SA_TUNNEL : SA_TRANSPORT;
			u.esn = n / 48 == 1;
			if (!sa_suite_lengths(&u, &l))
				continue;
			struct sa_spec spec = suited(id, &u);
			struct kern_ask ask = { .verb = KERN_INSTALL, .spec = &spec,
			    .parts = SA_PART_IN | SA_PART_OUT | SA_PART_FLOW };
			struct kern_answer a;
			kern_state_ask(k, &ask, &a);
			if (a.why != WHY_NONE)
				print_error("%s\n", a.detail);
			assert_int_equal(a.why, WHY_NONE);
			ask = (struct kern_ask){ .verb = KERN_REMOVE, .id = id++, .parts = 7 };
			kern_state_ask(k, &ask, &a);
			assert_int_equal(a.why, WHY_NONE);
			assert_int_equal(esp_plane_count(plane), 0);
			sa_spec_done(&spec);
		}
	assert_true(id > 50);
	kern_state_free(k, true);
	esp_plane_free(plane);
	plane = NULL;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_data_plane_behaves_as_every_back_end_must),
		cmocka_unit_test(r3_every_suite_is_read_back_as_it_was_meant),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
