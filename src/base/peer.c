/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peer: a script under scripts/ in an interpreter of its own, which answers a line for a line. What
 * it says is of others: it may be anything, end at any moment, or never come.
 */
#include "base/base.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { READ_SIZE = 1 << 16, LINE_MAX_BYTES = 1 << 24 };

/* From the closed socket to the end of a script that is at no work; after that it is killed. */
static const double end_seconds = 5;

/* Its status. */
static int peer_reap(struct peer *peer)
{
    int status = child_reap(peer->pid, end_seconds, &peer->cpu_ended);
    peer->pid = 0;
    return status;
}

static enum err ended_early(struct peer *peer)
{
    int status = peer->pid > 0 ? peer_reap(peer) : 0;
    if (WIFSIGNALED(status)) {
        return err_set(ERR_IO, "%s was killed by signal %d", peer->script, WTERMSIG(status));
    }
    return err_set(ERR_IO, "%s ended early, with status %d; see above", peer->script,
                   WEXITSTATUS(status));
}

/* More bytes of it. */
static enum err peer_read(struct peer *peer)
{
    struct pollfd p = {.fd = peer->fd, .events = POLLIN};
    double end = clock_wall() + peer->patience;
    ssize_t n = -1;
    if (peer->taken > 0) { /* what was read before goes */
        memmove(peer->in.data, peer->in.data + peer->taken, peer->in.size - peer->taken);
        peer->in.size -= peer->taken;
        peer->taken = 0;
    }
    buffer_reserve(&peer->in, READ_SIZE);
    while (n < 0) {
        double left = peer->patience > 0 ? end - clock_wall() : 1;
        if (left <= 0) {
            return err_set(ERR_IO, "%s does not answer within %.0f s", peer->script,
                           peer->patience);
        }
        if (peer->stops && stop_requested) {
            return err_set(ERR_STOPPED, "stopped");
        }
        left = peer->stops && left > 1 ? 1 : left; /* the signal may have come just before */
        int ready = poll(&p, 1, (int)(left * 1000) + 1);
        n = ready > 0 ? recv(peer->fd, peer->in.data + peer->in.size, READ_SIZE, 0) : -1;
        if (n == 0 || (n < 0 && ready != 0 && errno != EINTR)) {
            return ended_early(peer);
        }
    }
    peer->in.size += (size_t)n;
    return ERR_OK;
}

enum err peer_line(struct peer *peer, char **line)
{
    char *end = NULL;
    size_t seen = 0;
    while (!end) {
        size_t n = peer->in.size - peer->taken;
        end = n > seen ? memchr(peer->in.data + peer->taken + seen, '\n', n - seen) : NULL;
        seen = n;
        if (!end && n > LINE_MAX_BYTES) {
            CHECK(peer->pid > 0);
            kill(peer->pid, SIGKILL); /* so it says no more, about a closed socket either */
            return err_set(ERR_INPUT, "%s says a line without an end", peer->script);
        }
        TRY(end ? ERR_OK : peer_read(peer));
    }
    *end = '\0';
    *line = peer->in.data + peer->taken;
    peer->taken = (size_t)(end + 1 - peer->in.data);
    return ERR_OK;
}

enum err peer_bytes(struct peer *peer, size_t n, char **bytes)
{
    while (peer->in.size - peer->taken < n) {
        TRY(peer_read(peer));
    }
    *bytes = peer->in.data + peer->taken;
    peer->taken += n;
    return ERR_OK;
}

enum err peer_say(struct peer *peer, const char *text)
{
    size_t size = strlen(text);
    while (size > 0) {
        ssize_t n = send(peer->fd, text, size, MSG_NOSIGNAL);
        if (n < 0 && errno != EINTR) {
            return ended_early(peer);
        }
        text += n > 0 ? n : 0;
        size -= n > 0 ? (size_t)n : 0;
    }
    return ERR_OK;
}

enum err peer_ask(struct peer *peer, char **line, const char *format, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, format);
    int n = vasprintf(&text, format, args);
    va_end(args);
    CHECK(n >= 0);
    struct buffer said = BUFFER_INIT;
    buffer_printf(&said, "%s\n", text);
    free(text);
    enum err err = peer_say(peer, said.data);
    buffer_release(&said);
    return err == ERR_OK ? peer_line(peer, line) : err;
}

static _Noreturn void exec_peer(const char *python, const char *path, int socket, pid_t parent)
{
    /* Sets are to be gone through alike in every run. A Ctrl-C is the caller's to handle. */
    setenv("PYTHONHASHSEED", "0", 1);
    signal(SIGINT, SIG_IGN);
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == parent &&
        dup2(socket, STDIN_FILENO) >= 0 && dup2(socket, STDOUT_FILENO) >= 0) {
        execl(python, python, path, (char *)NULL);
    }
    dprintf(STDERR_FILENO, "opjury: cannot run %s: %s\n", python, strerror(errno));
    _exit(127);
}

enum err peer_start(const char *python, const char *script, struct arena *arena, struct peer *peer)
{
    char *dir;
    int pair[2];
    pid_t parent = getpid();
    TRY(exe_dir(arena, &dir));
    const char *path = arena_printf(arena, "%s/../scripts/%s", dir, script);
    *peer = (struct peer){.script = script, .fd = -1};
    if (!file_exists(path)) {
        return err_set(ERR_MISSING, "%s is not there: run this from a checkout's build", path);
    }
    fflush(stdout);
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair)) {
        return err_set(ERR_IO, "cannot start %s: %m", python);
    }
    peer->pid = fork();
    if (peer->pid == 0) {
        exec_peer(python, path, pair[1], parent);
    }
    enum err err = peer->pid > 0 ? ERR_OK : err_set(ERR_IO, "cannot start %s: %m", python);
    close(pair[1]);
    peer->fd = pair[0];
    if (err != ERR_OK) {
        peer_stop(peer);
    }
    return err;
}

double peer_cpu(const struct peer *peer)
{
    return peer->pid > 0 ? clock_cpu_of(peer->pid) : peer->cpu_ended;
}

/* At the end of its input the script ends. */
void peer_stop(struct peer *peer)
{
    if (peer->script && peer->fd >= 0) {
        close(peer->fd);
        peer->fd = -1;
    }
    if (peer->pid > 0) {
        (void)peer_reap(peer);
    }
    buffer_release(&peer->in);
    peer->taken = 0;
}
