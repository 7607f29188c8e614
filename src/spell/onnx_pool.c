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

static enum err write_batch_norm_training(struct onnx_writer *w)
{
    onnx_put_int(w, "training_mode", 1);
    TRY(onnx_put_real(w, "momentum"));
    return write_norm(w);
}

/* In inference momentum says nothing. Before 14 more outputs meant training, and before 9 spatial =
 * 0 a mean for each position. */
static enum err read_batch_norm(struct onnx_reader *r, struct onnx_node *n)
{
    if (onnx_attr_int(n, "spatial", 1) != 1) {
        return onnx_refuse(r, n, ERR_UNSUPPORTED, "spatial = 0");
    }
    onnx_take_real(n, "epsilon", 1e-5F);
    if (onnx_attr_int(n, "training_mode", 0) != 0) {
        n->form = onnx_form_of_op("batch_norm_training");
        onnx_take_real(n, "momentum", 0.9F);
    } else {
        onnx_attr(n, "momentum", ONNX_FLOAT);
    }
    return onnx_read_plain(r, n);
}

/* ---- resize ---- */

static const char *const scale_names[SPATIAL_MAX] = {"scale_d", "scale_h", "scale_w"};

/* Scales come without sizes, which must be what follows from them. */
static enum err put_scales(struct onnx_writer *w)
{
    const struct shape *x = &onnx_writer_operand(w, 0)->shape, *y = &onnx_result(w)->shape,
                       all = {.rank = 1, .dim = {x->rank}};
    struct tensor scales = tensor_new(w->arena, DTYPE_F32, &all);

    for (int d = 0; d < x->rank; d++) {
        real scale = d < 2 ? 1 : (real)onnx_attribute(w, scale_names[d + 3 - x->rank])->f;
        if ((int64_t)(scale * (real)x->dim[d]) != y->dim[d] || (real)(float)scale != scale) {
            return err_set(ERR_UNSUPPORTED, "%s: sizes that do not follow from the scales",
                           onnx_result(w)->name);
        }
        dtype_store(DTYPE_F32, scales.data, (size_t)d, scale);
    }
    onnx_put_const(w, "scales", &scales);
    return ERR_OK;
}

static void put_sizes(struct onnx_writer *w)
{
    const struct shape *y = &onnx_result(w)->shape;
    struct tensor sizes = onnx_ints_tensor(w, y->dim, (size_t)y->rank);

    onnx_put_const(w, "sizes", &sizes);
}

/* A flag that came with an opset. */
static enum err put_flag(struct onnx_writer *w, const char *name, int since)
{
    if (node_int(w->node, name, 0) == 0) {
        return ERR_OK;
    }
    if (w->version.opset < since) {
        return err_set(ERR_UNSUPPORTED, "%s: %s came with opset %d", onnx_result(w)->name, name,
                       since);
    }
    onnx_put_int(w, name, 1);
    return ERR_OK;
}

/* Sizes of all dims, or scales. Resize-11 wants regions and scales, if empty. */
static enum err write_resize(struct onnx_writer *w)
{
    const struct shape none = {.rank = 1};
    const char *mode = onnx_attribute(w, "mode")->text;
    const char *place = onnx_attribute(w, "coordinate_transformation_mode")->text;
    bool has_scales = node_attr(w->node, "scale_w") != NULL;

    if (w->version.opset < 19 && strcmp(place, "half_pixel_symmetric") == 0) {
        return err_set(ERR_UNSUPPORTED, "%s: %s came with opset 19", onnx_result(w)->name, place);
    }
    TRY(onnx_write_plain(w));
    for (int k = 0; k < 2 - has_scales; k++) {
        struct tensor empty = tensor_new(w->arena, DTYPE_F32, &none);
        if (w->version.opset < 13) {
            onnx_put_const(w, k ? "scales" : "roi", &empty);
        } else {
            onnx_put_input(w, VALUE_ABSENT);
        }
    }
    if (has_scales) {
        TRY(put_scales(w));
    } else {
        put_sizes(w);
    }
    TRY(put_flag(w, "antialias", 18));
    TRY(put_flag(w, "exclude_outside", 11));
    onnx_put_text(w, "mode", mode);
    onnx_put_text(w, "coordinate_transformation_mode", place);
    if (strcmp(mode, "nearest") == 0) {
        onnx_put_text(w, "nearest_mode", onnx_attribute(w, "nearest_mode")->text);
    }
    return strcmp(mode, "cubic") == 0 ? onnx_put_real(w, "cubic_coeff_a") : ERR_OK;
}

/* What a model asks for: the size and the scale of each dim. */
struct resizing {
    int64_t size[RANK_MAX];
    real scale[RANK_MAX];
};

static enum err scaled_sizes(struct onnx_reader *r, struct onnx_node *n, const struct shape *x,
                             const int64_t *axes, size_t n_axes, struct resizing *z)
{
    const struct tensor *t = NULL;

    TRY(onnx_const_input(r, n, 2, &t));
    CHECK(t);
    if (t->dtype != DTYPE_F32 || shape_numel(&t->shape) != n_axes) {
        return onnx_refuse(r, n, ERR_INPUT, "scales must be a float for each axis");
    }
    for (size_t i = 0; i < n_axes; i++) {
        real scale = dtype_load(t->dtype, t->data, i), size = (real)x->dim[axes[i]] * scale;
        if (!(size >= 1 && size < 0x1p31L)) {
            return onnx_refuse(r, n, ERR_UNSUPPORTED, "a scale to no element, or to too many");
        }
        z->size[axes[i]] = (int64_t)size;
        z->scale[axes[i]] = scale;
    }
    return ERR_OK;
}

/* One scale for all axes; "rounding halfway cases up". */
static void keep_ratio(const struct shape *x, bool is_larger, const int64_t *axes, size_t n_axes,
                       struct resizing *z)
{
    real scale = z->scale[axes[0]];

    for (size_t i = 1; i < n_axes; i++) {
        bool is_better = is_larger ? z->scale[axes[i]] > scale : z->scale[axes[i]] < scale;
        scale = is_better ? z->scale[axes[i]] : scale;
    }
    for (size_t i = 0; i < n_axes; i++) {
        z->scale[axes[i]] = scale;
        z->size[axes[i]] = (int64_t)(scale * (real)x->dim[axes[i]] + 0.5L);
    }
}

static enum err given_sizes(struct onnx_reader *r, struct onnx_node *n, const struct shape *x,
                            const int64_t *axes, size_t n_axes, struct resizing *z)
{
    const Onnx__AttributeProto *policy = onnx_attr(n, "keep_aspect_ratio_policy", ONNX_STRING);
    const int64_t *given = NULL;
    size_t count = 0;

    TRY(onnx_int64_list(r, n, 3, &given, &count));
    if (count != n_axes) {
        return onnx_refuse(r, n, ERR_INPUT, "sizes must be one for each axis");
    }
    for (size_t i = 0; i < count; i++) {
        if (given[i] < 1 || given[i] > INT32_MAX || x->dim[axes[i]] < 1) {
            return onnx_refuse(r, n, ERR_UNSUPPORTED, "a size of %lld", (long long)given[i]);
        }
        z->size[axes[i]] = given[i];
        z->scale[axes[i]] = (real)given[i] / (real)x->dim[axes[i]];
    }
    bool is_smaller = onnx_text_is(policy, "stretch", "not_larger");
    if (count > 0 && (is_smaller || onnx_text_is(policy, "stretch", "not_smaller"))) {
        keep_ratio(x, !is_smaller, axes, n_axes, z);
        return ERR_OK;
    }
    return onnx_text_is(policy, "stretch", "stretch")
               ? ERR_OK
               : onnx_refuse(r, n, ERR_INPUT, "unknown keep_aspect_ratio_policy");
}

/* Scales where they are not what the sizes say. */
static void set_scales(struct onnx_node *n, const struct shape *x, const struct resizing *z)
{
    bool follow = true;

    for (int d = 2; d < x->rank; d++) {
        real in = (real)x->dim[d], size = (real)z->size[d];
        follow = follow && (z->scale[d] == size / in || z->scale[d] * in == size);
    }
    for (int d = 2; d < x->rank && !follow; d++) {
        onnx_set_attr(n, scale_names[d + 3 - x->rank], ATTR_REAL)->f = (double)z->scale[d];
    }
}

static enum err read_sizes(struct onnx_reader *r, struct onnx_node *n, const struct shape *x)
{
    const Onnx__AttributeProto *a = onnx_attr(n, "axes", ONNX_INTS);
    int64_t axes[RANK_MAX];
    struct resizing z;
    size_t n_axes = a ? a->n_ints : (size_t)x->rank;

    if (x->rank < 3 || x->rank > 2 + SPATIAL_MAX || n_axes > (size_t)x->rank) {
        return onnx_refuse(r, n, ERR_UNSUPPORTED, "a tensor of rank %d", x->rank);
    }
    memcpy(z.size, x->dim, sizeof z.size);
    for (int d = 0; d < x->rank; d++) {
        z.scale[d] = 1;
    }
    for (size_t i = 0; i < n_axes; i++) {
        int64_t axis = a ? a->ints[i] : (int64_t)i;
        axes[i] = axis < 0 ? axis + x->rank : axis;
        if (axes[i] < 0 || axes[i] >= x->rank) {
            return onnx_refuse(r, n, ERR_INPUT, "axis %lld", (long long)axis);
        }
    }
    if (onnx_has_input(n, 3)) {
        TRY(given_sizes(r, n, x, axes, n_axes, &z));
    } else {
        onnx_attr(n, "keep_aspect_ratio_policy", ONNX_STRING); /* of sizes */
        TRY(scaled_sizes(r, n, x, axes, n_axes, &z));
    }
    if (z.scale[0] != 1 || z.scale[1] != 1) {
        return onnx_refuse(r, n, ERR_UNSUPPORTED, "resizing of batch or channels");
    }
    set_scales(n, x, &z);
    return onnx_set_ints(r, n, "sizes", z.size + 2, (size_t)x->rank - 2);
}

static void take_flag(struct onnx_node *n, const char *name)
{
    if (onnx_attr_int(n, name, 0) != 0) {
        onnx_set_attr(n, name, ATTR_BOOL)->i[0] = 1;
    }
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
    static const char *const places[] = {"half_pixel",         "align_corners",        "asymmetric",
                                         "pytorch_half_pixel", "half_pixel_symmetric", NULL};
    static const char *const roundings[] = {"round_prefer_floor", "round_prefer_ceil", "floor",
                                            "ceil", NULL};

    if (r->opset < 11) {
        return onnx_refuse(r, n, ERR_UNSUPPORTED, "before opset 11");
    }
    TRY(onnx_take_input(r, n, 0));
    onnx_attr(n, "extrapolation_value", ONNX_FLOAT); /* of tf_crop_and_resize */
    TRY(read_sizes(r, n, &onnx_operand(r, n, 0)->shape));
    TRY(read_choice(r, n, "mode", modes));
    TRY(read_choice(r, n, "coordinate_transformation_mode", places));
    TRY(read_choice(r, n, "nearest_mode", roundings));
    onnx_take_real(n, "cubic_coeff_a", -0.75F);
    take_flag(n, "antialias");
    take_flag(n, "exclude_outside");
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
    {"batch_norm_training", "BatchNormalization", write_batch_norm_training, read_batch_norm,
     TYPES({14, SAME(DT_FLOATS)})},
    {"layer_norm", "LayerNormalization", write_norm, read_layer_norm, TYPES({17, SAME(DT_FLOATS)})},
    {"group_norm", "GroupNormalization", write_norm, read_group_norm, TYPES({21, SAME(DT_FLOATS)})},
    {"instance_norm", "InstanceNormalization", write_norm, read_norm,
     TYPES({6, SAME(FLOATS_OLD)}, {22, SAME(DT_FLOATS)})},
    {"rms_norm", "RMSNormalization", write_norm, read_layer_norm, TYPES({23, SAME(DT_FLOATS)})},
    {"resize", "Resize", write_resize, read_resize,
     TYPES({11, SAME(DT_ALL & ~BF)}, {13, SAME(DT_ALL)})},
    {0},
};
