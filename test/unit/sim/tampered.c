/*
 * Every message of main mode that travels in clear, changed in every way its
 * row does not allow: it is refused, and the true copy that the sender
 * repeats still brings the tunnel up.  Not a list of cases but a loop over
 * the payloads that are there.
 */
#include "prove.h"

#include "sim/template.h"
#include "wire/message.h"

enum change {
	REMOVE, TWICE, RESERVED, TYPE_22, TYPE_15, TYPE_PRIVATE, LONGER, SHORTER, EMPTY,
	ENCRYPTED, VERSION, AGGRESSIVE, MESSAGE_ID, SWAPPED, CHANGES
};

struct stand {
	struct world	*w;
	struct plan	plan;
	enum change	change;
	unsigned	nth, seen;
	size_t		payload;
	size_t		payloads;	/* how many the message had */
};

static void
write_payload(struct msg_wr *m, const struct payload *p, enum change c)
{
	uint8_t type = p->type;

	if (c == TYPE_22)
		type = 22;
	else if (c == TYPE_15)
		type = 15;
	else if (c == TYPE_PRIVATE)
		type = 200;
	struct pl_mark mark = msg_open(m, type);
	size_t at = m->w.len;
	if (c != EMPTY)
		wr_bytes(&m->w, p->body.p, c == SHORTER && p->body.n > 0 ? p->body.n - 1 : p->body.n);
	if (c == LONGER)
		wr_u8(&m->w, 0);
	msg_close(m, mark);
	if (c == RESERVED)
		m->w.base[at - 3] = 1;
	if (c == TWICE)
		msg_payload(m, type, p->body);
}

static void
rebuild(struct stand *s, struct datagram *d)
{
	static uint8_t room[8192];
	struct message m;
	struct header h;

	assert_int_equal(header_decode(view_of(d->bytes, d->n), &h), WHY_NONE);
	assert_int_equal(message_parse(&h, view_of(d->bytes + HEADER_LEN, d->n - HEADER_LEN), false,
	    &m), WHY_NONE);
	s->payloads = m.n;
	if (s->payload >= m.n)
		return;
	switch (s->change) {
	case ENCRYPTED: h.flags |= FLAG_ENCRYPTION; break;
	case VERSION: h.version = 0x20; break;
	case AGGRESSIVE: h.exchange = EXCH_AGGRESSIVE; break;
	case MESSAGE_ID: h.message_id = 0x11223344; break;
	default: break;
	}
	struct msg_wr w = msg_begin(room, sizeof(room), &h);
	/* The order is free (RFC 2409, 5.4), but for NAT-D (RFC 3947, 3.2). */
	if (m.payload[s->payload].type == PL_NAT_D && s->change == SWAPPED)
		return;
	if (s->change == SWAPPED)
		write_payload(&w, &m.payload[s->payload], CHANGES);
	for (size_t i = 0; i < m.n; i++) {
		bool it = i == s->payload;

		if (it && (s->change == REMOVE || s->change == SWAPPED))
			continue;
		write_payload(&w, &m.payload[i], it ? s->change : CHANGES);
	}
	struct view v = msg_finish(&w);
	free(d->bytes);
	d->bytes = sim_alloc(v.n);
	d->n = v.n;
	memcpy(d->bytes, v.p, v.n);
}

static enum fate
hook(void *self, struct world *w, struct datagram *d, struct span *delay)
{
	struct stand *s = self;

	(void)w;
	(void)delay;
	if (++s->seen == s->nth)
		rebuild(s, d);
	return FATE_PASS;
}

static bool
passes(void *self, struct world *w)
{
	struct stand *s = self;
	struct flow there = plan_flow(&s->plan, 0, 1, 1), back = plan_flow(&s->plan, 1, 0, 1);

	return kernel_carry(w, w->host[0], &there, 100) && kernel_carry(w, w->host[1], &back, 100);
}

/* How many payloads the message has. */
static size_t
trial(enum change change, unsigned nth, size_t payload)
{
	struct stand s = { .w = world_new(3), .change = change, .nth = nth, .payload = payload };

	world_add(s.w, "west");
	world_add(s.w, "east");
	s.plan = plan_new(s.w);
	plan_set(&s.plan, 0, "active", "yes");
	s.w->hooks = (struct hooks){ .self = &s, .datagram = hook };
	s.w->path_faults = true;
	assert_true(plan_start(&s.plan));
	bool up = world_run_until(s.w, passes, &s, mono_add(s.w->now, span_s(200)));
	if (!up || !world_ok(s.w))
		print_message("message %u, payload %zu, change %d: %s\n", nth, payload, (int)change,
		    world_ok(s.w) ? "no tunnel" : s.w->violation);
	assert_true(up);
	size_t n = s.payloads;
	plan_done(&s.plan);
	world_free(s.w);
	return n;
}

static void
each_change(unsigned nth)
{
	for (int c = 0; c < CHANGES; c++) {
		size_t n = 1;

		for (size_t i = 0; i < n; i++)
			n = trial((enum change)c, nth, i);
		assert_true(n > 0);
	}
}

static void
message_1_changed_in_every_way_does_not_stop_the_tunnel(void **state)
{
	(void)state;
	each_change(1);
}

static void
message_2_changed_in_every_way_does_not_stop_the_tunnel(void **state)
{
	(void)state;
	each_change(2);
}

static void
message_3_changed_in_every_way_does_not_stop_the_tunnel(void **state)
{
	(void)state;
	each_change(3);
}

static void
message_4_changed_in_every_way_does_not_stop_the_tunnel(void **state)
{
	(void)state;
	each_change(4);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(message_1_changed_in_every_way_does_not_stop_the_tunnel),
		cmocka_unit_test(message_2_changed_in_every_way_does_not_stop_the_tunnel),
		cmocka_unit_test(message_3_changed_in_every_way_does_not_stop_the_tunnel),
		cmocka_unit_test(message_4_changed_in_every_way_does_not_stop_the_tunnel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
