/* SPDX-License-Identifier: Apache-2.0 */
/* Motifs: what optimisers look for is in the programs that are to hold it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "generate/motif.h"

/* Is the op one of the step's "a|b|c"? */
static bool is_named(const char *names, const char *op)
{
    size_t n = strlen(op);
    for (const char *at = names; at; at = strchr(at, '|') ? strchr(at, '|') + 1 : NULL) {
        if (strncmp(at, op, n) == 0 && (at[n] == '|' || at[n] == '\0')) {
            return true;
        }
    }
    return false;
}

/* Has the node an op of the step, or the one before's? */
static bool is_step(const struct step *s, const struct node *node)
{
    return strcmp(s->op, AGAIN) == 0 ? strcmp(node[-1].op_name, node->op_name) == 0
                                     : is_named(s->op, node->op_name);
}

/* Does a run of the program's nodes have the motif's ops in their order? */
static bool has_motif(const struct program *p, const struct motif *motif, uint32_t n)
{
    for (uint32_t from = 0; from + n <= p->n_nodes; from++) {
        uint32_t k = 0;
        while (k < n && is_step(&motif->steps[k], &p->nodes[from + k])) {
            k++;
        }
        if (k == n) {
            return true;
        }
    }
    return false;
}

/* Every motif comes together in a good part of the programs that are to hold it. */
static void test_motifs(void **state)
{
    enum { PROGRAMS = 200 };
    struct arena *arena = arena_new(), *of_test = arena_new();
    struct policy *policy;
    assert_int_equal(policy_load("default", arena, &policy), ERR_OK);
    policy->motif_percent = 100;
    for (size_t m = 0; m < motif_count; m++) {
        uint32_t n = motif_n_steps(&motif_table[m]);
        memset(policy->motif_weight, 0, sizeof(policy->motif_weight));
        policy->motif_weight[m] = 1;
        policy->nodes = n;
        unsigned whole = 0;
        for (uint64_t i = 0; i < PROGRAMS; i++) {
            struct test test;
            arena_reset(of_test);
            generate_test(policy, 9, i, MATERIALIZE_NONE, of_test, &test);
            assert_int_equal(test.program->n_nodes, n);
            whole += has_motif(test.program, &motif_table[m], n);
        }
        if (whole < PROGRAMS / 24) {
            fail_msg("%s came together in %u of %d programs", motif_table[m].name, whole, PROGRAMS);
        }
    }
    arena_free(of_test);
    arena_free(arena);
}

/* Near misses put any op in place of the pattern's: it all holds together, whatever the op is. */
static void test_many_misses(void **state)
{
    struct arena *arena = arena_new(), *of_test = arena_new();
    struct policy *policy;
    assert_int_equal(
        policy_parse("p", "motif_percent = 100\nnodes = 12\none_percent = 60\n", arena, &policy),
        ERR_OK);
    for (uint64_t i = 0; i < 3000; i++) {
        struct test test;
        arena_reset(of_test);
        generate_test(policy, 1, i, MATERIALIZE_NONE, of_test, &test);
        assert_int_equal(program_verify(test.program), ERR_OK);
    }
    arena_free(of_test);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_motifs),
                                       cmocka_unit_test(test_many_misses)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
