"""All calls at their paths."""

from __future__ import annotations

from aiohttp import web

from edge.board import Board
from edge.clock import Clock
from edge.config import Config
from edge.documents_desk import DocumentsDesk
from edge.shake_desk import ShakeDesk
from edge.web.admin.access import Access
from edge.web.admin.shakearound import call
from edge.web.admin.shakearound.account import Account
from edge.web.admin.shakearound.bindings import BindingsApi
from edge.web.admin.shakearound.codes import CallError, Code
from edge.web.admin.shakearound.devices import DevicesApi
from edge.web.admin.shakearound.fields import Body
from edge.web.admin.shakearound.groups import GroupsApi
from edge.web.admin.shakearound.lottery import LotteryApi
from edge.web.admin.shakearound.material import MaterialApi
from edge.web.admin.shakearound.pages import PagesApi
from edge.web.admin.shakearound.shakes import ShakesApi
from edge.web.admin.shakearound.shelf import Shelf
from edge.web.admin.shakearound.tokens import Tokens
from edge.web.icons import Icons

ROOT = "/shakearound"


def routes(
    config: Config, *, access: Access, board: Board, clock: Clock, documents: DocumentsDesk, shakes: ShakeDesk
) -> list[web.AbstractRouteDef]:
    """They ask for the token themselves: WeChat's errors have a shape of their own."""
    tokens = Tokens(access, config.listen.admin_token.reveal(), clock)
    shelf = Shelf(documents, config)
    account = Account(clock)
    devices = DevicesApi(shelf, board, clock, config.beacons)
    pages = PagesApi(shelf, clock)
    bindings = BindingsApi(shelf)
    groups = GroupsApi(shelf, clock)
    shaken = ShakesApi(shelf, shakes)
    lottery = LotteryApi(shelf, clock)
    material = MaterialApi(shelf, tokens, Icons.of(config), config.listen.public_url)
    posts: dict[str, call.Part] = {
        "account/register": account.register,
        "account/auditstatus": account.status,
        "device/applyid": devices.apply,
        "device/applystatus": devices.apply_status,
        "device/update": devices.update,
        "device/bindlocation": devices.locate,
        "device/search": devices.search,
        "device/bindpage": bindings.bind,
        "relation/search": bindings.search,
        "page/add": pages.add,
        "page/update": pages.update,
        "page/search": pages.search,
        "page/delete": pages.delete,
        "device/group/add": groups.add,
        "device/group/update": groups.update,
        "device/group/delete": groups.delete,
        "device/group/getlist": groups.every,
        "device/group/getdetail": groups.detail,
        "device/group/adddevice": groups.add_devices,
        "device/group/deletedevice": groups.remove_devices,
        "user/getshakeinfo": shaken.info,
        "statistics/device": shaken.device,
        "statistics/devicelist": shaken.devices,
        "statistics/page": shaken.page,
        "statistics/pagelist": shaken.pages,
        "lottery/addlotteryinfo": lottery.add,
        "lottery/setprizebucket": lottery.fill,
    }
    found = [route for path, part in posts.items() for route in call.posted(f"{ROOT}/{path}", part, tokens)]
    return [
        *found,
        *call.asked(f"{ROOT}/account/auditstatus", account.status, tokens, post=False),
        *call.asked(f"{ROOT}/lottery/setlotteryswitch", lottery.switch, tokens),
        *call.raw(f"{ROOT}/material/add", material.add),
        *_token_routes(tokens),
        *call.unknown(f"{ROOT}/{{call:.*}}", frozenset(f"{ROOT}/{path}" for path in posts)),
    ]


def _token_routes(tokens: Tokens) -> list[web.AbstractRouteDef]:
    """Where SDKs get their access_token before the first call."""

    async def give(body: Body) -> call.Answer:
        if body.get("grant_type") != "client_credential":
            raise CallError(Code.GRANT_TYPE, "grant_type: wanted client_credential")
        secret = body.get("secret")
        wrong = "secret is wrong: it is listen.admin_token in gateway.toml"
        await tokens.prove(secret if isinstance(secret, str) else "", Code.APP_SECRET, wrong)
        token, expires_in_s = tokens.issue()
        return {"access_token": token, "expires_in": expires_in_s}

    return [*call.open_to_all("GET", "/cgi-bin/token", give), *call.open_to_all("POST", "/cgi-bin/stable_token", give)]
