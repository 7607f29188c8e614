/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What ONNX forms are made of, in both directions: filling the NodeProto of the node at hand, and
 * reading attributes and constant inputs of a NodeProto, defaults of its opset included. What the
 * catalogue cannot say is ERR_UNSUPPORTED, what ONNX does not allow ERR_INPUT; shapes are checked
 * afterwards by the op's own relation.
 */
#include "spell/onnx_internal.h"

#include <string.h>

/* ---- writing ---- */

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The writing direction of the ONNX forms: each fills the NodeProto of the node at hand with inputs
 * and attributes as the model's opset wants them. Output names are there already.
 */
#include "spell/onnx_internal.h"

#include <math.h>
#include <string.h>

const struct attr *onnx_attribute(const struct onnx_writer *w, const char *name)
{
    const struct attr *a = node_attr(w->node, name);
    if (!a) {
        BUG("%s has no attribute %s", w->node->op_name, name);
    }
    return a;
}

const struct value *onnx_writer_operand(const struct onnx_writer *w, uint32_t k)
{
    return &w->program->values[w->node->in[k]];
}

const struct value *onnx_result(const struct onnx_writer *w)
{
    return &w->program->values[w->node->out[0]];
}

struct tensor onnx_ints_tensor(const struct onnx_writer *w, const int64_t *values, size_t n)
{
    const struct shape shape = {.rank = 1, .dim = {(int64_t)n}};
    struct tensor t = tensor_new(w->arena, DTYPE_I64, &shape);

    memcpy(t.data, values, n * sizeof *values);
    return t;
}

/* Axes below zero count from the end since 11. */
int64_t onnx_axis_at(const struct onnx_writer *w, int64_t axis)
{
    return w->version.opset < 11 && axis < 0 ? axis + onnx_writer_operand(w, 0)->shape.rank : axis;
}

bool onnx_as_input(const struct onnx_writer *w)
{
    return w->version.opset >= w->form->input_since;
}

enum err onnx_write_plain(struct onnx_writer *w)
{
    for (uint32_t k = 0; k < w->node->n_in; k++) {
        onnx_put_input(w, w->node->in[k]);
    }
    return ERR_OK;
}

enum err onnx_write_axis(struct onnx_writer *w)
{
    onnx_put_int(w, "axis", onnx_axis_at(w, onnx_attribute(w, "axis")->i[0]));
    return onnx_write_plain(w);
}

/* "float" in every schema, also of models in f64. */
enum err onnx_put_real(struct onnx_writer *w, const char *name)
{
    double v = onnx_attribute(w, name)->f;

    if ((double)(float)v != v) {
        return err_set(ERR_UNSUPPORTED, "%s: %s's %s is a float, %.17g is not",
                       onnx_result(w)->name, w->form->type, name, v);
    }
    onnx_put_float(w, name, (float)v);
    return ERR_OK;
}

/* ---- reading ---- */

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reading direction of the ONNX forms: each makes inputs and attributes of a catalogue op from
 * a NodeProto, defaults of its opset included. What the catalogue cannot say is ERR_UNSUPPORTED,
 * what ONNX does not allow ERR_INPUT; shapes are checked afterwards by the op's own relation.
 */
#include "spell/onnx_internal.h"

#include <math.h>
#include <string.h>

enum err onnx_read_plain(struct onnx_reader *r, struct onnx_node *n)
{
    for (size_t k = 0; k < n->proto->n_input; k++) {
        TRY(onnx_take_input(r, n, k));
    }
    return ERR_OK;
}

/* Gather, ArgMax: 0 when not given; Concat must give it. */
enum err onnx_read_axis(struct onnx_reader *r, struct onnx_node *n)
{
    onnx_set_attr(n, "axis", ATTR_INT)->i[0] = onnx_attr_int(n, "axis", 0);
    if (n->proto->n_input == 0) {
        return onnx_refuse(r, n, ERR_INPUT, "no inputs");
    }
    return onnx_read_plain(r, n);
}

enum err onnx_int64_list(struct onnx_reader *r, struct onnx_node *n, size_t k,
                         const int64_t **values, size_t *count)
{
    const struct tensor *t = NULL;

    TRY(onnx_const_input(r, n, k, &t));
    CHECK(t);
    if (t->dtype != DTYPE_I64 || t->shape.rank > 1) {
        return onnx_refuse(r, n, ERR_INPUT, "input %zu must be a list of int64", k);
    }
    *values = t->data;
    *count = shape_numel(&t->shape);
    return ERR_OK;
}

enum err onnx_index_list(struct onnx_reader *r, struct onnx_node *n, size_t k,
                         const int64_t **values, size_t *count)
{
    const struct tensor *t = NULL;

    TRY(onnx_const_input(r, n, k, &t));
    CHECK(t);
    if (t->dtype != DTYPE_I32) {
        return onnx_int64_list(r, n, k, values, count);
    }
    *count = shape_numel(&t->shape);
    int64_t *wide = ARENA_ARRAY(r->work, int64_t, *count);
    for (size_t i = 0; i < *count; i++) {
        wide[i] = ((const int32_t *)t->data)[i];
    }
    *values = wide;
    return ERR_OK;
}

enum err onnx_ints_of(struct onnx_reader *r, struct onnx_node *n, const char *name, size_t count,
                      int64_t otherwise, int64_t *values)
{
    const Onnx__AttributeProto *a = onnx_attr(n, name, ONNX_INTS);

    for (size_t i = 0; i < count; i++) {
        values[i] = otherwise;
    }
    if (a && a->n_ints != count) {
        return onnx_refuse(r, n, ERR_INPUT, "%s has %zu values where %zu are needed", name,
                           a->n_ints, count);
    }
    if (a) {
        memcpy(values, a->ints, count * sizeof *values);
    }
    return ERR_OK;
}

bool onnx_text_is(const Onnx__AttributeProto *a, const char *otherwise, const char *text)
{
    const char *given = a && a->has_s ? (const char *)a->s.data : otherwise;
    size_t size = a && a->has_s ? a->s.len : strlen(otherwise);

    return size == strlen(text) && memcmp(given, text, size) == 0;
}

/* SAME_*: as many outputs as inputs / stride, rounded up; the odd one goes to the end named. */
struct window {
    int64_t in, kernel, stride, dilation;
};

static enum err same_pads(struct onnx_reader *r, struct onnx_node *node, const struct window *w,
                          bool is_upper, int64_t *before, int64_t *after)
{
    if (w->stride < 1 || w->dilation < 1) {
        return onnx_refuse(r, node, ERR_INPUT, "strides and dilations must be at least 1");
    }
    __int128 out = ((__int128)w->in + w->stride - 1) / w->stride;
    __int128 span = (__int128)(w->kernel - 1) * w->dilation + 1;
    __int128 total = (out - 1) * w->stride + span - w->in;
    total = total < 0 ? 0 : total;
    if (total > INT32_MAX) {
        return onnx_refuse(r, node, ERR_UNSUPPORTED, "pads beyond 2^31");
    }
    *before = (int64_t)(is_upper ? total / 2 : total - total / 2);
    *after = (int64_t)total - *before;
    return ERR_OK;
}

enum err onnx_auto_pads(struct onnx_reader *r, struct onnx_node *node, int n, const int64_t *in,
                        const int64_t *kernel, const int64_t *strides, const int64_t *dilations,
                        int64_t *pads)
{
    const Onnx__AttributeProto *a = onnx_attr(node, "auto_pad", ONNX_STRING);
    bool is_upper = onnx_text_is(a, "NOTSET", "SAME_UPPER");

    if (onnx_text_is(a, "NOTSET", "NOTSET")) {
        return ERR_OK;
    }
    memset(pads, 0, 2 * (size_t)n * sizeof *pads);
    if (onnx_text_is(a, "NOTSET", "VALID")) {
        return ERR_OK;
    }
    if (!is_upper && !onnx_text_is(a, "NOTSET", "SAME_LOWER")) {
        return onnx_refuse(r, node, ERR_INPUT, "unknown auto_pad");
    }
    for (int d = 0; d < n; d++) {
        const struct window w = {in[d], kernel[d], strides[d], dilations[d]};
        TRY(same_pads(r, node, &w, is_upper, &pads[d], &pads[n + d]));
    }
    return ERR_OK;
}

void onnx_take_real(struct onnx_node *n, const char *name, float otherwise)
{
    const Onnx__AttributeProto *a = onnx_attr(n, name, ONNX_FLOAT);
    onnx_set_attr(n, name, ATTR_REAL)->f = (double)(a ? a->f : otherwise);
}
