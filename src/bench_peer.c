/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The python side of a figure: a script under scripts/ in an interpreter of its own, which answers
 * a line for a line.
 */
#include "bench.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum err peer_line(struct peer *peer, char **line)
{
    size_t size = 0;
    free(peer->line);
    peer->line = NULL;
    ssize_t n = peer->from ? getline(&peer->line, &size, peer->from) : -1;
    if (n < 0) {
        return err_set(ERR_IO, "%s ended early; see above", peer->script);
    }
    peer->line[strcspn(peer->line, "\n")] = '\0';
    *line = peer->line;
    return ERR_OK;
}

enum err peer_ask(struct peer *peer, char **line, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vfprintf(peer->to, format, args);
    va_end(args);
    fputc('\n', peer->to);
    fflush(peer->to);
    return peer_line(peer, line);
}

enum err peer_start(const char *python, const char *script, struct arena *arena, struct peer *peer)
{
    char *dir;
    int pair[2];
    TRY(exe_dir(arena, &dir));
    const char *path = arena_printf(arena, "%s/../scripts/%s", dir, script);
    *peer = (struct peer){.script = script};
    if (!file_exists(path)) {
        return err_set(ERR_MISSING, "%s is not there: run this from a checkout's build", path);
    }
    fflush(stdout);
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) || (peer->pid = fork()) < 0) {
        return err_set(ERR_IO, "cannot start %s: %m", python);
    }
    if (peer->pid == 0) {
        if (dup2(pair[1], STDIN_FILENO) >= 0 && dup2(pair[1], STDOUT_FILENO) >= 0) {
            execl(python, python, path, (char *)NULL);
        }
        _exit(127);
    }
    close(pair[1]);
    int twin = dup(pair[0]);
    peer->to = twin < 0 ? NULL : fdopen(twin, "w");
    peer->from = fdopen(pair[0], "r");
    return peer->to && peer->from ? ERR_OK : err_set(ERR_IO, "cannot talk to %s: %m", python);
}

/* At the end of its input the script ends. */
void peer_stop(struct peer *peer)
{
    if (peer->to) {
        shutdown(fileno(peer->to), SHUT_RDWR);
        fclose(peer->to);
    }
    if (peer->from) {
        fclose(peer->from);
    }
    if (peer->pid > 0) {
        waitpid(peer->pid, NULL, 0);
    }
    free(peer->line);
    *peer = (struct peer){0};
}

enum err peer_start_nnsmith(struct arena *arena, struct peer *peer, const char **versions,
                            const char **why)
{
    char *dir, *line = NULL;
    TRY(exe_dir(arena, &dir));
    *versions = *why = NULL;
    *peer = (struct peer){0};
    const char *python = arena_printf(arena, "%s/../.venv-peer/bin/python", dir);
    if (!file_exists(python)) {
        *why = "nnsmith 0.1.0 is not here (`scripts/setup peer` makes its environment): figures of "
               "ours alone";
        return ERR_OK;
    }
    log_info("starting nnsmith");
    TRY(peer_start(python, "time_nnsmith.py", arena, peer));
    TRY(peer_line(peer, &line));
    const char *first = arena_strdup(arena, line);
    if (strncmp(first, "error ", 6) == 0) {
        *why = arena_printf(arena, "nnsmith does not start, figures of ours alone: %s", first + 6);
        peer_stop(peer);
        return ERR_OK;
    }
    *versions = first;
    return ERR_OK;
}
