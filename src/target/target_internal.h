/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside target: zygote.c starts interpreters and speaks with them, ring.c is the memory shared
 * with one worker, library.c keeps a library's workers busy and alive, jury.c spreads tests over
 * libraries, probe.c finds out what a library can do, interpreter.c which Python to use.
 */
#ifndef OPJURY_TARGET_INTERNAL_H
#define OPJURY_TARGET_INTERNAL_H

#include "target/target.h"

#include <sys/types.h>

#include "opjury/wire.h"

/* ---- interpreter.c ---- */

/* Which interpreter: `at` (of @PATH, NULL if not given), else the first that has the library. */
MUST_USE enum err interpreter_find(const char *at, const char *python,
                                   const struct target_kind *kind, struct arena *arena,
                                   const char **path);
/* The folder that holds opjury/zygote.py and the extension. */
MUST_USE enum err worker_dir(struct arena *arena, const char **dir);

/* ---- packages.c ---- */

/* The version of the library that this interpreter has, "?" when its package does not say; NULL: it
 * has none. Nothing is imported. */
const char *package_version(const char *python, const struct target_kind *kind,
                            struct arena *arena);

/* ---- environment.c ---- */

/* A worker's whole environment, NULL-terminated. cache: cache_dir, NULL: none. */
char **worker_environment(const char *cache, const char *scratch, struct arena *arena);

/* ---- zygote.c ---- */

struct zygote {
    pid_t pid; /* 0: none */
    int socket;
    int log;       /* memfd: its stderr until it is ready */
    char *scratch; /* its workers' folders are in this one, NULL: none; */
    int lock;      /* which is nobody's leftover while this is open */
    double wall_start;
    bool ready;      /* it listens: a closed socket ends it */
    double warm_cpu; /* of compilers that its warm-up ran */
};
#define ZYGOTE_NONE ((struct zygote){.socket = -1, .log = -1, .lock = -1})

/* Start the interpreter; it imports while the caller does other things. */
MUST_USE enum err zygote_start(struct zygote *z, const char *python, const char *adapter);
/* Wait until it is ready, at most `cap` seconds: the library's version, or why it cannot be. */
MUST_USE enum err zygote_wait(struct zygote *z, const char *python, const struct target_kind *kind,
                              double cap, struct arena *arena, const char **version);
MUST_USE enum err zygote_command(const struct zygote *z, uint32_t kind, uint32_t worker,
                                 const int *fds);
/* The next report if one is there. false in *got: none; ERR_IO: the zygote is gone. */
MUST_USE enum err zygote_report(const struct zygote *z, struct wire_report *report, bool *got);
/* Close the socket (which ends it and all it started), reap it; CPU seconds of it and of all that
 * it reaped. */
double zygote_close(struct zygote *z);

/* ---- ring.c ---- */

struct ring {
    int fd[WIRE_FDS]; /* -1: not open */
    uint8_t *map;
    size_t size;
    uint32_t slots;
};
#define RING_NONE ((struct ring){.fd = {-1, -1, -1, -1}})

/* slots: jobs under way, a power of two. */
MUST_USE enum err ring_open(struct ring *r, uint32_t slots);
void ring_close(struct ring *r);
static inline struct wire_ring *ring_header(const struct ring *r)
{
    void *header = r->map;

    return header;
}

/* The header for a new worker, which is to begin with job `start`. */
void ring_begin(const struct ring *r, uint32_t start, uint32_t posted, uint32_t jobs, uint32_t pack,
                uint64_t memory_limit);

/* A job as the engine puts it together. */
struct job {
    const struct test *test;
    const struct buffer *program;
    bool with_constants; /* the program's bytes do not hold the constants: send them as tensors */
    const struct test *before; /* whose inputs are run first, with the constants; NULL: none */
    uint32_t n_runs;
    const char *options[WIRE_RUNS_MAX];
};
/* ERR_LIMIT when it does not fit. */
MUST_USE enum err ring_put_job(const struct ring *r, uint32_t seq, const struct job *job);
/* Not these runs of the job, as bits: an earlier worker answered them or died in them. */
void ring_skip(const struct ring *r, uint32_t seq, uint32_t runs);
/* Has a worker written that run's result, whatever it may be? */
bool ring_answered(const struct ring *r, uint32_t seq, uint32_t run, uint32_t n_runs);
/* Results of run `run` of `n_runs`, copied into `arena`. false: what the worker wrote does not hold
 * together (why: text in the arena). */
bool ring_read_result(const struct ring *r, uint32_t seq, uint32_t run, uint32_t n_runs,
                      struct arena *arena, struct outcome *outcome, const char **why);
/* Give large areas of a slot back to the system. */
void ring_trim(const struct ring *r, uint32_t seq);
/* What the worker wrote to stdout and stderr and has not handed in, its tail. */
char *ring_read_log(const struct ring *r, struct arena *arena);
/* The crash record, checked, into outcome's signal and frames. */
void ring_read_crash(const struct ring *r, struct arena *arena, struct outcome *outcome);

/* ---- last_words.c ---- */

/* From the log of a process that died: outcome's python, assertion, and the log without what
 * Python's faulthandler added. */
void last_words_read(struct arena *arena, struct outcome *outcome);
/* What is wrong with the address that was accessed (siginfo's si_code; `place`: beside which tensor
 * it lies, "" for none). NULL: the signal is of no access. */
const char *fault_text(int signal, int code, const char *place, struct arena *arena);

/* ---- library.c ---- */

enum { WORKER_STANDING, WORKER_FRESH };

/* A job under way, and the runs of it that their worker did not survive. */
struct pending {
    uint32_t n_runs;
    uint32_t skip; /* bits of the runs that need not be done any more */
    bool is_large; /* its memory goes back to the system afterwards */
    bool died[WIRE_RUNS_MAX];
    struct outcome death[WIRE_RUNS_MAX];
    struct arena *arena; /* of the deaths' texts; NULL until there is one */
};

enum killed {
    KILLED_NOT,
    KILLED_HANG,
    KILLED_OVERWRITTEN, /* it lived on after it had overwritten the shared header */
    KILLED_TOLD,        /* a result is nonsense, and its run's outcome says so */
};

struct worker {
    struct ring ring;
    pid_t pid; /* 0: none */
    bool forking;
    uint32_t posted, done;
    struct pending pending[WIRE_SLOTS_MAX];
    uint32_t idle_deaths; /* in a row, of a worker that had not begun a run */
    uint32_t pack;        /* jobs that are built together; fewer after a death in a build, */
    uint32_t pack_until;  /* up to this job */
    /* progress as last seen, for the deadlines */
    uint32_t seen_steps, seen_done;
    double seen_cpu, seen_wall, killed_wall;
    bool overwritten;   /* the shared header is nonsense: the run under way did it */
    enum killed killed; /* by us, and why */
    char killed_text[96];
};

struct library {
    const struct target_kind *kind;
    const char *python;
    bool dynamic; /* its targets' */
    const char *device;
    const char *no_device;
    const char *version;
    struct zygote zygote;
    struct worker worker[WIRE_WORKERS_MAX];
    struct jury_options options;
    struct arena *arena; /* the jury's */
    uint32_t slots;      /* jobs that may be under way */
    size_t n_targets;
    size_t target[WIRE_RUNS_MAX]; /* places in the jury's list */
    uint32_t zygote_deaths;       /* in a row, without a job done */
    double watched;               /* when the deadlines were last looked at */
    double dead_cpu;              /* of workers that ended under the living zygote */
    double closed_cpu;            /* of zygotes that ended, with all they reaped */
    double library_cpu;
    uint64_t restarts;
};

/* Take the zygote's version and set a standing worker going. */
MUST_USE enum err library_open(struct library *l);
MUST_USE enum err library_post(struct library *l, unsigned worker, const struct job *job,
                               uint32_t *seq);
/* Is job `seq` answered? */
bool library_done(struct library *l, unsigned worker, uint32_t seq);
void library_read(struct library *l, unsigned worker, uint32_t seq, uint32_t run,
                  struct arena *arena, struct outcome *outcome);
/* Sends a signal to the worker as soon as it runs job `seq`, or compiles it where that is most of
 * the work. *struck is false: the job is answered. */
MUST_USE enum err library_strike(struct library *l, unsigned worker, uint32_t seq, int signal,
                                 bool *struck);
/* The job is no longer needed. */
void library_forget(struct library *l, unsigned worker, uint32_t seq);
/* Look after all libraries: wait at most a tick for news of any, take reports, watch deadlines,
 * replace workers. ERR_STOPPED when the user asked to stop. */
MUST_USE enum err libraries_wait(struct library *const *libraries, size_t n);
/* Until job seq is answered. */
MUST_USE enum err library_finish(struct library *l, unsigned worker, uint32_t seq,
                                 struct library *const *libraries, size_t n);
void library_close(struct library *l);
double library_total_cpu(const struct library *l);

/* ---- support.c ---- */

/* A table as text in the cache, under a name made of all it depends on. */
MUST_USE enum err support_cache_path(const struct target *t, struct arena *arena, char **path);
/* Fills t->onnx and the table. ERR_INPUT when the file is not of this target, version or format. */
MUST_USE enum err support_load(const char *path, struct target *t, struct support *support);
MUST_USE enum err support_save(const char *path, const struct target *t,
                               const struct support *support);

/* ---- probe.c ---- */

/* Fill version, onnx and support of the library's targets: from the cache, else by running it. */
MUST_USE enum err probe_library(struct jury *jury, struct library *l, struct target **targets);
/* What a kind that is not probed takes, as far as it can say: in the arena. */
const struct support *probe_declared(const struct target *t, struct arena *arena);
/* A model of one relu, which it must run, unless it takes none: ERR_MISSING says what came instead.
 */
MUST_USE enum err probe_plain(const struct target *t);
/* One program on one library in its standing worker, under a target's options. */
MUST_USE enum err jury_run_on(struct jury *jury, struct library *l, const struct target *t,
                              const struct test *test, unsigned worker, struct arena *arena,
                              struct outcome *outcome);

#endif
