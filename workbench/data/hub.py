"""Data sets on the hub, through the `datasets` library: data files only, never a script of somebody's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from workbench.data.assemble import assemble, label_column, rows_of
from workbench.data.columns import Columns
from workbench.data.corpus import Corpus
from workbench.data.table import Table, distinct_columns
from workbench.errors import BadInput, EmptyData, MissingResource, NotFound


def load_from_hub(data: str, columns: Columns) -> Corpus:
    """Return the corpus of the hub data set 'owner/name', 'owner/name/configuration', either with '@split'.

    Without '@split' it is the only split or 'test'. The revision that was downloaded goes into the corpus's source. A
    label column with class names gives these, in the data set's order.

    Raises:
        NotFound: no such data set, configuration, split or column.
        MissingResource: the hub cannot be reached.
    """
    import datasets
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError, RepositoryNotFoundError

    address, _, wanted = data.partition("@")
    owner, name, *configuration = address.split("/")
    repository = f"{owner}/{name}"
    try:
        info = HfApi().dataset_info(repository)
        loaded = datasets.load_dataset(repository, *configuration, revision=info.sha)
    except RepositoryNotFoundError as error:
        raise NotFound(f"no data set {repository!r} on the hub, or it is not public; check the name") from error
    except (HfHubHTTPError, OSError) as error:  # OSError: connection errors, also those of the offline mode
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise MissingResource(f"cannot download {repository!r} from the hub: {first}; or save it as a file") from error
    except (ValueError, RuntimeError) as error:
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise BadInput(f"cannot read the hub data set {address!r}: {first}") from error
    split = _split(list(loaded), wanted, address)
    table = _table(loaded[split], f"{address}@{split}", f"hub data set {address}, split {split}, revision {info.sha}")
    rows = rows_of(table, columns)
    names = _class_names(loaded[split], label_column(table, columns))
    licence = getattr(info.card_data, "license", None) if info.card_data else None
    return assemble(
        rows,
        name=address,
        source=table.source,
        licence=", ".join(licence) if isinstance(licence, list) else licence or "unknown",
        labels=names if names and {label for label in rows.labels if label is not None} <= set(names) else None,
    )


def _split(splits: Sequence[str], wanted: str, address: str) -> str:
    if wanted:
        if wanted not in splits:
            raise NotFound.among("split", wanted, splits, where=f"the hub data set {address}")
        return wanted
    if len(splits) == 1:
        return splits[0]
    if "test" in splits:
        return "test"
    raise BadInput(f"the hub data set {address} has the splits {', '.join(splits)}; name one: {address}@{splits[0]}")


def _table(part: Any, name: str, source: str) -> Table:
    if not len(part):
        raise EmptyData(f"{name} has no rows")

    def read(column: str) -> Sequence[object]:
        values: list[object] = list(part[column])
        classes = _class_names(part, column)
        if not classes:
            return values
        # -1 stands for "not labelled" where a data set hides its answers.
        return [classes[v] if isinstance(v, int) and 0 <= v < len(classes) else None for v in values]

    return Table(name, distinct_columns(part.column_names, name), len(part), read, source)


def _class_names(part: Any, column: str) -> tuple[str, ...]:
    return tuple(getattr(part.features.get(column), "names", None) or ())
