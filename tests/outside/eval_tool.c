/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Our evaluator for the scripts of tests/spell, as a server (serve.h; refused: not in the
 * catalogue's range):
 *
 *   ops                       "ok NAME:ONNX_TYPE:0|1 ..." ("-": no form; 1: it can be read)
 *   model X.onnx IN OUT       evaluate on the arrays of IN.npz, by name
 *   program X.txt IN OUT      the same for the text form
 *   torch X.txt OUT.py        its plan of torch calls as source
 * OUT.npz: y0, y1 ... of the outputs; e0, e1 ... float64: the noise that the op grants each element
 * (of programs of one node; else 0), infinite where it is unspecified.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "serve.h"
#include "spell/spell.h"

static enum err read_program(const char *verb, const char *path, const struct named_tensor *given,
                             size_t n_given, struct arena *arena, struct program **p)
{
    struct buffer bytes = BUFFER_INIT;
    enum err err = file_read(path, 0, &bytes);

    if (err == ERR_OK && strcmp(verb, "model") == 0) {
        const struct onnx_source source = {.name = "model",
                                           .data = bytes.data,
                                           .size = bytes.size,
                                           .inputs = given,
                                           .n_inputs = n_given};
        err = onnx_read(&source, arena, p);
    } else if (err == ERR_OK) {
        err = program_parse("program", bytes.data, bytes.size, arena, p);
        err = err == ERR_OK ? ops_check(*p) : err;
    }
    buffer_release(&bytes);
    return err;
}

/* Fill inputs[k] from the arrays of the same name. */
static enum err take_inputs(const struct program *p, const struct named_tensor *given, size_t n,
                            struct tensor *inputs, struct arena *arena)
{
    for (uint32_t k = 0; k < program_n_inputs(p); k++) {
        const struct value *v = &p->values[program_input(p, k)];
        size_t i = 0;
        while (i < n && strcmp(onnx_identifier(arena, given[i].name), v->name) != 0) {
            i++;
        }
        if (i == n || given[i].tensor.dtype != v->dtype ||
            !shape_equal(&given[i].tensor.shape, &v->shape)) {
            return err_set(ERR_INPUT, "no array fits input %s", v->name);
        }
        inputs[k] = given[i].tensor;
    }
    return ERR_OK;
}

/* Any value will do where nothing says which. */
static void forgive_unspecified(const struct node *node, const struct array *const *in,
                                const struct array *out, real **noise, struct arena *arena)
{
    struct evaluation e = {
        .node = node, .n_in = node->n_in, .n_out = node->n_out, .scratch = arena};
    uint8_t *mark[OP_OUTPUTS_MAX];

    if (!node->op->unspecified) {
        return;
    }
    memcpy(e.in, in, sizeof e.in);
    memcpy(e.out, out, sizeof e.out);
    for (uint32_t o = 0; o < e.n_out; o++) {
        mark[o] = arena_zalloc(arena, out[o].n + 1);
    }
    node->op->unspecified(&e, mark);
    for (uint32_t o = 0; o < e.n_out; o++) {
        for (size_t i = 0; i < out[o].n; i++) {
            noise[o][i] = mark[o][i] ? (real)INFINITY : noise[o][i];
        }
    }
}

/* noise[o] of output o, in the program's order; all 0 where there is not one node. */
static void grant_noise(const struct program *p, const struct array *values, real **noise,
                        struct arena *arena)
{
    const struct array *in[OP_INPUTS_MAX] = {NULL};
    struct array out[OP_OUTPUTS_MAX];
    real *of_node[OP_OUTPUTS_MAX];
    const struct node *node = p->nodes;

    for (uint32_t o = 0; o < p->n_outputs; o++) {
        noise[o] = ARENA_ZARRAY(arena, real, values[p->outputs[o]].n);
    }
    if (p->n_nodes != 1) {
        return;
    }
    for (uint32_t k = 0; k < node->n_in; k++) {
        in[k] = node->in[k] == VALUE_ABSENT ? NULL : &values[node->in[k]];
    }
    op_evaluate(p, node, in, true, out, of_node, arena);
    forgive_unspecified(node, in, out, of_node, arena);
    for (uint32_t o = 0; o < p->n_outputs; o++) {
        for (uint32_t k = 0; k < node->n_out; k++) {
            noise[o] = node->out[k] == p->outputs[o] ? of_node[k] : noise[o];
        }
    }
}

static enum err evaluate(const struct program *p, const struct tensor *inputs, const char *out,
                         struct arena *arena)
{
    struct array *values = ARENA_ARRAY(arena, struct array, p->n_values);
    struct named_tensor *results =
        ARENA_ARRAY(arena, struct named_tensor, (size_t)p->n_outputs * 2);
    real **noise = ARENA_ARRAY(arena, real *, p->n_outputs);
    size_t n = 0;

    program_evaluate(p, inputs, values, arena);
    grant_noise(p, values, noise, arena);
    for (uint32_t o = 0; o < p->n_outputs; o++) {
        const struct array *y = &values[p->outputs[o]];
        struct array e = {.dtype = DTYPE_F64, .shape = y->shape, .n = y->n, .v = noise[o]};
        results[n++] =
            (struct named_tensor){arena_printf(arena, "y%u", o), tensor_from_array(arena, y)};
        results[n++] =
            (struct named_tensor){arena_printf(arena, "e%u", o), tensor_from_array(arena, &e)};
    }
    return npz_write(out, results, n);
}

static enum err answer_evaluate(char **word, struct arena *arena)
{
    struct named_tensor *given;
    size_t n_given;
    struct program *p;

    TRY(npz_read(word[2], arena, &given, &n_given));
    TRY(read_program(word[0], word[1], given, n_given, arena, &p));
    struct tensor *inputs = ARENA_ARRAY(arena, struct tensor, program_n_inputs(p));
    TRY(take_inputs(p, given, n_given, inputs, arena));
    return evaluate(p, inputs, word[3], arena);
}

static enum err answer_torch(char **word, struct arena *arena)
{
    struct program *p;
    struct plan *plan;
    struct buffer source = BUFFER_INIT;

    TRY(read_program(word[0], word[1], NULL, 0, arena, &p));
    TRY(calls_plan(&torch_calls, p, arena, &plan));
    plan_print_python(plan, &source);
    enum err err = file_write(word[2], source.data, source.size);
    buffer_release(&source);
    return err;
}

static enum err answer_ops(struct buffer *reply)
{
    for (size_t i = 0; i < op_count; i++) {
        const char *type = onnx_type_of(op_table[i]);
        buffer_printf(reply, " %s:%s:%d", op_table[i]->name, type ? type : "-",
                      onnx_comes_back(op_table[i]));
    }
    return ERR_OK;
}

static enum err answer(char **word, size_t n, struct arena *arena, struct buffer *reply)
{
    bool evaluates = n == 4 && (strcmp(word[0], "model") == 0 || strcmp(word[0], "program") == 0);

    if (n == 1 && strcmp(word[0], "ops") == 0) {
        return answer_ops(reply);
    }
    if (evaluates) {
        return answer_evaluate(word, arena);
    }
    if (n == 3 && strcmp(word[0], "torch") == 0) {
        return answer_torch(word, arena);
    }
    return err_set(ERR_USAGE, "no such request");
}

int main(void)
{
    serve(answer);
    return 0;
}
