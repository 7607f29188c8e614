/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan_wire: a call plan as bytes. The engine's plan_encode (src/spell/plan.c) writes it, the
 * worker's plan_load reads it. One header, then arrays of fixed-width records; places are byte
 * offsets from the plan's first byte, which lies at a multiple of 8. A reader calls plan_wire_valid
 * once and may then follow every offset, index and text without further checks.
 *
 * Registers 0 .. n_inputs-1 hold the test's inputs, the next n_consts the constants (their tensors
 * travel in the job, not here), the others are written by calls before they are read. dtypes are
 * enum wire_dtype (wire.h).
 */
#ifndef OPJURY_PLAN_WIRE_H
#define OPJURY_PLAN_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "opjury/wire.h"

#define PLAN_WIRE_VERSION 2u

enum {
    PLAN_WIRE_SIZE_MAX = 64 << 20, /* bytes of a plan */
    PLAN_WIRE_REGISTERS_MAX = 1 << 20,
    PLAN_WIRE_ARGS_MAX = 32, /* of one call */
    PLAN_WIRE_WIDTH_MAX = 8, /* of a tuple in a tuple */
};

enum plan_wire_kind {
    PLAN_WIRE_NONE,   /* None */
    PLAN_WIRE_VALUE,  /* u: a register */
    PLAN_WIRE_VALUES, /* a list: n registers, uint32_t at byte `at` */
    PLAN_WIRE_INT,    /* i */
    PLAN_WIRE_INTS,   /* a list: n int64_t at byte `at` */
    PLAN_WIRE_REAL,   /* f */
    PLAN_WIRE_BOOL,   /* i: 0 or 1 */
    PLAN_WIRE_DTYPE,  /* i: enum wire_dtype; the library's own dtype object */
    PLAN_WIRE_TEXT,   /* NUL-terminated at byte `at` */
    PLAN_WIRE_OBJECT, /* what the dotted path at byte `at` names */
    PLAN_WIRE_TUPLE,  /* n int64_t at byte `at`; u > 0: n tuples of u each */
    PLAN_WIRE_KINDS,
};

struct plan_wire {
    uint32_t version;
    uint32_t size; /* of the whole plan, a multiple of 8 */
    uint32_t n_registers, n_inputs, n_consts;
    uint32_t n_calls, n_args, n_outputs;
    uint32_t calls_at;   /* struct plan_wire_call[n_calls] */
    uint32_t args_at;    /* struct plan_wire_arg[n_args], those of one call side by side */
    uint32_t outputs_at; /* uint32_t[n_outputs]: registers */
    uint32_t pad;
};
_Static_assert(sizeof(struct plan_wire) == 48, "plan layout");

/* n_results > 1: the call gives a tuple that is spread. */
struct plan_wire_call {
    uint32_t callable; /* byte of its NUL-terminated dotted path */
    uint32_t first_arg, n_args;
    uint32_t n_results;
    uint32_t results_at; /* uint32_t[n_results]: registers */
    uint32_t pad;
};
_Static_assert(sizeof(struct plan_wire_call) == 24, "plan layout");

/* Positional arguments stand before those with a keyword. */
struct plan_wire_arg {
    uint32_t kind;
    uint32_t keyword; /* byte of its NUL-terminated text; 0: positional */
    uint32_t n;
    uint32_t at;
    union {
        int64_t i;
        double f;
        uint64_t u;
    };
};
_Static_assert(sizeof(struct plan_wire_arg) == 24, "plan layout");

/* ---- the check ---- */

static inline bool plan_wire_array(const struct plan_wire *w, uint32_t at, uint32_t n, size_t item)
{
    return at % 8 == 0 && at >= sizeof *w && at <= w->size && n <= (w->size - at) / item;
}

static inline bool plan_wire_text(const struct plan_wire *w, uint32_t at)
{
    const char *bytes = (const char *)w;

    for (uint32_t i = at; at >= sizeof *w && i < w->size; i++) {
        if (bytes[i] == '\0') {
            return true;
        }
    }
    return false;
}

static inline bool plan_wire_registers(const struct plan_wire *w, uint32_t at, uint32_t n)
{
    if (!plan_wire_array(w, at, n, sizeof(uint32_t))) {
        return false;
    }
    const void *array = (const char *)w + at;
    const uint32_t *registers = array;
    for (uint32_t i = 0; i < n; i++) {
        if (registers[i] >= w->n_registers) {
            return false;
        }
    }
    return true;
}

static inline bool plan_wire_arg_valid(const struct plan_wire *w, const struct plan_wire_arg *a)
{
    if (a->keyword != 0 && !plan_wire_text(w, a->keyword)) {
        return false;
    }
    switch (a->kind) {
    case PLAN_WIRE_VALUE:
        return a->u < w->n_registers;
    case PLAN_WIRE_VALUES:
        return plan_wire_registers(w, a->at, a->n);
    case PLAN_WIRE_INTS:
        return plan_wire_array(w, a->at, a->n, sizeof(int64_t));
    case PLAN_WIRE_BOOL:
        return a->u <= 1;
    case PLAN_WIRE_DTYPE:
        return a->u > WIRE_DTYPE_NONE && a->u < WIRE_DTYPE_COUNT;
    case PLAN_WIRE_TEXT:
    case PLAN_WIRE_OBJECT:
        return plan_wire_text(w, a->at);
    case PLAN_WIRE_TUPLE:
        return a->u <= PLAN_WIRE_WIDTH_MAX &&
               plan_wire_array(w, a->at, a->n, (a->u ? a->u : 1) * sizeof(int64_t));
    default:
        return a->kind < PLAN_WIRE_KINDS;
    }
}

static inline bool plan_wire_call_valid(const struct plan_wire *w, const struct plan_wire_call *c)
{
    const void *array = (const char *)w + w->args_at;
    const struct plan_wire_arg *args = array;
    bool named = false;

    if (!plan_wire_text(w, c->callable) || c->n_args > PLAN_WIRE_ARGS_MAX ||
        c->first_arg > w->n_args || c->n_args > w->n_args - c->first_arg || c->n_results == 0 ||
        !plan_wire_registers(w, c->results_at, c->n_results)) {
        return false;
    }
    for (uint32_t i = 0; i < c->n_args; i++) {
        const struct plan_wire_arg *a = &args[c->first_arg + i];
        if (!plan_wire_arg_valid(w, a) || (named && a->keyword == 0)) {
            return false;
        }
        named = named || a->keyword != 0;
    }
    return true;
}

/* May these bytes (aligned to 8) be read as a plan? */
static inline bool plan_wire_valid(const void *bytes, size_t size)
{
    const struct plan_wire *w = bytes;

    if (size < sizeof *w || (uintptr_t)bytes % 8 != 0 || w->version != PLAN_WIRE_VERSION ||
        w->size != size || size % 8 != 0 || size > PLAN_WIRE_SIZE_MAX ||
        w->n_registers > PLAN_WIRE_REGISTERS_MAX || w->n_inputs > w->n_registers ||
        w->n_consts > w->n_registers - w->n_inputs ||
        !plan_wire_array(w, w->calls_at, w->n_calls, sizeof(struct plan_wire_call)) ||
        !plan_wire_array(w, w->args_at, w->n_args, sizeof(struct plan_wire_arg)) ||
        !plan_wire_registers(w, w->outputs_at, w->n_outputs)) {
        return false;
    }
    const void *array = (const char *)w + w->calls_at;
    const struct plan_wire_call *calls = array;
    for (uint32_t i = 0; i < w->n_calls; i++) {
        if (!plan_wire_call_valid(w, &calls[i])) {
            return false;
        }
    }
    return true;
}

#endif
