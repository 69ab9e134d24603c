/*
 * What every back end must do, as one list of checks that a test program
 * runs against the back ends it can reach.  A check gets a fresh back end.
 */
#ifndef TEST_KERN_BEHAVIOUR_H
#define TEST_KERN_BEHAVIOUR_H

#include "specs.h"

#include "kern/backend.h"

struct behaviour {
	const char	*name;
	void		(*check)(struct backend *);
};

static void
spis_are_unique_and_never_reserved_ones(struct backend *b)
{
	uint32_t got[64];
	struct sa_spec spec = spec_make(1);

	for (size_t i = 0; i < COUNT(got); i++) {
		STR(detail, 160);

		assert_int_equal(b->ops->get_spi(b, &spec.local, &spec.remote, &got[i], &detail),
		    WHY_NONE);
		assert_true(got[i] >= 0x100);
		for (size_t k = 0; k < i; k++)
			assert_int_not_equal(got[i], got[k]);
	}
	sa_spec_done(&spec);
}

static void
an_sa_is_read_back_as_it_was_added(struct backend *b)
{
	struct sa_spec spec = spec_make(1), got = { 0 };
	STR(detail, 160);

	assert_int_equal(b->ops->get_spi(b, &spec.local, &spec.remote, &spec.in.spi, &detail),
	    WHY_NONE);
	assert_int_equal(b->ops->sa_add(b, &spec, SA_PART_IN, &detail), WHY_NONE);
	assert_int_equal(b->ops->sa_add(b, &spec, SA_PART_OUT, &detail), WHY_NONE);
	assert_int_equal(b->ops->sa_read(b, &spec, SA_PART_IN, &got, &detail), WHY_NONE);
	assert_int_equal(got.in.spi, spec.in.spi);
	assert_int_equal(got.in.keymat.n, spec.in.keymat.n);
	assert_int_equal(got.out.keymat.n, 0);
	assert_int_equal(got.replay_window, spec.replay_window);
	assert_int_equal(got.suite.cipher, spec.suite.cipher);
	assert_int_equal(got.suite.mode, spec.suite.mode);
	assert_true(flow_equal(&got.flow, &spec.flow));
	assert_true(addr_equal(&got.remote.addr, &spec.remote.addr));
	sa_spec_done(&got);
	assert_int_equal(b->ops->sa_read(b, &spec, SA_PART_OUT, &got, &detail), WHY_NONE);
	assert_int_equal(got.out.spi, spec.out.spi);
	assert_int_equal(got.in.keymat.n, 0);
	sa_spec_done(&got);
	sa_spec_done(&spec);
}

static void
the_same_sa_twice_is_refused(struct backend *b)
{
	struct sa_spec spec = spec_make(1);
	STR(detail, 160);

	assert_int_equal(b->ops->sa_add(b, &spec, SA_PART_IN, &detail), WHY_NONE);
	assert_int_equal(b->ops->sa_add(b, &spec, SA_PART_IN, &detail), WHY_BACKEND_EXISTS);
	sa_spec_done(&spec);
}

static void
an_illegal_suite_is_refused_as_such(struct backend *b)
{
	struct sa_spec spec = spec_make(1);
	STR(detail, 160);

	spec.suite.cipher = ESP_RC4;
	assert_int_equal(b->ops->sa_add(b, &spec, SA_PART_IN, &detail), WHY_BACKEND_ALGORITHM);
	assert_int_not_equal(detail.len, 0);
	sa_spec_done(&spec);
}

static void
what_was_deleted_is_gone(struct backend *b)
{
	struct sa_spec spec = spec_make(1), got = { 0 };
	STR(detail, 160);

	assert_int_equal(b->ops->sa_add(b, &spec, SA_PART_IN, &detail), WHY_NONE);
	assert_int_equal(b->ops->sa_delete(b, &spec, SA_PART_IN), WHY_NONE);
	assert_int_equal(b->ops->sa_read(b, &spec, SA_PART_IN, &got, &detail), WHY_BACKEND_GONE);
	assert_int_equal(b->ops->sa_delete(b, &spec, SA_PART_IN), WHY_BACKEND_GONE);
	assert_int_equal(b->ops->sa_add(b, &spec, SA_PART_IN, &detail), WHY_NONE);
	sa_spec_done(&spec);
}

static void
flows_come_and_go(struct backend *b)
{
	struct sa_spec spec = spec_make(1);
	STR(detail, 160);

	assert_int_equal(b->ops->flow_add(b, &spec, &detail), WHY_NONE);
	spec.remote.addr.b[3]++;	/* an update, not a second flow */
	assert_int_equal(b->ops->flow_add(b, &spec, &detail), WHY_NONE);
	assert_int_equal(b->ops->flow_delete(b, &spec), WHY_NONE);
	assert_int_equal(b->ops->flow_delete(b, &spec), WHY_BACKEND_GONE);
	sa_spec_done(&spec);
}

static void
a_fresh_sa_was_never_used(struct backend *b)
{
	struct sa_spec spec = spec_make(1);
	struct sa_usage usage;
	STR(detail, 160);

	assert_int_equal(b->ops->query(b, &spec, &usage), WHY_BACKEND_GONE);
	assert_int_equal(b->ops->sa_add(b, &spec, SA_PART_IN, &detail), WHY_NONE);
	assert_int_equal(b->ops->sa_add(b, &spec, SA_PART_OUT, &detail), WHY_NONE);
	assert_int_equal(b->ops->query(b, &spec, &usage), WHY_NONE);
	assert_int_equal(usage.in_packets, 0);
	assert_int_equal(usage.in_idle, UINT32_MAX);
	assert_int_equal(usage.out_idle, UINT32_MAX);
	sa_spec_done(&spec);
}

static void
a_moved_pair_has_its_new_endpoints(struct backend *b)
{
	struct sa_spec spec = spec_make(1), got = { 0 };
	struct endpoint remote = spec.remote;
	STR(detail, 160);

	assert_int_equal(b->ops->sa_add(b, &spec, SA_PART_IN, &detail), WHY_NONE);
	assert_int_equal(b->ops->sa_add(b, &spec, SA_PART_OUT, &detail), WHY_NONE);
	remote.addr.b[3] = 77;
	remote.port = 40001;
	assert_int_equal(b->ops->move(b, &spec, &spec.local, &remote), WHY_NONE);
	spec.remote = remote;
	assert_int_equal(b->ops->sa_read(b, &spec, SA_PART_OUT, &got, &detail), WHY_NONE);
	assert_true(endpoint_equal(&got.remote, &remote));
	sa_spec_done(&got);
	assert_int_equal(b->ops->sa_delete(b, &spec, SA_PART_OUT), WHY_NONE);
	assert_int_equal(b->ops->sa_delete(b, &spec, SA_PART_IN), WHY_NONE);
	sa_spec_done(&spec);
}

static const struct behaviour behaviours[] = {
#define B(check) { #check, check }
	B(spis_are_unique_and_never_reserved_ones),
	B(an_sa_is_read_back_as_it_was_added),
	B(the_same_sa_twice_is_refused),
	B(an_illegal_suite_is_refused_as_such),
	B(what_was_deleted_is_gone),
	B(flows_come_and_go),
	B(a_fresh_sa_was_never_used),
	B(a_moved_pair_has_its_new_endpoints),
#undef B
};

/* Each check with a back end of its own. */
static void
run_behaviours(struct backend *(*make)(void))
{
	for (size_t i = 0; i < COUNT(behaviours); i++) {
		struct backend *b = make();

		print_message("           %s\n", behaviours[i].name);
		assert_non_null(b);
		behaviours[i].check(b);
		b->ops->free(b);
	}
}

#endif
