# SPDX-License-Identifier: Apache-2.0
# The checks of tests/outside in whole; `make test` runs a sample of each.
cd "${0%/*}/../.." || exit 1
python=${OPJURY_PYTHON:-.venv/bin/python}
tools=build/tests/outside
"$tools/range_tool" 10000000
"$tools/solve_tool" 5000
"$tools/agree_tool" 200 tests/outside/defects.yaml
"$python" tests/outside/check_gradients.py "$tools/gradient_tool" 200
"$python" tests/outside/check_opinfo.py "$tools/eval_tool" "$tools/gradient_tool" 1000000
"$python" tests/outside/check_numpy.py "$tools/expect_tool" 20 3000
