/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zygote: the engine's end of a library's mother process. Starts the interpreter with our
 * extension, passes commands and descriptors over a SOCK_SEQPACKET pair, takes its reports. Closing
 * the pair is what ends the zygote and everything below it.
 */
#include "target/target_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "opjury/sandbox.h"

/* From the closed socket to the zygote's end: it kills and reaps, no library code runs, but it may
 * wait for a core. Killed, it would leave the children of its workers behind. */
static const double end_seconds = 30;

/* sys.path[0] of -c is the caller's folder: whatever lies there must not shadow a library. */
static const char bootstrap[] =
    "import sys; sys.path[:] = [sys.argv[1]] + [p for p in sys.path if p]; "
    "from opjury import zygote; zygote.main(sys.argv[2], int(sys.argv[3]))";

/* What whoever started opjury left open (a file, a connection) is not the workers': no sandbox
 * takes away what is open. */
static void close_others(void)
{
    if (close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC) == 0) {
        return;
    }
    long end = sysconf(_SC_OPEN_MAX); /* Linux before 5.11 */
    for (int fd = STDERR_FILENO + 1; fd < end; fd++) {
        (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
    }
}

static _Noreturn void exec_interpreter(const char *python, const char *dir, const char *adapter,
                                       char *const *environment, int socket, int log, pid_t engine)
{
    char number[16];
    int null = open("/dev/null", O_RDONLY);

    snprintf(number, sizeof number, "%d", socket);
    /* Its own session: a Ctrl-C at the terminal is the engine's to handle. */
    if (setsid() < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) || prctl(PR_SET_CHILD_SUBREAPER, 1) ||
        getppid() != engine || null < 0 || dup2(null, STDIN_FILENO) < 0 ||
        dup2(log, STDOUT_FILENO) < 0 || dup2(log, STDERR_FILENO) < 0) {
        dprintf(log, "set-up of the zygote: %s\n", strerror(errno));
        _exit(WIRE_EXIT_EXEC);
    }
    close_others();
    (void)fcntl(socket, F_SETFD, 0);
    execle(python, python, "-c", bootstrap, dir, adapter, number, (char *)NULL, environment);
    dprintf(log, "%s: %s\n", python, strerror(errno));
    _exit(WIRE_EXIT_EXEC);
}

static enum err make_scratch(struct zygote *z)
{
    const char *tmp = getenv("TMPDIR");

    tmp = tmp && *tmp ? tmp : "/tmp";
    char *parent = realpath(tmp, NULL); /* it must do from other folders too */
    z->scratch = parent ? scratch_make(parent, &z->lock) : NULL;
    int error = errno;
    free(parent);
    errno = error;
    return z->scratch ? ERR_OK : err_set(ERR_IO, "cannot make a folder for workers in %s: %m", tmp);
}

static void remove_scratch(struct zygote *z)
{
    if (z->scratch) {
        scratch_remove(z->scratch); /* by now the zygote has, unless it was killed */
        free(z->scratch);
        close(z->lock);
    }
}

enum err zygote_start(struct zygote *z, const char *python, const char *adapter)
{
    struct arena *arena = arena_new();
    struct zygote fresh = ZYGOTE_NONE;
    int pair[2] = {-1, -1};
    const char *dir;
    char *cache = NULL;
    pid_t engine = getpid();
    enum err e = worker_dir(arena, &dir);

    if (e) {
        goto out;
    }
    if (cache_dir(arena, &cache)) {
        log_debug("%s", err_text());
    }
    e = make_scratch(&fresh);
    if (e) {
        goto out;
    }
    char **environment = worker_environment(cache, fresh.scratch, arena);
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) ||
        (fresh.log = memfd_create("opjury-zygote-log", MFD_CLOEXEC)) < 0 ||
        (fresh.pid = fork()) < 0) {
        e = err_set(ERR_IO, "cannot start a process for %s: %m", adapter);
        goto out;
    }
    if (fresh.pid == 0) {
        exec_interpreter(python, dir, adapter, environment, pair[1], fresh.log, engine);
    }
    fresh.socket = pair[0];
    fresh.wall_start = clock_wall();
    pair[0] = -1;
    *z = fresh;
out:
    for (int i = 0; i < 2; i++) {
        if (pair[i] >= 0) {
            close(pair[i]);
        }
    }
    if (e && fresh.log >= 0) {
        close(fresh.log);
    }
    if (e) {
        remove_scratch(&fresh);
    }
    arena_free(arena);
    return e;
}

/* Last line of what the zygote wrote, without its end. */
static char *last_line(int log, struct arena *arena)
{
    char text[4096];
    off_t end = lseek(log, 0, SEEK_END);
    off_t from = end > (off_t)sizeof text ? end - (off_t)sizeof text : 0;
    ssize_t n = pread(log, text, sizeof text - 1, from);

    while (n > 0 && text[n - 1] == '\n') {
        n--;
    }
    text[n > 0 ? n : 0] = '\0';
    const char *line = strrchr(text, '\n');
    return arena_strdup(arena, line ? line + 1 : text);
}

/* Close the socket and wait for the end, with force after a while. The exit status, CPU seconds. */
static int end_zygote(struct zygote *z, double patience, double *cpu)
{
    if (z->socket >= 0) {
        close(z->socket);
        z->socket = -1;
    }
    int status = child_reap(z->pid, patience, cpu);
    z->pid = 0;
    return status;
}

static enum err start_failed(struct zygote *z, const char *python, const struct target_kind *kind,
                             struct arena *arena)
{
    double cpu;
    int status = end_zygote(z, end_seconds, &cpu);
    const char *why = last_line(z->log, arena);

    zygote_close(z);
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    if (code == WIRE_EXIT_MISSING) {
        return err_set(ERR_MISSING, "%s is not installed for %s: %s -m pip install %s", kind->name,
                       python, python, kind->package);
    }
    if (code == WIRE_EXIT_ENVIRONMENT || code == WIRE_EXIT_EXEC) {
        return err_set(ERR_MISSING, "%s", why);
    }
    if (WIFSIGNALED(status)) {
        return err_set(ERR_MISSING, "%s died of signal %d while it imported %s: %s", python,
                       WTERMSIG(status), kind->name, why);
    }
    return err_set(ERR_MISSING, "%s cannot run a worker for %s: %s", python, kind->name,
                   *why ? why : arena_printf(arena, "it ended with status %d", code));
}

enum err zygote_wait(struct zygote *z, const char *python, const struct target_kind *kind,
                     double cap, struct arena *arena, const char **version)
{
    struct pollfd p = {.fd = z->socket, .events = POLLIN};
    struct wire_report report;
    bool got = false;

    while (!got) {
        double left = z->wall_start + cap - clock_wall();
        int n = left > 0 ? poll(&p, 1, (int)(left * 1000) + 1) : 0;
        if (stop_requested) {
            zygote_close(z);
            return err_set(ERR_STOPPED, "stopped");
        }
        if (n == 0) {
            zygote_close(z);
            return err_set(ERR_MISSING, "%s did not import %s within %g s", python, kind->name,
                           cap);
        }
        if (n > 0 && zygote_report(z, &report, &got)) {
            return start_failed(z, python, kind, arena);
        }
    }
    if (report.kind != WIRE_READY) {
        return err_set(ERR_IO, "the zygote of %s answers out of turn", kind->name);
    }
    if (report.status != 1) {
        log_warn("%s: the import left %d threads in the zygote; a fork loses all but one",
                 kind->name, report.status);
    }
    z->ready = true;
    z->warm_cpu = (double)report.cpu_ns * 1e-9;
    *version = arena_strdup(arena, report.text);
    return ERR_OK;
}

enum err zygote_command(const struct zygote *z, uint32_t kind, uint32_t worker, const int *fds)
{
    struct wire_command c = {.kind = kind, .worker = worker};
    union {
        char bytes[CMSG_SPACE(sizeof(int) * WIRE_FDS)];
        struct cmsghdr align;
    } control = {0};
    struct iovec part = {&c, sizeof c};
    struct msghdr m = {.msg_iov = &part, .msg_iovlen = 1};

    if (fds) {
        m.msg_control = control.bytes;
        m.msg_controllen = sizeof control.bytes;
        struct cmsghdr *head = CMSG_FIRSTHDR(&m);
        head->cmsg_level = SOL_SOCKET;
        head->cmsg_type = SCM_RIGHTS;
        head->cmsg_len = CMSG_LEN(sizeof(int) * WIRE_FDS);
        memcpy(CMSG_DATA(head), fds, sizeof(int) * WIRE_FDS);
    }
    while (sendmsg(z->socket, &m, MSG_NOSIGNAL) < 0) {
        if (errno != EINTR) {
            return err_set(ERR_IO, "the zygote does not listen: %m");
        }
    }
    return ERR_OK;
}

enum err zygote_report(const struct zygote *z, struct wire_report *report, bool *got)
{
    ssize_t n = recv(z->socket, report, sizeof *report, MSG_DONTWAIT);

    *got = false;
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        return ERR_OK;
    }
    if (n != (ssize_t)sizeof *report || report->worker >= WIRE_WORKERS_MAX) {
        return err_set(ERR_IO, "the zygote is gone");
    }
    report->text[WIRE_REPORT_TEXT - 1] = '\0';
    *got = true;
    return ERR_OK;
}

double zygote_close(struct zygote *z)
{
    double cpu = 0;

    if (z->pid > 0) {
        (void)end_zygote(z, z->ready ? end_seconds : 0, &cpu);
    }
    if (z->socket >= 0) {
        close(z->socket);
    }
    if (z->log >= 0) {
        close(z->log);
    }
    remove_scratch(z);
    *z = ZYGOTE_NONE;
    return cpu;
}
