# SPDX-License-Identifier: Apache-2.0
# TensorFlow: what it says of every op and dtype that it takes, as calls and as graphs; a campaign on its three modes.
. "${0%/*}/../cli/harness.sh"

python=$root/.venv-tensorflow/bin/python
if ! "$python" -c 'import tensorflow' 2>/dev/null; then
    echo '1..0 # SKIP tensorflow is not installed (scripts/setup tensorflow)'
    exit 0
fi

run opjury targets --support "tensorflow@$python"
out_has 'half floats and integers are supported' 'cum_sum      bf16 -> bf16'
out_has 'a dtype without a kernel is not' 'softmax'
out_lacks 'no product of i8' 'matmul       i8'

# Each op alone, of each dtype that it has; f64 gelu is theirs: its constants are of single precision.
printf '%s\n' 'nodes = 1' 'op.gelu = 0' >single
opjury gen --policy single --count 400 --seed 11 --target "tensorflow@$python" >programs.txt
for mode in '' :function; do
    run opjury run programs.txt --target "tensorflow$mode@$python" --known none
    passes "single ops$mode: at most theirs are wrong" "$python" -c '
import re, sys
last = open(sys.argv[1]).read().strip().splitlines()[-1]
judged, finding = (int(re.search(r"(\d+) " + word, last)[1]) for word in ("judged", "finding"))
assert judged > 300 and finding <= 8, last
' "$work/out"
done

# XLA compiles each program: few.
opjury gen --nodes 3 --count 8 --seed 3 --policy clean --target "tensorflow@$python" >few.txt
run opjury run few.txt --target "tensorflow:xla,mode=function@$python" --known none
out_lacks 'a mode of another kind' 'NOT_EXERCISED'

# A defect of grappler, found, blamed on the optimizer that does it, and shown by its script.
cat >square.txt <<'P'
x: f32[2,3] = input
w: f32[2,2,1] = const [2, 2, 2, 2]
y: f32[2,2,3] = pow(x, w)
z: f32[2,2,3] = sqrt(y)
v: f32[2,2,3] = exp(z)
output v
P
run opjury run square.txt --target "tensorflow:function@$python" --known none
status_is 1 'a broadcast that arithmetic_optimization forgets'
out_has 'the shape' 'shape'
run opjury run square.txt --target "tensorflow:function,disable=arithmetic_optimization@$python" --known none
status_is 0 'and keeps without that optimizer'

done_testing
