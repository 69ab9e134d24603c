/*
 * Is a peer or connection the same in two snapshots?  What is the same keeps
 * its SAs over a reload (design section 7).  Lines may differ: text moved.
 */
#include "ike/internal.h"

static bool
accept_same(const struct accept *a, const struct accept *b)
{
	return a->present == b->present && a->any == b->any && a->offer == b->offer &&
	    a->least == b->least && a->most == b->most;
}

static bool
id_same(const struct id *a, const struct id *b)
{
	return a->type == b->type && a->protocol == b->protocol && a->port == b->port &&
	    view_equal(view_of(a->data, a->n), view_of(b->data, b->n));
}

static bool
p1_transform_same(const struct p1_transform *a, const struct p1_transform *b)
{
	return a->cipher == b->cipher && a->hash == b->hash && a->auth == b->auth &&
	    a->group == b->group && accept_same(&a->key_bits, &b->key_bits) &&
	    accept_same(&a->life_secs, &b->life_secs) && accept_same(&a->life_kb, &b->life_kb);
}

bool
peer_same(const struct peer *a, const struct peer *b)
{
	if (a == b)
		return true;
	if (a == NULL || b == NULL || !addr_equal(&a->address, &b->address) || a->port != b->port ||
	    !addr_equal(&a->local_address, &b->local_address) || a->exchange != b->exchange ||
	    a->n_transforms != b->n_transforms || a->has_psk != b->has_psk ||
	    a->psk_mark != b->psk_mark ||
	    a->any_id != b->any_id ||
	    a->force_encap != b->force_encap || a->nat_t != b->nat_t ||
	    a->is_default != b->is_default || a->allow_weak != b->allow_weak ||
	    !id_same(&a->own_id, &b->own_id) || !id_same(&a->remote_id, &b->remote_id))
		return false;
	for (size_t i = 0; i < a->n_transforms; i++)
		if (!p1_transform_same(&a->transforms[i], &b->transforms[i]))
			return false;
	return true;
}

static bool
p2_transform_same(const struct p2_transform *a, const struct p2_transform *b)
{
	return a->transform_id == b->transform_id && a->auth == b->auth && a->mode == b->mode &&
	    a->group == b->group && accept_same(&a->key_bits, &b->key_bits) &&
	    accept_same(&a->life_secs, &b->life_secs) && accept_same(&a->life_kb, &b->life_kb);
}

static bool
protocol_same(const struct p2_protocol *a, const struct p2_protocol *b)
{
	if (a->protocol != b->protocol || a->replay_window != b->replay_window ||
	    a->n_transforms != b->n_transforms)
		return false;
	for (size_t i = 0; i < a->n_transforms; i++)
		if (!p2_transform_same(&a->transforms[i], &b->transforms[i]))
			return false;
	return true;
}

static bool
suite_same(const struct p2_suite *a, const struct p2_suite *b)
{
	if (a->n_protocols != b->n_protocols)
		return false;
	for (size_t i = 0; i < a->n_protocols; i++)
		if (!protocol_same(&a->protocols[i], &b->protocols[i]))
			return false;
	return true;
}

static bool
suites_same(const struct connection *a, const struct connection *b)
{
	if (a->n_suites != b->n_suites)
		return false;
	for (size_t i = 0; i < a->n_suites; i++)
		if (!suite_same(&a->suites[i], &b->suites[i]))
			return false;
	return true;
}

static bool
flow_same(const struct connection *a, const struct connection *b)
{
	return id_same(&a->local_id, &b->local_id) && id_same(&a->remote_id, &b->remote_id) &&
	    id_same(&a->nat_id, &b->nat_id);
}

enum connection_change
connection_compare(const struct connection *a, const struct connection *b)
{
	if (a == b)
		return CONNECTION_SAME;
	if (!same_peer_name(a->peer, b->peer))
		return CONNECTION_OTHER_PEER;
	if (!flow_same(a, b))
		return CONNECTION_OTHER_IDS;
	if (!peer_same(a->peer, b->peer))
		return CONNECTION_PEER_CHANGED;
	if (!suites_same(a, b) || a->any_suite != b->any_suite)
		return CONNECTION_OTHER_SUITES;
	return a->passive == b->passive ? CONNECTION_SAME : CONNECTION_OTHER_LIST;
}

bool
connection_same(const struct connection *a, const struct connection *b)
{
	return connection_compare(a, b) == CONNECTION_SAME;
}

/* The mode of a connection's first suite. */
static int
mode_of(const struct connection *c)
{
	return c->n_suites == 0 || c->suites[0].n_protocols == 0 ||
	    c->suites[0].protocols[0].n_transforms == 0 ? -1 :
	    c->suites[0].protocols[0].transforms[0].mode;
}

/*
 * Who the peer is and where: what an SA has of that cannot be changed.  What
 * is negotiated, how it is carried, our own identity and the key may differ;
 * whoever was let in must still be let in.
 */
static bool
peer_stays(const struct peer *a, const struct peer *b)
{
	return a != NULL && b != NULL && addr_equal(&a->address, &b->address) &&
	    addr_equal(&a->local_address, &b->local_address) &&
	    a->is_default == b->is_default &&
	    (b->any_id || (!a->any_id && id_same(&a->remote_id, &b->remote_id)));
}

bool
connection_can_renew(const struct connection *a, const struct connection *b)
{
	return same_peer_name(a->peer, b->peer) && peer_stays(a->peer, b->peer) &&
	    flow_same(a, b) && mode_of(a) == mode_of(b) && mode_of(a) >= 0;
}
