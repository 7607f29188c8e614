# SPDX-License-Identifier: Apache-2.0
# `opjury ci`: exit status against a baseline, and the files it writes as their readers see them. Faults
# are planted in our own evaluator, so no library is needed.
. "${0%/*}/harness.sh"

correct=faulty:none
first=faulty:negate.relu
second=faulty:negate.floor
unset GITHUB_STEP_SUMMARY
# Floats alone: each fault is one bucket.
exact_policy 'nodes = 4' 'numel_max = 64' 'dtype.* = 0' 'dtype.f32 = 1' 'op.less = 0' 'op.arg_max = 0' \
    'op.where = 0' 'op.gather = 0' >exact.policy
ci() { run opjury ci --policy exact.policy --known none --tests 300 "$@"; }
key() { printf 'faulty | %s(float) | value' "$1"; }

# holds FILE EXPRESSION: Python, with o = what the JSON or XML file holds, its test cases by name in
# `cases`, SARIF's results by bucket in `results`.
holds() {
    python3 - "$1" "$2" <<'END'
import json, sys
import xml.etree.ElementTree as tree
if sys.argv[1].endswith(".xml"):
    o = tree.parse(sys.argv[1]).getroot()
    cases = {c.get("name"): c for c in o.iter("testcase")}
else:
    o = json.load(open(sys.argv[1]))
    results = {r["properties"]["bucket"]: r for run in (o["runs"] if sys.argv[1].endswith(".sarif") else [])
               for r in run["results"]}
sys.exit(0 if eval(f"({sys.argv[2]})") else f"{sys.argv[2]} is false for {open(sys.argv[1]).read()}")
END
}

# ---- exit status ----

: >none.baseline
ci --target "$correct" --target "$first" --baseline none.baseline --out one --junit one.xml --sarif one.sarif --summary one.md
status_is 1 'outside an empty baseline: status'
out_has 'outside: counted' '1 outside the baseline'
out_has 'outside: named' 'value: relu(f32)'
out_has 'outside: how to look at it' 'opjury show 1 --out one'
out_has 'outside: the accounting' '600 runs of 300 tests on 2 targets'
passes 'an empty baseline stays empty' [ ! -s none.baseline ]

ci --target "$first" --baseline made.baseline
status_is 2 'no such baseline: status'
err_has 'no such baseline: what to do' '--write-baseline makes it'
passes 'no such baseline: no campaign was run' [ ! -e out ]

ci --target "$correct" --target "$first" --baseline made.baseline --write-baseline --out two
status_is 0 'written: status'
passes 'written: the key' grep -qxF "$(key relu)" made.baseline
passes 'written: a line for people above it' sh -c 'grep -B1 "^faulty" made.baseline | grep -q "^# value: relu(f32): v0"'
ci --target "$correct" --target "$first" --baseline made.baseline --out three --junit three.xml --sarif three.sarif
status_is 0 'in the baseline: status'
out_has 'in the baseline: counted' '1 in the baseline made.baseline (0 more of it not seen)'
out_lacks 'in the baseline: not listed' 'value: relu'

# The cause found by another op first, as another campaign may: its bucket has another key, its finding the same.
as_bucket() { python3 -c 'import sqlite3, sys
db = sqlite3.connect(sys.argv[1] + "/campaign.db")
db.execute("UPDATE buckets SET key = ?", (sys.argv[2],))
db.execute("UPDATE findings SET json = json_set(json, ?, ?)", ("$.own_key", sys.argv[3]))
db.commit()' "$@"; }
as_bucket two "$(key floor)" "$(key relu)"
ci --target "$correct" --target "$first" --baseline made.baseline --out two
status_is 0 'found by another op first: status'
out_has 'found by another op first: counted' '1 in the baseline made.baseline (0 more of it not seen)'
cp made.baseline both.baseline
ci --target "$correct" --target "$first" --baseline both.baseline --write-baseline --out two
passes 'found by another op first: both keys are written' sh -c 'grep -cx "faulty | .*" both.baseline | grep -qx 2'
as_bucket two "$(key floor)" "$(key floor)"
ci --target "$correct" --target "$first" --baseline made.baseline --out two
status_is 1 'another cause: status'

ci --target "$second" --target "$first" --baseline made.baseline --out four --junit four.xml --sarif four.sarif --summary four.md
status_is 1 'a second fault: status'
out_has 'a second fault: named' 'value: floor(f32)'
out_lacks 'a second fault: not the first' 'value: relu'
cp "$work/out" four.txt
ci --target "$correct" --baseline made.baseline --out five --junit five.xml
status_is 0 'nothing found: status'
out_has 'nothing found: what was not seen' '(1 more of it not seen)'

# What people wrote stays, a merge's doubles go, and the order is the keys'.
{
    printf '# ours\n\n'
    printf '# second\n%s\n\n# see issue 7\n%s\n%s\n# the end\n' "$(key relu)" "$(key neg)" "$(key relu)"
} >edited.baseline
ci --target "$second" --target "$first" --baseline edited.baseline --write-baseline --out six
status_is 0 'an edited baseline: status'
note=$(sed -n 's/^# value: floor/&/p' edited.baseline)
cat >wanted <<END
# ours

$note
$(key floor)

# see issue 7
$(key neg)

# second
$(key relu)

# the end
END
passes 'an edited baseline: its text' diff wanted edited.baseline
cp edited.baseline before
ci --target "$second" --target "$first" --baseline edited.baseline --write-baseline --out six
passes 'written again: the same bytes' cmp before edited.baseline

ci --target "$first" --out seven
status_is 1 'without a baseline every new bucket counts: status'
printf -- '- id: our-relu\n  library: faulty\n  ops: [relu]\n  url: https://example.org/1\n' >rules.yaml
run opjury ci --policy exact.policy --tests 300 --known rules.yaml --target "$first" --out eight --junit eight.xml --sarif eight.sarif
status_is 0 'a known bug: status'
out_has 'a known bug: counted' '1 known'
passes 'a known bug: skipped with its rule' holds eight.xml \
    '[c.find("skipped").get("message") for n, c in cases.items() if n != "campaign"] == ["known: our-relu, https://example.org/1"]'
passes 'a known bug: suppressed' holds eight.sarif \
    '[r["suppressions"][0]["justification"] for r in results.values()] == ["known: our-relu, https://example.org/1"]'

# ---- JUnit ----

passes 'junit: suites' holds four.xml 'o.tag == "testsuites" and [s.tag for s in o] == ["testsuite"]'
passes 'junit: a case a bucket, and the campaign' holds four.xml \
    "set(cases) == {'campaign', '$(key relu)', '$(key floor)'}"
passes 'junit: counts' holds four.xml '[o.get(k) for k in ("tests", "failures", "errors", "skipped")] ==
    ["3", "1", "0", "1"] == [o[0].get(k) for k in ("tests", "failures", "errors", "skipped")]'
passes 'junit: the one outside fails' holds four.xml "cases['$(key floor)'].find('failure').get('type') == 'value'"
passes 'junit: with its program and verdicts' holds four.xml \
    "all(w in cases['$(key floor)'].find('failure').text for w in (' = floor(', 'worst element', 'opjury show '))"
passes 'junit: the other is skipped' holds four.xml \
    "cases['$(key relu)'].find('skipped').get('message') == 'in the baseline' and cases['$(key relu)'].find('failure') is None"
passes 'junit: the class says library and oracle' holds four.xml \
    "cases['$(key relu)'].get('classname') == 'opjury.faulty.value'"
passes 'junit: the accounting adds up' holds one.xml '(lambda p: p["tests"] == "300" and p["runs"] == "600" and
    sum(int(v) for k, v in p.items() if k.startswith("runs.")) == 600)({p.get("name"): p.get("value")
    for p in o.iter("property")})'
passes 'junit: never without a test' holds five.xml 'list(cases) == ["campaign"] and o.get("tests") == "1"'

# ---- SARIF: what the standard requires ----

passes 'sarif: version and schema' holds four.sarif \
    'o["version"] == "2.1.0" and o["$schema"].endswith("sarif-schema-2.1.0.json") and len(o["runs"]) == 1'
# The keys that the standard has for the objects that we write (SARIF 2.1.0, sections 3.13 to 3.58).
cat >keys.py <<'END'
import json, sys
KEYS = {"log": "$schema version runs", "run": "tool invocations results properties", "tool": "driver",
        "driver": "name semanticVersion rules", "rule": "id name shortDescription defaultConfiguration",
        "result": "ruleId ruleIndex level message locations partialFingerprints baselineState suppressions properties",
        "location": "physicalLocation logicalLocations", "physical": "artifactLocation region",
        "suppression": "kind justification"}
def check(kind, o):
    assert set(o) <= set(KEYS[kind].split()), (kind, o)
log = json.load(open(sys.argv[1]))
check("log", log)
for run in log["runs"]:
    check("run", run), check("tool", run["tool"]), check("driver", run["tool"]["driver"])
    for rule in run["tool"]["driver"]["rules"]:
        check("rule", rule)
    for result in run["results"]:
        check("result", result)
        assert result["level"] in ("none", "note", "warning", "error")
        assert result.get("baselineState", "new") in ("new", "unchanged", "updated", "absent")
        for location in result["locations"]:
            check("location", location), check("physical", location["physicalLocation"])
        for suppression in result.get("suppressions", []):
            check("suppression", suppression)
            assert suppression["kind"] in ("inSource", "external")
END
passes 'sarif: no key that the standard lacks' python3 keys.py four.sarif
passes 'sarif: nor for a known bug' python3 keys.py eight.sarif
# Against the standard's own schema, where scripts/report-assets and scripts/setup test could fetch what it takes.
schema=$(ls "$root"/.assets/sarif/*.json 2>/dev/null)
for of in one three four eight; do
    if [ -n "$schema" ] && "$root/.venv/bin/python" -c 'import fastjsonschema' 2>/dev/null; then
        passes "sarif: by the schema, $of" "$root/.venv/bin/python" - "$schema" $of.sarif <<'END'
import json, sys
import fastjsonschema
schema, log = (json.load(open(path, encoding="utf-8")) for path in sys.argv[1:])
check = fastjsonschema.compile(schema)
check(log)
log["runs"][0]["results"][:0] = [{"ruleId": "value"}]  # no message: a check that cannot fail is none
try:
    check(log)
except fastjsonschema.JsonSchemaException:
    sys.exit(0)
sys.exit("a result without a message passes")
END
    else
        n=$((n + 1))
        echo "ok $n - sarif: by the schema, $of # skip make report-assets; scripts/setup test"
    fi
done
passes 'sarif: the tool' holds four.sarif 'o["runs"][0]["tool"]["driver"]["name"] == "opjury"'
passes 'sarif: a rule an oracle, each once' holds four.sarif '(lambda ids: len(set(ids)) == len(ids) and {"value", "crash"} <=
    set(ids))([r["id"] for r in o["runs"][0]["tool"]["driver"]["rules"]])'
passes 'sarif: each rule says what it holds' holds four.sarif \
    'all(r["shortDescription"]["text"] for r in o["runs"][0]["tool"]["driver"]["rules"])'
passes 'sarif: a result a bucket' holds four.sarif "set(results) == {'$(key relu)', '$(key floor)'}"
passes 'sarif: results and rules agree' holds four.sarif \
    'all(o["runs"][0]["tool"]["driver"]["rules"][r["ruleIndex"]]["id"] == r["ruleId"] for r in results.values())'
passes 'sarif: levels' holds four.sarif 'all(r["level"] == "error" for r in results.values())'
passes 'sarif: a message each' holds four.sarif 'all("expected" in r["message"]["text"] for r in results.values())'
passes 'sarif: against the baseline' holds four.sarif \
    "[results[k]['baselineState'] for k in ('$(key relu)', '$(key floor)')] == ['unchanged', 'new']"
passes 'sarif: a place that is there' holds four.sarif 'all(open(r["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]).read()
    for r in results.values())'
passes 'sarif: fingerprints are the bucket'\''s' holds four.sarif "results['$(key relu)']['partialFingerprints'] ==
    json.load(open('three.sarif'))['runs'][0]['results'][0]['partialFingerprints'] !=
    results['$(key floor)']['partialFingerprints']"

# ---- Markdown ----

passes 'summary: the answer first' [ "$(head -n 1 four.md)" = '## opjury: 1 bucket outside the baseline' ]
passes 'summary: the program' grep -q ' = floor(' four.md
passes 'summary: only what is outside' sh -c '! grep -q " = relu(" four.md'
passes 'summary: a row a target, and all' [ "$(grep -c '^| .*[0-9] |$' four.md)" = 3 ]
echo 'a step before' >step.md
GITHUB_STEP_SUMMARY=step.md
export GITHUB_STEP_SUMMARY
ci --target "$correct" --target "$first" --baseline made.baseline --out three
passes 'step summary: appended' [ "$(head -n 2 step.md | tr '\n' '|')" = 'a step before|## opjury: nothing outside the baseline|' ]
cp step.md before
ci --target "$correct" --target "$first" --baseline made.baseline --out three --summary own.md
passes 'step summary: not with --summary' cmp before step.md
GITHUB_STEP_SUMMARY=nowhere/step.md
ci --target "$correct" --target "$first" --baseline made.baseline --out unwritten
status_is 2 'step summary: a path that is none'
err_has 'step summary: said' 'cannot open $GITHUB_STEP_SUMMARY nowhere/step.md'
passes 'step summary: before anything runs' [ ! -e unwritten ]
ci --target "$correct" --target "$first" --baseline made.baseline --out three --summary own.md
status_is 0 'step summary: with --summary nobody needs it'
unset GITHUB_STEP_SUMMARY

# ---- one object for programs ----

ci --target "$second" --target "$first" --baseline made.baseline --out four --json
status_is 1 'json: status'
cp "$work/out" four.json
passes 'json: one line' [ "$(wc -l <four.json)" = 1 ]
passes 'json: what is outside' holds four.json "[b['key'] for b in o['outside']] == ['$(key floor)'] and o['inside'] == 1"
passes 'json: adds up' holds four.json 'sum(o["verdicts"].values()) == o["runs"] == 600'

# ---- wrong use: said before the campaign, in one line ----

ci --target "$first" --write-baseline --out bad
status_is 2 '--write-baseline alone: status'
err_has '--write-baseline alone: said' '--write-baseline needs --baseline FILE'
for form in junit sarif summary; do
    ci --target "$first" "--$form" nowhere/file --out bad
    status_is 2 "--$form into no folder: status"
    err_has "--$form into no folder: said" "--$form nowhere/file: cannot write into nowhere"
    ci --target "$first" "--$form" three --out bad
    status_is 2 "--$form to a folder: status"
    err_has "--$form to a folder: said" "--$form three: that is a folder"
done
echo '{"a": 1}' >no.baseline
ci --target "$first" --baseline no.baseline --out bad
status_is 2 'no baseline file: status'
err_has 'no baseline file: the line' 'no.baseline:1: this is no bucket key'
printf 'a | b\0c\n' >no.baseline
ci --target "$first" --baseline no.baseline --out bad
status_is 2 'a zero byte: status'
ci --target "$first" --baseline . --out bad
status_is 2 'a folder as baseline: status'
passes 'no campaign was run' [ ! -e bad ]
ci --target coffee --baseline made.baseline
status_is 2 'a wrong target: status'
passes 'a wrong target leaves no folder' [ ! -e out/1 ]

# Stopped: what was found is written, and nothing found is not success.
"$OPJURY" ci --policy exact.policy --known none --target "$correct" --time 60s --out stopped --junit stopped.xml \
    >"$work/out" 2>"$work/err" &
pid=$!
for _ in $(seq 100); do
    grep -q 'campaign in' "$work/err" && break
    sleep 0.1
done
kill -TERM "$pid"
wait "$pid"
status=$?
status_is 2 'stopped: status'
err_has 'stopped: said' 'stopped before'
passes 'stopped: an error in JUnit' holds stopped.xml \
    'o.get("errors") == "1" and cases["campaign"].find("error").get("type") == "stopped"'

done_testing
