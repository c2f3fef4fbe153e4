"""The smallest profiles, and folders of profiles for a shelf."""

from pathlib import Path

SMALL = "name: x\nversion: 1\nformat: csv\ntaxonomy_version: 5\nevent_type: type\n"
SMALL_XML = "name: x\nversion: 1\nformat: xml\nrecord: a/b\ntaxonomy_version: 5\nevent_type: t\n"
SMALL_JSON = "name: x\nversion: 1\nformat: json\ntaxonomy_version: 5\nevent_type: /t\n"


def write_profile(folder: Path, text: str | None = None, **beside: str) -> Path:
    """A folder with a profile (a small one of the folder's name) and the files ``beside`` it."""
    folder.mkdir(parents=True)
    text = text or SMALL.replace("name: x", f"name: {folder.name}")
    (folder / "profile.yaml").write_text(text, encoding="utf-8")
    for name, content in beside.items():
        (folder / name).write_text(content, encoding="utf-8")
    return folder
