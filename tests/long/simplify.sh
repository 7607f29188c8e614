# SPDX-License-Identifier: Apache-2.0
# onnxsim and onnxslim: a campaign of each, scripts, and that what ONNX Runtime does wrong by itself is not theirs.
. "${0%/*}/../cli/harness.sh"

python=$root/.venv-simplify/bin/python
if ! "$python" -c 'import onnxsim, onnxslim, onnxruntime' 2>/dev/null; then
    echo '1..0 # SKIP onnxsim and onnxslim are not installed: scripts/setup simplify'
    exit 0
fi
versions=$("$python" -c 'import onnxslim, onnxruntime; print(onnxslim.__version__, onnxruntime.__version__)')

for library in onnxsim onnxslim; do
    run opjury fuzz --target "$library@$python" --tests 150 --seed 3 --out "$library"
    passes "$library: a campaign" [ "$status" -le 1 ]
    out_has "$library: all is accounted for" '150 runs of 150 tests on 1 target'
    for script in "$library"/findings/*/repro.py; do
        [ -f "$script" ] || continue
        run "$python" "$script"
        status_is 1 "$script: status"
    done
    # Nothing to make simpler.
    printf 'x: f32[2] = input\ny: f32[2] = neg(x)\noutput y\n' >plain.txt
    run opjury run plain.txt --target "$library@$python" --target "$library:level=none@$python"
    out_has "$library: a model that stays as it is" "$library leaves the model as it is"
done

if [ "$versions" = '0.1.98 1.31.1' ]; then
    printf 'x: f32[] = input\ny: f32[] = transpose(x, perm=[])\noutput y\n' >scalar.txt
    run opjury run scalar.txt --target "onnxslim@$python" --target "onnxslim:level=none@$python"
    out_has 'onnxslim: refuses an empty perm' 'Could not infer attribute'
    # ONNX Runtime's maximum of three int64 is wrong by itself; that the sum of constants is folded is no fault of onnxslim.
    cat >max.txt <<'END'
x: i64[2] = input
a: i64[1] = const [1]
b: i64[1] = const [2]
c: i64[1] = add(a, b)
d: i64[] = const [1]
y: i64[2] = max(c, x, d)
output y
END
    run opjury run max.txt --domain x=2147483648:2147483648 --known none --target "onnxslim@$python" \
        --target "onnxslim:level=none@$python"
    out_has 'what ONNX Runtime does by itself is filtered' 'filtered'
    out_has 'and is its own' 'onnxruntime alone'
fi
done_testing
