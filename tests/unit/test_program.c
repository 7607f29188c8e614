/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs: making, reading, copying and cutting them, what does not hold together, what the hash
 * tells apart, and the text form: exact errors for bad text, and print and parse as inverses over
 * drawn programs.
 */
#include "unit.h"

#include <math.h>
#include <string.h>

#include "program/program.h"

static int set_up(void **state)
{
    *state = arena_new();
    return 0;
}

static int tear_down(void **state)
{
    arena_free(*state);
    return 0;
}

static struct program *parse(struct arena *arena, const char *text)
{
    struct program *p = NULL;
    if (program_parse("t", text, strlen(text), arena, &p) != ERR_OK) {
        fail_msg("%s", err_text());
    }
    return p;
}

static const char *text_of(struct arena *arena, const struct program *p)
{
    struct buffer buffer = BUFFER_INIT;
    program_print(p, &buffer);
    char *text = arena_copy(arena, buffer.data ? buffer.data : "", buffer.size + 1);
    buffer_release(&buffer);
    return text;
}

#define SHAPE(...)                                                                                 \
    (&(const struct shape){.rank = sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t),             \
                           .dim = {__VA_ARGS__}})
static const struct shape scalar = {0};

/* ---- shapes and tensors ---- */

static void numel_never_wraps(void **state)
{
    assert_int_equal(shape_numel(&scalar), 1);
    assert_int_equal(shape_numel(SHAPE(2, 3, 4)), 24);
    assert_int_equal(shape_numel(SHAPE(7, 0, 3)), 0);
    assert_true(shape_numel(SHAPE(INT64_MAX, 3)) == SIZE_MAX);
    assert_true(shape_numel(SHAPE(1 << 30, 1 << 30, 1 << 30)) == SIZE_MAX);
    assert_int_equal(shape_numel(SHAPE(INT64_MAX, INT64_MAX, 0)), 0);
    assert_true(shape_numel(SHAPE(-1)) == SIZE_MAX);
    struct tensor wide = {.dtype = DTYPE_F64, .shape = *SHAPE(INT64_MAX)};
    assert_true(tensor_size(&wide) == SIZE_MAX);
}

static void shapes_compare_and_print(void **state)
{
    assert_true(shape_equal(SHAPE(2, 3), SHAPE(2, 3)));
    assert_false(shape_equal(SHAPE(2, 3), SHAPE(3, 2)));
    assert_false(shape_equal(SHAPE(2), SHAPE(2, 1)));
    assert_true(shape_equal(&scalar, &scalar));
    struct buffer buffer = BUFFER_INIT;
    shape_print(&scalar, &buffer);
    shape_print(SHAPE(2, 0, 30000000000), &buffer);
    assert_string_equal(buffer.data, "[][2,0,30000000000]");
    buffer_release(&buffer);
}

static void tensors_compare_by_bits_but_for_nan(void **state)
{
    static const enum dtype floats[] = {DTYPE_F16, DTYPE_BF16, DTYPE_F32, DTYPE_F64};
    for (size_t i = 0; i < ARRAY_SIZE(floats); i++) {
        enum dtype d = floats[i];
        struct tensor a = tensor_new(*state, d, SHAPE(3000)),
                      b = tensor_new(*state, d, SHAPE(3000));
        assert_int_equal(dtype_load(d, a.data, 2999), 0);
        assert_true(tensor_equal(&a, &b));
        /* Two NaNs far apart in bits: all ones, and the canonical one. */
        memset((char *)a.data + 2000 * dtype_size(d), 0xff, dtype_size(d));
        dtype_store(d, b.data, 2000, (real)NAN);
        assert_true(tensor_equal(&a, &b));
        assert_true(tensor_hash(&a, 1) == tensor_hash(&b, 1));
        assert_true(tensor_hash(&a, 1) != tensor_hash(&b, 2));
        dtype_store(d, b.data, 2500, -0.0L);
        assert_false(tensor_equal(&a, &b));
        assert_true(tensor_hash(&a, 1) != tensor_hash(&b, 1));
        dtype_store(d, b.data, 2500, 0);
        dtype_store(d, b.data, 2000, (real)INFINITY);
        assert_false(tensor_equal(&a, &b));
    }
    struct tensor a = tensor_new(*state, DTYPE_I32, SHAPE(2, 2));
    struct tensor b = tensor_new(*state, DTYPE_I32, SHAPE(4));
    struct tensor c = tensor_new(*state, DTYPE_U32, SHAPE(4));
    assert_false(tensor_equal(&a, &b));
    assert_false(tensor_equal(&b, &c));
    assert_true(tensor_hash(&a, 0) != tensor_hash(&b, 0));
    assert_true(tensor_hash(&b, 0) != tensor_hash(&c, 0));
    dtype_store(DTYPE_I32, b.data, 3, -1); /* all ones are no NaN here */
    struct tensor e = tensor_new(*state, DTYPE_I32, SHAPE(4));
    dtype_store(DTYPE_I32, e.data, 3, INT32_MAX);
    assert_false(tensor_equal(&b, &e));
    struct tensor none = tensor_new(*state, DTYPE_F32, SHAPE(0));
    assert_true(tensor_equal(&none, &none));
}

/* ---- making and reading ---- */

static const float two[] = {1, 2};

/* x, w -> v2; v2 -> v3, v4 */
static struct program *small_program(struct arena *arena)
{
    struct program *p = program_new(arena);
    uint32_t x = program_add_input(p, NULL, DTYPE_F32, SHAPE(2));
    uint32_t w = program_add_const(p, NULL, DTYPE_F32, SHAPE(2), two);
    uint32_t in[] = {x, w};
    uint32_t n = program_add_node(p, "add", 2, in, 0, NULL, 1, (enum dtype[]){DTYPE_F32}, SHAPE(2));
    struct attr attrs[] = {{.name = "axis", .kind = ATTR_INT, .n = 1, .i = {-1}},
                           {.name = "k", .kind = ATTR_REAL, .n = 1, .f = 2}};
    uint32_t m = program_add_node(p, "split", 1, p->nodes[n].out, 2, attrs, 2,
                                  (enum dtype[]){DTYPE_F32, DTYPE_I64},
                                  (struct shape[]){{.rank = 1, .dim = {1}}, {.rank = 0}});
    program_add_output(p, p->nodes[m].out[1]);
    assert_int_equal(program_verify(p), ERR_OK);
    return p;
}

static void programs_are_made(void **state)
{
    struct program *p = small_program(*state);
    assert_string_equal(text_of(*state, p), "x0: f32[2] = input\n"
                                            "w1: f32[2] = const [1, 2]\n"
                                            "v2: f32[2] = add(x0, w1)\n"
                                            "v3: f32[1], v4: i64[] = split(v2, axis=-1, k=2.0)\n"
                                            "output v4\n");
    assert_int_equal(program_n_inputs(p), 1);
    assert_int_equal(program_input(p, 0), 0);
    assert_int_equal(program_find_value(p, "v3"), 3);
    assert_int_equal(program_find_value(p, "v9"), VALUE_ABSENT);
    const struct node *node = &p->nodes[p->values[4].node];
    assert_string_equal(node->op_name, "split");
    assert_int_equal(p->values[4].output, 1);
    assert_int_equal(node_int(node, "axis", 7), -1);
    assert_int_equal(node_int(node, "none", 7), 7);
    assert_int_equal(node_int(node, "k", 7), 7);
    assert_true(node_real(node, "k", 7) == 2);
    assert_true(node_real(node, "axis", 7) == 7);
    assert_null(node_attr(node, "none"));
    assert_ptr_equal(node_attr(node, "k"), &node->attrs[1]);
}

static void fresh_names_avoid_given_ones(void **state)
{
    struct program *p = program_new(*state);
    program_add_input(p, "x1", DTYPE_F32, &scalar);
    program_add_input(p, NULL, DTYPE_F32, &scalar);
    program_add_input(p, "x1__", DTYPE_F32, &scalar);
    program_add_input(p, "v4", DTYPE_F32, &scalar);
    program_add_node(p, "op", 0, NULL, 0, NULL, 1, (enum dtype[]){DTYPE_F32}, &scalar);
    program_add_named_node(p, "op", 0, NULL, 0, NULL, 1, (enum dtype[]){DTYPE_F32}, &scalar,
                           (const char *[]){"mine"});
    program_add_output(p, 0);
    assert_int_equal(program_verify(p), ERR_OK);
    assert_string_equal(p->values[5].name, "mine");
}

static void many_values_and_nodes(void **state)
{
    struct program *p = program_new(*state);
    uint32_t last = program_add_input(p, NULL, DTYPE_F32, SHAPE(2));
    for (int i = 0; i < 5000; i++) {
        uint32_t in[] = {last, VALUE_ABSENT, last};
        uint32_t n =
            program_add_node(p, "op", 3, in, 0, NULL, 1, (enum dtype[]){DTYPE_F32}, SHAPE(2));
        last = p->nodes[n].out[0];
        program_add_output(p, last);
    }
    assert_int_equal(program_verify(p), ERR_OK);
    struct program *again = parse(*state, text_of(*state, p));
    assert_true(program_hash(again) == program_hash(p));
    assert_int_equal(again->n_nodes, 5000);
}

static void attributes_compare(void **state)
{
    const char *all = "y: f32[] = op(a=1, b=2, c=[1,2], d=[1,3], e=[1], f=true, g=false, h=f16, "
                      "i=f32, j=\"a\", k=\"b\", l=0.0, m=-0.0, n=nan, o=1.0)\noutput y\n";
    struct program *p = parse(*state, all), *q = parse(*state, all);
    const struct node *x = &p->nodes[0], *y = &q->nodes[0];
    for (uint32_t i = 0; i < x->n_attrs; i++) {
        for (uint32_t k = 0; k < y->n_attrs; k++) {
            struct attr renamed = y->attrs[k];
            renamed.name = x->attrs[i].name;
            assert_int_equal(attr_equal(&x->attrs[i], &renamed), i == k);
            assert_int_equal(attr_equal(&x->attrs[i], &y->attrs[k]), i == k);
        }
    }
}

/* ---- copying ---- */

#define WORKED_EXAMPLE                                                                             \
    "x: f32[2,3] = input\n"                                                                        \
    "unused: f16[] = input\n"                                                                      \
    "w: f32[3,4] = const [1, -0.5, nan, inf, -inf, -0, 1e-40, 3, 0.1, 2, 3, 4]\n"                  \
    "dead: i8[1] = const [-128]\n"                                                                 \
    "late: u8[2] = const ?\n"                                                                      \
    "y: f32[2,4] = matmul(x, w)\n"                                                                 \
    "z: i64[2] = arg_max(y, axis=1, keepdims=false)\n"                                             \
    "gone: i64[2] = neg(z)\n"                                                                      \
    "a: f32[1], b: f32[1] = two(y, _, dims=[1,2], none=[], to=f16, mode=\"same\") alias(0,_) "     \
    "mutates(0,1)\n"                                                                               \
    "output z, late\n"

static void clone_owns_everything(void **state)
{
    struct arena *source = arena_new();
    struct program *p = parse(source, WORKED_EXAMPLE);
    p->nodes[0].op = (const struct op *)&two;
    struct program *copy = program_clone(p, *state);
    assert_ptr_equal(copy->nodes[0].op, &two);
    assert_ptr_not_equal(copy->nodes[3].alias, p->nodes[3].alias);
    assert_ptr_not_equal(copy->nodes[3].attrs, p->nodes[3].attrs);
    assert_ptr_not_equal(copy->values[2].data, p->values[2].data);
    uint64_t hash = program_hash(p);
    arena_free(source); /* under ASan a borrowed byte shows here */
    assert_int_equal(program_verify(copy), ERR_OK);
    assert_true(program_hash(copy) == hash);
    assert_string_equal(text_of(*state, copy), WORKED_EXAMPLE);
    program_add_input(copy, "more", DTYPE_F32, &scalar);
    assert_int_equal(program_n_inputs(copy), 3);
}

static void prune_keeps_what_outputs_need(void **state)
{
    struct program *p = parse(*state, WORKED_EXAMPLE);
    p->nodes[3].mutates = 0;
    struct program *q = program_prune(p, *state, false);
    assert_int_equal(program_verify(q), ERR_OK);
    assert_string_equal(text_of(*state, q),
                        "x: f32[2,3] = input\n"
                        "unused: f16[] = input\n"
                        "w: f32[3,4] = const [1, -0.5, nan, inf, -inf, -0, 1e-40, 3, 0.1, 2, 3, "
                        "4]\n"
                        "late: u8[2] = const ?\n"
                        "y: f32[2,4] = matmul(x, w)\n"
                        "z: i64[2] = arg_max(y, axis=1, keepdims=false)\n"
                        "output z, late\n");
    q = program_prune(p, *state, true);
    assert_int_equal(program_find_value(q, "unused"), VALUE_ABSENT);
    assert_int_equal(program_n_inputs(q), 1);
    /* Pruning again changes nothing. */
    assert_true(program_hash(program_prune(q, *state, true)) == program_hash(q));
    assert_string_equal(text_of(*state, p) + strlen(text_of(*state, p)) - 15, "output z, late\n");
}

static void prune_keeps_nodes_that_write(void **state)
{
    struct program *p = parse(*state, "x: f32[1] = input\n"
                                      "y: f32[1] = add_in_place(x) alias(0) mutates(0)\n"
                                      "output x\n");
    assert_int_equal(program_prune(p, *state, true)->n_nodes, 1);
}

static void prune_keeps_all_outputs_of_a_node(void **state)
{
    struct program *p = parse(*state, "x: f32[1] = input\n"
                                      "a: f32[1], b: f32[2] = two(x)\n"
                                      "c: f32[1] = neg(a)\n"
                                      "output b\n");
    assert_string_equal(text_of(*state, program_prune(p, *state, true)),
                        "x: f32[1] = input\n"
                        "a: f32[1], b: f32[2] = two(x)\n"
                        "output b\n");
}

/* ---- what does not hold together ---- */

/* Applies one fault to a sound program; `expected` is in the error. */
#define BROKEN(change, expected)                                                                   \
    do {                                                                                           \
        struct program *p = small_program(*state);                                                 \
        change;                                                                                    \
        assert_int_equal(program_verify(p), ERR_INPUT);                                            \
        if (!strstr(err_text(), expected)) {                                                       \
            fail_msg("'%s' does not say '%s'", err_text(), expected);                              \
        }                                                                                          \
    } while (0)

static void broken_values_are_found(void **state)
{
    BROKEN(p->values[1].name = "x0", "two values are named x0");
    BROKEN(p->values[1].name = "a b", "'a b' is no name");
    BROKEN(p->values[1].name = "", "is no name");
    BROKEN(p->values[1].name = "_", "is no name");
    BROKEN(p->values[1].name = "1a", "is no name");
    BROKEN(p->values[0].dtype = DTYPE_NONE, "x0 has no dtype");
    BROKEN(p->values[0].dtype = DTYPE_COUNT, "x0 has no dtype");
    BROKEN(p->values[0].shape.rank = 7, "rank 7");
    BROKEN(p->values[0].shape.rank = -1, "rank -1");
    BROKEN(p->values[0].shape.dim[0] = -1, "dim 0 is -1");
    BROKEN(p->values[0].shape.dim[3] = 1, "dim 3 lies beyond its rank");
    BROKEN(p->values[0].shape.dim[0] = INT64_MAX, "dim 0 is 9223372036854775807");
    BROKEN(p->values[0].shape.dim[0] = PROGRAM_NUMEL_MAX, "more than 268435456 elements");
    BROKEN(p->values[3].node = 0, "v3 is not where");
    BROKEN(p->values[3].output = 1, "v3 is not where");
    BROKEN(p->values[3].node = 99, "v3 is not where");
    BROKEN(p->values[4].kind = VALUE_INPUT, "v4 stands between outputs");
    BROKEN(p->values[0].kind = VALUE_NODE, "x0 is not where");
}

static void broken_nodes_are_found(void **state)
{
    BROKEN(p->nodes[0].in[0] = 2, "v2: input 0 is not made before it");
    BROKEN(p->nodes[0].in[1] = 99, "v2: input 1 is not made before it");
    BROKEN(p->nodes[0].in[1] = VALUE_ABSENT - 1, "v2: input 1");
    BROKEN(p->nodes[0].n_out = 0, "is not where");
    BROKEN(p->n_nodes = 1, "is not where");
    BROKEN(p->n_values = 3, "node 1 has no outputs");
    BROKEN(p->nodes[0].op_name = "a(b", "'a(b' is no name of an op");
    BROKEN(p->nodes[0].op_name = "const", "'const' is no name of an op");
    BROKEN(p->nodes[1].attrs[1].name = "axis", "axis is given twice");
    BROKEN(p->nodes[1].attrs[1].name = "a b", "no name of an attribute");
    BROKEN((p->nodes[1].attrs[0].kind = ATTR_BOOL, p->nodes[1].attrs[0].i[0] = 2),
           "axis has an impossible value");
    BROKEN((p->nodes[1].attrs[0].kind = ATTR_INTS, p->nodes[1].attrs[0].n = 13), "impossible");
    BROKEN((p->nodes[1].attrs[0].kind = ATTR_DTYPE, p->nodes[1].attrs[0].dtype = DTYPE_COUNT),
           "impossible");
    BROKEN((p->nodes[1].attrs[0].kind = ATTR_TEXT, p->nodes[1].attrs[0].text = "a\"b"),
           "impossible");
    BROKEN(p->nodes[1].n_attrs = 33, "or 32 attributes");
    BROKEN(p->nodes[0].mutates = 4, "mutates");
    BROKEN(p->nodes[0].alias = (int8_t[]){2}, "alias names input 2 of 2");
    BROKEN(p->nodes[0].alias = (int8_t[]){-2}, "alias names input -2 of 2");
}

static void broken_outputs_are_found(void **state)
{
    BROKEN(p->n_outputs = 0, "no output");
    BROKEN(p->outputs[0] = 5, "output 0 is no value");
    BROKEN(p->outputs[0] = VALUE_ABSENT, "output 0 is no value");
    BROKEN(program_add_output(p, 4), "v4 is an output twice");
}

static void verify_leaves_no_memory(void **state)
{
    struct program *p = small_program(*state);
    size_t used = arena_used(*state);
    assert_int_equal(program_verify(p), ERR_OK);
    assert_int_equal(arena_used(*state), used);
}

/* ---- hash ---- */

#define HASH_CHANGES(change)                                                                       \
    do {                                                                                           \
        struct program *p = small_program(*state);                                                 \
        uint64_t before = program_hash(p);                                                         \
        change;                                                                                    \
        assert_true(program_hash(p) != before);                                                    \
    } while (0)

static void hash_tells_programs_apart(void **state)
{
    static const float other[] = {1, 3};
    HASH_CHANGES(p->values[0].dtype = DTYPE_I32);
    HASH_CHANGES(p->values[0].shape.dim[0] = 3);
    HASH_CHANGES(p->values[0].kind = VALUE_CONST);
    HASH_CHANGES(p->values[1].data = other);
    HASH_CHANGES(p->values[1].data = NULL);
    HASH_CHANGES(p->values[3].shape.rank = 0);
    HASH_CHANGES(p->nodes[0].op_name = "sub");
    HASH_CHANGES(p->nodes[0].in[0] = 1);
    HASH_CHANGES(p->nodes[0].n_in = 1);
    HASH_CHANGES(p->nodes[0].mutates = 1);
    HASH_CHANGES(p->nodes[0].alias = (int8_t[]){0});
    HASH_CHANGES(p->nodes[1].attrs[0].i[0] = 1);
    HASH_CHANGES(p->nodes[1].attrs[0].name = "dim");
    HASH_CHANGES(p->nodes[1].attrs[0].kind = ATTR_INTS);
    HASH_CHANGES(p->nodes[1].attrs[1].f = 3);
    HASH_CHANGES(p->nodes[1].n_attrs = 1);
    HASH_CHANGES(p->outputs[0] = 3);
    HASH_CHANGES(program_add_output(p, 3));
    HASH_CHANGES(program_add_input(p, NULL, DTYPE_F32, &scalar));
}

static void hash_passes_over_what_does_not_count(void **state)
{
    struct program *p = small_program(*state);
    uint64_t before = program_hash(p);
    p->values[0].name = "renamed";
    p->nodes[0].op = (const struct op *)&two;
    p->nodes[0].alias = (int8_t[]){-1};
    struct attr first = p->nodes[1].attrs[0];
    p->nodes[1].attrs[0] = p->nodes[1].attrs[1];
    p->nodes[1].attrs[1] = first;
    assert_true(program_hash(p) == before);
}

/* ---- text ---- */

static void text_form_is_kept(void **state)
{
    struct program *p = parse(*state, WORKED_EXAMPLE);
    assert_string_equal(text_of(*state, p), WORKED_EXAMPLE);
    const struct node *node = &p->nodes[3];
    assert_int_equal(node->in[1], VALUE_ABSENT);
    assert_int_equal(node->alias[0], 0);
    assert_int_equal(node->alias[1], -1);
    assert_int_equal(node->mutates, 3);
    assert_int_equal(node_attr(node, "to")->dtype, DTYPE_F16);
    assert_int_equal(node_attr(node, "none")->n, 0);
    assert_string_equal(node_attr(node, "mode")->text, "same");
    assert_null(p->values[program_find_value(p, "late")].data);
    assert_int_equal(node_int(&p->nodes[1], "keepdims", 5), 0);
}

static void text_is_read_freely(void **state)
{
    struct program *p = parse(*state, "# a comment\r\n"
                                      "\n"
                                      "\t x:f32[ 2 , 3 ]=input# another\r\n"
                                      "output : bool[2]=const[true,false]\n"
                                      "y : f32[] = op( x ,output,k = 1E+2 , t=\"a # b\" ) "
                                      "mutates( 1 , 0 )alias( _ )\n"
                                      "output output\n"
                                      "  output y , x");
    assert_string_equal(text_of(*state, p), "x: f32[2,3] = input\n"
                                            "output: bool[2] = const [true, false]\n"
                                            "y: f32[] = op(x, output, k=100.0, t=\"a # b\") "
                                            "mutates(0,1)\n"
                                            "output output, y, x\n");
}

static void integers_are_read_exactly(void **state)
{
    const char *text =
        "a: i64[3] = const [-9223372036854775808, 9223372036854775807, 9007199254740993]\n"
        "b: u32[1] = const [4294967295]\n"
        "y: i8[] = op(i=-9223372036854775808, k=[9223372036854775807])\n"
        "output y\n";
    struct program *p = parse(*state, text);
    const int64_t *data = p->values[0].data;
    assert_true(data[0] == INT64_MIN && data[1] == INT64_MAX);
    assert_true(data[2] == INT64_C(9007199254740993));
    assert_string_equal(text_of(*state, p), text);
}

/* Each row: what is said of it, and the text. */
static const char *const bad_texts[][2] = {
    {"t:1: the program has no output", ""},
    {"t:2: the program has no output", "x: f32[] = input\n"},
    {"t:1: expected the name of a value or 'output', found '='", "= 3"},
    {"t:1: expected the name of a value or 'output', found '1x'", "1x: f32[] = input"},
    {"t:1: expected ':' behind the name of a value, found '='", "x = input"},
    {"t:1: expected a dtype, found the end of the line", "x:"},
    {"t:1: unknown dtype 'f33'", "x: f33[2] = input"},
    {"t:1: expected '[' before the dims, found '='", "x: f32 = input"},
    {"t:1: dim '-1' is not in 0..268435456", "x: f32[-1] = input"},
    {"t:1: dim 'n' is not in 0..268435456", "x: f32[n] = input"},
    {"t:1: dim '99999999999999999999' is not in 0..268435456",
     "x: f32[99999999999999999999] = input"},
    {"t:1: with 'x' the program has more than 268435456 elements", "x: f32[268435456,2] = input"},
    {"t:2: with 'y' the program has more than 268435456 elements",
     "x: f32[268435456] = input\ny: i8[] = input"},
    {"t:1: more than 6 dims", "x: f32[1,1,1,1,1,1,1] = input"},
    {"t:1: expected ']' behind the dims, found '='", "x: f32[2 = input"},
    {"t:1: expected '=' behind the declared values, found the end of the line", "x: f32[2]"},
    {"t:1: expected 'input', 'const' or the name of an op, found '3'", "x: f32[] = 3"},
    {"t:1: input defines one value, not 2", "x: f32[], y: f32[] = input"},
    {"t:1: const defines one value, not 2", "x: f32[], y: f32[] = const ?"},
    {"t:2: 'x' is already defined", "x: f32[] = input\nx: f32[] = input"},
    {"t:1: 'x' is already defined", "x: f32[], x: f32[] = op()"},
    {"t:1: expected '[' or '?' behind const, found the end of the line", "x: f32[] = const"},
    {"t:1: 'x' has 1 elements instead of 2", "x: f32[2] = const [1]  # and no more"},
    {"t:1: 'x' has 1 elements instead of 3", "x: f32[3] = const [1]\n\n\n\n\n\n\n\n"},
    {"t:1: 'x' has fewer than 268435456 elements", "x: f64[268435456] = const [1]"},
    {"t:1: 'x' has more than 1 elements", "x: f32[1] = const [1, 2]"},
    {"t:1: expected ']' behind the elements, found '1'", "x: f32[0] = const [1]"},
    {"t:1: expected ',' or ']' behind an element, found ';'", "x: f32[2] = const [1; 2]"},
    {"t:1: element 1: 'x' is no f32", "x: f32[2] = const [1, x]"},
    {"t:1: element 0: '0x10' is no f32", "x: f32[1] = const [0x10]"},
    {"t:1: element 0: 'infinity' is no f32", "x: f32[1] = const [infinity]"},
    {"t:1: element 0: '-nan' is no f32", "x: f32[1] = const [-nan]"},
    {"t:1: element 0: '1e39' is no f32", "x: f32[1] = const [1e39]"},
    {"t:1: element 0: '65520' is no f16", "x: f16[1] = const [65520]"},
    {"t:1: element 0: '128' is no i8", "x: i8[1] = const [128]"},
    {"t:1: element 0: '-1' is no u8", "x: u8[1] = const [-1]"},
    {"t:1: element 0: '1.5' is no i8", "x: i8[1] = const [1.5]"},
    {"t:1: element 0: '9223372036854775808' is no i64", "x: i64[1] = const [9223372036854775808]"},
    {"t:1: element 0: '1' is no bool", "x: bool[1] = const [1]"},
    {"t:1: element 0: '.' is no f32", "x: f32[1] = const [.]"},
    {"t:1: element 0: '1e' is no f32", "x: f32[1] = const [1e]"},
    {"t:1: unknown value 'q'", "y: f32[] = op(q)"},
    {"t:1: unknown value 'y'", "y: f32[] = op(y)"},
    {"t:1: expected '(' behind the name of an op, found the end of the line", "y: f32[] = op"},
    {"t:1: expected ')' behind the arguments, found the end of the line", "y: f32[] = op(_"},
    {"t:1: expected an input or an attribute, found ')'", "y: f32[] = op(_,)"},
    {"t:1: expected an input or an attribute, found '1'", "y: f32[] = op(1)"},
    {"t:1: input '_' stands behind an attribute", "y: f32[] = op(a=1, _)"},
    {"t:1: attribute a is given twice", "y: f32[] = op(a=1, a=2)"},
    {"t:1: attribute a: 'maybe' is no value", "y: f32[] = op(a=maybe)"},
    {"t:1: attribute a: '9223372036854775808' is no integer of 64 bits",
     "y: f32[] = op(a=9223372036854775808)"},
    {"t:1: attribute a: '1e999' is no value", "y: f32[] = op(a=1e999)"},
    {"t:1: expected the value of an attribute, found ')'", "y: f32[] = op(a=)"},
    {"t:1: attribute a: '1.0' is no integer of 64 bits", "y: f32[] = op(a=[1.0])"},
    {"t:1: attribute a has more than 12 values",
     "y: f32[] = op(a=[1,2,3,4,5,6,7,8,9,10,11,12,13])"},
    {"t:1: expected '\"' at the end of a text, found the end of the line",
     "y: f32[] = op(a=\"b)\noutput y"},
    {"t:1: expected printable ASCII without '\\' in a text, found byte 0xc3",
     "y: f32[] = op(a=\"\xc3\xa4\")"},
    {"t:1: '2' is no number of an input, 0..1", "y: f32[] = op(_, _) alias(2)"},
    {"t:1: '-1' is no number of an input, 0..0", "y: f32[] = op(_) mutates(-1)"},
    {"t:1: expected ')' behind alias, found ','", "y: f32[] = op(_) alias(0,0)"},
    {"t:1: expected ',' in alias, which has one entry an output, found ')'",
     "y: f32[], z: f32[] = op(_) alias(0)"},
    {"t:1: 'alias' behind a node", "y: f32[] = op(_) alias(0) alias(0)"},
    {"t:1: 'extra' behind a node", "y: f32[] = op(_) extra"},
    {"t:1: expected the end of the line, found 'i'", "x: f32[] = input input"},
    {"t:2: unknown value 'y'", "x: f32[] = input\noutput y"},
    {"t:2: expected the name of a value, found the end of the line", "x: f32[] = input\noutput"},
    {"t:3: 'x' is an output twice", "x: f32[] = input\noutput x\noutput x"},
    {"t:1: expected the name of a value or 'output', found byte 0x7f", "\x7f"},
};

static void bad_text_is_one_clear_line(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(bad_texts); i++) {
        struct program *p = NULL;
        size_t used = arena_used(*state);
        assert_int_equal(program_parse("t", bad_texts[i][1], strlen(bad_texts[i][1]), *state, &p),
                         ERR_INPUT);
        assert_string_equal(err_text(), bad_texts[i][0]);
        assert_null(p);
        assert_int_equal(arena_used(*state), used);
    }
}

static void hostile_text_ends_soon(void **state)
{
    struct buffer text = BUFFER_INIT;
    struct program *p = NULL;
    /* NUL bytes are bytes like any other. */
    assert_int_equal(program_parse("t", "x: f32[]\0 = input", 17, *state, &p), ERR_INPUT);
    assert_string_equal(err_text(),
                        "t:1: expected '=' behind the declared values, found byte 0x00");
    for (int i = 0; i < 100000; i++) {
        buffer_puts(&text, "a");
    }
    assert_int_equal(program_parse("t", text.data, text.size, *state, &p), ERR_INPUT);
    assert_string_equal(err_text(), "t:1: a word of more than 255 characters");
    buffer_clear(&text);
    buffer_puts(&text, "y: f32[] = op(");
    for (int i = 0; i < 2000; i++) {
        buffer_puts(&text, "_,");
    }
    assert_int_equal(program_parse("t", text.data, text.size, *state, &p), ERR_INPUT);
    assert_string_equal(err_text(), "t:1: more than 1024 inputs");
    buffer_clear(&text);
    for (int i = 0; i < 100; i++) {
        buffer_printf(&text, "v%d: f32[],", i);
    }
    assert_int_equal(program_parse("t", text.data, text.size, *state, &p), ERR_INPUT);
    assert_string_equal(err_text(), "t:1: more than 64 outputs");
    buffer_clear(&text);
    buffer_puts(&text, "y: f32[] = op(");
    for (int i = 0; i < 100; i++) {
        buffer_printf(&text, "%sv%d=1", i ? "," : "", i);
    }
    assert_int_equal(program_parse("t", text.data, text.size, *state, &p), ERR_INPUT);
    assert_string_equal(err_text(), "t:1: more than 32 attributes");
    buffer_clear(&text);
    for (int i = 0; i < 50000; i++) {
        buffer_printf(&text, "v%d: f32[] = input\noutput v%d\n", i, i);
    }
    assert_int_equal(program_parse("t", text.data, text.size, *state, &p), ERR_OK);
    buffer_release(&text);
}

/* ---- print and parse over drawn programs ---- */

static struct shape draw_shape(struct rng *rng)
{
    struct shape shape = {.rank = (int32_t)rng_below(rng, RANK_MAX + 1)};
    for (int32_t i = 0; i < shape.rank; i++) {
        shape.dim[i] = rng_range(rng, rng_chance(rng, 1, 20) ? 0 : 1, 4);
    }
    return shape;
}

static enum dtype draw_dtype(struct rng *rng)
{
    return (enum dtype)rng_range(rng, DTYPE_NONE + 1, DTYPE_COUNT - 1);
}

/* Any bits, NaNs with payloads among them. */
static void *draw_data(struct rng *rng, struct arena *arena, enum dtype d, const struct shape *s)
{
    struct tensor tensor = tensor_new(arena, d, s);
    for (size_t i = 0; i < tensor_size(&tensor); i++) {
        ((unsigned char *)tensor.data)[i] =
            (unsigned char)(d == DTYPE_BOOL ? rng_below(rng, 2) : rng_next(rng));
    }
    return tensor.data;
}

static struct attr draw_attr(struct rng *rng, struct arena *arena, int index)
{
    struct attr attr = {.name = arena_printf(arena, "a%d", index),
                        .kind = (enum attr_kind)rng_below(rng, ATTR_TEXT + 1),
                        .n = 1};
    uint64_t bits = rng_next(rng);
    switch (attr.kind) {
    case ATTR_INTS:
        attr.n = (uint8_t)rng_below(rng, ATTR_VALUES_MAX + 1);
        for (int i = 0; i < attr.n; i++) {
            attr.i[i] = (int64_t)rng_next(rng);
        }
        break;
    case ATTR_INT:
        attr.i[0] = (int64_t)bits >> rng_below(rng, 64);
        break;
    case ATTR_BOOL:
        attr.i[0] = bits & 1;
        break;
    case ATTR_REAL:
        if (rng_chance(rng, 1, 2)) {
            memcpy(&attr.f, &bits, sizeof attr.f);
        } else {
            attr.f = (double)rng_range(rng, -1000, 1000) / (double)rng_range(rng, 1, 100);
        }
        break;
    case ATTR_DTYPE:
        attr.dtype = draw_dtype(rng);
        break;
    case ATTR_TEXT:
        attr.text = arena_printf(arena, "t %d#[](),=", (int)(bits % 100));
        break;
    }
    return attr;
}

static void draw_node(struct rng *rng, struct arena *arena, struct program *p)
{
    uint32_t in[4], n_in = (uint32_t)rng_below(rng, 5), n_out = 1 + (uint32_t)rng_below(rng, 3);
    uint32_t n_attrs = (uint32_t)rng_below(rng, 5);
    struct attr attrs[5];
    enum dtype dtypes[3];
    struct shape shapes[3];
    for (uint32_t i = 0; i < n_in; i++) {
        bool absent = p->n_values == 0 || rng_chance(rng, 1, 8);
        in[i] = absent ? VALUE_ABSENT : (uint32_t)rng_below(rng, p->n_values);
    }
    for (uint32_t i = 0; i < n_attrs; i++) {
        attrs[i] = draw_attr(rng, arena, (int)i);
    }
    for (uint32_t o = 0; o < n_out; o++) {
        dtypes[o] = draw_dtype(rng);
        shapes[o] = draw_shape(rng);
    }
    uint32_t n = program_add_node(p, "some_op", n_in, in, n_attrs, attrs, n_out, dtypes, shapes);
    struct node *node = &p->nodes[n];
    node->mutates = (uint32_t)rng_below(rng, UINT64_C(1) << n_in);
    if (rng_chance(rng, 1, 3)) {
        node->alias = ARENA_ARRAY(arena, int8_t, n_out);
        for (uint32_t o = 0; o < n_out; o++) {
            node->alias[o] = (int8_t)rng_range(rng, -1, (int64_t)n_in - 1);
        }
    }
}

static struct program *draw_program(struct rng *rng, struct arena *arena)
{
    struct program *p = program_new(arena);
    for (int64_t i = rng_range(rng, 1, 12); i > 0; i--) {
        enum dtype d = draw_dtype(rng);
        struct shape s = draw_shape(rng);
        switch (rng_below(rng, 4)) {
        case 0:
            program_add_input(p, NULL, d, &s);
            break;
        case 1:
            program_add_const(p, NULL, d, &s, draw_data(rng, arena, d, &s));
            break;
        case 2:
            program_add_const(p, arena_printf(arena, "named_%lld", (long long)i), d, &s, NULL);
            break;
        default:
            draw_node(rng, arena, p);
        }
    }
    for (uint32_t id = 0; id < p->n_values; id++) {
        if (id == p->n_values - 1 || rng_chance(rng, 1, 4)) {
            program_add_output(p, id);
        }
    }
    return p;
}

static void print_and_parse_are_inverse(void **state)
{
    struct rng rng = rng_seeded(1);
    for (int i = 0; i < 1000; i++) {
        arena_reset(*state);
        struct program *p = draw_program(&rng, *state);
        assert_int_equal(program_verify(p), ERR_OK);
        const char *text = text_of(*state, p);
        struct program *q = parse(*state, text);
        assert_true(program_hash(q) == program_hash(p));
        assert_string_equal(text_of(*state, q), text);
        assert_int_equal(q->n_values, p->n_values);
        assert_string_equal(text_of(*state, program_clone(p, *state)), text);
        struct program *pruned = program_prune(p, *state, i & 1);
        assert_int_equal(program_verify(pruned), ERR_OK);
        assert_true(program_hash(parse(*state, text_of(*state, pruned))) == program_hash(pruned));
    }
}

/* Text with a few bytes changed is taken or refused with a line number, and nothing else. */
static void damaged_text_is_refused_or_sound(void **state)
{
    struct rng rng = rng_seeded(2);
    int taken = 0, refused = 0;
    for (int i = 0; i < 5000; i++) {
        arena_reset(*state);
        char *text = (char *)(uintptr_t)text_of(*state, draw_program(&rng, *state));
        size_t size = strlen(text);
        for (int64_t k = rng_range(&rng, 1, 3); k > 0; k--) {
            text[rng_below(&rng, size)] = (char)rng_range(&rng, 0, 127);
        }
        struct program *p;
        if (program_parse("t", text, size, *state, &p) == ERR_OK) {
            taken++;
            assert_true(program_hash(parse(*state, text_of(*state, p))) == program_hash(p));
        } else {
            refused++;
            assert_int_equal(strncmp(err_text(), "t:", 2), 0);
        }
    }
    assert_true(taken > 100 && refused > 100);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(numel_never_wraps),
        TEST(shapes_compare_and_print),
        TEST(tensors_compare_by_bits_but_for_nan),
        TEST(programs_are_made),
        TEST(fresh_names_avoid_given_ones),
        TEST(many_values_and_nodes),
        TEST(attributes_compare),
        TEST(clone_owns_everything),
        TEST(prune_keeps_what_outputs_need),
        TEST(prune_keeps_nodes_that_write),
        TEST(prune_keeps_all_outputs_of_a_node),
        TEST(broken_values_are_found),
        TEST(broken_nodes_are_found),
        TEST(broken_outputs_are_found),
        TEST(verify_leaves_no_memory),
        TEST(hash_tells_programs_apart),
        TEST(hash_passes_over_what_does_not_count),
        TEST(text_form_is_kept),
        TEST(text_is_read_freely),
        TEST(integers_are_read_exactly),
        TEST(bad_text_is_one_clear_line),
        TEST(hostile_text_ends_soon),
        TEST(print_and_parse_are_inverse),
        TEST(damaged_text_is_refused_or_sound),
    };
    return cmocka_run_group_tests_name("program", tests, NULL, NULL);
}
