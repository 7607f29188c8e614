/* SPDX-License-Identifier: Apache-2.0 */
/*
 * target: libraries in configurations, and the processes they run in. A target is parsed from
 * NAME[:word|key=value,...][@PATH]; targets of one library and interpreter share a worker. engine
 * -> zygote (imports the library, starts no thread) -> forked persistent worker (a C loop over a
 * ring in a sealed memfd). What a target does is data (struct outcome), never an error; what a
 * worker wrote is hostile: copied, checked, then used.
 */
#ifndef OPJURY_TARGET_H
#define OPJURY_TARGET_H

#include "spell/spell.h"

/* ---- what a run gave ---- */

#define OUTCOME_MAP(X)                                                                             \
    X(OK, "ok")                                                                                    \
    X(ERROR, "error") /* the library raised; message, phase */                                     \
    X(CRASH, "crash") /* a signal or an unexpected exit */                                         \
    X(HANG, "hang")   /* CPU deadline or wall cap */                                               \
    X(UNSUPPORTED,                                                                                 \
      "unsupported") /* known beforehand: not spellable or not in the support table */             \
    X(NOT_EXERCISED, "not_exercised") /* ran, but not what the target claims; or the set-up died   \
                                       */

enum outcome_kind {
#define OUTCOME_ENUM(name, text) OUTCOME_##name,
    OUTCOME_MAP(OUTCOME_ENUM)
#undef OUTCOME_ENUM
};

enum { FRAMES_MAX = 32 };
struct outcome {
    enum outcome_kind kind;
    uint32_t n_outputs;
    struct tensor *outputs;  /* OK: what came back, whatever its count, dtypes and shapes */
    const char *phase;       /* ERROR: "load" or "run" */
    const char *error_class; /* ERROR: the exception's type name */
    const char *message;     /* ERROR, CRASH, HANG, NOT_EXERCISED: text, never NULL */
    const char *log;         /* what the library wrote to stderr, "" if nothing */
    int signal;              /* CRASH: 0 when it exited; then exit_status */
    int exit_status;
    double cpu; /* seconds in the worker */
    /* Side effects a correct library does not have; each is a finding of its own. */
    const char
        *state_changed; /* process state left behind ("MXCSR", "default dtype"), NULL if none */
    bool input_changed; /* an input tensor's bytes differ after the run */
    bool out_of_bounds; /* a canary beside an input was overwritten */
    uint32_t n_frames;  /* CRASH: native frames, innermost first: "symbol",
                           "module+0xfunction+0xoffset" or "module+0xoffset" */
    const char *frames[FRAMES_MAX];
    const char
        *modules;      /* CRASH: "module: build id" a line, of those that frames name; NULL: none */
    uint64_t address;  /* CRASH: that was accessed, and */
    const char *fault; /* what is wrong with it: "16 bytes behind the end of input 0"; NULL: it died
                          of something else */
    const char *python;    /* CRASH: the library's innermost Python code, "nn/functional.py:12 in
                              relu"; NULL: there was none */
    const char *assertion; /* CRASH: what it said before it ended itself, "Check failed: n > 0";
                              NULL: nothing of the kind */
};

/* ---- targets ---- */

/* What a library documents of the dtypes that it computes in. */
struct precision {
    enum dtype computes[DTYPE_COUNT]; /* values of each dtype in this one, and claims nothing of
                                         what does not fit it; DTYPE_NONE: in their own */
    bool flushes_bf16;                /* subnormals of bf16 may become 0 */
    bool flushes_constants;           /* and those of f32 that are constants */
    /* Ops computed by formulas with an absolute error, of so much and for operands beyond 1 so many
     * times as much; op NULL at the end. NULL: none. */
    const struct approximation {
        const char *op;
        double error;
    } *approximates;
};

/* One kind of target: the only thing to write to add one is such a struct and a table line. */
struct target;
/* A part of a compiler that can be left out, for `opjury blame`. */
struct subsystem {
    const char *name;    /* "lowerings" */
    const char *noun;    /* one application of it: "lowering" */
    const char *level;   /* the level that has it: "backend=inductor" */
    const char *without; /* the option that leaves it out: "skip=lowerings" */
    bool is_counted;     /* "skip=lowerings:3" leaves out all but the first three applications, and
                            the log then has a line "applied lowerings K WHAT" for each of those */
};
/* An option that a target with the word `any` draws for each test: as by default in half of them,
 * else one of the values. What does not go with what was drawn before it stays as by default. */
struct option_draw {
    const char *key;           /* "threads" */
    const char *const *values; /* NULL at the end; of a word, which has no value: "" */
};
struct target_kind {
    const char *name; /* "onnxruntime" */
    const char *mode; /* "compile": the kind of torch:compile,...; NULL: the library's plain one */
    const char *summary; /* for `opjury targets` */
    const char *options; /* help: "opt=all|extended|basic|none" */
    const char *package; /* what to install when it is missing */
    const char *module;  /* what is imported, by which it is found; NULL: as `name` */
    bool is_test;        /* for tests of opjury itself */
    const char *adapter; /* python module under opjury/, NULL: evaluated in this process */
    /* Check and normalise one option (word: value NULL) into target->options; one that is given
     * again replaces the first. ERR_USAGE teaches. Memory: the arena's. */
    enum err (*option)(struct target *t, const char *key, const char *value, struct arena *arena);
    /* The variants `fuzz` runs when no --target names one; NULL-terminated. */
    const char *const *defaults;
    /* Can it be said to this library at all (before the support table is asked)? */
    bool (*can_spell)(const struct target *t, const struct op *op, const enum dtype *in,
                      size_t n_in, const enum dtype *out, size_t n_out);
    /* Append the job's program bytes for the worker (ONNX model, call plan). */
    enum err (*encode)(const struct target *t, const struct test *test, struct buffer *job);
    bool constants_as_tensors; /* the bytes do not hold the constants: they travel beside them */
    /* adapter == NULL: run here. outcome->cpu: of processes that it started. ERR_STOPPED; ERR_IO,
     * ERR_MISSING: what the world does, and the target has no part in. */
    enum err (*run)(const struct target *t, const struct test *test, struct arena *arena,
                    struct outcome *outcome);
    /* All options are there: are they enough? Also fills what hangs on several. NULL: always. */
    enum err (*finish)(struct target *t, struct arena *arena);
    /* Options of the plainest variant, under which support is probed; NULL: takes everything. */
    const char *probe_options;
    /* What it makes of a program another library runs, which is not what is under test: its name
     * ("onnxruntime", whose phrases of what it lacks hold too), and the option under which it alone
     * is at work ("level=none"): what fails so too is not this one's fault. Or the option under
     * which yet another runs it ("runtime=reference"): what is right so is the runtime's. NULL:
     * none. */
    const char *runtime, *without, *instead;
    /* What computes, where other libraries run on it too: "xla". NULL: the runtime, or itself. */
    const char *engine;
    bool own_support;        /* takes other things than the library's plain kind does */
    bool speaks_onnx;        /* programs are ONNX models: highest opset and IR are probed too */
    bool flushes_subnormals; /* documents that subnormals may become 0 */
    const struct precision *precision; /* NULL: it claims every dtype that it takes */
    /* A compiler that costs more to start than to run: so many programs are built together in the
     * standing worker. 0: each by itself. */
    uint32_t pack;
    double patience; /* deadlines are so many times as long; 0: as they are */
    bool is_slow;    /* support is probed by one program of each form, for each takes long */
    /* What `opjury blame` may vary. */
    const char *level_option;  /* "opt" */
    const char *const *levels; /* its values, the plainest first, NULL at the end; NULL: none */
    bool has_threads;          /* takes threads=N, 1 when not given */
    /* Options that choose a device which a machine may lack, "device=cuda" (options_device), NULL
     * at the end; NULL: none. Where there is none the adapter's load raises opjury.NoDevice. */
    const char *const *devices;
    bool has_optimizers;                /* takes disable=A+B and trace, see optimizers of triage */
    const struct subsystem *subsystems; /* those of all levels, in the order in which they work,
                                           name NULL at the end; NULL: none */
    /* What `any` draws, in this order; key NULL at the end; NULL: nothing. Not `dynamic`, which
     * asks for other programs. */
    const struct option_draw *draws;
};
extern const struct target_kind *const target_kind_table[];
extern const size_t target_kind_count;

struct command_target;
struct target {
    const struct target_kind *kind;
    const char *text;    /* canonical: "onnxruntime:opt=all" (with @PATH when given) */
    const char *options; /* canonical options only, "opt=all": sent with each job */
    const char *python;  /* interpreter; NULL for in-process kinds */
    const char *device;  /* of kind->devices; NULL: the usual one */
    const char *given;   /* "any": the other words, which it does not draw; NULL: it draws
                            nothing */
    bool dynamic;        /* runs what it loaded at test.before's shapes first */
    bool strict_casts;   /* claims every declared rounding */
    const struct precision *precision;    /* the kind's, or as an option says */
    bool flushes_subnormals;              /* though its kind does not: a command */
    const struct command_target *command; /* of the kind `command`; NULL: another kind */
    const char *version;                  /* of the library; NULL before probing */
    struct onnx_version onnx;             /* highest accepted; probed */
    const struct support *support;        /* NULL before probing */
    const char *no_device; /* why its device is not there: no run is exercised; NULL: it is there,
                              or jury_open has not looked */
};

/* What computes a target's results: two of one are no two witnesses. */
const char *target_engine(const struct target *t);
/* Text -> target. The interpreter: @PATH, a path or the name of an environment; else the first that
 * has the library: of `python` (--python: a path, or several with ':' between them), or of
 * $OPJURY_PYTHON, $VIRTUAL_ENV, the .venv beside the build, python3, then of the environments of
 * the configuration, then of .venv-NAME beside the build. ERR_USAGE / ERR_MISSING say what and how
 * to mend. */
MUST_USE enum err target_parse(const char *text, const char *python, struct arena *arena,
                               struct target **target);
/* The value of option `key`, NULL when it is not given. */
const char *target_option(const struct target *t, const char *key, struct arena *arena);
/* The target's text without the interpreter's path, which tells of a machine and not of a bug. */
const char *target_label(const struct target *t, struct arena *arena);
const char *target_text_label(const char *text, struct arena *arena);
/* `t` with more options, "opt=basic" or "disable=A+B,trace", which replace those of the same name:
 * the same library in the same interpreter, so that it may stand in t's place in t's jury. */
MUST_USE enum err target_vary(const struct target *t, const char *options, struct arena *arena,
                              struct target **varied);
/* The target without the word-th of its options, which then is as by default; it may come out as it
 * was. Not probed again. NULL: there is no such word, or it cannot be left out. */
const struct target *target_without(const struct target *t, unsigned word, struct arena *arena);
/* As the test runs on it: a target with `any` with the options that the test's seed and index draw,
 * fully spelled; another is itself. jury_post, the single runs and judge_runs ask by themselves. */
const struct target *target_drawn(const struct target *t, const struct test *test,
                                  struct arena *arena);
struct target *const *targets_drawn(struct target *const *targets, size_t n,
                                    const struct test *test, struct arena *arena);
/* Does t, which another was varied to, have the options that `of` was given still? */
bool target_keeps_given(const struct target *t, const struct target *of);
/* Every default variant of every kind whose library is in `python`, or else in the default
 * interpreter or in an environment of the configuration. */
MUST_USE enum err targets_installed(const char *python, struct arena *arena,
                                    struct target ***targets, size_t *n);

/* Less than 0: release a is older than b; 0: they are the same but for a build's tag, "+cpu". */
int version_compare(const char *a, const char *b);

/* ---- interpreters ---- */

enum interpreter_place {
    PLACE_GIVEN,      /* --python */
    PLACE_USUAL,      /* the default one */
    PLACE_CONFIGURED, /* an environment of the configuration */
    PLACE_BESIDE,     /* .venv-NAME beside the build */
};
struct interpreter {
    const char *python;
    const char *environment; /* its name, which may stand behind @; NULL: it has none */
    enum interpreter_place place;
    const char *version; /* of the library asked for */
};
struct interpreters {
    size_t n;
    struct interpreter *items; /* in the order in which libraries are looked for, each once */
};
/* All that are known; the first is the given or default one. */
MUST_USE enum err interpreters_list(const char *python, struct arena *arena,
                                    struct interpreters *all);
/* Those that have the kind's library, by the metadata of its package: nothing is imported. */
MUST_USE enum err interpreters_with(const struct target_kind *kind, const char *python,
                                    struct arena *arena, struct interpreters *with);
/* Is that the name of an environment of the configuration, which goes before any path? */
bool environment_is_configured(const char *name);
/* May this target, of a finding's folder, run as far as its program goes? A command must be one of
 * the configuration: ERR_USAGE says how it becomes one. */
MUST_USE enum err command_target_allows(const char *target);
/* The file of the configuration, in place of those that are looked for (config.h); "none": there
 * are no environments at all. path lives as long as the process. */
void config_choose(const char *path);

/* ---- what workers have of the caller (environment.c) ---- */

/* What every worker has in its environment under that name, whatever the caller has; NULL: what the
 * caller has, if they have it at all. */
const char *worker_variable(const char *name);
enum variable_use {
    VARIABLE_OTHER,  /* not for workers: theirs alone, or a secret */
    VARIABLE_WORKER, /* by which programs find what they need */
    VARIABLE_CHOICE, /* by which libraries choose kernels, threads and memory */
};
enum variable_use variable_use(const char *name);

/* Workers are confined, see python/opjury/sandbox.h, unless $OPJURY_SANDBOX is "off"; "require"
 * wants all of it. Said once, at a command's start: ERR_MISSING where it is required and this
 * system lacks a part, a warning where it is not, ERR_USAGE for another value. */
MUST_USE enum err sandbox_check(void);
/* "workers are confined: Landlock 7, seccomp", or what it lacks. Memory: the arena's. */
const char *sandbox_text(struct arena *arena);

/* ---- the jury: workers for a set of targets ---- */

struct jury_options {
    double cpu_deadline;       /* seconds of worker CPU a run may take; 0: 10 */
    double wall_cap;           /* seconds; 0: 60 */
    uint64_t memory_limit;     /* bytes above the zygote's size; 0: 2 GiB */
    uint32_t tests_per_worker; /* replaced after; 0: 10,000 */
    bool is_told;              /* a device that is missing needs no line any more */
    double start_cap;          /* seconds in which a library is to be imported; 0: 180 */
};
struct jury;
/* Starts a zygote per (library, interpreter). targets stay the caller's and must outlive the jury;
 * their version, onnx, support and no_device fields are filled (probed once, cached under
 * cache_dir()), valid until the jury is closed. A target whose device is missing is passed over
 * with a line; ERR_MISSING when no other is there. */
MUST_USE enum err jury_open(struct target *const *targets, size_t n,
                            const struct jury_options *options, struct jury **jury);
void jury_close(struct jury *jury); /* kills every process it started; NULL is fine */

/* Hand a test to every target; returns when it is queued (workers run while the caller judges). At
 * most jury_window() tests may be under way. The test must live until it is taken. */
enum { JURY_WINDOW_MAX = 32 };
uint32_t jury_window(const struct jury *jury);
MUST_USE enum err jury_post(struct jury *jury, const struct test *test);
/* The oldest posted test: waits until every target has answered (or died: workers are replaced, the
 * run that killed one is its outcome). outcomes[n_targets], in target order; memory from `arena`.
 */
MUST_USE enum err jury_take(struct jury *jury, struct arena *arena, struct outcome *outcomes);
/* One test on one target in a worker forked for it alone (recheck, reduction). */
MUST_USE enum err jury_run_fresh(struct jury *jury, size_t target, const struct test *test,
                                 struct arena *arena, struct outcome *outcome);
/* The same with other options (target_without). */
MUST_USE enum err jury_run_fresh_as(struct jury *jury, size_t target, const struct target *as,
                                    const struct test *test, struct arena *arena,
                                    struct outcome *outcome);
/* One test on one target in the standing worker; nothing may be posted meanwhile. */
MUST_USE enum err jury_run(struct jury *jury, size_t target, const struct test *test,
                           struct arena *arena, struct outcome *outcome);
/* For figures: the same, but the worker is sent a signal once the run has begun. */
struct strike {
    double wall, cpu; /* clock_wall() then, and CPU time of the engine and of all workers */
    bool is_late;     /* the run had ended before */
};
MUST_USE enum err jury_run_struck(struct jury *jury, size_t target, const struct test *test,
                                  int signal, struct arena *arena, struct outcome *outcome,
                                  struct strike *strike);

struct jury_usage {
    double worker_cpu;  /* user + system of all zygotes and workers, ended ones included */
    double library_cpu; /* of that, inside library calls */
    uint64_t restarts;  /* workers replaced after a crash, hang or limit */
};
struct jury_usage jury_usage(const struct jury *jury);

/* May this program be run there? (spelling and support table) */
bool target_supports(const struct target *t, const struct program *p);
/* Does the error say that the library lacks this (rather than that it failed)? From one table of
 * each library's phrases. Only for programs of unknown support: what the support table promises and
 * the library then refuses is no excuse. */
bool error_is_unsupported(const struct target *t, const struct outcome *o);
/* An error that the library did not raise: it gave an output of a rank or dtype that no program
 * here has. */
bool error_is_of_form(const struct outcome *o);
/* Intersection and union of the targets' support tables. */
void support_combine(struct target *const *targets, size_t n, struct arena *arena,
                     struct support *all, struct support *any);

#endif
