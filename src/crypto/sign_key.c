/*
 * Key files of the operator: PEM, read by libcrypto, kept as libcrypto's
 * object (private keys) or as plain numbers (public keys).
 */
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/secret.h"
#include "base/str.h"
#include "crypto/hash.h"
#include "crypto/sign.h"
#include "crypto/sign_internal.h"

enum { PEM_BLOCKS_MAX = 16, FIELD_MAX = 66 };

struct sign_key {
	atomic_uint	 refs;
	EVP_PKEY	*pkey;
	struct pubkey	 pub;
};

EVP_PKEY *
sign_key_pkey(const struct sign_key *k)
{
	return k->pkey;
}

const struct pubkey *
sign_key_public(const struct sign_key *k)
{
	return &k->pub;
}

struct sign_key *
sign_key_ref(struct sign_key *k)
{
	if (k != NULL)
		atomic_fetch_add(&k->refs, 1);
	return k;
}

void
sign_key_unref(struct sign_key *k)
{
	if (k == NULL || atomic_fetch_sub(&k->refs, 1) != 1)
		return;
	EVP_PKEY_free(k->pkey);		/* wipes the private parts */
	free(k);
}

/* ---- the numbers of a public key ---- */

/* IKEv1 has numbers for RSA, DSS and three curves, and for nothing else. */
static bool
refuse_kind(const EVP_PKEY *pkey, struct str *why)
{
	const char *name = EVP_PKEY_get0_type_name(pkey);

	str_addf(why, "%s keys cannot be used: IKEv1 has no authentication method for them; "
	    "make an RSA key, or ECDSA on P-256, P-384 or P-521", name == NULL ? "such" : name);
	return false;
}

static bool
numbers(const EVP_PKEY *pkey, uint8_t kind, const char *const *names, struct pubkey *ret)
{
	static const size_t most = PUBKEY_OCTETS;
	uint8_t *room = malloc(PUBKEY_PARTS * most);
	struct view parts[PUBKEY_PARTS];
	bool ok = room != NULL;

	for (size_t i = 0; ok && i < pubkey_parts(kind); i++) {
		BIGNUM *bn = NULL;

		ok = EVP_PKEY_get_bn_param(pkey, names[i], &bn) == 1 &&
		    (size_t)BN_num_bytes(bn) <= most;
		if (ok)
			parts[i] = view_of(room + i * most, (size_t)BN_bn2bin(bn, room + i * most));
		BN_free(bn);
	}
	ok = ok && pubkey_set(ret, kind, parts);
	free(room);
	return ok;
}

static bool
point(const EVP_PKEY *pkey, struct pubkey *ret, struct str *why)
{
	static const struct { const char *name; size_t field; } curves[] = {
		{ "prime256v1", 32 }, { "secp384r1", 48 }, { "secp521r1", 66 },
	};
	uint8_t octets[1 + 2 * FIELD_MAX] = { 4 };
	char name[80] = "";
	size_t field = 0;
	BIGNUM *x = NULL, *y = NULL;

	(void)EVP_PKEY_get_group_name(pkey, name, sizeof(name), NULL);
	for (size_t i = 0; i < COUNT(curves); i++)
		if (strcmp(curves[i].name, name) == 0)
			field = curves[i].field;
	if (field == 0) {
		str_addf(why, "EC keys on %s cannot be used: IKEv1 has P-256, P-384 and P-521",
		    name[0] == '\0' ? "a curve without name" : name);
		return false;
	}
	bool ok = EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_EC_PUB_X, &x) == 1 &&
	    EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_EC_PUB_Y, &y) == 1 &&
	    BN_bn2binpad(x, octets + 1, (int)field) == (int)field &&
	    BN_bn2binpad(y, octets + 1 + field, (int)field) == (int)field;
	BN_free(x);
	BN_free(y);
	const struct view part = view_of(octets, 1 + 2 * field);
	ok = ok && pubkey_set(ret, PUBKEY_ECDSA, &part);
	if (!ok)
		str_add(why, "the point of the key cannot be read");
	return ok;
}

static bool
public_of(const EVP_PKEY *pkey, struct pubkey *ret, struct str *why)
{
	static const char *const rsa[] = { OSSL_PKEY_PARAM_RSA_N, OSSL_PKEY_PARAM_RSA_E };
	static const char *const dsa[] = { OSSL_PKEY_PARAM_FFC_P, OSSL_PKEY_PARAM_FFC_Q,
	    OSSL_PKEY_PARAM_FFC_G, OSSL_PKEY_PARAM_PUB_KEY };
	bool ok;

	switch (EVP_PKEY_get_base_id(pkey)) {
	case EVP_PKEY_RSA:
		ok = EVP_PKEY_get_bits(pkey) <= RSA_BITS_MAX && numbers(pkey, PUBKEY_RSA, rsa, ret);
		break;
	case EVP_PKEY_DSA:
		ok = numbers(pkey, PUBKEY_DSA, dsa, ret);
		break;
	case EVP_PKEY_EC:
		return point(pkey, ret, why);
	default:
		return refuse_kind(pkey, why);
	}
	if (!ok)
		str_addf(why, "the key is too large, or damaged (RSA has at most %d bits)",
		    RSA_BITS_MAX);
	return ok;
}

/* ---- PEM ---- */

typedef EVP_PKEY *der_fn(const uint8_t *, long);

static EVP_PKEY *
der_private(const uint8_t *p, long n)
{
	return d2i_AutoPrivateKey(NULL, &p, n);
}

static EVP_PKEY *
der_public(const uint8_t *p, long n)
{
	return d2i_PUBKEY(NULL, &p, n);
}

static EVP_PKEY *
der_rsa_public(const uint8_t *p, long n)
{
	return d2i_PublicKey(EVP_PKEY_RSA, NULL, &p, n);
}

struct block {
	const char	*name;		/* between BEGIN and the dashes */
	der_fn		*read;		/* NULL: it is refused, because: */
	const char	*why;
};

static const struct block private_blocks[] = {
	{ "RSA PRIVATE KEY",	   der_private, NULL },
	{ "EC PRIVATE KEY",	   der_private, NULL },
	{ "DSA PRIVATE KEY",	   der_private, NULL },
	{ "PRIVATE KEY",	   der_private, NULL },
	{ "ENCRYPTED PRIVATE KEY", NULL, "the key is encrypted: nobody is there to type its "
	    "passphrase (openssl pkey -in FILE -out FILE.new writes it in clear)" },
	{ "OPENSSH PRIVATE KEY",   NULL, "this is OpenSSH's own form "
	    "(ssh-keygen -p -N '' -m PKCS8 -f FILE converts it)" },
	{ "PUBLIC KEY",		   NULL, "this is a public key" },
	{ "CERTIFICATE",	   NULL, "this is a certificate" },
};

static const struct block public_blocks[] = {
	{ "PUBLIC KEY",		   der_public, NULL },
	{ "RSA PUBLIC KEY",	   der_rsa_public, NULL },
	{ "RSA PRIVATE KEY",	   NULL, "this is a private key: it must not be here" },
	{ "EC PRIVATE KEY",	   NULL, "this is a private key: it must not be here" },
	{ "PRIVATE KEY",	   NULL, "this is a private key: it must not be here" },
	{ "CERTIFICATE",	   NULL, "this is a certificate: its place is certs/ "
	    "(openssl x509 -pubkey -noout gives its key)" },
};

static EVP_PKEY *
take_block(const struct block *b, const char *header, const uint8_t *p, long n, struct str *why)
{
	EVP_PKEY *pkey = NULL;

	if (b->read == NULL)
		str_add(why, b->why);
	else if (header[0] != '\0')	/* "Proc-Type: 4,ENCRYPTED" */
		str_add(why, private_blocks[4].why);
	else if ((pkey = b->read(p, n)) == NULL)
		str_addf(why, "the block %s cannot be decoded", b->name);
	return pkey;
}

/* The first block that one of the rows knows; others (EC PARAMETERS) are skipped. */
static EVP_PKEY *
pem_find(struct view pem, const struct block *rows, size_t n_rows, struct str *why)
{
	BIO *bio = pem.n > INT32_MAX ? NULL : BIO_new_mem_buf(pem.p, (int)pem.n);
	EVP_PKEY *pkey = NULL;
	bool known = false;

	for (int i = 0; bio != NULL && !known && i < PEM_BLOCKS_MAX; i++) {
		char *name = NULL, *header = NULL;
		uint8_t *p = NULL;
		long n = 0;

		if (PEM_read_bio(bio, &name, &header, &p, &n) != 1)
			break;
		for (size_t j = 0; !known && j < n_rows; j++) {
			known = strcmp(rows[j].name, name) == 0;
			if (known)
				pkey = take_block(&rows[j], header, p, n, why);
		}
		OPENSSL_free(name);
		OPENSSL_free(header);
		OPENSSL_clear_free(p, (size_t)n);
	}
	BIO_free(bio);
	ERR_clear_error();
	if (!known)
		str_add(why, "there is no PEM key in it");
	return pkey;
}

/* A private key whose two halves do not belong together signs what nobody can check. */
static bool
works(const struct sign_key *k)
{
	static const uint8_t hash[HASH_LEN_MAX] = { 0x5a };
	static const uint8_t methods[] = { AUTH_RSA_SIG, AUTH_DSS, AUTH_ECDSA_256, AUTH_ECDSA_384,
	    AUTH_ECDSA_521 };
	uint8_t sig[SIGNATURE_MAX];
	size_t n;

	for (size_t i = 0; i < COUNT(methods); i++) {
		if (!pubkey_does(&k->pub, methods[i]))
			continue;
		struct view h = view_of(hash, hash_len(sign_hash(methods[i], HASH_SHA)));
		return sign_make(k, methods[i], h, sig, &n) == WHY_NONE &&
		    sign_check(&k->pub, methods[i], h, view_of(sig, n)) == WHY_NONE;
	}
	return false;
}

struct sign_key *
sign_key_read(struct view pem, struct str *why)
{
	EVP_PKEY *pkey = pem_find(pem, private_blocks, COUNT(private_blocks), why);
	struct sign_key *k = pkey == NULL ? NULL : calloc(1, sizeof(*k));

	if (k == NULL) {
		EVP_PKEY_free(pkey);
		if (why->len == 0)
			str_add(why, "out of memory");
		return NULL;
	}
	atomic_init(&k->refs, 1);
	k->pkey = pkey;
	bool ok = public_of(pkey, &k->pub, why);
	if (ok && !works(k)) {
		str_add(why, "its signatures are wrong: the key is damaged");
		ok = false;
	}
	ERR_clear_error();
	if (ok)
		return k;
	sign_key_unref(k);
	return NULL;
}

bool
pubkey_read(struct view pem, struct pubkey *ret, struct str *why)
{
	EVP_PKEY *pkey = pem_find(pem, public_blocks, COUNT(public_blocks), why);
	bool ok = pkey != NULL && public_of(pkey, ret, why);

	EVP_PKEY_free(pkey);
	ERR_clear_error();
	return ok;
}
