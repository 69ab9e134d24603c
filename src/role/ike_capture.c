/*
 * Messages in clear: every one is remembered until it is known that its
 * negotiation did not fail, and written to a file while a capture runs.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ctl/capture.h"
#include "role/ike_internal.h"
#include "wire/header.h"

/* An initiator may not have told its own address yet; the other's family is right. */
static struct endpoint
shown(const struct endpoint *e, const struct endpoint *other)
{
	struct endpoint r = *e;

	if (r.addr.family != other->addr.family && r.addr.family == FAMILY_NONE)
		r.addr.family = other->addr.family;
	return r;
}

static bool
encode(struct ike *ike, const struct act *a, struct wr *w)
{
	struct endpoint local = shown(&a->path.local, &a->path.remote);
	struct capture_packet p = { .number = ++ike->packets, .message = a->bytes,
	    .from = a->out ? local : a->path.remote, .to = a->out ? a->path.remote : local };
	struct timespec now;

	if (clock_gettime(CLOCK_REALTIME, &now) == 0) {
		p.secs = now.tv_sec;
		p.usecs = (uint32_t)(now.tv_nsec / 1000);
	}
	capture_record(w, &p);
	return !w->bad;
}

void
ike_capture(struct ike *ike, const struct act *a)
{
	struct wr w = wr_of(ike->record, sizeof(ike->record));
	struct failed_key key = { 0 };
	struct rd head = rd_of(a->bytes);

	/* Both cookies, then next payload, version, exchange type, flags. */
	rd_copy(&head, key.icookie, COOKIE_LEN);
	(void)rd_take(&head, COOKIE_LEN + 4);
	key.message_id = rd_u32(&head);
	if (head.bad || !encode(ike, a, &w))
		return;
	failed_message(&ike->failed, &key, wr_done(&w));
	if (!ike->capturing)
		return;
	wr_view(role_body(ike->ctx, ROLE_MONITOR), wr_done(&w));
	(void)!role_send(ike->ctx, ROLE_MONITOR, MSG_CAPTURE);
}

void
ike_capture_failure(struct ike *ike, const struct failure *f)
{
	struct failed_key key = { .message_id = f->message_id };

	if (!f->has_messages)
		return;
	memcpy(key.icookie, f->icookie, sizeof(key.icookie));
	failed_mark(&ike->failed, &key);
}

void
ike_capture_start(struct ike *ike, const char *path)
{
	/* Until the monitor says otherwise: what the next order causes belongs in it. */
	ike->capturing = true;
	wr_view(role_body(ike->ctx, ROLE_MONITOR), view_str(path));
	(void)!role_send(ike->ctx, ROLE_MONITOR, MSG_CAPTURE_START);
}

void
ike_capture_stop(struct ike *ike)
{
	ike->capturing = false;
	(void)role_body(ike->ctx, ROLE_MONITOR);
	(void)!role_send(ike->ctx, ROLE_MONITOR, MSG_CAPTURE_STOP);
}

bool
ike_capture_state(struct ike *ike, struct rd *r)
{
	uint8_t on = rd_u8(r);

	ike->capturing = on == 1;
	return on <= 1 && rd_end(r);
}

static void
append(void *self, struct view record)
{
	wr_view(self, record);
}

void
ike_capture_failed(struct ike *ike)
{
	size_t most = CAPTURE_HEADER + FAILED_KEPT_MAX;
	uint8_t *room = malloc(most);

	if (room == NULL) {
		role_log(ike->ctx, ROLE_LOG_ERROR, 0, "ui_packetlog: out of memory");
		return;
	}
	struct wr w = wr_of(room, most);
	capture_header(&w);
	failed_each(&ike->failed, append, &w);
	ike_out(ike, OUT_FAILED, wr_done(&w));
	role_log(ike->ctx, ROLE_LOG_NORMAL, 0, "ui_packetlog: messages of %u failed negotiations "
	    "written to %s/isakmpd.failed.pcap", ike->failed.negotiations, ike->ctx->options.run_dir);
	free(room);
}
