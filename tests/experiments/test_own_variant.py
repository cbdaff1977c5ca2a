"""Runs of variants that their users wrote, and then edited."""

import csv
import json
import pathlib
import re

import pytest

from behavior_transfer import envs
from tests.experiments import programs

_ROOT = pathlib.Path(__file__).resolve().parents[2]
_GUIDE = [
  text
  for name in ("README.md", "docs/modding.md")
  for text in re.findall(
    r"^```toml\n(.*?)^```$",
    (_ROOT / name).read_text(),
    re.MULTILINE | re.DOTALL,
  )
]

_MINE = 'game = "maze"\n[rewards]\ncoin = {coin}\n'


def test_who_edits_a_variant_begins_another_run(tmp_path):
  mine, workdir = tmp_path / "mine.toml", tmp_path / "run"
  mine.write_text(_MINE.format(coin=2))
  command = (
    "run_r2d2.py",
    f"--game={mine}",
    f"--workdir={workdir}",
    "--frames=800",
    *programs.TINY,
    "--preset=miniature",
  )
  programs.finish(programs.start(*command))
  rows = (workdir / "train.csv").read_text().splitlines()
  header = rows[0].split(",")
  for row in rows[1:]:
    values = dict(zip(header, map(float, row.split(",")), strict=True))
    assert values["episode_return"] == 2 * values["event_coin"]
  assert len(rows) > 1
  mine.write_text(_MINE.format(coin=3))
  line = programs.refuse(*command)
  assert f"{workdir} belongs to another run: rewards is {{'coin': 3}}" in line


@pytest.mark.parametrize("text", _GUIDE)
def test_files_of_the_guide_are_trained_and_evaluated(tmp_path, text):
  mine, workdir = tmp_path / "mine.toml", tmp_path / "run"
  mine.write_text(text)
  columns = {f"event_{event}" for event in envs.variant(mine).events}
  assert len(columns) > 2
  command = (
    "run_r2d2.py",
    f"--game={mine}",
    f"--workdir={workdir}",
    *programs.TINY,
    "--preset=miniature",
    "--evaluation_episodes=0",
  )
  programs.finish(programs.start(*command, "--frames=640"))
  programs.finish(programs.start(*command, "--frames=1280"))  # goes on
  with open(workdir / "train.csv") as file:
    rows = list(csv.DictReader(file))
  assert len(rows) >= 2
  result = tmp_path / "result.json"
  programs.finish(
    programs.start(
      "evaluate.py",
      f"--checkpoint={workdir}",
      "--episodes=1",
      f"--output={result}",
    )
  )
  (episode,) = json.loads(result.read_text())["episodes"]
  for row in (*rows, episode):
    assert columns == {name for name in row if name.startswith("event_")}


def test_an_event_that_never_happened_is_a_zero(tmp_path):
  mine, result = tmp_path / "mine.toml", tmp_path / "result.json"
  mine.write_text(_GUIDE[-1])
  command = (
    "evaluate.py",
    "--checkpoint=random",
    f"--game={mine}",
    "--episodes=1",
    "--max_episode_frames=100",
    f"--output={result}",
  )
  programs.finish(programs.start(*command))
  (episode,) = json.loads(result.read_text())["episodes"]
  assert episode["event_brick"] == 0
  assert episode["event_ball_lost"] == 0
