/*
 * sandbox: takes everything away from the calling process that its role does
 * not need.  One file per platform (sandbox_linux.c).  What could not be
 * taken away, and is not required, is named in the notes for the log.
 */
#ifndef OS_SANDBOX_H
#define OS_SANDBOX_H

#include <stdbool.h>

#include "base/str.h"

enum sandbox_profile {
	SANDBOX_MONITOR,	/* seccomp only: no ptrace, no modules, no new programs by others */
	SANDBOX_IKE,		/* datagrams on given sockets */
	SANDBOX_KEYS,		/* memory and threads */
	SANDBOX_KERN,		/* netlink; keeps CAP_NET_ADMIN */
	SANDBOX_ESP,		/* given sockets and the TUN device; threads */
	SANDBOX_TRUST,		/* memory, and reading what it is given */
	SANDBOX_FETCH,		/* TCP to anywhere, and the sockets it has */
	SANDBOX_MAX
};

struct sandbox_want {
	enum sandbox_profile profile;
	const char	*account;	/* "_isakmpd" */
	bool		 seccomp;	/* false: a sanitizer build, or the operator said so */
};

/*
 * Enters it; there is no way back.  False: a required fence is missing, error
 * says which; the process must end.
 */
MUST_USE bool	sandbox_enter(const struct sandbox_want *, struct str *notes, struct str *error);
/* Whether this process has only one user id it can be (user namespace). */
bool		sandbox_single_user(void);

#endif
