# SPDX-License-Identifier: Apache-2.0
# jax and jax:jit: every op and dtype against the reference, a campaign, scripts that run where jax alone is installed.
. "${0%/*}/../cli/harness.sh"

jax=$root/.venv-jax
if ! "$jax/bin/python" -c 'import jax' 2>/dev/null; then
    echo '1..0 # SKIP jax is not installed (scripts/setup jax)'
    exit 0
fi
python="$jax/bin/python"
targets='--target jax --target jax:jit --target jax:jit,opt=0,skip=algsimp'

# Each op on each dtype, as one function and call by call.
passes 'every op and dtype' env OPJURY_PYTHON="$jax" "$root/build/tests/outside/agree_tool" 5 \
    "$root/tests/outside/defects.yaml" -t jax:jit
passes 'some ops call by call' env OPJURY_PYTHON="$jax" "$root/build/tests/outside/agree_tool" 5 \
    "$root/tests/outside/defects.yaml" -t jax -t jax:disable_jit=on add gemm sort gather_nd scatter_elements layer_norm

# shellcheck disable=SC2086 # a list
run opjury fuzz --python "$jax" $targets --tests 60 --seed 5 --json --out campaign
passes 'campaign: most runs pass, none is not exercised' "$python" -c '
import json, sys
o = json.load(open(sys.argv[1]))["verdicts"]
assert o["pass"] > 100 and o["not_exercised"] == 0, o
' "$work/out"

# A device that this machine lacks is said in a line.
printf '%s\n' 'x: f32[2] = input' 'y: f32[2] = neg(x)' 'output y' >neg.txt
if ! "$python" -c 'import jax; jax.devices("gpu")' 2>/dev/null; then
    run opjury run neg.txt --python "$jax" --target jax:device=gpu
    status_is 2 'no device: status'
    err_has 'no device: what is missing' 'jax:device=gpu: no device: jax'
fi

done_testing
