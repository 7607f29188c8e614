/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Oracles that look at the form of a result: how many outputs, of which dtypes, of which shapes.
 * Silent dtype changes are real bugs (int8 matmul giving int64), so values are never converted
 * before this.
 */
#include "oracle/oracle_internal.h"

static bool finding(struct verdict *v, uint32_t output, const char *text)
{
    v->kind = VERDICT_FINDING;
    v->output = output;
    v->text = text;
    return true;
}

static bool n_outputs_judge(const struct judgement *j, struct verdict *v)
{
    uint32_t want = j->test->program->n_outputs, got = j->outcome->n_outputs;
    if (want == got) {
        return false;
    }
    return finding(v, 0, arena_printf(j->arena, "%u outputs expected, %u came back", want, got));
}

static bool dtype_judge(const struct judgement *j, struct verdict *v)
{
    const struct program *p = j->test->program;
    for (uint32_t o = 0; o < p->n_outputs; o++) {
        const struct value *want = &p->values[p->outputs[o]];
        enum dtype got = j->outcome->outputs[o].dtype;
        if (want->dtype != got) {
            return finding(v, o,
                           arena_printf(j->arena, "%s: dtype %s expected, got %s", want->name,
                                        dtype_name(want->dtype), dtype_name(got)));
        }
    }
    return false;
}

static bool shape_judge(const struct judgement *j, struct verdict *v)
{
    const struct program *p = j->test->program;
    for (uint32_t o = 0; o < p->n_outputs; o++) {
        const struct value *want = &p->values[p->outputs[o]];
        const struct shape *got = &j->outcome->outputs[o].shape;
        if (shape_equal(&want->shape, got)) {
            continue;
        }
        struct buffer text = BUFFER_INIT;
        buffer_printf(&text, "%s: shape ", want->name);
        shape_print(&want->shape, &text);
        buffer_puts(&text, " expected, got ");
        shape_print(got, &text);
        const char *kept = arena_strdup(j->arena, text.data);
        buffer_release(&text);
        return finding(v, o, kept);
    }
    return false;
}

const struct oracle oracle_n_outputs = {
    .name = "count",
    .summary = "as many outputs as the program has",
    .judge = n_outputs_judge,
};
const struct oracle oracle_dtype = {
    .name = "dtype",
    .summary = "each output has the declared dtype",
    .judge = dtype_judge,
};
const struct oracle oracle_shape = {
    .name = "shape",
    .summary = "each output has the declared shape",
    .judge = shape_judge,
};
