#include "role/keys_pool.h"

#include <assert.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* A queue in fixed room. */
struct ring {
	struct keys_job	**v;
	size_t		  first, n, cap;
};

struct keys_pool {
	pthread_mutex_t	 lock;		/* guards waiting, finished, ending */
	pthread_cond_t	 work;
	struct ring	 waiting, finished;
	bool		 ending;
	size_t		 inside;	/* the loop's own count */
	unsigned	 n_threads;
	int		 fd;
	pthread_t	 threads[KEYS_THREADS_MAX];
};

static void
ring_put(struct ring *r, struct keys_job *job)
{
	assert(r->n < r->cap);
	r->v[(r->first + r->n++) % r->cap] = job;
}

static struct keys_job *
ring_take(struct ring *r)
{
	if (r->n == 0)
		return NULL;
	struct keys_job *job = r->v[r->first];
	r->first = (r->first + 1) % r->cap;
	r->n--;
	return job;
}

static void
ring_done(struct ring *r)
{
	struct keys_job *job;

	while (r->v != NULL && (job = ring_take(r)) != NULL)
		keys_job_free(job);
	free(r->v);
}

unsigned
keys_pool_processors(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		return 1;
	int n = CPU_COUNT(&set);
	return n < 1 ? 1 : n > KEYS_THREADS_MAX ? KEYS_THREADS_MAX : (unsigned)n;
}

/* The next job, or NULL when the pool ends. */
static struct keys_job *
wait_for_job(struct keys_pool *p)
{
	struct keys_job *job = NULL;

	pthread_mutex_lock(&p->lock);
	while (!p->ending && (job = ring_take(&p->waiting)) == NULL)
		pthread_cond_wait(&p->work, &p->lock);
	pthread_mutex_unlock(&p->lock);
	return job;
}

static void
hand_back(struct keys_pool *p, struct keys_job *job)
{
	pthread_mutex_lock(&p->lock);
	bool first = p->finished.n == 0;
	ring_put(&p->finished, job);
	pthread_mutex_unlock(&p->lock);

	/* One wake-up is enough until the loop has emptied the queue. */
	const uint64_t one = 1;
	if (first)
		(void)!write(p->fd, &one, sizeof(one));
}

static void *
worker(void *arg)
{
	struct keys_pool *p = arg;
	struct keys_job *job;

	while ((job = wait_for_job(p)) != NULL) {
		keys_job_run(job);
		hand_back(p, job);
	}
	return NULL;
}

static bool
start_threads(struct keys_pool *p, unsigned threads)
{
	sigset_t all, before;
	bool ok = true;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	while (ok && p->n_threads < threads) {
		ok = pthread_create(&p->threads[p->n_threads], NULL, worker, p) == 0;
		p->n_threads += ok;
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return ok;
}

struct keys_pool *
keys_pool_new(unsigned threads, size_t most)
{
	struct keys_pool *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	assert(threads >= 1 && threads <= KEYS_THREADS_MAX && most >= 1);
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->work, NULL);
	p->waiting = (struct ring){ .v = calloc(most, sizeof(struct keys_job *)), .cap = most };
	p->finished = (struct ring){ .v = calloc(most, sizeof(struct keys_job *)), .cap = most };
	p->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (p->waiting.v == NULL || p->finished.v == NULL || p->fd < 0 ||
	    !start_threads(p, threads)) {
		keys_pool_free(p);
		return NULL;
	}
	return p;
}

void
keys_pool_free(struct keys_pool *p)
{
	if (p == NULL)
		return;
	pthread_mutex_lock(&p->lock);
	p->ending = true;
	pthread_cond_broadcast(&p->work);
	pthread_mutex_unlock(&p->lock);
	for (unsigned i = 0; i < p->n_threads; i++)
		pthread_join(p->threads[i], NULL);
	ring_done(&p->waiting);
	ring_done(&p->finished);
	if (p->fd >= 0)
		close(p->fd);
	pthread_cond_destroy(&p->work);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

int
keys_pool_fd(const struct keys_pool *p)
{
	return p->fd;
}

bool
keys_pool_add(struct keys_pool *p, struct keys_job *job)
{
	/* Whatever is inside fits into either queue. */
	if (p->inside >= p->waiting.cap)
		return false;
	p->inside++;
	pthread_mutex_lock(&p->lock);
	ring_put(&p->waiting, job);
	pthread_cond_signal(&p->work);
	pthread_mutex_unlock(&p->lock);
	return true;
}

void
keys_pool_rest(struct keys_pool *p)
{
	uint64_t count;

	(void)!read(p->fd, &count, sizeof(count));
}

struct keys_job *
keys_pool_take(struct keys_pool *p)
{
	pthread_mutex_lock(&p->lock);
	struct keys_job *job = ring_take(&p->finished);
	pthread_mutex_unlock(&p->lock);
	p->inside -= job != NULL;
	return job;
}

size_t
keys_pool_count(const struct keys_pool *p)
{
	return p->inside;
}
