"""What the package promises as a whole: its imports, its wheel, its shim."""

import ast
import importlib.metadata
import re
import shutil
import subprocess
import sys
import textwrap
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROOMS = ("agents", "envs", "launch", "experiments")
FRAMEWORKS = ("tensorflow", "reverb", "launchpad", "acme", "sonnet", "gym")

# The Acme shell. Every other module of `agents` and `envs` is the functional
# core and does without the frameworks.
SHELL = {
  "agents.acme_compat",
  "agents.actor",
  "agents.bt.builder",
  "agents.learner",
  "agents.ngu.actor",
  "agents.ngu.builder",
  "agents.r2d2.builder",
  "agents.replay",
}


def sources(*rooms):
  return [
    path for room in rooms for path in sorted((ROOT / room).rglob("*.py"))
  ]


def module_name(path):
  parts = path.relative_to(ROOT).with_suffix("").parts
  return ".".join(part for part in parts if part != "__init__")


def imports(path):
  """Yields the absolute name of each import in a file, wherever it stands."""
  package = ("behavior_transfer", *path.relative_to(ROOT).parent.parts)
  for node in ast.walk(ast.parse(path.read_text())):
    if isinstance(node, ast.Import):
      yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
      base = package[: len(package) - node.level + 1] if node.level else ()
      prefix = ".".join((*base, *([node.module] if node.module else [])))
      yield from (f"{prefix}.{alias.name}" for alias in node.names)


def run(program, *arguments, **options):
  return subprocess.run(
    [sys.executable, "-c", textwrap.dedent(program), *arguments],
    text=True,
    stdout=subprocess.PIPE,
    stderr=subprocess.STDOUT,
    **options,
  )


def test_the_functional_core_imports_where_the_frameworks_do_not_exist():
  core = {module_name(path) for path in sources("agents", "envs")} - SHELL
  result = run(
    f"""
    import importlib, sys

    class Absent:
      def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {FRAMEWORKS}:
          raise ModuleNotFoundError(f"{{name}} is not there")

    sys.meta_path.insert(0, Absent())
    for name in sys.argv[1:]:
      importlib.import_module("behavior_transfer." + name)
    """,
    *sorted(core),
  )
  assert result.returncode == 0, result.stdout


@pytest.mark.parametrize("room", ["agents", "envs", "launch"])
def test_rooms_import_nothing_from_one_another(room):
  own = f"behavior_transfer.{room}"
  foreign = [
    f"{path.relative_to(ROOT)} imports {name}"
    for path in sources(room)
    for name in imports(path)
    if name.partition(".")[0] in ("behavior_transfer", *ROOMS)
    and not f"{name}.".startswith(f"{own}.")
  ]
  assert not foreign


def test_every_imported_distribution_is_declared():
  requirements = importlib.metadata.requires("behavior-transfer")
  provided = {
    file.parts[0].removesuffix(".py")
    for requirement in requirements
    if "extra ==" not in requirement
    for file in importlib.metadata.files(re.match(r"[\w.-]+", requirement)[0])
  }
  undeclared = [
    f"{path.relative_to(ROOT)} imports {name}"
    for path in sources(*ROOMS)
    for name in {name.partition(".")[0] for name in imports(path)}
    if name not in provided | sys.stdlib_module_names | {"behavior_transfer"}
  ]
  # What an extra brings is imported in one place, for those who ask for it.
  assert undeclared == [
    "envs/gymnasium_envs.py imports gymnasium",
    "launch/cluster.py imports ray",
    "experiments/playing.py imports pygame",
  ]


@pytest.mark.parametrize("present", [False, True])
def test_the_shim_supplies_only_what_is_missing(present):
  result = run(
    f"""
    import jax, jax.numpy as jnp
    names = [(jax, f"tree_{{x}}") for x in
             ("map", "leaves", "flatten", "unflatten", "multimap")]
    names += [(jnp, "DeviceArray"), (jax, "xla"), (jax, "pxla")]
    for module, name in names:
      vars(module).pop(name, None)
      if {present}:
        setattr(module, name, "JAX's own")
    import behavior_transfer
    for module, name in names:
      assert (getattr(module, name) == "JAX's own") is {present}, name
    """
  )
  assert result.returncode == 0, result.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
  """A wheel built from a source distribution, so that both are complete."""
  folder = tmp_path_factory.mktemp("wheel")
  ignored = shutil.ignore_patterns(
    ".git", ".venv", ".*_cache", "__pycache__", "build", "runs", "*.egg-info"
  )
  shutil.copytree(ROOT, folder / "source", ignore=ignored)
  build = [sys.executable, "-m", "build", "--no-isolation"]
  subprocess.run([*build, "--outdir", folder, folder / "source"], check=True)
  (path,) = folder.glob("*.whl")
  return path


def test_the_wheel_owns_one_name_and_holds_every_module(wheel):
  with zipfile.ZipFile(wheel) as archive:
    names = set(archive.namelist())
  packaged = {name for name in names if ".dist-info/" not in name}
  assert {name.partition("/")[0] for name in packaged} == {"behavior_transfer"}
  expected = {
    f"behavior_transfer/{path.relative_to(ROOT)}"
    for path in [ROOT / "__init__.py", *sources(*ROOMS)]
  }
  assert {name for name in packaged if name.endswith(".py")} == expected
  assert "behavior_transfer/py.typed" in packaged
  for data in ("envs/recordings/*.npz", "experiments/bundled/*/*"):
    files = [path.relative_to(ROOT) for path in ROOT.glob(data)]
    assert files
    assert packaged.issuperset(f"behavior_transfer/{file}" for file in files)


def test_the_wheel_lives_beside_packages_of_the_same_names(wheel, tmp_path):
  with zipfile.ZipFile(wheel) as archive:
    archive.extractall(tmp_path / "site")
  for name in ("agents", "envs", "launch"):
    (tmp_path / "project" / name).mkdir(parents=True)
    (tmp_path / "project" / name / "__init__.py").write_text("mine = True\n")
  result = run(
    """
    import agents, envs, launch
    from behavior_transfer.agents import bt, r2d2
    from behavior_transfer import envs as their_envs
    assert agents.mine and envs.mine and launch.mine
    assert bt.BTBuilder and r2d2.R2D2Builder
    assert "hero_hard" in their_envs.names()
    print(bt.__file__)
    """,
    cwd=tmp_path / "project",
    env={"PYTHONPATH": str(tmp_path / "site"), "TF_CPP_MIN_LOG_LEVEL": "2"},
  )
  assert result.returncode == 0, result.stdout
  assert result.stdout.splitlines()[-1].startswith(str(tmp_path / "site"))
