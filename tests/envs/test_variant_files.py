"""Variants in files: what they pay on real play, and what is refused."""

import numpy as np
import pytest
import replay

from behavior_transfer import envs

MINE = """\
game = "hero"

[rewards]
miner = 500
wall = -20
"""


def _write(folder, text, name="mine.toml"):
  path = folder / name
  path.write_text(text)
  return str(path)


def _play(name, num_actions=None):
  """Rewards, events and places at each step of the recorded play."""
  with envs.make(name, seed=0, noop_max=0) as environment:
    environment.reset()
    for action in replay.recording(environment.game)[::4][:num_actions]:
      timestep = environment.step(action)
      yield timestep, environment.events, environment.place
      if timestep.last():
        return


def test_a_file_pays_its_table(tmp_path):
  name = _write(tmp_path, MINE)
  assert envs.variant(name).name == "mine"
  miners = walls = 0
  for timestep, events, _ in _play(name):
    expected = 500 * events.get("miner", 0) - 20 * events.get("wall", 0)
    assert timestep.reward == expected
    miners += events.get("miner", 0)
    walls += events.get("wall", 0)
  assert miners >= 3
  assert walls >= 5


def test_a_cap_is_of_an_episode(tmp_path):
  name = _write(tmp_path, MINE + "[caps]\nwall = 2\n")
  paid = [timestep.reward for timestep, *_ in _play(name)]
  plain = [timestep.reward for timestep, *_ in _play(_write(tmp_path, MINE))]
  assert sum(reward < 0 for reward in paid) == 2
  assert [r for r in paid if r > 0] == [r for r in plain if r > 0]


def test_a_cap_begins_anew_with_each_episode(tmp_path):
  name = _write(
    tmp_path, 'game = "maze"\n[rewards]\ncoin = 3\n[caps]\ncoin = 1\n'
  )
  rng = np.random.default_rng(0)
  with envs.make(name, seed=0) as environment:
    for _ in range(3):
      timestep, total, coins = environment.reset(), 0.0, 0
      while not timestep.last():
        timestep = environment.step(rng.integers(5))
        total += timestep.reward
        coins += environment.events.get("coin", 0)
      assert coins > 1
      assert total == 3


def test_first_visits_are_paid_once_each(tmp_path):
  name = _write(tmp_path, MINE + "[visits]\nroom = 7\nlevel = 100\n")
  total, rooms, levels, events_total = 0.0, set(), set(), 0.0
  for timestep, events, place in _play(name):
    total += timestep.reward
    events_total += 500 * events.get("miner", 0) - 20 * events.get("wall", 0)
    rooms.add(place[:2])
    levels.add(place[:1])
  assert len(levels) >= 3
  expected = events_total + 7 * (len(rooms) - 1) + 100 * (len(levels) - 1)
  assert total == pytest.approx(expected)


def test_shaping_telescopes(tmp_path):
  """With discount 1 it sums up to the difference of the potentials."""
  shaped = MINE + '[shaping]\nquantity = "y"\nweight = 2.5\ndiscount = 1.0\n'
  with_shaping = list(_play(_write(tmp_path, shaped), 400))
  plain = list(_play(_write(tmp_path, MINE), 400))
  with envs.make("hero", seed=0, noop_max=0) as environment:
    environment.reset()
    start = environment.place.y
  extra = sum(t.reward for t, *_ in with_shaping) - sum(
    t.reward for t, *_ in plain
  )
  assert not with_shaping[-1][0].last()
  assert extra == pytest.approx(2.5 * (with_shaping[-1][2].y - start))


def test_shaping_of_an_episode_that_ends_is_independent_of_its_course(tmp_path):
  """Discounted, the whole sum is minus the potential at the start."""
  text = (
    'game = "maze"\nends_on = ["coin"]\n[rewards]\ngoal = 0\n'
    '[shaping]\nquantity = "x"\nweight = 1.0\ndiscount = 0.9\n'
  )
  name = _write(tmp_path, text)
  sums = set()
  for seed in range(3):
    rng = np.random.default_rng(seed)
    with envs.make(name, seed=0) as environment:
      timestep = environment.reset()
      start = environment.place.x
      total, weight = 0.0, 1.0
      while not timestep.last():
        timestep = environment.step(rng.integers(5))
        total += weight * timestep.reward
        weight *= 0.9
      assert timestep.discount == 0
    sums.add(round(total, 2))
  assert sums == {-float(start)}


def test_an_event_may_end_the_episode(tmp_path):
  name = _write(tmp_path, 'ends_on = ["wall"]\n' + MINE)
  played = list(_play(name))
  assert [bool(events.get("wall")) for _, events, _ in played].index(
    True
  ) == len(played) - 1
  last = played[-1][0]
  assert last.last()
  assert last.discount == 0
  with envs.make(name, seed=0, noop_max=0) as environment:
    environment.reset()
    for action in replay.recording("hero")[::4]:
      if environment.step(action).last():
        break
    assert environment.step(0).first()


@pytest.mark.parametrize(
  ("text", "message"),
  [
    ("game = \n", "mine.toml: Invalid value"),
    ("[rewards]\nminer = 1\n", "mine.toml: game is missing"),
    (
      'game = "hero"\nrewards = 3\n',
      "line 2: rewards: got 3; allowed: a table",
    ),
    (MINE + "minor = 1\n", "line 6: rewards: got 'minor'; allowed: miner"),
    (MINE + "[cap]\nwall = 1\n", "line 6: key: got 'cap'; allowed: caps"),
    (MINE + "[caps]\nwal = 1\n", "line 7: caps: got 'wal'"),
    ('ends_on = ["death"]\n' + MINE, "line 1: ends_on: got 'death'"),
    (MINE + "[visits]\nscreen = 1\n", "line 7: visits: got 'screen'"),
    (
      MINE.replace("500", '"much"'),
      "line 4: rewards.miner: got 'much'; allowed: a number",
    ),
    (
      MINE + '[shaping]\nquantity = "z"\nweight = 1\ndiscount = 1\n',
      "line 7: shaping: got 'z'; allowed: level, room, x, y",
    ),
    (
      MINE + "[shaping]\nweight = 1\n",
      "line 6: shaping: got ['weight']; allowed: all of quantity, weight, disc",
    ),
    ('game = "qbert"\n[rewards]\nball = 1\n', "line 1: game: got 'qbert'"),
  ],
)
def test_what_cannot_be_is_refused_with_its_line(tmp_path, text, message):
  with pytest.raises(ValueError, match="mine") as error:
    envs.make(_write(tmp_path, text), seed=0)
  assert message in str(error.value)
  assert "\n" not in str(error.value)


def test_a_file_that_is_not_there():
  with pytest.raises(FileNotFoundError):
    envs.variant("no/such.toml")
