"""What one process has compiled, the next one finds."""

import os
import subprocess
import sys

_PROGRAM = """
import jax
from jax import monitoring
import jax.numpy as jnp
from behavior_transfer.experiments import compilation

compilation.keep_compiled()
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
events = []
monitoring.register_event_listener(lambda name, **_: events.append(name))
print(float(jax.jit(lambda x: jnp.tanh(x @ x).sum())(jnp.eye(3))))
print(events.count("/jax/compilation_cache/cache_hits"))
"""


def _run(home):
  clean = {k: v for k, v in os.environ.items() if not k.startswith("JAX_")}
  value, hits = subprocess.check_output(
    [sys.executable, "-c", _PROGRAM],
    env={**clean, "XDG_CACHE_HOME": str(home)},
    text=True,
  ).split()
  return float(value), int(hits)


def test_compiled_code_is_found_again(tmp_path):
  value, hits = _run(tmp_path)
  assert hits == 0
  (folder,) = (tmp_path / "behavior-transfer").iterdir()
  assert list(folder.iterdir())
  again, hits = _run(tmp_path)
  assert hits > 0
  assert again == value


def test_a_home_that_cannot_be_written_to_is_no_obstacle(tmp_path):
  (tmp_path / "file").write_text("")
  value, hits = _run(tmp_path / "file")
  assert value > 2
  assert hits == 0
