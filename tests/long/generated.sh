# SPDX-License-Identifier: Apache-2.0
# 10,000 generated models held against onnx and ONNX Runtime; `make test` checks 200.
cd "${0%/*}/../.." || exit 1
exec "${OPJURY_PYTHON:-.venv/bin/python}" tests/spell/check_generated.py build/opjury 10000
