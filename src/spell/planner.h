/* SPDX-License-Identifier: Apache-2.0 */
/*
 * planner: what forms of libraries that are driven by calls are made of. A form makes the calls of
 * one node: public callables with arguments. A file a library and family of ops (torch_reduce.c
 * ...) holds the forms, LIBRARY_calls.c lists the families; planner.c makes the plan. Which dtypes
 * a build implements is found by probing, not here.
 */
#ifndef OPJURY_PLANNER_H
#define OPJURY_PLANNER_H

#include "spell/spell_internal.h"

struct planner {
    const struct call_library *library;
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

struct call_form {
    const char *op;
    const char *callable;
    void (*emit)(struct planner *b, const char *callable);
};

struct call_library {
    const char *name;                        /* "torch" */
    const char *dtypes;                      /* the module that has the dtype objects */
    const struct call_form *const *families; /* forms, closed by an empty one; NULL at the end */
};

#define VALUE(r) {.kind = PLAN_VALUE, .value = (r)}
#define INT(key, x) {.keyword = (key), .kind = PLAN_INT, .i = (x)}
#define INTS(key, count, x) {.keyword = (key), .kind = PLAN_INTS, .n = (count), .ints = (x)}
#define BOOL(key, x) {.keyword = (key), .kind = PLAN_BOOL, .i = (x)}
#define DTYPE(key, x) {.keyword = (key), .kind = PLAN_DTYPE, .dtype = (x)}
#define TEXT(key, x) {.keyword = (key), .kind = PLAN_TEXT, .text = (x)}
#define OBJECT(key, x) {.keyword = (key), .kind = PLAN_OBJECT, .text = (x)}
/* (1, 2); ((1, 2), (3, 4)): `count` of `columns` numbers. */
#define TUPLE(key, count, x) {.keyword = (key), .kind = PLAN_TUPLE, .n = (count), .ints = (x)}
#define TUPLES(key, count, columns, x)                                                             \
    {.keyword = (key), .kind = PLAN_TUPLE, .n = (count), .width = (columns), .ints = (x)}

#define VALUES(count, x) {.kind = PLAN_VALUES, .n = (count), .values = (x)}
#define REAL(key, x) {.keyword = (key), .kind = PLAN_REAL, .f = (x)}

/* Make a call whose result goes to the register. */
#define CALL(b, to, callable, ...)                                                                 \
    planner_call(b, to, callable, (const struct plan_arg[]){__VA_ARGS__},                          \
                 ARRAY_SIZE(((const struct plan_arg[]){__VA_ARGS__})))
void planner_call(struct planner *b, uint32_t to, const char *callable, const struct plan_arg *args,
                  size_t n_args);
/* A call that gives a tuple, one register each. */
void planner_call_tuple(struct planner *b, const uint32_t *to, size_t n_to, const char *callable,
                        const struct plan_arg *args, size_t n_args);

/* Registers of the node's inputs and first output, and what is in them. */
uint32_t planner_input(const struct planner *b, uint32_t k);
const struct value *planner_input_value(const struct planner *b, uint32_t k);
uint32_t planner_output(const struct planner *b);
const struct value *planner_output_value(const struct planner *b);
/* A register for a step inside the node: "v3_pad". */
uint32_t planner_step(struct planner *b, const char *what);
/* The attribute, which must be there. Borrowed: a plan lives as long as its program. */
const struct attr *planner_attribute(const struct planner *b, const char *name);

/* May an element of input k be below 0, an index from the end? No constant that has none. */
bool planner_may_be_negative(const struct planner *b, uint32_t k);

/* The node's attributes ask for what the library's calls cannot give: ERR_UNSUPPORTED. */
void planner_refuse(struct planner *b, const char *why);

/* Called on all inputs. */
void planner_plain(struct planner *b, const char *callable);

#endif
