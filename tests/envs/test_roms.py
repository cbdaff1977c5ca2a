"""Every ROM of ale-py: it can be played, or is refused with a reason."""

import multiprocessing

import ale_py
import numpy as np
import pytest
from ale_py import roms

from behavior_transfer import envs
from behavior_transfer.envs import console

_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload(["behavior_transfer.envs"])


def _play(game):
  with envs.make(game, seed=0) as environment:
    environment.reset()
    assert environment.action_spec().num_values == 18
    for action in range(18):
      assert np.isfinite(environment.step(action).reward)


@pytest.mark.parametrize("game", roms.get_all_rom_ids())
def test_each_is_played_or_refused(game):
  """In a process of its own, which ALE has been seen to end."""
  if game in console.FOR_TWO_PLAYERS:
    assert game not in envs.names()
    message = f"No variant is called '{game}'; the game takes two players"
    with pytest.raises(envs.UnknownVariantError, match=message):
      envs.make(game, seed=0)
    for make in (envs.AtariEnvironment, envs.Variant):
      arguments = {"name": "mine"} if make is envs.Variant else {"seed": 0}
      with pytest.raises(ValueError, match="for one player"):
        make(game=game, **arguments)
    return
  process = _PROCESSES.Process(target=_play, args=(game,))
  process.start()
  process.join()
  assert process.exitcode == 0


@pytest.mark.parametrize("game", ["skiing", "lost_luggage", "pong"])
def test_an_index_of_the_full_set_is_ales_number(game):
  with envs.make(game, seed=0, noop_max=0, action_repeat=1) as environment:
    environment.reset()
    meanings = [ale_py.Action(number).name for number in range(18)]
    assert environment.action_meanings == meanings
    ale = console.switch_on(game)
    for action in np.random.default_rng(0).integers(18, size=300):
      environment.step(action)
      ale.act(int(action))
      np.testing.assert_array_equal(environment.ram(), ale.getRAM())


@pytest.mark.parametrize("game", ["skiing", "breakout"])
def test_an_index_of_the_least_set_is_of_its_meanings(game):
  options = {"seed": 0, "noop_max": 0, "action_repeat": 1}
  least = envs.make(game, full_action_set=False, **options)
  full = envs.make(game, **options)
  least.reset()
  full.reset()
  for action in np.random.default_rng(0).integers(3, size=300):
    least.step(action)
    full.step(full.action_meanings.index(least.action_meanings[action]))
    np.testing.assert_array_equal(least.ram(), full.ram())


def _poked(game, **cells):
  """A game in which cells of its decoder were overwritten."""
  environment = envs.make(game, seed=0, noop_max=0, action_repeat=1)
  environment.reset()
  for _ in range(300):
    environment.step(0)
  for name, value in cells.items():
    environment._ale.setRAM(envs.decoder(game).cells[name], value)
  environment._before = environment._read_ram()
  return environment


@pytest.mark.parametrize(
  ("game", "clock", "event"),
  [
    ("pitfall", {"minutes": 0, "seconds": 2}, "time_out"),
    ("private_eye", {"minutes": 0, "seconds": 2}, "time_out"),
  ],
)
def test_a_games_own_clock_ends_it(game, clock, event):
  environment = _poked(game, **clock)
  steps = [environment.step(0) for _ in range(60)]
  while not steps[-1].last():
    steps.append(environment.step(0))
    assert len(steps) < 300
  assert environment.events == {event: 1}
  assert steps[-1].discount == 0
  assert environment.step(0).first()
  assert environment.ram()[envs.decoder(game).cells["minutes"]] != 0


def test_pongs_own_clock_ends_it():
  environment = _poked("pong")
  environment._ale.setRAM(9, 255)  # in 256 frames
  step = environment.step(0)
  while not step.last():
    step = environment.step(0)
    assert environment.emulator_frames < 1000
  assert "game_number" in environment.events
  assert step.discount == 0


@pytest.mark.parametrize(
  ("points", "gained"),
  [
    (-999_950, 50),
    (-99_950, 50),
    (-999_999, 1),
    (-100, -100),
    (-10_000, -10_000),
    (-50_000, -50_000),
    (-100_000, -100_000),
    (999_950, 999_950),
    (0, 0),
  ],
)
def test_what_a_score_gained(points, gained):
  assert console.gained(points) == gained


@pytest.mark.parametrize("variant", ["ms_pacman", "ms_pacman_hard"])
def test_a_score_that_rolls_over_gains_what_it_gained(variant):
  """Dots are worth ten points, also the one behind 999,990."""
  environment = envs.make(variant, seed=0, noop_max=0, action_repeat=1)
  environment.reset()
  for _ in range(300):
    environment.step(0)
  cells = envs.decoder("ms_pacman").cells
  for name, value in (
    ("score_high", 0x99),
    ("score_mid", 0x99),
    ("score_low", 0x90),
  ):
    environment._ale.setRAM(cells[name], value)
  environment._before = environment._read_ram()
  environment.step(0)  # ALE pays for what was overwritten
  environment._before = environment._read_ram()
  while "score_rollover" not in environment.events:
    step = environment.step(3)
    assert environment.emulator_frames < 600
  assert environment.events == {"dot": 1, "score_rollover": 1}
  assert environment.native_reward == 10
  assert step.reward == (10 if variant == "ms_pacman" else -10)
  assert envs.variant("ms_pacman").reward(environment.events) == 10
