/* SPDX-License-Identifier: Apache-2.0 */
/* What test_oracle.c says of single elements: programs, the value a run gives, and whether it is
 * wrong. */
#ifndef OPJURY_ORACLE_CASES_H
#define OPJURY_ORACLE_CASES_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * One element of a run, and whether it is wrong. Near misses are what correct libraries gave that
 * an earlier bound called wrong; what must be found are faults that one let pass.
 */
struct element_case {
    const char *label, *text;
    double input[8]; /* of the first input */
    size_t element;
    double value;
    bool is_wrong;
};

static const struct element_case element_cases[] = {
    {"what an index that may change chooses",
     "x: f32[2,3] = input\n"
     "d: f32[2] = const [5, 5]\n"
     "s: f32[2] = reduce_sum(x, axes=[1], keepdims=false)\n"
     "i: i64[] = arg_max(s, axis=0, keepdims=false)\n"
     "y: f32[] = gather(d, i, axis=0)\noutput y\n",
     {0.1, 0.7, 1000, 1000, 0.7, 0.1},
     0,
     1000,
     false},
    {"a result that hangs on equal sums far apart",
     "x: f32[3,62] = input\n"
     "s: f32[62] = reduce_sum(x, axes=[0], keepdims=false)\n"
     "i: i64[] = const [0]\nj: i64[] = const [61]\n"
     "a: f32[] = gather(s, i, axis=0)\nb: f32[] = gather(s, j, axis=0)\n"
     "n: f32[] = neg(b)\ny: f32[] = add(a, n)\noutput y\n",
     {0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1},
     0,
     0x1p-26,
     false},
    {"a scale before a product, folded into it",
     "x: f32[1,1] = input\n"
     "d: f32[] = const [41]\nw: f32[1,1] = const [1]\n"
     "q: f32[1,1] = div(x, d)\nt: f32[1,1] = transpose(q, perm=[1,0])\n"
     "m: f32[1,1] = matmul(t, w)\ny: f32[1,1] = floor(m)\noutput y\n",
     {41},
     0,
     0,
     false},
    {"the branch that where may take",
     "x: f32[3] = input\n"
     "w: f32[3,1] = const [1, 1, 1]\n"
     "a: f32[1] = matmul(x, w)\n"
     "zero: f32[1] = const [0]\none: f32[1] = const [1]\n"
     "v: f32[1] = div(one, a)\nc: bool[1] = less(a, zero)\n"
     "e: f32[1] = const [3]\ny: f32[1] = where(c, v, e)\noutput y\n",
     {1e8, -1e8, 1e-6},
     0,
     -2048,
     false},
    {"a huge scale behind a product, folded into it",
     "x: f32[1,2] = input\nw: f32[2,1] = const [1, 1]\nd: f32[] = const [-3e38]\n"
     "a: f32[1,1] = matmul(x, w)\ny: f32[1,1] = mul(a, d)\noutput y\n",
     {-15, 14.5},
     0,
     NAN,
     false},
    {"a small scale behind a product",
     "x: f32[1,2] = input\nw: f32[2,1] = const [1, 1]\nd: f32[] = const [0.125]\n"
     "a: f32[1,1] = matmul(x, w)\ny: f32[1,1] = mul(a, d)\noutput y\n",
     {-15, 14.5},
     0,
     NAN,
     true},
    {"equal behind an inexact value that hits it",
     "x: f32[1] = input\na: f32[1] = asin(x)\nw: f32[1] = const [1]\n"
     "e: bool[1] = equal(a, w)\ny: f32[1] = cast(e, to=f32)\noutput y\n",
     {0.84147096},
     0,
     1,
     false},
    {"a weight that a scale behind the product makes infinite",
     "x: f32[1,2] = input\nw: f32[2,1] = const [3.4e38, 1]\nd: f32[] = const [-5]\n"
     "a: f32[1,1] = matmul(x, w)\ny: f32[1,1] = mul(a, d)\noutput y\n",
     {0, 2},
     0,
     NAN,
     false},
    {"half weights that a scale folded into them rounds",
     "x: f16[1,2] = input\nw: f16[2,1] = const [1, -1]\nd: f16[] = const [0.1]\n"
     "a: f16[1,1] = matmul(x, w)\ny: f16[1,1] = mul(a, d)\noutput y\n",
     {1000, 999},
     0,
     0.125,
     false},
    {"a cast to bool of what may be zero",
     "x: f32[1,4] = input\nw: f32[4,1] = const [1, 1, 1, 1]\n"
     "a: f32[1,1] = matmul(x, w)\nb: bool[1,1] = cast(a, to=bool)\n"
     "y: f32[1,1] = cast(b, to=f32)\noutput y\n",
     {-6.1035156e-05, 0, -65536, 65536},
     0,
     0,
     false},
    {"errors that cancel when they go one way",
     "x: f32[1] = input\na: f32[1] = exp(x)\nb: f32[1] = sqrt(a)\nc: f32[1] = neg(a)\n"
     "y: f32[1] = add(b, c)\noutput y\n",
     {0.2945},
     0,
     -0.1838116,
     false},
    {"a subnormal of bf16 in a product, flushed",
     "x: bf16[2] = input\nw: bf16[2,1] = const [-3e38, 1]\n"
     "y: bf16[1] = matmul(x, w)\noutput y\n",
     {9.7346e-39, 6.34},
     0,
     6.34375,
     false},
    {"a neighbour in a transposed half",
     "x: bf16[2,2] = input\ny: bf16[2,2] = transpose(x, perm=[1,0])\noutput y\n",
     {100, 100.5, 101, 101.5},
     1,
     100.5,
     true},
    {"exp of what is masked",
     "x: f32[2] = input\nw: f32[2] = const [0, -1e9]\n"
     "a: f32[2] = add(x, w)\ny: f32[2] = exp(a)\noutput y\n",
     {1, 0.1},
     1,
     0.5,
     true},
    {"softmax of what is masked",
     "x: f32[2] = input\nw: f32[2] = const [0, -1e9]\n"
     "a: f32[2] = add(x, w)\ny: f32[2] = softmax(a, axis=0)\noutput y\n",
     {1, 0.1},
     0,
     0.5,
     true},
    {"log_softmax of a half that outweighs the others, in single precision",
     "x: f32[3] = input\na: f32[3] = gelu(x, approximate=\"none\")\n"
     "y: f32[3] = log_softmax(a, axis=0)\noutput y\n",
     {105, 91.5, 8.5},
     0,
     -1e-4,
     true},
    {"log_softmax of halves of which none outweighs the others",
     "x: bf16[3] = input\na: bf16[3] = gelu(x, approximate=\"none\")\n"
     "y: bf16[3] = log_softmax(a, axis=0)\noutput y\n",
     {105, 105, 8.5},
     0,
     -30,
     true},
    {"infinity lost in an f16",
     "x: f16[1] = input\ny: f16[1] = add(x, x)\noutput y\n",
     {60000},
     0,
     65504,
     true},
    {"an f16 that may overflow or not",
     "x: f16[1] = input\n"
     "w: f16[1] = const [15.9921875]\n"
     "a: f16[1] = exp(x)\nb: f16[1] = exp(a)\ny: f16[1] = mul(b, w)\noutput y\n",
     {2.1171875},
     0,
     65504,
     false},
    {"an infinite half whose sign hangs on a rounding",
     "x: f16[1] = input\nw: f16[1] = const [-inf]\n"
     "a: f16[1] = exp(x)\ny: f16[1] = pow(w, a)\noutput y\n",
     {0.00024414},
     0,
     INFINITY,
     false},
    {"a step of a half's last rounding",
     "x: bf16[1] = input\ny: bf16[1] = exp(x)\noutput y\n",
     {0.5},
     0,
     1.65625,
     false},
    {"two steps of a half's last rounding",
     "x: bf16[1] = input\ny: bf16[1] = exp(x)\noutput y\n",
     {0.5},
     0,
     1.6640625,
     true},
    {"log of a half, 4 % off",
     "x: bf16[1] = input\ny: bf16[1] = log(x)\noutput y\n",
     {13.5},
     0,
     2.5,
     true},
    {"a bool made of floats that may change, far from the jump",
     "x: f32[2] = input\nm: f32[2,3] = const [1e6, 1e6, -1e6, 0, 0, 0]\n"
     "f: f32[2] = floor(x)\ng: f32[3] = matmul(f, m)\n"
     "one: f32[3] = const [1.5e6, 1.5e6, 1.5e6]\n"
     "h: f32[3] = add(g, one)\nzero: f32[3] = const [0, 0, 0]\n"
     "c: bool[3] = less(h, zero)\ny: i32[3] = cast(c, to=i32)\noutput y\n",
     {1, 2},
     0,
     1,
     true},
    {"indices of sums that may be equal or not",
     "x: f32[2,3] = input\n"
     "s: f32[2] = reduce_sum(x, axes=[1], keepdims=false)\n"
     "v: f32[2], y: i64[2] = top_k(s, axis=0, k=2, largest=true, sorted=true)\noutput y\n",
     {0.1, 0.7, 1000, 1000, 0.7, 0.1},
     0,
     1,
     false},
    {"the larger of sums that may be equal or not",
     "x: f32[2,3] = input\n"
     "s: f32[2] = reduce_sum(x, axes=[1], keepdims=false)\n"
     "y: f32[2], i: i64[2] = top_k(s, axis=0, k=2, largest=true, sorted=true)\noutput y\n",
     {0.1, 0.7, 1000, 1000, 0.7, 0.1},
     0,
     1001,
     true},
    {"indices of numbers that differ",
     "x: f32[3] = input\n"
     "v: f32[2], y: i64[2] = top_k(x, axis=0, k=2, largest=true, sorted=true)\noutput y\n",
     {1, 3, 2},
     1,
     0,
     true},
    {"of equal ones the first",
     "x: f32[3] = input\ny: i64[] = arg_max(x, axis=0, keepdims=false)\noutput y\n",
     {1, 2, 2},
     0,
     2,
     true},
    {"a truth that hangs on a rounding",
     "x: f32[3] = input\ns: f32[1] = reduce_sum(x, axes=[0], keepdims=true)\n"
     "y: bool[] = reduce_any(s, axes=[0], keepdims=false)\noutput y\n",
     {0.1, 0.2, -0.3},
     0,
     0,
     false},
    {"the sign of what may be zero, squared",
     "x: f32[1] = input\na: f32[1] = selu(x, alpha=2.0, gamma=1.0)\ns: f32[1] = sign(a)\n"
     "y: f32[1] = mul(s, s)\noutput y\n",
     {-3.6e-12},
     0,
     0,
     false},
    {"the sign of what is not zero, squared",
     "x: f32[1] = input\na: f32[1] = selu(x, alpha=2.0, gamma=1.0)\ns: f32[1] = sign(a)\n"
     "y: f32[1] = mul(s, s)\noutput y\n",
     {-3.6e-4},
     0,
     0,
     true},
    {"a power of -0 whose exponent may be odd",
     "x: f32[1,2,4,1] = input\n"
     "k: f32[2,1,7,1] = const [1, -0, -1, 1, 1, 1, 1, -16777216, -16, -1, -1, -1, 0, 0]\n"
     "b: f32[1,1,13,1] = conv_transpose2d(x, k, strides=[2,1], dilations=[1,1], pads=[0,0,0,0], "
     "group=1, output_padding=[0,0])\n"
     "w: f32[1] = const [-0]\ny: f32[1,1,13,1] = pow(w, b)\noutput y\n",
     {1, 0, 1, 0.75, 1, 1, 1, 1},
     6,
     -INFINITY,
     false},
    {"a power of -0 whose exponent is even",
     "x: f32[3] = input\n"
     "b: f32[1] = reduce_sum(x, axes=[0], keepdims=true)\n"
     "w: f32[1] = const [-0]\ny: f32[1] = pow(w, b)\noutput y\n",
     {-3, -1, 2},
     0,
     -INFINITY,
     true},
    {"a power of 0 whose exponent is far from odd",
     "x: f32[3] = input\n"
     "b: f32[1] = reduce_sum(x, axes=[0], keepdims=true)\n"
     "w: f32[1] = const [0]\ny: f32[1] = pow(w, b)\noutput y\n",
     {-0.1, -0.2, -0.2},
     0,
     0,
     true},
    {"a power of a negative number whose exponent is far from whole",
     "x: f32[3] = input\n"
     "b: f32[1] = reduce_sum(x, axes=[0], keepdims=true)\n"
     "w: f32[1] = const [-2]\ny: f32[1] = pow(w, b)\noutput y\n",
     {0.1, 0.2, 0.2},
     0,
     1,
     true},
    {"a power of a negative number whose exponent may be whole",
     "x: f32[1] = input\nw: f32[1] = const [-16]\na: f32[1] = selu(x, alpha=0.5, gamma=1.0)\n"
     "y: f32[1] = pow(w, a)\noutput y\n",
     {-1.1754944e-38},
     0,
     1,
     false},
    {"the size of what may be zero, cut off above",
     "x: f32[3] = input\nw: f32[1] = const [0.03125]\n"
     "a: f32[1] = reduce_sum(x, axes=[0], keepdims=true)\nb: f32[1] = abs(a)\n"
     "y: f32[1] = min(b, w)\noutput y\n",
     {1e18, -1e18, 1},
     0,
     0,
     false},
    {"terms of an einsum whose factors are summed first, of which one is infinite",
     "x: f32[2,1] = input\nw: f32[1,1] = const [-inf]\n"
     "y: f32[1] = einsum(x, w, equation=\"ij,jk->k\")\noutput y\n",
     {0.625, -0.125},
     0,
     -INFINITY,
     false},
    {"terms of an einsum whose factors are summed first, which overflows",
     "x: f32[2,1] = input\nw: f32[1,1] = const [0]\n"
     "y: f32[1] = einsum(x, w, equation=\"ij,jk->k\")\noutput y\n",
     {3e38, 3e38},
     0,
     NAN,
     false},
    {"terms of an einsum whose factors are summed first",
     "x: f32[2,1] = input\nw: f32[1,1] = const [1]\n"
     "y: f32[1] = einsum(x, w, equation=\"ij,jk->k\")\noutput y\n",
     {0.625, -0.125},
     0,
     0.75,
     true},
    {"an overflow that a scale behind it takes back, when the two are one",
     "x: f32[1] = input\nt: f32[1] = const [2]\nh: f32[1] = const [0.5]\n"
     "a: f32[1] = mul(x, t)\ny: f32[1] = mul(a, h)\noutput y\n",
     {3e38},
     0,
     3e38,
     false},
    {"an overflow that nothing takes back",
     "x: f32[1] = input\nt: f32[1] = const [2]\na: f32[1] = mul(x, t)\n"
     "y: f32[1] = relu(a)\noutput y\n",
     {3e38},
     0,
     3e38,
     true},
    {"a weight that batch normalisation folded into it makes infinite",
     "x: f32[1,1,1] = input\nw: f32[1,1,1] = const [-3.4028235e+38]\n"
     "v: f32[1,1,1] = conv1d(x, w, strides=[1], dilations=[1], pads=[0,0], group=1)\n"
     "s: f32[1] = const [1]\nb: f32[1] = const [1]\nm: f32[1] = const [1]\n"
     "a: f32[1] = const [0]\n"
     "y: f32[1,1,1] = batch_norm(v, s, b, m, a, epsilon=0.001)\noutput y\n",
     {0},
     0,
     NAN,
     false},
    {"x * min(x + 3, 6) of hard_swish may overflow",
     "x: f32[1] = input\ny: f32[1] = hard_swish(x)\noutput y\n",
     {3e38},
     0,
     INFINITY,
     false},
    {"a sixth of the range does not",
     "x: f32[1] = input\ny: f32[1] = hard_swish(x)\noutput y\n",
     {5e37},
     0,
     INFINITY,
     true},
    {"x * (1 + erf) of gelu may overflow",
     "x: f32[1] = input\ny: f32[1] = gelu(x, approximate=\"none\")\noutput y\n",
     {2e38},
     0,
     INFINITY,
     false},
    {"half of the range does not",
     "x: f32[1] = input\ny: f32[1] = gelu(x, approximate=\"none\")\noutput y\n",
     {1.6e38},
     0,
     INFINITY,
     true},
    {"an epsilon held as a half float beside a variance that takes most of it back",
     "x: f16[1,1,1] = input\nw: f16[1,1,1] = const [0]\n"
     "v: f16[1,1,1] = conv1d(x, w, strides=[1], dilations=[1], pads=[0,0], group=1)\n"
     "s: f16[1] = const [-0.001587]\nb: f16[1] = const [1]\nm: f16[1] = const [1]\n"
     "a: f16[1] = const [-1.43e-06]\n"
     "y: f16[1,1,1] = batch_norm(v, s, b, m, a, epsilon=1.8775463104248047e-06)\noutput y\n",
     {1},
     0,
     3.299,
     false},
    {"more than an epsilon held as a half float does",
     "x: f16[1,1,1] = input\nw: f16[1,1,1] = const [0]\n"
     "v: f16[1,1,1] = conv1d(x, w, strides=[1], dilations=[1], pads=[0,0], group=1)\n"
     "s: f16[1] = const [-0.001587]\nb: f16[1] = const [1]\nm: f16[1] = const [1]\n"
     "a: f16[1] = const [-1.43e-06]\n"
     "y: f16[1,1,1] = batch_norm(v, s, b, m, a, epsilon=1.8775463104248047e-06)\noutput y\n",
     {1},
     0,
     2.5,
     true},
    {"small means and biases of a batch normalisation behind a product",
     "x: f16[1,1,1] = input\nw: f16[1,1,1] = const [0.5]\n"
     "v: f16[1,1,1] = conv1d(x, w, strides=[1], dilations=[1], pads=[0,0], group=1)\n"
     "s: f16[1] = const [1]\nb: f16[1] = const [0.002]\nm: f16[1] = const [0.001]\n"
     "a: f16[1] = const [1]\n"
     "y: f16[1,1,1] = batch_norm(v, s, b, m, a, epsilon=0.001)\noutput y\n",
     {2},
     0,
     1.25,
     true},
    {"what is the mean itself, in a normalisation made of the ops",
     "x: f64[4] = input\nm: f64[1] = reduce_mean(x, axes=[0], keepdims=true)\n"
     "c: f64[4] = sub(x, m)\nq: f64[4] = mul(c, c)\n"
     "v: f64[1] = reduce_mean(q, axes=[0], keepdims=true)\ne: f64[] = const [1e-05]\n"
     "a: f64[1] = add(v, e)\nr: f64[1] = sqrt(a)\nd: f64[4] = div(c, r)\n"
     "b: f64[] = const [-0.02362060546875]\ny: f64[4] = add(d, b)\noutput y\n",
     {1, 2, 3, 2},
     1,
     -0.023620605468750024,
     false},
    {"what is not the mean, in a normalisation made of the ops",
     "x: f64[4] = input\nm: f64[1] = reduce_mean(x, axes=[0], keepdims=true)\n"
     "c: f64[4] = sub(x, m)\nq: f64[4] = mul(c, c)\n"
     "v: f64[1] = reduce_mean(q, axes=[0], keepdims=true)\ne: f64[] = const [1e-05]\n"
     "a: f64[1] = add(v, e)\nr: f64[1] = sqrt(a)\nd: f64[4] = div(c, r)\n"
     "b: f64[] = const [-0.02362060546875]\ny: f64[4] = add(d, b)\noutput y\n",
     {1, 2, 3, 2},
     1,
     -0.0236206054,
     true},
    {"alpha of a gemm that takes to 0 what meets infinity",
     "x: f32[1,1] = input\nw: f32[1,1] = const [-inf]\nc: f32[] = const [1]\n"
     "y: f32[1,1] = gemm(x, w, c, transA=false, transB=false, alpha=-0.5, beta=1.0)\noutput y\n",
     {1e-45},
     0,
     NAN,
     false},
    {"a product that overflows when the scale before it is taken behind it",
     "x: f32[1] = input\nd: f32[] = const [8]\nw: f32[1] = const [-1.7014118e+38]\n"
     "q: f32[1] = div(x, d)\ny: f32[] = matmul(q, w)\noutput y\n",
     {3},
     0,
     -INFINITY,
     false},
    {"a product with 0 whose other factors overflow",
     "x: f32[3] = input\ny: f32[] = reduce_prod(x, axes=[0], keepdims=false)\noutput y\n",
     {1e30, 1e30, 0},
     0,
     NAN,
     false},
    {"a product, wrong",
     "x: f32[3] = input\ny: f32[] = reduce_prod(x, axes=[0], keepdims=false)\noutput y\n",
     {1e30, 0.1, 7},
     0,
     7.00001e29,
     true},
};

#endif
