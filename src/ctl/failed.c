#include "ctl/failed.h"

#include <stdlib.h>
#include <string.h>

struct failed_item {
	struct failed_item	*next;
	struct failed_key	 key;
	size_t			 n;
	uint8_t			 record[];
};

static bool
same(const struct failed_key *a, const struct failed_key *b)
{
	return a->message_id == b->message_id &&
	    memcmp(a->icookie, b->icookie, sizeof(a->icookie)) == 0;
}

static void
push(struct failed_list *l, struct failed_item *i)
{
	if (l->tail == NULL)
		l->tail = &l->first;
	i->next = NULL;
	*l->tail = i;
	l->tail = &i->next;
	l->octets += i->n;
}

/* Takes the item out that *at points to. */
static struct failed_item *
pull(struct failed_list *l, struct failed_item **at)
{
	struct failed_item *i = *at;

	*at = i->next;
	if (i->next == NULL)
		l->tail = at;
	l->octets -= i->n;
	return i;
}

static void
drop_first(struct failed_list *l)
{
	free(pull(l, &l->first));
}

void
failed_done(struct failed *f)
{
	while (f->recent.first != NULL)
		drop_first(&f->recent);
	while (f->kept.first != NULL)
		drop_first(&f->kept);
	*f = (struct failed){ 0 };
}

void
failed_message(struct failed *f, const struct failed_key *key, struct view record)
{
	if (record.n > FAILED_RECENT_MAX)
		return;
	while (f->recent.first != NULL && record.n > FAILED_RECENT_MAX - f->recent.octets)
		drop_first(&f->recent);
	struct failed_item *i = malloc(sizeof(*i) + record.n);
	if (i == NULL)
		return;
	i->key = *key;
	i->n = record.n;
	memcpy(i->record, record.p, record.n);
	push(&f->recent, i);
}

/* The oldest failed negotiation goes as a whole: half of one explains nothing. */
static void
drop_oldest(struct failed *f)
{
	struct failed_key key = f->kept.first->key;

	while (f->kept.first != NULL && same(&f->kept.first->key, &key))
		drop_first(&f->kept);
	f->negotiations--;
}

void
failed_mark(struct failed *f, const struct failed_key *key)
{
	struct failed_item **at = &f->recent.first;
	/* It may fail more than once: then that is still one. */
	bool any = false, again = f->kept.first != NULL && same(&f->last, key);

	while (*at != NULL) {
		if (!same(&(*at)->key, key)) {
			at = &(*at)->next;
			continue;
		}
		push(&f->kept, pull(&f->recent, at));
		any = true;
	}
	if (any && !again)
		f->negotiations++;
	if (any)
		f->last = *key;
	while (f->negotiations > FAILED_NEGOTIATIONS ||
	    (f->kept.octets > FAILED_KEPT_MAX && f->negotiations > 0))
		drop_oldest(f);
}

void
failed_each(const struct failed *f, void (*each)(void *, struct view), void *self)
{
	for (const struct failed_item *i = f->kept.first; i != NULL; i = i->next)
		each(self, view_of(i->record, i->n));
}
