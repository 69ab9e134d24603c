#include "ctl/status_find.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/*
 * Members are added through these; a failed one is noticed once, at the end,
 * because every step reports into the same flag.
 */
struct out {
	const struct ctl_status	*st;
	bool			 bad;
};

static void
put(struct out *o, json_t *object, const char *key, json_t *value)
{
	if (json_object_set_new(object, key, value) != 0)
		o->bad = true;
}

static void
put_number(struct out *o, json_t *object, const char *key, uint64_t v)
{
	put(o, object, key, json_integer(v > INT64_MAX ? INT64_MAX : (json_int_t)v));
}

static void
put_bool(struct out *o, json_t *object, const char *key, bool v)
{
	put(o, object, key, json_boolean(v));
}

/* Texts are ASCII when they arrive in JSON, whatever a file or peer put in. */
static void
put_text(struct out *o, json_t *object, const char *key, const char *text)
{
	STR(s, 1024);

	str_escaped(&s, view_str(text));
	put(o, object, key, json_string(s.p));
}

/* A text that was escaped when it was made; checked all the same. */
static void
put_known(struct out *o, json_t *object, const char *key, const char *text)
{
	if (*text == '\0')
		return;
	json_t *value = json_string(text);
	if (value != NULL)
		put(o, object, key, value);
	else
		put_text(o, object, key, text);
}

static void
put_hex(struct out *o, json_t *object, const char *key, struct view v)
{
	STR(s, 128);

	str_hex(&s, v);
	put(o, object, key, json_string(s.p));
}

static void
put_spi(struct out *o, json_t *object, const char *key, uint32_t spi)
{
	STR(s, 16);

	if (spi == 0)
		return;
	str_addf(&s, "%08x", (unsigned)spi);
	put(o, object, key, json_string(s.p));
}

static void
put_endpoint(struct out *o, json_t *object, const char *key, const struct endpoint *e)
{
	STR(s, 80);

	if (e->addr.family == FAMILY_NONE)
		return;
	/* IPsec SAs have no ports of their own. */
	if (e->port == 0)
		addr_print(&s, &e->addr);
	else
		endpoint_print(&s, e);
	put(o, object, key, json_string(s.p));
}

static void
put_id(struct out *o, json_t *object, const char *key, const struct id *id, const char *name)
{
	STR(s, 4 * ID_DATA_MAX + 64);

	if (id->type == 0)
		return;
	ctl_id_print(&s, id, name);
	put(o, object, key, json_string(s.p));
}

static void
put_timer(struct out *o, json_t *object, const char *key, const struct ctl_timer *t)
{
	if (t->armed)
		put(o, object, key, json_integer(t->secs));
}

static void
put_reg(struct out *o, json_t *object, const char *key, enum registry reg, uint32_t number)
{
	char room[24];

	put(o, object, key, json_string(reg_text(reg, number, room)));
}

static json_t *
flags_json(struct out *o, uint32_t flags)
{
	static const struct { uint32_t bit; const char *text; } names[] = {
		{ CTL_SA_READY, "ready" }, { CTL_SA_STAY_ALIVE, "stay-alive" },
		{ CTL_SA_ON_DEMAND, "on-demand" }, { CTL_SA_REPLACED, "replaced" },
		{ CTL_SA_FADING, "fading" }, { CTL_SA_ACTIVE_ONLY, "active-only" },
		{ CTL_SA_IKECFG, "ikecfg" }, { CTL_SA_DPD, "dpd" },
		{ CTL_SA_NAT_T, "nat-t" }, { CTL_SA_NAT_KEEPALIVE, "nat-keepalive" },
	};
	json_t *list = json_array();

	for (size_t i = 0; i < COUNT(names); i++)
		if ((flags & names[i].bit) != 0 &&
		    json_array_append_new(list, json_string(names[i].text)) != 0)
			o->bad = true;
	return list;
}

static json_t *
usage_json(struct out *o, const struct sa_usage *u)
{
	json_t *j = json_object();

	put_number(o, j, "in_packets", u->in_packets);
	put_number(o, j, "in_bytes", u->in_bytes);
	put_number(o, j, "in_refused", u->in_refused);
	put_number(o, j, "out_packets", u->out_packets);
	put_number(o, j, "out_bytes", u->out_bytes);
	if (u->in_idle != UINT32_MAX)
		put_number(o, j, "in_idle", u->in_idle);
	if (u->out_idle != UINT32_MAX)
		put_number(o, j, "out_idle", u->out_idle);
	return j;
}

static void
phase1_json(struct out *o, json_t *j, const struct ctl_sa *sa)
{
	if (sa->cipher == 0)
		return;		/* nothing chosen yet */
	put_reg(o, j, "cipher", REG_CIPHER, sa->cipher);
	if (sa->key_bits != 0)
		put_number(o, j, "key_bits", sa->key_bits);
	put_reg(o, j, "hash", REG_HASH, sa->hash);
	put_reg(o, j, "authentication", REG_AUTH_METHOD, sa->auth);
	put_reg(o, j, "group", REG_GROUP, sa->group);
}

static void
phase2_json(struct out *o, json_t *j, const struct ctl_sa *sa)
{
	STR(suite, 96);
	STR(flow, 256);

	put_spi(o, j, "message_id", sa->message_id);	/* never 0 in phase 2 */
	put_spi(o, j, "spi_out", sa->spi_out);
	put_spi(o, j, "spi_in", sa->spi_in);
	sa_suite_print(&suite, &sa->suite);
	put_text(o, j, "suite", suite.p);
	if (sa->pfs_group != GROUP_NONE)
		put_reg(o, j, "pfs_group", REG_GROUP, sa->pfs_group);
	if (sa->flow.local.net.first.family != FAMILY_NONE) {
		flow_print(&flow, &sa->flow);
		put_text(o, j, "flow", flow.p);
	}
	if (sa->has_usage)
		put(o, j, "usage", usage_json(o, &sa->usage));
}

static json_t *
sa_json(struct out *o, const struct ctl_sa *sa)
{
	json_t *j = json_object();

	put_number(o, j, "phase", (uint64_t)sa->phase);
	put_text(o, j, "name", sa->name);
	put(o, j, "role", json_string(sa->initiator ? "initiator" : "responder"));
	put_endpoint(o, j, "local", &sa->local);
	put_endpoint(o, j, "remote", &sa->remote);
	put_id(o, j, "local_id", &sa->local_id, sa->local_name);
	put_id(o, j, "remote_id", &sa->remote_id, sa->remote_name);
	put_hex(o, j, "icookie", view_of(sa->cookies, 8));
	put_hex(o, j, "rcookie", view_of(sa->cookies + 8, 8));
	if (sa->life_secs != 0)
		put_number(o, j, "life_seconds", sa->life_secs);
	if (sa->life_kb != 0)
		put_number(o, j, "life_kilobytes", sa->life_kb);
	put_timer(o, j, "soft_in", &sa->soft);
	put_timer(o, j, "hard_in", &sa->hard);
	put(o, j, "flags", flags_json(o, sa->flags));
	if (sa->phase == 1)
		phase1_json(o, j, sa);
	else
		phase2_json(o, j, sa);
	return j;
}

static json_t *
exchange_json(struct out *o, const struct ctl_exchange *x)
{
	json_t *j = json_object();

	put_number(o, j, "phase", (uint64_t)x->phase);
	put_reg(o, j, "type", REG_EXCHANGE, x->type);
	put_text(o, j, "name", x->name);
	put_text(o, j, "state", x->state);
	put(o, j, "role", json_string(x->initiator ? "initiator" : "responder"));
	put_endpoint(o, j, "local", &x->local);
	put_endpoint(o, j, "remote", &x->remote);
	put_hex(o, j, "icookie", view_of(x->cookies, 8));
	put_hex(o, j, "rcookie", view_of(x->cookies + 8, 8));
	put_timer(o, j, "ends_in", &x->deadline);
	return j;
}

static json_t *
connection_json(struct out *o, const struct ctl_connection *c)
{
	const struct ctl_failure *f = c->up ? NULL : status_failure_of(o->st, c);
	json_t *j = json_object();

	put_text(o, j, "name", c->name);
	if (c->peer[0] != '\0')
		put_text(o, j, "peer", c->peer);
	put_bool(o, j, "active", c->active);
	put_bool(o, j, "passive", c->passive);
	put_bool(o, j, "up", c->up);
	if (!c->up)
		put_bool(o, j, "negotiating", status_exchange_of(o->st, c) != NULL);
	if (f != NULL) {
		put_text(o, j, "last_failure", why_name(f->why));
		put_number(o, j, "last_failure_ago", f->ago > 0 ? (uint64_t)f->ago : 0);
	}
	put_timer(o, j, "check_in", &c->check);
	put_id(o, j, "local_id", &c->local_id, NULL);
	put_id(o, j, "remote_id", &c->remote_id, NULL);
	return j;
}

static json_t *
failure_json(struct out *o, const struct ctl_failure *f)
{
	json_t *j = json_object();

	put(o, j, "ago", json_integer(f->ago));
	put_number(o, j, "count", f->count);
	put_text(o, j, "why", why_name(f->why));
	put_text(o, j, "text", why_text(f->why));
	put_known(o, j, "peer", f->peer);
	put_known(o, j, "connection", f->connection);
	put_known(o, j, "exchange", f->exchange);
	put_known(o, j, "field", f->field);
	put_known(o, j, "expected", f->expected);
	put_known(o, j, "got", f->got);
	put_known(o, j, "where", f->where);
	put_known(o, j, "remedy", f->remedy);
	return j;
}

static json_t *
certificate_json(struct out *o, const struct ctl_certificate *c)
{
	json_t *j = json_object();

	put_text(o, j, "kind", c->kind);
	put_text(o, j, "file", c->file);
	put_text(o, j, "subject", c->subject);
	put(o, j, "from", json_integer(c->from));
	if (c->until != 0) {
		put(o, j, "until", json_integer(c->until));
		put(o, j, "left", json_integer(c->left));
	}
	return j;
}

#define LIST(o, root, key, items, n, each) do {					\
	json_t *list = json_array();						\
	for (size_t i = 0; i < (n); i++)					\
		if (json_array_append_new(list, each(o, &(items)[i])) != 0)	\
			(o)->bad = true;					\
	put(o, root, key, list);						\
} while (0)

void
status_prepare(void)
{
	json_object_seed(0);
}

char *
status_json(const struct ctl_status *st)
{
	struct out o = { .st = st };
	json_t *root = json_object();

	put_text(&o, root, "version", st->version);
	put_text(&o, root, "backend", st->backend);
	put(&o, root, "uptime", json_integer(st->uptime));
	put(&o, root, "mode", json_string(st->passive ? "passive" : "active"));
	LIST(&o, root, "connections", st->connections, st->n_connections, connection_json);
	LIST(&o, root, "sas", st->sas, st->n_sas, sa_json);
	LIST(&o, root, "exchanges", st->exchanges, st->n_exchanges, exchange_json);
	LIST(&o, root, "failures", st->failures, st->n_failures, failure_json);
	LIST(&o, root, "certificates", st->certificates, st->n_certificates, certificate_json);

	char *compact = o.bad ? NULL : json_dumps(root, JSON_INDENT(1) | JSON_PRESERVE_ORDER);
	json_decref(root);
	if (compact == NULL)
		return NULL;
	size_t n = strlen(compact);
	char *text = realloc(compact, n + 2);
	if (text == NULL) {
		free(compact);
		return NULL;
	}
	text[n] = '\n';
	text[n + 1] = '\0';
	return text;
}
