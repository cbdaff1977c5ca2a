"""README's frame; what it says in commands and code, test_docs.py checks."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()


def test_it_is_no_longer_than_one_reads():
  assert len(README.splitlines()) <= 200


def test_the_paths_it_names_exist():
  links = re.findall(r"\]\((?!https?:)([^)]+)\)", README)
  folders = re.findall(r"^\| `(\w+)/` ", README, re.MULTILINE)
  names = re.findall(r"`([\w-]+\.(?:lock|md|cff))`", README)
  assert links and names and {"agents", "envs"} <= set(folders)
  for name in (*links, *folders, *names):
    assert (ROOT / name).exists(), name
