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

/* Libraries accumulate half floats in f32 (torch: at::opmath_type; ONNX Runtime: casts to float).
 */
struct sum_noise sum_noise_init(enum dtype d, size_t n_terms, int grid)
{
    bool is_half = dtype_is_half(d);
    enum dtype acc = is_half ? DTYPE_F32 : d;
    real nu = (real)n_terms * dtype_roundoff(acc), step = ldexpl(1, grid);
    /* AVX512_BF16's dot products flush subnormal results (Intel SDM, VDPBF16PS: as if FTZ). */
    real tiny = d == DTYPE_BF16 ? dtype_min_normal(acc) : dtype_tiny(acc);
    /* gamma is a worst case, which needs no safety factor: half of it, which c more than doubles. */
    struct sum_noise s = {.dtype = d,
                          .gamma = nu < 0.5L ? nu / (1 - nu) / 2 : 1,
                          .roundoff = is_half ? dtype_roundoff(d) : 0,
                          .inexact = grid < GRID_NONE / 2,
                          .limit = dtype_max(acc),
                          .tiny = (real)n_terms * tiny};
    /* Multiples of the grid up to here are all values of the dtype. */
    s.exact = step >= tiny ? fminl(step / dtype_roundoff(acc), s.limit) : 0;
    return s;
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
