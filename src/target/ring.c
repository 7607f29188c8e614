/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ring: the memory an engine shares with one worker. The engine writes jobs (the worker cannot: it
 * maps them read-only) and reads results, of which it believes nothing: each header is copied once,
 * and every offset, size, rank and dtype is checked against the copy before it is used.
 */
#include "target/target_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

/* Address space only: pages that nobody touches cost nothing. 128 MiB holds any generated test and
 * the weights of small real models; results are divided between the runs of a job. */
static const uint64_t job_size = (uint64_t)128 << 20;
static const uint64_t result_size = (uint64_t)256 << 20;

_Static_assert((int)WIRE_SLOTS_MAX == (int)JURY_WINDOW_MAX, "a slot for each test under way");
_Static_assert((int)WIRE_RANK_MAX == (int)RANK_MAX, "shapes fit");
#define SAME_NUMBER(name, number, code, bytes)                                                     \
    _Static_assert((int)WIRE_##name == (int)DTYPE_##name, "dtypes are numbered alike");
WIRE_DTYPE_MAP(SAME_NUMBER)
#undef SAME_NUMBER

/* ---- the memory ---- */

enum err ring_open(struct ring *r, uint32_t slots)
{
    struct ring fresh = RING_NONE;
    void *map = MAP_FAILED;

    CHECK(slots > 0 && slots <= WIRE_SLOTS_MAX && (slots & (slots - 1)) == 0);
    fresh.slots = slots;
    fresh.size = WIRE_HEADER_SIZE + (size_t)(slots * (job_size + result_size));
    fresh.fd[WIRE_FD_MEMORY] = memfd_create("opjury-ring", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    fresh.fd[WIRE_FD_JOB] = eventfd(0, EFD_CLOEXEC);
    fresh.fd[WIRE_FD_DONE] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    fresh.fd[WIRE_FD_LOG] = memfd_create("opjury-log", MFD_CLOEXEC);
    bool opened = fresh.fd[WIRE_FD_MEMORY] >= 0 && fresh.fd[WIRE_FD_JOB] >= 0 &&
                  fresh.fd[WIRE_FD_DONE] >= 0 && fresh.fd[WIRE_FD_LOG] >= 0;
    if (!opened || ftruncate(fresh.fd[WIRE_FD_MEMORY], (off_t)fresh.size) ||
        fcntl(fresh.fd[WIRE_FD_MEMORY], F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) ||
        (map = mmap(NULL, fresh.size, PROT_READ | PROT_WRITE, MAP_SHARED, fresh.fd[WIRE_FD_MEMORY],
                    0)) == MAP_FAILED) {
        enum err e = err_set(ERR_IO, "cannot make the memory shared with a worker: %m");
        ring_close(&fresh);
        return e;
    }
    fresh.map = map;
    *r = fresh;
    return ERR_OK;
}

void ring_begin(const struct ring *r, uint32_t start, uint32_t posted, uint32_t jobs, uint32_t pack,
                uint64_t memory_limit)
{
    /* All of it: the last worker may have written anywhere. */
    struct wire_ring h = {.version = WIRE_VERSION,
                          .start = start,
                          .jobs = jobs,
                          .slots = r->slots,
                          .pack = pack,
                          .memory_limit = memory_limit,
                          .job_size = job_size,
                          .result_size = result_size,
                          .posted = posted,
                          .done = start};

    h.cursor.seq = start - 1;
    memcpy(r->map, &h, sizeof h);
}

void ring_close(struct ring *r)
{
    if (r->map) {
        munmap(r->map, r->size);
    }
    for (int i = 0; i < WIRE_FDS; i++) {
        if (r->fd[i] >= 0) {
            close(r->fd[i]);
        }
    }
    *r = RING_NONE;
}

static size_t job_at(const struct ring *r, uint32_t seq)
{
    return WIRE_HEADER_SIZE + (size_t)((seq % r->slots) * job_size);
}

static size_t result_at(const struct ring *r, uint32_t seq)
{
    return WIRE_HEADER_SIZE + (size_t)(r->slots * job_size) +
           (size_t)((seq % r->slots) * result_size);
}

void ring_trim(const struct ring *r, uint32_t seq)
{
    const struct {
        size_t at;
        uint64_t size;
    } areas[] = {{job_at(r, seq), job_size}, {result_at(r, seq), result_size}};

    /* MADV_REMOVE frees the pages of the file itself, for both sides. That it fails costs memory.
     */
    for (size_t i = 0; i < ARRAY_SIZE(areas); i++) {
        if (madvise(r->map + areas[i].at, areas[i].size, MADV_REMOVE)) {
            log_debug("MADV_REMOVE: %s", strerror(errno));
        }
    }
}

/* ---- jobs ---- */

/* Where the next n bytes of a job go; SIZE_MAX when it is full. */
static size_t take(size_t *used, size_t n, size_t align)
{
    size_t at = (*used + align - 1) / align * align;

    if (at > job_size || n > job_size - at) {
        return SIZE_MAX;
    }
    *used = at + n;
    return at;
}

static bool put_tensor(uint8_t *area, size_t *used, struct wire_tensor *header,
                       const struct tensor *t)
{
    size_t size = tensor_size(t);
    size_t at = take(used, size, 64);

    if (at == SIZE_MAX) {
        return false;
    }
    header->dtype = t->dtype;
    header->rank = (uint32_t)t->shape.rank;
    memcpy(header->dim, t->shape.dim, sizeof header->dim);
    header->at = at;
    header->size = size;
    if (size) {
        memcpy(area + at, t->data, size);
    }
    return true;
}

static uint32_t count_constants(const struct program *p)
{
    uint32_t n = 0;

    for (uint32_t v = 0; v < p->n_values; v++) {
        n += p->values[v].kind == VALUE_CONST;
    }
    return n;
}

static bool put_tensors(uint8_t *area, size_t *used, const struct wire_job *h,
                        const struct job *job)
{
    struct wire_tensor *headers = (void *)(area + h->tensors_at);
    const struct program *p = job->test->program;
    uint32_t n = 0;

    for (uint32_t i = 0; i < job->test->n_inputs; i++) {
        if (!put_tensor(area, used, &headers[n++], &job->test->inputs[i])) {
            return false;
        }
    }
    for (uint32_t v = 0; job->with_constants && v < p->n_values; v++) {
        const struct value *c = &p->values[v];
        struct tensor t = value_tensor(c);
        if (c->kind == VALUE_CONST && !put_tensor(area, used, &headers[n++], &t)) {
            return false;
        }
    }
    for (uint32_t i = 0; job->before != NULL && i < job->before->n_inputs; i++) {
        if (!put_tensor(area, used, &headers[n++], &job->before->inputs[i])) {
            return false;
        }
    }
    /* They are the same at both shapes: their elements lie there once. */
    for (uint32_t i = h->n_inputs; h->n_before > 0 && i < h->n_tensors; i++) {
        headers[n++] = headers[i];
    }
    return true;
}

static bool put_options(uint8_t *area, size_t *used, struct wire_job *h, const struct job *job)
{
    for (uint32_t i = 0; i < job->n_runs; i++) {
        size_t size = strlen(job->options[i]);
        size_t at = take(used, size + 1, 1);
        if (at == SIZE_MAX) {
            return false;
        }
        memcpy(area + at, job->options[i], size + 1);
        h->options[i] = (struct wire_text){(uint32_t)at, (uint32_t)size};
    }
    return true;
}

enum err ring_put_job(const struct ring *r, uint32_t seq, const struct job *job)
{
    uint8_t *area = r->map + job_at(r, seq);
    struct wire_job h = {.seq = seq,
                         .n_inputs = job->test->n_inputs,
                         .n_tensors = job->test->n_inputs,
                         .placement = job->test->placement,
                         .n_runs = job->n_runs};
    size_t used = sizeof h;

    CHECK(job->n_runs > 0 && job->n_runs <= WIRE_RUNS_MAX);
    uint32_t n_constants = job->with_constants ? count_constants(job->test->program) : 0;
    h.n_tensors += n_constants;
    h.n_before = job->before ? job->before->n_inputs + n_constants : 0;
    uint32_t n = h.n_tensors + h.n_before;
    if (n > WIRE_TENSORS_MAX) {
        return err_set(ERR_LIMIT, "the test has %u inputs and constants; a worker takes %d", n,
                       WIRE_TENSORS_MAX);
    }
    size_t table = take(&used, n * sizeof(struct wire_tensor), 64);
    size_t program = take(&used, job->program->size, 64);
    if (table == SIZE_MAX || program == SIZE_MAX) {
        return err_set(ERR_LIMIT, "the program has %zu bytes; a worker takes %zu",
                       job->program->size, (size_t)job_size);
    }
    h.tensors_at = (uint32_t)table;
    h.program_at = program;
    h.program_size = job->program->size;
    if (job->program->size) {
        memcpy(area + program, job->program->data, job->program->size);
    }
    if (!put_options(area, &used, &h, job) || !put_tensors(area, &used, &h, job)) {
        return err_set(ERR_LIMIT, "the test's tensors are larger than the %zu bytes a worker takes",
                       (size_t)job_size);
    }
    memcpy(area, &h, sizeof h);
    return ERR_OK;
}

void ring_skip(const struct ring *r, uint32_t seq, uint32_t runs)
{
    struct wire_job *h = (void *)(r->map + job_at(r, seq));

    h->skip = runs;
}

/* ---- results ---- */

/* A library's bytes as text that any reader takes: '?' for what is not UTF-8 or not printable. */
static char *clean_text(const uint8_t *bytes, size_t size, struct arena *arena)
{
    char *text = arena_alloc(arena, size + 1);
    size_t n = 0;

    for (size_t i = 0; i < size;) {
        size_t length = utf8_length(bytes + i, size - i);
        bool control = length == 1 && bytes[i] < 0x20 && bytes[i] != '\n' && bytes[i] != '\t';
        if (length == 0 || control) {
            text[n++] = '?';
            i++;
            continue;
        }
        memcpy(text + n, bytes + i, length);
        n += length;
        i += length;
    }
    text[n] = '\0';
    return text;
}

struct area {
    const uint8_t *bytes;
    uint64_t size;
};

static bool inside(const struct area *a, uint64_t at, uint64_t size)
{
    return at <= a->size && size <= a->size - at;
}

static bool read_text(const struct area *a, struct wire_text text, struct arena *arena,
                      const char **out)
{
    if (text.size > WIRE_TEXT_MAX || !inside(a, text.at, text.size)) {
        return false;
    }
    *out = clean_text(a->bytes + text.at, text.size, arena);
    return true;
}

static bool read_tensor(const struct area *a, uint64_t at, uint64_t *left, struct arena *arena,
                        struct tensor *t)
{
    struct wire_tensor h;

    memcpy(&h, a->bytes + at, sizeof h);
    if (h.dtype == DTYPE_NONE || h.dtype >= DTYPE_COUNT || h.rank > RANK_MAX) {
        return false;
    }
    *t = (struct tensor){.dtype = (enum dtype)h.dtype, .shape = {.rank = (int32_t)h.rank}};
    for (uint32_t i = 0; i < h.rank; i++) {
        if (h.dim[i] < 0) {
            return false;
        }
        t->shape.dim[i] = h.dim[i];
    }
    size_t n = shape_numel(&t->shape);
    if (n > a->size || n * dtype_size(t->dtype) != h.size || !inside(a, h.at, h.size) ||
        h.size > *left) {
        return false;
    }
    *left -= h.size;
    t->data = arena_copy(arena, a->bytes + h.at, h.size);
    return true;
}

static bool read_outputs(const struct area *a, const struct wire_result *h, struct arena *arena,
                         struct outcome *o)
{
    uint64_t table = (uint64_t)h->n_outputs * sizeof(struct wire_tensor);

    if (h->n_outputs > WIRE_TENSORS_MAX || !inside(a, h->outputs_at, table)) {
        return false;
    }
    o->n_outputs = h->n_outputs;
    o->outputs = ARENA_ZARRAY(arena, struct tensor, h->n_outputs);
    uint64_t left = a->size; /* outputs do not overlap: more than all is a lie */
    for (uint32_t i = 0; i < h->n_outputs; i++) {
        if (!read_tensor(a, h->outputs_at + i * sizeof(struct wire_tensor), &left, arena,
                         &o->outputs[i])) {
            return false;
        }
    }
    return true;
}

static bool read_texts(const struct area *a, const struct wire_result *h, struct arena *arena,
                       struct outcome *o)
{
    return read_text(a, h->error_class, arena, &o->error_class) &&
           read_text(a, h->message, arena, &o->message) && read_text(a, h->log, arena, &o->log) &&
           read_text(a, h->state_changed, arena, &o->state_changed);
}

bool ring_answered(const struct ring *r, uint32_t seq, uint32_t run, uint32_t n_runs)
{
    uint64_t share = result_size / n_runs / 64 * 64;
    struct wire_result h;

    memcpy(&h, r->map + result_at(r, seq) + run * share, sizeof h);
    return h.seq == seq + 1;
}

bool ring_read_result(const struct ring *r, uint32_t seq, uint32_t run, uint32_t n_runs,
                      struct arena *arena, struct outcome *outcome, const char **why)
{
    uint64_t share = result_size / n_runs / 64 * 64;
    struct area a = {r->map + result_at(r, seq) + run * share, share};
    struct wire_result h;
    struct outcome o = {0};

    memcpy(&h, a.bytes, sizeof h);
    if (h.seq != seq + 1) {
        *why = "the worker passed over a run";
        return false;
    }
    bool is_ok = h.status == WIRE_OK;
    if (h.status < WIRE_OK || h.status > WIRE_BROKEN || !read_texts(&a, &h, arena, &o) ||
        (is_ok && !read_outputs(&a, &h, arena, &o)) ||
        (h.status == WIRE_RAISED && h.phase != WIRE_LOAD && h.phase != WIRE_RUN)) {
        *why = "the results do not hold together: the worker's memory was overwritten";
        return false;
    }
    o.kind = is_ok ? OUTCOME_OK : h.status == WIRE_RAISED ? OUTCOME_ERROR : OUTCOME_NOT_EXERCISED;
    o.phase = h.phase == WIRE_LOAD ? "load" : "run";
    o.state_changed = h.state_changed.size ? o.state_changed : NULL;
    o.input_changed = (h.flags & WIRE_INPUT_CHANGED) != 0;
    o.out_of_bounds = (h.flags & WIRE_OUT_OF_BOUNDS) != 0;
    o.cpu = (double)h.cpu_ns * 1e-9;
    *outcome = o;
    return true;
}

/* ONNX Runtime's most verbose log of a small model has 15 to 40 kB. */
enum { UNREAD_LOG_MAX = 256 << 10 };

char *ring_read_log(const struct ring *r, struct arena *arena)
{
    int fd = r->fd[WIRE_FD_LOG];
    off_t end = lseek(fd, 0, SEEK_END);
    off_t from = end > UNREAD_LOG_MAX ? end - UNREAD_LOG_MAX : 0;
    size_t size = end > 0 ? (size_t)(end - from) : 0;
    uint8_t *text = arena_alloc(arena, size + 1);
    ssize_t n = pread(fd, text, size, from);

    return clean_text(text, n > 0 ? (size_t)n : 0, arena);
}

void ring_read_crash(const struct ring *r, struct arena *arena, struct outcome *outcome)
{
    struct wire_crash crash;

    memcpy(&crash, &ring_header(r)->crash, sizeof crash);
    if (crash.valid == 0 || crash.valid > 2 || crash.n_frames > WIRE_FRAMES_MAX) {
        return;
    }
    _Static_assert((int)WIRE_FRAMES_MAX == (int)FRAMES_MAX, "all frames fit");
    for (uint32_t i = 0; i < crash.n_frames; i++) {
        size_t size = strnlen(crash.frame[i], WIRE_FRAME_SIZE);
        outcome->frames[outcome->n_frames++] =
            clean_text((const uint8_t *)crash.frame[i], size, arena);
    }
    const char *place =
        clean_text((const uint8_t *)crash.place, strnlen(crash.place, WIRE_FRAME_SIZE), arena);
    outcome->fault = fault_text(crash.signal, crash.code, place, arena);
    outcome->address = outcome->fault ? crash.address : 0;
    size_t size = strnlen(crash.modules, WIRE_MODULES_SIZE);
    outcome->modules = clean_text((const uint8_t *)crash.modules, size, arena);
}
