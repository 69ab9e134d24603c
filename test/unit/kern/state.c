#include "prove.h"

#include "kern/state.h"
#include "specs.h"

static const uint8_t hash_key[16] = { 7 };

/*
 * A back end over `none` that refuses the n-th call, or reads back something
 * else than was added.
 */
struct scripted {
	struct backend	 base;
	struct backend	*under;
	unsigned	 calls, refuse;		/* refuse the n-th, 0: none */
	bool		 deaf;			/* refuse all */
	void		(*lie)(struct sa_spec *);
	unsigned	 flow_adds;
};

static bool
refused(struct scripted *s)
{
	return ++s->calls == s->refuse || s->deaf;
}

static struct scripted *
scripted_of(struct backend *b)
{
	return (struct scripted *)b;
}

static void
s_free(struct backend *b)
{
	struct scripted *s = scripted_of(b);

	s->under->ops->free(s->under);
	free(s);
}

static enum why
s_get_spi(struct backend *b, const struct endpoint *l, const struct endpoint *r, uint32_t *ret,
    struct str *detail)
{
	struct scripted *s = scripted_of(b);

	if (refused(s))
		return WHY_BACKEND;
	return s->under->ops->get_spi(s->under, l, r, ret, detail);
}

static enum why
s_sa_add(struct backend *b, const struct sa_spec *spec, enum sa_part part, struct str *detail)
{
	struct scripted *s = scripted_of(b);

	if (refused(s)) {
		str_add(detail, "scripted");
		return WHY_BACKEND;
	}
	return s->under->ops->sa_add(s->under, spec, part, detail);
}

static enum why
s_sa_read(struct backend *b, const struct sa_spec *spec, enum sa_part part, struct sa_spec *ret,
    struct str *detail)
{
	struct scripted *s = scripted_of(b);

	if (refused(s)) {
		str_add(detail, "scripted");
		return WHY_BACKEND;
	}
	enum why why = s->under->ops->sa_read(s->under, spec, part, ret, detail);
	if (why == WHY_NONE && s->lie != NULL)
		s->lie(ret);
	return why;
}

/* What `under` holds already is another daemon's; its key is in the first octet. */
static enum why
s_sa_take(struct backend *b, const struct sa_spec *spec, enum sa_part part, struct str *detail)
{
	struct sa_spec got = { 0 };

	assert_int_equal(s_sa_read(b, spec, part, &got, detail), WHY_NONE);
	bool same = secret_view(&got.out.keymat).p[0] == secret_view(&spec->out.keymat).p[0];
	sa_spec_done(&got);
	if (!same)
		str_add(detail, "another key");
	return same ? WHY_NONE : WHY_BACKEND_EXISTS;
}

static enum why
s_sa_delete(struct backend *b, const struct sa_spec *spec, enum sa_part part)
{
	struct scripted *s = scripted_of(b);

	return s->under->ops->sa_delete(s->under, spec, part);
}

static enum why
s_flow_add(struct backend *b, const struct sa_spec *spec, struct str *detail)
{
	struct scripted *s = scripted_of(b);

	if (refused(s)) {
		str_add(detail, "scripted");
		return WHY_BACKEND;
	}
	s->flow_adds++;
	return s->under->ops->flow_add(s->under, spec, detail);
}

static enum why
s_flow_delete(struct backend *b, const struct sa_spec *spec)
{
	struct scripted *s = scripted_of(b);

	return s->under->ops->flow_delete(s->under, spec);
}

static enum why
s_query(struct backend *b, const struct sa_spec *spec, struct sa_usage *ret)
{
	struct scripted *s = scripted_of(b);

	return s->under->ops->query(s->under, spec, ret);
}

static enum why
s_move(struct backend *b, const struct sa_spec *spec, const struct endpoint *l,
    const struct endpoint *r)
{
	struct scripted *s = scripted_of(b);

	return s->under->ops->move(s->under, spec, l, r);
}

static bool
s_event(struct backend *b, struct kern_event *ret)
{
	struct scripted *s = scripted_of(b);

	return s->under->ops->event(s->under, ret);
}

static const struct backend_ops scripted_ops = {
	.name = "scripted", .free = s_free, .get_spi = s_get_spi, .sa_add = s_sa_add,
	.sa_take = s_sa_take, .sa_read = s_sa_read, .sa_delete = s_sa_delete, .flow_add = s_flow_add,
	.flow_delete = s_flow_delete, .query = s_query, .move = s_move, .event = s_event,
};

struct world {
	struct scripted	  *s;
	struct kern_state *k;
};

static struct world
world_make(void)
{
	struct scripted *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	s->base.ops = &scripted_ops;
	s->under = none_make();
	struct world w = { s, kern_state_new(&s->base, hash_key) };
	assert_non_null(w.k);
	return w;
}

static struct kern_answer
install(struct world *w, const struct sa_spec *spec, uint8_t parts)
{
	struct kern_ask ask = { .verb = KERN_INSTALL, .token = 5, .parts = parts, .spec = spec };
	struct kern_answer answer;

	kern_state_ask(w->k, &ask, &answer);
	assert_int_equal(answer.token, 5);
	assert_int_equal(answer.verb, KERN_INSTALL);
	return answer;
}

static enum why
withdraw(struct world *w, uint64_t id, uint8_t parts)
{
	struct kern_ask ask = { .verb = KERN_REMOVE, .parts = parts, .id = id };
	struct kern_answer answer;

	kern_state_ask(w->k, &ask, &answer);
	return answer.why;
}

enum { ALL = SA_PART_IN | SA_PART_OUT | SA_PART_FLOW };

static void
r3_a_refusal_at_any_call_leaves_nothing_half_installed(void **state)
{
	struct sa_spec spec = spec_make(1);
	unsigned n;

	(void)state;
	for (n = 1;; n++) {
		struct world w = world_make();
		struct kern_ask get = { .verb = KERN_GET_SPI, .local = spec.local,
		    .remote = spec.remote };
		struct kern_answer spi;

		kern_state_ask(w.k, &get, &spi);
		assert_int_equal(spi.why, WHY_NONE);
		spec.in.spi = spi.spi;
		w.s->calls = 0;
		w.s->refuse = n;
		struct kern_answer a = install(&w, &spec, ALL);
		unsigned calls = w.s->calls;
		if (a.why == WHY_NONE) {
			kern_state_free(w.k, true);
			assert_true(calls < n);
			break;
		}
		assert_int_equal(a.why, WHY_BACKEND);
		assert_string_equal(a.detail, "scripted");
		assert_int_equal(none_count_sas(w.s->under), 0);
		assert_int_equal(none_count_flows(w.s->under), 0);
		assert_int_equal(kern_state_count(w.k).held, 0);
		assert_int_equal(kern_state_count(w.k).flows, 0);

		/* and nothing is in the way of a second try */
		w.s->refuse = 0;
		assert_int_equal(install(&w, &spec, ALL).why, WHY_NONE);
		assert_int_equal(none_count_sas(w.s->under), 2);
		kern_state_free(w.k, true);
	}
	assert_int_equal(n, 6);		/* add, read, add, read, flow: five calls */
	sa_spec_done(&spec);
}

static void lie_window(struct sa_spec *s) { s->replay_window = 0; }
static void lie_mode(struct sa_spec *s) { s->suite.mode = SA_TRANSPORT; }
static void lie_cipher(struct sa_spec *s) { s->suite.cipher = ESP_NULL; }
static void lie_key_bits(struct sa_spec *s) { s->suite.key_bits = 256; }
static void lie_esn(struct sa_spec *s) { s->suite.esn = true; }
static void lie_flow(struct sa_spec *s) { s->flow.remote.net = subnet_make("10.0.0.0", 8); }
static void lie_port(struct sa_spec *s) { s->flow.local.port = 80; }
static void lie_remote(struct sa_spec *s) { s->remote.addr.b[3] = 200; }
static void lie_encap(struct sa_spec *s) { s->encap = false; }
static void
lie_keys(struct sa_spec *s)
{
	secret_done(&s->in.keymat);
	secret_done(&s->out.keymat);
}

static void
r3_each_difference_read_back_is_refused_and_named(void **state)
{
	static const struct {
		void		(*lie)(struct sa_spec *);
		const char	*words;
	} lies[] = {
		{ lie_window, "replay window: wanted 64, the back end holds 0" },
		{ lie_mode, "tunnel, the back end holds" },
		{ lie_cipher, "suite: wanted ESP" },
		{ lie_key_bits, "128" },
		{ lie_esn, "esn" },
		{ lie_flow, "selectors: wanted" },
		{ lie_port, "selectors: wanted" },
		{ lie_remote, "remote address: wanted 192.0.2.2:4500" },
		{ lie_encap, "UDP encapsulation" },
		{ lie_keys, "octets of key: wanted 48, the back end holds 0" },
	};
	struct sa_spec spec = spec_make(1);

	(void)state;
	for (size_t i = 0; i < COUNT(lies); i++) {
		struct world w = world_make();

		w.s->lie = lies[i].lie;
		struct kern_answer a = install(&w, &spec, ALL);
		assert_int_equal(a.why, WHY_BACKEND_DIFFERS);
		assert_non_null(strstr(a.detail, lies[i].words));
		assert_int_equal(none_count_sas(w.s->under), 0);
		assert_int_equal(none_count_flows(w.s->under), 0);
		kern_state_free(w.k, true);
	}
	sa_spec_done(&spec);
}

static void
keys_of_a_wrong_length_never_reach_the_back_end(void **state)
{
	struct world w = world_make();
	struct sa_spec spec = spec_make(1);
	uint8_t octets[64] = { 0 };

	(void)state;
	for (size_t n = 0; n <= sizeof(octets); n++) {
		if (n == 48)
			continue;
		secret_done(&spec.out.keymat);
		assert_true(secret_set(&spec.out.keymat, view_of(octets, n)));
		assert_int_equal(install(&w, &spec, SA_PART_IN | SA_PART_OUT).why, WHY_BACKEND);
	}
	spec.suite.cipher = ESP_RC4;
	assert_int_equal(install(&w, &spec, ALL).why, WHY_BACKEND_ALGORITHM);
	assert_int_equal(w.s->calls, 0);
	sa_spec_done(&spec);
	kern_state_free(w.k, true);
}

static void
several_sas_share_a_flow_until_the_last_is_gone(void **state)
{
	struct world w = world_make();
	struct sa_spec old = spec_make(1), new = spec_make(2);

	(void)state;
	assert_int_equal(install(&w, &old, ALL).why, WHY_NONE);
	assert_int_equal(install(&w, &new, ALL).why, WHY_NONE);
	assert_int_equal(none_count_flows(w.s->under), 1);
	assert_int_equal(w.s->flow_adds, 1);
	assert_int_equal(withdraw(&w, 1, ALL), WHY_NONE);
	assert_int_equal(none_count_flows(w.s->under), 1);
	assert_int_equal(none_count_sas(w.s->under), 2);
	assert_int_equal(withdraw(&w, 2, ALL), WHY_NONE);
	assert_int_equal(none_count_flows(w.s->under), 0);
	assert_int_equal(none_count_sas(w.s->under), 0);
	sa_spec_done(&old);
	sa_spec_done(&new);
	kern_state_free(w.k, true);
}

static void
a_flow_stands_before_any_sa_and_is_counted_once_per_id(void **state)
{
	struct world w = world_make();
	struct sa_spec spec = spec_make(9), bare = spec;

	(void)state;
	bare.in = bare.out = (struct sa_half){ 0 };
	assert_int_equal(install(&w, &bare, SA_PART_FLOW).why, WHY_NONE);
	assert_int_equal(install(&w, &bare, SA_PART_FLOW).why, WHY_NONE);
	assert_int_equal(none_count_flows(w.s->under), 1);
	assert_int_equal(install(&w, &spec, SA_PART_IN | SA_PART_OUT).why, WHY_NONE);
	assert_int_equal(withdraw(&w, 9, SA_PART_IN | SA_PART_OUT), WHY_NONE);
	assert_int_equal(none_count_flows(w.s->under), 1);
	assert_int_equal(withdraw(&w, 9, SA_PART_FLOW), WHY_NONE);
	assert_int_equal(none_count_flows(w.s->under), 0);
	assert_int_equal(kern_state_count(w.k).held, 0);
	sa_spec_done(&spec);
	kern_state_free(w.k, true);
}

static void
a_refused_second_sa_does_not_take_the_flow_of_the_first(void **state)
{
	struct world w = world_make();
	struct sa_spec old = spec_make(1), new = spec_make(2);

	(void)state;
	assert_int_equal(install(&w, &old, ALL).why, WHY_NONE);
	for (unsigned n = 1; n <= 4; n++) {
		w.s->calls = 0;
		w.s->refuse = n;
		assert_int_equal(install(&w, &new, ALL).why, WHY_BACKEND);
		assert_int_equal(none_count_flows(w.s->under), 1);
		assert_int_equal(none_count_sas(w.s->under), 2);
	}
	sa_spec_done(&old);
	sa_spec_done(&new);
	kern_state_free(w.k, true);
}

static void
removing_what_is_not_there_is_no_error(void **state)
{
	struct world w = world_make();
	struct sa_spec spec = spec_make(1);

	(void)state;
	assert_int_equal(withdraw(&w, 1, ALL), WHY_NONE);
	assert_int_equal(install(&w, &spec, ALL).why, WHY_NONE);
	assert_int_equal(withdraw(&w, 1, ALL), WHY_NONE);
	assert_int_equal(withdraw(&w, 1, ALL), WHY_NONE);
	assert_int_equal(install(&w, &spec, ALL).why, WHY_NONE);
	none_lose_all(w.s->under);	/* and where the back end lost it */
	assert_int_equal(withdraw(&w, 1, ALL), WHY_NONE);
	sa_spec_done(&spec);
	kern_state_free(w.k, true);
}

static void
an_id_installs_its_sa_once(void **state)
{
	struct world w = world_make();
	struct sa_spec spec = spec_make(1);

	(void)state;
	assert_int_equal(install(&w, &spec, ALL).why, WHY_NONE);
	assert_int_equal(install(&w, &spec, ALL).why, WHY_BACKEND_EXISTS);
	assert_int_equal(none_count_sas(w.s->under), 2);
	assert_int_equal(install(&w, NULL, ALL).why, WHY_CONTRACT);
	assert_int_equal(install(&w, &spec, 0).why, WHY_CONTRACT);
	assert_int_equal(install(&w, &spec, 0xff).why, WHY_CONTRACT);
	sa_spec_done(&spec);
	kern_state_free(w.k, true);
}

static void
r4_a_reserved_spi_that_is_not_used_can_be_given_back(void **state)
{
	struct world w = world_make();
	struct sa_spec spec = spec_make(1);
	struct kern_ask ask = { .verb = KERN_GET_SPI, .local = spec.local, .remote = spec.remote };
	struct kern_answer answer;

	(void)state;
	kern_state_ask(w.k, &ask, &answer);
	assert_int_equal(answer.why, WHY_NONE);
	assert_int_equal(none_count_reserved(w.s->under), 1);
	struct kern_ask back = { .verb = KERN_REMOVE, .id = 77, .spi = answer.spi };
	kern_state_ask(w.k, &back, &answer);
	assert_int_equal(answer.why, WHY_NONE);
	assert_int_equal(none_count_reserved(w.s->under), 0);
	assert_int_equal(kern_state_count(w.k).reserved, 0);
	sa_spec_done(&spec);
	kern_state_free(w.k, true);
}

static void
the_most_reserved_spis_are_bounded(void **state)
{
	struct world w = world_make();
	struct kern_ask ask = { .verb = KERN_GET_SPI };
	struct kern_answer answer = { 0 };
	unsigned n;

	(void)state;
	for (n = 0; n <= KERN_RESERVED_MAX; n++) {
		kern_state_ask(w.k, &ask, &answer);
		if (answer.why != WHY_NONE)
			break;
	}
	assert_int_equal(n, KERN_RESERVED_MAX);
	assert_int_equal(none_count_reserved(w.s->under), KERN_RESERVED_MAX);
	kern_state_free(w.k, false);
}

static void
after_a_loss_flows_come_back_and_sas_do_not(void **state)
{
	struct world w = world_make();
	struct sa_spec spec = spec_make(1), bare = spec_make(2);
	struct kern_event event;

	(void)state;
	secret_done(&bare.in.keymat);
	secret_done(&bare.out.keymat);
	bare.flow.remote.net = subnet_make("10.3.0.0", 24);
	assert_int_equal(install(&w, &spec, ALL).why, WHY_NONE);
	assert_int_equal(install(&w, &bare, SA_PART_FLOW).why, WHY_NONE);
	none_lose_all(w.s->under);
	assert_true(kern_state_event(w.k, &event));
	assert_int_equal(event.kind, KERN_GONE);
	assert_int_equal(none_count_sas(w.s->under), 0);
	assert_int_equal(none_count_flows(w.s->under), 2);

	struct kern_ask query = { .verb = KERN_QUERY, .id = 1 };
	struct kern_answer answer;
	kern_state_ask(w.k, &query, &answer);
	assert_int_equal(answer.why, WHY_BACKEND_GONE);
	/* the same id may be removed, or come again with new keys */
	assert_int_equal(withdraw(&w, 1, ALL), WHY_NONE);
	assert_int_equal(none_count_flows(w.s->under), 1);
	assert_int_equal(install(&w, &spec, ALL).why, WHY_NONE);
	assert_int_equal(none_count_flows(w.s->under), 2);
	sa_spec_done(&spec);
	kern_state_free(w.k, true);
}

static void
flows_that_cannot_come_back_are_tried_again(void **state)
{
	struct world w = world_make();
	struct sa_spec spec = spec_make(1);
	struct kern_event event;
	STR(detail, 160);

	(void)state;
	assert_int_equal(install(&w, &spec, ALL).why, WHY_NONE);
	none_lose_all(w.s->under);
	w.s->deaf = true;
	assert_true(kern_state_event(w.k, &event));
	assert_int_equal(kern_state_count(w.k).flows_missing, 1);
	assert_int_equal(kern_state_reinstall(w.k, &detail), 1);
	assert_string_equal(detail.p, "scripted");
	w.s->deaf = false;
	assert_int_equal(kern_state_reinstall(w.k, &detail), 0);
	assert_int_equal(none_count_flows(w.s->under), 1);
	sa_spec_done(&spec);
	kern_state_free(w.k, true);
}

static void
flows_nobody_asks_for_again_are_let_go(void **state)
{
	struct world w = world_make();
	struct sa_spec kept = spec_make(1), dropped = spec_make(2);
	struct kern_event event;

	(void)state;
	dropped.flow.remote.net = subnet_make("10.3.0.0", 24);
	assert_int_equal(install(&w, &kept, ALL).why, WHY_NONE);
	assert_int_equal(install(&w, &dropped, ALL).why, WHY_NONE);
	none_lose_all(w.s->under);
	assert_true(kern_state_event(w.k, &event));
	assert_int_equal(install(&w, &kept, SA_PART_FLOW).why, WHY_NONE);
	assert_int_equal(none_count_flows(w.s->under), 2);
	assert_int_equal(kern_state_settle(w.k), 1);
	assert_int_equal(none_count_flows(w.s->under), 1);
	assert_int_equal(kern_state_settle(w.k), 0);
	sa_spec_done(&kept);
	sa_spec_done(&dropped);
	kern_state_free(w.k, true);
}

static void
a_new_core_finds_flows_in_force_and_no_sas(void **state)
{
	struct world w = world_make();
	struct sa_spec spec = spec_make(1);
	struct kern_ask get = { .verb = KERN_GET_SPI };
	struct kern_answer answer;

	(void)state;
	assert_int_equal(install(&w, &spec, ALL).why, WHY_NONE);
	kern_state_ask(w.k, &get, &answer);
	kern_state_abandon(w.k);
	assert_int_equal(none_count_sas(w.s->under), 0);
	assert_int_equal(none_count_reserved(w.s->under), 0);
	assert_int_equal(none_count_flows(w.s->under), 1);
	assert_int_equal(kern_state_settle(w.k), 1);
	assert_int_equal(none_count_flows(w.s->under), 0);
	sa_spec_done(&spec);
	kern_state_free(w.k, true);
}

/* Both cores number from 1: an id of the new one is not the flow the old one left. */
static void
what_an_old_core_left_does_not_answer_to_the_ids_of_the_new_one(void **state)
{
	struct world w = world_make();
	struct sa_spec left = spec_make(1), other = spec_make(1), again = spec_make(2);

	(void)state;
	other.flow.remote.net = subnet_make("10.3.0.0", 24);
	assert_int_equal(install(&w, &left, ALL).why, WHY_NONE);
	kern_state_abandon(w.k);
	assert_int_equal(withdraw(&w, 1, ALL), WHY_NONE);
	assert_int_equal(none_count_flows(w.s->under), 1);
	assert_int_equal(install(&w, &other, ALL).why, WHY_NONE);
	assert_int_equal(none_count_flows(w.s->under), 2);
	kern_state_abandon(w.k);
	assert_int_equal(none_count_flows(w.s->under), 2);
	assert_int_equal(install(&w, &again, SA_PART_FLOW).why, WHY_NONE);
	assert_int_equal(kern_state_settle(w.k), 2);
	assert_int_equal(none_count_flows(w.s->under), 1);
	assert_int_equal(kern_state_count(w.k).held, 1);
	sa_spec_done(&left);
	sa_spec_done(&other);
	sa_spec_done(&again);
	kern_state_free(w.k, true);
}

static void
take_flow_remote(void *self, const struct sa_spec *spec)
{
	*(struct endpoint *)self = spec->remote;
}

static void
a_moved_sa_takes_its_flow_along(void **state)
{
	struct world w = world_make();
	struct sa_spec spec = spec_make(1);
	struct endpoint to = { addr_make("198.51.100.7"), 33333 }, got = { 0 };
	struct kern_ask ask = { .verb = KERN_MOVE, .id = 1, .local = spec.local, .remote = to };
	struct kern_answer answer;

	(void)state;
	kern_state_ask(w.k, &ask, &answer);
	assert_int_equal(answer.why, WHY_BACKEND_GONE);
	assert_int_equal(install(&w, &spec, ALL).why, WHY_NONE);
	kern_state_ask(w.k, &ask, &answer);
	assert_int_equal(answer.why, WHY_NONE);
	none_each_flow(w.s->under, take_flow_remote, &got);
	assert_true(endpoint_equal(&got, &to));
	assert_int_equal(withdraw(&w, 1, ALL), WHY_NONE);
	assert_int_equal(none_count_sas(w.s->under), 0);
	sa_spec_done(&spec);
	kern_state_free(w.k, true);
}

static void
take_flow_id(void *self, const struct sa_spec *spec)
{
	*(uint64_t *)self = spec->id;
}

static void
an_acquire_names_an_id_that_still_has_the_flow(void **state)
{
	struct world w = world_make();
	struct sa_spec old = spec_make(1), new = spec_make(2);
	struct kern_event event = { .kind = KERN_ACQUIRE };

	(void)state;
	assert_int_equal(install(&w, &old, ALL).why, WHY_NONE);
	assert_int_equal(install(&w, &new, ALL).why, WHY_NONE);
	none_each_flow(w.s->under, take_flow_id, &event.id);
	assert_int_equal(withdraw(&w, 1, ALL), WHY_NONE);
	assert_true(none_raise(w.s->under, &event));
	assert_true(kern_state_event(w.k, &event));
	assert_int_equal(event.id, 2);
	sa_spec_done(&old);
	sa_spec_done(&new);
	kern_state_free(w.k, true);
}

static void
an_unknown_verb_is_answered(void **state)
{
	struct world w = world_make();
	struct kern_ask ask = { .verb = 0, .token = 3 };
	struct kern_answer answer;

	(void)state;
	for (unsigned verb = 0; verb <= UINT8_MAX; verb++) {
		ask.verb = (uint8_t)verb;
		kern_state_ask(w.k, &ask, &answer);
		assert_int_equal(answer.token, 3);
		if (verb == 0 || verb >= KERN_VERB_MAX)
			assert_int_equal(answer.why, WHY_CONTRACT);
	}
	kern_state_free(w.k, true);
}

/* Another daemon's outbound SA of the same peer's SPI; its key begins with `octet`. */
static struct kern_answer
install_beside(struct world *w, bool shared, uint8_t octet, uint16_t key_bits)
{
	struct sa_spec spec = spec_make(1), twin = spec_make(9);
	uint8_t key[64] = { octet };
	STR(detail, 100);

	twin.in.spi++;
	twin.out.spi = spec.out.spi;
	twin.suite.key_bits = key_bits;
	assert_true(secret_set(&twin.out.keymat, view_of(key, key_bits / 8u + 32)));
	assert_int_equal(w->s->under->ops->sa_add(w->s->under, &twin, SA_PART_OUT, &detail), WHY_NONE);
	spec.shared = shared;
	struct kern_answer a = install(w, &spec, ALL);
	sa_spec_done(&spec);
	sa_spec_done(&twin);
	return a;
}

static void
with_shared_sadb_the_same_sa_of_another_daemon_is_taken_and_told(void **state)
{
	struct world w = world_make();

	(void)state;
	assert_int_equal(install_beside(&w, true, 1, 128).why, WHY_NONE);
	assert_string_equal(kern_state_said(w.k), "outbound SA 0x00002001 of connection tunnel was "
	    "there already: taken as ours (Shared-SADB)");
	assert_int_equal(none_count_sas(w.s->under), 2);
	/* From now on it is removed as ours. */
	assert_int_equal(withdraw(&w, 1, ALL), WHY_NONE);
	assert_int_equal(none_count_sas(w.s->under), 0);
	kern_state_free(w.k, true);
}

static void
another_sa_under_that_spi_is_refused_and_stays(void **state)
{
	static const struct { bool shared; uint8_t octet; uint16_t bits; const char *words; } all[] = {
		{ false, 1, 128, "this SPI is in use" },
		{ true, 2, 128, "it is not the one that is meant: another key" },
		{ true, 1, 256, "it is not the one that is meant: octets of key: wanted 48, the back" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(all); i++) {
		struct world w = world_make();

		struct kern_answer a = install_beside(&w, all[i].shared, all[i].octet, all[i].bits);
		assert_int_equal(a.why, WHY_BACKEND_EXISTS);
		assert_non_null(strstr(a.detail, all[i].words));
		assert_int_equal(none_count_sas(w.s->under), 1);
		assert_int_equal(none_count_flows(w.s->under), 0);
		kern_state_free(w.k, true);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(r3_a_refusal_at_any_call_leaves_nothing_half_installed),
		cmocka_unit_test(r3_each_difference_read_back_is_refused_and_named),
		cmocka_unit_test(keys_of_a_wrong_length_never_reach_the_back_end),
		cmocka_unit_test(several_sas_share_a_flow_until_the_last_is_gone),
		cmocka_unit_test(a_flow_stands_before_any_sa_and_is_counted_once_per_id),
		cmocka_unit_test(a_refused_second_sa_does_not_take_the_flow_of_the_first),
		cmocka_unit_test(removing_what_is_not_there_is_no_error),
		cmocka_unit_test(an_id_installs_its_sa_once),
		cmocka_unit_test(r4_a_reserved_spi_that_is_not_used_can_be_given_back),
		cmocka_unit_test(the_most_reserved_spis_are_bounded),
		cmocka_unit_test(after_a_loss_flows_come_back_and_sas_do_not),
		cmocka_unit_test(flows_that_cannot_come_back_are_tried_again),
		cmocka_unit_test(flows_nobody_asks_for_again_are_let_go),
		cmocka_unit_test(a_new_core_finds_flows_in_force_and_no_sas),
		cmocka_unit_test(what_an_old_core_left_does_not_answer_to_the_ids_of_the_new_one),
		cmocka_unit_test(a_moved_sa_takes_its_flow_along),
		cmocka_unit_test(an_acquire_names_an_id_that_still_has_the_flow),
		cmocka_unit_test(an_unknown_verb_is_answered),
		cmocka_unit_test(with_shared_sadb_the_same_sa_of_another_daemon_is_taken_and_told),
		cmocka_unit_test(another_sa_under_that_spi_is_refused_and_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
