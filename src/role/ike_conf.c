/* The configuration: text from `keys` without secrets, edited by FIFO. */
#include <stdlib.h>
#include <string.h>

#include "conf/problem.h"
#include "role/ike_internal.h"

/* What the lists of connections say waits for the end of a batch (isakmpd.md 6.2). */
enum {
	APPLY_MS = 200, LISTS_MS = 5000,
	HOLD_MS = 2000		/* far more than trust needs to load */
};

/* ---- debug levels ---- */

void
ike_levels_changed(struct ike *ike)
{
	levels_encode(role_body(ike->ctx, ROLE_MONITOR), &ike->ctx->options);
	(void)!role_send(ike->ctx, ROLE_MONITOR, MSG_LEVELS);
}

void
ike_set_level(struct ike *ike, int class, int level)
{
	if (class < 0 || class >= DEBUG_CLASSES)
		return;
	ike->ctx->options.level[class] = (uint8_t)(level < 0 ? 0 : level > 255 ? 255 : level);
	core_log_level(ike->core, class, ike->ctx->options.level[class]);
}

/* [General]:Loglevel and Logverbose; what was switched on stays on. */
static void
apply_levels(struct ike *ike)
{
	struct options *o = &ike->ctx->options;
	struct value v;
	struct view member;

	if (store_get(ike->store, "General", "Logverbose", &v))
		o->verbose = true;
	if (store_get(ike->store, "General", "Loglevel", &v)) {
		struct list_walk walk = { .text = v.text };
		struct fifo_command *c = calloc(1, sizeof(*c));
		while (c != NULL && list_next(&walk, &member)) {
			STR(arg, 64);
			STR(error, 256);
			str_escaped(&arg, member);
			if (!fifo_debug_option(arg.p, c, &error))
				role_log(ike->ctx, ROLE_LOG_ERROR, 0,
				    "init: invalid logging class or level: %s", arg.p);
			else
				for (int i = 0; i < DEBUG_CLASSES; i++)
					if (c->verb == FIFO_DEBUG_ALL || c->class == i)
						ike_set_level(ike, i, c->level);
		}
		free(c);
	}
	ike_levels_changed(ike);
}

/* ---- snapshots ---- */

static size_t
addresses_of(struct ike *ike, const char *name, enum family family,
    struct conf_interface_address *ret, size_t most)
{
	size_t n = 0;

	for (size_t i = 0; i < ike->n_addresses && n < most; i++) {
		const struct net_interface_address *a = &ike->address[i];
		if (a->addr.family == family && strcmp(a->name, name) == 0)
			ret[n++] = (struct conf_interface_address){ .addr = a->addr, .bits = a->bits };
	}
	return n;
}

/* The interface by which everything leaves that has no better route. */
static const char *
default_interface(struct ike *ike, enum family family)
{
	struct addr far, local;

	/* Any global address will do: nothing is sent there. */
	if (!addr_parse(family == FAMILY_IP6 ? "2001:db8::1" : "192.0.2.1", &far) ||
	    !ike_source(ike, &far, &local))
		return NULL;
	for (size_t i = 0; i < ike->n_addresses; i++)
		if (addr_equal(&ike->address[i].addr, &local))
			return ike->address[i].name;
	return NULL;
}

static size_t
env_addresses(void *self, const char *name, enum family family,
    struct conf_interface_address *ret, size_t most)
{
	struct ike *ike = self;

	if (strcmp(name, "default") == 0)
		name = default_interface(ike, family);
	return name == NULL ? 0 : addresses_of(ike, name, family, ret, most);
}

static void
log_problems(struct ike *ike, const struct problems *p)
{
	const char *file = ike->ctx->options.config;

	for (size_t i = 0; i < p->n; i++) {
		STR(line, 1024);
		problem_print(&line, file, &p->v[i]);
		role_log_text(ike->ctx, p->v[i].severity == PROBLEM_ERROR ? ROLE_LOG_ERROR :
		    ROLE_LOG_NORMAL, 0, line.p);
	}
	if (p->dropped > 0)
		role_log(ike->ctx, ROLE_LOG_NORMAL, 0, "%s: %zu more problems", file, p->dropped);
}

/* What cannot be done yet is refused with its reason instead of half done. */
static bool
policy_allows(struct ike *ike, const struct snapshot *s)
{
	if (ike->ctx->options.no_policy || !s->use_keynote)
		return true;
	role_log(ike->ctx, ROLE_LOG_ERROR, 0, "%s: KeyNote policy checking is not part of this "
	    "version: start with -K, or set Use-Keynote=no in [General]", ike->ctx->options.config);
	return false;
}

static struct snapshot *
build(struct ike *ike, struct store *store, struct problems *problems)
{
	struct conf_env env = { .self = ike, .file = ike->ctx->options.config,
	    .addresses = env_addresses, .psk_mark = ike_psk_version, .secrets_hidden = true };
	struct snapshot *s;

	ike->configurations++;

	/* -a is the same as the tag. */
	if (ike->ctx->options.acquire_only && store_begin(store) == STORE_OK) {
		(void)store_set(store, "General", "Acquire-Only", "yes", true);
		(void)store_commit(store);
	}
	s = snapshot_build(store, &env, problems);
	log_problems(ike, problems);
	if (s != NULL && !policy_allows(ike, s)) {
		problems->errors++;
		snapshot_unref(s);
		s = NULL;
	}
	return s;
}

static void
take_snapshot(struct ike *ike, struct snapshot *s)
{
	snapshot_unref(ike->snapshot);
	ike->snapshot = s;
	if (!ike->holding)
		core_configure(ike->core, role_now(), s);
}

/* ---- the beginning ---- */

static void
on_hold(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	ike_conf_begin(arg);
	ike_drain(arg);
}

/*
 * Where something is to be signed, the first negotiation waits a moment for
 * trust: a peer that sends its certificate only when asked for it has to be
 * asked.  (spec: authentication.md section 6.3, CERT_REQ)
 */
static bool
hold(struct ike *ike)
{
	const struct timeval tv = { .tv_sec = HOLD_MS / 1000, .tv_usec = HOLD_MS % 1000 * 1000 };

	if (ike->hold == NULL)
		ike->hold = event_new(ike->ctx->base, -1, 0, on_hold, ike);
	return ike->hold != NULL && event_add(ike->hold, &tv) == 0;
}

void
ike_conf_begin(struct ike *ike)
{
	if (!ike->holding)
		return;
	ike->holding = false;
	if (ike->hold != NULL)
		event_del(ike->hold);
	core_configure(ike->core, role_now(), ike->snapshot);
	ike_fifo_start(ike);
}

bool
ike_apply(struct ike *ike)
{
	struct problems problems = { 0 };
	struct snapshot *s = build(ike, ike->store, &problems);

	if (s != NULL) {
		ike_keys_paths(ike, s);
		take_snapshot(ike, s);
		ike_trust_configure(ike, false);
	} else {
		role_log(ike->ctx, ROLE_LOG_ERROR, 0, "the configuration is not usable as it is now "
		    "(%zu errors); the previous one stays in force", problems.errors);
	}
	problems_done(&problems);
	return s != NULL;
}

void
ike_apply_soon(struct ike *ike, bool lists)
{
	int ms = lists ? LISTS_MS : APPLY_MS;
	struct timeval tv = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };

	ike->changed = true;
	/* Another change does not bring the lists forward: they may be half written. */
	if (!lists && ike->lists_changed)
		return;
	ike->lists_changed = lists;
	event_add(ike->apply, &tv);
}

void
ike_apply_pending(struct ike *ike)
{
	if (!ike->changed)
		return;
	ike->changed = ike->lists_changed = false;
	event_del(ike->apply);
	(void)ike_apply(ike);
}

/* ---- files ---- */

void
ike_conf_ask(struct ike *ike)
{
	ike->conf_asked = true;
	(void)role_body(ike->ctx, ROLE_MONITOR);
	(void)!role_send(ike->ctx, ROLE_MONITOR, MSG_CONF_WANTED);
}

void
ike_reload(struct ike *ike)
{
	role_log(ike->ctx, ROLE_LOG_NORMAL, 0, "isakmpd: reinitializing daemon");
	(void)ike_interfaces_read(ike);
	ike_conf_ask(ike);
}

/* The keys of a file count from the moment its configuration does, or never. */
static void
take_keys(struct ike *ike, bool taken)
{
	ike_psk_file_end(ike, taken);
	wr_u8(role_body(ike->ctx, ROLE_KEYS), taken ? 1 : 0);
	if (!role_send(ike->ctx, ROLE_KEYS, MSG_CONF_TAKE))
		role_log(ike->ctx, ROLE_LOG_ERROR, 0, "role ike: keys was not told of the new "
		    "configuration");
}

static void
fatal(struct ike *ike, const char *text)
{
	wr_view(role_body(ike->ctx, ROLE_MONITOR), view_str(text));
	(void)!role_send(ike->ctx, ROLE_MONITOR, MSG_FATAL);
}

/*
 * A whole file has come.  At the start an unusable one ends the daemon: it
 * would run and do nothing.  Later the running configuration stays.
 */
static void
load(struct ike *ike, struct view text)
{
	struct problems problems = { 0 };
	struct store *fresh = store_new();
	struct snapshot *s = NULL;

	ike_psk_file_judge(ike);
	if (fresh != NULL && store_load(fresh, text, &problems))
		s = build(ike, fresh, &problems);
	take_keys(ike, s != NULL);
	if (s == NULL) {
		store_free(fresh);
		role_log(ike->ctx, ROLE_LOG_ERROR, 0, "%s: not usable (%zu errors)%s",
		    ike->ctx->options.config, problems.errors,
		    ike->configured ? "; the running configuration stays" : "");
		if (!ike->configured)
			fatal(ike, "no usable configuration: see above");
		problems_done(&problems);
		return;
	}
	problems_done(&problems);
	bool first = !ike->configured;
	ike->configured = true;
	ike->holding = ike->holding || first;
	ike->changed = ike->lists_changed = false;
	event_del(ike->apply);
	store_free(ike->store);
	ike->store = fresh;
	apply_levels(ike);
	core_forget_orders(ike->core);
	ike_keys_files(ike, s);
	take_snapshot(ike, s);
	ike_trust_configure(ike, true);
	ike_identities_check(ike);
	if (!first && s->renegotiate_on_hup)
		core_renegotiate(ike->core, role_now());
	if (first && (!ike_identities_sign(ike) || !hold(ike)))
		ike_conf_begin(ike);
}

static bool
on_begin(struct ike *ike, struct rd *r)
{
	uint32_t n = rd_u32(r);
	struct view name = rd_rest(r);

	if (r->bad || n > STORE_FILE_MAX)
		return false;
	free(ike->text.p);
	ike_psk_file_begins(ike);
	ike->text = (struct ike_text){ .want = n, .p = malloc(n > 0 ? n : 1) };
	STR(shown, OPTION_PATH_MAX);
	str_escaped(&shown, name);
	text_copy(ike->text.name, sizeof(ike->text.name), shown.p);
	return true;
}

static bool
on_text(struct ike *ike, struct rd *r)
{
	struct ike_text *t = &ike->text;
	struct view v = rd_rest(r);

	if (v.n > t->want - t->n)
		return false;
	if (t->p != NULL && v.n > 0)
		memcpy(t->p + t->n, v.p, v.n);
	t->n += v.n;
	return true;
}

static bool
on_end(struct ike *ike, struct rd *r)
{
	struct ike_text t = ike->text;
	uint8_t complete = rd_u8(r);
	struct view why = rd_rest(r);

	if (complete > 1 || (complete == 1 && t.n != t.want))
		return false;
	ike->text = (struct ike_text){ 0 };
	ike->conf_asked = false;
	if (complete == 1 && t.p != NULL) {
		load(ike, view_of(t.p, t.n));
	} else if (why.n == 0 && !ike->configured) {
		/* No file is normal: everything may come by the FIFO. */
		role_log(ike->ctx, ROLE_LOG_NORMAL, 0, "%s does not exist: built-in values only",
		    ike->ctx->options.config);
		load(ike, (struct view){ 0 });
	} else {
		STR(text, 512);
		if (complete == 1)	/* there was no room for it */
			take_keys(ike, false);
		str_escaped(&text, why);
		role_log(ike->ctx, ROLE_LOG_ERROR, 0, "configuration not read: %s%s", text.p,
		    ike->configured ? "; the running configuration stays" : "");
		if (!ike->configured)
			fatal(ike, "no usable configuration: see above");
	}
	free(t.p);
	return true;
}

/* What keys says of a key it holds; never the key. */
static bool
on_psk_info(struct ike *ike, struct rd *r)
{
	struct view section = rd_view(r, rd_u16(r));
	uint16_t octets = rd_u16(r);
	uint16_t line = rd_u16(r);
	uint8_t weak = rd_u8(r);
	uint64_t mark = rd_u64(r);
	char plain[STORE_NAME_MAX + 1];
	STR(name, 256);

	if (!rd_end(r) || section.n > STORE_NAME_MAX)
		return false;
	if (section.n > 0)
		memcpy(plain, section.p, section.n);
	plain[section.n] = '\0';
	ike_psk_marked(ike, plain, mark);
	str_escaped(&name, section);
	if (weak != 0)
		role_log(ike->ctx, ROLE_LOG_NORMAL, 0, "%s:%u: warning: [%s]:Authentication is easy "
		    "to guess (%u octets): use 20 random characters or more",
		    ike->ctx->options.config, line, name.p, octets);
	return true;
}

bool
ike_conf_message(struct ike *ike, struct channel_in *in)
{
	switch (in->type) {
	case MSG_CONF_BEGIN:
		return on_begin(ike, &in->body);
	case MSG_CONF_TEXT:
		return on_text(ike, &in->body);
	case MSG_CONF_END:
		return on_end(ike, &in->body);
	case MSG_KEY_HELD:
		return ike_identities_key(ike, &in->body);
	case MSG_PSK_INFO:
		return on_psk_info(ike, &in->body);
	default:
		return false;
	}
}
