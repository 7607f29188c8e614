# SPDX-License-Identifier: Apache-2.0
# `opjury gen`: the same tests from the same three (seed, index, policy), in every cut; files; refusals.
. "${0%/*}/harness.sh"

run opjury gen --seed 7 --first 3 --count 4 --nodes 5
status_is 0 'text: status'
cp "$work/out" four
passes 'text: begins with the first id line' \
    sh -c 'head -n 1 four | grep -qE "^# test 3, seed 7, policy [0-9a-f]{16}, inputs (clean|special), placed (aligned|start|end)$"'
passes 'text: an id line each' [ "$(grep -c '^# test ' four)" = 4 ]
passes 'text: every program has an output' [ "$(grep -c '^output ' four)" = 4 ]
passes 'text: five ops each' [ "$(grep -cE '^v[0-9]+: .* = [a-z0-9_]+\(' four)" = 20 ]
passes 'text: every input has values or a digest' \
    [ "$(grep -c ' = input$' four)" = "$(grep -cE '^# x[0-9]+ = (\[|digest [0-9a-f]{16})' four)" ]
for i in 3 4 5 6; do
    opjury gen --seed 7 --first $i --nodes 5
done >one_by_one
passes 'text: one by one gives the same bytes' cmp -s four one_by_one
run opjury gen --seed 8 --first 3 --count 4 --nodes 5
passes 'another seed gives others' sh -c "! cmp -s four '$work/out'"

printf 'name = few\nnodes = 6\nop.* = 0\nop.less = 1\n' >few
echo 'all.less = f32>bool  # and no other' >>few
echo 'any.less = f32>bool' >>few
run opjury gen --policy few --count 5
status_is 0 'a policy of one op: status'
passes 'a policy of one op: only that' [ "$(grep -cE '^v[0-9]+: bool.* = less\(' "$work/out")" = 30 ]
echo 'op.coffee = 1' >>few
run opjury gen --policy few
status_is 2 'a wrong policy: status'
err_is 'a wrong policy: the line' <<END
opjury: few:$(wc -l <few): there is no op 'coffee'
END
run opjury gen --policy nowhere
status_is 2 'a missing policy: status'
err_has 'a missing policy: named' 'nowhere'

run opjury gen --count 3 --first 10 --format onnx --out models
status_is 0 'onnx: status'
out_is 'onnx: nothing on stdout' </dev/null
passes 'onnx: a model and its inputs each' \
    [ "$(ls models | tr '\n' ' ')" = '10.npz 10.onnx 11.npz 11.onnx 12.npz 12.onnx ' ]
opjury gen --first 10 >text
passes 'onnx: inputs by name' python3 -c '
import re, zipfile
names = sorted(re.findall(r"^(\w+): .* = input$", open("text").read(), re.M))
assert names == sorted(n[:-4] for n in zipfile.ZipFile("models/10.npz").namelist()), names
'
printf 'op.* = 0\nop.avg_pool = 1\n' >dilated
run opjury gen --policy dilated --opset 18 --nodes 1 --count 60 --format onnx --out some
status_is 0 'onnx: tests without a form are no trouble'
err_has 'onnx: they are counted' 'tests have no ONNX form at opset 18'
run opjury gen --count 100 --format none
status_is 0 'none: status'
out_is 'none: nothing on stdout' </dev/null
run opjury gen --count 0
status_is 0 'no tests: status'
out_is 'no tests: nothing' </dev/null

run opjury gen --opset 5
err_has 'too low an opset: said' 'at opset 5'
for wrong in '--format png' '--nodes 0' '--nodes many' '--out here' '--opset 5' 'stray' \
    '--first 18446744073709551615 --count 2' '--target coffee'; do
    run opjury gen $wrong
    status_is 2 "$wrong: status"
    passes "$wrong: one line" [ "$(wc -l <"$work/err")" = 1 ]
done
# argp adds a hint of its own to an option it does not know.
run opjury gen --frob
status_is 2 'an unknown option: status'

done_testing
