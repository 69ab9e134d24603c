/* [Phase 2] and its connections (isakmpd-conf.md 4.3, 6.1). */
#include <stdlib.h>

#include "conf/build.h"

enum { FLAG_ACTIVE_ONLY = 1, FLAG_ON_DEMAND = 2 };

/* ---- which there are ---- */

static void
connection_peer(struct build *b, struct sect *s)
{
	struct value v;

	if (!get(b, s->name, "ISAKMP-peer", &v)) {
		STR(shown, 160);
		str_escaped(&shown, view_str(s->name));
		complain(b, PROBLEM_ERROR, ref_section(b, s->name), "add ISAKMP-peer=",
		    "exchange_establish: No ISAKMP-peer given for \"%s\"", shown.p);
		return;
	}
	struct sect *peer = peer_use(b, ref_value(s->name, "ISAKMP-peer", &v), v.text);
	if (peer != NULL)
		peer->of_connection = true;
}

static void
list_connection(struct build *b, struct ref ref, struct view name, bool active)
{
	struct sect *s = section_use(b, ref, name, KIND_CONNECTION);

	if (s == NULL)
		return;
	if (s->listed) {
		SHOW(shown, name);
		complain(b, PROBLEM_WARNING, ref, "once is enough", "\"%s\" is listed twice", shown.p);
		return;
	}
	if (b->connections.n >= CONNECTIONS_MAX) {
		complain(b, PROBLEM_ERROR, ref, "", "more than %d connections", CONNECTIONS_MAX);
		return;
	}
	if (strlen(s->name) >= SA_NAME_MAX)
		complain(b, PROBLEM_ERROR, ref, "", "connection name longer than %d characters",
		    SA_NAME_MAX - 1);
	s->listed = sects_add(b, &b->connections, s);
	s->active = active;
	connection_peer(b, s);
}

static void
list_connections(struct build *b, const char *tag, bool active)
{
	struct list_walk walk = { 0 };
	struct value v;
	struct view member;

	if (!get(b, "Phase 2", tag, &v))
		return;
	for (walk.text = v.text; list_next(&walk, &member) && !b->no_memory;)
		list_connection(b, ref_member(b, "Phase 2", tag, &v, member), member, active);
	if (walk.empty > 0)
		complain(b, PROBLEM_WARNING, ref_value("Phase 2", tag, &v), "",
		    "conf_get_list: empty field, ignoring...");
}

void
build_phase2(struct build *b)
{
	(void)section_mark(b, view_str("Phase 2"), KIND_PHASE2);
	list_connections(b, "Connections", true);
	list_connections(b, "Passive-connections", false);
}

/* ---- one connection ---- */

static bool
connection_id(struct build *b, const char *section, const char *tag, struct id *ret)
{
	struct value v;

	if (!get(b, section, tag, &v))
		return false;
	struct sect *s = section_use(b, ref_value(section, tag, &v), view_str(v.text), KIND_P2_ID);
	if (s != NULL)
		(void)p2_id(b, s, ret);
	return true;
}

static void
ids_agree(struct build *b, const struct connection *c)
{
	const struct id *l = &c->local_id, *r = &c->remote_id;

	if (l->type == 0 || r->type == 0)
		return;
	if (l->range.first.family != r->range.first.family)
		complain(b, PROBLEM_ERROR, ref_section(b, c->name), "",
		    "Local-ID and Remote-ID are of different address families");
	if (range_equal(&l->range, &r->range))
		complain(b, PROBLEM_WARNING, ref_section(b, c->name), "",
		    "Local-ID and Remote-ID are the same");
	if (l->protocol != r->protocol)
		complain(b, PROBLEM_ERROR, ref_section(b, c->name),
		    "write the same Protocol in both ID sections",
		    "Local-ID and Remote-ID have different protocols");
}

static void
connection_ids(struct build *b, struct connection *c)
{
	struct value v;
	bool local = connection_id(b, c->name, "Local-ID", &c->local_id);
	bool remote = connection_id(b, c->name, "Remote-ID", &c->remote_id);

	if (connection_id(b, c->name, "NAT-ID", &c->nat_id) && c->nat_id.type != 0 &&
	    c->local_id.type != 0 && c->nat_id.range.first.family !=
	    c->local_id.range.first.family && get(b, c->name, "NAT-ID", &v))
		complain(b, PROBLEM_ERROR, ref_value(c->name, "NAT-ID", &v), "",
		    "NAT-ID and Local-ID are of different address families");
	c->local_id_line = line_of_tag(b, c->name, "Local-ID");
	c->remote_id_line = line_of_tag(b, c->name, "Remote-ID");
	ids_agree(b, c);
	if (!local && c->passive) {
		complain(b, c->active ? PROBLEM_WARNING : PROBLEM_ERROR, ref_section(b, c->name),
		    c->active ? "add Local-ID=, or Flags=Active-only" : "add Local-ID=",
		    "connection_record_passive: \"Local-ID\" is missing from section [%.80s]", c->name);
		c->passive = false;
	}
	if (local && !remote && c->active)
		complain(b, PROBLEM_WARNING, ref_section(b, c->name), "add Remote-ID=",
		    "without Remote-ID no IDs are sent: the tunnel is for the two hosts only");
}

static void
connection_unavailable(struct build *b, const char *section)
{
	struct value v;

	on_demand_tags(b, section);
	if (get(b, section, "Interface", &v))
		complain(b, PROBLEM_ERROR, ref_value(section, "Interface", &v),
		    "remove the tag, and say in Local-ID and Remote-ID what the tunnel is for",
		    "route-based tunnels: not available in this version");
	if (get(b, section, "PF-Tag", &v))
		complain(b, PROBLEM_WARNING, ref_value(section, "PF-Tag", &v), "",
		    "packet tags do not exist on this system: ignored");
}

/* Transport mode protects the two hosts and nothing behind them. */
static void
transport_ids(struct build *b, const struct connection *c, const struct p2_config *config)
{
	const struct id *ids[] = { &c->local_id, &c->remote_id };

	for (size_t i = 0; config->transport && i < COUNT(ids); i++)
		if (ids[i]->type != 0 && range_bits(&ids[i]->range) !=
		    (int)(8 * addr_len(&ids[i]->range.first))) {
			complain(b, PROBLEM_WARNING, ref_section(b, c->name),
			    "use a suite without -TRP, or IDs of single addresses",
			    "transport mode cannot carry the traffic of a network");
			return;
		}
}

static void
weak_choices(struct build *b, const struct connection *c, uint32_t phase2, uint32_t phase1)
{
	STR(text, 200);

	if (c->peer == NULL)
		return;		/* said already */
	uint32_t forbidden = weak_refused(b, c->peer, phase2);
	phase1 &= ~weak_refused(b, c->peer, phase1);	/* said already, too */
	if (forbidden != 0) {
		weak_print(&text, forbidden);
		complain(b, PROBLEM_ERROR, ref_section(b, c->name),
		    "choose stronger suites, or write Allow-weak=yes in the peer section",
		    "phase 2 would use %s", text.p);
		return;
	}
	if ((phase1 | phase2) == 0)
		return;
	if (phase1 != 0) {
		str_add(&text, "phase 1: ");
		weak_print(&text, phase1);
	}
	str_add(&text, phase1 != 0 && phase2 != 0 ? "; " : "");
	if (phase2 != 0) {
		str_add(&text, "phase 2: ");
		weak_print(&text, phase2);
	}
	complain(b, PROBLEM_WARNING, ref_section(b, c->name), "", "weak choices: %s", text.p);
}

static void
connection_suites(struct build *b, struct connection *c, uint32_t phase1_weak)
{
	struct value v;

	if (!get(b, c->name, "Configuration", &v)) {
		SHOW(name, view_str(c->name));
		complain(b, PROBLEM_ERROR, ref_section(b, c->name), "add Configuration=",
		    "exchange_establish_p2: no configuration for peer \"%s\"", name.p);
		return;
	}
	struct ref ref = ref_value(c->name, "Configuration", &v);
	struct sect *s = section_use(b, ref, view_str(v.text), KIND_P2_CONFIG);
	struct p2_config *config = s == NULL ? NULL : p2_config_of(b, s);
	if (config == NULL)
		return;
	c->suites_where = config->where.section != NULL ? config->where : c->where;
	c->suites = config->suites;
	c->n_suites = config->n;
	transport_ids(b, c, config);
	weak_choices(b, c, config->weak, phase1_weak);
	if (c->active && config->mixed_groups)
		complain(b, PROBLEM_ERROR, ref,
		    "give all of them the same -PFS-GRP part, or list the connection as passive",
		    "all suites of a connection that is brought up must have the same group, or none");
}

/* What the connection needs of its peer, beyond what the peer's own check says. */
static void
peer_usable(struct build *b, const struct connection *c, const struct sect *peer)
{
	const struct peer *p = c->peer;
	const struct p1_config *p1 = p1_config_known(b, p);

	SHOW(name, view_str(p->name));
	if (c->active && p1 != NULL && p1->n > 0 && !p1->offers)
		complain(b, PROBLEM_ERROR, ref_section(b, p->name), "",
		    "transforms with ANY can be accepted but not offered");
	if (c->active && p->address.family == FAMILY_NONE &&
	    !store_get(b->store, p->name, "Address", &(struct value){ 0 }))
		complain(b, PROBLEM_ERROR, ref_section(b, p->name), "add Address=",
		    "no address to bring up connections to");
	if (!c->passive)
		return;
	if (!peer->in_phase1 && !peer->is_default)
		complain(b, PROBLEM_WARNING, ref_section(b, c->name),
		    "add the peer's address to [Phase 1]",
		    "peer \"%s\" cannot begin: it is not in [Phase 1]", name.p);
	else if (p->address.family != FAMILY_NONE &&
	    snapshot_peer_for(b->snap, &p->address) != p)
		complain(b, PROBLEM_WARNING, ref_section(b, p->name),
		    "make Address and [Phase 1] agree",
		    "cannot begin: [Phase 1] does not lead from its address to this section");
}

static const struct sect *
peer_section(struct build *b, const char *connection)
{
	struct value v;

	if (!get(b, connection, "ISAKMP-peer", &v))
		return NULL;
	const struct sect *s = table_get(&b->sections, view_str(v.text));
	return s == NULL || s->peer == NULL ? NULL : s;
}

/* As the original did it for all connections (isakmpd.md 10.3). */
static void
any_suite(struct build *b, struct connection *c)
{
	struct value v;

	c->any_suite = get_yes(b, c->name, "Accept-any-suite", false);
	if (c->any_suite && get(b, c->name, "Accept-any-suite", &v))
		complain(b, PROBLEM_WARNING, ref_value(c->name, "Accept-any-suite", &v),
		    "find out what the peer proposes, and write it into Suites",
		    "the peer may choose any cipher, no encryption and no PFS included");
}

static void
build_connection(struct build *b, const struct sect *s, struct connection *c)
{
	static const char *const names[] = { "Active-only", "__ondemand" };
	const struct sect *peer = peer_section(b, s->name);
	uint32_t flags;

	c->where = where_of(s, 0);
	c->name = s->name;
	c->active = s->active;
	check_phase(b, s, "2");
	check_flags(b, s->name, names, COUNT(names), &flags);
	c->passive = !(flags & FLAG_ACTIVE_ONLY);
	if (!c->passive && !c->active)
		complain(b, PROBLEM_WARNING, ref_section(b, s->name),
		    "list it in Connections, or drop the flag",
		    "a passive connection that is Active-only does nothing");
	connection_unavailable(b, s->name);
	any_suite(b, c);
	connection_ids(b, c);
	if (peer == NULL) {
		connection_suites(b, c, 0);
		return;
	}
	c->peer = peer->peer;
	const struct p1_config *p1 = p1_config_known(b, c->peer);
	connection_suites(b, c, p1 == NULL ? 0 : p1->weak);
	peer_usable(b, c, peer);
}

/* ---- all of them ---- */

/* The connection that had this key before, or NULL: now c has it. */
static const struct connection *
had_before(struct build *b, struct table *seen, struct view key, struct connection *c)
{
	const struct connection *first = table_get(seen, key);
	char *kept = first != NULL ? NULL : arena_text(b->scratch, key);

	if (first == NULL && (kept == NULL || !table_put(seen, kept, c)))
		b->no_memory = true;
	return first;
}

/* The same traffic by two peers: the kernel leads it to one. */
static void
check_rivals(struct build *b)
{
	struct table seen = { 0 };

	for (size_t i = 0; i < b->snap->n_connections && !b->no_memory; i++) {
		struct connection *c = &b->snap->connections[i];
		const struct connection *rival;
		STR(key, 400);

		if (c->peer == NULL || c->local_id.type == 0 || c->remote_id.type == 0)
			continue;
		id_print(&key, c->nat_id.type != 0 ? &c->nat_id : &c->local_id);
		str_add(&key, " to ");
		id_print(&key, &c->remote_id);
		rival = had_before(b, &seen, view_str(key.p), c);
		if (rival != NULL && rival->peer != c->peer) {
			SHOW(name, view_str(rival->name));
			complain(b, PROBLEM_WARNING, ref_section(b, c->name),
			    "give them different IDs, or have only one of them",
			    "the same traffic as [%s], which is with another peer: only one of them can carry "
			    "it", name.p);
		}
	}
	table_done(&seen);
}

/* Two connections that the same peer could mean with the same IDs. */
static void
check_twins(struct build *b)
{
	struct table seen = { 0 };

	for (size_t i = 0; i < b->snap->n_connections && !b->no_memory; i++) {
		struct connection *c = &b->snap->connections[i];
		const struct connection *twin;
		STR(key, 400);

		if (c->peer == NULL || c->local_id.type == 0)
			continue;
		str_addf(&key, "%u ", (unsigned)c->peer->index);
		id_print(&key, &c->local_id);
		str_add(&key, " to ");
		if (c->remote_id.type != 0)
			id_print(&key, &c->remote_id);
		twin = had_before(b, &seen, view_str(key.p), c);
		if (twin != NULL) {
			SHOW(name, view_str(twin->name));
			complain(b, PROBLEM_WARNING, ref_section(b, c->name), "",
			    "same peer and IDs as [%s]: the peer can only mean the first", name.p);
		}
	}
	table_done(&seen);
}

void
build_connections(struct build *b)
{
	struct snapshot *snap = b->snap;

	snap->connections = keep_room(b, b->connections.n, sizeof(*snap->connections));
	if (snap->connections == NULL)
		return;
	for (size_t i = 0; i < b->connections.n && !b->no_memory; i++) {
		snap->connections[i].index = (uint32_t)i;
		build_connection(b, b->connections.v[i], &snap->connections[i]);
		snap->n_connections++;
	}
	check_twins(b);
	check_rivals(b);
}
