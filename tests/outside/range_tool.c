/* SPDX-License-Identifier: Apache-2.0 */
/*
 * range_tool COUNT [OP...]: `range` is sound (TAP, a test an op): COUNT evaluations of generated
 * programs of one node in all, elements drawn from random intervals, their ends and special values
 * among them; no result may lie outside of what `range` says of those intervals,
 * both rounded to the dtype.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "generate/generate.h"
#include "must.h"

enum { EVALUATIONS = 25, FILLS = 5 }; /* of a program; of an interval */

/* ---- intervals and elements ---- */

/* Where functions change: poles, kinks, overflow, powers of two of all sizes. */
static real draw_end(enum dtype d, struct rng *rng)
{
    const real marks[] = {0, 0.5L, 1, 2, 3, 6, M_PIl / 2, 88, 709, 0x1p24L};

    if (dtype_is_int(d) && rng_chance(rng, 1, 4)) {
        return rng_chance(rng, 1, 2) ? dtype_lowest(d) : dtype_max(d);
    }
    real size = rng_chance(rng, 1, 3)   ? marks[rng_below(rng, ARRAY_SIZE(marks))]
                : rng_chance(rng, 1, 2) ? (real)rng_range(rng, 0, 4096) / 512
                : rng_chance(rng, 1, 8) ? dtype_max(d)
                                        : ldexpl(1, (int)rng_range(rng, -130, 126));
    return rng_chance(rng, 1, 2) ? -size : size;
}

static real fit(enum dtype d, real x)
{
    if (dtype_is_float(d)) {
        return dtype_round(d, x);
    }
    x = d == DTYPE_BOOL ? (real)(x > 0) : truncl(x);
    return x < dtype_lowest(d) ? dtype_lowest(d) : x > dtype_max(d) ? dtype_max(d) : x;
}

static struct interval draw_interval(enum dtype d, struct rng *rng)
{
    real a = fit(d, draw_end(d, rng));
    real b = rng_chance(rng, 1, 8) ? a : fit(d, draw_end(d, rng));
    struct interval x = {.lo = a < b ? a : b, .hi = a < b ? b : a};

    if (dtype_is_float(d)) {
        x.may_nan = rng_chance(rng, 1, 8);
        x.lo = rng_chance(rng, 1, 16) ? (real)-INFINITY : x.lo;
        x.hi = rng_chance(rng, 1, 16) ? (real)INFINITY : x.hi;
    }
    return x;
}

static real draw_inside(enum dtype d, struct interval x, struct rng *rng)
{
    const real max = dtype_max(d), least = dtype_lowest(d);
    const real lo = x.lo < least ? least : x.lo, hi = x.hi > max ? max : x.hi;
    real v = lo + (hi - lo) * ((real)rng_below(rng, 1 << 20) * 0x1p-20L);

    switch (rng_below(rng, 8)) {
    case 0:
        v = x.lo;
        break;
    case 1:
        v = x.hi;
        break;
    case 2:
        v = rintl(v);
        break;
    case 3:
        v = x.may_nan ? (real)NAN : v;
        break;
    case 4:
        v = draw_end(d, rng);
        break;
    case 5:
        v = rng_chance(rng, 1, 2) ? 0.0L : -0.0L;
        break;
    default:
        break;
    }
    v = isnan(v) ? v : fit(d, v);
    v = lo > hi ? x.lo : v; /* an infinity alone */
    return v < x.lo ? x.lo : v > x.hi ? x.hi : v;
}

/* ---- one node ---- */

struct subject {
    const struct program *p;
    const struct node *node;
    struct array *values; /* by id; inputs and constants */
    struct interval *ranges;
    struct arena *arena;
};

static bool is_index(const struct subject *s, uint32_t id)
{
    for (uint32_t k = 0; k < s->node->n_in; k++) {
        if (s->node->in[k] == id && (s->node->op->index_inputs >> k & 1)) {
            return true;
        }
    }
    return false;
}

/* Indices stay as they were generated: others are errors. */
static void draw_ranges(struct subject *s, struct rng *rng)
{
    for (uint32_t id = 0; id < s->p->n_values; id++) {
        const struct array *x = &s->values[id];
        struct interval hull = {.lo = INFINITY, .hi = -INFINITY};
        for (size_t i = 0; s->p->values[id].kind != VALUE_NODE && i < x->n; i++) {
            hull.lo = x->v[i] < hull.lo ? x->v[i] : hull.lo;
            hull.hi = x->v[i] > hull.hi ? x->v[i] : hull.hi;
        }
        s->ranges[id] = is_index(s, id) || x->n == 0 ? hull : draw_interval(x->dtype, rng);
    }
}

static void fill_values(struct subject *s, struct rng *rng)
{
    for (uint32_t id = 0; id < s->p->n_values; id++) {
        struct array *x = &s->values[id];
        if (s->p->values[id].kind == VALUE_NODE || is_index(s, id)) {
            continue;
        }
        for (size_t i = 0; i < x->n; i++) {
            x->v[i] = draw_inside(x->dtype, s->ranges[id], rng);
        }
    }
}

static void ask_range(const struct subject *s, struct range_query *q)
{
    *q = (struct range_query){.node = s->node};
    for (uint32_t k = 0; k < s->node->n_in; k++) {
        if (s->node->in[k] != VALUE_ABSENT) {
            q->in_value[k] = &s->p->values[s->node->in[k]];
            q->in[k] = s->ranges[s->node->in[k]];
        }
    }
    for (uint32_t o = 0; o < s->node->n_out; o++) {
        q->out_value[o] = &s->p->values[s->node->out[o]];
    }
    s->node->op->range(q);
}

static void show_fault(const struct subject *s, real v, struct interval range)
{
    struct buffer text = BUFFER_INIT;

    printf("# %Lg outside of [%Lg, %Lg] NaN %d; inputs", v, range.lo, range.hi, range.may_nan);
    for (uint32_t k = 0; k < s->node->n_in; k++) {
        if (s->node->in[k] != VALUE_ABSENT) {
            struct interval in = s->ranges[s->node->in[k]];
            printf(" [%Lg, %Lg] NaN %d", in.lo, in.hi, in.may_nan);
        }
    }
    program_print(s->p, &text);
    printf("\n");
    for (char *line = strtok(text.data, "\n"); line; line = strtok(NULL, "\n")) {
        printf("#   %.200s\n", line);
    }
    buffer_release(&text);
}

static bool evaluate_inside(const struct subject *s, const struct range_query *q)
{
    const struct array *in[OP_INPUTS_MAX] = {NULL};
    struct array out[OP_OUTPUTS_MAX];

    for (uint32_t k = 0; k < s->node->n_in; k++) {
        in[k] = s->node->in[k] == VALUE_ABSENT ? NULL : &s->values[s->node->in[k]];
    }
    op_evaluate(s->p, s->node, in, true, out, NULL, s->arena);
    for (uint32_t o = 0; o < s->node->n_out; o++) {
        struct interval range = q->out[o];
        if (dtype_is_float(out[o].dtype)) {
            range.lo = dtype_round(out[o].dtype, range.lo);
            range.hi = dtype_round(out[o].dtype, range.hi);
        }
        for (size_t i = 0; i < out[o].n; i++) {
            real v = out[o].v[i];
            if (isnan(v) ? !range.may_nan : !(v >= range.lo && v <= range.hi)) {
                show_fault(s, v, range);
                return false;
            }
        }
    }
    return true;
}

static bool check_program(const struct test *test, struct arena *arena, struct rng *rng)
{
    struct subject s = {.p = test->program, .node = &test->program->nodes[0], .arena = arena};
    struct range_query q;

    s.values = ARENA_ZARRAY(arena, struct array, s.p->n_values);
    s.ranges = ARENA_ZARRAY(arena, struct interval, s.p->n_values);
    program_load(s.p, test->inputs, s.values, arena);
    for (int e = 0; e < EVALUATIONS; e++) {
        struct arena_mark mark = arena_mark(arena);
        if (e % FILLS == 0) {
            draw_ranges(&s, rng);
            ask_range(&s, &q);
        }
        fill_values(&s, rng);
        bool is_inside = evaluate_inside(&s, &q);
        arena_rewind(arena, mark);
        if (!is_inside) {
            return false;
        }
    }
    return true;
}

/* ---- all ops ---- */

static bool check_op(struct policy *policy, size_t op, unsigned programs, struct arena *arena)
{
    struct rng rng = rng_seeded(5000 + op);
    unsigned n = 0;

    for (size_t i = 0; i < op_count; i++) {
        policy->op_weight[i] = i == op ? 10 : 0;
    }
    for (uint64_t i = 0; n < programs && i < (uint64_t)programs * 4; i++) {
        struct test test;
        arena_reset(arena);
        generate_test(policy, 5000, i, MATERIALIZE_ALL, arena, &test);
        if (test.program->n_nodes == 1) {
            n++;
            if (!check_program(&test, arena, &rng)) {
                return false;
            }
        }
    }
    printf("# %s: %u evaluations\n", op_table[op]->name, n * EVALUATIONS);
    return n > 0;
}

int main(int argc, char **argv)
{
    struct arena *arena = arena_new(), *work = arena_new();
    struct policy *policy;
    unsigned n = 0, failed = 0;

    if (argc < 2) {
        fprintf(stderr, "usage: range_tool COUNT [OP...]\n");
        return 2;
    }
    unsigned programs = (unsigned)(strtoul(argv[1], NULL, 10) / op_count / EVALUATIONS) + 1;
    must(policy_parse("ranges", "nodes = 1\nnumel_max = 64\ndim_max = 16\nwork_max = 4096\n", arena,
                      &policy));
    for (size_t op = 0; op < op_count; op++) {
        bool is_chosen = argc == 2;
        for (int i = 2; i < argc; i++) {
            is_chosen = is_chosen || strcmp(argv[i], op_table[op]->name) == 0;
        }
        if (is_chosen) {
            bool ok = check_op(policy, op, programs, work);
            printf("%s %u - range of %s\n", ok ? "ok" : "not ok", ++n, op_table[op]->name);
            failed += !ok;
        }
    }
    printf("1..%u\n", n);
    arena_free(work);
    arena_free(arena);
    return failed > 0;
}
