# Two commands do all the set-up: `make demo` and `make test`.
PYTHON ?= python3.11
# Processes that the tests are shared among, file by file: in their order, since the longest has few.
TEST_PROCESSES ?= 2
# A process that ends in the middle of a test ends the run: one in its place may wait for tests for ever.
IN_PROCESSES := --max-worker-restart 0 --durations 12
BIN := .venv/bin
INSTALLED := .venv/.installed

.PHONY: install demo serve test test-slow lint lock protos clean

install: $(INSTALLED)

# Everything the lock names, checked by hash, then this folder itself.
$(INSTALLED): requirements.lock setup.cfg pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	# Compiles the loops, once for every version.
	$(BIN)/python -c 'import serving.engine'
	touch $(INSTALLED)

demo: install
	$(BIN)/nextclick demo

serve: install
	test -d .demo/bundle || $(BIN)/nextclick demo
	$(BIN)/nextclick serve .demo/bundle --state .demo/demo-state

test: install
	$(BIN)/python -m pytest -n $(TEST_PROCESSES) --dist loadfile --no-loadscope-reorder $(IN_PROCESSES)

test-slow: install
	$(BIN)/python -m pytest -m slow -n 1 $(IN_PROCESSES) -o faulthandler_timeout=3600

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# Pins what setup.cfg asks for, with hashes.
lock:
	$(BIN)/python -m pip install --quiet pip-tools
	$(BIN)/pip-compile --quiet --all-extras --generate-hashes --allow-unsafe --strip-extras \
		--no-emit-index-url --no-emit-find-links --no-header --output-file requirements.lock setup.cfg

protos: install
	$(BIN)/python -m protos.generate

clean:
	rm -rf .venv .demo build *.egg-info .mypy_cache .ruff_cache .pytest_cache
