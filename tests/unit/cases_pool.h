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
    {"batch_norm",
     "x: f64[2,3,2,2] = const [-1.75, 0.5, -2.5, -1, -3.25, 0.75, 0.75, 2.25, -0.5, 1.5, "
     "-3.5, 2, -2.75, 0.25, 1.75, -0.75, 3.75, 3.75, 1.25, -1.5, 1, -3, -1, 3.75]\n"
     "s: f64[3] = const [-1.25, -2, -0.5]\n"
     "b: f64[3] = const [1.75, -2, -2.5]\n"
     "m: f64[3] = const [3.75, 2, -2.25]\n"
     "v: f64[3] = const [0.25, 2, 0]\n"
     "y: f64[2,3,2,2] = batch_norm(x, s, b, m, v, epsilon=0.125)\n",
     "[12.976827987756234, 8.384034720037775, 14.50775907699572, 11.445896898516748, "
     "5.20294057598537, -0.2850141485749118, -0.2850141485749118, -2.3429971702850176, "
     "-4.974873734152917, -7.803300858899107, -0.7322330470336316, -8.510407640085653, "
     "15.01806944007555, 8.894345083117605, 5.832482904638631, 10.935586535436919, "
     "-4.4009801919951235, -4.4009801919951235, -0.9710084891449471, 2.801960383990247, "
     "-7.096194077712559, -1.439339828220179, -4.267766952966369, -10.98528137423857]",
     8},
    {"batch_norm of a negative variance",
     "x: f32[3,2] = const [-3.5, 2.75, -1.25, -2, -2.25, -1.75]\n"
     "s: f32[2] = const [-1.25, -2]\n"
     "b: f32[2] = const [1.75, -2]\n"
     "m: f32[2] = const [3.75, 2]\n"
     "v: f32[2] = const [1, -1]\n"
     "y: f32[3,2] = batch_norm(x, s, b, m, v, epsilon=0.125)\n",
     "[10.294206619262695, nan, 7.642556667327881, nan, 8.821067810058594, nan]", 8},
    {"batch_norm_training",
     "x: f64[2,2,2] = const [-1.75, 0.5, -2.5, -1, -3.25, 0.75, 0.75, 2.25]\n"
     "s: f64[2] = const [-1.25, 2]\n"
     "b: f64[2] = const [1.75, -2]\n"
     "m: f64[2] = const [3.75, 2]\n"
     "v: f64[2] = const [0.25, 2]\n"
     "y: f64[2,2,2], q: f64[2], r: f64[2] = batch_norm_training(x, s, b, m, v, epsilon=0.125, "
     "momentum=0.75)\n",
     "[2.3510279611824387, 0.6866428379079932, -4.603717097344621, -2.9592641937585444, "
     "3.460618043365402, 0.501711157544166, -1.0407358062414556, 0.6037170973446204]",
     8},
    {"batch_norm_training moves the mean",
     "x: f64[2,2,2] = const [-1.75, 0.5, -2.5, -1, -3.25, 0.75, 0.75, 2.25]\n"
     "s: f64[2] = const [-1.25, 2]\n"
     "m: f64[2] = const [3.75, 2]\n"
     "q: f64[2,2,2], y: f64[2], r: f64[2] = batch_norm_training(x, s, s, m, m, epsilon=0.125, "
     "momentum=0.75)\n"
     "output y\n",
     "[2.578125, 1.46875]", 0},
    {"batch_norm_training moves the variance",
     "x: f64[2,2,2] = const [-1.75, 0.5, -2.5, -1, -3.25, 0.75, 0.75, 2.25]\n"
     "s: f64[2] = const [-1.25, 2]\n"
     "v: f64[2] = const [0.25, 2]\n"
     "q: f64[2,2,2], r: f64[2], y: f64[2] = batch_norm_training(x, s, s, v, v, epsilon=0.125, "
     "momentum=0.75)\n"
     "output y\n",
     "[0.8701171875, 2.30078125]", 0},
    {"batch_norm_training of one element a channel",
     "x: f32[1,2] = const [3, -inf]\n"
     "s: f32[2] = const [1, 2]\n"
     "b: f32[2] = const [1.5, 2]\n"
     "q: f32[1,2], r: f32[2], y: f32[2] = batch_norm_training(x, s, b, s, b, epsilon=0.125, "
     "momentum=0.5)\n"
     "output y\n",
     "[0.75, nan]", 0},
    {"layer_norm of two dims",
     "x: f64[2,2,3] = const [3.75, -0.5, -0.25, 2.5, -1, 2.5, -1.5, 2.75, 1.75, -3.25, "
     "-2.5, -3.75]\n"
     "s: f64[2,3] = const [-4, -3.25, -2, -0.25, 3.25, -3]\n"
     "b: f64[2,3] = const [1.25, -3.25, -2.25, 3.25, 3.5, -1]\n"
     "y: f64[2,2,3] = layer_norm(x, s, b, axis=-2, epsilon=0.125)\n",
     "[-4.3460416618409, -0.3165910643575921, -0.7156014798178174, 3.0694825270373904, "
     "-0.31343161633513056, -3.1662096755513165, 1.91703734596507, -8.236104161088898, "
     "-4.517926976281238, 3.4667871374386476, 1.657309331771494, 2.2017792606323363]",
     64},
    {"layer_norm without bias",
     "x: f32[2,2,3] = const [3.75, -0.5, -0.25, 2.5, -1, 2.5, -1.5, 2.75, 1.75, -3.25, "
     "-2.5, -3.75]\n"
     "s: f32[3] = const [0, -0.5, -1]\n"
     "y: f32[2,2,3] = layer_norm(x, s, axis=2, epsilon=0.125)\n",
     "[0, 0.37896835803985596, 0.6316139698028564, 0, 0.6914107203483582, "
     "-0.6914107203483582, 0, -0.4733765721321106, -0.4057513475418091, 0, "
     "-0.5345224738121033, 0.9354143738746643]",
     2},
    {"layer_norm of a constant, NaN, infinity",
     "x: f32[3,2] = const [2.5, 2.5, nan, 1, inf, 1]\n"
     "s: f32[2] = const [0, -0.5]\n"
     "b: f32[2] = const [1.25, -3.25]\n"
     "y: f32[3,2] = layer_norm(x, s, b, axis=1, epsilon=0.125)\n",
     "[1.25, -3.25, nan, nan, nan, nan]", 0},
    {"layer_norm of f16 squares in f32",
     "x: f16[1,4] = const [60000, -60000, 30000, 0]\n"
     "s: f16[4] = const [1, 1, 1, 1]\n"
     "y: f16[1,4] = layer_norm(x, s, axis=1, epsilon=1.0)\n",
     "[1.18359375, -1.521484375, 0.50732421875, -0.1690673828125]", 1},
    {"group_norm",
     "x: f64[2,4,3] = const [-2.75, -4, 3, -2.75, -1.25, 0.5, 0, 3.5, -3.5, -3.5, 2.5, "
     "-1.25, 2, 1, 0.25, 2, 2.75, -2.25, 0, 3.5, 4, -2, 0, 0]\n"
     "s: f64[4] = const [3.75, 3.75, 1, -1.75]\n"
     "b: f64[4] = const [0.25, 3.5, -1.75, -2.5]\n"
     "y: f64[2,4,3] = group_norm(x, s, b, num_groups=2, epsilon=0.125)\n",
     "[-2.181219175844659, -4.152477967070058, 6.8865712637921765, 1.068780824155341, "
     "3.4342913736258196, 6.194053681341378, -1.612253861780017, -0.3266232383935104, "
     "-2.8978844851665237, -0.49120215095858344, -4.348094021118103, -1.9375366022684035, "
     "2.5756512735476584, 0.3430260509419063, -1.3314428660124078, 5.825651273547658, "
     "7.500120190501972, -3.6630059225267884, -2.1746502900652005, -0.5532582734526161, "
     "-0.32163084250796126, -0.13546997577331443, -1.7568619923858988, "
     "-1.7568619923858988]",
     64},
    {"instance_norm",
     "x: f64[2,4,3] = const [-2.75, -4, 3, -2.75, -1.25, 0.5, 0, 3.5, -3.5, -3.5, 2.5, "
     "-1.25, 2, 1, 0.25, 2, 2.75, -2.25, 0, 3.5, 4, -2, 0, 0]\n"
     "s: f64[4] = const [3.75, 3.75, 1, -1.75]\n"
     "b: f64[4] = const [0.25, 3.5, -1.75, -2.5]\n"
     "y: f64[2,4,3] = instance_norm(x, s, b, epsilon=0.125)\n",
     "[-1.5830483822532937, -3.110588700797705, 5.443637083050999, -0.8201658209596809, "
     "3.272622851528438, 8.047542969431245, -1.75, -0.5345219316362113, "
     "-2.9654780683637885, -0.5749999999999997, -4.775, -2.15, 4.550609789927167, "
     "-0.14096452635701517, -3.6596452635701517, 5.462017118473831, 6.723313837492723, "
     "-1.6853309559665557, -3.127945636523876, -1.1988217453904495, -0.9232326180856743, "
     "-0.18270351191336953, -3.6586482440433152, -3.6586482440433152]",
     64},
    {"instance_norm of one element",
     "x: f32[1,2,1] = const [-2.75, -2.75]\n"
     "s: f32[2] = const [3.75, 3.75]\n"
     "b: f32[2] = const [0.25, 3.5]\n"
     "y: f32[1,2,1] = instance_norm(x, s, b, epsilon=0.125)\n",
     "[0.25, 3.5]", 0},
    {"rms_norm",
     "x: f64[3,4] = const [2.25, 1.5, -3, 0, 2.75, -3, -2.5, -1.25, 1, 2.25, -3.75, 0]\n"
     "s: f64[4] = const [3, 3, -2, 2.75]\n"
     "y: f64[3,4] = rms_norm(x, s, axis=-1, epsilon=0.125)\n",
     "[3.292438108588339, 2.194958739058892, 2.926611652078523, 0, 3.3082810669727647, "
     "-3.6090338912430155, 2.005018828468342, -1.3784504445719852, 1.321156518151633, "
     "2.972602165841174, 3.302891295379082, 0]",
     64},
    {"resize to the nearest",
     "x: f32[1,1,2,4] = const [3.25, 0, -2.5, 1.25, -2, -2.5, 2.25, 1.25]\n"
     "y: f32[1,1,4,2] = resize(x, sizes=[4,2], mode=\"nearest\", "
     "coordinate_transformation_mode=\"asymmetric\", nearest_mode=\"floor\", "
     "cubic_coeff_a=-0.75)\n",
     "[3.25, -2.5, 3.25, -2.5, -2, 2.25, -2, 2.25]", 0},
    {"resize to the nearest center",
     "x: u8[1,1,6] = const [0, 1, 2, 3, 4, 5]\n"
     "y: u8[1,1,4] = resize(x, sizes=[4], mode=\"nearest\", "
     "coordinate_transformation_mode=\"half_pixel\", nearest_mode=\"round_prefer_ceil\", "
     "cubic_coeff_a=-0.75)\n",
     "[0, 2, 3, 5]", 0},
    {"resize halves, ties down",
     "x: f32[1,1,4] = const [0, 1, 2, 3]\n"
     "y: f32[1,1,2] = resize(x, sizes=[2], mode=\"nearest\", "
     "coordinate_transformation_mode=\"half_pixel\", nearest_mode=\"round_prefer_floor\", "
     "cubic_coeff_a=-0.75)\n",
     "[0, 2]", 0},
    {"resize halves, ties up",
     "x: f32[1,1,4] = const [0, 1, 2, 3]\n"
     "y: f32[1,1,2] = resize(x, sizes=[2], mode=\"nearest\", "
     "coordinate_transformation_mode=\"half_pixel\", nearest_mode=\"round_prefer_ceil\", "
     "cubic_coeff_a=-0.75)\n",
     "[1, 3]", 0},
    {"resize doubles, ceil",
     "x: f32[1,1,4] = const [0, 1, 2, 3]\n"
     "y: f32[1,1,8] = resize(x, sizes=[8], mode=\"nearest\", "
     "coordinate_transformation_mode=\"asymmetric\", nearest_mode=\"ceil\", "
     "cubic_coeff_a=-0.75)\n",
     "[0, 1, 1, 2, 2, 3, 3, 3]", 0},
    {"resize linear",
     "x: f32[1,1,2,4] = const [3.25, 0, -2.5, 1.25, -2, -2.5, 2.25, 1.25]\n"
     "y: f32[1,1,3,7] = resize(x, sizes=[3,7], mode=\"linear\", "
     "coordinate_transformation_mode=\"half_pixel\", nearest_mode=\"round_prefer_floor\", "
     "cubic_coeff_a=-0.75)\n",
     "[3.25, 2.0892856121063232, 0.2321428507566452, -1.25, -2.232142925262451, "
     "-0.0892857164144516, 1.25, 0.625, -0.0446428582072258, -1.1160714626312256, "
     "-0.6875, -0.02678571455180645, 0.7589285969734192, 1.25, -2, -2.1785714626312256, "
     "-2.4642856121063232, -0.125, 2.1785714626312256, 1.6071428060531616, 1.25]",
     1},
    {"resize linear, aligned corners",
     "x: f32[1,1,2,4] = const [3.25, 0, -2.5, 1.25, -2, -2.5, 2.25, 1.25]\n"
     "y: f32[1,1,3,7] = resize(x, sizes=[3,7], mode=\"linear\", "
     "coordinate_transformation_mode=\"align_corners\", "
     "nearest_mode=\"round_prefer_floor\", cubic_coeff_a=-0.75)\n",
     "[3.25, 1.625, 0, -1.25, -2.5, -0.625, 1.25, 0.625, -0.3125, -1.25, -0.6875, -0.125, "
     "0.5625, 1.25, -2, -2.25, -2.5, -0.125, 2.25, 1.75, 1.25]",
     1},
    {"resize linear, asymmetric",
     "x: f32[1,1,4] = const [0, 1, 2, 3]\n"
     "y: f32[1,1,8] = resize(x, sizes=[8], mode=\"linear\", "
     "coordinate_transformation_mode=\"asymmetric\", nearest_mode=\"round_prefer_floor\", "
     "cubic_coeff_a=-0.75)\n",
     "[0, 0.5, 1, 1.5, 2, 2.5, 3, 3]", 0},
    {"resize linear to one",
     "x: f32[1,1,4] = const [0, 1, 2, 3]\n"
     "y: f32[1,1,1] = resize(x, sizes=[1], mode=\"linear\", "
     "coordinate_transformation_mode=\"half_pixel\", nearest_mode=\"round_prefer_floor\", "
     "cubic_coeff_a=-0.75)\n",
     "[1.5]", 0},
    {"resize linear to one as pytorch did",
     "x: f32[1,1,4] = const [0, 1, 2, 3]\n"
     "y: f32[1,1,1] = resize(x, sizes=[1], mode=\"linear\", "
     "coordinate_transformation_mode=\"pytorch_half_pixel\", "
     "nearest_mode=\"round_prefer_floor\", cubic_coeff_a=-0.75)\n",
     "[0]", 0},
    {"resize linear of volumes",
     "x: f32[1,1,2,3,2] = const [2, 0.25, -1.5, 2, -1, -0.25, 1.25, -3.25, 1.5, -1.25, "
     "-2, 3.5]\n"
     "y: f32[1,1,3,2,5] = resize(x, sizes=[3,2,5], mode=\"linear\", "
     "coordinate_transformation_mode=\"half_pixel\", nearest_mode=\"round_prefer_floor\", "
     "cubic_coeff_a=-0.75)\n",
     "[1.125, 1.0812499523162842, 0.90625, 0.731249988079071, 0.6875, -1.125, "
     "-0.981249988079071, -0.40625, 0.16875000298023224, 0.3125, 1.21875, "
     "0.9937499761581421, 0.09375, -0.8062499761581421, -1.03125, -1.125, "
     "-0.8812500238418579, 0.09375, 1.068750023841858, 1.3125, 1.3125, 0.90625, -0.71875, "
     "-2.34375, -2.75, -1.125, -0.78125, 0.59375, 1.96875, 2.3125]",
     1},
    {"resize by a scale that is no quotient of sizes",
     "x: f64[1,1,5] = const [1, 4, 9, 16, 25]\n"
     "y: f64[1,1,3] = resize(x, sizes=[3], mode=\"linear\", "
     "coordinate_transformation_mode=\"half_pixel\", nearest_mode=\"round_prefer_floor\", "
     "cubic_coeff_a=-0.75, scale_w=0.75)\n",
     "[1.5, 6.5, 14.833333333333334]", 1},
    {"resize by a scale, symmetric",
     "x: f64[1,1,5] = const [1, 4, 9, 16, 25]\n"
     "y: f64[1,1,3] = resize(x, sizes=[3], mode=\"linear\", "
     "coordinate_transformation_mode=\"half_pixel_symmetric\", "
     "nearest_mode=\"round_prefer_floor\", cubic_coeff_a=-0.75, scale_w=0.75)\n",
     "[3, 9, 19]", 1},
    {"resize linear with a filter, ends left out",
     "x: f64[1,1,5] = const [1, 4, 9, 16, 25]\n"
     "y: f64[1,1,2] = resize(x, sizes=[2], mode=\"linear\", "
     "coordinate_transformation_mode=\"half_pixel\", nearest_mode=\"round_prefer_floor\", "
     "cubic_coeff_a=-0.75, antialias=true, exclude_outside=true, scale_w=0.5)\n",
     "[3.4285714285714284, 13]", 1},
    {"resize linear with a filter, ends repeated",
     "x: f64[1,1,5] = const [1, 4, 9, 16, 25]\n"
     "y: f64[1,1,2] = resize(x, sizes=[2], mode=\"linear\", "
     "coordinate_transformation_mode=\"half_pixel\", nearest_mode=\"round_prefer_floor\", "
     "cubic_coeff_a=-0.75, antialias=true, scale_w=0.5)\n",
     "[3.125, 13]", 0},
    {"resize cubic, ends left out",
     "x: f32[1,1,2,3] = const [1, 2, 4, 8, 16, -3]\n"
     "y: f32[1,1,3,2] = resize(x, sizes=[3,2], mode=\"cubic\", "
     "coordinate_transformation_mode=\"half_pixel\", nearest_mode=\"round_prefer_floor\", "
     "cubic_coeff_a=-0.5, exclude_outside=true)\n",
     "[0.5678063772570126, 3.830580099884748, 5.540145985401461, 2.2116788321167884, "
     "10.512485593545907, 0.5927775643488284]",
     1},
    {"resize cubic with a filter, ends left out",
     "x: f32[1,1,2,3] = const [1, 2, 4, 8, 16, -3]\n"
     "y: f32[1,1,1,2] = resize(x, sizes=[1,2], mode=\"cubic\", "
     "coordinate_transformation_mode=\"half_pixel\", nearest_mode=\"round_prefer_floor\", "
     "cubic_coeff_a=-0.75, antialias=true, exclude_outside=true)\n",
     "[6.581803671189147, 3.740622505985635]", 1},
    {"resize cubic",
     "x: f32[1,1,2,4] = const [3.25, 0, -2.5, 1.25, -2, -2.5, 2.25, 1.25]\n"
     "y: f32[1,1,5,6] = resize(x, sizes=[5,6], mode=\"cubic\", "
     "coordinate_transformation_mode=\"half_pixel\", nearest_mode=\"round_prefer_floor\", "
     "cubic_coeff_a=-0.75)\n",
     "[4.137248992919922, 2.3615293502807617, -0.5805197954177856, -2.982842206954956, "
     "-1.1961543560028076, 1.6209797859191895, 3.082043409347534, 1.4858906269073486, "
     "-0.7993599772453308, -2.181244134902954, -0.6088906526565552, 1.5417100191116333, "
     "0.7877604365348816, -0.41796875, -1.2751736640930176, -0.4383680522441864, "
     "0.66796875, 1.3693575859069824, -1.506522536277771, -2.3218281269073486, "
     "-1.7509872913360596, 1.304508090019226, 1.9448281526565552, 1.1970051527023315, "
     "-2.561728000640869, -3.1974668502807617, -1.96982741355896, 2.1061060428619385, "
     "2.5320918560028076, 1.117735505104065]",
     1},
    {"resize cubic, aligned corners",
     "x: f32[1,1,2,4] = const [3.25, 0, -2.5, 1.25, -2, -2.5, 2.25, 1.25]\n"
     "y: f32[1,1,1,6] = resize(x, sizes=[1,6], mode=\"cubic\", "
     "coordinate_transformation_mode=\"align_corners\", "
     "nearest_mode=\"round_prefer_floor\", cubic_coeff_a=-0.75)\n",
     "[3.25, 1.531000018119812, -0.8420000076293945, -2.497999906539917, "
     "-1.315000057220459, 1.25]",
     1},
};

#endif
