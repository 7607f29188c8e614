# SPDX-License-Identifier: Apache-2.0
# torch:onnx: both exporters, by ONNX Runtime and by onnx's evaluator; a failure of ONNX Runtime alone is filtered.
. "${0%/*}/../cli/harness.sh"

python=${OPJURY_PYTHON:-$root/.venv/bin/python}
if ! "$python" -c 'import torch, onnxruntime, onnxscript' 2>/dev/null; then
    echo '1..0 # SKIP torch, onnxruntime or onnxscript is not installed (scripts/setup onnx)'
    exit 0
fi

cat >mul.txt <<'END'
x: f32[3,4] = input
y: f32[4] = const [0.5, 2, -3, 1]
z: f32[3,4] = mul(x, y)
s: f32[3] = reduce_sum(z, axes=[1], keepdims=false)
output z
output s
END
run opjury run mul.txt --target torch --target torch:onnx --target torch:onnx,plain --target torch:onnx,opt=all \
    --target torch:onnx,exporter=torchscript --target torch:onnx,runtime=reference
status_is 0 'all pass: status'
passes 'all pass' [ "$(grep -c '  *pass' "$work/out")" -ge 6 ]

run opjury fuzz --tests 100 --nodes 3 --target torch:onnx --target torch --out campaign
passes 'campaign: exercised' "$python" -c '
import sys
rows = {line.split()[0]: line.split() for line in open(sys.argv[1]) if line.startswith("torch")}
assert int(rows["torch:onnx"][2]) > 50, rows
' "$work/out"
done_testing
