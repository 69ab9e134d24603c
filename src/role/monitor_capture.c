/*
 * The capture file: opened, appended to and ended here; what goes into it is
 * made by `ike` and never looked at.  isakmpd.md section 9.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/capture.h"
#include "os/files.h"
#include "role/monitor_internal.h"

static void
tell_ike(struct monitor *m)
{
	if (m->child[ROLE_IKE].channel == NULL)
		return;
	wr_u8(monitor_body(m, ROLE_IKE), m->capture.fd >= 0);
	(void)monitor_send(m, ROLE_IKE, MSG_CAPTURE_STATE, -1);
}

/* An empty file gets its header; another one must have it.  False: logged. */
static bool
begin_file(struct monitor *m, int fd, const char *path)
{
	uint8_t header[CAPTURE_HEADER];
	struct stat st;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		monitor_log(m, LOG_KIND_ERROR, "log_packet_init: existing capture file is not a "
		    "regular file: \"%s\"", path);
		return false;
	}
	if ((st.st_mode & 077) != 0 || st.st_uid != geteuid()) {
		monitor_log(m, LOG_KIND_ERROR, "log_packet_init: existing capture file has bad "
		    "modes: \"%s\" must be ours, and nobody else's to read or write (chmod 600 %s)",
		    path, path);
		return false;
	}
	m->capture.octets = (uint64_t)st.st_size;
	if (st.st_size > 0) {
		ssize_t n = read(fd, header, sizeof(header));
		if (n > 0 && capture_compatible(view_of(header, (size_t)n)))
			return true;
		monitor_log(m, LOG_KIND_ERROR, "log_packet_init: existing file \"%s\" is no capture "
		    "of ours: nothing is appended", path);
		return false;
	}
	struct wr w = wr_of(header, sizeof(header));
	capture_header(&w);
	m->capture.octets = sizeof(header);
	if (write(fd, header, sizeof(header)) == (ssize_t)sizeof(header))
		return true;
	monitor_log(m, LOG_KIND_ERROR, "log_packet_init: \"%s\": %s", path, strerror(errno));
	return false;
}

static void
begin(struct monitor *m, const char *path)
{
	const char *name;

	if (!files_within(m->run_dir, path, &name)) {
		monitor_log(m, LOG_KIND_ERROR, "m_priv_getfd: illegal path \"%s\": must be a file "
		    "in %s", path, m->options.run_dir);
		return;
	}
	int fd = openat(m->run_dir, name,
	    O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0600);
	if (fd < 0) {
		/* A link says ELOOP, a directory EISDIR, a socket ENXIO. */
		bool odd = errno == ELOOP || errno == EISDIR || errno == ENXIO;
		monitor_log(m, LOG_KIND_ERROR, "log_packet_init: %s\"%s\": %s", odd ?
		    "existing capture file is not a regular file: " : "", path, strerror(errno));
		return;
	}
	if (!begin_file(m, fd, path)) {
		close(fd);
		return;
	}
	m->capture.fd = fd;
	if (path != m->options.capture_file)
		text_copy(m->options.capture_file, sizeof(m->options.capture_file), path);
	monitor_log(m, LOG_KIND_NORMAL, "log_packet_init: starting IKE packet capture to file "
	    "\"%s\"", m->options.capture_file);
}

bool
monitor_capture_start(struct monitor *m, struct rd *r)
{
	struct view v = rd_rest(r);
	STR(path, OPTION_PATH_MAX);

	if (v.n > 0)
		str_escaped(&path, v);
	else
		str_add(&path, m->options.capture_file);
	if (path.cut)
		monitor_log(m, LOG_KIND_ERROR, "m_priv_getfd: illegal path \"%s...\": too long", path.p);
	else if (m->capture.fd >= 0)
		monitor_log(m, LOG_KIND_NORMAL, "log_packet_restart: capture already active on file "
		    "\"%s\"", m->options.capture_file);
	else
		begin(m, path.p);
	tell_ike(m);
	return true;
}

void
monitor_capture_stop(struct monitor *m)
{
	if (m->capture.fd < 0)
		return;
	close(m->capture.fd);
	m->capture.fd = -1;
	monitor_log(m, LOG_KIND_NORMAL, "log_packet_stop: stopped capture");
	tell_ike(m);
}

/* Half a record would make all that follow unreadable. */
static void
take_back(struct monitor *m)
{
	int error = errno;

	if (ftruncate(m->capture.fd, (off_t)m->capture.octets) < 0)
		error = errno;
	monitor_log(m, LOG_KIND_ERROR, "log_packet_iov: \"%s\": %s", m->options.capture_file,
	    strerror(error));
}

bool
monitor_capture(struct monitor *m, struct view record)
{
	if (record.n > CAPTURE_RECORD_MAX)
		return false;
	if (m->capture.fd < 0)		/* ike has not yet heard that it stopped */
		return true;
	if (m->capture.octets + record.n > (uint64_t)m->options.capture_kb * 1024) {
		monitor_log(m, LOG_KIND_ERROR, "log_packet_iov: \"%s\" has reached its size of %u "
		    "kilobytes ([General]:Capture-size)", m->options.capture_file,
		    m->options.capture_kb);
		monitor_capture_stop(m);
		return true;
	}
	ssize_t n = write(m->capture.fd, record.p, record.n);
	if (n != (ssize_t)record.n) {
		if (n >= 0)
			errno = ENOSPC;
		take_back(m);
		monitor_capture_stop(m);
		return true;
	}
	m->capture.octets += record.n;
	return true;
}

/* A fresh ike role does not know. */
void
monitor_capture_tell(struct monitor *m)
{
	if (m->options.capture) {
		m->options.capture = false;
		begin(m, m->options.capture_file);
	}
	if (m->capture.fd >= 0)
		tell_ike(m);
}
