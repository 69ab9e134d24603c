#include "trust/book.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/slab.h"
#include "trust/internal.h"

/* While a line is not known. */
struct open {
	X509		*x, *issuer;	/* referenced */
	bool		 allow_weak;
	struct url	 url;
	uint8_t		 nonce[OCSP_NONCE];
	uint8_t		 request[OCSP_REQUEST_MAX];
	size_t		 n;
	struct mono	 until;
	uint64_t	 turn;		/* who came first */
	unsigned	 tries;
	bool		 asked;
};

struct line {
	struct handle	 h;
	struct book_id	 id;
	struct open	*open;		/* NULL: known */
	struct ocsp_verdict verdict;
};

struct book {
	unsigned	 timeout_s;
	struct slab	*slab;
	struct line	*line[BOOK_LINES_MAX];
	size_t		 n, n_open, n_asked;
	uint64_t	 turns;
};

struct book *
book_new(unsigned timeout_s)
{
	struct book *b = calloc(1, sizeof(*b));

	if (b == NULL)
		return NULL;
	b->timeout_s = timeout_s;
	b->slab = slab_new(sizeof(struct line), BOOK_LINES_MAX);
	if (b->slab == NULL) {
		free(b);
		return NULL;
	}
	return b;
}

static void
open_end(struct book *b, struct line *l)
{
	struct open *o = l->open;

	if (o == NULL)
		return;
	b->n_open--;
	b->n_asked -= o->asked;
	X509_free(o->x);
	X509_free(o->issuer);
	free(o);
	l->open = NULL;
}

void
book_free(struct book *b)
{
	if (b == NULL)
		return;
	for (size_t i = 0; i < b->n; i++)
		open_end(b, b->line[i]);
	slab_free(b->slab);
	free(b);
}

/* ---- lines ---- */

/* Two issuers of one name, and two opinions about weak signatures, are different lines. */
bool
book_id_of(const X509 *x, const X509 *issuer, bool allow_weak, struct book_id *ret)
{
	uint8_t both[2 * EVP_MAX_MD_SIZE + 1] = { allow_weak };
	unsigned n = 0, m = 0;

	return X509_digest(x, EVP_sha256(), both + 1, &n) == 1 &&
	    X509_digest(issuer, EVP_sha256(), both + 1 + n, &m) == 1 &&
	    EVP_Digest(both, 1 + n + m, ret->b, NULL, EVP_sha256(), NULL) == 1;
}

static struct line *
find(const struct book *b, const struct book_id *id)
{
	for (size_t i = 0; i < b->n; i++)
		if (memcmp(b->line[i]->id.b, id->b, BOOK_ID) == 0)
			return b->line[i];
	return NULL;
}

static void
remove_at(struct book *b, size_t i)
{
	struct line *l = b->line[i];

	open_end(b, l);
	b->line[i] = b->line[--b->n];
	slab_remove(b->slab, l->h);
}

/* Room for one more: the known one that ends first makes it. */
static bool
make_room(struct book *b)
{
	size_t oldest = b->n;

	if (b->n < BOOK_LINES_MAX)
		return true;
	for (size_t i = 0; i < b->n; i++)
		if (b->line[i]->open == NULL && (oldest == b->n ||
		    b->line[i]->verdict.until < b->line[oldest]->verdict.until))
			oldest = i;
	if (oldest == b->n)
		return false;
	remove_at(b, oldest);
	return true;
}

const struct ocsp_verdict *
book_find(struct book *b, const struct book_id *id, int64_t now, bool *ret_open)
{
	struct line *l = find(b, id);

	*ret_open = l != NULL && l->open != NULL;
	if (l == NULL || l->open != NULL)
		return NULL;
	/* A clock that was set back by hours makes no answer last for ever. */
	if (l->verdict.until > now && l->verdict.until <= now + OCSP_KEEP_S + OCSP_TOLERANCE_S)
		return &l->verdict;
	for (size_t i = 0; i < b->n; i++)
		if (b->line[i] == l) {
			remove_at(b, i);
			break;
		}
	return NULL;
}

static struct open *
open_new(struct book *b, const X509 *x, const X509 *issuer, bool allow_weak,
    const struct url *url, struct mono at)
{
	struct open *o = calloc(1, sizeof(*o));

	if (o == NULL)
		return NULL;
	if (!ocsp_request(x, issuer, o->nonce, o->request, &o->n) ||
	    X509_up_ref((X509 *)(uintptr_t)x) != 1) {
		free(o);
		return NULL;
	}
	o->x = (X509 *)(uintptr_t)x;
	if (X509_up_ref((X509 *)(uintptr_t)issuer) == 1)
		o->issuer = (X509 *)(uintptr_t)issuer;
	o->allow_weak = allow_weak;
	o->url = *url;
	o->until = mono_add(at, span_s(b->timeout_s));
	o->turn = b->turns++;
	return o;
}

bool
book_want(struct book *b, const struct book_id *id, const X509 *x, const X509 *issuer,
    bool allow_weak, const struct url *url, struct mono at)
{
	struct handle h;
	struct open *o = make_room(b) ? open_new(b, x, issuer, allow_weak, url, at) : NULL;
	struct line *l = o == NULL ? NULL : slab_add(b->slab, &h);

	if (l == NULL) {
		if (o != NULL) {
			X509_free(o->x);
			X509_free(o->issuer);
			free(o);
		}
		return false;
	}
	*l = (struct line){ .h = h, .id = *id, .open = o };
	b->line[b->n++] = l;
	b->n_open++;
	return true;
}

unsigned
book_timeout(const struct book *b)
{
	return b->timeout_s;
}

/* ---- fetching ---- */

bool
book_next(struct book *b, struct mono at, struct book_question *ret)
{
	struct line *first = NULL;

	if (b->n_asked >= BOOK_AT_ONCE || b->n_asked == b->n_open)
		return false;
	for (size_t i = 0; i < b->n; i++) {
		const struct open *o = b->line[i]->open;

		if (o != NULL && !o->asked && !mono_reached(at, o->until) &&
		    (first == NULL || o->turn < first->open->turn))
			first = b->line[i];
	}
	if (first == NULL)
		return false;
	struct open *o = first->open;
	o->asked = true;
	o->tries++;
	b->n_asked++;
	*ret = (struct book_question){ .token = handle_u64(first->h), .url = &o->url,
	    .body = view_of(o->request, o->n), .left_ms = mono_since(o->until, at).us / 1000 };
	return true;
}

static struct line *
asked(const struct book *b, uint64_t token)
{
	struct line *l = slab_find(b->slab, handle_of_u64(token));

	return l != NULL && l->open != NULL && l->open->asked ? l : NULL;
}

static void
give_up(struct book *b, struct line *l, const char *reason, int64_t now)
{
	ocsp_no_answer(&l->open->url, reason, b->timeout_s, now, &l->verdict);
	open_end(b, l);
}

void
book_answer(struct book *b, uint64_t token, struct view answer, int64_t now)
{
	struct line *l = asked(b, token);

	if (l == NULL)
		return;
	struct open *o = l->open;
	if (o->issuer == NULL) {
		give_up(b, l, "out of memory", now);
		return;
	}
	ocsp_judge(o->x, o->issuer, o->nonce, o->allow_weak, &o->url, answer, now, &l->verdict);
	open_end(b, l);
}

void
book_failed(struct book *b, uint64_t token, const char *reason, int64_t now)
{
	struct line *l = asked(b, token);

	if (l != NULL)
		give_up(b, l, reason, now);
}

void
book_fetch_gone(struct book *b, int64_t now)
{
	for (size_t i = 0; i < b->n; i++) {
		struct open *o = b->line[i]->open;

		if (o == NULL || !o->asked)
			continue;
		if (o->tries >= 2) {
			give_up(b, b->line[i], "the process that fetches ended twice", now);
			continue;
		}
		o->asked = false;
		b->n_asked--;
	}
}

struct mono
book_expire(struct book *b, struct mono at, int64_t now)
{
	struct mono next = MONO_NEVER;

	for (size_t i = 0; b->n_open > 0 && i < b->n; i++) {
		const struct open *o = b->line[i]->open;

		if (o == NULL)
			continue;
		if (!mono_reached(at, o->until))
			next = mono_min(next, o->until);
		else
			give_up(b, b->line[i], o->asked ? "it took too long" :
			    "nobody had time to fetch it", now);
	}
	return next;
}

bool
book_settled(const struct book *b, const struct book_wants *w)
{
	for (size_t i = 0; i < w->n; i++) {
		const struct line *l = find(b, &w->id[i]);

		if (l != NULL && l->open != NULL)
			return false;
	}
	return true;
}
