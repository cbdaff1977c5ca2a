"""Checkpoints: values survive, and every kind of damage is one clear line."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import time

import chex
import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import optax
import pytest

from behavior_transfer.agents import checkpoints

MANIFEST = {
  "agent": "r2d2",
  "game": "hero_hard",
  "action_set": ["NOOP", "FIRE"],
  "observation": {"shape": [84, 84, 1], "dtype": "uint8"},
  "network": {"lstm_size": 512},
  "config": {"discount": 0.997},
  "frames": 4000,
  "agent_steps": 1000,
  "learner_steps": 10,
  "seed": 1,
  "pretrained": [],
}
PARAMS = {
  "torso": {"kernel": np.array([[1.5, -0.0], [1e-45, -3.4e38]], np.float32)},
  "head": {"bias": np.array([1, -2], np.int8), "scale": np.float32(0.1)},
}


@chex.dataclass
class Statistics:
  mean: chex.Array
  count: int


def training_state():
  params = jax.tree.map(jnp.asarray, PARAMS["torso"])
  optimizer = optax.chain(
    optax.clip_by_global_norm(40.0), optax.adam(1e-4, eps=1e-3)
  )
  return {
    "opt_state": optimizer.init(params),
    "statistics": Statistics(mean=jnp.full([2, 3], 7.25), count=3),
    "random_key": jax.random.PRNGKey(5),
    "empty": (),
    "nothing": None,
    "flags": [True, 2.5, np.float64(1) / 3],
    "file": np.arange(3, dtype=np.uint8),
  }


def save(folder, step=10, **options):
  options = {"params": PARAMS, "manifest": MANIFEST} | options
  return checkpoints.save(folder, step=step, **options)


def one_line(error):
  assert "\n" not in str(error.value)
  return str(error.value)


def overwrite_manifest(path, change):
  """Changes a manifest as its own writer would, checksum included."""
  manifest = json.loads((path / "manifest.json").read_text())
  del manifest["checksum"]
  change(manifest)
  manifest["checksum"] = checkpoints._checksum(manifest)
  (path / "manifest.json").write_text(json.dumps(manifest))


def test_parameters_come_back_bit_for_bit(tmp_path):
  loaded = checkpoints.load_params(save(tmp_path))
  assert jax.tree.structure(loaded) == jax.tree.structure(PARAMS)
  for saved, read in zip(
    jax.tree.leaves(PARAMS), jax.tree.leaves(loaded), strict=True
  ):
    assert isinstance(read, np.ndarray)
    assert read.dtype == saved.dtype
    assert read.shape == saved.shape
    assert read.tobytes() == saved.tobytes()


def test_training_state_comes_back_bit_for_bit(tmp_path):
  state = training_state()
  path = save(tmp_path, training_state=state)
  loaded = checkpoints.load_training(path, state)
  assert jax.tree.structure(loaded) == jax.tree.structure(state)
  for saved, read in zip(
    jax.tree.leaves(state), jax.tree.leaves(loaded), strict=True
  ):
    assert np.asarray(read).dtype == np.asarray(saved).dtype
    assert np.asarray(read).tobytes() == np.asarray(saved).tobytes()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_has_diverged_is_neither_written_nor_read(
  tmp_path, monkeypatch, value
):
  params = {**PARAMS, "scale": np.array([1, value], np.float32)}
  state = {"mean": np.array([value])}
  for broken in ({"params": params}, {"training_state": state}):
    with pytest.raises(checkpoints.CheckpointError, match="is not finite"):
      save(tmp_path / "run", **broken)
  assert not list((tmp_path / "run").glob("[0-9]*"))
  # As an earlier version wrote it.
  with monkeypatch.context() as patch:
    patch.setattr(checkpoints, "_check_finite", lambda *_: None)
    path = save(tmp_path / "run", params=params, training_state=state)
  with pytest.raises(checkpoints.CheckpointError) as error:
    checkpoints.load_params(path)
  assert f"{path}: policy.npz: scale is not finite" in one_line(error)
  with pytest.raises(checkpoints.CheckpointError, match="npz: mean is not fin"):
    checkpoints.load_training(path, state)


def test_a_template_of_shapes_is_enough(tmp_path):
  state = {"mean": jnp.arange(6.0).reshape(2, 3)}
  path = save(tmp_path, training_state=state)
  template = jax.eval_shape(lambda: state)
  loaded = checkpoints.load_training(path, template)
  np.testing.assert_array_equal(loaded["mean"], state["mean"])


def test_the_arrays_are_an_npz_that_numpy_reads_by_leaf_name(tmp_path):
  with np.load(save(tmp_path) / "policy.npz", allow_pickle=False) as arrays:
    assert set(arrays) == {"torso/kernel", "head/bias", "head/scale"}
    np.testing.assert_array_equal(arrays["head/bias"], [1, -2])


def test_the_manifest_holds_what_was_given_and_what_it_was_made_with(tmp_path):
  path = save(tmp_path, step=12)
  assert path == tmp_path / "000000000012"
  manifest = checkpoints.read_manifest(path)
  assert MANIFEST.items() <= manifest.items()
  assert manifest["format_version"] == checkpoints.FORMAT_VERSION
  assert manifest["library_versions"]["jax"] == jax.__version__
  assert manifest["created"].endswith("+00:00")
  size = (path / "policy.npz").stat().st_size
  assert manifest["files"]["policy.npz"]["bytes"] == size


@pytest.mark.parametrize(
  ("change", "fault"),
  [
    (
      lambda state: state.pop("b"),
      "training.npz: b is float32[2], expected absent",
    ),
    (
      lambda state: state.update(c=1),
      "training.npz: c is absent, expected int64[]",
    ),
    (
      lambda state: state.update(b=np.zeros([3], np.float32)),
      "training.npz: b is float32[2], expected float32[3]",
    ),
    (
      lambda state: state.update(b=np.zeros([2], np.int32)),
      "training.npz: b is float32[2], expected int32[2]",
    ),
  ],
)
def test_a_training_state_of_another_form_names_the_leaf(
  tmp_path, change, fault
):
  state = {"a": 1, "b": np.zeros([2], np.float32)}
  path = save(tmp_path, training_state=state)
  change(state)
  with pytest.raises(checkpoints.CheckpointError) as error:
    checkpoints.load_training(path, state)
  assert one_line(error) == f"{path}: {fault}"


def test_a_checkpoint_without_training_state_says_so(tmp_path):
  path = save(tmp_path)
  with pytest.raises(checkpoints.CheckpointError) as error:
    checkpoints.load_training(path, {})
  assert one_line(error) == f"{path}: holds no training.npz"


def flip(path):
  file = path / "policy.npz"
  content = bytearray(file.read_bytes())
  content[len(content) // 2] ^= 1
  file.write_bytes(content)


def alter_manifest(path):
  file = path / "manifest.json"
  file.write_text(file.read_text().replace("0.997", "0.998"))


def truncate(path):
  os.truncate(path / "policy.npz", 100)


def truncate_manifest(path):
  os.truncate(path / "manifest.json", 100)


def lose_arrays(path):
  (path / "policy.npz").unlink()


def lose_manifest(path):
  (path / "manifest.json").unlink()


def make_newer(path):
  overwrite_manifest(path, lambda m: m.update(format_version=2))


def make_foreign(path):
  (path / "manifest.json").write_text('{"name": "web app", "icons": []}')


DAMAGE = [
  (flip, "policy.npz is corrupt (sha256)"),
  (alter_manifest, "manifest.json was altered (checksum)"),
  (truncate, "policy.npz has 100 bytes instead of"),
  (truncate_manifest, "manifest.json is damaged or another program's"),
  (lose_arrays, "policy.npz: No such file or directory"),
  (lose_manifest, "not a checkpoint, no manifest.json"),
  (make_newer, "has format version 2, this program reads 1"),
  (make_foreign, "manifest.json is damaged or another program's"),
]


@pytest.mark.parametrize(("damage", "fault"), DAMAGE)
def test_damage_is_named_in_one_line(tmp_path, damage, fault):
  path = save(tmp_path, training_state={"a": 1})
  damage(path)
  for read in (
    checkpoints.read_manifest,
    checkpoints.load_params,
    lambda path: checkpoints.load_training(path, {"a": 1}),
  ):
    with pytest.raises(checkpoints.CheckpointError) as error:
      read(path)
    assert one_line(error).startswith(f"{path}: {fault}")


@pytest.mark.parametrize("damage", [damage for damage, _ in DAMAGE])
def test_resolve_skips_a_damaged_newest_checkpoint(tmp_path, damage, caplog):
  older = save(tmp_path / "checkpoints", step=1)
  newest = save(tmp_path / "checkpoints", step=2)
  assert checkpoints.resolve(tmp_path) == newest
  damage(newest)
  assert checkpoints.resolve(tmp_path) == older
  assert str(newest) in caplog.text


def test_resolve_takes_a_checkpoint_its_folder_or_its_workdir(tmp_path):
  folder = tmp_path / "checkpoints"
  older, newest = save(folder, step=9), save(folder, step=10)
  assert checkpoints.resolve(older) == older
  assert checkpoints.resolve(folder) == newest
  assert checkpoints.resolve(str(tmp_path)) == newest


def test_resolve_refuses_what_holds_no_intact_checkpoint(tmp_path):
  with pytest.raises(checkpoints.CheckpointError) as error:
    checkpoints.resolve(tmp_path / "absent")
  assert one_line(error) == f"{tmp_path / 'absent'}: no such folder"
  with pytest.raises(checkpoints.CheckpointError) as error:
    checkpoints.resolve(tmp_path)
  assert one_line(error) == f"{tmp_path}: holds no checkpoint"
  path = save(tmp_path)
  flip(path)
  with pytest.raises(checkpoints.CheckpointError) as error:
    checkpoints.resolve(tmp_path)
  assert one_line(error) == f"{tmp_path}: none of 1 checkpoints is intact"
  with pytest.raises(checkpoints.CheckpointError, match="corrupt"):
    checkpoints.resolve(path)


class Trap:
  """Unpickling this creates a file."""

  def __init__(self, path):
    self.path = path

  def __reduce__(self):
    return open, (self.path, "w")


@pytest.mark.parametrize("as_pickle_file", [False, True])
def test_no_pickle_is_ever_loaded(tmp_path, as_pickle_file):
  path = save(tmp_path)
  trap = np.array([Trap(str(tmp_path / "sprung"))], dtype=object)
  if as_pickle_file:
    trap.dump(path / "policy.npz")
  else:
    np.savez(path / "policy.npz", allow_pickle=True, trap=trap)
  fingerprint = checkpoints._fingerprint(path / "policy.npz")
  overwrite_manifest(
    path, lambda m: m["files"].update({"policy.npz": fingerprint})
  )
  with pytest.raises(checkpoints.CheckpointError) as error:
    checkpoints.load_params(path)
  assert "policy.npz cannot be read" in one_line(error)
  assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize(
  "leaf",
  [
    np.zeros([2], ml_dtypes.bfloat16),
    jnp.zeros([2], jnp.bfloat16),
    np.zeros([2], ml_dtypes.float8_e5m2),
    np.array(["text"]),
    np.array([None]),
    "text",
    jax.random.key(0),
  ],
)
def test_types_that_would_not_come_back_are_refused(tmp_path, leaf):
  save(tmp_path, step=1)
  with pytest.raises(checkpoints.CheckpointError) as error:
    save(tmp_path, step=2, params={"layer": leaf})
  assert "layer has dtype" in one_line(error)
  assert checkpoints.resolve(tmp_path).name == "000000000001"
  save(tmp_path, step=2)  # What the failure left behind is no obstacle.


@pytest.mark.parametrize("params", [{"a": [np.ones(1)]}, {"a/b": np.ones(1)}])
def test_params_that_would_come_back_in_another_form_are_refused(
  tmp_path, params
):
  with pytest.raises(checkpoints.CheckpointError, match="nested dictionaries"):
    save(tmp_path, params=params)


def test_two_leaves_of_one_name_are_refused(tmp_path):
  state = {"a": {"b": 1}, "a/b": 2}
  with pytest.raises(ValueError, match="two leaves"):
    save(tmp_path, training_state=state)


def test_only_the_newest_are_kept(tmp_path):
  for step in range(1, 6):
    save(tmp_path, step=step, keep=2)
  assert sorted(os.listdir(tmp_path)) == ["000000000004", "000000000005"]


def test_pruning_spares_the_one_just_saved_below_a_damaged_later_one(tmp_path):
  flip(save(tmp_path, step=9))
  path = save(tmp_path, step=3, keep=1)
  assert checkpoints.resolve(tmp_path) == path


def test_a_step_saved_again_is_replaced(tmp_path):
  save(tmp_path)
  path = save(tmp_path, params={"a": np.ones(2)})
  assert set(checkpoints.load_params(path)) == {"a"}
  assert os.listdir(tmp_path) == [path.name]


@pytest.mark.parametrize(
  ("options", "fault"),
  [
    ({"step": -1}, "step must be"),
    ({"step": 10**12}, "step must be"),
    ({"keep": 0}, "keep must be at least 1, got 0"),
    ({"manifest": {}}, "the manifest lacks action_set, agent"),
  ],
)
def test_wrong_arguments_are_refused_before_anything_is_written(
  tmp_path, options, fault
):
  with pytest.raises(ValueError, match=fault):
    save(tmp_path / "folder", **options)
  assert not (tmp_path / "folder").exists()


def test_pretrained_policies_are_kept_inside(tmp_path):
  first = save(tmp_path / "a", training_state={"moments": np.ones(1000)})
  second = save(tmp_path / "b", params={"x": np.ones(1)}, pretrained=[first])
  path = save(tmp_path / "c", pretrained=[None, first, second])
  for original in (first, second):
    flip(original)
  copies = [path / "pretrained_1", path / "pretrained_2"]
  assert not (path / "pretrained_0").exists()
  assert not (copies[0] / "training.npz").exists()
  loaded = checkpoints.load_params(copies[0])
  np.testing.assert_array_equal(
    loaded["torso"]["kernel"], PARAMS["torso"]["kernel"]
  )
  assert checkpoints.read_manifest(copies[0])["game"] == "hero_hard"
  inner = checkpoints.load_params(copies[1] / "pretrained_0")
  assert set(inner) == {"torso", "head"}
  flip(copies[0])
  with pytest.raises(checkpoints.CheckpointError, match="pretrained_1/policy"):
    checkpoints.read_manifest(path)


def test_a_damaged_pretrained_policy_is_not_copied(tmp_path):
  source = save(tmp_path / "a")
  flip(source)
  with pytest.raises(checkpoints.CheckpointError, match="corrupt"):
    save(tmp_path / "b", pretrained=[source])


def run(program, *arguments, **options):
  return subprocess.Popen(
    [sys.executable, "-c", textwrap.dedent(program), *map(str, arguments)],
    **options,
  )


def test_sigkill_during_a_large_write_leaves_the_previous_one(tmp_path):
  previous = save(tmp_path, step=1)
  process = run(
    """
    import json, sys
    import numpy as np
    from behavior_transfer.agents import checkpoints
    checkpoints.save(
      sys.argv[1], step=2, manifest=json.loads(sys.argv[2]),
      params={str(i): np.zeros(2**24) for i in range(64)})  # 8 GiB
    """,
    tmp_path,
    json.dumps(MANIFEST),
  )
  partial = tmp_path / ".partial-000000000002" / "policy.npz"
  while not partial.exists() or partial.stat().st_size < 2**26:
    assert process.poll() is None
    time.sleep(0.01)
  process.kill()
  assert process.wait() == -signal.SIGKILL
  assert checkpoints.resolve(tmp_path) == previous
  save(tmp_path, step=2)
  assert not partial.exists()


def test_sigkill_before_any_flush_or_rename_leaves_an_intact_one(tmp_path):
  """Kills a save right before its n-th step on the disk, for every n."""
  process = run(
    """
    import json, os, pathlib, shutil, signal, sys
    import numpy as np
    from behavior_transfer.agents import checkpoints

    folder, manifest = pathlib.Path(sys.argv[1]), json.loads(sys.argv[2])
    frozen = checkpoints.save(
      folder / "frozen", step=0, params={"a": np.ones(1)}, manifest=manifest)

    def save(step, **options):
      return checkpoints.save(
        folder / "run", step=step, manifest=manifest, keep=1, **options)

    def killed_before(n, name, owner):
      original = getattr(owner, name)
      def wrapped(*args, **options):
        nonlocal n
        n -= 1
        if n < 0:
          os.kill(os.getpid(), signal.SIGKILL)
        return original(*args, **options)
      setattr(owner, name, wrapped)

    kills = 0
    for owner, name in ((os, "fsync"), (os, "rename"), (os, "replace"),
                        (pathlib.Path, "rename"), (shutil, "rmtree")):
      for n in range(100):
        shutil.rmtree(folder / "run", ignore_errors=True)
        save(1, params={"a": np.full(3, 1.0)})
        child = os.fork()
        if child == 0:
          killed_before(n, name, owner)
          save(2, params={"a": np.full(3, 2.0)}, pretrained=[frozen],
               training_state={"b": 1})
          os._exit(0)
        status = os.waitpid(child, 0)[1]
        newest = checkpoints.resolve(folder / "run")
        value = float(newest.name)
        assert (checkpoints.load_params(newest)["a"] == value).all()
        if not os.WIFSIGNALED(status):
          assert value == 2
          break
        kills += 1
    print(kills)
    """,
    tmp_path,
    json.dumps(MANIFEST),
    stdout=subprocess.PIPE,
    text=True,
  )
  output, _ = process.communicate()
  assert process.returncode == 0
  assert int(output) >= 12
