/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bucket of a failure that was reduced to the form of its cause: its own, or an older one that
 * has the cause too. Decided by running.
 */
#include <string.h>

#include "triage/cause_internal.h"

/* The op in a key that differs from ours in its one op alone, as "max" for "L | max(int) | S"
 * beside "L | min(int) | S"; NULL: there is no such. */
static const struct op *op_of_key(const char *key, const char *own, const char *own_op,
                                  struct arena *arena)
{
    size_t head = (size_t)(strstr(own, " | ") - own) + 3;
    const char *tail = own + head + strlen(own_op);
    if (strncmp(key, own, head) != 0) {
        return NULL;
    }
    size_t size = strcspn(key + head, "( ");
    const char *name = arena_printf(arena, "%.*s", (int)size, key + head);
    return strcmp(key + head + size, tail) == 0 ? op_find(name) : NULL;
}

/* With that op in place of a node's. */
static enum err fails_with(struct jury *jury, const struct failure *f, const struct test *of,
                           uint32_t node, const struct op *op, struct arena *arena, bool *same)
{
    struct reduction runs = {.max_runs = 1};
    struct search s = {.jury = jury, .failure = *f, .r = &runs, .arena = arena};
    struct program *p = program_clone(of->program, arena);
    struct test test = *of;
    struct outcome outcome;
    struct verdict verdict;
    p->nodes[node].op_name = op->name;
    test.program = p;
    return search_look(&s, &test, &outcome, &verdict, same);
}

/* Beside "L | sinh(half) | S" is "L | sinh(float) | S" of another class of dtypes alone. */
static bool differs_in_class(const char *key, const char *own)
{
    size_t paren = strcspn(own, "(");
    if (own[paren] == '\0' || strncmp(key, own, paren + 1) != 0) {
        return false;
    }
    const char *a = strchr(key + paren, ')'), *b = strchr(own + paren, ')');
    return a != NULL && b != NULL && strcmp(a, b) == 0;
}

/* The older test in our dtype, each number where it lies in the other's range. */
static enum err fails_in_class(struct jury *jury, const struct failure *f,
                               const struct reduction *r, const struct test *older,
                               struct arena *arena, bool *same)
{
    struct reduction runs = {.max_runs = 1};
    struct search s = {.jury = jury, .failure = *f, .r = &runs, .arena = arena};
    enum dtype from = node_dtype(older->program, &older->program->nodes[0]);
    enum dtype to = node_dtype(r->test->program, &r->test->program->nodes[0]);
    struct test *test = test_in_dtype(older, from, to, arena);
    struct outcome outcome;
    struct verdict verdict;
    *same = false;
    return test != NULL ? search_look(&s, test, &outcome, &verdict, same) : ERR_OK;
}

/* Has this older bucket the cause of what failed by one op, `node`? */
static enum err try_older(struct jury *jury, const struct failure *f, const struct reduction *r,
                          uint32_t node, const char *own, const struct older_bucket *older,
                          struct arena *arena, bool *same)
{
    const struct op *own_op = r->test->program->nodes[node].op;
    const struct op *op = op_of_key(older->key, own, own_op->name, arena);
    *same = false;
    if (op != NULL && op != own_op) {
        /* Both ways: an op that is always wrong fails in the place of any other. */
        TRY(fails_with(jury, f, r->test, node, op, arena, same));
        bool is_alone = older->test != NULL && older->test->program->n_nodes == 1;
        return *same && is_alone ? fails_with(jury, f, older->test, 0, own_op, arena, same)
                                 : ERR_OK;
    }
    if (older->test != NULL && differs_in_class(older->key, own)) {
        return fails_in_class(jury, f, r, older->test, arena, same);
    }
    return ERR_OK;
}

enum err choose_bucket_key(struct jury *jury, const struct failure *f, const struct reduction *r,
                           const struct older_bucket *older, size_t n_older, struct arena *arena,
                           const char **key)
{
    const struct program *p = r->test->program;
    uint32_t node = 0, left = 0;
    const char *own = *key = bucket_key(p, r->stands_in, f->what, f->signature, arena);
    for (uint32_t n = 0; n < p->n_nodes; n++) {
        bool is_left = r->stands_in == NULL || !r->stands_in[n];
        node = is_left ? n : node;
        left += is_left;
    }
    for (size_t i = 0; i < n_older; i++) {
        if (strcmp(older[i].key, own) == 0) {
            return ERR_OK;
        }
    }
    bool may_look = left == 1 && r->complete && r->test->before == NULL && !shows_chance(f) &&
                    r->outcome.kind != OUTCOME_HANG;
    for (size_t i = 0; i < n_older && may_look; i++) {
        bool same;
        TRY(try_older(jury, f, r, node, own, &older[i], arena, &same));
        if (same) {
            *key = older[i].key;
            return ERR_OK;
        }
    }
    return ERR_OK;
}
