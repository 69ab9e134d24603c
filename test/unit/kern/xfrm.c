/* The kernel's own ESP, in a network namespace of this test; needs a kernel that has it. */
#include "prove.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/route.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "behaviour.h"
#include "kern/state.h"
#include "kern/xfrm.h"
#include "kern/xfrm_msg_linux.h"

static struct backend *
make_one(bool shared)
{
	static const uint8_t key[16] = { 7 };
	STR(error, 300);
	struct backend *b = xfrm_new(key, shared, &error);

	if (b == NULL)
		print_error("%s\n", error.p);
	return b;
}

static struct backend *
make(void)
{
	return make_one(false);
}

/* ---- what the kernel holds, seen without the back end ---- */

struct counts { unsigned sas, policies, strangers; };

static void
count_sa(void *self, const struct nlmsghdr *h)
{
	struct counts *c = self;
	struct xfrm_told t = { 0 };

	xfrm_sa_told(h, &t);
	assert_true(t.got);
	if (xfrm_sa_is_ours(&t))
		c->sas++;
	else
		c->strangers++;
}

static void
count_policy(void *self, const struct nlmsghdr *h)
{
	struct counts *c = self;
	struct xfrm_policy p;

	if (xfrm_policy_ours(h, &p))
		c->policies++;
	else
		c->strangers++;
}

static struct counts
count(void)
{
	_Alignas(struct nlmsghdr) uint8_t room[NETLINK_ROOM];
	struct netlink nl;
	struct counts c = { 0 };

	assert_int_equal(netlink_open_protocol(&nl, NETLINK_XFRM, 0), 0);
	assert_int_equal(netlink_dump(&nl, xfrm_message(room, XFRM_MSG_GETSA), count_sa, &c), 0);
	assert_int_equal(netlink_dump(&nl, xfrm_message(room, XFRM_MSG_GETPOLICY), count_policy, &c),
	    0);
	netlink_close(&nl);
	return c;
}

/* Somebody else's SA and policy: like ours but for the reqid. */
static int
stranger(const struct sa_spec *spec, uint16_t sa_type, uint16_t policy_type)
{
	_Alignas(struct nlmsghdr) uint8_t room[NETLINK_ROOM];
	struct xfrm_policy p[XFRM_POLICIES_MAX];
	struct netlink nl;
	struct nlmsghdr *h;
	STR(detail, 100);

	assert_int_equal(netlink_open_protocol(&nl, NETLINK_XFRM, 0), 0);
	assert_int_equal(xfrm_sa_message(room, sa_type, spec, SA_PART_OUT, &h, &detail), WHY_NONE);
	((struct xfrm_usersa_info *)mnl_nlmsg_get_payload(h))->reqid = 1;
	int error = netlink_do(&nl, h);
	assert_true(xfrm_flow_policies(spec, p, COUNT(p)) > 0);
	h = xfrm_policy_message(room, policy_type, &p[0], spec);
	const struct nlattr *a;
	netlink_each(a, h, sizeof(struct xfrm_userpolicy_info))
		((struct xfrm_user_tmpl *)mnl_attr_get_payload(a))->reqid = 1;
	if (error == 0)
		error = netlink_do(&nl, h);
	netlink_close(&nl);
	return error;
}

/* One request of another program; an errno. */
static int
elsewhere(struct nlmsghdr *h)
{
	struct netlink nl;

	assert_int_equal(netlink_open_protocol(&nl, NETLINK_XFRM, 0), 0);
	int error = netlink_do(&nl, h);
	netlink_close(&nl);
	return error;
}

static void
flush_sas(void)
{
	_Alignas(struct nlmsghdr) uint8_t room[NETLINK_ROOM];
	struct nlmsghdr *h = xfrm_message(room, XFRM_MSG_FLUSHSA);

	((struct xfrm_usersa_flush *)mnl_nlmsg_put_extra_header(h,
	    sizeof(struct xfrm_usersa_flush)))->proto = IPPROTO_ESP;
	/* An empty table is ESRCH to newer kernels. */
	(void)!elsewhere(h);
}

static void
flush_policies(void)
{
	_Alignas(struct nlmsghdr) uint8_t room[NETLINK_ROOM];

	(void)!elsewhere(xfrm_message(room, XFRM_MSG_FLUSHPOLICY));
}

static void
flush(void)
{
	flush_sas();
	flush_policies();
}

/* ---- the tests ---- */

static void
xfrm_behaves_as_every_back_end_must(void **state)
{
	(void)state;
	run_behaviours(make);
	flush();
}

static struct kern_state *
state_of(struct backend *b)
{
	static const uint8_t key[16] = { 3 };

	assert_non_null(b);
	struct kern_state *s = kern_state_new(b, key);
	assert_non_null(s);
	return s;
}

static struct kern_state *
state_make(void)
{
	return state_of(make());
}

static enum why
install(struct kern_state *s, const struct sa_spec *spec, struct kern_answer *ret)
{
	const struct kern_ask ask = { .verb = KERN_INSTALL, .token = 1, .spec = spec,
	    .parts = SA_PART_IN | SA_PART_OUT | SA_PART_FLOW };

	kern_state_ask(s, &ask, ret);
	return ret->why;
}

static void
set_keys(struct sa_spec *s)
{
	static const uint8_t key[128] = { 1, 2, 3 };
	struct sa_lengths l;

	assert_true(sa_suite_lengths(&s->suite, &l));
	assert_true(secret_set(&s->in.keymat, view_of(key, l.key + l.salt + l.auth)));
	assert_true(secret_set(&s->out.keymat, view_of(key, l.key + l.salt + l.auth)));
}

/* All of the algorithm table, each read back and compared (security R3). */
static void
every_suite_is_held_as_it_was_meant(void **state)
{
	static const uint32_t windows[] = { 0, 1, 32, 33, 64, 1024, 4096 };
	struct kern_state *s = state_make();
	unsigned n = 0;

	(void)state;
	for (unsigned cipher = 1; cipher < 24; cipher++)
		for (unsigned auth = 0; auth < 9; auth++)
			for (unsigned more = 0; more < 8; more++) {
				struct sa_spec spec = spec_make(1);
				struct sa_lengths l;
				struct kern_answer answer;

				spec.suite = (struct sa_suite){ .protocol = PROTO_IPSEC_ESP,
				    .cipher = (uint8_t)cipher, .auth = (uint8_t)auth,
				    .mode = more & 1 ? SA_TRANSPORT : SA_TUNNEL,
				    .key_bits = (uint16_t)(more & 2 ? 256 : 0),
				    .esn = (more & 4) != 0 };
				spec.encap = (more & 1) == 0;
				spec.replay_window = windows[n % COUNT(windows)];
				if (spec.suite.esn && spec.replay_window == 0)
					spec.replay_window = 64;
				if (sa_suite_lengths(&spec.suite, &l)) {
					set_keys(&spec);
					enum why why = install(s, &spec, &answer);
					if (why != WHY_NONE)
						print_error("%s: %s\n", why_text(why), answer.detail);
					assert_int_equal(why, WHY_NONE);
					const struct kern_ask remove = { .verb = KERN_REMOVE, .id = 1,
					    .parts = SA_PART_IN | SA_PART_OUT | SA_PART_FLOW };
					kern_state_ask(s, &remove, &answer);
					assert_int_equal(answer.why, WHY_NONE);
					n++;
				}
				sa_spec_done(&spec);
			}
	print_message("           %u suites\n", n);
	assert_true(n > 100);
	assert_int_equal(count().sas, 0);
	assert_int_equal(count().policies, 0);
	kern_state_free(s, true);
}

static void
every_shape_of_a_flow_is_held_as_it_was_meant(void **state)
{
	static const struct { const char *me, *he, *mine, *his; unsigned bits; } table[] = {
		{ "fd09::1", "fd09::2", "fd01::", "fd02::", 64 },
		{ "fd09::1", "fd09::2", "10.1.0.0", "10.2.0.0", 16 },
		{ "10.9.0.1", "10.9.0.2", "fd01::", "fd02::", 48 },
		{ "10.9.0.1", "10.9.0.2", "10.9.0.1", "10.9.0.2", 32 },
		{ "10.9.0.1", "10.9.0.2", "0.0.0.0", "0.0.0.0", 0 },
	};
	struct kern_state *s = state_make();

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++)
		for (unsigned ports = 0; ports < 2; ports++) {
			struct sa_spec spec = spec_make(i * 2 + ports + 1);
			struct kern_answer answer;

			spec.local.addr = addr_make(table[i].me);
			spec.remote.addr = addr_make(table[i].he);
			spec.flow.local.net = subnet_make(table[i].mine, table[i].bits);
			spec.flow.remote.net = subnet_make(table[i].his, table[i].bits);
			if (ports) {
				spec.flow.protocol = IPPROTO_UDP;
				spec.flow.local.port = 1701;
			}
			if (install(s, &spec, &answer) != WHY_NONE)
				print_error("%s\n", answer.detail);
			assert_int_equal(answer.why, WHY_NONE);
			sa_spec_done(&spec);
		}
	/* In, out and forward of ten flows; four of neighbour discovery. */
	assert_int_equal(count().policies, 34);
	assert_int_equal(count().sas, 20);
	kern_state_free(s, true);
	assert_int_equal(count().policies, 0);
	assert_int_equal(count().sas, 0);
}

/* A range that is no prefix: several policies, one SA. */
static void
a_range_becomes_several_policies(void **state)
{
	struct kern_state *s = state_make();
	struct sa_spec spec = spec_make(1);
	struct kern_answer answer;

	(void)state;
	spec.flow.remote.net = (struct range){ addr_make("10.2.0.1"), addr_make("10.2.0.4") };
	assert_int_equal(install(s, &spec, &answer), WHY_NONE);
	assert_int_equal(count().policies, 9);	/* .1, .2-.3, .4 */
	kern_state_free(s, true);
	assert_int_equal(count().policies, 0);
	sa_spec_done(&spec);
}

static void
a_refusal_leaves_nothing_behind_and_says_what_was_asked(void **state)
{
	struct kern_state *s = state_make();
	struct sa_spec spec = spec_make(1);
	struct kern_answer answer;

	(void)state;
	spec.replay_window = 4097;
	assert_int_equal(install(s, &spec, &answer), WHY_BACKEND);
	assert_non_null(strstr(answer.detail, "4097"));
	spec.replay_window = 64;
	/* The outbound SPI is taken by another program. */
	assert_int_equal(stranger(&spec, XFRM_MSG_NEWSA, XFRM_MSG_NEWPOLICY), 0);
	assert_int_equal(install(s, &spec, &answer), WHY_BACKEND_EXISTS);
	assert_non_null(strstr(answer.detail, "outbound SA 0x00002001"));
	assert_non_null(strstr(answer.detail, "File exists"));
	assert_int_equal(count().sas, 0);
	assert_int_equal(count().policies, 0);
	assert_int_equal(count().strangers, 2);
	/* So is the policy. */
	spec.out.spi++;
	assert_int_equal(install(s, &spec, &answer), WHY_BACKEND_EXISTS);
	assert_non_null(strstr(answer.detail, "another program has one with this selector"));
	assert_int_equal(count().sas, 0);
	assert_int_equal(count().policies, 0);
	kern_state_free(s, true);
	assert_int_equal(count().strangers, 2);
	flush();
	sa_spec_done(&spec);
}

static void
leftovers_of_ours_go_and_others_stay(void **state)
{
	struct kern_state *s = state_make();
	struct sa_spec one = spec_make(1), two = spec_make(2), three = spec_make(3);
	struct kern_answer answer;
	STR(detail, 100);

	(void)state;
	two.flow.remote.net = subnet_make("10.3.0.0", 24);
	three.flow.remote.net = subnet_make("10.4.0.0", 24);
	assert_int_equal(install(s, &one, &answer), WHY_NONE);
	assert_int_equal(install(s, &two, &answer), WHY_NONE);
	assert_int_equal(stranger(&three, XFRM_MSG_NEWSA, XFRM_MSG_NEWPOLICY), 0);
	kern_state_free(s, false);		/* it died */
	assert_int_equal(count().sas, 4);
	assert_int_equal(count().policies, 6);

	struct backend *b = make();
	assert_int_equal(count().sas, 0);	/* nobody knows their keys */
	assert_int_equal(count().policies, 6);	/* clear text stays in */
	assert_int_equal(b->ops->flow_add(b, &one, &detail), WHY_NONE);
	assert_int_equal(xfrm_settled(b), 3);	/* those of the other flow */
	assert_int_equal(count().policies, 3);
	assert_int_equal(b->ops->flow_delete(b, &one), WHY_NONE);
	assert_int_equal(count().policies, 0);
	assert_int_equal(count().strangers, 2);
	b->ops->free(b);
	flush();
	sa_spec_done(&one);
	sa_spec_done(&two);
	sa_spec_done(&three);
}

/* Shared-SADB: a second daemon leaves alone what the first has, and uses what is the same. */
static void
two_daemons_share_their_sas_and_policies(void **state)
{
	struct sa_spec one = spec_make(1), two = spec_make(2), other = spec_make(3);
	struct kern_answer answer;

	(void)state;
	one.shared = two.shared = other.shared = true;
	one.replay_window = two.replay_window = other.replay_window = 0;
	struct kern_state *first = state_of(make_one(true));
	assert_int_equal(install(first, &one, &answer), WHY_NONE);
	assert_string_equal(kern_state_said(first), "");
	struct kern_state *second = state_of(make_one(true));
	assert_int_equal(count().sas, 2);
	two.out.spi = one.out.spi;
	assert_int_equal(install(second, &two, &answer), WHY_NONE);
	assert_non_null(strstr(kern_state_said(second), "outbound SA 0x00002001"));
	assert_int_equal(count().sas, 3);
	assert_int_equal(count().policies, 3);
	/* Under the same SPI, but with another key. */
	static const uint8_t key[48] = { 9 };
	assert_true(secret_set(&other.out.keymat, view_of(key, sizeof(key))));
	other.out.spi = one.out.spi;
	struct kern_state *third = state_of(make_one(true));
	assert_int_equal(install(third, &other, &answer), WHY_BACKEND_EXISTS);
	assert_non_null(strstr(answer.detail, "the key or the reqid is another one"));
	assert_int_equal(count().sas, 3);
	assert_int_equal(xfrm_settled(kern_state_backend(third)), 0);
	kern_state_free(third, true);
	assert_int_equal(count().policies, 3);
	kern_state_free(second, true);
	kern_state_free(first, true);
	assert_int_equal(count().sas, 0);
	assert_int_equal(count().policies, 0);
	flush();
	sa_spec_done(&one);
	sa_spec_done(&two);
	sa_spec_done(&other);
}

/* Somebody replaced our policy by his: it is his now. */
static void
a_policy_that_was_taken_over_is_not_deleted(void **state)
{
	struct sa_spec spec = spec_make(1);
	struct backend *b = make();
	STR(detail, 100);

	(void)state;
	assert_int_equal(b->ops->flow_add(b, &spec, &detail), WHY_NONE);
	assert_int_equal(stranger(&spec, XFRM_MSG_NEWSA, XFRM_MSG_UPDPOLICY), 0);
	assert_int_equal(b->ops->flow_delete(b, &spec), WHY_NONE);
	assert_int_equal(count().policies, 0);
	assert_int_equal(count().strangers, 2);
	b->ops->free(b);
	flush();
	sa_spec_done(&spec);
}

static void
a_moved_sa_keeps_keys_lifetime_and_counters(void **state)
{
	struct sa_spec spec = spec_make(1), got = { 0 };
	struct backend *b = make();
	struct endpoint remote = spec.remote;
	STR(detail, 100);

	(void)state;
	spec.hard_secs = 3600;
	spec.replay_window = 1024;
	assert_int_equal(b->ops->sa_add(b, &spec, SA_PART_IN, &detail), WHY_NONE);
	assert_int_equal(b->ops->sa_add(b, &spec, SA_PART_OUT, &detail), WHY_NONE);
	remote.port = 40001;
	assert_int_equal(b->ops->move(b, &spec, &spec.local, &remote), WHY_NONE);
	spec.remote = remote;
	assert_int_equal(b->ops->sa_read(b, &spec, SA_PART_IN, &got, &detail), WHY_NONE);
	assert_int_equal(got.remote.port, 40001);
	assert_int_equal(got.replay_window, 1024);
	assert_int_equal(got.in.keymat.n, spec.in.keymat.n);
	assert_in_range(got.hard_secs, 3590, 3600);
	assert_int_equal(got.suite.auth, AUTHALG_HMAC_SHA2_256);
	assert_int_equal(count().sas, 2);
	sa_spec_done(&got);
	assert_int_equal(b->ops->sa_delete(b, &spec, SA_PART_IN), WHY_NONE);
	assert_int_equal(b->ops->sa_delete(b, &spec, SA_PART_OUT), WHY_NONE);
	b->ops->free(b);
	sa_spec_done(&spec);
}

/* ---- events ---- */

static void
control(unsigned long request, void *arg)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	if (ioctl(fd, request, arg) != 0)
		fail_msg("ioctl %lx: %s", request, strerror(errno));
	close(fd);
}

static struct sockaddr_in
internet(const char *text, uint16_t port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port) };

	assert_int_equal(inet_pton(AF_INET, text, &a.sin_addr), 1);
	return a;
}

/* The loopback interface is usually exempt from IPsec. */
static void
subject_loopback(const char *file)
{
	FILE *f = fopen(file, "we");

	assert_non_null(f);
	assert_int_equal(fputs("0", f) >= 0 && fclose(f) == 0, 1);
}

/* 10.1.0.1 is here, and all the rest behind the loopback interface. */
static void
be_a_host(void)
{
	struct ifreq i = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_LOOPBACK };
	char device[] = "lo";
	struct rtentry r = { .rt_dev = device, .rt_flags = RTF_UP };
	struct sockaddr_in a = internet("10.1.0.1", 0), net = internet("0.0.0.0", 0);

	subject_loopback("/proc/sys/net/ipv4/conf/lo/disable_xfrm");
	subject_loopback("/proc/sys/net/ipv4/conf/lo/disable_policy");
	control(SIOCSIFFLAGS, &i);
	memcpy(&i.ifr_addr, &a, sizeof(a));
	control(SIOCSIFADDR, &i);
	memcpy(&r.rt_dst, &net, sizeof(net));
	memcpy(&r.rt_genmask, &net, sizeof(net));
	control(SIOCADDRT, &r);
}

static void
send_packet(const char *to)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_in a = internet(to, 9);

	assert_true(fd >= 0);
	/* Dropped, or refused for now; either way it is an occasion. */
	(void)!sendto(fd, "x", 1, 0, (struct sockaddr *)&a, sizeof(a));
	close(fd);
}

static bool
await(struct backend *b, struct kern_event *ret, int milliseconds)
{
	struct pollfd f = { .fd = b->ops->fd(b), .events = POLLIN };

	while (poll(&f, 1, milliseconds) == 1)
		if (b->ops->event(b, ret))
			return true;
	return false;
}

/* The same for the state on top of it. */
static bool
await_state(struct kern_state *s, struct kern_event *ret, int milliseconds)
{
	struct backend *b = kern_state_backend(s);
	struct pollfd f = { .fd = b->ops->fd(b), .events = POLLIN };

	do
		if (kern_state_event(s, ret))
			return true;
	while (poll(&f, 1, milliseconds) == 1);
	return false;
}

static void
what_others_flush_is_told_in_one_line_and_flows_return(void **state)
{
	struct kern_state *s = state_make();
	struct sa_spec one = spec_make(1), two = spec_make(2);
	struct kern_answer answer;
	struct kern_event e;
	STR(detail, 100);

	(void)state;
	two.flow.remote.net = subnet_make("10.3.0.0", 24);
	assert_int_equal(install(s, &one, &answer), WHY_NONE);
	assert_int_equal(install(s, &two, &answer), WHY_NONE);
	assert_false(await_state(s, &e, 200));	/* what we do ourselves is nothing new */

	flush_sas();
	assert_true(await_state(s, &e, 5000));
	assert_int_equal(e.kind, KERN_LOST);
	uint64_t first = e.id;
	assert_non_null(strstr(kern_state_said(s), "removed all IPsec SAs"));
	assert_true(await_state(s, &e, 5000));
	assert_int_equal(e.kind, KERN_LOST);
	assert_int_equal(first + e.id, 3);
	assert_string_equal(kern_state_said(s), "");
	assert_false(await_state(s, &e, 200));
	assert_int_equal(count().policies, 6);	/* nothing in clear meanwhile */

	flush_policies();
	assert_true(await_state(s, &e, 5000));
	assert_int_equal(e.kind, KERN_FLOW_LOST);
	assert_non_null(strstr(kern_state_said(s), "removed all IPsec policies"));
	assert_int_equal(count().policies, 0);
	assert_int_equal(kern_state_reinstall(s, &detail), 0);
	assert_int_equal(count().policies, 6);
	assert_false(await_state(s, &e, 200));
	kern_state_free(s, true);
	assert_int_equal(count().policies, 0);
	sa_spec_done(&one);
	sa_spec_done(&two);
}

static void
half_a_pair_that_others_remove_takes_the_other_half_along(void **state)
{
	_Alignas(struct nlmsghdr) uint8_t room[NETLINK_ROOM];
	struct kern_state *s = state_make();
	struct sa_spec spec = spec_make(1), stranger_spec = spec_make(9);
	struct kern_answer answer;
	struct kern_event e;
	STR(spi, 40);

	(void)state;
	stranger_spec.flow.remote.net = subnet_make("10.3.0.0", 24);
	stranger_spec.out.spi = 0x9999;
	assert_int_equal(install(s, &spec, &answer), WHY_NONE);
	assert_int_equal(stranger(&stranger_spec, XFRM_MSG_NEWSA, XFRM_MSG_NEWPOLICY), 0);
	assert_int_equal(elsewhere(xfrm_sa_named(room, XFRM_MSG_DELSA, &spec.local, &spec.remote,
	    0x9999)), 0);
	assert_false(await_state(s, &e, 200));	/* not ours */
	assert_int_equal(elsewhere(xfrm_sa_named(room, XFRM_MSG_DELSA, &spec.local, &spec.remote,
	    spec.out.spi)), 0);
	assert_true(await_state(s, &e, 5000));
	assert_int_equal(e.kind, KERN_LOST);
	assert_int_equal(e.id, 1);
	str_addf(&spi, "outbound SA 0x%08x", spec.out.spi);
	assert_non_null(strstr(kern_state_said(s), spi.p));
	assert_int_equal(count().sas, 0);
	assert_int_equal(count().policies, 3);
	kern_state_free(s, true);
	flush();
	sa_spec_done(&spec);
	sa_spec_done(&stranger_spec);
}

/* Another program updates a policy of ours; reqid 0: all but the priority is as it was. */
static void
update_policy(const struct sa_spec *spec, uint32_t priority, uint32_t reqid)
{
	_Alignas(struct nlmsghdr) uint8_t room[NETLINK_ROOM];
	struct xfrm_policy p[XFRM_POLICIES_MAX];
	const struct nlattr *a;

	assert_int_equal(xfrm_flow_policies(spec, p, COUNT(p)), 3);
	struct nlmsghdr *h = xfrm_policy_message(room, XFRM_MSG_UPDPOLICY, &p[1], spec);
	((struct xfrm_userpolicy_info *)mnl_nlmsg_get_payload(h))->priority = priority;
	netlink_each(a, h, sizeof(struct xfrm_userpolicy_info))
		if (reqid != 0)
			((struct xfrm_user_tmpl *)mnl_attr_get_payload(a))->reqid = reqid;
	assert_int_equal(elsewhere(h), 0);
}

static void
a_policy_that_others_change_is_told_with_both_values_and_mended(void **state)
{
	struct kern_state *s = state_make();
	struct backend *b = kern_state_backend(s);
	struct sa_spec spec = spec_make(1);
	struct kern_answer answer;
	struct kern_event e;
	STR(detail, 200);

	(void)state;
	assert_int_equal(install(s, &spec, &answer), WHY_NONE);
	assert_int_equal(b->ops->flow_check(b, &spec, &detail), WHY_NONE);
	update_policy(&spec, 4711, 0);
	assert_true(await_state(s, &e, 5000));
	assert_int_equal(e.kind, KERN_FLOW_LOST);
	assert_non_null(strstr(kern_state_said(s), "inbound policy: priority: wanted "));
	assert_non_null(strstr(kern_state_said(s), "the kernel holds 4711"));
	assert_int_equal(kern_state_reinstall(s, &detail), 0);
	assert_int_equal(b->ops->flow_check(b, &spec, &detail), WHY_NONE);

	/* Where the event was missed, reading all back finds it. */
	update_policy(&spec, 4712, 0);
	assert_true(await(b, &e, 5000));
	assert_false(await_state(s, &e, 200));
	kern_state_look(s, 1);
	assert_true(await_state(s, &e, 5000));
	assert_non_null(strstr(kern_state_said(s), "the kernel holds 4712"));
	assert_int_equal(kern_state_reinstall(s, &detail), 0);
	kern_state_free(s, true);
	assert_int_equal(count().policies, 0);
	sa_spec_done(&spec);
}

static void
a_policy_that_others_took_over_is_told_once_and_stays_theirs(void **state)
{
	struct kern_state *s = state_make();
	struct sa_spec spec = spec_make(1);
	struct kern_answer answer;
	struct kern_event e;
	STR(detail, 200);

	(void)state;
	assert_int_equal(install(s, &spec, &answer), WHY_NONE);
	update_policy(&spec, 4711, 1);
	assert_true(await_state(s, &e, 5000));
	assert_int_equal(e.kind, KERN_FLOW_LOST);
	assert_non_null(strstr(kern_state_said(s), "another program has replaced"));
	assert_int_equal(kern_state_reinstall(s, &detail), 0);
	kern_state_look(s, 1);
	assert_false(await_state(s, &e, 200));
	assert_int_equal(count().strangers, 1);
	kern_state_free(s, true);
	assert_int_equal(count().policies, 0);
	assert_int_equal(count().strangers, 1);
	flush();
	sa_spec_done(&spec);
}

/* Acquire-Only: another program has the policies, this one the SAs. */
static void
a_packet_at_a_policy_of_others_asks_and_gets_an_sa_of_ours(void **state)
{
	struct sa_spec spec = spec_make(81);
	struct backend *b = make();
	struct sa_usage usage;
	struct kern_event e;
	STR(detail, 100);

	(void)state;
	spec.local = (struct endpoint){ addr_make("10.1.0.1"), 4500 };
	spec.out.spi = 0x9001;
	assert_int_equal(stranger(&spec, XFRM_MSG_NEWSA, XFRM_MSG_NEWPOLICY), 0);
	flush_sas();
	send_packet("10.2.0.9");
	assert_true(await(b, &e, 5000));
	while (e.kind != KERN_ACQUIRE)
		assert_true(await(b, &e, 5000));
	assert_int_equal(e.id, 0);
	assert_int_equal(e.flow.remote.port, 9);
	assert_int_equal(b->ops->sa_add(b, &spec, SA_PART_IN, &detail), WHY_NONE);
	assert_int_equal(b->ops->sa_add(b, &spec, SA_PART_OUT, &detail), WHY_NONE);
	send_packet("10.2.0.9");
	assert_int_equal(b->ops->query(b, &spec, &usage), WHY_NONE);
	assert_true(usage.out_packets >= 1);
	assert_int_equal(count().sas, 2);
	b->ops->free(b);			/* it died: the next run knows the SAs as ours */
	b = make();
	assert_int_equal(count().sas, 0);
	assert_int_equal(count().strangers, 1);
	b->ops->free(b);
	flush();
	sa_spec_done(&spec);
}

/* The policy of the others is for a part of what the connection is for. */
static void
a_policy_of_others_within_the_flow_gets_an_sa_too(void **state)
{
	struct sa_spec spec = spec_make(82), part = spec_make(82);
	struct backend *b = make();
	struct sa_usage usage;
	struct kern_event e;
	STR(detail, 100);

	(void)state;
	spec.local = part.local = (struct endpoint){ addr_make("10.1.0.1"), 4500 };
	spec.out.spi = part.out.spi = 0x9002;
	part.flow.local.net = subnet_make("10.1.0.0", 28);
	part.flow.remote.net = subnet_make("10.2.0.0", 28);
	assert_int_equal(stranger(&part, XFRM_MSG_NEWSA, XFRM_MSG_NEWPOLICY), 0);
	flush_sas();
	send_packet("10.2.0.9");
	do
		assert_true(await(b, &e, 5000));
	while (e.kind != KERN_ACQUIRE);
	assert_int_equal(b->ops->sa_add(b, &spec, SA_PART_IN, &detail), WHY_NONE);
	assert_int_equal(b->ops->sa_add(b, &spec, SA_PART_OUT, &detail), WHY_NONE);
	send_packet("10.2.0.9");
	assert_int_equal(b->ops->query(b, &spec, &usage), WHY_NONE);
	assert_true(usage.out_packets >= 1);
	assert_int_equal(count().sas, 2);
	b->ops->free(b);
	flush();
	sa_spec_done(&spec);
	sa_spec_done(&part);
}

static void
a_packet_without_an_sa_asks_for_one(void **state)
{
	struct sa_spec spec = spec_make(77);
	struct backend *b = make();
	struct kern_event e;
	STR(detail, 100);
	STR(packet, 100);

	(void)state;
	assert_int_equal(b->ops->flow_add(b, &spec, &detail), WHY_NONE);
	send_packet("10.2.0.9");
	assert_true(await(b, &e, 5000));
	assert_int_equal(e.kind, KERN_ACQUIRE);
	assert_int_equal(e.id, 77);
	flow_print(&packet, &e.flow);
	assert_non_null(strstr(packet.p, "10.2.0.9"));
	assert_int_equal(e.flow.protocol, IPPROTO_UDP);
	assert_int_equal(e.flow.remote.port, 9);
	assert_int_equal(b->ops->flow_delete(b, &spec), WHY_NONE);
	b->ops->free(b);
	flush();
	sa_spec_done(&spec);
}

static void
lifetimes_end_softly_then_hard(void **state)
{
	struct sa_spec spec = spec_make(78);
	struct backend *b = make();
	struct kern_event e;
	STR(detail, 100);

	(void)state;
	spec.soft_secs = 1;
	spec.hard_secs = 6;
	assert_int_equal(b->ops->sa_add(b, &spec, SA_PART_IN, &detail), WHY_NONE);
	assert_true(await(b, &e, 8000));
	assert_int_equal(e.kind, KERN_EXPIRE_SOFT);
	assert_int_equal(e.id, 78);
	assert_true(await(b, &e, 8000));
	assert_int_equal(e.kind, KERN_EXPIRE_HARD);
	assert_int_equal(e.id, 78);
	assert_int_equal(b->ops->sa_delete(b, &spec, SA_PART_IN), WHY_BACKEND_GONE);
	b->ops->free(b);
	sa_spec_done(&spec);
}

static void
octets_end_a_lifetime_too_and_are_counted(void **state)
{
	struct sa_spec spec = spec_make(79);
	struct backend *b = make();
	struct sa_usage usage;
	struct kern_event e;
	STR(detail, 100);

	(void)state;
	spec.soft_bytes = 100;
	spec.local = (struct endpoint){ addr_make("10.1.0.1"), 4500 };
	assert_int_equal(b->ops->flow_add(b, &spec, &detail), WHY_NONE);
	assert_int_equal(b->ops->sa_add(b, &spec, SA_PART_IN, &detail), WHY_NONE);
	assert_int_equal(b->ops->sa_add(b, &spec, SA_PART_OUT, &detail), WHY_NONE);
	for (unsigned i = 0; i < 10; i++)
		send_packet("10.2.0.9");
	assert_true(await(b, &e, 5000));
	assert_int_equal(e.kind, KERN_EXPIRE_SOFT);
	assert_int_equal(e.id, 79);
	assert_int_equal(b->ops->query(b, &spec, &usage), WHY_NONE);
	assert_int_equal(usage.out_packets, 10);
	assert_true(usage.out_bytes >= 100);
	assert_in_range(usage.out_idle, 0, 5);
	assert_int_equal(usage.in_idle, UINT32_MAX);
	b->ops->free(b);
	flush();
	sa_spec_done(&spec);
}

/* As the sockets of IKE are (os/net_linux.c). */
static void
a_socket_with_a_policy_of_its_own_passes_that_of_a_flow(void **state)
{
	struct xfrm_userpolicy_info p = { .action = XFRM_POLICY_ALLOW, .dir = XFRM_POLICY_OUT,
	    .sel.family = AF_INET };
	struct sa_spec spec = spec_make(80);
	struct backend *b = make();
	struct sockaddr_in a = internet("10.2.0.9", 9);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct kern_event e;
	STR(detail, 100);

	(void)state;
	assert_int_equal(b->ops->flow_add(b, &spec, &detail), WHY_NONE);
	assert_int_equal(setsockopt(fd, IPPROTO_IP, IP_XFRM_POLICY, &p, sizeof(p)), 0);
	assert_int_equal(sendto(fd, "x", 1, 0, (struct sockaddr *)&a, sizeof(a)), 1);
	close(fd);
	assert_false(await(b, &e, 300));
	send_packet("10.2.0.9");
	assert_true(await(b, &e, 5000));
	assert_int_equal(b->ops->flow_delete(b, &spec), WHY_NONE);
	b->ops->free(b);
	flush();
	sa_spec_done(&spec);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(xfrm_behaves_as_every_back_end_must),
		cmocka_unit_test(every_suite_is_held_as_it_was_meant),
		cmocka_unit_test(every_shape_of_a_flow_is_held_as_it_was_meant),
		cmocka_unit_test(a_range_becomes_several_policies),
		cmocka_unit_test(a_refusal_leaves_nothing_behind_and_says_what_was_asked),
		cmocka_unit_test(leftovers_of_ours_go_and_others_stay),
		cmocka_unit_test(two_daemons_share_their_sas_and_policies),
		cmocka_unit_test(a_policy_that_was_taken_over_is_not_deleted),
		cmocka_unit_test(a_moved_sa_keeps_keys_lifetime_and_counters),
		cmocka_unit_test(a_packet_without_an_sa_asks_for_one),
		cmocka_unit_test(what_others_flush_is_told_in_one_line_and_flows_return),
		cmocka_unit_test(half_a_pair_that_others_remove_takes_the_other_half_along),
		cmocka_unit_test(a_policy_that_others_change_is_told_with_both_values_and_mended),
		cmocka_unit_test(a_policy_that_others_took_over_is_told_once_and_stays_theirs),
		cmocka_unit_test(a_packet_at_a_policy_of_others_asks_and_gets_an_sa_of_ours),
		cmocka_unit_test(a_policy_of_others_within_the_flow_gets_an_sa_too),
		cmocka_unit_test(lifetimes_end_softly_then_hard),
		cmocka_unit_test(octets_end_a_lifetime_too_and_are_counted),
		cmocka_unit_test(a_socket_with_a_policy_of_its_own_passes_that_of_a_flow),
	};
	STR(detail, 160);

	if (unshare(CLONE_NEWNET) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) {
		printf("skipped: no network namespace: %s\n", strerror(errno));
		return 77;
	}
	if (xfrm_ops.probe(&detail) != WHY_NONE) {
		printf("skipped: here; the lab runs it (%s)\n", detail.p);
		return 77;
	}
	be_a_host();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
