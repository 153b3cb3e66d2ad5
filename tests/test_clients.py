"""The types of clients and the documents that they are made of, held against the tools of others."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from clients import chat_types
from tests.conftest import ROOT
from tests.npm import npm_package
from tests.web.conftest import Api, api_on_sqlite

assert api_on_sqlite  # a fixture
FOLDER = ROOT / "tests/js/documents"
PROGRAM = FOLDER / "every-endpoint.ts"
SECONDS = 120


@pytest.fixture(scope="module")
def openapi(api_on_sqlite: Api) -> Any:
    return api_on_sqlite.client.get("/api/openapi.json").json


@pytest.fixture(scope="module")
def asyncapi(api_on_sqlite: Api) -> Any:
    return api_on_sqlite.client.get("/api/asyncapi.json").json


def run(*command: Path | str, cwd: Path) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=SECONDS)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_typescript_program_uses_every_operation_and_no_other(openapi: Any) -> None:
    described = {(method, path) for path, methods in openapi["paths"].items() for method in methods}
    assert len(described) > 20, "need the operations for this to mean anything"
    used = re.findall(r'call\("(\w+)", "(/api/[^"]+)"', PROGRAM.read_text("utf-8"))
    assert {*used} == described, f"add a line to {PROGRAM.name} that uses it"


def test_the_program_compiles_strictly_and_both_generators_agree(openapi: Any, tmp_path: Path) -> None:
    generator = npm_package("openapi-typescript", FOLDER) / "bin/cli.js"
    compiler = npm_package("typescript") / "bin/tsc"
    (tmp_path / "openapi.json").write_text(json.dumps(openapi))
    for file in (PROGRAM, ROOT / "clients/chat.d.ts"):
        (tmp_path / file.name).write_text(file.read_text("utf-8"))
    run("node", generator, "openapi.json", "-o", "api.d.ts", cwd=tmp_path)
    strict = ("--strict", "--noUncheckedIndexedAccess", "--noEmit", "--target", "es2022", "--lib", "es2022,dom")
    run(
        compiler,
        *strict,
        "--module",
        "es2022",
        "--moduleResolution",
        "bundler",
        "--types",
        "",
        PROGRAM.name,
        cwd=tmp_path,
    )


def test_the_standard_s_own_parser_takes_the_asyncapi_document(asyncapi: Any, tmp_path: Path) -> None:
    npm_package("@asyncapi/parser", FOLDER)
    (tmp_path / "asyncapi.json").write_text(json.dumps(asyncapi))
    said = run("node", FOLDER / "parse-asyncapi.mjs", tmp_path / "asyncapi.json", cwd=FOLDER)
    assert said == f"{len(asyncapi['components']['messages'])} messages\n"


def test_the_types_for_python_ask_for_the_fields_that_the_documents_ask_for(openapi: Any, asyncapi: Any) -> None:
    schemas = openapi["components"]["schemas"] | asyncapi["components"]["schemas"]
    assert len(schemas) > 40, "need the types for this to mean anything"
    for name, schema in schemas.items():
        kind = getattr(chat_types, name)
        assert kind.__required_keys__ == {*schema.get("required", [])}, name
        assert kind.__required_keys__ | kind.__optional_keys__ == schema.get("properties", {}).keys(), name
