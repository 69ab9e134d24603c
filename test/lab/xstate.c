/*
 * xstate: lets user-mode Linux run on processors whose register state is
 * larger than it knows.
 *
 * It saves and restores the vector registers of its processes with ptrace, in
 * a buffer of 2696 octets: all of AVX-512.  Where the processor has AMX, the
 * machine's own kernel refuses to take back less than the whole state, and
 * user-mode Linux ends with its first process.  This library stands between
 * the two: it hands over the part that is known, and gives back a whole state
 * in which the rest is unused.
 *
 * Loaded with LD_PRELOAD by `in-kernel` where the processor needs it.
 */
#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/types.h>
#include <sys/uio.h>

enum {
	WHOLE_MAX = 64 * 1024,
	HEADER = 512,		/* where the list of parts in use stands */
	TILES = 17, TILES_LAST = 18
};

typedef long call(enum __ptrace_request, pid_t, void *, void *);

long	ptrace(enum __ptrace_request, ...);

/* The whole state; how many octets, or -1. */
static long
whole(call *real, pid_t pid, uint8_t *room)
{
	struct iovec v = { room, WHOLE_MAX };

	return real(PTRACE_GETREGSET, pid, (void *)(uintptr_t)NT_X86_XSTATE, &v) < 0 ? -1 :
	    (long)v.iov_len;
}

static long
give(call *real, pid_t pid, const struct iovec *part)
{
	/* Not on the stack: it is one of user-mode Linux's, and those are small. */
	static _Alignas(64) uint8_t room[WHOLE_MAX];
	static long size;
	uint64_t used;

	if (size <= 0)
		size = whole(real, pid, room);
	if (size < 0 || part->iov_len < HEADER + sizeof(used))
		return -1;
	if ((size_t)size <= part->iov_len)
		return real(PTRACE_SETREGSET, pid, (void *)(uintptr_t)NT_X86_XSTATE,
		    (void *)(uintptr_t)part);
	memcpy(room, part->iov_base, part->iov_len);
	memset(room + part->iov_len, 0, (size_t)size - part->iov_len);
	memcpy(&used, room + HEADER, sizeof(used));
	used &= ~(UINT64_C(1) << TILES | UINT64_C(1) << TILES_LAST);
	memcpy(room + HEADER, &used, sizeof(used));
	struct iovec v = { room, (size_t)size };
	return real(PTRACE_SETREGSET, pid, (void *)(uintptr_t)NT_X86_XSTATE, &v);
}

long
ptrace(enum __ptrace_request request, ...)
{
	static call *real;
	va_list ap;

	va_start(ap, request);
	pid_t pid = va_arg(ap, pid_t);
	void *addr = va_arg(ap, void *), *data = va_arg(ap, void *);
	va_end(ap);
	if (real == NULL)
		real = (call *)(uintptr_t)dlsym(RTLD_NEXT, "ptrace");
	if (real == NULL) {
		errno = ENOSYS;
		return -1;
	}
	if (request == PTRACE_SETREGSET && (uintptr_t)addr == NT_X86_XSTATE)
		return give(real, pid, data);
	return real(request, pid, addr, data);
}
