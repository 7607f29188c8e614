# SPDX-License-Identifier: Apache-2.0
# Interpreters by name: the configuration, where it is found, what is wrong with one, and libraries in several places.
. "${0%/*}/harness.sh"
unset OPJURY_CONFIG
export HOME="$work/home" XDG_CONFIG_HOME=
mkdir "$HOME"

# has_package ENVIRONMENT NAME VERSION: installed as far as anybody sees who does not import it.
has_package() {
    for site in "$1"/lib/python3*/site-packages; do
        mkdir -p "$site/$2" "$site/$2-$3.dist-info"
        echo 'raise ImportError("this one cannot be imported")' >"$site/$2/__init__.py"
        printf 'Metadata-Version: 2.1\nName: %s\nVersion: %s\n' "$2" "$3" >"$site/$2-$3.dist-info/METADATA"
    done
}
for venv in bare old new; do
    python3 -m venv --without-pip $venv
done
has_package old torch 1.2.3
has_package new torch 4.5.6
has_package new onnxruntime_gpu 7.8
has_package new onnxruntime 7.9
rm -r new/lib/python3*/site-packages/onnxruntime-7.9.dist-info
for site in new/lib/python3*/site-packages; do
    echo onnxruntime >"$site/onnxruntime_gpu-7.8.dist-info/top_level.txt"
done
export OPJURY_PYTHON="$work/in/bare"

cat >opjury.yaml <<'END'
environments:
  - name: before
    python: old
  - name: after
    python: ./new/bin/python
  - name: gone
    python: /no/such/place
END

# ---- what is listed ----

run opjury targets
status_is 0 'listed: status'
out_has 'listed: the first that has it' 'torch 1.2.3: '
out_has 'listed: how to have that' "runs in: $work/in/old/bin/python: --target torch"
out_has 'listed: the others' "also in: $work/in/new/bin/python, version 4.5.6: --target torch@after"
out_has 'listed: a package of another name' 'onnxruntime 7.8: '
out_has 'listed: fuzz runs what is configured' 'fuzz runs: torch'
run opjury targets --json
passes 'listed: json' python3 -c '
import json, sys
kinds = {k["name"]: k for k in json.load(open(sys.argv[1]))["targets"]}
torch = kinds["torch"]
assert torch["installed"] and torch["environment"] == "before" and torch["version"] == "1.2.3", torch
assert [(p["environment"], p["version"]) for p in torch["also"]] == [("after", "4.5.6")], torch
' "$work/out"
run opjury targets --python old --python new
out_has 'several --python: the first' 'in/old/bin/python: ImportError'
out_has 'several --python: the second' 'also in: new/bin/python, version 4.5.6: --target torch@after'
run opjury targets --config none --python bare
out_has 'none: not usable' 'not usable: torch is not installed for bare/bin/python'

# ---- what runs ----

run opjury targets --support torch
status_is 2 'a plain name: its import is tried'
err_has 'a plain name: said where' "torch is not in $work/in/bare/bin/python: it runs in before, $work/in/old/bin/python"
err_has 'a plain name: that one' 'cannot be imported'
run opjury targets --support torch --python bare
err_has '--python: nowhere else' 'torch is not installed for bare/bin/python'
run opjury targets --support torch@gone
status_is 2 'a place that is not there: status'
err_has 'a place that is not there: named' 'environment gone of '
run opjury targets --support torch@nobody
status_is 2 'no such name: status'
err_has 'no such name: where it was looked for' "nor an environment of the configuration $work/in/opjury.yaml"

# A name of one's own runs, also when a folder says it; a path does not.
run opjury fuzz --tests 3 --target selftest:raise@before --out named
status_is 1 'a name: runs'
run opjury reduce 1 --out named
status_is 0 'a name in a finding: runs'
run opjury reduce 1 --out named --config none
status_is 2 'a name that is not configured: status'
err_has 'a name that is not configured: not run' 'not run unasked'
run opjury fuzz --tests 3 --target selftest:raise@./old --out path
status_is 1 'a path: runs'
run opjury reduce 1 --out path
err_has 'a path in a finding: not run' 'add --python ./old'

# ---- where the file is, and what is wrong with it ----

mkdir -p elsewhere "$HOME/.config/opjury"
sed 's/before/of_home/; s, old$,'" $work/in/old," opjury.yaml >"$HOME/.config/opjury/config.yaml"
cd elsewhere || exit 2
run opjury targets --support selftest:echo@of_home
err_has 'of the home folder' 'runs in this process'
run env OPJURY_CONFIG=../opjury.yaml "$OPJURY" targets --support selftest:echo@before
err_has 'of the environment' 'runs in this process'
run env OPJURY_CONFIG=../opjury.yaml "$OPJURY" targets --config none --support selftest:echo@before
status_is 2 '--config goes before that: status'
err_has '--config goes before that' "'before' is neither"
if [ "$(id -u)" = 0 ]; then
    cp ../opjury.yaml . && chown 12345 opjury.yaml
    run opjury targets
    status_is 2 'a file of somebody else: status'
    err_has 'a file of somebody else: not taken unasked' "another user's"
    run opjury targets --config opjury.yaml
    status_is 0 'a file of somebody else: taken when named'
fi

# wrong NAME SAYS: the configuration on standard input is refused so, on one line.
wrong() {
    cat >wrong.yaml
    run opjury targets --config wrong.yaml
    status_is 2 "$1: status"
    err_has "$1: said" "$2"
    passes "$1: one line" [ "$(wc -l <"$work/err")" = 1 ]
}
wrong 'an unknown key' 'wrong.yaml:3: Unexpected key: pyton' <<'END'
environments:
  - name: a
    pyton: b
END
wrong 'a name twice' "wrong.yaml:2: 'a' is named twice" <<'END'
environments:
  - {name: a, python: b}
  - {name: a, python: c}
END
wrong 'a name with a colon' "holds no blank, ':'" <<'END'
environments: [{name: "a:b", python: b}]
END
wrong 'no YAML' 'wrong.yaml:1: ' <<'END'
environments: [
END
wrong 'a dtype' "no dtype 'f31'" <<'END'
commands:
  - {name: a, dtypes: [f32, f31]}
END
wrong 'an operator' "no operator 'frob'" <<'END'
commands:
  - {name: a, ops: [relu, frob]}
END
run opjury targets --config nowhere.yaml
status_is 2 'a file that is not there: status'
err_has 'a file that is not there: named' 'nowhere.yaml'
: >empty.yaml
run opjury targets --config empty.yaml
status_is 0 'an empty file: none'

done_testing
