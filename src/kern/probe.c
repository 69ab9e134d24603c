#include "kern/probe.h"

#include "kern/none.h"
#include "kern/user.h"
#include "kern/xfrm.h"

const struct backend_ops *const kern_backends[] = {
	&xfrm_ops,
	&user_ops,
	&none_ops,
	NULL
};

static bool
works(const struct backend_ops *ops, struct str *detail)
{
	return ops->probe(detail) == WHY_NONE;
}

static const struct backend_ops *
probe_named(const struct backend_ops *const *list, const char *wanted, struct str *said)
{
	for (size_t i = 0; list[i] != NULL; i++) {
		STR(detail, 160);

		if (!text_same(list[i]->name, wanted))
			continue;
		bool ok = works(list[i], &detail);
		if (ok)
			str_add(said, "asked for");
		else
			str_addf(said, "%s was asked for, but: %s", list[i]->name, detail.p);
		return ok ? list[i] : NULL;
	}
	str_add(said, "no back end is called ");
	str_escaped(said, view_str(wanted));
	str_add(said, "; there are:");
	for (size_t i = 0; list[i] != NULL; i++)
		str_addf(said, " %s", list[i]->name);
	return NULL;
}

const struct backend_ops *
kern_probe(const struct backend_ops *const *list, const char *wanted, struct str *said)
{
	STR(refused, 480);

	if (wanted != NULL && wanted[0] != '\0')
		return probe_named(list, wanted, said);
	for (size_t i = 0; list[i] != NULL && list[i] != &none_ops; i++) {
		STR(detail, 160);

		if (works(list[i], &detail)) {
			str_add(said, refused.p);
			return list[i];
		}
		str_addf(&refused, "%s%s: %s", refused.len > 0 ? "; " : "", list[i]->name, detail.p);
	}
	str_addf(said, "no back end works here (%s)", refused.p);
	return NULL;
}
