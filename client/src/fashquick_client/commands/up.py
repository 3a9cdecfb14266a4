"""`fashquick up`."""

from __future__ import annotations

import typer

from fashquick_client.commands.running import complain, run
from fashquick_client.local import LocalServersError, NotInstalledError, describe_exit, run_servers
from fashquick_client.problems import ExitCode
from fashquick_client.services import Service

_LABEL_WIDTH = max(len(service) for service in Service)


def up(host: str, port: int) -> int:
    """Run all servers until a signal; return the exit code."""
    return run(_up(host, port), stopped_code=ExitCode.FINE)


async def _up(host: str, port: int) -> int:
    try:
        async with run_servers(tuple(Service), host=host, port=port, sink=_print_line) as servers:
            for service, endpoint in servers.endpoints.items():
                typer.echo(f"{service:<{_LABEL_WIDTH}} ready at {endpoint}")
            typer.echo("Press Ctrl-C to stop.")
            service, code = await servers.first_end()
            complain(f"the {service} server {describe_exit(code)}; stopping the others")
    except NotInstalledError:
        raise
    except LocalServersError as error:
        complain(str(error))
    return ExitCode.FAILED


def _print_line(service: Service, line: str) -> None:
    typer.echo(f"{service:<{_LABEL_WIDTH}} | {line}")
