/*
 * Answers of responders, made by plain openssl (ocsp.sh), and what waits for
 * them.  Security R17: nobody is asked about a chain that is not trusted.
 */
#include "certs.h"

#include "trust/internal.h"

static int64_t made;			/* when the answers were */
static const struct url url = { .host = "ocsp.example.org", .port = 80, .path = "/" };
static const struct trust_settings if_available = { .ocsp = TRUST_OCSP_IF_AVAILABLE,
    .crl = TRUST_CRL_OFF }, require = { .ocsp = TRUST_OCSP_REQUIRE, .crl = TRUST_CRL_OFF };

static int
make(void **state)
{
	char command[512];

	(void)state;
	strcpy(certs_dir, "/tmp/isakmpd-ocsp-XXXXXX");
	if (mkdtemp(certs_dir) == NULL)
		return -1;
	snprintf(command, sizeof(command), "sh %s/test/unit/trust/ocsp.sh %s", SOURCE_DIR, certs_dir);
	made = (int64_t)time(NULL) + 2;
	return system(command) == 0 && trust_preload() ? 0 : -1;
}

static struct view
answer_of(const char *name)
{
	char file[80];

	snprintf(file, sizeof(file), "%s.ocsp", name);
	return certs_file(file);
}

static void
release(struct view v)
{
	free((void *)(uintptr_t)v.p);
}

/* ---- one answer ---- */

/* This answer, asked for leaf by ca, at that moment. */
static struct ocsp_verdict
judged_as(const char *x, const char *issuer, struct view answer, bool allow_weak, int64_t now)
{
	X509 *leaf = certs_x509(x), *ca = certs_x509(issuer);
	uint8_t nonce[OCSP_NONCE] = { 1 };
	struct ocsp_verdict v;

	ocsp_judge(leaf, ca, nonce, allow_weak, &url, answer, now, &v);
	X509_free(leaf);
	X509_free(ca);
	return v;
}

static struct ocsp_verdict
judged(const char *name, int64_t now)
{
	struct view answer = answer_of(name);
	struct ocsp_verdict v = judged_as("leaf", "ca", answer, false, now);

	release(answer);
	return v;
}

static void
is(const char *name, int64_t after, enum why why, bool proven)
{
	struct ocsp_verdict v = judged(name, made + after);

	if (v.why != why || v.proven != proven)
		fail_msg("%s: %s (%s), proven %d", name, why_name(v.why), v.got, v.proven);
	assert_true(v.until > made + after);
}

static void
an_answer_by_the_issuer_or_its_delegate_counts(void **state)
{
	(void)state;
	is("good", 0, WHY_NONE, true);
	is("delegated", 0, WHY_NONE, true);
	is("revoked", 0, WHY_CERT_REVOKED, true);
	is("unknown", 0, WHY_OCSP_UNKNOWN, true);
}

static void
a_revoked_certificate_is_told_with_date_and_reason(void **state)
{
	struct ocsp_verdict v = judged("revoked", made);

	(void)state;
	assert_non_null(strstr(v.got, " since 2025-01-02 03:04:05Z (keyCompromise), /CN=leaf, by "
	    "http://ocsp.example.org/"));
}

static void
an_answer_by_anybody_else_does_not(void **state)
{
	(void)state;
	is("wrong", 0, WHY_OCSP_SIGNER, false);
	is("undelegated", 0, WHY_OCSP_SIGNER, false);
	is("elsewhere", 0, WHY_OCSP_SIGNER, false);
	is("leaf2", 0, WHY_OCSP_ANSWER, false);		/* rightly signed, about another one */
}

static void
an_answer_counts_from_its_date_to_the_next(void **state)
{
	enum { DAY = 86400 };

	(void)state;
	is("good", 9 * DAY, WHY_NONE, true);
	is("good", 10 * DAY + 2 * OCSP_TOLERANCE_S, WHY_OCSP_STALE, false);
	is("good", -2 * OCSP_TOLERANCE_S, WHY_OCSP_STALE, false);
	is("revoked", 10 * DAY + 2 * OCSP_TOLERANCE_S, WHY_OCSP_STALE, false);
	/* clocks differ */
	is("good", -OCSP_TOLERANCE_S / 2, WHY_NONE, true);
	is("good", 10 * DAY + OCSP_TOLERANCE_S / 2, WHY_NONE, true);
	/* one that does not say when the next is due is soon asked for again */
	is("forever", 0, WHY_NONE, true);
	is("forever", 2 * OCSP_MAX_AGE_S, WHY_OCSP_STALE, false);
	assert_true(judged("forever", made).until <= made + OCSP_HOLD_S);
	/* and one that is good for ten days is not believed that long */
	assert_int_equal(judged("good", made).until, made + OCSP_KEEP_S);
	/* the delegate's own certificate ends after three days */
	is("late", 0, WHY_NONE, true);
	is("late", 4 * DAY, WHY_OCSP_SIGNER, false);
}

static void
a_weak_signature_counts_only_where_weak_ones_may(void **state)
{
	struct view answer = answer_of("weak");

	(void)state;
	is("weak", 0, WHY_CERT_ALGORITHM, false);
	struct ocsp_verdict v = judged_as("leaf", "ca", answer, true, made);
	assert_int_equal(v.why, WHY_NONE);
	assert_true(v.proven);
	release(answer);
}

static void
an_answer_that_is_none_says_so(void **state)
{
	struct view good = answer_of("good");

	(void)state;
	is("try_later", 0, WHY_OCSP_ANSWER, false);
	is("unauthorized", 0, WHY_OCSP_ANSWER, false);
	assert_non_null(strstr(judged("try_later", made).got, "the responder says trylater"));
	assert_int_equal(judged_as("leaf", "ca", view_of("", 0), false, made).why, WHY_OCSP_ANSWER);
	/* longer than it says */
	uint8_t *more = calloc(1, good.n + 1);
	assert_non_null(more);
	memcpy(more, good.p, good.n);
	assert_int_equal(judged_as("leaf", "ca", view_of(more, good.n + 1), false, made).why,
	    WHY_OCSP_ANSWER);
	free(more);
	uint8_t *large = calloc(1, OCSP_ANSWER_MAX + 1);
	assert_non_null(large);
	memcpy(large, good.p, good.n);
	assert_int_equal(judged_as("leaf", "ca", view_of(large, OCSP_ANSWER_MAX + 1), false, made).why,
	    WHY_OCSP_ANSWER);
	free(large);
	release(good);
}

/* Every octet changed, every length: never good by accident, never a crash. */
static void
r16_a_changed_answer_is_never_proven_good(void **state)
{
	struct view good = answer_of("revoked");
	X509 *leaf = certs_x509("leaf"), *ca = certs_x509("ca");
	const uint8_t nonce[OCSP_NONCE] = { 1 };
	uint8_t *copy = malloc(good.n);

	(void)state;
	assert_non_null(copy);
	for (size_t i = 0; i < good.n; i++)
		for (unsigned bit = 0; bit < 8; bit++) {
			struct ocsp_verdict v;

			memcpy(copy, good.p, good.n);
			copy[i] ^= (uint8_t)(1U << bit);
			ocsp_judge(leaf, ca, nonce, false, &url, view_of(copy, good.n), made, &v);
			if (v.why == WHY_NONE)
				fail_msg("octet %zu, bit %u: good", i, bit);
		}
	free(copy);
	for (size_t n = 0; n < good.n; n++) {
		uint8_t *cut = malloc(n == 0 ? 1 : n);
		struct ocsp_verdict v;

		assert_non_null(cut);
		memcpy(cut, good.p, n);
		ocsp_judge(leaf, ca, nonce, false, &url, view_of(cut, n), made, &v);
		assert_false(v.proven);
		free(cut);
	}
	X509_free(leaf);
	X509_free(ca);
	release(good);
}

/* A question of ours, answered by openssl with the nonce in it. */
static void
a_nonce_binds_the_answer_to_the_question(void **state)
{
	X509 *leaf = certs_x509("leaf"), *ca = certs_x509("ca");
	uint8_t nonce[OCSP_NONCE], request[OCSP_REQUEST_MAX];
	struct ocsp_verdict v;
	char command[400];
	size_t n = 0;

	(void)state;
	assert_true(ocsp_request(leaf, ca, nonce, request, &n));
	snprintf(command, sizeof(command), "%s/nonced", certs_dir);
	FILE *f = fopen(command, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(request, 1, n, f), n);
	fclose(f);
	snprintf(command, sizeof(command), "cd %s && openssl ocsp -index good -CA ca.pem -rsigner ca.pem "
	    "-rkey ca.key -reqin nonced -respout nonced.ocsp -ndays 1 >err 2>&1", certs_dir);
	assert_int_equal(system(command), 0);
	struct view answer = answer_of("nonced");
	ocsp_judge(leaf, ca, nonce, false, &url, answer, made, &v);
	assert_int_equal(v.why, WHY_NONE);
	nonce[0] ^= 1;
	ocsp_judge(leaf, ca, nonce, false, &url, answer, made, &v);
	assert_int_equal(v.why, WHY_OCSP_STALE);
	assert_false(v.proven);
	X509_free(leaf);
	X509_free(ca);
	release(answer);
}

static void
the_first_http_responder_of_a_certificate_is_asked(void **state)
{
	X509 *leaf = certs_x509("leaf"), *silent = certs_x509("silent");
	struct url u;
	STR(text, 100);

	(void)state;
	assert_true(ocsp_responder(leaf, &u));
	url_print(&text, &u);
	assert_string_equal(text.p, "http://[2001:db8::1]:8080/ca?x");
	assert_false(ocsp_responder(silent, &u));
	X509_free(leaf);
	X509_free(silent);
}

/* ---- chains ---- */

struct asked {
	struct trust	*t;
	struct book	*book;
	struct mono	 at;
	struct trust_answer answer;
	struct book_wants wants;
	struct view	 certs[2];
	size_t		 n;
	char		 note[1000];
};

static struct asked
begin(const struct trust_settings *s, const char *leaf, bool with_ca)
{
	struct asked a = { .t = certs_trust(s, (const char *const[]){ "root", NULL }),
	    .book = book_new(5), .at = { 1000000 }, .n = with_ca ? 2 : 1 };

	assert_non_null(a.book);
	a.certs[0] = certs_body(leaf);
	if (with_ca)
		a.certs[1] = certs_body("ca");
	return a;
}

/* True: it is answered. */
static bool
ask_at(struct asked *a, int64_t now, bool last)
{
	struct id_body id = fqdn("gw.example.org");
	struct trust_ask ask = { .verb = TRUST_PEER, .token = 7, .auth = AUTH_ECDSA_256,
	    .id_body = view_of(id.p, id.n), .n_certs = a->n, .certs = { a->certs[0], a->certs[1] } };
	struct str note = str_of(a->note, sizeof(a->note));
	struct trust_look look = { .book = a->book, .at = a->at, .last = last, .note = &note };
	bool done = trust_peer_online(a->t, &ask, now, &look, &a->answer);

	a->wants = look.wants;
	assert_int_equal(done, look.wants.n == 0);
	return done;
}

static bool
ask(struct asked *a)
{
	return ask_at(a, made, false);
}

static void
end(struct asked *a)
{
	trust_free(a->t);
	book_free(a->book);
	for (size_t i = 0; i < a->n; i++)
		release(a->certs[i]);
}

/* The next question goes to that host and gets that answer; NULL: none. */
static void
answered_at(struct asked *a, const char *host, const char *name, int64_t now)
{
	struct book_question q;

	assert_true(book_next(a->book, a->at, &q));
	assert_string_equal(q.url->host, host);
	assert_true(q.body.n > 0);
	if (name == NULL) {
		book_failed(a->book, q.token, "connection refused", now);
		return;
	}
	struct view v = answer_of(name);
	book_answer(a->book, q.token, v, now);
	release(v);
}

static void
answered(struct asked *a, const char *host, const char *name)
{
	answered_at(a, host, name, made);
}

static void
every_certificate_of_the_chain_is_asked_about(void **state)
{
	struct asked a = begin(&require, "leaf", true);

	(void)state;
	assert_false(ask(&a));
	assert_int_equal(a.wants.n, 2);
	answered(&a, "2001:db8::1", "good");
	assert_false(book_settled(a.book, &a.wants));
	answered(&a, "ocsp.example.org", "ca");
	assert_true(book_settled(a.book, &a.wants));
	assert_true(ask(&a));
	assert_int_equal(a.answer.why, WHY_NONE);
	assert_int_not_equal(a.answer.key.kind, PUBKEY_NONE);
	assert_string_equal(a.note, "");
	/* and not again while that holds */
	struct book_question q;
	assert_true(ask_at(&a, made + 86400, false));
	assert_false(book_next(a.book, a.at, &q));
	end(&a);
}

static void
a_revoked_certificate_refuses_whatever_the_policy(void **state)
{
	static const struct trust_settings *const both[] = { &if_available, &require };

	(void)state;
	for (size_t i = 0; i < COUNT(both); i++) {
		struct asked a = begin(both[i], "leaf", true);
		assert_false(ask(&a));
		answered(&a, "2001:db8::1", "good");
		answered(&a, "ocsp.example.org", "ca_revoked");
		assert_true(ask(&a));
		assert_int_equal(a.answer.why, WHY_CERT_REVOKED);
		assert_string_equal(a.answer.field, "OCSP answer");
		assert_non_null(strstr(a.answer.got, "/CN=ca, by http://ocsp.example.org/root"));
		assert_int_equal(a.answer.key.kind, PUBKEY_NONE);
		end(&a);
		a = begin(both[i], "leaf", true);
		assert_false(ask(&a));
		answered(&a, "2001:db8::1", "revoked");
		/* nobody need wait for the others then */
		assert_true(ask(&a));
		assert_int_equal(a.answer.why, WHY_CERT_REVOKED);
		end(&a);
	}
}

/* What is no valid answer: refused where one is required, else passed and told. */
static void
no_valid_answer_passes_only_if_available(void **state)
{
	static const struct { const char *name; enum why why; } bad[] = {
		{ NULL, WHY_OCSP_UNREACHABLE }, { "wrong", WHY_OCSP_SIGNER },
		{ "leaf2", WHY_OCSP_ANSWER }, { "try_later", WHY_OCSP_ANSWER },
		{ "undelegated", WHY_OCSP_SIGNER }, { "weak", WHY_CERT_ALGORITHM },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct asked a = begin(&require, "leaf", true);
		assert_false(ask(&a));
		answered(&a, "2001:db8::1", bad[i].name);
		answered(&a, "ocsp.example.org", "ca");
		assert_true(ask(&a));
		assert_int_equal(a.answer.why, bad[i].why);
		assert_true(a.answer.remedy[0] != '\0');
		end(&a);
		a = begin(&if_available, "leaf", true);
		assert_false(ask(&a));
		answered(&a, "2001:db8::1", bad[i].name);
		answered(&a, "ocsp.example.org", "ca");
		assert_true(ask(&a));
		assert_int_equal(a.answer.why, WHY_NONE);
		assert_non_null(strstr(a.note, "/CN=leaf passes without an OCSP answer: "));
		assert_non_null(strstr(a.note, why_text(bad[i].why)));
		end(&a);
	}
	struct asked a = begin(&if_available, "leaf", true);
	assert_false(ask(&a));
	answered(&a, "2001:db8::1", "unknown");
	answered(&a, "ocsp.example.org", "ca");
	assert_true(ask(&a));
	assert_int_equal(a.answer.why, WHY_OCSP_UNKNOWN);
	end(&a);
}

static void
a_certificate_without_a_responder_passes_only_if_available(void **state)
{
	struct asked a = begin(&require, "silent", true);

	(void)state;
	assert_true(ask(&a));
	assert_int_equal(a.answer.why, WHY_OCSP_NONE);
	end(&a);
	a = begin(&if_available, "silent", true);
	assert_false(ask(&a));			/* its CA names one */
	assert_int_equal(a.wants.n, 1);
	answered(&a, "ocsp.example.org", "ca");
	assert_true(ask(&a));
	assert_int_equal(a.answer.why, WHY_NONE);
	assert_string_equal(a.note, "");
	end(&a);
}

static void
a_configured_responder_is_asked_about_everything(void **state)
{
	const struct trust_settings s = { .ocsp = TRUST_OCSP_REQUIRE, .crl = TRUST_CRL_OFF,
	    .responder = "http://192.0.2.1:8000/o" };
	struct asked a = begin(&s, "leaf", true);

	(void)state;
	assert_false(ask(&a));
	answered(&a, "192.0.2.1", "good");
	answered(&a, "192.0.2.1", "ca");
	assert_true(ask(&a));
	assert_int_equal(a.answer.why, WHY_NONE);
	end(&a);
}

static void
r17_nobody_is_asked_about_a_chain_that_is_not_trusted(void **state)
{
	struct asked a = begin(&require, "leaf", false);
	struct book_question q;

	(void)state;
	assert_true(ask(&a));			/* without the certificate of ca */
	assert_int_equal(a.answer.why, WHY_CERT_ISSUER);
	assert_false(book_next(a.book, a.at, &q));
	/* expired */
	release(a.certs[0]);
	a.certs[0] = certs_body("short");
	assert_true(ask_at(&a, made + (int64_t)9000 * 86400, false));
	assert_false(book_next(a.book, a.at, &q));
	/* for another name */
	struct id_body id = fqdn("other.example.org");
	struct trust_ask other = { .verb = TRUST_PEER, .auth = AUTH_ECDSA_256,
	    .id_body = view_of(id.p, id.n), .n_certs = 1, .certs = { a.certs[0] } };
	struct trust_look look = { .book = a.book, .at = a.at };
	assert_true(trust_peer_online(a.t, &other, made, &look, &a.answer));
	assert_int_equal(a.answer.why, WHY_CERT_ID);
	assert_false(book_next(a.book, a.at, &q));
	end(&a);
	/* and off is off */
	static const struct trust_settings off = { .crl = TRUST_CRL_OFF };
	a = begin(&off, "leaf", true);
	assert_true(ask(&a));
	assert_int_equal(a.answer.why, WHY_NONE);
	assert_false(book_next(a.book, a.at, &q));
	end(&a);
}

/* ---- the book ---- */

static void
a_question_is_given_up_at_its_deadline(void **state)
{
	struct asked a = begin(&require, "short", false);
	struct mono end_at = mono_add(a.at, span_s(5));
	struct book_question q;

	(void)state;
	assert_false(ask(&a));
	assert_true(book_next(a.book, a.at, &q));
	assert_int_equal(q.left_ms, 5000);
	a.at = mono_add(a.at, span_ms(4999));
	assert_int_equal(book_expire(a.book, a.at, made).us, end_at.us);
	assert_false(book_settled(a.book, &a.wants));
	a.at = mono_add(a.at, span_ms(1));
	assert_int_equal(book_expire(a.book, a.at, made).us, MONO_NEVER.us);
	assert_true(book_settled(a.book, &a.wants));
	assert_true(ask(&a));
	assert_int_equal(a.answer.why, WHY_OCSP_UNREACHABLE);
	assert_string_equal(a.answer.expected, "an answer within 5 s");
	assert_string_equal(a.answer.got, "http://ocsp.example.org/root: it took too long");
	/* an answer after that changes nothing */
	struct view v = answer_of("short");
	book_answer(a.book, q.token, v, made);
	release(v);
	assert_true(ask(&a));
	assert_int_equal(a.answer.why, WHY_OCSP_UNREACHABLE);
	/* and soon the responder has another chance */
	assert_false(ask_at(&a, made + OCSP_FAILED_S, false));
	answered_at(&a, "ocsp.example.org", "short", made + OCSP_FAILED_S);
	assert_true(ask_at(&a, made + OCSP_FAILED_S, false));
	assert_int_equal(a.answer.why, WHY_NONE);
	end(&a);
}

static void
who_fetches_may_end_once(void **state)
{
	struct asked a = begin(&require, "short", false);
	struct book_question q;

	(void)state;
	assert_false(ask(&a));
	assert_true(book_next(a.book, a.at, &q));
	assert_false(book_next(a.book, a.at, &q));
	book_fetch_gone(a.book, made);
	assert_true(book_next(a.book, a.at, &q));
	book_fetch_gone(a.book, made);
	assert_false(book_next(a.book, a.at, &q));
	assert_true(ask(&a));
	assert_int_equal(a.answer.why, WHY_OCSP_UNREACHABLE);
	assert_non_null(strstr(a.answer.got, "the process that fetches ended twice"));
	end(&a);
}

static void
an_answer_ends_and_is_asked_for_again(void **state)
{
	struct asked a = begin(&require, "short", false);

	(void)state;
	assert_false(ask(&a));
	answered(&a, "ocsp.example.org", "short");
	assert_true(ask_at(&a, made + OCSP_KEEP_S - 1, false));
	assert_false(ask_at(&a, made + OCSP_KEEP_S, false));
	/* a clock that is set back does not keep it for ever */
	answered(&a, "ocsp.example.org", "short");
	assert_false(ask_at(&a, made - OCSP_KEEP_S, false));
	end(&a);
}

static void
who_may_not_wait_any_more_gets_an_answer(void **state)
{
	struct asked a = begin(&require, "short", false);

	(void)state;
	assert_true(ask_at(&a, made, true));
	assert_int_equal(a.answer.why, WHY_OCSP_UNREACHABLE);
	end(&a);
	a = begin(&if_available, "short", false);
	assert_true(ask_at(&a, made, true));
	assert_int_equal(a.answer.why, WHY_NONE);
	assert_true(a.note[0] != '\0');
	end(&a);
}

/* One certificate under many names of issuers: the cheapest way to fill it. */
static void
the_book_is_bounded_and_so_is_what_is_under_way(void **state)
{
	struct book *b = book_new(5);
	X509 *leaf = certs_x509("leaf"), *ca = certs_x509("ca");
	struct mono at = { 1 };
	struct book_question q;
	unsigned under_way = 0, taken = 0;

	(void)state;
	assert_non_null(b);
	for (unsigned i = 0; i < BOOK_LINES_MAX + 10; i++) {
		struct book_id id = { { (uint8_t)i, (uint8_t)(i >> 8) } };
		taken += book_want(b, &id, leaf, ca, false, &url, at);
	}
	assert_int_equal(taken, BOOK_LINES_MAX);
	while (book_next(b, at, &q))
		under_way++;
	assert_int_equal(under_way, BOOK_AT_ONCE);
	/* what is known makes room */
	(void)book_expire(b, mono_add(at, span_s(6)), made);
	struct book_id id = { { 0xff, 0xff } };
	assert_true(book_want(b, &id, leaf, ca, false, &url, at));
	book_free(b);
	X509_free(leaf);
	X509_free(ca);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_by_the_issuer_or_its_delegate_counts),
		cmocka_unit_test(a_revoked_certificate_is_told_with_date_and_reason),
		cmocka_unit_test(an_answer_by_anybody_else_does_not),
		cmocka_unit_test(an_answer_counts_from_its_date_to_the_next),
		cmocka_unit_test(a_weak_signature_counts_only_where_weak_ones_may),
		cmocka_unit_test(an_answer_that_is_none_says_so),
		cmocka_unit_test(r16_a_changed_answer_is_never_proven_good),
		cmocka_unit_test(a_nonce_binds_the_answer_to_the_question),
		cmocka_unit_test(the_first_http_responder_of_a_certificate_is_asked),
		cmocka_unit_test(every_certificate_of_the_chain_is_asked_about),
		cmocka_unit_test(a_revoked_certificate_refuses_whatever_the_policy),
		cmocka_unit_test(no_valid_answer_passes_only_if_available),
		cmocka_unit_test(a_certificate_without_a_responder_passes_only_if_available),
		cmocka_unit_test(a_configured_responder_is_asked_about_everything),
		cmocka_unit_test(r17_nobody_is_asked_about_a_chain_that_is_not_trusted),
		cmocka_unit_test(a_question_is_given_up_at_its_deadline),
		cmocka_unit_test(who_fetches_may_end_once),
		cmocka_unit_test(an_answer_ends_and_is_asked_for_again),
		cmocka_unit_test(who_may_not_wait_any_more_gets_an_answer),
		cmocka_unit_test(the_book_is_bounded_and_so_is_what_is_under_way),
	};

	return cmocka_run_group_tests(tests, make, certs_remove);
}
