"""The OpenAPI 3.1 document, made from the operations: what is documented is what runs (decisions W10)."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec
from msgspec import UNSET

from revenge_core.errors import Forbidden, Invalid, RateLimited, RevengeError, Unauthenticated, VersionMismatch
from revenge_core.idempotency.errors import AlreadyDone, IdempotencyKeyInvalid, IdempotencyKeyReused, RequestInFlight
from revenge_core.secrets import Secret
from revenge_http.answers import Made, Tagged
from revenge_http.cookies import ACCESS
from revenge_http.errors import BodyTooLarge, ConditionMalformed, MediaTypeUnsupported
from revenge_http.examples import EXAMPLES
from revenge_http.operations import Operation
from revenge_http.options import HttpOptions
from revenge_http.parameters import is_list, is_verbatim
from revenge_http.problems import PROBLEM, Problem, status_of
from revenge_http.repeats import Repeats
from revenge_http.wire import Wire, encode

Json = dict[str, Any]

_REFERENCE: Final = "#/components/schemas/{name}"
_TAGS: Final = {
    "activity": "The audit log: who did what to what, when and from where",
    "apikeys": "What programs present instead of signing in",
    "auth": "Getting an account, signing in, staying signed in, signing out",
    "files": "Pictures of accounts",
    "health": "Probes for machines",
    "invitations": "Who may come in",
    "jobs": "Background work: what waits, runs, failed",
    "limits": "Who guessed wrong passwords too often",
    "queues": "Where jobs wait for their turn",
    "rbac": "Roles, groups, who holds which, and why somebody may do something or not",
    "schedules": "What is done again and again",
    "sessions": "Where one is signed in",
    "users": "Accounts",
    "workers": "Who does the jobs",
}


def document(operations: Sequence[Operation], options: HttpOptions) -> Json:
    """The whole document, as plain dictionaries."""
    records: set[type[Wire]] = {
        Problem,
        *(record for one in operations for record in (one.body, *one.answers.values()) if record),
    }
    ordered = sorted(records, key=lambda record: record.__name__)
    taken = [field.type for one in operations for field in msgspec.structs.fields(one.parameters)]
    _, schemas = msgspec.json.schema_components(
        [*ordered, *taken],
        schema_hook=_schema_of_secret,
        ref_template=_REFERENCE,
    )
    paths: dict[str, Json] = {}
    for one in operations:
        paths.setdefault(one.path, {})[one.method.lower()] = _operation(one, options)
    return {
        "openapi": "3.1.0",
        "info": {"title": options.server_name, "version": options.version, "description": "A self-hosted media server"},
        "servers": [{"url": options.public_url or options.path_prefix or "/"}],
        "tags": [{"name": name, "description": text} for name, text in _TAGS.items()],
        "security": [],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "bearerAuth": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
                "apiKeyAuth": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
                **(_COOKIE_SCHEMES if options.cookies else {}),
            },
        },
    }


def _operation(one: Operation, options: HttpOptions) -> Json:
    summary = (one.function.__doc__ or "").strip()
    described: Json = {
        "operationId": one.name,
        "tags": [tag_of(one)],
        "summary": summary,
        "security": _security(one, with_cookies=options.cookies is not None),
        "x-required-permission": one.access.permission.value if one.access.permission else None,
        "x-key-scope": one.access.key_scope(one.method),
        "x-stability": one.stability,
        "responses": _responses(one),
    }
    if parameters := [*_parameters(one), *_request_headers(one)]:
        described["parameters"] = parameters
    if one.body is not None:
        described["requestBody"] = {"required": one.body_required, "content": {"application/json": _content(one.body)}}
    if one.uploads:
        described["requestBody"] = {"required": True, "content": {"multipart/form-data": {"schema": _FORM}}}
    return described


_FILE: Final = {"type": "string", "format": "binary"}
_FORM: Final = {"type": "object", "required": ["file"], "properties": {"file": _FILE}}


def tag_of(one: Operation) -> str:
    """The group that the operation is shown in: the feature that its path names."""
    feature, _, rest = one.path.removeprefix("/api/v1/").partition("/")
    if feature == "admin":
        return rest.partition("/")[0]
    return feature or "health"


def _security(one: Operation, *, with_cookies: bool) -> list[Json]:
    by_cookie: Json = {"cookieAuth": []} if one.method == "GET" else {"cookieAuth": [], "csrfToken": []}
    cookies = [by_cookie] if with_cookies else []
    if one.access.is_public:
        return [{}, {"bearerAuth": []}, {"apiKeyAuth": []}, *cookies] if one.access.looks else []
    return [{"bearerAuth": []}, *([{"apiKeyAuth": []}] if one.access.keys else []), *cookies]


_COOKIE_SCHEMES: Final[Json] = {
    "cookieAuth": {"type": "apiKey", "in": "cookie", "name": ACCESS},
    "csrfToken": {"type": "apiKey", "in": "header", "name": "X-CSRF-Token"},
}
"""What a browser sends: the cookie by itself, and the value of another one where it changes something (R15)."""


def _responses(one: Operation) -> Json:
    responses: Json = {}
    for status, record in one.answers.items():
        content = {"content": {"application/json": _content(record)}} if record else {}
        files = one.pours or ((one.streams,) if one.streams else ())
        content = {"content": {kind: {"schema": _FILE} for kind in files}} if files else content
        responses[str(status)] = {"description": _described(record), **_headers(one), **content}
    if one.streams or (one.returns is Tagged and one.method == "GET"):
        responses["304"] = {"description": "What `If-None-Match` names is still what there is", **_headers(one)}
    by_status: dict[int, list[str]] = {}
    for error in dict.fromkeys((*one.raises, *_implied(one))):
        by_status.setdefault(status_of(error), []).append(error.code)
    for status, codes in sorted(by_status.items()):
        if str(status) not in responses:
            responses[str(status)] = _problem(", ".join(f"`{code}`" for code in codes))
    return responses | {"default": _problem("Any other problem, in the same shape")}


def _implied(one: Operation) -> Iterable[type[RevengeError]]:
    """Refusals that follow from what the operation takes and who may call it."""
    if one.body is not None or one.parameters.__struct_fields__:
        yield Invalid
    if one.uploads:
        yield Invalid
    if one.body is not None or one.uploads:
        yield from (BodyTooLarge, MediaTypeUnsupported)
    if not one.access.is_public:
        yield Unauthenticated
    if one.access.permission is not None:
        yield Forbidden
    if one.versioned:
        yield from (ConditionMalformed, VersionMismatch)
    if one.repeats is not None:
        yield from (IdempotencyKeyInvalid, RequestInFlight, IdempotencyKeyReused)
    if one.repeats is Repeats.LOCATION:
        yield AlreadyDone
    if one.tier is not None:
        yield RateLimited


def _headers(one: Operation) -> Json:
    """Headers of a successful answer, which say something that the record does not."""
    headers: Json = {}
    if one.returns is Tagged or one.streams:
        headers["ETag"] = _header("Names this state of it; send it as `If-None-Match` or `If-Match`")
    if one.returns is Made:
        headers["Location"] = _header("Where it is")
    if one.tier is not None:
        headers["RateLimit-Policy"] = _header("The limit: `q` requests in `w` seconds")
        headers["RateLimit"] = _header("What is left of it: `r` requests now, all of them in `t` seconds")
    return {"headers": headers} if headers else {}


def _header(description: str) -> Json:
    return {"description": description, "schema": {"type": "string"}}


def _request_headers(one: Operation) -> Iterable[Json]:
    """Headers that a request may carry, besides its credential."""
    if one.versioned:
        yield _request_header("If-Match", "An `ETag`: do it only if this is still what there is")
    if one.streams or (one.returns is Tagged and one.method == "GET"):
        yield _request_header("If-None-Match", "An `ETag`: answer 304 if this is still what there is")
    if one.repeats is not None:
        yield _request_header("Idempotency-Key", "1 to 255 visible ASCII characters: for a day, the same are done once")


def _request_header(name: str, description: str) -> Json:
    return {
        "name": name,
        "in": "header",
        "required": False,
        "description": description,
        "schema": {"type": "string"},
    }


def _problem(description: str) -> Json:
    return {"description": description, "content": {PROBLEM.decode(): _content(Problem)}}


def _content(record: type[Wire]) -> Json:
    reference = {"$ref": _REFERENCE.format(name=record.__name__)}
    return {"schema": reference, "example": msgspec.json.decode(encode(EXAMPLES[record]))}


def _described(record: type[Wire] | None) -> str:
    return (record.__doc__ or "").split("\n\n")[0].replace("\n    ", " ") if record else "Done"


def _parameters(one: Operation) -> list[Json]:
    return [
        {
            "name": field.encode_name,
            "in": "path" if f"{{{field.encode_name}}}" in one.path else "query",
            "required": field.required,
            "schema": _schema(field.type) | _default(field),
        }
        | ({"description": _HOW_MANY[is_verbatim(field.type)]} if is_list(field.type) else {})
        for field in msgspec.structs.fields(one.parameters)
    ]


def _schema(kind: Any) -> Json:  # noqa: ANN401 (a type of any form)
    (schema,), _ = msgspec.json.schema_components((kind,), ref_template=_REFERENCE)
    return schema


_HOW_MANY: Final = {
    False: "Repeat it for several values, or separate them by commas",
    True: "Repeat it for several values",
}


def _default(field: msgspec.structs.FieldInfo) -> Json:
    """What holds where it is left out, if that is a value."""
    if field.required or field.default is UNSET or field.default == ():
        return {}
    return {"default": msgspec.to_builtins(field.default)}


def _schema_of_secret(kind: type) -> Json:
    if kind is Secret:
        return {"type": "string", "format": "password"}
    raise NotImplementedError
