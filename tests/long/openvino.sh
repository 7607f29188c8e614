# SPDX-License-Identifier: Apache-2.0
# OpenVINO: a short campaign finds what is known of the release, its script and its report show it, blame runs; one
# compiled model at two shapes; another precision is judged by that precision.
. "${0%/*}/../cli/harness.sh"

python=$root/.venv-openvino/bin/python
if ! "$python" -c 'import openvino' 2>/dev/null; then
    echo '1..0 # SKIP openvino is not installed: scripts/setup openvino'
    exit 0
fi
version=$("$python" -c 'import openvino; print(openvino.__version__.partition("-")[0])')

# Infinity in f64 becomes the largest number of f32 (public since 2026).
printf '%s = 0\n' 'op.*' 'dtype.*' dead_percent >known
printf '%s\n' 'op.abs = 10' 'op.neg = 10' 'dtype.f64 = 10' 'nodes = 2' >>known
run opjury fuzz --python "$python" --policy known --target openvino --tests 160 --known none --out campaign
if [ "$version" = 2026.4.1 ]; then
    status_is 1 'campaign: status'
    out_has 'campaign: infinity in f64' 'expected inf, got 3.40282346'
    run "$python" campaign/findings/1-openvino-value/repro.py
    status_is 1 'its script: status'
    out_has 'its script: what is wrong' '1 of 1 elements are wrong'
    run opjury report 1 --python "$python" --out campaign
    out_has 'report: the short script' 'core.read_model(model.SerializeToString())'
    run opjury blame 1 --python "$python" --out campaign
    out_has 'blame: snippets' 'snippets=off'
    out_has 'blame: as f32 it is right' 'f32                           pass'
fi

# What fits the documented dtypes is right, whatever the precision: no finding in ops that are simple.
printf '%s = 0\n' 'op.*' 'dtype.*' >simple
printf '%s\n' 'op.add = 10' 'op.mul = 10' 'op.sub = 10' 'op.transpose = 5' 'dtype.f32 = 10' 'dtype.f64 = 5' \
    'dtype.f16 = 5' 'clean_percent = 100' 'empty_percent = 0' >>simple
for target in openvino openvino:snippets=off,threads=2,mode=throughput openvino:hint=bf16 openvino:dynamic; do
    run opjury fuzz --python "$python" --policy simple --target $target --tests 100 --known none --json --out "$target"
    passes "$target: right or not exercised" python3 -c '
import json, sys
o = json.load(open(sys.argv[1]))["verdicts"]
assert o["finding"] == 0 and o["pass"] + o["not_exercised"] > 40, o
' "$work/out"
done

done_testing
