#include "role/trust_msg.h"

#include "base/codec.h"

enum { REQUEST_OCTETS_MAX = 4096 };

static const uint8_t crl_policies[] = {
	[CRL_IF_PRESENT] = TRUST_CRL_IF_PRESENT, [CRL_OFF] = TRUST_CRL_OFF,
	[CRL_REQUIRE] = TRUST_CRL_REQUIRE,
};
static const uint8_t online[] = {
	[OCSP_OFF] = TRUST_OCSP_OFF, [OCSP_IF_AVAILABLE] = TRUST_OCSP_IF_AVAILABLE,
	[OCSP_REQUIRE] = TRUST_OCSP_REQUIRE,
};
static const uint8_t sendings[] = {
	[SEND_ALWAYS] = TRUST_SEND_ALWAYS, [SEND_IF_ASKED] = TRUST_SEND_IF_ASKED,
	[SEND_NEVER] = TRUST_SEND_NEVER,
};

void
trust_conf_of(const struct x509_conf *x, struct trust_conf *ret)
{
	*ret = (struct trust_conf){
		.settings = { .crl = crl_policies[x->crl_policy], .send = sendings[x->send],
		    .accept_self_signed = x->accept_self_signed,
		    .check_extended_usage = x->check_extended_usage,
		    .ocsp = online[x->ocsp], .ocsp_timeout = x->ocsp_timeout },
		.given = x->given,
	};
	text_copy(ret->settings.responder, sizeof(ret->settings.responder), x->ocsp_responder);
	text_copy(ret->path[TRUST_CA], sizeof(ret->path[0]), x->ca);
	text_copy(ret->path[TRUST_CERT], sizeof(ret->path[0]), x->certs);
	text_copy(ret->path[TRUST_CRL], sizeof(ret->path[0]), x->crls);
}

/* What was escaped is printable: it goes to logs and terminals as it is. */
static void
shown_decode(struct rd *r, char *ret, size_t cap)
{
	text_decode(r, ret, cap);
	for (const char *p = ret; !r->bad && *p != '\0'; p++)
		if (*p < 0x20 || *p > 0x7e)
			r->bad = true;
}

void
trust_conf_encode(struct wr *w, const struct trust_conf *c)
{
	wr_u8(w, c->settings.crl);
	wr_u8(w, c->settings.send);
	wr_u8(w, c->settings.accept_self_signed);
	wr_u8(w, c->settings.check_extended_usage);
	wr_u8(w, c->settings.ocsp);
	wr_u8(w, c->settings.ocsp_timeout);
	text_encode(w, c->settings.responder, sizeof(c->settings.responder));
	wr_u8(w, c->given);
	for (int kind = TRUST_CA; kind < TRUST_KIND_MAX; kind++)
		text_encode(w, c->path[kind], sizeof(c->path[kind]));
}

bool
trust_conf_decode(struct rd *r, struct trust_conf *ret)
{
	struct url u;

	*ret = (struct trust_conf){ 0 };
	ret->settings.crl = rd_u8(r);
	ret->settings.send = rd_u8(r);
	ret->settings.accept_self_signed = rd_bool(r);
	ret->settings.check_extended_usage = rd_bool(r);
	ret->settings.ocsp = rd_u8(r);
	ret->settings.ocsp_timeout = rd_u8(r);
	text_decode(r, ret->settings.responder, sizeof(ret->settings.responder));
	ret->given = rd_bool(r);
	for (int kind = TRUST_CA; kind < TRUST_KIND_MAX; kind++)
		text_decode(r, ret->path[kind], sizeof(ret->path[kind]));
	return rd_end(r) && ret->settings.crl <= TRUST_CRL_REQUIRE &&
	    ret->settings.send <= TRUST_SEND_NEVER && ret->settings.ocsp <= TRUST_OCSP_REQUIRE &&
	    (ret->settings.ocsp == TRUST_OCSP_OFF || ret->settings.ocsp_timeout > 0) &&
	    ret->settings.ocsp_timeout <= TRUST_OCSP_TIMEOUT_MAX &&
	    (ret->settings.responder[0] == '\0' ||
	    url_parse(view_str(ret->settings.responder), &u) == NULL);
}

void
trust_state_encode(struct wr *w, const struct trust_state *s)
{
	for (int kind = TRUST_CA; kind < TRUST_KIND_MAX; kind++)
		wr_u32(w, s->count[kind]);
	wr_u8(w, (uint8_t)s->n_requests);
	for (size_t i = 0; i < s->n_requests; i++) {
		wr_u16(w, (uint16_t)s->request[i].n);
		wr_view(w, s->request[i]);
	}
	wr_u8(w, (uint8_t)s->n_items);
	for (size_t i = 0; i < s->n_items; i++) {
		const struct trust_state_item *item = &s->item[i];

		wr_u8(w, item->kind);
		wr_u64(w, (uint64_t)item->from);
		wr_u64(w, (uint64_t)item->until);
		text_encode(w, item->file, sizeof(item->file));
		text_encode(w, item->subject, sizeof(item->subject));
	}
}

bool
trust_state_decode(struct rd *r, struct trust_state *ret)
{
	*ret = (struct trust_state){ 0 };
	for (int kind = TRUST_CA; kind < TRUST_KIND_MAX; kind++)
		ret->count[kind] = rd_u32(r);
	ret->n_requests = rd_u8(r);
	if (ret->n_requests > TRUST_REQUESTS_MAX)
		return false;
	for (size_t i = 0; i < ret->n_requests; i++) {
		ret->request[i] = rd_view(r, rd_u16(r));
		if (ret->request[i].n == 0 || ret->request[i].n > REQUEST_OCTETS_MAX)
			return false;
	}
	ret->n_items = rd_u8(r);
	if (ret->n_items > TRUST_ITEMS_MAX)
		return false;
	for (size_t i = 0; i < ret->n_items; i++) {
		struct trust_state_item *item = &ret->item[i];

		item->kind = rd_u8(r);
		item->from = (int64_t)rd_u64(r);
		item->until = (int64_t)rd_u64(r);
		shown_decode(r, item->file, sizeof(item->file));
		shown_decode(r, item->subject, sizeof(item->subject));
		if (item->kind < TRUST_CA || item->kind >= TRUST_KIND_MAX)
			return false;
	}
	return rd_end(r);
}
