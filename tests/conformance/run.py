"""Run the Autobahn fuzzing client against our Connection: `make conformance`.

Finds Python 2.7, which the suite needs, installs the suite into build/conformance, serves
`echo_app.py` with gunicorn, runs the cases and prints what came of them. Exits 0 when no case failed
and every connection was closed cleanly, 1 when one was not, 2 when the suite could not be run.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "conformance"
REPORTS = BUILD / "reports"

SUITE = "autobahntestsuite==25.10.1"
VIRTUALENV = "virtualenv<20.22"  # the last that makes environments for Python 2.7

# 8 does not exist; 12 and 13 are about compression, which this server does not offer.
CASES = ["1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "9.*", "10.*"]
CASES_AT_LEAST = 300  # fewer reports mean that the suite stopped early

START_SECONDS = 20
INSTALL_SECONDS = 600
RUN_SECONDS = 1200  # it takes two minutes or three on an idle machine

VERDICTS = ("OK", "NON-STRICT", "INFORMATIONAL", "FAILED", "UNCLEAN")
BAD = {"FAILED", "UNCLEAN", "WRONG CODE", "FAILED BY CLIENT"}


def main() -> int:
    wstest = install()
    shutil.rmtree(REPORTS, ignore_errors=True)
    with echo_server() as port:
        run(wstest, f"ws://127.0.0.1:{port}")
    return report(json.loads((REPORTS / "index.json").read_text())["chat"])


# The suite, in an environment of its own.


def install() -> Path:
    """Make the Python 2.7 environment where it is missing; return its `wstest`."""
    environment = BUILD / "env"
    wstest = environment / "bin" / "wstest"
    done = environment / "installed"
    if done.exists() and done.read_text() == SUITE:
        return wstest
    python = find_python27()
    print(f"Installing {SUITE} for {python}", flush=True)
    shutil.rmtree(BUILD, ignore_errors=True)
    BUILD.mkdir(parents=True)
    call(python, "-m", "pip", "install", "-q", "--target", str(BUILD / "tool"), VIRTUALENV)
    # Its download of newer seeds needs more than a package index; what it brings is enough.
    tool = {"PYTHONPATH": str(BUILD / "tool")}
    call(python, "-m", "virtualenv", "-q", "--no-download", str(environment), **tool)
    call(str(environment / "bin" / "python"), "-m", "pip", "install", "-q", SUITE)
    done.write_text(SUITE)
    return wstest


def find_python27() -> str:
    """The first Python 2.7 that really runs and has pip, as a path."""
    seen = [os.environ["PYTHON27"]] if "PYTHON27" in os.environ else list(candidates())
    check = "import sys, pip; assert sys.version_info[:2] == (2, 7); print(sys.executable)"
    for candidate in seen:
        try:
            tried = subprocess.run([candidate, "-W", "ignore", "-c", check], capture_output=True, text=True, timeout=60)
        except OSError:
            continue
        if tried.returncode == 0:
            return tried.stdout.strip()
    return give_up(
        "The Autobahn suite needs Python 2.7 with pip, and none was found; tried: "
        f"{', '.join(seen)}.\nInstall one, or name it: PYTHON27=/path/to/python2.7 make conformance"
    )


def candidates() -> Iterator[str]:
    yield "python2.7"
    yield "python2"
    if shutil.which("pyenv"):  # its python2.7 on the PATH runs only where 2.7 is the chosen version
        listed = subprocess.run(["pyenv", "versions", "--bare"], capture_output=True, text=True)
        for version in listed.stdout.split():
            if version.startswith("2.7"):
                prefix = subprocess.run(["pyenv", "prefix", version], capture_output=True, text=True)
                yield f"{prefix.stdout.strip()}/bin/python"


def call(*command: str, **env: str) -> None:
    """Run an installing command; its output matters only when it fails."""
    env = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PYTHONWARNINGS": "ignore", **env}
    done = subprocess.run(
        command, env=env, timeout=INSTALL_SECONDS, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    if done.returncode:
        give_up(f"{done.stdout}\n{' '.join(command)}: exit code {done.returncode}")


# The server and the client.


@contextmanager
def echo_server() -> Iterator[int]:
    """Serve `echo_app` with gunicorn; give its port."""
    log = BUILD / "server.log"
    command = [sys.executable, "-m", "gunicorn", "-k", "gevent", "-b", "127.0.0.1:0"]
    with log.open("w") as output:
        server = subprocess.Popen([*command, "tests.conformance.echo_app:app"], cwd=ROOT, stdout=output, stderr=output)
    try:
        until = time.monotonic() + START_SECONDS
        while not (found := re.search(r"127\.0\.0\.1:(\d+)(?s:.)*Booting", log.read_text())):
            if server.poll() is not None or time.monotonic() > until:
                give_up(f"The echo server did not start:\n{log.read_text()}")
            time.sleep(0.05)
        yield int(found[1])
        if "Traceback" in log.read_text():
            give_up(f"The echo server logged an error; see {log.relative_to(ROOT)}.")
    finally:
        server.terminate()
        server.wait(15)


def run(wstest: Path, url: str) -> None:
    """Let the fuzzing client play all its cases, with a line of progress."""
    spec = BUILD / "spec.json"
    servers = [{"agent": "chat", "url": url}]
    spec.write_text(
        json.dumps(
            {"outdir": str(REPORTS), "servers": servers, "cases": CASES, "exclude-cases": [], "exclude-agent-cases": {}}
        )
    )
    client = subprocess.Popen(
        [str(wstest), "-m", "fuzzingclient", "-s", str(spec)],
        cwd=BUILD,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    overtime = threading.Timer(RUN_SECONDS, client.kill)
    overtime.start()
    assert client.stdout is not None
    lines = []
    for line in client.stdout:
        lines.append(line)
        if found := re.match(r"Running test case ID (\S+)", line):
            progress(f"case {found[1]}")
    code = client.wait()
    in_time = overtime.is_alive()
    overtime.cancel()
    progress("")
    if not in_time:
        give_up(f"The suite was not done after {RUN_SECONDS} s.")
    if code or not (REPORTS / "index.json").exists():
        give_up(f"{''.join(lines[-30:])}\nwstest: exit code {code}")


def progress(text: str) -> None:
    if sys.stdout.isatty():
        print(f"\r\033[K{text}", end="", flush=True)
    elif re.fullmatch(r"case \d+\.1(\.1)?", text):
        print(text, flush=True)


# What came of it.


def report(cases: dict[str, dict[str, str]]) -> int:
    """Print a table of `cases`, case number -> its two verdicts; return the exit code."""
    sections: dict[int, Counter[str]] = defaultdict(Counter)
    notable: dict[str, list[str]] = defaultdict(list)
    for number in sorted(cases, key=lambda n: [int(part) for part in n.split(".")]):
        verdict = worst(cases[number]["behavior"], cases[number]["behaviorClose"])
        sections[int(number.split(".")[0])][verdict] += 1
        if verdict != "OK":
            notable[verdict].append(number)
    print(f"{'section':>7}" + "".join(f"{name:>15}" for name in VERDICTS))
    for section, counts in sorted(sections.items()):
        print(f"{section:>7}" + "".join(f"{counts[name]:>15}" for name in VERDICTS))
    total = sum(sections.values(), Counter())
    print(f"{'all':>7}" + "".join(f"{total[name]:>15}" for name in VERDICTS))
    for verdict, numbers in notable.items():
        print(f"{verdict}: {', '.join(numbers)}")
    print(f"Every case with its frames: {REPORTS.relative_to(ROOT)}/index.html")
    if len(cases) < CASES_AT_LEAST:
        give_up(f"Only {len(cases)} cases were run; the suite has more than {CASES_AT_LEAST}.")
    return 1 if total["FAILED"] or total["UNCLEAN"] else 0


def worst(behavior: str, close: str) -> str:
    """One verdict of the suite's two: what it says of the case, and of how the connection ended."""
    if behavior in BAD:
        return "FAILED"
    if close in BAD:
        return "UNCLEAN" if close == "UNCLEAN" else "FAILED"
    # Where any close would do the suite calls it informational; the case itself is what counts then.
    return behavior if behavior in VERDICTS else "FAILED"


def give_up(reason: str) -> NoReturn:
    print(reason, file=sys.stderr)
    sys.exit(2)


if __name__ == "__main__":
    sys.exit(main())
