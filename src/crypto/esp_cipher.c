/*
 * HMAC keeps the hash states after the inner and the outer pad, and starts
 * each packet from copies of them: two blocks less per packet, and no
 * allocation.  EVP has no way to do that without allocating, so the plain
 * hash contexts are used here and nowhere else.
 */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "crypto/esp_cipher.h"

#include <stdlib.h>

#include <openssl/evp.h>
#include <openssl/md5.h>
#include <openssl/sha.h>

#include "crypto/random.h"

enum {
	ESP_HEADER = 8,		/* SPI, sequence number */
	MAC_MAX = 64,
	HASH_BLOCK_MAX = 128,
	IV_POOL = 256		/* octets of random drawn at a time, CBC only */
};

union hash_state {
	MD5_CTX		md5;
	SHA_CTX		sha1;
	SHA256_CTX	sha256;
	SHA512_CTX	sha512;		/* SHA2-384 too */
};

struct mac {
	size_t		 block, len;	/* octets */
	void		(*start)(union hash_state *);
	void		(*add)(union hash_state *, const void *, size_t);
	void		(*end)(union hash_state *, uint8_t *);
};

enum kind { KIND_NULL = 1, KIND_CBC, KIND_CTR, KIND_GCM, KIND_GMAC };

struct esp_cipher {
	struct sa_lengths	 len;
	enum kind		 kind;
	bool			 esn, seal;
	uint8_t			 salt[4];
	EVP_CIPHER_CTX		*ctx;		/* NULL for KIND_NULL */
	const struct mac	*mac;		/* NULL with GCM and GMAC */
	union hash_state	 inner, outer;
	size_t			 pool_left;	/* octets at the end of pool */
	uint8_t			*pool;		/* CBC that seals; else NULL */
};

/* The return values of these functions are constants in libcrypto. */
static void md5_start(union hash_state *s) { MD5_Init(&s->md5); }
static void md5_add(union hash_state *s, const void *p, size_t n) { MD5_Update(&s->md5, p, n); }
static void md5_end(union hash_state *s, uint8_t *ret) { MD5_Final(ret, &s->md5); }
static void sha1_start(union hash_state *s) { SHA1_Init(&s->sha1); }
static void sha1_add(union hash_state *s, const void *p, size_t n) { SHA1_Update(&s->sha1, p, n); }
static void sha1_end(union hash_state *s, uint8_t *ret) { SHA1_Final(ret, &s->sha1); }
static void sha256_start(union hash_state *s) { SHA256_Init(&s->sha256); }
static void sha256_add(union hash_state *s, const void *p, size_t n) { SHA256_Update(&s->sha256, p, n); }
static void sha256_end(union hash_state *s, uint8_t *ret) { SHA256_Final(ret, &s->sha256); }
static void sha384_start(union hash_state *s) { SHA384_Init(&s->sha512); }
static void sha384_end(union hash_state *s, uint8_t *ret) { SHA384_Final(ret, &s->sha512); }
static void sha512_start(union hash_state *s) { SHA512_Init(&s->sha512); }
static void sha512_add(union hash_state *s, const void *p, size_t n) { SHA512_Update(&s->sha512, p, n); }
static void sha512_end(union hash_state *s, uint8_t *ret) { SHA512_Final(ret, &s->sha512); }

static const struct mac mac_md5 = { 64, 16, md5_start, md5_add, md5_end };
static const struct mac mac_sha1 = { 64, 20, sha1_start, sha1_add, sha1_end };
static const struct mac mac_sha256 = { 64, 32, sha256_start, sha256_add, sha256_end };
static const struct mac mac_sha384 = { 128, 48, sha384_start, sha512_add, sha384_end };
static const struct mac mac_sha512 = { 128, 64, sha512_start, sha512_add, sha512_end };

static const struct mac *
mac_find(uint8_t auth)
{
	switch (auth) {
	case AUTHALG_HMAC_MD5:
		return &mac_md5;
	case AUTHALG_HMAC_SHA:
		return &mac_sha1;
	case AUTHALG_HMAC_SHA2_256:
		return &mac_sha256;
	case AUTHALG_HMAC_SHA2_384:
		return &mac_sha384;
	case AUTHALG_HMAC_SHA2_512:
		return &mac_sha512;
	default:
		return NULL;
	}
}

static const EVP_CIPHER *
aes_of(enum kind kind, size_t key)
{
	switch (kind) {
	case KIND_CBC:
		return key == 16 ? EVP_aes_128_cbc() : key == 24 ? EVP_aes_192_cbc() :
		    EVP_aes_256_cbc();
	case KIND_CTR:
		return key == 16 ? EVP_aes_128_ctr() : key == 24 ? EVP_aes_192_ctr() :
		    EVP_aes_256_ctr();
	case KIND_GCM:
	case KIND_GMAC:
		return key == 16 ? EVP_aes_128_gcm() : key == 24 ? EVP_aes_192_gcm() :
		    EVP_aes_256_gcm();
	case KIND_NULL:
		break;
	}
	return NULL;
}

/* The kind of a suite and libcrypto's cipher for it; false if we do not have it. */
static bool
suite_find(const struct sa_suite *s, const struct sa_lengths *len, enum kind *ret_kind,
    const EVP_CIPHER **ret_cipher)
{
	*ret_cipher = NULL;
	switch (s->cipher) {
	case ESP_NULL:
		*ret_kind = KIND_NULL;
		return true;
	case ESP_3DES:
		*ret_kind = KIND_CBC;
		*ret_cipher = EVP_des_ede3_cbc();
		return true;
	case ESP_AES:
		*ret_kind = KIND_CBC;
		break;
	case ESP_AES_CTR:
		*ret_kind = KIND_CTR;
		break;
	case ESP_AES_GCM_16:
		*ret_kind = KIND_GCM;
		break;
	case ESP_AES_GMAC:
		*ret_kind = KIND_GMAC;
		break;
	default:
		return false;
	}
	if (len->key != 16 && len->key != 24 && len->key != 32)
		return false;
	*ret_cipher = aes_of(*ret_kind, len->key);
	return *ret_cipher != NULL;
}

/* RFC 2104: the states after key XOR ipad and key XOR opad. */
static void
hmac_key(struct esp_cipher *c, struct view key)
{
	uint8_t pad[HASH_BLOCK_MAX];

	for (size_t i = 0; i < c->mac->block; i++)
		pad[i] = (uint8_t)((i < key.n ? key.p[i] : 0) ^ 0x36);
	c->mac->start(&c->inner);
	c->mac->add(&c->inner, pad, c->mac->block);
	for (size_t i = 0; i < c->mac->block; i++)
		pad[i] ^= 0x36 ^ 0x5c;
	c->mac->start(&c->outer);
	c->mac->add(&c->outer, pad, c->mac->block);
	wipe(pad, sizeof(pad));
}

/* Over the packet from the SPI to the end of the text, and the unsent half of an ESN. */
static void
hmac_packet(const struct esp_cipher *c, uint32_t seq_hi, const uint8_t *esp, size_t n,
    uint8_t ret[MAC_MAX])
{
	union hash_state s = c->inner;
	struct wr hi;
	uint8_t room[4];

	c->mac->add(&s, esp, n);
	if (c->esn) {
		hi = wr_of(room, sizeof(room));
		wr_u32(&hi, seq_hi);
		c->mac->add(&s, room, sizeof(room));
	}
	c->mac->end(&s, ret);
	s = c->outer;
	c->mac->add(&s, ret, c->mac->len);
	c->mac->end(&s, ret);
}

static bool
cipher_key(struct esp_cipher *c, const EVP_CIPHER *cipher, struct view key)
{
	c->ctx = EVP_CIPHER_CTX_new();
	/* Padding has no meaning for modes of streams, but once set off costs at every packet. */
	return c->ctx != NULL &&
	    EVP_CipherInit_ex2(c->ctx, cipher, key.p, NULL, c->seal, NULL) == 1 &&
	    (c->kind != KIND_CBC || EVP_CIPHER_CTX_set_padding(c->ctx, 0) == 1);
}

enum why
esp_cipher_new(const struct sa_suite *suite, struct view keymat, bool seal,
    struct esp_cipher **ret)
{
	const EVP_CIPHER *cipher;
	struct sa_lengths len;
	enum kind kind;

	if (suite->protocol != PROTO_IPSEC_ESP || !sa_suite_lengths(suite, &len) ||
	    keymat.n != len.key + len.salt + len.auth ||
	    !suite_find(suite, &len, &kind, &cipher))
		return WHY_BACKEND_ALGORITHM;
	const struct mac *mac = mac_find(suite->auth);
	bool aead = kind == KIND_GCM || kind == KIND_GMAC;
	if (aead ? (suite->auth != AUTHALG_NONE || len.salt != 4 || len.icv != 16) :
	    (mac == NULL || len.auth != mac->len || len.icv > mac->len))
		return WHY_BACKEND_ALGORITHM;

	struct esp_cipher *c = calloc(1, sizeof(*c));
	if (c == NULL)
		return WHY_NO_MEMORY;
	c->len = len;
	c->kind = kind;
	c->esn = suite->esn;
	c->seal = seal;
	c->mac = aead ? NULL : mac;
	struct rd r = rd_of(keymat);
	struct view key = rd_view(&r, len.key);
	rd_copy(&r, c->salt, len.salt < sizeof(c->salt) ? len.salt : sizeof(c->salt));
	struct view auth = rd_view(&r, len.auth);
	if (c->mac != NULL)
		hmac_key(c, auth);
	if (cipher != NULL && !cipher_key(c, cipher, key)) {
		esp_cipher_free(c);
		return WHY_NO_MEMORY;
	}
	if (kind == KIND_CBC && seal && (c->pool = malloc(IV_POOL)) == NULL) {
		esp_cipher_free(c);
		return WHY_NO_MEMORY;
	}
	*ret = c;
	return WHY_NONE;
}

void
esp_cipher_free(struct esp_cipher *c)
{
	if (c == NULL)
		return;
	EVP_CIPHER_CTX_free(c->ctx);	/* libcrypto wipes the key schedule */
	wipe(c->pool, c->pool == NULL ? 0 : IV_POOL);
	free(c->pool);
	wipe(c, sizeof(*c));
	free(c);
}

const struct sa_lengths *
esp_cipher_lengths(const struct esp_cipher *c)
{
	return &c->len;
}

void
esp_cipher_iv(struct esp_cipher *c, uint64_t seq, uint8_t *iv)
{
	struct wr w;

	switch (c->kind) {
	case KIND_CBC:
		/* RFC 3602, 3: unpredictable, and not a small change of the last one. */
		if (c->pool == NULL) {
			random_bytes(iv, c->len.iv);
			break;
		}
		if (c->pool_left < c->len.iv) {
			random_bytes(c->pool, IV_POOL);
			c->pool_left = IV_POOL;
		}
		memcpy(iv, c->pool + IV_POOL - c->pool_left, c->len.iv);
		c->pool_left -= c->len.iv;
		break;
	case KIND_CTR:
	case KIND_GCM:
	case KIND_GMAC:
		w = wr_of(iv, 8);
		wr_u64(&w, seq);
		break;
	case KIND_NULL:
		break;
	}
}

/*
 * RFC 4106, 4 and 5: the nonce is salt and IV; SPI and (extended) sequence
 * number are authenticated.  RFC 4543, 3.3: IV and text too, and nothing is
 * encrypted.
 */
static bool
gcm_begin(struct esp_cipher *c, uint32_t seq_hi, const uint8_t *esp, size_t text_n)
{
	uint8_t nonce[12], aad_room[12];
	struct wr w = wr_of(nonce, sizeof(nonce));
	int n;

	wr_bytes(&w, c->salt, sizeof(c->salt));
	wr_bytes(&w, esp + ESP_HEADER, c->len.iv);
	if (w.bad || EVP_CipherInit_ex2(c->ctx, NULL, NULL, nonce, c->seal, NULL) != 1)
		return false;
	const uint8_t *aad = esp;
	size_t aad_n = ESP_HEADER;
	if (c->esn) {
		w = wr_of(aad_room, sizeof(aad_room));
		wr_bytes(&w, esp, 4);
		wr_u32(&w, seq_hi);
		wr_bytes(&w, esp + 4, 4);
		aad = aad_room;
		aad_n = w.len;
	}
	if (EVP_CipherUpdate(c->ctx, NULL, &n, aad, (int)aad_n) != 1)
		return false;
	return c->kind != KIND_GMAC || EVP_CipherUpdate(c->ctx, NULL, &n, esp + ESP_HEADER,
	    (int)(c->len.iv + text_n)) == 1;
}

static bool
gcm_text(struct esp_cipher *c, uint8_t *text, size_t text_n)
{
	int n;

	return c->kind == KIND_GMAC || text_n == 0 ||
	    EVP_CipherUpdate(c->ctx, text, &n, text, (int)text_n) == 1;
}

static bool
gcm_seal(struct esp_cipher *c, uint32_t seq_hi, uint8_t *esp, size_t text_n)
{
	uint8_t *text = esp + ESP_HEADER + c->len.iv, rest[16];
	int n;

	return gcm_begin(c, seq_hi, esp, text_n) && gcm_text(c, text, text_n) &&
	    EVP_CipherFinal_ex(c->ctx, rest, &n) == 1 &&
	    EVP_CIPHER_CTX_ctrl(c->ctx, EVP_CTRL_AEAD_GET_TAG, (int)c->len.icv,
	    text + text_n) == 1;
}

static bool
gcm_open(struct esp_cipher *c, uint32_t seq_hi, uint8_t *esp, size_t text_n)
{
	uint8_t *text = esp + ESP_HEADER + c->len.iv, rest[16];
	int n;

	return gcm_begin(c, seq_hi, esp, text_n) &&
	    EVP_CIPHER_CTX_ctrl(c->ctx, EVP_CTRL_AEAD_SET_TAG, (int)c->len.icv,
	    text + text_n) == 1 &&
	    gcm_text(c, text, text_n) && EVP_CipherFinal_ex(c->ctx, rest, &n) == 1;
}

/* CBC and CTR without their integrity; nothing for NULL. */
static bool
crypt_text(struct esp_cipher *c, uint8_t *esp, size_t text_n)
{
	uint8_t counter[16];
	const uint8_t *iv = esp + ESP_HEADER;
	uint8_t *text = esp + ESP_HEADER + c->len.iv;
	struct wr w;
	int n;

	if (c->kind == KIND_NULL || text_n == 0)
		return true;
	if (c->kind == KIND_CTR) {
		/* RFC 3686, 4: nonce, IV, block counter from one */
		w = wr_of(counter, sizeof(counter));
		wr_bytes(&w, c->salt, sizeof(c->salt));
		wr_bytes(&w, iv, 8);
		wr_u32(&w, 1);
		iv = counter;
	}
	return EVP_CipherInit_ex2(c->ctx, NULL, NULL, iv, c->seal, NULL) == 1 &&
	    EVP_CipherUpdate(c->ctx, text, &n, text, (int)text_n) == 1 && (size_t)n == text_n;
}

bool
esp_cipher_seal(struct esp_cipher *c, uint32_t seq_hi, uint8_t *esp, size_t text_n)
{
	uint8_t icv[MAC_MAX];
	size_t n = ESP_HEADER + c->len.iv + text_n;

	if (c->mac == NULL)
		return gcm_seal(c, seq_hi, esp, text_n);
	if (!crypt_text(c, esp, text_n))
		return false;
	hmac_packet(c, seq_hi, esp, n, icv);
	memcpy(esp + n, icv, c->len.icv);
	return true;
}

bool
esp_cipher_open(struct esp_cipher *c, uint32_t seq_hi, uint8_t *esp, size_t text_n)
{
	uint8_t icv[MAC_MAX];
	size_t n = ESP_HEADER + c->len.iv + text_n;

	if (c->mac == NULL)
		return gcm_open(c, seq_hi, esp, text_n);
	hmac_packet(c, seq_hi, esp, n, icv);
	return ct_equal(view_of(icv, c->len.icv), view_of(esp + n, c->len.icv)) &&
	    crypt_text(c, esp, text_n);
}

static bool
preload_one(struct sa_suite *suite)
{
	static const uint8_t key[128];
	uint8_t packet[ESP_HEADER + 16 + 16 + MAC_MAX] = { 0 };
	struct esp_cipher *c = NULL;
	struct sa_lengths len;
	bool ok = sa_suite_lengths(suite, &len);

	for (unsigned seal = 0; seal < 2 && ok; seal++) {
		ok = esp_cipher_new(suite, view_of(key, len.key + len.salt + len.auth),
		    seal == 0, &c) == WHY_NONE &&
		    (seal == 0 ? esp_cipher_seal(c, 0, packet, 16) :
		    esp_cipher_open(c, 0, packet, 16));
		esp_cipher_free(c);
		c = NULL;
	}
	return ok;
}

bool
esp_cipher_preload(void)
{
	static const uint8_t ciphers[] = { ESP_NULL, ESP_3DES, ESP_AES, ESP_AES_CTR,
	    ESP_AES_GCM_16, ESP_AES_GMAC };
	bool ok = true;

	for (size_t i = 0; i < COUNT(ciphers); i++) {
		bool aes = ciphers[i] != ESP_NULL && ciphers[i] != ESP_3DES;
		bool aead = ciphers[i] == ESP_AES_GCM_16 || ciphers[i] == ESP_AES_GMAC;

		for (unsigned bits = 128; bits <= 256; bits += 64) {
			struct sa_suite s = { .protocol = PROTO_IPSEC_ESP, .cipher = ciphers[i],
			    .auth = aead ? AUTHALG_NONE : AUTHALG_HMAC_SHA2_256,
			    .mode = SA_TUNNEL, .key_bits = (uint16_t)(aes ? bits : 0) };

			ok = preload_one(&s) && ok;
		}
	}
	return ok;
}
