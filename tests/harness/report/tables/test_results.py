"""What is committed under results/ is what `make results` makes of the result files."""

import re
from importlib.metadata import version
from pathlib import Path

import pytest

from harness.report.tables.build import build

HOME = Path(__file__).parents[4]
RESULTS = HOME / "results"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which everything was made anew."""
    out = tmp_path_factory.mktemp("results")
    for _ in build(RESULTS, out):
        pass
    return out


def _files(folder: Path, kinds: str) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if re.fullmatch(kinds, path.suffix) and path.name != "README.md"
    }


def test_every_table_is_what_its_result_files_give(built: Path) -> None:
    tables = r"\.(md|tex|csv|html)"
    assert _files(built, tables) == _files(RESULTS, tables)


def test_every_picture_is_what_its_result_files_give(built: Path) -> None:
    pinned = re.search(
        r"^matplotlib==(\S+)", (HOME / "constraints-cpu.txt").read_text(), re.MULTILINE
    )
    assert pinned
    pictures = r"\.(png|svg)"
    made, kept = _files(built, pictures), _files(RESULTS, pictures)
    assert list(made) == list(kept)
    if version("matplotlib") != pinned[1]:
        pytest.skip(f"pictures were drawn by matplotlib {pinned[1]}, here is another")
    assert [name for name in made if made[name] != kept[name]] == []
