# SPDX-License-Identifier: Apache-2.0
# Two releases of ONNX Runtime against each other, in environments of their own: regressions alone are findings.
. "${0%/*}/../cli/harness.sh"

if ! command -v python3 >/dev/null; then
    echo '1..0 # SKIP no python3'
    exit 0
fi
for release in 1.20.1 1.31.1; do
    made=$(echo "onnxruntime $release .venv-recall" | python3 "$root/scripts/environments.py" 2>/dev/null)
    case $made in
    python\ *) ;;
    *)
        echo "1..0 # SKIP onnxruntime $release: ${made#none }"
        exit 0
        ;;
    esac
    echo "  - {name: r$release, python: ${made#python }}"
done >list
{ echo 'environments:'; cat list; } >versions.yaml

# A scale behind a product in float64: wrong in both, found by plain campaigns of either (findings/ort-matmul-scale-float64).
printf 'x0: f64[1] = input\nw0: f64[] = const [2.375]\nv0: f64[1] = div(x0, w0)\nx1: f64[1] = input\nv1: f64[] = matmul(v0, x1)\noutput v1\n' >scale.txt
run opjury run scale.txt --config versions.yaml --target onnxruntime@r1.20.1 --target onnxruntime@r1.31.1
out_has 'both releases run' 'onnxruntime:opt=all@r1.31.1'

run opjury fuzz --config versions.yaml --target onnxruntime@r1.31.1 --target onnxruntime@r1.20.1 --tests 3000 \
    --known none --json --out versions
passes 'campaign: status' [ "$status" -le 1 ]
err_has 'campaign: the older is the base' 'onnxruntime:opt=all@r1.20.1, version 1.20.1, is the base'
passes 'campaign: regressions alone' python3 -c '
import json, sys
o = json.load(open(sys.argv[1]))
v = o["verdicts"]
assert o["runs"] == 6000 == sum(v.values()), o
assert o["filters"].get("base-version", 0) > 0 and o["filters"].get("older-fails", 0) > 0, o
assert all(b["targets"] == ["onnxruntime:opt=all@r1.31.1"] for b in o["buckets"]), o
assert v["pass"] > 4000, v
' "$work/out"
for finding in versions/findings/*; do
    [ -e "$finding/verdict.txt" ] || continue # one more of a bucket that has enough
    passes "${finding##*/}: the older release passes" grep -q '^onnxruntime:opt=all 1.20.1 *pass' "$finding/verdict.txt"
done

done_testing
