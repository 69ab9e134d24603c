/*
 * Who may say what to whom: one table per pair of roles.
 *
 *	monitor -- every role	start, descriptors, signals, files, log
 *	ike -- keys		base/ask.h keys_ask and keys_answer; configuration text
 *	ike -- kern		base/ask.h kern_ask, kern_answer, kern_event
 *	kern -- esp		calls and replies of the user back end
 *	ike -- trust		base/trust_ask.h trust_ask and trust_answer; what to load
 *	trust -- fetch		role/fetch_msg.h: what to get from a web server
 */
#ifndef ROLE_MESSAGES_H
#define ROLE_MESSAGES_H

#include "ipc/channel.h"

enum role { ROLE_MONITOR = 0, ROLE_IKE, ROLE_KEYS, ROLE_KERN, ROLE_ESP, ROLE_TRUST, ROLE_FETCH,
	ROLE_MAX };

const char	*role_name(enum role);
/* ROLE_MAX if there is no role of that name. */
enum role	 role_of_name(const char *);
/* The table of a pair, and the side `mine` has on it; NULL if they do not talk. */
const struct channel_table *role_table(enum role mine, enum role other,
		    enum channel_side *ret_mine);

/* monitor (A) -- role (B) */
enum {
	/* A -> B */
	MSG_OPTIONS = 1,	/* options_encode; once */
	MSG_FD,			/* u8 enum role_fd + fd */
	MSG_LINK,		/* u8 enum role + fd: a new channel to that role */
	MSG_GO,			/* everything is there: prepare and enter the sandbox */
	MSG_SIGNAL,		/* u8 signal number (to ike): SIGTERM, SIGINT, SIGHUP, SIGUSR1 */
	MSG_CONF_FILE,		/* to keys + fd of the configuration: read it, pass it on redacted.
				 * Body: file name for messages */
	MSG_CONF_NONE,		/* to keys: the file cannot be read; body: why, as text */
	/* B -> A */
	MSG_LOG,		/* i8 class, u8 level, text; or text, 0, fields as for log_record */
	MSG_READY,		/* sandbox entered; once; ends the start */
	MSG_BROKEN,		/* u8 role that broke its contract, text: end it */
	MSG_CONF_WANTED,	/* ike: (re)read the configuration: CONF_FILE goes to keys */
	MSG_RESULT_BEGIN,	/* ike: u8 enum out_file: a new temporary file */
	MSG_RESULT_DATA,	/* u8 enum out_file, octets */
	MSG_RESULT_END,		/* u8 enum out_file: rename it into place */
	MSG_KEYLOG,		/* ike: one line for the key file */
	MSG_DONE,		/* ike: shutdown is complete; the monitor ends everything */
	MSG_FATAL,		/* the role cannot start or go on: text; the daemon ends with exit 1 */
	/* both ways */
	MSG_LEVELS,		/* levels_encode: from ike (FIFO D, the file), then on to all roles */
	/* B -> A */
	MSG_CAPTURE_START,	/* ike: path, or nothing for the last one or the default */
	MSG_CAPTURE_STOP,	/* ike */
	MSG_CAPTURE,		/* ike: one record, as it goes into the file */
	/* A -> B */
	MSG_CAPTURE_STATE,	/* to ike: u8 1: records are wanted; 0: no more */
	MSG_WITHDRAW,		/* to kern: the end that follows was ordered: flows go, too */
	/*
	 * Files of the operator, for the roles that read keys and certificates
	 * (doc/decisions/0012): FILES_WANTED, then FILE*, FILES_MORE answered by
	 * FILES_NEXT, FILE*, ... and FILES_END.  One request at a time.
	 */
	/* B -> A */
	MSG_FILES_WANTED,	/* u8 enum files_kind, path */
	MSG_FILES_NEXT,		/* after MSG_FILES_MORE: go on */
	/* A -> B */
	MSG_FILE,		/* u8 enum files_kind, name below the path + fd */
	MSG_FILES_MORE,
	MSG_FILES_END,		/* u8 enum files_kind, u8 enum files_result, why as text */
	/* B -> A */
	MSG_FETCH_WANTED	/* ike: u8 1: fetch is to run, anew if it does; 0: it is not */
};

/* What a request is for; the monitor knows which role may make it. */
enum files_kind {
	FILES_PRIVATE_KEY = 1,	/* keys: one file; its name is empty */
	FILES_PRIVATE_DIR,	/* keys: the files of a folder */
	FILES_PUBKEYS,		/* keys: those of its sub-folders: ipv4, fqdn, asn1_dn, ... */
	FILES_CA, FILES_CERTS, FILES_CRLS,	/* trust: the files of a folder */
	FILES_KIND_MAX
};

enum files_result {
	FILES_ALL = 0,		/* what could not be given has been logged */
	FILES_MISSING,		/* there is no such file or folder */
	FILES_REFUSED,		/* the text says why */
	FILES_RESULT_MAX
};

enum out_file { OUT_RESULT = 1, OUT_REPORT, OUT_FAILED, OUT_END };

/* ike (A) -- keys (B) */
enum {
	/* A -> B */
	MSG_KEYS_ASK = 1,	/* keys_ask */
	MSG_PSK_SET,		/* u16 n, section, then the new Authentication value (C set);
				 * an empty value removes it */
	/* B -> A */
	MSG_KEYS_ANSWER,	/* keys_answer */
	MSG_CONF_BEGIN,		/* u32 octets of the text that follows; file name for messages */
	MSG_CONF_TEXT,		/* a piece of the configuration, Authentication values hidden */
	MSG_CONF_END,		/* u8 1: complete; 0: failed, then text: why */
	MSG_PSK_INFO,		/* u16 n, section, u16 octets, u16 line, u8 weak, u64 mark: a key
				 * that is held; the mark changes when the key does */
	/* A -> B */
	MSG_CONF_TAKE,		/* after CONF_END: u8 1: the keys of that file count from now on;
				 * 0: the configuration was refused, forget them */
	MSG_KEY_FILES,		/* key_paths: read these, again if they are the same */
	MSG_KEY_WANTED,		/* identity_ask: is there a private key for it? */
	/* B -> A */
	MSG_KEY_HELD		/* identity_answer, when the files are read */
};

/* ike (A) -- kern (B) */
enum {
	MSG_KERN_ASK = 1,	/* A -> B: kern_ask */
	MSG_KERN_ANSWER,	/* B -> A: kern_answer */
	MSG_KERN_EVENT,		/* B -> A: kern_event */
	MSG_KERN_BACKEND,	/* B -> A: name of the chosen back end, 0, why others were not */
	MSG_KERN_KEEP		/* A -> B: what the kernel holds is to stay at the end (-S, Delete-SAs=no) */
};

/* ike (A) -- trust (B) */
enum {
	MSG_TRUST_ASK = 1,	/* A -> B: trust_ask */
	MSG_TRUST_CONF,		/* A -> B: trust_conf: load these, again if they are the same */
	MSG_TRUST_ANSWER,	/* B -> A: trust_answer */
	MSG_TRUST_STATE		/* B -> A: trust_state: they are loaded */
};

/* trust (A) -- fetch (B) */
enum {
	MSG_FETCH_ASK = 1,	/* A -> B: fetch_ask */
	MSG_FETCH_ANSWER	/* B -> A: fetch_answer */
};

/* kern (A) -- esp (B): bodies are those of base/esp_msg.h */
enum {
	MSG_ESP_ASK = 1,	/* A -> B: esp_ask */
	MSG_ESP_ANSWER,		/* B -> A: esp_answer */
	MSG_ESP_EVENT		/* B -> A: esp_event */
};

#endif
