/* SPDX-License-Identifier: Apache-2.0 */
/*
 * torch_internal: what forms of torch are made of. A form makes the calls of one node: public
 * callables with arguments. A file a family of ops (torch_reduce.c ...) holds the forms,
 * torch_plan.c lists the families and makes the plan. A form exists for every dtype that torch has
 * an object for; which of them a build implements is found by probing, not here.
 */
#ifndef OPJURY_TORCH_INTERNAL_H
#define OPJURY_TORCH_INTERNAL_H

#include "spell/spell_internal.h"

struct planner {
    const struct program *program;
    const struct node *node; /* being spelled */
    struct arena *arena;
    struct plan *plan;
    uint32_t *registers; /* of each program value */
    struct plan_call *calls;
    const char **names; /* of each register */
    struct names *taken;
    enum err refused; /* by the form of the node at hand */
};

struct torch_form {
    const char *op;
    const char *callable;
    void (*emit)(struct planner *b, const char *callable);
};

/* The families: forms, closed by an empty one. */
extern const struct torch_form torch_elementwise[], torch_math[], torch_activation[], torch_logic[],
    torch_reduce[], torch_linear[], torch_pool[], torch_move[], torch_slice[], torch_index[];

#define VALUE(r) {.kind = PLAN_VALUE, .value = (r)}
#define INT(key, x) {.keyword = (key), .kind = PLAN_INT, .i = (x)}
#define INTS(key, count, x) {.keyword = (key), .kind = PLAN_INTS, .n = (count), .ints = (x)}
#define BOOL(key, x) {.keyword = (key), .kind = PLAN_BOOL, .i = (x)}
#define DTYPE(key, x) {.keyword = (key), .kind = PLAN_DTYPE, .dtype = (x)}
#define TEXT(key, x) {.keyword = (key), .kind = PLAN_TEXT, .text = (x)}

#define VALUES(count, x) {.kind = PLAN_VALUES, .n = (count), .values = (x)}
#define REAL(key, x) {.keyword = (key), .kind = PLAN_REAL, .f = (x)}

/* Make a call whose result goes to the register. */
#define CALL(b, to, callable, ...)                                                                 \
    torch_call(b, to, callable, (const struct plan_arg[]){__VA_ARGS__},                            \
               ARRAY_SIZE(((const struct plan_arg[]){__VA_ARGS__})))
void torch_call(struct planner *b, uint32_t to, const char *callable, const struct plan_arg *args,
                size_t n_args);
/* A call that gives a tuple, one register each. */
void torch_call_tuple(struct planner *b, const uint32_t *to, size_t n_to, const char *callable,
                      const struct plan_arg *args, size_t n_args);

/* Registers of the node's inputs and first output, and what is in them. */
uint32_t torch_input(const struct planner *b, uint32_t k);
const struct value *torch_input_value(const struct planner *b, uint32_t k);
uint32_t torch_output(const struct planner *b);
const struct value *torch_output_value(const struct planner *b);
/* A register for a step inside the node: "v3_pad". */
uint32_t torch_step(struct planner *b, const char *what);
/* The attribute, which must be there. Borrowed: a plan lives as long as its program. */
const struct attr *torch_attribute(const struct planner *b, const char *name);

/* The node's attributes ask for what torch's calls cannot give: ERR_UNSUPPORTED. */
void torch_refuse(struct planner *b, const char *why);

/* Called on all inputs. */
void torch_plain(struct planner *b, const char *callable);

#endif
