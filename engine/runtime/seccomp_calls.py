"""System calls by what they are for: those that every container may make, and those that a capability brings.

What is in no group is refused. Left out on purpose, among others: `keyctl`, `add_key` and `request_key` (keyrings have
no namespace), `io_uring_*` (its requests pass no filter, and it is where the kernel's holes are found), `userfaultfd`
(stops the kernel at a chosen moment, which exploits love), `kexec_*`, `swapon`, `swapoff`, `nfsservctl`, `pivot_root`
(the host's business, whatever capabilities a container has), `move_pages`, `migrate_pages` (other processes' memory),
`uselib`, `ustat`, `sysfs`, `vm86`, `create_module` and their like (relics).
"""

from __future__ import annotations

FILES = """
    open openat openat2 creat close close_range access faccessat faccessat2 stat stat64 lstat lstat64 fstat fstat64
    fstatat64 newfstatat statx readlink readlinkat rename renameat renameat2 link linkat symlink symlinkat unlink
    unlinkat mkdir mkdirat rmdir mknod mknodat chdir fchdir getcwd getdents getdents64 umask
    truncate truncate64 ftruncate ftruncate64 fallocate name_to_handle_at
    inotify_init inotify_init1 inotify_add_watch inotify_rm_watch fanotify_mark
    statfs statfs64 fstatfs fstatfs64 statmount listmount sync syncfs fsync fdatasync sync_file_range
"""

ATTRIBUTES = """
    chmod fchmod fchmodat fchmodat2 chown chown32 fchown fchown32 lchown lchown32 fchownat
    utime utimes futimesat utimensat utimensat_time64
    getxattr lgetxattr fgetxattr getxattrat setxattr lsetxattr fsetxattr setxattrat
    listxattr llistxattr flistxattr listxattrat removexattr lremovexattr fremovexattr removexattrat
"""

# Not here: ioctl, whose one call that types into somebody's terminal is refused.
READING_AND_WRITING = """
    read readv pread64 preadv preadv2 write writev pwrite64 pwritev pwritev2 lseek _llseek readahead fadvise64
    fadvise64_64 copy_file_range sendfile sendfile64 splice tee vmsplice cachestat
    dup dup2 dup3 fcntl fcntl64 flock pipe pipe2
    select _newselect pselect6 pselect6_time64 poll ppoll ppoll_time64 eventfd eventfd2
    epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_wait epoll_wait_old epoll_pwait epoll_pwait2
    io_setup io_destroy io_submit io_cancel io_getevents io_pgetevents io_pgetevents_time64
"""

MEMORY = """
    brk mmap mmap2 munmap mremap mprotect madvise mincore msync remap_file_pages mseal map_shadow_stack
    mlock mlock2 mlockall munlock munlockall pkey_alloc pkey_free pkey_mprotect memfd_create memfd_secret
    membarrier process_mrelease
"""

# Not here: clone, whose flags say whether it makes namespaces, and clone3, whose flags no filter can see.
PROCESSES = """
    fork vfork execve execveat exit exit_group wait4 waitid waitpid getpid getppid gettid set_tid_address
    getpgid getpgrp setpgid getsid setsid pidfd_open pidfd_send_signal
    kill tkill tgkill rt_sigaction rt_sigprocmask rt_sigpending rt_sigqueueinfo rt_tgsigqueueinfo rt_sigsuspend
    rt_sigtimedwait rt_sigtimedwait_time64 rt_sigreturn sigaltstack sigprocmask sigreturn signalfd signalfd4 pause
    restart_syscall uretprobe prctl get_thread_area set_thread_area rseq get_robust_list set_robust_list
    ptrace process_vm_readv process_vm_writev
    getrlimit ugetrlimit setrlimit prlimit64 getrusage times uname sysinfo getrandom
"""

SCHEDULING = """
    sched_yield sched_getaffinity sched_setaffinity sched_getattr sched_setattr sched_getparam sched_setparam
    sched_getscheduler sched_setscheduler sched_get_priority_max sched_get_priority_min sched_rr_get_interval
    sched_rr_get_interval_time64 getpriority setpriority ioprio_get ioprio_set getcpu
"""

TIME = """
    time gettimeofday clock_gettime clock_gettime64 clock_getres clock_getres_time64 nanosleep clock_nanosleep
    clock_nanosleep_time64 alarm getitimer setitimer timer_create timer_delete timer_getoverrun timer_gettime
    timer_gettime64 timer_settime timer_settime64 timerfd_create timerfd_gettime timerfd_gettime64 timerfd_settime
    timerfd_settime64 adjtimex clock_adjtime clock_adjtime64
"""

IDS = """
    getuid getuid32 geteuid geteuid32 getgid getgid32 getegid getegid32 getresuid getresuid32 getresgid getresgid32
    getgroups getgroups32 setuid setuid32 setgid setgid32 setreuid setreuid32 setregid setregid32 setresuid
    setresuid32 setresgid setresgid32 setfsuid setfsuid32 setfsgid setfsgid32 setgroups setgroups32 capget capset
"""

BETWEEN_PROCESSES = """
    futex futex_time64 futex_wait futex_wake futex_waitv futex_requeue
    ipc msgctl msgget msgrcv msgsnd semctl semget semop semtimedop semtimedop_time64 shmat shmctl shmdt shmget
    mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedreceive_time64 mq_timedsend mq_timedsend_time64 mq_unlink
"""

# Not here: socket, whose families are chosen one by one.
SOCKETS = """
    socketpair bind listen accept accept4 connect shutdown getsockname getpeername getsockopt setsockopt
    send sendto sendmsg sendmmsg recv recvfrom recvmsg recvmmsg recvmmsg_time64
"""

# A process may always be stricter with itself.
SELF_RESTRICTION = "seccomp landlock_create_ruleset landlock_add_rule landlock_restrict_self"

_GROUPS = (
    FILES, ATTRIBUTES, READING_AND_WRITING, MEMORY, PROCESSES, SCHEDULING, TIME, IDS, BETWEEN_PROCESSES, SOCKETS,
    SELF_RESTRICTION,
)  # fmt: skip
EVERYWHERE = tuple(" ".join(_GROUPS).split())

BY_MACHINE: dict[str, tuple[str, ...]] = {
    "x86_64": ("arch_prctl", "modify_ldt"),
    "aarch64": ("arm_fadvise64_64", "arm_sync_file_range", "sync_file_range2", "breakpoint", "cacheflush", "set_tls"),
    "riscv64": ("riscv_flush_icache", "riscv_hwprobe"),
    "ppc64le": ("sync_file_range2", "swapcontext"),
    "s390x": ("s390_pci_mmio_read", "s390_pci_mmio_write", "s390_runtime_instr"),
}

# The kernel checks the capability as well; without it a call that could only fail isn't let near the kernel's code.
BY_CAPABILITY: dict[str, tuple[str, ...]] = {
    "CAP_SYS_ADMIN": (
        "clone",
        "clone3",
        "unshare",
        "setns",
        "mount",
        "umount",
        "umount2",
        "mount_setattr",
        "move_mount",
        "open_tree",
        "fsopen",
        "fsconfig",
        "fsmount",
        "fspick",
        "sethostname",
        "setdomainname",
        "bpf",
        "perf_event_open",
        "fanotify_init",
        "lookup_dcookie",
        "quotactl",
        "quotactl_fd",
        "syslog",
        "lsm_get_self_attr",
        "lsm_set_self_attr",
        "lsm_list_modules",
    ),
    "CAP_BPF": ("bpf",),
    "CAP_PERFMON": ("perf_event_open",),
    "CAP_DAC_READ_SEARCH": ("open_by_handle_at",),  # out of a bind mount to all of its file system (CVE-2014-3519)
    "CAP_SYS_BOOT": ("reboot",),
    "CAP_SYS_CHROOT": ("chroot",),
    "CAP_SYS_MODULE": ("init_module", "finit_module", "delete_module"),
    "CAP_SYS_NICE": ("get_mempolicy", "set_mempolicy", "set_mempolicy_home_node", "mbind"),
    "CAP_SYS_PACCT": ("acct",),
    "CAP_SYS_PTRACE": ("kcmp", "pidfd_getfd", "process_madvise"),
    "CAP_SYS_RAWIO": ("ioperm", "iopl"),
    "CAP_SYS_TIME": ("settimeofday", "stime", "clock_settime", "clock_settime64"),
    "CAP_SYS_TTY_CONFIG": ("vhangup",),
    "CAP_SYSLOG": ("syslog",),
}
