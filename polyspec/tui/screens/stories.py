"""Writing stories: a theme in, a story out, as it is written."""

from pathlib import Path

from textual import on
from textual.app import ComposeResult
from textual.containers import Container

from polyspec.errors import DocumentError, PolySpecError
from polyspec.languages import Language, find_language
from polyspec.tui.bindings import bind
from polyspec.tui.jobs import StoryJob
from polyspec.tui.screens.ask import AskScreen
from polyspec.tui.screens.writing import WritingRoom
from polyspec.tui.widgets.language_bar import describe_language
from polyspec.tui.widgets.story.form import MAX_WORDS, StoryForm
from polyspec.tui.widgets.target.pane import TargetPane

_MAX_NAME_CHARS = 48


class StoriesScreen(WritingRoom):
    """Wishes at the left or above, the story beside or below."""

    NAME = "stories"
    AUTO_FOCUS = "#theme"
    BINDINGS = [
        bind("ctrl+t", "tell", "Write", "Write a story, or another", "stories.write"),
        bind("escape", "stop", "Stop", "Stop writing", "stories.stop"),
        bind("ctrl+n", "go_on", "Continue", "Go on with the story", "stories.continue"),
        bind("ctrl+s", "save", "Save", "Save the story as Markdown", "stories.save"),
        bind("ctrl+l", "pick", "Language", "Pick the language", "stories.language"),
        bind("f9", "copy", "Copy", "Copy the story", "stories.copy"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._language = find_language("en")
        self._title = ""
        self._so_far = ""
        """The story that the current run goes on with; empty for a new one."""
        self._told_of = ""
        """The model whose stories were said to be poor."""

    def compose_room(self) -> ComposeResult:
        with Container(id="desk"):
            yield StoryForm()
            yield TargetPane("Say what it is about, then press ctrl+t", title="story")

    def on_mount(self) -> None:
        super().on_mount()
        self._language = self.ui.languages.target or self.ui.languages.source
        self._show_language()
        self._take_back()

    def texts_to_keep(self) -> dict[str, str]:
        return {"theme": self.form.theme, "story": self.target.fresh_text}

    def _take_back(self) -> None:
        """Show the story of a run that was ended from outside."""
        texts = self.ui.texts_back
        theme, story = texts.pop("theme", ""), texts.pop("story", "")
        if theme.strip() or story.strip():
            self.form.theme = self._title = theme
            self.target.show_text(story)
            self.status.show("this is your story from last time")

    @property
    def form(self) -> StoryForm:
        return self.query_one(StoryForm)

    @on(StoryForm.LanguageWanted)
    def open_list(self, event: StoryForm.LanguageWanted) -> None:
        event.stop()
        self.action_pick()

    @on(StoryForm.Wished)
    def tell_now(self, event: StoryForm.Wished) -> None:
        event.stop()
        self.action_tell()

    def action_tell(self) -> None:
        """Write a story as wished, in place of the one that is there."""
        self._write("")

    def action_go_on(self) -> None:
        """Go on with the story that is there."""
        if self.target.fresh_text.strip():
            self._write(self.target.fresh_text)

    def action_stop(self) -> None:
        """Stop; what is written stays."""
        self.cancel()

    def action_pick(self) -> None:
        """Pick the language of the story."""
        self.ui.ask_language("Language of the story", self._language, self._take)

    def action_copy(self) -> None:
        """Copy the story."""
        text = self.target.selected_text or self.target.fresh_text
        if text:
            self.app.copy_to_clipboard(text)
            self.status.show("story copied")

    def action_save(self) -> None:
        """Save the story as Markdown, under a name that is asked for."""
        text = self.target.fresh_text.strip()
        if not text:
            self.status.show("there is no story yet")
            return
        name = f"{file_name(self._title)}.md"
        self.app.push_screen(
            AskScreen("Save the story as", "name.md", name),
            lambda path: self._save(path, text),
        )

    def show_begin(self) -> None:
        """Keep what is continued; clear what is replaced."""
        if not self._so_far:
            super().show_begin()
        facts = self.ui.facts
        if facts is not None and facts.only_translates and facts.name != self._told_of:
            self._told_of = facts.name
            self.notify(
                f"{facts.name} was made to translate and writes poor stories; "
                "F5 offers others",
                severity="warning",
                markup=False,
            )

    def _write(self, so_far: str) -> None:
        wish = self.form.wish
        if wish is None:
            self.status.show_problem(
                f"words go from 1 to {MAX_WORDS}, the temperature from 0 to 10"
            )
            return
        if not wish.theme and not so_far:
            self.status.show_problem("say what the story is about")
            return
        self._so_far = so_far
        self._title = wish.theme
        self.start(
            StoryJob(
                self.post_message,
                self.ui.next_run(),
                theme=wish.theme or self._title,
                language=self._language.tag,
                num_words=wish.num_words,
                temperature=wish.temperature,
                so_far=so_far,
            )
        )

    def _take(self, language: Language) -> None:
        self._language = language
        self._show_language()

    def _show_language(self) -> None:
        self.form.language_name = describe_language(self._language)

    def _save(self, name: str | None, text: str) -> None:
        if not name:
            return
        try:
            path = save_story(name, self._title, text)
        except PolySpecError as error:
            self.show_problem(error)
        else:
            self.status.show(f"saved as {path}")


def file_name(title: str) -> str:
    """A name for a file, made of a title's letters and digits."""
    kept = "".join(char if char.isalnum() else " " for char in title)
    return "-".join(kept.split())[:_MAX_NAME_CHARS].strip("-") or "story"


def save_story(name: str, title: str, text: str) -> Path:
    """Write a story as Markdown into a new file.

    Raises:
        DocumentError: There is such a file already, or it cannot be written.
    """
    from polyspec.documents.output_file import open_output

    path = Path(name).expanduser()
    if path.exists():
        raise DocumentError(
            f"{path} is there already",
            cause="a story never takes the place of another file",
            remedy="choose another name",
        )
    heading = " ".join(title.split())
    with open_output(path) as output:
        output.write(f"# {heading}\n\n{text}\n" if heading else f"{text}\n")
    return path
