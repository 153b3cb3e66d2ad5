"""Owns the process that the tests' servers are forked from, which has imported what each of them would import.

A start of gunicorn costs one and a half seconds of processor time, nearly all of it imports, and the tests start some
hundreds. What runs after the fork is gunicorn's own `run`, with the environment, the folder, the arguments and the
output that a new process would have had. Each line of the input is an order in JSON, each line of the output its answer.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import sys

from gevent import monkey


def main() -> None:
    """Import what a server needs, and answer orders until nobody can give any."""
    import gunicorn.app.wsgiapp
    import gunicorn.workers.ggevent

    monkey.patch_all()  # as gunicorn's worker does, before it imports the app
    import chat  # noqa: F401

    _unpatch_until_asked()
    orders, answers = os.fdopen(os.dup(0), "rb", buffering=0), os.dup(1)
    gc.freeze()  # the children leave these pages shared
    while order := _line(orders.fileno()):
        told = json.loads(order)
        if "wait" in told:
            answer = _state(told["wait"])
        elif (pid := os.fork()) == 0:
            orders.close()
            os.close(answers)
            _become(told)
            gunicorn.app.wsgiapp.run()  # ends by SystemExit, as in a process of its own
            return
        else:
            answer = pid
        os.write(answers, json.dumps(answer).encode() + b"\n")


def _unpatch_until_asked() -> None:
    """Give the modules that gunicorn's master uses what they had, until its worker asks for gevent's.

    A master is not patched, and its worker patches once it is forked. What concerns threads stays: nothing that a
    master does waits for one.
    """
    ours = [
        (vars(sys.modules[name]), attribute, original)
        for name, saved in monkey.saved.items()
        if name in sys.modules and "thread" not in name
        for attribute, original in saved.items()
    ]
    gone = object()
    cooperative = [module.get(attribute, gone) for module, attribute, _ in ours]
    for module, attribute, original in ours:
        module[attribute] = original

    def patch_all() -> None:
        for (module, attribute, _), value in zip(ours, cooperative, strict=True):
            module[attribute] = value
            if value is gone:  # gevent takes away what it has nothing for, as select.epoll
                del module[attribute]

    monkey.patch_all = patch_all


def _line(fd: int) -> bytes:
    """Read one line with no buffer, as a child would have a copy of it."""
    line = b""
    while not line.endswith(b"\n"):
        if not (more := os.read(fd, 65_536)):
            return b""
        line += more
    return line


def _state(pid: int) -> int | None:
    """Return None of a child that runs, else its exit code, negative for a signal's number as subprocess has it."""
    found, status = os.waitpid(pid, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if found else None


def _become(told: dict[str, object]) -> None:
    """Take on what the order says of the new process."""
    output = os.open(str(told["log"]), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    null = os.open(os.devnull, os.O_RDONLY)
    for fd, target in ((null, 0), (output, 1), (output, 2)):
        os.dup2(fd, target)
    os.close(null)
    os.close(output)
    environment = told["env"]
    assert isinstance(environment, dict)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(str(told["cwd"]))
    # As `python -m gunicorn` has them: the folder first, then what PYTHONPATH adds.
    own = [str(told["cwd"]), *filter(None, environment.get("PYTHONPATH", "").split(os.pathsep))]
    sys.path[:] = own + [path for path in sys.path[1:] if path not in own]
    arguments = told["arguments"]
    assert isinstance(arguments, list)
    sys.argv[:] = [sys.modules["gunicorn"].__file__.replace("__init__", "__main__"), *arguments]  # type: ignore[union-attr]
    signal.signal(signal.SIGINT, signal.default_int_handler)


if __name__ == "__main__":
    main()
