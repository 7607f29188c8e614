# SPDX-License-Identifier: Apache-2.0
# A short campaign on every library that is installed, real processes and all. Skipped where none is.
. "${0%/*}/harness.sh"

run opjury targets --json
if ! python3 -c 'import json, sys; sys.exit(not any(k["installed"] and k["defaults"]
        for k in json.load(open(sys.argv[1]))["targets"]))' "$work/out"; then
    echo 'ok 1 - campaign on real libraries # skip none is installed'
    echo '1..1'
    exit 0
fi
cp "$work/out" targets.json

run opjury fuzz --tests 200 --out one --json
passes 'campaign: status' [ "$status" -le 1 ]
passes 'campaign: accounting' python3 -c '
import json, sys
o = json.load(open(sys.argv[1]))
kinds = json.load(open(sys.argv[2]))["targets"]
targets = sum(len(k["defaults"]) for k in kinds if k["installed"])
assert o["tests"] == 200 and o["runs"] == 200 * targets == sum(o["verdicts"].values()), o
assert o["verdicts"]["unsupported"] < 0.15 * o["runs"], o
assert o["verdicts"]["pass"] > 0.5 * o["runs"], o
assert o["verdicts"]["not_exercised"] == 0 and o["tests_per_cpu_second"] > 0, o
assert 0 < o["library_cpu_share"] < 1, o
' "$work/out" targets.json
verdicts() { python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["verdicts"])' "$1"; }
verdicts "$work/out" >one.verdicts
run opjury fuzz --tests 200 --out two --json --jobs 2
verdicts "$work/out" >two.verdicts
passes 'campaign: two jobs give the same verdicts' cmp one.verdicts two.verdicts

# One session at two shapes: nearly every program has several.
has_onnxruntime() { python3 -c 'import json, sys
sys.exit(not any(k["name"] == "onnxruntime" and k["installed"] for k in json.load(open("targets.json"))["targets"]))'; }
if has_onnxruntime; then
    run opjury fuzz --tests 200 --out shapes --json --target onnxruntime:opt=all,dynamic
    passes 'dynamic shapes: status' [ "$status" -le 1 ]
    passes 'dynamic shapes: exercised' python3 -c '
import json, sys
v = json.load(open(sys.argv[1]))["verdicts"]
assert sum(v.values()) == 200 and v["pass"] > 100 and v["not_exercised"] < 50, v
' "$work/out"

    # Fresh memory is not zeros in a worker: what no kernel writes is wrong, the first time as well.
    printf '%s\n' 'a: f32[5,0] = input' 'b: f32[0] = input' 'y: f32[5] = matmul(a, b)' 'output y' >unwritten.txt
    run opjury run unwritten.txt --target onnxruntime --known none
    status_is 1 'an output that is never written: found'
    out_has 'an output that is never written: what it holds' 'expected 0, got -0.372549'
fi

# Nothing of ours outlives a killed campaign by two seconds.
"$OPJURY" fuzz --tests 1000000 --out killed >/dev/null 2>&1 &
pid=$!
sleep 4
family() { ps -e -o pid=,ppid= | awk -v top=$pid '
    {parent[$1] = $2} END {for (p in parent) {for (q = p; q > 1; q = parent[q]) if (q == top) {print p; break}}}'; }
family >family
passes 'killed: there are workers to kill' [ "$(wc -l <family)" -ge 3 ]
kill -9 $pid
wait $pid 2>/dev/null
sleep 2
left=0
while read -r p; do
    [ ! -e "/proc/$p" ] || grep -q '^State:.Z' "/proc/$p/status" || left=$((left + 1))
done <family
passes 'killed: nothing lives on for two seconds' [ $left = 0 ]

for target in $(python3 -c 'import json, sys
for k in json.load(open(sys.argv[1]))["targets"]:
    if k["installed"]: print("\n".join(k["defaults"]))' targets.json); do
    run opjury targets --support "$target"
    status_is 0 "support of $target: status"
    out_has "support of $target: has relu" 'relu         f32  -> f32'
    cp "$work/out" table
    run opjury targets --support "$target" --json
    cp "$work/out" table.json
    passes "support of $target: the table and the JSON say the same" python3 -c '
import json
o = json.load(open("table.json"))
rows = {f"{op} {i} -> " + " ".join(outs) for op, by_dtype in o["ops"].items() for i, outs in by_dtype.items()}
rows |= {f"{op} not at all" for op, by_dtype in o["ops"].items() if not by_dtype}
head, *lines = [line for line in open("table")]
assert o["version"] in head and o["target"] in head, head
differ = rows ^ {" ".join(line.split()) for line in lines if line[0] != "#"}
assert not differ, sorted(differ)[:10]
'
    run opjury gen --target "$target" --nodes 8 --count 50
    cp "$work/out" programs
    passes "gen for $target: of the table alone" python3 -c '
import json, re
ops, known, seen = json.load(open("table.json"))["ops"], {}, 0
for line in open("programs"):
    if line.startswith("output "):
        known = {}
    elif match := re.match(r"(\w+): (\w+)\[[^=]* = (?:input|const)\b", line):
        known[match[1]] = match[2]
    elif match := re.match(r"(\w+): (\w+)\[.* = (\w+)\((\w+)", line):
        outs = re.findall(r"(\w+): (\w+)\[", line.split(" = ")[0])
        known.update(outs)
        assert outs[0][1] in ops[match[3]][known[match[4]]], line
        seen += 1
assert seen == 400, seen
'
done

# What is where.
run opjury targets
python3 -c '
import json
for k in json.load(open("targets.json"))["targets"]:
    print(*([k["name"], k["version"]] if k["installed"] and k.get("version") else []))' | sort -u >versions
while read -r name version; do
    [ -z "$name" ] || out_has "targets: $name with its version" "$name $version: "
done <versions
out_has 'targets: where they run' 'runs in: '
out_has 'targets: what fuzz runs' 'fuzz runs: '

done_testing
