"""Hold requests and answers against an OpenAPI document."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml
from attrs import frozen
from jsonschema import Draft202012Validator, FormatChecker

from tests.services.server import Request, Response

ROOT = Path(__file__).resolve().parents[2]
CONTRACTS = ROOT / "docs" / "contracts"


@frozen
class Description:
    """An OpenAPI document."""

    document: Mapping[str, Any]

    @classmethod
    def read(cls, path: Path) -> "Description":
        return cls(yaml.safe_load(path.read_text(encoding="utf-8")))

    def checked(self, handle: Callable[[Request], Response]) -> Callable[[Request], Response]:
        """Return a handler that answers 599 to what the document does not allow, and never says what it does not."""

        def handler(request: Request) -> Response:
            try:
                operation = self.operation(request)
                self._request(operation, request)
            except AssertionError as error:
                return Response(599, {"wrong": str(error)})
            response = handle(request)
            self._response(operation, response)
            return response

        return handler

    def operation(self, request: Request) -> Mapping[str, Any]:
        # Paths without a variable come first. Source: OpenAPI 3.1, Paths Object.
        for template, item in sorted(self.document["paths"].items(), key=lambda pair: pair[0].count("{")):
            pattern = re.sub(r"\{[^}]+\}", "[^/]+", template)
            if re.fullmatch(pattern, request.path) and request.method.lower() in item:
                operation = dict(item[request.method.lower()])
                operation["parameters"] = [*item.get("parameters", ()), *operation.get("parameters", ())]
                return operation
        raise AssertionError(f"there is no {request.method} {request.path}")

    def _request(self, operation: Mapping[str, Any], request: Request) -> None:
        known = [self._resolved(parameter) for parameter in operation["parameters"]]
        assert request.query.keys() <= {one["name"] for one in known if one["in"] == "query"}, "an unknown parameter"
        for parameter in (one for one in known if one["in"] == "header"):
            value = request.headers.get(parameter["name"].lower())
            assert value is not None or not parameter.get("required"), f"{parameter['name']} is missing"
            self._valid(value, parameter["schema"])
        content = operation.get("requestBody", {}).get("content")
        if content is None:
            assert request.body is None, "a body that nobody asked for"
            return
        assert request.headers.get("content-type") == "application/json", "no JSON"
        self._valid(request.body, content["application/json"]["schema"])

    def _response(self, operation: Mapping[str, Any], response: Response) -> None:
        said = operation["responses"]
        names = (str(response.status), f"{response.status // 100}XX", "default")
        found = next((said[name] for name in names if name in said), None)
        assert found is not None, f"{response.status} is not described"
        content = self._resolved(found).get("content", {}).get("application/json")
        if content is not None and response.body is not None:
            self._valid(response.body, content["schema"])

    def _resolved(self, item: Mapping[str, Any]) -> Mapping[str, Any]:
        if "$ref" not in item:
            return item
        found: Any = self.document
        for step in item["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        return found  # type: ignore[no-any-return]

    def _valid(self, value: object, schema: Mapping[str, Any]) -> None:
        whole = {"components": self.document["components"], **schema}
        errors = [
            error.message for error in Draft202012Validator(whole, format_checker=FormatChecker()).iter_errors(value)
        ]
        assert not errors, "; ".join(errors)
