/* The predefined names, composed anew from the tables of isakmpd-conf.md 8.2, 8.3. */
#include "unit/conf/loaded.h"

#include "conf/names.h"

static const char *const hashes1[][2] = {
	{ "MD5", "MD5" }, { "SHA", "SHA" }, { "SHA2-256", "SHA2_256" },
	{ "SHA2-384", "SHA2_384" }, { "SHA2-512", "SHA2_512" },
};
static const char *const ciphers1[][3] = {
	{ "BLF", "BLOWFISH_CBC", "128,96:192" }, { "3DES", "3DES_CBC", NULL },
	{ "CAST", "CAST_CBC", NULL }, { "AES", "AES_CBC", "128,128:256" },
	{ "AES-128", "AES_CBC", "128,128:128" }, { "AES-192", "AES_CBC", "192,192:192" },
	{ "AES-256", "AES_CBC", "256,256:256" },
};
static const char *const group_names[][2] = {
	{ "", "MODP_1024" },
	{ "-GRP1", "MODP_768" }, { "-GRP2", "MODP_1024" }, { "-GRP5", "MODP_1536" },
	{ "-GRP14", "MODP_2048" }, { "-GRP15", "MODP_3072" }, { "-GRP16", "MODP_4096" },
	{ "-GRP17", "MODP_6144" }, { "-GRP18", "MODP_8192" }, { "-GRP19", "ECP_256" },
	{ "-GRP20", "ECP_384" }, { "-GRP21", "ECP_521" }, { "-GRP25", "ECP_192" },
	{ "-GRP26", "ECP_224" }, { "-GRP27", "BP_224" }, { "-GRP28", "BP_256" },
	{ "-GRP29", "BP_384" }, { "-GRP30", "BP_512" }, { "-GRP31", "X25519" },
};
static const char *const auths[][2] = {
	{ "", "PRE_SHARED" }, { "-DSS", "DSS" }, { "-RSA_SIG", "RSA_SIG" },
	{ "-ECDSA_256", "ECDSA_256" }, { "-ECDSA_384", "ECDSA_384" },
	{ "-ECDSA_521", "ECDSA_521" },
};

static const struct names_defaults none;

static const char *
tag_of(const struct names_section *s, const char *tag)
{
	for (unsigned i = 0; i < s->n; i++)
		if (strcmp(s->v[i].tag, tag) == 0)
			return s->v[i].value;
	return NULL;
}

static void
expect(const char *name, const struct names_section *s, const char *tag, const char *value)
{
	const char *got = tag_of(s, tag);

	if (value == NULL ? got != NULL : got == NULL || strcmp(got, value) != 0)
		fail_msg("[%s]:%s is %s, not %s", name, tag, got == NULL ? "(none)" : got,
		    value == NULL ? "(none)" : value);
}

static void
every_main_mode_transform_has_the_tags_of_its_parts(void **state)
{
	struct names_section s;
	unsigned n = 0, old = 0;

	(void)state;
	for (size_t c = 0; c < COUNT(ciphers1); c++)
	for (size_t h = 0; h < COUNT(hashes1); h++)
	for (size_t g = 0; g < COUNT(group_names); g++)
	for (size_t a = 0; a < COUNT(auths); a++) {
		STR(name, 80);

		str_addf(&name, "%s-%s%s%s", ciphers1[c][0], hashes1[h][0], group_names[g][0],
		    auths[a][0]);
		if (!names_section(&none, name.p, &s))
			fail_msg("no %s", name.p);
		expect(name.p, &s, "ENCRYPTION_ALGORITHM", ciphers1[c][1]);
		expect(name.p, &s, "KEY_LENGTH", ciphers1[c][2]);
		expect(name.p, &s, "HASH_ALGORITHM", hashes1[h][1]);
		expect(name.p, &s, "AUTHENTICATION_METHOD", auths[a][1]);
		expect(name.p, &s, "GROUP_DESCRIPTION", group_names[g][1]);
		expect(name.p, &s, "Life", "LIFE_MAIN_MODE");
		assert_int_equal(s.n, ciphers1[c][2] == NULL ? 5 : 6);
		n++;
		old += strcmp(group_names[g][0], "-GRP31") != 0 && a < 3;
	}
	assert_int_equal(old, 1890);
	assert_int_equal(n, NAMES_PHASE1_ALL);
}

static const struct cipher2 { const char *name, *id, *bits; bool combined; } ciphers2[] = {
	{ "3DES", "3DES", NULL, false }, { "CAST", "CAST", NULL, false },
	{ "BLF", "BLOWFISH", "128,96:192", false }, { "AES", "AES", "128,128:256", false },
	{ "AES-128", "AES", "128,128:128", false }, { "AES-192", "AES", "192,192:192", false },
	{ "AES-256", "AES", "256,256:256", false }, { "AESCTR", "AES_CTR", NULL, false },
	{ "AESCTR-128", "AES_CTR", "128,128:128", false },
	{ "AESCTR-192", "AES_CTR", "192,192:192", false },
	{ "AESCTR-256", "AES_CTR", "256,256:256", false },
	{ "AESGCM-128", "AES_GCM_16", "128,128:128", true },
	{ "AESGCM-192", "AES_GCM_16", "192,192:192", true },
	{ "AESGCM-256", "AES_GCM_16", "256,256:256", true },
	{ "AESGMAC-128", "AES_GMAC", "128,128:128", true },
	{ "AESGMAC-192", "AES_GMAC", "192,192:192", true },
	{ "AESGMAC-256", "AES_GMAC", "256,256:256", true },
	{ "NULL", "NULL", NULL, false },
};
static const char *const hashes2[][3] = {
	{ "", NULL, NULL },
	{ "-MD5", "HMAC_MD5", "MD5" }, { "-SHA", "HMAC_SHA", "SHA" },
	{ "-RIPEMD", "HMAC_RIPEMD", "RIPEMD" }, { "-SHA2-256", "HMAC_SHA2_256", "SHA2_256" },
	{ "-SHA2-384", "HMAC_SHA2_384", "SHA2_384" }, { "-SHA2-512", "HMAC_SHA2_512", "SHA2_512" },
};

/* `middle` is the name without QM- and -SUITE. */
static void
expect_suite(const char *middle, bool ah, const struct cipher2 *c, size_t hash,
    const char *group, bool transport)
{
	struct names_section s;
	STR(name, 96);
	STR(inner, 96);

	str_addf(&name, "QM-%s-SUITE", middle);
	str_addf(&inner, "QM-%s", middle);
	if (!names_section(&none, name.p, &s))
		fail_msg("no %s", name.p);
	assert_int_equal(s.n, 1);
	expect(name.p, &s, "Protocols", inner.p);
	str_add(&inner, "-XF");
	name.len -= strlen("-SUITE");
	name.p[name.len] = '\0';
	assert_true(names_section(&none, name.p, &s));
	assert_int_equal(s.n, 2);
	expect(name.p, &s, "PROTOCOL_ID", ah ? "IPSEC_AH" : "IPSEC_ESP");
	expect(name.p, &s, "Transforms", inner.p);
	if (!names_section(&none, inner.p, &s))
		fail_msg("no %s", inner.p);
	expect(inner.p, &s, "TRANSFORM_ID", ah ? hashes2[hash][2] : c->id);
	expect(inner.p, &s, "KEY_LENGTH", ah ? NULL : c->bits);
	expect(inner.p, &s, "AUTHENTICATION_ALGORITHM", hashes2[hash][1]);
	expect(inner.p, &s, "GROUP_DESCRIPTION", group);
	expect(inner.p, &s, "ENCAPSULATION_MODE", transport ? "TRANSPORT" : "TUNNEL");
	expect(inner.p, &s, "Life", "LIFE_QUICK_MODE");
}

/* No PFS, PFS alone, PFS with each group; tunnel and transport.  How many of the original. */
static unsigned
expect_variants(bool ah, const struct cipher2 *c, size_t hash)
{
	unsigned n = 0;

	for (int transport = 0; transport < 2; transport++)
		for (size_t g = 0; g <= COUNT(group_names); g++) {
			STR(middle, 80);

			str_addf(&middle, "%s%s%s%s%s", ah ? "AH" : "ESP", transport ? "-TRP" : "",
			    c == NULL ? "" : "-", c == NULL ? "" : c->name, hashes2[hash][0]);
			if (g > 0)
				str_addf(&middle, "-PFS%s", group_names[g - 1][0]);
			/* Also without a hash: a name that says PFS does PFS. */
			expect_suite(middle.p, ah, c, hash, g == 0 ? NULL : group_names[g - 1][1],
			    transport == 1);
			n += g < COUNT(group_names);
		}
	return n;
}

static void
every_quick_mode_suite_has_its_protocol_and_transform(void **state)
{
	unsigned esp = 0, ah = 0;

	(void)state;
	for (size_t c = 0; c < COUNT(ciphers2); c++)
		for (size_t h = 0; h < (ciphers2[c].combined ? 1 : COUNT(hashes2)); h++)
			esp += expect_variants(false, &ciphers2[c], h);
	for (size_t h = 1; h < COUNT(hashes2); h++)
		ah += expect_variants(true, NULL, h);
	assert_int_equal(esp, 3420);
	assert_int_equal(ah, 228);
}

static void
enumeration_lists_each_name_once_and_each_is_a_section(void **state)
{
	struct names_section s;
	bool (*const nth[])(unsigned, struct str *) = { names_phase1_nth, names_suite_nth };
	static const unsigned counts[] = { NAMES_PHASE1_ALL, NAMES_SUITES_ALL },
	    old[] = { NAMES_PHASE1, NAMES_SUITES };

	(void)state;
	for (int list = 0; list < 2; list++) {
		char (*all)[80] = calloc(counts[list], 80);
		unsigned n = 0;

		assert_non_null(all);
		for (;; n++) {
			struct str one = str_of(all[n < counts[list] ? n : 0], 80);

			if (!nth[list](n, &one))
				break;
			assert_true(n < counts[list]);
			assert_true(names_section(&none, one.p, &s));
			/* the original's names come first */
			assert_int_equal(strstr(one.p, "GRP31") != NULL || strstr(one.p, "ECDSA") != NULL,
			    n >= old[list]);
		}
		assert_int_equal(n, counts[list]);
		qsort(all, n, 80, (int (*)(const void *, const void *))strcmp);
		for (unsigned i = 1; i < n; i++)
			assert_string_not_equal(all[i - 1], all[i]);
		free(all);
	}
}

static void
names_that_break_the_rules_do_not_exist(void **state)
{
	static const char *const wrong[] = {
		"", "AES", "AES-", "AES-SHA-", "AES-SHA-GRP3", "AES-SHA-GRP", "AES-SHA-GRP14-PSK",
		"AES-512-SHA", "AES-SHA-RSA_SIG-GRP14", "DES-SHA", "AES-SHA2", "SHA-AES", "AES--SHA",
		"AES-SHA GRP14", "QM-ESP-SUITE", "QM-AH-SUITE", "QM-AH-AES-SHA-SUITE",
		"QM-ESP-AESGCM-128-SHA-SUITE", "QM-ESP-AESGCM-SUITE", "QM-ESP-AES-SHA-GRP14-SUITE",
		"QM-ESP-AES-SHA-PFS-GRP3-SUITE", "QM-ESP-SHA-SUITE", "ESP-AES-SHA-SUITE",
		"QM-ESP-AES-SHA-TRP-SUITE", "QM-ESP-AES-SHA-SUITE-XF", "QM-ESP-AES-SHA-PFS-",
		"QM-ESP-AES-SHA-SUITES", "QM", "-SUITE", "QM-ESP-AES-SHA-PFS-PFS-SUITE",
	};
	struct names_section s;

	(void)state;
	for (size_t i = 0; i < COUNT(wrong); i++)
		if (names_section(&none, wrong[i], &s))
			fail_msg("\"%s\" exists", wrong[i]);
}

static void
names_ignore_case_and_lead_to_the_canonical_ones(void **state)
{
	struct names_section s;

	(void)state;
	assert_true(names_section(&none, "qm-esp-aes-256-sha2-256-pfs-grp14-suite", &s));
	expect("suite", &s, "Protocols", "QM-ESP-AES-256-SHA2-256-PFS-GRP14");
}

static void
the_data_base_without_a_file_is_that_of_the_specification(void **state)
{
	static const char *const all[][3] = {
		{ "General", "Retransmits", "3" },
		{ "General", "Exchange-max-time", "120" },
		{ "General", "Use-Keynote", "yes" },
		{ "General", "Policy-file", "/etc/isakmpd/isakmpd.policy" },
		{ "General", "Pubkey-directory", "/etc/isakmpd/pubkeys/" },
		{ "General", "Delete-SAs", "yes" },
		{ "X509-certificates", "CA-directory", "/etc/isakmpd/ca/" },
		{ "X509-certificates", "Cert-directory", "/etc/isakmpd/certs/" },
		{ "X509-certificates", "Private-key", "/etc/isakmpd/private/local.key" },
		{ "X509-certificates", "Private-key-directory", "/etc/isakmpd/private/" },
		{ "X509-certificates", "CRL-directory", "/etc/isakmpd/crls/" },
		{ "KeyNote", "Credential-directory", "/etc/isakmpd/keynote/" },
		{ "LIFE_MAIN_MODE", "LIFE_TYPE", "SECONDS" },
		{ "LIFE_MAIN_MODE", "LIFE_DURATION", "3600,60:86400" },
		{ "LIFE_QUICK_MODE", "LIFE_TYPE", "SECONDS" },
		{ "LIFE_QUICK_MODE", "LIFE_DURATION", "1200,60:86400" },
		{ "Default-phase-1-configuration", "EXCHANGE_TYPE", "ID_PROT" },
		{ "Default-phase-1-configuration", "Transforms", "3DES-SHA-RSA_SIG" },
		{ "Phase 1", "Default", "Default-phase-1" },
		{ "Default-phase-1", "Phase", "1" },
		{ "Default-phase-1", "Configuration", "Default-phase-1-configuration" },
	};
	struct store *st = store_new();
	struct value v;

	(void)state;
	for (size_t i = 0; i < COUNT(all); i++) {
		assert_true(store_get(st, all[i][0], all[i][1], &v));
		assert_string_equal(v.text, all[i][2]);
		assert_true(v.built_in);
	}
	assert_false(store_get(st, "Default-phase-1", "ID", &v));
	assert_false(store_get(st, "General", "Check-interval", &v));
	store_free(st);
}

static void
general_lifetimes_and_id_are_read_at_load_time(void **state)
{
	struct store *st = store_new();
	struct problems p = { 0 };
	struct value v;

	(void)state;
	assert_true(store_load(st, view_str("[General]\nDefault-phase-1-lifetime=7200,60:9000\n"
	    "Default-phase-2-lifetime=600\nDefault-phase-1-ID=me\n"), &p));
	assert_true(store_get(st, "LIFE_MAIN_MODE", "LIFE_DURATION", &v));
	assert_string_equal(v.text, "7200,60:9000");
	assert_true(store_get(st, "LIFE_QUICK_MODE", "LIFE_DURATION", &v));
	assert_string_equal(v.text, "600");
	assert_true(store_get(st, "Default-phase-1", "ID", &v));
	assert_string_equal(v.text, "me");
	assert_int_equal(store_begin(st), STORE_OK);
	assert_int_equal(store_set(st, "General", "Default-phase-1-lifetime", "1", true), STORE_OK);
	assert_int_equal(store_commit(st), STORE_OK);
	assert_true(store_get(st, "LIFE_MAIN_MODE", "LIFE_DURATION", &v));
	assert_string_equal(v.text, "7200,60:9000");
	store_free(st);
	problems_done(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_main_mode_transform_has_the_tags_of_its_parts),
		cmocka_unit_test(every_quick_mode_suite_has_its_protocol_and_transform),
		cmocka_unit_test(enumeration_lists_each_name_once_and_each_is_a_section),
		cmocka_unit_test(names_that_break_the_rules_do_not_exist),
		cmocka_unit_test(names_ignore_case_and_lead_to_the_canonical_ones),
		cmocka_unit_test(the_data_base_without_a_file_is_that_of_the_specification),
		cmocka_unit_test(general_lifetimes_and_id_are_read_at_load_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
