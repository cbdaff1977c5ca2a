"""A study's report: what was found, and all that it takes to find it again."""

import html
import json
import pathlib
import shlex
from collections.abc import Mapping, Sequence

from . import archive, arms, findings, statistics
from . import medians as medians_lib
from . import results as results_lib
from .results import Result
from .scales import Scale
from .study import Run, Study

Table = list[list[str]]  # the first row is the header

_FIGURES = {
  "curves": "Returns of evaluations over frames: mean over seeds, their number"
  " in brackets, with its 95 % interval. Gray: published, see published.py.",
  "finals": "Mean return of the last quarter of the evaluations. Gray: seeds;"
  " line: 95 % interval of their mean.",
  "zero_shot": "The game's own score in evaluations of the policies while they"
  " are pre-trained without it.",
  "extra_action": "Share of evaluation steps at which the agent called its"
  " pre-trained policy by a⁺: mean over seeds, with its 95 % interval.",
  "medians": "Median human-normalised score over frames, with its 95 %"
  " interval.",
  "zero_shot_medians": "The same of policies while they are pre-trained without"
  " a reward.",
  "budgets": "Median human-normalised score by the frames of pre-training, with"
  " its 95 % interval.",
}
_NOTES = {
  "Claims": "Differences with their 95 % intervals by bootstrap over seeds. p:"
  " how often chance alone gives a difference as large, or larger, by an exact"
  f" permutation test. What has p ≤ {findings.LEVEL} holds; the contrary holds"
  " where the opposite difference has. overall: mean of all evaluations; early:"
  " of the first half of them.",
}
_STYLE = (
  "body{font:16px/1.5 sans-serif;max-width:70em;margin:2em auto;padding:0 1em}"
  "table{border-collapse:collapse;margin:1em 0}td,th{border:1px solid #bbb;"
  "padding:.2em .6em;text-align:left}img{max-width:100%}"
  "td:last-child{overflow-wrap:anywhere}"
)


def scores(results: Sequence[Result], study: Study) -> Table:
  """Final and overall returns of each arm on each game."""
  table = [
    ["game", "arm", "seeds", "final return", "return over all evaluations"]
  ]
  for game in study.games:
    for arm in study.arms:
      seeds = results_lib.select(results, game, arm)
      if seeds:
        row = [game, arms.LABELS[arm], str(len(seeds))]
        for measure in (results_lib.final, results_lib.overall):
          row.append(_interval(statistics.mean([list(map(measure, seeds))])))
        table.append(row)
  return table


def medians(results: Sequence[Result], study: Study) -> Table:
  """Human-normalised medians; nothing but the header for other games."""
  table = [["games", "arm", "median human-normalised score"]]
  for name, suite in medians_lib.within(study.games).items():
    for arm in study.arms:
      interval = medians_lib.final(results, suite, arm)
      if interval is not None:
        table.append([name, arms.LABELS[arm], _interval(interval)])
  return table


def claims_table(
  results: Sequence[Result], study: Study, plan: Sequence[Run]
) -> Table:
  """Each claim of the paper's, and what became of it here."""
  table = [["claim", "game", "compared", "difference", "p", "seeds", "here"]]
  for claim in study.claims:
    found = findings.examine(claim, results, plan)
    table.append([claim.text, *[""] * 5, findings.verdict(found)])
    table += [["", *_finding(finding)] for finding in found]
  return table


def _finding(finding: findings.Finding) -> list[str]:
  comparison = finding.comparison
  what = arms.LABELS[comparison.better]
  seeds = str(finding.seeds[0])
  if comparison.worse is not None:
    what += f" less {arms.LABELS[comparison.worse]}"
    seeds += f", {finding.seeds[1]}"
  return [
    comparison.game,
    f"{what}; {comparison.measure.replace('_', ' ')}",
    "" if finding.interval is None else _interval(finding.interval),
    "" if finding.p_value is None else f"{finding.p_value:.2g}",
    seeds,
    finding.verdict,
  ]


def commands(results: Sequence[Result], folder: pathlib.Path) -> Table:
  """Each run's command, with what it ran on."""
  table = [["run", "seconds", "commit", "jax", "command"]]
  for result in results:
    workdir = folder / result.run.name
    record = json.loads((workdir / results_lib.RECORD).read_text())
    table.append(
      [
        result.run.name,
        f"{result.evaluations['walltime'][-1]:,.0f}",
        str(record["commit"])[:9],
        record["versions"]["jax"],
        shlex.join(result.run.typed(pathlib.Path("FOLDER"))),
      ]
    )
  return table


def configuration(study: Study, scale: Scale) -> Table:
  """What the study and its scale are."""
  fields = {"games": ", ".join(study.games), "arms": ", ".join(study.arms)}
  for game, names in study.fewer_arms.items():
    fields[f"arms on {game}"] = ", ".join(names)
  fields["seeds"] = str(min(study.seeds, scale.seeds))
  for arm, seeds in study.more_seeds.items():
    fields[f"seeds of {arm}"] = str(min(seeds, scale.seeds))
  for name, policies in study.pretraining_seeds.items():
    fields[f"policies by {name}, in turns"] = str(policies)
  fields["frames"] = f"{study.frames or scale.frames:,}"
  fields["frames of pre-training"] = ", ".join(
    f"{share * scale.pretraining_frames:,.0f}"
    for share in study.pretraining_shares
  )
  flags = {**scale.flags, **study.flags}
  fields["flags"] = " ".join(f"--{k}={v}" for k, v in flags.items())
  return [["setting", "value"], *map(list, fields.items())]


def markdown(tables: dict[str, Table], figures: Sequence[str]) -> str:
  """The report without the commands."""
  parts = []
  for title, table in tables.items():
    parts += [f"## {title}", _markdown_table(table), _NOTES.get(title, "")]
  for name in figures:
    parts += [f"![{name}]({name}.png)", _FIGURES[name]]
  return "\n\n".join(filter(None, parts)) + "\n"


def page(
  study: Study,
  scale: Scale,
  summary: str,
  tables: dict[str, Table],
  figures: Sequence[str],
  links: Mapping[str, str],
) -> str:
  """The whole report as one page, its pictures beside it.

  Args:
    study, scale: That it is of.
    summary: Its first paragraph.
    tables: By title.
    figures: Names of the pictures.
    links: Of what stands in a cell, where it leads to.
  """
  parts = [
    "<!doctype html><meta charset=utf-8>",
    f"<title>{html.escape(study.name)}</title><style>{_STYLE}</style>",
    f"<h1>{html.escape(study.title)}</h1>",
    f"<p>Study {study.name} at scale {scale.name}. {html.escape(summary)}"
    f" <a href={archive.NAME}>Their logs.</a></p>",
  ]
  for name in figures:
    parts += [
      f"<img src={name}.svg alt={name}>",
      f"<p>{html.escape(_FIGURES[name])}</p>",
    ]
  for title, table in tables.items():
    parts += [f"<h2>{html.escape(title)}</h2>", _html_table(table, links)]
    parts.append(f"<p>{html.escape(_NOTES.get(title, ''))}</p>")
  return "\n".join(parts) + "\n"


def _interval(interval: statistics.Interval) -> str:
  if interval.low <= interval.high:
    return (
      f"{interval.estimate:.4g} ({interval.low:.4g} to {interval.high:.4g})"
    )
  return f"{interval.estimate:.4g}"


def _markdown_table(table: Table) -> str:
  rows = [table[0], ["---"] * len(table[0]), *table[1:]]
  return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def _html_table(table: Table, links: Mapping[str, str]) -> str:
  def content(cell: str) -> str:
    text = html.escape(cell)
    return f"<a href='{links[cell]}'>{text}</a>" if cell in links else text

  rows = []
  for number, row in enumerate(table):
    tag = "td" if number else "th"
    cells = "".join(f"<{tag}>{content(cell)}</{tag}>" for cell in row)
    rows.append(f"<tr>{cells}</tr>")
  return "<table>" + "\n".join(rows) + "</table>"
