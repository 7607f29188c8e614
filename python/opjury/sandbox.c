/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sandbox: Landlock rules and a seccomp filter for a process that has just been forked. Landlock
 * (Linux 5.13; Documentation/userspace-api/landlock.rst) restricts files by the folders they lie
 * in; ABIs add what they restrict, so each right is asked for only where the kernel has it. The
 * filter refuses by number what reaches outside by other roads than files. It allows what it does
 * not know up to the newest call known here, for libraries use hundreds, and says of newer ones
 * what an older kernel would (ENOSYS). Refused is an errno, not a death: the library may live on
 * without, and else says why.
 */
#include "opjury/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---- Landlock: what Debian 12's headers (ABI 2) lack ---- */

enum {
    ABI_REFER = 2,
    ABI_TRUNCATE = 3,
    ABI_NET = 4,
    ABI_IOCTL = 5,
    ABI_SCOPE = 6,
};
#define RIGHT(bit) (UINT64_C(1) << (bit))
static const uint64_t right_execute = RIGHT(0), right_write = RIGHT(1), right_read = RIGHT(2),
                      right_list = RIGHT(3), right_refer = RIGHT(13), right_truncate = RIGHT(14),
                      right_ioctl = RIGHT(15);
/* Bits 4 to 12: remove and make; devices (6, 11) and sockets (9) nowhere. */
static const uint64_t rights_abi_1 = RIGHT(13) - 1, rights_make = RIGHT(4) | RIGHT(5) | RIGHT(7) |
                                                                  RIGHT(8) | RIGHT(10) | RIGHT(12);
static const uint64_t net_bind_connect = 3, scope_sockets_signals = 3;

struct ruleset {
    uint64_t files, net, scoped; /* what is handled: refused unless a rule allows it */
};
struct beneath {
    uint64_t allowed;
    int32_t fd;
} __attribute__((packed));
enum { ASK_VERSION = 1, RULE_BENEATH = 1 };

static int landlock_abi(void)
{
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, ASK_VERSION);
    return abi > 0 ? (int)abi : 0;
}

static uint64_t rights_of(int abi)
{
    return rights_abi_1 | (abi >= ABI_REFER ? right_refer : 0) |
           (abi >= ABI_TRUNCATE ? right_truncate : 0) | (abi >= ABI_IOCTL ? right_ioctl : 0);
}

static uint64_t rights_for(unsigned access, bool is_folder)
{
    uint64_t rights = 0;

    if (access & SANDBOX_READ) {
        rights |= right_read | (is_folder ? right_list : 0);
    }
    if (access & SANDBOX_EXECUTE) {
        rights |= right_execute;
    }
    if (access & SANDBOX_WRITE) {
        rights |= right_write | right_truncate | right_ioctl;
    }
    return rights;
}

static bool add_rule(int ruleset, int fd, uint64_t rights)
{
    struct beneath rule = {.allowed = rights, .fd = fd};

    return rights == 0 || syscall(SYS_landlock_add_rule, ruleset, RULE_BENEATH, &rule, 0) == 0;
}

static bool add_path(int ruleset, const char *path, uint64_t rights)
{
    int fd = open(path, O_PATH | O_CLOEXEC);
    bool done = fd >= 0 && add_rule(ruleset, fd, rights);

    if (fd >= 0) {
        close(fd);
    }
    return done;
}

/* Made anew for each process: /proc/self and the scratch folder are its own. */
static bool restrict_files(const struct sandbox *s, const char *scratch)
{
    const uint64_t known = rights_of(s->landlock);
    struct ruleset handled = {.files = known,
                              .net = s->landlock >= ABI_NET ? net_bind_connect : 0,
                              .scoped = s->landlock >= ABI_SCOPE ? scope_sockets_signals : 0};
    uint64_t all = right_read | right_list | right_write | right_truncate | right_refer;
    int ruleset = (int)syscall(SYS_landlock_create_ruleset, &handled, sizeof handled, 0);
    bool done = ruleset >= 0 && add_path(ruleset, "/proc/self", right_read | right_list) &&
                add_path(ruleset, scratch, (all | rights_make) & known);

    for (size_t i = 0; done && i < s->n; i++) {
        const struct sandbox_place *p = &s->place[i];
        done = add_rule(ruleset, p->fd, rights_for(p->access, p->is_folder) & known);
    }
    done = done && syscall(SYS_landlock_restrict_self, ruleset, 0) == 0;
    if (ruleset >= 0) {
        close(ruleset);
    }
    return done;
}

/* ---- seccomp ---- */

/* What no library needs for arithmetic. The numbers of calls that a machine does not have are
 * absent from its headers. */
static const int refused[] = {
    /* network: a socket pair is all there is */
    SYS_socket,
    SYS_connect,
    SYS_bind,
    SYS_listen,
    SYS_accept,
    SYS_accept4,
    /* other processes */
    SYS_ptrace,
    SYS_process_vm_readv,
    SYS_process_vm_writev,
    SYS_process_madvise,
    SYS_process_mrelease,
    SYS_pidfd_getfd,
    SYS_kcmp,
    /* what files are said to be, which Landlock leaves to their owner */
    SYS_fchmod,
    SYS_fchmodat,
    SYS_fchown,
    SYS_fchownat,
    SYS_utimensat,
    SYS_setxattr,
    SYS_lsetxattr,
    SYS_fsetxattr,
    SYS_removexattr,
    SYS_lremovexattr,
    SYS_fremovexattr,
    SYS_name_to_handle_at,
    SYS_open_by_handle_at,
    /* memory and queues that processes share by name */
    SYS_shmget,
    SYS_shmat,
    SYS_shmctl,
    SYS_msgget,
    SYS_msgsnd,
    SYS_msgrcv,
    SYS_msgctl,
    SYS_semget,
    SYS_semop,
    SYS_semtimedop,
    SYS_semctl,
    SYS_mq_open,
    SYS_mq_unlink,
    /* mounts and namespaces */
    SYS_mount,
    SYS_umount2,
    SYS_pivot_root,
    SYS_chroot,
    SYS_unshare,
    SYS_setns,
    SYS_move_mount,
    SYS_open_tree,
    SYS_fsopen,
    SYS_fsconfig,
    SYS_fsmount,
    SYS_fspick,
    SYS_mount_setattr,
    /* the kernel and the machine */
    SYS_bpf,
    SYS_perf_event_open,
    SYS_userfaultfd,
    SYS_keyctl,
    SYS_add_key,
    SYS_request_key,
    SYS_init_module,
    SYS_finit_module,
    SYS_delete_module,
    SYS_kexec_load,
    SYS_reboot,
    SYS_swapon,
    SYS_swapoff,
    SYS_syslog,
    SYS_acct,
    SYS_quotactl,
    SYS_quotactl_fd,
    SYS_fanotify_init,
    SYS_settimeofday,
    SYS_clock_settime,
    SYS_sethostname,
    SYS_setdomainname,
    SYS_vhangup,
#ifdef SYS_kexec_file_load
    SYS_kexec_file_load,
#endif
#if defined(__x86_64__)
    SYS_chmod,
    SYS_chown,
    SYS_lchown,
    SYS_utime,
    SYS_utimes,
    SYS_futimesat,
    SYS_modify_ldt,
    SYS_iopl,
    SYS_ioperm,
#endif
};

/* Their arguments lie in memory, which a filter cannot see, or others take theirs from there: what
 * asks for one goes on without. */
static const int unknown[] = {SYS_clone3, SYS_io_uring_setup, SYS_io_uring_enter,
                              SYS_io_uring_register};

/* Calls whose first argument is a process: this one alone. */
static const struct {
    int number;
    bool is_signal; /* Landlock's scope is better, which knows descendants */
    bool zero_is_self;
} on_process[] = {
    {SYS_kill, true, false},
    {SYS_tgkill, true, false},
    {SYS_rt_sigqueueinfo, true, false},
    {SYS_rt_tgsigqueueinfo, true, false},
    {SYS_prlimit64, false, true}, /* of CPU time, which kills */
    {SYS_migrate_pages, false, true},
    {SYS_move_pages, false, true},
};
/* By a thread or a descriptor: no filter can tell whose. */
static const int on_unknown_process[] = {SYS_tkill, SYS_pidfd_send_signal};

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif
enum {
    CODE_MAX = 512,
    CLONE_NAMESPACES = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |
                       CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWTIME,
    SOCKET_TYPE = 0xf, /* without SOCK_CLOEXEC and SOCK_NONBLOCK */
    /* set_mempolicy_home_node of Linux 5.17, alike on all machines */
    NEWEST_KNOWN = 450,
#if defined(__x86_64__)
    ARCHITECTURE = (int)AUDIT_ARCH_X86_64,
    OTHER_ABI = 0x40000000, /* x32 */
#elif defined(__aarch64__)
    ARCHITECTURE = (int)AUDIT_ARCH_AARCH64,
#endif
};

struct filter {
    struct sock_filter code[CODE_MAX];
    unsigned short n;
};

static void put(struct filter *f, unsigned code, uint32_t k, unsigned yes, unsigned no)
{
    if (f->n < CODE_MAX) {
        f->code[f->n] = (struct sock_filter){(uint16_t)code, (uint8_t)yes, (uint8_t)no, k};
    }
    f->n++;
}

static void load(struct filter *f, size_t at)
{
    put(f, BPF_LD | BPF_W | BPF_ABS, (uint32_t)at, 0, 0);
}

/* The low half: all arguments looked at are ints to the kernel. */
static void load_argument(struct filter *f, unsigned i)
{
    _Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the low half comes first");
    load(f, offsetof(struct seccomp_data, args) + i * sizeof(uint64_t));
}

/* Go on with the next instruction but `over` when the test fails, or when it holds. */
static void unless(struct filter *f, unsigned test, uint32_t k, unsigned over)
{
    put(f, BPF_JMP | test | BPF_K, k, 0, over);
}

static void when(struct filter *f, unsigned test, uint32_t k, unsigned over)
{
    put(f, BPF_JMP | test | BPF_K, k, over, 0);
}

static void finish(struct filter *f, uint32_t action)
{
    put(f, BPF_RET | BPF_K, action, 0, 0);
}

static void refuse(struct filter *f, int error)
{
    finish(f, SECCOMP_RET_ERRNO | (uint32_t)error);
}

static void refuse_call(struct filter *f, int number, int error)
{
    unless(f, BPF_JEQ, (uint32_t)number, 1);
    refuse(f, error);
}

static void put_head(struct filter *f)
{
    load(f, offsetof(struct seccomp_data, arch));
    when(f, BPF_JEQ, (uint32_t)ARCHITECTURE, 1);
    finish(f, SECCOMP_RET_KILL_PROCESS);
    load(f, offsetof(struct seccomp_data, nr));
#if defined(__x86_64__)
    unless(f, BPF_JGE, OTHER_ABI, 1);
    finish(f, SECCOMP_RET_KILL_PROCESS);
#endif
    unless(f, BPF_JGT, NEWEST_KNOWN, 1);
    refuse(f, ENOSYS);
}

static void put_refused(struct filter *f)
{
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        refuse_call(f, refused[i], EPERM);
    }
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
        refuse_call(f, unknown[i], ENOSYS);
    }
}

static void put_processes(struct filter *f, bool has_scope, pid_t self)
{
    for (size_t i = 0; i < sizeof on_process / sizeof *on_process; i++) {
        if (on_process[i].is_signal && has_scope) {
            continue;
        }
        unless(f, BPF_JEQ, (uint32_t)on_process[i].number, 5);
        load_argument(f, 0);
        when(f, BPF_JEQ, (uint32_t)self, 2);
        when(f, BPF_JEQ, on_process[i].zero_is_self ? 0 : (uint32_t)self, 1);
        refuse(f, EPERM);
        finish(f, SECCOMP_RET_ALLOW);
    }
    for (size_t i = 0; i < sizeof on_unknown_process / sizeof(int) && !has_scope; i++) {
        refuse_call(f, on_unknown_process[i], EPERM);
    }
}

static void put_forks(struct filter *f)
{
    unless(f, BPF_JEQ, SYS_clone, 4);
    load_argument(f, 0);
    unless(f, BPF_JSET, CLONE_NAMESPACES, 1);
    refuse(f, EPERM);
    finish(f, SECCOMP_RET_ALLOW);
}

/* A pair of streams is connected to itself; one of datagrams can be sent anywhere. */
static void put_pairs(struct filter *f)
{
    unless(f, BPF_JEQ, SYS_socketpair, 8);
    load_argument(f, 0);
    unless(f, BPF_JEQ, AF_UNIX, 5);
    load_argument(f, 1);
    put(f, BPF_ALU | BPF_AND | BPF_K, SOCKET_TYPE, 0, 0);
    when(f, BPF_JEQ, SOCK_STREAM, 1);
    unless(f, BPF_JEQ, SOCK_SEQPACKET, 1);
    finish(f, SECCOMP_RET_ALLOW);
    refuse(f, EPERM);
}

/* A call one of whose arguments may not be any of these. */
static void put_not(struct filter *f, int number, unsigned argument, const uint32_t *values,
                    unsigned n)
{
    unless(f, BPF_JEQ, (uint32_t)number, 2 * n + 2);
    load_argument(f, argument);
    for (unsigned i = 0; i < n; i++) {
        unless(f, BPF_JEQ, values[i], 1);
        refuse(f, EPERM);
    }
    finish(f, SECCOMP_RET_ALLOW);
}

/* Signals by way of files, and characters typed into a terminal. */
static void put_files(struct filter *f)
{
    static const uint32_t commands[] = {F_SETOWN, F_SETOWN_EX};
    static const uint32_t requests[] = {TIOCSTI, TIOCLINUX, FIOSETOWN, SIOCSPGRP};

    put_not(f, SYS_fcntl, 1, commands, sizeof commands / sizeof *commands);
    put_not(f, SYS_ioctl, 1, requests, sizeof requests / sizeof *requests);
}

/* To open for reading and truncate all the same. */
static void put_open(struct filter *f, int number, unsigned flags)
{
    unless(f, BPF_JEQ, (uint32_t)number, 6);
    load_argument(f, flags);
    unless(f, BPF_JSET, O_TRUNC, 3);
    when(f, BPF_JSET, O_ACCMODE, 2);
    refuse(f, EPERM);
    finish(f, SECCOMP_RET_ALLOW);
    finish(f, SECCOMP_RET_ALLOW);
}

static void put_truncate(struct filter *f)
{
    refuse_call(f, SYS_truncate, EPERM);
    refuse_call(f, SYS_openat2, ENOSYS);
    put_open(f, SYS_openat, 2);
#if defined(__x86_64__)
    put_open(f, SYS_open, 1);
#endif
}

static bool restrict_calls(const struct sandbox *s)
{
    struct filter f = {.n = 0};

    put_head(&f);
    put_refused(&f);
    put_processes(&f, s->landlock >= ABI_SCOPE, getpid());
    put_forks(&f);
    put_pairs(&f);
    put_files(&f);
    if (s->landlock > 0 && s->landlock < ABI_TRUNCATE) {
        put_truncate(&f);
    }
    finish(&f, SECCOMP_RET_ALLOW);
    if (f.n > CODE_MAX) {
        errno = E2BIG;
        return false;
    }
    const struct sock_fprog program = {f.n, f.code};
    /* Without the flag kernels before 5.16 slow down all code that is filtered. */
    return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW,
                   &program) == 0;
}

static bool seccomp_is_there(void)
{
    const uint32_t action = SECCOMP_RET_ERRNO;
    return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

/* ---- capabilities ---- */

/* Root keeps only what lets it read environments of other users and use devices, which Landlock
 * bounds; without that it may not write what is another's. */
static bool drop_capabilities(bool has_landlock)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3];
    const uint32_t kept = 1u << CAP_DAC_READ_SEARCH | (has_landlock ? 1u << CAP_DAC_OVERRIDE : 0);

    if (syscall(SYS_capget, &head, sets)) {
        return false;
    }
    for (size_t i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
        sets[i].permitted &= i == 0 ? kept : 0;
        sets[i].effective = sets[i].permitted;
        sets[i].inheritable &= sets[i].permitted; /* compilers have the same */
    }
    return syscall(SYS_capset, &head, sets) == 0;
}

/* ---- the sandbox ---- */

void sandbox_init(struct sandbox *s)
{
    memset(s, 0, sizeof *s);
    s->landlock = landlock_abi();
    s->has_seccomp = seccomp_is_there();
}

const char *sandbox_lacks(const struct sandbox *s)
{
    if (s->landlock == 0 && !s->has_seccomp) {
        return "this system has neither Landlock nor seccomp: nothing keeps them from files, "
               "network and other processes";
    }
    if (s->landlock == 0) {
        return "this system has no Landlock (Linux 5.13): nothing keeps them from the files of "
               "their user";
    }
    if (!s->has_seccomp) {
        return "this system has no seccomp filters: nothing keeps them from the network";
    }
    return NULL;
}

bool sandbox_allow(struct sandbox *s, const char *path, unsigned access)
{
    struct stat st;
    int fd = open(path, O_PATH | O_CLOEXEC);

    if (fd < 0 || fstat(fd, &st)) {
        if (fd >= 0) {
            close(fd);
        }
        return true;
    }
    if (s->n == SANDBOX_PLACES_MAX) {
        close(fd);
        errno = ENOSPC;
        return false;
    }
    s->place[s->n++] = (struct sandbox_place){fd, access, S_ISDIR(st.st_mode)};
    return true;
}

bool sandbox_allow_system(struct sandbox *s)
{
    static const struct {
        const char *path;
        unsigned access;
    } places[] = {
        {"/usr", SANDBOX_READ | SANDBOX_EXECUTE},
        {"/bin", SANDBOX_READ | SANDBOX_EXECUTE},
        {"/sbin", SANDBOX_READ | SANDBOX_EXECUTE},
        {"/lib", SANDBOX_READ | SANDBOX_EXECUTE},
        {"/lib32", SANDBOX_READ | SANDBOX_EXECUTE},
        {"/lib64", SANDBOX_READ | SANDBOX_EXECUTE},
        {"/nix/store", SANDBOX_READ | SANDBOX_EXECUTE},
        {"/gnu/store", SANDBOX_READ | SANDBOX_EXECUTE},
        /* the loader, names, time zones, drivers: nothing that is anybody's own */
        {"/etc/ld.so.cache", SANDBOX_READ},
        {"/etc/ld.so.preload", SANDBOX_READ},
        {"/etc/nsswitch.conf", SANDBOX_READ},
        {"/etc/passwd", SANDBOX_READ},
        {"/etc/group", SANDBOX_READ},
        {"/etc/localtime", SANDBOX_READ},
        {"/etc/timezone", SANDBOX_READ},
        {"/etc/os-release", SANDBOX_READ},
        {"/etc/ssl/openssl.cnf", SANDBOX_READ},
        {"/etc/OpenCL", SANDBOX_READ},
        {"/etc/vulkan", SANDBOX_READ},
        {"/proc/cpuinfo", SANDBOX_READ},
        {"/proc/meminfo", SANDBOX_READ},
        {"/proc/stat", SANDBOX_READ},
        {"/proc/loadavg", SANDBOX_READ},
        {"/proc/version", SANDBOX_READ},
        {"/proc/filesystems", SANDBOX_READ},
        {"/proc/sys/vm", SANDBOX_READ},
        {"/proc/sys/kernel", SANDBOX_READ},
        {"/proc/driver", SANDBOX_READ},
        {"/sys", SANDBOX_READ},
        {"/dev/null", SANDBOX_READ | SANDBOX_WRITE},
        {"/dev/zero", SANDBOX_READ | SANDBOX_WRITE},
        {"/dev/full", SANDBOX_READ | SANDBOX_WRITE},
        {"/dev/random", SANDBOX_READ},
        {"/dev/urandom", SANDBOX_READ},
        /* accelerators */
        {"/dev/nvidiactl", SANDBOX_READ | SANDBOX_WRITE},
        {"/dev/nvidia-uvm", SANDBOX_READ | SANDBOX_WRITE},
        {"/dev/nvidia-uvm-tools", SANDBOX_READ | SANDBOX_WRITE},
        {"/dev/nvidia-modeset", SANDBOX_READ | SANDBOX_WRITE},
        {"/dev/nvidia-caps", SANDBOX_READ | SANDBOX_WRITE},
        {"/dev/dri", SANDBOX_READ | SANDBOX_WRITE},
        {"/dev/kfd", SANDBOX_READ | SANDBOX_WRITE},
        {"/dev/accel", SANDBOX_READ | SANDBOX_WRITE},
    };
    enum { DEVICES_MAX = 16 };

    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        if (!sandbox_allow(s, places[i].path, places[i].access)) {
            return false;
        }
    }
    for (int i = 0; i < DEVICES_MAX; i++) {
        char path[] = "/dev/nvidia00";
        size_t end = sizeof "/dev/nvidia" - 1;
        path[end] = (char)('0' + (i >= 10 ? 1 : i));
        path[end + 1] = (char)(i >= 10 ? '0' + i % 10 : 0);
        if (!sandbox_allow(s, path, SANDBOX_READ | SANDBOX_WRITE)) {
            return false;
        }
    }
    return true;
}

bool sandbox_enter(const struct sandbox *s, const char *scratch)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
        (s->landlock > 0 && !restrict_files(s, scratch))) {
        return false;
    }
    for (size_t i = 0; i < s->n; i++) {
        close(s->place[i].fd);
    }
    return drop_capabilities(s->landlock > 0) && (!s->has_seccomp || restrict_calls(s));
}
