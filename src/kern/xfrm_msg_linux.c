#include "kern/xfrm_msg_linux.h"

#include <arpa/inet.h>
#include <linux/ipsec.h>
#include <linux/udp.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "kern/flow_key.h"
#include "kern/prefixes.h"

enum { UNKNOWN = 0xff };

uint32_t
xfrm_reqid(const struct flow *flow)
{
	static const uint8_t key[16];	/* known to all: two equal ones cost nothing but a wrong look */
	struct flow_key hash = flow_key_of(key, flow);
	struct rd r = rd_of(flow_key_view(&hash));

	return XFRM_REQID | (rd_u32(&r) & ((1u << XFRM_REQID_BITS) - 1));
}

bool
xfrm_reqid_is_ours(uint32_t reqid)
{
	return reqid >> XFRM_REQID_BITS == XFRM_REQID >> XFRM_REQID_BITS;
}

/* ---- addresses ---- */

static uint16_t
family_of(const struct addr *a)
{
	return a->family == FAMILY_IP6 ? AF_INET6 : AF_INET;
}

static void
put_address(const struct addr *a, xfrm_address_t *ret)
{
	memset(ret, 0, sizeof(*ret));
	memcpy(ret, a->b, addr_len(a));
}

static struct addr
get_address(const xfrm_address_t *a, uint16_t family)
{
	struct addr r = { .family = family == AF_INET6 ? FAMILY_IP6 : FAMILY_IP4 };

	memcpy(r.b, a, addr_len(&r));
	return r;
}

static uint16_t
port_mask(uint16_t port)
{
	return port == 0 ? 0 : 0xffff;
}

static struct xfrm_selector
selector_of(const struct prefix *from, uint16_t from_port, const struct prefix *to,
    uint16_t to_port, uint8_t protocol)
{
	struct xfrm_selector s = { .family = family_of(&from->addr), .proto = protocol,
	    .prefixlen_s = (uint8_t)from->bits, .prefixlen_d = (uint8_t)to->bits,
	    .sport = htons(from_port), .sport_mask = port_mask(from_port),
	    .dport = htons(to_port), .dport_mask = port_mask(to_port) };

	put_address(&from->addr, &s.saddr);
	put_address(&to->addr, &s.daddr);
	return s;
}

/* An SA has room for one prefix a side; a range is left to the policies. */
static struct xfrm_selector
sa_selector(const struct selector *from, const struct selector *to, uint8_t protocol)
{
	int from_bits = range_bits(&from->net), to_bits = range_bits(&to->net);

	if (from_bits < 0 || to_bits < 0)
		return (struct xfrm_selector){ .family = family_of(&from->net.first) };
	struct prefix a = { from->net.first, (unsigned)from_bits },
	    b = { to->net.first, (unsigned)to_bits };
	return selector_of(&a, from->port, &b, to->port, protocol);
}

static struct range
selector_range(const xfrm_address_t *a, uint16_t family, uint8_t bits)
{
	struct addr first = get_address(a, family);

	return (struct range){ addr_first_of(&first, bits), addr_last_of(&first, bits) };
}

static struct selector
selector_side(const struct xfrm_selector *s, bool source)
{
	return (struct selector){
		selector_range(source ? &s->saddr : &s->daddr, s->family,
		    source ? s->prefixlen_s : s->prefixlen_d),
		ntohs(source ? s->sport & s->sport_mask : s->dport & s->dport_mask),
	};
}

/* ---- a direction of a spec ---- */

struct way {
	const struct endpoint	*from, *to;
	const struct selector	*from_sel, *to_sel;
	const struct sa_half	*half;
};

static struct way
way_of(const struct sa_spec *s, enum sa_part part)
{
	if (part == SA_PART_IN)
		return (struct way){ &s->remote, &s->local, &s->flow.remote, &s->flow.local, &s->in };
	return (struct way){ &s->local, &s->remote, &s->flow.local, &s->flow.remote, &s->out };
}

struct nlmsghdr *
xfrm_message(void *room, uint16_t type)
{
	struct nlmsghdr *h = mnl_nlmsg_put_header(room);

	h->nlmsg_type = type;
	return h;
}

struct nlmsghdr *
xfrm_sa_named(void *room, uint16_t type, const struct endpoint *from, const struct endpoint *to,
    uint32_t spi)
{
	struct nlmsghdr *h = xfrm_message(room, type);
	struct xfrm_usersa_id *id = mnl_nlmsg_put_extra_header(h, sizeof(*id));
	xfrm_address_t source;

	id->spi = htonl(spi);
	id->family = family_of(&to->addr);
	id->proto = IPPROTO_ESP;
	put_address(&to->addr, &id->daddr);
	put_address(&from->addr, &source);
	mnl_attr_put(h, XFRMA_SRCADDR, sizeof(source), &source);
	return h;
}

struct nlmsghdr *
xfrm_spi_message(void *room, const struct endpoint *local, const struct endpoint *remote)
{
	struct nlmsghdr *h = xfrm_message(room, XFRM_MSG_ALLOCSPI);
	struct xfrm_userspi_info *i = mnl_nlmsg_put_extra_header(h, sizeof(*i));

	i->info.id.proto = IPPROTO_ESP;
	i->info.family = family_of(&local->addr);
	i->info.mode = XFRM_MODE_TUNNEL;
	i->info.reqid = XFRM_REQID;
	put_address(&local->addr, &i->info.id.daddr);
	put_address(&remote->addr, &i->info.saddr);
	i->min = 0x100;			/* RFC 4303, 2.1: 1..255 are reserved */
	i->max = UINT32_MAX;
	return h;
}

/* ---- algorithms ---- */

static const struct {
	uint8_t		cipher;
	bool		aead;
	const char	*name;
} ciphers[] = {
	{ ESP_3DES,	  false, "cbc(des3_ede)" },
	{ ESP_NULL,	  false, "ecb(cipher_null)" },
	{ ESP_AES,	  false, "cbc(aes)" },
	{ ESP_AES_CTR,	  false, "rfc3686(ctr(aes))" },
	{ ESP_AES_GCM_16, true,  "rfc4106(gcm(aes))" },
	{ ESP_AES_GMAC,	  true,  "rfc4543(gcm(aes))" },
};

/* Lengths on the wire are explicit: the kernel's own idea of SHA2-256 is 96 bits. */
static const struct {
	uint8_t		auth;
	uint16_t	bits;
	const char	*name;
} auths[] = {
	{ AUTHALG_HMAC_MD5,	 96,  "hmac(md5)" },
	{ AUTHALG_HMAC_SHA,	 96,  "hmac(sha1)" },
	{ AUTHALG_HMAC_SHA2_256, 128, "hmac(sha256)" },
	{ AUTHALG_HMAC_SHA2_384, 192, "hmac(sha384)" },
	{ AUTHALG_HMAC_SHA2_512, 256, "hmac(sha512)" },
};

enum { ALG_ROOM = 512 };

/* struct xfrm_algo_aead and its shorter relatives: name, lengths in bits, key. */
static void
put_algorithm(struct nlmsghdr *h, uint16_t type, const char *name, struct view key,
    const uint32_t *icv_bits)
{
	char full_name[64] = "";
	uint32_t bits = (uint32_t)key.n * 8;
	uint8_t room[ALG_ROOM];
	struct wr w = wr_of(room, sizeof(room));

	text_copy(full_name, sizeof(full_name), name);
	wr_bytes(&w, full_name, sizeof(full_name));
	wr_bytes(&w, &bits, sizeof(bits));
	if (icv_bits != NULL)
		wr_bytes(&w, icv_bits, sizeof(*icv_bits));
	wr_view(&w, key);
	struct view v = wr_done(&w);
	mnl_attr_put(h, type, v.n, v.p);
	wipe(room, sizeof(room));
}

static enum why
put_cipher(struct nlmsghdr *h, const struct sa_suite *s, const struct sa_lengths *l,
    struct rd *key)
{
	const uint32_t icv = (uint32_t)l->icv * 8;
	struct rd part = rd_sub(key, l->key + l->salt);

	for (size_t i = 0; i < COUNT(ciphers); i++)
		if (ciphers[i].cipher == s->cipher) {
			put_algorithm(h, ciphers[i].aead ? XFRMA_ALG_AEAD : XFRMA_ALG_CRYPT,
			    ciphers[i].name, rd_rest(&part), ciphers[i].aead ? &icv : NULL);
			return WHY_NONE;
		}
	return WHY_BACKEND_ALGORITHM;
}

static enum why
put_auth(struct nlmsghdr *h, const struct sa_suite *s, const struct sa_lengths *l, struct rd *key)
{
	struct rd part = rd_sub(key, l->auth);

	if (s->auth == AUTHALG_NONE)
		return WHY_NONE;
	for (size_t i = 0; i < COUNT(auths); i++)
		if (auths[i].auth == s->auth) {
			const uint32_t bits = auths[i].bits;
			put_algorithm(h, XFRMA_ALG_AUTH_TRUNC, auths[i].name, rd_rest(&part), &bits);
			return WHY_NONE;
		}
	return WHY_BACKEND_ALGORITHM;
}

static enum why
put_algorithms(struct nlmsghdr *h, const struct sa_spec *spec, const struct sa_half *half,
    struct str *detail)
{
	struct rd key = rd_of(secret_view(&half->keymat));
	struct sa_lengths l;
	enum why why = WHY_BACKEND_ALGORITHM;

	if (sa_suite_lengths(&spec->suite, &l))
		why = put_cipher(h, &spec->suite, &l, &key);
	if (why == WHY_NONE)
		why = put_auth(h, &spec->suite, &l, &key);
	if (why != WHY_NONE) {
		str_add(detail, "no such suite: ");
		sa_suite_print(detail, &spec->suite);
		return why;
	}
	if (rd_end(&key))
		return WHY_NONE;
	str_add(detail, "the key does not have the length of its algorithms");
	return WHY_BACKEND;
}

/* ---- the rest of an SA ---- */

static uint64_t
or_never(uint64_t limit)
{
	return limit == 0 ? XFRM_INF : limit;
}

static struct xfrm_lifetime_cfg
lifetime(const struct sa_spec *s)
{
	return (struct xfrm_lifetime_cfg){
		.soft_byte_limit = or_never(s->soft_bytes), .hard_byte_limit = or_never(s->hard_bytes),
		.soft_packet_limit = XFRM_INF, .hard_packet_limit = XFRM_INF,
		.soft_add_expires_seconds = s->soft_secs, .hard_add_expires_seconds = s->hard_secs,
	};
}

static void
put_encap(struct nlmsghdr *h, const struct endpoint *from, const struct endpoint *to)
{
	struct xfrm_encap_tmpl e = { .encap_type = UDP_ENCAP_ESPINUDP,
	    .encap_sport = htons(from->port), .encap_dport = htons(to->port) };

	mnl_attr_put(h, XFRMA_ENCAP, sizeof(e), &e);
}

/* A window with a bitmap, and counters that begin with nothing. */
static void
put_bitmap(struct nlmsghdr *h, uint32_t window)
{
	const struct xfrm_replay_state_esn head = { .replay_window = window,
	    .bmp_len = (window + 31) / 32 };
	uint8_t room[sizeof(head) + XFRM_WINDOW_MAX / 8] = { 0 };

	memcpy(room, &head, sizeof(head));
	mnl_attr_put(h, XFRMA_REPLAY_ESN_VAL, sizeof(head) + head.bmp_len * sizeof(uint32_t), room);
}

static enum why
put_window(struct nlmsghdr *h, struct xfrm_usersa_info *sa, const struct sa_spec *spec,
    enum sa_part part, struct str *detail)
{
	uint32_t window = part == SA_PART_IN ? spec->replay_window : 0;

	if (window > XFRM_WINDOW_MAX) {
		str_addf(detail, "a replay window of %u packets: the kernel has at most %u", window,
		    (unsigned)XFRM_WINDOW_MAX);
		return WHY_BACKEND;
	}
	if (spec->suite.esn) {
		sa->flags |= XFRM_STATE_ESN;
		if (window == 0 && part == SA_PART_IN) {
			str_add(detail, "64-bit sequence numbers need a replay window");
			return WHY_BACKEND;
		}
		window = window == 0 ? XFRM_NARROW_WINDOW : window;	/* unused outbound */
	}
	if (spec->suite.esn || window > XFRM_NARROW_WINDOW)
		put_bitmap(h, window);
	else
		sa->replay_window = (uint8_t)window;
	return WHY_NONE;
}

enum why
xfrm_sa_message(void *room, uint16_t type, const struct sa_spec *spec, enum sa_part part,
    struct nlmsghdr **ret, struct str *detail)
{
	struct nlmsghdr *h = xfrm_message(room, type);
	struct xfrm_usersa_info *sa = mnl_nlmsg_put_extra_header(h, sizeof(*sa));
	struct way way = way_of(spec, part);
	enum why why;

	sa->sel = sa_selector(way.from_sel, way.to_sel, spec->flow.protocol);
	put_address(&way.to->addr, &sa->id.daddr);
	put_address(&way.from->addr, &sa->saddr);
	sa->id.spi = htonl(way.half->spi);
	sa->id.proto = IPPROTO_ESP;
	sa->family = family_of(&way.to->addr);
	sa->mode = spec->suite.mode == SA_TRANSPORT ? XFRM_MODE_TRANSPORT : XFRM_MODE_TUNNEL;
	sa->reqid = xfrm_reqid(&spec->flow);
	sa->lft = lifetime(spec);
	if ((why = put_window(h, sa, spec, part, detail)) != WHY_NONE ||
	    (why = put_algorithms(h, spec, way.half, detail)) != WHY_NONE)
		return why;
	if (spec->encap)
		put_encap(h, way.from, way.to);
	*ret = h;
	return WHY_NONE;
}

void
xfrm_sa_lend(struct nlmsghdr *h, uint32_t reqid)
{
	struct xfrm_usersa_info *sa = mnl_nlmsg_get_payload(h);

	sa->reqid = reqid;
	sa->lft.soft_packet_limit = XFRM_LENT_LIMIT;
}

/* ---- what the kernel tells ---- */

/* The name in an algorithm's attribute, which must have room for all of the head. */
static bool
algorithm_head(const struct nlattr *a, size_t head, char name[64], uint32_t *ret_bits)
{
	struct rd r = rd_of(view_of(mnl_attr_get_payload(a), mnl_attr_get_payload_len(a)));
	const uint8_t *p = rd_take(&r, 64);
	const uint8_t *bits = rd_take(&r, sizeof(*ret_bits));

	if (r.bad || mnl_attr_get_payload_len(a) < head)
		return false;
	memcpy(name, p, 64);
	name[63] = '\0';
	memcpy(ret_bits, bits, sizeof(*ret_bits));
	return true;
}

static void
told_cipher(const struct nlattr *a, size_t head, struct xfrm_told *t)
{
	char name[64];
	uint32_t bits;

	if (!algorithm_head(a, head, name, &bits))
		return;
	t->keymat_n += bits / 8;
	t->suite.cipher = UNKNOWN;
	for (size_t i = 0; i < COUNT(ciphers); i++)
		if (strcmp(ciphers[i].name, name) == 0)
			t->suite.cipher = ciphers[i].cipher;
	/* The salt travels behind the key. */
	struct sa_suite s = { .protocol = PROTO_IPSEC_ESP, .cipher = t->suite.cipher,
	    .mode = SA_TUNNEL };
	struct sa_lengths l;
	static const uint8_t with[] = { AUTHALG_NONE, AUTHALG_HMAC_SHA };
	for (uint16_t k = 0; k <= 256; k = (uint16_t)(k == 0 ? 128 : k + 64))
		for (size_t i = 0; i < COUNT(with); i++) {
			s.auth = with[i];
			s.key_bits = k;
			if (sa_suite_lengths(&s, &l) && (l.key + l.salt) * 8 == bits)
				t->suite.key_bits = k;
		}
}

static void
told_auth(const struct nlattr *a, struct xfrm_told *t)
{
	const struct xfrm_algo_auth *alg = mnl_attr_get_payload(a);
	char name[64];
	uint32_t bits;

	if (!algorithm_head(a, sizeof(*alg), name, &bits))
		return;
	t->keymat_n += bits / 8;
	t->suite.auth = UNKNOWN;
	for (size_t i = 0; i < COUNT(auths); i++)
		if (strcmp(auths[i].name, name) == 0 && auths[i].bits == alg->alg_trunc_len)
			t->suite.auth = auths[i].auth;
}

static void
told_encap(const struct nlattr *a, struct xfrm_told *t)
{
	const struct xfrm_encap_tmpl *e = mnl_attr_get_payload(a);

	if (mnl_attr_get_payload_len(a) < sizeof(*e))
		return;
	t->encap = e->encap_type == UDP_ENCAP_ESPINUDP;
	t->from_port = ntohs(e->encap_sport);
	t->to_port = ntohs(e->encap_dport);
}

static void
told_window(const struct nlattr *a, struct xfrm_told *t)
{
	const struct xfrm_replay_state_esn *r = mnl_attr_get_payload(a);

	if (mnl_attr_get_payload_len(a) >= sizeof(*r))
		t->window = r->replay_window;
}

static void
told_attribute(const struct nlattr *a, struct xfrm_told *t)
{
	switch (mnl_attr_get_type(a)) {
	case XFRMA_ALG_CRYPT:
		told_cipher(a, sizeof(struct xfrm_algo), t);
		break;
	case XFRMA_ALG_AEAD:
		told_cipher(a, sizeof(struct xfrm_algo_aead), t);
		break;
	case XFRMA_ALG_AUTH_TRUNC:
		told_auth(a, t);
		break;
	case XFRMA_ENCAP:
		told_encap(a, t);
		break;
	case XFRMA_REPLAY_ESN_VAL:
		told_window(a, t);
		break;
	case XFRMA_LASTUSED:
		if (mnl_attr_get_payload_len(a) >= sizeof(uint64_t))
			t->last_used = mnl_attr_get_u64(a);
		break;
	}
}

/* The body of a message, if it is long enough. */
static const void *
body_of(const struct nlmsghdr *h, size_t n)
{
	return mnl_nlmsg_get_payload_len(h) < n ? NULL : mnl_nlmsg_get_payload(h);
}

void
xfrm_sa_told(const struct nlmsghdr *h, struct xfrm_told *ret)
{
	const struct xfrm_usersa_info *info = body_of(h, sizeof(*info));
	const struct nlattr *a;
	struct xfrm_told t = { .got = true };

	if (info == NULL || h->nlmsg_type != XFRM_MSG_NEWSA)
		return;
	t.info = *info;
	t.window = info->replay_window;
	t.suite.protocol = info->id.proto == IPPROTO_ESP ? PROTO_IPSEC_ESP : UNKNOWN;
	t.suite.mode = info->mode == XFRM_MODE_TUNNEL ? SA_TUNNEL :
	    info->mode == XFRM_MODE_TRANSPORT ? SA_TRANSPORT : UNKNOWN;
	t.suite.esn = (info->flags & XFRM_STATE_ESN) != 0;
	netlink_each(a, h, sizeof(*info))
		told_attribute(a, &t);
	*ret = t;
}

bool
xfrm_sa_is_ours(const struct xfrm_told *t)
{
	return t->got && (xfrm_reqid_is_ours(t->info.reqid) ||
	    t->info.lft.soft_packet_limit == XFRM_LENT_LIMIT);
}

/* The attribute of that type; an empty view: none. */
static struct view
attribute(const struct nlmsghdr *h, uint16_t type)
{
	const struct nlattr *a;

	netlink_each(a, h, sizeof(struct xfrm_usersa_info))
		if (mnl_attr_get_type(a) == type)
			return view_of(mnl_attr_get_payload(a), mnl_attr_get_payload_len(a));
	return view_of(NULL, 0);
}

bool
xfrm_sa_same_key(const struct nlmsghdr *a, const struct nlmsghdr *b)
{
	static const uint16_t types[] = { XFRMA_ALG_CRYPT, XFRMA_ALG_AEAD, XFRMA_ALG_AUTH_TRUNC };
	const struct xfrm_usersa_info *x = body_of(a, sizeof(*x)), *y = body_of(b, sizeof(*y));

	if (x == NULL || y == NULL || x->reqid != y->reqid)
		return false;
	for (size_t i = 0; i < COUNT(types); i++)
		if (!view_equal(attribute(a, types[i]), attribute(b, types[i])))
			return false;
	return true;
}

static bool
selects_all(const struct xfrm_selector *s)
{
	return s->prefixlen_s == 0 && s->prefixlen_d == 0 && s->proto == 0 && s->sport_mask == 0 &&
	    s->dport_mask == 0;
}

static struct flow
told_flow(const struct xfrm_told *t, const struct sa_spec *asked, enum sa_part part)
{
	const struct xfrm_selector *s = &t->info.sel;
	bool in = part == SA_PART_IN;

	/* A range that no prefix says: the policies alone select. */
	if (selects_all(s) && (range_bits(&asked->flow.local.net) < 0 ||
	    range_bits(&asked->flow.remote.net) < 0))
		return asked->flow;
	return (struct flow){ .local = selector_side(s, !in), .remote = selector_side(s, in),
	    .protocol = s->proto };
}

enum why
xfrm_sa_spec(const struct xfrm_told *t, const struct sa_spec *asked, enum sa_part part,
    struct sa_spec *ret)
{
	const struct xfrm_lifetime_cfg *lft = &t->info.lft;
	bool in = part == SA_PART_IN;
	struct endpoint from = { get_address(&t->info.saddr, t->info.family), t->from_port },
	    to = { get_address(&t->info.id.daddr, t->info.family), t->to_port };
	struct sa_spec s = { .id = asked->id, .suite = t->suite, .encap = t->encap,
	    .local = in ? to : from, .remote = in ? from : to, .replay_window = t->window,
	    .soft_secs = (uint32_t)lft->soft_add_expires_seconds,
	    .hard_secs = (uint32_t)lft->hard_add_expires_seconds,
	    .soft_bytes = lft->soft_byte_limit == XFRM_INF ? 0 : lft->soft_byte_limit,
	    .hard_bytes = lft->hard_byte_limit == XFRM_INF ? 0 : lft->hard_byte_limit };
	struct sa_half *half = in ? &s.in : &s.out;

	text_copy(s.name, sizeof(s.name), asked->name);
	s.flow = told_flow(t, asked, part);
	/* 128 bits and "no length given" are the same AES key. */
	if (t->suite.key_bits == 128 && asked->suite.key_bits == 0)
		s.suite.key_bits = 0;
	half->spi = ntohl(t->info.id.spi);
	if (!secret_room(&half->keymat, t->keymat_n))
		return WHY_NO_MEMORY;
	*ret = s;
	return WHY_NONE;
}

/* ---- moving ---- */

/*
 * Sequence numbers go on where they were, a bit further: what was sent while
 * this was under way must not be sent again under the same number (RFC 4106
 * section 3).
 */
enum { SENT_MEANWHILE = 4096 };

static void
move_counter(struct nlmsghdr *h, const struct nlattr *a)
{
	uint8_t room[sizeof(struct xfrm_replay_state_esn) + XFRM_WINDOW_MAX / 8];
	size_t n = mnl_attr_get_payload_len(a);

	if (n > sizeof(room))
		return;
	memcpy(room, mnl_attr_get_payload(a), n);
	if (mnl_attr_get_type(a) == XFRMA_REPLAY_VAL && n >= sizeof(struct xfrm_replay_state)) {
		struct xfrm_replay_state r;
		memcpy(&r, room, sizeof(r));
		r.oseq += SENT_MEANWHILE;
		memcpy(room, &r, sizeof(r));
	} else if (n >= sizeof(struct xfrm_replay_state_esn)) {
		struct xfrm_replay_state_esn r;
		memcpy(&r, room, sizeof(r));
		r.oseq += SENT_MEANWHILE;
		r.oseq_hi += r.oseq < SENT_MEANWHILE;
		memcpy(room, &r, sizeof(r));
	}
	mnl_attr_put(h, mnl_attr_get_type(a), n, room);
}

static uint64_t
rest_of(uint64_t limit, uint64_t used)
{
	return limit == XFRM_INF ? XFRM_INF : limit > used ? limit - used : 1;
}

static uint64_t
seconds_left(uint64_t limit, uint64_t passed)
{
	return limit == 0 ? 0 : limit > passed ? limit - passed : 1;
}

/* It does not become younger by moving. */
static void
move_lifetime(struct xfrm_usersa_info *sa, uint64_t calendar)
{
	uint64_t passed = calendar > sa->curlft.add_time ? calendar - sa->curlft.add_time : 0;

	sa->lft.soft_add_expires_seconds = seconds_left(sa->lft.soft_add_expires_seconds, passed);
	sa->lft.hard_add_expires_seconds = seconds_left(sa->lft.hard_add_expires_seconds, passed);
	sa->lft.soft_byte_limit = rest_of(sa->lft.soft_byte_limit, sa->curlft.bytes);
	sa->lft.hard_byte_limit = rest_of(sa->lft.hard_byte_limit, sa->curlft.bytes);
	memset(&sa->curlft, 0, sizeof(sa->curlft));
	memset(&sa->stats, 0, sizeof(sa->stats));
}

bool
xfrm_sa_moved(void *room, uint16_t type, const struct nlmsghdr *told, const struct endpoint *from,
    const struct endpoint *to, uint64_t calendar, struct nlmsghdr **ret)
{
	const struct xfrm_usersa_info *was = body_of(told, sizeof(*was));
	const struct nlattr *a;

	if (was == NULL || told->nlmsg_len > NETLINK_ROOM / 2 || was->family != family_of(&to->addr) ||
	    was->family != family_of(&from->addr))
		return false;
	struct nlmsghdr *h = xfrm_message(room, type);
	struct xfrm_usersa_info *sa = mnl_nlmsg_put_extra_header(h, sizeof(*sa));
	bool bitmap = false;
	*sa = *was;
	put_address(&to->addr, &sa->id.daddr);
	put_address(&from->addr, &sa->saddr);
	move_lifetime(sa, calendar);
	netlink_each(a, told, sizeof(*was))
		bitmap |= mnl_attr_get_type(a) == XFRMA_REPLAY_ESN_VAL;
	netlink_each(a, told, sizeof(*was)) {
		uint16_t t = mnl_attr_get_type(a);
		if (t == XFRMA_ALG_CRYPT || t == XFRMA_ALG_AUTH_TRUNC || t == XFRMA_ALG_AEAD)
			mnl_attr_put(h, t, mnl_attr_get_payload_len(a), mnl_attr_get_payload(a));
		else if (t == (bitmap ? XFRMA_REPLAY_ESN_VAL : XFRMA_REPLAY_VAL))
			move_counter(h, a);
		else if (t == XFRMA_ENCAP)
			put_encap(h, from, to);
	}
	if (bitmap)
		sa->replay_window = 0;
	*ret = h;
	return true;
}

/* ---- policies ---- */

uint32_t
xfrm_priority(const struct xfrm_selector *s)
{
	unsigned whole = s->family == AF_INET6 ? 128 : 32;

	return 0x10000 + ((whole - s->prefixlen_s) << 11 | (whole - s->prefixlen_d) << 3 |
	    (s->proto != 0 ? 0u : 4u) | (s->sport_mask != 0 ? 0u : 2u) |
	    (s->dport_mask != 0 ? 0u : 1u));
}

/* A gateway hands what it decrypted on through "fwd": so must it be there. */
static size_t
prefix_policies(const struct sa_spec *s, const struct prefix *local, const struct prefix *remote,
    struct xfrm_policy *ret)
{
	struct xfrm_selector in = selector_of(remote, s->flow.remote.port, local,
	    s->flow.local.port, s->flow.protocol);
	size_t n = 0;

	ret[n++] = (struct xfrm_policy){ selector_of(local, s->flow.local.port, remote,
	    s->flow.remote.port, s->flow.protocol), XFRM_POLICY_OUT };
	ret[n++] = (struct xfrm_policy){ in, XFRM_POLICY_IN };
	ret[n++] = (struct xfrm_policy){ in, XFRM_POLICY_FWD };
	return n;
}

size_t
xfrm_flow_policies(const struct sa_spec *s, struct xfrm_policy *ret, size_t most)
{
	struct prefix local[XFRM_OVERLAP_MAX], remote[XFRM_OVERLAP_MAX];
	size_t n_local = range_prefixes(&s->flow.local.net, local, COUNT(local));
	size_t n_remote = range_prefixes(&s->flow.remote.net, remote, COUNT(remote));
	size_t n = 0;

	if (n_local * n_remote * 3 > most)
		return 0;
	for (size_t i = 0; i < n_local; i++)
		for (size_t k = 0; k < n_remote; k++)
			n += prefix_policies(s, &local[i], &remote[k], &ret[n]);
	return n;
}

static struct xfrm_userpolicy_info *
put_policy(struct nlmsghdr *h, const struct xfrm_policy *p, uint32_t priority)
{
	struct xfrm_userpolicy_info *i = mnl_nlmsg_put_extra_header(h, sizeof(*i));

	i->sel = p->sel;
	i->dir = p->dir;
	i->priority = priority;
	i->action = XFRM_POLICY_ALLOW;
	i->share = XFRM_SHARE_ANY;
	i->lft = (struct xfrm_lifetime_cfg){
		.soft_byte_limit = XFRM_INF, .hard_byte_limit = XFRM_INF,
		.soft_packet_limit = XFRM_INF, .hard_packet_limit = XFRM_INF,
	};
	return i;
}

struct nlmsghdr *
xfrm_policy_message(void *room, uint16_t type, const struct xfrm_policy *p,
    const struct sa_spec *spec)
{
	struct nlmsghdr *h = xfrm_message(room, type);
	bool out = p->dir == XFRM_POLICY_OUT;
	struct xfrm_user_tmpl t = { .id.proto = IPPROTO_ESP,
	    .family = family_of(&spec->remote.addr), .reqid = xfrm_reqid(&spec->flow),
	    .mode = spec->suite.mode == SA_TRANSPORT ? XFRM_MODE_TRANSPORT : XFRM_MODE_TUNNEL,
	    .aalgos = UINT32_MAX, .ealgos = UINT32_MAX, .calgos = UINT32_MAX };

	(void)put_policy(h, p, xfrm_priority(&p->sel));
	put_address(out ? &spec->local.addr : &spec->remote.addr, &t.saddr);
	put_address(out ? &spec->remote.addr : &spec->local.addr, &t.id.daddr);
	mnl_attr_put(h, XFRMA_TMPL, sizeof(t), &t);
	return h;
}

struct xfrm_policy
xfrm_neighbour_policy(uint8_t icmp_type, uint8_t dir)
{
	/* The kernel takes an ICMP type for a source port. */
	return (struct xfrm_policy){ .dir = dir, .sel = { .family = AF_INET6,
	    .proto = IPPROTO_ICMPV6, .sport = htons(icmp_type), .sport_mask = 0xffff } };
}

struct nlmsghdr *
xfrm_neighbour_message(void *room, const struct xfrm_policy *p)
{
	struct nlmsghdr *h = xfrm_message(room, XFRM_MSG_NEWPOLICY);

	(void)put_policy(h, p, XFRM_NEIGHBOUR_PRIORITY);
	return h;
}

struct nlmsghdr *
xfrm_policy_named(void *room, uint16_t type, const struct xfrm_policy *p)
{
	struct nlmsghdr *h = xfrm_message(room, type);
	struct xfrm_userpolicy_id *id = mnl_nlmsg_put_extra_header(h, sizeof(*id));

	id->sel = p->sel;
	id->dir = p->dir;
	return h;
}

static bool
templates_ours(const struct nlmsghdr *h, size_t skip)
{
	const struct nlattr *a;

	netlink_each(a, h, skip) {
		const struct xfrm_user_tmpl *t = mnl_attr_get_payload(a);
		if (mnl_attr_get_type(a) == XFRMA_TMPL && mnl_attr_get_payload_len(a) >= sizeof(*t))
			return xfrm_reqid_is_ours(t->reqid);
	}
	return false;
}

bool
xfrm_policy_ours(const struct nlmsghdr *h, struct xfrm_policy *ret)
{
	const struct xfrm_userpolicy_info *i = body_of(h, sizeof(*i));

	if (i == NULL || h->nlmsg_type != XFRM_MSG_NEWPOLICY || i->dir >= XFRM_POLICY_MAX)
		return false;
	/* Policies of sockets, ours and others', are not in this table. */
	if (i->priority == XFRM_NEIGHBOUR_PRIORITY ? i->sel.proto != IPPROTO_ICMPV6 :
	    !templates_ours(h, sizeof(*i)))
		return false;
	*ret = (struct xfrm_policy){ .sel = i->sel, .dir = i->dir };
	return true;
}

void
xfrm_policy_told(const struct nlmsghdr *h, struct xfrm_policy_told *ret)
{
	const struct xfrm_userpolicy_info *i = body_of(h, sizeof(*i));
	struct xfrm_policy_told t = { .got = true };
	const struct nlattr *a;

	if (i == NULL || (h->nlmsg_type != XFRM_MSG_NEWPOLICY &&
	    h->nlmsg_type != XFRM_MSG_UPDPOLICY))
		return;
	t.info = *i;
	netlink_each(a, h, sizeof(*i)) {
		size_t n = mnl_attr_get_payload_len(a);
		if (mnl_attr_get_type(a) != XFRMA_TMPL || n < sizeof(t.first))
			continue;
		memcpy(&t.first, mnl_attr_get_payload(a), sizeof(t.first));
		t.templates = (unsigned)(n / sizeof(t.first));
	}
	*ret = t;
}

static bool
same_number(const char *what, uint32_t want, uint32_t got, struct str *detail)
{
	if (want != got)
		str_addf(detail, "%s: wanted %u, the kernel holds %u", what, want, got);
	return want == got;
}

static bool
same_address(const char *what, const xfrm_address_t *want, const xfrm_address_t *got,
    uint16_t family, struct str *detail)
{
	struct addr w = get_address(want, family), g = get_address(got, family);

	if (addr_equal(&w, &g))
		return true;
	str_addf(detail, "%s: wanted ", what);
	addr_print(detail, &w);
	str_add(detail, ", the kernel holds ");
	addr_print(detail, &g);
	return false;
}

bool
xfrm_policy_same(const struct xfrm_policy_told *want, const struct xfrm_policy_told *got,
    struct str *detail)
{
	const struct xfrm_user_tmpl *w = &want->first, *g = &got->first;

	return same_number("priority", want->info.priority, got->info.priority, detail) &&
	    same_number("action (0 allow, 1 block)", want->info.action, got->info.action, detail) &&
	    same_number("templates", want->templates, got->templates, detail) &&
	    same_number("protocol", w->id.proto, g->id.proto, detail) &&
	    same_number("mode (0 transport, 1 tunnel)", w->mode, g->mode, detail) &&
	    same_number("template optional", w->optional, g->optional, detail) &&
	    same_number("address family", w->family, g->family, detail) &&
	    same_address("source of the tunnel", &w->saddr, &g->saddr, w->family, detail) &&
	    same_address("end of the tunnel", &w->id.daddr, &g->id.daddr, w->family, detail) &&
	    same_number("reqid", w->reqid, g->reqid, detail);
}

static bool
any_or(const xfrm_address_t *told, const struct addr *want, uint16_t family)
{
	struct addr got = get_address(told, family);

	return addr_is_any(&got) || addr_equal(&got, want);
}

static bool
side_within(const struct selector *inner, const struct selector *outer)
{
	return range_within(&inner->net, &outer->net) &&
	    (outer->port == 0 || outer->port == inner->port);
}

bool
xfrm_policy_within(const struct xfrm_policy *p, const struct flow *f)
{
	const struct selector local = selector_side(&p->sel, true),
	    remote = selector_side(&p->sel, false);

	return local.net.first.family == f->local.net.first.family &&
	    side_within(&local, &f->local) && side_within(&remote, &f->remote) &&
	    (f->protocol == 0 || f->protocol == p->sel.proto);
}

bool
xfrm_policy_lends(const struct xfrm_policy_told *t, const struct sa_spec *spec,
    uint32_t *ret_reqid)
{
	const struct xfrm_user_tmpl *tmpl = &t->first;
	bool out = t->info.dir == XFRM_POLICY_OUT;
	uint8_t mode = spec->suite.mode == SA_TRANSPORT ? XFRM_MODE_TRANSPORT : XFRM_MODE_TUNNEL;

	if (!t->got || t->templates != 1 || tmpl->id.proto != IPPROTO_ESP || tmpl->mode != mode ||
	    tmpl->family != family_of(&spec->remote.addr) || xfrm_reqid_is_ours(tmpl->reqid) ||
	    !any_or(out ? &tmpl->saddr : &tmpl->id.daddr, &spec->local.addr, tmpl->family) ||
	    !any_or(out ? &tmpl->id.daddr : &tmpl->saddr, &spec->remote.addr, tmpl->family))
		return false;
	*ret_reqid = tmpl->reqid;
	return true;
}

struct view
xfrm_policy_key(uint8_t room[XFRM_SELECTOR_KEY], const struct xfrm_policy *p)
{
	struct wr w = wr_of(room, XFRM_SELECTOR_KEY);

	wr_u8(&w, p->dir);
	wr_u8(&w, p->sel.family == AF_INET6 ? FAMILY_IP6 : FAMILY_IP4);
	wr_u8(&w, p->sel.proto);
	wr_u8(&w, p->sel.prefixlen_s);
	wr_u8(&w, p->sel.prefixlen_d);
	wr_u16(&w, ntohs(p->sel.sport & p->sel.sport_mask));
	wr_u16(&w, ntohs(p->sel.dport & p->sel.dport_mask));
	wr_bytes(&w, &p->sel.saddr, sizeof(p->sel.saddr));
	wr_bytes(&w, &p->sel.daddr, sizeof(p->sel.daddr));
	return wr_done(&w);
}

/* ---- events ---- */

bool
xfrm_acquire(const struct nlmsghdr *h, struct xfrm_policy *ret_policy, struct flow *ret_packet)
{
	const struct xfrm_user_acquire *a = body_of(h, sizeof(*a));

	if (a == NULL || h->nlmsg_type != XFRM_MSG_ACQUIRE || a->id.proto != IPPROTO_ESP)
		return false;
	*ret_policy = (struct xfrm_policy){ .sel = a->policy.sel, .dir = XFRM_POLICY_OUT };
	*ret_packet = (struct flow){ .local = selector_side(&a->sel, true),
	    .remote = selector_side(&a->sel, false), .protocol = a->sel.proto };
	return true;
}

bool
xfrm_expire(const struct nlmsghdr *h, struct addr *ret_to, uint32_t *ret_spi, bool *ret_hard)
{
	const struct xfrm_user_expire *e = body_of(h, sizeof(*e));

	if (e == NULL || h->nlmsg_type != XFRM_MSG_EXPIRE || !xfrm_reqid_is_ours(e->state.reqid) ||
	    e->state.id.proto != IPPROTO_ESP)
		return false;
	*ret_to = get_address(&e->state.id.daddr, e->state.family);
	*ret_spi = ntohl(e->state.id.spi);
	*ret_hard = e->hard != 0;
	return true;
}

static bool
named(const struct xfrm_usersa_id *id, struct addr *ret_to, uint32_t *ret_spi)
{
	*ret_to = get_address(&id->daddr, id->family);
	*ret_spi = ntohl(id->spi);
	return id->proto == IPPROTO_ESP;
}

bool
xfrm_sa_touched(const struct nlmsghdr *h, struct addr *ret_to, uint32_t *ret_spi)
{
	if (h->nlmsg_type == XFRM_MSG_DELSA) {
		const struct xfrm_usersa_id *id = body_of(h, sizeof(*id));
		return id != NULL && named(id, ret_to, ret_spi);
	}
	const struct xfrm_usersa_info *i = body_of(h, sizeof(*i));
	if (i == NULL || h->nlmsg_type != XFRM_MSG_UPDSA)
		return false;
	const struct xfrm_usersa_id id = { .daddr = i->id.daddr, .spi = i->id.spi,
	    .family = i->family, .proto = i->id.proto };
	return named(&id, ret_to, ret_spi);
}

/* A deleted policy is told whole, in an attribute behind its name. */
static bool
told_policy(const struct nlmsghdr *h, struct xfrm_userpolicy_info *ret)
{
	const struct xfrm_userpolicy_info *i = body_of(h, sizeof(*i));
	const struct nlattr *a;

	if (h->nlmsg_type == XFRM_MSG_UPDPOLICY && i != NULL) {
		*ret = *i;
		return true;
	}
	if (h->nlmsg_type != XFRM_MSG_DELPOLICY ||
	    body_of(h, sizeof(struct xfrm_userpolicy_id)) == NULL)
		return false;
	netlink_each(a, h, sizeof(struct xfrm_userpolicy_id))
		if (mnl_attr_get_type(a) == XFRMA_POLICY &&
		    mnl_attr_get_payload_len(a) >= sizeof(*ret)) {
			memcpy(ret, mnl_attr_get_payload(a), sizeof(*ret));	/* not aligned */
			return true;
		}
	return false;
}

bool
xfrm_policy_touched(const struct nlmsghdr *h, struct xfrm_policy *ret)
{
	struct xfrm_userpolicy_info i;

	if (!told_policy(h, &i) || i.dir >= XFRM_POLICY_MAX)
		return false;
	*ret = (struct xfrm_policy){ .sel = i.sel, .dir = i.dir };
	return true;
}

bool
xfrm_flushed(const struct nlmsghdr *h)
{
	const struct nlattr *a;

	if (h->nlmsg_type == XFRM_MSG_FLUSHSA) {
		const struct xfrm_usersa_flush *f = body_of(h, sizeof(*f));
		return f != NULL && (f->proto == IPPROTO_ESP || f->proto == 0 ||
		    f->proto == IPSEC_PROTO_ANY);
	}
	if (h->nlmsg_type != XFRM_MSG_FLUSHPOLICY)
		return false;
	netlink_each(a, h, 0)
		if (mnl_attr_get_type(a) == XFRMA_POLICY_TYPE &&
		    mnl_attr_get_payload_len(a) >= sizeof(struct xfrm_userpolicy_type)) {
			const struct xfrm_userpolicy_type *t = mnl_attr_get_payload(a);
			return t->type == XFRM_POLICY_TYPE_MAIN;
		}
	return true;
}
