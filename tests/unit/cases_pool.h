/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes and their results: pooling, normalisation, resizing. */
#ifndef OPJURY_TESTS_CASES_POOL_H
#define OPJURY_TESTS_CASES_POOL_H

static const struct op_case cases_pool[] = {
    {"max_pool of lines",
     "x: f32[1,2,6] = const [-3.25, 2.25, -3.75, 1, -0.75, 1.25, -1.25, 0.25, -3, -3.5, "
     "3.75, -2.25]\n"
     "y: f32[1,2,3] = max_pool(x, kernel_shape=[3], strides=[2], pads=[1,1], "
     "dilations=[1], ceil_mode=false)\n",
     "[2.25, 2.25, 1.25, 0.25, 0.25, 3.75]", 0},
    {"max_pool",
     "x: f64[1,1,5,5] = const [-2.75, 0.5, 2.5, -3.75, 2, 0.75, -2.5, -2.5, -1.75, 3, "
     "-0.5, 0.5, -3, 0.25, 2.5, -0.75, 3.5, 2.5, -1.75, 3.75, 1.25, 0, 3, -3.25, -4]\n"
     "y: f64[1,1,2,2] = max_pool(x, kernel_shape=[2,2], strides=[2,2], pads=[0,0,0,0], "
     "dilations=[1,1], ceil_mode=false)\n",
     "[0.75, 2.5, 3.5, 2.5]", 0},
    {"max_pool rounds up",
     "x: f64[1,1,5,5] = const [-2.75, 0.5, 2.5, -3.75, 2, 0.75, -2.5, -2.5, -1.75, 3, "
     "-0.5, 0.5, -3, 0.25, 2.5, -0.75, 3.5, 2.5, -1.75, 3.75, 1.25, 0, 3, -3.25, -4]\n"
     "y: f64[1,1,3,3] = max_pool(x, kernel_shape=[2,2], strides=[2,2], pads=[0,0,0,0], "
     "dilations=[1,1], ceil_mode=true)\n",
     "[0.75, 2.5, 3, 3.5, 2.5, 3.75, 1.25, 3, -4]", 0},
    {"max_pool drops a window that starts in the padding",
     "x: f32[1,1,2,2] = const [-2.75, 0.5, 0.75, -2.5]\n"
     "y: f32[1,1,2,2] = max_pool(x, kernel_shape=[3,3], strides=[2,2], pads=[1,1,1,1], "
     "dilations=[1,1], ceil_mode=true)\n",
     "[0.75, 0.5, 0.75, -2.5]", 0},
    {"max_pool dilated, padded unevenly",
     "x: f32[1,1,5,5] = const [-2.75, 0.5, 2.5, -3.75, 2, 0.75, -2.5, -2.5, -1.75, 3, "
     "-0.5, 0.5, -3, 0.25, 2.5, -0.75, 3.5, 2.5, -1.75, 3.75, 1.25, 0, 3, -3.25, -4]\n"
     "y: f32[1,1,4,3] = max_pool(x, kernel_shape=[2,3], strides=[1,2], pads=[0,2,1,0], "
     "dilations=[2,1], ceil_mode=false)\n",
     "[-0.5, 2.5, 2.5, 0.75, 3.5, 3.75, 1.25, 3, 3, -0.75, 3.5, 3.75]", 0},
    {"max_pool of i8 planes",
     "x: i8[1,1,2,3,3] = const [55, 53, -16, 123, 61, 64, -94, -72, 73, 78, -90, -124, "
     "110, 9, -41, 99, 67, -56]\n"
     "y: i8[1,1,1,2,2] = max_pool(x, kernel_shape=[2,2,2], strides=[1,1,2], "
     "pads=[0,0,1,0,0,0], dilations=[1,1,1], ceil_mode=false)\n",
     "[123, 64, 123, 73]", 0},
    {"max_pool of infinities",
     "x: f16[1,1,4] = const [-inf, -inf, 1, inf]\n"
     "y: f16[1,1,4] = max_pool(x, kernel_shape=[2], strides=[1], pads=[1,0], "
     "dilations=[1], ceil_mode=false)\n",
     "[-inf, -inf, 1, inf]", 0},
    {"max_pool of no batch",
     "x: f32[0,2,3] = const []\n"
     "y: f32[0,2,2] = max_pool(x, kernel_shape=[2], strides=[1], pads=[0,0], "
     "dilations=[1], ceil_mode=false)\n",
     "[]", 0},
    {"avg_pool",
     "x: f32[1,1,4,5] = const [3.5, -2, -1.5, 2.25, -1, 1.5, -1.75, 4, -2, -0.5, 3.5, "
     "-0.75, -0.5, 0.25, 1, 2.5, 0.25, 2.5, 2.5, -1.25]\n"
     "y: f32[1,1,3,2] = avg_pool(x, kernel_shape=[2,2], strides=[1,2], pads=[0,0,0,0], "
     "dilations=[1,1], ceil_mode=false, count_include_pad=false)\n",
     "[0.3125, 0.6875, 0.625, 0.4375, 1.375, 1.1875]", 0},
    {"avg_pool counts no padding",
     "x: f64[1,1,4,5] = const [3.5, -2, -1.5, 2.25, -1, 1.5, -1.75, 4, -2, -0.5, 3.5, "
     "-0.75, -0.5, 0.25, 1, 2.5, 0.25, 2.5, 2.5, -1.25]\n"
     "y: f64[1,1,2,3] = avg_pool(x, kernel_shape=[3,3], strides=[2,2], pads=[1,1,1,1], "
     "dilations=[1,1], ceil_mode=false, count_include_pad=false)\n",
     "[0.3125, -0.16666666666666666, -0.3125, 0.875, 0.5, 0]", 1},
    {"avg_pool counts padding",
     "x: f64[1,1,4,5] = const [3.5, -2, -1.5, 2.25, -1, 1.5, -1.75, 4, -2, -0.5, 3.5, "
     "-0.75, -0.5, 0.25, 1, 2.5, 0.25, 2.5, 2.5, -1.25]\n"
     "y: f64[1,1,2,3] = avg_pool(x, kernel_shape=[3,3], strides=[2,2], pads=[1,1,1,1], "
     "dilations=[1,1], ceil_mode=false, count_include_pad=true)\n",
     "[0.1388888888888889, -0.1111111111111111, -0.1388888888888889, 0.5833333333333334, "
     "0.5, 0]",
     1},
    {"avg_pool rounds up and counts padding",
     "x: f64[1,1,4,5] = const [3.5, -2, -1.5, 2.25, -1, 1.5, -1.75, 4, -2, -0.5, 3.5, "
     "-0.75, -0.5, 0.25, 1, 2.5, 0.25, 2.5, 2.5, -1.25]\n"
     "y: f64[1,1,2,2] = avg_pool(x, kernel_shape=[3,3], strides=[3,3], pads=[1,1,1,1], "
     "dilations=[1,1], ceil_mode=true, count_include_pad=true)\n",
     "[0.1388888888888889, 0.1388888888888889, 0.6111111111111112, 0.5]", 1},
    {"avg_pool rounds up and counts no padding",
     "x: f32[1,1,4,5] = const [3.5, -2, -1.5, 2.25, -1, 1.5, -1.75, 4, -2, -0.5, 3.5, "
     "-0.75, -0.5, 0.25, 1, 2.5, 0.25, 2.5, 2.5, -1.25]\n"
     "y: f32[1,1,2,2] = avg_pool(x, kernel_shape=[3,3], strides=[3,3], pads=[1,1,1,1], "
     "dilations=[1,1], ceil_mode=true, count_include_pad=false)\n",
     "[0.3125, 0.2083333283662796, 1.375, 0.75]", 1},
    {"avg_pool dilated",
     "x: bf16[1,1,5] = const [1, 2, 4, 8, 16]\n"
     "y: bf16[1,1,4] = avg_pool(x, kernel_shape=[2], strides=[1], pads=[0,1], "
     "dilations=[2], ceil_mode=false, count_include_pad=false)\n",
     "[2.5, 5, 10, 8]", 0},
    {"global_max_pool",
     "x: f32[2,2,2,3] = const [-3.75, 2, 4, 3.25, 1.5, 0.75, -2.25, -3, 1, -2.5, -1.75, "
     "-2, -1.25, -0.75, 1.5, -2.5, 2.75, 4, -2.5, 3.75, -1.5, -1, 1.75, -0.75]\n"
     "y: f32[2,2,1,1] = global_max_pool(x)\n",
     "[4, 1, 4, 3.75]", 0},
    {"global_avg_pool",
     "x: f32[2,2,2,3] = const [-3.75, 2, 4, 3.25, 1.5, 0.75, -2.25, -3, 1, -2.5, -1.75, "
     "-2, -1.25, -0.75, 1.5, -2.5, 2.75, 4, -2.5, 3.75, -1.5, -1, 1.75, -0.75]\n"
     "y: f32[2,2,1,1] = global_avg_pool(x)\n",
     "[1.2916666269302368, -1.75, 0.625, -0.0416666679084301]", 1},
    {"global_avg_pool of f16 sums in f32",
     "x: f16[1,1,3] = const [65504, 65504, 65504]\n"
     "y: f16[1,1,1] = global_avg_pool(x)\n",
     "[65504]", 0},
    {"adaptive_max_pool",
     "x: f32[1,2,5] = const [1.75, 2, -1.75, 3.75, -3.5, -0.75, -1, 4, -1.25, 3.75]\n"
     "y: f32[1,2,3] = adaptive_max_pool(x, output_size=[3])\n",
     "[2, 3.75, 3.75, -0.75, 4, 3.75]", 0},
    {"adaptive_avg_pool to more",
     "x: f64[1,2,5] = const [1.75, 2, -1.75, 3.75, -3.5, -0.75, -1, 4, -1.25, 3.75]\n"
     "y: f64[1,2,7] = adaptive_avg_pool(x, output_size=[7])\n",
     "[1.75, 1.875, 0.125, -1.75, 1, 0.125, -3.5, -0.75, -0.875, 1.5, 4, 1.375, 1.25, "
     "3.75]",
     1},
    {"adaptive_avg_pool of planes",
     "x: f32[1,1,3,4,2] = const [-1.75, -3.25, 2.5, -3, 3.5, 1.5, 0.75, 3.75, 1.75, 3.5, "
     "-2.25, -0.75, -3.5, 2.5, -1.5, -2, -1.5, -1.75, 2.5, 2, 3.25, 1.25, 2.75, -4]\n"
     "y: f32[1,1,2,3,1] = adaptive_avg_pool(x, output_size=[2,3,1])\n",
     "[-0.40625, 0.0625, 0.625, 0.4375, 0.625, -0.15625]", 1},
};

#endif
