/* SPDX-License-Identifier: Apache-2.0 */
/* How jax says pooling: jax.lax.reduce_window, as the layers of its users do; and resizing. */
#include "spell/jax_forms.h"

#include <math.h>
#include <string.h>

static uint32_t spatial_dims(const struct planner *b)
{
    return (uint32_t)planner_input_value(b, 0)->shape.rank - 2;
}

/* ---- pools over windows ---- */

/* By all dims: batch and channels have windows of one. */
struct windows {
    uint32_t rank;
    int64_t *size, *stride, *dilation, *pads; /* pads: two a dim */
    int64_t lo[RANK_MAX], hi[RANK_MAX];       /* pads that may count as elements */
    int64_t reach[RANK_MAX];                  /* of all windows */
};

static struct windows windows_new(struct planner *b)
{
    struct windows w = {.rank = spatial_dims(b) + 2};

    w.size = ARENA_ARRAY(b->arena, int64_t, RANK_MAX);
    w.stride = ARENA_ARRAY(b->arena, int64_t, RANK_MAX);
    w.dilation = ARENA_ARRAY(b->arena, int64_t, RANK_MAX);
    w.pads = ARENA_ZARRAY(b->arena, int64_t, 2 * RANK_MAX);
    for (uint32_t d = 0; d < w.rank; d++) {
        w.size[d] = w.stride[d] = w.dilation[d] = 1;
    }
    return w;
}

/* What a last window in ceil_mode has beyond pads is padded too. */
static struct windows windows_of(struct planner *b)
{
    struct windows w = windows_new(b);
    const struct value *x = planner_input_value(b, 0), *y = planner_output_value(b);
    const int64_t *pads = planner_attribute(b, "pads")->i;
    uint32_t n = w.rank - 2;

    for (uint32_t d = 2; d < w.rank; d++) {
        w.size[d] = planner_attribute(b, "kernel_shape")->i[d - 2];
        w.stride[d] = planner_attribute(b, "strides")->i[d - 2];
        w.dilation[d] = planner_attribute(b, "dilations")->i[d - 2];
        w.lo[d] = pads[d - 2];
        w.hi[d] = pads[n + d - 2];
        int64_t window = (w.size[d] - 1) * w.dilation[d] + 1;
        w.reach[d] = (y->shape.dim[d] - 1) * w.stride[d] + window;
        int64_t hi = w.reach[d] - x->shape.dim[d] - w.lo[d];
        w.pads[2 * d] = w.lo[d];
        w.pads[2 * d + 1] = hi > 0 ? hi : 0; /* the last elements may be in no window */
    }
    return w;
}

/* Each share of an adaptive pool as large as the others; else it is refused. */
static bool shares_of(struct planner *b, struct windows *w)
{
    const struct shape *x = &planner_input_value(b, 0)->shape, *y = &planner_output_value(b)->shape;

    *w = windows_new(b);
    for (uint32_t d = 2; d < w->rank; d++) {
        if (y->dim[d] == 0 || x->dim[d] % y->dim[d] != 0) {
            planner_refuse(b, "windows of different sizes");
            return false;
        }
        w->size[d] = w->stride[d] = x->dim[d] / y->dim[d];
    }
    return true;
}

static void reduce_windows(struct planner *b, uint32_t to, uint32_t x, struct plan_arg start,
                           const char *by, const struct windows *w)
{
    CALL(b, to, "jax.lax.reduce_window", VALUE(x), start, OBJECT(NULL, by),
         TUPLE("window_dimensions", w->rank, w->size), TUPLE("window_strides", w->rank, w->stride),
         TUPLES("padding", w->rank, 2, w->pads), TUPLE("window_dilation", w->rank, w->dilation));
}

static void max_windows(struct planner *b, const struct windows *w)
{
    enum dtype d = planner_output_value(b)->dtype;
    struct plan_arg least = REAL(NULL, -INFINITY);

    if (!dtype_is_float(d)) { /* of the dtype: Python's integers are int64 here */
        uint32_t lowest = planner_step(b, "lowest");
        CALL(b, lowest, "jax.numpy.array", jax_number(b, NULL, (double)dtype_lowest(d)),
             DTYPE(NULL, d));
        least = (struct plan_arg)VALUE(lowest);
    }
    reduce_windows(b, planner_output(b), planner_input(b, 0), least, "jax.lax.max", w);
}

static void emit_max_pool(struct planner *b, const char *callable)
{
    const struct windows w = windows_of(b);

    max_windows(b, &w);
}

static void emit_adaptive_max(struct planner *b, const char *callable)
{
    struct windows w;

    if (shares_of(b, &w)) {
        max_windows(b, &w);
    }
}

/* How many elements each window has: the same sum of ones, pads among them where those count. */
static uint32_t window_counts(struct planner *b, const struct windows *w, enum dtype wide)
{
    bool counts_pads = planner_attribute(b, "count_include_pad")->i[0] != 0;
    struct windows of = *w;
    int64_t *dims =
        arena_copy(b->arena, planner_input_value(b, 0)->shape.dim, RANK_MAX * sizeof *dims);
    uint32_t ones = planner_step(b, "ones"), counts = planner_step(b, "counts");

    of.pads = arena_copy(b->arena, w->pads, 2 * RANK_MAX * sizeof *w->pads);
    dims[0] = dims[1] = 1;
    for (uint32_t d = 2; counts_pads && d < w->rank; d++) {
        int64_t all = dims[d] + w->lo[d] + w->hi[d];
        dims[d] = all < w->reach[d] ? all : w->reach[d];
        of.pads[2 * d] = 0;
        of.pads[2 * d + 1] = w->reach[d] - dims[d];
    }
    CALL(b, ones, "jax.numpy.ones", TUPLE(NULL, w->rank, dims), DTYPE(NULL, wide));
    reduce_windows(b, counts, ones, (struct plan_arg)REAL(NULL, 0), "jax.lax.add", &of);
    return counts;
}

static void emit_avg_pool(struct planner *b, const char *callable)
{
    const struct windows w = windows_of(b);
    enum dtype d = planner_output_value(b)->dtype;
    uint32_t x = jax_widen(b, planner_input(b, 0), d), sum = planner_step(b, "sum");

    reduce_windows(b, sum, x, (struct plan_arg)REAL(NULL, 0), "jax.lax.add", &w);
    uint32_t counts = window_counts(b, &w, d == DTYPE_F64 ? DTYPE_F64 : DTYPE_F32);
    uint32_t y = jax_wide_output(b, d);
    CALL(b, y, "jax.numpy.divide", VALUE(sum), VALUE(counts));
    jax_narrow(b, y, planner_output(b), d);
}

static void emit_adaptive_avg(struct planner *b, const char *callable)
{
    enum dtype d = planner_output_value(b)->dtype;
    struct windows w;

    if (!shares_of(b, &w)) {
        return;
    }
    int64_t n = 1;
    for (uint32_t k = 2; k < w.rank; k++) {
        n *= w.size[k];
    }
    uint32_t x = jax_widen(b, planner_input(b, 0), d), sum = planner_step(b, "sum"),
             y = jax_wide_output(b, d);
    reduce_windows(b, sum, x, (struct plan_arg)REAL(NULL, 0), "jax.lax.add", &w);
    CALL(b, y, "jax.numpy.divide", VALUE(sum), REAL(NULL, (double)n));
    jax_narrow(b, y, planner_output(b), d);
}

static void emit_global(struct planner *b, const char *callable)
{
    static const int64_t axes[] = {2, 3, 4};
    CALL(b, planner_output(b), callable, VALUE(planner_input(b, 0)),
         TUPLE("axis", spatial_dims(b), axes), BOOL("keepdims", true));
}

/* ---- resize ---- */

static bool text_is(const struct planner *b, const char *name, const char *text)
{
    return strcmp(planner_attribute(b, name)->text, text) == 0;
}

/* Elements lie in the middle of their cells. pytorch_half_pixel differs from half_pixel for a
 * single element only. */
static bool is_half_pixel(const struct planner *b)
{
    const char *place = "coordinate_transformation_mode";
    const struct attr *sizes = planner_attribute(b, "sizes");
    bool is_some = text_is(b, place, "pytorch_half_pixel");

    for (int d = 0; d < sizes->n; d++) {
        is_some = is_some && sizes->i[d] > 1;
    }
    return is_some || text_is(b, place, "half_pixel");
}

/* jax.image leaves out what lies outside: of linear weights that is what the edge repeated gives.
 * Its cubic is Keys' with a = -0.5; its nearest takes the cell in which the middle lies. NULL: it
 * has no such method. */
static const char *jax_method(const struct planner *b)
{
    if (!is_half_pixel(b) || node_attr(b->node, "scale_w")) {
        return NULL;
    }
    if (text_is(b, "mode", "nearest")) {
        return text_is(b, "nearest_mode", "round_prefer_ceil") ? "nearest" : NULL;
    }
    if (!dtype_is_float(planner_output_value(b)->dtype)) {
        return NULL;
    }
    if (text_is(b, "mode", "linear")) {
        return "linear";
    }
    bool is_keys = planner_attribute(b, "cubic_coeff_a")->f == -0.5;
    return is_keys && node_int(b->node, "exclude_outside", 0) != 0 ? "cubic" : NULL;
}

static void emit_resize(struct planner *b, const char *callable)
{
    const char *method = jax_method(b);
    bool has_filter = node_int(b->node, "antialias", 0) != 0;

    if (!method) {
        planner_refuse(b, "such coordinates or filters");
        return;
    }
    enum dtype d = planner_output_value(b)->dtype;
    bool is_nearest = strcmp(method, "nearest") == 0;
    uint32_t x = planner_input(b, 0), y = planner_output(b);
    if (!is_nearest) {
        x = jax_widen(b, x, d);
        y = jax_wide_output(b, d);
    }
    struct plan_arg dims = jax_dims(&planner_output_value(b)->shape);
    CALL(b, y, callable, VALUE(x), dims, TEXT(NULL, method), BOOL("antialias", has_filter));
    if (!is_nearest) {
        jax_narrow(b, y, planner_output(b), d);
    }
}

/* ---- the table ---- */

const struct call_form jax_pool[] = {
    {"max_pool", NULL, emit_max_pool},
    {"avg_pool", NULL, emit_avg_pool},
    {"global_max_pool", "jax.numpy.max", emit_global},
    {"global_avg_pool", "jax.numpy.mean", emit_global},
    {"adaptive_max_pool", NULL, emit_adaptive_max},
    {"adaptive_avg_pool", NULL, emit_adaptive_avg},
    {"resize", "jax.image.resize", emit_resize},
    {0},
};
