# make run    serve on http://127.0.0.1:8000
# make test   everything; skips, with its reason, what this machine lacks
# make lint   ruff and mypy; make format mends what ruff can
# make bench  this server and its peers, in turn; about twelve minutes
# make faults kills, cuts, full and locked disks, at full length; about four minutes
# make conformance  the Autobahn suite, where Python 2.7 is found

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: run test lint format bench faults conformance clean

run: $(VENV)/run.stamp
	$(BIN)/gunicorn -k gevent app:app

test: $(VENV)/dev.stamp
	$(BIN)/python -m pytest $(PYTEST)

lint: $(VENV)/dev.stamp
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy chat

format: $(VENV)/dev.stamp
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/run.stamp
	$(BIN)/python -m bench $(BENCH)
	$(BIN)/python -m bench.history

faults: $(VENV)/dev.stamp
	$(BIN)/python -m tests.faults

conformance: $(VENV)/run.stamp
	$(BIN)/python tests/conformance/run.py

clean:
	rm -rf $(VENV) .venv-conformance build bench/.peers tests/js/node_modules

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/run.stamp: requirements.txt | $(BIN)/python
	$(BIN)/pip install -q --disable-pip-version-check -r requirements.txt
	touch $@

$(VENV)/dev.stamp: requirements.txt requirements-dev.txt $(VENV)/run.stamp
	$(BIN)/pip install -q --disable-pip-version-check -r requirements-dev.txt
	touch $@
