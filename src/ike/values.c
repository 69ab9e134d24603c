/* Nonces and public values, which both phases carry the same way. */
#include <stdlib.h>

#include "crypto/dh.h"
#include "ike/internal.h"

enum why
blob_set(uint8_t **to, size_t *to_n, struct view v)
{
	uint8_t *p = malloc(v.n == 0 ? 1 : v.n);

	if (p == NULL)
		return WHY_NO_MEMORY;
	if (v.n > 0)
		memcpy(p, v.p, v.n);
	free(*to);
	*to = p;
	*to_n = v.n;
	return WHY_NONE;
}

/* RFC 2409, 5: between 8 and 256 octets. */
enum why
nonce_read(struct core *core, struct view nonce, uint8_t ret[NONCE_MAX], size_t *ret_n)
{
	if (nonce.n < 8 || nonce.n > NONCE_MAX) {
		fail_field(core, "NONCE", NULL);
		fail_expected(core, "8 to 256 octets");
		fail_got(core, "%zu octets", nonce.n);
		return WHY_NONCE_LENGTH;
	}
	memcpy(ret, nonce.p, nonce.n);
	*ret_n = nonce.n;
	return WHY_NONE;
}

enum why
public_check(struct core *core, uint16_t group, size_t n)
{
	char room[24];

	if (n == dh_public_len(group))
		return WHY_NONE;
	fail_field(core, "KEY_EXCH", NULL);
	fail_expected(core, "%zu octets for %s", dh_public_len(group),
	    reg_text(REG_GROUP, group, room));
	fail_got(core, "%zu octets", n);
	return WHY_KEY_VALUE;
}
