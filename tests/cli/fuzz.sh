# SPDX-License-Identifier: Apache-2.0
# `opjury fuzz`: accounting, exit status, what a campaign is. Faults are planted in our own
# evaluator, so no library is needed.
. "${0%/*}/harness.sh"

correct=faulty:none
wrong=faulty:negate.relu
# Ops whose results are exact: fast, and no rounding to judge.
exact_policy 'nodes = 5' >exact.policy
fuzz() { run opjury fuzz --policy exact.policy --known none "$@"; }

# json_holds FILE EXPRESSION: a Python expression over the object o in the file's only line.
json_holds() {
    python3 - "$1" "$2" <<'END'
import json, sys
lines = open(sys.argv[1]).read().splitlines()
assert len(lines) == 1, lines
o = json.loads(lines[0])
sys.exit(0 if eval(sys.argv[2]) else f"{sys.argv[2]} is false for {lines[0]}")
END
}

fuzz --target "$correct" --target "$wrong" --tests 600 --json --out two
status_is 1 'new findings: status'
cp "$work/out" two.json
passes 'json: one line' [ "$(wc -l <two.json)" = 1 ]
passes 'json: exactly the keys' json_holds two.json 'set(o) == {"tests", "runs",
    "tests_per_cpu_second", "library_cpu_share", "verdicts", "filters", "findings", "buckets"}'
passes 'json: exactly the verdicts' json_holds two.json 'set(o["verdicts"]) == {"pass", "finding",
    "known", "unsupported", "unjudged", "flaky", "filtered", "not_exercised"}'
passes 'json: all tests' json_holds two.json 'o["tests"] == 600 and o["runs"] == 1200'
passes 'json: verdicts add up to the runs' json_holds two.json 'sum(o["verdicts"].values()) == o["runs"]'
passes 'json: filters add up' json_holds two.json 'sum(o["filters"].values()) == o["verdicts"]["filtered"]'
passes 'json: findings' json_holds two.json '0 < o["findings"] == o["verdicts"]["finding"] < 600'
passes 'json: figures' json_holds two.json 'o["tests_per_cpu_second"] > 0 and 0 <= o["library_cpu_share"] <= 1'
passes 'json: a bucket' json_holds two.json 'all(set(b) == {"id", "state", "oracle", "ops", "targets"}
    and b["state"] in ("new", "known") for b in o["buckets"]) and len(o["buckets"]) >= 1'
passes 'json: the wrong target is named, the correct one is not' json_holds two.json \
    '{t for b in o["buckets"] for t in b["targets"]} == {"faulty:negate.relu"}'
passes 'json: reduced to the op at fault' json_holds two.json 'any(b["ops"] == ["relu"] for b in o["buckets"])'
passes 'a finding is a folder' [ -f "$(ls -d two/findings/1-*)/program.txt" ]
passes 'the folder has a reproducer' [ -f "$(ls -d two/findings/1-*)/verdict.json" ]

fuzz --target "$correct" --target "$wrong" --tests 600 --out two
status_is 1 'again, nothing left to do: status'
out_has 'text: accounting' '1200 runs of 600 tests on 2 targets'
out_has 'text: how to look at a finding' 'opjury show 1 --out two'
out_lacks 'text: all are listed' 'more wait'
err_has 'text: says where' 'campaign in two'
sums=$(awk '/runs of/ {r = $1; next} r && NF == 0 {exit} r {s += $1} END {print r - s}' "$work/out")
passes 'text: the accounting adds up' [ "$sums" = 0 ]
fuzz --target "$correct" --target "$wrong" --tests 600 --out two --max-open x
status_is 2 'a limit that is no number: status'

fuzz --generator random --target "$correct" --tests 100 --out by_random
status_is 0 'a baseline: status'
fuzz --target "$correct" --tests 100 --out by_random
status_is 2 'a campaign keeps its generator'
fuzz --generator none --tests 1
status_is 2 'no such generator: status'
err_has 'no such generator: the names' "there is no generator 'none', only opjury, mutate, random"

fuzz --target "$correct" --tests 300 --out none
status_is 0 'nothing found: status'
out_has 'nothing found: says so' 'no new findings'

fuzz --target "$correct" --tests 100
status_is 0 'without --out: status'
passes 'without --out: a new folder' [ -f out/1/campaign.db ]
fuzz --target "$correct" --tests 100
passes 'without --out: another one' [ -f out/2/campaign.db ]

# A campaign is its seed, targets and policy.
fuzz --target "$correct" --tests 300 --out none --seed 2
status_is 2 'another seed on the same folder: status'
err_has 'another seed: named' 'seed'
fuzz --target "$wrong" --tests 300 --out none
status_is 2 'another target on the same folder: status'
err_has 'another target: named' 'target'
fuzz --target "$correct" --tests 300 --out none --nodes 2
status_is 2 'another policy on the same folder: status'
err_has 'another policy: named' 'policy'
fuzz --target "$correct" --tests 300 --out none
status_is 0 'the same again: status'

# --jobs changes nothing but the time.
fuzz --target "$correct" --target "$wrong" --tests 600 --json --out jobs --jobs 3
status_is 1 'three jobs: status'
cp "$work/out" jobs.json
verdicts() { python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["verdicts"])' "$1"; }
passes 'three jobs: the same verdicts' [ "$(verdicts jobs.json)" = "$(verdicts two.json)" ]
findings() {
    python3 - "$1/campaign.db" <<'END'
import sqlite3, sys
for row in sqlite3.connect(sys.argv[1]).execute(
        "SELECT test_index, target, oracle, state FROM findings ORDER BY 1, 2, 3"):
    print(row)
END
}
findings two >two.rows
findings jobs >jobs.rows
passes 'three jobs: the same findings' cmp two.rows jobs.rows
keys() {
    python3 - "$1/campaign.db" <<'END'
import sqlite3, sys
for row in sqlite3.connect(sys.argv[1]).execute("SELECT key FROM buckets ORDER BY 1"):
    print(row)
END
}
keys two >two.keys
keys jobs >jobs.keys
passes 'three jobs: the same buckets' cmp two.keys jobs.keys

# --time is a total.
fuzz --target "$correct" --time 1s --out timed
status_is 0 'time: status'
seconds() { sed -n 's/.* \([0-9.]*\) s elapsed.*/\1/p' "$work/out"; }
passes 'time: about a second' awk "BEGIN {exit !($(seconds) > 0.9 && $(seconds) < 3)}"
first=$(sed -n 's/.* runs of \([0-9]*\) tests.*/\1/p' "$work/out")
fuzz --target "$correct" --time 1s --out timed
passes 'time: it is up' [ "$(sed -n 's/.* runs of \([0-9]*\) tests.*/\1/p' "$work/out")" = "$first" ]

fuzz --target "$correct" --target "$correct" --tests 1
status_is 2 'a target twice: status'
err_has 'a target twice: says it' 'named twice'
fuzz --target faulty:no-such --tests 1
status_is 2 'a wrong option of a target: status'
fuzz --target coffee --tests 1
status_is 2 'an unknown target: status'
err_has 'an unknown target: named' 'coffee'
passes 'a wrong target leaves no folder' [ ! -e out/3 ]
for bad in '--jobs 0' '--jobs 1000' '--nodes 0' '--tests x' '--tests 0' '--time soon' '--seed -1' \
    '--policy /no/such' '--known /no/such'; do
    # shellcheck disable=SC2086
    fuzz --target "$correct" --tests 10 --out bad $bad
    status_is 2 "$bad: status"
    passes "$bad: one line" [ "$(grep -c '^opjury: ' "$work/err")" -le 2 ]
    err_has "$bad: names it" "${bad#* }"
done
fuzz --target "$correct" --tests 10 --seed random --out random
status_is 0 'a random seed: status'

mkdir taken && echo x >taken/campaign.db
fuzz --target "$correct" --tests 10 --out taken
status_is 2 'a folder with a damaged store: status'

done_testing
