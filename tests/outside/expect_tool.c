/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reference of generated programs for check_numpy.py, as a server (serve.h):
 *
 *   ops                       "ok NAME..."
 *   op NAME DTYPE INDEX DIR   a program of that op alone, whose first input has the dtype
 *   mixed INDEX DIR           a program as campaigns have them
 *
 * A program is answered by "ok", or "ok traps" where a library may refuse it; it leaves in DIR
 * program.txt, inputs.npz and expected.npz, as findings do.
 */
#include <stdlib.h>
#include <string.h>

#include "narrow.h"
#include "oracle/oracle.h"
#include "serve.h"

enum { DRAWS = 24, SEED = 2024 };

/* Smaller than in campaigns: what there is to find is not in the sizes. */
static const char one_op[] = "nodes = 1\nnumel_max = 300\ndim_max = 40\nwork_max = 20000\n";
static const char many_ops[] = "numel_max = 600\ndim_max = 80\nwork_max = 20000\n";

static enum err write_test(const struct test *test, const char *folder, struct arena *arena,
                           struct buffer *reply)
{
    const struct program *p = test->program;
    struct reference *reference = reference_new(test, arena);
    uint32_t n_in = program_n_inputs(p);
    struct named_tensor *inputs = ARENA_ARRAY(arena, struct named_tensor, n_in);
    struct named_tensor *outputs =
        ARENA_ARRAY(arena, struct named_tensor, 2 * (size_t)p->n_outputs);
    struct buffer text = BUFFER_INIT;

    for (uint32_t k = 0; k < n_in; k++) {
        inputs[k].name = p->values[program_input(p, k)].name;
        inputs[k].tensor = test->inputs[k];
    }
    for (uint32_t o = 0; o < p->n_outputs; o++) {
        const char *name = p->values[p->outputs[o]].name;
        struct named_tensor *item = &outputs[2 * o];
        item[0].name = arena_printf(arena, "%s.expected", name);
        item[1].name = arena_printf(arena, "%s.bound", name);
        expectation_tensors(reference_expectation(reference, o), p->values[p->outputs[o]].dtype,
                            arena, &item[0].tensor, &item[1].tensor);
    }
    buffer_puts(reply, reference_traps(reference) ? " traps" : "");
    program_print(p, &text);
    enum err err = file_write(arena_printf(arena, "%s/program.txt", folder), text.data, text.size);
    buffer_release(&text);
    TRY(err);
    TRY(npz_write(arena_printf(arena, "%s/inputs.npz", folder), inputs, n_in));
    return npz_write(arena_printf(arena, "%s/expected.npz", folder), outputs,
                     2 * (size_t)p->n_outputs);
}

static enum err answer_op(char **word, struct arena *arena, struct buffer *reply)
{
    const struct op *op = op_find(word[1]);
    enum dtype d = dtype_parse(word[2], strlen(word[2]));
    uint64_t index = strtoull(word[3], NULL, 10);
    struct policy *policy;

    if (!op || d == DTYPE_NONE) {
        return err_set(ERR_USAGE, "no such op or dtype");
    }
    TRY(policy_parse("one op", one_op, arena, &policy));
    if (!policy_narrow(policy, op_index(op), d, policy->all.pairs[op_index(op)][d])) {
        return err_set(ERR_UNSUPPORTED, "%s has no %s", word[1], word[2]);
    }
    for (uint64_t i = 0; i < DRAWS; i++) {
        struct test test;
        generate_test(policy, SEED + d, index * DRAWS + i, MATERIALIZE_ALL, arena, &test);
        if (is_narrow(test.program, op_index(op), d)) {
            return write_test(&test, word[4], arena, reply);
        }
    }
    return err_set(ERR_UNSUPPORTED, "%s of %s is not drawn", word[1], word[2]);
}

static enum err answer_mixed(char **word, struct arena *arena, struct buffer *reply)
{
    struct policy *policy;
    struct test test;

    TRY(policy_parse("many ops", many_ops, arena, &policy));
    generate_test(policy, SEED, strtoull(word[1], NULL, 10), MATERIALIZE_ALL, arena, &test);
    return write_test(&test, word[2], arena, reply);
}

static enum err answer(char **word, size_t n, struct arena *arena, struct buffer *reply)
{
    if (n == 1 && strcmp(word[0], "ops") == 0) {
        for (size_t i = 0; i < op_count; i++) {
            buffer_printf(reply, " %s", op_table[i]->name);
        }
        return ERR_OK;
    }
    if (n == 5 && strcmp(word[0], "op") == 0) {
        return answer_op(word, arena, reply);
    }
    if (n == 3 && strcmp(word[0], "mixed") == 0) {
        return answer_mixed(word, arena, reply);
    }
    return err_set(ERR_USAGE, "no such request");
}

int main(void)
{
    serve(answer);
    return 0;
}
