#include "base/registry.h"

#include <stdio.h>

#include "base/str.h"

struct entry {
	const char	*name;
	uint32_t	 number;
};

#define X(n, v) { #n, v },
static const struct entry p1_attr[] = { P1_ATTR_LIST(X) };
static const struct entry p2_attr[] = { P2_ATTR_LIST(X) };
static const struct entry cipher[] = { CIPHER_LIST(X) };
static const struct entry hash[] = { HASH_LIST(X) };
static const struct entry auth_method[] = { AUTH_METHOD_LIST(X) };
static const struct entry group[] = { GROUP_LIST(X) };
static const struct entry life_type[] = { LIFE_TYPE_LIST(X) };
static const struct entry protocol[] = { PROTOCOL_LIST(X) };
static const struct entry esp[] = { ESP_LIST(X) };
static const struct entry ah[] = { AH_LIST(X) };
static const struct entry ipsec_auth[] = { IPSEC_AUTH_LIST(X) };
static const struct entry encap[] = { ENCAP_LIST(X) };
static const struct entry id_type[] = { ID_TYPE_LIST(X) };
static const struct entry exchange[] = { EXCHANGE_LIST(X) };
static const struct entry doi[] = { DOI_LIST(X) };
static const struct entry notify[] = { NOTIFY_LIST(X) };
#undef X

static const struct {
	const struct entry	*e;
	unsigned		 n;
} registries[REG_MAX] = {
#define R(reg, table) [reg] = { table, COUNT(table) }
	R(REG_P1_ATTR, p1_attr), R(REG_P2_ATTR, p2_attr), R(REG_CIPHER, cipher),
	R(REG_HASH, hash), R(REG_AUTH_METHOD, auth_method), R(REG_GROUP, group),
	R(REG_LIFE_TYPE, life_type), R(REG_PROTOCOL, protocol), R(REG_ESP, esp),
	R(REG_AH, ah), R(REG_IPSEC_AUTH, ipsec_auth), R(REG_ENCAP, encap),
	R(REG_ID_TYPE, id_type), R(REG_EXCHANGE, exchange), R(REG_DOI, doi),
	R(REG_NOTIFY, notify),
#undef R
};

const char *
reg_name(enum registry reg, uint32_t number)
{
	for (unsigned i = 0; i < registries[reg].n; i++)
		if (registries[reg].e[i].number == number)
			return registries[reg].e[i].name;
	return NULL;
}

const char *
reg_text(enum registry reg, uint32_t number, char room[24])
{
	const char *name = reg_name(reg, number);

	if (name != NULL)
		return name;
	struct str s = str_of(room, 24);
	str_addf(&s, "<Unknown %u>", (unsigned)number);
	return room;
}

/* What people write, and the RFC calls otherwise. */
static const struct alias {
	enum registry	 reg;
	const char	*name;
	uint32_t	 number;
} aliases[] = {
	{ REG_ID_TYPE, "ASN1_DN", ID_DER_ASN1_DN },
};

int32_t
reg_number(enum registry reg, const char *name)
{
	for (size_t i = 0; i < COUNT(aliases); i++)
		if (aliases[i].reg == reg && text_same(aliases[i].name, name))
			return (int32_t)aliases[i].number;
	for (unsigned i = 0; i < registries[reg].n; i++)
		if (text_same(registries[reg].e[i].name, name))
			return (int32_t)registries[reg].e[i].number;
	return -1;
}

const char *
reg_nth(enum registry reg, unsigned i)
{
	return i < registries[reg].n ? registries[reg].e[i].name : NULL;
}
