/* "Did you mean": the nearest name of the right sort. */
#include "conf/build.h"
#include "conf/edit.h"
#include "conf/names.h"

bool
may_suggest(struct build *b)
{
	return b->suggestions++ < SUGGESTIONS_MAX;
}

static void
put(const struct nearest *near, struct str *ret)
{
	if (near->best[0] == '\0')
		return;
	str_add(ret, "did you mean \"");
	str_escaped(ret, view_str(near->best));
	str_add(ret, "\"?");
}

void
advise_name(struct view v, struct str *ret)
{
	bool odd = false, quoted = false, blank = false, between = false, comment = false;

	for (size_t i = 0; i < v.n; i++) {
		odd |= v.p[i] >= 0x80;
		quoted |= v.p[i] == '"' || v.p[i] == '\'';
		blank |= v.p[i] == ' ' || v.p[i] == '\t';
		between |= v.p[i] == ';';
		comment |= v.p[i] == '#';	/* conf/store.c speaks of it */
	}
	if (ret->len > 0)
		return;
	if (odd)
		str_add(ret, "it has characters that are not ASCII, such as curly quotation marks or "
		    "a blank that does not break: type it again");
	else if (quoted)
		str_add(ret, "values are written without quotation marks");
	else if ((between || blank) && !comment)
		str_add(ret, "members of a list are separated by commas");
}

struct search {
	struct nearest	 near;
	const char	*last;		/* section seen last */
	const char	*exact;		/* the same but for blanks at the ends */
};

static bool
same_but_blanks(const char *name, struct view wanted)
{
	size_t n = strlen(name);

	while (n > 0 && name[n - 1] == ' ')
		n--;
	for (; n > 0 && *name == ' '; n--)
		name++;
	return n == wanted.n && text_same_n(name, (const char *)wanted.p, n);
}

static bool
try_section(void *self, const struct store_entry *e)
{
	struct search *s = self;

	if (s->last != e->section)
		nearest_try(&s->near, e->section);
	if (s->last != e->section && same_but_blanks(e->section, s->near.wanted))
		s->exact = e->section;
	s->last = e->section;
	return true;
}

static void
try_names(struct nearest *near, bool (*nth)(unsigned, struct str *), size_t cut,
    const char *ending)
{
	STR(name, 96);

	for (unsigned i = 0; nth(i, &name); i++) {
		if (cut > 0) {
			name.len -= cut;
			name.p[name.len] = '\0';
			str_add(&name, ending);
		}
		nearest_try(near, name.p);
		name = str_of(name_room, sizeof(name_room));
	}
}

void
suggest_section(struct build *b, struct view wanted, uint32_t kinds, struct str *ret)
{
	struct search s = { .near = nearest_to(wanted) };

	if (!may_suggest(b))
		return;
	store_each(b->store, try_section, &s);
	if (s.exact != NULL) {
		s.near.distance = 0;
		text_copy(s.near.best, sizeof(s.near.best), s.exact);
	}
	if (s.near.best[0] == '\0' && b->name_searches < NAME_SEARCHES_MAX)
		b->name_searches++;
	else
		kinds = 0;
	if (kinds & KIND_P1_TRANSFORM)
		try_names(&s.near, names_phase1_nth, 0, "");
	if (kinds & KIND_SUITE)
		try_names(&s.near, names_suite_nth, 0, "");
	if (kinds & KIND_PROTOCOL)
		try_names(&s.near, names_suite_nth, strlen("-SUITE"), "");
	if (kinds & KIND_P2_TRANSFORM)
		try_names(&s.near, names_suite_nth, strlen("-SUITE"), "-XF");
	for (unsigned i = 0; names_fixed_nth(i) != NULL; i++)
		nearest_try(&s.near, names_fixed_nth(i));
	put(&s.near, ret);
	advise_name(wanted, ret);
}

void
suggest_constant(struct build *b, struct view wanted, enum registry reg, struct str *ret)
{
	struct nearest near = nearest_to(wanted);

	if (!may_suggest(b))
		return;
	for (unsigned i = 0; reg_nth(reg, i) != NULL; i++)
		nearest_try(&near, reg_nth(reg, i));
	put(&near, ret);
}

void
suggest_of(struct build *b, struct view wanted, const char *const *v, size_t n,
    struct str *ret)
{
	struct nearest near = nearest_to(wanted);

	if (!may_suggest(b))
		return;
	for (size_t i = 0; i < n; i++)
		nearest_try(&near, v[i]);
	put(&near, ret);
}
