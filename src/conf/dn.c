#include "conf/dn.h"

#include "base/str.h"

/* X.690: the tags that a Name is made of. */
enum {
	TAG_OID = 0x06, TAG_UTF8 = 0x0c, TAG_PRINTABLE = 0x13, TAG_IA5 = 0x16,
	TAG_SEQUENCE = 0x30, TAG_SET = 0x31
};

enum {
	NAME_OCTETS_MAX = 512,	/* what an ID payload holds, ID_DATA_MAX */
	SET_MAX = 8,		/* attributes of one RDN */
	OID_OCTETS_MAX = 64,
	COUNTRY_OCTETS = 2	/* X.520: CountryName is of this size */
};

struct kind {
	const char	*name;
	const char	*oid;		/* octets */
	uint8_t		 oid_n, tag;
};

#define X520(name, last, tag) { name, "\x55\x04" last, 3, tag }
#define PILOT "\x09\x92\x26\x89\x93\xf2\x2c\x64\x01"	/* 0.9.2342.19200300.100.1 (RFC 4519) */
#define PKCS9 "\x2a\x86\x48\x86\xf7\x0d\x01\x09"	/* 1.2.840.113549.1.9 (RFC 2985) */

/* RFC 4519, RFC 5280 appendix A; names as OpenSSL prints them. */
static const struct kind kinds[] = {
	X520("CN", "\x03", TAG_UTF8), X520("SN", "\x04", TAG_UTF8),
	X520("serialNumber", "\x05", TAG_PRINTABLE), X520("C", "\x06", TAG_PRINTABLE),
	X520("L", "\x07", TAG_UTF8), X520("ST", "\x08", TAG_UTF8),
	X520("street", "\x09", TAG_UTF8), X520("O", "\x0a", TAG_UTF8),
	X520("OU", "\x0b", TAG_UTF8), X520("title", "\x0c", TAG_UTF8),
	X520("description", "\x0d", TAG_UTF8), X520("businessCategory", "\x0f", TAG_UTF8),
	X520("postalCode", "\x11", TAG_UTF8), X520("name", "\x29", TAG_UTF8),
	X520("GN", "\x2a", TAG_UTF8), X520("initials", "\x2b", TAG_UTF8),
	X520("generationQualifier", "\x2c", TAG_UTF8),
	X520("dnQualifier", "\x2e", TAG_PRINTABLE), X520("pseudonym", "\x41", TAG_UTF8),
	X520("organizationIdentifier", "\x61", TAG_UTF8),
	{ "UID", PILOT "\x01", 10, TAG_UTF8 }, { "DC", PILOT "\x19", 10, TAG_IA5 },
	{ "emailAddress", PKCS9 "\x01", 9, TAG_IA5 },
};

/* What is left of the text, and the first fault. */
struct text {
	const char	*p;
	size_t		 at;
	struct dn_fault	*fault;
};

static bool
fault(const struct text *t, size_t at, const char *what, const char *advice)
{
	t->fault->at = at;
	text_copy(t->fault->text, sizeof(t->fault->text), what);
	text_copy(t->fault->advice, sizeof(t->fault->advice), advice);
	return false;
}

/* ---- DER ---- */

static void
tlv(struct wr *w, uint8_t tag, struct view content)
{
	wr_u8(w, tag);
	if (content.n > 0xff) {
		wr_u8(w, 0x82);
		wr_u16(w, (uint16_t)content.n);
	} else {
		if (content.n > 0x7f)
			wr_u8(w, 0x81);
		wr_u8(w, (uint8_t)content.n);
	}
	wr_view(w, content);
}

/* X.690 8.19: seven bits an octet, all but the last with the eighth set. */
static void
oid_arc(struct wr *w, uint64_t arc)
{
	unsigned groups = 1;

	for (uint64_t rest = arc >> 7; rest > 0; rest >>= 7)
		groups++;
	while (groups-- > 0)
		wr_u8(w, (uint8_t)((arc >> (7 * groups) & 0x7f) | (groups > 0 ? 0x80U : 0U)));
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* One number of a dotted OID; false: none, or more than 32 bits. */
static bool
number(const char **p, const char *end, uint64_t *ret)
{
	const char *begin = *p;
	uint64_t v = 0;

	for (; *p < end && is_digit(**p) && v <= UINT32_MAX; (*p)++)
		v = v * 10 + (uint64_t)(**p - '0');
	*ret = v;
	return *p > begin && v <= UINT32_MAX && (*begin != '0' || *p == begin + 1);
}

static bool
dotted_oid(struct view name, struct wr *w)
{
	const char *p = (const char *)name.p, *end = p + name.n;
	uint64_t first, second, arc;

	if (!number(&p, end, &first) || p == end || *p++ != '.' || !number(&p, end, &second) ||
	    first > 2 || (first < 2 && second > 39))
		return false;
	oid_arc(w, first * 40 + second);
	while (p < end) {
		if (*p++ != '.' || !number(&p, end, &arc))
			return false;
		oid_arc(w, arc);
	}
	return !w->bad;
}

/* ---- types ---- */

static const struct kind *
kind_named(struct view name)
{
	for (size_t i = 0; i < COUNT(kinds); i++)
		if (strlen(kinds[i].name) == name.n &&
		    text_same_n(kinds[i].name, (const char *)name.p, name.n))
			return &kinds[i];
	return NULL;
}

static const struct kind *
kind_of_oid(struct view oid)
{
	for (size_t i = 0; i < COUNT(kinds); i++)
		if (view_equal(view_of(kinds[i].oid, kinds[i].oid_n), oid))
			return &kinds[i];
	return NULL;
}

/*
 * What can be a type, also one that is not known here, then "="; how many
 * before it.  0: no type is there.
 */
static size_t
type_length(const char *p)
{
	size_t n = 0;

	while (is_digit(p[n]) || (p[n] >= 'A' && p[n] <= 'Z') || (p[n] >= 'a' && p[n] <= 'z') ||
	    p[n] == '.' || p[n] == '-' || p[n] == '_')
		n++;
	return p[n] == '=' ? n : 0;
}

/* The type in front of "=": its OID goes out, its string type comes back. */
static bool
read_type(struct text *t, struct wr *w, uint8_t *ret_tag)
{
	const size_t begin = t->at, n = type_length(t->p + begin);
	const struct view name = view_of(t->p + begin, n);
	uint8_t room[OID_OCTETS_MAX];
	struct wr oid = wr_of(room, sizeof(room));
	const struct kind *k = kind_named(name);
	STR(unknown, 100);

	if (n == 0)
		return fault(t, begin, "no attribute and \"=\" here", "as in /C=SE/O=Example/CN=gw");
	if (k != NULL)
		wr_bytes(&oid, k->oid, k->oid_n);
	else if (!is_digit(*(const char *)name.p) || !dotted_oid(name, &oid)) {
		str_escaped(&unknown, view_of(name.p, name.n < 40 ? name.n : 40));
		str_add(&unknown, " is not an attribute of names");
		return fault(t, begin, unknown.p, "C, ST, L, O, OU, CN, emailAddress, serialNumber, DC, "
		    "UID, ... or numbers as in 2.5.4.3");
	}
	if (k == NULL)
		k = kind_of_oid(wr_done(&oid));
	tlv(w, TAG_OID, wr_done(&oid));
	*ret_tag = k == NULL ? TAG_UTF8 : k->tag;
	t->at = begin + n + 1;
	return true;
}

/* ---- values ---- */

static int
hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 :
	    c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Behind a backslash. */
static bool
read_escape(struct text *t, struct wr *w)
{
	const char *p = t->p + t->at;

	if (p[1] == 'x' && hex_digit(p[2]) >= 0 && hex_digit(p[3]) >= 0) {
		wr_u8(w, (uint8_t)(hex_digit(p[2]) << 4 | hex_digit(p[3])));
		t->at += 4;
		return true;
	}
	if (p[1] == '\0' || strchr("/+\"\\", p[1]) == NULL)
		return fault(t, t->at, "a backslash that escapes nothing",
		    "\\/ \\+ \\\" \\\\ or \\x and two hexadecimal digits");
	wr_u8(w, (uint8_t)p[1]);
	t->at += 2;
	return true;
}

static bool
value_ends(const char *p)
{
	return *p == '\0' || ((*p == '/' || *p == '+') && (p[1] == '\0' || type_length(p + 1) > 0));
}

static bool
read_value(struct text *t, struct wr *w)
{
	while (!value_ends(t->p + t->at)) {
		if (t->p[t->at] != '\\')
			wr_u8(w, (uint8_t)t->p[t->at++]);
		else if (!read_escape(t, w))
			return false;
	}
	return true;
}

/* X.680 41.4 */
static bool
is_printable(struct view v)
{
	static const char others[] = " '()+,-./:=?";

	for (size_t i = 0; i < v.n; i++) {
		char c = (char)v.p[i];

		if (!is_digit(c) && !(c >= 'A' && c <= 'Z') && !(c >= 'a' && c <= 'z') &&
		    (c == '\0' || strchr(others, c) == NULL))
			return false;
	}
	return true;
}

static bool
is_ia5(struct view v)
{
	for (size_t i = 0; i < v.n; i++)
		if (v.p[i] == 0 || v.p[i] > 0x7f)
			return false;
	return true;
}

/* RFC 3629 section 4, in the order of its table: first octet, bounds of the second. */
static size_t
utf8_length(const uint8_t *p, size_t n)
{
	static const struct { uint8_t first, last, least, most, length; } rows[] = {
		{ 0x01, 0x7f, 0, 0, 1 }, { 0xc2, 0xdf, 0x80, 0xbf, 2 },
		{ 0xe0, 0xe0, 0xa0, 0xbf, 3 }, { 0xe1, 0xec, 0x80, 0xbf, 3 },
		{ 0xed, 0xed, 0x80, 0x9f, 3 }, { 0xee, 0xef, 0x80, 0xbf, 3 },
		{ 0xf0, 0xf0, 0x90, 0xbf, 4 }, { 0xf1, 0xf3, 0x80, 0xbf, 4 },
		{ 0xf4, 0xf4, 0x80, 0x8f, 4 },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		if (p[0] < rows[i].first || p[0] > rows[i].last)
			continue;
		if (n < rows[i].length ||
		    (rows[i].length > 1 && (p[1] < rows[i].least || p[1] > rows[i].most)))
			return 0;
		for (size_t at = 2; at < rows[i].length; at++)
			if ((p[at] & 0xc0) != 0x80)
				return 0;
		return rows[i].length;
	}
	return 0;
}

static bool
is_utf8(struct view v)
{
	for (size_t at = 0, n; at < v.n; at += n) {
		n = utf8_length(v.p + at, v.n - at);
		if (n == 0)
			return false;
	}
	return true;
}

static bool
check_value(const struct text *t, size_t at, const struct view oid, uint8_t tag, struct view v)
{
	const struct kind *country = kind_named(view_str("C"));

	if (v.n == 0)
		return fault(t, at, "an empty value", "");
	if (tag == TAG_PRINTABLE && !is_printable(v))
		return fault(t, at, "not a PrintableString", "letters, digits, blanks and '()+,-./:=?");
	if (tag == TAG_IA5 && !is_ia5(v))
		return fault(t, at, "this attribute is of ASCII characters only", "");
	if (tag == TAG_UTF8 && !is_utf8(v))
		return fault(t, at, "these octets are not UTF-8", "");
	if (view_equal(oid, view_of(country->oid, country->oid_n)) && v.n != COUNTRY_OCTETS)
		return fault(t, at, "a country has two letters", "as in C=SE");
	return true;
}

/* ---- attributes, RDNs, the name ---- */

static bool
overlong(const struct text *t)
{
	return fault(t, t->at, "the name is longer than an ID payload takes", "");
}

/* AttributeTypeAndValue */
static bool
read_attribute(struct text *t, struct wr *w)
{
	uint8_t room[2][NAME_OCTETS_MAX], tag = TAG_UTF8;
	struct wr pair = wr_of(room[0], sizeof(room[0])), value = wr_of(room[1], sizeof(room[1]));

	if (!read_type(t, &pair, &tag))
		return false;
	/* behind tag and length, one octet each */
	const struct view oid = view_of(room[0] + 2, pair.len - 2);
	const size_t at = t->at;
	if (!read_value(t, &value))
		return false;
	if (value.bad)
		return overlong(t);
	if (!check_value(t, at, oid, tag, wr_done(&value)))
		return false;
	tlv(&pair, tag, wr_done(&value));
	tlv(w, TAG_SEQUENCE, wr_done(&pair));
	return pair.bad || w->bad ? overlong(t) : true;
}

static bool
precedes(struct view a, struct view b)
{
	int order = memcmp(a.p, b.p, a.n < b.n ? a.n : b.n);

	return order < 0 || (order == 0 && a.n < b.n);
}

/* X.690 11.6: the elements of a SET OF stand in the order of their octets. */
static void
write_set(struct wr *w, struct view v[], size_t n)
{
	uint8_t room[NAME_OCTETS_MAX];
	struct wr set = wr_of(room, sizeof(room));

	for (size_t i = 1; i < n; i++)
		for (size_t k = i; k > 0 && precedes(v[k], v[k - 1]); k--) {
			struct view swap = v[k];
			v[k] = v[k - 1];
			v[k - 1] = swap;
		}
	for (size_t i = 0; i < n; i++)
		wr_view(&set, v[i]);
	if (set.bad)
		w->bad = true;
	else
		tlv(w, TAG_SET, wr_done(&set));
}

/* Behind its "/". */
static bool
read_rdn(struct text *t, struct wr *w)
{
	uint8_t room[NAME_OCTETS_MAX];
	struct wr all = wr_of(room, sizeof(room));
	struct view v[SET_MAX];
	size_t n = 0;

	do {
		const size_t from = all.len;

		t->at++;
		if (n == SET_MAX)
			return fault(t, t->at, "too many attributes joined by +", "");
		if (!read_attribute(t, &all))
			return false;
		v[n++] = view_of(room + from, all.len - from);
	} while (t->p[t->at] == '+');
	write_set(w, v, n);
	return w->bad ? overlong(t) : true;
}

bool
dn_encode(const char *text, struct wr *w, struct dn_fault *ret)
{
	struct text t = { .p = text, .fault = ret };
	uint8_t room[NAME_OCTETS_MAX];
	struct wr all = wr_of(room, sizeof(room));

	*ret = (struct dn_fault){ 0 };
	if (text[0] != '/')
		return fault(&t, 0, "a distinguished name begins with /", "write it as /C=SE/O=Example/CN=gw");
	while (text[t.at] != '\0')
		if (!read_rdn(&t, &all))
			return false;
	tlv(w, TAG_SEQUENCE, wr_done(&all));
	return w->bad ? overlong(&t) : true;
}
