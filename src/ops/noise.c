/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How far a correct implementation may be from the exact result. Single operations: a few roundoffs
 * of |y|. Sums of n terms in any order: gamma_n = n u / (1 - n u) times the sum of magnitudes
 * (Higham, Accuracy and Stability of Numerical Algorithms, 2002, ch. 3 and 4.2), where u is the
 * roundoff of the dtype that accumulates. What is exact in any order stays without noise, so that
 * jumps behind it (floor, less) remain comparable.
 */
#include "ops/ops_internal.h"

/* Up to this many roundoffs: operations that give a result exactly where it is a value. */
enum { UNITS_EXACT = 2 };

static bool is_value(enum dtype d, real v)
{
    if (d == DTYPE_F32) {
        return (real)(float)v == v;
    }
    return d == DTYPE_F64 ? (real)(double)v == v : dtype_round(d, v) == v;
}

void noise_rounding(struct evaluation *e, int units)
{
    bool inexact = false;
    for (uint32_t k = 0; k < e->n_in; k++) {
        inexact |= e->in[k] && e->in[k]->inexact;
    }
    for (uint32_t o = 0; o < e->n_out; o++) {
        const struct array *y = &e->out[o];
        if (!e->noise[o] || units == 0 || !dtype_is_float(y->dtype)) {
            continue;
        }
        /* Half floats are computed in single precision and rounded once (at::opmath_type; ONNX
         * Runtime casts to float). */
        real u = dtype_roundoff(y->dtype);
        u = dtype_is_half(y->dtype) ? u + (real)units * dtype_roundoff(DTYPE_F32) : u * (real)units;
        for (size_t i = 0; i < y->n; i++) {
            real v = y->v[i];
            bool is_exact = units <= UNITS_EXACT && !inexact && is_value(y->dtype, v);
            if (isfinite(v) && !is_exact) {
                e->noise[o][i] = u * fabsl(v);
            }
        }
    }
}

void op_strict_noise(const struct node *node, const struct array *const *in,
                     const struct array *out, real *const *noise)
{
    const struct elementwise *f = node->op->elementwise;
    bool inexact = false;

    if (!f || f->loss || f->units > UNITS_EXACT || !dtype_is_half(out->dtype) || !noise[0]) {
        return;
    }
    for (uint32_t k = 0; k < node->n_in; k++) {
        inexact |= in[k] && in[k]->inexact;
    }
    real u = (real)f->units * dtype_roundoff(DTYPE_F32);
    for (size_t i = 0; i < out->n; i++) {
        bool is_exact = !inexact && is_value(DTYPE_F32, out->v[i]);
        noise[0][i] = is_exact ? 0 : fminl(noise[0][i], u * fabsl(out->v[i]));
    }
}

/* Elements of all float dtypes are doubles: their bits tell the lowest one that is set. */
int grid_of(const struct array *x)
{
    int grid = INT_MAX;
    if (x->inexact) {
        return GRID_NONE;
    }
    for (size_t i = 0; i < x->n; i++) {
        double v = (double)x->v[i];
        uint64_t bits;
        memcpy(&bits, &v, sizeof(bits));
        int exponent = (int)(bits >> 52 & 0x7ff);
        uint64_t significand = bits & ((UINT64_C(1) << 52) - 1);
        if (exponent == 0x7ff || (exponent == 0 && significand == 0)) {
            continue; /* infinite, NaN, zero */
        }
        significand |= exponent ? UINT64_C(1) << 52 : 0;
        int g = (exponent ? exponent : 1) - 1075 + __builtin_ctzll(significand);
        grid = g < grid ? g : grid;
    }
    return grid == INT_MAX ? 0 : grid;
}

/* gamma_n is a worst case, which needs no safety factor: half of it, which c more than doubles. */
real noise_gamma(enum dtype acc, real n)
{
    real nu = n * dtype_roundoff(acc);
    return nu < 0.5L ? nu / (1 - nu) / 2 : 1;
}

/* ---- sums ---- */

static struct sum_noise sum_noise_in(enum dtype d, enum dtype acc, size_t n_terms, int grid)
{
    real step = ldexpl(1, grid);
    /* AVX512_BF16's dot products flush subnormal results (Intel SDM, VDPBF16PS: as if FTZ). */
    real tiny = d == DTYPE_BF16 ? dtype_min_normal(acc) : dtype_tiny(acc);
    struct sum_noise s = {.dtype = d,
                          .gamma = noise_gamma(acc, (real)n_terms),
                          .roundoff = acc == d ? 0 : dtype_roundoff(d),
                          .inexact = grid < GRID_NONE / 2,
                          .limit = dtype_max(acc),
                          .tiny = (real)n_terms * tiny};
    /* Multiples of the grid up to here are all values of the dtype. */
    s.exact = step >= tiny ? fminl(step / dtype_roundoff(acc), s.limit) : 0;
    return s;
}

/* Libraries accumulate half floats in f32 (torch: at::opmath_type; ONNX Runtime: casts to float).
 */
struct sum_noise sum_noise_init(enum dtype d, size_t n_terms, int grid)
{
    return sum_noise_in(d, dtype_is_half(d) ? DTYPE_F32 : d, n_terms, grid);
}

struct sum_noise sum_noise_stepwise(enum dtype d, size_t n_terms, int grid)
{
    return sum_noise_in(d, d, n_terms, grid);
}

real sum_noise_of(const struct sum_noise *s, real sum, real magnitude)
{
    if (isnan(sum)) {
        return 0;
    }
    /* Terms of both signs that overflow on their way: finite, infinite or NaN by order. Equal up to
     * rounding means one sign, if what rounding hides (2^-53 per term) cannot overflow itself.
     * Where a bias may be folded in, other terms follow. */
    bool is_one_sign = fabsl(sum) == magnitude && magnitude < s->limit * 0x1p30L && !s->inexact;
    if (magnitude > s->limit && !is_one_sign) {
        return INFINITY;
    }
    if (isinf(sum)) {
        return 0;
    }
    real noise = magnitude <= s->exact ? 0 : s->gamma * magnitude + s->tiny;
    /* Weights with a scale folded into them are rounded to the half: each term moves. */
    if (s->roundoff != 0 && s->inexact) {
        noise += s->roundoff * magnitude;
    } else if (s->roundoff != 0 && !is_value(s->dtype, sum)) {
        noise += s->roundoff * fabsl(sum);
    }
    return noise;
}

/* ---- products ---- */

void scaled_multiply(struct scaled *p, real factor)
{
    int exponent = 0;
    p->fraction = frexpl(p->fraction * factor, &exponent);
    p->exponent += isfinite(p->fraction) ? exponent : 0;
}

real scaled_value(const struct scaled *p)
{
    const int64_t far = 40000; /* beyond long double's exponents */
    int64_t exponent = p->exponent < -far ? -far : p->exponent > far ? far : p->exponent;
    return ldexpl(p->fraction, (int)exponent);
}

/* v without the powers of two in it: how long its significand is. */
static real odd_part(real v)
{
    int exponent;
    real fraction = frexpl(fabsl(v), &exponent);
    uint64_t significand = (uint64_t)ldexpl(fraction, 64);
    return significand ? (real)(significand >> __builtin_ctzll(significand)) : 1;
}

struct factors *factors_of_none(struct arena *scratch, size_t n)
{
    struct factors *f = ARENA_ZARRAY(scratch, struct factors, n);
    for (size_t i = 0; i < n; i++) {
        f[i].above.fraction = f[i].below.fraction = f[i].odd = 1;
    }
    return f;
}

void factors_add(struct factors *f, real v)
{
    real m = fabsl(v);
    f->has_zero |= m == 0;
    f->has_inf |= isinf(m);
    if (m == 0 || !isfinite(m)) {
        return;
    }
    scaled_multiply(m > 1 ? &f->above : &f->below, m);
    f->odd *= odd_part(v);
}

/* Partial products may overflow (then 0 makes NaN of them, small factors something finite) or lose
 * themselves in underflow, by order. torch.prod multiplies half floats as such. */
real factors_noise(const struct factors *f, enum dtype acc, size_t n, real y, bool inexact)
{
    real gamma = noise_gamma(acc, (real)n), above = scaled_value(&f->above) * (1 + 4 * gamma);
    real below = scaled_value(&f->below) * (1 - 2 * gamma);
    bool overflows = above > dtype_max(acc), underflows = below < dtype_min_normal(acc);
    if (isnan(y)) {
        return 0;
    }
    if (overflows && (f->has_zero || below < 1)) {
        return INFINITY;
    }
    if (underflows && (f->has_inf || above > 1 + 4 * gamma)) {
        return INFINITY;
    }
    if (isinf(y) || f->has_zero) {
        return 0;
    }
    bool is_exact = !inexact && f->odd * dtype_roundoff(acc) <= 1 && !underflows;
    return is_exact ? 0 : gamma * fabsl(y) + (underflows ? (real)n * dtype_tiny(acc) : 0);
}

/* ---- elements ---- */

const real *reals_of(struct arena *scratch, const struct array *x, bool magnitude)
{
    if (!magnitude) {
        return x->v;
    }
    real *v = ARENA_ARRAY(scratch, real, x->n);
    for (size_t i = 0; i < x->n; i++) {
        v[i] = isfinite(x->v[i]) ? fabsl(x->v[i]) : 0;
    }
    return v;
}

const double *doubles_of(struct arena *scratch, const struct array *x, bool magnitude)
{
    double *v = ARENA_ARRAY(scratch, double, x->n);
    for (size_t i = 0; i < x->n; i++) {
        double value = (double)x->v[i];
        v[i] = !magnitude ? value : isfinite(value) ? fabs(value) : 0;
    }
    return v;
}
