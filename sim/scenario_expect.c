/* What a scenario may ask about a host. */
#include <stdlib.h>
#include <string.h>

#include "sim/scenario.h"

struct tally {
	const char	*name;		/* count only these; NULL: all */
	int64_t		isakmp, ipsec, replaced, encap;
	uint64_t	spec_id;
};

static void
tally_sa(void *self, const struct core_sa_info *i)
{
	struct tally *t = self;

	if (t->name != NULL && !text_same(t->name, i->name))
		return;
	if (i->phase == 1 && i->ready && !i->replaced)
		t->isakmp++;
	if (i->phase == 2 && i->ready && !i->replaced)
		t->ipsec++;
	if (i->ready && i->replaced)
		t->replaced++;
	if (i->phase == 2 && i->ready && i->nat_t)
		t->encap++;
}

static struct tally
tally_of(const struct host *h, const char *name)
{
	struct tally t = { .name = name };

	if (h->core != NULL)
		core_each_sa(h->core, tally_sa, &t);
	return t;
}

static void
count_exchange(void *self, const struct core_exchange_info *i)
{
	(void)i;
	++*(int64_t *)self;
}

static int64_t
exchanges_of(const struct host *h)
{
	int64_t n = 0;

	if (h->core != NULL)
		core_each_exchange(h->core, count_exchange, &n);
	return n;
}

/* Every configured connection of the host has a ready SA and its flow. */
static bool
all_up(struct scenario *s, struct host *h)
{
	for (int i = 0; i < s->w->n_hosts; i++)
		for (unsigned k = 1; k <= plan_connections(&s->plan, h->index, i); k++) {
			STR(name, 64);

			plan_connection(&s->plan, h->index, i, k, &name);
			if (tally_of(h, name.p).ipsec == 0)
				return false;
		}
	return true;
}

/* Both ways: out of here into an SA of the peer, and back. */
static bool
passes(struct scenario *s, struct host *h, const char *peer_name, bool *ret)
{
	struct host *peer = world_find(s->w, peer_name);

	if (peer == NULL)
		return scenario_fault(s, "no host \"%s\"", peer_name);
	struct flow to = plan_flow(&s->plan, h->index, peer->index, 1);
	struct flow back = plan_flow(&s->plan, peer->index, h->index, 1);
	*ret = kernel_carry(s->w, h, &to, 100) && kernel_carry(s->w, peer, &back, 100);
	return true;
}

/* True if a packet would leave unprotected. */
static bool
leaks(struct scenario *s, struct host *h, const char *peer_name, bool *ret)
{
	struct host *peer = world_find(s->w, peer_name);

	if (peer == NULL)
		return scenario_fault(s, "no host \"%s\"", peer_name);
	struct flow to = plan_flow(&s->plan, h->index, peer->index, 1);
	*ret = !kernel_covered(&h->kernel, &to);
	return true;
}

static bool
spi_kept(const struct scenario *s, const struct host *h)
{
	for (size_t i = 0; i < s->n_marked; i++)
		if (kernel_find_in(&h->kernel, s->marked[i]) == NULL)
			return false;
	return true;
}

/* ---- failure records ---- */

static const char *
part_of(const struct failure *f, const char *name)
{
	static const struct { const char *name; size_t at; } parts[] = {
		{ "classic", offsetof(struct failure, classic) },
		{ "lines", offsetof(struct failure, lines) },
		{ "peer", offsetof(struct failure, peer) },
		{ "connection", offsetof(struct failure, connection) },
		{ "exchange", offsetof(struct failure, exchange) },
		{ "field", offsetof(struct failure, field) },
		{ "expected", offsetof(struct failure, expected) },
		{ "got", offsetof(struct failure, got) },
		{ "where", offsetof(struct failure, where) },
		{ "remedy", offsetof(struct failure, remedy) },
	};

	for (size_t i = 0; i < COUNT(parts); i++)
		if (strcmp(parts[i].name, name) == 0)
			return (const char *)f + parts[i].at;
	return NULL;
}

static bool
failure_matches(const struct failure *f, const struct words *ws, size_t i, size_t end)
{
	for (; i < end; i++) {
		char name[WORD_MAX];
		char *tilde;

		text_copy(name, sizeof(name), ws->w[i]);
		tilde = strchr(name, '~');
		if (tilde == NULL)
			return false;
		*tilde++ = '\0';
		const char *part = part_of(f, name);
		if (part == NULL || strstr(part, tilde) == NULL)
			return false;
	}
	return true;
}

/* `failure WHY[|WHY] part~text ...` */
static bool
has_failure(const struct host *h, const struct words *ws, size_t i, size_t end)
{
	uint32_t kept = h->n_failures < FAILURES_KEPT ? h->n_failures : FAILURES_KEPT;

	for (uint32_t j = 0; j < kept; j++) {
		const struct failure *f = &h->failure[j];
		char whys[WORD_MAX], *save = NULL;

		text_copy(whys, sizeof(whys), ws->w[i]);
		for (char *p = strtok_r(whys, "|", &save); p != NULL; p = strtok_r(NULL, "|", &save))
			if (strcmp(p, why_name(f->why)) == 0 && failure_matches(f, ws, i + 1, end))
				return true;
	}
	return false;
}

/* ---- numbers ---- */

static bool
number_of(struct scenario *s, struct host *h, const char *word, const char *arg, int64_t *ret)
{
	static const struct core_counters none;
	struct core_counters c = h->core == NULL ? none : core_count(h->core);
	struct tally t = tally_of(h, NULL);

	if (strcmp(word, "isakmp_sas") == 0)
		*ret = t.isakmp;
	else if (strcmp(word, "ipsec_sas") == 0)
		*ret = t.ipsec;
	else if (strcmp(word, "all_ipsec_sas") == 0)
		*ret = c.ipsec_sas;
	else if (strcmp(word, "all_isakmp_sas") == 0)
		*ret = c.isakmp_sas;
	else if (strcmp(word, "replaced_sas") == 0)
		*ret = t.replaced;
	else if (strcmp(word, "encap_sas") == 0)
		*ret = t.encap;
	else if (strcmp(word, "kernel_sas") == 0)
		*ret = (int64_t)kernel_count(&h->kernel, SA_PART_IN | SA_PART_OUT);
	else if (strcmp(word, "kernel_larval") == 0)
		*ret = (int64_t)h->kernel.n_larval;
	else if (strcmp(word, "flows") == 0)
		*ret = (int64_t)kernel_flows(&h->kernel);
	else if (strcmp(word, "exchanges") == 0)
		*ret = exchanges_of(h);
	else if (strcmp(word, "half_open") == 0)
		*ret = c.half_open;
	else if (strcmp(word, "sent") == 0)
		*ret = (int64_t)h->sent;
	else if (strcmp(word, "received") == 0)
		*ret = (int64_t)h->received;
	else if (strcmp(word, "failures") == 0)
		*ret = h->n_failures;
	else if (strcmp(word, "phase1_done") == 0)
		*ret = (int64_t)c.phase1_done;
	else if (strcmp(word, "phase2_done") == 0)
		*ret = (int64_t)c.phase2_done;
	else if (strcmp(word, "refused") == 0) {
		for (unsigned w = 0; w < WHY_MAX; w++)
			if (strcmp(why_name((enum why)w), arg) == 0) {
				*ret = (int64_t)c.refused[w];
				return true;
			}
		return scenario_fault(s, "no reason \"%s\"", arg);
	} else
		return scenario_fault(s, "\"%s\" cannot be expected", word);
	return true;
}

static bool
compare(struct scenario *s, int64_t have, const char *op, const char *value, bool *ret)
{
	int64_t want = strtoll(value, NULL, 10);

	if (strcmp(op, "=") == 0)
		*ret = have == want;
	else if (strcmp(op, "<=") == 0)
		*ret = have <= want;
	else if (strcmp(op, ">=") == 0)
		*ret = have >= want;
	else
		return scenario_fault(s, "=, <= or >= expected, not \"%s\"", op);
	return true;
}

/* ---- one condition ---- */

static bool
suite_is(struct host *h, const struct words *ws, size_t i, size_t end)
{
	for (size_t j = 0; j < h->kernel.n; j++) {
		STR(suite, 128);
		bool all = true;

		if ((h->kernel.sa[j]->parts & SA_PART_OUT) == 0)
			continue;
		sa_suite_print(&suite, &h->kernel.sa[j]->spec.suite);
		for (size_t k = i; k < end; k++)
			all &= strstr(suite.p, ws->w[k]) != NULL;
		if (all)
			return true;
	}
	return false;
}

bool
scenario_condition(struct scenario *s, const struct words *ws, size_t i, size_t end,
    struct host *h, bool *ret)
{
	const char *first = ws->w[i], *second = i + 1 < end ? ws->w[i + 1] : "";
	bool no = strcmp(first, "no") == 0;
	int64_t n = 0;

	if (no)
		return scenario_condition(s, ws, i + 1, end, h, ret) && ((*ret = !*ret), true);
	if (strcmp(first, "isakmp_sa") == 0 && strcmp(second, "ready") == 0)
		*ret = tally_of(h, NULL).isakmp > 0;
	else if (strcmp(first, "ipsec_sa") == 0 && strcmp(second, "ready") == 0)
		*ret = all_up(s, h);
	else if (strcmp(first, "tunnel") == 0)
		*ret = tally_of(h, second).ipsec > 0;
	else if (strcmp(first, "failure") == 0)
		*ret = *second == '\0' ? h->n_failures > 0 : has_failure(h, ws, i + 1, end);
	else if (strcmp(first, "passes") == 0)
		return passes(s, h, second, ret);
	else if (strcmp(first, "clear") == 0)
		return leaks(s, h, second, ret);
	else if (strcmp(first, "done") == 0)
		*ret = h->done;
	else if (strcmp(first, "spi") == 0)
		*ret = spi_kept(s, h);
	else if (strcmp(first, "suite") == 0)
		*ret = suite_is(h, ws, i + 1, end);
	else {
		size_t at = i + 1 + (strcmp(first, "refused") == 0);

		if (at + 1 >= end)
			return scenario_fault(s, "\"%s\" cannot be expected", first);
		return number_of(s, h, first, second, &n) &&
		    compare(s, n, ws->w[at], ws->w[at + 1], ret);
	}
	return true;
}
