/* SPDX-License-Identifier: Apache-2.0 */
/* ONNX forms of the elementwise ops. */
#include "spell/onnx_internal.h"

#include <math.h>

/* ---- cast ---- */

static enum err write_cast(struct onnx_writer *w)
{
    onnx_put_int(w, "to", onnx_dtype(onnx_attribute(w, "to")->dtype));
    return onnx_write_plain(w);
}

static enum err read_cast(struct onnx_reader *r, struct onnx_node *n)
{
    int64_t to = onnx_attr_int(n, "to", 0);

    onnx_attr_int(n, "saturate", 1); /* of float8 only, as is round_mode */
    onnx_attr(n, "round_mode", ONNX_STRING);
    enum dtype d = to < 0 || to > INT32_MAX ? DTYPE_NONE : onnx_dtype_parse((int32_t)to);
    if (d == DTYPE_NONE) {
        return onnx_refuse(r, n, ERR_UNSUPPORTED, "a cast to data type %lld", (long long)to);
    }
    onnx_set_attr(n, "to", ATTR_DTYPE)->dtype = d;
    return onnx_take_input(r, n, 0);
}

/* ---- clip ---- */

static void put_limit(struct onnx_writer *w, const char *name)
{
    const struct shape scalar = {.rank = 0};
    enum dtype d = onnx_writer_operand(w, 0)->dtype;
    double limit = onnx_attribute(w, name)->f;

    /* An absent limit is the largest finite value by the operator's text, so infinity is said. */
    if (isinf(limit) && !dtype_is_float(d)) {
        onnx_put_input(w, VALUE_ABSENT);
        return;
    }
    struct tensor t = tensor_new(w->arena, d, &scalar);
    dtype_store(d, t.data, 0, (real)limit);
    onnx_put_const(w, name, &t);
}

static enum err write_clip(struct onnx_writer *w)
{
    static const char *const names[] = {"min", "max"};

    TRY(onnx_write_plain(w));
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        double limit = onnx_attribute(w, names[i])->f;
        if (onnx_as_input(w)) {
            put_limit(w, names[i]);
        } else if (!isinf(limit) && (double)(float)limit != limit) {
            return err_set(ERR_UNSUPPORTED,
                           "%s: before opset 11 Clip's %s is a float, %.17g is not",
                           onnx_result(w)->name, names[i], limit);
        } else { /* absent ones would be the largest floats, not infinite */
            onnx_put_float(w, names[i], (float)limit);
        }
    }
    return ERR_OK;
}

static enum err read_limit(struct onnx_reader *r, struct onnx_node *n, size_t k, double *limit)
{
    static const char *const names[] = {"min", "max"};
    const struct tensor *t = NULL;

    if (r->opset < n->form->input_since) {
        const Onnx__AttributeProto *a = onnx_attr(n, names[k - 1], ONNX_FLOAT);
        if (a) {
            *limit = (double)a->f;
        }
        return ERR_OK;
    }
    if (!onnx_has_input(n, k)) {
        return ERR_OK;
    }
    TRY(onnx_const_input(r, n, k, &t));
    CHECK(t);
    if (shape_numel(&t->shape) != 1 || t->dtype != onnx_operand(r, n, 0)->dtype) {
        return onnx_refuse(r, n, ERR_INPUT, "%s must be one element of the input's dtype",
                           names[k - 1]);
    }
    real v = dtype_load(t->dtype, t->data, 0);
    if (isnan(v) || (real)(double)v != v) {
        return onnx_refuse(r, n, ERR_UNSUPPORTED, "a %s that no f64 holds", names[k - 1]);
    }
    *limit = (double)v;
    return ERR_OK;
}

/* "They default to numeric_limits::lowest() and numeric_limits::max()" (Clip-11, 12, 13), which f64
 * must hold. Before 11 a limit that was not given was the largest f32. */
static enum err default_limits(struct onnx_reader *r, struct onnx_node *n, double limit[2])
{
    enum dtype d = onnx_operand(r, n, 0)->dtype;
    bool is_old = r->opset < n->form->input_since && d != DTYPE_F16;
    enum dtype of = is_old ? DTYPE_F32 : d;

    limit[0] = (double)dtype_lowest(of);
    limit[1] = (double)dtype_max(of);
    if (!onnx_has_input(n, 2) && (real)limit[1] != dtype_max(of)) {
        return onnx_refuse(r, n, ERR_UNSUPPORTED, "%s without a max", dtype_name(d));
    }
    return ERR_OK;
}

static enum err read_clip(struct onnx_reader *r, struct onnx_node *n)
{
    double limit[2];

    TRY(onnx_take_input(r, n, 0));
    TRY(default_limits(r, n, limit));
    TRY(read_limit(r, n, 1, &limit[0]));
    TRY(read_limit(r, n, 2, &limit[1]));
    if (limit[0] > limit[1]) {
        return onnx_refuse(r, n, ERR_UNSUPPORTED, "min %g lies above max %g", limit[0], limit[1]);
    }
    onnx_set_attr(n, "min", ATTR_REAL)->f = limit[0];
    onnx_set_attr(n, "max", ATTR_REAL)->f = limit[1];
    return ERR_OK;
}

/* ---- the table ---- */

const struct onnx_form onnx_elementwise[] = {
    {"add", "Add", onnx_write_plain, onnx_read_plain,
     TYPES({7, SAME(FLOATS_OLD | WIDE_INTS)}, {13, SAME(DT_FLOATS | WIDE_INTS)},
           {14, SAME(DT_NUMBERS)})},
    {"mul", "Mul", onnx_write_plain, onnx_read_plain,
     TYPES({7, SAME(FLOATS_OLD | WIDE_INTS)}, {13, SAME(DT_FLOATS | WIDE_INTS)},
           {14, SAME(DT_NUMBERS)})},
    {"div", "Div", onnx_write_plain, onnx_read_plain,
     TYPES({7, SAME(FLOATS_OLD | WIDE_INTS)}, {13, SAME(DT_FLOATS | WIDE_INTS)},
           {14, SAME(DT_NUMBERS)})},
    {"neg", "Neg", onnx_write_plain, onnx_read_plain,
     TYPES({6, SAME(FLOATS_OLD | DT_SIGNED)}, {13, SAME(DT_FLOATS | DT_SIGNED)})},
    {"relu", "Relu", onnx_write_plain, onnx_read_plain,
     TYPES({6, SAME(FLOATS_OLD)}, {13, SAME(DT_FLOATS)}, {14, SAME(DT_FLOATS | DT_SIGNED)})},
    {"exp", "Exp", onnx_write_plain, onnx_read_plain,
     TYPES({6, SAME(FLOATS_OLD)}, {13, SAME(DT_FLOATS)})},
    {"log", "Log", onnx_write_plain, onnx_read_plain,
     TYPES({6, SAME(FLOATS_OLD)}, {13, SAME(DT_FLOATS)})},
    {"sqrt", "Sqrt", onnx_write_plain, onnx_read_plain,
     TYPES({6, SAME(FLOATS_OLD)}, {13, SAME(DT_FLOATS)})},
    {"tan", "Tan", onnx_write_plain, onnx_read_plain,
     TYPES({7, SAME(FLOATS_OLD)}, {22, SAME(DT_FLOATS)})},
    {"floor", "Floor", onnx_write_plain, onnx_read_plain,
     TYPES({6, SAME(FLOATS_OLD)}, {13, SAME(DT_FLOATS)})},
    {"cast", "Cast", write_cast, read_cast, TYPES({6, SAME(DT_ALL & ~BF)}, {13, SAME(DT_ALL)})},
    {"less", "Less", onnx_write_plain, onnx_read_plain,
     TYPES({7, {FLOATS_OLD}, {DT(BOOL)}}, {9, {DT_NUMBERS & ~BF}, {DT(BOOL)}},
           {13, {DT_NUMBERS}, {DT(BOOL)}})},
    {"where", "Where", onnx_write_plain, onnx_read_plain,
     TYPES({9, {DT(BOOL), DT_ALL & ~BF}, {DT_ALL & ~BF}}, {16, {DT(BOOL), DT_ALL}, {DT_ALL}})},
    {"clip", "Clip", write_clip, read_clip, .input_since = 11,
     TYPES({6, SAME(FLOATS_OLD)}, {12, SAME(DT_NUMBERS & ~BF)}, {13, SAME(DT_NUMBERS)})},
    {0},
};
