/* SPDX-License-Identifier: Apache-2.0 */
/* ONNX forms of pooling, normalisation, resizing. */
#include "spell/onnx_internal.h"

/* ---- pools over windows ---- */

enum { SPATIAL_MAX = 3 };

static void put_list(struct onnx_writer *w, const char *name)
{
    const struct attr *a = onnx_attribute(w, name);
    onnx_put_ints(w, name, a->i, a->n);
}

/* MaxPool has dilations since 10, AveragePool since 19; both have ceil_mode since 10. */
static enum err write_windows(struct onnx_writer *w, int dilations_since)
{
    const struct attr *dilations = onnx_attribute(w, "dilations");
    bool ceil_mode = onnx_attribute(w, "ceil_mode")->i[0] != 0, dilates = false;

    put_list(w, "kernel_shape");
    put_list(w, "strides");
    put_list(w, "pads");
    for (unsigned d = 0; d < dilations->n; d++) {
        dilates = dilates || dilations->i[d] != 1;
    }
    if (w->version.opset >= dilations_since) {
        put_list(w, "dilations");
    } else if (dilates) {
        return err_set(ERR_UNSUPPORTED, "%s: before opset %d %s has no dilations",
                       onnx_result(w)->name, dilations_since, w->form->type);
    }
    if (w->version.opset >= 10) {
        onnx_put_int(w, "ceil_mode", ceil_mode);
    } else if (ceil_mode) {
        return err_set(ERR_UNSUPPORTED, "%s: before opset 10 %s has no ceil_mode",
                       onnx_result(w)->name, w->form->type);
    }
    return onnx_write_plain(w);
}

static enum err write_max_pool(struct onnx_writer *w)
{
    return write_windows(w, 10);
}

static enum err write_avg_pool(struct onnx_writer *w)
{
    onnx_put_int(w, "count_include_pad", onnx_attribute(w, "count_include_pad")->i[0]);
    return write_windows(w, 19);
}

static enum err read_windows(struct onnx_reader *r, struct onnx_node *n)
{
    int64_t strides[SPATIAL_MAX], dilations[SPATIAL_MAX], kernel[SPATIAL_MAX];
    int64_t pads[2 * SPATIAL_MAX];

    TRY(onnx_take_input(r, n, 0));
    const struct shape *x = &onnx_operand(r, n, 0)->shape;
    size_t count = (size_t)x->rank - 2;
    if (x->rank < 3 || count > SPATIAL_MAX) {
        return onnx_refuse(r, n, ERR_UNSUPPORTED, "a pool over a tensor of rank %d", x->rank);
    }
    TRY(onnx_ints_of(r, n, "kernel_shape", count, 0, kernel));
    TRY(onnx_ints_of(r, n, "strides", count, 1, strides));
    TRY(onnx_ints_of(r, n, "dilations", count, 1, dilations));
    TRY(onnx_ints_of(r, n, "pads", 2 * count, 0, pads));
    TRY(onnx_auto_pads(r, n, (int)count, &x->dim[2], kernel, strides, dilations, pads));
    TRY(onnx_set_ints(r, n, "kernel_shape", kernel, count));
    TRY(onnx_set_ints(r, n, "strides", strides, count));
    TRY(onnx_set_ints(r, n, "pads", pads, 2 * count));
    TRY(onnx_set_ints(r, n, "dilations", dilations, count));
    onnx_set_attr(n, "ceil_mode", ATTR_BOOL)->i[0] = onnx_attr_int(n, "ceil_mode", 0) != 0;
    return ERR_OK;
}

/* storage_order is the order of the indices only. */
static enum err read_max_pool(struct onnx_reader *r, struct onnx_node *n)
{
    onnx_attr_int(n, "storage_order", 0);
    return read_windows(r, n);
}

static enum err read_avg_pool(struct onnx_reader *r, struct onnx_node *n)
{
    TRY(read_windows(r, n));
    onnx_set_attr(n, "count_include_pad", ATTR_BOOL)->i[0] =
        onnx_attr_int(n, "count_include_pad", 0) != 0;
    return ERR_OK;
}

/* ---- normalisations ---- */

static enum err write_norm(struct onnx_writer *w)
{
    const struct attr *groups = node_attr(w->node, "num_groups");

    if (node_attr(w->node, "axis")) {
        onnx_put_int(w, "axis", onnx_attribute(w, "axis")->i[0]);
    }
    if (groups) {
        onnx_put_int(w, "num_groups", groups->i[0]);
    }
    TRY(onnx_put_real(w, "epsilon"));
    return onnx_write_plain(w);
}

static enum err read_norm(struct onnx_reader *r, struct onnx_node *n)
{
    /* Float: ours. Another type only rounds the stages between more coarsely. */
    if (onnx_attr_int(n, "stash_type", 1) != 1) {
        return onnx_refuse(r, n, ERR_UNSUPPORTED, "a stash_type that is not float");
    }
    onnx_take_real(n, "epsilon", 1e-5F);
    return onnx_read_plain(r, n);
}

static enum err read_layer_norm(struct onnx_reader *r, struct onnx_node *n)
{
    onnx_set_attr(n, "axis", ATTR_INT)->i[0] = onnx_attr_int(n, "axis", -1);
    return read_norm(r, n);
}

static enum err read_group_norm(struct onnx_reader *r, struct onnx_node *n)
{
    if (r->opset < 21) {
        return onnx_refuse(r, n, ERR_UNSUPPORTED, "before opset 21 scale and bias are of groups");
    }
    onnx_set_attr(n, "num_groups", ATTR_INT)->i[0] = onnx_attr_int(n, "num_groups", 0);
    return read_norm(r, n);
}

/* Inference; momentum is training's. Before 14 more outputs meant training, and before 9 spatial
 * = 0 a mean for each position. */
static enum err read_batch_norm(struct onnx_reader *r, struct onnx_node *n)
{
    if (onnx_attr_int(n, "training_mode", 0) != 0 || onnx_attr_int(n, "spatial", 1) != 1) {
        return onnx_refuse(r, n, ERR_UNSUPPORTED, "training, or spatial = 0");
    }
    onnx_attr(n, "momentum", ONNX_FLOAT);
    onnx_take_real(n, "epsilon", 1e-5F);
    return onnx_read_plain(r, n);
}

/* ---- the table ---- */

const struct onnx_form onnx_pool[] = {
    {"max_pool", "MaxPool", write_max_pool, read_max_pool,
     TYPES({1, SAME(FLOATS_OLD)}, {12, SAME(FLOATS_OLD | DT(I8) | DT(U8))},
           {22, SAME(DT_FLOATS | DT(I8) | DT(U8))})},
    {"avg_pool", "AveragePool", write_avg_pool, read_avg_pool,
     TYPES({1, SAME(FLOATS_OLD)}, {22, SAME(DT_FLOATS)})},
    {"global_max_pool", "GlobalMaxPool", onnx_write_plain, onnx_read_plain,
     TYPES({1, SAME(FLOATS_OLD)}, {22, SAME(DT_FLOATS)})},
    {"global_avg_pool", "GlobalAveragePool", onnx_write_plain, onnx_read_plain,
     TYPES({1, SAME(FLOATS_OLD)}, {22, SAME(DT_FLOATS)})},
    {"batch_norm", "BatchNormalization", write_norm, read_batch_norm,
     TYPES({7, SAME(FLOATS_OLD)}, {14, SAME(DT_FLOATS)})},
    {"layer_norm", "LayerNormalization", write_norm, read_layer_norm, TYPES({17, SAME(DT_FLOATS)})},
    {"group_norm", "GroupNormalization", write_norm, read_group_norm, TYPES({21, SAME(DT_FLOATS)})},
    {"instance_norm", "InstanceNormalization", write_norm, read_norm,
     TYPES({6, SAME(FLOATS_OLD)}, {22, SAME(DT_FLOATS)})},
    {"rms_norm", "RMSNormalization", write_norm, read_layer_norm, TYPES({23, SAME(DT_FLOATS)})},
    {0},
};
