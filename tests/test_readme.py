"""README and how-to are true: their code runs, and what they name exists."""

import dataclasses
import re
import subprocess
import sys
from pathlib import Path

import pytest

from behavior_transfer import envs
from behavior_transfer.agents import bt, ngu
from behavior_transfer.experiments import pretrained_policies, studies, workdirs

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
MODDING = (ROOT / "docs/modding.md").read_text()
BLOCKS = re.findall(
  r"^```(\w+)\n(.*?)^```$", README + MODDING, re.MULTILINE | re.DOTALL
)


def blocks(language):
  found = [text for name, text in BLOCKS if name == language]
  assert found
  return found


def commands():
  lines = "".join(blocks("bash")).splitlines()
  return [line.partition("#")[0].split() for line in lines]


def table(heading):
  """Rows of the table with a heading: lists of cells without backticks."""
  rows = README.split(f"| {heading} |", 1)[1].split("\n\n", 1)[0]
  lines = rows.splitlines()[2:]
  return [[cell.strip(" `") for cell in row.split("|")[1:-1]] for row in lines]


@pytest.mark.parametrize(
  "program",
  [
    pytest.param(text, marks=pytest.mark.acme if "import acme" in text else ())
    for text in blocks("python")
  ],
)
def test_its_python_runs(program, tmp_path):
  result = subprocess.run(
    [sys.executable, "-c", program],
    cwd=tmp_path,
    text=True,
    stdout=subprocess.PIPE,
    stderr=subprocess.STDOUT,
  )
  assert result.returncode == 0, result.stdout
  assert "Exception ignored" not in result.stdout
  assert "unmaintained" not in result.stdout


def test_its_make_targets_exist():
  makefile = (ROOT / "Makefile").read_text()
  named = set(re.findall(r"`make ([a-z-]+)", README))
  named |= {words[1] for words in commands() if words[0] == "make"}
  assert named
  for target in named:
    assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_its_programs_have_the_flags_it_gives_them():
  calls = [words for words in commands() if words[0] == ".venv/bin/python"]
  help_texts = {}
  for _, script, *arguments in calls:
    if script not in help_texts:
      help_ = "--helpfull" if script.startswith("experiments") else "--help"
      help_texts[script] = subprocess.check_output(
        [sys.executable, ROOT / script, help_], text=True
      )
    for argument in arguments:
      name = argument.partition("=")[0]
      if name.startswith("--"):
        found = re.search(rf"{name}\b", help_texts[script].replace("[no]", ""))
        assert found, f"{script} {argument}"
  flags = "".join(help_texts.values()).replace("--[no]", "--")
  for name in re.findall(r"`(--\w+)", README):
    plain = name.replace("--no", "--", 1)
    assert f"{name}:" in flags or f"{plain}:" in flags, name


def test_its_bundled_policies_are_there():
  names = set(re.findall(r"`(\w+_ngu)`", README))
  assert names == {n for n in pretrained_policies.BUNDLED if n.endswith("_ngu")}


def test_its_other_commands_are_known():
  for words in commands():
    assert words[0] in ("make", ".venv/bin/python") or words[:3] == [
      "pip",
      "install",
      ".",
    ]


def test_the_paths_it_names_exist():
  for folder, *_ in table("folder | holds | knows of"):
    assert (ROOT / folder).is_dir()
  for name in re.findall(r"`([\w-]+\.(?:lock|md))`", README):
    assert (ROOT / name).is_file()


def test_its_variants_pay_what_it_says():
  rows = table("variant | pays")
  described = {name for name, _ in rows}
  modded = {n for n in envs.names() if envs.variant(n).rewards is not None}
  assert described == modded
  for name, pays in rows:
    events = re.findall(r"(\w+)` (-?[\d.]+)", f"`{pays}")
    rewards = envs.variant(name).rewards
    paying = {event: value for event, value in rewards.items() if value}
    assert {event: float(value) for event, value in events} == paying


@pytest.mark.parametrize("text", blocks("toml"))
def test_its_variant_files_are_some(tmp_path, text):
  (tmp_path / "mine.toml").write_text(text)
  with envs.make(str(tmp_path / "mine.toml"), seed=0) as environment:
    assert environment.reset().first()


def test_its_studies_are_all_there_are():
  described = [name for name, _ in table("study | what it compares")]
  assert sorted(described) == sorted(studies.STUDIES)


def test_its_choices_are_the_defaults():
  fields = *dataclasses.fields(ngu.NGUConfig), *dataclasses.fields(bt.BTConfig)
  defaults = {field.name: str(field.default) for field in fields}
  for name, value, _ in table("field | value | because"):
    assert defaults[name] == value


def test_the_messages_it_explains_are_printed(tmp_path):
  with pytest.raises(ValueError) as unknown:
    envs.variant("qwerty")
  (tmp_path / "thesis.tex").touch()
  with pytest.raises(ValueError) as foreign:
    workdirs.Workdir(tmp_path, {})
  messages = str(unknown.value), str(foreign.value)
  explained = "No variant is called", "is not empty and holds no"
  for message, part in zip(messages, explained, strict=True):
    assert part in message and part in README
  # This one is printed by test_bootstrap.py.
  assert ": none on PATH or under pyenv" in README
