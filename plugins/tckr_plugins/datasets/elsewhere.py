"""One's own data in tables: any dataset of the hub by its identifier, and files or folders at a path."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tckr_bench.datasets.fetching import FetchPlan, Whereabouts
from tckr_bench.errors import DatasetError
from tckr_plugins.datasets.catalogue import HubSource
from tckr_plugins.datasets.fetching import plan_fetch
from tckr_plugins.datasets.finding import tables_at, tables_in_cache
from tckr_plugins.datasets.folders import FolderFacts
from tckr_plugins.datasets.hub import HubRemote
from tckr_plugins.datasets.layout import Wanted
from tckr_plugins.datasets.tabledataset import ClassOrder, TableDataset, TableFiles
from tckr_plugins.datasets.tables import Columns

if TYPE_CHECKING:
    from collections.abc import Callable

    from tckr_plugins.datasets.hub import Remote
    from tckr_plugins.datasets.options import HubOptions, ParquetOptions
    from tckr_plugins.datasets.tables import NamedLabels


class HubDataset(TableDataset):
    """A dataset of the hub by its identifier, used from the Hugging Face cache."""

    def __init__(self, source: HubSource, *, remote: Remote | None = None) -> None:
        """Take where the dataset lies and how it is laid out."""
        name = source.id.rpartition("/")[2]
        super().__init__(
            self._cached, FolderFacts(name, f"hub:{source.id}", "as found", "see its card"), order=own_order
        )
        self._hub_source = source
        self._remote = remote or HubRemote(source.id, source.revision)

    def whereabouts(self) -> Whereabouts | None:
        """Return where the cached copy lies and its counts; None where there is none."""
        if tables_in_cache(self._hub_source) is None:
            return None
        return Whereabouts(str(self._table.root), self.count())

    def published(self) -> None:
        """Return None: nothing is known of it."""

    @property
    def download_size(self) -> None:
        """None: it is known only once the hub has been asked."""

    def plan_fetch(self, *, limit_per_class: int | None) -> FetchPlan:
        """Ask the hub for the files of the splits.

        Raises:
            DatasetError: the hub cannot be reached, or a limit is asked for.
        """
        if limit_per_class:
            raise DatasetError("a limited copy is made of the paper's datasets only; leave --limit-per-class away")
        self._require_identifier()
        return plan_fetch(self._remote, self._hub_source)

    def fetch(self, plan: FetchPlan, *, progress: Callable[[float], None]) -> None:
        """Fetch into the Hugging Face cache; the library shows its own progress."""
        self._remote.download(plan.files)
        progress(1.0)

    def _cached(self) -> TableFiles:
        self._require_identifier()
        found = tables_in_cache(self._hub_source)
        if found is None:
            raise DatasetError(
                f"the dataset 'hub:{self._hub_source.id}' is not on this computer; fetch it with "
                f"`tckr-bench datasets prepare hub:{self._hub_source.id}`, which says first how large it is"
            )
        return found

    def _require_identifier(self) -> None:
        if not self._hub_source.id:
            raise DatasetError("the dataset 'hub' needs an identifier; write hub:OWNER/NAME")


def hub_dataset(options: HubOptions) -> HubDataset:
    """Return a dataset of the hub."""
    return HubDataset(HubSource(**options.model_dump()))


def parquet_dataset(options: ParquetOptions) -> TableDataset:
    """Return the dataset in parquet or Arrow files at a path; the path is not part of what is published."""
    wanted = Wanted(options.configuration, options.train_split, options.test_split)
    columns = Columns(options.image_column, options.label_column)
    return TableDataset(
        lambda: tables_at(options.path, wanted, columns, test_fraction=options.test_fraction),
        FolderFacts("parquet", "local parquet files", "as found", "not stated"),
        order=own_order,
    )


def own_order(found: NamedLabels) -> ClassOrder:
    """Return the classes in the order of the files, with spaces for underscores.

    Raises:
        DatasetError: a class has no name, or two have the same.
    """
    spelled = [name.replace("_", " ").strip() for name in found.names]
    for position, name in enumerate(spelled):
        if not name:
            raise DatasetError(f"the class '{found.names[position]}' has no name; give it one")
        if name in spelled[:position]:
            raise DatasetError(f"two classes are both called '{name}'; rename one of them")
    return ClassOrder(tuple(spelled), {name: position for position, name in enumerate(found.names)})
