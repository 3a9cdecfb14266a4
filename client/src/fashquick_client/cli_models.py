"""The command `fashquick models`: options and help; the work is in `fashquick_client.commands.models`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

_EPILOG = (
    "Exit codes: 0 all is well, 1 failed, such as for weights that are damaged or in use, 2 the command line is wrong, "
    "3 a server or the host of weights cannot be reached."
)

app = typer.Typer(
    help="Weights: fetch them, see what servers have, check them, and try whether they make good pictures.",
    epilog=_EPILOG,
    no_args_is_help=True,
)

Endpoint = Annotated[
    str | None,
    typer.Option(
        metavar="HOST:PORT",
        help="A segmentation or generation server; by default both, where `fashquick up` starts them.",
    ),
]
Store = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Folder of the model store; by default the one that FASHQUICK_MODELS names."),
]
Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of the model, such as sam2.1-hiera-tiny or sd15-4gb.")]


@app.command("list", epilog=_EPILOG)
def list_(
    *,
    endpoint: Endpoint = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs instead of a table.")] = False,
) -> None:
    """List the models that servers know, and which profiles the model store has.

    A server that does not run is named, and is no failure unless --endpoint asks for it.
    """
    from fashquick_client.commands import models as command  # noqa: PLC0415 - not for help

    raise typer.Exit(command.list_models(endpoint, as_json=as_json))


@app.command(epilog=_EPILOG)
def load(name: Name, *, endpoint: Endpoint = None) -> None:
    """Load a model, so that the next call need not wait for it."""
    from fashquick_client.commands import models as command  # noqa: PLC0415 - not for help

    raise typer.Exit(command.load(name, endpoint))


@app.command(epilog=_EPILOG)
def unload(name: Name, *, endpoint: Endpoint = None) -> None:
    """Unload a model; refused while calls compute with it."""
    from fashquick_client.commands import models as command  # noqa: PLC0415 - not for help

    raise typer.Exit(command.unload(name, endpoint))


@app.command(epilog=_EPILOG)
def verify(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="Name of the model; all that are installed without it.")
    ] = None,
    *,
    endpoint: Endpoint = None,
    store: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Look at profiles' files in this model store, not at servers."),
    ] = None,
) -> None:
    """Compare the SHA-256 of weights with the listed one: some seconds a gigabyte.

    Of a profile that no server has, the files in the store that FASHQUICK_MODELS names are compared.
    """
    from fashquick_client.commands import models as command  # noqa: PLC0415 - not for help

    raise typer.Exit(command.verify(name, endpoint, store))


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


@app.command(epilog=_EPILOG)
def selftest(
    profile: Annotated[
        str, typer.Argument(metavar="[PROFILE]", help="Name of the profile; the default one without it.")
    ] = "",
    *,
    endpoint: Annotated[
        str | None,
        typer.Option(metavar="HOST:PORT", help="Orchestrator, such as localhost:7400. Without it all is started here."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE.png", help="Also write the picture.")
    ] = None,
    timeout: Annotated[float, typer.Option(min=1, metavar="SECONDS", help="Most seconds for the picture.")] = 1800,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs instead of a table.")] = False,
) -> None:
    """Make one known picture by diffusion: says how long it took, what memory, and whether the garment survived.

    The garment is a drawn red T-shirt with two printed lines. It ends with 0 when all is well, else with 1.
    """
    from fashquick_client.commands import selftest as command  # noqa: PLC0415 - not for help

    raise typer.Exit(command.selftest(command.SelftestJob(profile, endpoint, output, as_json, timeout)))
