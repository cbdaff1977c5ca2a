"""The directive `generated`: parts of pages that the code itself knows.

A page says which by the name of a function of this file, and gives it what
stands in the directive:

    ```{generated} variants
    ```

Without Sphinx the functions give Markdown.
"""

import dataclasses
import importlib.util
import json
import pathlib
import subprocess
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from sphinx.util.docutils import SphinxDirective

from behavior_transfer import envs
from behavior_transfer.agents import bt, configs, ngu, r2d2
from behavior_transfer.envs import decoders
from behavior_transfer.experiments import presets, studies
from behavior_transfer.experiments.studies import scales

DOCS = pathlib.Path(__file__).resolve().parent
CONFIGS = (r2d2.R2D2Config, bt.BTConfig, ngu.NGUConfig)
_PREFIXES = {ngu.NGUConfig: "NGU: ", bt.BTConfig: "BT: "}

# Imports a program, parses the command lines on standard input, each a list of
# arguments, and tells the program's flags.
_ASK = """
import importlib, json, sys
from absl import flags
name = "behavior_transfer.experiments." + sys.argv[1]
module = importlib.import_module(name)
groups = flags.FLAGS.flags_by_module_dict()
told = {
  group: [
    (flag.name, (flag.default_as_str or "").strip("'"), flag.help)
    for flag in groups.get(group, ())
  ]
  for group in ("program", "study", "run", "launch", "environment", "agent")
}
for arguments in json.load(sys.stdin):
  flags.FLAGS(["program", *arguments])
print(json.dumps([module.__doc__, told]))
"""
_FLAGS_OF_CONFIG = "agent"


class Generated(SphinxDirective):
  """Puts what one of the functions below gives into the page."""

  required_arguments = 1
  has_content = True

  def run(self) -> list[Any]:
    function = globals()[self.arguments[0]]
    text = function(*self.content)
    return self.parse_text_to_nodes(text, allow_section_headings=True)


def setup(app: Any) -> dict[str, Any]:
  """Tells Sphinx of the directive."""
  app.add_directive("generated", Generated)
  # What it shows changes with the code, whatever the pages' own age.
  app.connect("env-get-outdated", lambda app, env, *_: env.found_docs)
  return {"parallel_read_safe": True}


def programs() -> list[str]:
  """Modules of `experiments` that are programs, sorted."""
  folder = DOCS.parent / "experiments"
  return [
    path.stem
    for path in sorted(folder.glob("*.py"))
    if '__name__ == "__main__"' in path.read_text()
  ]


def ask(
  program: str, commands: Sequence[Sequence[str]] = ()
) -> tuple[str, dict[str, list[Any]]]:
  """Its docstring, and its flags by group: name, default and help.

  Args:
    program: Name of a module in `experiments`.
    commands: Arguments that it must be able to parse.

  Raises:
    subprocess.CalledProcessError: It cannot.
  """
  # In a process of its own, since programs have flags of the same name.
  answer = subprocess.run(
    [sys.executable, "-c", _ASK, program],
    input=json.dumps(commands),
    stdout=subprocess.PIPE,
    check=True,
    text=True,
  )
  return json.loads(answer.stdout)


def flags() -> str:
  """What each program does, and its flags; those of configs are elsewhere."""
  parts, shown = [], {}
  for program in programs():
    text, groups = ask(program)
    parts.append(f"## {program}.py\n\n```text\n{text.strip()}\n```")
    for group, rows in groups.items():
      if not rows or group == _FLAGS_OF_CONFIG:
        continue
      known = shown.setdefault(group, {})
      new = [row for row in rows if tuple(row) not in known]
      others = {known[tuple(row)] for row in rows if row not in new}
      if others:
        names = " and ".join(f"`{name}.py`" for name in sorted(others))
        parts.append(f"Flags of the group *{group}*: as of {names}.")
      if new:
        parts.append(
          _table(
            (f"flag ({group})", "what it is"),
            (
              (f"`--{name}`", text + (f" Default: {value}." if value else ""))
              for name, value, text in new
            ),
          )
        )
      known.update({tuple(row): program for row in new})
  return "\n\n".join(parts)


def config(name: str) -> str:
  """Fields of an agent's config that those of all agents have not."""
  (kind,) = (kind for kind in CONFIGS if kind.__name__ == name)
  common = {
    field.name: field.default for field in dataclasses.fields(CONFIGS[0])
  }
  return _table(
    ("field", "what it is"),
    (
      (
        f"`{field.name}` = {field.default}",
        f"{field.metadata['help']}. Allowed:"
        f" {_allowed(field.metadata['allowed'])}. Source of the default:"
        f" {field.metadata['source']}.",
      )
      for field in dataclasses.fields(kind)
      if kind is CONFIGS[0] or common.get(field.name) != field.default
    ),
  )


def preset_fields() -> str:
  """What the presets set, beside one another."""
  names = sorted(presets.PRESETS)
  columns = []
  for name in names:
    preset = presets.PRESETS[name]
    columns.append(
      {
        **{
          field.name: getattr(preset, field.name)
          for field in dataclasses.fields(preset)
          if field.name != "configs"
        },
        **{
          _PREFIXES.get(kind, "") + key: value
          if not callable(value)
          else "by the game"
          for kind, values in preset.configs.items()
          for key, value in values.items()
        },
      }
    )
  defaults = {
    _PREFIXES.get(kind, "") + field.name: field.default
    for kind in CONFIGS
    for field in dataclasses.fields(kind)
  }
  rows = dict.fromkeys(key for column in columns for key in column)
  return _table(
    ("", *(f"`{name}`" for name in names)),
    (
      (key, *(column.get(key, defaults.get(key)) for column in columns))
      for key in rows
    ),
  )


def variants() -> str:
  """Variants with rewards of their own, and what their events pay."""
  return _table(
    ("variant", "pays"),
    (
      (f"`{name}`", _listed(variant.rewards))
      for name in envs.names()
      if (variant := envs.variant(name)).rewards is not None
    ),
  )


def events() -> str:
  """The events of each game that has a decoder."""
  parts = []
  for game in (*sorted(decoders.DECODERS), "maze"):
    rows = envs.variant(game).events.items()
    parts.append(f"## {game}")
    parts.append(
      _table(
        ("event", "points", "what happened"),
        ((f"`{n}`", e.native_value, e.description) for n, e in rows),
      )
    )
  return "\n\n".join(parts)


def study_table() -> str:
  """The studies."""
  return _table(
    ("study", "what it compares", "games", "arms"),
    (
      (
        f"`{study.name}`",
        f"{study.title} (`--scale={study.scale}`)",
        len(study.games) if len(study.games) > 6 else ", ".join(study.games),
        ", ".join(study.arms),
      )
      for study in studies.STUDIES.values()
    ),
  )


def scale_table() -> str:
  """The scales of studies."""
  return _table(
    ("scale", "for", "frames", "of pre-training", "seeds, at most", "flags"),
    (
      (
        f"`{scale.name}`",
        scale.suits,
        scale.frames,
        scale.pretraining_frames,
        scale.seeds,
        " ".join(f"`--{name}={value}`" for name, value in scale.flags.items()),
      )
      for scale in scales.SCALES.values()
    ),
  )


def choices(*lines: str) -> str:
  """Defaults of config fields, beside why.

  Args:
    *lines: `field: why` each.
  """
  defaults = {
    field.name: field.default
    for kind in CONFIGS
    for field in dataclasses.fields(kind)
  }
  rows = (line.split(": ", 1) for line in lines)
  return _table(
    ("field", "value", "because"),
    ((f"`{name}`", defaults[name], why) for name, why in rows),
  )


def builders() -> str:
  """The builders' documentation, where there is an Acme to import."""
  if importlib.util.find_spec("acme") is None:
    return "Their documentation is built where there is a dm-acme."
  agents = "behavior_transfer.agents"
  return f"""```{{eval-rst}}
.. autoclass:: {agents}.r2d2.R2D2Builder
.. autoclass:: {agents}.bt.BTBuilder
.. autoclass:: {agents}.ngu.NGUBuilder
.. autoclass:: {agents}.acme.builder.Builder
   :members:
   :undoc-members:
.. autoclass:: {agents}.acme_compat.Acme040Builder
   :members:
   :undoc-members:
```"""


def notebook(name: str) -> str:
  """The cells of a notebook, without what they print."""
  cells = json.loads((DOCS / name).read_text())["cells"]
  return "\n\n".join(
    text if cell["cell_type"] == "markdown" else f"```python\n{text}\n```"
    for cell in cells
    for text in ["".join(cell["source"])]
  )


def _allowed(values: configs.Range | tuple) -> str:
  if isinstance(values, configs.Range):
    return str(values)
  return ", ".join(map(str, values)) or "any"


def _listed(rewards: Any) -> str:
  return ", ".join(f"`{e}` {value:g}" for e, value in rewards.items() if value)


def _table(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
  lines = [header, ["---"] * len(header), *rows]
  return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)


def _cell(value: Any) -> str:
  if isinstance(value, int) and not isinstance(value, bool):
    return f"{value:,}"
  return str(value).replace("|", "\\|").replace("\n", " ")
