# SPDX-License-Identifier: Apache-2.0
# Libraries that misbehave: the campaign goes on, every run has its verdict, the finding says how.
. "${0%/*}/harness.sh"

cat >small.policy <<'END'
name = small
nodes = 3
dtype.bf16 = 0
dtype.f16 = 0
END
# WORD ORACLE TEXT: what `selftest:WORD` does, which oracle speaks, what the summary has of it.
while read -r word oracle text; do
    run opjury fuzz --target "selftest:$word" --target faulty:none --policy small.policy \
        --tests 12 --known none --json --out "$word"
    status_is 1 "$word: status"
    cp "$work/out" "$word.json"
    passes "$word: $oracle" python3 -c '
import json, sys
o = json.load(open(sys.argv[1]))
assert sum(o["verdicts"].values()) == o["runs"] == 24, o
assert {b["oracle"] for b in o["buckets"]} == {sys.argv[2]}, o["buckets"]
' "$word.json" "$oracle"
    run opjury show --out "$word"
    out_has "$word: said" "$text"
done <<'END'
segv crash SIGSEGV
abort crash SIGABRT
exit crash exit
raise status refused
END

done_testing
