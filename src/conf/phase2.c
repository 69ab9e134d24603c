/* Suites: IPsec-configuration down to transforms (isakmpd-conf.md 6.2 to 6.5). */
#include "conf/build.h"

enum { REPLAY_DEFAULT = 64, REPLAY_MAX = 4096, PROTOCOLS_MAX = 4 };

/* ---- IPsec-transform ---- */

static bool
never_tags(struct build *b, const char *section)
{
	static const char *const tags[] = {
		"KEY_ROUNDS", "COMPRESS_DICTIONARY_SIZE", "COMPRESS_PRIVATE_ALGORITHM",
		"ECN_TUNNEL",
	};
	struct value v;
	bool good = true;

	for (size_t i = 0; i < COUNT(tags); i++)
		if (get(b, section, tags[i], &v)) {
			complain(b, PROBLEM_ERROR, ref_value(section, tags[i], &v), "remove the tag",
			    "a responder refuses transforms with this attribute");
			good = false;
		}
	return good;
}

static bool
p2_mode(struct build *b, const char *section, struct p2_transform *t)
{
	struct value v;
	int32_t n;

	t->mode = SA_TUNNEL;
	if (!get(b, section, "ENCAPSULATION_MODE", &v)) {
		complain(b, PROBLEM_WARNING, ref_section(b, section),
		    "add ENCAPSULATION_MODE=TUNNEL", "without ENCAPSULATION_MODE, TUNNEL is meant");
		return true;
	}
	if (!get_constant(b, section, "ENCAPSULATION_MODE", REG_ENCAP, false, &n))
		return false;
	if (n == ENCAP_TUNNEL || n == ENCAP_TRANSPORT) {
		t->mode = n == ENCAP_TUNNEL ? SA_TUNNEL : SA_TRANSPORT;
		return true;
	}
	complain(b, PROBLEM_ERROR, ref_value(section, "ENCAPSULATION_MODE", &v),
	    "write TUNNEL or TRANSPORT", "encapsulation in UDP is chosen automatically");
	return false;
}

static bool
aes(uint8_t id)
{
	return id == ESP_AES || id == ESP_AES_CTR || id == ESP_AES_GCM_16 || id == ESP_AES_GMAC;
}

static bool
combined(uint8_t id)
{
	return id == ESP_AES_GCM_16 || id == ESP_AES_GMAC;
}

static bool
p2_key_length(struct build *b, const char *section, struct p2_transform *t)
{
	struct value v;

	if (!get_accept(b, section, "KEY_LENGTH", &t->key_bits))
		return false;
	if (!get(b, section, "KEY_LENGTH", &v)) {
		if (!aes(t->transform_id))
			return true;
		if (combined(t->transform_id)) {
			missing_tag(b, section, "KEY_LENGTH");
			return false;
		}
		t->key_bits = (struct accept){ .present = true, .offer = 128, .least = 128,
		    .most = 128 };
		return true;
	}
	struct ref ref = ref_value(section, "KEY_LENGTH", &v);
	if (t->key_bits.any) {
		complain(b, PROBLEM_ERROR, ref, "write N or N,LEAST:MOST",
		    "ANY cannot be used in phase 2");
		return false;
	}
	uint32_t n = t->key_bits.offer;
	if (aes(t->transform_id) && n != 128 && n != 192 && n != 256) {
		complain(b, PROBLEM_ERROR, ref, "128, 192 or 256", "%u is not a key length of AES",
		    (unsigned)n);
		return false;
	}
	if (aes(t->transform_id))
		check_aes_range(b, ref, &t->key_bits);
	if (!aes(t->transform_id)) {
		complain(b, PROBLEM_ERROR, ref, "remove the tag", "this cipher has no key length");
		return false;
	}
	return true;
}

static bool
p2_group(struct build *b, const char *section, struct p2_transform *t)
{
	struct value v;
	int32_t n;

	if (!get(b, section, "GROUP_DESCRIPTION", &v))
		return true;
	if (!get_constant(b, section, "GROUP_DESCRIPTION", REG_GROUP, false, &n))
		return false;
	if (n == GROUP_EC2N_155 || n == GROUP_EC2N_185) {
		not_available(b, ref_value(section, "GROUP_DESCRIPTION", &v), v.text);
		return false;
	}
	t->group = (uint16_t)n;
	return true;
}

static bool
p2_auth(struct build *b, const char *section, struct p2_transform *t)
{
	struct value v;
	int32_t n;

	if (!get(b, section, "AUTHENTICATION_ALGORITHM", &v))
		return true;
	if (!get_constant(b, section, "AUTHENTICATION_ALGORITHM", REG_IPSEC_AUTH, false, &n))
		return false;
	t->auth = (uint8_t)n;
	return true;
}

static bool
p2_known(struct build *b, const char *section, const struct p2_transform *t)
{
	struct value v;

	if (aes(t->transform_id) || t->transform_id == ESP_3DES || t->transform_id == ESP_NULL ||
	    !get(b, section, "TRANSFORM_ID", &v))
		return true;
	not_available(b, ref_value(section, "TRANSFORM_ID", &v), reg_name(REG_ESP, t->transform_id));
	return false;
}

/* Is the tuple one that the data planes can do?  The table in base says. */
static bool
p2_available(struct build *b, const char *section, const struct p2_transform *t)
{
	struct sa_suite suite = { .protocol = PROTO_IPSEC_ESP, .cipher = t->transform_id,
	    .auth = t->auth, .mode = t->mode, .key_bits = (uint16_t)t->key_bits.offer };
	struct sa_lengths lengths;
	struct value v;

	if (sa_suite_lengths(&suite, &lengths) || !get(b, section, "TRANSFORM_ID", &v))
		return true;
	struct ref ref = ref_value(section, "TRANSFORM_ID", &v);
	const char *name = reg_name(REG_ESP, t->transform_id);
	if (combined(t->transform_id) && t->auth != AUTHALG_NONE)
		complain(b, PROBLEM_ERROR, ref, "remove AUTHENTICATION_ALGORITHM",
		    "%s authenticates by itself", name);
	else if (t->auth == AUTHALG_NONE)
		complain(b, PROBLEM_ERROR, ref, "add AUTHENTICATION_ALGORITHM=HMAC_SHA2_256, or "
		    "take a suite with a hash", "%s without authentication protects nothing: not "
		    "available in this version", name);
	else
		not_available(b, get(b, section, "AUTHENTICATION_ALGORITHM", &v) && !v.built_in ?
		    ref_value(section, "AUTHENTICATION_ALGORITHM", &v) : ref_section(b, section),
		    reg_name(REG_IPSEC_AUTH, t->auth));
	return false;
}

static uint32_t
p2_weak(const struct p2_transform *t)
{
	uint32_t weak = t->group == GROUP_NONE ? 0 : group_weak(t->group);

	if (t->transform_id == ESP_3DES)
		weak |= WEAK_3DES;
	if (t->transform_id == ESP_NULL || t->transform_id == ESP_AES_GMAC)
		weak |= WEAK_NO_ENCRYPTION;
	if (t->auth == AUTHALG_HMAC_SHA)
		weak |= WEAK_SHA1;
	if (t->auth == AUTHALG_HMAC_MD5)
		weak |= WEAK_MD5;
	return weak;
}

/*
 * What somebody wrote is made once and kept; predefined sections are made anew
 * for each place that names them, which is the line a failure should show.
 */
static bool
written(struct build *b, const struct sect *s, const char *tag)
{
	struct value v;

	return get(b, s->name, tag, &v) && !v.built_in;
}

static struct p2_made *
p2_transform(struct build *b, struct sect *s, uint32_t line)
{
	struct lives lives;
	int32_t id;

	if (s->transform != NULL && written(b, s, "TRANSFORM_ID"))
		return s->transform;
	struct p2_made *m = s->transform = scratch_room(b, 1, sizeof(*m));
	if (m == NULL)
		return NULL;
	struct p2_transform *t = &m->transform;
	t->where = where_of(s, line);
	bool good = get_constant(b, s->name, "TRANSFORM_ID", REG_ESP, false, &id);
	if (good)
		t->transform_id = (uint8_t)id;
	good = never_tags(b, s->name) && good;
	good = p2_mode(b, s->name, t) && good;
	good = p2_auth(b, s->name, t) && good;
	good = p2_group(b, s->name, t) && good;
	m->good = good && p2_known(b, s->name, t) && p2_key_length(b, s->name, t) &&
	    p2_available(b, s->name, t);
	get_lives(b, s->name, &lives);
	t->life_secs = lives.secs;
	t->life_kb = lives.kb;
	t->lines = (struct p2_lines){
		.id = line_of_tag(b, s->name, "TRANSFORM_ID"),
		.key_bits = line_of_tag(b, s->name, "KEY_LENGTH"),
		.auth = line_of_tag(b, s->name, "AUTHENTICATION_ALGORITHM"),
		.group = line_of_tag(b, s->name, "GROUP_DESCRIPTION"),
		.mode = line_of_tag(b, s->name, "ENCAPSULATION_MODE"),
		.life = lives.secs_where,
	};
	m->weak = p2_weak(t);
	return m;
}

/* ---- IPsec-protocol ---- */

static size_t
members(const char *text)
{
	struct list_walk walk = { .text = text };
	struct view member;
	size_t n = 0;

	while (list_next(&walk, &member))
		n++;
	return n;
}

static void
warn_empty(struct build *b, struct ref ref, const struct list_walk *walk)
{
	if (walk->empty > 0)
		complain(b, PROBLEM_WARNING, ref, "", "conf_get_list: empty field, ignoring...");
}

static void
p2_transforms(struct build *b, struct sect *s, uint32_t line, struct p2_made *m)
{
	struct p2_protocol *p = &m->protocol;
	struct list_walk walk = { 0 };
	struct value v;
	struct view member;

	if (!get(b, s->name, "Transforms", &v)) {
		missing_tag(b, s->name, "Transforms");
		return;
	}
	size_t n = members(v.text);
	if (n == 0 || n > TRANSFORMS_MAX) {
		complain(b, PROBLEM_ERROR, ref_value(s->name, "Transforms", &v), "",
		    "1 to %d transforms", TRANSFORMS_MAX);
		return;
	}
	p->transforms = keep_room(b, n, sizeof(*p->transforms));
	if (p->transforms == NULL)
		return;
	m->good = true;
	for (walk.text = v.text; list_next(&walk, &member);) {
		struct ref ref = ref_member(b, s->name, "Transforms", &v, member);
		struct sect *x = section_use(b, ref, member, KIND_P2_TRANSFORM);
		struct p2_made *t = x == NULL ? NULL :
		    p2_transform(b, x, ref.place.line != 0 ? ref.place.line : line);

		if (t == NULL || !t->good) {
			m->good = false;
			continue;
		}
		p->transforms[p->n_transforms++] = t->transform;
		m->weak |= t->weak;
	}
	warn_empty(b, ref_value(s->name, "Transforms", &v), &walk);
}

static void
p2_replay(struct build *b, struct sect *s, struct p2_protocol *p)
{
	struct value v;

	p->replay_window = get_number(b, s->name, "ReplayWindow", REPLAY_DEFAULT, 0, REPLAY_MAX);
	bool written = get(b, s->name, "ReplayWindow", &v);
	if (written && p->replay_window == 0)
		complain(b, PROBLEM_WARNING, ref_value(s->name, "ReplayWindow", &v), "",
		    "0 switches replay protection off");
	if (!b->snap->shared_sadb)
		return;
	if (written && p->replay_window != 0)
		complain(b, PROBLEM_WARNING, ref_value(s->name, "ReplayWindow", &v), "",
		    "no effect: [General]:Shared-SADB switches replay protection off");
	p->replay_window = 0;
}

/* They are in use, even if what uses them is not available. */
static void
mark_transforms(struct build *b, const char *section)
{
	struct list_walk walk = { 0 };
	struct value v;
	struct view member;

	if (!get(b, section, "Transforms", &v))
		return;
	for (walk.text = v.text; list_next(&walk, &member);)
		(void)section_mark(b, member, KIND_P2_TRANSFORM);
}

static struct p2_made *
p2_protocol(struct build *b, struct sect *s, uint32_t line)
{
	struct value v;
	int32_t id;

	if (s->protocol != NULL && written(b, s, "Transforms"))
		return s->protocol;
	struct p2_made *m = s->protocol = scratch_room(b, 1, sizeof(*m));
	if (m == NULL)
		return NULL;
	m->protocol.where = where_of(s, line);
	p2_replay(b, s, &m->protocol);
	if (!get_constant(b, s->name, "PROTOCOL_ID", REG_PROTOCOL, false, &id) ||
	    !get(b, s->name, "PROTOCOL_ID", &v))
		return m;
	if (id != PROTO_IPSEC_ESP) {
		struct ref ref = ref_value(s->name, "PROTOCOL_ID", &v);

		if (id == PROTO_ISAKMP)
			complain(b, PROBLEM_ERROR, ref, "write IPSEC_ESP", "ISAKMP is no IPsec protocol");
		else
			not_available(b, ref, v.text);
		mark_transforms(b, s->name);
		return m;
	}
	m->protocol.protocol = (uint8_t)id;
	p2_transforms(b, s, line, m);
	return m;
}

/* ---- IPsec-suite ---- */

static void
p2_protocols(struct build *b, struct sect *s, uint32_t line, struct p2_made *m)
{
	struct list_walk walk = { 0 };
	struct value v;
	struct view member;

	if (!get(b, s->name, "Protocols", &v)) {
		missing_tag(b, s->name, "Protocols");
		return;
	}
	struct ref all = ref_value(s->name, "Protocols", &v);
	size_t n = members(v.text);
	if (n == 0 || n > PROTOCOLS_MAX) {
		complain(b, PROBLEM_ERROR, all, "", "1 to %d protocols", PROTOCOLS_MAX);
		return;
	}
	if (n > 1) {
		not_available(b, all, "a bundle of several protocols");
		return;
	}
	m->suite.protocols = keep_room(b, n, sizeof(*m->suite.protocols));
	if (m->suite.protocols == NULL)
		return;
	m->good = true;
	for (walk.text = v.text; list_next(&walk, &member);) {
		struct ref ref = ref_member(b, s->name, "Protocols", &v, member);
		struct sect *x = section_use(b, ref, member, KIND_PROTOCOL);
		struct p2_made *p = x == NULL ? NULL :
		    p2_protocol(b, x, ref.place.line != 0 ? ref.place.line : line);

		if (p == NULL || !p->good) {
			m->good = false;
			continue;
		}
		m->suite.protocols[m->suite.n_protocols++] = p->protocol;
		m->weak |= p->weak;
	}
}

static struct p2_made *
p2_suite(struct build *b, struct sect *s, uint32_t line)
{
	if (s->suite != NULL && written(b, s, "Protocols"))
		return s->suite;
	struct p2_made *m = s->suite = scratch_room(b, 1, sizeof(*m));
	if (m == NULL)
		return NULL;
	m->suite.where = where_of(s, line);
	m->suite.name = s->name;
	p2_protocols(b, s, line, m);
	return m;
}

/* A predefined suite of another protocol is refused where it is named. */
static bool
suite_named(struct build *b, struct ref ref, struct view name)
{
	static const char ah[] = "QM-AH-";

	if (name.n < sizeof(ah) || !text_same_n((const char *)name.p, ah, sizeof(ah) - 1))
		return true;
	SHOW(shown, name);
	if (store_section_line(b->store, shown.p) != 0)
		return true;
	not_available(b, ref, "AH");
	return false;
}

/* ---- IPsec-configuration ---- */

static void
config_suite(struct p2_config *c, const struct p2_made *m)
{
	const struct p2_protocol *p = m->suite.protocols;

	c->suites[c->n++] = m->suite;
	c->weak |= m->weak;
	for (size_t i = 0; i < p->n_transforms; i++) {
		c->mixed_groups |= p->transforms[i].group !=
		    c->suites[0].protocols[0].transforms[0].group;
		c->transport |= p->transforms[i].mode == SA_TRANSPORT;
	}
}

static void
config_suites(struct build *b, const char *section, const char *tag, struct p2_config *c)
{
	struct list_walk walk = { 0 };
	struct value v;
	struct view member;

	if (!get(b, section, tag, &v)) {
		missing_tag(b, section, tag);
		return;
	}
	size_t n = members(v.text);
	if (n == 0 || n > SUITES_MAX) {
		complain(b, PROBLEM_ERROR, ref_value(section, tag, &v), "", "1 to %d suites", SUITES_MAX);
		return;
	}
	c->suites = keep_room(b, n, sizeof(*c->suites));
	if (c->suites == NULL)
		return;
	for (walk.text = v.text; list_next(&walk, &member);) {
		struct ref ref = ref_member(b, section, tag, &v, member);
		struct sect *x = section_use(b, ref, member, KIND_SUITE);

		if (x == NULL || !suite_named(b, ref, member))
			continue;
		struct p2_made *m = p2_suite(b, x, ref.place.line);
		if (m != NULL && m->good)
			config_suite(c, m);
	}
	warn_empty(b, ref_value(section, tag, &v), &walk);
}

struct p2_config *
p2_config_of(struct build *b, struct sect *s)
{
	struct p2_config *c = s->p2;

	if (c != NULL)
		return c;
	c = s->p2 = scratch_room(b, 1, sizeof(*c));
	if (c == NULL)
		return NULL;
	check_doi(b, s->name);
	(void)get_exchange(b, s->name, EXCH_QUICK_MODE);
	c->where = where_of_tag(b, s->name, "Suites", (struct where){ 0 });
	config_suites(b, s->name, "Suites", c);
	return c;
}

void
check_suites(struct build *b, const char *section, const char *tag)
{
	struct p2_config c = { 0 };
	struct value v;

	config_suites(b, section, tag, &c);
	if (c.weak != 0 && get(b, section, tag, &v)) {
		STR(weak, 120);
		weak_print(&weak, c.weak);
		complain(b, PROBLEM_WARNING, ref_value(section, tag, &v), "", "weak choices: %s", weak.p);
	}
}
