"""Asterix: the rules that its decoder follows, one by one."""

import itertools

import accounts
import pytest
import scenes

from behavior_transfer import envs

OBJECTS = [50, 100, 200, 300, 400] + 20 * [500]


def test_asterix_last_life_is_lost_where_the_game_ends():
  *frames, last = scenes.asterix_dies_for_good()
  decoder = envs.decoder("asterix")
  assert accounts.check(decoder, last) == {"life_lost": 1}
  for frame in frames:
    assert "life_lost" not in accounts.check(decoder, frame)


def test_asterix_events_leave_their_traces_in_ram():
  """The objects' kind and number confirm each event that an amount told."""
  kind, taken = envs.decoder("asterix").cells["kind"], 66
  for before, after, events in accounts.decoded("asterix"):
    objects = {e: n for e, n in events.items() if e.startswith("object")}
    number = (int(after[taken]) - int(before[taken])) % 50
    assert number == sum(objects.values())
    if objects:
      assert objects == {f"object_{OBJECTS[before[kind]]}": 1}
    assert (number and after[taken] == 0) == events.get("next_kind", 0)


@pytest.mark.parametrize("kind", range(25))
def test_asterix_objects_of_every_kind(kind):
  """Kinds differ in speed and form: the recording's actions may miss some."""
  decoder, taken = envs.decoder("asterix"), {f"object_{OBJECTS[kind]}": 1}
  for index, _ in accounts.frames_with("asterix", "object_50")[:4]:
    frames = itertools.islice(accounts.poked("asterix", index, kind=kind), 300)
    seen = [accounts.check(decoder, frame) for frame in frames]
    assert all(events in ({}, taken, {"life_lost": 1}) for events in seen)
    if taken in seen:
      return
  pytest.fail("none was taken")


def test_asterix_score_rolls_over():
  index, _ = accounts.frames_with("asterix", "object_50")[0]
  score = {"score_high": 0x99, "score_mid": 0x99, "score_low": 0x50}
  frame = next(accounts.poked("asterix", index, **score))
  events = accounts.check(envs.decoder("asterix"), frame)
  assert events.pop("object_50") == events.pop("score_rollover") == 1
  assert events.keys() <= {"extra_life"}
