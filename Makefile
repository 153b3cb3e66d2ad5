# make run    serve on http://127.0.0.1:8000
# make test   everything, several at a time; skips, with its reason, what this machine lacks
# make quick  the tests that need no other process: less than half a minute
# make lint   ruff and mypy, and tsc for the page's script, which npm brings; make format mends what ruff can
# make bundle  the page's modules as one script, static/js/bundle/app.js, and the widget's, static/js/chat-widget.js; after each change of static/js
# make clients  the types of clients, clients/chat.d.ts and chat_types.py; after each change of an event or of the API
# make bench  this server and its peers, in turn; about three quarters of an hour
# make bench-growth  what grows with all that is stored, to 10^6 messages; GROWTH=--largest has 5*10^6; some twenty minutes
# make bench-workers  what a second worker brings, and what the bus costs; needs redis-server and postgresql
# make faults kills, cuts, full and locked disks, workers and a bus that die, at full length; about twenty minutes
# make soak   a thousand clients that come and go for an hour: what two workers hold then; SOAK="--seconds 180" is shorter
# make two-workers  the tests of the page, against two workers behind nginx; some minutes
# make class  a lesson's chat for the class, on this machine's address in the network; CLASS="--port 8080" has its arguments
# make wheelhouse  what requirements.txt names, in a folder to install from without Internet; WHEELS="--platform ..." for other machines
# make shop   examples/shop, a site with the chat in it
# make lock   pins what requirements*.in name, with hashes; needs uv
# make conformance  the Autobahn suite, where Python 2.7 is found

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
JS := tests/js/node_modules/.package-lock.json
DOCUMENTS := tests/js/documents/node_modules/.package-lock.json

# Where the environment forbids it, each process of the tests would compile all of them again: 15 s of 18.
export PYTHONDONTWRITEBYTECODE =

.PHONY: run test quick lint format bundle clients bench bench-growth bench-workers faults soak two-workers conformance shop class wheelhouse lock clean

run: $(VENV)/run.stamp
	$(BIN)/gunicorn -k gevent app:app

test: $(VENV)/dev.stamp $(if $(shell command -v npm),$(JS) $(DOCUMENTS))
	$(BIN)/python -m pytest -m alone $(PYTEST)
	$(BIN)/python -m pytest -n auto --dist worksteal -m "not alone" $(PYTEST)

quick: $(VENV)/dev.stamp
	$(BIN)/python -m pytest -n auto --dist worksteal --quick -p no:schemathesis $(PYTEST)

lint: $(VENV)/dev.stamp $(JS)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy chat
	tests/js/node_modules/.bin/tsc -p tests/js

format: $(VENV)/dev.stamp
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# Beside the old one first, so that a failure leaves that as it was.
bundle: $(JS)
	mkdir -p static/js/bundle
	cd tests/js && npm run --silent bundle >../../static/js/bundle/app.js.new
	mv static/js/bundle/app.js.new static/js/bundle/app.js
	cd tests/js && npm run --silent bundle-widget -- ../../static/js

clients: $(VENV)/run.stamp
	$(BIN)/python -m clients.generate

bench: $(VENV)/run.stamp
	$(BIN)/python -m bench $(BENCH)
	$(BIN)/python -m bench.history
	$(BIN)/python -m bench.floods

bench-growth: $(VENV)/dev.stamp
	$(BIN)/python -m bench.growth $(GROWTH)

bench-workers: $(VENV)/dev.stamp
	$(BIN)/python -m bench.workers

faults: $(VENV)/dev.stamp
	$(BIN)/python -m tests.faults

soak: $(VENV)/dev.stamp
	$(BIN)/python -m tests.faults.soak $(SOAK)

two-workers: $(VENV)/dev.stamp
	TEST_TWO_WORKERS=1 $(BIN)/python -m pytest -n auto --dist worksteal tests/browser $(PYTEST)

shop: $(VENV)/dev.stamp
	cd examples/shop && PYTHONPATH=$(CURDIR) $(CURDIR)/$(BIN)/flask --app shop chat run

class: $(VENV)/run.stamp
	$(BIN)/python -m chat.classroom $(CLASS)

wheelhouse: | $(BIN)/python
	$(BIN)/pip download -q -r requirements.txt -d wheelhouse $(WHEELS)

conformance: $(VENV)/run.stamp
	$(BIN)/python tests/conformance/run.py

# The versions stay where they are; to raise one, change its line in the .in file first.
LOCK := uv pip compile --quiet --generate-hashes --universal --python-version 3.11 --no-emit-index-url \
	--custom-compile-command "make lock"

lock:
	$(LOCK) requirements.in -o requirements.txt
	$(LOCK) requirements-dev.in -c requirements.txt -o requirements-dev.txt

clean:
	rm -rf $(VENV) tests/js/node_modules tests/js/documents/node_modules .venv-conformance build bench/.peers

%/node_modules/.package-lock.json: %/package-lock.json
	cd $* && npm ci --silent --no-audit --no-fund
	touch $@

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/run.stamp: requirements.txt | $(BIN)/python
	$(BIN)/pip install -q --disable-pip-version-check -r requirements.txt
	touch $@

$(VENV)/dev.stamp: requirements.txt requirements-dev.txt $(VENV)/run.stamp
	$(BIN)/pip install -q --disable-pip-version-check -r requirements-dev.txt
	touch $@
