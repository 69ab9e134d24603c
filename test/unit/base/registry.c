#include <stdio.h>

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

/* isakmpd-conf.md section 10, row by row: what a file may say, and the wire. */
static void
every_name_of_the_manual_has_its_number(void **state)
{
	static const struct { enum registry reg; const char *row; } rows[] = {
		{ REG_P1_ATTR, "1 ENCRYPTION_ALGORITHM 2 HASH_ALGORITHM 3 AUTHENTICATION_METHOD "
		    "4 GROUP_DESCRIPTION 5 GROUP_TYPE 6 GROUP_PRIME 7 GROUP_GENERATOR_1 "
		    "8 GROUP_GENERATOR_2 9 GROUP_CURVE_A 10 GROUP_CURVE_B 11 LIFE_TYPE "
		    "12 LIFE_DURATION 13 PRF 14 KEY_LENGTH 15 FIELD_SIZE 16 GROUP_ORDER" },
		{ REG_CIPHER, "1 DES_CBC 2 IDEA_CBC 3 BLOWFISH_CBC 4 RC5_R16_B64_CBC 5 3DES_CBC "
		    "6 CAST_CBC 7 AES_CBC" },
		{ REG_HASH, "1 MD5 2 SHA 3 TIGER 4 SHA2_256 5 SHA2_384 6 SHA2_512" },
		{ REG_AUTH_METHOD, "1 PRE_SHARED 2 DSS 3 RSA_SIG 4 RSA_ENC 5 RSA_ENC_REV "
		    "6 EL_GAMAL_ENC 7 EL_GAMAL_ENC_REV 8 ECDSA_SIG" },
		{ REG_GROUP, "1 MODP_768 2 MODP_1024 3 EC2N_155 4 EC2N_185 5 MODP_1536 "
		    "14 MODP_2048 15 MODP_3072 16 MODP_4096 17 MODP_6144 18 MODP_8192 19 ECP_256 "
		    "20 ECP_384 21 ECP_521 25 ECP_192 26 ECP_224 27 BP_224 28 BP_256 29 BP_384 "
		    "30 BP_512" },
		{ REG_LIFE_TYPE, "1 SECONDS 2 KILOBYTES" },
		{ REG_PROTOCOL, "1 ISAKMP 2 IPSEC_AH 3 IPSEC_ESP 4 IPCOMP" },
		{ REG_ENCAP, "1 TUNNEL 2 TRANSPORT 3 UDP_ENCAP_TUNNEL 4 UDP_ENCAP_TRANSPORT "
		    "61443 UDP_ENCAP_TUNNEL_DRAFT 61444 UDP_ENCAP_TRANSPORT_DRAFT" },
		{ REG_ID_TYPE, "1 IPV4_ADDR 2 FQDN 3 USER_FQDN 4 IPV4_ADDR_SUBNET 5 IPV6_ADDR "
		    "6 IPV6_ADDR_SUBNET 7 IPV4_RANGE 8 IPV6_RANGE 9 DER_ASN1_DN 10 DER_ASN1_GN "
		    "11 KEY_ID" },
		{ REG_EXCHANGE, "1 BASE 2 ID_PROT 3 AUTH_ONLY 4 AGGRESSIVE 5 INFO 6 TRANSACTION "
		    "32 QUICK_MODE 33 NEW_GROUP_MODE" },
		{ REG_DOI, "0 ISAKMP 1 IPSEC" },
		{ REG_ESP, "1 DES_IV64 2 DES 3 3DES 4 RC5 5 IDEA 6 CAST 7 BLOWFISH 8 3IDEA "
		    "9 DES_IV32 10 RC4 11 NULL 12 AES 13 AES_CTR 20 AES_GCM_16 23 AES_GMAC" },
		{ REG_AH, "2 MD5 3 SHA 4 DES 5 SHA2_256 6 SHA2_384 7 SHA2_512 8 RIPEMD" },
		{ REG_IPSEC_AUTH, "1 HMAC_MD5 2 HMAC_SHA 3 DES_MAC 4 KPDK 5 HMAC_SHA2_256 "
		    "6 HMAC_SHA2_384 7 HMAC_SHA2_512 8 HMAC_RIPEMD" },
		{ REG_P2_ATTR, "1 SA_LIFE_TYPE 2 SA_LIFE_DURATION 3 GROUP_DESCRIPTION "
		    "4 ENCAPSULATION_MODE 5 AUTHENTICATION_ALGORITHM 6 KEY_LENGTH 7 KEY_ROUNDS "
		    "8 COMPRESS_DICTIONARY_SIZE 9 COMPRESS_PRIVATE_ALGORITHM 10 ECN_TUNNEL" },
		{ REG_NOTIFY, "1 INVALID_PAYLOAD_TYPE 2 DOI_NOT_SUPPORTED 3 SITUATION_NOT_SUPPORTED "
		    "4 INVALID_COOKIE 5 INVALID_MAJOR_VERSION 6 INVALID_MINOR_VERSION "
		    "7 INVALID_EXCHANGE_TYPE 8 INVALID_FLAGS 9 INVALID_MESSAGE_ID "
		    "10 INVALID_PROTOCOL_ID 11 INVALID_SPI 12 INVALID_TRANSFORM_ID "
		    "13 ATTRIBUTES_NOT_SUPPORTED 14 NO_PROPOSAL_CHOSEN 15 BAD_PROPOSAL_SYNTAX "
		    "16 PAYLOAD_MALFORMED 17 INVALID_KEY_INFORMATION 18 INVALID_ID_INFORMATION "
		    "19 INVALID_CERT_ENCODING 20 INVALID_CERTIFICATE 21 CERT_TYPE_UNSUPPORTED "
		    "22 INVALID_CERT_AUTHORITY 23 INVALID_HASH_INFORMATION 24 AUTHENTICATION_FAILED "
		    "25 INVALID_SIGNATURE 26 ADDRESS_NOTIFICATION 27 NOTIFY_SA_LIFETIME "
		    "28 CERTIFICATE_UNAVAILABLE 29 UNSUPPORTED_EXCHANGE_TYPE "
		    "30 UNEQUAL_PAYLOAD_LENGTHS 24576 RESPONDER_LIFETIME 24577 REPLAY_STATUS "
		    "24578 INITIAL_CONTACT" },
	};
	unsigned wrong = 0;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *at = rows[i].row;
		int number, used;
		char name[64];

		while (sscanf(at, " %d %63s%n", &number, name, &used) == 2) {
			at += used;
			if (reg_number(rows[i].reg, name) == number)
				continue;
			print_message("%s is %d, not %d\n", name, reg_number(rows[i].reg, name), number);
			wrong++;
		}
		assert_int_equal(*at, '\0');
	}
	assert_int_equal(wrong, 0);
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
		cmocka_unit_test(every_name_of_the_manual_has_its_number),
		cmocka_unit_test(names_ignore_case_and_strangers_are_told_apart),
		cmocka_unit_test(every_reason_has_a_text_and_a_policy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
