"""Recordings: what is saved is what is played again."""

import numpy as np
import pytest

from behavior_transfer import envs
from behavior_transfer.envs import console, decoders, recordings


def test_every_decoder_has_one():
  for game in decoders.DECODERS:
    path = recordings.bundled(game)
    assert len(recordings.load(path, game)) > 1_000
    assert path.stat().st_size < 10_000
  assert recordings.bundled("breakout") is None


def test_what_is_saved_is_loaded(tmp_path):
  path, actions = tmp_path / "mine.npz", np.arange(18)
  recordings.save(path, "pong", actions, action_repeat=3)
  assert [f.name for f in tmp_path.iterdir()] == ["mine.npz"]
  loaded = recordings.load(path, "pong")
  assert loaded.dtype == np.uint8
  np.testing.assert_array_equal(loaded, np.repeat(actions, 3))


def test_console_and_environment_play_the_same():
  actions = recordings.load(recordings.bundled("hero"), "hero")[:2_000]
  frames = console.play(console.switch_on("hero"), actions)
  with envs.make(
    "hero", seed=7, noop_max=0, action_repeat=1, max_episode_frames=10**6
  ) as environment:
    environment.reset()
    for frame, action in zip(frames, actions, strict=True):
      timestep = environment.step(action)
      assert timestep.reward == frame.paid
      assert environment.ram().tobytes() == frame.after


def test_what_is_none_is_refused(tmp_path):
  text = tmp_path / "text.npz"
  text.write_text("text")
  other = tmp_path / "other.npz"
  np.savez(other, actions=np.zeros(3))
  objects = tmp_path / "objects.npz"
  np.savez(objects, actions=np.array([{}]), rom_md5="", action_repeat=1)
  for path in (text, other, objects):
    with pytest.raises(ValueError, match=f"{path.name}: no recording"):
      recordings.load(path, "hero")
  with pytest.raises(ValueError, match=r"allowed: .* which is 'pong'"):
    recordings.load(recordings.bundled("hero"), "pong")
  with pytest.raises(OSError, match="none"):
    recordings.load(tmp_path / "none.npz", "hero")
