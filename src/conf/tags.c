/* Which tags a kind of section has; what is unknown or unused is said. */
#include "conf/build.h"
#include "conf/edit.h"

#define PEER_OR_ID (KIND_P1_ID | KIND_P2_ID)

static const struct {
	const char	*tag;
	uint32_t	 kinds;
} known[] = {
	{ "Acquire-Only", KIND_GENERAL },
	{ "Check-interval", KIND_GENERAL },
	{ "Default-phase-1-ID", KIND_GENERAL },
	{ "Default-phase-1-lifetime", KIND_GENERAL },
	{ "Default-phase-2-lifetime", KIND_GENERAL },
	{ "Default-phase-2-suites", KIND_GENERAL },
	{ "Delete-SAs", KIND_GENERAL },
	{ "DPD-check-interval", KIND_GENERAL | KIND_PEER },
	{ "Exchange-max-time", KIND_GENERAL },
	{ "Listen-on", KIND_GENERAL },
	{ "Loglevel", KIND_GENERAL },
	{ "Logverbose", KIND_GENERAL },
	{ "NAT-T-Keepalive", KIND_GENERAL },
	{ "Policy-file", KIND_GENERAL },
	{ "Pubkey-directory", KIND_GENERAL },
	{ "Renegotiate-on-HUP", KIND_GENERAL },
	{ "Retransmits", KIND_GENERAL },
	{ "Shared-SADB", KIND_GENERAL },
	{ "Use-Keynote", KIND_GENERAL },
	/* ours */
	{ "Capture-size", KIND_GENERAL },
	{ "First-retransmit", KIND_GENERAL },
	{ "Half-open-per-source", KIND_GENERAL },
	{ "Half-open-total", KIND_GENERAL },
	{ "Kernel-backend", KIND_GENERAL },
	{ "Key-log", KIND_GENERAL },
	{ "Refuse-weak", KIND_GENERAL },
	{ "Trailing-comments", KIND_GENERAL },

	{ "Connections", KIND_PHASE2 },
	{ "Passive-connections", KIND_PHASE2 },

	{ "Credential-directory", KIND_KEYNOTE },

	{ "Accept-self-signed", KIND_X509 },
	{ "CA-directory", KIND_X509 },
	{ "Cert-directory", KIND_X509 },
	{ "CRL-directory", KIND_X509 },
	{ "Check-extended-usage", KIND_X509 },
	{ "CRL-policy", KIND_X509 },
	{ "Send-certificates", KIND_X509 },
	{ "OCSP", KIND_X509 },
	{ "OCSP-responder", KIND_X509 },
	{ "OCSP-timeout", KIND_X509 },
	{ "Private-key", KIND_X509 },
	{ "Private-key-directory", KIND_X509 },

	{ "Phase", KIND_PEER | KIND_CONNECTION },
	{ "Transport", KIND_PEER },
	{ "Address", KIND_PEER | PEER_OR_ID },
	{ "Port", KIND_PEER | KIND_P2_ID },
	{ "Local-address", KIND_PEER },
	{ "Configuration", KIND_PEER | KIND_CONNECTION },
	{ "Authentication", KIND_PEER },
	{ "ID", KIND_PEER },
	{ "Remote-ID", KIND_PEER | KIND_CONNECTION },
	{ "Flags", KIND_PEER | KIND_CONNECTION },
	{ "Credentials", KIND_PEER },
	{ "Credential_Type", KIND_PEER },
	{ "PKAuthentication", KIND_PEER },
	{ "Refcount", KIND_PEER | KIND_CONNECTION | KIND_P1_CONFIG | KIND_P2_CONFIG | PEER_OR_ID },
	/* ours */
	{ "Allow-any-ID", KIND_PEER },
	{ "Allow-weak", KIND_PEER },
	{ "Force-encapsulation", KIND_PEER },
	{ "NAT-T", KIND_PEER },

	{ "ID-type", PEER_OR_ID },
	{ "Network", PEER_OR_ID },
	{ "Netmask", PEER_OR_ID },
	{ "Name", KIND_P1_ID },
	{ "Protocol", KIND_P2_ID },
	/* ours */
	{ "First-address", KIND_P2_ID },
	{ "Last-address", KIND_P2_ID },

	{ "DOI", KIND_P1_CONFIG | KIND_P2_CONFIG },
	{ "EXCHANGE_TYPE", KIND_P1_CONFIG | KIND_P2_CONFIG },
	{ "Transforms", KIND_P1_CONFIG | KIND_PROTOCOL },

	{ "ENCRYPTION_ALGORITHM", KIND_P1_TRANSFORM },
	{ "KEY_LENGTH", KIND_P1_TRANSFORM | KIND_P2_TRANSFORM },
	{ "HASH_ALGORITHM", KIND_P1_TRANSFORM },
	{ "AUTHENTICATION_METHOD", KIND_P1_TRANSFORM },
	{ "GROUP_DESCRIPTION", KIND_P1_TRANSFORM | KIND_P2_TRANSFORM },
	{ "GROUP_TYPE", KIND_P1_TRANSFORM },
	{ "FIELD_SIZE", KIND_P1_TRANSFORM },
	{ "GROUP_ORDER", KIND_P1_TRANSFORM },
	{ "PRF", KIND_P1_TRANSFORM },
	{ "Life", KIND_P1_TRANSFORM | KIND_P2_TRANSFORM },

	{ "LIFE_TYPE", KIND_LIFE },
	{ "LIFE_DURATION", KIND_LIFE },

	{ "ISAKMP-peer", KIND_CONNECTION },
	{ "Local-ID", KIND_CONNECTION },
	{ "NAT-ID", KIND_CONNECTION },
	{ "PF-Tag", KIND_CONNECTION },
	{ "Interface", KIND_CONNECTION },
	{ "Acquire-ID", KIND_CONNECTION },
	/* ours */
	{ "Accept-any-suite", KIND_CONNECTION },

	{ "Suites", KIND_P2_CONFIG },
	{ "Protocols", KIND_SUITE },
	{ "PROTOCOL_ID", KIND_PROTOCOL },
	{ "ReplayWindow", KIND_PROTOCOL },

	{ "TRANSFORM_ID", KIND_P2_TRANSFORM },
	{ "ENCAPSULATION_MODE", KIND_P2_TRANSFORM },
	{ "AUTHENTICATION_ALGORITHM", KIND_P2_TRANSFORM },
	{ "KEY_ROUNDS", KIND_P2_TRANSFORM },
	{ "ECN_TUNNEL", KIND_P2_TRANSFORM },
	{ "COMPRESS_DICTIONARY_SIZE", KIND_P2_TRANSFORM },
	{ "COMPRESS_PRIVATE_ALGORITHM", KIND_P2_TRANSFORM },
};

const char *
kind_name(uint32_t kinds)
{
	static const char *const names[] = {
		"General", "Phase 1", "Phase 2", "KeyNote", "X509-certificates", "ISAKMP-peer",
		"Phase1-ID", "ISAKMP-configuration", "ISAKMP-transform", "lifetime",
		"IPsec-connection", "IPsec-configuration", "IPsec-suite", "IPsec-protocol",
		"IPsec-transform", "IPsec-ID",
	};

	for (size_t i = 0; i < COUNT(names); i++)
		if (kinds & 1u << i)
			return names[i];
	return "unused";
}

/* All kinds that have a tag, found by one look: there are many tags, and many sections. */
struct tag_kinds { uint32_t kinds; };

static bool
tags_by_name(struct build *b, struct table *ret)
{
	for (size_t i = 0; i < COUNT(known); i++) {
		struct tag_kinds *t = table_get(ret, view_str(known[i].tag));

		if (t == NULL) {
			t = scratch_room(b, 1, sizeof(*t));
			if (t == NULL || !table_put(ret, known[i].tag, t))
				return false;
		}
		t->kinds |= known[i].kinds;
	}
	return true;
}

static void
unknown_tag(struct build *b, const struct store_entry *e, const struct sect *s, uint32_t others)
{
	struct ref ref = { e->section, e->tag, { e->line, e->column } };
	struct nearest near = nearest_to(view_str(e->tag));
	STR(advice, 160);

	bool search = may_suggest(b);
	for (size_t i = 0; search && i < COUNT(known); i++)
		if (known[i].kinds & s->kinds)
			nearest_try(&near, known[i].tag);
	if (near.best[0] != '\0')
		str_addf(&advice, "did you mean \"%s\"?", near.best);
	else if (others != 0)
		str_addf(&advice, "it belongs into a section of kind %s", kind_name(others));
	else
		advise_name(view_str(e->tag), &advice);
	complain(b, PROBLEM_WARNING, ref, advice.p, "unknown tag in a section of kind %s: ignored",
	    kind_name(s->kinds));
}

static bool
begins(const char *text, const char *with)
{
	return text_same_n(text, with, strlen(with));
}

/* Sections that nothing refers to: some have a meaning of their own. */
static void
unused_section(struct build *b, const struct store_entry *e)
{
	static const char *const config[] = { "ipv4/", "ipv6/", "fqdn/", "ufqdn/", "asn1_dn/" };
	struct ref ref = { e->section, NULL, { e->section_line, e->section_line == 0 ? 0 : 1 } };
	struct value v;
	struct addr a;

	for (size_t i = 0; i < COUNT(config); i++)
		if (begins(e->section, config[i])) {
			not_available(b, ref, "mode config");
			return;
		}
	/* Made by kernel requests, or by ipsecctl for them. */
	if (store_get(b->store, e->section, "Refcount", &v) || begins(e->section, "peer-"))
		return;
	if (text_same(e->tag, "Authentication") &&
	    (addr_parse(e->section, &a) || strpbrk(e->section, ".@") != NULL)) {
		not_available(b, ref, "a key by initiator ID (aggressive mode)");
		return;
	}
	static const char *const roots[] = {
		"General", "Phase 1", "Phase 2", "KeyNote", "X509-certificates",
	};
	STR(advice, 160);
	suggest_of(b, view_str(e->section), roots, COUNT(roots), &advice);
	complain(b, PROBLEM_WARNING, ref, advice.p, "nothing refers to this section: it has no effect");
}

struct walk { struct build *b; const char *last; const struct sect *sect; struct table tags; };

static bool
check_entry(void *self, const struct store_entry *e)
{
	struct walk *w = self;
	bool first = w->last != e->section;

	if (first)
		w->sect = table_get(&w->b->sections, view_str(e->section));
	w->last = e->section;
	const struct sect *s = w->sect;
	if (s == NULL || s->kinds == 0) {
		if (first)
			unused_section(w->b, e);
		return true;
	}
	if (s->kinds & KIND_PHASE1)
		return true;
	const struct tag_kinds *t = table_get(&w->tags, view_str(e->tag));
	if (t == NULL || !(t->kinds & s->kinds))
		unknown_tag(w->b, e, s, t == NULL ? 0 : t->kinds);
	return true;
}

void
check_tags(struct build *b)
{
	struct walk w = { .b = b };

	if (tags_by_name(b, &w.tags))
		store_each(b->store, check_entry, &w);
	else
		b->no_memory = true;
	table_done(&w.tags);
}
