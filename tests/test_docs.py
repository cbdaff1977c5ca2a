"""The pages are true: their commands and code run, what they name exists."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import nbclient
import nbformat
import pytest

from behavior_transfer import envs
from behavior_transfer.experiments import (
  command,
  pretrained_policies,
  workdirs,
)
from tests.experiments import programs

sys.path.append(str(Path(__file__).resolve().parents[1] / "docs"))
import generated

DOCS = generated.DOCS
ROOT = DOCS.parent
PAGES = {
  str(path.relative_to(ROOT)): path.read_text()
  for path in (
    ROOT / "README.md",
    *sorted(DOCS.glob("*.md")),
    *sorted(ROOT.glob("agents/*/README.md")),
    ROOT / "experiments/bundled/README.md",
  )
}
TEXT = "".join(PAGES.values())
FILE = re.compile(r"# (\w+\.py)\n")  # the first line of code that is a file
# Beside the flags that pages give them, so that they take seconds.
_TRAIN = ("--frames=640", *programs.TINY, "--num_workers=0")
BUDGETS = {
  "catch.py": ("400",),
  "compare.py": (),
  "evaluate.py": ("--episodes=1", "--max_episode_frames=200"),
  "max_q.py": _TRAIN,
  "plot_run.py": (),
  "run_bt.py": _TRAIN,
  "run_ngu.py": (*_TRAIN, "--intrinsic_steps=5"),
  "run_r2d2.py": _TRAIN,
}


def blocks(*languages, text=TEXT):
  found = re.findall(r"^```(\w+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
  return [code for language, code in found if language in languages]


def commands(text=TEXT):
  """Lists of words; variables of a shell are 0."""
  lines = "".join(blocks("bash", "sh", text=text)).splitlines()
  lines = [re.sub(r"\$\w+", "0", line.removeprefix("exec ")) for line in lines]
  return [words for line in lines if (words := shlex.split(line, True))]


def files(text):
  """Code of a page that is to be saved, by name."""
  found = [(FILE.match(code), code) for code in blocks("python", text=text)]
  return {match[1]: code for match, code in found if match}


def run(*command, cwd):
  result = subprocess.run(
    [sys.executable, *command],
    cwd=cwd,
    text=True,
    stdout=subprocess.PIPE,
    stderr=subprocess.STDOUT,
  )
  assert result.returncode == 0, result.stdout
  assert "Exception ignored" not in result.stdout
  assert "unmaintained" not in result.stdout


def test_their_programs_have_the_flags_that_they_give_and_name():
  given = {name: [] for name in generated.programs()}
  for words in commands():
    if words[0] == ".venv/bin/python" and words[1].startswith("experiments/"):
      given[Path(words[1]).stem].append(words[2:])
  assert sum(map(bool, given.values())) > 7
  flags = {
    flag
    for program, arguments in given.items()
    for group in generated.ask(program, arguments)[1].values()
    for flag, *_ in group
  }
  named = set(re.findall(r"`--(\w+)", TEXT))
  assert "pretrained" in named
  assert not {n for n in named - flags if n.removeprefix("no") not in flags}


def test_their_commands_are_known():
  makefile = (ROOT / "Makefile").read_text()
  targets = re.findall(r"`make ([a-z-]+)", TEXT)
  saved = {name for page in PAGES.values() for name in files(page)}
  for words in commands():
    match words:
      case ["make", target, *_]:
        targets.append(target)
      case ["behavior-transfer", *rest]:
        name = " ".join(word for word in rest if not word.startswith("--"))
        assert name in command.PROGRAMS
      case [".venv/bin/python", "-m", "zipfile", *_]:
        pass
      case [".venv/bin/python", script, *_]:
        assert script in saved or (ROOT / script).is_file(), script
      case _:
        known = ("pip install .", "sbatch study.sh", ".venv/bin/ray ")
        assert " ".join(words).startswith(known)
  assert targets
  for target in targets:
    assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


@pytest.mark.parametrize(
  "code",
  [
    pytest.param(code, marks=pytest.mark.acme if "import acme" in code else ())
    for code in blocks("python")
    if not FILE.match(code)
  ],
)
def test_their_code_runs(code, tmp_path):
  run("-c", code, cwd=tmp_path)


@pytest.mark.parametrize(
  "page",
  [
    # The tutorial trains five agents.
    pytest.param(n, marks=pytest.mark.slow if "tutorial" in n else ())
    for n, text in PAGES.items()
    if files(text)
  ],
)
def test_their_files_run_and_what_is_done_with_them(page, tmp_path):
  for name, code in files(PAGES[page]).items():
    (tmp_path / name).write_text(code)
  ran = set()
  for _, script, *arguments in commands(PAGES[page]):
    name = Path(script).name
    if name in BUDGETS:
      where = tmp_path if (tmp_path / name).exists() else ROOT / "experiments"
      flags = [word for word in arguments if word.startswith("--")]
      run(where / name, *flags, *BUDGETS[name], cwd=tmp_path)
      ran.add(name)
  assert ran


def test_the_notebook_runs(tmp_path, monkeypatch):
  monkeypatch.setenv("NOTEBOOK_FRAMES", "10000")
  notebook = nbformat.read(DOCS / "notebook.ipynb", as_version=4)
  assert not any(cell.get("outputs") for cell in notebook.cells)
  resources = {"metadata": {"path": tmp_path}}
  nbclient.NotebookClient(notebook, resources=resources).execute()
  pictures = [
    output
    for cell in notebook.cells
    for output in cell.get("outputs", ())
    if "image/png" in output.get("data", ())
  ]
  assert len(pictures) == 2


@pytest.mark.parametrize("text", blocks("toml"))
def test_their_variant_files_are_some(tmp_path, text):
  (tmp_path / "mine.toml").write_text(text)
  with envs.make(str(tmp_path / "mine.toml"), seed=0) as environment:
    assert environment.reset().first()


def test_their_bundled_policies_are_there():
  names = set(re.findall(r"`(\w+_ngu)`", TEXT)) - {"bt_ngu"}
  assert names == {n for n in pretrained_policies.BUNDLED if n.endswith("_ngu")}


def test_the_messages_they_explain_are_printed(tmp_path):
  with pytest.raises(ValueError) as unknown:
    envs.variant("qwerty")
  (tmp_path / "thesis.tex").touch()
  with pytest.raises(ValueError) as foreign:
    workdirs.Workdir(tmp_path, {})
  messages = str(unknown.value), str(foreign.value)
  explained = "No variant is called", "is not empty and holds no"
  page = PAGES["docs/troubleshooting.md"]
  for message, part in zip(messages, explained, strict=True):
    assert part in message and part in page
  # This one is printed by test_bootstrap.py.
  assert ": none on PATH or under pyenv" in page


def test_what_is_generated_is_what_the_code_says():
  variants = generated.variants()
  assert "| `hero_hard` | `miner` 1000, `wall` -300 |" in variants
  assert "| `wall` | 75 |" in generated.events()
  assert "\n| `epsilon_levy` = 0.04 |" in generated.config("BTConfig")
  assert "\n| `n_step` =" not in generated.config("BTConfig")
  assert "\n| `max_beta` | 0.3 | because |" in generated.choices(
    "max_beta: because"
  )
  assert "| `figure3` |" in generated.study_table()
  with pytest.raises(KeyError):
    generated.choices("max_gamma: because")
