/* SPDX-License-Identifier: Apache-2.0 */
/* ONNX forms of pooling, normalisation, resizing. */
#include "spell/onnx_internal.h"

#include <string.h>

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

/* ---- resize ---- */

/* Sizes of all dims; the scales follow from them. Resize-11 wants regions and scales, if empty. */
static enum err write_resize(struct onnx_writer *w)
{
    const struct shape *y = &onnx_result(w)->shape, none = {.rank = 1};
    struct tensor sizes = onnx_ints_tensor(w, y->dim, (size_t)y->rank);
    const char *mode = onnx_attribute(w, "mode")->text;

    TRY(onnx_write_plain(w));
    for (int k = 0; k < 2; k++) {
        struct tensor empty = tensor_new(w->arena, DTYPE_F32, &none);
        if (w->version.opset < 13) {
            onnx_put_const(w, k ? "scales" : "roi", &empty);
        } else {
            onnx_put_input(w, VALUE_ABSENT);
        }
    }
    onnx_put_const(w, "sizes", &sizes);
    onnx_put_text(w, "mode", mode);
    onnx_put_text(w, "coordinate_transformation_mode",
                  onnx_attribute(w, "coordinate_transformation_mode")->text);
    if (strcmp(mode, "nearest") == 0) {
        onnx_put_text(w, "nearest_mode", onnx_attribute(w, "nearest_mode")->text);
    }
    return strcmp(mode, "cubic") == 0 ? onnx_put_real(w, "cubic_coeff_a") : ERR_OK;
}

/* Sizes by scales: ours are quotients of sizes, so the scale must be one. */
static enum err scaled_sizes(struct onnx_reader *r, struct onnx_node *n, const struct shape *x,
                             const int64_t *axes, size_t n_axes, int64_t *sizes)
{
    const struct tensor *t = NULL;

    TRY(onnx_const_input(r, n, 2, &t));
    CHECK(t);
    if (t->dtype != DTYPE_F32 || shape_numel(&t->shape) != n_axes) {
        return onnx_refuse(r, n, ERR_INPUT, "scales must be a float for each axis");
    }
    for (size_t i = 0; i < n_axes; i++) {
        real size = (real)x->dim[axes[i]] * dtype_load(t->dtype, t->data, i);
        if (!(size >= 1 && size < 0x1p31L)) {
            return onnx_refuse(r, n, ERR_UNSUPPORTED, "a scale to no element, or to too many");
        }
        sizes[axes[i]] = (int64_t)size;
        if ((real)sizes[axes[i]] != size) {
            return onnx_refuse(r, n, ERR_UNSUPPORTED, "scales that are no quotients of sizes");
        }
    }
    return ERR_OK;
}

static enum err given_sizes(struct onnx_reader *r, struct onnx_node *n, const int64_t *axes,
                            size_t n_axes, int64_t *sizes)
{
    const Onnx__AttributeProto *policy = onnx_attr(n, "keep_aspect_ratio_policy", ONNX_STRING);
    const int64_t *given = NULL;
    size_t count = 0;

    if (!onnx_text_is(policy, "stretch", "stretch")) {
        return onnx_refuse(r, n, ERR_UNSUPPORTED, "keep_aspect_ratio_policy");
    }
    TRY(onnx_int64_list(r, n, 3, &given, &count));
    if (count != n_axes) {
        return onnx_refuse(r, n, ERR_INPUT, "sizes must be one for each axis");
    }
    for (size_t i = 0; i < count; i++) {
        sizes[axes[i]] = given[i];
    }
    return ERR_OK;
}

static enum err read_sizes(struct onnx_reader *r, struct onnx_node *n, const struct shape *x)
{
    const Onnx__AttributeProto *a = onnx_attr(n, "axes", ONNX_INTS);
    int64_t axes[RANK_MAX], sizes[RANK_MAX];
    size_t n_axes = a ? a->n_ints : (size_t)x->rank;

    if (x->rank < 3 || n_axes > (size_t)x->rank) {
        return onnx_refuse(r, n, ERR_UNSUPPORTED, "a tensor of rank %d", x->rank);
    }
    memcpy(sizes, x->dim, sizeof sizes);
    for (size_t i = 0; i < n_axes; i++) {
        int64_t axis = a ? a->ints[i] : (int64_t)i;
        axes[i] = axis < 0 ? axis + x->rank : axis;
        if (axes[i] < 0 || axes[i] >= x->rank) {
            return onnx_refuse(r, n, ERR_INPUT, "axis %lld", (long long)axis);
        }
    }
    if (onnx_has_input(n, 3)) {
        TRY(given_sizes(r, n, axes, n_axes, sizes));
    } else {
        onnx_attr(n, "keep_aspect_ratio_policy", ONNX_STRING); /* of sizes */
        TRY(scaled_sizes(r, n, x, axes, n_axes, sizes));
    }
    if (sizes[0] != x->dim[0] || sizes[1] != x->dim[1]) {
        return onnx_refuse(r, n, ERR_UNSUPPORTED, "resizing of batch or channels");
    }
    return onnx_set_ints(r, n, "sizes", sizes + 2, (size_t)x->rank - 2);
}

static enum err read_choice(struct onnx_reader *r, struct onnx_node *n, const char *name,
                            const char *const *texts)
{
    const Onnx__AttributeProto *a = onnx_attr(n, name, ONNX_STRING);

    for (size_t i = 0; texts[i]; i++) {
        if (onnx_text_is(a, texts[0], texts[i])) {
            onnx_set_attr(n, name, ATTR_TEXT)->text = texts[i];
            return ERR_OK;
        }
    }
    return onnx_refuse(r, n, ERR_UNSUPPORTED, "such a %s", name);
}

/* The first is the default. */
static enum err read_resize(struct onnx_reader *r, struct onnx_node *n)
{
    static const char *const modes[] = {"nearest", "linear", "cubic", NULL};
    static const char *const places[] = {"half_pixel", "align_corners", "asymmetric",
                                         "pytorch_half_pixel", NULL};
    static const char *const roundings[] = {"round_prefer_floor", "round_prefer_ceil", "floor",
                                            "ceil", NULL};

    if (r->opset < 11) {
        return onnx_refuse(r, n, ERR_UNSUPPORTED, "before opset 11");
    }
    TRY(onnx_take_input(r, n, 0));
    if (onnx_attr_int(n, "antialias", 0) != 0 || onnx_attr_int(n, "exclude_outside", 0) != 0) {
        return onnx_refuse(r, n, ERR_UNSUPPORTED, "antialias or exclude_outside");
    }
    onnx_attr(n, "extrapolation_value", ONNX_FLOAT); /* of tf_crop_and_resize */
    TRY(read_sizes(r, n, &onnx_operand(r, n, 0)->shape));
    TRY(read_choice(r, n, "mode", modes));
    TRY(read_choice(r, n, "coordinate_transformation_mode", places));
    TRY(read_choice(r, n, "nearest_mode", roundings));
    onnx_take_real(n, "cubic_coeff_a", -0.75F);
    return ERR_OK;
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
    {"resize", "Resize", write_resize, read_resize,
     TYPES({11, SAME(DT_ALL & ~BF)}, {13, SAME(DT_ALL)})},
    {0},
};
