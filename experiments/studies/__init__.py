"""The comparisons of Behavior Transfer (arXiv 2102.13515), sec. 5, as data.

arms.py     ways to pre-train and to learn
suites.py   sets of games
scales.py   how large the runs are
claims.py   what they are said to show
study.py    a study, and the runs that it consists of
results.py, medians.py, findings.py, statistics.py
            what the runs gave, and what becomes of the claims
figures.py, report.py, archive.py, publish.py
            how it is shown, and kept
atari57.py, published.py
            scores by which others are normalised, and to compare with
"""

from behavior_transfer.agents import configs

from .. import presets
from . import arms, claims, suites
from .study import Study

_SMALL = presets.PRESETS["small"].configs[configs.AgentConfig]
STUDIES = {
  study.name: study
  for study in (
    Study(
      "figure1",
      "Behaviour, weights, and both, after pre-training by NGU",
      games=("montezuma_revenge", "defender"),
      arms=("r2d2", "full", "bt_ngu", "bt_full"),
    ),
    Study(
      "figure2",
      "The budget of pre-training",
      games=suites.ATARI_57,
      arms=("bt_ngu",),
      pretraining_shares=(1 / 16, 1 / 4, 1.0),
      pretrainings=("ngu", "rnd", "constant"),
    ),
    Study(
      "figure3",
      "Behaviour alone",
      games=suites.ATARI_57,
      arms=("r2d2", "r2d2_ez", "bt_ngu", "bt_rnd"),
    ),
    Study(
      "figure4",
      "Use of the extra action",
      games=suites.ATARI_57,
      arms=("bt_ngu",),
    ),
    Study(
      "figure5",
      "One pre-trained policy, several tasks",
      games=suites.MODDED,
      arms=("r2d2", "r2d2_ez", "bt_ngu", "bt_rnd"),
    ),
    Study(
      "figure6",
      "Behaviour and weights",
      games=(*suites.ATARI_57, *suites.MODDED[1:3], *suites.MODDED[4:]),
      arms=("r2d2", "partial", "full", "bt_ngu", "bt_partial", "bt_full"),
    ),
    Study(
      "table2",
      "Weights adapted within 100,000 steps",
      games=suites.ATARI_57,
      arms=("r2d2", "full"),
      pretrainings=("ngu", "rnd", "constant"),
      frames=400_000,
      # The paper's learner would wait for 1,000,000 frames, and then take an
      # update every 25,600.
      flags={
        **{k: v for k, v in _SMALL.items() if not callable(v)},
        "evaluation_period": 40_000,
      },
    ),
    Study(
      "ablation",
      "Both parts of Behavior Transfer",
      games=suites.ABLATION,
      arms=("r2d2", "bt_ngu", "bt_no_flights", "bt_no_extra_action"),
    ),
    Study(
      "native",
      "R2D2 on games as they are, beside others' published curves",
      games=("hero", "ms_pacman", "pong", "space_invaders", "breakout"),
      arms=("r2d2",),
      # As the others were evaluated.
      flags={
        "sticky_action_probability": 0.25,
        "full_action_set": False,
        "max_episode_frames": 108_000,
        "evaluation_episodes": 5,
      },
      scale="hours",
    ),
    Study(
      "miniature",
      "The paper's claims in a maze",
      games=suites.MAZE,
      # Those whose policies it pre-trains itself.
      arms=tuple(
        n for n, a in arms.ARMS.items() if "pretrained" not in a.flags
      ),
      groups=(
        ("r2d2", "r2d2_ez", "bt_ngu"),
        ("bt_ngu", "bt_no_flights", "bt_no_extra_action"),
        ("bt_ngu", "bt_rnd", "bt_constant"),
        ("r2d2", "partial", "full", "bt_partial", "bt_full"),
      ),
      fewer_arms={
        "maze_deceptive": ("r2d2", "r2d2_ez", "bt_ngu", "partial", "full"),
        "maze_dense": ("r2d2", "bt_ngu", "partial"),
      },
      scale="miniature",
      more_seeds=dict.fromkeys(
        ("r2d2", "r2d2_ez", "bt_ngu", "bt_no_flights", "bt_no_extra_action"), 5
      ),
      # What is transferred differs much from one policy to the next.
      pretraining_seeds={"ngu": 3},
      claims=claims.MINIATURE,
    ),
    Study(
      "hero_laptop",
      "Hero's re-defined tasks, from the policy that comes with the repository",
      games=("hero_easy", "hero_hard"),
      arms=(
        *("r2d2", "r2d2_ez"),
        *("bt_hero", "bt_hero_no_flights", "bt_hero_no_extra"),
      ),
      groups=(
        ("r2d2", "r2d2_ez", "bt_hero"),
        ("bt_hero", "bt_hero_no_flights", "bt_hero_no_extra"),
      ),
      seeds=5,
      flags={"evaluation_episodes": 10},
      claims=claims.HERO,
    ),
  )
}
