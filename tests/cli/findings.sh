# SPDX-License-Identifier: Apache-2.0
# The independent judge of findings: confirms a fault, refuses what numpy says is right or undefined.
. "${0%/*}/harness.sh"
python=${OPJURY_PYTHON:-$root/.venv/bin/python}

# finding NAME ORACLE ACTUAL STATUS: a folder as opjury writes it, with a script that gets ACTUAL.
finding() {
    mkdir -p "$1"
    cat >"$1/program.txt" <<EOF
# y is what matters
x: f32[3] = input
w: f32[1] = const [2]
y: f32[3] = mul(x, w)
output y
EOF
    "$python" - "$1" "$2" <<'EOF'
import json, sys, numpy as np
folder, oracle = sys.argv[1:]
np.savez(f"{folder}/inputs.npz", x=np.array([1, 2, 3], np.float32))
np.savez(f"{folder}/expected.npz", **{"y.expected": np.array([2, 4, 6], np.float32),
         "y.bound": np.array([1e-6, np.nan, 1e-6])})
json.dump({"library": "torch", "version": "2.13.0+cpu", "oracle": oracle}, open(f"{folder}/verdict.json", "w"))
EOF
    cat >"$1/repro.py" <<EOF
import sys
import numpy as np
actual = [np.array($3, np.float32)]
sys.exit($4)
EOF
}

confirm() { run "$python" "$root/scripts/check_finding.py" "$1"; }

finding wrong value '[2, 4, 7]' 1
confirm wrong
status_is 0 'a wrong value is confirmed'
out_is 'a wrong value: says where' <<'EOF'
y[2]: 7.0, numpy has 6.0, allowed 1e-06; 1 of 3 elements
EOF

finding lost value '[2, 4, float("nan")]' 1
confirm lost
status_is 0 'NaN in place of a number is confirmed'

finding shape value '[2, 4]' 1
confirm shape
status_is 0 'a wrong shape is confirmed'

finding right value '[2, 4, 6]' 1
confirm right
status_is 1 'right values are refused, whatever the script says'
out_has 'right values: reason' 'by numpy the values are right'

finding masked value '[2, 99, 6]' 1
confirm masked
status_is 1 'elements that are not compared are no fault'

finding kernel value '[2, 4, 7]' 'int(__import__("os").environ["KERNEL"])'
echo '{"variables": {"KERNEL": "1"}}' >kernel/environment.json
confirm kernel
status_is 0 'variables of environment.json are set'

finding gone value '[2, 4, 7]' 0
confirm gone
status_is 1 'a script that shows no fault is refused'
out_has 'no fault: reason' 'repro.py ends with 0'

finding disagree value '[2, 4, 7]' 1
"$python" -c 'import numpy as np; np.savez("disagree/expected.npz", **{"y.expected": np.array([2, 4, 9], np.float32), "y.bound": np.zeros(3)})'
confirm disagree
status_is 1 'numpy against our own expectation is refused'
out_has 'disagreement: reason' 'numpy does not give what opjury expects'

finding dead crash '[2, 4, 6]' 1
echo 'import os; os.kill(os.getpid(), 11)' >dead/repro.py
confirm dead
status_is 0 'a crash is confirmed by the signal'
finding alive crash '[2, 4, 6]' 0
confirm alive
status_is 1 'a crash that does not happen is refused'

finding broken status '[2, 4, 6]' 1
sed -i 's/f32\[3\] = mul/f32[4] = mul/' broken/program.txt
confirm broken
status_is 1 'a program with shapes that cannot be is refused'
out_has 'broken program: reason' 'numpy gives shape'

# undefined NAME PROGRAM: refused, whatever dies, where a library may.
undefined() {
    finding "$1" crash '[2, 4, 6]' 1
    cat >"$1/program.txt"
    confirm "$1"
    status_is 1 "$1: refused"
    out_has "$1: reason" 'undefined: '
}
undefined division <<'EOF'
x: f32[3] = input
i: i64[3] = const [1, 0, 2]
y: i64[3] = floor_div(i, i)
output y
EOF
undefined least <<'EOF'
i: i8[2] = const [-128, 1]
m: i8[1] = const [-1]
y: i8[2] = div(i, m)
output y
EOF
undefined index <<'EOF'
x: f32[3] = input
i: i64[1] = const [3]
y: f32[1] = gather(x, i, axis=0)
output y
EOF
undefined row <<'EOF'
x: f32[3] = input
i: i64[1,1] = const [-4]
y: f32[1] = gather_nd(x, i, parts=1, batch_dims=0)
output y
EOF
finding defined crash '[2, 4, 6]' 1
cat >defined/program.txt <<'EOF'
x: f32[3] = input
i: i64[1] = const [-3]
y: f32[1] = gather(x, i, axis=0)
output y
EOF
confirm defined
status_is 0 'the last index of all is defined'

# One session at two shapes: what it ran before may be undefined as well.
finding shapes crash '[2, 4, 6]' 1
cp defined/program.txt shapes/
"$python" -c 'import numpy as np; np.savez("shapes/inputs_before.npz", x=np.zeros(2, np.float32))'
confirm shapes
status_is 1 'an index out of range at the shapes before'
out_has 'shapes before: reason' 'undefined: y: index -3'

# A campaign's folder: all of it, by the installed libraries.
mkdir -p campaign/findings
for name in wrong right; do
    cp -r $name "campaign/findings/$name"
    "$python" - "campaign/findings/$name" <<'EOF'
import importlib.metadata, json, sys
version = importlib.metadata.version("numpy")
json.dump({"library": "numpy", "version": version, "oracle": "value"}, open(f"{sys.argv[1]}/verdict.json", "w"))
EOF
done
mkdir campaign/findings/unfinished
run "$root/scripts/verify-findings" --from campaign
status_is 1 'one of a campaign is not confirmed'
out_has 'campaign: the wrong one' 'ok - wrong (numpy=='
out_has 'campaign: the right one' 'not ok - right (numpy=='
out_has 'campaign: the count' '1 passed, 1 failed'
run "$root/scripts/verify-findings" --from campaign wrong
status_is 0 'one of a campaign by its name'
run "$root/scripts/verify-findings" --from nowhere
status_is 2 'no such campaign'

done_testing
