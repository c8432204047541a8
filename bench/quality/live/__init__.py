"""Asks a live server whether it tells questions apart: data sets, sessions, figures, reports."""
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[3]
# For `comparing` (servers, tables) and the project's own client.
sys.path[:0] = [str(ROOT / "bench"), str(ROOT / "client" / "python")]
