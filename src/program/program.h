/* SPDX-License-Identifier: Apache-2.0 */
/*
 * program: the test as data. Dtypes, shapes, tensors, graphs (values, nodes, attributes), their
 * text form, and checks of the *form* (names, counts, cycles). What an op means is known one layer
 * up (ops); a program only names it. All memory of a program is its arena's.
 */
#ifndef OPJURY_PROGRAM_H
#define OPJURY_PROGRAM_H

#include "base/base.h"

/* ---- dtypes ---- */

enum dtype_class { CLASS_BOOL, CLASS_SIGNED, CLASS_UNSIGNED, CLASS_FLOAT };

/* name, bytes, class, value bits (integers: all; floats: significand with the hidden bit), largest
 * binary exponent (floats: values < 2^emax), smallest normal exponent emin (2^(emin-1) is the
 * smallest normal, as DBL_MIN_EXP counts). Complex and float8 find their place behind F64. */
#define DTYPE_MAP(X)                                                                               \
    X(BOOL, "bool", 1, CLASS_BOOL, 1, 0, 0)                                                        \
    X(I8, "i8", 1, CLASS_SIGNED, 8, 0, 0)                                                          \
    X(U8, "u8", 1, CLASS_UNSIGNED, 8, 0, 0)                                                        \
    X(I16, "i16", 2, CLASS_SIGNED, 16, 0, 0)                                                       \
    X(U16, "u16", 2, CLASS_UNSIGNED, 16, 0, 0)                                                     \
    X(I32, "i32", 4, CLASS_SIGNED, 32, 0, 0)                                                       \
    X(U32, "u32", 4, CLASS_UNSIGNED, 32, 0, 0)                                                     \
    X(I64, "i64", 8, CLASS_SIGNED, 64, 0, 0)                                                       \
    X(F16, "f16", 2, CLASS_FLOAT, 11, 16, -13)                                                     \
    X(BF16, "bf16", 2, CLASS_FLOAT, 8, 128, -125)                                                  \
    X(F32, "f32", 4, CLASS_FLOAT, 24, 128, -125)                                                   \
    X(F64, "f64", 8, CLASS_FLOAT, 53, 1024, -1021)

enum dtype {
    DTYPE_NONE = 0,
#define DTYPE_ENUM(name, ...) DTYPE_##name,
    DTYPE_MAP(DTYPE_ENUM)
#undef DTYPE_ENUM
        DTYPE_COUNT,
};

struct dtype_info {
    const char *name;
    uint8_t size;  /* bytes */
    uint8_t class; /* enum dtype_class */
    int16_t bits;
    int16_t emax;
    int16_t emin;
};
extern const struct dtype_info dtype_table[DTYPE_COUNT];

/* A set of dtypes, bit 1 << dtype. */
typedef uint32_t dtype_set;
#define DT(name) ((dtype_set)1 << DTYPE_##name)
#define DT_FLOATS (DT(F16) | DT(BF16) | DT(F32) | DT(F64))
#define DT_SIGNED (DT(I8) | DT(I16) | DT(I32) | DT(I64))
#define DT_UNSIGNED (DT(U8) | DT(U16) | DT(U32))
#define DT_INTS (DT_SIGNED | DT_UNSIGNED)
#define DT_NUMBERS (DT_INTS | DT_FLOATS)
#define DT_ALL (DT_NUMBERS | DT(BOOL))

static inline bool dtype_in(enum dtype d, dtype_set set)
{
    return (set >> d) & 1;
}
static inline bool dtype_is_float(enum dtype d)
{
    return dtype_in(d, DT_FLOATS);
}
static inline bool dtype_is_int(enum dtype d)
{
    return dtype_in(d, DT_INTS);
}
static inline bool dtype_is_half(enum dtype d)
{
    return dtype_in(d, DT(F16) | DT(BF16));
}
static inline size_t dtype_size(enum dtype d)
{
    return dtype_table[d].size;
}
static inline const char *dtype_name(enum dtype d)
{
    return dtype_table[d].name;
}
/* DTYPE_NONE when unknown. */
enum dtype dtype_parse(const char *name, size_t size);

/*
 * The reference computes in `real`: x87 long double on x86-64 has a 64-bit significand, so every
 * value of every dtype, i64 included, is exact in it, and 11 bits remain beyond f64.
 */
typedef long double real;
_Static_assert(__LDBL_MANT_DIG__ >= 64, "opjury needs a long double that holds int64 exactly");

real dtype_load(enum dtype d, const void *data, size_t index);
/* Round to nearest even, overflow to infinity; integers must be integral and are wrapped mod
 * 2^bits; NaN or infinity into an integer stores its minimum; bool stores value != 0. Every NaN is
 * stored as the quiet positive one without payload. */
void dtype_store(enum dtype d, void *data, size_t index, real value);
/* The same for n elements in a row: what loops over tensors should use. */
void dtype_load_many(enum dtype d, const void *data, size_t n, real *out);
void dtype_store_many(enum dtype d, void *data, size_t n, const real *in);
/* The value that dtype_store would keep. Exact (no double rounding), subnormals included. */
real dtype_round(enum dtype d, real value);
/* In place. true: some number was none of the dtype's values. */
bool dtype_round_many(enum dtype d, real *values, size_t n);
/* Wrap an exact two's-complement pattern to d (integers) and give it as real. */
real dtype_wrap(enum dtype d, uint64_t pattern);
/* Low 64 bits of an integral value in [-2^63, 2^64). */
uint64_t real_pattern(real value);

/* What follows from bits, emax and emin of the table, at hand where it is needed per element. */
struct dtype_limits {
    real max, lowest;
    real roundoff, tiny, min_normal;
};
extern const struct dtype_limits dtype_limits[DTYPE_COUNT];

/* Largest finite value; most negative one (unsigned and bool: 0). */
static inline real dtype_max(enum dtype d)
{
    return dtype_limits[d].max;
}
static inline real dtype_lowest(enum dtype d)
{
    return dtype_limits[d].lowest;
}
/* Unit roundoff 2^-bits of a float dtype (half the distance from 1 to the next value); 0 otherwise.
 */
static inline real dtype_roundoff(enum dtype d)
{
    return dtype_limits[d].roundoff;
}
/* Smallest positive subnormal / normal of a float dtype; 0 otherwise. */
static inline real dtype_tiny(enum dtype d)
{
    return dtype_limits[d].tiny;
}
static inline real dtype_min_normal(enum dtype d)
{
    return dtype_limits[d].min_normal;
}
/* Steps between two values on d's grid (floats: count of representable values between; NaN pairs 0;
 * NaN against number INT64_MAX). */
int64_t dtype_steps(enum dtype d, real a, real b);
/* Fewest digits that read back to the same value of d: 1, -0.5, 1e-40, nan, inf, -inf, -0, true.
 * Integers below 100000 are written out. */
void dtype_print(enum dtype d, real value, struct buffer *buffer);
/* The same for those who go on to calculate with it: -9.6875 in bf16 is not -9.7. Half floats have
 * the digits of single precision. */
void dtype_print_value(enum dtype d, real value, struct buffer *buffer);

/* ---- shapes and tensors ---- */

enum { RANK_MAX = 6 };

struct shape {
    int32_t rank;
    int64_t dim[RANK_MAX]; /* dims beyond rank are 0 */
};
/* Product of dims (1 for rank 0); SIZE_MAX on overflow. */
size_t shape_numel(const struct shape *shape);
bool shape_equal(const struct shape *a, const struct shape *b);
/* "[2,3]" appended. */
void shape_print(const struct shape *shape, struct buffer *buffer);

/* Raw elements in row-major order, little endian, dtype's own format; bool is one byte 0 or 1. */
struct tensor {
    enum dtype dtype;
    struct shape shape;
    void *data;
};
size_t tensor_size(const struct tensor *tensor); /* bytes */
struct tensor tensor_new(struct arena *arena, enum dtype dtype,
                         const struct shape *shape); /* zeroed */
/* Same dtype, shape and bits; every NaN equals every NaN. */
bool tensor_equal(const struct tensor *a, const struct tensor *b);
uint64_t tensor_hash(const struct tensor *tensor, uint64_t seed);

/* ---- attributes ---- */

enum { ATTR_VALUES_MAX = 12 };
enum attr_kind { ATTR_INT, ATTR_INTS, ATTR_REAL, ATTR_BOOL, ATTR_DTYPE, ATTR_TEXT };

struct attr {
    const char *name;
    enum attr_kind kind;
    uint8_t n; /* values used; 1 but for INTS (0..12) */
    union {
        int64_t i[ATTR_VALUES_MAX]; /* INT, INTS, BOOL */
        double f;                   /* REAL */
        enum dtype dtype;
        const char *text; /* printable ASCII without '"' and '\\' */
    };
};

/* ---- graphs ---- */

/* Far above what any op has; a bound for malformed input. */
enum { NODE_INPUTS_MAX = 1024, NODE_OUTPUTS_MAX = 64, NODE_ATTRS_MAX = 32 };

enum value_kind { VALUE_INPUT, VALUE_CONST, VALUE_NODE };
#define VALUE_ABSENT UINT32_MAX /* an optional input that is not given; "_" in text */

struct value {
    const char *name; /* unique identifier in its program */
    enum value_kind kind;
    enum dtype dtype;
    struct shape shape;
    uint32_t node; /* NODE: producer and which of its outputs */
    uint32_t output;
    const void *data; /* CONST: the elements; NULL while only the shape is made (see generate.h) */
};

/* The elements of a constant, as a tensor that is only to be read: it borrows them. */
struct tensor value_tensor(const struct value *v);

struct op; /* ops/ops.h */

struct node {
    const char *op_name;
    const struct op *op; /* set by ops_resolve, NULL before */
    uint32_t n_in, n_out, n_attrs;
    uint32_t *in; /* value ids */
    uint32_t *out;
    struct attr *attrs;
    /* Views and in-place ops come later; the slots are here: alias[o] is the input that output o is
     * a view of, or -1 (NULL: none is); mutates is a set of inputs written. */
    int8_t *alias;
    uint32_t mutates;
};

struct program {
    struct arena *arena;
    uint32_t n_values, n_nodes, n_outputs;
    uint32_t values_capacity, nodes_capacity, outputs_capacity;
    struct value *values;
    struct node *nodes; /* in an order in which producers come first */
    uint32_t *outputs;  /* value ids */
    bool has_given_names;
};

struct program *program_new(struct arena *arena);
/* Each returns the new value's id. name NULL makes a fresh one ("x3", "w3", "v3"). data is
 * borrowed: it must live as long as the arena. */
uint32_t program_add_input(struct program *p, const char *name, enum dtype d,
                           const struct shape *s);
uint32_t program_add_const(struct program *p, const char *name, enum dtype d, const struct shape *s,
                           const void *data);
/* Appends a node whose outputs have these dtypes and shapes; in and attrs are copied (op_name and
 * the texts inside attrs are borrowed). Returns the node's index; its value ids are nodes[i].out[].
 */
uint32_t program_add_node(struct program *p, const char *op_name, uint32_t n_in, const uint32_t *in,
                          uint32_t n_attrs, const struct attr *attrs, uint32_t n_out,
                          const enum dtype *dtypes, const struct shape *shapes);
/* The same with names for the outputs; names NULL makes fresh ones. */
uint32_t program_add_named_node(struct program *p, const char *op_name, uint32_t n_in,
                                const uint32_t *in, uint32_t n_attrs, const struct attr *attrs,
                                uint32_t n_out, const enum dtype *dtypes,
                                const struct shape *shapes, const char *const *names);
void program_add_output(struct program *p, uint32_t value);
/* Value id becomes value to[id], all nodes and outputs with it; then all have fresh names. */
void program_renumber(struct program *p, const uint32_t *to);
/* NULL when the node has no such attribute. */
const struct attr *node_attr(const struct node *node, const char *name);
int64_t node_int(const struct node *node, const char *name, int64_t otherwise);
double node_real(const struct node *node, const char *name, double otherwise);
bool attr_equal(const struct attr *a, const struct attr *b);
/* "axis=1", as in the text of a program. */
void attr_print(const struct attr *attr, struct buffer *buffer);

/* Inputs in id order: their count, and the k-th one's id. */
uint32_t program_n_inputs(const struct program *p);
uint32_t program_input(const struct program *p, uint32_t k);
uint32_t program_find_value(const struct program *p, const char *name); /* VALUE_ABSENT if none */
/* is_const[value]: constants, and what is computed of constants alone, which libraries fold into
 * one when they load. */
void program_mark_constants(const struct program *p, bool *is_const);
/* Deep copy, data included. */
struct program *program_clone(const struct program *p, struct arena *arena);
/* Copy without the nodes, consts and (if drop_inputs) inputs that no output needs. */
struct program *program_prune(const struct program *p, struct arena *arena, bool drop_inputs);
/* Elements of all values of one program together; also the bound of each dim. 2^28 f32 are 1 GiB.
 */
enum { PROGRAM_NUMEL_MAX = 1 << 28 };
/* Does it hold together: ids in range, producers first (a node's outputs are consecutive ids above
 * its inputs' and above those of the nodes before it), names unique, numel bounded, at least one
 * output and none twice. ERR_INPUT names the value or node. */
MUST_USE enum err program_verify(const struct program *p);
/* Structure, attributes, shapes, dtypes and constants' bits; names do not count. */
uint64_t program_hash(const struct program *p);

/*
 * Text form, one statement a line, '#' starts a comment; read by people first:
 *     x: f32[2,3] = input
 *     w: f32[3,4] = const [1, -0.5, nan, ...]        every element, row-major, dtype_print's form
 *     y: f32[2,4] = matmul(x, w)
 *     z: i64[2] = arg_max(y, axis=1, keepdims=false)
 *     a: f32[1], b: f32[1] = two(y, _, dims=[1,2], to=f16, mode="same") alias(0,_) mutates(1)
 *     output z, a
 * Values of attributes: 3 (int), [1,2] (ints), 0.5 / 2.0 / inf / nan (real: has '.', 'e', inf or
 * nan), true, f16 (dtype), "text". A const whose data is not made yet prints as `const ?` and reads
 * back so. Printing what was parsed, and parsing what was printed, gives the same value ids and the
 * same program_hash.
 */
void program_print(const struct program *p, struct buffer *buffer);
/* On failure: ERR_INPUT, text "NAME:LINE: what". A file of several programs is split by the caller.
 */
MUST_USE enum err program_parse(const char *name, const char *text, size_t size,
                                struct arena *arena, struct program **program);

/* ---- a test ---- */

/* Where each input tensor lies in a worker's memory; the same in all runs of a test. */
enum placement {
    PLACE_ALIGNED,
    PLACE_END,
    PLACE_START
}; /* 64-aligned with canaries, flush to a guard */

struct test {
    uint64_t seed;                 /* of the campaign */
    uint64_t index;                /* in the campaign */
    const struct program *program; /* constants have data */
    uint32_t n_inputs;
    struct tensor *inputs; /* in program_input order */
    enum placement placement;
    const char *policy; /* name of the input policy that made it: "clean", "special", "given" */
    /* Dynamic shapes: the same nodes and constants with other input shapes, for targets that run
     * one loaded program at both, this test last. NULL: none. Its own `before` is not looked at. */
    const struct test *before;
};
extern const char *const placement_names[]; /* "aligned", ...; NULL at the end */

#endif
