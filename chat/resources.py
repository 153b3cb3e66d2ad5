"""Owns the version, and where the files beside the code lie: in the checkout, or inside the installed package."""

from pathlib import Path

PACKAGE = Path(__file__).parent
# A wheel brings them along inside the package; in the checkout they stand at the top.
ROOT = PACKAGE if (PACKAGE / "static").is_dir() else PACKAGE.parent

VERSION = "1.0.0"

STATIC = ROOT / "static"
TEMPLATES = ROOT / "templates"
MIGRATIONS = ROOT / "migrations"
# Where create_app keeps its database; None: where Flask says, as for every installed package.
INSTANCE = str(ROOT / "instance") if ROOT is not PACKAGE else None
