/*
 * Phase 2 proposals: RFC 2407 section 4.5, isakmpd.md 17.  The responder
 * enforces the connection's suites (10.3 Beyond): the first offered transform
 * that equals one of them is chosen.
 */
#include <stdlib.h>

#include "crypto/dh.h"
#include "ike/proposal.h"

struct offer2 {
	uint8_t		proposal, number, id;
	uint32_t	spi;
	uint16_t	group, mode, auth, key_bits;
	bool		has_mode;
	struct life	life;
	bool		strange, strange_life;
	uint16_t	strange_type;
	uint32_t	strange_value;
	struct view	attributes;
};

static MUST_USE enum why
offer2_read(const struct proposal *p, const struct transform *t, struct offer2 *ret)
{
	struct offer2 o = {
		.proposal = p->number, .number = t->number, .id = t->id,
		.attributes = t->attributes,
	};
	struct rd spi = rd_of(p->spi);
	uint32_t seen = 0;

	o.spi = rd_u32(&spi);
	for (struct view more = t->attributes; more.n > 0;) {
		struct attribute a;
		enum why why = attribute_next(&more, &a);

		if (why != WHY_NONE)
			return why;
		bool life = a.type == P2_SA_LIFE_TYPE || a.type == P2_SA_LIFE_DURATION;
		if (!life && a.type < 32) {
			if ((seen & 1u << a.type) != 0)
				return WHY_PROPOSAL_SYNTAX;
			seen |= 1u << a.type;
		}
		if (life ? !life_read(&o.life, a.type == P2_SA_LIFE_TYPE, a.value) :
		    a.value > UINT16_MAX) {
			o.strange = true;
			o.strange_life = life;
			o.strange_type = life ? P2_SA_LIFE_TYPE : a.type;
			o.strange_value = life ? o.life.type : a.value;
			continue;
		}
		switch (a.type) {
		case P2_SA_LIFE_TYPE:
		case P2_SA_LIFE_DURATION:
			break;
		case P2_GROUP_DESCRIPTION:
			o.group = (uint16_t)a.value;
			break;
		case P2_ENCAPSULATION_MODE:
			o.mode = (uint16_t)a.value;
			o.has_mode = true;
			break;
		case P2_AUTHENTICATION_ALGORITHM:
			o.auth = (uint16_t)a.value;
			break;
		case P2_KEY_LENGTH:
			o.key_bits = (uint16_t)a.value;
			break;
		default:
			o.strange = true;
			o.strange_type = a.type;
			o.strange_value = a.value;
			break;
		}
	}
	*ret = o;
	return WHY_NONE;
}

/* ---- comparing with a suite's transform ---- */

static const char *
name_or_none(enum registry reg, uint32_t v, char room[24])
{
	return v == 0 ? "none" : reg_text(reg, v, room);
}

static void
compare_name(struct difference *d, const char *field, struct where where, enum registry reg,
    uint32_t want, uint32_t got)
{
	if (want != got)
		differ_name(d, reg, field, where, want, true, got);
}

/* AES in every mode means 128 bits when no KEY_LENGTH is sent. */
static uint16_t
bits_of(uint8_t esp_id, uint16_t bits)
{
	bool aes = esp_id == ESP_AES || esp_id == ESP_AES_CTR || esp_id == ESP_AES_GCM_16 ||
	    esp_id == ESP_AES_GMAC;

	return bits == 0 && aes ? 128 : bits;
}

static uint32_t
wire_mode(uint8_t mode, bool encap)
{
	if (mode == SA_TRANSPORT)
		return encap ? ENCAP_UDP_ENCAP_TRANSPORT : ENCAP_TRANSPORT;
	return encap ? ENCAP_UDP_ENCAP_TUNNEL : ENCAP_TUNNEL;
}

static struct accept
bits_wanted(const struct p2_transform *t)
{
	uint32_t bits = bits_of(t->transform_id, 0);

	return t->key_bits.present ? t->key_bits : (struct accept){ .least = bits, .most = bits };
}

static struct where
life_where(const struct p2_transform *t)
{
	return t->lines.life.section != NULL ? t->lines.life : t->where;
}

static void
compare(const struct offer2 *o, const struct p2_transform *t, bool encap, struct difference *d)
{
	const struct where *w = &t->where;
	uint32_t bits = bits_of(o->id, o->key_bits);
	struct accept want = bits_wanted(t);

	if (o->strange)
		differ_strange(d, REG_P2_ATTR, o->strange_type, o->strange_life, o->strange_value,
		    o->strange_life ? life_where(t) : *w);
	compare_name(d, "TRANSFORM_ID", where_in(w, t->lines.id), REG_ESP, t->transform_id, o->id);
	/* Of another cipher the key length says nothing. */
	if (o->id == t->transform_id && !accepts(&want, bits))
		differ_range(d, "KEY_LENGTH", where_in(w, t->lines.key_bits), &want, bits);
	compare_name(d, "AUTHENTICATION_ALGORITHM", where_in(w, t->lines.auth), REG_IPSEC_AUTH,
	    t->auth, o->auth);
	compare_name(d, "GROUP_DESCRIPTION", where_in(w, t->lines.group), REG_GROUP, t->group,
	    o->group);
	compare_name(d, "ENCAPSULATION_MODE", where_in(w, t->lines.mode), REG_ENCAP,
	    wire_mode(t->mode, encap), o->has_mode ? o->mode : wire_mode(SA_TRANSPORT, encap));
	if (life_too_short(&o->life, &t->life_secs))
		differ_range(d, "SA_LIFE_DURATION", life_where(t), &t->life_secs, o->life.secs);
}

/* The pair of an offered and a configured transform with the fewest differences. */
struct nearest2 {
	const struct p2_transform *with;	/* NULL: none was compared */
	struct offer2	offer;
	unsigned	n;
};

static void
nearest_keep(struct nearest2 *nearest, const struct offer2 *o, const struct p2_transform *t,
    unsigned n)
{
	if (nearest->with == NULL || n < nearest->n)
		*nearest = (struct nearest2){ t, *o, n };
}

static bool
is_encap(const struct core *core, const struct exchange *x)
{
	const struct isakmp_sa *sa = slab_find(core->isakmp_sas, x->isakmp_sa);

	return sa != NULL && traits_encap(&sa->traits);
}

/* ---- what was chosen ---- */

static uint64_t
smaller(uint64_t a, uint64_t b)
{
	return a == 0 ? b : b == 0 ? a : a < b ? a : b;
}

/* Fills the exchange; false if the algorithm table knows no such tuple. */
static bool
take(struct exchange *x, const struct offer2 *o, const struct p2_transform *t,
    uint32_t replay_window, bool encap)
{
	struct p2 *p2 = x->p2;
	struct sa_lengths len;

	p2->suite = (struct sa_suite){
		.protocol = PROTO_IPSEC_ESP, .cipher = o->id, .auth = (uint8_t)o->auth,
		.mode = t->mode, .key_bits = bits_of(o->id, o->key_bits),
	};
	p2->group = o->group;
	p2->encap = encap;
	p2->spi_out = o->spi;
	p2->replay_window = replay_window;
	p2->life_secs = o->life.secs != 0 ? o->life.secs :
	    x->initiator && t->life_secs.offer != 0 ? t->life_secs.offer : P2_DEFAULT_SECS;
	p2->life_kb = o->life.kb;
	if (!x->initiator && t->life_secs.present && !t->life_secs.any &&
	    p2->life_secs > t->life_secs.most) {
		p2->life_secs = t->life_secs.most;
		p2->shorten = true;
	}
	if (t->life_kb.present && !t->life_kb.any)
		p2->life_kb = smaller(p2->life_kb, t->life_kb.most);
	p2->proposal_number = o->proposal;
	p2->transform_number = o->number;
	return sa_suite_lengths(&p2->suite, &len);
}

/* The first number that several proposals carry, or 0. */
static uint8_t
bundle_in(struct view chain)
{
	int previous = -1;
	struct proposal p;

	for (struct view more = chain; more.n > 0; previous = p.number)
		if (proposal_next(&more, previous, &p) != WHY_NONE)
			return 0;
		else if (p.number == previous)
			return p.number;
	return 0;
}

/* No proposal that could be compared: what is odd about the first. */
static void
record_none(struct core *core, const struct exchange *x, struct view sa_body)
{
	struct sa_body sa;

	fail_classic(core, "message_negotiate_sa: no compatible proposal found");
	if (sa_decode(sa_body, &sa) == WHY_NONE && bundle_in(sa.proposals) != 0) {
		fail_field(core, "PROTOCOL_ID", &x->connection->suites_where);
		fail_expected(core, "ESP by itself");
		fail_got(core, "a bundle of 2 protocols or more");
		return;
	}
	sa_draft(core, sa_body, PROTO_IPSEC_ESP, false, &x->connection->suites_where);
}

static void
record_nearest(struct core *core, const struct exchange *x, const struct nearest2 *nearest,
    bool encap, struct view sa_body)
{
	struct difference d = { .wordy = true };
	char room[24];

	if (nearest->with == NULL) {
		record_none(core, x, sa_body);
		return;
	}
	compare(&nearest->offer, nearest->with, encap, &d);
	if (d.n == 0)
		differ(&d, "TRANSFORM_ID", where_in(&nearest->with->where, nearest->with->lines.id),
		    "an algorithm that this program has", reg_text(REG_ESP, nearest->offer.id, room));
	difference_record(core, &d);
	fail_remedy(core, "make a suite of connection [%s] equal to one of the peer's, on either side",
	    x->connection->name);
}

static const struct p2_transform *
first_transform(const struct connection *c)
{
	for (size_t s = 0; s < c->n_suites; s++)
		if (c->suites[s].n_protocols == 1 && c->suites[s].protocols[0].n_transforms > 0)
			return &c->suites[s].protocols[0].transforms[0];
	return NULL;
}

/* For the answer: the chosen transform goes back as it came. */
static enum why
keep_attributes(struct exchange *x, const struct offer2 *o)
{
	x->p2->attributes = malloc(o->attributes.n);
	if (x->p2->attributes == NULL)
		return WHY_NO_MEMORY;
	memcpy(x->p2->attributes, o->attributes.p, o->attributes.n);
	x->p2->attributes_n = o->attributes.n;
	return WHY_NONE;
}

/* Tries one offered transform against all suites of the connection. */
static bool
match(struct exchange *x, const struct offer2 *o, bool encap, struct nearest2 *nearest)
{
	const struct connection *c = x->connection;

	for (size_t s = 0; s < c->n_suites; s++) {
		if (c->suites[s].n_protocols != 1 ||
		    c->suites[s].protocols[0].protocol != PROTO_IPSEC_ESP)
			continue;
		const struct p2_protocol *pr = &c->suites[s].protocols[0];

		for (size_t i = 0; i < pr->n_transforms; i++) {
			struct difference d = { .wordy = false };

			compare(o, &pr->transforms[i], encap, &d);
			if (d.n == 0 && take(x, o, &pr->transforms[i], pr->replay_window, encap))
				return true;
			nearest_keep(nearest, o, &pr->transforms[i], d.n);
		}
	}
	return false;
}

/*
 * Accept-any-suite: what the connection's first transform would be with the
 * algorithms of the offer; false if the data planes do not know them, or only an
 * opt-in allows them.
 */
static bool
lax(const struct exchange *x, const struct offer2 *o, bool encap, struct p2_transform *ret)
{
	const struct p2_transform *first = first_transform(x->connection);
	const struct sa_suite suite = { .protocol = PROTO_IPSEC_ESP, .cipher = o->id,
	    .auth = (uint8_t)o->auth, .mode = o->mode == wire_mode(SA_TUNNEL, encap) ? SA_TUNNEL :
	    SA_TRANSPORT, .key_bits = bits_of(o->id, o->key_bits) };
	bool weak = o->auth == AUTHALG_HMAC_MD5 || o->group == GROUP_MODP_768;
	struct sa_lengths len;

	if (!x->connection->any_suite || first == NULL || o->strange || o->auth > UINT8_MAX ||
	    (weak && !x->peer->allow_weak) || !sa_suite_lengths(&suite, &len) ||
	    (o->group != GROUP_NONE && dh_public_len(o->group) == 0) ||
	    (o->has_mode && o->mode != wire_mode(suite.mode, encap)))
		return false;
	*ret = *first;
	ret->transform_id = o->id;
	ret->auth = suite.auth;
	ret->mode = suite.mode;
	ret->group = o->group;
	ret->key_bits = (struct accept){ 0 };
	return true;
}

/* The peer's first offer that is not strange, when none equals a suite. */
static enum why
accept_lax(struct exchange *x, const struct offer2 *o, bool encap)
{
	struct p2_transform t;

	if (!lax(x, o, encap, &t) ||
	    !take(x, o, &t, x->connection->suites[0].protocols[0].replay_window, encap))
		return WHY_NO_PROPOSAL;
	return keep_attributes(x, o);
}

/* How many proposals carry this number: a bundle has more than one. */
static unsigned
bundle_size(struct view chain, uint8_t number)
{
	unsigned n = 0;
	int previous = -1;
	struct proposal p;

	while (chain.n > 0 && proposal_next(&chain, previous, &p) == WHY_NONE) {
		n += p.number == number;
		previous = p.number;
	}
	return n;
}

/* The KE payload and the attribute only come together. */
static void
pfs_record(struct core *core, const struct exchange *x, bool have_ke, uint16_t group)
{
	const struct p2_transform *t = first_transform(x->connection);
	const struct where none = x->connection->where;
	const struct where where = t == NULL ? none : where_in(&t->where, t->lines.group);
	char room[2][24];

	fail_classic(core, have_ke ?
	    "responder_recv_HASH_SA_NONCE: KEY_EXCH payload without a group desc. attribute" :
	    "responder_recv_HASH_SA_NONCE: group desc. attribute without a KEY_EXCH payload");
	fail_field(core, have_ke ? "GROUP_DESCRIPTION" : "KEY_EXCH", &where);
	fail_expected(core, "%s, a group and a KEY_EXCH payload or neither",
	    t == NULL ? "none" : name_or_none(REG_GROUP, t->group, room[0]));
	fail_got(core, "group %s and %s KEY_EXCH payload", name_or_none(REG_GROUP, group, room[1]),
	    have_ke ? "a" : "no");
}

uint32_t
p2_first_spi(struct view sa_body)
{
	struct sa_body sa;
	struct proposal p;

	if (sa_decode(sa_body, &sa) != WHY_NONE)
		return 0;
	for (struct view more = sa.proposals; more.n > 0;) {
		if (proposal_next(&more, -1, &p) != WHY_NONE)
			return 0;
		if (p.protocol == PROTO_IPSEC_ESP && p.spi.n == 4) {
			struct rd r = rd_of(p.spi);

			return rd_u32(&r);
		}
	}
	return 0;
}

enum why
p2_choose(struct core *core, struct exchange *x, struct view sa_body, bool have_ke)
{
	struct nearest2 nearest = { 0 };
	struct sa_body sa;
	struct proposal p;
	int previous = -1;
	enum why why = sa_decode(sa_body, &sa);
	bool encap = is_encap(core, x);
	uint16_t pfs = GROUP_NONE;
	bool pfs_differs = false, has_spare = false;
	struct offer2 spare;
	struct p2_transform like;

	if (why == WHY_NONE)
		why = sa_check(&sa);
	for (struct view more = sa.proposals; why == WHY_NONE && more.n > 0;) {
		int last = -1;

		why = proposal_next(&more, previous, &p);
		if (why != WHY_NONE)
			break;
		previous = p.number;
		if (p.protocol != PROTO_IPSEC_ESP || p.spi.n != 4 ||
		    bundle_size(sa.proposals, p.number) != 1)
			continue;
		for (struct view ts = p.transforms; ts.n > 0;) {
			struct transform t;
			struct offer2 o;

			why = transform_next(&ts, last, &t);
			if (why == WHY_NONE)
				why = offer2_read(&p, &t, &o);
			if (why != WHY_NONE)
				return why;
			last = t.number;
			if (o.spi < 0x100)
				continue;
			if ((o.group != GROUP_NONE) != have_ke) {
				pfs_differs = true;
				pfs = o.group;
				continue;
			}
			if (match(x, &o, encap, &nearest))
				return keep_attributes(x, &o);
			if (!has_spare && lax(x, &o, encap, &like)) {
				has_spare = true;
				spare = o;
			}
		}
	}
	if (why != WHY_NONE) {
		record_none(core, x, sa_body);
		return why;
	}
	if (has_spare)
		return accept_lax(x, &spare, encap);
	if (nearest.with == NULL && pfs_differs) {
		pfs_record(core, x, have_ke, pfs);
		return WHY_PFS;
	}
	record_nearest(core, x, &nearest, encap, sa_body);
	return WHY_NO_PROPOSAL;
}

/* ---- offering ---- */

static void
transform_write(struct sa_wr *sa, uint8_t number, const struct p2_transform *t, bool encap)
{
	sa_wr_transform(sa, number, t->transform_id);
	life_write(sa, P2_SA_LIFE_TYPE, P2_SA_LIFE_DURATION, LIFE_SECONDS, &t->life_secs);
	life_write(sa, P2_SA_LIFE_TYPE, P2_SA_LIFE_DURATION, LIFE_KILOBYTES, &t->life_kb);
	sa_wr_attribute(sa, P2_ENCAPSULATION_MODE, wire_mode(t->mode, encap));
	if (t->auth != AUTHALG_NONE)
		sa_wr_attribute(sa, P2_AUTHENTICATION_ALGORITHM, t->auth);
	if (t->group != GROUP_NONE)
		sa_wr_attribute(sa, P2_GROUP_DESCRIPTION, t->group);
	uint32_t bits = t->key_bits.present && !t->key_bits.any ? t->key_bits.offer :
	    bits_of(t->transform_id, 0);
	if (bits != 0)
		sa_wr_attribute(sa, P2_KEY_LENGTH, bits);
}

/* What of a transform can be offered at all, in this quick mode's group. */
static bool
offerable2(const struct p2_transform *t, uint16_t group)
{
	const struct sa_suite suite = {
		.protocol = PROTO_IPSEC_ESP, .cipher = t->transform_id, .auth = t->auth,
		.mode = t->mode, .key_bits = (uint16_t)(t->key_bits.present && !t->key_bits.any ?
		    t->key_bits.offer : bits_of(t->transform_id, 0)),
	};
	struct sa_lengths len;

	return t->group == group && sa_suite_lengths(&suite, &len);
}

enum why
p2_offer(struct core *core, struct exchange *x, struct msg_wr *m)
{
	const struct connection *c = x->connection;
	struct pl_mark k = msg_open(m, PL_SA);
	struct sa_wr sa = sa_wr_begin(m);
	uint8_t spi[4], number = 0;
	struct wr w = wr_of(spi, sizeof(spi));

	wr_u32(&w, x->p2->spi_in);
	for (size_t s = 0; s < c->n_suites && number < UINT8_MAX; s++) {
		const struct p2_protocol *pr = c->suites[s].protocols;
		uint8_t transforms = 0;

		if (c->suites[s].n_protocols != 1 || pr->protocol != PROTO_IPSEC_ESP)
			continue;
		for (size_t i = 0; i < pr->n_transforms && transforms < UINT8_MAX; i++) {
			if (!offerable2(&pr->transforms[i], x->p2->group))
				continue;
			if (transforms == 0)
				sa_wr_proposal(&sa, ++number, PROTO_IPSEC_ESP, wr_done(&w));
			transform_write(&sa, ++transforms, &pr->transforms[i], x->p2->encap);
		}
	}
	sa_wr_end(&sa);
	msg_close(m, k);
	if (number == 0) {
		fail_field(core, "Suites", &c->where);
		return WHY_CONFIG;
	}
	return WHY_NONE;
}

/* ---- checking the answer ---- */

/* Does the answer equal an offer of ours?  Field by field, by our own suites. */
static bool
was_offered(struct exchange *x, const struct offer2 *o, struct nearest2 *nearest)
{
	const struct connection *c = x->connection;

	for (size_t s = 0; s < c->n_suites; s++) {
		const struct p2_protocol *pr = c->suites[s].protocols;

		if (c->suites[s].n_protocols != 1 || pr->protocol != PROTO_IPSEC_ESP)
			continue;
		for (size_t i = 0; i < pr->n_transforms; i++) {
			const struct p2_transform *t = &pr->transforms[i];
			uint32_t bits = t->key_bits.present && !t->key_bits.any ?
			    t->key_bits.offer : bits_of(t->transform_id, 0);

			if (offerable2(t, x->p2->group) && !o->strange && o->id == t->transform_id &&
			    o->auth == t->auth && o->group == t->group && o->has_mode &&
			    o->mode == wire_mode(t->mode, x->p2->encap) &&
			    bits_of(o->id, o->key_bits) == bits &&
			    (!o->life.has_secs || !t->life_secs.present || t->life_secs.any ||
			    o->life.secs <= t->life_secs.offer) &&
			    take(x, o, t, pr->replay_window, x->p2->encap))
				return true;
			struct difference d = { .wordy = false };

			compare(o, t, x->p2->encap, &d);
			nearest_keep(nearest, o, t, d.n);
		}
	}
	return false;
}

/* We would accept it if it were offered to us; but the choice is to equal an offer. */
static void
choice_record(struct core *core, const struct offer2 *o, const struct p2_transform *t,
    const struct exchange *x)
{
	struct difference d = { .wordy = true };

	if (t == NULL) {
		fail_field(core, "SA", &x->connection->suites_where);
		fail_expected(core, "one of our suites");
		fail_got(core, "another one");
		return;
	}
	differ_number(&d, "KEY_LENGTH", where_in(&t->where, t->lines.key_bits),
	    t->key_bits.present && !t->key_bits.any ? t->key_bits.offer :
	    bits_of(t->transform_id, 0), bits_of(o->id, o->key_bits));
	differ_number(&d, "SA_LIFE_DURATION", life_where(t), t->life_secs.offer, o->life.secs);
	if (!o->has_mode)
		differ(&d, "ENCAPSULATION_MODE", where_in(&t->where, t->lines.mode), "the one offered",
		    "none");
	difference_record(core, &d);
	fail_remedy(core, "the peer must choose a transform as it was offered: give both sides the "
	    "same KEY_LENGTH and LIFE_DURATION");
}

enum why
p2_check_choice(struct core *core, struct exchange *x, struct view sa_body, bool have_ke)
{
	struct sa_body sa;
	struct proposal p;
	struct transform t;
	struct offer2 o;
	char room[2][24];
	enum why why = sa_decode(sa_body, &sa);

	if (why == WHY_NONE)
		why = sa_check(&sa);
	struct view more = sa.proposals;
	if (why == WHY_NONE)
		why = proposal_next(&more, -1, &p);
	if (why == WHY_NONE && (more.n > 0 || p.protocol != PROTO_IPSEC_ESP || p.spi.n != 4))
		why = WHY_PROPOSAL_SYNTAX;
	if (why != WHY_NONE) {
		sa_draft(core, sa_body, PROTO_IPSEC_ESP, true, &x->connection->suites_where);
		return why;
	}
	more = p.transforms;
	why = transform_next(&more, -1, &t);
	if (why == WHY_NONE)
		why = offer2_read(&p, &t, &o);
	if (why != WHY_NONE)
		return why;
	if (more.n > 0) {
		fail_field(core, "transforms", &x->connection->suites_where);
		fail_expected(core, "one, the chosen one");
		fail_got(core, "%u", (unsigned)p.n_transforms);
		return WHY_PROPOSAL_SYNTAX;
	}
	if (have_ke != (x->p2->group != GROUP_NONE)) {
		fail_classic(core, "initiator_recv_HASH_SA_NONCE: disagreement on PFS");
		const struct p2_transform *first = first_transform(x->connection);
		const struct where at = first == NULL ? x->connection->suites_where :
		    where_in(&first->where, first->lines.group);

		fail_field(core, "KEY_EXCH", &at);
		fail_expected(core, "%s", name_or_none(REG_GROUP, x->p2->group, room[0]));
		fail_got(core, "%s", have_ke ? "a KE payload" : "no KE payload");
		return WHY_PFS;
	}
	struct nearest2 nearest = { 0 };
	if (o.spi >= 0x100 && was_offered(x, &o, &nearest))
		return WHY_NONE;
	if (nearest.with != NULL && nearest.n > 0) {
		record_nearest(core, x, &nearest, x->p2->encap, sa_body);
		return WHY_CHOICE;
	}
	if (o.spi < 0x100) {
		sa_draft(core, sa_body, PROTO_IPSEC_ESP, true, &x->connection->suites_where);
		return WHY_CHOICE;
	}
	choice_record(core, &o, nearest.with, x);
	return WHY_CHOICE;
}
