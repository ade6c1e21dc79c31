/* A list of what is allowed; everything else fails with EPERM. Killing instead would turn an oversight in
 * this list into a dead collector. What matters is absent: no execve, no ptrace, no mounts, no modules, no
 * keys. */
#include "collector/core/sandbox.h"

#include <errno.h>
#include <seccomp.h>

#include "collector/base/log.h"

static const char *const allowed[] = {
    /* files and descriptors */
    /* what glibc falls back to on older kernels stands beside what it prefers; a call that is missing shows
     * as EPERM in a corner nobody tested */
    "read",
    "write",
    "readv",
    "writev",
    "pread64",
    "pwrite64",
    "close",
    "fstat",
    "stat",
    "lstat",
    "newfstatat",
    "statx",
    "lseek",
    /* files are opened anew on reload, rotation and for templates; which ones is the business of permissions
     */
    "openat",
    "open",
    "access",
    "faccessat",
    "faccessat2",
    "unlink",
    "unlinkat",
    "rename",
    "renameat",
    "renameat2",
    "mkdir",
    "mkdirat",
    "ftruncate",
    "fsync",
    "fdatasync",
    "fcntl",
    "dup",
    "dup2",
    "dup3",
    "pipe2",
    "ioctl",
    "fadvise64",
    "umask",
    "chmod",
    "fchmod",
    "fchmodat",
    "fchown",
    "getcwd",
    "readlink",
    "readlinkat",
    "symlink",
    "symlinkat",
    "getdents64",
    "flock",
    /* memory */
    /* reloading and growing tables */
    "mmap",
    "munmap",
    "mremap",
    "mprotect",
    "madvise",
    "brk",
    "memfd_create",
    "membarrier",
    /* sockets */
    /* metrics clients, the control socket, syslog, the service manager, ZeroMQ */
    "socket",
    "bind",
    "listen",
    "accept",
    "accept4",
    "connect",
    "sendto",
    "sendmsg",
    "sendmmsg",
    "recvfrom",
    "recvmsg",
    "recvmmsg",
    "shutdown",
    "getsockname",
    "getpeername",
    "setsockopt",
    "getsockopt",
    "socketpair",
    /* waiting and time */
    /* libraries wait in ways of their own: microhttpd, ZeroMQ and libc differ */
    "poll",
    "ppoll",
    "select",
    "pselect6",
    "epoll_create1",
    "epoll_ctl",
    "epoll_wait",
    "epoll_pwait",
    "epoll_pwait2",
    "eventfd2",
    "signalfd4",
    "timerfd_create",
    "timerfd_settime",
    "clock_gettime",
    "clock_nanosleep",
    "nanosleep",
    "gettimeofday",
    "time",
    "futex",
    "sched_yield",
    "restart_syscall",
    /* threads, signals, identity */
    /* threads of libraries only; a process made by one could not execute anything */
    "clone",
    "clone3",
    "set_robust_list",
    "rseq",
    "exit",
    "exit_group",
    "rt_sigaction",
    "rt_sigprocmask",
    "rt_sigreturn",
    "rt_sigtimedwait",
    "sigaltstack",
    "tgkill",
    /* plugins are asked whether they live */
    "kill",
    "getpid",
    "gettid",
    "getppid",
    "getuid",
    "geteuid",
    "getgid",
    "getegid",
    "wait4",
    "waitid",
    "sched_getaffinity",
    "sched_setaffinity",
    /* a thread of ZeroMQ asks for its scheduling when it begins, which may be after the filter was set */
    "sched_getparam",
    "sched_getscheduler",
    "sched_setparam",
    "sched_setscheduler",
    "sched_get_priority_max",
    "sched_get_priority_min",
    "getrandom",
    "uname",
    "sysinfo",
    "getrusage",
    "prlimit64",
    "getrlimit",
    "prctl",
    "arch_prctl",
    /* what 32-bit and other machines call the same */
    "_llseek",
    "_newselect",
    "cacheflush",
    "clock_gettime64",
    "clock_nanosleep_time64",
    "fadvise64_64",
    "fchown32",
    "fcntl64",
    "fstat64",
    "fstatat64",
    "ftruncate64",
    "futex_time64",
    "getegid32",
    "geteuid32",
    "getgid32",
    "getuid32",
    "lstat64",
    "mmap2",
    "ppoll_time64",
    "pselect6_time64",
    "recv",
    "recvmmsg_time64",
    "riscv_flush_icache",
    "rt_sigtimedwait_time64",
    "send",
    "set_thread_area",
    "sigreturn",
    "socketcall",
    "stat64",
    "timerfd_settime64",
    "ugetrlimit",
    "waitpid",
};

/* Comes last, when all threads exist: TSYNC puts the filter on every one of them at once. Plugins are not
 * confined, since their triggers run whatever the operator likes. A kernel without seccomp is no reason not
 * to collect, so that is a warning. */
bool
sandbox_enter(const struct conf *conf, char *err, size_t errlen)
{
	if (!conf_bool(conf, CONF_CORE, CONF_sandbox))
		return true;
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	if (!filter) {
		snprintf(err, errlen, "sandbox: no memory for the system call filter");
		return false;
	}
	/* threads that exist get the filter too */
	int rc = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
	for (size_t i = 0; rc == 0 && i < ARRAY_SIZE(allowed); i++) {
		/* by name: numbers differ between architectures */
		int number = seccomp_syscall_resolve_name(allowed[i]);
		if (number >= 0) /* not every architecture has every one */
			rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 0);
	}
	if (rc == 0)
		rc = seccomp_load(filter);
	/* the kernel has its own copy */
	seccomp_release(filter);
	if (rc < 0)
		log_warn("sandbox: the kernel does not take the system call filter (%s); running without",
			 strerror(-rc));
	return true;
}
