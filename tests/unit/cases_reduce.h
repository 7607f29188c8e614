/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes and their results: reductions, scans, sorting. */
#ifndef OPJURY_TESTS_CASES_REDUCE_H
#define OPJURY_TESTS_CASES_REDUCE_H

static const struct op_case cases_reduce[] = {
    {"reduce_min",
     "a: f32[2,3,4] = const [0, 1.5, -3.75, 3.25, -0.25, -3.25, -1.5, -2.25, 1.75, 3.5, -0.25, 2, "
     "-2.5, -0.25, -4, -0.75, 2.5, 0.25, -1.25, 2, -1.5, -3, -2, 3]\n"
     "y: f32[2,4] = reduce_min(a, axes=[1], keepdims=false)\n",
     "[-0.25, -3.25, -3.75, -2.25, -2.5, -3, -4, -0.75]", 0},
    {"reduce_min NaN, infinities",
     "a: f32[3,2] = const [1, nan, inf, 2, -inf, -0]\n"
     "y: f32[3,1] = reduce_min(a, axes=[-1], keepdims=true)\n",
     "[nan, 2, -inf]", 0},
    {"reduce_min of none",
     "a: f32[0,2] = const []\n"
     "y: f32[2] = reduce_min(a, axes=[0], keepdims=false)\n",
     "[inf, inf]", 0},
    {"reduce_max of none",
     "a: i8[0,2] = const []\n"
     "y: i8[2] = reduce_max(a, axes=[0], keepdims=false)\n",
     "[-128, -128]", 0},
    {"reduce_min of bools",
     "a: bool[2,2] = const [true, false, true, true]\n"
     "y: bool[2] = reduce_min(a, axes=[1], keepdims=false)\n",
     "[false, true]", 0},
    {"reduce_max of bools",
     "a: bool[2,2] = const [false, false, true, false]\n"
     "y: bool[2] = reduce_max(a, axes=[1], keepdims=false)\n",
     "[false, true]", 0},
    {"reduce_all",
     "a: f32[3,2] = const [1, -0, nan, inf, 2, -9.99994610111476e-41]\n"
     "y: bool[3] = reduce_all(a, axes=[1], keepdims=false)\n",
     "[false, true, true]", 0},
    {"reduce_all of none",
     "a: u8[0,2] = const []\n"
     "y: bool[1,2] = reduce_all(a, axes=[0], keepdims=true)\n",
     "[true, true]", 0},
    {"reduce_any",
     "a: i8[3,2] = const [0, 0, 0, -128, 1, 1]\n"
     "y: bool[3] = reduce_any(a, axes=[1], keepdims=false)\n",
     "[false, true, true]", 0},
    {"reduce_any of none",
     "a: f16[2,0] = const []\n"
     "y: bool[2] = reduce_any(a, axes=[-1], keepdims=false)\n",
     "[false, false]", 0},
    {"reduce_mean",
     "a: f32[2,3,4] = const [-2, -2, -4, -4, -0.75, -0.75, -1.5, -1.5, 0.5, 1, -1, -0.75, -1.25, "
     "-1, 2, 0.75, -3.75, 1.75, 2.5, -1.5, -1.75, 0, -3, 1.25]\n"
     "y: f32[1,3,1] = reduce_mean(a, axes=[2,0], keepdims=true)\n",
     "[-1.4375, -0.6875, -0.46875]", 0},
    {"reduce_mean of thirds",
     "a: f64[3] = const [1, 2, 2]\n"
     "y: f64[] = reduce_mean(a, axes=[0], keepdims=false)\n",
     "[1.6666666666666667]", 0},
    {"reduce_mean of a scalar",
     "a: f16[] = const [2.5]\n"
     "y: f16[] = reduce_mean(a, axes=[], keepdims=false)\n",
     "[2.5]", 0},
    {"reduce_mean of infinities",
     "a: f32[3,2] = const [inf, 1, inf, -inf, nan, 1]\n"
     "y: f32[3] = reduce_mean(a, axes=[1], keepdims=false)\n",
     "[inf, nan, nan]", 0},
    {"reduce_prod",
     "a: f32[2,3,2] = const [0.75, -4, 1.25, -3, 0.75, 1.5, 0.75, 3.5, 1, -1.25, 3.5, 3.5]\n"
     "y: f32[3] = reduce_prod(a, axes=[0,2], keepdims=false)\n",
     "[-7.875, 4.6875, 13.78125]", 0},
    {"reduce_prod of zeros and infinities",
     "a: f32[4,2] = const [inf, 0, -inf, 2, -0, 3, nan, 0]\n"
     "y: f32[4] = reduce_prod(a, axes=[1], keepdims=false)\n",
     "[nan, -inf, -0, nan]", 0},
    {"reduce_prod of none",
     "a: i32[0,2] = const []\n"
     "y: i32[2] = reduce_prod(a, axes=[0], keepdims=false)\n",
     "[1, 1]", 0},
    {"reduce_prod wraps",
     "a: i8[2,3] = const [100, 3, -1, -128, -1, 1]\n"
     "y: i8[2,1] = reduce_prod(a, axes=[1], keepdims=true)\n",
     "[-44, -128]", 0},
    {"reduce_l1",
     "a: f32[2,3,2] = const [-1.25, -3.25, 0, -3.75, 1.5, 2.25, -3.75, 2.5, 1.75, 2, -4, 3]\n"
     "y: f32[2,2] = reduce_l1(a, axes=[1], keepdims=false)\n",
     "[2.75, 9.25, 9.5, 7.5]", 0},
    {"reduce_l1 of integers",
     "a: i32[2,3] = const [-3, 4, 0, -2147483647, 0, 0]\n"
     "y: i32[2] = reduce_l1(a, axes=[-1], keepdims=false)\n",
     "[7, 2147483647]", 0},
    {"reduce_l1 of none",
     "a: f64[2,0] = const []\n"
     "y: f64[2] = reduce_l1(a, axes=[1], keepdims=false)\n",
     "[0, 0]", 0},
    {"reduce_l2",
     "a: f32[2,3] = const [3, 0, -4, 1, 1, 1]\n"
     "y: f32[2] = reduce_l2(a, axes=[1], keepdims=false)\n",
     "[5, 1.7320507764816284]", 1},
    {"reduce_l2 of none, infinity, NaN",
     "a: f64[3,2] = const [inf, 1, nan, -inf, -0, 0]\n"
     "y: f64[3,1] = reduce_l2(a, axes=[1], keepdims=true)\n",
     "[inf, nan, 0]", 0},
    {"reduce_log_sum_exp",
     "a: f32[2,3] = const [-3.5, -1.25, -1, -2.25, -0.25, 3.25]\n"
     "y: f32[2] = reduce_log_sum_exp(a, axes=[1], keepdims=false)\n",
     "[-0.3789474070072174, 3.2837095260620117]", 1},
    {"reduce_log_sum_exp far out",
     "a: f64[5,2] = const [1000, 999, -1000, -inf, inf, -inf, -inf, -inf, nan, 0]\n"
     "y: f64[5] = reduce_log_sum_exp(a, axes=[1], keepdims=false)\n",
     "[1000.3132616875182, -1000, inf, -inf, nan]", 1},
    {"reduce_log_sum_exp of none",
     "a: f32[0] = const []\n"
     "y: f32[1] = reduce_log_sum_exp(a, axes=[0], keepdims=true)\n",
     "[-inf]", 0},
    {"reduce_var",
     "a: f32[2,3,2] = const [1.5, 4, 1.5, 0, 3.25, -2.5, 1.75, 0.5, -3.5, 2.75, -2.75, -0.75]\n"
     "y: f32[2,2] = reduce_var(a, axes=[1], keepdims=false, correction=1)\n",
     "[1.0208333730697632, 10.75, 8.0625, 3.1458332538604736]", 1},
    {"reduce_var of all",
     "a: f64[2,3] = const [1.25, 4, 1.75, -1.75, 1.25, 0.25]\n"
     "y: f64[1,1] = reduce_var(a, axes=[0,1], keepdims=true, correction=0)\n",
     "[2.953125]", 2},
    {"reduce_var of one, infinity",
     "a: f32[2,1] = const [5, inf]\n"
     "y: f32[2] = reduce_var(a, axes=[1], keepdims=false, correction=1)\n",
     "[nan, nan]", 0},
    {"arg_min",
     "a: f32[2,3,2] = const [-2.75, 0.75, 1, 0.75, -1.25, -2.75, -1.75, 0.75, 3.5, -1.5, -3.25, "
     "-2.75]\n"
     "y: i64[2,2] = arg_min(a, axis=1, keepdims=false)\n",
     "[0, 2, 2, 2]", 0},
    {"arg_min of ties",
     "a: i32[2,4] = const [3, 1, 1, 3, 2, 2, 2, 2]\n"
     "y: i64[2] = arg_min(a, axis=1, keepdims=false)\n",
     "[1, 0]", 0},
    {"arg_min of ties, the last",
     "a: i32[2,4] = const [3, 1, 1, 3, 2, 2, 2, 2]\n"
     "y: i64[2,1] = arg_min(a, axis=1, keepdims=true, select_last_index=true)\n",
     "[2, 3]", 0},
    {"arg_max of ties, the last",
     "a: f32[3,3] = const [1, 2, 2, -inf, -inf, -inf, 0, -0, -1]\n"
     "y: i64[3] = arg_max(a, axis=1, keepdims=false, select_last_index=true)\n",
     "[2, 2, 1]", 0},
    {"cum_sum",
     "a: f32[2,3,2] = const [2.25, -3.5, -0.25, 1.5, 0, 3.25, 2.5, -1.75, -3.25, -3.5, 3.75, "
     "1.25]\n"
     "y: f32[2,3,2] = cum_sum(a, axis=1, exclusive=false, reverse=false)\n",
     "[2.25, -3.5, 2, -2, 2, 1.25, 2.5, -1.75, -0.75, -5.25, 3, -4]", 0},
    {"cum_sum reverse",
     "a: f32[2,3,2] = const [-0.75, -2, -2, 2.5, -2.5, -1.5, 2.75, 1.75, -1.75, -3.25, 2.5, 0.5]\n"
     "y: f32[2,3,2] = cum_sum(a, axis=1, exclusive=false, reverse=true)\n",
     "[-5.25, -1, -4.5, 1, -2.5, -1.5, 3.5, -1, 0.75, -2.75, 2.5, 0.5]", 0},
    {"cum_sum exclusive",
     "a: f32[2,3,2] = const [-1.75, 3.25, -1.5, 3.25, 3.75, 1, 3.5, 0.25, 0.5, 3.5, 2.25, -1.75]\n"
     "y: f32[2,3,2] = cum_sum(a, axis=1, exclusive=true, reverse=false)\n",
     "[0, 0, -1.75, 3.25, -3.25, 6.5, 0, 0, 3.5, 0.25, 4, 3.75]", 0},
    {"cum_sum exclusive reverse",
     "a: f32[2,3,2] = const [-2.25, 2, -1.25, 3.75, 1.25, -1.25, -2.75, 3.75, 0.25, 4, 4, 1.75]\n"
     "y: f32[2,3,2] = cum_sum(a, axis=1, exclusive=true, reverse=true)\n",
     "[0, 2.5, 1.25, -1.25, 0, 0, 4.25, 5.75, 4, 1.75, 0, 0]", 0},
    {"cum_sum wraps",
     "a: i8[4] = const [100, 100, 100, -1]\n"
     "y: i8[4] = cum_sum(a, axis=-1, exclusive=false, reverse=false)\n",
     "[100, -56, 44, 43]", 0},
    {"cum_sum of infinities",
     "a: f64[4] = const [1, inf, -inf, 2]\n"
     "y: f64[4] = cum_sum(a, axis=0, exclusive=true, reverse=false)\n",
     "[0, 1, inf, nan]", 0},
    {"log_softmax",
     "a: f32[2,3,2] = const [-3, 1.5, -3.5, 0.75, 1.75, 0.25, 3.75, 0, 0.5, 1.25, -1.25, -4]\n"
     "y: f32[2,3,2] = log_softmax(a, axis=1)\n",
     "[-4.763803482055664, -0.5646723508834839, -5.263803482055664, -1.3146723508834839, "
     "-0.013803505338728428, -1.8146723508834839, -0.04450686648488045, -1.5059996843338013, "
     "-3.294506788253784, -0.25599968433380127, -5.044507026672363, -5.505999565124512]",
     1},
    {"log_softmax at the edges",
     "a: f64[5,3] = const [1000, 999, 0, -inf, 0, -inf, inf, 0, 1, -inf, -inf, -inf, nan, 0, 1]\n"
     "y: f64[5,3] = log_softmax(a, axis=1)\n",
     "[-0.31326168751822286, -1.3132616875182228, -1000.3132616875182, -inf, 0, -inf, nan, nan, "
     "nan, nan, nan, nan, nan, nan, nan]",
     2},
    {"top_k, values",
     "a: f32[2,3,2] = const [3, -1, 2.5, 7, 0.25, -4, 1.5, -2, 6, 5, -3, 4]\n"
     "y: f32[2,2,2], i: i64[2,2,2] = top_k(a, axis=1, k=2, largest=true, sorted=true)\n",
     "[3, 7, 2.5, -1, 6, 5, 1.5, 4]", 0},
    {"top_k, indices",
     "a: f32[2,3,2] = const [3, -1, 2.5, 7, 0.25, -4, 1.5, -2, 6, 5, -3, 4]\n"
     "v: f32[2,2,2], y: i64[2,2,2] = top_k(a, axis=1, k=2, largest=true, sorted=true)\n",
     "[0, 1, 1, 0, 1, 1, 0, 2]", 0},
    {"top_k of the smallest",
     "a: i32[2,3] = const [3, -1, 2, 7, 0, -4]\n"
     "y: i32[2,1], i: i64[2,1] = top_k(a, axis=-1, k=1, largest=false, sorted=false)\n",
     "[-1, -4]", 0},
    {"top_k of nothing",
     "a: f32[2,3] = const [3, -1, 2.5, 7, 0.25, -4]\n"
     "v: f32[0,3], y: i64[0,3] = top_k(a, axis=0, k=0, largest=true, sorted=true)\n",
     "[]", 0},
    {"sort, values",
     "a: f32[2,4] = const [2, -1, 2, inf, 0, -0, -inf, 1]\n"
     "y: f32[2,4], i: i64[2,4] = sort(a, axis=1, descending=false)\n",
     "[-1, 2, 2, inf, -inf, 0, -0, 1]", 0},
    {"sort descending, values",
     "a: u8[4,2] = const [2, 200, 2, 3, 0, 0, 255, 3]\n"
     "y: u8[4,2], i: i64[4,2] = sort(a, axis=0, descending=true)\n",
     "[255, 200, 2, 3, 2, 3, 0, 0]", 0},
    {"sort, indices",
     "a: f32[2,4] = const [2, -1, 2, inf, 0, -0, -inf, 1]\n"
     "v: f32[2,4], y: i64[2,4] = sort(a, axis=1, descending=false)\n",
     "[1, 0, 2, 3, 2, 0, 1, 3]", 0},
    {"sort descending, indices",
     "a: u8[4,2] = const [2, 200, 2, 3, 0, 0, 255, 3]\n"
     "v: u8[4,2], y: i64[4,2] = sort(a, axis=0, descending=true)\n",
     "[3, 0, 0, 1, 1, 3, 2, 2]", 0},
    {"sort of bools",
     "a: bool[3] = const [true, false, true]\n"
     "v: bool[3], y: i64[3] = sort(a, axis=0, descending=false)\n",
     "[1, 0, 2]", 0},
};

#endif
