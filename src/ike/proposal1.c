/*
 * Phase 1 proposals: offering, choosing, and checking the choice.
 * RFC 2409 section 5 and appendix A; isakmpd.md 14.2.
 *
 * When nothing matches, the record compares the peer's transforms with the
 * *nearest* configured one, attribute by attribute, and says every difference.
 */
#include <stdlib.h>

#include "crypto/dh.h"
#include "crypto/sign.h"
#include "ike/proposal.h"

/* The attributes of one offered transform; `seen` has a bit per attribute type. */
struct offer {
	uint8_t		number;
	uint32_t	seen;
	uint32_t	value[P1_BLOCK_SIZE + 1];
	struct life	life;
	struct view	attributes;
	bool		strange;	/* an attribute we do not implement */
	bool		strange_life;	/* or a life type that is none */
	uint16_t	strange_type;
	uint32_t	strange_value;
};

static MUST_USE enum why
offer_read(const struct transform *t, struct offer *ret)
{
	struct offer o = { .number = t->number, .attributes = t->attributes };
	struct view more = t->attributes;

	while (more.n > 0) {
		struct attribute a;
		enum why why = attribute_next(&more, &a);

		if (why != WHY_NONE)
			return why;
		switch (a.type) {
		case P1_LIFE_TYPE:
		case P1_LIFE_DURATION:
			if (!life_read(&o.life, a.type == P1_LIFE_TYPE, a.value)) {
				o.strange = o.strange_life = true;
				o.strange_type = P1_LIFE_TYPE;
				o.strange_value = o.life.type;
			}
			break;
		case P1_ENCRYPTION_ALGORITHM:
		case P1_HASH_ALGORITHM:
		case P1_AUTHENTICATION_METHOD:
		case P1_GROUP_DESCRIPTION:
		case P1_KEY_LENGTH:
			if ((o.seen & 1u << a.type) != 0)
				return WHY_PROPOSAL_SYNTAX;
			o.seen |= 1u << a.type;
			o.value[a.type] = a.value;
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

/* ---- comparing ---- */

/* False if it differs. */
static bool
compare_number(struct difference *d, const struct offer *o, enum p1_attr type,
    enum registry reg, struct where where, int32_t want)
{
	bool present = (o->seen & 1u << type) != 0;

	if (present && (want == CONF_ANY || (uint32_t)want == o->value[type]))
		return true;
	differ_name(d, reg, reg_name(REG_P1_ATTR, type), where, want == CONF_ANY ? -1 : want,
	    present, o->value[type]);
	return false;
}

/* AES without KEY_LENGTH means 128 bits (14.2 Beyond). */
static uint32_t
offered_bits(const struct offer *o)
{
	if ((o->seen & 1u << P1_KEY_LENGTH) != 0)
		return o->value[P1_KEY_LENGTH];
	return o->value[P1_ENCRYPTION_ALGORITHM] == CIPHER_AES_CBC ? 128 : 0;
}

static bool
auth_available(uint32_t method)
{
	return method == AUTH_PRE_SHARED || (method <= UINT8_MAX && sign_method((uint8_t)method));
}

static bool
implementable(const struct offer *o)
{
	return cipher_key_len((uint8_t)o->value[P1_ENCRYPTION_ALGORITHM], offered_bits(o)) != 0 &&
	    o->value[P1_ENCRYPTION_ALGORITHM] <= UINT8_MAX &&
	    o->value[P1_HASH_ALGORITHM] <= UINT8_MAX &&
	    hash_len((uint8_t)o->value[P1_HASH_ALGORITHM]) != 0 &&
	    o->value[P1_GROUP_DESCRIPTION] <= UINT16_MAX &&
	    dh_public_len((uint16_t)o->value[P1_GROUP_DESCRIPTION]) != 0 &&
	    auth_available(o->value[P1_AUTHENTICATION_METHOD]);
}

/* ANY accepts it, and we cannot do it. */
static void
compare_ability(struct difference *d, const struct offer *o, struct where where)
{
	char room[4][24];
	STR(got, 120);

	if (d->n > 0 || implementable(o))
		return;
	str_addf(&got, "%s-%u %s %s %s",
	    reg_text(REG_CIPHER, o->value[P1_ENCRYPTION_ALGORITHM], room[0]),
	    (unsigned)offered_bits(o), reg_text(REG_HASH, o->value[P1_HASH_ALGORITHM], room[1]),
	    reg_text(REG_AUTH_METHOD, o->value[P1_AUTHENTICATION_METHOD], room[2]),
	    reg_text(REG_GROUP, o->value[P1_GROUP_DESCRIPTION], room[3]));
	differ(d, "Transforms", where, "algorithms that this program has", got.p);
}

static void
compare_bits(const struct offer *o, const struct p1_transform *t, struct difference *d)
{
	const struct where where = where_in(&t->where, t->lines.key_bits);
	uint32_t bits = offered_bits(o);

	if (t->key_bits.present) {
		if (!accepts(&t->key_bits, bits))
			differ_range(d, "KEY_LENGTH", where, &t->key_bits, bits);
	} else if ((o->seen & 1u << P1_KEY_LENGTH) != 0 && t->cipher != CONF_ANY &&
	    !(t->cipher == CIPHER_AES_CBC && bits == 128)) {
		STR(have, 32);

		str_addf(&have, "%u", (unsigned)bits);
		differ(d, "KEY_LENGTH", where, t->cipher == CIPHER_AES_CBC ? "128" : "no attribute",
		    have.p);
	}
}

static struct where
life_where(const struct p1_transform *t)
{
	return t->lines.life.section != NULL ? t->lines.life : t->where;
}

static void
compare(const struct offer *o, const struct p1_transform *t, struct difference *d)
{
	const struct p1_lines *l = &t->lines;

	if (o->strange)
		differ_strange(d, REG_P1_ATTR, o->strange_type, o->strange_life, o->strange_value,
		    o->strange_life ? life_where(t) : t->where);
	/* Of another cipher the key length says nothing. */
	if (compare_number(d, o, P1_ENCRYPTION_ALGORITHM, REG_CIPHER, where_in(&t->where, l->cipher),
	    t->cipher))
		compare_bits(o, t, d);
	(void)compare_number(d, o, P1_HASH_ALGORITHM, REG_HASH, where_in(&t->where, l->hash), t->hash);
	(void)compare_number(d, o, P1_AUTHENTICATION_METHOD, REG_AUTH_METHOD,
	    where_in(&t->where, l->auth), t->auth);
	(void)compare_number(d, o, P1_GROUP_DESCRIPTION, REG_GROUP, where_in(&t->where, l->group),
	    t->group);
	if (life_too_short(&o->life, &t->life_secs))	/* 14.2 Beyond */
		differ_range(d, "LIFE_DURATION", life_where(t), &t->life_secs, o->life.secs);
	compare_ability(d, o, t->where);
}

/* The pair of an offered and a configured transform with the fewest differences. */
struct nearest {
	const struct p1_transform *with;	/* NULL: none was compared */
	struct offer	offer;
	unsigned	n;
};

/* The configured transform that this offer equals, or NULL; keeps the nearest. */
static const struct p1_transform *
match(const struct peer *peer, const struct offer *o, struct nearest *nearest)
{
	for (size_t i = 0; i < peer->n_transforms; i++) {
		struct difference d = { .wordy = false };

		compare(o, &peer->transforms[i], &d);
		if (d.n == 0)
			return &peer->transforms[i];
		if (nearest->with == NULL || d.n < nearest->n)
			*nearest = (struct nearest){ &peer->transforms[i], *o, d.n };
	}
	return NULL;
}

static void
remedy_transforms(struct core *core, const struct exchange *x)
{
	fail_remedy(core, "make a transform of [%s] (Transforms) equal to one of the peer's, on either side",
	    x->peer->configuration != NULL ? x->peer->configuration : x->peer->name);
}

static void
record_nearest(struct core *core, const struct exchange *x, const struct nearest *nearest)
{
	struct difference d = { .wordy = true };

	if (nearest->with == NULL) {
		fail_classic(core, "message_negotiate_sa: no compatible proposal found");
		return;
	}
	compare(&nearest->offer, nearest->with, &d);
	difference_record(core, &d);
	remedy_transforms(core, x);
}

/* ---- responder ---- */

static uint32_t
least_nonzero(uint32_t a, uint32_t b)
{
	return a == 0 ? b : b == 0 ? a : a < b ? a : b;
}

static void
params_set(struct p1_params *p, const struct offer *o, const struct p1_transform *t)
{
	*p = (struct p1_params){
		.cipher = (uint8_t)o->value[P1_ENCRYPTION_ALGORITHM],
		.hash = (uint8_t)o->value[P1_HASH_ALGORITHM],
		.auth = (uint8_t)o->value[P1_AUTHENTICATION_METHOD],
		.group = (uint16_t)o->value[P1_GROUP_DESCRIPTION],
		.key_bits = (uint16_t)offered_bits(o),
		.life_secs = o->life.has_secs ? o->life.secs : P1_DEFAULT_SECS,
		.life_kb = o->life.kb,
	};
	if (t->life_secs.present && !t->life_secs.any)
		p->life_secs = least_nonzero(p->life_secs, t->life_secs.most);
	if (p->life_secs == 0)
		p->life_secs = P1_DEFAULT_SECS;
}

/* Keeps what message 2 must echo. */
static enum why
chosen_keep(struct exchange *x, const struct proposal *p, const struct offer *o,
    const struct p1_transform *t)
{
	struct p1 *p1 = x->p1;

	if (p->spi.n > sizeof(p1->chosen_spi))
		return WHY_SPI_LEN;
	p1->chosen_attributes = malloc(o->attributes.n);
	if (p1->chosen_attributes == NULL)
		return WHY_NO_MEMORY;
	memcpy(p1->chosen_attributes, o->attributes.p, o->attributes.n);
	p1->chosen_attributes_n = o->attributes.n;
	p1->chosen_proposal = p->number;
	p1->chosen_transform = o->number;
	if (p->spi.n > 0)
		memcpy(p1->chosen_spi, p->spi.p, p->spi.n);
	p1->chosen_spi_n = p->spi.n;
	params_set(&p1->params, o, t);
	return WHY_NONE;
}

static enum why
sa_one_proposal(struct view sa_body, struct proposal *ret)
{
	struct sa_body sa;
	enum why why = sa_decode(sa_body, &sa);

	if (why == WHY_NONE)
		why = sa_check(&sa);
	if (why != WHY_NONE)
		return why;
	struct view more = sa.proposals;
	why = proposal_next(&more, -1, ret);
	if (why != WHY_NONE)
		return why;
	if (more.n > 0 || ret->protocol != PROTO_ISAKMP)
		return WHY_PROPOSAL_SYNTAX;
	return WHY_NONE;
}

enum why
p1_choose(struct core *core, struct exchange *x, struct view sa_body)
{
	struct nearest nearest = { 0 };
	struct proposal p;
	int previous = -1;
	enum why why;

	if (sa_body.n > SA_BODY_MAX)
		return WHY_PROPOSAL_SYNTAX;
	memcpy(x->p1->sa_body, sa_body.p, sa_body.n);
	x->p1->sa_body_n = sa_body.n;
	why = sa_one_proposal(sa_body, &p);
	if (why != WHY_NONE) {
		sa_draft(core, sa_body, PROTO_ISAKMP, true, &x->peer->transforms_where);
		return why;
	}
	for (struct view more = p.transforms; more.n > 0;) {
		struct transform t;
		struct offer o;

		why = transform_next(&more, previous, &t);
		if (why == WHY_NONE)
			why = offer_read(&t, &o);
		if (why != WHY_NONE)
			return why;
		previous = t.number;
		const struct p1_transform *with = match(x->peer, &o, &nearest);
		if (with != NULL)
			return chosen_keep(x, &p, &o, with);
	}
	record_nearest(core, x, &nearest);
	return WHY_NO_PROPOSAL;
}

/* ---- initiator ---- */

static bool
offerable(const struct p1_transform *t)
{
	return t->cipher != CONF_ANY && t->hash != CONF_ANY && t->auth != CONF_ANY &&
	    auth_available((uint32_t)t->auth) && t->group != CONF_ANY && !t->key_bits.any &&
	    cipher_key_len((uint8_t)t->cipher, t->key_bits.present ? t->key_bits.offer : 0) != 0 &&
	    hash_len((uint8_t)t->hash) != 0 && dh_public_len((uint16_t)t->group) != 0;
}

enum why
p1_offer(struct core *core, struct exchange *x, struct msg_wr *m)
{
	struct pl_mark k = msg_open(m, PL_SA);
	struct sa_wr sa = sa_wr_begin(m);
	size_t body_at = HEADER_LEN + 4;
	uint8_t number = 0;

	sa_wr_proposal(&sa, 1, PROTO_ISAKMP, (struct view){ 0 });
	for (size_t i = 0; i < x->peer->n_transforms && number < UINT8_MAX; i++) {
		const struct p1_transform *t = &x->peer->transforms[i];

		if (!offerable(t)) {
			tell(core, CLASS_NEGOTIATION, 10,
			    "ike_phase_1_initiator_send_SA: section [%s] has unsupported attribute(s)",
			    t->where.section);
			continue;
		}
		sa_wr_transform(&sa, number++, 1);
		sa_wr_attribute(&sa, P1_ENCRYPTION_ALGORITHM, (uint32_t)t->cipher);
		sa_wr_attribute(&sa, P1_HASH_ALGORITHM, (uint32_t)t->hash);
		sa_wr_attribute(&sa, P1_AUTHENTICATION_METHOD, (uint32_t)t->auth);
		sa_wr_attribute(&sa, P1_GROUP_DESCRIPTION, (uint32_t)t->group);
		life_write(&sa, P1_LIFE_TYPE, P1_LIFE_DURATION, LIFE_SECONDS, &t->life_secs);
		life_write(&sa, P1_LIFE_TYPE, P1_LIFE_DURATION, LIFE_KILOBYTES, &t->life_kb);
		if (t->key_bits.present)
			sa_wr_attribute(&sa, P1_KEY_LENGTH, t->key_bits.offer);
		else if (t->cipher == CIPHER_AES_CBC)
			sa_wr_attribute(&sa, P1_KEY_LENGTH, 128);
	}
	sa_wr_end(&sa);
	msg_close(m, k);
	if (number == 0) {
		fail_classic(core, "ike_phase_1_initiator_send_SA: section [%s] has unsupported attribute(s)",
		    x->peer->configuration != NULL ? x->peer->configuration : x->peer->name);
		fail_field(core, "Transforms", &x->peer->where);
		return WHY_CONFIG;
	}
	if (m->w.bad || m->w.len - body_at > SA_BODY_MAX) {
		fail_field(core, "Transforms", &x->peer->where);
		fail_expected(core, "transforms of together at most %d octets", SA_BODY_MAX);
		return WHY_CONFIG;
	}
	/* SAi_b: what the hashes cover, without the generic header. */
	x->p1->sa_body_n = m->w.len - body_at;
	memcpy(x->p1->sa_body, m->w.base + body_at, x->p1->sa_body_n);
	return WHY_NONE;
}

static bool
same_offer(const struct offer *a, const struct offer *b)
{
	if (a->strange || b->strange || a->life.has_secs != b->life.has_secs ||
	    a->life.has_kb != b->life.has_kb || a->life.secs != b->life.secs ||
	    a->life.kb != b->life.kb ||
	    offered_bits(a) != offered_bits(b))
		return false;
	for (unsigned i = P1_ENCRYPTION_ALGORITHM; i <= P1_GROUP_DESCRIPTION; i++)
		if (a->value[i] != b->value[i])
			return false;
	return true;
}

/* Some peers renumber: any offered transform with equal values will do. */
static bool
was_offered(const struct exchange *x, const struct offer *got)
{
	struct proposal p;
	int previous = -1;

	if (sa_one_proposal(view_of(x->p1->sa_body, x->p1->sa_body_n), &p) != WHY_NONE)
		return false;
	for (struct view more = p.transforms; more.n > 0;) {
		struct transform t;
		struct offer ours;

		if (transform_next(&more, previous, &t) != WHY_NONE ||
		    offer_read(&t, &ours) != WHY_NONE)
			return false;
		previous = t.number;
		if (same_offer(got, &ours))
			return true;
	}
	return false;
}

enum why
p1_check_choice(struct core *core, struct exchange *x, struct view sa_body)
{
	const struct p1_transform unlimited = { 0 }, *near;
	struct difference d = { .wordy = true };
	struct nearest nearest = { 0 };
	struct proposal p;
	struct transform t;
	struct offer got;
	enum why why = sa_one_proposal(sa_body, &p);

	if (why != WHY_NONE) {
		sa_draft(core, sa_body, PROTO_ISAKMP, true, &x->peer->transforms_where);
		return why;
	}
	struct view more = p.transforms;
	why = transform_next(&more, -1, &t);
	if (why == WHY_NONE)
		why = offer_read(&t, &got);
	if (why != WHY_NONE)
		return why;
	if (more.n > 0) {
		sa_draft(core, sa_body, PROTO_ISAKMP, true, &x->peer->transforms_where);
		fail_field(core, "transforms", &x->peer->transforms_where);
		fail_expected(core, "one, the chosen one");
		fail_got(core, "%u", (unsigned)p.n_transforms);
		return WHY_PROPOSAL_SYNTAX;
	}
	if (was_offered(x, &got)) {
		params_set(&x->p1->params, &got, &unlimited);
		return WHY_NONE;
	}
	near = match(x->peer, &got, &nearest);
	if (near == NULL) {
		record_nearest(core, x, &nearest);
		return WHY_CHOICE;
	}
	/* We would accept it if it were offered to us; but the choice is to equal an offer. */
	differ_number(&d, "KEY_LENGTH", where_in(&near->where, near->lines.key_bits),
	    near->key_bits.present ? near->key_bits.offer : offered_bits(&got), offered_bits(&got));
	differ_number(&d, "LIFE_DURATION", life_where(near), near->life_secs.offer, got.life.secs);
	differ_number(&d, "LIFE_DURATION (KILOBYTES)", life_where(near), near->life_kb.offer, got.life.kb);
	difference_record(core, &d);
	fail_remedy(core, "the peer must choose a transform as it was offered: give both sides the "
	    "same KEY_LENGTH and LIFE_DURATION");
	return WHY_CHOICE;
}
