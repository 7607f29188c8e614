/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How TensorFlow says pooling and resizing, whose kernels for the CPU have channels last. Pads are
 * calls of their own: elements around that the result does not show.
 */
#include "spell/tf_forms.h"

#include <math.h>
#include <string.h>

enum {
    SPATIAL_MAX = 3,
    PARTS_MAX = 64, /* windows along an axis that adaptive pools say one by one */
};

static int spatial_dims(const struct planner *b)
{
    return planner_input_value(b, 0)->shape.rank - 2;
}

/* ---- pools over windows ---- */

struct window {
    int n;
    const int64_t *kernel, *stride, *pads, *dilation;
    int64_t lo[5], hi[5]; /* pads of all dims, channels last */
    int64_t more[5];      /* behind those, for windows that reach beyond (ceil_mode) */
    bool is_padded, is_beyond;
};

static struct window window_of(const struct planner *b)
{
    struct window w = {.n = spatial_dims(b),
                       .kernel = planner_attribute(b, "kernel_shape")->i,
                       .stride = planner_attribute(b, "strides")->i,
                       .pads = planner_attribute(b, "pads")->i,
                       .dilation = planner_attribute(b, "dilations")->i};
    const int64_t *in = &planner_input_value(b, 0)->shape.dim[2];
    const int64_t *out = &planner_output_value(b)->shape.dim[2];

    for (int d = 0; d < w.n; d++) {
        int64_t reach = (out[d] - 1) * w.stride[d] + (w.kernel[d] - 1) * w.dilation[d] + 1;
        w.lo[d + 1] = w.pads[d];
        w.hi[d + 1] = w.pads[w.n + d];
        int64_t beyond = reach - in[d] - w.lo[d + 1] - w.hi[d + 1];
        w.more[d + 1] = beyond > 0 ? beyond : 0;
        w.is_padded = w.is_padded || w.lo[d + 1] != 0 || w.hi[d + 1] != 0;
        w.is_beyond = w.is_beyond || beyond > 0;
    }
    return w;
}

static bool is_all_ones(const int64_t *list, int n)
{
    bool is_one = true;

    for (int d = 0; d < n; d++) {
        is_one = is_one && list[d] == 1;
    }
    return is_one;
}

/* Volumes of few dtypes can be. */
static bool can_pool(struct planner *b, const struct window *w)
{
    enum dtype d = planner_output_value(b)->dtype;

    if (w->n == SPATIAL_MAX && d != DTYPE_F32 && d != DTYPE_BF16) {
        planner_refuse(b, "pool of volumes of this dtype");
        return false;
    }
    return true;
}

/* Dilations are tf.nn.pool's, of windows side by side: each stride-th of them is kept. */
static void pool(struct planner *b, uint32_t to, uint32_t x, const struct window *w, bool is_max)
{
    const uint32_t n = (uint32_t)w->n;

    if (is_all_ones(w->dilation, w->n)) {
        CALL(b, to, is_max ? "tf.nn.max_pool" : "tf.nn.avg_pool", VALUE(x),
             INTS(NULL, n, w->kernel), INTS("strides", n, w->stride), TEXT("padding", "VALID"));
        return;
    }
    bool is_strided = !is_all_ones(w->stride, w->n);
    uint32_t all = is_strided ? planner_step(b, "all") : to;
    CALL(b, all, "tf.nn.pool", VALUE(x), INTS(NULL, n, w->kernel),
         TEXT("pooling_type", is_max ? "MAX" : "AVG"), TEXT("padding", "VALID"),
         INTS("dilations", n, w->dilation));
    if (is_strided) {
        static const int64_t none[5] = {0};
        int64_t end[5] = {0}, stride[5] = {1, 1, 1, 1, 1}, mask = 1 | (int64_t)1 << (n + 1);
        for (int d = 0; d < w->n; d++) {
            stride[d + 1] = w->stride[d];
            mask |= (int64_t)1 << (d + 1);
        }
        CALL(b, to, "tf.strided_slice", VALUE(all), INTS(NULL, n + 2, none),
             INTS(NULL, n + 2, tf_keep(b, end, 5)), INTS(NULL, n + 2, tf_keep(b, stride, 5)),
             INT("end_mask", mask));
    }
}

static void emit_max_pool(struct planner *b, const char *callable)
{
    const struct window w = window_of(b);
    enum dtype d = planner_output_value(b)->dtype;
    int rank = w.n + 2;
    struct plan_arg least =
        tf_number(NULL, dtype_is_float(d) ? -INFINITY : (double)dtype_lowest(d), d);
    int64_t behind[5];

    if (!can_pool(b, &w)) {
        return;
    }
    for (int k = 0; k < rank; k++) {
        behind[k] = w.hi[k] + w.more[k];
    }
    uint32_t x = tf_channels_last(b, planner_input(b, 0), rank);
    x = tf_padded(b, x, rank, w.lo, behind, least);
    uint32_t y = planner_step(b, "pooled");
    pool(b, y, x, &w, true);
    tf_channels_first(b, planner_output(b), y, rank);
}

/* Do all elements of all windows count? */
static bool is_whole(const struct window *w, bool counts_pads)
{
    return !w->is_beyond && (counts_pads || !w->is_padded);
}

/* Which part of each window counts: the mean of ones there and zeros elsewhere. */
static uint32_t counted(struct planner *b, const struct window *w, bool counts_pads)
{
    int rank = w->n + 2;
    const struct value *x = planner_input_value(b, 0);
    int64_t ones[5] = {1, 1, 1, 1, 1};
    uint32_t all = planner_step(b, "ones"), share = planner_step(b, "share");

    for (int k = 0; k < w->n; k++) {
        ones[k + 1] = x->shape.dim[k + 2];
    }
    CALL(b, all, "tf.ones", INTS(NULL, (uint32_t)rank, tf_keep(b, ones, 5)),
         DTYPE(NULL, DTYPE_F64));
    static const int64_t none[5] = {0};
    all = tf_padded(b, all, rank, w->lo, w->hi, tf_number(NULL, counts_pads, DTYPE_F64));
    all = tf_padded(b, all, rank, none, w->more, tf_number(NULL, 0, DTYPE_F64));
    pool(b, share, all, w, false);
    return share;
}

/* The mean of each window; of those that are not whole, in double precision, that of what counts.
 */
static void average(struct planner *b, const char *callable)
{
    const struct window w = window_of(b);
    bool counts_pads = planner_attribute(b, "count_include_pad")->i[0] != 0;
    int rank = w.n + 2;
    int64_t behind[5];

    for (int k = 0; k < rank; k++) {
        behind[k] = w.hi[k] + w.more[k];
    }
    uint32_t x = tf_channels_last(b, planner_input(b, 0), rank);
    x = tf_padded(b, x, rank, w.lo, behind, tf_number(NULL, 0, planner_output_value(b)->dtype));
    uint32_t y = planner_step(b, "pooled");
    pool(b, y, x, &w, false);
    if (!is_whole(&w, counts_pads)) {
        uint32_t share = counted(b, &w, counts_pads), mean = planner_step(b, "mean");
        CALL(b, mean, callable, VALUE(y), VALUE(share));
        y = mean;
    }
    tf_channels_first(b, planner_output(b), y, rank);
}

static void emit_avg_pool(struct planner *b, const char *callable)
{
    const struct window w = window_of(b);
    bool counts_pads = planner_attribute(b, "count_include_pad")->i[0] != 0;

    if (!can_pool(b, &w)) {
        return;
    }
    if (is_whole(&w, counts_pads)) {
        tf_in_single(b, callable, average);
    } else if (w.n < SPATIAL_MAX && planner_output_value(b)->dtype != DTYPE_F64) {
        tf_in_wider(b, DTYPE_F64, callable, average);
    } else {
        planner_refuse(b, "such pads");
    }
}

static void emit_global(struct planner *b, const char *callable)
{
    static const int64_t axes[SPATIAL_MAX] = {2, 3, 4};

    CALL(b, planner_output(b), callable, VALUE(planner_input(b, 0)),
         INTS("axis", (uint32_t)spatial_dims(b), axes), BOOL("keepdims", true));
}

/* ---- adaptive pools ---- */

/* Windows that lie side by side are of one size where that divides the axis; else each is said:
 * window i of n is from floor(i size / n) to before ceil((i + 1) size / n). */
static uint32_t adapted(struct planner *b, uint32_t x, struct shape *now, int axis, int64_t n,
                        const char *callable)
{
    uint32_t *parts = ARENA_ARRAY(b->arena, uint32_t, (size_t)n);
    int64_t size = now->dim[axis];
    const int64_t at = axis;
    const int64_t *axes = tf_keep(b, &at, 1);

    for (int64_t i = 0; i < n; i++) {
        int64_t first = i * size / n, end = ((i + 1) * size + n - 1) / n;
        int64_t begin[RANK_MAX] = {0}, dims[RANK_MAX];
        uint32_t part = planner_step(b, "part");
        memcpy(dims, now->dim, sizeof dims);
        begin[axis] = first;
        dims[axis] = end - first;
        parts[i] = planner_step(b, "pooled");
        CALL(b, part, "tf.slice", VALUE(x),
             INTS(NULL, (uint32_t)now->rank, tf_keep(b, begin, RANK_MAX)),
             INTS(NULL, (uint32_t)now->rank, tf_keep(b, dims, RANK_MAX)));
        CALL(b, parts[i], callable, VALUE(part), INTS("axis", 1, axes), BOOL("keepdims", true));
    }
    now->dim[axis] = n;
    uint32_t all = planner_step(b, "all");
    CALL(b, all, "tf.concat", VALUES((uint32_t)n, parts), INT("axis", axis));
    return all;
}

/* Axis by axis: windows are boxes, and all elements of one have the same weight. */
static void emit_adaptive(struct planner *b, const char *callable)
{
    const struct attr *size = planner_attribute(b, "output_size");
    struct shape now = planner_input_value(b, 0)->shape;
    uint32_t x = planner_input(b, 0);

    for (int d = 0; d < size->n; d++) {
        if (size->i[d] > PARTS_MAX) {
            planner_refuse(b, "so many windows of sizes of their own");
            return;
        }
        if (size->i[d] > 0 && size->i[d] != now.dim[d + 2]) {
            x = adapted(b, x, &now, d + 2, size->i[d], callable);
        }
    }
    CALL(b, planner_output(b), "tf.reshape", VALUE(x),
         INTS(NULL, (uint32_t)now.rank, planner_output_value(b)->shape.dim));
}

/* ---- resize ---- */

static bool text_is(const struct planner *b, const char *name, const char *text)
{
    return strcmp(planner_attribute(b, name)->text, text) == 0;
}

/* What its kernels compute: (i + 1/2) scale - 1/2 rounded half up, floor(i scale), or between
 * corners rounded half up; linear ones at any of those three places, in single precision. NULL:
 * another way. Its cubic looks weights up in a table of 1024. */
static const char *resize_kernel(const struct planner *b, bool *corners, bool *centers)
{
    const char *place = "coordinate_transformation_mode", *rounding = "nearest_mode";
    bool is_floor = text_is(b, place, "asymmetric");

    *corners = text_is(b, place, "align_corners");
    *centers = text_is(b, place, "half_pixel");
    if (node_attr(b->node, "scale_w") || node_int(b->node, "antialias", 0) != 0 ||
        node_int(b->node, "exclude_outside", 0) != 0 || spatial_dims(b) == SPATIAL_MAX ||
        !(is_floor || *corners || *centers)) {
        return NULL;
    }
    if (text_is(b, "mode", "nearest")) {
        return text_is(b, rounding, is_floor ? "floor" : "round_prefer_ceil")
                   ? "tf.raw_ops.ResizeNearestNeighbor"
                   : NULL;
    }
    return text_is(b, "mode", "linear") && planner_output_value(b)->dtype == DTYPE_F32
               ? "tf.raw_ops.ResizeBilinear"
               : NULL;
}

/* Of images: a line is one of height 1. */
static void emit_resize(struct planner *b, const char *callable)
{
    const struct attr *sizes = planner_attribute(b, "sizes");
    bool is_line = spatial_dims(b) == 1, corners = false, centers = false;
    int64_t size[2] = {is_line ? 1 : sizes->i[0], sizes->i[sizes->n - 1]};
    const char *kernel = resize_kernel(b, &corners, &centers);
    int rank = planner_input_value(b, 0)->shape.rank;

    if (!kernel) {
        planner_refuse(b, "such coordinates or filters");
        return;
    }
    uint32_t image = tf_channels_last(b, planner_input(b, 0), rank);
    uint32_t resized = planner_step(b, "resized");
    if (is_line) {
        uint32_t line = planner_step(b, "line");
        CALL(b, line, "tf.expand_dims", VALUE(image), INT("axis", 1));
        image = line;
    }
    const struct plan_arg args[] = {{.keyword = "images", .kind = PLAN_VALUE, .value = image},
                                    INTS("size", 2, tf_keep(b, size, 2)),
                                    BOOL("align_corners", corners),
                                    BOOL("half_pixel_centers", centers)};
    planner_call(b, resized, kernel, args, ARRAY_SIZE(args));
    if (is_line) {
        static const int64_t height[1] = {1};
        uint32_t line = planner_step(b, "line");
        CALL(b, line, "tf.squeeze", VALUE(resized), INTS("axis", 1, height));
        resized = line;
    }
    tf_channels_first(b, planner_output(b), resized, rank);
}

/* ---- the table ---- */

const struct call_form tf_pool[] = {
    {"max_pool", "tf.nn.max_pool", emit_max_pool},
    {"avg_pool", "tf.divide", emit_avg_pool},
    {"global_max_pool", "tf.reduce_max", emit_global},
    {"global_avg_pool", "tf.reduce_mean", emit_global},
    {"adaptive_max_pool", "tf.reduce_max", emit_adaptive},
    {"adaptive_avg_pool", "tf.reduce_mean", emit_adaptive},
    {"resize", "tf.raw_ops.ResizeBilinear", emit_resize},
    {0},
};
