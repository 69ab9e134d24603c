#include "crypto/key_name.h"

#include "crypto/hash.h"

static const char folder[] = "asn1_dn/", ending[] = ".pem";

enum { DIGEST_DIGITS = 64 };

static bool
digest_of(struct str *s, const struct id *id)
{
	const struct view der = view_of(id->data, id->n);
	uint8_t digest[HASH_LEN_MAX];

	if (id->n == 0 || !hash_views(HASH_SHA2_256, &der, 1, digest))
		return false;
	str_hex(s, view_of(digest, hash_len(HASH_SHA2_256)));
	return !s->cut;
}

bool
key_name(struct str *s, const struct id *id)
{
	if (id->type != ID_DER_ASN1_DN)
		return id_key_name(s, id);
	str_add(s, folder);
	if (!digest_of(s, id))
		return false;
	str_add(s, ending);
	return !s->cut;
}

bool
key_name_private(struct str *s, const struct id *id)
{
	STR(name, KEY_NAME_MAX);
	const char *slash;

	if (id->type == ID_DER_ASN1_DN)
		return digest_of(s, id);
	if (!id_key_name(&name, id) || (slash = strchr(name.p, '/')) == NULL)
		return false;
	str_add(s, slash + 1);
	return !s->cut;
}

bool
key_name_read(struct str *s, const char *file)
{
	const size_t before = sizeof(folder) - 1;
	struct id id;

	if (strncmp(file, folder, before) != 0)
		return id_of_key_name(file, &id) && id_key_name(s, &id);
	if (strspn(file + before, "0123456789abcdef") != DIGEST_DIGITS ||
	    strcmp(file + before + DIGEST_DIGITS, ending) != 0)
		return false;
	str_add(s, file);
	return !s->cut;
}
