/*
 * kern_state: what the `kern` role does, without its loop: the SAs and flows
 * as we mean them to be, on top of a back end.
 *
 * An install is all or nothing: inbound first, then outbound, then the flow;
 * each SA is read back and compared with the intent (security R3), and at
 * the first difference everything of this ask is taken back.  Flows are
 * counted, for the SAs of a rekey share one.
 *
 * Keys pass through to the back end and are not kept: an SA is never
 * installed a second time.  A data plane that lost its SAs starts counting
 * anew, and the same key with the same IVs again would break AES-GCM and CTR
 * (RFC 4106 section 3).  So after KERN_GONE only flows are placed again,
 * which keeps clear text in, and the core negotiates new SAs.
 */
#ifndef KERN_STATE_H
#define KERN_STATE_H

#include "kern/backend.h"

enum { KERN_HELD_MAX = 1 << 17, KERN_RESERVED_MAX = 1 << 16 };

struct kern_state;

/* Owns the back end from now on, also when it fails; NULL without memory. */
struct kern_state *kern_state_new(struct backend *, const uint8_t hash_key[16]);
/* withdraw: delete all SAs and flows in the back end first; else flows stay in force. */
void		 kern_state_free(struct kern_state *, bool withdraw);
/* Always fills in *ret: every ask has exactly one answer. */
void		 kern_state_ask(struct kern_state *, const struct kern_ask *,
		    struct kern_answer *ret);
/*
 * The next event of the back end, after what must be done about it; false if
 * none waits.  KERN_LOST: of the pair only the flow is left.  KERN_FLOW_LOST:
 * kern_state_reinstall is due.
 */
bool		 kern_state_event(struct kern_state *, struct kern_event *ret);
/* What another program did, as a line for the log about the last ask or event; "": nothing. */
const char	*kern_state_said(const struct kern_state *);
/*
 * The next events tell what differs from the intent among 1/share of all pairs
 * and flows, each time others than before, where anybody else can change them.
 */
void		 kern_state_look(struct kern_state *, unsigned share);
/*
 * Places again the flows that the back end does not have now; how many it
 * still does not have.  detail: the last refusal.  To be called from time to
 * time while the number is not 0.
 */
unsigned	 kern_state_reinstall(struct kern_state *, struct str *detail);

/*
 * The core was started anew and knows of nothing: SAs and reserved SPIs go,
 * flows stay for the time being, so that nothing passes in clear meanwhile.
 */
void		 kern_state_abandon(struct kern_state *);
/*
 * After KERN_GONE or kern_state_abandon the core installs again what it still
 * wants.  This removes the flows that it did not ask for again; how many ids.
 */
unsigned	 kern_state_settle(struct kern_state *);

struct backend	*kern_state_backend(const struct kern_state *);

struct kern_state_counts {
	unsigned	held;		/* ids that have something installed */
	unsigned	flows, flows_missing;
	unsigned	reserved;	/* SPIs handed out, not installed yet */
};
struct kern_state_counts kern_state_count(const struct kern_state *);

#endif
