# SPDX-License-Identifier: Apache-2.0
# `opjury bench SUBJECT` on a few tests: that each figure is there, in one JSON object or in a table, and adds up. How
# high they are is tested elsewhere (tests/seeded, bench.sh, inputs.sh) or by `make bench`.
. "${0%/*}/harness.sh"

# json_holds EXPRESSION: a Python expression over the object o in the only line.
json_holds() {
    python3 - "$work/out" "$1" <<'END'
import json, sys
lines = open(sys.argv[1]).read().splitlines()
assert len(lines) == 1, lines
o = json.loads(lines[0])
assert isinstance(o, dict), o
sys.exit(0 if eval(f"({sys.argv[2]})") else f"{sys.argv[2]} is false for {lines[0]}")
END
}

run opjury bench
status_is 0 'without a subject: status'
for subject in judge bounds diversity evaluate observability throughput generator inputs unjudged campaign compile reduce buckets; do
    passes "without a subject: $subject is listed" grep -q "^$subject  *[a-z]" "$work/out"
done
run opjury bench frob
status_is 2 'no such subject: status'
err_has 'no such subject: said' "there is no figure 'frob'; \`opjury bench\` lists them"
run opjury bench judge bounds
status_is 2 'two subjects: status'
err_has 'two subjects: said' "one SUBJECT, not also 'bounds'"

run opjury bench throughput --tests 20 --target faulty:none --target faulty:negate.relu --json
status_is 0 'throughput: status'
passes 'throughput: a row a target, of as many tests' json_holds '[(r["target"], r["tests"]) for r in o["throughput"]] ==
    [("faulty:none", 20), ("faulty:negate.relu", 20)]'
passes 'throughput: what takes the time' json_holds 'all(r["tests_per_cpu_second"] > 0 and r["generate_us"] > 0 and
    r["judge_us"] > 0 and r["library_us"] == 0 for r in o["throughput"])'
run opjury bench throughput --tests 20 --target faulty:none
out_has 'throughput: a table' 'target                                 tests/s  generate'
out_has 'throughput: its row' 'faulty:none'

run opjury bench bounds --tests 8 --target faulty:none --json
status_is 0 'bounds: status'
passes 'bounds: K and c in use' json_holds 'o["bounds"]["in_use"] == {"k": 12, "c": 3.0}'
passes 'bounds: whose runs' json_holds '[(c["runs_of"], c["what"]) for c in o["bounds"]["curves"]] == [
    ("planted faults", "recall"), ("evaluator with legal noise", "false alarms"), ("faulty:none", "false alarms")]'
passes 'bounds: all correct runs count, faults that change a result do' json_holds 'o["bounds"]["curves"][0]["runs"] <= 8 and
    all(c["runs"] == 8 for c in o["bounds"]["curves"][1:])'
passes 'bounds: a row a K, fewer above a larger c' json_holds 'all(len(c["percent"]) == len(o["bounds"]["k"]) and
    all(len(r) == len(o["bounds"]["c"]) and r == sorted(r, reverse=True) and 0 <= r[-1] <= r[0] <= 100
    for r in c["percent"]) for c in o["bounds"]["curves"])'
# Two samples alone may both leave an element where it was.
passes 'bounds: from K = 4 on no legal noise is above the largest c' json_holds 'o["bounds"]["k"][1] == 4 and
    all(r[-1] == 0 for r in o["bounds"]["curves"][1]["percent"][1:])'
run opjury bench bounds --tests 2 --target faulty:none
out_has 'bounds: a table' 'in use: K = 12, c = 3'
out_has 'bounds: its curves' 'planted faults: '

run opjury bench observability --tests 3 --json
passes 'observability: 10 and 40 nodes, clean and not' json_holds '[(r["nodes"], r["clean"]) for r in o["observability"]] == [
    (10, True), (10, False), (40, True), (40, False)]'
passes 'observability: found of changed of all' json_holds 'all(r["found"] <= r["changed"] <= r["programs"] == 3
    for r in o["observability"])'
run opjury bench observability --tests 2
out_has 'observability: a table' 'programs, inputs    tests'
passes 'observability: a row an op' grep -q '^where  *' "$work/out"

run opjury bench unjudged --tests 30
status_is 0 'unjudged: status'
out_has 'unjudged: a table' 'begins at           clean: unstable unspecified'
out_has 'unjudged: both kinds of inputs' 'special inputs: 30 tests, '

run opjury bench generator --tests 2 --json
passes 'generator: the floors decide the status' [ "$status" -le 1 ]
passes 'generator: sizes of both policies, all valid' json_holds 'all(c["valid"] == c["models"] > 0
    for c in o["generator"]["cells"] if c["generator"] == "opjury")'
passes 'generator: a graph takes less than a test' json_holds 'sum(1 / c["graphs_per_s"] for c in o["generator"]["cells"]) <
    sum(1 / c["whole_per_s"] for c in o["generator"]["cells"])' # of one size, at 0.06 ms, chance decides

run opjury bench reduce --tests 50 --json
status_is 0 'reduce: the floors hold on a sample'
passes 'reduce: a row a mutation operator, and fusions' json_holds 'len(o["mutations"]) > 35 and
    [r["mutation"] for r in o["mutations"]][::len(o["mutations"]) - 1] == ["negate", "fused"]'
passes 'reduce: rows add up' json_holds 'all(sum(r[k] for r in o["mutations"]) == o["all"][k]
    for k in ("faults", "reduced", "minimal", "complete", "one_element", "few_values"))'
# A fused pair shows in two ops; what it writes over in between only to a third that reads it.
passes 'reduce: what is minimal' json_holds 'o["mutations"][0]["minimal_ops"] == [1, 1] and
    o["mutations"][-1]["minimal_ops"] in ([2, 2], [2, 3])'
passes 'reduce: the 90th percentile is no less than the median' json_holds 'all(
    r["runs_median"] <= r["runs_90"] and r["cpu_median"] <= r["cpu_90"] for r in o["mutations"])'
cp "$work/out" first.json
run opjury bench reduce --tests 50 --json
passes 'reduce: the same again' python3 -c '
import json, sys
rows = [json.load(open(f))["mutations"] for f in sys.argv[1:]]
assert all({k: v for k, v in a.items() if "cpu" not in k} == {k: v for k, v in b.items() if "cpu" not in k}
           for a, b in zip(*rows))' first.json "$work/out"

run opjury bench buckets --tests 2 --json
passes 'buckets: the floors decide the status' [ "$status" -le 1 ]
passes 'buckets: findings in buckets' json_holds 'o["causes"] <= o["findings"] <= 2 * o["causes"] and
    0 < o["buckets"] <= o["findings"] and 0 <= o["precision"] <= 1 and 0 <= o["recall"] <= 1'
# A campaign by hand-made labels: what they say decides.
opjury fuzz --known none --target faulty:negate.relu --target faulty:negate.floor --tests 200 --out found >/dev/null 2>&1
list() { opjury show --out found --max-open 0 | awk '$2 == "new" {print $1}'; }
list | sed 's/$/\tone cause/' >one.tsv
list | awk '{print $1 "\tcause " NR}' >each.tsv
run opjury bench buckets --from found --labels each.tsv --json
status_is 0 'buckets: a cause each: status'
passes 'buckets: a cause each' json_holds 'o["causes"] == o["buckets"] == o["alone"] > 1 and o["precision"] == 1 and
    o["recall"] is None'
run opjury bench buckets --from found --labels each.tsv
out_has 'buckets: a cause each: nothing is known of recall' 'recall not known'
run opjury bench buckets --from found --labels one.tsv
status_is 1 'buckets: one cause in several: status'
out_has 'buckets: one cause in several: said' 'one cause: '
out_has 'buckets: one cause in several: recall' 'recall 0.0 %'
echo 'x' >bad.tsv
run opjury bench buckets --from found --labels bad.tsv
status_is 2 'buckets: no label: status'
err_has 'buckets: no label: said' "'x' is no line ID<tab>CAUSE"
run opjury bench buckets --from found
status_is 2 'buckets: without labels: status'
# Findings of two campaigns into the same buckets, by rules; the one's numbers are the other's.
for seed in 1 2; do
    opjury fuzz --known none --target faulty:negate.relu --target faulty:negate.floor --tests 60 --seed $seed \
        --out found$seed >/dev/null 2>&1
done
# rules OPS...: a cause each.
rules() {
    for ops; do
        printf -- '- {id: of-%s, library: faulty, ops: ["%s"], url: x}\n' "${ops%%|*}" "$ops"
    done >rules.yaml
}
into_buckets() {
    run opjury bench buckets --from found1 --from found2 --target faulty:negate.relu --labels rules.yaml "$@"
}
rules relu floor
into_buckets --target faulty:negate.floor --json
status_is 0 'buckets of two campaigns: status'
passes 'buckets of two campaigns: a cause is one' json_holds 'o["causes"] == o["buckets"] == 2 and
    o["precision"] == o["recall"] == 1 and o["alone"] == 0'
cp "$work/out" both.json
for i in 1 2; do
    opjury bench buckets --from found$i --target faulty:negate.relu --target faulty:negate.floor --labels rules.yaml \
        --json >of$i.json 2>/dev/null
done
passes 'buckets of two campaigns: all findings of both' python3 -c 'import json
of = [json.load(open(name + ".json"))["findings"] for name in ("both", "of1", "of2")]
assert of[0] == of[1] + of[2] and min(of) > 1, of'
rules 'relu|floor'
into_buckets --target faulty:negate.floor
status_is 1 'buckets of two campaigns: one cause in two: status'
out_has 'buckets of two campaigns: one cause in two: said' 'of-relu: 2 buckets'
out_has 'buckets of two campaigns: which' ' in faulty | floor'
out_has 'buckets of two campaigns: where' '(found1 finding '
rules relu
into_buckets --target faulty:negate.floor
status_is 0 'buckets of two campaigns: what no rule knows: status'
err_has 'buckets of two campaigns: what no rule knows: said' ' in faulty | floor'
into_buckets
status_is 0 'buckets of two campaigns: of one target: status'
err_has 'buckets of two campaigns: of one target: the others' ' findings are of targets or versions that no --target names'
into_buckets --tests 1
out_has 'buckets of two campaigns: the first of each' ' findings of 1 causes'
run opjury bench buckets --from found --target faulty:negate.relu --labels rules.yaml
out_has 'buckets of a campaign: the first of each of its own' ' findings of 1 causes in 1 buckets'
err_has 'buckets of a campaign: the others are counted' ' more findings were in buckets of which 8 are taken'
run opjury bench buckets --from found1 --from found2 --labels one.tsv
status_is 2 'buckets of two campaigns: no target: status'
err_has 'buckets of two campaigns: no target: said' 'name their --target'
run opjury bench judge --from found --labels one.tsv
status_is 2 'labels elsewhere: status'

run opjury bench judge --json --tests 0
status_is 2 'no tests: status'
err_has 'no tests: said' '--tests'
run opjury bench throughput --target coffee
status_is 2 'an unknown target: status'
err_has 'an unknown target: named' 'coffee'

# Stopped: no figures of half a run. (In the background timeout sends a second signal, to its group: that ends it at once.)
timeout --foreground -s INT 2 "$OPJURY" bench bounds --tests 1000000 --target faulty:none >"$work/out" 2>"$work/err"
status=$?
passes 'stopped: no figures' [ ! -s "$work/out" ]
err_has 'stopped: said' 'stopped before all tests were run'
done_testing
