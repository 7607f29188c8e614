/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zygote: the process that imported the library once and forks workers of it on command. It runs
 * one loop over the engine's socket and SIGCHLD. It is the subreaper of all that workers start, so
 * when a worker dies what it left behind dies too, and when the engine is gone (even by SIGKILL:
 * the socket closes) every descendant and then the zygote itself ends.
 */
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
#include <sys/wait.h>
#include <unistd.h>

struct zygote {
    int socket, signals;
    sigset_t old_mask;
    const struct adapter *adapter;
    pid_t worker[WIRE_WORKERS_MAX]; /* 0: none */
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

/* SIGKILL every child; with `keep_workers` only those that are not workers: what dead workers left.
 */
static void kill_children(const struct zygote *z, bool keep_workers)
{
    DIR *proc = opendir("/proc");
    const struct dirent *entry;

    while (proc && (entry = readdir(proc))) {
        pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);
        if (pid > 0 && parent_of(pid) == getpid() && !(keep_workers && is_worker(z, pid))) {
            kill(pid, SIGKILL);
        }
    }
    if (proc) {
        closedir(proc);
    }
}

/* Killing a child hands us its children: repeat until none is left. */
static _Noreturn void end_everything(const struct zygote *z)
{
    for (;;) {
        kill_children(z, false);
        if (waitpid(-1, NULL, 0) < 0 && errno == ECHILD) {
            if (z->adapter->close) {
                Py_XDECREF(PyObject_CallFunctionObjArgs(z->adapter->close, NULL));
            }
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
    bool a_worker_died = false;

    while ((pid = wait4(-1, &status, WNOHANG, &usage)) > 0) {
        for (uint32_t w = 0; w < WIRE_WORKERS_MAX; w++) {
            if (z->worker[w] != pid) {
                continue;
            }
            struct wire_report r = {.kind = WIRE_DIED, .worker = w, .pid = pid, .status = status};
            r.cpu_ns = nanoseconds(usage.ru_utime) + nanoseconds(usage.ru_stime);
            z->worker[w] = 0;
            a_worker_died = true;
            report(z, &r);
        }
    }
    if (a_worker_died) {
        kill_children(z, true);
    }
}

static void close_fds(const int *fds)
{
    for (int i = 0; i < WIRE_FDS; i++) {
        close(fds[i]);
    }
}

static void fork_worker(struct zygote *z, uint32_t w, const int *fds)
{
    struct wire_report r = {.kind = WIRE_FORKED, .worker = w};
    pid_t self = getpid();

    PyOS_BeforeFork();
    r.pid = fork();
    if (r.pid == 0) {
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != self) {
            _exit(1);
        }
        PyOS_AfterFork_Child();
        close(z->socket);
        close(z->signals);
        sigprocmask(SIG_SETMASK, &z->old_mask, NULL);
        worker_main(z->adapter, fds);
    }
    if (r.pid < 0) {
        r.status = errno;
    } else {
        z->worker[w] = r.pid;
    }
    PyOS_AfterFork_Parent();
    close_fds(fds);
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

_Noreturn void zygote_serve(int socket, const struct adapter *adapter, const char *version)
{
    struct zygote z = {.socket = socket, .adapter = adapter};
    /* status: threads that the import and the warm-up left running; a fork would lose them. */
    struct wire_report ready = {.kind = WIRE_READY, .pid = getpid(), .status = count_threads()};
    struct rusage compilers;
    sigset_t child;

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
        if (poll(p, 2, -1) < 0) {
            continue;
        }
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
