/* SPDX-License-Identifier: Apache-2.0 */
/* ONNX forms of arithmetic of two inputs, comparisons, logic and bits. */
#include "spell/onnx_internal.h"

#include <string.h>

/* ---- Mod: mod and fmod ---- */

static enum err write_fmod(struct onnx_writer *w)
{
    onnx_put_int(w, "fmod", 1);
    return onnx_write_plain(w);
}

static enum err read_mod(struct onnx_reader *r, struct onnx_node *n)
{
    if (onnx_attr_int(n, "fmod", 0) != 0) {
        n->form = onnx_form_of_op("fmod");
    }
    return onnx_read_plain(r, n);
}

/* ---- floor_div ---- */

/* A node of two names. */
static const char *step_of(struct onnx_writer *w, const char *type, const char *what, const char *a,
                           const char *b)
{
    onnx_begin_step(w, type);
    onnx_put_name(w, a);
    onnx_put_name(w, b);
    return onnx_end_step(w, what);
}

/* Integers: Div truncates. Where its quotient times b and the floor's remainder do not make a, the
 * floor is one less; wrapping does no harm. */
static enum err write_floor_div(struct onnx_writer *w)
{
    const char *a = onnx_writer_operand(w, 0)->name, *b = onnx_writer_operand(w, 1)->name;
    const char *quotient = step_of(w, "Div", "trunc", a, b);
    const char *remainder = step_of(w, "Mod", "mod", a, b);
    const char *product = step_of(w, "Mul", "product", quotient, b);
    const char *sum = step_of(w, "Add", "sum", product, remainder);
    const char *same = step_of(w, "Equal", "same", sum, a);

    onnx_begin_step(w, "Not");
    onnx_put_name(w, same);
    const char *differ = onnx_end_step(w, "differ");
    onnx_begin_step(w, "Cast");
    onnx_put_int(w, "to", onnx_dtype(onnx_result(w)->dtype));
    onnx_put_name(w, differ);
    const char *less = onnx_end_step(w, "less");
    onnx_put_name(w, quotient);
    onnx_put_name(w, less);
    return ERR_OK;
}

/* ---- Min, Max: of one input they are it ---- */

static enum err read_extreme(struct onnx_reader *r, struct onnx_node *n)
{
    n->is_identity = n->proto->n_input == 1;
    return onnx_read_plain(r, n);
}

/* ---- not_equal ---- */

static enum err write_not_equal(struct onnx_writer *w)
{
    onnx_begin_step(w, "Equal");
    TRY(onnx_write_plain(w));
    onnx_put_name(w, onnx_end_step(w, "equal"));
    return ERR_OK;
}

/* ---- BitShift: shift_left and shift_right ---- */

static enum err write_shift(struct onnx_writer *w)
{
    bool is_left = strcmp(w->node->op_name, "shift_left") == 0;

    onnx_put_text(w, "direction", is_left ? "LEFT" : "RIGHT");
    return onnx_write_plain(w);
}

static enum err read_shift(struct onnx_reader *r, struct onnx_node *n)
{
    const Onnx__AttributeProto *a = onnx_attr(n, "direction", ONNX_STRING);
    bool is_left = a && a->s.len == 4 && memcmp(a->s.data, "LEFT", 4) == 0;
    bool is_right = a && a->s.len == 5 && memcmp(a->s.data, "RIGHT", 5) == 0;

    if (!is_left && !is_right) {
        return onnx_refuse(r, n, ERR_INPUT, "direction must be LEFT or RIGHT");
    }
    n->form = onnx_form_of_op(is_left ? "shift_left" : "shift_right");
    return onnx_read_plain(r, n);
}

/* ---- the table ---- */

#define OLD_NUMBERS (DT_NUMBERS & ~BF)
#define POW_BASES (FLOATS_OLD | DT(I32) | DT(I64))

/* Mod of floats without fmod is ONNX since 28 ("T is constrained to integer data types" before).
 * Pow of bf16 is here since 15, when the exponent may be bf16 too. */
const struct onnx_form onnx_logic[] = {
    {"sub", "Sub", onnx_write_plain, onnx_read_plain,
     TYPES({7, SAME(FLOATS_OLD | WIDE_INTS)}, {13, SAME(DT_FLOATS | WIDE_INTS)},
           {14, SAME(DT_NUMBERS)})},
    {"floor_div", "Sub", write_floor_div, NULL, TYPES({11, SAME(WIDE_INTS)}, {14, SAME(DT_INTS)})},
    {"mod", "Mod", onnx_write_plain, read_mod, TYPES({10, SAME(DT_INTS)}, {28, SAME(DT_NUMBERS)})},
    {"fmod", "Mod", write_fmod, read_mod, TYPES({10, SAME(OLD_NUMBERS)}, {13, SAME(DT_NUMBERS)})},
    {"pow", "Pow", onnx_write_plain, onnx_read_plain,
     TYPES({7, SAME(FLOATS_OLD)}, {12, {POW_BASES, OLD_NUMBERS}, {POW_BASES}},
           {15, {POW_BASES | BF, DT_NUMBERS}, {POW_BASES | BF}})},
    {"min", "Min", onnx_write_plain, read_extreme,
     TYPES({8, SAME(FLOATS_OLD)}, {12, SAME(OLD_NUMBERS)}, {13, SAME(DT_NUMBERS)})},
    {"max", "Max", onnx_write_plain, read_extreme,
     TYPES({8, SAME(FLOATS_OLD)}, {12, SAME(OLD_NUMBERS)}, {13, SAME(DT_NUMBERS)})},
    {"and", "And", onnx_write_plain, onnx_read_plain, TYPES({7, SAME(DT(BOOL))})},
    {"or", "Or", onnx_write_plain, onnx_read_plain, TYPES({7, SAME(DT(BOOL))})},
    {"xor", "Xor", onnx_write_plain, onnx_read_plain, TYPES({7, SAME(DT(BOOL))})},
    {"not", "Not", onnx_write_plain, onnx_read_plain, TYPES({7, SAME(DT(BOOL))})},
    {"bit_and", "BitwiseAnd", onnx_write_plain, onnx_read_plain, TYPES({18, SAME(DT_INTS)})},
    {"bit_or", "BitwiseOr", onnx_write_plain, onnx_read_plain, TYPES({18, SAME(DT_INTS)})},
    {"bit_xor", "BitwiseXor", onnx_write_plain, onnx_read_plain, TYPES({18, SAME(DT_INTS)})},
    {"bit_not", "BitwiseNot", onnx_write_plain, onnx_read_plain, TYPES({18, SAME(DT_INTS)})},
    {"shift_left", "BitShift", write_shift, read_shift,
     TYPES({11, SAME(DT_UNSIGNED)}, {28, SAME(DT_INTS)})},
    {"shift_right", "BitShift", write_shift, read_shift,
     TYPES({11, SAME(DT_UNSIGNED)}, {28, SAME(DT_INTS)})},
    {"equal", "Equal", onnx_write_plain, onnx_read_plain,
     TYPES({7, {DT(BOOL) | INDICES}, {DT(BOOL)}}, {11, {DT_ALL & ~BF}, {DT(BOOL)}},
           {13, {DT_ALL}, {DT(BOOL)}})},
    {"not_equal", "Not", write_not_equal, NULL,
     TYPES({7, {DT(BOOL) | INDICES}, {DT(BOOL)}}, {11, {DT_ALL & ~BF}, {DT(BOOL)}},
           {13, {DT_ALL}, {DT(BOOL)}})},
    {"greater", "Greater", onnx_write_plain, onnx_read_plain,
     TYPES({7, {FLOATS_OLD}, {DT(BOOL)}}, {9, {OLD_NUMBERS}, {DT(BOOL)}},
           {13, {DT_NUMBERS}, {DT(BOOL)}})},
    {"less_equal", "LessOrEqual", onnx_write_plain, onnx_read_plain,
     TYPES({12, {OLD_NUMBERS}, {DT(BOOL)}}, {16, {DT_NUMBERS}, {DT(BOOL)}})},
    {"greater_equal", "GreaterOrEqual", onnx_write_plain, onnx_read_plain,
     TYPES({12, {OLD_NUMBERS}, {DT(BOOL)}}, {16, {DT_NUMBERS}, {DT(BOOL)}})},
    {0},
};
