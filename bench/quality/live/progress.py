"""Progress of long work: a bar with rate and remaining time on a terminal, a plain line every 5 s elsewhere."""
import sys
import time

REDRAW_SECONDS = 0.1
PLAIN_SECONDS = 5.0
BAR_WIDTH = 24
CLEAR_LINE = "\r\x1b[K"


def short_time(seconds):
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    return f"{int(seconds) // 60} min {int(seconds) % 60} s"


def line(done, total, seconds, with_bar):
    """[######..................] 25 %  250 of 1,000  500/s  1.5 s left"""
    share = done / total if total else 1.0
    filled = int(share * BAR_WIDTH)
    rate = done / max(seconds, 1e-3)
    text = f"[{'#' * filled}{'.' * (BAR_WIDTH - filled)}] " if with_bar else ""
    text += f"{int(share * 100)} %  {done:,} of {total:,}  {rate:,.{1 if rate < 10 else 0}f}/s"
    if 0 < done < total:
        text += f"  {short_time((total - done) / rate)} left"
    return text


class Meter:
    """One piece of work. `show` as often as you like; `end` leaves the last line on a terminal."""

    def __init__(self, title, total, report=sys.stderr, quiet=False):
        self._title, self._total, self._report, self._quiet = title, total, report, quiet
        self._terminal = report.isatty()
        self._began = self._drawn = time.monotonic()
        self._done = 0

    def show(self, done):
        self._done = done
        now = time.monotonic()
        if self._quiet or now - self._drawn < (REDRAW_SECONDS if self._terminal else PLAIN_SECONDS):
            return
        self._drawn = now
        self._write("" if self._terminal else "\n")

    def end(self):
        if self._terminal and not self._quiet:
            self._write("\n")

    def _write(self, after):
        text = line(self._done, self._total, time.monotonic() - self._began, self._terminal)
        self._report.write(f"{CLEAR_LINE if self._terminal else ''}{self._title}: {text}{after}")
        self._report.flush()

    def over(self, items):
        """Iterates and shows."""
        for done, item in enumerate(items, start=1):
            yield item
            self.show(done)
        self.end()
