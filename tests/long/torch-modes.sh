# SPDX-License-Identifier: Apache-2.0
# torch:jit and torch:export in campaigns: nothing is found that eager torch is right about, most of it is exercised.
. "${0%/*}/../cli/harness.sh"

python=${OPJURY_PYTHON:-$root/.venv/bin/python}
if ! "$python" -c 'import torch' 2>/dev/null; then
    echo '1..0 # SKIP torch is not installed'
    exit 0
fi

# campaign NAME TESTS --target T...
campaign() {
    name=$1 tests=$2
    shift 2
    run opjury fuzz --tests "$tests" --target torch "$@" --out "$name"
    passes "$name: no more findings than eager torch" "$python" -c '
import sys
rows = [line.split() for line in open(sys.argv[1]) if line.startswith("torch")]
targets = {row[0]: [int(n) for n in row[2:4]] for row in rows}  # pass, finding
eager = targets.pop("torch")
assert eager[0] > 0 and len(targets) == 2 + (sys.argv[2] == "jit"), targets
for name, (n_pass, n_finding) in targets.items():
    assert n_finding <= eager[1] and n_pass >= 0.6 * eager[0], (name, n_pass, n_finding, eager)
' "$work/out" "$name"
}

campaign jit 1000 --target torch:jit --target torch:jit,opt=freeze --target torch:jit,opt=inference,script
campaign export 200 --target torch:export --target torch:export,strict,decompositions=core
done_testing
