# SPDX-License-Identifier: Apache-2.0
# A campaign that is stopped, killed and gone on with ends like one that was left alone. ROUNDS
# kills (12; 50 in the long suite) at random moments.
. "${0%/*}/harness.sh"

# Ops whose results are exact: fast, and no rounding to judge.
exact_policy 'nodes = 5' >exact.policy
set -- --target faulty:none --target faulty:negate.relu --policy exact.policy --tests 3000 --known none
rounds=${ROUNDS:-12}

verdicts() { python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["verdicts"])' "$1"; }
findings() {
    python3 - "$1/campaign.db" <<'END'
import sqlite3, sys
for row in sqlite3.connect(sys.argv[1]).execute(
        "SELECT test_index, target, oracle, state FROM findings ORDER BY 1, 2, 3"):
    print(row)
END
}
# Processes of a campaign in this folder; the whole path, for other tests run beside this one.
living() { pgrep -f -- "--out $PWD/$1( |\$)" | grep -c .; }
# start FOLDER OPTIONS...: in the background; its process id in $pid.
start() {
    folder=$1
    shift
    "$OPJURY" fuzz "$@" --out "$PWD/$folder" --json >"$folder.json" 2>"$folder.err" &
    pid=$!
}

run opjury fuzz "$@" --out whole --json
cp "$work/out" whole.json
status_is 1 'left alone: status'
findings whole >whole.rows
passes 'left alone: finds the fault' [ -s whole.rows ]

# Killed again and again: nothing found is lost, nothing is counted twice.
lost=0
left=0
round=0
while [ $round -lt "$rounds" ]; do
    round=$((round + 1))
    start killed "$@"
    sleep "$(python3 -c 'import random; print(random.uniform(0.02, 0.8))')"
    kill -9 $pid 2>/dev/null
    wait $pid 2>/dev/null
    if [ -f killed/campaign.db ]; then
        findings killed >now.rows
        [ -z "$(comm -13 now.rows before.rows 2>/dev/null)" ] || lost=$((lost + 1))
        cp now.rows before.rows
    fi
    tries=0
    while [ "$(living killed)" != 0 ] && [ $tries -lt 20 ]; do
        sleep 0.1
        tries=$((tries + 1))
    done
    [ "$(living killed)" = 0 ] || left=$((left + 1))
done
passes "killed $rounds times: no stored finding is lost" [ $lost = 0 ]
passes "killed $rounds times: nothing lives on for two seconds" [ $left = 0 ]
run opjury fuzz "$@" --out killed --json
status_is 1 'killed, then let end: status'
cp "$work/out" killed.json
passes 'killed: every test counted once' [ "$(verdicts killed.json)" = "$(verdicts whole.json)" ]
findings killed >killed.rows
passes 'killed: the same findings' cmp whole.rows killed.rows

# An engine that dies takes the campaign down with a line, and its block is run again.
start engine "$@" --jobs 2
sleep 0.5
engine=$(pgrep -P $pid | head -n 1)
kill -9 "$engine"
wait $pid
status=$?
cp engine.err "$work/err"
status_is 2 'a killed engine: status'
err_has 'a killed engine: says it' 'killed by signal 9'
passes 'a killed engine: no other lives on' [ "$(living engine)" = 0 ]
run opjury fuzz "$@" --out engine --json
cp "$work/out" engine.json
passes 'a killed engine: gone on with' [ "$(verdicts engine.json)" = "$(verdicts whole.json)" ]

# Ctrl-C and kill: the tests under way are finished, counted, summed up.
for signal in INT TERM; do
    start "$signal" "$@" --tests 1000000
    sleep 1
    kill -$signal $pid
    wait $pid
    status=$?
    cp "$signal.err" "$work/err"
    cp "$signal.json" "$work/out"
    status_is 1 "$signal: ends with what was found"
    passes "$signal: accounting adds up" python3 -c '
import json, sys
o = json.load(open(sys.argv[1]))
assert 0 < o["tests"] < 1000000 and sum(o["verdicts"].values()) == o["runs"] == 2 * o["tests"]
' "$signal.json"
    passes "$signal: nothing lives on" [ "$(living "$signal")" = 0 ]
done

done_testing
