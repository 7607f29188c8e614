# SPDX-License-Identifier: Apache-2.0
# `opjury blame`: a finding of a campaign on the library that misbehaves on purpose; then committed findings on
# ONNX Runtime itself, where it is installed in their version: the optimizer that did it, and nothing for a kernel.
. "${0%/*}/harness.sh"

run opjury blame
status_is 2 'no finding: status'
err_has 'no finding: says how' 'opjury show'
run opjury blame 1 --out nowhere
status_is 2 'no campaign: status'
run opjury blame no-such-folder
status_is 2 'no folder: status'
err_has 'no folder: says what is wanted' 'neither the ID of a finding nor a folder'
mkdir empty && echo '{}' >empty/verdict.json
run opjury blame empty
status_is 2 'a folder without a claim: status'
err_has 'a folder without a claim: says it' 'does not say which target failed'

# A fault of our own evaluator: no variation of it exists but the dtype, and nothing is guilty.
exact_policy >policy
run opjury fuzz --target faulty:negate.relu --tests 300 --seed 1 --policy policy --out campaign
status_is 1 'campaign: found'
run opjury blame 1 --out campaign
status_is 0 'nothing to blame: status'
out_has 'nothing to blame: says so' 'blamed: nothing'
folder=$(ls -d campaign/findings/1-*)
run opjury blame "$folder" --json
status_is 0 'by folder: status'
passes 'by folder: blame.json is what is printed' python3 -c '
import json, sys
printed, kept = (json.load(open(p)) for p in sys.argv[1:])
assert printed == kept, (printed, kept)
assert kept["component"] is None and kept["first_bad"] is None and kept["last_good"] is None, kept
assert {t["kind"] for t in kept["tried"]} <= {"dtype"}, kept
' "$work/out" "$folder/blame.json"
run opjury reduce 1 --out campaign
passes 'a finding that is written anew has no blame of the old one' [ ! -e "$folder/blame.json" ]
run opjury blame 999 --out campaign
status_is 2 'no such finding: status'

# versions LIST: is it refused?
versions() {
    run opjury blame "$folder" --versions "$1"
    status_is 2 "versions '$1': status"
}
versions 1.2,
err_has "versions '1.2,': what they are" "takes releases such as 1.20.1,1.29.0,1.31.1, not ''"
versions '1.2 3'
versions latest
versions 1.2
err_has 'our own evaluator has no releases' 'runs inside opjury'

python=${OPJURY_PYTHON:-$root/.venv/bin/python}
version=$("$python" -c 'import onnxruntime; print(onnxruntime.__version__)' 2>"$work/err")
if [ "$version" != 1.31.1 ]; then
    verdict 0 "committed findings # skip they are of onnxruntime 1.31.1, here is ${version:-none}"
    done_testing
fi

# blamed NAME COMPONENT: what is guilty of a committed finding; a copy, for the folder is written to.
blamed() {
    cp -r "$root/findings/$1" "$1"
    run opjury blame "$1" --json
    passes "$1: $2" python3 -c '
import json, sys
o = json.load(open(sys.argv[1]))
assert (o["component"] or "nothing") == sys.argv[2], (o["component"], o["text"])
' "$work/out" "$2"
}
blamed ort-relu-clip-dtypes 'optimizer FuseReluClip'
out_has 'it shows from basic on' 'It shows at opt=basic, extended and all and not at opt=none.'
blamed ort-transpose-matmul-vector 'optimizer MatmulTransposeFusion'
blamed ort-matmul-scale-float64 'optimizer MatMulScaleFusion'
out_has 'it shows on float64 alone' 'Its floats as f64: it shows; as f32 or f16: it does not.'
blamed ort-matmul-add-empty 'optimizer MatMulAddFusion'
blamed ort-transpose-matmul-f16-crash \
    'optimizer NchwcTransformer, FuseFp16InitializerToFp32NodeTransformer or MatmulTransposeFusion'
blamed ort-sign-int64 nothing
out_has 'a kernel: all levels' 'All levels show it (none, basic, extended and all): it is in a kernel'

# Ctrl-C keeps what was tried, and the same command goes on.
cut() {
    "$python" - "$OPJURY" "$1" <<'END'
import signal, subprocess, sys
with subprocess.Popen([sys.argv[1], "blame", sys.argv[2]], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as p:
    p.stdout.readline()
    p.stdout.readline()  # the first try
    p.send_signal(signal.SIGINT)
    _, error = p.communicate()
    sys.stderr.write(error)
sys.exit(p.returncode)
END
}
rm ort-sign-int64/blame.json
run cut ort-sign-int64
status_is 2 'Ctrl-C: status'
err_has 'Ctrl-C: said' 'stopped; what was tried is in ort-sign-int64/blame.json, and the same command goes on'
passes 'Ctrl-C: what was tried is kept' "$python" -c '
import json, sys
o = json.load(open(sys.argv[1]))
assert o["complete"] is False and o["tried"] and "It was stopped before all had been tried." in o["text"], o
' ort-sign-int64/blame.json
sed -i 's/"text": "v/"text": "seen before v/' ort-sign-int64/blame.json
run opjury blame ort-sign-int64
status_is 0 'gone on with: status'
out_has 'gone on with: what was tried is taken over' 'seen before'
passes 'gone on with: it is whole' grep -q '"complete": true' ort-sign-int64/blame.json
cp ort-sign-int64/blame.json whole.json
run cut ort-sign-int64
err_has 'Ctrl-C, a whole answer is there: said' 'stopped; nothing is changed'
passes 'Ctrl-C, a whole answer is there: it stays' cmp -s whole.json ort-sign-int64/blame.json

# Threads of a library that keeps their number in its own state: set, and put back.
if [ "$("$python" -c 'import torch; print(torch.__version__.split("+")[0])' 2>"$work/err")" = 2.13.0 ]; then
    blamed torch-gelu-inf nothing
    out_has 'torch: other threads' 'With 4 threads it shows too.'
    out_has 'torch: dtypes' 'Its floats as f32 or bf16: it shows; as f64 or f16: it does not.'
else
    verdict 0 'torch # skip torch 2.13.0 is not installed'
fi

# Releases: one that cannot be had is a line of the answer; one in the cache is run (here the same library under another
# name and without its fault in Relu and Clip); the installed one is known.
probed=${OPJURY_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/opjury} # what is known already of the installed one
export OPJURY_CACHE=$work/cache PIP_INDEX_URL=file://$work/none PIP_FIND_LINKS=
release=$OPJURY_CACHE/releases/onnxruntime==1.0.9
mkdir -p "$OPJURY_CACHE" && cp "$probed"/support-onnxruntime-* "$OPJURY_CACHE" 2>/dev/null
"$python" -m venv --without-pip "$release"
site=$(ls -d "$release"/lib/python*/site-packages)
"$python" -c 'import numpy, os; print(os.path.dirname(os.path.dirname(numpy.__file__)))' >"$site/real.pth"
echo 'import without_fault' >"$site/then.pth" # a sitecustomize.py would stand behind the one that Debian's Python has
cat >"$site/without_fault.py" <<'EOF'
import onnxruntime
session = onnxruntime.InferenceSession
onnxruntime.InferenceSession = lambda *a, **k: session(*a, **k | {"disabled_optimizers": ["FuseReluClip"]})
EOF
touch "$release/.complete"
run opjury blame ort-sign-int64 --versions 1.0.9,0.0.1,1.31.1
status_is 0 'releases: status'
out_has 'releases: one that cannot be had' 'onnxruntime==0.0.1 could not be installed'
passes 'releases: in order, each once' python3 -c '
import json, sys
o = json.load(open(sys.argv[1]))
tried = [(t["what"], t["verdict"]) for t in o["tried"] if t["kind"] == "version"]
assert tried == [("0.0.1", "unsupported"), ("1.0.9", "finding"), ("1.31.1", "finding")], tried
assert o["first_bad"] == "1.0.9" and o["last_good"] is None and o["component"] is None, o
' ort-sign-int64/blame.json
passes 'no path of this machine is left' python3 -c '
import sys
assert sys.argv[2] not in open(sys.argv[1]).read()
' ort-sign-int64/blame.json "$work"

# A release of older models: its pass counts where the installed one shows the failure on such a model too.
sed -i 's/^onnx [0-9]* [0-9]*$/onnx 17 8/' $(grep -l "$release" "$OPJURY_CACHE"/support-*)
run opjury blame ort-relu-clip-dtypes --versions 1.0.9
out_has 'an older opset: the last good release' '1.31.1 is the first that shows it and 1.0.9 the last'
passes 'an older opset: is held against the installed release' python3 -c '
import json, sys
o = json.load(open(sys.argv[1]))
tried = [(t["what"], t["verdict"]) for t in o["tried"] if t["kind"] == "version"]
assert tried == [("1.0.9", "pass"), ("1.31.1, opset 17", "finding"), ("1.31.1", "finding")], tried
assert o["last_good"] == "1.0.9" and o["component"] == "optimizer FuseReluClip", o
' ort-relu-clip-dtypes/blame.json

# A name that the library does not have is no optimizer that was switched off.
run opjury run --target onnxruntime:disable=NoSuchFusion ort-sign-int64/program.txt
out_has 'an unknown optimizer: is said' 'onnxruntime 1.31.1 has no optimizer NoSuchFusion'
out_has 'an unknown optimizer: nothing is judged' 'unjudged'
done_testing
