# SPDX-License-Identifier: Apache-2.0
# `opjury matrix`: what is wrong, known, unsupported; its files; what was expected.
. "${0%/*}/harness.sh"

matrix() { run opjury matrix --known none --op relu --op floor --op where "$@"; }

# A planted fault in one op of three, and its near misses: the others, and a target without it.
matrix --target faulty:negate.relu --target faulty:none --csv all.csv --html page.html --out found
status_is 1 'a fault: status'
out_has 'a fault: which cell' '    relu f32 faulty:negate.relu: wrong: '
passes 'a fault: all dtypes of relu are wrong, no other cell is' python3 - <<'END'
import csv, sys
rows = list(csv.DictReader(open("all.csv", newline="")))
wrong = [r for r in rows if r["status"] == "wrong"]
assert {(r["op"], r["target"]) for r in wrong} == {("relu", "faulty:negate.relu")}, wrong
relu = [r for r in rows if r["op"] == "relu" and r["target"] == "faulty:negate.relu"]
assert len(relu) > 4 and all(r["status"] != "pass" for r in relu if r["dtype"] != "u8"), relu
assert {r["status"] for r in rows if r not in wrong} == {"pass"}, rows
# where is one for each dtype that it gives, though its first input is always bool
assert {r["dtype"] for r in rows if r["op"] == "where"} >= {"f32", "i8", "bool"}, rows
assert all(int(r["tests"]) == 4 for r in rows), rows
END
passes 'a fault: its folder' test -s found/relu-f32-1/program.txt
passes 'a fault: it is named in the page' grep -q 'class="wrong" title="[^"]*expected[^"]*">W relu-f32-1<' page.html
passes 'the page: no script' sh -c '! grep -qi "<script" page.html'

# What was expected.
matrix --target faulty:negate.relu --target faulty:none --expect all.csv
status_is 0 'as expected: status'
out_lacks 'as expected: nothing is said' 'expected:'
grep -v '^relu,f32,' all.csv >other.csv
matrix --target faulty:negate.relu --expect other.csv
status_is 1 'a new fault: status'
out_has 'a new fault: which' 'worse than expected:
    relu f32 faulty:negate.relu: wrong: '
printf '%s\n' 'floor,f32,faulty:none,wrong' '# a comment' '' 'relu,f64,"faulty:none",unsupported,,,"a ""quoted"", text
of two lines"' >other.csv
matrix --target faulty:none --expect other.csv
status_is 0 'better than expected: status'
out_has 'better than expected: what is mended' '    floor f32 faulty:none: was wrong'
out_has 'better than expected: what is supported now' '    relu f64 faulty:none: was unsupported'
printf '%s\n' 'where,u16,onnxruntime:opt=none,pass' 'floor,f32,onnxruntime:opt=none,pass' >other.csv
if "${OPJURY_PYTHON:-$root/.venv/bin/python}" -c 'import onnxruntime' 2>/dev/null; then
    matrix --target onnxruntime:opt=none --expect other.csv
    status_is 1 'lost support: status'
    out_has 'lost support: which' '    where u16 onnxruntime:opt=none: unsupported'
    out_lacks 'lost support: no other' 'floor f32'
fi

# A known bug is wrong, and nothing new.
printf -- '- {id: my-relu, library: faulty, ops: [relu], url: x}\n' >rules.yaml
run opjury matrix --known rules.yaml --op relu --target faulty:negate.relu --csv known.csv --json
status_is 0 'known: status'
passes 'known: its rule' grep -q '^relu,f32,faulty:negate.relu,wrong,my-relu,4,' known.csv
passes 'known: one object' python3 -c 'import json
o = json.loads(open("../out").read())
assert o["worse"] == 0 and o["whole"] and o["targets"][0]["wrong"] > 4, o'

# What cannot be.
matrix --target faulty:none --op frob
status_is 2 'no such operator: status'
err_is 'no such operator: said' <<'END'
opjury: --op: no operator is called 'frob'
END
echo 'relu,f32,faulty:none,fine' >broken.csv
matrix --target faulty:none --expect broken.csv
status_is 2 'a broken expectation: status'
err_is 'a broken expectation: said' <<'END'
opjury: broken.csv:1: a status is pass, wrong, unsupported or untested, not 'fine'
END
printf 'relu,f32\n' >broken.csv
matrix --target faulty:none --expect broken.csv
err_has 'too few columns: said' 'broken.csv:1: a line is op,dtype,target,status,...'
printf 'relu,"f32\n' >broken.csv
matrix --target faulty:none --expect broken.csv
err_has 'an open quote: said' 'broken.csv:1: a quote is not closed'
done_testing
