/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spell: how each library says an op. One file a library and family of ops (onnx_reduce.c,
 * torch_reduce.c ...) with one entry an op, structured and never a format string. From a program
 * come: an ONNX model, a plan of calls (which a worker executes and which prints as source: both
 * roads give the same bits), a stand-alone script. Also the reader of ONNX models and .npz files
 * that users give.
 */
#ifndef OPJURY_SPELL_H
#define OPJURY_SPELL_H

#include "ops/ops.h"

/* ---- ONNX ---- */

struct named_tensor {
    const char *name;
    struct tensor tensor;
};

struct onnx_version {
    int opset; /* of the default domain */
    int ir;    /* ir_version of the file */
};
#define ONNX_VERSION_DEFAULT ((struct onnx_version){.opset = 21, .ir = 10})

/* Can this op on these dtypes be said at that opset? dtypes: of the node's inputs and outputs.
 * Judges the ONNX specification, not what a runtime implements. */
bool onnx_can_spell(const struct op *op, int opset, const enum dtype *in, size_t n_in,
                    const enum dtype *out, size_t n_out);
/* "Conv"; NULL: the op has no ONNX form. */
const char *onnx_type_of(const struct op *op);
/* Does onnx_read make the same op of its form? relu6 is a Clip, and comes back as one. */
bool onnx_comes_back(const struct op *op);
/* Serialised ModelProto. Constants become initializers; inputs and outputs keep their value names.
 * ERR_UNSUPPORTED names the node that has no form at this opset. */
MUST_USE enum err onnx_write(const struct program *p, struct onnx_version version,
                             struct buffer *model);
/* One model for p and the program of `before`, the same nodes and constants with other shapes
 * (test.before): dims of inputs and outputs in which they differ are symbolic, equal names where
 * both agree. Also ERR_UNSUPPORTED when a form holds what hangs on a shape. before NULL: as
 * onnx_write. */
MUST_USE enum err onnx_write_dynamic(const struct program *p, const struct test *before,
                                     struct onnx_version version, struct buffer *model);
/* What onnx_read reads. */
struct onnx_source {
    const char *name; /* for error texts */
    const void *data;
    size_t size;
    const char *const *dims; /* values of symbolic dims ("N=3"); others are 1 */
    size_t n_dims;
    /* Values of the model's inputs, by name. One that an op here keeps as an attribute (axes, a
     * shape) becomes a constant of that value, and no input of the program. */
    const struct named_tensor *inputs;
    size_t n_inputs;
};
/* Any model whose nodes are spellings of catalogue ops (and Constant, Identity, initializers).
 * ERR_UNSUPPORTED names the op that is not in the catalogue. */
MUST_USE enum err onnx_read(const struct onnx_source *source, struct arena *arena,
                            struct program **program);

/* Of which versions is the model? ERR_INPUT, ERR_UNSUPPORTED as for onnx_read. */
MUST_USE enum err onnx_read_version(const char *name, const void *data, size_t size,
                                    struct onnx_version *version);

/* Types of its nodes, each once, in the order of the first of each. Memory: the arena's. */
MUST_USE enum err onnx_read_types(const char *name, const void *data, size_t size,
                                  struct arena *arena, struct texts *types);

/* The identifier that onnx_read makes of a model's name ("input.1" -> "input_1"). A second one that
 * would be the same gets _2 behind it. */
char *onnx_identifier(struct arena *arena, const char *name);

/* ---- call plans (torch, numpy, ...) ---- */

/* The name that numpy, torch and others have for it: "float32". */
const char *python_dtype(enum dtype d);

enum plan_arg_kind {
    PLAN_NONE,
    PLAN_VALUE,
    PLAN_VALUES,
    PLAN_INT,
    PLAN_INTS,
    PLAN_REAL,
    PLAN_BOOL,
    PLAN_DTYPE,
    PLAN_TEXT,
    PLAN_OBJECT, /* what a public dotted path names: a function that the callable calls */
    PLAN_TUPLE   /* of n numbers; width > 0: of n tuples of so many */
};

/* An argument: keyword NULL means positional. Values are slots of the plan's register file:
 * registers 0 .. n_inputs-1 hold the test's inputs, then the constants, then results. */
struct plan_arg {
    const char *keyword;
    enum plan_arg_kind kind;
    uint32_t n, width;
    union {
        uint32_t value;
        const uint32_t *values;
        int64_t i;
        const int64_t *ints;
        double f;
        enum dtype dtype; /* the library's own dtype object */
        const char *text; /* PLAN_OBJECT: its path */
    };
};
/* result = callable(args). callable is a public dotted path ("torch.nn.functional.conv2d"). When
 * n_results > 1, the call gives a tuple that is spread. */
struct plan_call {
    const char *callable;
    uint32_t n_args;
    const struct plan_arg *args;
    uint32_t n_results;
    const uint32_t *results; /* registers */
};
struct plan {
    const char *library; /* "torch" */
    const char *dtypes;  /* the module of its dtype objects */
    uint32_t n_registers, n_inputs, n_consts, n_calls, n_outputs;
    const uint32_t *input_values, *const_values; /* program value ids behind the first registers */
    const struct plan_call *calls;
    const uint32_t *outputs;  /* registers, in program output order */
    const char *const *names; /* a Python identifier per register */
};
/* A library that is driven by calls: how it says the ops (planner.h). */
struct call_library;
extern const struct call_library torch_calls, tf_calls, jax_calls;
const struct call_library *call_library_find(const char *name); /* NULL: none is called so */
/* Has it a form of the op? Which dtypes a build implements is found by probing. */
bool calls_can_spell(const struct call_library *library, const struct op *op);
MUST_USE enum err calls_plan(const struct call_library *library, const struct program *p,
                             struct arena *arena, struct plan **plan);
/* Appends the bytes for the worker: layout and its check in python/opjury/plan_wire.h. The buffer's
 * size must be a multiple of 8, and still is afterwards. */
void plan_encode(const struct plan *plan, struct buffer *bytes);
/* `def program(x0, x1, w0): ... return (v3,)` */
void plan_print_python(const struct plan *plan, struct buffer *source);
/* The same program at other shapes (test.before), for one function that runs at both. */
struct plan_shapes {
    const struct program *program, *other_program;
    const struct plan *other;
};
/* As plan_print_python, and a number that is not the same at both shapes is said by a size of an
 * input, `x0.shape[1] + 2`. ERR_UNSUPPORTED when none says it, or the calls are not the same: then
 * the source is no program. shapes NULL: one shape. */
MUST_USE enum err plan_print_shapes(const struct plan *plan, const struct plan_shapes *shapes,
                                    struct buffer *source);
/* The plan and source of a program, at the shapes of `before` too unless that is NULL. */
MUST_USE enum err calls_print(const struct call_library *library, const struct program *p,
                              const struct test *before, struct arena *arena, struct plan **plan,
                              struct buffer *source);
/* `class Program(torch.nn.Module)`, to stand behind the function: forward takes the inputs, buffers
 * hold the constants. */
void torch_print_module(const struct plan *plan, struct buffer *source);

/* ---- files ---- */

/* Is it named as an ONNX model? Other files of programs hold their text form. */
bool is_onnx_file(const char *path);
/* Adds the models (.onnx) and programs (.txt) of a folder and its subfolders, in the order of their
 * names; a model alone is itself. ERR_IO says which folder cannot be read. */
MUST_USE enum err models_under(const char *folder, struct arena *arena, struct texts *paths);

/* .npz: zip without compression; bf16 as uint16 bits, as other tools do (read back as u16: the
 * caller knows which inputs are bf16; numpy's "V2" arrays of ml_dtypes.bfloat16 are read as bf16).
 */
MUST_USE enum err npz_write(const char *path, const struct named_tensor *items, size_t n);
/* What npz_write writes; `path` is for error texts. */
MUST_USE enum err npz_print(const char *path, const struct named_tensor *items, size_t n,
                            struct buffer *file);
MUST_USE enum err npz_read(const char *path, struct arena *arena, struct named_tensor **items,
                           size_t *n);
/* The same from memory; `path` is for error texts. */
MUST_USE enum err npz_parse(const char *path, const void *data, size_t size, struct arena *arena,
                            struct named_tensor **items, size_t *n);
/* inputs[k]: the program's input k from the arrays of the same name, u16 as bf16 where it is that.
 * `path` is for error texts. */
MUST_USE enum err npz_inputs(const char *path, const struct named_tensor *items, size_t n,
                             const struct program *p, struct tensor *inputs);

/* A stand-alone script that needs the library and numpy only: builds the model (onnx-free: the
 * serialised model is inline base64 for ONNX targets; calls for torch), the inputs inline, runs it
 * the failing way, prints expected and actual and exits 1 when the fault shows, 0 when it does not,
 * 2 when it cannot run. */
struct script {
    const char *title;    /* one line */
    const char *library;  /* "torch", "jax", "onnxruntime", "openvino" or "tvm" */
    const char *setup;    /* onnxruntime's level, "all"; others': the target's options, mode first,
                             "compile,dynamic"; NULL */
    const char *disabled; /* onnxruntime's optimizers that are off, "A+B"; NULL */
    const char *options;  /* onnxruntime's all, "opt=all,prepacking=off": session_choices; NULL */
    unsigned threads;     /* 0: 1 */
    const struct program *program;
    const struct tensor *inputs;
    bool at_page_end;          /* each input ends where a page does (PLACE_END) */
    const struct test *before; /* other shapes that the same session runs first; NULL: none */
    struct onnx_version onnx;
    const struct tensor *expected; /* per output; NULL data: any value will do */
    const struct tensor *bound;    /* per output f64 absolute bounds; element NaN: not compared */
    const char *command, *why; /* "NAME=VALUE python repro.py", where it may not show otherwise, and
                                  why; NULL */
    const char *expected_error; /* the fault is an error whose text holds this; NULL: values */
};
MUST_USE enum err script_write(const struct script *script, struct buffer *source);

/* An option of ONNX Runtime's sessions that a target may have, and the lines of a script that set
 * it on `options`. */
struct session_choice {
    const char *option; /* "prepacking=off"; NULL at the end of the table */
    const char *lines;
};
extern const struct session_choice session_choices[];

/* What the short script asserts at its end. */
enum script_claim_kind {
    CLAIM_VALUE,  /* an element is within its bound */
    CLAIM_FORM,   /* outputs have their shapes and dtypes */
    CLAIM_INPUTS, /* inputs stay as they were */
    CLAIM_RUNS,   /* it comes to an end without an error */
};
struct script_claim {
    enum script_claim_kind kind;
    uint32_t output; /* CLAIM_VALUE: whose element, and its flat index */
    size_t element;
};
/* The same to be read by people: the model as calls of onnx.helper (it needs the onnx package) or
 * of torch, inputs, one run and one assertion, which fails where the fault shows. ERR_UNSUPPORTED
 * where that is not said in a few lines. */
MUST_USE enum err script_write_short(const struct script *script, const struct script_claim *claim,
                                     struct buffer *source);
/* Can scripts run that library, and as an ONNX model? */
bool script_has_library(const char *library);
bool script_is_onnx(const char *library);
/* What a script needs: "numpy and openvino"; the short one makes its model by the onnx package. */
const char *script_needs(const char *library, bool is_short, struct arena *arena);
/* Does this long script run the program as it would be spelled now? One of an older version may say
 * an op in another way, and show what this way does not. */
bool script_has_program(const struct script *script, const char *source);

#endif
