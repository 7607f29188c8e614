/* SPDX-License-Identifier: Apache-2.0 */
/*
 * limits: what a worker may use, so that a library that runs away takes its own worker with it and
 * nothing else. Address space, descriptors and the size of files by rlimits. Processes: libraries
 * that run no compiler may start none (seccomp); the others, and all where seccomp is missing, a
 * bounded number. That bound (RLIMIT_NPROC) does not hold for root, so a worker of root becomes a
 * user of its own, who keeps of root only the right to open files: interpreters lie in /root. Where
 * a container forbids that, it stays root and only memory bounds its processes.
 */
#include "opjury/worker.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    /* g++ is five processes at a time; threads count too, of which a target may have 64. Pools of
     * threads have some for each processor. */
    TASKS_MAX = 128,
    TASKS_A_PROCESSOR = 4,
    FILES_MAX = 1024,
    /* "0x70000000 and above: unused" (systemd, Users, Groups, UIDs and GIDs). */
    OWN_USERS = 0x70000000,
};
/* A log of 1 GB is a nuisance, a file that grows without end a full disk. */
static const rlim_t file_size_max = (rlim_t)4 << 30;

/* ---- users ---- */

static bool set_user(uid_t user)
{
    return setgroups(0, NULL) == 0 && setresgid(user, user, user) == 0 &&
           setresuid(user, user, user) == 0;
}

/* What a change of the user takes away, but for files; compilers that are started have it too. */
static bool keep_files(void)
{
    static const unsigned kept[] = {CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH};
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct had[2], caps[2] = {{0}};

    if (syscall(SYS_capget, &head, had)) {
        return false;
    }
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
        caps[0].permitted |= had[0].permitted & 1u << kept[i];
    }
    caps[0].effective = caps[0].inheritable = caps[0].permitted;
    if (syscall(SYS_capset, &head, caps)) {
        return false;
    }
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
        if (caps[0].permitted & 1u << kept[i]) {
            prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, kept[i], 0, 0);
        }
    }
    return true;
}

/* false: it cannot be done, or we are not root. The folder becomes that user's: g++ asks access(2),
 * which knows of no capabilities, whether it may write there. */
static bool become_own_user(const char *folder)
{
    const uid_t user = OWN_USERS + (uid_t)getpid();
    pid_t parent = getppid();

    if (geteuid() != 0 || lchown(folder, user, user) || prctl(PR_SET_KEEPCAPS, 1) ||
        !set_user(user)) {
        return false;
    }
    /* The change has taken away what these say. */
    bool done =
        keep_files() && prctl(PR_SET_DUMPABLE, 1) == 0 && prctl(PR_SET_PDEATHSIG, SIGKILL) == 0;
    if (!done || getppid() != parent) {
        _exit(WIRE_EXIT_ENVIRONMENT);
    }
    return true;
}

void limits_kill_user(pid_t worker)
{
    pid_t pid = geteuid() == 0 ? fork() : -1;

    if (pid == 0) {
        if (set_user(OWN_USERS + (uid_t)worker)) {
            kill(-1, SIGKILL); /* one step: none can start another meanwhile */
        }
        _exit(0);
    }
    while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
    }
}

/* ---- processes ---- */

#if defined(__x86_64__)
#define OWN_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define OWN_ARCH AUDIT_ARCH_AARCH64
#endif

/* Threads may be started, processes not. false: this kernel has no seccomp. */
static bool deny_processes(void)
{
#ifdef OWN_ARCH
#define ANSWER(error) BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (error))
#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define WHEN(test, value, answer) BPF_JUMP(BPF_JMP | (test) | BPF_K, (value), 0, 1), answer
    static const struct sock_filter filter[] = {
        LOAD(arch),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, OWN_ARCH, 1, 0),
        ANSWER(EPERM),
        LOAD(nr),
        /* glibc then calls clone, whose flags can be looked at. */
        WHEN(BPF_JEQ, SYS_clone3, ANSWER(ENOSYS)),
#if defined(__x86_64__)
        WHEN(BPF_JGE, 0x40000000, ANSWER(ENOSYS)), /* x32 */
        WHEN(BPF_JEQ, SYS_fork, ANSWER(EPERM)),
        WHEN(BPF_JEQ, SYS_vfork, ANSWER(EPERM)),
#endif
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        LOAD(args[0]), /* its lower half on machines of little endian */
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x00010000 /* CLONE_THREAD */, 1, 0),
        ANSWER(EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog program = {.len = sizeof filter / sizeof *filter,
                                       .filter = (struct sock_filter *)filter};

    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW,
                   &program) == 0;
#else
    return false;
#endif
}

/* Threads of all of this user's processes that can be seen: what RLIMIT_NPROC counts. */
static rlim_t count_tasks(void)
{
    DIR *proc = opendir("/proc");
    const struct dirent *entry;
    char path[64];
    struct stat s;
    rlim_t n = 0;

    while (proc && (entry = readdir(proc))) {
        snprintf(path, sizeof path, "/proc/%.20s/task", entry->d_name);
        if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' && stat(path, &s) == 0 &&
            s.st_uid == getuid() && s.st_nlink > 2) {
            n += s.st_nlink - 2;
        }
    }
    if (proc) {
        closedir(proc);
    }
    return n;
}

/* Never more than there was. */
static bool bound(int resource, rlim_t most)
{
    struct rlimit limit;

    if (getrlimit((__rlimit_resource_t)resource, &limit)) {
        return false;
    }
    limit.rlim_max = most < limit.rlim_max ? most : limit.rlim_max;
    limit.rlim_cur = most < limit.rlim_cur ? most : limit.rlim_cur;
    return setrlimit((__rlimit_resource_t)resource, &limit) == 0;
}

static rlim_t tasks_max(void)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);

    return TASKS_MAX + TASKS_A_PROCESSOR * (rlim_t)(processors > 0 ? processors : 1);
}

static bool can_fork(void)
{
    pid_t pid = fork();

    if (pid == 0) {
        _exit(0);
    }
    while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
    }
    return pid > 0;
}

/* Of a user that is not ours there may be more than is seen here (containers): the bound grows
 * until it lets something be started. */
static bool bound_processes(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NPROC, &limit)) {
        return false;
    }
    rlim_t most = limit.rlim_max, n = count_tasks() + tasks_max();
    do {
        limit.rlim_cur = n < most ? n : most;
        if (setrlimit(RLIMIT_NPROC, &limit)) {
            return false;
        }
        n *= 2;
    } while (!can_fork() && limit.rlim_cur < most);
    return bound(RLIMIT_NPROC, limit.rlim_cur);
}

/* ---- all of them ---- */

/* Bytes of address space in use, which is what RLIMIT_AS counts; 0: unknown. */
static uint64_t address_space(const struct limits *l)
{
    char text[32];
    ssize_t n = pread(l->statm, text, sizeof text - 1, 0);

    text[n > 0 ? n : 0] = '\0';
    return strtoull(text, NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE);
}

const char *limits_set(struct limits *l, const struct adapter *a, const char *folder)
{
    struct rlimit files;
    bool is_own_user = become_own_user(folder);
    bool is_denied = !a->starts_processes && deny_processes();

    if (is_own_user ? !bound(RLIMIT_NPROC, tasks_max()) : !is_denied && !bound_processes()) {
        return "RLIMIT_NPROC";
    }
    /* No core files: the frames are recorded. */
    if (!bound(RLIMIT_CORE, 0) || !bound(RLIMIT_FSIZE, file_size_max) ||
        !bound(RLIMIT_NOFILE, FILES_MAX) || getrlimit(RLIMIT_NOFILE, &files)) {
        return "a limit";
    }
    l->files = (int)(files.rlim_cur / 2);
    return NULL;
}

const char *limits_memory(struct limits *l, uint64_t memory)
{
    l->statm = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    uint64_t start = l->statm >= 0 ? address_space(l) : 0;
    if (start == 0) {
        return "/proc/self/statm";
    }
    l->memory = UINT64_MAX;
    if (memory == 0) {
        return NULL;
    }
    l->memory = start + memory / 2;
    return bound(RLIMIT_AS, (rlim_t)(start + memory)) ? NULL : "RLIMIT_AS";
}

bool limits_worn(const struct limits *l)
{
    int lowest = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3); /* the first that is free */

    if (lowest >= 0) {
        close(lowest);
    }
    return lowest < 0 || lowest > l->files || address_space(l) > l->memory;
}
