/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bucket of a failure that was reduced to the form of its cause: its own, or an older one that
 * has the cause too. That is decided by running, of both the test at hand and those of the older
 * bucket: an op that is always wrong fails in the place of any other, so one look says nothing.
 */
#include <string.h>

#include "triage/alike.h"
#include "triage/exchange.h"

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

/* What looks for its bucket. */
struct seeker {
    struct jury *jury;
    const struct failure *failure;
    const struct reduction *reduction;
    const char *key;        /* its own */
    bool is_one_op;         /* the cause is of one node alone, */
    uint32_t node;          /* this one */
    struct failure reduced; /* ours, in its smallest form */
    struct fused fused;
    const struct older_buckets *older;
    struct arena *arena;
};

/* Runs it once; does it fail as ours does? */
static enum err fails(const struct seeker *s, struct test *test, bool *same)
{
    struct outcome outcome;
    struct verdict verdict;
    return look_once(s->jury, &s->reduced, test, s->arena, &outcome, &verdict, same);
}

/* With that op in place of a node's. */
static enum err fails_with(const struct seeker *s, const struct test *of, uint32_t node,
                           const struct op *op, bool *same)
{
    struct program *p = program_clone(of->program, s->arena);
    struct test test = *of;
    p->nodes[node].op_name = op->name;
    test.program = p;
    return fails(s, &test, same);
}

/* The node of the cause in a test of an older bucket, whose key names this op alone: all others are
 * there for something. n_nodes: which it is cannot be told. */
static uint32_t cause_node(const struct program *p, const struct op *op)
{
    uint32_t node = p->n_nodes, found = 0;
    for (uint32_t n = 0; n < p->n_nodes; n++) {
        bool is_it = strcmp(p->nodes[n].op_name, op->name) == 0;
        node = is_it ? n : node;
        found += is_it;
    }
    return found == 1 ? node : p->n_nodes;
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

/* Of wrong values and shapes each op keeps its own attributes and operands, where it is alone. */
static bool may_exchange(const struct seeker *s, const struct test *older)
{
    const char *signature = s->failure->signature;
    return (is_value(signature) || strcmp(signature, "shape") == 0) &&
           can_exchange(s->reduction->test) && can_exchange(older);
}

/* Each op in the place of the other. */
static enum err fails_both_ways(const struct seeker *s, const struct test *older,
                                const struct op *op, bool *same)
{
    const struct test *ours = s->reduction->test;
    uint32_t node = cause_node(older->program, op);
    *same = false;
    if (node == older->program->n_nodes) {
        return ERR_OK;
    }
    if (may_exchange(s, older)) {
        const struct exchange x = {s->jury, &s->reduced, s->arena};
        return exchange_fails_alike(&x, ours, older, same);
    }
    TRY(fails_with(s, ours, s->node, op, same));
    return *same ? fails_with(s, older, node, ours->program->nodes[s->node].op, same) : ERR_OK;
}

/* The older test in our dtype, each number where it lies in the other's range. */
static enum err fails_in_class(const struct seeker *s, const struct test *older, bool *same)
{
    const struct program *ours = s->reduction->test->program;
    uint32_t node = cause_node(older->program, ours->nodes[s->node].op);
    *same = false;
    if (node == older->program->n_nodes) {
        return ERR_OK;
    }
    enum dtype from = node_dtype(older->program, &older->program->nodes[node]);
    enum dtype to = node_dtype(ours, &ours->nodes[s->node]);
    struct test *test = from != to ? test_in_dtype(older, from, to, s->arena) : NULL;
    return test != NULL ? fails(s, test, same) : ERR_OK;
}

/* Bytes of "LIBRARY | CHAIN | ". */
static size_t key_head(const char *key)
{
    const char *chain = strstr(key, " | ") + 3;
    return (size_t)(strstr(chain, " | ") + 3 - key);
}

/* How our failure may be that of an older bucket, as far as its key says. */
enum kinship { UNRELATED, OF_SAME_OPS, OF_OTHER_OP, OF_OTHER_CLASS };

static enum kinship kinship_of(const struct seeker *s, const char *key, const struct op **op)
{
    *op = NULL;
    if (strncmp(key, s->key, key_head(s->key)) == 0) {
        return OF_SAME_OPS;
    }
    if (s->is_one_op) {
        const struct op *own_op = s->reduction->test->program->nodes[s->node].op;
        *op = op_of_key(key, s->key, own_op->name, s->arena);
        return *op != NULL && *op != own_op    ? OF_OTHER_OP
               : differs_in_class(key, s->key) ? OF_OTHER_CLASS
                                               : UNRELATED;
    }
    return UNRELATED;
}

/* Does it pass with the same numbers in f32? Of other dtypes than half floats: no. */
static enum err passes_in_single(const struct seeker *s, const struct test *test, bool *passes)
{
    const struct program *p = test->program;
    enum dtype d = node_dtype(p, &p->nodes[s->node]);
    struct test *wide = dtype_is_half(d) ? test_widened(test, d, DTYPE_F32, s->arena) : NULL;
    struct outcome outcome;
    struct verdict verdict = {.kind = VERDICT_UNJUDGED};
    bool same;
    TRY(wide != NULL ? failure_shows(s->jury, s->failure, wide, s->arena, &outcome, &verdict, &same)
                     : ERR_OK);
    *passes = verdict.kind == VERDICT_PASS;
    return ERR_OK;
}

/* The same op alone, whose numbers are wrong, one by a little and one because they are too large on
 * the way: do both go away in single precision? */
static enum err goes_alike(const struct seeker *s, const char *key, const struct test *older,
                           bool *same)
{
    const struct failure f = s->reduced;
    *same = false;
    if (is_value(f.signature) && is_value(key + key_head(key)) && can_exchange(f.test) &&
        can_exchange(older)) {
        TRY(passes_in_single(s, f.test, same));
        return *same ? passes_in_single(s, older, same) : ERR_OK;
    }
    return ERR_OK;
}

/* Has this older bucket the cause? One of its tests may hide what another shows. */
static enum err try_older(const struct seeker *s, const char *key, bool *same)
{
    const struct op *op;
    enum kinship kin = kinship_of(s, key, &op);
    size_t head = key_head(s->key), n = 0;
    const struct test **tests = NULL;
    bool of_library = strncmp(key, s->key, strcspn(s->key, "|")) == 0;
    bool in_words = of_library && signatures_alike(key + key_head(key), s->key + head);
    *same = kin == OF_SAME_OPS && in_words;
    bool may_share = s->fused.optimizers.n > 0 && of_library;
    if ((kin != UNRELATED || may_share || in_words) && !*same) {
        TRY(s->older->tests_of(s->older->context, key, s->arena, &tests, &n));
    }
    for (size_t i = 0; i < n && !*same; i++) {
        if (tests[i]->before != NULL) {
            continue;
        }
        TRY(kin == OF_SAME_OPS      ? goes_alike(s, key, tests[i], same)
            : kin == OF_OTHER_OP    ? fails_both_ways(s, tests[i], op, same)
            : kin == OF_OTHER_CLASS ? fails_in_class(s, tests[i], same)
                                    : ERR_OK);
        if (!*same && in_words) {
            const struct worded ours = {s->reduced.test, s->key + head};
            const struct worded theirs = {tests[i], key + key_head(key)};
            TRY(told_alike(s->failure->what, &ours, &theirs, s->arena, same));
        }
        if (!*same) {
            TRY(shares_optimizer(s->jury, &s->reduced, &s->fused, tests[i], s->arena, same));
        }
    }
    return ERR_OK;
}

/* How many nodes are of the cause; *node: the last of them. */
static uint32_t count_causes(const struct reduction *r, uint32_t *node)
{
    uint32_t left = 0;
    for (uint32_t n = 0; n < r->test->program->n_nodes; n++) {
        bool is_left = r->stands_in == NULL || !r->stands_in[n];
        *node = is_left ? n : *node;
        left += is_left;
    }
    return left;
}

enum err choose_bucket_key(struct jury *jury, const struct failure *f, const struct reduction *r,
                           const struct older_buckets *older, struct arena *arena, const char **key)
{
    struct seeker s = {.jury = jury, .failure = f, .reduction = r, .older = older, .arena = arena};
    s.key = *key = bucket_key(r->test->program, r->stands_in, f->what, f->signature, arena);
    for (size_t i = 0; i < older->n; i++) {
        if (strcmp(older->keys[i], s.key) == 0) {
            return ERR_OK;
        }
    }
    /* Of an op alone only shapes and numbers may be left as they were. */
    bool is_small = r->complete || r->test->program->n_nodes == 1;
    s.is_one_op = count_causes(r, &s.node) == 1;
    bool may_look =
        is_small && r->test->before == NULL && !shows_chance(f) && r->outcome.kind != OUTCOME_HANG;
    s.reduced = failure_reduced(f, r);
    if (may_look && older->n > 0) {
        TRY(optimizers_behind(jury, &s.reduced, arena, &s.fused));
    }
    for (size_t i = 0; i < older->n && may_look; i++) {
        bool same;
        TRY(try_older(&s, older->keys[i], &same));
        if (same) {
            *key = older->keys[i];
            return ERR_OK;
        }
    }
    return ERR_OK;
}
