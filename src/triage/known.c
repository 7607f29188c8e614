/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Known-bug rules: YAML in, a yes or no for one failure out. libcyaml checks the form by the schema
 * below; what a schema cannot say (op names, dtypes, regular expressions) is checked here at load,
 * so that a rule with a typing error is an error and not a rule that never matches.
 */
#include <cyaml/cyaml.h>
#include <regex.h>
#include <stdio.h>
#include <string.h>

#include "base/yaml.h"
#include "triage/triage.h"
#include "triage/triage_internal.h"

/* The file src/triage/known.yaml; the build quotes it. */
static const char shipped[] =
#include "triage/known_yaml.inc"
    ;

struct rule {
    const char *id, *library, *oracle, *message, *url, *note;
    const char **versions, **ops, **dtypes, **read_again;
    unsigned *ranks;
    unsigned versions_count, ops_count, dtypes_count, read_again_count, ranks_count;
};

struct known_rules {
    struct rule *rules;
    unsigned n;
};

/* ---- the schema ---- */

static const cyaml_schema_value_t text_schema = {
    CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 1, CYAML_UNLIMITED),
};

static const cyaml_schema_value_t rank_schema = {
    CYAML_VALUE_UINT(CYAML_FLAG_DEFAULT, unsigned),
};

#define RULE_TEXT(name, flags)                                                                     \
    CYAML_FIELD_STRING_PTR(#name, CYAML_FLAG_POINTER | (flags), struct rule, name, 1,              \
                           CYAML_UNLIMITED)
#define RULE_LIST(name, schema)                                                                    \
    CYAML_FIELD_SEQUENCE(#name, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct rule, name,       \
                         &(schema), 1, CYAML_UNLIMITED)

static const cyaml_schema_field_t rule_fields[] = {
    RULE_TEXT(id, 0),
    RULE_TEXT(library, 0),
    RULE_LIST(versions, text_schema),
    RULE_LIST(ops, text_schema),
    RULE_LIST(dtypes, text_schema),
    RULE_LIST(ranks, rank_schema),
    RULE_LIST(read_again, text_schema),
    RULE_TEXT(oracle, CYAML_FLAG_OPTIONAL),
    RULE_TEXT(message, CYAML_FLAG_OPTIONAL),
    RULE_TEXT(url, 0),
    RULE_TEXT(note, CYAML_FLAG_OPTIONAL),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t rule_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct rule, rule_fields),
};
static const cyaml_schema_value_t file_schema = {
    CYAML_VALUE_SEQUENCE(CYAML_FLAG_POINTER, struct rule, &rule_schema, 0, CYAML_UNLIMITED),
};

/* ---- load ---- */

/* One place of a chain: an op, or several with `|` between them, of which any will do. */
struct step {
    const char *text;
    size_t size;
};

/* Cuts the next name off `rest`; false at its end. */
static bool step_next(struct step *rest, struct step *name)
{
    if (rest->text == NULL) {
        return false;
    }
    const char *bar = memchr(rest->text, '|', rest->size);
    size_t size = bar != NULL ? (size_t)(bar - rest->text) : rest->size;
    *name = (struct step){rest->text, size};
    *rest = bar != NULL ? (struct step){bar + 1, rest->size - size - 1} : (struct step){NULL, 0};
    return true;
}

static bool step_holds(struct step step, const char *op)
{
    struct step name;
    while (step_next(&step, &name)) {
        if (strlen(op) == name.size && memcmp(op, name.text, name.size) == 0) {
            return true;
        }
    }
    return false;
}

static const struct op *step_op(struct step name)
{
    char op[64];
    if (name.size >= sizeof(op)) {
        return NULL;
    }
    snprintf(op, sizeof(op), "%.*s", (int)name.size, name.text);
    return op_find(op);
}

static bool step_is_of_ops(struct step step)
{
    struct step name;
    while (step_next(&step, &name)) {
        if (step_op(name) == NULL) {
            return false;
        }
    }
    return true;
}

/* Splits "relu -> clip|min" into its steps; returns how many, 0 when one names no op. */
enum { CHAIN_MAX = 16 };
static size_t chain_parse(const char *text, struct step chain[CHAIN_MAX])
{
    size_t n = 0;
    for (const char *s = text;;) {
        s += strspn(s, " ");
        struct step step = {s, strcspn(s, " -")};
        if (n == CHAIN_MAX || !step_is_of_ops(step)) {
            return 0;
        }
        chain[n++] = step;
        s += step.size;
        s += strspn(s, " ");
        if (*s == '\0') {
            return n;
        }
        if (strncmp(s, "->", 2) != 0) {
            return 0;
        }
        s += 2;
    }
}

/* -1: it has none of that name. */
static int op_input(const struct op *op, const char *name)
{
    for (int k = 0; k < (int)op_n_inputs(op); k++) {
        if (strcmp(op->in[k].name, name) == 0) {
            return k;
        }
    }
    return -1;
}

/* Has one of the rule's ops an input of that name? */
static bool rule_has_input(const struct rule *rule, const char *input)
{
    bool found = false;
    for (unsigned i = 0; i < rule->ops_count; i++) {
        struct step chain[CHAIN_MAX], name;
        size_t n = chain_parse(rule->ops[i], chain);
        for (size_t k = 0; k < n; k++) {
            while (step_next(&chain[k], &name)) {
                found = found || op_input(step_op(name), input) >= 0;
            }
        }
    }
    return found;
}

static enum err rule_check(const struct rule *rule, const char *place)
{
    for (unsigned i = 0; i < rule->ops_count; i++) {
        struct step chain[CHAIN_MAX];
        if (chain_parse(rule->ops[i], chain) == 0) {
            return err_set(ERR_USAGE,
                           "%s: rule %s: '%s' is no op of the catalogue and no chain a -> b", place,
                           rule->id, rule->ops[i]);
        }
    }
    for (unsigned i = 0; i < rule->dtypes_count; i++) {
        if (dtype_parse(rule->dtypes[i], strlen(rule->dtypes[i])) == DTYPE_NONE) {
            return err_set(ERR_USAGE, "%s: rule %s: '%s' is no dtype (f32, i64, ...)", place,
                           rule->id, rule->dtypes[i]);
        }
    }
    for (unsigned i = 0; i < rule->read_again_count; i++) {
        if (!rule_has_input(rule, rule->read_again[i])) {
            return err_set(ERR_USAGE, "%s: rule %s: none of its ops has an input '%s'", place,
                           rule->id, rule->read_again[i]);
        }
    }
    if (rule->message != NULL) {
        regex_t regex;
        int rc = regcomp(&regex, rule->message, REG_EXTENDED | REG_NOSUB);
        if (rc != 0) {
            char why[128];
            regerror(rc, &regex, why, sizeof(why));
            return err_set(ERR_USAGE, "%s: rule %s: message: %s", place, rule->id, why);
        }
        regfree(&regex);
    }
    return ERR_OK;
}

static enum err rules_parse(const char *name, const char *text, size_t size, struct arena *arena,
                            struct known_rules *rules)
{
    void *loaded;
    unsigned n = 0;
    TRY(yaml_load(name, text, size, &file_schema, arena, &loaded, &n));
    rules->rules = loaded;
    rules->n = n;
    for (unsigned i = 0; i < n; i++) {
        const struct rule *rule = &rules->rules[i];
        char place[256];
        snprintf(place, sizeof(place), "%s:%u", name, yaml_line_of(text, "id", rule->id));
        TRY(rule_check(rule, place));
    }
    return ERR_OK;
}

enum err known_parse(const char *name, const char *text, size_t size, struct arena *arena,
                     struct known_rules **rules)
{
    struct known_rules *made = arena_zalloc(arena, sizeof(*made));
    TRY(rules_parse(name, text, size, arena, made));
    *rules = made;
    return ERR_OK;
}

static enum err read_rules(const char *path, struct arena *arena, struct known_rules **rules)
{
    struct buffer text = BUFFER_INIT;
    struct known_rules *made = arena_zalloc(arena, sizeof(*made));
    enum err err = file_read(path, 1 << 20, &text);
    if (err == ERR_OK && text.size > 0) {
        err = rules_parse(path, text.data, text.size, arena, made);
    }
    buffer_release(&text);
    TRY(err);
    *rules = made;
    return ERR_OK;
}

static void append_rules(struct known_rules *to, const struct known_rules *more,
                         struct arena *arena)
{
    struct rule *both = ARENA_ARRAY(arena, struct rule, to->n + more->n);
    memcpy(both, to->rules, sizeof(*both) * to->n);
    for (unsigned i = 0; i < more->n; i++) {
        both[to->n + i] = more->rules[i];
    }
    to->rules = both;
    to->n += more->n;
}

enum err known_load(const char *path, struct arena *arena, struct known_rules **rules)
{
    if (path != NULL && strcmp(path, "none") == 0) {
        *rules = arena_zalloc(arena, sizeof(**rules));
        return ERR_OK;
    }
    if (path != NULL) {
        return read_rules(path, arena, rules);
    }
    struct known_rules *all, *more;
    TRY(known_parse("known.yaml", shipped, sizeof(shipped) - 1, arena, &all));
    if (file_exists(KNOWN_FILE)) {
        TRY(read_rules(KNOWN_FILE, arena, &more));
        append_rules(all, more, arena);
    }
    *rules = all;
    return ERR_OK;
}

void known_list(const struct known_rules *rules, struct buffer *out)
{
    for (unsigned i = 0; i < rules->n; i++) {
        const struct rule *rule = &rules->rules[i];
        buffer_printf(out, "%-32s %-12s ", rule->id, rule->library);
        for (unsigned k = 0; k < rule->ops_count; k++) {
            buffer_printf(out, "%s%s", k > 0 ? ", " : "", rule->ops[k]);
        }
        buffer_printf(out, "\n    %s\n", rule->url);
    }
}

const char *known_url(const struct known_rules *rules, const char *id)
{
    for (unsigned i = 0; i < rules->n; i++) {
        if (strcmp(rules->rules[i].id, id) == 0) {
            return rules->rules[i].url;
        }
    }
    return NULL;
}

/* ---- match ---- */

static bool rule_has_version(const struct rule *rule, const char *version)
{
    for (unsigned i = 0; i < rule->versions_count; i++) {
        size_t n = strlen(rule->versions[i]);
        if (version != NULL && strncmp(version, rule->versions[i], n) == 0 &&
            (version[n] == '\0' || version[n] == '.' || version[n] == '+')) {
            return true;
        }
    }
    return rule->versions_count == 0;
}

static bool node_is(const struct rule *rule, const struct program *p, uint32_t i, struct step step)
{
    if (!step_holds(step, p->nodes[i].op_name)) {
        return false;
    }
    const struct value *x = node_operand(p, &p->nodes[i]);
    bool is_dtype = rule->dtypes_count == 0, is_rank = rule->ranks_count == 0;
    for (unsigned k = 0; k < rule->dtypes_count && x != NULL; k++) {
        is_dtype = is_dtype || strcmp(dtype_name(x->dtype), rule->dtypes[k]) == 0;
    }
    for (unsigned k = 0; k < rule->ranks_count && x != NULL; k++) {
        is_rank = is_rank || (int)rule->ranks[k] == x->shape.rank;
    }
    return is_dtype && is_rank;
}

/*
 * Is there a path through the program on which the chain's ops appear in order? Other ops may stand
 * between: an optimiser removes what does nothing and then sees the pair. place[i]: how many of the
 * chain's ops the best path to node i has seen, i included.
 */
static bool chain_is_in(const struct rule *rule, const struct program *p, const struct step *chain,
                        size_t n, struct arena *scratch)
{
    size_t *place = ARENA_ZARRAY(scratch, size_t, p->n_nodes);
    for (uint32_t i = 0; i < p->n_nodes; i++) {
        for (uint32_t j = 0; j < i; j++) {
            if (place[j] > place[i] && node_feeds(p, j, i)) {
                place[i] = place[j];
            }
        }
        if (place[i] < n && node_is(rule, p, i, chain[place[i]])) {
            place[i]++;
        }
        if (place[i] == n) {
            return true;
        }
    }
    return false;
}

static bool rule_has_ops(const struct rule *rule, const struct program *p)
{
    bool all = true;
    struct arena *scratch = arena_new();
    for (unsigned i = 0; i < rule->ops_count && all; i++) {
        struct step chain[CHAIN_MAX];
        size_t n = chain_parse(rule->ops[i], chain);
        all = chain_is_in(rule, p, chain, n, scratch);
    }
    arena_free(scratch);
    return all;
}

static unsigned count_reads(const struct program *p, uint32_t value)
{
    unsigned reads = 0;
    for (uint32_t i = 0; i < p->n_nodes; i++) {
        for (uint32_t k = 0; k < p->nodes[i].n_in; k++) {
            reads += p->nodes[i].in[k] == value;
        }
    }
    for (uint32_t o = 0; o < p->n_outputs; o++) {
        reads += p->outputs[o] == value;
    }
    return reads;
}

/* What a rule is asked about. */
struct scene {
    const struct target *target;
    const struct program *whole, *slice; /* what the failing output needs */
};

static bool is_same_constant(const struct value *a, const struct value *b)
{
    return a->kind == VALUE_CONST && b->kind == VALUE_CONST && a->dtype == b->dtype &&
           shape_equal(&a->shape, &b->shape) &&
           memcmp(a->data, b->data, shape_numel(&a->shape) * dtype_size(a->dtype)) == 0;
}

/* Reads of the value, and of constants that are equal to it, of which optimisers make one. */
static unsigned count_shared_reads(const struct program *p, uint32_t value)
{
    unsigned reads = 0;
    for (uint32_t id = 0; id < p->n_values; id++) {
        bool is_same = id == value || is_same_constant(&p->values[id], &p->values[value]);
        reads += is_same ? count_reads(p, id) : 0;
    }
    return reads;
}

/* Does what failed read a value that this node reads too? A constant is read again by the next run
 * of a session. */
static bool is_read_again(const struct scene *scene, const struct node *node, uint32_t value)
{
    const struct program *slice = scene->slice; /* under the same names */
    const struct value *values = scene->whole->values;
    uint32_t own = program_find_value(slice, values[value].name);
    unsigned reads = own != VALUE_ABSENT ? count_shared_reads(slice, own) : 0;
    bool by_node = program_find_value(slice, values[node->out[0]].name) != VALUE_ABSENT;
    bool by_next = values[value].kind == VALUE_CONST && scene->target->dynamic;
    return reads > 0 && reads + !by_node + by_next > 1;
}

static bool node_reads_again(const struct rule *rule, const struct scene *scene,
                             const struct node *node)
{
    bool found = false;
    for (unsigned i = 0; i < rule->read_again_count && node->op != NULL; i++) {
        int k = op_input(node->op, rule->read_again[i]);
        bool is_there = k >= 0 && (uint32_t)k < node->n_in && node->in[k] != VALUE_ABSENT;
        found = found || (is_there && is_read_again(scene, node, node->in[k]));
    }
    return found;
}

static bool rule_reads_again(const struct rule *rule, const struct scene *scene)
{
    const struct program *p = scene->whole;
    bool found = rule->read_again_count == 0;
    for (unsigned i = 0; i < rule->ops_count && !found; i++) {
        struct step chain[CHAIN_MAX];
        size_t n = chain_parse(rule->ops[i], chain);
        for (uint32_t k = 0; k < n * p->n_nodes && !found; k++) {
            uint32_t node = k % p->n_nodes;
            found = node_is(rule, p, node, chain[k / p->n_nodes]) &&
                    node_reads_again(rule, scene, &p->nodes[node]);
        }
    }
    return found;
}

static bool rule_has_message(const struct rule *rule, const struct verdict *v,
                             const struct outcome *o)
{
    if (rule->message == NULL) {
        return true;
    }
    regex_t regex;
    CHECK(regcomp(&regex, rule->message, REG_EXTENDED | REG_NOSUB) == 0); /* checked at load */
    bool in = (o->message != NULL && regexec(&regex, o->message, 0, NULL, 0) == 0) ||
              (v->text != NULL && regexec(&regex, v->text, 0, NULL, 0) == 0);
    regfree(&regex);
    return in;
}

/* By all but the program. */
static bool rule_is_for(const struct rule *rule, const struct target *t, const struct verdict *v,
                        const struct outcome *o)
{
    return strcmp(rule->library, t->kind->name) == 0 && rule_has_version(rule, t->version) &&
           (rule->oracle == NULL || strcmp(rule->oracle, v->oracle) == 0) &&
           rule_has_message(rule, v, o);
}

const char *known_match(const struct known_rules *rules, const struct target *t,
                        const struct program *p, const struct verdict *v, const struct outcome *o,
                        struct arena *arena)
{
    struct scene scene = {.target = t, .whole = p};
    for (unsigned i = 0; i < rules->n; i++) {
        const struct rule *rule = &rules->rules[i];
        if (!rule_is_for(rule, t, v, o)) {
            continue;
        }
        scene.slice = scene.slice != NULL ? scene.slice : failing_slice(p, v, o, arena);
        if (rule_has_ops(rule, rule->read_again_count > 0 ? p : scene.slice) &&
            rule_reads_again(rule, &scene)) {
            return rule->id;
        }
    }
    return NULL;
}

static bool rule_names(const struct rule *rule, const char *op)
{
    struct step chain[CHAIN_MAX];
    for (unsigned i = 0; i < rule->ops_count; i++) {
        size_t n = chain_parse(rule->ops[i], chain);
        for (size_t k = 0; k < n; k++) {
            if (step_holds(chain[k], op)) {
                return true;
            }
        }
    }
    return false;
}

bool known_names(const struct known_rules *rules, const char *id, const char *op)
{
    for (unsigned i = 0; i < rules->n; i++) {
        if (strcmp(rules->rules[i].id, id) == 0) {
            return rule_names(&rules->rules[i], op);
        }
    }
    return false;
}
