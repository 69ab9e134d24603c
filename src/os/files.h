/*
 * files: what the monitor does with the file system.  Output files live in
 * one directory that is opened once; each is written to a temporary file and
 * renamed, so that readers never see a part of one.  (isakmpd.md 3.3, 5)
 */
#ifndef OS_FILES_H
#define OS_FILES_H

#include <stdint.h>

#include "base/str.h"

int	files_directory(const char *path, struct str *error);
/*
 * True if `path` names an entry of the open directory itself, by whatever way
 * it is written ("/var/run" may be a link); *ret_name is the entry's name.
 */
bool	files_within(int directory, const char *path, const char **ret_name);

/*
 * Opens a configuration file for reading.  It must be a regular file that
 * belongs to root or to us, with no rights for anybody else; -1 with the
 * reason, *ret_missing if it just does not exist.
 */
int	files_open_secret(const char *path, bool *ret_missing, struct str *error);

/*
 * Keys and certificates.  They must lie, links followed, below one of the
 * roots (those that do not exist do not count).
 */
enum files_rule {
	FILES_RULE_SECRET,	/* as files_open_secret */
	FILES_RULE_TRUSTED	/* not writable by group or others: who writes it grants trust */
};

/* Opens one for reading; -1 with the reason in error. */
int	files_open_below(const char *path, const char *const *roots, size_t n_roots,
	    enum files_rule, bool *ret_missing, struct str *error);

struct file_list {
	char	**name;
	size_t	  n;
};

enum { FILES_LIST_MAX = 100 * 1000 };

/*
 * Adds the entries of a directory, sorted, each as prefix and name; those that
 * begin with a dot are left out.  False: it cannot be read (error says why,
 * or *ret_missing), or there is no memory.
 */
MUST_USE bool	files_list(const char *directory, const char *prefix, struct file_list *,
		    bool *ret_missing, struct str *error);
void	file_list_done(struct file_list *);

/* A new file 0600 that will become `name`; -1 with errno. */
int	files_begin(int directory, const char *name);
/* Renames it into place, or removes it. */
MUST_USE bool	files_commit(int directory, const char *name);
void	files_abort(int directory, const char *name);
/* Opens `name` for appending, creating it 0600; it must be a regular file. */
int	files_append(int directory, const char *name);

/* Makes the FIFO and opens it (read-write, so there is never an end of file). */
int	files_fifo(const char *path, struct str *error);
/* A file that is in memory only and has no name in any directory; -1 with errno. */
int	files_memory(const char *label);
/* Writes the PID and a newline. */
MUST_USE bool	files_pid(int directory, const char *name, int pid);

#endif
