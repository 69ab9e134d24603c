/* SA table, report and `C get`: texts from values, written by the monitor. */
#include <stdlib.h>
#include <string.h>

#include "ctl/result.h"
#include "os/log.h"
#include "role/ike_internal.h"

enum { PIECE = 32 * 1024 };

/* A text that grows; what does not fit any more is left out. */
struct text {
	struct ike	*ike;
	struct mono	 now;
	char		*p;
	size_t		 n, cap;
	unsigned	 number;
	const char	*section;	/* of the configuration being listed */
	char		 last[STORE_NAME_MAX + 1];
	bool		 any;
};

static void
text_add(struct text *t, const struct str *s)
{
	if (s->len > t->cap - t->n) {
		size_t cap = t->cap * 2 + s->len + PIECE;
		char *p = cap > 32 * (size_t)IKE_TEXT ? NULL : malloc(cap);
		if (p == NULL)
			return;
		if (t->n > 0)
			memcpy(p, t->p, t->n);
		free(t->p);
		t->p = p;
		t->cap = cap;
	}
	if (s->len > 0)
		memcpy(t->p + t->n, s->p, s->len);
	t->n += s->len;
}

/* ---- values of the core as values of ctl ---- */

struct ctl_timer
ike_timer_of(struct mono now, struct mono at)
{
	if (at.us == INT64_MAX)
		return (struct ctl_timer){ 0 };
	return (struct ctl_timer){ .armed = true, .secs = span_secs(mono_since(at, now)) };
}

static uint32_t
flags_of(const struct core_sa_info *i)
{
	return (i->ready ? CTL_SA_READY : 0U) | (i->stay_alive ? CTL_SA_STAY_ALIVE : 0U) |
	    (i->on_demand ? CTL_SA_ON_DEMAND : 0U) | (i->replaced ? CTL_SA_REPLACED : 0U) |
	    (i->fading ? CTL_SA_FADING : 0U) | (i->dpd ? CTL_SA_DPD : 0U) |
	    (i->nat_t ? CTL_SA_NAT_T : 0U) | (i->nat_keepalive ? CTL_SA_NAT_KEEPALIVE : 0U);
}

void
ike_sa_of(struct mono now, const struct core_sa_info *i, struct ctl_sa *ret)
{
	*ret = (struct ctl_sa){
		.phase = i->phase, .initiator = i->initiator, .local = i->local,
		.remote = i->remote, .life_secs = i->life_secs, .life_kb = i->life_kb,
		.soft = ike_timer_of(now, i->soft_at), .hard = ike_timer_of(now, i->hard_at),
		.flags = flags_of(i), .message_id = i->message_id,
		.local_id = i->local_id, .remote_id = i->remote_id,
		.local_name = i->local_name, .remote_name = i->remote_name,
		.cipher = i->p1_cipher, .hash = i->p1_hash, .auth = i->p1_auth,
		.group = i->p1_group, .key_bits = i->p1_key_bits, .suite = i->suite,
		.spi_out = i->spi_out, .spi_in = i->spi_in, .pfs_group = i->pfs_group,
		.flow = i->flow,
	};
	text_copy(ret->name, sizeof(ret->name), i->name);
	memcpy(ret->cookies, i->cookies, sizeof(ret->cookies));
}

static void
add_table_sa(void *self, const struct core_sa_info *i)
{
	struct text *t = self;
	struct ctl_sa sa;
	STR(s, RESULT_SA_MAX);

	ike_sa_of(t->now, i, &sa);
	result_sa(&s, &sa);
	text_add(t, &s);
}

static void
add_report_sa(void *self, const struct core_sa_info *i)
{
	struct text *t = self;
	struct ctl_sa sa;
	STR(s, REPORT_ITEM_MAX);

	ike_sa_of(t->now, i, &sa);
	report_sa(&s, ++t->number, &sa);
	text_add(t, &s);
}

void
ike_exchange_of(struct mono now, const struct core_exchange_info *i, struct ctl_exchange *ret)
{
	*ret = (struct ctl_exchange){ .phase = i->phase, .type = i->type,
	    .initiator = i->initiator, .local = i->local, .remote = i->remote,
	    .message_id = i->message_id, .deadline = ike_timer_of(now, i->deadline) };
	text_copy(ret->name, sizeof(ret->name), i->name);
	text_copy(ret->state, sizeof(ret->state), i->state);
	memcpy(ret->cookies, i->cookies, sizeof(ret->cookies));
}

static void
add_report_exchange(void *self, const struct core_exchange_info *i)
{
	struct text *t = self;
	struct ctl_exchange x;
	struct value policy;
	STR(s, REPORT_ITEM_MAX);

	ike_exchange_of(t->now, i, &x);
	if (store_get(t->ike->store, x.name, "Configuration", &policy))
		text_copy(x.policy, sizeof(x.policy), policy.text);
	report_exchange(&s, ++t->number, &x);
	text_add(t, &s);
}

void
ike_connection_of(const struct ike *ike, struct mono now, const struct core_connection_info *i,
    struct ctl_connection *ret)
{
	const struct connection *c = ike->snapshot == NULL ? NULL :
	    snapshot_connection(ike->snapshot, i->name);

	*ret = (struct ctl_connection){ .active = i->active, .up = i->up,
	    .check = ike_timer_of(now, i->next_check) };
	text_copy(ret->name, sizeof(ret->name), i->name);
	if (c != NULL) {
		ret->passive = c->passive;
		ret->local_id = c->local_id;
		ret->remote_id = c->remote_id;
		text_copy(ret->peer, sizeof(ret->peer), c->peer->name);
	}
}

static void
add_report_connection(void *self, const struct core_connection_info *i)
{
	struct text *t = self;
	struct ctl_connection out;
	STR(s, REPORT_ITEM_MAX);

	ike_connection_of(t->ike, t->now, i, &out);
	report_connection(&s, &out);
	text_add(t, &s);
}

static void
add_transports(struct text *t)
{
	for (size_t i = 0; i < IKE_SOCKETS; i++) {
		const struct ike_socket *k = &t->ike->socket[i];
		struct ctl_transport out = { .fd = k->fd, .encap = k->encap,
		    .local = { .addr = { .family = k->ip6 ? FAMILY_IP6 : FAMILY_IP4 },
		    .port = k->port } };
		STR(s, REPORT_ITEM_MAX);
		if (k->fd < 0)
			continue;
		report_transport(&s, (unsigned)i + 1, &out);
		text_add(t, &s);
	}
}

static void
add_timer(struct text *t, const char *event, unsigned number, struct mono at)
{
	const struct ctl_timer timer = ike_timer_of(t->now, at);
	STR(s, 256);

	report_timer(&s, event, number, &timer);
	text_add(t, &s);
}

/* The numbers are those of sa_report, exchange_report, and the order of connections. */
static void
add_sa_timers(void *self, const struct core_sa_info *i)
{
	struct text *t = self;

	t->number++;
	add_timer(t, "sa_soft_expire", t->number, i->soft_at);
	add_timer(t, "sa_hard_expire", t->number, i->hard_at);
}

static void
add_exchange_timer(void *self, const struct core_exchange_info *i)
{
	struct text *t = self;

	add_timer(t, "exchange_free_aux", ++t->number, i->deadline);
}

static void
add_connection_timer(void *self, const struct core_connection_info *i)
{
	struct text *t = self;

	add_timer(t, "connection_checker", ++t->number, i->next_check);
}

static void
add_timers(struct text *t)
{
	t->number = 0;
	core_each_sa(t->ike->core, add_sa_timers, t);
	t->number = 0;
	core_each_exchange(t->ike->core, add_exchange_timer, t);
	t->number = 0;
	core_each_connection(t->ike->core, add_connection_timer, t);
}

static bool
add_conf_entry(void *self, const struct store_entry *e)
{
	struct text *t = self;
	STR(s, REPORT_ITEM_MAX);

	if (!t->any || strcmp(t->last, e->section) != 0)
		report_conf_section(&s, e->section, !t->any);
	t->any = true;
	text_copy(t->last, sizeof(t->last), e->section);
	report_conf_value(&s, e->tag, e->value);
	text_add(t, &s);
	return true;
}

static void
build_report(struct text *t)
{
	STR(s, 256);

	core_each_sa(t->ike->core, add_report_sa, t);
	t->number = 0;
	core_each_exchange(t->ike->core, add_report_exchange, t);
	add_transports(t);
	core_each_connection(t->ike->core, add_report_connection, t);
	add_timers(t);
	report_conf_begin(&s);
	text_add(t, &s);
	store_each(t->ike->store, add_conf_entry, t);
}

/* ---- to the monitor ---- */

static bool
out_piece(struct ike *ike, uint16_t type, enum out_file file, struct view v)
{
	struct wr *w = role_body(ike->ctx, ROLE_MONITOR);

	wr_u8(w, (uint8_t)file);
	wr_view(w, v);
	return role_send(ike->ctx, ROLE_MONITOR, type);
}

void
ike_out(struct ike *ike, enum out_file file, struct view v)
{
	bool ok = out_piece(ike, MSG_RESULT_BEGIN, file, (struct view){ 0 });

	while (ok && v.n > 0) {
		size_t n = v.n < PIECE ? v.n : PIECE;
		ok = out_piece(ike, MSG_RESULT_DATA, file, view_of(v.p, n));
		v = view_of(v.p + n, v.n - n);
	}
	if (!ok || !out_piece(ike, MSG_RESULT_END, file, (struct view){ 0 }))
		role_log(ike->ctx, ROLE_LOG_ERROR, 0, "result or report file not written: "
		    "the monitor does not keep up");
}

static struct view
view_of_text(const struct text *t)
{
	return view_of(t->p, t->n);
}

void
ike_result_table(struct ike *ike)
{
	struct text t = { .ike = ike, .now = role_now() };

	core_each_sa(ike->core, add_table_sa, &t);
	ike_out(ike, OUT_RESULT, view_of_text(&t));
	free(t.p);
}

void
ike_result_text(struct ike *ike, const char *text)
{
	struct text t = { .ike = ike };
	STR(s, FIFO_VALUE_MAX + 2);

	if (text != NULL) {
		str_add(&s, text);
		str_char(&s, '\n');
	}
	text_add(&t, &s);
	ike_out(ike, OUT_RESULT, view_of_text(&t));
	free(t.p);
}

/* Calls each line without its newline. */
static void
each_line(struct view v, void (*line)(struct text *, struct view), struct text *to)
{
	while (v.n > 0) {
		const uint8_t *end = memchr(v.p, '\n', v.n);
		size_t n = end == NULL ? v.n : (size_t)(end - v.p);
		line(to, view_of(v.p, n));
		if (end == NULL)
			return;
		v = view_of(v.p + n + 1, v.n - n - 1);
	}
}

static void
line_to_log(struct text *to, struct view v)
{
	STR(s, 1800);

	for (size_t i = 0; i < v.n; i++)	/* escaped where it was made */
		str_char(&s, (char)v.p[i]);
	role_log_text(to->ike->ctx, ROLE_LOG_REPORT, 0, s.p);
}

static void
line_to_file(struct text *to, struct view v)
{
	STR(s, REPORT_ITEM_MAX + 64);

	log_stamp(&s, LOG_KIND_REPORT, 0);
	for (size_t i = 0; i < v.n; i++)
		str_char(&s, (char)v.p[i]);
	str_char(&s, '\n');
	text_add(to, &s);
}

void
ike_report_log(struct ike *ike)
{
	struct text t = { .ike = ike, .now = role_now() };

	build_report(&t);
	each_line(view_of_text(&t), line_to_log, &t);
	free(t.p);
}

void
ike_report_file(struct ike *ike)
{
	struct text t = { .ike = ike, .now = role_now() }, out = { .ike = ike };

	build_report(&t);
	each_line(view_of_text(&t), line_to_file, &out);
	ike_out(ike, OUT_REPORT, view_of_text(&out));
	free(out.p);
	free(t.p);
}
