/*
 * Vendor IDs and NAT traversal: RFC 3947 (detection, port floating), RFC 3706
 * (DPD vendor ID); isakmpd.md section 19.
 */
#include "ike/internal.h"

static const struct vendor {
	const char	*name;
	uint8_t		 octets[16];
} vendors[] = {
	/* MD5 of "isakmpd 0.1": this program */
	{ "isakmpd", { 0x4a, 0x4e, 0xe9, 0x53, 0x3e, 0xcd, 0xc9, 0x86,
	    0x80, 0x07, 0x96, 0x29, 0xa3, 0x67, 0x31, 0x6d } },
	{ "RFC 3947", { 0x4a, 0x13, 0x1c, 0x81, 0x07, 0x03, 0x58, 0x45,
	    0x5c, 0x57, 0x28, 0xf2, 0x0e, 0x95, 0x45, 0x2f } },
	{ "DPD", { 0xaf, 0xca, 0xd7, 0x13, 0x68, 0xa1, 0xf1, 0xc9,
	    0x6b, 0x86, 0x96, 0xfc, 0x77, 0x57, 0x01, 0x00 } },
};
enum { VENDOR_SELF, VENDOR_NAT_T, VENDOR_DPD };

void
vendor_ids_write(const struct core *core, const struct peer *peer, struct msg_wr *m, size_t most)
{
	enum { EACH = 4 + 16 };		/* octets of one payload */

	for (size_t i = 0; i < COUNT(vendors); i++) {
		/* Our name gives way to those that follow it. */
		size_t later = i == VENDOR_SELF ? 2 * EACH : 0;

		if (i == VENDOR_NAT_T && !(core->options.nat_t && peer->nat_t))
			continue;
		if (m->w.len + EACH + later > most)
			continue;
		msg_payload(m, PL_VENDOR, view_of(vendors[i].octets, sizeof(vendors[i].octets)));
	}
}

void
vendor_ids_read(const struct core *core, const struct peer *peer, const struct message *m,
    struct peer_traits *ret)
{
	for (size_t i = 0; i < message_count(m, PL_VENDOR); i++) {
		struct view v = message_find(m, PL_VENDOR, i)->body;

		if (view_equal(v, view_of(vendors[VENDOR_NAT_T].octets, 16)))
			ret->nat_t = core->options.nat_t && peer->nat_t;
		/* Some peers leave the minor version open: compare without it. */
		if (v.n == 16 && view_equal(view_of(v.p, 15), view_of(vendors[VENDOR_DPD].octets, 15)))
			ret->dpd = true;
	}
}

/* HASH(CKY-I | CKY-R | IP | port), RFC 3947 section 3.2 */
static MUST_USE bool
nat_d_hash(const struct exchange *x, const struct endpoint *e, uint8_t ret[HASH_LEN_MAX])
{
	uint8_t port[2];
	struct wr w = wr_of(port, sizeof(port));

	wr_u16(&w, e->port);
	const struct view parts[] = {
		view_of(x->icookie, COOKIE_LEN), view_of(x->rcookie, COOKIE_LEN),
		addr_view(&e->addr), wr_done(&w),
	};
	return hash_views(x->p1->params.hash, parts, COUNT(parts), ret);
}

/* First the peer's address as we see it, then our own. */
enum why
nat_d_write(struct core *core, struct exchange *x, struct msg_wr *m)
{
	size_t n = hash_len(x->p1->params.hash);
	uint8_t digest[HASH_LEN_MAX];

	if (!nat_d_hash(x, &x->path.remote, digest))
		return WHY_NO_MEMORY;
	msg_payload(m, PL_NAT_D, view_of(digest, n));
	if (x->peer->force_encap)	/* an address we do not have: the peer sees a NAT */
		core->env.random(core->env.self, digest, n);
	else if (!nat_d_hash(x, &x->path.local, digest))
		return WHY_NO_MEMORY;
	msg_payload(m, PL_NAT_D, view_of(digest, n));
	return WHY_NONE;
}

enum why
nat_d_read(struct core *core, struct exchange *x, const struct message *m,
    const struct path *path)
{
	struct peer_traits *t = &x->p1->traits;
	size_t n = message_count(m, PL_NAT_D), len = hash_len(x->p1->params.hash);
	uint8_t own[HASH_LEN_MAX], remote[HASH_LEN_MAX];
	bool remote_seen = false;

	if (!t->nat_t)
		return WHY_NONE;
	if (n < 2) {
		t->nat_t = false;	/* said the vendor ID, does not do it */
		return WHY_NONE;
	}
	for (size_t i = 0; i < n; i++)
		if (message_find(m, PL_NAT_D, i)->body.n != len)
			return WHY_PAYLOAD_MALFORMED;
	if (!nat_d_hash(x, &path->local, own) || !nat_d_hash(x, &path->remote, remote))
		return WHY_NO_MEMORY;
	/* The first describes us, the others the peer's own addresses. */
	t->we_are_natted = !view_equal(message_find(m, PL_NAT_D, 0)->body, view_of(own, len));
	for (size_t i = 1; i < n; i++)
		if (view_equal(message_find(m, PL_NAT_D, i)->body, view_of(remote, len)))
			remote_seen = true;
	t->peer_is_natted = !remote_seen;
	if (x->peer->force_encap)
		t->we_are_natted = true;
	tell(core, CLASS_EXCHANGE, 20, "NAT detection with %s: we are %sbehind a NAT, the peer is %s",
	    x->peer->name, t->we_are_natted ? "" : "not ", t->peer_is_natted ? "behind one" : "not");
	return WHY_NONE;
}

/*
 * RFC 3947 section 4: from message 5 on everything uses the NAT-T port.  A
 * source port that a NAT chose stays the destination.
 */
void
nat_float(const struct core *core, struct path *p)
{
	if (p->encap)
		return;
	p->encap = true;
	p->local.port = core->options.port_nat_t;
	if (p->remote.port == 500 || p->remote.port == core->options.port)
		p->remote.port = core->options.port_nat_t;
}
