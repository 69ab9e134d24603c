/* Run with -fsanitize=thread, this is the proof that workers share nothing
 * but the queues. */
#include "prove.h"

#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include "crypto/dh.h"
#include "role/keys_pool.h"

struct world {
	struct keys_state	*ks;
	struct keys_pool	*pool;
	unsigned		 answered, dropped;
};

static struct world
world_new(unsigned threads, size_t most)
{
	struct world w = { .ks = keys_state_new(), .pool = keys_pool_new(threads, most) };

	assert_non_null(w.ks);
	assert_non_null(w.pool);
	return w;
}

static void
world_free(struct world *w)
{
	keys_state_free(w->ks);
	keys_pool_free(w->pool);
}

static bool
start(struct world *w, uint64_t token, uint16_t group)
{
	struct keys_ask a = { .verb = KEYS_DH_NEW, .token = token, .group = group };
	struct keys_answer ret = { 0 };
	struct keys_job *job = keys_job_begin(w->ks, &a, &ret);

	assert_non_null(job);
	if (keys_pool_add(w->pool, job))
		return true;
	keys_job_fail(job, WHY_LIMIT_TOTAL);
	assert_true(keys_job_end(w->ks, job, &ret));
	assert_int_equal(ret.why, WHY_LIMIT_TOTAL);
	return false;
}

static void
drop(struct world *w, uint64_t token)
{
	struct keys_ask a = { .verb = KEYS_DROP, .token = token };
	struct keys_answer ret = { 0 };

	keys_state_ask(w->ks, &a, &ret);
}

/* Waits for the descriptor, then ends all that has finished. */
static void
collect(struct world *w)
{
	struct pollfd p = { .fd = keys_pool_fd(w->pool), .events = POLLIN };
	struct keys_job *job;

	assert_int_equal(poll(&p, 1, 60000), 1);
	keys_pool_rest(w->pool);
	while ((job = keys_pool_take(w->pool)) != NULL) {
		struct keys_answer ret = { 0 };

		if (keys_job_end(w->ks, job, &ret)) {
			assert_int_equal(ret.why, WHY_NONE);
			assert_int_not_equal(ret.public_n, 0);
			w->answered++;
		} else {
			w->dropped++;
		}
		keys_answer_done(&ret);
	}
}

static void
every_job_comes_back_once(void **state)
{
	enum { N = 400 };
	struct world w = world_new(4, 1000);

	(void)state;
	for (uint64_t t = 0; t < N; t++) {
		assert_true(start(&w, t, t % 2 == 0 ? GROUP_X25519 : GROUP_ECP_256));
		if (t % 50 == 49)	/* the queue runs empty in between */
			while (w.answered <= t)
				collect(&w);
	}
	assert_int_equal(w.answered, N);
	assert_int_equal(keys_pool_count(w.pool), 0);
	assert_int_equal(keys_state_count(w.ks), N);
	world_free(&w);
}

/* All groups' parameters are made by whoever comes first: at once, here. */
static void
threads_share_the_group_parameters(void **state)
{
	static const uint16_t groups[] = { GROUP_MODP_1024, GROUP_MODP_2048, GROUP_ECP_256,
	    GROUP_ECP_384, GROUP_ECP_521, GROUP_BP_256, GROUP_X25519 };
	struct world w = world_new(4, 100);

	(void)state;
	for (uint64_t t = 0; t < 56; t++)
		assert_true(start(&w, t, groups[t % COUNT(groups)]));
	while (w.answered < 56)
		collect(&w);
	world_free(&w);
}

static void
dropped_tokens_get_no_answer_while_threads_work(void **state)
{
	enum { N = 200 };
	struct world w = world_new(3, 1000);

	(void)state;
	for (uint64_t t = 0; t < N; t++) {
		assert_true(start(&w, t, GROUP_ECP_256));
		if (t % 3 == 0)
			drop(&w, t);
	}
	while (w.answered + w.dropped < N)
		collect(&w);
	assert_int_equal(w.dropped, (N + 2) / 3);
	assert_int_equal(keys_state_count(w.ks), w.answered);
	world_free(&w);
}

static void
two_sides_agree_through_the_threads(void **state)
{
	struct world w = world_new(2, 10);
	uint8_t public_value[2][32];

	(void)state;
	assert_true(keys_state_psk_set(w.ks, "a", view_str("0123456789abcdef")));
	for (int round = 0; round < 2; round++) {
		struct secret e[2] = { { 0 }, { 0 } };

		for (uint64_t t = 0; t < 2; t++) {
			struct keys_ask a = { .verb = round == 0 ? KEYS_DH_NEW : KEYS_SKEYID,
			    .token = t, .group = GROUP_X25519, .hash = HASH_SHA2_256,
			    .auth = AUTH_PRE_SHARED, .peer = "A", .initiator = t == 0,
			    .ni = view_str("nonce of i"), .nr = view_str("nonce of r"),
			    .peer_public = view_of(public_value[1 - t], 32) };
			struct keys_answer ret = { 0 };
			struct keys_job *job = keys_job_begin(w.ks, &a, &ret);

			assert_non_null(job);
			assert_true(keys_pool_add(w.pool, job));
		}
		for (unsigned seen = 0; seen < 2;) {
			struct keys_job *job = keys_pool_take(w.pool);
			struct keys_answer ret = { 0 };

			if (job == NULL) {
				struct pollfd p = { .fd = keys_pool_fd(w.pool), .events = POLLIN };
				assert_int_equal(poll(&p, 1, 60000), 1);
				keys_pool_rest(w.pool);
				continue;
			}
			assert_true(keys_job_end(w.ks, job, &ret));
			assert_int_equal(ret.why, WHY_NONE);
			if (round == 0)
				memcpy(public_value[ret.token], ret.public_value, 32);
			else
				secret_take(&e[ret.token], &ret.skeyid_e);
			keys_answer_done(&ret);
			seen++;
		}
		if (round == 1) {
			assert_int_equal(e[0].n, 32);
			assert_true(ct_equal(secret_view(&e[0]), secret_view(&e[1])));
		}
		secret_done(&e[0]);
		secret_done(&e[1]);
	}
	world_free(&w);
}

static void
r26_a_full_pool_refuses_and_keeps_what_it_has(void **state)
{
	struct world w = world_new(1, 4);
	unsigned in = 0;

	(void)state;
	for (uint64_t t = 0; t < 5; t++)
		in += start(&w, t, GROUP_MODP_2048);
	assert_int_equal(in, 4);	/* finished ones count until they are taken */
	assert_int_equal(keys_state_count(w.ks), 4);
	while (w.answered < 4)
		collect(&w);
	assert_int_equal(keys_pool_count(w.pool), 0);
	assert_true(start(&w, 100, GROUP_X25519));
	while (w.answered < 5)
		collect(&w);
	world_free(&w);
}

static void
a_pool_ends_with_work_left(void **state)
{
	struct world w = world_new(2, 1000);

	(void)state;
	for (uint64_t t = 0; t < 300; t++)
		assert_true(start(&w, t, GROUP_MODP_2048));
	world_free(&w);		/* leak and address sanitizers judge */
	keys_pool_free(NULL);
	assert_true(keys_pool_processors() >= 1);
}

static void
on_signal(int sig)
{
	(void)sig;
}

/* A worker that took the daemon's signals would take them from the loop. */
static void
workers_take_no_signals(void **state)
{
	struct world w = world_new(4, 10);
	struct sigaction sa = { .sa_handler = on_signal };
	sigset_t usr1, pending;

	(void)state;
	assert_int_equal(sigaction(SIGUSR1, &sa, NULL), 0);
	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	assert_int_equal(pthread_sigmask(SIG_BLOCK, &usr1, NULL), 0);
	assert_int_equal(kill(getpid(), SIGUSR1), 0);
	assert_true(start(&w, 1, GROUP_X25519));
	while (w.answered < 1)
		collect(&w);
	assert_int_equal(sigpending(&pending), 0);
	assert_int_equal(sigismember(&pending, SIGUSR1), 1);
	assert_int_equal(pthread_sigmask(SIG_UNBLOCK, &usr1, NULL), 0);
	world_free(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(threads_share_the_group_parameters),
		cmocka_unit_test(every_job_comes_back_once),
		cmocka_unit_test(dropped_tokens_get_no_answer_while_threads_work),
		cmocka_unit_test(two_sides_agree_through_the_threads),
		cmocka_unit_test(r26_a_full_pool_refuses_and_keeps_what_it_has),
		cmocka_unit_test(a_pool_ends_with_work_left),
		cmocka_unit_test(workers_take_no_signals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
