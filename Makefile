# For a newcomer: `make demo`, `make test`, `make newest`. Everything they need they set up themselves.
export PATH := $(PATH):/usr/sbin
unexport PYTHONDONTWRITEBYTECODE # of a container: every process would compile the whole program again

.PHONY: demo test newest lint wheel deb sbom audit mutants campaign clean

demo:
	@tools/setup.sh run
	@.venv/bin/acquire demo $(DEMO)

test: lint
	@.venv/bin/python -m pytest -n 3 --dist worksteal $(TESTS) # on two cores: a third of the end-to-end tests' time is waiting

newest: # the quick tests once more, on the newest Python that can be had here
	@tools/setup.sh newest
	@.venv-newest/bin/python -m pytest -n 3 --dist worksteal -m "not slow" $(TESTS)

lint:
	@tools/setup.sh dev
	@.venv/bin/ruff check --quiet .
	@.venv/bin/ruff format --check --quiet .
	@.venv/bin/mypy --no-error-summary
	@.venv/bin/lint-imports --no-cache >/dev/null || .venv/bin/lint-imports --no-cache

# What people install, into dist/: docs/service.md.
wheel deb:
	@tools/setup.sh run
	@.venv/bin/python tools/package.py $@

# A bill of materials of what the service runs on, CycloneDX.
sbom:
	@tools/setup.sh supply
	@mkdir -p dist
	@.venv-supply/bin/cyclonedx-py requirements requirements/run.txt --pyproject pyproject.toml --output-reproducible \
		--of JSON -o dist/dosimetry-acquire.cdx.json

# Known faults of those packages. It asks PyPI's list of advisories over the network, and fails where that tells nothing; not part of CI.
audit:
	@tools/setup.sh supply
	@.venv-supply/bin/pip-audit --strict --requirement requirements/run.txt --no-deps --disable-pip

# Do the tests notice when one token of a grammar, the link or the engine is another? Takes minutes; not part of CI.
mutants:
	@tools/setup.sh dev
	@.venv/bin/python tools/mutants.py $(MODULES)

# Kills, freezes, restores, wipes, clock steps and disk errors, for as long as you like: make campaign SECONDS=7200 SEED=5
campaign:
	@tools/setup.sh dev
	@.venv/bin/python tests/e2e/campaign $(or $(SECONDS),3600) $(or $(SEED),random) $(HOUSES)

clean:
	@rm -rf .venv .venv-newest .venv-pylinac .venv-programs .venv-supply dist .mypy_cache .ruff_cache .pytest_cache .hypothesis build *.egg-info
