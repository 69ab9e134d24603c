#include "role/keys_keep.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/rd.h"
#include "base/wr.h"
#include "conf/store.h"

enum {
	HEADER = 8 + 8 + 8 + KEYS_MARK_KEY,
	LEAST = 64 * 1024,		/* a log shorter than this is never written anew */
	LOG_MAX = 1024 * 1024 * 1024
};

#define MAGIC 0x6b65707470736b31ull

/* ---- a log in memory ---- */

void
psk_log_done(struct psk_log *l)
{
	if (l->p != NULL)
		wipe(l->p, l->n);
	free(l->p);
	*l = (struct psk_log){ 0 };
}

/* Never by realloc, which would leave a copy behind. */
static bool
log_room(struct psk_log *l, size_t more)
{
	struct psk_log bigger = { .n = l->n, .cap = l->cap == 0 ? 4096 : l->cap };

	if (l->n + more <= l->cap)
		return true;
	while (bigger.cap < l->n + more)
		bigger.cap *= 2;
	bigger.p = bigger.cap > LOG_MAX ? NULL : malloc(bigger.cap);
	if (bigger.p == NULL)
		return false;
	if (l->n > 0)
		memcpy(bigger.p, l->p, l->n);
	psk_log_done(l);
	*l = bigger;
	return true;
}

bool
psk_log_add(struct psk_log *l, const char *section, struct view key)
{
	size_t n = strlen(section);

	if (n > STORE_NAME_MAX || key.n > SECRET_MAX || !log_room(l, 4 + n + key.n))
		return false;
	struct wr w = wr_of(l->p + l->n, l->cap - l->n);
	wr_u16(&w, (uint16_t)n);
	wr_u16(&w, (uint16_t)key.n);
	wr_view(&w, view_of(section, n));
	wr_view(&w, key);
	l->n += w.len;
	return !w.bad;
}

/* The next record; false at the end, or where it is none. */
static bool
record_next(struct rd *r, char section[STORE_NAME_MAX + 1], struct view *ret_key)
{
	size_t n = rd_u16(r), m = rd_u16(r);
	struct view name = rd_view(r, n);

	*ret_key = rd_view(r, m);
	if (r->bad || n > STORE_NAME_MAX || m > SECRET_MAX)
		return false;
	if (n > 0)
		memcpy(section, name.p, n);
	section[n] = '\0';
	return true;
}

bool
psk_log_apply(struct view log, struct keys_state *ks)
{
	char section[STORE_NAME_MAX + 1];
	struct rd r = rd_of(log);
	struct view key;
	bool ok = true;

	keys_state_psk_clear_all(ks);
	while (r.n > 0 && record_next(&r, section, &key))
		ok = keys_state_psk_set(ks, section, key) && ok;
	return ok && rd_end(&r);
}

/* ---- the file ---- */

static bool
put(int fd, uint64_t at, struct view v)
{
	if (lseek(fd, (off_t)at, SEEK_SET) < 0)
		return false;
	while (v.n > 0) {
		ssize_t n = write(fd, v.p, v.n);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		v = view_of(v.p + n, v.n - (size_t)n);
	}
	return true;
}

static bool
get(int fd, uint64_t at, uint8_t *p, size_t n)
{
	if (lseek(fd, (off_t)at, SEEK_SET) < 0)
		return false;
	while (n > 0) {
		ssize_t got = read(fd, p, n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		p += got;
		n -= (size_t)got;
	}
	return true;
}

static bool
put_header(const struct keys_keep *k, const struct keys_state *ks)
{
	uint8_t room[HEADER];
	struct wr w = wr_of(room, sizeof(room));

	wr_u64(&w, MAGIC);
	wr_u64(&w, k->start);
	wr_u64(&w, k->n);
	wr_bytes(&w, keys_state_mark_key(ks), KEYS_MARK_KEY);
	bool ok = !w.bad && put(k->fd, 0, wr_done(&w));
	wipe(room, sizeof(room));
	return ok;
}

static void
put_zeros(int fd, uint64_t at, uint64_t n)
{
	static const uint8_t zeros[4096];

	while (n > 0) {
		size_t now = n < sizeof(zeros) ? (size_t)n : sizeof(zeros);
		if (!put(fd, at, view_of(zeros, now)))
			return;
		at += now;
		n -= now;
	}
}

bool
keys_keep_replace(struct keys_keep *k, const struct keys_state *ks, struct view log)
{
	struct keys_keep old = *k;

	if (k->fd < 0)
		return true;
	k->start = HEADER + log.n <= old.start ? HEADER : old.start + old.n;
	k->n = log.n;
	k->compact_at = log.n * 2 < LEAST ? LEAST : log.n * 2;
	if (!put(k->fd, k->start, log) || !put_header(k, ks)) {
		*k = old;
		return false;
	}
	put_zeros(k->fd, old.start, old.n);
	return true;
}

static bool
add_live(void *self, const char *section, struct view key)
{
	return psk_log_add(self, section, key);
}

/* What is held now, and nothing of what was. */
static bool
compact(struct keys_keep *k, const struct keys_state *ks)
{
	struct psk_log live = { 0 };
	bool ok = keys_state_psk_each(ks, add_live, &live) &&
	    keys_keep_replace(k, ks, view_of(live.p, live.n));

	psk_log_done(&live);
	return ok;
}

bool
keys_keep_add(struct keys_keep *k, const struct keys_state *ks, const char *section,
    struct view key)
{
	struct psk_log one = { 0 };

	if (k->fd < 0)
		return true;
	if (k->n > k->compact_at)
		return compact(k, ks);		/* with this one in it */
	bool ok = psk_log_add(&one, section, key) &&
	    put(k->fd, k->start + k->n, view_of(one.p, one.n));
	if (ok) {
		k->n += one.n;
		ok = put_header(k, ks);
	}
	psk_log_done(&one);
	return ok;
}

/* -1: nobody can use this; 0: it is new. */
static int
get_header(struct keys_keep *k, struct keys_state *ks)
{
	uint8_t room[HEADER] = { 0 };
	off_t size = lseek(k->fd, 0, SEEK_END);

	if (size == 0)
		return 0;
	if (size < HEADER || !get(k->fd, 0, room, sizeof(room)))
		return -1;
	struct rd r = rd_of(view_of(room, sizeof(room)));
	uint64_t magic = rd_u64(&r), start = rd_u64(&r), n = rd_u64(&r);
	struct view key = rd_rest(&r);
	bool good = magic == MAGIC && start >= HEADER && start <= (uint64_t)size &&
	    n <= (uint64_t)size - start && n <= LOG_MAX;
	if (good) {
		k->start = start;
		k->n = n;
		keys_state_set_mark_key(ks, key.p);
	}
	wipe(room, sizeof(room));
	return good ? 1 : -1;
}

int64_t
keys_keep_open(struct keys_keep *k, int fd, struct keys_state *ks)
{
	*k = (struct keys_keep){ .fd = fd, .start = HEADER, .compact_at = LEAST };
	if (fd < 0)
		return 0;
	int had = get_header(k, ks);
	if (had == 0)
		return put_header(k, ks) ? 0 : -1;
	if (had < 0)
		return -1;
	struct psk_log log = { .p = malloc(k->n > 0 ? (size_t)k->n : 1), .n = (size_t)k->n,
	    .cap = (size_t)k->n };
	bool ok = log.p != NULL && get(fd, k->start, log.p, log.n) &&
	    psk_log_apply(view_of(log.p, log.n), ks);
	if (log.p == NULL)
		log.n = 0;
	psk_log_done(&log);
	if (!ok) {
		keys_state_psk_clear_all(ks);
		return -1;
	}
	if (k->n * 2 > k->compact_at)
		k->compact_at = k->n * 2;
	return (int64_t)keys_state_psk_count(ks);
}
