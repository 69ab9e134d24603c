/*
 * The back end that uses the kernel's own ESP (Linux, XFRM).  What it puts
 * there is known by the reqid of its SAs and of its policies' templates: all
 * of them lie in a range of ours, and nothing outside it is ever changed or
 * removed.  Other key daemons on the machine count their reqids up from 1 or
 * from 16384.
 */
#ifndef KERN_XFRM_H
#define KERN_XFRM_H

#include "kern/backend.h"

extern const struct backend_ops xfrm_ops;

/*
 * Removes the SAs of an earlier run.  Its policies stay in force until they
 * are wanted again or xfrm_settled.  shared: they may be those of another
 * daemon that runs, so none is removed, and policies that are the same are used
 * together.  NULL with the reason.
 */
struct backend	*xfrm_new(const uint8_t hash_key[16], bool shared, struct str *error);
/* Removes policies of an earlier run that nothing asked for again; how many. */
unsigned	 xfrm_settled(struct backend *);

#endif
