"""The pages on the design are true: what they name exists, and flows flow.

A file is named by its path from the root; `file.py:name` and `module.name` are
definitions, those within functions and classes too.
"""

import ast
import dataclasses
import functools
import re
from pathlib import Path

import pytest

from behavior_transfer.agents import bt, ngu, r2d2

ROOT = Path(__file__).parent.parent
DESIGN = ROOT / "docs/design.md"
READMES = {
  ROOT / "agents/r2d2/README.md": r2d2.R2D2Config,
  ROOT / "agents/ngu/README.md": ngu.NGUConfig,
  ROOT / "agents/bt/README.md": bt.BTConfig,
}
PAGES = [DESIGN, *READMES]
ROOMS = ("agents", "envs", "launch", "experiments", "benchmarks")
SOURCES = [path for room in ROOMS for path in (ROOT / room).rglob("*.py")]
# What dotted names may begin with beside ours, and what ends names of files.
OTHERS = ("dm_env", "jax")
DATA = (".json", ".npz", ".toml")

each_page = pytest.mark.parametrize(
  "page", PAGES, ids=lambda page: str(page.relative_to(ROOT))
)


@functools.cache
def definitions(path):
  """{qualified name: names in its code}; dots also lead into functions."""
  found = {}

  def visit(node, prefix):
    for child in ast.iter_child_nodes(node):
      name = getattr(child, "name", None)
      if isinstance(child, ast.Assign | ast.AnnAssign):
        name = ast.unparse(getattr(child, "target", None) or child.targets[0])
      elif not isinstance(child, ast.FunctionDef | ast.ClassDef):
        visit(child, prefix)
        continue
      found[prefix + name] = {
        getattr(part, "attr", None) or getattr(part, "id", None)
        for part in ast.walk(child)
      }
      visit(child, f"{prefix}{name}.")

  visit(ast.parse(path.read_text()), "")
  return found


def is_defined(dotted):
  """Whether a module or class of ours has what is named behind its dot."""
  first, _, rest = dotted.partition(".")
  return any(
    dotted in definitions(path)
    or (path.stem == first and rest in definitions(path))
    for path in SOURCES
  )


def spans(text):
  """What stands between single backticks, outside of blocks of code."""
  text = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
  return re.findall(r"`([^`\n]+)`", text)


@each_page
def test_files_and_definitions_by_path_exist(page):
  named = re.findall(
    r"(?<![\w/<>.*-])([\w/]+\.py)(?::([A-Za-z_]\w*(?:\.\w+)*))?",
    page.read_text(),
  )
  assert named
  missing = [
    f"{path}:{name}" if name else path
    for path, name in named
    if not (ROOT / path).is_file()
    or (name and name not in definitions(ROOT / path))
  ]
  assert not missing


@each_page
def test_other_dotted_names_and_folders_exist(page):
  missing = []
  for span in spans(page.read_text()):
    if re.fullmatch(r"[A-Za-z_]\w*(\.\w+)+", span):
      known = span.endswith((*DATA, ".py")) or span.startswith(OTHERS)
      if not (known or is_defined(span)):
        missing.append(span)
    elif re.fullmatch(r"\w+(/\w+)*(/|\.md)", span):
      missing += [] if (ROOT / span).exists() else [span]
  assert not missing


@each_page
def test_links_lead_somewhere(page):
  links = re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text())
  local = [link for link in links if "://" not in link]
  assert local
  assert not [link for link in local if not (page.parent / link).exists()]


def flows():
  """{heading and number: files and functions, in the order of the table}."""
  found = {}
  for section in DESIGN.read_text().split("\n### ")[1:]:
    heading = section.partition("\n")[0]
    tables = re.findall(r"^\| file \| there .*\n((?:\|.*\n)+)", section, re.M)
    for number, table in enumerate(tables):
      rows = [line.split("|")[1:3] for line in table.splitlines()[1:]]
      found[f"{heading} {number}"] = [
        (spans(file)[0], name) for file, there in rows for name in spans(there)
      ]
  return found


def test_there_are_three_flows_for_two_engines():
  headings = [name.rpartition(" ")[0] for name in flows()]
  assert len(set(headings)) == 3
  assert all(headings.count(heading) >= 2 for heading in headings)


def are_joined(one, other):
  """Whether one's code names the other, or one is a part of the other."""

  def names(caller, callee):
    file, name = caller
    last = callee[1].rpartition(".")[2]
    return last in definitions(ROOT / file)[name] or callee == (
      file,
      name.rpartition(".")[0],
    )

  return names(one, other) or names(other, one)


@pytest.mark.parametrize("steps", flows().values(), ids=list(flows()))
def test_each_step_of_a_flow_calls_one_before_it_or_is_called(steps):
  missing = [
    f"{file}:{name}"
    for file, name in steps
    if not (ROOT / file).is_file() or name not in definitions(ROOT / file)
  ]
  assert not missing
  cut_off = [
    ":".join(step)
    for i, step in enumerate(steps)
    if i and not any(are_joined(step, before) for before in steps[:i])
  ]
  assert not cut_off


@pytest.mark.parametrize("page, config", READMES.items())
def test_settings_are_the_defaults(page, config):
  defaults = {f.name: str(f.default) for f in dataclasses.fields(config)}
  given = [
    match.groups()
    for span in spans(page.read_text())
    if (match := re.fullmatch(r"(\w+) = (\S+)", span))
  ]
  assert given
  assert not [
    f"{name} = {value}" for name, value in given if defaults[name] != value
  ]
