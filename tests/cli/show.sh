# SPDX-License-Identifier: Apache-2.0
# `opjury show` and `opjury reduce`: lists, one finding in full, a finding made smaller. Faults are
# planted in our own evaluator, so no library is needed.
. "${0%/*}/harness.sh"

correct=faulty:none
wrong=faulty:negate.relu
# Exact ops of few elements: quick.
# Floats alone: the failure is of one kind before and after it was made small.
exact_policy 'nodes = 6' 'numel_max = 64' 'dtype.* = 0' 'dtype.f32 = 1' 'op.less = 0' \
    'op.arg_max = 0' 'op.gather = 0' 'op.where = 0' >exact.policy
fuzz() { opjury fuzz --policy exact.policy --known none "$@" >/dev/null 2>&1; }

run opjury show
status_is 2 'no campaign: status'
err_has 'no campaign: what to do' 'no campaign under out/'
run opjury show --out nowhere
status_is 2 'no such folder: status'
err_has 'no such folder: named' 'nowhere holds no campaign'

fuzz --target "$correct" --tests 100 --out out/1
run opjury show
status_is 0 'no findings: status'
out_is 'no findings: the list' <<'END'
campaign out/1
no findings
END

fuzz --target "$wrong" --target "$correct" --tests 300 --out out/10
run opjury show
status_is 0 'the list: status'
out_has 'the list: the newest campaign, by number' 'campaign out/10'
out_has 'the list: heads' 'oracle'
out_has 'the list: the op at fault' 'relu('
out_has 'the list: the target at fault' "$wrong"
out_lacks 'the list: not the correct one' "$correct"
out_has 'the list: what next' 'opjury show ID --out out/10'
out_lacks 'the list: no colour in a file' "$(printf '\033')"
id=$(awk '$2 == "new" {print $1; exit}' "$work/out")

run opjury show "$id"
status_is 0 'one: status'
out_has 'one: its row' "finding $id of test"
out_has 'one: the program' '= relu('
out_has 'one: the inputs' '# x0 ='
out_has 'one: the table' 'worst element'
out_has 'one: the correct target passes' "$correct"
out_has 'one: how to see it again' "opjury run out/10/findings/$id-"
out_has 'one: how to make it smaller' "opjury reduce $id --out out/10"

out_has 'one: how to tell of it' "opjury report $id --out out/10"

# What a library said may hold commands to a terminal, and a folder's name blanks.
cp -r out/10 'out/a b'
"${OPJURY_PYTHON:-$root/.venv/bin/python}" - 'out/a b/campaign.db' <<'END'
import sqlite3, sys
with sqlite3.connect(sys.argv[1]) as db:
    db.execute("UPDATE findings SET text = 'a' || char(27) || '[2J' || char(10) || 'b', ops = ops || char(7)")
END
printf '# \033[2J\n' >>"out/a b/findings/$(basename "$(ls -d out/10/findings/"$id"-*)")/program.txt"
run opjury show --out 'out/a b'
passes 'hostile: no byte of it reaches the terminal' sh -c "! LC_ALL=C grep -q '[[:cntrl:]]' '$work/out'"
out_has 'hostile: one line' 'b'
out_has 'quoted: what next' "opjury show ID --out 'out/a b'"
run opjury show "$id" --out 'out/a b'
passes 'hostile: nor with all of it' sh -c "! LC_ALL=C grep -q '[[:cntrl:]]' '$work/out'"
out_has 'quoted: commands' "opjury reduce $id --out 'out/a b'"

run opjury show 999999
status_is 2 'no such finding: status'
err_has 'no such finding: named' 'has no finding 999999'
run opjury show x
status_is 2 'no number: status'
run opjury show 1 2
status_is 2 'two numbers: status'
err_has 'two numbers: named' 'one ID'

# A finding that is in the folder as it was found: what reduce has to do is all still there.
folder=$(ls -d out/10/findings/"$id"-*)
[ -f "$folder/original.txt" ] && cp "$folder/original.txt" "$folder/program.txt" &&
    cp "$folder/original.npz" "$folder/inputs.npz"
cp "$folder/original.txt" before.txt
run opjury reduce "$id"
status_is 0 'reduce: status'
out_has 'reduce: one op is left' ' -> 1 op, '
out_has 'reduce: the op' 'relu('
out_has 'reduce: the table' 'worst element'
passes 'reduce: the folder has one op' [ "$(grep -c '^v.*(' "$folder/program.txt")" = 1 ]
passes 'reduce: what was found stays' cmp -s before.txt "$folder/original.txt"
passes 'reduce: the row says that it is done' python3 -c '
import json, sqlite3, sys
row, = sqlite3.connect("out/10/campaign.db").execute("SELECT json FROM findings WHERE id = ?", sys.argv[1:])
o = json.loads(row[0])
assert o["reduced"] and o["complete"] and o["known"] is None and o["found_signature"]
' "$id"
cp "$folder/program.txt" first.txt
run opjury reduce "$id" --out out/10
status_is 0 'reduce again: status'
out_has 'reduce again: nothing is left to do' '1 op -> 1 op,'
passes 'reduce again: the same program' cmp -s first.txt "$folder/program.txt"
run opjury run "$folder/program.txt" --target "$wrong" --known none
status_is 1 'the reduced program still fails'
run opjury run "$folder/program.txt" --target "$correct" --known none
status_is 0 'and passes where it is right'

# With few runs the best so far is kept, and the same command goes on from there; what was tried is not tried again.
as_found() { cp "$folder/original.txt" "$folder/program.txt" && cp "$folder/original.npz" "$folder/inputs.npz"; }
as_found
run opjury reduce "$id" --json
whole=$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["runs"])' "$work/out")
passes 'json: one object' python3 -c '
import json, sys
o = json.loads(open(sys.argv[1]).read())
assert o["finding"] == int(sys.argv[2]) and o["reproduced"] and o["complete"] and o["ops"][1] == 1 < o["ops"][0]
assert o["elements"][1] < o["elements"][0] and o["chain"].startswith("relu(") and o["target"] == sys.argv[3]
' "$work/out" "$id" "$wrong"
as_found
run opjury reduce "$id" --runs 2
status_is 0 'two runs: status'
out_has 'two runs: says that there is more' 'the same command goes on'
passes 'two runs: what was tried is noted' [ "$(grep -c . "$folder/tried.txt")" -ge 2 ]
sittings=1
while [ -f "$folder/tried.txt" ] && [ $sittings -lt "$((2 * whole))" ]; do
    run opjury reduce "$id" --runs 2
    sittings=$((sittings + 1))
done
out_has 'and on, in sittings of two runs: one op' '-> 1 op,'
passes 'and on: one of the two is always new' [ $sittings -le "$((whole + whole / 2))" ]
passes 'and on: the same program' cmp -s first.txt "$folder/program.txt"
# Ctrl-C at any moment leaves a whole finding, and the next call goes on.
as_found
rm -f "$folder/tried.txt"
odd=0
for delay in 0.004 0.006 0.008 0.01 0.012 0.014 0.016 0.018 0.02 0.025 0.03 0.035; do
    timeout --foreground --preserve-status -s INT $delay "$OPJURY" reduce "$id" >"$work/out" 2>"$work/err"
    status=$?
    # 130: before there was anything to keep; 2: before it had begun
    case $status in 0) grep -q ' -> ' "$work/out" || odd=$((odd + 1)) ;; 130) ;; 2) grep -q stopped "$work/err" || odd=$((odd + 1)) ;; *) odd=$((odd + 1)) ;; esac
    "$OPJURY" run "$folder/program.txt" --target "$wrong" --known none >/dev/null 2>&1
    [ $? = 1 ] || odd=$((odd + 1))
done
passes 'Ctrl-C: what is in the folder still fails' [ $odd = 0 ]
run opjury reduce "$id"
passes 'Ctrl-C: gone on with, the same program' cmp -s first.txt "$folder/program.txt"
passes 'Ctrl-C: nothing is left to go on from' [ ! -e "$folder/tried.txt" ]
echo nonsense >"$folder/tried.txt"
run opjury reduce "$id"
status_is 2 'a damaged tried.txt: status'
err_has 'a damaged tried.txt: where' 'tried.txt:1: no hash; without this file reduction starts over'
rm "$folder/tried.txt"
as_found
run opjury reduce "$id" --time 0.0000001s
status_is 2 'no time: status'
err_has 'no time: nothing is changed' 'stopped before it had begun; nothing is changed'
passes 'no time: what was found is still there' cmp -s "$folder/original.txt" "$folder/program.txt"

printf -- '- id: our-relu\n  library: faulty\n  ops: [relu]\n  url: https://example.org/1\n' >rules.yaml
cp "$folder/original.txt" "$folder/program.txt" && cp "$folder/original.npz" "$folder/inputs.npz"
run opjury reduce "$id" --known rules.yaml --time 50s
out_has 'what a rule knows: said' 'known bug: our-relu'
out_has 'what a rule knows: one op all the same' ' -> 1 op, '

# A program that does not fail: nothing is written.
sed 's/relu(/neg(/' "$folder/program.txt" >changed && cp changed "$folder/program.txt"
run opjury reduce "$id"
status_is 0 'gone: status'
out_has 'gone: says so' 'does not show'
passes 'gone: the folder stays' cmp -s changed "$folder/program.txt"

echo 'x: f32[' >"$folder/program.txt"
run opjury reduce "$id"
status_is 2 'a damaged program: status'
err_has 'a damaged program: where' 'program.txt:1'

# A finding of a bucket that has folders enough: its test comes from the campaign again.
id=1
while ls -d out/10/findings/"$id"-* >/dev/null 2>&1; do
    id=$((id + 1))
done
run opjury show "$id" --out out/10
out_has 'no folder: how to get the program' "opjury reduce $id --out out/10"
run opjury reduce "$id" --out out/10
status_is 0 'reduce without a folder: status'
out_has 'reduce without a folder: one op is left' ' -> 1 op, '
out_has 'reduce without a folder: the table has the others' "$correct"
passes 'reduce without a folder: what was found' grep -q '^v' out/10/findings/"$id"-faulty-value/original.txt
run opjury show "$id" --out out/10
out_has 'reduce without a folder: it has one now' "opjury run out/10/findings/$id-"
run opjury reduce
status_is 2 'reduce without ID: status'
err_has 'reduce without ID: what to do' 'opjury show'
run opjury reduce 1 2
status_is 2 'reduce with two: status'
run opjury reduce 1 --runs 1
status_is 2 'reduce with one run: status'
err_has 'reduce with one run: how many it takes' 'from 2 to'

done_testing
