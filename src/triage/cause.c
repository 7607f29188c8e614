/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a small form of a failure to the form of its cause, so that one wrong op among different
 * others is one bucket.
 *
 * - What is wrong earlier is the failure: where a value on the way fails by itself (a wrong shape
 * that a later op refuses, a wrong number that a later op spreads), the program that ends there
 * takes the place of the whole. In a reduced form the earlier nodes are needed, so the later
 * failure does not show without theirs. So where the earlier one is a known bug, which the caller
 * sees when all is done, the whole is that bug. But only what can come of it: a crash, or what is
 * refused for other reasons than a wrong form, stays itself whatever number before it is wrong; it
 * may need those nodes for another reason, and would be lost (failure_explains). What takes the
 * place of a failure has shown in three runs, as what a campaign takes for one. And what is refused
 * as a whole is refused because of a part that is, in whatever words: until that one is mended
 * nobody can tell.
 * - A node that another op can stand in for, and the failure stays, is no part of the cause: it
 * only computes something, or reads something. A plain op takes its place, and the key of the
 * bucket leaves it out (cause_stand_in.c).
 * - What shows with ordinary numbers in f32 as well is no matter of special ones or of the dtype.
 *
 * What is simpler by any of these is reduced again. All is decided by running: no op and no case is
 * named.
 */
#include <math.h>
#include <string.h>

#include "triage/cause_internal.h"

static double cpu_now(const struct search *s)
{
    return clock_cpu_self() + jury_usage(s->jury).worker_cpu;
}

/* A bound was hit, or the user asked to stop. */
static bool is_over(const struct search *s)
{
    return stop_requested || s->r->runs >= s->r->max_runs ||
           s->r->cpu + cpu_now(s) - s->cpu_start >= s->r->cpu_limit;
}

/* ---- what was looked at ---- */

/* What a run has said of a test: kept with what the reducer has tried, for whoever goes on. */
enum note { SHOWS_SAME = 1, SHOWS_NOT, EXPLAINS_NOT };

static uint64_t note_hash(const struct test *test, enum note note)
{
    uint64_t hash = hash_mix(form_graph.hash(test), note);
    return hash != 0 ? hash : 1;
}

static bool is_noted(const struct search *s, const struct test *test, enum note note)
{
    uint64_t hash = note_hash(test, note);
    bool found = false;
    for (size_t i = 0; i < s->n_notes && !found; i++) {
        found = s->notes[i] == hash;
    }
    for (size_t i = 0; i < s->r->n_tried && !found; i++) {
        found = s->r->tried[i] == hash;
    }
    return found;
}

static void take_note(struct search *s, const struct test *test, enum note note)
{
    s->notes = arena_room(s->arena, s->notes, s->n_notes, sizeof(*s->notes));
    s->notes[s->n_notes++] = note_hash(test, note);
}

/* The notes join what was tried. */
static void give_notes(struct search *s)
{
    size_t n = s->r->n_tried;
    uint64_t *all = ARENA_ARRAY(s->arena, uint64_t, n + s->n_notes);
    for (size_t i = 0; i < n + s->n_notes; i++) {
        all[i] = i < n ? s->r->tried[i] : s->notes[i - n];
    }
    s->r->tried = all;
    s->r->n_tried += s->n_notes;
}

/* ---- looks ---- */

struct test *test_with(const struct test *like, const struct program *p, const char *fresh,
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
        while (strcmp(like->program->values[program_input(like->program, other)].name, v->name) !=
               0) {
            other++;
        }
        test->inputs[k] = like->inputs[other];
    }
    return test;
}

/* Does it hold together, with its nodes knowing their ops? */
static bool makes_sense(const struct search *s, struct test *test)
{
    struct program *p = program_clone(test->program, s->arena);
    test->program = p;
    return ops_resolve(p) == ERR_OK && program_verify(p) == ERR_OK && ops_check(p) == ERR_OK &&
           target_supports(s->failure.what, p);
}

/* From what is clear to what is slight. */
static bool slips(const struct verdict *was, const struct verdict *is)
{
    return failure_is_clear(was) && failure_is_slight(is);
}

/* One run, unless it has said `vain` before. */
static enum err run_once(struct search *s, struct test *test, enum note vain,
                         struct outcome *outcome, struct verdict *verdict, bool *same)
{
    *same = false;
    *verdict = (struct verdict){.kind = VERDICT_PASS};
    if (!makes_sense(s, test) || is_noted(s, test, vain)) {
        return ERR_OK;
    }
    s->is_cut = s->is_cut || is_over(s);
    if (s->is_cut) {
        return ERR_OK;
    }
    s->r->runs++;
    return failure_shows(s->jury, &s->failure, test, s->arena, outcome, verdict, same);
}

enum err search_look(struct search *s, struct test *test, struct outcome *outcome,
                     struct verdict *verdict, bool *same)
{
    unsigned runs = s->r->runs;
    CHECK(s->r->cpu_limit > 0); /* without time nothing would ever show */
    TRY(run_once(s, test, SHOWS_NOT, outcome, verdict, same));
    *same = *same && !slips(&s->failure.verdict, verdict);
    if (s->r->runs > runs && !*same) {
        take_note(s, test, SHOWS_NOT);
    }
    return ERR_OK;
}

enum err look_once(struct jury *jury, const struct failure *f, struct test *test,
                   struct arena *arena, struct outcome *outcome, struct verdict *verdict,
                   bool *same)
{
    struct reduction one = {.max_runs = 1, .cpu_limit = HUGE_VAL};
    struct search s = {.jury = jury, .failure = *f, .r = &one, .arena = arena};
    return search_look(&s, test, outcome, verdict, same);
}

enum err search_ask(struct search *s, struct test *test, bool *same)
{
    struct outcome outcome;
    struct verdict verdict;
    *same = makes_sense(s, test) && is_noted(s, test, SHOWS_SAME);
    if (*same) {
        return ERR_OK;
    }
    TRY(search_look(s, test, &outcome, &verdict, same));
    if (*same) {
        take_note(s, test, SHOWS_SAME);
    }
    return ERR_OK;
}

void search_adopt(struct search *s, const struct test *test, const struct outcome *outcome,
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

static bool is_of(const struct failure *f, const char *const *oracles, size_t n)
{
    bool found = false;
    for (size_t i = 0; i < n; i++) {
        found = found || strcmp(f->verdict.oracle, oracles[i]) == 0;
    }
    return found;
}

bool failure_explains(const struct failure *earlier, const struct failure *later)
{
    /* An input that a library writes over is a wrong number for who reads it next. */
    static const char *const numbers[] = {"value", "side_effects"};
    static const char *const forms[] = {"count", "dtype", "shape"};
    static const char *const of_forms[] = {"value", "count", "dtype", "shape", "status"};
    static const char *const refused[] = {"status"};
    if (slips(&later->verdict, &earlier->verdict)) {
        return false;
    }
    return same_failure(later->signature, earlier->signature) ||
           (is_of(earlier, numbers, ARRAY_SIZE(numbers)) && is_of(later, numbers, 1)) ||
           (is_of(earlier, refused, 1) && is_of(later, refused, 1)) ||
           (is_of(earlier, forms, ARRAY_SIZE(forms)) &&
            is_of(later, of_forms, ARRAY_SIZE(of_forms)));
}

/* Does what it fails in explain how the smallest form does, again and again? */
static enum err is_cause(struct search *s, struct failure *seen, bool *yes)
{
    seen->signature = failure_signature(&seen->verdict, &seen->outcome, s->arena);
    *yes = failure_explains(seen, &s->failure);
    if (*yes) {
        TRY(failure_repeats(s->jury, seen, s->arena, yes));
        s->r->runs += seen->runs;
    }
    return ERR_OK;
}

/* As search_adopt_if_wrong; oracle: it alone is to see the failure, NULL: any. */
static enum err adopt_if(struct search *s, struct test *test, const char *oracle, bool *found)
{
    struct failure seen = {.target = s->failure.target, .what = s->failure.what, .test = test};
    unsigned runs = s->r->runs;
    bool same;
    TRY(run_once(s, test, EXPLAINS_NOT, &seen.outcome, &seen.verdict, &same));
    *found = false;
    if (seen.verdict.kind == VERDICT_FINDING &&
        (oracle == NULL || strcmp(seen.verdict.oracle, oracle) == 0)) {
        TRY(is_cause(s, &seen, found));
    }
    if (*found) {
        search_adopt(s, test, &seen.outcome, &seen.verdict);
    } else if (s->r->runs > runs) {
        take_note(s, test, EXPLAINS_NOT);
    }
    return ERR_OK;
}

enum err search_adopt_if_wrong(struct search *s, struct test *test, bool *found)
{
    return adopt_if(s, test, NULL, found);
}

/* *shows: false where it does not any more, or no run was left. */
static enum err reduce_again(struct search *s, bool *shows)
{
    struct reduction more = {
        .cpu_limit = s->r->cpu_limit - s->r->cpu - (cpu_now(s) - s->cpu_start),
        .max_runs = s->r->max_runs > s->r->runs ? s->r->max_runs - s->r->runs : 0,
    };
    TRY(reduce(s->jury, &s->failure, &more, s->arena));
    s->r->runs += more.runs;
    *shows = more.reproduced;
    if (more.reproduced) {
        search_adopt(s, more.test, &more.outcome, &more.verdict);
        s->r->complete = more.complete;
        s->r->target = more.target;
        s->r->tried_of = more.tried_of;
        s->r->tried = more.tried;
        s->r->n_tried = more.n_tried;
        s->n_notes = 0;
        s->notes = NULL;
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

enum err search_earlier(struct search *s, bool *found)
{
    const struct program *p = s->failure.test->program;
    *found = false;
    for (uint32_t id = 0; id < p->n_values && !*found && !s->is_cut; id++) {
        if (p->values[id].kind != VALUE_NODE) {
            continue;
        }
        struct program *part = program_to(p, id, s->arena);
        if (part->n_nodes >= p->n_nodes) {
            continue;
        }
        struct test *test = test_with(s->failure.test, part, NULL, NULL, s->arena);
        TRY(search_adopt_if_wrong(s, test, found));
    }
    return ERR_OK;
}

/* ---- what is written over ---- */

/* The op with nothing else, all that it reads (of these values) in arrays of the caller. */
static struct test *op_alone(const struct search *s, const struct node *node,
                             const struct array *values)
{
    const struct test *like = s->failure.test;
    struct program *alone = program_new(s->arena);
    struct tensor *inputs = ARENA_ARRAY(s->arena, struct tensor, OP_INPUTS_MAX);
    uint32_t in[OP_INPUTS_MAX], n_inputs = 0;
    for (uint32_t k = 0; k < node->n_in; k++) {
        in[k] = VALUE_ABSENT;
        if (node->in[k] != VALUE_ABSENT) {
            struct tensor t = tensor_from_array(s->arena, &values[node->in[k]]);
            in[k] = program_add_input(alone, NULL, t.dtype, &t.shape);
            inputs[n_inputs++] = t;
        }
    }
    enum dtype dtypes[OP_OUTPUTS_MAX];
    struct shape shapes[OP_OUTPUTS_MAX];
    for (uint32_t o = 0; o < node->n_out; o++) {
        const struct value *v = &like->program->values[node->out[o]];
        dtypes[o] = v->dtype;
        shapes[o] = v->shape;
    }
    uint32_t n = program_add_node(alone, node->op_name, node->n_in, in, node->n_attrs, node->attrs,
                                  node->n_out, dtypes, shapes);
    alone->nodes[n].op = node->op;
    program_add_output(alone, alone->nodes[n].out[0]);
    struct test *test = arena_copy(s->arena, like, sizeof(*like));
    test->program = alone;
    test->n_inputs = n_inputs;
    test->inputs = inputs;
    test->before = NULL;
    return test;
}

/* A number may be wrong because an op wrote over what others read, which shows where it writes over
 * an input; nothing tells whether it does so to a constant or to another's result. *found: one
 * does, and that is the failure now. */
static enum err search_overwriting(struct search *s, bool *found)
{
    const struct program *p = s->failure.test->program;
    *found = false;
    if (strcmp(s->failure.verdict.oracle, "value") != 0) {
        return ERR_OK;
    }
    const struct array *values = reference_values(reference_new(s->failure.test, s->arena));
    for (uint32_t n = 0; n < p->n_nodes && !*found && !s->is_cut; n++) {
        TRY(adopt_if(s, op_alone(s, &p->nodes[n], values), "side_effects", found));
    }
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
enum { IN_PLACE = 3, PATTERNS, AS_IS };

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
static void *fill(const struct value *v, enum dtype from, const void *old, size_t pattern,
                  struct arena *arena)
{
    struct tensor t = tensor_new(arena, v->dtype, &v->shape);
    for (size_t i = 0; i < shape_numel(&v->shape); i++) {
        real x = pattern == IN_PLACE ? in_place(from, v->dtype, dtype_load(from, old, i))
                 : pattern == AS_IS  ? dtype_load(from, old, i)
                                     : ordinary(pattern, i);
        dtype_store(v->dtype, t.data, i, x);
    }
    return t.data;
}

/* The test with other numbers in place of all of dtype `from`, in dtype `to`; NULL: it does not
 * fit together. */
static struct test *with_numbers(const struct test *like, enum dtype from, enum dtype to,
                                 size_t pattern, struct arena *arena)
{
    struct program *p = program_clone(like->program, arena);
    struct test *test = arena_alloc(arena, sizeof(*test));
    *test = *like;
    test->program = p;
    test->inputs = arena_copy(arena, like->inputs, sizeof(*like->inputs) * like->n_inputs);
    if (ops_resolve(p) != ERR_OK) {
        return NULL;
    }
    uint32_t input = 0;
    for (uint32_t id = 0; id < p->n_values; id++) {
        struct value *v = &p->values[id];
        bool changes = v->kind != VALUE_NODE && v->dtype == from && !is_index(p, id);
        v->dtype = changes ? to : v->dtype;
        const void *old = v->kind == VALUE_INPUT ? like->inputs[input].data : v->data;
        void *elements = changes ? fill(v, from, old, pattern, arena) : NULL;
        if (v->kind == VALUE_CONST && changes) {
            v->data = elements;
        } else if (v->kind == VALUE_INPUT) {
            test->inputs[input] =
                changes ? (struct tensor){to, v->shape, elements} : test->inputs[input];
            input++;
        }
    }
    return program_infer(p, arena) == ERR_OK ? test : NULL;
}

struct test *test_in_dtype(const struct test *like, enum dtype from, enum dtype to,
                           struct arena *arena)
{
    return with_numbers(like, from, to, IN_PLACE, arena);
}

struct test *test_widened(const struct test *like, enum dtype from, enum dtype to,
                          struct arena *arena)
{
    return with_numbers(like, from, to, AS_IS, arena);
}

/* *found: with these numbers, in dtype `to`, it fails in a simpler way. */
static enum err try_numbers(struct search *s, enum dtype from, enum dtype to, size_t pattern,
                            bool *found)
{
    struct test *test = with_numbers(s->failure.test, from, to, pattern, s->arena);
    struct outcome outcome;
    struct verdict verdict;
    *found = false;
    if (test == NULL) {
        return ERR_OK;
    }
    TRY(search_look(s, test, &outcome, &verdict, found));
    bool is_other = pattern == IN_PLACE && verdict.kind == VERDICT_FINDING &&
                    strcmp(verdict.oracle, "value") != 0;
    if (*found || is_other) {
        search_adopt(s, test, &outcome, &verdict);
        /* else as special as before */
        *found = is_other || strcmp(s->failure.signature, "value") == 0;
    }
    return ERR_OK;
}

/*
 * What is wrong of a special number or in another dtype may be wrong of any number, which the
 * reducer does not see: it makes numbers equal and simple, and what hides among those (the last
 * element is the first one's, of 1 the logarithm is 0) passes. *found: it shows with ordinary f32;
 * or the same numbers in f32 show what is no matter of values (an op that writes over what it was
 * given writes over a copy where the library converts a half float first).
 */
static enum err try_ordinary(struct search *s, bool *found)
{
    const struct program *p = s->failure.test->program;
    enum dtype d = p->n_nodes > 0 ? node_dtype(p, &p->nodes[0]) : DTYPE_NONE;
    *found = false;
    if (!is_value(s->failure.signature) || d == DTYPE_NONE ||
        (strcmp(s->failure.signature, "value") == 0 && (d == DTYPE_F32 || d == DTYPE_F64))) {
        return ERR_OK;
    }
    for (size_t pattern = 0; pattern < PATTERNS && !*found && !s->is_cut; pattern++) {
        TRY(try_numbers(s, d, DTYPE_F32, pattern, found));
    }
    return ERR_OK;
}

/* ---- all ---- */

/* All ways once, until one makes it simpler. */
static enum err search_once(struct search *s, bool *found)
{
    bool has_others = s->failure.test->program->n_nodes > 1, more = false;
    if (has_others) {
        TRY(search_earlier(s, &more));
    }
    if (!more) {
        TRY(search_overwriting(s, &more));
    }
    if (has_others && !more) {
        TRY(search_put_plain_ops(s, &more));
    }
    if (has_others && !more) {
        TRY(search_without(s, &more));
    }
    if (!more) {
        TRY(try_ordinary(s, &more));
    }
    *found = more;
    return ERR_OK;
}

static enum err search_cause(struct search *s)
{
    for (bool more = true; more && !s->is_cut;) {
        const struct failure before = s->failure;
        TRY(search_once(s, &more));
        if (more) {
            TRY(reduce_again(s, &more));
            s->is_cut = s->is_cut || (!more && is_over(s));
            if (!more && !s->is_cut) { /* it shows now and then: the one before is better */
                search_adopt(s, before.test, &before.outcome, &before.verdict);
                s->r->complete = false;
            }
        }
    }
    return s->failure.test->program->n_nodes > 1 ? search_mark_stand_ins(s) : ERR_OK;
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
    search_adopt(&s, r->test, &r->outcome, &r->verdict);
    enum err err = search_cause(&s);
    r->complete = r->complete && err == ERR_OK && !s.is_cut;
    give_notes(&s);
    r->cpu += cpu_now(&s) - s.cpu_start;
    return err;
}
