/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One run of a command. The program gets a folder of its own, a session of its own and limits; a
 * warden between it and us takes in whatever it starts and kills all of it at the end, when time is
 * up, or when we are gone (the leash, a pipe, is closed then).
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "target/command.h"
#include "target/target_internal.h"

#include "opjury/sandbox.h"

enum {
    TICK_MS = 50,
    /* Of what it prints the beginning and the end are kept. */
    LOG_PART = 16 << 10,
};
/* From the closed leash to the warden's report: it kills and reaps, and may wait for a core. */
static const double end_seconds = 30;

/* What the warden says at the end. */
struct report {
    int exec_errno; /* 0: the program was started */
    int status;     /* of waitpid */
    double cpu;     /* of the program and all that it started */
};

struct command_process {
    pid_t warden;
    int leash, log, report; /* our ends; -1: closed */
    char head[LOG_PART], tail[LOG_PART];
    size_t n_head, n_tail, n_dropped;
};

/* ---- below the engine ---- */

/* What is ignored here would be ignored there too. */
static void reset_signals(void)
{
    sigset_t none;
    sigemptyset(&none);
    for (int s = 1; s < NSIG; s++) {
        signal(s, SIG_DFL);
    }
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static bool set_limit(enum __rlimit_resource resource, uint64_t most)
{
    struct rlimit limit;
    if (getrlimit(resource, &limit)) {
        return false;
    }
    limit.rlim_cur = limit.rlim_max < most ? limit.rlim_max : most;
    limit.rlim_max = limit.rlim_cur;
    return setrlimit(resource, &limit) == 0;
}

/* No tokens and keys of the caller's. */
static void clean_environment(void)
{
    for (size_t i = 0; environ != NULL && environ[i] != NULL;) {
        char *name = strndup(environ[i], strcspn(environ[i], "="));
        if (name == NULL || variable_use(name) != VARIABLE_OTHER || unsetenv(name) != 0) {
            i++;
        }
        free(name);
    }
}

/* As workers are, see sandbox_check for what lacks. */
static bool confine(const struct command_target *c, const char *program, const char *scratch)
{
    static struct sandbox s;
    const char *wanted = getenv("OPJURY_SANDBOX");
    if (c->reads == NULL || (wanted != NULL && strcmp(wanted, "off") == 0)) {
        return true;
    }
    clean_environment();
    sandbox_init(&s);
    bool done =
        sandbox_allow_system(&s) && sandbox_allow(&s, program, SANDBOX_READ | SANDBOX_EXECUTE);
    for (size_t i = 0; done && i < c->n_reads; i++) {
        done = sandbox_allow(&s, c->reads[i], SANDBOX_READ | SANDBOX_EXECUTE);
    }
    return done && setenv("HOME", scratch, 1) == 0 && sandbox_enter(&s, scratch);
}

static _Noreturn void exec_program(const struct command_target *c, char *const *words,
                                   const char *scratch, int log, int failed)
{
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    reset_signals();
    if (null >= 0 && setsid() >= 0 && prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 &&
        chdir(scratch) == 0 && dup2(null, 0) >= 0 && dup2(log, 1) >= 0 && dup2(log, 2) >= 0 &&
        set_limit(RLIMIT_CORE, 0) && set_limit(RLIMIT_FSIZE, c->output) &&
        set_limit(RLIMIT_DATA, c->memory) && setenv("TMPDIR", scratch, 1) == 0 &&
        confine(c, words[0], scratch)) {
        execv(words[0], words);
    }
    int why = errno;
    (void)!write(failed, &why, sizeof(why));
    _exit(WIRE_EXIT_EXEC);
}

/* Parents of processes are in /proc/PID/stat: "pid (name) state ppid". */
static pid_t parent_of(const char *pid)
{
    char path[64], text[512];
    snprintf(path, sizeof(path), "/proc/%.20s/stat", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, text, sizeof(text) - 1) : 0;
    if (fd >= 0) {
        close(fd);
    }
    text[n > 0 ? n : 0] = '\0';
    const char *behind = strrchr(text, ')');
    return behind != NULL && strlen(behind) > 4 ? (pid_t)strtol(behind + 4, NULL, 10) : 0;
}

static void kill_children(void)
{
    DIR *proc = opendir("/proc");
    for (struct dirent *e; proc != NULL && (e = readdir(proc)) != NULL;) {
        pid_t pid = (pid_t)strtol(e->d_name, NULL, 10);
        if (pid > 0 && parent_of(e->d_name) == getpid()) {
            kill(pid, SIGKILL);
        }
    }
    if (proc != NULL) {
        closedir(proc);
    }
}

/* A killed child's children become ours: until none is left. */
static void end_all(pid_t program, bool *has_status, int *status)
{
    for (;;) {
        int one;
        if (!*has_status) { /* then its number may be another's */
            kill(-program, SIGKILL);
        }
        kill_children();
        pid_t pid = waitpid(-1, &one, 0);
        if (pid == program) {
            *has_status = true;
            *status = one;
        } else if (pid < 0 && errno == ECHILD) {
            return;
        }
    }
}

/* No descriptor of the engine's is to live on here when it dies. */
static void close_others(const int *kept, size_t n)
{
    unsigned from = 3;
    for (size_t done = 0; done <= n; done++) {
        unsigned next = UINT_MAX;
        for (size_t i = 0; i < n; i++) {
            unsigned fd = (unsigned)kept[i];
            next = fd >= from && fd < next ? fd : next;
        }
        if (next > from) {
            (void)close_range(from, next == UINT_MAX ? UINT_MAX : next - 1, 0);
        }
        if (next == UINT_MAX) {
            return;
        }
        from = next + 1;
    }
}

/* Until the program ends or the leash is let go. */
static void watch_program(pid_t program, int leash)
{
    int ended = pidfd_open(program, 0);
    struct pollfd p[] = {{.fd = leash, .events = POLLIN}, {.fd = ended, .events = POLLIN}};
    while (ended >= 0 && poll(p, 2, -1) < 0 && errno == EINTR) {
    }
}

static _Noreturn void warden(const struct command_target *c, char *const *words,
                             const char *scratch, int leash, int log, int report)
{
    struct report r = {0};
    int failed[2];
    bool has_status = false;
    close_others((const int[]){leash, log, report}, 3);
    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    if (setsid() < 0 || prctl(PR_SET_CHILD_SUBREAPER, 1) || pipe2(failed, O_CLOEXEC)) {
        r.exec_errno = errno;
        (void)!write(report, &r, sizeof(r));
        _exit(0);
    }
    pid_t program = fork();
    if (program == 0) {
        exec_program(c, words, scratch, log, failed[1]);
    }
    close(failed[1]);
    close(log);
    if (program < 0) {
        r.exec_errno = errno;
    } else if (read(failed[0], &r.exec_errno, sizeof(r.exec_errno)) <= 0) {
        r.exec_errno = 0;
        watch_program(program, leash);
    }
    if (program > 0) {
        end_all(program, &has_status, &r.status);
    }
    struct rusage usage;
    getrusage(RUSAGE_CHILDREN, &usage);
    r.cpu = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
            (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6;
    (void)!write(report, &r, sizeof(r));
    _exit(0);
}

/* ---- in the engine ---- */

static void close_fd(int *fd)
{
    if (*fd >= 0) {
        close(*fd);
    }
    *fd = -1;
}

static enum err start(const struct command_target *c, char *const *words, const char *scratch,
                      struct command_process *p)
{
    int leash[2] = {-1, -1}, log[2] = {-1, -1}, report[2] = {-1, -1};
    enum err err = ERR_OK;
    *p = (struct command_process){.leash = -1, .log = -1, .report = -1};
    bool is_open = pipe2(leash, O_CLOEXEC) == 0 && pipe2(log, O_CLOEXEC) == 0 &&
                   pipe2(report, O_CLOEXEC) == 0 && fcntl(log[0], F_SETFL, O_NONBLOCK) == 0;
    p->warden = is_open ? fork() : -1;
    if (p->warden == 0) {
        warden(c, words, scratch, leash[0], log[1], report[1]);
    }
    if (p->warden < 0) {
        err = err_set(ERR_IO, "cannot start %s: %m", words[0]);
        close_fd(&leash[1]);
        close_fd(&log[0]);
        close_fd(&report[0]);
    }
    close_fd(&leash[0]);
    close_fd(&log[1]);
    close_fd(&report[1]);
    p->leash = leash[1];
    p->log = log[0];
    p->report = report[0];
    return err;
}

/* The tail is a ring of which n_tail bytes were ever written. */
static void keep_log(struct command_process *p, const char *text, size_t n)
{
    size_t head = LOG_PART - p->n_head < n ? LOG_PART - p->n_head : n;
    memcpy(p->head + p->n_head, text, head);
    p->n_head += head;
    for (size_t i = head; i < n; i++) {
        p->tail[p->n_tail++ % LOG_PART] = text[i];
    }
}

/* At most a pipe's worth: who writes faster than this reads must not keep it from looking at the
 * clock. */
static void read_log(struct command_process *p)
{
    enum { READS = 4 };
    char text[1 << 14];
    ssize_t n = 1;
    for (int i = 0; i < READS && n > 0; i++) {
        n = read(p->log, text, sizeof(text));
        if (n > 0) {
            keep_log(p, text, (size_t)n);
        }
    }
    if (n == 0) {
        close_fd(&p->log);
    }
}

/* The folder has another name each time, and what failed in it may be one cause: it is "." */
static const char *without_path(const char *text, const char *path, struct arena *arena)
{
    struct buffer out = BUFFER_INIT;
    buffer_puts(&out, "");
    for (const char *at; (at = strstr(text, path)) != NULL; text = at + strlen(path)) {
        buffer_append(&out, text, (size_t)(at - text));
        buffer_puts(&out, ".");
    }
    buffer_puts(&out, text);
    const char *kept = arena_strdup(arena, out.data);
    buffer_release(&out);
    return kept;
}

static const char *log_text(const struct command_process *p, const char *scratch,
                            struct arena *arena)
{
    struct buffer text = BUFFER_INIT;
    size_t n = p->n_tail < LOG_PART ? p->n_tail : LOG_PART;
    buffer_append(&text, p->head, p->n_head);
    if (p->n_tail > LOG_PART) {
        buffer_printf(&text, "\n[... %zu bytes ...]\n", p->n_tail - LOG_PART);
    }
    for (size_t i = p->n_tail - n; i < p->n_tail; i++) {
        buffer_append(&text, &p->tail[i % LOG_PART], 1);
    }
    for (size_t i = 0; i < text.size; i++) {
        text.data[i] = text.data[i] != '\0' ? text.data[i] : ' ';
    }
    const char *kept = without_path(text.size > 0 ? text.data : "", scratch, arena);
    buffer_release(&text);
    return kept;
}

/* Until the warden has reported. *is_late: time was up before. */
static enum err wait_for_end(struct command_process *p, double timeout, struct report *r,
                             bool *is_late)
{
    double deadline = clock_wall() + timeout, given_up = deadline + end_seconds;
    bool is_stopped = false;
    *is_late = false;
    for (;;) {
        struct pollfd fds[] = {{.fd = p->report, .events = POLLIN},
                               {.fd = p->log, .events = POLLIN}};
        int n = poll(fds, 2, TICK_MS);
        if (n > 0 && fds[1].revents != 0) {
            read_log(p);
        }
        if (n > 0 && fds[0].revents != 0) {
            ssize_t got = read(p->report, r, sizeof(*r));
            if (p->log >= 0) {
                read_log(p);
            }
            if (is_stopped) {
                return err_set(ERR_STOPPED, "stopped");
            }
            return got == (ssize_t)sizeof(*r)
                       ? ERR_OK
                       : err_set(ERR_IO, "the process that watches a command was killed");
        }
        double now = clock_wall();
        bool stops = stop_requested && !is_stopped;
        if ((stops || now > deadline) && p->leash >= 0) {
            *is_late = !stops;
            is_stopped = stops;
            close_fd(&p->leash);
            given_up = now + end_seconds;
        }
        if (now > given_up) {
            return err_set(ERR_IO, "a command's processes cannot be killed");
        }
    }
}

static void end(struct command_process *p)
{
    double cpu;
    close_fd(&p->leash);
    close_fd(&p->log);
    close_fd(&p->report);
    if (p->warden > 0) {
        (void)child_reap(p->warden, end_seconds, &cpu);
    }
}

/* ---- files ---- */

static enum err write_plain(const char *path, const struct buffer *bytes)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    size_t done = 0;
    while (fd >= 0 && done < bytes->size) {
        ssize_t n = write(fd, bytes->data + done, bytes->size - done);
        if (n < 0 && errno != EINTR) {
            break;
        }
        done += n > 0 ? (size_t)n : 0;
    }
    enum err err =
        fd >= 0 && done == bytes->size ? ERR_OK : err_set(ERR_IO, "cannot write %s: %m", path);
    if (fd >= 0) {
        close(fd);
    }
    return err;
}

static enum err write_files(const struct target *t, const struct test *test,
                            const char *const *files, struct arena *arena)
{
    const struct program *p = test->program;
    struct named_tensor *items = ARENA_ZARRAY(arena, struct named_tensor, test->n_inputs);
    struct buffer bytes = BUFFER_INIT;
    for (uint32_t k = 0; k < test->n_inputs; k++) {
        items[k] = (struct named_tensor){.name = p->values[program_input(p, k)].name,
                                         .tensor = test->inputs[k]};
    }
    enum err err = t->kind->encode(t, test, &bytes);
    err = err == ERR_OK ? write_plain(files[0], &bytes) : err;
    buffer_clear(&bytes);
    err = err == ERR_OK ? npz_print(files[1], items, test->n_inputs, &bytes) : err;
    err = err == ERR_OK ? write_plain(files[1], &bytes) : err;
    buffer_release(&bytes);
    return err;
}

/* ---- what came out ---- */

static void failed(struct outcome *o, const char *class, const char *message)
{
    o->kind = OUTCOME_ERROR;
    o->error_class = class;
    o->message = message;
}

/* Where most programs say what was wrong. */
static const char *last_line(const char *log, struct arena *arena)
{
    size_t n = strlen(log);
    while (n > 0 && strchr(" \r\n\t", log[n - 1]) != NULL) {
        n--;
    }
    size_t from = n;
    while (from > 0 && log[from - 1] != '\n') {
        from--;
    }
    return arena_printf(arena, "%.*s", (int)(n - from), log + from);
}

static const char *array_names(const struct named_tensor *items, size_t n, struct arena *arena)
{
    struct buffer names = BUFFER_INIT;
    for (size_t i = 0; i < n && i < 8; i++) {
        buffer_printf(&names, "%s'%.60s'", i > 0 ? ", " : "", items[i].name);
    }
    const char *text = arena_strdup(arena, names.size > 0 ? names.data : "none");
    buffer_release(&names);
    return text;
}

static void take_outputs(const struct program *p, const struct named_tensor *items, size_t n,
                         struct arena *arena, struct outcome *o)
{
    o->n_outputs = p->n_outputs;
    o->outputs = ARENA_ZARRAY(arena, struct tensor, p->n_outputs);
    for (uint32_t k = 0; k < p->n_outputs; k++) {
        const struct value *v = &p->values[p->outputs[k]];
        size_t i = 0;
        while (i < n && strcmp(items[i].name, v->name) != 0) {
            i++;
        }
        if (i == n) {
            failed(o, "outputs",
                   arena_printf(arena, "the file of outputs has no array '%s', but %s", v->name,
                                array_names(items, n, arena)));
            return;
        }
        o->outputs[k] = items[i].tensor;
        if (v->dtype == DTYPE_BF16 && items[i].tensor.dtype == DTYPE_U16) {
            o->outputs[k].dtype = DTYPE_BF16;
        }
    }
    o->kind = OUTCOME_OK;
}

/* All that could write it is dead. */
static void read_outputs(const struct command_target *c, const struct program *p, const char *path,
                         struct arena *arena, struct outcome *o)
{
    struct stat st;
    struct named_tensor *items;
    size_t n;
    if (lstat(path, &st) != 0 || !S_ISREG(st.st_mode)) {
        failed(o, "outputs", "it ended well, but wrote no file of outputs");
    } else if ((uint64_t)st.st_size > c->output) {
        failed(o, "outputs", "the file of outputs is too large");
    } else if (npz_read(path, arena, &items, &n) != ERR_OK) {
        /* Without the path, which is another each time. */
        failed(o, "outputs", "the file of outputs is no whole .npz file (zip of .npy arrays)");
    } else {
        take_outputs(p, items, n, arena, o);
    }
}

static void judge_status(const struct target *t, const struct program *p, int status,
                         const char *outputs, struct arena *arena, struct outcome *o)
{
    const char *last = last_line(o->log, arena);
    if (WIFSIGNALED(status)) {
        o->kind = OUTCOME_CRASH;
        o->signal = WTERMSIG(status);
        o->message = arena_printf(arena, "killed by signal %d (%s)%s%s", o->signal,
                                  strsignal(o->signal), *last != '\0' ? ": " : "", last);
    } else if (WEXITSTATUS(status) == COMMAND_UNSUPPORTED) {
        o->kind = OUTCOME_UNSUPPORTED;
        o->message = *last != '\0' ? last : "the program lacks something";
    } else if (WEXITSTATUS(status) != 0) {
        int code = WEXITSTATUS(status);
        failed(o, arena_printf(arena, "exit status %d", code),
               *last != '\0' ? last : arena_printf(arena, "it ended with status %d", code));
    } else {
        read_outputs(t->command, p, outputs, arena, o);
    }
}

/* ---- one run ---- */

/* The command line with the files in their places. */
static char *const *fill_words(const struct command_target *c, const char *const *files,
                               struct arena *arena)
{
    static const char *const holes[] = {"{model}", "{inputs}", "{outputs}"};
    char **words = ARENA_ZARRAY(arena, char *, c->n_words + 1);
    for (size_t i = 0; i < c->n_words; i++) {
        words[i] = arena_strdup(arena, c->words[i]);
        for (size_t f = 0; i > 0 && f < ARRAY_SIZE(holes); f++) {
            const char *at = strstr(words[i], holes[f]);
            if (at != NULL) {
                words[i] = arena_printf(arena, "%.*s%s%s", (int)(at - words[i]), words[i], files[f],
                                        at + strlen(holes[f]));
            }
        }
    }
    return words;
}

static enum err run_program(const struct target *t, const struct test *test, const char *scratch,
                            const char *const *files, struct arena *arena, struct outcome *o)
{
    struct command_process *p = ARENA_ZARRAY(arena, struct command_process, 1);
    struct report r = {0};
    char *const *words = fill_words(t->command, files, arena);
    bool is_late = false;
    TRY(start(t->command, words, scratch, p));
    enum err err = wait_for_end(p, t->command->timeout, &r, &is_late);
    o->log = log_text(p, scratch, arena);
    end(p);
    TRY(err);
    if (r.exec_errno != 0) {
        return err_set(ERR_MISSING, "cannot run %s: %s", words[0], strerror(r.exec_errno));
    }
    o->cpu = r.cpu;
    if (is_late) {
        o->kind = OUTCOME_HANG;
        o->message = arena_printf(arena, "no answer within %g s", t->command->timeout);
    } else {
        judge_status(t, test->program, r.status, files[2], arena, o);
    }
    return ERR_OK;
}

enum err command_target_run(const struct target *t, const struct test *test, struct arena *arena,
                            struct outcome *o)
{
    const char *tmp = getenv("TMPDIR");
    char *scratch = arena_printf(arena, "%s/opjury-command-XXXXXX",
                                 tmp != NULL && tmp[0] == '/' ? tmp : "/tmp");
    if (!target_supports(t, test->program)) {
        o->kind = OUTCOME_UNSUPPORTED;
        o->message = "the program takes no such operator or dtype (docs/command.md)";
        return ERR_OK;
    }
    if (mkdtemp(scratch) == NULL) {
        return err_set(ERR_IO, "cannot make %s: %m", scratch);
    }
    const char *const files[] = {
        arena_printf(arena, "%s/model.onnx", scratch),
        arena_printf(arena, "%s/inputs.npz", scratch),
        arena_printf(arena, "%s/outputs.npz", scratch),
    };
    enum err err = write_files(t, test, files, arena);
    if (err == ERR_UNSUPPORTED) {
        o->kind = OUTCOME_UNSUPPORTED;
        o->message = arena_strdup(arena, err_text());
        err = ERR_OK;
    } else if (err == ERR_OK) {
        err = run_program(t, test, scratch, files, arena, o);
    }
    scratch_remove(scratch);
    return err;
}
