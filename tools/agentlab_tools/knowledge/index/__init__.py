"""An index: a store of passages, the embedder that made their vectors, and a list of files.

    with open_index("my-index", embedder="minilm") as index:
        report = index.update(Path("docs"))          # new and changed files only
        vector = index.embedder.embed(["how?"])[0]
        for match in index.store.search(vector, 5): …

One folder holds all of it. What was chosen when it was made (embedder, store, sizes) is kept in it,
so later `open_index("my-index")` is enough.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any

from agentlab.errors import ConfigError
from agentlab_tools.knowledge.embed import DEFAULT, open_embedder, shown_spec
from agentlab_tools.knowledge.index.manifest import FILE, Manifest
from agentlab_tools.knowledge.index.update import Progress, Report, Update
from agentlab_tools.knowledge.ingest import Problem, Sizes
from agentlab_tools.knowledge.stores import Kind, open_store
from agentlab_tools.knowledge.types import Embedder, Source, Store

__all__ = ["Index", "Problem", "Progress", "Report", "embedder_of", "open_index"]


@dataclass
class Index:
    """An open index. Close it, or use it in a `with` block.

    Attributes:
        path: its folder.
        store: its passages and vectors.
        sizes: how its passages are cut.
    """

    path: Path
    store: Store
    sizes: Sizes
    _manifest: Manifest
    _spec: str
    _embedder: Embedder | None
    _options: dict[str, Any]

    @cached_property
    def embedder(self) -> Embedder:
        """What made its vectors; loaded when it is first used.

        Raises:
            ConfigError: it can't be had, or is no longer the same model.
        """
        opened = self._embedder or open_embedder(self._spec, **self._options)
        if opened.identity != self.store.identity:
            raise ConfigError(
                f"{self._spec} is {opened.identity.model} now, but the index at {self.path} was "
                f"made with {self.store.identity.model}: index into another place"
            )
        return opened

    @property
    def roots(self) -> dict[str, Path]:
        """The folders that are indexed, by what the names of their files begin with."""
        return self._manifest.roots()

    @property
    def files(self) -> int:
        """How many files are indexed."""
        return self._manifest.count()

    def update(
        self,
        root: Path,
        *,
        label: str | None = None,
        max_bytes: int | None = None,
        progress: Callable[[Progress], None] | None = None,
        batch: int = 512,
    ) -> Report:
        """Bring the index up to date with a folder, or with one file; see `update`.

        Args:
            root: a folder, or a file.
            label: what names of its files begin with; the folder's own name where not given.
            max_bytes: what one file may hold; by default 20 MB, for PDF 200.
            progress: told how far it is.
            batch: how many passages are embedded and stored at a time.

        Raises:
            ConfigError: there is no such folder, another one has its label, or another process is
                writing to this index.
            BackendError: the embedder failed. What was done stays done.
        """
        root = root.expanduser().resolve()
        label = label or root.name or "root"
        with self._manifest.writing():
            other = self.roots.get(label)
            # one that is no longer there has moved
            if other is not None and other != root and other.exists():
                raise ConfigError(
                    f"{label!r} in the index at {self.path} is {other} already: give {root} "
                    "another name with --as, or index it into another place"
                )
            update = Update(
                self._manifest,
                self.store,
                self.embedder,
                root,
                label,
                self.sizes,
                max_bytes=max_bytes,
                progress=progress,
                batch=batch,
            )
            if root.exists():
                self._manifest.add_root(label, root)
            return update.run()

    @property
    def missing(self) -> dict[str, Path]:
        """The folders that are no longer where they were; what was read of them is still found."""
        return {label: path for label, path in self.roots.items() if not path.exists()}

    def remove(self, label: str) -> int:
        """Take a folder out of the index, with all its passages; how many files that were.

        Raises:
            ConfigError: no folder has that label, or another process is writing to this index.
        """
        with self._manifest.writing():
            if label not in self.roots:
                known = ", ".join(sorted(self.roots)) or "nothing yet"
                raise ConfigError(f"{label!r} is not in the index at {self.path}; it has: {known}")
            files = self._manifest.files(label)
            self._manifest.drop_root(label)
            kept = set(self._manifest.ids())
            self.store.delete([id for one in files.values() for id in one.ids if id not in kept])
            return len(files)

    def path_of(self, source: Source) -> Path:
        """The file that a passage comes from; it may have changed or gone since.

        Raises:
            ConfigError: it belongs to no folder of this index.
        """
        label, _, name = source.file.partition("/")
        root = self.roots.get(label)
        if root is None:
            raise ConfigError(f"{source.file} is in no folder of the index at {self.path}")
        return root / name if name else root

    def close(self) -> None:
        """Let go of all files."""
        self.store.close()
        self._manifest.close()

    def __enter__(self) -> Index:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def embedder_of(path: str | Path) -> str:
    """The name of an index's embedder, for `open_embedder`; the default's where there is no index.

    Raises:
        ConfigError: the index is damaged.
    """
    folder = Path(path).expanduser()
    if not (folder / FILE).is_file():
        return DEFAULT
    manifest = Manifest(folder)
    try:
        return manifest.about("embedder") or DEFAULT
    finally:
        manifest.close()


def open_index(
    path: str | Path,
    *,
    embedder: str | Embedder | None = None,
    store: Kind | None = None,
    sizes: Sizes | None = None,
    create: bool = False,
    **options: Any,
) -> Index:
    """Open an index.

    Args:
        path: its folder.
        embedder: a name for `open_embedder`, or an embedder; None for the index's own.
        store: which kind of store; None for the index's own, or else the default.
        sizes: how passages are cut; files are read again where it changes.
        create: make the index where there is none.
        options: for `open_embedder`, e.g. `api_key`.

    Raises:
        ConfigError: there is no index, or it was made with another embedder or store.
    """
    folder = Path(path).expanduser()
    nothing = f"there is no index at {folder}: make one with `agentlab index FOLDER`"
    if not create and not (folder / FILE).is_file():
        raise ConfigError(nothing)
    manifest = Manifest(folder)
    try:
        spec = manifest.about("embedder")
        if spec is None and not create:  # making one was begun, and did not come far
            raise ConfigError(nothing)
        given = None if embedder is None or isinstance(embedder, str) else embedder
        if isinstance(embedder, str) or spec is None:
            spec = embedder if isinstance(embedder, str) else DEFAULT
            given = given or open_embedder(spec, **options)
        opened = open_store(folder, None if given is None else given.identity, store)
        if sizes is None:
            usual = Sizes()
            sizes = Sizes(
                tokens=int(manifest.about("tokens") or usual.tokens),
                overlap=int(manifest.about("overlap") or usual.overlap),
            )
        manifest.note(
            embedder=shown_spec(spec), tokens=str(sizes.tokens), overlap=str(sizes.overlap)
        )
    except BaseException:
        manifest.close()
        raise
    return Index(folder, opened, sizes, manifest, spec, given, options)
