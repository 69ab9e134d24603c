#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/map.h"
#include "base/slab.h"
#include "kern/xfrm.h"
#include "kern/xfrm_msg_linux.h"

enum {
	SAS_MAX = 1 << 18,
	POLICIES_MAX = 1 << 20,
	EVENTS_BUFFER = 4 * 1024 * 1024,
	PROBE_SECONDS = 5,	/* what a probe leaves behind if it is killed */
	PROBE_SPI = 0x15a40000,
	SA_KEY = 24,
	ASKED_MAX = 64		/* policies of others that packets met last */
};

/* An SA of ours, or an SPI that waits for one. */
struct sa_entry {
	uint64_t	id;		/* of its spec; 0: an SPI only */
	uint64_t	packets;	/* when it was looked at last */
	int64_t		changed;	/* seconds, when that number was new */
};

struct policy_entry {
	struct xfrm_policy policy;
	uint64_t	flow;		/* id of its spec */
	bool		stale;		/* of an earlier run */
};

struct xfrm {
	struct backend	 base;
	struct netlink	 ask, events;
	struct slab	*sas, *policies;
	struct map	*by_receiver, *by_selector;
	unsigned	 flows6;	/* flows over IPv6: neighbour discovery is exempt */
	bool		 shared;	/* what looks like ours may be another daemon's */
	struct xfrm_policy asked[ASKED_MAX];
	unsigned	 n_asked;	/* since the start; the oldest is written over */
};

static struct xfrm *
xfrm_of(const struct backend *b)
{
	return (struct xfrm *)(uintptr_t)b;
}

static int64_t
seconds(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec;
}

/* ---- tables ---- */

static struct view
sa_key(uint8_t room[SA_KEY], const struct addr *to, uint32_t spi)
{
	struct wr w = wr_of(room, SA_KEY);

	wr_u32(&w, spi);
	wr_view(&w, addr_view(to));
	return wr_done(&w);
}

static void *
find(const struct slab *slab, const struct map *map, struct view key)
{
	uint64_t v;

	return map_get(map, key, &v) ? slab_find(slab, handle_of_u64(v)) : NULL;
}

static void *
place(struct slab *slab, struct map *map, struct view key)
{
	struct handle h;
	void *p = find(slab, map, key);

	if (p != NULL || (p = slab_add(slab, &h)) == NULL)
		return p;
	if (map_put(map, key, handle_u64(h)))
		return p;
	slab_remove(slab, h);
	return NULL;
}

static void
forget(struct slab *slab, struct map *map, struct view key)
{
	uint64_t v;

	if (!map_get(map, key, &v))
		return;
	map_remove(map, key);
	slab_remove(slab, handle_of_u64(v));
}

static const struct endpoint *
receiver(const struct sa_spec *s, enum sa_part part)
{
	return part == SA_PART_IN ? &s->local : &s->remote;
}

static const struct endpoint *
sender(const struct sa_spec *s, enum sa_part part)
{
	return part == SA_PART_IN ? &s->remote : &s->local;
}

static uint32_t
spi_of(const struct sa_spec *s, enum sa_part part)
{
	return part == SA_PART_IN ? s->in.spi : s->out.spi;
}

static struct view
sa_key_of(uint8_t room[SA_KEY], const struct sa_spec *s, enum sa_part part)
{
	return sa_key(room, &receiver(s, part)->addr, spi_of(s, part));
}

/* ---- refusals ---- */

/* What was asked, then the kernel's words. */
static enum why
refused(struct xfrm *x, struct str *detail, const char *what, const struct sa_spec *s,
    enum sa_part part, int error)
{
	if (detail == NULL)
		return error == EEXIST ? WHY_BACKEND_EXISTS : WHY_BACKEND;
	str_addf(detail, "%s %s SA 0x%08x ", what, part == SA_PART_IN ? "inbound" : "outbound",
	    spi_of(s, part));
	addr_print(detail, &sender(s, part)->addr);
	str_add(detail, " to ");
	addr_print(detail, &receiver(s, part)->addr);
	str_add(detail, ": ");
	netlink_explain(&x->ask, detail, error);
	if (error == EEXIST)
		return WHY_BACKEND_EXISTS;
	if (error != ENOSYS && error != ENOENT && error != EPROTONOSUPPORT)
		return WHY_BACKEND;
	str_add(detail, ": ");
	sa_suite_print(detail, &s->suite);
	return WHY_BACKEND_ALGORITHM;
}

/* ---- SAs ---- */

static void
take_told(void *self, const struct nlmsghdr *h)
{
	xfrm_sa_told(h, self);
}

/* What the kernel has under this SPI; an errno. */
static int
look_up(struct xfrm *x, const struct endpoint *from, const struct endpoint *to, uint32_t spi,
    struct xfrm_told *ret)
{
	_Alignas(struct nlmsghdr) uint8_t room[NETLINK_ROOM];
	struct xfrm_told told = { 0 };
	int error = netlink_ask(&x->ask, xfrm_sa_named(room, XFRM_MSG_GETSA, from, to, spi),
	    take_told, &told);

	if (error == 0 && !told.got)
		return EBADMSG;
	*ret = told;
	return error;
}

static enum why
xfrm_get_spi(struct backend *b, const struct endpoint *local, const struct endpoint *remote,
    uint32_t *ret, struct str *detail)
{
	struct xfrm *x = xfrm_of(b);
	_Alignas(struct nlmsghdr) uint8_t room[NETLINK_ROOM];
	struct xfrm_told told = { 0 };
	uint8_t key[SA_KEY];
	int error = netlink_ask(&x->ask, xfrm_spi_message(room, local, remote), take_told, &told);

	if (error != 0 || !told.got) {
		str_add(detail, "SPI for ");
		addr_print(detail, &local->addr);
		str_add(detail, ": ");
		netlink_explain(&x->ask, detail, error != 0 ? error : EBADMSG);
		return WHY_BACKEND;
	}
	uint32_t spi = be32toh(told.info.id.spi);
	struct sa_entry *e = place(x->sas, x->by_receiver, sa_key(key, &local->addr, spi));
	if (e == NULL) {
		(void)!netlink_do(&x->ask, xfrm_sa_named(room, XFRM_MSG_DELSA, remote, local, spi));
		return WHY_NO_MEMORY;
	}
	*e = (struct sa_entry){ 0 };
	*ret = spi;
	return WHY_NONE;
}

static void
take_policy_told(void *self, const struct nlmsghdr *h)
{
	xfrm_policy_told(h, self);
}

/* What the kernel has with this selector, of anybody; an errno. */
static int
look_up_policy(struct xfrm *x, const struct xfrm_policy *p, struct xfrm_policy_told *ret)
{
	_Alignas(struct nlmsghdr) uint8_t room[NETLINK_ROOM];
	struct xfrm_policy_told told = { 0 };
	int error = netlink_ask(&x->ask, xfrm_policy_named(room, XFRM_MSG_GETPOLICY, p),
	    take_policy_told, &told);

	if (error == 0 && !told.got)
		return EBADMSG;
	*ret = told;
	return error;
}

static bool
policy_lends(struct xfrm *x, const struct xfrm_policy *p, const struct sa_spec *spec,
    uint32_t *ret_reqid)
{
	struct xfrm_policy_told told;
	uint8_t key[XFRM_SELECTOR_KEY];

	return find(x->policies, x->by_selector, xfrm_policy_key(key, p)) == NULL &&
	    look_up_policy(x, p, &told) == 0 && xfrm_policy_lends(&told, spec, ret_reqid);
}

/*
 * Where other programs set the policies (Acquire-Only), the SA must have the
 * reqid of the one that it serves: that of the same selectors, or for a part of
 * them the one that a packet met last.
 */
static bool
lent(struct xfrm *x, const struct sa_spec *spec, enum sa_part part, uint32_t *ret_reqid)
{
	struct xfrm_policy p[3];
	size_t n = xfrm_flow_policies(spec, p, COUNT(p));	/* outbound, inbound, forward */

	if (n == COUNT(p) && policy_lends(x, &p[part == SA_PART_OUT ? 0 : 1], spec, ret_reqid))
		return true;
	for (unsigned i = 1; i <= ASKED_MAX && i <= x->n_asked; i++) {
		const struct xfrm_policy *asked = &x->asked[(x->n_asked - i) % ASKED_MAX];

		if (xfrm_policy_within(asked, &spec->flow) &&
		    policy_lends(x, asked, spec, ret_reqid))
			return true;
	}
	return false;
}

static int
send_sa(struct xfrm *x, uint16_t type, const struct sa_spec *spec, enum sa_part part,
    enum why *why, struct str *detail)
{
	_Alignas(struct nlmsghdr) uint8_t room[NETLINK_ROOM];
	struct nlmsghdr *h = NULL;
	int error = 0;

	uint32_t reqid;

	*why = xfrm_sa_message(room, type, spec, part, &h, detail);
	if (*why == WHY_NONE && lent(x, spec, part, &reqid))
		xfrm_sa_lend(h, reqid);
	if (*why == WHY_NONE)
		error = netlink_do(&x->ask, h);
	wipe(room, sizeof(room));
	return error;
}

static enum why
xfrm_sa_add(struct backend *b, const struct sa_spec *spec, enum sa_part part, struct str *detail)
{
	struct xfrm *x = xfrm_of(b);
	uint8_t key[SA_KEY];
	struct view name = sa_key_of(key, spec, part);
	struct sa_entry *e = find(x->sas, x->by_receiver, name);
	bool reserved = e != NULL && e->id == 0;
	enum why why;

	if (e == NULL && (e = place(x->sas, x->by_receiver, name)) == NULL)
		return WHY_NO_MEMORY;
	/* What get_spi reserved becomes the SA; the kernel may have let it lapse. */
	int error = send_sa(x, reserved ? XFRM_MSG_UPDSA : XFRM_MSG_NEWSA, spec, part, &why, detail);
	if (error == ESRCH && reserved)
		error = send_sa(x, XFRM_MSG_NEWSA, spec, part, &why, detail);
	if (why == WHY_NONE && error != 0)
		why = refused(x, detail, "add", spec, part, error);
	if (why != WHY_NONE) {
		if (e->id == 0 && !reserved)
			forget(x->sas, x->by_receiver, name);
		return why;
	}
	*e = (struct sa_entry){ .id = spec->id };
	return WHY_NONE;
}

struct twin { const struct nlmsghdr *mine; bool same; };

static void
take_twin(void *self, const struct nlmsghdr *h)
{
	struct twin *t = self;

	t->same = xfrm_sa_same_key(t->mine, h);
}

/* The same key under another daemon's hand is the same SA; any other would only lose packets. */
static enum why
xfrm_sa_take(struct backend *b, const struct sa_spec *spec, enum sa_part part, struct str *detail)
{
	struct xfrm *x = xfrm_of(b);
	_Alignas(struct nlmsghdr) uint8_t room[NETLINK_ROOM], name[1024];
	uint8_t key[SA_KEY];
	struct nlmsghdr *h = NULL;
	struct twin t = { 0 };

	if (find(x->sas, x->by_receiver, sa_key_of(key, spec, part)) != NULL) {
		str_add(detail, "this daemon has it already");
		return WHY_BACKEND_EXISTS;
	}
	enum why why = xfrm_sa_message(room, XFRM_MSG_NEWSA, spec, part, &h, detail);
	t.mine = h;
	int error = why != WHY_NONE ? 0 : netlink_ask(&x->ask, xfrm_sa_named(name, XFRM_MSG_GETSA,
	    sender(spec, part), receiver(spec, part), spi_of(spec, part)), take_twin, &t);
	wipe(room, sizeof(room));
	if (why != WHY_NONE)
		return why;
	if (error != 0 || !t.same) {
		str_add(detail, "the key or the reqid is another one");
		return WHY_BACKEND_EXISTS;
	}
	struct sa_entry *e = place(x->sas, x->by_receiver, sa_key_of(key, spec, part));
	if (e == NULL)
		return WHY_NO_MEMORY;
	*e = (struct sa_entry){ .id = spec->id };
	return WHY_NONE;
}

static enum why
xfrm_sa_read(struct backend *b, const struct sa_spec *spec, enum sa_part part,
    struct sa_spec *ret, struct str *detail)
{
	struct xfrm *x = xfrm_of(b);
	struct xfrm_told told;
	int error = look_up(x, sender(spec, part), receiver(spec, part), spi_of(spec, part), &told);

	if (error == 0 && !xfrm_sa_is_ours(&told))
		error = ESRCH;
	if (error != 0) {
		enum why why = refused(x, detail, "read", spec, part, error);
		return error == ESRCH ? WHY_BACKEND_GONE : why;
	}
	return xfrm_sa_spec(&told, spec, part, ret);
}

static enum why
xfrm_sa_delete(struct backend *b, const struct sa_spec *spec, enum sa_part part)
{
	struct xfrm *x = xfrm_of(b);
	_Alignas(struct nlmsghdr) uint8_t room[NETLINK_ROOM];
	const struct endpoint *from = sender(spec, part), *to = receiver(spec, part);
	struct xfrm_told told;
	uint8_t key[SA_KEY];
	int error = look_up(x, from, to, spi_of(spec, part), &told);

	forget(x->sas, x->by_receiver, sa_key_of(key, spec, part));
	/* The SPI may be somebody else's by now. */
	if (error == 0 && !xfrm_sa_is_ours(&told))
		error = ESRCH;
	if (error == 0)
		error = netlink_do(&x->ask, xfrm_sa_named(room, XFRM_MSG_DELSA, from, to,
		    spi_of(spec, part)));
	return error == 0 ? WHY_NONE : error == ESRCH ? WHY_BACKEND_GONE : WHY_BACKEND;
}

/*
 * Seconds since the SA carried something.  Not every kernel tells; then it is
 * the time since its counter was seen to change.
 */
static uint32_t
idle(struct xfrm *x, const struct sa_spec *spec, enum sa_part part, const struct xfrm_told *told)
{
	uint8_t key[SA_KEY];
	struct sa_entry *e = find(x->sas, x->by_receiver, sa_key_of(key, spec, part));
	int64_t now = seconds(CLOCK_MONOTONIC), calendar = seconds(CLOCK_REALTIME);

	if (told->info.curlft.packets == 0)
		return UINT32_MAX;
	if (e != NULL && e->packets != told->info.curlft.packets) {
		e->packets = told->info.curlft.packets;
		e->changed = now;
	}
	int64_t since = told->last_used != 0 ? calendar - (int64_t)told->last_used :
	    e == NULL ? 0 : now - e->changed;
	return since < 0 ? 0 : since >= UINT32_MAX ? UINT32_MAX - 1 : (uint32_t)since;
}

static enum why
xfrm_query(struct backend *b, const struct sa_spec *spec, struct sa_usage *ret)
{
	struct xfrm *x = xfrm_of(b);
	struct xfrm_told in, out;
	struct sa_usage u = { .in_idle = UINT32_MAX, .out_idle = UINT32_MAX };
	int error = look_up(x, &spec->remote, &spec->local, spec->in.spi, &in);

	if (error != 0)
		return error == ESRCH ? WHY_BACKEND_GONE : WHY_BACKEND;
	u.in_packets = in.info.curlft.packets;
	u.in_bytes = in.info.curlft.bytes;
	u.in_refused = (uint64_t)in.info.stats.replay_window + in.info.stats.replay +
	    in.info.stats.integrity_failed;
	u.in_idle = idle(x, spec, SA_PART_IN, &in);
	/* A pair that was replaced only receives. */
	if (look_up(x, &spec->local, &spec->remote, spec->out.spi, &out) == 0) {
		u.out_packets = out.info.curlft.packets;
		u.out_bytes = out.info.curlft.bytes;
		u.out_idle = idle(x, spec, SA_PART_OUT, &out);
	}
	*ret = u;
	return WHY_NONE;
}

/* ---- moving ---- */

struct mover {
	uint8_t		*room;
	struct nlmsghdr	*message;	/* NULL: nothing was told */
	const struct endpoint *from, *to;
};

static void
take_moved(void *self, const struct nlmsghdr *h)
{
	struct mover *m = self;
	struct nlmsghdr *message;

	if (xfrm_sa_moved(m->room, XFRM_MSG_NEWSA, h, m->from, m->to,
	    (uint64_t)seconds(CLOCK_REALTIME), &message))
		m->message = message;
}

/* An SA's addresses are its name in the kernel: it is taken out and put in anew. */
static enum why
move_one(struct xfrm *x, const struct sa_spec *spec, const struct sa_spec *there,
    enum sa_part part)
{
	_Alignas(struct nlmsghdr) uint8_t room[NETLINK_ROOM];
	_Alignas(struct nlmsghdr) uint8_t name[1024];
	const struct endpoint *from = sender(spec, part), *to = receiver(spec, part);
	struct mover m = { .room = room, .from = sender(there, part), .to = receiver(there, part) };
	uint32_t spi = spi_of(spec, part);
	uint8_t key[SA_KEY];
	struct sa_entry *e = find(x->sas, x->by_receiver, sa_key_of(key, spec, part)), was = { 0 };

	if (e == NULL || e->id == 0)
		return WHY_BACKEND_GONE;
	was = *e;
	int error = netlink_ask(&x->ask, xfrm_sa_named(name, XFRM_MSG_GETSA, from, to, spi),
	    take_moved, &m);
	if (error == 0 && m.message == NULL)
		error = EBADMSG;
	if (error == 0)
		error = netlink_do(&x->ask, xfrm_sa_named(name, XFRM_MSG_DELSA, from, to, spi));
	if (error == 0) {
		forget(x->sas, x->by_receiver, sa_key_of(key, spec, part));
		error = netlink_do(&x->ask, m.message);
	}
	wipe(room, sizeof(room));
	if (error != 0)
		return error == ESRCH ? WHY_BACKEND_GONE : error == EEXIST ? WHY_BACKEND_EXISTS :
		    WHY_BACKEND;
	e = place(x->sas, x->by_receiver, sa_key_of(key, there, part));
	if (e == NULL)
		return WHY_NO_MEMORY;
	*e = was;
	return WHY_NONE;
}

static enum why
xfrm_move(struct backend *b, const struct sa_spec *spec, const struct endpoint *local,
    const struct endpoint *remote)
{
	struct xfrm *x = xfrm_of(b);
	struct sa_spec there = *spec;	/* its keys stay unused */

	there.local = *local;
	there.remote = *remote;
	enum why why = move_one(x, spec, &there, SA_PART_IN);
	if (why != WHY_NONE)
		return why;
	why = move_one(x, spec, &there, SA_PART_OUT);
	/* A pair that was replaced has no outbound SA any more. */
	return why == WHY_BACKEND_GONE ? WHY_NONE : why;
}

/* ---- policies ---- */

static void
take_policy(void *self, const struct nlmsghdr *h)
{
	struct xfrm_policy p;

	if (xfrm_policy_ours(h, &p))
		*(bool *)self = true;
}

/* Deletes a policy unless somebody else's stands in its place. */
static int
delete_policy(struct xfrm *x, const struct xfrm_policy *p)
{
	_Alignas(struct nlmsghdr) uint8_t room[NETLINK_ROOM];
	bool ours = false;
	int error = netlink_ask(&x->ask, xfrm_policy_named(room, XFRM_MSG_GETPOLICY, p),
	    take_policy, &ours);

	if (error == 0 && !ours)
		error = ENOENT;
	if (error == 0)
		error = netlink_do(&x->ask, xfrm_policy_named(room, XFRM_MSG_DELPOLICY, p));
	return error;
}

static const char *
direction(uint8_t dir)
{
	return dir == XFRM_POLICY_OUT ? "outbound" : dir == XFRM_POLICY_IN ? "inbound" : "forward";
}

static enum why
policy_refused(struct xfrm *x, struct str *detail, const struct xfrm_policy *p,
    const struct sa_spec *spec, int error)
{
	str_addf(detail, "%s policy for ", direction(p->dir));
	flow_print(detail, &spec->flow);
	str_add(detail, ": ");
	if (error == EEXIST)
		str_add(detail, "another program has one with this selector");
	else
		netlink_explain(&x->ask, detail, error);
	return error == EEXIST ? WHY_BACKEND_EXISTS : WHY_BACKEND;
}

/* Another daemon of ours has put this very policy there. */
static bool
policy_is_same(struct xfrm *x, const struct xfrm_policy *p, const struct sa_spec *spec)
{
	_Alignas(struct nlmsghdr) uint8_t room[NETLINK_ROOM];
	struct xfrm_policy_told want, got;
	STR(detail, 200);

	if (look_up_policy(x, p, &got) != 0)
		return false;
	xfrm_policy_told(xfrm_policy_message(room, XFRM_MSG_NEWPOLICY, p, spec), &want);
	return xfrm_policy_same(&want, &got, &detail);
}

/* ret_fresh: it was not there before, in no flow. */
static enum why
add_policy(struct xfrm *x, const struct xfrm_policy *p, const struct sa_spec *spec,
    bool *ret_fresh, struct str *detail)
{
	_Alignas(struct nlmsghdr) uint8_t room[NETLINK_ROOM];
	uint8_t key[XFRM_SELECTOR_KEY];
	struct view name = xfrm_policy_key(key, p);
	struct policy_entry *e = find(x->policies, x->by_selector, name);
	bool known = e != NULL;

	if (known && !e->stale && e->flow != spec->id) {
		str_add(detail, "another flow has the selector of ");
		flow_print(detail, &spec->flow);
		return WHY_BACKEND_EXISTS;
	}
	if (!known && (e = place(x->policies, x->by_selector, name)) == NULL)
		return WHY_NO_MEMORY;
	int error = netlink_do(&x->ask, xfrm_policy_message(room,
	    known ? XFRM_MSG_UPDPOLICY : XFRM_MSG_NEWPOLICY, p, spec));
	if (error == EEXIST && spec->shared && policy_is_same(x, p, spec))
		error = 0;
	if (error != 0) {
		if (!known)
			forget(x->policies, x->by_selector, name);
		return policy_refused(x, detail, p, spec, error);
	}
	*ret_fresh = !known || e->stale;
	*e = (struct policy_entry){ .policy = *p, .flow = spec->id };
	return WHY_NONE;
}

static int
drop_policy(struct xfrm *x, const struct xfrm_policy *p)
{
	uint8_t key[XFRM_SELECTOR_KEY];

	forget(x->policies, x->by_selector, xfrm_policy_key(key, p));
	return delete_policy(x, p);
}

/* Solicitations and advertisements: without them an IPv6 peer has no address on the link. */
static const uint8_t neighbour_types[] = { 135, 136 };
static const uint8_t neighbour_dirs[] = { XFRM_POLICY_OUT, XFRM_POLICY_IN };

static void
exempt_neighbours(struct xfrm *x, bool want)
{
	_Alignas(struct nlmsghdr) uint8_t room[NETLINK_ROOM];

	for (size_t i = 0; i < COUNT(neighbour_types); i++)
		for (size_t k = 0; k < COUNT(neighbour_dirs); k++) {
			struct xfrm_policy p = xfrm_neighbour_policy(neighbour_types[i],
			    neighbour_dirs[k]);
			/* Somebody else's does as well. */
			if (want)
				(void)!netlink_do(&x->ask, xfrm_neighbour_message(room, &p));
			else
				(void)!delete_policy(x, &p);
		}
}

static bool
is_ip6(const struct sa_spec *s)
{
	return s->flow.local.net.first.family == FAMILY_IP6;
}

static enum why
add_policies(struct xfrm *x, const struct xfrm_policy *p, size_t n, const struct sa_spec *spec,
    bool *fresh, struct str *detail)
{
	enum why why = WHY_NONE;
	size_t done = 0;

	for (; done < n && why == WHY_NONE; done++)
		why = add_policy(x, &p[done], spec, &fresh[done], detail);
	if (why == WHY_NONE)
		return WHY_NONE;
	/* The last one failed; what this call has made goes. */
	for (size_t i = 0; i + 1 < done; i++)
		if (fresh[i])
			(void)!drop_policy(x, &p[i]);
	return why;
}

static enum why
xfrm_flow_add(struct backend *b, const struct sa_spec *spec, struct str *detail)
{
	struct xfrm *x = xfrm_of(b);
	struct xfrm_policy p[XFRM_POLICIES_MAX];
	bool fresh[XFRM_POLICIES_MAX] = { false };
	size_t n = xfrm_flow_policies(spec, p, COUNT(p));

	if (n == 0) {
		str_add(detail, "the ranges of the flow need too many policies: ");
		flow_print(detail, &spec->flow);
		return WHY_BACKEND;
	}
	if (addr_is_any(&spec->remote.addr)) {
		str_add(detail, "a policy needs the address of the peer");
		return WHY_BACKEND;
	}
	enum why why = add_policies(x, p, n, spec, fresh, detail);
	if (why == WHY_NONE && fresh[0] && is_ip6(spec) && x->flows6++ == 0)
		exempt_neighbours(x, true);
	return why;
}

static enum why
xfrm_flow_delete(struct backend *b, const struct sa_spec *spec)
{
	struct xfrm *x = xfrm_of(b);
	struct xfrm_policy p[XFRM_POLICIES_MAX];
	size_t n = xfrm_flow_policies(spec, p, COUNT(p));
	uint8_t key[XFRM_SELECTOR_KEY];
	enum why why = WHY_NONE;

	if (n == 0 || find(x->policies, x->by_selector, xfrm_policy_key(key, &p[0])) == NULL)
		return WHY_BACKEND_GONE;
	/* The outbound ones first of the list go last: until then nothing leaves in clear. */
	for (size_t i = n; i-- > 0;) {
		int error = drop_policy(x, &p[i]);
		if (error != 0 && error != ENOENT)
			why = WHY_BACKEND;
	}
	if (is_ip6(spec) && x->flows6 > 0 && --x->flows6 == 0)
		exempt_neighbours(x, false);
	return why;
}

static enum why
check_policy(struct xfrm *x, const struct xfrm_policy *p, const struct sa_spec *spec,
    struct str *detail)
{
	_Alignas(struct nlmsghdr) uint8_t room[NETLINK_ROOM];
	struct xfrm_policy_told want, got;
	int error = look_up_policy(x, p, &got);

	str_addf(detail, "%s policy: ", direction(p->dir));
	if (error != 0) {
		netlink_explain(&x->ask, detail, error);
		return error == ENOENT ? WHY_BACKEND_GONE : WHY_BACKEND;
	}
	xfrm_policy_told(xfrm_policy_message(room, XFRM_MSG_NEWPOLICY, p, spec), &want);
	if (xfrm_policy_same(&want, &got, detail))
		return WHY_NONE;
	return got.templates > 0 && xfrm_reqid_is_ours(got.first.reqid) ? WHY_BACKEND_DIFFERS :
	    WHY_BACKEND_EXISTS;
}

static enum why
xfrm_flow_check(struct backend *b, const struct sa_spec *spec, struct str *detail)
{
	struct xfrm_policy p[XFRM_POLICIES_MAX];
	size_t n = xfrm_flow_policies(spec, p, COUNT(p));

	for (size_t i = 0; i < n; i++) {
		STR(said, 200);
		enum why why = check_policy(xfrm_of(b), &p[i], spec, &said);
		if (why == WHY_NONE)
			continue;
		str_add(detail, said.p);
		return why;
	}
	return WHY_NONE;
}

/* ---- events ---- */

static int
xfrm_fd(struct backend *b)
{
	return mnl_socket_get_fd(xfrm_of(b)->events.sock);
}

static bool
acquire(struct xfrm *x, const struct nlmsghdr *h, struct kern_event *ret)
{
	struct kern_event e = { .kind = KERN_ACQUIRE };
	uint8_t key[XFRM_SELECTOR_KEY];
	struct xfrm_policy p;

	if (!xfrm_acquire(h, &p, &e.flow))
		return false;
	const struct policy_entry *known = find(x->policies, x->by_selector,
	    xfrm_policy_key(key, &p));
	if (known != NULL && known->stale)
		return false;
	e.id = known != NULL ? known->flow : 0;
	if (known == NULL)
		x->asked[x->n_asked++ % ASKED_MAX] = p;
	*ret = e;
	return true;
}

static bool
expire(const struct xfrm *x, const struct nlmsghdr *h, struct kern_event *ret)
{
	uint8_t key[SA_KEY];
	struct addr to;
	uint32_t spi;
	bool hard;

	if (!xfrm_expire(h, &to, &spi, &hard))
		return false;
	const struct sa_entry *known = find(x->sas, x->by_receiver, sa_key(key, &to, spi));
	if (known == NULL || known->id == 0)
		return false;
	*ret = (struct kern_event){ .kind = hard ? KERN_EXPIRE_HARD : KERN_EXPIRE_SOFT,
	    .id = known->id };
	return true;
}

/* ---- what others do to ours ---- */

static bool
sa_touched(const struct xfrm *x, const struct nlmsghdr *h, struct kern_event *ret)
{
	uint8_t key[SA_KEY];
	struct addr to;
	uint32_t spi;

	if (!xfrm_sa_touched(h, &to, &spi))
		return false;
	const struct sa_entry *known = find(x->sas, x->by_receiver, sa_key(key, &to, spi));
	if (known == NULL || known->id == 0)
		return false;
	*ret = (struct kern_event){ .kind = KERN_LOST, .id = known->id };
	return true;
}

static bool
policy_touched(struct xfrm *x, const struct nlmsghdr *h, struct kern_event *ret)
{
	uint8_t key[XFRM_SELECTOR_KEY];
	struct xfrm_policy p;

	if (!xfrm_policy_touched(h, &p))
		return false;
	const struct policy_entry *known = find(x->policies, x->by_selector,
	    xfrm_policy_key(key, &p));
	if (known == NULL)
		return false;
	if (known->stale) {
		if (h->nlmsg_type == XFRM_MSG_DELPOLICY)
			forget(x->policies, x->by_selector, xfrm_policy_key(key, &p));
		return false;
	}
	*ret = (struct kern_event){ .kind = KERN_FLOW_LOST, .id = known->flow };
	return true;
}

/* id 0: all of them. */
static bool
flushed(struct xfrm *x, const struct nlmsghdr *h, struct kern_event *ret)
{
	bool sas = h->nlmsg_type == XFRM_MSG_FLUSHSA;

	if (!xfrm_flushed(h))
		return false;
	if (!sas && x->flows6 > 0)
		exempt_neighbours(x, true);
	*ret = (struct kern_event){ .kind = sas ? KERN_LOST : KERN_FLOW_LOST };
	return true;
}

static bool
event_of(struct xfrm *x, const struct nlmsghdr *h, struct kern_event *ret)
{
	/* What this process did comes back with the number of its own socket. */
	if (h->nlmsg_pid == mnl_socket_get_portid(x->ask.sock))
		return false;
	switch (h->nlmsg_type) {
	case XFRM_MSG_ACQUIRE:
		return acquire(x, h, ret);
	case XFRM_MSG_EXPIRE:
		return expire(x, h, ret);
	case XFRM_MSG_DELSA:
	case XFRM_MSG_UPDSA:
		return sa_touched(x, h, ret);
	case XFRM_MSG_DELPOLICY:
	case XFRM_MSG_UPDPOLICY:
		return policy_touched(x, h, ret);
	case XFRM_MSG_FLUSHSA:
	case XFRM_MSG_FLUSHPOLICY:
		return flushed(x, h, ret);
	}
	return false;
}

/*
 * One datagram has one event.  What is lost when the buffer overflows comes
 * again: a packet without an SA asks anew, the core knows lifetimes too, and
 * what others did is found when all is read back from time to time.
 */
static bool
xfrm_event(struct backend *b, struct kern_event *ret)
{
	struct xfrm *x = xfrm_of(b);
	_Alignas(struct nlmsghdr) uint8_t room[NETLINK_ROOM];
	ssize_t n;

	while ((n = recv(xfrm_fd(b), room, sizeof(room), MSG_DONTWAIT)) > 0 ||
	    (n < 0 && (errno == EINTR || errno == ENOBUFS))) {
		const struct nlmsghdr *h = (const void *)room;
		if (n <= 0 || !mnl_nlmsg_ok(h, (int)n))
			continue;
		bool ours = event_of(x, h, ret);
		wipe(room, (size_t)n);	/* an SA is told with its keys */
		if (ours)
			return true;
	}
	return false;
}

/* ---- leftovers ---- */

struct leftovers {
	struct xfrm	*x;
	struct { struct endpoint from, to; uint32_t spi; } *sa;
	size_t		 n, cap;
	bool		 no_memory;
};

static void
take_old_sa(void *self, const struct nlmsghdr *h)
{
	struct leftovers *l = self;
	struct sa_spec name = { 0 }, asked = { 0 };
	struct xfrm_told t = { 0 };

	xfrm_sa_told(h, &t);
	if (!xfrm_sa_is_ours(&t) || t.suite.protocol != PROTO_IPSEC_ESP)
		return;
	if (l->n == l->cap) {
		size_t cap = l->cap == 0 ? 64 : l->cap * 2;
		void *more = reallocarray(l->sa, cap, sizeof(*l->sa));
		if (more == NULL) {
			l->no_memory = true;
			return;
		}
		l->sa = more;
		l->cap = cap;
	}
	if (xfrm_sa_spec(&t, &asked, SA_PART_OUT, &name) != WHY_NONE) {
		l->no_memory = true;
		return;
	}
	l->sa[l->n].from = name.local;
	l->sa[l->n].to = name.remote;
	l->sa[l->n++].spi = name.out.spi;
	sa_spec_done(&name);
}

static void
take_old_policy(void *self, const struct nlmsghdr *h)
{
	struct leftovers *l = self;
	uint8_t key[XFRM_SELECTOR_KEY];
	struct xfrm_policy p;

	if (!xfrm_policy_ours(h, &p))
		return;
	struct policy_entry *e = place(l->x->policies, l->x->by_selector, xfrm_policy_key(key, &p));
	if (e == NULL)
		l->no_memory = true;
	else
		*e = (struct policy_entry){ .policy = p, .stale = true };
}

/*
 * SAs whose keys nobody knows any more go at once; policies are remembered.
 * With Shared-SADB somebody may know them.
 */
static bool
sweep(struct xfrm *x, struct str *error)
{
	_Alignas(struct nlmsghdr) uint8_t room[NETLINK_ROOM];
	struct leftovers l = { .x = x };
	int e = x->shared ? 0 :
	    netlink_dump(&x->ask, xfrm_message(room, XFRM_MSG_GETSA), take_old_sa, &l);

	for (size_t i = 0; i < l.n; i++)
		(void)!netlink_do(&x->ask, xfrm_sa_named(room, XFRM_MSG_DELSA, &l.sa[i].from,
		    &l.sa[i].to, l.sa[i].spi));
	free(l.sa);
	if (e == 0)
		e = netlink_dump(&x->ask, xfrm_message(room, XFRM_MSG_GETPOLICY), take_old_policy, &l);
	if (e == 0 && l.no_memory)
		e = ENOMEM;
	if (e == 0)
		return true;
	str_add(error, "xfrm: looking for leftovers: ");
	netlink_explain(&x->ask, error, e);
	return false;
}

unsigned
xfrm_settled(struct backend *b)
{
	struct xfrm *x = xfrm_of(b);
	struct policy_entry *e;
	struct handle h;
	uint32_t at = 0;
	unsigned n = 0;

	while (!x->shared && (e = slab_next(x->policies, &at, &h)) != NULL) {
		if (!e->stale)
			continue;
		struct xfrm_policy p = e->policy;
		if (p.sel.proto == IPPROTO_ICMPV6 && p.sel.prefixlen_s == 0 && x->flows6 > 0)
			continue;	/* neighbour discovery: in use again */
		n += drop_policy(x, &p) == 0;
	}
	return n;
}

/* ---- life ---- */

/* Not in every kernel that has this interface there is ESP behind it. */
static int
try_esp(struct netlink *nl)
{
	static const uint8_t key[48] = { 1 };
	_Alignas(struct nlmsghdr) uint8_t room[NETLINK_ROOM];
	struct sa_spec s = { .suite = { .protocol = PROTO_IPSEC_ESP, .cipher = ESP_AES,
	    .auth = AUTHALG_HMAC_SHA2_256, .mode = SA_TUNNEL, .key_bits = 128 },
	    .hard_secs = PROBE_SECONDS };
	struct nlmsghdr *h = NULL;
	STR(detail, 160);
	int error = ENOMEM;

	(void)!addr_parse("127.0.0.1", &s.local.addr);
	s.remote = s.local;
	s.flow.local.net = s.flow.remote.net = (struct range){ s.local.addr, s.local.addr };
	s.out.spi = PROBE_SPI | ((uint32_t)getpid() & 0xffff);
	if (secret_set(&s.out.keymat, view_of(key, sizeof(key))) &&
	    xfrm_sa_message(room, XFRM_MSG_NEWSA, &s, SA_PART_OUT, &h, &detail) == WHY_NONE)
		error = netlink_do(nl, h);
	if (error == 0)
		(void)!netlink_do(nl, xfrm_sa_named(room, XFRM_MSG_DELSA, &s.local, &s.remote,
		    s.out.spi));
	sa_spec_done(&s);
	return error == EEXIST ? 0 : error;
}

static enum why
xfrm_probe(struct str *detail)
{
	struct netlink nl;
	int error = netlink_open_protocol(&nl, NETLINK_XFRM, 0);

	if (error != 0) {
		str_add(detail, "kernel has no IPsec (");
		netlink_explain(&nl, detail, error);
		str_char(detail, ')');
		return WHY_BACKEND;
	}
	error = try_esp(&nl);
	if (error != 0) {
		nl.said[0] = '\0';	/* its words are about types of a table of its own */
		str_add(detail, error == EPERM ? "no right to set SAs (" : "kernel has no ESP (");
		netlink_explain(&nl, detail, error);
		str_char(detail, ')');
	}
	netlink_close(&nl);
	return error == 0 ? WHY_NONE : WHY_BACKEND;
}

static void
xfrm_free(struct backend *b)
{
	struct xfrm *x = xfrm_of(b);

	if (x == NULL)
		return;
	netlink_close(&x->ask);
	netlink_close(&x->events);
	slab_free(x->sas);
	slab_free(x->policies);
	map_free(x->by_receiver);
	map_free(x->by_selector);
	free(x);
}

/*
 * Every SA and policy that anybody sets is told to these groups, ours too.
 * Only what event_of has a case for gets into the buffer.
 */
static void
only_events(const struct xfrm *x)
{
	enum { TYPE = offsetof(struct nlmsghdr, nlmsg_type),
	    PID = offsetof(struct nlmsghdr, nlmsg_pid) };
#define KEEP(type, left)	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(type), (left), 0)
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, PID),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htonl(mnl_socket_get_portid(x->ask.sock)),
		    9, 0),
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, TYPE),
		KEEP(XFRM_MSG_ACQUIRE, 8),
		KEEP(XFRM_MSG_EXPIRE, 7),
		KEEP(XFRM_MSG_DELSA, 6),
		KEEP(XFRM_MSG_UPDSA, 5),
		KEEP(XFRM_MSG_DELPOLICY, 4),
		KEEP(XFRM_MSG_UPDPOLICY, 3),
		KEEP(XFRM_MSG_FLUSHSA, 2),
		KEEP(XFRM_MSG_FLUSHPOLICY, 1),
		BPF_STMT(BPF_RET | BPF_K, 0),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
	};
#undef KEEP
	const struct sock_fprog program = { COUNT(code), code };

	/* Without it the buffer fills sooner, and that is all. */
	(void)setsockopt(mnl_socket_get_fd(x->events.sock), SOL_SOCKET, SO_ATTACH_FILTER, &program,
	    sizeof(program));
}

static bool
open_sockets(struct xfrm *x, struct str *error)
{
	int size = EVENTS_BUFFER;
	int e = netlink_open_protocol(&x->ask, NETLINK_XFRM, 0);

	if (e == 0)
		e = netlink_open_protocol(&x->events, NETLINK_XFRM, XFRMGRP_ACQUIRE |
		    XFRMGRP_EXPIRE | XFRMGRP_SA | XFRMGRP_POLICY);
	if (e != 0) {
		str_add(error, "xfrm: ");
		netlink_explain(&x->ask, error, e);
		return false;
	}
	only_events(x);
	/* Best effort: the kernel's own size does for most. */
	(void)setsockopt(mnl_socket_get_fd(x->events.sock), SOL_SOCKET, SO_RCVBUFFORCE, &size,
	    sizeof(size));
	return true;
}

struct backend *
xfrm_new(const uint8_t hash_key[16], bool shared, struct str *error)
{
	struct xfrm *x = calloc(1, sizeof(*x));

	if (x == NULL)
		return NULL;
	x->base.ops = &xfrm_ops;
	x->shared = shared;
	x->sas = slab_new(sizeof(struct sa_entry), SAS_MAX);
	x->policies = slab_new(sizeof(struct policy_entry), POLICIES_MAX);
	x->by_receiver = map_new(hash_key);
	x->by_selector = map_new(hash_key);
	if (x->sas == NULL || x->policies == NULL || x->by_receiver == NULL ||
	    x->by_selector == NULL || !open_sockets(x, error) || !sweep(x, error)) {
		xfrm_free(&x->base);
		return NULL;
	}
	return &x->base;
}

const struct backend_ops xfrm_ops = {
	.name = "xfrm",
	.probe = xfrm_probe,
	.free = xfrm_free,
	.get_spi = xfrm_get_spi,
	.sa_add = xfrm_sa_add,
	.sa_take = xfrm_sa_take,
	.sa_read = xfrm_sa_read,
	.sa_delete = xfrm_sa_delete,
	.flow_add = xfrm_flow_add,
	.flow_delete = xfrm_flow_delete,
	.flow_check = xfrm_flow_check,
	.query = xfrm_query,
	.move = xfrm_move,
	.fd = xfrm_fd,
	.event = xfrm_event,
};
