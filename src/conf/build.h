/*
 * build: what the files of the schema share.  One `struct build` lives
 * during one snapshot_build.
 */
#ifndef CONF_BUILD_H
#define CONF_BUILD_H

#include "base/arena.h"
#include "base/registry.h"
#include "conf/problem.h"
#include "conf/schema.h"
#include "conf/table.h"

/* What a section is used as; one may be used as several. */
enum kind {
	KIND_GENERAL = 1 << 0,
	KIND_PHASE1 = 1 << 1,
	KIND_PHASE2 = 1 << 2,
	KIND_KEYNOTE = 1 << 3,
	KIND_X509 = 1 << 4,
	KIND_PEER = 1 << 5,
	KIND_P1_ID = 1 << 6,
	KIND_P1_CONFIG = 1 << 7,
	KIND_P1_TRANSFORM = 1 << 8,
	KIND_LIFE = 1 << 9,
	KIND_CONNECTION = 1 << 10,
	KIND_P2_CONFIG = 1 << 11,
	KIND_SUITE = 1 << 12,
	KIND_PROTOCOL = 1 << 13,
	KIND_P2_TRANSFORM = 1 << 14,
	KIND_P2_ID = 1 << 15
};

enum {
	PEERS_MAX = 65536,
	CONNECTIONS_MAX = 65536,
	TRANSFORMS_MAX = 255,	/* the count is one octet on the wire */
	SUITES_MAX = 255,
	LIFES_MAX = 16,
	LISTEN_MAX = 256,
	SUGGESTIONS_MAX = 50,	/* they cost a search each */
	NAME_SEARCHES_MAX = 10	/* through thousands of predefined names */
};

/* Choices that are warned of; those from WEAK_OPT_IN on, with Refuse-weak all, need Allow-weak. */
enum weak {
	WEAK_3DES = 1 << 0,
	WEAK_SHA1 = 1 << 1,
	WEAK_MODP_1024 = 1 << 2,
	WEAK_MODP_1536 = 1 << 3,
	WEAK_ECP_192 = 1 << 4,
	WEAK_NO_ENCRYPTION = 1 << 5,
	WEAK_OPT_IN = 1 << 6,
	WEAK_MD5 = 1 << 6,
	WEAK_MODP_768 = 1 << 7,
	WEAK_ANY = 1 << 8,
	WEAK_DSS = 1 << 9,
	WEAK_END = 1 << 10
};

struct lives {
	struct accept	secs, kb;
	struct where	secs_where;	/* its LIFE_DURATION */
};

struct p1_config {
	uint8_t			 exchange;
	struct where		 where;		/* of the list */
	struct p1_transform	*transforms;
	size_t			 n;
	bool			 psk, offers;	/* some transform needs a PSK; can be offered */
	uint32_t		 weak;
};

struct p2_config {
	struct where	 where;		/* of the list */
	struct p2_suite	*suites;
	size_t		 n;
	bool		 mixed_groups, transport;
	uint32_t	 weak;
};

/* A suite, protocol or transform and what there is to say about it. */
struct p2_made {
	struct p2_suite		suite;
	struct p2_protocol	protocol;
	struct p2_transform	transform;
	uint32_t		weak;
	bool			good;
};

/* A section in use; what was made of it is kept, so that it is made once. */
struct sect {
	const char	 *name;
	uint32_t	  line;
	uint32_t	  kinds;	/* enum kind */
	struct peer	 *peer;
	struct connection *connection;
	bool		  is_default, default_built_in;	/* by [Phase 1]:Default */
	bool		  in_phase1;			/* by an address in [Phase 1] */
	bool		  of_connection;		/* peer of a connection */
	bool		  peer_listed;			/* in build.peers */
	bool		  listed, active;		/* in [Phase 2] */
	struct p1_config *p1;
	struct p2_config *p2;
	struct lives	 *lives;	/* of one lifetime section */
	struct p2_made	 *suite, *protocol, *transform;
};

struct sects { struct sect **v; size_t n, cap; };

struct build {
	const struct store	*store;
	const struct conf_env	*env;
	struct problems		*out;
	struct snapshot		*snap;
	struct arena		*arena;		/* the snapshot's */
	struct arena		*scratch;	/* freed with the build */
	struct table		 sections;	/* name -> struct sect */
	struct sects		 peers, connections;
	unsigned		 suggestions, name_searches;	/* made so far */
	bool			 no_memory;
	bool			 refuse_weak;	/* [General]:Refuse-weak */
};

/* Where a problem is: a value, a member of it, or a whole section (tag NULL). */
struct ref {
	const char		*section, *tag;
	struct problem_place	 place;
};

/* A text from outside, escaped, as a local `name.p`. */
#define SHOW(name, v)	STR(name, 160); str_escaped(&name, (v))

struct ref	ref_section(const struct build *, const char *section);
struct ref	ref_value(const char *section, const char *tag, const struct value *);
struct ref	ref_member(const struct build *, const char *section, const char *tag,
		    const struct value *, struct view member);
void		complain(struct build *, enum severity, struct ref, const char *suggestion,
		    const char *fmt, ...) PRINTF_LIKE(5, 6);
/* "not available in this version" */
void		not_available(struct build *, struct ref, const char *what);
void		missing_tag(struct build *, const char *section, const char *tag);
/* Tags that only sections made on demand have. */
void		on_demand_tags(struct build *, const char *section);

/* ---- sections ---- */

/* The section of that name, marked as used so; NULL and a problem if there is none. */
struct sect	*section_use(struct build *, struct ref, struct view name, enum kind);
/* As section_use, without a problem. */
struct sect	*section_mark(struct build *, struct view name, enum kind);
bool		 sects_add(struct build *, struct sects *, struct sect *);
/* The section's line, or where it is not from the file, the line that names it. */
struct where	 where_of(const struct sect *, uint32_t line);

/* The line of a tag that the file has, else 0. */
uint32_t	 line_of_tag(struct build *, const char *section, const char *tag);
/* That line; failing that, the other place. */
struct where	 where_of_tag(struct build *, const char *section, const char *tag, struct where);

/* ---- values (isakmpd-conf.md 2.1) ---- */

bool		get(struct build *, const char *section, const char *tag, struct value *ret);
bool		get_flag(struct build *, const char *section, const char *tag);
/* C atoi within bounds; `fallback` if the tag is missing or wrong. */
uint32_t	get_number(struct build *, const char *section, const char *tag,
		    uint32_t fallback, uint32_t least, uint32_t most);
bool		get_yes(struct build *, const char *section, const char *tag, bool fallback);
/* A constant, or CONF_ANY where `any`; false and a problem if it is wrong or missing. */
bool		get_constant(struct build *, const char *section, const char *tag,
		    enum registry, bool any, int32_t *ret);
/* False only with a problem; *ret is not present if the tag is missing. */
bool		get_accept(struct build *, const char *section, const char *tag,
		    struct accept *ret);
/* Warns of ends of a range that no AES key has. */
void		check_aes_range(struct build *, struct ref, const struct accept *);
bool		get_address(struct build *, const char *section, const char *tag,
		    enum family, struct addr *ret);
bool		get_netmask(struct build *, const char *section, const char *tag,
		    enum family, struct addr *ret);
bool		address_of(struct build *, struct ref, const char *text, enum family,
		    struct addr *ret);
bool		get_port(struct build *, const char *section, const char *tag, uint16_t *ret);
bool		get_protocol(struct build *, const char *section, const char *tag,
		    uint8_t *ret);
char		*keep_text(struct build *, const char *text);
void		*keep_room(struct build *, size_t n, size_t size);
void		*scratch_room(struct build *, size_t n, size_t size);
/* Walks the lists of a "Flags" tag. */
void		check_flags(struct build *, const char *section, const char *const *known,
		    size_t n, uint32_t *ret);
void		check_phase(struct build *, const struct sect *, const char *phase);
void		check_doi(struct build *, const char *section);
/* The exchange type of a configuration, 0 if missing or not usable in this phase. */
uint8_t		get_exchange(struct build *, const char *section, uint8_t wanted);
/* "Life": all lifetime sections of a transform. */
void		check_life(struct build *, const char *section);
void		get_lives(struct build *, const char *section, struct lives *ret);
/* " phase 1: 3DES, SHA1" */
void		weak_print(struct str *, uint32_t weak);

/* ---- "did you mean" ---- */

bool		may_suggest(struct build *);
/* What is odd about a name that does not exist: quotation marks, blanks, not ASCII. */
void		 advise_name(struct view, struct str *);
void		suggest_section(struct build *, struct view wanted, uint32_t kinds, struct str *);
void		suggest_constant(struct build *, struct view wanted, enum registry, struct str *);
void		suggest_of(struct build *, struct view wanted, const char *const *, size_t n,
		    struct str *);

/* ---- parts ---- */

void	build_general(struct build *);
void	build_x509(struct build *);
void	build_key_files(struct build *);
void	build_phase2(struct build *);	/* which connections, and their peers */
void	build_phase1(struct build *);	/* [Phase 1], and all peers */
void	build_connections(struct build *);
void	check_tags(struct build *);
/* "ISAKMP-peer": of the first of these kinds. */
const char *kind_name(uint32_t kinds);
struct sect *peer_use(struct build *, struct ref, const char *name);
struct p1_config *p1_config_of(struct build *, struct sect *);
/* What was made for a peer, or NULL. */
const struct p1_config *p1_config_known(const struct build *, const struct peer *);
void	warn_weak_peers(struct build *);	/* those without a connection */
struct p2_config *p2_config_of(struct build *, struct sect *);
/* Checks a list of suites without a connection. */
void	check_suites(struct build *, const char *section, const char *tag);
uint32_t group_weak(int32_t group);
uint32_t weak_refused(const struct build *, const struct peer *, uint32_t weak);
bool	p1_id(struct build *, struct sect *, bool remote, struct id *ret);
/* The text of a distinguished name, escaped, for logs; "" for other kinds. */
const char *p1_id_name(struct build *, const struct sect *, const struct id *);
bool	p2_id(struct build *, struct sect *, struct id *ret);

#endif
