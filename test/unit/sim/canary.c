/*
 * Keys stay where they belong (security R29): whole negotiations, good and
 * bad, at the highest log level.  No pre-shared key, SKEYID, g^xy or KEYMAT is in
 * a log line, trace, record or datagram, as octets or in hexadecimal; and once
 * its owner is gone, none is left in memory.
 */
#include "prove.h"

#include <stdio.h>
#include <stdlib.h>

#include "sim/template.h"

enum { SECRETS_MAX = 64, PIECE = 16, TOLD_MAX = 4 * 1024 * 1024 };

static const char psk[] = "canary-5f1c0e7b-in-clear";

/* Kept masked, so that the search through memory does not find itself. */
struct masked { uint8_t b[PIECE]; };
static const uint8_t mask = 0xa5;

struct stand {
	struct world	*w;
	struct plan	plan;
	struct host	*west, *east;
	struct masked	secret[SECRETS_MAX];
	size_t		n;
	uint8_t		*told;		/* texts and datagrams, one after the other */
	size_t		told_n;
};

/* The last octets of it: the first ones of SKEYID_e are the cipher key, too. */
static void
secret_add(struct stand *s, struct view v)
{
	struct masked m;

	if (v.n < PIECE || s->n == SECRETS_MAX)
		return;
	for (size_t i = 0; i < PIECE; i++)
		m.b[i] = v.p[v.n - PIECE + i] ^ mask;
	s->secret[s->n++] = m;
}

static void
told_add(struct stand *s, struct view v)
{
	if (v.n == 0)
		return;
	assert_true(v.n <= TOLD_MAX - s->told_n);
	memcpy(s->told + s->told_n, v.p, v.n);
	s->told_n += v.n;
}

static void
on_keys(void *self, struct host *h, const struct keys_answer *a)
{
	(void)h;
	secret_add(self, secret_view(&a->skeyid_d));
	secret_add(self, secret_view(&a->skeyid_a));
	secret_add(self, secret_view(&a->skeyid_e));
	secret_add(self, secret_view(&a->shared));
}

static void
on_act(void *self, struct host *h, const struct act *a)
{
	STR(line, 1800);

	(void)h;
	if (a->kind == ACT_KERN && a->kern.verb == KERN_INSTALL) {
		secret_add(self, secret_view(&a->kern.spec->in.keymat));
		secret_add(self, secret_view(&a->kern.spec->out.keymat));
	} else if (a->kind == ACT_SEND) {
		told_add(self, a->bytes);
	} else if (a->kind == ACT_FAILURE) {
		failure_print(&line, a->failure);
		told_add(self, view_str(line.p));
	} else if (a->kind == ACT_LOG || a->kind == ACT_TRACE) {
		told_add(self, view_str(a->text));
	}
}

static void
stand_begin(struct stand *s)
{
	*s = (struct stand){ .w = world_new(29), .told = malloc(TOLD_MAX) };
	assert_non_null(s->told);
	s->west = world_add(s->w, "west");
	s->east = world_add(s->w, "east");
	s->plan = plan_new(s->w);
	s->w->hooks = (struct hooks){ .self = s, .act = on_act, .keys = on_keys };
	for (int i = 0; i < 2; i++)
		plan_set(&s->plan, i, "psk", psk);
}

static void
talk(struct stand *s, int64_t secs)
{
	assert_true(plan_start(&s->plan));
	for (int i = 0; i < 2; i++)
		for (int class = 0; class < CLASS_MAX; class++)
			core_log_level(s->w->host[i]->core, class, 99);
	host_before(s->west);
	(void)core_connect(s->west->core, s->w->now, "tunnel");
	host_after(s->west);
	world_run(s->w, mono_add(s->w->now, span_s(secs)));
}

static bool
is_at(const struct masked *m, const uint8_t *p)
{
	for (size_t i = 0; i < PIECE; i++)
		if ((p[i] ^ mask) != m->b[i])
			return false;
	return true;
}

static bool
is_hex_at(const struct masked *m, const uint8_t *p)
{
	static const char digits[2][17] = { "0123456789abcdef", "0123456789ABCDEF" };

	for (size_t i = 0; i < PIECE; i++) {
		uint8_t b = m->b[i] ^ mask, high = p[2 * i], low = p[2 * i + 1];

		if ((high != digits[0][b >> 4] && high != digits[1][b >> 4]) ||
		    (low != digits[0][b & 15] && low != digits[1][b & 15]))
			return false;
	}
	return true;
}

static void
assert_told_nothing(struct stand *s)
{
	secret_add(s, view_str(psk));
	assert_true(s->told_n > 1000);
	for (size_t k = 0; k < s->n; k++)
		for (size_t at = 0; at + 2 * PIECE <= s->told_n; at++) {
			assert_false(is_at(&s->secret[k], s->told + at));
			assert_false(is_hex_at(&s->secret[k], s->told + at));
		}
	s->n--;
}

/* Reads what it does not own, freed memory too; a sanitizer would object. */
__attribute__((no_sanitize("address", "undefined"))) static bool
memory_has(const uint8_t *from, const uint8_t *to, const struct masked *m)
{
	for (const uint8_t *p = from; p + PIECE <= to; p++) {
		size_t i = 0;

		while (i < PIECE && (uint8_t)(p[i] ^ mask) == m->b[i])
			i++;
		if (i == PIECE)
			return true;
	}
	return false;
}

/* How many of the secrets stand anywhere in this process's memory. */
static unsigned
left_in_memory(const struct stand *s)
{
	enum { LARGEST = 256 * 1024 * 1024 };	/* larger: a sanitizer's shadow */
	FILE *maps = fopen("/proc/self/maps", "re");
	unsigned long from, to;
	char rights[5], line[512];
	unsigned n = 0;

	assert_non_null(maps);
	while (fgets(line, sizeof(line), maps) != NULL) {
		if (sscanf(line, "%lx-%lx %4s", &from, &to, rights) != 3 || rights[0] != 'r' ||
		    rights[1] != 'w' || to - from > LARGEST || strstr(line, "[v") != NULL)
			continue;
		for (size_t k = 0; k < s->n; k++)
			n += memory_has((const uint8_t *)(uintptr_t)from,
			    (const uint8_t *)(uintptr_t)to, &s->secret[k]);
	}
	fclose(maps);
	return n;
}

static void
stand_end(struct stand *s)
{
	assert_true(world_ok(s->w));
	plan_done(&s->plan);
	world_free(s->w);
	free(s->told);
}

static void
r29_a_negotiation_tells_no_key(void **state)
{
	struct stand s;

	(void)state;
	stand_begin(&s);
	talk(&s, 30);
	assert_int_equal(core_count(s.west->core).phase2_done, 1);
	/* Both ends: three SKEYIDs, g^xy, and two keys for each part installed. */
	assert_true(s.n >= 12);
	assert_told_nothing(&s);
	stand_end(&s);
}

static void
r29_failures_tell_no_key(void **state)
{
	static const struct { const char *option, *value; } faults[] = {
		{ "psk", "canary-77777777-another" }, { "esp", "AES" }, { "pfs", "none" },
		{ "net", "10.77.0.0" }, { "group", "ECP_256" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(faults); i++) {
		struct stand s;

		stand_begin(&s);
		plan_set(&s.plan, 0, faults[i].option, faults[i].value);
		plan_set(&s.plan, 0, "espauth", i == 1 ? "HMAC_SHA2_256" : "none");
		talk(&s, 60);
		assert_true(s.west->n_failures + s.east->n_failures > 0);
		assert_told_nothing(&s);
		stand_end(&s);
	}
}

static void
r29_nothing_is_left_in_memory_when_its_owner_is_gone(void **state)
{
	struct stand s;

	(void)state;
	stand_begin(&s);
	talk(&s, 200);		/* exchanges and their last messages are gone, SAs are not */
	assert_true(s.n >= 12);
	assert_true(left_in_memory(&s) > 0);	/* SAs: the search does find */
	host_kill(s.west);
	host_kill(s.east);
	kernel_clear(&s.west->kernel);
	kernel_clear(&s.east->kernel);
	assert_int_equal(left_in_memory(&s), 0);
	stand_end(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(r29_a_negotiation_tells_no_key),
		cmocka_unit_test(r29_failures_tell_no_key),
		cmocka_unit_test(r29_nothing_is_left_in_memory_when_its_owner_is_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
