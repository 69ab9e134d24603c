/*
 * Any octets as isakmpd.conf: the store, the schema and the redactor.  What
 * must hold: no secret survives redaction, and the redacted text reads as the
 * same bindings.
 */
#include <assert.h>
#include <stdlib.h>

#include "conf/redact.h"
#include "conf/schema.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static size_t
addresses(void *self, const char *name, enum family family,
    struct conf_interface_address *ret, size_t most)
{
	(void)self;
	if (strcmp(name, "em0") != 0 || most < 1)
		return 0;
	ret[0] = (struct conf_interface_address){ .bits = 24 };
	return addr_parse(family == FAMILY_IP6 ? "2001:db8::1" : "10.0.0.1", &ret[0].addr) ? 1 : 0;
}

struct tally { size_t bindings, octets, hash; };

static bool
count(void *self, const struct store_entry *e)
{
	struct tally *t = self;

	t->bindings++;
	t->octets += strlen(e->value);
	t->hash = t->hash * 31 + e->line + e->column * 7 + strlen(e->section) + strlen(e->tag) * 3;
	return true;
}

static bool
hidden(void *self, const char *section, const char *value)
{
	(void)self;
	(void)section;
	for (const char *p = value; *p != '\0'; p++)
		assert(*p == 'x' || *p == ' ');
	return true;
}

static struct tally
read_all(struct view text, bool redacted, size_t *errors)
{
	struct conf_env env = { .file = "fuzz", .addresses = addresses, .secrets_hidden = redacted };
	struct store *st = store_new();
	struct problems p = { 0 };
	struct tally t = { 0 };

	if (st != NULL && store_load(st, text, &p)) {
		*errors = p.errors;
		store_each(st, count, &t);
		if (redacted)
			store_each_secret(st, hidden, NULL);
		struct snapshot *s = snapshot_build(st, &env, &p);
		assert((s == NULL) == (p.errors > 0));
		if (s != NULL) {
			struct addr a = { .family = FAMILY_IP4, .b = { 10, 0, 0, 1 } };

			(void)snapshot_peer_for(s, &a);
			for (size_t i = 0; i < s->n_connections; i++)
				assert(snapshot_connection(s, s->connections[i].name) == &s->connections[i]);
			for (size_t i = 0; i < s->n_peers; i++)
				assert(snapshot_peer(s, s->peers[i].name) == &s->peers[i]);
		}
		snapshot_unref(s);
	}
	problems_done(&p);
	store_free(st);
	return t;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	size_t errors = 0, again = 0;
	uint8_t *copy = malloc(n + 1);

	if (copy == NULL)
		return 0;
	struct tally plain = read_all(view_of(data, n), false, &errors);
	redact_text(view_of(data, n), copy);
	struct tally redacted = read_all(view_of(copy, n), true, &again);
	assert(plain.bindings == redacted.bindings);
	assert(plain.octets == redacted.octets);
	assert(plain.hash == redacted.hash);
	assert(errors == again);
	free(copy);
	return 0;
}
