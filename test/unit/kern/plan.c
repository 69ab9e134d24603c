#include "prove.h"

#include <netinet/in.h>

#include "kern/prefixes.h"
#include "kern/user_plan.h"
#include "specs.h"

/* "10.0.0.1 10.0.0.2/31 ..." */
static void
print_prefixes(struct str *s, const char *first, const char *last)
{
	struct range r = { addr_make(first), addr_make(last) };
	struct prefix p[300];
	size_t n = range_prefixes(&r, p, COUNT(p));

	for (size_t i = 0; i < n; i++) {
		addr_print(s, &p[i].addr);
		str_addf(s, "/%u ", p[i].bits);
	}
}

static void
a_range_becomes_the_fewest_prefixes(void **state)
{
	static const struct { const char *first, *last, *want; } cases[] = {
		{ "10.0.0.5", "10.0.0.5", "10.0.0.5/32 " },
		{ "10.1.0.0", "10.1.0.255", "10.1.0.0/24 " },
		{ "0.0.0.0", "255.255.255.255", "0.0.0.0/0 " },
		{ "10.0.0.1", "10.0.0.6", "10.0.0.1/32 10.0.0.2/31 10.0.0.4/31 10.0.0.6/32 " },
		{ "192.168.0.255", "192.168.1.0", "192.168.0.255/32 192.168.1.0/32 " },
		{ "255.255.255.254", "255.255.255.255", "255.255.255.254/31 " },
		{ "2001:db8::", "2001:db8::1:ffff", "2001:db8::/111 " },
		{ "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "::/0 " },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		STR(s, 500);

		print_prefixes(&s, cases[i].first, cases[i].last);
		assert_string_equal(s.p, cases[i].want);
	}
}

static void
the_worst_range_fits_or_is_refused(void **state)
{
	struct range worst4 = { addr_make("0.0.0.1"), addr_make("255.255.255.254") };
	struct range worst6 = { addr_make("::1"),
	    addr_make("ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe") };
	struct range nothing = { 0 }, mixed = { worst4.first, worst6.last };
	struct prefix p[254];

	(void)state;
	assert_int_equal(range_prefixes(&worst4, p, COUNT(p)), 62);
	assert_int_equal(range_prefixes(&worst6, p, COUNT(p)), 254);
	assert_int_equal(range_prefixes(&worst4, p, 61), 0);
	assert_int_equal(range_prefixes(&nothing, p, COUNT(p)), 0);
	assert_int_equal(range_prefixes(&mixed, p, COUNT(p)), 0);
}

static const struct plan_options options = { .table = 50500, .port = 500, .port_nat_t = 4500 };

static struct plan
plan_make(const struct sa_spec *spec, const struct addr *source, enum why want)
{
	struct plan plan = { 0 };
	STR(detail, 160);

	assert_int_equal(plan_flow(&plan, &options, spec, source, &detail), want);
	return plan;
}

static bool
has(const struct plan *plan, enum plan_stage stage, const char *want)
{
	for (size_t i = 0; i < plan->n; i++) {
		STR(s, 200);

		plan_print(&s, &plan->v[i]);
		if (plan->v[i].kind == PLAN_RULE && plan->v[i].stage == stage &&
		    strcmp(s.p, want) == 0)
			return true;
	}
	return false;
}

static unsigned
in_stage(const struct plan *plan, enum plan_stage stage)
{
	unsigned n = 0;

	for (size_t i = 0; i < plan->n; i++)
		n += plan->v[i].kind == PLAN_RULE && plan->v[i].stage == stage;
	return n;
}

static void
a_plain_flow_has_one_rule_each_way(void **state)
{
	struct sa_spec spec = spec_make(1);
	struct addr own = addr_make("10.1.0.1");
	struct plan plan = plan_make(&spec, &own, WHY_NONE);

	(void)state;
	assert_true(has(&plan, STAGE_OUT, "rule from 10.1.0.0/24 to 10.2.0.0/24 lookup 50500"));
	assert_true(has(&plan, STAGE_IN, "rule from 10.2.0.0/24 to 10.1.0.0/24 prohibit"));
	assert_true(has(&plan, STAGE_SOURCE, "rule from 0.0.0.0 to 10.2.0.0/24 lookup 50501"));
	assert_int_equal(in_stage(&plan, STAGE_OUT), 1);
	assert_int_equal(in_stage(&plan, STAGE_IN), 1);
	assert_int_equal(in_stage(&plan, STAGE_EXEMPT), 0);
	assert_int_equal(in_stage(&plan, STAGE_OUT_FRAGMENT), 0);
	plan_done(&plan);
	plan = plan_make(&spec, NULL, WHY_NONE);
	assert_int_equal(in_stage(&plan, STAGE_SOURCE), 0);
	plan_done(&plan);
	sa_spec_done(&spec);
}

static void
ports_are_matched_where_the_kernel_can(void **state)
{
	struct sa_spec spec = spec_make(1);

	(void)state;
	spec.flow.protocol = IPPROTO_TCP;
	spec.flow.local.port = 80;
	struct plan plan = plan_make(&spec, NULL, WHY_NONE);
	assert_true(has(&plan, STAGE_OUT,
	    "rule from 10.1.0.0/24 to 10.2.0.0/24 ipproto 6 sport 80 lookup 50500"));
	assert_true(has(&plan, STAGE_IN,
	    "rule from 10.2.0.0/24 to 10.1.0.0/24 ipproto 6 dport 80 prohibit"));
	assert_true(has(&plan, STAGE_OUT_FRAGMENT,
	    "rule from 10.1.0.0/24 to 10.2.0.0/24 ipproto 6 lookup 50500"));
	plan_done(&plan);

	/* a port it cannot match, and a protocol whose port is a type and code */
	spec.flow.local.port = 65535;
	plan = plan_make(&spec, NULL, WHY_NONE);
	assert_true(has(&plan, STAGE_OUT,
	    "rule from 10.1.0.0/24 to 10.2.0.0/24 ipproto 6 lookup 50500"));
	plan_done(&plan);
	spec.flow.protocol = IPPROTO_ICMP;
	spec.flow.local.port = 2048;
	plan = plan_make(&spec, NULL, WHY_NONE);
	assert_true(has(&plan, STAGE_OUT,
	    "rule from 10.1.0.0/24 to 10.2.0.0/24 ipproto 1 lookup 50500"));
	plan_done(&plan);
	sa_spec_done(&spec);
}

static void
ranges_with_too_many_prefixes_are_refused(void **state)
{
	struct sa_spec spec = spec_make(1);

	(void)state;
	spec.flow.local.net = (struct range){ addr_make("0.0.0.1"), addr_make("255.255.255.254") };
	struct plan plan = plan_make(&spec, NULL, WHY_BACKEND);
	plan_done(&plan);
	spec.flow.local.net = (struct range){ 0 };
	plan = plan_make(&spec, NULL, WHY_BACKEND);
	plan_done(&plan);
	sa_spec_done(&spec);
}

/*
 * The kernel treats what an order to delete does not mention as "any": two
 * rules of one priority must mention the same things.
 */
static void
rules_of_one_priority_have_one_shape(void **state)
{
	static const struct { const char *local, *remote; unsigned lb, rb; } nets[] = {
		{ "10.1.0.0", "10.2.0.0", 24, 24 }, { "0.0.0.0", "10.2.0.0", 0, 24 },
		{ "10.1.0.0", "0.0.0.0", 24, 0 }, { "0.0.0.0", "0.0.0.0", 0, 0 },
		{ "192.0.2.1", "192.0.2.2", 32, 32 },
	};
	static const uint8_t protocols[] = { 0, IPPROTO_UDP };
	struct plan all = { 0 };
	struct sa_spec spec = spec_make(1);
	STR(detail, 160);

	(void)state;
	for (size_t i = 0; i < COUNT(nets); i++)
		for (unsigned k = 0; k < COUNT(protocols) * 4; k++) {
			spec.flow.local.net = subnet_make(nets[i].local, nets[i].lb);
			spec.flow.remote.net = subnet_make(nets[i].remote, nets[i].rb);
			spec.flow.protocol = protocols[k / 4];
			spec.flow.local.port = k % 2 == 0 ? 0 : 53;
			spec.flow.remote.port = k / 2 % 2 == 0 ? 0 : 53;
			struct addr own = addr_make("10.1.0.1");
			assert_int_equal(plan_flow(&all, &options, &spec, &own, &detail), WHY_NONE);
		}
	for (size_t i = 0; i < all.n; i++)
		for (size_t k = 0; k < i; k++) {
			const struct plan_item *a = &all.v[i], *b = &all.v[k];

			if (a->kind != PLAN_RULE || b->kind != PLAN_RULE ||
			    plan_priority(a) != plan_priority(b))
				continue;
			assert_int_equal(a->from_bits == 0, b->from_bits == 0);
			assert_int_equal(a->to_bits == 0, b->to_bits == 0);
			assert_int_equal(a->protocol == 0, b->protocol == 0);
			assert_int_equal(a->sport == 0, b->sport == 0);
			assert_int_equal(a->dport == 0, b->dport == 0);
			assert_int_equal(a->iif == IIF_ANY, b->iif == IIF_ANY);
			assert_int_equal(a->action, b->action);
			assert_true(plan_priority(a) < PLAN_PRIORITIES);
		}
	plan_done(&all);
	sa_spec_done(&spec);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_range_becomes_the_fewest_prefixes),
		cmocka_unit_test(the_worst_range_fits_or_is_refused),
		cmocka_unit_test(a_plain_flow_has_one_rule_each_way),
		cmocka_unit_test(ports_are_matched_where_the_kernel_can),
		cmocka_unit_test(ranges_with_too_many_prefixes_are_refused),
		cmocka_unit_test(rules_of_one_priority_have_one_shape),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
