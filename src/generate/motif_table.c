/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The motifs: what graph optimisers rewrite, from the lists of passes that they publish (ONNX
 * Runtime's graph transformers and rewrite rules, inductor's pattern matcher, XLA's algebraic
 * simplifier) and from how front ends write layers out.
 */
#include "generate/motif.h"

#define OPEN {OPERAND_OPEN}
#define X {OPERAND_X}
#define W {OPERAND_WEIGHT}
#define V {OPERAND_VECTOR}
#define OF(s) {OPERAND_STEP, .step = s}
#define PART(s, o) {OPERAND_STEP, .step = s, .output = o}
#define IS(v) {OPERAND_LITERAL, .value = v}
#define LAST_AXIS {"axes", GIVEN_INTS, .n = 1, .i = {-1}}
#define KEPT {"keepdims", GIVEN_INTS, .n = 1, .i = {1}}
#define SAME(attr, s) {attr, GIVEN_SAME, .step = s}
#define CONV "conv1d|conv2d|conv3d"
#define ACTIVATION "relu|leaky_relu|sigmoid|tanh|gelu|hard_swish|softplus|elu|relu6|clip"
#define SCALE "mul|div"

const struct motif motif_table[] = {
    /* ---- convolutions ---- */
    {"conv_bn_act",
     {{CONV, {X, W, OPEN}}, {"batch_norm", {OF(0), W, W, W, W}}, {ACTIVATION, {OF(1)}}}},
    {"conv_mul_add", {{CONV, {X, W, OPEN}}, {"mul", {OF(0), W}}, {"add", {OF(1), W}}}},
    {"conv_add_act", {{CONV, {X, W, OPEN}}, {"add", {OF(0), OPEN}}, {ACTIVATION, {OF(1)}}}},
    {"pad_conv", {{"pad", {X}}, {CONV, {OF(0), W, OPEN}}}, true, 3, 5},
    {"pad_pool", {{"pad", {X}}, {"max_pool|avg_pool", {OF(0)}}}, true, 3, 5},
    {"resize_conv", {{"resize", {X}}, {CONV, {OF(0), W, OPEN}}}, true, 3, 5},
    {"conv_conv", {{CONV, {X, W, OPEN}}, {CONV, {OF(0), W, OPEN}}}},
    {"conv_residual",
     {{CONV, {X, W, OPEN}}, {ACTIVATION, {OF(0)}}, {"add", {OF(1), OPEN}}, {ACTIVATION, {OF(2)}}}},
    {"bn_act", {{"batch_norm", {X, W, W, W, W}}, {ACTIVATION, {OF(0)}}}},

    /* ---- products ---- */
    {"matmul_add_act", {{"matmul", {X, W}}, {"add", {OF(0), V}}, {ACTIVATION, {OF(1)}}}},
    {"gemm_act", {{"gemm|linear", {X, W, OPEN}}, {ACTIVATION, {OF(0)}}}},
    {"scale_matmul_scale",
     {{SCALE, {X, IS(8)}}, {"matmul", {OF(0), OPEN}}, {SCALE, {OF(1), IS(0.125)}}}},
    {"transpose_matmul", {{"transpose", {X}}, {"matmul", {OF(0), OPEN}}}},
    {"transpose_gemm", {{"transpose", {X}}, {"gemm", {OF(0), OPEN, OPEN}}}},
    {"matmul_transpose", {{"matmul", {X, OPEN}}, {"transpose", {OF(0)}}}},
    {"matmul_matmul", {{"matmul", {X, W}}, {"matmul", {OF(0), W}}}},
    {"cast_matmul", {{"cast", {X}}, {"matmul", {OF(0), OPEN}}, {"cast", {OF(1)}, .to_x = true}}},
    {"attention",
     {{"transpose", {OPEN}},
      {"matmul", {X, OF(0)}},
      {SCALE, {OF(1), IS(0.125)}},
      {"add|where", {OF(2), OPEN}},
      {"softmax", {OF(3)}, {{"axis", GIVEN_INTS, .n = 1, .i = {-1}}}},
      {"matmul", {OF(4), OPEN}}}},

    /* ---- normalisation written out ---- */
    {"layer_norm",
     {{"reduce_mean", {X}, {LAST_AXIS, KEPT}},
      {"sub", {X, OF(0)}},
      {"pow", {OF(1), IS(2)}},
      {"reduce_mean", {OF(2)}, {SAME("axes", 0), KEPT}},
      {"add", {OF(3), IS(0x1p-17)}},
      {"sqrt", {OF(4)}},
      {"div", {OF(1), OF(5)}},
      {"mul", {OF(6), V}},
      {"add", {OF(7), V}}}},
    {"rms_norm",
     {{"pow", {X, IS(2)}},
      {"reduce_mean", {OF(0)}, {LAST_AXIS, KEPT}},
      {"add", {OF(1), IS(0x1p-17)}},
      {"sqrt", {OF(2)}},
      {"div", {X, OF(3)}},
      {"mul", {OF(4), V}}}},
    {"skip_layer_norm", {{"add", {X, OPEN}}, {"layer_norm|rms_norm", {OF(0), W, OPEN}}}},
    {"softmax_written_out",
     {{"reduce_max", {X}, {LAST_AXIS, KEPT}},
      {"sub", {X, OF(0)}},
      {"exp", {OF(1)}},
      {"reduce_sum", {OF(2)}, {SAME("axes", 0), KEPT}},
      {"div", {OF(2), OF(3)}}}},
    {"bias_softmax", {{"add", {X, OPEN}}, {"softmax|log_softmax", {OF(0)}}}},
    {"log_of_softmax", {{"softmax", {X}}, {"log", {OF(0)}}}},

    /* ---- activations written out ---- */
    {"gelu_erf",
     {{"div", {X, IS(1.4142135381698608)}},
      {"erf", {OF(0)}},
      {"add", {OF(1), IS(1)}},
      {"mul", {X, OF(2)}},
      {"mul", {OF(3), IS(0.5)}}}},
    {"gelu_tanh",
     {{"pow", {X, IS(3)}},
      {"mul", {OF(0), IS(0.044714998453855515)}},
      {"add", {X, OF(1)}},
      {"mul", {OF(2), IS(0.7978845834732056)}},
      {"tanh", {OF(3)}},
      {"add", {OF(4), IS(1)}},
      {"mul", {X, OF(5)}},
      {"mul", {OF(6), IS(0.5)}}}},
    {"bias_gelu", {{"add", {X, V}}, {"gelu", {OF(0)}}}},
    {"quick_gelu",
     {{"mul", {X, IS(1.7020000219345093)}}, {"sigmoid", {OF(0)}}, {"mul", {X, OF(1)}}}},
    {"swish", {{"sigmoid", {X}}, {"mul", {X, OF(0)}}}},
    {"mish", {{"softplus", {X}}, {"tanh", {OF(0)}}, {"mul", {X, OF(1)}}}},
    {"hard_swish",
     {{"add", {X, IS(3)}}, {"relu6|clip", {OF(0)}}, {"mul", {X, OF(1)}}, {"div", {OF(2), IS(6)}}}},
    {"clip_clip", {{"relu|relu6|clip", {X}}, {"relu|relu6|clip", {OF(0)}}}},
    {"min_max", {{"min", {X, IS(4)}}, {"max", {OF(0), IS(-4)}}}},

    /* ---- what does nothing, or undoes itself ---- */
    {"neutral_element", {{SCALE, {X, IS(1)}}}},
    {"zero_element", {{"add|sub", {X, IS(0)}}}},
    {"times_zero", {{"mul", {X, IS(0)}}, {"add", {OF(0), OPEN}}}},
    {"power", {{"pow", {X, IS(2)}}}},
    {"negate_twice", {{"neg", {X}}, {"neg", {OF(0)}}}},
    {"not_twice", {{"not", {X}}, {"not", {OF(0)}}}},
    {"not_compare", {{"less|greater|equal|less_equal", {X, OPEN}}, {"not", {OF(0)}}}},
    {"exp_log", {{"exp", {X}}, {"log", {OF(0)}}}},
    {"transpose_back",
     {{"transpose", {X}}, {"transpose", {OF(0)}, {{"perm", GIVEN_INVERSE, .step = 0}}}}},
    {"transpose_op_back",
     {{"transpose", {X}},
      {ACTIVATION "|abs|neg|exp", {OF(0)}},
      {"transpose", {OF(1)}, {{"perm", GIVEN_INVERSE, .step = 0}}}}},
    {"transpose_reduce", {{"transpose", {X}}, {"reduce_sum|reduce_mean|reduce_max", {OF(0)}}}},
    {"reshape_back",
     {{"reshape|flatten", {X}},
      {ACTIVATION "|abs|neg", {OF(0)}},
      {"reshape", {OF(1)}, {{"shape", GIVEN_SHAPE}}}}},
    {"reshape_reshape", {{"reshape", {X}}, {"reshape", {OF(0)}}}},
    {"cast_back", {{"cast", {X}}, {"cast", {OF(0)}, .to_x = true}}},
    {"unsqueeze_squeeze", {{"unsqueeze", {X}}, {"squeeze", {OF(0)}, {SAME("axes", 0)}}}},
    {"squeeze_unsqueeze", {{"squeeze", {X}}, {"unsqueeze", {OF(0)}, {SAME("axes", 0)}}}},
    {"split_concat",
     {{"split", {X}, .n_out = 2}, {"concat", {PART(0, 0), PART(0, 1)}, {SAME("axis", 0)}}}},
    {"concat_split", {{"concat", {X, OPEN}}, {"split", {OF(0)}, {SAME("axis", 0)}, .n_out = 2}}},
    {"concat_slice", {{"concat", {X, OPEN}}, {"slice", {OF(0)}}}},
    {"slice_slice", {{"slice", {X}}, {"slice", {OF(0)}}}},
    {"slices_concat", {{"slice", {X}}, {"slice", {X}}, {"concat", {OF(0), OF(1)}}}},
    {"pad_slice", {{"pad", {X}}, {"slice", {OF(0)}}}},
    {"flip_back", {{"flip", {X}}, {"flip", {OF(0)}, {SAME("axes", 0)}}}},
    {"depth_space", {{"depth_to_space", {X}}, {"space_to_depth", {OF(0)}, {SAME("blocksize", 0)}}}},
    {"expand_op", {{"unsqueeze", {X}}, {"expand", {OF(0)}}, {"add|mul", {OF(1), OPEN}}}},

    /* ---- constants ---- */
    {"constant_subgraph",
     {{"add|mul|sub", {W, W}},
      {"exp|neg|abs|transpose|reshape|cast", {OF(0)}},
      {"add|mul", {X, OF(1)}}}},
    {"constants_fold", {{"add|mul", {X, W}}, {"add|mul", {OF(0), W}}}},
    {"constant_condition", {{"where", {W, X, OPEN}}}},
    {"shape_arithmetic",
     {{"shape", {X}}, {"slice|gather", {OF(0), OPEN}}, {"add|mul", {OF(1), OPEN}}}},

    /* ---- quantised layers written out ---- */
    {"quantise_dequantise",
     {{"div|mul", {X, IS(0.0625)}},
      {"round", {OF(0)}},
      {"clip", {OF(1)}},
      {"cast", {OF(2)}, .to = DTYPE_I8},
      {"cast", {OF(3)}, .to_x = true},
      {"mul|div", {OF(4), IS(0.0625)}}}},

    /* ---- reductions ---- */
    {"reduce_reduce",
     {{"reduce_sum|reduce_max|reduce_mean", {X}}, {"reduce_sum|reduce_max|reduce_mean", {OF(0)}}}},
    {"reduce_all_then_squeeze",
     {{"reduce_sum|reduce_mean|reduce_max", {X}, {KEPT}}, {"squeeze", {OF(0)}}}},
    {"mean_by_sum", {{"reduce_sum", {X}}, {SCALE, {OF(0), IS(4)}}}},
    {"log_sum_exp", {{"exp", {X}}, {"reduce_sum", {OF(0)}}, {"log", {OF(1)}}}},
    {"l2", {{"mul", {X, X}}, {"reduce_sum", {OF(0)}}, {"sqrt", {OF(1)}}}},
    {"arg_of_softmax", {{"softmax", {X}}, {"arg_max|top_k", {OF(0)}}}},
};
const size_t motif_count = ARRAY_SIZE(motif_table);
