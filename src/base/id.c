#include "base/id.h"

#include <string.h>

#include "base/rd.h"
#include "base/wr.h"

static enum why
range_from_wire(struct id *id, struct view data, size_t alen, unsigned parts)
{
	struct addr part[2] = { 0 };
	struct rd r = rd_of(data);

	for (unsigned i = 0; i < parts; i++)
		if (!addr_from_octets(rd_view(&r, alen), &part[i]))
			return WHY_ID_LENGTH;
	if (!rd_end(&r))
		return WHY_ID_LENGTH;
	if (parts == 1)
		part[1] = part[0];
	id->range = (struct range){ part[0], part[1] };
	return WHY_NONE;
}

static enum why
subnet_from_wire(struct id *id, struct view data, size_t alen)
{
	enum why why = range_from_wire(id, data, alen, 2);

	if (why != WHY_NONE)
		return why;
	int bits = addr_mask_bits(&id->range.last);
	if (bits < 0)
		return WHY_ID_RANGE;
	struct addr base = id->range.first;
	id->range.first = addr_first_of(&base, (unsigned)bits);
	id->range.last = addr_last_of(&base, (unsigned)bits);
	return WHY_NONE;
}

enum why
id_from_wire(uint8_t type, uint8_t protocol, uint16_t port, struct view data,
    struct id *ret)
{
	struct id id = { .type = type, .protocol = protocol, .port = port };
	enum why why = WHY_NONE;

	if (data.n > ID_DATA_MAX)
		return WHY_ID_LENGTH;
	id.n = data.n;
	if (data.n > 0)
		memcpy(id.data, data.p, data.n);
	switch (type) {
	case ID_IPV4_ADDR:
		why = range_from_wire(&id, data, 4, 1);
		break;
	case ID_IPV6_ADDR:
		why = range_from_wire(&id, data, 16, 1);
		break;
	case ID_IPV4_ADDR_SUBNET:
		why = subnet_from_wire(&id, data, 4);
		break;
	case ID_IPV6_ADDR_SUBNET:
		why = subnet_from_wire(&id, data, 16);
		break;
	case ID_IPV4_RANGE:
	case ID_IPV6_RANGE:
		why = range_from_wire(&id, data, type == ID_IPV4_RANGE ? 4 : 16, 2);
		if (why == WHY_NONE && addr_compare(&id.range.first, &id.range.last) > 0)
			why = WHY_ID_RANGE;
		break;
	case ID_FQDN:
	case ID_USER_FQDN:
	case ID_DER_ASN1_DN:
	case ID_DER_ASN1_GN:
	case ID_KEY_ID:
		if (data.n == 0)
			why = WHY_ID_LENGTH;
		break;
	default:
		return WHY_ID_TYPE;
	}
	if (why == WHY_NONE)
		*ret = id;
	return why;
}

static void
put_addrs(struct id *id, const struct addr *a, const struct addr *b)
{
	struct wr w = wr_of(id->data, sizeof(id->data));

	wr_view(&w, addr_view(a));
	if (b != NULL)
		wr_view(&w, addr_view(b));
	id->n = w.len;
}

struct id
id_from_addr(const struct addr *a)
{
	struct id id = {
		.type = a->family == FAMILY_IP6 ? ID_IPV6_ADDR : ID_IPV4_ADDR,
		.range = { *a, *a },
	};

	id.range.first.scope = id.range.last.scope = 0;
	put_addrs(&id, a, NULL);
	return id;
}

struct id
id_from_subnet(const struct addr *a, unsigned bits)
{
	struct addr mask = addr_mask_of(a->family, bits);

	if (bits >= addr_len(a) * 8)
		return id_from_addr(a);
	struct id id = {
		.type = a->family == FAMILY_IP6 ? ID_IPV6_ADDR_SUBNET : ID_IPV4_ADDR_SUBNET,
		.range = { addr_first_of(a, bits), addr_last_of(a, bits) },
	};
	put_addrs(&id, &id.range.first, &mask);
	return id;
}

struct id
id_from_range(const struct range *r)
{
	int bits = range_bits(r);

	if (bits >= 0)
		return id_from_subnet(&r->first, (unsigned)bits);
	struct id id = {
		.type = r->first.family == FAMILY_IP6 ? ID_IPV6_RANGE : ID_IPV4_RANGE,
		.range = *r,
	};
	put_addrs(&id, &r->first, &r->last);
	return id;
}

bool
id_from_octets(enum id_type type, struct view v, struct id *ret)
{
	return id_from_wire((uint8_t)type, 0, 0, v, ret) == WHY_NONE;
}

bool
id_is_address_kind(const struct id *id)
{
	return id->range.first.family != FAMILY_NONE;
}

/* All n octets, a NUL among them too, ignoring ASCII case. */
static bool
name_same(const uint8_t *a, const uint8_t *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((a[i] == '\0') != (b[i] == '\0') ||
		    !text_same_n((const char *)&a[i], (const char *)&b[i], 1))
			return false;
	return true;
}

bool
id_equal(const struct id *a, const struct id *b)
{
	if (a->type != b->type || a->n != b->n)
		return false;
	if (a->type == ID_FQDN)
		return name_same(a->data, b->data, a->n);
	if (a->type == ID_USER_FQDN) {
		const uint8_t *at = memrchr(a->data, '@', a->n);
		size_t user = at == NULL ? a->n : (size_t)(at - a->data);

		return memcmp(a->data, b->data, user) == 0 &&
		    name_same(a->data + user, b->data + user, a->n - user);
	}
	return memcmp(a->data, b->data, a->n) == 0;
}

bool
id_same_traffic(const struct id *a, const struct id *b)
{
	return id_is_address_kind(a) && id_is_address_kind(b) &&
	    a->protocol == b->protocol && a->port == b->port &&
	    range_equal(&a->range, &b->range);
}

static void
transport_part_print(struct str *s, const struct id *id)
{
	if (id->protocol != 0)
		str_addf(s, " proto %u", id->protocol);
	if (id->port != 0)
		str_addf(s, " port %u", id->port);
}

void
id_print(struct str *s, const struct id *id)
{
	struct view v = view_of(id->data, id->n);

	switch (id->type) {
	case ID_IPV4_ADDR:
	case ID_IPV6_ADDR:
	case ID_IPV4_ADDR_SUBNET:
	case ID_IPV6_ADDR_SUBNET:
	case ID_IPV4_RANGE:
	case ID_IPV6_RANGE:
		range_print(s, &id->range);
		break;
	case ID_FQDN:
	case ID_USER_FQDN:
		str_escaped(s, v);
		break;
	case ID_KEY_ID:
		str_add(s, "key-id 0x");
		str_hex(s, v);
		break;
	case ID_DER_ASN1_DN:	/* as text only trust has it: nobody else reads DER */
		str_add(s, id->n == 0 ? "the subject of our certificate" : "asn1-dn 0x");
		str_hex(s, v);
		break;
	case 0:
		str_add(s, "<no ipsec id>");
		break;
	default:
		str_add(s, "<id type unknown: ");
		str_hex(s, v);
		str_char(s, '>');
		break;
	}
	transport_part_print(s, id);
}

void
id_print_classic(struct str *s, const struct id *id)
{
	const struct range *r = &id->range;
	struct addr mask = { .family = r->first.family };

	if (id->type != ID_IPV4_ADDR_SUBNET && id->type != ID_IPV6_ADDR_SUBNET) {
		id_print(s, id);
		return;
	}
	/* Where the ends of a subnet are the same, its mask has ones. */
	for (size_t i = 0; i < sizeof(mask.b); i++)
		mask.b[i] = (uint8_t)~(r->first.b[i] ^ r->last.b[i]);
	addr_print(s, &r->first);
	str_char(s, '/');
	addr_print(s, &mask);
	transport_part_print(s, id);
}

static const struct key_folder {
	const char	*prefix;
	uint8_t		 type;
} key_folders[] = {
	{ "ipv4/", ID_IPV4_ADDR }, { "ipv6/", ID_IPV6_ADDR }, { "fqdn/", ID_FQDN },
	{ "ufqdn/", ID_USER_FQDN }, { "key_id/", ID_KEY_ID },
};

/* Octets that can be a file's name as they are (authentication.md 5 Beyond). */
static bool
plain_name(struct view v)
{
	if (v.n == 0 || v.n > 200 || v.p[0] == '.')
		return false;
	for (size_t i = 0; i < v.n; i++)
		if (v.p[i] <= ' ' || v.p[i] > '~' || v.p[i] == '/')
			return false;
	return true;
}

static void
lower_from(struct str *s, struct view v, size_t from)
{
	for (size_t i = 0; i < v.n; i++)
		str_char(s, (char)(i >= from && v.p[i] >= 'A' && v.p[i] <= 'Z' ?
		    v.p[i] - 'A' + 'a' : v.p[i]));
}

bool
id_key_name(struct str *s, const struct id *id)
{
	struct view v = view_of(id->data, id->n);
	const struct key_folder *f = NULL;

	for (size_t i = 0; i < COUNT(key_folders); i++)
		if (key_folders[i].type == id->type)
			f = &key_folders[i];
	if (f == NULL)
		return false;
	str_add(s, f->prefix);
	if (id_is_address_kind(id)) {
		addr_print(s, &id->range.first);
	} else if (!plain_name(v) || (id->type == ID_KEY_ID && v.n > 1 && memcmp(v.p, "0x", 2) == 0)) {
		if (id->type != ID_KEY_ID || v.n > 100)
			return false;
		str_add(s, "0x");
		str_hex(s, v);
	} else if (id->type == ID_USER_FQDN) {
		const uint8_t *at = memrchr(v.p, '@', v.n);

		lower_from(s, v, at == NULL ? v.n : (size_t)(at - v.p));
	} else {
		lower_from(s, v, id->type == ID_FQDN ? 0 : v.n);
	}
	return !s->cut;
}

static int
hex_of(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 :
	    c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool
key_id_of_name(const char *name, struct id *ret)
{
	uint8_t octets[ID_DATA_MAX];
	size_t n = 0;

	if (name[0] != '0' || name[1] != 'x')
		return id_from_octets(ID_KEY_ID, view_str(name), ret);
	for (name += 2; name[0] != '\0'; name += 2) {
		int high = hex_of(name[0]), low = high < 0 ? -1 : hex_of(name[1]);

		if (low < 0 || n == sizeof(octets))
			return false;
		octets[n++] = (uint8_t)(high << 4 | low);
	}
	return id_from_octets(ID_KEY_ID, view_of(octets, n), ret);
}

bool
id_of_key_name(const char *name, struct id *ret)
{
	const struct key_folder *f = NULL;
	struct addr a;

	for (size_t i = 0; i < COUNT(key_folders); i++)
		if (strncmp(name, key_folders[i].prefix, strlen(key_folders[i].prefix)) == 0)
			f = &key_folders[i];
	if (f == NULL)
		return false;
	name += strlen(f->prefix);
	if (!plain_name(view_str(name)))
		return false;
	if (f->type == ID_KEY_ID)
		return key_id_of_name(name, ret);
	if (f->type == ID_FQDN || f->type == ID_USER_FQDN)
		return id_from_octets((enum id_type)f->type, view_str(name), ret);
	if (!addr_parse(name, &a) || a.scope != 0 ||
	    (a.family == FAMILY_IP4) != (f->type == ID_IPV4_ADDR))
		return false;
	*ret = id_from_addr(&a);
	return true;
}

static void
selector_print(struct str *s, const struct selector *sel)
{
	range_print(s, &sel->net);
	if (sel->port != 0)
		str_addf(s, " port %u", sel->port);
}

void
flow_print(struct str *s, const struct flow *f)
{
	selector_print(s, &f->local);
	str_add(s, " <-> ");
	selector_print(s, &f->remote);
	if (f->protocol != 0)
		str_addf(s, " proto %u", f->protocol);
}

bool
flow_equal(const struct flow *a, const struct flow *b)
{
	return a->protocol == b->protocol && a->local.port == b->local.port &&
	    a->remote.port == b->remote.port &&
	    range_equal(&a->local.net, &b->local.net) &&
	    range_equal(&a->remote.net, &b->remote.net);
}
