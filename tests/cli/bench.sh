# SPDX-License-Identifier: Apache-2.0
# `opjury bench diversity`: the floors hold on a sample, and what would break each is seen.
. "${0%/*}/harness.sh"

run opjury bench diversity --policy default --tests 12000 --json
status_is 0 'default: no op is rare, dims, sizes and outputs are as they should be'
passes 'one line with one object' grep -qxE '\{"diversity": \[\{"policy":"default",.*"floors_hold":true\}\]\}' "$work/out"

# below_floor NAME LINE PATTERN: the default with LINE in it fails, and the table says by what.
below_floor() {
    printf '%s\n' "$2" >policy
    run opjury bench diversity --policy policy --tests 1000
    status_is 1 "$1: status"
    passes "$1: named" grep -qE "$3" "$work/out"
}
below_floor 'an op that is rare' 'op.tan = 1' 'least frequent: 0\.[01][0-9] of the mean .*: tan '
below_floor 'dims that are 1' 'one_percent = 60' 'dims equal to 1 [2-9][0-9]\.'
below_floor 'tensors of a few elements' 'numel_max = 12' 'numel median [0-9] '
below_floor 'ops that tell nothing' 'op.size = 1000' 'constant outputs: [3-9][0-9]\..*'

# What a crash costs, of a library that needs no package and time enough for a signal.
run opjury bench crash --target selftest:leak --tests 2 --json
status_is 0 'crash: below its floor'
passes 'crash: one line with one object' grep -qE '^\{"crash": \[\{"target":"selftest:leak",.*"crashes":[12],.*"crash_cpu_ms":' "$work/out"
run opjury bench crash --target faulty:none
status_is 2 'crash of what runs in this process: status'
err_has 'crash of what runs in this process: said' 'faulty:none runs in this process'

# Their graphs are not ours to measure here.
for generator in mutate nnsmith; do
    printf 'generator = %s\n' "$generator" >policy
    for subject in diversity generator campaign; do
        run opjury bench "$subject" --policy policy --tests 10
        status_is 2 "$subject of $generator: status"
        err_has "$subject of $generator: said" "generator '$generator' is for \`opjury compare\`"
    done
done
done_testing
