/* SPDX-License-Identifier: Apache-2.0 */
/* loop: a worker and its runs, for loop.c, which does them, and result.c, which writes them down.
 */
#ifndef OPJURY_LOOP_H
#define OPJURY_LOOP_H

#include "opjury/worker.h"

#include <sys/stat.h>

/* Descriptors of ours that a library may close. */
enum { CHANNEL_JOB, CHANNEL_DONE, CHANNEL_STDOUT, CHANNEL_STDERR, CHANNELS };

struct worker {
    const struct adapter *adapter;
    struct wire_ring *ring;
    const uint8_t *jobs; /* mapped read-only */
    uint8_t *results;
    uint64_t job_size, result_size;
    uint32_t slots;
    int job_fd, done_fd;
    struct limits limits;
    struct fence *fence;
    PyObject *base_state; /* NULL: the adapter has none */
    uint8_t *base_random;
    size_t base_random_size;
    uint64_t base_fpu;
    struct stat base_channel[CHANNELS];
    bool is_cut_off; /* they are not what they were */
};

/* The run under way. */
struct run {
    struct worker *w;
    const struct wire_job *job;
    const uint8_t *area; /* of the job */
    uint8_t *out;        /* of the result */
    uint64_t capacity, used;
    struct wire_result result;
    uint64_t cpu_start;
    uint32_t index;       /* which target's options */
    uint32_t first_fence; /* of the fence's places, the job's first */
    PyObject *loaded;     /* by the adapter; NULL: it has failed */
};

/* ---- result.c ---- */

/* A text into the result area; cut where it is too long, left out where there is no room. */
void result_text(struct run *r, struct wire_text *text, const char *bytes, size_t size);
/* The worker could not do its part. */
void result_broken(struct run *r, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The pending exception becomes the run's result. */
void result_raised(struct run *r, enum wire_phase phase);
/* What a call gave becomes the result: a sequence of tensors, which is released; NULL: it raised.
 */
void result_outputs(struct run *r, PyObject *outputs);
/* What the library wrote to stdout and stderr since the last time. */
void result_log(struct run *r);

#endif
