"""The command `audit-images`."""

from __future__ import annotations

from pathlib import Path

import click

from tckr_bench.cli.examples import ExampleCommand

PATH = click.Path(path_type=Path)


@click.command(
    "audit-images",
    cls=ExampleCommand,
    epilog="tckr-bench audit-images synthetic --train private/train --holdout private/kept-apart\n"
    "tckr-bench audit-images synthetic --train a --holdout b --page audit.html --show-real-images\n"
    "tckr-bench audit-images synthetic --train a --holdout b --json > audit.json",
)
@click.argument("synthetic", type=PATH)
@click.option("--train", type=PATH, required=True, metavar="DIR", help="Images the synthetic ones were made from.")
@click.option(
    "--holdout", type=PATH, required=True, metavar="DIR", help="Images of the same source that nothing was made from."
)
@click.option(
    "--page",
    type=PATH,
    default=Path("image-audit.html"),
    show_default=True,
    metavar="FILE",
    help="HTML page to write; an old one is written over.",
)
@click.option(
    "--delta", type=float, default=1e-5, show_default=True, help="Of the differential privacy that is tested."
)
@click.option("--seed", type=int, default=0, show_default=True, metavar="N", help="Of the pairs that are compared.")
@click.option(
    "--show-real-images", is_flag=True, help="Show training images on the page, beside the nearest synthetic."
)
@click.option("--json", "as_json", is_flag=True, help="Print what was found as JSON on standard output.")
def audit_images(
    synthetic: Path,
    train: Path,
    holdout: Path,
    page: Path,
    delta: float,
    seed: int,
    show_real_images: bool,
    as_json: bool,
) -> None:
    """Tell from the images in SYNTHETIC alone whether the training images leave a trace in them.

    Needs no model and trains none: minutes on a laptop. Training and hold-out images must be a random division of one
    pool, and nothing may have been made from the hold-out. Folders are flat or have folders in them.

    The answer comes with a p-value for "none of these images was used", a lower bound on the epsilon of any
    differential privacy, and checks whose answer is known, among them whether the two folders can be told apart
    without the synthetic images, which would make the audit void.

    The exit code is 0 if no trace is found, 1 if there is one, 3 if there is not enough evidence, and 2 for a mistake
    in the command.
    """
    from tckr_bench.api.image_audits import AuditRequest
    from tckr_bench.commands.audit_images import audit_images as audit

    request = AuditRequest(
        synthetic, train, holdout, page=page, delta=delta, seed=seed, show_real_images=show_real_images
    )
    audit(request, as_json=as_json)
