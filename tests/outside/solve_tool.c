/* SPDX-License-Identifier: Apache-2.0 */
/*
 * solve_tool COUNT: the solver against z3 (TAP). COUNT random relations of all kinds mixed, and
 * COUNT of the catalogue: what the generator asks for, one op with slots fixed here and there
 * (backward: its output), whole programs at other shapes. Every solution must satisfy what was
 * stated, and what is said to have none must have none; gave-up is counted.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "generate/generate.h"
#include "must.h"
#include "solve_z3.h"

/* z3's steps a question: one in two hundred needs more, some of those hundreds of times as many. */
enum { EFFORT = 20000 };
/* Where we say unsat and it does not know: one in ten thousand. */
enum { EFFORT_MORE = 1000000 };

/* ---- both verdicts ---- */

enum comparison { AGREE, WRONG_SOLUTION, WRONG_UNSAT, NOT_CHECKED };

struct tally {
    unsigned n, results[3], opinions[3];
    unsigned not_checked; /* unsat that z3 has no opinion of */
    unsigned wrong;
    unsigned lies, lies_seen;          /* a result turned round */
    unsigned moved, refused, disputed; /* solutions with one value changed */
    double seconds, z3_seconds;
};

/* A result against z3; values: of a solution, by variable. */
static enum comparison compare(enum solve_result result, enum opinion opinion,
                               const int64_t *values)
{
    if (result == SOLVE_SAT) {
        return opinion == OPINION_UNSAT || !z3_accepts(&record, values) ? WRONG_SOLUTION : AGREE;
    }
    if (result == SOLVE_UNSAT && opinion != OPINION_UNSAT) {
        return opinion == OPINION_SAT ? WRONG_UNSAT : NOT_CHECKED;
    }
    return AGREE;
}

/* What must be seen: an unsat of what has solutions, a solution of what has none, a solution that
 * was moved (unless it still is one: relation_holds says so). */
static void plant(struct tally *t, const struct relation *r, struct rng *rng, enum opinion opinion,
                  int64_t *values)
{
    if (opinion == OPINION_UNKNOWN) {
        return;
    }
    bool is_sat = opinion == OPINION_SAT;
    t->lies++;
    t->lies_seen += compare(is_sat ? SOLVE_UNSAT : SOLVE_SAT, opinion, values) ==
                    (is_sat ? WRONG_UNSAT : WRONG_SOLUTION);
    if (is_sat && record.n_vars > 0) {
        values[rng_below(rng, record.n_vars)] += rng_chance(rng, 1, 2) ? 1 : -1;
        bool is_accepted = z3_accepts(&record, values);
        t->moved++;
        t->refused += !is_accepted;
        t->disputed += is_accepted != relation_holds(r, values);
    }
}

/* Solves the relation of the record and counts what z3 makes of the result. */
static enum solve_result check(struct tally *t, struct relation *r, struct rng *rng, size_t steps)
{
    double start = clock_cpu_self();
    enum solve_result result = record_solve(r, rng, steps);
    double middle = clock_cpu_self();
    enum opinion opinion = z3_solve(&record, EFFORT);
    if (result == SOLVE_UNSAT && opinion == OPINION_UNKNOWN) {
        opinion = z3_solve(&record, EFFORT_MORE);
    }
    t->seconds += middle - start;
    t->z3_seconds += clock_cpu_self() - middle;
    int64_t *values = xcalloc(record.n_vars, sizeof(*values));
    for (size_t x = 0; result == SOLVE_SAT && x < record.n_vars; x++) {
        values[x] = relation_value(r, (var)x);
    }
    enum comparison c = compare(result, opinion, values);
    t->n++;
    t->results[result]++;
    t->opinions[opinion]++;
    t->not_checked += c == NOT_CHECKED;
    if (c == WRONG_SOLUTION || c == WRONG_UNSAT) {
        t->wrong++;
        printf("# %s:\n", c == WRONG_UNSAT ? "has a solution, but was called unsat"
                                           : "was called sat, with values that are no solution");
        record_print();
    } else if (result != SOLVE_GAVE_UP && t->n % 4 == 0) {
        struct rng chance = rng_split(rng, t->n); /* the stream that solves stays as it is */
        plant(t, r, &chance, opinion, values);
    }
    free(values);
    return result;
}

/* ---- random relations: around a point that satisfies most of what is stated ---- */

enum { POINTS_MAX = 96 };
static const int64_t dim_max = (int64_t)1 << 20;

struct world {
    struct relation *r;
    struct rng *rng;
    size_t n;
    int64_t at[POINTS_MAX];
    unsigned skew; /* of 64: how often something misses the point */
};

static bool is_off(struct world *w)
{
    return rng_chance(w->rng, w->skew, 64);
}

/* A variable at the point `at`, its domain as tight or wide as chance has it, within lo..hi. */
static var place(struct world *w, int64_t at, int64_t lo, int64_t hi)
{
    const int64_t slacks[] = {0, 0, 1, 3, 10, 1000, dim_max};
    int64_t slack = slacks[rng_below(w->rng, ARRAY_SIZE(slacks))];
    int64_t off = is_off(w) ? rng_range(w->rng, -3, 3) : 0;
    int64_t from = at + off - rng_range(w->rng, 0, slack);
    int64_t to = at + off + rng_range(w->rng, 0, slack);
    from = from < lo ? lo : from > hi ? hi : from;
    to = to > hi ? hi : to < from ? from : to;
    CHECK(w->n < POINTS_MAX);
    w->at[w->n++] = at;
    var x = relation_var(w->r, from, to);
    if (rng_chance(w->rng, 1, 4)) {
        relation_prefer_log(w->r, x);
    }
    if (rng_chance(w->rng, 1, 8)) {
        relation_hint(w->r, x, at + rng_range(w->rng, -2, 2));
    }
    return x;
}

static void place_dim(struct world *w)
{
    place(w, rng_log_range(w->rng, 0, rng_chance(w->rng, 1, 2) ? 64 : dim_max), 0, dim_max);
}

/* One that is there. */
static var any(struct world *w)
{
    return (var)rng_below(w->rng, w->n);
}

static void state_linear(struct world *w)
{
    enum { MAX = 6 };
    int64_t coef[MAX], rhs = 0;
    var x[MAX];
    size_t n = 1 + rng_below(w->rng, MAX);
    bool is_plain = rng_chance(w->rng, 1, 2);
    for (size_t i = 0; i < n; i++) {
        x[i] = any(w);
        coef[i] = is_plain ? 1 - 2 * rng_range(w->rng, 0, 1) : rng_range(w->rng, -9, 9);
        rhs += coef[i] * w->at[x[i]];
    }
    rhs += is_off(w) ? rng_range(w->rng, -5, 5) : 0;
    if (rng_chance(w->rng, 1, 2)) {
        relate_linear_eq(w->r, n, coef, x, rhs);
    } else {
        relate_linear_le(w->r, n, coef, x, rhs + rng_log_range(w->rng, 0, 100));
    }
}

static void state_sum(struct world *w)
{
    enum { MAX = 3 };
    var parts[MAX];
    size_t n = 1 + rng_below(w->rng, MAX);
    int64_t total = 0;
    for (size_t i = 0; i < n; i++) {
        parts[i] = any(w);
        total += w->at[parts[i]];
    }
    relate_sum(w->r, n, parts, place(w, total, 0, MAX * dim_max));
}

static void state_product(struct world *w)
{
    enum { MAX = 4 };
    const int64_t most = (int64_t)1 << 40;
    var x[MAX];
    int64_t product = 1, size = 1; /* size: factors of 0 count as 1 */
    size_t wanted = rng_below(w->rng, MAX + 1), n = 0;
    for (size_t i = 0; i < wanted; i++) {
        var factor = any(w);
        int64_t at = w->at[factor] > 0 ? w->at[factor] : 1;
        if (size <= most / at) {
            product *= w->at[factor];
            size *= at;
            x[n++] = factor;
        }
    }
    if (rng_chance(w->rng, 1, 2)) {
        relate_product(w->r, n, x, place(w, product, 0, most));
    } else {
        relate_product_le(w->r, n, x, size + (is_off(w) ? -1 : rng_log_range(w->rng, 0, 100)));
    }
}

static void state_window(struct world *w)
{
    struct rng *rng = w->rng;
    var in = any(w), kernel = place(w, rng_range(rng, 1, 7), 0, 9);
    var stride = place(w, rng_range(rng, 1, 4), 1, 9), lo = place(w, rng_range(rng, 0, 3), 0, 9);
    var hi = rng_chance(rng, 1, 4) ? lo : place(w, rng_range(rng, 0, 3), 0, 9);
    var dilation = place(w, rng_range(rng, 1, 3), 1, 9);
    int64_t m = w->at[in] + w->at[lo] + w->at[hi] - w->at[dilation] * (w->at[kernel] - 1) - 1;
    int64_t out = m < 0 ? 1 : m / w->at[stride] + 1;
    relate_window(w->r, in, place(w, out, 0, dim_max), kernel, stride, lo, hi, dilation);
}

static void state_broadcast(struct world *w)
{
    var a = any(w), b = any(w);
    if (rng_chance(w->rng, 3, 4)) {
        b = place(w, rng_chance(w->rng, 1, 2) ? 1 : w->at[a], 0, dim_max);
    }
    bool swaps = rng_chance(w->rng, 1, 2);
    var out = place(w, w->at[a] == 1 ? w->at[b] : w->at[a], 0, dim_max);
    relate_broadcast(w->r, swaps ? b : a, swaps ? a : b, out);
}

static void state_choice(struct world *w)
{
    enum { MAX = 5 };
    var x = any(w);
    int64_t values[MAX];
    size_t n = 1 + rng_below(w->rng, MAX);
    for (size_t i = 0; i < n; i++) {
        values[i] = w->at[x] + rng_range(w->rng, -8, 8);
    }
    if (!is_off(w)) {
        values[rng_below(w->rng, n)] = w->at[x];
    }
    relate_choice(w->r, x, n, values);
}

static void state_element(struct world *w)
{
    enum { MAX = 4 };
    var values[MAX];
    size_t n = 1 + rng_below(w->rng, MAX);
    for (size_t i = 0; i < n; i++) {
        values[i] = any(w);
    }
    size_t at = rng_below(w->rng, n);
    var y = place(w, w->at[values[at]], 0, 4 * dim_max);
    relate_element(w->r, place(w, (int64_t)at, -1, MAX), n, values, y);
}

static void state_equal(struct world *w)
{
    var a = any(w);
    relate_equal(w->r, a, is_off(w) ? any(w) : place(w, w->at[a], 0, 4 * dim_max));
}

static void pose_random(struct relation *r, struct rng *rng)
{
    static void (*const kinds[])(struct world *) = {
        state_linear, state_linear,    state_sum,    state_product, state_product,
        state_window, state_broadcast, state_choice, state_element, state_equal};
    struct world w = {.r = r, .rng = rng, .skew = (unsigned)rng_below(rng, 16)};
    relation_clear(r);
    size_t n_dims = 1 + rng_below(rng, 5), n = 1 + rng_below(rng, 12);
    for (size_t i = 0; i < n_dims; i++) {
        place_dim(&w);
    }
    for (size_t i = 0; i < n; i++) {
        kinds[rng_below(rng, ARRAY_SIZE(kinds))](&w);
    }
}

/* ---- relations of the catalogue ---- */

struct catalogue {
    struct policy *policy;
    struct arena *arena;
    struct relation *r;
    struct rng rng;
    struct tally *tally;
    unsigned wanted; /* questions of the generator still to be checked */
};

static struct catalogue *asking; /* whose generator asks */

/* In place of relation_solve: one question of the generator in four is checked. */
static enum solve_result check_question(struct relation *r, struct rng *rng, size_t steps)
{
    if (asking->wanted == 0 || !rng_chance(&asking->rng, 1, 4)) {
        return record_solve(r, rng, steps);
    }
    asking->wanted--;
    return check(asking->tally, r, rng, steps);
}

static void check_generator(struct catalogue *c, unsigned count)
{
    asking = c;
    c->wanted = count;
    record_hook = check_question;
    for (uint64_t i = 0; c->wanted > 0; i++) {
        struct test test;
        arena_reset(c->arena);
        generate_test(c->policy, 11, i, MATERIALIZE_NONE, c->arena, &test);
    }
    record_hook = NULL;
}

/* Free dims as a policy limits them. */
static void make_free(struct catalogue *c, struct slot *s, int64_t most)
{
    for (int d = 0; d < s->rank; d++) {
        s->dim[d] = relation_var(c->r, rng_chance(&c->rng, 1, 32) ? 0 : 1, most);
        relation_prefer_log(c->r, s->dim[d]);
    }
    relate_product_le(c->r, (size_t)s->rank, s->dim, c->policy->numel_max);
}

/* Those of a value that is there: mostly as `like` where that has dims, seen from the right. */
static void make_fixed(struct catalogue *c, struct slot *s, const struct shape *like)
{
    for (int d = 0; d < s->rank; d++) {
        int64_t dim = rng_log_range(&c->rng, rng_chance(&c->rng, 1, 32) ? 0 : 1, 16);
        int from = d - s->rank + like->rank;
        if (from >= 0 && rng_chance(&c->rng, 7, 8)) {
            dim = like->dim[from];
        }
        s->dim[d] = relation_fixed(c->r, dim);
    }
}

static bool draw_instance(struct catalogue *c, const struct op *op, bool is_backward,
                          struct instance *m)
{
    struct rng *rng = &c->rng;
    uint32_t n_in = (uint32_t)op_n_inputs(op);
    n_in += op->in[n_in - 1].variadic ? (uint32_t)rng_below(rng, 3) : 0;
    instance_init(m, op, n_in);
    instance_set_outputs(m, op_draw_n_out(op, rng));
    for (uint32_t k = 1; k < n_in; k++) {
        m->in[k].present = !op_input_spec(op, k)->optional || rng_chance(rng, 1, 2);
    }
    if (is_backward) {
        int most = op->out[0].rank_max < 5 ? op->out[0].rank_max : 5;
        m->out[0].rank = (int)rng_range(rng, op->out[0].rank_min, most);
    }
    return op->structure(m, rng);
}

/* An op with structure by chance. backward: its first output is fixed, else its first input; the
 * others now and then, to dims alike. false: it has no such structure. */
static bool pose_op(struct catalogue *c, const struct op *op, bool is_backward)
{
    struct rng *rng = &c->rng;
    struct instance m;
    if (!draw_instance(c, op, is_backward, &m)) {
        return false;
    }
    relation_clear(c->r);
    struct shape like = {.rank = rng_chance(rng, 1, 2) ? RANK_MAX : 0};
    for (int d = 0; d < like.rank; d++) {
        like.dim[d] = rng_log_range(rng, 1, 12);
    }
    for (uint32_t k = 0; k < m.n_in; k++) {
        if (m.in[k].present && (k == 0 ? !is_backward : rng_chance(rng, 1, 4))) {
            make_fixed(c, &m.in[k], &like);
        } else if (m.in[k].present) {
            make_free(c, &m.in[k], c->policy->dim_max);
        }
    }
    for (uint32_t o = 0; o < m.n_out; o++) {
        if (o == 0 ? is_backward : rng_chance(rng, 1, 16)) {
            make_fixed(c, &m.out[o], &like);
        } else {
            make_free(c, &m.out[o], c->policy->numel_max);
        }
    }
    op->relate(c->r, &m);
    if (op->work) {
        var factors[2 * RANK_MAX];
        size_t n = op->work(&m, factors);
        relate_product_le(c->r, n, factors, c->policy->work_max);
    }
    return true;
}

static void check_ops(struct catalogue *c, unsigned count, bool is_backward)
{
    enum { STEPS = 300 }; /* as the generator gives */
    arena_reset(c->arena);
    c->r = relation_new(c->arena);
    for (unsigned n = 0, i = 0; n < count; i++) {
        const struct op *op = op_table[i % op_count];
        if (!pose_op(c, op, is_backward)) {
            continue;
        }
        n++;
        if (check(c->tally, c->r, &c->rng, STEPS) == SOLVE_GAVE_UP) {
            printf("# gave up at %s\n", op->name);
        }
    }
}

/* The variable of a dim: of inputs and constants some are fixed, all others hinted, to what it is
 * or to something else; backward, the first output's are fixed alone. */
static var make_dim(struct catalogue *c, int64_t now, bool is_leaf, bool is_fixed)
{
    int64_t wanted = rng_log_range(&c->rng, now > 0, 32);
    wanted = rng_chance(&c->rng, 1, 2) ? now : wanted;
    if (is_fixed) {
        return relation_fixed(c->r, wanted);
    }
    var x = relation_var(c->r, now > 0, c->policy->numel_max);
    if (is_leaf) {
        relation_prefer_log(c->r, x);
        relation_hint(c->r, x, wanted);
    }
    return x;
}

/* All nodes of a program at once; attributes stay. */
static void pose_program(struct catalogue *c, const struct program *p, bool is_backward)
{
    var(*dim)[RANK_MAX] = arena_zalloc(c->arena, p->n_values * sizeof(*dim));
    c->r = relation_new(c->arena);
    for (uint32_t id = 0; id < p->n_values; id++) {
        const struct value *v = &p->values[id];
        bool is_leaf = v->kind != VALUE_NODE;
        for (int d = 0; d < v->shape.rank; d++) {
            bool is_fixed =
                is_backward ? id == p->outputs[0] : is_leaf && rng_chance(&c->rng, 1, 8);
            dim[id][d] = make_dim(c, v->shape.dim[d], is_leaf, is_fixed);
        }
        relate_product_le(c->r, (size_t)v->shape.rank, dim[id], c->policy->numel_max);
    }
    for (uint32_t i = 0; i < p->n_nodes; i++) {
        const struct node *node = &p->nodes[i];
        struct instance m;
        instance_describe(&m, p, node);
        for (uint32_t k = 0; k < node->n_in; k++) {
            if (node->in[k] != VALUE_ABSENT) {
                memcpy(m.in[k].dim, dim[node->in[k]], sizeof(m.in[k].dim));
            }
        }
        for (uint32_t o = 0; o < node->n_out; o++) {
            memcpy(m.out[o].dim, dim[node->out[o]], sizeof(m.out[o].dim));
        }
        node->op->relate(c->r, &m);
    }
}

static void check_programs(struct catalogue *c, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        struct test test;
        arena_reset(c->arena);
        c->policy->nodes = 2 + i % 9;
        generate_test(c->policy, 12, i, MATERIALIZE_NONE, c->arena, &test);
        pose_program(c, test.program, i % 2 == 0);
        check(c->tally, c->r, &c->rng, 0);
    }
}

/* ---- TAP ---- */

static unsigned n_tests, n_failed;

static void ok(bool is_ok, const char *name, const char *what)
{
    printf("%s %u - %s: %s\n", is_ok ? "ok" : "not ok", ++n_tests, name, what);
    fflush(stdout);
    n_failed += !is_ok;
}

static void report(const char *name, const struct tally *t)
{
    printf("# %s: %u sat, %u unsat, %u gave up in %.3f CPU s; z3: %u sat, %u unsat, %u unknown in "
           "%.1f CPU s, %.0f times as long; %u of the unsat not checked\n",
           name, t->results[SOLVE_SAT], t->results[SOLVE_UNSAT], t->results[SOLVE_GAVE_UP],
           t->seconds, t->opinions[OPINION_SAT], t->opinions[OPINION_UNSAT],
           t->opinions[OPINION_UNKNOWN], t->z3_seconds, t->z3_seconds / t->seconds, t->not_checked);
    ok(t->wrong == 0, name, "every solution is one, every unsat has none");
    ok(t->results[SOLVE_GAVE_UP] * 100 < t->n, name, "gave-up under 1 %");
    ok(t->opinions[OPINION_UNKNOWN] * 20 <= t->n && t->not_checked * 50 <= t->results[SOLVE_UNSAT],
       name, "z3 knows of 95 %, and of 98 % of the unsat");
    ok(t->lies > 0 && t->lies_seen == t->lies, name, "a wrong result is seen");
    ok(t->refused * 2 > t->moved && t->disputed == 0, name,
       "z3 and relation_holds agree of moved solutions");
}

static void check_random(unsigned count, struct arena *arena)
{
    struct tally tally = {0};
    struct rng rng = rng_seeded(14);
    struct relation *r = relation_new(arena);
    for (unsigned i = 0; i < count; i++) {
        pose_random(r, &rng);
        check(&tally, r, &rng, 0);
    }
    report("random relations", &tally);
    ok(tally.results[SOLVE_UNSAT] * 4 > count && tally.results[SOLVE_SAT] * 4 > count,
       "random relations", "a quarter has solutions, a quarter none");
}

static void check_catalogue(unsigned count, struct arena *arena, struct arena *work)
{
    struct policy *policy;
    struct tally tally[4] = {0};
    must(policy_load("default", arena, &policy));
    policy_without_targets(policy, policy->opset);
    struct catalogue c = {.policy = policy, .arena = work, .rng = rng_seeded(15)};
    c.tally = &tally[0];
    check_generator(&c, count / 4);
    report("asked by the generator", c.tally);
    c.tally = &tally[1];
    check_ops(&c, count / 4, false);
    report("ops forward", c.tally);
    c.tally = &tally[2];
    check_ops(&c, count / 4, true);
    report("ops backward", c.tally);
    c.tally = &tally[3];
    check_programs(&c, count / 4);
    report("whole programs", c.tally);
}

int main(int argc, char **argv)
{
    unsigned count = argc == 2 ? (unsigned)strtoul(argv[1], NULL, 10) : 0;
    if (count < 100) {
        fprintf(stderr, "usage: solve_tool COUNT, at least 100\n");
        return 2;
    }
    struct arena *arena = arena_new(), *work = arena_new();
    check_random(count, work);
    check_catalogue(count, arena, work);
    printf("1..%u\n", n_tests);
    record_release();
    arena_free(work);
    arena_free(arena);
    return n_failed > 0;
}
