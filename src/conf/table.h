/* table: names, compared ignoring ASCII case, to pointers. */
#ifndef CONF_TABLE_H
#define CONF_TABLE_H

#include "base/util.h"
#include "base/view.h"

struct table {
	struct table_slot	*v;
	size_t			 size, n;
};

void		 table_done(struct table *);	/* accepts a zeroed one, which is empty */
/* The key is borrowed and must not be there yet; false without memory.  Never
 * fails where as many entries were in the table before. */
MUST_USE bool	 table_put(struct table *, const char *key, void *value);
void		*table_get(const struct table *, struct view key);
void		 table_remove(struct table *, const char *key);

#endif
