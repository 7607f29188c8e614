# SPDX-License-Identifier: Apache-2.0
# All of it from a bare Debian 12: `make fuzz` finds bugs, `make test` checks opjury itself.
# How long the main job runs (OUT=DIR: where it writes), and anything else for `opjury fuzz`.
TIME ?= 60s
FUZZ_ARGS ?=

.PHONY: help build fuzz test test-all bench lint format report-assets verify-findings recall clean

help:
	@echo 'make build             the program: build/opjury'
	@echo 'make fuzz              set up everything and look for bugs for TIME=60s'
	@echo 'make test              check opjury (about 10 minutes on 2 cores); make test-all: longer'
	@echo 'make bench             speed and accuracy of opjury itself'
	@echo 'make lint              formatter and analysers; make format: apply the formatter'
	@echo 'make recall            search known bugs of released versions (up to hours: MINUTES=30 CPU time a campaign, SEEDS=5)'
	@echo 'make report-assets     fetch the chart library of `opjury report --html` and the schema of SARIF (make test does it, too)'
	@echo 'make verify-findings   run the reproducers under findings/ (ID=... for one, FROM=DIR: of a campaign)'

build:
	@scripts/setup build
	@scripts/build build

fuzz: build
	@scripts/fuzz --time $(TIME) $(if $(OUT),--out $(OUT)) $(FUZZ_ARGS)

test:
	@scripts/setup build test
	@scripts/report-assets --try
	@scripts/run-tests

# The other libraries, each in an environment of its own; what one cannot have is skipped.
test-all:
	@scripts/setup build test libraries
	@scripts/report-assets --try
	@scripts/run-tests --all

# The chart library of `opjury report --html`; the next build takes it in.
report-assets:
	@scripts/setup assets
	@scripts/report-assets

# SUBJECT=... for one of them; `build/opjury bench` lists them.
bench: build
	@scripts/bench $(SUBJECT)

lint:
	@scripts/setup build test lint
	@scripts/build build
	@scripts/lint

format:
	@scripts/setup lint
	@git ls-files '*.c' '*.h' | xargs clang-format-19 -i

verify-findings:
	@scripts/setup verify
	@scripts/verify-findings $(if $(FROM),--from '$(FROM)') $(ID)

# MINUTES=N of CPU time for each of SEEDS=N campaigns a version; BUG=... for one bug. It goes on where it was stopped.
recall: build
	@scripts/recall $(if $(MINUTES),--minutes $(MINUTES)) $(if $(SEEDS),--seeds $(SEEDS)) $(BUG)

clean:
	rm -rf build build-*
