# SPDX-License-Identifier: Apache-2.0
# Targets that draw their options (`any`): the same in every campaign of a seed, whatever the number of engines; what is
# recorded is what a failure needs. Faults are planted in our own evaluator, so no library is needed, but for the last part.
. "${0%/*}/harness.sh"

{
    printf 'name = drawn\nnodes = 6\nop.* = 0\n'
    for op in add mul relu neg transpose concat; do
        echo "op.$op = 10"
    done
} >drawn.policy
fuzz() { run opjury fuzz --policy drawn.policy --known none --target faulty:any "$@"; }

# rows DIR: a line a finding: test, target, target with all that was drawn.
rows() {
    python3 - "$1" <<'END'
import json, sqlite3, sys
query = "SELECT test_index, target, json FROM findings ORDER BY 1, 2"
for test, target, text in sqlite3.connect(sys.argv[1] + "/campaign.db").execute(query):
    print(test, target, json.loads(text)["drawn"])
END
}

fuzz --tests 150 --out one
status_is 1 'new findings: status'
cp "$work/out" one.txt
out_has 'accounting' '150 runs of 150 tests on 1 target'
out_has 'a bucket is of the target as it was named' '        faulty:any'
for op in add mul relu; do
    passes "a bucket a fault: $op" [ "$(grep -c "value: $op(" one.txt)" = 1 ]
done
rows one >one.rows
passes 'findings need one of the faults that were drawn' python3 - one.rows <<'END'
import sys
rows = [line.split()[1:] for line in open(sys.argv[1])]
options = [[set(text.partition(":")[2].split(",")) for text in row] for row in rows]
assert {"negate.add", "negate.mul", "negate.relu"} in [drawn for _, drawn in options]
assert all(needed <= drawn for needed, drawn in options)
# Of two faults one may hide the other, or both together look like another failure.
assert sum(len(needed) > 1 for needed, _ in options) <= 0.05 * len(rows)
assert {"faulty:negate." + op for op in ("add", "mul", "relu")} <= {text for text, _ in rows}
END

fuzz --tests 150 --jobs 2 --out two
rows two >two.rows
passes 'two engines: the same findings' cmp one.rows two.rows
fuzz --tests 60 --out three
fuzz --tests 150 --out three
rows three >three.rows
passes 'in two sittings: the same findings' cmp one.rows three.rows
run opjury show 1 --out one
out_has 'show: what was drawn' 'drawn      faulty:negate.'
passes 'a folder names the target that fails' grep -q '"target": "faulty:negate\.[a-z]*",' one/findings/1-*/verdict.json
run opjury reduce 1 --out one
status_is 0 'reduce: status'

run opjury fuzz --policy drawn.policy --known none --target faulty:negate.add,any --tests 40 --out given
passes 'a given option stays' [ "$(rows given | grep -vc ' faulty:negate.add.* faulty:negate.add')" = 0 ]
run opjury fuzz --target selftest:any --tests 1
status_is 2 'nothing to draw: status'
err_has 'nothing to draw: says it' "leave out 'any'"

python=${OPJURY_PYTHON:-$root/.venv/bin/python}
if "$python" -c 'import onnxruntime' 2>/dev/null; then
    cat >program.txt <<'END'
x: f32[2,3] = input
w: f32[3,4] = const [1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 2, 3]
y: f32[2,4] = matmul(x, w)
z: f32[2,4] = relu(y)
output z
END
    # shellcheck disable=SC2046 # words
    run opjury run program.txt $(printf -- '--target onnxruntime:%s ' execution=parallel memory=no_pattern memory=no_arena \
        memory=no_reuse prepacking=off compute=deterministic saved=onnx saved=ort opt=none,saved=ort,threads=2,memory=no_arena)
    status_is 0 'each option of a session: right'
    passes 'each option of a session: was run' [ "$(grep -c '  pass' "$work/out")" = 9 ]
    run opjury run program.txt --target onnxruntime:any
    status_is 0 'run with options that are drawn: status'
    out_has 'run: they are spelled' 'onnxruntime:opt='
    passes 'options reach the session' env PYTHONPATH="$root/python" "$python" - <<'END'
import onnxruntime
from opjury import onnxruntime as adapter

def made(options):
    session = adapter.session_options("opt=all," + options)[0]
    return (session.execution_mode == onnxruntime.ExecutionMode.ORT_PARALLEL, session.enable_mem_pattern,
            session.enable_cpu_mem_arena, session.enable_mem_reuse, session.use_deterministic_compute)

usual = made("threads=2")
assert usual == (False, True, True, True, False), usual
for place, option in enumerate(("execution=parallel", "memory=no_pattern", "memory=no_arena", "memory=no_reuse",
                                "compute=deterministic")):
    assert [i for i in range(5) if made(option)[i] != usual[i]] == [place], option
assert adapter.session_options("opt=all,prepacking=off")[0].get_session_config_entry("session.disable_prepacking") == "1"
END
fi
done_testing
