"""The program that tells of games."""

import re
import subprocess
import sys

import imageio
import numpy as np
import pytest

from behavior_transfer import envs
from behavior_transfer.envs import console, recordings
from tests.experiments import programs

_HERO = recordings.bundled("hero")


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
  process = programs.start("games.py", "verify", "pong", "--frames=2000")
  recorded, played = programs.finish(process).splitlines()
  assert re.match(r"pong: \d,\d{3} frames, recording, .*; .*hit 12", recorded)
  assert played.startswith("pong: 2,000 frames, random play")


def test_it_verifies_and_films_a_recording(tmp_path):
  path = tmp_path / "short.npz"
  actions = recordings.load(recordings.bundled("hero"), "hero")[:400]
  recordings.save(path, "hero", actions)
  flag = f"--recording={path}"
  text = programs.finish(programs.start("games.py", "verify", "hero", flag))
  (line,) = text.splitlines()
  assert line.startswith("hero: 400 frames, recording")
  film = tmp_path / "film.mp4"
  process = programs.start(
    "games.py", "watch", "hero_hard", flag, f"--output={film}"
  )
  assert str(film) in programs.finish(process)
  pictures = [np.asarray(p) for p in imageio.get_reader(film)]
  assert len(pictures) == 400
  with envs.make(
    "hero_hard", seed=0, noop_max=0, action_repeat=1
  ) as environment:
    environment.reset()
    for action in actions:
      environment.step(action)
    screen = environment.render()
  height, width = screen.shape[:2]
  first, last = (
    picture[: 3 * height : 3, : 3 * width : 3].astype(int)
    for picture in (pictures[0], pictures[-1])
  )
  # The codec loses something.
  assert np.abs(last - screen).mean() < np.abs(first - screen).mean() / 2


def test_it_probes():
  """ALE itself reads Breakout's lives in cell 57."""
  process = programs.start(
    "games.py", "probe", "breakout", "--event=life_lost", "--frames=3000"
  )
  head, _, *rows = programs.finish(process).splitlines()
  assert re.match(r"breakout: [1-9][0-9]* frames with life_lost$", head)
  cells = {row.split()[0]: row.split()[1:3] for row in rows}
  assert cells["57"] == ["100.0%", "0.0%"]


def test_it_probes_for_events_of_a_decoder():
  process = programs.start("games.py", "probe", "pong", "--event=point_won")
  head, _, first, *_ = programs.finish(process).splitlines()
  assert head == "pong: 2 frames with point_won"
  assert first.split()[0] in ("14", "16", "17")


def test_an_event_that_never_comes():
  process = programs.start(
    "games.py", "probe", "montezuma_revenge_hard", "--event=torch"
  )
  output, _ = process.communicate()
  assert process.returncode == 1
  assert output == "montezuma_revenge: 0 frames with torch\n"


_PRESSES = """
import os, sys
os.environ["SDL_VIDEODRIVER"] = "dummy"
import pygame
from behavior_transfer.experiments import playing

key = lambda kind, key: pygame.event.Event(kind, key=key)
script = {
  5: [key(pygame.KEYDOWN, pygame.K_RIGHT)],
  8: [key(pygame.KEYDOWN, pygame.K_SPACE)],
  10: [key(pygame.KEYUP, pygame.K_RIGHT)],
  12: [key(pygame.KEYDOWN, pygame.K_LEFT), key(pygame.KEYDOWN, pygame.K_RIGHT)],
  20: [END],
}
frame = 0

def get():
  global frame
  frame += 1
  return script.get(frame, [])

pygame.event.get = get
playing.play("hero_hard", __import__("pathlib").Path(sys.argv[1]))
"""


@pytest.mark.parametrize(
  "end",
  ["key(pygame.KEYDOWN, pygame.K_ESCAPE)", "pygame.event.Event(pygame.QUIT)"],
)
def test_what_is_played_by_keyboard_is_recorded(tmp_path, end):
  """The real window, but on no screen, and with keys pressed by a script."""
  path = tmp_path / "mine.npz"
  output = subprocess.check_output(
    [sys.executable, "-c", _PRESSES.replace("END", end), path], text=True
  )
  assert f"20 frames in {path}" in output
  noop, fire, right, right_fire = 0, 1, 3, 11
  expected = [noop] * 4 + [right] * 3 + [right_fire] * 2 + [fire] * 2
  expected += [noop] * 9  # right and left at once
  np.testing.assert_array_equal(recordings.load(path, "hero"), expected)


def test_what_it_cannot_do_is_refused():
  for arguments, message in (
    ((), "got no command; allowed: list, show NAME"),
    (("shwo", "hero"), "got shwo hero; allowed"),
    (("show", "hero_hrd"), "did you mean hero_hard"),
    (("verify",), "got verify; allowed"),
    (("verify", "breakout"), "game: got 'breakout'; allowed, having a decoder"),
    (("play", "maze_far"), "game: got 'maze'; allowed: a ROM of ale-py"),
    (("play", "hero", "--output=a.gif"), "a.gif: a recording ends in .npz"),
    (
      ("watch", "hero", "--output=a.avi"),
      "a.avi: a video ends in .gif or .mp4",
    ),
    (("watch", "hero", f"--recording={__file__}"), "no recording"),
    (
      ("watch", "pong", f"--recording={_HERO}"),
      "the ROM with MD5 fca4a5be1251",
    ),
    (("probe", "hero", "--event=ghost"), "event: got 'ghost'; allowed: miner"),
    (("probe", "maze"), "game: got 'maze'; allowed: a ROM of ale-py"),
  ):
    assert message in programs.refuse("games.py", *arguments)


@pytest.mark.parametrize("is_dead", [False, True])
def test_play_needs_a_screen(monkeypatch, is_dead):
  for name in ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER"):
    monkeypatch.delenv(name, raising=False)
  if is_dead:
    monkeypatch.setenv("DISPLAY", ":987")
  message = "play: needs a screen, by DISPLAY, WAYLAND_DISPLAY, SDL_VIDEODRIVER"
  assert message in programs.refuse("games.py", "play", "hero")


def test_skiing_is_filmed_as_it_was_played(tmp_path):
  """FIRE, which the game does not take, included."""
  path, film = tmp_path / "mine.npz", tmp_path / "film.mp4"
  actions = list(console.random_actions(200, seed=0))
  assert max(actions) > 9
  recordings.save(path, "skiing", actions)
  frames = console.play(console.switch_on("skiing"), actions)
  total = sum(frame.paid for frame in frames)
  process = programs.start(
    "games.py", "watch", "skiing", f"--recording={path}", f"--output={film}"
  )
  assert f"recording: return {total:,g};" in programs.finish(process)


def test_it_takes_a_file_where_it_takes_a_name(tmp_path):
  mine = tmp_path / "mine.toml"
  mine.write_text('game = "pong"\nends_on = ["hit"]\n[rewards]\nnative = 2\n')
  text = programs.finish(programs.start("games.py", "show", mine))
  assert "a point of the native score pays 2" in text
  assert "ends on hit" in text
  process = programs.start("games.py", "verify", mine, "--frames=100")
  assert programs.finish(process).startswith("pong: ")
