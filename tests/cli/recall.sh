# SPDX-License-Identifier: Apache-2.0
# scripts/recall: which findings count as a known bug, one campaign for all bugs of a version, its account of CPU time,
# Ctrl-C, what is measured of the buckets. In place of opjury a stub that writes down findings as a campaign does.
. "${0%/*}/harness.sh"
python=${OPJURY_PYTHON:-$root/.venv/bin/python}

cat >stub <<EOF
#!$python
EOF
cat >>stub <<'EOF'
"""fuzz: the rows of rows.json, the late ones only in a second sitting. reduce: a folder of such a row's program. bench:
what it is asked, and the status in `measured`."""
import json, os, pathlib, signal, sqlite3, sys, time
with open("calls", "a") as f:
    f.write(" ".join(sys.argv[1:3]) + "\n")
if sys.argv[1] == "bench":
    asked = " ".join(os.path.relpath(word) if os.path.isabs(word) else word for word in sys.argv[2:])
    print(json.dumps({"asked": asked}) if "--json" in sys.argv else asked)
    sys.exit(int(open("measured").read()) if os.path.exists("measured") else 0)
out = pathlib.Path(sys.argv[sys.argv.index("--out") + 1])
rows = json.load(open("rows.json"))

def folder(row):
    place = out / "findings" / f"{row['id']}-onnxruntime-{row['oracle']}"
    place.mkdir(parents=True, exist_ok=True)
    (place / "program.txt").write_text("# a comment: linear(\n" + row["program"] + "\n")
    (place / "repro.py").write_text(f"raise SystemExit({row.get('still', 0)})\n")
    (place / "verdict.json").write_text(json.dumps({"oracle": row["oracle"], "verdicts": [{"text": row["text"]}]}))
    return f"findings/{place.name}"

if sys.argv[1] == "reduce":
    folder(next(row for row in rows if row["id"] == int(sys.argv[2])))
    sys.exit(0)
if os.path.exists("trouble"):
    print("opjury: no such thing", file=sys.stderr)
    sys.exit(2)
out.mkdir(parents=True, exist_ok=True)
again = (out / "campaign.db").exists()
store = sqlite3.connect(out / "campaign.db")
store.execute("CREATE TABLE IF NOT EXISTS findings (id INTEGER PRIMARY KEY, oracle, ops, state, folder, json)")
for row in rows:
    if again or not row.get("late"):
        is_reduced = bool(row.get("reduced"))
        store.execute("INSERT OR IGNORE INTO findings VALUES (?, ?, ?, 'new', ?, ?)",
                      (row["id"], row["oracle"], row["ops"], folder(row) if is_reduced else "",
                       json.dumps({"complete": is_reduced})))
store.commit()
signal.signal(signal.SIGINT, lambda *_: sys.exit(0))
end = time.monotonic() + 20
while time.monotonic() < end:
    pass
EOF
chmod +x stub
# recall without its environments, looking more often than every two seconds.
cat >recall.py <<EOF
import importlib.machinery, importlib.util, os, sys
sys.path.insert(0, "$root/scripts")
loader = importlib.machinery.SourceFileLoader("recall", "$root/scripts/recall")
recall = importlib.util.module_from_spec(importlib.util.spec_from_loader("recall", loader))
loader.exec_module(recall)
recall.environment = lambda version: os.path.abspath("env")
recall.POLL = 0.1
recall.OPJURY = os.path.abspath("stub")
sys.exit(recall.main(sys.argv[1:]))
EOF
mkdir -p env/bin && ln -s "$python" env/bin/python
recall() { "$python" recall.py --out out --seeds 1 "$@"; }
calls() { [ "$(grep -c "^$1" calls)" = "$2" ]; }

transposed='{"oracle": "value", "ops": "transpose(f32) -> gemm(f32), relu(f32)", "text": "v1[0]: expected 1, got 2"'
program='v0: f32[2,2] = transpose(x0, perm=[0,1])\nv1: f32[2,2] = gemm(v0, x1)'
floor='{"id": 1, "oracle": "value", "ops": "floor(f64)", "reduced": true,
        "text": "v0[0]: expected 1.5e+20, got -2147483648", "program": "v0: f64[1] = floor(x0)"}'
newest='{"id": 9, "oracle": "value", "ops": "sqrt(f32)", "text": "", "program": ""}'
latest='{"id": 13, "late": true, "oracle": "value", "ops": "sqrt(f32)", "text": "", "program": ""}'

printf '%s\n' "[$floor, $transposed, \"id\": 2, \"program\": \"$program\"}, $newest]" >rows.json
run recall floor-large transpose-identity
status_is 0 'two bugs of a version: status'
out_has 'two bugs of a version: the first' 'found     floor-large        onnxruntime 1.15.0: 1 of 1 seeds, CPU minutes 0.0; out/'
out_has 'two bugs of a version: the other' 'found     transpose-identity onnxruntime 1.15.0: 1 of 1 seeds'
out_has 'two bugs of a version: the sum' '2 of 2 found'
err_has 'two bugs of a version: the campaign' '# onnxruntime 1.15.0, seed 1: floor-large 0.0, transpose-identity 0.0, 0.0 CPU'
passes 'one campaign for both' calls fuzz 1
passes 'what the campaign did not make small is made so' calls reduce 1
run recall floor-large transpose-identity --json
out_has 'all is found already: json' '{"found": 2, "total": 2, "bugs": [{"bug": "floor-large"'
passes 'all is found already: no campaign' calls fuzz 1
out_has 'all is found already: buckets' '"buckets": {"asked": "buckets --labels '
run recall floor-large transpose-identity
out_has 'buckets: by the causes that were judged' '/findings/causes.yaml --target onnxruntime@'
out_has 'buckets: of all campaigns' '--from out/onnxruntime-1.15.0-seed-1'
echo 1 >measured
run recall floor-large transpose-identity
status_is 1 'buckets: too many are wrong: status'
echo 2 >measured
run recall floor-large transpose-identity
status_is 2 'buckets: not measured: status'
err_has 'buckets: not measured: said' 'recall: the buckets could not be measured'
rm measured

# near NAME ROW: a finding that is none.
near() {
    printf '%s\n' "[$2, $newest]" >rows.json
    run recall --fresh --minutes 0.005 transpose-identity
    status_is 1 "$1: status"
    out_has "$1: not found, and when it ended" 'not found transpose-identity onnxruntime 1.15.0: 0 of 1 seeds, CPU minutes 0.0-'
}
near 'another operator is left' "$transposed, \"id\": 1, \"program\": \"$program\\nv2: f32[2] = relu(v1)\"}"
near 'another permutation' "$transposed, \"id\": 1, \"program\": \"v0: f32[2,2] = transpose(x0, perm=[1,0])\"}"
near 'the version that mended it shows it too' "$transposed, \"id\": 1, \"still\": 1, \"program\": \"$program\"}"
rm -f calls
near 'without the operators' "{\"oracle\": \"value\", \"ops\": \"relu(f32)\", \"id\": 1, \"text\": \"\", \"program\": \"\"}"
passes 'without the operators: nothing is reduced' calls reduce 0

# Ctrl-C (a shell's background job ignores it, so it is SIGTERM), and on.
printf '%s\n' "[$floor, $newest, $transposed, \"id\": 12, \"late\": true, \"program\": \"$program\"}, $latest]" >rows.json
rm -rf out calls
"$python" recall.py --out out --seeds 1 floor-large transpose-identity >"$work/out" 2>"$work/err" &
for _ in $(seq 100); do
    grep -q floor out/*/recall.json 2>/dev/null && break
    sleep 0.1
done
kill -TERM $!
wait $!
status=$?
status_is 2 'stopped: status'
err_is 'stopped: what to do' <<'EOF'

recall: stopped; the same command goes on
EOF
run recall floor-large transpose-identity
status_is 0 'on: status'
out_has 'on: what the second sitting found' '2 of 2 found'
passes 'on: two sittings' calls fuzz 2

touch trouble
run recall --fresh floor-large
status_is 2 'trouble: status'
err_has 'trouble: what the campaign said' 'opjury: no such thing (--fresh begins anew)'
run recall no-such-bug
status_is 2 'no such bug: status'
err_has 'no such bug: named' 'there is no bug no-such-bug'
done_testing
