#include "ctl/result.h"

#include <inttypes.h>

/* isakmpd.md 7.1: the words are those that scripts look for. */
static const struct { uint8_t id; const char *text; } cipher_texts[] = {
	{ ESP_3DES, "3DES" }, { ESP_AES, "AES (CBC)" }, { ESP_AES_CTR, "AES (CTR)" },
	{ ESP_AES_GCM_16, "AES (GCM)" }, { ESP_AES_GMAC, "AES (GMAC)" },
	{ ESP_CAST, "Cast-128" }, { ESP_BLOWFISH, "Blowfish" },
}, auth_texts[] = {
	{ AUTHALG_NONE, "none" }, { AUTHALG_HMAC_MD5, "HMAC-MD5" },
	{ AUTHALG_HMAC_SHA, "HMAC-SHA1" }, { AUTHALG_HMAC_RIPEMD, "HMAC-RIPEMD-160" },
	{ AUTHALG_HMAC_SHA2_256, "HMAC-SHA2-256" },
	{ AUTHALG_HMAC_SHA2_384, "HMAC-SHA2-384" },
	{ AUTHALG_HMAC_SHA2_512, "HMAC-SHA2-512" },
};

static void
cipher_line(struct str *s, uint8_t id)
{
	for (size_t i = 0; i < COUNT(cipher_texts); i++)
		if (cipher_texts[i].id == id) {
			str_addf(s, "Encryption algorithm: %s\n", cipher_texts[i].text);
			return;
		}
	str_addf(s, "Encryption algorithm: unknown (%u)\n", id);
}

static void
auth_line(struct str *s, uint8_t id)
{
	for (size_t i = 0; i < COUNT(auth_texts); i++)
		if (auth_texts[i].id == id) {
			str_addf(s, "Authentication algorithm: %s\n", auth_texts[i].text);
			return;
		}
	str_addf(s, "Authentication algorithm: unknown (%u)\n", id);
}

static void
name_text(struct str *s, const char *name)
{
	if (*name == '\0')
		str_add(s, "<unnamed>");
	else
		str_escaped(s, view_str(name));
}

static void
timer_line(struct str *s, const char *which, const char *past, const struct ctl_timer *t)
{
	if (!t->armed)
		return;
	if (t->secs < 0)
		str_addf(s, "%s\n", past);
	else
		str_addf(s, "%s timeout in %" PRId64 " seconds\n", which, t->secs);
}

static void
spi_line(struct str *s, unsigned i, uint32_t spi)
{
	if (spi == 0)
		str_addf(s, "SPI %u not defined.\n", i);
	else
		str_addf(s, "SPI %u: %08x \n", i, (unsigned)spi);
}

static void
suite_lines(struct str *s, const struct sa_suite *suite)
{
	struct sa_lengths l = { 0 };
	char room[24];

	/* An unknown tuple leaves lengths of zero: nothing is in use then. */
	(void)!sa_suite_lengths(suite, &l);
	if (suite->protocol == PROTO_IPSEC_ESP) {
		str_add(s, "Transform: IPsec ESP\n");
		str_addf(s, "Encryption key length: %zu\n", l.key + l.salt);
		str_addf(s, "Authentication key length: %zu\n", l.auth);
		cipher_line(s, suite->cipher);
		auth_line(s, suite->auth);
	} else if (suite->protocol == PROTO_IPSEC_AH) {
		str_add(s, "Transform: IPsec AH\nEncryption not used.\n");
		str_addf(s, "Authentication key length: %zu\n", l.auth);
		auth_line(s, suite->auth);
	} else {
		str_addf(s, "Transform: %s\n", reg_text(REG_PROTOCOL, suite->protocol, room));
	}
}

static void
cookies_text(struct str *s, const uint8_t cookies[16])
{
	str_add(s, "icookie ");
	str_hex(s, view_of(cookies, 8));
	str_add(s, " rcookie ");
	str_hex(s, view_of(cookies + 8, 8));
}

static void
addresses(struct str *s, const struct ctl_sa *sa)
{
	str_add(s, "src: ");
	addr_print(s, &sa->local.addr);
	str_add(s, " dst: ");
	addr_print(s, &sa->remote.addr);
}

void
result_sa(struct str *s, const struct ctl_sa *sa)
{
	str_add(s, "SA name: ");
	name_text(s, sa->name);
	str_add(s, sa->phase == 2 ? " (Phase 2)\n" :
	    sa->initiator ? " (Phase 1/Initiator)\n" : " (Phase 1/Responder)\n");
	if (sa->remote.addr.family == FAMILY_NONE)
		str_add(s, "<no transport>");
	else
		addresses(s, sa);
	str_char(s, '\n');
	if (sa->life_secs != 0)
		str_addf(s, "Lifetime: %" PRIu32 " seconds\n", sa->life_secs);
	timer_line(s, "Soft", "<no soft timeout>", &sa->soft);
	timer_line(s, "Hard", "<no hard timeout>", &sa->hard);
	if (sa->life_kb != 0)
		str_addf(s, "Lifetime: %" PRIu32 " kilobytes\n", sa->life_kb);
	str_addf(s, "Flags 0x%08" PRIx32 "\n", sa->flags);
	if (sa->phase == 1) {
		cookies_text(s, sa->cookies);
		str_char(s, '\n');
	} else {
		spi_line(s, 0, sa->spi_out);
		spi_line(s, 1, sa->spi_in);
		suite_lines(s, &sa->suite);
	}
	str_char(s, '\n');
}

/* ---- the report ---- */

static const char sa_prefix[] = "sa_report: ", exchange_prefix[] = "exchange_report: ";

void
ctl_id_print(struct str *s, const struct id *id, const char *name)
{
	if (id->type == ID_DER_ASN1_DN && name != NULL && name[0] != '\0')
		str_add(s, name);
	else
		id_print(s, id);
}

static void
classic_id(struct str *s, const struct id *id, const char *name)
{
	if (id->type == ID_DER_ASN1_DN)
		ctl_id_print(s, id, name);
	else
		id_print_classic(s, id);
}

static void
id_pair(struct str *s, const struct ctl_sa *sa)
{
	const struct id *i = sa->initiator ? &sa->local_id : &sa->remote_id;
	const struct id *r = sa->initiator ? &sa->remote_id : &sa->local_id;

	str_add(s, "initiator id: ");
	classic_id(s, i, sa->initiator ? sa->local_name : sa->remote_name);
	str_add(s, ", responder id: ");
	classic_id(s, r, sa->initiator ? sa->remote_name : sa->local_name);
	str_add(s, ", ");
	addresses(s, sa);
}

void
report_sa(struct str *s, unsigned number, const struct ctl_sa *sa)
{
	str_addf(s, "%s%u ", sa_prefix, number);
	name_text(s, sa->name);
	str_addf(s, " phase %d doi 1 flags 0x%" PRIx32 "\n", sa->phase, sa->flags);
	str_add(s, sa_prefix);
	cookies_text(s, sa->cookies);
	str_addf(s, "\n%smsgid %08" PRIx32 " refcnt 1\n", sa_prefix, sa->message_id);
	str_addf(s, "%slife secs %" PRIu32 " kb %" PRIu32 "\n", sa_prefix, sa->life_secs,
	    sa->life_kb);
	str_addf(s, "%ssuite 1 proto %u\n", sa_prefix,
	    sa->phase == 1 ? (unsigned)PROTO_ISAKMP : sa->suite.protocol);
	str_addf(s, "%sspi_sz[0] %u spi[0] %08" PRIx32 " spi_sz[1] %u spi[1] %08" PRIx32 "\n",
	    sa_prefix, sa->spi_out == 0 ? 0 : 4, sa->spi_out, sa->spi_in == 0 ? 0 : 4, sa->spi_in);
	str_add(s, sa_prefix);
	id_pair(s, sa);
	str_char(s, '\n');
}

void
report_exchange(struct str *s, unsigned number, const struct ctl_exchange *x)
{
	char room[24];

	str_addf(s, "%s%u ", exchange_prefix, number);
	name_text(s, x->name);
	str_char(s, ' ');
	str_escaped(s, view_str(x->policy[0] == '\0' ? "<no policy>" : x->policy));
	str_addf(s, " policy %s phase %d doi 1 exchange %s step %s\n",
	    x->initiator ? "initiator" : "responder", x->phase,
	    reg_text(REG_EXCHANGE, x->type, room), x->state);
	str_add(s, exchange_prefix);
	cookies_text(s, x->cookies);
	str_addf(s, "\n%smsgid %08" PRIx32 " src ", exchange_prefix, x->message_id);
	endpoint_print(s, &x->local);
	str_add(s, " dst ");
	endpoint_print(s, &x->remote);
	str_char(s, '\n');
	if (x->deadline.armed)
		str_addf(s, "%sends in %" PRId64 " seconds\n", exchange_prefix, x->deadline.secs);
}

void
report_transport(struct str *s, unsigned number, const struct ctl_transport *t)
{
	str_addf(s, "transport_report: transport %u flags 0 refcnt 1\n", number);
	str_addf(s, "%s: fd %d src ", t->encap ? "udp_encap_report" : "udp_report", t->fd);
	endpoint_print(s, &t->local);
	str_add(s, " dst *:0\n");
}

void
report_connection(struct str *s, const struct ctl_connection *c)
{
	if (c->active) {
		str_add(s, "connection_report: connection ");
		name_text(s, c->name);
		str_addf(s, " next check %" PRId64 " seconds\n",
		    c->check.armed && c->check.secs > 0 ? c->check.secs : (int64_t)0);
	}
	if (c->passive) {
		str_add(s, "connection_report: passive connection ");
		name_text(s, c->name);
		str_add(s, " local_id: ");
		id_print_classic(s, &c->local_id);
		str_add(s, ", remote_id: ");
		id_print_classic(s, &c->remote_id);
		str_char(s, '\n');
	}
}

void
report_timer(struct str *s, const char *event, unsigned number, const struct ctl_timer *t)
{
	if (t->armed)
		str_addf(s, "timer_report: event %s(%u) scheduled in %" PRId64 " seconds\n",
		    event, number, t->secs > 0 ? t->secs : (int64_t)0);
}

void
report_conf_begin(struct str *s)
{
	str_add(s, "conf_report: dumping running configuration\n");
}

void
report_conf_section(struct str *s, const char *section, bool first)
{
	if (!first)
		str_char(s, '\n');
	str_char(s, '[');
	str_escaped(s, view_str(section));
	str_add(s, "]\n");
}

void
report_conf_value(struct str *s, const char *tag, const char *value)
{
	static const char *const hidden[] = { "Authentication", "Credentials", "PKAuthentication" };

	str_escaped(s, view_str(tag));
	str_add(s, "=\t");
	for (size_t i = 0; i < COUNT(hidden); i++)
		if (text_same(tag, hidden[i])) {
			str_addf(s, "<hidden, %zu octets>\n", strlen(value));
			return;
		}
	str_escaped(s, view_str(value));
	str_char(s, '\n');
}
