/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wire: what engine, zygote and worker say to each other. Commands and reports travel over a
 * SOCK_SEQPACKET pair between engine and zygote; jobs and results lie in a sealed memfd that engine
 * and worker share: a header, a ring of job areas (the worker maps them read-only) and a ring of
 * result areas. Fixed-width fields, offsets instead of pointers. The engine treats all that a
 * worker wrote as hostile: it copies once, checks, then uses.
 */
#ifndef OPJURY_WIRE_H
#define OPJURY_WIRE_H

#include <stdint.h>

/* Engine and extension of one build only; raised with every change of this file. */
#define WIRE_VERSION 5u

enum {
    WIRE_SLOTS_MAX = 32, /* tests under way */
    WIRE_RUNS_MAX = 16,  /* targets of one library that share a job */
    WIRE_TENSORS_MAX = 4096,
    WIRE_RANK_MAX = 6,
    WIRE_FRAMES_MAX = 32,
    WIRE_FRAME_SIZE = 192, /* a demangled name is cut there */
    WIRE_MODULES_SIZE = 512,
    WIRE_TEXT_MAX = 4096, /* of a message or a log */
    WIRE_REPORT_TEXT = 512,
};

/* ---- dtypes: enum dtype's order, fixed here because two programs speak it ---- */

/* name, number, DLPack code (0 int, 1 unsigned, 2 float, 4 bfloat, 6 bool), bytes */
#define WIRE_DTYPE_MAP(X)                                                                          \
    X(BOOL, 1, 6, 1)                                                                               \
    X(I8, 2, 0, 1)                                                                                 \
    X(U8, 3, 1, 1)                                                                                 \
    X(I16, 4, 0, 2)                                                                                \
    X(U16, 5, 1, 2)                                                                                \
    X(I32, 6, 0, 4)                                                                                \
    X(U32, 7, 1, 4)                                                                                \
    X(I64, 8, 0, 8)                                                                                \
    X(F16, 9, 2, 2)                                                                                \
    X(BF16, 10, 4, 2)                                                                              \
    X(F32, 11, 2, 4)                                                                               \
    X(F64, 12, 2, 8)

enum wire_dtype {
    WIRE_DTYPE_NONE = 0,
#define WIRE_DTYPE_ENUM(name, number, code, bytes) WIRE_##name = (number),
    WIRE_DTYPE_MAP(WIRE_DTYPE_ENUM)
#undef WIRE_DTYPE_ENUM
        WIRE_DTYPE_COUNT = WIRE_F64 + 1,
};

/* How the error begins when a library's output has no place in a wire_tensor: a rank or dtype that
 * no program of ours has. */
#define WIRE_OUTPUT_HAS "an output has "

struct wire_tensor {
    uint32_t dtype;
    uint32_t rank;
    int64_t dim[WIRE_RANK_MAX];
    uint64_t at;   /* offset of the elements in the area that holds this header */
    uint64_t size; /* bytes */
};
_Static_assert(sizeof(struct wire_tensor) == 72, "wire layout");

struct wire_text {
    uint32_t at;
    uint32_t size;
};

/* ---- a job: written by the engine, one area a slot ---- */

struct wire_job {
    uint32_t seq;
    uint32_t n_inputs;  /* the test's own inputs */
    uint32_t n_tensors; /* behind them: constants that the program bytes do not hold */
    uint32_t placement; /* enum placement: 64-aligned, flush to the end, flush to the start */
    uint32_t n_runs;
    uint32_t skip;       /* bits of runs that an earlier worker answered or died in */
    uint32_t tensors_at; /* struct wire_tensor[n_tensors + n_before] */
    uint32_t n_before;   /* last: inputs of other shapes that are run first, and those constants
                            again; 0: none */
    uint64_t program_at, program_size;
    struct wire_text options[WIRE_RUNS_MAX]; /* of each run's target, NUL-terminated */
};

/* ---- results: written by the worker; a slot's area is divided equally between its runs ---- */

enum wire_status {
    WIRE_OK = 1,
    WIRE_RAISED, /* the library raised */
    WIRE_BROKEN, /* the worker itself could not do its part; message says why */
};
/* BUILD: what several loaded programs share; the fault of none of them alone. */
enum wire_phase { WIRE_IDLE, WIRE_LOAD, WIRE_BUILD, WIRE_RUN };
enum { WIRE_INPUT_CHANGED = 1, WIRE_OUT_OF_BOUNDS = 2 };

struct wire_result {
    uint32_t seq; /* written last: the job's seq + 1 */
    uint32_t status;
    uint32_t phase; /* in which it raised */
    uint32_t flags;
    uint32_t n_outputs;
    uint32_t outputs_at; /* struct wire_tensor[n_outputs] */
    uint64_t cpu_ns;     /* inside library calls */
    struct wire_text error_class, message, log, state_changed;
};

/* ---- the header ---- */

struct wire_crash {
    uint32_t valid; /* 1 while it is written, 2 when it is whole */
    int32_t signal;
    int32_t code;
    uint32_t n_frames;
    uint64_t address;
    char place[WIRE_FRAME_SIZE]; /* of the address, beside which tensor; "" for none */
    char frame[WIRE_FRAMES_MAX][WIRE_FRAME_SIZE];
    /* "module: build id" a line, of modules that frames name; as many as there is room for */
    char modules[WIRE_MODULES_SIZE];
};

/* What the worker does now, written before each step. */
struct wire_cursor {
    uint32_t seq;   /* of the job */
    uint32_t run;   /* which target's options */
    uint32_t phase; /* enum wire_phase */
    uint32_t steps; /* counts the changes: unchanged means no progress */
};

struct wire_ring {
    uint32_t version;
    uint32_t start;        /* seq of the first job this worker is to do */
    uint32_t jobs;         /* how many it may do before it retires; 0: no limit */
    uint32_t slots;        /* areas of each kind: a power of two */
    uint64_t memory_limit; /* bytes of address space above what the worker starts with */
    uint64_t job_size, result_size;

    uint32_t posted; /* engine: jobs 0 .. posted-1 are ready */
    uint32_t done;   /* worker: jobs 0 .. done-1 are answered */
    uint32_t retired;
    uint32_t wake; /* engine: it is signalled when done comes to this, or nothing is left to do */
    uint32_t pack; /* engine: so many jobs are built together, fewer when it waits for one */
    uint32_t pad;
    struct wire_cursor cursor;
    struct wire_crash crash;
};

/* The header's room; job areas and then result areas follow, each slot at a multiple of its size.
 */
#define WIRE_HEADER_SIZE 16384u
_Static_assert(sizeof(struct wire_ring) <= WIRE_HEADER_SIZE, "wire layout");

/* ---- commands and reports ---- */

enum wire_command_kind { WIRE_FORK = 1, WIRE_KILL };
/* FORK carries four descriptors: ring memory, job eventfd, done eventfd, log. */
enum { WIRE_FD_MEMORY, WIRE_FD_JOB, WIRE_FD_DONE, WIRE_FD_LOG, WIRE_FDS };
enum { WIRE_WORKERS_MAX = 2 };

struct wire_command {
    uint32_t kind;
    uint32_t worker;
};

enum wire_report_kind {
    WIRE_READY = 1, /* text: the library's version */
    WIRE_FORKED,    /* pid, or -1 and status = errno */
    WIRE_DIED,      /* pid, status as wait4 gives it, cpu */
};

struct wire_report {
    uint32_t kind;
    uint32_t worker;
    int32_t pid;
    int32_t status;
    uint64_t cpu_ns; /* user + system, of the worker and the children it waited for */
    char text[WIRE_REPORT_TEXT];
};

/* Exit codes of a zygote that could not start; its stderr holds one line. */
enum { WIRE_EXIT_ENVIRONMENT = 3, WIRE_EXIT_MISSING = 4, WIRE_EXIT_EXEC = 127 };

#endif
