# SPDX-License-Identifier: Apache-2.0
# Folders and campaigns of others: what they name is not run, and what they set is not taken over, unless the user says so.
. "${0%/*}/harness.sh"
python=${OPJURY_PYTHON:-$root/.venv/bin/python}

# An interpreter that a stranger has put beside the finding: it leaves a mark when it runs.
mkdir -p theirs/bin
printf '#!/bin/sh\ntouch "%s/ran"\nexit 1\n' "$PWD" >theirs/bin/python
chmod +x theirs/bin/python
not_run() { passes "$1: it is not run" [ ! -e ran ]; }

cp -r "$root/findings/ort-sign-int64" finding
sed -i 's/"onnxruntime:opt=all"/"onnxruntime:opt=all@theirs"/' finding/verdict.json
run opjury blame finding
status_is 2 'blame, an interpreter of a folder: status'
err_is 'blame, an interpreter of a folder: says how' <<'END'
opjury: it was found on onnxruntime:opt=all in the interpreter theirs, and what a folder names is not run unasked; if you know it, add --python theirs
END
not_run 'blame, an interpreter of a folder'
run opjury blame finding --python theirs
passes 'blame, an interpreter that the user names: it is run' [ -e ran ]
rm -f ran
run opjury report finding
status_is 0 'report, an interpreter of a folder: nothing has to run'
not_run 'report, an interpreter of a folder'

sed -i 's/@theirs/@a; touch ran/' finding/verdict.json
run opjury blame finding
err_has 'blame, what to type is safe to type' "add --python 'a; touch ran'"
sed -i 's/@a; touch ran/@theirs/' finding/verdict.json

# A variable that would have Python load their code: sitecustomize runs before anything else does.
cp -r "$root/findings/ort-sign-int64" variable
printf '{"targets": [], "variables": {"PYTHONPATH": "%s/code", "LD_PRELOAD": "x", "OMP_NUM_THREADS": "1"}}\n' "$PWD" \
    >variable/environment.json
mkdir code
echo "open('$PWD/ran', 'w')" >code/sitecustomize.py
run opjury blame variable
err_has 'blame, a variable that loads code: left out' 'PYTHONPATH is no variable that a finding may set'
err_has 'blame, another one: left out' 'LD_PRELOAD is no variable'
err_lacks 'blame, the number of threads: set' 'OMP_NUM_THREADS'
not_run 'blame, a variable that loads code'

# A campaign of theirs: its rows name the interpreter, and so may the folders.
exact_policy 'nodes = 3' 'numel_max = 16' 'dtype.* = 0' 'dtype.f32 = 1' >exact.policy
opjury fuzz --policy exact.policy --known none --target faulty:negate.relu --target faulty:none --tests 100 --seed 4 \
    --out campaign >/dev/null 2>&1
"$python" - <<'END'
import glob, sqlite3
d = sqlite3.connect("campaign/campaign.db")
d.execute("UPDATE findings SET target = 'onnxruntime:opt=all@theirs' WHERE target = 'faulty:negate.relu'")
d.execute("UPDATE campaign SET value = replace(value, 'faulty:none', 'onnxruntime:opt=none@theirs') WHERE name = 'targets'")
d.commit()
for path in glob.glob("campaign/findings/*/verdict.json"):
    text = open(path).read().replace('"faulty:none"', '"torch@theirs"')
    open(path, "w").write(text)
END
for command in 'verify' 'reduce 1' 'blame 1' 'known add 1 --url u --file rules' 'show 1' 'report 1' 'report --csv tables --html page.html'; do
    # shellcheck disable=SC2086 # a list of words
    run opjury $command --out campaign
    not_run "$command"
done
run opjury verify --out campaign
out_has 'verify: says how' 'not tried'
out_has 'verify: says how' 'add --python theirs'
for command in 'reduce 1' 'known add 1 --url u --file rules' 'blame 1'; do
    # shellcheck disable=SC2086 # a list of words
    run opjury $command --out campaign
    status_is 2 "$command: status"
    err_has "$command: says how" 'add --python theirs'
done
run opjury report 1 --out campaign
status_is 0 'report: status'
err_has 'report: what is to blame is not asked unasked' 'add --python theirs'
run opjury report 1 --out campaign --python theirs
passes 'report --python: it is run' [ -e ran ]
rm -f ran
run opjury show 1 --out campaign
out_has 'show: what to type' 'opjury reduce 1 --out campaign --python theirs'
run opjury verify --out campaign --python theirs
passes 'verify --python: it is run' [ -e ran ]
rm -f ran
# The other targets of a finding's table are no reason to run theirs either.
"$python" -c "import sqlite3; d = sqlite3.connect('campaign/campaign.db'); d.execute(\"UPDATE findings SET target = 'faulty:negate.relu' WHERE target LIKE 'onnx%'\"); d.commit()"
run opjury reduce 1 --out campaign
status_is 0 'reduce, an interpreter in the table: status'
err_has 'reduce, an interpreter in the table: left out' 'torch@theirs: it was found on torch in the interpreter theirs'
not_run 'reduce, an interpreter in the table'

# What would be run anyway needs no word.
usual=$("$python" -c 'import sys; print(sys.executable)')
if "$python" -c 'import onnxruntime' 2>/dev/null; then
    sed -i "s|@theirs|@$usual|" finding/verdict.json
    OPJURY_PYTHON=$usual run opjury blame finding --json
    err_lacks 'the usual interpreter needs no word' 'unasked'
else
    verdict 0 'the usual interpreter # skip onnxruntime is not installed'
fi
done_testing
