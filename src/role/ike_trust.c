/* Certificates: what the trust role is to load, and what it has loaded. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "role/ike_internal.h"
#include "role/trust_msg.h"

static bool
same_conf(const struct trust_conf *a, const struct trust_conf *b)
{
	uint8_t room[2][4096];
	struct wr wa = wr_of(room[0], sizeof(room[0])), wb = wr_of(room[1], sizeof(room[1]));

	trust_conf_encode(&wa, a);
	trust_conf_encode(&wb, b);
	return view_equal(wr_done(&wa), wr_done(&wb));
}

static void
tell(struct ike *ike)
{
	trust_conf_encode(role_body(ike->ctx, ROLE_TRUST), ike->trust_conf);
	if (!role_send(ike->ctx, ROLE_TRUST, MSG_TRUST_CONF))
		role_log(ike->ctx, ROLE_LOG_ERROR, 0, "role ike: trust was not told of the new "
		    "configuration");
}

/* Also when it runs: a new one reads the list of name servers again. */
static void
want_fetch(struct ike *ike, bool wanted)
{
	wr_u8(role_body(ike->ctx, ROLE_MONITOR), wanted);
	if (!role_send(ike->ctx, ROLE_MONITOR, MSG_FETCH_WANTED))
		role_log(ike->ctx, ROLE_LOG_ERROR, 0, "role ike: the monitor was not told of OCSP");
}

void
ike_trust_configure(struct ike *ike, bool files)
{
	struct trust_conf c;
	bool first = ike->trust_conf == NULL;

	if (ike->snapshot == NULL)
		return;
	if (first)
		ike->trust_conf = calloc(1, sizeof(*ike->trust_conf));
	if (ike->trust_conf == NULL)
		return;
	trust_conf_of(&ike->snapshot->x509, &c);
	if (!first && !files && same_conf(&c, ike->trust_conf))
		return;
	if (c.settings.ocsp != TRUST_OCSP_OFF || ike->trust_conf->settings.ocsp != TRUST_OCSP_OFF)
		want_fetch(ike, c.settings.ocsp != TRUST_OCSP_OFF);
	*ike->trust_conf = c;
	tell(ike);
}

void
ike_trust_ask(struct ike *ike, const struct trust_ask *ask)
{
	trust_ask_encode(role_body(ike->ctx, ROLE_TRUST), ask);
	if (role_send(ike->ctx, ROLE_TRUST, MSG_TRUST_ASK))
		return;
	const struct trust_answer none = { .verb = ask->verb, .token = ask->token,
	    .why = WHY_ROLE_GONE };
	core_trust_answer(ike->core, role_now(), &none);
}

void
ike_trust_anew(struct ike *ike)
{
	core_trust_gone(ike->core, role_now());
	if (ike->trust_conf != NULL)
		tell(ike);
}

static bool
on_state(struct ike *ike, struct rd *body)
{
	struct trust_state *s = calloc(1, sizeof(*s));
	bool ok = s == NULL || trust_state_decode(body, s);

	if (s != NULL && ok) {
		core_cert_requests(ike->core, s->request, s->n_requests);
		s->n_requests = 0;	/* they borrow the message */
		free(ike->trust_state);
		ike->trust_state = s;
		ike_identities_certificates(ike);
		ike_conf_begin(ike);
		return true;
	}
	free(s);
	return ok;
}

static bool
on_answer(struct ike *ike, struct rd *body)
{
	struct trust_answer a;

	if (!trust_answer_decode(body, &a))
		return false;
	if (a.verb == TRUST_CHECK)
		ike_identities_checked(ike, &a);
	else
		core_trust_answer(ike->core, role_now(), &a);
	return true;
}

bool
ike_trust_message(struct ike *ike, struct channel_in *in)
{
	switch (in->type) {
	case MSG_TRUST_STATE:
		return on_state(ike, &in->body);
	case MSG_TRUST_ANSWER:
		return on_answer(ike, &in->body);
	default:
		return false;
	}
}

size_t
ike_trust_certificates(const struct ike *ike, struct ctl_certificate **ret)
{
	static const char *const kinds[TRUST_KIND_MAX] = {
		[TRUST_CA] = "ca", [TRUST_CERT] = "certificate", [TRUST_CRL] = "crl",
	};
	const struct trust_state *s = ike->trust_state;
	int64_t now = (int64_t)time(NULL);

	*ret = s == NULL || s->n_items == 0 ? NULL : calloc(s->n_items, sizeof(**ret));
	if (*ret == NULL)
		return 0;
	for (size_t i = 0; i < s->n_items; i++)
		(*ret)[i] = (struct ctl_certificate){ .kind = kinds[s->item[i].kind],
		    .file = s->item[i].file, .subject = s->item[i].subject,
		    .from = s->item[i].from, .until = s->item[i].until,
		    .left = s->item[i].until - now };
	return s->n_items;
}

void
ike_trust_done(struct ike *ike)
{
	free(ike->trust_conf);
	free(ike->identities);
	free(ike->trust_state);
}
