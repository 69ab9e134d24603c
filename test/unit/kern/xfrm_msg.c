/* Specs and policies as XFRM messages; no kernel is asked here. */
#include "prove.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "kern/xfrm_msg_linux.h"
#include "specs.h"

/*
 * 0x10000 + (p6(src) << 11 | p6(dst) << 3 | proto?0:4 | sport?0:2 | dport?0:1),
 * p6 being the bits that a prefix leaves open.
 */
static void
the_most_specific_selector_wins(void **state)
{
	static const struct {
		struct xfrm_selector	sel;
		uint32_t		priority;
	} table[] = {
		{ { .family = AF_INET, .prefixlen_s = 24, .prefixlen_d = 24 }, 0x14047 },
		{ { .family = AF_INET, .prefixlen_s = 32, .prefixlen_d = 32, .proto = 6,
		    .sport_mask = 0xffff, .dport_mask = 0xffff }, 0x10000 },
		{ { .family = AF_INET }, 0x20107 },
		{ { .family = AF_INET, .prefixlen_s = 32 }, 0x10107 },
		{ { .family = AF_INET, .prefixlen_d = 32 }, 0x20007 },
		{ { .family = AF_INET6 }, 0x50407 },
		{ { .family = AF_INET6, .prefixlen_s = 128, .prefixlen_d = 64, .proto = 17,
		    .dport_mask = 0xffff }, 0x10202 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++)
		assert_int_equal(xfrm_priority(&table[i].sel), table[i].priority);
}

static void
equal_flows_have_one_reqid_and_it_is_ours(void **state)
{
	struct sa_spec a = spec_make(1), b = spec_make(2);

	(void)state;
	assert_int_equal(xfrm_reqid(&a.flow), xfrm_reqid(&b.flow));
	assert_true(xfrm_reqid_is_ours(xfrm_reqid(&a.flow)));
	b.flow.protocol = 17;
	assert_int_not_equal(xfrm_reqid(&a.flow), xfrm_reqid(&b.flow));
	assert_true(xfrm_reqid_is_ours(0x15a00000) && xfrm_reqid_is_ours(0x15afffff));
	/* What ip(8), strongSwan and libreswan begin with. */
	assert_false(xfrm_reqid_is_ours(0) || xfrm_reqid_is_ours(1) || xfrm_reqid_is_ours(16384) ||
	    xfrm_reqid_is_ours(0x159fffff) || xfrm_reqid_is_ours(0x15b00000));
	sa_spec_done(&a);
	sa_spec_done(&b);
}

static const struct nlattr *
attribute(const struct nlmsghdr *h, size_t skip, uint16_t type)
{
	const struct nlattr *a;

	netlink_each(a, h, skip)
		if (mnl_attr_get_type(a) == type)
			return a;
	return NULL;
}

/* RFC 4868 section 2: 128 bits of SHA2-256 on the wire; the kernel's own idea is 96. */
static void
the_length_of_a_hash_is_said_aloud(void **state)
{
	_Alignas(struct nlmsghdr) uint8_t room[NETLINK_ROOM];
	struct sa_spec spec = spec_make(1);
	struct nlmsghdr *h;
	STR(detail, 100);

	(void)state;
	assert_int_equal(xfrm_sa_message(room, XFRM_MSG_NEWSA, &spec, SA_PART_IN, &h, &detail), 0);
	const struct nlattr *a = attribute(h, sizeof(struct xfrm_usersa_info), XFRMA_ALG_AUTH_TRUNC);
	assert_non_null(a);
	const struct xfrm_algo_auth *auth = mnl_attr_get_payload(a);
	assert_string_equal(auth->alg_name, "hmac(sha256)");
	assert_int_equal(auth->alg_key_len, 256);
	assert_int_equal(auth->alg_trunc_len, 128);
	const struct xfrm_usersa_info *sa = mnl_nlmsg_get_payload(h);
	assert_int_equal(sa->lft.hard_byte_limit, XFRM_INF);
	assert_int_equal(sa->replay_window, 0);	/* 64 packets: in a bitmap of its own */
	assert_non_null(attribute(h, sizeof(*sa), XFRMA_REPLAY_ESN_VAL));
	assert_int_equal(ntohl(sa->id.spi), 0x1001);
	assert_int_equal(sa->sel.prefixlen_s, 24);
	assert_int_equal(ntohl(sa->sel.saddr.a4), 0x0a020000);	/* inbound: from the far side */
	sa_spec_done(&spec);
}

static void
what_is_said_of_an_sa_is_read_back_the_same(void **state)
{
	static const uint8_t key[128] = { 9 };
	_Alignas(struct nlmsghdr) uint8_t room[NETLINK_ROOM];
	unsigned n = 0;

	(void)state;
	for (unsigned i = 0; i < 24 * 9 * 8; i++) {
		struct sa_spec spec = spec_make(1), got = { 0 };
		struct xfrm_told told = { 0 };
		struct sa_lengths l;
		struct nlmsghdr *h;
		STR(detail, 100);

		spec.suite = (struct sa_suite){ .protocol = PROTO_IPSEC_ESP,
		    .cipher = (uint8_t)(i % 24), .auth = (uint8_t)(i / 24 % 9),
		    .mode = i / 216 & 1 ? SA_TUNNEL : SA_TRANSPORT,
		    .key_bits = i / 216 & 2 ? 192 : 0, .esn = (i / 216 & 4) != 0 };
		spec.encap = i % 2 == 0;
		spec.soft_bytes = 1000;
		spec.hard_secs = 77;
		if (sa_suite_lengths(&spec.suite, &l)) {
			assert_true(secret_set(&spec.out.keymat, view_of(key, l.key + l.salt + l.auth)));
			assert_int_equal(xfrm_sa_message(room, XFRM_MSG_NEWSA, &spec, SA_PART_OUT, &h,
			    &detail), WHY_NONE);
			xfrm_sa_told(h, &told);
			assert_true(told.got);
			assert_int_equal(xfrm_sa_spec(&told, &spec, SA_PART_OUT, &got), WHY_NONE);
			assert_memory_equal(&got.suite, &spec.suite, sizeof(spec.suite));
			assert_true(flow_equal(&got.flow, &spec.flow));
			assert_int_equal(got.out.keymat.n, spec.out.keymat.n);
			assert_int_equal(got.out.spi, spec.out.spi);
			assert_int_equal(got.encap, spec.encap);
			assert_int_equal(got.soft_bytes, 1000);
			assert_int_equal(got.hard_secs, 77);
			sa_spec_done(&got);
			n++;
		} else {
			assert_int_equal(xfrm_sa_message(room, XFRM_MSG_NEWSA, &spec, SA_PART_OUT, &h,
			    &detail), WHY_BACKEND_ALGORITHM);
		}
		sa_spec_done(&spec);
	}
	assert_true(n > 100);
}

static void
an_unknown_algorithm_is_not_taken_for_a_known_one(void **state)
{
	_Alignas(struct nlmsghdr) uint8_t room[NETLINK_ROOM];
	struct sa_spec spec = spec_make(1);
	struct xfrm_told told = { 0 };
	struct nlmsghdr *h;
	STR(detail, 100);

	(void)state;
	assert_int_equal(xfrm_sa_message(room, XFRM_MSG_NEWSA, &spec, SA_PART_IN, &h, &detail), 0);
	const struct nlattr *a = attribute(h, sizeof(struct xfrm_usersa_info), XFRMA_ALG_AUTH_TRUNC);
	((struct xfrm_algo_auth *)mnl_attr_get_payload(a))->alg_trunc_len = 96;
	xfrm_sa_told(h, &told);
	assert_int_not_equal(told.suite.auth, AUTHALG_HMAC_SHA2_256);
	a = attribute(h, sizeof(struct xfrm_usersa_info), XFRMA_ALG_CRYPT);
	((struct xfrm_algo *)mnl_attr_get_payload(a))->alg_name[0] = 'x';
	xfrm_sa_told(h, &told);
	assert_int_not_equal(told.suite.cipher, ESP_AES);
	sa_spec_done(&spec);
}

static void
only_policies_with_our_reqid_are_ours(void **state)
{
	_Alignas(struct nlmsghdr) uint8_t room[NETLINK_ROOM];
	struct sa_spec spec = spec_make(1);
	struct xfrm_policy p[XFRM_POLICIES_MAX], got;

	(void)state;
	assert_int_equal(xfrm_flow_policies(&spec, p, COUNT(p)), 3);
	struct nlmsghdr *h = xfrm_policy_message(room, XFRM_MSG_NEWPOLICY, &p[0], &spec);
	assert_true(xfrm_policy_ours(h, &got));
	assert_memory_equal(&got.sel, &p[0].sel, sizeof(got.sel));
	const struct nlattr *a = attribute(h, sizeof(struct xfrm_userpolicy_info), XFRMA_TMPL);
	struct xfrm_user_tmpl *t = mnl_attr_get_payload(a);
	assert_int_equal(t->optional, 0);	/* level "required" */
	t->reqid = 1;
	assert_false(xfrm_policy_ours(h, &got));
	sa_spec_done(&spec);
}

static void
policies_that_differ_are_told_with_both_values(void **state)
{
	_Alignas(struct nlmsghdr) uint8_t room[NETLINK_ROOM];
	struct sa_spec spec = spec_make(1), other = spec_make(1);
	struct xfrm_policy p[XFRM_POLICIES_MAX];
	struct xfrm_policy_told want = { 0 }, got = { 0 };
	STR(detail, 200);

	(void)state;
	assert_int_equal(xfrm_flow_policies(&spec, p, COUNT(p)), 3);
	xfrm_policy_told(xfrm_policy_message(room, XFRM_MSG_NEWPOLICY, &p[0], &spec), &want);
	assert_true(want.got);
	assert_true(xfrm_policy_same(&want, &want, &detail));
	assert_string_equal(detail.p, "");
	other.remote.addr = addr_make("192.0.2.77");
	xfrm_policy_told(xfrm_policy_message(room, XFRM_MSG_UPDPOLICY, &p[0], &other), &got);
	assert_false(xfrm_policy_same(&want, &got, &detail));
	assert_non_null(strstr(detail.p, "holds 192.0.2.77"));
	got = want;
	got.info.priority = 7;
	detail = str_of(detail_room, sizeof(detail_room));
	assert_false(xfrm_policy_same(&want, &got, &detail));
	assert_non_null(strstr(detail.p, "priority: wanted "));
	assert_non_null(strstr(detail.p, "holds 7"));
	sa_spec_done(&spec);
	sa_spec_done(&other);
}

/* The kernel takes an SA for a packet only if its reqid is the one in the policy. */
static void
a_policy_of_others_lends_its_reqid_to_an_sa_that_fits(void **state)
{
	_Alignas(struct nlmsghdr) uint8_t room[NETLINK_ROOM];
	struct sa_spec spec = spec_make(1);
	struct xfrm_policy p[XFRM_POLICIES_MAX];
	struct xfrm_policy_told told = { 0 };
	struct xfrm_told sa = { 0 };
	struct nlmsghdr *h;
	uint32_t reqid = 0;
	STR(detail, 200);

	(void)state;
	assert_int_equal(xfrm_flow_policies(&spec, p, COUNT(p)), 3);
	for (size_t i = 0; i < 2; i++) {
		xfrm_policy_told(xfrm_policy_message(room, XFRM_MSG_NEWPOLICY, &p[i], &spec), &told);
		assert_false(xfrm_policy_lends(&told, &spec, &reqid));	/* ours needs none */
		told.first.reqid = 42;
		assert_true(xfrm_policy_lends(&told, &spec, &reqid));
		assert_int_equal(reqid, 42);
		told.first.mode ^= XFRM_MODE_TUNNEL;
		assert_false(xfrm_policy_lends(&told, &spec, &reqid));
		told.first.mode ^= XFRM_MODE_TUNNEL;
		told.templates = 2;
		assert_false(xfrm_policy_lends(&told, &spec, &reqid));
	}
	assert_int_equal(xfrm_sa_message(room, XFRM_MSG_NEWSA, &spec, SA_PART_OUT, &h, &detail), 0);
	xfrm_sa_lend(h, 42);
	xfrm_sa_told(h, &sa);
	assert_int_equal(sa.info.reqid, 42);
	assert_true(xfrm_sa_is_ours(&sa));
	sa.info.lft.soft_packet_limit = XFRM_INF;
	assert_false(xfrm_sa_is_ours(&sa));
	sa_spec_done(&spec);
}

static void
truncated_messages_are_read_within_their_bounds(void **state)
{
	_Alignas(struct nlmsghdr) uint8_t room[NETLINK_ROOM], other[NETLINK_ROOM];
	static const uint16_t types[] = { XFRM_MSG_NEWSA, XFRM_MSG_NEWPOLICY, XFRM_MSG_ACQUIRE,
	    XFRM_MSG_EXPIRE, XFRM_MSG_DELSA, XFRM_MSG_UPDSA, XFRM_MSG_DELPOLICY,
	    XFRM_MSG_UPDPOLICY, XFRM_MSG_FLUSHSA, XFRM_MSG_FLUSHPOLICY };
	struct sa_spec spec = spec_make(1);
	struct nlmsghdr *h, *moved;
	STR(detail, 100);

	(void)state;
	assert_int_equal(xfrm_sa_message(room, XFRM_MSG_NEWSA, &spec, SA_PART_IN, &h, &detail), 0);
	for (size_t n = NLMSG_HDRLEN; n <= h->nlmsg_len; n++)
		for (size_t i = 0; i < COUNT(types); i++) {
			struct nlmsghdr *cut = malloc(n);
			struct xfrm_policy_told policy_told = { 0 };
			struct xfrm_told told = { 0 };
			struct xfrm_policy policy;
			struct flow flow;
			struct addr to;
			uint32_t spi;
			bool hard;

			assert_non_null(cut);
			memcpy(cut, room, n);
			cut->nlmsg_len = (uint32_t)n;
			cut->nlmsg_type = types[i];
			xfrm_sa_told(cut, &told);
			(void)!xfrm_policy_ours(cut, &policy);
			(void)!xfrm_acquire(cut, &policy, &flow);
			(void)!xfrm_expire(cut, &to, &spi, &hard);
			(void)!xfrm_sa_touched(cut, &to, &spi);
			(void)!xfrm_policy_touched(cut, &policy);
			(void)!xfrm_flushed(cut);
			xfrm_policy_told(cut, &policy_told);
			(void)!xfrm_sa_moved(other, XFRM_MSG_NEWSA, cut, &spec.remote, &spec.local, 0,
			    &moved);
			free(cut);
		}
	sa_spec_done(&spec);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_most_specific_selector_wins),
		cmocka_unit_test(equal_flows_have_one_reqid_and_it_is_ours),
		cmocka_unit_test(the_length_of_a_hash_is_said_aloud),
		cmocka_unit_test(what_is_said_of_an_sa_is_read_back_the_same),
		cmocka_unit_test(an_unknown_algorithm_is_not_taken_for_a_known_one),
		cmocka_unit_test(only_policies_with_our_reqid_are_ours),
		cmocka_unit_test(policies_that_differ_are_told_with_both_values),
		cmocka_unit_test(a_policy_of_others_lends_its_reqid_to_an_sa_that_fits),
		cmocka_unit_test(truncated_messages_are_read_within_their_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
