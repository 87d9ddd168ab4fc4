# Everything runs in .venv, made from requirements.lock by uv (which pip brings). No server, no weights.
PYTHON ?= python3.11
VENV   ?= .venv
BIN     = $(VENV)/bin
WORKSPACE ?= workspace

.PHONY: run test check bench install install-train lock format clean

run: install          ## install, build the sample documents into an embedded graph, open the app
	$(BIN)/kgbuilder init --workspace $(WORKSPACE) --if-missing
	$(BIN)/kgbuilder build examples/zh examples/en --workspace $(WORKSPACE)
	$(BIN)/kgbuilder app --workspace $(WORKSPACE)

test: install install-train   ## install, run every test; MindSpore is installed too, 4 GB
	$(BIN)/python -m pytest -n 2 --dist loadgroup tests

check: install        ## format, lint, types, fast tests: under a minute
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -n 2 --dist loadgroup -q -m "not slow and not server and not browser" tests

bench: install        ## the benchmarks; each prints machine, commit, median and spread
	$(BIN)/python -m bench

install: $(VENV)/.installed

install-train: .venv-train/.installed   ## MindSpore and MindFormers too, in an environment of its own: 4 GB

$(VENV)/.installed: requirements.lock pyproject.toml
.venv-train/.installed: requirements-all.lock pyproject.toml
$(VENV)/.installed .venv-train/.installed:
	$(PYTHON) -m venv --clear $(@D)
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check uv
	$(@D)/bin/uv pip sync --quiet --require-hashes --python $(@D)/bin/python $<
	$(@D)/bin/uv pip install --quiet --python $(@D)/bin/python --offline --no-deps --no-build-isolation --editable .
	touch $@

format: install       ## rewrite the code in the project's format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock:                 ## resolve all extras together, as far as MindSpore runs, then what `make install` installs
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header \
		--all-extras --group build pyproject.toml -o requirements-all.lock
	$(BIN)/uv pip compile --no-config --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header \
		--extra app --extra dev --group build -c requirements-all.lock pyproject.toml -o requirements.lock

clean:
	rm -rf $(VENV) .venv-train .pytest_cache .mypy_cache .ruff_cache
