/*
 * After a configuration was loaded: has every identity of ours that is to sign
 * a key, and is it the key of its certificates?
 *
 *	ike -- KEY_WANTED --> keys -- KEY_HELD --> ike
 *	then, as soon as certificates are there too, TRUST_CHECK
 */
#include <stdlib.h>

#include "role/identities.h"
#include "role/ike_internal.h"
#include "wire/payload.h"

struct ike_identities {
	uint32_t	era;		/* of answers; old ones count no more */
	bool		certificates;	/* are loaded */
	size_t		n;
	struct identity	v[IDENTITIES_MAX];
	struct pubkey	key[IDENTITIES_MAX];	/* kind NONE: not known, or asked about already */
};

static uint32_t
number_of(const struct ike_identities *all, size_t i)
{
	return (uint32_t)(all->era * IDENTITIES_MAX + i);
}

static bool
index_of(const struct ike_identities *all, uint64_t number, size_t *ret)
{
	*ret = (size_t)(number % IDENTITIES_MAX);
	return all != NULL && number == number_of(all, *ret) && *ret < all->n;
}

static void
warn(const struct ike *ike, const struct identity *i, const char *text)
{
	STR(line, 24);

	if (i->line != 0)
		str_addf(&line, ":%u", (unsigned)i->line);
	role_log(ike->ctx, ROLE_LOG_NORMAL, 0, "%s%s: [%s]: %s", ike->snapshot->file, line.p, i->peer, text);
}

void
ike_identities_check(struct ike *ike)
{
	struct ike_identities *all = ike->identities;

	if (all == NULL)
		all = ike->identities = calloc(1, sizeof(*all));
	if (all == NULL || ike->snapshot == NULL)
		return;
	all->era++;
	all->certificates = false;
	memset(all->key, 0, sizeof(all->key));
	all->n = identities_of(ike->snapshot, all->v);
	for (size_t i = 0; i < all->n; i++) {
		identity_ask_encode(role_body(ike->ctx, ROLE_KEYS), number_of(all, i), &all->v[i]);
		if (!role_send(ike->ctx, ROLE_KEYS, MSG_KEY_WANTED))
			return;
	}
}

bool
ike_identities_sign(const struct ike *ike)
{
	return ike->identities != NULL && ike->identities->n > 0;
}

/* Once both the key and the certificates are there. */
static void
ask_trust(struct ike *ike, size_t i)
{
	struct ike_identities *all = ike->identities;
	const struct identity *one = &all->v[i];
	struct trust_ask ask = { .verb = TRUST_CHECK, .token = number_of(all, i), .auth = one->auth,
	    .allow_weak = one->allow_weak, .key = all->key[i] };
	uint8_t room[4 + ID_DATA_MAX];
	struct wr w = wr_of(room, sizeof(room));

	if (!all->certificates || ask.key.kind == PUBKEY_NONE || one->id.type == 0)
		return;
	all->key[i].kind = PUBKEY_NONE;
	id_encode(&w, &one->id);
	ask.own_body = wr_done(&w);
	ike_trust_ask(ike, &ask);
}

void
ike_identities_certificates(struct ike *ike)
{
	if (ike->identities == NULL)
		return;
	ike->identities->certificates = true;
	for (size_t i = 0; i < ike->identities->n; i++)
		ask_trust(ike, i);
}

bool
ike_identities_key(struct ike *ike, struct rd *body)
{
	struct ike_identities *all = ike->identities;
	struct identity_answer a;
	STR(text, 600);
	size_t i;

	if (!identity_answer_decode(body, &a))
		return false;
	if (!index_of(all, a.number, &i))
		return true;
	if (a.why == WHY_NONE) {
		all->key[i] = a.key;
		ask_trust(ike, i);
		return true;
	}
	identity_print(&text, &all->v[i], a.why, a.detail, &ike->snapshot->key_files);
	warn(ike, &all->v[i], text.p);
	return true;
}

void
ike_identities_checked(struct ike *ike, const struct trust_answer *a)
{
	STR(text, 600);
	size_t i;

	if (a->why == WHY_NONE || a->why == WHY_ROLE_GONE || !index_of(ike->identities, a->token, &i))
		return;
	str_addf(&text, "as %s: %s", ike->identities->v[i].name, a->got);
	warn(ike, &ike->identities->v[i], text.p);
}
