"""Builds .venv: CPython 3.10, the locked packages and this checkout.

`make setup` runs it with whatever `python3` there is, so it keeps to the
standard library and to Python 3.6. It looks for uv and for a CPython 3.10,
fetches what is missing, and does nothing when .venv is up to date.
"""

import contextlib
import fcntl
import glob
import hashlib
import html.parser
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.parse
import urllib.request
import zipfile

ROOT = os.path.dirname(os.path.abspath(__file__))
VENV = os.path.join(ROOT, ".venv")
VENV_PYTHON = os.path.join(VENV, "bin", "python")
STAMP = os.path.join(VENV, ".complete")
FETCHED_UV = os.path.join(ROOT, "build", "uv", "uv")
INDEX = os.environ.get("PIP_INDEX_URL", "https://pypi.org/simple")


class SetupError(Exception):
  """Something is missing; the message says what, in one line."""


def main(lock="requirements.lock"):
  """Builds .venv from a lock file, unless that has been done."""
  if sys.platform != "linux" or platform.machine() != "x86_64":
    raise SetupError(
      "needs Linux on x86-64, the only platform of dm-reverb's wheels"
    )
  stamp = fingerprint(lock)
  if is_complete(stamp):
    return
  with one_at_a_time():
    if is_complete(stamp):
      return
    uv = find_uv() or fetch_uv()
    python = find_python()
    say("creating .venv with {}".format(python or "a CPython 3.10 from uv"))
    create_venv(uv, python)
    install(uv, lock)
    with open(STAMP, "w") as stream:
      stream.write(stamp)
    say(".venv is ready")


def say(message):
  print(f"setup: {message}", flush=True)


def fingerprint(lock):
  """Returns what .venv depends on, its own place included."""
  digest = hashlib.sha256(ROOT.encode())
  for name in (lock, "pyproject.toml", "setup_env.py"):
    try:
      with open(os.path.join(ROOT, name), "rb") as stream:
        digest.update(stream.read())
    except FileNotFoundError:
      raise SetupError(f"there is no {name}") from None
  return digest.hexdigest()


def is_complete(stamp):
  try:
    with open(STAMP) as stream:
      return stream.read() == stamp and os.access(VENV_PYTHON, os.X_OK)
  except FileNotFoundError:
    return False


@contextlib.contextmanager
def one_at_a_time():
  """Holds a lock on the checkout's directory; it leaves no file behind."""
  descriptor = os.open(ROOT, os.O_RDONLY)
  try:
    try:
      fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
      say("waiting for another setup of this checkout")
      fcntl.flock(descriptor, fcntl.LOCK_EX)
    yield
  finally:
    os.close(descriptor)


def output_of(*command):
  """Returns what a command prints, or None where it fails."""
  try:
    return subprocess.check_output(
      command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ).decode()
  except (OSError, subprocess.CalledProcessError):
    return None


def find_uv():
  for candidate in (shutil.which("uv"), FETCHED_UV):
    if candidate and output_of(candidate, "--version"):
      return candidate
  return None


def find_python():
  """Returns a CPython 3.10 that runs, or None."""
  pyenv = os.environ.get("PYENV_ROOT", os.path.expanduser("~/.pyenv"))
  candidates = [sys.executable, shutil.which("python3.10")]
  candidates += glob.glob(os.path.join(pyenv, "versions/3.10.*/bin/python3.10"))
  probe = (
    "import platform; print(platform.python_implementation(),"
    " *platform.python_version_tuple()[:2])"
  )
  for candidate in candidates:
    if candidate and output_of(candidate, "-c", probe) == "CPython 3 10\n":
      return candidate
  return None


def fetch_uv():
  """Takes uv out of its wheel, got by pip or else straight from the index."""
  say("fetching uv")
  os.makedirs(os.path.dirname(FETCHED_UV), exist_ok=True)
  with tempfile.TemporaryDirectory() as folder:
    if not download_with_pip("uv", folder) and not download("uv", folder):
      raise SetupError(
        f"needs uv, which is not on PATH and cannot be had from {INDEX}:"
        " install it and run again"
      )
    (wheel,) = glob.glob(os.path.join(folder, "uv-*.whl"))
    with zipfile.ZipFile(wheel) as archive:
      (member,) = (n for n in archive.namelist() if n.endswith("/scripts/uv"))
      with open(FETCHED_UV + ".partial", "wb") as target:
        shutil.copyfileobj(archive.open(member), target)
  os.chmod(FETCHED_UV + ".partial", 0o755)
  os.rename(FETCHED_UV + ".partial", FETCHED_UV)
  return FETCHED_UV


def download_with_pip(package, folder):
  """Downloads a wheel the way the user's pip is set up."""
  command = [sys.executable, "-m", "pip", "download", "--no-deps", "--dest"]
  command += [folder, "--only-binary=:all:", "--python-version=310"]
  command += ["--implementation=py", "--abi=none"]
  command += ["--platform=manylinux2014_x86_64", package]
  return output_of(*command) is not None


class Links(html.parser.HTMLParser):
  """Collects the links of a page."""

  def __init__(self, text):
    super().__init__()
    self.links = []
    self.feed(text)

  def handle_starttag(self, tag, attrs):
    if tag == "a":
      self.links.append(dict(attrs)["href"])


def download(package, folder):
  """Downloads the newest wheel with nothing but the standard library."""
  page_url = "{}/{}/".format(INDEX.rstrip("/"), package)
  pattern = re.compile(
    package + r"-([\d.]+)-py3-none-[\w.]*manylinux2014_x86_64\.whl$"
  )
  newest = ()
  try:
    with urllib.request.urlopen(page_url, timeout=60) as response:
      page = Links(response.read().decode())
    for link in page.links:
      url, _, fragment = link.partition("#")
      match = pattern.search(url)
      if match:
        version = tuple(int(part) for part in match.group(1).split("."))
        newest = max(newest, (version, url, fragment))
    if not newest:
      return False
    _, url, fragment = newest
    url = urllib.parse.urljoin(page_url, url)
    with urllib.request.urlopen(url, timeout=60) as response:
      content = response.read()
  except OSError:
    return False
  if fragment != "sha256=" + hashlib.sha256(content).hexdigest():
    return False
  with open(os.path.join(folder, os.path.basename(url)), "wb") as stream:
    stream.write(content)
  return True


def create_venv(uv, python):
  shutil.rmtree(VENV, ignore_errors=True)
  command = [uv, "venv", "--quiet", "--python", python or "cpython@3.10", VENV]
  if output_of(*command) is None:
    raise SetupError(
      "needs CPython 3.10: none on PATH or under pyenv, and uv could not"
      " download one"
      if python is None
      else f"{uv} could not make a virtual environment from {python}"
    )


def install(uv, lock):
  """Installs the locked packages and this checkout, resolving nothing."""
  command = [uv, "pip", "install", "--python", VENV_PYTHON, "--no-deps"]
  command += ["--build-constraints", lock, "-r", lock, "--editable", "."]
  environment = {"UV_DEFAULT_INDEX": INDEX, **os.environ}
  if subprocess.call(command, cwd=ROOT, env=environment) != 0:
    raise SetupError(f"could not install {lock}, see above")


if __name__ == "__main__":
  try:
    main(*sys.argv[1:])
  except SetupError as error:
    print(f"setup: {error}", file=sys.stderr)
    sys.exit(2)
  except KeyboardInterrupt:
    sys.exit(130)
