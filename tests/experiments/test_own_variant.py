"""A run of a variant that its user wrote, and then edited."""

from tests.experiments import programs

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
