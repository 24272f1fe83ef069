"""`storegate coupon`: the wallet and the till of somebody at the gateway; works with or without a running daemon."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edge.cli import say
from edge.errors import StoregateError, UsageError

if TYPE_CHECKING:
    from edge.config import Config
    from edge.coupon_answers import AnyAnswer

app = typer.Typer(no_args_is_help=True)
CodeArgument = Annotated[
    str, typer.Argument(help="Token, its URL, short code, or serial.", metavar="CODE", callback=say.utf8)
]
DAY_MS = 86_400_000


@app.command("issue")
def issue(
    campaign: Annotated[str, typer.Argument(help="The campaign's id.", callback=say.utf8)],
    holder: Annotated[
        str, typer.Option("--holder", help="The member it is for; empty: whoever has it.", callback=say.utf8)
    ] = "",
    config: say.ConfigOption = None,
    as_json: say.JsonOption = False,
) -> None:
    """Issue one coupon and draw its QR code: storegate coupon issue drinks-3-off"""
    body = {"campaign": campaign, "member": holder}
    _told(config, "issue", body, lambda desk: desk.issue_to(campaign, member=holder), as_json=as_json)


@app.command("show")
def show(code: CodeArgument, config: say.ConfigOption = None, as_json: say.JsonOption = False) -> None:
    """What a coupon is, and what a till would say to it: storegate coupon show KPR3YZOGTYVWEBWF"""
    _told(config, "show", {"code": code}, lambda desk: desk.show(code, serial_too=True), as_json=as_json)


@app.command("redeem")
def redeem(
    code: CodeArgument,
    till: Annotated[str, typer.Option("--till", help="The till it is used at.", callback=say.utf8)],
    receipt: Annotated[
        str, typer.Option("--receipt", help="The receipt's number: a repeat for it changes nothing.", callback=say.utf8)
    ],
    value_fen: Annotated[int, typer.Option("--value-fen", min=0, help="What it took off, in fen.")] = 0,
    config: say.ConfigOption = None,
    as_json: say.JsonOption = False,
) -> None:
    """Use a coupon up by hand: storegate coupon redeem TOKEN --till till-1 --receipt 42 --value-fen 300"""
    from edge.ids import StationId  # noqa: PLC0415

    body = {"code": code, "till": till, "receipt": receipt, "value_fen": value_fen}
    _told(
        config,
        "redeem",
        body,
        lambda desk: desk.redeem(code, till=StationId(till), receipt=receipt, value_fen=value_fen),
        as_json=as_json,
    )


@app.command("void")
def void(
    code: Annotated[
        str, typer.Argument(help="Token, short code or serial; without one, give --campaign.", callback=say.utf8)
    ] = "",
    campaign: Annotated[
        str, typer.Option("--campaign", help="Every outstanding coupon of this campaign.", callback=say.utf8)
    ] = "",
    reason: Annotated[
        str, typer.Option("--reason", help="Goes into the ledger and to the cloud.", callback=say.utf8)
    ] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask back.")] = False,
    config: say.ConfigOption = None,
    as_json: say.JsonOption = False,
) -> None:
    """Withdraw coupons for ever: storegate coupon void KPR3YZOGTYVWEBWF --reason 'printed twice'"""
    if bool(code) == bool(campaign):
        say.fail(UsageError("give either a CODE or --campaign", hint="storegate coupon void --help"))
    if campaign and not yes:
        typer.confirm(f"Withdraw every coupon of {campaign} that is out?", abort=True, err=True)
    body = {"code": code, "campaign": campaign, "reason": reason}
    _told(
        config,
        "void",
        body,
        lambda desk: desk.void(campaign=campaign, code=code, reason=reason, by="cli"),
        as_json=as_json,
    )


@app.command("grant")
def grant(
    file: Annotated[Path, typer.Argument(help="A signed grant (JSON); - for standard input.", metavar="FILE")],
    config: say.ConfigOption = None,
    as_json: say.JsonOption = False,
) -> None:
    """Take the right to issue coupons from the cloud's signed grant: storegate coupon grant grant.json"""
    try:
        raw = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        say.fail(UsageError(f"can't read {file}: {error.strerror}"))
    _told(config, "grant", raw, lambda desk: desk.grant(raw), as_json=as_json)


@app.command("sign-grant")
def sign_grant(
    key: Annotated[Path, typer.Option("--key", help="The issuer's key file; storegate coupon new-key makes one.")],
    key_id: Annotated[
        str,
        typer.Option("--key-id", help="Its name under \\[coupons.issuer_keys] of the gateways.", callback=say.utf8),
    ],
    campaign: Annotated[str, typer.Option("--campaign", callback=say.utf8)],
    gateway: Annotated[str, typer.Option("--gateway", help="/storegate/TENANT/STORE/GATEWAY", callback=say.utf8)],
    units: Annotated[int, typer.Option("--units", min=1, help="Coupons it may issue.")],
    seq: Annotated[int, typer.Option("--seq", min=0, help="1, 2, 3 … per campaign and gateway.")],
    value_cap_fen: Annotated[int, typer.Option("--value-cap-fen", min=0, help="Together they take off at most.")] = 0,
    days: Annotated[float, typer.Option("--days", min=0.001, help="Days from now in which it may issue.")] = 30.0,
    grant_id: Annotated[str, typer.Option("--grant-id", help="Else made of campaign, gateway and seq.")] = "",
) -> None:
    """The cloud's part, for tests and small shops: signs a grant and prints it.

    storegate coupon sign-grant --key issuer.key --key-id me --campaign drinks-3-off --gateway /storegate/acme/s1/g1
    --units 500 --seq 1 | storegate coupon grant -
    """
    import msgspec  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415

    from edge import grants, keys  # noqa: PLC0415

    wanted = {
        "grant_id": grant_id or f"{campaign}.{gateway.rpartition('/')[2]}.{seq}",
        "campaign": campaign,
        "gateway": gateway,
        "units": units,
        "value_cap_fen": value_cap_fen,
        "not_after_ms": int(time.time() * 1000 + days * DAY_MS),
        "seq": seq,
    }
    try:
        made = msgspec.convert(wanted, grants.Grant)
        private = Ed25519PrivateKey.from_private_bytes(keys.read(key))
    except msgspec.ValidationError as error:
        say.fail(UsageError(f"that makes no grant: {error}"))
    except OSError as error:
        say.fail(UsageError(f"can't read {key}: {error.strerror}", hint=f"storegate coupon new-key {key}"))
    except StoregateError as error:
        say.fail(error)
    sys.stdout.write(msgspec.json.encode(grants.sign(made, key_id=key_id, key=private)).decode() + "\n")


@app.command("new-key")
def new_key(file: Annotated[Path, typer.Argument(help="Where the secret goes; it must not exist.")]) -> None:
    r"""Make an issuer's key, print the public half for \[coupons.issuer_keys]: storegate coupon new-key issuer.key"""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415

    from edge import keys  # noqa: PLC0415

    try:
        keys.make(file)
        private = Ed25519PrivateKey.from_private_bytes(keys.read(file))
    except OSError as error:
        say.fail(UsageError(f"can't make {file}: {error.strerror}"))
    sys.stdout.write(keys.public_text(private) + "\n")


@app.command("gateway-key")
def gateway_key(config: say.ConfigOption = None) -> None:
    r"""Print this gateway's public key, for \[coupons.peer_keys] of the other shops: storegate coupon gateway-key"""
    from edge.config import find, load  # noqa: PLC0415
    from edge.keys import GatewayKeys, public_text  # noqa: PLC0415

    try:
        sys.stdout.write(public_text(GatewayKeys.open(load(find(config)).state_path).signing) + "\n")
    except StoregateError as error:
        say.fail(error)


def _told(config: Path | None, name: str, body: object, here: object, *, as_json: bool) -> None:
    """Asks, prints the answer, and ends with 1 where it was no."""
    from edge.cli import coupon_counter, coupon_faces  # noqa: PLC0415
    from edge.config import find, load  # noqa: PLC0415
    from edge.coupon_answers import Refused, pack  # noqa: PLC0415

    try:
        settings: Config = load(find(config))
        answer: AnyAnswer = coupon_counter.ask(settings, name, body, here)  # type: ignore[arg-type]
    except StoregateError as error:
        say.fail(error)
    if as_json:
        sys.stdout.write(pack(answer).decode() + "\n")
    else:
        coupon_faces.tell(answer, timezone=settings.gateway.timezone)
    if isinstance(answer, Refused):
        raise SystemExit(1)
