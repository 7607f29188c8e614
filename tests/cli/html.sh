# SPDX-License-Identifier: Apache-2.0
# `opjury report --html`: the page of a campaign, and what a person sees of it in a browser (page.py). Faults
# are planted in our own evaluator and in a library of the tests', so nothing else is needed.
. "${0%/*}/harness.sh"

export OPJURY_CACHE="$work/cache"
exact_policy 'nodes = 4' 'numel_max = 64' 'op.less = 0' 'op.arg_max = 0' >exact.policy
printf -- '- id: our-floor\n  library: faulty\n  ops: [floor]\n  oracle: value\n  url: https://example.org/1\n' >rules.yaml

run opjury report --html out.html
status_is 2 'no campaign: status'
err_has 'no campaign: what to do' 'no campaign under out/'

run opjury fuzz --policy exact.policy --known none --target faulty:none --tests 50 --out clean
run opjury report --html clean.html --out clean
status_is 0 'nothing found: status'
passes 'nothing found: said' grep -q 'Nothing was found' clean.html

run opjury fuzz --policy exact.policy --known rules.yaml --target faulty:negate.relu --target faulty:negate.floor \
    --target selftest:segv --tests 200 --out found
status_is 1 'a campaign with findings'
passes 'it has noted how it went' [ "$(head -n 1 found/progress.csv)" = 'elapsed_s,cpu_s,tests,findings,buckets' ]
passes 'up to its end' sh -c 'tail -n 1 found/progress.csv | cut -d, -f3 | grep -qx 200'
run opjury report --html found.html --out found
status_is 0 'the page: status'
passes 'the page: says nothing' [ ! -s "$work/out" ]
cp found.html before.html
run opjury report --html found.html --out found
passes 'the page: again the same bytes' cmp before.html found.html
run opjury report --html nowhere/found.html --out found
status_is 2 'into no folder: status'
err_has 'into no folder: named' 'nowhere/found.html'

# What went wrong in a folder is on the page, and the rest of it is there.
cp -R found broken
for verdict in broken/findings/*-faulty-*/verdict.json; do
    echo '{' >"$verdict"
done
run opjury report --html broken.html --out broken
status_is 0 'a broken folder: status'
passes 'a broken folder: said' grep -q 'class="trouble">.*verdict.json' broken.html
passes 'a broken folder: the others are there' grep -q 'SIGSEGV' broken.html

# The same as if ONNX Runtime had failed: for it there is a script.
cp -R found scripted
sed -i 's/"faulty:negate.relu"/"onnxruntime:opt=all"/; s/"faulty"/"onnxruntime"/' scripted/findings/*/verdict.json
for finding in scripted/findings/*-faulty-*; do
    echo 'raise SystemExit("as ONNX Runtime would have it")' >"$finding/repro.py"
done
run opjury report --html scripted.html --out scripted
status_is 0 'with scripts: status'
passes 'with scripts: it is there' grep -q 'class="copy"' scripted.html

# Of a long campaign.
cp -R clean long
printf 'elapsed_s,cpu_s,tests,findings,buckets\n9000.000,8000.000,1250000,3,1\n' >long/progress.csv
run opjury report --html long.html --out long
passes 'numbers of a long campaign are in full' grep -q '>1250000</text>.*>9000</text>' long.html

# Two faults of one library, of which one waits.
opjury fuzz --policy exact.policy --known rules.yaml --target faulty:negate.relu --target faulty:negate.clip \
    --target faulty:negate.floor --target selftest:segv --tests 200 --out limited >/dev/null 2>&1
run opjury report --html limited.html --out limited --max-open 1
status_is 0 'a limit: status'
passes 'a limit: what waits is there' grep -q '<details class="group" id="waiting">' limited.html
run opjury report --html found.html --out found --max-open x
status_is 2 'a limit that is no number: status'

# A campaign whose texts are markup, in its rows and in its folders.
cp -R found hostile
python3 - hostile <<'END'
import glob, json, sqlite3, sys
mark = """</script></title></style>--><script>window.hacked = 1</script><img src="http://127.0.0.1:9/x" onerror="hacked = 1">"""
for path in glob.glob(f"{sys.argv[1]}/findings/*/verdict.json"):
    with open(path) as f:
        verdict = json.load(f)
    verdict["title"] = mark + verdict["title"]
    for run in verdict["verdicts"]:
        run["text"] = (run.get("text") or "") + mark
        run["target"] += "\"'><b>"
        run["message"] = mark
    with open(path, "w") as f:
        json.dump(verdict, f)
for path in glob.glob(f"{sys.argv[1]}/findings/*/program.txt"):
    with open(path) as f:
        text = f.read()
    with open(path, "w") as f:
        f.write("# " + mark + "\n" + text)
    with open(path, "ab") as f:
        f.write(b"# ]]> \x1b[31m \x01 \xff\xfe \xed\xa0\x80\n")
with sqlite3.connect(f"{sys.argv[1]}/campaign.db") as db:
    db.execute("UPDATE findings SET text = CAST(text || x'0aff1b5d5d3e' AS TEXT)")
    db.execute("UPDATE findings SET text = text || ?1, signature = '\"><script>hacked=1</script>' || signature", [mark])
    db.execute("UPDATE buckets SET key = key || ?1", [mark])
END
run opjury report --html hostile.html --out hostile
status_is 0 'hostile texts: status'
passes 'hostile bytes: the page is text without controls' python3 -c '
import re
assert not re.search("[\0-\x08\x0b-\x1f\x7f-\x9f]", open("hostile.html", encoding="utf-8", newline="\n").read())'
run opjury report --csv hostile.tables --out hostile
passes 'hostile bytes: so are the tables' python3 -c '
import csv, re
for name in "findings", "buckets", "runs":
    with open(f"hostile.tables/{name}.csv", encoding="utf-8", newline="") as f:
        rows = list(csv.DictReader(f))
    assert rows and all(len(r) == len(rows[0]) and None not in r for r in rows), name
    assert not re.search("[\0-\x08\x0b-\x1f\x7f-\x9f]", "".join(v for r in rows for v in r.values())), name'
run opjury show --out hostile
passes 'hostile bytes: so is the list' python3 -c 'open("../out", encoding="utf-8").read()'

# page.py speaks TAP too; its lines go on with our numbers.
if ! python3 "$root/tests/cli/page.py" "$n" found.html hostile.html clean.html scripted.html limited.html found >"$work/page" 2>"$work/err"; then
    n_failed=$((n_failed + 1))
    sed 's/^/# /' "$work/err"
fi
cat "$work/page"
n=$((n + $(grep -c 'ok [0-9]' "$work/page")))
n_failed=$((n_failed + $(grep -c '^not ok' "$work/page")))

done_testing
