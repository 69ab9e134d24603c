/* Golden texts: what scripts parse today, line by line. */
#include "prove.h"

#include "ctl/result.h"

static struct addr
addr(const char *text)
{
	struct addr a;

	assert_true(addr_parse(text, &a));
	return a;
}

static struct ctl_sa
phase1(void)
{
	struct ctl_sa sa = {
		.phase = 1, .initiator = true, .name = "peer-berlin",
		.local = { addr("192.0.2.1"), 500 }, .remote = { addr("192.0.2.9"), 500 },
		.life_secs = 3600, .soft = { true, 3059 }, .hard = { true, 3540 },
		.flags = CTL_SA_READY | CTL_SA_DPD,
		.cookies = { 0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef,
		    0xfe, 0xdc, 0xba, 0x98, 0x76, 0x54, 0x32, 0x10 },
	};
	struct addr a = addr("192.0.2.1"), b = addr("192.0.2.9");

	sa.local_id = id_from_addr(&a);
	sa.remote_id = id_from_addr(&b);
	return sa;
}

static struct ctl_sa
phase2(void)
{
	struct ctl_sa sa = phase1();
	struct addr a = addr("10.1.0.0"), b = addr("10.2.0.0");

	sa.phase = 2;
	text_copy(sa.name, sizeof(sa.name), "west-east");
	sa.life_kb = 100000;
	sa.flags = CTL_SA_READY | CTL_SA_STAY_ALIVE;
	sa.spi_out = 0x0badcafe;
	sa.spi_in = 0xdeadbeef;
	sa.suite = (struct sa_suite){ PROTO_IPSEC_ESP, ESP_AES, AUTHALG_HMAC_SHA2_256,
	    SA_TUNNEL, 128, false };
	sa.local_id = id_from_subnet(&a, 16);
	sa.remote_id = id_from_subnet(&b, 16);
	return sa;
}

static void
is(const struct ctl_sa *sa, const char *want)
{
	STR(s, RESULT_SA_MAX);

	result_sa(&s, sa);
	assert_string_equal(s.p, want);
	assert_false(s.cut);
}

static void
a_phase_1_sa_has_its_cookies(void **state)
{
	struct ctl_sa sa = phase1();

	(void)state;
	is(&sa, "SA name: peer-berlin (Phase 1/Initiator)\n"
	    "src: 192.0.2.1 dst: 192.0.2.9\n"
	    "Lifetime: 3600 seconds\n"
	    "Soft timeout in 3059 seconds\n"
	    "Hard timeout in 3540 seconds\n"
	    "Flags 0x00000081\n"
	    "icookie 0123456789abcdef rcookie fedcba9876543210\n\n");
	sa.initiator = false;
	sa.name[0] = '\0';
	sa.life_secs = 0;
	sa.soft.armed = sa.hard.armed = false;
	is(&sa, "SA name: <unnamed> (Phase 1/Responder)\n"
	    "src: 192.0.2.1 dst: 192.0.2.9\n"
	    "Flags 0x00000081\n"
	    "icookie 0123456789abcdef rcookie fedcba9876543210\n\n");
}

static void
a_phase_2_sa_has_its_spis_and_algorithms(void **state)
{
	struct ctl_sa sa = phase2();

	(void)state;
	is(&sa, "SA name: west-east (Phase 2)\n"
	    "src: 192.0.2.1 dst: 192.0.2.9\n"
	    "Lifetime: 3600 seconds\n"
	    "Soft timeout in 3059 seconds\n"
	    "Hard timeout in 3540 seconds\n"
	    "Lifetime: 100000 kilobytes\n"
	    "Flags 0x00000003\n"
	    "SPI 0: 0badcafe \n"
	    "SPI 1: deadbeef \n"
	    "Transform: IPsec ESP\n"
	    "Encryption key length: 16\n"
	    "Authentication key length: 32\n"
	    "Encryption algorithm: AES (CBC)\n"
	    "Authentication algorithm: HMAC-SHA2-256\n\n");
}

static void
what_is_not_there_yet_is_said(void **state)
{
	struct ctl_sa sa = phase2();

	(void)state;
	sa.remote = sa.local = (struct endpoint){ 0 };
	sa.life_secs = sa.life_kb = 0;
	sa.soft.secs = sa.hard.secs = -1;
	sa.spi_out = 0;
	sa.suite.cipher = ESP_NULL;
	sa.suite.key_bits = 0;
	sa.suite.auth = AUTHALG_HMAC_SHA;
	is(&sa, "SA name: west-east (Phase 2)\n"
	    "<no transport>\n"
	    "<no soft timeout>\n"
	    "<no hard timeout>\n"
	    "Flags 0x00000003\n"
	    "SPI 0 not defined.\n"
	    "SPI 1: deadbeef \n"
	    "Transform: IPsec ESP\n"
	    "Encryption key length: 0\n"
	    "Authentication key length: 20\n"
	    "Encryption algorithm: unknown (11)\n"
	    "Authentication algorithm: HMAC-SHA1\n\n");
}

static void
key_lengths_count_the_salt(void **state)
{
	/* isakmpd.md 7.1: 20, 28 and 36 octets for CTR, GCM and GMAC */
	static const struct { uint8_t cipher; const char *text; } ciphers[] = {
		{ ESP_AES_CTR, "AES (CTR)" }, { ESP_AES_GCM_16, "AES (GCM)" },
		{ ESP_AES_GMAC, "AES (GMAC)" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(ciphers); i++)
		for (unsigned bits = 128; bits <= 256; bits += 64) {
			struct ctl_sa sa = phase2();
			STR(s, RESULT_SA_MAX);
			STR(want, 200);

			sa.suite.cipher = ciphers[i].cipher;
			sa.suite.key_bits = (uint16_t)bits;
			if (sa.suite.cipher != ESP_AES_CTR)
				sa.suite.auth = AUTHALG_NONE;
			result_sa(&s, &sa);
			str_addf(&want, "Encryption key length: %u\n", bits / 8 + 4);
			assert_non_null(strstr(s.p, want.p));
			assert_non_null(strstr(s.p, ciphers[i].text));
			if (sa.suite.auth == AUTHALG_NONE)
				assert_non_null(strstr(s.p, "Authentication key length: 0\n"));
			if (sa.suite.auth == AUTHALG_NONE)
				assert_non_null(strstr(s.p, "Authentication algorithm: none\n"));
		}
}

static void
old_ciphers_have_their_names(void **state)
{
	static const struct { uint8_t cipher; const char *text; } ciphers[] = {
		{ ESP_3DES, "Encryption algorithm: 3DES\n" },
		{ ESP_CAST, "Encryption algorithm: Cast-128\n" },
		{ ESP_BLOWFISH, "Encryption algorithm: Blowfish\n" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(ciphers); i++) {
		struct ctl_sa sa = phase2();
		STR(s, RESULT_SA_MAX);

		sa.suite.cipher = ciphers[i].cipher;
		result_sa(&s, &sa);
		assert_non_null(strstr(s.p, ciphers[i].text));
	}
}

static void
a_name_cannot_forge_a_line(void **state)
{
	struct ctl_sa sa = phase1();
	STR(s, RESULT_SA_MAX);

	(void)state;
	text_copy(sa.name, sizeof(sa.name), "x\nSA name: y");
	result_sa(&s, &sa);
	assert_non_null(strstr(s.p, "SA name: x\\x0aSA name: y (Phase 1"));
}

static void
the_largest_block_fits_its_room(void **state)
{
	struct ctl_sa sa = phase2();
	STR(s, RESULT_SA_MAX);
	STR(r, REPORT_ITEM_MAX);

	(void)state;
	memset(sa.name, 0xff, sizeof(sa.name) - 1);
	sa.local = sa.remote = (struct endpoint){
		addr("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), 65535 };
	sa.local.addr.scope = sa.remote.addr.scope = UINT32_MAX;
	sa.life_secs = sa.life_kb = sa.flags = UINT32_MAX;
	sa.soft.secs = sa.hard.secs = INT64_MAX;
	sa.local_id = (struct id){ .type = ID_FQDN, .n = ID_DATA_MAX };
	sa.remote_id = sa.local_id;
	result_sa(&s, &sa);
	assert_false(s.cut);
	report_sa(&r, UINT32_MAX, &sa);
	assert_false(r.cut);
}

static void
the_report_prefixes_each_line_with_its_function(void **state)
{
	struct ctl_sa sa = phase2();
	struct ctl_exchange x = { .phase = 1, .type = EXCH_ID_PROT, .initiator = true,
	    .name = "peer-berlin", .policy = "mm-strong", .state = "3", .local = sa.local, .remote = sa.remote };
	struct ctl_transport t = { .fd = 5, .local = { addr("0.0.0.0"), 4500 }, .encap = true };
	STR(s, 4096);

	(void)state;
	sa.initiator = false;
	report_sa(&s, 3, &sa);
	assert_string_equal(s.p, "sa_report: 3 west-east phase 2 doi 1 flags 0x3\n"
	    "sa_report: icookie 0123456789abcdef rcookie fedcba9876543210\n"
	    "sa_report: msgid 00000000 refcnt 1\n"
	    "sa_report: life secs 3600 kb 100000\n"
	    "sa_report: suite 1 proto 3\n"
	    "sa_report: spi_sz[0] 4 spi[0] 0badcafe spi_sz[1] 4 spi[1] deadbeef\n"
	    "sa_report: initiator id: 10.2.0.0/255.255.0.0, responder id: 10.1.0.0/255.255.0.0, "
	    "src: 192.0.2.1 dst: 192.0.2.9\n");
	s = str_of(s_room, sizeof(s_room));
	report_exchange(&s, 1, &x);
	assert_string_equal(s.p,
	    "exchange_report: 1 peer-berlin mm-strong policy initiator phase 1 doi 1 exchange ID_PROT step 3\n"
	    "exchange_report: icookie 0000000000000000 rcookie 0000000000000000\n"
	    "exchange_report: msgid 00000000 src 192.0.2.1:500 dst 192.0.2.9:500\n");
	s = str_of(s_room, sizeof(s_room));
	report_transport(&s, 2, &t);
	assert_string_equal(s.p, "transport_report: transport 2 flags 0 refcnt 1\n"
	    "udp_encap_report: fd 5 src 0.0.0.0:4500 dst *:0\n");
}

static void
connections_and_timers_tell_when(void **state)
{
	struct ctl_sa sa = phase2();
	struct ctl_connection c = { .name = "west-east", .active = true, .passive = true,
	    .check = { true, 42 }, .local_id = sa.local_id, .remote_id = sa.remote_id };
	const struct ctl_timer t = { true, 7 }, off = { false, 0 };
	STR(s, 1000);

	(void)state;
	report_connection(&s, &c);
	report_timer(&s, "sa_soft_expire", 3, &t);
	report_timer(&s, "sa_hard_expire", 3, &off);
	assert_string_equal(s.p, "connection_report: connection west-east next check 42 seconds\n"
	    "connection_report: passive connection west-east local_id: 10.1.0.0/255.255.0.0, "
	    "remote_id: 10.2.0.0/255.255.0.0\n"
	    "timer_report: event sa_soft_expire(3) scheduled in 7 seconds\n");
}

static void
r29_the_dumped_configuration_hides_keys(void **state)
{
	STR(s, 1000);

	(void)state;
	report_conf_begin(&s);
	report_conf_section(&s, "peer-berlin", true);
	report_conf_value(&s, "Address", "192.0.2.9");
	report_conf_value(&s, "AUTHENTICATION", "hunter2");
	report_conf_section(&s, "west-east", false);
	report_conf_value(&s, "Phase", "2");
	assert_string_equal(s.p, "conf_report: dumping running configuration\n"
	    "[peer-berlin]\n"
	    "Address=\t192.0.2.9\n"
	    "AUTHENTICATION=\t<hidden, 7 octets>\n"
	    "\n[west-east]\n"
	    "Phase=\t2\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_phase_1_sa_has_its_cookies),
		cmocka_unit_test(a_phase_2_sa_has_its_spis_and_algorithms),
		cmocka_unit_test(what_is_not_there_yet_is_said),
		cmocka_unit_test(key_lengths_count_the_salt),
		cmocka_unit_test(old_ciphers_have_their_names),
		cmocka_unit_test(a_name_cannot_forge_a_line),
		cmocka_unit_test(the_largest_block_fits_its_room),
		cmocka_unit_test(the_report_prefixes_each_line_with_its_function),
		cmocka_unit_test(connections_and_timers_tell_when),
		cmocka_unit_test(r29_the_dumped_configuration_hides_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
