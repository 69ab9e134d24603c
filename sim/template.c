#include "sim/template.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/dn.h"
#include "crypto/key_name.h"

static const struct { const char *name, *value; } option_defaults[] = {
	{ "psk", "mekmitasdigoat" },
	{ "cipher", "AES_CBC" },	/* phase 1 */
	{ "keylen", "128,128:256" },
	{ "hash", "SHA2_256" },
	{ "auth", "PRE_SHARED" },
	{ "key", "none" },		/* private key: NAME of test/vectors/keys/NAME.pem */
	{ "pub", "same" },		/* what the others have for it: NAME.pub, or none */
	{ "ca", "none" },		/* names of `pki`, one file each: root,other */
	{ "certs", "none" },		/* NAME+NAME: a leaf and its issuers in one file */
	{ "crls", "none" },
	{ "sends", "none" },		/* CERT payloads in place of its own (sim/trust.c) */
	{ "group", "X25519" },
	{ "p1life", "3600,60:86400" },
	{ "esp", "AES_GCM_16" },	/* phase 2 */
	{ "esplen", "128,128:128" },
	{ "espauth", "none" },
	{ "mode", "TUNNEL" },
	{ "pfs", "X25519" },
	{ "p2life", "1200,60:86400" },
	{ "p2kb", "none" },
	{ "conns", "1" },		/* per peer */
	{ "active", "no" },		/* yes: in Connections */
	{ "dpd", "0" },
	{ "family", "4" },
	{ "ids", "address" },		/* fqdn: west.example.net; dn: /O=Simulated/CN=west */
	{ "id", "none" },		/* what this host sends, if other than others expect */
	{ "seen", "none" },		/* the address others know this host by */
	{ "known", "yes" },		/* no: this host has no [Phase 1] line for its peers */
	{ "reach", "yes" },		/* no: this host has no Address of its peers */
	{ "natt", "yes" },
	{ "encap", "no" },
	{ "weak", "no" },		/* yes: opt in to what needs it */
	{ "anysuite", "no" },		/* yes: connections take suites that are not theirs */
	{ "net", "none" },		/* local network, if other than others expect */
};

struct plan
plan_new(struct world *w)
{
	return (struct plan){ .w = w,
	    .options = sim_alloc(sizeof(struct host_options) * (size_t)(w->n_hosts + 1)) };
}

void
plan_done(struct plan *p)
{
	free(p->options);
	*p = (struct plan){ 0 };
}

static const char *
default_of(const char *name)
{
	for (size_t i = 0; i < COUNT(option_defaults); i++)
		if (strcmp(option_defaults[i].name, name) == 0)
			return option_defaults[i].value;
	return NULL;
}

bool
plan_set(struct plan *p, int host, const char *name, const char *value)
{
	struct host_options *o = &p->options[host];
	size_t i;

	if (default_of(name) == NULL)
		return false;
	for (i = 0; i < o->n; i++)
		if (strcmp(o->v[i].name, name) == 0)
			break;
	if (i == OPTIONS_MAX)
		return false;
	text_copy(o->v[i].name, sizeof(o->v[i].name), name);
	text_copy(o->v[i].value, sizeof(o->v[i].value), value);
	if (i == o->n)
		o->n++;
	return true;
}

bool
plan_line(struct plan *p, int host, const char *section, const char *line)
{
	struct host_options *o = &p->options[host];

	if (o->n_lines == LINES_MAX)
		return false;
	/* The first value of a tag wins, so a later line goes in front. */
	memmove(&o->line[1], &o->line[0], o->n_lines * sizeof(o->line[0]));
	o->n_lines++;
	text_copy(o->line[0].section, sizeof(o->line[0].section), section);
	text_copy(o->line[0].line, sizeof(o->line[0].line), line);
	return true;
}

const char *
plan_get(const struct plan *p, int host, const char *name)
{
	const struct host_options *o = &p->options[host];

	for (size_t i = 0; i < o->n; i++)
		if (strcmp(o->v[i].name, name) == 0)
			return o->v[i].value;
	return default_of(name);
}

static bool
is(const struct plan *p, int host, const char *name, const char *value)
{
	return strcmp(plan_get(p, host, name), value) == 0;
}

bool
plan_talks(const struct plan *p, int a, int b)
{
	return a != b && (p->topology == TOPOLOGY_MESH || a == 0 || b == 0);
}

unsigned
plan_connections(const struct plan *p, int host, int peer)
{
	if (!plan_talks(p, host, peer))
		return 0;
	return (unsigned)strtoul(plan_get(p, host, "conns"), NULL, 10);
}

void
plan_connection(const struct plan *p, int host, int peer, unsigned k, struct str *ret)
{
	(void)host;
	str_add(ret, "tunnel");
	if (p->w->n_hosts > 2)
		str_addf(ret, "-%s", p->w->host[peer]->name);
	if (k > 1)
		str_addf(ret, "-%u", k);
}

static bool
six(const struct plan *p, int host)
{
	return is(p, host, "family", "6");
}

static const struct addr *
address_of(const struct plan *p, int host)
{
	const struct host *h = p->w->host[host];

	return six(p, host) ? &h->addr6 : &h->addr4;
}

/* The network behind a host for its k-th connections. */
static struct range
network_of(const struct plan *p, int host, unsigned k)
{
	unsigned i = (unsigned)host, bits = six(p, host) ? 64 : 24;
	struct addr a;
	STR(text, 64);

	if (is(p, host, "mode", "TRANSPORT"))
		return (struct range){ *address_of(p, host), *address_of(p, host) };
	if (six(p, host))
		str_addf(&text, "fd00:%x:%x::", k, i + 1);
	else
		str_addf(&text, "10.%u.%u.0", (i / 200 + 1) + 2 * (k - 1), i % 200 + 1);
	if (!addr_parse(text.p, &a))
		abort();
	return (struct range){ addr_first_of(&a, bits), addr_last_of(&a, bits) };
}

struct flow
plan_flow(const struct plan *p, int host, int peer, unsigned k)
{
	return (struct flow){ .local.net = network_of(p, host, k),
	    .remote.net = network_of(p, peer, k) };
}

/* ---- writing the text ---- */

struct text {
	char	*p;
	size_t	n, cap;
};

static void PRINTF_LIKE(2, 3)
put(struct text *t, const char *fmt, ...)
{
	char line[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	size_t n = strlen(line);
	if (t->n + n + 1 > t->cap) {
		t->cap = (t->cap + n + 1) * 2;
		t->p = sim_grow(t->p, t->cap);
	}
	memcpy(t->p + t->n, line, n + 1);
	t->n += n;
}

static void
put_id(struct text *t, const char *section, const struct range *r)
{
	STR(first, 48);
	STR(mask_text, 48);
	int bits = range_bits(r);
	bool v6 = r->first.family == FAMILY_IP6;

	addr_print(&first, &r->first);
	if (addr_equal(&r->first, &r->last)) {
		put(t, "[%s]\nID-type=%s\nAddress=%s\n", section,
		    v6 ? "IPV6_ADDR" : "IPV4_ADDR", first.p);
		return;
	}
	struct addr mask = addr_mask_of(r->first.family, (unsigned)(bits < 0 ? 0 : bits));
	addr_print(&mask_text, &mask);
	put(t, "[%s]\nID-type=%s\nNetwork=%s\nNetmask=%s\n", section,
	    v6 ? "IPV6_ADDR_SUBNET" : "IPV4_ADDR_SUBNET", first.p, mask_text.p);
}

/* What the others call this host: its own address, or its NAT box's. */
static void
put_address(const struct plan *p, int host, struct str *ret)
{
	if (!is(p, host, "seen", "none"))
		str_add(ret, plan_get(p, host, "seen"));
	else
		addr_print(ret, address_of(p, host));
}

static void
put_lists(const struct plan *p, struct text *t, int host)
{
	put(t, "[Phase 2]\n%s=", is(p, host, "active", "yes") ? "Connections" : "Passive-connections");
	bool first = true;
	for (int i = 0; i < p->w->n_hosts; i++)
		for (unsigned k = 1; k <= plan_connections(p, host, i); k++) {
			STR(name, 64);

			plan_connection(p, host, i, k, &name);
			put(t, "%s%s", first ? "" : ",", name.p);
			first = false;
		}
	put(t, "\n[Phase 1]\n");
	for (int i = 0; i < p->w->n_hosts; i++) {
		STR(address, 64);

		if (!plan_talks(p, host, i) || is(p, host, "known", "no"))
			continue;
		put_address(p, i, &address);
		put(t, "%s=peer-%s\n", address.p, p->w->host[i]->name);
	}
}

/* The identity of that name, as this host writes it. */
static void
put_name(const struct plan *p, struct text *t, int host, const char *name)
{
	if (is(p, host, "ids", "dn"))
		put(t, "[id-%s]\nID-type=ASN1_DN\nName=/O=Simulated/CN=%s\n", name, name);
	else
		put(t, "[id-%s]\nID-type=FQDN\nName=%s.example.net\n", name, name);
}

static void
put_peer(const struct plan *p, struct text *t, int host, int peer)
{
	const char *name = p->w->host[peer]->name;
	STR(address, 64);

	put_address(p, peer, &address);
	put(t, "[peer-%s]\nPhase=1\nConfiguration=mm\nAuthentication=%s\n", name,
	    plan_get(p, host, "psk"));
	if (!is(p, host, "reach", "no"))
		put(t, "Address=%s\n", address.p);
	if (is(p, host, "encap", "yes"))
		put(t, "Force-encapsulation=yes\n");
	if (is(p, host, "weak", "yes"))
		put(t, "Allow-weak=yes\n");
	if (is(p, host, "natt", "no"))
		put(t, "NAT-T=no\n");
	if (!is(p, host, "id", "none"))
		put(t, "ID=id-own\n");
	else if (!is(p, host, "ids", "address"))
		put(t, "ID=id-%s\n", p->w->host[host]->name);
	if (!is(p, host, "ids", "address")) {
		put(t, "Remote-ID=id-%s\n", name);
		put_name(p, t, host, name);
	}
}

static void
put_connections(const struct plan *p, struct text *t, int host, int peer)
{
	for (unsigned k = 1; k <= plan_connections(p, host, peer); k++) {
		struct flow f = plan_flow(p, host, peer, k);
		const char *pn = p->w->host[peer]->name;
		STR(name, 64);
		STR(net, 64);

		plan_connection(p, host, peer, k, &name);
		put(t, "[%s]\nPhase=2\nISAKMP-peer=peer-%s\nConfiguration=qm\n"
		    "Local-ID=net-%s-%u\nRemote-ID=net-%s-%u\n", name.p, pn,
		    p->w->host[host]->name, k, pn, k);
		if (is(p, host, "anysuite", "yes"))
			put(t, "Accept-any-suite=yes\n");
		str_addf(&net, "net-%s-%u", pn, k);
		put_id(t, net.p, &f.remote.net);
	}
}

static void
put_named_key(struct text *t, const char *name, const char *pub)
{
	uint8_t room[ID_DATA_MAX];
	struct wr w = wr_of(room, sizeof(room));
	struct dn_fault fault;
	struct id id;
	STR(dn, 100);
	STR(file, KEY_NAME_MAX);

	str_addf(&dn, "/O=Simulated/CN=%s", name);
	if (!dn_encode(dn.p, &w, &fault) ||
	    id_from_wire(ID_DER_ASN1_DN, 0, 0, wr_done(&w), &id) != WHY_NONE || !key_name(&file, &id))
		abort();
	put(t, "#file pubkeys/%s %s.pub\n", file.p, pub);
}

/* The key files of this host: its own, and what it has of the others. */
static void
put_keys(const struct plan *p, struct text *t, int host)
{
	if (!is(p, host, "key", "none"))
		put(t, "#file private/local.key %s.pem\n", plan_get(p, host, "key"));
	for (int i = 0; i < p->w->n_hosts; i++) {
		const char *pub = plan_get(p, i, is(p, i, "pub", "same") ? "key" : "pub");
		STR(address, 64);

		if (!plan_talks(p, host, i) || strcmp(pub, "none") == 0)
			continue;
		put_address(p, i, &address);
		if (is(p, i, "ids", "dn"))
			put_named_key(t, p->w->host[i]->name, pub);
		else if (is(p, i, "ids", "fqdn"))
			put(t, "#file pubkeys/fqdn/%s.example.net %s.pub\n", p->w->host[i]->name, pub);
		else
			put(t, "#file pubkeys/%s/%s %s.pub\n", six(p, i) ? "ipv6" : "ipv4", address.p, pub);
	}
}

/* Its certificates: the names of what `pki` made. */
static void
put_certificates(const struct plan *p, struct text *t, int host)
{
	static const struct { const char *option, *kind; } kinds[] = {
		{ "ca", "ca" }, { "certs", "cert" }, { "crls", "crl" },
	};

	for (size_t i = 0; i < COUNT(kinds); i++) {
		char room[OPTION_TEXT], *save = NULL;

		if (is(p, host, kinds[i].option, "none"))
			continue;
		text_copy(room, sizeof(room), plan_get(p, host, kinds[i].option));
		for (char *w = strtok_r(room, ",", &save); w != NULL; w = strtok_r(NULL, ",", &save))
			put(t, "#trust %s %s\n", kinds[i].kind, w);
	}
	if (!is(p, host, "sends", "none"))
		put(t, "#trust sends %s\n", plan_get(p, host, "sends"));
}

static void
put_own(const struct plan *p, struct text *t, int host)
{
	const char *own = p->w->host[host]->name;
	const char *net = plan_get(p, host, "net");
	unsigned most = (unsigned)strtoul(plan_get(p, host, "conns"), NULL, 10);

	put_name(p, t, host, own);
	put(t, "[id-own]\nID-type=FQDN\nName=%s\n", plan_get(p, host, "id"));
	for (unsigned k = 1; k <= most; k++) {
		struct range r = network_of(p, host, k);
		STR(name, 64);

		if (strcmp(net, "none") != 0 && addr_parse(net, &r.first)) {
			r.last = addr_last_of(&r.first, 24);
			r.first = addr_first_of(&r.first, 24);
		}
		str_addf(&name, "net-%s-%u", own, k);
		put_id(t, name.p, &r);
	}
}

static void
put_proposals(const struct plan *p, struct text *t, int host)
{
	put(t, "[mm]\nEXCHANGE_TYPE=ID_PROT\nTransforms=mm-transform\n[mm-transform]\n");
	put(t, "ENCRYPTION_ALGORITHM=%s\nHASH_ALGORITHM=%s\nAUTHENTICATION_METHOD=%s\n"
	    "GROUP_DESCRIPTION=%s\nLife=mm-life\n", plan_get(p, host, "cipher"),
	    plan_get(p, host, "hash"), plan_get(p, host, "auth"), plan_get(p, host, "group"));
	if (!is(p, host, "keylen", "none"))
		put(t, "KEY_LENGTH=%s\n", plan_get(p, host, "keylen"));
	put(t, "[mm-life]\nLIFE_TYPE=SECONDS\nLIFE_DURATION=%s\n", plan_get(p, host, "p1life"));

	put(t, "[qm]\nEXCHANGE_TYPE=QUICK_MODE\nSuites=qm-suite\n[qm-suite]\nProtocols=qm-esp\n"
	    "[qm-esp]\nPROTOCOL_ID=IPSEC_ESP\nTransforms=qm-transform\n[qm-transform]\n");
	put(t, "TRANSFORM_ID=%s\nENCAPSULATION_MODE=%s\nLife=qm-life%s\n", plan_get(p, host, "esp"),
	    plan_get(p, host, "mode"), is(p, host, "p2kb", "none") ? "" : ",qm-kb");
	if (!is(p, host, "esplen", "none"))
		put(t, "KEY_LENGTH=%s\n", plan_get(p, host, "esplen"));
	if (!is(p, host, "espauth", "none"))
		put(t, "AUTHENTICATION_ALGORITHM=%s\n", plan_get(p, host, "espauth"));
	if (!is(p, host, "pfs", "none"))
		put(t, "GROUP_DESCRIPTION=%s\n", plan_get(p, host, "pfs"));
	put(t, "[qm-life]\nLIFE_TYPE=SECONDS\nLIFE_DURATION=%s\n", plan_get(p, host, "p2life"));
	if (!is(p, host, "p2kb", "none"))
		put(t, "[qm-kb]\nLIFE_TYPE=KILOBYTES\nLIFE_DURATION=%s\n", plan_get(p, host, "p2kb"));
}

char *
plan_text(const struct plan *p, int host)
{
	const struct host_options *o = &p->options[host];
	struct text t = { 0 };

	put(&t, "# %s\n", p->w->host[host]->name);
	for (size_t i = 0; i < o->n_lines; i++)
		put(&t, "[%s]\n%s\n", o->line[i].section, o->line[i].line);
	put(&t, "[General]\nUse-Keynote=no\nDPD-check-interval=%s\n", plan_get(p, host, "dpd"));
	put_lists(p, &t, host);
	for (int i = 0; i < p->w->n_hosts; i++) {
		if (!plan_talks(p, host, i))
			continue;
		put_peer(p, &t, host, i);
		put_connections(p, &t, host, i);
	}
	put_keys(p, &t, host);
	put_certificates(p, &t, host);
	put_own(p, &t, host);
	put_proposals(p, &t, host);
	return t.p;
}

bool
plan_configure_one(struct plan *p, int host)
{
	char *text = plan_text(p, host);
	bool ok = host_configure(p->w->host[host], text);

	free(text);
	return ok;
}

bool
plan_configure(struct plan *p)
{
	for (int i = 0; i < p->w->n_hosts; i++)
		if (!plan_configure_one(p, i))
			return false;
	return true;
}

bool
plan_start(struct plan *p)
{
	if (!plan_configure(p))
		return false;
	for (int i = 0; i < p->w->n_hosts; i++)
		if (!p->w->host[i]->up && !host_start(p->w->host[i]))
			return false;
	return true;
}
