#include "base/addr.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

size_t
addr_len(const struct addr *a)
{
	switch (a->family) {
	case FAMILY_IP4:
		return 4;
	case FAMILY_IP6:
		return 16;
	default:
		return 0;
	}
}

struct view
addr_view(const struct addr *a)
{
	return view_of(a->b, addr_len(a));
}

int
addr_compare(const struct addr *a, const struct addr *b)
{
	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	return memcmp(a->b, b->b, addr_len(a));
}

bool
addr_equal(const struct addr *a, const struct addr *b)
{
	return addr_compare(a, b) == 0 && a->scope == b->scope;
}

bool
addr_is_any(const struct addr *a)
{
	static const uint8_t zero[16];

	return memcmp(a->b, zero, addr_len(a)) == 0;
}

bool
addr_from_octets(struct view v, struct addr *ret)
{
	struct addr a = { 0 };

	if (v.n == 4)
		a.family = FAMILY_IP4;
	else if (v.n == 16)
		a.family = FAMILY_IP6;
	else
		return false;
	memcpy(a.b, v.p, v.n);
	*ret = a;
	return true;
}

bool
addr_parse(const char *text, struct addr *ret)
{
	struct addr a = { 0 };
	char host[INET6_ADDRSTRLEN + 1];
	const char *zone = strchr(text, '%');
	size_t n = zone == NULL ? strlen(text) : (size_t)(zone - text);

	if (n >= sizeof(host))
		return false;
	memcpy(host, text, n);
	host[n] = '\0';
	if (zone == NULL && inet_pton(AF_INET, host, a.b) == 1)
		a.family = FAMILY_IP4;
	else if (inet_pton(AF_INET6, host, a.b) == 1)
		a.family = FAMILY_IP6;
	else
		return false;
	if (zone != NULL) {
		char *end;
		unsigned long scope = strtoul(zone + 1, &end, 10);

		if (zone[1] < '0' || zone[1] > '9' || *end != '\0' || scope > UINT32_MAX)
			return false;
		a.scope = (uint32_t)scope;
	}
	*ret = a;
	return true;
}

void
addr_print(struct str *s, const struct addr *a)
{
	char text[INET6_ADDRSTRLEN] = "none";

	if (a->family == FAMILY_IP4)
		(void)inet_ntop(AF_INET, a->b, text, sizeof(text));
	else if (a->family == FAMILY_IP6)
		(void)inet_ntop(AF_INET6, a->b, text, sizeof(text));
	str_add(s, text);
	if (a->scope != 0)
		str_addf(s, "%%%u", (unsigned)a->scope);
}

void
endpoint_print(struct str *s, const struct endpoint *e)
{
	bool six = e->addr.family == FAMILY_IP6;

	if (six)
		str_char(s, '[');
	addr_print(s, &e->addr);
	str_addf(s, six ? "]:%u" : ":%u", (unsigned)e->port);
}

bool
endpoint_equal(const struct endpoint *a, const struct endpoint *b)
{
	return a->port == b->port && addr_equal(&a->addr, &b->addr);
}

static struct addr
fill_after(const struct addr *a, unsigned bits, bool ones)
{
	struct addr r = *a;
	size_t n = addr_len(a);

	for (size_t i = 0; i < n; i++) {
		unsigned keep = bits >= 8 * (i + 1) ? 8 :
		    bits > 8 * i ? bits - 8 * (unsigned)i : 0;
		uint8_t mask = (uint8_t)(0xff00u >> keep);

		r.b[i] = (uint8_t)(ones ? r.b[i] | (uint8_t)~mask : r.b[i] & mask);
	}
	return r;
}

struct addr
addr_first_of(const struct addr *a, unsigned bits)
{
	return fill_after(a, bits, false);
}

struct addr
addr_last_of(const struct addr *a, unsigned bits)
{
	return fill_after(a, bits, true);
}

struct addr
addr_mask_of(uint8_t family, unsigned bits)
{
	struct addr a = { .family = family };

	memset(a.b, 0xff, addr_len(&a));
	return addr_first_of(&a, bits);
}

int
addr_mask_bits(const struct addr *mask)
{
	unsigned most = (unsigned)addr_len(mask) * 8, bits = 0;

	while (bits < most && (mask->b[bits / 8] << bits % 8 & 0x80) != 0)
		bits++;
	struct addr whole = addr_mask_of(mask->family, bits);
	return addr_compare(&whole, mask) == 0 ? (int)bits : -1;
}

/* How many of the first bits are the same in both. */
static unsigned
common_bits(const struct range *r)
{
	unsigned most = (unsigned)addr_len(&r->first) * 8, bits = 0;

	while (bits < most && r->first.b[bits / 8] == r->last.b[bits / 8])
		bits += 8;
	if (bits < most)
		for (uint8_t differ = r->first.b[bits / 8] ^ r->last.b[bits / 8];
		    (differ & 0x80) == 0; differ = (uint8_t)(differ << 1))
			bits++;
	return bits;
}

/* A subnet begins with zeros and ends with ones where its ends differ. */
int
range_bits(const struct range *r)
{
	unsigned bits = common_bits(r);
	struct addr first = addr_first_of(&r->first, bits);
	struct addr last = addr_last_of(&r->first, bits);

	return addr_compare(&first, &r->first) == 0 &&
	    addr_compare(&last, &r->last) == 0 ? (int)bits : -1;
}

bool
range_equal(const struct range *a, const struct range *b)
{
	return addr_compare(&a->first, &b->first) == 0 &&
	    addr_compare(&a->last, &b->last) == 0;
}

bool
range_has(const struct range *r, const struct addr *a)
{
	return a->family == r->first.family && addr_compare(&r->first, a) <= 0 &&
	    addr_compare(a, &r->last) <= 0;
}

bool
range_within(const struct range *inner, const struct range *outer)
{
	return range_has(outer, &inner->first) && range_has(outer, &inner->last);
}

void
range_print(struct str *s, const struct range *r)
{
	int bits = range_bits(r);

	addr_print(s, &r->first);
	if (bits >= 0 && (unsigned)bits == addr_len(&r->first) * 8)
		return;
	if (bits >= 0) {
		str_addf(s, "/%d", bits);
	} else {
		str_char(s, '-');
		addr_print(s, &r->last);
	}
}
