/*
 * The key files of the operator, as the keys role gets them: `ike` says which
 * (MSG_KEY_FILES), the monitor hands over descriptors, and what can be read
 * of them becomes a new ring.  Until it is whole, the old one serves.
 */
#ifndef ROLE_KEYS_FILES_H
#define ROLE_KEYS_FILES_H

#include "role/keyring.h"
#include "role/role.h"

enum { KEY_PATH_ROOM = 256 };

struct key_paths {
	char	private_key[KEY_PATH_ROOM];	/* one file */
	char	private_folder[KEY_PATH_ROOM];	/* named by our IDs */
	char	public_folder[KEY_PATH_ROOM];	/* ipv4/, fqdn/, ... */
};

void		key_paths_encode(struct wr *, const struct key_paths *);
MUST_USE bool	key_paths_decode(struct rd *, struct key_paths *ret);

struct keys_files {
	struct role_ctx	*ctx;
	void		(*done)(void *self, struct keyring *);	/* takes the ring */
	void		*self;
	struct key_paths paths, next;
	struct keyring	*loading;	/* NULL: nothing is being read */
	bool		 again;		/* read once more when this is over */
	uint8_t		 kind;		/* enum files_kind at hand */
};

void		keys_files_free(struct keys_files *);
/* MSG_KEY_FILES: begins to read, or will when what is being read is over. */
MUST_USE bool	keys_files_wanted(struct keys_files *, struct rd *);
/* MSG_FILE, MSG_FILES_MORE, MSG_FILES_END of the monitor; false: out of order. */
MUST_USE bool	keys_files_message(struct keys_files *, struct channel_in *);

#endif
