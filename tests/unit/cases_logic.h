/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes and their results: arithmetic of two inputs, comparisons, logic and bits. */
#ifndef OPJURY_TESTS_CASES_LOGIC_H
#define OPJURY_TESTS_CASES_LOGIC_H

static const struct op_case cases_logic[] = {
    {"sub broadcasts",
     "a: f32[3,1] = const [1, 2.5, -3]\n"
     "b: f32[2] = const [0.5, -0.25]\n"
     "y: f32[3,2] = sub(a, b)\n",
     "[0.5, 1.25, 2, 2.75, -3.5, -2.75]", 0},
    {"sub wraps i8",
     "a: i8[3] = const [-128, 127, -100]\n"
     "b: i8[3] = const [1, -1, 100]\n"
     "y: i8[3] = sub(a, b)\n",
     "[127, -128, 56]", 0},
    {"sub wraps u8",
     "a: u8[3] = const [0, 255, 3]\n"
     "b: u8[3] = const [1, 255, 5]\n"
     "y: u8[3] = sub(a, b)\n",
     "[255, 0, 254]", 0},
    {"sub wraps i64",
     "a: i64[3] = const [-9223372036854775808, 9223372036854775807, 0]\n"
     "b: i64[3] = const [1, -1, -9223372036854775808]\n"
     "y: i64[3] = sub(a, b)\n",
     "[9223372036854775807, -9223372036854775808, -9223372036854775808]", 0},
    {"sub of infinities",
     "a: f32[4] = const [inf, -inf, 1, -0]\n"
     "b: f32[4] = const [inf, 1, inf, 0]\n"
     "y: f32[4] = sub(a, b)\n",
     "[nan, -inf, -inf, -0]", 0},
    {"floor_div i8, all signs",
     "a: i8[9] = const [7, 7, -7, -7, 6, -6, 0, -128, 127]\n"
     "b: i8[9] = const [2, -2, 2, -2, 3, 3, -5, 3, -128]\n"
     "y: i8[9] = floor_div(a, b)\n",
     "[3, -4, -4, 3, 2, -2, 0, -43, -1]", 0},
    {"floor_div u8",
     "a: u8[4] = const [255, 200, 7, 0]\n"
     "b: u8[4] = const [2, 7, 255, 3]\n"
     "y: u8[4] = floor_div(a, b)\n",
     "[127, 28, 0, 0]", 0},
    {"floor_div i64 beyond f64",
     "a: i64[4] = const [9223372036854775807, -9223372036854775808, 4611686018427387905, "
     "-4611686018427387905]\n"
     "b: i64[4] = const [10, 7, -3, 2305843009213693952]\n"
     "y: i64[4] = floor_div(a, b)\n",
     "[922337203685477580, -1317624576693539402, -1537228672809129302, -3]", 0},
    {"floor_div f64, all signs",
     "a: f64[16] = const [7, 7, -7, -7, 7.5, -7.5, 1, -1, 1e-30, -1e-30, 0, 5, -0, nan, 1, "
     "0]\n"
     "b: f64[16] = const [2, -2, 2, -2, 0.1, 0.1, 3, 3, 4, 4, 3, inf, 2, 1, nan, 0]\n"
     "y: f64[16] = floor_div(a, b)\n",
     "[3, -4, -4, 3, 74, -75, 0, -1, 0, -1, 0, 0, -0, nan, nan, nan]", 1},
    {"floor_div f32",
     "a: f32[16] = const [7, 7, -7, -7, 7.5, -7.5, 1, -1, 1.0000000031710769e-30, "
     "-1.0000000031710769e-30, 0, 5, -0, nan, 1, 0]\n"
     "b: f32[16] = const [2, -2, 2, -2, 0.10000000149011612, 0.10000000149011612, 3, 3, 4, 4, "
     "3, inf, 2, 1, nan, 0]\n"
     "y: f32[16] = floor_div(a, b)\n",
     "[3, -4, -4, 3, 74, -75, 0, -1, 0, -1, 0, 0, -0, nan, nan, nan]", 1},
    {"floor_div f16",
     "a: f16[5] = const [7, -7, 2.5, -2.5, 60000]\n"
     "b: f16[5] = const [2, 2, -1, 0.75, 7]\n"
     "y: f16[5] = floor_div(a, b)\n",
     "[3, -4, -3, -4, 8568]", 1},
    {"mod i8, all signs",
     "a: i8[9] = const [7, 7, -7, -7, 6, -6, 0, -128, 127]\n"
     "b: i8[9] = const [2, -2, 2, -2, 3, 3, -5, 3, -128]\n"
     "y: i8[9] = mod(a, b)\n",
     "[1, -1, 1, -1, 0, 0, 0, 1, -1]", 0},
    {"mod u8",
     "a: u8[4] = const [255, 200, 7, 0]\n"
     "b: u8[4] = const [2, 7, 255, 3]\n"
     "y: u8[4] = mod(a, b)\n",
     "[1, 4, 7, 0]", 0},
    {"mod i64 beyond f64",
     "a: i64[4] = const [9223372036854775807, -9223372036854775808, 4611686018427387905, "
     "-4611686018427387905]\n"
     "b: i64[4] = const [10, 7, -3, 2305843009213693952]\n"
     "y: i64[4] = mod(a, b)\n",
     "[7, 6, -1, 2305843009213693951]", 0},
    {"mod f64, all signs",
     "a: f64[16] = const [7, 7, -7, -7, 7.5, -7.5, 1, -1, 1e-30, -1e-30, 0, 5, -0, nan, 1, "
     "0]\n"
     "b: f64[16] = const [2, -2, 2, -2, 0.1, 0.1, 3, 3, 4, 4, 3, inf, 2, 1, nan, 0]\n"
     "y: f64[16] = mod(a, b)\n",
     "[1, -1, 1, -1, 0.09999999999999959, 4.163336342344337e-16, 1, 2, 1e-30, 4, 0, 5, -0, "
     "nan, nan, nan]",
     1},
    {"mod f32",
     "a: f32[16] = const [7, 7, -7, -7, 7.5, -7.5, 1, -1, 1.0000000031710769e-30, "
     "-1.0000000031710769e-30, 0, 5, -0, nan, 1, 0]\n"
     "b: f32[16] = const [2, -2, 2, -2, 0.10000000149011612, 0.10000000149011612, 3, 3, 4, 4, "
     "3, inf, 2, 1, nan, 0]\n"
     "y: f32[16] = mod(a, b)\n",
     "[1, -1, 1, -1, 0.09999988973140717, 1.1175870895385742e-07, 1, 2, "
     "1.0000000031710769e-30, 4, 0, 5, -0, nan, nan, nan]",
     1},
    {"mod f16",
     "a: f16[5] = const [7, -7, 2.5, -2.5, 60000]\n"
     "b: f16[5] = const [2, 2, -1, 0.75, 7]\n"
     "y: f16[5] = mod(a, b)\n",
     "[1, 1, -0.5, 0.5, 3]", 1},
    {"fmod i8, all signs",
     "a: i8[9] = const [7, 7, -7, -7, 6, -6, 0, -128, 127]\n"
     "b: i8[9] = const [2, -2, 2, -2, 3, 3, -5, 3, -128]\n"
     "y: i8[9] = fmod(a, b)\n",
     "[1, 1, -1, -1, 0, 0, 0, -2, 127]", 0},
    {"fmod u8",
     "a: u8[4] = const [255, 200, 7, 0]\n"
     "b: u8[4] = const [2, 7, 255, 3]\n"
     "y: u8[4] = fmod(a, b)\n",
     "[1, 4, 7, 0]", 0},
    {"fmod i64 beyond f64",
     "a: i64[4] = const [9223372036854775807, -9223372036854775808, 4611686018427387905, "
     "-4611686018427387905]\n"
     "b: i64[4] = const [10, 7, -3, 2305843009213693952]\n"
     "y: i64[4] = fmod(a, b)\n",
     "[7, -1, 2, -1]", 0},
    {"fmod f64, all signs",
     "a: f64[16] = const [7, 7, -7, -7, 7.5, -7.5, 1, -1, 1e-30, -1e-30, 0, 5, -0, nan, 1, "
     "0]\n"
     "b: f64[16] = const [2, -2, 2, -2, 0.1, 0.1, 3, 3, 4, 4, 3, inf, 2, 1, nan, 0]\n"
     "y: f64[16] = fmod(a, b)\n",
     "[1, 1, -1, -1, 0.09999999999999959, -0.09999999999999959, 1, -1, 1e-30, -1e-30, 0, 5, "
     "-0, nan, nan, nan]",
     1},
    {"fmod f32",
     "a: f32[16] = const [7, 7, -7, -7, 7.5, -7.5, 1, -1, 1.0000000031710769e-30, "
     "-1.0000000031710769e-30, 0, 5, -0, nan, 1, 0]\n"
     "b: f32[16] = const [2, -2, 2, -2, 0.10000000149011612, 0.10000000149011612, 3, 3, 4, 4, "
     "3, inf, 2, 1, nan, 0]\n"
     "y: f32[16] = fmod(a, b)\n",
     "[1, 1, -1, -1, 0.09999988973140717, -0.09999988973140717, 1, -1, "
     "1.0000000031710769e-30, -1.0000000031710769e-30, 0, 5, -0, nan, nan, nan]",
     1},
    {"fmod f16",
     "a: f16[5] = const [7, -7, 2.5, -2.5, 60000]\n"
     "b: f16[5] = const [2, 2, -1, 0.75, 7]\n"
     "y: f16[5] = fmod(a, b)\n",
     "[1, -1, 0.5, -0.25, 3]", 1},
    {"mod takes the divisor's side of infinity",
     "a: f32[5] = const [5, -5, 5, -5, 0]\n"
     "b: f32[5] = const [inf, inf, -inf, -inf, inf]\n"
     "y: f32[5] = mod(a, b)\n",
     "[5, inf, -inf, -5, 0]", 0},
    {"mod rounds the sum",
     "a: f32[2] = const [-1.0000000031710769e-30, 1.0000000031710769e-30]\n"
     "b: f32[2] = const [1, -1]\n"
     "y: f32[2] = mod(a, b)\n",
     "[1, -1]", 0},
    {"fmod keeps a under infinity",
     "a: f32[4] = const [5, -5, inf, 3]\n"
     "b: f32[4] = const [inf, -inf, 2, 0]\n"
     "y: f32[4] = fmod(a, b)\n",
     "[5, -5, nan, nan]", 0},
    {"fmod of a large quotient is exact",
     "a: f64[2] = const [1e+300, -1e+300]\n"
     "b: f64[2] = const [3, 7.25]\n"
     "y: f64[2] = fmod(a, b)\n",
     "[0, -6.5]", 0},
    {"pow f64",
     "a: f64[12] = const [2, 2, 0.5, 9, -2, -2, -8, 0, 0, 4, 1e+200, 1e-200]\n"
     "b: f64[12] = const [10, -1, 3, 0.5, 3, 2, 0.3333333333333333, 2, 0, -0.5, 2, 2]\n"
     "y: f64[12] = pow(a, b)\n",
     "[1024, 0.5, 0.125, 3, -8, 4, nan, 0, 1, 0.5, inf, 0]", 1},
    {"pow of limits",
     "a: f32[13] = const [1, nan, -1, inf, inf, -inf, -inf, 0.5, 2, 2, nan, -inf, 0]\n"
     "b: f32[13] = const [nan, 0, inf, -1, 0, 3, -3, inf, inf, -inf, 1, 0.5, inf]\n"
     "y: f32[13] = pow(a, b)\n",
     "[1, 1, 1, 0, 1, -inf, -0, 0, inf, 0, nan, inf, 0]", 1},
    {"pow of infinity to huge exponents",
     "a: f64[3] = const [-inf, -inf, inf]\n"
     "b: f64[3] = const [-9.223372036854775808e+18, 9.223372036854775808e+18, -1e300]\n"
     "y: f64[3] = pow(a, b)\n",
     "[0, inf, 0]", 1},
    {"pow f16 overflows",
     "a: f16[3] = const [256, 2, 3]\n"
     "b: f16[3] = const [2, 15, -2]\n"
     "y: f16[3] = pow(a, b)\n",
     "[inf, 32768, 0.111083984375]", 0},
    {"pow i32",
     "a: i32[6] = const [2, -3, 0, 0, 10, -1]\n"
     "b: i32[6] = const [10, 3, 0, 5, 9, 7]\n"
     "y: i32[6] = pow(a, b)\n",
     "[1024, -27, 1, 0, 1000000000, -1]", 0},
    {"pow i64 beyond f64",
     "a: i64[3] = const [3, -3, 7]\n"
     "b: i64[3] = const [39, 39, 22]\n"
     "y: i64[3] = pow(a, b)\n",
     "[4052555153018976267, -4052555153018976267, 3909821048582988049]", 0},
    {"pow u8 wraps",
     "a: u8[3] = const [2, 3, 255]\n"
     "b: u8[3] = const [7, 6, 2]\n"
     "y: u8[3] = pow(a, b)\n",
     "[128, 217, 1]", 0},
    {"pow of a base and an integer exponent",
     "a: f32[4] = const [2, -2, 0.5, -1]\n"
     "b: i64[4] = const [3, 3, -2, -5]\n"
     "y: f32[4] = pow(a, b)\n",
     "[8, -8, 4, -1]", 0},
    {"pow of integers to fractions truncates",
     "a: i32[4] = const [2, 10, 8, 0]\n"
     "b: f32[4] = const [0.5, 1.5, 2, 3.5]\n"
     "y: i32[4] = pow(a, b)\n",
     "[1, 31, 64, 0]", 0},
    {"min f32",
     "a: f32[5] = const [1, -2, nan, inf, 3]\n"
     "b: f32[5] = const [2, -3, 1, -inf, nan]\n"
     "y: f32[5] = min(a, b)\n",
     "[1, -3, nan, -inf, nan]", 0},
    {"max f32",
     "a: f32[5] = const [1, -2, nan, inf, 3]\n"
     "b: f32[5] = const [2, -3, 1, -inf, nan]\n"
     "y: f32[5] = max(a, b)\n",
     "[2, -2, nan, inf, nan]", 0},
    {"max of three broadcasts",
     "a: i32[2,1] = const [1, 5]\n"
     "b: i32[3] = const [3, -3, 4]\n"
     "c: i32[] = const [2]\n"
     "y: i32[2,3] = max(a, b, c)\n",
     "[3, 2, 4, 5, 5, 5]", 0},
    {"min of four with NaN",
     "a: f64[2] = const [1, 2]\n"
     "b: f64[2] = const [0.5, nan]\n"
     "c: f64[2] = const [3, 1]\n"
     "d: f64[2] = const [2, 0]\n"
     "y: f64[2] = min(a, b, c, d)\n",
     "[0.5, nan]", 0},
    {"min u8",
     "a: u8[3] = const [0, 255, 7]\n"
     "b: u8[3] = const [255, 1, 7]\n"
     "y: u8[3] = min(a, b)\n",
     "[0, 1, 7]", 0},
    {"max i64 beyond f64",
     "a: i64[2] = const [9223372036854775807, -9223372036854775808]\n"
     "b: i64[2] = const [9223372036854775806, -9223372036854775807]\n"
     "y: i64[2] = max(a, b)\n",
     "[9223372036854775807, -9223372036854775807]", 0},
    {"atan2 f64",
     "a: f64[11] = const [0, 1, 1, -1, -1, inf, 1, -1, nan, -inf, 1e-300]\n"
     "b: f64[11] = const [1, 0, -1, -1, 0, inf, inf, -inf, 1, -inf, -1]\n"
     "y: f64[11] = atan2(a, b)\n",
     "[0, 1.5707963267948966, 2.356194490192345, -2.356194490192345, -1.5707963267948966, "
     "0.7853981633974483, 0, -3.141592653589793, nan, -2.356194490192345, 3.141592653589793]",
     1},
    {"atan2 f32",
     "a: f32[6] = const [0, 1, 1, -1, 0.25, 3]\n"
     "b: f32[6] = const [1, 0, -1, -1, 8, -0.0010000000474974513]\n"
     "y: f32[6] = atan2(a, b)\n",
     "[0, 1.5707963705062866, 2.356194496154785, -2.356194496154785, 0.031239833682775497, "
     "1.5711296796798706]",
     1},
    {"and",
     "a: bool[4] = const [false, false, true, true]\n"
     "b: bool[4] = const [false, true, false, true]\n"
     "y: bool[4] = and(a, b)\n",
     "[false, false, false, true]", 0},
    {"or",
     "a: bool[4] = const [false, false, true, true]\n"
     "b: bool[4] = const [false, true, false, true]\n"
     "y: bool[4] = or(a, b)\n",
     "[false, true, true, true]", 0},
    {"xor",
     "a: bool[4] = const [false, false, true, true]\n"
     "b: bool[4] = const [false, true, false, true]\n"
     "y: bool[4] = xor(a, b)\n",
     "[false, true, true, false]", 0},
    {"and broadcasts",
     "a: bool[2,1] = const [true, false]\n"
     "b: bool[2] = const [true, false]\n"
     "y: bool[2,2] = and(a, b)\n",
     "[true, false, false, false]", 0},
    {"not",
     "a: bool[2] = const [true, false]\n"
     "y: bool[2] = not(a)\n",
     "[false, true]", 0},
    {"bit_and i8",
     "a: i8[5] = const [12, -1, -128, -7, 0]\n"
     "b: i8[5] = const [10, 5, 127, -2, -128]\n"
     "y: i8[5] = bit_and(a, b)\n",
     "[8, 5, 0, -8, 0]", 0},
    {"bit_and u8",
     "a: u8[3] = const [12, 255, 170]\n"
     "b: u8[3] = const [10, 128, 85]\n"
     "y: u8[3] = bit_and(a, b)\n",
     "[8, 128, 0]", 0},
    {"bit_and i64",
     "a: i64[2] = const [9223372036854775807, -9223372036854775808]\n"
     "b: i64[2] = const [-2, 4611686018427387905]\n"
     "y: i64[2] = bit_and(a, b)\n",
     "[9223372036854775806, 0]", 0},
    {"bit_or i8",
     "a: i8[5] = const [12, -1, -128, -7, 0]\n"
     "b: i8[5] = const [10, 5, 127, -2, -128]\n"
     "y: i8[5] = bit_or(a, b)\n",
     "[14, -1, -1, -1, -128]", 0},
    {"bit_or u8",
     "a: u8[3] = const [12, 255, 170]\n"
     "b: u8[3] = const [10, 128, 85]\n"
     "y: u8[3] = bit_or(a, b)\n",
     "[14, 255, 255]", 0},
    {"bit_or i64",
     "a: i64[2] = const [9223372036854775807, -9223372036854775808]\n"
     "b: i64[2] = const [-2, 4611686018427387905]\n"
     "y: i64[2] = bit_or(a, b)\n",
     "[-1, -4611686018427387903]", 0},
    {"bit_xor i8",
     "a: i8[5] = const [12, -1, -128, -7, 0]\n"
     "b: i8[5] = const [10, 5, 127, -2, -128]\n"
     "y: i8[5] = bit_xor(a, b)\n",
     "[6, -6, -1, 7, -128]", 0},
    {"bit_xor u8",
     "a: u8[3] = const [12, 255, 170]\n"
     "b: u8[3] = const [10, 128, 85]\n"
     "y: u8[3] = bit_xor(a, b)\n",
     "[6, 127, 255]", 0},
    {"bit_xor i64",
     "a: i64[2] = const [9223372036854775807, -9223372036854775808]\n"
     "b: i64[2] = const [-2, 4611686018427387905]\n"
     "y: i64[2] = bit_xor(a, b)\n",
     "[-9223372036854775807, -4611686018427387903]", 0},
    {"bit_not i8",
     "a: i8[5] = const [0, -1, 127, -128, 5]\n"
     "y: i8[5] = bit_not(a)\n",
     "[-1, 0, -128, 127, -6]", 0},
    {"bit_not u8",
     "a: u8[3] = const [0, 255, 170]\n"
     "y: u8[3] = bit_not(a)\n",
     "[255, 0, 85]", 0},
    {"bit_not u32",
     "a: u32[3] = const [0, 4294967295, 7]\n"
     "y: u32[3] = bit_not(a)\n",
     "[4294967295, 0, 4294967288]", 0},
    {"shift_left i8 drops bits",
     "a: i8[5] = const [1, -1, 127, 64, -128]\n"
     "b: i8[5] = const [7, 1, 1, 2, 0]\n"
     "y: i8[5] = shift_left(a, b)\n",
     "[-128, -2, -2, 0, -128]", 0},
    {"shift_left u8",
     "a: u8[3] = const [1, 255, 3]\n"
     "b: u8[3] = const [7, 4, 1]\n"
     "y: u8[3] = shift_left(a, b)\n",
     "[128, 240, 6]", 0},
    {"shift_left i64",
     "a: i64[3] = const [1, -1, 4611686018427387904]\n"
     "b: i64[3] = const [63, 63, 1]\n"
     "y: i64[3] = shift_left(a, b)\n",
     "[-9223372036854775808, -9223372036854775808, -9223372036854775808]", 0},
    {"shift_right i8 keeps the sign",
     "a: i8[5] = const [127, -128, -1, -7, 7]\n"
     "b: i8[5] = const [3, 7, 5, 1, 0]\n"
     "y: i8[5] = shift_right(a, b)\n",
     "[15, -1, -1, -4, 7]", 0},
    {"shift_right u8",
     "a: u8[3] = const [255, 128, 3]\n"
     "b: u8[3] = const [4, 7, 1]\n"
     "y: u8[3] = shift_right(a, b)\n",
     "[15, 1, 1]", 0},
    {"shift_right i64",
     "a: i64[3] = const [9223372036854775807, -9223372036854775808, -5]\n"
     "b: i64[3] = const [62, 63, 1]\n"
     "y: i64[3] = shift_right(a, b)\n",
     "[1, -1, -3]", 0},
    {"equal f32",
     "a: f32[7] = const [1, 2, 0, -0, nan, inf, 1]\n"
     "b: f32[7] = const [1, 1, -0, 0, nan, inf, nan]\n"
     "y: bool[7] = equal(a, b)\n",
     "[true, false, true, true, false, true, false]", 0},
    {"equal i64 beyond f64",
     "a: i64[3] = const [9223372036854775807, 9223372036854775806, -9223372036854775808]\n"
     "b: i64[3] = const [9223372036854775806, 9223372036854775807, -9223372036854775808]\n"
     "y: bool[3] = equal(a, b)\n",
     "[false, false, true]", 0},
    {"equal broadcasts u8",
     "a: u8[2,1] = const [255, 0]\n"
     "b: u8[3] = const [0, 128, 255]\n"
     "y: bool[2,3] = equal(a, b)\n",
     "[false, false, true, true, false, false]", 0},
    {"not_equal f32",
     "a: f32[7] = const [1, 2, 0, -0, nan, inf, 1]\n"
     "b: f32[7] = const [1, 1, -0, 0, nan, inf, nan]\n"
     "y: bool[7] = not_equal(a, b)\n",
     "[false, true, false, false, true, false, true]", 0},
    {"not_equal i64 beyond f64",
     "a: i64[3] = const [9223372036854775807, 9223372036854775806, -9223372036854775808]\n"
     "b: i64[3] = const [9223372036854775806, 9223372036854775807, -9223372036854775808]\n"
     "y: bool[3] = not_equal(a, b)\n",
     "[true, true, false]", 0},
    {"not_equal broadcasts u8",
     "a: u8[2,1] = const [255, 0]\n"
     "b: u8[3] = const [0, 128, 255]\n"
     "y: bool[2,3] = not_equal(a, b)\n",
     "[true, true, false, false, true, true]", 0},
    {"greater f32",
     "a: f32[7] = const [1, 2, 0, -0, nan, inf, 1]\n"
     "b: f32[7] = const [1, 1, -0, 0, nan, inf, nan]\n"
     "y: bool[7] = greater(a, b)\n",
     "[false, true, false, false, false, false, false]", 0},
    {"greater i64 beyond f64",
     "a: i64[3] = const [9223372036854775807, 9223372036854775806, -9223372036854775808]\n"
     "b: i64[3] = const [9223372036854775806, 9223372036854775807, -9223372036854775808]\n"
     "y: bool[3] = greater(a, b)\n",
     "[true, false, false]", 0},
    {"greater broadcasts u8",
     "a: u8[2,1] = const [255, 0]\n"
     "b: u8[3] = const [0, 128, 255]\n"
     "y: bool[2,3] = greater(a, b)\n",
     "[true, true, false, false, false, false]", 0},
    {"less_equal f32",
     "a: f32[7] = const [1, 2, 0, -0, nan, inf, 1]\n"
     "b: f32[7] = const [1, 1, -0, 0, nan, inf, nan]\n"
     "y: bool[7] = less_equal(a, b)\n",
     "[true, false, true, true, false, true, false]", 0},
    {"less_equal i64 beyond f64",
     "a: i64[3] = const [9223372036854775807, 9223372036854775806, -9223372036854775808]\n"
     "b: i64[3] = const [9223372036854775806, 9223372036854775807, -9223372036854775808]\n"
     "y: bool[3] = less_equal(a, b)\n",
     "[false, true, true]", 0},
    {"less_equal broadcasts u8",
     "a: u8[2,1] = const [255, 0]\n"
     "b: u8[3] = const [0, 128, 255]\n"
     "y: bool[2,3] = less_equal(a, b)\n",
     "[false, false, true, true, true, true]", 0},
    {"greater_equal f32",
     "a: f32[7] = const [1, 2, 0, -0, nan, inf, 1]\n"
     "b: f32[7] = const [1, 1, -0, 0, nan, inf, nan]\n"
     "y: bool[7] = greater_equal(a, b)\n",
     "[true, true, true, true, false, true, false]", 0},
    {"greater_equal i64 beyond f64",
     "a: i64[3] = const [9223372036854775807, 9223372036854775806, -9223372036854775808]\n"
     "b: i64[3] = const [9223372036854775806, 9223372036854775807, -9223372036854775808]\n"
     "y: bool[3] = greater_equal(a, b)\n",
     "[true, false, true]", 0},
    {"greater_equal broadcasts u8",
     "a: u8[2,1] = const [255, 0]\n"
     "b: u8[3] = const [0, 128, 255]\n"
     "y: bool[2,3] = greater_equal(a, b)\n",
     "[true, true, true, true, false, false]", 0},
    {"equal of bools",
     "a: bool[4] = const [false, false, true, true]\n"
     "b: bool[4] = const [false, true, false, true]\n"
     "y: bool[4] = equal(a, b)\n",
     "[true, false, false, true]", 0},
    {"not_equal of bools",
     "a: bool[4] = const [false, false, true, true]\n"
     "b: bool[4] = const [false, true, false, true]\n"
     "y: bool[4] = not_equal(a, b)\n",
     "[false, true, true, false]", 0},
    {"equal of no elements",
     "a: f32[0,3] = const []\n"
     "b: f32[3] = const [1, 2, 3]\n"
     "y: bool[0,3] = equal(a, b)\n",
     "[]", 0},
};

#endif
