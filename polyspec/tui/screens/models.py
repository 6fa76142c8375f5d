"""Models and tables: what there is, what suits, what is in use."""

from typing import TYPE_CHECKING

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Container, Vertical, VerticalScroll
from textual.content import Content
from textual.timer import Timer
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from polyspec.errors import PolySpecError
from polyspec.tui.amounts import format_bytes
from polyspec.tui.bindings import bind
from polyspec.tui.pulling import PullState
from polyspec.tui.screens.room import Room
from polyspec.tui.shelf import TableLine, read_models, read_tables
from polyspec.tui.widgets.models.card import ModelCard, ModelRow
from polyspec.tui.widgets.models.pull_bar import PullBar

if TYPE_CHECKING:
    from polyspec.catalog.listing import ListedModel
    from polyspec.tui.model_app import ModelState

_PAUSE_S = 0.15
"""So long a model is marked before its tables are read, which holds others up."""
_MARKS = {
    "in use": ("● ", "$success"),
    "installed": ("○ ", "$success"),
    "damaged": ("! ", "$error"),
    "available": ("↓ ", "$accent"),
    "not tried by us": ("? ", "$muted"),
}


class ModelList(OptionList):
    """All models, one a line."""

    HELP = (
        "All models: ● in use, ○ installed, ↓ can be fetched, ? listed but not "
        "tried by us. Enter uses what is installed and fetches what is not."
    )


class ModelsScreen(Room):
    """The list at the left, the marked model at the right."""

    NAME = "models"
    AUTO_FOCUS = "#model-list"
    BINDINGS = [
        bind("ctrl+t", "use", "Use", "Use the marked model", "models.use"),
        bind("ctrl+n", "fetch", "Fetch", "Download the marked model", "models.fetch"),
        bind("escape", "stop", "Stop", "Stop the download", "models.stop"),
        bind(
            "ctrl+d",
            "draft",
            "Draft with",
            "Let the marked model draft for the one in use",
            "models.draft",
        ),
        bind("ctrl+r", "reread", "Reread", "Read the folders again", "models.reread"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._models: tuple[ListedModel, ...] = ()
        self._is_fetching = False
        self._pause: Timer | None = None

    def compose_room(self) -> ComposeResult:
        with Container(id="desk"):
            with Vertical(id="shelf") as shelf:
                shelf.border_title = "models"
                yield ModelList(id="model-list", compact=True)
            with VerticalScroll(id="card-side", can_focus=False) as side:
                side.border_title = "about"
                yield ModelCard(id="card")
        yield PullBar()

    def on_mount(self) -> None:
        super().on_mount()
        self.watch(self.app, "pull_state", self._show_pull)

    def show_model_state(self, state: "ModelState") -> None:
        super().show_model_state(state)
        self.action_reread()

    @on(OptionList.OptionHighlighted)
    def show_card(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        self._show_card()

    @on(OptionList.OptionSelected)
    def use_or_fetch(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        model = self._marked
        if model is not None and model.is_installed:
            self.action_use()
        else:
            self.action_fetch()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer what can be done with the marked model."""
        model = self._marked
        is_installed = model is not None and model.is_installed
        if action in ("use", "draft"):
            return is_installed
        if action == "fetch":
            return model is not None and not is_installed
        if action == "stop":
            return self.ui.pull_state is not None
        return True

    def action_use(self) -> None:
        """Load the marked model in place of the one in use."""
        model = self._marked
        if model is not None and model.is_installed:
            self.ui.load_model(model.name)
            self.status.show(f"{model.name} is in use for this run; F6 keeps it")

    def action_fetch(self) -> None:
        """Download the marked model."""
        model = self._marked
        if model is not None and not model.is_installed:
            self.ui.puller.start(model.name)

    def action_stop(self) -> None:
        """Stop the download; what was fetched stays."""
        self.ui.puller.stop()

    def action_draft(self) -> None:
        """Let the marked model draft."""
        model = self._marked
        if model is not None and model.is_installed:
            self.ui.switch_drafter(f"model:{model.name}")

    def action_reread(self) -> None:
        """Look into the folders again."""
        self._read_shelf()

    @property
    def _marked(self) -> "ListedModel | None":
        # Keys are asked for before the list is there, and when it is gone.
        lists = self.query(ModelList)
        index = lists.first().highlighted if lists else None
        if index is None or index >= len(self._models):
            return None
        return self._models[index]

    @work(thread=True, exclusive=True, group="shelf")
    def _read_shelf(self) -> None:
        try:
            models = read_models()
        except PolySpecError as error:
            self.app.call_from_thread(self.show_problem, error)
        else:
            self.app.call_from_thread(self._show_models, models)

    def _show_models(self, models: "tuple[ListedModel, ...]") -> None:
        options = self.query_one(ModelList)
        marked = options.highlighted if self._models else self._index_in_use(models)
        self._models = models
        options.clear_options()
        options.add_options(Option(_line(self._row(model))) for model in models)
        if models:
            options.highlighted = min(marked or 0, len(models) - 1)
        self._show_card()

    def _index_in_use(self, models: "tuple[ListedModel, ...]") -> int:
        name = self.ui.facts.name if self.ui.facts is not None else ""
        return next((i for i, model in enumerate(models) if model.name == name), 0)

    def _show_card(self) -> None:
        model = self._marked
        card = self.query_one(ModelCard)
        card.row = self._row(model) if model is not None else None
        card.tables = None
        if self._pause is not None:
            self._pause.stop()
        path = model.path if model is not None else ""
        self._pause = self.set_timer(_PAUSE_S, lambda: self._read_tables(path))
        self.refresh_bindings()

    @work(thread=True, exclusive=True, group="tables")
    def _read_tables(self, path: str) -> None:
        tables = read_tables(path)
        self.app.call_from_thread(self._show_tables, path, tables)

    def _show_tables(self, path: str, tables: tuple[TableLine, ...]) -> None:
        if self._marked is not None and self._marked.path == path:
            self.query_one(ModelCard).tables = tuple(
                (table.language, format_bytes(table.size_bytes), table.matches)
                for table in tables
            )

    def _show_pull(self, state: PullState | None) -> None:
        self.query_one(PullBar).state = state
        self.refresh_bindings()
        if self._is_fetching and state is None:
            self.action_reread()
        self._is_fetching = state is not None

    def _row(self, model: "ListedModel") -> ModelRow:
        facts = self.ui.facts
        if model.is_damaged:
            state = "damaged"
        elif facts is not None and facts.name == model.name:
            state = "in use"  # even where its file is gone by now
        elif model.is_installed:
            state = "installed"
        else:
            state = "available" if model.is_verified else "not tried by us"
        return ModelRow(
            name=model.name,
            state=state,
            size=format_bytes(model.size_bytes),
            languages=model.languages,
            licence=model.licence,
            memory=f"{format_bytes(model.min_memory_bytes)} of memory"
            if model.min_memory_bytes
            else "",
            role=model.role,
            path=model.path,
        )


def _line(row: ModelRow) -> Content:
    mark, style = _MARKS[row.state]
    return Content.assemble(
        (mark, style), f"{row.name:<30} ", (f"{row.size:>9}", "$muted")
    )
