"""The documentation as pages: plain HTML made on the server, which needs no script, no network and no CDN."""

import json
import re
from collections.abc import Iterable
from html import escape
from typing import Any, Final

from revenge_core.errors import RevengeError

Json = dict[str, Any]

_SOURCES: Final = re.compile(r"\s*\((?:(?:decisions|rulings|ASVS|RFC)\b[^)]*)\)")
"""References to our own papers, which say nothing to a reader of the page."""


def docs_page(document: Json, prefix: str) -> bytes:
    """Every operation, by group."""
    title = document["info"]["title"]
    groups = [_group(tag, document) for tag in document["tags"]]
    return _page(
        f"{title} API",
        prefix,
        f"<h1>{escape(title)} API</h1>"
        f"<p>Version {escape(document['info']['version'])}. For machines: "
        f'<a href="{prefix}/api/openapi.json">openapi.json</a> and '
        f'<a href="{prefix}/api/openapi.yaml">openapi.yaml</a>.</p>'
        "<p>Sign in with <code>POST /api/v1/auth/login</code> and send the access token with every request: "
        "<code>Authorization: Bearer …</code>. Every error has one shape, <code>application/problem+json</code>, "
        f'and its <code>type</code> leads to a page such as <a href="{prefix}/problems/not_found">this one</a>.</p>'
        + "".join(groups),
    )


def meaning_of(error: type[RevengeError]) -> str:
    """The first paragraph of its documentation, without what only we can look up."""
    first = (error.__doc__ or "").split("\n\n")[0]
    return _SOURCES.sub("", first).replace("\n    ", " ").strip()


def problem_page(error: type[RevengeError], status: int, prefix: str) -> bytes:
    """What one error means."""
    return _page(
        error.code,
        prefix,
        f"<h1><code>{error.code}</code></h1><p>{escape(error.title)}.</p>"
        f"<table><tr><th>HTTP status</th><td>{status}</td></tr>"
        f"<tr><th>Meaning</th><td>{_prose(meaning_of(error))}</td></tr></table>"
        f'<p><a href="{prefix}/api/docs">All operations</a></p>',
    )


def _page(title: str, prefix: str, body: str) -> bytes:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<title>{escape(title)}</title><link rel="stylesheet" href="{prefix}/api/docs.css"></head>'
        f"<body><main>{body}</main></body></html>"
    ).encode()


def _group(tag: Json, document: Json) -> str:
    operations = [
        _operation(method, path, one, document["components"]["schemas"])
        for path, methods in document["paths"].items()
        for method, one in methods.items()
        if tag["name"] in one["tags"]
    ]
    return f"<h2>{escape(tag['name'])}</h2><p>{escape(tag['description'])}</p>{''.join(operations)}"


def _operation(method: str, path: str, one: Json, schemas: Json) -> str:
    asked = one["x-required-permission"] or ("a signed-in user" if one["security"] else "nothing")
    about = {"Asks for": asked, "Key scope": one["x-key-scope"], "Stability": one["x-stability"]}
    rows = (f"<tr><th>{name}</th><td>{escape(value)}</td></tr>" for name, value in about.items())
    parts = [f"<table>{''.join(rows)}</table>"]
    if parameters := one.get("parameters"):
        parts.append("<h4>Parameters</h4>" + _rows((p["name"], p["schema"], p["required"]) for p in parameters))
    if body := one.get("requestBody"):
        required = "" if body["required"] else ", which may be left out"
        parts.append(f"<h4>Body{required}</h4>" + _content(body["content"], schemas))
    for status, response in one["responses"].items():
        parts.append(f"<h4>{status}</h4><p>{_prose(response['description'])}</p>")
        if status.startswith("2"):
            parts.append(_content(response.get("content", {}), schemas))
    return (
        f'<details id="{one["operationId"]}"><summary><b>{method.upper()}</b> <code>{escape(path)}</code> '
        f"{_prose(one['summary'])}</summary>{''.join(parts)}</details>"
    )


def _content(content: Json, schemas: Json) -> str:
    """Records with their example; of a form its fields; of a file only what it is."""
    shown: list[str] = []
    for media_type, media in content.items():
        name = media["schema"].get("$ref", "").rpartition("/")[2]
        schema = schemas[name] if name else media["schema"]
        if not name:
            shown.append(f"<p><code>{escape(media_type)}</code></p>")
        required = set(schema.get("required", ()))
        if fields := schema.get("properties"):
            shown.append(_rows((field, one, field in required) for field, one in fields.items()))
        if "example" in media:
            shown.append(f"<pre>{escape(json.dumps(media['example'], indent=2, ensure_ascii=False))}</pre>")
    return "".join(shown)


def _rows(fields: Iterable[tuple[str, Json, bool]]) -> str:
    rows = (
        f"<tr><th><code>{escape(name)}</code></th><td>{escape(_type(schema))}</td>"
        f"<td>{'required' if required else ''}</td></tr>"
        for name, schema, required in fields
    )
    return f"<table>{''.join(rows)}</table>"


def _type(schema: Json) -> str:
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2])
    if "anyOf" in schema:
        return " or ".join(map(_type, schema["anyOf"]))
    if schema.get("type") == "array":
        return f"array of {_type(schema['items'])}"
    limits = [f"{word} {schema[key]}" for key, word in _LIMITS.items() if key in schema]
    return " ".join(filter(None, [schema.get("type", "anything"), schema.get("format"), *limits]))


_LIMITS: Final = {"minLength": "of at least", "maxLength": "of at most", "pattern": "like"}


def _prose(text: str) -> str:
    """Text with `code` in it."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))
