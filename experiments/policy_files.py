"""Policies that lie in a file, here or at an address on the web.

What is unpacked or fetched is kept in the user's cache, in a folder that is
named by the file's SHA-256.
"""

import hashlib
import http.client
import pathlib
import re
import shutil
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

from behavior_transfer.agents import checkpoints, policy_file

from . import cli

_TIMEOUT = 30.0  # seconds without an answer
_PROGRESS_PERIOD = 5.0  # seconds
_CHUNK = 1 << 20  # bytes
_NETWORK_ERRORS = (
  urllib.error.URLError,
  http.client.HTTPException,
  TimeoutError,
  ConnectionError,
)
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_TOO_LARGE = f"larger than {policy_file.MAX_BYTES:,} bytes, the most allowed"


def is_address(name: str) -> bool:
  """Whether it is one on the web and no path."""
  return "://" in name


def folder_of(name: str) -> pathlib.Path:
  """The checkpoint that a file holds, fetched and unpacked where need be.

  Args:
    name: Path of the file, or https://…#sha256=…, where the sum is the file's;
      http only from this machine.

  Raises:
    ValueError: The file, or the address, is not what it must be.
    OSError: The file cannot be read, or the cache not be written.
  """
  if is_address(name):
    address, digest = _parsed(name)
  else:
    address, digest = None, sha256(pathlib.Path(name))
  folder = cli.cache_folder() / "policies" / digest
  if _is_intact(folder):
    return folder
  folder.parent.mkdir(parents=True, exist_ok=True)
  with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
    file = pathlib.Path(name)
    if address is not None:
      file = pathlib.Path(temporary) / "fetched"
      _fetch(address, digest, file)
    policy_file.unpack(file, folder, address or name)
  return folder


def sha256(file: pathlib.Path) -> str:
  """Of a policy's file, in hexadecimal digits.

  Raises:
    ValueError: It is larger than such files may be.
  """
  if file.stat().st_size > policy_file.MAX_BYTES:
    raise ValueError(f"{file}: {_TOO_LARGE}")
  return hashlib.sha256(file.read_bytes()).hexdigest()


def _parsed(name: str) -> tuple[str, str]:
  """Address and sum."""
  address, fragment = urllib.parse.urldefrag(name)
  _check_allowed(address)
  digest = re.fullmatch(r"sha256=([0-9a-f]{64})", fragment)
  if digest is None:
    raise ValueError(
      f"{name}: it must end in #sha256= and the file's 64 hexadecimal digits,"
      " which export.py prints"
    )
  return address, digest[1]


def _check_allowed(address: str):
  parts = urllib.parse.urlsplit(address)
  is_local = parts.scheme == "http" and parts.hostname in _LOOPBACK
  if not (is_local or (parts.scheme == "https" and parts.hostname)):
    raise ValueError(f"{address}: allowed: https://…#sha256=…")


class _Redirects(urllib.request.HTTPRedirectHandler):
  def redirect_request(self, req, fp, code, msg, headers, newurl):
    _check_allowed(newurl)
    return super().redirect_request(req, fp, code, msg, headers, newurl)


def _is_intact(folder: pathlib.Path) -> bool:
  """Whether a checkpoint is there; what is left of a damaged one is removed."""
  if not folder.exists():
    return False
  try:
    checkpoints.read_manifest(folder)
  except checkpoints.CheckpointError:
    shutil.rmtree(folder)
    return False
  return True


def _fetch(address: str, digest: str, file: pathlib.Path):
  """Writes what is at the address, if it has the sum."""
  opener = urllib.request.build_opener(_Redirects)
  found, size, said = hashlib.sha256(), 0, time.monotonic()
  try:
    with (
      opener.open(address, timeout=_TIMEOUT) as response,
      file.open("wb") as target,
    ):
      while chunk := response.read(_CHUNK):
        found.update(chunk)
        target.write(chunk)
        size += len(chunk)
        if size > policy_file.MAX_BYTES:
          raise ValueError(f"{address}: {_TOO_LARGE}")
        if time.monotonic() - said > _PROGRESS_PERIOD:
          said = time.monotonic()
          total = response.headers["Content-Length"] or "unknown"
          print(f"{address}: {size} bytes of {total}", file=sys.stderr)
  except _NETWORK_ERRORS as error:
    raise ValueError(f"{address} cannot be fetched: {error}") from None
  if found.hexdigest() != digest:
    raise ValueError(
      f"{address}: the sha256 of what is there is {found.hexdigest()}, not"
      f" {digest}"
    )
