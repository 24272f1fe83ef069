"""`python -m cloud_bridge.contract [--check]`: writes docs/asyncapi.yaml, events.md and schemas/ from the types.

The types in edge/telemetry.py, edge/commands/messages.py and cloud_bridge/payloads.py are the contract; these files are
their picture, and a test fails when the picture is old.
"""

from __future__ import annotations

import ast
import inspect
import re
import sys
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import fields

from cloud_bridge import payloads
from cloud_bridge.topics import SESSION, WATERMARK, Lane, template
from edge import __version__, telemetry
from edge.cloud_asks import KINDS as ASKS
from edge.cloud_asks import Ask, Done, RefusedByCloud
from edge.commands.messages import KINDS, Command, CommandReply

DOCS = Path(__file__).parents[1] / "docs"
SCHEMA_DIALECT = "https://json-schema.org/draft/2020-12/schema"
BROKER = "broker"
TEXT = """What a shop's gateway tells its cloud, and what the cloud may ask of it. The page cloud.md beside this file
explains order, duplicates, gaps and the watermark. Made by `python -m cloud_bridge.contract`: don't edit."""
LEVELS = {
    "tenant": "Who runs the shops: `[gateway] tenant` of gateway.toml.",
    "store": "The shop.",
    "gateway": "The box: `[gateway] id`.",
}


def files() -> dict[str, str]:
    """Path under docs/ → text."""
    made = {f"schemas/{name}.json": _json(schema) for name, schema in schemas().items()}
    made["events.md"] = events_page()
    made["asyncapi.yaml"] = "\n".join(_yaml(asyncapi())) + "\n"
    return made


def schemas() -> dict[str, dict[str, Any]]:
    """Name of a schema → JSON Schema 2020-12, each standing alone."""
    made = {kind.TYPE: _schema(kind) for kind in telemetry.all_types()}
    made |= {f"command.{kind.NAME}": _schema(kind) for kind in KINDS}
    made["command.reply"] = _schema(CommandReply)
    made |= {f"request.{kind.NAME}": _schema(kind) for kind in ASKS}
    made |= {f"request.{kind.__struct_config__.tag}": _schema(kind) for kind in (Done, RefusedByCloud)}
    made["gateway.session"] = _schema(payloads.Birth)
    made["cloud.watermark"] = _schema(payloads.Watermark)
    made["envelope"] = _schema(payloads.Event)
    return made


def asyncapi() -> dict[str, Any]:
    """The AsyncAPI 3.0 document."""
    channels: dict[str, Any] = {}
    operations: dict[str, Any] = {}
    messages: dict[str, Any] = {}
    for kind in telemetry.all_types():
        _add_events(kind, channels, operations, messages)
    for command in KINDS:
        _add_command(command, channels, operations, messages)
    for ask in ASKS:
        _add_ask(ask, channels, operations, messages)
    _add_session(channels, operations, messages)
    levels = {name: {"description": text} for name, text in LEVELS.items()}
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "storegate", "version": __version__, "description": TEXT, "license": {"name": "Apache-2.0"}},
        "defaultContentType": payloads.JSON_TYPE,
        "servers": {BROKER: {"host": "broker.example:8883", "protocol": "mqtts", "protocolVersion": "5"}},
        "channels": channels,
        "operations": operations,
        "components": {"messages": messages, "parameters": levels},
    }


def _add_events(
    kind: type[telemetry.Telemetry], channels: dict[str, Any], operations: dict[str, Any], messages: dict[str, Any]
) -> None:
    name = _key(kind.TYPE)
    batch = {
        "type": "array",
        "minItems": 1,
        "maxItems": payloads.MAX_EVENTS,
        "items": {
            "allOf": [
                {"$ref": "schemas/envelope.json"},
                {"properties": {"type": {"const": f"storegate.{kind.TYPE}"}, "data": _ref(kind.TYPE)}},
            ]
        },
    }
    messages[name] = {
        "name": f"storegate.{kind.TYPE}",
        "summary": _text(kind),
        "contentType": payloads.CONTENT_TYPE,
        "description": f"While the outbox is full: {kind.KEPT.value} rows, see cloud.md.",
        "payload": {"schemaFormat": f"application/schema+json;version={SCHEMA_DIALECT}", "schema": batch},
    }
    for lane, what in (
        (Lane.EVENTS, "live"),
        (Lane.BACKLOG, "from before this connection, deflated where that is smaller"),
    ):
        channel = f"{name}_{lane}"
        channels[channel] = _channel(template(lane, kind.TYPE), [name], what)
        operations[f"send_{channel}"] = {"action": "send", "channel": {"$ref": f"#/channels/{channel}"}}


def _add_command(
    kind: type[Command], channels: dict[str, Any], operations: dict[str, Any], messages: dict[str, Any]
) -> None:
    name = _key(kind.NAME)
    messages[f"{name}_command"] = {
        "name": kind.NAME,
        "summary": _text(kind),
        "payload": _ref(f"command.{kind.NAME}"),
    }
    messages.setdefault(
        "command_reply",
        {
            "name": "reply",
            "summary": _text(CommandReply),
            "correlationId": {"location": "$message.header#/correlationData"},
            "payload": _ref("command.reply"),
        },
    )
    channels[f"{name}_cmd"] = _channel(template(Lane.COMMANDS, kind.NAME), [f"{name}_command"], "to one gateway")
    channels[f"{name}_rsp"] = _channel(template(Lane.ANSWERS, kind.NAME), ["command_reply"], "its answers")
    operations[f"receive_{name}"] = {
        "action": "receive",
        "channel": {"$ref": f"#/channels/{name}_cmd"},
        "reply": {
            "address": {"location": "$message.header#/responseTopic"},
            "channel": {"$ref": f"#/channels/{name}_rsp"},
        },
    }


def _add_ask(kind: type[Ask], channels: dict[str, Any], operations: dict[str, Any], messages: dict[str, Any]) -> None:
    name = _key(kind.NAME)
    correlation = {"location": "$message.header#/correlationData"}
    messages[f"{name}_request"] = {
        "name": kind.NAME,
        "summary": _text(kind),
        "correlationId": correlation,
        "payload": _ref(f"request.{kind.NAME}"),
    }
    for answer in (Done, RefusedByCloud):
        messages[f"request_{answer.__struct_config__.tag}"] = {
            "name": str(answer.__struct_config__.tag),
            "summary": _text(answer),
            "correlationId": correlation,
            "payload": _ref(f"request.{answer.__struct_config__.tag}"),
        }
    channels[f"{name}_req"] = _channel(template(Lane.REQUESTS, kind.NAME), [f"{name}_request"], "somebody waits for it")
    channels[f"{name}_ans"] = _channel(
        template(Lane.REQUEST_ANSWERS, kind.NAME), ["request_ok", "request_refused"], "to the gateway that asked"
    )
    operations[f"send_{name}_request"] = {
        "action": "send",
        "channel": {"$ref": f"#/channels/{name}_req"},
        "reply": {
            "address": {"location": "$message.header#/responseTopic"},
            "channel": {"$ref": f"#/channels/{name}_ans"},
        },
    }


def _add_session(channels: dict[str, Any], operations: dict[str, Any], messages: dict[str, Any]) -> None:
    messages["session"] = {
        "name": SESSION,
        "summary": _text(payloads.Birth),
        "payload": _ref("gateway.session"),
    }
    messages["watermark"] = {
        "name": WATERMARK,
        "summary": _text(payloads.Watermark),
        "payload": _ref("cloud.watermark"),
    }
    channels["session_st"] = _channel(template(Lane.STATE, SESSION), ["session"], "retained; birth, and will")
    channels["watermark_ack"] = _channel(template(Lane.ACKS, WATERMARK), ["watermark"], "retained; from the cloud")
    operations["send_session"] = {"action": "send", "channel": {"$ref": "#/channels/session_st"}}
    operations["receive_watermark"] = {"action": "receive", "channel": {"$ref": "#/channels/watermark_ack"}}


def _channel(address: str, messages: Iterable[str], what: str) -> dict[str, Any]:
    return {
        "address": address,
        "description": what,
        "parameters": {name: {"$ref": f"#/components/parameters/{name}"} for name in LEVELS},
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
    }


def _schema(kind: type[msgspec.Struct]) -> dict[str, Any]:
    (top,), parts = msgspec.json.schema_components([kind], ref_template="#/$defs/{name}")
    for name, text in field_docs(kind).items():
        parts[kind.__name__]["properties"][name]["description"] = text
    body = parts.pop(top["$ref"].rpartition("/")[2])
    docs = {"$schema": SCHEMA_DIALECT, **body}
    if parts:
        docs["$defs"] = parts
    return docs


def field_docs(kind: type[msgspec.Struct]) -> dict[str, str]:
    """Field → the docstring below it; its bases' too."""
    found: dict[str, str] = {}
    for base in reversed(kind.__mro__):
        if base is msgspec.Struct or not issubclass(base, msgspec.Struct):
            continue
        (body,) = ast.parse(textwrap.dedent(inspect.getsource(base))).body
        for field, below in pairwise(getattr(body, "body", ())):
            text = below.value if isinstance(below, ast.Expr) else None
            if isinstance(field, ast.AnnAssign) and isinstance(text, ast.Constant):
                found[ast.unparse(field.target)] = " ".join(str(text.value).split())
    return {field.encode_name: found[field.name] for field in fields(kind) if field.name in found}


def events_page() -> str:
    """docs/events.md"""
    lines = [
        "# Every event",
        "",
        "Made by `python -m cloud_bridge.contract` from `edge/telemetry.py`: don't edit. The CloudEvents `type` is",
        "`storegate.` and the name below. *Kept* says what may happen to it while the outbox is full: `ledger` never",
        "goes (its cause is refused instead), `count` folds into hours, `diagnostic` goes first, recorded as lost.",
        "How they travel: [cloud.md](cloud.md). As schemas: [schemas/](schemas), [asyncapi.yaml](asyncapi.yaml).",
    ]
    for kind in telemetry.all_types():
        lines += ["", f"## {kind.TYPE}", "", f"{_text(kind)} Kept: `{kind.KEPT.value}`.", ""]
        lines += ["| field | type | meaning |", "|---|---|---|"]
        docs = field_docs(kind)
        properties = _schema(kind)["properties"]
        for field in fields(kind):
            name = field.encode_name
            lines.append(f"| `{name}` | {_type(properties[name])} | {docs.get(name, '').replace('|', 'or')} |")
    return "\n".join(lines) + "\n"


def _type(schema: Mapping[str, Any]) -> str:
    if "anyOf" in schema:
        return " or ".join(_type(part) for part in schema["anyOf"])
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    return str(schema.get("type", "any"))


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"schemas/{name}.json"}


def _text(kind: type[msgspec.Struct]) -> str:
    return " ".join((kind.__doc__ or "").split())


def _key(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9]", "_", name)


def _json(value: object) -> str:
    text = msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n"
    return text.replace(r'\\Z"', '$"')  # in JSON Schema's regular expressions `$` is the very end


def _yaml(value: object, indent: int = 0) -> list[str]:
    """Block style; every text is double-quoted as in JSON, which YAML 1.2 contains."""
    pad = "  " * indent
    lines: list[str] = []
    if isinstance(value, Mapping):
        for key, item in value.items():
            lines += _entry(f"{pad}{key}:" if str(key).isidentifier() else f"{pad}{_scalar(key)}:", item, indent)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for item in value:
            nested = _yaml(item, indent + 1)
            lines.append(f"{pad}- {nested[0].lstrip()}")
            lines += nested[1:]
    else:
        lines.append(pad + _scalar(value))
    return lines


def _entry(head: str, item: object, indent: int) -> list[str]:
    if isinstance(item, Mapping | list) and item:
        return [head, *_yaml(item, indent + 1)]
    return [f"{head} {_scalar(item)}"]


def _scalar(value: object) -> str:
    return msgspec.json.encode(value).decode()


def stale(docs: Path) -> list[str]:
    """Files that are missing, different, or there without a type."""
    wanted = files()
    there = {str(path.relative_to(docs)) for path in docs.glob("schemas/*.json")} | {"asyncapi.yaml"}
    old = sorted(there - wanted.keys())
    return old + [
        name for name, text in wanted.items() if not (docs / name).exists() or (docs / name).read_text("utf-8") != text
    ]


def write(docs: Path) -> None:
    for name in stale(docs):
        (docs / name).unlink(missing_ok=True)
    for name, text in files().items():
        (docs / name).parent.mkdir(parents=True, exist_ok=True)
        (docs / name).write_text(text, "utf-8")


def main(arguments: Sequence[str]) -> int:
    if set(arguments) - {"--check"}:
        sys.stderr.write("usage: python -m cloud_bridge.contract [--check]\n")
        return 2
    if "--check" not in arguments:
        write(DOCS)
        return 0
    old = stale(DOCS)
    sys.stderr.write("".join(f"docs/{name} is stale\n" for name in old))
    return 1 if old else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
