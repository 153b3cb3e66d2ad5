"""The OpenAPI document and the API are one: the same routes, the same shapes, and schemathesis agrees."""

from __future__ import annotations

import re
from typing import Any, get_type_hints

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import ignored_auth, negative_data_rejection, positive_data_acceptance
from schemathesis.openapi import from_wsgi

from chat.limits import Meter
from chat.web.api import VIEWS
from chat.web.openapi import PREFIX, path_of
from chat.web.operations import View
from tests.web.conftest import Api

EXAMPLES_EACH = 25
ASKED_ELSEWHERE = [positive_data_acceptance, ignored_auth]  # below, and in test_api_errors.py
# Fields with rules that JSON Schema cannot tell, and refusals that depend on what is stored.
BEYOND_A_SCHEMA = {
    "userId", "cursor", "password", "newPassword",
    "toUserId", "toUserIds", "everyone", "link", "message", "title",
    "displayName", "avatarUrl", "subtitle", "userIds", "image",
    "expiresIn", "seq", "upTo", "hiddenSeq",  # 4.0 is an integer to a schema
}  # fmt: skip
BY_WHAT_IS_STORED = {
    "name_taken", "wrong_password", "sign_in_needed", "not_signed_in", "rate_limited", "conflict", "not_found",
}  # fmt: skip
NEVER_DONE = {
    "change_password": 401,  # nobody guesses the old one
    "show_batch": 404,
    "dismiss_notification": 404,
    "end_session": 404,
    "show_conversation": 404,
}
WITHOUT_END = "stream_notifications"  # tests/test_event_stream.py reads it


@pytest.fixture(scope="module")
def document(api_on_sqlite: Api) -> Any:
    response = api_on_sqlite.client.get("/api/openapi.json")
    assert response.status_code == 200
    return response.json


def test_every_route_of_the_app_below_api_is_in_the_document_and_no_other(document: Any, api_on_sqlite: Api) -> None:
    routes = {
        (re.sub(r"<.*?>", "{}", str(rule)), method)
        for rule in api_on_sqlite.app.url_map.iter_rules()
        if str(rule).startswith(PREFIX)
        for method in (rule.methods or set()) - {"HEAD"}  # Flask adds this itself
    }
    described = {
        (re.sub(r"{.*?}", "{}", path), method.upper())
        for path, methods in document["paths"].items()
        for method in methods
    }
    assert routes == described
    assert len(routes) == len(VIEWS)


def test_the_document_says_where_each_token_goes_and_what_a_service_s_must_allow(document: Any) -> None:
    assert {scheme["scheme"] for scheme in document["components"]["securitySchemes"].values()} == {"bearer"}
    paths = document["paths"]
    assert paths["/api/session"]["post"]["security"] == []
    assert paths["/api/conversations"]["get"]["security"] == [{"token": []}]
    assert paths["/api/accounts"]["post"]["security"] == [{}, {"token": []}], "a token is of use, and not needed"
    assert paths["/api/notifications"]["post"]["security"] == [{"serviceToken": ["notify"]}]


def test_every_operation_but_six_asks_for_a_token(document: Any, api_on_sqlite: Api) -> None:
    """A view that has no parameter for whose token it is would be open to everybody."""
    public = {
        operation["operationId"]
        for methods in document["paths"].values()
        for operation in methods.values()
        if not operation["security"] or {} in operation["security"]
    }
    assert public == {"open_account", "open_session", "show_document", "show_events", "show_health", "show_limits"}
    for view in VIEWS:
        path = re.sub(r"{.*?}", "1", path_of(view.operation))
        answer = api_on_sqlite.client.open(path, method=view.operation.method)
        assert (answer.status_code == 401) is (view.__name__ not in public), path


def test_parameters_carry_their_bounds_and_defaults(document: Any) -> None:
    operation = document["paths"]["/api/conversations/{userId}/messages"]["get"]
    found = {parameter["name"]: parameter for parameter in operation["parameters"]}
    assert found.keys() == {"userId", "before", "after", "since", "limit"}
    assert found["since"]["schema"]["format"] == "date-time"
    assert (found["userId"]["in"], found["userId"]["required"]) == ("path", True)
    assert found["limit"]["schema"] == {"type": "integer", "minimum": 1, "maximum": 200, "default": 50}
    assert "default" not in found["before"]["schema"]


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.__name__)
def test_schemathesis_finds_no_answer_that_the_document_does_not_describe(
    api_on_sqlite: Api, view: View, mode: GenerationMode
) -> None:
    """Requests made of the document: proper ones are taken, improper ones refused as it says."""
    operation, name = view.operation, view.__name__
    if mode is GenerationMode.NEGATIVE and not {"body", "query"} & get_type_hints(view).keys():
        return  # nothing that could be wrong
    if name == WITHOUT_END:
        return
    api_on_sqlite.say(("alice", "bob", "hi"), ("bob", "alice", "안녕"), ("carol", "alice", "hi"))
    # These two stay with limits off: alice has made many changes in the tests before.
    api_on_sqlite.chat.profiles._changes, api_on_sqlite.chat.blocking._changes = Meter(0), Meter(0)
    schema = from_wsgi("/api/openapi.json", api_on_sqlite.app)
    tried = schema[path_of(operation)][operation.method]
    success = 204 if get_type_hints(view)["return"] is type(None) else operation.status
    seen: set[int] = set()

    @given(case=tried.as_strategy(generation_mode=mode))
    @settings(
        max_examples=EXAMPLES_EACH,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def try_it(case: Any) -> None:
        # Anew each time, since signing out ends a session.
        scope = operation.scope
        token = api_on_sqlite.service(scope) if scope else api_on_sqlite.header("alice")
        response = case.call(headers=token)
        too_large = (
            [negative_data_rejection] if response.status_code == 413 else []
        )  # to schemathesis that is no refusal
        case.validate_response(response, excluded_checks=[*ASKED_ELSEWHERE, *too_large])
        seen.add(response.status_code)
        if mode is GenerationMode.POSITIVE and response.status_code not in (success, operation.repeated_status):
            error = response.json()["error"]
            if error["code"] not in BY_WHAT_IS_STORED:
                assert response.status_code == 400
                assert error["field"].rpartition(".")[2] in BEYOND_A_SCHEMA

    try_it()
    done = NEVER_DONE.get(name, success)
    assert (done if mode is GenerationMode.POSITIVE else 400) in seen
