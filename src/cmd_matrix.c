/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `opjury matrix`: what each target does with each operator and dtype, as a table to work down and,
 * with what was expected, as a gate of CI.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "matrix.h"

enum {
    KEY_OP = COMMAND_KEYS,
    KEY_CSV,
    KEY_HTML,
    KEY_EXPECT,
    KEY_KNOWN,
    KEY_PYTHON,
    KEY_JSON,
    KEY_TESTS,
};

struct matrix_settings {
    struct texts targets, ops;
    const char *csv, *html, *expect, *known, *python, *out;
    uint64_t seed, tests;
    bool json;
};

/* ---- against what was expected ---- */

struct differences {
    struct buffer worse, better;
    size_t n_worse, n_better;
};

static const struct expected_cell *find_expected(const struct expected_cell *cells, size_t n,
                                                 const char *op, const char *dtype,
                                                 const char *target)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(cells[i].op, op) == 0 && strcmp(cells[i].dtype, dtype) == 0 &&
            strcmp(cells[i].target, target) == 0) {
            return &cells[i];
        }
    }
    return NULL;
}

static void compare(const struct cell *cell, const struct expected_cell *expected,
                    const char *where, struct differences *d)
{
    enum cell_status was = expected ? expected->status : CELL_PASS;
    bool is_lost =
        expected && was == CELL_PASS && cell->status == CELL_UNSUPPORTED; /* pass was measured */
    if ((cell->status == CELL_WRONG && was != CELL_WRONG) || is_lost) {
        d->n_worse++;
        buffer_printf(&d->worse, "    %s: %s%s%s\n", where, cell_names[cell->status],
                      cell->text ? ": " : "", cell->text ? cell->text : "");
    } else if (cell->status == CELL_PASS && was != CELL_PASS) {
        d->n_better++;
        buffer_printf(&d->better, "    %s: was %s\n", where, cell_names[was]);
    }
}

static enum err compare_all(const struct matrix_settings *s, const struct matrix *m,
                            struct arena *arena, struct differences *d)
{
    struct expected_cell *expected = NULL;
    size_t n = 0;
    if (s->expect) {
        TRY(matrix_read_expected(s->expect, arena, &expected, &n));
    }
    for (size_t op = 0; op < op_count; op++) {
        for (enum dtype dt = 1; dt < DTYPE_COUNT; dt++) {
            for (size_t t = 0; m->exists[op][dt] && t < m->n_targets; t++) {
                const struct cell *cell = matrix_cell(m, op, dt, t);
                const char *name = op_table[op]->name, *dtype = dtype_name(dt);
                const char *where = arena_printf(arena, "%s %s %s", name, dtype, m->labels[t]);
                bool is_new = cell->status == CELL_WRONG && !cell->is_known;
                if (s->expect || is_new) {
                    compare(cell, find_expected(expected, n, name, dtype, m->labels[t]), where, d);
                }
            }
        }
    }
    return ERR_OK;
}

/* ---- what is said ---- */

static void count(const struct matrix *m, size_t t, size_t n[CELL_STATUS_COUNT])
{
    for (size_t op = 0; op < op_count; op++) {
        for (enum dtype d = 1; d < DTYPE_COUNT; d++) {
            if (m->exists[op][d]) {
                n[matrix_cell(m, op, d, t)->status]++;
            }
        }
    }
}

static void say(const struct matrix_settings *s, const struct matrix *m,
                const struct differences *d)
{
    printf("%-40s %8s %8s %12s %9s\n", "target", "pass", "wrong", "unsupported", "untested");
    for (size_t t = 0; t < m->n_targets; t++) {
        size_t n[CELL_STATUS_COUNT] = {0};
        count(m, t, n);
        printf("%-40s %8zu %8zu %12zu %9zu\n", m->labels[t], n[CELL_PASS], n[CELL_WRONG],
               n[CELL_UNSUPPORTED], n[CELL_UNTESTED]);
    }
    if (d->n_worse > 0) {
        printf("\n%s:\n%s", s->expect ? "worse than expected" : "wrong, and no rule knows it",
               d->worse.data);
    }
    if (d->n_better > 0) {
        printf("\nbetter than expected:\n%s", d->better.data);
    }
    if (!m->is_whole) {
        printf("\nstopped: what is left is untested\n");
    }
}

static enum err say_json(const struct matrix *m, const struct differences *d)
{
    json_t *targets = json_array();
    for (size_t t = 0; t < m->n_targets; t++) {
        size_t n[CELL_STATUS_COUNT] = {0};
        count(m, t, n);
        json_t *row = json_pack("{s:s, s:s}", "target", m->labels[t], "version", m->versions[t]);
        for (size_t status = 0; row && status < CELL_STATUS_COUNT; status++) {
            CHECK(json_object_set_new(row, cell_names[status],
                                      json_integer((json_int_t)n[status])) == 0);
        }
        CHECK(row && json_array_append_new(targets, row) == 0);
    }
    json_t *root =
        json_pack("{s:o, s:I, s:I, s:b}", "targets", targets, "worse", (json_int_t)d->n_worse,
                  "better", (json_int_t)d->n_better, "whole", (int)m->is_whole);
    char *text = root ? json_dumps(root, JSON_COMPACT) : NULL;
    CHECK(text);
    puts(text);
    free(text);
    json_decref(root);
    return output_flush();
}

/* ---- the command ---- */

static enum err finish(const struct matrix_settings *s, const struct matrix *m, struct arena *arena,
                       bool *found)
{
    struct differences d = {.worse = BUFFER_INIT, .better = BUFFER_INIT};
    if (s->csv) {
        TRY(matrix_write_csv(m, s->csv));
    }
    if (s->html) {
        TRY(matrix_write_html(m, s->html));
    }
    enum err err = compare_all(s, m, arena, &d);
    if (!err && s->json) {
        err = say_json(m, &d);
    } else if (!err) {
        say(s, m, &d);
        err = output_flush();
    }
    *found = d.n_worse > 0;
    buffer_release(&d.worse);
    buffer_release(&d.better);
    return err;
}

static enum err run_matrix(void *settings, struct arena *arena, bool *found)
{
    const struct matrix_settings *s = settings;
    struct target **targets;
    size_t n;
    if (s->expect) { /* an unreadable one is said before the work, not behind it */
        struct expected_cell *cells;
        size_t n_cells;
        TRY(matrix_read_expected(s->expect, arena, &cells, &n_cells));
    }
    TRY(campaign_targets(s->targets.items, s->targets.n, s->python, arena, &targets, &n));
    const struct matrix_options options = {.targets = targets,
                                           .n_targets = n,
                                           .ops = &s->ops,
                                           .out = s->out,
                                           .known = s->known,
                                           .seed = s->seed,
                                           .tests = (uint32_t)s->tests};
    struct matrix *m;
    TRY(matrix_run(&options, arena, &m));
    return finish(s, m, arena, found);
}

static enum err set_option(int key, const char *value, void *settings, struct arena *arena)
{
    struct matrix_settings *s = settings;
    switch (key) {
    case 't':
        texts_add(&s->targets, value, arena);
        return ERR_OK;
    case 's':
        return parse_u64("--seed", value, &s->seed);
    case 'o':
        s->out = value;
        return ERR_OK;
    case KEY_TESTS:
        return parse_u64_range("--tests", value, 1, MATRIX_TESTS_MAX, &s->tests);
    case KEY_OP:
        texts_add(&s->ops, value, arena);
        return ERR_OK;
    case KEY_CSV:
        s->csv = value;
        return ERR_OK;
    case KEY_HTML:
        s->html = value;
        return ERR_OK;
    case KEY_EXPECT:
        s->expect = value;
        return ERR_OK;
    case KEY_KNOWN:
        s->known = value;
        return ERR_OK;
    case KEY_PYTHON:
        s->python = python_add(s->python, value, arena);
        return ERR_OK;
    case KEY_JSON:
        s->json = true;
        return ERR_OK;
    default:
        BUG("option %d has no meaning", key);
    }
}

static const struct argp_option options[] = {
    {"target", 't', "TARGET", 0, "a column; may be repeated (all installed)", 0},
    {"op", KEY_OP, "NAME", 0, "only this operator; may be repeated", 0},
    {"tests", KEY_TESTS, "N", 0, "tests of each operator and dtype (4)", 0},
    {"seed", 's', "S", 0, "of all chance (1)", 0},
    {"csv", KEY_CSV, "FILE", 0, "write a line for each cell", 0},
    {"html", KEY_HTML, "FILE", 0, "write a page for a browser", 0},
    {"expect", KEY_EXPECT, "FILE", 0, "what was expected: a CSV of this command", 0},
    {"out", 'o', "DIR", 0, "put each new finding into a folder there", 0},
    {"known", KEY_KNOWN, "FILE", 0, "rules of known bugs, or `none' (the shipped ones)", 0},
    {"python", KEY_PYTHON, "PATH", 0, PYTHON_HELP, 0},
    {"json", KEY_JSON, NULL, 0, "one line with one object", 0},
    {0},
};

static const struct matrix_settings defaults = {.seed = 1, .tests = 4};

const struct command command_matrix = {
    .name = "matrix",
    .summary = "Operators by dtype and target: pass, wrong, unsupported or untested",
    .help = "Each operator is run alone on every dtype that it is defined for, in several tests "
            "whose attributes, shapes and values are drawn; the dtype is that of its first input, "
            "or of its output where that is the one that differs. A cell is wrong when one of its "
            "tests fails again and again, unsupported when the target takes none of them, untested "
            "when nothing could be compared. Of what is wrong the id is that of the known bug or "
            "the finding's folder in --out DIR.\n"
            "\n"
            "With --expect, cells that are wrong in FILE too are no findings; one that is wrong "
            "now, or unsupported where FILE says pass, is. FILE is a CSV of this command, whole "
            "or only its lines with failures; the columns behind status are not read.\n"
            "\n"
            "Exit status: 0 nothing new is wrong, 1 something is, 2 trouble.\n"
            "\n"
            "Examples:\n"
            "  opjury matrix --html matrix.html\n"
            "  opjury matrix --target torch --op softmax --op relu --tests 20\n"
            "  opjury matrix --target my-backend --csv now.csv --expect accepted.csv\n",
    .options = options,
    .settings_size = sizeof(struct matrix_settings),
    .defaults = &defaults,
    .option = set_option,
    .run = run_matrix,
};
