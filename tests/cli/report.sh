# SPDX-License-Identifier: Apache-2.0
# `opjury report`: two findings of real libraries and one of a fault planted in our own evaluator in every
# format; a campaign as CSV; the order of `opjury show`.
. "${0%/*}/harness.sh"

python=${OPJURY_PYTHON:-$root/.venv/bin/python}
[ -x "$python" ] || python=python3
ort=$root/findings/ort-pad-max-pool
torch=$root/findings/torch-gelu-inf
has_module() { "$python" -c "import $1" 2>/dev/null; }

# headings FILE: those of the template, in order, on one line.
headings() { sed -n 's/^### //p' "$1" | tr '\n' '|'; }
# in_order NAME HEADINGS
in_order() {
    [ "$(headings "$work/out")" = "$2" ] || headings "$work/out" | sed 's/^/# /'
    [ "$(headings "$work/out")" = "$2" ]
    verdict $? "$1"
}
# The script of the last report, as a maintainer would cut it out.
script() { sed -n '/^```python$/,/^```$/p' "$work/out" | sed '1d;$d'; }

# ---- the forms ----

markdown='What is wrong|To reproduce|Expected|Actual|Verdicts|Ablation|How often|Environment|Versions tried|How ordinary it is|Known|Origin|'
onnxruntime='Describe the issue|To reproduce|Urgency|Platform|OS Version|ONNX Runtime Installation|ONNX Runtime Version or Commit ID|ONNX Runtime API|Architecture|Execution Provider|Execution Provider Library Version|'
openvino='OpenVINO Version|Operating System|Device used for inference|Framework|Model used|Issue description|Step by step reproduction|Relevant log output|Issue submission checklist|'
tvm='Expected behavior|Actual behavior|Environment|Steps to reproduce|Triage|'
jax='Description|What jax/jaxlib version are you using?|Which accelerator(s) are you using?|Additional System Info|'
tensorflow='Issue Type|Have you reproduced the bug with TF nightly?|Source|Tensorflow Version|Custom Code|OS Platform and Distribution|Python version|Current Behaviour?|Standalone code to reproduce the issue|Relevant log output|'
pytorch='🐛 Describe the bug|Versions|'
compile='🐛 Describe the bug|Error logs|Versions|'

mkdir -p planted
exact_policy 'nodes = 6' 'numel_max = 64' 'dtype.* = 0' 'dtype.f32 = 1' 'op.less = 0' \
    'op.arg_max = 0' 'op.gather = 0' 'op.where = 0' >exact.policy
opjury fuzz --policy exact.policy --known none --target faulty:negate.relu --target faulty:none \
    --tests 300 --out campaign >/dev/null 2>&1
id=$(opjury show --out campaign | awk '$2 == "new" {print $1; exit}')
cp -r campaign/findings/"$id"-*/. planted

for folder in "$ort" "$torch" planted; do
    which=${folder##*/}
    for format in markdown onnxruntime openvino tvm jax tensorflow pytorch pytorch-compile; do
        run opjury report "$folder" --format $format
        status_is 0 "$which as $format: status"
        case $format in
        markdown) wanted=$markdown ;;
        onnxruntime) wanted=$onnxruntime ;;
        openvino) wanted=$openvino ;;
        tvm) wanted=$tvm ;;
        jax) wanted=$jax ;;
        tensorflow) wanted=$tensorflow ;;
        pytorch) wanted=$pytorch ;;
        pytorch-compile) wanted=$compile ;;
        esac
        [ "$which" != planted ] || wanted=$(echo "$wanted" | sed 's/Known|//')
        in_order "$which as $format: sections" "$wanted"
        passes "$which as $format: no path of a machine" \
            sh -c "! grep -nE '/(home|root|work|tmp|usr)/|$(hostname | grep -E '.{4}' || echo no-host)' '$work/out'"
        passes "$which as $format: no trailing blanks, one end" \
            sh -c "! grep -nE ' +\$' '$work/out' && [ \"\$(tail -c1 '$work/out' | od -An -tx1)\" = ' 0a' ]"
        out_has "$which as $format: found by fuzzing" 'Found by fuzzing'
        out_has "$which as $format: flake rate" 'Shown again by 2 of 2 runs'
        if [ "$which" != planted ]; then
            script >"$which.py"
            passes "$which as $format: the script is Python" "$python" -m py_compile "$which.py"
            passes "$which as $format: imports first" \
                sh -c "awk '/^(import|from) /{if (code) exit 1; next} NF {code = 1}' '$which.py'"
        else
            out_has "$which as $format: the program" '= relu('
        fi
    done
    run opjury report "$folder" --format json
    status_is 0 "$which as json: status"
    passes "$which as json: it is that" "$python" -m json.tool "$work/out" /dev/null
done

# ---- the scripts show the fault, and not where the library is right ----

if has_module onnxruntime && has_module onnx; then
    run opjury report "$ort"
    script >ort.py
    run "$python" ort.py
    status_is 1 'onnxruntime: the script shows the fault'
    err_has 'onnxruntime: by its assertion' 'Not equal to tolerance'
    sed 's/ORT_ENABLE_ALL/ORT_DISABLE_ALL/' ort.py >right.py
    run "$python" right.py
    status_is 0 'onnxruntime: and not without optimisations'
    opjury report "$root/findings/ort-transpose-matmul-f16-crash" >"$work/out"
    script >crash.py
    run "$python" crash.py
    passes 'onnxruntime: a crash' [ "$status" -gt 128 ]
    opjury report "$root/findings/ort-batch-norm-input-changed" >"$work/out"
    script >changed.py
    run "$python" changed.py
    status_is 1 'onnxruntime: an input that is changed'
    err_has 'onnxruntime: by its assertion' 'Arrays are not equal'
fi
if has_module torch; then
    run opjury report "$torch"
    script >gelu.py
    sed 's/torch.nn.functional.gelu(x0, approximate="none")/x0 * torch.special.ndtr(x0)/' gelu.py >right.py
    run "$python" right.py
    status_is 0 'torch: the script passes where the result is right'
    run opjury report "$root/findings/torch-pixel-unshuffle-empty"
    script >shape.py
    run "$python" shape.py
    status_is 1 'torch: a wrong shape'
    err_has 'torch: by its assertion' 'assert tuple('
fi

# What a few lines cannot say is told by repro.py as it is: inputs at the end of a page.
cp -r "$ort" placed
echo '# at_page_end(x)' >>placed/repro.py
run opjury report placed
script >placed.py
passes 'the long script where the short one would not do' cmp -s placed.py placed/repro.py
sed -i 's/at_page_end(x)/at_page_end/' placed/repro.py
run opjury report placed
script >placed.py
passes 'and only there' [ "$(wc -l <placed.py)" -lt 50 ]

# A folder that somebody has thinned out: the versions of its model are in the long script alone.
cp -r "$ort" thin
rm thin/model.onnx
run opjury report thin
status_is 0 'no model.onnx: status'
script >thin.py
passes 'no model.onnx: the long script' cmp -s thin.py thin/repro.py
echo x >thin/model.onnx
run opjury report thin
status_is 2 'a damaged model.onnx: status'
err_has 'a damaged model.onnx: said' 'thin/model.onnx'

# One that an older version wrote, of another spelling.
for folder in "$ort" "$torch"; do
    rm -rf older
    cp -r "$folder" older
    sed -i 's/gelu(x0,/gelu(input=x0,/; s/^CA[a-zA-Z0-9+/]*/&AAAA/' older/repro.py
    run opjury report older
    script >older.py
    passes "${folder##*/}: another spelling is not said shorter" cmp -s older.py older/repro.py
done

# ---- exact text ----

mkdir golden
cp "$root"/findings/ort-clip-int64/* golden
cat >golden/environment.json <<'END'
{"opjury": "0.1.0", "system": "Linux", "kernel": "6.1", "os": "Debian 12", "libc": "glibc 2.36",
 "architecture": "x86_64", "cpu": "A CPU", "isa": "avx avx2", "variables": {"OMP_PLACES": "{0}, {1}", "ONEDNN_MAX_CPU_ISA": "AVX2", "LD_PRELOAD": "evil.so"},
 "targets": [{"target": "onnxruntime:opt=all", "library": "onnxruntime", "version": "1.31.1", "python": "CPython 3.11.7"},
             {"target": "torch", "library": "torch", "version": "2.13.0+cpu", "python": "CPython 3.11.7"}]}
END
cat >golden/blame.json <<'END'
{"component": "version 1.31.1", "first_bad": "1.31.1", "last_good": "1.30.0",
 "tried": [{"kind": "threads", "what": "threads=4", "target": "onnxruntime:opt=all", "verdict": "finding", "text": ""},
           {"kind": "version", "what": "1.30.0", "target": "onnxruntime:opt=all", "verdict": "pass", "text": ""}]}
END
run opjury report golden --format tvm
err_is 'a form of another project: said' <<'END'
opjury: warning: this is TVM's Bug report, but the finding is of onnxruntime
END
out_is 'all of a report' <<'END'
# [Bug] Clip of two or more int64 values outside 32 bits gives a wrong bound or leaves the interval

### Expected behavior

`v0[0]` is `1` (allowed error 0).

All of `v0`: `[1, 1]`

### Actual behavior

`v0[0]` is `2147483648`. 1 of 2 compared elements are wrong. The largest absolute error is 2.15e+09, the largest relative error 2.15e+09.

All of `v0`: `[2147483648, 1]`

`onnxruntime 1.31.1: clip(i64): wrong result: 1 expected, 2147483648 came back`

Found by fuzzing with opjury 0.1.0; the program was then made as small as it goes without losing the failure.

Clip(x, min, max) must lie in [min, max] and be x where x does; numpy.clip and torch.clamp agree with the reference. With one element the answer is right, with two it is wrong: the vectorised comparison sees only parts of the 64 bits.

**Ablation**

- fails: `onnxruntime:opt=all`, `onnxruntime:opt=extended`, `onnxruntime:opt=basic`, `onnxruntime:opt=none`
- with `threads=4`: fails
- at fault: `version 1.31.1`

**All runs**

| target | version | verdict | worst element | expected | actual | allowed error |
| --- | --- | --- | --- | --- | --- | --- |
| onnxruntime:opt=all | 1.31.1 | finding | v0[0] | 1 | 2147483648 | 0 |
| onnxruntime:opt=extended | 1.31.1 | finding | v0[0] | 1 | 2147483648 | 0 |
| onnxruntime:opt=basic | 1.31.1 | finding | v0[0] | 1 | 2147483648 | 0 |
| onnxruntime:opt=none | 1.31.1 | finding | v0[0] | 1 | 2147483648 | 0 |
| torch | 2.13.0+cpu | pass |  |  |  |  |

The expected values are those of a reference in long double, whose error bound per element is what rounding in the program's dtypes allows.

**Already reported**

https://github.com/microsoft/onnxruntime/pull/25280 (closed for 32475); the cause is in Eigen on x86-64.

### Environment

- onnxruntime 1.31.1 (CPython 3.11.7)
- torch 2.13.0+cpu (CPython 3.11.7)
- OS: Debian 12 (Linux 6.1)
- C library: glibc 2.36
- CPU: A CPU, x86_64: avx avx2
- environment: `OMP_PLACES={0}, {1}`
- environment: `ONEDNN_MAX_CPU_ISA=AVX2`

**Versions tried**

- onnxruntime 1.31.1: fails
- onnxruntime 1.30.0: passes
- first bad: 1.31.1
- last good: 1.30.0

### Steps to reproduce

```python
import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

graph = helper.make_graph(
    [
        helper.make_node("Clip", ["x0", "v0_min", "v0_max"], ["v0"]),
    ],
    "program",
    [
        helper.make_tensor_value_info("x0", TensorProto.INT64, [2]),
    ],
    [
        helper.make_tensor_value_info("v0", TensorProto.INT64, [2]),
    ],
    [
        numpy_helper.from_array(np.array(-6, np.int64), "v0_min"),
        numpy_helper.from_array(np.array(1, np.int64), "v0_max"),
    ],
)
model = helper.make_model(
    graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)

x0 = np.array([2147483648, 1], np.int64)

options = onnxruntime.SessionOptions()
options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
options.intra_op_num_threads = 1
session = onnxruntime.InferenceSession(
    model.SerializeToString(), options, providers=["CPUExecutionProvider"])
[v0] = session.run(None, {"x0": x0})
print("expected 1, actual", v0[0])
assert v0[0] == 1
```

Needs numpy, onnx and onnxruntime. Run as `OMP_PLACES='{0}, {1}' ONEDNN_MAX_CPU_ISA=AVX2 python repro.py`, as it was found: without that another kernel may be chosen and the fault not show.

Shown again by 2 of 2 runs in fresh processes.
opjury 0.1.0: seed 2026, test 164, inputs special; reduced from 10 nodes and 6402 elements to 1 and 4.

### Triage

* needs-triage
END

# ---- PyTorch's rule ----

run opjury report "$root/findings/torch-erf-half"
status_is 2 'too close for PyTorch: refused'
err_has 'too close for PyTorch: why' 'within rtol = atol = 0.0001'
err_has 'too close for PyTorch: what to do' '--force'
run opjury report "$root/findings/torch-erf-half" --force
status_is 0 'too close for PyTorch, forced: status'
out_has 'too close for PyTorch, forced: said in the report' 'is NOT met'
run opjury report "$root/findings/torch-erf-half" --format markdown
status_is 0 'too close for PyTorch: other forms do not mind'
run opjury report "$torch"
out_has 'far enough for PyTorch: said' 'is met'

# What is refused so is not shown as new either: a campaign whose one finding is of torch.
of_torch() {
    rm -rf one
    cp -r campaign one
    "$python" - "$root/findings/$1" "$id" <<'END'
import glob, os, shutil, sqlite3, sys
finding, id = sys.argv[1:]
[folder] = glob.glob(f"one/findings/{id}-*")
shutil.rmtree(folder)
shutil.copytree(finding, folder)
db = sqlite3.connect("one/campaign.db")
db.execute("UPDATE findings SET target = 'torch', oracle = 'value', signature = 'value' WHERE id = ?", (id,))
db.execute("DELETE FROM findings WHERE id != ?", (id,))
db.execute("DELETE FROM buckets WHERE id NOT IN (SELECT bucket FROM findings)")
db.commit()
END
    run opjury show --out one
}
again() {
    run opjury fuzz --policy exact.policy --known none --target faulty:negate.relu --target faulty:none \
        --tests 300 --out one "$@"
}
of_torch torch-erf-half
passes 'tolerated: in the list' [ "$(awk -v id="$id" '$1 == id {print $2}' "$work/out")" = tolerated ]
out_has 'tolerated: and why' "PyTorch's own check lets it pass: v0 is within rtol = atol = 0.0001"
run opjury show "$id" --out one
out_has 'tolerated: one in full' 'state      tolerated'
run opjury report --csv tables --out one
passes 'tolerated: in the table' grep -q ',tolerated,' tables/buckets.csv
run opjury report --html one.html --out one --no-blame
passes 'tolerated: on the page' grep -q '<dt>why it is no fault</dt><dd>PyTorch' one.html
again
status_is 0 'tolerated: nothing new was found'
out_has 'tolerated: in the summary' "within the project's own tolerance:"
out_has 'tolerated: the summary has nothing new' 'no new findings'
passes 'tolerated: runs add up' \
    [ "$(awk '/ runs of / {runs = $1} NF <= 2 && $1 ~ /^[0-9]+$/ {sum += $1}
             END {print (runs == sum && runs != 0)}' "$work/out")" = 1 ]
again --json
passes 'tolerated: for programs' grep -q '"state": "tolerated"' "$work/out"
of_torch torch-gelu-inf
passes 'far enough for PyTorch: new in the list' [ "$(awk -v id="$id" '$1 == id {print $2}' "$work/out")" = new ]
again
status_is 1 'far enough for PyTorch: something new was found'

# ---- a library's own form, by ID ----

run opjury report "$id" --out campaign
status_is 0 'by ID: status'
in_order 'by ID: nobody asks for another form than Markdown' "$(echo "$markdown" | sed 's/Known|//')"
run opjury report "$ort"
in_order "the library's own form" "$onnxruntime"
run opjury report "$torch"
in_order "the library's own form, torch" "$pytorch"

# Expected and actual, of each kind of failure.
run opjury report "$root/findings/ort-reciprocal-mul-shape"
out_has 'a shape: what it should be' '`v1` of shape [1,1], float32.'
out_has 'a shape: what it is' 'The result has shape [1] instead of [1,1].'
out_has 'a shape: in a sentence, whatever an older title has' \
    'div(f32) -> mul(f32): the result has shape [1] instead of [1,1] at opt=all; opt=none passes'
run opjury report "$root/findings/torch-instance-norm-empty"
out_has 'an error: a result is expected' \
    'A result, for the calls are valid by the documentation: `v0` of shape [0,1,2], float32.'
out_has 'an error: when' 'Running it fails with `IndexError`:'
passes 'an error: other threads are told of once' [ "$(grep -c 'threads=4' "$work/out")" = 1 ]
cp -r "$root/findings/ort-matmul-add-empty" old-reason
sed -i 's/fails with \\"[^"]*\\"/fails with \\"}, requested shape:{\\"/' old-reason/verdict.json
run opjury report old-reason
out_has 'an error: its reason, whatever an older title has' \
    'run fails with "The input tensor cannot be reshaped to the requested shape. Input shape:{1,0,1}, requested ..." at'
run opjury report "$root/findings/ort-relu-clip-dtypes"
out_has 'an error: when, of a model' 'Loading it fails with `Fail`:'
run opjury report "$root/findings/ort-log-softmax-float64-nan"
out_has 'what is no number has no allowed error' '`v0[0]` is `nan`.'
out_has 'all of a small result: expected' 'All of `v0`: `[nan, nan]`'
run opjury report "$root/findings/ort-pow-int64"
out_lacks 'of one element that is all' 'All of'
out_lacks 'of one element nobody counts' 'of 1 compared elements'
run opjury report "$root/findings/torch-instance-norm-half"
out_has 'what a target cannot run is no row' 'Not supported there: onnxruntime:opt=none, onnxruntime:opt=all.'
out_lacks 'what a target cannot run is no row' '| unsupported'
out_has 'half floats: what they are, not what rounds to them' 'torch.tensor([0.69140625, 0.75], dtype=torch.bfloat16)'
out_has 'half floats: epsilon as people write it' 'eps=1e-06)'

# ---- what is to blame ----

# A finding of ONNX Runtime in a campaign, nobody having asked yet what is to blame.
asked=$(ls -d campaign/findings/"$id"-*)
passes 'by ID: what is to blame is found out' [ -e "$asked/blame.json" ]
rm "$asked/blame.json"
run opjury report "$id" --out campaign --no-blame
passes 'by ID, --no-blame: nothing is' [ ! -e "$asked/blame.json" ]
cp -r campaign unasked
"$python" - "$root" "$id" <<'END'
import glob, os, shutil, sqlite3, sys
root, id = sys.argv[1:]
[folder] = glob.glob(f"unasked/findings/{id}-*")
shutil.rmtree(folder)
shutil.copytree(root + "/findings/ort-transpose-matmul-vector", folder)
os.unlink(folder + "/blame.json")
os.unlink(folder + "/judgement.md")
db = sqlite3.connect("unasked/campaign.db")
db.execute("UPDATE findings SET target = 'onnxruntime:opt=all' WHERE id = ?", (id,))
db.commit()
END
asked=$(ls -d unasked/findings/"$id"-*)
mkdir -p bare/bin
printf '#!/bin/sh\nexit 1\n' >bare/bin/python
chmod +x bare/bin/python
run env OPJURY_PYTHON="$PWD/bare/bin/python" "$OPJURY" report "$id" --out unasked
status_is 0 'no library to ask: the report is there'
err_has 'no library to ask: said' 'nothing is blamed: '
passes 'no library to ask: no answer is kept' [ ! -e "$asked/blame.json" ]
passes 'no library to ask: the title does without' \
    [ "$(head -n 1 "$work/out")" = '# Transpose -> MatMul(vector) gives 2 instead of 1' ]
out_has 'no other release: said' 'No other release was tried'
out_lacks 'no other release: how to try one is not the maintainers business' '--versions'
err_has 'no other release: how to try one is said to who sends it' \
    "opjury blame $id --out unasked --versions A,B,..."
run opjury report "$asked"
passes 'of a folder nothing is run' [ ! -e "$asked/blame.json" ]
err_has 'of a folder: how to try other releases' "opjury blame $asked --versions"
if [ "$("$python" -c 'import onnxruntime; print(onnxruntime.__version__)' 2>/dev/null)" = 1.31.1 ]; then
    run opjury report "$id" --out unasked
    status_is 0 'what is to blame: status'
    passes 'what is to blame: in the title' \
        [ "$(head -n 1 "$work/out")" = '# MatmulTransposeFusion: Transpose -> MatMul(vector) gives wrong values' ]
    out_has 'what is to blame: before all else' 'It goes away without `MatmulTransposeFusion`.'
    out_has 'what is to blame: among what was tried' '- without `MatmulTransposeFusion`: passes'
    out_lacks 'what the targets say already is not said again' '- at `opt=none`'
    passes 'what is to blame: kept' grep -q '"optimizer MatmulTransposeFusion"' "$asked/blame.json"
    rm "$asked/blame.json"
    run opjury report --html unasked.html --out unasked
    passes 'what is to blame: on the page' grep -q '>MatmulTransposeFusion: Transpose' unasked.html
    rm "$asked/blame.json"
    run opjury report --html unasked.html --out unasked --no-blame
    passes 'what is to blame: not on the page unasked' \
        sh -c "! grep -q 'MatmulTransposeFusion' unasked.html && [ ! -e '$asked/blame.json' ]"
else
    verdict 0 'what is to blame # skip onnxruntime 1.31.1 is not installed'
fi

# ---- CSV ----

run opjury report --csv tables --out campaign
status_is 0 'csv: status'
passes 'csv: three tables that add up' "$python" - <<'END'
import csv, json, sqlite3
def table(name):
    with open(f"tables/{name}.csv", newline="") as f:
        return list(csv.DictReader(f))
findings, buckets, runs = table("findings"), table("buckets"), table("runs")
db = sqlite3.connect("campaign/campaign.db")
assert len(findings) == db.execute("SELECT count(*) FROM findings").fetchone()[0]
for row, f in zip(findings, db.execute("SELECT id, target, text FROM findings ORDER BY id")):
    assert (int(row["id"]), row["target"], row["text"]) == f
assert sum(int(b["findings"]) for b in buckets) == len(findings)
assert [int(b["rank"]) for b in buckets] == list(range(1, len(buckets) + 1))
total = json.loads(db.execute("SELECT counts FROM totals").fetchone()[0])
assert runs[-1]["target"] == "all" and int(runs[-1]["runs"]) == 600, runs
for row in runs:
    names = [n for n in row if n not in ("target", "version", "runs")]
    assert sum(int(row[n]) for n in names) == int(row["runs"]), row
for n in list(runs[0])[2:]:
    assert sum(int(r[n]) for r in runs[:-1]) == int(runs[-1][n]), n
assert {"faulty:negate.relu", "faulty:none"} == {r["target"] for r in runs[:-1]}
END
"$python" - <<'END'
import sqlite3
db = sqlite3.connect("campaign/campaign.db")
db.execute("UPDATE findings SET text = 'a, \"b\"' || char(10) || 'c' WHERE id = 1")
db.commit()
END
run opjury report --csv tables --out campaign
passes 'csv: quotes, commas and ends of lines' "$python" -c '
import csv
assert next(csv.DictReader(open("tables/findings.csv", newline="")))["text"] == "a, \"b\"\nc"'
echo >file
# Nobody had time to make it smaller.
cp -r planted found
sed -i 's/"reduction": {/"reduction": null, "was": {/' found/verdict.json
run opjury report found
err_has 'not reduced: said to who sends it' 'is as it was found'
out_has 'not reduced: said to who reads it' 'is as it was found, not made smaller'
run opjury report planted
passes 'reduced: nothing is said' [ ! -s "$work/err" ]
out_has 'reduced: what was done' 'made as small as it goes'
printf '# %0260d\n' 0 >found/judgement.md
run opjury report found
err_has 'a title that is too long: said' 'GitHub takes 256'
run opjury report --csv file/tables --out campaign
status_is 2 'csv: no folder can be made'
err_has 'csv: which' 'cannot make directory file'

# ---- the order of the list ----

# One bucket a finding, each one step less interesting than the one before: what rank_compare says.
cp -r campaign ranked
"$python" - <<'END'
import sqlite3
db = sqlite3.connect("ranked/campaign.db")
db.execute("DELETE FROM findings WHERE id > 5")
db.execute("DELETE FROM buckets")
oracles = ["hang", "status", "gradient", "crash", "value"]
for i, oracle in enumerate(oracles, 1):
    db.execute("INSERT INTO buckets (id, key) VALUES (?, ?)", (i, f"key {i}"))
    db.execute("UPDATE findings SET oracle = ?1, signature = ?1, bucket = ?2, state = 'new', folder = '' WHERE id = ?2",
               (oracle, i))
db.commit()
END
run opjury show --out ranked
passes 'show: by severity' \
    [ "$(awk '$2 == "new" {printf "%s ", $3}' "$work/out")" = 'value crash gradient status hang ' ]
# Of two alike the one that is found in ordinary inputs; its folder tells.
"$python" - <<'END'
import os, shutil, sqlite3
db = sqlite3.connect("ranked/campaign.db")
db.execute("UPDATE findings SET oracle = 'value', signature = 'value'")
shutil.copytree("planted", "ranked/findings/given")
db.execute("UPDATE findings SET folder = 'findings/given' WHERE id = 3")
db.commit()
END
run opjury show --out ranked
passes 'show: what is ordinary first, then by age' \
    [ "$(awk '$2 == "new" {printf "%s ", $1}' "$work/out")" = '3 1 2 4 5 ' ]

# ---- wrong use ----

run opjury report
status_is 2 'nothing: status'
err_has 'nothing: what to do' 'opjury show'
run opjury report "$ort" "$torch"
status_is 2 'two: status'
run opjury report "$ort" --format html
status_is 2 'no such format: status'
err_has 'no such format: those there are' 'markdown, json, pytorch'
run opjury report campaign
status_is 2 'no finding: status'
err_is 'no finding: said' <<'END'
opjury: campaign is no finding's folder: it has no verdict.json
END
run opjury report 999999 --out campaign
status_is 2 'no such ID: status'
err_has 'no such ID: said' 'no finding 999999'
other=1
while ls -d campaign/findings/"$other"-* >/dev/null 2>&1; do
    other=$((other + 1))
done
run opjury report "$other" --out campaign
status_is 2 'no folder: status'
err_has 'no folder: how to get one' "opjury reduce $other --out campaign"
run opjury report --help
for format in $(opjury report "$ort" --format x 2>&1 | sed "s/.*; //; s/,//g"); do
    out_has "help: $format" "  $format "
done

done_testing
