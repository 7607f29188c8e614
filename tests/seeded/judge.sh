# SPDX-License-Identifier: Apache-2.0
# The judge is judged, a sample: planted faults are found, correct runs with legal rounding noise pass,
# a small change somewhere in a program is seen. The whole: `opjury bench judge`, `opjury bench observability`.
. "${0%/*}/../cli/harness.sh"

run opjury bench judge --tests 100 --json
status_is 0 'the floors hold: 99 % of faults exercised, 95 % found, no op blind, no false finding'
number() { sed -n "s/.*\"$1\": \([0-9]*\).*/\1/p" "$work/out"; }
passes 'at least 2000 faults are exercised' [ "$(number exercised)" -ge 2000 ]
passes 'the recall of each op is said' [ "$(grep -o '"[a-z0-9_]*": [01]\.[0-9]*' "$work/out" | wc -l)" = 145 ]
passes 'correct runs are all judged' [ "$(number correct_runs)" = 100 ]
passes 'no false finding' [ "$(number false_findings)" = 0 ]
passes 'at least 90 % of changed runs are found' \
    [ $((100 * $(number detected_runs))) -ge $((90 * $(number changed_runs))) ]

passes 'every op has a fault that changes outputs' [ "$(number ops)" = 145 ]

run opjury bench observability --tests 100 --json
passes 'a result changed by 1 % is a finding in at least 75 % of programs' python3 -c '
import json, sys
for line in json.load(open(sys.argv[1]))["observability"]:
    if line["nodes"] <= 10 and line["found"] < 0.75 * line["programs"]:
        sys.exit(str(line))' "$work/out"

run opjury bench unjudged --tests 300 --json
passes 'what cannot be judged is told by op and reason: TopK leaves ties open' python3 -c '
import json, sys
told = json.load(open(sys.argv[1]))
if told["clean"]["tests"] != 300 or told["clean"]["blind"] >= told["special"]["blind"]:
    sys.exit(str(told))
if told["begins"]["top_k"]["clean"]["unspecified"] == 0:
    sys.exit(str(told["begins"]))' "$work/out"
done_testing
