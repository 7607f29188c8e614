# SPDX-License-Identifier: Apache-2.0
# torch:compile in campaigns: a defect of inductor is found, blame names a single lowering; one function at two shapes.
. "${0%/*}/../cli/harness.sh"

python=${OPJURY_PYTHON:-$root/.venv/bin/python}
if ! "$python" -c 'import torch' 2>/dev/null || ! command -v g++ >/dev/null; then
    echo '1..0 # SKIP torch or g++ is not installed'
    exit 0
fi
version=$("$python" -c 'import torch; print(torch.__version__.partition("+")[0])')

# A campaign finds the int8 amin that is wrong, and the ladder of backends ends at the lowering of one op.
printf '%s = 0\n' 'op.*' 'dtype.*' dead_percent >amin
printf '%s\n' 'op.sub = 10' 'op.reduce_min = 10' 'dtype.i8 = 10' 'nodes = 2' >>amin
if [ "$version" = 2.13.0 ]; then
    run opjury fuzz --policy amin --target torch:compile --target torch --tests 8 --known none --out campaign
    status_is 1 'campaign: status'
    run opjury blame 1 --out campaign
    out_has 'blame: the lowering' 'blamed: lowering amin'
fi

# One function at two shapes, with sizes that are open.
run opjury fuzz --nodes 3 --tests 8 --target torch:compile,dynamic,backend=aot_eager --known none --json --out shapes
passes 'two shapes: exercised' "$python" -c '
import json, sys
o = json.load(open(sys.argv[1]))["verdicts"]
assert o["pass"] > 0, o
' "$work/out"

done_testing
