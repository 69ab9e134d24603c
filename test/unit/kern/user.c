/* The user back end's link, against a data plane that is `none` behind the codec. */
#include "prove.h"

#include "base/esp_msg.h"
#include "behaviour.h"
#include "kern/state.h"
#include "kern/user.h"

enum { PAIRS = 16 };

struct fake_plane {
	struct backend	*under;
	struct sa_spec	 pairs[PAIRS];	/* what ids stand for; without keys */
	size_t		 n;
	bool		 dead, wrong_seq, garbage, saw_other_key;
	unsigned	 moves;
};

static struct fake_plane plane;	/* one at a time */

static struct sa_spec *
pair_of(struct fake_plane *p, uint64_t id)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->pairs[i].id == id)
			return &p->pairs[i];
	return NULL;
}

static void
remember(struct fake_plane *p, const struct sa_spec *spec)
{
	struct sa_spec *known = pair_of(p, spec->id);

	if (known == NULL) {
		assert_true(p->n < PAIRS);
		known = &p->pairs[p->n++];
	}
	*known = *spec;
	known->in.keymat = known->out.keymat = (struct secret){ 0 };
}

static void
do_add(struct fake_plane *p, const struct esp_ask *a, struct esp_answer *ret, struct str *detail)
{
	const struct backend_ops *ops = p->under->ops;

	if (a->verb == ESP_FLOW_ADD) {
		ret->why = ops->flow_add(p->under, a->spec, detail);
		p->saw_other_key |= a->spec->in.keymat.n + a->spec->out.keymat.n > 0;
	} else {
		ret->why = ops->sa_add(p->under, a->spec, (enum sa_part)a->part, detail);
		p->saw_other_key |= a->part == SA_PART_IN ? a->spec->out.keymat.n > 0 :
		    a->spec->in.keymat.n > 0;
	}
	if (ret->why == WHY_NONE)
		remember(p, a->spec);
}

/* Key octets do not travel back: only as many zeros. */
static void
do_read(struct fake_plane *p, const struct esp_ask *a, struct sa_spec *pair,
    struct esp_answer *ret, struct sa_spec *room, struct str *detail)
{
	ret->why = p->under->ops->sa_read(p->under, pair, (enum sa_part)a->part, room, detail);
	if (ret->why != WHY_NONE)
		return;
	size_t in = room->in.keymat.n, out = room->out.keymat.n;
	secret_done(&room->in.keymat);
	secret_done(&room->out.keymat);
	assert_true(secret_room(&room->in.keymat, in));
	assert_true(secret_room(&room->out.keymat, out));
	ret->spec = room;
}

static void
do_by_id(struct fake_plane *p, const struct esp_ask *a, struct esp_answer *ret,
    struct sa_spec *room, struct str *detail)
{
	const struct backend_ops *ops = p->under->ops;
	struct sa_spec reserved = { .in.spi = a->spi };
	struct sa_spec *pair = a->id == 0 ? &reserved : pair_of(p, a->id);

	if (pair == NULL) {
		ret->why = WHY_BACKEND_GONE;
		return;
	}
	if (a->verb == ESP_SA_READ) {
		do_read(p, a, pair, ret, room, detail);
	} else if (a->verb == ESP_SA_DELETE) {
		ret->why = ops->sa_delete(p->under, pair, (enum sa_part)a->part);
	} else if (a->verb == ESP_FLOW_DELETE) {
		ret->why = ops->flow_delete(p->under, pair);
	} else if (a->verb == ESP_QUERY) {
		ret->why = ops->query(p->under, pair, &ret->usage);
	} else {
		ret->why = ops->move(p->under, pair, &a->local, &a->remote);
		pair->local = a->local;
		pair->remote = a->remote;
		p->moves++;
	}
}

static bool
plane_call(void *self, struct view ask, struct wr *answer)
{
	struct fake_plane *p = self;
	struct rd r = rd_of(ask);
	struct esp_ask a;
	struct sa_spec spec = { 0 }, room = { 0 };

	if (p->dead)
		return false;
	assert_true(esp_ask_decode(&r, &a, &spec));
	struct esp_answer ret = { .verb = a.verb, .seq = a.seq };
	struct str detail = str_of(ret.detail, sizeof(ret.detail));
	if (a.verb == ESP_GET_SPI)
		ret.why = p->under->ops->get_spi(p->under, &a.local, &a.remote, &ret.spi, &detail);
	else if (a.verb == ESP_SA_ADD || a.verb == ESP_FLOW_ADD)
		do_add(p, &a, &ret, &detail);
	else
		do_by_id(p, &a, &ret, &room, &detail);
	ret.seq += p->wrong_seq;
	if (p->garbage)
		wr_u32(answer, 0xffffffff);
	esp_answer_encode(answer, &ret);
	sa_spec_done(&spec);
	sa_spec_done(&room);
	return true;
}

static struct backend *
user_make(void)
{
	const struct user_link link = { .self = &plane, .call = plane_call };

	if (plane.under != NULL)
		plane.under->ops->free(plane.under);
	plane = (struct fake_plane){ .under = none_make() };
	return user_new(&link, NULL);
}

static void
plane_end(void)
{
	plane.under->ops->free(plane.under);
	plane = (struct fake_plane){ 0 };
}

static void
user_behaves_as_every_back_end_must(void **state)
{
	(void)state;
	run_behaviours(user_make);
	plane_end();
}

static void
the_data_plane_gets_the_key_of_one_direction_only(void **state)
{
	struct backend *b = user_make();
	struct sa_spec spec = spec_make(1);
	STR(detail, 160);

	(void)state;
	assert_int_equal(b->ops->sa_add(b, &spec, SA_PART_IN, &detail), WHY_NONE);
	assert_int_equal(b->ops->sa_add(b, &spec, SA_PART_OUT, &detail), WHY_NONE);
	assert_int_equal(b->ops->flow_add(b, &spec, &detail), WHY_NONE);
	assert_false(plane.saw_other_key);
	sa_spec_done(&spec);
	b->ops->free(b);
	plane_end();
}

static void
a_data_plane_that_is_dead_or_raving_is_a_reason_not_a_crash(void **state)
{
	struct backend *b = user_make();
	struct sa_spec spec = spec_make(1), got = { 0 };
	struct sa_usage usage;
	uint32_t spi;

	(void)state;
	for (int i = 0; i < 3; i++) {
		STR(detail, 160);

		plane.dead = i == 0;
		plane.wrong_seq = i == 1;
		plane.garbage = i == 2;
		enum why want = i == 0 ? WHY_ROLE_GONE : WHY_CONTRACT;
		assert_int_equal(b->ops->get_spi(b, &spec.local, &spec.remote, &spi, &detail), want);
		assert_int_equal(b->ops->sa_add(b, &spec, SA_PART_IN, &detail), want);
		assert_int_equal(b->ops->sa_read(b, &spec, SA_PART_IN, &got, &detail), want);
		assert_int_equal(b->ops->flow_add(b, &spec, &detail), want);
		assert_int_equal(b->ops->query(b, &spec, &usage), want);
		assert_int_equal(b->ops->sa_delete(b, &spec, SA_PART_IN), want);
		assert_int_not_equal(detail.len, 0);
	}
	sa_spec_done(&spec);
	b->ops->free(b);
	plane_end();
}

static struct view
event_octets(uint8_t room[512], const struct esp_event *e)
{
	struct wr w = wr_of(room, 512);

	esp_event_encode(&w, e);
	assert_false(w.bad);
	return wr_done(&w);
}

static void
events_of_the_data_plane_come_through_in_order(void **state)
{
	struct backend *b = user_make();
	struct sa_spec spec = spec_make(4);
	const struct esp_event sent[] = {
		{ .kind = ESP_EVENT_ACQUIRE, .id = 4, .flow = spec.flow },
		{ .kind = ESP_EVENT_SOFT, .id = 5, .part = SA_PART_OUT },
		{ .kind = ESP_EVENT_HARD, .id = 6, .part = SA_PART_IN },
		{ .kind = ESP_EVENT_STRAY, .id = 0x12345678, .remote = spec.remote },
	};
	const uint8_t want[] = { KERN_ACQUIRE, KERN_EXPIRE_SOFT, KERN_EXPIRE_HARD, KERN_STRAY };
	struct kern_event got;
	uint8_t room[512];

	(void)state;
	for (size_t i = 0; i < COUNT(sent); i++)
		assert_true(user_input(b, event_octets(room, &sent[i])));
	for (size_t i = 0; i < COUNT(sent); i++) {
		assert_true(b->ops->event(b, &got));
		assert_int_equal(got.kind, want[i]);
		assert_int_equal(got.id, sent[i].id);
	}
	assert_true(addr_equal(&got.flow.remote.net.first, &spec.remote.addr));
	assert_false(b->ops->event(b, &got));
	sa_spec_done(&spec);
	b->ops->free(b);
	plane_end();
}

static void
events_are_bounded_and_every_cut_of_one_is_refused(void **state)
{
	struct backend *b = user_make();
	struct esp_event e = { .kind = ESP_EVENT_SOFT, .id = 5, .part = SA_PART_OUT };
	struct kern_event got;
	uint8_t room[512];
	struct view octets = event_octets(room, &e);
	unsigned n = 0;

	(void)state;
	for (size_t i = 0; i < octets.n; i++)
		assert_false(user_input(b, view_of(octets.p, i)));
	for (int i = 0; i < 100000; i++)
		assert_true(user_input(b, octets));
	while (b->ops->event(b, &got))
		n++;
	assert_true(n > 0 && n <= 1000);
	b->ops->free(b);
	plane_end();
}

static void
an_encapsulated_peer_that_moved_is_followed_and_no_other(void **state)
{
	struct backend *b = user_make();
	struct sa_spec nat = spec_make(1), plain = spec_make(2), got = { 0 };
	struct endpoint to = { addr_make("198.51.100.9"), 61000 };
	struct esp_event e = { .kind = ESP_EVENT_MOVED, .id = 1, .part = SA_PART_IN, .remote = to };
	struct kern_event none;
	uint8_t room[512];
	STR(detail, 160);

	(void)state;
	plain.encap = false;
	assert_int_equal(b->ops->sa_add(b, &nat, SA_PART_IN, &detail), WHY_NONE);
	assert_int_equal(b->ops->sa_add(b, &nat, SA_PART_OUT, &detail), WHY_NONE);
	assert_int_equal(b->ops->sa_add(b, &plain, SA_PART_IN, &detail), WHY_NONE);
	assert_int_equal(b->ops->sa_add(b, &plain, SA_PART_OUT, &detail), WHY_NONE);
	assert_true(user_input(b, event_octets(room, &e)));
	e.id = 2;
	assert_true(user_input(b, event_octets(room, &e)));
	e.id = 3;		/* gone meanwhile */
	assert_true(user_input(b, event_octets(room, &e)));
	assert_int_equal(plane.moves, 0);
	assert_false(b->ops->event(b, &none));
	assert_int_equal(plane.moves, 1);
	assert_int_equal(b->ops->sa_read(b, &nat, SA_PART_OUT, &got, &detail), WHY_NONE);
	assert_true(endpoint_equal(&got.remote, &to));
	sa_spec_done(&got);
	sa_spec_done(&nat);
	sa_spec_done(&plain);
	b->ops->free(b);
	plane_end();
}

static void
a_new_data_plane_gets_the_flows_and_no_old_keys(void **state)
{
	static const uint8_t hash_key[16] = { 3 };
	struct backend *b = user_make();
	struct kern_state *k = kern_state_new(b, hash_key);
	struct sa_spec spec = spec_make(1);
	struct kern_ask ask = { .verb = KERN_INSTALL, .spec = &spec,
	    .parts = SA_PART_IN | SA_PART_OUT | SA_PART_FLOW };
	struct kern_answer answer;
	struct kern_event event;
	STR(detail, 160);

	(void)state;
	kern_state_ask(k, &ask, &answer);
	assert_int_equal(answer.why, WHY_NONE);
	assert_int_equal(none_count_sas(plane.under), 2);

	plane.under->ops->free(plane.under);
	plane = (struct fake_plane){ .under = none_make() };
	assert_int_equal(user_restarted(b, "", &detail), WHY_NONE);
	assert_true(kern_state_event(k, &event));
	assert_int_equal(event.kind, KERN_GONE);
	assert_int_equal(none_count_sas(plane.under), 0);
	assert_int_equal(none_count_flows(plane.under), 1);
	assert_false(kern_state_event(k, &event));
	kern_state_free(k, true);
	sa_spec_done(&spec);
	plane_end();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(user_behaves_as_every_back_end_must),
		cmocka_unit_test(the_data_plane_gets_the_key_of_one_direction_only),
		cmocka_unit_test(a_data_plane_that_is_dead_or_raving_is_a_reason_not_a_crash),
		cmocka_unit_test(events_of_the_data_plane_come_through_in_order),
		cmocka_unit_test(events_are_bounded_and_every_cut_of_one_is_refused),
		cmocka_unit_test(an_encapsulated_peer_that_moved_is_followed_and_no_other),
		cmocka_unit_test(a_new_data_plane_gets_the_flows_and_no_old_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
