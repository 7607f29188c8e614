/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Spellings without a library: models that read back as the program they were written from, forms
 * by opset, .npz files, and what all readers make of damaged bytes. Plans of calls: test_plan.c.
 * What libraries say of the models and sources is tested by tests/spell.
 */
#include <math.h>
#include <string.h>
#include <sys/stat.h>

#include "unit.h"

#include "canonical.h"
#include "spell_fixture.h"

static void assert_same_program(const struct program *a, const struct program *b,
                                struct arena *arena)
{
    struct buffer x = BUFFER_INIT, y = BUFFER_INIT;
    struct program *p = canonical(a, arena), *q = canonical(b, arena);

    if (program_hash(p) != program_hash(q)) {
        program_print(p, &x);
        program_print(q, &y);
        fail_msg("%s\nread back as\n%s", x.data, y.data);
    }
}

/* ---- ONNX ---- */

static const char everything[] =
    "x: f32[2,3,4] = input\n"
    "i: i64[2] = input\n"
    "img: f32[1,4,6,6] = input\n"
    "w: f32[4,5] = const [1, -0.5, nan, inf, -0, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, "
    "18, "
    "1e-40]\n"
    "k: f32[2,2,3,3] = const [1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 2, 3, 4, 5, "
    "6, 7, 8, 9, 1, 2, 3, 4, 5, 6, 7, 8, 9]\n"
    "a: f32[2,3,4] = add(x, x)\n"
    "b: f32[2,3,4] = mul(a, x)\n"
    "c: f32[2,3,4] = div(b, a)\n"
    "d: f32[2,3,4] = neg(c)\n"
    "e: f32[2,3,4] = relu(d)\n"
    "f: f32[2,3,4] = exp(e)\n"
    "g: f32[2,3,4] = log(f)\n"
    "h: f32[2,3,4] = sqrt(g)\n"
    "j: f32[2,3,4] = tan(h)\n"
    "l: f32[2,3,4] = floor(j)\n"
    "m: i32[2,3,4] = cast(l, to=i32)\n"
    "n: bool[2,3,4] = less(l, x)\n"
    "o: f32[2,3,4] = where(n, l, x)\n"
    "p: f32[2,3,4] = clip(o, min=-1.5, max=2.0)\n"
    "q: i32[2,3,4] = clip(m, min=-3.0, max=4.0)\n"
    "r: f32[2,1,4] = reduce_sum(p, axes=[-2], keepdims=true)\n"
    "s: f32[2] = reduce_max(r, axes=[1,2], keepdims=false)\n"
    "t: i64[2,3] = arg_max(p, axis=-1, keepdims=false)\n"
    "u: f32[2,3,4] = softmax(p, axis=1)\n"
    "v: f32[2,3,5] = matmul(u, w)\n"
    "y: f32[1,2,4,7] = conv2d(img, k, strides=[2,1], pads=[1,0,2,3], dilations=[1,1], group=2)\n"
    "z: f32[4,2,3] = transpose(p, perm=[2,0,1])\n"
    "aa: f32[6,4] = reshape(z, shape=[6,4])\n"
    "bb: f32[12,4] = concat(aa, aa, axis=0)\n"
    "cc: f32[2,4] = gather(bb, i, axis=0)\n"
    "output q\n"
    "output s\n"
    "output t\n"
    "output v\n"
    "output y\n"
    "output cc\n";

/* Little ones: rank 0, empty tensors, one-sided limits, no constants, shared and direct outputs. */
static const char *const corners[] = {
    "x: f64[] = input\ny: f64[] = reduce_sum(x, axes=[], keepdims=false)\noutput y\n",
    "x: f32[] = input\ny: f32[] = clip(x, min=-inf, max=1.0)\n"
    "z: f32[] = clip(y, min=0.0, max=inf)\noutput z\n",
    "x: f16[0,3] = input\ny: f16[3,0,2] = reshape(x, shape=[3,0,2])\noutput y\n",
    "x: bf16[2] = input\nw: bf16[2] = const [1, nan]\ny: bf16[2] = add(x, w)\noutput y\n",
    "x: i8[2] = input\nw: i8[2] = const [1, -128]\noutput x\noutput w\n",
    "x: u32[3] = input\ny: u32[3] = clip(x, min=0.0, max=4294967295.0)\noutput y\n",
    "x: i64[3] = input\ny: i64[3] = clip(x, min=-9223372036854775808.0, max=9007199254740992.0)\n"
    "output y\n",
    "x: bool[2,0] = input\nw: bool[0] = const []\ny: bool[2,0] = where(x, x, w)\noutput y\n",
    "y_axes: f32[2] = input\ny: f32[] = reduce_max(y_axes, axes=[0], keepdims=false)\noutput y\n",
};

/* One model for two shapes of a program: read with either's sizes it is that program. */
static void onnx_models_of_two_shapes(void **state)
{
    static const char small[] = "x: f32[3,4] = input\n"
                                "y: f32[4,3] = transpose(x, perm=[1,0])\n"
                                "z: f32[4,1] = reduce_sum(y, axes=[1], keepdims=true)\noutput z\n";
    static const char large[] = "x: f32[3,7] = input\n"
                                "y: f32[7,3] = transpose(x, perm=[1,0])\n"
                                "z: f32[7,1] = reduce_sum(y, axes=[1], keepdims=true)\noutput z\n";
    static const char *const sizes[] = {"d4_7=4", "d4_7=7"};
    struct arena *arena = arena_new();
    struct program *p[] = {parse(arena, small), parse(arena, large)}, *back;
    struct test before = {.program = p[1]};
    struct buffer model = BUFFER_INIT, plain = BUFFER_INIT;

    assert_int_equal(onnx_write_dynamic(p[0], NULL, ONNX_VERSION_DEFAULT, &model), ERR_OK);
    assert_int_equal(onnx_write(p[0], ONNX_VERSION_DEFAULT, &plain), ERR_OK);
    assert_int_equal(model.size, plain.size);
    assert_memory_equal(model.data, plain.data, plain.size);
    buffer_clear(&model);
    assert_int_equal(onnx_write_dynamic(p[0], &before, ONNX_VERSION_DEFAULT, &model), ERR_OK);
    for (size_t i = 0; i < 2; i++) {
        const struct onnx_source source = {.name = "model",
                                           .data = model.data,
                                           .size = model.size,
                                           .dims = &sizes[i],
                                           .n_dims = 1};
        assert_int_equal(onnx_read(&source, arena, &back), ERR_OK);
        assert_int_equal(program_hash(back), program_hash(p[i]));
    }
    buffer_clear(&model);
    /* A roll is slices whose ends are written. */
    p[0] = parse(arena, "x: f32[4] = input\ny: f32[4] = roll(x, shifts=[1], axes=[0])\noutput y\n");
    p[1] = parse(arena, "x: f32[5] = input\ny: f32[5] = roll(x, shifts=[1], axes=[0])\noutput y\n");
    before.program = p[1];
    assert_int_equal(onnx_write_dynamic(p[0], &before, ONNX_VERSION_DEFAULT, &model),
                     ERR_UNSUPPORTED);
    buffer_release(&plain);
    buffer_release(&model);
    arena_free(arena);
}

static void round_trip(const char *text, struct onnx_version version)
{
    struct arena *arena = arena_new();
    struct program *p = parse(arena, text), *back = NULL;
    struct buffer model = BUFFER_INIT, again = BUFFER_INIT;

    assert_int_equal(onnx_write(p, version, &model), ERR_OK);
    assert_int_equal(onnx_write(p, version, &again), ERR_OK);
    assert_int_equal(model.size, again.size);
    assert_memory_equal(model.data, again.data, model.size);
    if (onnx_read(&(struct onnx_source){.name = "model", .data = model.data, .size = model.size},
                  arena, &back) != ERR_OK) {
        fail_msg("opset %d: %s", version.opset, err_text());
    }
    assert_int_equal(ops_check(back), ERR_OK);
    assert_same_program(p, back, arena);
    buffer_release(&model);
    buffer_release(&again);
    arena_free(arena);
}

static void onnx_reads_back(void **state)
{
    static const int opsets[] = {13, 14, 18, 20, 21, 26, 28};

    for (size_t i = 0; i < ARRAY_SIZE(opsets); i++) {
        round_trip(everything, (struct onnx_version){opsets[i], 10});
    }
    for (size_t i = 0; i < ARRAY_SIZE(corners); i++) {
        round_trip(corners[i], ONNX_VERSION_DEFAULT);
    }
}

/* Before 11 limits and axes are attributes, and negative axes do not exist. */
static void onnx_reads_back_old_opsets(void **state)
{
    round_trip("x: f32[2,3] = input\ny: f32[2,3] = clip(x, min=-1.5, max=inf)\n"
               "z: f32[2] = reduce_sum(y, axes=[1], keepdims=false)\noutput z\n",
               (struct onnx_version){7, 3});
    round_trip("x: f32[2,3] = input\nz: f32[2,1] = reduce_max(x, axes=[-1], keepdims=true)\n"
               "output z\n",
               (struct onnx_version){11, 6});
}

static enum err write_at(const char *text, int opset)
{
    struct arena *arena = arena_new();
    struct program *p = parse(arena, text);
    struct buffer model = BUFFER_INIT;
    enum err err = onnx_write(p, (struct onnx_version){opset, 8}, &model);

    assert_true(err == ERR_OK || model.size == 0);
    buffer_release(&model);
    arena_free(arena);
    return err;
}

static void onnx_forms_by_opset(void **state)
{
    static const struct {
        const char *text;
        int opset;
        enum err err;
    } cases[] = {
        {"x: i32[2] = input\ny: i32[2] = relu(x)\noutput y\n", 13, ERR_UNSUPPORTED},
        {"x: i32[2] = input\ny: i32[2] = relu(x)\noutput y\n", 14, ERR_OK},
        {"x: bf16[2] = input\ny: bf16[2] = neg(x)\noutput y\n", 12, ERR_UNSUPPORTED},
        {"x: bf16[2] = input\ny: bf16[2] = neg(x)\noutput y\n", 13, ERR_OK},
        {"x: bf16[2] = input\ny: bf16[2] = tan(x)\noutput y\n", 21, ERR_UNSUPPORTED},
        {"x: bf16[2] = input\ny: bf16[2] = tan(x)\noutput y\n", 22, ERR_OK},
        {"x: f32[2,2] = input\ny: f32[2,2] = softmax(x, axis=0)\noutput y\n", 12, ERR_UNSUPPORTED},
        {"x: f32[2,2] = input\ny: f32[2,2] = softmax(x, axis=0)\noutput y\n", 13, ERR_OK},
        {"x: f32[2] = input\ny: f32[2] = neg(x)\noutput y\n", 6, ERR_UNSUPPORTED},
        {"x: f32[2] = input\ny: f32[2] = neg(x)\noutput y\n", 29, ERR_UNSUPPORTED},
        {"x: f64[2] = input\ny: f64[2] = clip(x, min=0.1, max=1.0)\noutput y\n", 10,
         ERR_UNSUPPORTED},
        {"x: f32[2,0] = input\ny: f32[0,3] = reshape(x, shape=[0,3])\noutput y\n", 13,
         ERR_UNSUPPORTED},
        {"x: f32[2,0] = input\ny: f32[0,3] = reshape(x, shape=[0,3])\noutput y\n", 14, ERR_OK},
        {"x: u8[2] = input\ny: u8[2] = add(x, x)\noutput y\n", 13, ERR_UNSUPPORTED},
        {"x: u8[2] = input\ny: u8[2] = add(x, x)\noutput y\n", 14, ERR_OK},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        if (write_at(cases[i].text, cases[i].opset) != cases[i].err) {
            fail_msg("case %d: %s", (int)i, err_text());
        }
    }
    write_at(cases[0].text, 13);
    assert_string_equal(err_text(), "y: relu on i32 has no form at opset 13");
}

#define RESIZE(result, place, more)                                                                \
    "x: f32[1,1,5] = input\ny: f32[1,1," result "] = resize(x, sizes=[" result                     \
    "], mode=\"linear\", coordinate_transformation_mode=\"" place                                  \
    "\", nearest_mode=\"round_prefer_floor\", cubic_coeff_a=-0.75" more ")\noutput y\n"
#define POOL "kernel_shape=[2], strides=[2], dilations=[1], pads=[0,0]"

/* What cannot be said is named, and when it came. */
static void onnx_says_what_an_opset_lacks(void **state)
{
    static const struct {
        const char *text;
        int since;
        const char *complaint;
    } cases[] = {
        {"x: f32[4] = input\ny: f32[2] = slice(x, axes=[0], starts=[0], ends=[4], steps=[2])\n"
         "output y\n",
         10, "y: Slice has no steps before opset 10"},
        {"x: f32[1,1,5] = input\ny: f32[1,1,3] = max_pool(x, " POOL ", ceil_mode=true)\noutput y\n",
         10, "y: before opset 10 MaxPool has no ceil_mode"},
        {"x: f32[3] = input\ny: f32[5] = pad(x, pads=[1,1], mode=\"wrap\", value=0.0)\noutput y\n",
         19, "y: Pad does not wrap before opset 19"},
        {"x: f32[3] = input\ny: i64[1] = arg_max(x, axis=0, keepdims=true, "
         "select_last_index=true)\n"
         "output y\n",
         12, "y: select_last_index came with opset 12"},
        {"x: f32[2,3] = input\ny: i64[1] = shape(x, start=1, end=2)\noutput y\n", 15,
         "y: Shape gives all dims before opset 15"},
        {RESIZE("8", "half_pixel_symmetric", ""), 19, "y: half_pixel_symmetric came with opset 19"},
        {RESIZE("2", "half_pixel", ", antialias=true"), 18, "y: antialias came with opset 18"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        enum err before = write_at(cases[i].text, cases[i].since - 1);
        if (before != ERR_UNSUPPORTED || strcmp(err_text(), cases[i].complaint) != 0) {
            fail_msg("not \"%s\" but \"%s\"", cases[i].complaint, err_text());
        }
        if (write_at(cases[i].text, cases[i].since) != ERR_OK) {
            fail_msg("opset %d: %s", cases[i].since, err_text());
        }
    }
}

/* Scales travel without sizes, which must follow from them. */
static void onnx_resizes_by_scales(void **state)
{
    static const int opsets[] = {11, 12, 13, 17, 18, 21};
    for (size_t i = 0; i < ARRAY_SIZE(opsets); i++) {
        round_trip(RESIZE("3", "half_pixel", ", scale_w=0.75"),
                   (struct onnx_version){opsets[i], 10});
    }
    assert_int_equal(write_at(RESIZE("4", "half_pixel", ", scale_w=0.75"), 21), ERR_UNSUPPORTED);
    assert_string_equal(err_text(), "y: sizes that do not follow from the scales");
}

static struct buffer model_of(const char *text)
{
    struct arena *arena = arena_new();
    struct buffer model = BUFFER_INIT;

    assert_int_equal(onnx_write(parse(arena, text), ONNX_VERSION_DEFAULT, &model), ERR_OK);
    arena_free(arena);
    return model;
}

static enum err read_bytes(const char *bytes, size_t size)
{
    struct arena *arena = arena_new();
    char *copy = xmalloc(size + 1); /* exact size: reading past it is seen */
    struct program *p = NULL;

    char *exact = xrealloc(copy, size ? size : 1);
    memcpy(exact, bytes, size);
    enum err err =
        onnx_read(&(struct onnx_source){.name = "model", .data = exact, .size = size}, arena, &p);
    assert_true(err == ERR_OK ? p != NULL : p == NULL);
    free(exact);
    arena_free(arena);
    return err;
}

static void onnx_refuses_damage(void **state)
{
    struct buffer model = model_of(everything);
    struct rng rng = rng_seeded(1);

    for (size_t size = 0; size < model.size; size++) {
        assert_int_not_equal(read_bytes(model.data, size), ERR_OK);
    }
    for (int i = 0; i < 4000; i++) {
        size_t at = (size_t)rng_below(&rng, model.size);
        char was = model.data[at];
        model.data[at] = (char)rng_next(&rng);
        (void)!read_bytes(model.data, model.size); /* any answer, no crash */
        model.data[at] = was;
    }
    assert_int_equal(read_bytes(model.data, model.size), ERR_OK);
    assert_int_equal(read_bytes("not a model", 11), ERR_INPUT);
    assert_string_equal(err_text(), "model is no ONNX model");
    buffer_release(&model);
}

/* GraphProto in AttributeProto in NodeProto in GraphProto ...: the unpacker recurses. */
static void onnx_refuses_nesting(void **state)
{
    enum { DEEP = 200000 };
    static const uint8_t path[] = {1 << 3 | 2, 5 << 3 | 2, 6 << 3 | 2}; /* node, attribute, g */
    struct buffer inner = BUFFER_INIT;
    char *bytes = xmalloc(DEEP * 6 + 16);
    size_t at = DEEP * 6 + 16, size = 0;

    for (int i = 0; i < DEEP; i++) {
        uint8_t varint[10];
        size_t n = 0;
        for (size_t rest = size; n == 0 || rest; rest >>= 7) {
            varint[n++] = (uint8_t)((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0));
        }
        if (at < n + 1) {
            break;
        }
        at -= n;
        memcpy(bytes + at, varint, n);
        bytes[--at] = (char)path[2 - i % 3];
        size += n + 1;
    }
    buffer_append(&inner, "\x3a", 1); /* ModelProto.graph */
    for (size_t rest = size; rest; rest >>= 7) {
        uint8_t byte = (uint8_t)((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0));
        buffer_append(&inner, &byte, 1);
    }
    buffer_append(&inner, bytes + at, size);
    assert_int_equal(read_bytes(inner.data, inner.size), ERR_INPUT);
    buffer_release(&inner);
    free(bytes);
}

static void onnx_names_become_identifiers(void **state)
{
    struct arena *arena = arena_new();

    assert_string_equal(onnx_identifier(arena, "input.1"), "input_1");
    assert_string_equal(onnx_identifier(arena, "/conv/Conv_output_0"), "_conv_Conv_output_0");
    assert_string_equal(onnx_identifier(arena, "0"), "_0");
    assert_string_equal(onnx_identifier(arena, "x"), "x");
    arena_free(arena);
}

/* ---- .npz ---- */

static struct tensor tensor_of(struct arena *arena, enum dtype d, int rank, int64_t dim)
{
    struct shape shape = {.rank = rank};
    for (int i = 0; i < rank; i++) {
        shape.dim[i] = dim + i;
    }
    struct tensor t = tensor_new(arena, d, &shape);
    for (size_t i = 0; i < shape_numel(&shape); i++) {
        dtype_store(d, t.data, i, (real)i);
    }
    return t;
}

static void npz_reads_back(void **state)
{
    struct arena *arena = arena_new();
    char *dir = temporary_dir();
    const char *path = arena_printf(arena, "%s/x.npz", dir);
    struct named_tensor items[DTYPE_COUNT * 4], *back;
    size_t n = 0, n_back;

    for (enum dtype d = DTYPE_NONE + 1; d < DTYPE_COUNT; d++) {
        for (int rank = 0; rank < 4; rank++) {
            const char *name = arena_printf(arena, "%s_%d", dtype_name(d), rank);
            items[n++] = (struct named_tensor){name, tensor_of(arena, d, rank, rank % 3)};
        }
    }
    assert_int_equal(npz_write(path, items, n), ERR_OK);
    assert_int_equal(npz_read(path, arena, &back, &n_back), ERR_OK);
    assert_int_equal(n_back, n);
    for (size_t i = 0; i < n; i++) {
        struct tensor *t = &items[i].tensor;
        t->dtype = t->dtype == DTYPE_BF16 ? DTYPE_U16 : t->dtype; /* numpy has no bf16 */
        assert_string_equal(back[i].name, items[i].name);
        assert_true(tensor_equal(&back[i].tensor, t));
    }
    assert_int_equal(npz_read("/nowhere/x.npz", arena, &back, &n_back), ERR_MISSING);
    remove_dir(dir);
    arena_free(arena);
}

static enum err parse_npz(const char *bytes, size_t size)
{
    struct arena *arena = arena_new();
    struct named_tensor *items;
    size_t n;
    char *exact = xmalloc(size ? size : 1);

    memcpy(exact, bytes, size);
    enum err err = npz_parse("x.npz", exact, size, arena, &items, &n);
    free(exact);
    arena_free(arena);
    return err;
}

static void npz_refuses_damage(void **state)
{
    struct arena *arena = arena_new();
    char *dir = temporary_dir();
    const char *path = arena_printf(arena, "%s/x.npz", dir);
    const struct named_tensor items[] = {{"a", tensor_of(arena, DTYPE_F32, 2, 3)},
                                         {"b", tensor_of(arena, DTYPE_I8, 1, 5)}};
    struct buffer file = BUFFER_INIT;
    struct rng rng = rng_seeded(3);

    assert_int_equal(npz_write(path, items, 2), ERR_OK);
    assert_int_equal(file_read(path, 0, &file), ERR_OK);
    for (size_t size = 0; size < file.size; size++) {
        assert_int_not_equal(parse_npz(file.data, size), ERR_OK);
    }
    unsigned accepted = 0;
    for (int i = 0; i < 20000; i++) {
        size_t at = (size_t)rng_below(&rng, file.size);
        char was = file.data[at];
        file.data[at] = (char)(was ^ (char)(1 + rng_below(&rng, 255)));
        accepted += parse_npz(file.data, file.size) == ERR_OK;
        file.data[at] = was;
    }
    assert_true(accepted < 6000); /* times, versions and attributes may change, data may not */
    size_t data = file.size - 22 - 2 * (46 + 5) - 5; /* the last array's first element */
    file.data[data] ^= 1;
    assert_int_equal(parse_npz(file.data, file.size), ERR_INPUT);
    assert_string_equal(err_text(), "x.npz: the checksum of b.npy does not match; copy it again");
    buffer_release(&file);
    remove_dir(dir);
    arena_free(arena);
}

/* ---- folders ---- */

static const char *in_dir(struct arena *arena, const char *dir, const char *name)
{
    return arena_printf(arena, "%s/%s", dir, name);
}

static void models_of_a_folder_by_name(void **state)
{
    static const char *const files[] = {"b.onnx", "a.txt",    "notes.md",
                                        ".onnx",  "d/2.onnx", "d/1.txt"};
    static const char *const found[] = {"a.txt", "b.onnx", "c.onnx", "d/1.txt", "d/2.onnx"};
    struct arena *arena = arena_new();
    const char *dir = temporary_dir();
    struct texts paths;

    assert_int_equal(dir_make(in_dir(arena, dir, "d/empty")), ERR_OK);
    for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
        assert_int_equal(file_write(in_dir(arena, dir, files[i]), "x", 1), ERR_OK);
    }
    /* A link to a model is one; links to folders, which may lead back, and pipes are not. */
    assert_int_equal(symlink("b.onnx", in_dir(arena, dir, "c.onnx")), 0);
    assert_int_equal(symlink(".", in_dir(arena, dir, "d/back.txt")), 0);
    assert_int_equal(mkfifo(in_dir(arena, dir, "pipe.txt"), 0600), 0);
    for (int slash = 0; slash < 2; slash++) {
        const char *given = arena_printf(arena, "%s%s", dir, slash ? "/" : "");
        paths = (struct texts){0};
        assert_int_equal(models_under(given, arena, &paths), ERR_OK);
        assert_int_equal(paths.n, ARRAY_SIZE(found));
        for (size_t i = 0; i < paths.n; i++) {
            assert_string_equal(paths.items[i], in_dir(arena, dir, found[i]));
        }
    }
    const char *alone = in_dir(arena, dir, "d/2.onnx");
    paths = (struct texts){0};
    assert_int_equal(models_under(alone, arena, &paths), ERR_OK);
    assert_int_equal(paths.n, 1);
    assert_string_equal(paths.items[0], alone);
    assert_int_equal(models_under(in_dir(arena, dir, "notes.md"), arena, &paths), ERR_IO);
    assert_int_equal(models_under(in_dir(arena, dir, "gone"), arena, &paths), ERR_IO);
    assert_non_null(strstr(err_text(), "/gone: No such file"));
    remove_dir(dir);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(onnx_reads_back),
        cmocka_unit_test(onnx_reads_back_old_opsets),
        cmocka_unit_test(onnx_models_of_two_shapes),
        cmocka_unit_test(onnx_forms_by_opset),
        cmocka_unit_test(onnx_says_what_an_opset_lacks),
        cmocka_unit_test(onnx_resizes_by_scales),
        cmocka_unit_test(onnx_refuses_damage),
        cmocka_unit_test(onnx_refuses_nesting),
        cmocka_unit_test(onnx_names_become_identifiers),
        cmocka_unit_test(npz_reads_back),
        cmocka_unit_test(npz_refuses_damage),
        cmocka_unit_test(models_of_a_folder_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
