#include "conf/names.h"

#include "base/view.h"

struct part {
	const char	*name;		/* in the predefined name */
	const char	*constant;	/* the algorithm's keyword */
	const char	*bits;		/* KEY_LENGTH, or NULL */
	bool		 combined;	/* cipher that takes no hash */
};

/* ---- the parts of names, spec 8.2 and 8.3 ---- */

static const struct part p1_ciphers[] = {
	{ "BLF",	"BLOWFISH_CBC",	"128,96:192",	false },
	{ "3DES",	"3DES_CBC",	NULL,		false },
	{ "CAST",	"CAST_CBC",	NULL,		false },
	{ "AES",	"AES_CBC",	"128,128:256",	false },
	{ "AES-128",	"AES_CBC",	"128,128:128",	false },
	{ "AES-192",	"AES_CBC",	"192,192:192",	false },
	{ "AES-256",	"AES_CBC",	"256,256:256",	false },
};

static const struct part p1_hashes[] = {
	{ "MD5",	"MD5",		NULL, false },
	{ "SHA",	"SHA",		NULL, false },
	{ "SHA2-256",	"SHA2_256",	NULL, false },
	{ "SHA2-384",	"SHA2_384",	NULL, false },
	{ "SHA2-512",	"SHA2_512",	NULL, false },
};

/* GRP31 is ours and last, so that the original's names come first. */
static const struct part groups[] = {
	{ "GRP1",	"MODP_768",	NULL, false },
	{ "GRP2",	"MODP_1024",	NULL, false },
	{ "GRP5",	"MODP_1536",	NULL, false },
	{ "GRP14",	"MODP_2048",	NULL, false },
	{ "GRP15",	"MODP_3072",	NULL, false },
	{ "GRP16",	"MODP_4096",	NULL, false },
	{ "GRP17",	"MODP_6144",	NULL, false },
	{ "GRP18",	"MODP_8192",	NULL, false },
	{ "GRP19",	"ECP_256",	NULL, false },
	{ "GRP20",	"ECP_384",	NULL, false },
	{ "GRP21",	"ECP_521",	NULL, false },
	{ "GRP25",	"ECP_192",	NULL, false },
	{ "GRP26",	"ECP_224",	NULL, false },
	{ "GRP27",	"BP_224",	NULL, false },
	{ "GRP28",	"BP_256",	NULL, false },
	{ "GRP29",	"BP_384",	NULL, false },
	{ "GRP30",	"BP_512",	NULL, false },
	{ "GRP31",	"X25519",	NULL, false },
};

static const struct part p1_auths[] = {
	{ "DSS",	"DSS",		NULL, false },
	{ "RSA_SIG",	"RSA_SIG",	NULL, false },
	/* ours, RFC 4754 */
	{ "ECDSA_256",	"ECDSA_256",	NULL, false },
	{ "ECDSA_384",	"ECDSA_384",	NULL, false },
	{ "ECDSA_521",	"ECDSA_521",	NULL, false },
};

static const struct part p2_ciphers[] = {
	{ "3DES",	"3DES",		NULL,		false },
	{ "CAST",	"CAST",		NULL,		false },
	{ "BLF",	"BLOWFISH",	"128,96:192",	false },
	{ "AES",	"AES",		"128,128:256",	false },
	{ "AES-128",	"AES",		"128,128:128",	false },
	{ "AES-192",	"AES",		"192,192:192",	false },
	{ "AES-256",	"AES",		"256,256:256",	false },
	{ "AESCTR",	"AES_CTR",	NULL,		false },
	{ "AESCTR-128",	"AES_CTR",	"128,128:128",	false },
	{ "AESCTR-192",	"AES_CTR",	"192,192:192",	false },
	{ "AESCTR-256",	"AES_CTR",	"256,256:256",	false },
	{ "NULL",	"NULL",		NULL,		false },
	{ "AESGCM-128",	"AES_GCM_16",	"128,128:128",	true },
	{ "AESGCM-192",	"AES_GCM_16",	"192,192:192",	true },
	{ "AESGCM-256",	"AES_GCM_16",	"256,256:256",	true },
	{ "AESGMAC-128", "AES_GMAC",	"128,128:128",	true },
	{ "AESGMAC-192", "AES_GMAC",	"192,192:192",	true },
	{ "AESGMAC-256", "AES_GMAC",	"256,256:256",	true },
};

/* The constant is the ESP authentication; AH's transform drops "HMAC_". */
static const struct part p2_hashes[] = {
	{ "MD5",	"HMAC_MD5",	 NULL, false },
	{ "SHA",	"HMAC_SHA",	 NULL, false },
	{ "RIPEMD",	"HMAC_RIPEMD",	 NULL, false },
	{ "SHA2-256",	"HMAC_SHA2_256", NULL, false },
	{ "SHA2-384",	"HMAC_SHA2_384", NULL, false },
	{ "SHA2-512",	"HMAC_SHA2_512", NULL, false },
};

enum { GROUPS = COUNT(groups), OLD_AUTHS = 2, OLD_GROUPS = GROUPS - 1, PLAIN = 12 };

/* ---- reading a name ---- */

/* Takes `word` off the front, which must end there or at a "-"; the "-" is taken too. */
static bool
take_word(struct view *name, const char *word)
{
	size_t n = strlen(word);

	if (name->n < n || !text_same_n((const char *)name->p, word, n))
		return false;
	if (name->n > n && name->p[n] != '-')
		return false;
	if (name->n == n + 1)
		return false;		/* nothing after the "-" */
	n += name->n > n;
	*name = view_of(name->p + n, name->n - n);
	return true;
}

/* The longest part that fits, or NULL. */
static const struct part *
take_part(struct view *name, const struct part *v, size_t n)
{
	const struct part *best = NULL;
	struct view rest = *name;

	for (size_t i = 0; i < n; i++) {
		struct view after = *name;

		if (take_word(&after, v[i].name) &&
		    (best == NULL || strlen(v[i].name) > strlen(best->name))) {
			best = &v[i];
			rest = after;
		}
	}
	*name = rest;
	return best;
}

struct p1_name { const struct part *cipher, *hash, *group, *auth; };

static bool
p1_read(struct view name, struct p1_name *ret)
{
	ret->cipher = take_part(&name, p1_ciphers, COUNT(p1_ciphers));
	if (ret->cipher == NULL || name.n == 0)
		return false;
	ret->hash = take_part(&name, p1_hashes, COUNT(p1_hashes));
	if (ret->hash == NULL)
		return false;
	ret->group = take_part(&name, groups, GROUPS);
	ret->auth = take_part(&name, p1_auths, COUNT(p1_auths));
	return name.n == 0;
}

struct p2_name {
	bool			 ah, transport, pfs;
	const struct part	*cipher, *hash, *group;
};

static void
p2_tail(struct view *name, struct p2_name *ret)
{
	ret->pfs = take_word(name, "PFS");
	if (ret->pfs)
		ret->group = take_part(name, groups, GROUPS);
}

/* The name without its ending -SUITE or -XF. */
static bool
p2_read(struct view name, struct p2_name *ret)
{
	*ret = (struct p2_name){ 0 };
	if (!take_word(&name, "QM"))
		return false;
	ret->ah = take_word(&name, "AH");
	if (!ret->ah && !take_word(&name, "ESP"))
		return false;
	ret->transport = take_word(&name, "TRP");
	if (!ret->ah) {
		ret->cipher = take_part(&name, p2_ciphers, COUNT(p2_ciphers));
		if (ret->cipher == NULL)
			return false;
	}
	if (ret->ah || !ret->cipher->combined)
		ret->hash = take_part(&name, p2_hashes, COUNT(p2_hashes));
	if (ret->ah && ret->hash == NULL)
		return false;
	p2_tail(&name, ret);
	return name.n == 0;
}

/* ---- writing names ---- */

static void
p1_write(struct str *s, const struct p1_name *n)
{
	str_addf(s, "%s-%s", n->cipher->name, n->hash->name);
	if (n->group != NULL)
		str_addf(s, "-%s", n->group->name);
	if (n->auth != NULL)
		str_addf(s, "-%s", n->auth->name);
}

static void
p2_write(struct str *s, const struct p2_name *n)
{
	str_add(s, n->ah ? "QM-AH" : "QM-ESP");
	str_add(s, n->transport ? "-TRP" : "");
	if (n->cipher != NULL)
		str_addf(s, "-%s", n->cipher->name);
	if (n->hash != NULL)
		str_addf(s, "-%s", n->hash->name);
	str_add(s, n->pfs ? "-PFS" : "");
	if (n->group != NULL)
		str_addf(s, "-%s", n->group->name);
}

/* ---- sections ---- */

static void
put(struct names_section *s, const char *tag, const char *value)
{
	if (value == NULL || s->n == NAMES_TAGS_MAX)
		return;
	s->v[s->n].tag = tag;
	s->v[s->n].value = value;
	s->n++;
}

static void
p1_section(const struct p1_name *n, struct names_section *s)
{
	put(s, "ENCRYPTION_ALGORITHM", n->cipher->constant);
	put(s, "KEY_LENGTH", n->cipher->bits);
	put(s, "HASH_ALGORITHM", n->hash->constant);
	put(s, "AUTHENTICATION_METHOD", n->auth == NULL ? "PRE_SHARED" : n->auth->constant);
	put(s, "GROUP_DESCRIPTION", n->group == NULL ? "MODP_1024" : n->group->constant);
	put(s, "Life", "LIFE_MAIN_MODE");
}

/* Unlike the original, a name that says PFS does PFS, with a hash or without. */
static void
p2_transform(const struct p2_name *n, struct names_section *s)
{
	put(s, "TRANSFORM_ID", n->ah ? n->hash->constant + strlen("HMAC_") : n->cipher->constant);
	put(s, "ENCAPSULATION_MODE", n->transport ? "TRANSPORT" : "TUNNEL");
	put(s, "AUTHENTICATION_ALGORITHM", n->hash == NULL ? NULL : n->hash->constant);
	put(s, "GROUP_DESCRIPTION", !n->pfs ? NULL :
	    n->group == NULL ? "MODP_1024" : n->group->constant);
	put(s, "KEY_LENGTH", n->cipher == NULL ? NULL : n->cipher->bits);
	put(s, "Life", "LIFE_QUICK_MODE");
}

static bool
take_ending(struct view *name, const char *ending)
{
	size_t n = strlen(ending);

	if (name->n < n || !text_same_n((const char *)name->p + name->n - n, ending, n))
		return false;
	name->n -= n;
	return true;
}

/* A suite N-SUITE, its protocol N and its transform N-XF. */
static bool
p2_section(struct view name, struct names_section *s)
{
	bool suite = take_ending(&name, "-SUITE");
	bool transform = !suite && take_ending(&name, "-XF");
	struct p2_name n;

	if (!p2_read(name, &n))
		return false;
	if (transform) {
		p2_transform(&n, s);
		return true;
	}
	struct str room = str_of(s->room, sizeof(s->room));
	p2_write(&room, &n);
	if (suite) {
		put(s, "Protocols", s->room);
	} else {
		str_add(&room, "-XF");
		put(s, "PROTOCOL_ID", n.ah ? "IPSEC_AH" : "IPSEC_ESP");
		put(s, "Transforms", s->room);
	}
	return true;
}

/* ---- the other built-in sections, spec 8.1 ---- */

static const char p1_life[] = "3600,60:86400", p2_life[] = "1200,60:86400";

static const struct fixed {
	const char	*section, *tag, *value;
} fixed[] = {
	{ "General", "Retransmits", "3" },
	{ "General", "Exchange-max-time", "120" },
	{ "General", "Use-Keynote", "yes" },
	{ "General", "Policy-file", "/etc/isakmpd/isakmpd.policy" },
	{ "General", "Pubkey-directory", "/etc/isakmpd/pubkeys/" },
	{ "General", "Delete-SAs", "yes" },
	{ "X509-certificates", "CA-directory", "/etc/isakmpd/ca/" },
	{ "X509-certificates", "Cert-directory", "/etc/isakmpd/certs/" },
	{ "X509-certificates", "Private-key", "/etc/isakmpd/private/local.key" },
	{ "X509-certificates", "Private-key-directory", "/etc/isakmpd/private/" },
	{ "X509-certificates", "CRL-directory", "/etc/isakmpd/crls/" },
	{ "KeyNote", "Credential-directory", "/etc/isakmpd/keynote/" },
	{ "LIFE_MAIN_MODE", "LIFE_TYPE", "SECONDS" },
	{ "LIFE_MAIN_MODE", "LIFE_DURATION", p1_life },
	{ "LIFE_QUICK_MODE", "LIFE_TYPE", "SECONDS" },
	{ "LIFE_QUICK_MODE", "LIFE_DURATION", p2_life },
	{ "Default-phase-1-configuration", "EXCHANGE_TYPE", "ID_PROT" },
	{ "Default-phase-1-configuration", "Transforms", "3DES-SHA-RSA_SIG" },
	{ "Phase 1", "Default", "Default-phase-1" },
	{ "Default-phase-1", "Phase", "1" },
	{ "Default-phase-1", "Configuration", "Default-phase-1-configuration" },
};

static const char *
fixed_value(const struct fixed *f, const struct names_defaults *d)
{
	if (f->value == p1_life && d->phase1_lifetime != NULL)
		return d->phase1_lifetime;
	if (f->value == p2_life && d->phase2_lifetime != NULL)
		return d->phase2_lifetime;
	return f->value;
}

static bool
fixed_section(const struct names_defaults *d, const char *name, struct names_section *s)
{
	/* Asked for every tag that a section lacks, so the first letter decides most of it. */
	for (size_t i = 0; i < COUNT(fixed); i++)
		if ((fixed[i].section[0] | 0x20) == (name[0] | 0x20) &&
		    text_same(fixed[i].section, name))
			put(s, fixed[i].tag, fixed_value(&fixed[i], d));
	if (text_same(name, "Default-phase-1"))
		put(s, "ID", d->phase1_id);
	return s->n > 0;
}

const char *
names_fixed_nth(unsigned i)
{
	for (size_t at = 0; at < COUNT(fixed); at++) {
		if (at > 0 && strcmp(fixed[at].section, fixed[at - 1].section) == 0)
			continue;
		if (i-- == 0)
			return fixed[at].section;
	}
	return NULL;
}

bool
names_section(const struct names_defaults *d, const char *name, struct names_section *ret)
{
	struct p1_name p1 = { 0 };

	ret->n = 0;
	if (p1_read(view_str(name), &p1)) {
		p1_section(&p1, ret);
		return true;
	}
	return p2_section(view_str(name), ret) || fixed_section(d, name, ret);
}

/* ---- all names in order: those of the original, then those with GRP31, then with ECDSA ---- */

static unsigned
digit(unsigned *i, unsigned base)
{
	unsigned d = *i % base;

	*i /= base;
	return d;
}

bool
names_phase1_nth(unsigned i, struct str *s)
{
	bool ecdsa = i >= NAMES_PHASE1_X25519, ours = !ecdsa && i >= NAMES_PHASE1;
	struct p1_name n;

	if (i >= NAMES_PHASE1_ALL)
		return false;
	i -= ecdsa ? NAMES_PHASE1_X25519 : ours ? NAMES_PHASE1 : 0;
	unsigned auth = ecdsa ? 1 + OLD_AUTHS + digit(&i, COUNT(p1_auths) - OLD_AUTHS) :
	    digit(&i, 1 + OLD_AUTHS);
	n.auth = auth == 0 ? NULL : &p1_auths[auth - 1];
	unsigned group = ours ? GROUPS : digit(&i, ecdsa ? 1 + GROUPS : 1 + OLD_GROUPS);
	n.group = group == 0 ? NULL : &groups[group - 1];
	n.hash = &p1_hashes[digit(&i, COUNT(p1_hashes))];
	n.cipher = &p1_ciphers[i];
	p1_write(s, &n);
	return true;
}

/* The cipher and hash of an ESP suite: plain ciphers with 0 or 1 hash, then combined ones. */
static void
esp_nth(unsigned i, struct p2_name *n)
{
	unsigned plain = PLAIN * (1 + COUNT(p2_hashes));

	if (i >= plain) {
		n->cipher = &p2_ciphers[PLAIN + i - plain];
		return;
	}
	unsigned hash = digit(&i, 1 + COUNT(p2_hashes));
	n->hash = hash == 0 ? NULL : &p2_hashes[hash - 1];
	n->cipher = &p2_ciphers[i];
}

bool
names_suite_nth(unsigned i, struct str *s)
{
	bool ours = i >= NAMES_SUITES;
	unsigned esp = PLAIN * (1 + COUNT(p2_hashes)) + COUNT(p2_ciphers) - PLAIN;
	struct p2_name n = { 0 };

	if (i >= NAMES_SUITES_ALL)
		return false;
	if (ours)
		i -= NAMES_SUITES;
	/* no PFS, PFS alone, PFS with each group */
	unsigned pfs = ours ? 1 + GROUPS : digit(&i, 2 + OLD_GROUPS);
	n.pfs = pfs > 0;
	n.group = pfs > 1 ? &groups[pfs - 2] : NULL;
	n.transport = digit(&i, 2) == 1;
	n.ah = i >= esp;
	if (n.ah)
		n.hash = &p2_hashes[i - esp];
	else
		esp_nth(i, &n);
	p2_write(s, &n);
	str_add(s, "-SUITE");
	return true;
}
