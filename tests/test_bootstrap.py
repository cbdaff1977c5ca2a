"""bootstrap against a stand-in for uv: order, interruption, messages."""

import ast
import os
import shutil
import subprocess
import sys
import types
from importlib.machinery import SourceFileLoader
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LOCKS = ("requirements.lock", "requirements-modern.lock")
MINOR = sys.version_info.minor
# Called as `uv venv --quiet --python PYTHON FOLDER` and `uv pip install …`.
UV = """#!/bin/sh
echo "$*" >> "{folder}/calls"
case "$1" in
  --version) echo uv 99 ;;
  venv)
    case "$4" in {refused}) exit 1 ;; esac
    mkdir -p "$5/bin" && cp /bin/true "$5/bin/python" ;;
  pip) sleep {seconds}; exit {status} ;;
esac
"""
NO_DOWNLOADS = "cpython*"


@pytest.fixture
def checkout(tmp_path, monkeypatch):
  folder = tmp_path / "checkout"
  folder.mkdir()
  for name in ("bootstrap", "pyproject.toml", *LOCKS):
    shutil.copy(ROOT / name, folder)
  (tmp_path / "bin").mkdir()
  monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
  return folder


def install_uv(checkout, seconds=0, status=0, refused="none"):
  uv = checkout.parent / "bin" / "uv"
  settings = dict(seconds=seconds, status=status, refused=refused)
  uv.write_text(UV.format(folder=checkout.parent, **settings))
  uv.chmod(0o755)


def commands(checkout):
  """Returns the uv commands so far, and forgets them."""
  log = checkout.parent / "calls"
  lines = log.read_text().splitlines() if log.exists() else []
  log.write_text("")
  return [line for line in lines if line[0] != "-"]


def calls(checkout):
  """Returns only what each was for."""
  return [line.split()[0] for line in commands(checkout)]


def start(checkout, *arguments):
  return subprocess.Popen(
    [sys.executable, checkout / "bootstrap", *arguments],
    cwd=checkout,
    text=True,
    stdout=subprocess.PIPE,
    stderr=subprocess.PIPE,
  )


def setup(checkout, *arguments):
  process = start(checkout, *arguments)
  output, errors = process.communicate()
  return process.returncode, output, errors


def load(checkout):
  loader = SourceFileLoader("bootstrap", str(checkout / "bootstrap"))
  module = types.ModuleType("bootstrap")
  module.__file__ = loader.path
  loader.exec_module(module)
  return module


def test_it_is_written_for_python_3_6():
  ast.parse((ROOT / "bootstrap").read_text(), feature_version=(3, 6))


def test_it_does_nothing_when_nothing_changed(checkout):
  install_uv(checkout)
  assert setup(checkout)[0] == 0
  assert calls(checkout) == ["venv", "pip"]
  assert setup(checkout) == (0, "", "")
  assert calls(checkout) == []


@pytest.mark.parametrize("change", ["lock", "pyproject", "place", "python"])
def test_it_starts_anew_when_anything_changed(checkout, change):
  install_uv(checkout)
  setup(checkout)
  calls(checkout)
  if change == "lock":
    (checkout / "requirements.lock").write_text("numpy==1.26.4\n")
  elif change == "pyproject":
    (checkout / "pyproject.toml").write_text("")
  elif change == "place":
    checkout = checkout.rename(checkout.with_name("moved"))
  else:
    (checkout / ".venv" / "bin" / "python").unlink()
  assert setup(checkout)[0] == 0
  assert calls(checkout) == ["venv", "pip"]


def test_it_starts_anew_after_an_interruption(checkout):
  install_uv(checkout, seconds=60)
  process = start(checkout)
  log = checkout.parent / "calls"
  while not log.exists() or "pip install" not in log.read_text():
    assert process.poll() is None
  process.kill()
  process.wait()
  install_uv(checkout)
  calls(checkout)
  assert setup(checkout)[0] == 0
  assert calls(checkout) == ["venv", "pip"]


def test_two_at_once_build_one(checkout):
  install_uv(checkout, seconds=1)
  both = [start(checkout), start(checkout)]
  outputs = [process.communicate()[0] for process in both]
  assert [process.returncode for process in both] == [0, 0]
  assert "waiting for another setup" in "".join(outputs)
  assert calls(checkout) == ["venv", "pip"]


def test_a_failed_installation_is_not_taken_for_complete(checkout):
  install_uv(checkout, status=1)
  for _ in range(2):
    status, _, errors = setup(checkout)
    assert status == 2
    assert errors == "setup: could not install requirements.lock, see above\n"
    assert calls(checkout) == ["venv", "pip"]


def test_a_lock_file_that_is_not_there_is_named(checkout):
  assert setup(checkout, "absent.lock") == (
    2,
    "",
    "setup: there is no absent.lock\n",
  )


def test_without_a_python_it_says_so_in_one_line(checkout, monkeypatch):
  install_uv(checkout, refused=NO_DOWNLOADS)
  module = load(checkout)
  monkeypatch.setattr(module, "find_python", lambda minors: None)
  for lock, versions in zip(LOCKS, ("3.10 to", "3.11 to"), strict=True):
    with pytest.raises(module.SetupError) as error:
      module.main(lock)
    wanted = f"needs CPython {versions} 3.14: none on PATH or under pyenv"
    assert str(error.value).startswith(wanted)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("has_3_10", [True, False])
def test_without_3_10_a_later_python_is_taken(checkout, monkeypatch, has_3_10):
  install_uv(checkout, refused=NO_DOWNLOADS)
  module = load(checkout)
  monkeypatch.setattr(
    module,
    "find_python",
    lambda minors: (
      f"python3.{minors[0]}" if has_3_10 or minors[0] > 10 else None
    ),
  )
  module.main()
  *_, venv, install = commands(checkout)
  assert f"--python python3.{10 if has_3_10 else 14} " in venv
  assert f"-r {LOCKS[not has_3_10]} " in install
  module.main()
  assert calls(checkout) == []


def test_each_lock_has_an_environment_of_its_own(checkout):
  install_uv(checkout)
  assert setup(checkout, LOCKS[1], "build/modern")[0] == 0
  venv, install = commands(checkout)
  assert venv.endswith(f" {checkout}/build/modern")
  assert f"--python {checkout}/build/modern/bin/python " in install
  assert not (checkout / ".venv").exists()
  assert setup(checkout, LOCKS[1], "build/modern") == (0, "", "")
  assert setup(checkout)[0] == 0
  assert calls(checkout) == ["venv", "pip"]


def test_without_uv_or_a_registry_it_says_so_in_one_line(checkout, monkeypatch):
  module = load(checkout)
  monkeypatch.setattr(module, "download_with_pip", lambda *_: False)
  monkeypatch.setattr(module, "INDEX", "http://127.0.0.1:9/simple")
  with pytest.raises(module.SetupError) as error:
    module.main()
  assert str(error.value).startswith("needs uv, which is not on PATH")
  assert "\n" not in str(error.value)


def test_a_python_is_found_under_pyenv(checkout, monkeypatch):
  module = load(checkout)
  home = checkout.parent / "pyenv"
  name = f"python3.{MINOR}"
  python = home / "versions" / f"3.{MINOR}.99" / "bin" / name
  python.parent.mkdir(parents=True)
  real = os.path.realpath(sys.executable)
  python.symlink_to(real)
  shim = checkout.parent / "bin" / name
  shim.write_text("#!/bin/sh\nexit 127\n")  # As pyenv's own where none is set.
  shim.chmod(0o755)
  monkeypatch.setenv("PYENV_ROOT", str(home))
  monkeypatch.setattr(sys, "executable", "/bin/false")
  assert os.path.samefile(module.find_python([99, MINOR]), real)
  assert module.find_python([99]) is None


def test_of_an_activated_environment_the_python_beneath_is_used(checkout):
  # These tests run in .venv, which may be the one about to be replaced.
  assert sys.prefix != sys.base_prefix
  found = load(checkout).find_python([MINOR])
  assert found == os.path.join(sys.base_prefix, f"bin/python3.{MINOR}")
  assert os.access(found, os.X_OK)


def test_another_platform_is_refused(checkout, monkeypatch):
  module = load(checkout)
  monkeypatch.setattr(module.platform, "machine", lambda: "aarch64")
  with pytest.raises(module.SetupError, match="needs Linux on x86-64"):
    module.main()
