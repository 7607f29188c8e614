/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes and their results: indexing. */
#ifndef OPJURY_TESTS_CASES_INDEX_H
#define OPJURY_TESTS_CASES_INDEX_H

/* The examples of ONNX's operator texts and small ones by hand. */
static const struct op_case cases_index[] = {
    {"index_select",
     "x: f32[2,3] = const [1, 2, 3, 4, 5, nan]\n"
     "i: i64[4] = const [2, 0, -1, -3]\n"
     "y: f32[2,4] = index_select(x, i, axis=1)\n",
     "[3, 1, 3, 1, nan, 4, nan, 4]", 0},
    {"gather_elements along axis 1",
     "x: i32[2,2] = const [1, 2, 3, 4]\n"
     "i: i32[2,2] = const [0, 0, 1, 0]\n"
     "y: i32[2,2] = gather_elements(x, i, axis=1)\n",
     "[1, 1, 4, 3]", 0},
    {"gather_elements with indices below 0",
     "x: f64[3,3] = const [1, 2, 3, 4, 5, 6, 7, 8, 9]\n"
     "i: i64[2,3] = const [-1, -2, 0, -2, 0, 0]\n"
     "y: f64[2,3] = gather_elements(x, i, axis=0)\n",
     "[7, 5, 3, 4, 2, 3]", 0},
    {"gather_elements of a corner",
     "x: u8[2,2,2] = const [1, 2, 3, 4, 5, 6, 7, 8]\n"
     "i: i64[1,1,3] = const [1, 0, -1]\n"
     "y: u8[1,1,3] = gather_elements(x, i, axis=-1)\n",
     "[2, 1, 2]", 0},
    {"gather_nd of elements",
     "x: i32[2,2] = const [0, 1, 2, 3]\n"
     "i: i64[2,2] = const [0, 0, 1, -1]\n"
     "y: i32[2] = gather_nd(x, i, parts=2, batch_dims=0)\n",
     "[0, 3]", 0},
    {"gather_nd of slices",
     "x: f32[2,2,2] = const [0, 1, 2, 3, 4, 5, 6, 7]\n"
     "i: i64[2,1,2] = const [0, 1, 1, 0]\n"
     "y: f32[2,1,2] = gather_nd(x, i, parts=2, batch_dims=0)\n",
     "[2, 3, 4, 5]", 0},
    {"gather_nd in batches",
     "x: f32[2,2,2] = const [0, 1, 2, 3, 4, 5, 6, 7]\n"
     "i: i64[2,1] = const [1, 0]\n"
     "y: f32[2,2] = gather_nd(x, i, parts=1, batch_dims=1)\n",
     "[2, 3, 4, 5]", 0},
    {"scatter_elements along axis 0",
     "x: f32[3,3] = const [0, 0, 0, 0, 0, 0, 0, 0, 0]\n"
     "i: i64[2,3] = const [1, 0, 2, 0, 2, 1]\n"
     "u: f32[2,3] = const [1, 1.5, 2, 3, 4, 5]\n"
     "y: f32[3,3] = scatter_elements(x, i, u, axis=0)\n",
     "[3, 1.5, 0, 1, 0, 5, 0, 4, 2]", 0},
    {"scatter_elements with an index below 0",
     "x: i16[1,5] = const [1, 2, 3, 4, 5]\n"
     "i: i32[1,2] = const [1, -2]\n"
     "u: i16[1,2] = const [11, 21]\n"
     "y: i16[1,5] = scatter_elements(x, i, u, axis=1)\n",
     "[1, 11, 3, 21, 5]", 0},
    {"scatter_nd of elements",
     "x: i64[8] = const [1, 2, 3, 4, 5, 6, 7, 8]\n"
     "i: i64[4,1] = const [4, 3, 1, -1]\n"
     "u: i64[4] = const [9, 10, 11, 12]\n"
     "y: i64[8] = scatter_nd(x, i, u, parts=1)\n",
     "[1, 11, 3, 10, 9, 6, 7, 12]", 0},
    {"scatter_nd of slices",
     "x: bool[2,2,2] = const [false, false, false, false, false, false, false, false]\n"
     "i: i64[1,2] = const [1, 0]\n"
     "u: bool[1,2] = const [true, true]\n"
     "y: bool[2,2,2] = scatter_nd(x, i, u, parts=2)\n",
     "[false, false, false, false, true, true, false, false]", 0},
    {"scatter_elements adds, duplicates too",
     "x: f32[1,5] = const [1, 2, 3, 4, 5]\n"
     "i: i64[1,3] = const [1, -4, 3]\n"
     "u: f32[1,3] = const [1.5, 2.5, -4]\n"
     "y: f32[1,5] = scatter_elements(x, i, u, axis=1, reduction=\"add\")\n",
     "[1, 6, 3, 0, 5]", 0},
    {"scatter_elements multiplies; more indices than places; integers wrap",
     "x: u8[2] = const [100, 3]\n"
     "i: i32[3] = const [0, 1, 1]\n"
     "u: u8[3] = const [3, 5, 7]\n"
     "y: u8[2] = scatter_elements(x, i, u, axis=0, reduction=\"mul\")\n",
     "[44, 105]", 0},
    {"scatter_elements of bools adds by or",
     "x: bool[3] = const [false, true, true]\n"
     "i: i64[4] = const [0, 0, 1, 1]\n"
     "u: bool[4] = const [true, true, true, false]\n"
     "y: bool[3] = scatter_elements(x, i, u, axis=0, reduction=\"add\")\n",
     "[true, true, true]", 0},
    {"scatter_elements keeps the largest",
     "x: f64[3] = const [1, -inf, nan]\n"
     "i: i64[3] = const [0, 1, 0]\n"
     "u: f64[3] = const [2, -5, -7]\n"
     "y: f64[3] = scatter_elements(x, i, u, axis=0, reduction=\"max\")\n",
     "[2, -5, nan]", 0},
    {"scatter_nd adds slices",
     "x: i8[2,2] = const [1, 2, 3, 100]\n"
     "i: i64[3,1] = const [1, 1, 0]\n"
     "u: i8[3,2] = const [1, 20, 2, 20, 5, 6]\n"
     "y: i8[2,2] = scatter_nd(x, i, u, parts=1, reduction=\"add\")\n",
     "[6, 8, 6, -116]", 0},
    {"scatter_nd multiplies beside 0 and infinity",
     "x: f32[3] = const [0, inf, 3]\n"
     "i: i64[4,1] = const [0, 1, 2, 2]\n"
     "u: f32[4] = const [inf, -2, 0.5, 0.5]\n"
     "y: f32[3] = scatter_nd(x, i, u, parts=1, reduction=\"mul\")\n",
     "[nan, -inf, 0.75]", 0},
    {"scatter_nd keeps the smallest",
     "x: i32[2,2] = const [5, 6, 7, 8]\n"
     "i: i64[2,2] = const [0, 0, -2, -2]\n"
     "u: i32[2] = const [3, 4]\n"
     "y: i32[2,2] = scatter_nd(x, i, u, parts=2, reduction=\"min\")\n",
     "[3, 6, 7, 8]", 0},
    {"one_hot behind the indices",
     "i: i64[3] = const [1, -1, 0]\n"
     "y: f32[3,3] = one_hot(i, depth=3, axis=-1, on=1.0, off=0.0, dtype=f32)\n",
     "[0, 1, 0, 0, 0, 1, 1, 0, 0]", 0},
    {"one_hot before them",
     "i: i32[2,2] = const [0, 1, -2, 1]\n"
     "y: u8[2,2,2] = one_hot(i, depth=2, axis=0, on=5.0, off=3.0, dtype=u8)\n",
     "[5, 3, 5, 3, 3, 5, 3, 5]", 0},
};

#endif
