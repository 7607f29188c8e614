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
