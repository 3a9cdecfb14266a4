"""The command `fashquick`: options and help; the work is in `fashquick_client.commands`.

A command's module is loaded when the command runs, so that help answers at once.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fashquick_client import cli_models, cli_try_on
from fashquick_client.options import MattingName, PresentationName, ReadTextName, SegmenterName, SegmentWishes
from fashquick_client.services import DEFAULT_HOST, DEFAULT_PORT, Service
from fashquick_common.garment import Category

_EPILOG = (
    "Exit codes: 0 all is well, 1 failed, 2 the command line is wrong, 3 a service cannot be reached, "
    "4 the photo was refused. With several files the first of 3, 1, 2, 4 that occurred."
)
_DOCTOR_EPILOG = (
    "--json prints an object with the version of this client and its findings, each with topic, level (ok, note or "
    "problem), found and advice. Exit codes: 0 nothing is wrong, though there may be notes, 1 at least one problem, "
    "2 the command line is wrong, 3 a server cannot be reached or takes no work, whatever else was found."
)
_LAST_PORT = 65_535 - 103  # Four ports and, 100 further, four for probes.

app = typer.Typer(
    help="See your garments worn: from the photo of a garment to the picture of a mannequin that wears it.",
    epilog=_EPILOG,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Photos = Annotated[list[str], typer.Argument(metavar="GARMENT", help="Photos of garments, one garment each.")]

FeaturesEndpoint = Annotated[
    str | None,
    typer.Option(metavar="HOST:PORT", help="Features server, such as localhost:7402. Without it one is started."),
]
SegmentationEndpoint = Annotated[
    str | None,
    typer.Option(metavar="HOST:PORT", help="Segmentation server, such as localhost:7401. Without it one is started."),
]


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version  # noqa: PLC0415 - not for help

        typer.echo(f"fashquick {version('fashquick-client')}")
        raise typer.Exit


@app.callback()
def _main(
    _: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    pass


@app.command(epilog=_EPILOG)
def up(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = DEFAULT_HOST,
    port: Annotated[
        int,
        typer.Option(min=0, max=_LAST_PORT, help="First of four ports; 0 takes any that are free."),
    ] = DEFAULT_PORT,
) -> None:
    """Start everything on this computer and keep it running until Ctrl-C.

    Pictures are then made without waiting for a start: add --endpoint to the other commands.
    """
    from fashquick_client.commands import up as command  # noqa: PLC0415 - not for help

    raise typer.Exit(command.up(host, port))


app.command("try-on", epilog=_EPILOG)(cli_try_on.try_on)


@app.command(epilog=_EPILOG)
def segment(
    garments: Photos,
    *,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="DIR", help="Folder for the results.")],
    endpoint: Annotated[
        str | None,
        typer.Option(
            metavar="HOST:PORT", help="Segmentation server, such as localhost:7401. Without it one is started."
        ),
    ] = None,
    report: Annotated[
        Path | None, typer.Option(help="Also write how good the masks are, as JSON.", metavar="FILE")
    ] = None,
    backend: Annotated[SegmenterName, typer.Option(help="Who finds the garment.")] = "auto",
    checkpoint: Annotated[
        str, typer.Option(metavar="NAME", help="Weights of SAM 2, as `fashquick models list` names them.")
    ] = "",
    matting: Annotated[
        MattingName, typer.Option(help="How the soft edge is made: quality for wool, fringes and fur.")
    ] = "fast",
    presentation: Annotated[
        PresentationName, typer.Option(help="How the garment is presented; worn: on a person, who is cut away.")
    ] = "unknown",
    candidates: Annotated[
        int, typer.Option(min=0, max=16, metavar="NUMBER", help="Most other masks to write for each photo.")
    ] = 0,
    on: Annotated[
        list[str], typer.Option(metavar="X,Y", help="Point on the garment, in pixels of the upright photo; repeatable.")
    ] = [],  # noqa: B006 - typer copies it
    off: Annotated[list[str], typer.Option(metavar="X,Y", help="Point that is not on the garment; repeatable.")] = [],  # noqa: B006 - likewise
    box: Annotated[
        str | None, typer.Option(metavar="L,T,R,B", help="Box round the garment: left, top, right, bottom.")
    ] = None,
) -> None:
    """Cut garments out of their photos.

    Writes for each photo NAME.mask.png (white garment on black) and NAME.cutout.png (on a transparent ground).

    With --candidates also NAME.candidate-1.mask.png and so on, other masks that were considered.

    All are as large as the photo. Points and boxes are for a single photo, and for SAM 2.
    """
    from fashquick_client.commands import segment as command  # noqa: PLC0415 - not for help

    points = [command.parse_point(text, on_garment=True) for text in on]
    points += [command.parse_point(text, on_garment=False) for text in off]
    wishes = SegmentWishes(backend=backend, checkpoint=checkpoint, matting=matting, presentation=presentation)
    if points:
        wishes["points"] = points
    if box is not None:
        wishes["box"] = command.parse_box(box)
    raise typer.Exit(command.segment(command.SegmentJob(garments, output, candidates, report, wishes), endpoint))


@app.command(epilog=_EPILOG)
def features(
    garments: Photos,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON with everything, for programs.")] = False,
    sheet: Annotated[
        Path | None,
        typer.Option(metavar="FILE.png", help="Also draw it on a sheet; with several photos name a folder."),
    ] = None,
    mask: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Where the garment is: a mask, white on black, or a folder with NAME.mask.png. Else it is found.",
        ),
    ] = None,
    length: Annotated[
        str | None,
        typer.Option(metavar="NAME=CM", help="A length that you know, such as chest=52: then all are in centimetres."),
    ] = None,
    category: Annotated[
        Category | None, typer.Option(help="Kind of garment, if the guess is wrong.", show_default=False)
    ] = None,
    text: Annotated[ReadTextName, typer.Option(help="Whether to read prints; auto: where the server can.")] = "auto",
    endpoint: FeaturesEndpoint = None,
    segmentation_endpoint: SegmentationEndpoint = None,
) -> None:
    """Say what garments are: kind, colours, light, pattern, cloth, build, lengths, prints.

    Every answer has its confidence; some cannot be told, and some do not apply.

    With --sheet DIR a sheet is written for each photo: NAME.sheet.png.
    """
    from fashquick_client.commands import features as command  # noqa: PLC0415 - not for help

    known_length = None if length is None else command.parse_length(length)
    job = command.FeaturesJob(garments, mask, sheet, category, known_length, text, as_json)
    raise typer.Exit(command.features(job, endpoint, segmentation_endpoint))


@app.command(epilog=_EPILOG)
def score(
    picture: Annotated[Path, typer.Argument(metavar="PICTURE", help="The finished picture.")],
    *,
    photo: Annotated[Path, typer.Option(metavar="FILE", help="Photo of the garment.")],
    region: Annotated[
        Path, typer.Option(metavar="FILE", help="Where the garment is in the picture: a mask of its size.")
    ],
    mask: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Where it is in its photo: a mask of that size; else it is found."),
    ] = None,
    uv: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.npy", help="Which place of the photo each pixel shows: HxWx2 floats, 0 to 1 or NaN."
        ),
    ] = None,
    prior: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The picture before it was changed, of the same size.")
    ] = None,
    text: Annotated[ReadTextName, typer.Option(help="Whether to read prints; auto: where the server can.")] = "auto",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs instead of a table.")] = False,
    endpoint: FeaturesEndpoint = None,
    segmentation_endpoint: SegmentationEndpoint = None,
) -> None:
    """Say in numbers whether a garment survived in a picture.

    Each measure is tried on pictures that are wrong on purpose, such as the garment in another colour.

    One that takes them for the right garment is left out of the grade.
    """
    from fashquick_client.commands import score as command  # noqa: PLC0415 - not for help

    job = command.ScoreJob(picture, photo, region, mask, uv, prior, text, as_json)
    raise typer.Exit(command.score(job, endpoint, segmentation_endpoint))


@app.command(epilog=_DOCTOR_EPILOG)
def doctor(
    *,
    endpoint: Annotated[
        str | None,
        typer.Option(
            metavar="HOST:PORT", help="Orchestrator, such as localhost:7400; the stages are sought beside it."
        ),
    ] = None,
    segmentation_endpoint: Annotated[
        str | None, typer.Option(metavar="HOST:PORT", help="Segmentation server, if it is elsewhere.")
    ] = None,
    features_endpoint: Annotated[
        str | None, typer.Option(metavar="HOST:PORT", help="Features server, if it is elsewhere.")
    ] = None,
    generation_endpoint: Annotated[
        str | None, typer.Option(metavar="HOST:PORT", help="Generation server, if it is elsewhere.")
    ] = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="Also compare the SHA-256 of all weights, which takes as long as reading.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs instead of a list.")] = False,
) -> None:
    """Say what is wrong here and what to do: Python, this computer, ports, weights, caches, settings, servers.

    Run it first when something does not work. It changes nothing.

    Without --endpoint it looks for servers where `fashquick up` starts them; that none runs is fine.
    """
    from fashquick_client.commands import doctor as command  # noqa: PLC0415 - not for help

    stages = {
        Service.SEGMENTATION: segmentation_endpoint,
        Service.FEATURES: features_endpoint,
        Service.GENERATION: generation_endpoint,
    }
    raise typer.Exit(command.doctor(endpoint, stages, verify=verify, as_json=as_json))


app.add_typer(cli_models.app, name="models")


def main() -> None:
    """Run the command."""
    app(prog_name="fashquick")
