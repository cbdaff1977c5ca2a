"""What the package promises as a whole: its imports, its wheel, its shim."""

import ast
import email
import importlib.metadata
import re
import shutil
import subprocess
import sys
import textwrap
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import behavior_transfer

ROOT = Path(__file__).parent.parent
ROOMS = ("agents", "envs", "launch", "experiments")
ACME_EXISTS = sys.version_info < (3, 11)
FRAMEWORKS = {
  "acme",
  "gym",
  "haiku",
  "launchpad",
  "ray",
  "reverb",
  "sonnet",
  "tensorflow",
  "tensorflow_probability",
}
JAX = {"jax", "jaxlib", "flax", "optax", "chex"}

# Where frameworks are imported: modules, and packages with all they hold.
SHELL = {
  "agents.acme",
  "agents.acme_compat",
  "agents.bt.builder",
  "agents.ngu.builder",
  "agents.r2d2.builder",
  "launch.actors",
  "launch.cluster",
  "launch.distributed",
  "launch.parts",
  "launch.program",
  "launch.roles",
  "launch.supervisor",
}


def sources(*rooms):
  return [
    path for room in rooms for path in sorted((ROOT / room).rglob("*.py"))
  ]


def module_name(path):
  parts = path.relative_to(ROOT).with_suffix("").parts
  return ".".join(part for part in parts if part != "__init__")


def is_core(path):
  name = module_name(path)
  return not any(f"{name}.".startswith(f"{shell}.") for shell in SHELL)


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


@pytest.mark.parametrize(
  "rooms, absent",
  [
    (("agents", "launch"), FRAMEWORKS),
    (("envs",), FRAMEWORKS | JAX),
  ],
)
def test_the_core_imports_where_the_frameworks_do_not_exist(rooms, absent):
  result = run(
    f"""
    import importlib, sys

    class Absent:
      def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {absent}:
          raise ModuleNotFoundError(f"{{name}} is not there")

    sys.meta_path.insert(0, Absent())
    for name in sys.argv[1:]:
      importlib.import_module("behavior_transfer." + name)
    """,
    *(module_name(path) for path in sources(*rooms) if is_core(path)),
  )
  assert result.returncode == 0, result.stdout


def test_nothing_else_imports_frameworks():
  assert not [
    f"{path.relative_to(ROOT)} imports {name}"
    for path in sources(*ROOMS)
    for name in imports(path)
    if is_core(path) and name.partition(".")[0] in FRAMEWORKS
  ]


@pytest.mark.parametrize("room", ["agents", "envs", "launch"])
def test_rooms_import_nothing_from_one_another(room):
  own = f"behavior_transfer.{room}"
  foreign = [
    f"{path.relative_to(ROOT)} imports {name}"
    for path in sources(room)
    for name in imports(path)
    if name.partition(".")[0] in ("behavior_transfer", *ROOMS)
    and not name.startswith("behavior_transfer.files")
    and not f"{name}.".startswith(f"{own}.")
  ]
  assert not foreign


def test_every_imported_distribution_is_declared():
  requirements = [
    Requirement(text)
    for text in importlib.metadata.requires("behavior-transfer")
  ]
  provided = {
    file.parts[0].removesuffix(".py")
    for requirement in requirements
    if not requirement.marker or requirement.marker.evaluate({"extra": ""})
    for file in importlib.metadata.files(requirement.name)
  }
  provided |= {"tomli", "tomllib"}  # One of them, by the version.
  undeclared = {
    f"{path.relative_to(ROOT)} imports {name}"
    for path in sources(*ROOMS)
    if ACME_EXISTS or is_core(path)
    for name in {name.partition(".")[0] for name in imports(path)}
    if name not in provided | sys.stdlib_module_names | {"behavior_transfer"}
  }
  # What an extra brings is imported in one place, for those who ask for it.
  for_acme = {
    "agents/acme/__init__.py imports gym_notices",
    "launch/cluster.py imports ray",
  }
  assert undeclared - for_acme == {
    "envs/gymnasium_envs.py imports gymnasium",
    "experiments/playing.py imports pygame",
    "launch/trackers.py imports wandb",
  }


def test_no_jax_is_touched_until_acme_is_asked_for():
  result = run(
    """
    import sys
    import behavior_transfer
    assert "jax" not in sys.modules
    from behavior_transfer import envs
    assert "jax" not in sys.modules
    import jax
    names = set(dir(jax)) | {f"numpy.{name}" for name in dir(jax.numpy)}
    from behavior_transfer.agents import bt, ngu, r2d2
    added = set(dir(jax)) | {f"numpy.{name}" for name in dir(jax.numpy)}
    added -= names
    assert not {name for name in added if name.startswith(("numpy.", "tree_"))}
    assert not added & {"xla", "pxla"}
    """
  )
  assert result.returncode == 0, result.stdout


@pytest.mark.acme
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
    import behavior_transfer.agents.acme
    for module, name in names:
      assert (getattr(module, name) == "JAX's own") is {present}, name
    """
  )
  assert result.returncode == 0, result.stdout


@pytest.mark.skipif(ACME_EXISTS, reason="there is an Acme")
@pytest.mark.parametrize("agent", ["BT", "NGU", "R2D2"])
def test_without_acme_builders_say_so_in_one_line(agent):
  result = run(
    f"""
    from behavior_transfer.agents import {agent.lower()}
    {agent.lower()}.{agent}Builder
    """
  )
  assert result.returncode == 1
  last = result.stdout.splitlines()[-1]
  assert "dm-acme, and that exists for CPython 3.10 only" in last


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
    for path in [*ROOT.glob("*.py"), *sources(*ROOMS)]
  }
  assert {name for name in packaged if name.endswith(".py")} == expected
  assert "behavior_transfer/py.typed" in packaged
  for data in ("envs/recordings/*.npz", "experiments/bundled/*/*"):
    files = [path.relative_to(ROOT) for path in ROOT.glob(data)]
    assert files
    assert packaged.issuperset(f"behavior_transfer/{file}" for file in files)


def test_the_version_is_the_same_everywhere(wheel):
  with zipfile.ZipFile(wheel) as archive:
    (name,) = (n for n in archive.namelist() if n.endswith("/METADATA"))
    packaged = email.message_from_bytes(archive.read(name))["Version"]
    scripts = archive.read(name.replace("METADATA", "entry_points.txt"))
  newest = re.search(
    r"^## \[([\d.]+)\] - (\S+)$", (ROOT / "CHANGELOG.md").read_text(), re.M
  )
  citation = (ROOT / "CITATION.cff").read_text()
  cited = re.search(r"^version: (\S+)\ndate-released: (\S+)$", citation, re.M)
  assert cited.groups() == newest.groups()
  assert behavior_transfer.__version__ == packaged == newest[1]
  assert b"behavior-transfer = behavior_transfer.experiments.command" in scripts


def test_the_wheel_lives_beside_packages_of_the_same_names(wheel, tmp_path):
  with zipfile.ZipFile(wheel) as archive:
    archive.extractall(tmp_path / "site")
  for name in ("agents", "envs", "launch"):
    (tmp_path / "project" / name).mkdir(parents=True)
    (tmp_path / "project" / name / "__init__.py").write_text("mine = True\n")
  builder = "Builder" if ACME_EXISTS else "Config"
  result = run(
    f"""
    import agents, envs, launch
    from behavior_transfer.agents import bt, r2d2
    from behavior_transfer import envs as their_envs
    assert agents.mine and envs.mine and launch.mine
    assert bt.BT{builder} and r2d2.R2D2{builder}
    assert "hero_hard" in their_envs.names()
    print(bt.__file__)
    """,
    cwd=tmp_path / "project",
    env={"PYTHONPATH": str(tmp_path / "site"), "TF_CPP_MIN_LOG_LEVEL": "2"},
  )
  assert result.returncode == 0, result.stdout
  assert result.stdout.splitlines()[-1].startswith(str(tmp_path / "site"))
