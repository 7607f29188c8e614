/* SPDX-License-Identifier: Apache-2.0 */
/*
 * probe: finds out, by running it, what a library takes: the highest ONNX IR and opset, and for
 * each op and first input dtype the output dtypes it gives. Programs are made by the ops' own
 * structure and relation from a fixed seed, their inputs are ordinary numbers. What fails in
 * another way than "not implemented" counts as supported: it is for tests to find.
 */
#include <stdlib.h>
#include <string.h>

#include "generate/generate.h"
#include "target/target_internal.h"

enum {
    /* Of each (op, dtypes): ranks, axes and index dtypes differ; all must be supported. */
    PROBE_VARIANTS = 4,
    PROBE_DIM_MAX = 4,
    PROBE_SEED = 20,
    /* Beyond what any release knows; the search goes down from here. */
    PROBE_OPSET_MAX = 40,
    PROBE_IR_MAX = 20,
    PROBE_OPSET_MIN = 13, /* the oldest that onnx_write speaks */
    PROBE_IR_MIN = 7,
};

struct probe {
    struct jury *jury;
    struct library *library;
    struct target target; /* the library's plainest variant */
    struct arena *arena;  /* reset for each program */
};

/* ---- programs ---- */

static uint32_t make_inputs(struct instance *m, const struct relation *r, struct program *p,
                            uint32_t *in)
{
    uint32_t n = m->n_in;

    for (uint32_t k = 0; k < m->n_in; k++) {
        if (!m->in[k].present) {
            in[k] = VALUE_ABSENT;
            continue;
        }
        struct shape shape = slot_shape(&m->in[k], r);
        in[k] = program_add_input(p, NULL, m->in[k].dtype, &shape);
    }
    while (n > 0 && in[n - 1] == VALUE_ABSENT) {
        n--;
    }
    return n;
}

/* Give every slot's dims variables; the ranks are known. */
static void make_dims(struct slot *slots, uint32_t n, struct relation *r)
{
    for (uint32_t k = 0; k < n; k++) {
        for (int d = 0; slots[k].present && d < slots[k].rank; d++) {
            slots[k].dim[d] = relation_var(r, 1, PROBE_DIM_MAX);
        }
    }
}

/* One node of the op from input dtype to output dtype; NULL: there is none. */
static struct program *make_program(const struct op *op, enum dtype in_dtype, enum dtype out_dtype,
                                    unsigned variant, struct arena *arena)
{
    struct rng rng = rng_seeded(PROBE_SEED + variant);
    struct program *p = program_new(arena);
    struct relation *r = relation_new(arena);
    struct instance *m = ARENA_ZARRAY(arena, struct instance, 1);
    size_t declared = op_n_inputs(op);
    bool repeats = declared > 0 && op->in[declared - 1].variadic;
    uint32_t in[OP_INPUTS_MAX];
    enum dtype dtypes[OP_OUTPUTS_MAX];
    struct shape shapes[OP_OUTPUTS_MAX];

    instance_init(m, op, (uint32_t)declared + repeats);
    instance_set_outputs(m, op_draw_n_out(op, &rng));
    for (uint32_t k = 0; k < m->n_in; k++) {
        m->in[k].present = !op_input_spec(op, k)->optional || variant % 2 == 0;
    }
    m->in[0].dtype = in_dtype;
    m->out[0].dtype = out_dtype;
    if (!op->structure(m, &rng) || m->in[0].dtype != in_dtype || m->out[0].dtype != out_dtype) {
        return NULL;
    }
    make_dims(m->in, m->n_in, r);
    make_dims(m->out, m->n_out, r);
    op->relate(r, m);
    if (relation_solve(r, &rng, 0) != SOLVE_SAT) {
        return NULL;
    }
    instance_settle(m, r);
    if (op->finish) {
        op->finish(m, NULL, &rng);
    }
    uint32_t n_in = make_inputs(m, r, p, in);
    for (uint32_t o = 0; o < m->n_out; o++) {
        dtypes[o] = m->out[o].dtype;
        shapes[o] = slot_shape(&m->out[o], r);
    }
    uint32_t node =
        program_add_node(p, op->name, n_in, in, m->n_attrs, m->attr, m->n_out, dtypes, shapes);
    for (uint32_t o = 0; o < m->n_out; o++) {
        program_add_output(p, p->nodes[node].out[o]);
    }
    return ops_check(p) == ERR_OK ? p : NULL;
}

/* Small positive numbers; indices are 0, which is in every range. */
static void fill_input(const struct program *p, uint32_t value, struct tensor *t)
{
    const struct node *node = &p->nodes[0];
    size_t n = shape_numel(&t->shape);
    bool is_index = false;

    for (uint32_t k = 0; k < node->n_in; k++) {
        is_index = is_index || (node->in[k] == value && (node->op->index_inputs >> k & 1));
    }
    for (size_t i = 0; i < n && !is_index; i++) {
        real whole = (real)(i % 3 + 1);
        dtype_store(t->dtype, t->data, i, dtype_is_float(t->dtype) ? whole / 2 : whole);
    }
}

static struct test make_test(const struct program *p, struct arena *arena)
{
    struct test test = {.program = p, .n_inputs = program_n_inputs(p), .policy = "given"};

    test.inputs = ARENA_ARRAY(arena, struct tensor, test.n_inputs);
    for (uint32_t k = 0; k < test.n_inputs; k++) {
        uint32_t id = program_input(p, k);
        test.inputs[k] = tensor_new(arena, p->values[id].dtype, &p->values[id].shape);
        fill_input(p, id, &test.inputs[k]);
    }
    return test;
}

/* ---- runs ---- */

static enum err run(struct probe *b, const struct program *p, struct outcome *o)
{
    struct test test = make_test(p, b->arena);

    return jury_run_on(b->jury, b->library, &b->target, &test, WORKER_STANDING, b->arena, o);
}

/* What the encoder cannot say (a dtype, or attributes that the library has no call for) is not
 * asked. */
static bool can_spell(const struct probe *b, const struct program *p)
{
    struct target bare = b->target;
    const struct test test = {.program = p};
    struct buffer job = BUFFER_INIT;

    bare.support = NULL;
    bool can = target_supports(&bare, p) && b->target.kind->encode(&bare, &test, &job) == ERR_OK;
    buffer_release(&job);
    return can;
}

static enum err probe_pair(struct probe *b, const struct op *op, enum dtype in, enum dtype out,
                           bool *works)
{
    unsigned ran = 0, n_variants = b->target.kind->is_slow ? 1 : PROBE_VARIANTS;

    *works = false;
    for (unsigned variant = 0; variant < n_variants; variant++) {
        struct outcome o;
        arena_reset(b->arena);
        const struct program *p = make_program(op, in, out, variant, b->arena);
        if (!p || !can_spell(b, p)) {
            continue;
        }
        TRY(run(b, p, &o));
        if (o.kind == OUTCOME_UNSUPPORTED || o.kind == OUTCOME_NOT_EXERCISED ||
            error_is_unsupported(&b->target, &o)) {
            log_debug("%s: no %s from %s to %s: %s", b->target.kind->name, op->name, dtype_name(in),
                      dtype_name(out), o.message);
            return ERR_OK;
        }
        ran++;
    }
    *works = ran > 0;
    return ERR_OK;
}

static enum err probe_support(struct probe *b, struct support *support)
{
    for (size_t i = 0; i < op_count; i++) {
        for (enum dtype in = 1; in < DTYPE_COUNT; in++) {
            if (!dtype_in(in, op_table[i]->in[0].dtypes)) {
                continue;
            }
            for (enum dtype out = 1; out < DTYPE_COUNT; out++) {
                bool works;
                TRY(probe_pair(b, op_table[i], in, out, &works));
                support->pairs[i][in] |= works ? (dtype_set)1 << out : 0;
            }
        }
    }
    return ERR_OK;
}

/* Does a model of this version load? */
static enum err takes_version(struct probe *b, struct onnx_version version, bool *takes)
{
    struct outcome o;

    arena_reset(b->arena);
    const struct program *p = make_program(op_find("relu"), DTYPE_F32, DTYPE_F32, 0, b->arena);
    CHECK(p);
    b->target.onnx = version;
    TRY(run(b, p, &o));
    *takes = o.kind == OUTCOME_OK;
    return ERR_OK;
}

/* Whether the library has the device says its adapter, at the first program. */
static enum err probe_device(struct probe *b)
{
    struct outcome o;

    arena_reset(b->arena);
    const struct program *p = make_program(op_find("relu"), DTYPE_F32, DTYPE_F32, 0, b->arena);
    CHECK(p);
    TRY(run(b, p, &o));
    if (o.kind == OUTCOME_NOT_EXERCISED && o.error_class &&
        strcmp(o.error_class, "NoDevice") == 0) {
        b->library->no_device = arena_printf(b->library->arena, "no device: %s", o.message);
    }
    return ERR_OK;
}

static enum err probe_onnx(struct probe *b)
{
    struct onnx_version version = {.opset = PROBE_OPSET_MIN, .ir = PROBE_IR_MAX};
    bool takes = false;

    for (; !takes && version.ir >= PROBE_IR_MIN; version.ir -= !takes) {
        TRY(takes_version(b, version, &takes));
    }
    if (!takes) {
        return err_set(ERR_UNSUPPORTED, "%s %s loads no model of opset %d: it cannot be tested",
                       b->target.kind->name, b->library->version, PROBE_OPSET_MIN);
    }
    takes = false;
    for (version.opset = PROBE_OPSET_MAX; !takes; version.opset -= !takes) {
        TRY(takes_version(b, version, &takes));
    }
    b->target.onnx = version;
    return ERR_OK;
}

/* ---- all of it ---- */

static enum err probe_now(struct probe *b, struct support *support)
{
    double start = clock_wall();

    if (b->target.kind->speaks_onnx) {
        TRY(probe_onnx(b));
    }
    TRY(probe_support(b, support));
    log_info("%s %s: probed in %.1f s", b->target.kind->name, b->library->version,
             clock_wall() - start);
    return ERR_OK;
}

static enum err probe_or_load(struct probe *b, struct arena *arena, struct support *support)
{
    char *path;
    enum err e = support_cache_path(&b->target, b->arena, &path);

    if (e) {
        log_warn("probed each time: %s", err_text());
        return probe_now(b, support);
    }
    path = arena_strdup(arena, path); /* b->arena is reset by every probe */
    if (support_load(path, &b->target, support) == ERR_OK) {
        return ERR_OK;
    }
    log_debug("%s", err_text());
    memset(support->pairs, 0, op_count * sizeof *support->pairs);
    TRY(probe_now(b, support));
    if (support_save(path, &b->target, support)) {
        log_warn("probed again next time: %s", err_text());
    }
    return ERR_OK;
}

/* Each device has kernels of its own: it is probed there. */
static const char *plainest(const struct library *l)
{
    const char *options = l->kind->probe_options;

    return l->device ? arena_printf(l->arena, "%s%s%s", options, *options ? "," : "", l->device)
                     : options;
}

enum err probe_library(struct jury *jury, struct library *l, struct target **targets)
{
    struct probe b = {.jury = jury, .library = l, .target = *targets[l->target[0]]};
    struct support *support = NULL;
    enum err e = ERR_OK;

    b.target.version = l->version;
    b.arena = arena_new();
    if (l->device) {
        e = probe_device(&b);
    }
    if (l->kind->probe_options && !l->no_device && !e) {
        support = ARENA_ZARRAY(l->arena, struct support, 1);
        support->pairs = arena_zalloc(l->arena, op_count * sizeof *support->pairs);
        b.target.options = plainest(l);
        b.target.support = NULL;
        e = probe_or_load(&b, l->arena, support);
    }
    arena_free(b.arena);
    for (size_t i = 0; i < l->n_targets && !e; i++) {
        struct target *t = targets[l->target[i]];
        t->version = l->version;
        t->onnx = b.target.onnx;
        t->support = support;
        t->no_device = l->no_device;
    }
    return e;
}

/* ---- what is not run to be probed ---- */

static bool declares_pair(const struct probe *b, const struct op *op, enum dtype in, enum dtype out)
{
    for (unsigned variant = 0; variant < PROBE_VARIANTS; variant++) {
        arena_reset(b->arena);
        const struct program *p = make_program(op, in, out, variant, b->arena);
        if (p && can_spell(b, p)) {
            return true;
        }
    }
    return false;
}

const struct support *probe_declared(const struct target *t, struct arena *arena)
{
    struct probe b = {.target = *t, .arena = arena_new()};
    struct support *support = ARENA_ZARRAY(arena, struct support, 1);

    support->pairs = arena_zalloc(arena, op_count * sizeof *support->pairs);
    for (size_t i = 0; i < op_count; i++) {
        for (enum dtype in = 1; in < DTYPE_COUNT; in++) {
            for (enum dtype out = 1; out < DTYPE_COUNT && dtype_in(in, op_table[i]->in[0].dtypes);
                 out++) {
                bool is = declares_pair(&b, op_table[i], in, out);
                support->pairs[i][in] |= is ? (dtype_set)1 << out : 0;
            }
        }
    }
    arena_free(b.arena);
    return support;
}

enum err probe_plain(const struct target *t)
{
    struct arena *arena = arena_new();
    struct outcome o = {.kind = OUTCOME_UNSUPPORTED, .message = ""};
    enum err e = ERR_OK;
    const struct program *p = make_program(op_find("relu"), DTYPE_F32, DTYPE_F32, 0, arena);

    CHECK(p);
    const struct test test = make_test(p, arena);
    if (target_supports(t, p)) {
        e = t->kind->run(t, &test, arena, &o);
    }
    if (!e && o.kind != OUTCOME_OK && o.kind != OUTCOME_UNSUPPORTED) {
        e = err_set(ERR_MISSING, "%s does not run a model of one relu: %s (docs/command.md)",
                    t->text, o.message);
    }
    arena_free(arena);
    return e;
}
