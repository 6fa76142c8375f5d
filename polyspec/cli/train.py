"""`polyspec train`: small models made for PolySpec, trained on this machine."""

import typer

from polyspec.cli.train_adapter import adapter
from polyspec.cli.train_average import average
from polyspec.cli.train_draft import draft

app = typer.Typer(
    name="train",
    help="Train small models on this machine.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.command()(draft)
app.command()(adapter)
app.command()(average)
