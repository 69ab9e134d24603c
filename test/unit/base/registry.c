#include "prove.h"

#include "base/registry.h"
#include "base/util.h"
#include "base/why.h"

static void
every_name_leads_to_its_number_and_back(void **state)
{
	(void)state;
	for (unsigned reg = 0; reg < REG_MAX; reg++) {
		unsigned i = 0;
		const char *name;

		for (; (name = reg_nth((enum registry)reg, i)) != NULL; i++) {
			int32_t n = reg_number((enum registry)reg, name);

			assert_true(n >= 0);
			assert_string_equal(reg_name((enum registry)reg, (uint32_t)n), name);
		}
		assert_true(i > 0);
	}
}

static void
numbers_are_those_that_iana_assigned(void **state)
{
	static const struct { enum registry reg; const char *name; int32_t number; } want[] = {
		{ REG_CIPHER, "AES_CBC", 7 }, { REG_CIPHER, "3DES_CBC", 5 },
		{ REG_HASH, "SHA2_256", 4 }, { REG_HASH, "SHA", 2 },
		{ REG_AUTH_METHOD, "PRE_SHARED", 1 }, { REG_AUTH_METHOD, "RSA_SIG", 3 },
		{ REG_GROUP, "MODP_2048", 14 }, { REG_GROUP, "ECP_256", 19 }, { REG_GROUP, "X25519", 31 },
		{ REG_ESP, "AES", 12 }, { REG_ESP, "AES_GCM_16", 20 }, { REG_ESP, "NULL", 11 },
		{ REG_ESP, "AES_GMAC", 23 }, { REG_IPSEC_AUTH, "HMAC_SHA2_256", 5 },
		{ REG_ENCAP, "UDP_ENCAP_TUNNEL", 3 }, { REG_ID_TYPE, "USER_FQDN", 3 },
		{ REG_EXCHANGE, "QUICK_MODE", 32 }, { REG_NOTIFY, "NO_PROPOSAL_CHOSEN", 14 },
		{ REG_NOTIFY, "INITIAL_CONTACT", 24578 }, { REG_PROTOCOL, "IPSEC_ESP", 3 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(want); i++)
		assert_int_equal(reg_number(want[i].reg, want[i].name), want[i].number);
}

static void
names_ignore_case_and_strangers_are_told_apart(void **state)
{
	char room[24];

	(void)state;
	assert_int_equal(reg_number(REG_CIPHER, "aes_cbc"), CIPHER_AES_CBC);
	assert_int_equal(reg_number(REG_CIPHER, "AES_CB"), -1);
	assert_int_equal(reg_number(REG_CIPHER, "AES_CBCX"), -1);
	assert_int_equal(reg_number(REG_CIPHER, ""), -1);
	assert_null(reg_name(REG_CIPHER, 999));
	assert_string_equal(reg_text(REG_CIPHER, 4294967295u, room), "<Unknown 4294967295>");
	assert_string_equal(reg_text(REG_HASH, 2, room), "SHA");
}

static void
every_reason_has_a_text_and_a_policy(void **state)
{
	(void)state;
	for (unsigned w = 0; w < WHY_MAX; w++) {
		enum notify n = why_notify((enum why)w);

		assert_non_null(why_text((enum why)w));
		assert_true(why_text((enum why)w)[0] != '\0');
		assert_true(why_name((enum why)w)[0] != '\0');
		assert_non_null(why_remedy((enum why)w));
		assert_true(why_log((enum why)w) <= LOG_ALWAYS);
		assert_true(n == N_NONE || reg_name(REG_NOTIFY, n) != NULL);
	}
	assert_int_equal(why_notify(WHY_NO_PROPOSAL), N_NO_PROPOSAL_CHOSEN);
	assert_string_equal(why_name(WHY_NO_PROPOSAL), "NO_PROPOSAL");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_name_leads_to_its_number_and_back),
		cmocka_unit_test(numbers_are_those_that_iana_assigned),
		cmocka_unit_test(names_ignore_case_and_strangers_are_told_apart),
		cmocka_unit_test(every_reason_has_a_text_and_a_policy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
