/*
 * Certificates between two daemons, where the scenario language does not
 * reach: every octet of one changed, and what is sent and logged.
 */
#include "stand.h"

#include "ike/internal.h"
#include "sim/pki.h"

struct stand {
	struct world	*w;
	struct plan	plan;
	struct host	*west, *east;
	char		log[65536];
	struct str	lines;
	bool		certs_sent;	/* by west, in its last message 5 */
};

static void
see(void *self, struct host *h, const struct act *a)
{
	struct stand *s = self;

	if (a->kind == ACT_LOG && a->class < 0)
		str_addf(&s->lines, "%s: %s\n", h->name, a->text);
	if (a->kind == ACT_TRACE && h == s->west && strncmp(a->text, "out main/5", 10) == 0)
		s->certs_sent = strstr(a->text, " CERT,") != NULL;
}

static void
make(struct stand *s, const char *line)
{
	STR(why, 200);

	if (!pki_make(s->w->pki, world_date(s->w), line, &why))
		fail_msg("%s: %s", line, why.p);
}

static void
set(struct stand *s, int host, const char *name, const char *value)
{
	assert_true(plan_set(&s->plan, host, name, value));
}

/* Both have certificates of one root; west's is as the words say. */
static struct stand *
stand_new(const char *words, const char *sends)
{
	struct stand *s = test_calloc(1, sizeof(*s));
	STR(west, 300);

	s->w = world_new(3);
	s->lines = str_of(s->log, sizeof(s->log));
	s->west = world_add(s->w, "west");
	s->east = world_add(s->w, "east");
	s->plan = plan_new(s->w);
	str_addf(&west, "cert west by root key ec256-a san DNS:west.example.net%s", words);
	make(s, "ca root");
	make(s, west.p);
	make(s, "cert east by root key ec256-b san DNS:east.example.net");
	for (int i = 0; i < 2; i++) {
		set(s, i, "auth", "ECDSA_256");
		set(s, i, "ids", "fqdn");
		set(s, i, "pub", "none");
		set(s, i, "ca", "root");
		set(s, i, "key", i == 0 ? "ec256-a" : "ec256-b");
		set(s, i, "certs", i == 0 ? "west" : "east");
	}
	set(s, 0, "sends", sends);
	s->w->hooks = (struct hooks){ .self = s, .act = see };
	return s;
}

static void
stand_start(struct stand *s)
{
	assert_true(plan_start(&s->plan));
	core_log_level(s->west->core, CLASS_MESSAGE, 20);
	world_pass(s->w, 1000);
}

static void
stand_free(struct stand *s)
{
	world_end(s->w, &s->plan);
	test_free(s);
}

/* ---- R16: a mutated certificate ---- */

/* West offers these octets as its certificate; east must refuse, and be well afterwards. */
static void
refused(struct stand *s, struct view body)
{
	uint32_t before = s->east->n_failures;

	pki_body_set(s->w->pki, "mutant", body);
	world_connect(s->w, s->west);
	world_pass(s->w, 200);
	assert_true(s->east->n_failures > before);
	const struct failure *f = host_failure(s->east, WHY_NONE);
	assert_true((f->why >= WHY_CERT_NONE && f->why <= WHY_CERT_CHAIN) || f->why == WHY_NO_PUBKEY ||
	    f->why == WHY_SIGNATURE || f->why == WHY_KEY_REFUSED);
	assert_true(f->remedy[0] != '\0' && f->field[0] != '\0' && f->got[0] != '\0');
	assert_int_equal(core_count(s->east->core).isakmp_sas, 0);
	assert_int_equal(kernel_count(&s->east->kernel, SA_PART_IN | SA_PART_OUT), 0);
	host_before(s->west);
	core_teardown_all(s->west->core, s->w->now);
	host_after(s->west);
	world_pass(s->w, 5000);
}

static void
accepted(struct stand *s)
{
	pki_body_set(s->w->pki, "mutant", pki_body(s->w->pki, "west"));
	world_connect(s->w, s->west);
	world_pass(s->w, 3000);
	assert_int_equal(core_count(s->east->core).isakmp_sas, 1);
}

static void
mutants(uint8_t change)
{
	struct stand *s = stand_new("", "mutant");
	uint8_t octets[1024];
	struct view good = pki_body(s->w->pki, "west");

	assert_true(good.n < sizeof(octets));
	stand_start(s);
	for (size_t i = 1; i < good.n; i++) {
		memcpy(octets, good.p, good.n);
		octets[i] ^= change;
		refused(s, view_of(octets, good.n));
	}
	accepted(s);
	stand_free(s);
}

static void
r16_no_changed_octet_of_a_certificate_is_believed(void **state)
{
	(void)state;
	mutants(0x01);
	mutants(0x80);
}

static void
r16_no_cut_or_longer_certificate_is_believed(void **state)
{
	struct stand *s = stand_new("", "mutant");
	uint8_t octets[1024];
	struct view good = pki_body(s->w->pki, "west");

	(void)state;
	assert_true(good.n + 1 < sizeof(octets));
	stand_start(s);
	for (size_t n = 1; n < good.n; n++)
		refused(s, view_of(good.p, n));
	memcpy(octets, good.p, good.n);
	octets[good.n] = 0;
	refused(s, view_of(octets, good.n + 1));
	accepted(s);
	stand_free(s);
}

/* ---- what is sent ---- */

static bool
sends(const char *when, bool asked)
{
	struct stand *s = stand_new("", "none");
	STR(line, 80);

	str_addf(&line, "Send-certificates=%s", when);
	assert_true(plan_line(&s->plan, 0, "X509-certificates", line.p));
	if (!asked)
		set(s, 1, "ca", "none");
	stand_start(s);
	world_connect(s->w, s->west);
	world_pass(s->w, 500);
	bool sent = s->certs_sent;
	stand_free(s);
	return sent;
}

static void
a_certificate_goes_out_as_send_certificates_says(void **state)
{
	(void)state;
	assert_true(sends("always", true));
	assert_true(sends("always", false));
	assert_true(sends("if-asked", true));
	assert_false(sends("if-asked", false));
	assert_false(sends("never", true));
	assert_false(sends("never", false));
}

static void
a_chain_that_does_not_fit_is_told(void **state)
{
	struct stand *s = stand_new(" pad 9000", "none");

	(void)state;
	make(s, "ca first by root pad 9000");
	make(s, "cert west by first key ec256-a san DNS:west.example.net pad 9000");
	set(s, 0, "certs", "west+first");
	stand_start(s);
	world_connect(s->w, s->west);
	world_pass(s->w, 500);
	assert_non_null(strstr(s->log, "west: certificates: 1 of our 2 fit into a message to peer-east"));
	assert_true(s->certs_sent);
	stand_free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(r16_no_changed_octet_of_a_certificate_is_believed),
		cmocka_unit_test(r16_no_cut_or_longer_certificate_is_believed),
		cmocka_unit_test(a_certificate_goes_out_as_send_certificates_says),
		cmocka_unit_test(a_chain_that_does_not_fit_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
