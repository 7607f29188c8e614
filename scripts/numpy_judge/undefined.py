# SPDX-License-Identifier: Apache-2.0
"""What no document defines and for what a library may refuse a program or die: it is no fault then."""
import numpy as np

from .values import INTS, is_float


def of_division(a, dtype, x, y):
    """C 6.5.5: a divisor of 0, and a quotient that does not fit."""
    if is_float(dtype) or x.size == 0 or y.size == 0:
        return None
    if (y == 0).any():
        return "an integer is divided by 0"
    if np.issubdtype(y.dtype, np.signedinteger) and ((x == np.iinfo(INTS[dtype]).min) & (y == -1)).any():
        return "the least integer is divided by -1"
    return None


def of_indices(limits):
    """limits(attributes, data): how many places an index may name, along its last dim when that holds rows."""
    def find(a, dtype, x, i, *rest):
        n = np.asarray(limits(a, x))
        is_outside = (i < -n) | (i >= n)
        return f"index {i[is_outside][0]} is out of range" if is_outside.any() else None
    return find


def of_classes(a, dtype, i):
    """ONNX OneHot takes them, torch.one_hot refuses them."""
    is_outside = (i < -a["depth"]) | (i >= a["depth"])
    return f"class {i[is_outside][0]} of {a['depth']}" if is_outside.any() else None


def axis_length(a, x):
    return x.shape[a["axis"]]


def rows_lengths(a, x):
    first = a.get("batch_dims", 0)
    return x.shape[first:first + a["parts"]]


FINDERS = {name: of_division for name in ("div", "floor_div", "mod", "fmod")}
FINDERS |= {name: of_indices(axis_length) for name in ("gather", "index_select", "gather_elements", "scatter_elements")}
FINDERS |= {name: of_indices(rows_lengths) for name in ("gather_nd", "scatter_nd")}
FINDERS["one_hot"] = of_classes
