/* The kinds of values (isakmpd-conf.md 2.1, 2.2), each checked where it is read. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "conf/build.h"
#include "conf/edit.h"
#include "conf/lex.h"

/* ---- problems and their places ---- */

struct ref
ref_section(const struct build *b, const char *section)
{
	uint32_t line = store_section_line(b->store, section);

	return (struct ref){ .section = section, .place = { line, line == 0 ? 0 : 1 } };
}

struct ref
ref_value(const char *section, const char *tag, const struct value *v)
{
	return (struct ref){ section, tag, { v->line, v->column } };
}

struct ref
ref_member(const struct build *b, const char *section, const char *tag,
    const struct value *v, struct view member)
{
	size_t at = (size_t)((const char *)member.p - v->text);

	return (struct ref){ section, tag, store_place(b->store, v, at) };
}

void
complain(struct build *b, enum severity severity, struct ref ref, const char *suggestion,
    const char *fmt, ...)
{
	char text[300];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	SHOW(section, view_str(ref.section));
	if (ref.tag == NULL) {
		problem_add(b->out, severity, ref.place, suggestion, "[%s]: %s", section.p, text);
		return;
	}
	SHOW(tag, view_str(ref.tag));
	problem_add(b->out, severity, ref.place, suggestion, "[%s]:%s: %s", section.p, tag.p, text);
}

void
on_demand_tags(struct build *b, const char *section)
{
	static const char *const tags[] = { "Refcount", "Acquire-ID" };
	struct value v;

	for (size_t i = 0; i < COUNT(tags); i++)
		if (get(b, section, tags[i], &v))
			complain(b, PROBLEM_WARNING, ref_value(section, tags[i], &v), "remove it",
			    "no effect: sections made on demand are not available in this version");
}

void
not_available(struct build *b, struct ref ref, const char *what)
{
	complain(b, PROBLEM_ERROR, ref, "", "%s: not available in this version", what);
}

void
missing_tag(struct build *b, const char *section, const char *tag)
{
	STR(advice, 80);

	str_addf(&advice, "add %s=", tag);
	complain(b, PROBLEM_ERROR, ref_section(b, section), advice.p, "no \"%s\" tag", tag);
}

char *
keep_text(struct build *b, const char *text)
{
	char *kept = arena_text(b->arena, view_str(text));

	b->no_memory |= kept == NULL;
	return kept;
}

void *
keep_room(struct build *b, size_t n, size_t size)
{
	void *room = arena_array(b->arena, n, size);

	b->no_memory |= room == NULL;
	return room;
}

void *
scratch_room(struct build *b, size_t n, size_t size)
{
	void *room = arena_array(b->scratch, n, size);

	b->no_memory |= room == NULL;
	return room;
}

/* ---- strings and flags ---- */

bool
get(struct build *b, const char *section, const char *tag, struct value *ret)
{
	return store_get(b->store, section, tag, ret);
}

bool
get_flag(struct build *b, const char *section, const char *tag)
{
	struct value v;

	if (!get(b, section, tag, &v))
		return false;
	if (text_same_n(v.text, "no", 2) || text_same_n(v.text, "off", 3) ||
	    strcmp(v.text, "0") == 0)
		complain(b, PROBLEM_WARNING, ref_value(section, tag, &v),
		    "remove the tag to switch it off", "being there switches it on, whatever the value");
	return true;
}

bool
get_yes(struct build *b, const char *section, const char *tag, bool fallback)
{
	struct value v;

	if (!get(b, section, tag, &v))
		return fallback;
	if (text_same(v.text, "yes"))
		return true;
	if (text_same(v.text, "no"))
		return false;
	SHOW(shown, view_str(v.text));
	complain(b, PROBLEM_ERROR, ref_value(section, tag, &v), "write yes or no",
	    "\"%s\" is neither yes nor no", shown.p);
	return fallback;
}

/* ---- numbers ---- */

/* strtol over a copy's digits with saturation; *end is where it stopped. */
static bool
read_number(const char *text, int base, int64_t *ret, const char **end)
{
	char *stop;

	while (lex_space((uint8_t)*text))
		text++;
	long long n = strtoll(text, &stop, base);
	*ret = n;
	*end = stop;
	return stop != text;
}

static void
warn_rest(struct build *b, struct ref ref, const char *rest, int64_t n)
{
	while (lex_space((uint8_t)*rest))
		rest++;
	if (*rest == '\0')
		return;
	SHOW(shown, view_str(rest));
	STR(advice, 80);
	if (*rest == '#' || *rest == ';')
		str_add(&advice, "a comment begins in the first column");
	else
		str_addf(&advice, "it counts as %lld; write the number alone", (long long)n);
	complain(b, PROBLEM_WARNING, ref, advice.p, "\"%s\" after the number is ignored", shown.p);
}

uint32_t
get_number(struct build *b, const char *section, const char *tag, uint32_t fallback,
    uint32_t least, uint32_t most)
{
	struct value v;
	const char *rest;
	int64_t n;

	if (!get(b, section, tag, &v))
		return fallback;
	struct ref ref = ref_value(section, tag, &v);
	SHOW(shown, view_str(v.text));
	if (!read_number(v.text, 10, &n, &rest)) {
		complain(b, PROBLEM_ERROR, ref, "write a number", "\"%s\" is not a number", shown.p);
		return fallback;
	}
	if (n < least || n > most) {
		STR(advice, 80);

		str_addf(&advice, "%u to %u", (unsigned)least, (unsigned)most);
		complain(b, PROBLEM_ERROR, ref, advice.p, "%s is out of range", shown.p);
		return fallback;
	}
	warn_rest(b, ref, rest, n);
	return (uint32_t)n;
}

static bool
any_value(const char *text)
{
	return strcmp(text, "ANY") == 0;	/* upper case only, spec section 2 */
}

/* "X" or "X,Y:Z", as sscanf("%d,%d:%d") reads them, and nothing after. */
static bool
read_accept(const char *text, int64_t n[3])
{
	const char *rest;

	if (!read_number(text, 10, &n[0], &rest))
		return false;
	n[1] = n[2] = n[0];
	if (*rest == ',' && (!read_number(rest + 1, 10, &n[1], &rest) || *rest != ':' ||
	    !read_number(rest + 1, 10, &n[2], &rest)))
		return false;
	return *rest == '\0';
}

bool
get_accept(struct build *b, const char *section, const char *tag, struct accept *ret)
{
	struct value v;
	int64_t n[3] = { 0 };

	*ret = (struct accept){ 0 };
	if (!get(b, section, tag, &v))
		return true;
	struct ref ref = ref_value(section, tag, &v);
	SHOW(shown, view_str(v.text));
	if (any_value(v.text)) {
		*ret = (struct accept){ .present = true, .any = true };
		return true;
	}
	if (!read_accept(v.text, n)) {
		complain(b, PROBLEM_ERROR, ref, "write N, or N,LEAST:MOST",
		    "\"%s\" is not an offer", shown.p);
		return false;
	}
	for (int i = 0; i < 3; i++)
		if (n[i] < 1 || n[i] > INT32_MAX) {
			complain(b, PROBLEM_ERROR, ref, "1 to 2147483647",
			    "\"%s\" is out of range", shown.p);
			return false;
		}
	if (n[1] > n[2]) {
		complain(b, PROBLEM_ERROR, ref, "write N,LEAST:MOST",
		    "\"%s\" accepts nothing: the range ends before it begins", shown.p);
		return false;
	}
	if (n[0] < n[1] || n[0] > n[2])
		complain(b, PROBLEM_WARNING, ref, "", "\"%s\" offers what it would not accept", shown.p);
	*ret = (struct accept){ .present = true, .offer = (uint32_t)n[0],
	    .least = (uint32_t)n[1], .most = (uint32_t)n[2] };
	return true;
}

/* ---- constants ---- */

/* Names of the original that no version here will have. */
static bool
old_name(enum registry reg, const char *text)
{
	static const char *const groups[] = {
		"EC2N_163sect", "EC2N_163K", "EC2N_283sect", "EC2N_283K", "EC2N_409sect",
		"EC2N_409K", "EC2N_571sect", "EC2N_571K",
	};
	static const char *const ciphers[] = {
		"AES_MARS", "AES_RC6", "AES_RIJNDAEL", "AES_SERPENT", "AES_TWOFISH",
	};

	for (size_t i = 0; reg == REG_GROUP && i < COUNT(groups); i++)
		if (text_same(groups[i], text))
			return true;
	for (size_t i = 0; reg == REG_ESP && i < COUNT(ciphers); i++)
		if (text_same(ciphers[i], text))
			return true;
	return false;
}

bool
get_constant(struct build *b, const char *section, const char *tag, enum registry reg,
    bool any, int32_t *ret)
{
	struct value v;

	if (!get(b, section, tag, &v)) {
		missing_tag(b, section, tag);
		return false;
	}
	if (any && any_value(v.text)) {
		*ret = CONF_ANY;
		return true;
	}
	int32_t n = reg_number(reg, v.text);
	if (n >= 0) {
		*ret = n;
		return true;
	}
	SHOW(shown, view_str(v.text));
	struct ref ref = ref_value(section, tag, &v);
	if (old_name(reg, v.text)) {
		not_available(b, ref, shown.p);
		return false;
	}
	STR(advice, 160);
	if (any && text_same(v.text, "ANY"))
		str_add(&advice, "ANY is written in upper case");
	else
		suggest_constant(b, view_str(v.text), reg, &advice);
	complain(b, PROBLEM_ERROR, ref, advice.p, "\"%s\" is no %s", shown.p, tag);
	return false;
}

/* ---- addresses ---- */

enum { ADDRESSES_MAX = 64 };

static bool
link_local(const struct addr *a)
{
	return a->family == FAMILY_IP6 && a->b[0] == 0xfe && (a->b[1] & 0xc0) == 0x80;
}

/* The first address of the family; for IPv6 rather one that is not link-local. */
static const struct conf_interface_address *
choose(const struct conf_interface_address *v, size_t n, enum family family)
{
	const struct conf_interface_address *spare = NULL;

	for (size_t i = 0; i < n; i++) {
		if (v[i].addr.family != family)
			continue;
		if (!link_local(&v[i].addr))
			return &v[i];
		if (spare == NULL)
			spare = &v[i];
	}
	return spare;
}

static void
no_interface(struct build *b, struct ref ref, const char *text, enum family family, bool there)
{
	const char *slash = strchr(text, '/');
	STR(advice, 160);
	int number = family == FAMILY_IP6 ? 6 : 4;
	char host[64];
	struct addr a;

	SHOW(shown, view_str(text));
	if (text_same(text, "default")) {
		complain(b, PROBLEM_ERROR, ref, "", "there is no IPv%d default route", number);
		return;
	}
	if (there) {
		complain(b, PROBLEM_ERROR, ref, "", "interface \"%s\" has no IPv%d address",
		    shown.p, number);
		return;
	}
	if (slash != NULL && (size_t)(slash - text) < sizeof(host)) {
		text_copy(host, (size_t)(slash - text) + 1, text);
		if (addr_parse(host, &a))
			str_add(&advice, "write the address alone; the mask has a tag of its own");
	}
	if (*text == '[')
		str_add(&advice, "write the address without brackets");
	advise_name(view_str(text), &advice);
	if (advice.len == 0 && strchr(text, '.') != NULL && strspn(text, "0123456789.") != strlen(text))
		str_add(&advice, "host names are not looked up: write the address");
	complain(b, PROBLEM_ERROR, ref, advice.p,
	    "\"%s\" is neither an address nor an interface of this machine", shown.p);
}

static bool
interface_address(struct build *b, struct ref ref, const char *text, enum family family,
    struct conf_interface_address *ret)
{
	struct conf_interface_address v[ADDRESSES_MAX];
	size_t n = b->env->addresses == NULL ? 0 :
	    b->env->addresses(b->env->self, text, family, v, COUNT(v));
	const struct conf_interface_address *best =
	    choose(v, n < COUNT(v) ? n : COUNT(v), family);

	if (best != NULL) {
		*ret = *best;
		return true;
	}
	no_interface(b, ref, text, family, n > 0);
	return false;
}

bool
address_of(struct build *b, struct ref ref, const char *text, enum family family,
    struct addr *ret)
{
	struct conf_interface_address found;
	struct addr a;

	if (!addr_parse(text, &a)) {
		if (!interface_address(b, ref, text, family == FAMILY_NONE ? FAMILY_IP4 : family,
		    &found))
			return false;
		*ret = found.addr;
		return true;
	}
	if (family != FAMILY_NONE && a.family != family) {
		SHOW(shown, view_str(text));
		complain(b, PROBLEM_ERROR, ref, "", "%s is not an IPv%d address", shown.p, family);
		return false;
	}
	*ret = a;
	return true;
}

bool
get_address(struct build *b, const char *section, const char *tag, enum family family,
    struct addr *ret)
{
	struct value v;

	if (!get(b, section, tag, &v)) {
		missing_tag(b, section, tag);
		return false;
	}
	return address_of(b, ref_value(section, tag, &v), v.text, family, ret);
}

/* "24" or "/24": how other programs write a netmask. */
static bool
mask_length(struct build *b, struct ref ref, const char *text, enum family family)
{
	const char *digits = *text == '/' ? text + 1 : text, *rest;
	int64_t n;
	STR(advice, 80);

	if (*digits < '0' || *digits > '9' || !read_number(digits, 10, &n, &rest) || *rest != '\0' ||
	    n > (family == FAMILY_IP6 ? 128 : 32))
		return false;
	SHOW(shown, view_str(text));
	struct addr mask = addr_mask_of((uint8_t)family, (unsigned)n);
	str_add(&advice, "write ");
	addr_print(&advice, &mask);
	complain(b, PROBLEM_ERROR, ref, advice.p, "\"%s\" is no netmask", shown.p);
	return true;
}

bool
get_netmask(struct build *b, const char *section, const char *tag, enum family family,
    struct addr *ret)
{
	struct conf_interface_address found;
	struct value v;

	if (!get(b, section, tag, &v)) {
		missing_tag(b, section, tag);
		return false;
	}
	struct ref ref = ref_value(section, tag, &v);
	if (addr_parse(v.text, ret))
		return address_of(b, ref, v.text, family, ret);
	if (mask_length(b, ref, v.text, family))
		return false;
	if (!interface_address(b, ref, v.text, family, &found))
		return false;
	*ret = addr_mask_of((uint8_t)family, found.bits);
	return true;
}

/* ---- protocols and ports: numbers, and the names one meets in filters ---- */

struct number_name { const char *name; uint16_t number; };

static const struct number_name protocols[] = {
	{ "icmp", 1 }, { "igmp", 2 }, { "ipencap", 4 }, { "tcp", 6 }, { "udp", 17 },
	{ "dccp", 33 }, { "ipv6", 41 }, { "gre", 47 }, { "esp", 50 }, { "ah", 51 },
	{ "ipv6-icmp", 58 }, { "icmp6", 58 }, { "ospf", 89 }, { "etherip", 97 }, { "pim", 103 },
	{ "ipcomp", 108 }, { "vrrp", 112 }, { "carp", 112 }, { "l2tp", 115 }, { "sctp", 132 },
	{ "udplite", 136 },
};

static const struct number_name services[] = {
	{ "ftp", 21 }, { "ssh", 22 }, { "telnet", 23 }, { "smtp", 25 }, { "domain", 53 },
	{ "bootps", 67 }, { "bootpc", 68 }, { "tftp", 69 }, { "http", 80 }, { "www", 80 },
	{ "kerberos", 88 }, { "pop3", 110 }, { "sunrpc", 111 }, { "ntp", 123 }, { "imap2", 143 },
	{ "imap", 143 }, { "snmp", 161 }, { "snmp-trap", 162 }, { "bgp", 179 }, { "ldap", 389 },
	{ "https", 443 }, { "isakmp", 500 }, { "syslog", 514 }, { "ldaps", 636 },
	{ "imaps", 993 }, { "pop3s", 995 }, { "openvpn", 1194 }, { "l2f", 1701 },
	{ "l2tp", 1701 }, { "radius", 1812 }, { "radius-acct", 1813 }, { "nfs", 2049 },
	{ "mysql", 3306 }, { "ipsec-nat-t", 4500 }, { "sip", 5060 }, { "postgresql", 5432 },
};

static bool
number_or_name(struct build *b, struct ref ref, const char *text, const struct number_name *v,
    size_t n, uint16_t least, uint16_t most, uint16_t *ret)
{
	const char *rest;
	int64_t number;

	SHOW(shown, view_str(text));
	if (*text >= '0' && *text <= '9') {
		if (!read_number(text, 0, &number, &rest) || *rest != '\0' ||
		    number < least || number > most) {
			STR(advice, 80);
			str_addf(&advice, "%u to %u", least, most);
			complain(b, PROBLEM_ERROR, ref, advice.p, "\"%s\" is out of range", shown.p);
			return false;
		}
		*ret = (uint16_t)number;
		return true;
	}
	struct nearest near = nearest_to(view_str(text));
	for (size_t i = 0; i < n; i++) {
		if (text_same(v[i].name, text)) {
			*ret = v[i].number;
			return true;
		}
		nearest_try(&near, v[i].name);
	}
	STR(advice, 160);
	if (near.best[0] != '\0')
		str_addf(&advice, "did you mean \"%s\"? ", near.best);
	str_add(&advice, "a number always works");
	complain(b, PROBLEM_ERROR, ref, advice.p, "\"%s\" unknown", shown.p);
	return false;
}

bool
get_port(struct build *b, const char *section, const char *tag, uint16_t *ret)
{
	struct value v;

	if (!get(b, section, tag, &v))
		return true;
	return number_or_name(b, ref_value(section, tag, &v), v.text, services,
	    COUNT(services), 1, UINT16_MAX, ret);
}

bool
get_protocol(struct build *b, const char *section, const char *tag, uint8_t *ret)
{
	struct value v;
	uint16_t n = 0;

	if (!get(b, section, tag, &v))
		return true;
	if (!number_or_name(b, ref_value(section, tag, &v), v.text, protocols,
	    COUNT(protocols), 0, UINT8_MAX, &n))
		return false;
	*ret = (uint8_t)n;
	return true;
}

/* ---- tags that several kinds of sections have ---- */

void
check_flags(struct build *b, const char *section, const char *const *known, size_t n,
    uint32_t *ret)
{
	struct list_walk walk = { 0 };
	struct value v;
	struct view member;

	*ret = 0;
	if (!get(b, section, "Flags", &v))
		return;
	if (*v.text == '\0')
		complain(b, PROBLEM_WARNING, ref_value(section, "Flags", &v), "", "Flags is empty");
	walk.text = v.text;
	while (list_next(&walk, &member)) {
		size_t i = 0;

		while (i < n && !(strlen(known[i]) == member.n &&
		    text_same_n(known[i], (const char *)member.p, member.n)))
			i++;
		if (i < n) {
			*ret |= 1u << i;
			continue;
		}
		SHOW(shown, member);
		STR(advice, 160);
		suggest_of(b, member, known, n, &advice);
		complain(b, PROBLEM_WARNING, ref_member(b, section, "Flags", &v, member), advice.p,
		    "sa_flag: attribute \"%s\" unknown", shown.p);
	}
}

void
check_phase(struct build *b, const struct sect *s, const char *phase)
{
	struct value v;
	const char *rest;
	int64_t n;

	if (!get(b, s->name, "Phase", &v)) {
		STR(advice, 40);
		str_addf(&advice, "add Phase=%s", phase);
		complain(b, PROBLEM_ERROR, ref_section(b, s->name), advice.p,
		    "does not have a correct phase: no \"Phase\" tag");
		return;
	}
	SHOW(shown, view_str(v.text));
	if (!read_number(v.text, 10, &n, &rest) || n != phase[0] - '0') {
		STR(advice, 120);
		str_addf(&advice, "Phase=%s here; is this the wrong kind of section?", phase);
		complain(b, PROBLEM_ERROR, ref_value(s->name, "Phase", &v), advice.p,
		    "\"%s\" is not a correct phase", shown.p);
		return;
	}
	warn_rest(b, ref_value(s->name, "Phase", &v), rest, n);
}

void
check_doi(struct build *b, const char *section)
{
	struct value v;
	int32_t doi;

	if (!get(b, section, "DOI", &v) ||
	    !get_constant(b, section, "DOI", REG_DOI, false, &doi))
		return;
	if (doi != reg_number(REG_DOI, "IPSEC"))
		complain(b, PROBLEM_ERROR, ref_value(section, "DOI", &v), "write IPSEC",
		    "DOI unsupported");
}

uint8_t
get_exchange(struct build *b, const char *section, uint8_t wanted)
{
	struct value v;
	int32_t type;

	if (!get_constant(b, section, "EXCHANGE_TYPE", REG_EXCHANGE, false, &type))
		return 0;
	if (type == wanted)
		return wanted;
	if (!get(b, section, "EXCHANGE_TYPE", &v))
		return 0;
	struct ref ref = ref_value(section, "EXCHANGE_TYPE", &v);
	STR(advice, 80);
	str_addf(&advice, "write %s", reg_name(REG_EXCHANGE, wanted));
	if (type == EXCH_AGGRESSIVE && wanted == EXCH_ID_PROT)
		not_available(b, ref, "aggressive mode");
	else
		complain(b, PROBLEM_ERROR, ref, advice.p, "%s cannot be used here",
		    reg_name(REG_EXCHANGE, (uint32_t)type));
	return 0;
}

uint32_t
line_of_tag(struct build *b, const char *section, const char *tag)
{
	struct value v;

	return store_get(b->store, section, tag, &v) && !v.built_in ? v.tag_line : 0;
}

struct where
where_of_tag(struct build *b, const char *section, const char *tag, struct where otherwise)
{
	uint32_t line = line_of_tag(b, section, tag);

	return line == 0 ? otherwise : (struct where){ section, line };
}

static struct lives *
one_life(struct build *b, struct sect *s)
{
	int32_t type;
	struct accept a;
	struct value v;

	if (s->lives != NULL)
		return s->lives;
	s->lives = scratch_room(b, 1, sizeof(*s->lives));
	if (s->lives == NULL ||
	    !get_constant(b, s->name, "LIFE_TYPE", REG_LIFE_TYPE, false, &type) ||
	    !get_accept(b, s->name, "LIFE_DURATION", &a))
		return s->lives;
	if (!get(b, s->name, "LIFE_DURATION", &v)) {
		missing_tag(b, s->name, "LIFE_DURATION");
		return s->lives;
	}
	*(type == LIFE_SECONDS ? &s->lives->secs : &s->lives->kb) = a;
	s->lives->secs_where = where_of_tag(b, s->name, "LIFE_DURATION", (struct where){ 0 });
	return s->lives;
}

void
check_life(struct build *b, const char *section)
{
	struct sect *s = section_mark(b, view_str(section), KIND_LIFE);

	if (s != NULL)
		(void)one_life(b, s);
}

static void
life_join(struct build *b, struct ref ref, struct accept *to, const struct accept *from)
{
	if (!from->present)
		return;
	if (to->present)
		complain(b, PROBLEM_WARNING, ref, "one lifetime of each LIFE_TYPE",
		    "the first lifetime of this type counts");
	else
		*to = *from;
}

void
get_lives(struct build *b, const char *section, struct lives *ret)
{
	struct list_walk walk = { 0 };
	struct value v;
	struct view member;
	unsigned n = 0;

	*ret = (struct lives){ 0 };
	if (!get(b, section, "Life", &v))
		return;
	if (any_value(v.text)) {
		ret->secs = ret->kb = (struct accept){ .present = true, .any = true };
		return;
	}
	walk.text = v.text;
	while (list_next(&walk, &member)) {
		struct ref ref = ref_member(b, section, "Life", &v, member);

		if (++n > LIFES_MAX) {
			complain(b, PROBLEM_ERROR, ref, "", "too many lifetimes");
			return;
		}
		struct sect *s = section_use(b, ref, member, KIND_LIFE);
		struct lives *one = s == NULL ? NULL : one_life(b, s);
		if (one == NULL)
			continue;
		if (one->secs.present && !ret->secs.present)
			ret->secs_where = one->secs_where;
		life_join(b, ref, &ret->secs, &one->secs);
		life_join(b, ref, &ret->kb, &one->kb);
	}
	if (n == 0)
		complain(b, PROBLEM_WARNING, ref_value(section, "Life", &v), "", "Life is empty");
}

void
check_aes_range(struct build *b, struct ref ref, const struct accept *bits)
{
	const uint32_t ends[] = { bits->least, bits->most };

	for (size_t i = 0; !bits->any && i < COUNT(ends); i++)
		if (ends[i] != 128 && ends[i] != 192 && ends[i] != 256)
			complain(b, PROBLEM_WARNING, ref, "128, 192 or 256",
			    "%u, at an end of the range, is not a key length of AES", (unsigned)ends[i]);
}

void
weak_print(struct str *s, uint32_t weak)
{
	static const char *const names[] = {
		"3DES", "SHA1", "MODP_1024", "MODP_1536", "ECP_192", "no encryption", "MD5",
		"MODP_768", "ANY", "DSS",
	};
	const char *between = "";

	for (size_t i = 0; i < COUNT(names); i++)
		if (weak & 1u << i) {
			str_addf(s, "%s%s", between, names[i]);
			between = ", ";
		}
}
