#include "conf/schema.h"

#include <stdlib.h>

#include "conf/build.h"

/* ---- sections in use ---- */

static bool
name_text(struct view name, char room[STORE_NAME_MAX + 1])
{
	if (name.n > STORE_NAME_MAX)
		return false;
	if (name.n > 0)
		memcpy(room, name.p, name.n);
	room[name.n] = '\0';
	return true;
}

struct sect *
section_mark(struct build *b, struct view name, enum kind kind)
{
	char text[STORE_NAME_MAX + 1];
	struct sect *s = table_get(&b->sections, name);

	if (s == NULL) {
		if (!name_text(name, text) || !store_has_section(b->store, text))
			return NULL;
		s = scratch_room(b, 1, sizeof(*s));
		if (s == NULL || (s->name = keep_text(b, text)) == NULL)
			return NULL;
		s->line = store_section_line(b->store, text);
		if (!table_put(&b->sections, s->name, s)) {
			b->no_memory = true;
			return NULL;
		}
	}
	s->kinds |= (uint32_t)kind;
	return s;
}

/*
 * Tags that a section of a kind cannot do without, or nearly so; a section
 * without that of its own kind, but with another's, was named by mistake.
 */
static const struct { const char *tag; uint32_t kinds; } telling[] = {
	{ "ISAKMP-peer", KIND_CONNECTION },
	{ "Suites", KIND_P2_CONFIG },
	{ "Protocols", KIND_SUITE },
	{ "PROTOCOL_ID", KIND_PROTOCOL },
	{ "ENCRYPTION_ALGORITHM", KIND_P1_TRANSFORM },
	{ "TRANSFORM_ID", KIND_P2_TRANSFORM },
	{ "LIFE_TYPE", KIND_LIFE },
	{ "ID-type", KIND_P1_ID | KIND_P2_ID },
	{ "Transforms", KIND_P1_CONFIG },
	{ "Authentication", KIND_PEER },
};

/* The kinds that the tags of a section tell of. */
static uint32_t
kinds_told(struct build *b, const char *section)
{
	struct value v;
	uint32_t told = 0;

	for (size_t i = 0; i < COUNT(telling); i++)
		if (store_get(b->store, section, telling[i].tag, &v))
			told |= telling[i].kinds;
	/* A protocol has transforms, too. */
	if (told & KIND_PROTOCOL)
		told &= ~(uint32_t)KIND_P1_CONFIG;
	return told;
}

static bool
of_kind(struct build *b, struct ref ref, const char *section, enum kind kind)
{
	struct value v;

	/* Nearly always it has what it must have, and that is one look. */
	for (size_t i = 0; kind != KIND_P1_CONFIG && i < COUNT(telling); i++)
		if ((telling[i].kinds & (uint32_t)kind) &&
		    store_get(b->store, section, telling[i].tag, &v))
			return true;
	uint32_t told = kinds_told(b, section);
	if (told == 0 || (told & (uint32_t)kind))
		return true;
	SHOW(shown, view_str(section));
	STR(is, 40);
	str_add(&is, kind_name(told));
	complain(b, PROBLEM_ERROR, ref, "", "\"%s\" is a section of kind %s; what is wanted here is of "
	    "kind %s", shown.p, is.p, kind_name((uint32_t)kind));
	return false;
}

struct sect *
section_use(struct build *b, struct ref ref, struct view name, enum kind kind)
{
	struct sect *s = table_get(&b->sections, name);

	/* Once a section was used as something, its kind is settled. */
	bool known = s != NULL && (s->kinds & (uint32_t)kind);
	s = section_mark(b, name, kind);
	if (s != NULL && !known && !of_kind(b, ref, s->name, kind)) {
		s->kinds &= ~(uint32_t)kind;
		s->kinds |= kinds_told(b, s->name);
		return NULL;
	}
	if (s != NULL || b->no_memory)
		return s;
	char plain[STORE_NAME_MAX + 1];
	if (name_text(name, plain) && store_header_open(b->store, plain))
		return NULL;
	SHOW(shown, name);
	STR(advice, 160);
	suggest_section(b, name, kind, &advice);
	complain(b, PROBLEM_ERROR, ref, advice.p, "no section \"%s\"", shown.p);
	return NULL;
}

bool
sects_add(struct build *b, struct sects *list, struct sect *s)
{
	if (list->n == list->cap) {
		size_t cap = list->cap == 0 ? 16 : list->cap * 2;
		struct sect **v = realloc(list->v, cap * sizeof(struct sect *));

		if (v == NULL) {
			b->no_memory = true;
			return false;
		}
		list->v = v;
		list->cap = cap;
	}
	list->v[list->n++] = s;
	return true;
}

struct where
where_of(const struct sect *s, uint32_t line)
{
	return (struct where){ s->name, s->line != 0 ? s->line : line };
}

/* ---- by name ---- */

static int
compare(const char *a, const char *b)
{
	for (;; a++, b++) {
		unsigned char x = (unsigned char)*a, y = (unsigned char)*b;

		x = x >= 'A' && x <= 'Z' ? (unsigned char)(x + 32) : x;
		y = y >= 'A' && y <= 'Z' ? (unsigned char)(y + 32) : y;
		if (x != y || x == '\0')
			return x < y ? -1 : x > y;
	}
}

static int
by_peer_name(const void *a, const void *b)
{
	return compare((*(const struct peer *const *)a)->name,
	    (*(const struct peer *const *)b)->name);
}

static int
by_connection_name(const void *a, const void *b)
{
	return compare((*(const struct connection *const *)a)->name,
	    (*(const struct connection *const *)b)->name);
}

static void
sort_names(struct build *b)
{
	struct snapshot *s = b->snap;

	s->peers_by_name = keep_room(b, s->n_peers, sizeof(struct peer *));
	s->connections_by_name = keep_room(b, s->n_connections, sizeof(struct connection *));
	if (b->no_memory)
		return;
	for (size_t i = 0; i < s->n_peers; i++)
		s->peers_by_name[i] = &s->peers[i];
	for (size_t i = 0; i < s->n_connections; i++)
		s->connections_by_name[i] = &s->connections[i];
	if (s->n_peers > 1)
		qsort(s->peers_by_name, s->n_peers, sizeof(struct peer *), by_peer_name);
	if (s->n_connections > 1)
		qsort(s->connections_by_name, s->n_connections, sizeof(struct connection *),
		    by_connection_name);
}

/* ---- all of it ---- */

static void
build_all(struct build *b)
{
	build_general(b);
	build_phase2(b);
	build_phase1(b);
	if (b->no_memory)
		return;
	build_connections(b);
	if (b->no_memory)
		return;
	warn_weak_peers(b);
	check_tags(b);
	sort_names(b);
}

struct snapshot *
snapshot_build(const struct store *store, const struct conf_env *env, struct problems *out)
{
	struct build b = { .store = store, .env = env, .out = out, .arena = arena_new(),
	    .scratch = arena_new() };

	if (b.arena != NULL && b.scratch != NULL)
		b.snap = arena_room(b.arena, sizeof(*b.snap));
	b.no_memory = b.snap == NULL;
	if (!b.no_memory) {
		*b.snap = (struct snapshot){ .refs = 1, .arena = b.arena };
		b.snap->file = keep_text(&b, env->file);
		build_all(&b);
	}
	if (b.no_memory)
		problem_add(out, PROBLEM_ERROR, (struct problem_place){ 0, 0 }, "", "out of memory");
	table_done(&b.sections);
	free(b.peers.v);
	free(b.connections.v);
	arena_free(b.scratch);
	if (out->errors > 0) {
		arena_free(b.arena);
		return NULL;
	}
	return b.snap;
}
