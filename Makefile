# Two commands matter: `make demo` and `make test`. Each sets up .venv by itself.
# Needs Python 3.11 or newer and make; on Debian and Ubuntu, missing system packages
# (python3-venv, chromium, a Chinese font, mosquitto, PostgreSQL) are installed when run
# as root.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
WORK   ?= work
TOOLS  := $(WORK)/security
PROOFS  = $(abspath $(WORK))/reliability

.DEFAULT_GOAL := help
.PHONY: help demo real evaluate settings test quick lint format bench clean browser broker
.PHONY: database axe fuzz reliability timer sbom audit

help: ## Show this list.
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

demo: $(READY) ## Simulate a district in Guangxi, watch it for half a year, score it.
	$(BIN)/agroforest demo --work $(WORK)/demo

real: $(READY) ## Run two years of real nights and print the README's table.
	$(BIN)/python benchmarks/real_nights.py --work $(WORK)/real

evaluate: $(READY) ## Measure every model on labelled data and bring docs/models.md up to date.
	$(BIN)/python benchmarks/evaluate.py --write docs/models.md \
		--readme README.md README.zh.md --json $(WORK)/evaluate.json
	$(BIN)/python benchmarks/fire_scars.py --write docs/fire-scars.md
	$(BIN)/python benchmarks/cubes.py --write docs/models.md
	$(BIN)/python benchmarks/evidence.py --write docs/models.md
	$(BIN)/python benchmarks/fewer_bands.py --write docs/models.md

settings: $(READY) ## Measure what choosing settings of the models on their answers is worth (an hour).
	$(BIN)/python benchmarks/settings.py --write docs/models.md

test: $(READY) browser axe broker database timer lint ## Everything CI runs.
	rm -rf $(PROOFS)
	AGROFOREST_RELIABILITY=$(PROOFS) $(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder
	$(BIN)/python -m agroforest.testing.reliability $(PROOFS) docs/reliability.md --check

reliability: $(READY) browser broker database timer ## Do everything harmful again, and write docs/reliability.md.
	rm -rf $(PROOFS)
	AGROFOREST_RELIABILITY=$(PROOFS) $(BIN)/pytest -n 2 --dist loadfile \
	  $$(grep -rlE 'reliability import record|proving import' tests --include='test_*.py')
	$(BIN)/python -m agroforest.testing.reliability $(PROOFS) docs/reliability.md

quick: $(READY) ## Tests that take less than five seconds each.
	$(BIN)/pytest -n 2 --dist loadfile -m "not slow and not browser"

lint: $(READY) ## Style, types and the walls between rooms.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(READY) ## Let ruff rewrite what it can.
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(READY) ## Measure against what one would run instead.
	$(BIN)/python benchmarks/index_maps.py --work $(WORK)/bench --json $(WORK)/bench/index_maps.json
	$(BIN)/python benchmarks/workers.py --work $(WORK)/bench --json $(WORK)/bench/workers.json
	$(BIN)/python benchmarks/series.py --json $(WORK)/bench/series.json
	$(BIN)/python benchmarks/zonal.py --work $(WORK)/bench --json $(WORK)/bench/zonal.json
	$(BIN)/python benchmarks/tile_state.py --json $(WORK)/bench/tile_state.json
	$(BIN)/python benchmarks/inference.py --json $(WORK)/bench/inference.json
	$(BIN)/python benchmarks/fire_weather.py
	$(BIN)/python benchmarks/hotspots.py
	$(BIN)/python benchmarks/water.py
	$(BIN)/python benchmarks/uplinks.py

# Seconds a target, of some thirty; as many at a time as there are processors.
FUZZ_SECONDS ?= 300
fuzz: $(READY) ## Change what readers are given for five minutes each; ask the API odd things.
	$(BIN)/python -m tests.fuzz.run --seconds $(FUZZ_SECONDS) --findings $(WORK)/fuzz
	AGROFOREST_FUZZ=7200 $(BIN)/pytest tests/web/api/test_fuzz.py -o log_cli=true

sbom: $(READY) $(TOOLS)/.ready ## List every installed package (CycloneDX) in work/sbom.cdx.json.
	$(TOOLS)/bin/cyclonedx-py environment --validate --of JSON --sv 1.6 \
	  --pyproject pyproject.toml -o $(WORK)/sbom.cdx.json $(BIN)/python

audit: $(READY) $(TOOLS)/.ready ## Look installed packages up among known vulnerabilities.
	$(BIN)/python tests/security/audit.py $(TOOLS)/bin/pip-audit $(BIN)/python

# In an environment of their own: they are no part of what they list.
$(TOOLS)/.ready:
	$(PYTHON) -m venv $(TOOLS)
	$(TOOLS)/bin/python -m pip install --quiet 'cyclonedx-bom==7.5.0' 'pip-audit==2.10.1'
	@touch $@

clean: ## Remove the environment and everything computed.
	rm -rf $(VENV) $(WORK) .mypy_cache .pytest_cache .ruff_cache .import_linter_cache

# torch comes first and alone: its CPU build then satisfies everything after it.
$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python 3.11 or newer is needed: make PYTHON=python3.11"; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) \
	  || { $(call install,python3-venv) && rm -rf $(VENV) && $(PYTHON) -m venv $(VENV); }
	$(BIN)/python -m pip install --quiet 'torch==2.13.0'
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[risk,iot,web,notify,bulletin,demo,dev]'
	@touch $@

browser:
	@{ command -v chromium && fc-list | grep -q 'Noto Sans CJK SC'; } >/dev/null 2>&1 \
	  || $(call install,chromium fontconfig fonts-noto-cjk) \
	  || echo "no chromium or font: its tests will be skipped (they fail with CI=true)"

# Judges pages for people without eyes or mouse. One release: its rules change.
AXE := axe-core-4.11.0
axe:
	@test -s work/axe.min.js || { command -v npm >/dev/null || $(call install,npm); \
	  mkdir -p work && cd work && npm pack --silent axe-core@$(AXE:axe-core-%=%) >/dev/null \
	  && tar -xzf $(AXE).tgz --strip-components=1 package/axe.min.js && rm $(AXE).tgz; } \
	  || echo "no axe-core: its tests will be skipped (they fail with CI=true)"

broker:
	@PATH="$$PATH:/usr/sbin"; command -v mosquitto >/dev/null || $(call install,mosquitto) \
	  || echo "no mosquitto: tests with a broker will be skipped (they fail with CI=true)"

timer:
	@command -v systemd-analyze >/dev/null || $(call install,systemd) \
	  || echo "no systemd-analyze: its tests will be skipped (they fail with CI=true)"

database:
	@ls /usr/share/postgresql/*/extension/postgis.control >/dev/null 2>&1 \
	  || $(call install,postgresql postgresql-postgis) \
	  || echo "no PostgreSQL: its tests will be skipped (they fail with CI=true)"

install = { test "$$(id -u)" = 0 && command -v apt-get >/dev/null \
  && apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $(1) >/dev/null; }
