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

struct search {
	struct nearest	 near;
	const char	*last;		/* section seen last */
};

static bool
try_section(void *self, const struct store_entry *e)
{
	struct search *s = self;

	if (s->last != e->section)
		nearest_try(&s->near, e->section);
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
