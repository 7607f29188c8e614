/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All generators: ours, and baselines to compare it with.
 */
#include <string.h>

#include "generate/generate_internal.h"

const struct generator generators[] = {
    {"opjury", "ours: motifs, backward insertion, value ranges and a search for inputs",
     .make = graph_make},
    {"mutate", "LEMON (ESEC/FSE 2020): layers and weights of models changed by rules",
     .learner = &mutate_learner, .needs_seeds = true},
    {"random", "GraphFuzz (ICSE 2021): random graphs of blocks that bring what is new",
     .learner = &random_learner},
    {"nnsmith", "nnsmith 0.1.0 (ASPLOS 2023) itself, where it is installed: scripts/setup peer",
     .make = nnsmith_make, .is_outside = true},
};
const size_t generator_count = ARRAY_SIZE(generators);

enum err generator_find(const char *name, const struct generator **generator)
{
    struct buffer names = BUFFER_INIT;
    for (size_t i = 0; i < generator_count; i++) {
        if (strcmp(name, generators[i].name) == 0) {
            *generator = &generators[i];
            buffer_release(&names);
            return ERR_OK;
        }
        buffer_printf(&names, "%s%s", i == 0 ? "" : ", ", generators[i].name);
    }
    enum err err = err_set(ERR_USAGE, "there is no generator '%s', only %s", name, names.data);
    buffer_release(&names);
    return err;
}

enum err generator_open(struct policy *policy, struct arena *arena)
{
    if (policy->generator->needs_seeds && policy->n_seeds == 0) {
        TRY(policy_seeds_of_build(policy, arena));
    }
    return policy->generator->is_outside ? nnsmith_open(policy, &policy->source) : ERR_OK;
}

enum err generator_open_again(const char *dir, const char *text, uint64_t hash, struct arena *arena,
                              struct policy **policy)
{
    TRY(policy_parse(dir, text, arena, policy));
    TRY(generator_open(*policy, arena));
    if (policy_hash(*policy) == hash) {
        return ERR_OK;
    }
    generator_close(*policy);
    return err_set(ERR_STORE,
                   "%s is of another version of opjury, or of other seed models: its tests are no "
                   "more the same",
                   dir);
}

double generator_cpu(const struct policy *policy)
{
    return policy->source ? nnsmith_cpu(policy->source) : 0;
}

uint64_t generator_left_out(const struct policy *policy)
{
    return policy->source ? nnsmith_left_out(policy->source) : 0;
}

void generator_say_left_out(const struct policy *policy)
{
    if (policy->source) {
        nnsmith_say_left_out(policy->source);
    }
}

void generator_close(struct policy *policy)
{
    nnsmith_close(policy->source);
    policy->source = NULL;
}
