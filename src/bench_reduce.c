/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `opjury bench reduce`: how small a failing program becomes, and what that costs. Faults of every
 * mutation operator are planted one by one; programs of the default policy that hold the op run
 * until one has a finding; that is rechecked and reduced within the campaign's own bounds. A graph
 * is minimal when it has one op, for a program without ops has no fault, or when of the nodes that
 * were found no fewer fail in the same way, on the values that the reference recorded: all choices
 * of fewer nodes are tried, so that what is minimal is known of each case and never assumed. It is
 * 1 op for a fault of one op, 2 ops for one that shows only behind another.
 */
#include "bench.h"
#include "bench_faults.h"
#include "triage/triage.h"

#include <math.h>
#include <stdlib.h>

enum {
    FAULTS = 600,   /* planted; --tests N: N, shared out evenly among the mutation operators and, a
                       fifth of them, drawn of all for fusions */
    TRIES = 80,     /* tests that hold the op, ordinary ones and then as many special ones */
    RECHECKS = 2,   /* as in a campaign */
    FUSED = 5,      /* every fifth fault shows only behind another op, as a wrong fusion does */
    FEW_VALUES = 2, /* distinct elements, over all inputs and constants */
    /* Floors: percent of cases that are minimal, and runs of the median case. */
    LEAST_MINIMAL = 95,
    MEDIAN_RUNS = 200,
};

/* One failure that was reduced. */
struct result {
    unsigned nodes_before, nodes,
        least; /* least: ops that show it, or as many as nodes: fewer do not */
    size_t elements_before, elements;
    unsigned runs;
    double cpu;
    bool one_element; /* no input or constant has more */
    bool few_values;
    bool complete;
};

struct results {
    struct result *items;
    size_t n;
};

struct state {
    struct policy *policy;
    uint64_t seed;
    bool quiet;
    struct arena *arena;      /* all of it */
    struct arena *scratch;    /* one fault */
    unsigned planted, silent; /* faults tried, and those that no test showed */
    unsigned wrong;           /* findings that are no fault's: a correct run has them too */
    struct results all;
    struct buffer left; /* what was not minimal, a line each */
};

/* ---- what a reduced test is like ---- */

static size_t count_elements(const struct program *p)
{
    size_t n = 0;
    for (uint32_t id = 0; id < p->n_values; id++) {
        n += shape_numel(&p->values[id].shape);
    }
    return n;
}

/* Adds what is new of the tensor's elements; false: that makes more than a few. */
static bool few_more(const struct tensor *t, real *seen, unsigned *n)
{
    for (size_t i = 0; i < shape_numel(&t->shape); i++) {
        real v = dtype_load(t->dtype, t->data, i);
        unsigned k = 0;
        while (k < *n && seen[k] != v && !(isnan(seen[k]) && isnan(v))) {
            k++;
        }
        if (k == FEW_VALUES) {
            return false;
        }
        seen[k] = v;
        *n = k < *n ? *n : k + 1;
    }
    return true;
}

static void look_at_leaves(const struct test *test, struct result *result)
{
    real seen[FEW_VALUES];
    unsigned n = 0, input = 0;
    result->one_element = result->few_values = true;
    for (uint32_t id = 0; id < test->program->n_values; id++) {
        const struct value *v = &test->program->values[id];
        if (v->kind == VALUE_NODE) {
            continue;
        }
        struct tensor t = v->kind == VALUE_INPUT ? test->inputs[input++] : value_tensor(v);
        result->one_element = result->one_element && shape_numel(&t.shape) <= 1;
        result->few_values = result->few_values && few_more(&t, seen, &n);
    }
}

/* ---- what is minimal ---- */

/* Does the test of these nodes alone fail in the same way? */
static enum err shows_alone(struct jury *jury, const struct failure *f, struct reference *reference,
                            const bool *keep, struct arena *arena, bool *shows)
{
    struct failure part = *f;
    part.test = test_of_nodes(f->test, reference, keep, arena);
    part.runs = part.repeats = 0;
    *shows = false;
    if (part.test != NULL) {
        TRY(recheck(jury, &part, 1, arena));
        *shows = part.repeats > 0;
    }
    return ERR_OK;
}

/* Is there a choice of n more nodes, from node `from` on, that shows it? */
static enum err any_shows(struct jury *jury, const struct failure *f, struct reference *reference,
                          bool *keep, uint32_t from, unsigned n, struct arena *arena, bool *shows)
{
    if (n == 0) {
        struct arena_mark mark = arena_mark(arena);
        enum err err = shows_alone(jury, f, reference, keep, arena, shows);
        arena_rewind(arena, mark);
        return err;
    }
    for (uint32_t i = from; i < f->test->program->n_nodes && !*shows && !stop_requested; i++) {
        keep[i] = true;
        TRY(any_shows(jury, f, reference, keep, i + 1, n - 1, arena, shows));
        keep[i] = false;
    }
    return ERR_OK;
}

/* The least count of the failing test's nodes that shows it, at most `nodes`; above CHOSEN_MAX it
 * is a lower bound. */
static enum err least_nodes(struct jury *jury, const struct failure *f, unsigned nodes,
                            struct arena *arena, unsigned *least)
{
    enum { CHOSEN_MAX = 3 }; /* of a dozen nodes some hundred choices */
    struct reference *reference = reference_new(f->test, arena);
    bool *keep = ARENA_ZARRAY(arena, bool, f->test->program->n_nodes);
    bool shows = false;
    unsigned n = 1;
    (void)reference_values(reference);
    for (; n < nodes && n <= CHOSEN_MAX && !shows; n++) {
        TRY(any_shows(jury, f, reference, keep, 0, n, arena, &shows));
    }
    *least = shows ? n - 1 : n;
    return ERR_OK;
}

/* ---- one fault ---- */

enum { FAULTY, CORRECT, TARGETS }; /* of a jury: with the fault, and without any */

static enum err judge_run(struct jury *jury, struct target *const *targets, size_t t,
                          const struct test *test, struct arena *arena, struct failure *f)
{
    *f = (struct failure){.target = t, .what = targets[t], .test = test};
    TRY(jury_run_fresh(jury, t, test, arena, &f->outcome));
    struct judgement j = {test, reference_new(test, arena), targets[t], &f->outcome, arena};
    judge(&j, &f->verdict);
    return ERR_OK;
}

/* Is it a finding that repeats, and that the same run without a fault is not? */
static enum err find_failure(struct state *s, struct jury *jury, struct target *const *targets,
                             const struct test *test, struct failure *f, bool *found)
{
    struct failure without;
    *found = false;
    TRY(judge_run(jury, targets, FAULTY, test, s->scratch, f));
    if (f->verdict.kind != VERDICT_FINDING) {
        return ERR_OK;
    }
    TRY(judge_run(jury, targets, CORRECT, test, s->scratch, &without));
    if (without.verdict.kind == VERDICT_FINDING) {
        s->wrong++;
        return ERR_OK;
    }
    f->signature = failure_signature(&f->verdict, &f->outcome, s->scratch);
    TRY(recheck(jury, f, RECHECKS, s->scratch));
    *found = f->repeats == f->runs;
    return ERR_OK;
}

/* A fault in its jury. */
struct planted {
    struct fault fault;
    const char *name;
    struct target *targets[TARGETS];
    struct jury *jury;
};

static enum err plant(struct planted *p, struct arena *arena)
{
    p->name = fault_name(&p->fault, arena);
    const char *text = arena_printf(arena, "faulty:%s", p->name);
    TRY(target_parse(text, NULL, arena, &p->targets[FAULTY]));
    TRY(target_parse("faulty:none", NULL, arena, &p->targets[CORRECT]));
    return jury_open(p->targets, TARGETS, &(struct jury_options){0}, &p->jury);
}

static void pull(struct planted *p)
{
    jury_close(p->jury);
    p->jury = NULL;
}

/* The op whose result the first node of the fault's op reads that reads one; NULL: none does. */
static const struct op *fused_with(const struct program *p, const struct op *op)
{
    for (uint32_t i = 0; i < p->n_nodes; i++) {
        const struct node *node = &p->nodes[i];
        for (uint32_t k = 0; node->op == op && k < node->n_in; k++) {
            uint32_t id = node->in[k];
            if (id != VALUE_ABSENT && p->values[id].kind == VALUE_NODE) {
                return p->nodes[p->values[id].node].op;
            }
        }
    }
    return NULL;
}

/* Does the test show the fault, or, is_fused, its fusion with what the test has before its op? */
static enum err try_test(struct state *s, struct planted *p, bool is_fused, const struct test *test,
                         struct failure *f, bool *found)
{
    if (is_fused) {
        pull(p);
        p->fault.fused = fused_with(test->program, p->fault.op);
    }
    if (is_fused && p->fault.fused == NULL) {
        return ERR_OK;
    }
    if (p->jury == NULL) {
        TRY(plant(p, s->scratch));
    }
    return find_failure(s, p->jury, p->targets, test, f, found);
}

/* The first test that shows the fault. false in *found: there is none. */
static enum err first_failure(struct state *s, struct planted *p, bool is_fused, struct failure *f,
                              bool *found)
{
    const struct fault *fault = &p->fault;
    struct policy policy =
        bench_policy_of(s->policy, fault->op, mutation_dtypes(fault->mutation), s->policy->nodes);
    unsigned tests = 0;
    *found = false;
    for (uint64_t i = 0; tests < 2 * TRIES && !*found && !stop_requested; i++) {
        if (tests == TRIES) {
            policy.clean_percent = 0;
        }
        struct arena_mark mark = arena_mark(s->scratch);
        struct test *test = arena_zalloc(s->scratch, sizeof(*test));
        generate_test(&policy, s->seed, i, MATERIALIZE_ALL, s->scratch, test);
        if (bench_has_op(test->program, fault->op)) {
            tests++;
            TRY(try_test(s, p, is_fused, test, f, found));
        }
        if (!*found) {
            pull(p); /* its memory goes, too */
            arena_rewind(s->scratch, mark);
        }
    }
    return ERR_OK;
}

static void say_left(struct state *s, const char *name, const struct failure *f,
                     const struct reduction *r, const struct result *result)
{
    buffer_printf(&s->left, "not minimal: %s, test %llu: %s in %u runs%s; %u %s: %s\n", name,
                  (unsigned long long)f->test->index, op_chain(r->test->program, s->scratch),
                  r->runs, r->complete ? "" : ", not finished", result->least,
                  result->least == 1 ? "op shows it" : "ops show it", f->signature);
}

static enum err reduce_failure(struct state *s, const char *name, struct jury *jury,
                               const struct failure *f, struct result *result)
{
    struct reduction r = {.cpu_limit = reduce_bounds.cpu, .max_runs = reduce_bounds.runs};
    TRY(reduce(jury, f, &r, s->scratch));
    *result = (struct result){
        .nodes_before = f->test->program->n_nodes,
        .nodes = r.test->program->n_nodes,
        .least = r.test->program->n_nodes,
        .elements_before = count_elements(f->test->program),
        .elements = count_elements(r.test->program),
        .runs = r.runs,
        .cpu = r.cpu,
        .complete = r.complete,
    };
    look_at_leaves(r.test, result);
    TRY(least_nodes(jury, f, result->nodes, s->scratch, &result->least));
    if (result->nodes > result->least) {
        say_left(s, name, f, &r, result);
    }
    return ERR_OK;
}

static enum err plant_fault(struct state *s, const struct fault *fault, bool is_fused)
{
    struct planted p = {.fault = *fault};
    struct failure f;
    bool found;
    arena_reset(s->scratch);
    enum err err = first_failure(s, &p, is_fused, &f, &found);
    if (err == ERR_OK) {
        s->planted++;
        s->silent += !found;
    }
    if (err == ERR_OK && found) {
        err = reduce_failure(s, p.name, p.jury, &f, &s->all.items[s->all.n++]);
    }
    pull(&p);
    return err;
}

/* ---- figures ---- */

struct figures {
    size_t n, minimal, one_element, few_values, complete;
    unsigned least, least_most; /* of all cases, what is minimal */
    unsigned runs[2];           /* median, 90th percentile */
    double cpu[2];
    double nodes[2], elements[2]; /* before, after: means */
};

/* Sorts the values: their median and 90th percentile. */
static void two_quantiles(double *values, size_t n, double *of)
{
    qsort(values, n, sizeof(*values), bench_by_value);
    of[0] = n > 0 ? values[n / 2] : 0;
    of[1] = n > 0 ? values[n * 9 / 10] : 0;
}

static struct figures figures_of(const struct result *r, size_t n)
{
    struct figures f = {.n = n, .least = n > 0 ? r[0].least : 0};
    double *runs = xmalloc((n + 1) * sizeof(*runs)), *cpu = xmalloc((n + 1) * sizeof(*cpu));
    for (size_t i = 0; i < n; i++) {
        runs[i] = r[i].runs;
        cpu[i] = r[i].cpu;
        f.minimal += r[i].nodes == r[i].least;
        f.one_element += r[i].one_element;
        f.few_values += r[i].few_values;
        f.complete += r[i].complete;
        f.least = r[i].least < f.least ? r[i].least : f.least;
        f.least_most = r[i].least > f.least_most ? r[i].least : f.least_most;
        f.nodes[0] += (double)r[i].nodes_before / (double)n;
        f.nodes[1] += (double)r[i].nodes / (double)n;
        f.elements[0] += (double)r[i].elements_before / (double)n;
        f.elements[1] += (double)r[i].elements / (double)n;
    }
    double of_runs[2];
    two_quantiles(runs, n, of_runs);
    two_quantiles(cpu, n, f.cpu);
    f.runs[0] = (unsigned)of_runs[0];
    f.runs[1] = (unsigned)of_runs[1];
    free(runs);
    free(cpu);
    return f;
}

static void print_head(void)
{
    printf("%-17s %6s %7s %8s %9s %9s %17s %17s %12s %11s\n", "mutation", "faults", "reduced",
           "minimal", "minimal%", "complete%", "runs: median, 90%", "ms CPU: med., 90%",
           "one element%", "few values%");
}

static void print_row(const char *name, unsigned planted, const struct figures *f)
{
    char least[32] = "-";
    if (f->n > 0 && f->least == f->least_most) {
        snprintf(least, sizeof(least), "%u op%s", f->least, f->least == 1 ? "" : "s");
    } else if (f->n > 0) {
        snprintf(least, sizeof(least), "%u-%u ops", f->least, f->least_most);
    }
    printf("%-17s %6u %7zu %8s %9.1f %9.1f %9u %7u %9.1f %7.1f %12.1f %11.1f\n", name, planted,
           f->n, least, bench_percent(f->minimal, f->n), bench_percent(f->complete, f->n),
           f->runs[0], f->runs[1], 1000 * f->cpu[0], 1000 * f->cpu[1],
           bench_percent(f->one_element, f->n), bench_percent(f->few_values, f->n));
    fflush(stdout);
}

static void print_json(const char *name, unsigned planted, const struct figures *f)
{
    printf("{\"mutation\": \"%s\", \"faults\": %u, \"reduced\": %zu, \"minimal_ops\": [%u, %u], "
           "\"minimal\": %zu, \"complete\": %zu, \"runs_median\": %u, \"runs_90\": %u, "
           "\"cpu_median\": %.6f, \"cpu_90\": %.6f, \"one_element\": %zu, \"few_values\": %zu}",
           name, planted, f->n, f->least, f->least_most, f->minimal, f->complete, f->runs[0],
           f->runs[1], f->cpu[0], f->cpu[1], f->one_element, f->few_values);
}

/* ---- all faults ---- */

/* Up to `share` faults of faults[0 .. n-1] in an order drawn by the seed: a row called `name`. */
static enum err try_faults(struct state *s, const char *name, const struct fault *faults, size_t n,
                           size_t share, bool is_fused)
{
    struct rng rng = rng_seeded(hash_text(name, s->seed));
    uint32_t *order = ARENA_ARRAY(s->arena, uint32_t, n);
    size_t first = s->all.n;
    unsigned planted = s->planted;
    for (size_t i = 0; i < n; i++) {
        order[i] = (uint32_t)i;
    }
    rng_shuffle(&rng, order, n);
    for (size_t i = 0; i < n && i < share && !stop_requested; i++) {
        TRY(plant_fault(s, &faults[order[i]], is_fused));
    }
    struct figures f = figures_of(s->all.items + first, s->all.n - first);
    if (s->quiet) {
        printf("%s", planted > 0 ? ", " : "");
        print_json(name, s->planted - planted, &f);
    } else {
        print_row(name, s->planted - planted, &f);
    }
    return stop_requested ? err_set(ERR_STOPPED, "stopped") : ERR_OK;
}

/* A mutation with fewer faults than its share leaves the rest to those behind it. */
static enum err try_all(struct state *s, uint64_t total)
{
    struct fault *faults;
    size_t n = faults_all(s->arena, &faults), mutations = mutation_count;
    uint64_t fused = total / FUSED > 0 ? total / FUSED : 1;
    s->all.items = ARENA_ARRAY(s->arena, struct result, 2 * n);
    for (size_t i = 0, next; i < n; i = next) {
        next = i + 1;
        while (next < n && faults[next].mutation == faults[i].mutation) {
            next++;
        }
        uint64_t left = total > fused + s->planted ? total - fused - s->planted : 0;
        size_t share = (left + mutations - 1) / mutations;
        TRY(try_faults(s, mutation_name(faults[i].mutation), faults + i, next - i,
                       share > 0 ? share : 1, false));
        mutations -= mutations > 1;
    }
    return try_faults(s, "fused", faults, n, fused, true);
}

static void print_end(const struct state *s, const struct figures *f)
{
    if (s->quiet) {
        printf("], \"all\": ");
        print_json("all", s->planted, f);
        printf("}\n");
        return;
    }
    print_row("all", s->planted, f);
    printf(
        "\nof %u planted faults no test of %d showed %u; findings that a correct run has too, left "
        "out: %u\n%.1f ops -> %.2f, %.0f elements -> %.1f on average\n",
        s->planted, 2 * TRIES, s->silent, s->wrong, f->nodes[0], f->nodes[1], f->elements[0],
        f->elements[1]);
    printf("%s", s->left.size > 0 ? s->left.data : "");
}

static enum err reduce_run(const struct bench_settings *settings, struct arena *arena, bool *failed)
{
    struct state s = {.seed = settings->seed, .quiet = settings->json, .arena = arena};
    TRY(policy_load(settings->policy != NULL ? settings->policy : "default", arena, &s.policy));
    s.scratch = arena_new();
    if (s.quiet) {
        printf("{\"mutations\": [");
    } else {
        print_head();
    }
    enum err err = try_all(&s, settings->tests > 0 ? settings->tests : FAULTS);
    if (err == ERR_OK) {
        struct figures f = figures_of(s.all.items, s.all.n);
        print_end(&s, &f);
        *failed = 100 * f.minimal < LEAST_MINIMAL * f.n || f.runs[0] >= MEDIAN_RUNS;
    }
    buffer_release(&s.left);
    arena_free(s.scratch);
    return err;
}

const struct bench_subject bench_reduce = {
    .name = "reduce",
    .summary = "how small failing programs of planted faults become, and in how many runs",
    .run = reduce_run,
};
