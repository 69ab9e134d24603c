/* A configuration from a text, as the tests of conf use it. */
#ifndef TEST_CONF_LOADED_H
#define TEST_CONF_LOADED_H

#include <stdio.h>

#include "prove.h"

#include "base/str.h"
#include "conf/schema.h"

struct loaded {
	struct store	*store;
	struct problems	 problems;
	struct snapshot	*snapshot;
};

/* One interface, "em0", which also has the default route. */
static size_t
machine_addresses(void *self, const char *name, enum family family,
    struct conf_interface_address *ret, size_t most)
{
	static const struct { const char *text; uint8_t bits; } all[] = {
		{ "10.1.2.3", 24 }, { "fe80::1", 64 }, { "2001:db8::3", 64 }, { "10.1.9.9", 16 },
	};
	size_t n = 0;

	(void)self;
	if (strcmp(name, "em0") != 0 && strcmp(name, "default") != 0)
		return 0;
	for (size_t i = 0; i < COUNT(all) && n < most; i++) {
		struct conf_interface_address a = { .bits = all[i].bits };

		assert_true(addr_parse(all[i].text, &a.addr));
		if (strcmp(name, "default") != 0 || a.addr.family == family)
			ret[n++] = a;
	}
	return n;
}

static const struct conf_env machine = { .file = "test.conf", .addresses = machine_addresses };

static inline struct loaded
load_octets(const void *text, size_t n)
{
	struct loaded l = { .store = store_new() };

	assert_non_null(l.store);
	if (store_load(l.store, view_of(text, n), &l.problems))
		l.snapshot = snapshot_build(l.store, &machine, &l.problems);
	return l;
}

static inline struct loaded
load(const char *text)
{
	return load_octets(text, strlen(text));
}

static inline void
loaded_done(struct loaded *l)
{
	snapshot_unref(l->snapshot);
	store_free(l->store);
	problems_done(&l->problems);
}

/* All problems, one per line. */
static inline void
problems_text(const struct problems *p, char *room, size_t cap)
{
	struct str s = str_of(room, cap);

	for (size_t i = 0; i < p->n; i++) {
		problem_print(&s, "test.conf", &p->v[i]);
		str_char(&s, '\n');
	}
}

static inline bool
has_problem(const struct problems *p, const char *part)
{
	static char room[256 * 1024];

	problems_text(p, room, sizeof(room));
	if (strstr(room, part) != NULL)
		return true;
	print_message("wanted \"%s\" in:\n%s", part, room);
	return false;
}

static inline void
print_problems(const struct problems *p)
{
	static char room[256 * 1024];

	problems_text(p, room, sizeof(room));
	print_message("%s", room);
}

#endif
