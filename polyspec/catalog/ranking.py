"""Which model of the catalogue is the best for a task."""

from polyspec.catalog.manifest import Catalogue, ModelEntry, Role
from polyspec.catalog.task import Task


def rank_models(catalogue: Catalogue, task: Task) -> dict[str, int]:
    """The place of each target of the catalogue, 0 for the best.

    The catalogue's own order is for the languages of each model. One that does nothing
    but translate is otherwise worth a little more than the model that it changes, where
    it may be able to read the text, and less than all where it is not.
    """
    entries = [entry for entry in catalogue.model if entry.role is Role.TARGET]
    places = {entry.name: float(place) for place, entry in enumerate(entries)}
    for entry in entries:
        if entry.translates is not None and not _is_made_for(entry, task):
            can_read = task.source in {None, *entry.translates.sources}
            if can_read and not task.is_general:
                places[entry.name] = places.get(entry.base or "", len(entries)) - 0.5
            else:
                places[entry.name] = len(entries)
    ranked = sorted(places, key=lambda name: places[name])
    return {name: place for place, name in enumerate(ranked)}


def _is_made_for(entry: ModelEntry, task: Task) -> bool:
    return (
        entry.translates is not None
        and not task.is_general
        and task.source in entry.translates.sources
        and task.target in entry.translates.targets
    )
