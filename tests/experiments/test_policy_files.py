"""Policies in one file, from a path or the web."""

import functools
import hashlib
import http.server
import json
import pathlib
import shutil
import threading
import zipfile

import pytest

from behavior_transfer.agents import checkpoints, policy_file
from behavior_transfer.experiments import (
  policy_files,
  pretrained_policies,
  tasks,
)
from tests.experiments import programs

HERO = pathlib.Path(pretrained_policies.BUNDLED["hero_ngu"])


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
  monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
  monkeypatch.setenv("no_proxy", "*")
  return tmp_path / "cache" / "behavior-transfer" / "policies"


@pytest.fixture
def exported(tmp_path):
  """A policy's file, in a folder of its own."""
  file = tmp_path / "web" / "hero.zip"
  file.parent.mkdir()
  policy_file.pack(HERO, file)
  return file


class _Handler(http.server.SimpleHTTPRequestHandler):
  """Counts, and sends on to elsewhere."""

  def do_GET(self):
    self.server.asked += 1
    if self.path == "/moved":
      self.send_response(302)
      self.send_header("Location", "http://example.invalid/hero.zip")
      self.end_headers()
      return
    super().do_GET()

  def log_message(self, *_):
    pass


@pytest.fixture
def server(exported):
  handler = functools.partial(_Handler, directory=exported.parent)
  with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
    server.asked = 0
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()


def _address(server, digest, path="hero.zip"):
  return f"http://127.0.0.1:{server.server_port}/{path}#sha256={digest}"


def _sum(file):
  return hashlib.sha256(file.read_bytes()).hexdigest()


def _files(folder):
  return {
    str(path.relative_to(folder)): path.read_bytes()
    for path in folder.rglob("*")
    if path.is_file()
  }


def test_what_is_packed_comes_back_with_what_it_transfers_from(tmp_path):
  manifest = checkpoints.read_manifest(HERO)
  source = checkpoints.save(
    tmp_path / "bt",
    step=4,
    params=checkpoints.load_params(HERO),
    training_state={"steps": 1},
    manifest={**manifest, "pretrained": ["a", "math:hypot", "b"]},
    pretrained=[HERO, None, HERO],
  )
  files = tmp_path / "one.zip", tmp_path / "two.zip"
  for file in files:
    policy_file.pack(source, file)
  assert files[0].read_bytes() == files[1].read_bytes()
  unpacked = _files(policy_files.folder_of(str(files[0])))
  copy = tmp_path / "copy"
  checkpoints.copy_policy(source, copy)
  assert unpacked == _files(copy)
  assert unpacked.keys() == {
    f"{folder}{name}"
    for folder in ("", "pretrained_0/", "pretrained_2/")
    for name in ("manifest.json", "policy.npz")
  }


def test_a_run_starts_from_an_address(exported, server):
  address = _address(server, _sum(exported))
  command = ("run_bt.py", "--game=hero_hard", "--print_config")
  for _ in range(2):
    output = programs.finish(
      programs.start(*command, f"--pretrained={address}")
    )
    assert f"pretrained = {address}  # command line" in output
  assert server.asked == 1


def test_what_is_kept_is_used_as_long_as_it_is_whole(exported, server, cache):
  address = _address(server, _sum(exported))
  folder = policy_files.folder_of(address)
  assert folder == cache / _sum(exported) == policy_files.folder_of(address)
  assert policy_files.folder_of(str(exported)) == folder
  assert server.asked == 1
  whole = _files(folder)
  assert whole == _files(HERO)
  (folder / "policy.npz").write_bytes(b"short")
  assert policy_files.folder_of(address) == folder
  assert server.asked == 2
  assert _files(folder) == whole
  assert list(cache.iterdir()) == [folder]  # and nothing temporary


def test_its_run_neither_asks_nor_needs_the_server_again(
  exported, server, cache, tmp_path
):
  address = _address(server, _sum(exported))
  task = tasks.Task("hero_hard", tasks.EnvironmentOptions())
  loaded = pretrained_policies.load([address], task)
  pretrained_policies.keep_copies(tmp_path, loaded)
  shutil.rmtree(cache)
  again = pretrained_policies.load([address], task, tmp_path)
  assert again.names == (address,)
  assert again.checkpoints == (tmp_path / "pretrained_0",)
  assert pretrained_policies.changed(again) == []
  assert pretrained_policies.as_seen_from(tmp_path, address) == address
  assert server.asked == 1


def test_another_sum_is_refused_with_both(exported, server, cache):
  with pytest.raises(ValueError) as refusal:
    policy_files.folder_of(_address(server, "0" * 64))
  assert _sum(exported) in str(refusal.value)
  assert "0" * 64 in str(refusal.value)
  assert not list(cache.iterdir())


@pytest.mark.parametrize(
  ("address", "message"),
  [
    ("https://example.org/a.zip", "it must end in #sha256="),
    ("https://example.org/a.zip#sha256=12", "it must end in #sha256="),
    ("https://example.org/a.zip#md5=" + "0" * 32, "it must end in #sha256="),
    ("http://example.org/a.zip#sha256=" + "0" * 64, "allowed: https"),
    ("http://127.0.0.1.example.org/a#sha256=" + "0" * 64, "allowed: https"),
    ("file:///etc/passwd#sha256=" + "0" * 64, "allowed: https"),
    ("https:///a.zip#sha256=" + "0" * 64, "allowed: https"),
  ],
)
def test_addresses_that_are_refused(address, message):
  with pytest.raises(ValueError, match=message):
    policy_files.folder_of(address)


def test_a_program_refuses_them_in_a_line():
  for program, flag in (
    ("run_bt.py", "--game=hero --pretrained"),
    ("evaluate.py", "--checkpoint"),
  ):
    line = programs.refuse(program, *f"{flag}=https://a.invalid/b.zip".split())
    assert "https://a.invalid/b.zip: it must end in #sha256=" in line


def test_what_cannot_be_fetched_is_refused_in_a_line(server):
  with pytest.raises(ValueError, match=r"example.invalid.*: allowed: https"):
    policy_files.folder_of(_address(server, "0" * 64, "moved"))
  with pytest.raises(ValueError, match=r"none.zip cannot be fetched: .*404"):
    policy_files.folder_of(_address(server, "0" * 64, "none.zip"))
  server.shutdown()
  server.server_close()
  with pytest.raises(
    ValueError, match=r"hero.zip cannot be fetched: .*refused"
  ):
    policy_files.folder_of(_address(server, "0" * 64))


def test_what_is_too_large_is_left(exported, server, cache, monkeypatch):
  monkeypatch.setattr(policy_file, "MAX_BYTES", 1_000_000)
  for name in (str(exported), _address(server, _sum(exported))):
    with pytest.raises(ValueError, match="larger than"):
      policy_files.folder_of(name)
  monkeypatch.setattr(policy_file, "MAX_BYTES", exported.stat().st_size - 999)
  with pytest.raises(ValueError, match="holds more than"):
    policy_file.unpack(exported, cache / "x", "x")


def test_a_long_way_shows(exported, server, monkeypatch, capsys):
  monkeypatch.setattr(policy_files, "_PROGRESS_PERIOD", -1.0)
  address = _address(server, _sum(exported))
  policy_files.folder_of(address)
  lines = capsys.readouterr().err.splitlines()
  size = exported.stat().st_size
  plain = address.partition("#")[0]
  assert lines[-1] == f"{plain}: {size} bytes of {size}"
  assert len(lines) == 2  # chunks of a MiB


def _zip(file, members):
  with zipfile.ZipFile(file, "w") as archive:
    for name, content in members.items():
      archive.writestr(name, content)


def _relisted(manifest, names):
  """A manifest with a checksum of its own, which lists these files, too."""
  content = json.loads(manifest)
  content["files"] |= {name: {"sha256": "", "bytes": 0} for name in names}
  del content["checksum"]
  content["checksum"] = checkpoints._checksum(content)
  return json.dumps(content)


@pytest.mark.parametrize(
  "change",
  [
    lambda members: {**members, "../policy.npz": b""},
    lambda members: {**members, "/tmp/policy.npz": b""},
    lambda members: {**members, "policy.npz/": b""},
    lambda members: {**members, "run.py": b""},
    lambda members: {**members, "training.npz": b""},
    lambda members: {**members, "policy.npz": members["policy.npz"][:-1]},
    lambda members: {"policy.npz": members["policy.npz"]},
    lambda members: {"manifest.json": members["manifest.json"]},
    lambda members: {**members, "manifest.json": b"{}"},
    lambda members: {**members, "manifest.json": b"[" * 10**6},
    lambda members: {
      **members,
      "manifest.json": _relisted(members["manifest.json"], ["../secret"]),
    },
    lambda members: {},
  ],
)
def test_files_that_are_none_are_refused(change, exported, cache, tmp_path):
  with zipfile.ZipFile(exported) as archive:
    members = {name: archive.read(name) for name in archive.namelist()}
  file = tmp_path / "other.zip"
  _zip(file, change(members))
  with pytest.raises(checkpoints.CheckpointError) as refusal:
    policy_files.folder_of(str(file))
  line = str(refusal.value)
  assert line.startswith(f"{file}: no policy's file, or a damaged one: ")
  assert "\n" not in line and str(cache) not in line
  assert not list(cache.iterdir())
  assert {path.name for path in tmp_path.iterdir()} == {
    "cache", "web", "other.zip",
  }  # fmt: skip


def test_a_damaged_byte_or_a_missing_end_is_refused(exported, cache):
  content = exported.read_bytes()
  step = len(content) // 40
  for place in range(0, len(content), step):
    changed = bytearray(content)
    changed[place] ^= 0xFF
    for damaged in (changed, content[:place]):
      exported.write_bytes(damaged)
      try:
        folder = policy_files.folder_of(str(exported))
      except checkpoints.CheckpointError:
        assert not list(cache.iterdir())
      else:  # a byte of the zip's own that says nothing
        assert _files(folder) == _files(HERO)
        shutil.rmtree(folder)
