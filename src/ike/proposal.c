#include "ike/proposal.h"

/* ---- lifetimes ---- */

bool
life_read(struct life *l, bool is_type, uint32_t value)
{
	if (is_type) {
		l->type = value;
	} else if (l->type == LIFE_SECONDS) {
		l->secs = value;
		l->has_secs = true;
	} else if (l->type == LIFE_KILOBYTES) {
		l->kb = value;
		l->has_kb = true;
	} else {
		return false;
	}
	return true;
}

void
life_write(struct sa_wr *sa, uint16_t type_attr, uint16_t duration_attr, enum life_type type,
    const struct accept *life)
{
	if (!life->present || life->any || life->offer == 0)
		return;
	sa_wr_attribute(sa, type_attr, type);
	sa_wr_attribute(sa, duration_attr, life->offer);
}

bool
life_too_short(const struct life *l, const struct accept *want)
{
	return l->has_secs && want->present && !want->any && l->secs < want->least;
}

/* ---- differences ---- */

/* Joins a text to what stands in the room: "AES_CBC, 128". */
static void
join(char *room, size_t cap, const char *text)
{
	struct str s = { .p = room, .len = strlen(room), .cap = cap };

	if (s.len > 0)
		str_add(&s, ", ");
	str_add(&s, text);
}

struct where
where_in(const struct where *section, uint32_t line)
{
	return (struct where){ section->section, line != 0 ? line : section->line };
}

void
differ(struct difference *d, const char *field, struct where where, const char *expected,
    const char *got)
{
	d->n++;
	if (!d->wordy)
		return;
	if (d->n == 1)
		d->where = where;
	join(d->field, sizeof(d->field), field);
	join(d->expected, sizeof(d->expected), expected);
	join(d->got, sizeof(d->got), got);
}

void
differ_name(struct difference *d, enum registry reg, const char *field, struct where where,
    int64_t want, bool present, uint32_t got)
{
	char room[2][24];

	if (!d->wordy) {
		d->n++;
		return;
	}
	differ(d, field, where, want < 0 ? "any" : want == 0 ? "none" :
	    reg_text(reg, (uint32_t)want, room[0]),
	    !present ? "no attribute" : got == 0 ? "none" : reg_text(reg, got, room[1]));
}

void
differ_range(struct difference *d, const char *field, struct where where,
    const struct accept *a, uint32_t got)
{
	STR(want, 64);
	STR(have, 32);

	if (!d->wordy) {
		d->n++;
		return;
	}
	if (a->least == a->most)
		str_addf(&want, "%u", (unsigned)a->least);
	else
		str_addf(&want, "%u:%u", (unsigned)a->least, (unsigned)a->most);
	str_addf(&have, "%u", (unsigned)got);
	differ(d, field, where, want.p, have.p);
}

void
differ_number(struct difference *d, const char *field, struct where where, uint32_t want,
    uint32_t got)
{
	const struct accept exactly = { .present = true, .least = want, .most = want };

	if (want != got)
		differ_range(d, field, where, &exactly, got);
}

void
differ_strange(struct difference *d, enum registry reg, uint16_t type, bool is_life,
    uint32_t value, struct where where)
{
	STR(have, 40);
	char room[24];

	str_addf(&have, "%u", (unsigned)value);
	differ(d, reg_text(reg, type, room), where, is_life ? "SECONDS or KILOBYTES" :
	    "no such attribute", have.p);
}

bool
accepts(const struct accept *a, uint32_t v)
{
	return a->any || (v >= a->least && v <= a->most);
}

void
difference_record(struct core *core, const struct difference *d)
{
	/* Of all these lines, one has two blanks in the original, and people grep for it. */
	bool life = text_same(d->field, "LIFE_DURATION");
	bool absent = text_same(d->expected, "no attribute") || text_same(d->expected, "none") ||
	    text_same(d->expected, "no such attribute");

	if (absent)
		fail_classic(core, "attribute_unacceptable: attr %s does not exist in %s", d->field,
		    d->where.section);
	else
		fail_classic(core, "attribute_unacceptable: %s: got %s, %sexpected %s", d->field,
		    d->got, life ? " " : "", d->expected);
	fail_field(core, d->field, &d->where);
	fail_expected(core, "%s", d->expected);
	fail_got(core, "%s", d->got);
}

/* ---- SA payloads in which there is nothing to compare ---- */

static void
odd(struct core *core, const char *field, const struct where *where, const char *expected,
    const char *got)
{
	fail_field(core, field, where);
	fail_expected(core, "%s", expected);
	fail_got(core, "%s", got);
}

static void
odd_number(struct core *core, const char *field, const struct where *where, const char *expected,
    uint32_t got)
{
	STR(text, 24);

	str_addf(&text, "%u", (unsigned)got);
	odd(core, field, where, expected, text.p);
}

/* True if something about the transforms was odd, and is in the draft. */
static bool
odd_transform(struct core *core, const struct proposal *p, const struct where *where)
{
	bool phase1 = p->protocol == PROTO_ISAKMP;
	enum registry reg = phase1 ? REG_P1_ATTR : REG_P2_ATTR;
	struct transform t;
	int previous = -1;
	char room[24];

	for (struct view ts = p->transforms; ts.n > 0; previous = t.number) {
		if (transform_next(&ts, previous, &t) != WHY_NONE)
			return false;
		for (struct view more = t.attributes; more.n > 0;) {
			struct attribute a;

			if (attribute_next(&more, &a) != WHY_NONE)
				return false;
			if (reg_name(reg, a.type) != NULL)
				continue;
			odd_number(core, reg_text(reg, a.type, room), where, "no such attribute", a.value);
			return true;
		}
		if (phase1 ? t.id != 1 : reg_name(REG_ESP, t.id) == NULL) {
			odd_number(core, "TRANSFORM_ID", where, phase1 ? "1 (KEY_IKE)" :
			    "a number of RFC 2407 or later", t.id);
			return true;
		}
	}
	return false;
}

static bool
odd_spi(struct core *core, const struct proposal *p, const struct where *where)
{
	struct rd r = rd_of(p->spi);
	uint32_t spi = rd_u32(&r);

	if (p->protocol == PROTO_ISAKMP)
		return false;
	if (!rd_end(&r))
		odd_number(core, "SPI", where, "4 octets", (uint32_t)p->spi.n);
	else if (spi < 0x100)
		odd_number(core, "SPI", where, "256 or more", spi);
	else
		return false;
	return true;
}

static bool
odd_proposal(struct core *core, const struct proposal *p, uint8_t protocol,
    const struct where *where)
{
	char room[2][24];

	if (p->protocol != protocol) {
		odd(core, "PROTOCOL_ID", where, reg_text(REG_PROTOCOL, protocol, room[0]),
		    reg_text(REG_PROTOCOL, p->protocol, room[1]));
		return true;
	}
	return odd_spi(core, p, where) || odd_transform(core, p, where);
}

void
sa_draft(struct core *core, struct view sa_body, uint8_t protocol, bool one,
    const struct where *where)
{
	struct rd r = rd_of(sa_body);
	uint32_t doi = rd_u32(&r), situation = 0;
	struct proposal p;
	int previous = -1;

	situation = rd_u32(&r);
	if (doi != DOI_IPSEC_NUMBER) {
		odd_number(core, "DOI", where, "1 (IPSEC)", doi);
		return;
	}
	if (situation != SIT_IDENTITY_ONLY) {
		odd_number(core, "situation", where, "1 (SIT_IDENTITY_ONLY)", situation);
		return;
	}
	for (struct view more = rd_rest(&r); more.n > 0; previous = p.number) {
		if (proposal_next(&more, previous, &p) != WHY_NONE)
			break;
		if (odd_proposal(core, &p, protocol, where))
			return;
		if (one && more.n > 0) {
			odd(core, "proposals", where, "one", "one and more octets after it");
			return;
		}
	}
	odd(core, "SA", where, "proposals as RFC 2408 writes them", "octets that are none");
}
