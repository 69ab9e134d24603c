/* Identities: Phase1-ID (isakmpd-conf.md 5.2) and IPsec-ID (6.6) sections. */
#include <stdlib.h>

#include "base/wr.h"
#include "conf/build.h"
#include "conf/dn.h"

static enum family
family_of(int32_t type)
{
	return type == ID_IPV4_ADDR || type == ID_IPV4_ADDR_SUBNET || type == ID_IPV4_RANGE ?
	    FAMILY_IP4 : FAMILY_IP6;
}

static bool
subnet(struct build *b, const char *section, int32_t type, struct id *ret)
{
	enum family family = family_of(type);
	struct addr net, mask;
	struct value v;
	uint8_t room[32];
	struct wr w = wr_of(room, sizeof(room));

	bool good = get_address(b, section, "Network", family, &net);
	good = get_netmask(b, section, "Netmask", family, &mask) && good;
	if (!good)
		return false;
	int bits = addr_mask_bits(&mask);
	if (bits < 0) {
		if (get(b, section, "Netmask", &v)) {
			SHOW(shown, view_str(v.text));
			complain(b, PROBLEM_ERROR, ref_value(section, "Netmask", &v),
			    "a netmask is ones, then zeros", "the netmask has holes: %s", shown.p);
		}
		return false;
	}
	struct addr first = addr_first_of(&net, (unsigned)bits), written;
	/* An interface name stands for a host's address: its host bits mean nothing. */
	if (!addr_equal(&first, &net) && get(b, section, "Network", &v) &&
	    addr_parse(v.text, &written)) {
		STR(advice, 80);
		str_add(&advice, "it is taken as ");
		addr_print(&advice, &first);
		complain(b, PROBLEM_WARNING, ref_value(section, "Network", &v), advice.p,
		    "the network has bits outside the netmask");
	}
	wr_view(&w, addr_view(&first));
	wr_view(&w, addr_view(&mask));
	return id_from_wire((uint8_t)type, 0, 0, wr_done(&w), ret) == WHY_NONE;
}

/* Our tags, for the types that the original only names. */
static bool
address_range(struct build *b, const char *section, int32_t type, struct id *ret)
{
	struct range r;
	struct value v;
	uint8_t room[32];
	struct wr w = wr_of(room, sizeof(room));

	bool good = get_address(b, section, "First-address", family_of(type), &r.first);
	good = get_address(b, section, "Last-address", family_of(type), &r.last) && good;
	if (!good)
		return false;
	wr_view(&w, addr_view(&r.first));
	wr_view(&w, addr_view(&r.last));
	if (id_from_wire((uint8_t)type, 0, 0, wr_done(&w), ret) == WHY_NONE)
		return true;
	if (get(b, section, "Last-address", &v))
		complain(b, PROBLEM_ERROR, ref_value(section, "Last-address", &v), "",
		    "the range ends before it begins");
	return false;
}

static int
hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 :
	    c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* A KEY_ID is the text, or with 0x the octets in hexadecimal. */
static bool
key_id_octets(const char *text, struct wr *w)
{
	if (text[0] != '0' || (text[1] != 'x' && text[1] != 'X')) {
		wr_view(w, view_str(text));
		return !w->bad;
	}
	for (text += 2; *text != '\0'; text += 2) {
		if (hex_digit(text[0]) < 0 || hex_digit(text[1]) < 0)
			return false;
		wr_u8(w, (uint8_t)(hex_digit(text[0]) << 4 | hex_digit(text[1])));
	}
	return !w->bad;
}

static bool
named(struct build *b, const char *section, int32_t type, struct id *ret)
{
	struct value v;
	uint8_t room[ID_DATA_MAX];
	struct wr w = wr_of(room, sizeof(room));

	if (!get(b, section, "Name", &v)) {
		missing_tag(b, section, "Name");
		return false;
	}
	struct ref ref = ref_value(section, "Name", &v);
	if (type == ID_KEY_ID ? !key_id_octets(v.text, &w) : (wr_view(&w, view_str(v.text)), w.bad)) {
		complain(b, PROBLEM_ERROR, ref, "", "too long, or 0x with something else than pairs of "
		    "hexadecimal digits");
		return false;
	}
	if (type != ID_KEY_ID && strpbrk(v.text, " \t,") != NULL)
		complain(b, PROBLEM_WARNING, ref, "", "there is a blank or a comma in this name");
	if (type == ID_USER_FQDN && strchr(v.text, '@') == NULL)
		complain(b, PROBLEM_WARNING, ref, "", "a USER_FQDN usually looks like user@domain");
	if (id_from_octets((enum id_type)type, wr_done(&w), ret))
		return true;
	complain(b, PROBLEM_ERROR, ref, "", "the name is empty");
	return false;
}

/*
 * A distinguished name: its text as DER.  Our own can be left to our
 * certificate: then the octets are none, which no name on the wire has.
 */
static bool
distinguished(struct build *b, const char *section, bool own, struct id *ret)
{
	struct value v;
	struct dn_fault fault;
	uint8_t room[ID_DATA_MAX];
	struct wr w = wr_of(room, sizeof(room));

	if (!get(b, section, "Name", &v)) {
		missing_tag(b, section, "Name");
		return false;
	}
	if (text_same(v.text, "%fromcert")) {
		*ret = (struct id){ .type = ID_DER_ASN1_DN };
		if (!own)
			complain(b, PROBLEM_ERROR, ref_value(section, "Name", &v), "write the peer's name, "
			    "as in /C=SE/O=Example/CN=gw", "%%fromcert is for our own ID");
		return own;
	}
	if (dn_encode(v.text, &w, &fault) &&
	    id_from_wire(ID_DER_ASN1_DN, 0, 0, wr_done(&w), ret) == WHY_NONE)
		return true;
	const struct ref ref = ref_member(b, section, "Name", &v, view_str(v.text + fault.at));
	complain(b, PROBLEM_ERROR, ref, fault.advice, "%s", fault.text);
	return false;
}

/* By type; the caller has checked that the type may be used. */
static bool
by_type(struct build *b, const char *section, int32_t type, bool own, struct id *ret)
{
	struct addr a;

	switch ((enum id_type)type) {
	case ID_IPV4_ADDR:
	case ID_IPV6_ADDR:
		if (!get_address(b, section, "Address", family_of(type), &a))
			return false;
		*ret = id_from_addr(&a);
		return true;
	case ID_IPV4_ADDR_SUBNET:
	case ID_IPV6_ADDR_SUBNET:
		return subnet(b, section, type, ret);
	case ID_IPV4_RANGE:
	case ID_IPV6_RANGE:
		return address_range(b, section, type, ret);
	case ID_FQDN:
	case ID_USER_FQDN:
	case ID_KEY_ID:
		return named(b, section, type, ret);
	case ID_DER_ASN1_DN:
		return distinguished(b, section, own, ret);
	case ID_DER_ASN1_GN:
		break;
	}
	return false;
}

#define BIT(type) (1u << (type))

static bool
read_id(struct build *b, struct sect *s, uint32_t allowed, bool own, struct id *ret)
{
	int32_t type;
	struct value v;

	if (!get_constant(b, s->name, "ID-type", REG_ID_TYPE, false, &type))
		return false;
	if (allowed & BIT(type))
		return by_type(b, s->name, type, own, ret);
	if (!get(b, s->name, "ID-type", &v))
		return false;
	struct ref ref = ref_value(s->name, "ID-type", &v);
	if (type == ID_DER_ASN1_GN) {
		not_available(b, ref, reg_name(REG_ID_TYPE, (uint32_t)type));
		return false;
	}
	complain(b, PROBLEM_ERROR, ref, "", "an ID of type %s cannot be used here",
	    reg_name(REG_ID_TYPE, (uint32_t)type));
	return false;
}

bool
p1_id(struct build *b, struct sect *s, bool remote, struct id *ret)
{
	uint32_t allowed = BIT(ID_IPV4_ADDR) | BIT(ID_IPV6_ADDR) | BIT(ID_FQDN) |
	    BIT(ID_USER_FQDN) | BIT(ID_KEY_ID) | BIT(ID_DER_ASN1_DN);

	if (!remote)
		allowed |= BIT(ID_IPV4_ADDR_SUBNET) | BIT(ID_IPV6_ADDR_SUBNET);
	return read_id(b, s, allowed, !remote, ret);
}

const char *
p1_id_name(struct build *b, const struct sect *s, const struct id *id)
{
	struct value v;

	if (id->type != ID_DER_ASN1_DN || !get(b, s->name, "Name", &v))
		return "";
	STR(name, 4 * ID_DATA_MAX);
	/* As trust writes names: a backslash there is one. */
	for (const char *p = v.text; *p != '\0'; p++) {
		if (*p < 0x20 || *p > 0x7e)
			str_addf(&name, "\\x%02X", (unsigned)(uint8_t)*p);
		else
			str_char(&name, *p);
	}
	return keep_text(b, name.p);
}

bool
p2_id(struct build *b, struct sect *s, struct id *ret)
{
	struct value v;
	struct id id = { 0 };

	bool good = read_id(b, s, BIT(ID_IPV4_ADDR) | BIT(ID_IPV6_ADDR) |
	    BIT(ID_IPV4_ADDR_SUBNET) | BIT(ID_IPV6_ADDR_SUBNET) |
	    BIT(ID_IPV4_RANGE) | BIT(ID_IPV6_RANGE), false, &id);
	good = get_protocol(b, s->name, "Protocol", &id.protocol) && good;
	good = get_port(b, s->name, "Port", &id.port) && good;
	if (id.port != 0 && id.protocol == 0 && get(b, s->name, "Port", &v)) {
		complain(b, PROBLEM_ERROR, ref_value(s->name, "Port", &v), "add Protocol=",
		    "a port needs a protocol");
		good = false;
	}
	if (good)
		*ret = id;
	return good;
}
