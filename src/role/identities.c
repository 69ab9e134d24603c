#include "role/identities.h"

#include "base/codec.h"
#include "crypto/key_name.h"

static bool
same(const struct identity *a, const struct identity *b)
{
	return a->auth == b->auth && a->id.type == b->id.type && a->id.n == b->id.n &&
	    memcmp(a->id.data, b->id.data, a->id.n) == 0;
}

static size_t
add(struct identity all[IDENTITIES_MAX], size_t n, const struct identity *one)
{
	for (size_t i = 0; i < n; i++)
		if (same(&all[i], one))
			return n;
	if (n < IDENTITIES_MAX)
		all[n++] = *one;
	return n;
}

static void
identity_of(const struct peer *p, struct identity *ret)
{
	struct str name = str_of(ret->name, sizeof(ret->name));

	*ret = (struct identity){ .line = p->own_id_line, .allow_weak = p->allow_weak, .id = p->own_id };
	text_copy(ret->peer, sizeof(ret->peer), p->name);
	if (ret->id.type == 0 && p->local_address.family != FAMILY_NONE)
		ret->id = id_from_addr(&p->local_address);
	if (ret->id.type == 0)
		str_add(&name, "its own address");
	else if (p->own_name[0] != '\0')
		str_add(&name, p->own_name);
	else
		id_print(&name, &ret->id);
}

size_t
identities_of(const struct snapshot *s, struct identity ret[IDENTITIES_MAX])
{
	struct identity one;
	size_t n = 0;

	for (size_t i = 0; i < s->n_peers; i++) {
		const struct peer *p = &s->peers[i];

		for (size_t k = 0; k < p->n_transforms; k++) {
			const int32_t auth = p->transforms[k].auth;

			if (auth < 0 || auth > UINT8_MAX || !sign_method((uint8_t)auth))
				continue;
			identity_of(p, &one);
			one.auth = (uint8_t)auth;
			n = add(ret, n, &one);
		}
	}
	return n;
}

enum why
identity_key(const struct keyring *ring, const struct identity *i, struct pubkey *ret,
    struct str *detail)
{
	const struct sign_key *key = ring == NULL ? NULL : i->id.type == 0 ?
	    keyring_private_any(ring, i->auth) :
	    keyring_private(ring, i->id.n == 0 ? NULL : &i->id, i->auth);

	if (key == NULL)
		return WHY_NO_PRIVATE_KEY;
	*ret = *sign_key_public(key);
	return pubkey_check(ret, i->auth, i->allow_weak, detail);
}

void
identity_print(struct str *s, const struct identity *i, enum why why, const char *detail,
    const struct key_files *files)
{
	STR(own, KEY_NAME_MAX);
	char room[24];

	if (why != WHY_NO_PRIVATE_KEY) {
		str_addf(s, "the private key for %s as %s: %s: %s", reg_text(REG_AUTH_METHOD, i->auth, room),
		    i->name, why_text(why), detail);
		return;
	}
	str_addf(s, "no private key for %s as %s: there should be one in %s",
	    reg_text(REG_AUTH_METHOD, i->auth, room), i->name, files->private_key);
	if (i->id.type != 0 && key_name_private(&own, &i->id))
		str_addf(s, " or %s%s", files->private_folder, own.p);
}

/* ---- between ike and keys ---- */

void
identity_ask_encode(struct wr *w, uint32_t number, const struct identity *i)
{
	wr_u32(w, number);
	wr_u8(w, i->auth);
	wr_u8(w, i->allow_weak);
	wr_u8(w, i->id.type);
	view_encode(w, view_of(i->id.data, i->id.n));
}

bool
identity_ask_decode(struct rd *r, uint32_t *ret_number, struct identity *ret)
{
	*ret = (struct identity){ 0 };
	*ret_number = rd_u32(r);
	ret->auth = rd_u8(r);
	ret->allow_weak = rd_bool(r);
	uint8_t type = rd_u8(r);
	struct view data = view_decode(r, ID_DATA_MAX);
	if (!rd_end(r))
		return false;
	ret->id.type = type;
	return data.n == 0 ? type == 0 || type == ID_DER_ASN1_DN :
	    id_from_wire(type, 0, 0, data, &ret->id) == WHY_NONE;
}

void
identity_answer_encode(struct wr *w, const struct identity_answer *a)
{
	wr_u32(w, a->number);
	wr_u16(w, (uint16_t)a->why);
	pubkey_encode(w, &a->key);
	text_encode(w, a->detail, sizeof(a->detail));
}

bool
identity_answer_decode(struct rd *r, struct identity_answer *ret)
{
	*ret = (struct identity_answer){ .number = rd_u32(r) };
	uint16_t why = rd_u16(r);
	if (why >= WHY_MAX || !pubkey_decode(r, &ret->key))
		return false;
	ret->why = (enum why)why;
	text_decode(r, ret->detail, sizeof(ret->detail));
	return rd_end(r);
}
