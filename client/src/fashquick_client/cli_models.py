"""The command `fashquick models`: options and help; the work is in `fashquick_client.commands.models`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fashquick_client.services import DEFAULT_ENDPOINT, Service, beside

_EPILOG = (
    "Exit codes: 0 all is well, 1 failed, such as for weights that are damaged or in use, 2 the command line is wrong, "
    "3 the server cannot be reached."
)

app = typer.Typer(
    help="See and manage the weights of a segmentation server.",
    epilog=_EPILOG,
    no_args_is_help=True,
)

Endpoint = Annotated[
    str, typer.Option(metavar="HOST:PORT", help="Segmentation server; by default where `fashquick up` starts it.")
]
Store = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Folder of the model store; by default the one that FASHQUICK_MODELS names."),
]
Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of the model, such as sam2.1-hiera-tiny.")]

ENDPOINT = beside(DEFAULT_ENDPOINT, Service.SEGMENTATION)


@app.command("list", epilog=_EPILOG)
def list_(
    *,
    endpoint: Endpoint = ENDPOINT,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs instead of a table.")] = False,
) -> None:
    """List the models that the server knows, installed or not."""
    from fashquick_client.commands import models as command  # noqa: PLC0415 - not for help

    raise typer.Exit(command.list_models(endpoint, as_json=as_json))


@app.command(epilog=_EPILOG)
def load(name: Name, *, endpoint: Endpoint = ENDPOINT) -> None:
    """Load a model, so that the next call need not wait for it."""
    from fashquick_client.commands import models as command  # noqa: PLC0415 - not for help

    raise typer.Exit(command.load(name, endpoint))


@app.command(epilog=_EPILOG)
def unload(name: Name, *, endpoint: Endpoint = ENDPOINT) -> None:
    """Unload a model; refused while calls compute with it."""
    from fashquick_client.commands import models as command  # noqa: PLC0415 - not for help

    raise typer.Exit(command.unload(name, endpoint))


@app.command(epilog=_EPILOG)
def verify(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="Name of the model; all that are installed without it.")
    ] = None,
    *,
    endpoint: Endpoint = ENDPOINT,
) -> None:
    """Compare the SHA-256 of weights with the listed one: some seconds a gigabyte."""
    from fashquick_client.commands import models as command  # noqa: PLC0415 - not for help

    raise typer.Exit(command.verify(name, endpoint))


@app.command(epilog=_EPILOG)
def pull(
    profiles: Annotated[
        list[str], typer.Argument(metavar="PROFILE", help="Name of a profile, such as sd15-4gb; `list` shows them.")
    ],
    *,
    store: Store = None,
    optional: Annotated[
        bool, typer.Option("--optional", help="Also fetch the files that the profiles work without.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="You have read the licences and agree to them.")] = False,
) -> None:
    """Fetch the weights of profiles of the diffusion backend into the model store: some 3.6 GB.

    Licences are shown first. What is there and right is not fetched again; what broke off is gone on with.

    HF_ENDPOINT names a mirror of huggingface.co, HF_TOKEN an account. FASHQUICK_OFFLINE=1 forbids the network.
    """
    from fashquick_client.commands import pull as command  # noqa: PLC0415 - not for help

    raise typer.Exit(command.pull(command.PullJob(profiles, store, optional, yes)))
