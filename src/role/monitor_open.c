#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "kern/probe.h"
#include "kern/xfrm.h"
#include "os/files.h"
#include "os/net.h"
#include "role/monitor_internal.h"

static bool
fatal(struct monitor *m, const struct str *error)
{
	monitor_log(m, LOG_KIND_FATAL, "%s", error->p);
	return false;
}

/* The manual restricts these files to one directory; so nobody is surprised by us writing elsewhere. */
static bool
within(struct monitor *m, const char *option, const char *path, const char **ret)
{
	if (files_within(m->run_dir, path, ret))
		return true;
	monitor_log(m, LOG_KIND_FATAL, "%s %s: must be a file in %s", option, path,
	    m->options.run_dir);
	return false;
}

static bool
open_fifo(struct monitor *m)
{
	STR(error, 512);

	if (strcmp(m->options.fifo, "-") == 0) {
		/* A daemon in the background has no standard input (isakmpd.md section 1). */
		m->fd[ROLE_FD_FIFO] = m->options.foreground ?
		    fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3) : open("/dev/null", O_RDONLY | O_CLOEXEC);
		return m->fd[ROLE_FD_FIFO] >= 0;
	}
	m->fd[ROLE_FD_FIFO] = files_fifo(m->options.fifo, &error);
	m->fifo_made = m->fd[ROLE_FD_FIFO] >= 0;
	return m->fifo_made || fatal(m, &error);
}

bool
monitor_open_files(struct monitor *m)
{
	struct options *o = &m->options;
	const char *keylog, *capture;
	STR(error, 512);

	m->run_dir = files_directory(o->run_dir, &error);
	if (m->run_dir < 0)
		return fatal(m, &error);
	if (!within(m, "-i", o->pid, &m->pid_name) ||
	    !within(m, "-R", o->report, &m->out[OUT_REPORT].name) ||
	    !within(m, "result file", o->result, &m->out[OUT_RESULT].name) ||
	    (o->capture && !within(m, "-l", o->capture_file, &capture)))
		return false;
	m->out[OUT_FAILED].name = "isakmpd.failed.pcap";
	if (o->keylog) {
		if (!within(m, "--keylog", o->keylog_file, &keylog))
			return false;
		m->keylog = files_append(m->run_dir, keylog);
		if (m->keylog < 0) {
			str_addf(&error, "%s: %s", o->keylog_file, strerror(errno));
			return fatal(m, &error);
		}
		monitor_log(m, LOG_KIND_NORMAL, "SESSION KEYS ARE WRITTEN to %s: whoever reads it "
		    "can decrypt the negotiations", o->keylog_file);
	}
	m->fd[ROLE_FD_PSKS] = files_memory("psks");
	if (m->fd[ROLE_FD_PSKS] < 0) {
		str_addf(&error, "memory file: %s", strerror(errno));
		return fatal(m, &error);
	}
	return open_fifo(m);
}

static bool
open_udp(struct monitor *m, enum family family, uint16_t port, bool shared, enum role_fd purpose,
    bool *ret_absent)
{
	STR(error, 256);

	m->fd[purpose] = net_udp(family, port, shared, &error);
	*ret_absent = m->fd[purpose] < 0 && (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL);
	if (m->fd[purpose] >= 0 || *ret_absent)
		return true;
	monitor_log(m, LOG_KIND_FATAL,
	    "virtual_init: could not bind the ISAKMP port(s) on all interfaces: %s", error.p);
	return false;
}

/* The sockets of one family. */
static bool
open_family(struct monitor *m, enum family family, bool kernel_esp)
{
	bool ip6 = family == FAMILY_IP6, esp = m->child[ROLE_ESP].wanted, absent;
	enum role_fd natt = ip6 ? ROLE_FD_NATT6 : ROLE_FD_NATT4;
	STR(error, 256);

	if (!open_udp(m, family, m->options.port, false, ip6 ? ROLE_FD_IKE6 : ROLE_FD_IKE4, &absent))
		return false;
	if (absent) {
		monitor_log(m, LOG_KIND_NORMAL, "%s is not available here", ip6 ? "IPv6" : "IPv4");
		return true;
	}
	m->fd[ip6 ? ROLE_FD_ROUTE6 : ROLE_FD_ROUTE4] = net_route_socket(family);
	if (esp)
		m->fd[ip6 ? ROLE_FD_ESP6 : ROLE_FD_ESP4] = net_raw_esp(family, &error);
	if (error.len > 0)
		monitor_log(m, LOG_KIND_NORMAL, "%s: only ESP in UDP works", error.p);
	if (!m->options.nat_t)
		return true;
	if (!open_udp(m, family, m->options.port_nat_t, esp, natt, &absent))
		return false;
	if (kernel_esp && !absent && !net_kernel_esp(m->fd[natt], &error))
		monitor_log(m, LOG_KIND_NORMAL, "%s: no tunnel through a NAT will work", error.p);
	if (!esp)
		return true;
	if (!open_udp(m, family, m->options.port_nat_t, true,
	    ip6 ? ROLE_FD_ESPUDP6 : ROLE_FD_ESPUDP4, &absent))
		return false;
	return net_steer_esp(m->fd[natt], &error) || fatal(m, &error);
}

/*
 * Whether the kernel's own ESP will be used.  `kern` asks the same question
 * again and takes the answer; here it decides which sockets there are.
 */
static bool
uses_kernel_esp(const struct monitor *m)
{
	STR(said, 512);

	return !m->options.no_kernel &&
	    kern_probe(kern_backends, m->options.backend, &said) == &xfrm_ops;
}

static void
open_tun(struct monitor *m)
{
	char name[16] = "";
	STR(error, 256);

	m->fd[ROLE_FD_TUN] = net_tun(name, &error);
	text_copy(m->options.tun, sizeof(m->options.tun), name);
	m->child[ROLE_ESP].wanted = m->fd[ROLE_FD_TUN] >= 0;
	if (!m->child[ROLE_ESP].wanted)
		monitor_log(m, LOG_KIND_NORMAL, "no user-space ESP: %s", error.p);
}

bool
monitor_open_sockets(struct monitor *m)
{
	bool kernel_esp = uses_kernel_esp(m);

	if (!m->options.no_kernel && !kernel_esp)
		open_tun(m);
	if (m->options.ip4 && !open_family(m, FAMILY_IP4, kernel_esp))
		return false;
	if (m->options.ip6 && !open_family(m, FAMILY_IP6, kernel_esp))
		return false;
	if (m->fd[ROLE_FD_IKE4] >= 0 || m->fd[ROLE_FD_IKE6] >= 0)
		return true;
	monitor_log(m, LOG_KIND_FATAL, "virtual_init: could not bind the ISAKMP port(s) on all "
	    "interfaces: no address family is available");
	return false;
}

void
monitor_close(struct monitor *m)
{
	monitor_out_forget(m);
	if (m->capture.fd >= 0)
		close(m->capture.fd);
	if (m->fifo_made)
		(void)unlink(m->options.fifo);
	if (m->pid_made)
		(void)unlinkat(m->run_dir, m->pid_name, 0);
	for (int i = 0; i < ROLE_FD_MAX; i++)
		if (m->fd[i] >= 0)
			close(m->fd[i]);
	if (m->keylog >= 0)
		close(m->keylog);
	if (m->run_dir >= 0)
		close(m->run_dir);
}
