/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plan of calls on its two roads: as bytes for the worker, which makes the calls itself, and as
 * Python source, which a reader runs. Both say the same calls with the same arguments in the same
 * order, so they give the same bits.
 */
#include "spell/spell_internal.h"

#include <string.h>

#include "opjury/plan_wire.h"

/* ---- bytes ---- */

#define SAME_CODE(name, number, code, bytes)                                                       \
    _Static_assert((int)WIRE_##name == (int)DTYPE_##name, "the wire's dtypes are ours");
WIRE_DTYPE_MAP(SAME_CODE)
#undef SAME_CODE

#define SAME_KIND(name)                                                                            \
    _Static_assert((int)PLAN_##name == (int)PLAN_WIRE_##name, "the wire's kinds are ours");
SAME_KIND(NONE)
SAME_KIND(VALUE)
SAME_KIND(VALUES)
SAME_KIND(INT)
SAME_KIND(INTS)
SAME_KIND(REAL)
SAME_KIND(BOOL)
SAME_KIND(DTYPE)
SAME_KIND(TEXT)
#undef SAME_KIND

struct encoder {
    struct buffer *bytes;
    size_t start; /* of the plan in the buffer */
};

static uint32_t here(const struct encoder *e)
{
    return (uint32_t)(e->bytes->size - e->start);
}

static uint32_t put(struct encoder *e, const void *data, size_t size)
{
    static const char zeros[8];
    uint32_t at = here(e);

    buffer_append(e->bytes, data, size);
    buffer_append(e->bytes, zeros, -size % 8);
    return at;
}

static uint32_t put_text(struct encoder *e, const char *text)
{
    return put(e, text, strlen(text) + 1);
}

static void encode_arg(struct encoder *e, const struct plan_arg *a, uint32_t at)
{
    struct plan_wire_arg w = {.kind = a->kind, .n = a->n};

    w.keyword = a->keyword ? put_text(e, a->keyword) : 0;
    switch (a->kind) {
    case PLAN_NONE:
        break;
    case PLAN_VALUE:
        w.u = a->value;
        break;
    case PLAN_VALUES:
        w.at = put(e, a->values, a->n * sizeof *a->values);
        break;
    case PLAN_INT:
    case PLAN_BOOL:
        w.i = a->i;
        break;
    case PLAN_INTS:
        w.at = put(e, a->ints, a->n * sizeof *a->ints);
        break;
    case PLAN_REAL:
        w.f = a->f;
        break;
    case PLAN_DTYPE:
        w.i = a->dtype;
        break;
    case PLAN_TEXT:
        w.at = put_text(e, a->text);
        break;
    }
    memcpy(e->bytes->data + e->start + at, &w, sizeof w);
}

void plan_encode(const struct plan *plan, struct buffer *bytes)
{
    CHECK(bytes->size % 8 == 0);
    struct encoder e = {bytes, bytes->size};
    struct plan_wire w = {.version = PLAN_WIRE_VERSION,
                          .n_registers = plan->n_registers,
                          .n_inputs = plan->n_inputs,
                          .n_consts = plan->n_consts,
                          .n_calls = plan->n_calls,
                          .n_outputs = plan->n_outputs,
                          .calls_at = sizeof w};

    for (uint32_t c = 0; c < plan->n_calls; c++) {
        CHECK(plan->calls[c].n_args <= PLAN_WIRE_ARGS_MAX);
        w.n_args += plan->calls[c].n_args;
    }
    w.args_at = w.calls_at + w.n_calls * (uint32_t)sizeof(struct plan_wire_call);
    size_t tables = w.args_at + w.n_args * sizeof(struct plan_wire_arg);
    buffer_reserve(bytes, tables);
    memset(bytes->data + e.start, 0, tables);
    bytes->size += tables;

    uint32_t arg = 0;
    for (uint32_t c = 0; c < plan->n_calls; c++) {
        const struct plan_call *call = &plan->calls[c];
        struct plan_wire_call wire = {
            .first_arg = arg, .n_args = call->n_args, .n_results = call->n_results};
        wire.callable = put_text(&e, call->callable);
        wire.results_at = put(&e, call->results, call->n_results * sizeof *call->results);
        memcpy(bytes->data + e.start + w.calls_at + c * sizeof wire, &wire, sizeof wire);
        for (uint32_t i = 0; i < call->n_args; i++, arg++) {
            encode_arg(&e, &call->args[i],
                       w.args_at + arg * (uint32_t)sizeof(struct plan_wire_arg));
        }
    }
    w.outputs_at = put(&e, plan->outputs, plan->n_outputs * sizeof *plan->outputs);
    w.size = here(&e);
    CHECK(w.size <= PLAN_WIRE_SIZE_MAX && w.n_registers <= PLAN_WIRE_REGISTERS_MAX);
    memcpy(bytes->data + e.start, &w, sizeof w);
}

/* ---- source ---- */

/* numpy, torch, jax and tensorflow share these names; bool alone differs by library. */
static const char *const python_dtypes[DTYPE_COUNT] = {
    [DTYPE_BOOL] = "bool",     [DTYPE_I8] = "int8",     [DTYPE_U8] = "uint8",
    [DTYPE_I16] = "int16",     [DTYPE_U16] = "uint16",  [DTYPE_I32] = "int32",
    [DTYPE_U32] = "uint32",    [DTYPE_I64] = "int64",   [DTYPE_F16] = "float16",
    [DTYPE_BF16] = "bfloat16", [DTYPE_F32] = "float32", [DTYPE_F64] = "float64",
};

const char *python_dtype(enum dtype d)
{
    return python_dtypes[d];
}

static void print_values(const struct plan *plan, const uint32_t *values, uint32_t n,
                         struct buffer *source)
{
    for (uint32_t i = 0; i < n; i++) {
        buffer_printf(source, "%s%s", i ? ", " : "", plan->names[values[i]]);
    }
}

static void print_ints(const struct plan_arg *a, struct buffer *source)
{
    for (uint32_t i = 0; i < a->n; i++) {
        buffer_printf(source, "%s%lld", i ? ", " : "", (long long)a->ints[i]);
    }
}

static void print_arg(const struct plan *plan, const struct plan_arg *a, bool is_single,
                      struct buffer *source)
{
    if (a->keyword) {
        buffer_printf(source, "%s=", a->keyword);
    }
    switch (a->kind) {
    case PLAN_NONE:
        buffer_puts(source, "None");
        break;
    case PLAN_VALUE:
        buffer_puts(source, plan->names[a->value]);
        break;
    case PLAN_VALUES:
        buffer_puts(source, "[");
        print_values(plan, a->values, a->n, source);
        buffer_puts(source, "]");
        break;
    case PLAN_INT:
        buffer_printf(source, "%lld", (long long)a->i);
        break;
    case PLAN_INTS:
        buffer_puts(source, "[");
        print_ints(a, source);
        buffer_puts(source, "]");
        break;
    case PLAN_REAL:
        if (is_single && a->f == (double)(float)a->f) {
            python_single(source, (float)a->f);
        } else {
            python_real(source, a->f);
        }
        break;
    case PLAN_BOOL:
        buffer_puts(source, a->i ? "True" : "False");
        break;
    case PLAN_DTYPE:
        buffer_printf(source, "%s.%s", plan->library, python_dtype(a->dtype));
        break;
    case PLAN_TEXT:
        python_string(source, a->text);
        break;
    }
}

void plan_print_calls(const struct plan *plan, const char *indent, bool is_single,
                      struct buffer *source)
{
    for (uint32_t c = 0; c < plan->n_calls; c++) {
        const struct plan_call *call = &plan->calls[c];
        buffer_puts(source, indent);
        print_values(plan, call->results, call->n_results, source);
        buffer_printf(source, " = %s(", call->callable);
        for (uint32_t i = 0; i < call->n_args; i++) {
            buffer_puts(source, i ? ", " : "");
            print_arg(plan, &call->args[i], is_single, source);
        }
        buffer_puts(source, ")\n");
    }
}

void plan_print_python(const struct plan *plan, struct buffer *source)
{
    buffer_puts(source, "def program(");
    for (uint32_t i = 0; i < plan->n_inputs + plan->n_consts; i++) {
        buffer_printf(source, "%s%s", i ? ", " : "", plan->names[i]);
    }
    buffer_puts(source, "):\n");
    plan_print_calls(plan, "    ", false, source);
    buffer_puts(source, "    return (");
    print_values(plan, plan->outputs, plan->n_outputs, source);
    buffer_puts(source, plan->n_outputs == 1 ? ",)\n" : ")\n");
}
