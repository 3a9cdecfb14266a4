"""The admin port: probes and metrics over plain HTTP.

`/livez`: the event loop answers; a server that does not should be restarted. `/startupz`: the backend has been
warmed up once. `/readyz`: calls are accepted now; not while starting or draining.
"""

from __future__ import annotations

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from fashquick_common.server.kit import Kit, State


def _answer(fine: bool, kit: Kit) -> web.Response:
    return web.Response(status=200 if fine else 503, text=f"{kit.state.value}\n")


def make_admin_app(kit: Kit) -> web.Application:
    """Return the HTTP application for a server's admin port."""

    async def livez(_: web.Request) -> web.Response:
        return web.Response(text="alive\n")

    async def startupz(_: web.Request) -> web.Response:
        return _answer(kit.state is not State.STARTING, kit)

    async def readyz(_: web.Request) -> web.Response:
        return _answer(kit.state is State.READY, kit)

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=generate_latest(kit.metrics.registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    app = web.Application()
    app.add_routes(
        [
            web.get("/livez", livez),
            web.get("/startupz", startupz),
            web.get("/readyz", readyz),
            web.get("/metrics", metrics),
        ]
    )
    return app


async def start_admin(kit: Kit) -> tuple[web.AppRunner, int]:
    """Listen on the admin port; return what to clean up and the port."""
    runner = web.AppRunner(make_admin_app(kit), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, kit.settings.host, kit.settings.admin_port).start()
    return runner, int(runner.addresses[0][1])
