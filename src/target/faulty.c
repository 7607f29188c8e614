/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The `faulty` target: our evaluator with one mutation operator applied to one op. A mutation
 * changes what the op sees (inputs, attributes), what it gives, or the form of a program output
 * that it made.
 */
#include "target/faulty.h"

#include <math.h>
#include <string.h>

/* One node about to be evaluated, in copies that a mutation may write. */
struct site {
    const struct program *p;
    struct node node;               /* attrs are a copy */
    struct array in[OP_INPUTS_MAX]; /* elements are copies */
    bool present[OP_INPUTS_MAX];
    struct array *out; /* after evaluation, rounded */
    struct arena *arena;
};

struct mutation {
    const char *name;
    const char *summary;
    const char *ops; /* space-separated names; "*": all */
    void (*before)(struct site *s);
    void (*after)(struct site *s);
    void (*form)(struct tensor *output);
};

/* ---- mutations of the result ---- */

static void after_negate(struct site *s)
{
    for (size_t i = 0; i < s->out->n; i++) {
        s->out->v[i] = dtype_round(s->out->dtype, -s->out->v[i]);
    }
}

static void after_off_by_one(struct site *s)
{
    for (size_t i = 0; i + 1 < s->out->n; i++) {
        s->out->v[i] = s->out->v[i + 1];
    }
}

static void after_drop_tail(struct site *s)
{
    if (s->out->n) {
        s->out->v[s->out->n - 1] = 0;
    }
}

static void after_low_precision(struct site *s)
{
    if (!dtype_is_float(s->out->dtype)) {
        return;
    }
    int keep = dtype_table[s->out->dtype].bits / 2;
    for (size_t i = 0; i < s->out->n; i++) {
        int exponent;
        real m = frexpl(s->out->v[i], &exponent);
        if (isfinite(m)) {
            s->out->v[i] = ldexpl(rintl(ldexpl(m, keep)), exponent - keep);
        }
    }
}

static void after_lose_nan(struct site *s)
{
    for (size_t i = 0; i < s->out->n; i++) {
        s->out->v[i] = isnan(s->out->v[i]) ? 0 : s->out->v[i];
    }
}

static void after_lose_inf(struct site *s)
{
    real top = dtype_max(s->out->dtype);
    for (size_t i = 0; i < s->out->n; i++) {
        if (isinf(s->out->v[i])) {
            s->out->v[i] = s->out->v[i] > 0 ? top : -top;
        }
    }
}

static void after_flush(struct site *s)
{
    real least = dtype_min_normal(s->out->dtype);
    for (size_t i = 0; i < s->out->n; i++) {
        s->out->v[i] = fabsl(s->out->v[i]) < least ? 0 : s->out->v[i];
    }
}

static void after_epsilon(struct site *s)
{
    if (!dtype_is_float(s->out->dtype)) {
        return;
    }
    for (size_t i = 0; i < s->out->n; i++) {
        s->out->v[i] = dtype_round(s->out->dtype, s->out->v[i] + 0x1p-16L);
    }
}

static real in_at(const struct site *s, uint32_t k, size_t flat)
{
    return s->in[k].v[broadcast_index(&s->out->shape, &s->in[k].shape, flat)];
}

static void after_saturate(struct site *s)
{
    enum dtype d = s->out->dtype;
    if (!dtype_is_int(d) || !dtype_is_int(s->in[0].dtype)) {
        return;
    }
    const char *op = s->node.op_name;
    for (size_t i = 0; i < s->out->n; i++) {
        real a = in_at(s, 0, i), v = a; /* cast */
        if (strcmp(op, "add") == 0) {
            v = a + in_at(s, 1, i);
        } else if (strcmp(op, "mul") == 0) {
            v = a * in_at(s, 1, i);
        } else if (strcmp(op, "neg") == 0) {
            v = -a;
        }
        real lo = dtype_lowest(d), hi = dtype_max(d);
        s->out->v[i] = v < lo ? lo : v > hi ? hi : s->out->v[i];
    }
}

static void after_wrong_round(struct site *s)
{
    if (!dtype_is_float(s->in[0].dtype) ||
        (strcmp(s->node.op_name, "cast") == 0 && !dtype_is_int(s->out->dtype))) {
        return;
    }
    bool cast = strcmp(s->node.op_name, "cast") == 0;
    for (size_t i = 0; i < s->out->n; i++) {
        real v = s->in[0].v[i], r = cast ? rintl(v) : truncl(v);
        if (isfinite(v) && fabsl(r - s->out->v[i]) <= 1) {
            s->out->v[i] = r;
        }
    }
}

static void after_unordered(struct site *s)
{
    for (size_t i = 0; i < s->out->n; i++) {
        s->out->v[i] = !(in_at(s, 0, i) >= in_at(s, 1, i));
    }
}

/* ---- mutations of the inputs and attributes ---- */

static void before_lose_first(struct site *s)
{
    if (s->present[0] && s->in[0].n) {
        s->in[0].v[0] = 0;
    }
}

static void before_swap_operands(struct site *s)
{
    uint32_t a = strcmp(s->node.op_name, "where") == 0 ? 1 : 0, b = a + 1;
    bool fit = s->node.n_in > b && s->present[a] && s->present[b] &&
               s->in[a].dtype == s->in[b].dtype && shape_equal(&s->in[a].shape, &s->in[b].shape);
    if (fit) {
        struct array t = s->in[a];
        s->in[a] = s->in[b];
        s->in[b] = t;
    }
}

static struct attr *site_attr(struct site *s, const char *name)
{
    for (uint32_t i = 0; i < s->node.n_attrs; i++) {
        if (strcmp(s->node.attrs[i].name, name) == 0) {
            return &s->node.attrs[i];
        }
    }
    return NULL;
}

/* Another axis of the same length, so that the output's shape stays. */
static void other_axis(const struct shape *shape, int64_t *axis)
{
    if (shape->rank < 2) {
        return;
    }
    int64_t here = *axis < 0 ? *axis + shape->rank : *axis;
    for (int step = 1; step < shape->rank; step++) {
        int64_t there = (here + step) % shape->rank;
        if (shape->dim[there] == shape->dim[here]) {
            *axis = there;
            return;
        }
    }
}

static void before_wrong_axis(struct site *s)
{
    struct attr *axis = site_attr(s, "axis"), *axes = site_attr(s, "axes");
    struct attr *perm = site_attr(s, "perm");
    const struct shape *shape = &s->in[0].shape;
    if (axis && strcmp(s->node.op_name, "softmax") == 0 && shape->rank > 1) {
        axis->i[0] = ((axis->i[0] < 0 ? axis->i[0] + shape->rank : axis->i[0]) + 1) % shape->rank;
    } else if (axis) {
        other_axis(shape, &axis->i[0]);
    } else if (axes && axes->n == 1) {
        other_axis(shape, &axes->i[0]);
    } else if (perm && perm->n > 1 && shape->dim[perm->i[0]] == shape->dim[perm->i[1]]) {
        int64_t t = perm->i[0];
        perm->i[0] = perm->i[1];
        perm->i[1] = t;
    }
}

static void fill_with_first(struct array *a)
{
    for (size_t i = 1; i < a->n; i++) {
        a->v[i] = a->v[0];
    }
}

static void before_stale_constant(struct site *s)
{
    for (uint32_t k = 0; k < s->node.n_in; k++) {
        if (s->present[k] && s->p->values[s->node.in[k]].kind == VALUE_CONST) {
            fill_with_first(&s->in[k]);
        }
    }
}

static void before_scalar_broadcast(struct site *s)
{
    uint32_t last = s->node.n_in - 1;
    if (s->present[last]) {
        fill_with_first(&s->in[last]);
    }
}

static void before_signed(struct site *s)
{
    for (uint32_t k = 0; k < s->node.n_in; k++) {
        if (!s->present[k] || !dtype_in(s->in[k].dtype, DT_UNSIGNED)) {
            continue;
        }
        real half = ldexpl(1, dtype_table[s->in[k].dtype].bits - 1);
        for (size_t i = 0; i < s->in[k].n; i++) {
            real v = s->in[k].v[i];
            s->in[k].v[i] = v >= half ? v - 2 * half : v;
        }
    }
}

static void before_ignore_bound(struct site *s)
{
    struct attr *min = site_attr(s, "min");
    if (min) {
        min->f = dtype_is_float(s->in[0].dtype) ? -(double)INFINITY
                                                : (double)dtype_lowest(s->in[0].dtype);
    }
}

static void before_swap_pads(struct site *s)
{
    struct attr *pads = site_attr(s, "pads");
    if (pads) {
        for (int d = 0; d < pads->n / 2; d++) {
            int64_t t = pads->i[d];
            pads->i[d] = pads->i[d + pads->n / 2];
            pads->i[d + pads->n / 2] = t;
        }
    }
}

/* Convolution in place of correlation; for matmul the second operand read backwards. */
static void before_flip_weight(struct site *s)
{
    struct array *w = &s->in[1];
    size_t block = w->n;
    for (int d = 0; d < w->shape.rank - 2; d++) {
        block /= w->shape.dim[d] ? (size_t)w->shape.dim[d] : 1;
    }
    for (size_t base = 0; block && base + block <= w->n; base += block) {
        for (size_t i = 0; i < block / 2; i++) {
            real t = w->v[base + i];
            w->v[base + i] = w->v[base + block - 1 - i];
            w->v[base + block - 1 - i] = t;
        }
    }
}

static void before_clamp_index(struct site *s)
{
    for (size_t i = 0; i < s->in[1].n; i++) {
        s->in[1].v[i] = s->in[1].v[i] < 0 ? 0 : s->in[1].v[i];
    }
}

/* ---- mutations of the form ---- */

static void form_dtype(struct tensor *t)
{
    static const enum dtype other[DTYPE_COUNT] = {
        [DTYPE_F32] = DTYPE_F64,  [DTYPE_F64] = DTYPE_F32, [DTYPE_F16] = DTYPE_F32,
        [DTYPE_BF16] = DTYPE_F32, [DTYPE_I64] = DTYPE_I32,
    };
    t->dtype = other[t->dtype] ? other[t->dtype] : DTYPE_I64;
}

static void form_shape(struct tensor *t)
{
    int64_t n = (int64_t)shape_numel(&t->shape);
    struct shape flat = t->shape.rank == 1 ? (struct shape){2, {1, n}} : (struct shape){1, {n}};
    t->shape = flat;
}

#define ARITHMETIC "add mul div exp log sqrt tan softmax matmul conv2d reduce_sum"
#define FLOATS                                                                                     \
    "add mul div neg relu exp log sqrt tan floor cast where clip reduce_sum reduce_max softmax "   \
    "matmul conv2d transpose reshape concat gather"

static const struct mutation mutations[] = {
    {"negate", "the result's sign is wrong", FLOATS, NULL, after_negate, NULL},
    {"off_by_one", "each element is its right neighbour", "*", NULL, after_off_by_one, NULL},
    {"drop_tail", "the last element is not written", "*", NULL, after_drop_tail, NULL},
    {"low_precision", "computed with half the significand", ARITHMETIC, NULL, after_low_precision,
     NULL},
    {"lose_nan", "NaN becomes 0", FLOATS, NULL, after_lose_nan, NULL},
    {"lose_inf", "infinity becomes the largest value", FLOATS, NULL, after_lose_inf, NULL},
    {"flush", "subnormal results become 0", "mul div exp softmax", NULL, after_flush, NULL},
    {"epsilon", "2^-16 is added", "div exp log sqrt softmax", NULL, after_epsilon, NULL},
    {"saturate", "integer overflow saturates", "add mul neg cast", NULL, after_saturate, NULL},
    {"wrong_round", "rounds another way", "floor cast", NULL, after_wrong_round, NULL},
    {"unordered", "a comparison with NaN is true", "less", NULL, after_unordered, NULL},
    {"lose_first", "the first input element is taken as 0", "*", before_lose_first, NULL, NULL},
    {"swap_operands", "operands are exchanged", "div less matmul concat where",
     before_swap_operands, NULL, NULL},
    {"wrong_axis", "works along another axis",
     "softmax reduce_sum reduce_max arg_max transpose flip roll", before_wrong_axis, NULL, NULL},
    {"stale_constant", "a constant is read as its first element",
     "add mul div less where matmul conv2d concat gather", before_stale_constant, NULL, NULL},
    {"scalar_broadcast", "the last operand is read as its first element", "add mul div less where",
     before_scalar_broadcast, NULL, NULL},
    {"signed", "unsigned is read as signed", "less div cast reduce_max arg_max clip", before_signed,
     NULL, NULL},
    {"ignore_bound", "the lower bound is ignored", "clip", before_ignore_bound, NULL, NULL},
    {"swap_pads", "padding before and after are exchanged", "conv2d pad", before_swap_pads, NULL,
     NULL},
    {"flip_weight", "the weight is read backwards", "conv2d matmul", before_flip_weight, NULL,
     NULL},
    {"clamp_index", "negative indices become 0", "gather", before_clamp_index, NULL, NULL},
    {"wrong_dtype", "the output has another dtype", "*", NULL, NULL, form_dtype},
    {"wrong_shape", "the output has another shape", "*", NULL, NULL, form_shape},
};
const size_t mutation_count = ARRAY_SIZE(mutations);

/* ---- faults by name ---- */

static bool listed(const char *list, const char *name)
{
    if (strcmp(list, "*") == 0) {
        return true;
    }
    size_t n = strlen(name);
    for (const char *at = strstr(list, name); at; at = strstr(at + 1, name)) {
        bool starts = at == list || at[-1] == ' ', ends = at[n] == ' ' || at[n] == '\0';
        if (starts && ends) {
            return true;
        }
    }
    return false;
}

size_t faults_all(struct arena *arena, struct fault **faults)
{
    size_t n = 0;
    *faults = ARENA_ARRAY(arena, struct fault, mutation_count * op_count);
    for (size_t m = 0; m < mutation_count; m++) {
        for (size_t o = 0; o < op_count; o++) {
            if (listed(mutations[m].ops, op_table[o]->name)) {
                (*faults)[n++] = (struct fault){&mutations[m], op_table[o]};
            }
        }
    }
    return n;
}

const char *mutation_name(const struct mutation *mutation)
{
    return mutation->name;
}
const char *mutation_summary(const struct mutation *mutation)
{
    return mutation->summary;
}

const char *fault_name(const struct fault *fault, struct arena *arena)
{
    return arena_printf(arena, "%s.%s", fault->mutation->name, fault->op->name);
}

bool fault_parse(const char *name, struct fault *fault)
{
    const char *dot = strchr(name, '.');
    const struct op *op = dot ? op_find(dot + 1) : NULL;
    for (size_t m = 0; op && m < mutation_count; m++) {
        bool same = strlen(mutations[m].name) == (size_t)(dot - name) &&
                    strncmp(mutations[m].name, name, (size_t)(dot - name)) == 0;
        if (same && listed(mutations[m].ops, op->name)) {
            *fault = (struct fault){&mutations[m], op};
            return true;
        }
    }
    return false;
}

/* ---- evaluation ---- */

/* How errors of a correct library hang together: independent, all of one way (a kernel that
 * truncates), equal for equal values (one kernel), by place (a vector's body and its tail). */
enum manner { INDEPENDENT, ONE_WAY, BY_VALUE, BY_PLACE, MANNERS };
enum { BLOCK = 16 };

static real error_of(enum manner manner, uint64_t seed, size_t i, real v, struct rng *rng)
{
    const double value = (double)v;
    switch (manner) {
    case ONE_WAY:
        return seed & 1 ? 1 : -1;
    case BY_VALUE:
        return hash_bytes(&value, sizeof(value), seed) >> 63 ? 1 : -1;
    case BY_PLACE:
        return hash_mix(i / BLOCK, seed) >> 63 ? 1 : -1;
    case INDEPENDENT:
    case MANNERS:
        break;
    }
    return 2 * (real)rng_unit(rng) - 1;
}

/* Each inexact result moves by up to the error that its op may make. */
static void round_with_noise(struct array *out, const real *noise, struct rng *rng)
{
    uint64_t seed = rng ? rng_next(rng) : 0;
    enum manner manner = (enum manner)(seed >> 8) % MANNERS;
    for (size_t i = 0; i < out->n; i++) {
        real v = out->v[i];
        if (noise && noise[i] != 0 && isfinite(v)) {
            v += error_of(manner, seed, i, v, rng) * noise[i];
        }
        out->v[i] = dtype_round(out->dtype, v);
    }
}

static void copy_site(struct site *s, const struct node *node, const struct array *const *in)
{
    s->node = *node;
    s->node.attrs = arena_copy(s->arena, node->attrs, sizeof(struct attr) * node->n_attrs);
    for (uint32_t k = 0; k < node->n_in; k++) {
        s->present[k] = in[k] != NULL;
        if (in[k]) {
            s->in[k] = *in[k];
            s->in[k].v = arena_copy(s->arena, in[k]->v, sizeof(real) * in[k]->n);
        }
    }
}

static void evaluate_node(const struct program *p, const struct node *node,
                          const struct array *const *in, const struct mutation *mutation,
                          struct rng *rng, struct array *out, struct arena *arena)
{
    struct site s = {.p = p, .arena = arena};
    const struct array *mutated[OP_INPUTS_MAX] = {0};
    real *noise[OP_OUTPUTS_MAX] = {0};
    if (mutation) {
        copy_site(&s, node, in);
        if (mutation->before) {
            mutation->before(&s);
        }
        for (uint32_t k = 0; k < node->n_in; k++) {
            mutated[k] = s.present[k] ? &s.in[k] : NULL;
        }
    }
    op_evaluate(p, mutation ? &s.node : node, mutation ? mutated : in, false, out,
                rng ? noise : NULL, arena);
    for (uint32_t o = 0; o < node->n_out; o++) {
        round_with_noise(&out[o], noise[o], rng);
        if (mutation && mutation->after) {
            s.out = &out[o];
            mutation->after(&s);
        }
    }
}

void fault_evaluate(const struct test *test, const struct fault *fault, uint64_t noise_seed,
                    struct arena *arena, struct tensor *outputs)
{
    const struct program *p = test->program;
    struct array *values = ARENA_ZARRAY(arena, struct array, p->n_values);
    struct rng rng = rng_seeded(noise_seed);
    program_load(p, test->inputs, values, arena);
    for (uint32_t n = 0; n < p->n_nodes; n++) {
        const struct node *node = &p->nodes[n];
        const struct array *in[OP_INPUTS_MAX] = {0};
        struct array out[OP_OUTPUTS_MAX];
        for (uint32_t k = 0; k < node->n_in; k++) {
            in[k] = node->in[k] == VALUE_ABSENT ? NULL : &values[node->in[k]];
        }
        bool hit = fault && node->op == fault->op;
        evaluate_node(p, node, in, hit ? fault->mutation : NULL, noise_seed ? &rng : NULL, out,
                      arena);
        for (uint32_t o = 0; o < node->n_out; o++) {
            values[node->out[o]] = out[o];
        }
    }
    for (uint32_t o = 0; o < p->n_outputs; o++) {
        const struct value *v = &p->values[p->outputs[o]];
        outputs[o] = tensor_from_array(arena, &values[p->outputs[o]]);
        bool made = fault && v->kind == VALUE_NODE && p->nodes[v->node].op == fault->op;
        if (made && fault->mutation->form) {
            struct tensor form = outputs[o];
            fault->mutation->form(&form);
            /* Room for the wider dtype; the elements do not matter once the form is wrong. */
            outputs[o] = tensor_new(arena, form.dtype, &form.shape);
        }
    }
}

static enum err faulty_option(struct target *t, const char *key, const char *value)
{
    struct fault fault;
    if (value || (strcmp(key, "none") != 0 && !fault_parse(key, &fault))) {
        return err_set(ERR_USAGE,
                       "faulty: no fault \"%s\"; \"none\" or MUTATION.OP such as negate.add "
                       "(list: opjury bench judge --help)",
                       key);
    }
    t->options = key;
    return ERR_OK;
}

static bool faulty_can_spell(const struct target *t, const struct op *op, const enum dtype *in,
                             size_t n_in, const enum dtype *out, size_t n_out)
{
    return true;
}

static void faulty_run(const struct target *t, const struct test *test, struct arena *arena,
                       struct outcome *outcome)
{
    struct fault fault;
    bool planted = t->options && fault_parse(t->options, &fault);
    *outcome = (struct outcome){
        .kind = OUTCOME_OK, .message = "", .log = "", .n_outputs = test->program->n_outputs};
    outcome->outputs = ARENA_ARRAY(arena, struct tensor, outcome->n_outputs);
    uint64_t noise = hash_mix(program_hash(test->program), test->index) | 1;
    double start = clock_cpu_self();
    fault_evaluate(test, planted ? &fault : NULL, noise, arena, outcome->outputs);
    outcome->cpu = clock_cpu_self() - start;
}

static const char *const faulty_defaults[] = {NULL}; /* only when asked for */

const struct target_kind target_faulty = {
    .name = "faulty",
    .summary = "our own evaluator with a planted fault: judges the oracles",
    .options = "none|MUTATION.OP",
    .option = faulty_option,
    .defaults = faulty_defaults,
    .can_spell = faulty_can_spell,
    .run = faulty_run,
};
