# SPDX-License-Identifier: Apache-2.0
# Ops that only find known bugs again become rarer from the third epoch on (test 8192), in the same
# way with any number of jobs and however often the campaign was stopped.
. "${0%/*}/harness.sh"

exact_policy 'nodes = 3' >exact.policy
rule() {
    printf -- '- id: our-relu\n  library: faulty\n  ops: [%s]\n  oracle: value\n' "$1"
    printf '  url: https://example.org/1\n%s' "${2:-}"
}
rule relu >known.yaml
rule 'relu -> neg' >chain.yaml
set -- --policy exact.policy --target faulty:negate.relu
fuzz() { run opjury fuzz --known known.yaml --tests 9000 "$@"; }

# Lines of the epochs' policies that are not the campaign's own.
changes() {
    python3 - "$1/campaign.db" <<'END'
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
own, = db.execute("SELECT value FROM campaign WHERE name = 'policy'").fetchone()
for epoch, text in db.execute("SELECT epoch, text FROM policies ORDER BY 1"):
    assert text.startswith(own)
    print(epoch, text[len(own):].strip())
END
}
sql() { python3 -c 'import sqlite3, sys
for row in sqlite3.connect(sys.argv[1]).execute(sys.argv[2]): print(*row)' "$1/campaign.db" "$2"; }
findings() { sql "$1" 'SELECT test_index, target, oracle, state FROM findings ORDER BY 1, 2, 3'; }

fuzz "$@" --out one
status_is 0 'known bugs alone: status'
changes one >changes
printf '0 \n1 \n2 op.relu = 5\n' >wanted
passes 'the third epoch has half the weight of an op that finds known bugs alone' cmp changes wanted
findings one >one.rows

fuzz "$@" --out three --jobs 3
findings three >three.rows
passes 'three jobs: the same tests fail' cmp one.rows three.rows
fuzz "$@" --out stopped --tests 4500
fuzz "$@" --out stopped --tests 8300 --jobs 2
fuzz "$@" --out stopped
findings stopped >stopped.rows
passes 'stopped and gone on with: the same tests fail' cmp one.rows stopped.rows

id=$(sql one 'SELECT min(id) FROM findings WHERE test_index >= 8192')
run opjury reduce "$id" --out one --json --known none
out_has 'a test of that epoch is made again' '"reproduced":true'

fuzz "$@" --out fixed --fixed
changes fixed >changes
printf '0 \n1 \n2 \n' >wanted
passes '--fixed: the weights stay' cmp changes wanted
findings fixed >fixed.rows
passes '--fixed: other tests' [ "$(cmp one.rows fixed.rows >/dev/null; echo $?)" = 1 ]
fuzz "$@" --out other --known chain.yaml
changes other >changes
passes 'an op with other failures too keeps its weight' cmp changes wanted

done_testing
