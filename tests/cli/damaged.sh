# SPDX-License-Identifier: Apache-2.0
# Campaigns that somebody made or changed by hand, or that a disk damaged: every command does what it can, or says in one
# line what is wrong. Faults are planted in our own evaluator, so no library is needed.
. "${0%/*}/harness.sh"
python=${OPJURY_PYTHON:-$root/.venv/bin/python}

exact_policy 'nodes = 3' 'numel_max = 16' 'dtype.* = 0' 'dtype.f32 = 1' 'op.less = 0' 'op.arg_max = 0' 'op.gather = 0' \
    'op.where = 0' >exact.policy
fuzz="fuzz --policy exact.policy --known none --target faulty:negate.relu --target faulty:none --seed 4 --tests"
# shellcheck disable=SC2086 # a list of words
opjury $fuzz 100 --out whole >/dev/null 2>&1
passes 'a campaign' [ -e whole/campaign.db ]

# sql DIR STATEMENT...
sql() {
    "$python" - "$@" <<'END'
import sqlite3, sys
d = sqlite3.connect(sys.argv[1] + "/campaign.db")
d.execute("PRAGMA foreign_keys = OFF")
d.execute("PRAGMA ignore_check_constraints = ON")
d.executescript(";".join(sys.argv[2:]))
d.commit()
END
}

# What each command says of the campaign in `hurt`: an exit status of ours, at most one error, which ends the output.
commands() {
    cat <<END
show --all --flaky
show 1
report 1
report --csv tables --html page.html
blame 1
verify --json
verify
known add 1 --url u --file rules.yaml
reduce 1 --runs 5 --json
mark 1 reported
$fuzz 300 --json
END
}
escape=$(printf '\033') # a command to the terminal
try_all() {
    commands | while read -r line; do
        # shellcheck disable=SC2086 # a list of words
        timeout 60 "$OPJURY" $line --out hurt >"$work/out" 2>"$work/err" </dev/null
        status=$?
        errors=$(grep -a '^opjury: ' "$work/err" | grep -acv -e '^opjury: warning' -e '^opjury: campaign in ')
        grep -aq "$escape" "$work/out" "$work/err" && errors=99
        case $status in 0 | 1) wrong=$errors ;; 2) wrong=$((errors != 1)) ;; *) wrong=1 ;; esac
        if [ "$wrong" != 0 ]; then
            echo "opjury $line: status $status"
            sed 's/^/    /' "$work/err"
        fi
    done
}

# hurt NAME STATEMENT...
hurt() {
    name=$1
    shift
    again
    sql hurt "$@"
    nothing_breaks "$name"
}
again() {
    rm -rf hurt rules.yaml tables page.html
    cp -r whole hurt
}
nothing_breaks() {
    try_all >said
    cp said "$work/err"
    passes "$1" [ ! -s said ]
}

# Without what the schema asks for.
loose() { echo "CREATE TABLE loose AS SELECT * FROM $1; DROP TABLE $1; ALTER TABLE loose RENAME TO $1"; }

hurt 'nothing is wrong' 'SELECT 1'
for column in test_index target scenario oracle signature text ops state folder json; do
    hurt "NULL: $column" "$(loose findings)" "UPDATE findings SET $column = NULL"
done
hurt 'NULL: all' "$(loose findings)" "$(loose buckets)" \
    "UPDATE findings SET test_index = NULL, target = NULL, oracle = NULL, signature = NULL, text = NULL, ops = NULL,
     state = NULL, folder = NULL, json = NULL" 'UPDATE buckets SET key = NULL, state = NULL, url = NULL'
hurt 'NULL: bucket' "$(loose findings)" 'UPDATE findings SET bucket = NULL'
hurt 'NULL: settings' "$(loose campaign)" 'UPDATE campaign SET value = NULL'
for column in target oracle signature text ops state json; do
    hurt "bytes that are no UTF-8: $column" "UPDATE findings SET $column = CAST(x'ff28200a1b5b' AS TEXT)"
    hurt "another text: $column" "UPDATE findings SET $column = 'odd | x'"
done
for key in x 'x | y' 'x | y | z' ' |  | ' 'known | x' 'faulty | relu | value' 'faulty | | value' 'faulty | relu(( | value'; do
    hurt "a key of a bucket: '$key'" "UPDATE buckets SET key = '$key' || substr('       ', 1, id - 1)"
done
for oracle in determinism crash hang shape side_effects; do
    hurt "another oracle: $oracle" "UPDATE findings SET oracle = '$oracle'"
done
hurt 'another library' "UPDATE findings SET target = 'torch:frob=1'"
hurt 'an index that is none' 'UPDATE findings SET test_index = -id' "UPDATE findings SET folder = ''"
hurt 'the largest index' 'UPDATE findings SET test_index = 9223372036854775807 - id' "UPDATE findings SET folder = ''"
hurt 'findings of no bucket' 'DELETE FROM buckets'
hurt 'buckets without findings' 'DELETE FROM findings'
hurt 'no settings' 'DELETE FROM campaign' "UPDATE findings SET folder = ''"
for name in seed targets policy policy_hash; do
    hurt "another setting: $name" "UPDATE campaign SET value = 'x y' WHERE name = '$name'" "UPDATE findings SET folder = ''"
done
hurt 'no totals' 'DELETE FROM totals'
for counts in '' '{' '[]' '{}' '{"work":1}' '{"work":{"tests":"x"}}' '{"work":{"tests":100,"runs":200},"verdicts":3}' \
    '{"target x":1}' '{"work":{"tests":-1}}'; do
    hurt "totals: '$counts'" "UPDATE totals SET counts = '$counts'"
done
hurt 'totals that do not add up' 'UPDATE totals SET tests = 7'
hurt 'blocks of another size' 'UPDATE blocks SET done = 999'
hurt 'blocks that go backward' 'UPDATE blocks SET done = -7, number = -number'
hurt 'blocks of others' "UPDATE blocks SET done = 3, claimer = '1 x'"
hurt 'other policies' "UPDATE policies SET text = 'odd'"
hurt 'a table is gone' 'DROP TABLE buckets'
hurt 'an older schema' 'ALTER TABLE buckets DROP COLUMN state' 'ALTER TABLE buckets DROP COLUMN url' 'PRAGMA user_version = 1'
for folder in /etc .. ../whole findings findings/none exact.policy campaign.db 'findings/../../whole/findings'; do
    hurt "another folder: $folder" "UPDATE findings SET folder = '$folder'"
done

# ---- folders ----
for file in program.txt original.txt inputs.npz verdict.json environment.json expected.npz; do
    again
    rm hurt/findings/*/$file
    nothing_breaks "no $file"
    again
    for path in hurt/findings/*/$file; do
        rm "$path" && mkdir "$path"
    done
    nothing_breaks "$file is a folder"
    again
    for path in hurt/findings/*/$file; do
        printf '{"a\377": [1' >"$path"
    done
    nothing_breaks "$file is something else"
done

# ---- what is said ----
again
rm hurt/findings/1-*/program.txt
run opjury verify --out hurt
status_is 1 'verify, a folder without a program: status'
out_has 'verify, a folder without a program: the line' 'unclear'
out_has 'verify, a folder without a program: why' 'program.txt: there is no such file'
again
sql hurt "UPDATE findings SET signature = CAST(x'ff' AS TEXT), target = CAST(x'ff' AS TEXT)"
run opjury verify --json --out hurt
out_has 'verify --json, bytes that are no UTF-8: said' '"target":"?"'
again
sql hurt "UPDATE buckets SET key = 'odd'"
run opjury known add 1 --url u --out hurt
status_is 2 'known add, a key of another form: status'
err_has 'known add, a key of another form: said' "bucket 'odd' of finding 1 is not LIBRARY | OPS | SIGNATURE; \`opjury reduce 1\`"
again
sql hurt 'DELETE FROM campaign' "UPDATE findings SET folder = ''"
run opjury reduce 1 --out hurt
status_is 2 'reduce, no settings: status'
err_has 'reduce, no settings: said' 'does not say of which seed, targets and policy it is'
again
sql hurt 'UPDATE totals SET tests = 7'
run opjury report --csv tables --out hurt
status_is 2 'totals that do not add up: status'
err_has 'totals that do not add up: said' 'hurt/campaign.db: its counts do not add up, so it is damaged'
again
mkdir outside
sql hurt "UPDATE findings SET folder = '../outside'"
run opjury reduce 1 --out hurt
passes 'a folder outside the campaign: nothing is written there' [ -z "$(ls outside)" ]
again
sql hurt 'ALTER TABLE buckets DROP COLUMN state' 'ALTER TABLE buckets DROP COLUMN url' 'PRAGMA user_version = 1'
run opjury show --out hurt
status_is 0 'an older schema: status'
err_has 'an older schema: said' 'hurt/campaign.db is of an older opjury, which named buckets in another way'
out_has 'an older schema: it is listed' 'relu('
run opjury show --out hurt
err_lacks 'an older schema: said once' 'older opjury'
done_testing
