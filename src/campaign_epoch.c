/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A campaign's policy by epochs: ops that do little but find known bugs again are made rarer, so
 * that more tests get past them. An epoch's row in the store is the campaign's policy and behind it
 * the weights that differ. It is made once, from the findings as they were before any was reduced,
 * of the epochs that were complete when it began: these hang on the tests and what the libraries
 * do with them, not on the number of engines, nor on how often they were stopped. With these
 * policies a campaign's tests are made again.
 */
#include "campaign_parts.h"

#include <jansson.h>
#include <string.h>

enum {
    KNOWN_LEAST = 16, /* findings of known bugs: what is rarer costs nothing */
    /* At least so many times as many as other failures with that op in their failing part. It may
     * be there without being to blame, so that few ops have none; what hides behind known bugs
     * shows in these, and keeps the weight. */
    KNOWN_SHARE = 4,
};

/* Failures by op. */
struct tally {
    uint64_t known[OP_WEIGHTS_MAX]; /* by a rule that names the op */
    uint64_t other[OP_WEIGHTS_MAX];
};

static void count_finding(struct tally *tally, const struct known_rules *rules,
                          const struct finding_row *row)
{
    json_t *json = json_loads(row->json, 0, NULL);
    const char *rule = json_string_value(json_object_get(json, "found_known"));
    const char *ops = json_string_value(json_object_get(json, "found_ops"));
    for (size_t op = 0; op < op_count && ops != NULL; op++) {
        if (!chain_has_op(ops, op_table[op]->name)) {
            continue;
        }
        if (rule == NULL) {
            tally->other[op]++;
        } else {
            tally->known[op] += known_names(rules, rule, op_table[op]->name);
        }
    }
    json_decref(json);
}

static const char *lowered(const struct policy *policy, const char *text, const struct tally *tally,
                           struct arena *arena)
{
    struct buffer made = BUFFER_INIT;
    buffer_puts(&made, text);
    for (size_t op = 0; op < op_count; op++) {
        uint32_t weight = policy->op_weight[op];
        bool is_low =
            tally->known[op] >= KNOWN_LEAST && tally->known[op] >= KNOWN_SHARE * tally->other[op];
        if (is_low && weight > 1) {
            buffer_printf(&made, "op.%s = %u\n", op_table[op]->name, weight - weight / 2);
        }
    }
    const char *result = arena_strdup(arena, made.data);
    buffer_release(&made);
    return result;
}

enum err epoch_make(struct store *store, const struct known_rules *rules,
                    const struct policy *policy, const char *text, uint64_t epoch,
                    struct arena *arena, const char **made)
{
    *made = text;
    /* What learns or comes from another program has weights of its own. */
    if (epoch < EPOCH_LEARNS || policy->generator != &generators[0]) {
        return ERR_OK;
    }
    struct arena *scratch = arena_new();
    struct tally *tally = ARENA_ZARRAY(scratch, struct tally, 1);
    struct finding_row *rows;
    size_t n;
    enum err err = store_findings(store, scratch, &rows, &n);
    for (size_t i = 0; err == ERR_OK && i < n; i++) {
        if (rows[i].test_index < epoch_known_tests(epoch)) {
            count_finding(tally, rules, &rows[i]);
        }
    }
    if (err == ERR_OK) {
        *made = lowered(policy, text, tally, arena);
    }
    arena_free(scratch);
    return err;
}

uint64_t epoch_known_tests(uint64_t epoch)
{
    return epoch < EPOCH_LEARNS ? 0 : (epoch - EPOCH_LEARNS + 1) * EPOCH_TESTS;
}

enum err campaign_policy_at(struct store *store, const struct policy *policy, const char *text,
                            uint64_t index, struct arena *arena, const struct policy **result)
{
    const char *row;
    uint64_t epoch = index / EPOCH_TESTS;
    size_t n = strlen(text);
    TRY(store_policy(store, epoch, NULL, arena, &row));
    *result = policy;
    if (row == NULL) {
        return ERR_OK; /* no test of it was begun */
    }
    if (strncmp(row, text, n) != 0) {
        return err_set(ERR_STORE, "the stored policy of epoch %llu is not this campaign's",
                       (unsigned long long)epoch);
    }
    return row[n] == '\0' ? ERR_OK : policy_changed(policy, row + n, arena, result);
}

enum err campaign_again_open(struct store *store, const char *dir, struct arena *arena,
                             struct campaign_again *again)
{
    bool bound = false;
    *again = (struct campaign_again){.store = store};
    TRY(store_key(store, arena, &again->key, &bound));
    if (!bound) {
        return err_set(
            ERR_STORE,
            "%s/campaign.db does not say of which seed, targets and policy it is, so its "
            "tests cannot be made again",
            dir);
    }
    struct policy *policy;
    TRY(generator_open_again(dir, again->key.policy, again->key.policy_hash, arena, &policy));
    again->policy = policy;
    return ERR_OK;
}

enum err campaign_again_test(const struct campaign_again *again, uint64_t index,
                             struct arena *arena, struct test *test)
{
    const struct policy *then;
    TRY(campaign_policy_at(again->store, again->policy, again->key.policy, index, arena, &then));
    return generate_any_test(then, again->key.seed, index, MATERIALIZE_ALL, arena, test);
}

void campaign_again_close(struct campaign_again *again)
{
    if (again->policy != NULL) {
        generator_close(again->policy);
    }
}
