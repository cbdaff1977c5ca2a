"""The program that tells of games."""

from behavior_transfer import envs
from tests.experiments import programs


def test_it_lists_every_variant():
  words = programs.finish(programs.start("games.py", "list")).replace(",", " ")
  assert set(envs.names()) <= set(words.split())


def test_it_shows_events_and_cells(tmp_path):
  mine = tmp_path / "mine.toml"
  mine.write_text('game = "hero"\n[rewards]\nwall = 7\n[caps]\nwall = 3\n')
  text = programs.finish(programs.start("games.py", "show", mine))
  rows = [line.split()[:3] for line in text.splitlines()]
  assert ["wall", "75", "7"] in rows
  assert ["miner", "1000", "0"] in rows
  assert ["level", "117"] in rows
  assert "wall pays 3 times an episode at most" in text


def test_it_verifies():
  process = programs.start("games.py", "verify", "ms_pacman", "--frames=2000")
  text = programs.finish(process)
  assert text.startswith("ms_pacman: 2,000 frames")
  assert "dot" in text


def test_what_it_cannot_do_is_refused():
  for arguments, message in (
    ((), "got no command; allowed: list, show NAME"),
    (("shwo", "hero"), "got shwo hero; allowed"),
    (("show", "hero_hrd"), "did you mean hero_hard"),
    (("verify",), "got verify; allowed"),
    (("verify", "breakout"), "game: got 'breakout'; allowed, having a decoder"),
  ):
    assert message in programs.refuse("games.py", *arguments)
