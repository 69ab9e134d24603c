/*
 * Two whole daemons that want a tunnel, and a network that does to their
 * datagrams what the input says: one command octet per datagram, its
 * arguments after it.  When the input ends, the network is good again and
 * they must find together.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rd.h"
#include "sim/template.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

struct mischief {
	struct rd	script;
	uint8_t		last[4096];	/* a datagram seen before */
	size_t		last_n;
	struct path	last_path;
};

enum command { PASS, LOSE, DOUBLE, FLIP, OVERWRITE, TRUNCATE, EXTEND, LATE, REPLAY, FORGE, COMMANDS };

static void
remember(struct mischief *m, const struct datagram *d)
{
	m->last_n = d->n < sizeof(m->last) ? d->n : sizeof(m->last);
	memcpy(m->last, d->bytes, m->last_n);
	m->last_path = d->path;
}

/* The length field goes along, so that the change reaches the decoders. */
static void
resize(struct datagram *d, size_t n)
{
	uint8_t *bytes = sim_alloc(n);

	memcpy(bytes, d->bytes, n < d->n ? n : d->n);
	free(d->bytes);
	d->bytes = bytes;
	d->n = n;
	if (n >= 28) {
		bytes[26] = (uint8_t)(n >> 8);
		bytes[27] = (uint8_t)n;
	}
}

/* A datagram of the input's own under the cookies of the one at hand. */
static void
forge(struct mischief *m, struct datagram *d)
{
	size_t n = rd_u8(&m->script);
	struct view body = rd_view(&m->script, n < m->script.n ? n : m->script.n);
	uint8_t next = rd_u8(&m->script), exchange = rd_u8(&m->script), flags = rd_u8(&m->script);

	resize(d, 28 + body.n);
	if (body.n > 0)
		memcpy(d->bytes + 28, body.p, body.n);
	d->bytes[16] = next;
	d->bytes[18] = exchange == 0 ? d->bytes[18] : exchange;
	d->bytes[19] = flags;
}

static enum fate
mischief(void *self, struct world *w, struct datagram *d, struct span *delay)
{
	struct mischief *m = self;
	size_t at;

	if (m->script.n == 0 || d->n < 28)
		return FATE_PASS;
	switch ((enum command)(rd_u8(&m->script) % COMMANDS)) {
	case PASS:
		remember(m, d);
		return FATE_PASS;
	case LOSE:
		return FATE_LOSE;
	case DOUBLE:
		return FATE_DOUBLE;
	case FLIP:
		at = rd_u16(&m->script);
		d->bytes[at / 8 % d->n] ^= (uint8_t)(1u << at % 8);
		return FATE_PASS;
	case OVERWRITE:
		at = rd_u16(&m->script);
		d->bytes[at % d->n] = rd_u8(&m->script);
		return FATE_PASS;
	case TRUNCATE:
		resize(d, 28 + rd_u8(&m->script) % (d->n - 27));
		return FATE_PASS;
	case EXTEND:
		at = rd_u8(&m->script);
		resize(d, d->n + at);
		return FATE_PASS;
	case LATE:
		delay->us += rd_u8(&m->script) * 100000;
		return FATE_PASS;
	case REPLAY:
		if (m->last_n > 0)
			net_send(w, NOBODY, &m->last_path, view_of(m->last, m->last_n));
		return FATE_PASS;
	case FORGE:
		forge(m, d);
		return FATE_PASS;
	case COMMANDS:
		break;
	}
	return FATE_PASS;
}

static bool
passes(void *self, struct world *w)
{
	struct plan *p = self;
	struct flow there = plan_flow(p, 0, 1, 1), back = plan_flow(p, 1, 0, 1);

	return kernel_carry(w, w->host[0], &there, 100) && kernel_carry(w, w->host[1], &back, 100);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct mischief m = { .script = rd_of(view_of(data, n)) };
	uint8_t shape = rd_u8(&m.script);
	struct world *w = world_new(shape);

	if (n > 4096) {
		world_free(w);
		return 0;
	}
	world_add(w, "west");
	world_add(w, "east");
	struct plan plan = plan_new(w);
	for (int i = 0; i < 2; i++) {
		plan_set(&plan, i, "active", i == 0 || (shape & 1) != 0 ? "yes" : "no");
		plan_set(&plan, i, "pfs", (shape & 2) != 0 ? "X25519" : "none");
		plan_set(&plan, i, "encap", (shape & 4) != 0 ? "yes" : "no");
		plan_set(&plan, i, "dpd", (shape & 8) != 0 ? "10" : "0");
	}
	w->path_faults = w->stormy = true;	/* no tunnel must survive a script */
	w->verbose = getenv("VERBOSE") != NULL;	/* the ladder of one input */
	w->hooks = (struct hooks){ .self = &m, .datagram = mischief };
	if (!plan_start(&plan))
		abort();
	world_run(w, mono_add(w->now, span_s(60)));
	m.script = (struct rd){ 0 };
	bool up = world_run_until(w, passes, &plan, mono_add(w->now, span_s(1300)));
	/* Longer than an IPsec SA lives: a real DELETE that the script lost leaves
	 * the peer with a pair that nobody answers until it is renewed. */
	if (!world_ok(w) || !up) {
		fprintf(stderr, "%s\n", world_ok(w) ? "the tunnel does not come up" : w->violation);
		abort();
	}
	plan_done(&plan);
	world_free(w);
	return 0;
}
