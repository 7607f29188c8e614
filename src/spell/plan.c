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
SAME_KIND(OBJECT)
SAME_KIND(TUPLE)
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
    case PLAN_OBJECT:
        w.at = put_text(e, a->text);
        break;
    case PLAN_TUPLE:
        w.u = a->width;
        w.at = put(e, a->ints, a->n * (a->width ? a->width : 1) * sizeof *a->ints);
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

/* One plan, or that of a program at two shapes. */
struct printer {
    const struct plan *plan;
    const struct plan_shapes *shapes; /* NULL: one */
    bool is_single;                   /* of plan_print_calls */
    struct buffer *source;
    bool is_impossible;
};

static void print_values(const struct printer *f, const uint32_t *values, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        buffer_printf(f->source, "%s%s", i ? ", " : "", f->plan->names[values[i]]);
    }
}

/* A number that is a at one shape and b at the other, by a size that is here and there. */
struct size_term {
    const char *name; /* of an input; NULL: there is none */
    int axis;
    int64_t factor, divisor, added; /* (factor * size + added) / divisor */
};

static struct size_term term_of(int64_t a, int64_t b, int64_t here, int64_t there)
{
    int64_t change = a - b, step = here - there;

    if (change % step == 0) {
        return (struct size_term){
            .factor = change / step, .divisor = 1, .added = a - change / step * here};
    }
    if (step % change == 0) {
        return (struct size_term){
            .factor = 1, .divisor = step / change, .added = a * (step / change) - here};
    }
    return (struct size_term){0};
}

static int64_t complexity(const struct size_term *t)
{
    enum { BESIDE_SIZES = 1000 }; /* a multiple of a size is further from it than a sum */
    int64_t added = t->added < 0 ? -t->added : t->added;

    return added + (t->factor == 1 ? 0 : BESIDE_SIZES) + (t->divisor == 1 ? 0 : BESIDE_SIZES);
}

/* The simplest of all sizes of inputs. */
static struct size_term find_term(const struct printer *f, int64_t a, int64_t b)
{
    const struct plan_shapes *s = f->shapes;
    struct size_term best = {0};

    for (uint32_t i = 0; i < f->plan->n_inputs; i++) {
        const struct shape *here = &s->program->values[f->plan->input_values[i]].shape;
        const struct shape *there = &s->other_program->values[s->other->input_values[i]].shape;
        for (int d = 0; d < here->rank; d++) {
            if (here->dim[d] == there->dim[d]) {
                continue;
            }
            struct size_term t = term_of(a, b, here->dim[d], there->dim[d]);
            if (t.divisor != 0 && (!best.name || complexity(&t) < complexity(&best))) {
                best = t;
                best.name = f->plan->names[i];
                best.axis = d;
            }
        }
    }
    return best;
}

static void print_int(struct printer *f, int64_t a, int64_t b)
{
    if (a == b) {
        buffer_printf(f->source, "%lld", (long long)a);
        return;
    }
    struct size_term t = find_term(f, a, b);
    f->is_impossible |= !t.name;
    bool is_divided = t.divisor != 1, is_sum = t.added != 0;
    buffer_puts(f->source, is_divided && is_sum ? "(" : "");
    if (t.factor != 1) {
        buffer_printf(f->source, "%lld * ", (long long)t.factor);
    }
    buffer_printf(f->source, "%s.shape[%d]", t.name ? t.name : "", t.axis);
    if (is_sum) {
        buffer_printf(f->source, " %c %lld", t.added < 0 ? '-' : '+',
                      (long long)(t.added < 0 ? -t.added : t.added));
    }
    buffer_puts(f->source, is_divided && is_sum ? ")" : "");
    if (is_divided) {
        buffer_printf(f->source, " // %lld", (long long)t.divisor);
    }
}

static void print_ints(struct printer *f, const int64_t *a, const int64_t *b, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        buffer_puts(f->source, i ? ", " : "");
        print_int(f, a[i], b[i]);
    }
}

static void print_tuple(struct printer *f, const int64_t *a, const int64_t *b, uint32_t n)
{
    buffer_puts(f->source, "(");
    print_ints(f, a, b, n);
    buffer_puts(f->source, n == 1 ? ",)" : ")");
}

static void print_tuples(struct printer *f, const struct plan_arg *a, const struct plan_arg *b)
{
    if (a->width == 0) {
        print_tuple(f, a->ints, b->ints, a->n);
        return;
    }
    buffer_puts(f->source, "(");
    for (uint32_t i = 0; i < a->n; i++) {
        buffer_puts(f->source, i ? ", " : "");
        print_tuple(f, a->ints + i * a->width, b->ints + i * a->width, a->width);
    }
    buffer_puts(f->source, a->n == 1 ? ",)" : ")");
}

/* b: the other plan's, a itself where there is none. Their values are the same registers. */
static void print_arg(struct printer *f, const struct plan_arg *a, const struct plan_arg *b)
{
    struct buffer *source = f->source;

    if (a->keyword) {
        buffer_printf(source, "%s=", a->keyword);
    }
    f->is_impossible |= a->kind != b->kind || a->n != b->n || a->width != b->width;
    if (f->is_impossible) {
        return;
    }
    switch (a->kind) {
    case PLAN_NONE:
        buffer_puts(source, "None");
        break;
    case PLAN_VALUE:
        f->is_impossible |= a->value != b->value;
        buffer_puts(source, f->plan->names[a->value]);
        break;
    case PLAN_VALUES:
        f->is_impossible |= memcmp(a->values, b->values, a->n * sizeof *a->values);
        buffer_puts(source, "[");
        print_values(f, a->values, a->n);
        buffer_puts(source, "]");
        break;
    case PLAN_INT:
        print_int(f, a->i, b->i);
        break;
    case PLAN_INTS:
        buffer_puts(source, "[");
        print_ints(f, a->ints, b->ints, a->n);
        buffer_puts(source, "]");
        break;
    case PLAN_REAL:
        f->is_impossible |= memcmp(&a->f, &b->f, sizeof a->f) != 0;
        if (f->is_single && a->f == (double)(float)a->f) {
            python_single(source, (float)a->f);
        } else {
            python_real(source, a->f);
        }
        break;
    case PLAN_BOOL:
        f->is_impossible |= a->i != b->i;
        buffer_puts(source, a->i ? "True" : "False");
        break;
    case PLAN_DTYPE:
        buffer_printf(source, "%s.%s", f->plan->dtypes, python_dtype(a->dtype));
        break;
    case PLAN_TEXT:
        f->is_impossible |= strcmp(a->text, b->text) != 0;
        python_string(source, a->text);
        break;
    case PLAN_OBJECT:
        f->is_impossible |= strcmp(a->text, b->text) != 0;
        buffer_puts(source, a->text);
        break;
    case PLAN_TUPLE:
        print_tuples(f, a, b);
        break;
    }
}

static bool is_same_call(const struct plan_call *a, const struct plan_call *b)
{
    return strcmp(a->callable, b->callable) == 0 && a->n_args == b->n_args &&
           a->n_results == b->n_results;
}

static void print_calls(struct printer *f, const char *indent)
{
    const struct plan *other = f->shapes ? f->shapes->other : f->plan;

    f->is_impossible |= f->plan->n_calls != other->n_calls;
    for (uint32_t c = 0; c < f->plan->n_calls && !f->is_impossible; c++) {
        const struct plan_call *call = &f->plan->calls[c];
        f->is_impossible |= !is_same_call(call, &other->calls[c]);
        buffer_puts(f->source, indent);
        print_values(f, call->results, call->n_results);
        buffer_printf(f->source, " = %s(", call->callable);
        for (uint32_t i = 0; i < call->n_args && !f->is_impossible; i++) {
            buffer_puts(f->source, i ? ", " : "");
            print_arg(f, &call->args[i], &other->calls[c].args[i]);
        }
        buffer_puts(f->source, ")\n");
    }
}

void plan_print_calls(const struct plan *plan, const char *indent, bool is_single,
                      struct buffer *source)
{
    struct printer f = {.plan = plan, .source = source, .is_single = is_single};

    print_calls(&f, indent);
}

enum err plan_print_shapes(const struct plan *plan, const struct plan_shapes *shapes,
                           struct buffer *source)
{
    struct printer f = {.plan = plan, .shapes = shapes, .source = source};

    buffer_puts(source, "def program(");
    for (uint32_t i = 0; i < plan->n_inputs + plan->n_consts; i++) {
        buffer_printf(source, "%s%s", i ? ", " : "", plan->names[i]);
    }
    buffer_puts(source, "):\n");
    print_calls(&f, "    ");
    buffer_puts(source, "    return (");
    print_values(&f, plan->outputs, plan->n_outputs);
    buffer_puts(source, plan->n_outputs == 1 ? ",)\n" : ")\n");
    return f.is_impossible
               ? err_set(ERR_UNSUPPORTED, "%s says a node in two ways at two shapes", plan->library)
               : ERR_OK;
}

void plan_print_python(const struct plan *plan, struct buffer *source)
{
    enum err err = plan_print_shapes(plan, NULL, source);

    CHECK(err == ERR_OK);
}
