/*
 * What phase 1 and phase 2 proposals share: lifetimes, and the differences
 * between an offered transform and a configured one.
 */
#ifndef IKE_PROPOSAL_H
#define IKE_PROPOSAL_H

#include "ike/internal.h"

/* Both kinds of lifetime of one transform; a duration follows its type. */
struct life {
	uint32_t	type, secs, kb;
	bool		has_secs, has_kb;
};

/* False: a duration of no known type. */
MUST_USE bool	life_read(struct life *, bool is_type, uint32_t value);
void		life_write(struct sa_wr *, uint16_t type_attr, uint16_t duration_attr,
		    enum life_type, const struct accept *);
/* Does the peer offer less than is accepted?  Too long a life is only shortened. */
bool		life_too_short(const struct life *, const struct accept *);

/*
 * How an offered transform differs from a configured one.  Peers choose how
 * many are compared, so texts are made only of the pair that is the nearest.
 */
struct difference {
	bool		wordy;
	unsigned	n;
	char		field[64], expected[200], got[200];
};

void	differ(struct difference *, const char *field, const char *expected, const char *got);
/* Numbers of a registry.  Negative `want`: any; without `present` there was no attribute. */
void	differ_name(struct difference *, enum registry, const char *field, int64_t want,
	    bool present, uint32_t got);
void	differ_range(struct difference *, const char *field, const struct accept *, uint32_t got);
bool	accepts(const struct accept *, uint32_t);
/* The draft of the record: what differs, and the line of the configured transform. */
void	difference_record(struct core *, const struct difference *, const struct where *);

#endif
