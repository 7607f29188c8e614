/* SPDX-License-Identifier: Apache-2.0 */
/*
 * road_tool COUNT DIR: generated programs through the worker's call loop. For each one that torch
 * computes: DIR/I.py, its plan as source, and DIR/I.npz with the arguments (inputs, then constants;
 * "0_f32" ...) and the results ("r0_f32" ...). check_roads.py runs the source on the arguments.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "generate/generate.h"
#include "target/target.h"

static void must(enum err err)
{
    if (err != ERR_OK) {
        fprintf(stderr, "%s\n", err_text());
        exit(err == ERR_MISSING ? 77 : 2);
    }
}

static struct named_tensor item(struct arena *arena, const char *prefix, size_t i,
                                const struct tensor *t)
{
    return (struct named_tensor){arena_printf(arena, "%s%zu_%s", prefix, i, dtype_name(t->dtype)),
                                 *t};
}

static void save(const struct test *test, const struct outcome *o, const char *dir,
                 struct arena *arena)
{
    struct plan *plan;
    struct buffer source = BUFFER_INIT;
    const struct program *p = test->program;

    must(calls_plan(&torch_calls, p, arena, &plan));
    size_t n = 0, n_all = plan->n_inputs + plan->n_consts + o->n_outputs;
    struct named_tensor *items = ARENA_ARRAY(arena, struct named_tensor, n_all);
    for (uint32_t k = 0; k < plan->n_inputs; k++, n++) {
        items[n] = item(arena, "", n, &test->inputs[k]);
    }
    for (uint32_t k = 0; k < plan->n_consts; k++, n++) {
        const struct value *v = &p->values[plan->const_values[k]];
        const struct tensor t = value_tensor(v);
        items[n] = item(arena, "", n, &t);
    }
    for (uint32_t k = 0; k < o->n_outputs; k++, n++) {
        items[n] = item(arena, "r", k, &o->outputs[k]);
    }
    const char *stem = arena_printf(arena, "%s/%llu", dir, (unsigned long long)test->index);
    must(npz_write(arena_printf(arena, "%s.npz", stem), items, n));
    plan_print_python(plan, &source);
    must(file_write(arena_printf(arena, "%s.py", stem), source.data, source.size));
    buffer_release(&source);
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: road_tool COUNT DIR\n");
        return 2;
    }
    struct arena *arena = arena_new(), *scratch = arena_new();
    struct target *target;
    struct policy *policy;
    struct jury *jury;
    int wanted = atoi(argv[1]), made = 0;

    must(target_parse("torch", NULL, arena, &target));
    must(policy_load("default", arena, &policy));
    must(jury_open(&target, 1, NULL, &jury));
    for (uint64_t i = 0; made < wanted && i < (uint64_t)wanted * 20; i++) {
        struct test test;
        struct outcome o;
        arena_reset(scratch);
        generate_test(policy, 11, i, MATERIALIZE_ALL, scratch, &test);
        test.placement = PLACE_ALIGNED; /* MKL's sums depend on where their terms lie */
        if (!target_supports(target, test.program)) {
            continue;
        }
        must(jury_run(jury, 0, &test, scratch, &o));
        if (o.kind == OUTCOME_OK) {
            save(&test, &o, argv[2], scratch);
            made++;
        }
    }
    jury_close(jury);
    arena_free(arena);
    arena_free(scratch);
    return 0;
}
