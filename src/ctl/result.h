/*
 * The SA table of FIFO `S` and the report of FIFO `r` and SIGUSR1, as text.
 * Values in, text out; there is no member that could hold a key.
 * isakmpd.md sections 7.1 to 7.3.
 */
#ifndef CTL_RESULT_H
#define CTL_RESULT_H

#include "base/sa_spec.h"
#include "base/str.h"

enum ctl_sa_flag {
	CTL_SA_READY = 0x001,
	CTL_SA_STAY_ALIVE = 0x002,
	CTL_SA_ON_DEMAND = 0x004,
	CTL_SA_REPLACED = 0x008,
	CTL_SA_FADING = 0x010,
	CTL_SA_ACTIVE_ONLY = 0x020,
	CTL_SA_IKECFG = 0x040,
	CTL_SA_DPD = 0x080,
	CTL_SA_NAT_T = 0x100,
	CTL_SA_NAT_KEEPALIVE = 0x200
};

/* Seconds until a timer fires; not armed, or past when negative. */
struct ctl_timer {
	bool	armed;
	int64_t	secs;
};

struct ctl_sa {
	int		phase;			/* 1 or 2 */
	bool		initiator;
	char		name[SA_NAME_MAX];
	struct endpoint	local, remote;		/* FAMILY_NONE: no transport yet */
	uint32_t	life_secs, life_kb;
	struct ctl_timer soft, hard;
	uint32_t	flags;			/* enum ctl_sa_flag */
	uint8_t		cookies[16];		/* phase 2: of its ISAKMP SA */
	uint32_t	message_id;
	struct id	local_id, remote_id;
	const char	*local_name, *remote_name;	/* of IDs that are distinguished names; else NULL */
	/* phase 1 */
	uint8_t		cipher, hash, auth;	/* enum cipher, hash_alg, auth_method */
	uint16_t	group, key_bits;
	/* phase 2 */
	struct sa_suite	suite;
	uint32_t	spi_out, spi_in;	/* 0: not known yet */
	uint16_t	pfs_group;
	struct flow	flow;
	bool		has_usage;
	struct sa_usage	usage;
};

/* An identity by its name, else as id_print has it. */
void		ctl_id_print(struct str *, const struct id *, const char *name);

enum { RESULT_SA_MAX = 2048, REPORT_ITEM_MAX = 8192 };

/* One block of the table and its empty line; RESULT_SA_MAX octets suffice. */
void		result_sa(struct str *, const struct ctl_sa *);

struct ctl_exchange {
	int		phase;
	uint8_t		type;			/* enum exchange_type */
	bool		initiator;
	char		name[SA_NAME_MAX];
	char		policy[SA_NAME_MAX];	/* its Configuration; "" where there is none */
	char		state[32];
	struct endpoint	local, remote;
	uint8_t		cookies[16];
	uint32_t	message_id;
	struct ctl_timer deadline;
};

struct ctl_transport {
	int		fd;
	struct endpoint	local;
	bool		encap;
};

struct ctl_connection {
	char		name[SA_NAME_MAX];
	char		peer[SA_NAME_MAX];
	bool		active, passive, up;
	struct ctl_timer check;
	struct id	local_id, remote_id;
};

/*
 * Parts of the report: lines that end with a newline.  SAs, exchanges and
 * transports are told by a number, never by an address in memory.
 */
void		report_sa(struct str *, unsigned number, const struct ctl_sa *);
void		report_exchange(struct str *, unsigned number, const struct ctl_exchange *);
void		report_transport(struct str *, unsigned number, const struct ctl_transport *);
void		report_connection(struct str *, const struct ctl_connection *);
void		report_timer(struct str *, const char *event, unsigned number,
		    const struct ctl_timer *);
/* "conf_report: dumping running configuration" */
void		report_conf_begin(struct str *);
void		report_conf_section(struct str *, const char *section, bool first);
/* A value that is a key is told by its length only. */
void		report_conf_value(struct str *, const char *tag, const char *value);

#endif
