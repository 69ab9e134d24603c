/* The SPD's index against the rule it stands for, asked of every flow. */
#include "pair.h"

enum { FLOWS = 60, PACKETS = 400, ROUNDS = 20, MANY = 10000 };

static uint32_t state = 2463534242u;

static uint32_t
chance(uint32_t below)
{
	state ^= state << 13;
	state ^= state >> 17;
	state ^= state << 5;
	return state % below;
}

/* From so few that flows overlap and packets hit. */
static struct addr
some_address(bool six)
{
	struct addr a = address(six ? "2001:db8::" : "10.0.0.0");

	a.b[addr_len(&a) - 2] = (uint8_t)chance(3);
	a.b[addr_len(&a) - 1] = (uint8_t)chance(8);
	return a;
}

static struct selector
some_selector(bool six)
{
	static const uint8_t less[] = { 0, 0, 1, 2, 8, 16 };
	struct addr a = some_address(six), b = some_address(six);
	unsigned bits = (unsigned)addr_len(&a) * 8 - less[chance(COUNT(less))];
	struct selector s = { .port = (uint16_t)(chance(4) == 0 ? 1 + chance(2) : 0) };

	if (chance(4) == 0)
		s.net = addr_compare(&a, &b) <= 0 ? (struct range){ a, b } : (struct range){ b, a };
	else
		s.net = (struct range){ addr_first_of(&a, bits), addr_last_of(&a, bits) };
	return s;
}

static struct flow
some_flow(void)
{
	bool six = chance(3) == 0;
	uint8_t protocol = (uint8_t)(chance(3) == 0 ? IPPROTO_UDP_ : chance(5) == 0 ? IPPROTO_ICMP_ : 0);

	return (struct flow){ .local = some_selector(six), .remote = some_selector(six),
	    .protocol = protocol };
}

static struct ip_info
some_packet(void)
{
	bool six = chance(3) == 0, ports = chance(4) != 0;

	return (struct ip_info){ .src = some_address(six), .dst = some_address(six),
	    .protocol = ports ? IPPROTO_UDP_ : IPPROTO_ICMP_, .has_ports = ports,
	    .sport = (uint16_t)(ports ? chance(3) : 0), .dport = (uint16_t)(ports ? chance(3) : 0) };
}

static unsigned
fixed_bits(const struct range *r)
{
	unsigned n = 0, most = (unsigned)addr_len(&r->first) * 8;

	while (n < most && ((r->first.b[n / 8] ^ r->last.b[n / 8]) >> (7 - n % 8) & 1) == 0)
		n++;
	return n;
}

static unsigned
rank(const struct flow *f)
{
	return (fixed_bits(&f->local.net) + fixed_bits(&f->remote.net)) * 4 + (f->protocol != 0) +
	    (f->local.port != 0) + (f->remote.port != 0);
}

/* The most specific one, of equals the one added last. */
static const struct flow *
by_walk(const struct flow *flows, const bool *held, size_t n, const struct ip_info *ip)
{
	const struct flow *best = NULL;

	for (size_t i = 0; i < n; i++)
		if (held[i] && ip_matches(ip, &flows[i], true) &&
		    (best == NULL || rank(&flows[i]) >= rank(best)))
			best = &flows[i];
	return best;
}

static void
the_index_finds_what_a_walk_over_all_flows_finds(void **unused)
{
	(void)unused;
	for (unsigned round = 0; round < ROUNDS; round++) {
		struct esp_config config = { 0 };
		struct esp_plane *plane = esp_plane_new(&config);
		struct flow flows[FLOWS];
		bool held[FLOWS] = { false };
		STR(detail, 100);

		assert_non_null(plane);
		for (size_t i = 0; i < FLOWS; i++) {
			struct sa_spec s = { .id = i + 1, .flow = flows[i] = some_flow() };

			for (size_t k = 0; k < i; k++)	/* the same flow again would only be another user of it */
				held[i] = held[i] || flow_equal(&flows[k], &flows[i]);
			held[i] = !held[i];
			if (held[i])
				assert_int_equal(esp_plane_flow_add(plane, &s, &detail), WHY_NONE);
		}
		for (unsigned i = 0; i < PACKETS; i++) {
			size_t gone = chance(FLOWS * 8);
			struct ip_info ip = some_packet();

			if (gone < FLOWS && held[gone]) {
				assert_int_equal(esp_plane_flow_delete(plane, gone + 1), WHY_NONE);
				held[gone] = false;
			}
			const struct flow *want = by_walk(flows, held, FLOWS, &ip);
			const struct esp_group *got = plane_policy(plane, &ip);
			assert_int_equal(got != NULL, want != NULL);
			if (got != NULL)
				assert_true(flow_equal(&got->flow, want));
		}
		esp_plane_clear(plane);
		assert_int_equal(plane->n_groups, 0);
		assert_int_equal(plane->n_shapes, 0);
		assert_int_equal(plane->n_odd, 0);
		assert_int_equal(map_count(plane->by_flow), 0);
		esp_plane_free(plane);
	}
}

static void
thousands_of_subnets_are_one_thing_to_look_for(void **unused)
{
	struct esp_config config = { 0 };
	struct esp_plane *plane = esp_plane_new(&config);
	STR(detail, 100);

	(void)unused;
	assert_non_null(plane);
	for (unsigned i = 0; i < MANY; i++) {
		struct sa_spec s = { .id = i + 1, .flow = { .local = { .net = range_of("10.1.0.0",
		    "10.1.0.255") }, .remote = { .net = range_of("10.128.0.0", "10.128.0.0") } } };

		s.flow.remote.net.first.b[2] = s.flow.remote.net.last.b[2] = (uint8_t)(i >> 8);
		s.flow.remote.net.first.b[3] = s.flow.remote.net.last.b[3] = (uint8_t)i;
		assert_int_equal(esp_plane_flow_add(plane, &s, &detail), WHY_NONE);
	}
	assert_int_equal(plane->n_groups, MANY);
	assert_int_equal(plane->n_shapes, 1);
	assert_int_equal(plane->n_odd, 0);
	struct ip_info ip = { .src = address("10.1.0.7"), .dst = address("10.128.39.15"),
	    .protocol = IPPROTO_ICMP_ };
	const struct esp_group *g = plane_policy(plane, &ip);
	assert_non_null(g);
	assert_true(ip_matches(&ip, &g->flow, true));
	esp_plane_free(plane);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_index_finds_what_a_walk_over_all_flows_finds),
		cmocka_unit_test(thousands_of_subnets_are_one_thing_to_look_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
