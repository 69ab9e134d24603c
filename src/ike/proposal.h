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
	struct where	where;		/* of the first difference */
};

void	differ(struct difference *, const char *field, struct where, const char *expected,
	    const char *got);
/* Numbers of a registry.  Negative `want`: any; without `present` there was no attribute. */
void	differ_name(struct difference *, enum registry, const char *field, struct where,
	    int64_t want, bool present, uint32_t got);
void	differ_range(struct difference *, const char *field, struct where, const struct accept *,
	    uint32_t got);
void	differ_number(struct difference *, const char *field, struct where, uint32_t want,
	    uint32_t got);
/* An attribute that nobody wants here, or a life type that is none. */
void	differ_strange(struct difference *, enum registry, uint16_t type, bool is_life,
	    uint32_t value, struct where);
bool	accepts(const struct accept *, uint32_t);
/* The draft of the record: what differs, and where that is configured. */
void	difference_record(struct core *, const struct difference *);
/*
 * The draft for an SA payload in which nothing could be compared: what in it
 * is not as it must be, of proposals of this protocol.  `one`: a choice, or
 * phase 1, has one proposal only.
 */
void	sa_draft(struct core *, struct view sa_body, uint8_t protocol, bool one,
	    const struct where *);

#endif
