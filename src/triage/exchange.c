/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Are the failures of two ops one cause? Each op keeps its own test (attributes, number of
 * operands, ranks) and gets what the other's failure is made of: its numbers, or, where a shape is
 * wrong, its dims. Both ways must fail, and more:
 *
 * - An op that fails whatever it gets says nothing about what it was given. So both must pass with
 * ordinary numbers (no dim of 0), and fail with the least special numbers of the other: 2^31 and
 * 2^53 are both large, and what fails from the one on and what fails from the other on is not one
 * cause. A power of two is special by its bits too, so others as large are as good, where they
 * fail. Where nothing is special but infinity, NaN and 0, both ops take as many operands.
 * - Or, of the same numbers, both give the same wrong numbers where the same are right: the one op
 * is made of the other.
 * - Or a shape is right in both without a switch (an attribute that is true) that both have on.
 */
#include <math.h>
#include <string.h>

#include "triage/exchange.h"

enum {
    TURNS = 3, /* places at which the other's numbers begin */
    FAR = 8,   /* exponents beyond which a number is special by its size */
    /* dims of an operand: as they are, the other's, from 0 on the other's from there on, or from
     * RANK_MAX on 1 but for one that holds all numbers of the other's operand */
    OWN_DIMS = -2,
    THEIR_DIMS = -1
};

/* Where the other's numbers go. */
struct filling {
    bool is_own_slot; /* each operand gets those of the other's operand in its place, else all */
    bool is_negated;  /* what is wrong of minima is so of the maxima of these */
    unsigned turn;    /* each operand begins with this number */
    int dims;
};

/* ---- tests with other leaves ---- */

struct leaf {
    uint32_t value;
    struct tensor tensor;
};

/* Operands of the one node that are no indices, in their order. */
static uint32_t leaves_of(const struct test *t, struct arena *arena,
                          struct leaf leaves[OP_INPUTS_MAX])
{
    const struct program *p = t->program;
    const struct node *node = &p->nodes[0];
    uint32_t n = 0;
    for (uint32_t k = 0; k < node->n_in; k++) {
        uint32_t id = node->in[k];
        if (id == VALUE_ABSENT || ((node->op->index_inputs >> k) & 1) != 0) {
            continue;
        }
        const struct value *v = &p->values[id];
        const void *data = v->data;
        for (uint32_t i = 0; i < t->n_inputs && v->kind == VALUE_INPUT; i++) {
            data = program_input(p, i) == id ? t->inputs[i].data : data;
        }
        struct tensor own = tensor_new(arena, v->dtype, &v->shape);
        if (tensor_size(&own) > 0) {
            memcpy(own.data, data, tensor_size(&own));
        }
        leaves[n++] = (struct leaf){id, own};
    }
    return n;
}

/* The test with these leaves; NULL: it does not fit together. */
static struct test *with_leaves(const struct test *like, const struct leaf *leaves, uint32_t n,
                                struct arena *arena)
{
    struct program *p = program_clone(like->program, arena);
    struct test *test = arena_alloc(arena, sizeof(*test));
    *test = *like;
    test->program = p;
    test->inputs = arena_copy(arena, like->inputs, sizeof(*like->inputs) * like->n_inputs);
    for (uint32_t l = 0; l < n; l++) {
        struct value *v = &p->values[leaves[l].value];
        v->dtype = leaves[l].tensor.dtype;
        v->shape = leaves[l].tensor.shape;
        v->data = v->kind == VALUE_CONST ? leaves[l].tensor.data : v->data;
        for (uint32_t i = 0; i < test->n_inputs; i++) {
            if (program_input(p, i) == leaves[l].value) {
                test->inputs[i] = leaves[l].tensor;
            }
        }
    }
    return ops_resolve(p) == ERR_OK && program_infer(p, arena) == ERR_OK ? test : NULL;
}

/* The other's dims, beginning at another one, in as many dims as ours has: 1 more, or 1 less. */
static struct shape fitted(const struct shape *ours, const struct shape *other, int turn)
{
    struct shape s = {.rank = ours->rank};
    int skip = other->rank > ours->rank ? other->rank - ours->rank : 0;
    for (int i = 0, k = 0; i < s.rank; i++) {
        while (skip > 0 && k < other->rank && other->dim[k] == 1) {
            k++;
            skip--;
        }
        s.dim[(i + turn) % s.rank] = k < other->rank ? other->dim[k++] : 1;
    }
    return s;
}

/* All of so many in dim k, or in the last. */
static struct shape stretched(int32_t rank, size_t numel, int k)
{
    struct shape s = {.rank = rank};
    for (int i = 0; i < rank; i++) {
        s.dim[i] = i == (k < rank ? k : rank - 1) ? (int64_t)numel : 1;
    }
    return s;
}

/* ---- numbers ---- */

/* The other's numbers that go into this operand: those of the operand in its place, or all. */
static size_t numbers_for(const struct leaf *from, uint32_t n, uint32_t slot, bool is_own,
                          struct arena *arena, real **numbers)
{
    size_t count = 0, all = 0;
    for (uint32_t l = 0; l < n; l++) {
        all += shape_numel(&from[l].tensor.shape);
    }
    *numbers = ARENA_ARRAY(arena, real, all + 1);
    for (uint32_t l = 0; l < n; l++) {
        const struct tensor *t = &from[l].tensor;
        bool is_taken = (!is_own || l == slot) && t->dtype == from[0].tensor.dtype;
        for (size_t i = 0; i < shape_numel(&t->shape) && is_taken; i++) {
            (*numbers)[count++] = dtype_load(t->dtype, t->data, i);
        }
    }
    return count;
}

/* What both ops have by one name is that of the guest. */
static void take_attributes(struct node *host, const struct node *guest)
{
    for (uint32_t a = 0; a < host->n_attrs; a++) {
        for (uint32_t b = 0; b < guest->n_attrs; b++) {
            struct attr *to = &host->attrs[a];
            const struct attr *from = &guest->attrs[b];
            if (strcmp(to->name, from->name) == 0 && to->kind == from->kind) {
                *to = *from;
            }
        }
    }
}

/* `host` with the numbers and the dtype of `guest`. */
static struct test *with_numbers_of(const struct test *host, const struct test *guest,
                                    const struct filling *filling, struct arena *arena)
{
    struct leaf leaves[OP_INPUTS_MAX], from[OP_INPUTS_MAX];
    uint32_t n = leaves_of(host, arena, leaves), n_from = leaves_of(guest, arena, from);
    enum dtype was = n > 0 ? leaves[0].tensor.dtype : DTYPE_NONE;
    for (uint32_t l = 0; l < n && n_from > 0; l++) {
        real *numbers;
        size_t count =
            numbers_for(from, n_from, l < n_from ? l : 0, filling->is_own_slot, arena, &numbers);
        if (leaves[l].tensor.dtype != was || count == 0) {
            continue;
        }
        struct shape shape = leaves[l].tensor.shape;
        if (filling->dims != OWN_DIMS && l < n_from && shape.rank > 0) {
            const struct shape *other = &from[l].tensor.shape;
            shape = filling->dims == THEIR_DIMS ? *other
                    : filling->dims < RANK_MAX
                        ? fitted(&shape, other, filling->dims)
                        : stretched(shape.rank, count, filling->dims - RANK_MAX);
        }
        struct tensor t = tensor_new(arena, from[0].tensor.dtype, &shape);
        for (size_t i = 0; i < shape_numel(&t.shape); i++) {
            real x = numbers[(i + filling->turn) % count];
            dtype_store(t.dtype, t.data, i, filling->is_negated ? -x : x);
        }
        leaves[l].tensor = t;
    }
    struct test own = *host;
    struct program *p = program_clone(host->program, arena);
    own.program = p;
    if (filling->is_own_slot) {
        take_attributes(&p->nodes[0], &guest->program->nodes[0]);
    }
    return with_leaves(&own, leaves, n, arena);
}

/* Nearer to 1 by so many powers of two, but no nearer than FAR. */
static real nearer(enum dtype d, real x, int steps)
{
    if (x == 0 || !isfinite(x)) {
        return x;
    }
    int e = ilogbl(x), size = e < 0 ? -e : e;
    int to = size <= FAR ? size : size - steps < FAR ? FAR : size - steps;
    x = ldexpl(x, (e < 0 ? -to : to) - e);
    return dtype_is_float(d) ? x : truncl(x);
}

static real small_count(enum dtype d, real x, int i)
{
    return d == DTYPE_BOOL ? x : (real)(1 + i % 5);
}

/* The test with each number changed by `change`. */
static struct test *with_change(const struct test *like, real (*change)(enum dtype, real, int),
                                int argument, struct arena *arena)
{
    struct leaf leaves[OP_INPUTS_MAX];
    uint32_t n = leaves_of(like, arena, leaves);
    for (uint32_t l = 0; l < n; l++) {
        const struct tensor old = leaves[l].tensor;
        struct tensor t = tensor_new(arena, old.dtype, &old.shape);
        for (size_t i = 0; i < shape_numel(&t.shape); i++) {
            real x = dtype_load(old.dtype, old.data, i);
            int a = change == small_count ? (int)i : argument;
            dtype_store(t.dtype, t.data, i, change(t.dtype, x, a));
        }
        leaves[l].tensor = t;
    }
    return with_leaves(like, leaves, n, arena);
}

static enum err fails(const struct exchange *x, struct test *test, struct outcome *outcome,
                      struct verdict *verdict, bool *same)
{
    *same = false;
    return test != NULL ? look_once(x->jury, x->failure, test, x->arena, outcome, verdict, same)
                        : ERR_OK;
}

static enum err just_fails(const struct exchange *x, struct test *test, bool *same)
{
    struct outcome outcome;
    struct verdict verdict;
    return fails(x, test, &outcome, &verdict, same);
}

/* The failing test whose far numbers are as near to 1 as they may be. */
static enum err least_special(const struct exchange *x, const struct test *test,
                              const struct test **least)
{
    int lo = 0, hi = 1 << 14; /* fails, passes; beyond the exponents of all dtypes */
    *least = test;
    while (hi - lo > 1) {
        int steps = lo + (hi - lo) / 2;
        struct test *tried = with_change(test, nearer, steps, x->arena);
        bool same;
        TRY(just_fails(x, tried, &same));
        *least = same ? tried : *least;
        lo = same ? steps : lo;
        hi = same ? hi : steps;
    }
    return ERR_OK;
}

/* Ways to begin with the other's dims. */
static int dims_turns(const struct test *host, struct arena *arena)
{
    struct leaf leaves[OP_INPUTS_MAX];
    uint32_t n = leaves_of(host, arena, leaves);
    int turns = 0;
    for (uint32_t l = 0; l < n; l++) {
        int32_t rank = leaves[l].tensor.shape.rank;
        turns = rank > turns ? rank : turns;
    }
    return turns;
}

static enum err fails_in_dims(const struct exchange *x, const struct test *host,
                              const struct test *guest, int first, int end, bool *same)
{
    for (int dims = first; dims < end && !*same; dims++) {
        const struct filling filling = {.is_own_slot = true, .dims = dims};
        TRY(just_fails(x, with_numbers_of(host, guest, &filling, x->arena), same));
    }
    return ERR_OK;
}

/* Which elements stand beside which decides in kernels for vectors: several ways to place them. */
static enum err fails_with_numbers(const struct exchange *x, const struct test *host,
                                   const struct test *guest, bool *same)
{
    int last = dims_turns(host, x->arena);
    *same = false;
    TRY(fails_in_dims(x, host, guest, OWN_DIMS, last, same));
    TRY(fails_in_dims(x, host, guest, RANK_MAX, RANK_MAX + last, same));
    for (int way = 0; way < 2 && !*same; way++) {
        struct filling filling = {.is_negated = way == 1, .dims = OWN_DIMS};
        for (filling.turn = 1; filling.turn <= TURNS && !*same; filling.turn++) {
            TRY(just_fails(x, with_numbers_of(host, guest, &filling, x->arena), same));
        }
    }
    return ERR_OK;
}

/* ---- the same wrong numbers ---- */

/* What an output should be and what it is. */
struct wrong {
    const struct array *right;
    const struct tensor *is;
};

static struct wrong wrong_of(const struct exchange *x, const struct test *test,
                             const struct outcome *o, const struct verdict *v)
{
    const struct program *p = test->program;
    return (struct wrong){&reference_values(reference_new(test, x->arena))[p->outputs[v->output]],
                          &o->outputs[v->output]};
}

static bool equally_wrong(const struct wrong *a, const struct wrong *b)
{
    bool equal = a->right->n == b->right->n && a->is->dtype == b->is->dtype;
    bool is_ordinary = false; /* 0 and what is not finite are the same by chance */
    for (size_t i = 0; i < a->right->n && equal; i++) {
        real is = dtype_load(a->is->dtype, a->is->data, i);
        equal = is == dtype_load(b->is->dtype, b->is->data, i) && a->right->v[i] == b->right->v[i];
        is_ordinary = is_ordinary ||
                      (isfinite(is) && is != 0 && is != dtype_round(a->is->dtype, a->right->v[i]));
    }
    return equal && is_ordinary;
}

/* Does the host with the guest's numbers, in its own dims or the guest's, give what it gave? */
static enum err gives_the_same(const struct exchange *x, const struct test *host,
                               const struct test *guest, bool *same)
{
    struct outcome of_host, of_guest;
    struct verdict v_host, v_guest;
    struct test *own = with_change(guest, nearer, 0, x->arena);
    TRY(fails(x, own, &of_guest, &v_guest, same));
    bool is_there = *same;
    int last = dims_turns(host, x->arena);
    *same = false;
    for (int dims = OWN_DIMS; dims < last && is_there && !*same; dims++) {
        const struct filling filling = {.is_own_slot = true, .dims = dims};
        struct test *other = with_numbers_of(host, guest, &filling, x->arena);
        TRY(fails(x, other, &of_host, &v_host, same));
        if (*same) {
            struct wrong a = wrong_of(x, other, &of_host, &v_host);
            struct wrong b = wrong_of(x, own, &of_guest, &v_guest);
            *same = equally_wrong(&a, &b);
        }
    }
    return ERR_OK;
}

/* As far from 1, of many bits: a power of two is special in its own way. */
static real many_bits(enum dtype d, real x, int unused)
{
    if (!isfinite(x) || fabsl(x) < 0x1p8L) {
        return x;
    }
    return dtype_is_float(d) ? x * 2 / 3 : truncl(x * 2 / 3);
}

/* The guest's numbers, or such of many bits if it fails with those; each as special as they are, or
 * as little as they may be. */
static enum err fails_as(const struct exchange *x, const struct test *host,
                         const struct test *guest, bool is_least, bool *same)
{
    *same = false;
    for (int i = 0; i < 2 && !*same; i++) {
        const struct test *varied = guest;
        bool is_failure = true;
        if (i > 0) {
            struct test *test = with_change(guest, many_bits, 0, x->arena);
            TRY(just_fails(x, test, &is_failure));
            varied = test;
        }
        if (is_failure && is_least) {
            TRY(least_special(x, varied, &varied));
        }
        if (is_failure) {
            TRY(fails_with_numbers(x, host, varied, same));
        }
    }
    return ERR_OK;
}

static bool has_far_numbers(const struct leaf *leaves, uint32_t n)
{
    for (uint32_t l = 0; l < n; l++) {
        const struct tensor *t = &leaves[l].tensor;
        for (size_t i = 0; i < shape_numel(&t->shape); i++) {
            real v = dtype_load(t->dtype, t->data, i);
            int e = isfinite(v) && v != 0 ? ilogbl(v) : 0;
            if (e > FAR || e < -FAR) {
                return true;
            }
        }
    }
    return false;
}

static bool takes_any_number(const struct op *op)
{
    size_t n = op_n_inputs(op);
    return n > 0 && op->in[n - 1].variadic;
}

/* Infinity, NaN and 0 are what many formulas trip over. So ops that share no more than these are
 * to be of one form. */
static bool may_be_by_least(const struct test *a, const struct test *b, struct arena *arena)
{
    struct leaf of_a[OP_INPUTS_MAX], of_b[OP_INPUTS_MAX];
    uint32_t n_a = leaves_of(a, arena, of_a), n_b = leaves_of(b, arena, of_b);
    bool any_number =
        takes_any_number(a->program->nodes[0].op) && takes_any_number(b->program->nodes[0].op);
    return n_a == n_b || any_number || has_far_numbers(of_a, n_a) || has_far_numbers(of_b, n_b);
}

/* Neither fails with ordinary numbers, and each fails with the least special of the other's. */
static enum err same_by_least(const struct exchange *x, const struct test *a, const struct test *b,
                              bool *same)
{
    const struct test *both[] = {a, b};
    bool fails_plain = !may_be_by_least(a, b, x->arena);
    for (int i = 0; i < 2 && !fails_plain; i++) {
        TRY(just_fails(x, with_change(both[i], small_count, 0, x->arena), &fails_plain));
    }
    *same = !fails_plain;
    for (int i = 0; i < 2 && *same; i++) {
        TRY(fails_as(x, both[i], both[1 - i], true, same));
    }
    return ERR_OK;
}

static enum err same_by_numbers(const struct exchange *x, const struct test *a,
                                const struct test *b, bool *same)
{
    bool a_fails, b_fails = false;
    *same = false;
    TRY(fails_as(x, a, b, false, &a_fails));
    if (a_fails) {
        TRY(fails_as(x, b, a, false, &b_fails));
    }
    if (!a_fails || !b_fails) {
        return ERR_OK;
    }
    TRY(gives_the_same(x, b, a, same));
    if (!*same) {
        TRY(gives_the_same(x, a, b, same));
    }
    return *same ? ERR_OK : same_by_least(x, a, b, same);
}

/* ---- dims ---- */

static bool has_zero(const struct shape *s)
{
    return shape_numel(s) == 0;
}

/* `host` with the dims of `guest`, those of 1 as `one`; turn < 0: its own, with none of 0. */
static struct test *with_dims_of(const struct test *host, const struct test *guest, int turn,
                                 int64_t one, struct arena *arena)
{
    struct leaf leaves[OP_INPUTS_MAX], from[OP_INPUTS_MAX];
    uint32_t n = leaves_of(host, arena, leaves), n_from = leaves_of(guest, arena, from);
    for (uint32_t l = 0; l < n; l++) {
        struct shape s = leaves[l].tensor.shape;
        for (int i = 0; i < s.rank && turn < 0; i++) {
            s.dim[i] = s.dim[i] == 0 ? 1 : s.dim[i];
        }
        if (turn >= 0 && s.rank > 0 && l < n_from) {
            s = fitted(&s, &from[l].tensor.shape, turn);
            for (int i = 0; i < s.rank; i++) {
                s.dim[i] = s.dim[i] == 1 ? one : s.dim[i];
            }
        }
        leaves[l].tensor = tensor_new(arena, leaves[l].tensor.dtype, &s);
    }
    return with_leaves(host, leaves, n, arena);
}

static bool is_empty(const struct test *test, struct arena *arena)
{
    struct leaf leaves[OP_INPUTS_MAX];
    uint32_t n = leaves_of(test, arena, leaves);
    bool empty = false;
    for (uint32_t l = 0; l < n; l++) {
        empty = empty || has_zero(&leaves[l].tensor.shape);
    }
    return empty;
}

static enum err fails_with_dims(const struct exchange *x, const struct test *host,
                                const struct test *guest, bool *same)
{
    /* A reduction over a dim of 1 hides what is kept of it: 2 is as ordinary. */
    static const int64_t ones[] = {1, 2};
    int last = dims_turns(host, x->arena);
    *same = false;
    for (size_t i = 0; i < ARRAY_SIZE(ones) && !*same; i++) {
        for (int turn = 0; turn < last && !*same; turn++) {
            TRY(just_fails(x, with_dims_of(host, guest, turn, ones[i], x->arena), same));
        }
    }
    return ERR_OK;
}

static enum err same_by_dims(const struct exchange *x, const struct test *a, const struct test *b,
                             bool *same)
{
    const struct test *both[] = {a, b};
    *same = is_empty(a, x->arena) && is_empty(b, x->arena);
    for (int i = 0; i < 2 && *same; i++) {
        bool always;
        TRY(just_fails(x, with_dims_of(both[i], both[i], -1, 1, x->arena), &always));
        *same = !always;
        if (*same) {
            TRY(fails_with_dims(x, both[i], both[1 - i], same));
        }
    }
    return ERR_OK;
}

/* ---- switches ---- */

/* Is it right with this attribute, which is true, as false? */
static enum err passes_without(const struct exchange *x, const struct test *test, const char *name,
                               bool *passes)
{
    struct leaf leaves[OP_INPUTS_MAX];
    uint32_t n = leaves_of(test, x->arena, leaves);
    struct test off = *test;
    off.program = program_clone(test->program, x->arena);
    struct node *node = &off.program->nodes[0];
    for (uint32_t a = 0; a < node->n_attrs; a++) {
        if (strcmp(node->attrs[a].name, name) == 0) {
            node->attrs[a].i[0] = 0;
        }
    }
    struct test *changed = with_leaves(&off, leaves, n, x->arena);
    struct outcome outcome;
    struct verdict verdict = {.kind = VERDICT_UNJUDGED};
    bool same;
    TRY(changed != NULL
            ? failure_shows(x->jury, x->failure, changed, x->arena, &outcome, &verdict, &same)
            : ERR_OK);
    *passes = verdict.kind == VERDICT_PASS;
    return ERR_OK;
}

/* A switch that both have on, and without which both are right, is what one function does for both
 * (windows of pools with ceil_mode). */
static enum err same_by_switch(const struct exchange *x, const struct test *a, const struct test *b,
                               bool *same)
{
    const struct node *node = &a->program->nodes[0];
    for (uint32_t k = 0; k < node->n_attrs && !*same; k++) {
        const struct attr *on = &node->attrs[k];
        const struct attr *theirs = node_attr(&b->program->nodes[0], on->name);
        if (on->kind != ATTR_BOOL || on->i[0] == 0 || theirs == NULL || !attr_equal(on, theirs)) {
            continue;
        }
        TRY(passes_without(x, a, on->name, same));
        if (*same) {
            TRY(passes_without(x, b, on->name, same));
        }
    }
    return ERR_OK;
}

bool can_exchange(const struct test *test)
{
    const struct program *p = test->program;
    return p->n_nodes == 1 && p->nodes[0].op != NULL && test->before == NULL;
}

enum err exchange_fails_alike(const struct exchange *x, const struct test *a, const struct test *b,
                              bool *same)
{
    struct outcome outcome;
    struct failure of_b = *x->failure;
    /* Of slight failures nothing clear comes: what one op fails with by far may show a little in
     * the other. So the slighter of the two is the measure. */
    struct failure slighter = *x->failure;
    TRY(failure_shows(x->jury, &of_b, b, x->arena, &outcome, &of_b.verdict, same));
    if (!*same) {
        return ERR_OK;
    }
    if (!failure_is_clear(&of_b.verdict)) {
        slighter.verdict = of_b.verdict;
    }
    const struct exchange measured = {x->jury, &slighter, x->arena};
    if (strcmp(slighter.signature, "shape") != 0) {
        return same_by_numbers(&measured, a, b, same);
    }
    TRY(same_by_dims(&measured, a, b, same));
    return *same ? ERR_OK : same_by_switch(&measured, a, b, same);
}
