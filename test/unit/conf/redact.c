#include "unit/conf/loaded.h"

#include "conf/redact.h"

/* Every secret of these texts is made of the letters Q and Z, which nothing else uses. */
static const char *const shapes[] = {
	"[p]\nPhase=1\nAuthentication=QZQZQZ\nAddress=10.0.0.1\n",
	"[p]\nAuthentication= \t QZ QZ # QZ \t\nAddress=10.0.0.1\n",
	"[p]\nauthentication =QZ\n",
	"[p]\n  AUTHENTICATION\t=\tQZ=QZ\\QZ",
	"[p]\nAuthentication=QZ\\\nQZ\\\n  QZ\nPhase=1\n",
	"[p]\nAuthentication=\\\n\\\nQZ\\\n",
	"[p]\nAuthentication\\\n=QZ\n",
	"[p]\nAuthentication=QZ\\ \nQZQZ\nPhase=1\n",
	"[p]\nAuthentication=QZ\r\nPhase=1\r\n",
	"[p]\nAuthentication=QZ\\\\\nQZ\\x\n",
	"[p]\nAuthentication=QZ\nAuthentication=ZQ\n",
	"Authentication=QZ\n[p]\nPhase=1\n",
	"[p\nAuthentication=QZ\n",
	"[p Authentication=QZ\n[q]\nAuthentication=QZ\n",
	"[p] Authentication=QZ\nPhase=1\n",
	"[p]#QZ\n[q] ;QZ\nt=v\n",
	"#Authentication=QZ\n[p]\n;Authentication=QZ\\\nQZ\n  # QZ\nt=v\n",
	"[p]\nAuthentication QZ\nAuthentification=QZ\nAutentication=QZ\nPSK=QZ\n",
	"[p]\nFoo Authentication=QZ\n",
	"[p]\n=QZ\nQZQZ\n\\QZ\n",
	"[p]\nPKAuthentication=QZ\nCredentials=QZ\n",
	"[p]\nAuthentication=QZ]\n[s]\nt=v\n",
	"[p]\nAuthentication=[QZ]\nt=v\n",
	"[p]\nAuthentication=\xff\xfeQZ\x01\nt=v\n",
	"[10.0.0.1]\nAuthentication=QZ\n[a@b]\nAuthentication=QZ\n",
	"[p]\nAuthentication=QZ\n\\",
};

static void
no_secret_octet_survives_in_any_shape(void **state)
{
	uint8_t room[256];

	(void)state;
	for (size_t i = 0; i < COUNT(shapes); i++) {
		size_t n = strlen(shapes[i]);

		redact_text(view_str(shapes[i]), room);
		for (size_t k = 0; k < n; k++)
			if (room[k] == 'Q' || room[k] == 'Z')
				fail_msg("shape %zu: %.*s", i, (int)n, (const char *)room);
	}
}

struct entries { char text[4096]; };

static bool
print_entry(void *self, const struct store_entry *e)
{
	struct entries *all = self;
	struct str s = str_of(all->text + strlen(all->text), sizeof(all->text) - strlen(all->text));
	bool secret = text_same_n(e->tag, "Aut", 3) || text_same(e->tag, "PSK") ||
	    strcmp(e->tag, "Foo") == 0 || store_tag_is_secret(e->tag);

	str_addf(&s, "%u:%u[%s]:%s=%s\n", (unsigned)e->line, (unsigned)e->column, e->section,
	    e->tag, secret ? "" : e->value);
	if (secret)
		str_addf(&s, "%zu\n", strlen(e->value));
	return true;
}

static void
load_entries(struct view text, struct entries *ret, struct problems *p)
{
	struct store *st = store_new();

	ret->text[0] = '\0';
	assert_true(store_load(st, text, p));
	store_each(st, print_entry, ret);
	store_free(st);
}

static void
the_redacted_text_reads_as_the_same_store_at_the_same_places(void **state)
{
	uint8_t room[256];

	(void)state;
	for (size_t i = 0; i < COUNT(shapes); i++) {
		static struct entries a, b;
		struct view text = view_str(shapes[i]);
		struct problems one = { 0 }, two = { 0 };

		redact_text(text, room);
		load_entries(text, &a, &one);
		load_entries(view_of(room, text.n), &b, &two);
		assert_string_equal(a.text, b.text);
		assert_int_equal(one.errors, two.errors);
		problems_done(&one);
		problems_done(&two);
	}
}

static void
what_is_no_secret_stays_as_it_is(void **state)
{
	static const char text[] = "[peer-a]\nPhase= 1\nAddress=10.0.0.1\n"
	    "[t]\nAUTHENTICATION_METHOD=PRE_SHARED\nAUTHENTICATION_ALGORITHM=HMAC_SHA\n"
	    "[Phase 2]\nConnections= a,\\\n   b\n"
	    "[quick-1\nSuites=QM-ESP-AES-SHA-SUITE\n";	/* it lacks a bracket, and who is told must see where */
	uint8_t room[sizeof(text)];

	(void)state;
	redact_text(view_str(text), room);
	assert_memory_equal(room, text, sizeof(text) - 1);
	redact_text(view_of(NULL, 0), room);
}

static void
newlines_and_continuations_keep_their_places(void **state)
{
	uint8_t room[256];

	(void)state;
	for (size_t i = 0; i < COUNT(shapes); i++) {
		const char *t = shapes[i];
		size_t n = strlen(t);

		redact_text(view_str(t), room);
		for (size_t k = 0; k < n; k++) {
			assert_int_equal(t[k] == '\n', room[k] == '\n');
			if (k + 1 < n && t[k + 1] == '\n')
				assert_int_equal(t[k] == '\\', room[k] == '\\');
		}
	}
}

/* ---- keys: isakmpd.md 14.4 ---- */

static void
a_key_is_its_text_or_after_0x_its_hexadecimal_octets(void **state)
{
	static const struct { const char *text, *octets; size_t n; enum psk_fault fault; } all[] = {
		{ "secret", "secret", 6, PSK_OK },
		{ " a b", " a b", 4, PSK_OK },
		{ "0x0102ff", "\x01\x02\xff", 3, PSK_OK },
		{ "0X0AbC", "\x0a\xbc", 2, PSK_OK },
		{ "0x123", "\x01\x23", 2, PSK_OK },	/* odd: padded on the left */
		{ "0xf", "\x0f", 1, PSK_OK },
		{ "0", "0", 1, PSK_OK },
		{ "x0x12", "x0x12", 5, PSK_OK },
		{ "", "", 0, PSK_EMPTY },
		{ "0x", "", 0, PSK_EMPTY },
		{ "0x12g4", "", 0, PSK_NOT_HEX },
		{ "0x12 34", "", 0, PSK_NOT_HEX },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(all); i++) {
		struct secret s = { 0 };

		assert_int_equal(psk_octets(all[i].text, &s), all[i].fault);
		assert_true(view_equal(secret_view(&s), view_of(all[i].octets, all[i].n)));
		secret_done(&s);
	}
}

static void
keys_that_can_be_guessed_are_seen(void **state)
{
	(void)state;
	assert_true(psk_bits(view_str("secret")) < 80);
	assert_true(psk_bits(view_str("password1234")) < 80);
	assert_true(psk_bits(view_str("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")) < 80);
	assert_true(psk_bits(view_str("vT9#kQ2!pL7@zR4m")) >= 80);
	assert_true(psk_bits(view_of("\x6f\x5c\x2a\x1e\x0d\x9b\x48\xc7\xa3\xf1\xe2\xd4\xc5\xb6\xa7\x98",
	    16)) >= 80);
	assert_int_equal(psk_bits(view_of(NULL, 0)), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_secret_octet_survives_in_any_shape),
		cmocka_unit_test(the_redacted_text_reads_as_the_same_store_at_the_same_places),
		cmocka_unit_test(what_is_no_secret_stays_as_it_is),
		cmocka_unit_test(newlines_and_continuations_keep_their_places),
		cmocka_unit_test(a_key_is_its_text_or_after_0x_its_hexadecimal_octets),
		cmocka_unit_test(keys_that_can_be_guessed_are_seen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
