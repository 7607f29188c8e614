# SPDX-License-Identifier: Apache-2.0
# The judge is judged, a sample: planted faults are found, correct runs with legal rounding noise pass.
# The whole: `opjury bench judge`.
. "${0%/*}/../cli/harness.sh"

run opjury bench judge --tests 100 --json
status_is 0 'the floors hold: every op exercised, 95 % of faults found, no false finding'
number() { sed -n "s/.*\"$1\": \([0-9]*\).*/\1/p" "$work/out"; }
passes 'at least 2000 faults are exercised' [ "$(number exercised)" -ge 2000 ]
passes 'correct runs are all judged' [ "$(number correct_runs)" = 100 ]
passes 'no false finding' [ "$(number false_findings)" = 0 ]
passes 'at least 90 % of changed runs are found' \
    [ $((100 * $(number detected_runs))) -ge $((90 * $(number changed_runs))) ]
done_testing
