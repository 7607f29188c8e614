/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The matrix is made in two passes: all tests of all cells through the workers, as many at once as
 * they take; then those that failed once more, one by one, until one of a cell is a finding.
 */
#include "matrix.h"

#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "report/escape.h"

const char *const cell_names[CELL_STATUS_COUNT] = {
#define CELL_NAME(name, text) text,
    CELL_MAP(CELL_NAME)
#undef CELL_NAME
};

struct making {
    const struct matrix_options *options;
    struct matrix *m;
    struct jury *jury;
    const struct policy *policy; /* all that the ops declare */
    struct arena *arena;
};

struct cell *matrix_cell(const struct matrix *m, size_t op, enum dtype d, size_t target)
{
    return &m->cells[(op * DTYPE_COUNT + d) * m->n_targets + target];
}

/* ---- the tests of a cell ---- */

/* The dtype that its first input always has, DTYPE_NONE: it has several. */
static enum dtype only_input(const struct making *k, size_t op)
{
    enum dtype only = DTYPE_NONE;
    unsigned rows = 0;
    for (enum dtype d = 1; d < DTYPE_COUNT; d++) {
        if (k->policy->any.pairs[op][d] != 0) {
            only = d;
            rows++;
        }
    }
    return rows == 1 ? only : DTYPE_NONE;
}

static bool takes_dtype(const struct making *k, size_t op, enum dtype d)
{
    dtype_set outputs = 0;
    for (enum dtype in = 1; in < DTYPE_COUNT; in++) {
        outputs |= k->policy->any.pairs[op][in];
    }
    return only_input(k, op) ? dtype_in(d, outputs) : k->policy->any.pairs[op][d] != 0;
}

static enum dtype dtype_of(const struct making *k, size_t op, const struct program *p)
{
    const struct node *node = &p->nodes[0];
    uint32_t id = only_input(k, op) || node->n_in == 0 ? node->out[0] : node->in[0];
    return p->values[id].dtype;
}

static enum err cell_policy(const struct making *k, size_t op, enum dtype d, struct arena *arena,
                            const struct policy **policy)
{
    enum dtype only = only_input(k, op);
    const char *lines = arena_printf(arena,
                                     "nodes = 1\nmotif_percent = 0\ndynamic_percent = 0\nop.* = 0\n"
                                     "op.%s = 1\ndtype.* = 0\ndtype.%s = 1\ndtype.%s = 1\n",
                                     op_table[op]->name, dtype_name(d),
                                     dtype_name(only ? only : d));
    return policy_changed(k->policy, lines, arena, policy);
}

/*
 * The cell's test number `i`, of its own index whatever other cells there are; false: the generator
 * made none of that dtype in several attempts.
 */
static bool make_test(const struct making *k, const struct policy *policy, size_t op, enum dtype d,
                      uint32_t i, struct arena *arena, struct test *test)
{
    enum { ATTEMPTS = 8 };
    uint64_t first = ((op * DTYPE_COUNT + d) * MATRIX_TESTS_MAX + i) * ATTEMPTS;
    for (uint64_t attempt = 0; attempt < ATTEMPTS; attempt++) {
        generate_test(policy, k->options->seed, first + attempt, MATERIALIZE_ALL, arena, test);
        if (test->program->n_nodes == 1 && dtype_of(k, op, test->program) == d) {
            return true;
        }
    }
    return false;
}

/* ---- all tests ---- */

/* A test under way, and whose it is. */
struct pending {
    struct arena *arena;
    struct test test;
    size_t op;
    enum dtype dtype;
    uint32_t number;
};

struct window {
    struct pending slots[JURY_WINDOW_MAX];
    uint32_t size;
    uint64_t posted, taken;
};

static enum err take_oldest(const struct making *k, struct window *w)
{
    struct pending *p = &w->slots[w->taken++ % w->size];
    size_t n = k->m->n_targets;
    struct outcome *outcomes = ARENA_ZARRAY(p->arena, struct outcome, n);
    struct verdict *verdicts = ARENA_ZARRAY(p->arena, struct verdict, n);
    struct reference *reference = reference_new(&p->test, p->arena);
    TRY(jury_take(k->jury, p->arena, outcomes));
    judge_runs(&p->test, reference, k->options->targets, outcomes, n, p->arena, verdicts);
    for (size_t t = 0; t < n; t++) {
        struct cell *cell = matrix_cell(k->m, p->op, p->dtype, t);
        cell->n[verdicts[t].kind]++;
        if (verdicts[t].kind == VERDICT_FINDING) {
            cell->failing |= (uint64_t)1 << p->number;
        }
    }
    return ERR_OK;
}

static enum err post_cell(const struct making *k, struct window *w, size_t op, enum dtype d)
{
    struct arena *arena = arena_new();
    const struct policy *policy;
    enum err err = cell_policy(k, op, d, arena, &policy);
    for (uint32_t i = 0; !err && i < k->options->tests && !stop_requested; i++) {
        if (w->posted - w->taken == w->size) {
            err = take_oldest(k, w);
        }
        struct pending *p = &w->slots[w->posted % w->size];
        arena_reset(p->arena);
        p->op = op;
        p->dtype = d;
        p->number = i;
        if (!err && make_test(k, policy, op, d, i, p->arena, &p->test)) {
            err = jury_post(k->jury, &p->test);
            w->posted++;
        }
    }
    arena_free(arena);
    return err;
}

static size_t count_cells(const struct matrix *m)
{
    size_t n = 0;
    for (size_t op = 0; op < op_count; op++) {
        for (enum dtype d = 1; d < DTYPE_COUNT; d++) {
            n += m->exists[op][d];
        }
    }
    return n;
}

static enum err run_cells(const struct making *k, struct window *w)
{
    struct live_line line = live_line_begin("cells");
    size_t done = 0, all = count_cells(k->m);
    enum err err = ERR_OK;
    for (size_t op = 0; op < op_count && !err; op++) {
        for (enum dtype d = 1; d < DTYPE_COUNT && !err && !stop_requested; d++) {
            if (k->m->exists[op][d]) {
                err = post_cell(k, w, op, d);
                live_line_show(&line, ++done, all);
            }
        }
    }
    while (!err && w->taken < w->posted && !stop_requested) {
        err = take_oldest(k, w);
    }
    live_line_end(&line);
    k->m->is_whole = done == all && w->taken == w->posted;
    return err;
}

static enum err run_all(const struct making *k)
{
    struct window *w = arena_zalloc(k->arena, sizeof *w);
    w->size = jury_window(k->jury);
    for (uint32_t i = 0; i < w->size; i++) {
        w->slots[i].arena = arena_new();
    }
    enum err err = run_cells(k, w);
    for (uint32_t i = 0; i < w->size; i++) {
        arena_free(w->slots[i].arena);
    }
    return err;
}

/* ---- what failed, once more ---- */

static bool is_open(const struct cell *cell)
{
    return cell->failing != 0 && cell->status != CELL_WRONG;
}

/* A known bug gives way to a finding that none knows. */
static enum err settle(const struct making *k, struct cell *cell, size_t op, enum dtype d, size_t t,
                       struct finding_files *files, const struct failure *f)
{
    const char *folder = "";
    if (!f->rule && k->options->out) {
        folder = arena_printf(k->arena, "%s-%s-%zu", op_table[op]->name, dtype_name(d), t + 1);
        files->culprit = t;
        files->failure = f;
        TRY(finding_write(arena_printf(k->arena, "%s/%s", k->options->out, folder), files));
    }
    cell->is_known = f->rule != NULL;
    cell->status = cell->is_known ? cell->status : CELL_WRONG;
    cell->id = f->rule ? arena_strdup(k->arena, f->rule) : folder;
    cell->text = line_text(f->verdict.text, k->arena);
    return ERR_OK;
}

static enum err run_again(const struct making *k, const struct test_runner *runner, size_t op,
                          enum dtype d, uint32_t i, struct arena *arena)
{
    const struct policy *policy;
    struct finding_files files;
    struct failure *failures;
    struct test test;
    TRY(cell_policy(k, op, d, arena, &policy));
    CHECK(make_test(k, policy, op, d, i, arena, &test));
    TRY(run_test(runner, &test, arena, &files, &failures));
    for (size_t t = 0; t < k->m->n_targets; t++) {
        struct cell *cell = matrix_cell(k->m, op, d, t);
        enum verdict_kind kind = files.verdicts[t].kind;
        bool is_it = kind == VERDICT_FINDING || kind == VERDICT_KNOWN;
        if (is_it && is_open(cell)) {
            TRY(settle(k, cell, op, d, t, &files, &failures[t]));
        }
    }
    return ERR_OK;
}

static bool any_open(const struct matrix *m, size_t op, enum dtype d, uint32_t i)
{
    bool any = false;
    for (size_t t = 0; t < m->n_targets; t++) {
        const struct cell *cell = matrix_cell(m, op, d, t);
        any |= is_open(cell) && (cell->failing >> i & 1) != 0;
    }
    return any;
}

static enum err confirm_cell(const struct making *k, const struct test_runner *runner, size_t op,
                             enum dtype d)
{
    enum err err = ERR_OK;
    struct arena *arena = arena_new();
    for (uint32_t i = 0; i < k->options->tests && !err && !stop_requested; i++) {
        if (any_open(k->m, op, d, i)) {
            arena_reset(arena);
            err = run_again(k, runner, op, d, i, arena);
        }
    }
    arena_free(arena);
    return err;
}

static void conclude(struct cell *cell)
{
    if (cell->is_known) {
        cell->status = CELL_WRONG;
    } else if (cell->status != CELL_WRONG) {
        cell->status = cell->n[VERDICT_PASS] > 0          ? CELL_PASS
                       : cell->n[VERDICT_UNSUPPORTED] > 0 ? CELL_UNSUPPORTED
                                                          : CELL_UNTESTED;
    }
}

static enum err confirm_all(const struct making *k)
{
    struct known_rules *known;
    TRY(known_load(k->options->known, k->arena, &known));
    const struct test_runner runner = {k->options->targets, k->m->n_targets, k->jury, known};
    struct live_line line = live_line_begin("failing cells");
    for (size_t op = 0; op < op_count; op++) {
        for (enum dtype d = 1; d < DTYPE_COUNT; d++) {
            if (k->m->exists[op][d]) {
                TRY(confirm_cell(k, &runner, op, d));
                live_line_show(&line, op, op_count);
            }
            for (size_t t = 0; t < k->m->n_targets; t++) {
                conclude(matrix_cell(k->m, op, d, t));
            }
        }
    }
    live_line_end(&line);
    k->m->is_whole &= !stop_requested;
    return ERR_OK;
}

/* ---- the whole ---- */

static enum err choose_ops(const struct making *k)
{
    const struct texts *names = k->options->ops;
    for (size_t i = 0; names && i < names->n; i++) {
        if (!op_find(names->items[i])) {
            return err_set(ERR_USAGE, "--op: no operator is called '%s'", names->items[i]);
        }
    }
    for (size_t op = 0; op < op_count; op++) {
        bool is_chosen = !names || names->n == 0;
        for (size_t i = 0; !is_chosen && i < names->n; i++) {
            is_chosen = strcmp(names->items[i], op_table[op]->name) == 0;
        }
        for (enum dtype d = 1; d < DTYPE_COUNT; d++) {
            k->m->exists[op][d] = is_chosen && takes_dtype(k, op, d);
        }
    }
    return ERR_OK;
}

/* Versions end with the jury. */
static void name_targets(const struct making *k)
{
    size_t n = k->m->n_targets;
    const char **labels = ARENA_ARRAY(k->arena, const char *, n);
    const char **versions = ARENA_ARRAY(k->arena, const char *, n);
    for (size_t t = 0; t < n; t++) {
        const char *version = k->options->targets[t]->version;
        labels[t] = target_label(k->options->targets[t], k->arena);
        versions[t] = arena_strdup(k->arena, version ? version : "");
    }
    k->m->labels = labels;
    k->m->versions = versions;
}

enum err matrix_run(const struct matrix_options *options, struct arena *arena,
                    struct matrix **result)
{
    struct matrix *m = arena_zalloc(arena, sizeof *m);
    struct policy *policy;
    CHECK(options->tests <= MATRIX_TESTS_MAX);
    TRY(policy_load("default", arena, &policy));
    m->targets = options->targets;
    m->n_targets = options->n_targets;
    m->cells = ARENA_ZARRAY(arena, struct cell, op_count * DTYPE_COUNT * m->n_targets);
    struct making k = {.options = options, .m = m, .policy = policy, .arena = arena};
    TRY(choose_ops(&k));
    TRY(jury_open(options->targets, m->n_targets, &(struct jury_options){0}, &k.jury));
    name_targets(&k);
    enum err err = run_all(&k);
    if (!err) {
        err = confirm_all(&k);
    }
    jury_close(k.jury);
    *result = m;
    return err;
}
