# SPDX-License-Identifier: Apache-2.0
# The generator `nnsmith` with the real one, where `scripts/setup peer` has installed it; tests/cli/nnsmith.sh
# has a fake in its place.
. "${0%/*}/../cli/harness.sh"
unset OPJURY_NNSMITH

if [ ! -x "$root/.venv-peer/bin/python" ]; then
    run opjury gen --generator nnsmith
    status_is 2 'not installed: status'
    err_is 'not installed: how to get it' <<END
opjury: nnsmith 0.1.0 is not here (\`scripts/setup peer\` makes its environment)
END
    echo "ok $((n = n + 1)) - the real one # skip nnsmith is not installed"
    done_testing
fi

"$root/.venv-peer/bin/python" "$root/tests/outside/check_nnsmith.py" "$root/build/tests/outside/eval_tool" 400

# A test is a function of seed, index and policy, in any order; all of its models hold.
gen() { opjury gen --generator nnsmith --seed 3 "$@" 2>>"$work/err"; }
: >"$work/err"
gen --count 120 >whole
for first in 80 40 100 0 20 60; do gen --first $first --count 20 >piece.$first; done
for first in 0 20 40 60 80 100; do cat piece.$first; done >pieces
passes 'pieces in another order: the same bytes' cmp -s whole pieces
passes 'all there' [ "$(grep -c '^# test ' whole)" = 120 ]
passes 'inputs are searched for: most are clean' [ "$(grep -c '^# test .* inputs clean' whole)" -ge 115 ]
err_lacks 'none breaks the relations or our limits' 'does not hold'
err_lacks 'none met a limit of time' 'limits of time'
for nodes in 1 40; do
    run opjury gen --generator nnsmith --policy nnsmith39 --nodes $nodes --count 10
    status_is 0 "$nodes operators: status"
    passes "$nodes operators: as many" python3 - "$work/out" $nodes <<'END'
import re, sys
tests = open(sys.argv[1]).read().split("# test ")[1:]
counts = [len(re.findall(r"^v\d+: ", t, re.M)) for t in tests]
sys.exit(not (len(counts) == 10 and all(c == int(sys.argv[2]) for c in counts)))
END
done

run opjury compare opjury random nnsmith --target faulty:negate.relu --known none --time 10s --json --out side
status_is 1 'compare: status'
passes 'compare: the same CPU time, and each finds the fault' python3 -c '
import json, sys
rows = json.load(open(sys.argv[1]))["generators"]
sys.exit(not all(10 <= r["cpu"] < 14 and r["buckets"] > 0 and r["validity"] == 1 for r in rows))' "$work/out"
passes 'compare: curves and venn' [ -s side/curves.svg -a -s side/venn.svg ]
done_testing
