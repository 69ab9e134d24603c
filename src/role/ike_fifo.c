/* Orders from the FIFO, isakmpd.md section 6. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "role/ike_internal.h"

enum { READ = 16384, MOST_PER_WAKEUP = 64 * 1024 };

static void
complain(struct ike *ike, const char *text)
{
	role_log_text(ike->ctx, ROLE_LOG_ERROR, 0, text);
}

/* A new key goes to `keys`; what stays here is its length. */
static bool
forward_psk(struct ike *ike, const char *section, const char *value)
{
	struct wr *w = role_body(ike->ctx, ROLE_KEYS);
	size_t n = strlen(section);

	wr_u16(w, (uint16_t)n);
	wr_bytes(w, section, n);
	wr_view(w, view_str(value));
	if (!role_send(ike->ctx, ROLE_KEYS, MSG_PSK_SET))
		return false;
	ike_psk_ordered(ike, section);
	return true;
}

static bool
secret(const struct fifo_command *c)
{
	return store_tag_is_secret(c->tag) && text_same(c->tag, "Authentication");
}

static enum store_result
change_now(struct ike *ike, struct fifo_command *c)
{
	struct value old;

	if (!secret(c))
		switch (c->verb) {
		case FIFO_SET:
			return store_set(ike->store, c->section, c->tag, c->value, c->force);
		case FIFO_ADD:
			return store_add(ike->store, c->section, c->tag, c->value);
		case FIFO_RMV:
			return store_rmv(ike->store, c->section, c->tag, c->value);
		case FIFO_RM:
			return store_rm(ike->store, c->section, c->tag);
		default:
			return store_rms(ike->store, c->section);
		}
	if (c->verb == FIFO_RM) {
		(void)!forward_psk(ike, c->section, "");
		return store_rm(ike->store, c->section, c->tag);
	}
	/* A key is no list: set is all that makes sense. */
	if (c->verb != FIFO_SET)
		return STORE_BAD_TEXT;
	if (!c->force && store_get(ike->store, c->section, c->tag, &old) && !old.built_in)
		return STORE_DUPLICATE;
	if (!forward_psk(ike, c->section, c->value))
		return STORE_NO_MEMORY;
	for (char *p = c->value; *p != '\0'; p++)
		*p = 'x';
	return store_set(ike->store, c->section, c->tag, c->value, true);
}

/* Lists of connections, whatever is done to them (6.2 Beyond: rm and rms, too). */
static bool
is_lists(const struct fifo_command *c)
{
	return text_same(c->section, "Phase 2") && (c->verb == FIFO_RMS ||
	    text_same(c->tag, "Connections") || text_same(c->tag, "Passive-connections"));
}

static void
do_change(struct ike *ike, struct fifo_command *c)
{
	struct value v;
	STR(what, 512);

	/* A whole section that goes takes its key along. */
	if (c->verb == FIFO_RMS && store_get(ike->store, c->section, "Authentication", &v))
		(void)!forward_psk(ike, c->section, "");
	if (store_begin(ike->store) != STORE_OK) {
		complain(ike, "conf_set_now: no transaction possible");
		return;
	}
	enum store_result r = change_now(ike, c);
	(void)store_commit(ike->store);
	str_add(&what, "[");
	str_escaped(&what, view_str(c->section));
	str_add(&what, "]:");
	str_escaped(&what, view_str(c->tag));
	switch (r) {
	case STORE_OK:
		ike_apply_soon(ike, is_lists(c));
		break;
	case STORE_DUPLICATE:
		role_log(ike->ctx, ROLE_LOG_NORMAL, 0, "conf_set_now: duplicate tag %s, ignoring...",
		    what.p);
		break;
	case STORE_MISSING:
		break;
	case STORE_LIMIT:
	case STORE_BAD_TEXT:
	case STORE_NO_MEMORY:
	case STORE_NOT_OPEN:
		role_log(ike->ctx, ROLE_LOG_ERROR, 0, "ui_config: %s not changed: %s", what.p,
		    r == STORE_LIMIT ? "too much configuration" :
		    r == STORE_BAD_TEXT ? "section, tag or value not usable" :
		    "out of memory, or the keys role is not there");
		break;
	}
}

static void
do_get(struct ike *ike, const struct fifo_command *c)
{
	struct value v;
	STR(hidden, 64);

	if (!store_get(ike->store, c->section, c->tag, &v))
		ike_result_text(ike, NULL);
	else if (secret(c)) {
		str_addf(&hidden, "<hidden, %zu octets>", strlen(v.text));
		ike_result_text(ike, hidden.p);
	} else
		ike_result_text(ike, v.text);
}

static void
do_debug(struct ike *ike, const struct fifo_command *c)
{
	struct options *o = &ike->ctx->options;

	for (int i = 0; i < DEBUG_CLASSES; i++) {
		if (c->verb == FIFO_DEBUG_TOGGLE) {
			if (!ike->levels_saved)
				ike->saved_level[i] = o->level[i];
			ike_set_level(ike, i, ike->levels_saved ? ike->saved_level[i] : 0);
		} else if (c->verb == FIFO_DEBUG_ALL || c->class == i) {
			ike_set_level(ike, i, c->level);
		}
	}
	if (c->verb == FIFO_DEBUG_TOGGLE)
		ike->levels_saved = !ike->levels_saved;
	ike_levels_changed(ike);
}

static void
do_command(struct ike *ike, struct fifo_command *c)
{
	struct mono now = role_now();

	switch (c->verb) {
	case FIFO_SET:
	case FIFO_ADD:
	case FIFO_RMV:
	case FIFO_RM:
	case FIFO_RMS:
		do_change(ike, c);
		return;
	case FIFO_GET:
		do_get(ike, c);
		return;
	case FIFO_CONNECT:
		(void)core_connect(ike->core, now, c->name);	/* it records a refusal */
		return;
	case FIFO_DEBUG:
	case FIFO_DEBUG_ALL:
	case FIFO_DEBUG_TOGGLE:
		do_debug(ike, c);
		return;
	case FIFO_DELETE:
		if (!core_delete_sa(ike->core, now, c->cookies, !c->isakmp, c->message_id)) {
			STR(cookies, 40);

			str_hex(&cookies, view_of(c->cookies, sizeof(c->cookies)));
			role_log(ike->ctx, ROLE_LOG_ERROR, 0, "ui_delete: command found no SA for "
			    "cookies %s (S lists those that are there)", cookies.p);
		}
		return;
	case FIFO_MODE:
		core_passive(ike->core, now, c->passive);
		return;
	case FIFO_CAPTURE:
		ike_capture_start(ike, c->value);
		return;
	case FIFO_CAPTURE_OFF:
		ike_capture_stop(ike);
		return;
	case FIFO_CAPTURE_FAILED:
		ike_capture_failed(ike);
		return;
	case FIFO_QUIT:
		role_log(ike->ctx, ROLE_LOG_NORMAL, 0,
		    "ui_shutdown_daemon: received shutdown command");
		ike_shutdown(ike);
		return;
	case FIFO_REINIT:
		ike_reload(ike);
		return;
	case FIFO_REPORT:
		ike_report_log(ike);
		return;
	case FIFO_TABLE:
		ike_result_table(ike);
		return;
	case FIFO_STATUS_TEXT:
	case FIFO_STATUS_JSON:
		ike_status(ike, c->verb == FIFO_STATUS_JSON);
		return;
	case FIFO_TEARDOWN:
		role_log(ike->ctx, CLASS_UI, 10, "ui_teardown: %u SAs",
		    core_teardown(ike->core, now, c->phase, c->name));
		return;
	case FIFO_TEARDOWN_ALL:
		role_log(ike->ctx, CLASS_UI, 10, "ui_teardown_all: %u SAs",
		    core_teardown_all(ike->core, now));
		return;
	}
}

static void
do_line(struct ike *ike, struct view line, struct fifo_command *c)
{
	STR(error, 768);

	ike_status_finish(ike);		/* what was asked for first is answered first */
	if (!fifo_parse(line, c, &error)) {
		complain(ike, error.p);
		return;
	}
	/* Orders that look at the configuration see the C lines before them. */
	if (c->verb == FIFO_CONNECT || c->verb == FIFO_TEARDOWN || c->verb == FIFO_REPORT)
		ike_apply_pending(ike);
	do_command(ike, c);
	ike_drain(ike);
}

static void
do_octets(struct ike *ike, struct view bytes, struct fifo_command *c)
{
	struct view line;
	enum fifo_line got;

	while ((got = fifo_lines_next(&ike->lines, &bytes, &line)) != LINE_NONE) {
		if (got == LINE_TOO_LONG)
			role_log(ike->ctx, ROLE_LOG_ERROR, 0, "ui_handle_messages: line too long, "
			    "dropped (expected %d octets at most)", FIFO_LINE_MAX);
		else
			do_line(ike, line, c);
	}
}

void
ike_fifo_readable(evutil_socket_t fd, short what, void *arg)
{
	struct ike *ike = arg;
	struct fifo_command *c = calloc(1, sizeof(*c));
	uint8_t room[READ];
	size_t total = 0;

	(void)what;
	while (c != NULL && total < MOST_PER_WAKEUP) {
		ssize_t n = read(fd, room, sizeof(room));
		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0 && ike->fifo != NULL)	/* standard input at its end */
			event_del(ike->fifo);
		if (n <= 0)
			break;
		total += (size_t)n;
		do_octets(ike, view_of(room, (size_t)n), c);
	}
	wipe(room, sizeof(room));
	if (c != NULL)
		wipe(c, sizeof(*c));
	free(c);
}
