"""Files and sample tables of an MLflow run, sent when they changed or are missing."""

import json
import tempfile
from pathlib import Path
from typing import Any

from harness.storage.hashing import digest, file_digest
from harness.tracking.records import Artifact, Part, SampleTable

_TABLES = "mlflow.loggedArtifacts"  # where MLflow's page looks for tables
#: The tag that holds a digest of the files that were sent.
FILES = "nca.files"


def send_files(client: Any, run: Any, part: Part) -> None:
    """Send the files and sample tables of a part, unless the run holds them already."""
    if not part.files and not part.tables:
        return
    run_id = run.info.run_id
    with tempfile.TemporaryDirectory() as folder:
        written = [_written(t, Path(folder) / f"{stem}.json") for stem, t in part.tables.items()]
        files = (*part.files, *map(Artifact, written))
        mark = digest({_place(file): file_digest(file.path) for file in files}, 16)
        if run.data.tags.get(FILES) == mark and not absent(client, run_id, part):
            return
        for file in files:
            client.log_artifact(run_id, str(file.path), file.folder or None)
    logged = [{"path": f"{stem}.json", "type": "table"} for stem in part.tables]
    client.set_tag(run_id, _TABLES, json.dumps(logged))
    client.set_tag(run_id, FILES, mark)


def absent(client: Any, run_id: str, part: Part) -> list[str]:
    """Return the names of the files and tables that an MLflow run lacks."""
    names = [_place(file) for file in part.files] + [f"{stem}.json" for stem in part.tables]
    folders = dict.fromkeys(name.rpartition("/")[0] for name in names)
    present = {
        file.path for folder in folders for file in client.list_artifacts(run_id, folder or None)
    }
    return [name for name in names if name not in present]


def _place(file: Artifact) -> str:
    return f"{file.folder}/{file.path.name}" if file.folder else file.path.name


def _written(table: SampleTable, file: Path) -> Path:
    """Write a table in the format of MLflow's `log_table`."""
    content = {"columns": table.columns, "data": table.rows}
    # A text may hold half of a surrogate pair, which is no character: it stays escaped.
    file.write_text(json.dumps(content), encoding="utf-8")
    return file
