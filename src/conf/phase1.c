/* Peers, their configurations and transforms (isakmpd-conf.md section 5). */
#include <stdlib.h>

#include "base/map.h"
#include "conf/build.h"
#include "conf/redact.h"

enum { PSK_BITS_LEAST = 80 };

/* ---- ISAKMP-transform ---- */

static bool
has_tag(struct build *b, const char *section, const char *tag)
{
	struct value v;

	return get(b, section, tag, &v);
}

static void
unavailable_value(struct build *b, const char *section, const char *tag)
{
	struct value v;

	if (!get(b, section, tag, &v))
		return;
	SHOW(shown, view_str(v.text));
	not_available(b, ref_value(section, tag, &v), shown.p);
}

static bool
p1_auth_available(int32_t auth)
{
	switch (auth) {
	case CONF_ANY:
	case AUTH_PRE_SHARED:
	case AUTH_DSS:
	case AUTH_RSA_SIG:
	case AUTH_ECDSA_256:
	case AUTH_ECDSA_384:
	case AUTH_ECDSA_521:
		return true;
	default:
		return false;
	}
}

/* What this version lacks is an error where it is asked for. */
static bool
p1_available(struct build *b, const char *section, const struct p1_transform *t)
{
	static const char *const never[] = { "GROUP_TYPE", "FIELD_SIZE", "GROUP_ORDER", "PRF" };
	bool good = true;

	if (t->cipher != CONF_ANY && t->cipher != CIPHER_3DES_CBC && t->cipher != CIPHER_AES_CBC) {
		unavailable_value(b, section, "ENCRYPTION_ALGORITHM");
		good = false;
	}
	if (t->hash == HASH_TIGER) {
		unavailable_value(b, section, "HASH_ALGORITHM");
		good = false;
	}
	if (!p1_auth_available(t->auth)) {
		unavailable_value(b, section, "AUTHENTICATION_METHOD");
		good = false;
	}
	if (t->group == GROUP_EC2N_155 || t->group == GROUP_EC2N_185) {
		unavailable_value(b, section, "GROUP_DESCRIPTION");
		good = false;
	}
	for (size_t i = 0; i < COUNT(never); i++) {
		struct value v;

		if (get(b, section, never[i], &v)) {
			complain(b, PROBLEM_ERROR, ref_value(section, never[i], &v), "remove the tag",
			    "no peer and no version of this program accepts this attribute");
			good = false;
		}
	}
	return good;
}

static bool
aes_bits(uint32_t n)
{
	return n == 128 || n == 192 || n == 256;
}

static bool
p1_key_length(struct build *b, const char *section, struct p1_transform *t)
{
	struct value v;

	if (!get_accept(b, section, "KEY_LENGTH", &t->key_bits))
		return false;
	/* AES without KEY_LENGTH is AES-128 (RFC 3602); the attribute is always sent. */
	if (!t->key_bits.present && t->cipher == CIPHER_AES_CBC)
		t->key_bits = (struct accept){ .present = true, .offer = 128, .least = 128,
		    .most = 128 };
	if (!t->key_bits.present || !get(b, section, "KEY_LENGTH", &v))
		return true;
	struct ref ref = ref_value(section, "KEY_LENGTH", &v);
	if (t->cipher == CIPHER_3DES_CBC) {
		complain(b, PROBLEM_ERROR, ref, "remove the tag", "3DES_CBC has no key length");
		return false;
	}
	if (!t->key_bits.any && t->cipher == CIPHER_AES_CBC && !aes_bits(t->key_bits.offer)) {
		complain(b, PROBLEM_ERROR, ref, "128, 192 or 256",
		    "%u is not a key length of AES_CBC", (unsigned)t->key_bits.offer);
		return false;
	}
	if (t->cipher == CIPHER_AES_CBC)
		check_aes_range(b, ref, &t->key_bits);
	return true;
}

uint32_t
group_weak(int32_t group)
{
	switch (group) {
	case CONF_ANY:
		return WEAK_ANY;
	case GROUP_MODP_768:
		return WEAK_MODP_768;
	case GROUP_MODP_1024:
		return WEAK_MODP_1024;
	case GROUP_MODP_1536:
		return WEAK_MODP_1536;
	case GROUP_ECP_192:
		return WEAK_ECP_192;
	default:
		return 0;
	}
}

static uint32_t
p1_weak(const struct p1_transform *t)
{
	uint32_t weak = group_weak(t->group);

	if (t->cipher == CONF_ANY || t->hash == CONF_ANY || t->auth == CONF_ANY)
		weak |= WEAK_ANY;
	if (t->cipher == CIPHER_3DES_CBC)
		weak |= WEAK_3DES;
	if (t->hash == HASH_MD5)
		weak |= WEAK_MD5;
	if (t->hash == HASH_SHA)
		weak |= WEAK_SHA1;
	if (t->auth == AUTH_DSS)
		weak |= WEAK_DSS;
	return weak;
}

static bool
p1_offers(const struct p1_transform *t)
{
	return t->cipher != CONF_ANY && t->hash != CONF_ANY && t->auth != CONF_ANY &&
	    t->group != CONF_ANY && !t->key_bits.any;
}

static bool
p1_transform(struct build *b, struct sect *s, uint32_t line, struct p1_transform *ret)
{
	struct p1_transform t = { .where = where_of(s, line) };
	struct lives lives;

	/* All four, so that every problem shows at once. */
	bool good = get_constant(b, s->name, "ENCRYPTION_ALGORITHM", REG_CIPHER, true, &t.cipher);
	good = get_constant(b, s->name, "HASH_ALGORITHM", REG_HASH, true, &t.hash) && good;
	good = get_constant(b, s->name, "AUTHENTICATION_METHOD", REG_AUTH_METHOD, true, &t.auth) &&
	    good;
	good = get_constant(b, s->name, "GROUP_DESCRIPTION", REG_GROUP, true, &t.group) && good;
	good = good && p1_available(b, s->name, &t);
	good = p1_key_length(b, s->name, &t) && good;
	get_lives(b, s->name, &lives);
	t.life_secs = lives.secs;
	t.life_kb = lives.kb;
	t.lines = (struct p1_lines){
		.cipher = line_of_tag(b, s->name, "ENCRYPTION_ALGORITHM"),
		.key_bits = line_of_tag(b, s->name, "KEY_LENGTH"),
		.hash = line_of_tag(b, s->name, "HASH_ALGORITHM"),
		.auth = line_of_tag(b, s->name, "AUTHENTICATION_METHOD"),
		.group = line_of_tag(b, s->name, "GROUP_DESCRIPTION"),
		.life = lives.secs_where,
	};
	*ret = t;
	return good;
}

/* ---- ISAKMP-configuration ---- */

static void
p1_transforms(struct build *b, struct sect *s, struct p1_config *c)
{
	struct list_walk walk = { 0 };
	struct value v;
	struct view member;
	size_t n = 0;

	if (!get(b, s->name, "Transforms", &v))
		return;
	for (walk.text = v.text; list_next(&walk, &member);)
		n++;
	if (n > TRANSFORMS_MAX) {
		complain(b, PROBLEM_ERROR, ref_value(s->name, "Transforms", &v), "",
		    "more than %d transforms", TRANSFORMS_MAX);
		return;
	}
	c->transforms = keep_room(b, n, sizeof(*c->transforms));
	if (c->transforms == NULL)
		return;
	walk = (struct list_walk){ .text = v.text };
	while (list_next(&walk, &member)) {
		struct ref ref = ref_member(b, s->name, "Transforms", &v, member);
		struct sect *x = section_use(b, ref, member, KIND_P1_TRANSFORM);
		struct p1_transform *t = &c->transforms[c->n];

		if (x == NULL || !p1_transform(b, x, ref.place.line, t))
			continue;
		c->n++;
		c->weak |= p1_weak(t);
		c->psk |= t->auth == AUTH_PRE_SHARED || t->auth == CONF_ANY;
		c->offers |= p1_offers(t);
	}
	if (walk.empty > 0)
		complain(b, PROBLEM_WARNING, ref_value(s->name, "Transforms", &v), "",
		    "conf_get_list: empty field, ignoring...");
}

struct p1_config *
p1_config_of(struct build *b, struct sect *s)
{
	struct p1_config *c = s->p1;

	if (c != NULL)
		return c;
	c = s->p1 = scratch_room(b, 1, sizeof(*c));
	if (c == NULL)
		return NULL;
	check_doi(b, s->name);
	c->exchange = get_exchange(b, s->name, EXCH_ID_PROT);
	c->where = where_of_tag(b, s->name, "Transforms", (struct where){ 0 });
	p1_transforms(b, s, c);
	return c;
}

const struct p1_config *
p1_config_known(const struct build *b, const struct peer *p)
{
	const struct sect *s = p->configuration == NULL || p->n_transforms == 0 ? NULL :
	    table_get(&b->sections, view_str(p->configuration));

	return s == NULL ? NULL : s->p1;
}

/* Of these, what this peer may not use. */
uint32_t
weak_refused(const struct build *b, const struct peer *p, uint32_t weak)
{
	return p->allow_weak ? 0 : b->refuse_weak ? weak : weak & ~(WEAK_OPT_IN - 1u);
}

void
warn_weak_peers(struct build *b)
{
	for (size_t i = 0; i < b->peers.n; i++) {
		const struct sect *s = b->peers.v[i];
		const struct p1_config *c = p1_config_known(b, s->peer);
		STR(weak, 120);

		if (c == NULL || c->weak == 0 || s->of_connection ||
		    weak_refused(b, s->peer, c->weak) != 0)
			continue;
		weak_print(&weak, c->weak);
		complain(b, PROBLEM_WARNING, ref_section(b, s->name), "",
		    "weak choices: phase 1: %s", weak.p);
	}
}

/* ---- ISAKMP-peer ---- */

static void
peer_unavailable(struct build *b, const char *section)
{
	static const char *const tags[] = { "Credentials", "Credential_Type", "PKAuthentication" };
	struct value v;

	/* doc/decisions/0014: keys and certificates have files of their own. */
	for (size_t i = 0; i < COUNT(tags); i++)
		if (get(b, section, tags[i], &v))
			complain(b, PROBLEM_ERROR, ref_value(section, tags[i], &v), i == 2 ?
			    "name its file in [X509-certificates]:Private-key" :
			    "put it into the folder of [X509-certificates]:Cert-directory",
			    "%s are not taken from the configuration", i == 2 ? "private keys" :
			    "certificates");
	on_demand_tags(b, section);
}

static void
peer_transport(struct build *b, const char *section)
{
	struct value v;

	if (get(b, section, "Transport", &v) && strcmp(v.text, "udp") != 0) {
		SHOW(shown, view_str(v.text));
		complain(b, PROBLEM_ERROR, ref_value(section, "Transport", &v), "write udp",
		    "there is no transport \"%s\"", shown.p);
	}
}

/* What no single host can have: none, all, a group, or IPv4 in the clothes of IPv6. */
static bool
of_a_host(const struct addr *a)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	static const uint8_t all[4] = { 255, 255, 255, 255 };

	if (addr_is_any(a))
		return false;
	if (a->family == FAMILY_IP4)
		return (a->b[0] & 0xf0) != 0xe0 && memcmp(a->b, all, sizeof(all)) != 0;
	return a->b[0] != 0xff && memcmp(a->b, mapped, sizeof(mapped)) != 0;
}

static bool
host_address(struct build *b, const struct peer *p, const char *tag, enum family family,
    struct addr *ret)
{
	struct value v;
	struct addr a;

	if (!get(b, p->name, tag, &v) || !get_address(b, p->name, tag, family, &a))
		return false;
	if (!of_a_host(&a)) {
		SHOW(shown, view_str(v.text));
		complain(b, PROBLEM_ERROR, ref_value(p->name, tag, &v), "",
		    "\"%s\" is not the address of a host", shown.p);
		return false;
	}
	*ret = a;
	return true;
}

static void
check_listening(struct build *b, const struct peer *p)
{
	const struct snapshot *s = b->snap;
	struct value v;

	if (s->listen_all || p->local_address.family == FAMILY_NONE ||
	    !get(b, p->name, "Local-address", &v))
		return;
	for (size_t i = 0; i < s->n_listen_on; i++)
		if (addr_equal(&s->listen_on[i], &p->local_address))
			return;
	SHOW(shown, view_str(v.text));
	complain(b, PROBLEM_WARNING, ref_value(p->name, "Local-address", &v),
	    "add it to [General]:Listen-on", "nothing listens on %s", shown.p);
}

static void
peer_addresses(struct build *b, struct peer *p)
{
	(void)host_address(b, p, "Address", FAMILY_NONE, &p->address);
	(void)host_address(b, p, "Local-address", p->address.family, &p->local_address);
	check_listening(b, p);
	(void)get_port(b, p->name, "Port", &p->port);
}

/* The section that `tag` names in `section`, or NULL with or without a problem. */
static struct sect *
follow(struct build *b, const char *section, const char *tag, enum kind kind)
{
	struct value v;

	if (!get(b, section, tag, &v))
		return NULL;
	return section_use(b, ref_value(section, tag, &v), view_str(v.text), kind);
}

static void
peer_ids(struct build *b, struct peer *p)
{
	struct value v;
	struct sect *own = has_tag(b, p->name, "ID") ?
	    follow(b, p->name, "ID", KIND_P1_ID) :
	    follow(b, "General", "Default-phase-1-ID", KIND_P1_ID);
	struct sect *remote = follow(b, p->name, "Remote-ID", KIND_P1_ID);

	p->own_name = p->remote_name = "";
	if (own != NULL && p1_id(b, own, false, &p->own_id))
		p->own_name = p1_id_name(b, own, &p->own_id);
	p->address_line = line_of_tag(b, p->name, "Address");
	p->own_id_line = line_of_tag(b, p->name, "ID");
	if (remote != NULL && p1_id(b, remote, true, &p->remote_id) &&
	    get(b, p->name, "Remote-ID", &v)) {
		p->remote_id_line = v.tag_line;
		p->remote_name = p1_id_name(b, remote, &p->remote_id);
	}
	bool any = get_yes(b, p->name, "Allow-any-ID", false);
	p->any_id = p->remote_id.type == 0 && (any || p->is_default);
}

/*
 * The Default peer that nobody wrote, with the default transforms that nobody
 * wrote: 3DES, SHA-1 and MODP-1024 for whoever asks.  It refuses strangers
 * until somebody writes down what he wants of them.
 */
static bool
quiet_default(struct build *b, const struct sect *s)
{
	struct value v;

	return s->is_default && s->default_built_in && !s->in_phase1 &&
	    !s->of_connection &&
	    !has_tag(b, s->name, "Authentication") &&
	    get(b, s->name, "Configuration", &v) && v.built_in &&
	    get(b, v.text, "Transforms", &v) && v.built_in;
}

static void
peer_needs_transforms(struct build *b, const struct sect *s, const struct sect *config)
{
	/* A configuration without transforms is how a Default peer refuses strangers. */
	if (s->is_default && !s->in_phase1)
		return;
	if (!has_tag(b, config->name, "Transforms"))
		missing_tag(b, config->name, "Transforms");
	else if (b->out->errors == 0)
		complain(b, PROBLEM_ERROR, ref_section(b, config->name), "", "Transforms is empty");
}

static void
peer_configuration(struct build *b, const struct sect *s, struct peer *p)
{
	struct value v;
	struct sect *config;

	p->exchange = EXCH_ID_PROT;
	if (get(b, s->name, "Configuration", &v))
		config = section_use(b, ref_value(s->name, "Configuration", &v), view_str(v.text),
		    KIND_P1_CONFIG);
	else
		config = section_use(b, ref_section(b, s->name),
		    view_str("Default-phase-1-configuration"), KIND_P1_CONFIG);
	if (config == NULL)
		return;
	p->configuration = config->name;
	if (quiet_default(b, s))
		return;
	struct p1_config *c = p1_config_of(b, config);
	if (c == NULL)
		return;
	p->exchange_where = where_of_tag(b, config->name, "EXCHANGE_TYPE", p->where);
	p->transforms_where = c->where.section != NULL ? c->where : p->where;
	p->transforms = c->transforms;
	p->n_transforms = c->n;
	if (c->n == 0)
		peer_needs_transforms(b, s, config);
	if (weak_refused(b, p, c->weak) != 0) {
		STR(weak, 120);
		weak_print(&weak, weak_refused(b, p, c->weak));
		complain(b, PROBLEM_ERROR, ref_section(b, p->name),
		    "choose stronger transforms, or write Allow-weak=yes in this section",
		    "phase 1 would use %s", weak.p);
	}
	if (c->psk && !p->has_psk)
		complain(b, PROBLEM_ERROR, ref_section(b, p->name), "add Authentication=",
		    "no pre-shared key for transforms with PRE_SHARED");
}

static void
judge_psk(struct build *b, struct ref ref, const char *text)
{
	static const char example[] = "EXAMPLE-ONLY";
	size_t n = strlen(text);
	bool hex = n >= 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	struct secret key = { 0 };
	enum psk_fault fault = psk_octets(text, &key);
	unsigned bits = psk_bits(secret_view(&key));

	secret_done(&key);
	if (fault != PSK_OK)
		complain(b, PROBLEM_ERROR, ref, "", "%s", psk_fault_text(fault));
	else if (text_same_n(text, example, sizeof(example) - 1))
		complain(b, PROBLEM_WARNING, ref, "make one with: openssl rand -hex 32",
		    "this is the key of an example: everybody knows it");
	else if (bits < PSK_BITS_LEAST)
		complain(b, PROBLEM_WARNING, ref, "make one with: openssl rand -hex 32",
		    "the pre-shared key can be guessed: about %u bits", bits);
	else if (hex && n % 2 != 0)
		complain(b, PROBLEM_WARNING, ref, "write all digits",
		    "an odd number of hexadecimal digits: a 0 goes before the first");
	else if (!hex && n >= 16 && n % 2 == 0 && strspn(text, "0123456789abcdefABCDEF") == n)
		complain(b, PROBLEM_WARNING, ref, "write 0x before it if the octets are meant",
		    "the key looks hexadecimal, and is taken as text");
	else if ((text[0] == '"' || text[0] == '\'') && text[n - 1] == text[0])
		complain(b, PROBLEM_WARNING, ref, "", "the quotation marks are part of the key");
}

static uint64_t
psk_mark(const struct conf_env *env, const char *section, const char *text)
{
	static const uint8_t key[16];		/* of a text that hides nothing */

	if (env->psk_mark != NULL)
		return env->psk_mark(env->self, section);
	return env->secrets_hidden ? 0 : siphash(key, view_str(text));
}

static void
peer_psk(struct build *b, const struct sect *s, struct peer *p)
{
	struct value v;

	if (!get(b, s->name, "Authentication", &v))
		return;
	struct ref ref = ref_value(s->name, "Authentication", &v);
	p->psk_line = v.tag_line;
	p->has_psk = *v.text != '\0';
	if (!p->has_psk)
		complain(b, PROBLEM_ERROR, ref, "", "the key is empty");
	else if (!b->env->secrets_hidden)
		judge_psk(b, ref, v.text);
	p->psk_mark = psk_mark(b->env, s->name, v.text);
	if (s->is_default)
		complain(b, PROBLEM_WARNING, ref, "give each peer an entry in [Phase 1]",
		    "as Default peer this section shares its key with every address");
}

static void
build_peer(struct build *b, struct sect *s)
{
	static const char *const flags[] = { "ikecfg" };
	struct peer *p = s->peer;
	struct value v;
	uint32_t set;

	p->where = where_of(s, 0);
	p->name = s->name;
	p->is_default = s->is_default;
	check_phase(b, s, "1");
	peer_transport(b, s->name);
	peer_addresses(b, p);
	peer_unavailable(b, s->name);
	check_flags(b, s->name, flags, COUNT(flags), &set);
	if (set != 0 && get(b, s->name, "Flags", &v))
		not_available(b, ref_value(s->name, "Flags", &v), "mode config (ikecfg)");
	p->allow_weak = get_yes(b, s->name, "Allow-weak", false);
	p->force_encap = get_yes(b, s->name, "Force-encapsulation", false);
	p->nat_t = get_yes(b, s->name, "NAT-T", true);
	if (p->force_encap && !p->nat_t && get(b, s->name, "NAT-T", &v))
		complain(b, PROBLEM_ERROR, ref_value(s->name, "NAT-T", &v), "",
		    "Force-encapsulation needs NAT-T");
	uint32_t dpd = get_number(b, "General", "DPD-check-interval", 30, 0, 86400);
	p->dpd_interval = get_number(b, s->name, "DPD-check-interval", dpd, 0, 86400);
	peer_psk(b, s, p);
	peer_ids(b, p);
	peer_configuration(b, s, p);
}

static void
build_peers(struct build *b)
{
	struct snapshot *snap = b->snap;

	snap->peers = keep_room(b, b->peers.n, sizeof(*snap->peers));
	if (snap->peers == NULL)
		return;
	for (size_t i = 0; i < b->peers.n && !b->no_memory; i++) {
		b->peers.v[i]->peer = &snap->peers[i];
		snap->peers[i].index = (uint32_t)i;
	}
	snap->n_peers = b->peers.n;
	for (size_t i = 0; i < b->peers.n && !b->no_memory; i++)
		build_peer(b, b->peers.v[i]);
}

/* ---- [Phase 1] ---- */

struct sect *
peer_use(struct build *b, struct ref ref, const char *name)
{
	struct sect *s = section_use(b, ref, view_str(name), KIND_PEER);

	if (s == NULL || s->peer_listed)
		return s;
	if (b->peers.n >= PEERS_MAX) {
		complain(b, PROBLEM_ERROR, ref, "", "more than %d peers", PEERS_MAX);
		return NULL;
	}
	s->peer_listed = sects_add(b, &b->peers, s);
	return s->peer_listed ? s : NULL;
}

/* "192.0.2.9", "2001:db8::1", or with a prefix length. */
static bool
read_prefix(const char *text, struct range *ret)
{
	const char *slash = strchr(text, '/');
	char host[80], *end;
	struct addr a;

	if (slash == NULL) {
		if (!addr_parse(text, &a))
			return false;
		*ret = (struct range){ a, a };
		return true;
	}
	size_t n = (size_t)(slash - text);
	if (n >= sizeof(host) || slash[1] < '0' || slash[1] > '9')
		return false;
	text_copy(host, n + 1, text);
	unsigned long bits = strtoul(slash + 1, &end, 10);
	if (*end != '\0' || !addr_parse(host, &a) || bits > addr_len(&a) * 8)
		return false;
	struct range r = { addr_first_of(&a, (unsigned)bits), addr_last_of(&a, (unsigned)bits) };
	*ret = r;
	return addr_equal(&r.first, &a);
}

struct phase1_walk {
	struct build	*b;
	size_t		 n, cap;
	struct {
		struct phase1_entry	 entry;
		struct sect		*peer;
	} *v;
};

static bool
phase1_room(struct phase1_walk *w)
{
	if (w->n < w->cap)
		return true;
	size_t cap = w->cap == 0 ? 16 : w->cap * 2;
	void *v = realloc(w->v, cap * sizeof(*w->v));
	if (v == NULL)
		return false;
	w->v = v;
	w->cap = cap;
	return true;
}

static void
phase1_default(struct build *b)
{
	struct value v;

	if (!get(b, "Phase 1", "Default", &v))
		return;
	struct sect *s = peer_use(b, ref_value("Phase 1", "Default", &v), v.text);
	if (s == NULL)
		return;
	s->is_default = true;
	s->default_built_in = v.built_in;
}

static bool
phase1_entry(void *self, const struct store_entry *e)
{
	struct phase1_walk *w = self;
	struct build *b = w->b;
	struct value v;
	struct range net;

	if (text_same(e->tag, "Default"))
		return true;
	if (!get(b, "Phase 1", e->tag, &v))
		return true;
	struct ref at = { "Phase 1", e->tag, { e->line, e->column } };
	if (!read_prefix(e->tag, &net)) {
		STR(advice, 120);
		static const char *const names[] = { "Default" };
		suggest_of(b, view_str(e->tag), names, 1, &advice);
		complain(b, PROBLEM_ERROR, at, advice.p,
		    "neither a numeric address, a prefix without host bits, nor Default");
		return true;
	}
	struct sect *s = peer_use(b, ref_value("Phase 1", e->tag, &v), v.text);
	if (s == NULL)
		return true;
	s->in_phase1 = true;
	if (!phase1_room(w)) {
		b->no_memory = true;
		return false;
	}
	w->v[w->n].entry = (struct phase1_entry){ .net = net };
	w->v[w->n++].peer = s;
	return true;
}

static int
by_range(const void *x, const void *y)
{
	const struct phase1_entry *a = x, *b = y;
	int order = addr_compare(&a->net.first, &b->net.first);

	return order != 0 ? order : addr_compare(&b->net.last, &a->net.last);
}

/* Each entry learns which one encloses it; the same address twice is a problem. */
static void
phase1_nest(struct build *b)
{
	struct phase1_entry *v = b->snap->phase1;

	for (size_t i = 1; i < b->snap->n_phase1; i++) {
		uint32_t at = (uint32_t)i;		/* the entry before, plus 1 */

		if (range_equal(&v[i - 1].net, &v[i].net)) {
			STR(net, 80);
			range_print(&net, &v[i].net);
			complain(b, PROBLEM_ERROR, ref_section(b, "Phase 1"), "",
			    "%s is there twice, written in two ways", net.p);
		}
		while (at != 0 && !range_within(&v[i].net, &v[at - 1].net))
			at = v[at - 1].parent;
		v[i].parent = at;
	}
}

void
build_phase1(struct build *b)
{
	struct phase1_walk w = { .b = b };

	b->snap->phase1_line = store_section_line(b->store, "Phase 1");
	b->snap->phase2_line = store_section_line(b->store, "Phase 2");
	(void)section_mark(b, view_str("Phase 1"), KIND_PHASE1);
	phase1_default(b);
	store_each_in(b->store, "Phase 1", phase1_entry, &w);
	build_peers(b);
	b->snap->phase1 = keep_room(b, w.n, sizeof(*b->snap->phase1));
	for (size_t i = 0; i < w.n && !b->no_memory; i++) {
		b->snap->phase1[i] = w.v[i].entry;
		b->snap->phase1[i].peer = w.v[i].peer->peer;
	}
	free(w.v);
	if (b->no_memory)
		return;
	b->snap->n_phase1 = w.n;
	if (w.n > 1)
		qsort(b->snap->phase1, w.n, sizeof(*b->snap->phase1), by_range);
	phase1_nest(b);
	for (size_t i = 0; i < b->peers.n; i++)
		if (b->peers.v[i]->is_default)
			b->snap->default_peer = b->peers.v[i]->peer;
}
