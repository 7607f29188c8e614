/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The `faulty` target: our evaluator with one mutation operator applied to one op (mutation.h has
 * them), everywhere or only behind another op, or with one node's result changed a little. Without
 * either it is a correct implementation whose results carry legal rounding noise.
 */
#include "target/mutation.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- faults by name ---- */

static bool fault_fits(const struct fault *f)
{
    const struct mutation *m = f->mutation;
    char both[64] = "";
    if (f->attr) {
        snprintf(both, sizeof(both), "%s.%s", f->op->name, f->attr->name);
    }
    bool is_excluded =
        mutation_lists(m->not, f->op->name) ||
        (f->attr && (mutation_lists(m->not, f->attr->name) || mutation_lists(m->not, both)));
    bool of_kind = f->attr ? m->of_attrs >> f->attr->kind & 1 : m->of_attrs == 0;
    return of_kind && !is_excluded && m->fits(f->op);
}

/* Its faults with one op, for each attribute where it is of attributes. */
static size_t faults_of(const struct mutation *mutation, const struct op *op, struct fault *faults)
{
    size_t n = 0;
    struct fault f = {.mutation = mutation, .op = op};
    for (int i = -1; i < OP_ATTRS_MAX && (i < 0 || op->attrs[i].name); i++) {
        f.attr = i < 0 ? NULL : &op->attrs[i];
        if (fault_fits(&f)) {
            faults[n++] = f;
        }
    }
    return n;
}

size_t faults_all(struct arena *arena, struct fault **faults)
{
    size_t n = 0;
    *faults = ARENA_ARRAY(arena, struct fault, mutation_count * op_count * (OP_ATTRS_MAX + 1));
    for (size_t m = 0; m < mutation_count; m++) {
        for (size_t o = 0; o < op_count; o++) {
            n += faults_of(&mutation_table[m], op_table[o], *faults + n);
        }
    }
    return n;
}

const char *mutation_name(const struct mutation *mutation)
{
    return mutation->name;
}
const char *mutation_summary(const struct mutation *mutation)
{
    return mutation->summary;
}
dtype_set mutation_dtypes(const struct mutation *mutation)
{
    return mutation->dtypes;
}

const char *fault_name(const struct fault *fault, struct arena *arena)
{
    return arena_printf(arena, "%s.%s%s%s%s%s", fault->mutation->name, fault->op->name,
                        fault->attr ? "." : "", fault->attr ? fault->attr->name : "",
                        fault->fused ? "+" : "", fault->fused ? fault->fused->name : "");
}

/* The text up to a dot, a plus or its end is the name; what is behind it (without the dot), or NULL
 * for another name. */
static const char *behind_name(const char *text, const char *name)
{
    size_t n = strlen(name);
    bool is_it = strncmp(text, name, n) == 0 && strchr(".+", text[n]);
    return is_it ? text + n + (text[n] == '.') : NULL;
}

/* "", "alpha", "+add", "alpha+add" */
static bool parse_rest(const char *text, struct fault *fault)
{
    bool has_attr = *text && *text != '+';
    for (int i = 0; has_attr && i < OP_ATTRS_MAX && fault->op->attrs[i].name; i++) {
        const char *rest = behind_name(text, fault->op->attrs[i].name);
        if (rest && rest[-1] != '.') {
            fault->attr = &fault->op->attrs[i];
            text = rest;
            break;
        }
    }
    fault->fused = *text == '+' ? op_find(text + 1) : NULL;
    bool is_read = *text == '\0' || fault->fused;
    return is_read && (fault->attr != NULL) == has_attr && fault_fits(fault);
}

bool fault_parse(const char *name, struct fault *fault)
{
    for (size_t m = 0; m < mutation_count; m++) {
        const char *of = behind_name(name, mutation_table[m].name);
        for (size_t o = 0; of && o < op_count; o++) {
            const char *rest = behind_name(of, op_table[o]->name);
            *fault = (struct fault){.mutation = &mutation_table[m], .op = op_table[o]};
            if (rest && parse_rest(rest, fault)) {
                return true;
            }
        }
    }
    return false;
}

/* ---- evaluation ---- */

/* How errors of a correct library hang together: independent, all of one way (a kernel that
 * truncates), equal for equal values (one kernel), by place (a vector's body and its tail). */
enum manner { INDEPENDENT, ONE_WAY, BY_VALUE, BY_PLACE, MANNERS };
enum { BLOCK = 16 };

static real error_of(enum manner manner, uint64_t seed, size_t i, real v, struct rng *rng)
{
    const double value = (double)v;
    switch (manner) {
    case ONE_WAY:
        return seed & 1 ? 1 : -1;
    case BY_VALUE:
        return hash_bytes(&value, sizeof(value), seed) >> 63 ? 1 : -1;
    case BY_PLACE:
        return hash_mix(i / BLOCK, seed) >> 63 ? 1 : -1;
    case INDEPENDENT:
    case MANNERS:
        break;
    }
    return 2 * (real)rng_unit(rng) - 1;
}

/* Each inexact result moves by up to the error that its op may make. */
static void round_with_noise(struct array *out, const real *noise, struct rng *rng)
{
    uint64_t seed = rng ? rng_next(rng) : 0;
    enum manner manner = (enum manner)(seed >> 8) % MANNERS;
    for (size_t i = 0; i < out->n; i++) {
        real v = out->v[i];
        if (noise && noise[i] != 0 && isfinite(v)) {
            v += error_of(manner, seed, i, v, rng) * noise[i];
        }
        out->v[i] = dtype_round(out->dtype, v);
    }
}

/* The attribute that the fault is of, or one that is not given and means false or 0. */
static struct attr *attr_of_fault(struct site *s, const struct attr_spec *spec)
{
    struct attr *a = spec ? site_attr(s, spec->name) : NULL;
    if (spec && !a && (spec->kind == ATTR_BOOL || spec->kind == ATTR_REAL)) {
        a = &s->node.attrs[s->node.n_attrs++];
        *a = (struct attr){.name = spec->name, .kind = spec->kind, .n = 1};
    }
    return a;
}

static void site_init(struct site *s, const struct node *node, const struct array *const *in,
                      const struct attr_spec *spec)
{
    s->node = *node;
    s->node.attrs = ARENA_ZARRAY(s->arena, struct attr, node->n_attrs + 1);
    memcpy(s->node.attrs, node->attrs, sizeof(struct attr) * node->n_attrs);
    s->attr = attr_of_fault(s, spec);
    s->form = ARENA_ARRAY(s->arena, struct shape, node->n_out);
    for (uint32_t o = 0; o < node->n_out; o++) {
        s->form[o] = s->p->values[node->out[o]].shape;
    }
    for (uint32_t k = 0; k < node->n_in; k++) {
        s->present[k] = in[k] != NULL;
        if (in[k]) {
            s->in[k] = *in[k];
            s->in[k].v = arena_copy(s->arena, in[k]->v, sizeof(real) * in[k]->n);
        }
    }
}

/* fault: of this node, or NULL. forms: of all values, to be changed where the fault is one. */
static void evaluate_node(const struct program *p, const struct node *node,
                          const struct array *const *in, const struct fault *fault, struct rng *rng,
                          struct array *out, struct shape *forms, struct arena *arena)
{
    struct site s = {.p = p, .arena = arena};
    const struct array *mutated[OP_INPUTS_MAX] = {0};
    real *noise[OP_OUTPUTS_MAX] = {0};
    const struct mutation *mutation = fault ? fault->mutation : NULL;
    if (fault) {
        site_init(&s, node, in, fault->attr);
        if (mutation->before && (!fault->attr || s.attr)) {
            mutation->before(&s);
        }
        for (uint32_t k = 0; k < node->n_in; k++) {
            mutated[k] = s.present[k] ? &s.in[k] : NULL;
        }
    }
    op_evaluate(p, fault ? &s.node : node, fault ? mutated : in, false, out, rng ? noise : NULL,
                arena);
    for (uint32_t o = 0; o < node->n_out; o++) {
        round_with_noise(&out[o], noise[o], rng);
    }
    if (fault && mutation->after) {
        s.out = out;
        mutation->after(&s);
    }
    for (uint32_t o = 0; o < node->n_out; o++) {
        forms[node->out[o]] = fault ? s.form[o] : out[o].shape;
    }
}

static bool is_hit(const struct program *p, const struct node *node, const struct fault *fault)
{
    if (node->op != fault->op) {
        return false;
    }
    bool is_fused = !fault->fused;
    for (uint32_t k = 0; k < node->n_in && !is_fused; k++) {
        uint32_t id = node->in[k];
        is_fused = id != VALUE_ABSENT && p->values[id].kind == VALUE_NODE &&
                   p->nodes[p->values[id].node].op == fault->fused;
    }
    return is_fused;
}

/* NULL: none is in that node. */
static const struct fault *fault_in(const struct program *p, const struct node *node,
                                    const struct fault *fault)
{
    while (fault && !is_hit(p, node, fault)) {
        fault = fault->also;
    }
    return fault;
}

static void give_outputs(const struct program *p, const struct fault *fault,
                         const struct array *values, const struct shape *forms, struct arena *arena,
                         struct tensor *outputs)
{
    for (uint32_t o = 0; o < p->n_outputs; o++) {
        uint32_t id = p->outputs[o];
        const struct value *v = &p->values[id];
        outputs[o] = tensor_from_array(arena, &values[id]);
        const struct fault *made =
            v->kind == VALUE_NODE ? fault_in(p, &p->nodes[v->node], fault) : NULL;
        struct tensor form = outputs[o];
        if (made && made->mutation->form) {
            made->mutation->form(&form);
        } else if (v->kind == VALUE_NODE) {
            form.shape = forms[id];
        }
        if (form.dtype != v->dtype || !shape_equal(&form.shape, &v->shape)) {
            /* Room for the other dtype or shape; the elements do not matter then. */
            outputs[o] = tensor_new(arena, form.dtype, &form.shape);
        }
    }
}

/* 1 % more; integers 1 more (the largest wraps), bools the other way. */
static void nudge(struct array *y)
{
    for (size_t i = 0; i < y->n; i++) {
        real v = y->v[i];
        if (y->dtype == DTYPE_BOOL) {
            y->v[i] = v == 0;
        } else if (dtype_is_int(y->dtype)) {
            y->v[i] = dtype_wrap(y->dtype, real_pattern(v) + 1);
        } else {
            y->v[i] = dtype_round(y->dtype, v * 1.01L);
        }
    }
}

/* The last operand is written over, for all who read it next. true: it is an input. */
static bool overwrite(const struct program *p, const struct node *node, struct array *values)
{
    uint32_t last = node->n_in - 1;
    while (last > 0 && node->in[last] == VALUE_ABSENT) {
        last--;
    }
    nudge(&values[node->in[last]]);
    return p->values[node->in[last]].kind == VALUE_INPUT;
}

/* true: an input of the program has been written over. */
static bool evaluate(const struct test *test, const struct fault *fault, uint32_t nudged,
                     uint64_t noise_seed, struct arena *arena, struct array *values,
                     struct shape *forms)
{
    const struct program *p = test->program;
    struct rng rng = rng_seeded(noise_seed);
    bool input_changed = false;
    program_load(p, test->inputs, values, arena);
    for (uint32_t n = 0; n < p->n_nodes; n++) {
        const struct node *node = &p->nodes[n];
        const struct array *in[OP_INPUTS_MAX] = {0};
        struct array out[OP_OUTPUTS_MAX];
        for (uint32_t k = 0; k < node->n_in; k++) {
            in[k] = node->in[k] == VALUE_ABSENT ? NULL : &values[node->in[k]];
        }
        const struct fault *hit = fault_in(p, node, fault);
        evaluate_node(p, node, in, hit, noise_seed ? &rng : NULL, out, forms, arena);
        if (hit && hit->mutation->overwrites) {
            input_changed = overwrite(p, node, values) || input_changed;
        }
        for (uint32_t o = 0; o < node->n_out; o++) {
            if (n == nudged) {
                nudge(&out[o]);
            }
            values[node->out[o]] = out[o];
        }
    }
    return input_changed;
}

bool fault_evaluate(const struct test *test, const struct fault *fault, uint64_t noise_seed,
                    struct arena *arena, struct tensor *outputs)
{
    const struct program *p = test->program;
    struct array *values = ARENA_ZARRAY(arena, struct array, p->n_values);
    struct shape *forms = ARENA_ZARRAY(arena, struct shape, p->n_values);
    bool input_changed = evaluate(test, fault, UINT32_MAX, noise_seed, arena, values, forms);
    give_outputs(p, fault, values, forms, arena, outputs);
    return input_changed;
}

void nudge_evaluate(const struct test *test, uint32_t node, struct arena *arena,
                    struct array *values, struct tensor *outputs)
{
    const struct program *p = test->program;
    struct shape *forms = ARENA_ZARRAY(arena, struct shape, p->n_values);
    (void)evaluate(test, NULL, node, 0, arena, values, forms);
    give_outputs(p, NULL, values, forms, arena, outputs);
}

static enum err faulty_option(struct target *t, const char *key, const char *value,
                              struct arena *arena)
{
    struct fault fault;
    if (value || (strcmp(key, "none") != 0 && !fault_parse(key, &fault))) {
        return err_set(ERR_USAGE,
                       "faulty: no fault \"%s\"; \"none\", MUTATION.OP such as negate.add "
                       "(list: opjury bench judge --help) or MUTATION.OP+OP, or several",
                       key);
    }
    t->options = *t->options ? arena_printf(arena, "%s,%s", t->options, key) : key;
    return ERR_OK;
}

/* Those of the options; NULL: none. */
static const struct fault *planted_in(const struct target *t, struct arena *arena)
{
    const struct fault *all = NULL;
    char *rest = arena_strdup(arena, t->options ? t->options : "");
    for (char *name; (name = strsep(&rest, ",")) != NULL;) {
        struct fault *fault = arena_alloc(arena, sizeof(*fault));
        if (fault_parse(name, fault)) {
            fault->also = all;
            all = fault;
        }
    }
    return all;
}

static bool faulty_can_spell(const struct target *t, const struct op *op, const enum dtype *in,
                             size_t n_in, const enum dtype *out, size_t n_out)
{
    return true;
}

static enum err faulty_run(const struct target *t, const struct test *test, struct arena *arena,
                           struct outcome *outcome)
{
    *outcome = (struct outcome){
        .kind = OUTCOME_OK, .message = "", .log = "", .n_outputs = test->program->n_outputs};
    outcome->outputs = ARENA_ARRAY(arena, struct tensor, outcome->n_outputs);
    uint64_t noise = hash_mix(program_hash(test->program), test->index) | 1;
    outcome->input_changed =
        fault_evaluate(test, planted_in(t, arena), noise, arena, outcome->outputs);
    return ERR_OK;
}

/* Faults that a program seldom has all of: which of those that were drawn a failure needs. */
static const char *const word[] = {"", NULL};
static const struct option_draw faulty_draws[] = {
    {"negate.add", word}, {"negate.mul", word}, {"negate.relu", word}, {NULL}};

static const char *const faulty_defaults[] = {NULL}; /* only when asked for */

const struct target_kind target_faulty = {
    .name = "faulty",
    .summary = "our own evaluator with a planted fault: judges the oracles",
    .is_test = true,
    .options = "none|MUTATION.OP[+OP],...",
    .option = faulty_option,
    .defaults = faulty_defaults,
    .can_spell = faulty_can_spell,
    .run = faulty_run,
    .draws = faulty_draws,
};
