/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The title of an issue: what is guilty, the ops as the library calls them, and what they do wrong,
 * in at most TITLE_SHORT_MAX characters: lists of issues show no more, and nobody reads a chain of
 * nine operators. What does not fit is said shorter.
 */
#include <string.h>

#include "report/escape.h"
#include "report/record_internal.h"
#include "report/report_internal.h"

enum {
    TITLE_SHORT_MAX = 100,
    SYMPTOM_MIN = 45, /* of a library's message so much is worth to be shown, or the ops are cut */
};

/* How what stands before the symptom is said, from long to short. */
struct form {
    enum { OPS_ALL, OPS_ENDS, OPS_LAST } ops;
    bool first_guilty; /* the first of the guilty ones only */
};
static const struct form forms[] = {
    {OPS_ALL, false}, {OPS_ENDS, false}, {OPS_ALL, true}, {OPS_ENDS, true}, {OPS_LAST, true},
};

/* ---- what is guilty ---- */

const char *guilty_optimizers(const char *component, bool *together)
{
    static const char any[] = "optimizer ", all[] = "optimizers ";
    *together = component != NULL && strncmp(component, all, strlen(all)) == 0;
    if (*together) {
        return component + strlen(all);
    }
    bool is_any = component != NULL && strncmp(component, any, strlen(any)) == 0;
    return is_any ? component + strlen(any) : NULL;
}

/* Optimizers, or a level as it is; "" for what is no part of the library (a version, a number of
 * threads, a place in memory). */
static const char *guilty(const struct record *r, bool first_only, struct arena *arena)
{
    bool together;
    const char *name = r->component != NULL ? r->component : "";
    const char *found = guilty_optimizers(r->component, &together);
    if (strncmp(name, "opt", 3) == 0 && strchr("=>", name[3]) != NULL) {
        return name;
    }
    if (found == NULL) {
        return "";
    }
    size_t first = strcspn(found, " ,+");
    return first_only && found[first] != '\0'
               ? arena_printf(arena, "%.*s and others", (int)first, found)
               : found;
}

/* ---- ops ---- */

static bool is_empty(const struct program *p, uint32_t id)
{
    return id != VALUE_ABSENT && shape_numel(&p->values[id].shape) == 0;
}

/* "(empty)", "(vector)": what of its operands tells most failures of such an op; else "". */
static const char *operand_note(const struct program *p, const struct node *node)
{
    bool empty = false, vector = false;
    for (uint32_t k = 0; k < node->n_in; k++) {
        empty = empty || is_empty(p, node->in[k]);
        vector = vector || (node->in[k] != VALUE_ABSENT && p->values[node->in[k]].shape.rank == 1);
    }
    return empty ? "(empty)" : vector && strcmp(node->op_name, "matmul") == 0 ? "(vector)" : "";
}

/* The library's own name where that is one op: "MatMul". */
static const char *op_title(const struct record *r, const char *op_name, struct arena *arena)
{
    const struct op *op = op_find(op_name);
    bool is_onnx = strcmp(r->library, "onnxruntime") == 0 || strcmp(r->library, "openvino") == 0;
    const char *type = is_onnx && op != NULL ? onnx_type_of(op) : NULL;
    if (type != NULL && strcmp(op_name, "linear") == 0) {
        return "MatMul + Add"; /* the one that is told in two ops */
    }
    return arena_strdup(arena, type != NULL ? type : op_name);
}

/* The node that makes the output that came out wrong; the last where none is told. */
static const struct node *worst_node(const struct record *r)
{
    const struct program *p = r->test->program;
    const char *place = r->culprit->place != NULL ? r->culprit->place : "";
    const struct node *worst = p->n_nodes > 0 ? &p->nodes[p->n_nodes - 1] : NULL;
    for (uint32_t o = 0; o < p->n_outputs; o++) {
        const struct value *v = &p->values[p->outputs[o]];
        size_t n = strlen(v->name);
        if (v->kind == VALUE_NODE && strncmp(place, v->name, n) == 0 &&
            (place[n] == '[' || place[n] == '\0')) {
            worst = &p->nodes[v->node];
        }
    }
    return worst;
}

/* "Transpose -> MatMul": the chain with the library's names; without what it says in brackets. */
static const char *chain_title(const struct record *r, const struct node *worst,
                               struct arena *arena)
{
    struct buffer text = BUFFER_INIT;
    const char *at = op_chain(r->test->program, arena);
    while (*at != '\0') {
        size_t n = strcspn(at, "(");
        const char *name = op_title(r, arena_printf(arena, "%.*s", (int)n, at), arena);
        buffer_puts(&text, name);
        at += n;
        at += strcspn(at, ")");
        at += *at == ')';
        size_t gap = strspn(at, " ,->");
        buffer_printf(&text, "%.*s", (int)gap, at);
        at += gap;
    }
    buffer_puts(&text, operand_note(r->test->program, worst));
    const char *kept = arena_strdup(arena, text.data);
    buffer_release(&text);
    return kept;
}

static const char *ops_title(const struct record *r, const struct form *form, struct arena *arena)
{
    const struct program *p = r->test->program;
    const struct node *worst = worst_node(r);
    if (worst == NULL) {
        return "a program without ops";
    }
    if (form->ops == OPS_ALL || p->n_nodes == 1) {
        return chain_title(r, worst, arena);
    }
    const char *last =
        arena_printf(arena, "%s%s", op_title(r, worst->op_name, arena), operand_note(p, worst));
    const char *first = op_title(r, p->nodes[0].op_name, arena);
    return form->ops == OPS_ENDS && worst != &p->nodes[0]
               ? arena_printf(arena, "%s ->%s %s", first, p->n_nodes > 2 ? " ... ->" : "", last)
               : last;
}

/* " in float16": where all ops read that, and it is not what everybody computes in. */
static const char *dtype_title(const struct program *p, struct arena *arena)
{
    enum dtype all = DTYPE_NONE;
    for (uint32_t i = 0; i < p->n_nodes; i++) {
        for (uint32_t k = 0; k < p->nodes[i].n_in; k++) {
            uint32_t id = p->nodes[i].in[k];
            enum dtype d = id != VALUE_ABSENT ? p->values[id].dtype : all;
            if (all != DTYPE_NONE && d != all) {
                return "";
            }
            all = d;
        }
    }
    return all == DTYPE_NONE || all == DTYPE_F32 ? ""
                                                 : arena_printf(arena, " in %s", python_dtype(all));
}

/* ---- what they do wrong ---- */

/* Where an optimizer is named, how wrong the numbers are says little. */
static const char *wrong_value(const struct record *r, struct arena *arena)
{
    const struct record_run *run = r->culprit;
    if (r->is_unwritten) {
        return "leaves its result unwritten"; /* the number is that of any memory */
    }
    if (run->expected == NULL || run->actual == NULL) {
        return "gives wrong values";
    }
    bool is_plain = !is_special_number(run->expected) && !is_special_number(run->actual);
    return is_plain && guilty(r, false, arena)[0] != '\0'
               ? "gives wrong values"
               : arena_printf(arena, "gives %s instead of %s", run->actual, run->expected);
}

static const char *symptom(const struct record *r, struct arena *arena)
{
    static const struct {
        const char *oracle, *text;
    } table[] = {
        {"hang", "hangs"},
        {"gradient", "gives a wrong gradient"},
        {"determinism", "differs between two runs on the same inputs"},
    };
    const struct record_run *run = r->culprit;
    if (strcmp(r->oracle, "value") == 0) {
        return wrong_value(r, arena);
    }
    if (strcmp(r->oracle, "status") == 0 && run->message != NULL) {
        return arena_printf(arena, "is refused: %s", message_core(run->message, arena));
    }
    if (strcmp(r->oracle, "crash") == 0) {
        return run->signal != 0
                   ? arena_printf(arena, "crashes (SIG%s)", sigabbrev_np(run->signal))
                   : arena_printf(arena, "ends the process with status %d", run->exit_status);
    }
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        if (strcmp(table[i].oracle, r->oracle) == 0) {
            return table[i].text;
        }
    }
    if (strcmp(r->oracle, "side_effects") == 0 && strstr(run->text, "input tensor") != NULL) {
        return "changes its input";
    }
    const char *form = form_fault(run->text, arena);
    return form != NULL ? arena_printf(arena, "gives %s", form)
                        : arena_printf(arena, "fails: %s", run->text);
}

/* ---- the whole ---- */

const char *record_title(const struct record *r, struct arena *arena)
{
    const char *dtype = dtype_title(r->test->program, arena), *text = symptom(r, arena);
    const char *head = "";
    for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
        const char *name = guilty(r, forms[i].first_guilty, arena);
        head = arena_printf(arena, "%s%s%s%s ", name, name[0] != '\0' ? ": " : "",
                            ops_title(r, &forms[i], arena), dtype);
        size_t needed = strlen(text) < SYMPTOM_MIN ? strlen(text) : SYMPTOM_MIN;
        if (strlen(head) + needed <= TITLE_SHORT_MAX) {
            break;
        }
    }
    const char *whole = line_text(arena_printf(arena, "%s%s", head, text), arena);
    return cut_text(whole, TITLE_SHORT_MAX, arena);
}
