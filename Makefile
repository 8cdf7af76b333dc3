# Every target sets up what is missing (tools/env) and then does its work.
ENV = tools/env
OUT = out
# SLOW=0 leaves out the tests marked slow; WORKERS processes share them; PYTEST passes further options.
QUICK = $(if $(filter 0,$(SLOW)),-m "not slow")
WORKERS = 2
SHARED = -n $(WORKERS) --dist worksteal
CACHE = $${CHIPSIM_CACHE:-$${XDG_CACHE_HOME:-$$HOME/.cache}/chipsim}

.DEFAULT_GOAL := help
.PHONY: help demo lab test test-next lint format verify bench bench-growth doctor clean purge

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 20

demo: ## run the published Cluster-Chip; open out/report.html afterwards
	$(ENV) chipsim run geometries/published/cluster_chip_2015.toml -o $(OUT)/

# LAB="--port 9000": options of JupyterLab. It runs as root too, and opens no browser, as there may be none.
LAB =
lab: ## the notebooks in JupyterLab, at the address that it prints
	cd notebooks && ../$(ENV) jupyter lab --no-browser $(if $(filter 0,$(shell id -u)),--allow-root) $(LAB)

test: ## all tests (SLOW=0: only the quick ones)
	$(ENV) python3 -m pytest $(SHARED) $(QUICK) $(PYTEST)

test-next: ## all tests on DOLFINx 0.11, in a Debian sid root
	$(ENV) --suite sid python3 -m pytest $(SHARED) $(QUICK) $(PYTEST)

lint: ## ruff and mypy
	$(ENV) ruff check .
	$(ENV) ruff format --check .
	$(ENV) mypy geometries chipsim

format: ## rewrite the Python files as ruff wants them
	$(ENV) ruff check --fix .
	$(ENV) ruff format .

verify: ## the page of verification, all cases: VERIFICATION.md, and the same as HTML and JSON in out/
	$(ENV) chipsim verify --slow -o $(OUT)/
	cp $(OUT)/verification.md VERIFICATION.md

CASES = all
bench: ## chipsim beside NGSolve, scikit-fem, DOLFINx's demo, FreeFEM and OpenFOAM (CASES=targets, CASES=quick: less)
	$(ENV) python3 -m benchmarks --cases $(CASES)

bench-growth: ## how chipsim grows with size and ranks, beside the memory bandwidth
	$(ENV) python3 -m benchmarks.growth

doctor: ## what is there, which versions, what to do about what is missing
	$(ENV) chipsim doctor

clean: ## remove results and tool caches from this checkout
	rm -rf $(OUT) build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

purge: clean ## also remove the private Debian roots, venvs and stored solutions
	rm -rf --one-file-system "$(CACHE)"
