# SPDX-License-Identifier: Apache-2.0
# `opjury compare`: generators side by side. Faults are planted in our own evaluator, so no library
# is needed.
. "${0%/*}/harness.sh"

exact_policy 'nodes = 5' >exact.policy
compare() { run opjury compare --policy exact.policy --known none "$@"; }
# json_holds EXPRESSION: a Python expression over the object o in the only line; g: its generators.
json_holds() {
    python3 - "$work/out" "$1" <<'END'
import json, sys
lines = open(sys.argv[1]).read().splitlines()
assert len(lines) == 1, lines
o = json.loads(lines[0])
g = o["generators"]
sys.exit(0 if eval(sys.argv[2]) else f"{sys.argv[2]} is false for {lines[0]}")
END
}

compare opjury random --target faulty:negate.relu --time 1s --json --out both
status_is 1 'a planted fault: status'
passes 'json: a row each, in order' json_holds '[r["generator"] for r in g] == ["opjury", "random"]'
passes 'json: exactly the keys' json_holds 'all(set(r) == {"generator", "tests", "runs", "cpu", "validity", "ops",
    "op_dtype_ranks", "op_pairs", "verdicts", "buckets", "left_out"} for r in g)'
passes 'json: verdicts add up' json_holds 'all(sum(r["verdicts"].values()) == r["runs"] for r in g)'
passes 'json: both had the time, and not much more' json_holds 'all(1 <= r["cpu"] < 3 for r in g)'
passes 'json: the policy has 12 ops' json_holds 'all(r["ops"] == 12 and 12 < r["op_pairs"] <= 144 for r in g)'
passes 'json: all are valid' json_holds 'all(r["validity"] == 1 for r in g)'
passes 'json: both find it' json_holds 'all(r["buckets"] >= 1 for r in g)'
passes 'json: sets add up' json_holds 'all(sum(s["buckets"] for s in o["exactly"] if r["generator"] in s["generators"])
    == r["buckets"] for r in g)'
for f in curves.svg venn.svg curves.csv curves.gp venn.gp opjury/campaign.db random/campaign.db; do
    passes "there is $f" [ -s "both/$f" ]
done
for f in curves venn; do
    passes "$f.svg is XML" python3 -c "import sys, xml.dom.minidom as m; m.parse(sys.argv[1])" "both/$f.svg"
done
passes 'curves.csv: never fewer, with more CPU time' python3 - both/curves.csv <<'END'
import sys
blocks = open(sys.argv[1]).read().split("\n\n\n")
assert len(blocks) == 2, blocks
for block in blocks:
    rows = [[float(x) for x in line.split(",")] for line in block.splitlines()[1:]]
    assert len(rows) > 5 and rows[-1][1] > 0 and rows[-1][3] >= 1, rows
    for a, b in zip(rows, rows[1:]):
        assert all(x <= y for x, y in zip(a, b)), (a, b)
END
# The number of each set, in the order of `exactly`, and a picture of the size that the script asks for.
passes 'venn.gp: the sets of the JSON' python3 - "$work/out" both/venn.gp <<'END'
import json, re, sys
sets = json.loads(open(sys.argv[1]).read())["exactly"]
drawn = re.findall(r"set label '(\d+)'", open(sys.argv[2]).read())
assert drawn == [str(s["buckets"]) for s in sets], (drawn, sets)
END
cat >png.py <<'END'
import struct, sys, zlib
data = open(sys.argv[1], "rb").read()
assert data[:8] == b"\x89PNG\r\n\x1a\n", data[:8]
assert list(struct.unpack(">2I", data[16:24])) == [int(x) for x in sys.argv[2:]], data[16:24]
at, packed = 8, b""
while at < len(data):
    (size,) = struct.unpack(">I", data[at:at + 4])
    packed += data[at + 8:at + 8 + size] if data[at + 4:at + 8] == b"IDAT" else b""
    at += size + 12
assert len(set(zlib.decompress(packed))) > 20, "a blank picture"
END
if command -v gnuplot >/dev/null; then
    passes 'curves.png by gnuplot' python3 png.py both/curves.png 1000 420
    passes 'venn.png by gnuplot' python3 png.py both/venn.png 390 370
fi
run opjury compare opjury random --policy exact.policy --target faulty:negate.relu --known none --nodes 3 --seed 2 \
    --time 0.4s --out small
status_is 1 'text of two: status'
out_has 'text of two: the runs by verdict' 'runs                pass'
passes 'text of two: a row each' [ "$(grep -cE '^(opjury|random) +[0-9]+ +[0-9.]+ +100.0 % ' "$work/out")" = 2 ]
passes 'text of two: who found which buckets' grep -qE '^ +[0-9]+ (opjury|random|opjury and random)$' "$work/out"
passes 'text of two: of as many operators as asked' python3 -c '
import sqlite3, sys
db = sqlite3.connect("small/random/campaign.db")
texts = [str(v) for (t,) in db.execute("SELECT name FROM sqlite_master WHERE type = \"table\"").fetchall()
         for row in db.execute(f"SELECT * FROM {t}") for v in row]
sys.exit(not any("nodes = 3\n" in text for text in texts))'
run env PATH=/nowhere "$OPJURY" compare random --policy exact.policy --target faulty:none --time 0.3s --out one
status_is 0 'nothing wrong: status'
err_has 'no gnuplot: what to install' '`scripts/setup plot` (or `apt-get install gnuplot-nox`)'
passes 'no gnuplot: no PNG' [ ! -e one/curves.png ]
passes 'no gnuplot: its script' [ -s one/curves.gp ]
out_has 'text: a table' 'generator     tests   CPU s  validity'
out_has 'text: its folder' 'campaigns and plots: one'
passes 'one generator: nothing to share' [ ! -e one/venn.svg ]

compare opjury --target faulty:none --out one
status_is 2 'a folder that is there: status'
err_has 'a folder that is there: said' 'one is there already'
compare --out two
status_is 2 'no generator: status'
err_has 'no generator: said' 'no generator is named'
compare random random --out two
err_has 'twice the same' 'generator random is named twice'
compare lemon --out two
err_has 'no such generator' "there is no generator 'lemon', only opjury, mutate, random"

# Models to start from: one as a file of ONNX, one as text; and what is none.
mkdir models
run opjury gen --policy exact.policy --format onnx --first 3 --out models
run opjury gen --policy exact.policy --first 4
mkdir models/more
cp "$work/out" models/more/4.txt
compare mutate --seeds models --target faulty:negate.relu --time 0.5s --json --out mutants
passes 'mutants: as many ops as models and mutations give' json_holds '0 < g[0]["ops"] <= 12 and g[0]["tests"] > 20'
echo 'no model' >models/0.txt
run opjury gen --generator mutate --seeds models --count 20 --format none
status_is 0 'mutants beside what is no model: status'
err_has 'what is no model: said' '1 of 3 files under models are no model to start from; the first: models/0.txt:1:'
# Without any, those of the onnx package, which the build made.
compare mutate --target faulty:none --time 0.5s --json --out wheel
passes 'models of the onnx package: several ops each' json_holds 'g[0]["ops"] >= 40 and g[0]["op_pairs"] >= 200'
run opjury gen --generator mutate --count 20 --format none
err_is 'models of the onnx package: nothing to say' </dev/null
cp "$OPJURY" alone
run ./alone gen --generator mutate
status_is 2 'mutate without models: status'
err_has 'mutate without models: said' 'generator mutate needs models to start from: --seeds DIR, or those that the build makes'
run opjury gen --generator mutate --seeds nowhere
status_is 2 'models that are not there: status'
err_has 'models that are not there: said' 'cannot read the folder of models nowhere'
mkdir empty
run opjury gen --generator mutate --seeds empty
err_has 'no model at all' 'empty has no model (.onnx, .txt) to start from'
done_testing
