"""The command `fashquick try-on`: options and help; the work is in `fashquick_client.commands.try_on`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from fashquick_client import cli_diffusion
from fashquick_client.options import BackendName, BodyName, Diffusion, FitName, FramingName, TryOnOptions
from fashquick_common.garment import Category

_MAX_SEED = 2**64 - 1
_GARMENT, _FIGURE, _PICTURE = "Garment", "Figure", "Picture"
_FINISH_HELP = (
    "Look of the mannequin: stone, white, grey, black, or skin from light to dark: porcelain, sand, honey, chestnut, "
    "ebony."
)


def _shape(words: str) -> Any:
    """An option for one number of the body's shape."""
    return typer.Option(min=0, max=1, metavar="0...1", help=words, show_default=False, rich_help_panel=_FIGURE)


def _check_seed(seed: int | None) -> int | None:
    if seed is not None and not 0 <= seed <= _MAX_SEED:
        raise typer.BadParameter(f"{seed} is not between 0 and {_MAX_SEED}")
    return seed


def try_on(
    garments: Annotated[
        list[str],
        typer.Argument(
            metavar="GARMENT",
            help="Photos of the garments, innermost first. A kind and a fit may follow: photo.jpg:oversize.",
        ),
    ],
    *,
    output: Annotated[
        Path,
        typer.Option("--output", "-o", help="Picture to write: .png, .jpg or .webp. Several get the view in the name."),
    ],
    category: Annotated[
        Category | None,
        typer.Option(help="Kind of garment, if the guess is wrong.", show_default=False, rich_help_panel=_GARMENT),
    ] = None,
    fit: Annotated[
        FitName | None,
        typer.Option(help="How close it sits, if not as usual.", show_default=False, rich_help_panel=_GARMENT),
    ] = None,
    body: Annotated[
        BodyName | None, typer.Option(help="Who wears it.", show_default=False, rich_help_panel=_FIGURE)
    ] = None,
    size: Annotated[
        str,
        typer.Option(
            metavar="XS...3XL", help="Clothes size of the body: XS, S, M, L, XL, XXL or 3XL.", rich_help_panel=_FIGURE
        ),
    ] = "",
    gender: Annotated[float | None, _shape("0 masculine, 1 feminine.")] = None,
    age: Annotated[float | None, _shape("0 young adult, 1 old.")] = None,
    height: Annotated[float | None, _shape("0 small, 1 tall.")] = None,
    weight: Annotated[float | None, _shape("0 thin, 1 heavy.")] = None,
    muscle: Annotated[float | None, _shape("0 slack, 1 athletic.")] = None,
    proportions: Annotated[float | None, _shape("0 uncommon, 1 ideal.")] = None,
    finish: Annotated[str, typer.Option(metavar="NAME", help=_FINISH_HELP, rich_help_panel=_FIGURE)] = "",
    pose: Annotated[
        list[str],
        typer.Option(
            metavar="NAME",
            help="How the figure stands: relaxed, a-pose (arms slightly away), contrapposto (weight on one leg), "
            "hand-on-hip, three-quarter (turned a little) or walk; repeatable.",
            rich_help_panel=_PICTURE,
        ),
    ] = [],  # noqa: B006 - typer copies it
    view: Annotated[
        list[str],
        typer.Option(
            metavar="SIDE",
            help="From where: front, three-quarter, side or back; repeatable.",
            rich_help_panel=_PICTURE,
        ),
    ] = [],  # noqa: B006 - likewise
    framing: Annotated[
        FramingName,
        typer.Option(help="How much of the figure; auto: what the garments need.", rich_help_panel=_PICTURE),
    ] = "auto",
    backdrop: Annotated[
        str,
        typer.Option(
            metavar="NAME|#RRGGBB",
            help="What is behind: white, grey, transparent, a colour, or two for a gradient: #ffffff:#d8cfc4.",
            rich_help_panel=_PICTURE,
        ),
    ] = "",
    resolution: Annotated[
        str | None,
        typer.Option(metavar="WIDTHxHEIGHT", help="In pixels. Usually 768x1152.", rich_help_panel=_PICTURE),
    ] = None,
    turntable: Annotated[
        Path | None,
        typer.Option(metavar="FILE.webp", help="Also an animation: all around.", rich_help_panel=_PICTURE),
    ] = None,
    outputs: Annotated[
        list[str],
        typer.Option(
            metavar="KIND",
            help="Also write, for other programs: depth, normal, pose, keypoints, parts, garment-mask, garment-index, "
            "protected-mask, shadow, base, photo-mask or photo-alpha; repeatable.",
            rich_help_panel=_PICTURE,
        ),
    ] = [],  # noqa: B006 - likewise
    fidelity: Annotated[
        bool,
        typer.Option(
            "--fidelity/--no-fidelity", help="Say how much of the garment survived.", rich_help_panel=_PICTURE
        ),
    ] = True,
    profile: cli_diffusion.Profile = "",
    steps: cli_diffusion.Steps = None,
    strength: cli_diffusion.Strength = None,
    guidance: cli_diffusion.Guidance = None,
    control: cli_diffusion.Control = None,
    colour_pull: cli_diffusion.ColourPull = 0.0,
    upscale: cli_diffusion.Upscale = False,
    deterministic: cli_diffusion.Deterministic = False,
    safety_check: cli_diffusion.SafetyCheck = False,
    prompt: cli_diffusion.Prompt = "",
    avoid: cli_diffusion.Avoid = "",
    without_phrase: cli_diffusion.Vetoes = [],  # noqa: B006 - likewise
    whole_prompt: cli_diffusion.WholePrompt = "",
    whole_avoid: cli_diffusion.WholeAvoid = "",
    floor: cli_diffusion.Floor = None,
    repairs: cli_diffusion.Repairs = None,
    seed: Annotated[
        int | None,
        typer.Option(metavar="NUMBER", callback=_check_seed, help="The same seed makes the same picture again."),
    ] = None,
    backend: Annotated[
        BackendName,
        typer.Option(
            help="Who makes the picture: studio draws a mannequin, diffusion a person; auto: the server's choice."
        ),
    ] = "auto",
    report: Annotated[
        Path | None, typer.Option(help="Also write how the picture was made, as JSON.", metavar="FILE")
    ] = None,
    endpoint: Annotated[
        str | None,
        typer.Option(metavar="HOST:PORT", help="Server to use, such as localhost:7400. Without it one is started."),
    ] = None,
    timeout: Annotated[float, typer.Option(min=1, metavar="SECONDS", help="Give up after this time.")] = 120.0,
) -> None:
    """Picture a mannequin, or a person, that wears the garments of photos.

    Every pose is pictured from every side: --pose walk --view front --view back makes look.front.png and look.back.png.
    """
    from fashquick_client.commands import diffusion, looks  # noqa: PLC0415 - not for help
    from fashquick_client.commands import try_on as command  # noqa: PLC0415 - likewise

    shape = {
        "gender": gender,
        "age": age,
        "height": height,
        "weight": weight,
        "muscle": muscle,
        "proportions": proportions,
    }
    wishes = Diffusion(
        profile=profile,
        steps=steps,
        strength=strength,
        guidance=guidance,
        control=control,
        extra_prompt=prompt,
        extra_negative_prompt=avoid,
        prompt=whole_prompt,
        negative_prompt=whole_avoid,
        veto=tuple(without_phrase),
        deterministic=deterministic,
        previews=False,
        safety_check=safety_check,
        colour_guidance=colour_pull,
        upscale=upscale,
    )
    options = TryOnOptions(
        seed=seed,
        size=None if resolution is None else command.parse_resolution(resolution),
        backend=backend,
        body=body or "",
        clothes_size=looks.parse_size(size),
        phenotype={name: value for name, value in shape.items() if value is not None},
        finish=finish,
        views=looks.parse_views(pose, view, framing),
        backdrop=looks.parse_backdrop(backdrop),
        outputs=looks.parse_outputs(outputs, turntable),
        picture_format=command.format_of(output, backdrop),
        fidelity=fidelity,
        diffusion=diffusion.parse_diffusion(backend, wishes),
        fidelity_floor=floor,
        max_repairs=repairs,
    )
    job = command.TryOnJob(
        garments=looks.parse_garments(garments, category, fit),
        pictures=looks.picture_paths(output, pose, view),
        turntable=turntable,
        report=report,
        options=options,
        timeout_s=timeout,
    )
    raise typer.Exit(command.try_on(job, endpoint))
