"""How `make docs` builds the documentation."""

import pathlib
import re
import sys

import behavior_transfer

sys.path.append(str(pathlib.Path(__file__).parent))  # for `generated`

project = "Behavior Transfer"
release = behavior_transfer.__version__
extensions = [
  "generated",
  "myst_parser",
  "sphinx.ext.autodoc",
  "sphinx.ext.napoleon",
]
html_theme = "furo"
html_title = f"{project} {release}"
html_show_copyright = False
html_static_path = ["_static"]
html_css_files = ["style.css"]

# Studies' reports are parts of other pages.
exclude_patterns = ["studies/*"]

myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "none"
default_role = "code"  # docstrings have single backticks
napoleon_attr_annotations = False
napoleon_use_ivar = True
# What napoleon takes for types: the beginnings of sentences with a colon.
nitpick_ignore_regex = [("py:class", r".*[ {].*")]


def _mark_up(app, what, name, obj, options, lines):
  """Has reStructuredText see the end of `this`es."""
  lines[:] = [re.sub(r"(`[^`]+`)(?=\w)", r"\1\\ ", line) for line in lines]


def setup(app):
  app.connect("autodoc-process-docstring", _mark_up)
