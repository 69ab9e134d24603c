/*
 * The threads of the keys role: jobs go in at one end, finished jobs come
 * out at the other in the order they finish, and a descriptor becomes
 * readable when there are some.  Knows nothing of what a job computes but
 * keys_job_run.
 *
 * All functions belong to one thread, the loop's; the workers are inside.
 */
#ifndef ROLE_KEYS_POOL_H
#define ROLE_KEYS_POOL_H

#include "base/util.h"
#include "role/keys_state.h"

enum { KEYS_THREADS_MAX = 64 };

struct keys_pool;

/* The processors this process may use, 1 at least. */
unsigned	 keys_pool_processors(void);
/*
 * At most `most` jobs are inside at a time.  NULL without memory or threads.
 * Workers take no signals.
 */
struct keys_pool *keys_pool_new(unsigned threads, size_t most);
/* Waits for the jobs that run, frees those that wait.  Their state must be
 * gone already, or it would still point at them. */
void		 keys_pool_free(struct keys_pool *);
/* Readable after a job has finished; cleared by keys_pool_rest. */
int		 keys_pool_fd(const struct keys_pool *);
/* Takes the job; false (and it stays the caller's) if the pool is full. */
MUST_USE bool	 keys_pool_add(struct keys_pool *, struct keys_job *);
/* Clears the descriptor: call it, then take all that has finished. */
void		 keys_pool_rest(struct keys_pool *);
/* The next finished job, now the caller's, or NULL. */
struct keys_job	*keys_pool_take(struct keys_pool *);
/* Jobs inside: waiting, running and finished. */
size_t		 keys_pool_count(const struct keys_pool *);

#endif
