/* SPDX-License-Identifier: Apache-2.0 */
/*
 * worker: the parts of the extension that runs inside a library's interpreter. module.c is what
 * Python sees, zygote.c forks workers, loop.c does jobs, tensor.c moves tensors in and out, fence.c
 * is the memory inputs lie in, plan.c executes call plans, limits.c says what a worker may use,
 * sandbox.c and scratch.c what it may do and where, crash.c records how it died.
 */
#ifndef OPJURY_WORKER_H
#define OPJURY_WORKER_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "opjury/wire.h"

struct dl_exchange;
struct sandbox;

/* What an adapter module offers; see zygote.py for the contract. NULL: it does not. */
struct adapter {
    PyObject *load, *run;
    PyObject *prepare, *build;  /* between them, of several programs together; optional */
    PyObject *dtypes, *resolve; /* a library that is driven by call plans */
    PyObject *configure;        /* its options; optional */
    PyObject *callables;        /* dict: what resolve found */
    const struct dl_exchange *exchange;
    PyObject *from_dlpack, *from_memory;
    PyObject *random_state; /* () -> tensor that holds the state of the library's generator */
    PyObject *state, *reset;
    PyObject *close;       /* the zygote's last call; optional */
    bool starts_processes; /* its workers run compilers */
};

/* What a worker may do and where. */
struct confinement {
    const struct sandbox *sandbox; /* NULL: anything */
    const char *scratch; /* holds a folder for each worker; it is the zygote's to remove */
    PyObject *settle;    /* tell the interpreter: its folder's path */
};
enum { WORKER_FOLDER_MAX = 4096 };
/* A worker's folder into `path`. */
void worker_folder(const struct confinement *c, uint32_t worker, char path[WORKER_FOLDER_MAX]);

/* ---- zygote.c ---- */

/* Answers the engine until the socket closes, then kills every descendant and ends the process. */
_Noreturn void zygote_serve(int socket, const struct adapter *adapter, const char *version,
                            const struct confinement *confinement);

/* ---- loop.c ---- */

/* The life of a worker, right after the fork. fds: as WIRE_FD_* orders them. */
_Noreturn void worker_main(const struct adapter *adapter, const struct confinement *confinement,
                           uint32_t worker, const int fds[WIRE_FDS]);

/* ---- tensor.c ---- */

/* An exported tensor: borrowed elements with byte strides, valid until export_release. */
struct export
{
    struct wire_tensor form; /* dtype, rank, dims; size = dense bytes */
    const uint8_t *data;
    int64_t stride[WIRE_RANK_MAX];
    Py_buffer buffer;
    bool has_buffer;
    PyObject *capsule;
};

/* The capsule of __dlpack_c_exchange_api__; NULL without error when its major version is not ours.
 */
const struct dl_exchange *exchange_from_capsule(PyObject *capsule);
/* A library tensor over `data`, no copy. NULL with an exception set. */
PyObject *tensor_import(const struct adapter *a, void *data, const struct wire_tensor *form);
/* -1 with an exception set: not a tensor, or one that the wire cannot express. */
int tensor_export(const struct adapter *a, PyObject *tensor, struct export *e);
void export_release(struct export *e);
/* Dense row-major copy; `to` has form.size bytes. */
void export_copy(const struct export *e, uint8_t *to);

/* ---- fence.c ---- */

struct fence;
struct fence *fence_new(void); /* NULL: out of memory */
/* Put a copy of `bytes` where the placement says; the place stays until the index is used again.
 * NULL: no memory. */
void *fence_place(struct fence *f, uint32_t index, const struct wire_tensor *form,
                  const void *bytes, uint32_t placement);
/* WIRE_INPUT_CHANGED | WIRE_OUT_OF_BOUNDS; what was damaged is restored. */
uint32_t fence_check(struct fence *f, uint32_t index, const void *bytes);
/* Safe in a signal handler. In which place's pages the address lies; *outside: bytes before the
 * tensor (< 0), one more than the bytes behind its end (> 0), or 0. */
bool fence_find(const struct fence *f, const void *address, uint32_t *index, int64_t *outside);

/* ---- plan.c ---- */

/* Decode the plan's bytes; the callables and dtypes are looked up. NULL with an exception set. */
struct call_plan;
struct call_plan *plan_load(const struct adapter *a, const uint8_t *bytes, size_t size);
void plan_free(struct call_plan *plan); /* NULL is fine */
uint32_t plan_inputs(const struct call_plan *plan);
/* Call it on a list of tensors (inputs, then constants): a new list of results, or NULL. */
PyObject *plan_run(const struct call_plan *plan, PyObject *tensors);

/* ---- limits.c ---- */

struct limits {
    int statm;       /* /proc/self/statm, kept open */
    uint64_t memory; /* beyond this, and */
    int files;       /* from this descriptor on, make room for a new worker */
};
/* Of this process from now on: its user, who gets the folder, processes and files. NULL: they hold;
 * else what does not, and errno. */
const char *limits_set(struct limits *l, const struct adapter *a, const char *folder);
/* The same of its memory: bytes above what it has, 0: no limit. */
const char *limits_memory(struct limits *l, uint64_t memory);
/* Has a library kept so much that later, innocent runs might fail? */
bool limits_worn(const struct limits *l);
/* SIGKILL for all that is left of that worker, where it was a user of its own. */
void limits_kill_user(pid_t worker);

/* ---- symbols.c ---- */

/* Where an address lies in what is loaded. */
struct place {
    const char *path;   /* of the library's file */
    const void *base;   /* where that is loaded */
    const char *symbol; /* NULL: no exported function */
};
/* Once, in the zygote, when all is imported. */
void symbols_index(void);
/* Safe in a signal handler, for what was loaded then. false: it lies nowhere. */
bool symbols_find(const void *address, struct place *place);

/* ---- crash.c ---- */

/* Record SIGSEGV, SIGABRT, SIGFPE, SIGBUS, SIGILL, SIGTRAP and SIGSYS in `record`, on a stack of
 * its own. false: errno. */
bool crash_install(struct wire_crash *record);
/* Which tensors the run under way has, to say where a fault lies. */
void crash_watch(const struct fence *fence, uint32_t first, uint32_t n_inputs);

#endif
