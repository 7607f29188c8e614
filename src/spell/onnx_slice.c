/* SPDX-License-Identifier: Apache-2.0 */
/* ONNX forms of the ops that take parts of a tensor or pad it: slice, flip, roll, split, pad. */
#include "spell/onnx_internal.h"

#include <math.h>
#include <string.h>

/* ---- slice ---- */

/* A step of the writer's node becomes a Slice with these bounds. */
static void put_slice(struct onnx_writer *w, size_t n, const int64_t *axes, const int64_t *starts,
                      const int64_t *ends, const int64_t *steps)
{
    const int64_t *const lists[] = {starts, ends, axes, steps};
    static const char *const names[] = {"starts", "ends", "axes", "steps"};

    for (size_t k = 0; k < (steps ? 4 : 3); k++) {
        struct tensor t = onnx_ints_tensor(w, lists[k], n);
        if (w->version.opset >= 10) {
            onnx_put_const(w, names[k], &t);
        } else {
            onnx_put_ints(w, names[k], lists[k], n);
        }
    }
}

/* Before opset 10 there are no steps. */
static enum err write_slice(struct onnx_writer *w)
{
    const struct attr *axes = onnx_attribute(w, "axes"), *steps = onnx_attribute(w, "steps");
    int64_t at[ATTR_VALUES_MAX];
    bool has_steps = false;

    for (size_t i = 0; i < axes->n; i++) {
        at[i] = onnx_axis_at(w, axes->i[i]);
        has_steps = has_steps || steps->i[i] != 1;
    }
    if (has_steps && w->version.opset < 10) {
        return err_set(ERR_UNSUPPORTED, "%s: Slice has no steps before opset 10",
                       onnx_result(w)->name);
    }
    TRY(onnx_write_plain(w));
    put_slice(w, axes->n, at, onnx_attribute(w, "starts")->i, onnx_attribute(w, "ends")->i,
              has_steps ? steps->i : NULL);
    return ERR_OK;
}

struct slices {
    size_t n;
    int64_t axis[RANK_MAX], start[RANK_MAX], end[RANK_MAX], step[RANK_MAX];
};

/* The list of an input (since 10) or attribute; `count` 0: any, is set. False: not given. */
static enum err slice_list(struct onnx_reader *r, struct onnx_node *n, size_t k, const char *name,
                           size_t *count, int64_t *values, bool *is_given)
{
    const Onnx__AttributeProto *a = r->opset < 10 ? onnx_attr(n, name, ONNX_INTS) : NULL;
    const int64_t *list = a ? a->ints : NULL;
    size_t given = a ? a->n_ints : 0;

    if (r->opset >= 10 && onnx_has_input(n, k)) {
        TRY(onnx_index_list(r, n, k, &list, &given));
    }
    *is_given = list != NULL;
    if (!list) {
        return ERR_OK;
    }
    *count = *count == 0 ? given : *count;
    if (given != *count || given > RANK_MAX) {
        return onnx_refuse(r, n, given > RANK_MAX ? ERR_UNSUPPORTED : ERR_INPUT,
                           "%zu %s where there are %zu", given, name, *count);
    }
    memcpy(values, list, given * sizeof *list);
    return ERR_OK;
}

static enum err read_bounds(struct onnx_reader *r, struct onnx_node *n, struct slices *s)
{
    bool has_starts, has_ends, has_axes, has_steps = false;

    TRY(slice_list(r, n, 1, "starts", &s->n, s->start, &has_starts));
    TRY(slice_list(r, n, 2, "ends", &s->n, s->end, &has_ends));
    TRY(slice_list(r, n, 3, "axes", &s->n, s->axis, &has_axes));
    if (r->opset >= 10) {
        TRY(slice_list(r, n, 4, "steps", &s->n, s->step, &has_steps));
    }
    if (!has_starts || !has_ends) {
        return onnx_refuse(r, n, ERR_INPUT, "starts and ends are needed");
    }
    for (size_t k = 0; k < s->n; k++) {
        s->axis[k] = has_axes ? s->axis[k] : (int64_t)k;
        s->step[k] = has_steps ? s->step[k] : 1;
    }
    return ERR_OK;
}

/* Beyond every dim. */
#define FAR ((int64_t)1 << 39)

static int64_t clamp(int64_t x, int64_t lo, int64_t hi)
{
    return x < lo ? lo : x > hi ? hi : x;
}

/* Bounds outside the dim are clamped: the catalogue writes them as open. */
static enum err read_slice_of(struct onnx_reader *r, struct onnx_node *n, struct slices *s,
                              size_t k, int64_t dim)
{
    int64_t start = s->start[k], end = s->end[k], last = s->step[k] > 0 ? dim : dim - 1;
    bool is_forward = s->step[k] > 0;

    if (!is_forward && start < -dim && dim > 0) {
        /* ONNX clamps to 0 and takes one element, numpy takes none. */
        return onnx_refuse(r, n, ERR_UNSUPPORTED, "a start before the first element, backwards");
    }
    int64_t low = is_forward ? 0 : -1;
    int64_t first = clamp(start < -dim ? low : start < 0 ? start + dim : start, low, last);
    int64_t stop = clamp(end < -dim ? low : end < 0 ? end + dim : end, low, last);
    s->step[k] = clamp(s->step[k], -FAR, FAR);
    if (is_forward ? first >= stop : first <= stop) {
        bool is_plain = (start < 0) == (end < 0) && start > -FAR && start < FAR && end > -FAR &&
                        end < FAR && (is_forward ? start >= end : start <= end);
        s->start[k] = is_plain ? start : 0;
        s->end[k] = is_plain ? end : 0;
        return ERR_OK;
    }
    s->start[k] = start < -dim ? INT64_MIN : start > last ? INT64_MAX : start;
    s->end[k] = end < -dim ? INT64_MIN : end > last ? INT64_MAX : end;
    return ERR_OK;
}

static enum err read_slice(struct onnx_reader *r, struct onnx_node *n)
{
    struct slices s = {0};

    TRY(onnx_take_input(r, n, 0));
    TRY(read_bounds(r, n, &s));
    const struct shape *x = &onnx_operand(r, n, 0)->shape;
    for (size_t k = 0; k < s.n; k++) {
        if (s.axis[k] < -x->rank || s.axis[k] >= x->rank || s.step[k] == 0) {
            return onnx_refuse(r, n, ERR_INPUT, "axis %lld of rank %d, step %lld",
                               (long long)s.axis[k], x->rank, (long long)s.step[k]);
        }
        TRY(read_slice_of(r, n, &s, k, x->dim[s.axis[k] + (s.axis[k] < 0 ? x->rank : 0)]));
    }
    n->is_identity = s.n == 0;
    if (s.n == 0) {
        return ERR_OK;
    }
    TRY(onnx_set_ints(r, n, "axes", s.axis, s.n));
    TRY(onnx_set_ints(r, n, "starts", s.start, s.n));
    TRY(onnx_set_ints(r, n, "ends", s.end, s.n));
    return onnx_set_ints(r, n, "steps", s.step, s.n);
}

/* ---- flip, roll ---- */

static enum err write_flip(struct onnx_writer *w)
{
    const struct attr *axes = onnx_attribute(w, "axes");
    int64_t at[RANK_MAX], start[RANK_MAX], end[RANK_MAX], step[RANK_MAX];

    for (size_t i = 0; i < axes->n; i++) {
        at[i] = onnx_axis_at(w, axes->i[i]);
        start[i] = step[i] = -1;
        end[i] = INT64_MIN;
    }
    TRY(onnx_write_plain(w));
    put_slice(w, axes->n, at, start, end, step);
    return ERR_OK;
}

/* The last elements along the axis, then the others. */
static const char *put_rolled(struct onnx_writer *w, const char *from, int64_t axis, int64_t dim,
                              int64_t shift, bool is_last)
{
    int64_t cut = dim > 0 ? (dim - shift % dim) % dim : 0, zero = 0, open = INT64_MAX;
    const char *part[2];

    cut = cut < 0 ? cut + dim : cut;
    for (int k = 0; k < 2; k++) {
        onnx_begin_step(w, "Slice");
        onnx_put_name(w, from);
        put_slice(w, 1, &axis, k == 0 ? &cut : &zero, k == 0 ? &open : &cut, NULL);
        part[k] = onnx_end_step(w, k == 0 ? "tail" : "head");
    }
    if (!is_last) {
        onnx_begin_step(w, "Concat");
    }
    onnx_put_name(w, part[0]);
    onnx_put_name(w, part[1]);
    onnx_put_int(w, "axis", axis);
    return is_last ? NULL : onnx_end_step(w, "rolled");
}

static enum err write_roll(struct onnx_writer *w)
{
    const struct attr *axes = onnx_attribute(w, "axes"), *shifts = onnx_attribute(w, "shifts");
    const struct value *x = onnx_writer_operand(w, 0);
    const char *from = x->name;

    for (size_t i = 0; i < axes->n; i++) {
        int64_t axis = axes->i[i] < 0 ? axes->i[i] + x->shape.rank : axes->i[i];
        from = put_rolled(w, from, axis, x->shape.dim[axis], shifts->i[i], i + 1 == axes->n);
    }
    return ERR_OK;
}

/* ---- split ---- */

static enum err write_split(struct onnx_writer *w)
{
    const struct attr *split = onnx_attribute(w, "split");

    TRY(onnx_write_axis(w));
    if (onnx_as_input(w)) {
        struct tensor t = onnx_ints_tensor(w, split->i, split->n);
        onnx_put_const(w, "split", &t);
    } else {
        onnx_put_ints(w, "split", split->i, split->n);
    }
    return ERR_OK;
}

/* Equal parts; since 18 of num_outputs the last one may be smaller. */
static enum err split_equally(struct onnx_reader *r, struct onnx_node *n, int64_t dim,
                              int64_t *sizes)
{
    int64_t parts = (int64_t)n->proto->n_output, part = (dim + parts - 1) / parts;

    if (r->opset < 18 ? dim % parts != 0 : onnx_attr_int(n, "num_outputs", parts) != parts) {
        return onnx_refuse(r, n, ERR_INPUT, "%lld elements into %lld parts", (long long)dim,
                           (long long)parts);
    }
    for (int64_t k = 0; k < parts; k++) {
        sizes[k] = dim < part ? dim : part;
        dim -= sizes[k];
    }
    return ERR_OK;
}

static enum err read_split(struct onnx_reader *r, struct onnx_node *n)
{
    const Onnx__AttributeProto *a = r->opset < 13 ? onnx_attr(n, "split", ONNX_INTS) : NULL;
    int64_t axis = onnx_attr_int(n, "axis", 0), equal[OP_OUTPUTS_MAX];
    const int64_t *sizes = a ? a->ints : NULL;
    size_t count = a ? a->n_ints : 0;

    TRY(onnx_take_input(r, n, 0));
    const struct shape *x = &onnx_operand(r, n, 0)->shape;
    if (n->proto->n_output > OP_OUTPUTS_MAX || axis < -x->rank || axis >= x->rank) {
        return onnx_refuse(r, n, ERR_UNSUPPORTED, "%zu outputs along axis %lld", n->proto->n_output,
                           (long long)axis);
    }
    if (r->opset >= 13 && onnx_has_input(n, 1)) {
        TRY(onnx_int64_list(r, n, 1, &sizes, &count));
    } else if (!sizes) {
        TRY(split_equally(r, n, x->dim[axis < 0 ? axis + x->rank : axis], equal));
        sizes = equal;
        count = n->proto->n_output;
    }
    onnx_set_attr(n, "axis", ATTR_INT)->i[0] = axis;
    return onnx_set_ints(r, n, "split", sizes, count);
}

/* ---- pad ---- */

static enum err write_pad(struct onnx_writer *w)
{
    const struct attr *pads = onnx_attribute(w, "pads");
    const char *mode = onnx_attribute(w, "mode")->text;
    double value = onnx_attribute(w, "value")->f;
    bool has_value = strcmp(mode, "constant") == 0 && (value != 0 || signbit(value));

    if (w->version.opset < 19 && strcmp(mode, "wrap") == 0) {
        return err_set(ERR_UNSUPPORTED, "%s: Pad does not wrap before opset 19",
                       onnx_result(w)->name);
    }
    TRY(onnx_write_plain(w));
    onnx_put_text(w, "mode", mode);
    if (!onnx_as_input(w)) {
        onnx_put_ints(w, "pads", pads->i, pads->n);
        if (has_value) {
            onnx_put_float(w, "value", (float)value);
        }
        return ERR_OK;
    }
    struct tensor t = onnx_ints_tensor(w, pads->i, pads->n);
    onnx_put_const(w, "pads", &t);
    if (has_value) {
        static const struct shape scalar = {0};
        struct tensor constant = tensor_new(w->arena, onnx_result(w)->dtype, &scalar);
        dtype_store(constant.dtype, constant.data, 0, (real)value);
        onnx_put_const(w, "value", &constant);
    }
    return ERR_OK;
}

static enum err read_pad_value(struct onnx_reader *r, struct onnx_node *n, double *value)
{
    const Onnx__AttributeProto *a =
        r->opset < n->form->input_since ? onnx_attr(n, "value", ONNX_FLOAT) : NULL;
    const struct tensor *t = NULL;

    *value = a ? (double)a->f : 0;
    if (r->opset < n->form->input_since || !onnx_has_input(n, 2)) {
        return ERR_OK;
    }
    TRY(onnx_const_input(r, n, 2, &t));
    CHECK(t);
    if (shape_numel(&t->shape) != 1 || t->dtype != onnx_operand(r, n, 0)->dtype) {
        return onnx_refuse(r, n, ERR_INPUT, "the constant must be one element of the data's type");
    }
    real v = dtype_load(t->dtype, t->data, 0);
    *value = (double)v;
    return (real)*value == v || isnan(v)
               ? ERR_OK
               : onnx_refuse(r, n, ERR_UNSUPPORTED, "the constant is no double");
}

/* Since 18 for some axes only. */
static enum err spread_pads(struct onnx_reader *r, struct onnx_node *n, const int64_t *given,
                            size_t count, int64_t *pads)
{
    const int64_t *axes = NULL;
    size_t n_axes = 0;
    int rank = onnx_operand(r, n, 0)->shape.rank;

    TRY(onnx_index_list(r, n, 3, &axes, &n_axes));
    if (count != 2 * n_axes) {
        return onnx_refuse(r, n, ERR_INPUT, "%zu pads for %zu axes", count, n_axes);
    }
    CHECK(n_axes == 0 || given);
    for (size_t k = 0; k < n_axes; k++) {
        int64_t axis = axes[k] < 0 ? axes[k] + rank : axes[k];
        if (axis < 0 || axis >= rank) {
            return onnx_refuse(r, n, ERR_INPUT, "axis %lld of rank %d", (long long)axes[k], rank);
        }
        pads[axis] = given[k];
        pads[axis + rank] = given[k + n_axes];
    }
    return ERR_OK;
}

static enum err read_pad(struct onnx_reader *r, struct onnx_node *n)
{
    const Onnx__AttributeProto *mode = onnx_attr(n, "mode", ONNX_STRING), *a = NULL;
    int64_t spread[2 * RANK_MAX] = {0};
    const int64_t *pads = NULL;
    size_t count = 0;
    double value = 0;

    TRY(onnx_take_input(r, n, 0));
    if (r->opset >= n->form->input_since) {
        TRY(onnx_int64_list(r, n, 1, &pads, &count));
    } else if ((a = onnx_attr(n, "pads", ONNX_INTS)) != NULL) {
        pads = a->ints;
        count = a->n_ints;
    }
    if (r->opset >= 18 && onnx_has_input(n, 3)) {
        TRY(spread_pads(r, n, pads, count, spread));
        pads = spread;
        count = 2 * (size_t)onnx_operand(r, n, 0)->shape.rank;
    }
    TRY(read_pad_value(r, n, &value));
    const char *text = mode ? onnx_text(r, mode) : "constant";
    for (size_t k = 0; k < count && strcmp(text, "constant") != 0; k++) {
        if (pads[k] < 0) {
            return onnx_refuse(r, n, ERR_UNSUPPORTED, "a pad below 0 in mode %.20s", text);
        }
    }
    onnx_set_attr(n, "mode", ATTR_TEXT)->text = text;
    onnx_set_attr(n, "value", ATTR_REAL)->f = value;
    return onnx_set_ints(r, n, "pads", pads, count);
}

/* ---- the table ---- */

const struct onnx_form onnx_slice[] = {
    {"slice", "Slice", write_slice, read_slice, TYPES({1, SAME(DT_ALL & ~BF)}, {13, SAME(DT_ALL)})},
    {"flip", "Slice", write_flip, NULL, TYPES({10, SAME(DT_ALL & ~BF)}, {13, SAME(DT_ALL)})},
    {"roll", "Concat", write_roll, NULL, TYPES({4, SAME(DT_ALL & ~BF)}, {13, SAME(DT_ALL)})},
    {"split", "Split", write_split, read_split, .input_since = 13,
     TYPES({2, SAME(DT_ALL & ~BF)}, {13, SAME(DT_ALL)})},
    {"pad", "Pad", write_pad, read_pad, .input_since = 11,
     TYPES({2, SAME(FLOATS_OLD)}, {11, SAME(DT_NUMBERS & ~BF)}, {13, SAME(DT_ALL)})},
    {0},
};
