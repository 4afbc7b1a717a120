"""Operations: a typed function, and what its route says about it.

`@operation` reads the function's own signature: the parameter `body` is the request's record (required unless it may be
None), a parameter that the path names comes from the path, any other from the query, and the returned type is the
answer's record, or None for 204. `Tagged[Record]` says that the answer has an `ETag`, `Made[Record]` a `Location`. The
OpenAPI document is made from the same signature, so it cannot say otherwise.
"""

import inspect
import re
from collections.abc import Awaitable, Callable, Mapping
from types import NoneType
from typing import Any, Final, Literal, cast, get_args, get_origin

import msgspec

from revenge_core.actor import Actor
from revenge_core.entity import Entity
from revenge_core.errors import RevengeError
from revenge_core.limits.entities import Tier
from revenge_core.revenge import Revenge
from revenge_http.access import Access
from revenge_http.answers import LOCATION, Answer, Made, Tagged
from revenge_http.asgi import App, Receive, Scope, Send
from revenge_http.conditions import ETAG, asked_version, entity_tag, tagged_answer
from revenge_http.cookies import Jar
from revenge_http.decoding import BodyDecoder, check_media_type, read_body
from revenge_http.options import HttpOptions
from revenge_http.parameters import ParameterDecoder
from revenge_http.repeats import Repeats, idempotency_key, repeated
from revenge_http.uploads import Upload
from revenge_http.wire import Wire, encode

Method = Literal["DELETE", "GET", "PATCH", "POST", "PUT"]
Function = Callable[..., Awaitable[object]]


class Call(Entity):
    """One request, as a handler sees it: whom to ask, who asks, and where that is."""

    revenge: Revenge
    actor: Actor
    prefix: str
    """What stands before every path in an address that an answer gives; mostly nothing."""
    path: str
    query: str
    """As it was sent."""
    cookies: Jar
    """Those that a browser sent along, and those that the answer sets."""
    version: int | None = None
    """What `If-Match` asks for, of an operation on something that changes; None where any version will do."""


class Operation(Entity, kw_only=True):
    """One operation of the API: where it is, who may call it, what goes in and what comes out."""

    name: str
    """The `operationId`, unique and stable."""
    method: Method
    path: str
    access: Access
    function: Function
    body: type[Wire] | None
    body_required: bool
    uploads: bool
    """Whether the body is a form with a file in it, and no record."""
    streams: str | None
    """The media type of a file that the answer is, where it is one."""
    pours: tuple[str, ...]
    """Media types of an answer that is made while it is sent: it has no length and no version."""
    parameters: type[msgspec.Struct]
    answers: Mapping[int, type[Wire] | None]
    """What each status carries. The first is the one that a plain return value gets."""
    raises: tuple[type[RevengeError], ...]
    """Refusals of its own, besides those that follow from access, body and parameters."""
    stability: str
    versioned: bool
    """Whether it is about a resource with a version: `If-Match` is understood."""
    returns: type[Tagged[Wire] | Made[Wire]] | None
    """What the function wraps its record in, for a header."""
    tier: Tier | None
    """Which limit of throughput it counts against, besides the one for everything."""
    repeats: Repeats | None
    """What a request with an `Idempotency-Key` is answered that was done before."""

    def endpoint(self, revenge: Revenge, options: HttpOptions) -> App:
        """The operation as an application: it decodes, calls and encodes."""
        status, prefix, versioned, repeats = next(iter(self.answers)), options.path_prefix, self.versioned, self.repeats
        function, arguments = self.function, self._arguments(options)

        async def endpoint(scope: Scope, receive: Receive, send: Send) -> None:
            query: bytes = scope["query_string"]
            version = asked_version(scope) if versioned else None
            given = await arguments(scope, receive) if arguments else {}
            call = Call(
                revenge=revenge,
                actor=scope["user"],  # as it was judged when the last of the body was there
                prefix=prefix,
                path=scope["path"],
                query=query.decode("latin-1"),
                cookies=scope["cookies"],
                version=version,
            )
            key = None if repeats is None else idempotency_key(scope)
            if repeats is None or key is None:
                answer = _answer(await function(call, **given), status, call, scope)
            else:

                async def work() -> Answer:
                    return _answer(await function(call, **given), status, call, scope)

                attempt = revenge.idempotency.attempt(call.actor, self.name, key, encode(given))
                answer = await repeated(revenge.idempotency, attempt, repeats, work)
            await answer(scope, receive, send)

        return endpoint

    def _arguments(self, options: HttpOptions) -> Callable[[Scope, Receive], Awaitable[dict[str, Any]]] | None:
        """What reads the function's arguments from a request; None where it takes none."""
        decoder = BodyDecoder(self.body) if self.body else None
        names = self.parameters.__struct_fields__
        if decoder is None and not names and not self.uploads:
            return None
        parameters = ParameterDecoder(self.parameters)

        async def read(scope: Scope, receive: Receive) -> dict[str, Any]:
            found = parameters.decode(scope) if names else None
            arguments = {name: getattr(found, name) for name in names}
            if self.uploads:
                arguments["upload"] = Upload(scope, receive, options.body_timeout)
            if decoder is not None:
                raw = await read_body(receive, options.body_timeout)
                if raw or self.body_required:
                    check_media_type(scope)
                arguments["body"] = decoder.decode(raw) if raw or self.body_required else None
            return arguments

        return read


def operation(  # what an operation says about itself, by name
    method: Method,
    path: str,
    name: str,
    access: Access,
    *,
    status: int = 200,
    answers: Mapping[int, type[Wire] | None] | None = None,
    raises: tuple[type[RevengeError], ...] = (),
    stability: str = "stable",
    versioned: bool = False,
    tier: Tier | None = None,
    repeats: Repeats | None = None,
    streams: str | None = None,
    pours: tuple[str, ...] = (),
) -> Callable[[Function], Operation]:
    """Make an operation of a function.

    `status` is the success status where a record is returned. A function that returns an `Answer`, and so chooses the
    status itself, says in `answers` what each carries. `versioned` is implied by `Tagged`; a DELETE says it itself.
    """

    def made(function: Function) -> Operation:
        signature = inspect.signature(function, eval_str=True)
        _, *taken = signature.parameters.values()
        body = next((one.annotation for one in taken if one.name == "body"), None)
        optional = NoneType in get_args(body)
        returned = signature.return_annotation
        wrapper = get_origin(returned)
        record = get_args(returned)[0] if wrapper in _WRAPPERS else returned
        return Operation(
            name=name,
            method=method,
            path=path,
            access=access,
            function=function,
            body=get_args(body)[0] if optional else body,
            body_required=not optional,
            uploads=any(one.annotation is Upload for one in taken),
            streams=streams,
            pours=pours,
            parameters=_parameters(name, path, [one for one in taken if one.name not in {"body", "upload"}]),
            answers=answers or {status if record else 204: record},
            raises=raises,
            stability=stability,
            versioned=versioned or wrapper is Tagged,
            returns=wrapper if wrapper in _WRAPPERS else None,
            tier=tier,
            repeats=repeats,
        )

    return made


_WRAPPERS: Final = (Tagged, Made)


def _answer(result: object, status: int, call: Call, scope: Scope) -> Answer:
    """What a function returned, as it goes back."""
    if isinstance(result, Answer):
        return result
    if isinstance(result, Tagged):
        return tagged_answer(cast("Tagged[Wire]", result), status, scope, call.version)
    if isinstance(result, Made):
        made = cast("Made[Wire]", result)
        body = encode(made.record)
        tag = [] if made.version is None else [(ETAG, entity_tag(made.version, body))]
        return Answer(made.status, body, headers=[(LOCATION, (call.prefix + made.location).encode()), *tag])
    return Answer(status, b"" if result is None else encode(result))


def _parameters(name: str, path: str, taken: list[inspect.Parameter]) -> type[msgspec.Struct]:
    """A record of the path and query parameters. Path names are as in the contract, `sessionId` for `session_id`."""
    wire_names = {re.sub(r"(?<!^)(?=[A-Z])", "_", wire).lower(): wire for wire in re.findall(r"\{(\w+)\}", path)}
    fields = [
        (one.name, one.annotation)
        if one.default is inspect.Parameter.empty
        else (one.name, one.annotation, one.default)
        for one in taken
    ]
    return msgspec.defstruct(f"{name}Parameters", fields, rename=wire_names, frozen=True, kw_only=True)
