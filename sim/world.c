#include "sim/world.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/pki.h"

struct world *
world_new(uint64_t seed)
{
	struct world *w = sim_alloc(sizeof(*w));

	w->now = (struct mono){ 1000000 };
	w->seed = seed;
	w->pki = pki_new();
	w->chance = (struct prng){ seed };
	w->plain.delay = span_ms(5);
	w->check = true;
	w->sends_per_second = 120;
	w->sends_per_minute = 900;
	w->larval_most = span_s(150);
	w->half_most = span_s(150);
	w->settle = span_s(5);
	return w;
}

void
world_free(struct world *w)
{
	if (w == NULL)
		return;
	queue_done(&w->queue);
	for (int i = 0; i < w->n_hosts; i++)
		host_kill(w->host[i]);
	for (int i = 0; i < w->n_hosts; i++)
		host_free(w->host[i]);
	if (w->link != NULL)
		for (int i = 0; i < w->n_hosts * w->n_hosts; i++)
			free(w->link[i]);
	for (int i = 0; i < w->n_nats; i++)
		free(w->nat[i].map);
	pki_free(w->pki);
	free(w->link);
	free(w->nat);
	free(w->spi_host);
	free(w->host);
	free(w);
}

/* 198.18.0.0/15 and 2001:db8::/32 are for tests (RFC 2544, RFC 3849). */
static void
addresses(struct host *h)
{
	unsigned n = (unsigned)h->index + 1;
	STR(four, 32);
	STR(six, 48);

	str_addf(&four, "198.18.%u.%u", n / 200, n % 200 + 1);
	str_addf(&six, "2001:db8::%x", n + 1);
	if (!addr_parse(four.p, &h->addr4) || !addr_parse(six.p, &h->addr6))
		abort();
}

struct host *
world_add(struct world *w, const char *name)
{
	struct host *h = sim_alloc(sizeof(*h));

	h->index = w->n_hosts;
	h->world = w;
	h->nat = NOBODY;
	h->random = (struct prng){ prng_u64(&w->chance) };
	h->tick_at = MONO_NEVER;
	h->options = (struct core_options){ .port = 500, .port_nat_t = 4500, .nat_t = true };
	text_copy(h->name, sizeof(h->name), name);
	addresses(h);
	w->host = sim_grow(w->host, sizeof(w->host[0]) * (size_t)(w->n_hosts + 1));
	w->host[w->n_hosts++] = h;
	free(w->link);		/* hosts are added before links are touched */
	w->link = NULL;
	return h;
}

struct host *
world_find(struct world *w, const char *name)
{
	for (int i = 0; i < w->n_hosts; i++)
		if (strcmp(w->host[i]->name, name) == 0)
			return w->host[i];
	return NULL;
}

uint32_t
world_spi(struct world *w, int host)
{
	if (w->n_spis == w->cap_spis) {
		w->cap_spis = w->cap_spis == 0 ? 256 : w->cap_spis * 2;
		w->spi_host = sim_grow(w->spi_host, w->cap_spis * sizeof(w->spi_host[0]));
	}
	w->spi_host[w->n_spis] = host;
	return (uint32_t)(SPI_FIRST + SPI_STEP * w->n_spis++ + prng_below(&w->chance, SPI_STEP));
}

int
world_spi_host(const struct world *w, uint32_t spi)
{
	size_t n = (spi - SPI_FIRST) / SPI_STEP;

	return spi < SPI_FIRST || n >= w->n_spis ? NOBODY : w->spi_host[n];
}

void
world_fail(struct world *w, const char *fmt, ...)
{
	va_list ap;
	int at = 0;

	if (!world_ok(w))
		return;
	at = snprintf(w->violation, sizeof(w->violation), "at %.6f: ",
	    (double)(w->now.us - 1000000) / 1e6);
	if (at < 0 || (size_t)at >= sizeof(w->violation))
		at = 0;
	va_start(ap, fmt);
	vsnprintf(w->violation + at, sizeof(w->violation) - (size_t)at, fmt, ap);
	va_end(ap);
}

void
world_trace(struct world *w, const struct host *h, const char *fmt, ...)
{
	va_list ap;

	if (!w->verbose)
		return;
	printf("%12.6f  %-10s ", (double)(w->now.us - 1000000) / 1e6, h == NULL ? "-" : h->name);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
}

/* Runs one event. */
static void
step(struct world *w)
{
	struct sim_event *e = queue_take(&w->queue);

	if (e->at.us > w->now.us) {
		w->now = e->at;
		for (int i = 0; i < w->n_hosts; i++)
			w->host[i]->ticks_now = 0;
	}
	w->events++;
	e->run(w, e);
	e->free(e);
	if (w->check)
		invariants_check(w);
	if (w->hooks.after != NULL)
		w->hooks.after(w->hooks.self, w);
}

static bool
due(const struct world *w, struct mono limit)
{
	const struct sim_event *e = queue_first(&w->queue);

	return e != NULL && e->at.us <= limit.us;
}

bool
world_run(struct world *w, struct mono until)
{
	while (world_ok(w) && due(w, until))
		step(w);
	if (world_ok(w) && until.us > w->now.us) {
		w->now = until;
		if (w->check)
			invariants_sweep(w);
	}
	return world_ok(w);
}

bool
world_run_until(struct world *w, bool (*holds)(void *, struct world *), void *self,
    struct mono limit)
{
	while (world_ok(w)) {
		if (holds(self, w))
			return true;
		if (!due(w, limit))
			break;
		step(w);
	}
	if (world_ok(w) && limit.us > w->now.us)
		w->now = limit;
	return false;
}
