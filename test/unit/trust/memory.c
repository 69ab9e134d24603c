/*
 * Memory that is refused at the n-th call, for every n: nobody is believed
 * who would not be otherwise, and nothing is lost.  libcrypto is given an
 * allocator that counts; calloc and the others of this room are wrapped by
 * the linker.
 */
#include "certs.h"

#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/err.h>

void	*__real_malloc(size_t);
void	*__real_calloc(size_t, size_t);
void	*__real_realloc(void *, size_t);
void	*__wrap_malloc(size_t);
void	*__wrap_calloc(size_t, size_t);
void	*__wrap_realloc(void *, size_t);

static struct {
	bool		counts;
	unsigned long	calls, fail_at, more;
} gate;

static bool
is_refused(void)
{
	if (!gate.counts)
		return false;
	gate.calls++;
	return gate.fail_at != 0 && gate.calls >= gate.fail_at &&
	    gate.calls <= gate.fail_at + gate.more;
}

void *
__wrap_malloc(size_t n)
{
	return is_refused() ? NULL : __real_malloc(n);
}

void *
__wrap_calloc(size_t n, size_t size)
{
	return is_refused() ? NULL : __real_calloc(n, size);
}

void *
__wrap_realloc(void *p, size_t n)
{
	return is_refused() ? NULL : __real_realloc(p, n);
}

static void *
crypto_malloc(size_t n, const char *file, int line)
{
	(void)file;
	(void)line;
	return n == 0 || is_refused() ? NULL : __real_malloc(n);
}

static void *
crypto_realloc(void *p, size_t n, const char *file, int line)
{
	(void)file;
	(void)line;
	return is_refused() ? NULL : __real_realloc(p, n);
}

static void
crypto_free(void *p, const char *file, int line)
{
	(void)file;
	(void)line;
	free(p);
}

/* ---- what is tried ---- */

enum { LIST_MAX = 4 };

struct question {
	struct trust	*trust;
	struct trust_ask ask;
	struct id_body	 id;
};

static struct question
question(const char *const *names, const char *list)
{
	static const char *const root[] = { "root", NULL };
	static const struct trust_settings require = { .crl = TRUST_CRL_IF_PRESENT,
	    .send = TRUST_SEND_ALWAYS };
	struct question q = { .trust = certs_trust(&require, root), .id = fqdn("gw.example.org") };

	q.ask = (struct trust_ask){ .verb = TRUST_PEER, .auth = AUTH_ECDSA_256 };
	for (; *names != NULL; names++)
		q.ask.certs[q.ask.n_certs++] = certs_body(*names);
	if (list != NULL)
		assert_true(certs_load(q.trust, TRUST_CRL, list));
	return q;
}

static void
question_done(struct question *q)
{
	for (size_t i = 0; i < q->ask.n_certs; i++)
		free((void *)(uintptr_t)q->ask.certs[i].p);
	trust_free(q->trust);
}

static enum why
put(struct question *q, unsigned long fail_at, unsigned long more)
{
	struct trust_answer a;

	q->ask.id_body = view_of(q->id.p, q->id.n);
	gate.calls = 0;
	gate.fail_at = fail_at;
	gate.more = more;
	gate.counts = true;
	trust_peer(q->trust, &q->ask, (int64_t)time(NULL), &a);
	gate.counts = false;
	/* A key is there exactly when it is vouched for. */
	assert_int_equal(a.why == WHY_NONE, a.key.kind != PUBKEY_NONE);
	ERR_clear_error();
	return a.why;
}

/* With so many of the allocations failing, one at a time, and with all behind it. */
static enum why
every(struct question *q, unsigned long first, unsigned long step)
{
	enum why otherwise = put(q, 0, 0);
	unsigned long calls = gate.calls;

	assert_true(calls > 100);
	for (unsigned long n = first; n <= calls; n += step) {
		enum why why = put(q, n, 0);

		assert_true(why != WHY_NONE || otherwise == WHY_NONE);
		if (n % 5 == 0)
			assert_true(put(q, n, ULONG_MAX - n) != WHY_NONE || otherwise == WHY_NONE);
	}
	assert_int_equal(put(q, 0, 0), otherwise);
	return otherwise;
}

static void
r16_without_memory_a_good_chain_is_refused_and_the_next_time_believed(void **state)
{
	static const char *const chain[] = { "leaf2", "ca2", "ca1", NULL };
	struct question q = question(chain, "crl_root");

	(void)state;
	assert_int_equal(every(&q, 1, 5), WHY_NONE);
	question_done(&q);
}

static void
r16_without_memory_nobody_is_believed_who_is_not_otherwise(void **state)
{
	static const struct { const char *chain[LIST_MAX], *list; } t[] = {
		{ { "leaf0" }, "crl_root_leaf0" },
		{ { "leaf1", "ca1" }, "crl_root_ca1" },
		{ { "forged" }, NULL },
		{ { "outside", "constrained" }, NULL },
		{ { "bynocertsign", "nocertsign" }, NULL },
		{ { "self" }, NULL },
		{ { "inside", "constrained" }, NULL },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(t); i++) {
		struct question q = question(t[i].chain, t[i].list);

		assert_int_not_equal(every(&q, 1 + i, 11), WHY_NONE);
		question_done(&q);
	}
}

static void
r16_without_memory_files_are_refused_with_a_reason(void **state)
{
	static const struct { enum trust_kind kind; const char *file; } t[] = {
		{ TRUST_CA, "root2.pem" }, { TRUST_CERT, "full2.pem" }, { TRUST_CRL, "crl_root.pem" },
	};
	static const char *const root[] = { "root", NULL };

	(void)state;
	for (size_t i = 0; i < COUNT(t); i++) {
		struct view text = certs_file(t[i].file);
		unsigned long calls = 1;

		for (unsigned long n = 0; n <= calls; n += n == 0 ? 1 : 3) {
			struct trust *trust = certs_trust(NULL, root);
			STR(note, 200);

			gate.calls = 0;
			gate.fail_at = n;
			gate.more = 0;
			gate.counts = true;
			bool ok = trust_add(trust, t[i].kind, "file", text, &note);
			gate.counts = false;
			if (n == 0)
				calls = gate.calls;
			assert_true(ok || note.len > 0);
			trust_free(trust);
		}
		free((void *)(uintptr_t)text.p);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(r16_without_memory_a_good_chain_is_refused_and_the_next_time_believed),
		cmocka_unit_test(r16_without_memory_nobody_is_believed_who_is_not_otherwise),
		cmocka_unit_test(r16_without_memory_files_are_refused_with_a_reason),
	};

	if (CRYPTO_set_mem_functions(crypto_malloc, crypto_realloc, crypto_free) != 1)
		return 1;
	return cmocka_run_group_tests(tests, certs_make, certs_remove);
}
