#include "ctl/status_find.h"

#include <inttypes.h>
#include <stdlib.h>

/* Room per item: two escaped IDs of the largest size and a good deal more. */
enum { HEAD_ROOM = 1024, ITEM_ROOM = 8192 };

/* "3d 04:12:55", "04:12:55", "12 s" */
static void
duration(struct str *s, int64_t secs)
{
	if (secs < 0)
		secs = 0;
	if (secs < 120) {
		str_addf(s, "%" PRId64 " s", secs);
		return;
	}
	if (secs >= 86400)
		str_addf(s, "%" PRId64 "d ", secs / 86400);
	str_addf(s, "%02" PRId64 ":%02" PRId64 ":%02" PRId64, secs / 3600 % 24, secs / 60 % 60,
	    secs % 60);
}

/* "1.4M" */
static void
amount(struct str *s, uint64_t bytes)
{
	static const char unit[] = "BKMGTPE";
	uint64_t tenths = bytes > UINT64_MAX / 10 ? UINT64_MAX : bytes * 10;
	size_t u = 0;

	while (tenths >= 10240 && u < sizeof(unit) - 2) {
		tenths /= 1024;
		u++;
	}
	if (u == 0)
		str_addf(s, "%" PRIu64 "B", bytes);
	else
		str_addf(s, "%" PRIu64 ".%" PRIu64 "%c", tenths / 10, tenths % 10, unit[u]);
}

/* IPsec SAs have no ports of their own. */
static void
end_text(struct str *s, const struct endpoint *e)
{
	if (e->addr.family == FAMILY_NONE)
		str_add(s, "<no transport>");
	else if (e->port == 0)
		addr_print(s, &e->addr);
	else
		endpoint_print(s, e);
}

static void
ends_text(struct str *s, const struct endpoint *local, const struct endpoint *remote)
{
	end_text(s, local);
	str_add(s, " <-> ");
	end_text(s, remote);
}

static void
sa_state(struct str *s, const struct ctl_sa *sa)
{
	str_add(s, (sa->flags & CTL_SA_READY) == 0 ? "larval" :
	    (sa->flags & CTL_SA_REPLACED) != 0 ? "replaced" :
	    (sa->flags & CTL_SA_FADING) != 0 ? "fading" : "ready");
}

static void
rekey(struct str *s, const struct ctl_sa *sa)
{
	if (sa->soft.armed) {
		str_add(s, ", rekey in ");
		duration(s, sa->soft.secs);
	}
	if (sa->hard.armed) {
		str_add(s, ", ends in ");
		duration(s, sa->hard.secs);
	}
}

static const char *
exchange_name(uint8_t type, char room[24])
{
	return type == EXCH_ID_PROT ? "main mode" : type == EXCH_QUICK_MODE ? "quick mode" :
	    reg_text(REG_EXCHANGE, type, room);
}

static bool
is_down(const struct ctl_connection *c)
{
	return c->active && !c->up;
}

/* Why it is down, and what is being done about it. */
static void
down_text(struct str *s, const struct ctl_status *st, const struct ctl_connection *c)
{
	const struct ctl_exchange *x = status_exchange_of(st, c);
	const struct ctl_failure *f = status_failure_of(st, c);
	char room[24];

	if (x != NULL) {
		str_addf(s, "        negotiating: %s, ", exchange_name(x->type, room));
		str_escaped(s, view_str(x->state));
		str_char(s, '\n');
	}
	if (f != NULL) {
		str_add(s, "        last failure ");
		duration(s, f->ago);
		str_addf(s, " ago: %s [%s]\n", why_text(f->why), why_name(f->why));
		if (f->remedy[0] != '\0')
			str_addf(s, "        do: %s\n", f->remedy);
	}
	if (x == NULL && st->passive) {
		str_add(s, "        not tried: the daemon is passive\n");
	} else if (x == NULL && c->check.armed) {
		str_add(s, "        next try in ");
		duration(s, c->check.secs);
		str_char(s, '\n');
	}
}

static void
connection_text(struct str *s, const struct status_find *find, const struct ctl_connection *c)
{
	const struct ctl_sa *sa = c->up ? status_sa_of(find, c) : NULL;

	str_addf(s, "  %-5s ", c->up ? "up" : c->active ? "DOWN" : "idle");
	str_escaped(s, view_str(c->name));
	if (c->peer[0] != '\0') {
		str_add(s, " with ");
		str_escaped(s, view_str(c->peer));
	}
	if (sa != NULL) {
		str_add(s, " at ");
		end_text(s, &sa->remote);
	}
	str_char(s, '\n');
	if (is_down(c))
		down_text(s, find->st, c);
}

/* First what somebody has to look at. */
static void
connections_text(struct str *s, const struct ctl_status *st)
{
	size_t up = 0, down = 0;
	struct status_find find;

	for (size_t i = 0; i < st->n_connections; i++) {
		up += st->connections[i].up;
		down += is_down(&st->connections[i]);
	}
	if (st->n_connections == 0) {
		str_add(s, "\nCONNECTIONS: none\n");
		return;
	}
	str_addf(s, "\nCONNECTIONS: %zu down, %zu up, %zu idle\n", down, up,
	    st->n_connections - down - up);
	status_find_begin(&find, st);
	for (size_t i = 0; i < st->n_connections; i++)
		if (is_down(&st->connections[i]))
			connection_text(s, &find, &st->connections[i]);
	for (size_t i = 0; i < st->n_connections; i++)
		if (!is_down(&st->connections[i]))
			connection_text(s, &find, &st->connections[i]);
	status_find_end(&find);
}

static void
phase1_text(struct str *s, const struct ctl_sa *sa)
{
	char a[24], b[24], c[24], d[24];

	if (sa->cipher == 0)
		return;
	str_addf(s, "        %s", reg_text(REG_CIPHER, sa->cipher, a));
	if (sa->key_bits != 0)
		str_addf(s, "-%u", sa->key_bits);
	str_addf(s, " %s %s %s", reg_text(REG_HASH, sa->hash, b),
	    reg_text(REG_GROUP, sa->group, c), reg_text(REG_AUTH_METHOD, sa->auth, d));
	rekey(s, sa);
	str_add(s, (sa->flags & CTL_SA_NAT_T) != 0 ? ", NAT-T" : "");
	str_add(s, "\n        IDs ");
	ctl_id_print(s, &sa->local_id, sa->local_name);
	str_add(s, " <-> ");
	ctl_id_print(s, &sa->remote_id, sa->remote_name);
	str_char(s, '\n');
}

static void
phase2_text(struct str *s, const struct ctl_sa *sa)
{
	str_addf(s, "        spi in %08x out %08x  ", (unsigned)sa->spi_in, (unsigned)sa->spi_out);
	sa_suite_print(s, &sa->suite);
	rekey(s, sa);
	str_char(s, '\n');
	if (sa->flow.local.net.first.family != FAMILY_NONE) {
		str_add(s, "        ");
		flow_print(s, &sa->flow);
		str_char(s, '\n');
	}
	if (!sa->has_usage)
		return;
	str_addf(s, "        in %" PRIu64 " packets ", sa->usage.in_packets);
	amount(s, sa->usage.in_bytes);
	str_addf(s, " (refused %" PRIu64 "), out %" PRIu64 " packets ", sa->usage.in_refused,
	    sa->usage.out_packets);
	amount(s, sa->usage.out_bytes);
	str_char(s, '\n');
}

static void
sa_text(struct str *s, const struct ctl_sa *sa)
{
	str_addf(s, "  phase %d ", sa->phase);
	str_escaped(s, view_str(sa->name[0] == '\0' ? "<unnamed>" : sa->name));
	str_char(s, ' ');
	sa_state(s, sa);
	str_add(s, sa->initiator ? ", initiator, " : ", responder, ");
	ends_text(s, &sa->local, &sa->remote);
	str_char(s, '\n');
	if (sa->phase == 1)
		phase1_text(s, sa);
	else
		phase2_text(s, sa);
}

static void
exchange_text(struct str *s, const struct ctl_exchange *x)
{
	char room[24];

	str_addf(s, "  %s ", exchange_name(x->type, room));
	str_escaped(s, view_str(x->name[0] == '\0' ? "<unnamed>" : x->name));
	str_add(s, x->initiator ? ", initiator, " : ", responder, ");
	ends_text(s, &x->local, &x->remote);
	str_add(s, ", ");
	str_escaped(s, view_str(x->state));
	if (x->deadline.armed) {
		str_add(s, ", at most ");
		duration(s, x->deadline.secs);
		str_add(s, " more");
	}
	str_char(s, '\n');
}

/* Failure texts were escaped when they were made. */
static void
detail(struct str *s, const char *label, const char *text)
{
	if (*text == '\0')
		return;
	str_addf(s, "        %-9s %s\n", label, text);
}

static void
failure_text(struct str *s, const struct ctl_failure *f)
{
	str_add(s, "  ");
	duration(s, f->ago);
	str_addf(s, " ago: %s [%s]", why_text(f->why), why_name(f->why));
	if (f->count > 1)
		str_addf(s, " (%" PRIu64 " times)", f->count);
	str_char(s, '\n');
	detail(s, "peer", f->peer);
	detail(s, "conn", f->connection);
	detail(s, "exchange", f->exchange);
	detail(s, "field", f->field);
	detail(s, "expected", f->expected);
	detail(s, "got", f->got);
	detail(s, "config", f->where);
	detail(s, "do", f->remedy);
}

static void
certificate_text(struct str *s, const struct ctl_certificate *c)
{
	str_addf(s, "  %-11s %s (%s)", c->kind, c->file, c->subject);
	if (c->until != 0 && c->left < 0) {
		str_add(s, " IS OVER since ");
		duration(s, -c->left);
	} else if (c->until != 0) {
		str_add(s, " ends in ");
		duration(s, c->left);
	}
	str_char(s, '\n');
}

static void
title(struct str *s, const char *text, size_t n)
{
	str_addf(s, "\n%s%s\n", text, n == 0 ? ": none" : "");
}

static void
exchanges_text(struct str *s, const struct ctl_status *st)
{
	size_t running = 0;

	for (size_t i = 0; i < st->n_exchanges; i++)
		running += !status_is_done(&st->exchanges[i]);
	title(s, "NEGOTIATIONS", running);
	for (size_t i = 0; i < st->n_exchanges; i++)
		if (!status_is_done(&st->exchanges[i]))
			exchange_text(s, &st->exchanges[i]);
}

char *
status_text(const struct ctl_status *st)
{
	size_t items = st->n_connections + st->n_sas + st->n_exchanges + st->n_failures +
	    st->n_certificates;
	size_t cap = HEAD_ROOM + items * ITEM_ROOM;
	char *room = malloc(cap);

	if (room == NULL)
		return NULL;
	struct str s = str_of(room, cap);
	str_addf(&s, "isakmpd %s, up ", st->version);
	duration(&s, st->uptime);
	str_addf(&s, ", back end %s, %s\n", st->backend[0] == '\0' ? "not chosen" : st->backend,
	    st->passive ? "passive" : "active");
	connections_text(&s, st);
	title(&s, "SAS", st->n_sas);
	for (size_t i = 0; i < st->n_sas; i++)
		sa_text(&s, &st->sas[i]);
	exchanges_text(&s, st);
	title(&s, "LAST FAILURES", st->n_failures);
	for (size_t i = 0; i < st->n_failures; i++)
		failure_text(&s, &st->failures[i]);
	if (st->n_certificates > 0)
		title(&s, "CERTIFICATES", st->n_certificates);
	for (size_t i = 0; i < st->n_certificates; i++)
		certificate_text(&s, &st->certificates[i]);
	return room;
}
