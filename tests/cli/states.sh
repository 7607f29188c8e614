# SPDX-License-Identifier: Apache-2.0
# What becomes of findings: `opjury mark`, `opjury verify`, `opjury show --max-open`, `opjury known`. Faults are planted
# in our own evaluator, so no library is needed; its version is unknown, so what is gone is gone.
. "${0%/*}/harness.sh"
python=${OPJURY_PYTHON:-$root/.venv/bin/python}

wrong=faulty:negate.relu
exact_policy 'nodes = 4' 'numel_max = 64' 'dtype.* = 0' 'dtype.f32 = 1' 'op.less = 0' 'op.arg_max = 0' \
    'op.gather = 0' 'op.where = 0' >exact.policy
# Two faults of one library: two buckets.
opjury fuzz --policy exact.policy --known none --target "$wrong" --target faulty:negate.floor --tests 200 --out out/1 \
    >/dev/null 2>&1
run opjury show
ids=$(awk '$2 == "new" {print $1}' "$work/out")
passes 'two buckets' [ "$(echo "$ids" | wc -l)" = 2 ]
relu=$(awk '$2 == "new" && /relu\(/ {print $1}' "$work/out")
floor=$(awk '$2 == "new" && /floor\(/ {print $1}' "$work/out")

# ---- how many ----
run opjury show --max-open 1
out_has 'one at a time: the rest is counted' '1 more waits: 1 open ones a library are enough'
passes 'one at a time: one is listed' [ "$(grep -c ' new ' "$work/out")" = 1 ]
run opjury show --max-open 0
out_lacks 'no limit: none waits' 'more wait'
run opjury show --max-open x
status_is 2 'a limit that is no number: status'
run opjury show .
status_is 2 'a folder for an ID: status'
err_has 'a folder for an ID: where it belongs' '--out .'

# ---- mark ----
run opjury mark "$relu" reported --url https://example.org/7
status_is 0 'mark: status'
out_has 'mark: the state' 'reported, https://example.org/7'
run opjury show
out_has 'marked: in the list' 'https://example.org/7'
run opjury show --max-open 1
out_has 'a reported one is open' '1 more waits'
run opjury mark "$relu" wontfix
run opjury show
out_lacks 'wontfix: not listed' 'relu('
run opjury show --all
out_has 'wontfix: listed with all' 'wontfix'
run opjury mark "$relu" new
run opjury show
out_has 'new again: listed' 'relu('
run opjury mark "$relu" open
status_is 2 'no such state: status'
err_has 'no such state: said' "'open' is no state: reported, fixed, wontfix or new"
run opjury mark 99999 fixed
status_is 2 'mark what is not there: status'
err_has 'mark what is not there: said' 'has no finding 99999'
run opjury mark "$relu"
status_is 2 'mark without a state: status'

# ---- verify ----
run opjury verify
status_is 1 'verify: something is there'
passes 'verify: both' [ "$(grep -c 'still there' "$work/out")" = 2 ]
run opjury verify "$relu" --json
status_is 1 'verify one: status'
json_is() {
    "$python" -c "import json, sys; d = json.load(open(sys.argv[1])); sys.exit(not ($2))" \
        "$work/out"
    verdict $? "$1"
}
json_is 'verify one: JSON' "[(b['id'], b['result'], b['runs'], b['repeats']) for b in d['buckets']] == [($relu, 'still there', 3, 3)]"
# The library is right now: a stand-in for another version.
sqlite() {
    "$python" -c "import sqlite3, sys; d = sqlite3.connect('out/1/campaign.db'); d.execute(sys.argv[1]); d.commit()" "$1"
}
# Wrong in another way is not gone.
sqlite "UPDATE findings SET target = 'faulty:wrong_shape.relu' WHERE target = '$wrong'"
run opjury verify "$relu"
status_is 1 'wrong in another way: status'
out_has 'wrong in another way: the state stays' 'unclear      new'
out_has 'wrong in another way: which' 'it fails in another way: v0: shape'
run opjury reduce "$relu"
out_has 'reduce, wrong in another way: which' "finding $relu fails in another way on faulty:wrong_shape.relu now: v0: shape"
sqlite "UPDATE findings SET target = '$wrong' WHERE target = 'faulty:wrong_shape.relu'"
sqlite "UPDATE findings SET target = 'faulty:none' WHERE target = '$wrong'"
run opjury verify
status_is 1 'one is gone: the other is there'
out_has 'one is gone: said' 'gone         fixed'
run opjury show --all
out_has 'one is gone: fixed' 'fixed'
run opjury verify
passes 'what is fixed is not looked at again' [ "$(wc -l <"$work/out")" = 1 ]
run opjury verify "$relu"
status_is 0 'nothing there: status'
sqlite "UPDATE findings SET target = '$wrong' WHERE target = 'faulty:none'"
run opjury verify "$relu"
out_has 'back again: new' 'still there  new'
sqlite "UPDATE findings SET target = 'faulty:frob' WHERE target = '$wrong'"
run opjury verify "$relu"
status_is 0 'a target that is not there: status'
out_has 'a target that is not there: said' 'not tried'
sqlite "UPDATE findings SET target = '$wrong' WHERE target = 'faulty:frob'"

# ---- reduce ----
field() { "$python" -c "import sqlite3, sys; print(sqlite3.connect('$1/campaign.db').execute(sys.argv[1]).fetchone()[0])" "$2"; }
# What shows is not fixed.
opjury mark "$relu" fixed >/dev/null
sqlite "UPDATE findings SET json = json_set(json, '\$.reduced', json('false'), '\$.version', '0.9', '\$.joined', 'look') WHERE id = $relu"
run opjury reduce "$relu"
status_is 0 'reduce, marked fixed: status'
out_has 'reduce, marked fixed: said' "its bucket was marked fixed, but it shows on $wrong: it is new again"
run opjury show
out_has 'reduce, marked fixed: new again' 'relu('
passes 'reduce: its row says that it is reduced' [ "$(field out/1 "SELECT json ->> 'reduced' FROM findings WHERE id = $relu")" = 1 ]
passes 'reduce: its row says in which version' [ "$(field out/1 "SELECT json ->> 'version' FROM findings WHERE id = $relu")" = '' ]
passes 'reduce: its bucket is no guess' [ "$(field out/1 "SELECT json ->> 'joined' FROM findings WHERE id = $relu")" = None ]
opjury mark "$relu" fixed >/dev/null
run opjury reduce "$relu" --json
out_has 'reduce --json, marked fixed: said' '"reopened":true'
run opjury reduce "$relu" --json
out_has 'reduce --json, open: said' '"reopened":false'
opjury mark "$relu" wontfix >/dev/null
run opjury reduce "$relu"
out_lacks 'reduce, marked wontfix: it stays so' 'new again'
opjury mark "$relu" new >/dev/null
# What looked the same when there was no time to reduce it goes with it.
sqlite "INSERT INTO buckets (key) VALUES ('faulty | not reduced | value')"
sqlite "UPDATE findings SET bucket = (SELECT max(id) FROM buckets), ops = 'relu(f32)', signature = 'value' WHERE target = '$wrong'"
before=$(field out/1 "SELECT count(*) FROM findings WHERE bucket = (SELECT max(id) FROM buckets)")
passes 'not reduced: several' [ "$before" -gt 1 ]
run opjury reduce "$relu"
passes 'not reduced: all that looked the same went with it' [ "$(field out/1 "SELECT count(*) FROM findings WHERE bucket = (SELECT max(id) FROM buckets)")" = 0 ]
sqlite "DELETE FROM buckets WHERE key = 'faulty | not reduced | value'"

# One that is in another bucket than the cause's goes there, and what had joined that one by a guess goes with it.
bucket_of() {
    field out/1 "SELECT bucket FROM findings WHERE id = $1"
}
apart=$(field out/1 "SELECT max(id) FROM findings WHERE target = '$wrong'")
guess=$(field out/1 "SELECT max(id) FROM findings WHERE target = '$wrong' AND id < $apart")
sqlite "INSERT INTO buckets (key) VALUES ('faulty | other(float) | value')"
sqlite "UPDATE findings SET bucket = (SELECT max(id) FROM buckets), json = json_set(json, '\$.own_key', 'faulty | other(float) | value', '\$.joined', iif(id = $guess, 'look', NULL)) WHERE id IN ($apart, $guess)"
run opjury reduce "$apart"
status_is 0 'in another bucket: status'
passes 'in another bucket: it went to that of its cause' [ "$(bucket_of "$apart")" = "$(bucket_of "$relu")" ]
passes 'in another bucket: the guess went with it' [ "$(bucket_of "$guess")" = "$(bucket_of "$relu")" ]
run opjury reduce "$apart" --json
out_has 'reduce --json: the bucket' '"bucket":"faulty | relu(float) | value","merged":[]'
sqlite "DELETE FROM buckets WHERE key = 'faulty | other(float) | value'"

# Flaky is what does not repeat as what a campaign calls new does: one of two runs is not enough.
opjury fuzz --policy exact.policy --known none --target selftest:raise --tests 3 --out flaky >/dev/null 2>&1
"$python" -c "
import sqlite3
d = sqlite3.connect('flaky/campaign.db')
d.execute(\"UPDATE findings SET state = 'flaky', target = 'selftest:every-other'\")
d.execute(\"UPDATE buckets SET key = 'selftest | flaky | x' WHERE id = (SELECT bucket FROM findings WHERE id = 1)\")
d.commit()"
# What counts the runs is a file outside.
OPJURY_TURNS=$work/turns run opjury reduce 1 --out flaky --sandbox off
status_is 0 'reduce, every other run: status'
out_has 'reduce, every other run: said' 'it shows in 1 of 2 runs: it stays flaky'
passes 'reduce, every other run: its state' [ "$(field flaky 'SELECT state FROM findings WHERE id = 1')" = flaky ]
"$python" -c "
import sqlite3
d = sqlite3.connect('flaky/campaign.db')
d.execute(\"UPDATE findings SET target = 'selftest:raise'\")
d.commit()"
run opjury reduce 1 --out flaky
passes 'reduce, every run: its state' [ "$(field flaky 'SELECT state FROM findings WHERE id = 1')" = new ]

# What was found with variables of the environment is looked at with them, and all else without.
ORT_SELFTEST=1 opjury fuzz --policy exact.policy --known none --target selftest:by-variable --tests 2 --out variable \
    >/dev/null 2>&1
"$python" - <<'END'
import json, sqlite3
with sqlite3.connect("variable/campaign.db") as d:
    folder = d.execute("SELECT folder FROM findings WHERE id = 2").fetchone()[0]
    d.execute("INSERT INTO buckets (key) VALUES ('selftest | x | y')")
    d.execute("UPDATE findings SET bucket = (SELECT max(id) FROM buckets) WHERE id = 2")
path = f"variable/{folder}/environment.json"
o = json.load(open(path))
assert o.pop("variables") == {"ORT_SELFTEST": "1"}
json.dump(o, open(path, "w"))
END
run opjury verify 1 2 --out variable
out_has 'verify, found with a variable: it shows' '     1  still there'
out_has 'verify, found without: it does not' '     2  not seen'
run opjury reduce 1 --out variable
out_has 'reduce, found with a variable: it shows' ' -> 1 op,'

# ---- known ----
run opjury known
status_is 0 'known: status'
out_has 'known: a shipped rule' 'ort-relu-clip'
# A rule is made of what is seen now.
sqlite "UPDATE findings SET target = 'faulty:none' WHERE target = '$wrong'"
run opjury known add "$relu" --url u
status_is 2 'known add, it is gone: status'
err_has 'known add, it is gone: said' "finding $relu does not show on faulty:none"
sqlite "UPDATE findings SET target = 'faulty:wrong_shape.relu' WHERE target = 'faulty:none'"
run opjury known add "$relu" --url u
status_is 2 'known add, it is another: status'
err_has 'known add, it is another: said' 'fails in another way on faulty:wrong_shape.relu'
sqlite "UPDATE findings SET target = '$wrong' WHERE target = 'faulty:wrong_shape.relu'"
sqlite "UPDATE findings SET state = 'flaky' WHERE id = $relu"
run opjury known add "$relu" --url u
status_is 2 'known add, it did not repeat: status'
err_has 'known add, it did not repeat: said' 'is flaky'
sqlite "UPDATE findings SET state = 'new' WHERE id = $relu"
# Another bucket whose finding the rule would match: here one that was told apart by hand.
twin=$(opjury show --all | awk -v id="$relu" '$1 == id {print $4}')
passes 'there are several of the bucket' [ "$twin" -gt 1 ]
twin=$(ls out/1/findings | sed -n 's/^\([0-9]*\)-.*/\1/p' | sort -n | while read -r id; do
    [ "$id" = "$relu" ] || opjury show "$id" | awk -v id="$id" '/^bucket .*relu\(/ {print id}'
done | head -1)
sqlite "INSERT INTO buckets (key) VALUES ('faulty | clip(float) | value')"
sqlite "UPDATE findings SET bucket = (SELECT max(id) FROM buckets) WHERE id = $twin"
run opjury known add "$relu" --url u
status_is 2 'known add, it hides another: status'
out_has 'known add, it hides another: which' "hides finding $twin, new: "
out_has 'known add, it hides another: the rule' 'id: faulty-relu-value'
err_has 'known add, it hides another: said' 'the rule hides 1 other bucket, so nothing is written'
passes 'known add, it hides another: nothing is written' [ ! -e out/known.yaml ]
run opjury known add "$relu" --url u --file forced.yaml --force
status_is 0 'known add --force: status'
out_has 'known add --force: which' "hides finding $twin, new: "
opjury mark "$relu" new >/dev/null
sqlite "UPDATE buckets SET key = 'faulty | not reduced | value' WHERE id = (SELECT max(id) FROM buckets)"
run opjury known add "$relu" --url u --file unreduced.yaml
status_is 0 'known add, it hides what is not reduced: status'
out_has 'known add, it hides what is not reduced: which' "hides, as far as its cause is not known, finding $twin"
opjury mark "$relu" new >/dev/null
sqlite "UPDATE findings SET folder = '' WHERE id = $twin"
run opjury known add "$relu" --url u --file unseen.yaml
out_has 'known add, what cannot be run: counted' '1 other bucket of faulty not run'
sqlite "UPDATE findings SET bucket = (SELECT bucket FROM findings WHERE id = $relu) WHERE id = $twin"
opjury mark "$relu" new >/dev/null
# A finding that joined the bucket by a guess says nothing of it; one that was reduced does.
sqlite "UPDATE findings SET ops = 'clip(f16)', json = json_set(json, '\$.reduced', json('true'), '\$.joined', 'look') WHERE id = $twin"
run opjury known add "$relu" --url u --file guess.yaml
out_has 'known add, a guess in the bucket: its op is not in the rule' 'ops: [relu]'
out_has 'known add, a guess in the bucket: nor its dtype' 'dtypes: [f32, f64]'
opjury mark "$relu" new >/dev/null
sqlite "UPDATE findings SET json = json_remove(json, '\$.joined') WHERE id = $twin"
run opjury known add "$relu" --url u --file sure.yaml
out_has 'known add, one of the bucket that was reduced: its op is in the rule' 'ops: [relu|clip]'
out_has 'known add, one of the bucket that was reduced: and its dtype' 'dtypes: [f16, bf16, f32, f64]'
sqlite "UPDATE findings SET ops = 'relu(f32)' WHERE id = $twin"
opjury mark "$relu" new >/dev/null
run opjury known add "$relu" --url https://example.org/7 --note 'said "twice"'
status_is 0 'known add: status'
out_is 'known add: the rule' <<'END'
- id: faulty-relu-value
  library: faulty
  ops: [relu]
  dtypes: [f32, f64]
  oracle: value
  message: "expected -?[0-9tf][^,]*, got -?[0-9tf]"
  url: "https://example.org/7"
  note: "said \"twice\""

added to out/known.yaml; the bucket is marked reported
END
run opjury known
out_has 'known: the new rule too' 'faulty-relu-value'
run opjury known add "$relu" --url https://example.org/7
status_is 2 'known add again: status'
err_has 'known add again: said' 'known already, by rule faulty-relu-value'
run opjury known add "$floor" --url https://example.org/8 --file more.yaml
status_is 0 'known add to another file: status'
run opjury known --file more.yaml
out_lacks 'another file alone' 'relu'
opjury fuzz --policy exact.policy --target "$wrong" --tests 100 --out out/2 >"$work/fuzzed" 2>&1
passes 'fuzz takes it up' grep -q 'faulty-relu-value' "$work/fuzzed"
passes 'fuzz: nothing new' grep -q 'no new findings' "$work/fuzzed"
# Where it is reported is told wherever a bucket is.
passes 'the address: at the end of fuzz' grep -qx '        https://example.org/7' "$work/fuzzed"
run opjury show --out out/2
out_has 'the address: in the list' 'https://example.org/7'
run opjury show --out out/2 "$(awk '$2 == "known" {print $1; exit}' "$work/out")"
out_has 'the address: of one finding' 'reported   https://example.org/7'
run opjury show --out out/1 "$relu"
out_has 'the address: of a reported one' 'reported   https://example.org/7'
out_has 'its state is the bucket'"'"'s' 'state      reported'
for format in markdown tvm onnxruntime pytorch; do
    run opjury report --out out/1 "$relu" --format $format
    out_has "the address: in a report, $format" 'https://example.org/7'
done
run opjury report --out out/1 "$relu" --format json
json_is 'the address: in a report, json' "(d['known_issue'], d['state']) == ('https://example.org/7', 'reported')"
run opjury report --out out/2 --csv tables --html page.html
passes 'the address: in the table' grep -q ',https://example.org/7,' tables/buckets.csv
passes 'the address: on the page' grep -q 'href="https://example.org/7"' page.html

run opjury known add "$relu" --out out/1
status_is 2 'known add without url: status'
err_has 'known add without url: said' '--url'
run opjury known drop 3
status_is 2 'known: no such word: status'
echo '- id: x' >out/known.yaml
run opjury known
status_is 2 'damaged rules: status'
err_has 'damaged rules: where' 'out/known.yaml:1'

done_testing
