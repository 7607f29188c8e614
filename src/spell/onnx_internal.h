/* SPDX-License-Identifier: Apache-2.0 */
/*
 * onnx_internal: what the ONNX writer and reader share. A file a family of ops (onnx_reduce.c ...)
 * holds their forms: names, types by opset, both directions; onnx_ops.c lists the families,
 * onnx_forms.c has what forms are made of, onnx_tensor.c turns tensors into TensorProtos and back,
 * onnx_write.c and onnx_read.c do models.
 */
#ifndef OPJURY_ONNX_INTERNAL_H
#define OPJURY_ONNX_INTERNAL_H

#include "spell/spell_internal.h"

#include "onnx.pb-c.h"

/* ---- forms (a table a family, listed in onnx_ops.c) ---- */

/* Opsets whose type constraints the tables hold. 7: the first with numpy's broadcasting. */
enum { ONNX_OPSET_MIN = 7, ONNX_OPSET_MAX = 28 };

struct onnx_writer;
struct onnx_reader;
struct onnx_node;

/* The dtypes an op may have from an opset on. Of inputs and outputs, an empty set is the one before
 * it; the last one holds for all that follow. Written from the operator schemas; the test of
 * schemas holds them against onnx.defs. */
struct onnx_types {
    int since; /* 0: end of the list */
    dtype_set in[OP_INPUTS_MAX], out[OP_OUTPUTS_MAX];
};

/* One op: its ONNX name, its two directions, and in order of opsets its types, each in force until
 * the next. Below the first the op has no form. */
struct onnx_form {
    const char *op, *type;
    enum err (*write)(struct onnx_writer *w);
    /* NULL: the op is said by another's node (square: Mul), or several; reading gives those. */
    enum err (*read)(struct onnx_reader *r, struct onnx_node *n);
    const struct onnx_types *types;
    /* First opset at which this argument is an input, not an attribute (clip, reductions); 0. */
    int input_since;
};
#define TYPES(...)                                                                                 \
    .types = (const struct onnx_types[])                                                           \
    {                                                                                              \
        __VA_ARGS__, {0}                                                                           \
    }
#define SAME(set)                                                                                  \
    {set},                                                                                         \
    {                                                                                              \
        set                                                                                        \
    }
#define FLOATS_OLD (DT(F16) | DT(F32) | DT(F64))
#define WIDE_INTS (DT(I32) | DT(I64) | DT(U32))
#define BF (DT(BF16))
#define INDICES (DT(I32) | DT(I64))

/* The families: forms, closed by an empty one. */
extern const struct onnx_form onnx_elementwise[], onnx_math[], onnx_activation[], onnx_logic[],
    onnx_reduce[], onnx_linear[], onnx_pool[], onnx_move[], onnx_slice[], onnx_index[];

const struct onnx_form *onnx_form_of_op(const char *op);     /* NULL: none */
const struct onnx_form *onnx_form_of_type(const char *type); /* NULL: none that can be read */

/* ---- tensors (onnx_tensor.c) ---- */

int32_t onnx_dtype(enum dtype d);
enum dtype onnx_dtype_parse(int32_t data_type); /* DTYPE_NONE: not one of ours */
/* raw_data borrows the tensor's. */
Onnx__TensorProto *onnx_tensor_make(struct arena *arena, const char *name, const struct tensor *t);
/* Data is copied into the arena. ERR_UNSUPPORTED: other dtypes, external data; `what` names it. */
MUST_USE enum err onnx_tensor_parse(const Onnx__TensorProto *proto, const char *what,
                                    struct arena *arena, struct tensor *tensor);

/* Attribute types in short. */
enum {
    ONNX_INT = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT,
    ONNX_INTS = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS,
    ONNX_FLOAT = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT,
    ONNX_FLOATS = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOATS,
    ONNX_STRING = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRING,
    ONNX_TENSOR = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__TENSOR,
};

/* ---- writing (onnx_write.c) ---- */

struct onnx_writer {
    const struct program *program;
    const struct program *shapes[2]; /* whose dims are symbolic where they differ; NULL: none */
    struct onnx_version version;
    struct arena *arena;
    struct names *taken; /* names in the model */
    Onnx__GraphProto *graph;
    size_t nodes_capacity;
    const struct onnx_form *form; /* of the node being written */
    const struct node *node;
    Onnx__NodeProto *proto; /* with room for inputs and attributes */
    Onnx__NodeProto *last;  /* while a step is made: the node that gives the result */
};
/* Nodes that one op of ours may become, but for its last. */
enum { ONNX_STEPS_MAX = 7 };
enum { ONNX_NODE_INPUTS_MAX = OP_INPUTS_MAX + 2, ONNX_NODE_ATTRS_MAX = OP_ATTRS_MAX };

/* Add to the node being written: an input by value, one that is an initializer of its own
 * ("<output>_<what>"), attributes. */
void onnx_put_input(struct onnx_writer *w, uint32_t value);
void onnx_put_const(struct onnx_writer *w, const char *what, const struct tensor *t);
void onnx_put_name(struct onnx_writer *w, const char *name);
/* Between the two, what is put goes to a node of its own before the node at hand (rsqrt:
 * Reciprocal of Sqrt). The end gives its output's name, for onnx_put_name. */
void onnx_begin_step(struct onnx_writer *w, const char *type);
const char *onnx_end_step(struct onnx_writer *w, const char *what);
/* The node at hand is of this type, not of its form's. */
void onnx_become(struct onnx_writer *w, const char *type);
void onnx_put_int(struct onnx_writer *w, const char *name, int64_t value);
void onnx_put_ints(struct onnx_writer *w, const char *name, const int64_t *values, size_t n);
void onnx_put_float(struct onnx_writer *w, const char *name, float value);
void onnx_put_text(struct onnx_writer *w, const char *name, const char *text);

/* ---- reading (onnx_read.c) ---- */

/* The bytes are hostile. NULL: no model with a graph, err_text says so. */
const Onnx__ModelProto *onnx_unpack(const char *name, const void *data, size_t size,
                                    struct arena *arena);

/* What a name of the model stands for: a value of the program, or a constant no op has used yet. */
struct onnx_value {
    uint32_t id; /* VALUE_ABSENT: not in the program yet */
    const char *name;
    const Onnx__TensorProto *proto; /* of an initializer that was not decoded yet */
    const struct tensor *constant;  /* NULL: computed, or not decoded yet */
    const struct tensor *given;     /* of an input of the model; NULL: none */
    bool *is_needed;                /* set when it is needed as a constant */
};

struct onnx_reader {
    const struct onnx_source *source;
    const char *file;
    bool *is_needed;     /* of the source's inputs: an op keeps it as an attribute */
    struct arena *arena; /* the program's */
    struct arena *work;  /* ends with the reading */
    struct program *program;
    int opset;
    const Onnx__GraphProto *graph;
    struct names *places;      /* name in the model -> place in values */
    struct names *identifiers; /* names in the program */
    struct onnx_value *values;
    uint32_t n_values;
};

/* A node being read: what is left to use of it, and what it becomes. */
struct onnx_node {
    const Onnx__NodeProto *proto;
    const struct onnx_form *form;
    uint32_t attrs_used; /* bit per attribute */
    size_t *n_known;     /* inputs that its form has asked for */
    uint32_t n_in, n_attrs;
    uint32_t in[OP_INPUTS_MAX];
    struct attr attrs[OP_ATTRS_MAX];
    bool is_identity; /* it becomes no node: its output is in[0] */
};

/* err_set with the file's and the node's name before the text. */
enum err onnx_refuse(const struct onnx_reader *r, const struct onnx_node *n, enum err code,
                     const char *format, ...) PRINTF_LIKE(4, 5);
/* Input k of the model's node becomes the next input of the program's node. */
MUST_USE enum err onnx_take_input(struct onnx_reader *r, struct onnx_node *n, size_t k);
bool onnx_has_input(const struct onnx_node *n, size_t k);
/* The program's value behind the k-th input taken. */
const struct value *onnx_operand(const struct onnx_reader *r, const struct onnx_node *n, size_t k);
/* The constant behind input k; ERR_UNSUPPORTED when it is computed or an input of the model. */
MUST_USE enum err onnx_const_input(struct onnx_reader *r, const struct onnx_node *n, size_t k,
                                   const struct tensor **t);
/* Attributes of the model's node: NULL / otherwise when it has none of that name and type. Marks
 * them as used; what stays unused makes the node ERR_UNSUPPORTED. */
const Onnx__AttributeProto *onnx_attr(struct onnx_node *n, const char *name, int type);
int64_t onnx_attr_int(struct onnx_node *n, const char *name, int64_t otherwise);
/* Its text; what no attribute of ours can hold is "?". */
const char *onnx_text(const struct onnx_reader *r, const Onnx__AttributeProto *a);
/* Attributes of the program's node. */
struct attr *onnx_set_attr(struct onnx_node *n, const char *name, enum attr_kind kind);
MUST_USE enum err onnx_set_ints(const struct onnx_reader *r, struct onnx_node *n, const char *name,
                                const int64_t *values, size_t count);

/* ---- what forms are made of (onnx_forms.c) ---- */

/* The attribute of the node being written; it must be there. */
const struct attr *onnx_attribute(const struct onnx_writer *w, const char *name);
const struct value *onnx_writer_operand(const struct onnx_writer *w, uint32_t k);
const struct value *onnx_result(const struct onnx_writer *w);
struct tensor onnx_ints_tensor(const struct onnx_writer *w, const int64_t *values, size_t n);
/* Axes below zero count from the end since 11. */
int64_t onnx_axis_at(const struct onnx_writer *w, int64_t axis);
/* Has the argument of `input_since` become an input? */
bool onnx_as_input(const struct onnx_writer *w);
/* The constant behind input k, a list of int64. */
MUST_USE enum err onnx_int64_list(struct onnx_reader *r, struct onnx_node *n, size_t k,
                                  const int64_t **values, size_t *count);
/* The same of int32 or int64, which is what ONNX takes for indices into dims. */
MUST_USE enum err onnx_index_list(struct onnx_reader *r, struct onnx_node *n, size_t k,
                                  const int64_t **values, size_t *count);
/* The attribute `name` of `count` values, each `otherwise` when it is not given. */
MUST_USE enum err onnx_ints_of(struct onnx_reader *r, struct onnx_node *n, const char *name,
                               size_t count, int64_t otherwise, int64_t *values);

/* The node's real attribute, as it is called in ONNX too, and back. */
MUST_USE enum err onnx_put_real(struct onnx_writer *w, const char *name);
void onnx_take_real(struct onnx_node *n, const char *name, float otherwise);
/* The pads of n spatial dims by auto_pad; left alone when that is NOTSET. */
MUST_USE enum err onnx_auto_pads(struct onnx_reader *r, struct onnx_node *node, int n,
                                 const int64_t *in, const int64_t *kernel, const int64_t *strides,
                                 const int64_t *dilations, int64_t *pads);
/* Is the attribute this text? An absent one is `otherwise`. */
bool onnx_text_is(const Onnx__AttributeProto *a, const char *otherwise, const char *text);

/* All inputs in order; the same and an axis attribute (0 when not given). */
enum err onnx_write_plain(struct onnx_writer *w);
enum err onnx_write_axis(struct onnx_writer *w);
enum err onnx_read_plain(struct onnx_reader *r, struct onnx_node *n);
enum err onnx_read_axis(struct onnx_reader *r, struct onnx_node *n);

#endif
