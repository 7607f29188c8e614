/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a small form of a failure to the form of its cause, so that one wrong op among different
 * others is one bucket.
 *
 * - What is wrong earlier is the failure: where a value on the way fails by itself (a wrong shape
 * that a later op refuses, a wrong number that a later op spreads), the program that ends there
 * takes the place of the whole. In a reduced form the earlier nodes are needed, so the later
 * failure does not show without theirs.
 * - A node that another op can stand in for, and the failure stays, is no part of the cause: it
 * only computes something, or reads something. A plain op takes its place, and the key of the
 * bucket leaves it out.
 *
 * - What shows with ordinary numbers in f32 as well is no matter of special ones or of the dtype.
 *
 * What is simpler by any of these is reduced again. All is decided by running: no op and no case is
 * named.
 */
#include <math.h>
#include <string.h>

#include "triage/triage.h"
#include "triage/triage_internal.h"

struct search {
    struct jury *jury;
    struct failure failure; /* of the smallest form: its test, verdict, outcome, signature */
    struct reduction *r;
    double cpu_start;
    struct arena *arena;
};

static double cpu_now(const struct search *s)
{
    return clock_cpu_self() + jury_usage(s->jury).worker_cpu;
}

static bool search_over(const struct search *s)
{
    return stop_requested || s->r->runs >= s->r->max_runs ||
           s->r->cpu + cpu_now(s) - s->cpu_start >= s->r->cpu_limit;
}

/* ---- programs like the smallest one ---- */

/* What stands in for a node: one op of one operand. */
struct stand_in {
    uint32_t node;
    const char *op;
    bool from_zero;   /* its operand is the second one, behind a constant 0 */
    uint32_t operand; /* value id; VALUE_ABSENT: a new input that holds `recorded` */
    void *recorded;   /* elements that give what the node gave */
    uint32_t result;  /* the one output of the node that anything reads */
};

static uint32_t add_stand_in(struct program *made, const struct program *p,
                             const struct stand_in *s, uint32_t operand, struct arena *arena)
{
    const struct value *x = &made->values[operand];
    enum dtype dtype = x->dtype;
    struct shape shape = x->shape;
    uint32_t in[2] = {operand};
    uint32_t n_in = 1;
    if (s->from_zero) {
        const struct shape scalar = {.rank = 0};
        in[0] = program_add_const(made, NULL, dtype, &scalar, arena_zalloc(arena, sizeof(real)));
        in[1] = operand;
        n_in = 2;
    }
    const char *name = p->values[s->result].name;
    uint32_t node =
        program_add_named_node(made, s->op, n_in, in, 0, NULL, 1, &dtype, &shape, &name);
    return made->nodes[node].out[0];
}

static void add_same_node(struct program *made, const struct program *p, const struct node *node,
                          uint32_t *to, struct arena *arena)
{
    uint32_t *in = ARENA_ARRAY(arena, uint32_t, node->n_in);
    enum dtype dtypes[NODE_OUTPUTS_MAX];
    struct shape shapes[NODE_OUTPUTS_MAX];
    const char *names[NODE_OUTPUTS_MAX];
    for (uint32_t k = 0; k < node->n_in; k++) {
        in[k] = node->in[k] == VALUE_ABSENT ? VALUE_ABSENT : to[node->in[k]];
    }
    for (uint32_t o = 0; o < node->n_out; o++) {
        const struct value *v = &p->values[node->out[o]];
        dtypes[o] = v->dtype;
        shapes[o] = v->shape;
        names[o] = v->name;
    }
    uint32_t n = program_add_named_node(made, node->op_name, node->n_in, in, node->n_attrs,
                                        node->attrs, node->n_out, dtypes, shapes, names);
    for (uint32_t o = 0; o < node->n_out; o++) {
        to[node->out[o]] = made->nodes[n].out[o];
    }
}

/* The program with one node replaced, NULL: nothing is left to compute; *fresh: the name of the
 * input that is new, NULL: none is. */
static struct program *with_stand_in(const struct program *p, const struct stand_in *s,
                                     const char **fresh, struct arena *arena)
{
    struct program *made = program_new(arena);
    uint32_t *to = ARENA_ARRAY(arena, uint32_t, p->n_values);
    *fresh = NULL;
    for (uint32_t id = 0; id < p->n_values; id++) {
        const struct value *v = &p->values[id];
        if (v->kind == VALUE_INPUT) {
            to[id] = program_add_input(made, v->name, v->dtype, &v->shape);
        } else if (v->kind == VALUE_CONST) {
            to[id] = program_add_const(made, v->name, v->dtype, &v->shape, v->data);
        }
    }
    uint32_t given = VALUE_ABSENT;
    if (s->operand == VALUE_ABSENT) {
        const struct value *v = &p->values[s->result];
        *fresh = "given";
        for (int i = 2; program_find_value(p, *fresh) != VALUE_ABSENT; i++) {
            *fresh = arena_printf(arena, "given%d", i);
        }
        given = program_add_input(made, *fresh, v->dtype, &v->shape);
    }
    for (uint32_t n = 0; n < p->n_nodes; n++) {
        if (n == s->node && s->op == NULL) {
            to[s->result] = given;
        } else if (n == s->node) {
            uint32_t operand = given != VALUE_ABSENT ? given : to[s->operand];
            to[s->result] = add_stand_in(made, p, s, operand, arena);
        } else {
            add_same_node(made, p, &p->nodes[n], to, arena);
        }
    }
    for (uint32_t o = 0; o < p->n_outputs; o++) {
        if (to[p->outputs[o]] != given) { /* no input is an output */
            program_add_output(made, to[p->outputs[o]]);
        }
    }
    return made->n_outputs > 0 ? program_prune(made, arena, true) : NULL;
}

/* A test of this program with the inputs that the smallest one has under the same names. */
static struct test *test_with(const struct test *like, const struct program *p, const char *fresh,
                              void *elements, struct arena *arena)
{
    struct test *test = arena_alloc(arena, sizeof(*test));
    *test = *like;
    test->program = p;
    test->n_inputs = program_n_inputs(p);
    test->inputs = ARENA_ARRAY(arena, struct tensor, test->n_inputs);
    for (uint32_t k = 0; k < test->n_inputs; k++) {
        const struct value *v = &p->values[program_input(p, k)];
        if (fresh != NULL && strcmp(v->name, fresh) == 0) {
            test->inputs[k] = (struct tensor){v->dtype, v->shape, elements};
            continue;
        }
        uint32_t other = 0;
        while (strcmp(like->program->values[program_input(like->program, other)].name, v->name)) {
            other++;
        }
        test->inputs[k] = like->inputs[other];
    }
    return test;
}

/* Runs it once. *same: it fails as the smallest one does; the verdict is any. */
static enum err look_at(struct search *s, struct test *test, struct outcome *outcome,
                        struct verdict *verdict, bool *same)
{
    struct program *p = program_clone(test->program, s->arena);
    *same = false;
    *verdict = (struct verdict){.kind = VERDICT_PASS};
    if (ops_resolve(p) != ERR_OK || program_verify(p) != ERR_OK || ops_check(p) != ERR_OK ||
        !target_supports(s->failure.what, p)) {
        return ERR_OK;
    }
    test->program = p;
    s->r->runs++;
    return failure_shows(s->jury, &s->failure, test, s->arena, outcome, verdict, same);
}

static void adopt(struct search *s, const struct test *test, const struct outcome *outcome,
                  const struct verdict *verdict)
{
    s->failure.test = test;
    s->failure.outcome = *outcome;
    s->failure.verdict = *verdict;
    s->failure.signature = failure_signature(verdict, outcome, s->arena);
    s->r->test = test;
    s->r->outcome = *outcome;
    s->r->verdict = *verdict;
}

/* *found: it fails, in whatever way, and is the failure now. */
static enum err adopt_if_wrong(struct search *s, struct test *test, bool *found)
{
    struct outcome outcome;
    struct verdict verdict;
    bool same;
    TRY(look_at(s, test, &outcome, &verdict, &same));
    *found = verdict.kind == VERDICT_FINDING;
    if (*found) {
        adopt(s, test, &outcome, &verdict);
    }
    return ERR_OK;
}

static enum err reduce_again(struct search *s)
{
    struct reduction more = {
        .cpu_limit = s->r->cpu_limit - s->r->cpu - (cpu_now(s) - s->cpu_start),
        .max_runs = s->r->max_runs - s->r->runs,
    };
    TRY(reduce(s->jury, &s->failure, &more, s->arena));
    s->r->runs += more.runs;
    if (more.reproduced) {
        adopt(s, more.test, &more.outcome, &more.verdict);
        s->r->complete = more.complete;
    }
    return ERR_OK;
}

/* ---- what is wrong earlier ---- */

static struct program *program_to(const struct program *p, uint32_t value, struct arena *arena)
{
    struct program only = *p;
    only.n_outputs = only.outputs_capacity = 1;
    only.outputs = &value;
    return program_prune(&only, arena, true);
}

/* *found: the program that ends at an earlier value fails by itself, and is the failure now. */
static enum err try_earlier(struct search *s, bool *found)
{
    const struct program *p = s->failure.test->program;
    *found = false;
    for (uint32_t id = 0; id < p->n_values && !*found && !search_over(s); id++) {
        if (p->values[id].kind != VALUE_NODE) {
            continue;
        }
        struct program *part = program_to(p, id, s->arena);
        if (part->n_nodes >= p->n_nodes) {
            continue;
        }
        struct test *test = test_with(s->failure.test, part, NULL, NULL, s->arena);
        TRY(adopt_if_wrong(s, test, found));
    }
    return ERR_OK;
}

/* ---- what another op can stand in for ---- */

/* Plain ops: of one operand, which they give back when asked twice, and nothing special about any
 * number. */
static const struct plain {
    const char *op;
    bool from_zero;
} plain_ops[] = {{"neg", false}, {"bit_not", false}, {"not", false}, {"sub", true}};

static real plain_of(const struct plain *plain, enum dtype d, real x)
{
    if (strcmp(plain->op, "bit_not") == 0) {
        return dtype_wrap(d, ~real_pattern(x));
    }
    return strcmp(plain->op, "not") == 0 ? x == 0
           : dtype_is_int(d)             ? dtype_wrap(d, -real_pattern(x))
                                         : -x;
}

static bool plain_takes(const struct plain *plain, enum dtype d)
{
    const struct op *op = op_find(plain->op);
    return op != NULL && dtype_in(d, op->in[0].dtypes);
}

/* The elements of which the plain op makes what the node gave. */
static void *recorded_for(const struct search *s, const struct plain *plain, uint32_t value)
{
    const struct array *a = &reference_values(reference_new(s->failure.test, s->arena))[value];
    struct tensor t = tensor_from_array(s->arena, a);
    for (size_t i = 0; i < a->n; i++) {
        dtype_store(t.dtype, t.data, i, plain_of(plain, t.dtype, a->v[i]));
    }
    return t.data;
}

static bool is_read(const struct program *p, uint32_t value, bool as_output)
{
    for (uint32_t i = 0; i < p->n_nodes; i++) {
        for (uint32_t k = 0; k < p->nodes[i].n_in; k++) {
            if (p->nodes[i].in[k] == value) {
                return true;
            }
        }
    }
    for (uint32_t o = 0; o < p->n_outputs && as_output; o++) {
        if (p->outputs[o] == value) {
            return true;
        }
    }
    return false;
}

/* The one output of the node that anything reads; VALUE_ABSENT: several are. */
static uint32_t only_result(const struct program *p, const struct node *node)
{
    uint32_t result = VALUE_ABSENT;
    for (uint32_t o = 0; o < node->n_out; o++) {
        if (is_read(p, node->out[o], true)) {
            if (result != VALUE_ABSENT) {
                return VALUE_ABSENT;
            }
            result = node->out[o];
        }
    }
    return result;
}

static bool is_plain(const struct node *node)
{
    for (size_t i = 0; i < ARRAY_SIZE(plain_ops); i++) {
        if (strcmp(plain_ops[i].op, node->op_name) == 0) {
            return true;
        }
    }
    return false;
}

/* A node that only makes something goes, and what it gave is given. *found: that fails too, in
 * whatever way, and is the failure now: of a plain op nothing can be the cause. */
static enum err try_without(struct search *s, bool *found)
{
    const struct program *p = s->failure.test->program;
    *found = false;
    for (uint32_t n = p->n_nodes; n-- > 0 && !*found && !search_over(s);) {
        struct stand_in in = {.node = n, .operand = VALUE_ABSENT};
        in.result = only_result(p, &p->nodes[n]);
        if (!is_plain(&p->nodes[n]) || in.result == VALUE_ABSENT) {
            continue;
        }
        struct reference *r = reference_new(s->failure.test, s->arena);
        in.recorded = tensor_from_array(s->arena, &reference_values(r)[in.result]).data;
        const char *fresh;
        struct program *rest = with_stand_in(p, &in, &fresh, s->arena);
        if (rest == NULL || rest->n_nodes == 0) {
            continue;
        }
        struct test *test = test_with(s->failure.test, rest, fresh, in.recorded, s->arena);
        TRY(adopt_if_wrong(s, test, found));
    }
    return ERR_OK;
}

static enum err try_stand_in(struct search *s, const struct stand_in *in, bool keep, bool *same)
{
    const char *fresh;
    struct program *p = with_stand_in(s->failure.test->program, in, &fresh, s->arena);
    struct test *test = test_with(s->failure.test, p, fresh, in->recorded, s->arena);
    struct outcome outcome;
    struct verdict verdict;
    TRY(look_at(s, test, &outcome, &verdict, same));
    if (*same && keep) {
        adopt(s, test, &outcome, &verdict);
    }
    return ERR_OK;
}

/* The node gives something, no matter how; or, where nothing but an output reads it, it reads an
 * operand, no matter to what end. */
static enum err try_plain(struct search *s, uint32_t n, const struct plain *plain, bool keep,
                          bool *same)
{
    const struct program *p = s->failure.test->program;
    const struct node *node = &p->nodes[n];
    struct stand_in in = {.node = n,
                          .op = plain->op,
                          .from_zero = plain->from_zero,
                          .operand = VALUE_ABSENT,
                          .result = only_result(p, node)};
    *same = false;
    if (in.result == VALUE_ABSENT || strcmp(plain->op, node->op_name) == 0) {
        return ERR_OK;
    }
    if (plain_takes(plain, p->values[in.result].dtype)) {
        in.recorded = recorded_for(s, plain, in.result);
        TRY(try_stand_in(s, &in, keep, same));
    }
    bool is_last = !is_read(p, in.result, false);
    for (uint32_t k = 0; k < node->n_in && is_last && !*same && !search_over(s); k++) {
        in.operand = node->in[k];
        if (in.operand != VALUE_ABSENT && plain_takes(plain, p->values[in.operand].dtype)) {
            TRY(try_stand_in(s, &in, keep, same));
        }
    }
    return ERR_OK;
}

static enum err try_any_plain(struct search *s, uint32_t n, bool keep, bool *same)
{
    *same = false;
    for (size_t i = 0; i < ARRAY_SIZE(plain_ops) && !*same && !search_over(s); i++) {
        TRY(try_plain(s, n, &plain_ops[i], keep, same));
    }
    return ERR_OK;
}

/* Plain ops wherever they do. The nodes that are left are those of the cause; one is always left.
 */
static enum err put_plain_ops(struct search *s, bool *changed)
{
    *changed = false;
    for (bool again = true; again;) {
        again = false;
        for (uint32_t n = s->failure.test->program->n_nodes; n-- > 0 && !again;) {
            const struct program *p = s->failure.test->program;
            uint32_t left = 0;
            for (uint32_t i = 0; i < p->n_nodes; i++) {
                left += !is_plain(&p->nodes[i]);
            }
            if (left > 1 && !is_plain(&p->nodes[n])) {
                TRY(try_any_plain(s, n, true, &again));
            }
        }
        *changed = *changed || again;
    }
    return ERR_OK;
}

/* Which nodes of the last form another op can stand in for. */
static enum err mark_stand_ins(struct search *s)
{
    const struct program *p = s->failure.test->program;
    bool *marks = ARENA_ZARRAY(s->arena, bool, p->n_nodes);
    uint32_t left = p->n_nodes;
    for (uint32_t n = p->n_nodes; n-- > 0 && left > 1;) {
        if (is_plain(&p->nodes[n])) {
            TRY(try_any_plain(s, n, false, &marks[n]));
            left -= marks[n];
        }
    }
    s->r->stands_in = marks;
    return ERR_OK;
}

/* ---- ordinary numbers ---- */

/* Unlike each other: only positive, of both signs, many times larger. */
static real ordinary(size_t pattern, size_t i)
{
    switch (pattern) {
    case 0:
        return (real)(1 + i % 7) * 0.375L;
    case 1:
        return (real)(37 * i % 29) / 8 - 1.75L;
    default:
        return (real)(3 + i % 5) * 40.5L;
    }
}
enum { IN_PLACE = 3, PATTERNS };

/* The number that lies in `to` where x lies in `from`: subnormal, ordinary, near the largest. */
static real in_place(enum dtype from, enum dtype to, real x)
{
    if (!dtype_is_float(from) || !isfinite(x)) {
        return x;
    }
    real size = fabsl(x);
    return size <= dtype_min_normal(from)    ? x / dtype_min_normal(from) * dtype_min_normal(to)
           : size > dtype_max(from) / 0x1p8L ? x / dtype_max(from) * dtype_max(to)
                                             : x;
}

/* Does anything read the value as an index? */
static bool is_index(const struct program *p, uint32_t value)
{
    bool found = false;
    for (uint32_t i = 0; i < p->n_nodes; i++) {
        for (uint32_t k = 0; k < p->nodes[i].n_in; k++) {
            found = found ||
                    (p->nodes[i].in[k] == value && ((p->nodes[i].op->index_inputs >> k) & 1) != 0);
        }
    }
    return found;
}

/* The elements of a leaf. */
static void *fill(const struct search *s, const struct value *v, enum dtype from, const void *old,
                  size_t pattern)
{
    struct tensor t = tensor_new(s->arena, v->dtype, &v->shape);
    for (size_t i = 0; i < shape_numel(&v->shape); i++) {
        real x = pattern == IN_PLACE ? in_place(from, v->dtype, dtype_load(from, old, i))
                                     : ordinary(pattern, i);
        dtype_store(v->dtype, t.data, i, x);
    }
    return t.data;
}

/* The test with ordinary numbers in place of all of dtype `from`, in dtype `to`; NULL: it does not
 * fit together. */
static struct test *ordinary_test(struct search *s, enum dtype from, enum dtype to, size_t pattern)
{
    const struct test *like = s->failure.test;
    struct program *p = program_clone(like->program, s->arena);
    struct test *test = arena_alloc(s->arena, sizeof(*test));
    *test = *like;
    test->program = p;
    test->inputs = arena_copy(s->arena, like->inputs, sizeof(*like->inputs) * like->n_inputs);
    if (ops_resolve(p) != ERR_OK) {
        return NULL;
    }
    uint32_t input = 0;
    for (uint32_t id = 0; id < p->n_values; id++) {
        struct value *v = &p->values[id];
        bool changes = v->kind != VALUE_NODE && v->dtype == from && !is_index(p, id);
        v->dtype = changes ? to : v->dtype;
        const void *old = v->kind == VALUE_INPUT ? like->inputs[input].data : v->data;
        void *elements = changes ? fill(s, v, from, old, pattern) : NULL;
        if (v->kind == VALUE_CONST && changes) {
            v->data = elements;
        } else if (v->kind == VALUE_INPUT) {
            test->inputs[input] =
                changes ? (struct tensor){to, v->shape, elements} : test->inputs[input];
            input++;
        }
    }
    return program_infer(p, s->arena) == ERR_OK ? test : NULL;
}

/*
 * What is wrong of a special number or in another dtype may be wrong of any number, which the
 * reducer does not see: it makes numbers equal and simple, and what hides among those (the last
 * element is the first one's, of 1 the logarithm is 0) passes. *found: it shows with ordinary f32.
 */
static enum err try_ordinary(struct search *s, bool *found)
{
    const struct program *p = s->failure.test->program;
    enum dtype d = p->n_nodes > 0 ? node_dtype(p, &p->nodes[0]) : DTYPE_NONE;
    bool is_value = strncmp(s->failure.signature, "value", 5) == 0;
    *found = false;
    if (!is_value || d == DTYPE_NONE ||
        (strcmp(s->failure.signature, "value") == 0 && (d == DTYPE_F32 || d == DTYPE_F64))) {
        return ERR_OK;
    }
    for (size_t pattern = 0; pattern < PATTERNS && !*found && !search_over(s); pattern++) {
        struct test *test = ordinary_test(s, d, DTYPE_F32, pattern);
        struct outcome outcome;
        struct verdict verdict;
        if (test != NULL) {
            TRY(look_at(s, test, &outcome, &verdict, found));
        }
        if (*found) {
            adopt(s, test, &outcome, &verdict);
            *found = strcmp(s->failure.signature, "value") == 0; /* else as special as before */
        }
    }
    return ERR_OK;
}

/* ---- all ---- */

static enum err search_cause(struct search *s)
{
    bool more = true;
    while (more && !search_over(s)) {
        bool has_others = s->failure.test->program->n_nodes > 1;
        more = false;
        if (has_others) {
            TRY(try_earlier(s, &more));
        }
        if (has_others && !more) {
            TRY(put_plain_ops(s, &more));
        }
        if (has_others && !more) {
            TRY(try_without(s, &more));
        }
        if (!more) {
            TRY(try_ordinary(s, &more));
        }
        if (more) {
            TRY(reduce_again(s));
        }
    }
    return s->failure.test->program->n_nodes > 1 ? mark_stand_ins(s) : ERR_OK;
}

enum err reduce_to_cause(struct jury *jury, const struct failure *f, struct reduction *r,
                         struct arena *arena)
{
    TRY(reduce(jury, f, r, arena));
    /* What shows by chance or takes ten seconds a run is not searched; shapes that a session ran
     * before would have to change too. */
    if (!r->reproduced || shows_chance(f) || r->outcome.kind == OUTCOME_HANG ||
        r->test->before != NULL) {
        return ERR_OK;
    }
    struct search s = {.jury = jury, .failure = *f, .r = r, .arena = arena};
    s.cpu_start = cpu_now(&s);
    adopt(&s, r->test, &r->outcome, &r->verdict);
    TRY(search_cause(&s));
    r->cpu += cpu_now(&s) - s.cpu_start;
    return ERR_OK;
}

/* ---- the bucket ---- */

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
    return look_at(&s, &test, &outcome, &verdict, same);
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
    s.failure.test = older;
    struct test *test = ordinary_test(&s, from, to, IN_PLACE);
    struct outcome outcome;
    struct verdict verdict;
    *same = false;
    return test != NULL ? look_at(&s, test, &outcome, &verdict, same) : ERR_OK;
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
