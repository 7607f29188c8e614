/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes and their results: data movement. Expected values are torch's, or numpy's for what torch
 * has not (negative steps, modes of pad on integers). */
#ifndef OPJURY_TESTS_CASES_MOVE_H
#define OPJURY_TESTS_CASES_MOVE_H

static const struct op_case cases_move[] = {
    {"expand both ways",
     "a: i16[2,1,3] = const [3, 6, 5, 2, 4, 1]\n"
     "y: i16[2,2,1,3] = expand(a, shape=[2,2,1,1])\n",
     "[3, 6, 5, 2, 4, 1, 3, 6, 5, 2, 4, 1]", 0},
    {"expand to a shape of lower rank",
     "a: bool[3,1] = const [true, true, true]\n"
     "y: bool[3,2] = expand(a, shape=[2])\n",
     "[true, true, true, true, true, true]", 0},
    {"expand rank 0",
     "a: f64[] = const [1]\n"
     "y: f64[2,2] = expand(a, shape=[2,2])\n",
     "[1, 1, 1, 1]", 0},
    {"expand to nothing",
     "a: f32[1,2] = const [-0.5, -0.75]\n"
     "y: f32[0,2] = expand(a, shape=[0,2])\n",
     "[]", 0},
    {"squeeze",
     "a: u8[1,2,1,2] = const [2, 4, 3, 1]\n"
     "y: u8[2,2] = squeeze(a, axes=[-2,0])\n",
     "[2, 4, 3, 1]", 0},
    {"squeeze to rank 0",
     "a: f16[1] = const [1]\n"
     "y: f16[] = squeeze(a, axes=[0])\n",
     "[1]", 0},
    {"unsqueeze in another order",
     "a: i64[2,2] = const [4, 1, 3, 2]\n"
     "y: i64[1,2,2,1] = unsqueeze(a, axes=[-1,0])\n",
     "[4, 1, 3, 2]", 0},
    {"unsqueeze rank 0",
     "a: bool[] = const [true]\n"
     "y: bool[1,1] = unsqueeze(a, axes=[0,1])\n",
     "[true]", 0},
    {"flatten",
     "a: i32[2,3,2] = const [5, 6, 4, 11, 7, 3, 2, 8, 10, 1, 12, 9]\n"
     "y: i32[6,2] = flatten(a, axis=-1)\n",
     "[5, 6, 4, 11, 7, 3, 2, 8, 10, 1, 12, 9]", 0},
    {"flatten all",
     "a: f32[2,2] = const [-0.25, 0, -0.75, -0.5]\n"
     "y: f32[1,4] = flatten(a, axis=0)\n",
     "[-0.25, 0, -0.75, -0.5]", 0},
    {"flatten behind all",
     "a: f32[2,2] = const [-0.25, 0, -0.75, -0.5]\n"
     "y: f32[4,1] = flatten(a, axis=2)\n",
     "[-0.25, 0, -0.75, -0.5]", 0},
    {"flatten rank 0",
     "a: f32[] = const [-0.75]\n"
     "y: f32[1,1] = flatten(a, axis=0)\n",
     "[-0.75]", 0},
    {"flatten nothing",
     "a: f32[0,3] = const []\n"
     "y: f32[0,3] = flatten(a, axis=1)\n",
     "[]", 0},
    {"slice by steps",
     "a: i32[3,7] = const [19, 16, 1, 15, 9, 21, 17, 12, 7, 5, 4, 18, 10, 8, 11, 3, 6, 14,"
     " 13, 20, 2]\n"
     "y: i32[3,2] = slice(a, axes=[1], starts=[1], ends=[9223372036854775807], "
     "steps=[3])\n",
     "[16, 9, 7, 18, 3, 13]", 0},
    {"slice backwards",
     "a: i32[3,7] = const [19, 16, 1, 15, 9, 21, 17, 12, 7, 5, 4, 18, 10, 8, 11, 3, 6, 14,"
     " 13, 20, 2]\n"
     "y: i32[3,7] = slice(a, axes=[1], starts=[9223372036854775807], "
     "ends=[-9223372036854775808], steps=[-1])\n",
     "[17, 21, 9, 15, 1, 16, 19, 8, 10, 18, 4, 5, 7, 12, 2, 20, 13, 14, 6, 3, 11]", 0},
    {"slice backwards by steps",
     "a: i32[3,7] = const [19, 16, 1, 15, 9, 21, 17, 12, 7, 5, 4, 18, 10, 8, 11, 3, 6, 14,"
     " 13, 20, 2]\n"
     "y: i32[2,3] = slice(a, axes=[-1,0], starts=[-2,-1], ends=[0,-9223372036854775808], "
     "steps=[-2,-2])\n",
     "[20, 14, 3, 21, 15, 16]", 0},
    {"slice from the end",
     "a: i32[3,7] = const [19, 16, 1, 15, 9, 21, 17, 12, 7, 5, 4, 18, 10, 8, 11, 3, 6, 14,"
     " 13, 20, 2]\n"
     "y: i32[2,2] = slice(a, axes=[0,1], starts=[-9223372036854775808,-3], ends=[-1,6], "
     "steps=[1,1])\n",
     "[9, 21, 18, 10]", 0},
    {"slice nothing",
     "a: i32[3,7] = const [19, 16, 1, 15, 9, 21, 17, 12, 7, 5, 4, 18, 10, 8, 11, 3, 6, 14,"
     " 13, 20, 2]\n"
     "y: i32[3,0] = slice(a, axes=[1], starts=[3], ends=[3], steps=[1])\n",
     "[]", 0},
    {"slice nothing beyond the dim",
     "a: i32[3,7] = const [19, 16, 1, 15, 9, 21, 17, 12, 7, 5, 4, 18, 10, 8, 11, 3, 6, 14,"
     " 13, 20, 2]\n"
     "y: i32[0,7] = slice(a, axes=[0], starts=[9], ends=[8], steps=[2])\n",
     "[]", 0},
    {"slice one, however far the next",
     "a: i32[3,7] = const [19, 16, 1, 15, 9, 21, 17, 12, 7, 5, 4, 18, 10, 8, 11, 3, 6, 14,"
     " 13, 20, 2]\n"
     "y: i32[1,1] = slice(a, axes=[0,1], starts=[1,2], "
     "ends=[9223372036854775807,9223372036854775807], steps=[100,50])\n",
     "[5]", 0},
    {"slice beside nothing",
     "a: f32[2,0] = const []\n"
     "y: f32[1,0] = slice(a, axes=[0], starts=[1], ends=[2], steps=[1])\n",
     "[]", 0},
    {"flip",
     "a: f64[2,3] = const [1, 5, 4, 6, 3, 2]\n"
     "y: f64[2,3] = flip(a, axes=[-1])\n",
     "[4, 5, 1, 2, 3, 6]", 0},
    {"flip both",
     "a: f64[2,3] = const [1, 5, 4, 6, 3, 2]\n"
     "y: f64[2,3] = flip(a, axes=[1,0])\n",
     "[2, 3, 6, 4, 5, 1]", 0},
    {"roll",
     "a: i8[2,4] = const [5, 8, 1, 6, 7, 3, 2, 4]\n"
     "y: i8[2,4] = roll(a, axes=[1], shifts=[1])\n",
     "[6, 5, 8, 1, 4, 7, 3, 2]", 0},
    {"roll back and around",
     "a: i8[2,4] = const [5, 8, 1, 6, 7, 3, 2, 4]\n"
     "y: i8[2,4] = roll(a, axes=[-1,0], shifts=[-5,3])\n",
     "[3, 2, 4, 7, 8, 1, 6, 5]", 0},
    {"roll nothing",
     "a: i8[0,2] = const []\n"
     "y: i8[0,2] = roll(a, axes=[0], shifts=[2])\n",
     "[]", 0},
    {"split, part 0",
     "a: i32[2,5] = const [8, 9, 1, 7, 3, 10, 5, 6, 4, 2]\n"
     "y: i32[2,2], z1: i32[2,3] = split(a, axis=-1, split=[2,3])\n"
     "output y\n",
     "[8, 9, 10, 5]", 0},
    {"split, part 1",
     "a: i32[2,5] = const [8, 9, 1, 7, 3, 10, 5, 6, 4, 2]\n"
     "z0: i32[2,2], y: i32[2,3] = split(a, axis=-1, split=[2,3])\n"
     "output y\n",
     "[1, 7, 3, 6, 4, 2]", 0},
    {"split off nothing, part 0",
     "a: i32[2,5] = const [8, 9, 1, 7, 3, 10, 5, 6, 4, 2]\n"
     "y: i32[2,0], z1: i32[2,1], z2: i32[2,4], z3: i32[2,0] = split(a, axis=1, "
     "split=[0,1,4,0])\n"
     "output y\n",
     "[]", 0},
    {"split off nothing, part 3",
     "a: i32[2,5] = const [8, 9, 1, 7, 3, 10, 5, 6, 4, 2]\n"
     "z0: i32[2,0], z1: i32[2,1], z2: i32[2,4], y: i32[2,0] = split(a, axis=1, "
     "split=[0,1,4,0])\n"
     "output y\n",
     "[]", 0},
    {"split into one",
     "a: i32[2,5] = const [8, 9, 1, 7, 3, 10, 5, 6, 4, 2]\n"
     "y: i32[2,5] = split(a, axis=0, split=[2])\n",
     "[8, 9, 1, 7, 3, 10, 5, 6, 4, 2]", 0},
    {"tile",
     "a: bool[2,2] = const [true, false, true, false]\n"
     "y: bool[4,2] = tile(a, repeats=[2,1])\n",
     "[true, false, true, false, true, false, true, false]", 0},
    {"tile both",
     "a: f32[1,3] = const [-0.5, -0.75, -0.25]\n"
     "y: f32[2,6] = tile(a, repeats=[2,2])\n",
     "[-0.5, -0.75, -0.25, -0.5, -0.75, -0.25, -0.5, -0.75, -0.25, -0.5, -0.75, -0.25]", 0},
    {"tile to nothing",
     "a: f32[1,3] = const [-0.5, -0.75, -0.25]\n"
     "y: f32[0,6] = tile(a, repeats=[0,2])\n",
     "[]", 0},
    {"tile rank 0",
     "a: f32[] = const [-0.75]\n"
     "y: f32[] = tile(a, repeats=[])\n",
     "[-0.75]", 0},
    {"pad with a value",
     "a: f32[2,3] = const [-0.25, -0.5, -0.75, 0.25, 0, 0.5]\n"
     "y: f32[3,5] = pad(a, mode=\"constant\", pads=[1,0,0,2], value=-1.5)\n",
     "[-1.5, -1.5, -1.5, -1.5, -1.5, -0.25, -0.5, -0.75, -1.5, -1.5, 0.25, 0, 0.5, -1.5, "
     "-1.5]",
     0},
    {"pad by less than nothing",
     "a: f32[2,3] = const [-0.25, -0.5, -0.75, 0.25, 0, 0.5]\n"
     "y: f32[1,2] = pad(a, mode=\"constant\", pads=[-1,1,0,-2], value=7.0)\n",
     "[7, 0.25]", 0},
    {"pad all away",
     "a: f32[2,3] = const [-0.25, -0.5, -0.75, 0.25, 0, 0.5]\n"
     "y: f32[1,3] = pad(a, mode=\"constant\", pads=[-2,0,1,0], value=7.0)\n",
     "[7, 7, 7]", 0},
    {"pad, reflect",
     "a: i64[2,3] = const [1, 5, 2, 4, 6, 3]\n"
     "y: i64[3,6] = pad(a, mode=\"reflect\", pads=[1,2,0,1], value=0.0)\n",
     "[3, 6, 4, 6, 3, 6, 2, 5, 1, 5, 2, 5, 3, 6, 4, 6, 3, 6]", 0},
    {"pad, edge",
     "a: i64[2,3] = const [1, 2, 3, 4, 5, 6]\n"
     "y: i64[3,6] = pad(a, mode=\"edge\", pads=[1,2,0,1], value=0.0)\n",
     "[1, 1, 1, 2, 3, 3, 1, 1, 1, 2, 3, 3, 4, 4, 4, 5, 6, 6]", 0},
    {"pad, wrap",
     "a: i64[2,3] = const [4, 3, 2, 1, 5, 6]\n"
     "y: i64[3,6] = pad(a, mode=\"wrap\", pads=[1,2,0,1], value=0.0)\n",
     "[5, 6, 1, 5, 6, 1, 3, 2, 4, 3, 2, 4, 5, 6, 1, 5, 6, 1]", 0},
    {"pad nothing",
     "a: bool[0,2] = const []\n"
     "y: bool[2,2] = pad(a, mode=\"constant\", pads=[1,0,1,0], value=1.0)\n",
     "[true, true, true, true]", 0},
    {"tril drops NaN",
     "a: f32[2,3] = const [0, -0.75, nan, -0, 0.25, 0.5]\n"
     "y: f32[2,3] = tril(a, k=0)\n",
     "[0, 0, 0, -0, 0.25, 0]", 0},
    {"triu drops -0",
     "a: f32[2,3] = const [0, -0.75, nan, -0, 0.25, 0.5]\n"
     "y: f32[2,3] = triu(a, k=0)\n",
     "[0, -0.75, nan, 0, 0.25, 0.5]", 0},
    {"tril of matrices",
     "a: i32[2,2,3] = const [7, 10, 1, 6, 12, 5, 3, 11, 2, 4, 9, 8]\n"
     "y: i32[2,2,3] = tril(a, k=1)\n",
     "[7, 10, 0, 6, 12, 5, 3, 11, 0, 4, 9, 8]", 0},
    {"triu of matrices",
     "a: i32[2,2,3] = const [7, 10, 1, 6, 12, 5, 3, 11, 2, 4, 9, 8]\n"
     "y: i32[2,2,3] = triu(a, k=2)\n",
     "[0, 0, 1, 0, 0, 0, 0, 0, 2, 0, 0, 0]", 0},
    {"triu of all",
     "a: i32[2,2,3] = const [7, 10, 1, 6, 12, 5, 3, 11, 2, 4, 9, 8]\n"
     "y: i32[2,2,3] = triu(a, k=-9)\n",
     "[7, 10, 1, 6, 12, 5, 3, 11, 2, 4, 9, 8]", 0},
    {"tril of none",
     "a: bool[3,2] = const [false, false, false, false, true, true]\n"
     "y: bool[3,2] = tril(a, k=-9)\n",
     "[false, false, false, false, false, false]", 0},
    {"depth_to_space CRD",
     "a: i32[1,8,1,2] = const [9, 14, 5, 8, 12, 13, 15, 2, 3, 16, 1, 4, 11, 7, 6, 10]\n"
     "y: i32[1,2,2,4] = depth_to_space(a, blocksize=2, mode=\"CRD\")\n",
     "[9, 5, 14, 8, 12, 15, 13, 2, 3, 1, 16, 4, 11, 6, 7, 10]", 0},
    {"depth_to_space DCR",
     "a: i32[1,8,1,2] = const [9, 14, 5, 8, 12, 13, 15, 2, 3, 16, 1, 4, 11, 7, 6, 10]\n"
     "y: i32[1,2,2,4] = depth_to_space(a, blocksize=2, mode=\"DCR\")\n",
     "[9, 12, 14, 13, 3, 11, 16, 7, 5, 15, 8, 2, 1, 6, 4, 10]", 0},
    {"space_to_depth CRD",
     "a: i32[1,2,2,4] = const [14, 15, 4, 7, 8, 3, 12, 13, 16, 6, 1, 2, 9, 10, 11, 5]\n"
     "y: i32[1,8,1,2] = space_to_depth(a, blocksize=2, mode=\"CRD\")\n",
     "[14, 4, 15, 7, 8, 12, 3, 13, 16, 1, 6, 2, 9, 11, 10, 5]", 0},
    {"space_to_depth DCR",
     "a: i32[1,2,2,4] = const [14, 15, 4, 7, 8, 3, 12, 13, 16, 6, 1, 2, 9, 10, 11, 5]\n"
     "y: i32[1,8,1,2] = space_to_depth(a, blocksize=2, mode=\"DCR\")\n",
     "[14, 4, 16, 1, 15, 7, 6, 2, 8, 12, 9, 11, 3, 13, 10, 5]", 0},
    {"shape",
     "a: f32[2,0,3] = const []\n"
     "y: i64[3] = shape(a, start=0, end=3)\n",
     "[2, 0, 3]", 0},
    {"shape of some",
     "a: f32[2,0,3] = const []\n"
     "y: i64[1] = shape(a, start=-2, end=-1)\n",
     "[0]", 0},
    {"shape of none",
     "a: f32[2,0,3] = const []\n"
     "y: i64[0] = shape(a, start=1, end=1)\n",
     "[]", 0},
    {"size of nothing",
     "a: f32[2,0,3] = const []\n"
     "y: i64[] = size(a)\n",
     "[0]", 0},
    {"size of rank 0",
     "a: u8[] = const [1]\n"
     "y: i64[] = size(a)\n",
     "[1]", 0},
    {"shape of rank 0",
     "a: u8[] = const [1]\n"
     "y: i64[0] = shape(a, start=0, end=0)\n",
     "[]", 0},
};

#endif
