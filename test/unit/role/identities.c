/* Who signs for us, and with what; and how ike asks keys. */
#include "decoder.h"

#include "role/identities.h"
#include "unit/conf/loaded.h"

#define LISTS	"[General]\nUse-Keynote=no\n[Phase 1]\n192.0.2.2=a\n192.0.2.3=b\n192.0.2.4=c\n192.0.2.5=d\n"
#define PEER(name, address)	"[" name "]\nPhase=1\nAddress=" address "\nConfiguration="
#define CONFIGURATIONS									\
	"[both]\nEXCHANGE_TYPE=ID_PROT\nTransforms=AES-256-SHA2-256-GRP19-RSA_SIG,"	\
	"AES-256-SHA2-256-GRP19-ECDSA_256,AES-128-SHA2-256-GRP19-RSA_SIG\n"		\
	"[rsa]\nEXCHANGE_TYPE=ID_PROT\nTransforms=AES-256-SHA2-256-GRP19-RSA_SIG\n"	\
	"[psk]\nEXCHANGE_TYPE=ID_PROT\nTransforms=AES-256-SHA2-256-GRP19\n"

static const char text[] = LISTS
	PEER("a", "192.0.2.2") "both\nID=us\n"
	PEER("b", "192.0.2.3") "rsa\nID=us\n"
	PEER("c", "192.0.2.4") "rsa\nLocal-address=192.0.2.1\n"
	PEER("d", "192.0.2.5") "psk\nAuthentication=0x6f5c2a1e0d9b48c7a3f1e2d4c5b6a798\nID=us\n"
	"[us]\nID-type=ASN1_DN\nName=/C=SE/O=Example/CN=gw\n" CONFIGURATIONS;

static void
every_identity_that_signs_is_looked_at_once(void **state)
{
	static struct identity all[IDENTITIES_MAX];
	struct loaded l = load(text);

	(void)state;
	assert_non_null(l.snapshot);
	assert_int_equal(identities_of(l.snapshot, all), 3);
	assert_string_equal(all[0].peer, "a");
	assert_int_equal(all[0].auth, AUTH_RSA_SIG);
	assert_string_equal(all[0].name, "/C=SE/O=Example/CN=gw");
	assert_int_equal(all[0].line, 12);
	assert_int_equal(all[1].auth, AUTH_ECDSA_256);
	assert_string_equal(all[2].peer, "c");
	assert_string_equal(all[2].name, "192.0.2.1");
	assert_int_equal(all[2].line, 0);
	loaded_done(&l);
}

static void
without_a_key_the_places_for_it_are_told(void **state)
{
	static struct identity all[IDENTITIES_MAX];
	const struct key_files files = { .private_key = "/k/local.key", .private_folder = "/k/" };
	struct loaded l = load(text);
	struct keyring *none = keyring_new();
	struct pubkey key;
	STR(detail, 100);
	STR(line, 400);

	(void)state;
	(void)identities_of(l.snapshot, all);
	assert_int_equal(identity_key(none, &all[0], &key, &detail), WHY_NO_PRIVATE_KEY);
	assert_int_equal(identity_key(NULL, &all[0], &key, &detail), WHY_NO_PRIVATE_KEY);
	identity_print(&line, &all[0], WHY_NO_PRIVATE_KEY, detail.p, &files);
	/* sha256sum of the DER in test/vectors/dn */
	assert_string_equal(line.p, "no private key for RSA_SIG as /C=SE/O=Example/CN=gw: there should be one in "
	    "/k/local.key or /k/3d94d7f0263d1ea6c8c2713454b85421e7e46929fc5797b0ad97bb5ee669bff7");
	keyring_free(none);
	loaded_done(&l);
}

static void
same_again(const struct wr *w, struct view whole)
{
	assert_true(view_equal(wr_done(w), whole));
}

static bool
decode_ask(struct view v)
{
	uint8_t room[2048];
	struct wr w = wr_of(room, sizeof(room));
	struct rd r = rd_of(v);
	struct identity i;
	uint32_t number;

	if (!identity_ask_decode(&r, &number, &i))
		return false;
	identity_ask_encode(&w, number, &i);
	same_again(&w, v);
	return true;
}

static bool
decode_answer(struct view v)
{
	uint8_t room[4096];
	struct wr w = wr_of(room, sizeof(room));
	struct rd r = rd_of(v);
	struct identity_answer a;

	if (!identity_answer_decode(&r, &a))
		return false;
	identity_answer_encode(&w, &a);
	same_again(&w, v);
	return true;
}

static void
every_octet_of_the_question_and_of_the_answer_is_checked(void **state)
{
	struct identity i = { .auth = AUTH_RSA_SIG, .allow_weak = true };
	const struct identity_answer a = { .number = 5, .why = WHY_NO_PRIVATE_KEY, .detail = "none" };
	uint8_t room[2048];
	struct wr w = wr_of(room, sizeof(room));

	(void)state;
	assert_true(id_from_octets(ID_FQDN, view_str("gw.example.org"), &i.id));
	identity_ask_encode(&w, 7, &i);
	decoder_prove(decode_ask, wr_done(&w), CUT_IS_REFUSED);
	w = wr_of(room, sizeof(room));
	identity_answer_encode(&w, &a);
	decoder_prove(decode_answer, wr_done(&w), CUT_IS_REFUSED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_identity_that_signs_is_looked_at_once),
		cmocka_unit_test(without_a_key_the_places_for_it_are_told),
		cmocka_unit_test(every_octet_of_the_question_and_of_the_answer_is_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
