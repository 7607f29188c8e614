# SPDX-License-Identifier: Apache-2.0
"""Models that others write, read as programs (TAP): defaults by opset, constants in every form,
what is refused and with which words."""
import os
import subprocess
import sys
import tempfile

import numpy as np
import onnx
from onnx import TensorProto as T
from onnx import helper, numpy_helper

X = helper.make_tensor_value_info("x", T.FLOAT, [2, 3])


def model(nodes, inputs=(X,), outputs=("y",), initializers=(), opset=17):
    graph = helper.make_graph(list(nodes), "g", list(inputs),
                              [helper.make_tensor_value_info(o, T.FLOAT, None) for o in outputs],
                              initializer=list(initializers))
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def node(op, inputs, **attributes):
    return helper.make_node(op, inputs, ["y"], **attributes)


def info(name, kind, dims):
    return helper.make_tensor_value_info(name, kind, dims)


def tensor(name, kind, dims, values):
    return helper.make_tensor(name, kind, dims, values)


def numbers(name, array):
    return numpy_helper.from_array(np.asarray(array), name)


IMAGE = info("x", T.FLOAT, [1, 1, 5, 4])
KERNEL = numbers("w", np.ones((1, 1, 3, 2), np.float32))
CONV = ("x: f32[1,1,5,4] = input\nw: f32[1,1,3,2] = const [1, 1, 1, 1, 1, 1]\n"
        "y: f32[1,1,{}] = conv2d(x, w, strides={}, pads={}, dilations=[1,1], group=1)\noutput y\n")
HEAD = "x: f32[2,3] = input\n"
CUBE = info("x", T.FLOAT, [1, 1, 4, 6])


def floats(name, *values):
    return numbers(name, np.array(values, np.float32))


def ints(name, *values):
    return numbers(name, np.array(values, np.int64))


def resize(*initializers, opset=18, **attributes):
    """Resize of CUBE by the scales s or the sizes z."""
    names = {i.name for i in initializers}
    given = ["x", "", "s" if "s" in names else "", "z" if "z" in names else ""]
    return model([node("Resize", given, **attributes)], [CUBE], initializers=initializers, opset=opset)


def pad(pads, *more, **attributes):
    return model([node("Pad", ["x", "p"] + (["", "a"] if more else []), **attributes)], opset=18,
                 initializers=[ints("p", *pads), *more])


def split(dims, parts, opset=18, **attributes):
    outputs = [f"y{k}" for k in range(parts)]
    return model([helper.make_node("Split", ["x"], outputs, **attributes)], [info("x", T.FLOAT, dims)], outputs,
                 opset=opset)


def slice_of(starts, ends, axes, steps):
    lists = [ints("s", *starts), ints("e", *ends), ints("a", *axes), ints("t", *steps)]
    return model([node("Slice", ["x", "s", "e", "a", "t"])], initializers=lists)


def conv(**attributes):
    return model([node("Conv", ["x", "w"], **attributes)], [IMAGE], initializers=[KERNEL])


# name, model, further arguments, expected text
CASES = [
    ("an op on inputs", model([node("Relu", ["x"])]), [], HEAD + "y: f32[2,3] = relu(x)\noutput y\n"),
    ("typed data", model([node("Add", ["x", "w"])],
                         initializers=[tensor("w", T.FLOAT, [3], [1, 2.5, -3])]), [],
     HEAD + "w: f32[3] = const [1, 2.5, -3]\ny: f32[2,3] = add(x, w)\noutput y\n"),
    ("typed data of narrow types",
     model([node("Add", ["x", "w"])], [info("x", T.FLOAT16, [2])],
           initializers=[tensor("w", T.FLOAT16, [2], np.array([1.5, -2], np.float16))]), [],
     "x: f16[2] = input\nw: f16[2] = const [1.5, -2]\ny: f16[2] = add(x, w)\noutput y\n"),
    ("typed data of uint32", model([node("Add", ["x", "w"])], [info("x", T.UINT32, [2])],
                                   initializers=[tensor("w", T.UINT32, [2], [1, 4294967295])]), [],
     "x: u32[2] = input\nw: u32[2] = const [1, 4294967295]\ny: u32[2] = add(x, w)\noutput y\n"),
    ("raw data", model([node("Add", ["x", "w"])], initializers=[numbers("w", np.float32(7))]), [],
     HEAD + "w: f32[] = const [7]\ny: f32[2,3] = add(x, w)\noutput y\n"),
    ("a constant that is not used", model([node("Relu", ["x"])],
                                          initializers=[numbers("w", np.float32(7))]), [],
     HEAD + "y: f32[2,3] = relu(x)\noutput y\n"),
    ("an initializer listed as input",
     model([node("Add", ["x", "w"])], [X, info("w", T.FLOAT, [])],
           initializers=[numbers("w", np.float32(7))]), [],
     HEAD + "w: f32[] = const [7]\ny: f32[2,3] = add(x, w)\noutput y\n"),
    ("Constant nodes and Identity",
     model([helper.make_node("Constant", [], ["c"], value_float=2.0),
            helper.make_node("Identity", ["x"], ["i"]), helper.make_node("Mul", ["i", "c"], ["m"]),
            helper.make_node("Constant", [], ["s"], value_ints=[3, -1]),
            helper.make_node("Identity", ["s"], ["t"]), node("Reshape", ["m", "t"])]), [],
     HEAD + "c: f32[] = const [2]\nm: f32[2,3] = mul(x, c)\ny: f32[3,2] = reshape(m, shape=[3,2])\n"
     "output y\n"),
    ("names become identifiers",
     model([helper.make_node("Neg", ["in.1"], ["/a/b"]), helper.make_node("Neg", ["/a/b"], ["_a_b"]),
            node("Neg", ["_a_b"])], [info("in.1", T.FLOAT, [1])]), [],
     "in_1: f32[1] = input\n_a_b: f32[1] = neg(in_1)\n_a_b_2: f32[1] = neg(_a_b)\n"
     "y: f32[1] = neg(_a_b_2)\noutput y\n"),
    ("names that are words of the text form",
     model([helper.make_node("Neg", ["input"], ["const"]), helper.make_node("Neg", ["const"], ["output"])],
           [info("input", T.FLOAT, [1])], ["output"]), [],
     "input: f32[1] = input\nconst: f32[1] = neg(input)\noutput: f32[1] = neg(const)\n"
     "output output\n"),
    ("dims by name", model([node("Neg", ["x"])], [info("x", T.FLOAT, ["N", "M", None])]), ["N=4"],
     "x: f32[4,1,1] = input\ny: f32[4,1,1] = neg(x)\noutput y\n"),
    ("a dim that is no number", model([node("Neg", ["x"])], [info("x", T.FLOAT, ["N"])]), ["N=a"],
     "wrong use: 'N=a' gives no dim: write NAME=NUMBER\n"),
    ("Clip's limits as attributes", model([node("Clip", ["x"], max=1.5)], opset=10), [],
     HEAD + "y: f32[2,3] = clip(x, min=-3.4028234663852886e+38, max=1.5)\noutput y\n"),
    ("Clip's limits as inputs", model([node("Clip", ["x", "", "w"])],
                                      initializers=[numbers("w", np.float32(1.5))]), [],
     HEAD + "y: f32[2,3] = clip(x, min=-3.4028234663852886e+38, max=1.5)\noutput y\n"),
    ("Clip without limits on integers", model([node("Clip", ["x"])], [info("x", T.INT16, [1])]), [],
     "x: i16[1] = input\ny: i16[1] = clip(x, min=-32768.0, max=32767.0)\noutput y\n"),
    ("Clip by computed limits", model([node("Clip", ["x", "x"])]), [],
     "not supported: model: y (Clip): its input x is not a constant\n"),
    ("ReduceSum over all", model([node("ReduceSum", ["x"])]), [],
     HEAD + "y: f32[1,1] = reduce_sum(x, axes=[0,1], keepdims=true)\noutput y\n"),
    ("ReduceSum over nothing", model([helper.make_node("ReduceSum", ["x"], ["r"],
                                                       noop_with_empty_axes=1), node("Neg", ["r"])]),
     [], HEAD + "y: f32[2,3] = neg(x)\noutput y\n"),
    ("ReduceSum's axes as attribute", model([node("ReduceSum", ["x"], axes=[1], keepdims=0)],
                                            opset=11), [],
     HEAD + "y: f32[2] = reduce_sum(x, axes=[1], keepdims=false)\noutput y\n"),
    ("ReduceMax's axes as input", model([node("ReduceMax", ["x", "a"])], opset=18,
                                        initializers=[numbers("a", np.array([-1]))]), [],
     HEAD + "y: f32[2,1] = reduce_max(x, axes=[-1], keepdims=true)\noutput y\n"),
    ("ArgMax's defaults", model([node("ArgMax", ["x"])]), [],
     HEAD + "y: i64[1,3] = arg_max(x, axis=0, keepdims=true)\noutput y\n"),
    ("ArgMax of the last", model([node("ArgMax", ["x"], select_last_index=1)]), [],
     HEAD + "y: i64[1,3] = arg_max(x, axis=0, keepdims=true, select_last_index=true)\noutput y\n"),
    ("Softmax's default", model([node("Softmax", ["x"])]), [],
     HEAD + "y: f32[2,3] = softmax(x, axis=-1)\noutput y\n"),
    ("Softmax before 13 on the last axis", model([node("Softmax", ["x"])], opset=11), [],
     HEAD + "y: f32[2,3] = softmax(x, axis=1)\noutput y\n"),
    ("Softmax before 13 on another", model([node("Softmax", ["x"], axis=0)], opset=11), [],
     "not supported: model: y (Softmax): before opset 13 on an axis that is not the last\n"),
    ("Transpose's default", model([node("Transpose", ["x"])]), [],
     HEAD + "y: f32[3,2] = transpose(x, perm=[1,0])\noutput y\n"),
    ("Reshape with 0 and -1", model([node("Reshape", ["x", "s"])],
                                    initializers=[numbers("s", np.array([0, 1, -1]))]), [],
     HEAD + "y: f32[2,1,3] = reshape(x, shape=[2,1,3])\noutput y\n"),
    ("Reshape that does not fit", model([node("Reshape", ["x", "s"])],
                                        initializers=[numbers("s", np.array([4, -1]))]), [],
     "malformed input: model: y (Reshape): the dim -1 does not follow from 6 elements\n"),
    ("Reshape by a computed shape", model([node("Reshape", ["x", "x"])]), [],
     "not supported: model: y (Reshape): its input x is not a constant\n"),
    ("Gather", model([node("Gather", ["x", "i"], axis=1)],
                     initializers=[numbers("i", np.array([[0, -1]], np.int32))]), [],
     HEAD + "i: i32[1,2] = const [0, -1]\ny: f32[2,1,2] = gather(x, i, axis=1)\noutput y\n"),
    ("Concat", model([node("Concat", ["x", "x", "x"], axis=-1)]), [],
     HEAD + "y: f32[2,9] = concat(x, x, x, axis=-1)\noutput y\n"),
    ("Conv's defaults", model([node("Conv", ["x", "w"])], [IMAGE], initializers=[KERNEL]), [],
     CONV.format("3,3", "[1,1]", "[0,0,0,0]")),
    ("Conv SAME_UPPER", model([node("Conv", ["x", "w"], auto_pad="SAME_UPPER", strides=[2, 1])],
                              [IMAGE], initializers=[KERNEL]), [],
     CONV.format("3,4", "[2,1]", "[1,0,1,1]")),
    ("Conv SAME_LOWER", model([node("Conv", ["x", "w"], auto_pad="SAME_LOWER", strides=[2, 1])],
                              [IMAGE], initializers=[KERNEL]), [],
     CONV.format("3,4", "[2,1]", "[1,1,1,0]")),
    ("Conv of another kernel", model([node("Conv", ["x", "w"], kernel_shape=[2, 2])], [IMAGE],
                                     initializers=[KERNEL]), [],
     "malformed input: model: y (Conv): kernel_shape is not the weight's\n"),
    ("Conv of 1 dim", model([node("Conv", ["x", "w"])], [info("x", T.FLOAT, [1, 1, 4])],
                            initializers=[numbers("w", np.ones((1, 1, 2), np.float32))]), [],
     "x: f32[1,1,4] = input\nw: f32[1,1,2] = const [1, 1]\n"
     "y: f32[1,1,3] = conv1d(x, w, strides=[1], pads=[0,0], dilations=[1], group=1)\noutput y\n"),
    ("Conv of 4 dims", model([node("Conv", ["x", "w"])], [info("x", T.FLOAT, [1] * 6)],
                             initializers=[numbers("w", np.ones((1,) * 6, np.float32))]), [],
     "not supported: model: y (Conv): a convolution that is not of 1 to 3 dims\n"),
    ("ConvTranspose's output_shape",
     model([node("ConvTranspose", ["x", "w"], output_shape=[6], strides=[2])],
           [info("x", T.FLOAT, [1, 1, 3])],
           initializers=[numbers("w", np.ones((1, 1, 3), np.float32))]), [],
     "x: f32[1,1,3] = input\nw: f32[1,1,3] = const [1, 1, 1]\n"
     "y: f32[1,1,6] = conv_transpose1d(x, w, strides=[2], pads=[1,0], dilations=[1], group=1, "
     "output_padding=[0])\noutput y\n"),
    ("Gemm's defaults", model([node("Gemm", ["x", "x"], transB=1)]), [],
     HEAD + "y: f32[2,2] = gemm(x, x, transA=false, transB=true, alpha=1.0, beta=1.0)\n"
     "output y\n"),
    ("Einsum without a result", model([node("Einsum", ["x", "x"], equation="b i, ci")]), [],
     HEAD + "y: f32[2,2] = einsum(x, x, equation=\"bi,ci->bc\")\noutput y\n"),
    ("Einsum's ellipsis", model([node("Einsum", ["x", "x"], equation="...i,...j->...ij")]), [],
     HEAD + "y: f32[2,3,3] = einsum(x, x, equation=\"Fi,Fj->Fij\")\noutput y\n"),
    ("Einsum of a wrong count", model([node("Einsum", ["x"], equation="ij,jk")]), [],
     "not supported: model: y (Einsum): equation \"ij,jk\" on 1 operands\n"),
    ("an output that is an input", model([helper.make_node("Identity", ["x"], ["y"])]), [],
     HEAD + "output x\n"),
    ("another op", model([node("Bernoulli", ["x"])]), [],
     "not supported: model: y (Bernoulli): the op is not in the catalogue\n"),
    ("another domain", model([helper.make_node("Relu", ["x"], ["y"], domain="com.example")]), [],
     "not supported: model: y (Relu): ops of domain com.example are not in the catalogue\n"),
    ("another type", model([node("Neg", ["x"])], [info("x", T.UINT64, [1])]), [],
     "not supported: model: input x has data type 13 and rank 1\n"),
    ("an unknown attribute", model([node("Relu", ["x"], alpha=1.0)]), [],
     "not supported: model: y (Relu): its attribute alpha has no form here\n"),
    ("a type the opset has not", model([node("Relu", ["x"])], [info("x", T.INT32, [1])], opset=13),
     [], "malformed input: model: y (Relu): opset 13 does not have it on i32\n"),
    ("an input that nothing makes", model([node("Relu", ["z"])]), [],
     "malformed input: model: y (Relu): nothing before it makes its input z\n"),
    ("shapes that do not fit", model([node("Add", ["x", "w"])],
                                     initializers=[numbers("w", np.ones(2, np.float32))]), [],
     "malformed input: model: y (Add): its input shapes [2,3] [2] and attributes do not fit "
     "together\n"),
    ("a type that the op has not here", model([node("ReduceL2", ["x"])], [info("x", T.INT32, [1])],
                                              opset=20), [],
     "not supported: model: y (ReduceL2): reduce_l2 here does not take i32\n"),
    ("a rank that the op has not here", model([node("Neg", ["x"])], [info("x", T.FLOAT, [1] * 7)]),
     [], "not supported: model: input x has data type 1 and rank 7\n"),
    ("an old opset", model([node("Relu", ["x"])], opset=6), [],
     "not supported: model: opset 6; 7 to 28 are known\n"),
    ("Resize by scales", resize(floats("s", 1, 1, 2, 0.5)), [],
     "x: f32[1,1,4,6] = input\ny: f32[1,1,8,3] = resize(x, sizes=[8,3], mode=\"nearest\", "
     "coordinate_transformation_mode=\"half_pixel\", nearest_mode=\"round_prefer_floor\", "
     "cubic_coeff_a=-0.75)\noutput y\n"),
    ("Resize by scales that sizes do not say", resize(floats("s", 1, 1, 1.3, 1)), [],
     "x: f32[1,1,4,6] = input\ny: f32[1,1,5,6] = resize(x, sizes=[5,6], mode=\"nearest\", "
     "coordinate_transformation_mode=\"half_pixel\", nearest_mode=\"round_prefer_floor\", "
     "cubic_coeff_a=-0.75, scale_h=1.2999999523162842, scale_w=1.0)\noutput y\n"),
    ("Resize by sizes", resize(ints("z", 1, 1, 3, 9)), [],
     "x: f32[1,1,4,6] = input\ny: f32[1,1,3,9] = resize(x, sizes=[3,9], mode=\"nearest\", "
     "coordinate_transformation_mode=\"half_pixel\", nearest_mode=\"round_prefer_floor\", "
     "cubic_coeff_a=-0.75)\noutput y\n"),
    ("Resize along axes", resize(ints("z", 8), axes=[-2]), [],
     "x: f32[1,1,4,6] = input\ny: f32[1,1,8,6] = resize(x, sizes=[8,6], mode=\"nearest\", "
     "coordinate_transformation_mode=\"half_pixel\", nearest_mode=\"round_prefer_floor\", "
     "cubic_coeff_a=-0.75)\noutput y\n"),
    ("Resize, not larger", resize(ints("z", 8, 8), axes=[2, 3], keep_aspect_ratio_policy="not_larger"), [],
     "x: f32[1,1,4,6] = input\ny: f32[1,1,5,8] = resize(x, sizes=[5,8], mode=\"nearest\", "
     "coordinate_transformation_mode=\"half_pixel\", nearest_mode=\"round_prefer_floor\", "
     "cubic_coeff_a=-0.75, scale_h=1.3333333333333333, scale_w=1.3333333333333333)\noutput y\n"),
    ("Resize, not smaller", resize(ints("z", 8, 8), axes=[2, 3], keep_aspect_ratio_policy="not_smaller"), [],
     "x: f32[1,1,4,6] = input\ny: f32[1,1,8,12] = resize(x, sizes=[8,12], mode=\"nearest\", "
     "coordinate_transformation_mode=\"half_pixel\", nearest_mode=\"round_prefer_floor\", "
     "cubic_coeff_a=-0.75)\noutput y\n"),
    ("Resize by an unknown policy", resize(ints("z", 8, 8), axes=[2, 3], keep_aspect_ratio_policy="any"), [],
     "malformed input: model: y (Resize): unknown keep_aspect_ratio_policy\n"),
    ("Resize by neither", resize(), [],
     "malformed input: model: y (Resize): input 2 is missing\n"),
    ("Resize by one scale of four", resize(floats("s", 2)), [],
     "malformed input: model: y (Resize): scales must be a float for each axis\n"),
    ("Resize to nothing", resize(floats("s", 1, 1, 0.1, 1)), [],
     "not supported: model: y (Resize): a scale to no element, or to too many\n"),
    ("Resize to a size of 0", resize(ints("z", 1, 1, 0, 4)), [],
     "not supported: model: y (Resize): a size of 0\n"),
    ("Resize of channels", resize(floats("s", 1, 2, 1, 1)), [],
     "not supported: model: y (Resize): resizing of batch or channels\n"),
    ("Resize along an axis that is not there", resize(ints("z", 8), axes=[4]), [],
     "malformed input: model: y (Resize): axis 4\n"),
    ("Resize by another mode", resize(floats("s", 1, 1, 2, 2), mode="area"), [],
     "not supported: model: y (Resize): such a mode\n"),
    ("Resize of rank 2", model([node("Resize", ["x", "", "s"])], opset=18, initializers=[floats("s", 1, 1)]), [],
     "not supported: model: y (Resize): a tensor of rank 2\n"),
    ("Resize before 11", model([node("Resize", ["x", "s"])], [CUBE], opset=10, initializers=[floats("s", 1, 1, 2, 2)]), [],
     "not supported: model: y (Resize): before opset 11\n"),
    ("Split into equal parts", split([4, 3], 2, num_outputs=2), [],
     "x: f32[4,3] = input\ny0: f32[2,3], y1: f32[2,3] = split(x, axis=0, split=[2,2])\noutput y0, y1\n"),
    ("Split into a shorter last part", split([5, 3], 2, num_outputs=2), [],
     "x: f32[5,3] = input\ny0: f32[3,3], y1: f32[2,3] = split(x, axis=0, split=[3,2])\noutput y0, y1\n"),
    ("Split into another count", split([4, 3], 2, num_outputs=3), [],
     "malformed input: model: y0 (Split): 4 elements into 2 parts\n"),
    ("Split before 18 that does not divide", split([5, 3], 2, opset=13), [],
     "malformed input: model: y0 (Split): 5 elements into 2 parts\n"),
    ("Split along an axis that is not there", split([4, 3], 2, axis=2, num_outputs=2), [],
     "not supported: model: y0 (Split): 2 outputs along axis 2\n"),
    ("Pad along axes", pad([1, 2], ints("a", -1)), [],
     "x: f32[2,3] = input\ny: f32[2,6] = pad(x, mode=\"constant\", pads=[0,1,0,2], value=0.0)\noutput y\n"),
    ("Pad by too few pads", pad([1, 2, 3]), [],
     "malformed input: model: y (Pad): pads has 3 values where 4 are needed\n"),
    ("Pad by too few pads for its axes", pad([1, 2, 3], ints("a", -1)), [],
     "malformed input: model: y (Pad): 3 pads for 1 axes\n"),
    ("Pad along an axis that is not there", pad([1, 2], ints("a", 2)), [],
     "malformed input: model: y (Pad): axis 2 of rank 2\n"),
    ("Pad below 0 by reflection", pad([-1, 0, 0, 0], mode="reflect"), [],
     "not supported: model: y (Pad): a pad below 0 in mode reflect\n"),
    ("Pad by pads as attribute", model([node("Pad", ["x"], pads=[0, 1, 0, 0], value=2.0)], opset=10), [],
     "x: f32[2,3] = input\ny: f32[2,4] = pad(x, mode=\"constant\", pads=[0,1,0,0], value=2.0)\noutput y\n"),
    ("Pad by a constant of two", model([node("Pad", ["x", "p", "v"])], opset=18,
                                       initializers=[ints("p", 0, 1, 0, 0), floats("v", 1, 2)]), [],
     "malformed input: model: y (Pad): the constant must be one element of the data's type\n"),
    ("Slice by a step of 0", slice_of([0], [1], [0], [0]), [],
     "malformed input: model: y (Slice): axis 0 of rank 2, step 0\n"),
    ("Slice along an axis that is not there", slice_of([0], [1], [2], [1]), [],
     "malformed input: model: y (Slice): axis 2 of rank 2, step 1\n"),
    ("Slice by lists of two lengths", slice_of([0, 0], [1], [0], [1]), [],
     "malformed input: model: y (Slice): 1 ends where there are 2\n"),
    ("Slice without ends", model([node("Slice", ["x", "s"])], initializers=[ints("s", 0)]), [],
     "malformed input: model: y (Slice): starts and ends are needed\n"),
    ("Conv VALID", conv(auto_pad="VALID"), [],
     "x: f32[1,1,5,4] = input\nw: f32[1,1,3,2] = const [1, 1, 1, 1, 1, 1]\n"
     "y: f32[1,1,3,3] = conv2d(x, w, strides=[1,1], pads=[0,0,0,0], dilations=[1,1], group=1)\noutput y\n"),
    ("Conv by an unknown auto_pad", conv(auto_pad="SAME"), [],
     "malformed input: model: y (Conv): unknown auto_pad\n"),
    ("Conv by a stride of 0", conv(strides=[0, 1]), [],
     "malformed input: model: y (Conv): strides and dilations must be at least 1\n"),
    ("Conv by one stride of two", conv(strides=[1]), [],
     "malformed input: model: y (Conv): strides has 1 values where 2 are needed\n"),
    ("Conv by pads below 0", conv(pads=[-1, 0, 0, 0]), [],
     "malformed input: model: y (Conv): pads holds -1; 0 to 2^39 is possible\n"),
    ("Conv by pads beyond what any tensor has", conv(pads=[2**40, 0, 0, 0]), [],
     "malformed input: model: y (Conv): pads holds 1099511627776; 0 to 2^39 is possible\n"),
    ("Conv without a weight", model([node("Conv", ["x"])], [IMAGE]), [],
     "malformed input: model: y (Conv): no weight\n"),
    ("MaxPool of rank 2", model([node("MaxPool", ["x"], kernel_shape=[1])]), [],
     "not supported: model: y (MaxPool): a pool over a tensor of rank 2\n"),
    ("MaxPool SAME_UPPER", model([node("MaxPool", ["x"], kernel_shape=[3, 2], strides=[2, 2], auto_pad="SAME_UPPER")],
                                 [IMAGE]), [],
     "x: f32[1,1,5,4] = input\n"
     "y: f32[1,1,3,2] = max_pool(x, kernel_shape=[3,2], strides=[2,2], pads=[1,0,1,0], dilations=[1,1], "
     "ceil_mode=false)\noutput y\n"),
    ("BatchNormalization before 9 by element", model(
        [node("BatchNormalization", ["x", "s", "s", "s", "s"], spatial=0)], [IMAGE], opset=7,
        initializers=[floats("s", 1)]), [],
     "not supported: model: y (BatchNormalization): spatial = 0\n"),
    ("axes as numbers of int32", model([node("ReduceMax", ["x", "a"])], opset=18,
                                       initializers=[numbers("a", np.array([1], np.int32))]), [],
     "malformed input: model: y (ReduceMax): input 1 must be a list of int64\n"),
    ("Concat of nothing", model([node("Concat", [], axis=0)]), [],
     "malformed input: model: y (Concat): no inputs\n"),
    ("an op of too many inputs", model([node("Concat", ["x"] * 40, axis=0)]), [],
     "not supported: model: y (Concat): more than 8 inputs\n"),
    ("a Constant of text", model([helper.make_node("Constant", [], ["c"], value_string="a"), node("Neg", ["c"])]), [],
     "not supported: model: c (Constant): a constant that is no tensor of numbers\n"),
    ("a Constant of floats", model([helper.make_node("Constant", [], ["c"], value_floats=[1.0, -2.0]),
                                    node("Neg", ["c"])]), [],
     "x: f32[2,3] = input\nc: f32[2] = const [1, -2]\ny: f32[2] = neg(c)\noutput y\n"),
    ("a Constant of an int", model([helper.make_node("Constant", [], ["c"], value_int=3), node("Neg", ["c"])]), [],
     "x: f32[2,3] = input\nc: i64[] = const [3]\ny: i64[] = neg(c)\noutput y\n"),
    ("too many outputs", model([helper.make_node("Neg", ["x"], ["y", "z"])]), [],
     "not supported: model: y (Neg): 2 outputs where neg here has 1\n"),
    ("a dim below 0", model([node("Neg", ["x"])], [info("x", T.FLOAT, [-2])]), [],
     "malformed input: model: dim 0 of input x is -2\n"),
    ("an output twice under two names", model([helper.make_node("Neg", ["x"], ["n"]),
                                               helper.make_node("Identity", ["n"], ["y"])], outputs=("n", "y")), [],
     "not supported: model: y is another output under a new name\n"),
]


def run(tool, *arguments):
    return subprocess.run([tool, *arguments], capture_output=True, text=True, check=False)


class Tap:
    def __init__(self):
        self.n = 0

    def result(self, ok, name, *comments):
        self.n += 1
        for comment in comments if not ok else ():
            print("\n".join("# " + line for line in str(comment).splitlines()))
        print(f"{'ok' if ok else 'not ok'} {self.n} - {name}")


def main():
    tool = sys.argv[1]
    tap = Tap()
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "m.onnx")
        for name, m, arguments, expected in CASES:
            onnx.save(m, path)
            done = run(tool, "read", path, *arguments)
            tap.result(done.stdout == expected, name, done.stdout, done.stderr, expected)
    print(f"1..{tap.n}")


main()
