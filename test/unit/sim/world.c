/* The simulator's own parts: a test that lies is worse than none. */
#include "prove.h"

#include "sim/template.h"

struct note {
	struct sim_event	e;
	int		*log;
	size_t		*n;
	int		what;
};

static void
note_run(struct world *w, struct sim_event *e)
{
	struct note *x = (struct note *)e;

	(void)w;
	x->log[(*x->n)++] = x->what;
}

static void
note_free(struct sim_event *e)
{
	free((struct note *)e);
}

static void
add_note(struct world *w, int *log, size_t *n, int what, int64_t ms)
{
	struct note *x = sim_alloc(sizeof(*x));

	x->e.run = note_run;
	x->e.free = note_free;
	x->log = log;
	x->n = n;
	x->what = what;
	queue_add(&w->queue, &x->e, mono_add(w->now, span_ms(ms)));
}

static void
events_run_in_order_and_equal_times_in_order_of_adding(void **state)
{
	struct world *w = world_new(1);
	int log[64];
	size_t n = 0;

	(void)state;
	for (int i = 0; i < 30; i++)
		add_note(w, log, &n, i, 100 - i / 3);
	world_run(w, mono_add(w->now, span_s(1)));
	assert_int_equal(n, 30);
	for (int i = 0; i < 30; i++)
		assert_int_equal(log[i], 27 - i / 3 * 3 + i % 3);
	world_free(w);
}

/* What a run leaves behind, folded into one number. */
static uint64_t
fingerprint(uint64_t seed)
{
	struct world *w = world_new(seed);
	uint64_t sum;

	world_add(w, "west");
	world_add(w, "east");
	struct plan p = plan_new(w);
	plan_set(&p, 0, "active", "yes");
	plan_set(&p, 0, "p2life", "90,60:86400");
	assert_true(plan_start(&p));
	for (int i = 0; i < 2; i++) {
		struct link *l = net_link(w, i, 1 - i);

		l->loss = 100;
		l->reorder = l->dup = 100;
	}
	w->path_faults = true;
	assert_true(world_run(w, mono_add(w->now, span_s(2000))));
	sum = w->events * 1000003 + w->datagrams * 1009 + w->host[0]->sent_octets +
	    w->host[1]->sent_octets * 31;
	plan_done(&p);
	world_free(w);
	return sum;
}

static void
a_run_is_its_seed(void **state)
{
	(void)state;
	assert_true(fingerprint(42) == fingerprint(42));
	assert_true(fingerprint(42) != fingerprint(43));
}

static void
a_nat_box_maps_keeps_and_forgets(void **state)
{
	struct world *w = world_new(1);
	struct addr public4;
	static const uint8_t byte[2] = { 1, 2 };

	(void)state;
	struct host *in = world_add(w, "in"), *out = world_add(w, "out");
	assert_true(addr_parse("203.0.113.7", &public4));
	in->nat = net_nat(w, "box", &public4, span_s(10));
	struct path path = { .local = { in->addr4, 500 }, .remote = { out->addr4, 500 } };
	struct endpoint inside = { in->addr4, 500 };
	struct endpoint mapped = { public4, 20000 };

	assert_int_equal(net_reach(w, out->index, &inside), NOBODY);
	assert_int_equal(net_reach(w, out->index, &mapped), NOBODY);
	net_send(w, in->index, &path, view_of(byte, 2));
	assert_int_equal(net_reach(w, out->index, &mapped), in->index);
	world_run(w, mono_add(w->now, span_s(11)));
	assert_int_equal(net_reach(w, out->index, &mapped), NOBODY);
	net_send(w, in->index, &path, view_of(byte, 2));
	mapped.port = 20001;
	assert_int_equal(net_reach(w, out->index, &mapped), in->index);
	net_nat_rebind(w, in->nat);
	assert_int_equal(net_reach(w, out->index, &mapped), NOBODY);
	world_free(w);
}

static void
a_link_loses_what_it_was_told_to_and_nothing_else(void **state)
{
	struct world *w = world_new(1);
	static const uint8_t byte[2] = { 1, 2 };

	(void)state;
	world_add(w, "a");
	world_add(w, "b");
	net_fault(w, 0, 1, (struct fault){ .kind = FAULT_LOSE, .from_nth = 2, .to_nth = 3 });
	struct path path = { .local = { w->host[0]->addr4, 500 },
	    .remote = { w->host[1]->addr4, 500 } };
	for (size_t sent = 0, queued = 0; sent < 6; sent++) {
		net_send(w, 0, &path, view_of(byte, 2));
		queued += sent != 1 && sent != 2;
		assert_int_equal(w->queue.n, queued);
	}
	world_free(w);
}

static struct sa_spec
spec_of(struct world *w, const struct host *h, uint64_t id)
{
	struct sa_spec s = { .id = id, .suite = { .protocol = PROTO_IPSEC_ESP,
	    .cipher = ESP_AES_GCM_16, .mode = SA_TUNNEL, .key_bits = 128 } };
	uint8_t key[20] = { 9 };

	s.local.addr = h->addr4;
	s.remote.addr = w->host[1 - h->index]->addr4;
	s.in.spi = world_spi(w, h->index);
	s.out.spi = world_spi(w, 1 - h->index);
	assert_true(secret_set(&s.in.keymat, view_of(key, 20)));
	assert_true(secret_set(&s.out.keymat, view_of(key, 20)));
	return s;
}

static void
the_model_kernel_sees_an_sa_without_authentication(void **state)
{
	struct world *w = world_new(1);
	struct kern_answer answer = { 0 };

	(void)state;
	struct host *a = world_add(w, "a");
	world_add(w, "b");
	struct sa_spec s = spec_of(w, a, 1);
	struct kern_ask ask = { .verb = KERN_INSTALL, .parts = SA_PART_IN | SA_PART_OUT, .spec = &s };
	kernel_ask(w, a, &ask, &answer);
	assert_false(world_ok(w));
	assert_non_null(strstr(w->violation, "never authenticated"));
	sa_spec_done(&s);
	world_free(w);
}

static void
the_model_kernel_sees_different_keys_at_the_two_ends(void **state)
{
	struct world *w = world_new(1);
	struct kern_answer answer = { 0 };

	(void)state;
	struct host *h[2] = { world_add(w, "a"), world_add(w, "b") };
	struct sa_spec s[2] = { spec_of(w, h[0], 1), spec_of(w, h[1], 2) };
	s[1].in.spi = s[0].out.spi;
	s[1].out.spi = s[0].in.spi;
	s[1].in.keymat.p[0] ^= 1;
	for (int i = 0; i < 2; i++) {
		struct kern_ask ask = { .verb = KERN_INSTALL, .parts = SA_PART_IN | SA_PART_OUT,
		    .spec = &s[i] };

		h[i]->authenticated = sim_alloc(sizeof(struct addr));
		h[i]->authenticated[0] = h[1 - i]->addr4;
		h[i]->n_authenticated = 1;
		kernel_ask(w, h[i], &ask, &answer);
		assert_int_equal(answer.why, WHY_NONE);
	}
	assert_false(world_ok(w));
	assert_non_null(strstr(w->violation, "keys differ"));
	sa_spec_done(&s[0]);
	sa_spec_done(&s[1]);
	world_free(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(events_run_in_order_and_equal_times_in_order_of_adding),
		cmocka_unit_test(a_run_is_its_seed),
		cmocka_unit_test(a_nat_box_maps_keeps_and_forgets),
		cmocka_unit_test(a_link_loses_what_it_was_told_to_and_nothing_else),
		cmocka_unit_test(the_model_kernel_sees_an_sa_without_authentication),
		cmocka_unit_test(the_model_kernel_sees_different_keys_at_the_two_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
