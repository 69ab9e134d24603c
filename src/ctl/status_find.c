#include "ctl/status_find.h"

#include <stdlib.h>
#include <strings.h>

/* By name; of two of one name the one that was not replaced comes first. */
static int
by_name(const void *a, const void *b)
{
	const struct ctl_sa *x = *(const struct ctl_sa *const *)a;
	const struct ctl_sa *y = *(const struct ctl_sa *const *)b;
	int order = strcasecmp(x->name, y->name);
	int old_x = (x->flags & CTL_SA_REPLACED) != 0, old_y = (y->flags & CTL_SA_REPLACED) != 0;

	return order != 0 ? order : old_x - old_y;
}

void
status_find_begin(struct status_find *f, const struct ctl_status *st)
{
	*f = (struct status_find){ .st = st };
	if (st->n_sas == 0)
		return;
	f->sas = malloc(st->n_sas * sizeof(*f->sas));
	if (f->sas == NULL)
		return;
	for (size_t i = 0; i < st->n_sas; i++)
		if (st->sas[i].phase == 2 && (st->sas[i].flags & CTL_SA_READY) != 0)
			f->sas[f->n++] = &st->sas[i];
	qsort(f->sas, f->n, sizeof(*f->sas), by_name);
}

void
status_find_end(struct status_find *f)
{
	free(f->sas);
	*f = (struct status_find){ 0 };
}

const struct ctl_sa *
status_sa_of(const struct status_find *f, const struct ctl_connection *c)
{
	size_t low = 0, high = f->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcasecmp(f->sas[middle]->name, c->name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < f->n && text_same(f->sas[low]->name, c->name) ? f->sas[low] : NULL;
}

bool
status_is_done(const struct ctl_exchange *x)
{
	return text_same(x->state, "done");
}

const struct ctl_exchange *
status_exchange_of(const struct ctl_status *st, const struct ctl_connection *c)
{
	for (size_t i = 0; i < st->n_exchanges; i++) {
		const struct ctl_exchange *x = &st->exchanges[i];

		if (!status_is_done(x) && text_same(x->name, x->phase == 1 ? c->peer : c->name))
			return x;
	}
	return NULL;
}

/* "192.0.2.7:500 (NAME)" */
static bool
is_of_peer(const char *text, const char *name)
{
	STR(want, SA_NAME_MAX + 4);
	size_t n = strlen(text);

	if (*name == '\0')
		return false;
	str_add(&want, "(");
	str_escaped(&want, view_str(name));
	str_add(&want, ")");
	return n >= want.len && strcmp(text + n - want.len, want.p) == 0;
}

const struct ctl_failure *
status_failure_of(const struct ctl_status *st, const struct ctl_connection *c)
{
	for (size_t i = 0; i < st->n_failures; i++) {
		const struct ctl_failure *f = &st->failures[i];

		if (text_same(f->connection, c->name) ||
		    (f->connection[0] == '\0' && is_of_peer(f->peer, c->peer)))
			return f;
	}
	return NULL;
}
