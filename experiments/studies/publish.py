"""Writes a study's report: figures, tables, a page, and the logs."""

import csv
import io
import os
import pathlib
from typing import Any

from behavior_transfer.experiments import workdirs

from . import archive, arms, figures, medians, report, results
from .scales import Scale
from .study import Study, plan


def read(
  study: Study, scale: Scale, folder: pathlib.Path
) -> list[results.Result]:
  """What is complete.

  Raises:
    ValueError: No learner is.
  """
  done = results.read(plan(study, scale), folder)
  if all(map(_is_pretraining, done)):
    raise ValueError(
      f"{folder} holds no complete run of {study.name} at scale {scale.name}"
    )
  return done


def write(
  study: Study,
  scale: Scale,
  folder: pathlib.Path,
  done: list[results.Result],
  output: pathlib.Path,
) -> str:
  """Writes the report of what is complete; one line that sums it up."""
  runs = plan(study, scale)
  learned = [result for result in done if not _is_pretraining(result)]
  archive.write([result.run for result in done], folder, output)
  drawn = _draw(study, scale, done, output)
  hours = sum(r.evaluations["walltime"][-1] for r in done) / 3600
  summary = (
    f"{len(done)} of {len(runs)} runs are complete; they took {hours:.1f} hours"
    " one after the other."
  )
  tables = {
    "Claims": report.claims_table(learned, study, runs),
    "Scores": report.scores(learned, study),
    "Medians": report.medians(learned, study),
  }
  tables = {title: table for title, table in tables.items() if len(table) > 1}
  for title, table in tables.items():
    workdirs.write_text(output / f"{title.lower()}.csv", _csv(table))
  workdirs.write_text(output / "report.md", report.markdown(tables, drawn))
  tables["Configuration"] = report.configuration(study, scale)
  tables["Commands"] = report.commands(done, folder)
  links = {}
  if folder.resolve() in output.resolve().parents:  # they are kept together
    links = {
      result.run.name: os.path.relpath(folder / result.run.name, output)
      for result in done
    }
  workdirs.write_text(
    output / "report.html",
    report.page(study, scale, summary, tables, drawn, links),
  )
  return summary


def _draw(
  study: Study,
  scale: Scale,
  done: list[results.Result],
  output: pathlib.Path,
) -> list[str]:
  """Draws what there is to draw; the names of the figures."""
  greedy = [arm for arm in study.arms if arms.ARMS[arm].has_extra_action]
  roms = [*dict.fromkeys(r.run.game for r in done if _is_pretraining(r))]
  groups, pretrainings = study.groups or [study.arms], [*arms.PRETRAININGS]
  curves: dict[str, tuple[Any, Any, str, str]] = {
    "curves": (study.games, groups, "episode_return", "return, evaluation"),
  }
  if any("extra_action" in result.evaluations for result in done):
    label = "share of a⁺ in greedy play"
    curves["extra_action"] = (study.games, [greedy], "extra_action", label)
  if roms:
    label = "native score"
    curves["zero_shot"] = (roms, [pretrainings], "native_return", label)
  for name, panels in curves.items():
    figures.draw_curves(done, *panels, output / name)
  figures.draw_finals(done, study.games, study.arms, output)
  first, *others = curves
  drawn = [first, "finals", *others]
  if medians.within(study.games):
    for name, names, column in (
      ("medians", study.arms, "episode_return"),
      ("zero_shot_medians", pretrainings, "native_return"),
    ):
      path = output / name
      figures.draw_medians(done, study.games, names, column, path)
      drawn.append(name)
  if len(study.pretraining_shares) > 1:
    budgets = {
      share: share * scale.pretraining_frames
      for share in study.pretraining_shares
    }
    figures.draw_budgets(done, study.games, study.arms, budgets, output)
    drawn.append("budgets")
  return drawn


def _is_pretraining(result: results.Result) -> bool:
  return result.run.arm in arms.PRETRAININGS


def _csv(table: report.Table) -> str:
  text = io.StringIO()
  csv.writer(text).writerows(table)
  return text.getvalue()
