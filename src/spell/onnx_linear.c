/* SPDX-License-Identifier: Apache-2.0 */
/* ONNX forms of products and convolutions. */
#include "spell/onnx_internal.h"

#include <ctype.h>
#include <string.h>

enum { SPATIAL_MAX = 3 };

/* ---- convolutions ---- */

static enum err write_conv(struct onnx_writer *w)
{
    static const char *const lists[] = {"strides", "pads", "dilations"};
    size_t n = (size_t)onnx_writer_operand(w, 0)->shape.rank - 2;

    for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
        const struct attr *a = onnx_attribute(w, lists[i]);
        onnx_put_ints(w, lists[i], a->i, a->n);
    }
    onnx_put_int(w, "group", onnx_attribute(w, "group")->i[0]);
    if (!w->shapes[0]) { /* it may be left out: the weight says it */
        onnx_put_ints(w, "kernel_shape", &onnx_writer_operand(w, 1)->shape.dim[2], n);
    }
    return onnx_write_plain(w);
}

static enum err write_conv_transpose(struct onnx_writer *w)
{
    const struct attr *a = onnx_attribute(w, "output_padding");

    onnx_put_ints(w, "output_padding", a->i, a->n);
    return write_conv(w);
}

/* What a convolution's node says, before its pads are known. */
struct window {
    int n; /* spatial dims */
    const struct shape *x, *w;
    int64_t strides[SPATIAL_MAX], dilations[SPATIAL_MAX], pads[2 * SPATIAL_MAX];
};

/* The attributes that both kinds have, and the op by the count of dims. */
static enum err read_window(struct onnx_reader *r, struct onnx_node *n, const char *const ops[3],
                            struct window *v)
{
    int64_t kernel[SPATIAL_MAX];

    TRY(onnx_read_plain(r, n));
    if (n->n_in < 2 || n->in[1] == VALUE_ABSENT) {
        return onnx_refuse(r, n, ERR_INPUT, "no weight");
    }
    v->x = &onnx_operand(r, n, 0)->shape;
    v->w = &onnx_operand(r, n, 1)->shape;
    v->n = v->x->rank - 2;
    if (v->n < 1 || v->n > SPATIAL_MAX || v->w->rank != v->x->rank) {
        return onnx_refuse(r, n, ERR_UNSUPPORTED, "a convolution that is not of 1 to 3 dims");
    }
    n->form = onnx_form_of_op(ops[v->n - 1]);
    size_t dims = (size_t)v->n;
    TRY(onnx_ints_of(r, n, "strides", dims, 1, v->strides));
    TRY(onnx_ints_of(r, n, "dilations", dims, 1, v->dilations));
    TRY(onnx_ints_of(r, n, "pads", 2 * dims, 0, v->pads));
    TRY(onnx_ints_of(r, n, "kernel_shape", dims, -1, kernel));
    for (int d = 0; d < v->n; d++) {
        if (kernel[d] != -1 && kernel[d] != v->w->dim[2 + d]) {
            return onnx_refuse(r, n, ERR_INPUT, "kernel_shape is not the weight's");
        }
        if (v->strides[d] < 1 || v->dilations[d] < 1) {
            return onnx_refuse(r, n, ERR_INPUT, "strides and dilations must be at least 1");
        }
    }
    return ERR_OK;
}

static enum err set_window(struct onnx_reader *r, struct onnx_node *n, const struct window *v)
{
    size_t dims = (size_t)v->n;

    TRY(onnx_set_ints(r, n, "strides", v->strides, dims));
    TRY(onnx_set_ints(r, n, "pads", v->pads, 2 * dims));
    TRY(onnx_set_ints(r, n, "dilations", v->dilations, dims));
    onnx_set_attr(n, "group", ATTR_INT)->i[0] = onnx_attr_int(n, "group", 1);
    return ERR_OK;
}

static enum err read_conv(struct onnx_reader *r, struct onnx_node *n)
{
    static const char *const ops[] = {"conv1d", "conv2d", "conv3d"};
    struct window v = {0};

    TRY(read_window(r, n, ops, &v));
    TRY(onnx_auto_pads(r, n, v.n, &v.x->dim[2], &v.w->dim[2], v.strides, v.dilations, v.pads));
    return set_window(r, n, &v);
}

/* Pads that give output_shape, or by SAME_* the input's times the stride: half at each end. The
 * operator's text has the odd one at the beginning unless it says SAME_UPPER. One pad too few is
 * an element more at the end (onnx's test_convtranspose_output_shape). */
static enum err transposed_pads(struct onnx_reader *r, struct onnx_node *n, struct window *v,
                                int64_t *more)
{
    const Onnx__AttributeProto *a = onnx_attr(n, "auto_pad", ONNX_STRING);
    bool is_upper = onnx_text_is(a, "NOTSET", "SAME_UPPER");
    bool is_same = is_upper || onnx_text_is(a, "NOTSET", "SAME_LOWER");
    int64_t shape[SPATIAL_MAX];

    TRY(onnx_ints_of(r, n, "output_shape", (size_t)v->n, -1, shape));
    if (shape[0] == -1 && !is_same) {
        return onnx_auto_pads(r, n, v->n, &v->x->dim[2], &v->w->dim[2], v->strides, v->dilations,
                              v->pads);
    }
    for (int d = 0; d < v->n; d++) {
        __int128 in = v->x->dim[2 + d], stride = v->strides[d];
        __int128 out = shape[0] != -1 ? shape[d] : in * stride;
        __int128 span = (__int128)(v->w->dim[2 + d] - 1) * v->dilations[d] + 1;
        __int128 total = stride * (in - 1) + more[d] + span - out;
        more[d] += total == -1;
        total += total == -1;
        if (total < 0 || total > INT32_MAX) {
            return onnx_refuse(r, n, ERR_UNSUPPORTED, "pads below 0 or beyond 2^31");
        }
        v->pads[d] = (int64_t)(is_upper ? total / 2 : total - total / 2);
        v->pads[v->n + d] = (int64_t)total - v->pads[d];
    }
    return ERR_OK;
}

static enum err read_conv_transpose(struct onnx_reader *r, struct onnx_node *n)
{
    static const char *const ops[] = {"conv_transpose1d", "conv_transpose2d", "conv_transpose3d"};
    struct window v = {0};
    int64_t more[SPATIAL_MAX];

    TRY(read_window(r, n, ops, &v));
    TRY(onnx_ints_of(r, n, "output_padding", (size_t)v.n, 0, more));
    TRY(transposed_pads(r, n, &v, more));
    TRY(set_window(r, n, &v));
    return onnx_set_ints(r, n, "output_padding", more, (size_t)v.n);
}

/* ---- gemm, linear ---- */

static bool has_third(const struct onnx_writer *w)
{
    return w->node->n_in > 2 && w->node->in[2] != VALUE_ABSENT;
}

static enum err put_factor(struct onnx_writer *w, const char *name)
{
    double factor = onnx_attribute(w, name)->f;

    if ((double)(float)factor != factor) {
        return err_set(ERR_UNSUPPORTED, "%s: %s %g is no float", onnx_result(w)->name, name,
                       factor);
    }
    onnx_put_float(w, name, (float)factor);
    return ERR_OK;
}

/* c may be left out since 11. */
static enum err write_gemm(struct onnx_writer *w)
{
    TRY(onnx_write_plain(w));
    if (w->version.opset < 11 && !has_third(w)) {
        const struct shape scalar = {0};
        struct tensor zero = tensor_new(w->arena, onnx_result(w)->dtype, &scalar);
        onnx_put_const(w, "zero", &zero);
    }
    onnx_put_int(w, "transA", onnx_attribute(w, "transA")->i[0]);
    onnx_put_int(w, "transB", onnx_attribute(w, "transB")->i[0]);
    TRY(put_factor(w, "alpha"));
    return put_factor(w, "beta");
}

static enum err read_gemm(struct onnx_reader *r, struct onnx_node *n)
{
    static const char *const flags[] = {"transA", "transB"}, *const factors[] = {"alpha", "beta"};

    for (size_t i = 0; i < 2; i++) {
        onnx_set_attr(n, flags[i], ATTR_BOOL)->i[0] = onnx_attr_int(n, flags[i], 0) != 0;
    }
    for (size_t i = 0; i < 2; i++) {
        const Onnx__AttributeProto *a = onnx_attr(n, factors[i], ONNX_FLOAT);
        onnx_set_attr(n, factors[i], ATTR_REAL)->f = a ? (double)a->f : 1;
    }
    return onnx_read_plain(r, n);
}

/* Matrices of floats: Gemm, which runtimes have for no integers. Else MatMul with the transposed
 * weight, and Add. */
static enum err write_linear(struct onnx_writer *w)
{
    const uint32_t *in = w->node->in;
    const struct value *x = onnx_writer_operand(w, 0);

    if (x->shape.rank == 2 && dtype_is_float(x->dtype) &&
        (has_third(w) || w->version.opset >= 11)) {
        onnx_become(w, "Gemm");
        onnx_put_int(w, "transB", 1);
        return onnx_write_plain(w);
    }
    onnx_begin_step(w, "Transpose");
    onnx_put_input(w, in[1]);
    onnx_put_ints(w, "perm", (const int64_t[]){1, 0}, 2);
    const char *transposed = onnx_end_step(w, "transposed"), *product = NULL;
    if (has_third(w)) {
        onnx_begin_step(w, "MatMul");
    }
    onnx_put_input(w, in[0]);
    onnx_put_name(w, transposed);
    if (has_third(w)) {
        product = onnx_end_step(w, "product");
        onnx_become(w, "Add");
        onnx_put_name(w, product);
        onnx_put_input(w, in[2]);
    }
    return ERR_OK;
}

/* ---- einsum ---- */

static enum err write_einsum(struct onnx_writer *w)
{
    onnx_put_text(w, "equation", onnx_attribute(w, "equation")->text);
    return onnx_write_plain(w);
}

/* An equation being written out: the operands' letters and the result's. */
struct equation {
    char text[4 * (RANK_MAX + 2)];
    size_t n;
    int used[128]; /* times that a letter came */
    char dots[RANK_MAX + 1];
    int n_dots;
};

static bool put_letter(struct equation *q, char c)
{
    if (q->n + 1 >= sizeof q->text) {
        return false;
    }
    q->text[q->n++] = c;
    q->used[(unsigned char)c]++;
    return true;
}

/* Letters that the equation does not have stand for the dims of an ellipsis, the last of them for
 * the last: q->dots. */
static void choose_dots(struct equation *q, const char *text)
{
    for (char c = 'A'; c <= 'Z' && q->n_dots < RANK_MAX; c++) {
        if (!strchr(text, c)) {
            q->dots[q->n_dots++] = c;
        }
    }
}

/* One term up to its end; rank < 0: of the result, whose ellipsis has all dims that any has. */
static const char *put_term(struct equation *q, const char *at, int rank, int *dots_most)
{
    int letters = 0;

    for (const char *c = at; *c && *c != ',' && *c != '>'; c++) {
        letters += isalpha((unsigned char)*c) != 0;
    }
    for (; *at && *at != ',' && *at != '-'; at++) {
        if (strncmp(at, "...", 3) == 0) {
            int dots = rank < 0 ? *dots_most : rank - letters;
            if (dots < 0 || dots > q->n_dots) {
                return NULL;
            }
            *dots_most = dots > *dots_most ? dots : *dots_most;
            for (int i = q->n_dots - dots; i < q->n_dots; i++) {
                if (!put_letter(q, q->dots[i])) {
                    return NULL;
                }
            }
            at += 2;
        } else if (!isalpha((unsigned char)*at) || !put_letter(q, *at)) {
            return NULL;
        }
    }
    return at;
}

/* Without "->": the ellipsis' dims, then the letters that come once, in alphabetical order. The
 * dims have come in an operand and now again. */
static bool put_implicit(struct equation *q, int dots)
{
    for (int i = q->n_dots - dots; i < q->n_dots; i++) {
        if (!put_letter(q, q->dots[i])) {
            return false;
        }
    }
    for (int c = 'A'; c <= 'z'; c++) {
        if (q->used[c] == 1 && isalpha(c) && !put_letter(q, (char)c)) {
            return false;
        }
    }
    return true;
}

/* Spaces, ellipses and implicit results written out as the op has it. */
static bool write_out(const struct onnx_reader *r, const struct onnx_node *n, const char *text,
                      struct equation *q)
{
    int dots = 0;

    choose_dots(q, text);
    for (uint32_t k = 0; k < n->n_in; k++) {
        text = put_term(q, text, onnx_operand(r, n, k)->shape.rank, &dots);
        bool is_last = k + 1 == n->n_in;
        if (!text || (is_last ? *text == ',' : *text != ',')) {
            return false;
        }
        if (!is_last) {
            if (!put_letter(q, ',')) {
                return false;
            }
            text++;
        }
    }
    bool is_explicit = strncmp(text, "->", 2) == 0;
    if (q->n + 3 >= sizeof q->text || (!is_explicit && *text)) {
        return false;
    }
    memcpy(q->text + q->n, "->", 2);
    q->n += 2;
    return is_explicit ? put_term(q, text + 2, -1, &dots) != NULL : put_implicit(q, dots);
}

static enum err read_einsum(struct onnx_reader *r, struct onnx_node *n)
{
    const Onnx__AttributeProto *a = onnx_attr(n, "equation", ONNX_STRING);
    struct equation q = {0};
    char text[128] = "";
    size_t size = 0;

    TRY(onnx_read_plain(r, n));
    if (!a || !a->has_s || a->s.len >= sizeof text) {
        return onnx_refuse(r, n, ERR_UNSUPPORTED, "no equation, or one beyond 127 characters");
    }
    for (size_t i = 0; i < a->s.len; i++) {
        if (a->s.data[i] != ' ') {
            text[size++] = (char)a->s.data[i];
        }
    }
    if (n->n_in < 1 || n->n_in > 2 || !write_out(r, n, text, &q)) {
        return onnx_refuse(r, n, ERR_UNSUPPORTED, "equation \"%.60s\" on %u operands", text,
                           n->n_in);
    }
    onnx_set_attr(n, "equation", ATTR_TEXT)->text = arena_strdup(r->arena, q.text);
    return ERR_OK;
}

/* ---- the table ---- */

#define CONV_TYPES TYPES({1, SAME(FLOATS_OLD)}, {22, SAME(DT_FLOATS)})
#define MATMUL_TYPES                                                                               \
    {9, SAME(FLOATS_OLD | WIDE_INTS)},                                                             \
    {                                                                                              \
        13, SAME(DT_FLOATS | WIDE_INTS)                                                            \
    }

/* Reading a type begins at its first form here, which chooses the op by the count of dims. */
const struct onnx_form onnx_linear[] = {
    {"matmul", "MatMul", onnx_write_plain, onnx_read_plain,
     TYPES({1, SAME(FLOATS_OLD)}, MATMUL_TYPES)},
    {"gemm", "Gemm", write_gemm, read_gemm, TYPES({7, SAME(FLOATS_OLD)}, MATMUL_TYPES)},
    {"linear", "MatMul", write_linear, NULL, TYPES({1, SAME(FLOATS_OLD)}, MATMUL_TYPES)},
    {"einsum", "Einsum", write_einsum, read_einsum,
     TYPES({12, SAME(DT_NUMBERS & ~BF)}, {28, SAME(DT_NUMBERS)})},
    {"conv1d", "Conv", write_conv, read_conv, CONV_TYPES},
    {"conv2d", "Conv", write_conv, read_conv, CONV_TYPES},
    {"conv3d", "Conv", write_conv, read_conv, CONV_TYPES},
    {"conv_transpose1d", "ConvTranspose", write_conv_transpose, read_conv_transpose, CONV_TYPES},
    {"conv_transpose2d", "ConvTranspose", write_conv_transpose, read_conv_transpose, CONV_TYPES},
    {"conv_transpose3d", "ConvTranspose", write_conv_transpose, read_conv_transpose, CONV_TYPES},
    {0},
};
