# SPDX-License-Identifier: Apache-2.0
# torch:jit and torch:export: programs run in every way that the options name, at two shapes too; what TorchScript does
# not take. Campaigns are in tests/long/torch-modes.sh.
. "${0%/*}/harness.sh"

python=${OPJURY_PYTHON:-$root/.venv/bin/python}
if ! "$python" -c 'import torch' 2>/dev/null; then
    echo '1..0 # SKIP torch is not installed'
    exit 0
fi

cat >mul.txt <<'END'
x: f32[3,4] = input
w: bf16[4] = const [0.5, 2, -3, 1]
y: f32[4] = cast(w, to=f32)
z: f32[3,4] = mul(x, y)
s: f32[3] = reduce_sum(z, axes=[1], keepdims=false)
output z
output s
END
run opjury run mul.txt --target torch --target torch:jit --target torch:jit,opt=none --target torch:jit,opt=freeze \
    --target torch:jit,opt=inference,script --target torch:export --target torch:export,strict \
    --target torch:export,decompositions=functional --target torch:export,decompositions=core
status_is 0 'all pass: status'
passes 'all pass' [ "$(grep -c '  *pass' "$work/out")" -ge 9 ]

# One trace, and one exported program, for two shapes.
printf 'op.* = 0\nop.%s = 10\n' mul relu >exact
printf '%s\n' 'op.concat = 10' 'nodes = 3' 'dynamic_percent = 100' >>exact
run opjury fuzz --policy exact --tests 12 --target torch:jit,dynamic --target torch:export,dynamic --known none --json \
    --out shapes
passes 'two shapes: exercised' "$python" -c '
import json, sys
o = json.load(open(sys.argv[1]))["verdicts"]
assert o["pass"] > 6, o
assert o["finding"] == 0, o
' "$work/out"
done_testing
