/*
 * Key material of both phases.  Phase 1 against generated vectors that were
 * checked with those of NIST (test/vectors/ikev1); the KEYMAT values were
 * computed with Python's hmac from the formula of RFC 2409 section 5.5.
 */
#include "prove.h"

#include <stdio.h>

#include "ike/internal.h"

enum { FIELDS_MAX = 40, VALUE_MAX = 2048 };

struct block {
	char	name[40];
	struct { char name[32]; char text[VALUE_MAX * 2 + 2]; } f[FIELDS_MAX];
	size_t	n;
};

static const char *
field(const struct block *b, const char *name)
{
	for (size_t i = 0; i < b->n; i++)
		if (strcmp(b->f[i].name, name) == 0)
			return b->f[i].text;
	return NULL;
}

static struct view
hex(const struct block *b, const char *name, uint8_t room[VALUE_MAX])
{
	const char *text = field(b, name);
	size_t n = 0;

	assert_non_null(text);
	for (; text[2 * n] != '\0'; n++) {
		unsigned octet;

		assert_int_equal(sscanf(text + 2 * n, "%2x", &octet), 1);
		room[n] = (uint8_t)octet;
	}
	return view_of(room, n);
}

/* Reads the next block; false at the end. */
static bool
next_block(FILE *f, struct block *b)
{
	static char line[VALUE_MAX * 2 + 80];
	long at;

	b->n = 0;
	b->name[0] = '\0';
	while ((at = ftell(f)), fgets(line, sizeof(line), f) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		if (line[0] == '[') {
			if (b->name[0] != '\0') {
				fseek(f, at, SEEK_SET);
				return true;
			}
			text_copy(b->name, sizeof(b->name), line);
			continue;
		}
		char *eq = strstr(line, " = ");
		if (line[0] == '#' || eq == NULL || b->n == FIELDS_MAX)
			continue;
		*eq = '\0';
		text_copy(b->f[b->n].name, sizeof(b->f[0].name), line);
		text_copy(b->f[b->n].text, sizeof(b->f[0].text), eq + 3);
		b->n++;
	}
	return b->name[0] != '\0';
}

static uint8_t
hash_of(const struct block *b)
{
	static const struct { const char *name; uint8_t hash; } names[] = {
		{ "md5", HASH_MD5 }, { "sha1", HASH_SHA }, { "sha256", HASH_SHA2_256 },
		{ "sha384", HASH_SHA2_384 }, { "sha512", HASH_SHA2_512 },
	};

	for (size_t i = 0; i < COUNT(names); i++)
		if (strcmp(names[i].name, field(b, "hash")) == 0)
			return names[i].hash;
	fail();
	return 0;
}

static void
check_block(const struct block *b, bool initiator)
{
	static uint8_t gxi[VALUE_MAX], gxr[VALUE_MAX], room[VALUE_MAX], more[VALUE_MAX],
	    third[VALUE_MAX];
	struct p1 *p1 = calloc(1, sizeof(*p1));
	struct exchange x = { .initiator = initiator, .p1 = p1 };
	uint8_t iv[CIPHER_BLOCK_MAX], digest[PRF_MAX];
	struct view i = hex(b, "gxi", gxi), r = hex(b, "gxr", gxr);

	assert_non_null(p1);
	p1->params = (struct p1_params){ .cipher = CIPHER_AES_CBC, .hash = hash_of(b),
	    .key_bits = 256 };
	p1->public_value = initiator ? gxi : gxr;
	p1->public_n = initiator ? i.n : r.n;
	p1->peer_public = initiator ? gxr : gxi;
	p1->peer_public_n = initiator ? r.n : i.n;
	assert_true(keymat_phase1(&x, hex(b, "SKEYID_e", room)));
	struct view key = hex(b, "aes256_key", room);
	assert_true(view_equal(secret_view(&p1->keys.cipher_key), key));
	hex(b, "iv_aes", room);
	assert_memory_equal(x.iv, room, 16);

	struct view id = hex(b, "msgid", more);
	uint32_t message_id = (uint32_t)id.p[0] << 24 | (uint32_t)id.p[1] << 16 |
	    (uint32_t)id.p[2] << 8 | id.p[3];
	assert_true(keymat_phase2_iv(&p1->params, hex(b, "phase1_last_block", room).p, message_id, iv));
	hex(b, "iv_phase2", room);
	assert_memory_equal(iv, room, 16);

	assert_true(secret_set(&p1->keys.skeyid_a, hex(b, "SKEYID_a", room)));
	const struct view parts[] = { id, hex(b, "attr_payload", room) };
	assert_true(keymat_hash(&p1->params, &p1->keys, parts, 2, digest));
	struct view want = hex(b, "HASH_transaction", third);
	assert_memory_equal(digest, want.p, want.n);
	p1_keys_done(&p1->keys);
	free(p1);
}

static void
phase_1_keys_ivs_and_hashes_are_those_of_the_vectors(void **state)
{
	FILE *f = fopen(VECTORS "/ikev1/phase1.txt", "r");
	struct block *b = calloc(1, sizeof(*b));
	unsigned checked = 0;

	(void)state;
	assert_non_null(f);
	assert_non_null(b);
	while (next_block(f, b)) {
		if (field(b, "aes256_key") == NULL || field(b, "msgid") == NULL)
			continue;
		check_block(b, true);
		check_block(b, false);
		checked++;
	}
	assert_true(checked >= 5);
	free(b);
	fclose(f);
}

static void
check_keymat(uint8_t hash, struct sa_suite suite, uint32_t spi, bool pfs, const char *want)
{
	struct p1_params params = { .hash = hash };
	struct p1_keys keys = { 0 };
	struct p2 *p2 = calloc(1, sizeof(*p2));
	struct secret got = { 0 };
	uint8_t bytes[256];
	STR(text, 300);

	assert_non_null(p2);
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)i;
	assert_true(secret_set(&keys.skeyid_d, view_of(bytes, hash_len(hash))));
	if (pfs)
		assert_true(secret_set(&p2->shared, view_of(bytes + 0x40, 32)));
	memset(p2->ni, 0x11, 16);
	memset(p2->nr, 0x22, 20);
	p2->ni_n = 16;
	p2->nr_n = 20;
	p2->suite = suite;
	assert_true(keymat_phase2(&params, &keys, p2, spi, &got));
	str_hex(&text, secret_view(&got));
	assert_string_equal(text.p, want);
	secret_done(&got);
	secret_done(&p2->shared);
	p1_keys_done(&keys);
	free(p2);
}

static void
keymat_is_the_chain_of_section_5_5(void **state)
{
	const struct sa_suite gcm = { .protocol = PROTO_IPSEC_ESP, .cipher = ESP_AES_GCM_16,
	    .mode = SA_TUNNEL, .key_bits = 128 };
	const struct sa_suite sha2 = { .protocol = PROTO_IPSEC_ESP, .cipher = ESP_AES,
	    .auth = AUTHALG_HMAC_SHA2_256, .mode = SA_TUNNEL, .key_bits = 256 };
	const struct sa_suite des = { .protocol = PROTO_IPSEC_ESP, .cipher = ESP_3DES,
	    .auth = AUTHALG_HMAC_SHA, .mode = SA_TRANSPORT };

	(void)state;
	check_keymat(HASH_SHA2_256, gcm, 0x12345678, false,
	    "20e6e17e96c6d86b33b06381361b00343922b327");
	check_keymat(HASH_SHA2_256, sha2, 0x12345678, true,
	    "8a2d5cdb0dbabf967c87d61961fcbdf108b59d6877a0cf37f72e1564f9c54f9a"
	    "a8da5d410dd346e44857de06740222e3761b6bee7ac1288caa991b5e11e16dd8");
	check_keymat(HASH_SHA, des, 0xcafe0100, true,
	    "99f3be396c23498322d38f6de030daef44e478ed40d4e71a37b831f79ff07178984d7023945203"
	    "96cd173173");
}

static void
a_suite_that_is_not_allowed_gets_no_keys(void **state)
{
	struct p1_params params = { .hash = HASH_SHA2_256 };
	struct p1_keys keys = { 0 };
	struct secret got = { 0 };
	struct p2 *p2 = calloc(1, sizeof(*p2));

	(void)state;
	assert_non_null(p2);
	for (unsigned cipher = 0; cipher < 256; cipher++) {
		p2->suite = (struct sa_suite){ .protocol = PROTO_IPSEC_ESP,
		    .cipher = (uint8_t)cipher, .mode = SA_TUNNEL, .key_bits = 7 };
		if (cipher != ESP_NULL && cipher != ESP_3DES)
			assert_false(keymat_phase2(&params, &keys, p2, 0x1000, &got));
	}
	free(p2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(phase_1_keys_ivs_and_hashes_are_those_of_the_vectors),
		cmocka_unit_test(keymat_is_the_chain_of_section_5_5),
		cmocka_unit_test(a_suite_that_is_not_allowed_gets_no_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
