/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a record says in numbers: the errors of the failing run against their bounds, whether its
 * output is memory that nobody wrote, and how far program and inputs are such as users have.
 */
#include <math.h>
#include <string.h>

#include "report/record_internal.h"

/* ---- elements ---- */

bool element_is_wrong(real expected, real actual, real bound)
{
    bool same = actual == expected || (isnan(actual) && isnan(expected));
    if (same || isnan(bound)) {
        return false;
    }
    return !isfinite(expected) || !isfinite(actual) || fabsl(actual - expected) > bound;
}

/*
 * Workers run with MALLOC_PERTURB_=65 (src/target/zygote.c): glibc fills what malloc gives with the
 * complement of that byte and what free takes with the byte itself (mallopt(3), M_PERTURB).
 */
static bool is_fill(const uint8_t *bytes, size_t size)
{
    if (bytes[0] != FILL_BYTE && bytes[0] != (uint8_t)~FILL_BYTE) {
        return false;
    }
    for (size_t i = 1; i < size; i++) {
        if (bytes[i] != bytes[0]) {
            return false;
        }
    }
    return true;
}

bool holds_filled_memory(const struct tensor *expected, const struct tensor *bound,
                         const struct tensor *actual)
{
    size_t n = shape_numel(&expected->shape), size = dtype_size(actual->dtype);
    if (actual->dtype != expected->dtype || !shape_equal(&actual->shape, &expected->shape)) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        if (is_fill((const uint8_t *)actual->data + i * size, size) &&
            element_is_wrong(dtype_load(expected->dtype, expected->data, i),
                             dtype_load(actual->dtype, actual->data, i),
                             dtype_load(bound->dtype, bound->data, i))) {
            return true;
        }
    }
    return false;
}

/* ---- expected.npz ---- */

static const struct tensor *find(const struct named_tensor *items, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(items[i].name, name) == 0) {
            return &items[i].tensor;
        }
    }
    return NULL;
}

/* bf16 is stored by its bits, as u16. */
static const struct tensor *as_stored(const struct tensor *t, enum dtype d, struct arena *arena)
{
    if (t == NULL || d != DTYPE_BF16 || t->dtype != DTYPE_U16) {
        return t;
    }
    struct tensor *bits = arena_copy(arena, t, sizeof(*t));
    bits->dtype = DTYPE_BF16;
    return bits;
}

static bool is_of(const struct tensor *t, enum dtype d, const struct shape *shape)
{
    return t != NULL && t->dtype == d && shape_equal(&t->shape, shape);
}

static void add_numbers(struct record *r, const struct output_values *x)
{
    for (size_t i = 0; i < x->n; i++) {
        real e = dtype_load(x->dtype, x->expected->data, i);
        real a = dtype_load(x->dtype, x->actual->data, i);
        real b = dtype_load(DTYPE_F64, x->bound->data, i);
        if (isnan(b)) {
            continue;
        }
        bool same = a == e || (isnan(a) && isnan(e));
        real off = same ? 0 : !isfinite(a) || !isfinite(e) ? INFINITY : fabsl(a - e);
        real relative = off == 0 ? 0 : e != 0 ? off / fabsl(e) : -1; /* of 0 there is none */
        real times = off == 0 ? 0 : b > 0 ? off / b : INFINITY;
        relative = isnan(relative) ? INFINITY : relative; /* infinity by infinity */
        r->max_abs = fmax(r->max_abs, (double)off);
        r->max_rel = relative >= 0 ? fmax(r->max_rel, (double)relative) : r->max_rel;
        r->times = fmax(r->times, (double)times);
    }
}

/* One output of the program from the arrays NAME.expected, NAME.bound and NAME.actual. */
static enum err read_output(const char *path, const struct named_tensor *items, size_t n,
                            const struct value *v, struct arena *arena, struct output_values *x)
{
    static const char *const parts[] = {"expected", "bound", "actual"};
    const struct tensor *found[ARRAY_SIZE(parts)];
    for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
        const char *name = arena_printf(arena, "%s.%s", v->name, parts[i]);
        found[i] = as_stored(find(items, n, name), v->dtype, arena);
    }
    if (!is_of(found[0], v->dtype, &v->shape) || !is_of(found[1], DTYPE_F64, &v->shape)) {
        return err_set(ERR_INPUT, "%s: %s.expected and %s.bound are not of the program's output",
                       path, v->name, v->name);
    }
    *x = (struct output_values){.name = v->name,
                                .dtype = v->dtype,
                                .shape = v->shape,
                                .n = shape_numel(&v->shape),
                                .expected = found[0],
                                .bound = found[1],
                                .actual = is_of(found[2], v->dtype, &v->shape) ? found[2] : NULL};
    return ERR_OK;
}

static enum err read_expected(struct record *r, struct arena *arena)
{
    const char *path = arena_printf(arena, "%s/expected.npz", r->folder);
    const struct program *p = r->test->program;
    struct named_tensor *items;
    size_t n;
    r->max_abs = r->max_rel = r->times = NAN;
    if (!file_exists(path)) {
        return ERR_OK;
    }
    TRY(npz_read(path, arena, &items, &n));
    struct output_values *outputs = ARENA_ARRAY(arena, struct output_values, p->n_outputs);
    for (uint32_t o = 0; o < p->n_outputs; o++) {
        struct output_values *x = &outputs[o];
        TRY(read_output(path, items, n, &p->values[p->outputs[o]], arena, x));
        if (x->actual != NULL) {
            add_numbers(r, x);
            r->is_unwritten =
                r->is_unwritten || holds_filled_memory(x->expected, x->bound, x->actual);
        }
    }
    r->outputs = outputs;
    if (strcmp(r->library, "torch") == 0 && strcmp(r->oracle, "value") == 0) {
        r->torch_rule = torch_rule_of(r->test, outputs,
                                      r->culprit->place != NULL ? r->culprit->place : "", arena);
    }
    return ERR_OK;
}

static bool has_variable(const struct record *r, const char *name)
{
    for (size_t i = 0; i < r->variables.n; i++) {
        const char *text = r->variables.items[i];
        if (strncmp(text, name, strlen(name)) == 0 && text[strlen(name)] == '=') {
            return true;
        }
    }
    return false;
}

/* ---- realism ---- */

/* What f16 holds as normal numbers: magnitudes at which trained networks and their data lie. Of
 * integers what fits in 32 bits, as sizes and labels do. */
static bool is_ordinary(enum dtype d, real value)
{
    if (dtype_is_float(d)) {
        return value == 0 || !isfinite(value) ||
               (fabsl(value) >= 0x1p-14L && fabsl(value) < 0x1p16L);
    }
    return value >= -0x1p31L && value < 0x1p31L;
}

static void look_at(struct realism *realism, const struct tensor *t)
{
    for (size_t i = 0; i < shape_numel(&t->shape); i++) {
        real value = dtype_load(t->dtype, t->data, i);
        realism->finite_inputs = realism->finite_inputs && isfinite(value);
        realism->ordinary_magnitudes = realism->ordinary_magnitudes && is_ordinary(t->dtype, value);
    }
}

/* Python's private names and torch's operators below its public functions. An ONNX model is public
 * whatever it holds. */
static bool is_public(const char *script)
{
    static const char *const private[] = {"torch._", "torch.ops.", "._C."};
    for (size_t i = 0; script != NULL && i < ARRAY_SIZE(private); i++) {
        if (strstr(script, private[i]) != NULL) {
            return false;
        }
    }
    return true;
}

static bool is_plain(const struct shape *s)
{
    enum { PLAIN_RANK = 4 }; /* a batch of images */
    bool plain = s->rank <= PLAIN_RANK;
    for (int d = 0; d < s->rank; d++) {
        plain = plain && s->dim[d] > 0;
    }
    return plain;
}

/* Program and inputs hold together (finding_read has seen to it) and nothing they compute is
 * undefined. */
static bool is_valid(const struct test *test)
{
    struct arena *arena = arena_new();
    bool valid = !reference_traps(reference_new(test, arena));
    arena_free(arena);
    return valid;
}

static void judge_realism(struct record *r)
{
    const struct program *p = r->test->program;
    struct realism *realism = &r->realism;
    *realism = (struct realism){
        .public_api = is_public(r->repro),
        .finite_inputs = true,
        .ordinary_magnitudes = true,
        .plain_shapes = true,
        .valid = is_valid(r->test),
    };
    for (uint32_t k = 0; k < r->test->n_inputs; k++) {
        look_at(realism, &r->test->inputs[k]);
    }
    for (uint32_t id = 0; id < p->n_values; id++) {
        const struct value *v = &p->values[id];
        realism->plain_shapes = realism->plain_shapes && is_plain(&v->shape);
        if (v->kind == VALUE_CONST && v->data != NULL) {
            const struct tensor t = value_tensor(v);
            look_at(realism, &t);
        }
    }
}

unsigned realism_count(const struct realism *r)
{
    unsigned count = 0;
#define COUNT(name, text) count += r->name;
    REALISM_MAP(COUNT)
#undef COUNT
    return count;
}

enum err record_read_values(struct record *r, struct arena *arena)
{
    TRY(read_expected(r, arena));
    if (r->is_unwritten && !has_variable(r, FILL_VARIABLE)) {
        texts_add(&r->variables, FILL_VARIABLE "=" FILL_VALUE, arena);
    }
    judge_realism(r);
    return ERR_OK;
}
