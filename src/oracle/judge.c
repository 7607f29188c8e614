/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The order in which oracles are asked, and what two runs say together: whether they agree bit for
 * bit, and whether all libraries agree against the reference (then the fault is ours).
 */
#include "oracle/oracle_internal.h"

#include <math.h>
#include <string.h>

const char *const verdict_names[VERDICT_COUNT] = {
#define VERDICT_NAME(name, text) [VERDICT_##name] = text,
    VERDICT_MAP(VERDICT_NAME)
#undef VERDICT_NAME
};

const struct oracle *const oracle_table[] = {
    &oracle_crash,     &oracle_hang,  &oracle_status, &oracle_side_effects,
    &oracle_n_outputs, &oracle_dtype, &oracle_shape,  &oracle_value,
};
const size_t oracle_count = ARRAY_SIZE(oracle_table);

void judge(const struct judgement *j, struct verdict *verdict)
{
    for (size_t i = 0; i < oracle_count; i++) {
        *verdict = (struct verdict){.oracle = oracle_table[i]->name};
        if (oracle_table[i]->judge(j, verdict)) {
            return;
        }
    }
    struct verdict last = *verdict; /* the value oracle's counts */
    *verdict = (struct verdict){.kind = VERDICT_PASS,
                                .oracle = "",
                                .text = "",
                                .n_compared = last.n_compared,
                                .n_unstable = last.n_unstable,
                                .n_unspecified = last.n_unspecified};
}

bool outcomes_agree(const struct outcome *a, const struct outcome *b, struct arena *arena,
                    const char **text)
{
    if (a->kind != b->kind) {
        *text = "one run ended well, the other did not";
        return false;
    }
    if (a->kind != OUTCOME_OK) {
        return true;
    }
    if (a->n_outputs != b->n_outputs) {
        *text = "the number of outputs changed";
        return false;
    }
    for (uint32_t o = 0; o < a->n_outputs; o++) {
        if (!tensor_equal(&a->outputs[o], &b->outputs[o])) {
            *text = arena_printf(arena, "output %u differs between two runs of the same test", o);
            return false;
        }
    }
    return true;
}

/* Do two failing runs give the same wrong answer? */
static bool same_answer(const struct outcome *a, const struct verdict *va, const struct outcome *b,
                        const struct verdict *vb)
{
    if (strcmp(va->oracle, vb->oracle) != 0 || va->output != vb->output) {
        return false;
    }
    const struct tensor *ta = &a->outputs[va->output], *tb = &b->outputs[vb->output];
    if (ta->dtype != tb->dtype || !shape_equal(&ta->shape, &tb->shape)) {
        return false;
    }
    if (strcmp(va->oracle, "value") != 0) {
        return true; /* the same dtype and shape that are not the reference's */
    }
    real x = dtype_load(ta->dtype, ta->data, va->element);
    real y = dtype_load(tb->dtype, tb->data, va->element);
    bool close = x == y || (isnan(x) && isnan(y));
    /* Nearer to each other than a tenth of what separates them from the reference; of an infinite
     * one all are as far. */
    real away = isinf(va->expected) ? fabsl(x) : fabsl(x - va->expected);
    return close || (isfinite(x - y) && fabsl(x - y) * 10 <= away);
}

static bool is_form_or_value(const struct verdict *v)
{
    static const char *const names[] = {"value", "dtype", "shape"};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        if (strcmp(v->oracle, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

size_t judge_suspects(struct target *const *targets, const struct outcome *outcomes, size_t n,
                      struct verdict *verdicts)
{
    size_t first = n, changed = 0;
    bool independent = false;
    for (size_t i = 0; i < n; i++) {
        if (outcomes[i].kind != OUTCOME_OK) {
            continue; /* said nothing about values */
        }
        if (verdicts[i].kind != VERDICT_FINDING || !is_form_or_value(&verdicts[i])) {
            return 0;
        }
        if (first == n) {
            first = i;
        } else if (!same_answer(&outcomes[first], &verdicts[first], &outcomes[i], &verdicts[i])) {
            return 0;
        }
        independent |= strcmp(target_engine(targets[i]), target_engine(targets[first])) != 0;
    }
    if (!independent) {
        return 0;
    }
    for (size_t i = 0; i < n; i++) {
        if (outcomes[i].kind == OUTCOME_OK) {
            verdicts[i].kind = VERDICT_FILTERED;
            verdicts[i].filter = "reference-suspect";
            changed++;
        }
    }
    return changed;
}

/* Is there nothing that the judge could tell them apart by? Most runs of one library give the same
 * outputs with optimisation and without. */
static bool is_same_run(const struct target *a, const struct outcome *x, const struct target *b,
                        const struct outcome *y)
{
    if (a->kind != b->kind || a->strict_casts != b->strict_casts ||
        a->flushes_subnormals != b->flushes_subnormals || a->precision != b->precision ||
        x->kind != OUTCOME_OK || y->kind != OUTCOME_OK || x->n_outputs != y->n_outputs ||
        x->input_changed != y->input_changed || x->out_of_bounds != y->out_of_bounds ||
        x->state_changed || y->state_changed) {
        return false;
    }
    for (uint32_t o = 0; o < x->n_outputs; o++) {
        if (!tensor_equal(&x->outputs[o], &y->outputs[o])) {
            return false;
        }
    }
    return true;
}

size_t judge_runs(const struct test *test, struct reference *reference,
                  struct target *const *targets, const struct outcome *outcomes, size_t n,
                  struct arena *arena, struct verdict *verdicts)
{
    targets = targets_drawn(targets, n, test, arena);
    for (size_t t = 0; t < n; t++) {
        size_t same = 0;
        while (same < t && !is_same_run(targets[same], &outcomes[same], targets[t], &outcomes[t])) {
            same++;
        }
        if (same < t) {
            verdicts[t] = verdicts[same];
            continue;
        }
        const struct judgement j = {.test = test,
                                    .reference = reference,
                                    .target = targets[t],
                                    .outcome = &outcomes[t],
                                    .arena = arena};
        judge(&j, &verdicts[t]);
    }
    return judge_suspects(targets, outcomes, n, verdicts);
}
