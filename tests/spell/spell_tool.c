/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the scripts of tests/spell ask of the spellings: the type table, and models, scripts and
 * torch sources of programs in text form.
 *   spell_tool table                  lines "OP TYPE OPSET DTYPE.. -> DTYPE" that have a form
 *   spell_tool export OPSET IR DIR    programs on stdin, one after the other with a line "---"
 *                                     between: DIR/I.onnx, DIR/I.py, or DIR/I.error
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "spell/spell.h"

static void print_form(const struct op *op, int opset, const enum dtype *in, size_t n,
                       enum dtype out)
{
    if (!onnx_can_spell(op, opset, in, n, &out, 1)) {
        return;
    }
    printf("%s %s %d", op->name, onnx_type_of(op), opset);
    for (size_t k = 0; k < n; k++) {
        printf(" %s", dtype_name(in[k]));
    }
    printf(" -> %s\n", dtype_name(out));
}

/* Every dtype in every slot on its own: the caller knows which slots go together. */
static void print_table(const struct op *op, int opset)
{
    size_t n = op_n_inputs(op);
    n = n > 3 ? 3 : n;
    enum dtype in[3], out;
    size_t total = 1;

    for (size_t k = 0; k <= n; k++) {
        total *= DTYPE_COUNT - 1;
    }
    for (size_t i = 0; i < total; i++) {
        size_t rest = i;
        for (size_t k = 0; k < n; k++, rest /= DTYPE_COUNT - 1) {
            in[k] = (enum dtype)(1 + rest % (DTYPE_COUNT - 1));
        }
        out = (enum dtype)(1 + rest);
        print_form(op, opset, in, n, out);
    }
}

static void write_or_die(const char *dir, unsigned index, const char *suffix,
                         const struct buffer *bytes)
{
    char path[512];

    snprintf(path, sizeof path, "%s/%u.%s", dir, index, suffix);
    if (file_write(path, bytes->data, bytes->size) != ERR_OK) {
        fprintf(stderr, "%s\n", err_text());
        exit(2);
    }
}

static void export_program(const char *text, size_t size, struct onnx_version version,
                           const char *dir, unsigned index)
{
    struct arena *arena = arena_new();
    struct program *p;
    struct buffer bytes = BUFFER_INIT;
    struct plan *plan;

    if (program_parse("stdin", text, size, arena, &p) != ERR_OK || ops_check(p) != ERR_OK) {
        fprintf(stderr, "program %u: %s\n", index, err_text());
        exit(2);
    }
    if (onnx_write(p, version, &bytes) == ERR_OK) {
        write_or_die(dir, index, "onnx", &bytes);
    } else {
        buffer_puts(&bytes, err_text());
        write_or_die(dir, index, "error", &bytes);
    }
    buffer_clear(&bytes);
    if (calls_plan(&torch_calls, p, arena, &plan) != ERR_OK) {
        fprintf(stderr, "program %u: %s\n", index, err_text());
        exit(2);
    }
    plan_print_python(plan, &bytes);
    write_or_die(dir, index, "py", &bytes);
    buffer_release(&bytes);
    arena_free(arena);
}

static int export(const struct onnx_version version, const char *dir)
{
    struct buffer text = BUFFER_INIT;
    char line[65536];
    unsigned n = 0;
    while (fgets(line, sizeof line, stdin)) {
        if (strcmp(line, "---\n") == 0) {
            export_program(text.data, text.size, version, dir, n++);
            buffer_clear(&text);
        } else {
            buffer_puts(&text, line);
        }
    }
    if (text.size) {
        export_program(text.data, text.size, version, dir, n);
    }
    buffer_release(&text);
    return 0;
}

static struct program *read_model(const char *path, char **dims, int n_dims, struct arena *arena,
                                  enum err *err)
{
    struct buffer bytes = BUFFER_INIT;
    struct program *p = NULL;

    *err = file_read(path, 0, &bytes);
    if (*err == ERR_OK) {
        *err = onnx_read(&(struct onnx_source){.name = "model",
                                               .data = bytes.data,
                                               .size = bytes.size,
                                               .dims = (const char *const *)dims,
                                               .n_dims = (size_t)n_dims},
                         arena, &p);
    }
    buffer_release(&bytes);
    return p;
}

static int print_model(const char *path, char **dims, int n_dims)
{
    struct arena *arena = arena_new();
    enum err err;
    struct program *p = read_model(path, dims, n_dims, arena, &err);
    struct buffer text = BUFFER_INIT;

    if (p && ops_check(p) == ERR_OK) {
        program_print(p, &text);
    } else {
        buffer_printf(&text, "%s: %s\n", err_name(err), err_text());
    }
    fputs(text.data, stdout);
    buffer_release(&text);
    arena_free(arena);
    return 0;
}

/* Inputs count up from -2 in halves. */
static struct tensor *make_inputs(const struct program *p, struct arena *arena)
{
    struct tensor *inputs = ARENA_ARRAY(arena, struct tensor, program_n_inputs(p));

    for (uint32_t k = 0; k < program_n_inputs(p); k++) {
        const struct value *v = &p->values[program_input(p, k)];
        inputs[k] = tensor_new(arena, v->dtype, &v->shape);
        for (size_t i = 0; i < shape_numel(&v->shape); i++) {
            real x = (real)i - 4;
            dtype_store(v->dtype, inputs[k].data, i, dtype_is_float(v->dtype) ? x / 2 : x);
        }
    }
    return inputs;
}

/* What the reference gives, with a bound that all libraries keep. */
static void make_expected(const struct program *p, const struct tensor *inputs,
                          struct tensor *expected, struct tensor *bound, struct arena *arena)
{
    struct array *values = ARENA_ARRAY(arena, struct array, p->n_values);

    program_evaluate(p, inputs, values, arena);
    for (uint32_t o = 0; o < p->n_outputs; o++) {
        const struct array *y = &values[p->outputs[o]];
        expected[o] = tensor_from_array(arena, y);
        bound[o] = tensor_new(arena, DTYPE_F64, &y->shape);
        for (size_t i = 0; i < y->n; i++) {
            dtype_store(DTYPE_F64, bound[o].data, i, 0.0625L);
        }
    }
}

/* Element 1 of the first output is made wrong on demand ("value"), or the inputs lie elsewhere
 * ("end"). Of the short script `fault` is what it claims: "short-value", "short-wrong",
 * "short-form", "short-inputs", "short-runs". */
static enum err make_script(const struct program *p, const char *library, const char *setup,
                            const char *fault, struct arena *arena, struct buffer *source)
{
    struct tensor *expected = ARENA_ARRAY(arena, struct tensor, p->n_outputs);
    struct tensor *bound = ARENA_ARRAY(arena, struct tensor, p->n_outputs);
    bool is_value = strcmp(fault, "value") == 0 || strcmp(fault, "short-wrong") == 0,
         is_end = strcmp(fault, "end") == 0;
    bool is_none = is_end || strcmp(fault, "none") == 0;
    const struct script s = {.title = "a \"test\" of scripts",
                             .library = library,
                             .setup = strcmp(setup, "-") == 0 ? NULL : setup,
                             .program = p,
                             .inputs = make_inputs(p, arena),
                             .at_page_end = is_end,
                             .onnx = ONNX_VERSION_DEFAULT,
                             .expected = expected,
                             .bound = bound,
                             .expected_error = is_value || is_none ? NULL : fault};

    make_expected(p, s.inputs, expected, bound, arena);
    if (is_value) {
        real was = dtype_load(expected[0].dtype, expected[0].data, 1);
        dtype_store(expected[0].dtype, expected[0].data, 1, was == 1 ? 0 : 1);
    }
    static const char *const claims[] = {[CLAIM_VALUE] = "short-value",
                                         [CLAIM_FORM] = "short-form",
                                         [CLAIM_INPUTS] = "short-inputs",
                                         [CLAIM_RUNS] = "short-runs"};
    if (strncmp(fault, "short-", 6) != 0) {
        return script_write(&s, source);
    }
    struct script_claim claim = {.kind = CLAIM_VALUE, .element = 1};
    for (size_t i = 0; i < ARRAY_SIZE(claims); i++) {
        claim.kind = strcmp(claims[i], fault) == 0 ? (enum script_claim_kind)i : claim.kind;
    }
    return script_write_short(&s, &claim, source);
}

static int script(const char *library, const char *setup, const char *fault)
{
    struct arena *arena = arena_new();
    struct buffer text = BUFFER_INIT, source = BUFFER_INIT;
    struct program *p;
    char line[65536];

    while (fgets(line, sizeof line, stdin)) {
        buffer_puts(&text, line);
    }
    enum err err = program_parse("stdin", text.data, text.size, arena, &p);
    err = err == ERR_OK ? ops_check(p) : err;
    err = err == ERR_OK ? make_script(p, library, setup, fault, arena, &source) : err;
    if (err == ERR_OK) {
        fputs(source.data, stdout);
    } else {
        fprintf(stderr, "%s\n", err_text());
    }
    buffer_release(&text);
    buffer_release(&source);
    arena_free(arena);
    return err == ERR_OK ? 0 : 2;
}

int main(int argc, char **argv)
{
    const char *verb = argc > 1 ? argv[1] : "";

    if (strcmp(verb, "table") == 0) {
        for (size_t i = 0; i < op_count; i++) {
            /* Ops that are said by others' nodes have types of their own. */
            for (int opset = 7; opset <= 28 && onnx_comes_back(op_table[i]); opset++) {
                print_table(op_table[i], opset);
            }
        }
        return 0;
    }
    if (strcmp(verb, "export") == 0 && argc == 5) {
        return export((struct onnx_version){atoi(argv[2]), atoi(argv[3])}, argv[4]);
    }
    if (strcmp(verb, "read") == 0 && argc >= 3) {
        return print_model(argv[2], argv + 3, argc - 3);
    }
    if (strcmp(verb, "script") == 0 && argc == 5) {
        return script(argv[2], argv[3], argv[4]);
    }
    fprintf(stderr, "usage: see the head of spell_tool.c\n");
    return 2;
}
