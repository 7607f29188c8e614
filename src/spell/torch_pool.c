/* SPDX-License-Identifier: Apache-2.0 */
/* How torch says pooling, normalisation, resizing. */
#include "spell/torch_forms.h"

#include <math.h>
#include <string.h>

enum { SPATIAL_MAX = 3 };

static int spatial_dims(const struct planner *b)
{
    return planner_input_value(b, 0)->shape.rank - 2;
}

/* "...max_pool" -> "...max_pool2d". */
static const char *by_dims(const struct planner *b, const char *callable)
{
    return arena_printf(b->arena, "%s%dd", callable, spatial_dims(b));
}

/* ---- pools over windows ---- */

struct pool_window {
    int n;
    const int64_t *kernel, *stride, *pads, *dilation, *in, *out;
    bool ceil_mode;
};

static struct pool_window pool_window(const struct planner *b)
{
    return (struct pool_window){.n = spatial_dims(b),
                                .kernel = planner_attribute(b, "kernel_shape")->i,
                                .stride = planner_attribute(b, "strides")->i,
                                .pads = planner_attribute(b, "pads")->i,
                                .dilation = planner_attribute(b, "dilations")->i,
                                .in = &planner_input_value(b, 0)->shape.dim[2],
                                .out = &planner_output_value(b)->shape.dim[2],
                                .ceil_mode = planner_attribute(b, "ceil_mode")->i[0] != 0};
}

/* torch pads both ends alike, by half of the kernel at most. */
static bool pads_itself(const struct pool_window *w)
{
    bool can = true;
    for (int d = 0; d < w->n; d++) {
        can = can && w->pads[d] == w->pads[w->n + d] && w->pads[d] <= w->kernel[d] / 2;
    }
    return can;
}

/* Pads as torch.nn.functional.pad takes them: of the last dim first, both ends side by side. */
static uint32_t pad_first(struct planner *b, const struct pool_window *w, const int64_t *lo,
                          const int64_t *hi, struct plan_arg fill)
{
    int64_t *around = ARENA_ARRAY(b->arena, int64_t, 2 * (size_t)w->n);
    uint32_t x = planner_step(b, "pad");
    for (int d = 0; d < w->n; d++) {
        around[2 * d] = lo[w->n - 1 - d];
        around[2 * d + 1] = hi[w->n - 1 - d];
    }
    CALL(b, x, "torch.nn.functional.pad", VALUE(planner_input(b, 0)),
         INTS(NULL, (uint32_t)(2 * w->n), around), TEXT("mode", "constant"), fill);
    return x;
}

/* Padded so that the windows wanted fit without ceil_mode: what lies behind is in no window. */
static uint32_t pad_for_max(struct planner *b, const struct pool_window *w)
{
    enum dtype d = planner_output_value(b)->dtype;
    struct plan_arg fill = REAL("value", -INFINITY);
    int64_t hi[SPATIAL_MAX];
    if (!dtype_is_float(d)) {
        fill = (struct plan_arg)INT("value", (int64_t)dtype_lowest(d));
    }
    for (int k = 0; k < w->n; k++) {
        int64_t window = (w->kernel[k] - 1) * w->dilation[k] + 1;
        hi[k] = (w->out[k] - 1) * w->stride[k] + window - w->in[k] - w->pads[k];
        hi[k] = hi[k] > 0 ? hi[k] : 0;
    }
    return pad_first(b, w, w->pads, hi, fill);
}

static void emit_max_pool(struct planner *b, const char *callable)
{
    static const int64_t none[SPATIAL_MAX] = {0};
    const struct pool_window w = pool_window(b);
    const uint32_t n = (uint32_t)w.n;
    bool is_plain = pads_itself(&w);
    uint32_t x = is_plain ? planner_input(b, 0) : pad_for_max(b, &w);

    CALL(b, planner_output(b), by_dims(b, callable), VALUE(x), INTS("kernel_size", n, w.kernel),
         INTS("stride", n, w.stride), INTS("padding", n, is_plain ? w.pads : none),
         INTS("dilation", n, w.dilation), BOOL("ceil_mode", is_plain && w.ceil_mode));
}

/* avg_pool3d takes no input that is smaller than the kernel, however it is padded. */
static bool is_too_small(const struct pool_window *w, int d, int64_t in)
{
    return w->n == 3 && in < w->kernel[d];
}

/* Zeros around are part of the input then: a last window may start in those behind. */
static bool may_pad_first(const struct pool_window *w)
{
    bool may = true;
    for (int d = 0; d < w->n; d++) {
        int64_t in = w->in[d] + w->pads[d] + w->pads[w->n + d];
        int64_t over = in - w->kernel[d] + (w->ceil_mode ? w->stride[d] - 1 : 0);
        int64_t out = over / w->stride[d] + 1, starts = (in - 1) / w->stride[d] + 1;
        may = may && (out < starts ? out : starts) == w->out[d];
    }
    return may;
}

static void emit_avg_pool(struct planner *b, const char *callable)
{
    static const int64_t none[SPATIAL_MAX] = {0};
    const struct pool_window w = pool_window(b);
    const uint32_t n = (uint32_t)w.n;
    bool counts_pads = planner_attribute(b, "count_include_pad")->i[0] != 0;
    bool is_plain = pads_itself(&w);
    uint32_t x = planner_input(b, 0);

    for (int d = 0; d < w.n; d++) {
        is_plain = is_plain && !is_too_small(&w, d, w.in[d]);
        if (w.dilation[d] != 1) {
            planner_refuse(b, "dilations here");
            return;
        }
    }
    if (!is_plain && !(counts_pads && may_pad_first(&w))) {
        planner_refuse(b, "such pads");
        return;
    }
    if (!is_plain) {
        x = pad_first(b, &w, w.pads, w.pads + w.n, (struct plan_arg)REAL("value", 0));
    }
    CALL(b, planner_output(b), by_dims(b, callable), VALUE(x), INTS("kernel_size", n, w.kernel),
         INTS("stride", n, w.stride), INTS("padding", n, is_plain ? w.pads : none),
         BOOL("ceil_mode", w.ceil_mode), BOOL("count_include_pad", counts_pads));
}

static void emit_global(struct planner *b, const char *callable)
{
    static const int64_t ones[SPATIAL_MAX] = {1, 1, 1};
    CALL(b, planner_output(b), by_dims(b, callable), VALUE(planner_input(b, 0)),
         INTS("output_size", (uint32_t)spatial_dims(b), ones));
}

static void emit_adaptive(struct planner *b, const char *callable)
{
    const struct attr *size = planner_attribute(b, "output_size");
    CALL(b, planner_output(b), by_dims(b, callable), VALUE(planner_input(b, 0)),
         INTS("output_size", size->n, size->i));
}

/* ---- normalisations ---- */

static struct plan_arg parameter(const struct planner *b, const char *keyword, uint32_t k)
{
    struct plan_arg arg = {.keyword = keyword, .kind = PLAN_NONE};
    if (k < b->node->n_in && b->node->in[k] != VALUE_ABSENT) {
        arg =
            (struct plan_arg){.keyword = keyword, .kind = PLAN_VALUE, .value = planner_input(b, k)};
    }
    return arg;
}

static struct plan_arg epsilon(const struct planner *b)
{
    return (struct plan_arg)REAL("eps", planner_attribute(b, "epsilon")->f);
}

static void emit_batch_norm(struct planner *b, const char *callable)
{
    CALL(b, planner_output(b), callable, VALUE(planner_input(b, 0)), VALUE(planner_input(b, 3)),
         VALUE(planner_input(b, 4)), parameter(b, "weight", 1), parameter(b, "bias", 2),
         BOOL("training", false), epsilon(b));
}

/* Elements beside the channels, which torch counts before it normalises ("Expected more than 1
 * value per channel when training"). */
static int64_t spatial_numel(const struct planner *b)
{
    struct shape s = planner_input_value(b, 0)->shape;
    s.dim[0] = s.dim[1] = 1;
    return (int64_t)shape_numel(&s);
}

/* torch moves the running statistics where they lie, which must not be an input; its running
 * variance is of n - 1, so the given one is scaled by n / (n - 1) before and all of it back. */
static void emit_batch_norm_training(struct planner *b, const char *callable)
{
    double n = (double)(planner_input_value(b, 0)->shape.dim[0] * spatial_numel(b));
    uint32_t mean = b->registers[b->node->out[1]], moved = planner_step(b, "var");

    if (n == 1) {
        planner_refuse(b, "norm of one element");
        return;
    }
    CALL(b, mean, "torch.clone", VALUE(planner_input(b, 3)));
    CALL(b, moved, "torch.mul", VALUE(planner_input(b, 4)), REAL(NULL, n / (n - 1)));
    CALL(b, planner_output(b), callable, VALUE(planner_input(b, 0)), VALUE(mean), VALUE(moved),
         parameter(b, "weight", 1), parameter(b, "bias", 2), BOOL("training", true),
         REAL("momentum", 1 - planner_attribute(b, "momentum")->f), epsilon(b));
    CALL(b, b->registers[b->node->out[2]], "torch.mul", VALUE(moved), REAL(NULL, (n - 1) / n));
}

/* normalized_shape is the scale's. */
static void emit_layer_norm(struct planner *b, const char *callable)
{
    const struct shape *s = &planner_input_value(b, 1)->shape;
    CALL(b, planner_output(b), callable, VALUE(planner_input(b, 0)),
         INTS(NULL, (uint32_t)s->rank, s->dim), parameter(b, "weight", 1), parameter(b, "bias", 2),
         epsilon(b));
}

static void emit_rms_norm(struct planner *b, const char *callable)
{
    const struct shape *s = &planner_input_value(b, 1)->shape;
    CALL(b, planner_output(b), callable, VALUE(planner_input(b, 0)),
         INTS(NULL, (uint32_t)s->rank, s->dim), parameter(b, "weight", 1), epsilon(b));
}

static void emit_group_norm(struct planner *b, const char *callable)
{
    const int64_t *dim = planner_input_value(b, 0)->shape.dim;
    int64_t groups = planner_attribute(b, "num_groups")->i[0];
    if (dim[0] * dim[1] / groups * spatial_numel(b) == 1) {
        planner_refuse(b, "norm of one element");
        return;
    }
    CALL(b, planner_output(b), callable, VALUE(planner_input(b, 0)), INT("num_groups", groups),
         parameter(b, "weight", 1), parameter(b, "bias", 2), epsilon(b));
}

static void emit_instance_norm(struct planner *b, const char *callable)
{
    if (spatial_numel(b) == 1) {
        planner_refuse(b, "norm of one element");
        return;
    }
    CALL(b, planner_output(b), callable, VALUE(planner_input(b, 0)), parameter(b, "weight", 1),
         parameter(b, "bias", 2), epsilon(b));
}

/* ---- resize ---- */

static bool text_is(const struct planner *b, const char *name, const char *text)
{
    return strcmp(planner_attribute(b, name)->text, text) == 0;
}

/* The mode of interpolate; NULL: none. pytorch_half_pixel is half_pixel but for a single element,
 * where torch has the latter. */
static const char *torch_mode(const struct planner *b, bool *has_corners)
{
    static const char *const linear[] = {"linear", "bilinear", "trilinear"};
    const char *place = "coordinate_transformation_mode", *rounding = "nearest_mode";
    const struct attr *sizes = planner_attribute(b, "sizes");
    bool corners = text_is(b, place, "align_corners"), half = text_is(b, place, "half_pixel");

    if (text_is(b, place, "pytorch_half_pixel")) {
        half = true;
        for (int d = 0; d < sizes->n; d++) {
            half = half && sizes->i[d] > 1;
        }
    }
    *has_corners = corners;
    if (text_is(b, "mode", "nearest")) {
        if (text_is(b, place, "asymmetric") && text_is(b, rounding, "floor")) {
            return "nearest";
        }
        return half && text_is(b, rounding, "round_prefer_ceil") ? "nearest-exact" : NULL;
    }
    if (!half && !corners) {
        return NULL;
    }
    if (text_is(b, "mode", "linear")) {
        return linear[spatial_dims(b) - 1];
    }
    return planner_attribute(b, "cubic_coeff_a")->f == -0.75 ? "bicubic" : NULL;
}

static void emit_resize(struct planner *b, const char *callable)
{
    const struct attr *sizes = planner_attribute(b, "sizes");
    bool has_corners = false;
    const char *mode = torch_mode(b, &has_corners);
    struct plan_arg size = INTS("size", sizes->n, sizes->i);

    if (!mode || node_attr(b->node, "scale_w") || node_int(b->node, "antialias", 0) != 0 ||
        node_int(b->node, "exclude_outside", 0) != 0) {
        planner_refuse(b, "such coordinates or filters");
    } else if (text_is(b, "mode", "nearest")) {
        CALL(b, planner_output(b), callable, VALUE(planner_input(b, 0)), size, TEXT("mode", mode));
    } else {
        CALL(b, planner_output(b), callable, VALUE(planner_input(b, 0)), size, TEXT("mode", mode),
             BOOL("align_corners", has_corners));
    }
}

/* ---- the table ---- */

const struct call_form torch_pool[] = {
    {"max_pool", "torch.nn.functional.max_pool", emit_max_pool},
    {"avg_pool", "torch.nn.functional.avg_pool", emit_avg_pool},
    {"global_max_pool", "torch.nn.functional.adaptive_max_pool", emit_global},
    {"global_avg_pool", "torch.nn.functional.adaptive_avg_pool", emit_global},
    {"adaptive_max_pool", "torch.nn.functional.adaptive_max_pool", emit_adaptive},
    {"adaptive_avg_pool", "torch.nn.functional.adaptive_avg_pool", emit_adaptive},
    {"batch_norm", "torch.nn.functional.batch_norm", emit_batch_norm},
    {"batch_norm_training", "torch.nn.functional.batch_norm", emit_batch_norm_training},
    {"layer_norm", "torch.nn.functional.layer_norm", emit_layer_norm},
    {"group_norm", "torch.nn.functional.group_norm", emit_group_norm},
    {"instance_norm", "torch.nn.functional.instance_norm", emit_instance_norm},
    {"rms_norm", "torch.nn.functional.rms_norm", emit_rms_norm},
    {"resize", "torch.nn.functional.interpolate", emit_resize},
    {0},
};
