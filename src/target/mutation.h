/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is wrong in an implementation of an op, as a change of one evaluation: of what the op sees
 * (inputs, attributes), of what it gives, of the op itself, or of a result's form. A mutation says
 * by properties which ops it fits, so that an op new to the catalogue has its faults by itself.
 */
#ifndef OPJURY_MUTATION_H
#define OPJURY_MUTATION_H

#include "target/faulty.h"

/* One node about to be evaluated, in copies that a mutation may write. */
struct site {
    const struct program *p;
    struct node node;               /* attrs are a copy */
    struct array in[OP_INPUTS_MAX]; /* elements are copies */
    bool present[OP_INPUTS_MAX];
    struct attr *attr;  /* the one that the mutation is of; NULL: the node has none */
    struct array *out;  /* after evaluation, rounded; n_out of them */
    struct shape *form; /* n_out, declared: another shape is what outputs of the program will have
                         */
    struct arena *arena;
};

struct mutation {
    const char *name;
    const char *summary;
    bool (*fits)(const struct op *op);
    const char * not;  /* space-separated ops, attributes and op.attribute that it cannot change */
    unsigned of_attrs; /* bits of enum attr_kind: one fault for each attribute of these kinds */
    dtype_set dtypes;  /* of input 0, where it shows; 0: all */
    void (*before)(struct site *s);
    void (*after)(struct site *s);
    void (*form)(struct tensor *output);
    bool overwrites; /* the last operand, for those who read it next */
};
extern const struct mutation mutation_table[];

/* Is the name one of a list that spaces separate? */
bool mutation_lists(const char *list, const char *name);
struct attr *site_attr(struct site *s, const char *name);
/* Do the node's attributes, as they are now, give the declared shapes? They are put into s->form if
 * they give others. */
enum fit { FIT_NONE, FIT_OTHER_SHAPE, FIT_SAME };
enum fit site_fit(struct site *s);
/* The op that an op is confused with: of the same slots, attributes and relation; NULL: none. */
const struct op *mutation_sibling(const struct op *op);

/* mutation_attrs.c: wrong attributes, and what convolutions and windows do wrong */
bool attr_fits(const struct op *op, const char *name);
void before_flip_flag(struct site *s);
void before_flag_shape(struct site *s);
/* As many elements in a line; of a line a row. */
struct shape other_form(const struct shape *shape);
void before_wrong_number(struct site *s);
void before_real_zero(struct site *s);
void before_real_one(struct site *s);
void before_other_text(struct site *s);
void before_swap_pads(struct site *s);
void before_no_dilation(struct site *s);
void before_short_kernel(struct site *s);
void before_drop_tap(struct site *s);
void before_ignore_group(struct site *s);
void before_pad_zero(struct site *s);
void before_pad_edge(struct site *s);

#endif
