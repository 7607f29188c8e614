# SPDX-License-Identifier: Apache-2.0
# Two versions of a library: what fails in the newer one alone is a finding, the rest is counted. The library is one that
# misbehaves on purpose, in interpreters that say what it is and does.
. "${0%/*}/harness.sh"

python=${OPJURY_PYTHON:-python3}
# version NAME VERSION BEHAVIOUR: the interpreter ./NAME.
version() {
    printf '#!/bin/sh\nOPJURY_SELFTEST_VERSION=%s OPJURY_SELFTEST_DOES=%s exec %s "$@"\n' "$2" "$3" "$python" >"$1"
    chmod +x "$1"
}
version old 1.9 echo
version new 1.10 raise
version broken 1.2 raise
# What comes in goes out: right where nothing is computed.
printf '%s\n' 'name = same' 'op.* = 0' 'op.abs = 1' 'dtype.* = 0' 'dtype.u8 = 1' 'nodes = 1' >same

run opjury fuzz --policy same --tests 20 --target selftest:by-version@./new --target selftest:by-version@./old --json --out one
status_is 1 'a regression: found'
err_has 'a regression: the base is said' 'selftest:by-version@./old, version 1.9, is the base'
passes 'a regression: counts' python3 -c '
import json, sys
o = json.load(open(sys.argv[1]))
v = o["verdicts"]
# Where what comes in is not the answer, both fail.
assert o["runs"] == 40 == sum(v.values()) and v["finding"] == v["pass"] >= 10, o
assert o["filters"].get("older-fails", 0) == 20 - v["finding"], o
assert [b["targets"] for b in o["buckets"]] == [["selftest:by-version@./new"]], o
' "$work/out"
run opjury show 1 --out one
out_has 'a regression: the older passes' '; 1.9 passes'
out_has 'a regression: the table tells them apart' 'selftest:by-version 1.9   pass'
run opjury reduce 1 --out one --python ./new
err_has 'a regression: reduced without a version that may not run' './old, which passes, is not asked'

run opjury fuzz --policy same --tests 20 --target selftest:by-version@./broken --target selftest:by-version@./new \
    --out two
status_is 0 'what fails in both: no finding'
out_has 'what fails in both: counted' '40 filtered: base-version 20, older-fails 20'
out_has 'what fails in both: said' '40 failures are no regressions'
run opjury fuzz --policy same --tests 20 --target selftest:by-version@./broken --target selftest:by-version@./new \
    --all-failures --out three
status_is 1 '--all-failures: findings'
out_has '--all-failures: all' '40 finding'
err_lacks '--all-failures: no base' 'is the base'

done_testing
