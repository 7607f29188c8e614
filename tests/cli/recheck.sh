# SPDX-License-Identifier: Apache-2.0
# What a campaign makes sure of before a finding is shown: another thread count, and the newest version installed. The older
# one is the installed library under another number, with a fault of its own.
. "${0%/*}/harness.sh"

python=${OPJURY_PYTHON:-$root/.venv/bin/python}
if ! version=$("$python" -c 'import onnxruntime; print(onnxruntime.__version__)' 2>/dev/null); then
    echo 'ok 1 - recheck # skip onnxruntime is not installed'
    echo '1..1'
    exit 0
fi
"$python" -m venv --without-pip old
site=$(ls -d old/lib/python*/site-packages)
"$python" -c 'import numpy, os; print(os.path.dirname(os.path.dirname(numpy.__file__)))' >"$site/real.pth"
echo 'import with_fault' >"$site/then.pth"
cat >"$site/with_fault.py" <<'END'
import onnxruntime
onnxruntime.__version__ = "1.0.9"
def session(model, *a, of=onnxruntime.InferenceSession, **k):
    if b"Floor" in model and b"Clip" not in model:
        raise RuntimeError("a fault of old")
    return of(model, *a, **k)
onnxruntime.InferenceSession = session
END
printf '%s\n' 'name = two' 'nodes = 2' 'op.* = 0' 'op.relu = 10' 'op.clip = 10' 'op.floor = 10' 'dtype.* = 0' 'dtype.f64 = 10' \
    'motif_percent = 0' 'clean_percent = 100' >two.policy

run opjury fuzz --target onnxruntime:opt=all@old --policy two.policy --known none --tests 200 --out c --json
status_is 1 'an older version: status'
elsewhere() {
    python3 - "$1" "$2" <<'END'
import json, sqlite3, sys
for bucket, row, folder in sqlite3.connect(sys.argv[1] + "/campaign.db").execute(
        "SELECT key, json, folder FROM findings f JOIN buckets b ON b.id = f.bucket ORDER BY f.id"):
    if sys.argv[2] in bucket and folder:
        told = json.load(open(f"{sys.argv[1]}/{folder}/verdict.json"))["elsewhere"]
        print(*(f"{e['kind']} {e['what']} {e['verdict']}" for e in told), json.loads(row)["gone_in"], sep=", ")
        break
END
}
elsewhere c floor >told
echo "threads threads=4 finding, version $version pass, $version" >wanted
passes 'a fault of the older version: is gone' cmp told wanted
elsewhere c clip >told
echo "threads threads=4 finding, version $version finding, None" >wanted
passes 'a fault of both: stays' cmp told wanted
run opjury fuzz --target onnxruntime:opt=all@old --target onnxruntime:opt=none --policy two.policy --known none --tests 60 --out both
elsewhere both floor >told
echo "threads threads=4 finding, version $version pass, $version" >wanted
passes 'a newer version that is a target too' cmp told wanted
run opjury fuzz --target onnxruntime:opt=all --policy two.policy --known none --tests 60 --out new
elsewhere new clip >told
echo 'threads threads=4 finding, None' >wanted
passes 'the newest version: none is asked' cmp told wanted

id() { python3 - "$1" "$2" <<'END'
import sqlite3, sys
print(*sqlite3.connect(sys.argv[1] + "/campaign.db").execute("SELECT min(f.id) FROM findings f JOIN buckets b"
      " ON b.id = f.bucket WHERE key LIKE ? AND folder != ''", ("%" + sys.argv[2] + "%",)).fetchone())
END
}
# One that waited, with a folder of its own, has followed the look of the one that was reduced.
python3 - "$(id c floor)" <<'END'
import json, shutil, sqlite3, sys
db = sqlite3.connect("c/campaign.db")
folder, = db.execute("SELECT folder FROM findings WHERE id = ?", sys.argv[1:]).fetchone()
shutil.copytree("c/" + folder, "c/findings/0-moved")
verdict = json.load(open("c/findings/0-moved/verdict.json"))
verdict["elsewhere"] = []
json.dump(verdict, open("c/findings/0-moved/verdict.json", "w"))
names = [row[1] for row in db.execute("PRAGMA table_info(findings)")]
row = dict(zip(names, db.execute("SELECT * FROM findings WHERE id = ?", sys.argv[1:]).fetchone()))
row |= {"id": 0, "test_index": 10**6, "folder": "findings/0-moved",
        "json": json.dumps(json.loads(row["json"]) | {"reduced": False, "complete": False}, separators=(",", ":"))}
db.execute(f"INSERT INTO findings VALUES ({', '.join('?' * len(names))})", [row[name] for name in names])
db.commit()
END
run opjury show --out c
passes 'show: the same beside one that is not rechecked' python3 -c '
import sys
text = open(sys.argv[1]).read()
assert 0 < text.find("relu(f64) -> clip(f64)") < text.find("floor(f32)"), text
' "$work/out"
python3 -c 'import sqlite3; db = sqlite3.connect("c/campaign.db"); db.execute("DELETE FROM findings WHERE id = 0"); db.commit()'

run opjury report "$(id c floor)" --out c
out_has 'report: what is gone' "onnxruntime $version, the newest installed: passes."
out_has 'report: other threads' 'With `threads=4`: fails.'
run opjury report "$(id c clip)" --out c
out_has 'report: what is not' "onnxruntime $version, the newest installed: fails."
run opjury show --out c
passes 'show: what is gone is last' python3 -c '
import sys
text = open(sys.argv[1]).read()
assert 0 < text.find("relu(f64) -> clip(f64)") < text.find("floor(f32)"), text
' "$work/out"

floor=$(id c floor)
rm -f c/findings/"$floor"-*/verdict.txt
run opjury reduce "$floor" --out c --python old
status_is 0 'reduce: status'
passes 'reduce: the folder is written again' [ -f "$(ls -d c/findings/"$floor"-*)/verdict.txt" ]
elsewhere c floor >told
echo "threads threads=4 finding, version $version pass, $version" >wanted
passes 'reduce: looks elsewhere too' cmp told wanted

done_testing
