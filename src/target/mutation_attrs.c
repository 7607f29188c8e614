/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mutations of attributes: one is taken as another value, under which the node still holds
 * together. And of what attributes say of windows: padding, taps, groups.
 */
#include "target/mutation.h"

#include <math.h>
#include <string.h>

bool attr_fits(const struct op *op, const char *name)
{
    for (int i = 0; i < OP_ATTRS_MAX && op->attrs[i].name; i++) {
        if (strcmp(op->attrs[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* ---- one attribute ---- */

enum fit site_fit(struct site *s)
{
    enum dtype dtypes[OP_OUTPUTS_MAX];
    struct shape shapes[OP_OUTPUTS_MAX];
    struct arena_mark mark = arena_mark(s->arena);
    bool fits = op_infer(s->p, &s->node, s->arena, dtypes, shapes) == ERR_OK, same = true;
    arena_rewind(s->arena, mark);
    for (uint32_t o = 0; fits && o < s->node.n_out; o++) {
        same &= shape_equal(&shapes[o], &s->p->values[s->node.out[o]].shape);
    }
    for (uint32_t o = 0; fits && !same && o < s->node.n_out; o++) {
        s->form[o] = shapes[o];
    }
    return !fits ? FIT_NONE : same ? FIT_SAME : FIT_OTHER_SHAPE;
}

/* Forms are as declared again. */
static void keep_forms(struct site *s)
{
    for (uint32_t o = 0; o < s->node.n_out; o++) {
        s->form[o] = s->p->values[s->node.out[o]].shape;
    }
}

/* The flag is taken as its opposite; if the result has another shape then (ceil_mode, keepdims),
 * that is the fault. */
void before_flip_flag(struct site *s)
{
    s->attr->i[0] = !s->attr->i[0];
    if (site_fit(s) != FIT_SAME) {
        s->attr->i[0] = !s->attr->i[0];
    }
}

/* Where the flag is on, outputs have another form. */
void before_flag_shape(struct site *s)
{
    for (uint32_t o = 0; s->attr->i[0] && o < s->node.n_out; o++) {
        s->form[o] = other_form(&s->form[o]);
    }
}

/* The attribute is kept if shapes stay; if others come of it and are wanted, they are kept. */
static bool try_attr(struct site *s, const struct attr *changed, enum fit wanted)
{
    struct attr kept = *s->attr;
    *s->attr = *changed;
    bool is_it = site_fit(s) == wanted;
    if (!is_it || wanted != FIT_SAME) {
        *s->attr = kept;
    }
    if (!is_it) {
        keep_forms(s);
    }
    return is_it;
}

/* One value a little off. */
static bool shift_value(struct site *s, int k, enum fit wanted)
{
    static const int64_t steps[] = {1, -1, 2, -2, 3, -3};
    for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
        struct attr a = *s->attr;
        a.i[k] += steps[i];
        if (try_attr(s, &a, wanted)) {
            return true;
        }
    }
    return false;
}

/* One value more and another less, or the two exchanged. */
static bool change_pair(struct site *s, int k, int l, enum fit wanted)
{
    struct attr moved = *s->attr, exchanged = *s->attr;
    moved.i[k]++;
    moved.i[l]--;
    exchanged.i[k] = s->attr->i[l];
    exchanged.i[l] = s->attr->i[k];
    bool differs = exchanged.i[k] != exchanged.i[l];
    return (differs && try_attr(s, &exchanged, wanted)) || try_attr(s, &moved, wanted);
}

static bool change_number(struct site *s, enum fit wanted)
{
    for (int k = 0; k < s->attr->n; k++) {
        if (shift_value(s, k, wanted)) {
            return true;
        }
    }
    for (int k = 0; k < s->attr->n; k++) {
        for (int l = k + 1; l < s->attr->n; l++) {
            if (change_pair(s, k, l, wanted)) {
                return true;
            }
        }
    }
    return false;
}

/* The first other value under which shapes stay: axes, permutations, pads, offsets, counts. Where
 * there is none, one that gives another shape, and that is the fault. */
void before_wrong_number(struct site *s)
{
    (void)(change_number(s, FIT_SAME) || change_number(s, FIT_OTHER_SHAPE));
}

void before_real_zero(struct site *s)
{
    s->attr->f = 0;
}

void before_real_one(struct site *s)
{
    s->attr->f = 1;
}

/* Drawn again, all else known. */
void before_other_text(struct site *s)
{
    enum { DRAWS = 12 };
    struct rng rng = rng_seeded(program_hash(s->p));
    const char *name = s->attr->name, *text = s->attr->text;
    for (int i = 0; i < DRAWS; i++) {
        struct instance m;
        instance_describe(&m, s->p, &s->node);
        struct attr *a = instance_attr(&m, name);
        *a = m.attr[--m.n_attrs];
        const struct attr *drawn = m.op->structure(&m, &rng) ? instance_attr(&m, name) : NULL;
        if (drawn && strcmp(drawn->text, text) != 0 && try_attr(s, drawn, FIT_SAME)) {
            return;
        }
    }
}

/* ---- windows ---- */

void before_swap_pads(struct site *s)
{
    struct attr *pads = site_attr(s, "pads");
    for (int d = 0; d < pads->n / 2; d++) {
        int64_t t = pads->i[d];
        pads->i[d] = pads->i[d + pads->n / 2];
        pads->i[d + pads->n / 2] = t;
    }
}

void before_no_dilation(struct site *s)
{
    struct attr *dilations = site_attr(s, "dilations");
    for (int d = 0; d < dilations->n; d++) {
        dilations->i[d] = 1;
    }
}

void before_short_kernel(struct site *s)
{
    struct attr *kernel = site_attr(s, "kernel_shape");
    int64_t *last = &kernel->i[kernel->n - 1];
    *last -= *last > 1;
}

/* The last term of sums, where they have more than one: of a kernel's line, of a product's. */
void before_drop_tap(struct site *s)
{
    struct array *a = attr_fits(s->node.op, "strides") ? &s->in[1] : &s->in[0];
    size_t n = a->shape.rank > 0 ? (size_t)a->shape.dim[a->shape.rank - 1] : 0;
    for (size_t i = n - 1; n > 1 && i < a->n; i += n) {
        a->v[i] = 0;
    }
}

/* All read the channels of the first group. */
void before_ignore_group(struct site *s)
{
    struct array *x = &s->in[0];
    size_t group = (size_t)site_attr(s, "group")->i[0], channels = (size_t)x->shape.dim[1];
    size_t batch = (size_t)x->shape.dim[0], plane = x->n ? x->n / batch / channels : 0;
    for (size_t i = 0; i < x->n; i++) {
        size_t channel = i / plane % channels, first = channel % (channels / group);
        x->v[i] = x->v[i - (channel - first) * plane];
    }
}

/* ---- padding written out ---- */

/* Where an element of the padded input comes from; false: from padding, and `at` is the nearest. */
static bool unpadded(const struct shape *padded, const struct shape *x, const int64_t *pads,
                     size_t flat, size_t *at)
{
    bool is_inside = true;
    size_t step = 1;
    *at = 0;
    for (int d = x->rank - 1; d >= 0; d--) {
        int64_t i = (int64_t)(flat % (size_t)padded->dim[d]) - (d >= 2 ? pads[d - 2] : 0);
        flat /= (size_t)padded->dim[d];
        int64_t nearest = i < 0 ? 0 : i >= x->dim[d] ? x->dim[d] - 1 : i;
        is_inside &= nearest == i;
        *at += (size_t)nearest * step;
        step *= (size_t)x->dim[d];
    }
    return is_inside;
}

static void write_out_pads(struct site *s, bool with_edge)
{
    struct attr *pads = site_attr(s, "pads");
    struct array *x = &s->in[0], padded = *x;
    for (int d = 2; d < x->shape.rank; d++) {
        padded.shape.dim[d] += pads->i[d - 2] + pads->i[d - 2 + pads->n / 2];
    }
    if (x->n == 0) {
        return;
    }
    padded.n = shape_numel(&padded.shape);
    padded.v = ARENA_ARRAY(s->arena, real, padded.n);
    for (size_t i = 0; i < padded.n; i++) {
        size_t at;
        bool is_inside = unpadded(&padded.shape, &x->shape, pads->i, i, &at);
        padded.v[i] = is_inside || with_edge ? x->v[at] : 0;
    }
    *x = padded;
    memset(pads->i, 0, sizeof(pads->i));
}

void before_pad_zero(struct site *s)
{
    write_out_pads(s, false);
}

void before_pad_edge(struct site *s)
{
    write_out_pads(s, true);
}
