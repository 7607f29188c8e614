# SPDX-License-Identifier: Apache-2.0
# `opjury targets`: what is listed, and what is said of a library that is not there.
. "${0%/*}/harness.sh"

# An interpreter without any library.
python3 -m venv --without-pip bare

run opjury targets --python bare
status_is 0 'without libraries: status'
for library in onnxruntime torch; do
    out_has "without libraries: $library" "$library"
    out_has "without libraries: how to install $library" "pip install $library"
done
out_has 'without libraries: our own is there' 'faulty'
run opjury targets --python bare --json
status_is 0 'json: status'
passes 'json: says what is missing' python3 -c '
import json, sys
o = json.load(open(sys.argv[1]))
kinds = {k["name"]: k for k in o["targets"]}
assert not kinds["torch"]["installed"] and kinds["torch"]["missing"] and kinds["faulty"]["installed"]
assert not kinds["torch:compile"]["installed"]
' "$work/out"

run opjury fuzz --target torch@bare --tests 1 --out nothing
status_is 2 'fuzz on a missing library: status'
err_has 'fuzz on a missing library: names it' 'torch'
err_has 'fuzz on a missing library: how to install' 'install'
passes 'fuzz on a missing library: one line' [ "$(wc -l <"$work/err")" = 1 ]
passes 'fuzz on a missing library: no folder' [ ! -e nothing ]
run opjury fuzz --python bare --tests 1 --out nothing
status_is 2 'fuzz without any library: status'
run opjury targets --support torch@/no/such/python
status_is 2 'an interpreter that is not there: status'
err_has 'an interpreter that is not there: named' '/no/such/python'
run opjury targets --support coffee
status_is 2 'an unknown target: status'

run opjury targets --support faulty:none
status_is 2 'support of our own evaluator: status'
err_has 'support of our own evaluator: says it' 'whole catalogue'

# A device that is not there: the target is passed over, in one line; alone it is an error.
run opjury fuzz --target selftest:device=absent --target faulty:none --tests 2 --out beside
status_is 0 'no device: others run'
err_has 'no device: one line says so' 'selftest:device=absent is passed over: no device: nothing is plugged in'
passes 'no device: and only one' [ "$(grep -c 'no device' "$work/err")" = 1 ]
run opjury fuzz --target selftest:device=absent --tests 2 --out alone
status_is 2 'no device for any target: status'
err_is 'no device for any target: one line' <<'END'
opjury: selftest:device=absent: no device: nothing is plugged in
END
printf '%s\n' 'x: f32[2] = input' 'y: f32[2] = neg(x)' 'output y' >neg.txt
run opjury run neg.txt --target selftest:device=absent --target faulty:none
status_is 0 'run without a device: status'
out_has 'run without a device: said in the table' 'no device: nothing is plugged in'

# The document lists every kind.
run opjury targets --python bare --json
python3 -c '
import json, sys
print("\n".join(k["name"] for k in json.load(open(sys.argv[1]))["targets"]))' "$work/out" >names
passes 'docs/targets.md: there are kinds' [ "$(wc -l <names)" -ge 5 ]
while read -r name; do
    passes "docs/targets.md: $name" grep -q "^| .*\`$name\`.* | .* | .* |$" "$root/docs/targets.md"
done <names

done_testing
