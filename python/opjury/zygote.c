/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zygote: the process that imported the library once and forks workers of it on command. It runs
 * one loop over the engine's socket and SIGCHLD. It is the subreaper of all that workers start, so
 * when a worker dies what it left behind dies too, and when the engine is gone (even by SIGKILL:
 * the socket closes) every descendant and then the zygote itself ends.
 */
#include "opjury/sandbox.h"
#include "opjury/worker.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    /* What a run has printed lies in memory until its end. Beyond so much, all but the end goes. */
    LOG_MAX = 64 << 20,
    LOG_KEPT = 1 << 20,
    LOG_TICK_MS = 100,
};

struct zygote {
    int socket, signals;
    sigset_t old_mask;
    const struct adapter *adapter;
    const struct confinement *confinement;
    pid_t worker[WIRE_WORKERS_MAX]; /* 0: none */
    int log[WIRE_WORKERS_MAX];      /* of its worker's stdout and stderr; -1: none */
    pid_t swept;                    /* died last, and left processes; 0: none */
};

static bool is_worker(const struct zygote *z, pid_t pid)
{
    for (int w = 0; w < WIRE_WORKERS_MAX; w++) {
        if (z->worker[w] == pid) {
            return true;
        }
    }
    return false;
}

/* The parent of a process, from /proc/PID/stat; 0 when it is gone. */
static pid_t parent_of(pid_t pid)
{
    char path[32], text[512];
    pid_t parent = 0;

    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return 0;
    }
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    text[n > 0 ? n : 0] = '\0';
    /* "pid (name) state ppid": the name may hold anything, so look behind its last parenthesis. */
    char *behind = strrchr(text, ')');
    if (behind && strlen(behind) > 4) {
        parent = (pid_t)strtol(behind + 4, NULL, 10);
    }
    return parent;
}

/* SIGKILL for a child, but not for a worker that is to be kept; true: it was sent. */
static bool kill_child(const struct zygote *z, pid_t pid, bool keep_workers)
{
    return pid > 0 && !(keep_workers && is_worker(z, pid)) && kill(pid, SIGKILL) == 0;
}

/* Kernels without CONFIG_PROC_CHILDREN. */
static bool kill_children_of_all(const struct zygote *z, bool keep_workers)
{
    DIR *proc = opendir("/proc");
    const struct dirent *entry;
    bool any = false;

    while (proc && (entry = readdir(proc))) {
        pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);
        any |= pid > 0 && parent_of(pid) == getpid() && kill_child(z, pid, keep_workers);
    }
    if (proc) {
        closedir(proc);
    }
    return any;
}

/* SIGKILL every child; with `keep_workers` only those that are not workers: what dead workers left.
 * true: there were some. */
static bool kill_children(const struct zygote *z, bool keep_workers)
{
    char path[64];
    int pid;
    bool any = false;

    snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    FILE *list = fopen(path, "re");
    if (!list) {
        return kill_children_of_all(z, keep_workers);
    }
    while (fscanf(list, "%d", &pid) == 1) {
        any |= kill_child(z, (pid_t)pid, keep_workers);
    }
    fclose(list);
    return any;
}

/* Killing a child hands us its children: repeat until none is left. */
static _Noreturn void end_everything(const struct zygote *z)
{
    for (int w = 0; w < WIRE_WORKERS_MAX && z->adapter->starts_processes; w++) {
        if (z->worker[w] > 0) {
            limits_kill_user(z->worker[w]);
        }
    }
    for (;;) {
        (void)kill_children(z, false);
        if (waitpid(-1, NULL, 0) < 0 && errno == ECHILD) {
            if (z->adapter->close) {
                Py_XDECREF(PyObject_CallFunctionObjArgs(z->adapter->close, NULL));
            }
            scratch_remove(z->confinement->scratch);
            _exit(0);
        }
    }
}

/* A full socket cannot be: the engine reads each report before it commands again. */
static void report(const struct zygote *z, const struct wire_report *r)
{
    if (send(z->socket, r, sizeof *r, MSG_NOSIGNAL) < 0) {
        end_everything(z);
    }
}

static uint64_t nanoseconds(struct timeval t)
{
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_usec * 1000u;
}

static void reap(struct zygote *z)
{
    struct rusage usage;
    int status;
    pid_t pid;

    while ((pid = wait4(-1, &status, WNOHANG, &usage)) > 0) {
        for (uint32_t w = 0; w < WIRE_WORKERS_MAX; w++) {
            if (z->worker[w] != pid) {
                continue;
            }
            struct wire_report r = {.kind = WIRE_DIED, .worker = w, .pid = pid, .status = status};
            r.cpu_ns = nanoseconds(usage.ru_utime) + nanoseconds(usage.ru_stime);
            z->worker[w] = 0;
            z->swept = pid;
            report(z, &r);
        }
    }
    /* Those that are killed hand us their own children: until none is left. */
    if (z->swept && !kill_children(z, true)) {
        z->swept = 0;
    }
    if (z->swept && z->adapter->starts_processes) {
        limits_kill_user(z->swept);
    }
}

/* A log that takes too much memory loses its beginning. */
static void cut_logs(const struct zygote *z)
{
    struct stat s;

    for (int w = 0; w < WIRE_WORKERS_MAX; w++) {
        if (z->worker[w] > 0 && fstat(z->log[w], &s) == 0 && s.st_blocks > LOG_MAX / 512) {
            (void)fallocate(z->log[w], FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
                            s.st_size - LOG_KEPT);
        }
    }
}

/* All but the log of worker w, which is kept. */
static void close_fds(struct zygote *z, uint32_t w, const int *fds)
{
    for (int i = 0; i < WIRE_FDS; i++) {
        close(i == WIRE_FD_LOG ? z->log[w] : fds[i]);
    }
    z->log[w] = fds[WIRE_FD_LOG];
}

/* What the worker before it left there is gone. */
static void make_folder(const struct zygote *z, uint32_t w)
{
    char path[WORKER_FOLDER_MAX];

    worker_folder(z->confinement, w, path);
    scratch_empty(path);
    (void)mkdir(path, S_IRWXU); /* or it is there; without it the worker says so */
}

static void fork_worker(struct zygote *z, uint32_t w, const int *fds)
{
    struct wire_report r = {.kind = WIRE_FORKED, .worker = w};
    pid_t self = getpid();

    make_folder(z, w);
    PyOS_BeforeFork();
    r.pid = fork();
    if (r.pid == 0) {
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != self) {
            _exit(1);
        }
        PyOS_AfterFork_Child();
        close(z->socket);
        close(z->signals);
        for (int i = 0; i < WIRE_WORKERS_MAX; i++) {
            close(z->log[i]);
        }
        sigprocmask(SIG_SETMASK, &z->old_mask, NULL);
        worker_main(z->adapter, z->confinement, w, fds);
    }
    if (r.pid < 0) {
        r.status = errno;
    } else {
        z->worker[w] = r.pid;
    }
    PyOS_AfterFork_Parent();
    close_fds(z, w, fds);
    report(z, &r);
}

/* One command; false: the engine closed the socket. */
static bool command(struct zygote *z)
{
    struct wire_command c;
    union {
        char bytes[CMSG_SPACE(sizeof(int) * WIRE_FDS)];
        struct cmsghdr align;
    } control;
    struct iovec part = {&c, sizeof c};
    struct msghdr m = {.msg_iov = &part,
                       .msg_iovlen = 1,
                       .msg_control = control.bytes,
                       .msg_controllen = sizeof control.bytes};
    int fds[WIRE_FDS];

    ssize_t n = recvmsg(z->socket, &m, MSG_CMSG_CLOEXEC);
    if (n < 0 && errno == EINTR) {
        return true;
    }
    if (n != (ssize_t)sizeof c || c.worker >= WIRE_WORKERS_MAX) {
        return false;
    }
    if (c.kind == WIRE_KILL) {
        if (z->worker[c.worker] > 0) {
            kill(z->worker[c.worker], SIGKILL);
        }
        return true;
    }
    const struct cmsghdr *head = CMSG_FIRSTHDR(&m);
    if (!head || head->cmsg_len != CMSG_LEN(sizeof fds) || z->worker[c.worker]) {
        return false;
    }
    memcpy(fds, CMSG_DATA(head), sizeof fds);
    fork_worker(z, c.worker, fds);
    return true;
}

static int count_threads(void)
{
    DIR *tasks = opendir("/proc/self/task");
    const struct dirent *entry;
    int n = 0;

    while (tasks && (entry = readdir(tasks))) {
        n += entry->d_name[0] != '.';
    }
    if (tasks) {
        closedir(tasks);
    }
    return n;
}

_Noreturn void zygote_serve(int socket, const struct adapter *adapter, const char *version,
                            const struct confinement *confinement)
{
    struct zygote z = {
        .socket = socket, .adapter = adapter, .confinement = confinement, .log = {-1, -1}};
    /* status: threads that the import and the warm-up left running; a fork would lose them. */
    struct wire_report ready = {.kind = WIRE_READY, .pid = getpid(), .status = count_threads()};
    struct rusage compilers;
    sigset_t child;

    symbols_index();
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    snprintf(ready.text, sizeof ready.text, "%s", version);
    if (getrusage(RUSAGE_CHILDREN, &compilers) == 0) {
        ready.cpu_ns = nanoseconds(compilers.ru_utime) + nanoseconds(compilers.ru_stime);
    }
    z.signals = -1;
    if (prctl(PR_SET_CHILD_SUBREAPER, 1) || sigprocmask(SIG_BLOCK, &child, &z.old_mask) ||
        (z.signals = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK)) < 0) {
        perror("opjury: zygote");
        _exit(WIRE_EXIT_ENVIRONMENT);
    }
    /* Until now the engine's death killed us; from here on the closed socket tells, and we must
     * outlive the engine by as long as it takes to end our descendants. */
    prctl(PR_SET_PDEATHSIG, 0);
    report(&z, &ready);
    for (;;) {
        struct pollfd p[2] = {{.fd = z.socket, .events = POLLIN},
                              {.fd = z.signals, .events = POLLIN}};
        if (poll(p, 2, LOG_TICK_MS) < 0) {
            continue;
        }
        cut_logs(&z);
        if (p[1].revents) {
            struct signalfd_siginfo drained[8];
            while (read(z.signals, drained, sizeof drained) > 0) {
            }
            reap(&z);
        }
        if (p[0].revents && !command(&z)) {
            end_everything(&z);
        }
    }
}
