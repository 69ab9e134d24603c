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

void
differ(struct difference *d, const char *field, const char *expected, const char *got)
{
	d->n++;
	if (!d->wordy)
		return;
	join(d->field, sizeof(d->field), field);
	join(d->expected, sizeof(d->expected), expected);
	join(d->got, sizeof(d->got), got);
}

void
differ_name(struct difference *d, enum registry reg, const char *field, int64_t want,
    bool present, uint32_t got)
{
	char room[2][24];

	if (!d->wordy) {
		d->n++;
		return;
	}
	differ(d, field, want < 0 ? "any" : want == 0 ? "none" :
	    reg_text(reg, (uint32_t)want, room[0]),
	    !present ? "no attribute" : got == 0 ? "none" : reg_text(reg, got, room[1]));
}

void
differ_range(struct difference *d, const char *field, const struct accept *a, uint32_t got)
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
	differ(d, field, want.p, have.p);
}

bool
accepts(const struct accept *a, uint32_t v)
{
	return a->any || (v >= a->least && v <= a->most);
}

void
difference_record(struct core *core, const struct difference *d, const struct where *where)
{
	/* Of all these lines, one has two blanks in the original, and people grep for it. */
	bool life = text_same(d->field, "LIFE_DURATION");

	fail_classic(core, "attribute_unacceptable: %s: got %s, %sexpected %s", d->field, d->got,
	    life ? " " : "", d->expected);
	fail_field(core, d->field, where);
	fail_expected(core, "%s", d->expected);
	fail_got(core, "%s", d->got);
}
