/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loop: the life of a worker. It takes jobs from the ring in order, runs each under every target's
 * options, and writes results; the cursor says before each step what is about to run, so that the
 * engine knows the culprit of a death. After each run the process is compared with what it was
 * before the first one and put back: a library that leaves something changed is reported. Where a
 * compiler costs more to start than to run, several jobs are loaded, built together and then run
 * one by one.
 */
#include "opjury/loop.h"
#include "opjury/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static uint64_t nanoseconds(struct timeval t)
{
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_usec * 1000u;
}

/* Of this process, and of the compilers that it has waited for where the adapter has such. */
static uint64_t cpu_now(const struct worker *w)
{
    struct timespec t;
    struct rusage children = {0};

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    if (w->adapter->build) {
        getrusage(RUSAGE_CHILDREN, &children);
    }
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec + nanoseconds(children.ru_utime) +
           nanoseconds(children.ru_stime);
}

/* Rounding, flush-to-zero and exception masks; not the sticky status flags. */
static uint64_t fpu_mode(void)
{
#if defined(__x86_64__)
    return __builtin_ia32_stmxcsr() & 0xFFC0u;
#elif defined(__aarch64__)
    uint64_t mode;
    __asm__ volatile("mrs %0, fpcr" : "=r"(mode));
    return mode;
#else
    return 0;
#endif
}

static void set_fpu_mode(uint64_t mode)
{
#if defined(__x86_64__)
    __builtin_ia32_ldmxcsr((unsigned)mode);
#elif defined(__aarch64__)
    __asm__ volatile("msr fpcr, %0" : : "r"(mode));
#else
    (void)mode;
#endif
}

/* ---- one run ---- */

static void step(const struct worker *w, uint32_t seq, uint32_t run, enum wire_phase phase)
{
    struct wire_cursor *c = &w->ring->cursor;

    c->seq = seq;
    c->run = run;
    c->phase = phase;
    __atomic_store_n(&c->steps, c->steps + 1, __ATOMIC_RELEASE);
}

static const struct wire_tensor *job_tensor(const struct run *r, uint32_t i)
{
    const void *table = r->area + r->job->tensors_at;

    return (const struct wire_tensor *)table + i;
}

/* Tensors first .. end-1 over fence memory: a new list. */
static PyObject *place_tensors(struct run *r, uint32_t first, uint32_t end)
{
    PyObject *list = PyList_New(0);

    for (uint32_t i = first; list && i < end; i++) {
        const struct wire_tensor *form = job_tensor(r, i);
        void *data = fence_place(r->w->fence, r->first_fence + i, form, r->area + form->at,
                                 r->job->placement);
        PyObject *tensor = data ? tensor_import(r->w->adapter, data, form) : PyErr_NoMemory();
        if (!tensor || PyList_Append(list, tensor)) {
            Py_CLEAR(list);
        }
        Py_XDECREF(tensor);
    }
    return list;
}

static void check_tensors(struct run *r)
{
    for (uint32_t i = 0; i < r->job->n_tensors + r->job->n_before; i++) {
        r->result.flags |=
            fence_check(r->w->fence, r->first_fence + i, r->area + job_tensor(r, i)->at);
    }
}

/* The two roads of a library: a plan of calls, or an adapter that loads bytes and runs them. */
static PyObject *configure(struct run *r, const char *options)
{
    PyObject *device = PyObject_CallFunction(r->w->adapter->configure, "s", options);

    if (!device) {
        result_raised(r, WIRE_LOAD);
    }
    return device;
}

/* Tensors to the device or back: a new reference, or NULL with what was raised. */
static PyObject *move(PyObject *device, const char *way, PyObject *tensors)
{
    if (!device || device == Py_None) {
        Py_INCREF(tensors);
        return tensors;
    }
    return PyObject_CallMethod(device, way, "(O)", tensors);
}

static PyObject *run_there(const struct call_plan *plan, PyObject *tensors, PyObject *device)
{
    PyObject *sent = move(device, "send", tensors);
    PyObject *outputs = sent ? plan_run(plan, sent) : NULL;
    PyObject *fetched = outputs ? move(device, "fetch", outputs) : NULL;

    Py_XDECREF(sent);
    Py_XDECREF(outputs);
    return fetched;
}

static void call_plan(struct run *r, PyObject *tensors, PyObject *device)
{
    struct call_plan *plan =
        plan_load(r->w->adapter, r->area + r->job->program_at, (size_t)r->job->program_size);
    if (!plan) {
        result_raised(r, WIRE_LOAD);
        return;
    }
    step(r->w, r->job->seq, r->index, WIRE_RUN);
    r->cpu_start = cpu_now(r->w);
    PyObject *outputs = run_there(plan, tensors, device);
    r->result.cpu_ns += cpu_now(r->w) - r->cpu_start;
    result_outputs(r, outputs);
    plan_free(plan);
}

/* Options are put back before anybody asks what the calls have left changed. */
static void run_plan(struct run *r, PyObject *tensors, const char *options)
{
    bool is_set = r->w->adapter->configure && *options;
    PyObject *device = is_set ? configure(r, options) : NULL;

    if (is_set && !device) {
        return;
    }
    call_plan(r, tensors, device);
    Py_XDECREF(device);
    if (is_set) {
        device = configure(r, "");
        Py_XDECREF(device);
    }
}

/* What is loaded runs at its other shapes first, if there are any, then at the test's: new. */
static PyObject *run_shapes(const struct run *r, PyObject *loaded, PyObject *tensors,
                            PyObject *before)
{
    if (r->job->n_before > 0) {
        PyObject *first = PyObject_CallFunctionObjArgs(r->w->adapter->run, loaded, before, NULL);
        if (!first) {
            return NULL;
        }
        Py_DECREF(first); /* the test that has these shapes as its own looks at it */
    }
    return PyObject_CallFunctionObjArgs(r->w->adapter->run, loaded, tensors, NULL);
}

static void load_program(struct run *r, PyObject *program, const char *options)
{
    r->cpu_start = cpu_now(r->w);
    r->loaded = PyObject_CallFunction(r->w->adapter->load, "Os", program, options);
    r->result.cpu_ns += cpu_now(r->w) - r->cpu_start;
    if (!r->loaded) {
        result_raised(r, WIRE_LOAD);
    }
}

static void run_program(struct run *r, PyObject *tensors, PyObject *before)
{
    step(r->w, r->job->seq, r->index, WIRE_RUN);
    crash_watch(r->w->fence, r->first_fence, r->job->n_inputs);
    r->cpu_start = cpu_now(r->w);
    PyObject *outputs = run_shapes(r, r->loaded, tensors, before);
    r->result.cpu_ns += cpu_now(r->w) - r->cpu_start;
    result_outputs(r, outputs);
    r->cpu_start = cpu_now(r->w);
    Py_CLEAR(r->loaded); /* the library ends its session */
    r->result.cpu_ns += cpu_now(r->w) - r->cpu_start;
}

/* ---- process state ---- */

static PyObject *read_state(const struct adapter *a)
{
    PyObject *state = a->state ? PyObject_CallFunctionObjArgs(a->state, NULL) : NULL;

    PyErr_Clear();
    return state;
}

/* The library generator's state against the first worker's; true: it moved. */
static bool random_moved(struct worker *w, bool remember)
{
    struct export e;
    bool moved = false;
    PyObject *tensor = w->adapter->random_state
                           ? PyObject_CallFunctionObjArgs(w->adapter->random_state, NULL)
                           : NULL;

    if (tensor && tensor_export(w->adapter, tensor, &e) == 0) {
        if (remember) {
            w->base_random = malloc(e.form.size ? e.form.size : 1);
            w->base_random_size = w->base_random ? (size_t)e.form.size : 0;
            if (w->base_random) {
                export_copy(&e, w->base_random);
            }
        } else if (w->base_random) {
            moved = e.form.size != w->base_random_size ||
                    memcmp(e.data, w->base_random, w->base_random_size) != 0;
        }
        export_release(&e);
    }
    PyErr_Clear();
    Py_XDECREF(tensor);
    return moved;
}

/* Name of the first thing in the library's own state that is not as before; NULL: all is. */
static const char *changed_state(struct worker *w, char *name, size_t size)
{
    PyObject *now = w->base_state ? read_state(w->adapter) : NULL;
    const char *changed = NULL;

    for (Py_ssize_t i = 0; now && !changed && i < PyTuple_Size(now); i++) {
        PyObject *entry = PyTuple_GetItem(now, i); /* (name, value) */
        PyObject *before = PyTuple_GetItem(w->base_state, i);
        if (before && entry && PyObject_RichCompareBool(entry, before, Py_EQ) == 0) {
            const char *text = PyUnicode_AsUTF8AndSize(PyTuple_GetItem(entry, 0), NULL);
            snprintf(name, size, "%s", text ? text : "state");
            changed = name;
        }
    }
    PyErr_Clear();
    Py_XDECREF(now);
    return changed;
}

static int channel_fd(const struct worker *w, unsigned channel)
{
    const int fds[CHANNELS] = {w->job_fd, w->done_fd, STDOUT_FILENO, STDERR_FILENO};

    return fds[channel];
}

/* Has a library closed what is ours, or put something else there? Then no more is written to it. */
static bool channels_closed(struct worker *w, bool remember)
{
    struct stat now;

    for (unsigned i = 0; i < CHANNELS && !w->is_cut_off; i++) {
        const struct stat *base = &w->base_channel[i];
        bool is_open = fstat(channel_fd(w, i), &now) == 0;
        if (remember) {
            w->base_channel[i] = now;
        } else {
            w->is_cut_off = !is_open || now.st_dev != base->st_dev || now.st_ino != base->st_ino;
        }
    }
    return w->is_cut_off;
}

static void check_state(struct run *r)
{
    struct worker *w = r->w;
    char name[64];
    const char *changed = NULL;

    if (fpu_mode() != w->base_fpu) {
        changed = "MXCSR";
        set_fpu_mode(w->base_fpu);
    }
    const char *library = changed_state(w, name, sizeof name);
    if (!library && random_moved(w, false)) {
        library = "random generator";
    }
    if (library && w->adapter->reset) {
        PyObject *done = PyObject_CallFunctionObjArgs(w->adapter->reset, w->base_state, NULL);
        Py_XDECREF(done);
        PyErr_Clear();
    }
    changed = w->is_cut_off ? "open files" : changed ? changed : library;
    if (changed) {
        result_text(r, &r->result.state_changed, changed, strlen(changed));
    }
}

/* ---- jobs ---- */

/* A job's tensors: lists, NULL until placed. */
struct placed {
    PyObject *tensors, *before;
};

static void placed_clear(struct placed *p)
{
    Py_CLEAR(p->tensors);
    Py_CLEAR(p->before);
}

static struct run start_run(struct worker *w, uint32_t seq, uint32_t index, uint32_t first_fence)
{
    const uint8_t *area = w->jobs + (seq % w->slots) * w->job_size;
    const struct wire_job *job = (const void *)area;
    uint64_t share = w->result_size / job->n_runs / 64 * 64;
    struct run r = {.w = w,
                    .job = job,
                    .area = area,
                    .capacity = share,
                    .used = sizeof r.result,
                    .index = index,
                    .first_fence = first_fence};

    r.out = w->results + (seq % w->slots) * w->result_size + index * share;
    step(w, seq, index, WIRE_LOAD);
    crash_watch(w->fence, first_fence, job->n_inputs);
    return r;
}

static const char *options_of(const struct run *r)
{
    return (const char *)r->area + r->job->options[r->index].at;
}

static bool place(struct run *r, struct placed *p)
{
    uint32_t n = r->job->n_tensors;

    if (!p->tensors) {
        p->tensors = place_tensors(r, 0, n);
        p->before = place_tensors(r, n, n + r->job->n_before);
    }
    if (p->tensors && p->before) {
        return true;
    }
    result_raised(r, WIRE_LOAD);
    r->result.status = WIRE_BROKEN;
    return false;
}

/* What the run has done to the process. */
static void look_around(struct run *r)
{
    if (!channels_closed(r->w, false)) {
        result_log(r);
    }
    check_state(r);
}

static void write_result(struct run *r)
{
    look_around(r);
    /* The cursor still names this run: what dies up to here is its fault. */
    r->result.seq = r->job->seq + 1;
    memcpy(r->out, &r->result, sizeof r->result);
}

static void do_run(struct worker *w, uint32_t seq, PyObject *program, uint32_t index,
                   struct placed *p)
{
    struct run r = start_run(w, seq, index, 0);
    bool placed = place(&r, p);

    if (placed && w->adapter->resolve) {
        run_plan(&r, p->tensors, options_of(&r));
    } else if (placed) {
        load_program(&r, program, options_of(&r));
        if (r.loaded) {
            run_program(&r, p->tensors, p->before);
        }
    }
    /* A plan's calls may leave something in a tensor beside its elements, which are put right
     * below. */
    if (!placed || w->adapter->resolve) {
        placed_clear(p);
    }
    if (placed) {
        check_tensors(&r);
    }
    write_result(&r);
}

/* A new reference; None when there is no memory. */
static PyObject *program_bytes(const struct worker *w, uint32_t seq)
{
    const uint8_t *area = w->jobs + (seq % w->slots) * w->job_size;
    const struct wire_job *job = (const void *)area;
    PyObject *program = PyBytes_FromStringAndSize((const char *)area + job->program_at,
                                                  (Py_ssize_t)job->program_size);

    if (!program) {
        PyErr_Clear();
        Py_INCREF(Py_None);
        return Py_None;
    }
    return program;
}

static const struct wire_job *job_of(const struct worker *w, uint32_t seq)
{
    return (const void *)(w->jobs + (seq % w->slots) * w->job_size);
}

static bool is_skipped(const struct wire_job *job, uint32_t run)
{
    return job->skip >> run & 1;
}

static void answer_job(struct worker *w, uint32_t seq)
{
    step(w, seq, 0, WIRE_IDLE);
    /* In one order with the engine's: it sets `wake`, then looks at `done`. */
    __atomic_store_n(&w->ring->done, seq + 1, __ATOMIC_SEQ_CST);
    bool is_waited = __atomic_load_n(&w->ring->wake, __ATOMIC_SEQ_CST) == seq + 1 ||
                     __atomic_load_n(&w->ring->posted, __ATOMIC_SEQ_CST) == seq + 1;
    if (is_waited && !w->is_cut_off) {
        eventfd_write(w->done_fd, 1);
    }
}

/* A worker that could not do what comes next as a new one would. */
static bool is_worn(const struct worker *w)
{
    return w->is_cut_off || limits_worn(&w->limits);
}

/* In the middle of a job too: what is answered stays so. */
static _Noreturn void retire(const struct worker *w)
{
    __atomic_store_n(&w->ring->retired, 1, __ATOMIC_RELEASE);
    _exit(0);
}

static bool is_last(const struct wire_job *job, uint32_t run)
{
    do {
        run++;
    } while (run < job->n_runs && is_skipped(job, run));
    return run >= job->n_runs;
}

static void do_job(struct worker *w, uint32_t seq)
{
    const struct wire_job *job = job_of(w, seq);
    PyObject *program = w->adapter->resolve ? NULL : program_bytes(w, seq);
    struct placed placed = {NULL, NULL};

    for (uint32_t run = 0; run < job->n_runs; run++) {
        if (!is_skipped(job, run)) {
            do_run(w, seq, program, run, &placed);
            if (!is_last(job, run) && is_worn(w)) {
                retire(w);
            }
        }
    }
    placed_clear(&placed);
    Py_XDECREF(program);
    answer_job(w, seq);
}

/* ---- packs of jobs ---- */

struct packed {
    struct placed placed;
    struct run run[WIRE_RUNS_MAX];
};

/* What is loaded is prepared at all shapes that it runs at, in that order. */
static void prepare_program(struct run *r, const struct placed *p)
{
    PyObject *prepare = r->w->adapter->prepare, *done = Py_None;

    r->cpu_start = cpu_now(r->w);
    Py_INCREF(done);
    if (r->job->n_before > 0) {
        Py_DECREF(done);
        done = PyObject_CallFunctionObjArgs(prepare, r->loaded, p->before, NULL);
    }
    if (done) {
        Py_DECREF(done);
        done = PyObject_CallFunctionObjArgs(prepare, r->loaded, p->tensors, NULL);
    }
    r->result.cpu_ns += cpu_now(r->w) - r->cpu_start;
    if (!done) {
        result_raised(r, WIRE_LOAD);
        Py_CLEAR(r->loaded);
    }
    Py_XDECREF(done);
}

static uint32_t load_job(struct worker *w, uint32_t seq, struct packed *p, uint32_t first_fence)
{
    const struct wire_job *job = job_of(w, seq);
    PyObject *program = program_bytes(w, seq);

    for (uint32_t i = 0; i < job->n_runs; i++) {
        if (is_skipped(job, i)) {
            continue;
        }
        struct run *r = &p->run[i];
        *r = start_run(w, seq, i, first_fence);
        if (place(r, &p->placed)) {
            load_program(r, program, options_of(r));
        }
        if (r->loaded) {
            prepare_program(r, &p->placed);
        }
        look_around(r);
    }
    Py_XDECREF(program);
    return first_fence + job->n_tensors + job->n_before;
}

/* One exception or None a program: those that have one have failed. */
static void build_programs(struct run **runs, uint32_t n)
{
    const struct worker *w = n > 0 ? runs[0]->w : NULL;
    PyObject *list = PyList_New(0);

    for (uint32_t i = 0; list && i < n; i++) {
        if (PyList_Append(list, runs[i]->loaded)) {
            Py_CLEAR(list);
        }
    }
    uint64_t start = n > 0 ? cpu_now(w) : 0;
    PyObject *errors =
        list && n > 0 ? PyObject_CallFunctionObjArgs(w->adapter->build, list, NULL) : NULL;
    uint64_t share = n > 0 ? (cpu_now(w) - start) / n : 0;
    for (uint32_t i = 0; i < n; i++) {
        PyObject *error = errors ? PySequence_GetItem(errors, (Py_ssize_t)i) : NULL;
        runs[i]->result.cpu_ns += share;
        if (error && error != Py_None) {
            PyErr_SetObject((PyObject *)Py_TYPE(error), error);
            result_raised(runs[i], WIRE_LOAD);
            Py_CLEAR(runs[i]->loaded);
        } else if (!error) {
            result_broken(runs[i], "what the programs share could not be built");
            Py_CLEAR(runs[i]->loaded);
        }
        Py_XDECREF(error);
    }
    PyErr_Clear();
    Py_XDECREF(errors);
    Py_XDECREF(list);
}

static void run_job(struct worker *w, uint32_t seq, struct packed *p)
{
    const struct wire_job *job = job_of(w, seq);

    for (uint32_t i = 0; i < job->n_runs; i++) {
        struct run *r = &p->run[i];
        if (is_skipped(job, i)) {
            continue;
        }
        if (r->loaded) {
            run_program(r, p->placed.tensors, p->placed.before);
        }
        if (p->placed.tensors && p->placed.before) {
            check_tensors(r);
        }
        write_result(r);
        if (!is_last(job, i) && is_worn(w)) {
            retire(w);
        }
    }
    placed_clear(&p->placed);
    answer_job(w, seq);
}

/* Load n jobs, build them together, run one after the other. */
static void do_pack(struct worker *w, uint32_t seq, uint32_t n)
{
    struct packed *packed = calloc(n, sizeof *packed);
    struct run **loaded = calloc((size_t)n * WIRE_RUNS_MAX, sizeof *loaded);
    uint32_t fence = 0, n_loaded = 0;

    if (!packed || !loaded) {
        _exit(WIRE_EXIT_ENVIRONMENT);
    }
    for (uint32_t i = 0; i < n; i++) {
        fence = load_job(w, seq + i, &packed[i], fence);
        for (uint32_t k = 0; k < WIRE_RUNS_MAX; k++) {
            if (packed[i].run[k].loaded) {
                loaded[n_loaded++] = &packed[i].run[k];
            }
        }
    }
    step(w, seq, 0, WIRE_BUILD);
    build_programs(loaded, n_loaded);
    for (uint32_t i = 0; i < n; i++) {
        run_job(w, seq + i, &packed[i]);
    }
    free(packed);
    free(loaded);
}

/* How many jobs to do now; 0: wait for more. A pack is filled unless the engine waits for one of
 * those that are there. */
static uint32_t jobs_ready(const struct worker *w, uint32_t seq)
{
    uint32_t ready = __atomic_load_n(&w->ring->posted, __ATOMIC_ACQUIRE) - seq;
    uint32_t pack = w->ring->pack;

    if (!w->adapter->build || ready == 0) {
        return ready > 0;
    }
    if (ready >= pack) {
        return pack;
    }
    bool is_waited = (int32_t)(__atomic_load_n(&w->ring->wake, __ATOMIC_SEQ_CST) - seq) > 0;
    return is_waited ? ready : 0;
}

/* ---- start ---- */

static _Noreturn void give_up(const char *what)
{
    fprintf(stderr, "opjury worker: %s: %s\n", what, strerror(errno));
    _exit(WIRE_EXIT_ENVIRONMENT);
}

static void map_ring(struct worker *w, int fd)
{
    struct wire_ring *ring =
        mmap(NULL, WIRE_HEADER_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    if (ring == MAP_FAILED || ring->version != WIRE_VERSION) {
        give_up("the ring");
    }
    w->ring = ring;
    w->job_size = ring->job_size;
    w->result_size = ring->result_size;
    w->slots = ring->slots;
    uint64_t jobs = w->slots * w->job_size, results = w->slots * w->result_size;
    void *map = mmap(NULL, jobs, PROT_READ, MAP_SHARED, fd, WIRE_HEADER_SIZE);
    w->results = mmap(NULL, results, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
                      (off_t)(WIRE_HEADER_SIZE + jobs));
    if (map == MAP_FAILED || w->results == MAP_FAILED) {
        give_up("the ring");
    }
    w->jobs = map;
}

void worker_folder(const struct confinement *c, uint32_t worker, char path[WORKER_FOLDER_MAX])
{
    snprintf(path, WORKER_FOLDER_MAX, "%s/worker-%u", c->scratch, (unsigned)worker);
}

/* Before the first call into the library, which may start threads: they would not be confined. The
 * user is changed while that is allowed. */
static void confine(struct worker *w, const struct confinement *c, uint32_t worker)
{
    char path[WORKER_FOLDER_MAX];

    worker_folder(c, worker, path);
    const char *failed = limits_set(&w->limits, w->adapter, path);
    if (failed) {
        give_up(failed);
    }
    if (c->sandbox && !sandbox_enter(c->sandbox, path)) {
        give_up("the sandbox (see --sandbox)");
    }
    PyObject *done = PyObject_CallFunction(c->settle, "s", path);
    if (!done) {
        PyErr_Print();
        give_up(path);
    }
    Py_DECREF(done);
}

_Noreturn void worker_main(const struct adapter *adapter, const struct confinement *confinement,
                           uint32_t worker, const int fds[WIRE_FDS])
{
    struct worker w = {
        .adapter = adapter, .job_fd = fds[WIRE_FD_JOB], .done_fd = fds[WIRE_FD_DONE]};

    if (dup2(fds[WIRE_FD_LOG], STDOUT_FILENO) < 0 || dup2(fds[WIRE_FD_LOG], STDERR_FILENO) < 0) {
        _exit(WIRE_EXIT_ENVIRONMENT);
    }
    close(fds[WIRE_FD_LOG]);
    map_ring(&w, fds[WIRE_FD_MEMORY]);
    close(fds[WIRE_FD_MEMORY]);
    confine(&w, confinement, worker);
    w.fence = fence_new();
    if (!w.fence || !crash_install(&w.ring->crash)) {
        give_up("set-up");
    }
    w.base_fpu = fpu_mode();
    w.base_state = read_state(adapter);
    random_moved(&w, true);
    channels_closed(&w, true);
    const char *failed = limits_memory(&w.limits, w.ring->memory_limit);
    if (failed) {
        give_up(failed);
    }

    uint32_t seq = w.ring->start, end = w.ring->jobs ? seq + w.ring->jobs : 0;
    for (;;) {
        uint32_t n;
        while ((n = jobs_ready(&w, seq)) == 0) {
            eventfd_t count;
            if (eventfd_read(w.job_fd, &count) && errno != EINTR) {
                give_up("the job signal");
            }
        }
        if (adapter->build) {
            do_pack(&w, seq, n);
        } else {
            do_job(&w, seq);
        }
        seq += n;
        if ((w.ring->jobs && (int32_t)(seq - end) >= 0) || is_worn(&w)) {
            retire(&w);
        }
    }
}
