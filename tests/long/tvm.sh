# SPDX-License-Identifier: Apache-2.0
# TVM: a short campaign finds what is known of the release, its script shows it, blame tries every level.
. "${0%/*}/../cli/harness.sh"

python=$root/.venv-tvm/bin/python
if ! "$python" -c 'import tvm, onnx' 2>/dev/null; then
    echo '1..0 # SKIP tvm or onnx is not installed: scripts/setup tvm'
    exit 0
fi
version=$("$python" -c 'import tvm; print(tvm.__version__)')

# relu and min lose NaN (https://github.com/apache/tvm/issues/19572 and 19540).
printf '%s = 0\n' 'op.*' 'dtype.*' dead_percent >known
printf '%s\n' 'op.relu = 10' 'op.min = 10' 'dtype.f32 = 10' 'nodes = 1' >>known
run opjury fuzz --python "$python" --policy known --target tvm --tests 200 --known none --out campaign
if [ "$version" = 0.27.0.post1 ]; then
    status_is 1 'campaign: status'
    out_has 'campaign: NaN is lost' 'expected nan'
    run "$python" campaign/findings/1-*/repro.py
    status_is 1 'its script: status'
    run opjury blame 1 --python "$python" --out campaign
    out_has 'blame: levels' 'All levels show it (0, 1, 2 and 3)'
fi

printf '%s = 0\n' 'op.*' 'dtype.*' >simple
printf '%s\n' 'op.add = 10' 'op.mul = 10' 'op.sub = 10' 'op.transpose = 5' 'dtype.f32 = 10' 'dtype.i32 = 5' \
    'clean_percent = 100' 'empty_percent = 0' >>simple
for target in tvm:opt=0 tvm:dynamic; do
    run opjury fuzz --python "$python" --policy simple --target $target --tests 30 --known none --json --out "$target"
    passes "$target: right" python3 -c '
import json, sys
o = json.load(open(sys.argv[1]))["verdicts"]
assert o["finding"] == 0 and o["pass"] > 12, o
' "$work/out"
done

done_testing
